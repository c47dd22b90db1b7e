//! An account of KMS.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::answers::{Grant, KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags};
use crate::arn::{KeyArn, KeyStoreId, Region};
use crate::key::{Manager, Origin, State};
use crate::ports::{Alias, CallError, Census, Grants, Kms, Page};
use crate::text::Untrusted;

/// What an account holds, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Keys by id.
    pub keys: BTreeMap<String, FakeKey>,
    /// Custom key stores by id.
    pub stores: BTreeMap<String, KeyStoreData>,
    /// Operations that fail, with the error.
    pub broken: BTreeMap<&'static str, CallError>,
    /// Number of calls by operation, and by operation and key id.
    pub calls: BTreeMap<String, u64>,
    /// Keys on a page of `ListKeys`, two at least.
    pub page: usize,
}

/// A key of the account.
#[derive(Clone, Debug)]
pub struct FakeKey {
    /// What `DescribeKey` answers.
    pub metadata: Metadata,
    /// Its aliases.
    pub aliases: Vec<String>,
    /// Its tags.
    pub tags: Tags,
    /// Its rotation; `None` if it cannot rotate.
    pub rotation: Option<RotationStatus>,
    /// Its material.
    pub materials: Vec<Material>,
    /// Its last use.
    pub usage: LastUsage,
    /// Its policy.
    pub policy: String,
    /// The policy by which AWS RAM shares it.
    pub shared: Option<String>,
    /// Its grants.
    pub grants: Vec<Grant>,
    /// Its policy lets nobody read it.
    pub denied: bool,
    /// `ListKeys` leaves it out.
    pub unlisted: bool,
}

impl Default for FakeKey {
    /// A key of team-pay, made in 2024, that rotates once a year.
    fn default() -> Self {
        Self {
            metadata: Metadata {
                state: Some(State::Enabled),
                manager: Some(Manager::Customer),
                origin: Some(Origin::AwsKms),
                spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
                created_at: Some("2024-01-01T00:00:00Z".parse().unwrap()),
                current_material: Some("m1".to_owned()),
                ..Metadata::default()
            },
            aliases: Vec::new(),
            tags: Tags::from([(Untrusted::new("Owner"), Untrusted::new("team-pay"))]),
            rotation: Some(RotationStatus {
                enabled: true,
                period_days: Some(365),
                next_at: Some("2027-06-01T00:00:00Z".parse().unwrap()),
            }),
            materials: Vec::new(),
            usage: LastUsage::default(),
            policy: "{}".to_owned(),
            shared: None,
            grants: Vec::new(),
            denied: false,
            unlisted: false,
        }
    }
}

/// An account of KMS. Clones share it, so that a test changes it between two sweeps.
#[derive(Clone, Debug, Default)]
pub struct FakeAccount(pub Rc<RefCell<Keys>>);

impl FakeAccount {
    /// The ARN of the key `id`.
    pub fn arn(id: &str) -> KeyArn {
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
        arn.parse().unwrap()
    }

    fn ask<T>(
        &self,
        operation: &'static str,
        key: Option<&KeyArn>,
        answer: impl FnOnce(&Keys) -> Option<T>,
    ) -> Result<T, CallError> {
        let mut account = self.0.borrow_mut();
        *account.calls.entry(operation.to_owned()).or_default() += 1;
        if let Some(key) = key {
            let name = format!("{operation} {}", key.id());
            *account.calls.entry(name).or_default() += 1;
            if account.keys.get(key.id()).is_some_and(|key| key.denied) {
                return Err(CallError::new("AccessDeniedException", "not authorized"));
            }
        }
        if let Some(error) = account.broken.get(operation) {
            return Err(error.clone());
        }
        answer(&account).ok_or_else(|| CallError::new("NotFoundException", "no such key"))
    }

    fn of<T>(
        &self,
        operation: &'static str,
        key: &KeyArn,
        answer: impl FnOnce(&FakeKey) -> T,
    ) -> Result<T, CallError> {
        self.ask(operation, Some(key), |account| {
            account.keys.get(key.id()).map(answer)
        })
    }
}

impl Kms for FakeAccount {
    async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError> {
        self.of("DescribeKey", key, |key| key.metadata.clone())
    }
    async fn list_aliases(&self, key: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        self.of("ListAliases", key, |key| {
            let names = key.aliases.iter();
            names.map(|name| Untrusted::new(name)).collect()
        })
    }
    async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError> {
        self.of("ListResourceTags", key, |key| key.tags.clone())
    }
    async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError> {
        let unsupported = || CallError::new("UnsupportedOperationException", "");
        self.of("GetKeyRotationStatus", key, |key| key.rotation.clone())?
            .ok_or_else(unsupported)
    }
    async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError> {
        self.of("ListKeyRotations", key, |key| key.materials.clone())
    }
    async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        self.of("GetKeyPolicy", key, |key| key.policy.clone())
    }
    async fn get_shared_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        let shared = self.of("GetSharedPolicy", key, |key| key.shared.clone())?;
        shared.ok_or_else(|| CallError::new("NotFoundException", "the key is not shared"))
    }
    async fn describe_custom_key_store(
        &self,
        store: &KeyStoreId,
        _: &Region,
    ) -> Result<KeyStoreData, CallError> {
        self.ask("DescribeCustomKeyStores", None, |account| {
            account.stores.get(store.as_str()).cloned()
        })
    }
    async fn count_keys_in_store(&self, _: &KeyStoreId, _: &Region) -> Result<u64, CallError> {
        Ok(1)
    }
    async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        self.of("GetKeyLastUsage", key, |key| key.usage.clone())
    }
}

impl Grants for FakeAccount {
    async fn list_grants(
        &self,
        key: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError> {
        let start = marker.map_or(0, |marker| marker.parse().unwrap());
        self.of("ListGrants", key, |key| Page {
            items: key.grants.iter().skip(start).take(100).cloned().collect(),
            next: (key.grants.len() > start + 100).then(|| (start + 100).to_string()),
        })
    }
}

impl Census for FakeAccount {
    async fn list_keys(&self, marker: Option<&str>) -> Result<Page<KeyArn>, CallError> {
        self.ask("ListKeys", None, |account| {
            let size = account.page.max(2);
            let start = marker.map_or(0, |marker| marker.parse().unwrap());
            let listed = account.keys.iter().filter(|(_, key)| !key.unlisted);
            let keys: Vec<_> = listed.map(|(id, _)| Self::arn(id)).collect();
            let next = (keys.len() > start + size).then(|| (start + size).to_string());
            Some(Page {
                items: keys.into_iter().skip(start).take(size).collect(),
                next,
            })
        })
    }
    async fn list_all_aliases(&self, _: Option<&str>) -> Result<Page<Alias>, CallError> {
        self.ask("ListAllAliases", None, |account| {
            let names = account.keys.iter().flat_map(|(id, key)| {
                key.aliases.iter().map(|name| Alias {
                    name: Untrusted::new(name),
                    target: Some(id.clone()),
                })
            });
            Some(Page {
                items: names.collect(),
                next: None,
            })
        })
    }
    async fn list_key_stores(
        &self,
        _: Option<&str>,
    ) -> Result<Page<(KeyStoreId, KeyStoreData)>, CallError> {
        self.ask("ListKeyStores", None, |account| {
            let stores = account.stores.iter();
            let stores = stores.map(|(id, data)| (KeyStoreId::new(id).unwrap(), data.clone()));
            Some(Page {
                items: stores.collect(),
                next: None,
            })
        })
    }
}
