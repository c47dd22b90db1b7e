//! A table: its keys, its items in their order, and their end.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    error::Error,
    value::{Attribute, Item, item_size},
};
use crate::times::epoch;

/// The largest item, names of attributes included (Developer Guide, "Quotas").
const MAX_ITEM: usize = 400 * 1024;
const MAX_PARTITION_KEY: usize = 2048;
const MAX_SORT_KEY: usize = 1024;

/// How long an expired item stays: "typically within a few days" (Developer Guide, "Using time to live"). Until then
/// it is read, written and found like any other.
const EXPIRED_ITEMS_STAY: SignedDuration = SignedDuration::from_hours(48);

/// "Items with a timestamp that is older than five years are not deleted."
const TOO_OLD_TO_EXPIRE: SignedDuration = SignedDuration::from_hours(5 * 365 * 24);

/// A key attribute: its name, and `S`, `N` or `B`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyPart {
    pub(super) name: String,
    pub(super) kind: String,
}

/// Partition and sort key of an item: the order of items in a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) partition: Attribute,
    pub(super) sort: Option<Attribute>,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) id: String,
    pub(super) created: Timestamp,
    pub(super) partition: KeyPart,
    pub(super) sort: Option<KeyPart>,
    pub(super) deletion_protection: bool,
    /// Point-in-time recovery.
    pub(super) recovery: bool,
    /// Its resource policy.
    pub(super) policy: Option<String>,
    /// The attribute that says when an item expires.
    pub(super) ttl: Option<String>,
    items: BTreeMap<Key, Item>,
    /// When items were said to expire, in seconds since 1970, and by which attribute: a table is asked at every call, and
    /// must not look at all its items. An item that was written again may stand here twice.
    expiries: BTreeSet<(i64, Key)>,
    expiries_by: Option<String>,
}

impl Table {
    /// On-demand, empty.
    pub(super) fn new(name: &str, arn: String, id: String, created: Timestamp) -> Self {
        let part = |name: &str| KeyPart {
            name: name.to_owned(),
            kind: "S".to_owned(),
        };
        Self {
            name: name.to_owned(),
            arn,
            id,
            created,
            partition: part("pk"),
            sort: Some(part("sk")),
            deletion_protection: false,
            recovery: false,
            policy: None,
            ttl: None,
            items: BTreeMap::new(),
            expiries: BTreeSet::new(),
            expiries_by: None,
        }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &KeyPart> {
        std::iter::once(&self.partition).chain(&self.sort)
    }

    pub(super) fn is_key(&self, attribute: &str) -> bool {
        self.parts().any(|part| part.name == attribute)
    }

    /// The key of an item that is to be written.
    pub(super) fn key_of(&self, item: &Item) -> Result<Key, Error> {
        for part in self.parts() {
            let Some(value) = item.get(&part.name) else {
                return Err(Error::parameters(&format!(
                    "Missing the key {} in the item",
                    part.name
                )));
            };
            if value.kind() != part.kind {
                return Err(Error::parameters(&format!(
                    "Type mismatch for key {} expected: {} actual: {}",
                    part.name,
                    part.kind,
                    value.kind()
                )));
            }
        }
        self.key(item)
    }

    /// A key as a request names it: its attributes and no others.
    pub(super) fn named(&self, key: &Item) -> Result<Key, Error> {
        let fits = key.len() == self.parts().count()
            && self.parts().all(|part| {
                key.get(&part.name)
                    .is_some_and(|value| value.kind() == part.kind)
            });
        if !fits {
            return Err(Error::validation(
                "The provided key element does not match the schema",
            ));
        }
        self.key(key)
    }

    fn key(&self, attributes: &Item) -> Result<Key, Error> {
        let value = |part: &KeyPart, limit: usize| {
            let value = attributes.get(&part.name).cloned();
            let value = value.ok_or_else(|| {
                Error::validation("The provided key element does not match the schema")
            })?;
            if !(1..=limit).contains(&value.size()) {
                let name = &part.name;
                return Err(Error::parameters(&format!(
                    "The AttributeValue for the key attribute {name} is empty or longer than {limit} bytes. \
                     Key: {name}"
                )));
            }
            Ok(value)
        };
        Ok(Key {
            partition: value(&self.partition, MAX_PARTITION_KEY)?,
            sort: match &self.sort {
                Some(part) => Some(value(part, MAX_SORT_KEY)?),
                None => None,
            },
        })
    }

    /// The attributes of a key, for `LastEvaluatedKey` and new items.
    pub(super) fn attributes(&self, key: &Key) -> Item {
        let partition = (self.partition.name.clone(), key.partition.clone());
        let sort = self.sort.as_ref().zip(key.sort.clone());
        let sort = sort.map(|(part, value)| (part.name.clone(), value));
        std::iter::once(partition).chain(sort).collect()
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Item> {
        self.items.get(key)
    }

    /// The size of what is stored is limited.
    pub(super) fn check_size(item: &Item) -> Result<(), Error> {
        if item_size(item) > MAX_ITEM {
            return Err(Error::validation(
                "Item size has exceeded the maximum allowed size",
            ));
        }
        Ok(())
    }

    pub(super) fn put(&mut self, key: Key, item: Item) {
        if let Some(at) = expiry(self.expiries_by.as_deref(), &item) {
            self.expiries.insert((at, key.clone()));
        }
        self.items.insert(key, item);
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.items.remove(key);
    }

    /// All items in order: by partition key, then by sort key. (Of partitions AWS promises no order.)
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = (&Key, &Item)> {
        self.items.iter()
    }

    /// The items of a partition by their sort key.
    pub(super) fn partition<'t>(
        &'t self,
        partition: &'t Attribute,
    ) -> impl DoubleEndedIterator<Item = (&'t Key, &'t Item)> {
        let first = Key {
            partition: partition.clone(),
            sort: None,
        };
        // The items of a partition lie side by side, from its first possible key on. Both ends are asked, so that it can
        // be walked backwards.
        let range = self.items.range((Bound::Included(first), Bound::Unbounded));
        let end = range
            .clone()
            .find(|(key, _)| key.partition != *partition)
            .map(|(key, _)| key.clone());
        let end = end.map_or(Bound::Unbounded, Bound::Excluded);
        let first = Key {
            partition: partition.clone(),
            sort: None,
        };
        self.items.range((Bound::Included(first), end))
    }

    /// Deletes what expired long enough ago.
    pub(super) fn expire(&mut self, now: Timestamp) {
        if self.expiries_by != self.ttl {
            self.expiries_by.clone_from(&self.ttl);
            let by = self.ttl.as_deref();
            let items = self.items.iter();
            self.expiries = items
                .filter_map(|(key, item)| Some((expiry(by, item)?, key.clone())))
                .collect();
        }
        let seconds = now.as_second();
        while let Some((at, _)) = self.expiries.first()
            && seconds.saturating_sub(*at) >= EXPIRED_ITEMS_STAY.as_secs()
        {
            let Some((at, key)) = self.expiries.pop_first() else {
                return;
            };
            let by = self.ttl.as_deref();
            let current = self.items.get(&key).and_then(|item| expiry(by, item));
            let too_old = seconds.saturating_sub(at) > TOO_OLD_TO_EXPIRE.as_secs();
            if current == Some(at) && !too_old {
                self.items.remove(&key);
            }
        }
    }

    /// `TableDescription`
    pub(super) fn describe(&self) -> Value {
        let schema = self.parts().zip(["HASH", "RANGE"]);
        let schema: Vec<_> = schema
            .map(|(part, kind)| json!({"AttributeName": part.name, "KeyType": kind}))
            .collect();
        let definitions: Vec<_> = self
            .parts()
            .map(|part| json!({"AttributeName": part.name, "AttributeType": part.kind}))
            .collect();
        json!({
            "TableName": self.name,
            "TableArn": self.arn,
            "TableId": self.id,
            "TableStatus": "ACTIVE",
            "CreationDateTime": epoch(self.created),
            "AttributeDefinitions": definitions,
            "KeySchema": schema,
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "ProvisionedThroughput": {
                "NumberOfDecreasesToday": 0,
                "ReadCapacityUnits": 0,
                "WriteCapacityUnits": 0,
            },
            // What an on-demand table can take from its first moment on.
            "WarmThroughput": {
                "ReadUnitsPerSecond": 12_000,
                "WriteUnitsPerSecond": 4_000,
                "Status": "ACTIVE",
            },
            "DeletionProtectionEnabled": self.deletion_protection,
            "ItemCount": self.items.len(),
            "TableSizeBytes": self.items.values().map(item_size).sum::<usize>(),
        })
    }
}

/// When the item expires by this attribute, in seconds since 1970.
fn expiry(attribute: Option<&str>, item: &Item) -> Option<i64> {
    item.get(attribute?)?.as_number()?.as_i64()
}
