//! KMS does not know a key any more.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, fix, look, lookup_events};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{last_use, loss};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// A key is not there any more, and nothing says why.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyVanished {
    /// When KMS knew it last, as far as that is remembered.
    pub last_seen_at: Option<Timestamp>,
    /// The state that KMS reported last, if that is remembered.
    pub last_state: Option<State>,
    /// The date of its deletion, if it was pending then.
    pub deletion_at: Option<Timestamp>,
}

impl KeyVanished {
    /// A key that KMS knew last at `last_seen_at`. Without it the age of what is remembered has to do.
    pub fn new(last_seen_at: Option<Timestamp>) -> Self {
        Self {
            last_seen_at,
            ..Self::default()
        }
    }
}

impl Identify for KeyVanished {
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        Identity::Once
    }
}

impl Ask for KeyVanished {
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: true,
        }
    }
}

impl Learn for KeyVanished {
    fn recall(&mut self, profile: &Profile) {
        if let Some(known) = &profile.metadata {
            let metadata = &known.value;
            let pending = metadata
                .state
                .as_ref()
                .is_some_and(State::is_pending_deletion);
            self.last_seen_at = self.last_seen_at.or(Some(known.as_of));
            self.last_state.clone_from(&metadata.state);
            self.deletion_at = metadata.deletion_at.filter(|_| pending);
        }
    }

    /// That people were told, so that the next sweep need not. Not that the key was deleted: nobody knows, and an event
    /// that says so is news.
    fn teach(&self, profile: &mut Profile, at: Timestamp, _: Option<&Actor>) {
        profile.note_telling(Self::NAME, None, at);
    }
}

impl Tell for KeyVanished {
    fn ceiling(&self) -> Severity {
        Severity::High
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::High
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["no event explains it"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        if case.state_now().is_some() {
            return text![case.name(), " was missing, and is found again"];
        }
        match self.last_seen_at {
            Some(at) => text![case.name(), " is missing; last seen on ", at],
            None => text![case.name(), " is missing"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        if let Some(state) = case.state_now() {
            return text![
                "The sweep over all keys did not find the key. KMS now reports a key with this id as ",
                state,
                ": it was created again, or KMS lagged."
            ];
        }
        let mut text = text!["KMS does not find the key, and no event says why."];
        if let Some(key) = case.key {
            text.sentence(loss(key, Some(text!["If KMS deleted the key, "])));
        }
        if let Some(state) = &self.last_state {
            text.sentence(text!["Its last known state is ", state, "."]);
        }
        if let Some(date) = self.deletion_at {
            text.sentence(text!["Its deletion was due ", date, "."]);
        }
        text.sentence(
            "Either KMS deleted the key and its events did not arrive, or KMS lags and finds the key again soon.",
        );
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        if case.key.is_none_or(|key| key.aliases.is_none()) {
            text.sentence(
                "KMS Watch has no record of the key: its alias, description and owner are not known.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = vec![look(
            text!["See who used or changed the key in the last 90 days"],
            case.history_command(),
        )];
        if case.state_now().is_some() {
            return steps;
        }
        for (name, what) in [
            ("ScheduleKeyDeletion", "See which deletions were scheduled"),
            ("DeleteKey", "See which keys KMS deleted"),
        ] {
            let region = case.key.map(|key| key.arn.region());
            let command = region.map(|region| lookup_events("EventName", name, region));
            steps.push(look(text![what], command));
        }
        steps.push(fix(
            text!["Restore what now fails with NotFoundException from copies under another key"],
            None,
        ));
        steps
    }
}
