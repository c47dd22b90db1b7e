//! The operations on metrics (CloudWatch API Reference).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    alarm::{read_dimensions, text},
    cbor::TIME,
    error::{CloudWatchError, Outcome},
    metrics::{Datum, EXPIRATION, KMS_NAMESPACE, MetricName, USES},
    page::page,
    state::CloudWatch,
};
use crate::kms::Kms;

/// Metrics per request, and values per metric.
const MAX_METRICS: usize = 1000;
const MAX_VALUES: usize = 150;

/// Metrics per page.
const METRICS_PAGE: usize = 500;

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
/// How long a metric of KMS's uses is listed after its last datum.
const LISTED: SignedDuration = SignedDuration::from_hours(14 * 24);
const EARLIEST: SignedDuration = SignedDuration::from_hours(2);

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

impl CloudWatch {
    pub(super) fn put_metric_data(
        &mut self,
        region: &str,
        body: &Value,
        now: Timestamp,
    ) -> Outcome {
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
        let read = |entry| read_datum(entry, region, namespace, now);
        let read: Vec<(MetricName, Datum)> = data.iter().map(read).collect::<Result<_, _>>()?;
        for (name, datum) in read {
            let data = self.metrics.0.entry(name).or_default();
            // They mostly come in the order of their times.
            let place = data.partition_point(|other| other.at <= datum.at);
            data.insert(place, datum);
        }
        Ok(json!({}))
    }

    pub(super) fn list_metrics(
        &self,
        kms: &Kms,
        region: &str,
        body: &Value,
        now: Timestamp,
    ) -> Outcome {
        let (namespace, name) = (text(body, "Namespace"), text(body, "MetricName"));
        let wanted = body.get("Dimensions").and_then(Value::as_array);
        let metrics = &self.metrics;
        let of_kms = metrics.matching(kms, region, KMS_NAMESPACE, EXPIRATION);
        let of_kms = of_kms.map(|(dimensions, _)| MetricName {
            region: region.to_owned(),
            namespace: KMS_NAMESPACE.to_owned(),
            name: EXPIRATION.to_owned(),
            dimensions,
        });
        let uses = kms.uses.of_region(region);
        // "Metrics that have not had new data points within the past two weeks are not listed."
        let lately = uses.filter_map(|(dimensions, hours)| {
            let last = hours.map(|(at, _)| at).last()?;
            (now.duration_since(last) <= LISTED).then_some(dimensions)
        });
        let uses = lately.map(|dimensions| MetricName {
            region: region.to_owned(),
            namespace: KMS_NAMESPACE.to_owned(),
            name: USES.to_owned(),
            dimensions: dimensions.clone(),
        });
        let own = metrics.0.keys().filter(|metric| metric.region == region);
        let mut all: Vec<MetricName> = own
            .cloned()
            .chain(of_kms)
            .chain(uses)
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
}

impl CloudWatch {
    /// The data that were put for the metrics of a namespace, in the order of their times.
    pub(crate) fn points(&self, region: &str, namespace: &str) -> Vec<MetricPoint> {
        let metrics = self.metrics.0.iter();
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
    }
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
    let (at, unit) = (read_time(entry, now)?, read_unit(entry)?);
    let datum = read_values(entry, at, unit)?;
    let metric = MetricName {
        region: region.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions,
    };
    Ok((metric, datum))
}

/// The time of a datum, which may be neither too old nor too early.
fn read_time(entry: &Value, now: Timestamp) -> Result<Timestamp, CloudWatchError> {
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
    Ok(at)
}

fn read_unit(entry: &Value) -> Result<&'static str, CloudWatchError> {
    let Some(unit) = text(entry, "Unit") else {
        return Ok("None");
    };
    let known = UNITS.iter().find(|known| **known == unit);
    known.copied().ok_or_else(|| {
        CloudWatchError::invalid(format!("The value {unit} for parameter Unit is invalid."))
    })
}

/// One value, a set of statistics, or several values with their counts.
fn read_values(entry: &Value, at: Timestamp, unit: &'static str) -> Result<Datum, CloudWatchError> {
    let number = |value: &Value, name: &str| value.get(name).and_then(Value::as_f64);
    let numbers = |name: &str| -> Option<Vec<f64>> {
        let list = entry.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_f64).collect())
    };
    Ok(if let Some(value) = number(entry, "Value") {
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
    })
}
