//! An alarm: what it watches, and in which state it is.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    error::CloudWatchError,
    metrics::{Dimensions, seconds},
    query::Query,
};

#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) region: String,
    pub(super) name: String,
    pub(super) arn: String,
    /// The members of the request, with defaults; what `DescribeAlarms` shows again.
    pub(super) request: Value,
    pub(super) updated: Timestamp,
    pub(super) source: Source,
    /// Of the metric in events, where it has no id of its own.
    pub(super) metric_id: String,
    pub(super) rule: Rule,
    pub(super) state: State,
    /// For a query with groups: those in `ALARM`, and those that were.
    pub(super) contributors: BTreeMap<Vec<String>, bool>,
    /// When it was last evaluated.
    pub(super) checked: Timestamp,
}

/// Where the values come from.
#[derive(Debug)]
pub(super) enum Source {
    Metric {
        namespace: String,
        name: String,
        dimensions: Dimensions,
        statistic: String,
    },
    Query(Query),
    /// Metric math and anomaly detection: kept, and never evaluated.
    Unknown,
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) period: SignedDuration,
    pub(super) periods: usize,
    pub(super) needed: usize,
    pub(super) comparison: Comparison,
    pub(super) threshold: f64,
    pub(super) missing: Missing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    LessThan,
    LessOrEqual,
    GreaterThan,
    GreaterOrEqual,
}

/// `TreatMissingData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Insufficient,
    Ignore,
    Breaching,
    NotBreaching,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    pub(super) value: &'static str,
    pub(super) reason: String,
    pub(super) data: Option<String>,
    pub(super) since: Timestamp,
}

impl Comparison {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "LessThanThreshold" => Some(Self::LessThan),
            "LessThanOrEqualToThreshold" => Some(Self::LessOrEqual),
            "GreaterThanThreshold" => Some(Self::GreaterThan),
            "GreaterThanOrEqualToThreshold" => Some(Self::GreaterOrEqual),
            _ => None,
        }
    }

    pub(super) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::LessThan => value < threshold,
            Self::LessOrEqual => value <= threshold,
            Self::GreaterThan => value > threshold,
            Self::GreaterOrEqual => value >= threshold,
        }
    }

    /// As the reasons word it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::LessThan => "less than",
            Self::LessOrEqual => "less than or equal to",
            Self::GreaterThan => "greater than",
            Self::GreaterOrEqual => "greater than or equal to",
        }
    }
}

impl Missing {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "missing" => Some(Self::Insufficient),
            "ignore" => Some(Self::Ignore),
            "breaching" => Some(Self::Breaching),
            "notBreaching" => Some(Self::NotBreaching),
            _ => None,
        }
    }
}

impl State {
    pub(super) fn initial(now: Timestamp) -> Self {
        Self {
            value: "INSUFFICIENT_DATA",
            reason: "Unchecked: Initial alarm creation".to_owned(),
            data: None,
            since: now,
        }
    }
}

/// Source and rule of a request to `PutMetricAlarm` (CloudWatch API Reference).
pub(super) fn read(request: &Value) -> Result<(Source, Rule), CloudWatchError> {
    let (source, period) = match request.get("Metrics").and_then(Value::as_array) {
        Some(metrics) => of_metrics(metrics)?,
        None => of_metric(request, request.get("Statistic"))?,
    };
    let comparison = text(request, "ComparisonOperator").and_then(Comparison::parse);
    let is_unknown = matches!(source, Source::Unknown);
    let comparison = match comparison {
        Some(comparison) => comparison,
        // Bands of anomaly detection have comparisons of their own.
        None if is_unknown => Comparison::GreaterThan,
        None => return Err(CloudWatchError::missing("ComparisonOperator")),
    };
    let threshold = request.get("Threshold").and_then(Value::as_f64);
    let threshold = match threshold {
        Some(threshold) => threshold,
        None if is_unknown => 0.0,
        None => return Err(CloudWatchError::missing("Threshold")),
    };
    let count = |name| {
        let number = request.get(name).and_then(Value::as_u64);
        number.and_then(|number| usize::try_from(number).ok())
    };
    let periods = count("EvaluationPeriods").filter(|periods| *periods > 0);
    let periods = periods.ok_or_else(|| CloudWatchError::missing("EvaluationPeriods"))?;
    let needed = count("DatapointsToAlarm").unwrap_or(periods);
    if needed == 0 || needed > periods {
        return Err(CloudWatchError::invalid(
            "DatapointsToAlarm must be between 1 and EvaluationPeriods",
        ));
    }
    let span = period.as_secs() * i64::try_from(periods).unwrap_or(i64::MAX / 86_400);
    let longest = if period.as_secs() >= 3600 { 7 } else { 1 };
    if span > longest * 86_400 {
        return Err(CloudWatchError::invalid(format!(
            "Metrics cannot be checked across more than {longest} day(s) \
             (EvaluationPeriods * Period must be <= {})",
            longest * 86_400
        )));
    }
    let missing = match text(request, "TreatMissingData") {
        None => Missing::Insufficient,
        Some(word) => Missing::parse(word)
            .ok_or_else(|| CloudWatchError::invalid(format!("TreatMissingData {word}")))?,
    };
    let rule = Rule {
        period,
        periods,
        needed,
        comparison,
        threshold,
        missing,
    };
    Ok((source, rule))
}

fn of_metrics(metrics: &[Value]) -> Result<(Source, SignedDuration), CloudWatchError> {
    let returned: Vec<&Value> = metrics
        .iter()
        .filter(|metric| metric.get("ReturnData") != Some(&Value::Bool(false)))
        .collect();
    let [returned] = returned.as_slice() else {
        return Ok((Source::Unknown, SignedDuration::from_mins(1)));
    };
    if let Some(stat) = returned.get("MetricStat") {
        let mut metric = stat.get("Metric").cloned().unwrap_or_default();
        metric["Period"] = stat.get("Period").cloned().unwrap_or_default();
        return of_metric(&metric, stat.get("Stat"));
    }
    let expression = text(returned, "Expression").unwrap_or_default();
    let period = read_period(returned.get("Period"))?;
    if !expression.trim_start().to_uppercase().starts_with("SELECT") {
        return Ok((Source::Unknown, period));
    }
    let query = Query::parse(expression)
        .ok_or_else(|| CloudWatchError::invalid(format!("Error in expression: {expression}")))?;
    if !query.group_by.is_empty() && !query.ordered {
        return Err(CloudWatchError::invalid(
            "A query with GROUP BY needs an ORDER BY in an alarm",
        ));
    }
    Ok((Source::Query(query), period))
}

fn of_metric(
    metric: &Value,
    statistic: Option<&Value>,
) -> Result<(Source, SignedDuration), CloudWatchError> {
    let required = |name| text(metric, name).ok_or_else(|| CloudWatchError::missing(name));
    let source = Source::Metric {
        namespace: required("Namespace")?.to_owned(),
        name: required("MetricName")?.to_owned(),
        dimensions: read_dimensions(metric.get("Dimensions")),
        statistic: statistic
            .and_then(Value::as_str)
            .ok_or_else(|| CloudWatchError::missing("Statistic"))?
            .to_owned(),
    };
    Ok((source, read_period(metric.get("Period"))?))
}

/// `[{"Name": …, "Value": …}]`
pub(super) fn read_dimensions(list: Option<&Value>) -> Dimensions {
    let list = list.and_then(Value::as_array).map(Vec::as_slice);
    list.unwrap_or_default()
        .iter()
        .filter_map(|pair| {
            let part = |name: &str| pair.get(name)?.as_str().map(str::to_owned);
            Some((part("Name")?, part("Value")?))
        })
        .collect()
}

fn read_period(value: Option<&Value>) -> Result<SignedDuration, CloudWatchError> {
    let seconds = value.and_then(Value::as_i64).unwrap_or(60);
    if matches!(seconds, 10 | 20 | 30) || (seconds > 0 && seconds % 60 == 0) {
        return Ok(SignedDuration::from_secs(seconds));
    }
    Err(CloudWatchError::invalid(
        "Period must be 10, 20, 30 or a multiple of 60",
    ))
}

pub(super) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name)?.as_str()
}

impl Alarm {
    /// The metrics as events show them: names with small letters, dimensions as a map
    /// (CloudWatch User Guide, "Alarm events and EventBridge").
    pub(super) fn shown_metrics(&self) -> Value {
        let Some(metrics) = self.request.get("Metrics").and_then(Value::as_array) else {
            let statistic = self.request.get("Statistic");
            let stat = shown_stat(&self.request, seconds(self.rule.period), statistic);
            return json!([{"id": self.metric_id, "metricStat": stat, "returnData": true}]);
        };
        let shown = metrics.iter().map(|metric| {
            let mut entry = json!({
                "id": metric.get("Id"),
                "returnData": metric.get("ReturnData").unwrap_or(&Value::Bool(true)),
            });
            for (name, as_shown) in [
                ("Expression", "expression"),
                ("Label", "label"),
                ("Period", "period"),
            ] {
                if let Some(value) = metric.get(name) {
                    entry[as_shown] = value.clone();
                }
            }
            if let Some(stat) = metric.get("MetricStat") {
                let period = stat.get("Period").and_then(Value::as_f64).unwrap_or(60.0);
                let metric = stat.get("Metric").unwrap_or(&Value::Null);
                entry["metricStat"] = shown_stat(metric, period, stat.get("Stat"));
            }
            entry
        });
        shown.collect()
    }
}

fn shown_stat(metric: &Value, period: f64, statistic: Option<&Value>) -> Value {
    json!({
        "metric": {
            "namespace": metric.get("Namespace"),
            "name": metric.get("MetricName"),
            "dimensions": read_dimensions(metric.get("Dimensions")),
        },
        "period": whole(period),
        "stat": statistic,
    })
}

/// A number without a fraction is an integer in events.
pub(super) fn whole(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "only numbers that are whole and small"
    )]
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return (number as i64).into();
    }
    number.into()
}
