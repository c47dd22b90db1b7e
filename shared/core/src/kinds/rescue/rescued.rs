//! KMS Watch took back what was done to a key.

use serde::Serialize;

use super::{RescueAction, RescueOrder};
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, fix, undo};
use crate::kinds::describe::{Ask, Identify, Identity, Limit, Tell};
use crate::kinds::words::{confirmed_by, contradiction, last_use};
use crate::severity::Severity;
use crate::step::{Step, is_bare};
use crate::text;
use crate::text::{Text, Untrusted};

/// KMS Watch took back what was done to a key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRescued {
    /// What was taken back, and who said so.
    pub order: RescueOrder,
    /// KMS's id of the call; `null` if the answer to it was lost.
    pub request_id: Option<Untrusted>,
    /// How long KMS Watch leaves the key alone, whatever is done to it, in days.
    pub cool_down_days: u32,
    /// Name of the parameter that stops all rescues.
    pub switch_parameter: Untrusted,
}

impl Identify for KeyRescued {
    fn identity(&self) -> Identity {
        self.order.identity("rescued")
    }

    fn limit(&self) -> Limit {
        // Each is an act of its own.
        Limit::None
    }
}

impl Ask for KeyRescued {
    fn reads(&self) -> Reads {
        Reads {
            rotation: self.order.action == RescueAction::EnableRotation,
            last_use: self.order.action != RescueAction::EnableRotation,
        }
    }
}

impl Tell for KeyRescued {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::High
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(match self.order.action {
            RescueAction::CancelDeletion => {
                text!["the key was about to be lost, and is left Disabled"]
            }
            _ => text!["KMS Watch changed the key by itself"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![
            "KMS Watch ",
            self.order.action.done(),
            " ",
            case.name(),
            match self.order.action {
                RescueAction::CancelDeletion => "; the key is left Disabled",
                _ => "",
            }
        ]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match self.order.action {
            RescueAction::CancelDeletion => text![
                "The key is kept, but Disabled. Every cryptographic operation with it fails until somebody enables it."
            ],
            RescueAction::EnableRotation => text!["KMS rotates the key again."],
            RescueAction::EnableKey => text!["The key is Enabled and can be used again."],
        };
        text.sentence(self.order.words());
        text.sentence(match &self.request_id {
            Some(id) => text![
                "KMS has the call of KMS Watch under the request id ",
                id,
                "."
            ],
            None => text![
                "KMS Watch got no answer to its call: CloudTrail has the record of who made it."
            ],
        });
        text.sentence(text![
            "Whoever does it again within ",
            self.cool_down_days,
            " days is not stopped: KMS Watch then only reports it."
        ]);
        text.sentence(match self.order.action {
            RescueAction::CancelDeletion => contradiction(
                case,
                &[State::Disabled, State::PendingImport, State::Unavailable],
                "its state changed since",
            ),
            _ => Text::new(),
        });
        if self.order.action == RescueAction::CancelDeletion {
            text.sentence(last_use(case));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = vec![self.order.ask(case)];
        let (again, command) = match self.order.action {
            RescueAction::CancelDeletion => {
                let confirmed = confirmed_by(case, self.order.caused_by.as_ref());
                let enable = case.kms_command("enable-key", "");
                steps.push(undo(text![confirmed, "enable the key"], enable));
                ("schedule the deletion again", "schedule-key-deletion")
            }
            RescueAction::EnableRotation => ("disable rotation again", "disable-key-rotation"),
            RescueAction::EnableKey => ("disable the key again", "disable-key"),
        };
        steps.push(undo(
            text!["If the owner planned it, ", again],
            case.kms_command(command, ""),
        ));
        let region = case.key.map(|key| key.arn.region().as_str());
        let switch = self.switch_parameter.as_str();
        let command = region.filter(|_| is_bare(switch)).map(|region| {
            format!(
                "aws ssm put-parameter --name {switch} --value off --overwrite --region {region}"
            )
        });
        steps.push(fix(
            text!["If KMS Watch should not change any key, stop its rescues"],
            command,
        ));
        steps
    }
}
