//! Somebody requested a rotation, or enabled or disabled it.

use serde::Serialize;

use super::{READS, is_pending};
use crate::facts::Reads;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Tell};
use crate::kinds::words::{NOT_FOUND, state_note};
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
        text!["Rotation of ", case.name(), " requested"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "KMS creates new key material within minutes, and keeps the earlier material for existing data."
        ];
        text.sentence("KMS allows 25 rotations on demand in the life of a key.");
        text.sentence(stands(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See whether KMS has rotated the key"],
            case.kms_command("list-key-rotations", ""),
        )]
    }
}

/// Automatic rotation was enabled, or its period changed.
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
        let mut text = text!["Automatic rotation of ", case.name(), " enabled"];
        if let Some(period) = self.rotation_period_days {
            text.push(text![", every ", days(period)]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        let period = self
            .rotation_period_days
            .or(rotation.and_then(|rotation| rotation.period_days));
        let mut text = match period {
            Some(period) => text!["KMS creates new key material every ", days(period), "."],
            None => text!["KMS creates new key material every 365 days."],
        };
        if let Some(next) = rotation.and_then(|rotation| rotation.next_at) {
            text.sentence(text!["The next rotation is due on ", day(next), "."]);
        }
        text.sentence("Rotation may have been enabled before, with another period.");
        if rotation.and_then(|rotation| rotation.enabled) == Some(false) && !is_pending(case) {
            text.sentence(
                "But KMS now reports rotation as disabled: it changed since, or this answer is older than the event.",
            );
        }
        text.sentence(stands(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See the rotation settings of the key"],
            case.kms_command("get-key-rotation-status", ""),
        )]
    }
}

/// Automatic rotation was disabled.
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

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["nothing stops working"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Automatic rotation of ", case.name(), " disabled"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "The present key material stays in use until somebody rotates the key. This breaks nothing, but standards that \
             require regular rotation are no longer met."
        ];
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(last) = rotation.and_then(|rotation| rotation.last_at) {
            text.sentence(text!["The last rotation was on ", day(last), "."]);
        }
        if rotation.and_then(|rotation| rotation.enabled) == Some(true) {
            text.sentence(
                "But KMS now reports rotation as enabled: it changed since, or this answer is older than the event.",
            );
        }
        text.sentence(stands(case));
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
            text![
                "Unless the owner planned this, enable rotation again (default period: 365 days)"
            ],
            case.kms_command("enable-key-rotation", &period),
        )]
    }
}

/// How the key stands, where that matters for its rotation.
fn stands(case: &Case<'_>) -> Text {
    match case.gone {
        true => text![NOT_FOUND],
        false => state_note(case, &[]),
    }
}
