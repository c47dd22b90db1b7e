//! Bursts on the built functions with their ledger: whatever an attacker does first, people are told by name of what he
//! does then.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{Caller, KeyStore, LocalAws, NewKey, Options};
use watch_tests::{Function, event};

const ACTIVITY: &str = "key-activity";
const DELETION: &str = "key-deletion";
const INVENTORY: &str = "key-inventory";

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    Arc::new(aws)
}

fn key(alias: &str) -> NewKey {
    NewKey::symmetric()
        .alias(&format!("alias/{alias}"))
        .tag("Owner", "team-pay")
}

/// A key that served somebody a moment ago.
fn used(aws: &LocalAws, alias: &str) -> String {
    let arn = aws.add_key(key(alias));
    aws.set_last_use(&arn, Some(("Decrypt", aws.now())));
    arn
}

fn decoys(aws: &LocalAws, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| aws.add_key(key(&format!("decoy-{number:02}"))))
        .collect()
}

/// Makes the call, and hands its event to the function.
fn act(function: &Function, operation: &str, body: Value) -> Value {
    function.aws.take_events();
    function.aws.call(operation, body).unwrap();
    let events = function.aws.take_events();
    assert_eq!(events.len(), 1, "{operation}");
    function.handle(&events[0])
}

fn schedule(function: &Function, key: &str) -> Value {
    let body = json!({"KeyId": key, "PendingWindowInDays": 30});
    act(function, "ScheduleKeyDeletion", body)
}

/// Everything that people got since they were asked last.
fn mails(function: &Function) -> Vec<String> {
    let received = function.received("people").into_iter();
    received
        .map(|mail| format!("{}\n{}", mail.subject.unwrap_or_default(), mail.message))
        .collect()
}

fn sweep(function: &Function, depth: &str) -> Value {
    let at = function.aws.now().to_string();
    function.handle(&json!({"sweep": depth, "at": at}))
}

/// A sample of an event, made again: another id, some members replaced.
fn sample(path: &str, id: usize, replaced: &[(&str, &str)]) -> Value {
    let mut text = event(path).to_string();
    for (from, to) in replaced {
        assert!(text.contains(from), "{from} is not in {path}");
        text = text.replace(from, to);
    }
    let mut event: Value = serde_json::from_str(&text).unwrap();
    event["detail"]["eventID"] = json!(format!("event-{id}"));
    event["detail"]
        .as_object_mut()
        .unwrap()
        .remove("sharedEventID");
    event
}

#[test]
fn six_small_grants_hide_no_grant_to_a_foreign_account() {
    let function = Function::start_on(aws(), ACTIVITY, &[]);
    for number in 0..7 {
        let own = sample(
            "key-activity/ct-create-grant.json",
            number,
            &[("444455556666", "111122223333")],
        );
        function.handle(&own);
    }
    assert_eq!(mails(&function).len(), 6, "five, and one about the burst");
    let foreign = sample("key-activity/ct-create-grant.json", 100, &[]);
    assert_eq!(function.handle(&foreign)["outcome"], "delivered");
    let mails = mails(&function);
    assert!(
        mails.len() == 1 && mails[0].starts_with("HIGH: "),
        "{mails:#?}"
    );
    assert!(mails[0].contains("444455556666"), "{}", mails[0]);
}

#[test]
fn policies_of_a_throw_away_key_hide_no_takeover_of_another() {
    let aws = aws();
    let (decoy, victim) = (aws.add_key(key("throw-away")), aws.add_key(key("payments")));
    let function = Function::start_on(Arc::clone(&aws), ACTIVITY, &[]);
    let policy = |number: usize, principal: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Sid": "Root", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
             "Action": "kms:*", "Resource": "*"},
            {"Sid": format!("S{number}"), "Effect": "Allow", "Principal": {"AWS": principal},
             "Action": "kms:Decrypt", "Resource": "*"}]})
        .to_string()
    };
    let put = |key: &str, number: usize, principal: &str| {
        let body =
            json!({"KeyId": key, "PolicyName": "default", "Policy": policy(number, principal)});
        act(&function, "PutKeyPolicy", body)
    };
    for number in 0..8 {
        put(&decoy, number, "arn:aws:iam::111122223333:role/KeyAdmin");
    }
    mails(&function);
    let outcome = put(&victim, 0, "arn:aws:iam::444455556666:root");
    assert_eq!(outcome["outcome"], "delivered");
    let mails = mails(&function);
    assert!(
        mails.len() == 1 && mails[0].starts_with("HIGH: "),
        "{mails:#?}"
    );
    assert!(mails[0].contains("alias/payments"), "{}", mails[0]);
}

#[test]
fn decoys_of_the_victims_owner_hide_neither_what_is_worse_nor_what_is_as_bad() {
    let aws = aws();
    let decoys = decoys(&aws, 6);
    let (as_bad, worse) = (aws.add_key(key("archive")), used(&aws, "payments"));
    let function = Function::start_on(Arc::clone(&aws), DELETION, &[]);
    for decoy in &decoys {
        schedule(&function, decoy);
    }
    mails(&function);
    assert_eq!(schedule(&function, &as_bad)["outcome"], "suppressed");
    assert_eq!(
        mails(&function),
        [] as [String; 0],
        "for the end of the burst"
    );
    assert_eq!(schedule(&function, &worse)["outcome"], "delivered");
    let worst = mails(&function);
    assert!(
        worst[0].starts_with("CRITICAL: Deletion of alias/payments"),
        "{worst:#?}"
    );

    // Nothing happens any more.
    aws.advance(SignedDuration::from_hours(1));
    let inventory = Function::start_on(aws, INVENTORY, &[("DIGEST", "OFF")]);
    sweep(&inventory, "light");
    let rest = mails(&inventory);
    let named = |mail: &&String| {
        mail.contains("alias/archive") && mail.contains("cancel-key-deletion --key-id")
    };
    assert_eq!(rest.iter().filter(named).count(), 1, "{rest:#?}");
    sweep(&inventory, "light");
    assert_eq!(mails(&inventory), [] as [String; 0]);
}

#[test]
fn eighteen_critical_in_one_second_are_all_told_by_name() {
    let aws = aws();
    let keys: Vec<_> = (0..18)
        .map(|number| used(&aws, &format!("ledger-{number:02}")))
        .collect();
    let function = Function::start_on(aws, DELETION, &[("FEED_TOPIC_ARN", "")]);
    for key in &keys {
        schedule(&function, key);
    }
    let mails = mails(&function);
    for number in 0..18 {
        let alias = format!("alias/ledger-{number:02}");
        assert!(
            mails
                .iter()
                .any(|mail| mail.starts_with("CRITICAL") && mail.contains(&alias)),
            "{alias}"
        );
    }
    assert!(
        mails.iter().all(|mail| !mail.contains("is on the feed")),
        "there is none"
    );
}

#[test]
fn forty_keys_that_are_near_their_end_are_all_named_by_the_sweep_that_finds_them() {
    let aws = aws();
    let keys = decoys(&aws, 40);
    let inventory = Function::start_on(Arc::clone(&aws), INVENTORY, &[("DIGEST", "OFF")]);
    sweep(&inventory, "full");
    for key in &keys {
        let body = json!({"KeyId": key, "PendingWindowInDays": 30});
        aws.call("ScheduleKeyDeletion", body).unwrap();
    }
    sweep(&inventory, "full");
    aws.advance(SignedDuration::from_hours(28 * 24));
    mails(&inventory);
    sweep(&inventory, "full");
    let mails = mails(&inventory);
    for number in 0..40 {
        let alias = format!("alias/decoy-{number:02}");
        assert!(mails.iter().any(|mail| mail.contains(&alias)), "{alias}");
    }
    // Five by themselves, and one for all others of their owner; and those for which the ledger did not answer in time, which
    // a loaded machine brings about.
    assert!((6..=15).contains(&mails.len()), "{mails:#?}");
}

#[test]
fn a_failing_key_store_after_six_others_is_told() {
    let aws = aws();
    let store = |number: usize| format!("cks-{number:017}");
    for number in 0..7 {
        aws.add_key_store(KeyStore::cloud_hsm(
            &store(number),
            &format!("hsm-{number}"),
        ));
    }
    let inventory = Function::start_on(
        Arc::clone(&aws),
        INVENTORY,
        &[("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")],
    );
    sweep(&inventory, "full");
    for number in 0..7 {
        aws.fail_key_store(&store(number), Some("CLUSTER_NOT_FOUND"));
        let id = json!({"CustomKeyStoreId": store(number)});
        aws.call("DisconnectCustomKeyStore", id.clone()).unwrap();
        aws.call("ConnectCustomKeyStore", id).unwrap();
    }
    aws.advance(SignedDuration::from_hours(1));
    mails(&inventory);
    sweep(&inventory, "light");
    let mails = mails(&inventory);
    for number in 0..7 {
        let name = store(number);
        assert!(
            mails.iter().any(|mail| mail.contains(&name)),
            "{name}: {mails:#?}"
        );
    }
}
