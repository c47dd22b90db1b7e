//! Key policies: kept and returned, not evaluated.

use serde_json::{Value, json};

use super::{Call, Done, KmsError, Outcome};

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

pub(super) fn check_policy(text: &str) -> Result<(), KmsError> {
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

/// There is only one policy per key.
fn check_name(call: &Call<'_>) -> Result<(), KmsError> {
    match call.body.text("PolicyName")? {
        None | Some("default") => Ok(()),
        Some(_) => Err(KmsError::not_found("No such policy exists")),
    }
}
