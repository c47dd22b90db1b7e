//! A key was deleted.

use jiff::Timestamp;
use serde::Serialize;

use super::SHORTEST_WINDOW_DAYS;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::kinds::case::{Case, RECENT_DAYS, fix, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::{described, last_use, loss};
use crate::ledger::Profile;
use crate::ledger::profile::Scheduled;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

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

impl Identify for KeyDeleted {
    fn identity(&self) -> Identity {
        Identity::Once
    }
}

impl Ask for KeyDeleted {
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

impl Tell for KeyDeleted {
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
            look(
                text!["See who scheduled the deletion and who still used the key"],
                case.history_command(),
            ),
            fix(
                text![
                    "Look for what fails with NotFoundException or \"does not exist\", and restore it from copies \
                       that another key protects"
                ],
                None,
            ),
        ]
    }
}
