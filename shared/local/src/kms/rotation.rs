//! Rotation settings, on-demand rotation, and what there is to read about both. The rotations themselves happen as
//! time passes.

use jiff::SignedDuration;
use serde_json::json;

use super::{
    body::Body,
    call::{Call, Done, Outcome},
    deletion::after_days,
    error::KmsError,
    key::{DEFAULT_ROTATION_DAYS, Key, MultiRegion, Rotation},
    names::{KeySpec, KeyState, Origin},
    paging::{Limits, page},
    selector::KeyRef,
};
use crate::times::epoch;

/// "KMS uses a background process", "there might be a slight delay" (KMS API Reference, `GetKeyRotationStatus`).
pub(crate) const ON_DEMAND_ROTATION_TAKES: SignedDuration = SignedDuration::from_secs(60);

/// On-demand rotations per key (KMS Developer Guide, "Resource quotas").
const MAX_ON_DEMAND: u32 = 25;

/// How close to an automatic rotation an on-demand one is refused.
const TOO_CLOSE: SignedDuration = SignedDuration::from_mins(20);

pub(super) fn enable(call: &mut Call<'_>) -> Outcome {
    let days = call.body.integer_in("RotationPeriodInDays", (90, 2560))?;
    let days = days.unwrap_or(i64::from(DEFAULT_ROTATION_DAYS));
    let next = after_days(call.context.now, days)?;
    let key = call.key_mut()?;
    check_automatic(key)?;
    let days = u32::try_from(days).unwrap_or(DEFAULT_ROTATION_DAYS);
    // The period counts "from the enable date": switching on what is on changes nothing.
    if !key.rotation.enabled || key.rotation.days != days {
        key.rotation.next = next;
    }
    key.rotation.enabled = true;
    key.rotation.days = days;
    Ok(Done::on(&key.arn, json!({})))
}

pub(super) fn disable(call: &mut Call<'_>) -> Outcome {
    let key = call.key_mut()?;
    check_automatic(key)?;
    key.rotation.enabled = false;
    Ok(Done::quiet(&key.arn, json!({})))
}

pub(super) fn on_demand(call: &mut Call<'_>) -> Outcome {
    let now = call.context.now;
    let key = call.key_mut()?;
    check_rotates(key)?;
    check_primary(key)?;
    let soon = key.rotation.enabled && key.rotation.next.duration_since(now) <= TOO_CLOSE;
    if soon || key.rotation.on_demand.is_some() {
        return Err(KmsError::new(
            "ConflictException",
            format!("{} has a rotation in progress or about to start.", key.arn),
        ));
    }
    if key.rotation.on_demand_count >= MAX_ON_DEMAND {
        return Err(KmsError::new(
            "LimitExceededException",
            format!(
                "{} has reached the limit of {MAX_ON_DEMAND} on-demand rotations.",
                key.arn
            ),
        ));
    }
    if key.origin == Origin::External && key.pending_material().is_none() {
        return Err(KmsError::new(
            "KMSInvalidStateException",
            format!("{} has no key material pending rotation.", key.arn),
        ));
    }
    key.rotation.on_demand = Some(now);
    key.rotation.on_demand_count += 1;
    // The documented record shows the bare id here.
    let answer = json!({"KeyId": key.id});
    Ok(Done::on(&key.arn, answer).response_elements(json!({"keyId": key.id})))
}

pub(super) fn status(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    if key.spec != KeySpec::SymmetricDefault {
        // "The key rotation status of these KMS keys is always false" (KMS API Reference, `GetKeyRotationStatus`, of asymmetric
        // and HMAC keys): an answer and no error, although the other operations on rotation refuse them.
        let response = json!({"KeyId": key.id, "KeyRotationEnabled": false});
        return Ok(Done::quiet(&key.arn, response));
    }
    check_rotates(key)?;
    // A setting of the whole family of multi-Region keys, kept with the primary.
    let rotation: &Rotation = match &key.multi_region {
        Some(MultiRegion::Replica { primary_region }) => {
            let primary = KeyRef {
                region: primary_region.clone(),
                id: key.id.clone(),
            };
            call.kms
                .keys
                .get(&primary)
                .map_or(&key.rotation, |primary| &primary.rotation)
        }
        _ => &key.rotation,
    };
    // Reported as off while a deletion is pending, and restored when it is cancelled.
    let enabled = rotation.enabled
        && !matches!(
            key.state(),
            KeyState::PendingDeletion | KeyState::PendingReplicaDeletion
        );
    let mut response = json!({"KeyId": key.id, "KeyRotationEnabled": enabled});
    if enabled {
        response["RotationPeriodInDays"] = rotation.days.into();
        response["NextRotationDate"] = epoch(rotation.next);
    }
    if let Some(started) = rotation.on_demand {
        response["OnDemandRotationStartDate"] = epoch(started);
    }
    Ok(Done::quiet(&key.arn, response))
}

/// `ROTATIONS_ONLY` leaves out the first material and one that waits for its rotation.
pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let all = wants_all(call.body)?;
    let key = call.key()?;
    check_rotates(key)?;
    let entries = key
        .materials
        .iter()
        .enumerate()
        .filter_map(|(index, material)| {
            let shown = all || material.rotated.is_some();
            shown.then(|| (format!("{index:06}"), material.listed(key)))
        });
    let response = page(
        call.body,
        Limits {
            default: 100,
            max: 1000,
        },
        "Rotations",
        entries,
    )?;
    Ok(Done::quiet(&key.arn, response))
}

fn wants_all(body: Body<'_>) -> Result<bool, KmsError> {
    let choice = body.word("IncludeKeyMaterial", |word| match word {
        "ALL_KEY_MATERIAL" => Some(true),
        "ROTATIONS_ONLY" => Some(false),
        _ => None,
    })?;
    Ok(choice.unwrap_or(false))
}

/// Symmetric encryption keys outside custom key stores.
fn check_rotates(key: &Key) -> Result<(), KmsError> {
    if key.spec != KeySpec::SymmetricDefault {
        return Err(KmsError::unsupported_spec(key));
    }
    if key.store.is_some() {
        return Err(KmsError::unsupported_origin(key));
    }
    Ok(())
}

/// Only material that KMS makes can be replaced on a schedule.
fn check_automatic(key: &Key) -> Result<(), KmsError> {
    check_rotates(key)?;
    if key.origin != Origin::AwsKms {
        return Err(KmsError::unsupported_origin(key));
    }
    check_primary(key)
}

fn check_primary(key: &Key) -> Result<(), KmsError> {
    if key.is_replica() {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            format!(
                "{} is a replica key; rotation is a property of the primary key.",
                key.arn
            ),
        ));
    }
    Ok(())
}

impl Key {
    /// Whether rotations, automatic or on demand, are carried out at the moment.
    pub(crate) fn may_rotate(&self) -> bool {
        self.state() == KeyState::Enabled
    }
}
