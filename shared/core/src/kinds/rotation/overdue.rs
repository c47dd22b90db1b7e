//! A rotation did not come.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::READS;
use crate::about::Key;
use crate::actor::Actor;
use crate::facts::Reads;
use crate::key::{MultiRegionType, State};
use crate::kinds::case::{Case, ask, fix, look};
use crate::kinds::describe::{Ask, Identify, Identity, Learn, Tell};
use crate::kinds::words::described;
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
            return Some(text!["But KMS does not know the key any more."]);
        }
        // A rotation some hours early is this one.
        let due = self.due_at.saturating_sub(SignedDuration::from_hours(24));
        let due = due.unwrap_or(self.due_at);
        let rotation = case.key.and_then(|key| key.rotation.as_ref())?;
        match (rotation.last_at, rotation.next_at) {
            (Some(last), _) if last >= due => {
                Some(text!["But KMS now says that it was rotated on ", last, "."])
            }
            (_, Some(next)) if next > self.due_at => Some(text![
                "But KMS now gives ",
                next,
                " as the date of the next rotation: it has happened since, or its period was changed."
            ]),
            _ if rotation.enabled == Some(false) && !is_pending(case) => Some(text![
                "But KMS now reports rotation as off: it was switched off since."
            ]),
            _ => None,
        }
    }
}

fn is_pending(case: &Case<'_>) -> bool {
    case.state().is_some_and(State::is_pending_deletion)
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

    fn title(&self, case: &Case<'_>) -> Text {
        let name = case.name();
        if case.gone {
            return text![
                "KMS does not know ",
                name,
                " any more, whose rotation was overdue"
            ];
        }
        if self.contradiction(case).is_some() {
            return text![
                "The rotation of ",
                name,
                " was overdue, and KMS says otherwise now"
            ];
        }
        text![
            "The rotation of ",
            name,
            " is overdue since ",
            day(self.due_at)
        ]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "The automatic rotation of ",
            case.name(),
            described(case),
            " was due on ",
            day(self.due_at),
            ", ",
            days(self.days_overdue),
            " before the sweep over all keys, and had not happened."
        ];
        if let Some(contradiction) = self.contradiction(case) {
            text.sentence(contradiction);
            return text;
        }
        if let Some(period) = self.period_days {
            text.sentence(text!["KMS is to rotate the key every ", days(period), "."]);
        }
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(last) = rotation.and_then(|rotation| rotation.last_at) {
            text.sentence(text!["It was last rotated on ", day(last), "."]);
        }
        let primary = case.key.and_then(|key| key.multi_region.as_ref());
        let primary = primary.and_then(|multi_region| multi_region.primary.as_ref());
        match case.state() {
            Some(State::Disabled) => text.sentence(
                "The key is Disabled: KMS rotates it as soon as it is enabled.",
            ),
            Some(state) if state.is_pending_deletion() => text.sentence(
                "The key is pending deletion: KMS rotates it once that is cancelled and the key is enabled.",
            ),
            _ if is_replica(case) => {
                text.sentence("The key is a replica: KMS rotates its primary");
                if let Some(primary) = primary {
                    text.push(text![", in ", primary.region(), ","]);
                }
                text.push(" and copies the new material to it.");
            }
            _ => text.sentence(
                "Why, KMS does not say. It does not rotate a key that is disabled or pending deletion, catches up once the key is \
                 enabled, and rotates replicas with their primary; none of that is known of this key.",
            ),
        }
        text.sentence(
            "Nothing stops working, but standards that ask for regular rotation are no longer met.",
        );
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if case.gone {
            return vec![look(
                text!["See what was done to the key"],
                case.history_command(),
            )];
        }
        let mut steps = vec![fix(
            text!["See when the key was rotated"],
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
            "it"
        };
        steps.push(fix(
            text![
                "If it has to be rotated at once, rotate ",
                which,
                " on demand, which a key can be 25 times in its life"
            ],
            command,
        ));
        steps.push(ask(text![
            "If the date stays in the past, ask AWS Support: KMS rotates by itself"
        ]));
        steps
    }
}
