//! What depends on a key, as the built functions tell it after an alert: once, bounded, and never at the alert's cost.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{Caller, LocalAws, NewKey, Options, Service};
use watch_tests::Function;

/// Personal data, where programs of the account and people put it.
const PERSONAL: [&str; 4] = ["Maria", "Meier", "maria", "meier"];

/// A key that services use for a database, three volumes and a bucket, and a program for a patient.
fn used() -> (Arc<LocalAws>, String) {
    let aws = LocalAws::start(Options {
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::symmetric().alias("alias/payments"));
    aws.encrypt_for(Service::Rds, &key, "db-7QK2ORDERS", "Billing")
        .unwrap();
    for number in 1..=3 {
        let volume = format!("vol-0a{number:03}");
        aws.encrypt_for(Service::Ebs, &key, &volume, "AppServer")
            .unwrap();
    }
    aws.encrypt_for(Service::S3, &key, "acme-ledger", "AppServer")
        .unwrap();
    aws.as_caller(Caller::assumed_role("Clinic", "maria@example.com"));
    let context = json!({"patient": "Maria Meier", "aws:s3:arn": "arn:aws:s3:::records/maria.pdf"});
    let own = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
    aws.call("GenerateDataKey", own).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    aws.advance(SignedDuration::from_hours(2));
    aws.take_events();
    (Arc::new(aws), key)
}

/// Somebody schedules the deletion of the key: the event.
fn schedule(aws: &LocalAws, key: &str) -> Value {
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    let mut events = aws.take_events();
    events.retain(|event| event["detail"]["eventName"] == "ScheduleKeyDeletion");
    events.remove(0)
}

/// The operations of all requests, in that order.
fn operations(aws: &LocalAws) -> Vec<String> {
    let requests = aws.requests().into_iter();
    requests.map(|request| request.operation).collect()
}

#[test]
fn what_breaks_follows_the_alert_once_and_is_known_to_the_next_one() {
    let (aws, key) = used();
    let event = schedule(&aws, &key);
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    function.handle(&event);
    let feed = function.feed();
    let kinds: Vec<_> = feed.iter().map(|alert| &alert["kind"]).collect();
    assert_eq!(kinds, ["KeyDeletionScheduled", "DependantsFound"]);
    assert!(feed[0]["dependants"].is_null() && feed[0]["dataDeadline"].is_null());
    let (told, found) = (&feed[0], &feed[1]);
    for member in ["dedupKey", "status", "undoUntil", "account", "region"] {
        assert_eq!(told[member], found[member], "{member}");
    }
    assert_eq!(found["details"]["follows"], told["id"]);
    assert_eq!(found["dependants"]["resourceCount"], 6);
    assert!(found["dataDeadline"].is_string(), "{found:#}");
    let mails = function.received("people");
    let lines: Vec<_> = mails[1].message.lines().collect();
    let list = lines.iter().position(|line| *line == "WHAT DEPENDS ON IT");
    let list: Vec<_> = lines[list.unwrap() + 1..]
        .iter()
        .take_while(|line| line.starts_with("  "))
        .collect();
    assert!((3..=6).contains(&list.len()), "{list:#?}");
    assert!(list[0].starts_with("  RDS instance db-7QK2ORDERS (Billing"));

    // EventBridge delivers twice: nobody is told again.
    assert_eq!(function.handle(&event)["outcome"], "duplicate");
    assert!(function.feed().is_empty());

    // The next alert has it at once, and asks nobody.
    aws.clear_requests();
    aws.call("CancelKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    aws.take_events();
    aws.advance(SignedDuration::from_mins(5));
    function.handle(&schedule(&aws, &key));
    let feed = function.feed();
    assert_eq!(feed.len(), 1, "{feed:#?}");
    assert_eq!(feed[0]["dependants"]["resourceCount"], 6);
    assert!(feed[0]["dataDeadline"].is_string());
    assert!(!operations(&aws).contains(&"LookupEvents".to_owned()));
}

#[test]
fn personal_data_of_own_contexts_and_sessions_is_in_no_alert_no_item_and_no_log() {
    let (aws, key) = used();
    let event = schedule(&aws, &key);
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    let outcome = function.handle(&event);
    let mut written = vec![outcome.to_string()];
    for topic in ["people", "chat", "feed"] {
        let messages = function.received(topic);
        assert_eq!(messages.len(), 2, "{topic}");
        written.extend(messages.into_iter().map(|message| message.message));
    }
    assert!(written[0].contains("records") && written[0].contains("role/Clinic"));
    let items = aws.table_items(watch_tests::LEDGER);
    assert!(!items.is_empty());
    written.extend(items.iter().map(Value::to_string));
    function.lambda.shutdown();
    let (_, stdout, stderr) = function.end();
    assert!(!stdout.is_empty() || !stderr.is_empty());
    written.extend([stdout, stderr]);
    for (number, text) in written.iter().enumerate() {
        for personal in PERSONAL {
            assert!(!text.contains(personal), "{personal} in {number}: {text}");
        }
    }
}

#[test]
fn whatever_is_wrong_with_the_sources_the_alert_is_out_before_they_are_asked() {
    type Fault = fn(&LocalAws, &str);
    let faults: [(Fault, usize); 4] = [
        (|aws, operation| _ = aws.faults().deny(operation), 1),
        // Throttled for as long as somebody wishes.
        (
            |aws, operation| _ = aws.faults().throttle(operation, u32::MAX),
            1,
        ),
        (
            |aws, operation| _ = aws.faults().fail(operation, u32::MAX),
            1,
        ),
        (
            |aws, operation| _ = aws.faults().slow(operation, Duration::from_secs(30)),
            1,
        ),
    ];
    for (number, (fault, alerts)) in faults.into_iter().enumerate() {
        let (aws, key) = used();
        let event = schedule(&aws, &key);
        for operation in ["ListGrants", "LookupEvents"] {
            fault(&aws, operation);
        }
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
        function.ready();
        aws.clear_requests();
        let began = Instant::now();
        let outcome = function.handle(&event);
        assert_eq!(outcome["outcome"], "delivered", "{number}");
        assert!(began.elapsed() < Duration::from_secs(16), "{number}");
        assert_eq!(function.feed().len(), alerts, "{number}");
        let operations = operations(&aws);
        let is_late =
            |operation: &&String| ["ListGrants", "LookupEvents"].contains(&operation.as_str());
        let first = operations.iter().position(|it| is_late(&it)).unwrap();
        let told = operations.iter().rposition(|it| it == "Publish").unwrap();
        assert!(told < first, "{number}: {operations:?}");
    }
}

#[test]
fn one_source_that_fails_leaves_the_other_and_says_at_least() {
    for (operation, source) in [("ListGrants", "EVENT_HISTORY"), ("LookupEvents", "GRANTS")] {
        let (aws, key) = used();
        let event = schedule(&aws, &key);
        aws.faults().deny(operation);
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
        function.handle(&event);
        let found = function.feed().pop().unwrap();
        assert_eq!(found["kind"], "DependantsFound");
        assert_eq!(found["dependants"]["sources"], json!([source]));
        assert_eq!(found["dependants"]["complete"], false);
        let title = found["title"].as_str().unwrap();
        assert!(title.contains("at least"), "{title}");
    }
}

/// A key that is used all the time, and once by somebody else.
#[test]
fn ten_thousand_uses_cost_some_look_ups_and_no_more() {
    let (aws, key) = used();
    let app = Caller::assumed_role("Busy", "i-0abc");
    aws.as_caller(app);
    let body = json!({"KeyId": key, "KeySpec": "AES_256"});
    for _ in 0..10_000 {
        aws.call("GenerateDataKey", body.clone()).unwrap();
    }
    aws.advance(SignedDuration::from_hours(1));
    aws.take_events();
    let event = schedule(&aws, &key);
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    function.ready();
    aws.clear_requests();
    let began = Instant::now();
    function.handle(&event);
    assert!(began.elapsed() < Duration::from_secs(16));
    let asked = operations(&aws);
    let looked = asked.iter().filter(|it| *it == "LookupEvents").count();
    assert!((2..=7).contains(&looked), "{asked:?}");
    let found = function.feed().pop().unwrap();
    assert_eq!(found["dependants"]["complete"], false, "{found:#}");
    let mail = function.received("people").pop().unwrap();
    assert!(mail.message.contains("role/Busy"), "{}", mail.message);
    assert!(mail.message.len() < 8_000);
}

/// Whoever may make grants, or use the key, names things.
#[test]
fn hostile_names_in_grants_and_contexts_break_out_of_nothing() {
    let hostile = [
        "[click](https://evil.example)",
        "www.evil.example",
        "a\u{202e}b\u{200b}",
        "x\r\nSubject: y",
        "<script>alert(1)</script>",
        "`rm -rf`",
        "\u{1b}[2J",
    ];
    let (aws, key) = used();
    for (number, name) in hostile.into_iter().enumerate() {
        let context =
            json!({"aws:s3:arn": format!("arn:aws:s3:::{name}"), "aws:dynamodb:tableName": name});
        let own = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
        aws.as_caller(Caller::assumed_role(&format!("role{number}{name}"), name));
        // What KMS refuses cannot be in its history.
        let _ = aws.call("GenerateDataKey", own);
        let _ = aws.call(
            "CreateGrant",
            json!({
                "KeyId": key, "Operations": ["Decrypt"], "Name": "x",
                "GranteePrincipal": format!("arn:aws:iam::111122223333:role/{name}"),
                "Constraints": {"EncryptionContextSubset": {"aws:ebs:id": name}},
            }),
        );
    }
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    aws.advance(SignedDuration::from_hours(1));
    aws.take_events();
    let event = schedule(&aws, &key);
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    function.handle(&event);
    let found = function.feed().pop().unwrap();
    assert_eq!(found["kind"], "DependantsFound");
    // None of them has the shape of a resource but the bare host name.
    for resource in found["dependants"]["resources"].as_array().unwrap() {
        let id = resource["id"].as_str().unwrap();
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        assert!(id.chars().all(plain), "{id:?}");
    }
    let mail = function.received("people").pop().unwrap().message;
    let chat = function.received("chat").pop().unwrap().message;
    let unseen = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}');
    let unfit = |c: char| (c.is_control() && c != '\n') || unseen(c);
    for text in [&mail, &chat, &found.to_string()] {
        assert!(!text.contains(unfit), "{text:?}");
    }
    for link in ["https://evil", "www.evil.example", "evil.example"] {
        assert!(!mail.contains(link), "{link}: {mail}");
    }
    assert!(!chat.contains("[click](https"), "{chat}");
}

/// A function that asks AWS Config too.
const CONFIG: [(&str, &str); 1] = [("CONFIG_DEPENDANTS", "true")];

/// AWS Config has an archive that nobody used for years, under an alias of the key, and one of another key.
fn archive(aws: &LocalAws) {
    aws.record_configurations(true);
    for (name, key) in [("archive", "alias/payments"), ("other", "alias/other")] {
        aws.add_configuration(json!({
            "resourceType": "AWS::RDS::DBSnapshot", "resourceId": format!("rds:{name}"),
            "arn": format!("arn:aws:rds:us-east-1:111122223333:snapshot:rds:{name}"),
            "configuration": {"kmsKeyId": key},
        }));
    }
}

#[test]
fn config_names_what_nobody_used_if_it_is_asked() {
    for (settings, resources, sources) in [
        (&CONFIG[..], 7, json!(["GRANTS", "EVENT_HISTORY", "CONFIG"])),
        (&[], 6, json!(["GRANTS", "EVENT_HISTORY"])),
    ] {
        let (aws, key) = used();
        archive(&aws);
        let event = schedule(&aws, &key);
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", settings);
        function.handle(&event);
        let found = function.feed().pop().unwrap();
        let dependants = &found["dependants"];
        assert_eq!(dependants["resourceCount"], resources);
        assert_eq!(dependants["sources"], sources);
        assert_eq!(dependants["complete"], true);
        let names_it = dependants.to_string().contains("\"archive\"");
        assert_eq!(names_it, !settings.is_empty(), "{dependants:#}");
        let mail = function.received("people").pop().unwrap().message;
        assert_eq!(mail.contains("AWS Config"), !settings.is_empty(), "{mail}");
        let asked = operations(&aws);
        let selects = asked.iter().filter(|it| *it == "SelectResourceConfig");
        assert!((..=8).contains(&selects.count()), "{asked:?}");
    }
}

#[test]
fn a_config_that_is_off_denied_throttled_or_slow_costs_nothing_but_itself() {
    type Fault = fn(&LocalAws);
    let faults: [Fault; 5] = [
        |aws| aws.record_configurations(false),
        |aws| {
            _ = aws
                .faults()
                .deny("config:DescribeConfigurationRecorderStatus")
        },
        |aws| _ = aws.faults().deny("config:SelectResourceConfig"),
        |aws| {
            let select = "config:SelectResourceConfig";
            _ = aws.faults().throttle(select, u32::MAX);
        },
        |aws| {
            let select = "config:SelectResourceConfig";
            _ = aws.faults().slow(select, Duration::from_secs(30));
        },
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let (aws, key) = used();
        archive(&aws);
        let event = schedule(&aws, &key);
        fault(&aws);
        let function = Function::start_on(Arc::clone(&aws), "key-deletion", &CONFIG);
        function.ready();
        let began = Instant::now();
        assert_eq!(function.handle(&event)["outcome"], "delivered", "{number}");
        assert!(began.elapsed() < Duration::from_secs(16), "{number}");
        let found = function.feed().pop().unwrap();
        assert_eq!(found["kind"], "DependantsFound", "{number}");
        let dependants = &found["dependants"];
        assert_eq!(dependants["resourceCount"], 6, "{number}");
        assert_eq!(dependants["complete"], false, "{number}");
        let sources = json!(["GRANTS", "EVENT_HISTORY"]);
        assert_eq!(dependants["sources"], sources, "{number}");
    }
}
