//! What the report says of one key. Pure.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use watch_core::about::{LastUse, LastUseStatus};
use watch_core::answers::{LastUsage, Tags};
use watch_core::arn::{AccountId, KeyArn, Region};
use watch_core::key::{Manager, MultiRegion, Origin, State};
use watch_core::ledger::Profile;
use watch_core::ledger::profile::Dated;
use watch_core::owner::owner;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;
use watch_sweep::due::dates_of_expiry;
use watch_sweep::look::Look;
use watch_sweep::tally::is_unused;

use crate::inventory::condition::Condition;
use crate::inventory::exposure::Exposure;
use crate::inventory::question::Question;

/// A key, with the members of the JSON report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Row {
    pub(crate) arn: KeyArn,
    pub(crate) key_id: String,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// `None` if the names could not be listed.
    pub(crate) aliases: Option<Vec<Untrusted>>,
    pub(crate) description: Option<Untrusted>,
    pub(crate) owner: Option<Untrusted>,
    #[serde(skip)]
    owner_tag_key: String,
    /// `None` if they were not asked for, or KMS did not say.
    pub(crate) tags: Option<Tags>,
    pub(crate) manager: Option<Manager>,
    pub(crate) state: Option<State>,
    pub(crate) origin: Option<Origin>,
    pub(crate) spec: Option<Untrusted>,
    pub(crate) usage: Option<Untrusted>,
    pub(crate) multi_region: Option<MultiRegion>,
    pub(crate) custom_key_store_id: Option<Untrusted>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) deletion_at: Option<Timestamp>,
    pub(crate) rotation: Rotation,
    pub(crate) last_use: LastUsed,
    pub(crate) access: Exposure,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) missing: Vec<Gap>,
}

/// Automatic rotation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Rotation {
    pub(crate) status: RotationStatus,
    pub(crate) period_days: Option<u32>,
    pub(crate) next_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum RotationStatus {
    On,
    Off,
    /// The key cannot rotate by itself, or is about to be deleted.
    NotApplicable,
    /// AWS rotates what it manages, every year.
    ByAws,
    /// KMS did not say.
    Unknown,
}

/// The last use, as far as KMS recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LastUsed {
    pub(crate) status: UseStatus,
    pub(crate) at: Option<Timestamp>,
    pub(crate) operation: Option<Untrusted>,
    pub(crate) tracked_since: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum UseStatus {
    Used,
    NeverUsed,
    /// Not used since KMS keeps a record, which is younger than the key; or KMS did not say.
    Unknown,
    NotAsked,
}

/// A question that KMS did not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Gap {
    pub(crate) operation: &'static str,
    /// The caller may not ask.
    pub(crate) denied: bool,
    pub(crate) reason: Untrusted,
}

/// What KMS said of a key.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) key: KeyArn,
    pub(crate) look: Look,
    /// `None` if it was not asked.
    pub(crate) last_use: Option<Result<LastUsage, CallError>>,
}

impl Seen {
    /// What the ledger would know of the key after this look.
    pub(crate) fn profile(&self, now: Timestamp) -> Profile {
        let mut profile = Profile::default();
        self.look.teach(&mut profile, now);
        let usage = self.last_use.as_ref().and_then(|usage| usage.as_ref().ok());
        profile.last_use = usage.map(|usage| Dated {
            value: usage.clone(),
            as_of: now,
        });
        profile
    }

    fn gaps(&self) -> Vec<Gap> {
        fn failure<T>(answer: Option<&Result<T, CallError>>) -> Option<&CallError> {
            answer?.as_ref().err()
        }
        let look = &self.look;
        [
            ("DescribeKey", look.metadata.as_ref().err()),
            ("ListResourceTags", failure(look.tags.as_ref())),
            ("GetKeyRotationStatus", failure(look.rotation.as_ref())),
            ("ListKeyRotations", failure(look.materials.as_ref())),
            ("GetKeyPolicy", failure(look.policy.as_ref())),
            ("ListGrants", failure(look.grants.as_ref())),
            ("GetKeyLastUsage", failure(self.last_use.as_ref())),
        ]
        .into_iter()
        .filter_map(|(operation, error)| Some(Gap::new(operation, error?)))
        .collect()
    }

    fn rotation(&self) -> Rotation {
        let only = |status| Rotation {
            status,
            period_days: None,
            next_at: None,
        };
        let Ok(metadata) = &self.look.metadata else {
            return only(RotationStatus::Unknown);
        };
        if self.look.is_managed() {
            return only(RotationStatus::ByAws);
        }
        let is_pending = metadata
            .state
            .as_ref()
            .is_some_and(State::is_pending_deletion);
        match &self.look.rotation {
            // While a deletion is pending, KMS says that rotation is off (AWS KMS Developer Guide, rotate keys).
            _ if is_pending => only(RotationStatus::NotApplicable),
            None => only(RotationStatus::NotApplicable),
            Some(Err(_)) => only(RotationStatus::Unknown),
            Some(Ok(rotation)) if rotation.enabled => Rotation {
                status: RotationStatus::On,
                period_days: rotation.period_days,
                next_at: rotation.next_at,
            },
            Some(Ok(_)) => only(RotationStatus::Off),
        }
    }

    fn last_used(&self) -> LastUsed {
        let only = |status| LastUsed {
            status,
            at: None,
            operation: None,
            tracked_since: None,
        };
        match &self.last_use {
            None => only(UseStatus::NotAsked),
            Some(Err(_)) => only(UseStatus::Unknown),
            Some(Ok(usage)) => {
                let last_use = LastUse::from(usage.clone());
                LastUsed {
                    status: match last_use.status {
                        LastUseStatus::Used => UseStatus::Used,
                        LastUseStatus::NeverUsed => UseStatus::NeverUsed,
                        LastUseStatus::Unknown => UseStatus::Unknown,
                    },
                    at: last_use.at,
                    operation: last_use.operation,
                    tracked_since: last_use.tracked_since,
                }
            }
        }
    }
}

impl Gap {
    fn new(operation: &'static str, error: &CallError) -> Self {
        Self {
            operation,
            denied: error.kind() == CallErrorKind::Denied,
            reason: error.reason(),
        }
    }
}

impl Row {
    /// What the report says of a key of which `profile` is known after the look.
    pub(crate) fn new(seen: &Seen, profile: &Profile, question: Question<'_>) -> Self {
        let key = &seen.key;
        let metadata = seen.look.metadata.as_ref().ok().cloned();
        let metadata = metadata.unwrap_or_default();
        let tags = profile.tags.as_ref().map(|tags| &tags.value);
        let first_end = || dates_of_expiry(profile).first().map(|(date, _)| *date);
        let mut row = Self {
            key_id: key.id().to_owned(),
            account: key.account().clone(),
            region: key.region().clone(),
            aliases: seen.look.aliases.clone(),
            tags: tags.cloned(),
            access: Exposure::of(key, &seen.look, question),
            owner_tag_key: question.owner_tag_key.to_owned(),
            owner: tags.and_then(|tags| owner(tags, question.owner_tag_key)),
            rotation: seen.rotation(),
            last_use: seen.last_used(),
            expires_at: metadata.expires_at.or_else(first_end),
            description: metadata.description,
            manager: metadata.manager,
            state: metadata.state,
            origin: metadata.origin,
            spec: metadata.spec,
            usage: metadata.usage,
            multi_region: metadata.multi_region,
            custom_key_store_id: metadata.custom_key_store_id,
            created_at: metadata.created_at,
            deletion_at: metadata.deletion_at,
            missing: seen.gaps(),
            conditions: Vec::new(),
            arn: key.clone(),
        };
        row.conditions = row.conditions(profile, question);
        row
    }

    fn conditions(&self, profile: &Profile, question: Question<'_>) -> Vec<Condition> {
        let Question { now, .. } = question;
        let horizon = SignedDuration::from_hours(24 * i64::from(question.within_days));
        let is_near = |date: Timestamp| date.duration_since(now) <= horizon;
        let is = |state: State| self.state == Some(state);
        let unused = profile.last_use.as_ref();
        let holds = |condition: &Condition| match condition {
            // Without a date it waits for its replicas, and nobody knows how long.
            Condition::PendingDeletion => {
                let pending = self.state.as_ref().is_some_and(State::is_pending_deletion);
                pending && self.deletion_at.is_none_or(is_near)
            }
            // Of a key that is deleted before, nothing expires.
            Condition::Expiring => dates_of_expiry(profile)
                .first()
                .is_some_and(|(date, _)| is_near(*date)),
            Condition::Public => self.access.public == Some(true),
            Condition::Foreign => !self.access.foreign.is_empty(),
            Condition::PendingImport => is(State::PendingImport),
            Condition::Unavailable => is(State::Unavailable),
            Condition::Disabled => is(State::Disabled),
            Condition::BlindSpot => self.missing.iter().any(|gap| gap.denied),
            Condition::NoRotation => self.rotation.status == RotationStatus::Off,
            Condition::Unused => unused.is_some_and(|usage| is_unused(&usage.value, now)),
        };
        let all = Condition::ALL.into_iter();
        // What AWS manages is AWS's concern.
        all.filter(|condition| !self.is_managed() && holds(condition))
            .collect()
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.manager == Some(Manager::Aws)
    }

    pub(crate) fn is(&self, condition: Condition) -> bool {
        self.conditions.contains(&condition)
    }

    /// KMS gave no answer, for another reason than that the caller may not ask.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.missing.iter().any(|gap| !gap.denied)
    }

    /// Regions of the keys that are related to it.
    pub(crate) fn other_regions(&self) -> impl Iterator<Item = &Region> {
        let related = self.multi_region.iter();
        related.flat_map(|related| related.other_regions(&self.region))
    }

    /// `key=value` for each tag but the owner's, which has a place of its own.
    pub(crate) fn other_tags(&self) -> impl Iterator<Item = String> {
        let own = |key: &Untrusted, value: &Untrusted| {
            self.owner.as_ref() == Some(value)
                && key.as_str().eq_ignore_ascii_case(&self.owner_tag_key)
        };
        let tags = self.tags.iter().flatten();
        tags.filter(move |(key, value)| !own(key, value))
            .map(|(key, value)| format!("{}={}", key.as_str(), value.as_str()))
    }

    /// The name that people know it by.
    pub(crate) fn name(&self) -> &str {
        let aliases = self.aliases.as_deref().unwrap_or_default();
        aliases.first().map_or(&self.key_id, Untrusted::as_str)
    }

    /// The most urgent first: what is deleted soonest, what expires soonest, what cannot be used, and the others by
    /// name.
    pub(crate) fn urgency(&self, other: &Self) -> Ordering {
        let dated = |date: Option<Timestamp>| date.unwrap_or(Timestamp::MAX);
        let rank = |row: &Self| {
            let is_pending = row.state.as_ref().is_some_and(State::is_pending_deletion);
            if is_pending {
                return (0, dated(row.deletion_at));
            }
            let rank = match row.conditions.first() {
                Some(Condition::Public) => 1,
                Some(Condition::Expiring) => return (2, dated(row.expires_at)),
                Some(Condition::PendingImport) => 3,
                Some(Condition::Unavailable) => 4,
                Some(Condition::Disabled) => 5,
                Some(Condition::Foreign) => 6,
                Some(Condition::BlindSpot) => 7,
                _ if row.is_managed() => 9,
                _ => 8,
            };
            (rank, Timestamp::MAX)
        };
        let nameless = |row: &Self| row.aliases.as_ref().is_none_or(Vec::is_empty);
        let order = |row: &Self| (rank(row), nameless(row));
        order(self)
            .cmp(&order(other))
            .then_with(|| self.name().cmp(other.name()))
            .then_with(|| self.arn.cmp(&other.arn))
    }
}

#[cfg(test)]
mod tests {
    use watch_core::answers::{Metadata, RotationStatus as Answer, Use};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn question(within_days: u32) -> Question<'static> {
        Question {
            owner_tag_key: "Owner",
            within_days,
            now: at("2026-11-20T10:00:00Z"),
            trusted_accounts: &[],
            trusted_organizations: &[],
        }
    }

    fn seen(metadata: Metadata) -> Seen {
        Seen {
            key: "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap(),
            look: Look {
                metadata: Ok(metadata),
                aliases: Some(Vec::new()),
                tags: None,
                rotation: None,
                materials: None,
                policy: None,
                shared: None,
                grants: None,
            },
            last_use: None,
        }
    }

    fn row(seen: &Seen, within_days: u32) -> Row {
        let question = question(within_days);
        Row::new(seen, &seen.profile(question.now), question)
    }

    fn in_state(state: State) -> Metadata {
        Metadata {
            state: Some(state),
            ..Metadata::default()
        }
    }

    #[test]
    fn a_date_counts_within_the_horizon() {
        let mut pending = in_state(State::PendingDeletion);
        pending.deletion_at = Some(at("2026-11-27T10:00:00Z"));
        assert!(row(&seen(pending.clone()), 7).is(Condition::PendingDeletion));
        assert!(!row(&seen(pending), 6).is(Condition::PendingDeletion));
        let waits = seen(in_state(State::PendingReplicaDeletion));
        assert!(row(&waits, 0).is(Condition::PendingDeletion));

        let mut expiring = in_state(State::Enabled);
        expiring.expires_at = Some(at("2026-12-20T10:00:00Z"));
        assert!(row(&seen(expiring.clone()), 30).is(Condition::Expiring));
        assert!(!row(&seen(expiring.clone()), 29).is(Condition::Expiring));
        // It does not live to see it.
        expiring.state = Some(State::PendingDeletion);
        expiring.deletion_at = Some(at("2026-12-01T10:00:00Z"));
        assert_eq!(
            row(&seen(expiring), 30).conditions,
            [Condition::PendingDeletion]
        );
    }

    #[test]
    fn states_have_conditions_of_their_own() {
        for (state, expected) in [
            (State::Enabled, None),
            (State::Disabled, Some(Condition::Disabled)),
            (State::PendingImport, Some(Condition::PendingImport)),
            (State::Unavailable, Some(Condition::Unavailable)),
            (State::Updating, None),
        ] {
            let row = row(&seen(in_state(state)), 30);
            assert_eq!(row.conditions, Vec::from_iter(expected));
        }
        let mut managed = in_state(State::Disabled);
        managed.manager = Some(Manager::Aws);
        assert!(row(&seen(managed), 30).conditions.is_empty());
    }

    #[test]
    fn rotation_is_off_only_where_it_could_be_on() {
        let rotation = |state, answer| {
            let mut seen = seen(in_state(state));
            seen.look.rotation = answer;
            row(&seen, 30)
        };
        let off = || Some(Ok(Answer::default()));
        let denied = CallError::new("AccessDeniedException", "no");
        for (state, answer, status, conditions) in [
            (
                State::Enabled,
                off(),
                RotationStatus::Off,
                vec![Condition::NoRotation],
            ),
            (
                State::PendingDeletion,
                off(),
                RotationStatus::NotApplicable,
                vec![Condition::PendingDeletion],
            ),
            (State::Enabled, None, RotationStatus::NotApplicable, vec![]),
            (
                State::Enabled,
                Some(Err(denied)),
                RotationStatus::Unknown,
                vec![Condition::BlindSpot],
            ),
        ] {
            let row = rotation(state, answer);
            assert_eq!((row.rotation.status, row.conditions), (status, conditions));
        }
    }

    #[test]
    fn what_kms_did_not_answer_is_a_blind_spot_only_if_it_was_denied() {
        let mut one = seen(Metadata::default());
        one.look.metadata = Err(CallError::new("KMSInternalException", "later"));
        let unanswered = row(&one, 30);
        assert!(unanswered.is_incomplete() && unanswered.conditions.is_empty());
        one.look.metadata = Err(CallError::new("AccessDeniedException", "no"));
        let denied = row(&one, 30);
        assert!(!denied.is_incomplete());
        assert_eq!(denied.conditions, [Condition::BlindSpot]);
        assert_eq!(denied.rotation.status, RotationStatus::Unknown);
    }

    #[test]
    fn an_unused_key_is_one_of_which_that_is_known() {
        let usage = |used: Option<&str>, tracked: &str| {
            let mut seen = seen(in_state(State::Enabled));
            seen.last_use = Some(Ok(LastUsage {
                used: used.map(|used| Use {
                    at: at(used),
                    operation: None,
                    event_id: None,
                }),
                tracked_since: Some(at(tracked)),
                created_at: Some(at("2025-01-01T00:00:00Z")),
            }));
            row(&seen, 30)
        };
        let old = usage(Some("2026-01-01T00:00:00Z"), "2025-01-01T00:00:00Z");
        assert!(old.is(Condition::Unused) && old.last_use.status == UseStatus::Used);
        let never = usage(None, "2025-01-01T00:00:00Z");
        assert!(never.is(Condition::Unused) && never.last_use.status == UseStatus::NeverUsed);
        let unknown = usage(None, "2026-01-01T00:00:00Z");
        assert!(!unknown.is(Condition::Unused) && unknown.last_use.status == UseStatus::Unknown);
        let not_asked = row(&seen(in_state(State::Enabled)), 30);
        assert_eq!(not_asked.last_use.status, UseStatus::NotAsked);
    }
}
