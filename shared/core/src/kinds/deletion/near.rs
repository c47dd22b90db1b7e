//! A key is about to be deleted.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use super::planned::{Planned, is_unused, was_tried};
use crate::about::{Key, LastUse, LastUseStatus};
use crate::actor::Actor;
use crate::countdown;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::UnusableKeyUsed;
use crate::kinds::case::{Case, look, undo};
use crate::kinds::describe::{Ask, Found, Identify, Identity, Learn, Tell};
use crate::kinds::words::{
    confirmed_by, database_deadline, delayed, last_use, loss, principal_name,
};
use crate::ledger::ack::Ack;
use crate::ledger::profile::{Act, Scheduled};
use crate::ledger::{Item, ItemKey, Profile};
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted, days};

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
    /// The last use that failed, if one is remembered.
    #[serde(skip)]
    pub failed: Option<Act>,
    /// How the deletion was announced; `null` if it was not, or if what was announced is not so any more.
    pub planned: Option<Planned>,
    /// Somebody tried to use the key since.
    #[serde(skip)]
    pub tried: bool,
    /// The key is pending deletion, and nobody used it for long.
    #[serde(skip)]
    pub rests: bool,
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
            failed: None,
            planned: None,
            tried: false,
            rests: false,
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

    /// Who needed the key since, and in vain.
    fn failed_use(&self) -> Option<&Act> {
        let scheduled = self.scheduled_within()[0];
        self.failed
            .as_ref()
            .filter(|act| scheduled.is_some_and(|at| act.at >= at))
    }

    /// Something needs the key still.
    fn is_needed(&self) -> bool {
        self.used_since_scheduled == Some(true) || self.failed_use().is_some()
    }

    /// Whether somebody needed the key since its deletion was scheduled.
    fn need_since(&self) -> Text {
        match (self.failed_use(), self.used_since_scheduled) {
            (Some(Act { at, by: Some(by) }), _) => text![
                principal_name(by),
                " still needs the key: a call failed on ",
                *at,
                "."
            ],
            (Some(Act { at, by: None }), _) => {
                text!["Somebody still needs the key: a call failed on ", *at, "."]
            }
            (None, Some(true)) => {
                text![
                    "KMS recorded a use after the deletion was scheduled: something needs the key."
                ]
            }
            // GetKeyLastUsage counts calls that succeed, and with this key none does.
            (None, _) => text![
                "KMS Watch saw no failed use since then; it sees one only if a trail logs read events."
            ],
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

    fn quiet(&self) -> Option<Cow<'static, str>> {
        let as_planned = self.planned.is_some() && self.rests && !self.tried;
        as_planned.then_some(
            "the deletion is planned, and nothing has changed since people were told".into(),
        )
    }

    fn identity(&self) -> Identity {
        Identity::Countdown {
            deadline: self.deletion_at,
            step: self.step,
        }
    }
}

impl Ask for KeyDeletionNear {
    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        vec![Ack::key(&subject.partition_key())]
    }

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

impl Learn for KeyDeletionNear {
    fn recall(&mut self, profile: &Profile) {
        if let Some(Scheduled { by, at }) = &profile.scheduled {
            self.scheduled_by.clone_from(by);
            self.scheduled_at = Some(*at);
        }
        self.failed = profile.acts.get(UnusableKeyUsed::NAME).cloned();
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.planned = Planned::of(found, self.deletion_at);
        self.tried = was_tried(found);
        Vec::new()
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        if let Some(step) = self.step {
            profile.note_countdown(Self::NAME, self.deletion_at, step);
        }
    }

    fn observe(&mut self, key: &Key) {
        let pending = key.state == Some(State::PendingDeletion);
        let [earliest, _] = self.scheduled_within();
        let unused = key.last_use.as_ref().zip(earliest);
        self.rests = pending && unused.is_some_and(|(last_use, at)| is_unused(last_use, at));
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
        } else if self.is_needed() || (last_day && !case.idle()) {
            Severity::Critical
        } else {
            Severity::High
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        match self.severity(case) {
            Severity::Critical if self.is_needed() => Some(text!["somebody still needs the key"]),
            Severity::Critical => Some(text!["less than a day is left"]),
            _ => None,
        }
    }

    fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        Self::is_ahead(case).then_some(self.deletion_at)
    }

    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let ahead = Self::is_ahead(case);
        database_deadline(case, self.scheduled_at?)
            .filter(|databases| ahead && *databases < self.deletion_at)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let (name, date) = (case.name(), self.deletion_at);
        match countdown::days_left(case.at, date) {
            _ if case.gone => text![name, " not found by KMS; its deletion was due ", date],
            _ if !Self::is_ahead(case) => {
                text!["Deletion of ", name, " for ", date, " was cancelled"]
            }
            _ if self.is_due(case.at) => {
                text!["Deletion of ", name, " due since ", date, ": cancel now"]
            }
            0 => text!["Deletion of ", name, " due ", date, ", within a day"],
            left => text!["Deletion of ", name, " due ", date, ", in ", days(left)],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let ahead = Self::is_ahead(case);
        let mut text = self.impact(case);
        if ahead {
            text.sentence(self.databases(case));
        }
        text.sentence(match (self.scheduled_at, &self.scheduled_by) {
            (Some(at), Some(by)) => text![by, " scheduled the deletion on ", at, "."],
            (Some(at), None) => text!["The deletion was scheduled on ", at, "."],
            (None, _) => text!["Who scheduled the deletion, and when, is not known."],
        });
        if let Some(planned) = &self.planned {
            text.sentence(planned.words());
        }
        if ahead {
            text.sentence(self.need_since());
        }
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let history = look(
            text!["See who used or changed the key in the last 90 days"],
            case.history_command(),
        );
        if case.gone {
            return vec![history];
        }
        if !Self::is_ahead(case) {
            return vec![
                look(
                    text!["See the state of the key"],
                    case.kms_command("describe-key", ""),
                ),
                history,
            ];
        }
        let cancel = match self.is_needed() {
            true => text!["Cancel the deletion, which leaves the key Disabled"],
            false => {
                text!["Unless the owner planned it, cancel the deletion; the key stays Disabled"]
            }
        };
        vec![
            undo(cancel, case.kms_command("cancel-key-deletion", "")),
            undo(
                text![
                    confirmed_by(case, self.scheduled_by.as_ref()),
                    "enable the key"
                ],
                case.kms_command("enable-key", ""),
            ),
            history,
        ]
    }
}

impl KeyDeletionNear {
    fn impact(&self, case: &Case<'_>) -> Text {
        let date = self.deletion_at;
        match (case.key, case.state_now()) {
            _ if case.gone => {
                let mut text = text!["KMS does not find the key any more."];
                if let Some(key) = case.key {
                    text.sentence(loss(key, Some(text!["If KMS deleted the key, "])));
                }
                text
            }
            (_, Some(state)) if !state.is_pending_deletion() => text![
                "KMS now reports the key as ",
                state,
                ": somebody cancelled the deletion that was due ",
                date,
                "."
            ],
            (None, _) => text!["The key can be saved until ", date, "."],
            (Some(key), _) if self.is_due(case.at) => {
                let mut text = text![
                    "KMS deletes a key within 24 hours of its date, and this one still exists."
                ];
                text.sentence(loss(key, Some(text!["Unless somebody cancels now, "])));
                text
            }
            (Some(key), _) => loss(key, Some(text!["Unless somebody cancels by ", date, ", "])),
        }
    }

    /// What databases need.
    fn databases(&self, case: &Case<'_>) -> Text {
        match self.scheduled_at {
            Some(at) => delayed(case, database_deadline(case, at), Some(self.deletion_at)),
            None => Text::new(),
        }
    }
}
