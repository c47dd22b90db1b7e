//! Repeats: who fails to use a key does so again and again, and people hear of it once an hour.
//!
//! Two items in the partition of what it is about. The counter is raised by one for every repeat that is not told. Beside
//! it stands how far it was when people were told last, written whole with every alert in the same request as the alert's
//! mark. The difference is what the next alert says. Repeats that are counted while an alert is on its way, or that come
//! late, are the next alert's: none is told twice, and none is lost but with a failed write.

use jiff::Timestamp;
use serde_json::Value;

use crate::hash::short_hash;
use crate::items::{COUNT, Item, ItemKey, KEPT_DAYS, TIME_TO_LIVE, expiry, keyed};

/// When the counter was made: one that is made anew, after its time to live, begins at nought.
const BEGUN: &str = "begun";
/// When what was told last happened.
const AT: &str = "at";

/// Things that repeat each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    counter: ItemKey,
    told: ItemKey,
}

/// How often it happened again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// How many times since it was told last.
    pub attempts: u64,
    /// When what was told last happened; `None` if it never was told.
    pub since: Option<Timestamp>,
    count: u64,
    begun: Option<Value>,
}

impl Series {
    /// What `kind` calls `name`, of the subject `partition`.
    pub fn new(partition: &str, kind: &str, name: &str) -> Self {
        let sort = format!("count#{kind}#{}", short_hash(name));
        Self {
            told: ItemKey::new(partition, format!("{sort}#told")),
            counter: ItemKey::new(partition, sort),
        }
    }

    /// The items that [`Self::find`] needs.
    pub fn keys(&self) -> [ItemKey; 2] {
        [self.counter.clone(), self.told.clone()]
    }

    /// The counter.
    pub fn counter(&self) -> &ItemKey {
        &self.counter
    }

    /// What a counter that is made at `now` holds beside its number.
    pub fn fresh(now: Timestamp) -> Item {
        Item::from_iter([
            (BEGUN.to_owned(), now.to_string().into()),
            (TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into()),
        ])
    }

    /// How it stands, from the items that were read.
    pub fn find(&self, items: &[Item]) -> Repeats {
        let get = |key: &ItemKey, name: &str| {
            let item = items.iter().find(|item| key.names(item))?;
            item.get(name).cloned()
        };
        let number = |key| {
            get(key, COUNT)
                .and_then(|count| count.as_u64())
                .unwrap_or(0)
        };
        let count = number(&self.counter);
        let begun = get(&self.counter, BEGUN);
        let told = if get(&self.told, BEGUN) == begun {
            number(&self.told)
        } else {
            0
        };
        Repeats {
            attempts: count.saturating_sub(told),
            since: get(&self.told, AT).and_then(|at| at.as_str()?.parse().ok()),
            count,
            begun,
        }
    }

    /// The item that says that `repeats` were told, with something that happened `at`.
    pub fn told(&self, repeats: &Repeats, at: Timestamp, now: Timestamp) -> Item {
        let at = repeats.since.map_or(at, |since| since.max(at));
        let attributes = Item::from_iter([
            (COUNT.to_owned(), repeats.count.into()),
            (BEGUN.to_owned(), repeats.begun.clone().unwrap_or_default()),
            (AT.to_owned(), at.to_string().into()),
            (TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into()),
        ]);
        keyed(&self.told, attributes)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn series() -> Series {
        Series::new("k", "UnusableKeyUsed", "role Decrypt")
    }

    /// The counter as it stands after `count` repeats.
    fn counter(count: u64, begun: &str) -> Item {
        let mut item = keyed(series().counter(), Series::fresh(at(begun)));
        item.insert(COUNT.to_owned(), count.into());
        item
    }

    const BEGUN_AT: &str = "2026-11-20T10:05:00Z";
    const TOLD_AT: &str = "2026-11-20T11:00:00Z";

    #[test]
    fn only_what_was_not_told_counts() {
        let nothing = series().find(&[]);
        assert_eq!((nothing.attempts, nothing.since), (0, None));
        // Told for the first time, before anything was counted.
        let told = series().told(&nothing, at(BEGUN_AT), at(BEGUN_AT));
        let first = series().find(&[counter(99, BEGUN_AT), told]);
        assert_eq!((first.attempts, first.since), (99, Some(at(BEGUN_AT))));
        let told = series().told(&first, at(TOLD_AT), at(TOLD_AT));
        let second = series().find(&[told, counter(104, BEGUN_AT)]);
        assert_eq!((second.attempts, second.since), (5, Some(at(TOLD_AT))));
    }

    #[test]
    fn a_counter_that_was_made_anew_begins_at_nought() {
        let first = series().find(&[counter(99, BEGUN_AT)]);
        let told = series().told(&first, at(TOLD_AT), at(TOLD_AT));
        for count in [3, 99, 120] {
            let anew = series().find(&[counter(count, "2028-01-01T00:00:00Z"), told.clone()]);
            assert_eq!(anew.attempts, count);
        }
    }

    #[test]
    fn what_comes_late_does_not_set_the_time_back() {
        let first = series().find(&[]);
        let told = series().told(&first, at(TOLD_AT), at(TOLD_AT));
        let second = series().find(&[told]);
        let late = series().told(&second, at(BEGUN_AT), at(TOLD_AT));
        assert_eq!(series().find(&[late]).since, Some(at(TOLD_AT)));
    }

    #[test]
    fn series_are_told_apart_and_nobody_can_forge_a_name() {
        let keys = |name| Series::new("k", "UnusableKeyUsed", name).keys();
        assert_ne!(keys("a"), keys("b"));
        let [counter, told] = keys("x#told#../");
        assert!(counter.sort.len() < 80 && told.sort == format!("{}#told", counter.sort));
        let item = json!({"pk": "k", "sk": counter.sort, COUNT: "many", BEGUN: 5});
        let Value::Object(item) = item else {
            unreachable!()
        };
        assert_eq!(
            Series::new("k", "UnusableKeyUsed", "x#told#../")
                .find(&[item])
                .attempts,
            0
        );
    }
}
