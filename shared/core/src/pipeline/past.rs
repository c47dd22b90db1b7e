//! What was told earlier of the story that an alert is a part of.

use jiff::Timestamp;

use super::Watch;
use super::draft::Frame;
use super::named::find_raised;
use super::story::{dedup_key, indexes};
use crate::decision::Occurrence;
use crate::kinds::story::{Part, Status, Story};
use crate::ledger::history::Entry;
use crate::ledger::{Item, ItemKey, Memory, Openings};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, is_identifier};

/// Longest `dedupKey` in characters: what PagerDuty takes (Events API v2).
const LONGEST: usize = 255;

/// What the history has of a story, up to what happens now.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The alerts that are open.
    told: Vec<Entry>,
    /// It was opened again by something that happened later.
    goes_on: bool,
    /// Some of them are of the alert's own story, and not only of the one without a name.
    own_is_told: bool,
    /// The stories that they are parts of: the alert's own first.
    stories: Vec<(ItemKey, Openings)>,
}

/// What an alert is in its story.
pub(super) struct Role {
    pub(super) dedup_key: String,
    pub(super) status: Status,
    pub(super) resolves: Vec<String>,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Looks up what the occurrence may end. It costs a read where something is open, and nothing else does.
    pub(super) async fn look_back(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        frame: &Frame,
        items: &[Item],
    ) -> Past {
        let keys = indexes(occurrence, &frame.partition);
        let indexed = keys.into_iter().map(|key| {
            let openings = Openings::find(items, &key);
            (key, openings)
        });
        let mut past = Past {
            stories: indexed.collect(),
            ..Past::default()
        };
        if !occurrence.kind.story().looks_back {
            return past;
        }
        past.goes_on = past
            .stories
            .iter()
            .any(|(_, open)| open.is_open_after(frame.at));
        let raised = raised(occurrence, frame, items);
        let mut sorts: Vec<String> = past.open_until(frame.at);
        sorts.extend(raised.iter().map(|(sort, _)| sort.clone()));
        if sorts.is_empty() {
            return past;
        }
        let keys = sorts
            .iter()
            .map(|sort| ItemKey::new(&frame.partition, sort));
        let other = raised.as_ref().and_then(|(_, other)| other.clone());
        let keys: Vec<_> = keys.chain(other.clone()).collect();
        let read = memory.read(&keys).await;
        if let (Some((sort, _)), Some(other)) = (&raised, other) {
            let openings = Openings::find(&read, &other);
            if openings.until(frame.at).all(|open| open != sort) {
                // It was closed by what happened, before the alarm noticed.
                return past;
            }
            past.stories.push((other, openings));
        }
        let own = occurrence.kind.story().condition;
        let others = past
            .stories
            .iter()
            .filter_map(|(key, _)| Openings::condition(key));
        let names: Vec<_> = own
            .as_deref()
            .into_iter()
            .chain(others)
            .map(|condition| dedup_key(&frame.subject, condition))
            .collect();
        past.told = prove(&frame.partition, &sorts, &read, &names);
        past.own_is_told = own.is_some_and(|own| {
            let own = dedup_key(&frame.subject, &own);
            past.told
                .iter()
                .any(|entry| entry.dedup_key.as_ref() == Some(&own))
        });
        past
    }
}

/// The place in the history of the alert that told of an alarm, and the index of its story if that is not the alarm's own.
fn raised(
    occurrence: &Occurrence,
    frame: &Frame,
    items: &[Item],
) -> Option<(String, Option<ItemKey>)> {
    let raised = find_raised(items, frame)?;
    occurrence.kind.alarm()?;
    let sort = Entry::key(&frame.partition, raised.at, &raised.alert_id).sort;
    let condition = raised
        .condition
        .filter(|it| it.split('#').all(is_identifier));
    Some((
        sort,
        condition.map(|it| Openings::key(&frame.partition, &it)),
    ))
}

/// The alerts at these places that the history has, under one of these names of stories.
fn prove(partition: &str, sorts: &[String], read: &[Item], names: &[String]) -> Vec<Entry> {
    let entries = sorts.iter().filter_map(|sort| {
        let key = ItemKey::new(partition, sort);
        let entry = Entry::read(read.iter().find(|item| key.names(item))?)?;
        let is_it = Entry::key(partition, entry.occurred_at, &entry.alert_id) == key;
        // An alarm may have gone off before the history named stories.
        let is_of_story = entry
            .dedup_key
            .as_ref()
            .is_none_or(|key| names.contains(key));
        (is_it && is_of_story && is_identifier(&entry.alert_id)).then_some(entry)
    });
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|entry| entry.occurred_at);
    entries.dedup_by(|one, other| one.alert_id == other.alert_id);
    entries
}

impl Past {
    /// People heard of what an alert that does `part` ends, or tells the outcome of.
    pub(super) fn is_heard(&self, part: Part) -> bool {
        part != Part::Opens && part != Part::Event && self.told.iter().any(Entry::is_heard)
    }

    /// People got a mail about something that the alert ends, at once.
    pub(super) fn is_mailed(&self, part: Part) -> bool {
        self.is_heard(part) && self.told.iter().any(Entry::is_mailed)
    }

    fn open_until(&self, at: Timestamp) -> Vec<String> {
        let open = self.stories.iter().flat_map(|(_, open)| open.until(at));
        open.map(str::to_owned).collect()
    }

    /// What an alert about `subject` is that does `part` in its story.
    pub(super) fn role(&self, subject: &Subject, story: &Story, part: Part, id: &str) -> Role {
        let ends = part.looks_back();
        let told = self.told.iter().filter(|_| ends);
        let status = match part.status(!self.told.is_empty()) {
            // It came late: the story has been opened again.
            Status::Closed if self.goes_on => Status::Open,
            status => status,
        };
        // What turns out to be no part of a story has none.
        let is_alone = match part {
            Part::Event => story.part != Part::Event,
            Part::Mends => self.told.is_empty(),
            _ => false,
        };
        let own = match story.condition.as_ref().filter(|_| !is_alone) {
            Some(condition) => dedup_key(subject, condition),
            None => dedup_key(subject, &format!("event#{id}")),
        };
        let known = self.told.iter().filter_map(|entry| entry.dedup_key.clone());
        let mut known = known.filter(|key| key.len() <= LONGEST);
        Role {
            // What opened it may not have known all that this one knows.
            dedup_key: if !known.any(|key| key == own) {
                let known = self.told.iter().find_map(|entry| entry.dedup_key.clone());
                known.unwrap_or(own)
            } else {
                own
            },
            status,
            resolves: told.map(|entry| entry.alert_id.clone()).collect(),
        }
    }

    /// What an alert ends, in one line.
    pub(super) fn words(&self, part: Part) -> Text {
        let Some(first) = self.told.first().filter(|_| part.looks_back()) else {
            return Text::new();
        };
        let mut text = text![
            if part == Part::Ends { "Ends" } else { "Closes" },
            " the alert of ",
            first.occurred_at,
            ": \"",
            first.title.shortened(120),
            "\""
        ];
        match self.told.len() - 1 {
            0 => {}
            1 => text.push(" (and 1 later one)"),
            more => text.push(text![" (and ", more, " later ones)"]),
        }
        text.push(".");
        text
    }

    /// What is to be written of the story once the alert `sort`, which does `part`, is out.
    pub(super) fn marks(&self, part: Part, sort: &str, at: Timestamp, now: Timestamp) -> Vec<Item> {
        let items = self.stories.iter().enumerate();
        items
            .filter_map(|(place, (key, open))| {
                let new = match part {
                    Part::Opens | Part::GoesOn if place == 0 => open.clone().with(sort),
                    // An alert closes one story by its `dedupKey`. What else is open without a name stays so for the end that
                    // has that key: of the alarm that began it, or the next.
                    Part::Closes | Part::Mends | Part::Ends if place == 0 || !self.own_is_told => {
                        open.clone().ended(at)
                    }
                    _ => return None,
                };
                (new != *open).then(|| new.item(key, now))
            })
            .collect()
    }
}
