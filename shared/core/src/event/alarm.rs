//! State changes of CloudWatch alarms (CloudWatch User Guide, alarm events and EventBridge).
//!
//! An event tells what the alarm watches, but neither its threshold nor its comparison: the threshold stands in the data
//! of the evaluation, if at all. What the reason says in words is for people and is never parsed.

mod insights;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{Envelope, Unreadable, text, time};
use crate::arn::{AccountId, KeyArn, KeyStoreId, Partition, Region};
use crate::text::{Part, Text, Untrusted};

pub use insights::Select;

/// Most metrics and expressions that are kept. An alarm has 20 at most (PutMetricAlarm).
const MOST_QUERIES: usize = 50;
/// Most dimensions or labels of one metric, contributor or query. A metric has 30 at most.
const MOST_LABELS: usize = 30;
/// Most datapoints and triggering alarms that are kept. A composite alarm has 100 children at most.
const MOST_POINTS: usize = 100;
/// Longest data of an evaluation that is parsed, in bytes: what a whole event may have.
const LONGEST_DATA: usize = 256 * 1024;
/// Longest expression, rule or query of a log alarm, in characters. A rule has 10,240 at most (PutCompositeAlarm).
const LONGEST_EXPRESSION: usize = 10_240;
/// Longest reason and description, in characters (PutMetricAlarm, SetAlarmState).
const LONGEST_WORDS: usize = 1_024;

/// Dimensions of a metric, attributes of a contributor, or conditions of a query.
pub type Labels = BTreeMap<Untrusted, Untrusted>;

/// An alarm, or one contributor of an alarm, changed its state.
#[derive(Clone, Debug)]
pub struct AlarmEvent {
    /// The members that all events share.
    pub envelope: Envelope,
    /// The alarm's name, unique in its account and Region over all types of alarm.
    pub name: Untrusted,
    /// The alarm's ARN.
    pub arn: Option<AlarmArn>,
    /// The alarm's partition, also where the event carries no ARN.
    pub partition: Option<Partition>,
    /// The alarm's Region, also where the event carries no ARN.
    pub region: Option<Region>,
    /// The alarm's account, also where the event carries no ARN.
    pub account: Option<AccountId>,
    /// The time series that changed, if the event is about one of several.
    pub contributor: Option<Contributor>,
    /// What the alarm, or the contributor, is now.
    pub current: Evaluation,
    /// What the alarm was. Events about a contributor do not say.
    pub previous: Option<Evaluation>,
    /// The alarm's description.
    pub description: Option<Untrusted>,
    /// What is watched. Empty for composite and log alarms.
    pub metrics: Vec<MetricQuery>,
    /// The rule of a composite alarm.
    pub rule: Option<Untrusted>,
    /// The query of a log alarm.
    pub log_query: Option<Untrusted>,
    /// A mute rule is in force: it stops the alarm's actions, but not the event.
    pub mute: Option<Mute>,
}

/// The ARN of an alarm: `arn:aws:cloudwatch:us-east-1:111122223333:alarm:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmArn {
    /// The partition.
    pub partition: Partition,
    /// The Region.
    pub region: Region,
    /// The account.
    pub account: AccountId,
    /// The alarm's name, in which nearly every character may stand.
    pub name: Untrusted,
}

impl AlarmArn {
    /// Reads the ARN of an alarm.
    pub fn new(text: &str) -> Option<Self> {
        // The name is the rest, whatever colons are in it.
        let mut parts = text.splitn(7, ':');
        let mut next = || parts.next();
        let (arn, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource, name) = (next()?, next()?, next()?, next()?);
        if (arn, service, resource) != ("arn", "cloudwatch", "alarm") {
            return None;
        }
        Some(Self {
            partition: Partition::new(partition)?,
            region: Region::new(region)?,
            account: AccountId::new(account)?,
            name: Untrusted::new(name).non_empty()?,
        })
    }
}

/// One time series of an alarm that watches several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contributor {
    /// CloudWatch's id of the time series.
    pub id: Option<Untrusted>,
    /// The values of the labels in the query's `GROUP BY`.
    pub attributes: Labels,
}

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
    /// What held back a composite alarm's actions: an alarm, or a period of waiting.
    pub suppressed_by: Option<Untrusted>,
    /// Why its actions were held back, in CloudWatch's words.
    pub suppressed_reason: Option<Untrusted>,
}

impl Evaluation {
    fn read(value: &Value) -> Option<Self> {
        let stamp = &value["timestamp"];
        Some(Self {
            state: AlarmState::new(text(&value["value"])?.as_str()),
            reason: long_text(&value["reason"], LONGEST_WORDS),
            data: ReasonData::read(&value["reasonData"]),
            stamp: text(stamp),
            time: time(stamp),
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
    fn read(value: &Value) -> Self {
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
    fn read(value: &Value) -> Self {
        let state = &value["state"];
        Self {
            arn: value["arn"].as_str().and_then(AlarmArn::new),
            state: text(&state["value"]).map(|word| AlarmState::new(word.as_str())),
            time: time(&state["timestamp"]),
        }
    }
}

/// A rule that stops alarms' actions for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mute {
    /// The rule's ARN.
    pub by: Option<Untrusted>,
    /// Since when, to the second.
    pub start: Option<Timestamp>,
    /// Until when, to the second.
    pub end: Option<Timestamp>,
}

/// One line of what an alarm watches: a metric, or an expression.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricQuery {
    /// The name by which expressions refer to it.
    pub id: Option<Untrusted>,
    /// The metric, if it is one.
    pub metric: Option<Metric>,
    /// Metric math or a Metrics Insights query, if it is one.
    pub expression: Option<Untrusted>,
    /// What the expression asks for, if it is a Metrics Insights query.
    pub select: Option<Select>,
    /// What people call it.
    pub label: Option<Untrusted>,
    /// Length of an expression's period, in seconds.
    pub period: Option<u32>,
    /// The account whose metrics are watched, if another than the alarm's.
    pub account: Option<AccountId>,
    /// The alarm looks at this one, and not only at what is calculated from it.
    pub return_data: bool,
}

/// A metric, with how it is summed up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/KMS`, …
    pub namespace: Option<Untrusted>,
    /// The metric's name, as it came.
    pub name: Option<Untrusted>,
    /// The metric's dimensions.
    pub dimensions: Labels,
    /// `Minimum`, `Sum`, `p99`, …
    pub stat: Option<Untrusted>,
    /// Length of a period, in seconds.
    pub period: Option<u32>,
}

impl MetricQuery {
    fn read(value: &Value) -> Self {
        let stat = &value["metricStat"];
        let metric = &stat["metric"];
        let expression = long_text(&value["expression"], LONGEST_EXPRESSION);
        Self {
            id: text(&value["id"]),
            metric: metric.is_object().then(|| Metric {
                namespace: text(&metric["namespace"]),
                name: text(&metric["name"]),
                dimensions: labels(&metric["dimensions"]),
                stat: text(&stat["stat"]),
                period: seconds(&stat["period"]),
            }),
            select: expression
                .as_ref()
                .and_then(|expression| Select::read(expression.as_str())),
            expression,
            label: text(&value["label"]),
            period: seconds(&value["period"]),
            account: value["accountId"].as_str().and_then(AccountId::new),
            // The API's default.
            return_data: value["returnData"] != false,
        }
    }

    /// Namespace, metric, and the labels with one certain value.
    fn watched(&self) -> impl Iterator<Item = (Option<&Untrusted>, Option<&Untrusted>, &Labels)> {
        let metric = self
            .metric
            .iter()
            .map(|m| (m.namespace.as_ref(), m.name.as_ref(), &m.dimensions));
        let select = self
            .select
            .iter()
            .map(|s| (s.namespace.as_ref(), s.metric.as_ref(), &s.filters));
        metric.chain(select)
    }
}

/// Labels that name a key, by id or ARN (KMS Developer Guide, KMS metrics and dimensions).
const KEY_LABELS: [&str; 4] = ["KeyId", "KeyArn", "SourceKeyArn", "DestinationKeyArn"];

impl AlarmEvent {
    /// The detail-type is one of those that tell of a state.
    pub(super) fn is_one(detail_type: &str) -> bool {
        matches!(
            detail_type,
            "CloudWatch Alarm State Change" | CONTRIBUTOR_CHANGE
        )
    }

    pub(super) fn read(
        envelope: Envelope,
        resources: &Value,
        detail: &Value,
    ) -> Result<Self, Unreadable> {
        let name = text(&detail["alarmName"]).ok_or(Unreadable::NoEvent("no alarmName"))?;
        let current =
            Evaluation::read(&detail["state"]).ok_or(Unreadable::NoEvent("no state.value"))?;
        let arn = list(resources)
            .filter_map(Value::as_str)
            .find_map(AlarmArn::new);
        let region = arn
            .as_ref()
            .map(|arn| arn.region.clone())
            .or_else(|| envelope.region.clone());
        let contributor = &detail["alarmContributor"];
        let configuration = &detail["configuration"];
        let mute = &detail["muteDetail"];
        Ok(Self {
            name,
            partition: arn
                .as_ref()
                .map(|arn| arn.partition.clone())
                .or_else(|| region.as_ref().map(Partition::of_region)),
            account: arn
                .as_ref()
                .map(|arn| arn.account.clone())
                .or_else(|| envelope.account.clone()),
            region,
            arn,
            // Known by the detail-type too: a contributor that cannot be read must not pass for the whole alarm.
            contributor: (contributor.is_object()
                || envelope.detail_type.as_str() == CONTRIBUTOR_CHANGE)
                .then(|| Contributor {
                    id: text(&contributor["id"]),
                    attributes: labels(&contributor["attributes"]),
                }),
            current,
            previous: Evaluation::read(&detail["previousState"]),
            description: long_text(&configuration["description"], LONGEST_WORDS),
            metrics: list(&configuration["metrics"])
                .take(MOST_QUERIES)
                .map(MetricQuery::read)
                .collect(),
            rule: long_text(&configuration["alarmRule"], LONGEST_EXPRESSION),
            log_query: [
                &configuration["queryString"],
                &configuration["scheduledQueryConfiguration"]["queryString"],
            ]
            .into_iter()
            .find_map(|query| long_text(query, LONGEST_EXPRESSION)),
            mute: mute.is_object().then(|| Mute {
                by: text(&mute["mutedByArn"]),
                start: time(&mute["muteWindowStart"]),
                end: time(&mute["muteWindowEnd"]),
            }),
            envelope,
        })
    }

    /// When the state changed, to the second.
    pub fn occurred_at(&self) -> Option<Timestamp> {
        self.current.time.or(self.envelope.time)
    }

    /// The alarm watches several time series, each of which has a state and events of its own. The event about the
    /// alarm as a whole, which follows them and has no contributor, then says nothing new.
    ///
    /// Known by its only query, a Metrics Insights query with `GROUP BY`, and not by the words of the reason.
    pub fn is_grouped(&self) -> bool {
        let mut returned = self.metrics.iter().filter(|query| query.return_data);
        let only = returned.next().filter(|_| returned.next().is_none());
        only.and_then(|query| query.select.as_ref())
            .is_some_and(|select| select.group_by.is_some())
    }

    /// The alarm is made of other alarms.
    pub fn is_composite(&self) -> bool {
        self.rule.is_some()
    }

    /// The alarm compares with a band that CloudWatch learned, and not with a threshold.
    pub fn is_anomaly(&self) -> bool {
        let banded =
            |data: &ReasonData| !(data.lower_bounds.is_empty() && data.upper_bounds.is_empty());
        banded(&self.current.data)
            || self.metrics.iter().any(|query| {
                query.expression.as_ref().is_some_and(|expression| {
                    insights::calls(expression.as_str(), "ANOMALY_DETECTION_BAND")
                })
            })
    }

    /// The metrics about KMS that the alarm watches, directly or in an expression, each once, as the newest pages of the
    /// documentation spell them: those of `AWS/KMS` and `KMSWatch`, and those of `AWS/Usage` that count calls of KMS.
    pub fn metric_names(&self) -> Vec<Untrusted> {
        let mut names = Vec::new();
        for (namespace, name, labels) in self.metrics.iter().flat_map(MetricQuery::watched) {
            let ours = match namespace.map(Untrusted::as_str) {
                Some("AWS/KMS" | "KMSWatch") => true,
                // Of one of several stacks.
                Some(other) if other.starts_with("KMSWatch/") => true,
                Some("AWS/Usage") => {
                    let attributes = self.contributor.iter().map(|c| &c.attributes);
                    attributes
                        .chain([labels])
                        .any(|labels| value_of(labels, "Service") == Some("KMS"))
                }
                _ => false,
            };
            if let Some(name) = name.filter(|_| ours).map(spelled_right)
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }

    /// Everything that the alarm watches belongs to other services of AWS, and it names no key and no key store.
    pub fn is_of_another_service(&self) -> bool {
        let mut watched = self
            .metrics
            .iter()
            .flat_map(MetricQuery::watched)
            .peekable();
        watched.peek().is_some()
            && watched.all(|(namespace, ..)| {
                namespace.is_some_and(|name| name.as_str().starts_with("AWS/"))
            })
            && self.metric_names().is_empty()
            && self.key().is_none()
            && self.custom_key_store_id().is_none()
    }

    /// Names of the labels that anything has which the alarm watches, each once, as the newest pages of the
    /// documentation spell them; of a contributor, its own.
    pub fn label_names(&self) -> Vec<Untrusted> {
        let mut names = BTreeSet::new();
        match self.contributor.as_ref().map(|own| &own.attributes) {
            Some(own) if !own.is_empty() => names.extend(own.keys().map(spelled_right)),
            _ => {
                let watched = self.metrics.iter().flat_map(MetricQuery::watched);
                names.extend(watched.flat_map(|(.., labels)| labels.keys().map(spelled_right)));
            }
        }
        names.into_iter().take(MOST_LABELS).collect()
    }

    /// The value of a dimension that everything the alarm watches agrees on. A contributor's own value comes first.
    pub fn dimension(&self, name: &str) -> Option<Untrusted> {
        self.agreed(|labels, _| {
            labels
                .iter()
                .filter(|(label, _)| spelled_right(label).as_str() == name)
                .map(|(_, value)| value.clone())
                .collect()
        })
    }

    /// The key that the alarm is about, unless it is about none or several.
    ///
    /// A bare id is one of the account whose metrics are watched, in the alarm's partition and Region.
    pub fn key(&self) -> Option<KeyArn> {
        self.agreed(|labels, account| {
            KEY_LABELS
                .iter()
                .filter_map(|name| self.key_of(value_of(labels, name)?, account))
                .collect()
        })
    }

    /// The custom key store that the alarm is about, unless it is about none or several.
    pub fn custom_key_store_id(&self) -> Option<KeyStoreId> {
        self.agreed(|labels, _| {
            value_of(labels, "CustomKeyStoreId")
                .and_then(KeyStoreId::new)
                .into_iter()
                .collect()
        })
    }

    /// The most recent value that the alarm was evaluated on.
    pub fn datapoint(&self) -> Option<f64> {
        self.current.data.datapoints.last().copied()
    }

    /// What the values are compared with. Unknown for contributors and anomalies.
    pub fn threshold(&self) -> Option<f64> {
        self.current.data.threshold
    }

    /// The most recent band of an anomaly alarm: its lower and its upper end.
    pub fn band(&self) -> (Option<f64>, Option<f64>) {
        let data = &self.current.data;
        (
            data.lower_bounds.last().copied(),
            data.upper_bounds.last().copied(),
        )
    }

    fn key_of(&self, value: &str, account: Option<&AccountId>) -> Option<KeyArn> {
        if let Ok(arn) = value.parse() {
            return Some(arn);
        }
        KeyArn::new(
            self.partition.clone()?,
            self.region.clone()?,
            account.or(self.account.as_ref())?.clone(),
            value,
        )
        .ok()
    }

    /// What `find` finds in the contributor's attributes, else in all metrics and queries, if it is one and the same.
    ///
    /// `find` gets the labels, and the account whose metrics they belong to if the alarm says so.
    fn agreed<T: PartialEq>(
        &self,
        find: impl Fn(&Labels, Option<&AccountId>) -> Vec<T>,
    ) -> Option<T> {
        let only = |mut found: Vec<T>| {
            let first = found.pop()?;
            found.iter().all(|other| *other == first).then_some(first)
        };
        let in_account = |labels: &Labels, queried: Option<&AccountId>| {
            // The label of queries over several accounts.
            let labelled = value_of(labels, "AWS.AccountId").and_then(AccountId::new);
            find(labels, labelled.as_ref().or(queried))
        };
        let queried = || {
            let mut accounts = self.metrics.iter().map(|query| query.account.as_ref());
            let first = accounts.next()?;
            accounts
                .all(|other| other == first)
                .then_some(first)
                .flatten()
        };
        let own = self.contributor.as_ref();
        own.and_then(|own| only(in_account(&own.attributes, queried())))
            .or_else(|| {
                let everywhere = self.metrics.iter().flat_map(|query| {
                    query
                        .watched()
                        .flat_map(|(_, _, labels)| in_account(labels, query.account.as_ref()))
                });
                only(everywhere.collect())
            })
    }
}

const CONTRIBUTOR_CHANGE: &str = "CloudWatch Alarm Contributor State Change";

fn value_of<'a>(labels: &'a Labels, name: &str) -> Option<&'a str> {
    labels
        .iter()
        .find(|(label, _)| label.as_str() == name)
        .map(|(_, value)| value.as_str())
}

/// Some pages of the documentation spell some metrics and dimensions in other ways, and alarms are made after them.
fn spelled_right(name: &Untrusted) -> Untrusted {
    let right = match name.as_str() {
        "SecondsUntilKeyMaterialExpires" => "SecondsUntilKeyMaterialExpiration",
        "SuccesfulRequest" => "SuccessfulRequest",
        "ExtenalKeyStoreThrottle" => "ExternalKeyStoreThrottle",
        "XksProxyHsmStates" => "XksExternalKeyManagerStates",
        "XksProxyHsmState" => "XksExternalKeyManagerState",
        _ => return name.clone(),
    };
    Untrusted::new(right)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A member that should be an object of texts. Others in it are left out.
fn labels(value: &Value) -> Labels {
    let members = value.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((Untrusted::new(name).non_empty()?, text(value)?)))
        .take(MOST_LABELS)
        .collect()
}

/// As [`text`], with a bound of its own.
fn long_text(value: &Value, bound: usize) -> Option<Untrusted> {
    Untrusted::bounded(value.as_str()?, bound).non_empty()
}

/// A number that is written as one or as text.
fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
        .filter(|number: &f64| number.is_finite())
}

/// The last numbers of a list.
fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().map_or(&[][..], Vec::as_slice);
    let last = all.get(all.len().saturating_sub(MOST_POINTS)..);
    last.into_iter().flatten().filter_map(number).collect()
}

/// A length of time in whole seconds.
fn seconds(value: &Value) -> Option<u32> {
    let number = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    number.try_into().ok()
}

#[cfg(test)]
mod tests;
