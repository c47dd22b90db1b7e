//! The memory of the watch: what was told, what is known of each key, and how often things happen.
//!
//! One table. Partition key `pk`: the ARN of a key, or `account#<account>#<Region>` for what has none. Sort key `sk`:
//!
//! | sk | item | kept |
//! |---|---|---|
//! | `profile` | what is known of a key: [`Profile`] | for ever |
//! | `policy` | the last key policy: [`Policy`] | for ever |
//! | `policy#<as of>` | a key policy that another replaced, to put it back | 400 days |
//! | `alias#<name>` | which key an alias names, under the account: [`AliasTarget`] | for ever; 400 days after it was deleted |
//! | `claim#<identity>` | who tells, or told, of an occurrence: [`Claim`] | 400 days |
//! | `alert#<occurred at>#<alert id>` | an alert that was told: [`history`] | 400 days |
//! | `alarm#<hash of alarm and contributor>` | that an alarm went off, as far as it was told: [`Raised`] | 400 days |
//! | `count#…` | how often something happened in a window of time: [`burst`] | 2 days |
//! | `count#…`, `count#…#told` | how often the same happened again, and how often that was told: [`repeats`] | 400 days |
//!
//! Everything here is pure but [`Memory`], which asks the ledger and never lets an alert wait or fail for it.

pub mod alarm;
pub mod alias;
pub mod burst;
pub mod claim;
#[cfg(any(test, feature = "fakes"))]
pub mod fake;
pub mod history;
mod memory;
pub mod profile;
pub mod repeats;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use alarm::Raised;
pub use alias::AliasTarget;
pub use claim::{Claim, ClaimState};
pub use memory::{Acquired, Memory};
pub use profile::Profile;

use crate::ports::{CallError, Ledger};

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
const KEPT_DAYS: i64 = 400;
/// How long counters are kept.
const COUNTED_DAYS: i64 = 2;

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

/// The last key policy that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// The policy's text: at most 32 KB (KMS Developer Guide, resource quotas).
    pub policy: String,
    /// When it came into force, or was read.
    pub as_of: Timestamp,
}

impl Policy {
    /// Name of the item with the policy of the key `partition`.
    pub fn key(partition: &str) -> ItemKey {
        ItemKey::new(partition, "policy")
    }

    /// Reads the item.
    pub fn read(item: &Item) -> Option<Self> {
        serde_json::from_value(Value::Object(item.clone())).ok()
    }

    /// Its attributes.
    pub fn attributes(&self) -> Item {
        to_item(self)
    }

    /// The policy of the key `partition` as its last one.
    pub fn item(&self, partition: &str) -> Item {
        keyed(&Self::key(partition), to_item(self))
    }

    /// Name of the item that keeps it once another has replaced it.
    pub fn replaced_key(&self, partition: &str) -> ItemKey {
        ItemKey::new(partition, format!("policy#{}", self.as_of))
    }

    /// The policy of the key `partition` as one that was replaced at `now`.
    pub fn replaced_item(&self, partition: &str, now: Timestamp) -> Item {
        let mut item = keyed(&self.replaced_key(partition), to_item(self));
        item.insert(TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into());
        item
    }
}

/// When an item that is written at `now` may be deleted.
fn expiry(now: Timestamp, days: i64) -> i64 {
    now.saturating_add((days * 24).hours())
        .unwrap_or(Timestamp::MAX)
        .as_second()
}

/// A value as attributes; one that is no object has none.
fn to_item(value: &impl Serialize) -> Item {
    match serde_json::to_value(value) {
        Ok(Value::Object(item)) => item,
        _ => Item::new(),
    }
}

/// The item `key` with `attributes`.
fn keyed(key: &ItemKey, attributes: Item) -> Item {
    let mut item = to_item(key);
    item.extend(attributes);
    item
}

/// The ledger of those who have none.
#[derive(Clone, Copy, Debug)]
pub enum NoLedger {}

impl Ledger for NoLedger {
    async fn read(&self, _: &[ItemKey]) -> Result<Vec<Item>, CallError> {
        match *self {}
    }
    async fn claim(&self, _: &Claim, _: Option<u64>) -> Result<Result<(), Claim>, CallError> {
        match *self {}
    }
    async fn put(&self, _: &[Item]) -> Result<(), CallError> {
        match *self {}
    }
    async fn set(&self, _: &ItemKey, _: &Item) -> Result<(), CallError> {
        match *self {}
    }
    async fn count(&self, _: &ItemKey, _: &Member) -> Result<Item, CallError> {
        match *self {}
    }
    async fn add(&self, _: &ItemKey, _: &[String], _: &Item) -> Result<Item, CallError> {
        match *self {}
    }
}
