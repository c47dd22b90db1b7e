//! What every file of `events/` becomes for people, for chat and for machines, on a fixed set of keys.
//!
//! Drop a file into `events/<function>/` and it is covered: review its snapshot with `cargo insta review`.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

mod keys;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use key_rescue::rescue::Rescue;
use serde_json::{Value, json};
use watch_core::answers::Grant;
use watch_core::config::{Config, RescueConfig};
use watch_core::context;
use watch_core::decision::{Decide, Decision};
use watch_core::event::unwrap;
use watch_core::fakes::{
    FakeClock, FakeLedger, FakeTopics, FakeTrail, FakeVault, Mishap, protected_key,
};
use watch_core::key::State;
use watch_core::ledger::NoLedger;
use watch_core::pipeline::{Following, Outcome, Verdict, Watch};
use watch_core::ports::Message;
use watch_core::schema::{alert_schema, closed_alert_schema};
use watch_core::text::Untrusted;

use watch_sweep::order::Order;

use keys::SampleKeys;

/// Every function with its decisions. A folder of `events/` without a row here fails the test.
const FUNCTIONS: [(&str, Decide); 9] = [
    ("alarm-relay", alarm_relay::decide),
    ("key-activity", key_activity::decide),
    ("key-deletion", key_deletion::decide),
    // What is no order of a sweep.
    ("key-inventory", Decision::not_mine),
    ("key-misuse", key_misuse::decide),
    // It changes keys: see `rescue`.
    (key_rescue::NAME, Decision::not_mine),
    ("key-rotation", key_rotation::decide),
    ("material-expiration", material_expiration::decide),
    ("watch-guard", watch_guard::decide),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Keys that something goes wrong with when key-rescue changes them, and one of a stack that only advises.
const DENIED: &str = "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
const THROTTLED: &str = "e2b90f4d-7c15-4d86-a3f1-0b6c58d29e74";
const ADVISED: &str = "8d21f6c0-5b3e-4a97-b0d4-6e19c7f2a358";

/// What key-rescue makes of an event, on a key that carries the tag and is as the event left it.
fn rescue(event: &Value) -> (Outcome, Vec<Message>) {
    let topic = |name: &str| format!("arn:aws:sns:us-east-1:111122223333:{name}");
    let text = event.to_string();
    let mode = if text.contains(ADVISED) {
        "advise"
    } else {
        "act"
    };
    let actions = "cancel-deletion,enable-rotation,enable-key";
    let lookup = |name: &str| {
        Some(match name {
            "ALERT_TOPIC_ARN" => topic("people"),
            "CHAT_TOPIC_ARN" => topic("chat"),
            "FEED_TOPIC_ARN" => topic("feed"),
            "LEDGER_TABLE" => "kms-watch-Ledger-1A2B".to_owned(),
            "RESCUE_ROLE_ARN" => {
                "arn:aws:iam::111122223333:role/kms-watch-KeyRescueRole-1A2B".to_owned()
            }
            "RESCUE_MODE" => mode.to_owned(),
            "RESCUE_ACTIONS" => actions.to_owned(),
            "RESCUE_BUTTONS" if mode == "act" => actions.to_owned(),
            "RESCUE_PER_HOUR" => "20".to_owned(),
            "RESCUE_SWITCH" => "/kms-watch/kms-watch/rescue".to_owned(),
            _ => return None,
        })
    };
    let config = RescueConfig::from_lookup(lookup, &[]).unwrap();
    let mut kms = protected_key("2026-02-28T09:01:07Z");
    let metadata = kms.metadata.as_mut().unwrap();
    if event["detail"]["eventName"]
        .as_str()
        .is_some_and(|name| name != "ScheduleKeyDeletion")
    {
        let on = event["detail"]["eventName"] == "DisableKeyRotation";
        metadata.state = Some(if on { State::Enabled } else { State::Disabled });
        metadata.deletion_at = None;
    }
    kms.rotation.as_mut().unwrap().enabled = false;
    let vault = FakeVault::new(kms);
    for (key, code) in [
        (DENIED, "AccessDeniedException"),
        (THROTTLED, "ThrottlingException"),
    ] {
        if text.contains(key) {
            vault.change(|vault| vault.mishaps.push(Mishap::Refused(code)));
        }
    }
    let rescue = Rescue {
        watch: Watch {
            function: key_rescue::NAME,
            config: config.alerts,
            decide: Decision::not_mine,
            kms: vault.clone(),
            topics: FakeTopics::default(),
            ledger: Some(FakeLedger::default()),
            clock: FakeClock::at("2026-02-14T12:00:00Z"),
        },
        settings: config.rescue,
        rescuer: vault.clone(),
        switch: vault,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let outcome = runtime.block_on(rescue.handle(event, "request"));
    let sent = rescue.watch.topics.sent.take();
    // What Lambda tries again is told all the same.
    let outcome = outcome.unwrap_or_else(|error| Outcome {
        verdict: Verdict::Delivered,
        alerts: Vec::new(),
        reason: Some(error.to_string()),
    });
    (outcome, sent)
}

fn handle(folder: &str, event: &Value) -> (Outcome, Vec<Message>) {
    if folder == key_rescue::NAME {
        return rescue(event);
    }
    let (function, decide) = FUNCTIONS
        .into_iter()
        .find(|(name, _)| *name == folder)
        .expect("a function for the folder");
    let settings: BTreeMap<_, _> = ["ALERT_TOPIC_ARN", "CHAT_TOPIC_ARN", "FEED_TOPIC_ARN"]
        .into_iter()
        .zip(
            ["people", "chat", "feed"]
                .map(|topic| format!("arn:aws:sns:us-east-1:111122223333:{topic}")),
        )
        .chain([("STACK_NAME", "kms-watch".to_owned())])
        .collect();
    let config = Config::from_lookup(|name| settings.get(name).cloned(), &[]).unwrap();
    let watch = Watch {
        function,
        config,
        decide,
        kms: SampleKeys,
        topics: FakeTopics::default(),
        ledger: None::<NoLedger>,
        clock: FakeClock::at("2026-02-14T12:00:00Z"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let outcome = runtime.block_on(watch.handle(event, "request")).unwrap();
    (outcome, watch.topics.sent.take())
}

/// What depends on a key of a sample: a grant, uses by two roles, and one with a context of a program's own.
fn traces() -> FakeTrail {
    let trail = FakeTrail::default();
    let key = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
    let used = |hours: i64, role: &str, through: &str, context: Value| {
        let time: Timestamp = "2026-02-14T09:00:00Z".parse().unwrap();
        let time = time - SignedDuration::from_hours(hours);
        json!({
            "eventSource": "kms.amazonaws.com", "eventName": "GenerateDataKey", "eventTime": time.to_string(),
            "eventID": format!("{role} {hours}"), "sourceIPAddress": through,
            "userIdentity": {
                "type": "AssumedRole", "accountId": "111122223333",
                "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::111122223333:role/{role}")}},
                "invokedBy": through,
            },
            "requestParameters": {"encryptionContext": context},
            "resources": [{"ARN": key, "type": "AWS::KMS::Key"}],
        })
    };
    trail.records.borrow_mut().extend([
        used(
            11,
            "AppServer",
            "s3.amazonaws.com",
            json!({"aws:s3:arn": "arn:aws:s3:::acme-ledger/2026/meier.pdf"}),
        ),
        used(
            50,
            "Billing",
            "rds.amazonaws.com",
            json!({"aws:rds:db-id": "db-7QK2ORDERS", "aws:ebs:id": "vol-0aa"}),
        ),
        used(49, "ci-deploy", "192.0.2.44", json!({"customer": "Meier"})),
    ]);
    let volumes = (1..=14).map(|number| {
        let id = format!("vol-0a{number:03}");
        Grant {
            id: id.clone(),
            grantee: Some(Untrusted::new("ec2.amazonaws.com")),
            resource: context::resource([("aws:ebs:id", id.as_str())].into_iter()),
            ..Grant::default()
        }
    });
    trail.grants.borrow_mut().extend(volumes);
    trail
}

/// What comes after the alert, as nothing was known; and the alert itself, as the ledger knows it all.
#[test]
fn who_depends_on_a_key_follows_its_alert_and_is_in_the_next_one() {
    let schema = jsonschema::validator_for(&closed_alert_schema()).unwrap();
    let settings = [
        (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:people",
        ),
        ("CHAT_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:chat"),
        ("FEED_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:feed"),
        ("LEDGER_TABLE", "ledger"),
    ];
    let settings = BTreeMap::from(settings.map(|(name, value)| (name, value.to_owned())));
    let following = Following {
        watch: Watch {
            function: "key-deletion",
            config: Config::from_lookup(|name| settings.get(name).cloned(), &[]).unwrap(),
            decide: key_deletion::decide,
            kms: SampleKeys,
            topics: FakeTopics::default(),
            ledger: Some(FakeLedger::default()),
            clock: FakeClock::at("2026-02-14T12:00:00Z"),
        },
        traces: traces(),
    };
    let path = repository().join("events/key-deletion/ct-schedule-key-deletion.json");
    let mut event: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let handle = |event: &Value, request: &str| {
        let left = Some(Duration::from_secs(30));
        let outcome = runtime.block_on(following.handle(event, request, left));
        let outcome = outcome.unwrap();
        for alert in &outcome.alerts {
            let alert = serde_json::to_value(alert).unwrap();
            assert!(schema.is_valid(&alert), "{alert:#}");
        }
        (outcome, following.watch.topics.sent.take())
    };
    let (mut outcome, mut sent) = handle(&event, "request");
    assert_eq!(outcome.alerts.len(), 2);
    outcome.alerts.remove(0);
    sent.drain(..3);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("dependants_after_the_alert", transcript(&outcome, &sent));
    });
    for member in ["id", "time"] {
        event[member] = Value::Null;
    }
    event["detail"]["eventID"] = "9f000000-0000-4000-8000-000000000000".into();
    event["detail"]["eventTime"] = "2026-02-14T11:00:00Z".into();
    let (outcome, sent) = handle(&event, "another");
    assert_eq!(outcome.alerts.len(), 1);
    insta::with_settings!({ omit_expression => true }, {
        insta::assert_snapshot!("dependants_in_the_alert", transcript(&outcome, &sent));
    });
}

/// All that is received, as a reviewer wants to read it.
fn transcript(outcome: &Outcome, messages: &[Message]) -> String {
    let mut text = format!("{:?}", outcome.verdict);
    if let Some(reason) = &outcome.reason {
        write!(text, ": {reason}").unwrap();
    }
    text.push('\n');
    for message in messages {
        let topic = message.topic.as_str().rsplit(':').next().unwrap();
        writeln!(text, "\n=== {topic} ===").unwrap();
        if let Some(subject) = &message.subject {
            writeln!(text, "Subject: {subject}\n").unwrap();
        }
        match serde_json::from_str::<Value>(&message.body) {
            Ok(json) => writeln!(text, "{json:#}").unwrap(),
            Err(_) => text.push_str(&message.body),
        }
    }
    if let Some(message) = messages.first() {
        writeln!(text, "\n=== attributes ===").unwrap();
        for (name, value) in &message.attributes {
            writeln!(text, "{name}: {}", value.values().join(", ")).unwrap();
        }
    }
    text
}

/// The sweeps that a schedule asks for. What they tell is in the tests of the built function.
fn orders(folder: &str, event: &Value) -> Option<String> {
    let orders: Vec<_> = unwrap(event)
        .iter()
        .filter_map(|event| Order::read(event.as_ref().ok()?))
        .map(|Order { depth, at }| {
            let when = at.map_or_else(|| "now".to_owned(), |at| format!("as of {at}"));
            format!("a {} sweep {when}\n", depth.as_str())
        })
        .collect();
    (folder == "key-inventory" && !orders.is_empty()).then(|| orders.concat())
}

#[test]
fn every_event_becomes_what_its_snapshot_shows() {
    let schema = jsonschema::validator_for(&closed_alert_schema()).unwrap();
    let published = jsonschema::validator_for(&alert_schema()).unwrap();
    insta::glob!("../../events", "*/*.json", |path| {
        let folder = path
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        let event = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        if let Some(orders) = orders(folder, &event) {
            insta::with_settings!({ omit_expression => true }, {
                insta::assert_snapshot!(orders);
            });
            return;
        }
        let (outcome, messages) = handle(folder, &event);
        for alert in &outcome.alerts {
            let alert = serde_json::to_value(alert).unwrap();
            let errors: Vec<_> = schema
                .iter_errors(&alert)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
            assert!(published.is_valid(&alert));
        }
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(transcript(&outcome, &messages));
        });
    });
}

#[test]
fn every_kind_of_these_functions_has_a_snapshot() {
    let mut seen = std::collections::BTreeSet::new();
    for (folder, _) in FUNCTIONS {
        for entry in std::fs::read_dir(repository().join("events").join(folder)).unwrap() {
            let event =
                serde_json::from_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap())
                    .unwrap();
            seen.extend(
                handle(folder, &event)
                    .0
                    .alerts
                    .iter()
                    .map(|alert| alert.kind),
            );
        }
    }
    // Of many events, never of one.
    seen.extend(["AttemptsStopped", "Burst", "LowDigest"]);
    // Of no event.
    seen.extend([
        "DependantsFound",
        "InventoryDigest",
        "KeyAccessDrifted",
        "KeyDeletionNear",
        "KeyRotationOverdue",
        "KeyUseUnusual",
        "KeyVanished",
    ]);
    let schema = alert_schema();
    let raised: std::collections::BTreeSet<_> = schema["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|kind| kind["$ref"].as_str()?.strip_prefix("#/$defs/"))
        .filter_map(|name| name.strip_suffix("Alert"))
        .filter(|kind| *kind != "Other")
        .collect();
    assert_eq!(seen, raised);
}

#[test]
fn folders_of_functions_and_of_events_are_the_same() {
    let folders = |of: &str| -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(repository().join(of))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let listed: Vec<_> = FUNCTIONS
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    // The widget is asked by people, and the export is handed alerts: neither takes events.
    let mut functions = folders("functions");
    functions.retain(|name| !["finding-export", "key-widget"].contains(&name.as_str()));
    assert_eq!(functions, listed);
    assert_eq!(folders("events"), listed);
}

/// The published schema is the one that the types give. To write it anew: delete the file and run this test twice.
#[test]
fn the_published_schema_is_that_of_the_types() {
    let path = repository().join("docs/schema/alert-1.1.json");
    let made = format!("{:#}\n", alert_schema());
    if !path.exists() {
        std::fs::write(&path, made).unwrap();
        panic!("wrote {}", path.display());
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == made,
        "{} is not what the types give",
        path.display()
    );
}

#[test]
fn the_closed_schema_refuses_what_is_not_described() {
    let schema = jsonschema::validator_for(&closed_alert_schema()).unwrap();
    let path = repository().join("events/key-deletion/ct-schedule-key-deletion.json");
    let event = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let alert = serde_json::to_value(&handle("key-deletion", &event).0.alerts[0]).unwrap();
    assert!(schema.is_valid(&alert));
    for pointer in [
        "",
        "/key",
        "/key/rotation",
        "/actor",
        "/details",
        "/enrichment",
        "/source",
        "/links",
    ] {
        let mut more = alert.clone();
        more.pointer_mut(pointer).unwrap()["surprise"] = 1.into();
        assert!(
            !schema.is_valid(&more),
            "{pointer} takes a member that is not described"
        );
        let mut less = alert.clone();
        let object = less.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
        let first = object.keys().next().unwrap().clone();
        object.remove(&first);
        assert!(!schema.is_valid(&less), "{pointer} does without {first}");
    }
}
