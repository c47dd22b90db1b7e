//! What breaks with a key, found out after people were told that the key is about to be lost.
//!
//! To find it out takes calls that may be slow or refused, so the alert does not wait for them. What they add is one more alert
//! about the same occurrence.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::case::{Case, ask, undo};
use super::describe::{Identify, Identity, Learn, Tell};
use super::story::Story;
use super::{KeyDeletionScheduled, KeyDisabled, KeyMaterialDeleted, KeyMaterialExpired};
use crate::actor::Actor;
use crate::dependants::Dependants;
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// How long a database can be recovered (RDS User Guide, inaccessible-encryption-credentials-recoverable; DynamoDB API Reference,
/// `ArchivalSummary`).
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Alerts about what makes a key unusable when it happens.
const UNUSABLE_AT_ONCE: [&str; 4] = [
    KeyDeletionScheduled::NAME,
    KeyDisabled::NAME,
    KeyMaterialDeleted::NAME,
    KeyMaterialExpired::NAME,
];

/// Who and what depends on a key that an alert is about.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DependantsFound {
    /// Id of the alert that this adds to.
    pub follows: String,
    /// Its kind.
    pub follows_kind: &'static str,
    /// They are the alert's own member.
    #[serde(skip)]
    pub(crate) found: Dependants,
    /// The story of that alert, which goes on.
    #[serde(skip)]
    pub(crate) story: Story,
    /// How urgent that alert is.
    #[serde(skip)]
    pub(crate) severity: Severity,
    /// How to take back what it tells of, as it says.
    #[serde(skip)]
    pub(crate) undo: Vec<Step>,
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
        profile.note_dependants(self.found.clone());
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

    fn data_deadline(&self, case: &Case<'_>) -> Option<Timestamp> {
        let is_unusable = UNUSABLE_AT_ONCE.contains(&self.follows_kind);
        let counts = is_unusable && self.found.has_database();
        counts.then(|| case.at.checked_add(GIVEN_UP_AFTER).ok())?
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let count = self.found.count;
        let at_least = if self.found.complete { "" } else { "at least " };
        let noun = if count == 1 {
            " dependant"
        } else {
            " dependants"
        };
        text![case.name(), " has ", at_least, count, noun]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "This adds to the alert ",
            self.follows_kind,
            " of ",
            case.at,
            ": who and what depends on ",
            case.name(),
            ", by its grants and by its uses in the last 90 days."
        ];
        if self.found.has_database() {
            text.sentence(
                "A database is among them. RDS, Aurora and DynamoDB give a database up seven days after its key became unusable",
            );
            text.push(match self.data_deadline(case) {
                Some(deadline) => text![": on ", deadline, "."],
                None => text!["."],
            });
        }
        text.sentence("Data that nobody has used since then leaves no trace.");
        text
    }

    fn next_steps(&self, _: &Case<'_>) -> Vec<Step> {
        let mut steps: Vec<_> = self.undo.iter().map(repeated).collect();
        steps.push(ask(text![
            "Ask the owners of what is listed before the key, or its key material, is lost"
        ]));
        steps
    }
}

/// The same step, in the same words.
fn repeated(step: &Step) -> Step {
    undo(step.text.clone(), step.command.clone())
}
