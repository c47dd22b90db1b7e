//! Somebody deleted imported material.

use jiff::Timestamp;
use serde::Serialize;

use super::{AGAIN, READS, UNUSABLE, imply_lost, restore};
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::Case;
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{
    confirmed, contradiction, database_deadline, delayed, last_use, root, state_note,
};
use crate::ledger::Profile;
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
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyMaterialDeleted {
    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        profile.note_act(Self::NAME, at, actor);
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        imply_lost(key);
    }
}

impl Tell for KeyMaterialDeleted {
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Critical
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["the key stopped working"])
    }

    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let off = case.state_now() != Some(&State::Enabled);
        database_deadline(case, case.at).filter(|_| off)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Key material of ", case.name(), " deleted"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![UNUSABLE];
        text.sentence(delayed(case, self.databases_until(case), None));
        text.sentence(contradiction(
            case,
            &[
                State::PendingImport,
                State::PendingDeletion,
                State::PendingReplicaDeletion,
            ],
            "the key material was imported again since",
        ));
        text.sentence(state_note(case, &[State::PendingImport]));
        text.sentence(last_use(case));
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let first = text![confirmed(case), AGAIN];
        restore(case, self.key_material_id.as_deref(), false, first)
    }
}
