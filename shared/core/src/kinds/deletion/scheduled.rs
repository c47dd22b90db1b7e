//! A deletion was scheduled.

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::intent::{Intent, Keys, Sign};
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::{Case, RECENT_DAYS, look, undo};
use crate::kinds::describe::{Ask, Found, Identify, Learn, Tell};
use crate::kinds::words::{CONFIRM, contradiction, described, last_use, loss, replicas, who};
use crate::ledger::profile::Scheduled;
use crate::ledger::{Item, ItemKey, Profile};
use crate::severity::Severity;
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

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
    /// Who called, without the session.
    #[serde(skip)]
    pub principal: Untrusted,
    /// What speaks for intent, found out later.
    #[serde(skip)]
    pub intent: Intent,
}

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

    /// KMS's date, else the event's.
    fn date(&self, case: &Case<'_>) -> Option<Timestamp> {
        case.key
            .and_then(|key| key.deletion_at)
            .or_else(|| self.implied_date(case.at))
    }
}

impl Identify for KeyDeletionScheduled {
    fn changes_state(&self) -> bool {
        true
    }
}

impl Ask for KeyDeletionScheduled {
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
        vec![keys.item(&key, found.now)]
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
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

impl Tell for KeyDeletionScheduled {
    fn severity(&self, case: &Case<'_>) -> Severity {
        let by_use = if case.used_within(RECENT_DAYS) {
            Severity::Critical
        } else if case.idle() {
            Severity::Medium
        } else {
            Severity::High
        };
        self.intent.raise(by_use, case.never_used())
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        match self.date(case) {
            Some(date) => text![name, " is scheduled for deletion on ", day(date)],
            None if self.waits_for_replicas => {
                text![name, " will be deleted after the last of its replicas"]
            }
            None => text![name, " is scheduled for deletion"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.opening(case);
        text.sentence(self.intent.words());
        text.sentence(contradiction(
            case,
            &[State::PendingDeletion, State::PendingReplicaDeletion],
            "the deletion has been cancelled since",
        ));
        text.sentence(
            "While the deletion is pending, every cryptographic operation with the key fails.",
        );
        if let Some(date) = self.date(case) {
            text.sentence(text!["It can be cancelled until ", date, "."]);
        } else if self.waits_for_replicas {
            text.sentence(
                "It is a multi-Region primary key, so there is no date yet: the waiting period begins when its last \
                 replica is deleted, and until its end the deletion can be cancelled.",
            );
        } else if let Some(date) = &self.deletion_date_text {
            text.sentence(text![
                "CloudTrail gives the date of deletion as \"",
                date,
                "\"."
            ]);
        }
        text.sentence(last_use(case));
        if let Some(key) = case.key {
            let replicas = replicas(key).filter(|_| self.waits_for_replicas);
            let when = if replicas.is_some() {
                "Once they are all deleted, "
            } else {
                "Once it is deleted, "
            };
            if let Some(regions) = replicas {
                text.sentence(text![
                    "Its replicas in ",
                    regions,
                    " have the same material and still work."
                ]);
            }
            text.sentence(loss(key, when));
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return vec![look(
                text!["See what was done to the key"],
                case.history_command(),
            )];
        }
        let saves = match self.date(case) {
            Some(date) => text!["Undo before ", date, ", unless the key is meant to go"],
            None => text!["Undo, unless the key is meant to go"],
        };
        vec![
            undo(saves, case.kms_command("cancel-key-deletion", "")),
            undo(
                text![CONFIRM, "enable the key, which cancelling leaves Disabled"],
                case.kms_command("enable-key", ""),
            ),
            look(
                text!["See who works with the key and now fails"],
                case.history_command(),
            ),
        ]
    }
}

impl KeyDeletionScheduled {
    /// Who wants the key deleted.
    fn opening(&self, case: &Case<'_>) -> Text {
        let whose = text![case.name(), described(case)];
        let window = self.pending_window_days.map(days);
        if !is_begun_by_kms(case.actor) {
            let mut text = text![who(case), " scheduled the deletion of ", whose];
            if let Some(window) = window {
                text.push(text![" with a waiting period of ", window]);
            }
            text.push(".");
            return text;
        }
        let mut text = text![
            "The last replica of ",
            whose,
            " is deleted. With that the waiting period of its own deletion has begun"
        ];
        if let Some(window) = window {
            text.push(text![", ", window]);
        }
        text.push(".");
        text.sentence(match (&self.asked_by, self.asked_at) {
            (Some(by), Some(at)) => text![by, " asked for that deletion on ", at, "."],
            (None, Some(at)) => text!["The deletion was asked for on ", at, "."],
            _ => text![
                "Who asked for the deletion is not known; CloudTrail has it as ScheduleKeyDeletion."
            ],
        });
        text
    }
}
