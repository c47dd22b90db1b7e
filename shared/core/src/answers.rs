//! What KMS answers about a key or a custom key store, as far as an alert needs it. The ledger remembers it in this form. At the
//! end, what AWS answers about the parts of the watch.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Named;
use crate::key::{Manager, MaterialState, MultiRegion, Origin, State};
use crate::text::{Untrusted, identifier};

/// Tags of a key by tag key.
pub type Tags = BTreeMap<Untrusted, Untrusted>;

/// What `DescribeKey` answers, as far as an alert needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// State of the key.
    pub state: Option<State>,
    /// AWS or the customer.
    pub manager: Option<Manager>,
    /// Where the material comes from.
    pub origin: Option<Origin>,
    /// `SYMMETRIC_DEFAULT`, `RSA_2048`, …
    pub spec: Option<Untrusted>,
    /// `ENCRYPT_DECRYPT`, `SIGN_VERIFY`, …
    pub usage: Option<Untrusted>,
    /// Free text of the owner.
    pub description: Option<Untrusted>,
    /// Creation of the key.
    pub created_at: Option<Timestamp>,
    /// Earliest deletion; only of keys in `PendingDeletion`.
    pub deletion_at: Option<Timestamp>,
    /// Waiting period in days that begins with the deletion of the last replica; only in `PendingReplicaDeletion`.
    pub pending_window_days: Option<u32>,
    /// Earliest expiry among the key's imported materials.
    pub expires_at: Option<Timestamp>,
    /// The CloudHSM or external key store that holds the key.
    pub custom_key_store_id: Option<Untrusted>,
    /// Related keys in other Regions.
    pub multi_region: Option<MultiRegion>,
    /// Id of the material that encrypts now; only of symmetric keys.
    #[serde(deserialize_with = "identifier")]
    pub current_material: Option<String>,
}

/// What `DescribeCustomKeyStores` answers about one custom key store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyStoreData {
    /// Name.
    pub name: Option<Untrusted>,
    /// `AWS_CLOUDHSM` or `EXTERNAL_KEY_STORE`.
    pub kind: Option<Untrusted>,
    /// `CONNECTED`, `DISCONNECTED`, `FAILED`, …
    pub connection_state: Option<Untrusted>,
    /// Why the connection failed.
    pub error_code: Option<Untrusted>,
}

/// Key material of a key, as `ListKeyRotations` lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Material {
    /// Id.
    #[serde(deserialize_with = "identifier")]
    pub id: Option<String>,
    /// Its part in the key.
    pub state: Option<MaterialState>,
    /// Of imported material: whether it is there.
    pub imported: Option<bool>,
    /// Of imported material: its expiry.
    pub valid_to: Option<Timestamp>,
    /// When it became current by a rotation; the first material of a key never did.
    pub rotated_at: Option<Timestamp>,
}

/// What `GetKeyRotationStatus` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RotationStatus {
    /// Automatic rotation is on. KMS says no while a deletion is pending.
    pub enabled: bool,
    /// Days between rotations.
    pub period_days: Option<u32>,
    /// Next automatic rotation.
    pub next_at: Option<Timestamp>,
}

/// What `GetKeyLastUsage` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LastUsage {
    /// The last successful cryptographic operation, if KMS has recorded one.
    pub used: Option<Use>,
    /// Since when KMS records the use of this key.
    pub tracked_since: Option<Timestamp>,
    /// Creation of the key, against which `tracked_since` must be held before "never used" is true.
    pub created_at: Option<Timestamp>,
}

/// A use of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// When, up to an hour late.
    pub at: Timestamp,
    /// `Decrypt`, `GenerateDataKey`, …
    pub operation: Option<Untrusted>,
    /// The CloudTrail event that records it.
    pub event_id: Option<Untrusted>,
}

/// A grant on a key, as `ListGrants` lists it. It never changes; it is there or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Id.
    pub id: String,
    /// Who may use the key: an ARN, a service, or an account in the form that KMS had before.
    pub grantee: Option<Untrusted>,
    /// What it may be used for.
    pub operations: Vec<Untrusted>,
    /// Names, without their values, of what the encryption context must have at least.
    pub encryption_context_subset: Vec<Untrusted>,
    /// Names, without their values, of what the encryption context must be.
    pub encryption_context_equals: Vec<Untrusted>,
    /// The resource that the encryption context must name: of all its values the only one that is kept.
    pub resource: Option<Named>,
    /// The resource for which the service must work.
    pub source_arn: Option<Untrusted>,
    /// Who may give it up.
    pub retiring_principal: Option<Untrusted>,
    /// Its name.
    pub name: Option<Untrusted>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A subscription of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// `email`, `sqs`, …
    pub protocol: Untrusted,
    /// Whoever is subscribed has confirmed it: until then SNS sends nothing.
    pub confirmed: bool,
    /// Its filter policy, which decides what it gets.
    pub filter: Option<String>,
    /// The filter policy is about the body of a message, not about its attributes.
    pub filters_body: bool,
}

/// A rule of EventBridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// `ENABLED`, `DISABLED`, `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS`.
    pub state: String,
    /// Its pattern; null if there is none, or it is no JSON.
    pub pattern: Value,
}

/// Where a rule leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The ARN of the target.
    pub arn: String,
    /// What it gets in place of the event: `Input`, `InputPath` or `InputTransformer`; null if it gets the event.
    pub input: Value,
}

/// A function of Lambda.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionData {
    /// What `GetFunctionConfiguration` answers.
    pub configuration: Value,
    /// How many may run at once, if that is reserved.
    pub concurrency: Option<i64>,
    /// What `GetFunctionEventInvokeConfig` answers; null if nothing is set.
    pub invocation: Value,
}

/// What `GetSchedule` of EventBridge Scheduler answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleData(pub Value);

/// An alarm of CloudWatch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlarmData {
    /// Its name.
    pub name: String,
    /// It tells somebody.
    pub actions_enabled: bool,
    /// Whom it tells when it goes off.
    pub actions: Vec<String>,
    /// `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// What it looks at, when it goes off, and whom it tells.
    pub definition: Value,
}

/// The name of a metric of CloudWatch within its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MetricName {
    /// `SuccessfulRequest`
    pub name: String,
    /// Names and values of its dimensions.
    pub dimensions: Vec<(String, String)>,
}

/// A value of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// The beginning of the period that it is of.
    pub at: Timestamp,
    /// The value.
    pub value: f64,
}

/// A rule that mutes alarms of CloudWatch, now or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MuteRule {
    /// Its name.
    pub name: String,
    /// The alarms that it mutes.
    pub alarms: Vec<String>,
    /// When: `at(…)` or `cron(…)`.
    pub expression: Option<String>,
    /// For how long: `PT8H`.
    pub duration: Option<String>,
}

/// A trail of CloudTrail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrailData {
    /// Its ARN.
    pub arn: String,
    /// It is logging.
    pub logging: bool,
    /// What `GetEventSelectors` answers.
    pub selectors: Value,
}
