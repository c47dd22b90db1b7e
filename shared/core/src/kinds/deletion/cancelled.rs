//! A deletion was cancelled.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Identify, Learn, Tell};
use crate::kinds::words::{CONFIRM, described, last_use, who};
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
    }
}

impl Tell for KeyDeletionCancelled {
    fn severity(&self, case: &Case<'_>) -> Severity {
        if self.is_missed(case) {
            Severity::High
        } else {
            Severity::Low
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let outcome = match case.state_now() {
            Some(State::Disabled) | None => " but left disabled",
            Some(State::PendingImport) => " and waits for its key material",
            Some(_) => "",
        };
        text![case.name(), " is saved from deletion", outcome]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " cancelled the deletion of ",
            case.name(),
            described(case),
            "."
        ];
        match case.state_now() {
            _ if case.gone => text.sentence("KMS does not know the key any more."),
            Some(State::Enabled) => text.sentence("KMS reports it as Enabled: it can be used again."),
            Some(State::PendingImport) => {
                text.sentence("It cannot be used until its key material is imported again.");
            }
            Some(State::Unavailable) => {
                text.sentence("It cannot be used until its custom key store is connected again.");
            }
            Some(state) if state.is_pending_deletion() => text.sentence(text![
                "But KMS now reports it as ", state, ": its deletion was scheduled once more, or this answer is older \
                 than the event (KMS may lag for some seconds)."
            ]),
            _ => text.sentence(
                "Cancelling leaves a key Disabled: every cryptographic operation with it fails until it is enabled.",
            ),
        }
        if self.is_missed(case) {
            text.sentence("It was in use: what needs it fails until then.");
        }
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        match case.state_now() {
            Some(State::Enabled) => Vec::new(),
            _ if case.gone => Vec::new(),
            Some(State::PendingImport) => vec![look(
                text!["See which key material is missing"],
                case.kms_command(
                    "list-key-rotations",
                    "--include-key-material ALL_KEY_MATERIAL",
                ),
            )],
            Some(state) if state.is_pending_deletion() => {
                vec![look(
                    text!["See how the key stands"],
                    case.kms_command("describe-key", ""),
                )]
            }
            _ => vec![undo(
                text![CONFIRM, "enable the key"],
                case.kms_command("enable-key", ""),
            )],
        }
    }
}
