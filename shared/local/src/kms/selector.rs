//! How a request names a key: id, ARN, alias name, alias ARN
//! (KMS Developer Guide, "Key identifiers (`KeyId`)").

use crate::spelling::partition;

/// The place of a key in the store: related multi-Region keys share their id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyRef {
    pub(crate) region: String,
    pub(crate) id: String,
}

/// Which forms an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepts {
    IdOrArn,
    AnyName,
}

/// Splits a key or alias ARN into Region, account and resource (`key/…`, `alias/…`).
#[must_use]
pub fn parse_arn(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    (arn == "arn" && partition.starts_with("aws") && service == "kms")
        .then_some((region, account, resource))
}

/// The place of the key with this ARN.
pub(crate) fn key_ref(arn: &str) -> Option<KeyRef> {
    let (region, _, resource) = parse_arn(arn)?;
    Some(KeyRef {
        region: region.to_owned(),
        id: resource.strip_prefix("key/")?.to_owned(),
    })
}

/// `8-4-4-4-12` hexadecimal digits, or `mrk-` and 32.
pub(super) fn is_key_id(text: &str) -> bool {
    let is_hex = |part: &str, len| part.len() == len && part.bytes().all(|b| b.is_ascii_hexdigit());
    if let Some(rest) = text.strip_prefix("mrk-") {
        return is_hex(rest, 32);
    }
    let parts: Vec<&str> = text.split('-').collect();
    parts.len() == 5
        && parts
            .iter()
            .zip([8, 4, 4, 4, 12])
            .all(|(part, len)| is_hex(part, len))
}

pub(crate) fn alias_arn(region: &str, account: &str, name: &str) -> String {
    format!("arn:{}:kms:{region}:{account}:{name}", partition(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_ids_have_two_forms() {
        assert!(is_key_id("5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913"));
        assert!(is_key_id("mrk-9a41c6e07d2b4f58b3e1d02c86f7a955"));
        assert!(!is_key_id("mrk-9a41"));
        assert!(!is_key_id("my-key"));
    }

    #[test]
    fn an_arn_of_another_service_is_none_of_ours() {
        assert_eq!(
            parse_arn("arn:aws-cn:kms:cn-north-1:111122223333:alias/a/b:c"),
            Some(("cn-north-1", "111122223333", "alias/a/b:c"))
        );
        assert_eq!(parse_arn("arn:aws:sns:us-east-1:111122223333:topic"), None);
        assert_eq!(parse_arn("key/x"), None);
    }
}
