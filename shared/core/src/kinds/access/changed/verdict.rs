//! What of a policy that was set counts most: it gives the alert its severity, its reason and its title.

use super::{KeyPolicyChanged, is_pending};
use crate::kinds::access::exposure::{
    accounts, short_principal, unknown_others, untrusted_accounts,
};
use crate::kinds::case::Case;
use crate::kinds::words::list;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// The worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Public,
    Lockout,
    Trap,
    Seized,
    Unusable,
    Unreadable,
    Accounts,
    Others,
    StillForeign,
    Delegation,
    Denied,
    Services,
    NobodyCancels,
    Bypassed,
    Pending,
    Unchanged,
    Changed,
}

use Verdict::{
    Accounts, Bypassed, Changed, Delegation, Denied, Lockout, NobodyCancels, Others, Pending,
    Public, Seized, Services, StillForeign, Trap, Unchanged, Unreadable, Unusable,
};

impl KeyPolicyChanged {
    pub(super) fn verdict(&self, case: &Case<'_>) -> Verdict {
        let all = [
            (self.is_public(), Public),
            (self.is_lockout(), Lockout),
            (self.traps(case), Trap),
            (self.is_seized(), Seized),
            (self.is_unusable(), Unusable),
            (self.unreadable.is_some(), Unreadable),
            (!self.gained_accounts.is_empty(), Accounts),
            (!self.gained_others.is_empty(), Others),
            // Judged by itself: that it is the same as before is known from the ledger alone, where another may have put it.
            (
                self.unchanged && !self.foreign_accounts.is_empty(),
                StillForeign,
            ),
            (self.lost_delegation, Delegation),
            (self.shuts_the_account_out && !self.unchanged, Denied),
            (!self.shut_services.is_empty() && !self.unchanged, Services),
            (
                self.nobody_can_cancel && self.fewer_can_cancel,
                NobodyCancels,
            ),
            (self.bypassed_lockout_check, Bypassed),
            (is_pending(case) && !self.unchanged, Pending),
            (self.unchanged, Unchanged),
        ];
        let worst = all.into_iter().find_map(|(is, worst)| is.then_some(worst));
        worst.unwrap_or(Changed)
    }

    pub(super) fn title_of(&self, verdict: Verdict, case: &Case<'_>) -> Text {
        let name = case.name();
        let is_new = self.compared_with.is_some();
        match verdict {
            Public if self.now.is_some() => text![name, " was made public by its key policy"],
            Public => text![name, " is public: its key policy allows every account"],
            Lockout if self.open_again => text!["Key policy of ", name, " locked out the account"],
            Lockout => text!["Nobody can change the key policy of ", name],
            Trap if self.nobody_can_cancel => {
                text!["Nobody can cancel the deletion of ", name, " (key policy)"]
            }
            Trap => text!["Fewer can cancel the deletion of ", name, " (key policy)"],
            Seized => text!["Only ", self.left_in_short(1), " now controls ", name],
            Unusable => text!["Key policy of ", name, " blocks all use of the key"],
            Unreadable => text!["New key policy of ", name, " cannot be read"],
            Accounts => {
                let verb = match (is_new, self.gained_accounts.len()) {
                    (true, _) => " gained access to ",
                    (false, 1) => " has access to ",
                    (false, _) => " have access to ",
                };
                let accounts = accounts(&self.gained_accounts, 1);
                text![accounts, verb, name, " (key policy)"]
            }
            Others => {
                let verb = if is_new {
                    " opened to "
                } else {
                    " is open to "
                };
                let others: Vec<_> = self.gained_others.iter().map(short_principal).collect();
                text!["Access to ", name, verb, list(&others, 1), " (key policy)"]
            }
            StillForeign => text![
                accounts(&self.foreign_accounts, 1),
                " kept access to ",
                name,
                " (key policy)"
            ],
            Delegation => text!["IAM policies no longer give access to ", name],
            Denied => text!["Key policy of ", name, " now denies the account"],
            Services => text![
                "Key policy of ",
                name,
                " blocks ",
                list(&self.shut_services, 1)
            ],
            NobodyCancels => text!["Nobody could cancel a deletion of ", name],
            Bypassed => text!["Key policy of ", name, " set without lock-out check"],
            Pending => text!["Key policy of ", name, " changed while pending deletion"],
            Unchanged => text!["Key policy of ", name, " set again, unchanged"],
            Changed => text!["Key policy of ", name, " changed"],
        }
    }

    pub(super) fn reason_of(&self, verdict: Verdict) -> Text {
        match verdict {
            Public => text!["the policy allows every AWS account"],
            Lockout => text!["nobody in the account can change the policy that was set"],
            Trap if self.nobody_can_cancel => {
                text!["nobody can cancel the deletion that is scheduled"]
            }
            Trap => text!["fewer principals can cancel the deletion that is scheduled"],
            Seized => text!["a Deny excludes the rest of the account, its root user included"],
            Unusable => text!["nobody is certain to be able to use the key"],
            Unreadable => text!["nothing in a policy that cannot be read is known to be safe"],
            Accounts => untrusted_accounts(&self.gained_accounts),
            Others => unknown_others(&self.gained_others),
            StillForeign => untrusted_accounts(&self.foreign_accounts),
            Delegation => text!["whoever the key policy does not name lost access"],
            Denied => text!["a Deny excludes the account, its root user included"],
            Services => text!["AWS services can no longer read data for the account"],
            NobodyCancels => text!["nobody could cancel a deletion of the key"],
            Bypassed => text!["the call bypassed the lock-out safety check"],
            Pending => text!["the policy decides who can cancel the deletion that is scheduled"],
            Unchanged => text!["the policy allows and denies the same as before"],
            Changed => text!["the change allows nobody from outside"],
        }
    }

    /// Who is left in control, cut to what tells one from another.
    fn left_in_short(&self, most: usize) -> Text {
        let short: Vec<Untrusted> = self.left_in_control.iter().map(short_principal).collect();
        list(&short, most)
    }
}

impl Verdict {
    pub(super) fn severity(self) -> Severity {
        match self {
            Public | Lockout | Trap | Seized | Unusable => Severity::Critical,
            Unreadable | Accounts | Others | StillForeign | Delegation | Denied | Services
            | NobodyCancels | Bypassed | Pending => Severity::High,
            Changed => Severity::Medium,
            Unchanged => Severity::Info,
        }
    }

    /// A stranger may use the key.
    pub(super) fn is_exposure(self) -> bool {
        matches!(self, Public | Accounts | Others | StillForeign)
    }
}
