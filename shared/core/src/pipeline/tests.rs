//! The pipeline on fakes of its ports.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::about::LastUseStatus;
use crate::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags};
use crate::arn::{KeyArn, KeyStoreId};
use crate::config::Config;
use crate::decision::{Decision, Occurrence};
use crate::enrichment::EnrichmentStatus;
use crate::fakes::{FakeClock, FakeKms, FakeLedger, FakeTopics};
use crate::key::{Origin, State};
use crate::kinds::{KeyDeleted, KeyDeletionScheduled, KeyRotated, Kind};
use crate::ports::{CallError, Clock};
use crate::render;
use crate::severity::Severity;
use crate::text::Untrusted;

mod access;
mod again;
mod alarm;
mod burst;
mod bus;
mod costs;
mod deletion;
mod digest;
mod follow;
mod ledger;
mod low;
mod planned;
mod protected;
mod repeats;
mod stages;
mod story;
mod sweep;
mod trust;

const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A function that reports every deletion event of KMS.
fn decide(event: &Event) -> Decision {
    match event {
        Event::Kms(event) => Occurrence::of_kms_event(event, KeyDeleted::default()).into(),
        _ => Decision::not_mine(event),
    }
}

fn config(variables: &[(&str, &str)]) -> Config {
    let topic = |name| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let mut map: BTreeMap<_, _> = variables
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    map.insert("ALERT_TOPIC_ARN", topic("people"));
    map.entry("CHAT_TOPIC_ARN").or_insert_with(|| topic("chat"));
    map.entry("FEED_TOPIC_ARN").or_insert_with(|| topic("feed"));
    Config::from_lookup(|name| map.get(name).cloned(), &[]).unwrap()
}

/// A function on fakes.
type FakeWatch = Watch<FakeKms, FakeTopics, FakeLedger, FakeClock>;

fn watch(kms: FakeKms, variables: &[(&str, &str)]) -> FakeWatch {
    let topics = FakeTopics::default();
    Watch {
        function: "test",
        config: config(variables),
        decide,
        kms,
        topics,
        ledger: None,
        clock: FakeClock::default(),
    }
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

/// An alert about `kind` on a happy day.
pub(crate) fn alert_about(kind: impl Into<Kind>) -> Alert {
    alert_on(FakeKms::default(), kind, &[])
}

/// An alert about `kind` where KMS gives these answers.
pub(crate) fn alert_from(kms: FakeKms, kind: impl Into<Kind>) -> Alert {
    alert_on(kms, kind, &[])
}

/// Something that happened to the key, told by nobody in particular.
fn occurrence(kind: impl Into<Kind>, call: Option<&str>) -> Occurrence {
    Occurrence {
        kind: kind.into(),
        subject: Subject::Key(ARN.parse().unwrap()),
        occurred_at: Some(at("2026-11-20T10:00:00Z")),
        actor: Some(crate::actor::Actor::kms()),
        source: Source {
            via: Via::Kms,
            event_id: None,
            detail_type: None,
            event_name: None,
            replay: None,
        },
        call_id: call.map(str::to_owned),
        unrecorded: None,
        sender: None,
    }
}

fn alert_on(kms: FakeKms, kind: impl Into<Kind>, variables: &[(&str, &str)]) -> Alert {
    let watch = watch(kms, variables);
    let told = run(watch.tell(occurrence(kind, None), "request"));
    told.unwrap().alerts.remove(0)
}

fn deletion() -> Value {
    json!({
        "id": "7fdfc175", "detail-type": "KMS CMK Deletion", "source": "aws.kms", "account": "111122223333",
        "time": "2026-11-20T10:00:00Z", "region": "us-east-1", "resources": [ARN], "detail": {"key-id": "x"}
    })
}

fn topics_of(watch: &FakeWatch) -> Vec<String> {
    let sent = watch.topics.sent.borrow();
    sent.iter()
        .map(|message| {
            message
                .topic
                .as_str()
                .rsplit(':')
                .next()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn an_occurrence_reaches_every_topic_once() {
    let watch = watch(FakeKms::default(), &[]);
    let outcome = run(watch.handle(&deletion(), "request")).unwrap();
    assert_eq!(
        (outcome.verdict, outcome.alerts.len(), outcome.reason),
        (Verdict::Delivered, 1, None)
    );
    assert_eq!(topics_of(&watch), ["people", "chat", "feed"]);
    let sent = watch.topics.sent.borrow();
    assert_eq!(
        serde_json::from_str::<Value>(&sent[2].body).unwrap(),
        json!(outcome.alerts[0])
    );
    assert!(
        sent[0]
            .subject
            .as_ref()
            .unwrap()
            .starts_with("HIGH: alias/payments permanently deleted on ")
    );
}

#[test]
fn no_answer_of_kms_stops_an_alert() {
    for (kms, status, reason) in [
        (
            FakeKms::failing("AccessDeniedException", "no"),
            EnrichmentStatus::Unavailable,
            "AccessDeniedException: no",
        ),
        (
            FakeKms::failing("ThrottlingException", ""),
            EnrichmentStatus::Unavailable,
            "ThrottlingException",
        ),
        (
            FakeKms {
                delay: Duration::from_secs(60),
                ..FakeKms::default()
            },
            EnrichmentStatus::Unavailable,
            "Timeout: no answer within 2000 ms",
        ),
        (
            FakeKms {
                tags: Err(CallError::new("AccessDeniedException", "no")),
                ..FakeKms::default()
            },
            EnrichmentStatus::Partial,
            "AccessDeniedException: no",
        ),
    ] {
        let watch = watch(kms, &[]);
        let alert = run(watch.handle(&deletion(), "request"))
            .unwrap()
            .alerts
            .remove(0);
        assert_eq!(alert.enrichment.status, status);
        assert_eq!(alert.enrichment.missing[0].reason.as_str(), reason);
        assert_eq!(topics_of(&watch).len(), 3);
    }
}

#[test]
fn a_failed_topic_fails_the_invocation_but_not_the_other_topics() {
    let watch = watch(FakeKms::default(), &[]);
    *watch.topics.broken.borrow_mut() = vec!["people"];
    let error = run(watch.handle(&deletion(), "request")).unwrap_err();
    assert_eq!(error.kind(), "PublishFailed");
    assert_eq!(
        error.to_string(),
        "failed to tell 1 of 1 occurrences: arn:aws:sns:us-east-1:111122223333:people: \
         KMSDisabledException: the topic's key is disabled"
    );
    assert_eq!(topics_of(&watch), ["chat", "feed"]);
}

#[test]
fn people_hear_of_their_level_and_above_and_the_feed_of_everything() {
    for (variables, topics, verdict) in [
        (
            vec![("MINIMUM_SEVERITY", "CRITICAL")],
            vec!["feed"],
            Verdict::Delivered,
        ),
        (
            vec![("MINIMUM_SEVERITY", "HIGH")],
            vec!["people", "chat", "feed"],
            Verdict::Delivered,
        ),
        (
            vec![("SEVERITY_OVERRIDES", "KeyDeleted=OFF")],
            vec!["feed"],
            Verdict::Delivered,
        ),
        (
            vec![("SEVERITY_OVERRIDES", "KeyDeleted=INFO")],
            vec!["feed"],
            Verdict::Delivered,
        ),
        (
            vec![
                ("SEVERITY_OVERRIDES", "KeyDeleted=OFF"),
                ("FEED_TOPIC_ARN", ""),
            ],
            vec![],
            Verdict::Suppressed,
        ),
    ] {
        let watch = watch(FakeKms::default(), &variables);
        assert_eq!(
            run(watch.handle(&deletion(), "request")).unwrap().verdict,
            verdict
        );
        assert_eq!(topics_of(&watch), topics, "{variables:?}");
    }
}

#[test]
fn what_is_critical_cannot_be_turned_down() {
    let kms = || FakeKms::used_at("2026-11-19T10:00:00Z");
    for variables in [
        [("SEVERITY_OVERRIDES", "KeyDeleted=OFF")],
        [("SEVERITY_OVERRIDES", "KeyDeleted=LOW")],
        [("MINIMUM_SEVERITY", "CRITICAL")],
    ] {
        let watch = watch(kms(), &variables);
        let outcome = run(watch.handle(&deletion(), "request")).unwrap();
        assert_eq!(outcome.alerts[0].severity, Severity::Critical);
        assert_eq!(topics_of(&watch).len(), 3, "{variables:?}");
    }
}

#[test]
fn an_unreadable_event_is_told_with_its_reason_and_beginning() {
    let long = json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": {"pad": "x".repeat(1 << 20)}});
    for (payload, reason) in [
        (json!({}), "the JSON is no event: no source"),
        (json!("\u{202E}<b>"), "the JSON is no event: not an object"),
        (
            json!({"Records": []}),
            "the message batch holds no event: no messages",
        ),
        (long, "the event names no key"),
    ] {
        let watch = watch(FakeKms::default(), &[]);
        let outcome = run(watch.handle(&payload, "request")).unwrap();
        assert_eq!(outcome.verdict, Verdict::Delivered);
        let alert = json!(outcome.alerts[0]);
        assert_eq!(alert["kind"], "UnreadableEvent");
        // A deletion of which nothing can be read is no small thing.
        let names = &alert["details"]["eventName"];
        let severity = if names == "KMS CMK Deletion" {
            "HIGH"
        } else {
            "MEDIUM"
        };
        assert_eq!(alert["severity"], severity, "{names}");
        assert_eq!(alert["details"]["reason"], reason);
        assert!(
            alert["details"]["excerpt"]
                .as_str()
                .unwrap()
                .chars()
                .count()
                <= 1_024
        );
        assert_eq!(topics_of(&watch), ["people", "chat", "feed"]);
        assert!(
            watch
                .topics
                .sent
                .borrow()
                .iter()
                .all(|message| message.body.len() < 20_000)
        );
    }
}

#[test]
fn the_event_of_another_function_is_ignored_with_a_reason() {
    let watch = watch(FakeKms::default(), &[]);
    let event = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    let outcome = run(watch.handle(&event, "request")).unwrap();
    assert_eq!(
        json!(outcome),
        json!({"outcome": "ignored", "alerts": [], "reason":
            "Scheduled Event of aws.events is not watched by this function"})
    );
    assert_eq!(topics_of(&watch).len(), 0);
}

#[test]
fn a_batch_gives_each_of_its_alerts_and_fails_as_a_whole() {
    let record = |event: &Value| json!({"messageId": "m", "eventSource": "aws:sqs", "body": event.to_string()});
    let noise = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    let batch = json!({"Records": [record(&deletion()), record(&noise), record(&json!({}))]});
    let watch = watch(FakeKms::default(), &[]);
    let outcome = run(watch.handle(&batch, "request")).unwrap();
    let kinds: Vec<_> = outcome.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(
        (outcome.verdict, kinds),
        (Verdict::Delivered, vec!["KeyDeleted", "UnreadableEvent"])
    );
    *watch.topics.broken.borrow_mut() = vec!["feed"];
    let error = run(watch.handle(&batch, "request")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("failed to tell 2 of 2 occurrences"),
        "{error}"
    );
}

#[test]
fn without_a_time_the_clock_tells_when() {
    let mut event = deletion();
    event["time"] = json!("yesterday");
    let outcome = run(watch(FakeKms::default(), &[]).handle(&event, "request")).unwrap();
    assert_eq!(outcome.alerts[0].occurred_at, FakeClock::default().now());
}

#[test]
fn the_severity_of_a_scheduled_deletion_follows_the_last_use() {
    let never = LastUsage {
        created_at: Some(at("2026-05-01T00:00:00Z")),
        tracked_since: Some(at("2026-05-01T00:00:00Z")),
        used: None,
    };
    let unknown = LastUsage {
        created_at: Some(at("2020-05-01T00:00:00Z")),
        ..never.clone()
    };
    let last_usage = |usage| FakeKms {
        last_usage: Ok(usage),
        ..FakeKms::default()
    };
    let denied = FakeKms {
        last_usage: Err(CallError::new("AccessDenied", "")),
        ..FakeKms::default()
    };
    for (kms, severity, status) in [
        (
            FakeKms::used_at("2026-10-21T10:00:00Z"),
            Severity::Critical,
            Some(LastUseStatus::Used),
        ),
        (
            FakeKms::used_at("2026-10-21T09:59:59Z"),
            Severity::High,
            Some(LastUseStatus::Used),
        ),
        (
            FakeKms::used_at("2026-08-22T10:00:00Z"),
            Severity::High,
            Some(LastUseStatus::Used),
        ),
        (
            FakeKms::used_at("2026-08-22T09:59:59Z"),
            Severity::Medium,
            Some(LastUseStatus::Used),
        ),
        // Since the event is late, the use may be later than it.
        (
            FakeKms::used_at("2026-11-20T10:30:00Z"),
            Severity::Critical,
            Some(LastUseStatus::Used),
        ),
        (
            last_usage(never),
            Severity::Medium,
            Some(LastUseStatus::NeverUsed),
        ),
        (
            last_usage(unknown),
            Severity::High,
            Some(LastUseStatus::Unknown),
        ),
        (
            last_usage(LastUsage::default()),
            Severity::High,
            Some(LastUseStatus::Unknown),
        ),
        (denied, Severity::High, None),
    ] {
        let alert = alert_on(kms, KeyDeletionScheduled::default(), &[]);
        assert_eq!(alert.severity, severity, "{:?}", alert.key);
        assert_eq!(
            alert.key.unwrap().last_use.map(|last_use| last_use.status),
            status
        );
    }
}

#[test]
fn a_deletion_is_critical_only_if_the_key_was_in_use_when_it_was_scheduled() {
    let deleted = |scheduled: Option<&str>| KeyDeleted {
        scheduled_by: None,
        scheduled_at: scheduled.map(at),
    };
    for (used, scheduled, severity) in [
        // Seven days at least lie between scheduling and deletion, so 37 days are 30 for sure.
        ("2026-10-14T10:00:00Z", None, Severity::Critical),
        ("2026-10-14T09:59:59Z", None, Severity::High),
        (
            "2026-10-01T00:00:00Z",
            Some("2026-10-20T00:00:00Z"),
            Severity::Critical,
        ),
        (
            "2026-09-01T00:00:00Z",
            Some("2026-10-20T00:00:00Z"),
            Severity::High,
        ),
    ] {
        let alert = alert_on(FakeKms::used_at(used), deleted(scheduled), &[]);
        assert_eq!(alert.severity, severity, "{used} {scheduled:?}");
    }
}

#[test]
fn rotation_is_missing_only_where_a_key_can_rotate() {
    let denied = || CallError::new("AccessDeniedException", "");
    let rsa = Metadata {
        spec: Some(Untrusted::new("RSA_2048")),
        ..FakeKms::default().metadata.unwrap()
    };
    let store = Metadata {
        origin: Some(Origin::ExternalKeyStore),
        ..FakeKms::default().metadata.unwrap()
    };
    for (metadata, error, missing) in [
        (FakeKms::default().metadata, denied(), 1),
        (Ok(rsa), denied(), 0),
        (Ok(store), denied(), 0),
        (
            FakeKms::default().metadata,
            CallError::new("UnsupportedOperationException", ""),
            0,
        ),
        (
            FakeKms::default().metadata,
            CallError::new("KMSInvalidStateException", ""),
            0,
        ),
    ] {
        let kms = FakeKms {
            metadata,
            rotation: Err(error),
            ..FakeKms::default()
        };
        let alert = alert_on(kms, KeyRotated::default(), &[]);
        assert_eq!(alert.enrichment.missing.len(), missing);
    }
}

#[test]
fn the_owner_is_found_by_its_tag_the_exact_spelling_first() {
    let tag = |key: &str, value: &str| (Untrusted::new(key), Untrusted::new(value));
    for (tags, variables, owner) in [
        (
            vec![tag("OWNER", "upper"), tag("Owner", "exact")],
            vec![],
            Some("exact"),
        ),
        (vec![tag("OWNER", "upper")], vec![], Some("upper")),
        (vec![tag("Owner", "")], vec![], None),
        (
            vec![tag("Owner", "o"), tag("team", "t")],
            vec![("OWNER_TAG_KEY", "Team")],
            Some("t"),
        ),
        (vec![], vec![], None),
    ] {
        let kms = FakeKms {
            tags: Ok(tags.into_iter().collect()),
            ..FakeKms::default()
        };
        let alert = alert_on(kms, KeyRotated::default(), &variables);
        let attributes: BTreeMap<_, _> = render::attributes(&alert).into_iter().collect();
        assert_eq!(attributes["owner"], owner.unwrap_or("UNKNOWN"));
        assert_eq!(
            alert
                .key
                .unwrap()
                .owner
                .map(|owner| owner.as_str().to_owned())
                .as_deref(),
            owner
        );
    }
}

#[test]
fn tellings_of_one_occurrence_share_an_identity_and_other_ones_do_not() {
    let rotated = |material: Option<&str>| {
        Kind::from(KeyRotated {
            current_key_material_id: material.map(str::to_owned),
            ..KeyRotated::default()
        })
    };
    let identity = |kind: Kind, call| occurrence(kind, call).identity();
    assert_eq!(
        identity(rotated(Some("m")), Some("event 1")),
        identity(rotated(Some("m")), None)
    );
    assert_ne!(
        identity(rotated(Some("m")), None),
        identity(rotated(Some("n")), None)
    );
    let scheduled = || Kind::from(KeyDeletionScheduled::default());
    assert_ne!(
        identity(scheduled(), Some("call 1")),
        identity(scheduled(), Some("call 2"))
    );
    let (early, late) = (at("2026-11-20T10:00:00Z"), at("2026-11-22T10:00:00Z"));
    let one = occurrence(rotated(None), None);
    assert_eq!(one.alert_id(early), one.alert_id(early));
    assert_ne!(one.alert_id(early), one.alert_id(late));
}

#[test]
fn the_order_of_members_does_not_change_what_an_unreadable_event_is() {
    let id = |text: &str| {
        let event: Value = serde_json::from_str(text).unwrap();
        let alert = run(watch(FakeKms::default(), &[]).handle(&event, "request"))
            .unwrap()
            .alerts
            .remove(0);
        alert.id
    };
    let one = id(r#"{"b": [{"d": 1, "c": 2}], "a": null}"#);
    assert_eq!(one, id(r#"{"a": null, "b": [{"c": 2, "d": 1}]}"#));
    assert_ne!(one, id(r#"{"a": null, "b": [{"c": 2, "d": 3}]}"#));
}

#[test]
fn a_replay_says_so_first() {
    let mut event = deletion();
    event["replay-name"] = json!("after-the-outage");
    let alert = run(watch(FakeKms::default(), &[]).handle(&event, "request"))
        .unwrap()
        .alerts
        .remove(0);
    let summary = alert.summary.plain();
    let first = "This is a replay (after-the-outage) of what happened on 2026-11-20 10:00 UTC. ";
    assert!(summary.starts_with(first), "{summary}");
}

#[test]
fn rotation_that_kms_denies_while_a_deletion_is_pending_is_not_called_off() {
    let body = |state: State| {
        let metadata = Metadata {
            state: Some(state),
            ..FakeKms::default().metadata.unwrap()
        };
        let rotation = Ok(RotationStatus::default());
        let kms = FakeKms {
            metadata: Ok(metadata),
            rotation,
            ..FakeKms::default()
        };
        render::people(&alert_on(kms, KeyDeletionScheduled::default(), &[]))
    };
    assert!(body(State::PendingDeletion).contains("reads as off while the deletion is pending"));
    assert!(body(State::Disabled).contains("Rotation   off"));
}
