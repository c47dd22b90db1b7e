//! Burst control: one actor who does the same to many keys fills nobody's mailbox.
//!
//! More than five alerts of one kind by one actor within five minutes fold into one for each owner concerned: none is
//! more urgent than what people were told by then, and each is named to them later ([`held`](super::held)). They are
//! counted before anybody knows how severe they are, in parallel with everything else: each is a member of a counter of
//! its five minutes, once, however often it is told. The counter of the five minutes before is read along, so that the
//! edge between two windows is no way through.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::held::HELD;
use crate::hash::short_hash;
use crate::items::{COUNT, COUNTED_DAYS, Item, ItemKey, Member, expiry, to_item};

/// Length of a window in minutes.
pub const WINDOW_MINUTES: i64 = 5;
/// How many alerts within a window go out one by one.
pub const SINGLY: u64 = 5;
/// Positions in a burst at which people are told of it.
const STEPS: [u64; 11] = [
    6, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000,
];
/// How many critical alerts a second go out one by one: SNS suspends an e-mail endpoint above ten messages a second
/// (SNS Developer Guide, e-mail notifications).
pub const CRITICAL_A_SECOND: u64 = 10;
/// How many members a counter keeps. A counter is written as a whole each time, so that it must stay small.
const CAPACITY: u64 = 50;

/// How many alerts that are held back one item keeps.
const HELD_IN_AN_ITEM: u64 = 50;

/// What a counter keeps of a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// When it happened.
    pub at: Timestamp,
    /// Id of the alert.
    pub alert: String,
    /// Partition key of what it is about.
    pub about: String,
    /// It turned out to be none that people want, so it does not count.
    #[serde(default)]
    pub quiet: bool,
}

/// A window in which something is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    partition: String,
    name: String,
    start: Timestamp,
}

impl Window {
    /// The five minutes around `at` in which `actor` does `kind`, in the account `partition`.
    pub fn of_burst(partition: &str, kind: &str, actor: &str, at: Timestamp) -> Self {
        let name = format!("burst#{kind}#{}", short_hash(actor));
        Self::around(partition, name, at, WINDOW_MINUTES * 60)
    }

    /// The hour around `at` for `what`.
    pub fn of_hour(partition: &str, what: &str, at: Timestamp) -> Self {
        Self::around(partition, what.to_owned(), at, 3_600)
    }

    fn around(partition: &str, name: String, at: Timestamp, seconds: i64) -> Self {
        let start = at.as_second() - at.as_second().rem_euclid(seconds);
        Self {
            partition: partition.to_owned(),
            name,
            start: Timestamp::from_second(start).unwrap_or(at),
        }
    }

    /// When it begins.
    pub fn start(&self) -> Timestamp {
        self.start
    }

    /// Its counter.
    pub fn counter(&self) -> ItemKey {
        self.item(self.start, "")
    }

    /// The counter of the window of a burst before it.
    pub fn counter_before(&self) -> ItemKey {
        self.item(self.start_before(), "")
    }

    /// The most urgent that people were told of the burst, beyond the first alerts.
    pub fn told(&self) -> ItemKey {
        self.item(self.start, "#told")
    }

    /// The same of the window before it.
    pub fn told_before(&self) -> ItemKey {
        self.item(self.start_before(), "#told")
    }

    /// The items with what is held back of the first `place` members, the latest ones first.
    pub fn held(&self, place: u64) -> impl Iterator<Item = ItemKey> + '_ {
        let last = place.saturating_sub(1) / HELD_IN_AN_ITEM;
        let numbers = (0..=last).rev();
        let sort = |number| format!("{HELD}{}#{}#{number}", self.name, self.start);
        numbers.map(move |number| ItemKey::new(self.partition.clone(), sort(number)))
    }

    fn start_before(&self) -> Timestamp {
        self.start
            .saturating_sub(WINDOW_MINUTES.minutes())
            .unwrap_or(Timestamp::MIN)
    }

    fn item(&self, start: Timestamp, what: &str) -> ItemKey {
        let sort = format!("count#{}#{start}{what}", self.name);
        ItemKey::new(self.partition.clone(), sort)
    }
}

/// The counter of critical alerts of one second.
pub fn second(partition: &str, at: Timestamp) -> ItemKey {
    ItemKey::new(partition, format!("count#critical#{at}"))
}

/// When a counter that is written at `now` may be deleted.
pub fn counted_until(now: Timestamp) -> i64 {
    expiry(now, COUNTED_DAYS)
}

/// The member that stands for an occurrence with `identity`.
pub fn member(identity: &str, note: &Note, now: Timestamp) -> Member {
    Member {
        // Half of the hash is enough among the fifty members of a counter.
        hash: short_hash(identity)[..16].to_owned(),
        note: to_item(note),
        capacity: CAPACITY,
        ttl: counted_until(now),
    }
}

/// A counter as it stood after a member came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The member's place among those that count, from 1.
    pub place: u64,
    /// Those before it in this window, and itself, as far as the counter keeps them.
    pub notes: Vec<Note>,
}

impl Tally {
    /// Reads the counter for `member`; `None` if the counter was full, and does not have it.
    pub fn read(counter: &Item, member: &Member) -> Option<Self> {
        let place = counter.get(&member.place())?.as_u64()?;
        let mut notes: Vec<(u64, Note)> = notes(counter)
            .filter(|(other, note)| *other <= place && !note.quiet)
            .collect();
        notes.sort_by_key(|(place, _)| *place);
        Some(Self {
            place: notes.len() as u64,
            notes: notes.into_iter().map(|(_, note)| note).collect(),
        })
    }

    /// Reads the counter that was full, after its number was raised. One without a number says nothing.
    pub fn beyond(counter: &Item) -> Option<Self> {
        let mut notes: Vec<(u64, Note)> = notes(counter).collect();
        notes.sort_by_key(|(place, _)| *place);
        let quiet = notes.iter().filter(|(_, note)| note.quiet).count() as u64;
        let all = counter.get(COUNT).and_then(Value::as_u64)?;
        Some(Self {
            place: all.saturating_sub(quiet),
            notes: notes
                .into_iter()
                .map(|(_, note)| note)
                .filter(|note| !note.quiet)
                .collect(),
        })
    }
}

/// Those among the first alerts of the window before that are less than a window older than `at`.
pub fn recent(before: &Item, at: Timestamp) -> Vec<Note> {
    let since = at
        .saturating_sub(WINDOW_MINUTES.minutes())
        .unwrap_or(Timestamp::MIN);
    let mut recent: Vec<_> = notes(before)
        .filter(|(_, note)| !note.quiet && note.at > since)
        .collect();
    recent.sort_by_key(|(place, _)| *place);
    recent.into_iter().map(|(_, note)| note).collect()
}

/// The members that a counter keeps, with their places.
fn notes(counter: &Item) -> impl Iterator<Item = (u64, Note)> {
    counter.iter().filter_map(|(name, note)| {
        let hash = name.strip_prefix('m')?;
        let place = counter.get(&format!("p{hash}"))?.as_u64()?;
        Some((place, serde_json::from_value(note.clone()).ok()?))
    })
}

/// What to do with an alert that people want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Tell it by itself.
    Singly,
    /// It is one of a burst.
    Folded {
        /// How many alerts the burst has by now.
        count: u64,
        /// The step of which everybody concerned is to be told now.
        step: Option<u64>,
    },
}

/// What to do with the alert at `at` that `tally` counted; `before` is the counter of the window before.
pub fn fold(tally: &Tally, before: Option<&Item>, at: Timestamp) -> Fold {
    let since = at
        .saturating_sub(WINDOW_MINUTES.minutes())
        .unwrap_or(Timestamp::MIN);
    let recent = before.map_or(0, |before| {
        let notes: Vec<Note> = notes(before).map(|(_, note)| note).collect();
        let kept = notes.len() as u64;
        let recent = notes
            .iter()
            .filter(|note| !note.quiet && note.at > since)
            .count() as u64;
        let all = before.get(COUNT).and_then(Value::as_u64).unwrap_or(0);
        // Of those that the counter does not keep, nobody knows when they were: they came last.
        let unknown = if recent == 0 {
            0
        } else {
            all.saturating_sub(kept)
        };
        recent + unknown
    });
    let count = recent + tally.place;
    if count <= SINGLY {
        return Fold::Singly;
    }
    let step = STEPS.into_iter().rev().find(|step| *step <= count);
    // A burst that goes on through several windows is told at the beginning of each, whatever its steps.
    let due = tally.place == 1 || STEPS.contains(&count);
    Fold::Folded {
        count,
        step: step.filter(|_| due),
    }
}

/// The step after `count` at which people will be told again.
pub fn next_step(count: u64) -> Option<u64> {
    STEPS.into_iter().find(|step| *step > count)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A counter with members at these seconds of the day, in the order in which they came.
    fn counter(seconds: &[i64]) -> Item {
        let mut item = Item::new();
        item.insert(COUNT.to_owned(), seconds.len().into());
        for (place, second) in (1_u64..).zip(seconds) {
            let at = at("2026-11-20T00:00:00Z") + jiff::SignedDuration::from_secs(*second);
            item.insert(format!("p{place}"), place.into());
            item.insert(
                format!("m{place}"),
                json!({"at": at, "alert": "a", "about": "k"}),
            );
        }
        item
    }

    fn place(seconds: &[i64]) -> Tally {
        Tally {
            place: seconds.len() as u64,
            notes: Vec::new(),
        }
    }

    fn second_of_day(second: i64) -> Timestamp {
        at("2026-11-20T00:00:00Z") + jiff::SignedDuration::from_secs(second)
    }

    #[test]
    fn the_sixth_within_five_minutes_is_folded_and_the_steps_are_told() {
        for (count, expected) in [
            (5, Fold::Singly),
            (
                6,
                Fold::Folded {
                    count: 6,
                    step: Some(6),
                },
            ),
            (
                7,
                Fold::Folded {
                    count: 7,
                    step: None,
                },
            ),
            (
                19,
                Fold::Folded {
                    count: 19,
                    step: None,
                },
            ),
            (
                20,
                Fold::Folded {
                    count: 20,
                    step: Some(20),
                },
            ),
            (
                100,
                Fold::Folded {
                    count: 100,
                    step: Some(100),
                },
            ),
        ] {
            let tally = Tally {
                place: count,
                notes: Vec::new(),
            };
            assert_eq!(fold(&tally, None, second_of_day(0)), expected);
        }
    }

    #[test]
    fn the_edge_between_two_windows_is_no_way_through() {
        let before = counter(&[290, 291, 292, 293]);
        assert_eq!(
            fold(&place(&[300]), Some(&before), second_of_day(300)),
            Fold::Singly
        );
        assert_eq!(
            fold(&place(&[300, 301]), Some(&before), second_of_day(301)),
            Fold::Folded {
                count: 6,
                step: Some(6)
            }
        );
        // Five minutes after the first of them.
        assert_eq!(
            fold(&place(&[300, 590]), Some(&before), second_of_day(590)),
            Fold::Singly
        );
    }

    #[test]
    fn a_burst_that_goes_on_is_told_in_every_window() {
        let before = counter(&(270..300).collect::<Vec<_>>());
        assert_eq!(
            fold(&place(&[300]), Some(&before), second_of_day(300)),
            Fold::Folded {
                count: 31,
                step: Some(20)
            }
        );
        assert_eq!(
            fold(&place(&[300, 301]), Some(&before), second_of_day(301)),
            Fold::Folded {
                count: 32,
                step: None
            }
        );
    }

    #[test]
    fn a_slow_drip_never_folds() {
        // One a minute, for a day: in any five minutes there are five.
        let seconds: Vec<i64> = (0..24 * 60).map(|minute| minute * 60 + 7).collect();
        for (index, second) in seconds.iter().enumerate() {
            let window = second / 300;
            let in_window = |number: i64| -> Vec<i64> {
                let until = &seconds[..=index];
                until
                    .iter()
                    .copied()
                    .filter(|second| second / 300 == number)
                    .collect()
            };
            let before = counter(&in_window(window - 1));
            let tally = place(&in_window(window));
            assert_eq!(
                fold(&tally, Some(&before), second_of_day(*second)),
                Fold::Singly,
                "{second}"
            );
        }
    }

    #[test]
    fn the_place_is_among_those_that_count() {
        let note = |name: &str| Note {
            at: at("2026-11-20T00:00:00Z"),
            alert: name.to_owned(),
            about: "k".to_owned(),
            quiet: false,
        };
        let me = member("me", &note("me"), at("2026-11-20T00:00:00Z"));
        let mut item = counter(&[1, 2, 3]);
        item["m2"]["quiet"] = true.into();
        item.insert(me.place(), 4.into());
        item.insert(me.note_name(), me.note.clone().into());
        item.insert("p5".to_owned(), 5.into());
        item.insert("m5".to_owned(), json!(note("later")));
        let tally = Tally::read(&item, &me).unwrap();
        assert_eq!((tally.place, tally.notes.len()), (3, 3));
        assert_eq!(tally.notes[2].alert, "me");
        let stranger = member("stranger", &note("s"), at("2026-11-20T00:00:00Z"));
        assert_eq!(Tally::read(&item, &stranger), None);
    }

    #[test]
    fn windows_are_told_apart_by_kind_actor_and_time() {
        let name =
            |kind, actor, time| Window::of_burst("account#1#r", kind, actor, at(time)).counter();
        let one = name("KeyDisabled", "maria", "2026-11-20T10:04:59Z");
        assert!(
            one.sort.starts_with("count#burst#KeyDisabled#")
                && one.sort.ends_with("#2026-11-20T10:00:00Z")
        );
        assert_eq!(one, name("KeyDisabled", "maria", "2026-11-20T10:00:00Z"));
        assert_ne!(one, name("KeyEnabled", "maria", "2026-11-20T10:00:00Z"));
        assert_ne!(one, name("KeyDisabled", "tom", "2026-11-20T10:00:00Z"));
        let next = Window::of_burst(
            "account#1#r",
            "KeyDisabled",
            "maria",
            at("2026-11-20T10:05:00Z"),
        );
        assert_ne!(one, next.counter());
        assert_eq!(one, next.counter_before());
    }
}
