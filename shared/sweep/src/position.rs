//! How far the sweeps are: one item of the ledger, so that a run that nears its end hands over to the next.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY};

use crate::order::Depth;
use crate::roster::{SHARDS, USE_ASKED_EVERY};
use crate::tally::Tally;

/// Clocks of sweeps differ by less.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);
/// From one full sweep to the next.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Where the sweeps of an account in a Region stand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Position {
    /// The sweep that is under way.
    pub pass: Option<Pass>,
    /// For when the last run was asked.
    pub run_at: Option<Timestamp>,
    /// For when the last full sweep that came to its end was asked.
    pub full_at: Option<Timestamp>,
    /// The invocation that ended it.
    pub full_by: Option<String>,
    /// The first expiry that it saw.
    pub next_expiry: Option<Timestamp>,
    /// The part of the roster in which to go on asking for last uses.
    pub use_shard: u8,
    /// From when on a key of each part is to be asked for its last use, in hours since 1970. A part that is not here is to be
    /// looked at.
    pub use_due: BTreeMap<u8, i64>,
    /// The last digest.
    pub digest: Option<Digest>,
    /// Keys that went since the last digest.
    pub gone: Gone,
    /// What is wrong with the watch itself, and since when.
    pub wrong: BTreeMap<String, Timestamp>,
    /// Since when sweeps look at the parts of the watch.
    pub watching_since: Option<Timestamp>,
    /// The ledger has what was noted of them.
    pub parts_noted: bool,
    /// Custom key stores that do not work.
    pub stores: BTreeMap<String, Episode>,
    /// Keys by the custom key store that holds them, at the end of the last full sweep.
    pub keys_by_store: BTreeMap<String, u64>,
}

/// A sweep that is under way: the parts of the roster before `shard` are done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pass {
    /// How deep.
    pub depth: Depth,
    /// For when it was asked.
    pub started_at: Timestamp,
    /// The part of the roster in which to go on.
    pub shard: u8,
    /// The time that its runs took so far, in seconds.
    pub seconds: f64,
    /// What it has counted.
    pub tally: Tally,
}

impl Pass {
    /// A sweep that has not begun.
    pub fn new(depth: Depth, at: Timestamp) -> Self {
        Self {
            depth,
            started_at: at,
            shard: 0,
            seconds: 0.0,
            tally: Tally::default(),
        }
    }
}

/// A digest that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// Its week.
    pub week: String,
    /// When.
    pub at: Timestamp,
}

/// Keys that are no more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gone {
    /// Deleted, as was to be expected.
    pub deleted: u64,
    /// Vanished.
    pub vanished: u64,
}

impl Gone {
    /// Adds what others counted.
    pub fn absorb(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.vanished += other.vanished;
    }
}

/// A time in which a custom key store does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Episode {
    /// `FAILED` or `DISCONNECTED`.
    pub state: String,
    /// Why.
    pub error_code: Option<String>,
    /// Since when a sweep sees it so.
    pub since: Timestamp,
    /// When a sweep last saw it work.
    pub worked_at: Option<Timestamp>,
    /// People know.
    pub told: bool,
}

impl Position {
    /// Name of the item.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(account_key, "sweep")
    }

    /// Reads the item. What cannot be read of it is begun anew, and the rest is not.
    pub fn read(item: &Item) -> Self {
        let legible = item.iter().filter(|(name, value)| {
            let alone = Item::from_iter([((*name).clone(), (*value).clone())]);
            Self::deserialize(Value::Object(alone)).is_ok()
        });
        let legible = legible.map(|(name, value)| (name.clone(), value.clone()));
        Self::deserialize(Value::Object(legible.collect())).unwrap_or_default()
    }

    /// The same without what no sweep before `now` can have noted: a forged item neither stops the clock of the sweeps nor
    /// ends one that has not begun.
    #[must_use]
    pub fn believed(mut self, now: Timestamp) -> Self {
        let latest = now.saturating_add(AHEAD).unwrap_or(now);
        let is_past = |at: &Timestamp| *at <= latest;
        self.run_at = self.run_at.filter(is_past);
        // One that says when it was, wrongly: what is not known is taken for as old as it can be on a good day.
        let day_ago = now.saturating_sub(DAY).unwrap_or(now);
        let full_at = |at: Timestamp| if is_past(&at) { at } else { day_ago };
        self.full_at = self.full_at.map(full_at);
        self.digest = self.digest.filter(|digest| is_past(&digest.at));
        let latest_use = now.as_second() / 3_600 + USE_ASKED_EVERY;
        self.use_due.retain(|_, due| *due <= latest_use);
        let is_one = |pass: &Pass| pass.shard < SHARDS && is_past(&pass.started_at);
        self.pass = self.pass.filter(is_one);
        self
    }

    /// The item.
    pub fn item(&self, account_key: &str) -> Item {
        let key = Self::key(account_key);
        let mut item = match serde_json::to_value(self) {
            Ok(Value::Object(item)) => item,
            _ => Item::new(),
        };
        item.retain(|_, value| !value.is_null());
        item.insert(PARTITION_KEY.to_owned(), key.partition.into());
        item.insert(SORT_KEY.to_owned(), key.sort.into());
        item
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_no_sweep_can_have_noted_is_not_believed() {
        let at = |text: &str| -> Option<Timestamp> { text.parse().ok() };
        let (now, far) = (at("2026-11-20T10:00:00Z"), at("2036-01-01T00:00:00Z"));
        let hour = now.unwrap().as_second() / 3_600;
        let forged = |pass: Pass| Position {
            pass: Some(pass),
            run_at: far,
            full_at: far,
            use_shard: 7,
            use_due: BTreeMap::from([(3, hour + USE_ASKED_EVERY), (4, hour + USE_ASKED_EVERY + 1)]),
            ..Position::default()
        };
        let beyond = Pass {
            shard: SHARDS,
            ..Pass::new(Depth::Full, now.unwrap())
        };
        for pass in [beyond, Pass::new(Depth::Full, far.unwrap())] {
            let believed = forged(pass).believed(now.unwrap());
            assert_eq!((&believed.pass, believed.run_at), (&None, None));
            // It is not the first sweep: what changed is told.
            assert_eq!(believed.full_at, at("2026-11-19T10:00:00Z"));
            assert_eq!(believed.use_shard, 7);
            assert_eq!(believed.use_due.keys().collect::<Vec<_>>(), [&3]);
        }
        let true_one = Position {
            pass: Some(Pass::new(Depth::Light, now.unwrap())),
            run_at: now,
            full_at: now,
            ..Position::default()
        };
        assert_eq!(true_one.clone().believed(now.unwrap()), true_one);
    }

    #[test]
    fn what_cannot_be_read_costs_itself_only() {
        let item =
            json!({"pass": "x", "fullAt": "2026-11-20T10:00:00Z", "useShard": 300, "wrong": 5});
        let read = Position::read(item.as_object().unwrap());
        assert_eq!(read.full_at, "2026-11-20T10:00:00Z".parse().ok());
        assert_eq!((read.pass, read.use_shard), (None, 0));
    }

    #[test]
    fn a_position_survives_the_table() {
        let at: Timestamp = "2026-11-20T10:00:00Z".parse().unwrap();
        let mut pass = Pass::new(Depth::Full, at);
        pass.tally.keys = 5;
        pass.tally.next_deletion = Some(at);
        let position = Position {
            pass: Some(pass),
            run_at: Some(at),
            full_at: Some(at),
            full_by: Some("r".to_owned()),
            next_expiry: Some(at),
            use_shard: 9,
            use_due: BTreeMap::from([(9, 490_000)]),
            digest: Some(Digest {
                week: "2026-W47".to_owned(),
                at,
            }),
            gone: Gone {
                deleted: 1,
                vanished: 2,
            },
            wrong: BTreeMap::from([("topics/subscriptions#t#".to_owned(), at)]),
            watching_since: Some(at),
            parts_noted: true,
            stores: BTreeMap::from([(
                "cks-1".to_owned(),
                Episode {
                    state: "FAILED".to_owned(),
                    error_code: None,
                    since: at,
                    worked_at: None,
                    told: true,
                },
            )]),
            keys_by_store: BTreeMap::from([("cks-1".to_owned(), 4)]),
        };
        assert_eq!(Position::read(&position.item("account#1#r")), position);
        assert_eq!(Position::read(&Item::new()), Position::default());
    }
}
