//! Somebody asked for a rotation, or switched it on or off.

use serde::Serialize;

use super::READS;
use crate::facts::Reads;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Tell};
use crate::kinds::words::{described, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, day, days};

/// Somebody asked for new material at once.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationRequested {}

impl Ask for KeyRotationRequested {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Tell for KeyRotationRequested {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " is being rotated on demand"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        text![
            who(case),
            " asked KMS to rotate ",
            case.name(),
            described(case),
            " at once. KMS does so within minutes and \
             keeps the earlier material, so what was encrypted before stays readable. A key can be rotated on demand 25 \
             times in its life."
        ]
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See whether the rotation is done"],
            case.kms_command("list-key-rotations", ""),
        )]
    }
}

/// Automatic rotation was switched on, or its period changed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationEnabled {
    /// Days between rotations as asked for; KMS takes 365 where none are given.
    pub rotation_period_days: Option<u32>,
}

impl Ask for KeyRotationEnabled {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Tell for KeyRotationEnabled {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " will be rotated automatically"];
        if let Some(period) = self.rotation_period_days {
            text.push(text![" every ", days(period)]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " switched on the automatic rotation of ",
            case.name(),
            described(case),
            ", or changed it."
        ];
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(period) = self
            .rotation_period_days
            .or(rotation.and_then(|rotation| rotation.period_days))
        {
            text.sentence(text![
                "KMS makes new key material every ",
                days(period),
                "."
            ]);
        }
        if let Some(next) = rotation.and_then(|rotation| rotation.next_at) {
            text.sentence(text!["The next rotation is due on ", day(next), "."]);
        }
        if rotation.and_then(|rotation| rotation.enabled) == Some(false) {
            text.sentence(
                "But KMS now reports rotation as off: it was switched off since, or this answer is older than the event.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See how it is set"],
            case.kms_command("get-key-rotation-status", ""),
        )]
    }
}

/// Automatic rotation was switched off.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationDisabled {}

impl Ask for KeyRotationDisabled {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Tell for KeyRotationDisabled {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " will no longer be rotated automatically"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " switched off the automatic rotation of ",
            case.name(),
            described(case),
            ". Its present key material stays in use until somebody rotates it. Nothing stops working, but standards that \
             ask for regular rotation are no longer met."
        ];
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(last) = rotation.and_then(|rotation| rotation.last_at) {
            text.sentence(text!["It was last rotated on ", day(last), "."]);
        }
        if rotation.and_then(|rotation| rotation.enabled) == Some(true) {
            text.sentence(
                "But KMS now reports rotation as on: it was switched on since, or this answer is older than the event.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let period = case
            .key
            .and_then(|key| key.rotation.as_ref())
            .and_then(|rotation| rotation.period_days);
        let period = period.map_or_else(String::new, |days| {
            format!("--rotation-period-in-days {days}")
        });
        vec![undo(
            text!["Undo, unless rotation is meant to be off (without a period KMS takes 365 days)"],
            case.kms_command("enable-key-rotation", &period),
        )]
    }
}
