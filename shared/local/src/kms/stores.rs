//! Custom key stores: what they are, whether they are connected, and the keys that depend on it.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    body::{Body, missing},
    error::KmsError,
    key::{Key, StoreLink},
    key_store::{Connection, KeyStore},
    names::Origin,
    store::Kms,
};
use crate::ids::to_hex;

impl Kms {
    pub(crate) fn add_store(&mut self, store: KeyStore) {
        self.stores.insert(store.id.clone(), store);
    }

    pub(super) fn store(&self, id: &str) -> Option<&KeyStore> {
        self.stores.get(id)
    }

    pub(super) fn all_stores(&self) -> impl Iterator<Item = &KeyStore> {
        self.stores.values()
    }

    pub(super) fn remove_store(&mut self, id: &str) {
        self.stores.remove(id);
    }

    /// Connects or disconnects a store at once.
    pub(crate) fn connect_store(&mut self, id: &str, connected: bool) {
        let connection = if connected {
            Connection::Connected
        } else {
            Connection::Disconnected
        };
        self.set_connection(id, connection);
    }

    /// What attempts to connect the store end with from here on.
    pub(crate) fn fail_store(&mut self, id: &str, code: Option<&str>) {
        if let Some(store) = self.stores.get_mut(id) {
            store.fails_with = code.map(str::to_owned);
        }
    }

    /// Changes the state of a store; its keys follow.
    pub(super) fn set_connection(&mut self, id: &str, connection: Connection) {
        let connected = connection == Connection::Connected;
        if let Some(store) = self.stores.get_mut(id) {
            store.connection = connection;
        }
        let here = |key: &&Key| key.store.as_ref().is_some_and(|link| link.id == id);
        let keys: Vec<_> = self
            .keys
            .values()
            .filter(here)
            .map(Key::reference)
            .collect();
        for key in keys {
            if let Some(link) = self.keys.get_mut(&key).and_then(|key| key.store.as_mut()) {
                link.connected = connected;
            }
        }
    }

    /// The next attempt to connect that ends.
    pub(crate) fn next_connection(&self) -> Option<(Timestamp, &str)> {
        let ends = self
            .stores
            .values()
            .filter_map(|store| match store.connection {
                Connection::Connecting(until) => Some((until, store.id.as_str())),
                _ => None,
            });
        ends.min_by_key(|(at, _)| *at)
    }

    /// An attempt to connect ends; no event tells how.
    pub(crate) fn finish_connecting(&mut self, id: &str) {
        let Some(store) = self.stores.get(id) else {
            return;
        };
        let connection = store
            .fails_with
            .clone()
            .map_or(Connection::Connected, Connection::Failed);
        self.set_connection(id, connection);
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
        if store.connection != Connection::Connected {
            return Err(KmsError::new(
                "CustomKeyStoreInvalidStateException",
                format!("{id} is not connected"),
            ));
        }
        let xks_key = body.text("XksKeyId")?;
        match (origin, xks_key) {
            (Origin::ExternalKeyStore, None) => return Err(missing("XksKeyId")),
            (Origin::ExternalKeyStore, Some(wanted)) => self.check_xks_key(id, wanted)?,
            (_, Some(_)) => {
                return Err(KmsError::validation(
                    "XksKeyId is valid for keys with origin EXTERNAL_KEY_STORE only",
                ));
            }
            (_, None) => {}
        }
        Ok(Some(store.link(xks_key).1))
    }

    /// An external key stands behind one key of its store only.
    fn check_xks_key(&self, store: &str, wanted: &str) -> Result<(), KmsError> {
        let taken = self
            .keys
            .values()
            .filter_map(|key| key.store.as_ref())
            .any(|link| link.id == store && link.xks_key.as_deref() == Some(wanted));
        if taken {
            return Err(KmsError::new(
                "XksKeyAlreadyInUseException",
                format!("{wanted} is already in use in {store}"),
            ));
        }
        Ok(())
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

    /// `additionalEventData` of a cryptographic operation in a custom key store.
    pub(super) fn store_data(&self) -> Option<Value> {
        let store = self.store.as_ref()?;
        let mut data = json!({"customKeyStoreId": store.id});
        if let Some(backing_key) = self.backing_key() {
            data["backingKeyId"] = backing_key["backingKeyId"].clone();
        }
        if let Some(id) = &store.xks_key {
            data["xksKeyId"] = id.as_str().into();
        }
        Some(data)
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
