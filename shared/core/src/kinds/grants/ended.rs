//! A grant was taken back, or given up.

use serde::Serialize;

use super::{GrantTold, by_service, for_own_work};
use crate::actor::Actor;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Found, Learn, Tell};
use crate::kinds::words::{described, root, who};
use crate::ledger::Item;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// No more urgent than `severity`, and nobody's business where a service does it for itself.
fn urgency(by_service_for_itself: bool, severity: Severity) -> Severity {
    if by_service_for_itself {
        Severity::Info
    } else {
        severity
    }
}

/// Who did what to which grant.
fn deed(case: &Case<'_>, did: &'static str, grant_id: Option<&Untrusted>) -> Text {
    let mut text = text![who(case), did, case.name(), described(case)];
    if let Some(id) = grant_id {
        text.push(text![", ", id]);
    }
    text.push(".");
    text
}

/// Only the record of its creation says whose grant it was.
fn find_its_creation(case: &Case<'_>) -> Step {
    look(
        text![
            "Find the CreateGrant with this grant's id, and, once the actor confirms that it was a mistake, grant it again"
        ],
        case.history_command(),
    )
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

impl Ask for GrantRevoked {
    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }
}

impl Learn for GrantRevoked {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        GrantTold::Ended.note(found.subject, self.grant_id.as_ref(), found.now)
    }
}

impl Tell for GrantRevoked {
    fn ceiling(&self) -> Severity {
        urgency(self.by_service_for_itself, Severity::Medium)
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.ceiling()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " lost a grant: it was revoked"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = deed(case, " revoked a grant on ", self.grant_id.as_ref());
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
        vec![find_its_creation(case)]
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
    /// What a record of `RetireGrant` says. Services retire what they were granted, in the name of whoever made them work.
    pub fn by(actor: &Actor, grant_id: Option<Untrusted>) -> Self {
        Self {
            grant_id,
            by_service_for_itself: for_own_work(actor),
        }
    }
}

impl Ask for GrantRetired {
    fn is_enriched(&self) -> bool {
        !self.by_service_for_itself
    }
}

impl Learn for GrantRetired {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        GrantTold::Ended.note(found.subject, self.grant_id.as_ref(), found.now)
    }
}

impl Tell for GrantRetired {
    fn ceiling(&self) -> Severity {
        urgency(self.by_service_for_itself, Severity::Low)
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.ceiling()
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " has a grant less: it was retired"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = deed(case, " retired a grant on ", self.grant_id.as_ref());
        text.sentence(if self.by_service_for_itself {
            "An AWS service gave up what it had been granted for its own work."
        } else {
            "That is how whoever has a grant gives it up when the work is done. Whoever still needs it is shut out, as if it \
             had been revoked."
        });
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.by_service_for_itself {
            return Vec::new();
        }
        vec![find_its_creation(case)]
    }
}
