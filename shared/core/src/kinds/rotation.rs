//! Did a key's material change, will it?

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::words::{described, who};
use super::{Case, Clues, Describe, Identity, step};
use crate::about::Key;
use crate::actor::Actor;
use crate::answers::Material;
use crate::facts::Reads;
use crate::key::{Manager, MultiRegionType, Origin, State};
use crate::ledger::Profile;
use crate::ledger::profile::near;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

const READS: Reads = Reads {
    rotation: true,
    last_use: false,
};

/// KMS made new material current, automatically or because somebody asked.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotated {
    /// `AUTOMATIC` or `ON_DEMAND`.
    pub rotation_type: Option<Untrusted>,
    /// Id of the material before.
    pub previous_key_material_id: Option<String>,
    /// Id of the material since.
    pub current_key_material_id: Option<String>,
    /// Origin of the key, which the alert's key has too if KMS answered.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

impl Describe for KeyRotated {
    const NAME: &'static str = "KeyRotated";
    const READS: Reads = READS;

    fn identity(&self) -> Identity {
        Identity::Material(self.current_key_material_id.clone())
    }

    fn ceiling(&self) -> Severity {
        Severity::Low
    }

    fn resolve(&mut self, clues: &Clues<'_>, at: Timestamp) {
        let rotated = |materials: &[Material]| {
            let rotated = materials.iter().filter_map(|material| {
                let away = material.rotated_at?.duration_since(at).unsigned_abs();
                near(material.rotated_at?, at).then_some((away, material.id.as_ref()?))
            });
            rotated.min().map(|(_, id)| id.clone())
        };
        self.current_key_material_id = rotated(clues.live)
            .or_else(|| clues.told.map(str::to_owned))
            .or_else(|| rotated(clues.remembered));
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        if key.origin.is_none() {
            key.origin.clone_from(&self.origin);
        }
    }

    fn severity(&self, case: &Case<'_>) -> Severity {
        match case.key.and_then(|key| key.manager.as_ref()) {
            Some(Manager::Aws) => Severity::Info,
            _ => Severity::Low,
        }
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let how = match self.rotation_type.as_ref().map(Untrusted::as_str) {
            Some("AUTOMATIC") => " automatically",
            Some("ON_DEMAND") => " on demand",
            _ => "",
        };
        text![case.name(), " was rotated", how]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            "KMS rotated the key material of ",
            case.name(),
            described(case),
            " on ",
            case.at,
            "."
        ];
        text.sentence("What was encrypted before stays readable: KMS keeps the earlier material.");
        let key = case.key;
        if key.and_then(|key| key.origin.as_ref()) == Some(&Origin::External) {
            text.sentence(
                "Its material is imported: if any of it, also an earlier one, expires or is deleted, the whole key stops \
                 working.",
            );
        }
        if key.and_then(|key| key.manager.as_ref()) == Some(&Manager::Aws) {
            text.sentence("The key is managed by AWS, which rotates it every year.");
        }
        if let Some(next) = key
            .and_then(|key| key.rotation.as_ref())
            .and_then(|rotation| rotation.next_at)
        {
            text.sentence(text![
                "The next automatic rotation is due on ",
                day(next),
                "."
            ]);
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        if self
            .rotation_type
            .as_ref()
            .is_some_and(|kind| kind.as_str() == "ON_DEMAND")
        {
            vec![step(
                text!["See who asked for it, if nobody expected it"],
                case.history_command(),
            )]
        } else {
            Vec::new()
        }
    }
}

/// Somebody asked for new material at once.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationRequested {}

impl Describe for KeyRotationRequested {
    const NAME: &'static str = "KeyRotationRequested";
    const READS: Reads = READS;

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " is being rotated on demand"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        text![
            who(case),
            " asked KMS to rotate ",
            case.name(),
            described(case),
            " at once. KMS does so within minutes and \
             keeps the earlier material, so what was encrypted before stays readable. A key can be rotated on demand 25 \
             times in its life."
        ]
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![step(
            text!["See whether the rotation is done"],
            case.kms_command("list-key-rotations", ""),
        )]
    }
}

/// Automatic rotation was switched on, or its period changed.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationEnabled {
    /// Days between rotations as asked for; KMS takes 365 where none are given.
    pub rotation_period_days: Option<u32>,
}

impl Describe for KeyRotationEnabled {
    const NAME: &'static str = "KeyRotationEnabled";
    const READS: Reads = READS;

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Low
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let mut text = text![case.name(), " will be rotated automatically"];
        if let Some(period) = self.rotation_period_days {
            text.push(text![" every ", days(period)]);
        }
        text
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " switched on the automatic rotation of ",
            case.name(),
            described(case),
            ", or changed it."
        ];
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(period) = self
            .rotation_period_days
            .or(rotation.and_then(|rotation| rotation.period_days))
        {
            text.sentence(text![
                "KMS makes new key material every ",
                days(period),
                "."
            ]);
        }
        if let Some(next) = rotation.and_then(|rotation| rotation.next_at) {
            text.sentence(text!["The next rotation is due on ", day(next), "."]);
        }
        if rotation.and_then(|rotation| rotation.enabled) == Some(false) {
            text.sentence(
                "But KMS now reports rotation as off: it was switched off since, or this answer is older than the event.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        vec![step(
            text!["See how it is set"],
            case.kms_command("get-key-rotation-status", ""),
        )]
    }
}

/// Automatic rotation was switched off.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyRotationDisabled {}

impl Describe for KeyRotationDisabled {
    const NAME: &'static str = "KeyRotationDisabled";
    const READS: Reads = READS;

    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Medium
    }

    fn title(&self, case: &Case<'_>) -> Text {
        text![case.name(), " will no longer be rotated automatically"]
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = text![
            who(case),
            " switched off the automatic rotation of ",
            case.name(),
            described(case),
            ". Its present key material stays in use until somebody rotates it. Nothing stops working, but standards that \
             ask for regular rotation are no longer met."
        ];
        let rotation = case.key.and_then(|key| key.rotation.as_ref());
        if let Some(last) = rotation.and_then(|rotation| rotation.last_at) {
            text.sentence(text!["It was last rotated on ", day(last), "."]);
        }
        if rotation.and_then(|rotation| rotation.enabled) == Some(true) {
            text.sentence(
                "But KMS now reports rotation as on: it was switched on since, or this answer is older than the event.",
            );
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let period = case
            .key
            .and_then(|key| key.rotation.as_ref())
            .and_then(|rotation| rotation.period_days);
        let period = period.map_or_else(String::new, |days| {
            format!("--rotation-period-in-days {days}")
        });
        vec![step(
            text!["Undo, unless rotation is meant to be off (without a period KMS takes 365 days)"],
            case.kms_command("enable-key-rotation", &period),
        )]
    }
}

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

impl Describe for KeyRotationOverdue {
    const NAME: &'static str = "KeyRotationOverdue";
    const READS: Reads = READS;
    const BY_EVENT: bool = false;

    fn identity(&self) -> Identity {
        Identity::Date(self.due_at)
    }

    fn ceiling(&self) -> Severity {
        Severity::Medium
    }

    fn observe(&mut self, key: &Key) {
        let rotation = key.rotation.as_ref();
        self.period_days = rotation.and_then(|rotation| rotation.period_days);
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        profile.note_countdown(Self::NAME, self.due_at, 0);
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
            return vec![step(
                text!["See what was done to the key"],
                case.history_command(),
            )];
        }
        let mut steps = vec![step(
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
        steps.push(step(
            text![
                "If it has to be rotated at once, rotate ",
                which,
                " on demand, which a key can be 25 times in its life"
            ],
            command,
        ));
        steps.push(step(
            text!["If the date stays in the past, ask AWS Support: KMS rotates by itself"],
            None,
        ));
        steps
    }
}
