//! A ledger that says what is not so, before anything happens: no item of it keeps an alert from people or from the feed.
//!
//! The items are those that the built functions write when they tell of the same: what an intruder who knows the code would write. Only
//! the history is missing, which has an item for each alert.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use serde_json::{Value, json};
use watch_aws::DynamoDbAdapter;
use watch_core::ledger::Item;
use watch_core::ports::Ledger;
use watch_local::{LocalAws, NewKey, Options};
use watch_tests::{Function, LEDGER, event};

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.create_table(LEDGER);
    Arc::new(aws)
}

/// An attribute as the ports have it.
fn plain(value: &Value) -> Value {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" | "BOOL" => value.clone(),
        "N" => value.as_str().unwrap().parse().unwrap(),
        "NULL" => Value::Null,
        "L" => value.as_array().unwrap().iter().map(plain).collect(),
        "M" => Value::Object(members(value)),
        other => panic!("{other}"),
    }
}

fn members(value: &Value) -> Item {
    let members = value.as_object().unwrap().iter();
    members
        .map(|(name, value)| (name.clone(), plain(value)))
        .collect()
}

/// What the table holds but for the history.
fn items(aws: &LocalAws) -> Vec<Item> {
    let items = aws.table_items(LEDGER);
    let items = items.iter().map(members);
    items
        .filter(|item| !item["sk"].as_str().unwrap().starts_with("alert#"))
        .collect()
}

fn write(aws: &LocalAws, items: &[Item]) {
    let sdk = watch_aws::sdk::local(&aws.endpoint_url(), aws.region());
    let ledger = DynamoDbAdapter::patient(&sdk, LEDGER);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for items in items.chunks(25) {
        runtime.block_on(ledger.put(items)).unwrap();
    }
}

/// How an intruder words it.
#[derive(Clone, Copy, Debug)]
enum Poison {
    /// As the function itself did.
    AsTold,
    /// By another invocation, which has served every topic and died.
    Served,
    /// By another invocation, which holds the claim for ever.
    HeldForEver,
}

fn poisoned(mut item: Item, poison: Poison) -> Item {
    let is_claim = item["sk"].as_str().unwrap().starts_with("claim#");
    if is_claim {
        item.insert("owner".to_owned(), "another".into());
        match poison {
            Poison::AsTold => {}
            Poison::Served => {
                item.insert("state".to_owned(), "CLAIMED".into());
                item.insert("lease".to_owned(), "2020-01-01T00:00:00Z".into());
            }
            Poison::HeldForEver => {
                item.insert("state".to_owned(), "CLAIMED".into());
                item.insert("lease".to_owned(), "2099-01-01T00:00:00Z".into());
            }
        }
    }
    item
}

/// Alerts for people and for the feed.
fn told(function: &Function, events: &[Value]) -> (usize, usize) {
    for event in events {
        function.handle(event);
    }
    (function.received("people").len(), function.feed().len())
}

fn tells_all_the_same(name: &str, variables: &[(&str, &str)], paths: &[&str]) {
    for path in paths {
        let sample = event(path);
        let honest = Function::start_on(aws(), name, variables);
        let events = std::slice::from_ref(&sample);
        let expected = told(&honest, events);
        assert!(expected.1 > 0, "{path} tells nothing");
        for poison in [Poison::AsTold, Poison::Served, Poison::HeldForEver] {
            let poisoned: Vec<_> = items(&honest.aws)
                .into_iter()
                .map(|item| poisoned(item, poison))
                .collect();
            let aws = aws();
            write(&aws, &poisoned);
            let function = Function::start_on(aws, name, variables);
            let (people, feed) = told(&function, events);
            assert!(
                people >= expected.0 && feed >= expected.1,
                "{path} {poison:?}: {people} and {feed} of {expected:?}"
            );
        }
    }
}

#[test]
fn a_deletion_and_its_end_are_told() {
    tells_all_the_same(
        "key-deletion",
        &[],
        &[
            "key-deletion/ct-schedule-key-deletion.json",
            "key-deletion/ct-cancel-key-deletion.json",
            "key-deletion/kms-deletion.json",
        ],
    );
}

#[test]
fn policies_grants_and_key_stores_are_told() {
    tells_all_the_same(
        "key-activity",
        &[],
        &[
            "key-activity/ct-put-key-policy.json",
            "key-activity/ct-create-grant.json",
            "key-activity/ct-disable-key.json",
            "key-activity/ct-delete-custom-key-store.json",
        ],
    );
}

#[test]
fn rotations_and_expiries_are_told() {
    tells_all_the_same(
        "key-rotation",
        &[],
        &[
            "key-rotation/kms-rotation-automatic-new.json",
            "key-rotation/ct-rotate-key-on-demand.json",
        ],
    );
    tells_all_the_same(
        "material-expiration",
        &[],
        &["material-expiration/kms-imported-material-expiration-new.json"],
    );
}

#[test]
fn failed_uses_and_denied_changes_are_told() {
    tells_all_the_same(
        "key-misuse",
        &[],
        &["key-misuse/ct-decrypt-pending-deletion-invalid-state.json"],
    );
}

#[test]
fn a_silenced_watch_is_told() {
    let stack = [("STACK_NAME", "kms-watch")];
    tells_all_the_same("watch-guard", &stack, &["watch-guard/ct-disable-rule.json"]);
}

/// A call that CloudFormation makes for somebody.
fn by_cloud_formation() -> Value {
    let mut record = event("watch-guard/ct-disable-rule.json");
    record["detail"]["eventID"] = json!("00000000-0000-4000-8000-000000000099");
    record["detail"]["userIdentity"] = json!({
        "type": "AssumedRole", "principalId": "AROA:AWSCloudFormation", "accountId": "111122223333",
        "arn": "arn:aws:sts::111122223333:assumed-role/Eve/AWSCloudFormation",
        "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/Eve"}},
        "invokedBy": "cloudformation.amazonaws.com",
    });
    record
}

/// What CloudFormation does in a deployment that was told is quiet. A deployment that only the ledger knows is none, however the
/// ledger words it.
#[test]
fn no_deployment_that_the_ledger_makes_up_excuses_a_call() {
    let stack = [("STACK_NAME", "kms-watch")];
    let guard = |aws| Function::start_on(aws, "watch-guard", &stack);
    let severity = |function: &Function| {
        let outcome = function.handle(&by_cloud_formation());
        outcome["alerts"][0]["severity"].clone()
    };
    let call = event("watch-guard/ct-disable-rule.json");
    let mut update = call.clone();
    update["detail"]["eventSource"] = json!("cloudformation.amazonaws.com");
    update["detail"]["eventName"] = json!("UpdateStack");
    update["detail"]["requestParameters"] = json!({"stackName": "kms-watch"});

    let honest = guard(aws());
    honest.handle(&update);
    let notes = items(&honest.aws);
    let is_note = |item: &&Item| item["sk"] == "watch#deployment";
    let note = notes.iter().find(is_note).expect("it is remembered");
    assert_eq!(severity(&honest), "INFO", "a deployment that was told");

    // The same note, without the alert.
    let only_noted = guard(aws());
    write(&only_noted.aws, &notes);
    // Where and as an earlier version had it, and where each function may write.
    let mut bare = note.clone();
    bare.insert("pk".to_owned(), "account#111122223333#us-east-1".into());
    bare.insert("at".to_owned(), call["detail"]["eventTime"].clone());
    write(&only_noted.aws, &[bare]);
    assert_eq!(severity(&only_noted), "CRITICAL", "nobody was told");

    // A note that names another alert: of what the same intruder did before.
    let misnamed = guard(aws());
    misnamed.handle(&call);
    let alerts = misnamed.aws.table_items(LEDGER);
    let mut alerts = alerts.iter().map(members);
    let alert = alerts.find(|item| item["sk"].as_str().unwrap().starts_with("alert#"));
    let mut other = note.clone();
    other.insert("toldAs".to_owned(), alert.unwrap()["sk"].clone());
    write(&misnamed.aws, &[other]);
    assert_eq!(severity(&misnamed), "CRITICAL", "that was no deployment");

    // A note that says nothing at all is not the first deployment.
    let blank = guard(aws());
    let mut nothing = note.clone();
    nothing.remove("toldAs");
    write(&blank.aws, &[nothing]);
    assert_eq!(severity(&blank), "CRITICAL", "there is a note");

    // Nor does a ledger that gives no answer excuse anything.
    let deaf = guard(aws());
    deaf.aws.faults().deny("dynamodb:BatchGetItem");
    assert_eq!(severity(&deaf), "CRITICAL", "nobody knows");
}

/// What a sweep remembers, and did not tell.
#[test]
fn a_sweep_counts_down_whatever_the_profile_says() {
    let world = || {
        let aws = aws();
        let key = aws.add_key(NewKey::symmetric().id(KEY).alias("alias/payments"));
        let body = json!({"KeyId": key, "PendingWindowInDays": 7});
        aws.call("ScheduleKeyDeletion", body).unwrap();
        aws.advance_days(5);
        let variables = [("DIGEST", "OFF"), ("SWEEP_HOLD_MINUTES", "0")];
        Function::start_on(aws, "key-inventory", &variables)
    };
    let sweep = |function: &Function, depth: &str| {
        let at = function.aws.now().to_string();
        function.handle(&json!({"sweep": depth, "at": at}));
        let kinds = function.feed().into_iter();
        let kinds: Vec<_> = kinds.map(|alert| alert["kind"].clone()).collect();
        kinds
    };
    let honest = world();
    let expected = sweep(&honest, "full");
    assert!(expected.contains(&json!("KeyDeletionNear")), "{expected:?}");
    let poisoned = world();
    write(&poisoned.aws, &items(&honest.aws));
    assert!(sweep(&poisoned, "light").contains(&json!("KeyDeletionNear")));
}
