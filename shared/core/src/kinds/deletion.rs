//! Is a key going away? Scheduled, cancelled, done.

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::words::{CONFIRM, contradiction, described, last_use, loss, replicas, who};
use super::{Case, Describe, Identity, RECENT_DAYS, step};
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::State;
use crate::ledger::Profile;
use crate::ledger::profile::Scheduled;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

/// Shortest and longest waiting period in days (KMS API Reference, ScheduleKeyDeletion).
const SHORTEST_WINDOW_DAYS: i64 = 7;

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

impl Describe for KeyDeletionScheduled {
    const NAME: &'static str = "KeyDeletionScheduled";
    const CHANGES_STATE: bool = true;
    const READS: Reads = Reads {
        rotation: true,
        last_use: true,
    };

    fn teach(&self, profile: &mut Profile, at: Timestamp, actor: Option<&Actor>) {
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

    fn severity(&self, case: &Case<'_>) -> Severity {
        if case.used_within(RECENT_DAYS) {
            Severity::Critical
        } else if case.idle() {
            Severity::Medium
        } else {
            Severity::High
        }
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
        let mut text = text![
            who(case),
            " scheduled the deletion of ",
            case.name(),
            described(case)
        ];
        if let Some(window) = self.pending_window_days {
            text.push(text![" with a waiting period of ", days(window)]);
        }
        text.push(".");
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
            return vec![step(
                text!["See what was done to the key"],
                case.history_command(),
            )];
        }
        let undo = match self.date(case) {
            Some(date) => text!["Undo before ", date, ", unless the key is meant to go"],
            None => text!["Undo, unless the key is meant to go"],
        };
        vec![
            step(undo, case.kms_command("cancel-key-deletion", "")),
            step(
                text![CONFIRM, "enable the key, which cancelling leaves Disabled"],
                case.kms_command("enable-key", ""),
            ),
            step(
                text!["See who works with the key and now fails"],
                case.history_command(),
            ),
        ]
    }
}

/// A deletion was cancelled. The key is there, but off.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeletionCancelled {}

impl Describe for KeyDeletionCancelled {
    const NAME: &'static str = "KeyDeletionCancelled";
    const CHANGES_STATE: bool = true;
    const READS: Reads = Reads {
        rotation: true,
        last_use: true,
    };

    fn teach(&self, profile: &mut Profile, at: Timestamp, _: Option<&Actor>) {
        profile.cancelled_at = profile.cancelled_at.max(Some(at));
        profile.scheduled.take_if(|scheduled| scheduled.at <= at);
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
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
        text.sentence(last_use(case));
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        match case.state_now() {
            Some(State::Enabled) => Vec::new(),
            _ if case.gone => Vec::new(),
            Some(State::PendingImport) => vec![step(
                text!["See which key material is missing"],
                case.kms_command(
                    "list-key-rotations",
                    "--include-key-material ALL_KEY_MATERIAL",
                ),
            )],
            Some(state) if state.is_pending_deletion() => {
                vec![step(
                    text!["See how the key stands"],
                    case.kms_command("describe-key", ""),
                )]
            }
            _ => vec![step(
                text![CONFIRM, "enable the key"],
                case.kms_command("enable-key", ""),
            )],
        }
    }
}

/// A key is gone for ever.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyDeleted {
    /// Who scheduled the deletion, if that is remembered.
    pub scheduled_by: Option<Untrusted>,
    /// When it was scheduled, if that is remembered.
    pub scheduled_at: Option<Timestamp>,
}

impl Describe for KeyDeleted {
    const NAME: &'static str = "KeyDeleted";
    const READS: Reads = Reads {
        rotation: false,
        last_use: true,
    };

    fn identity(&self) -> Identity {
        Identity::Once
    }

    fn recall(&mut self, profile: &Profile) {
        if let Some(Scheduled { by, at }) = &profile.scheduled {
            self.scheduled_by.clone_from(by);
            self.scheduled_at = Some(*at);
        }
    }

    fn teach(&self, profile: &mut Profile, at: Timestamp, _: Option<&Actor>) {
        profile.deleted_at = profile.deleted_at.max(Some(at));
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        // Without the date of scheduling: a waiting period has seven days at least, so a use within 37 days of the end
        // lies within the 30 before the scheduling for sure.
        let used = match self.scheduled_at {
            Some(scheduled) => Case {
                at: scheduled,
                ..*case
            }
            .used_within(RECENT_DAYS),
            None => case.used_within(RECENT_DAYS + SHORTEST_WINDOW_DAYS),
        };
        if used {
            Severity::Critical
        } else if case.never_used() {
            Severity::Medium
        } else {
            Severity::High
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " has been deleted for ever"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "The waiting period is over: KMS deleted ",
            case.name(),
            described(case),
            " on ",
            case.at,
            "."
        ];
        match case.state_now() {
            Some(state) if !state.is_pending_deletion() => text.sentence(text![
                "But KMS now reports a key with this id as ",
                state,
                ": it was made again since, as a replica can be."
            ]),
            _ => text.sentence("This cannot be undone."),
        }
        if let Some(at) = self.scheduled_at {
            text.sentence(text!["The deletion was scheduled on ", at]);
            if let Some(by) = &self.scheduled_by {
                text.push(text![" by ", by]);
            }
            text.push(".");
        }
        if let Some(created) = case.key.and_then(|key| key.created_at) {
            let lived = u32::try_from(case.at.duration_since(created).as_hours() / 24).unwrap_or(0);
            text.sentence(text![
                "The key was created on ",
                day(created),
                " and lived ",
                days(lived),
                "."
            ]);
        }
        if let Some(key) = case.key {
            text.sentence(loss(key, "From now on, "));
        }
        if case.last_use().is_some() {
            text.sentence(last_use(case));
        }
        if case.gone && case.key.is_none_or(|key| key.aliases.is_none()) {
            text.sentence(
                "KMS forgets a deleted key at once, and KMS Watch found no record of this one: its alias, description and \
                 owner are not known.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![
            step(
                text!["See who scheduled the deletion and who still used the key"],
                case.history_command(),
            ),
            step(
                text![
                    "Look for what fails with NotFoundException or \"does not exist\", and restore it from copies \
                       that another key protects"
                ],
                None,
            ),
        ]
    }
}
