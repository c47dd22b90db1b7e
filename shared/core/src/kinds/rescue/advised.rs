//! KMS Watch would have taken back what was done to a key, and left it.

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
use crate::text::Text;

/// Why KMS Watch left a key as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum NotRescued {
    /// The stack is told to advise only.
    DryRun,
    /// The parameter that stops all rescues says so.
    SwitchedOff,
    /// The key was rescued a short time before: whoever does it again means it.
    CoolDown,
    /// So many keys were rescued within the hour that there is something else going on.
    HourlyLimit,
}

/// KMS Watch would have taken back what was done to a key, and left it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRescueAdvised {
    /// What would be taken back, and who said so.
    pub order: RescueOrder,
    /// Why it was not.
    pub why: NotRescued,
    /// When the key was rescued before, where that is why.
    pub rescued_at: Option<Timestamp>,
    /// Most rescues within an hour.
    pub per_hour: u64,
}

impl Identify for KeyRescueAdvised {
    fn identity(&self) -> Identity {
        self.order.identity(&format!("advised {:?}", self.why))
    }

    fn limit(&self) -> Limit {
        Limit::None
    }
}

impl Ask for KeyRescueAdvised {
    fn reads(&self) -> Reads {
        Reads {
            rotation: self.order.action == RescueAction::EnableRotation,
            last_use: self.order.action != RescueAction::EnableRotation,
        }
    }
}

impl Tell for KeyRescueAdvised {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::High
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["the key is protected, and nobody has acted yet"])
    }

    fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        case.key.and_then(|key| key.deletion_at)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let lead = match self.why {
            NotRescued::DryRun => "KMS Watch would have ",
            _ => "KMS Watch has not ",
        };
        text![lead, self.order.action.done(), " ", case.name()]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![match self.order.action {
            RescueAction::CancelDeletion => "The deletion of the key stays scheduled.",
            RescueAction::EnableRotation => "Automatic rotation of the key stays disabled.",
            RescueAction::EnableKey => "The key stays Disabled.",
        }];
        text.sentence(self.order.words());
        text.sentence(match (self.why, self.rescued_at) {
            (NotRescued::DryRun, _) => {
                text!["This stack only advises. With KeyRescue=act, KMS Watch would have acted."]
            }
            (NotRescued::SwitchedOff, _) => {
                text!["Somebody stopped the rescues of this stack by its parameter."]
            }
            (NotRescued::CoolDown, Some(at)) => text![
                "KMS Watch acted on the key on ",
                at,
                ", and leaves a second attempt to people."
            ],
            (NotRescued::CoolDown, None) => {
                text!["KMS Watch acted on the key before, and leaves a second attempt to people."]
            }
            (NotRescued::HourlyLimit, _) => text![
                "KMS Watch acted on ",
                self.per_hour,
                " keys within this hour, which is its limit."
            ],
        });
        if self.order.action != RescueAction::EnableRotation {
            text.sentence(last_use(case));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![
            self.order.ask(case),
            self.order.by_hand(case),
            look(
                text!["See who used or changed the key in the last 90 days"],
                case.history_command(),
            ),
        ]
    }
}
