//! Grants: access to a key beside its policy.

use serde::Serialize;

use super::words::{described, list, root, who};
use super::{Case, Describe, Found, step};
use crate::actor::Actor;
use crate::facts::Reads;
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

const READS: Reads = Reads {
    rotation: false,
    last_use: false,
};

/// Ends of the names of AWS services, by partition.
const SERVICES: [&str; 3] = [".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"];

fn is_service(name: &str) -> bool {
    !name.contains([':', '/']) && SERVICES.iter().any(|end| name.ends_with(end))
}

/// An AWS service made the call in its own name. What it makes in somebody's name is told by `via`.
fn by_service(actor: &Actor) -> bool {
    actor.kind.as_str() == "AWSService"
}

/// An AWS service, or what it works with in the account: its service-linked role, a role of its infrastructure.
fn is_of_service(grantee: &str) -> bool {
    let resource = grantee.splitn(6, ':').nth(5).unwrap_or_default();
    is_service(grantee)
        || resource.starts_with("role/aws-service-role/")
        || resource.starts_with("assumed-role/aws:")
        || resource.starts_with("assumed-role/AWSServiceRoleFor")
}

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

impl Describe for GrantCreated {
    const NAME: &'static str = "GrantCreated";
    const READS: Reads = READS;

    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }

    fn ceiling(&self) -> Severity {
        if self.by_service_for_itself {
            Severity::Info
        } else {
            Severity::High
        }
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let own = found.subject.account().as_str();
        let trusted = found.settings.trusted_accounts;
        let is_foreign = |account: &&str| {
            *account != own && !trusted.iter().any(|trusted| trusted.as_str() == *account)
        };
        self.foreign_account = self.account().filter(is_foreign).map(Untrusted::new);
        Vec::new()
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

/// Somebody took a grant away.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantRevoked {
    /// The grant's id.
    pub grant_id: Option<Untrusted>,
    /// An AWS service took back what it had for itself.
    pub by_service_for_itself: bool,
}

impl GrantRevoked {
    /// What a record of `RevokeGrant` says. What a service does in somebody's name is somebody's doing here: some
    /// services make any call that they are told to.
    pub fn by(actor: &Actor, grant_id: Option<Untrusted>) -> Self {
        Self {
            grant_id,
            by_service_for_itself: by_service(actor),
        }
    }
}

impl Describe for GrantRevoked {
    const NAME: &'static str = "GrantRevoked";
    const READS: Reads = READS;

    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }

    fn ceiling(&self) -> Severity {
        if self.by_service_for_itself {
            Severity::Info
        } else {
            Severity::Medium
        }
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.ceiling()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " lost a grant: it was revoked"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " revoked a grant on ",
            case.name(),
            described(case)
        ];
        if let Some(id) = &self.grant_id {
            text.push(text![", ", id]);
        }
        text.push(".");
        text.sentence(if self.by_service_for_itself {
            text!["An AWS service took back what it had been granted for its own work."]
        } else {
            text![
                "Whoever had access by it alone is shut out: services that use the key, such as volumes or databases, \
                 may fail at their next start. Whose grant it was, the record does not say; that of its creation does."
            ]
        });
        if case.gone {
            text.sentence("KMS does not know the key any more.");
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.by_service_for_itself {
            return Vec::new();
        }
        vec![step(
            text![
                "Find the CreateGrant with this grant's id, and, once the actor confirms that it was a mistake, grant \
                 it again"
            ],
            case.history_command(),
        )]
    }
}

/// Somebody gave a grant up, or took it back where the grant lets them.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GrantRetired {
    /// The grant's id.
    pub grant_id: Option<Untrusted>,
    /// An AWS service gave up what it had for itself.
    pub by_service_for_itself: bool,
}

impl GrantRetired {
    /// What a record of `RetireGrant` says.
    pub fn by(actor: &Actor, grant_id: Option<Untrusted>) -> Self {
        Self {
            grant_id,
            by_service_for_itself: by_service(actor),
        }
    }
}

impl Describe for GrantRetired {
    const NAME: &'static str = "GrantRetired";
    const READS: Reads = READS;

    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }

    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " has a grant less: it was retired"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " retired a grant on ",
            case.name(),
            described(case)
        ];
        if let Some(id) = &self.grant_id {
            text.push(text![", ", id]);
        }
        text.push(".");
        text.sentence("That is how whoever has a grant gives it up when the work is done.");
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        Vec::new()
    }
}
