//! What a caller needs for a call: actions and resources (KMS Developer Guide, "AWS KMS permissions").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{
    crypto,
    selector::{KeyRef, alias_arn},
    store::Kms,
};
use crate::spelling::partition;

impl Kms {
    /// The pairs of action and resource that all have to be allowed.
    pub(crate) fn permissions(
        &self,
        account: &str,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Vec<(String, String)> {
        let action = |name: &str| format!("kms:{name}");
        let text = |member: &str| body.get(member).and_then(Value::as_str);
        let key = self.resource(account, operation, region, body);
        let source = || {
            ciphertext_key((region, account), text("CiphertextBlob"))
                .unwrap_or_else(|| "*".to_owned())
        };
        match operation {
            "CreateAlias" | "UpdateAlias" | "DeleteAlias" => {
                // On the alias, on the key it points to afterwards, and on the one it points to now.
                let name = text("AliasName").unwrap_or_default();
                let current = self.aliases.get(region, name).and_then(|alias| {
                    let place = KeyRef {
                        region: region.to_owned(),
                        id: alias.key.clone(),
                    };
                    self.keys.get(&place).map(|key| key.arn.clone())
                });
                let alias = alias_arn(region, account, name);
                let keys = key.filter(|arn| arn.contains(":key/")).into_iter();
                let all = std::iter::once(alias).chain(keys).chain(current);
                all.map(|resource| (action(operation), resource)).collect()
            }
            "ReEncrypt" => {
                let body = serde_json::json!({"KeyId": text("DestinationKeyId")});
                let destination = self.resource(account, "Encrypt", region, &body);
                vec![
                    (action("ReEncryptFrom"), source()),
                    (
                        action("ReEncryptTo"),
                        destination.unwrap_or_else(|| "*".to_owned()),
                    ),
                ]
            }
            "Decrypt" => vec![(action(operation), source())],
            // IAM alone decides, for all keys or none.
            "ListAliases" => vec![(action(operation), "*".to_owned())],
            _ => vec![(action(operation), key.unwrap_or_else(|| "*".to_owned()))],
        }
    }
}

/// The ARN of the key that made the ciphertext.
fn ciphertext_key((region, account): (&str, &str), blob: Option<&str>) -> Option<String> {
    let blob = STANDARD.decode(blob?).ok()?;
    let id = crypto::open(&blob)?.key_id;
    let partition = partition(region);
    Some(format!("arn:{partition}:kms:{region}:{account}:key/{id}"))
}
