//! `ReplicateKey`: related keys with the same id and material in other Regions
//! (KMS Developer Guide, "Multi-Region keys").

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    body::Body,
    call::{Also, Call, Done, Outcome},
    creation::trail_metadata,
    error::KmsError,
    key::{Key, LastUse, MultiRegion},
    material::Material,
    names::Origin,
    policy_document::check_policy,
    switches::check_description,
    tags::read_tags,
};
use crate::{cloudtrail::to_trail, context::Trail};

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
    replica.created = call.context.now;
    replica.ready = call.context.now.checked_add(REPLICATION_TAKES).ok();
    description.clone_into(&mut replica.description);
    replica.tags = tags;
    if let Some(policy) = body.text("Policy")? {
        check_policy(policy)?;
        policy.clone_into(&mut replica.policy);
    }
    let reference = replica.reference();
    if call.kms.keys.contains_key(&reference) {
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
    call.kms.keys.insert(reference.clone(), replica);
    let replica = call.kms.keys.get(&reference);
    let replica = replica.ok_or_else(KmsError::internal)?;
    let metadata = call.kms.metadata(replica);
    let shown = trail_metadata(&metadata);
    let also = Also {
        name: "CreateKey",
        region,
        by_kms: true,
        trail: Trail {
            resources: vec![replica.arn.clone()],
            parameters: Some(created_with(replica, body)?),
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

/// The request as the Region of the replica sees it: a key is created (KMS Developer Guide, "`ReplicateKey`" under
/// "CloudTrail").
fn created_with(replica: &Key, body: Body<'_>) -> Result<Value, KmsError> {
    Ok(json!({
        "description": replica.description,
        "origin": replica.origin.as_str(),
        "bypassPolicyLockoutSafetyCheck": body.flag("BypassPolicyLockoutSafetyCheck")?,
        "customerMasterKeySpec": replica.spec.as_str(),
        "keySpec": replica.spec.as_str(),
        "keyUsage": replica.usage.as_str(),
        "multiRegion": true,
        "tags": to_trail(&body.list("Tags")?.unwrap_or_default().into()),
    }))
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
