//! What is said of a key. Nothing depends on it but those who decide by it whether the key is still needed.

use jiff::Timestamp;
use serde::Serialize;

use crate::about::Key;
use crate::actor::Actor;
use crate::kinds::access::state_if_off;
use crate::kinds::case::Case;
use crate::kinds::describe::{Found, Learn, Tell};
use crate::kinds::words::{root, who};
use crate::ledger::{Item, Profile};
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// The description of a key was changed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDescriptionChanged {
    /// What it said before. `null` if there was none, or it is not known.
    pub from: Option<Untrusted>,
    /// What it says now. `null` if it was removed, or the record does not say.
    pub to: Option<Untrusted>,
    /// Since when the description before was known.
    pub compared_with: Option<Timestamp>,
}

impl KeyDescriptionChanged {
    /// It says this now.
    pub fn to(to: Option<Untrusted>) -> Self {
        Self {
            to,
            ..Self::default()
        }
    }
}

impl Learn for KeyDescriptionChanged {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        // What was read after this happened may be the new one.
        let known = found.before.metadata.as_ref();
        let known = known.filter(|metadata| metadata.as_of < found.at);
        self.compared_with = known.map(|metadata| metadata.as_of);
        self.from = known
            .and_then(|metadata| metadata.value.description.clone())
            .and_then(Untrusted::non_empty);
        Vec::new()
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        profile.note_act(Self::NAME, at, actor);
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.description.is_none() {
            key.description.clone_from(&self.to);
        }
    }
}

impl Tell for KeyDescriptionChanged {
    fn ceiling(&self) -> Severity {
        Severity::Info
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["a description changes nothing about access or use"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text!["Description of ", case.name(), " changed"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![who(case), " changed the description of ", case.name(), "."];
        text.sentence(match (&self.from, self.compared_with) {
            (Some(from), _) => text!["The old description was \"", from.shortened(120), "\"."],
            (None, Some(_)) => text!["The key had no description before."],
            (None, None) => text!["The old description is not known."],
        });
        text.sentence(match &self.to {
            Some(to) => text!["The new description is \"", to.shortened(120), "\"."],
            None => text!["The new description is empty, or the record does not show it."],
        });
        text.sentence(state_if_off(case));
        text.sentence(root(case));
        text
    }
}
