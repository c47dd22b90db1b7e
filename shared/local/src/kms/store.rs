//! The keys, their aliases, the key stores.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    alias::Aliases, key::Key, key_store::KeyStore, keys::Keys, selector::KeyRef, uses::Uses,
};

/// Everything that KMS stores.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kms {
    pub(crate) keys: Keys,
    pub(super) aliases: Aliases,
    pub(super) stores: BTreeMap<String, KeyStore>,
    pub(super) import_tokens: BTreeMap<String, ImportToken>,
    pub(crate) uses: Uses,
}

/// What `GetParametersForImport` hands out for 24 hours.
#[derive(Debug, Clone)]
pub(super) struct ImportToken {
    pub(super) key: KeyRef,
    pub(super) expires: Timestamp,
}

impl Kms {
    /// Regions of the replicas of a multi-Region key, in alphabetical order.
    pub(crate) fn replica_regions(&self, id: &str) -> Vec<String> {
        let family = self.keys.family(id).into_iter();
        let replicas = family.filter(|place| self.keys.get(place).is_some_and(Key::is_replica));
        replicas.map(|place| place.region).collect()
    }

    pub(crate) fn metadata(&self, key: &Key) -> Value {
        let replicas = if key.multi_region.is_some() {
            self.replica_regions(&key.id)
        } else {
            Vec::new()
        };
        key.metadata(&replicas)
    }

    /// The key and all that belongs to it is gone.
    pub(crate) fn remove(&mut self, reference: &KeyRef) -> Option<Key> {
        self.aliases.remove_all_of(reference);
        self.keys.remove(reference)
    }
}
