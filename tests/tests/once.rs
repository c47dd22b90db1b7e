//! The built functions with their ledger: one alert per occurrence, a name for every key, nothing lost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watch_local::{Caller, Invocation, LocalAws, NewKey, Options};
use watch_tests::{Function, LEDGER, NO_LEDGER, event};

const TOPICS: [&str; 3] = ["people", "chat", "feed"];
const PAYMENTS: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn payments() -> NewKey {
    NewKey::symmetric()
        .id(PAYMENTS)
        .alias("alias/payments")
        .described("Card data of the orders database")
        .tag("Owner", "team-pay")
}

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    aws.add_key(payments());
    Arc::new(aws)
}

fn received(function: &Function) -> [usize; 3] {
    TOPICS.map(|topic| function.received(topic).len())
}

/// Items of the ledger whose sort key begins so.
fn items(aws: &LocalAws, prefix: &str) -> Vec<Value> {
    let items = aws.table_items(LEDGER).into_iter();
    items
        .filter(|item| item["sk"]["S"].as_str().unwrap().starts_with(prefix))
        .collect()
}

/// Everything that AWS and its queues may make of one rotation.
fn forms_of_one_rotation() -> Vec<Value> {
    let kms = event("key-rotation/kms-rotation-on-demand-new.json");
    let twin = event("key-rotation/ct-rotate-key-on-demand-service-event.json").to_string();
    let twin = twin.replace("c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74", PAYMENTS);
    let mut cloudtrail: Value = serde_json::from_str(&twin).unwrap();
    cloudtrail["detail"]["serviceEventDetails"]["currentKeyMaterialId"] =
        kms["detail"]["current-key-material-id"].clone();
    cloudtrail["detail"]["eventTime"] = kms["time"].clone();
    let mut again = kms.clone();
    again["id"] = json!("0b7c1d3e-0000-4000-8000-000000000001");
    let mut replay = kms.clone();
    replay["replay-name"] = json!("after-the-outage");
    let record = |body: &Value| json!({"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": body.to_string()}]});
    let failed = json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": cloudtrail});
    vec![
        kms.clone(),
        cloudtrail,
        again,
        replay,
        record(&kms),
        failed.clone(),
        record(&failed),
    ]
}

#[test]
fn fifty_parallel_tellings_in_all_forms_give_exactly_one_alert() {
    let forms = forms_of_one_rotation();
    let aws = aws();
    let functions: Vec<_> = (0..5)
        .map(|_| Function::start_on(Arc::clone(&aws), "key-rotation", &[]))
        .collect();
    functions.iter().for_each(Function::ready);
    let outcomes: Vec<Value> = std::thread::scope(|scope| {
        let invoke = |number: usize, function| {
            let form = forms[(number * 3) % forms.len()].clone();
            scope.spawn(move || Function::handle(function, &form))
        };
        let threads: Vec<_> = (0..50)
            .map(|number| invoke(number, &functions[number % 5]))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let count = |verdict: &str| {
        outcomes
            .iter()
            .filter(|outcome| outcome["outcome"] == verdict)
            .count()
    };
    assert_eq!((count("delivered"), count("duplicate")), (1, 49));
    assert_eq!(received(&functions[0]), [1; 3]);
}

#[test]
fn a_deleted_key_is_named_from_memory() {
    let aws = aws();
    aws.call(
        "Encrypt",
        json!({"KeyId": PAYMENTS, "Plaintext": "NDExMQ=="}),
    )
    .unwrap();
    aws.advance_days(3);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": PAYMENTS, "PendingWindowInDays": 7}),
    )
    .unwrap();
    let scheduled = aws.take_events();
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    for event in &scheduled {
        function.handle(event);
    }
    aws.advance_days(9);
    let deleted = aws.take_events();
    assert_eq!(aws.key_state(ARN), None, "KMS knows the key no more");
    assert_eq!(deleted.len(), 2, "KMS tells, and CloudTrail");
    received(&function);
    let outcomes: Vec<_> = deleted.iter().map(|event| function.handle(event)).collect();
    assert_eq!(outcomes[1]["outcome"], "duplicate");
    assert_eq!(received(&function), [1; 3]);
    let alert = &outcomes[0]["alerts"][0];
    let key = &alert["key"];
    assert_eq!(key["aliases"], json!(["alias/payments"]));
    assert_eq!(key["owner"], "team-pay");
    assert_eq!(key["description"], "Card data of the orders database");
    assert_eq!(key["lastUse"]["status"], "USED");
    assert!(
        key["lastUse"]["asOf"].is_string() && key["createdAt"].is_string(),
        "{key:#}"
    );
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(alert["details"]["scheduledBy"], "KeyAdmin/j.okafor");
    assert_eq!(alert["enrichment"]["source"], "LEDGER");
    let title = alert["title"].as_str().unwrap();
    assert!(
        title.starts_with("alias/payments permanently deleted on "),
        "{title}"
    );
    let history = items(&aws, "alert#");
    let kinds: Vec<_> = history
        .iter()
        .map(|item| item["kind"]["S"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["KeyDeletionScheduled", "KeyDeleted"]);
}

#[test]
fn a_topic_that_fails_is_served_by_the_retry_and_the_others_are_left_alone() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    let scheduled = event("key-deletion/ct-schedule-key-deletion.json");
    function.ready();
    aws.faults()
        .on(&aws.create_topic("chat"))
        .deny("sns:Publish");
    let request = function.lambda.queue(scheduled.to_string());
    let failed = function.lambda.wait(&request, Duration::from_secs(60));
    assert!(matches!(failed, Invocation::Error(_)), "{failed:?}");
    assert_eq!(received(&function), [1, 0, 1]);
    aws.faults().clear();
    let retried = function.retry(&request, scheduled.to_string());
    assert!(matches!(retried, Invocation::Response(_)), "{retried:?}");
    assert_eq!(received(&function), [0, 1, 0]);
}

/// What is wrong with an AWS.
type Fault = fn(&LocalAws);

#[test]
fn no_failure_of_the_table_stops_an_alert() {
    let faults: [(&str, Fault); 4] = [
        ("denied", |aws| {
            aws.faults().deny("dynamodb:*");
        }),
        ("throttled", |aws| {
            aws.faults().throttle("dynamodb:*", 100);
        }),
        ("broken", |aws| {
            aws.faults().fail("dynamodb:*", 100);
        }),
        ("slow", |aws| {
            aws.faults().slow("dynamodb:*", Duration::from_secs(30));
        }),
    ];
    for (name, fault) in faults {
        let aws = aws();
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
        function.ready();
        fault(&aws);
        let outcome = function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
        assert_eq!(outcome["outcome"], "delivered", "{name}");
        let missing = &outcome["alerts"][0]["enrichment"]["missing"];
        assert_eq!(missing[0]["fact"], "ledger", "{name}: {missing}");
        assert_eq!(outcome["alerts"][0]["key"]["owner"], "team-pay", "{name}");
        assert_eq!(received(&function), [1; 3], "{name}");
    }
    // No such table.
    let function = Function::start_on(aws(), "key-deletion", &[("LEDGER_TABLE", "nowhere")]);
    let outcome = function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    let missing = &outcome["alerts"][0]["enrichment"]["missing"][0];
    assert!(
        missing["reason"]
            .as_str()
            .unwrap()
            .starts_with("ResourceNotFoundException"),
        "{missing}"
    );
    assert_eq!(received(&function), [1; 3]);
}

#[test]
fn three_hundred_deletions_are_few_mails_and_a_whole_feed() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    for number in 0..300 {
        let mut scheduled = event("key-deletion/ct-schedule-key-deletion.json");
        let text = scheduled
            .to_string()
            .replace(PAYMENTS, &format!("5f0c1b7e-2a94-4d3e-9c61-{number:012}"));
        scheduled = serde_json::from_str(&text).unwrap();
        scheduled["detail"]["eventID"] = json!(format!("event-{number}"));
        let second = number / 10;
        scheduled["detail"]["eventTime"] = json!(format!("2026-02-14T09:00:{second:02}Z"));
        function.handle(&scheduled);
    }
    let people = function.received("people");
    let subjects: Vec<_> = people
        .iter()
        .map(|message| message.subject.clone().unwrap())
        .collect();
    assert_eq!(subjects.len(), 10, "{subjects:#?}");
    assert!(
        subjects[5].starts_with("HIGH: 6 times KeyDeletionScheduled, keys without owner, "),
        "{}",
        subjects[5]
    );
    assert!(
        subjects[9].starts_with("HIGH: 200 times"),
        "{}",
        subjects[9]
    );
    assert_eq!(function.received("feed").len(), 300);
}

#[test]
fn without_a_ledger_everything_is_told_each_time() {
    let function = Function::start_on(aws(), "key-rotation", &NO_LEDGER);
    for form in forms_of_one_rotation() {
        assert_eq!(function.handle(&form)["outcome"], "delivered");
    }
    assert_eq!(received(&function), [7; 3]);
}

#[test]
fn the_profile_and_the_history_have_the_form_that_is_documented() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    let profile = items(&aws, "profile").remove(0);
    assert_eq!(profile["pk"]["S"], ARN);
    assert_eq!(
        profile["aliases"]["M"]["value"]["L"],
        json!([{"S": "alias/payments"}])
    );
    assert_eq!(
        profile["tags"]["M"]["value"]["M"],
        json!({"Owner": {"S": "team-pay"}})
    );
    assert_eq!(profile["scheduled"]["M"]["by"]["S"], "KeyAdmin/j.okafor");
    assert!(
        profile.get("ttl").is_none(),
        "a profile is kept permanently"
    );
    // Counted are alerts of the kind, and the keys that the actor deletes.
    for (prefix, number) in [("claim#", 1), ("alert#", 1), ("count#", 2)] {
        let kept = items(&aws, prefix);
        assert_eq!(kept.len(), number, "{prefix}");
        let end = |item: &Value| item["ttl"]["N"].is_string();
        assert!(kept.iter().all(end), "{prefix}");
    }
    let claim = items(&aws, "claim#").remove(0);
    assert_eq!(claim["state"]["S"], "DELIVERED");
    assert_eq!(claim["topics"]["L"].as_array().unwrap().len(), 3);
}
