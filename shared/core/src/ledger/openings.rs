//! What is open of a story: which alerts, by their place in the history.
//!
//! An index, read along with everything else, so that the alert that closes a story finds what it closes. It says where to
//! look and is believed nothing else: what it names counts only if the history has it, under the same story.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::history::PREFIX;
use crate::items::{Item, ItemKey, KEPT_DAYS, TIME_TO_LIVE, expiry, keyed, to_item};

/// Most alerts of one story that are remembered, the latest ones: a story that opens again and again has no end of them.
const REMEMBERED: usize = 20;

/// What sort keys of the items begin with.
const STORY: &str = "story#";

/// The alerts of a story that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Openings {
    /// Sort keys of the alerts.
    #[serde(default)]
    open: Vec<String>,
}

impl Openings {
    /// Name of the item of the story `condition` of `partition`.
    pub fn key(partition: &str, condition: &str) -> ItemKey {
        ItemKey::new(partition, format!("{STORY}{condition}"))
    }

    /// The condition of the story with this item.
    pub fn condition(key: &ItemKey) -> Option<&str> {
        key.sort.strip_prefix(STORY)
    }

    /// Those among `items`. What is no alert's place is left out.
    pub fn find(items: &[Item], key: &ItemKey) -> Self {
        let item = items.iter().find(|item| key.names(item));
        let read = item.map(|item| serde_json::from_value(Value::Object(item.clone())));
        let mut this: Self = read.and_then(Result::ok).unwrap_or_default();
        this.open.retain(|sort| when(sort).is_some());
        this.open.truncate(REMEMBERED);
        this
    }

    /// The places of the alerts that were told of what happened until `at`.
    pub fn until(&self, at: Timestamp) -> impl Iterator<Item = &str> {
        let before = move |sort: &&String| when(sort).is_some_and(|when| when <= at);
        self.open.iter().filter(before).map(String::as_str)
    }

    /// The story was opened again after `at`.
    pub fn is_open_after(&self, at: Timestamp) -> bool {
        self.open
            .iter()
            .any(|sort| when(sort).is_some_and(|when| when > at))
    }

    /// One more alert of the story.
    #[must_use]
    pub fn with(mut self, sort: &str) -> Self {
        self.open.retain(|known| known != sort);
        self.open.push(sort.to_owned());
        // The first one stays: it began the story.
        if self.open.len() > REMEMBERED {
            self.open.remove(1);
        }
        self
    }

    /// The story ended `at`; what is later is another.
    #[must_use]
    pub fn ended(mut self, at: Timestamp) -> Self {
        self.open
            .retain(|sort| when(sort).is_some_and(|when| when > at));
        self
    }

    /// The item.
    pub fn item(&self, key: &ItemKey, now: Timestamp) -> Item {
        let mut item = keyed(key, to_item(self));
        item.insert(TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into());
        item
    }
}

/// When what an alert at this place tells of happened.
fn when(sort: &str) -> Option<Timestamp> {
    let (at, id) = sort.strip_prefix(PREFIX)?.split_once('#')?;
    let is_id = id.len() <= 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    at.parse().ok().filter(|_| is_id && !id.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn only_places_of_alerts_are_read_and_no_more_than_some() {
        let key = Openings::key("k", "deletion");
        let alert = |day: u32| format!("alert#2026-11-{day:02}T10:00:00Z#ab{day}");
        let item = |open: Value| {
            let Value::Object(item) = json!({"pk": "k", "sk": "story#deletion", "open": open})
            else {
                unreachable!()
            };
            [item]
        };
        let forged = json!([
            alert(3),
            "profile",
            "alert#yesterday#ab",
            "alert#2026-11-03T10:00:00Z#<b>",
            "alert#2026-11-03T10:00:00Z#"
        ]);
        let read = Openings::find(&item(forged), &key);
        assert_eq!(
            read.until(at("2026-11-03T10:00:00Z")).collect::<Vec<_>>(),
            [alert(3)]
        );
        assert_eq!(
            Openings::find(&item(json!("all")), &key),
            Openings::default()
        );
        let many: Vec<_> = (1..29).map(alert).collect();
        assert_eq!(
            Openings::find(&item(json!(many)), &key).open.len(),
            REMEMBERED
        );
        let full = many
            .iter()
            .fold(Openings::default(), |open, sort| open.with(sort));
        assert_eq!((full.open.len(), &full.open[0]), (REMEMBERED, &alert(1)));
        assert_eq!(full.open.last(), Some(&alert(28)));
    }

    #[test]
    fn an_end_leaves_what_is_later() {
        let early = "alert#2026-11-03T10:00:00Z#a1";
        let late = "alert#2026-11-05T10:00:00Z#b2";
        let open = Openings::default().with(early).with(late).with(early);
        let end = at("2026-11-04T10:00:00Z");
        assert_eq!(open.until(end).collect::<Vec<_>>(), [early]);
        assert!(open.is_open_after(end) && !open.is_open_after(at("2026-11-05T10:00:00Z")));
        let left = open.ended(end);
        let key = Openings::key("k", "deletion");
        assert_eq!(Openings::find(&[left.item(&key, end)], &key), left);
        assert_eq!(left.until(Timestamp::MAX).collect::<Vec<_>>(), [late]);
    }
}
