//! What the pipeline asks of the world: KMS, topics, a ledger, a clock. Adapters stand behind these traits.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::answers::{
    AlarmData, FunctionData, Grant, KeyStoreData, LastUsage, Material, Metadata, MuteRule,
    RotationStatus, Rule, ScheduleData, Subscription, Tags, Target, TrailData,
};
use crate::arn::{BusArn, KeyArn, KeyStoreId, Region, TopicArn};
use crate::items::{Claim, Item, ItemKey, Member};
use crate::text::Untrusted;

/// The time of day, in UTC.
pub trait Clock {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The reads of KMS that explain an event. One method is one API operation, but for the count of a key store's keys.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Kms {
    /// `DescribeKey`.
    async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError>;
    /// `ListAliases` of one key: names with their `alias/` prefix.
    async fn list_aliases(&self, key: &KeyArn) -> Result<Vec<Untrusted>, CallError>;
    /// `ListResourceTags`.
    async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError>;
    /// `GetKeyRotationStatus`.
    async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError>;
    /// `ListKeyRotations` with all key material: those that the key has had, in KMS's order.
    async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError>;
    /// `GetKeyPolicy`: the policy's text, which whoever may write it chose.
    async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError>;
    /// `GetKeyPolicy` of the second policy, `AWS_RAM`, which AWS RAM writes while the key is shared. `NotFoundException`: there is
    /// no such policy, or no such key.
    async fn get_shared_policy(&self, _key: &KeyArn) -> Result<String, CallError> {
        Err(CallError::new("NotFoundException", "the key is not shared"))
    }
    /// `DescribeCustomKeyStores` of one custom key store in `region`.
    async fn describe_custom_key_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<KeyStoreData, CallError>;
    /// How many keys a custom key store holds, by `ListKeys` and `DescribeKey`: KMS knows no shorter way.
    async fn count_keys_in_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<u64, CallError>;
    /// `GetKeyLastUsage`.
    async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError>;
}

/// What takes back what was done to a key. One method is one API operation; the answer is KMS's id of the call. A call is not made
/// again unless KMS said that it did nothing.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Rescuer {
    /// `CancelKeyDeletion`.
    async fn cancel_key_deletion(&self, key: &KeyArn) -> Result<Option<Untrusted>, CallError>;
    /// `EnableKeyRotation`, with the period in days, or KMS's own.
    async fn enable_key_rotation(
        &self,
        key: &KeyArn,
        period_days: Option<u32>,
    ) -> Result<Option<Untrusted>, CallError>;
    /// `EnableKey`.
    async fn enable_key(&self, key: &KeyArn) -> Result<Option<Untrusted>, CallError>;
}

/// What stops all rescues at once, without a deployment.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Switch {
    /// `GetParameter`: its value says `on`. What does not exist does not say so.
    async fn is_on(&self) -> Result<bool, CallError>;
}

/// The lists of everything that KMS has in one account and Region: that of the client. One method is one API call.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Census {
    /// `ListKeys`, 1,000 to a page: customer keys, AWS managed ones, and those that are pending deletion.
    async fn list_keys(&self, marker: Option<&str>) -> Result<Page<KeyArn>, CallError>;
    /// `ListAliases` of all keys, 100 to a page.
    async fn list_all_aliases(&self, marker: Option<&str>) -> Result<Page<Alias>, CallError>;
    /// `DescribeCustomKeyStores` of all custom key stores.
    async fn list_key_stores(
        &self,
        marker: Option<&str>,
    ) -> Result<Page<(KeyStoreId, KeyStoreData)>, CallError>;
}

/// The access to a key beside its policy.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Grants {
    /// `ListGrants` of a key, 100 to a page.
    async fn list_grants(
        &self,
        key: &KeyArn,
        marker: Option<&str>,
    ) -> Result<Page<Grant>, CallError>;
}

/// The functions of the watch, and what starts them.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Workers {
    /// `GetFunctionConfiguration`, `GetFunctionConcurrency` and `GetFunctionEventInvokeConfig`.
    async fn function(&self, name: &str) -> Result<FunctionData, CallError>;
    /// `GetSchedule`.
    async fn schedule(&self, name: &str) -> Result<ScheduleData, CallError>;
}

/// The parts of the watch itself.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Parts: Workers {
    /// `ListSubscriptionsByTopic`, to the end, and `GetSubscriptionAttributes` of those that are confirmed.
    async fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Subscription>, CallError>;
    /// `ListRules` of the default bus whose names begin with `prefix`, to the end.
    async fn rules(&self, prefix: &str) -> Result<Vec<Rule>, CallError>;
    /// `ListTargetsByRule`.
    async fn targets(&self, rule: &str) -> Result<Vec<Target>, CallError>;
    /// `DescribeAlarms` whose names begin with `prefix`, to the end.
    async fn alarms(&self, prefix: &str) -> Result<Vec<AlarmData>, CallError>;
    /// `ListAlarmMuteRules`, to the end, and `GetAlarmMuteRule` of those that are not over.
    async fn mute_rules(&self) -> Result<Vec<MuteRule>, CallError>;
    /// `DescribeTrails`, `GetTrailStatus` and `GetEventSelectors`.
    async fn trails(&self) -> Result<Vec<TrailData>, CallError>;
    /// `GetQueueAttributes`, all of them.
    async fn queue(&self, url: &str) -> Result<BTreeMap<String, String>, CallError>;
}

/// CloudTrail's event history: 90 days, whatever a trail excludes and EventBridge lost (CloudTrail User Guide, event
/// history).
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Trail {
    /// `LookupEvents` of one operation: records as EventBridge has them in `detail`, newest first, 50 to a page.
    async fn lookup_events(
        &self,
        event_name: &str,
        since: Timestamp,
        until: Timestamp,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError>;
}

/// Who used a key, as CloudTrail's event history has it. One method is one call of `LookupEvents`, in the key's Region.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Uses {
    /// The records of calls about a key, newest first, the first page of 50: `next` says that there are more.
    async fn uses_of_key(
        &self,
        key: &KeyArn,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Page<Value>, CallError>;
    /// The record with this id.
    async fn event(&self, key: &KeyArn, id: &str) -> Result<Page<Value>, CallError>;
}

/// The configurations of resources that AWS Config records, where it does. One method is one API call.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Recorder {
    /// `DescribeConfigurationRecorderStatus`: whether the account's own recorder is on in this Region.
    async fn is_recording(&self, region: &Region) -> Result<bool, CallError>;
    /// `SelectResourceConfig`: what the expression selects, as JSON, 100 to a page.
    async fn select(
        &self,
        region: &Region,
        expression: &str,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError>;
}

/// Where measurements go.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Metrics {
    /// `PutMetricData` of at most [`MAX_DATA`] data.
    async fn put_metric_data(&self, namespace: &str, data: &[Datum]) -> Result<(), CallError>;
}

/// How often keys are used, as KMS counts it in CloudWatch.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Counts {
    /// `ListMetrics` of `SuccessfulRequest` in `AWS/KMS`, those of the last two weeks, 500 to a page.
    async fn use_metrics(&self, token: Option<&str>) -> Result<Page<UseMetric>, CallError>;
    /// `GetMetricData` of at most [`MAX_QUERIES`] metrics: sums of whole days in UTC from `since` on, up to `until`.
    async fn uses_a_day(
        &self,
        metrics: &[UseMetric],
        since: Timestamp,
        until: Timestamp,
        token: Option<&str>,
    ) -> Result<Page<DailyUses>, CallError>;
}

/// Most metrics of which one call of `GetMetricData` tells (CloudWatch API Reference, GetMetricData).
pub const MAX_QUERIES: usize = 500;

/// A metric that counts successful uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseMetric {
    /// Names and values of its dimensions: the operation, and the ARN of the key, or of both keys.
    pub dimensions: Vec<(String, String)>,
}

impl UseMetric {
    /// ARNs of the keys whose uses it counts: of a re-encryption, those of both keys.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let names = ["KeyArn", "SourceKeyArn", "DestinationKeyArn"];
        let of_key = move |(name, _): &&(String, String)| names.contains(&name.as_str());
        let keys = self.dimensions.iter().filter(of_key);
        keys.map(|(_, arn)| arn.as_str())
    }
}

/// How often a metric counted on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DailyUses {
    /// The place of the metric among those that were asked for.
    pub metric: usize,
    /// The beginning of the day.
    pub day: Timestamp,
    /// The sum.
    pub uses: f64,
}

/// Most data that one call of `PutMetricData` takes (CloudWatch API Reference, PutMetricData).
pub const MAX_DATA: usize = 1_000;

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// How to ask for the next page, if there is one.
    pub next: Option<String>,
}

/// An alias, and the id of the key that it names. An alias of AWS's may name none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Name with its `alias/` prefix.
    pub name: Untrusted,
    /// Key id.
    pub target: Option<String>,
}

/// A measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// Name of the metric.
    pub name: &'static str,
    /// Names and values of its dimensions.
    pub dimensions: Vec<(&'static str, String)>,
    /// What is counted.
    pub unit: MetricUnit,
    /// How much.
    pub value: f64,
    /// When.
    pub at: Timestamp,
}

/// Unit of a metric, by CloudWatch's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricUnit {
    /// `Count`.
    Count,
    /// `Seconds`.
    Seconds,
    /// `None`: days, for which CloudWatch has no unit.
    None,
}

/// Where alerts go.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Topics: Bus {
    /// `Publish` of SNS.
    async fn publish(&self, message: &Message) -> Result<(), CallError>;
}

/// Where programs hear of alerts.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Bus {
    /// `PutEvents` of EventBridge with one entry. That the entry was refused is an error, though the call succeeds then.
    async fn put(&self, event: &BusEvent) -> Result<(), CallError>;
}

/// The memory of the watch: a table of items. One method is one API operation of DynamoDB.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Ledger {
    /// `BatchGetItem` of at most 100 different items, strongly consistent: those that are there, in any order.
    async fn read(&self, keys: &[ItemKey]) -> Result<Vec<Item>, CallError>;
    /// `PutItem`, on condition that the claim is still in the version `previous` (`None`: not there at all). If not,
    /// the claim as it stands is the answer.
    async fn claim(
        &self,
        claim: &Claim,
        previous: Option<u64>,
    ) -> Result<Result<(), Claim>, CallError>;
    /// `BatchWriteItem` of at most 25 items, whatever stood in their place.
    async fn put(&self, items: &[Item]) -> Result<(), CallError>;
    /// `UpdateItem`: sets attributes, and removes those that are null.
    async fn set(&self, key: &ItemKey, attributes: &Item) -> Result<(), CallError>;
    /// `UpdateItem`: takes `member` into a counter, unless it is in already or the counter is full; the counter after
    /// that.
    async fn count(&self, key: &ItemKey, member: &Member) -> Result<Item, CallError>;
    /// `UpdateItem`: adds one to each of the numbers, sets those attributes of `once` that are not there, and those of
    /// `latest` in any case; the item after that.
    async fn add(
        &self,
        key: &ItemKey,
        numbers: &[String],
        once: &Item,
        latest: &Item,
    ) -> Result<Item, CallError>;
}

/// The memory of the watch, for those who look back. One method is one API operation of DynamoDB.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Past {
    /// `Query`: the items of `partition` whose sort keys begin with `prefix`, from the end, at most `most`.
    async fn latest(&self, partition: &str, prefix: &str, most: u8)
    -> Result<Vec<Item>, CallError>;
}

/// One message for one topic, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub topic: TopicArn,
    /// Subject line of an e-mail.
    pub subject: Option<String>,
    /// Body.
    pub body: String,
    /// Attributes for filter policies.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// The value of a message attribute.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attribute {
    /// Of type `String`; never empty.
    One(String),
    /// Of type `String.Array`: a filter policy that matches one of them matches.
    Many(Vec<String>),
}

impl Attribute {
    /// Its one value, or its several.
    pub fn values(&self) -> &[String] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl<T: Into<String>> From<T> for Attribute {
    fn from(value: T) -> Self {
        Self::One(value.into())
    }
}

impl PartialEq<&str> for Attribute {
    fn eq(&self, other: &&str) -> bool {
        matches!(self, Self::One(value) if value == other)
    }
}

/// One event for a bus, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusEvent {
    /// Where to.
    pub bus: BusArn,
    /// The kind of alert.
    pub detail_type: &'static str,
    /// The alert's JSON.
    pub detail: String,
    /// ARN of the key that it is about.
    pub resources: Vec<String>,
}

impl BusEvent {
    /// Who sends alerts. Rules match it.
    pub const SOURCE: &str = "kms-watch";

    /// What EventBridge counts of an entry, in bytes: at most 262,144 (EventBridge User Guide, calculating PutEvents entry
    /// size).
    pub fn size(&self) -> usize {
        let resources: usize = self.resources.iter().map(String::len).sum();
        Self::SOURCE.len() + self.detail_type.len() + self.detail.len() + resources
    }
}

/// Why a call to AWS gave no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    kind: CallErrorKind,
    code: Untrusted,
    message: Untrusted,
}

/// What a failed call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallErrorKind {
    /// The role may not make the call.
    Denied,
    /// Too many calls.
    Throttled,
    /// The key (or topic) does not exist.
    NotFound,
    /// The operation has no meaning for this key.
    NotApplicable,
    /// No answer in time.
    Timeout,
    /// Anything else.
    Other,
}

impl CallError {
    /// An answer of AWS with an error code, with or without the `Exception` suffix.
    pub fn new(code: &str, message: &str) -> Self {
        let kind = match code.strip_suffix("Exception").unwrap_or(code) {
            "AccessDenied"
            | "AuthorizationError"
            | "KMSAccessDenied"
            | "UnauthorizedOperation"
            | "UnrecognizedClient" => CallErrorKind::Denied,
            "Throttling"
            | "Throttled"
            | "TooManyRequests"
            | "KMSThrottling"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded" => CallErrorKind::Throttled,
            "NotFound"
            | "CustomKeyStoreNotFound"
            | "ResourceNotFound"
            | "TrailNotFound"
            | "QueueDoesNotExist"
            | "AWS.SimpleQueueService.NonExistentQueue" => CallErrorKind::NotFound,
            "UnsupportedOperation" => CallErrorKind::NotApplicable,
            _ => CallErrorKind::Other,
        };
        Self {
            kind,
            code: Untrusted::bounded(code, 80),
            message: Untrusted::new(message),
        }
    }

    /// The answer did not come within `limit`.
    pub fn timeout(limit: std::time::Duration) -> Self {
        Self {
            kind: CallErrorKind::Timeout,
            code: Untrusted::new("Timeout"),
            message: Untrusted::new(&format!("no answer within {} ms", limit.as_millis())),
        }
    }

    /// What the failure means.
    pub fn kind(&self) -> CallErrorKind {
        self.kind
    }

    /// AWS's error code, or one of ours (`Timeout`, `DispatchFailure`).
    pub fn code(&self) -> &Untrusted {
        &self.code
    }

    /// `AccessDeniedException: User … is not authorized …`.
    pub fn reason(&self) -> Untrusted {
        if self.message.is_empty() {
            return self.code.clone();
        }
        Untrusted::bounded(
            &format!("{}: {}", self.code.as_str(), self.message.as_str()),
            320,
        )
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason().as_str())
    }
}

impl std::error::Error for CallError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_codes_are_read_with_and_without_their_suffix() {
        for (code, kind) in [
            ("AccessDeniedException", CallErrorKind::Denied),
            ("AccessDenied", CallErrorKind::Denied),
            ("ThrottlingException", CallErrorKind::Throttled),
            ("Throttling", CallErrorKind::Throttled),
            (
                "ProvisionedThroughputExceededException",
                CallErrorKind::Throttled,
            ),
            ("RequestLimitExceeded", CallErrorKind::Throttled),
            ("NotFoundException", CallErrorKind::NotFound),
            ("NotFound", CallErrorKind::NotFound),
            (
                "UnsupportedOperationException",
                CallErrorKind::NotApplicable,
            ),
            ("KMSInternalException", CallErrorKind::Other),
        ] {
            assert_eq!(CallError::new(code, "").kind(), kind, "{code}");
        }
    }
}
