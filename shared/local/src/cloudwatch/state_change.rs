//! The events of alarms, in the shapes of the CloudWatch User Guide ("Alarm events and EventBridge"), and the texts in
//! them.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    alarm::{Alarm, Source, State, text, whole},
    evaluation::{Datapoint, Finding},
    metrics::seconds,
    state::CloudWatch,
};
use crate::{context::Context, ids::to_hex};

/// `2026-02-14T06:00:21.204+0000`: no colon in the offset.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

/// `2588400.0 (14/02/26 05:00:00)`: a period goes by its start.
fn datapoint(point: &Datapoint, alarm: &Alarm) -> Option<String> {
    let start = point.0.saturating_sub(alarm.rule.period).ok()?;
    let start = start.to_zoned(TimeZone::UTC).strftime("%d/%m/%y %H:%M:%S");
    Some(format!("{:?} ({start})", point.1?))
}

impl Alarm {
    /// The state that the alarm enters.
    pub(super) fn described(&self, finding: &Finding, now: Timestamp) -> State {
        let rule = &self.rule;
        let given: Vec<String> = finding
            .datapoints
            .iter()
            .filter_map(|point| datapoint(point, self))
            .collect();
        let reason = if given.is_empty() {
            let count = finding.datapoints.len();
            match finding.value {
                "INSUFFICIENT_DATA" if count == 1 => {
                    "Insufficient Data: 1 datapoint was unknown.".to_owned()
                }
                "INSUFFICIENT_DATA" => {
                    format!("Insufficient Data: {count} datapoints were unknown.")
                }
                value => format!(
                    "Threshold Crossed: no datapoints were received for {count} period{} and {count} \
                     missing datapoint{} treated as [{}].",
                    if count == 1 { "" } else { "s" },
                    if count == 1 { " was" } else { "s were" },
                    if value == "ALARM" {
                        "Breaching"
                    } else {
                        "NonBreaching"
                    },
                ),
            }
        } else {
            let (not, verb, way) = if finding.value == "ALARM" {
                ("", rule.needed, "OK -> ALARM")
            } else {
                ("not ", 1, "ALARM -> OK")
            };
            let (was, plural) = if given.len() == 1 {
                ("was", "")
            } else {
                ("were", "s")
            };
            format!(
                "Threshold Crossed: {} out of the last {} datapoints [{}] {was} {not}{} the threshold ({:?}) \
                 (minimum {verb} datapoint{plural} for {way} transition).",
                given.len(),
                rule.periods,
                given.join(", "),
                rule.comparison.words(),
                rule.threshold,
                plural = if verb == 1 { "" } else { plural },
            )
        };
        State {
            value: finding.value,
            reason,
            data: Some(self.reason_data(finding, now)),
            since: now,
        }
    }

    fn reason_data(&self, finding: &Finding, now: Timestamp) -> String {
        let first = finding.datapoints.last().map_or(now, |point| point.0);
        let start = first.saturating_sub(self.rule.period).unwrap_or(first);
        let recent: Vec<f64> = finding
            .datapoints
            .iter()
            .rev()
            .filter_map(|point| point.1)
            .collect();
        let mut data = json!({
            "version": "1.0",
            "queryDate": stamp(now),
            "startDate": stamp(start),
            "period": whole(seconds(self.rule.period)),
            "recentDatapoints": recent,
            "threshold": self.rule.threshold,
        });
        if let Source::Metric { statistic, .. } = &self.source {
            data["statistic"] = statistic.as_str().into();
        }
        data.to_string()
    }

    /// Why a contributor changes its state.
    pub(super) fn contributor_reason(&self, finding: &Finding) -> String {
        let rule = &self.rule;
        let newest = finding
            .datapoints
            .iter()
            .find_map(|point| datapoint(point, self));
        let newest = newest.unwrap_or_default();
        let not = if finding.value == "ALARM" { "" } else { "not " };
        format!(
            "Threshold Crossed: 1 datapoint was {not}{} the threshold ({:?}). The most recent datapoint which \
             crossed the threshold: [{newest}].",
            rule.comparison.words(),
            rule.threshold
        )
    }

    fn configuration(&self) -> Value {
        let mut configuration = json!({"metrics": self.shown_metrics()});
        if let Some(description) = text(&self.request, "AlarmDescription") {
            configuration["description"] = description.into();
        }
        configuration
    }

    /// The whole configuration, as the event of a change of it has it.
    fn full_configuration(&self) -> Value {
        let mut all = self.configuration();
        all["alarmName"] = self.name.as_str().into();
        all["timestamp"] = stamp(self.updated).into();
        all["threshold"] = whole(self.rule.threshold);
        for (name, shown) in [
            ("EvaluationPeriods", "evaluationPeriods"),
            ("ComparisonOperator", "comparisonOperator"),
            ("TreatMissingData", "treatMissingData"),
            ("ActionsEnabled", "actionsEnabled"),
            ("OKActions", "okActions"),
            ("AlarmActions", "alarmActions"),
            ("InsufficientDataActions", "insufficientDataActions"),
        ] {
            if let Some(value) = self.request.get(name) {
                all[shown] = value.clone();
            }
        }
        all
    }
}

impl State {
    fn shown(&self) -> Value {
        let mut shown = json!({
            "value": self.value,
            "reason": self.reason,
            "timestamp": stamp(self.since),
        });
        if let Some(data) = &self.data {
            shown["reasonData"] = data.as_str().into();
        }
        shown
    }
}

impl CloudWatch {
    pub(super) fn change_state(
        &mut self,
        context: &mut Context,
        place: &(String, String),
        state: State,
    ) {
        let Some(alarm) = self.alarms.get_mut(place) else {
            return;
        };
        let previous = std::mem::replace(&mut alarm.state, state);
        let detail = json!({
            "alarmName": alarm.name,
            "state": alarm.state.shown(),
            "previousState": previous.shown(),
            "configuration": alarm.configuration(),
        });
        let arn = alarm.arn.clone();
        context.alarm_event(&place.0, "CloudWatch Alarm State Change", &arn, detail);
    }

    pub(super) fn change_contributor(
        &mut self,
        context: &mut Context,
        place: &(String, String),
        group: Vec<String>,
        alarming: bool,
        reason: String,
    ) {
        let now = context.now;
        let Some(alarm) = self.alarms.get_mut(place) else {
            return;
        };
        let attributes = alarm.attributes(&group);
        let id = contributor_id(&attributes);
        alarm.contributors.insert(group, alarming);
        let detail = json!({
            "alarmName": alarm.name,
            "alarmContributor": {"id": id, "attributes": attributes},
            "state": {
                "value": if alarming { "ALARM" } else { "OK" },
                "reason": reason,
                "timestamp": stamp(now),
            },
            "configuration": alarm.configuration(),
        });
        let arn = alarm.arn.clone();
        let detail_type = "CloudWatch Alarm Contributor State Change";
        context.alarm_event(&place.0, detail_type, &arn, detail);
    }
}

/// An alarm was created, updated or deleted.
pub(super) fn configuration_event(
    context: &mut Context,
    alarm: &Alarm,
    operation: &str,
    previous: Option<&Alarm>,
) {
    let mut configuration = alarm.full_configuration();
    configuration["timestamp"] = stamp(context.now).into();
    let mut detail = json!({
        "alarmName": alarm.name,
        "operation": operation,
        "state": {"value": alarm.state.value, "timestamp": stamp(alarm.state.since)},
        "configuration": configuration,
    });
    if let Some(previous) = previous {
        detail["previousConfiguration"] = previous.full_configuration();
    }
    let detail_type = "CloudWatch Alarm Configuration Change";
    context.alarm_event(&alarm.region, detail_type, &alarm.arn, detail);
}

impl Alarm {
    pub(super) fn attributes(&self, group: &[String]) -> Value {
        let Source::Query(query) = &self.source else {
            return json!({});
        };
        let pairs = query.group_by.iter().zip(group);
        pairs
            .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// The same for the same attributes.
pub(super) fn contributor_id(attributes: &Value) -> String {
    let mut id = to_hex(&Sha256::digest(attributes.to_string()));
    id.truncate(16);
    id
}
