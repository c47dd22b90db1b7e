//! A key that can be changed, and what may go wrong while that is done.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::FakeKms;
use crate::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags};
use crate::arn::{KeyArn, KeyStoreId, Region};
use crate::key::State;
use crate::ports::{CallError, Kms, Rescuer, Switch};
use crate::text::Untrusted;

/// What goes wrong with a call that changes a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// KMS refuses it.
    Refused(&'static str),
    /// KMS does it, and the answer is lost.
    AnswerLost,
    /// KMS does not get it, and nobody knows.
    Lost,
}

/// A key, and what is done to it. Clones share everything. Every call yields before and after it takes effect, so that whoever makes
/// it may die between.
#[derive(Clone, Debug)]
pub struct FakeVault(Rc<RefCell<Vault>>);

/// What a vault holds.
#[derive(Clone, Debug)]
pub struct Vault {
    /// What KMS says of the key.
    pub kms: FakeKms,
    /// The calls that changed the key, in that order, failed ones left out.
    pub acts: Vec<&'static str>,
    /// What goes wrong with the next calls that change a key.
    pub mishaps: Vec<Mishap>,
    /// What the parameter says that stops all rescues.
    pub switch: Result<bool, CallError>,
}

impl FakeVault {
    /// A key of which KMS says this.
    pub fn new(kms: FakeKms) -> Self {
        Self(Rc::new(RefCell::new(Vault {
            kms,
            acts: Vec::new(),
            mishaps: Vec::new(),
            switch: Ok(true),
        })))
    }

    /// Changes what it holds.
    pub fn change<T>(&self, change: impl FnOnce(&mut Vault) -> T) -> T {
        change(&mut self.0.borrow_mut())
    }

    /// The calls that changed the key.
    pub fn acts(&self) -> Vec<&'static str> {
        self.0.borrow().acts.clone()
    }

    fn kms(&self) -> FakeKms {
        self.0.borrow().kms.clone()
    }

    async fn act(
        &self,
        operation: &'static str,
        change: impl FnOnce(&mut FakeKms) -> Result<(), CallError>,
    ) -> Result<Option<Untrusted>, CallError> {
        tokio::task::yield_now().await;
        let mishap =
            self.change(|vault| (!vault.mishaps.is_empty()).then(|| vault.mishaps.remove(0)));
        let lost = CallError::timeout(std::time::Duration::from_secs(4));
        match &mishap {
            Some(Mishap::Refused(code)) => return Err(CallError::new(code, "no")),
            Some(Mishap::Lost) => return Err(lost),
            Some(Mishap::AnswerLost) | None => {}
        }
        self.change(|vault| {
            change(&mut vault.kms)?;
            vault.acts.push(operation);
            Ok(())
        })?;
        tokio::task::yield_now().await;
        match mishap {
            None => Ok(Some(Untrusted::new("79b38166-9149-48ca-a75a-4a1c15dd743d"))),
            Some(_) => Err(lost),
        }
    }
}

impl Rescuer for FakeVault {
    async fn cancel_key_deletion(&self, _: &KeyArn) -> Result<Option<Untrusted>, CallError> {
        self.act("CancelKeyDeletion", |kms| {
            let metadata = kms.metadata.as_mut().map_err(|error| error.clone())?;
            if !metadata
                .state
                .as_ref()
                .is_some_and(State::is_pending_deletion)
            {
                return Err(CallError::new(
                    "KMSInvalidStateException",
                    "not pending deletion",
                ));
            }
            metadata.state = Some(State::Disabled);
            metadata.deletion_at = None;
            Ok(())
        })
        .await
    }

    async fn enable_key_rotation(
        &self,
        _: &KeyArn,
        period_days: Option<u32>,
    ) -> Result<Option<Untrusted>, CallError> {
        self.act("EnableKeyRotation", |kms| {
            let rotation = kms.rotation.as_mut().map_err(|error| error.clone())?;
            rotation.enabled = true;
            rotation.period_days = period_days.or(Some(365));
            Ok(())
        })
        .await
    }

    async fn enable_key(&self, _: &KeyArn) -> Result<Option<Untrusted>, CallError> {
        self.act("EnableKey", |kms| {
            let metadata = kms.metadata.as_mut().map_err(|error| error.clone())?;
            metadata.state = Some(State::Enabled);
            Ok(())
        })
        .await
    }
}

impl Switch for FakeVault {
    async fn is_on(&self) -> Result<bool, CallError> {
        tokio::task::yield_now().await;
        self.0.borrow().switch.clone()
    }
}

impl Kms for FakeVault {
    async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError> {
        tokio::task::yield_now().await;
        self.kms().describe_key(key).await
    }
    async fn list_aliases(&self, key: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        self.kms().list_aliases(key).await
    }
    async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError> {
        self.kms().list_resource_tags(key).await
    }
    async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError> {
        self.kms().get_key_rotation_status(key).await
    }
    async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError> {
        self.kms().list_materials(key).await
    }
    async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        self.kms().get_key_policy(key).await
    }
    async fn describe_custom_key_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<KeyStoreData, CallError> {
        self.kms().describe_custom_key_store(store, region).await
    }
    async fn count_keys_in_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<u64, CallError> {
        self.kms().count_keys_in_store(store, region).await
    }
    async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        self.kms().get_key_last_usage(key).await
    }
}

/// What of a key with the tag that protects keys, pending deletion until then, KMS says.
pub fn protected_key(deletion_at: &str) -> FakeKms {
    let mut kms = FakeKms::default();
    if let Ok(metadata) = &mut kms.metadata {
        metadata.state = Some(State::PendingDeletion);
        metadata.deletion_at = Some(deletion_at.parse().unwrap());
    }
    let tag = |key: &str, value: &str| (Untrusted::new(key), Untrusted::new(value));
    kms.tags = Ok(BTreeMap::from([
        tag("Owner", "team-pay"),
        tag("kms-watch:protect", "true"),
    ]));
    kms
}
