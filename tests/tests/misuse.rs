//! The built function key-misuse on calls that really fail: on keys that cannot be used, and without a permission.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use serde_json::{Value, json};
use watch_local::{Caller, LocalAws, NewKey, Options, Policy, Statement};
use watch_tests::template::{Router, Stack, Template};
use watch_tests::{Function, LEDGER, NO_LEDGER, event};

const TOPICS: [&str; 3] = ["people", "chat", "feed"];

/// An AWS whose events are those that a rule sees which asks for reads too.
fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options {
        read_only_events: true,
        ..Options::default()
    });
    let aws = aws.unwrap();
    aws.as_caller(Caller::assumed_role("AppServer", "i-1"));
    Arc::new(aws)
}

fn payments() -> NewKey {
    NewKey::symmetric()
        .alias("alias/payments")
        .tag("Owner", "team-pay")
}

/// The application tries to decrypt, and fails.
fn attempt(aws: &LocalAws, key: &str, operation: &str) -> Value {
    let context = json!({"tenant": "SECRET"});
    let body = match operation {
        "GenerateDataKey" => {
            json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context})
        }
        _ => json!({"KeyId": key, "Plaintext": "NDExMQ==", "EncryptionContext": context}),
    };
    aws.take_events();
    aws.call(operation, body).unwrap_err();
    let events = aws.take_events();
    assert_eq!(events.len(), 1, "{events:#?}");
    events[0].clone()
}

fn received(function: &Function) -> [usize; 3] {
    TOPICS.map(|topic| function.received(topic).len())
}

fn minutes(aws: &LocalAws, minutes: i64) {
    aws.advance(jiff::SignedDuration::from_mins(minutes));
}

/// The one alert of an outcome.
fn alert(outcome: &Value) -> &Value {
    assert_eq!(outcome["outcome"], "delivered", "{outcome:#}");
    &outcome["alerts"][0]
}

#[test]
fn who_needs_a_key_that_is_pending_deletion_is_told_with_the_command_that_saves_it() {
    let aws = aws();
    let key = aws.add_key(payments());
    let admin = Caller::assumed_role("KeyAdmin", "j.okafor");
    aws.as_caller(admin);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    aws.as_caller(Caller::assumed_role("AppServer", "i-1"));
    let failed = attempt(&aws, &key, "Encrypt");
    let rules = Router::new(&Template::read(), &Stack::default()).rules(&failed.to_string());
    assert_eq!(
        rules.into_iter().collect::<Vec<_>>(),
        ["KeyMisuseFunctionUnusable"]
    );

    let function = Function::start_on(Arc::clone(&aws), "key-misuse", &[]);
    let outcome = function.handle(&failed);
    let alert = alert(&outcome);
    assert_eq!(alert["kind"], "UnusableKeyUsed");
    assert_eq!(alert["severity"], "CRITICAL");
    let title = alert["title"].as_str().unwrap();
    assert!(
        title.starts_with("alias/payments still needed; deletion due "),
        "{title}"
    );
    let details = &alert["details"];
    assert_eq!(details["operation"], "Encrypt");
    assert_eq!(details["reason"], "PendingDeletion");
    assert_eq!(details["encryptionContextKeys"], json!(["tenant"]));
    assert!(!outcome.to_string().contains("SECRET"));
    assert_eq!(alert["key"]["owner"], "team-pay");
    assert_eq!(
        alert["nextSteps"][0]["command"],
        format!("aws kms cancel-key-deletion --key-id {key} --region us-east-1")
    );
    let mail = &function.received("people")[0].message;
    assert!(mail.contains("aws kms cancel-key-deletion") && !mail.contains("SECRET"));
    for topic in ["chat", "feed"] {
        assert!(!function.received(topic)[0].message.contains("SECRET"));
    }
}

/// A light sweep, which tells what is left to tell.
fn light_sweep(aws: &Arc<LocalAws>) {
    let sweep = Function::start_on(Arc::clone(aws), "key-inventory", &[("DIGEST", "OFF")]);
    let outcome = sweep.handle(&json!({"sweep": "light", "at": aws.now().to_string()}));
    assert!(outcome["sweep"].is_object(), "{outcome:#}");
}

#[test]
fn a_hundred_attempts_are_three_mails_across_two_processes_and_a_sweep_tells_the_last() {
    let aws = aws();
    let key = aws.add_key(payments().disabled());
    let functions = [(); 2].map(|()| Function::start_on(Arc::clone(&aws), "key-misuse", &[]));
    functions.iter().for_each(Function::ready);
    let mut verdicts = Vec::new();
    for number in 0..100 {
        // A new session each time, as of a function that is invoked again and again.
        aws.as_caller(Caller::assumed_role("AppServer", &format!("i-{number}")));
        let failed = attempt(&aws, &key, "GenerateDataKey");
        verdicts.push(functions[number % 2].handle(&failed));
        aws.advance(jiff::SignedDuration::from_secs(30));
    }
    let first = alert(&verdicts[0]);
    assert_eq!(first["severity"], "HIGH");
    assert_eq!(first["details"]["attempts"], 0);
    assert_eq!(first["details"]["since"], json!(null));
    for (number, outcome) in verdicts.iter().enumerate() {
        if [0, 9, 99].contains(&number) {
            assert_eq!(alert(outcome)["details"]["total"], number + 1);
        } else {
            assert_eq!(outcome["outcome"], "duplicate", "{number}");
        }
    }
    assert_eq!(received(&functions[0]), [3; 3]);

    // The next hour: chat and feed have it, and mail has the hundredth.
    minutes(&aws, 20);
    let next = functions[1].handle(&attempt(&aws, &key, "GenerateDataKey"));
    assert_eq!(next["outcome"], "suppressed", "{next:#}");
    let details = &next["alerts"][0]["details"];
    assert_eq!(
        (&details["total"], &details["firstAt"]),
        (&json!(101), &first["occurredAt"])
    );
    assert_eq!(received(&functions[0]), [0, 1, 1]);

    // It goes on as far as a sweep can see, and has stopped an hour later.
    light_sweep(&aws);
    assert!(functions[0].received("people").is_empty());
    minutes(&aws, 90);
    light_sweep(&aws);
    let mails = functions[0].received("people");
    let [last] = &mails[..] else {
        panic!("{mails:#?}")
    };
    let subject = last.subject.as_ref().unwrap();
    let expected = "LOW: Attempts stopped: GenerateDataKey on alias/payments by AppServer";
    assert!(subject.starts_with(expected), "{subject}");
    let words = "It stopped: 101 attempts from ";
    assert!(last.message.contains(words), "{}", last.message);
    assert_eq!(functions[0].received("chat").len(), 1);
    light_sweep(&aws);
    assert!(functions[0].received("people").is_empty());

    // A day later it is a series of its own. So is another operation.
    minutes(&aws, 25 * 60);
    let anew = functions[0].handle(&attempt(&aws, &key, "GenerateDataKey"));
    assert_eq!(alert(&anew)["details"]["total"], 1);
    let other = functions[0].handle(&attempt(&aws, &key, "Encrypt"));
    assert_eq!(alert(&other)["details"]["since"], json!(null));
}

#[test]
fn what_becomes_worse_is_mailed_at_once() {
    let aws = aws();
    let key = aws.add_key(payments().disabled());
    let function = Function::start_on(Arc::clone(&aws), "key-misuse", &[]);
    alert(&function.handle(&attempt(&aws, &key, "Encrypt")));
    minutes(&aws, 60);
    let again = function.handle(&attempt(&aws, &key, "Encrypt"));
    assert_eq!(again["outcome"], "suppressed");
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    minutes(&aws, 60);
    let worse = function.handle(&attempt(&aws, &key, "Encrypt"));
    assert_eq!(alert(&worse)["severity"], "CRITICAL");
    assert_eq!(received(&function), [2, 3, 3]);
}

#[test]
fn many_at_once_in_several_processes_are_few_alerts_and_none_is_forgotten() {
    let aws = aws();
    let key = aws.add_key(payments().disabled());
    let events: Vec<_> = (0..40).map(|_| attempt(&aws, &key, "Encrypt")).collect();
    let functions: Vec<_> = (0..4)
        .map(|_| Function::start_on(Arc::clone(&aws), "key-misuse", &[]))
        .collect();
    functions.iter().for_each(Function::ready);
    let outcomes: Vec<Value> = std::thread::scope(|scope| {
        let threads: Vec<_> = events
            .iter()
            .enumerate()
            .map(|(number, event)| {
                let function = &functions[number % 4];
                scope.spawn(move || function.handle(event))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let delivered = outcomes
        .iter()
        .filter(|outcome| outcome["outcome"] == "delivered");
    // The first and the tenth.
    let delivered = delivered.count();
    assert_eq!(delivered, 2);
    assert_eq!(received(&functions[0]), [delivered; 3]);
    minutes(&aws, 60);
    let next = functions[0].handle(&attempt(&aws, &key, "Encrypt"));
    assert_eq!(next["alerts"][0]["details"]["total"], 41);
}

#[test]
fn a_repeat_costs_two_reads_and_one_write_and_no_call_to_kms() {
    let aws = aws();
    let key = aws.add_key(payments().disabled());
    let function = Function::start_on(Arc::clone(&aws), "key-misuse", &[]);
    function.ready();
    let calls = || {
        let mut calls: Vec<_> = aws
            .requests()
            .into_iter()
            .map(|request| request.operation)
            .collect();
        calls.sort();
        aws.clear_requests();
        calls
    };
    let failed = [(); 2].map(|()| attempt(&aws, &key, "Encrypt"));
    calls();
    function.handle(&failed[0]);
    assert_eq!(
        calls(),
        [
            "BatchGetItem",
            "BatchWriteItem",
            "DescribeKey",
            "GetKeyLastUsage",
            "ListAliases",
            "ListResourceTags",
            "Publish",
            "Publish",
            "Publish",
            "PutItem",
            "UpdateItem",
            "UpdateItem",
            "UpdateItem"
        ]
    );
    function.handle(&failed[1]);
    // The second read looks for the alert that proves it.
    assert_eq!(calls(), ["BatchGetItem", "BatchGetItem", "UpdateItem"]);
    let counters = aws.table_items(LEDGER).into_iter().filter(|item| {
        let sort = item["sk"]["S"].as_str().unwrap();
        sort.starts_with("count#UnusableKeyUsed#")
    });
    let counts: Vec<_> = counters.map(|item| item["n"]["N"].clone()).collect();
    assert_eq!(counts, ["1", "0"]);
}

#[test]
fn a_denied_change_that_really_was_denied_is_told() {
    const INTRUDER: &str = "AKIDINTRUDER";
    let aws = aws();
    let key = aws.add_key(payments());
    aws.caller_for(INTRUDER, Caller::assumed_role("CiRunner", "nightly"));
    aws.restrict(
        INTRUDER,
        Policy::new([Statement::allow(["kms:Describe*"], ["*"])]),
    );
    let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
    let credentials =
        aws_sdk_kms::config::Credentials::new(INTRUDER, "secret", None, None, "tests");
    let client = aws_sdk_kms::Client::from_conf(
        aws_sdk_kms::config::Builder::from(&sdk)
            .credentials_provider(credentials)
            .build(),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    aws.take_events();
    let call = client.schedule_key_deletion().key_id(&key).send();
    runtime.block_on(call).unwrap_err();
    let events = aws.take_events();
    assert_eq!(events.len(), 1, "{events:#?}");
    let rules = Router::new(&Template::read(), &Stack::default()).rules(&events[0].to_string());
    assert_eq!(
        rules.into_iter().collect::<Vec<_>>(),
        ["KeyMisuseFunctionDenied"]
    );
    let function = Function::start_on(Arc::clone(&aws), "key-misuse", &[]);
    let outcome = function.handle(&events[0]);
    let alert = alert(&outcome);
    assert_eq!(
        (&alert["kind"], &alert["severity"]),
        (&json!("KeyChangeDenied"), &json!("HIGH"))
    );
    assert_eq!(
        alert["title"],
        "Denied: ScheduleKeyDeletion on alias/payments by CiRunner/nightly"
    );
    assert_eq!(alert["key"]["state"], "Enabled");
}

#[test]
fn without_a_ledger_every_attempt_is_told() {
    let aws = aws();
    let key = aws.add_key(payments().disabled());
    let function = Function::start_on(Arc::clone(&aws), "key-misuse", &NO_LEDGER);
    for _ in 0..3 {
        let outcome = function.handle(&attempt(&aws, &key, "Encrypt"));
        let alert = alert(&outcome);
        assert_eq!(alert["details"]["attempts"], json!(null));
    }
    assert_eq!(received(&function), [3; 3]);
}

#[test]
fn normal_use_and_other_failures_match_no_rule() {
    let aws = aws();
    let key = aws.add_key(payments());
    aws.take_events();
    aws.call("Encrypt", json!({"KeyId": key, "Plaintext": "NDExMQ=="}))
        .unwrap();
    aws.call("DescribeKey", json!({"KeyId": key})).unwrap();
    aws.call("CancelKeyDeletion", json!({"KeyId": key}))
        .unwrap_err();
    let mut router = Router::new(&Template::read(), &Stack::default());
    for event in aws.take_events() {
        let rules = router.rules(&event.to_string());
        assert!(rules.is_empty(), "{rules:?}: {event:#}");
    }
}

#[test]
fn an_event_of_hostile_hands_is_told_without_harm() {
    let function = Function::start("key-misuse", &[]);
    let mut hostile = event("key-misuse/ct-decrypt-hostile.json");
    hostile["detail"]["errorMessage"] = json!("is pending deletion".repeat(60_000));
    let contexts: serde_json::Map<_, _> = (0..2_000)
        .map(|number| {
            (
                format!("{number}\u{202E}{}", "x".repeat(500)),
                json!("SECRET"),
            )
        })
        .collect();
    hostile["detail"]["requestParameters"]["encryptionContext"] = contexts.into();
    let outcome = function.handle(&hostile);
    let names = &alert(&outcome)["details"]["encryptionContextKeys"];
    assert_eq!(names.as_array().unwrap().len(), 20);
    assert!(!outcome.to_string().contains("SECRET"));
    assert_eq!(received(&function), [1; 3]);
}
