//! An alert among others of its kind: its place, whether it goes out by itself, and what is held back if it does not.

use std::time::Duration;

use jiff::Timestamp;

use super::Watch;
use super::draft::{Frame, home};
use super::holding::{Due, Holding, Member};
use crate::alert::Alert;
use crate::decision::Occurrence;
use crate::ledger::burst::{self, Fold, Note, SINGLY, Tally, Window};
use crate::ledger::held::{Held, Open};
use crate::ledger::history::{Entry, Heard};
use crate::ledger::{COUNT, Item, ItemKey, Memory, TIME_TO_LIVE};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::severity::Severity;
use crate::source::Via;

/// Most items with what is held back that are read at once.
const ITEMS_AT_ONCE: usize = 20;
/// Most owners of one burst who are told as soon as it reaches their keys.
const OWNERS_AT_ONCE: usize = 20;
/// How long what is critical waits for others of its second, if there are too many for single mails.
const GATHERING: Duration = Duration::from_secs(1);

/// People hear of as many shapes within an hour, so that garbage of one shape hides none of another, and none of them
/// fills a mailbox.
const SHAPES: u64 = 8;

/// Its place in the counter of its window.
pub(super) struct Place {
    pub(super) window: Window,
    member: crate::ledger::Member,
    /// `None` if the ledger did not answer.
    pub(super) tally: Option<Tally>,
}

impl Place {
    /// Of its shape another one was counted before `alert`, or of other shapes as many as people hear of.
    pub(super) fn is_later(&self, alert: &str) -> bool {
        self.tally.as_ref().is_some_and(|tally| {
            let own = tally.notes.last().is_some_and(|note| note.alert == alert);
            tally.place > SHAPES || !own
        })
    }
}

/// How people hear of an alert that they want.
pub(super) enum Way {
    /// By itself. In a burst, no other of its urgency needs to go out so from now on.
    Singly {
        /// Whether it is one of a burst.
        in_burst: bool,
    },
    /// Together with others, now or later.
    Held(Holding),
}

/// What people know of a burst.
struct Told {
    /// The most urgent that they were told; `None` if that is not known.
    level: Option<Severity>,
    /// The alerts that went out by themselves, and those that are held back.
    members: Vec<Member>,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Takes the occurrence into the counter of its window.
    pub(super) async fn count(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        frame: &Frame,
    ) -> Option<Place> {
        let window = frame.window.clone()?;
        let note = Note {
            at: frame.at,
            alert: occurrence.alert_id(frame.at),
            about: frame.partition.clone(),
            quiet: false,
        };
        // What is told by its shape is counted by it.
        let identity = occurrence.kind.shape();
        let identity = identity.unwrap_or_else(|| occurrence.identity());
        let identity = format!("{}\n{identity}", note.about);
        let member = burst::member(&identity, &note, self.clock.now());
        let counter = memory.count(&window.counter(), &member).await;
        let tally = match counter {
            None => None,
            Some(counter) => match Tally::read(&counter, &member) {
                Some(tally) => Some(tally),
                None => {
                    let number = [COUNT.to_owned()];
                    let full = memory
                        .add(&window.counter(), &number, &Item::new(), &Item::new())
                        .await;
                    full.as_ref().and_then(Tally::beyond)
                }
            },
        };
        Some(Place {
            window,
            member,
            tally,
        })
    }

    /// Says in the counter that the alert is none that people want.
    pub(super) async fn uncount(&self, memory: &Memory<'_, L>, place: Option<&Place>) {
        if let Some(Place {
            window,
            member,
            tally: Some(_),
        }) = place
        {
            let mut note = member.note.clone();
            note.insert("quiet".to_owned(), true.into());
            let mut change = Item::new();
            change.insert(member.note_name(), note.into());
            memory.set(&window.counter(), &change).await;
        }
    }

    /// Whether an alert that people want goes out by itself. It does unless it is one of many, no more urgent than what
    /// people were told of them, and surely written down for later.
    pub(super) async fn way(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        frame: &Frame,
        place: &Place,
        read: &[Item],
    ) -> Way {
        let window = &place.window;
        let before = window.counter_before();
        let before = read.iter().find(|item| before.names(item));
        let Some(tally) = &place.tally else {
            return Way::Singly { in_burst: false };
        };
        let Fold::Folded { count, step } = burst::fold(tally, before, alert.occurred_at) else {
            // One that the counter does not keep is found by nobody who looks for what people know.
            let kept = tally.notes.iter().any(|note| note.alert == alert.id);
            return Way::Singly { in_burst: !kept };
        };
        let critical = alert.severity == Severity::Critical;
        if critical && self.has_room(memory, frame).await {
            return Way::Singly { in_burst: true };
        }
        let told = self.told(memory, alert, place, tally, before).await;
        let level = match told.level {
            // What is critical is held back only where mailboxes would not bear it, and for a second.
            _ if critical => Severity::Critical,
            Some(level) if alert.severity <= level => level,
            _ => return Way::Singly { in_burst: true },
        };
        let held = held(alert, frame);
        let Some(item) = window.held(tally.place).next() else {
            return Way::Singly { in_burst: true };
        };
        if !self.hold(memory, alert, &held, &item, window, read).await {
            return Way::Singly { in_burst: true };
        }
        let mut members = told.members;
        // What a sweep holds back it tells itself, when it has looked at everything: in as few messages as there are owners.
        let swept = alert.source.via == Via::Sweep;
        if critical && !swept {
            tokio::time::sleep(GATHERING).await;
            members = self.told(memory, alert, place, tally, before).await.members;
        }
        members.retain(|member| member.held.alert != held.alert || member.held.told);
        let gathered = members.iter().any(|m| m.held.alert == held.alert);
        // One of those that gathered tells of all.
        let first = members.iter().filter(|m| !m.held.told);
        let led = first.map(|m| &m.held.alert).min() < Some(&held.alert);
        let led = led && members.iter().any(|member| !member.held.told);
        let due = match () {
            () if swept => Due::Later,
            () if critical && (gathered || led) => Due::Later,
            () if critical || step.is_some() => Due::All,
            () => late_owner(&held, &members),
        };
        if !gathered {
            members.push(Member {
                item: Some(item),
                held,
            });
        }
        Way::Held(Holding {
            count,
            due,
            members,
            since: window.start(),
            series: window.counter().sort,
            level,
        })
    }

    /// What is critical goes out by itself as long as the mailboxes bear it.
    async fn has_room(&self, memory: &Memory<'_, L>, frame: &Frame) -> bool {
        let second = burst::second(&frame.subject.account_key(), frame.at);
        let once = Item::from_iter([(
            TIME_TO_LIVE.to_owned(),
            burst::counted_until(self.clock.now()).into(),
        )]);
        let counter = memory
            .add(&second, &[COUNT.to_owned()], &once, &Item::new())
            .await;
        let count = counter.and_then(|counter| counter.get(COUNT)?.as_u64());
        count.is_none_or(|count| count <= burst::CRITICAL_A_SECOND)
    }

    /// What people know of the burst: from the history, which is written once they know, and from what is held back.
    async fn told(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        place: &Place,
        tally: &Tally,
        before: Option<&Item>,
    ) -> Told {
        let window = &place.window;
        let first = |notes: Vec<Note>| notes.into_iter().take(SINGLY as usize);
        let notes: Vec<Note> = first(tally.notes.clone())
            .chain(first(before.map_or_else(Vec::new, |before| {
                burst::recent(before, alert.occurred_at)
            })))
            .filter(|note| note.alert != alert.id)
            .collect();
        let entries: Vec<ItemKey> = notes
            .iter()
            .map(|note| Entry::key(&note.about, note.at, &note.alert))
            .collect();
        let levels = [window.told(), window.told_before()];
        let held: Vec<_> = window.held(tally.place).take(ITEMS_AT_ONCE).collect();
        let keys: Vec<_> = [&entries[..], &levels, &held].concat();
        let items = memory.read(&keys).await;
        let find = |key: &ItemKey| items.iter().find(|item| key.names(item));

        let singly = notes.iter().zip(&entries).filter_map(|(note, key)| {
            let entry = Entry::read(find(key)?).filter(|entry| !entry.folded)?;
            Some(Member::singly(note, entry))
        });
        let singly: Vec<Member> = singly.collect();
        let raised = levels
            .iter()
            .filter_map(|key| find(key)?.get("severity")?.as_str()?.parse().ok());
        let level = singly.iter().map(|m| m.held.severity()).chain(raised).max();
        let mut members = singly;
        for item in held.iter().rev() {
            let held = find(item).map_or_else(Vec::new, Held::read_all);
            members.extend(held.into_iter().map(|held| Member {
                item: Some(item.clone()),
                held,
            }));
        }
        Told { level, members }
    }

    /// Writes down what people are to be told later; whether that is sure.
    async fn hold(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        held: &Held,
        item: &ItemKey,
        window: &Window,
        read: &[Item],
    ) -> bool {
        let list = Open::list(&home(&self.config));
        let listed = read.iter().find(|item| list.names(item));
        let listed = listed.map_or_else(Vec::new, Open::read_all).into_iter();
        let now = self.clock.now();
        let mut open = open(alert, item, window, now);
        if let Some(listed) = listed
            .filter(|listed| listed.item == *item)
            .map(|listed| listed.until)
            .next()
        {
            // It does not begin anew with each alert.
            open.until = open.until.min(listed);
        }
        memory.keep(item, &held.change(now)).await && memory.keep(&list, &open.change()).await
    }
}

fn held(alert: &Alert, frame: &Frame) -> Held {
    let entry = alert.entry(Heard::Together, frame.now);
    Held {
        alert: entry.alert_id,
        at: entry.occurred_at,
        about: frame.partition.clone(),
        name: entry.name,
        owner: alert.owner().cloned(),
        severity: entry.severity,
        told: false,
        kind: None,
        title: None,
    }
}

fn open(alert: &Alert, item: &ItemKey, window: &Window, now: Timestamp) -> Open {
    let actor = alert.actor.as_ref();
    Open {
        item: item.clone(),
        kind: alert.kind.to_owned(),
        actor: actor.map(|actor| (actor.kind.clone(), actor.name.clone(), actor.arn.clone())),
        via: alert.source.via.as_str().to_owned(),
        event_name: alert.source.event_name.clone(),
        place: (
            alert.partition.as_str().to_owned(),
            alert
                .account
                .as_ref()
                .map_or_else(String::new, |account| account.as_str().to_owned()),
            alert
                .region
                .as_ref()
                .map_or_else(String::new, |region| region.as_str().to_owned()),
        ),
        since: window.start(),
        until: Open::until(window.start(), now),
    }
}

/// An owner whose keys come late hears of the burst at once.
fn late_owner(held: &Held, members: &[Member]) -> Due {
    let mut owners: Vec<&str> = members.iter().map(Member::owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let own = held.owner.as_ref().map_or("", |owner| owner.as_str());
    if owners.contains(&own) || owners.len() >= OWNERS_AT_ONCE {
        Due::Later
    } else {
        Due::Owner(own.to_owned())
    }
}
