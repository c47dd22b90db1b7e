//! `CreateKey`.

use serde_json::{Value, json};

use super::{
    body::{Body, missing},
    call::{Call, Done, Outcome},
    error::KmsError,
    key::{Key, MultiRegion, new_key_id},
    material::Material,
    names::{KeySpec, KeyUsage, Origin},
    policy_document::check_policy,
    switches::check_description,
    tags::read_tags,
};
use crate::{cloudtrail::to_trail, spelling::lower_first};

pub(super) fn create_key(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let spec = key_spec(body)?;
    let usage = key_usage(body, spec)?;
    let origin = body
        .word("Origin", Origin::parse)?
        .unwrap_or(Origin::AwsKms);
    let multi_region = body.flag("MultiRegion")?;
    let description = body.text("Description")?.unwrap_or_default();
    check_description(description)?;
    let tags = read_tags(body.list("Tags")?.unwrap_or_default())?;
    let store = call.kms.store_for_new_key(origin, body)?;
    if store.is_some() && (multi_region || spec != KeySpec::SymmetricDefault) {
        return Err(KmsError::new(
            "UnsupportedOperationException",
            "Custom key stores hold single-Region symmetric encryption keys only.",
        ));
    }

    let id = new_key_id(&mut call.context.ids, multi_region);
    let mut key = Key::new(call.region, &call.context.account, &id, call.context.now);
    key.spec = spec;
    key.usage = usage;
    key.origin = origin;
    key.multi_region = multi_region.then_some(MultiRegion::Primary);
    key.store = store;
    description.clone_into(&mut key.description);
    key.tags = tags;
    if let Some(policy) = body.text("Policy")? {
        check_policy(policy)?;
        policy.clone_into(&mut key.policy);
    }
    if origin == Origin::AwsKms {
        key.materials
            .push(Material::generated(call.context.ids.hex(64)));
    }

    // CloudTrail shows the defaults that the service filled in, and the policy if the caller gave one (public records of
    // CreateKey by consoles and Terraform: `requestParameters.policy`, as text). A default policy is not in it.
    let mut parameters = json!({
        "description": description,
        "origin": origin.as_str(),
        "bypassPolicyLockoutSafetyCheck": body.flag("BypassPolicyLockoutSafetyCheck")?,
        "customerMasterKeySpec": spec.as_str(),
        "keySpec": spec.as_str(),
        "keyUsage": usage.as_str(),
        "multiRegion": multi_region,
        "tags": to_trail(&body.list("Tags")?.unwrap_or_default().into()),
    });
    for member in ["CustomKeyStoreId", "XksKeyId", "Policy"] {
        if let Some(value) = body.text(member)? {
            parameters[lower_first(member)] = value.into();
        }
    }
    let metadata = key.metadata(&[]);
    let mut done = Done::quiet(&key.arn, json!({"KeyMetadata": metadata}))
        .response_elements(json!({"keyMetadata": trail_metadata(&metadata)}))
        .parameters(parameters);
    if let Some(backing_key) = key.backing_key() {
        done = done.additional(json!({"backingKey": backing_key.to_string()}));
    }
    call.kms.keys.insert(key.reference(), key);
    Ok(done)
}

/// One of the member and its deprecated twin.
fn key_spec(body: Body<'_>) -> Result<KeySpec, KmsError> {
    let (new, old) = (
        body.word("KeySpec", KeySpec::parse)?,
        body.word("CustomerMasterKeySpec", KeySpec::parse)?,
    );
    if new.is_some() && old.is_some() {
        return Err(KmsError::validation(
            "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
             CustomerMasterKeySpec is deprecated.",
        ));
    }
    Ok(new.or(old).unwrap_or(KeySpec::SymmetricDefault))
}

/// The usage, which may be left out where a spec has only one.
fn key_usage(body: Body<'_>, spec: KeySpec) -> Result<KeyUsage, KmsError> {
    match body.word("KeyUsage", KeyUsage::parse)? {
        Some(usage) if spec.algorithms(usage).is_some() => Ok(usage),
        Some(usage) => Err(KmsError::validation(format!(
            "KeyUsage {} is not compatible with KeySpec {}",
            usage.as_str(),
            spec.as_str()
        ))),
        None if spec == KeySpec::SymmetricDefault => Ok(spec.default_usage()),
        None => Err(missing("KeyUsage")),
    }
}

/// `KeyMetadata` as the documented records show it: without the id of the material.
pub(super) fn trail_metadata(metadata: &Value) -> Value {
    let mut shown = to_trail(metadata);
    if let Some(members) = shown.as_object_mut() {
        members.remove("currentKeyMaterialId");
    }
    shown
}
