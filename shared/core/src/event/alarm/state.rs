//! The state of an alarm, and how it came to it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::super::envelope::{text, time};
use super::arn::AlarmArn;
use super::json::{
    LONGEST_DATA, LONGEST_WORDS, MOST_POINTS, list, long_text, number, numbers, seconds,
};
use crate::text::{Part, Text, Untrusted};

/// State of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmState {
    /// Not over the threshold.
    Ok,
    /// Over the threshold.
    Alarm,
    /// Not known: the alarm is new, or there is no data.
    InsufficientData,
    /// A value that came after this program was written.
    Other(Untrusted),
}

impl AlarmState {
    /// Reads AWS's word.
    pub fn new(word: &str) -> Self {
        match word {
            "OK" => Self::Ok,
            "ALARM" => Self::Alarm,
            "INSUFFICIENT_DATA" => Self::InsufficientData,
            _ => Self::Other(Untrusted::bounded(word, 64)),
        }
    }

    /// AWS's word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
            Self::Other(word) => word.as_str(),
        }
    }
}

impl Part for &AlarmState {
    fn add_to(self, text: &mut Text) {
        match self {
            AlarmState::Ok => "OK".add_to(text),
            AlarmState::Alarm => "ALARM".add_to(text),
            AlarmState::InsufficientData => "INSUFFICIENT_DATA".add_to(text),
            AlarmState::Other(word) => word.add_to(text),
        }
    }
}

/// A state, and how the alarm came to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// The state.
    pub state: AlarmState,
    /// Why, in CloudWatch's words, which are documented nowhere.
    pub reason: Option<Untrusted>,
    /// Why, in numbers.
    pub data: ReasonData,
    /// Since when, as CloudWatch wrote it, with milliseconds: two changes in one second differ in it.
    pub stamp: Option<Untrusted>,
    /// Since when, to the second.
    pub time: Option<Timestamp>,
    /// What was the matter with the evaluation: `PARTIAL_DATA`, `EVALUATION_ERROR`, …
    pub evaluation_state: Option<Untrusted>,
    /// What held back a composite alarm's actions: an alarm, or a period of waiting.
    pub suppressed_by: Option<Untrusted>,
    /// Why its actions were held back, in CloudWatch's words.
    pub suppressed_reason: Option<Untrusted>,
}

impl Evaluation {
    pub(super) fn read(value: &Value) -> Option<Self> {
        let stamp = &value["timestamp"];
        Some(Self {
            state: AlarmState::new(text(&value["value"])?.as_str()),
            reason: long_text(&value["reason"], LONGEST_WORDS),
            data: ReasonData::read(&value["reasonData"]),
            stamp: text(stamp),
            time: time(stamp),
            evaluation_state: text(&value["evaluationState"]),
            suppressed_by: text(&value["actionsSuppressedBy"]),
            suppressed_reason: long_text(&value["actionsSuppressedReason"], LONGEST_WORDS),
        })
    }
}

/// The numbers behind a state. CloudWatch sends them as JSON inside a text; what it cannot say stays empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReasonData {
    /// The last values, the oldest first.
    pub datapoints: Vec<f64>,
    /// What the values were compared with. Alarms on an anomaly have bands instead.
    pub threshold: Option<f64>,
    /// Lower ends of the expected bands, the oldest first.
    pub lower_bounds: Vec<f64>,
    /// Upper ends of the expected bands, the oldest first.
    pub upper_bounds: Vec<f64>,
    /// `Minimum`, `Sum`, `p99`, …
    pub statistic: Option<Untrusted>,
    /// The unit, if the alarm asks for one.
    pub unit: Option<Untrusted>,
    /// Length of a period, in seconds.
    pub period: Option<u32>,
    /// When the alarm was evaluated, to the second.
    pub evaluated_at: Option<Timestamp>,
    /// The start of the first period that was looked at, to the second.
    pub starts_at: Option<Timestamp>,
    /// The children whose change made a composite alarm change.
    pub triggers: Vec<Trigger>,
}

impl ReasonData {
    pub(super) fn read(value: &Value) -> Self {
        let parsed: Cow<'_, Value> = match value.as_str() {
            Some(json) if json.len() <= LONGEST_DATA => {
                Cow::Owned(serde_json::from_str(json).unwrap_or_default())
            }
            _ => Cow::Borrowed(value),
        };
        Self {
            datapoints: numbers(&parsed["recentDatapoints"]),
            threshold: number(&parsed["threshold"]),
            lower_bounds: numbers(&parsed["recentLowerThresholds"]),
            upper_bounds: numbers(&parsed["recentUpperThresholds"]),
            statistic: text(&parsed["statistic"]),
            unit: text(&parsed["unit"]),
            period: seconds(&parsed["period"]),
            evaluated_at: time(&parsed["queryDate"]),
            starts_at: time(&parsed["startDate"]),
            triggers: list(&parsed["triggeringAlarms"])
                .take(MOST_POINTS)
                .map(Trigger::read)
                .collect(),
        }
    }
}

/// A child of a composite alarm, and what it became.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// The child's ARN.
    pub arn: Option<AlarmArn>,
    /// The child's state.
    pub state: Option<AlarmState>,
    /// Since when, to the second.
    pub time: Option<Timestamp>,
}

impl Trigger {
    pub(super) fn read(value: &Value) -> Self {
        let state = &value["state"];
        Self {
            arn: value["arn"].as_str().and_then(AlarmArn::new),
            state: text(&state["value"]).map(|word| AlarmState::new(word.as_str())),
            time: time(&state["timestamp"]),
        }
    }
}
