//! The alert: the one thing that KMS Watch makes. Its JSON is what stands on the feed.
//!
//! Every member is always there, `null` where it is unknown or has no meaning.

use jiff::Timestamp;
use serde::Serialize;

use crate::actor::Actor;
use crate::arn::{AccountId, KeyArn, Partition, Region};
use crate::key::{Manager, MultiRegion, Origin, State};
use crate::kinds::Kind;
use crate::ports::Tags;
use crate::severity::Severity;
use crate::text::{Text, Untrusted};

/// Version of the alert's JSON. New members, kinds and values raise the minor number, removals the major one.
pub const SCHEMA_VERSION: &str = "1.0";

/// One alert about one occurrence.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// Version of this JSON, `1.0`.
    pub schema_version: &'static str,
    /// Hash of what happened, to what, and when. The same alert sent twice has the same id.
    pub id: String,
    /// Kind of alert, such as `KeyDeletionScheduled`.
    pub kind: &'static str,
    /// Urgency.
    pub severity: Severity,
    /// One line: what happened to what.
    pub title: Text,
    /// Some sentences: what, who, what it breaks, until when it can be undone.
    pub summary: Text,
    /// When it happened, as AWS recorded it.
    pub occurred_at: Timestamp,
    /// Account that owns what the alert is about.
    pub account: Option<AccountId>,
    /// Region of what the alert is about.
    pub region: Option<Region>,
    /// AWS partition: `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: Partition,
    /// The key, `null` if the alert is not about one key.
    pub key: Option<Key>,
    /// The custom key store, `null` if the alert is not about one.
    pub key_store: Option<KeyStore>,
    /// Who did it, `null` if nobody did.
    pub actor: Option<Actor>,
    /// What only this kind of alert has to say.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "serde_json::Map<String, serde_json::Value>")
    )]
    pub details: Kind,
    /// What to do, most urgent first.
    pub next_steps: Vec<Step>,
    /// Pages of the AWS console.
    pub links: Links,
    /// How much of the alert was asked of KMS, and what is missing.
    pub enrichment: Enrichment,
    /// Where the news came from.
    pub source: Source,
}

impl Alert {
    /// The owner of the key or keys that it is about.
    pub fn owner(&self) -> Option<&Untrusted> {
        match &self.details {
            Kind::Burst(burst) => burst.owner.as_ref(),
            _ => self.key.as_ref().and_then(|key| key.owner.as_ref()),
        }
    }
}

/// What is known of the key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// Key id.
    pub id: String,
    /// Key ARN.
    pub arn: KeyArn,
    /// Names of the key, each with its `alias/` prefix.
    pub aliases: Option<Vec<Untrusted>>,
    /// Free text of the owner.
    pub description: Option<Untrusted>,
    /// Value of the tag that names the owner.
    pub owner: Option<Untrusted>,
    /// State of the key, as KMS says now.
    pub state: Option<State>,
    /// Who manages the key.
    pub manager: Option<Manager>,
    /// Where its material comes from.
    pub origin: Option<Origin>,
    /// Key spec, such as `SYMMETRIC_DEFAULT`.
    pub spec: Option<Untrusted>,
    /// Key usage, such as `ENCRYPT_DECRYPT`.
    pub usage: Option<Untrusted>,
    /// Creation.
    pub created_at: Option<Timestamp>,
    /// Earliest deletion, of a key that is pending deletion.
    pub deletion_at: Option<Timestamp>,
    /// Earliest expiry of imported material.
    pub expires_at: Option<Timestamp>,
    /// Custom key store that holds the key.
    pub custom_key_store_id: Option<Untrusted>,
    /// Related multi-Region keys.
    pub multi_region: Option<MultiRegion>,
    /// Tags of the key.
    pub tags: Option<Tags>,
    /// Automatic rotation, of keys that can have it.
    pub rotation: Option<Rotation>,
    /// Last cryptographic use, asked only where it matters.
    pub last_use: Option<LastUse>,
}

impl Key {
    /// A key of which nothing is known but its name.
    pub fn unknown(arn: KeyArn) -> Self {
        Self {
            id: arn.id().to_owned(),
            arn,
            aliases: None,
            description: None,
            owner: None,
            state: None,
            manager: None,
            origin: None,
            spec: None,
            usage: None,
            created_at: None,
            deletion_at: None,
            expires_at: None,
            custom_key_store_id: None,
            multi_region: None,
            tags: None,
            rotation: None,
            last_use: None,
        }
    }

    /// The name that people know the key by: its first alias, else its id.
    pub fn name(&self) -> Text {
        match self.aliases.as_deref() {
            Some([alias, ..]) => crate::text![alias],
            _ => {
                let mut text = crate::text!["key "];
                // The id's alphabet was checked with the ARN.
                text.push(crate::text::Span::Own(self.id.clone().into()));
                text
            }
        }
    }
}

/// Automatic rotation of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rotation {
    /// Automatic rotation is on. KMS says `false` while a deletion is pending.
    pub enabled: Option<bool>,
    /// Days between rotations.
    pub period_days: Option<u32>,
    /// Next automatic rotation.
    pub next_at: Option<Timestamp>,
    /// Last rotation of any type.
    pub last_at: Option<Timestamp>,
}

/// Whether and when a key was last used (KMS API Reference, GetKeyLastUsage).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastUse {
    /// What is known.
    pub status: LastUseStatus,
    /// Time of the last use, up to an hour late.
    pub at: Option<Timestamp>,
    /// Operation of the last use.
    pub operation: Option<Untrusted>,
    /// CloudTrail event of the last use.
    pub event_id: Option<Untrusted>,
    /// Since when KMS has recorded the use of this key.
    pub tracked_since: Option<Timestamp>,
    /// When this was asked, if it was not just now.
    pub as_of: Option<Timestamp>,
}

/// What KMS's record of a key's use says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum LastUseStatus {
    /// The last use is known.
    Used,
    /// The key is younger than the record, which is empty.
    NeverUsed,
    /// The record is empty but younger than the key.
    Unknown,
}

/// What is known of a custom key store.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStore {
    /// Custom key store id.
    pub id: Untrusted,
    /// Name.
    pub name: Option<Untrusted>,
    /// `AWS_CLOUDHSM` or `EXTERNAL_KEY_STORE`.
    #[serde(rename = "type")]
    pub kind: Option<Untrusted>,
    /// `CONNECTED`, `DISCONNECTED`, `FAILED`, …
    pub connection_state: Option<Untrusted>,
    /// Why the connection failed.
    pub error_code: Option<Untrusted>,
    /// How many keys it holds.
    pub key_count: Option<u64>,
}

impl KeyStore {
    /// The name that people know it by, and its id.
    pub fn name_of(&self) -> Text {
        match &self.name {
            Some(name) => crate::text!["key store ", name, " (", &self.id, ")"],
            None => crate::text!["key store ", &self.id],
        }
    }
}

/// Something to do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Step {
    /// What and why.
    pub text: Text,
    /// A command of the AWS CLI, complete and safe to paste into a POSIX shell.
    pub command: Option<String>,
}

/// Pages of the AWS console, `null` in partitions without a public console.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Links {
    /// The key.
    pub key: Option<String>,
    /// The CloudTrail event.
    pub event: Option<String>,
    /// The CloudWatch alarm.
    pub alarm: Option<String>,
}

/// How much of the alert was asked of KMS.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enrichment {
    /// How much is there.
    pub status: EnrichmentStatus,
    /// Where it comes from.
    pub source: EnrichmentSource,
    /// Age of the snapshot, if it comes from the ledger.
    pub as_of: Option<Timestamp>,
    /// What is not there, and why.
    pub missing: Vec<Missing>,
}

/// How much of what was asked for is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum EnrichmentStatus {
    /// Everything that applies.
    Complete,
    /// Something is missing.
    Partial,
    /// Nothing was answered.
    Unavailable,
}

/// Where what is known of the key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum EnrichmentSource {
    /// KMS, asked now.
    Live,
    /// The last snapshot in the ledger, for all that `missing` names and KMS has forgotten.
    Ledger,
    /// The event alone.
    Event,
}

/// A fact that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missing {
    /// `metadata`, `aliases`, `tags`, `rotation`, `lastRotation`, `lastUse`, `policy`, `keyStore`, `keyCount`; `ledger` if that failed, so that this alert
    /// may come twice.
    pub fact: &'static str,
    /// Why: an error code of AWS and its message.
    pub reason: Untrusted,
}

/// Where the news came from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// The teller.
    pub via: Via,
    /// CloudTrail's id of the record, else EventBridge's of the event.
    pub event_id: Option<Untrusted>,
    /// The event's `detail-type`.
    pub detail_type: Option<Untrusted>,
    /// The operation that CloudTrail recorded.
    pub event_name: Option<Untrusted>,
    /// Name of the EventBridge replay that sent the event again.
    pub replay: Option<Untrusted>,
}

/// Who told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Via {
    /// KMS's own event, or an event that could not be read.
    Kms,
    /// CloudTrail.
    CloudTrail,
    /// A CloudWatch alarm.
    Alarm,
    /// The sweep over all keys.
    Sweep,
}
