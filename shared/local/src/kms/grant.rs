//! A grant, as it is kept.

use jiff::Timestamp;
use serde_json::Value;

use crate::times::epoch;

/// The members of a request that a grant keeps, and that `ListGrants` gives back under the same names.
pub(super) const KEPT: &[&str] = &[
    "Name",
    "GranteePrincipal",
    "GranteeServicePrincipal",
    "RetiringPrincipal",
    "RetiringServicePrincipal",
    "Operations",
    "Constraints",
];

#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(super) id: String,
    pub(super) token: String,
    pub(super) issuer: String,
    pub(super) created: Timestamp,
    /// The members of [`KEPT`] that the request had.
    pub(super) members: Value,
}

impl Grant {
    pub(super) fn member(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    pub(super) fn is_for(&self, principal: &str) -> bool {
        ["GranteePrincipal", "GranteeServicePrincipal"]
            .iter()
            .any(|name| self.member(name) == Some(principal))
    }

    pub(super) fn listed(&self, key_arn: &str) -> Value {
        let mut entry = self.members.clone();
        entry["KeyId"] = key_arn.into();
        entry["GrantId"] = self.id.as_str().into();
        entry["IssuingAccount"] = self.issuer.as_str().into();
        entry["CreationDate"] = epoch(self.created);
        entry
    }
}
