//! From a difference to the occurrence that an event would have told of: by CloudTrail's record of the call, if there is
//! one, else by what KMS says now.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_core::actor::Actor;
use watch_core::arn::KeyArn;
use watch_core::decision::{Decide, Decision, Occurrence};
use watch_core::event::Event;
use watch_core::key::State;
use watch_core::kinds::{
    KeyDeletionCancelled, KeyDeletionScheduled, KeyDisabled, KeyEnabled, KeyMaterialDeleted,
    KeyMaterialExpired, KeyMaterialImported, KeyRotated, Kind,
};
use watch_core::ledger::Profile;
use watch_core::ledger::profile::{Held, Swept};
use watch_core::ports::Trail;
use watch_core::source::Via;
use watch_core::subject::Subject;

/// Whoever read the key just after a call may have read its old state.
const SLACK: SignedDuration = SignedDuration::from_mins(5);
/// How far back calls are looked up at least, so that one look serves many keys.
const BACK: SignedDuration = SignedDuration::from_hours(15 * 24);
/// CloudTrail keeps 90 days (CloudTrail User Guide, event history).
const HISTORY: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Pages of 50 records that are read of one operation.
const PAGES: usize = 20;
/// `LookupEvents` has a quota of two requests a second for the account (CloudTrail API Reference, LookupEvents).
const PAUSE: Duration = Duration::from_millis(600);

/// The operations that may have made a difference of a kind. None of what KMS does by itself.
pub fn operation(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "KeyDeletionScheduled" => "ScheduleKeyDeletion",
        "KeyDeletionCancelled" => "CancelKeyDeletion",
        "KeyDisabled" => "DisableKey",
        "KeyEnabled" => "EnableKey",
        "KeyMaterialDeleted" => "DeleteImportedKeyMaterial",
        "KeyMaterialImported" => "ImportKeyMaterial",
        "KeyVanished" => "DeleteKey",
        _ => return None,
    })
}

/// Since when an operation was asked for, and its records.
type Asked = (Timestamp, Rc<Vec<Value>>);

/// CloudTrail's event history, each operation asked for once in a run.
#[derive(Debug)]
pub struct History<'a, R> {
    trail: &'a R,
    /// By operation.
    known: RefCell<BTreeMap<&'static str, Asked>>,
    until: Timestamp,
}

impl<'a, R: Trail> History<'a, R> {
    /// The history up to `until`.
    pub fn new(trail: &'a R, until: Timestamp) -> Self {
        Self {
            trail,
            known: RefCell::default(),
            until,
        }
    }

    /// The records of `operation` since then or longer, as EventBridge would have sent them, newest first. None if
    /// CloudTrail gives no answer: what happened is told all the same.
    pub async fn records(&self, operation: &'static str, since: Timestamp) -> Rc<Vec<Value>> {
        let earliest = self.until.checked_sub(HISTORY).unwrap_or(since);
        let usual = self.until.checked_sub(BACK).unwrap_or(since);
        let since = since
            .checked_sub(SLACK)
            .unwrap_or(since)
            .min(usual)
            .max(earliest);
        if let Some((from, records)) = self.known.borrow().get(operation)
            && *from <= since
        {
            return Rc::clone(records);
        }
        let mut records = Vec::new();
        let mut token = None;
        for page in 0..PAGES {
            if page > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            let found = self
                .trail
                .lookup_events(operation, since, self.until, token.as_deref())
                .await;
            match found {
                Ok(found) => {
                    records.extend(found.items.into_iter().map(as_event));
                    token = found.next;
                }
                Err(error) => {
                    tracing::warn!(operation, %error, "no answer from CloudTrail's event history");
                    break;
                }
            }
            if token.is_none() {
                break;
            }
        }
        let records = Rc::new(records);
        self.known
            .borrow_mut()
            .insert(operation, (since, Rc::clone(&records)));
        records
    }
}

/// A record in the envelope in which EventBridge delivers it.
fn as_event(record: Value) -> Value {
    let detail_type = if record["eventType"] == "AwsServiceEvent" {
        "AWS Service Event via CloudTrail"
    } else {
        "AWS API Call via CloudTrail"
    };
    let service = record["eventSource"].as_str().unwrap_or_default();
    let source = format!("aws.{}", service.split('.').next().unwrap_or_default());
    json!({
        "version": "0", "id": record["eventID"], "source": source, "detail-type": detail_type,
        "account": record["recipientAccountId"], "time": record["eventTime"], "region": record["awsRegion"],
        "resources": [], "detail": record,
    })
}

/// The call on `key` that made `held`: the last one whose kind is the one that is looked for, since the key was known otherwise.
pub fn recorded(
    records: &[Value],
    decides: &[Decide],
    key: &KeyArn,
    held: &Held,
    is_it: impl Fn(&Kind) -> bool,
) -> Option<Occurrence> {
    let since = held.known_at.checked_sub(SLACK).unwrap_or(held.known_at);
    let until = held.found_at.checked_add(SLACK).unwrap_or(held.found_at);
    let told = records.iter().filter_map(|record| {
        // A record is large, and few are of this key.
        let event = Event::read(record).ok()?;
        let (keys, time) = match &event {
            Event::CloudTrail(call) => (call.key.as_slice(), call.time),
            // One call may share several keys.
            Event::Share(share) => (&share.keys[..], share.record.as_ref()?.time),
            _ => return None,
        };
        let is_of_key = keys.iter().any(|other| other.id() == key.id());
        if !is_of_key || time.is_none_or(|at| at < since || at > until) {
            return None;
        }
        let of_key = |mut occurrence: Box<Occurrence>| {
            occurrence.subject = Subject::Key(key.clone());
            *occurrence
        };
        decides.iter().find_map(|decide| match decide(&event) {
            Decision::Report(occurrence) if is_it(&occurrence.kind) => Some(of_key(occurrence)),
            _ => None,
        })
    });
    let mut occurrence = told.max_by_key(|occurrence| occurrence.occurred_at)?;
    occurrence.source.via = Via::Sweep;
    Some(occurrence)
}

/// What happened to `key`, as far as KMS shows it.
pub fn unrecorded(key: &KeyArn, held: &Held, profile: &Profile) -> Option<Occurrence> {
    let material = Some(held.what.clone()).filter(|id| !id.is_empty());
    let metadata = profile.metadata.as_ref().map(|known| &known.value);
    let kind: Kind = match held.kind.as_str() {
        "KeyDeletionScheduled" => KeyDeletionScheduled {
            waits_for_replicas: metadata
                .is_some_and(|it| it.state == Some(State::PendingReplicaDeletion)),
            pending_window_days: metadata.and_then(|it| it.pending_window_days),
            custom_key_store_id: metadata.and_then(|it| it.custom_key_store_id.clone()),
            ..KeyDeletionScheduled::default()
        }
        .into(),
        "KeyDeletionCancelled" => KeyDeletionCancelled::default().into(),
        "KeyDisabled" => KeyDisabled::default().into(),
        "KeyEnabled" => KeyEnabled::default().into(),
        "KeyMaterialDeleted" => KeyMaterialDeleted {
            key_material_id: material,
        }
        .into(),
        "KeyMaterialImported" => KeyMaterialImported {
            key_material_id: material,
            ..KeyMaterialImported::default()
        }
        .into(),
        "KeyMaterialExpired" => KeyMaterialExpired {
            key_material_id: material,
        }
        .into(),
        "KeyRotated" => KeyRotated {
            previous_key_material_id: previous(profile, &held.what),
            current_key_material_id: material,
            origin: metadata.and_then(|it| it.origin.clone()),
            ..KeyRotated::default()
        }
        .into(),
        _ => return None,
    };
    let of_kms = operation(&held.kind).is_none() || held.happened_at.is_some();
    // KMS's dates have fractions of a second, and those of events have none.
    let happened_at = held.happened_at.unwrap_or(held.found_at);
    let happened_at = Timestamp::from_second(happened_at.as_second()).unwrap_or(happened_at);
    let calls = operation(&held.kind).is_some();
    let actor = of_kms.then(Actor::kms);
    let occurrence = Occurrence::of_sweep(Subject::Key(key.clone()), kind, happened_at, actor);
    Some(Occurrence {
        // A date is not enough: the same may happen again, and the material be the same.
        call_id: calls.then(|| format!("sweep#{}#{}", held.what, held.found_at)),
        unrecorded: calls.then_some(Swept {
            since: held.known_at,
            until: held.found_at,
            told_as: None,
        }),
        ..occurrence
    })
}

/// The material that was current before `current`.
fn previous(profile: &Profile, current: &str) -> Option<String> {
    let materials = &profile.materials.as_ref()?.value;
    let rotated_at = |id: &str| {
        materials
            .iter()
            .find(|it| it.id.as_deref() == Some(id))?
            .rotated_at
    };
    let when = rotated_at(current)?;
    let before = materials
        .iter()
        .filter(|it| it.rotated_at.is_none_or(|at| at < when));
    let before = before.filter(|it| it.id.is_some() && it.id.as_deref() != Some(current));
    before.max_by_key(|it| it.rotated_at)?.id.clone()
}
