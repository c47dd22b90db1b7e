//! `GetMetricData` of single metrics; metric math is not here (CloudWatch API Reference).

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    alarm::{read_dimensions, text},
    cbor::TIME,
    error::{CloudWatchError, Outcome},
    state::CloudWatch,
};
use crate::kms::Kms;

/// Queries of a request.
const MAX_QUERIES: usize = 500;
/// Data of an answer.
const MAX_DATA: usize = 100_800;

/// What is wanted of a metric.
struct Wanted<'a> {
    id: &'a str,
    namespace: &'a str,
    name: &'a str,
    dimensions: BTreeMap<String, String>,
    period: SignedDuration,
    statistic: &'a str,
}

impl<'a> Wanted<'a> {
    fn read(query: &'a Value) -> Result<Self, CloudWatchError> {
        let missing = CloudWatchError::missing;
        let stat = query
            .get("MetricStat")
            .ok_or_else(|| missing("MetricStat"))?;
        let metric = stat.get("Metric").ok_or_else(|| missing("Metric"))?;
        let member = |of: &'a Value, name: &str| text(of, name).ok_or_else(|| missing(name));
        let id = member(query, "Id")?;
        let begins = id.starts_with(|first: char| first.is_ascii_lowercase());
        if !begins || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(CloudWatchError::new(
                "ValidationError",
                "The value for parameter Id is invalid.",
            ));
        }
        let period = stat.get("Period").and_then(Value::as_i64);
        let period = period.filter(|period| *period > 0 && period % 60 == 0);
        Ok(Self {
            id,
            namespace: member(metric, "Namespace")?,
            name: member(metric, "MetricName")?,
            dimensions: read_dimensions(metric.get("Dimensions")),
            period: SignedDuration::from_secs(period.ok_or_else(|| missing("Period"))?),
            statistic: member(stat, "Stat")?,
        })
    }
}

impl CloudWatch {
    pub(super) fn get_metric_data(&self, kms: &Kms, region: &str, body: &Value) -> Outcome {
        let time = |name: &str| {
            let seconds = body.get(name)?.get(TIME)?.as_f64()?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole seconds of some date"
            )]
            Timestamp::from_second(seconds as i64).ok()
        };
        let missing = |name: &'static str| move || CloudWatchError::missing(name);
        let since = time("StartTime").ok_or_else(missing("StartTime"))?;
        let until = time("EndTime").ok_or_else(missing("EndTime"))?;
        if since >= until {
            return Err(CloudWatchError::new(
                "ValidationError",
                "The parameter StartTime must be less than the parameter EndTime.",
            ));
        }
        let queries = body.get("MetricDataQueries").and_then(Value::as_array);
        let queries = queries.ok_or_else(missing("MetricDataQueries"))?;
        if queries.len() > MAX_QUERIES {
            return Err(CloudWatchError::new(
                "ValidationError",
                "The collection MetricDataQueries must not have a size greater than 500.",
            ));
        }
        let from: usize = match text(body, "NextToken") {
            Some(token) => token
                .parse()
                .map_err(|_| CloudWatchError::new("InvalidNextToken", "The token is invalid."))?,
            None => 0,
        };
        let most = body.get("MaxDatapoints").and_then(Value::as_u64);
        let most = most.and_then(|most| usize::try_from(most).ok());
        let most = most.unwrap_or(MAX_DATA).min(MAX_DATA);
        let (mut results, mut place) = (Vec::new(), 0);
        for query in queries {
            let wanted = Wanted::read(query)?;
            // The newest first, as by default.
            let mut data = self.data(kms, region, &wanted, since, until);
            data.reverse();
            let page = data.into_iter().filter(|_| {
                place += 1;
                (from..from + most).contains(&(place - 1))
            });
            let (times, values): (Vec<_>, Vec<_>) = page
                .map(|(at, value)| (json!({TIME: at.as_second()}), json!(value)))
                .unzip();
            results.push(json!({
                "Id": wanted.id,
                "Label": wanted.name,
                "Timestamps": times,
                "Values": values,
                "StatusCode": if place > from + most { "PartialData" } else { "Complete" },
            }));
        }
        let mut answer = json!({"MetricDataResults": results, "Messages": []});
        if place > from + most {
            answer["NextToken"] = (from + most).to_string().into();
        }
        Ok(answer)
    }

    /// The periods that have data, by their beginning.
    fn data(
        &self,
        kms: &Kms,
        region: &str,
        wanted: &Wanted<'_>,
        since: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, f64)> {
        let mut metrics = self
            .metrics
            .matching(kms, region, wanted.namespace, wanted.name);
        let Some((_, curve)) = metrics.find(|(dimensions, _)| *dimensions == wanted.dimensions)
        else {
            return Vec::new();
        };
        let seconds = wanted.period.as_secs();
        let first = since.as_second().div_euclid(seconds) * seconds;
        let starts = (first..until.as_second()).step_by(usize::try_from(seconds).unwrap_or(60));
        let values = starts.filter_map(|start| {
            let start = Timestamp::from_second(start).ok()?;
            let end = start.checked_add(wanted.period).ok()?;
            Some((start, curve.value(end, wanted.period, wanted.statistic)?))
        });
        values.collect()
    }
}
