//! A rotation did not come.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{READS, is_pending};
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::{MultiRegionType, State};
use crate::kinds::case::{Case, ask, fix, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::NOT_FOUND;
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, day, days};

/// Automatic rotation is on, and did not happen when it was due.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationOverdue {
    /// The date that KMS gives for the next rotation.
    pub due_at: Timestamp,
    /// Whole days that have passed since when it was seen.
    pub days_overdue: u32,
    /// Days between rotations, if KMS says so.
    pub period_days: Option<u32>,
}

impl KeyRotationOverdue {
    /// A rotation that was due on `due_at` and had not happened at `at`.
    pub fn new(due_at: Timestamp, at: Timestamp) -> Self {
        let days = at.duration_since(due_at).as_hours() / 24;
        Self {
            due_at,
            days_overdue: u32::try_from(days).unwrap_or(0),
            period_days: None,
        }
    }

    /// What KMS says now, if it is something else.
    fn contradiction(&self, case: &Case<'_>) -> Option<Text> {
        if case.gone {
            return Some(text![NOT_FOUND]);
        }
        // A rotation some hours early is this one.
        let due = self.due_at.saturating_sub(SignedDuration::from_hours(24));
        let due = due.unwrap_or(self.due_at);
        let rotation = case.key.and_then(|key| key.rotation.as_ref())?;
        match (rotation.last_at, rotation.next_at) {
            (Some(last), _) if last >= due => {
                Some(text!["But KMS now reports a rotation on ", last, "."])
            }
            (_, Some(next)) if next > self.due_at => Some(text![
                "But KMS now gives ",
                next,
                " as the next date: the rotation has happened since, or its period was changed."
            ]),
            _ if rotation.enabled == Some(false) && !is_pending(case) => {
                Some(text!["But KMS now reports rotation as disabled."])
            }
            _ => None,
        }
    }
}

/// The key is a replica, whose material is that of its primary.
fn is_replica(case: &Case<'_>) -> bool {
    case.key
        .and_then(|key| key.multi_region.as_ref())
        .is_some_and(|multi_region| multi_region.kind == MultiRegionType::Replica)
}

impl Identify for KeyRotationOverdue {
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        Identity::Date(self.due_at)
    }
}

impl Ask for KeyRotationOverdue {
    fn reads(&self) -> Reads {
        READS
    }
}

impl Learn for KeyRotationOverdue {
    fn observe(&mut self, key: &Key) {
        let rotation = key.rotation.as_ref();
        self.period_days = rotation.and_then(|rotation| rotation.period_days);
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        profile.note_countdown(Self::NAME, self.due_at, 0);
    }
}

impl Tell for KeyRotationOverdue {
    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn severity_reason(&self, _: &Case<'_>) -> Option<Text> {
        Some(text!["nothing stops working"])
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let (name, due) = (case.name(), day(self.due_at));
        let now = if case.gone {
            ", but KMS does not find the key"
        } else if self.contradiction(case).is_some() {
            ", but KMS now says otherwise"
        } else {
            ""
        };
        text!["Rotation of ", name, " overdue since ", due, now]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        if let Some(contradiction) = self.contradiction(case) {
            return contradiction;
        }
        let mut text = text![
            "This breaks nothing, but standards that require regular rotation are no longer met. The rotation is ",
            days(self.days_overdue),
            " late"
        ];
        if let Some(period) = self.period_days {
            text.push(text![" (period: ", days(period), ")"]);
        }
        text.push(".");
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(last) = rotation.and_then(|rotation| rotation.last_at) {
            text.sentence(text!["The last rotation was on ", day(last), "."]);
        }
        let primary = case.key.and_then(|key| key.multi_region.as_ref());
        let primary = primary.and_then(|multi_region| multi_region.primary.as_ref());
        match case.state() {
            Some(State::Disabled) => {
                text.sentence("The key is Disabled: KMS rotates it when somebody enables it.");
            }
            Some(state) if state.is_pending_deletion() => text.sentence(
                "The key is pending deletion: KMS rotates it only after the deletion is cancelled and the key enabled.",
            ),
            _ if is_replica(case) => {
                text.sentence("The key is a replica: KMS rotates its primary key");
                if let Some(primary) = primary {
                    text.push(text![" in ", primary.region()]);
                }
                text.push(" and copies the new key material.");
            }
            Some(State::Enabled) => text.sentence(
                "KMS gives no reason. It delays the rotation of keys that are disabled or pending deletion; this key is neither.",
            ),
            _ => text.sentence("KMS gives no reason."),
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return vec![look(
                text!["Find out what was done to the key"],
                case.history_command(),
            )];
        }
        let mut steps = vec![look(
            text!["See when KMS rotated the key"],
            case.kms_command("list-key-rotations", ""),
        )];
        if self.contradiction(case).is_some() {
            return steps;
        }
        match case.state() {
            Some(State::Disabled) => return steps,
            _ if is_pending(case) => return steps,
            _ => {}
        }
        let replica = case.key.filter(|_| is_replica(case));
        let rotated = match replica {
            Some(replica) => replica
                .multi_region
                .as_ref()
                .and_then(|multi_region| multi_region.primary.as_ref()),
            None => case.key.map(|key| &key.arn),
        };
        let command = rotated.map(|arn| {
            format!(
                "aws kms rotate-key-on-demand --key-id {arn} --region {}",
                arn.region().as_str()
            )
        });
        let which = if replica.is_some() {
            "its primary key"
        } else {
            "the key"
        };
        steps.push(fix(
            text![
                "If the key must be rotated now, rotate ",
                which,
                " on demand (25 times in its life)"
            ],
            command,
        ));
        steps.push(ask(text![
            "If the date stays in the past, ask AWS Support why KMS does not rotate the key"
        ]));
        steps
    }
}
