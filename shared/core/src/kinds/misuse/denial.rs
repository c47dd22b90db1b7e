//! What denied a call, and what follows: advice has to be possible for this caller, in this account.

use crate::actor::Actor;
use crate::arn::AccountId;
use crate::text;
use crate::text::{Text, Untrusted};

/// Changes that KMS lets callers of other accounts make (KMS Developer Guide, permissions reference).
const ACROSS_ACCOUNTS: [&str; 3] = ["CreateGrant", "RetireGrant", "RevokeGrant"];

/// What denied a call (IAM User Guide, access denied error messages).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// A policy of the organization over accounts.
    ServiceControlPolicy,
    /// A policy of the organization over resources.
    ResourceControlPolicy,
    /// The key policy, which forbids it.
    KeyPolicy,
    /// The key policy, which does not allow it.
    NoKeyPolicy,
    /// A policy of the caller, which forbids it.
    IdentityPolicy,
    /// No policy of the caller allows it.
    NoIdentityPolicy,
    /// The limit of what the caller can be allowed.
    Boundary,
    /// The policy of the session.
    Session,
    /// The policy of a VPC endpoint.
    Endpoint,
    /// AWS does not say.
    Unknown,
}

impl Denial {
    /// What AWS's words say.
    pub(super) fn of(reason: Option<&Untrusted>) -> Self {
        let words = reason.map(|words| words.as_str().to_lowercase());
        let words = words.unwrap_or_default();
        let forbids = words.contains("explicit deny");
        let kinds = [
            ("service control policy", Self::ServiceControlPolicy),
            ("resource control policy", Self::ResourceControlPolicy),
            ("permissions boundary", Self::Boundary),
            ("session policy", Self::Session),
            ("vpc endpoint policy", Self::Endpoint),
            (
                "resource-based policy",
                if forbids {
                    Self::KeyPolicy
                } else {
                    Self::NoKeyPolicy
                },
            ),
            (
                "identity-based policy",
                if forbids {
                    Self::IdentityPolicy
                } else {
                    Self::NoIdentityPolicy
                },
            ),
        ];
        let mut kinds = kinds.into_iter();
        kinds
            .find(|(mark, _)| words.contains(mark))
            .map_or(Self::Unknown, |(_, kind)| kind)
    }

    /// What lets the caller make the call, if that is wanted.
    pub(super) fn allow(
        self,
        operation: &Untrusted,
        actor: Option<&Actor>,
        account: Option<&AccountId>,
    ) -> Text {
        let plain = operation
            .as_str()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric());
        let action = match plain {
            true => text!["kms:", operation],
            false => text!["the operation"],
        };
        let of = actor.and_then(|actor| actor.account.as_ref());
        let stranger = of.filter(|of| account.is_some_and(|own| own.as_str() != of.as_str()));
        if stranger.is_some() && !ACROSS_ACCOUNTS.contains(&operation.as_str()) {
            return text![
                "No policy can allow the call: KMS permits ",
                operation,
                " only within the account of the key"
            ];
        }
        match (self, stranger) {
            (Self::ServiceControlPolicy | Self::ResourceControlPolicy, _) => text![
                "If the call was expected, ask the administrators of the organization: no policy of the account can allow it"
            ],
            (_, Some(stranger)) => text![
                "If the call was expected, allow ",
                action,
                " in the key policy and in an IAM policy of account ",
                stranger
            ],
            (_, None) => self.allow_at_home(action, actor),
        }
    }

    /// The same for a caller of the key's account, whom no policy of the organization denies.
    fn allow_at_home(self, action: Text, actor: Option<&Actor>) -> Text {
        let service = actor.is_some_and(|actor| actor.kind.as_str() == "AWSService");
        let place = match self {
            Self::KeyPolicy => {
                return text![
                    "If the call was expected, take it out of the Deny statement of the key policy"
                ];
            }
            Self::IdentityPolicy => {
                return text![
                    "If the call was expected, take it out of the Deny statement of the IAM policy of the caller"
                ];
            }
            Self::Unknown | Self::ServiceControlPolicy | Self::ResourceControlPolicy => {
                return text![
                    "If the call was expected, find out which policy denies ",
                    action,
                    "; AWS does not say"
                ];
            }
            Self::NoKeyPolicy => "the key policy",
            Self::NoIdentityPolicy if service => {
                "an IAM policy of the principal for whom the service acts"
            }
            Self::NoIdentityPolicy => "an IAM policy of the caller",
            Self::Boundary => "the permissions boundary of the caller",
            Self::Session => "the session policy of the caller",
            Self::Endpoint => "the policy of the VPC endpoint",
        };
        text!["If the call was expected, allow ", action, " in ", place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(account: &str) -> Actor {
        Actor {
            account: Some(Untrusted::new(account)),
            ..Actor::unknown()
        }
    }

    #[test]
    fn each_denial_is_known_by_its_words() {
        for (words, expected) in [
            (
                "with an explicit deny in a service control policy",
                Denial::ServiceControlPolicy,
            ),
            (
                "no service control policy allows the kms:DisableKey action",
                Denial::ServiceControlPolicy,
            ),
            (
                "with an explicit deny in a resource control policy",
                Denial::ResourceControlPolicy,
            ),
            (
                "no resource-based policy allows the kms:DisableKey action",
                Denial::NoKeyPolicy,
            ),
            (
                "with an explicit deny in a resource-based policy",
                Denial::KeyPolicy,
            ),
            (
                "no identity-based policy allows the kms:DisableKey action",
                Denial::NoIdentityPolicy,
            ),
            (
                "with an explicit deny in an identity-based policy",
                Denial::IdentityPolicy,
            ),
            (
                "no permissions boundary allows the kms:DisableKey action",
                Denial::Boundary,
            ),
            (
                "no session policy allows the kms:DisableKey action",
                Denial::Session,
            ),
            (
                "no VPC endpoint policy allows the kms:DisableKey action",
                Denial::Endpoint,
            ),
            ("", Denial::Unknown),
        ] {
            assert_eq!(
                Denial::of(Some(&Untrusted::new(words))),
                expected,
                "{words}"
            );
        }
        assert_eq!(Denial::of(None), Denial::Unknown);
    }

    #[test]
    fn nobody_is_told_to_allow_what_no_policy_can() {
        let own = AccountId::new("111122223333");
        let advice = |denial: Denial, operation: &str, account: &str| {
            let operation = Untrusted::new(operation);
            denial
                .allow(&operation, Some(&caller(account)), own.as_ref())
                .plain()
        };
        let scp = advice(Denial::ServiceControlPolicy, "DisableKey", "111122223333");
        assert!(
            scp.contains("organization") && !scp.contains("allow kms:"),
            "{scp}"
        );
        let foreign = advice(Denial::NoKeyPolicy, "DisableKey", "444455556666");
        assert!(foreign.starts_with("No policy can allow"), "{foreign}");
        let grant = advice(Denial::NoKeyPolicy, "CreateGrant", "444455556666");
        assert!(
            grant.contains("kms:CreateGrant in the key policy and"),
            "{grant}"
        );
        let own = advice(Denial::NoKeyPolicy, "DisableKey", "111122223333");
        assert!(
            own.contains("allow kms:DisableKey in the key policy"),
            "{own}"
        );
    }
}
