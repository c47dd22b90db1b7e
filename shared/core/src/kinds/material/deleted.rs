//! Somebody deleted imported material.

use jiff::Timestamp;
use serde::Serialize;

use super::{READS, UNUSABLE, imply_lost, restore};
use crate::about::Key;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, ask};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{contradiction, described, last_use, who};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// Somebody deleted imported material.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialDeleted {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
}

impl Identify for KeyMaterialDeleted {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyMaterialDeleted {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyMaterialDeleted {
    fn imply(&self, key: &mut Key, _: Timestamp) {
        imply_lost(key);
    }
}

impl Tell for KeyMaterialDeleted {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Critical
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["The imported key material of ", case.name(), " was deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " deleted imported key material of ",
            case.name(),
            described(case),
            "."
        ];
        text.sentence(contradiction(
            case,
            &[
                State::PendingImport,
                State::PendingDeletion,
                State::PendingReplicaDeletion,
            ],
            "the material has been imported again since",
        ));
        text.sentence(UNUSABLE);
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = restore(case, self.key_material_id.as_deref());
        steps.insert(
            0,
            ask(text![
                "Confirm with the actor first: this may be incident response"
            ]),
        );
        steps
    }
}
