//! What is known about a key.

use jiff::Timestamp;

use super::fact::{Fact, LAST_USE_LIMIT, READ_LIMIT, enrichment, read};
use crate::about::{Key, LastUse, LastUseStatus, Rotation};
use crate::answers::{LastUsage, Material, Metadata, RotationStatus, Tags};
use crate::arn::KeyArn;
use crate::enrichment::Enrichment;
use crate::key::Origin;
use crate::ledger::Profile;
use crate::ledger::profile::{self, learn};
use crate::owner::{OTHERS, owners};
use crate::ports::{CallError, CallErrorKind, Kms};
use crate::text::Untrusted;

/// Which reads a kind of alert is worth, beside `DescribeKey`, `ListAliases` and `ListResourceTags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// `GetKeyRotationStatus` and `ListKeyRotations`.
    pub rotation: bool,
    /// `GetKeyLastUsage`, whose quota is five requests a second.
    pub last_use: bool,
}

/// Whose policy of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyOf {
    /// `default`, the owner's.
    Owner,
    /// `AWS_RAM`, which AWS RAM writes while the key is shared.
    Ram,
}

/// What is known about a key: KMS's answers, and what the ledger remembers where they are missing.
#[derive(Clone, Debug)]
pub struct Facts {
    metadata: Fact<Metadata>,
    aliases: Fact<Vec<Untrusted>>,
    tags: Fact<Tags>,
    rotation: Fact<RotationStatus>,
    materials: Fact<Vec<Material>>,
    last_use: Fact<LastUsage>,
    policy: Fact<String>,
    /// KMS was not asked at all.
    unasked: bool,
}

impl Facts {
    /// Nothing is asked of KMS: the ledger has to do.
    pub fn unasked() -> Self {
        Self {
            metadata: Fact::None,
            aliases: Fact::None,
            tags: Fact::None,
            rotation: Fact::None,
            materials: Fact::None,
            last_use: Fact::None,
            policy: Fact::None,
            unasked: true,
        }
    }

    /// Asks KMS about `key`, everything at once; about one of its policies too, where the kind of alert reads it.
    pub async fn gather(
        kms: &impl Kms,
        key: &KeyArn,
        reads: Reads,
        policy: Option<PolicyOf>,
    ) -> Self {
        let read_policy = async || match policy {
            Some(PolicyOf::Ram) => kms.get_shared_policy(key).await,
            _ => kms.get_key_policy(key).await,
        };
        let (metadata, aliases, tags, rotation, materials, last_use, policy) = tokio::join!(
            read(true, READ_LIMIT, kms.describe_key(key)),
            read(true, READ_LIMIT, kms.list_aliases(key)),
            read(true, READ_LIMIT, kms.list_resource_tags(key)),
            read(reads.rotation, READ_LIMIT, kms.get_key_rotation_status(key)),
            read(reads.rotation, READ_LIMIT, kms.list_materials(key)),
            read(reads.last_use, LAST_USE_LIMIT, kms.get_key_last_usage(key)),
            read(policy.is_some(), READ_LIMIT, read_policy()),
        );
        let mut facts = Self {
            metadata,
            aliases,
            tags,
            rotation,
            materials,
            last_use,
            policy,
            unasked: false,
        };
        facts.forget_what_does_not_apply();
        facts
    }

    /// Only symmetric keys whose material KMS holds rotate (KMS Developer Guide, rotate keys). The reads are made before
    /// that is known, because one more round trip would cost more than two calls.
    fn forget_what_does_not_apply(&mut self) {
        let rotates = self.metadata.known().is_none_or(rotates);
        let no_meaning = |error: Option<&CallError>| {
            error.is_some_and(|error| {
                !rotates
                    || error.kind() == CallErrorKind::NotApplicable
                    || error.code().as_str() == "KMSInvalidStateException"
            })
        };
        // Of asymmetric and HMAC keys KMS may say "no" rather than that it has no meaning.
        if !rotates || no_meaning(self.rotation.missing()) {
            self.rotation = Fact::None;
        }
        if !rotates || no_meaning(self.materials.missing()) {
            self.materials = Fact::None;
        }
    }

    /// Fills what KMS did not answer from what the ledger remembers.
    pub fn recall(&mut self, profile: &Profile) {
        let Profile {
            metadata,
            aliases,
            tags,
            rotation,
            materials,
            last_use,
            ..
        } = profile.clone();
        self.metadata.recall(metadata, self.unasked);
        self.aliases.recall(aliases, self.unasked);
        self.tags.recall(tags, self.unasked);
        self.rotation.recall(rotation, false);
        self.materials.recall(materials, false);
        // Asked of KMS only where it matters most; it says by itself how old it is.
        self.last_use.recall(last_use, true);
    }

    /// Keeps what KMS answered just now.
    pub fn teach(&self, profile: &mut Profile, now: Timestamp) {
        if let Some(metadata) = self.metadata.live() {
            profile.forget_another(metadata.created_at);
            learn(&mut profile.metadata, metadata, now);
        }
        if let Some(aliases) = self.aliases.live() {
            learn(&mut profile.aliases, aliases, now);
        }
        if let Some(tags) = self.tags.live() {
            learn(&mut profile.tags, tags, now);
        }
        if let Some(rotation) = self.rotation.live() {
            learn(&mut profile.rotation, rotation, now);
        }
        if let Some(materials) = self.materials.live() {
            learn(&mut profile.materials, &profile::latest(materials), now);
        }
        if let Some(last_use) = self.last_use.live() {
            learn(&mut profile.last_use, last_use, now);
        }
    }

    /// When the key was created, if KMS says so now.
    pub fn created_at(&self) -> Option<Timestamp> {
        self.metadata.live()?.created_at
    }

    /// What `DescribeKey` says now.
    pub fn metadata(&self) -> Option<&Metadata> {
        self.metadata.live()
    }

    /// The key's material, as KMS lists it now.
    pub fn materials(&self) -> &[Material] {
        self.materials.live().map_or(&[], Vec::as_slice)
    }

    /// The key's policy, as KMS has it now.
    pub fn policy(&self) -> Option<&str> {
        self.policy.live().map(String::as_str)
    }

    /// KMS says that there is no such key.
    pub fn is_gone(&self) -> bool {
        self.metadata
            .failure()
            .is_some_and(|error| error.kind() == CallErrorKind::NotFound)
    }

    /// What is missing and why.
    pub fn enrichment(&self) -> Enrichment {
        let reasons = [
            ("metadata", self.metadata.missing()),
            ("aliases", self.aliases.missing()),
            ("tags", self.tags.missing()),
            ("rotation", self.rotation.missing()),
            ("lastRotation", self.materials.missing()),
            ("lastUse", self.last_use.missing()),
            ("policy", self.policy.missing()),
        ];
        let answered = self.metadata.live().is_some()
            || self.aliases.live().is_some()
            || self.tags.live().is_some()
            || self.rotation.live().is_some()
            || self.materials.live().is_some()
            || self.last_use.live().is_some()
            || self.policy.live().is_some();
        // The last use says itself how old it is.
        let as_of = [
            self.metadata.remembered(),
            self.aliases.remembered(),
            self.tags.remembered(),
            self.rotation.remembered(),
            self.materials.remembered(),
            self.metadata.as_of().filter(|_| self.unasked),
        ];
        enrichment(&reasons, answered, &as_of)
    }

    /// The key as the alert shows it.
    pub fn into_key(self, arn: KeyArn, owner_tag_key: &str) -> Key {
        let gone = self.is_gone();
        let (mut metadata, _) = self.metadata.into_known().unwrap_or_default();
        if gone {
            // The state that is remembered is not the state of a key that is no more.
            metadata.state = None;
        }
        let tags = self.tags.known();
        let mut named = tags
            .into_iter()
            .flat_map(|tags| owners(tags, owner_tag_key).cloned());
        let (owner, other_owners) = (named.next(), named.take(OTHERS).collect());
        let last_rotation = self
            .materials
            .into_known()
            .and_then(|(materials, _)| materials.iter().filter_map(|it| it.rotated_at).max());
        // What KMS answered or the ledger remembers of a key that never rotates is no fact about it.
        let status = self.rotation.into_known().map(|(status, _)| status);
        let rotation = match (status, last_rotation) {
            _ if !rotates(&metadata) => None,
            (None, None) => None,
            (status, last_at) => Some(Rotation {
                enabled: status.as_ref().map(|status| status.enabled),
                period_days: status.as_ref().and_then(|status| status.period_days),
                next_at: status.and_then(|status| status.next_at),
                last_at,
            }),
        };
        Key {
            aliases: self.aliases.into_known().map(|(aliases, _)| aliases),
            description: metadata.description.and_then(Untrusted::non_empty),
            owner,
            other_owners,
            state: metadata.state,
            manager: metadata.manager,
            origin: metadata.origin,
            spec: metadata.spec,
            usage: metadata.usage,
            created_at: metadata.created_at,
            deletion_at: metadata.deletion_at,
            expires_at: metadata.expires_at,
            custom_key_store_id: metadata.custom_key_store_id,
            multi_region: metadata.multi_region,
            tags: self.tags.into_known().map(|(tags, _)| tags),
            rotation,
            last_use: self.last_use.into_known().map(|(usage, as_of)| LastUse {
                as_of,
                ..LastUse::from(usage)
            }),
            ..Key::unknown(arn)
        }
    }
}

/// Only symmetric keys whose material KMS holds rotate (KMS Developer Guide, rotate keys).
fn rotates(metadata: &Metadata) -> bool {
    let symmetric = metadata
        .spec
        .as_ref()
        .is_none_or(|spec| spec.as_str() == "SYMMETRIC_DEFAULT");
    let elsewhere = matches!(
        metadata.origin,
        Some(Origin::CloudHsm | Origin::ExternalKeyStore)
    );
    symmetric && !elsewhere && metadata.custom_key_store_id.is_none()
}

impl From<LastUsage> for LastUse {
    /// "Never used" is true only of a key that is younger than the record of its use (KMS API Reference,
    /// GetKeyLastUsage).
    fn from(usage: LastUsage) -> Self {
        let status = match (&usage.used, usage.created_at, usage.tracked_since) {
            (Some(_), ..) => LastUseStatus::Used,
            (None, Some(created), Some(tracked)) if created >= tracked => LastUseStatus::NeverUsed,
            _ => LastUseStatus::Unknown,
        };
        let (at, operation, event_id) = usage.used.map_or((None, None, None), |used| {
            (Some(used.at), used.operation, used.event_id)
        });
        Self {
            status,
            at,
            operation,
            event_id,
            tracked_since: usage.tracked_since,
            as_of: None,
        }
    }
}
