//! The built functions under a Runtime API, on the embedded AWS: the contract as it is seen from outside.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use serde_json::{Value, json};
use watch_local::{Caller, ImportedMaterial, Invocation, LocalAws, NewKey, Options};
use watch_tests::{Function, NO_LEDGER, event};

const PAYMENTS: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const LEDGER: &str = "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";

fn payments() -> NewKey {
    NewKey::symmetric()
        .id(PAYMENTS)
        .alias("alias/payments")
        .described("Card data of the orders database")
        .tag("Owner", "team-pay")
        .rotating_every(365)
}

fn aws_with(keys: impl IntoIterator<Item = NewKey>) -> LocalAws {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    for key in keys {
        aws.add_key(key);
    }
    aws
}

/// The one event among those that AWS sent which the name fits.
fn sent(aws: &LocalAws, name: &str) -> Value {
    let mut events = aws.take_events();
    events.retain(|event| event["detail"]["eventName"] == name || event["detail-type"] == name);
    assert_eq!(events.len(), 1, "{name}: {events:#?}");
    events.remove(0)
}

#[test]
fn a_scheduled_deletion_is_told_to_all_three_audiences() {
    let aws = aws_with([payments()]);
    aws.call(
        "Encrypt",
        json!({"KeyId": PAYMENTS, "Plaintext": "NDExMQ=="}),
    )
    .unwrap();
    aws.advance_days(2);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": PAYMENTS, "PendingWindowInDays": 30}),
    )
    .unwrap();
    let event = sent(&aws, "ScheduleKeyDeletion");
    let function = Function::start_on(aws, "key-deletion", &[]);
    let outcome = function.handle(&event);

    assert_eq!(outcome["outcome"], "delivered");
    assert_eq!(outcome["reason"], Value::Null);
    let feed = function.feed();
    assert_eq!(outcome["alerts"], json!(feed));
    let alert = &feed[0];
    assert_eq!(alert["kind"], "KeyDeletionScheduled");
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(
        alert["title"],
        "Deletion of alias/payments scheduled for 2026-12-22 10:00 UTC"
    );
    assert_eq!(alert["key"]["state"], "PendingDeletion");
    assert_eq!(alert["key"]["deletionAt"], "2026-12-22T10:00:00Z");
    assert_eq!(alert["key"]["owner"], "team-pay");
    assert_eq!(alert["key"]["lastUse"]["status"], "USED");
    assert_eq!(alert["actor"]["name"], "KeyAdmin/j.okafor");
    assert_eq!(
        alert["enrichment"],
        json!({"status": "COMPLETE", "source": "LIVE", "asOf": null, "missing": []})
    );

    let people = function.received("people");
    let subject = people[0].subject.as_deref().unwrap();
    assert_eq!(
        subject,
        "CRITICAL: Deletion of alias/payments scheduled for 2026-12-22 10:00 UTC [111122223333 us-east-1]"
    );
    assert!(
        people[0].message.contains(
            "aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/"
        )
    );
    let chat: Value = serde_json::from_str(&function.received("chat")[0].message).unwrap();
    assert_eq!(chat["metadata"]["threadId"], alert["key"]["arn"]);
    for (name, value) in [
        ("kind", "KeyDeletionScheduled"),
        ("severity", "CRITICAL"),
        ("account", "111122223333"),
        ("region", "us-east-1"),
        ("keyId", PAYMENTS),
        ("owner", "team-pay"),
    ] {
        assert_eq!(people[0].attribute(name), Some(value));
    }
}

#[test]
fn a_cancelled_deletion_says_that_the_key_is_off() {
    let aws = aws_with([payments()]);
    aws.call("ScheduleKeyDeletion", json!({"KeyId": PAYMENTS}))
        .unwrap();
    aws.take_events();
    aws.call("CancelKeyDeletion", json!({"KeyId": PAYMENTS}))
        .unwrap();
    let event = sent(&aws, "CancelKeyDeletion");
    let function = Function::start_on(aws, "key-deletion", &[]);
    let alert = function.handle(&event)["alerts"][0].take();
    assert_eq!(alert["kind"], "KeyDeletionCancelled");
    assert_eq!(alert["key"]["state"], "Disabled");
    assert!(
        alert["summary"]
            .as_str()
            .unwrap()
            .contains("kept, but Disabled")
    );
    let step = &alert["nextSteps"][0];
    assert!(
        step["text"]
            .as_str()
            .unwrap()
            .contains("confirms that this is no incident response")
    );
    assert!(
        step["command"]
            .as_str()
            .unwrap()
            .starts_with("aws kms enable-key")
    );
}

#[test]
fn a_deletion_since_cancelled_is_told_as_such() {
    let aws = aws_with([payments()]);
    aws.call("ScheduleKeyDeletion", json!({"KeyId": PAYMENTS}))
        .unwrap();
    let event = sent(&aws, "ScheduleKeyDeletion");
    aws.call("CancelKeyDeletion", json!({"KeyId": PAYMENTS}))
        .unwrap();
    let function = Function::start_on(aws, "key-deletion", &[]);
    let alert = function.handle(&event)["alerts"][0].take();
    let summary = alert["summary"].as_str().unwrap();
    assert!(
        summary
            .contains("KMS now reports the key as Disabled: the deletion has been cancelled since"),
        "{summary}"
    );
}

#[test]
fn a_multi_region_primary_has_no_date_while_replicas_live() {
    let key = NewKey::multi_region(&["eu-west-1"]).id("mrk-9a41c6e07d2b4f58b3e1d02c86f7a955");
    let aws = aws_with([key]);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": "mrk-9a41c6e07d2b4f58b3e1d02c86f7a955"}),
    )
    .unwrap();
    let event = sent(&aws, "ScheduleKeyDeletion");
    let function = Function::start_on(aws, "key-deletion", &[]);
    let alert = function.handle(&event)["alerts"][0].take();
    assert_eq!(alert["key"]["state"], "PendingReplicaDeletion");
    assert_eq!(alert["key"]["deletionAt"], Value::Null);
    assert_eq!(alert["details"]["waitsForReplicas"], true);
    assert!(
        alert["summary"].as_str().unwrap().contains("eu-west-1"),
        "{alert:#}"
    );
}

#[test]
fn a_deleted_key_is_told_although_kms_knows_it_no_more() {
    let aws = aws_with([payments()]);
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": PAYMENTS, "PendingWindowInDays": 7}),
    )
    .unwrap();
    aws.take_events();
    aws.advance_days(8);
    let events = aws.take_events();
    assert_eq!(events.len(), 2, "KMS's own event and CloudTrail's");
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    for event in &events {
        let alert = function.handle(event)["alerts"][0].take();
        assert_eq!(alert["kind"], "KeyDeleted");
        assert_eq!(alert["severity"], "HIGH");
        assert_eq!(alert["key"]["id"], PAYMENTS);
        assert_eq!(alert["enrichment"]["status"], "UNAVAILABLE");
        assert_eq!(alert["enrichment"]["source"], "EVENT");
        assert!(
            alert["enrichment"]["missing"][0]["reason"]
                .as_str()
                .unwrap()
                .starts_with("NotFoundException")
        );
        assert_eq!(alert["actor"]["type"], "AWS");
    }
    assert_eq!(function.received("people").len(), 2);
}

#[test]
fn rotations_are_told_by_kms_and_by_cloudtrail_alike() {
    let aws = aws_with([payments()]);
    aws.call("RotateKeyOnDemand", json!({"KeyId": PAYMENTS}))
        .unwrap();
    aws.advance_days(1);
    let events = aws.take_events();
    let function = Function::start_on(aws, "key-rotation", &NO_LEDGER);
    let mut alerts = events
        .iter()
        .map(|event| function.handle(event)["alerts"][0].take());
    let mut next = || alerts.next().unwrap();
    let (requested, rotated, again) = (next(), next(), next());
    assert_eq!(requested["kind"], "KeyRotationRequested");
    assert_eq!(rotated["kind"], "KeyRotated");
    assert_eq!(rotated["details"]["rotationType"], "ON_DEMAND");
    assert_eq!(rotated["details"], again["details"]);
    assert_eq!(rotated["key"]["lastUse"], Value::Null);
    assert!(rotated["key"]["rotation"]["lastAt"].is_string());
    assert_eq!(
        function.aws.request_counts().get("GetKeyLastUsage"),
        None,
        "its quota is five a second"
    );
}

#[test]
fn the_rotation_of_a_key_that_aws_manages_is_for_the_feed_only() {
    let aws = aws_with([NewKey::aws_managed("ebs").id(PAYMENTS)]);
    let function = Function::start_on(aws, "key-rotation", &[]);
    let outcome = function.handle(&event("key-rotation/kms-rotation-old.json"));
    assert_eq!(outcome["outcome"], "delivered");
    assert_eq!(outcome["alerts"][0]["severity"], "INFO");
    assert_eq!(function.feed().len(), 1);
    assert_eq!(
        function.received("people").len() + function.received("chat").len(),
        0
    );
}

#[test]
fn an_expiry_is_told_with_the_way_back() {
    let end = "2026-12-20T10:00:00Z".parse().unwrap();
    let key = NewKey::imported()
        .id(LEDGER)
        .alias("alias/ledger")
        .material(ImportedMaterial::new("m").expiring(end));
    let aws = aws_with([key]);
    aws.advance_days(31);
    let event = sent(&aws, "KMS Imported Key Material Expiration");
    let function = Function::start_on(aws, "material-expiration", &[]);
    let alert = function.handle(&event)["alerts"][0].take();
    assert_eq!(alert["kind"], "KeyMaterialExpired");
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(alert["key"]["state"], "PendingImport");
    let material = alert["details"]["keyMaterialId"].as_str().unwrap();
    let import = alert["nextSteps"][1]["command"].as_str().unwrap();
    assert!(
        import.contains(&format!(
            "--key-material-id {material} --import-type EXISTING_KEY_MATERIAL"
        )),
        "{import}"
    );
}

#[test]
fn no_failing_read_stops_an_alert() {
    let aws = aws_with([payments()]);
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    function.ready();
    let scheduled = event("key-deletion/ct-schedule-key-deletion.json");
    let every = |set: &dyn Fn(&LocalAws), status: &str, reason: &str| {
        function.aws.faults().clear();
        set(&function.aws);
        let alert = function.handle(&scheduled)["alerts"][0].take();
        let enrichment = &alert["enrichment"];
        assert_eq!(enrichment["status"], status, "{enrichment}");
        let missing = enrichment["missing"].as_array().unwrap();
        assert!(
            missing
                .iter()
                .all(|fact| fact["reason"].as_str().unwrap().starts_with(reason)),
            "{missing:#?}"
        );
        assert_eq!(function.received("people").len(), 1);
        assert_eq!(function.feed().len(), 1);
        missing.len()
    };
    let denied = |aws: &LocalAws| _ = aws.faults().deny("*");
    assert_eq!(every(&denied, "UNAVAILABLE", "AccessDeniedException"), 6);
    let tags = |aws: &LocalAws| _ = aws.faults().deny("ListResourceTags");
    assert_eq!(every(&tags, "PARTIAL", "AccessDeniedException"), 1);
    let throttled = |aws: &LocalAws| _ = aws.faults().throttle("*", 100);
    assert_eq!(every(&throttled, "UNAVAILABLE", "ThrottlingException"), 6);
    let slow = |aws: &LocalAws| _ = aws.faults().slow("*", Duration::from_secs(30));
    assert_eq!(every(&slow, "UNAVAILABLE", "Timeout"), 6);
    // A passing fault is waited out, but for the last use, which is asked once.
    let passing = |aws: &LocalAws| {
        _ = aws
            .faults()
            .throttle("DescribeKey", 1)
            .fail("ListAliases", 1)
    };
    assert_eq!(every(&passing, "COMPLETE", ""), 0);
}

#[test]
fn a_failed_publish_fails_the_invocation_and_the_process_lives_on() {
    let function = Function::start("key-deletion", &[]);
    function.ready();
    function
        .aws
        .faults()
        .on(&function.aws.create_topic("people"))
        .deny("Publish");
    let deletion = event("key-deletion/kms-deletion.json");
    match function.invoke(deletion.to_string()) {
        Invocation::Error(error) => {
            assert_eq!(error.error_type, "PublishFailed");
            assert!(
                error.message.contains(":people: AuthorizationError"),
                "{}",
                error.message
            );
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(function.received("people").len(), 0);
    assert_eq!(
        (function.received("chat").len(), function.feed().len()),
        (1, 1),
        "the other topics are served"
    );
    function.aws.faults().clear();
    assert_eq!(function.handle(&deletion)["outcome"], "delivered");
    assert_eq!(function.received("people").len(), 1);
}

#[test]
fn a_passing_fault_of_sns_is_waited_out() {
    let function = Function::start("key-deletion", &[]);
    function.ready();
    function.aws.faults().fail("Publish", 1);
    assert_eq!(
        function.handle(&event("key-deletion/kms-deletion.json"))["outcome"],
        "delivered"
    );
    assert_eq!(function.received("people").len(), 1);
}

#[test]
fn only_the_alert_topic_is_needed() {
    let function = Function::start(
        "key-deletion",
        &[("CHAT_TOPIC_ARN", ""), ("FEED_TOPIC_ARN", "")],
    );
    assert_eq!(
        function.handle(&event("key-deletion/kms-deletion.json"))["outcome"],
        "delivered"
    );
    assert_eq!(function.received("people").len(), 1);
    assert_eq!(
        function.received("chat").len() + function.received("feed").len(),
        0
    );
}

#[test]
fn levels_are_heeded() {
    let function = Function::start(
        "key-rotation",
        &[
            ("MINIMUM_SEVERITY", "MEDIUM"),
            (
                "SEVERITY_OVERRIDES",
                "KeyRotationDisabled=OFF,KeyRotated=HIGH",
            ),
        ],
    );
    for (file, people) in [
        ("key-rotation/ct-enable-key-rotation.json", 0),
        ("key-rotation/ct-disable-key-rotation.json", 0),
        ("key-rotation/kms-rotation-automatic-new.json", 1),
    ] {
        assert_eq!(function.handle(&event(file))["outcome"], "delivered");
        assert_eq!(
            (function.received("people").len(), function.feed().len()),
            (people, 1),
            "{file}"
        );
    }
}

#[test]
fn what_is_not_its_business_is_ignored_with_a_reason() {
    let function = Function::start("key-deletion", &[]);
    for file in [
        "key-deletion/ct-schedule-key-deletion-access-denied.json",
        "key-deletion/ct-cancel-key-deletion-not-pending.json",
        "key-rotation/ct-synchronize-multi-region-key.json",
        "key-rotation/kms-rotation-old.json",
    ] {
        let outcome = function.handle(&event(file));
        assert_eq!(outcome["outcome"], "ignored", "{file}");
        assert_eq!(outcome["alerts"], json!([]));
        assert!(!outcome["reason"].as_str().unwrap().is_empty());
    }
    assert_eq!(function.aws.request_counts().get("Publish"), None);
}

#[test]
fn wrapped_events_are_unwrapped_and_replays_are_marked() {
    let aws = aws_with([payments()]);
    let function = Function::start_on(aws, "key-deletion", &NO_LEDGER);
    let plain = function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    let wrapped = function.handle(&event("key-deletion/lambda-on-failure-record.json"));
    assert_eq!(wrapped, plain);
    let replayed = function.handle(&event("key-deletion/kms-deletion-replayed.json"));
    assert_eq!(
        replayed["alerts"][0]["source"]["replay"],
        "after-the-outage"
    );
}

#[test]
fn garbage_is_told_and_never_ends_the_process() {
    let function = Function::start("material-expiration", &NO_LEDGER);
    let megabyte = "x".repeat(1 << 20);
    for payload in [
        json!({}),
        json!([]),
        json!(null),
        json!(42),
        json!("\u{202e}text"),
        json!({"source": 1, "detail-type": ["x"], "detail": false}),
        json!({"source": "aws.kms", "detail-type": "KMS Imported Key Material Expiration", "detail": {}}),
        json!({"source": "aws.kms", "detail-type": "KMS CMK Rotation", "detail": {"key-id": megabyte}}),
        json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "detail": {"eventName": megabyte.len()}}),
        json!({"Records": [{"body": "{"}]}),
    ] {
        let outcome = function.handle(&payload);
        assert_eq!(
            outcome["outcome"],
            "delivered",
            "{:.200}",
            payload.to_string()
        );
        assert_eq!(outcome["alerts"][0]["kind"], "UnreadableEvent");
        // What calls itself an event that matters may be one.
        let severity = if payload["detail-type"] == "KMS Imported Key Material Expiration" {
            "HIGH"
        } else {
            "MEDIUM"
        };
        assert_eq!(outcome["alerts"][0]["severity"], severity, "{payload:.200}");
        assert_eq!(
            (function.received("people").len(), function.feed().len()),
            (1, 1)
        );
    }
    // Lambda lets nothing through that is not JSON, but a process must outlive it.
    assert!(matches!(function.invoke("not JSON"), Invocation::Error(_)));
    assert!(matches!(function.invoke(""), Invocation::Error(_)));
    assert_eq!(function.handle(&json!({}))["outcome"], "delivered");
}

#[test]
fn hostile_values_arrive_harmless_and_whole_messages_are_accepted() {
    let evil = "<script>alert(1)</script> \u{202e}gpj\u{202c} [x](https://evil.example) *b* `c` <!channel> ";
    let long = evil.repeat(8_192 / evil.len());
    let mut key = payments().described(&long);
    for i in 0..49 {
        key = key.tag(&format!("{i}{}", "k".repeat(120)), &"<&>\"\\".repeat(50));
    }
    let aws = aws_with([key]);
    let function = Function::start_on(aws, "key-deletion", &[]);
    let mut scheduled = event("key-deletion/ct-schedule-key-deletion-hostile.json");
    scheduled["detail"]["userAgent"] = json!(evil.repeat(10_000));
    scheduled["detail"]["errorMessage"] = json!(evil);
    let outcome = function.handle(&scheduled);
    assert_eq!(outcome["outcome"], "delivered");
    for topic in ["people", "chat", "feed"] {
        for message in function.received(topic) {
            let text = message.message.replace('\n', "");
            assert!(
                !text
                    .chars()
                    .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)),
                "{topic}"
            );
            assert!(!message.subject.unwrap_or_default().contains(['<', '\n']));
            if topic == "chat" {
                assert!(!text.contains("<script>") && !text.contains("<!channel>"));
            }
            if topic == "people" {
                assert!(!text.contains("https://evil"));
            }
        }
    }
}

#[test]
fn other_partitions_and_regions_are_handled_and_asked_in_their_region() {
    let gov = "us-gov-west-1";
    let aws = LocalAws::start(Options {
        region: gov.to_owned(),
        ..Options::default()
    })
    .unwrap();
    let function = Function::start_on(aws, "key-deletion", &[]);
    function.ready();
    function.aws.clear_requests();
    let outcome = function.handle(&event(
        "key-deletion/ct-schedule-key-deletion-govcloud-old-record.json",
    ));
    assert_eq!(outcome["alerts"][0]["partition"], "aws-us-gov");
    assert_eq!(outcome["alerts"][0]["details"]["pendingWindowDays"], 30);
    let outcome = function.handle(&event("key-deletion/ct-cancel-key-deletion-china.json"));
    assert_eq!(outcome["alerts"][0]["region"], "cn-north-1");
    let asked: std::collections::BTreeSet<_> = function
        .aws
        .requests()
        .into_iter()
        .filter(|request| request.operation == "DescribeKey")
        .map(|request| request.region)
        .collect();
    assert_eq!(Vec::from_iter(asked), ["cn-north-1", gov]);
}

#[test]
fn every_read_is_made_once() {
    let aws = aws_with([payments()]);
    let function = Function::start_on(aws, "key-deletion", &[]);
    function.ready();
    function.aws.clear_requests();
    function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    let counts: Vec<_> = function.aws.request_counts().into_iter().collect();
    let expected = [
        ("BatchGetItem", 1),
        ("BatchWriteItem", 1),
        ("DescribeKey", 1),
        ("GetKeyLastUsage", 1),
        ("GetKeyRotationStatus", 1),
        ("ListAliases", 1),
        // Once people know: what depends on the key.
        ("ListGrants", 1),
        ("ListKeyRotations", 1),
        ("ListResourceTags", 1),
        ("LookupEvents", 1),
        ("Publish", 3),
        ("PutItem", 1),
        // The counter and the profile.
        ("UpdateItem", 2),
    ];
    assert_eq!(
        counts,
        expected.map(|(name, count)| (name.to_owned(), count))
    );
}

#[test]
fn a_wrong_configuration_is_told_at_once_in_one_line() {
    let function = Function::start(
        "key-rotation",
        &[
            ("ALERT_TOPIC_ARN", ""),
            ("FEED_TOPIC_ARN", "feed"),
            ("MINIMUM_SEVERITY", "LOUD"),
            ("AWS_LAMBDA_RUNTIME_API", ""),
        ],
    );
    let (status, stdout, stderr) = function.end();
    assert_eq!(status.code(), Some(1));
    assert_eq!(stdout, "");
    let lines: Vec<_> = stderr.lines().collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    let error: Value = serde_json::from_str(lines[0]).unwrap();
    let problems = error["problems"].as_array().unwrap();
    for (problem, variable) in problems.iter().zip([
        "ALERT_TOPIC_ARN",
        "FEED_TOPIC_ARN",
        "MINIMUM_SEVERITY",
        "AWS_LAMBDA_RUNTIME_API",
    ]) {
        assert!(problem.as_str().unwrap().starts_with(variable), "{problem}");
    }
    assert_eq!(problems.len(), 4, "{problems:#?}");
}

#[test]
fn each_service_may_have_an_endpoint_of_its_own() {
    let elsewhere = LocalAws::start(Options::default()).unwrap();
    elsewhere.add_key(payments());
    let url = elsewhere.endpoint_url();
    let function = Function::start("key-deletion", &[("AWS_ENDPOINT_URL_KMS", &url)]);
    let outcome = function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    assert_eq!(outcome["alerts"][0]["key"]["owner"], "team-pay");
    assert_eq!(function.feed().len(), 1);
    assert_eq!(function.aws.request_counts().get("DescribeKey"), None);
}

#[test]
fn the_log_is_json_with_level_and_time_and_without_the_event() {
    let variables = [
        ("AWS_LAMBDA_LOG_FORMAT", "JSON"),
        ("AWS_LAMBDA_LOG_LEVEL", "TRACE"),
        NO_LEDGER[0],
    ];
    let function = Function::start("key-deletion", &variables);
    let mut scheduled = event("key-deletion/ct-schedule-key-deletion.json");
    scheduled["detail"]["requestParameters"]["secret"] = json!("hunter2");
    function.handle(&scheduled);
    function.lambda.shutdown();
    let (_, stdout, _) = function.end();
    assert!(!stdout.contains("hunter2"), "{stdout}");
    let lines: Vec<Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .all(|line| line["level"].is_string() && line["timestamp"].is_string()),
        "{stdout}"
    );
    let handled: Vec<_> = lines
        .iter()
        .filter(|line| line["fields"]["message"] == "handled")
        .collect();
    assert_eq!(handled.len(), 1);
    assert_eq!(handled[0]["fields"]["alert.kind"], "KeyDeletionScheduled");
    assert!(
        handled[0]["fields"]["key.arn"]
            .as_str()
            .unwrap()
            .ends_with(PAYMENTS)
    );
    let ledger = lines.iter().filter(|line| {
        line["fields"]["message"]
            .as_str()
            .unwrap_or_default()
            .contains("no ledger")
    });
    assert_eq!(ledger.count(), 1, "that there is no ledger is said once");
}

#[test]
fn a_bad_value_of_an_optional_variable_stops_no_alert_and_is_said_in_the_log() {
    let variables = [
        ("MINIMUM_SEVERITY", "URGENT"),
        ("SEVERITY_OVERRIDES", "KeyRotatd=OFF"),
        ("CHAT_TOPIC_ARN", "chat"),
        ("EXPIRY_WARNING_DAYS", "999"),
    ];
    let function = Function::start("key-deletion", &variables);
    let outcome = function.handle(&event("key-deletion/ct-schedule-key-deletion.json"));
    assert_eq!(outcome["outcome"], "delivered");
    function.lambda.shutdown();
    let (_, stdout, _) = function.end();
    for (name, _) in variables {
        let said = |line: &&str| line.contains("setting ignored") && line.contains(name);
        assert_eq!(stdout.lines().filter(said).count(), 1, "{name}: {stdout}");
    }
}
