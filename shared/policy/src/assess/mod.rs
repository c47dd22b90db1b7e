//! What a policy says as it stands: whom it lets in, and who is left able to use and to change it.
//!
//! Every answer is worked out for callers: those whom the policy names, in principals and in conditions, whoever of the
//! account its IAM policies let in, its root user, and a stranger of whom nothing is special.

mod at_large;
mod foreign;
mod holders;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use self::foreign::Foreign;
use self::foreign::reach;
pub use self::holders::Holders;
use crate::caller::Caller;
use crate::context::Context;
use crate::evaluate::Mode;
use crate::operation::{Ops, Question};
use crate::parse::{Effect, Policy, Statement};

/// What a policy says as it stands. Made by [`Policy::assess`].
///
/// All strings are raw values of the policy, at most [`MAX_TEXT`](crate::MAX_TEXT) characters long, or hold one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Everybody in every AWS account is allowed something that is not denied: a stranger of whom nothing is special.
    ///
    /// `NotPrincipal` with `Allow` lets in everybody else (IAM User Guide, AWS JSON policy elements: NotPrincipal). What
    /// a condition must ask for to keep strangers out is listed in `condition::narrow`.
    pub public: bool,
    /// Services through which everybody in every account may use the key: grants that `kms:ViaService` alone narrows.
    /// It keeps no account out, it asks for a service that has been set to use the key.
    pub open_via: BTreeSet<String>,
    /// Accounts that are allowed something, other than the owner and the trusted ones: by a principal, or, where
    /// everybody or a service is let in, by a condition that asks for the account.
    pub foreign_accounts: BTreeSet<String>,
    /// Organisations that are let in by a condition, other than the trusted ones.
    pub foreign_organizations: BTreeSet<String>,
    /// VPCs, VPC endpoints and addresses from which everybody is let in. Whose they are is not known.
    pub foreign_networks: BTreeSet<String>,
    /// Whoever is let in of whom the account is not known: unique ids (AROA…), identity providers, canonical users. Ids
    /// that KMS wrote in the place of a deleted principal are among them.
    pub unknown_principals: BTreeSet<String>,
    /// Services that are let in whatever the resource or account is that they work for: the confused deputy problem
    /// (IAM User Guide). Some cannot be narrowed, such as EventBridge that publishes to an encrypted topic.
    pub open_services: BTreeSet<String>,
    /// The account itself is allowed what IAM policies need to manage and use the key, so they work (KMS Developer
    /// Guide, default key policy).
    ///
    /// That is `kms:*`, or statements that together hold DescribeKey, GetKeyPolicy, PutKeyPolicy, CreateGrant and a
    /// cryptographic operation (which one depends on the key's usage), without a condition, not denied.
    pub delegates_to_iam: bool,
    /// Nobody of the key's account is sure to be able to change the policy.
    pub lockout: bool,
    /// Who is able to do what, of each question.
    pub holders: BTreeMap<Question, Holders>,
    /// Operations of cryptography that somebody is allowed and nobody can call, because denies shut everybody out. In
    /// lower case.
    pub shut: BTreeSet<&'static str>,
    /// Services through which denies keep whoever the account's IAM policies let in from decrypting, signing and the like,
    /// though they may do it otherwise. Data that these services hold cannot be read.
    pub shut_services: BTreeSet<String>,
    /// As [`Policy::unreadable`]: if it is not zero, all of the above is a guess.
    pub unreadable: usize,
    /// The account that owns the key.
    pub(crate) account: String,
    /// What each of the foreign is allowed.
    pub(crate) reach: BTreeMap<Foreign, Ops>,
}

/// What must be allowed for IAM policies to manage the key.
const MANAGING: [&str; 4] = [
    "kms:describekey",
    "kms:getkeypolicy",
    "kms:putkeypolicy",
    "kms:creategrant",
];

/// Of these, a key can do those of its usage. One of them is enough to see that use is delegated too.
const USING: [&str; 4] = [
    "kms:decrypt",
    "kms:sign",
    "kms:generatemac",
    "kms:derivesharedsecret",
];

impl Assessment {
    /// Somebody is let in who is neither of the owner's nor of a trusted account or organisation, or of whom that is not
    /// known.
    pub fn is_foreign(&self) -> bool {
        self.public
            || [
                &self.open_via,
                &self.foreign_accounts,
                &self.foreign_organizations,
                &self.foreign_networks,
                &self.unknown_principals,
            ]
            .iter()
            .any(|set| !set.is_empty())
    }

    /// Everybody in every account may call the operation, such as `kms:Decrypt`.
    pub fn lets_everybody(&self, operation: &str) -> bool {
        let everybody = self.reach.get(&Foreign::Everybody);
        let operation = operation.to_ascii_lowercase();
        everybody.is_some_and(|ops| ops.meets(Ops::named(&[&*operation])))
    }

    /// Who is sure to be able to do it.
    pub fn who_may(&self, question: Question) -> &BTreeSet<String> {
        static NOBODY: BTreeSet<String> = BTreeSet::new();
        self.holders
            .get(&question)
            .map_or(&NOBODY, |holders| &holders.sure)
    }

    /// Denies shut out everybody of the account whom its IAM policies would let in, its root user included.
    pub fn is_denied_to_the_account(&self, question: Question) -> bool {
        self.holders.get(&question).is_some_and(|holders| {
            holders.but_for_denies && !holders.at_large && !holders.root_user
        })
    }
}

impl Policy {
    /// Judges the policy.
    pub fn assess(&self, context: &Context<'_>) -> Assessment {
        let mut found = Assessment {
            unreadable: self.unreadable(),
            account: context.account.to_owned(),
            ..Assessment::default()
        };
        found.reach = reach(self, context);
        for who in found.reach.keys() {
            let (set, value) = match who {
                Foreign::Everybody => {
                    found.public = true;
                    continue;
                }
                Foreign::Via(value) => (&mut found.open_via, value),
                Foreign::Account(value) => (&mut found.foreign_accounts, value),
                Foreign::Organization(value) => (&mut found.foreign_organizations, value),
                Foreign::Network(value) => (&mut found.foreign_networks, value),
                Foreign::Unknown(value) => (&mut found.unknown_principals, value),
            };
            set.insert(value.clone());
        }
        (found.holders, found.shut) = holders::of(self, context);
        found.shut_services = at_large::shut_services(self, context, holders::crucial());
        found.lockout = found.who_may(Question::Change).is_empty();
        found.delegates_to_iam = self.delegates(context);
        for statement in self
            .allows()
            .filter(|it| it.resource.matches(context) != Some(false))
        {
            found.open_services.extend(statement.open_services());
        }
        found
    }

    pub(crate) fn allows(&self) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
    }

    /// The account as such is allowed what matters, so that its IAM policies decide.
    fn delegates(&self, context: &Context<'_>) -> bool {
        let role = Caller::role_at_large(context);
        // However they call; and there is a way to call.
        let allowed = self.decide(&role, Mode::Unconditional, context).allowed
            & self.decide(&role, Mode::Sure, context).allowed
            & at_large::left_to_roles(self, context);
        let is = |name: &str| Ops::named(&[name]).meets(allowed);
        MANAGING.iter().all(|name| is(name)) && USING.iter().any(|name| is(name))
    }
}
