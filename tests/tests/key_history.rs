//! `kms-watch history` on the ledger of a deployed stack, as the built functions write it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{LocalAws, NewKey, Options};
use watch_tests::command::{Ran, kms_watch};
use watch_tests::deployed::deploy_whole;
use watch_tests::{Function, LEDGER};

struct Stack {
    aws: Arc<LocalAws>,
    function: Function,
    key: String,
}

/// A stack in which a key was scheduled for deletion.
fn stack() -> Stack {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    deploy_whole(&aws);
    let function = Function::start_on(Arc::clone(&aws), "key-deletion", &[]);
    let key = aws.add_key(NewKey::symmetric().alias("alias/payments"));
    let stack = Stack { aws, function, key };
    stack.happen("ScheduleKeyDeletion", json!({"PendingWindowInDays": 7}));
    stack
}

impl Stack {
    fn happen(&self, operation: &str, mut body: Value) {
        body["KeyId"] = json!(self.key);
        // What happens in one second has no order.
        self.aws.advance(SignedDuration::from_mins(1));
        self.aws.call(operation, body).unwrap();
        self.tell();
    }

    /// Brings what happened to the function.
    fn tell(&self) {
        for event in self.aws.take_events() {
            self.function.handle(&event);
        }
    }

    fn history(&self, words: &[&str]) -> Ran {
        kms_watch(
            &self.aws,
            &[&["history", "--color", "never"], words].concat(),
        )
    }

    fn kinds(&self, key: &str) -> Vec<String> {
        let ran = self.history(&[key, "--json"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let lines = ran.out.lines().map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["key"], self.key);
            line["kind"].as_str().unwrap().to_owned()
        });
        lines.collect()
    }
}

#[test]
fn the_life_of_a_key_is_read_from_the_deployed_ledger_also_after_its_end() {
    let stack = stack();
    stack.happen("CancelKeyDeletion", json!({}));
    let told = ["KeyDeletionScheduled", "KeyDeletionCancelled"];
    let id = stack.key.rsplit('/').next().unwrap();
    for name in ["alias/payments", "payments", id, &stack.key] {
        assert_eq!(stack.kinds(name), told, "{name}");
    }
    let ran = stack.history(&["alias/payments"]);
    assert!(ran.out.starts_with(&stack.key), "{ran:?}");
    assert!(
        ran.out.contains("alias/payments") && ran.out.contains("by itself"),
        "{ran:?}"
    );
    stack.happen("ScheduleKeyDeletion", json!({"PendingWindowInDays": 7}));
    stack.aws.advance_days(8);
    stack.tell();
    // KMS knows neither key nor alias.
    let kinds = stack.kinds("alias/payments");
    assert_eq!(kinds.last().unwrap(), "KeyDeleted");
    let ran = stack.history(&["payments"]);
    assert!(ran.out.contains("State        deleted on "), "{ran:?}");
}

#[test]
fn what_the_ledger_does_not_know_or_may_not_say_is_said() {
    let stack = stack();
    let ran = stack.history(&["alias/orders"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.err.contains("knows no key \"alias/orders\""), "{ran:?}");
    stack.aws.faults().deny("dynamodb:Query");
    let ran = stack.history(&["alias/payments"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("dynamodb:Query"), "{ran:?}");
    stack.aws.faults().clear().deny("kms:DescribeKey");
    // The ledger knows the alias.
    assert_eq!(stack.kinds("alias/payments"), ["KeyDeletionScheduled"]);
    let ran = stack.history(&["alias/payments", "--stack", "orders"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("orders does not exist"), "{ran:?}");
}

/// Whoever may write the table writes what he likes.
#[test]
fn a_hostile_item_does_not_reach_the_terminal() {
    let stack = stack();
    let hostile = "\u{1b}[2J\u{202e}gpj.exe\n\u{9b}31m";
    let text = |value: &str| json!({"S": value});
    let at = "2026-11-20T10:00:00Z";
    let item = json!({
        "pk": text(&stack.key), "sk": text(&format!("alert#{at}#x")), "alertId": text(hostile), "occurredAt": text(at),
        "kind": text(hostile), "severity": text(hostile), "title": text(hostile), "name": text(hostile),
        "actor": text(hostile), "via": text(hostile), "folded": {"BOOL": false}, "toldAt": text(at),
    });
    let body = json!({"TableName": LEDGER, "Item": item});
    stack.aws.call_dynamodb("PutItem", &body).unwrap();
    for words in [&["payments"][..], &["payments", "--json"]] {
        let ran = stack.history(words);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(
            !ran.out.contains(harmful) && ran.out.contains("gpj.exe"),
            "{ran:?}"
        );
    }
}
