//! Somebody imported material.

use jiff::Timestamp;
use serde::Serialize;

use super::READS;
use crate::about::Key;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{described, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day};

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

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            (Some(false), None) => text!["Key material without expiry was imported into ", name],
            (_, Some(expiry)) if case.state() != Some(&State::PendingImport) => text![
                "Key material was imported into ",
                name,
                "; it works until ",
                day(expiry)
            ],
            _ => text!["Key material was imported into ", name],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " imported key material into ",
            case.name(),
            described(case)
        ];
        if let Some(about) = &self.key_material_description {
            text.push(text![", described as \"", about.shortened(120), "\""]);
        }
        text.push(".");
        match (self.expires(), case.key.and_then(|key| key.expires_at)) {
            (Some(false), None) => text.sentence("It does not expire."),
            (Some(false), Some(expiry)) => text.sentence(text![
                "This material does not expire, but another of the key does on ",
                expiry,
                "; then the whole key stops working."
            ]),
            (_, Some(expiry)) => text.sentence(text![
                "The first of the key's materials to expire does so on ",
                expiry,
                "; then the whole key stops working."
            ]),
            (_, None) => match &self.valid_to_text {
                Some(date) => text.sentence(text![
                    "CloudTrail gives its expiry as \"",
                    date,
                    "\"; then the whole key stops working."
                ]),
                None => text.sentence("Until when it lasts could not be found out."),
            },
        }
        if case.state() == Some(&State::PendingImport) {
            text.sentence(
                "KMS still reports the key as PendingImport: another of its materials is missing.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![look(
            text!["See all materials of the key and when each expires"],
            case.kms_command(
                "list-key-rotations",
                "--include-key-material ALL_KEY_MATERIAL",
            ),
        )]
    }
}
