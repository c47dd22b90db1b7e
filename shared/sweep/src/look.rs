//! One look at one key: what KMS says of it, and what that adds to what was known.

use jiff::Timestamp;
use watch_core::answers::{Grant, Material, Metadata, RotationStatus, Tags};
use watch_core::arn::KeyArn;
use watch_core::key::{Manager, Origin, State};
use watch_core::ledger::Profile;
use watch_core::ledger::profile::{Dated, latest, learn_within};
use watch_core::ports::{CallError, CallErrorKind, Grants, Kms};
use watch_core::text::Untrusted;

use crate::order::Depth;
use crate::pace::Paced;

/// A fact that is still the same is written again after a week: each writing costs as much as the whole item.
const REFRESHED_AFTER_HOURS: i64 = 7 * 24;

/// What KMS said of a key. What was not asked, or has no meaning for the key, is `None`.
#[derive(Clone, Debug)]
pub struct Look {
    /// `DescribeKey`.
    pub metadata: Result<Metadata, CallError>,
    /// Its names in the account's list.
    pub aliases: Option<Vec<Untrusted>>,
    /// `ListResourceTags`.
    pub tags: Option<Result<Tags, CallError>>,
    /// `GetKeyRotationStatus`.
    pub rotation: Option<Result<RotationStatus, CallError>>,
    /// `ListKeyRotations` with all key material.
    pub materials: Option<Result<Vec<Material>, CallError>>,
    /// `GetKeyPolicy`.
    pub policy: Option<Result<String, CallError>>,
    /// `GetKeyPolicy` of the second policy, which AWS RAM writes; `None` if there is none.
    pub shared: Option<Result<Option<String>, CallError>>,
    /// `ListGrants`.
    pub grants: Option<Result<Vec<Grant>, CallError>>,
}

/// More grants of one key are not compared: each page takes a call.
const MOST_GRANTS: usize = 1_000;
/// What is said of such a key.
const TOO_MANY_GRANTS: &str = "TooManyGrants";

/// What a look is worth.
#[derive(Clone, Copy, Debug)]
pub struct Wants<'a> {
    /// How deep.
    pub depth: Depth,
    /// The key's policy too.
    pub policy: bool,
    /// The policy by which AWS RAM shares the key too.
    pub shares: bool,
    /// Its grants too.
    pub grants: bool,
    /// What was known: what changed is looked at closely.
    pub before: &'a Profile,
}

impl Look {
    /// Asks KMS about `key`: what it is, and then at once what that makes worth asking.
    pub async fn at<K: Kms + Grants>(
        kms: &Paced<K>,
        key: &KeyArn,
        aliases: Option<Vec<Untrusted>>,
        wants: Wants<'_>,
    ) -> Self {
        let metadata = kms.describe_key(key).await;
        let needs = metadata
            .as_ref()
            .map(|metadata| Needs::of(metadata, wants))
            .unwrap_or_default();
        let (tags, rotation, materials, policy, shared, grants) = tokio::join!(
            when(needs.tags, kms.list_resource_tags(key)),
            when(needs.rotation, kms.get_key_rotation_status(key)),
            when(needs.materials, kms.list_materials(key)),
            when(needs.policy, kms.get_key_policy(key)),
            when(needs.shares, kms.get_shared_policy(key)),
            when(needs.grants, all_grants(kms, key)),
        );
        Self {
            metadata,
            aliases,
            tags,
            rotation: rotation.and_then(applicable),
            materials: materials.and_then(applicable),
            policy,
            shared,
            grants,
        }
    }

    /// KMS says that there is no such key.
    pub fn is_gone(&self) -> bool {
        matches!(&self.metadata, Err(error) if error.kind() == CallErrorKind::NotFound)
    }

    /// AWS manages the key for the account.
    pub fn is_managed(&self) -> bool {
        matches!(&self.metadata, Ok(metadata) if metadata.manager == Some(Manager::Aws))
    }

    /// What the watch is not allowed to see, and why: the operation, and KMS's words.
    pub fn blind_spot(&self) -> Option<(&'static str, &CallError)> {
        self.failures().find(|(_, error)| {
            error.kind() == CallErrorKind::Denied || error.code().as_str() == TOO_MANY_GRANTS
        })
    }

    /// KMS was asked and gave no answer, now: the next look may find out.
    pub fn is_owed(&self) -> bool {
        self.failures().any(|(_, error)| {
            !matches!(
                error.kind(),
                CallErrorKind::Denied | CallErrorKind::NotFound | CallErrorKind::NotApplicable
            ) && error.code().as_str() != TOO_MANY_GRANTS
        })
    }

    fn failures(&self) -> impl Iterator<Item = (&'static str, &CallError)> {
        [
            ("DescribeKey", self.metadata.as_ref().err()),
            ("ListResourceTags", failure(self.tags.as_ref())),
            ("GetKeyRotationStatus", failure(self.rotation.as_ref())),
            ("ListKeyRotations", failure(self.materials.as_ref())),
            ("GetKeyPolicy", failure(self.policy.as_ref())),
            ("GetKeyPolicy", failure(self.shared.as_ref())),
            ("ListGrants", failure(self.grants.as_ref())),
        ]
        .into_iter()
        .filter_map(|(operation, error)| Some((operation, error?)))
    }

    /// Adds what KMS said at `at` to what was known. What it did not say stays as it was known.
    pub fn teach(&self, profile: &mut Profile, at: Timestamp) {
        if let Ok(metadata) = &self.metadata {
            profile.forget_another(metadata.created_at);
            keep(&mut profile.metadata, Some(metadata), at);
        }
        keep(&mut profile.aliases, self.aliases.as_ref(), at);
        keep(&mut profile.tags, said(self.tags.as_ref()), at);
        keep(&mut profile.rotation, said(self.rotation.as_ref()), at);
        let materials = said(self.materials.as_ref()).map(|materials| latest(materials));
        keep(&mut profile.materials, materials.as_ref(), at);
    }
}

/// What to ask about a key beside what it is.
#[derive(Clone, Copy, Debug, Default)]
struct Needs {
    tags: bool,
    rotation: bool,
    materials: bool,
    policy: bool,
    shares: bool,
    grants: bool,
}

impl Needs {
    fn of(metadata: &Metadata, wants: Wants<'_>) -> Self {
        if metadata.manager == Some(Manager::Aws) {
            return Self::default();
        }
        let full = wants.depth == Depth::Full;
        let symmetric = metadata
            .spec
            .as_ref()
            .is_none_or(|spec| spec.as_str() == "SYMMETRIC_DEFAULT");
        let known = wants.before.metadata.as_ref().map(|known| &known.value);
        let rotated =
            known.is_some_and(|known| known.current_material != metadata.current_material);
        let changed = known.is_some_and(|known| {
            known.state != metadata.state || known.expires_at != metadata.expires_at
        });
        Self {
            tags: full,
            // Only these rotate by themselves (AWS KMS Developer Guide, rotate keys).
            rotation: full && symmetric && metadata.origin == Some(Origin::AwsKms),
            // Each imported material has an end of its own. KMS keeps the others.
            materials: symmetric
                && match metadata.origin {
                    Some(Origin::External) => {
                        full || rotated || changed || metadata.state == Some(State::PendingImport)
                    }
                    Some(Origin::AwsKms) => rotated,
                    _ => false,
                },
            policy: wants.policy,
            shares: wants.shares,
            grants: wants.grants,
        }
    }
}

/// All grants of a key, page by page.
pub async fn all_grants<K: Grants>(kms: &Paced<K>, key: &KeyArn) -> Result<Vec<Grant>, CallError> {
    let mut grants = Vec::new();
    let mut marker = None;
    loop {
        let page = kms.list_grants(key, marker.as_deref()).await?;
        grants.extend(page.items);
        marker = page.next;
        if marker.is_none() {
            return Ok(grants);
        }
        if grants.len() >= MOST_GRANTS {
            let what = format!("more than {MOST_GRANTS} grants are not compared");
            return Err(CallError::new(TOO_MANY_GRANTS, &what));
        }
    }
}

async fn when<T>(wanted: bool, call: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(call.await) } else { None }
}

/// KMS refuses to speak of the rotation of a key that cannot rotate, or cannot now.
fn applicable<T>(answer: Result<T, CallError>) -> Option<Result<T, CallError>> {
    let without_meaning = |error: &CallError| {
        error.kind() == CallErrorKind::NotApplicable
            || error.code().as_str() == "KMSInvalidStateException"
    };
    (!answer.as_ref().is_err_and(without_meaning)).then_some(answer)
}

fn said<T>(answer: Option<&Result<T, CallError>>) -> Option<&T> {
    answer?.as_ref().ok()
}

fn failure<T>(answer: Option<&Result<T, CallError>>) -> Option<&CallError> {
    answer?.as_ref().err()
}

fn keep<T: PartialEq + Clone>(slot: &mut Option<Dated<T>>, value: Option<&T>, at: Timestamp) {
    if let Some(value) = value {
        learn_within(slot, value, at, REFRESHED_AFTER_HOURS);
    }
}
