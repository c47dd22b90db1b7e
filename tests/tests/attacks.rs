//! Attacks on the built functions that stand in no other file: another owner, another account, values that must not be shown, a
//! flood of what cannot be read.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use serde_json::{Value, json};
use watch_local::{Caller, LocalAws, NewKey, Options};
use watch_tests::{Function, event};

/// Makes the call, and hands its event to the function.
fn act(function: &Function, operation: &str, body: Value) -> Value {
    function.aws.take_events();
    function.aws.call(operation, body).unwrap();
    let events = function.aws.take_events();
    assert_eq!(events.len(), 1, "{operation}");
    let outcome = function.handle(&events[0]);
    outcome["alerts"][0].clone()
}

/// Alerts are routed by the attribute `owner`: whoever retags a key takes none away from the team that watches it.
#[test]
fn a_new_owner_takes_no_alert_from_the_one_before() {
    for spelling in ["Owner", "owner"] {
        let aws = LocalAws::start(Options::default()).unwrap();
        aws.as_caller(Caller::assumed_role("KeyAdmin", "eve"));
        let key = aws.add_key(
            NewKey::symmetric()
                .alias("alias/payments")
                .tag("Owner", "team-pay"),
        );
        let function = Function::start_on(Arc::new(aws), "key-activity", &[]);
        act(&function, "EnableKey", json!({"KeyId": key}));
        let tags = json!([{"TagKey": spelling, "TagValue": "nobody"}]);
        act(
            &function,
            "TagResource",
            json!({"KeyId": key, "Tags": tags}),
        );
        act(&function, "DisableKey", json!({"KeyId": key}));
        let told = function.received("people");
        let disabled = told
            .iter()
            .filter(|mail| mail.attributes["kind"].value == "KeyDisabled");
        let owners: Vec<_> = disabled
            .map(|mail| mail.attributes["owner"].value.clone())
            .collect();
        assert_eq!(owners.len(), 1, "{spelling}");
        assert!(owners[0].contains("team-pay"), "{spelling}: {owners:?}");
    }
}

/// The account in an event is EventBridge's word, and all else is the sender's.
#[test]
fn an_event_that_another_account_sent_says_so_first() {
    let function = Function::start("key-activity", &[]);
    let mut foreign = event("key-activity/ct-disable-key.json");
    foreign["account"] = json!("444455556666");
    let outcome = function.handle(&foreign);
    let summary = outcome["alerts"][0]["summary"].as_str().unwrap();
    assert!(
        summary.starts_with("Another account sent this event: 444455556666"),
        "{summary}"
    );
    assert!(
        function.received("people")[0]
            .message
            .contains("444455556666")
    );
}

/// Values of an encryption context are secrets of those who chose them, also in what nobody understands.
#[test]
fn an_event_that_cannot_be_read_shows_no_encryption_context() {
    let function = Function::start("key-misuse", &[]);
    let mut broken = event("key-misuse/ct-decrypt-pending-deletion-invalid-state.json");
    let detail = &mut broken["detail"];
    detail["eventID"] = Value::Null;
    detail["eventTime"] = json!(["not", "a", "time"]);
    detail["eventName"] = json!({"is": "no name"});
    detail["requestParameters"]["encryptionContext"] = json!({"patient": "s3cret-of-somebody"});
    let outcome = function.handle(&broken);
    assert_eq!(outcome["alerts"][0]["kind"], "UnreadableEvent", "{outcome}");
    let everything: String = ["people", "chat", "feed"]
        .iter()
        .flat_map(|topic| function.received(topic))
        .map(|message| message.message)
        .collect();
    assert!(everything.contains("patient"), "{everything}");
    assert!(!everything.contains("s3cret-of-somebody"), "{everything}");
    assert!(!outcome.to_string().contains("s3cret-of-somebody"));
}

/// One kind of garbage an hour is enough, and hides no other.
#[test]
fn garbage_does_not_hide_that_aws_changed_a_format() {
    let function = Function::start("key-deletion", &[]);
    let told = |payload: &Value| {
        function.handle(payload);
        function.received("people").len()
    };
    let garbage =
        |number: usize| json!({"source": "garbage", "detail-type": "x", "detail": number});
    assert_eq!(told(&garbage(0)), 1);
    for number in 1..20 {
        assert_eq!(told(&garbage(number)), 0, "{number}");
    }
    let mut changed = event("key-deletion/kms-deletion.json");
    changed["detail"] = json!({"keyIdentifier": "of another form"});
    assert_eq!(told(&changed), 1, "a format that changed");
}
