//! What is known of what an alert is about.

use crate::about::{Key, KeyStore};
use crate::dependants::Dependants;
use crate::enrichment::{Enrichment, EnrichmentSource, EnrichmentStatus, Missing};
use crate::kinds::Kind;
use crate::ledger::Profile;
use crate::owner::OTHERS;
use crate::text::Untrusted;

/// A key or a key store as it stands now.
#[derive(Debug)]
pub(super) struct Portrait {
    /// The key, if it is about one.
    pub(super) key: Option<Key>,
    /// The custom key store, if it is about one.
    pub(super) key_store: Option<KeyStore>,
    /// KMS says that there is no such key, or key store.
    pub(super) gone: bool,
    /// Who and what depends on the key, where the kind of alert says so.
    pub(super) dependants: Option<Dependants>,
    /// How much of it was asked of KMS.
    pub(super) enrichment: Enrichment,
}

impl Portrait {
    /// Nothing is to be known.
    pub(super) fn blank() -> Self {
        Self {
            key: None,
            key_store: None,
            gone: false,
            dependants: None,
            enrichment: Enrichment {
                status: EnrichmentStatus::Complete,
                source: EnrichmentSource::Event,
                as_of: None,
                missing: Vec::new(),
            },
        }
    }

    /// Takes in who and what depends on it: on a key, or on the keys of a key store that does not work.
    pub(super) fn depend_on(&mut self, kind: &Kind, profile: &Profile) {
        self.dependants = kind.dependants(profile);
        if let Some(store) = &mut self.key_store {
            let keys = profile.store_keys.as_ref();
            let keys = keys.filter(|_| kind.names_dependants());
            store.keys = keys.map(|keys| keys.value.clone());
        }
    }

    /// These hear of it as owners of the key too.
    pub(super) fn told_too<'a>(&mut self, owners: impl Iterator<Item = &'a Untrusted>) {
        let Some(key) = &mut self.key else {
            return;
        };
        for owner in owners.take(OTHERS) {
            if key.owner.as_ref() != Some(owner) && !key.other_owners.contains(owner) {
                key.other_owners.push(owner.clone());
            }
        }
    }

    /// Says that the ledger failed, so that the alert may come twice, and lacks what only the ledger knows.
    pub(super) fn lacks_ledger(&mut self, reason: Untrusted) {
        let fact = "ledger";
        self.enrichment.missing.push(Missing {
            fact,
            reason,
            throttled: false,
        });
        if self.enrichment.status == EnrichmentStatus::Complete {
            self.enrichment.status = EnrichmentStatus::Partial;
        }
    }
}
