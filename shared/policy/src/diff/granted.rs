//! What some statements grant together, and what of it others do not.

use std::collections::BTreeMap;

use crate::action::{ALL, Actions, Patterns, covers, is_wild};
use crate::parse::Statement;
use crate::{bounded, joined};

/// Most patterns of one statement that are compared, the widest first. KMS has some sixty operations.
pub(super) const MAX_PATTERNS: usize = 256;

/// Most patterns with a wildcard, and most complements, that are asked whether they cover others.
pub(super) const MAX_WIDE: usize = 16;

/// What some statements grant together.
#[derive(Default)]
pub(super) struct Granted {
    pub(super) patterns: Patterns,
    pub(super) complements: Vec<Patterns>,
    /// Something was left out, since there is too much to compare.
    pub(super) cut: bool,
}

impl Granted {
    pub(super) fn of<'a>(statements: impl Iterator<Item = &'a Statement>) -> Self {
        let mut granted = Self::default();
        let mut complements: BTreeMap<Vec<&str>, Patterns> = BTreeMap::new();
        for statement in statements {
            match &statement.actions {
                Actions::Only(patterns) => {
                    granted.cut |= patterns.len() > MAX_PATTERNS;
                    for (key, written) in widest(patterns, MAX_PATTERNS) {
                        let kept = granted
                            .patterns
                            .entry(key.clone())
                            .or_insert_with(|| written.clone());
                        if written < kept {
                            kept.clone_from(written);
                        }
                    }
                }
                Actions::AllBut(patterns) => {
                    granted.cut |= patterns.len() > MAX_PATTERNS;
                    complements
                        .entry(patterns.keys().map(String::as_str).collect())
                        .or_insert_with(|| {
                            widest(patterns, MAX_PATTERNS)
                                .into_iter()
                                .map(|(key, written)| (key.clone(), written.clone()))
                                .collect()
                        });
                }
            }
        }
        granted.cut |= complements.len() > MAX_WIDE;
        granted.complements = complements.into_values().take(MAX_WIDE).collect();
        granted
    }

    /// Leaves out what another part covers.
    pub(super) fn reduced(mut self) -> Self {
        if self.patterns.contains_key(ALL) {
            self.patterns.retain(|key, _| key == ALL);
            self.complements.clear();
            return self;
        }
        let complements = std::mem::take(&mut self.complements);
        for (n, one) in complements.iter().enumerate() {
            // Of two that cover each other, the first stays.
            let covered = complements.iter().enumerate().any(|(m, other)| {
                m != n && includes(one, other) && (m < n || !includes(other, one))
            });
            if !covered {
                self.complements.push(one.clone());
            }
        }
        let wide = wide(&self.patterns);
        let needless: Vec<String> = self
            .patterns
            .keys()
            .filter(|key| {
                let by_pattern = wide.iter().any(|other| {
                    other != *key && covers(other, key) && (other < *key || !covers(key, other))
                });
                by_pattern || self.complements.iter().any(|but| lets_through(but, key))
            })
            .cloned()
            .collect();
        for key in needless {
            self.patterns.remove(&key);
        }
        self
    }

    /// What is not covered by the other, in words.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        let wide = wide(&other.patterns);
        let mut words: Vec<String> = self
            .patterns
            .iter()
            .filter(|(key, _)| {
                !other.patterns.contains_key(*key)
                    && !wide.iter().any(|pattern| covers(pattern, key))
                    && !other.complements.iter().any(|but| lets_through(but, key))
            })
            .map(|(_, written)| bounded(written))
            .collect();
        let all = other.patterns.contains_key(ALL);
        words.extend(
            self.complements
                .iter()
                .filter(|but| !all && !other.complements.iter().any(|o| includes(but, o)))
                .map(complement_words),
        );
        words.sort();
        words
    }

    pub(super) fn words(&self) -> Vec<String> {
        self.beyond(&Self::default())
    }
}

pub(super) fn complement_words(but: &Patterns) -> String {
    let but = joined(but.values().map(String::as_str), ", ");
    bounded(&format!("everything but {but}"))
}

/// The patterns that can cover most: those with a wildcard, the shortest first.
pub(super) fn widest(patterns: &Patterns, most: usize) -> Vec<(&String, &String)> {
    let mut sorted: Vec<_> = patterns.iter().collect();
    sorted.sort_by_key(|(key, _)| (!is_wild(key), key.len(), *key));
    sorted.truncate(most);
    sorted
}

pub(super) fn wide(patterns: &Patterns) -> Vec<String> {
    let wild = patterns.iter().filter(|(key, _)| is_wild(key));
    let wild: Patterns = wild.map(|(k, w)| (k.clone(), w.clone())).collect();
    let wild = widest(&wild, MAX_WIDE);
    wild.into_iter().map(|(key, _)| key.clone()).collect()
}

/// Everything but some patterns still has all that matches `key`. Only known for a single operation.
pub(super) fn lets_through(but: &Patterns, key: &str) -> bool {
    !is_wild(key) && !but.keys().any(|pattern| covers(pattern, key))
}

/// Everything but the patterns of `narrow` lies within everything but those of `wide`.
pub(super) fn includes(narrow: &Patterns, wide: &Patterns) -> bool {
    wide.keys()
        .all(|w| narrow.contains_key(w) || narrow.keys().any(|n| is_wild(n) && covers(n, w)))
}
