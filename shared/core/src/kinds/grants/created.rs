//! Somebody was given access by a grant.

use serde::Serialize;

use super::grantee::{Grantee, account_in_arn};
use super::{GrantTold, for_own_work};
use crate::actor::Actor;
use crate::answers::Grant;
use crate::arn::AccountId;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// The id of a grant, safe in a command.
fn is_grant_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Under which conditions a grant allows anything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantConstraints {
    /// Names, without their values, of what the encryption context must have at least.
    pub encryption_context_subset: Vec<Untrusted>,
    /// Names, without their values, of what the encryption context must be.
    pub encryption_context_equals: Vec<Untrusted>,
    /// The resource for which the service must work.
    pub source_arn: Option<Untrusted>,
}

impl GrantConstraints {
    fn words(&self) -> Text {
        let mut text = Text::new();
        if !self.encryption_context_subset.is_empty() {
            let names = list(&self.encryption_context_subset, 6);
            text.sentence(text![
                "It works only where the encryption context has the value that the grant sets for ",
                names,
                "."
            ]);
        }
        if !self.encryption_context_equals.is_empty() {
            let names = list(&self.encryption_context_equals, 6);
            text.sentence(text![
                "It works only where the encryption context is just what the grant sets for ",
                names,
                "."
            ]);
        }
        if let Some(source) = &self.source_arn {
            text.sentence(text!["It works only for work on ", source, "."]);
        }
        text
    }
}

/// Somebody was given access by a grant.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantCreated {
    /// Who may use the key: an ARN or a service.
    pub grantee: Option<Untrusted>,
    /// The grantee's account, if it is neither the owner's nor a trusted one.
    pub foreign_account: Option<Untrusted>,
    /// What it may be used for.
    pub operations: Vec<Untrusted>,
    /// Under which conditions.
    pub constraints: GrantConstraints,
    /// Who may give the grant up.
    pub retiring_principal: Option<Untrusted>,
    /// The grant's name.
    pub name: Option<Untrusted>,
    /// The grant's id.
    pub grant_id: Option<Untrusted>,
    /// An AWS service made it for itself.
    pub by_service_for_itself: bool,
}

impl From<Grant> for GrantCreated {
    /// A grant as `ListGrants` lists it.
    fn from(grant: Grant) -> Self {
        Self {
            grantee: grant.grantee,
            operations: grant.operations,
            constraints: GrantConstraints {
                encryption_context_subset: grant.encryption_context_subset,
                encryption_context_equals: grant.encryption_context_equals,
                source_arn: grant.source_arn,
            },
            retiring_principal: grant.retiring_principal,
            name: grant.name,
            grant_id: Some(Untrusted::new(&grant.id)),
            ..Self::default()
        }
    }
}

impl GrantCreated {
    /// Finds out whether an AWS service made the grant for itself, in its own name or in somebody's, on a key of `owner`.
    /// What lets in another account is nothing of the kind, whoever passed the call on.
    pub fn made_by(mut self, actor: &Actor, owner: Option<&AccountId>) -> Self {
        let others = |account: &str| owner.is_none_or(|owner| owner.as_str() != account);
        self.by_service_for_itself =
            for_own_work(actor) && self.grantee().of_service && !self.accounts().any(others);
        self
    }

    /// It is for an AWS service, or what one works with, on a key of `owner`, and lets in no other account.
    pub fn is_of_service_at_home(&self, owner: &AccountId) -> bool {
        self.grantee().of_service && self.accounts().all(|account| account == owner.as_str())
    }

    /// It lets in an account other than `owner`, or nobody can tell.
    pub fn is_for_strangers(&self, owner: &AccountId) -> bool {
        self.grantee().unknown || self.accounts().any(|account| account != owner.as_str())
    }

    fn grantee(&self) -> Grantee<'_> {
        Grantee::read(self.grantee.as_ref().map_or("", Untrusted::as_str))
    }

    /// The accounts that the grant lets in: that of the grantee, and that for whose resource a service works.
    fn accounts(&self) -> impl Iterator<Item = &str> {
        let source = self.constraints.source_arn.as_ref();
        let source = source.and_then(|arn| account_in_arn(arn.as_str()));
        self.grantee().account.into_iter().chain(source)
    }

    /// Who is let in cannot be told.
    fn is_unknown(&self) -> bool {
        self.foreign_account.is_none() && self.grantee().unknown
    }

    /// Whose account it is, where that is not plain.
    fn about_the_grantee(&self) -> Text {
        let of_grantee = self.grantee().account;
        match (&self.foreign_account, &self.grantee) {
            (Some(account), _) if of_grantee == Some(account.as_str()) => text![
                "The grantee is in account ",
                account,
                ", which is neither yours nor one of the trusted ones."
            ],
            (Some(account), _) => text![
                "It works for a resource in account ",
                account,
                ", which is neither yours nor one of the trusted ones."
            ],
            (None, Some(grantee)) if Grantee::is_unique_id(grantee.as_str()) => text![
                "The record has only the grantee's unique id, which does not say of which account it is."
            ],
            (None, _) if self.is_unknown() => {
                text!["The record does not say in which account the grantee is."]
            }
            _ => Text::new(),
        }
    }

    fn whom(&self) -> Text {
        match &self.grantee {
            Some(grantee) => text![grantee],
            None => text!["somebody"],
        }
    }
}

impl Ask for GrantCreated {
    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }
}

impl Learn for GrantCreated {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let own = found.subject.account().as_str();
        let trusted = found.settings.trusted_accounts;
        let is_foreign = |account: &&str| {
            *account != own && !trusted.iter().any(|trusted| trusted.as_str() == *account)
        };
        let foreign = self.accounts().find(is_foreign).map(Untrusted::new);
        self.foreign_account = foreign;
        // A sweep leaves out those of services, too.
        let is_compared = !self.is_of_service_at_home(found.subject.account());
        let id = self.grant_id.as_ref().filter(|_| is_compared);
        GrantTold::Created.note(found.subject, id, found.now)
    }
}

impl Tell for GrantCreated {
    fn ceiling(&self) -> Severity {
        if self.by_service_for_itself {
            Severity::Info
        } else {
            Severity::High
        }
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        if self.foreign_account.is_some() {
            Severity::High
        } else if self.by_service_for_itself {
            Severity::Info
        } else if self.is_unknown() {
            Severity::Medium
        } else {
            Severity::Low
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        match &self.foreign_account {
            Some(account) => text![
                case.name(),
                " may be used by foreign account ",
                account,
                ", by a grant"
            ],
            None => text![case.name(), " may be used by ", self.whom(), ", by a grant"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " granted ",
            self.whom(),
            " the use of ",
            case.name(),
            described(case)
        ];
        if !self.operations.is_empty() {
            text.push(text![" for ", list(&self.operations, 12)]);
        }
        text.push(".");
        text.sentence(self.about_the_grantee());
        if self.by_service_for_itself {
            text.sentence("An AWS service made the grant for its own work.");
        }
        let may_grant = |operation: &Untrusted| operation.as_str() == "CreateGrant";
        if self.operations.iter().any(may_grant) {
            text.sentence("The grantee may pass this on by grants of its own.");
        }
        text.sentence(self.constraints.words());
        if let Some(name) = &self.name {
            text.sentence(text!["The grant is called \"", name, "\"."]);
        }
        if let Some(retiring) = &self.retiring_principal {
            text.sentence(text![retiring, " may retire it."]);
        }
        text.sentence("A grant works beside the key policy, which does not show it.");
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.by_service_for_itself || case.gone {
            return Vec::new();
        }
        let id = self.grant_id.as_ref().map(Untrusted::as_str);
        let revoke = id
            .filter(|id| is_grant_id(id))
            .and_then(|id| case.kms_command("revoke-grant", &format!("--grant-id {id}")));
        vec![
            undo(text!["Undo, unless this access is meant"], revoke),
            look(
                text!["See all grants of the key"],
                case.kms_command("list-grants", ""),
            ),
        ]
    }
}
