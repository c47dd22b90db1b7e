//! A policy that replaced none: of a new key, or of a replica.

use serde::Serialize;

use super::exposure::{accounts, unknown_others, untrusted_accounts};
use super::judge::Judged;
use crate::kinds::words::list;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// What a policy says that replaced none.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FreshPolicy {
    /// Everybody in every AWS account is let in. `null` if that cannot be told.
    pub public: Option<bool>,
    /// Accounts that are let in, other than the owner and the trusted ones.
    pub foreign_accounts: Vec<Untrusted>,
    /// Organisations, VPCs, endpoints and addresses, services through which everybody may come, and principals whose
    /// account is not known (unique ids, identity providers) that are let in.
    pub foreign_others: Vec<Untrusted>,
    /// Nobody of the account may change the policy. `null` if that cannot be told.
    pub lockout: Option<bool>,
    /// IAM policies of the account decide too. `null` if that cannot be told.
    pub delegates_to_iam: Option<bool>,
    /// The call asked KMS not to check that somebody can change the policy.
    pub bypassed_lockout_check: bool,
    /// Why the policy could not be read, or not all of it.
    pub unreadable: Option<Untrusted>,
}

/// What of it counts most.
enum Worst {
    Public,
    Unreadable,
    Accounts,
    Others,
    Lockout,
    Bypassed,
}

impl FreshPolicy {
    pub(super) fn take(&mut self, judged: Judged) {
        self.public = judged.public;
        self.foreign_accounts = judged.foreign;
        self.foreign_others = judged.foreign_others;
        self.lockout = judged.lockout;
        self.delegates_to_iam = judged.delegates;
        self.unreadable = judged.unreadable;
    }

    fn worst(&self) -> Option<Worst> {
        [
            (self.public == Some(true), Worst::Public),
            (self.unreadable.is_some(), Worst::Unreadable),
            (!self.foreign_accounts.is_empty(), Worst::Accounts),
            (!self.foreign_others.is_empty(), Worst::Others),
            (self.lockout == Some(true), Worst::Lockout),
            (self.bypassed_lockout_check, Worst::Bypassed),
        ]
        .into_iter()
        .find_map(|(is, worst)| is.then_some(worst))
    }

    /// Somebody is let in who may be a stranger.
    pub(super) fn is_open(&self) -> bool {
        self.public == Some(true)
            || !(self.foreign_accounts.is_empty() && self.foreign_others.is_empty())
    }

    pub(super) fn severity(&self) -> Severity {
        match self.worst() {
            Some(Worst::Public) => Severity::Critical,
            Some(_) => Severity::High,
            None => Severity::Info,
        }
    }

    pub(super) fn severity_reason(&self) -> Option<Text> {
        Some(match self.worst()? {
            Worst::Public => text!["the policy allows every AWS account"],
            Worst::Unreadable => {
                text!["nothing in a policy that cannot be read is known to be safe"]
            }
            Worst::Accounts => untrusted_accounts(&self.foreign_accounts),
            Worst::Others => unknown_others(&self.foreign_others),
            Worst::Lockout => text!["nobody in the account can change the policy"],
            Worst::Bypassed => text!["the call bypassed the lock-out safety check"],
        })
    }

    /// What happened to `what`, the worst of it at the start; `done` is `created`, `made` is `new key`.
    pub(super) fn title(&self, what: Text, done: Text, made: Text) -> Text {
        let accounts = accounts(&self.foreign_accounts, 1);
        match self.worst() {
            None => text![what, " ", done],
            Some(Worst::Public) => text![
                what,
                " ",
                done,
                " public: every AWS account can use the key"
            ],
            Some(Worst::Unreadable) => text![what, " ", done, " with an unreadable policy"],
            Some(Worst::Accounts) if self.foreign_accounts.len() == 1 => {
                text![accounts, " has access to ", what, " (", made, ")"]
            }
            Some(Worst::Accounts) => text![accounts, " have access to ", what, " (", made, ")"],
            Some(Worst::Others) => {
                text![what, " ", done, " open to ", list(&self.foreign_others, 1)]
            }
            Some(Worst::Lockout) => text![what, " ", done, " with a policy that nobody can change"],
            Some(Worst::Bypassed) => text![what, " ", done, " without the lock-out check"],
        }
    }

    /// What is bad about it, a sentence each, to begin with; `whose` is `the key` or `the replica`.
    pub(super) fn words(&self, whose: &'static str) -> Text {
        let mut text = Text::new();
        if self.public == Some(true) {
            text.sentence(text![
                "The policy of ",
                whose,
                " is public: it allows every AWS account, and no condition keeps anybody out."
            ]);
        }
        if let Some(why) = &self.unreadable {
            text.sentence(text![
                "KMS Watch cannot read all of the policy of ",
                whose,
                " (",
                why,
                ")."
            ]);
        }
        if !self.foreign_accounts.is_empty() {
            text.sentence(text![
                "The policy of ",
                whose,
                " allows access from ",
                list(&self.foreign_accounts, 6),
                ", outside your trusted accounts."
            ]);
        }
        if !self.foreign_others.is_empty() {
            text.sentence(text![
                "The policy of ",
                whose,
                " allows ",
                list(&self.foreign_others, 6),
                ", not known to be yours."
            ]);
        }
        if self.lockout == Some(true) {
            text.sentence(text![
                "Nobody in the account can change the policy of ",
                whose,
                ": only AWS Support can restore that."
            ]);
        }
        if self.bypassed_lockout_check {
            text.sentence(
                "The call told KMS not to check that somebody can still change the policy \
                 (BypassPolicyLockoutSafetyCheck).",
            );
        }
        text
    }
}
