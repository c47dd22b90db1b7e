//! `kms-watch redrive` on the embedded AWS, with the built functions.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use watch_local::{Invocation, LocalAws, Options};
use watch_tests::command::{Ran, command, kms_watch};
use watch_tests::deployed::deploy_whole;
use watch_tests::{Function, event};

const UNDELIVERED: &str = "kms-watch-UndeliveredEvents";
const FAILED: &str = "kms-watch-FailedInvocations";
const FUNCTION: &str =
    "arn:aws:lambda:us-east-1:111122223333:function:kms-watch-KeyDeletionFunction";
const HEALTH: &str = "arn:aws:sns:us-east-1:111122223333:kms-watch-HealthTopic";

struct Stack {
    aws: Arc<LocalAws>,
    /// Which function got what.
    invoked: Arc<Mutex<Vec<(String, Value)>>>,
}

/// A stack whose functions note what they get, and fail on what says `poison`.
fn stack() -> Stack {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    deploy_whole(&aws);
    let invoked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
    for name in [
        "kms-watch-KeyDeletionFunction",
        "kms-watch-KeyInventoryFunction",
    ] {
        let noted = Arc::clone(&invoked);
        aws.on_invoke(name, move |event| {
            let poison = event.to_string().contains("poison");
            noted.lock().unwrap().push((name.to_owned(), event));
            if poison {
                let what = "the context was team=secret-of-somebody".to_owned();
                return Err(("Delivery".to_owned(), what));
            }
            Ok(json!({"outcome": "delivered"}))
        });
    }
    Stack { aws, invoked }
}

impl Stack {
    fn undelivered(&self, target: &str, event: &Value) {
        self.aws
            .send_message(UNDELIVERED, &event.to_string(), &[("TARGET_ARN", target)]);
    }

    fn failed(&self, payload: &Value) {
        let record = json!({"version": "1.0", "requestContext": {"functionArn": format!("{FUNCTION}:$LATEST")},
            "requestPayload": payload});
        self.aws.send_message(FAILED, &record.to_string(), &[]);
    }

    fn redrive(&self, words: &[&str]) -> Ran {
        kms_watch(&self.aws, &[&["redrive"], words].concat())
    }

    fn left(&self) -> [usize; 2] {
        [UNDELIVERED, FAILED].map(|queue| self.aws.messages(queue).len())
    }

    fn invoked(&self) -> Vec<Value> {
        let mut invoked = self.invoked.lock().unwrap();
        std::mem::take(&mut *invoked)
            .into_iter()
            .map(|(_, event)| event)
            .collect()
    }
}

#[test]
fn what_waits_is_shown_and_only_sent_when_that_is_said() {
    let stack = stack();
    let ran = stack.redrive(&[]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), "nothing waits\n"));
    stack.undelivered(FUNCTION, &json!({"a": 1}));
    stack.failed(&json!({"b": 2}));
    for words in [&[][..], &["--dry-run"]] {
        let ran = stack.redrive(words);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let expected = "     2  kms-watch-KeyDeletionFunction\n2 would be sent, 0 would be kept; --yes sends\n";
        assert_eq!(ran.out, expected);
        assert_eq!(stack.left(), [1, 1]);
        assert!(stack.invoked().is_empty());
    }
    // In sight again at once.
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.ends_with("2 handled, 0 kept\n"), "{ran:?}");
    assert_eq!(stack.left(), [0, 0]);
    let [event, record] = stack.invoked().try_into().unwrap();
    assert_eq!(event, json!({"a": 1}));
    assert_eq!(record["requestPayload"], json!({"b": 2}));
    assert_eq!(stack.redrive(&["--yes", "--dry-run"]).code, Some(2));
}

#[test]
fn what_fails_again_stays_and_nothing_of_the_event_is_shown() {
    let stack = stack();
    let context = json!({"poison": 1, "requestParameters": {"encryptionContext": {"team": "secret-of-somebody"}}});
    stack.failed(&context);
    stack.failed(&json!({"well": "now"}));
    stack.undelivered(HEALTH, &json!({"text": "it's \"quoted\"\n$(echo) ü"}));
    // As Scheduler leaves a sweep that it could not start.
    let sweep = json!({"sweep": "full", "at": "<aws.scheduler.scheduled-time>"}).to_string();
    let attributes = [
        (
            "TARGET_ARN",
            "arn:aws:lambda:us-east-1:111122223333:function:kms-watch-KeyInventoryFunction",
        ),
        ("SCHEDULED_TIME", "2026-11-20T03:23:00Z"),
    ];
    stack.aws.send_message(UNDELIVERED, &sweep, &attributes);
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.out.ends_with("3 handled, 1 kept\n"), "{ran:?}");
    assert!(
        ran.err
            .contains("kms-watch-KeyDeletionFunction did not take it: FunctionError: Delivery"),
        "{ran:?}"
    );
    let shown = format!("{}{}", ran.out, ran.err);
    assert!(
        !shown.contains("secret") && !shown.contains("team"),
        "{shown}"
    );
    assert_eq!(stack.left(), [0, 1]);
    assert!(
        stack
            .invoked()
            .contains(&json!({"sweep": "full", "at": "2026-11-20T03:23:00Z"}))
    );
    let [mail] = stack.aws.take_published(HEALTH).try_into().unwrap();
    assert_eq!(
        mail.message,
        json!({"text": "it's \"quoted\"\n$(echo) ü"}).to_string()
    );
    // Not hidden from whoever looks next.
    assert!(stack.redrive(&[]).out.contains("1 would be sent"));
}

/// REVIEW: whoever can write to a queue names any target, and the operator's credentials may do much.
#[test]
fn a_hostile_message_reaches_nobody_and_no_terminal() {
    let stack = stack();
    stack
        .aws
        .on_invoke("payments", |_| panic!("it was invoked"));
    let alerts = stack.aws.create_topic("people");
    let targets = [
        FUNCTION.replace("kms-watch-KeyDeletionFunction", "payments"),
        FUNCTION.replace("111122223333", "444455556666"),
        FUNCTION.replace("us-east-1", "eu-west-1"),
        format!("{FUNCTION}/../payments"),
        alerts.clone(),
        "\u{1b}]0;title\u{7}\u{1b}[2J\u{202e}gpj.exe".to_owned(),
        String::new(),
    ];
    for target in &targets {
        stack.undelivered(target, &json!({"x": 1}));
        let record = json!({"requestContext": {"functionArn": target}, "requestPayload": {}});
        stack.aws.send_message(FAILED, &record.to_string(), &[]);
    }
    for body in [
        "",
        "hello",
        "[[[[",
        "{\"requestContext\":{\"functionArn\":[1]}}",
    ] {
        stack.aws.send_message(FAILED, body, &[]);
    }
    stack
        .aws
        .send_message(UNDELIVERED, "no JSON", &[("TARGET_ARN", FUNCTION)]);
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let count = 2 * targets.len() + 5;
    assert!(
        ran.out.ends_with(&format!("0 handled, {count} kept\n")),
        "{ran:?}"
    );
    assert_eq!(stack.left().iter().sum::<usize>(), count);
    assert!(stack.invoked().is_empty());
    assert!(stack.aws.take_published(&alerts).is_empty());
    let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
    assert!(
        !format!("{}{}", ran.out, ran.err).contains(harmful),
        "{ran:?}"
    );
}

#[test]
fn a_thousand_messages_are_handed_over_and_no_more_than_is_said() {
    let stack = stack();
    for number in 0..1_000 {
        stack.undelivered(FUNCTION, &json!({"number": number}));
    }
    let ran = stack.redrive(&["--yes", "--most", "10"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("10 handled, 0 kept\nThere may be more"),
        "{ran:?}"
    );
    assert_eq!(stack.left(), [990, 0]);
    let ran = stack.redrive(&["--yes", "--quiet"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.out.ends_with("990 handled, 0 kept\n"), "{ran:?}");
    assert_eq!(stack.left(), [0, 0]);
    assert_eq!(stack.invoked().len(), 1_000);
}

/// With a real function: killed between the hand-over and the deletion, it hands over again, and people hear once.
#[test]
fn what_is_handed_over_twice_is_told_once() {
    let stack = stack();
    let function = Arc::new(Function::start_on(
        Arc::clone(&stack.aws),
        "key-deletion",
        &[],
    ));
    let handler = Arc::clone(&function);
    stack
        .aws
        .on_invoke("kms-watch-KeyDeletionFunction", move |event| match handler
            .invoke(event.to_string())
        {
            Invocation::Response(answer) => Ok(answer),
            other => Err(("Failed".to_owned(), format!("{other:?}"))),
        });
    stack.failed(&event("key-deletion/ct-schedule-key-deletion.json"));
    // As often as a call is tried.
    stack.aws.faults().fail("sqs:DeleteMessage", 3);
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.err
            .contains("has it, and the message could not be deleted"),
        "{ran:?}"
    );
    assert_eq!(stack.left(), [0, 1]);
    assert_eq!(function.received("people").len(), 1);
    // Out of sight for as long as a function may take.
    assert_eq!(stack.redrive(&["--yes"]).out, "0 handled, 0 kept\n");
    stack.aws.advance(jiff::SignedDuration::from_mins(21));
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(stack.left(), [0, 0]);
    assert_eq!(function.received("people").len(), 0, "told once");
}

#[test]
fn without_a_stack_of_its_own_it_does_nothing() {
    let stack = stack();
    stack.undelivered(FUNCTION, &json!({}));
    let ran = stack.redrive(&["--yes", "--stack", "orders"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("orders does not exist"), "{ran:?}");
    // Another product's, with names in common.
    let part = |logical: &str, kind: &str, physical: &str| watch_local::StackResource {
        logical_id: logical.to_owned(),
        kind: kind.to_owned(),
        physical_id: physical.to_owned(),
    };
    let queue = format!("https://sqs.us-east-1.amazonaws.com/111122223333/{UNDELIVERED}");
    let parts = [
        part("UndeliveredEvents", "AWS::SQS::Queue", &queue),
        part("HealthTopic", "AWS::SNS::Topic", HEALTH),
        part(
            "KeyDeletionFunction",
            "AWS::Lambda::Function",
            "kms-watch-KeyDeletionFunction",
        ),
    ];
    stack
        .aws
        .put_stack("orders", "CREATE_COMPLETE", &[], &parts);
    let ran = stack.redrive(&["--yes", "--stack", "orders"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("lacks the functions"), "{ran:?}");
    stack.aws.faults().deny("sqs:ReceiveMessage");
    let ran = stack.redrive(&["--yes"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("sqs:ReceiveMessage"), "{ran:?}");
    let mut nowhere = command(&stack.aws, &["redrive"]);
    nowhere.env_remove("AWS_REGION");
    let ran = Ran::from(nowhere.output().unwrap());
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("no Region is configured"), "{ran:?}");
    assert_eq!(stack.left(), [1, 0]);
    assert!(stack.invoked().is_empty());
}
