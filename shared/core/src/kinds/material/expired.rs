//! Imported material reached its end.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{READS, UNUSABLE, imply_lost, restore};
use crate::about::Key;
use crate::answers::Material;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::Case;
use crate::kinds::describe::{Ask, Clues, Identify, Identity, Learn, Tell};
use crate::kinds::words::{contradiction, database_deadline, delayed, last_use, state_note};
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// KMS deletes expired material soon after its date; the event is no later than this.
const DUE_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

/// Imported material reached its end.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialExpired {
    /// Which of the key's materials.
    pub key_material_id: Option<String>,
}

impl Identify for KeyMaterialExpired {
    fn identity(&self) -> Identity {
        Identity::Material(self.key_material_id.clone())
    }
}

impl Ask for KeyMaterialExpired {
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyMaterialExpired {
    fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
        let in_live = |material: &Material, imported: bool| {
            let mut live = clues.live.iter();
            live.any(|it| it.id == material.id && it.imported == Some(imported))
        };
        // What KMS said before: until when the material lasts. It is not one that is there.
        let due = clues.remembered.iter().filter(|it| !in_live(it, true));
        let due = due.filter_map(|material| {
            let apart = material.valid_to?.duration_since(at).unsigned_abs();
            (apart <= DUE_WITHIN).then_some((apart, material.id.as_ref()?))
        });
        // What KMS says now: the material is away. One that was away before is not the one that expired.
        let was_away = |material: &Material| {
            let mut remembered = clues.remembered.iter();
            remembered.any(|it| it.id == material.id && it.imported == Some(false))
        };
        let away = clues.live.iter().filter(|it| it.imported == Some(false));
        let away: Vec<_> = away.filter(|it| !was_away(it)).collect();
        let only = match away.as_slice() {
            [only] => only.id.clone(),
            _ => None,
        };
        self.key_material_id = due
            .min()
            .map(|(_, id)| id.clone())
            .or_else(|| clues.told.map(str::to_owned))
            .or(only);
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        imply_lost(key);
    }
}

impl Tell for KeyMaterialExpired {
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
        text!["Key material of ", case.name(), " expired ", case.at]
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
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        restore(
            case,
            self.key_material_id.as_deref(),
            true,
            text!["Import the same key material again"],
        )
    }
}
