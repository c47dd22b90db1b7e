//! KMS made new key material current.

use jiff::Timestamp;
use serde::Serialize;

use super::READS;
use crate::about::Key;
use crate::answers::Material;
use crate::facts::Reads;
use crate::key::{Manager, Origin};
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Clues, Identify, Identity, Learn, Tell};
use crate::kinds::words::{NOT_FOUND, state_note};
use crate::ledger::profile::near;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day};

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

impl Identify for KeyRotated {
    fn identity(&self) -> Identity {
        Identity::Material(self.current_key_material_id.clone())
    }
}

impl Ask for KeyRotated {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyRotated {
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
}

impl Tell for KeyRotated {
    fn ceiling(&self) -> Severity {
        let kind = self.rotation_type.as_ref().map(Untrusted::as_str);
        if kind == Some("AUTOMATIC") {
            Severity::Info
        } else {
            Severity::Low
        }
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        match case.key.and_then(|key| key.manager.as_ref()) {
            Some(Manager::Aws) => Severity::Info,
            _ => self.ceiling(),
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let how = match self.rotation_type.as_ref().map(Untrusted::as_str) {
            Some("AUTOMATIC") => " automatically",
            Some("ON_DEMAND") => " on demand",
            _ => "",
        };
        text![case.name(), " rotated", how, " on ", case.at]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "New data is encrypted with new key material. KMS keeps the earlier material for existing data."
        ];
        let key = case.key;
        if key.and_then(|key| key.origin.as_ref()) == Some(&Origin::External) {
            text.sentence(
                "The key material is imported: if any of it expires or is deleted, the whole key stops working.",
            );
        }
        if key.and_then(|key| key.manager.as_ref()) == Some(&Manager::Aws) {
            text.sentence("AWS manages the key and rotates it every year.");
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
        if case.gone {
            text.sentence(NOT_FOUND);
        }
        text.sentence(state_note(case, &[]));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self
            .rotation_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == "ON_DEMAND")
        {
            vec![look(
                text!["If nobody expected the rotation, see who requested it"],
                case.history_command(),
            )]
        } else {
            Vec::new()
        }
    }
}
