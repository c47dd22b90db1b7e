//! The KMS reads that explain an event. They run in parallel, each bounded in time; none can stop the alert.

use std::time::Duration;

use jiff::Timestamp;

use crate::alert::{
    Enrichment, EnrichmentSource, EnrichmentStatus, Key, LastUse, LastUseStatus, Missing, Rotation,
};
use crate::arn::KeyArn;
use crate::key::Origin;
use crate::ports::{CallError, CallErrorKind, Kms, LastUsage, Metadata, RotationStatus, Tags};
use crate::text::Untrusted;

/// Longest wait for a read, its retries included.
pub const READ_LIMIT: Duration = Duration::from_millis(2_000);
/// Longest wait for `GetKeyLastUsage`: with five requests a second for the whole account it is often refused.
pub const LAST_USE_LIMIT: Duration = Duration::from_millis(1_000);

/// Which reads a kind of alert is worth, beside `DescribeKey`, `ListAliases` and `ListResourceTags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// `GetKeyRotationStatus` and `ListKeyRotations`.
    pub rotation: bool,
    /// `GetKeyLastUsage`, whose quota is five requests a second.
    pub last_use: bool,
}

/// An answer, or what came instead.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fact<T> {
    Known(T),
    /// Not asked for, or without meaning for this key.
    None,
    Missing(CallError),
}

impl<T> Fact<T> {
    fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::None | Self::Missing(_) => None,
        }
    }

    fn into_known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            Self::None | Self::Missing(_) => None,
        }
    }

    fn missing(&self) -> Option<&CallError> {
        match self {
            Self::Missing(error) => Some(error),
            Self::None | Self::Known(_) => None,
        }
    }
}

/// What KMS answered about a key.
#[derive(Clone, Debug)]
pub struct Facts {
    metadata: Fact<Metadata>,
    aliases: Fact<Vec<Untrusted>>,
    tags: Fact<Tags>,
    rotation: Fact<RotationStatus>,
    last_rotation: Fact<Option<Timestamp>>,
    last_use: Fact<LastUsage>,
}

impl Facts {
    /// Asks KMS about `key`, everything at once.
    pub async fn gather(kms: &impl Kms, key: &KeyArn, reads: Reads) -> Self {
        let (metadata, aliases, tags, rotation, last_rotation, last_use) = tokio::join!(
            read(true, READ_LIMIT, kms.describe_key(key)),
            read(true, READ_LIMIT, kms.list_aliases(key)),
            read(true, READ_LIMIT, kms.list_resource_tags(key)),
            read(reads.rotation, READ_LIMIT, kms.get_key_rotation_status(key)),
            read(reads.rotation, READ_LIMIT, kms.last_rotation(key)),
            read(reads.last_use, LAST_USE_LIMIT, kms.get_key_last_usage(key)),
        );
        let mut facts = Self {
            metadata,
            aliases,
            tags,
            rotation,
            last_rotation,
            last_use,
        };
        facts.forget_what_does_not_apply();
        facts
    }

    /// Only symmetric keys whose material KMS holds rotate (KMS Developer Guide, rotate keys). The reads are made before
    /// that is known, because one more round trip would cost more than two calls.
    fn forget_what_does_not_apply(&mut self) {
        let rotates = self.metadata.known().is_none_or(|metadata| {
            metadata
                .spec
                .as_ref()
                .is_none_or(|spec| spec.as_str() == "SYMMETRIC_DEFAULT")
                && !matches!(
                    metadata.origin,
                    Some(Origin::CloudHsm | Origin::ExternalKeyStore)
                )
        });
        let no_meaning = |error: Option<&CallError>| {
            error.is_some_and(|error| {
                !rotates
                    || error.kind() == CallErrorKind::NotApplicable
                    || error.code().as_str() == "KMSInvalidStateException"
            })
        };
        if no_meaning(self.rotation.missing()) {
            self.rotation = Fact::None;
        }
        if no_meaning(self.last_rotation.missing()) {
            self.last_rotation = Fact::None;
        }
    }

    /// KMS says that there is no such key.
    pub fn is_gone(&self) -> bool {
        self.metadata
            .missing()
            .is_some_and(|error| error.kind() == CallErrorKind::NotFound)
    }

    /// What is missing and why.
    pub fn enrichment(&self) -> Enrichment {
        let reasons = [
            ("metadata", self.metadata.missing()),
            ("aliases", self.aliases.missing()),
            ("tags", self.tags.missing()),
            ("rotation", self.rotation.missing()),
            ("lastRotation", self.last_rotation.missing()),
            ("lastUse", self.last_use.missing()),
        ];
        let missing: Vec<_> = reasons
            .into_iter()
            .filter_map(|(fact, error)| {
                error.map(|error| Missing {
                    fact,
                    reason: error.reason(),
                })
            })
            .collect();
        let answered = self.metadata.known().is_some()
            || self.aliases.known().is_some()
            || self.tags.known().is_some()
            || self.rotation.known().is_some()
            || self.last_rotation.known().is_some()
            || self.last_use.known().is_some();
        Enrichment {
            status: match (missing.is_empty(), answered) {
                (true, _) => EnrichmentStatus::Complete,
                (false, true) => EnrichmentStatus::Partial,
                (false, false) => EnrichmentStatus::Unavailable,
            },
            source: if answered {
                EnrichmentSource::Live
            } else {
                EnrichmentSource::Event
            },
            as_of: None,
            missing,
        }
    }

    /// The key as the alert shows it.
    pub fn into_key(self, arn: KeyArn, owner_tag_key: &str) -> Key {
        let metadata = self.metadata.into_known().unwrap_or_default();
        let owner = self.tags.known().and_then(|tags| {
            let exact = tags.iter().find(|(key, _)| key.as_str() == owner_tag_key);
            let similar = || {
                tags.iter()
                    .find(|(key, _)| key.as_str().eq_ignore_ascii_case(owner_tag_key))
            };
            exact
                .or_else(similar)
                .map(|(_, owner)| owner.clone())
                .and_then(Untrusted::non_empty)
        });
        let last_rotation = self.last_rotation.into_known().flatten();
        let rotation = match (self.rotation.into_known(), last_rotation) {
            (None, None) => None,
            (status, last_at) => Some(Rotation {
                enabled: status.as_ref().map(|status| status.enabled),
                period_days: status.as_ref().and_then(|status| status.period_days),
                next_at: status.and_then(|status| status.next_at),
                last_at,
            }),
        };
        Key {
            aliases: self.aliases.into_known(),
            description: metadata.description.and_then(Untrusted::non_empty),
            owner,
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
            tags: self.tags.into_known(),
            rotation,
            last_use: self.last_use.into_known().map(LastUse::from),
            ..Key::unknown(arn)
        }
    }
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

async fn read<T>(
    wanted: bool,
    limit: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Fact<T> {
    if !wanted {
        return Fact::None;
    }
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(value)) => Fact::Known(value),
        Ok(Err(error)) => Fact::Missing(error),
        Err(_) => Fact::Missing(CallError::timeout(limit)),
    }
}
