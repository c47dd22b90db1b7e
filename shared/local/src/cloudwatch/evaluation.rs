//! When alarms are looked at, and what comes of it (CloudWatch User Guide, "Alarm evaluation" and "Configuring how
//! CloudWatch alarms treat missing data").

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    alarm::{Alarm, Missing, Source, State},
    metrics::Curve,
    query::Query,
    state::{CloudWatch, Plan},
};
use crate::{context::Context, kms::Kms};

/// Contributors in `ALARM` at a time.
const MAX_CONTRIBUTORS: usize = 100;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// A period's end and its value.
pub(super) type Datapoint = (Timestamp, Option<f64>);

/// What an evaluation found.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) value: &'static str,
    /// The newest first.
    pub(super) datapoints: Vec<Datapoint>,
}

/// The end of the period that a time is in, or the time itself if it is one.
fn align_up(at: Timestamp, period: SignedDuration) -> Timestamp {
    let (at, period) = (at.as_millisecond(), period.as_secs().max(1) * 1000);
    Timestamp::from_millisecond(at + (-at).rem_euclid(period)).unwrap_or(Timestamp::MAX)
}

fn align_down(at: Timestamp, period: SignedDuration) -> Timestamp {
    let (at, period) = (at.as_millisecond(), period.as_secs().max(1) * 1000);
    Timestamp::from_millisecond(at - at.rem_euclid(period)).unwrap_or(Timestamp::MIN)
}

impl CloudWatch {
    /// When the next alarm has to be looked at, and which one.
    pub(crate) fn next_due(&self, kms: &Kms) -> Plan {
        let plan = || {
            self.alarms
                .iter()
                .filter_map(|(place, alarm)| Some((self.next_look(alarm, kms)?, place.clone())))
                .min_by_key(|(at, _)| *at)
        };
        self.planned.borrow_mut().get_or_insert_with(plan).clone()
    }

    fn next_look(&self, alarm: &Alarm, kms: &Kms) -> Option<Timestamp> {
        let period = alarm.rule.period;
        if matches!(alarm.source, Source::Unknown) {
            return None;
        }
        let mut times = Vec::new();
        // A new or changed alarm is evaluated soon.
        if alarm.checked < alarm.updated {
            return Some(align_up(alarm.updated, MINUTE));
        }
        // Metrics may have come or gone.
        if let Some(touched) = self.touched.filter(|touched| *touched >= alarm.checked) {
            times.push(next_end(touched.max(alarm.checked), period));
        }
        let statistic = alarm.source.statistic();
        for (_, curve) in self.curves(alarm, kms) {
            let first = match &curve {
                Curve::Until(_) => curve
                    .crosses(period, statistic, alarm.rule.threshold)
                    .map(|at| align_up(at, period)),
                Curve::Data(data) => data.last().map(|datum| next_end(datum.at, period)),
            };
            let Some(first) = first else { continue };
            // One period after the other, until all that count are of the new kind. One more, as a value may be equal to
            // the threshold.
            for number in 0..=i32::try_from(alarm.rule.periods).unwrap_or(i32::MAX) {
                let at = first.checked_add(period * number).ok();
                times.extend(at.filter(|at| *at > alarm.checked));
            }
        }
        times.into_iter().min()
    }

    fn curves(&self, alarm: &Alarm, kms: &Kms) -> Vec<(Vec<String>, Curve)> {
        let (namespace, name) = match &alarm.source {
            Source::Metric {
                namespace, name, ..
            } => (namespace, name),
            Source::Query(query) => (&query.namespace, &query.metric),
            Source::Unknown => return Vec::new(),
        };
        self.metrics
            .matching(kms, &alarm.region, namespace, name)
            .filter_map(|(dimensions, curve)| match &alarm.source {
                Source::Metric {
                    dimensions: wanted, ..
                } => (*wanted == dimensions).then_some((Vec::new(), curve)),
                Source::Query(query) => Some((query.group(&dimensions)?, curve)),
                Source::Unknown => None,
            })
            .collect()
    }
}

/// The first end of a period after that time.
fn next_end(at: Timestamp, period: SignedDuration) -> Timestamp {
    let down = align_down(at, period);
    down.saturating_add(period).unwrap_or(Timestamp::MAX)
}

impl Source {
    fn statistic(&self) -> &str {
        match self {
            Self::Metric { statistic, .. } => statistic,
            Self::Query(query) => &query.function,
            Self::Unknown => "",
        }
    }
}

impl Query {
    /// The group that a metric is in; `None` if the query does not want it.
    fn group(&self, dimensions: &BTreeMap<String, String>) -> Option<Vec<String>> {
        let wanted = self.conditions.iter().all(|(name, value, equal)| {
            dimensions
                .get(name)
                .is_some_and(|given| (given == value) == *equal)
        });
        if !wanted {
            return None;
        }
        let parts = self.group_by.iter().map(|name| dimensions.get(name));
        parts.map(|part| part.cloned()).collect()
    }
}

impl Alarm {
    /// The last periods of these metrics together, judged.
    fn judge(&self, curves: &[&Curve], now: Timestamp) -> Finding {
        let rule = &self.rule;
        let end = align_down(now, rule.period);
        let statistic = self.source.statistic();
        let datapoints: Vec<Datapoint> = (0..rule.periods)
            .map(|number| {
                let back = rule.period * i32::try_from(number).unwrap_or(i32::MAX);
                let end = end.saturating_sub(back).unwrap_or(end);
                let values = curves
                    .iter()
                    .filter_map(|curve| curve.value(end, rule.period, statistic));
                (end, together(values, statistic))
            })
            .collect();
        let given: Vec<f64> = datapoints.iter().filter_map(|point| point.1).collect();
        let absent = datapoints.len() - given.len();
        let breaching = given
            .iter()
            .filter(|value| rule.comparison.holds(**value, rule.threshold))
            .count();
        let value = match (given.is_empty(), rule.missing) {
            (true, Missing::Insufficient) => "INSUFFICIENT_DATA",
            (true, Missing::Ignore) => self.state.value,
            (_, Missing::Breaching) if breaching + absent >= rule.needed => "ALARM",
            _ if breaching >= rule.needed => "ALARM",
            _ => "OK",
        };
        Finding { value, datapoints }
    }
}

/// One value of several metrics, for queries without groups.
fn together(values: impl Iterator<Item = f64>, statistic: &str) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let first = *values.first()?;
    Some(match statistic {
        "Minimum" | "MIN" => values.iter().copied().fold(first, f64::min),
        "Maximum" | "MAX" => values.iter().copied().fold(first, f64::max),
        "Average" | "AVG" => {
            let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
            values.iter().sum::<f64>() / f64::from(count)
        }
        _ => values.iter().sum(),
    })
}

impl CloudWatch {
    /// Looks at an alarm, and tells of what has changed.
    pub(crate) fn evaluate(&mut self, context: &mut Context, kms: &Kms, place: &(String, String)) {
        let now = context.now;
        let Some(alarm) = self.alarms.get(place) else {
            return;
        };
        let curves = self.curves(alarm, kms);
        let grouped = match &alarm.source {
            Source::Query(query) => !query.group_by.is_empty(),
            _ => false,
        };
        if grouped {
            self.evaluate_groups(context, place, curves);
        } else {
            let all: Vec<&Curve> = curves.iter().map(|(_, curve)| curve).collect();
            let finding = alarm.judge(&all, now);
            if finding.value != alarm.state.value {
                let state = alarm.described(&finding, now);
                self.change_state(context, place, state);
            }
        }
        if let Some(alarm) = self.alarms.get_mut(place) {
            alarm.checked = now;
        }
        self.replan();
    }

    /// Each group is a contributor with a state of its own; one without data is in `OK`, whatever `TreatMissingData` says.
    fn evaluate_groups(
        &mut self,
        context: &mut Context,
        place: &(String, String),
        curves: Vec<(Vec<String>, Curve)>,
    ) {
        let now = context.now;
        let Some(alarm) = self.alarms.get(place) else {
            return;
        };
        let mut groups: BTreeMap<Vec<String>, Vec<Curve>> = BTreeMap::new();
        for (group, curve) in curves {
            groups.entry(group).or_default().push(curve);
        }
        let total = groups.len();
        let mut alarming = alarm.contributors.values().filter(|alarm| **alarm).count();
        let mut changes = Vec::new();
        let known = alarm.contributors.clone();
        for (group, curves) in &groups {
            let finding = alarm.judge(&curves.iter().collect::<Vec<_>>(), now);
            let was = known.get(group).copied().unwrap_or(false);
            let is = finding.value == "ALARM";
            if is && !was && alarming >= MAX_CONTRIBUTORS {
                continue;
            }
            if is != was {
                alarming = if is { alarming + 1 } else { alarming - 1 };
                changes.push((group.clone(), is, alarm.contributor_reason(&finding)));
            }
        }
        for (group, _) in known
            .iter()
            .filter(|(group, was)| **was && !groups.contains_key(*group))
        {
            alarming -= 1;
            let reason = "No data was returned for this contributor".to_owned();
            changes.push((group.clone(), false, reason));
        }
        let value = match (alarming, total) {
            (1.., _) => "ALARM",
            (0, 0) if known.is_empty() => alarm.state.value,
            _ => "OK",
        };
        let changed = value != alarm.state.value;
        for (group, is, reason) in changes {
            self.change_contributor(context, place, group, is, reason);
        }
        if changed {
            let reason = format!("{alarming} out of {total} time series evaluated to ALARM");
            let state = State {
                value,
                reason,
                data: None,
                since: now,
            };
            self.change_state(context, place, state);
        }
    }
}
