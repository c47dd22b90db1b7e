//! What a policy says as it stands: whom it lets in, and who can still change it.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::bounded;
use crate::parse::{Effect, Policy, Statement};
use crate::principal::{Principal, Who};

/// For whom a policy is judged.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The account that owns the key.
    pub account: &'a str,
    /// Accounts that are not foreign, though not the owner.
    pub trusted_accounts: &'a [&'a str],
}

impl Context<'_> {
    fn is_foreign(&self, account: &str) -> bool {
        account != self.account && !self.trusted_accounts.contains(&account)
    }
}

/// What a policy says as it stands. Made by [`Policy::assess`].
///
/// All strings are raw values of the policy, at most [`MAX_TEXT`](crate::MAX_TEXT) characters long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Everybody in every AWS account is allowed something, without a condition that keeps anybody out.
    ///
    /// `NotPrincipal` with `Allow` lets in everybody else (IAM User Guide, AWS JSON policy elements: NotPrincipal). What
    /// keeps somebody out is listed in the `condition` module. Denies are not counted: "allow everybody, deny all but
    /// my account" may be closed in effect, but is one edit away from open, and whether a deny under a negative
    /// condition leaves no gap cannot be told from it alone.
    ///
    /// `kms:ViaService` counts as narrowing, though it keeps no account out: it asks for a service that has been set to
    /// use the key and, to read something, for that service's own access check. `open_via` tells it.
    pub public: bool,
    /// Services through which everybody in every account may use the key: grants that `kms:ViaService` alone narrows.
    pub open_via: BTreeSet<String>,
    /// Accounts that are allowed something, conditions or not, other than the owner and the trusted ones.
    ///
    /// By a principal, or, where everybody or a service is let in, by a condition that asks for the account. Not those
    /// of an organisation that a condition asks for, nor of unique ids (AIDA…, AROA…): the policy does not say them.
    pub foreign_accounts: BTreeSet<String>,
    /// Services that are let in whatever the resource or account is that they work for: the confused deputy problem
    /// (IAM User Guide). Some cannot be narrowed, such as EventBridge that publishes to an encrypted topic.
    pub open_services: BTreeSet<String>,
    /// The account itself is allowed what IAM policies need to manage and use the key, so they work (KMS Developer
    /// Guide, default key policy).
    ///
    /// That is `kms:*`, or statements that together hold DescribeKey, GetKeyPolicy, PutKeyPolicy, CreateGrant and a
    /// cryptographic operation (which one depends on the key's usage), without a condition, not denied.
    pub delegates_to_iam: bool,
    /// Nobody of the key's account may change the policy: `who_may_change` is empty.
    pub lockout: bool,
    /// Principals of the key's account that may change the policy (`kms:PutKeyPolicy`).
    ///
    /// Limits, all on the side of somebody being there: whether a principal still exists, and whether an IAM policy uses
    /// what the account is given, is not in a policy; a condition counts as met unless it asks for other accounts; a
    /// deny counts only without a condition. Not counted are other accounts, which cannot make this call (KMS Developer
    /// Guide, permissions reference), services, and unique ids, which stand for principals that were deleted.
    pub who_may_change: BTreeSet<String>,
    /// As [`Policy::unreadable`]: if it is not zero, all of the above is a guess.
    pub unreadable: usize,
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

impl Policy {
    /// Judges the policy.
    pub fn assess(&self, context: &Context<'_>) -> Assessment {
        let mut found = Assessment {
            unreadable: self.unreadable(),
            ..Assessment::default()
        };
        for statement in self.allows() {
            let everybody = statement.who.is_everybody();
            if everybody && !statement.condition.narrows() {
                found.public = true;
            }
            if everybody && let Some(services) = statement.condition.only_via() {
                found.open_via.extend(services.into_iter().map(bounded));
            }
            if !statement.condition.names_source() {
                found.open_services.extend(
                    statement
                        .who
                        .named()
                        .iter()
                        .filter(|principal| matches!(principal, Principal::Service(_)))
                        .map(Principal::shown),
                );
            }
            found
                .foreign_accounts
                .extend(statement.foreign_accounts(context).map(str::to_owned));
        }
        found.who_may_change = self.who_may_change(context.account);
        found.lockout = found.who_may_change.is_empty();
        let delegated = |operation: &str| self.delegates(operation, context.account);
        found.delegates_to_iam = MANAGING.iter().all(|operation| delegated(operation))
            && USING.iter().any(|operation| delegated(operation));
        found
    }

    pub(crate) fn allows(&self) -> impl Iterator<Item = &Statement> {
        self.statements
            .iter()
            .filter(|statement| statement.effect == Effect::Allow)
    }

    fn who_may_change(&self, account: &str) -> BTreeSet<String> {
        let operation = "kms:putkeypolicy";
        let denied = Denied::of(self, operation);
        let mut who = BTreeSet::new();
        for statement in self.allows() {
            if !statement.actions.matches(operation) || !statement.condition.admits(account) {
                continue;
            }
            if statement.lets_everybody_of(account) && !denied.all_of(account) {
                who.extend(statement.who.entries().into_iter().map(|(_, shown)| shown));
            }
            for principal in statement.who.named() {
                if principal.account() == Some(account) && !denied.one(principal, account) {
                    who.insert(principal.shown());
                }
            }
        }
        // Where everybody is let in, the others that the same statement names add nothing.
        if who.contains("everybody") {
            who.retain(|shown| shown == "everybody");
        }
        who
    }

    /// The account as such is allowed the operation, so that its IAM policies decide.
    fn delegates(&self, operation: &str, account: &str) -> bool {
        let allowed = self.allows().any(|statement| {
            let account_itself = || {
                statement.who.named().iter().any(
                    |principal| matches!(principal, Principal::Account { id, .. } if id == account),
                )
            };
            statement.actions.matches(operation)
                && statement.condition.is_met_by_all_of(account)
                && (statement.lets_everybody_of(account) || account_itself())
        });
        allowed && !Denied::of(self, operation).all_of(account)
    }
}

impl Statement {
    /// Lets in everybody of the account as it lets in everybody else.
    fn lets_everybody_of(&self, account: &str) -> bool {
        match &self.who {
            Who::Only(_) => self.who.is_everybody(),
            Who::AllBut(these) => !these
                .iter()
                .any(|one| matches!(one, Principal::Account { id, .. } if id == account)),
        }
    }

    /// The foreign accounts that the statement lets in.
    pub(crate) fn foreign_accounts<'a>(
        &'a self,
        context: &'a Context<'_>,
    ) -> impl Iterator<Item = &'a str> {
        let named = self
            .who
            .named()
            .iter()
            .filter_map(Principal::account)
            .filter(|account| self.condition.admits(account));
        // A public statement lets in all accounts: none of them is worth a name.
        let by_condition = self.who.is_everybody()
            || self
                .who
                .named()
                .iter()
                .any(|principal| matches!(principal, Principal::Service(_)));
        let asked_for = match by_condition {
            true => self.condition.accounts(),
            false => BTreeSet::new(),
        };
        named
            .chain(asked_for)
            .filter(|account| context.is_foreign(account))
    }
}

/// Whom the policy denies an operation in any case.
struct Denied<'a> {
    everybody: bool,
    names: HashSet<Cow<'a, str>>,
    /// For each deny of all but some, these.
    spared: Vec<(HashSet<Cow<'a, str>>, HashSet<&'a str>)>,
}

impl<'a> Denied<'a> {
    fn of(policy: &'a Policy, operation: &str) -> Self {
        let mut denied = Self {
            everybody: false,
            names: HashSet::new(),
            spared: Vec::new(),
        };
        let names = |principals: &'a [Principal]| {
            principals.iter().flat_map(|principal| {
                std::iter::once(principal.key()).chain(principal.as_role().map(Cow::from))
            })
        };
        for statement in &policy.statements {
            if statement.effect != Effect::Deny
                || !statement.condition.is_empty()
                || !statement.actions.matches(operation)
            {
                continue;
            }
            match &statement.who {
                Who::Only(these) => {
                    denied.everybody |= statement.who.is_everybody();
                    denied.names.extend(names(these));
                }
                Who::AllBut(these) => denied.spared.push((
                    names(these).collect(),
                    these.iter().filter_map(Principal::account).collect(),
                )),
            }
        }
        denied
    }

    /// Nobody of the account is left. A deny for an account is one for all of its principals.
    fn all_of(&self, account: &str) -> bool {
        self.everybody
            || self.names.contains(account)
            || self
                .spared
                .iter()
                .any(|(_, accounts)| !accounts.contains(account))
    }

    /// The principal of the account is denied.
    fn one(&self, principal: &Principal, account: &str) -> bool {
        if matches!(principal, Principal::Account { .. }) {
            return self.all_of(account);
        }
        let among =
            |names: &HashSet<Cow<'_, str>>| principal.named_by().any(|name| names.contains(&name));
        self.everybody
            || self.names.contains(account)
            || among(&self.names)
            || self.spared.iter().any(|(names, _)| !among(names))
    }
}
