//! Did a key's material change, will it?

use jiff::Timestamp;
use serde::Serialize;

use super::words::{described, who};
use super::{Case, Clues, Describe, Identity, step};
use crate::alert::{Key, Step};
use crate::facts::Reads;
use crate::key::{Manager, Origin};
use crate::ledger::profile::near;
use crate::ports::Material;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

const READS: Reads = Reads {
    rotation: true,
    last_use: false,
};

/// KMS made new material current, automatically or because somebody asked.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotated {
    /// `AUTOMATIC` or `ON_DEMAND`.
    pub rotation_type: Option<Untrusted>,
    /// Id of the material before.
    pub previous_key_material_id: Option<String>,
    /// Id of the material since.
    pub current_key_material_id: Option<String>,
    /// Origin of the key, which the alert's key has too if KMS answered.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

impl Describe for KeyRotated {
    const NAME: &'static str = "KeyRotated";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Material(self.current_key_material_id.clone())
    }

    fn ceiling(&self) -> Severity {
        Severity::Low
    }

    fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
        let rotated = |materials: &[Material]| {
            let rotated = materials.iter().filter_map(|material| {
                let away = material.rotated_at?.duration_since(at).unsigned_abs();
                near(material.rotated_at?, at).then_some((away, material.id.as_ref()?))
            });
            rotated.min().map(|(_, id)| id.clone())
        };
        self.current_key_material_id = rotated(clues.live)
            .or_else(|| clues.told.map(str::to_owned))
            .or_else(|| rotated(clues.remembered));
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.origin.is_none() {
            key.origin.clone_from(&self.origin);
        }
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        match case.key.and_then(|key| key.manager.as_ref()) {
            Some(Manager::Aws) => Severity::Info,
            _ => Severity::Low,
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let how = match self.rotation_type.as_ref().map(Untrusted::as_str) {
            Some("AUTOMATIC") => " automatically",
            Some("ON_DEMAND") => " on demand",
            _ => "",
        };
        text![case.name(), " was rotated", how]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "KMS rotated the key material of ",
            case.name(),
            described(case),
            " on ",
            case.at,
            "."
        ];
        text.sentence("What was encrypted before stays readable: KMS keeps the earlier material.");
        let key = case.key;
        if key.and_then(|key| key.origin.as_ref()) == Some(&Origin::External) {
            text.sentence(
                "Its material is imported: if any of it, also an earlier one, expires or is deleted, the whole key stops \
                 working.",
            );
        }
        if key.and_then(|key| key.manager.as_ref()) == Some(&Manager::Aws) {
            text.sentence("The key is managed by AWS, which rotates it every year.");
        }
        if let Some(next) = key
            .and_then(|key| key.rotation.as_ref())
            .and_then(|rotation| rotation.next_at)
        {
            text.sentence(text![
                "The next automatic rotation is due on ",
                day(next),
                "."
            ]);
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self
            .rotation_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == "ON_DEMAND")
        {
            vec![step(
                text!["See who asked for it, if nobody expected it"],
                case.history_command(),
            )]
        } else {
            Vec::new()
        }
    }
}

/// Somebody asked for new material at once.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationRequested {}

impl Describe for KeyRotationRequested {
    const NAME: &'static str = "KeyRotationRequested";
    const READS: Reads = READS;

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
        vec![step(
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

impl Describe for KeyRotationEnabled {
    const NAME: &'static str = "KeyRotationEnabled";
    const READS: Reads = READS;

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
        vec![step(
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

impl Describe for KeyRotationDisabled {
    const NAME: &'static str = "KeyRotationDisabled";
    const READS: Reads = READS;

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
        vec![step(
            text!["Undo, unless rotation is meant to be off (without a period KMS takes 365 days)"],
            case.kms_command("enable-key-rotation", &period),
        )]
    }
}
