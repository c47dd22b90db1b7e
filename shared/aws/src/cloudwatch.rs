//! Metrics.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::config::Builder;
use aws_sdk_cloudwatch::types::{
    AlarmMuteRuleStatus, Dimension, Metric, MetricAlarm, MetricDataQuery, MetricDatum, MetricStat,
    StandardUnit, StatusCode,
};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::json;
use watch_core::answers::{AlarmData, MetricName, MuteRule, Point};
use watch_core::ports::{
    CallError, CallErrorKind, Counts, DailyUses, Datum, MAX_DATA, MAX_QUERIES, MetricUnit, Metrics,
    Page, UseMetric,
};

use crate::error::call_error;
use crate::page::page;
use crate::sdk;

#[cfg(test)]
mod tests;

const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);
/// Pages of a list that are read.
const PAGES: usize = 20;

/// Metrics of CloudWatch on the AWS SDK.
#[derive(Clone, Debug)]
pub struct CloudWatchAdapter {
    client: Client,
}

impl CloudWatchAdapter {
    /// A client with timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            // A thousand data are some 200 KB, where 1 MB may be (CloudWatch API Reference, PutMetricData). Compressing
            // them would cost a small function more time than sending them, and each test a body that it cannot read.
            .disable_request_compression(true)
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(
                Duration::from_millis(100),
                Duration::from_secs(2),
            ));
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

impl Metrics for CloudWatchAdapter {
    async fn put_metric_data(&self, namespace: &str, data: &[Datum]) -> Result<(), CallError> {
        if data.len() > MAX_DATA {
            let what = format!("{} data, and {MAX_DATA} fit into a call", data.len());
            return Err(CallError::new("TooManyData", &what));
        }
        self.client
            .put_metric_data()
            .namespace(namespace)
            .set_metric_data(Some(data.iter().map(datum).collect()))
            .send()
            .await
            .map(drop)
            .map_err(|error| call_error(&error, OPERATION_TIMEOUT))
    }
}

/// What is asked of a metric: a statistic of each period.
fn query<'a>(
    place: usize,
    (namespace, name): (&str, &str),
    dimensions: impl Iterator<Item = &'a (String, String)>,
    (statistic, period): (&str, i32),
) -> MetricDataQuery {
    let dimensions =
        dimensions.map(|(name, value)| Dimension::builder().name(name).value(value).build());
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(name)
        .set_dimensions(Some(dimensions.collect()))
        .build();
    let stat = MetricStat::builder()
        .metric(metric)
        .period(period)
        .stat(statistic)
        .build();
    let query = MetricDataQuery::builder().id(format!("m{place}"));
    query.metric_stat(stat).build()
}

const KMS: &str = "AWS/KMS";
const USES: &str = "SuccessfulRequest";
/// Seconds.
const A_DAY: i32 = 86_400;

impl Counts for CloudWatchAdapter {
    async fn use_metrics(&self, token: Option<&str>) -> Result<Page<UseMetric>, CallError> {
        let call = self.client.list_metrics().namespace(KMS).metric_name(USES);
        let answer = call.set_next_token(token.map(str::to_owned)).send().await;
        let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
        let metrics = answer.metrics().iter().map(|metric| {
            let dimensions = metric.dimensions().iter();
            let named = dimensions.filter_map(|it| Some((it.name()?, it.value()?)));
            UseMetric {
                dimensions: named
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
            }
        });
        let next = answer.next_token();
        page(metrics.collect(), token, next.is_some(), next)
    }

    async fn uses_a_day(
        &self,
        metrics: &[UseMetric],
        since: Timestamp,
        until: Timestamp,
        token: Option<&str>,
    ) -> Result<Page<DailyUses>, CallError> {
        let queries = metrics.iter().enumerate().map(|(place, it)| {
            let dimensions = it.dimensions.iter();
            query(place, (KMS, USES), dimensions, ("Sum", A_DAY))
        });
        let page = self.data(queries.collect(), since, until, token).await?;
        let items = page.items.into_iter();
        Ok(Page {
            items: items
                .map(|(metric, point)| DailyUses {
                    metric,
                    day: point.at,
                    uses: point.value,
                })
                .collect(),
            next: page.next,
        })
    }
}

impl CloudWatchAdapter {
    /// `GetMetricData`, a page: values by the place of their query.
    async fn data(
        &self,
        queries: Vec<MetricDataQuery>,
        since: Timestamp,
        until: Timestamp,
        token: Option<&str>,
    ) -> Result<Page<(usize, Point)>, CallError> {
        let count = queries.len();
        if count > MAX_QUERIES {
            let what = format!("{count} metrics, and {MAX_QUERIES} fit into a call");
            return Err(CallError::new("TooManyMetrics", &what));
        }
        let answer = self
            .client
            .get_metric_data()
            .set_metric_data_queries(Some(queries))
            .start_time(DateTime::from_secs(since.as_second()))
            .end_time(DateTime::from_secs(until.as_second()))
            .set_next_token(token.map(str::to_owned))
            .send()
            .await;
        let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
        let mut items = Vec::new();
        for result in answer.metric_data_results() {
            if let Some(status @ (StatusCode::Forbidden | StatusCode::InternalError)) =
                result.status_code()
            {
                let code = match status {
                    StatusCode::Forbidden => "AccessDenied",
                    _ => "InternalError",
                };
                return Err(CallError::new(code, "the answer has no data of a metric"));
            }
            let place = result
                .id()
                .and_then(|id| id.strip_prefix('m')?.parse().ok());
            let Some(place) = place.filter(|place| *place < count) else {
                continue;
            };
            let values = result.timestamps().iter().zip(result.values());
            items.extend(values.filter_map(|(at, value)| {
                let at = Timestamp::from_second(at.secs()).ok()?;
                Some((place, Point { at, value: *value }))
            }));
        }
        let next = answer.next_token();
        page(items, token, next.is_some(), next)
    }

    /// `GetMetricData` of at most [`MAX_QUERIES`] metrics of a namespace, to the end: a statistic of each period of so many seconds, the
    /// oldest first.
    ///
    /// # Errors
    ///
    /// What CloudWatch or the way to it said.
    pub async fn series(
        &self,
        namespace: &str,
        metrics: &[(&MetricName, &str)],
        (since, until): (Timestamp, Timestamp),
        period: i32,
    ) -> Result<Vec<Vec<Point>>, CallError> {
        let mut series = vec![Vec::new(); metrics.len()];
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let queries = metrics
                .iter()
                .enumerate()
                .map(|(place, (metric, statistic))| {
                    let dimensions = metric.dimensions.iter();
                    query(
                        place,
                        (namespace, &metric.name),
                        dimensions,
                        (statistic, period),
                    )
                });
            let page = self.data(queries.collect(), since, until, token.as_deref());
            let page = page.await?;
            for (place, point) in page.items {
                series[place].push(point);
            }
            if page.next.is_none() {
                for points in &mut series {
                    points.sort_by_key(|point| point.at);
                }
                return Ok(series);
            }
            token = page.next;
        }
        Err(CallError::new(
            "TooManyData",
            "the values of the metrics do not end",
        ))
    }

    /// `DescribeAlarms` whose names begin with `prefix`, to the end.
    ///
    /// # Errors
    ///
    /// What CloudWatch or the way to it said.
    pub async fn alarms(&self, prefix: &str) -> Result<Vec<AlarmData>, CallError> {
        let mut alarms = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let call = self
                .client
                .describe_alarms()
                .alarm_name_prefix(prefix)
                .set_next_token(token.clone());
            let answer = call.send().await;
            let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
            alarms.extend(answer.metric_alarms().iter().map(alarm));
            let next = answer.next_token();
            let Page { next, .. } = page(Vec::<()>::new(), token.as_deref(), next.is_some(), next)?;
            if next.is_none() {
                return Ok(alarms);
            }
            token = next;
        }
        Err(CallError::new(
            "TooManyAlarms",
            "the list of alarms does not end",
        ))
    }

    /// `ListMetrics` of a namespace: those with data of the last two weeks, 10,000 at most, and whether there are more.
    ///
    /// # Errors
    ///
    /// What CloudWatch or the way to it said.
    pub async fn metric_names(
        &self,
        namespace: &str,
    ) -> Result<(Vec<MetricName>, bool), CallError> {
        let mut names = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let call = self
                .client
                .list_metrics()
                .namespace(namespace)
                .set_next_token(token.clone());
            let answer = call.send().await;
            let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
            names.extend(answer.metrics().iter().filter_map(name));
            let next = answer.next_token();
            let Page { next, .. } = page(Vec::<()>::new(), token.as_deref(), next.is_some(), next)?;
            if next.is_none() {
                return Ok((names, false));
            }
            token = next;
        }
        Ok((names, true))
    }

    /// `ListAlarmMuteRules`, to the end, and `GetAlarmMuteRule` of those that are not over.
    ///
    /// # Errors
    ///
    /// What CloudWatch or the way to it said.
    pub async fn mute_rules(&self) -> Result<Vec<MuteRule>, CallError> {
        let mut rules = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let call = self
                .client
                .list_alarm_mute_rules()
                .statuses(AlarmMuteRuleStatus::Active)
                .statuses(AlarmMuteRuleStatus::Scheduled)
                .set_next_token(token.clone());
            let answer = call.send().await;
            let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
            for listed in answer.alarm_mute_rule_summaries() {
                let arn = listed.alarm_mute_rule_arn().unwrap_or_default();
                let name = arn.rsplit(':').next().unwrap_or(arn);
                match self.mute_rule(name).await {
                    // Deleted since it was listed.
                    Err(error) if error.kind() == CallErrorKind::NotFound => {}
                    rule => rules.push(rule?),
                }
            }
            let next = answer.next_token();
            let Page { next, .. } = page(Vec::<()>::new(), token.as_deref(), next.is_some(), next)?;
            if next.is_none() {
                return Ok(rules);
            }
            token = next;
        }
        Err(CallError::new(
            "TooManyRules",
            "the list of mute rules does not end",
        ))
    }

    async fn mute_rule(&self, name: &str) -> Result<MuteRule, CallError> {
        let call = self.client.get_alarm_mute_rule().alarm_mute_rule_name(name);
        let answer = call.send().await;
        let answer = answer.map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
        let schedule = answer.rule().and_then(|rule| rule.schedule());
        let alarms = answer.mute_targets().map(|targets| targets.alarm_names());
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Ok(MuteRule {
            name: name.to_owned(),
            alarms: alarms.unwrap_or_default().to_vec(),
            expression: owned(schedule.and_then(|schedule| schedule.expression())),
            duration: owned(schedule.and_then(|schedule| schedule.duration())),
        })
    }
}

fn name(metric: &Metric) -> Option<MetricName> {
    let dimensions = metric.dimensions().iter();
    let named = dimensions.filter_map(|it| Some((it.name()?, it.value()?)));
    Some(MetricName {
        name: metric.metric_name()?.to_owned(),
        dimensions: named
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    })
}

/// What an alarm looks at, when it goes off, and whom it tells. Not what CloudWatch counts of it.
fn alarm(alarm: &MetricAlarm) -> AlarmData {
    let dimensions = alarm.dimensions().iter();
    let dimensions: Vec<_> = dimensions.map(|it| (it.name(), it.value())).collect();
    let queries: Vec<_> = alarm
        .metrics()
        .iter()
        .map(|query| {
            (
                query.id(),
                query.expression(),
                format!("{:?}", query.metric_stat()),
            )
        })
        .collect();
    let state = alarm.state_value().map(|state| state.as_str().to_owned());
    AlarmData {
        name: alarm.alarm_name().unwrap_or_default().to_owned(),
        actions_enabled: alarm.actions_enabled().unwrap_or(true),
        actions: alarm.alarm_actions().to_vec(),
        state: state.unwrap_or_default(),
        definition: json!({
            "metric": (alarm.namespace(), alarm.metric_name(), dimensions),
            "queries": queries,
            "statistic": (alarm.statistic().map(|it| it.as_str()), alarm.extended_statistic()),
            "window": (alarm.period(), alarm.evaluation_periods(), alarm.datapoints_to_alarm()),
            "threshold": (
                alarm.threshold(),
                alarm.threshold_metric_id(),
                alarm.comparison_operator().map(|it| it.as_str()),
            ),
            "missing": alarm.treat_missing_data(),
            "actions": (alarm.alarm_actions(), alarm.ok_actions(), alarm.insufficient_data_actions()),
        }),
    }
}

/// Stored by the minute, since nothing else is said.
fn datum(datum: &Datum) -> MetricDatum {
    let dimensions = datum
        .dimensions
        .iter()
        .map(|(name, value)| Dimension::builder().name(*name).value(value).build());
    MetricDatum::builder()
        .metric_name(datum.name)
        .set_dimensions(Some(dimensions.collect()))
        .unit(match datum.unit {
            MetricUnit::Count => StandardUnit::Count,
            MetricUnit::Seconds => StandardUnit::Seconds,
            MetricUnit::None => StandardUnit::None,
        })
        .value(datum.value)
        .timestamp(DateTime::from_millis(datum.at.as_millisecond()))
        .build()
}
