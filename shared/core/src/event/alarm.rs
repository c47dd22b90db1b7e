//! State changes of CloudWatch alarms (CloudWatch User Guide, alarm events and EventBridge).
//!
//! An event tells what the alarm watches, but neither its threshold nor its comparison: the threshold stands in the data
//! of the evaluation, if at all. What the reason says in words is for people and is never parsed.

mod arn;
mod insights;
mod json;
mod state;
mod watched;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use self::json::{LONGEST_EXPRESSION, LONGEST_WORDS, MOST_LABELS, labels, list, long_text};
use self::watched::{spelled_right, value_of};
use super::envelope::{Envelope, Unreadable, text, time};
use crate::arn::{AccountId, KeyArn, KeyStoreId, Partition, Region};
use crate::text::Untrusted;

pub use arn::AlarmArn;
pub use insights::Select;
pub use json::Labels;
pub use state::{AlarmState, Evaluation, ReasonData, Trigger};
pub use watched::{Metric, MetricQuery};

/// Most metrics and expressions that are kept. An alarm has 20 at most (PutMetricAlarm).
const MOST_QUERIES: usize = 50;

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

/// One time series of an alarm that watches several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contributor {
    /// CloudWatch's id of the time series.
    pub id: Option<Untrusted>,
    /// The values of the labels in the query's `GROUP BY`.
    pub attributes: Labels,
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

    /// Somebody has set the state (`SetAlarmState`), who has to give words, and may leave the data out that CloudWatch adds
    /// whenever it evaluates an alarm on metrics. Events about one of several time series, or about all of them, have none.
    pub fn is_set_by_hand(&self) -> bool {
        !self.metrics.is_empty()
            && self.contributor.is_none()
            && !self.is_grouped()
            && matches!(self.current.state, AlarmState::Alarm | AlarmState::Ok)
            && self.current.reason.is_some()
            && self.current.data == ReasonData::default()
    }

    /// The one metric that the alarm watches, in whatever namespace, and the namespace.
    pub fn only_metric(&self) -> Option<(Untrusted, Option<Untrusted>)> {
        let watched = self.metrics.iter().flat_map(MetricQuery::watched);
        let named = watched
            .filter_map(|(namespace, name, _)| Some((spelled_right(name?), namespace.cloned())));
        let mut named: BTreeSet<_> = named.collect();
        named.pop_first().filter(|_| named.is_empty())
    }

    /// The accounts whose metrics are watched.
    pub fn metric_accounts(&self) -> BTreeSet<AccountId> {
        // The label of queries over several accounts.
        let labelled = |labels| value_of(labels, "AWS.AccountId").and_then(AccountId::new);
        let own = self.contributor.as_ref();
        if let Some(account) = own.and_then(|own| labelled(&own.attributes)) {
            return [account].into();
        }
        let accounts = self.metrics.iter().flat_map(|query| {
            query.watched().filter_map(move |(.., labels)| {
                let account = labelled(labels).or_else(|| query.account.clone());
                account.or_else(|| self.account.clone())
            })
        });
        accounts.collect()
    }

    /// The account that the alarm is about: the one whose metrics it watches, else its own.
    pub fn about_account(&self) -> Option<AccountId> {
        let mut accounts = self.metric_accounts();
        let only = accounts.pop_first().filter(|_| accounts.is_empty());
        only.or_else(|| self.account.clone())
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

#[cfg(test)]
mod tests;
