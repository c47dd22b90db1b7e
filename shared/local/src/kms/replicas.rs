//! `ReplicateKey`: related keys with the same id and material in other Regions
//! (KMS Developer Guide, "Multi-Region keys").

use jiff::SignedDuration;
use serde_json::json;

use super::{
    Also, Call, Done, Key, KmsError, LastUse, Material, MultiRegion, Origin, Outcome,
    creation::trail_metadata, policy::check_policy, switches::check_description, tags::read_tags,
};
use crate::events::{Trail, to_trail};

/// How long a new replica is `Creating`.
const REPLICATION_TAKES: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn replicate_key(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let region = body.required("ReplicaRegion")?.to_owned();
    let description = body.text("Description")?.unwrap_or_default();
    check_description(description)?;
    let tags = read_tags(body.list("Tags")?.unwrap_or_default())?;
    let primary = call.key()?;
    if primary.multi_region != Some(MultiRegion::Primary) {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            format!("{} is not a multi-Region primary key.", primary.arn),
        ));
    }
    let mut replica = replica_of(primary, &region);
    replica.created = call.world.now;
    replica.ready = call.world.now.checked_add(REPLICATION_TAKES).ok();
    description.clone_into(&mut replica.description);
    replica.tags = tags;
    if let Some(policy) = body.text("Policy")? {
        check_policy(policy)?;
        policy.clone_into(&mut replica.policy);
    }
    let reference = replica.reference();
    if call.world.kms.keys.contains_key(&reference) {
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("{} already exists", replica.arn),
        ));
    }
    let parameters = json!({
        "keyId": body.required("KeyId")?,
        "replicaRegion": region,
        "bypassPolicyLockoutSafetyCheck": body.flag("BypassPolicyLockoutSafetyCheck")?,
        "description": description,
    });
    let (primary_arn, policy) = (primary.arn.clone(), replica.policy.clone());
    call.world.kms.keys.insert(reference.clone(), replica);
    let replica = call
        .world
        .kms
        .keys
        .get(&reference)
        .ok_or_else(KmsError::internal)?;
    let metadata = call.world.kms.metadata(replica);
    let shown = trail_metadata(&metadata);
    // The Region of the replica sees a key being created (KMS Developer Guide, "`ReplicateKey`" under "CloudTrail").
    let also = Also {
        name: "CreateKey",
        region: region.clone(),
        by_kms: true,
        trail: Trail {
            resources: vec![replica.arn.clone()],
            parameters: Some(json!({
                "description": description,
                "origin": replica.origin.as_str(),
                "bypassPolicyLockoutSafetyCheck": parameters["bypassPolicyLockoutSafetyCheck"],
                "customerMasterKeySpec": replica.spec.as_str(),
                "keySpec": replica.spec.as_str(),
                "keyUsage": replica.usage.as_str(),
                "multiRegion": true,
                "tags": to_trail(&body.list("Tags")?.unwrap_or_default().into()),
            })),
            response: Some(json!({"keyMetadata": shown})),
            ..Trail::default()
        },
    };
    let elements = json!({"replicaKeyMetadata": shown, "replicaPolicy": policy});
    let response = json!({"ReplicaKeyMetadata": metadata, "ReplicaPolicy": policy});
    let mut done = Done::quiet(&primary_arn, response)
        .response_elements(elements)
        .parameters(parameters);
    done.also = Some(also);
    Ok(done)
}

/// A replica shares id, spec, usage, origin and material; imported material has to be imported again.
pub(super) fn replica_of(primary: &Key, region: &str) -> Key {
    let mut replica = Key::new(region, &primary.account, &primary.id, primary.created);
    replica.spec = primary.spec;
    replica.usage = primary.usage;
    replica.origin = primary.origin;
    replica.multi_region = Some(MultiRegion::Replica {
        primary_region: primary.region.clone(),
    });
    replica.last_use = None::<LastUse>;
    replica.materials = primary.materials.clone();
    if primary.origin == Origin::External {
        let ids: Vec<String> = replica
            .materials
            .iter()
            .map(|m: &Material| m.id.clone())
            .collect();
        for id in ids {
            replica.drop_material(&id);
        }
    }
    replica
}
