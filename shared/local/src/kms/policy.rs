//! Key policies: kept and returned, not evaluated.

use serde_json::json;

use super::{
    call::{Call, Done, Outcome},
    error::KmsError,
    paging::{Limits, page},
    policy_document::check_policy,
};

pub(super) fn get_key_policy(call: &mut Call<'_>) -> Outcome {
    check_name(call)?;
    let key = call.key()?;
    Ok(Done::quiet(
        &key.arn,
        json!({"Policy": key.policy, "PolicyName": "default"}),
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

/// There is only one policy per key, and this is its name.
pub(super) fn list_key_policies(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    let response = page(
        call.body,
        Limits {
            default: 100,
            max: 1000,
        },
        "PolicyNames",
        std::iter::once(("default".to_owned(), json!("default"))),
    )?;
    Ok(Done::quiet(&key.arn, response))
}

/// There is only one policy per key.
fn check_name(call: &Call<'_>) -> Result<(), KmsError> {
    match call.body.text("PolicyName")? {
        None | Some("default") => Ok(()),
        Some(_) => Err(KmsError::not_found("No such policy exists")),
    }
}
