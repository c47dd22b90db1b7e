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

/// What sort keys of the items begin with that hold what is LOW on a day.
const OF_DAY: &str = "held#low#";

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
    /// Its kind, where those of several kinds are held together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its title, where it stands for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Untrusted>,
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

    /// What is LOW on the day around `now`, in the account and Region.
    pub fn of_day(account_key: &str, now: Timestamp) -> Self {
        let day = now.strftime("%Y-%m-%d").to_string();
        let until = end_of(&day).unwrap_or(now);
        Self {
            item: ItemKey::new(account_key, format!("{OF_DAY}{day}")),
            kind: "LowDigest".to_owned(),
            actor: None,
            via: String::new(),
            event_name: None,
            place: <(String, String, String)>::default(),
            since: until.saturating_sub(24.hours()).unwrap_or(until),
            until,
        }
    }

    /// The day of what is LOW; `None` of what is held back of a burst.
    pub fn day(&self) -> Option<&str> {
        self.item.sort.strip_prefix(OF_DAY)
    }

    /// It is about what was LOW on a day.
    pub fn is_of_day(&self) -> bool {
        self.day().is_some()
    }

    /// It is time to tell. Of a day, the day itself says so: whoever writes the list cannot put it off.
    pub fn is_due(&self, now: Timestamp) -> bool {
        match self.day() {
            Some(day) => end_of(day).is_none_or(|end| end <= now),
            None => self.until <= now,
        }
    }

    /// The items that hold what people are to be told. An item is written as a whole each time, so that those of a day are
    /// several.
    pub fn items(&self) -> Vec<ItemKey> {
        let ItemKey { partition, sort } = &self.item;
        let of_day = |digit: char| ItemKey::new(partition, format!("{sort}#{digit}"));
        match self.is_of_day() {
            true => "0123456789abcdef".chars().map(of_day).collect(),
            false => vec![self.item.clone()],
        }
    }

    /// Of a day: the item that holds an alert.
    pub fn item_of(&self, alert: &str) -> ItemKey {
        let digit = short_hash(alert).chars().next().unwrap_or('0');
        ItemKey::new(&self.item.partition, format!("{}#{digit}", self.item.sort))
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

/// The end of a day in UTC.
fn end_of(day: &str) -> Option<Timestamp> {
    let begin: Timestamp = format!("{day}T00:00:00Z").parse().ok()?;
    begin.checked_add(24.hours()).ok()
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
            kind: None,
            title: None,
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

    #[test]
    fn a_day_is_told_when_it_is_over_whatever_the_list_says() {
        let noon = at("2026-11-20T12:00:00Z");
        let open = Open::of_day("account#1#r", noon);
        assert_eq!(open.day(), Some("2026-11-20"));
        assert_eq!(open.items().len(), 16);
        assert!(open.items().contains(&open.item_of("some alert")));
        let forged = Open {
            until: Timestamp::MAX,
            ..open
        };
        let read = Open::read_all(&forged.change());
        assert!(!read[0].is_due(at("2026-11-20T23:59:59Z")));
        assert!(read[0].is_due(at("2026-11-21T00:00:00Z")));
        let none = Open {
            item: ItemKey::new("account#1#r", "held#low#some day"),
            ..forged
        };
        assert!(none.is_due(noon));
    }
}
