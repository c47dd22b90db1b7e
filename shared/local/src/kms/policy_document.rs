//! The text of a key policy.

use serde_json::{Value, json};

use super::error::KmsError;

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
