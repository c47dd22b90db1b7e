//! `kms-watch send-test` on the embedded AWS, with the built `watch-guard`: it comes through, or it is said where it stays.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use serde_json::{Value, json};
use watch_local::{Invocation, LocalAws, Options};
use watch_tests::Function;
use watch_tests::command::{Ran, kms_watch};
use watch_tests::deployed::deploy_whole;

const GUARD: &str = "kms-watch-WatchGuardFunction";

struct Stack {
    aws: Arc<LocalAws>,
    guard: Arc<Function>,
}

fn stack(variables: &[(&str, &str)]) -> Stack {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    deploy_whole(&aws);
    let variables = [&[("STACK_NAME", "kms-watch")], variables].concat();
    let guard = Arc::new(Function::start_on(
        Arc::clone(&aws),
        "watch-guard",
        &variables,
    ));
    let handler = Arc::clone(&guard);
    aws.on_invoke(GUARD, move |event| {
        match handler.invoke(event.to_string()) {
            Invocation::Response(answer) => Ok(answer),
            other => Err(("Failed".to_owned(), format!("{other:?}"))),
        }
    });
    Stack { aws, guard }
}

impl Stack {
    fn send(&self, words: &[&str]) -> Ran {
        kms_watch(&self.aws, &[&["send-test"], words].concat())
    }
}

/// `test 7f3a21c4`, as it stands in a text.
fn name(text: &str) -> &str {
    text.split("test ").nth(1).unwrap().get(..8).unwrap()
}

#[test]
fn a_test_reaches_every_topic_and_says_that_nothing_happened() {
    let stack = stack(&[]);
    let ran = stack.send(&[]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let test = name(&ran.out);
    let expected = format!(
        "✓ test {test} was delivered to AlertTopic, ChatAlertTopic, FeedAlertTopic\n  Look for \"Test {test}\""
    );
    assert!(ran.out.starts_with(&expected), "{ran:?}");
    let [mail] = stack.guard.received("people").try_into().unwrap();
    assert!(
        mail.subject
            .as_ref()
            .unwrap()
            .contains(&format!("Test {test}")),
        "{mail:?}"
    );
    assert!(
        mail.message.contains("Nothing happened to any key"),
        "{mail:?}"
    );
    let [alert] = stack.guard.feed().try_into().unwrap();
    assert_eq!(
        (&alert["kind"], &alert["severity"], &alert["status"]),
        (&json!("WatchTest"), &json!("HIGH"), &json!("EVENT"))
    );
    // Another is another.
    let ran = stack.send(&["--json", "--severity", "low"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_ne!(report["test"], *test);
    assert_eq!(report["severity"], "LOW");
    assert_eq!(ran.err, "");
}

#[test]
fn thresholds_keep_a_test_from_people_and_that_is_said() {
    let stack = stack(&[("MINIMUM_SEVERITY", "CRITICAL")]);
    let ran = stack.send(&[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out
            .contains("was delivered to FeedAlertTopic\n✗ AlertTopic did not get it"),
        "{ran:?}"
    );
    assert_eq!(stack.guard.received("people").len(), 0);
    let ran = stack.send(&["--severity", "CRITICAL"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stack.guard.received("people").len(), 1);
    assert_eq!(stack.send(&["--severity", "SOON"]).code, Some(2));
}

#[test]
fn a_topic_that_refuses_is_named() {
    let stack = stack(&[]);
    let people = stack.aws.create_topic("people");
    stack.aws.faults().on(&people).deny("Publish");
    let ran = stack.send(&["--wait", "4"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = "after 4 s ChatAlertTopic, FeedAlertTopic has it, and AlertTopic has not";
    assert!(ran.out.contains(said), "{ran:?}");
    assert!(ran.out.contains(&format!("the log of {GUARD}")), "{ran:?}");
}

#[test]
fn a_test_that_never_arrives_is_not_waited_for_longer_than_is_said() {
    let stack = stack(&[]);
    stack.aws.on_invoke(GUARD, |_| Ok(json!({})));
    let ran = stack.send(&["--wait", "2", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.out.contains("after 2 s the ledger does not show it"),
        "{ran:?}"
    );
    let report = stack.send(&["--wait", "1", "--json"]).out;
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["state"], &report["served"]),
        (&json!("UNKNOWN"), &json!([]))
    );
}

#[test]
fn what_may_not_be_done_is_said_with_the_permission() {
    let stack = stack(&[]);
    for (operation, words) in [
        (
            "cloudformation:ListStackResources",
            "cloudformation:ListStackResources",
        ),
        ("lambda:Invoke", "you need lambda:InvokeFunction"),
        ("dynamodb:BatchGetItem", "dynamodb:BatchGetItem"),
    ] {
        stack.aws.faults().clear().deny(operation);
        let ran = stack.send(&["--wait", "2"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.err.contains(words), "{operation}: {ran:?}");
    }
    stack.aws.faults().clear();
    let ran = stack.send(&["--stack", "orders"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
}
