//! What is known about a custom key store.

use jiff::Timestamp;

use super::fact::{Fact, READ_LIMIT, enrichment, read};
use crate::about::KeyStore;
use crate::answers::KeyStoreData;
use crate::arn::{KeyStoreId, Region};
use crate::enrichment::Enrichment;
use crate::ledger::Profile;
use crate::ledger::profile::learn;
use crate::ports::{CallErrorKind, Kms};
use crate::text::Untrusted;

/// What is known about a custom key store.
#[derive(Clone, Debug)]
pub struct KeyStoreFacts {
    data: Fact<KeyStoreData>,
    keys: Fact<u64>,
}

impl KeyStoreFacts {
    /// Asks KMS about `store`, everything at once. To `count` its keys takes a call for each key of the Region.
    pub async fn gather(kms: &impl Kms, store: &KeyStoreId, region: &Region, count: bool) -> Self {
        let (data, keys) = tokio::join!(
            read(
                true,
                READ_LIMIT,
                kms.describe_custom_key_store(store, region)
            ),
            read(count, READ_LIMIT, kms.count_keys_in_store(store, region)),
        );
        Self { data, keys }
    }

    /// Fills what KMS did not answer from what the ledger remembers.
    pub fn recall(&mut self, profile: &Profile) {
        self.data.recall(profile.key_store.clone(), false);
        self.keys.recall(profile.key_count.clone(), false);
    }

    /// Keeps what KMS answered just now.
    pub fn teach(&self, profile: &mut Profile, now: Timestamp) {
        if let Some(data) = self.data.live() {
            learn(&mut profile.key_store, data, now);
        }
        if let Some(keys) = self.keys.live() {
            learn(&mut profile.key_count, keys, now);
        }
    }

    /// What `DescribeCustomKeyStores` says now.
    pub fn data(&self) -> Option<&KeyStoreData> {
        self.data.live()
    }

    /// KMS says that there is no such key store.
    pub fn is_gone(&self) -> bool {
        self.data
            .failure()
            .is_some_and(|error| error.kind() == CallErrorKind::NotFound)
    }

    /// What is missing and why.
    pub fn enrichment(&self) -> Enrichment {
        let reasons = [
            ("keyStore", self.data.missing()),
            ("keyCount", self.keys.missing()),
        ];
        let answered = self.data.live().is_some() || self.keys.live().is_some();
        let as_of = [self.data.remembered(), self.keys.remembered()];
        enrichment(&reasons, answered, &as_of)
    }

    /// The key store as the alert shows it.
    pub fn into_key_store(self, id: &KeyStoreId) -> KeyStore {
        let gone = self.is_gone();
        let (data, _) = self.data.into_known().unwrap_or_default();
        KeyStore {
            id: Untrusted::new(id.as_str()),
            name: data.name,
            kind: data.kind,
            // What is remembered is not the state of what is no more.
            connection_state: data.connection_state.filter(|_| !gone),
            error_code: data.error_code.filter(|_| !gone),
            key_count: self.keys.into_known().map(|(keys, _)| keys),
            keys: None,
        }
    }
}
