//! What KMS Watch itself did to a key, to take back what was done to it; what it could not do, and what it would have done.
//!
//! | file | kind |
//! |---|---|
//! | [`rescued`] | it was done |
//! | [`failed`] | it was tried, and failed |
//! | [`advised`] | it was not tried, and why not |

mod action;
mod advised;
mod failed;
mod rescued;

use serde::Serialize;

pub use action::RescueAction;
pub use advised::{KeyRescueAdvised, NotRescued};
pub use failed::KeyRescueFailed;
pub use rescued::KeyRescued;

use super::case::{Case, ask, undo};
use super::describe::Identity;
use super::words::confirmed_by;
use crate::hash::short_hash;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Who asked for a rescue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum RescueTrigger {
    /// The event: the key carries the tag, and the stack is told to act.
    Event,
    /// Somebody who invoked the function, as the button in chat does.
    Button,
}

/// What is to be taken back, and who says so.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct RescueOrder {
    /// What takes it back.
    pub action: RescueAction,
    /// Who asked for it.
    pub trigger: RescueTrigger,
    /// Who did what is taken back, as far as the event says.
    pub caused_by: Option<Untrusted>,
    /// What was done to the key, by one name for each time it is told: CloudTrail's id of the call, or that of the invocation.
    pub occurrence: Untrusted,
}

impl RescueOrder {
    /// One alert of each outcome for each occurrence.
    fn identity(&self, outcome: &str) -> Identity {
        let (occurrence, action) = (self.occurrence.as_str(), self.action.operation());
        Identity::Content(short_hash(&format!("{occurrence}\n{action}\n{outcome}")))
    }

    /// Who did it, and who asked for the rescue.
    fn words(&self) -> Text {
        let did = self.action.what_was_done();
        match (self.trigger, &self.caused_by) {
            (RescueTrigger::Button, _) => text![
                "Somebody asked for it by the button in chat, or by invoking the function key-rescue."
            ],
            (RescueTrigger::Event, Some(by)) => text![by, did, "."],
            (RescueTrigger::Event, None) => text!["Somebody", did, "."],
        }
    }

    /// Asks whoever did it.
    fn ask(&self, case: &Case<'_>) -> Step {
        let owner = case.key.and_then(|key| key.owner.as_ref());
        let whom = match (&self.caused_by, owner) {
            (Some(by), Some(owner)) => text![by, " and the owner ", owner],
            (Some(by), None) => text![by],
            (None, Some(owner)) => text!["the owner ", owner],
            (None, None) => text!["the owner of the key"],
        };
        ask(text!["Ask ", whom, " whether this was planned"])
    }

    /// The same by hand.
    fn by_hand(&self, case: &Case<'_>) -> Step {
        let command = case.kms_command(self.action.command(), "");
        let what = self.action.to_do();
        match self.action {
            // The key stays off: nothing is lifted.
            RescueAction::CancelDeletion | RescueAction::EnableRotation => undo(
                text![
                    "Unless the owner planned this, ",
                    what,
                    " the key by yourself"
                ],
                command,
            ),
            RescueAction::EnableKey => undo(
                text![
                    confirmed_by(case, self.caused_by.as_ref()),
                    "enable the key by yourself"
                ],
                command,
            ),
        }
    }
}
