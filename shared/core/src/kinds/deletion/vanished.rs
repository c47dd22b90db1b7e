//! KMS does not know a key any more.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, fix, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{described, last_use, loss};
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

    fn title(&self, case: &Case<'_>) -> Text {
        if case.state_now().is_some() {
            return text![case.name(), " had vanished, and is there again"];
        }
        text![case.name(), " has vanished"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let whose = text![case.name(), described(case)];
        let back = case.state_now();
        let mut text = match back {
            Some(state) => text![
                "KMS did not know ",
                whose,
                " any more when the sweep over all keys asked for it, and nothing said why. It now reports a key with this id as ",
                state,
                ": it was made again since, as a replica can be, or KMS had lagged."
            ],
            None => text![
                "KMS does not know ",
                whose,
                " any more, and nothing says why."
            ],
        };
        match (self.last_seen_at, &self.last_state) {
            (Some(at), Some(state)) if back.is_none() => {
                text.sentence(text!["It was last seen on ", at, " as ", state, "."]);
            }
            (Some(at), _) => text.sentence(text!["It was last seen on ", at, "."]),
            (None, _) => text.sentence("When it was last seen is not known."),
        }
        if back.is_some() {
            return text;
        }
        if let Some(date) = self.deletion_at {
            text.sentence(text!["Its deletion was pending then, for ", date, "."]);
        }
        text.sentence(
            "Possible reasons: it was deleted, and what KMS and CloudTrail tell of that did not reach KMS Watch; its deletion \
             was scheduled before KMS Watch was there; or KMS lags, and the key is there again soon.",
        );
        if let Some(key) = case.key {
            text.sentence(loss(key, "If it was deleted, "));
        }
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        if case.key.is_none_or(|key| key.aliases.is_none()) {
            text.sentence(
                "KMS Watch found no record of this key: its alias, description and owner are not known.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let mut steps = vec![look(
            text!["See what was done to the key in the last 90 days"],
            case.history_command(),
        )];
        if case.state_now().is_some() {
            return steps;
        }
        for (name, what) in [
            ("ScheduleKeyDeletion", "See which deletions were scheduled"),
            (
                "DeleteKey",
                "See which keys KMS deleted at the end of their waiting period",
            ),
        ] {
            let region = case.key.map(|key| key.arn.region());
            let command = region.map(|region| {
                format!(
                    "aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue={name} \
                     --max-results 50 --region {}",
                    region.as_str()
                )
            });
            steps.push(look(text![what], command));
        }
        steps.push(fix(
            text![
                "Look for what fails with NotFoundException or \"does not exist\", and restore it from copies that another key \
                 protects"
            ],
            None,
        ));
        steps
    }
}
