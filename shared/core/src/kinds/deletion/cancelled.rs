//! A deletion was cancelled.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{NOT_FOUND, confirmed, database_deadline, delayed, last_use};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::Text;

/// A deletion was cancelled. The key is there, but off.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeletionCancelled {
    /// When the deletion was scheduled, if that is remembered.
    #[serde(skip)]
    scheduled_at: Option<Timestamp>,
}

impl KeyDeletionCancelled {
    /// The key was left off, though it was in use until its deletion was scheduled.
    fn is_missed(&self, case: &Case<'_>) -> bool {
        let before = Case {
            at: self.scheduled_at.unwrap_or(case.at),
            ..*case
        };
        !case.gone && case.state_now() != Some(&State::Enabled) && before.used_within(RECENT_DAYS)
    }
}

impl Identify for KeyDeletionCancelled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyDeletionCancelled {
    fn reads(&self) -> Reads {
        Reads {
            rotation: true,
            last_use: true,
        }
    }
}

impl Learn for KeyDeletionCancelled {
    fn recall(&mut self, profile: &Profile) {
        self.scheduled_at = profile.scheduled.as_ref().map(|scheduled| scheduled.at);
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, _: Option<&Actor>) {
        profile.cancelled_at = profile.cancelled_at.max(Some(at));
        profile.scheduled.take_if(|scheduled| scheduled.at <= at);
        profile.announced = None;
    }
}

impl Tell for KeyDeletionCancelled {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if self.is_missed(case) || is_doubtful(case) {
            Severity::High
        } else {
            Severity::Low
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match case.state_now() {
            _ if case.gone => text!["KMS does not find the key"],
            Some(state) if state.is_pending_deletion() => {
                text!["KMS still reports a pending deletion"]
            }
            _ if self.is_missed(case) => text!["the key was in use and is left Disabled"],
            _ => text!["the key is kept"],
        })
    }

    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let off = case.state_now() != Some(&State::Enabled) && !case.gone;
        self.databases(case).filter(|_| off)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let outcome = match case.state_now() {
            _ if case.gone => ", but KMS does not find the key",
            Some(State::Disabled) | None => "; the key is left Disabled",
            Some(State::Enabled) => "; the key is Enabled",
            Some(State::PendingImport) => "; its key material is missing",
            Some(State::Unavailable) => "; its key store is disconnected",
            Some(state) if state.is_pending_deletion() => ", but it is pending again",
            Some(_) => "",
        };
        text!["Deletion of ", case.name(), " cancelled", outcome]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = match case.state_now() {
            _ if case.gone => text![NOT_FOUND],
            Some(State::Enabled) => text!["The key is Enabled and can be used again."],
            Some(State::PendingImport) => {
                text!["The key cannot be used until somebody imports its key material again."]
            }
            Some(State::Unavailable) => {
                text!["The key cannot be used until somebody connects its custom key store."]
            }
            Some(state) if state.is_pending_deletion() => text![
                "The key may still be lost: KMS reports ",
                state,
                ". The deletion was scheduled again, or this answer is older than the event."
            ],
            _ => {
                let mut text = text![
                    "The key is kept, but Disabled. Every cryptographic operation with it fails until somebody enables it."
                ];
                if self.is_missed(case) {
                    text.sentence(delayed(case, self.databases(case), None));
                }
                text
            }
        };
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        match case.state_now() {
            Some(State::Enabled) => Vec::new(),
            _ if case.gone => vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )],
            Some(State::PendingImport) => vec![look(
                text!["See which key material is missing"],
                case.kms_command(
                    "list-key-rotations",
                    "--include-key-material ALL_KEY_MATERIAL",
                ),
            )],
            Some(state) if state.is_pending_deletion() => vec![
                look(
                    text!["See the state of the key"],
                    case.kms_command("describe-key", ""),
                ),
                undo(
                    text!["If the key is still pending deletion, cancel the deletion"],
                    case.kms_command("cancel-key-deletion", ""),
                ),
            ],
            _ => vec![undo(
                text![confirmed(case), "enable the key"],
                case.kms_command("enable-key", ""),
            )],
        }
    }
}

impl KeyDeletionCancelled {
    fn databases(&self, case: &Case<'_>) -> Option<Timestamp> {
        database_deadline(case, self.scheduled_at?)
    }
}

/// KMS does not find the key, or still has it pending deletion.
fn is_doubtful(case: &Case<'_>) -> bool {
    case.gone || case.state_now().is_some_and(State::is_pending_deletion)
}
