//! Finding the key that a request names.

use super::{
    error::KmsError,
    selector::{Accepts, KeyRef, alias_arn, is_key_id, parse_arn},
    store::Kms,
};
use crate::spelling::partition;

impl Kms {
    /// Finds the key, or says what KMS says when it cannot. Keys of other accounts were refused before.
    pub(crate) fn select(
        &self,
        name: &str,
        accepts: Accepts,
        region: &str,
        account: &str,
    ) -> Result<KeyRef, KmsError> {
        if name.is_empty() || name.len() > 2048 {
            return Err(KmsError::validation(format!(
                "1 validation error detected: Value '{name}' at 'keyId' failed to satisfy constraint: \
                 Member must have length between 1 and 2048, inclusive"
            )));
        }
        let resource = if name.starts_with("arn:") {
            let (arn_region, _, resource) = parse_arn(name).ok_or_else(|| {
                KmsError::new("InvalidArnException", format!("Invalid arn {name}"))
            })?;
            if arn_region != region {
                return Err(KmsError::not_found(format!("Invalid arn {arn_region}")));
            }
            if resource.starts_with("alias/") && accepts == Accepts::IdOrArn {
                return Err(KmsError::new(
                    "InvalidArnException",
                    format!("{name} is an alias ARN; a key ARN is expected"),
                ));
            }
            resource
        } else {
            name
        };
        if resource.starts_with("alias/") && accepts == Accepts::AnyName {
            return self
                .aliases
                .get(region, resource)
                .map(|alias| KeyRef {
                    region: region.to_owned(),
                    id: alias.key.clone(),
                })
                .ok_or_else(|| {
                    KmsError::not_found(format!(
                        "Alias {} is not found.",
                        alias_arn(region, account, resource)
                    ))
                });
        }
        let id = resource.strip_prefix("key/").unwrap_or(resource);
        if !is_key_id(id) {
            return Err(KmsError::not_found(format!("Invalid keyId '{name}'")));
        }
        let reference = KeyRef {
            region: region.to_owned(),
            id: id.to_owned(),
        };
        if self.keys.contains_key(&reference) {
            Ok(reference)
        } else {
            let partition = partition(region);
            Err(KmsError::no_such_key(&format!(
                "arn:{partition}:kms:{region}:{account}:key/{id}"
            )))
        }
    }
}
