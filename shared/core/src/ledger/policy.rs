//! The policy of a key, whole: what the next one is compared with, and what puts it back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::items::{Item, ItemKey, KEPT_DAYS, TIME_TO_LIVE, expiry, keyed, to_item};

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
