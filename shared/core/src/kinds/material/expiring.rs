//! Imported material will end.

use std::borrow::Cow;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{AGAIN, READS, UNUSABLE, restore};
use crate::about::Key;
use crate::actor::Actor;
use crate::answers::Material;
use crate::countdown;
use crate::event::AlarmEvent;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::kinds::case::{Case, look};
use crate::kinds::describe::{Ask, Background, Identify, Identity, Learn, Tell};
use crate::kinds::signal::Alarm;
use crate::kinds::words::{NOT_FOUND, last_use, state_note};
use crate::ledger::Profile;
use crate::severity::Severity;
use crate::step::Step;
use crate::text;
use crate::text::{Text, days};

/// An alarm's metric and KMS's date differ by no more than this, unless the material was imported again in between: a
/// period of the alarm, which is an hour or so.
const SAME_DATE_WITHIN: Duration = Duration::from_secs(24 * 60 * 60);

const UNUSABLE_THEN: &str = "every cryptographic operation with the key fails until the same key material is imported again. The data is \
                             safe as long as a copy of that material exists outside AWS.";

/// Where a date of expiry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum ExpiryFrom {
    /// KMS, asked now.
    Kms,
    /// KMS, asked earlier: the ledger.
    Ledger,
    /// Calculated from the value of the metric, and so to about an hour.
    Metric,
}

/// Imported material reaches its end soon.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyMaterialExpiring {
    /// When the first of the key's materials expires; with it the whole key stops working.
    pub expires_at: Option<Timestamp>,
    /// Who says so.
    pub expires_at_from: Option<ExpiryFrom>,
    /// Whole days that were left when it was seen.
    pub days_left: Option<u32>,
    /// The material that expires first.
    pub key_material_id: Option<String>,
    /// The step of the countdown that is told: the smallest of the configured numbers of days that is no less than what
    /// is left. `null` if more is left than all of them.
    pub step: Option<u32>,
    /// The alarm's last value: seconds until the expiry. Not known of contributors.
    pub value: Option<f64>,
    /// The alarm's threshold, in seconds.
    pub threshold: Option<f64>,
    /// The alarm that went off, if it was one.
    pub alarm: Option<Alarm>,
    /// The end of the period that the value is about.
    #[serde(skip)]
    measured_at: Option<Timestamp>,
    #[serde(skip)]
    period_seconds: Option<u32>,
}

impl KeyMaterialExpiring {
    /// What an alarm says that went off.
    pub fn of_alarm(event: &AlarmEvent) -> Self {
        let data = &event.current.data;
        Self {
            value: event.datapoint(),
            threshold: event.threshold(),
            measured_at: data.evaluated_at.or_else(|| event.occurred_at()),
            period_seconds: data.period,
            alarm: Some(Alarm::of(event)),
            ..Self::default()
        }
    }

    /// What somebody says at `at` who asked KMS, and counts down by `steps`.
    pub fn of_date(
        expires_at: Timestamp,
        key_material_id: Option<String>,
        steps: &[u32],
        at: Timestamp,
    ) -> Self {
        let mut expiring = Self {
            key_material_id,
            ..Self::default()
        };
        expiring.is(expires_at, ExpiryFrom::Kms);
        expiring.count(steps, at);
        expiring
    }

    fn count(&mut self, steps: &[u32], at: Timestamp) {
        if let Some(deadline) = self.expires_at {
            self.days_left = Some(countdown::days_left(at, deadline));
            self.step = countdown::step(steps, at, deadline);
        }
    }

    /// The date that the metric's value amounts to, to the period of the alarm.
    fn by_metric(&self) -> Option<Timestamp> {
        deadline_by_metric(self.value?, self.measured_at?, self.period_seconds)
    }

    fn is(&mut self, date: Timestamp, from: ExpiryFrom) {
        self.expires_at = Some(date);
        self.expires_at_from = Some(from);
    }

    /// What is left, `None` if the date is not known.
    fn left(&self, at: Timestamp) -> Option<SignedDuration> {
        Some(countdown::left(at, self.expires_at?))
    }

    /// The material is not there any more.
    fn is_over(&self, case: &Case<'_>) -> bool {
        case.state() == Some(&State::PendingImport)
            || self.left(case.at).is_some_and(|left| !left.is_positive())
    }
}

/// What `seconds` left at `at` amounts to, rounded to the period in which they were measured, of at least a minute.
pub(in crate::kinds) fn deadline_by_metric(
    seconds: f64,
    at: Timestamp,
    period: Option<u32>,
) -> Option<Timestamp> {
    let deadline = at
        .checked_add(SignedDuration::try_from_secs_f64(seconds).ok()?)
        .ok()?;
    let period = i64::from(period.unwrap_or(60).max(60));
    let whole = (deadline.as_second() + period / 2).div_euclid(period) * period;
    Timestamp::from_second(whole).ok()
}

/// The material that is there and expires first.
fn first(materials: &[Material]) -> Option<&Material> {
    let there = materials
        .iter()
        .filter(|material| material.imported != Some(false) && material.valid_to.is_some());
    there.min_by_key(|material| (material.valid_to, material.id.clone()))
}

impl Identify for KeyMaterialExpiring {
    fn is_by_event(&self) -> bool {
        false
    }

    fn identity(&self) -> Identity {
        let muted = self.alarm.as_ref().filter(|alarm| alarm.muted().is_some());
        match (self.expires_at, &self.alarm) {
            // Who mutes an alarm does not mute the countdown: what only the feed was told of must not count as told.
            (Some(deadline), _) if muted.is_none() => Identity::Countdown {
                deadline,
                step: self.step,
            },
            (_, Some(alarm)) => Identity::Alarm(alarm.change()),
            (..) => Identity::Once,
        }
    }

    fn alarm(&self) -> Option<&Alarm> {
        self.alarm.as_ref()
    }
}

impl Ask for KeyMaterialExpiring {
    fn names_dependants(&self) -> bool {
        true
    }

    fn reads(&self) -> Reads {
        READS
    }

    fn needs_facts(&self) -> bool {
        self.expires_at.is_none()
    }
}

impl Learn for KeyMaterialExpiring {
    fn settle(&mut self, known: &Background<'_>) -> Result<(), Cow<'static, str>> {
        let metric = self.by_metric();
        let facts = known.facts;
        let metadata = facts.and_then(|facts| facts.metadata());
        let listed = facts.and_then(|facts| first(facts.materials()));
        let lost = metadata.is_some_and(|data| data.state == Some(State::PendingImport));
        let by_kms = metadata
            .and_then(|data| data.expires_at)
            .or_else(|| listed.and_then(|material| material.valid_to));
        let fits = |date: Timestamp, metric: Timestamp| {
            date.duration_since(metric).unsigned_abs() <= SAME_DATE_WITHIN
        };
        match (by_kms, metric) {
            (Some(date), Some(metric)) if !lost && date > metric && !fits(date, metric) => {
                return Err(format!(
                    "KMS says that the key material lasts until {}: it was imported again since the alarm",
                    text::minute(date)
                )
                .into());
            }
            (Some(date), _) => self.is(date, ExpiryFrom::Kms),
            (None, _) if metadata.is_some() && !lost => {
                return Err(
                    "KMS says that the key material does not expire: it was imported again since the alarm"
                        .into(),
                );
            }
            (None, metric) => {
                let remembered = known.profile.metadata.as_ref();
                let remembered = remembered.and_then(|known| known.value.expires_at);
                match (remembered, metric) {
                    (Some(date), Some(metric)) if !fits(date, metric) => {
                        self.is(metric, ExpiryFrom::Metric);
                    }
                    (Some(date), Some(_)) => self.is(date, ExpiryFrom::Ledger),
                    // Without a value to hold it against: a date that is over is of an earlier import.
                    (Some(date), None) if date > known.at => self.is(date, ExpiryFrom::Ledger),
                    (_, Some(metric)) => self.is(metric, ExpiryFrom::Metric),
                    (_, None) => {}
                }
            }
        }
        let remembered = || {
            let materials = &known.profile.materials.as_ref()?.value;
            // A date by the metric is right to about an hour. Of a single material it needs none.
            let is_it = |material: &&Material| match (material.valid_to, self.expires_at) {
                (Some(known), Some(date)) => fits(known, date),
                _ => false,
            };
            let there = || materials.iter().filter(|it| it.imported != Some(false));
            let sole = there()
                .next()
                .filter(|_| self.expires_at.is_none() && there().count() == 1);
            first(materials).filter(is_it).or(sole)
        };
        let material = listed.or_else(remembered);
        self.key_material_id = material.and_then(|material| material.id.clone());
        self.count(known.steps, known.at);
        Ok(())
    }

    fn teach(&self, profile: &mut Profile, _: Timestamp, _: Option<&Actor>) {
        if let Identity::Countdown {
            deadline,
            step: Some(step),
        } = self.identity()
        {
            profile.note_countdown(Self::NAME, deadline, step);
        }
    }

    fn imply(&self, key: &mut Key, _: Timestamp) {
        key.origin.get_or_insert(Origin::External);
        if key.expires_at.is_none() {
            key.expires_at = self.expires_at;
        }
    }
}

impl Tell for KeyMaterialExpiring {
    fn severity(&self, case: &Case<'_>) -> Severity {
        let within = |days: i64| {
            self.left(case.at)
                .is_some_and(|left| left <= SignedDuration::from_hours(days * 24))
        };
        if within(1) || self.is_over(case) {
            Severity::Critical
        } else if within(7) || self.expires_at.is_none() {
            // An alarm went off, and nobody can say how much time is left.
            Severity::High
        } else {
            Severity::Medium
        }
    }

    fn severity_reason(&self, case: &Case<'_>) -> Option<Text> {
        Some(match self.severity(case) {
            _ if self.is_over(case) => text!["the key stopped working"],
            _ if self.expires_at.is_none() => text!["nobody knows how much time is left"],
            Severity::Critical => text!["less than a day is left"],
            Severity::High => text!["less than 7 days are left"],
            _ => text!["more than 7 days are left"],
        })
    }

    fn title(&self, case: &Case<'_>) -> Text {
        let whose = text!["Key material of ", case.name()];
        match self.expires_at {
            Some(date) if countdown::left(case.at, date).is_negative() => {
                text![whose, " expired ", date]
            }
            _ if self.is_over(case) => text![whose, " is missing"],
            Some(date) => text![whose, " expires ", date],
            None => text![whose, " expires soon"],
        }
    }

    fn summary(&self, case: &Case<'_>) -> Text {
        let mut text = self.impact(case);
        match self.expires_at_from {
            Some(ExpiryFrom::Metric) => text.sentence(
                "KMS did not give the date; it follows from the metric of the alarm, to about an hour.",
            ),
            Some(ExpiryFrom::Ledger) => {
                text.sentence("KMS did not give the date now; it is the last known one.");
            }
            _ => {}
        }
        if !case.gone {
            text.sentence(state_note(case, &[State::PendingImport]));
        }
        if case.key.is_none() {
            text.sentence("The alarm covers all keys of the account and does not say which one.");
        } else {
            text.sentence(last_use(case));
        }
        if let Some(alarm) = &self.alarm {
            text.sentence(text!["Found by ", alarm.named(), "."]);
            text.sentence(alarm.held_back());
        }
        text
    }

    fn next_steps(&self, case: &Case<'_>) -> Vec<Step> {
        let Some(key) = case.key else {
            return vec![look(
                text![
                    "Find the key: in CloudWatch, the lowest line of SecondsUntilKeyMaterialExpiration in AWS/KMS, by KeyId"
                ],
                None,
            )];
        };
        let over = self.is_over(case);
        let first = match self.expires_at.filter(|_| !over) {
            Some(date) => text!["Before ", date, ", ", AGAIN],
            None => text!["Import the same key material again now"],
        };
        let mut steps = restore(case, self.key_material_id.as_deref(), true, first);
        if case.gone {
            return steps;
        }
        if key.aliases.is_none() && key.state.is_none() {
            steps.push(look(
                text!["See the date of expiry (ValidTo)"],
                case.kms_command("describe-key", ""),
            ));
        }
        steps
    }
}

impl KeyMaterialExpiring {
    /// What fails, and from when on.
    fn impact(&self, case: &Case<'_>) -> Text {
        if case.gone {
            return text![NOT_FOUND];
        }
        let missing = case.state() == Some(&State::PendingImport);
        match self.expires_at {
            _ if missing => {
                let mut text = text![
                    "KMS reports the key as PendingImport: the key material expired, or somebody deleted it."
                ];
                text.sentence(UNUSABLE);
                text
            }
            Some(_) if self.is_over(case) => text![UNUSABLE],
            Some(date) => {
                let when = match countdown::days_left(case.at, date) {
                    0 => text!["Within a day"],
                    left => text!["In ", days(left)],
                };
                text![
                    when,
                    " KMS deletes the key material (",
                    date,
                    "). From then on, ",
                    UNUSABLE_THEN
                ]
            }
            None => text![
                "The key material expires soon; KMS did not give the date. From then on, ",
                UNUSABLE_THEN
            ],
        }
    }
}
