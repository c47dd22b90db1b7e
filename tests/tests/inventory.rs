//! The built function key-inventory: sweeps over the embedded AWS, on which things happen that EventBridge never delivers.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_local::{
    Delivery, FilterScope, ImportedMaterial, Invocation, KeyStore, LocalAws, Moment, NewKey,
    Options, Policy, QuotaClock, Statement,
};
use watch_tests::{Function, LEDGER, event};

const FUNCTION_KEY: &str = "AKIDFUNCTION";
const INVENTORY: &str = "key-inventory";
/// Without a digest, which is the subject of a test of its own.
const QUIET: [(&str, &str); 1] = [("DIGEST", "OFF")];

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

fn order(depth: &str, at: Timestamp) -> Value {
    json!({"sweep": depth, "at": at.to_string()})
}

/// A sweep at the embedded AWS's time: kind and key id of what the feed got, sorted.
fn sweep(function: &Function, depth: &str) -> Vec<String> {
    let outcome = function.handle(&order(depth, function.aws.now()));
    assert_eq!(outcome["sweep"]["finished"], true, "{outcome}");
    told(&function.feed())
}

fn told(alerts: &[Value]) -> Vec<String> {
    let mut told: Vec<_> = alerts
        .iter()
        .map(|alert| {
            assert_eq!(alert["source"]["via"], "SWEEP", "{alert:#}");
            let alias = alert["key"]["aliases"][0].as_str().unwrap_or("-");
            format!("{} {alias}", alert["kind"].as_str().unwrap())
        })
        .collect();
    told.sort();
    told
}

fn metric(aws: &LocalAws, name: &str) -> Option<f64> {
    let points = aws.metric_points("KMSWatch");
    let plain = points
        .iter()
        .filter(|point| point.name == name && point.dimensions.is_empty());
    plain.map(|point| point.value).next_back()
}

fn key(name: &str) -> NewKey {
    NewKey::symmetric()
        .alias(&format!("alias/{name}"))
        .tag("Owner", "team-pay")
}

#[test]
fn what_eventbridge_lost_is_told_as_its_events_would_have_been_and_only_once() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let disabled = aws.add_key(key("disabled"));
    let scheduled = aws.add_key(key("scheduled"));
    let rotated = aws.add_key(key("rotated"));
    let ends = aws.now() + hours(36);
    let expired = aws.add_key(
        NewKey::imported()
            .alias("alias/expired")
            .material(ImportedMaterial::new("material").expiring(ends)),
    );
    aws.add_key(key("plain"));
    aws.add_key(NewKey::aws_managed("ebs"));
    let function = Function::start_on(Arc::clone(&aws), INVENTORY, &QUIET);
    // Learns, and says what is due.
    assert_eq!(
        sweep(&function, "full"),
        ["KeyMaterialExpiring alias/expired"]
    );

    aws.set_delivery(Delivery::nothing());
    aws.advance(hours(1));
    aws.call("DisableKey", json!({"KeyId": disabled})).unwrap();
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": scheduled, "PendingWindowInDays": 30}),
    )
    .unwrap();
    aws.call("RotateKeyOnDemand", json!({"KeyId": rotated}))
        .unwrap();
    aws.advance(hours(40));
    let lost = aws.lost_events();
    assert!(aws.take_events().is_empty());
    aws.set_delivery(Delivery::default());

    assert_eq!(
        sweep(&function, "full"),
        [] as [&str; 0],
        "held, in case the events are late"
    );
    aws.advance(SignedDuration::from_mins(30));
    let outcome = function.handle(&order("light", aws.now()));
    let alerts = function.feed();
    assert_eq!(outcome["alerts"].as_array().unwrap().len(), alerts.len());
    assert_eq!(
        told(&alerts),
        [
            "KeyDeletionScheduled alias/scheduled",
            "KeyDisabled alias/disabled",
            "KeyMaterialExpired alias/expired",
            "KeyRotated alias/rotated",
        ]
    );
    let of = |kind: &str| alerts.iter().find(|alert| alert["kind"] == kind).unwrap();
    for kind in ["KeyDeletionScheduled", "KeyDisabled"] {
        assert_eq!(
            of(kind)["actor"]["type"],
            "AssumedRole",
            "who did it: {:#}",
            of(kind)
        );
        assert!(of(kind)["source"]["eventId"].is_string());
    }
    assert_eq!(
        of("KeyDeletionScheduled")["details"]["pendingWindowDays"],
        30
    );
    assert_eq!(of("KeyMaterialExpired")["key"]["arn"], expired);

    // The events come after all: with the same ids, and nobody is told again.
    let mut met = BTreeSet::new();
    for (name, kinds) in [
        ("key-activity", &["KeyDisabled"][..]),
        ("key-deletion", &["KeyDeletionScheduled"]),
        ("key-rotation", &["KeyRotated"]),
        ("material-expiration", &["KeyMaterialExpired"]),
    ] {
        let late = Function::start_on(Arc::clone(&aws), name, &[]);
        let alone = Function::start_on(Arc::clone(&aws), name, &watch_tests::NO_LEDGER);
        for event in &lost {
            let Some(kind) = alone.handle(event)["alerts"][0]["kind"]
                .as_str()
                .map(str::to_owned)
            else {
                continue;
            };
            let known = alone.feed().pop().unwrap();
            if kinds.contains(&kind.as_str()) {
                assert_eq!(late.handle(event)["outcome"], "duplicate", "{event:#}");
                if kind != "KeyRotated" && kind != "KeyMaterialExpired" {
                    assert_eq!(known["id"], of(&kind)["id"], "{kind}");
                }
                met.insert(kind);
            }
        }
        assert!(late.feed().is_empty());
    }
    assert_eq!(met.len(), 4, "{met:?}");
    aws.advance(hours(1));
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);
}

#[test]
fn a_deletion_is_counted_down_and_found_done_without_any_event() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    aws.set_delivery(Delivery::nothing());
    let long_ago = aws.now() - hours(60 * 24);
    let going = key("going")
        .created(long_ago - hours(24))
        .last_used("Encrypt", long_ago);
    let going = aws.add_key(going);
    let function = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": going, "PendingWindowInDays": 8}),
    )
    .unwrap();
    aws.advance(hours(1));
    assert_eq!(
        sweep(&function, "full"),
        ["KeyDeletionScheduled alias/going"]
    );
    let mut steps = Vec::new();
    for _ in 0..9 * 4 {
        aws.advance(hours(6));
        function.handle(&order("light", aws.now()));
        for alert in function.feed() {
            let details = &alert["details"];
            steps.push(format!(
                "{} {} {}",
                alert["kind"].as_str().unwrap(),
                details["step"],
                alert["severity"]
            ));
            if alert["kind"] == "KeyDeletionNear" {
                assert!(details["scheduledBy"].is_string(), "{alert:#}");
            } else {
                assert_eq!(
                    alert["key"]["aliases"][0], "alias/going",
                    "named after it is gone"
                );
            }
        }
    }
    assert_eq!(
        steps,
        [
            "KeyDeletionNear 7 \"HIGH\"",
            "KeyDeletionNear 3 \"HIGH\"",
            "KeyDeletionNear 1 \"CRITICAL\"",
            "KeyDeleted null \"HIGH\"",
        ]
    );
    // And its event, which comes last.
    let deletion = aws
        .lost_events()
        .into_iter()
        .find(|event| event["detail-type"] == "KMS CMK Deletion")
        .unwrap();
    let late = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    assert_eq!(late.handle(&deletion)["outcome"], "duplicate");
}

#[test]
fn a_cancelled_deletion_begins_its_countdown_anew() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let going = aws.add_key(key("going"));
    let function = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    sweep(&function, "full");
    let schedule = || {
        aws.call(
            "ScheduleKeyDeletion",
            json!({"KeyId": going, "PendingWindowInDays": 7}),
        )
        .unwrap()
    };
    let day_and_more = || {
        sweep(&function, "full");
        aws.advance(hours(26));
        sweep(&function, "light")
    };
    schedule();
    assert_eq!(day_and_more(), ["KeyDeletionNear alias/going"]);
    aws.call("CancelKeyDeletion", json!({"KeyId": going}))
        .unwrap();
    assert_eq!(
        sweep(&function, "light"),
        ["KeyDeletionCancelled alias/going"]
    );
    schedule();
    assert_eq!(day_and_more(), ["KeyDeletionNear alias/going"]);
}

#[test]
fn the_clock_of_a_primary_starts_without_a_call() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    aws.set_delivery(Delivery::nothing());
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1"]).alias("alias/global"));
    let replica = primary.replace("us-east-1", "eu-west-1");
    let function = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    sweep(&function, "full");
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": primary, "PendingWindowInDays": 10}),
    )
    .unwrap();
    let scheduled = sweep(&function, "full");
    assert_eq!(scheduled, ["KeyDeletionScheduled alias/global"]);
    aws.call_in(
        "eu-west-1",
        "ScheduleKeyDeletion",
        json!({"KeyId": replica, "PendingWindowInDays": 7}),
    )
    .unwrap();
    aws.advance(hours(8 * 24));
    let outcome = function.handle(&order("light", aws.now()));
    let alert = &outcome["alerts"][0];
    assert_eq!(
        (&alert["kind"], &alert["details"]["waitsForReplicas"]),
        (&json!("KeyDeletionScheduled"), &json!(false)),
        "{outcome:#}"
    );
    assert_eq!(alert["actor"]["type"], "AWS");
    assert!(alert["key"]["deletionAt"].is_string());
    function.feed();
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);
}

/// An account of many keys.
fn many(count: usize, options: Options) -> LocalAws {
    let aws = LocalAws::start(options).unwrap();
    for number in 0..count {
        aws.add_key(key(&format!("app-{number}")));
    }
    aws
}

#[test]
fn pages_and_quotas_lose_no_key() {
    let aws = many(
        1_100,
        Options {
            quotas: Some(QuotaClock::Real),
            ..Options::default()
        },
    );
    let going = aws.add_key(key("last").id("ffffffff-0000-4000-8000-000000000000"));
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": going, "PendingWindowInDays": 7}),
    )
    .unwrap();
    // Without grants, of which half of the quota is 50 a second: they have tests of their own.
    let variables = [QUIET[0], ("SWEEP_GRANTS", "false")];
    let function = Function::start_on(aws, INVENTORY, &variables);
    // On a machine that is slow enough, more than one run.
    let (mut runs, mut looked_at) = (0, 0);
    loop {
        let outcome = function.handle(&order("full", function.aws.now()));
        let sweep = &outcome["sweep"];
        assert_eq!(sweep["listed"], 1_101, "{sweep}");
        runs += 1;
        looked_at += sweep["lookedAt"].as_u64().unwrap();
        if sweep["finished"] == true {
            break;
        }
        assert!(runs < 20, "{sweep}");
    }
    assert!(
        (1_101..1_101 + 100 * runs).contains(&looked_at),
        "{looked_at}"
    );
    assert_eq!(metric(&function.aws, "Keys"), Some(1_101.0));
    assert_eq!(metric(&function.aws, "PendingDeletionKeys"), Some(1.0));
    assert_eq!(told(&function.feed()), ["KeyDeletionNear alias/last"]);
    let counts = function.aws.request_counts();
    assert_eq!(counts["ListKeys"] as u64, 2 * runs);
    assert_eq!(
        counts["ListAliases"] as u64,
        12 * runs + 1,
        "the alert asks for its own"
    );
}

#[test]
fn a_throttled_sweep_takes_longer_and_misses_nothing() {
    let aws = many(8, Options::default());
    aws.faults()
        .throttle("DescribeKey", 12)
        .throttle("ListKeys", 1)
        .throttle("ListResourceTags", 7);
    let function = Function::start_on(aws, INVENTORY, &QUIET);
    let outcome = function.handle(&order("full", function.aws.now()));
    assert_eq!(outcome["sweep"]["throttled"], 20, "{outcome}");
    assert_eq!(metric(&function.aws, "Keys"), Some(8.0));
    let profiles = function
        .aws
        .table_items(LEDGER)
        .into_iter()
        .filter(|item| item["sk"]["S"] == "profile");
    let known = profiles.filter(|item| item["metadata"].is_object() && item["tags"].is_object());
    assert_eq!(known.count(), 8);
}

#[test]
fn whenever_the_process_dies_the_next_run_tells_what_is_left_once() {
    for call in (1..40).step_by(6) {
        let aws = LocalAws::start(Options::default()).unwrap();
        aws.set_delivery(Delivery::nothing());
        let keys = ["a", "b", "c"].map(|name| aws.add_key(key(name)));
        let aws = Arc::new(aws);
        let variables = [("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")];
        let first = Function::start_on(Arc::clone(&aws), INVENTORY, &variables);
        sweep(&first, "full");
        for key in &keys {
            aws.call("DisableKey", json!({"KeyId": key})).unwrap();
        }
        aws.advance(hours(24));
        first.kill_at(call, Moment::BeforeEffect);
        let payload = order("full", aws.now());
        let request = first.lambda.queue(payload.to_string());
        assert!(!first.ended().success(), "call {call}: the process lives");
        // Lambda tries again, under the same id.
        let second = Function::start_on(Arc::clone(&aws), INVENTORY, &variables);
        let again = second.retry(&request, payload.to_string());
        assert!(
            matches!(again, Invocation::Response(_)),
            "call {call}: {again:?}"
        );
        aws.advance(hours(1));
        second.handle(&order("full", aws.now()));
        let told = told(&second.feed());
        let expected = [
            "KeyDisabled alias/a",
            "KeyDisabled alias/b",
            "KeyDisabled alias/c",
        ];
        assert_eq!(
            BTreeSet::from_iter(told.iter().map(String::as_str)),
            BTreeSet::from(expected),
            "call {call}"
        );
        // Whoever dies between a publish and the mark cannot know that it was done.
        assert!(told.len() <= 3 + 3, "call {call}: {told:?}");
    }
}

#[test]
fn a_feed_that_is_down_makes_the_run_fail_and_the_next_try_tell() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    aws.set_delivery(Delivery::nothing());
    let off = aws.add_key(key("off"));
    let function = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    sweep(&function, "full");
    aws.call("DisableKey", json!({"KeyId": off})).unwrap();
    aws.advance(hours(24));
    aws.faults().deny("Publish");
    let payload = order("full", aws.now());
    let Invocation::Error(error) = function.invoke(payload.to_string()) else {
        panic!()
    };
    assert!(
        format!("{error:?}").contains("SweepIncomplete"),
        "{error:?}"
    );
    aws.faults().clear();
    function.handle(&payload);
    assert_eq!(told(&function.feed()), ["KeyDisabled alias/off"]);
}

#[test]
fn keys_that_may_not_be_seen_are_blind_spots_in_the_digest_of_the_week() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key(key("open"));
    let closed = aws.add_key(key("closed"));
    aws.restrict(
        FUNCTION_KEY,
        Policy::new([
            Statement::allow(["*"], ["*"]),
            Statement::deny(
                ["kms:DescribeKey", "kms:ListResourceTags"],
                [closed.as_str()],
            ),
        ]),
    );
    let function = Function::start_on(aws, INVENTORY, &[]);
    let outcome = function.handle(&order("full", function.aws.now()));
    let digest = &outcome["alerts"][0];
    assert_eq!(
        (&digest["kind"], &digest["severity"]),
        (&json!("InventoryDigest"), &json!("LOW"))
    );
    assert_eq!(digest["details"]["totals"]["blindSpots"], 1);
    assert_eq!(digest["details"]["blindSpots"][0]["key"], closed);
    assert_eq!(metric(&function.aws, "BlindSpots"), Some(1.0));
    let mail = &function.received("people")[0].message;
    assert!(
        mail.contains("BLIND SPOTS\n  1: alias/closed")
            && mail.contains("kms:GetKeyRotationStatus"),
        "{mail}"
    );
    // Once a week, whatever is asked for.
    function.aws.advance(hours(1));
    assert_eq!(
        function.handle(&order("full", function.aws.now()))["outcome"],
        "ignored"
    );
}

#[test]
fn a_key_store_that_is_down_is_told_with_the_keys_that_hang_on_it() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key_store(KeyStore::external("cks-7be1d290f5a3c846a"));
    aws.add_key(NewKey::in_external_store("cks-7be1d290f5a3c846a", "xks-1"));
    let aws = Arc::new(aws);
    let function = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    sweep(&function, "full");
    aws.disconnect_key_store("cks-7be1d290f5a3c846a");
    aws.advance(hours(1));
    let outcome = function.handle(&order("light", aws.now()));
    let alert = &outcome["alerts"][0];
    assert_eq!(
        (&alert["kind"], &alert["keyStore"]["keyCount"]),
        (&json!("KeyStoreUnhealthy"), &json!(1)),
        "{outcome:#}"
    );
    aws.advance(hours(1));
    assert_eq!(
        function.handle(&order("light", aws.now()))["outcome"],
        "ignored"
    );
}

#[test]
fn the_configuration_must_have_a_ledger_and_make_sense() {
    let function = Function::start(
        INVENTORY,
        &[
            ("LEDGER_TABLE", ""),
            ("SWEEP_HOLD_MINUTES", "soon"),
            ("ALERT_TOPIC_ARN", ""),
        ],
    );
    let (status, stdout, stderr) = function.end();
    assert_eq!((status.code(), stdout.as_str()), (Some(1), ""));
    let line: Value = serde_json::from_str(&stderr).unwrap();
    let problems = line["problems"].to_string();
    for name in ["LEDGER_TABLE", "SWEEP_HOLD_MINUTES", "ALERT_TOPIC_ARN"] {
        assert!(problems.contains(name), "{problems}");
    }
}

#[test]
fn samples_of_what_invokes_it_make_a_sweep_or_an_alert() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key(key("plain"));
    let function = Function::start_on(aws, INVENTORY, &QUIET);
    for (file, depth, outcome) in [
        // The first sweep is a full one, whatever is asked for.
        ("light", json!("full"), "ignored"),
        ("full", json!("full"), "ignored"),
        ("light-now", json!("light"), "ignored"),
        ("scheduled-event", json!("full"), "ignored"),
        ("on-failure-record", json!("full"), "ignored"),
        ("not-its-business", Value::Null, "ignored"),
        ("unknown-depth", Value::Null, "delivered"),
        ("placeholder-not-filled-in", json!("full"), "ignored"),
    ] {
        let answer = function.handle(&event(&format!("key-inventory/{file}.json")));
        assert_eq!(
            (&answer["sweep"]["depth"], &answer["outcome"]),
            (&depth, &json!(outcome)),
            "{file}: {answer}"
        );
    }
    for hostile in [
        "{}",
        "[]",
        "null",
        "\"full\"",
        "{\"sweep\":{\"sweep\":\"full\"}}",
        "{\"sweep\":\"full\",\"at\":\"\\u0000\"}",
    ] {
        let Invocation::Response(answer) = function.invoke(hostile) else {
            panic!("{hostile}")
        };
        assert!(answer["sweep"].is_null(), "{hostile}: {answer}");
    }
}

#[test]
fn the_role_of_the_template_is_enough_and_not_more() {
    let stack = watch_tests::template::Stack::default();
    let statements = watch_tests::template::Template::read().role_statements(INVENTORY, &stack);
    let granted = serde_json::to_string(&statements).unwrap();
    for action in [
        "kms:ListKeys",
        "cloudtrail:LookupEvents",
        "cloudwatch:PutMetricData",
        "kms:GetKeyLastUsage",
    ] {
        assert!(granted.contains(action), "{action}");
    }
    for action in [
        "kms:*",
        "kms:Decrypt",
        "kms:Put",
        "kms:Schedule",
        "cloudtrail:Stop",
    ] {
        assert!(!granted.contains(action), "{action}");
    }
}

#[test]
fn access_that_was_given_while_nobody_was_told_is_found_with_its_actor_and_told_once() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let taken = aws.add_key(key("taken"));
    let lent = aws.add_key(key("lent"));
    aws.add_key(key("plain"));
    let function = Function::start_on(Arc::clone(&aws), INVENTORY, &QUIET);
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);

    aws.set_delivery(Delivery::nothing());
    aws.advance(hours(1));
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999988887777:root"}, "Action": "kms:Decrypt", "Resource": "*"},
    ]});
    let put = json!({"KeyId": taken, "PolicyName": "default", "Policy": policy.to_string()});
    aws.call("PutKeyPolicy", put).unwrap();
    let grant = json!({"KeyId": lent, "GranteePrincipal": "arn:aws:iam::999988887777:role/thief", "Operations": ["Decrypt"]});
    let grant = aws.call("CreateGrant", grant).unwrap()["GrantId"].clone();
    aws.advance(hours(12));
    let lost = aws.lost_events();
    aws.set_delivery(Delivery::default());

    assert_eq!(sweep(&function, "full"), [] as [&str; 0], "held");
    aws.advance(SignedDuration::from_mins(30));
    function.handle(&order("light", aws.now()));
    let mails: Vec<_> = function
        .received("people")
        .into_iter()
        .map(|mail| mail.message)
        .collect();
    let alerts = function.feed();
    assert_eq!(
        told(&alerts),
        [
            "KeyAccessDrifted alias/lent",
            "KeyAccessDrifted alias/taken"
        ]
    );
    for alert in &alerts {
        assert_eq!(alert["severity"], "HIGH", "{alert:#}");
        assert_eq!(alert["actor"]["type"], "AssumedRole", "{alert:#}");
    }
    assert!(
        mails.iter().any(|mail| mail.contains("999988887777")),
        "{mails:#?}"
    );
    let words = |mail: &String| mail.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        mails
            .iter()
            .all(|mail| words(mail).contains("No event told of this")),
        "{mails:#?}"
    );

    // The events come after all, and nobody is told again.
    let late = Function::start_on(Arc::clone(&aws), "key-activity", &[]);
    let met = lost
        .iter()
        .filter(|event| late.handle(event)["outcome"] == "duplicate");
    assert_eq!(met.count(), 2);
    aws.advance(hours(12));
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);

    // It is taken back, and its event is lost, too.
    aws.set_delivery(Delivery::nothing());
    aws.call("RevokeGrant", json!({"KeyId": lent, "GrantId": grant}))
        .unwrap();
    aws.advance(hours(12));
    sweep(&function, "full");
    aws.advance(SignedDuration::from_mins(30));
    assert_eq!(sweep(&function, "light"), ["KeyAccessDrifted alias/lent"]);
}

#[test]
fn grants_are_not_asked_for_unless_they_are_wanted_and_not_being_allowed_to_is_a_blind_spot() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    aws.add_key(key("plain"));
    let off = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_GRANTS", "false")],
    );
    let outcome = off.handle(&order("full", aws.now()));
    assert_eq!(outcome["sweep"]["calls"]["ListGrants"], Value::Null);
    // Its own, and that of AWS RAM.
    assert_eq!(outcome["sweep"]["calls"]["GetKeyPolicy"], 2);

    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    aws.add_key(key("plain"));
    aws.faults().deny("ListGrants");
    let function = Function::start_on(Arc::clone(&aws), INVENTORY, &[]);
    let outcome = function.handle(&order("full", aws.now()));
    // Once for whom they let in, once for who depends on the key.
    assert_eq!(outcome["sweep"]["calls"]["ListGrants"], 2, "{outcome}");
    let digest = function.feed().pop().unwrap();
    let reason = digest["details"]["blindSpots"][0]["reason"]
        .as_str()
        .unwrap();
    assert!(reason.starts_with("ListGrants: AccessDenied"), "{reason}");
}

#[test]
fn that_nobody_listens_to_the_alerts_is_measured_and_told_to_those_who_do() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let (people, health) = (aws.create_topic("people"), aws.create_topic("health"));
    aws.subscribe(&health, "email", "health@example.com")
        .unwrap();
    let own = aws.subscribe(&people, "email", "team@example.com").unwrap();
    let all = aws.subscribe(&people, "email", "all@example.com").unwrap();
    let scope = FilterScope::MessageAttributes;
    let pay = json!({"owner": ["team-pay"]});
    aws.filter_subscription(&own, scope, &pay).unwrap();
    let critical = json!({"severity": ["CRITICAL", "HIGH"]});
    aws.filter_subscription(&all, scope, &critical).unwrap();
    let variables = [("DIGEST", "OFF"), ("HEALTH_TOPIC_ARN", health.as_str())];
    let function = Function::start_on(Arc::clone(&aws), INVENTORY, &variables);
    assert_eq!(sweep(&function, "full"), [] as [&str; 0]);
    let listeners = || -> Vec<f64> {
        let points = aws.metric_points("KMSWatch");
        let points = points.iter().filter(|point| point.name == "Listeners");
        points.map(|point| point.value).collect()
    };
    assert_eq!(listeners(), [1.0, 1.0]);

    aws.filter_subscription(&all, scope, &pay).unwrap();
    aws.advance(hours(1));
    assert_eq!(sweep(&function, "light"), ["WatchChanged -"]);
    assert_eq!(listeners()[2..], [0.0, 1.0]);
    aws.advance(hours(1));
    assert_eq!(sweep(&function, "light"), [] as [&str; 0], "once");
}
