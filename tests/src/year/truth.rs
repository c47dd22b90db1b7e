//! What really happened, who was told of it, and what became of it: kept apart from the code under test.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

/// A topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    People,
    Chat,
    Feed,
}

impl Topic {
    pub(super) const ALL: [Self; 3] = [Self::People, Self::Chat, Self::Feed];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Chat => "chat",
            Self::Feed => "feed",
        }
    }
}

/// Something that happened to a key.
#[derive(Debug)]
pub(super) struct Occurrence {
    /// The kind of alert that it is worth.
    pub(super) kind: &'static str,
    /// ARN.
    pub(super) key: String,
    /// The key material that it is about, if it is.
    pub(super) material: Option<String>,
    pub(super) at: Timestamp,
    pub(super) actor: String,
    pub(super) tellings: Vec<Telling>,
    pub(super) messages: Vec<Message>,
    /// Numbers of the invocations that dealt with it.
    pub(super) runs: Vec<usize>,
}

impl Occurrence {
    /// Somebody was told of it at all.
    pub(super) fn was_told(&self) -> bool {
        self.tellings.iter().any(|telling| telling.copies > 0)
    }

    /// A telling that arrived does not say which key material it is about.
    pub(super) fn has_unnamed_telling(&self) -> bool {
        self.tellings
            .iter()
            .any(|telling| telling.copies > 0 && telling.unnamed)
    }

    pub(super) fn key_id(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}

/// An event about it.
#[derive(Debug)]
pub(super) struct Telling {
    /// Ids by which an alert may name it as its source.
    pub(super) ids: Vec<String>,
    /// How often it arrived; never if it was lost.
    pub(super) copies: usize,
    /// It is about key material and does not say which.
    pub(super) unnamed: bool,
}

/// A message that a topic took.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) topic: Topic,
    pub(super) burst: bool,
    pub(super) owner: String,
    /// Beginning of the five minutes in which the event says that it happened.
    pub(super) window: i64,
    /// The invocation that sent it.
    pub(super) run: usize,
    /// It says that the ledger failed.
    pub(super) says_ledger: bool,
    /// It names another key material.
    pub(super) misnamed: bool,
    /// It is of a severity that people do not hear of.
    pub(super) info: bool,
    /// It is CRITICAL: what another invocation is said to have served does not count.
    pub(super) critical: bool,
}

/// How an invocation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End {
    Running,
    Delivered,
    Duplicate,
    Suppressed,
    Ignored,
    /// With an error, so that Lambda tries again.
    Failed,
    Killed,
    TimedOut,
}

impl End {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Delivered => "delivered",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Killed => "killed",
            Self::TimedOut => "timed out",
        }
    }
}

/// One invocation.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) unnamed: bool,
    /// Virtual milliseconds since the beginning.
    pub(super) started: u128,
    pub(super) ended: u128,
    pub(super) end: End,
    /// Topics that took a message whose sender never learned so.
    pub(super) unanswered: Vec<Topic>,
    /// What the log says went wrong with the ledger.
    pub(super) ledger_failures: Vec<String>,
    /// A call to DynamoDB met a fault.
    pub(super) ledger_fault: bool,
    /// The mark of delivery is in the ledger.
    pub(super) marked: bool,
    /// KMS listed the key's material.
    pub(super) materials_known: bool,
    pub(super) reads: u64,
    pub(super) writes: u64,
}

/// The book of a year.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) runs: Vec<Run>,
    /// Calls by service, and faults by service and nature.
    pub(super) calls: BTreeMap<&'static str, u64>,
    pub(super) faults: BTreeMap<String, u64>,
    /// Events that nobody is to be told of.
    pub(super) noise: u64,
    /// Alerts about nothing that happened, or about something else, in words.
    pub(super) wrong: Vec<String>,
    pub(super) retries: u64,
    pub(super) redriven: u64,
    pub(super) duplicates: u64,
    pub(super) mass_actions: u64,
}

/// The book, as all hold it.
#[derive(Clone, Debug, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

impl Book {
    pub(super) fn open(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an event tells of.
pub(super) struct Told {
    pub(super) kind: &'static str,
    pub(super) key: String,
    /// The call's id; what KMS does by itself has none in common.
    pub(super) call: Option<String>,
    pub(super) id: String,
    pub(super) material: Option<String>,
}

/// Reads an event of the embedded AWS; `None` if it is nothing to be told of.
pub(super) fn read(event: &Value) -> Option<Told> {
    let detail = &event["detail"];
    let text = |value: &Value| value.as_str().map(str::to_owned);
    if !detail["errorCode"].is_null() {
        return None;
    }
    if let Some(name) = detail["eventName"].as_str() {
        let kind = match name {
            "ScheduleKeyDeletion" => "KeyDeletionScheduled",
            "CancelKeyDeletion" => "KeyDeletionCancelled",
            "EnableKeyRotation" => "KeyRotationEnabled",
            "DisableKeyRotation" => "KeyRotationDisabled",
            "RotateKeyOnDemand" => "KeyRotationRequested",
            "ImportKeyMaterial" => "KeyMaterialImported",
            "DeleteImportedKeyMaterial" => "KeyMaterialDeleted",
            "RotateKey" => "KeyRotated",
            "DeleteExpiredKeyMaterial" => "KeyMaterialExpired",
            "DeleteKey" => "KeyDeleted",
            _ => return None,
        };
        let id = text(&detail["eventID"])?;
        let by_kms = detail["eventType"] == "AwsServiceEvent";
        let material = match name {
            "RotateKey" => &detail["serviceEventDetails"]["currentKeyMaterialId"],
            "DeleteExpiredKeyMaterial" => &detail["serviceEventDetails"]["keyMaterialId"],
            _ => &Value::Null,
        };
        return Some(Told {
            kind,
            key: text(&detail["resources"][0]["ARN"])?,
            call: (!by_kms).then(|| id.clone()),
            id,
            material: text(material),
        });
    }
    let (kind, material) = match event["detail-type"].as_str()? {
        "KMS CMK Deletion" => ("KeyDeleted", &Value::Null),
        "KMS CMK Rotation" => ("KeyRotated", &detail["current-key-material-id"]),
        "KMS Imported Key Material Expiration" => {
            ("KeyMaterialExpired", &detail["key-material-id"])
        }
        _ => return None,
    };
    Some(Told {
        kind,
        key: text(&event["resources"][0])?,
        call: None,
        id: text(&event["id"])?,
        material: text(material),
    })
}

/// Gives an event the shape from before 2025, without the ids of key material.
pub(super) fn age(event: &mut Value) {
    let detail = &mut event["detail"];
    if detail["eventName"].is_null() {
        *detail = json!({"key-id": detail["key-id"]});
        return;
    }
    if detail["serviceEventDetails"].is_object() {
        detail["serviceEventDetails"] = json!({"keyId": detail["serviceEventDetails"]["keyId"]});
    }
    if let Some(parameters) = detail["requestParameters"].as_object_mut() {
        for member in ["keyMaterialId", "importType", "keyMaterialDescription"] {
            parameters.remove(member);
        }
    }
    if detail["responseElements"].get("keyMaterialId").is_some() {
        detail["responseElements"] = Value::Null;
    }
}

/// The beginning of the five minutes around `at`.
pub(super) fn window(at: Timestamp) -> i64 {
    at.as_second() - at.as_second().rem_euclid(300)
}
