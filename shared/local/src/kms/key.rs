//! A key: what is stored of it, the state that follows, and how `DescribeKey` shows it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    error::KmsError,
    grant::Grant,
    material::{Material, expiration_model},
    names::{KeySpec, KeyState, KeyUsage, Origin},
    policy_document::default_policy,
    selector::KeyRef,
};
use crate::{ids::Ids, spelling::partition, times::epoch};

/// Days between automatic rotations unless told otherwise.
pub(crate) const DEFAULT_ROTATION_DAYS: u32 = 365;

/// Everything KMS knows of a key.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) arn: String,
    pub(crate) created: Timestamp,
    pub(crate) description: String,
    pub(crate) spec: KeySpec,
    pub(crate) usage: KeyUsage,
    pub(crate) origin: Origin,
    pub(crate) aws_managed: bool,
    pub(crate) multi_region: Option<MultiRegion>,
    pub(crate) store: Option<StoreLink>,
    pub(crate) enabled: bool,
    pub(crate) deletion: Option<Deletion>,
    /// A new replica is `Creating` until then.
    pub(crate) ready: Option<Timestamp>,
    /// A key whose primary Region changes is `Updating` until then.
    pub(crate) updating: Option<Timestamp>,
    pub(crate) rotation: Rotation,
    pub(crate) materials: Vec<Material>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) policy: String,
    /// The second policy, `AWS_RAM`, which AWS RAM alone writes while the key is shared.
    pub(crate) ram_policy: Option<String>,
    pub(crate) grants: Vec<Grant>,
    pub(crate) last_use: Option<LastUse>,
    /// In place of the time that follows from the creation.
    pub(crate) tracked_since: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MultiRegion {
    Primary,
    Replica { primary_region: String },
}

/// Deletion, once it is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deletion {
    /// The waiting period runs.
    At(Timestamp),
    /// It starts, with so many days, when the last replica is gone.
    AfterReplicas { days: i64 },
}

/// The custom key store that holds the key.
#[derive(Debug, Clone)]
pub(crate) struct StoreLink {
    pub(crate) id: String,
    pub(crate) cluster: Option<String>,
    pub(crate) xks_key: Option<String>,
    pub(crate) connected: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    pub(crate) enabled: bool,
    pub(crate) days: u32,
    pub(crate) next: Timestamp,
    /// The start of an on-demand rotation that has not finished.
    pub(crate) on_demand: Option<Timestamp>,
    /// On-demand rotations so far: their number is limited.
    pub(crate) on_demand_count: u32,
}

/// The last successful cryptographic operation.
#[derive(Debug, Clone)]
pub(crate) struct LastUse {
    pub(crate) operation: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) event_id: String,
    pub(crate) request_id: String,
}

impl Key {
    pub(crate) fn new(region: &str, account: &str, id: &str, created: Timestamp) -> Self {
        let partition = partition(region);
        Self {
            id: id.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            arn: format!("arn:{partition}:kms:{region}:{account}:key/{id}"),
            created,
            description: String::new(),
            spec: KeySpec::SymmetricDefault,
            usage: KeyUsage::EncryptDecrypt,
            origin: Origin::AwsKms,
            aws_managed: false,
            multi_region: None,
            store: None,
            enabled: true,
            deletion: None,
            ready: None,
            updating: None,
            rotation: Rotation {
                enabled: false,
                days: DEFAULT_ROTATION_DAYS,
                next: created,
                on_demand: None,
                on_demand_count: 0,
            },
            materials: Vec::new(),
            tags: BTreeMap::new(),
            policy: default_policy(partition, account),
            ram_policy: None,
            grants: Vec::new(),
            last_use: None,
            tracked_since: None,
        }
    }

    pub(crate) fn reference(&self) -> KeyRef {
        KeyRef {
            region: self.region.clone(),
            id: self.id.clone(),
        }
    }

    /// The state follows from the facts, in this order: a key pending deletion stays so even if its store is
    /// disconnected, and a key that lacks material is `PendingImport` whether or not it was disabled.
    pub(crate) fn state(&self) -> KeyState {
        match self.deletion {
            Some(Deletion::At(_)) => return KeyState::PendingDeletion,
            Some(Deletion::AfterReplicas { .. }) => return KeyState::PendingReplicaDeletion,
            None => {}
        }
        if self.store.as_ref().is_some_and(|store| !store.connected) {
            KeyState::Unavailable
        } else if self.ready.is_some() {
            KeyState::Creating
        } else if self.updating.is_some() {
            KeyState::Updating
        } else if self.lacks_material() {
            KeyState::PendingImport
        } else if self.enabled {
            KeyState::Enabled
        } else {
            KeyState::Disabled
        }
    }

    pub(crate) fn is_replica(&self) -> bool {
        matches!(self.multi_region, Some(MultiRegion::Replica { .. }))
    }

    /// Symmetric encryption keys outside custom key stores: the only ones with rotations and material ids.
    pub(crate) fn has_rotations(&self) -> bool {
        self.spec == KeySpec::SymmetricDefault
            && matches!(self.origin, Origin::AwsKms | Origin::External)
    }

    /// `KeyMetadata`; `replicas` are the Regions of the replicas of a multi-Region key.
    pub(crate) fn metadata(&self, replicas: &[String]) -> Value {
        let state = self.state();
        let mut data = json!({
            "AWSAccountId": self.account,
            "KeyId": self.id,
            "Arn": self.arn,
            "CreationDate": epoch(self.created),
            // A key that is being updated can still be used.
            "Enabled": matches!(state, KeyState::Enabled | KeyState::Updating),
            "Description": self.description,
            "KeyUsage": self.usage.as_str(),
            "KeyState": state.as_str(),
            "Origin": self.origin.as_str(),
            "KeyManager": if self.aws_managed { "AWS" } else { "CUSTOMER" },
            "KeySpec": self.spec.as_str(),
            "CustomerMasterKeySpec": self.spec.as_str(),
            "MultiRegion": self.multi_region.is_some(),
        });
        if let Some(algorithms) = self.spec.algorithms(self.usage) {
            data[self.usage.algorithms_member()] = algorithms.into();
        }
        match self.deletion {
            Some(Deletion::At(at)) => data["DeletionDate"] = epoch(at),
            Some(Deletion::AfterReplicas { days }) => {
                data["PendingDeletionWindowInDays"] = days.into();
            }
            None => {}
        }
        if self.origin == Origin::External && self.permanent_materials().any(Material::is_present) {
            let valid_to = self.earliest_expiry();
            data["ExpirationModel"] = expiration_model(valid_to).into();
            if let Some(valid_to) = valid_to {
                data["ValidTo"] = epoch(valid_to);
            }
        }
        if let Some(store) = &self.store {
            data["CustomKeyStoreId"] = store.id.as_str().into();
            if let Some(cluster) = &store.cluster {
                data["CloudHsmClusterId"] = cluster.as_str().into();
            }
            if let Some(id) = &store.xks_key {
                data["XksKeyConfiguration"] = json!({"Id": id});
            }
        }
        if self.has_rotations()
            && let Some(material) = self.current_material()
        {
            data["CurrentKeyMaterialId"] = material.id.as_str().into();
        }
        if let Some(multi_region) = &self.multi_region {
            let (kind, primary) = match multi_region {
                MultiRegion::Primary => ("PRIMARY", &self.region),
                MultiRegion::Replica { primary_region } => ("REPLICA", primary_region),
            };
            let related = |region: &String| json!({"Arn": self.arn_in(region), "Region": region});
            data["MultiRegionConfiguration"] = json!({
                "MultiRegionKeyType": kind,
                "PrimaryKey": related(primary),
                "ReplicaKeys": replicas.iter().map(related).collect::<Vec<_>>(),
            });
        }
        data
    }

    /// The ARN of the related key in another Region.
    pub(crate) fn arn_in(&self, region: &str) -> String {
        format!(
            "arn:{}:kms:{region}:{}:key/{}",
            partition(region),
            self.account,
            self.id
        )
    }
}

pub(super) fn new_key_id(ids: &mut Ids, multi_region: bool) -> String {
    if multi_region {
        format!("mrk-{}", ids.hex(32))
    } else {
        ids.uuid()
    }
}

impl KmsError {
    pub(crate) fn unsupported_origin(key: &Key) -> Self {
        Self::new(
            "UnsupportedOperationException",
            format!(
                "{} origin is {} which is not valid for this operation.",
                key.arn,
                key.origin.as_str()
            ),
        )
    }

    pub(crate) fn unsupported_spec(key: &Key) -> Self {
        Self::new(
            "UnsupportedOperationException",
            format!(
                "{} key spec is {} which is not valid for this operation.",
                key.arn,
                key.spec.as_str()
            ),
        )
    }
}
