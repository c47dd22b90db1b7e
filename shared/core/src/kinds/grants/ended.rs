//! A grant was taken back, or given up.

use serde::Serialize;

use super::{GrantTold, by_service, for_own_work, is_grant_id};
use crate::actor::Actor;
use crate::kinds::access::{owner, state_if_off};
use crate::kinds::case::{Case, ask, look};
use crate::kinds::describe::{Ask, Found, Learn, Section, Tell};
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

/// Who did what to the grants of which key.
fn deed(case: &Case<'_>, did: &'static str) -> Text {
    text![who(case), did, case.name(), described(case), "."]
}

/// Why it is as urgent as it is.
fn reason(by_service_for_itself: bool, otherwise: &'static str) -> Option<Text> {
    Some(if by_service_for_itself {
        text!["an AWS service ended a grant that it had for its own work"]
    } else {
        text![otherwise]
    })
}

/// Only the record of its creation says whose grant it was.
fn find_its_creation(case: &Case<'_>, grant_id: Option<&Untrusted>) -> Vec<Step> {
    let find = look(
        text!["Find the grantee: the CreateGrant record with this grant id names it"],
        case.key.and_then(|key| {
            let region = key.arn.region().as_str();
            let id = grant_id.filter(|id| is_grant_id(id.as_str()))?.as_str();
            Some(format!(
                "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=CreateGrant \
                 --query \"Events[?contains(CloudTrailEvent,'{id}')].CloudTrailEvent\" --output text --region {region}"
            ))
        }),
    );
    let ask = ask(text![
        "Before you create the grant again, ask ",
        owner(case),
        " whether the grantee still needs the key"
    ]);
    vec![find, ask]
}

/// The grant, for the table.
fn section(grant_id: Option<&Untrusted>) -> Vec<Section> {
    let rows = grant_id.map(|id| vec![("Grant id".into(), text![id])]);
    let section = |rows| Section {
        heading: "The grant",
        rows,
    };
    rows.map(section).into_iter().collect()
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

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        reason(
            self.by_service_for_itself,
            "whoever used the key by this grant alone lost access",
        )
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Grant on ", case.name(), " revoked"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = if self.by_service_for_itself {
            text!["An AWS service ended a grant that it had for its own work."]
        } else {
            text![
                "Whoever used the key by this grant alone loses access, usually within 5 minutes. Volumes and databases may fail only \
                 at their next start."
            ]
        };
        text.sentence(deed(case, " revoked a grant on "));
        if !self.by_service_for_itself {
            text.sentence("The record does not name the grantee.");
        }
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.by_service_for_itself {
            return Vec::new();
        }
        find_its_creation(case, self.grant_id.as_ref())
    }

    fn sections(&self) -> Vec<Section> {
        section(self.grant_id.as_ref())
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

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        reason(
            self.by_service_for_itself,
            "a grant usually is retired when its work is done",
        )
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Grant on ", case.name(), " retired"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = if self.by_service_for_itself {
            text!["An AWS service retired a grant that it had for its own work."]
        } else {
            text![
                "Whoever used the key by this grant alone loses access, usually within 5 minutes."
            ]
        };
        text.sentence(deed(case, " retired a grant on "));
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self.by_service_for_itself {
            return Vec::new();
        }
        find_its_creation(case, self.grant_id.as_ref())
    }

    fn sections(&self) -> Vec<Section> {
        section(self.grant_id.as_ref())
    }
}
