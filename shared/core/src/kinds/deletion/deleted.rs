//! A key was deleted.

use jiff::Timestamp;
use serde::Serialize;

use super::SHORTEST_WINDOW_DAYS;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, RECENT_DAYS, fix, look, undo};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{last_use, loss};
use crate::ledger::Profile;
use crate::ledger::profile::Scheduled;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

/// KMS deleted a key.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeleted {
    /// Who scheduled the deletion, if that is remembered.
    pub scheduled_by: Option<Untrusted>,
    /// When it was scheduled, if that is remembered.
    pub scheduled_at: Option<Timestamp>,
}

impl Identify for KeyDeleted {
    fn identity(&self) -> Identity {
        Identity::Once
    }
}

impl Ask for KeyDeleted {
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

impl Learn for KeyDeleted {
    fn recall(&mut self, profile: &Profile) {
        if let Some(Scheduled { by, at }) = &profile.scheduled {
            self.scheduled_by.clone_from(by);
            self.scheduled_at = Some(*at);
        }
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, _: Option<&Actor>) {
        profile.deleted_at = profile.deleted_at.max(Some(at));
    }
}

impl KeyDeleted {
    /// The key was used in the days before its deletion was scheduled.
    fn was_in_use(&self, case: &Case<'_>) -> bool {
        // Without the date of scheduling: a waiting period has seven days at least, so a use within 37 days of the end
        // lies within the 30 before the scheduling for sure.
        match self.scheduled_at {
            Some(scheduled) => Case {
                at: scheduled,
                ..*case
            }
            .used_within(RECENT_DAYS),
            None => case.used_within(RECENT_DAYS + SHORTEST_WINDOW_DAYS),
        }
    }
}

impl Tell for KeyDeleted {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if self.was_in_use(case) {
            Severity::Critical
        } else if case.never_used() {
            Severity::Medium
        } else {
            Severity::High
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        let known = !case.use_is_unknown_by_refusal();
        (self.was_in_use(case) && known).then(|| text!["the key was in use before its deletion"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " permanently deleted on ", case.at]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.state_now() {
            Some(state) if !state.is_pending_deletion() => text![
                "But KMS now reports a key with this id as ",
                state,
                ": it was created again since, as a replica can be."
            ],
            _ => case.key.map_or_else(
                || text!["The deletion cannot be undone."],
                |key| loss(key, None),
            ),
        };
        if let Some(state) = case.state_now().filter(|state| state.is_pending_deletion()) {
            text.sentence(text![
                "But KMS still reports the key as ",
                state,
                ", perhaps from before the event."
            ]);
        }
        if let Some(at) = self.scheduled_at {
            text.sentence(match &self.scheduled_by {
                Some(by) => text![by, " scheduled the deletion on ", at, "."],
                None => text!["The deletion was scheduled on ", at, "."],
            });
        }
        if let Some(created) = case.key.and_then(|key| key.created_at) {
            let lived = u32::try_from(case.at.duration_since(created).as_hours() / 24).unwrap_or(0);
            text.sentence(text![
                "The key was created on ",
                day(created),
                ", ",
                days(lived),
                " before."
            ]);
        }
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        if case.gone && case.key.is_none_or(|key| key.aliases.is_none()) {
            text.sentence(
                "KMS Watch has no record of the key: its alias, description and owner are not known.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let pending = case.state_now().is_some_and(State::is_pending_deletion);
        let mut steps = Vec::new();
        if pending {
            steps.push(undo(
                text!["If the key is still pending deletion, cancel the deletion"],
                case.kms_command("cancel-key-deletion", ""),
            ));
        }
        steps.extend([
            look(
                text!["See who used or changed the key in the last 90 days"],
                case.history_command(),
            ),
            fix(
                text![
                    "Restore what now fails with NotFoundException from copies under another key"
                ],
                None,
            ),
        ]);
        steps
    }
}
