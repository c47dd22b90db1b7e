//! Items of the ledger's table, as plain data: what the port takes and gives. What they mean is the ledger's business.

mod claim;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use claim::Standing;
pub use claim::{Claim, ClaimState};

/// An item of the table, its key included.
pub type Item = Map<String, Value>;

/// Name of the partition key's attribute.
pub const PARTITION_KEY: &str = "pk";

/// Name of the sort key's attribute.
pub const SORT_KEY: &str = "sk";

/// Name of the attribute by which DynamoDB deletes: seconds since 1970.
pub const TIME_TO_LIVE: &str = "ttl";

/// Number of members of a counter, and the attribute that holds it.
pub const COUNT: &str = "n";

/// How long claims and history are kept: longer than any redrive or replay, and a year of a key's life.
pub(crate) const KEPT_DAYS: i64 = 400;

/// How long counters are kept.
pub(crate) const COUNTED_DAYS: i64 = 2;

/// Name of an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemKey {
    /// Partition key: what the item is about.
    #[serde(rename = "pk")]
    pub partition: String,
    /// Sort key: what it says about it.
    #[serde(rename = "sk")]
    pub sort: String,
}

impl ItemKey {
    /// The item `sort` of `partition`.
    pub fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }

    /// This is the name of `item`.
    pub fn names(&self, item: &Item) -> bool {
        let is = |attribute: &str, value: &str| {
            item.get(attribute).and_then(Value::as_str) == Some(value)
        };
        is(PARTITION_KEY, &self.partition) && is(SORT_KEY, &self.sort)
    }
}

/// A member of a counter: something that happened once, however often it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Hash of its identity.
    pub hash: String,
    /// What the counter keeps of it.
    pub note: Item,
    /// How many members the counter keeps.
    pub capacity: u64,
    /// When the counter may be deleted, in seconds since 1970.
    pub ttl: i64,
}

impl Member {
    /// Attribute of the counter that holds the member's place, from 1.
    pub fn place(&self) -> String {
        format!("p{}", self.hash)
    }

    /// Attribute of the counter that holds the member's note.
    pub fn note_name(&self) -> String {
        format!("m{}", self.hash)
    }
}

/// When an item that is written at `now` may be deleted.
pub(crate) fn expiry(now: Timestamp, days: i64) -> i64 {
    now.saturating_add((days * 24).hours())
        .unwrap_or(Timestamp::MAX)
        .as_second()
}

/// A value as attributes; one that is no object has none.
pub(crate) fn to_item(value: &impl Serialize) -> Item {
    match serde_json::to_value(value) {
        Ok(Value::Object(item)) => item,
        _ => Item::new(),
    }
}

/// The item `key` with `attributes`.
pub(crate) fn keyed(key: &ItemKey, attributes: Item) -> Item {
    let mut item = to_item(key);
    item.extend(attributes);
    item
}
