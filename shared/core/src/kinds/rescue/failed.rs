//! KMS Watch could not take back what was done to a key.

use jiff::Timestamp;
use serde::Serialize;

use super::{RescueAction, RescueOrder};
use crate::facts::Reads;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Identify, Identity, Limit, Tell};
use crate::kinds::words::last_use;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// KMS Watch could not take back what was done to a key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRescueFailed {
    /// What was to be taken back, and who said so.
    pub order: RescueOrder,
    /// What failed, as half a sentence: "the call CancelKeyDeletion failed".
    pub what: Text,
    /// Why, in the words of AWS.
    pub reason: Option<Untrusted>,
    /// KMS Watch tries again, twice within some minutes.
    pub again: bool,
}

impl Identify for KeyRescueFailed {
    fn identity(&self) -> Identity {
        self.order.identity("failed")
    }

    fn limit(&self) -> Limit {
        Limit::None
    }
}

impl Ask for KeyRescueFailed {
    fn reads(&self) -> Reads {
        Reads {
            rotation: self.order.action == RescueAction::EnableRotation,
            last_use: self.order.action != RescueAction::EnableRotation,
        }
    }
}

impl Tell for KeyRescueFailed {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Critical
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["a key that KMS Watch is to protect is not protected"])
    }

    fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        case.key.and_then(|key| key.deletion_at)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![
            "KMS Watch could not ",
            self.order.action.to_do(),
            " ",
            case.name()
        ]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match self.order.action {
            RescueAction::CancelDeletion => {
                text!["Unless somebody cancels the deletion by hand, the key is lost."]
            }
            RescueAction::EnableRotation => {
                text!["KMS does not rotate the key until somebody enables rotation by hand."]
            }
            RescueAction::EnableKey => {
                text!["Every cryptographic operation with the key fails until somebody enables it."]
            }
        };
        text.sentence(self.order.words());
        text.sentence(match &self.reason {
            Some(reason) => text![self.what.clone().capitalized(), ": ", reason, "."],
            None => text![self.what.clone().capitalized(), "."],
        });
        text.sentence(if self.again {
            "KMS Watch tries again within some minutes, and reports a success as KeyRescued."
        } else {
            "KMS Watch does not try again."
        });
        if self.order.action != RescueAction::EnableRotation {
            text.sentence(last_use(case));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![
            self.order.by_hand(case),
            self.order.ask(case),
            look(
                text!["See who used or changed the key in the last 90 days"],
                case.history_command(),
            ),
        ]
    }
}
