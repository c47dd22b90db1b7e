//! What people are still to be told of a burst, by name.
//!
//! Two kinds of items, both under an account. `held#burst#…#<n>` keeps the alerts of a window that do not go out by
//! themselves, fifty to an item, each an attribute. `bursts` lists those items that somebody still has to look at, so
//! that a sweep finds them without a search. An alert is held back only once both are written: first the alert, then the
//! list, so that whoever takes an item off the list and looks at it once more has seen everything.

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash::short_hash;
use crate::items::{Item, ItemKey, TIME_TO_LIVE, expiry, to_item};
use crate::severity::Severity;
use crate::text::Untrusted;

/// How long after the first of them what is held back may wait for more, in minutes.
const MINUTES: i64 = 5;
/// How long it is kept for a sweep that comes late, in days.
const KEPT_DAYS: i64 = 30;

/// What sort keys of the items begin with.
pub const HELD: &str = "held#";

/// An alert that people want, and that does not go out by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Id of the alert.
    pub alert: String,
    /// When it happened.
    pub at: Timestamp,
    /// Partition key of what it is about: a key's ARN, or a key store's id.
    pub about: String,
    /// Its name for people.
    pub name: Untrusted,
    /// Its owner.
    pub owner: Option<Untrusted>,
    /// How urgent the alert is.
    pub severity: String,
    /// People were told of it by name.
    #[serde(default)]
    pub told: bool,
}

impl Held {
    /// How urgent it is. What cannot be read is taken for the worst.
    pub fn severity(&self) -> Severity {
        self.severity.parse().unwrap_or(Severity::Critical)
    }

    /// Name of its attribute.
    pub fn attribute(&self) -> String {
        format!("h{}", short_hash(&self.alert))
    }

    /// What to set in its item.
    pub fn change(&self, now: Timestamp) -> Item {
        let mut change = Item::new();
        change.insert(self.attribute(), to_item(self).into());
        change.insert(TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into());
        change
    }

    /// Those of an item, in the order in which they happened.
    pub fn read_all(item: &Item) -> Vec<Self> {
        let held = item.iter().filter(|(name, _)| name.starts_with('h'));
        let mut held: Vec<Self> = held
            .filter_map(|(_, value)| serde_json::from_value(value.clone()).ok())
            .collect();
        held.sort_by(|one, other| (one.at, &one.alert).cmp(&(other.at, &other.alert)));
        held
    }
}

/// An item with alerts that people are still to be told of, and what they have in common.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Open {
    /// The item.
    #[serde(flatten)]
    pub item: ItemKey,
    /// Kind of alert.
    pub kind: String,
    /// Who did it: type, name, ARN.
    pub actor: Option<(Untrusted, Untrusted, Option<Untrusted>)>,
    /// How we heard of it.
    pub via: String,
    /// The operation that CloudTrail recorded.
    pub event_name: Option<Untrusted>,
    /// Partition, account and Region that it is about.
    pub place: (String, String, String),
    /// Beginning of the window.
    pub since: Timestamp,
    /// From then on the next event tells the rest; a sweep does at any time.
    pub until: Timestamp,
}

impl Open {
    /// Name of the list.
    pub fn list(account_key: &str) -> ItemKey {
        ItemKey::new(account_key, "bursts")
    }

    /// When the next event tells the rest of a window that began at `since` and in which something is first held at `now`.
    /// An event that comes late gets as much time as one that does not.
    pub fn until(since: Timestamp, now: Timestamp) -> Timestamp {
        since
            .max(now)
            .saturating_add(MINUTES.minutes())
            .unwrap_or(Timestamp::MAX)
    }

    /// Name of its attribute in the list.
    pub fn attribute(&self) -> String {
        let name = format!("{}\n{}", self.item.partition, self.item.sort);
        format!("w{}", short_hash(&name))
    }

    /// What to set in the list.
    pub fn change(&self) -> Item {
        Item::from_iter([(self.attribute(), to_item(self).into())])
    }

    /// What to set in the list once it has been told.
    pub fn removal(&self) -> Item {
        Item::from_iter([(self.attribute(), Value::Null)])
    }

    /// Those of the list. Only items of bursts are read: whoever writes the list chooses none other.
    pub fn read_all(list: &Item) -> Vec<Self> {
        let open = list.iter().filter(|(name, _)| name.starts_with('w'));
        open.filter_map(|(_, value)| serde_json::from_value::<Self>(value.clone()).ok())
            .filter(|open| open.item.sort.starts_with(HELD))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_held_is_read_back_in_its_order_and_what_is_not_is_left_out() {
        let held = |alert: &str, when: &str| Held {
            alert: alert.to_owned(),
            at: at(when),
            about: "k".to_owned(),
            name: Untrusted::new("alias/a"),
            owner: None,
            severity: "HIGH".to_owned(),
            told: false,
        };
        let now = at("2026-11-20T12:00:00Z");
        let (late, early) = (
            held("a", "2026-11-20T12:00:01Z"),
            held("b", "2026-11-20T12:00:00Z"),
        );
        let mut item = late.change(now);
        item.extend(early.change(now));
        item.insert("hx".to_owned(), 5.into());
        assert_eq!(Held::read_all(&item), [early, late.clone()]);
        assert!(item["ttl"].is_i64());
        let forged = Held {
            severity: "?".to_owned(),
            ..late
        };
        assert_eq!(forged.severity(), Severity::Critical);
    }

    #[test]
    fn the_list_names_items_of_bursts_and_no_others() {
        let open = |sort: &str| Open {
            item: ItemKey::new("account#1#r", sort),
            kind: "KeyDisabled".to_owned(),
            actor: Some((Untrusted::new("IAMUser"), Untrusted::new("maria"), None)),
            via: "CLOUDTRAIL".to_owned(),
            event_name: None,
            place: ("aws".to_owned(), "1".to_owned(), "r".to_owned()),
            since: at("2026-11-20T12:00:00Z"),
            until: at("2026-11-20T12:05:00Z"),
        };
        let mut list = open("held#burst#x#0").change();
        list.extend(open("profile").change());
        list.insert("w?".to_owned(), Value::Null);
        assert_eq!(Open::read_all(&list), [open("held#burst#x#0")]);
    }
}
