//! Custom key stores, as far as keys depend on them: connected or not.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Key, Kms, KmsError, Origin, StoreLink,
    body::{Body, missing},
};
use crate::ids::to_hex;

/// A custom key store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyStore {
    id: String,
    kind: Kind,
    connected: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    CloudHsm { cluster: String },
    External,
}

impl KeyStore {
    /// A connected AWS CloudHSM key store (`cks-…`) on a cluster (`cluster-…`).
    #[must_use]
    pub fn cloud_hsm(id: &str, cluster: &str) -> Self {
        let kind = Kind::CloudHsm {
            cluster: cluster.to_owned(),
        };
        Self {
            id: id.to_owned(),
            kind,
            connected: true,
        }
    }

    /// A connected external key store.
    #[must_use]
    pub fn external(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            kind: Kind::External,
            connected: true,
        }
    }

    fn origin(&self) -> Origin {
        match self.kind {
            Kind::CloudHsm { .. } => Origin::AwsCloudHsm,
            Kind::External => Origin::ExternalKeyStore,
        }
    }

    /// The link a key of this store keeps.
    pub(super) fn link(&self, xks_key: Option<&str>) -> (Origin, StoreLink) {
        let cluster = match &self.kind {
            Kind::CloudHsm { cluster } => Some(cluster.clone()),
            Kind::External => None,
        };
        let link = StoreLink {
            id: self.id.clone(),
            cluster,
            xks_key: xks_key.map(str::to_owned),
            connected: self.connected,
        };
        (self.origin(), link)
    }
}

impl Kms {
    pub(crate) fn add_store(&mut self, store: KeyStore) {
        self.stores.insert(store.id.clone(), store);
    }

    pub(super) fn store(&self, id: &str) -> Option<&KeyStore> {
        self.stores.get(id)
    }

    /// Connects or disconnects a store; its keys follow.
    pub(crate) fn connect_store(&mut self, id: &str, connected: bool) {
        if let Some(store) = self.stores.get_mut(id) {
            store.connected = connected;
        }
        for link in self.keys.values_mut().filter_map(|key| key.store.as_mut()) {
            if link.id == id {
                link.connected = connected;
            }
        }
    }

    /// The store a new key goes to, if its origin asks for one.
    pub(super) fn store_for_new_key(
        &self,
        origin: Origin,
        body: Body<'_>,
    ) -> Result<Option<StoreLink>, KmsError> {
        let id = body.text("CustomKeyStoreId")?;
        if matches!(origin, Origin::AwsKms | Origin::External) {
            return match id {
                None => Ok(None),
                Some(_) => Err(KmsError::validation(format!(
                    "CustomKeyStoreId is not valid for keys with origin {}",
                    origin.as_str()
                ))),
            };
        }
        let id = id.ok_or_else(|| missing("CustomKeyStoreId"))?;
        let store = self.stores.get(id).filter(|store| store.origin() == origin);
        let store = store.ok_or_else(|| {
            KmsError::new(
                "CustomKeyStoreNotFoundException",
                format!("{id} does not exist"),
            )
        })?;
        if !store.connected {
            return Err(KmsError::new(
                "CustomKeyStoreInvalidStateException",
                format!("{id} is not connected"),
            ));
        }
        Ok(Some(store.link(body.text("XksKeyId")?).1))
    }
}

impl Key {
    /// The key in the cluster that CloudTrail names beside a key of a CloudHSM key store.
    pub(super) fn backing_key(&self) -> Option<Value> {
        let cluster = self.store.as_ref()?.cluster.as_ref()?;
        let digest = to_hex(
            &Sha256::new()
                .chain_update(cluster)
                .chain_update(&self.id)
                .finalize(),
        );
        Some(json!({"keyHandle": "262166", "backingKeyId": &digest[..10]}))
    }

    /// `additionalEventData` of the deletion of a key of a CloudHSM key store.
    pub(crate) fn backing_key_data(&self) -> Option<Value> {
        let backing_key = self.backing_key()?;
        let store = self.store.as_ref()?;
        Some(json!({
            "customKeyStoreId": store.id,
            "clusterId": store.cluster,
            "backingKeys": json!([backing_key]).to_string(),
        }))
    }

    /// The same, once KMS has told the cluster to delete the backing key.
    pub(crate) fn backing_key_deleted_data(&self) -> Option<Value> {
        let mut data = self.backing_key_data()?;
        let mut status = self.backing_key()?;
        status["deletionStatus"] = "SUCCESS".into();
        data["backingKeysDeletionStatus"] = json!([status]).to_string().into();
        Some(data)
    }
}
