//! Somebody was given access by a grant.

use serde::Serialize;

use super::grantee::{Grantee, account_in_arn};
use super::{GrantTold, for_own_work, is_grant_id};
use crate::actor::Actor;
use crate::answers::Grant;
use crate::arn::AccountId;
use crate::kinds::access::{
    is_usable, owner, see_uses, short_principal, state_if_off, untrusted_accounts,
};
use crate::kinds::case::{Case, ask, contain, look, undo};
use crate::kinds::describe::{Ask, Found, Learn, Section, Tell};
use crate::kinds::words::{described, list, root, who};
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Operations of a grant that do not use the key (KMS Developer Guide, grant operations).
const MANAGING: [&str; 4] = ["CreateGrant", "DescribeKey", "GetPublicKey", "RetireGrant"];

/// Operations of a grant that give data away, or more access, the worst first.
const WORST: [&str; 6] = [
    "Decrypt",
    "ReEncryptFrom",
    "CreateGrant",
    "DeriveSharedSecret",
    "Sign",
    "GenerateDataKey",
];

/// How the AWS CLI shows grants as a table.
const LIST: &str =
    "--query \"Grants[].[Name,GrantId,GranteePrincipal,CreationDate]\" --output table";

const CAN_USE: &str = " can now use ";

/// Most operations that a sentence names.
const NAMED: usize = 4;

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
            let names = list(&self.encryption_context_subset, 3);
            text.sentence(text![
                "The grant applies only if the encryption context includes its values for ",
                names,
                "."
            ]);
        }
        if !self.encryption_context_equals.is_empty() {
            let names = list(&self.encryption_context_equals, 3);
            text.sentence(text![
                "The grant applies only if the encryption context equals its values for ",
                names,
                "."
            ]);
        }
        if let Some(source) = &self.source_arn {
            text.sentence(text![
                "The grant applies only to requests for ",
                source,
                "."
            ]);
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
            (Some(account), _) if of_grantee != Some(account.as_str()) => text![
                "The service uses the key for a resource of account ",
                account,
                "."
            ],
            (None, Some(grantee)) if Grantee::is_unique_id(grantee.as_str()) => text![
                "The record has only the unique id of the grantee, which does not show the account."
            ],
            (None, _) if self.is_unknown() => {
                text!["The record does not show the account of the grantee."]
            }
            _ => Text::new(),
        }
    }

    fn whom(&self) -> Text {
        match &self.grantee {
            Some(grantee) => text![grantee],
            None => text!["A principal that the record does not name"],
        }
    }

    /// It allows to use the key, and not only to see it or to pass it on.
    fn is_for_use(&self) -> bool {
        let manages = |operation: &Untrusted| MANAGING.contains(&operation.as_str());
        !self.operations.iter().all(manages)
    }

    /// ` can now use `, if the grantee can.
    fn verb(&self, case: &Case<'_>) -> &'static str {
        if self.is_for_use() && is_usable(case) {
            CAN_USE
        } else {
            " got a grant on "
        }
    }

    /// What the grant allows, what is worst first.
    fn operations(&self) -> Vec<Untrusted> {
        let place = |operation: &Untrusted| {
            let place = WORST.iter().position(|worst| *worst == operation.as_str());
            place.unwrap_or(WORST.len())
        };
        let mut operations = self.operations.clone();
        operations.sort_by_key(place);
        operations
    }

    fn passes_on(&self) -> bool {
        let may_grant = |operation: &Untrusted| operation.as_str() == "CreateGrant";
        self.operations.iter().any(may_grant)
    }
}

impl Ask for GrantCreated {
    fn names_strangers(&self) -> bool {
        self.foreign_account.is_some()
    }

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

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(match &self.foreign_account {
            Some(account) => untrusted_accounts(std::slice::from_ref(account)),
            None if self.by_service_for_itself => {
                text!["an AWS service made the grant for its own work"]
            }
            None if self.is_unknown() => text!["the account of the grantee is not known"],
            None => text![
                "the grantee is no stranger: your account, a trusted account or an AWS service"
            ],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let whom = match (&self.foreign_account, &self.grantee) {
            (Some(account), _) => text!["Account ", account],
            (None, Some(grantee)) => text![short_principal(grantee)],
            (None, None) => text!["An unknown principal"],
        };
        let uses = self.verb(case) == CAN_USE;
        let by_grant = if uses { " (grant)" } else { "" };
        text![whom, self.verb(case), case.name(), by_grant]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![self.whom(), self.verb(case), case.name(), described(case)];
        if !self.operations.is_empty() {
            text.push(text![" for ", list(&self.operations(), NAMED)]);
        }
        text.push(".");
        text.sentence(state_if_off(case));
        text.sentence(self.about_the_grantee());
        if self.passes_on() {
            text.sentence("The grantee can pass this access on with grants of its own.");
        }
        text.sentence(self.constraints.words());
        text.sentence(text![who(case), " created the grant"]);
        if let Some(name) = &self.name {
            text.push(text![" \"", name, "\""]);
        }
        text.push(if self.by_service_for_itself {
            " for the work of an AWS service."
        } else {
            "."
        });
        text.sentence("Key policies do not show grants.");
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
        let see = look(
            text!["List the grants of the key"],
            case.kms_command("list-grants", LIST),
        );
        let is_exposure = self.foreign_account.is_some() || self.is_unknown();
        let mut steps = Vec::new();
        match (revoke, is_exposure) {
            (Some(revoke), true) => steps.push(contain(
                text!["Revoke the grant. This usually takes effect within 5 minutes"],
                Some(revoke),
            )),
            (Some(revoke), false) => steps.push(undo(
                text![
                    "If ",
                    owner(case),
                    " did not ask for this access, revoke the grant (usually takes effect within 5 minutes)"
                ],
                Some(revoke),
            )),
            (None, _) => steps.push(undo(
                text!["Find the id of the grant in the list, and revoke the grant with revoke-grant"],
                see.command.clone(),
            )),
        }
        if is_exposure {
            steps.push(see_uses(case));
            steps.push(ask(text![
                "Before you create the grant again, ask ",
                owner(case),
                " why ",
                match &self.foreign_account {
                    Some(account) => text!["account ", account],
                    None => text!["the grantee"],
                },
                " needs the key"
            ]));
        } else if self.grant_id.is_some() {
            steps.push(see);
        }
        steps
    }

    fn sections(&self) -> Vec<Section> {
        let all = self.operations();
        let rows = [
            ("Grant id", self.grant_id.as_ref().map(|id| text![id])),
            (
                "Operations",
                (all.len() > NAMED).then(|| list(&all, all.len())),
            ),
            (
                "Can retire",
                self.retiring_principal.as_ref().map(|who| text![who]),
            ),
        ];
        let rows: Vec<_> = rows
            .into_iter()
            .filter_map(|(name, value)| Some((name.into(), value?)))
            .collect();
        let section = Section {
            heading: "The grant",
            rows,
        };
        Some(section)
            .filter(|section| !section.rows.is_empty() && !self.by_service_for_itself)
            .into_iter()
            .collect()
    }
}
