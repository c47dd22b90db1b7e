//! The baseline of use, as the built key-inventory learns and tells it, over simulated days.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_aws::DynamoDbAdapter;
use watch_core::ports::Ledger;
use watch_local::{Caller, LocalAws, NewKey, Options};
use watch_tests::{Function, LEDGER};

const INVENTORY: &str = "key-inventory";
const EVENTS: [(&str, &str); 2] = [("DIGEST", "OFF"), ("BASELINE", "events")];
const METRICS: [(&str, &str); 2] = [("DIGEST", "OFF"), ("BASELINE", "metrics")];
const OFF: [(&str, &str); 1] = [("DIGEST", "OFF")];

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

struct World {
    aws: Arc<LocalAws>,
    key: String,
}

/// A key that is a year old.
fn world() -> World {
    let options = Options {
        read_only_events: true,
        ..Options::default()
    };
    let aws = LocalAws::start(options).unwrap();
    let key = NewKey::symmetric()
        .alias("alias/payments")
        .tag("Owner", "team-pay")
        .created(aws.now() - days(365));
    let key = aws.add_key(key);
    aws.take_events();
    World {
        aws: Arc::new(aws),
        key,
    }
}

impl World {
    fn start(&self, variables: &[(&str, &str)]) -> Function {
        Function::start_on(Arc::clone(&self.aws), INVENTORY, variables)
    }

    /// Some uses by a role, and an hour after which everything knows of them.
    fn used_by(&self, role: &str, times: usize) {
        self.aws.as_caller(Caller::assumed_role(role, "session"));
        for _ in 0..times {
            let body = json!({"KeyId": self.key, "KeySpec": "AES_256"});
            self.aws.call("GenerateDataKey", body).unwrap();
        }
        self.aws
            .as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
        self.aws.advance(SignedDuration::from_hours(2));
        self.aws.take_events();
    }

    /// So many days later.
    fn wait(&self, count: i64) {
        self.aws.advance(days(count));
        self.aws.take_events();
    }

    /// Uses a day in KMS's metric, from so many days ago on up to yesterday.
    fn measured(&self, ago: i64, uses: u64) {
        for ago in 1..=ago {
            let at = self.aws.now() - days(ago);
            self.aws.count_uses(&self.key, "Decrypt", at, uses);
        }
    }
}

fn swept(function: &Function) -> Value {
    let at: Timestamp = function.aws.now();
    let outcome = function.handle(&json!({"sweep": "full", "at": at.to_string()}));
    assert_eq!(outcome["sweep"]["finished"], true, "{outcome}");
    outcome
}

/// What a sweep tells of unusual use.
fn sweep(function: &Function) -> Vec<Value> {
    swept(function);
    let mut feed = function.feed();
    feed.retain(|alert| alert["kind"] == "KeyUseUnusual");
    feed
}

fn operations(aws: &LocalAws) -> Vec<String> {
    let requests = aws.requests().into_iter();
    requests.map(|request| request.operation).collect()
}

#[test]
fn a_first_use_after_ninety_days_is_told_once() {
    let world = world();
    world.used_by("AppServer", 3);
    world.wait(120);
    let function = world.start(&EVENTS);
    assert!(sweep(&function).is_empty(), "the first look learns");
    world.wait(1);
    assert!(sweep(&function).is_empty());
    world.used_by("Restore", 2);
    world.wait(1);
    let told = sweep(&function);
    assert_eq!(told.len(), 1, "{told:#?}");
    let alert = &told[0];
    assert_eq!(
        (&alert["severity"], &alert["status"]),
        (&json!("MEDIUM"), &json!("EVENT"))
    );
    assert_eq!(alert["details"]["idle"]["days"], 121, "{alert:#}");
    assert_eq!(alert["details"]["newcomers"][0]["name"], "role/Restore");
    assert_eq!(alert["source"]["via"], "SWEEP");
    let mails = function.received("people");
    assert!(
        mails[0]
            .subject
            .as_deref()
            .unwrap()
            .contains("alias/payments")
    );
    let mail = &mails[0].message;
    for part in [
        "121 days",
        "role/Restore",
        "team-pay",
        "aws kms disable-key",
    ] {
        assert!(mail.contains(part), "{part}: {mail}");
    }
    // The same use is no news, nor is the next by the same role.
    world.wait(1);
    assert!(sweep(&function).is_empty());
    world.used_by("Restore", 1);
    world.wait(1);
    assert!(sweep(&function).is_empty());
}

#[test]
fn a_new_principal_is_told_and_a_young_key_learns() {
    let world = world();
    for _ in 0..10 {
        world.used_by("AppServer", 2);
        world.wait(2);
    }
    let function = world.start(&EVENTS);
    assert!(sweep(&function).is_empty());
    world.used_by("Intruder`<b>\u{202e}https://evil.example", 4);
    world.wait(1);
    let told = sweep(&function);
    assert_eq!(told.len(), 1, "{told:#?}");
    let newcomers = told[0]["details"]["newcomers"].as_array().unwrap();
    assert_eq!(newcomers.len(), 1);
    assert_eq!(newcomers[0]["uses"], 4);
    assert_eq!(newcomers[0]["newAccount"], false);
    assert_eq!(
        told[0]["details"]["usual"]["names"],
        json!(["role/AppServer"])
    );
    for message in function.received("people") {
        assert!(!message.message.contains('\u{202e}'), "{}", message.message);
        assert!(
            !message.message.contains("https://evil"),
            "{}",
            message.message
        );
    }

    // A key of ten days learns, whoever comes.
    let aws = &world.aws;
    let young = aws.add_key(NewKey::symmetric().alias("alias/young"));
    let young = World {
        aws: Arc::clone(aws),
        key: young,
    };
    young.used_by("AppServer", 1);
    for role in ["One", "Two", "Three"] {
        young.wait(3);
        young.used_by(role, 1);
        young.wait(1);
        let told = sweep(&function);
        let of_young = told
            .iter()
            .filter(|it| it["key"]["arn"] == young.key.as_str());
        assert_eq!(of_young.count(), 0, "{told:#?}");
    }
    young.wait(4);
    young.used_by("Four", 1);
    young.wait(1);
    let told = sweep(&function);
    assert!(
        told.iter().any(|it| it["key"]["arn"] == young.key.as_str()),
        "{told:#?}"
    );
}

#[test]
fn ten_times_the_usual_is_told_once_from_the_metric_with_what_is_usual() {
    let world = world();
    world.used_by("AppServer", 1);
    world.measured(60, 40);
    let function = world.start(&METRICS);
    assert!(sweep(&function).is_empty());
    world.wait(1);
    world.measured(1, 45);
    world.used_by("AppServer", 1);
    assert!(sweep(&function).is_empty());
    world.wait(1);
    world.measured(1, 1_200);
    let told = sweep(&function);
    assert_eq!(told.len(), 1, "{told:#?}");
    let surge = &told[0]["details"]["surge"];
    assert!(surge["uses"].as_u64().unwrap() >= 1_200, "{surge}");
    assert!(
        (35..50).contains(&surge["usual"].as_u64().unwrap()),
        "{surge}"
    );
    assert_eq!(told[0]["details"]["usual"]["countedBy"], "METRIC");
    // It goes on: the same episode.
    world.wait(1);
    world.measured(1, 1_300);
    assert!(sweep(&function).is_empty());
}

#[test]
fn off_by_default_and_then_nothing_is_asked_nor_kept() {
    let world = world();
    world.used_by("AppServer", 2);
    let function = world.start(&OFF);
    world.aws.clear_requests();
    swept(&function);
    let asked = operations(&world.aws);
    for operation in ["ListMetrics", "GetMetricData"] {
        assert!(!asked.contains(&operation.to_owned()), "{asked:?}");
    }
    assert!(!kept(&world.aws));
    // By events alone CloudWatch is not asked either.
    drop(function);
    world.wait(1);
    let function = world.start(&EVENTS);
    world.aws.clear_requests();
    swept(&function);
    let asked = operations(&world.aws);
    assert!(!asked.contains(&"ListMetrics".to_owned()), "{asked:?}");
    assert!(kept(&world.aws));
}

fn kept(aws: &LocalAws) -> bool {
    let items = aws.table_items(LEDGER);
    let usual = |item: &Value| item.to_string().contains("usual#");
    items.iter().any(usual)
}

#[test]
fn whatever_cloudwatch_refuses_the_sweep_goes_on_and_newcomers_are_told() {
    type Fault = fn(&LocalAws, &str);
    let faults: [Fault; 3] = [
        |aws, operation| _ = aws.faults().deny(operation),
        |aws, operation| _ = aws.faults().throttle(operation, u32::MAX),
        |aws, operation| _ = aws.faults().slow(operation, Duration::from_secs(20)),
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let operation = ["ListMetrics", "GetMetricData", "GetMetricData"][number];
        let world = world();
        for _ in 0..8 {
            world.used_by("AppServer", 2);
            world.wait(2);
        }
        let function = world.start(&METRICS);
        fault(&world.aws, operation);
        let outcome = swept(&function);
        let reason = outcome["reason"].as_str().unwrap_or_default();
        assert!(reason.contains("uses are not measured"), "{outcome}");
        assert!(function.feed().is_empty());
        world.used_by("Intruder", 1);
        world.wait(1);
        let told = sweep(&function);
        assert_eq!(told.len(), 1, "{operation}: {told:#?}");
    }
}

fn write(aws: &LocalAws, item: &Value) {
    let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
    let ledger = DynamoDbAdapter::patient(&sdk, LEDGER);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let item = item.as_object().unwrap().clone();
    runtime.block_on(ledger.put(&[item])).unwrap();
}

/// Whoever could write the item can make at most one alert a key and day of it, and keeps nothing else from being told.
#[test]
fn a_poisoned_item_costs_at_most_one_alert_a_day_and_silences_nothing_else() {
    let world = world();
    for _ in 0..10 {
        world.used_by("AppServer", 2);
        world.wait(2);
    }
    let function = world.start(&EVENTS);
    swept(&function);
    function.feed();
    let hostile = [
        json!({"since": "2000-01-01T00:00:00Z", "lookedAt": "2000-01-01T00:00:00Z", "known": [], "days": [], "whole": 65535, "looks": 200}),
        json!({"since": "2999-01-01T00:00:00Z", "lookedAt": "2999-01-01T00:00:00Z", "countedUntil": "2999-01-01T00:00:00Z"}),
        json!({"since": 5, "known": "x".repeat(9_000), "days": [[1, 2], "x", null], "due": {"at": "never"}}),
        json!({"known": (0..5_000).map(|n| json!({"n": format!("role/{n}"), "d": 20_000_000})).collect::<Vec<_>>()}),
    ];
    for item in hostile {
        let mut written = json!({
            "pk": format!("sweep#{}#{}", world.aws.account(), "us-east-1"),
            "sk": format!("usual#{}", world.key.rsplit('/').next().unwrap()),
        });
        let members = written.as_object_mut().unwrap();
        members.extend(item.as_object().unwrap().clone());
        write(&world.aws, &written);
        world.wait(1);
        let told = sweep(&function);
        assert!(told.len() <= 1, "{told:#?}");
        assert!(sweep(&function).is_empty(), "asked again within the day");
    }
    // What is critical is told as ever.
    let body = json!({"KeyId": world.key, "PendingWindowInDays": 7});
    world.aws.call("ScheduleKeyDeletion", body).unwrap();
    world.aws.take_events();
    world.wait(5);
    swept(&function);
    world.aws.advance(SignedDuration::from_hours(1));
    swept(&function);
    let kinds: Vec<_> = function
        .feed()
        .iter()
        .map(|it| it["kind"].clone())
        .collect();
    assert!(kinds.contains(&json!("KeyDeletionScheduled")), "{kinds:?}");
}
