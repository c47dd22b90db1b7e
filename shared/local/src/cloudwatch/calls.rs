//! The operations (CloudWatch API Reference).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use thiserror::Error;

use super::{
    alarm::{self, Alarm, State, read_dimensions, text},
    cbor::TIME,
    metrics::{Curve, Datum, EXPIRATION, KMS_NAMESPACE, MetricName},
    state_change::contributor_id,
};
use crate::{LocalAws, kms::partition, wire::epoch, world::World};

/// Metrics per request, and values per metric.
const MAX_METRICS: usize = 1000;
const MAX_VALUES: usize = 150;

/// Metrics per page of `ListMetrics`, alarms per page of `DescribeAlarms`.
const METRICS_PAGE: usize = 500;
const ALARMS_PAGE: usize = 100;

/// `StandardUnit`.
const UNITS: &[&str] = &[
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// How old and how early data may be.
const OLDEST: SignedDuration = SignedDuration::from_hours(14 * 24);
const EARLIEST: SignedDuration = SignedDuration::from_hours(2);

/// An error as CloudWatch answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct CloudWatchError {
    /// `ValidationError`, `LimitExceeded`, …
    pub code: &'static str,
    /// The text of the service.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl CloudWatchError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: 400,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(
            "MissingParameter",
            format!("The parameter {name} is required."),
        )
    }
}

/// What was put for a metric at a time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct MetricPoint {
    /// Of the metric.
    pub name: String,
    /// By their names.
    pub dimensions: BTreeMap<String, String>,
    /// `Count`, `Seconds`; `None` where none was given.
    pub unit: &'static str,
    /// The value; of several and of statistics, the sum.
    pub value: f64,
    /// The time that it is for.
    pub at: Timestamp,
}

type Outcome = Result<Value, CloudWatchError>;

/// The ARN that a request is about; for permissions and faults.
pub(crate) fn resource(
    operation: &str,
    body: &Value,
    region: &str,
    account: &str,
) -> Option<String> {
    let name = match operation {
        "PutMetricAlarm" | "DescribeAlarmContributors" => text(body, "AlarmName")?,
        "DescribeAlarms" | "DeleteAlarms" => match body.get("AlarmNames")?.as_array()?.as_slice() {
            [one] => one.as_str()?,
            _ => return None,
        },
        _ => return None,
    };
    Some(alarm_arn(region, account, name))
}

fn alarm_arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:cloudwatch:{region}:{account}:alarm:{name}",
        partition(region)
    )
}

impl World {
    pub(crate) fn cloudwatch_call(
        &mut self,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Outcome {
        self.cloudwatch.replan();
        match operation {
            "PutMetricData" => self.put_metric_data(region, body),
            "ListMetrics" => self.list_metrics(region, body),
            "PutMetricAlarm" => self.put_metric_alarm(region, body),
            "DescribeAlarms" => self.describe_alarms(region, body),
            "DescribeAlarmContributors" => self.describe_contributors(region, body),
            "DeleteAlarms" => self.delete_alarms(region, body),
            other => Err(CloudWatchError::new(
                "InvalidAction",
                format!("The action {other} is not valid for this endpoint."),
            )),
        }
    }

    fn put_metric_data(&mut self, region: &str, body: &Value) -> Outcome {
        let namespace =
            text(body, "Namespace").ok_or_else(|| CloudWatchError::missing("Namespace"))?;
        if namespace.starts_with("AWS/") {
            return Err(CloudWatchError::invalid(
                "The value AWS/ for parameter Namespace is invalid.",
            ));
        }
        let data = body.get("MetricData").and_then(Value::as_array);
        let data = data.ok_or_else(|| CloudWatchError::missing("MetricData"))?;
        if data.len() > MAX_METRICS {
            return Err(CloudWatchError::invalid(
                "The collection MetricData must not have a size greater than 1000.",
            ));
        }
        let read = |entry| read_datum(entry, region, namespace, self.now);
        let read: Vec<(MetricName, Datum)> = data.iter().map(read).collect::<Result<_, _>>()?;
        for (name, datum) in read {
            let data = self.cloudwatch.metrics.0.entry(name).or_default();
            // They mostly come in the order of their times.
            let place = data.partition_point(|other| other.at <= datum.at);
            data.insert(place, datum);
        }
        Ok(json!({}))
    }

    fn list_metrics(&self, region: &str, body: &Value) -> Outcome {
        let (namespace, name) = (text(body, "Namespace"), text(body, "MetricName"));
        let wanted = body.get("Dimensions").and_then(Value::as_array);
        let metrics = &self.cloudwatch.metrics;
        let of_kms = metrics.matching(&self.kms, region, KMS_NAMESPACE, EXPIRATION);
        let of_kms = of_kms.map(|(dimensions, _)| MetricName {
            region: region.to_owned(),
            namespace: KMS_NAMESPACE.to_owned(),
            name: EXPIRATION.to_owned(),
            dimensions,
        });
        let own = metrics.0.keys().filter(|metric| metric.region == region);
        let mut all: Vec<MetricName> = own
            .cloned()
            .chain(of_kms)
            .filter(|metric| namespace.is_none_or(|wanted| metric.namespace == wanted))
            .filter(|metric| name.is_none_or(|wanted| metric.name == wanted))
            .filter(|metric| {
                wanted.is_none_or(|wanted| {
                    wanted.iter().all(|filter| {
                        let given = text(filter, "Name").and_then(|n| metric.dimensions.get(n));
                        given.is_some_and(|given| text(filter, "Value").is_none_or(|v| v == given))
                    })
                })
            })
            .collect();
        all.sort();
        let shown = all.iter().map(|metric| {
            let dimensions = metric.dimensions.iter();
            let dimensions: Vec<Value> = dimensions
                .map(|(name, value)| json!({"Name": name, "Value": value}))
                .collect();
            json!({
                "Namespace": metric.namespace,
                "MetricName": metric.name,
                "Dimensions": dimensions,
            })
        });
        page(body, METRICS_PAGE, "Metrics", shown.collect())
    }

    fn put_metric_alarm(&mut self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "AlarmName").ok_or_else(|| CloudWatchError::missing("AlarmName"))?;
        if !(1..=255).contains(&name.chars().count()) || name.chars().any(|c| c.is_ascii_control())
        {
            return Err(CloudWatchError::invalid("AlarmName"));
        }
        if text(body, "AlarmDescription").is_some_and(|text| text.chars().count() > 1024) {
            return Err(CloudWatchError::invalid("AlarmDescription"));
        }
        let (source, rule) = alarm::read(body)?;
        let mut request = body.clone();
        for list in ["OKActions", "AlarmActions", "InsufficientDataActions"] {
            if request.get(list).is_none() {
                request[list] = json!([]);
            }
            if request[list].as_array().is_some_and(|list| list.len() > 5) {
                return Err(CloudWatchError::invalid(format!("{list}: at most 5")));
            }
        }
        if request.get("ActionsEnabled").is_none() {
            request["ActionsEnabled"] = true.into();
        }
        if request.get("Threshold").is_some() {
            // Clients expect a number with a fraction.
            request["Threshold"] = rule.threshold.into();
        }
        if let Some(members) = request.as_object_mut() {
            members.remove("Tags");
        }
        let place = (region.to_owned(), name.to_owned());
        let previous = self.cloudwatch.alarms.remove(&place);
        let known = previous.as_ref();
        let alarm = Alarm {
            region: region.to_owned(),
            name: name.to_owned(),
            arn: alarm_arn(region, &self.account, name),
            request,
            updated: self.now,
            source,
            metric_id: known.map_or_else(|| self.ids.uuid(), |known| known.metric_id.clone()),
            rule,
            // An update keeps the state until it is evaluated again.
            state: known.map_or_else(|| State::initial(self.now), |known| known.state.clone()),
            contributors: known.map_or_else(Default::default, |known| known.contributors.clone()),
            checked: Timestamp::MIN,
        };
        let operation = if known.is_some() { "update" } else { "create" };
        self.configuration_event(&alarm, operation, known);
        self.cloudwatch.alarms.insert(place, alarm);
        Ok(json!({}))
    }

    fn describe_alarms(&self, region: &str, body: &Value) -> Outcome {
        let names = body.get("AlarmNames").and_then(Value::as_array);
        let (prefix, state) = (text(body, "AlarmNamePrefix"), text(body, "StateValue"));
        if names.is_some_and(|names| !names.is_empty()) && prefix.is_some() {
            return Err(CloudWatchError::new(
                "ValidationError",
                "AlarmNamePrefix and AlarmNames cannot be specified together",
            ));
        }
        let shown = self
            .cloudwatch
            .alarms
            .values()
            .filter(|alarm| alarm.region == region)
            .filter(|alarm| {
                names.is_none_or(|names| {
                    names.is_empty() || names.iter().any(|name| *name == *alarm.name)
                })
            })
            .filter(|alarm| prefix.is_none_or(|prefix| alarm.name.starts_with(prefix)))
            .filter(|alarm| state.is_none_or(|state| alarm.state.value == state))
            .map(described);
        let mut answer = page(body, ALARMS_PAGE, "MetricAlarms", shown.collect())?;
        answer["CompositeAlarms"] = json!([]);
        Ok(answer)
    }

    /// The contributors in `ALARM`.
    fn describe_contributors(&self, region: &str, body: &Value) -> Outcome {
        let name = text(body, "AlarmName").unwrap_or_default();
        let place = (region.to_owned(), name.to_owned());
        let alarm = self.cloudwatch.alarms.get(&place);
        let alarm = alarm.ok_or_else(|| not_found(&[name]))?;
        let alarming = alarm.contributors.iter().filter(|(_, alarming)| **alarming);
        let shown = alarming.map(|(group, _)| {
            let attributes = alarm.attributes(group);
            json!({
                "ContributorId": contributor_id(&attributes),
                "ContributorAttributes": attributes,
                "StateReason": alarm.state.reason,
                "StateTransitionedTimestamp": {TIME: epoch(alarm.state.since)},
            })
        });
        page(body, ALARMS_PAGE, "AlarmContributors", shown.collect())
    }

    /// Those that exist are deleted even if others do not.
    fn delete_alarms(&mut self, region: &str, body: &Value) -> Outcome {
        let names = body.get("AlarmNames").and_then(Value::as_array);
        let names = names.ok_or_else(|| CloudWatchError::missing("AlarmNames"))?;
        if names.len() > 100 {
            return Err(CloudWatchError::invalid("AlarmNames: at most 100"));
        }
        let mut missing = Vec::new();
        for name in names.iter().filter_map(Value::as_str) {
            let place = (region.to_owned(), name.to_owned());
            match self.cloudwatch.alarms.remove(&place) {
                Some(alarm) => self.configuration_event(&alarm, "delete", None),
                None => missing.push(name),
            }
        }
        if missing.is_empty() {
            Ok(json!({}))
        } else {
            Err(not_found(&missing))
        }
    }
}

fn not_found(names: &[&str]) -> CloudWatchError {
    CloudWatchError {
        status: 404,
        ..CloudWatchError::new(
            "ResourceNotFound",
            format!("Alarms {} do not exist", names.join(", ")),
        )
    }
}

fn described(alarm: &Alarm) -> Value {
    let mut shown = alarm.request.clone();
    shown["AlarmArn"] = alarm.arn.as_str().into();
    shown["StateValue"] = alarm.state.value.into();
    shown["StateReason"] = alarm.state.reason.as_str().into();
    if let Some(data) = &alarm.state.data {
        shown["StateReasonData"] = data.as_str().into();
    }
    let since = json!({TIME: epoch(alarm.state.since)});
    shown["StateUpdatedTimestamp"] = since.clone();
    shown["StateTransitionedTimestamp"] = since;
    shown["AlarmConfigurationUpdatedTimestamp"] = json!({TIME: epoch(alarm.updated)});
    shown
}

/// `NextToken` is the number of the item to go on with.
fn page(body: &Value, most: usize, member: &str, all: Vec<Value>) -> Outcome {
    let from: usize = match text(body, "NextToken") {
        Some(token) => token
            .parse()
            .map_err(|_| CloudWatchError::new("InvalidNextToken", "The token is invalid."))?,
        None => 0,
    };
    let most = match body.get("MaxRecords").and_then(Value::as_u64) {
        Some(wanted) => usize::try_from(wanted).unwrap_or(most).clamp(1, most),
        None => most,
    };
    let end = from.saturating_add(most);
    let mut answer = json!({member: all.iter().skip(from).take(most).collect::<Vec<_>>()});
    if end < all.len() {
        answer["NextToken"] = end.to_string().into();
    }
    Ok(answer)
}

fn read_datum(
    entry: &Value,
    region: &str,
    namespace: &str,
    now: Timestamp,
) -> Result<(MetricName, Datum), CloudWatchError> {
    let name = text(entry, "MetricName").ok_or_else(|| CloudWatchError::missing("MetricName"))?;
    let dimensions = read_dimensions(entry.get("Dimensions"));
    if dimensions.len() > 30 {
        return Err(CloudWatchError::invalid("Dimensions: at most 30"));
    }
    let at = match entry.get("Timestamp") {
        None => now,
        Some(time) => {
            let seconds = time.get(TIME).unwrap_or(time).as_f64().unwrap_or(f64::NAN);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, then the range is checked"
            )]
            Timestamp::from_millisecond((seconds * 1000.0) as i64).unwrap_or(Timestamp::MIN)
        }
    };
    let age = now.duration_since(at);
    if age > OLDEST || age < -EARLIEST {
        return Err(CloudWatchError::invalid(
            "The parameter Timestamp must be within the last two weeks and no more than 2 hours in the future.",
        ));
    }
    let unit = match text(entry, "Unit") {
        None => "None",
        Some(unit) => {
            let known = UNITS.iter().find(|known| **known == unit);
            known.ok_or_else(|| {
                CloudWatchError::invalid(format!("The value {unit} for parameter Unit is invalid."))
            })?
        }
    };
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let list = entry.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_f64).collect())
    };
    let datum = if let Some(value) = number(entry, "Value") {
        Datum {
            at,
            min: value,
            max: value,
            sum: value,
            count: 1.0,
            unit,
        }
    } else if let Some(set) = entry.get("StatisticValues") {
        let part = |name| number(set, name).ok_or_else(|| CloudWatchError::missing(name));
        Datum {
            at,
            min: part("Minimum")?,
            max: part("Maximum")?,
            sum: part("Sum")?,
            count: part("SampleCount")?,
            unit,
        }
    } else {
        let values = numbers("Values").filter(|values| (1..=MAX_VALUES).contains(&values.len()));
        let values = values.ok_or_else(|| CloudWatchError::missing("Value"))?;
        let counts = numbers("Counts").unwrap_or_else(|| vec![1.0; values.len()]);
        if counts.len() != values.len() {
            return Err(CloudWatchError::invalid(
                "Values and Counts must have the same length",
            ));
        }
        Datum {
            at,
            min: values.iter().copied().fold(f64::INFINITY, f64::min),
            max: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            sum: values.iter().zip(&counts).map(|(v, c)| v * c).sum(),
            count: counts.iter().sum(),
            unit,
        }
    };
    let metric = MetricName {
        region: region.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions,
    };
    Ok((metric, datum))
}

impl LocalAws {
    /// Calls a CloudWatch operation (`PutMetricAlarm`) in the simulator's Region, without HTTP and without faults; names as
    /// in the API, times as `{"$time": seconds}`.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_cloudwatch(&self, operation: &str, body: Value) -> Outcome {
        let region = self.region();
        self.with(|world| world.cloudwatch_call(operation, region, &body))
    }

    /// The state of an alarm in the simulator's Region: `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    #[must_use]
    pub fn alarm_state(&self, name: &str) -> Option<&'static str> {
        let place = (self.region().to_owned(), name.to_owned());
        self.with(|world| Some(world.cloudwatch.alarms.get(&place)?.state.value))
    }

    /// The data that were put for the metrics of a namespace in the simulator's Region, in the order of their times.
    #[must_use]
    pub fn metric_points(&self, namespace: &str) -> Vec<MetricPoint> {
        let region = self.region();
        self.with(|world| {
            let metrics = world.cloudwatch.metrics.0.iter();
            let of_namespace =
                metrics.filter(|(of, _)| of.region == region && of.namespace == namespace);
            let mut points: Vec<MetricPoint> = of_namespace
                .flat_map(|(metric, data)| data.iter().map(move |datum| (metric, datum)))
                .map(|(metric, datum)| MetricPoint {
                    name: metric.name.clone(),
                    dimensions: metric.dimensions.clone(),
                    unit: datum.unit,
                    value: datum.sum,
                    at: datum.at,
                })
                .collect();
            points.sort_by_key(|point| point.at);
            points
        })
    }

    /// The sums of the data that were put for a metric, over all of its dimensions, in the order of their times.
    #[must_use]
    pub fn metric_data(&self, namespace: &str, name: &str) -> Vec<(Timestamp, f64)> {
        let region = self.region();
        self.with(|world| {
            let metrics = &world.cloudwatch.metrics;
            let mut data: Vec<(Timestamp, f64)> = metrics
                .matching(&world.kms, region, namespace, name)
                .flat_map(|(_, curve)| match curve {
                    Curve::Data(data) => data,
                    Curve::Until(_) => Vec::new(),
                })
                .map(|datum| (datum.at, datum.sum))
                .collect();
            data.sort_by_key(|(at, _)| *at);
            data
        })
    }
}
