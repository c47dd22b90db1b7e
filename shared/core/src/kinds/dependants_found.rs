//! What breaks with a key, found out after people were told that the key is about to be lost.
//!
//! To find it out takes calls that may be slow or refused, so the alert does not wait for them. What they add is one more alert
//! about the same occurrence.

use jiff::Timestamp;
use serde::Serialize;

use super::case::{Case, ask, look};
use super::describe::{Identify, Identity, Learn, Tell};
use super::story::Story;
use super::words::last_use;
use crate::actor::Actor;
use crate::dependants::{Dependants, Evidence};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Who and what depends on a key that an alert is about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DependantsFound {
    /// Id of the alert that this adds to.
    pub follows: String,
    /// Its kind.
    pub follows_kind: &'static str,
    /// It is about those of other accounts who used the key, and not about all who depend on it.
    pub of_strangers: bool,
    /// They are the alert's own member.
    #[serde(skip)]
    pub(crate) found: Dependants,
    /// Everybody who was found, which is remembered.
    #[serde(skip)]
    pub(crate) everybody: Dependants,
    /// The story of that alert, which goes on.
    #[serde(skip)]
    pub(crate) story: Story,
    /// How urgent that alert is.
    #[serde(skip)]
    pub(crate) severity: Severity,
    /// How to take back what it tells of, as it says.
    #[serde(skip)]
    pub(crate) undo: Vec<Step>,
    /// Until when, as it says.
    #[serde(skip)]
    pub(crate) undo_until: Option<Timestamp>,
    /// Until when databases can be saved.
    #[serde(skip)]
    pub(crate) databases_until: Option<Timestamp>,
}

impl Identify for DependantsFound {
    fn identity(&self) -> Identity {
        Identity::Content(self.follows.clone())
    }

    fn is_by_event(&self) -> bool {
        false
    }
}

impl Learn for DependantsFound {
    fn found_dependants(&self) -> Option<&Dependants> {
        Some(&self.found)
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        profile.note_dependants(self.everybody.clone());
    }
}

impl Tell for DependantsFound {
    /// Whoever is woken by what is critical is awake.
    fn ceiling(&self) -> Severity {
        self.severity.min(Severity::High)
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        self.ceiling()
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(match self.severity > self.ceiling() {
            true => text!["people were told of the cause as ", self.severity.as_str()],
            false => text!["the alert that this adds to is ", self.severity.as_str()],
        })
    }

    fn undo_until(&self, _: &Case<'_>) -> Option<Timestamp> {
        self.undo_until
    }

    fn databases_until(&self, _: &Case<'_>) -> Option<Timestamp> {
        self.databases_until
    }

    fn title(&self, case: &Case<'_>) -> Text {
        if self.of_strangers {
            let by = text![" used by other accounts: ", self.found.counts()];
            return text![case.name(), by];
        }
        text!["What depends on ", case.name(), ": ", self.found.counts()]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        if self.of_strangers {
            return self.strangers(case);
        }
        let (needs, fails) = match self.found.count {
            1 => (" needs ", ", and fails without it."),
            _ => (" need ", ", and fail without it."),
        };
        let mut text = text![self.found.counts(), needs, case.name(), fails];
        if let Some(databases) = self.found.databases_need() {
            text.sentence(match self.databases_until {
                Some(date) => text![databases, " a restore after ", date, "."],
                None => text![databases, " a restore after 7 days without the key."],
            });
        }
        text.sentence(text![
            "This follows the alert ",
            self.follows_kind,
            " of ",
            case.at,
            ". ",
            self.found_in()
        ]);
        text.sentence(match self.has(Evidence::Config) {
            true => "Data that nobody used in that time, and AWS Config does not record, leaves no trace.",
            false => "Data that nobody used in that time leaves no trace.",
        });
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = self.undo.clone();
        steps.push(match self.of_strangers {
            true => look(text!["List who used the key"], case.history_command()),
            false => ask(text![
                "Ask the owners of what is listed before the key, or its key material, is lost"
            ]),
        });
        steps
    }
}

impl DependantsFound {
    fn has(&self, source: Evidence) -> bool {
        self.found.sources.contains(&source)
    }

    /// In which sources, and which did not answer.
    fn found_in(&self) -> Text {
        let (grants, uses) = (self.has(Evidence::Grants), self.has(Evidence::EventHistory));
        let mut text = text![match (grants, uses) {
            (true, true) =>
                "Found in the grants of the key and in CloudTrail's event history of 90 days.",
            (true, false) => "Found in the grants of the key; CloudTrail did not answer.",
            (false, true) =>
                "Found in CloudTrail's event history of 90 days; KMS did not list the grants.",
            (false, false) => "Neither KMS nor CloudTrail answered.",
        }];
        if self.has(Evidence::Config) {
            text.sentence("AWS Config was asked which resources are configured with the key.");
        }
        text
    }

    /// Who of other accounts used the key, and whether that was since the alert.
    fn strangers(&self, case: &Case<'_>) -> Text {
        let principals = self.found.principals.iter();
        let uses = principals.filter_map(|principal| Some((principal, principal.last_seen?)));
        let (since, before): (Vec<_>, Vec<_>) = uses.partition(|(_, at)| *at >= case.at);
        let counts = self.found.counts();
        let mut text = text![
            counts,
            " of other accounts used ",
            case.name(),
            ", and can read what the key protects."
        ];
        text.sentence(match (since.len(), before.first()) {
            (0, Some((last, at))) => text![
                "The last of them was ",
                &last.name,
                ", ",
                case.before(*at),
                ": before the access that the alert tells of."
            ],
            (0, None) => Text::new(),
            (count, _) => text![
                count,
                " of them used the key since the access that the alert tells of."
            ],
        });
        text.sentence(text![
            "This follows the alert ",
            self.follows_kind,
            " of ",
            case.at,
            ". Found in CloudTrail's event history of 90 days, which has a use up to 15 minutes later."
        ]);
        text
    }
}
