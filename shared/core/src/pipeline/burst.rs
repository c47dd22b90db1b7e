//! An alert among others of its kind: its place, and what is told in place of it once there are too many.

use std::collections::BTreeSet;

use super::Watch;
use super::assess::assess;
use super::audience::is_for_people;
use super::draft::Frame;
use super::portrait::Portrait;
use crate::alert::Alert;
use crate::decision::Occurrence;
use crate::kinds::{Burst, BurstMember};
use crate::ledger::burst::{self, Fold, Note, Owners, Tally, Window};
use crate::ledger::history::Entry;
use crate::ledger::{COUNT, Item, Member, Memory, TIME_TO_LIVE};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::severity::Severity;
use crate::subject::Subject;
use crate::text::Untrusted;

/// People hear of as many shapes within an hour, so that garbage of one shape hides none of another, and none of them
/// fills a mailbox.
const SHAPES: u64 = 8;

/// Its place in the counter of its window.
pub(super) struct Place {
    pub(super) window: Window,
    pub(super) member: Member,
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
                    let full = memory.add(&window.counter(), &number, &Item::new()).await;
                    full.as_ref().map(Tally::beyond)
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

    /// One of a burst, or not.
    pub(super) async fn fold(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        place: &Place,
        read: &[Item],
    ) -> Fold {
        let Some(tally) = &place.tally else {
            return Fold::Singly;
        };
        let before = place.window.counter_before();
        let before = read.iter().find(|item| before.names(item));
        let fold = burst::fold(tally, before, alert.occurred_at);
        if fold == Fold::Singly || alert.severity != Severity::Critical {
            return fold;
        }
        // What is critical goes out by itself as long as the mailboxes bear it.
        let second = burst::second(&account_key(alert), alert.occurred_at);
        let ttl = burst::counted_until(self.clock.now());
        let once = Item::from_iter([(TIME_TO_LIVE.to_owned(), ttl.into())]);
        let number = [COUNT.to_owned()];
        let counter = memory.add(&second, &number, &once).await;
        let count = counter.and_then(|counter| counter.get(COUNT)?.as_u64());
        if count.is_some_and(|count| count > burst::CRITICAL_A_SECOND) {
            fold
        } else {
            Fold::Singly
        }
    }

    /// The alerts about a burst that are due with `alert`, its member: one for each owner concerned at a step, else one
    /// for the owner of `alert` if it is the owner's first.
    pub(super) async fn bursts(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        place: &Place,
        count: u64,
        step: Option<u64>,
    ) -> Vec<Alert> {
        let now = self.clock.now();
        let own = alert.owner().map_or("", Untrusted::as_str);
        let (numbers, once) = Owners::entry(own, &alert.id, now);
        let owners = memory.add(&place.window.owners(), &numbers, &once).await;
        let owners = owners.map_or_else(Owners::default, |item| Owners::read(&item));
        let is_first = owners
            .all()
            .iter()
            .all(|owner| owner.name != own || owner.first == alert.id);
        if step.is_none() && !is_first {
            return Vec::new();
        }
        let members = self.members(memory, alert, place).await;
        let mut concerned: BTreeSet<&str> = BTreeSet::from([own]);
        if step.is_some() {
            concerned.extend(owners.all().iter().map(|owner| owner.name.as_str()));
            concerned.extend(members.iter().map(|(owner, _, _)| owner.as_str()));
            // Who is told at a step is not told as one whose first key it is.
            let told = Owners::told(concerned.iter().copied(), &alert.id, now);
            memory.add(&place.window.owners(), &[], &told).await;
        }
        concerned
            .into_iter()
            .map(|owner| {
                let of_owner = members.iter().filter(|(name, _, _)| name == owner);
                let severity = of_owner
                    .clone()
                    .map(|(_, severity, _)| *severity)
                    .max()
                    .unwrap_or(alert.severity);
                let members: Vec<_> = of_owner.map(|(_, _, member)| member.clone()).collect();
                let folded = owners.all().iter().find(|entry| entry.name == owner);
                let folded = folded.map_or(0, |entry| entry.folded);
                let kind = Burst {
                    of: alert.kind,
                    count,
                    owner: Untrusted::new(owner).non_empty(),
                    more: folded.saturating_sub(members.len() as u64),
                    members,
                    since: place.window.start(),
                    event_name: alert.source.event_name.clone(),
                    series: place.window.counter().sort,
                    step: step.unwrap_or(count),
                    severity,
                };
                self.burst_alert(alert, kind)
            })
            .filter(|burst| is_for_people(&self.config, burst))
            .collect()
    }

    fn burst_alert(&self, alert: &Alert, kind: Burst) -> Alert {
        let occurrence = Occurrence {
            kind: kind.into(),
            subject: Subject::Account {
                partition: alert.partition.clone(),
                account: alert
                    .account
                    .clone()
                    .unwrap_or_else(|| self.config.alert_topic.account().clone()),
                region: alert
                    .region
                    .clone()
                    .unwrap_or_else(|| self.config.alert_topic.region().clone()),
            },
            occurred_at: Some(alert.occurred_at),
            actor: alert.actor.clone(),
            source: alert.source.clone(),
            call_id: None,
            unrecorded: None,
        };
        assess(
            &self.config,
            occurrence,
            alert.occurred_at,
            Portrait::blank(),
        )
    }

    /// The members of the burst that the counter keeps, from the history, with their owners; `alert` is the last.
    async fn members(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        place: &Place,
    ) -> Vec<(String, Severity, BurstMember)> {
        let notes = place.tally.iter().flat_map(|tally| &tally.notes);
        let notes: Vec<&Note> = notes.filter(|note| note.alert != alert.id).collect();
        let keys: Vec<_> = notes
            .iter()
            .map(|note| Entry::key(&note.about, note.at, &note.alert))
            .collect();
        let items = memory.read(&keys).await;
        let mut members: Vec<_> = notes
            .iter()
            .zip(&keys)
            .filter_map(|(note, key)| {
                let entry = Entry::read(items.iter().find(|item| key.names(item))?)?;
                let owner = entry.owner.as_ref().map_or("", Untrusted::as_str);
                let severity = entry.severity.parse().unwrap_or(alert.severity);
                Some((
                    owner.to_owned(),
                    severity,
                    member(note.about.clone(), &entry),
                ))
            })
            .collect();
        let last = alert.entry(true, alert.occurred_at);
        let about = match (&alert.key, &alert.key_store) {
            (Some(key), _) => key.arn.to_string(),
            (None, Some(store)) => store.id.as_str().to_owned(),
            (None, None) => String::new(),
        };
        let owner = alert.owner().map_or("", Untrusted::as_str);
        members.push((owner.to_owned(), alert.severity, member(about, &last)));
        members
    }
}

fn account_key(alert: &Alert) -> String {
    let account = alert
        .account
        .as_ref()
        .map_or("", |account| account.as_str());
    let region = alert.region.as_ref().map_or("", |region| region.as_str());
    format!("account#{account}#{region}")
}

fn member(about: String, entry: &Entry) -> BurstMember {
    BurstMember {
        about,
        name: entry.name.clone(),
        severity: Untrusted::new(&entry.severity),
        alert_id: entry.alert_id.clone(),
    }
}
