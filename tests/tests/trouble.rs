//! The built functions on an AWS as it is on a bad day: processes die, events come twice and late, reads are old, quotas
//! are short, roles are narrow.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use watch_local::{
    Caller, Delivery, ImportedMaterial, Invocation, KeyStore, LocalAws, Moment, NewKey, Options,
    Policy, QuotaClock, Statement,
};
use watch_tests::deployed::{SCHEDULES, SWEEP};
use watch_tests::template::{Stack, Template};
use watch_tests::{Function, NO_LEDGER, event};

const TOPICS: [&str; 3] = ["people", "chat", "feed"];
/// The access key that the functions sign with.
const FUNCTION_KEY: &str = "AKIDFUNCTION";
const PAYMENTS: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ORDERS: &str = "7d3f9a52-6c1e-4b08-9f47-2e8a5d1c0b36";
const ARCHIVE: &str = "e4b81c09-5a27-4f6d-b3c8-91d0f7a26e54";
const LEDGER: &str = "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";

fn payments() -> NewKey {
    NewKey::symmetric()
        .id(PAYMENTS)
        .alias("alias/payments")
        .tag("Owner", "team-pay")
        .rotating_every(365)
}

fn ledger() -> NewKey {
    NewKey::imported()
        .id(LEDGER)
        .alias("alias/ledger")
        .material(ImportedMaterial::new("material"))
}

/// Eight calls of an event before it is published, three publishes, two calls after it, and two more for what depends on the
/// key: each a place to die. Lambda
/// invokes again, in a new environment, under the same request id.
#[test]
fn a_process_that_dies_at_any_call_loses_no_alert() {
    let scheduled = event("key-deletion/ct-schedule-key-deletion.json").to_string();
    let mut twice = 0;
    for (variables, calls) in [(&[][..], 16), (&NO_LEDGER[..], 9)] {
        for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
            for call in 1..=calls {
                let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
                aws.add_key(payments());
                let function = Function::start_on(Arc::clone(&aws), "key-deletion", variables);
                function.ready();
                function.kill_at(call, moment);
                let request = function.lambda.queue(scheduled.clone());
                assert!(
                    !function.ended().success(),
                    "call {call}, {moment:?}: the process lives"
                );
                drop(function);

                let function = Function::start_on(aws, "key-deletion", variables);
                let ended = function.retry(&request, scheduled.clone());
                assert!(matches!(ended, Invocation::Response(_)), "{ended:?}");
                let alerts = TOPICS.map(|topic| function.received(topic).len());
                assert!(
                    alerts.iter().all(|alerts| (1..=2).contains(alerts)),
                    "call {call}, {moment:?}: {alerts:?}"
                );
                if variables.is_empty() {
                    // Once everybody has it, nobody gets it again, whoever asks.
                    twice += usize::from(alerts != [1; 3]);
                    let again =
                        function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
                    assert_eq!(again["outcome"], "duplicate", "call {call}, {moment:?}");
                    assert_eq!(TOPICS.map(|topic| function.received(topic).len()), [0; 3]);
                }
            }
        }
    }
    // Whoever dies between a publish and the mark cannot know that it was done.
    assert!((1..=14).contains(&twice), "{twice}");
}

/// The role that `template.yaml` gives a function, for the calls that its own code makes: Lambda makes the others.
fn role(function: &str) -> Policy {
    let topics = [
        ("AlertTopic", "people"),
        ("ChatAlertTopic", "chat"),
        ("FeedAlertTopic", "feed"),
        ("HealthTopic", "kms-watch-HealthTopic"),
    ];
    // Without what a parameter adds that the functions here do not have.
    let stack = Stack::default().without("HasUseMetrics");
    let stack = topics.into_iter().fold(stack, |stack, (topic, name)| {
        stack.with(topic, format!("arn:aws:sns:us-east-1:111122223333:{name}"))
    });
    let mut statements = Template::read().role_statements(function, &stack);
    statements.retain(|statement| {
        let actions = statement["Action"].as_array().unwrap();
        actions.iter().any(|action| {
            let action = action.as_str().unwrap();
            [
                "kms:",
                "dynamodb:",
                "sns:Publish",
                "sns:ListSubscriptionsByTopic",
                "sns:GetSubscriptionAttributes",
                "events:List",
                "lambda:Get",
                "scheduler:Get",
                "sqs:Get",
                "cloudtrail:",
                "cloudwatch:",
            ]
            .iter()
            .any(|own| action.starts_with(own))
        })
    });
    Policy::from_json(&statements.into()).unwrap()
}

#[test]
fn a_function_needs_its_role_and_nothing_more() {
    for (name, files) in [
        (
            "alarm-relay",
            &["alarm-usage-anomaly-of-a-key", "alarm-xks-latency"][..],
        ),
        // Together they take every path that calls AWS.
        (
            "key-activity",
            &[
                "ct-disconnect-custom-key-store",
                "ct-put-key-policy",
                "ct-disable-key",
            ],
        ),
        ("key-deletion", &["ct-schedule-key-deletion"]),
        ("key-misuse", &["ct-decrypt-pending-deletion-disabled-code"]),
        ("key-rotation", &["kms-rotation-automatic-new"]),
        (
            "material-expiration",
            &[
                "ct-import-key-material-new",
                "ct-delete-imported-key-material",
            ],
        ),
    ] {
        let aws = LocalAws::start(Options::default()).unwrap();
        aws.add_key(payments());
        aws.add_key(ledger());
        for id in [ORDERS, ARCHIVE] {
            aws.add_key(NewKey::symmetric().id(id));
        }
        aws.add_key_store(KeyStore::cloud_hsm(
            "cks-4c8f0a6d12e95b73e",
            "cluster-4w7rkxq2mzp",
        ));
        aws.add_key_store(KeyStore::external("cks-7be1d290f5a3c846a"));
        aws.restrict(FUNCTION_KEY, role(name));
        let function = Function::start_on(aws, name, &[]);
        for file in files {
            let outcome = function.handle(&event(&format!("{name}/{file}.json")));
            let enrichment = &outcome["alerts"][0]["enrichment"];
            assert_eq!(
                enrichment["status"], "COMPLETE",
                "{name} is denied what it needs: {enrichment}"
            );
        }
        assert_eq!(
            function.aws.unused_permissions(FUNCTION_KEY),
            [],
            "{name} is granted what it does not need"
        );
        let denied: Vec<_> = function
            .aws
            .requests()
            .into_iter()
            .filter(|request| request.error.is_some())
            .collect();
        assert!(
            denied
                .iter()
                .all(|request| request.error.as_deref() == Some("UnsupportedOperationException")),
            "{denied:?}"
        );
    }
}

/// It is told of calls, and looks at the sweep.
#[test]
fn the_guard_needs_its_role_and_nothing_more() {
    let aws = LocalAws::start(Options::default()).unwrap();
    watch_tests::deployed::deploy(&aws);
    aws.restrict(FUNCTION_KEY, role("watch-guard"));
    let guard = Function::start_on(aws, "watch-guard", &[("STACK_NAME", "kms-watch")]);
    let outcome = guard.handle(&event("watch-guard/ct-disable-rule.json"));
    assert_eq!(outcome["alerts"][0]["enrichment"]["status"], "COMPLETE");
    let order = json!({"check": SWEEP, "schedules": SCHEDULES, "at": guard.aws.now().to_string()});
    guard.handle(&order);
    assert_eq!(guard.aws.unused_permissions(FUNCTION_KEY), []);
    let requests = guard.aws.requests();
    let failed: Vec<_> = requests.iter().filter(|it| it.error.is_some()).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn a_sweep_needs_its_role_and_nothing_more() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key_store(KeyStore::external("cks-7be1d290f5a3c846a"));
    let scheduled = aws.add_key(NewKey::symmetric().alias("alias/payments"));
    aws.add_key(NewKey::imported().alias("alias/ledger"));
    let deployed = watch_tests::deployed::deploy(&aws);
    aws.restrict(FUNCTION_KEY, role("key-inventory"));
    let deployed = deployed.iter().map(|(name, value)| (*name, value.as_str()));
    let variables: Vec<_> = deployed.chain([("SWEEP_HOLD_MINUTES", "0")]).collect();
    let function = Function::start_on(aws, "key-inventory", &variables);
    let sweep = || function.handle(&json!({"sweep": "full", "at": function.aws.now().to_string()}));
    sweep();
    let schedule = json!({"KeyId": scheduled, "PendingWindowInDays": 7});
    function.aws.call("ScheduleKeyDeletion", schedule).unwrap();
    function.aws.advance_days(1);
    let outcome = sweep();
    assert_eq!(outcome["alerts"][0]["enrichment"]["status"], "COMPLETE");
    assert_eq!(function.aws.unused_permissions(FUNCTION_KEY), []);
    let requests = function.aws.requests();
    let denied: Vec<_> = requests
        .iter()
        .filter(|request| request.error.as_deref() == Some("AccessDeniedException"))
        .collect();
    assert!(denied.is_empty(), "{denied:?}");
}

#[test]
fn a_role_without_a_read_costs_the_alert_that_fact() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key(payments());
    aws.restrict(
        FUNCTION_KEY,
        Policy::new([
            Statement::allow(["sns:*"], ["*"]),
            Statement::allow(["kms:D*"], ["*"]),
        ]),
    );
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    let alert =
        function.handle(&event("key-deletion/ct-schedule-key-deletion.json"))["alerts"][0].take();
    let missing: Vec<_> = alert["enrichment"]["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fact| &fact["fact"])
        .collect();
    assert_eq!(
        missing,
        ["aliases", "tags", "rotation", "lastRotation", "lastUse"]
    );
    assert_eq!(alert["key"]["state"], "Enabled");
}

#[test]
fn an_answer_older_than_the_event_is_told_as_such() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let key = aws.add_key(payments());
    aws.eventual_consistency(jiff::SignedDuration::from_secs(5), 1.0);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    let event = aws.take_events().remove(0);
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    let old = function.handle(&event)["alerts"][0].take();
    assert_eq!(old["key"]["state"], "Enabled");
    let title = old["title"].as_str().unwrap();
    assert!(
        title.starts_with("Deletion of alias/payments scheduled for 2026-11-27 "),
        "the event says when: {title}"
    );
    assert!(
        old["summary"]
            .as_str()
            .unwrap()
            .contains("or this answer is older than the event"),
        "{old:#}"
    );
    function.aws.advance(jiff::SignedDuration::from_secs(6));
    let fresh = function.handle(&event)["alerts"][0].take();
    assert_eq!(fresh["key"]["state"], "PendingDeletion");
    assert!(
        !fresh["summary"]
            .as_str()
            .unwrap()
            .contains("older than the event")
    );
}

#[test]
fn a_burst_beyond_the_quotas_costs_facts_and_no_alert() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key(payments());
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    function.ready();
    // All calls from here on fall into the same second.
    function.aws.enforce_quotas(Some(QuotaClock::Virtual));
    let scheduled = event("key-deletion/ct-schedule-key-deletion.json");
    let known = (0..8).filter(|_| {
        let alert = function.handle(&scheduled)["alerts"][0].take();
        alert["key"]["lastUse"].is_object()
    });
    assert_eq!(
        known.count(),
        5,
        "the quota of GetKeyLastUsage is five a second, and it is asked once an alert"
    );
    for topic in TOPICS {
        assert_eq!(function.received(topic).len(), 8);
    }
    assert_eq!(
        function.aws.request_counts()["GetKeyLastUsage"],
        8,
        "who is refused does not ask again"
    );
}

/// Keys live for two months on a bus that sends twice, late and out of order, in old and new shapes, while KMS throttles.
#[test]
fn two_months_of_keys_on_a_bad_bus_are_all_told() {
    for seed in [1, 2] {
        let delivery = Delivery {
            duplicates: 0.3,
            delay: jiff::SignedDuration::ZERO..=jiff::SignedDuration::from_mins(10),
            reorder: 0.3,
            old_shapes: 0.5,
            ..Delivery::default()
        };
        let aws = Arc::new(
            LocalAws::start(Options {
                seed,
                delivery,
                ..Options::default()
            })
            .unwrap(),
        );
        aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
        let functions = ["key-deletion", "key-rotation", "material-expiration"]
            .map(|name| Function::start_on(Arc::clone(&aws), name, &NO_LEDGER));
        functions.iter().for_each(Function::ready);
        let expected = live(&aws);
        aws.faults().throttle("*", 200);

        let mut told: BTreeMap<(String, String), usize> = BTreeMap::new();
        let events = aws.take_events();
        assert_eq!(aws.lost_events(), [] as [Value; 0]);
        for event in &events {
            for function in &functions {
                for alert in function.handle(event)["alerts"].as_array().unwrap() {
                    let word = |value: &Value| value.as_str().unwrap().to_owned();
                    *told
                        .entry((word(&alert["kind"]), word(&alert["key"]["arn"])))
                        .or_default() += 1;
                }
            }
        }
        for occurrence in &expected {
            assert!(
                told.contains_key(occurrence),
                "seed {seed}: {occurrence:?} was not told among {told:#?}"
            );
        }
        assert_eq!(
            told.len(),
            expected.len(),
            "seed {seed}: told and never happened"
        );
        assert!(
            told.values().sum::<usize>() > expected.len(),
            "seed {seed}: nothing came twice"
        );
        assert_eq!(
            functions[0].received("people").len(),
            told.values().sum::<usize>()
        );
    }
}

/// What happens to the keys, and what must be told of it.
fn live(aws: &LocalAws) -> Vec<(String, String)> {
    let mut expected = Vec::new();
    let mut must = |kind: &str, key: &str| expected.push((kind.to_owned(), key.to_owned()));
    let call = |operation: &str, body: Value| aws.call(operation, body).map(drop).unwrap();
    let end = aws
        .now()
        .checked_add(jiff::SignedDuration::from_hours(24 * 20))
        .unwrap();
    for number in 0..6 {
        let key = aws.add_key(NewKey::symmetric().alias(&format!("alias/app-{number}")));
        call(
            "EnableKeyRotation",
            json!({"KeyId": key, "RotationPeriodInDays": 90}),
        );
        must("KeyRotationEnabled", &key);
        call(
            "ScheduleKeyDeletion",
            json!({"KeyId": key, "PendingWindowInDays": 7 + number}),
        );
        must("KeyDeletionScheduled", &key);
        if number % 2 == 0 {
            call("CancelKeyDeletion", json!({"KeyId": key}));
            must("KeyDeletionCancelled", &key);
            call("EnableKey", json!({"KeyId": key}));
            call("RotateKeyOnDemand", json!({"KeyId": key}));
            must("KeyRotationRequested", &key);
            must("KeyRotated", &key);
        } else {
            must("KeyDeleted", &key);
        }
        let imported = aws.add_key(
            NewKey::imported().material(ImportedMaterial::new(format!("{number}")).expiring(end)),
        );
        must("KeyMaterialExpired", &imported);
        aws.advance(jiff::SignedDuration::from_mins(7));
    }
    aws.advance_days(60);
    expected
}
