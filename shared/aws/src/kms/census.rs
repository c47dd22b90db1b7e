//! The lists of everything that KMS has in one account and Region.

use aws_sdk_kms::types::{AliasListEntry, CustomKeyStoresListEntry, KeyListEntry};
use watch_core::answers::KeyStoreData;
use watch_core::arn::{KeyArn, KeyStoreId};
use watch_core::ports::{Alias, CallError, Census, Page};

use super::KmsAdapter;
use super::read::{key_store, text};
use crate::page::page;

impl Census for KmsAdapter {
    async fn list_keys(&self, marker: Option<&str>) -> Result<Page<KeyArn>, CallError> {
        let call = self
            .client
            .list_keys()
            .limit(1000)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let name = |key: &KeyListEntry| {
            let arn = key.key_arn().and_then(|arn| arn.parse().ok());
            if arn.is_none() {
                tracing::warn!(
                    key.arn = key.key_arn(),
                    key.id = key.key_id(),
                    "a key without a readable ARN is left out"
                );
            }
            arn
        };
        let keys = answer.keys().iter().filter_map(name).collect();
        page(keys, marker, answer.truncated(), answer.next_marker())
    }

    async fn list_all_aliases(&self, marker: Option<&str>) -> Result<Page<Alias>, CallError> {
        let call = self
            .client
            .list_aliases()
            .limit(100)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let read = |alias: &AliasListEntry| {
            let name = text(alias.alias_name());
            if name.is_none() {
                tracing::warn!(
                    key.id = alias.target_key_id(),
                    "an alias without a name is left out"
                );
            }
            let target = alias.target_key_id().filter(|id| !id.is_empty());
            Some(Alias {
                name: name?,
                target: target.map(str::to_owned),
            })
        };
        let aliases = answer.aliases().iter().filter_map(read).collect();
        page(aliases, marker, answer.truncated(), answer.next_marker())
    }

    async fn list_key_stores(
        &self,
        marker: Option<&str>,
    ) -> Result<Page<(KeyStoreId, KeyStoreData)>, CallError> {
        let call = self
            .client
            .describe_custom_key_stores()
            .limit(1000)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let read = |store: &CustomKeyStoresListEntry| {
            let id = store.custom_key_store_id().and_then(KeyStoreId::new);
            if id.is_none() {
                tracing::warn!(
                    store.id = store.custom_key_store_id(),
                    "a custom key store without a readable id is left out"
                );
            }
            Some((id?, key_store(store)))
        };
        let stores = answer.custom_key_stores().iter().filter_map(read).collect();
        page(stores, marker, answer.truncated(), answer.next_marker())
    }
}
