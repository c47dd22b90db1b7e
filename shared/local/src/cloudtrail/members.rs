//! From the members of the API to those of a CloudTrail record.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{spelling::lower_first, times::display};

/// Members that hold a time.
const DATES: &[&str] = &[
    "CreationDate",
    "DeletionDate",
    "ValidTo",
    "ParametersValidTo",
];

/// Members that a record never shows.
const SECRETS: &[&str] = &[
    "Plaintext",
    "CiphertextBlob",
    "EncryptedKeyMaterial",
    "ImportToken",
    "Policy",
    "Message",
    "Mac",
    "Signature",
    "PublicKey",
    "GrantTokens",
    "KeyStorePassword",
    "TrustAnchorCertificate",
    "XksProxyAuthenticationCredential",
];

/// Members whose content is the caller's own and is not renamed.
const VERBATIM: &[&str] = &[
    "EncryptionContext",
    "SourceEncryptionContext",
    "DestinationEncryptionContext",
    "EncryptionContextEquals",
    "EncryptionContextSubset",
];

/// `{"KeyId": …, "DeletionDate": 1.7e9}` → `{"keyId": …, "deletionDate": "Feb 28, 2026, 9:01:07 AM"}`.
pub(crate) fn to_trail(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !SECRETS.contains(&name.as_str()))
            .map(|(name, value)| (lower_first(name), member(name, value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(to_trail).collect(),
        other => other.clone(),
    }
}

fn member(name: &str, value: &Value) -> Value {
    if VERBATIM.contains(&name) {
        return value.clone();
    }
    if DATES.contains(&name)
        && let Some(seconds) = value.as_f64()
    {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "display text has whole seconds"
        )]
        let at = Timestamp::from_second(seconds as i64);
        return at.map_or(Value::Null, |at| display(at).into());
    }
    to_trail(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_dates_and_secrets_are_treated_as_cloudtrail_does() {
        let shown = to_trail(&json!({
            "AWSAccountId": "111122223333",
            "ValidTo": 1_778_868_000.0,
            "ImportToken": "AQEC",
            "Tags": [{"TagKey": "owner", "TagValue": "payments"}],
            "EncryptionContext": {"Tenant": "blue"},
        }));
        assert_eq!(
            shown,
            json!({
                "aWSAccountId": "111122223333",
                "validTo": "May 15, 2026, 6:00:00 PM",
                "tags": [{"tagKey": "owner", "tagValue": "payments"}],
                "encryptionContext": {"Tenant": "blue"},
            })
        );
    }
}
