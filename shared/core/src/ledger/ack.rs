//! That somebody knows of a deletion and wants it: an item that a person writes, by the command.
//!
//! `ack#deletion`, under the key. It names the date of the deletion that it is about, and counts for that deletion only: the
//! item is worth nothing once KMS has another date, or the date has passed. Whatever in it is not of this form makes it none.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::items::{Item, ItemKey, TIME_TO_LIVE, keyed, to_item};
use crate::text::Untrusted;

/// KMS deletes a key within a day of its date; the item may go a day after that.
const KEPT_AFTER: SignedDuration = SignedDuration::from_hours(48);
/// The clocks of KMS and of whoever writes are not one.
const SLACK: SignedDuration = SignedDuration::from_mins(5);

/// Somebody knows of a deletion and wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The date of the deletion, as KMS says it.
    pub deletion_at: Timestamp,
    /// Who says so.
    pub by: Untrusted,
    /// Why: a ticket, a sentence.
    pub reason: Untrusted,
    /// When it was written.
    pub at: Timestamp,
}

impl Ack {
    /// Name of the item of the key `partition`.
    pub fn key(partition: &str) -> ItemKey {
        ItemKey::new(partition, "ack#deletion")
    }

    /// The item.
    pub fn item(&self, partition: &str) -> Item {
        let mut item = keyed(&Self::key(partition), to_item(self));
        let until = self.deletion_at.saturating_add(KEPT_AFTER);
        let until = until.unwrap_or(self.deletion_at).as_second();
        item.insert(TIME_TO_LIVE.to_owned(), until.into());
        item
    }

    /// What `item` says of a deletion on `deletion_at`, as of `now`; nothing of another.
    pub fn read(item: &Item, deletion_at: Timestamp, now: Timestamp) -> Option<Self> {
        let ack: Self = serde_json::from_value(Value::Object(item.clone())).ok()?;
        let is_of_it =
            ack.deletion_at.duration_since(deletion_at).abs() < SignedDuration::from_secs(1);
        let is_past = now.duration_since(ack.at) >= -SLACK;
        (is_of_it && is_past && now < deletion_at && !ack.by.is_empty()).then_some(ack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_for_the_deletion_that_it_names_until_that_is_over() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let (written, date) = (at("2026-11-20T10:00:00Z"), at("2026-12-20T10:00:00Z"));
        let ack = Ack {
            deletion_at: date,
            by: Untrusted::new("j.okafor"),
            reason: Untrusted::new("CHG-123"),
            at: written,
        };
        let item = ack.item("k");
        let read = |item: &Item, date, now| Ack::read(item, date, at(now));
        let later = "2026-12-01T00:00:00Z";
        assert_eq!(read(&item, date, later), Some(ack));
        assert_eq!(item["ttl"], at("2026-12-22T10:00:00Z").as_second());
        // Another deletion of the key, one that is due, and one that is acknowledged before that was written.
        assert_eq!(read(&item, at("2026-12-21T10:00:00Z"), later), None);
        assert_eq!(read(&item, date, "2026-12-20T10:00:00Z"), None);
        assert_eq!(read(&item, date, "2026-11-20T09:00:00Z"), None);
        for name in ["deletionAt", "by", "reason", "at"] {
            for wrong in [Value::Null, 5.into(), "".into()] {
                if name == "reason" && wrong == "" {
                    continue;
                }
                let mut forged = item.clone();
                forged.insert(name.to_owned(), wrong);
                assert_eq!(read(&forged, date, later), None, "{name}");
            }
        }
    }
}
