//! Which alias points to which key.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::Timestamp;

use super::selector::KeyRef;

/// The aliases, by their names and by their keys.
#[derive(Debug, Default, Clone)]
pub(super) struct Aliases {
    /// By Region and name.
    by_name: BTreeMap<(String, String), Alias>,
    of_key: BTreeMap<KeyRef, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// The id of its key.
    pub(super) key: String,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
}

impl Aliases {
    pub(super) fn get(&self, region: &str, name: &str) -> Option<&Alias> {
        self.by_name.get(&(region.to_owned(), name.to_owned()))
    }

    /// Puts an alias in place, whatever was there before.
    pub(super) fn insert(&mut self, region: &str, name: &str, key: &str, at: Timestamp) {
        let alias = Alias {
            key: key.to_owned(),
            created: at,
            updated: at,
        };
        self.put(region, name, alias);
    }

    /// Lets an alias point to another key.
    pub(super) fn move_to(&mut self, region: &str, name: &str, key: &str, at: Timestamp) {
        let Some(alias) = self.remove(region, name) else {
            return;
        };
        let alias = Alias {
            key: key.to_owned(),
            updated: at,
            ..alias
        };
        self.put(region, name, alias);
    }

    pub(super) fn put(&mut self, region: &str, name: &str, alias: Alias) {
        self.remove(region, name);
        let names = self.of_key.entry(place(region, &alias.key)).or_default();
        names.insert(name.to_owned());
        self.by_name
            .insert((region.to_owned(), name.to_owned()), alias);
    }

    pub(super) fn remove(&mut self, region: &str, name: &str) -> Option<Alias> {
        let alias = self.by_name.remove(&(region.to_owned(), name.to_owned()))?;
        let key = place(region, &alias.key);
        if let Some(names) = self.of_key.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.of_key.remove(&key);
            }
        }
        Some(alias)
    }

    pub(super) fn remove_all_of(&mut self, key: &KeyRef) {
        for name in self.of_key.remove(key).unwrap_or_default() {
            self.by_name.remove(&(key.region.clone(), name));
        }
    }

    pub(super) fn number_of(&self, key: &KeyRef) -> usize {
        self.of_key.get(key).map_or(0, BTreeSet::len)
    }

    /// The aliases of a Region in the order of their names, those after a name only.
    pub(super) fn in_region<'a>(
        &'a self,
        region: &'a str,
        after: Option<String>,
    ) -> impl Iterator<Item = (&'a str, &'a Alias)> {
        let from = (region.to_owned(), after.unwrap_or_default());
        let range = (Bound::Excluded(from), Bound::Unbounded);
        self.by_name
            .range(range)
            .take_while(move |((of, _), _)| of == region)
            .map(|((_, name), alias)| (name.as_str(), alias))
    }

    /// Those of a key.
    pub(super) fn of<'a>(
        &'a self,
        key: &'a KeyRef,
        after: Option<String>,
    ) -> impl Iterator<Item = (&'a str, &'a Alias)> {
        let range = (Bound::Excluded(after.unwrap_or_default()), Bound::Unbounded);
        let names = self.of_key.get(key).into_iter();
        names
            .flat_map(move |names| names.range(range.clone()))
            .filter_map(|name| Some((name.as_str(), self.get(&key.region, name)?)))
    }
}

fn place(region: &str, key: &str) -> KeyRef {
    KeyRef {
        region: region.to_owned(),
        id: key.to_owned(),
    }
}
