//! What a grant says: for whom it is, and for which resource's sake.

use super::findings::Findings;
use super::{Evidence, Principal, Resource};
use crate::answers::Grant;
use crate::context::{Named, of_arn};
use crate::text::Untrusted;

impl Findings {
    /// Takes in a grant. One that a service holds for a resource is about that resource; of any other, about its grantee.
    pub fn grant(&mut self, grant: &Grant) {
        self.source(Evidence::Grants);
        let source = grant.source_arn.as_ref();
        let named = grant.resource.clone().or_else(|| of_arn(source?.as_str()));
        let grantee = grant.grantee.as_ref().map(Untrusted::as_str);
        match named {
            Some(named) => self.resource(Resource::of(named, Evidence::Grants)),
            None => {
                if let Some(grantee) = grantee.filter(|grantee| !grantee.is_empty()) {
                    self.principal(Principal {
                        operations: grant.operations.clone(),
                        ..Principal::of(grantee, Evidence::Grants)
                    });
                }
            }
        }
    }
}

impl Resource {
    pub(super) fn of(named: Named, via: Evidence) -> Self {
        Self {
            service: Untrusted::new(named.kind.service()),
            kind: named.kind,
            id: named.id,
            arn: named.arn,
            last_seen: None,
            used_by: None,
            via,
        }
    }
}

impl Principal {
    /// A principal by its ARN, or a service by its name.
    pub(super) fn of(principal: &str, via: Evidence) -> Self {
        // No name in IAM has other characters (IAM User Guide, IAM and AWS STS quotas).
        let is_arn =
            principal.starts_with("arn:") && principal.bytes().all(|b| b.is_ascii_graphic());
        // `role/app` of `arn:aws:iam::111122223333:role/team/app`: paths do not tell roles apart.
        let short = || {
            let resource = principal.splitn(6, ':').nth(5)?;
            let (first, last) = (resource.split('/').next()?, resource.rsplit('/').next()?);
            Some(match first {
                "assumed-role" => format!("role/{}", resource.split('/').nth(1)?),
                first if first == last => first.to_owned(),
                first => format!("{first}/{last}"),
            })
        };
        let name = is_arn.then(short).flatten();
        let account = principal.split(':').nth(4).filter(|_| is_arn);
        Self {
            arn: is_arn.then(|| Untrusted::bounded(principal, 512)),
            account: account.filter(|id| is_account(id)).map(Untrusted::new),
            name: Untrusted::bounded(name.as_deref().unwrap_or(principal), 128),
            service: None,
            last_seen: None,
            operations: Vec::new(),
            count: 0,
            via,
        }
    }
}

/// The id of an account.
pub(super) fn is_account(id: &str) -> bool {
    id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())
}
