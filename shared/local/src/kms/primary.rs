//! `UpdatePrimaryRegion`: a replica becomes the primary, the primary a replica
//! (KMS API Reference, `UpdatePrimaryRegion`).

use jiff::SignedDuration;
use serde_json::json;

use super::{
    call::{Also, Call, Done, Outcome},
    error::KmsError,
    key::MultiRegion,
    names::KeyState,
    selector::KeyRef,
};
use crate::context::Trail;

/// How long both keys are `Updating`.
const UPDATE_TAKES: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn update_primary_region(call: &mut Call<'_>) -> Outcome {
    let region = call.body.required("PrimaryRegion")?.to_owned();
    let old = call.key()?;
    if old.multi_region != Some(MultiRegion::Primary) {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            format!("{} is not a multi-Region primary key.", old.arn),
        ));
    }
    let (id, old_region, arn) = (old.id.clone(), old.region.clone(), old.arn.clone());
    let rotation = old.rotation.clone();
    let new = KeyRef {
        region: region.clone(),
        id: id.clone(),
    };
    let until = call.context.now.checked_add(UPDATE_TAKES).ok();
    let keys = &mut call.kms.keys;
    let Some(key) = keys.get_mut(&new).filter(|_| region != old_region) else {
        return Err(KmsError::not_found(format!(
            "{arn} has no replica key in {region}"
        )));
    };
    if key.state() != KeyState::Enabled {
        return Err(KmsError::invalid_state(&key.arn, key.state()));
    }
    key.multi_region = Some(MultiRegion::Primary);
    key.updating = until;
    // Rotation is a property of the family that its primary keeps.
    key.rotation = rotation;
    for place in keys.family(&id) {
        let Some(member) = keys.get_mut(&place) else {
            continue;
        };
        if member.region != region {
            member.multi_region = Some(MultiRegion::Replica {
                primary_region: region.clone(),
            });
            member.rotation.on_demand = None;
        }
        if member.region == old_region {
            member.updating = until;
        }
    }
    // The Region of the new primary gets a record of its own, in which KMS acts for the caller: the key by its ARN, and
    // no resources (KMS Developer Guide, "`UpdatePrimaryRegion`" under "CloudTrail").
    let new_arn = call.kms.keys.get(&new).map(|key| key.arn.clone());
    let also = Also {
        name: "UpdatePrimaryRegion",
        region: region.clone(),
        by_kms: true,
        trail: Trail {
            parameters: Some(json!({"keyId": arn, "primaryRegion": region})),
            response: new_arn.map(|arn| json!({"keyId": arn})),
            ..Trail::default()
        },
    };
    let mut done = Done::on(&arn, json!({}));
    done.also = Some(also);
    Ok(done)
}
