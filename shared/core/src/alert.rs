//! The alert: the one thing that KMS Watch makes. Its JSON is what stands on the feed.
//!
//! Every member is always there, `null` where it is unknown or has no meaning.

use jiff::Timestamp;
use serde::Serialize;

use crate::about::{Key, KeyStore};
use crate::actor::Actor;
use crate::arn::{AccountId, Partition, Region};
use crate::dependants::Dependants;
use crate::enrichment::Enrichment;
use crate::kinds::story::Status;
use crate::kinds::{Kind, RescueAction};
use crate::ledger::history::{Entry, Heard};
use crate::severity::Severity;
use crate::source::Source;
use crate::step::Step;
use crate::text::{Text, Untrusted};

/// Version of the alert's JSON. New members, kinds and values raise the minor number, removals the major one.
pub const SCHEMA_VERSION: &str = "1.1";

/// One alert about one occurrence.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Alert {
    /// Version of this JSON, `1.1`.
    pub schema_version: &'static str,
    /// Hash of what happened, to what, and when. The same alert sent twice has the same id.
    pub id: String,
    /// Kind of alert, such as `KeyDeletionScheduled`.
    pub kind: &'static str,
    /// Names the story that the alert is a part of: its subject and a condition of it. What opens a story and what closes it
    /// carry the same.
    pub dedup_key: String,
    /// How that condition stands: `OPEN` until another alert closes it, `CLOSED` because it ended well, `EVENT` where nothing
    /// is to be closed.
    pub status: Status,
    /// Ids of delivered alerts that this one ends, as far as the ledger knows them; at most 20.
    pub resolves: Vec<String>,
    /// Urgency.
    pub severity: Severity,
    /// What makes it that urgent, one short sentence; `null` where the kind alone does.
    pub severity_reason: Option<Text>,
    /// One line: what happened to what.
    pub title: Text,
    /// Some sentences: what, who, what it breaks, until when it can be undone.
    pub summary: Text,
    /// When it happened, as AWS recorded it.
    pub occurred_at: Timestamp,
    /// When KMS Watch heard of it.
    pub observed_at: Timestamp,
    /// The last moment at which the loss can be undone.
    pub undo_until: Option<Timestamp>,
    /// The last moment at which data that depends on the key can be saved, where that is earlier than `undoUntil` or there is
    /// no such moment: databases that lose their key cannot be recovered after some days.
    pub data_deadline: Option<Timestamp>,
    /// Until when databases can be saved, if any depend on the key, whether or not one is known.
    #[serde(skip)]
    pub databases_until: Option<Timestamp>,
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
    /// Who and what depends on the key, where that matters and as far as it is known; else `null`.
    pub dependants: Option<Dependants>,
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
    /// What a button in chat may have KMS Watch do about it.
    #[serde(skip)]
    pub rescue: Option<RescueAction>,
}

impl Alert {
    /// What the history keeps of it.
    pub fn entry(&self, heard: Heard, now: Timestamp) -> Entry {
        Entry {
            alert_id: self.id.clone(),
            occurred_at: self.occurred_at,
            kind: self.kind.to_owned(),
            severity: self.severity.as_str().to_owned(),
            title: Untrusted::bounded(&self.title.plain(), 512),
            name: Untrusted::new(&match (&self.key, &self.key_store) {
                (Some(key), _) => key.name().plain(),
                (None, Some(store)) => store.name_of().plain(),
                (None, None) => self.title.plain(),
            }),
            owner: self.key.as_ref().and_then(|key| key.owner.clone()),
            actor: self.actor.as_ref().map(|actor| actor.name.clone()),
            via: self.source.via.as_str().to_owned(),
            event_name: self.source.event_name.clone(),
            event_id: self.source.event_id.clone(),
            folded: heard != Heard::Alone,
            heard: Some(heard),
            dedup_key: Some(self.dedup_key.clone()),
            deployment: self.details.is_deployment(),
            told_at: now,
        }
    }

    /// What a chat keeps together: all about one key, or one key store. Of the rest a story, or what is of one kind.
    pub fn thread(&self) -> String {
        let place = self.account.as_ref().zip(self.region.as_ref());
        match (&self.key, &self.key_store, place) {
            (Some(key), _, _) => key.arn.to_string(),
            (None, Some(store), Some((account, region))) => {
                format!(
                    "{}/{}/{}",
                    store.id.as_str(),
                    account.as_str(),
                    region.as_str()
                )
            }
            _ => match self.dedup_key.split_once("#event#") {
                Some((account, _)) => format!("{account}#{}", self.kind),
                None => self.dedup_key.clone(),
            },
        }
    }

    /// The owner of the key or keys that it is about.
    pub fn owner(&self) -> Option<&Untrusted> {
        match &self.details {
            Kind::Burst(burst) => burst.owner.as_ref(),
            _ => self.key.as_ref().and_then(|key| key.owner.as_ref()),
        }
    }
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
