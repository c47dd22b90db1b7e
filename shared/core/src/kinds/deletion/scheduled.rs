//! A deletion was scheduled.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::Serialize;

use super::SHORTEST_WINDOW_DAYS;
use super::intent::{Intent, Keys, Sign};
use super::planned::Planned;
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::KeyDisabled;
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Found, Identify, Learn, Tell};
use crate::kinds::words::{
    confirmed, contradiction, database_deadline, delayed, last_use, loss, replicas, root,
};
use crate::ledger::profile::Scheduled;
use crate::ledger::{Item, ItemKey, Profile};
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted, days};

/// A deletion was scheduled: the last days in which the key can be saved.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeletionScheduled {
    /// Waiting period in days.
    pub pending_window_days: Option<u32>,
    /// The key is a multi-Region primary: its waiting period begins when its last replica is deleted.
    pub waits_for_replicas: bool,
    /// The deletion date as CloudTrail words it, in a form that is not for parsing.
    pub deletion_date_text: Option<Untrusted>,
    /// Custom key store that holds the key.
    pub custom_key_store_id: Option<Untrusted>,
    /// Signs that harm is meant, which count in the severity.
    pub signs: Vec<Sign>,
    /// Where nobody scheduled the deletion just now, as where the last replica of a multi-Region primary was deleted and
    /// its waiting period began: who asked for it earlier, if that is remembered.
    pub asked_by: Option<Untrusted>,
    /// When that was asked for.
    pub asked_at: Option<Timestamp>,
    /// How the deletion was announced; `null` if it was not.
    pub planned: Option<Planned>,
    /// Who called, without the session.
    #[serde(skip)]
    pub principal: Untrusted,
    /// What speaks for intent, found out later.
    #[serde(skip)]
    pub intent: Intent,
    /// Since when the key was disabled before, found out later.
    #[serde(skip)]
    pub disabled_since: Option<Timestamp>,
}

/// Dates that lie no further apart are one: KMS counts from when it took the call.
const SAME_DATE_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// KMS itself began the waiting period, because the last replica is gone: it schedules no deletion by itself.
fn is_begun_by_kms(actor: Option<&Actor>) -> bool {
    actor.is_some_and(|actor| actor.kind.as_str() == "AWS")
}

impl KeyDeletionScheduled {
    /// The end of the waiting period as the event has it.
    fn implied_date(&self, at: Timestamp) -> Option<Timestamp> {
        let window = self
            .pending_window_days
            .filter(|_| !self.waits_for_replicas)?;
        at.checked_add((i64::from(window) * 24).hours()).ok()
    }

    /// KMS's date, or the event's where that is earlier, or the only one.
    fn date(&self, case: &Case<'_>) -> Option<Timestamp> {
        let by_kms = case.key.and_then(|key| key.deletion_at);
        match (by_kms, self.other_date(case)) {
            (Some(date), Some(other)) => Some(date.min(other)),
            (Some(date), None) => Some(date),
            (None, _) => self.implied_date(case.at),
        }
    }

    /// The event's date, where KMS has another one.
    fn other_date(&self, case: &Case<'_>) -> Option<Timestamp> {
        let by_kms = case.key.and_then(|key| key.deletion_at)?;
        let implied = self.implied_date(case.at)?;
        (implied.duration_since(by_kms).abs() > SAME_DATE_WITHIN).then_some(implied)
    }

    /// When the key became unusable: now, unless it was disabled before.
    fn unusable_since(&self, case: &Case<'_>) -> Timestamp {
        self.disabled_since
            .map_or(case.at, |since| since.min(case.at))
    }
}

impl Identify for KeyDeletionScheduled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyDeletionScheduled {
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        Reads {
            rotation: true,
            last_use: true,
        }
    }

    fn memories(&self, subject: &Subject) -> Vec<ItemKey> {
        let known = !self.principal.is_empty();
        known
            .then(|| Keys::key(subject, &self.principal))
            .into_iter()
            .collect()
    }
}

impl Learn for KeyDeletionScheduled {
    fn recall(&mut self, profile: &Profile) {
        if let Some(Scheduled { by, at }) = &profile.scheduled {
            self.asked_by.clone_from(by);
            self.asked_at = Some(*at);
        }
    }

    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        self.planned = Planned::by_tag(found);
        // Only what waited for replicas was asked for earlier.
        if self.principal.is_empty() {
            return Vec::new();
        }
        (self.asked_by, self.asked_at) = (None, None);
        self.intent = Intent::of(self.pending_window_days, &self.principal, found);
        let key = Keys::key(found.subject, &self.principal);
        let own = found.subject.partition_key();
        let keys = Keys::read(found.item(&key), &own, found.at);
        self.intent.count(&keys);
        self.signs = self.intent.signs();
        self.disabled_since = KeyDisabled::since(found.before);
        vec![keys.item(&key, found.now)]
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
        let date = self.implied_date(at);
        profile.announced = self
            .planned
            .as_ref()
            .zip(date)
            .map(|(planned, date)| planned.announced(date));
        if is_begun_by_kms(actor) && profile.scheduled.is_some() {
            // Who wanted it stays who asked for it.
            return;
        }
        // Tellings may come in any order.
        let known = profile.scheduled.as_ref().map(|scheduled| scheduled.at);
        if known.max(profile.cancelled_at).is_none_or(|last| last < at) {
            profile.scheduled = Some(Scheduled {
                by: actor.map(|actor| actor.name.clone()),
                at,
            });
        }
    }

    fn imply(&self, key: &mut Key, at: Timestamp) {
        if key.state.is_none() {
            key.deletion_at = self.implied_date(at);
            let waits = self.waits_for_replicas;
            key.state = Some(if waits {
                State::PendingReplicaDeletion
            } else {
                State::PendingDeletion
            });
        }
        if key.custom_key_store_id.is_none() {
            key.custom_key_store_id
                .clone_from(&self.custom_key_store_id);
        }
    }
}

impl KeyDeletionScheduled {
    fn by_use(case: &Case<'_>) -> Severity {
        if case.used_within(RECENT_DAYS) {
            Severity::Critical
        } else if case.idle() {
            Severity::Medium
        } else {
            Severity::High
        }
    }
}

impl Tell for KeyDeletionScheduled {
    fn severity(&self, case: &Case<'_>) -> Severity {
        self.intent.raise(Self::by_use(case), case.never_used())
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        let raised = self.severity(case) > Self::by_use(case);
        raised.then(|| self.intent.reason())
    }

    fn undo_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        self.date(case).filter(|_| !case.gone)
    }

    fn databases_until(&self, case: &Case<'_>) -> Option<Timestamp> {
        let date = self.date(case);
        let earlier = |databases: &Timestamp| date.is_none_or(|date| *databases < date);
        self.databases(case).filter(earlier)
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match self.date(case) {
            Some(date) => text!["Deletion of ", name, " scheduled for ", date],
            None if self.waits_for_replicas => {
                text!["Deletion of ", name, " scheduled after its last replica"]
            }
            None => text!["Deletion of ", name, " scheduled"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.impact(case);
        text.sentence(contradiction(
            case,
            &[State::PendingDeletion, State::PendingReplicaDeletion],
            "the deletion has been cancelled since",
        ));
        if let (Some(by_event), Some(by_kms)) = (
            self.other_date(case),
            case.key.and_then(|key| key.deletion_at),
        ) {
            text.sentence(text![
                "The event gives ",
                by_event,
                " as the date, KMS gives ",
                by_kms,
                ": act before the earlier one."
            ]);
        }
        text.sentence(self.announcement(case));
        text.sentence(delayed(case, self.databases(case), self.date(case)));
        text.sentence(self.window(case));
        text.sentence(self.intent.words());
        if self.severity_reason(case).is_some() {
            // Else the last use is the reason.
            text.sentence(last_use(case));
        }
        text.sentence(root(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )];
        }
        let pending = case.state_now().is_none_or(State::is_pending_deletion);
        let cancel = match pending {
            true => text!["Cancel the deletion, which leaves the key Disabled"],
            false => text!["If the key is still pending deletion, cancel the deletion"],
        };
        vec![
            undo(cancel, case.kms_command("cancel-key-deletion", "")),
            undo(
                text![confirmed(case), "enable the key"],
                case.kms_command("enable-key", ""),
            ),
            look(
                text!["See who used or changed the key in the last 90 days"],
                case.history_command(),
            ),
        ]
    }
}

impl KeyDeletionScheduled {
    /// That it is planned, and what that changes.
    fn announcement(&self, case: &Case<'_>) -> Text {
        let Some(planned) = &self.planned else {
            return Text::new();
        };
        let mut text = planned.words();
        text.sentence(if case.used_within(RECENT_DAYS) {
            "The key is in use, so that KMS Watch warns before the deletion as of any other."
        } else {
            "KMS Watch takes that for a plan: people are not warned again before the deletion. A use, a failed use, or \
             another state, tag or date ends the plan."
        });
        text
    }

    /// What does not work now, and what is lost at the end.
    fn impact(&self, case: &Case<'_>) -> Text {
        let replicas = case
            .key
            .and_then(replicas)
            .filter(|_| self.waits_for_replicas);
        let mut text = match &replicas {
            Some(regions) => text![
                "The key no longer works in this Region; its replicas in ",
                regions,
                " still do."
            ],
            None => text!["The key no longer works."],
        };
        let Some(key) = case.key else {
            return text;
        };
        let when = match self.date(case) {
            Some(date) => text!["Unless somebody cancels by ", date, ", "],
            None if replicas.is_some() => text!["After the deletion of all of them, "],
            None => text!["Unless somebody cancels in time, "],
        };
        text.sentence(loss(key, Some(when)));
        text
    }

    /// How long it waits, and who asked for it, where that was earlier.
    fn window(&self, case: &Case<'_>) -> Text {
        let window = self.pending_window_days.map(days);
        let mut text = Text::new();
        if is_begun_by_kms(case.actor) {
            text.push(
                "The last replica was deleted, so the waiting period of the primary key began",
            );
            if let Some(window) = window {
                text.push(text![" (", window, ")"]);
            }
            text.push(".");
            text.sentence(match (&self.asked_by, self.asked_at) {
                (Some(by), Some(at)) => text![by, " scheduled the deletion on ", at, "."],
                (None, Some(at)) => text!["The deletion was scheduled on ", at, "."],
                _ => text!["Who scheduled the deletion is not known; see ScheduleKeyDeletion in CloudTrail."],
            });
            return text;
        }
        match window {
            Some(window) if self.waits_for_replicas => text.push(text![
                "The waiting period of ",
                window,
                " begins when the last replica is deleted."
            ]),
            None if self.waits_for_replicas => {
                text.push("The waiting period begins when the last replica is deleted.");
            }
            Some(window) => {
                let shortest =
                    self.pending_window_days.map(i64::from) == Some(SHORTEST_WINDOW_DAYS);
                let which = if shortest {
                    ", the shortest possible"
                } else {
                    ""
                };
                text.push(text!["The waiting period is ", window, which, "."]);
            }
            None => {}
        }
        if let Some(date) = self
            .deletion_date_text
            .as_ref()
            .filter(|_| self.date(case).is_none())
        {
            text.sentence(text![
                "CloudTrail gives this date: \"",
                date.shortened(64),
                "\"."
            ]);
        }
        text
    }

    /// Until when databases can be saved.
    fn databases(&self, case: &Case<'_>) -> Option<Timestamp> {
        database_deadline(case, self.unusable_since(case))
    }
}
