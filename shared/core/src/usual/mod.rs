//! What is usual for a key, and what is not: how often it is used on a day, and by whom.
//!
//! | file | what it holds |
//! |---|---|
//! | this | what is remembered of a key, bounded |
//! | `learn` | one look at a key: what it adds, and what about it is unusual |
//! | `surge` | how many uses a day usually has, by season |
//! | `day` | days as numbers, and their place in week and month |
//!
//! All of it is pure. The sweep alone writes what is remembered, where only itself may.

mod day;
mod learn;
mod surge;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::items::{Item, ItemKey, TIME_TO_LIVE, expiry, keyed, to_item};
use crate::ledger::sweeps;
use crate::text::Untrusted;

pub use self::day::{beginning, number};
pub use self::learn::{LATE, Look};
pub use self::surge::{FLOOR, TENFOLD};

/// Days that are remembered: a quarter with its end, and what CloudTrail's event history holds.
pub const DAYS: i32 = 92;
/// Who used a key: so many are remembered, those that were seen last.
pub const KNOWN: usize = 50;
/// Nothing is told before so many days are known.
pub const LEARNING_DAYS: i32 = 14;
/// After so many days without use a use is unusual.
pub const IDLE_DAYS: i64 = 90;
/// So many newcomers are named and learnt at once: whoever comes with a crowd pushes out nobody.
pub const NEWCOMERS: usize = 10;
/// How long it is kept after the last look.
const KEPT_DAYS: i64 = 400;

/// Where the number of uses comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum CountedBy {
    /// CloudTrail's event history: of a key that is used a lot, a part.
    #[default]
    EventHistory,
    /// The metric `SuccessfulRequest` of `AWS/KMS`.
    Metric,
}

/// What is remembered of the use of one key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Usual {
    /// Creation of the key: another key with this name has habits of its own.
    pub created_at: Option<Timestamp>,
    /// What is remembered goes back to then.
    pub since: Option<Timestamp>,
    /// Records up to then are counted.
    pub counted_until: Option<Timestamp>,
    /// When the key was looked at last.
    pub looked_at: Option<Timestamp>,
    /// Its last use, as KMS said then.
    pub last_use: Option<Timestamp>,
    /// Days on which something happened, the oldest first.
    pub days: Vec<Day>,
    /// The first day that the metric counts.
    pub measured_since: Option<i32>,
    /// Days up to this one were judged.
    pub judged: Option<i32>,
    /// Who used the key.
    pub known: Vec<Known>,
    /// Days on which somebody new used it, of the last ones.
    pub newcomer_days: Vec<i32>,
    /// Whether the event history was read without a gap, look by look; the lowest bit is the last one.
    pub whole: u16,
    /// How many looks that is.
    pub looks: u8,
    /// What is to be told, until people know.
    pub due: Option<Unusual>,
}

/// What happened on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Days since 1970 in UTC.
    pub day: i32,
    /// Successful uses.
    pub uses: u32,
    /// Uses that failed because the key could not be used.
    pub failed: u32,
    /// Calls that were denied.
    pub denied: u32,
    /// Calls that changed the key.
    pub changes: u32,
    /// There may have been more.
    pub at_least: bool,
    /// The uses were found unusual.
    pub unusual: bool,
}

/// Somebody who used a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Short name, such as `role/ci-deploy`.
    #[serde(rename = "n")]
    pub name: Untrusted,
    /// Its account, if that was told.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Untrusted>,
    /// The day on which it was seen last.
    #[serde(rename = "d")]
    pub day: i32,
}

/// What is unusual about the use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unusual {
    /// When it happened, the first of it.
    pub at: Timestamp,
    /// A use after a long time without.
    pub idle: Option<Idle>,
    /// Those who had not used it.
    pub newcomers: Vec<Newcomer>,
    /// How many there are.
    pub newcomer_count: u32,
    /// Far more uses than usual.
    pub surge: Option<Surge>,
    /// What is usual.
    pub usual: Habit,
}

/// A use after a long time without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Idle {
    /// When it was used.
    pub used_at: Timestamp,
    /// The use before; `null` if KMS recorded none.
    pub used_before: Option<Timestamp>,
    /// For so many days it was not used, at least.
    pub days: u32,
}

/// Somebody who used a key for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Newcomer {
    /// Short name, such as `role/ci-deploy`.
    pub name: Untrusted,
    /// Its account, if that was told.
    pub account: Option<Untrusted>,
    /// Nobody of this account used the key before.
    pub new_account: bool,
    /// Its first use.
    pub first_at: Timestamp,
    /// How often it was seen to use the key.
    pub uses: u32,
}

/// A day with far more uses than usual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Surge {
    /// The beginning of the day in UTC.
    pub day: Timestamp,
    /// How many uses it had.
    pub uses: u32,
    /// There may have been more.
    pub at_least: bool,
    /// How many such a day usually has.
    pub usual: u32,
    /// The most that a day had before.
    pub most: u32,
}

/// What is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Habit {
    /// What is remembered goes back to then.
    pub since: Option<Timestamp>,
    /// Uses of a usual day: the median of the last four weeks.
    pub uses_a_day: u32,
    /// How many principals used it within what is remembered.
    pub principals: u32,
    /// Some of them, those that were seen last.
    pub names: Vec<Untrusted>,
    /// Where the number of uses comes from.
    pub counted_by: CountedBy,
    /// Uses that failed, on the last day that something happened.
    pub failed: u32,
    /// Calls that were denied, on that day.
    pub denied: u32,
    /// Calls that changed the key, on that day.
    pub changes: u32,
}

impl Usual {
    /// Name of the item, which the sweep alone may write.
    pub fn key(account_key: &str, key_id: &str) -> ItemKey {
        ItemKey::new(sweeps(account_key), format!("usual#{key_id}"))
    }

    /// Reads an item. What cannot be read, or cannot be true at `now`, is learnt anew.
    pub fn read(item: &Item, now: Timestamp) -> Self {
        let alone = |(name, value): (&String, &Value)| {
            let alone = Value::Object(Item::from_iter([(name.clone(), value.clone())]));
            Self::deserialize(alone)
                .is_ok()
                .then(|| (name.clone(), value.clone()))
        };
        let legible: Item = item.iter().filter_map(alone).collect();
        let read = Self::deserialize(Value::Object(legible)).unwrap_or_default();
        read.believed(now)
    }

    /// The same without what nobody can have seen by `now`, and no larger than it may be.
    fn believed(mut self, now: Timestamp) -> Self {
        let past = |at: &Timestamp| *at <= now;
        self.since = self.since.filter(past);
        self.counted_until = self.counted_until.filter(past);
        self.looked_at = self.looked_at.filter(past);
        self.last_use = self.last_use.filter(past);
        let today = number(now);
        let remembered = |day: i32| day > today.saturating_sub(DAYS) && day <= today;
        self.judged = self.judged.filter(|day| *day <= today);
        self.measured_since = self.measured_since.filter(|day| *day <= today);
        self.days.retain(|day| remembered(day.day));
        self.days.sort_by_key(|day| day.day);
        self.days.dedup_by_key(|day| day.day);
        self.newcomer_days.retain(|day| remembered(*day));
        self.newcomer_days.sort_unstable();
        self.newcomer_days.dedup();
        self.known.retain(|known| remembered(known.day));
        self.forget_surplus();
        self.due = self.due.filter(|due| due.at <= now);
        if let Some(due) = &mut self.due {
            due.newcomers.truncate(NEWCOMERS);
            due.usual.names.truncate(NAMED);
        }
        self.looks = self.looks.min(16);
        self
    }

    /// The item, as it is at `now`.
    pub fn item(&self, name: &ItemKey, now: Timestamp) -> Item {
        let mut attributes = to_item(self);
        attributes.retain(|_, value| !value.is_null());
        attributes.insert(TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into());
        keyed(name, attributes)
    }

    /// Who was not seen for longest goes first.
    fn forget_surplus(&mut self) {
        self.known.sort_by(|a, b| {
            let newest = b.day.cmp(&a.day);
            newest.then_with(|| (&a.name, &a.account).cmp(&(&b.name, &b.account)))
        });
        self.known.truncate(KNOWN);
    }
}

/// So many are named of those who usually use a key.
const NAMED: usize = 3;

/// A day is a list of numbers, since there may be many.
impl Serialize for Day {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let flags = u32::from(self.at_least) | u32::from(self.unusual) << 1;
        (
            self.day,
            self.uses,
            self.failed,
            self.denied,
            self.changes,
            flags,
        )
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read: (i32, u32, u32, u32, u32, u32) = Deserialize::deserialize(deserializer)?;
        let (day, uses, failed, denied, changes, flags) = read;
        Ok(Self {
            day,
            uses,
            failed,
            denied,
            changes,
            at_least: flags & 1 > 0,
            unusual: flags & 2 > 0,
        })
    }
}

#[cfg(test)]
mod tests;
