//! The life of a key: every alert that was told of it, in the order in which things happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::items::{Item, ItemKey, KEPT_DAYS, expiry, keyed, to_item};
use crate::text::Untrusted;

/// What sort keys of the history begin with.
pub const PREFIX: &str = "alert#";

/// An alert that was told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// The alert's id.
    pub alert_id: String,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// Kind of alert.
    pub kind: String,
    /// Its severity.
    pub severity: String,
    /// Its title.
    pub title: Untrusted,
    /// Name of what it is about: an alias, or a key id; name and id of a custom key store.
    pub name: Untrusted,
    /// Owner of the key.
    pub owner: Option<Untrusted>,
    /// Who did it.
    pub actor: Option<Untrusted>,
    /// How we heard of it.
    pub via: String,
    /// The operation that CloudTrail recorded.
    pub event_name: Option<Untrusted>,
    /// CloudTrail's id of the record; `None` without one, and in an earlier form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Untrusted>,
    /// People were told of it together with others, or not at all.
    pub folded: bool,
    /// How people heard of it; `None` in an earlier form.
    #[serde(default)]
    pub heard: Option<Heard>,
    /// The story that it is a part of; `None` in an earlier form.
    #[serde(default)]
    pub dedup_key: Option<String>,
    /// It told that the stack is being deployed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deployment: bool,
    /// When it was told.
    pub told_at: Timestamp,
}

/// How people heard of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Heard {
    /// By itself.
    Alone,
    /// Together with others, at once or soon.
    Together,
    /// In the digest of the day.
    Digest,
    /// Not at all.
    Nobody,
}

impl Entry {
    /// People got a mail about it at once.
    pub fn is_mailed(&self) -> bool {
        self.is_heard() && self.heard != Some(Heard::Digest)
    }

    /// People heard of it.
    pub fn is_heard(&self) -> bool {
        match self.heard {
            Some(heard) => heard != Heard::Nobody,
            None => !self.folded,
        }
    }

    /// Name of the item of the alert `id` about `partition`.
    pub fn key(partition: &str, occurred_at: Timestamp, id: &str) -> ItemKey {
        ItemKey::new(partition, format!("{PREFIX}{occurred_at}#{id}"))
    }

    /// The item, among those of `partition`.
    pub fn item(&self, partition: &str) -> Item {
        let key = Self::key(partition, self.occurred_at, &self.alert_id);
        let mut item = keyed(&key, to_item(self));
        item.insert("ttl".to_owned(), expiry(self.told_at, KEPT_DAYS).into());
        item
    }

    /// Reads an item. One that is no entry is none.
    pub fn read(item: &Item) -> Option<Self> {
        serde_json::from_value(Value::Object(item.clone())).ok()
    }
}
