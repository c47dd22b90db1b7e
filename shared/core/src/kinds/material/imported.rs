//! Somebody imported material.

use jiff::Timestamp;
use serde::Serialize;

use super::READS;
use crate::about::Key;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{NOT_FOUND, state_note};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// Somebody imported material.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialImported {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
    /// `KEY_MATERIAL_EXPIRES` or `KEY_MATERIAL_DOES_NOT_EXPIRE`.
    pub expiration_model: Option<Untrusted>,
    /// `NEW_KEY_MATERIAL` or `EXISTING_KEY_MATERIAL`.
    pub import_type: Option<Untrusted>,
    /// The expiry as CloudTrail words it, in a form that is not for parsing.
    pub valid_to_text: Option<Untrusted>,
    /// What the importer wrote about the material.
    pub key_material_description: Option<Untrusted>,
}

impl KeyMaterialImported {
    /// Whether this material ends, `None` if the record does not say.
    fn expires(&self) -> Option<bool> {
        match self.expiration_model.as_ref().map(Untrusted::as_str) {
            Some("KEY_MATERIAL_DOES_NOT_EXPIRE") => Some(false),
            Some("KEY_MATERIAL_EXPIRES") => Some(true),
            _ => None,
        }
    }
}

impl Identify for KeyMaterialImported {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyMaterialImported {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyMaterialImported {
    fn imply(&self, key: &mut Key, _: Timestamp) {
        key.origin.get_or_insert(Origin::External);
    }
}

impl Tell for KeyMaterialImported {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["the import breaks nothing"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let what = text!["Key material imported into ", case.name()];
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            _ if case.state() == Some(&State::PendingImport) => {
                text![what, "; more key material is missing"]
            }
            (Some(false), None) => text![what, "; it does not expire"],
            (_, Some(expiry)) => text![what, "; the key works until ", expiry],
            _ => what,
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.state_now() {
            _ if case.gone => text![NOT_FOUND],
            Some(State::PendingImport) => text![
                "The key still cannot be used: KMS reports PendingImport, so other key material is missing."
            ],
            Some(State::Enabled) => text!["The key can be used."],
            _ => state_note(case, &[State::PendingImport]),
        };
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            (Some(false), None) => text.sentence("The key material does not expire."),
            (Some(false), Some(expiry)) => text.sentence(text![
                "This key material does not expire, but other material of the key does on ",
                expiry,
                ". Then the whole key stops working."
            ]),
            (_, Some(expiry)) => text.sentence(text![
                "The first key material expires on ",
                expiry,
                ". Then the whole key stops working."
            ]),
            (_, None) => match &self.valid_to_text {
                Some(date) => text.sentence(text![
                    "CloudTrail gives the expiry as \"",
                    date.shortened(64),
                    "\". Then the whole key stops working."
                ]),
                None => text.sentence("When the key material expires is not known."),
            },
        }
        if let Some(about) = &self.key_material_description {
            text.sentence(text![
                "The key material is described as \"",
                about.shortened(120),
                "\"."
            ]);
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See all key material of the key and when it expires"],
            case.kms_command(
                "list-key-rotations",
                "--include-key-material ALL_KEY_MATERIAL",
            ),
        )]
    }
}
