//! The lists of everything that KMS has in one account and Region, and of a key's grants.

use std::collections::HashMap;

use aws_sdk_kms::config::Config;
use aws_sdk_kms::types::{
    AliasListEntry, CustomKeyStoresListEntry, GrantConstraints, GrantListEntry, KeyListEntry,
};
use watch_core::answers::{Grant, KeyStoreData};
use watch_core::arn::{KeyArn, KeyStoreId};
use watch_core::context::{self, Named};
use watch_core::ports::{Alias, CallError, Census, Grants, Page};
use watch_core::text::Untrusted;

use super::KmsAdapter;
use super::read::{key_store, moment, text};
use crate::page::page;
use crate::sdk;

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

impl Grants for KmsAdapter {
    async fn list_grants(
        &self,
        key: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError> {
        let call = self
            .client
            .list_grants()
            .key_id(key.to_string())
            .limit(100)
            .set_marker(marker.map(str::to_owned));
        let answer = sdk::send_in!(self.client, key.region().as_str(), Config::builder(), call);
        let answer = answer.map_err(|error| self.failed(&error))?;
        let grants = answer.grants().iter().filter_map(grant).collect();
        page(grants, marker, answer.truncated(), answer.next_marker())
    }
}

/// The resource that a grant is for, where an AWS service says so.
fn resource(constraints: Option<&GrantConstraints>) -> Option<Named> {
    let constraints = constraints?;
    let contexts = [
        constraints.encryption_context_equals(),
        constraints.encryption_context_subset(),
    ];
    contexts.into_iter().flatten().find_map(|context| {
        context::resource(
            context
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
    })
}

/// Of an encryption context the names, and of its values only that of a resource: others may say more than an alert should.
fn grant(entry: &GrantListEntry) -> Option<Grant> {
    let names = |context: Option<&HashMap<String, String>>| {
        let mut names: Vec<_> = context
            .into_iter()
            .flatten()
            .map(|(name, _)| Untrusted::new(name))
            .collect();
        names.sort();
        names
    };
    let constraints = entry.constraints();
    let operations = entry.operations().iter();
    Some(Grant {
        id: entry.grant_id()?.to_owned(),
        grantee: text(
            entry
                .grantee_principal()
                .or(entry.grantee_service_principal()),
        ),
        operations: operations
            .map(|operation| Untrusted::new(operation.as_str()))
            .collect(),
        encryption_context_subset: names(constraints.and_then(|it| it.encryption_context_subset())),
        encryption_context_equals: names(constraints.and_then(|it| it.encryption_context_equals())),
        resource: resource(constraints),
        source_arn: text(constraints.and_then(|it| it.source_arn())),
        retiring_principal: text(
            entry
                .retiring_principal()
                .or(entry.retiring_service_principal()),
        ),
        name: text(entry.name()),
        created_at: moment(entry.creation_date()),
    })
}
