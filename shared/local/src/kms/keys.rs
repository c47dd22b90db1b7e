//! The keys, so that one of a hundred thousand is found without a look at the others: those of a Region in pages, those of
//! one id in several Regions, those with imported material, and the one to which something happens next.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Deref},
};

use jiff::Timestamp;

use super::{key::Key, names::Origin, selector::KeyRef};

/// Keys by Region and id. They are read as a map and changed by the methods here, which keep the indexes in step.
#[derive(Debug, Default, Clone)]
pub(crate) struct Keys {
    all: BTreeMap<KeyRef, Key>,
    imported: BTreeSet<KeyRef>,
    schedule: Schedule,
}

/// When something happens to which key.
#[derive(Debug, Default, Clone)]
struct Schedule {
    by_time: BTreeSet<(Timestamp, KeyRef)>,
    of_key: BTreeMap<KeyRef, Timestamp>,
    /// Keys that may have changed since they were looked at.
    stale: BTreeSet<KeyRef>,
}

impl Deref for Keys {
    type Target = BTreeMap<KeyRef, Key>;

    fn deref(&self) -> &Self::Target {
        &self.all
    }
}

impl Keys {
    pub(crate) fn insert(&mut self, place: KeyRef, key: Key) {
        // The origin of a key never changes.
        if key.origin == Origin::External {
            self.imported.insert(place.clone());
        } else {
            self.imported.remove(&place);
        }
        self.schedule.stale.insert(place.clone());
        self.all.insert(place, key);
    }

    pub(crate) fn remove(&mut self, place: &KeyRef) -> Option<Key> {
        self.imported.remove(place);
        self.schedule.stale.insert(place.clone());
        self.all.remove(place)
    }

    /// The key to be changed; its appointment is looked up again.
    pub(crate) fn get_mut(&mut self, place: &KeyRef) -> Option<&mut Key> {
        let key = self.all.get_mut(place)?;
        self.schedule.stale.insert(place.clone());
        Some(key)
    }

    /// The keys of a Region in the order of their ids, those after an id only.
    pub(crate) fn in_region<'a>(
        &'a self,
        region: &'a str,
        after: Option<String>,
    ) -> impl Iterator<Item = &'a Key> {
        let from = KeyRef {
            region: region.to_owned(),
            id: after.unwrap_or_default(),
        };
        // Nothing is as short as the empty id.
        let range = (Bound::Excluded(from), Bound::Unbounded);
        let keys = self.all.range(range).map(|(_, key)| key);
        keys.take_while(move |key| key.region == region)
    }

    /// Where there is a key with this id, in the order of the Regions: related multi-Region keys share theirs.
    pub(crate) fn family(&self, id: &str) -> Vec<KeyRef> {
        let mut family = Vec::new();
        let mut next = self.all.keys().next();
        while let Some(first) = next {
            let region = first.region.clone();
            // The least place after all of this Region.
            let after = KeyRef {
                region: format!("{region}\0"),
                id: String::new(),
            };
            let place = KeyRef {
                region,
                id: id.to_owned(),
            };
            if self.all.contains_key(&place) {
                family.push(place);
            }
            next = self.all.range(after..).next().map(|(place, _)| place);
        }
        family
    }

    /// The keys whose material is imported.
    pub(crate) fn imported(&self) -> impl Iterator<Item = &Key> {
        self.imported.iter().filter_map(|place| self.all.get(place))
    }

    /// The key to which something happens first; of several, the first in the order of keys. `due` says when, and may
    /// look at nothing that changes but the key.
    pub(crate) fn first_due(
        &mut self,
        due: impl Fn(&Key) -> Option<Timestamp>,
    ) -> Option<(Timestamp, KeyRef)> {
        let Schedule {
            by_time,
            of_key,
            stale,
        } = &mut self.schedule;
        for place in std::mem::take(stale) {
            let at = self.all.get(&place).and_then(&due);
            let before = match at {
                Some(at) => of_key.insert(place.clone(), at),
                None => of_key.remove(&place),
            };
            if before == at {
                continue;
            }
            if let Some(before) = before {
                by_time.remove(&(before, place.clone()));
            }
            if let Some(at) = at {
                by_time.insert((at, place));
            }
        }
        by_time.first().cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(places: &[(&str, &str)]) -> Keys {
        let mut keys = Keys::default();
        for (region, id) in places {
            let key = Key::new(region, "111122223333", id, Timestamp::UNIX_EPOCH);
            keys.insert(key.reference(), key);
        }
        keys
    }

    #[test]
    fn a_page_starts_after_the_last_one_and_ends_with_the_region() {
        let keys = keys(&[
            ("eu-west-1", "c"),
            ("us-east-1", "a"),
            ("us-east-1", "b"),
            ("us-east-10", "a"),
        ]);
        let ids = |region, after: Option<&str>| -> Vec<&str> {
            let found = keys.in_region(region, after.map(str::to_owned));
            found.map(|key| key.id.as_str()).collect()
        };
        assert_eq!(ids("us-east-1", None), ["a", "b"]);
        assert_eq!(ids("us-east-1", Some("a")), ["b"]);
        assert_eq!(ids("us-east-1", Some("aa")), ["b"]);
        assert_eq!(ids("us-east-1", Some("b")), [""; 0]);
        assert_eq!(ids("us-west-1", None), [""; 0]);
    }

    #[test]
    fn a_family_is_found_in_every_region() {
        let keys = keys(&[
            ("eu-west-1", "mrk"),
            ("eu-west-1", "x"),
            ("us-east-1", "x"),
            ("us-east-10", "mrk"),
        ]);
        let regions = |id| -> Vec<String> {
            let family = keys.family(id).into_iter();
            family.map(|place| place.region).collect()
        };
        assert_eq!(regions("mrk"), ["eu-west-1", "us-east-10"]);
        assert_eq!(regions("x"), ["eu-west-1", "us-east-1"]);
        assert_eq!(regions("y"), [""; 0]);
    }

    #[test]
    fn the_schedule_follows_every_change() {
        let mut keys = keys(&[("r", "a"), ("r", "b"), ("r", "c")]);
        let due = |key: &Key| key.ready;
        let place = |id: &str| KeyRef {
            region: "r".to_owned(),
            id: id.to_owned(),
        };
        let at = |second| Some(Timestamp::constant(second, 0));
        assert_eq!(keys.first_due(due), None);
        for (id, second) in [("c", 5), ("b", 7), ("a", 7)] {
            keys.get_mut(&place(id)).unwrap().ready = at(second);
        }
        let mut first = |change: &dyn Fn(&mut Keys)| {
            change(&mut keys);
            let (at, place) = keys.first_due(due).unwrap();
            (at.as_second(), place.id)
        };
        assert_eq!(first(&|_| {}), (5, "c".to_owned()));
        let later = first(&|keys| keys.get_mut(&place("c")).unwrap().ready = at(9));
        assert_eq!(later, (7, "a".to_owned()));
        let gone = first(&|keys| drop(keys.remove(&place("a"))));
        assert_eq!(gone, (7, "b".to_owned()));
        let none = first(&|keys| keys.get_mut(&place("b")).unwrap().ready = None);
        assert_eq!(none, (9, "c".to_owned()));
    }
}
