//! The parts of the roster in which nothing moves. A light sweep does not read them: in an account that stands still, it asks for
//! the lists of keys and aliases, and reads this one item of the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use watch_core::arn::KeyArn;
use watch_core::hash::short_hash;
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY};

use crate::census::Aliases;
use crate::roster::{Entries, SHARDS, hash_of_aliases};

/// What a sweep saw of a part when it left it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Still {
    /// Hash of its keys and their aliases.
    #[serde(rename = "h")]
    hash: String,
    /// How many of its keys AWS manages.
    #[serde(rename = "m")]
    pub managed: u64,
}

impl Still {
    /// What there is to note of a part, if a light sweep that finds the lists as they are would look at none of its keys.
    pub fn of(listed: &[KeyArn], aliases: Option<&Aliases>, known: &Entries) -> Option<Self> {
        let aliases = aliases?;
        let is_settled = |key: &KeyArn| {
            let entry = known.get(key.id());
            entry.is_some_and(|entry| {
                entry.managed || !entry.moves(Some(hash_of_aliases(aliases.of(key))))
            })
        };
        // As many: a key that is known and not listed is asked about by each sweep.
        (known.len() == listed.len() && listed.iter().all(is_settled)).then(|| Self {
            hash: hash(listed, aliases),
            managed: known.values().filter(|entry| entry.managed).count() as u64,
        })
    }

    fn is(&self, listed: &[KeyArn], aliases: Option<&Aliases>) -> bool {
        aliases.is_some_and(|aliases| self.hash == hash(listed, aliases))
    }
}

/// Neither a key's id nor an alias contains a line feed or a space (AWS KMS API Reference, `CreateAlias`).
fn hash(listed: &[KeyArn], aliases: &Aliases) -> String {
    let mut text = String::new();
    for key in listed {
        text.push_str(key.id());
        for alias in aliases.of(key) {
            text.push(' ');
            text.push_str(alias.as_str());
        }
        text.push('\n');
    }
    short_hash(&text)
}

/// What is noted of all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StillParts {
    parts: BTreeMap<u8, Still>,
    is_news: bool,
}

impl StillParts {
    /// Name of the item.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(account_key, "roster#still")
    }

    /// Reads the item. What cannot be read of it is not noted, and so looked at.
    pub fn read(item: &Item) -> Self {
        let parts = item.get("parts").and_then(Value::as_object);
        let read = |(number, part): (&String, &Value)| {
            let number = number.parse().ok().filter(|number| *number < SHARDS)?;
            Some((number, Still::deserialize(part).ok()?))
        };
        Self {
            parts: parts.into_iter().flatten().filter_map(read).collect(),
            is_news: false,
        }
    }

    fn item(&self, account_key: &str) -> Item {
        let name = Self::key(account_key);
        let mut item = Item::new();
        item.insert(PARTITION_KEY.to_owned(), name.partition.into());
        item.insert(SORT_KEY.to_owned(), name.sort.into());
        let parts = self.parts.iter();
        let parts = parts.map(|(number, part)| (number.to_string(), serde_json::json!(part)));
        item.insert("parts".to_owned(), Value::Object(parts.collect()));
        item
    }

    /// How a sweep left the part, if the lists show it like that.
    pub fn find(&self, number: u8, listed: &[KeyArn], aliases: Option<&Aliases>) -> Option<&Still> {
        let part = self.parts.get(&number)?;
        part.is(listed, aliases).then_some(part)
    }

    /// Notes how a part was left.
    pub fn note(&mut self, number: u8, part: Option<Still>) {
        let before = match part.clone() {
            Some(part) => self.parts.insert(number, part),
            None => self.parts.remove(&number),
        };
        self.is_news |= before != part;
    }

    /// The item, if something was noted since it was read or taken last.
    pub fn take_news(&mut self, account_key: &str) -> Option<Item> {
        let is_news = std::mem::take(&mut self.is_news);
        is_news.then(|| self.item(account_key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_looked_at() {
        let item = json!({"parts": {"3": {"h": "1f", "m": 2}, "4": {"h": 5}, "x": {"h": "1f", "m": 0}, "64": {"h": "1f", "m": 0}}});
        let parts = StillParts::read(item.as_object().unwrap());
        assert_eq!(parts.parts.keys().collect::<Vec<_>>(), [&3]);
        assert_eq!(StillParts::read(&parts.item("account#1#r")), parts);
        assert_eq!(StillParts::read(&Item::new()), StillParts::default());
    }
}
