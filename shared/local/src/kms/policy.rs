//! Key policies: kept and returned, not evaluated.

use serde_json::{Value, json};

use super::{
    Call, Done, KmsError, Outcome,
    paging::{Limits, page},
};

/// The policy of a key that was made without one (KMS Developer Guide, "Default key policy").
pub(super) fn default_policy(partition: &str, account: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": format!("arn:{partition}:iam::{account}:root")},
            "Action": "kms:*",
            "Resource": "*",
        }],
    })
    .to_string()
}

/// The longest key policy (KMS Developer Guide, "Resource quotas").
const MAX_POLICY_BYTES: usize = 32 * 1024;

pub(super) fn check_policy(text: &str) -> Result<(), KmsError> {
    if text.len() > MAX_POLICY_BYTES {
        return Err(KmsError::new(
            "LimitExceededException",
            "Key policy size exceeds the limit of 32768 bytes",
        ));
    }
    match serde_json::from_str::<Value>(text) {
        Ok(policy) if policy.get("Statement").is_some() => Ok(()),
        _ => Err(KmsError::new(
            "MalformedPolicyDocumentException",
            "The new key policy is not a valid policy document.",
        )),
    }
}

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
