//! Key policies: kept and returned, not evaluated.

use serde_json::json;

use super::{
    call::{Call, Done, Outcome},
    error::KmsError,
    paging::{Limits, page},
    policy_document::check_policy,
};

/// The policy of the owner.
const DEFAULT: &str = "default";

/// The policy that AWS RAM writes; nobody else may (KMS API Reference, `PutKeyPolicy`).
const RAM: &str = "AWS_RAM";

/// `NotFoundException` also where the key is not shared (KMS API Reference, `GetKeyPolicy`).
pub(super) fn get_key_policy(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    let (name, policy) = match call.body.text("PolicyName")? {
        None | Some(DEFAULT) => (DEFAULT, Some(&key.policy)),
        Some(RAM) => (RAM, key.ram_policy.as_ref()),
        Some(_) => (DEFAULT, None),
    };
    let policy = policy.ok_or_else(|| KmsError::not_found("No such policy exists"))?;
    Ok(Done::quiet(
        &key.arn,
        json!({"Policy": policy, "PolicyName": name}),
    ))
}

pub(super) fn put_key_policy(call: &mut Call<'_>) -> Outcome {
    check_name(call)?;
    let policy = call.body.required("Policy")?;
    check_policy(policy)?;
    let parameters = json!({
        "keyId": call.body.required("KeyId")?,
        "policyName": "default",
        "policy": policy,
        "bypassPolicyLockoutSafetyCheck": call.body.flag("BypassPolicyLockoutSafetyCheck")?,
    });
    let key = call.key_mut()?;
    policy.clone_into(&mut key.policy);
    Ok(Done::quiet(&key.arn, json!({})).parameters(parameters))
}

/// A key has one policy of its owner, and one more while it is shared.
pub(super) fn list_key_policies(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    let shared = key.ram_policy.as_ref().map(|_| RAM);
    let names = shared.into_iter().chain([DEFAULT]);
    let response = page(
        call.body,
        Limits {
            default: 100,
            max: 1000,
        },
        "PolicyNames",
        names.map(|name| (name.to_owned(), json!(name))),
    )?;
    Ok(Done::quiet(&key.arn, response))
}

/// Its owner may write one policy only.
fn check_name(call: &Call<'_>) -> Result<(), KmsError> {
    match call.body.text("PolicyName")? {
        None | Some(DEFAULT) => Ok(()),
        Some(RAM) => Err(KmsError::validation(
            "The policy AWS_RAM is managed by AWS RAM and cannot be put.",
        )),
        Some(_) => Err(KmsError::not_found("No such policy exists")),
    }
}
