//! Who signed, and for which Region: signatures are read and not verified.

use http::{HeaderMap, header};

/// Who signed, and for which Region.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scope {
    pub(super) access_key: String,
    pub(super) region: String,
}

impl Scope {
    /// `AWS4-HMAC-SHA256 Credential=AKIA…/20261120/us-east-1/kms/aws4_request, SignedHeaders=…`
    pub(super) fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, credential) = text.split_once("Credential=")?;
        let mut parts = credential.split([',', ' ']).next()?.split('/');
        let (access_key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_scope_names_key_and_region() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/eu-west-1/kms/aws4_request, \
             SignedHeaders=host, Signature=0"
                .parse()
                .unwrap(),
        );
        let scope = Scope::read(&headers).unwrap();
        assert_eq!(
            (scope.access_key.as_str(), scope.region.as_str()),
            ("AKIATEST", "eu-west-1")
        );
        assert_eq!(Scope::read(&HeaderMap::new()), None);
    }
}
