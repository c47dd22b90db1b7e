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
    /// How an attacker tried to hide it, if one did it.
    pub(super) ruse: Option<&'static str>,
    /// The owner from whom it was to be kept by another tag.
    pub(super) owner: Option<String>,
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
        id_of(&self.key)
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
    /// The invocation that sent it.
    pub(super) run: usize,
    /// When, in virtual milliseconds since the beginning.
    pub(super) at: u128,
    /// It says that the ledger failed.
    pub(super) says_ledger: bool,
    /// It names another key material.
    pub(super) misnamed: bool,
    /// It is of a severity that people do not hear of.
    pub(super) info: bool,
}

/// A message that names several things.
#[derive(Debug)]
pub(super) struct BurstMail {
    pub(super) topic: Topic,
    /// When, in virtual milliseconds since the beginning.
    pub(super) at: u128,
    pub(super) text: String,
}

/// A message of a sweep, which no event led to.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: String,
    /// As in the message's attribute.
    pub(super) key_id: String,
    pub(super) when: Timestamp,
    /// The event that CloudTrail's history had, as the feed says.
    pub(super) event: Option<String>,
    pub(super) message: Message,
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
    /// Lambda asks again.
    pub(super) fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Killed | Self::TimedOut)
    }

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
    /// A sweep, and no event's.
    pub(super) sweep: bool,
    /// Lambda's name of the invocation, which its own attempts share.
    pub(super) request: String,
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
    /// It closed the window of a burst.
    pub(super) closes: bool,
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
    /// Attackers' plans.
    pub(super) attacks: u64,
    /// Messages about several things at once, in the order in which the topics took them.
    pub(super) burst_mails: Vec<BurstMail>,
    /// What sweeps told.
    pub(super) found: Vec<Found>,
    /// What sweeps told of that is no occurrence of this book, by kind.
    pub(super) due: BTreeMap<String, u64>,
    /// When sweeps told that the access to a key, by its id, is not as it was known.
    pub(super) drifted: BTreeMap<String, Vec<Timestamp>>,
    /// ARNs of keys of which the ledger holds forged items, and since when.
    pub(super) poisoned: BTreeMap<String, u128>,
    /// Items that were forged.
    pub(super) forged: u64,
}

/// What only a sweep tells: nothing happens when it is due.
const OF_SWEEPS: [&str; 5] = [
    "KeyDeletionNear",
    "KeyMaterialExpiring",
    "KeyAccessDrifted",
    "KeyRotationOverdue",
    "InventoryDigest",
];

impl Pages {
    /// Puts what sweeps told with the occurrences that it is about.
    pub(super) fn sort(&mut self) {
        let mut by_event = BTreeMap::new();
        let mut by_key: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (number, occurrence) in self.occurrences.iter().enumerate() {
            let ids = occurrence.tellings.iter().flat_map(|telling| &telling.ids);
            by_event.extend(ids.map(|id| (id.clone(), number)));
            let place = (occurrence.kind.to_owned(), occurrence.key_id().to_owned());
            by_key.entry(place).or_default().push(number);
        }
        let mut found = std::mem::take(&mut self.found);
        // The feed says which event it was; the other messages of the alert do not.
        let mut exact = BTreeMap::new();
        for found in &found {
            if let Some(number) = found.event.as_ref().and_then(|event| by_event.get(event)) {
                let place = (found.message.run, found.kind.clone(), found.key_id.clone());
                exact.insert(place, *number);
            }
        }
        for found in found.drain(..) {
            let Found {
                kind,
                key_id,
                when,
                message,
                ..
            } = found;
            let same = by_key.get(&(kind.clone(), key_id.clone()));
            let latest = same.and_then(|same| {
                let before = |number: &&usize| self.occurrences[**number].at <= when;
                same.iter().rev().find(before).copied()
            });
            let number = exact.get(&(message.run, kind.clone(), key_id.clone()));
            match number.copied().or(latest) {
                Some(number) => {
                    let occurrence = &mut self.occurrences[number];
                    if !occurrence.runs.contains(&message.run) {
                        occurrence.runs.push(message.run);
                    }
                    occurrence.messages.push(message);
                }
                None if OF_SWEEPS.contains(&kind.as_str()) => {
                    if kind == "KeyAccessDrifted" {
                        self.drifted.entry(key_id).or_default().push(when);
                    }
                    if message.topic == Topic::Feed {
                        *self.due.entry(kind).or_default() += 1;
                    }
                }
                None => self
                    .wrong
                    .push(format!("{kind} of {key_id} by a sweep at {when}")),
            }
        }
    }
}

/// The id in the ARN of a key, as alerts have it in their attributes.
pub(super) fn id_of(key: &str) -> &str {
    match key.rsplit('/').next() {
        None | Some("") => "NONE",
        Some(id) => id,
    }
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
        return failed_use(detail);
    }
    if detail["eventSource"].is_string() && detail["eventSource"] != "kms.amazonaws.com" {
        let id = text(&detail["eventID"])?;
        return Some(Told {
            kind: "WatchChanged",
            key: String::new(),
            call: Some(id.clone()),
            id,
            material: None,
        });
    }
    if let Some(name) = detail["eventName"].as_str() {
        let kind = kind_of(name)?;
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

/// The kind of alert that a call is worth.
fn kind_of(name: &str) -> Option<&'static str> {
    Some(match name {
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
        "EnableKey" => "KeyEnabled",
        "DisableKey" => "KeyDisabled",
        "PutKeyPolicy" => "KeyPolicyChanged",
        "CreateGrant" => "GrantCreated",
        "TagResource" => "KeyTagsChanged",
        "ReplicateKey" => "KeyReplicated",
        "CreateKey" => "KeyCreated",
        _ => return None,
    })
}

/// The use of a key that cannot be used: once for each role, operation and hour.
fn failed_use(detail: &Value) -> Option<Told> {
    let code = detail["errorCode"].as_str()?;
    if detail["eventName"] != "GenerateDataKey"
        || !(code.starts_with("KMSInvalidState") || code.starts_with("Disabled"))
    {
        return None;
    }
    let identity = &detail["userIdentity"];
    let issuer = identity["sessionContext"]["sessionIssuer"]["arn"].as_str();
    let who = issuer.or(identity["arn"].as_str()).unwrap_or_default();
    let hour = detail["eventTime"].as_str()?.get(..13)?;
    Some(Told {
        kind: "UnusableKeyUsed",
        key: detail["resources"][0]["ARN"].as_str()?.to_owned(),
        call: Some(format!("{who} {hour}")),
        id: detail["eventID"].as_str()?.to_owned(),
        material: None,
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
