//! Somebody was given access by a grant.

use serde::Serialize;

use super::{by_service, is_of_service, is_service};
use crate::actor::Actor;
use crate::kinds::case::{Case, step};
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

impl GrantCreated {
    /// Finds out whether an AWS service made the grant for itself. It may do so in somebody's name.
    pub fn made_by(mut self, actor: &Actor) -> Self {
        let in_name_of = |via: &Untrusted| is_service(via.as_str());
        let service = by_service(actor) || actor.via.as_ref().is_some_and(in_name_of);
        let grantee = self.grantee.as_ref().map_or("", Untrusted::as_str);
        self.by_service_for_itself = service && is_of_service(grantee);
        self
    }

    /// The account that the grantee names.
    fn account(&self) -> Option<&str> {
        let grantee = self.grantee.as_ref()?.as_str();
        let account = match grantee.strip_prefix("arn:") {
            Some(rest) => rest.split(':').nth(3)?,
            None => grantee,
        };
        crate::arn::AccountId::new(account).map(|_| account)
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
        self.foreign_account = self.account().filter(is_foreign).map(Untrusted::new);
        Vec::new()
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
        match (self.by_service_for_itself, &self.foreign_account) {
            (true, _) => Severity::Info,
            (false, Some(_)) => Severity::High,
            (false, None) => Severity::Low,
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
        if let Some(account) = &self.foreign_account {
            text.sentence(text![
                "The grantee is in account ",
                account,
                ", which is neither yours nor one of the trusted ones."
            ]);
        }
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
            step(text!["Undo, unless this access is meant"], revoke),
            step(
                text!["See all grants of the key"],
                case.kms_command("list-grants", ""),
            ),
        ]
    }
}
