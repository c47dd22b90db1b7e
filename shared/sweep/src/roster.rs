//! The keys that a sweep knows, in a fixed number of items of the ledger, so that a sweep can go through them part by
//! part, and find those that are gone, without holding the profile of each.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY};
use watch_core::text::Untrusted;

/// Parts of the roster. With the 100,000 keys that a Region may have (AWS KMS Developer Guide, resource quotas), one has
/// about 1,600, which is a third of what an item of DynamoDB holds.
pub const SHARDS: u8 = 64;

/// How old the knowledge of a key's last use becomes, in hours.
pub const USE_ASKED_EVERY: i64 = 20;

/// The part that a key belongs to: FNV-1a of its id.
pub fn shard_of(key_id: &str) -> u8 {
    hash(key_id.bytes()).to_be_bytes()[3] % SHARDS
}

fn hash(bytes: impl Iterator<Item = u8>) -> u32 {
    bytes.fold(0x811c_9dc5, |hash: u32, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Tells whether a key's aliases changed.
pub fn hash_of_aliases(aliases: &[Untrusted]) -> u32 {
    hash(
        aliases
            .iter()
            .flat_map(|alias| alias.as_str().bytes().chain([0])),
    )
}

/// What is kept of a key between sweeps. The names of the members are short, since there may be 100,000.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Every sweep looks at it: its state changes by itself, or was not to be had, or differs from what was known.
    #[serde(rename = "w", default, skip_serializing_if = "is_default")]
    pub watched: bool,
    /// AWS manages it: it is counted, and not looked at.
    #[serde(rename = "m", default, skip_serializing_if = "is_default")]
    pub managed: bool,
    /// The ledger has its policy.
    #[serde(rename = "p", default, skip_serializing_if = "is_default")]
    pub policy_known: bool,
    /// Hash of the policy that is known.
    #[serde(rename = "h", default, skip_serializing_if = "is_default")]
    pub policy_hash: Option<String>,
    /// Hash of the policy by which AWS RAM shares it, or of nothing.
    #[serde(rename = "s", default, skip_serializing_if = "is_default")]
    pub shared_hash: Option<String>,
    /// Hash of the grants that are known.
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub grants_hash: Option<String>,
    /// Hash of its aliases.
    #[serde(rename = "a", default, skip_serializing_if = "is_default")]
    pub aliases: u32,
    /// When its last use was asked for, in hours since 1970.
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub use_asked: Option<i64>,
    /// Since when KMS does not list it, and does not know it.
    #[serde(rename = "g", default, skip_serializing_if = "is_default")]
    pub gone_since: Option<Timestamp>,
}

impl Entry {
    /// A light sweep looks at the key, whose aliases have this hash if they are known: it moves by itself, is gone, or has
    /// another name.
    pub fn moves(&self, aliases: Option<u32>) -> bool {
        let is_renamed = aliases.is_some_and(|hash| hash != self.aliases);
        self.watched || self.gone_since.is_some() || is_renamed
    }

    /// Its last use is to be asked for in this hour. A time ahead is none at which it was asked.
    pub fn wants_use(&self, hour: i64) -> bool {
        self.use_due(hour).is_some_and(|due| due <= hour)
    }

    fn use_due(&self, hour: i64) -> Option<i64> {
        let is_asked = !self.managed && self.gone_since.is_none();
        let asked = self.use_asked.filter(|asked| *asked <= hour);
        is_asked.then(|| asked.map_or(0, |asked| asked.saturating_add(USE_ASKED_EVERY)))
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Keys by id.
pub type Entries = BTreeMap<String, Entry>;

/// The hour from which on the last use of one of these keys is to be asked for: never later than that of a key which is asked
/// in this hour.
pub fn use_due(entries: &Entries, hour: i64) -> i64 {
    let due = entries.values().filter_map(|entry| entry.use_due(hour));
    due.fold(hour + USE_ASKED_EVERY, i64::min)
}

/// Name of the item with a part of the roster.
pub fn key(account_key: &str, shard: u8) -> ItemKey {
    ItemKey::new(account_key, format!("roster#{shard:02}"))
}

/// Reads an item. What cannot be read is not known, and so looked at again.
pub fn read(item: &Item) -> Entries {
    let keys = item.get("keys").and_then(Value::as_object);
    keys.into_iter()
        .flatten()
        .filter_map(|(id, entry)| Some((id.clone(), Entry::deserialize(entry).ok()?)))
        .collect()
}

/// The item.
pub fn item(account_key: &str, shard: u8, entries: &Entries) -> Item {
    let name = key(account_key, shard);
    let mut item = Item::new();
    item.insert(PARTITION_KEY.to_owned(), name.partition.into());
    item.insert(SORT_KEY.to_owned(), name.sort.into());
    let keys = serde_json::to_value(entries).unwrap_or_default();
    item.insert("keys".to_owned(), keys);
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_roster_survives_the_table_and_says_nothing_of_what_is_usual() {
        let entries = Entries::from([
            ("plain".to_owned(), Entry::default()),
            (
                "all".to_owned(),
                Entry {
                    watched: true,
                    managed: true,
                    policy_known: true,
                    policy_hash: Some("1f".to_owned()),
                    shared_hash: Some("3d".to_owned()),
                    grants_hash: Some("2e".to_owned()),
                    aliases: 7,
                    use_asked: Some(490_000),
                    gone_since: "2026-11-20T10:00:00Z".parse().ok(),
                },
            ),
        ]);
        let item = item("account#1#r", 3, &entries);
        assert_eq!(item["sk"], "roster#03");
        assert_eq!(item["keys"]["plain"], serde_json::json!({}));
        assert_eq!(read(&item), entries);
    }

    #[test]
    fn a_last_use_is_asked_for_each_20_hours() {
        let asked = |use_asked| Entry {
            use_asked,
            ..Entry::default()
        };
        let wants = |entry: &Entry| (100..=121).find(|hour| entry.wants_use(*hour));
        let cases = [
            (None, Some(100)),
            (Some(100), Some(120)),
            (Some(99), Some(119)),
            // Nobody asked in the future: it is asked until the time has come.
            (Some(104), Some(100)),
            (Some(i64::MAX), Some(100)),
        ];
        for (at, due) in cases {
            assert_eq!(wants(&asked(at)), due, "{at:?}");
        }
        let (managed, gone) = (
            Entry {
                managed: true,
                ..Entry::default()
            },
            Entry {
                gone_since: Some(Timestamp::UNIX_EPOCH),
                ..Entry::default()
            },
        );
        assert_eq!([&managed, &gone].map(wants), [None, None]);
        let all = |entries: Vec<Entry>| {
            let named = entries.into_iter().enumerate();
            named
                .map(|(at, entry)| (at.to_string(), entry))
                .collect::<Entries>()
        };
        assert_eq!(
            use_due(
                &all(vec![asked(Some(97)), asked(Some(95)), managed.clone()]),
                100
            ),
            115
        );
        assert_eq!(use_due(&all(vec![asked(Some(97)), asked(None)]), 100), 0);
        assert_eq!(use_due(&all(vec![managed, gone]), 100), 120);
    }

    #[test]
    fn what_cannot_be_read_costs_that_key_only() {
        let item = serde_json::json!({"keys": {"a": {"w": "yes"}, "b": {"w": true}, "c": 5}});
        let read = read(item.as_object().unwrap());
        assert_eq!(read.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(super::read(&Item::new()), Entries::new());
    }

    #[test]
    fn keys_spread_over_all_parts() {
        let mut sizes = [0_u32; SHARDS as usize];
        for number in 0..64_000_u32 {
            let id = format!(
                "{:08x}-0000-4000-8000-{number:012x}",
                number.wrapping_mul(2_654_435_761)
            );
            sizes[usize::from(shard_of(&id))] += 1;
        }
        assert!(
            sizes.iter().all(|size| (800..1_200).contains(size)),
            "{sizes:?}"
        );
    }

    #[test]
    fn another_alias_is_another_hash() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| Untrusted::new(name))
                .collect::<Vec<_>>()
        };
        let hash = |list: &[&str]| hash_of_aliases(&names(list));
        assert_eq!(hash(&["alias/a", "alias/b"]), hash(&["alias/a", "alias/b"]));
        assert_ne!(hash(&["alias/a", "alias/b"]), hash(&["alias/aalias/b"]));
        assert_ne!(hash(&["alias/a"]), hash(&[]));
    }
}
