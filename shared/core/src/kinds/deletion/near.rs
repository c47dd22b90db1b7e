//! A key is about to be deleted.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use crate::about::{Key, LastUse, LastUseStatus};
use crate::actor::Actor;
use crate::countdown;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{CONFIRM, described, last_use, loss};
use crate::ledger::Profile;
use crate::ledger::profile::Scheduled;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

/// Shortest and longest waiting period in days (KMS API Reference, ScheduleKeyDeletion).
const WINDOW_DAYS: [i64; 2] = [7, 30];

/// A deletion that was scheduled comes near: the last days in which the key can be saved.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeletionNear {
    /// The end of the waiting period. KMS deletes the key within 24 hours of it.
    pub deletion_at: Timestamp,
    /// Whole days that were left when it was seen.
    pub days_left: u32,
    /// The step of the countdown that is told: the smallest of the configured numbers of days that is no less than what
    /// is left. `null` if more is left than all of them.
    pub step: Option<u32>,
    /// Who scheduled the deletion, if that is remembered.
    pub scheduled_by: Option<Untrusted>,
    /// When it was scheduled, if that is remembered.
    pub scheduled_at: Option<Timestamp>,
    /// The key was used since. `null` if that is not known.
    pub used_since_scheduled: Option<bool>,
}

impl KeyDeletionNear {
    /// A deletion on `deletion_at`, as seen by somebody who asked KMS at `at` and counts down by `steps`.
    pub fn new(deletion_at: Timestamp, steps: &[u32], at: Timestamp) -> Self {
        Self {
            deletion_at,
            days_left: countdown::days_left(at, deletion_at),
            step: countdown::step(steps, at, deletion_at),
            scheduled_by: None,
            scheduled_at: None,
            used_since_scheduled: None,
        }
    }

    fn left(&self, at: Timestamp) -> SignedDuration {
        countdown::left(at, self.deletion_at)
    }

    /// The waiting period is over, and KMS had the key still.
    fn is_due(&self, at: Timestamp) -> bool {
        !self.left(at).is_positive()
    }

    /// As far as is known the deletion is still to come.
    fn is_ahead(case: &Case<'_>) -> bool {
        let pending = case.state_now().is_none_or(State::is_pending_deletion);
        pending && !case.gone
    }

    /// When the deletion was scheduled, at the earliest and at the latest.
    fn scheduled_within(&self) -> [Option<Timestamp>; 2] {
        let before = |days: i64| self.deletion_at.checked_sub((days * 24).hours()).ok();
        let [shortest, longest] = WINDOW_DAYS;
        match self.scheduled_at {
            Some(at) => [Some(at), Some(at)],
            None => [before(longest), before(shortest)],
        }
    }

    /// Whether the key was used since it was scheduled for deletion, as far as its last use tells.
    fn used_since(&self, last_use: &LastUse) -> Option<bool> {
        let [earliest, latest] = self.scheduled_within();
        // What was not asked now tells of uses, and not that there was none after it was asked.
        let since_then_none = last_use.as_of.is_none().then_some(false);
        match (last_use.status, last_use.at) {
            (LastUseStatus::Used, Some(at)) if at > latest? => Some(true),
            (LastUseStatus::Used, Some(at)) if at <= earliest? => since_then_none,
            (LastUseStatus::NeverUsed, _) => since_then_none,
            (LastUseStatus::Unknown, _) if last_use.tracked_since? <= earliest? => since_then_none,
            _ => None,
        }
    }

    /// Whether it was used since.
    fn use_since(&self) -> &'static str {
        match self.used_since_scheduled {
            Some(true) => {
                "The key was used after its deletion was scheduled: something still needs it."
            }
            Some(false) => {
                "The key was not used after its deletion was scheduled, as far as KMS has recorded, which it does up to an hour \
                 late."
            }
            None => "Whether the key was used after its deletion was scheduled is not known.",
        }
    }

    /// The key was never used. What was said of it before its deletion was scheduled is not enough.
    fn was_never_used(&self, case: &Case<'_>) -> bool {
        let asked_since = |as_of| self.scheduled_at.is_some_and(|at| as_of >= at);
        let as_of = case.last_use().and_then(|last_use| last_use.as_of);
        case.never_used() && as_of.is_none_or(asked_since)
    }
}

impl Identify for KeyDeletionNear {
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        Identity::Countdown {
            deadline: self.deletion_at,
            step: self.step,
        }
    }
}

impl Ask for KeyDeletionNear {
    fn reads(&self) -> Reads {
        Reads {
            rotation: false,
            last_use: true,
        }
    }
}

impl Learn for KeyDeletionNear {
    fn recall(&mut self, profile: &Profile) {
        if let Some(Scheduled { by, at }) = &profile.scheduled {
            self.scheduled_by.clone_from(by);
            self.scheduled_at = Some(*at);
        }
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        if let Some(step) = self.step {
            profile.note_countdown(Self::NAME, self.deletion_at, step);
        }
    }

    fn observe(&mut self, key: &Key) {
        self.used_since_scheduled = key
            .last_use
            .as_ref()
            .and_then(|last_use| self.used_since(last_use));
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        key.deletion_at.get_or_insert(self.deletion_at);
    }
}

impl Tell for KeyDeletionNear {
    fn severity(&self, case: &Case<'_>) -> Severity {
        let last_day = self.left(case.at) <= SignedDuration::from_hours(24);
        if self.was_never_used(case) {
            Severity::Medium
        } else if self.used_since_scheduled == Some(true) || (last_day && !case.idle()) {
            Severity::Critical
        } else {
            Severity::High
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let (name, date) = (case.name(), self.deletion_at);
        match countdown::days_left(case.at, date) {
            _ if case.gone => text![
                "KMS does not know ",
                name,
                " any more, which was to be deleted on ",
                day(date)
            ],
            _ if !Self::is_ahead(case) => text![name, " is not pending deletion any more"],
            _ if self.is_due(case.at) => text![name, " may be deleted at any moment now"],
            0 => text![name, " will be deleted within a day, at ", date],
            left => text![name, " will be deleted in ", days(left), ", on ", day(date)],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let whose = text![case.name(), described(case)];
        let ahead = Self::is_ahead(case);
        let mut text = match (ahead, self.is_due(case.at)) {
            (true, true) => text![
                "The waiting period of ",
                whose,
                " ended on ",
                self.deletion_at,
                "."
            ],
            (true, false) => text![whose, " will be deleted on ", self.deletion_at, "."],
            (false, _) => text![whose, " was to be deleted on ", self.deletion_at, "."],
        };
        text.sentence(match (self.scheduled_at, &self.scheduled_by) {
            (Some(at), Some(by)) => text![by, " scheduled that on ", at, "."],
            (Some(at), None) => text!["That was scheduled on ", at, "."],
            (None, _) => text!["Who scheduled that, and when, is not known."],
        });
        match case.state_now() {
            _ if case.gone => text.sentence("KMS does not know the key any more."),
            Some(state) if !ahead => text.sentence(text![
                "But KMS now reports the key as ",
                state,
                ": the deletion has been cancelled since."
            ]),
            _ => {}
        }
        if ahead && self.is_due(case.at) {
            text.sentence(
                "KMS deletes a key within 24 hours of that date, and this one is still there: if it is needed, cancel now.",
            );
        } else if ahead {
            text.sentence("Until then it can be cancelled.");
        }
        if !self.was_never_used(case) {
            text.sentence(self.use_since());
        }
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        if let Some(key) = case.key.filter(|_| ahead || case.gone) {
            let when = if case.gone {
                "If it was deleted, "
            } else {
                "Once it is deleted, "
            };
            text.sentence(loss(key, when));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let seen = if case.gone {
            "See what was done to the key"
        } else {
            "See who works with the key, and who wanted it deleted"
        };
        let history = look(text![seen], case.history_command());
        if case.gone {
            return vec![history];
        }
        if !Self::is_ahead(case) {
            return vec![
                look(
                    text!["See how the key stands"],
                    case.kms_command("describe-key", ""),
                ),
                history,
            ];
        }
        let saves = if self.is_due(case.at) {
            text!["Undo now, unless the key is meant to go"]
        } else {
            text![
                "Undo before ",
                self.deletion_at,
                ", unless the key is meant to go"
            ]
        };
        vec![
            undo(saves, case.kms_command("cancel-key-deletion", "")),
            undo(
                text![CONFIRM, "enable the key, which cancelling leaves Disabled"],
                case.kms_command("enable-key", ""),
            ),
            history,
        ]
    }
}
