//! Alarms of which people, or machines, were told that they went off: only what was told can be told to be over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::items::{Item, ItemKey, KEPT_DAYS, expiry, keyed, to_item};

/// The last time that an alarm, or one contributor of it, went off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// When.
    pub at: Timestamp,
    /// The alert that told of it.
    pub alert_id: String,
    /// People were not told: a mute rule was in force, or the alert was below what they want.
    #[serde(default)]
    pub quiet: bool,
    /// Of key material that expires: the date of which was told.
    #[serde(default)]
    pub deadline: Option<Timestamp>,
    /// The story that the alert opened, if it is not the alarm's own.
    #[serde(default)]
    pub condition: Option<String>,
    /// When it was told to be resolved.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
}

impl Raised {
    /// Name of the item of an alarm's `series`, among those of `partition`.
    pub fn key(partition: &str, series: &str) -> ItemKey {
        ItemKey::new(partition, format!("alarm#{series}"))
    }

    /// Its item.
    pub fn item(&self, key: &ItemKey, now: Timestamp) -> Item {
        let mut item = keyed(key, to_item(self));
        item.insert("ttl".to_owned(), expiry(now, KEPT_DAYS).into());
        item
    }

    /// Reads an item. One that is none of these is none.
    pub fn read(item: &Item) -> Option<Self> {
        serde_json::from_value(Value::Object(item.clone())).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_survives_the_table_and_an_earlier_form_is_read() {
        let at: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let raised = Raised {
            at,
            alert_id: "a".to_owned(),
            quiet: true,
            deadline: Some(at),
            condition: Some("expiry#m".to_owned()),
            ended_at: None,
        };
        let key = Raised::key("k", "s");
        let mut item = raised.item(&key, at);
        assert!(key.names(&item) && item["ttl"].is_i64());
        assert_eq!(Raised::read(&item), Some(raised));
        for optional in ["quiet", "deadline", "condition", "endedAt"] {
            item.remove(optional);
        }
        assert!(Raised::read(&item).is_some_and(|raised| !raised.quiet));
        item.remove("at");
        assert_eq!(Raised::read(&item), None);
    }
}
