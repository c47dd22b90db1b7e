//! Whether the parts of the watch are as they were deployed.

use watch_core::answers::{AlarmData, FunctionData, Rule, Subscription, Target, TrailData};
use watch_core::ledger::history::Entry;
use watch_core::ledger::{Item, ItemKey, guards};
use watch_core::ports::Ledger;

use super::*;
use crate::attest::rules::expected;

const STACK: &str = "kms-watch";
const FUNCTION: &str = "kms-watch-KeyDeletionFunction-1A2B3C4D5E6F";
const QUEUE: &str =
    "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-FailedInvocations-1A2B3C4D5E6F";
const HEALTH: &str = "arn:aws:sns:us-east-1:111122223333:kms-watch-HealthTopic-1A2B3C4D5E6F";
const VARIABLES: [(&str, &str); 4] = [
    ("HEALTH_TOPIC_ARN", HEALTH),
    ("STACK_NAME", STACK),
    ("WATCHED_FUNCTIONS", FUNCTION),
    ("WATCHED_QUEUES", QUEUE),
];

/// Hour by hour from the first full sweep on.
fn hour(number: i64) -> String {
    (at(DAY_1) + jiff::SignedDuration::from_hours(number)).to_string()
}

fn filled(value: &Value) -> Value {
    let text = value
        .to_string()
        .replace("{account}", "111122223333")
        .replace("{region}", "us-east-1")
        .replace("{partition}", "aws")
        .replace("{stack}", STACK)
        .replace("{cut}", STACK)
        .replace(
            "{stackId}",
            "arn:aws:cloudformation:us-east-1:111122223333:stack/kms-watch/8f0e",
        )
        .replace("{id:", "kms-watch-")
        .replace("}\"", "-1A2B3C4D5E6F\"");
    serde_json::from_str(&text).unwrap()
}

/// A stack as the template deploys it, with a function, an alarm and a queue of its many.
fn deployed() -> World {
    let world = world(&VARIABLES);
    let listener = Subscription {
        confirmed: true,
        ..Subscription::default()
    };
    for topic in [":people", "1A2B3C4D5E6F"] {
        let mut subscriptions = world.parts.subscriptions.borrow_mut();
        subscriptions.insert(topic, vec![listener.clone()]);
    }
    let mut there = world.parts.there.borrow_mut();
    let name = |id: &str| format!("kms-watch-{id}-1A2B3C4D5E6F");
    for rule in expected() {
        let arn = match rule.to.as_str() {
            "HealthTopic" => HEALTH.to_owned(),
            to => format!(
                "arn:aws:lambda:us-east-1:111122223333:function:{}",
                name(to)
            ),
        };
        let target = Target {
            arn,
            input: filled(&rule.input),
        };
        let deployed = Rule {
            name: name(&rule.id),
            state: rule.state,
            pattern: filled(&rule.pattern),
        };
        there.rules.push((deployed, vec![target]));
    }
    let function = FunctionData {
        configuration: json!({"CodeSha256": "1", "Role": "r", "State": "Active"}),
        ..FunctionData::default()
    };
    there.functions.insert(FUNCTION.to_owned(), function);
    there.alarms.push(AlarmData {
        name: name("SweepMissed"),
        actions_enabled: true,
        definition: json!({"threshold": 1}),
        ..AlarmData::default()
    });
    let empty = [("ApproximateNumberOfMessages", "0")];
    let empty = empty.map(|(name, value)| (name.to_owned(), value.to_owned()));
    there.queues.insert(QUEUE.to_owned(), BTreeMap::from(empty));
    there.trails.push(TrailData {
        arn: "arn:aws:cloudtrail:us-east-1:111122223333:trail/main".to_owned(),
        logging: true,
        selectors: json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true}]}),
    });
    drop(there);
    world
}

/// Severity and resource of what was told.
fn findings(world: &World) -> Vec<String> {
    let alerts = world.topics.feed();
    world.topics.sent.take();
    let mut found: Vec<_> = alerts
        .iter()
        .map(|alert| {
            let (severity, part) = (&alert["severity"], &alert["details"]["resources"][0]);
            format!("{} {}", severity.as_str().unwrap(), part.as_str().unwrap())
        })
        .collect();
    found.sort();
    found
}

/// What the ledger has of an alert that told of something about the account.
async fn told(world: &World, note: &str, kind: &str, when: &str) {
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let partition = "account#111122223333#us-east-1";
    let entry = json!({"alertId": "x", "occurredAt": when, "kind": kind, "severity": "LOW", "title": "t", "name": "n",
        "owner": null, "actor": null, "via": "CLOUDTRAIL", "eventName": null, "folded": false, "toldAt": when,
        "deployment": note == "watch#deployment"});
    let entry: Entry = serde_json::from_value(entry).unwrap();
    let item = entry.item(partition);
    let told_as = item["sk"].clone();
    let note = Item::from_iter([
        ("pk".to_owned(), guards(partition).into()),
        ("sk".to_owned(), note.into()),
        ("toldAs".to_owned(), told_as),
    ]);
    ledger.put(&[item, note]).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_as_it_was_deployed_is_no_finding_and_light_sweeps_ask_little() {
    let world = deployed();
    world.run("full", DAY_1).await;
    world.parts.there.borrow_mut().calls.clear();
    world.run("light", &hour(1)).await;
    let calls = world.parts.there.borrow().calls.clone();
    let expected = [("alarms", 1), ("mute_rules", 1), ("queue", 1), ("rules", 1)];
    assert_eq!(calls, BTreeMap::from(expected));
    world.run("full", &hour(24)).await;
    assert_eq!(findings(&world), [""; 0]);
}

type Change = fn(&mut watch_core::fakes::There);

#[tokio::test(start_paused = true)]
async fn what_no_deployment_does_is_told_at_once_and_once() {
    let cases: [(Change, &str); 5] = [
        (
            |it| "DISABLED".clone_into(&mut it.rules[0].0.state),
            "CRITICAL kms-watch-AlarmChanged-1A2B3C4D5E6F",
        ),
        (
            |it| it.rules[0].1.clear(),
            "CRITICAL kms-watch-AlarmChanged-1A2B3C4D5E6F",
        ),
        (
            |it| it.functions.get_mut(FUNCTION).unwrap().concurrency = Some(0),
            "CRITICAL kms-watch-KeyDeletionFunction-1A2B3C4D5E6F",
        ),
        (
            |it| it.alarms[0].actions_enabled = false,
            "CRITICAL kms-watch-SweepMissed-1A2B3C4D5E6F",
        ),
        (
            |it| {
                it.mutes.push(watch_core::answers::MuteRule {
                    name: "quiet".to_owned(),
                    alarms: vec!["kms-watch-SweepMissed-1A2B3C4D5E6F".to_owned()],
                    expression: Some("cron(0 * * * *)".to_owned()),
                    duration: Some("PT1H".to_owned()),
                });
            },
            "CRITICAL quiet",
        ),
    ];
    for (change, expected) in cases {
        let world = deployed();
        world.run("full", DAY_1).await;
        change(&mut world.parts.there.borrow_mut());
        world.run("full", &hour(24)).await;
        assert_eq!(findings(&world), [expected]);
        world.run("light", &hour(25)).await;
        world.run("full", &hour(48)).await;
        assert_eq!(findings(&world), [""; 0], "{expected} once");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_deployment_may_have_done_is_told_by_the_next_sweep() {
    let cases: [(Change, &str); 9] = [
        (
            |it| it.rules[0].0.pattern["account"] = json!(["4"]),
            "CRITICAL kms-watch-AlarmChanged-1A2B3C4D5E6F",
        ),
        (|it| drop(it.rules.remove(0)), "CRITICAL AlarmChanged"),
        (
            |it| it.rules[0].1[0].input = Value::Null,
            "CRITICAL kms-watch-AlarmChanged-1A2B3C4D5E6F",
        ),
        (
            |it| it.functions.get_mut(FUNCTION).unwrap().configuration["CodeSha256"] = json!("2"),
            "CRITICAL kms-watch-KeyDeletionFunction-1A2B3C4D5E6F",
        ),
        (
            |it| it.functions.clear(),
            "CRITICAL kms-watch-KeyDeletionFunction-1A2B3C4D5E6F",
        ),
        (
            |it| it.alarms[0].definition = json!({"threshold": 9}),
            "HIGH kms-watch-SweepMissed-1A2B3C4D5E6F",
        ),
        (
            |it| it.alarms.clear(),
            "CRITICAL kms-watch-SweepMissed-1A2B3C4D5E6F",
        ),
        (|it| it.trails[0].logging = false, "CRITICAL trails"),
        (
            |it| {
                let queue = it.queues.get_mut(QUEUE).unwrap();
                queue.insert("ApproximateNumberOfMessages".to_owned(), "3".to_owned());
            },
            "HIGH kms-watch-FailedInvocations-1A2B3C4D5E6F",
        ),
    ];
    for (change, expected) in cases {
        let world = deployed();
        world.run("full", DAY_1).await;
        change(&mut world.parts.there.borrow_mut());
        world.run("full", &hour(24)).await;
        assert_eq!(findings(&world), [""; 0], "{expected} is held");
        world.run("light", &hour(25)).await;
        assert_eq!(findings(&world), [expected]);
        world.run("light", &hour(26)).await;
        assert_eq!(findings(&world), [""; 0], "{expected} once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_was_told_allows_for_other_code_and_no_other_rules() {
    let world = deployed();
    world.run("full", DAY_1).await;
    let change = |code: &str| {
        let mut there = world.parts.there.borrow_mut();
        let function = there.functions.get_mut(FUNCTION).unwrap();
        function.configuration["CodeSha256"] = json!(code);
    };
    told(&world, "watch#deployment", "WatchChanged", &hour(5)).await;
    change("2");
    for number in [6, 7, 9, 24, 25] {
        let depth = if number == 24 { "full" } else { "light" };
        world.run(depth, &hour(number)).await;
        assert_eq!(findings(&world), [""; 0], "{number}");
    }
    // Long after, it allows for nothing.
    change("3");
    world.run("full", &hour(48)).await;
    world.run("light", &hour(49)).await;
    assert_eq!(
        findings(&world),
        ["CRITICAL kms-watch-KeyDeletionFunction-1A2B3C4D5E6F"]
    );
    // Never for a rule.
    told(&world, "watch#deployment", "WatchChanged", &hour(50)).await;
    world.parts.there.borrow_mut().rules[0].0.pattern["account"] = json!(["4"]);
    world.run("light", &hour(51)).await;
    world.run("light", &hour(52)).await;
    assert_eq!(
        findings(&world),
        ["CRITICAL kms-watch-AlarmChanged-1A2B3C4D5E6F"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_nobody_was_told_of_allows_for_nothing() {
    let world = deployed();
    world.run("full", DAY_1).await;
    told(&world, "watch#deployment", "WatchChanged", &hour(23)).await;
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    ledger
        .items
        .borrow_mut()
        .retain(|(_, sort), _| !sort.starts_with("alert#"));
    {
        let mut there = world.parts.there.borrow_mut();
        there.functions.get_mut(FUNCTION).unwrap().configuration["CodeSha256"] = json!("2");
    }
    world.run("full", &hour(24)).await;
    world.run("light", &hour(25)).await;
    assert_eq!(
        findings(&world),
        ["CRITICAL kms-watch-KeyDeletionFunction-1A2B3C4D5E6F"]
    );
}

#[tokio::test(start_paused = true)]
async fn that_the_ledger_forgot_what_was_noted_is_told() {
    let world = deployed();
    world.run("full", DAY_1).await;
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let name = (
        "sweep#111122223333#us-east-1".to_owned(),
        "watch#parts".to_owned(),
    );
    assert!(ledger.items.borrow_mut().remove(&name).is_some());
    world.run("light", &hour(1)).await;
    assert_eq!(findings(&world), ["HIGH the ledger"]);
    world.run("light", &hour(2)).await;
    assert_eq!(findings(&world), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_stays_away_is_told_and_one_that_only_a_note_tells_of_is_none() {
    let world = deployed();
    world.run("full", DAY_1).await;
    told(&world, "watch#canary", "WatchCanary", &hour(24)).await;
    world.run("full", &hour(24 * 9)).await;
    assert_eq!(findings(&world), [""; 0], "the last one is eight days old");
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    ledger
        .items
        .borrow_mut()
        .retain(|(_, sort), _| !sort.starts_with("alert#"));
    world.run("full", &hour(24 * 9 + 1)).await;
    assert_eq!(findings(&world), ["CRITICAL the canary"]);
    // One that is said to come is none either.
    told(
        &world,
        "watch#canary",
        "WatchCanary",
        "2036-01-01T00:00:00Z",
    )
    .await;
    world.run("full", &hour(24 * 10)).await;
    assert_eq!(findings(&world), [""; 0], "told");
    told(&world, "watch#canary", "WatchCanary", &hour(24 * 10)).await;
    world.run("full", &hour(24 * 11)).await;
    world.run("full", &hour(24 * 19)).await;
    assert_eq!(findings(&world), ["CRITICAL the canary"], "again");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_at_is_told_once_and_nothing_that_is_known_is_forgotten() {
    for (method, group) in [
        ("rules", "rules"),
        ("targets", "rules"),
        ("function", "functions"),
        ("alarms", "alarms"),
        ("mute_rules", "alarms"),
        ("trails", "trails"),
        ("queue", "queues"),
    ] {
        let world = deployed();
        world.run("full", DAY_1).await;
        "DISABLED".clone_into(&mut world.parts.there.borrow_mut().rules[0].0.state);
        world.run("full", &hour(24)).await;
        assert_eq!(findings(&world).len(), 1);
        let fail = |code: &str| {
            let error = CallError::new(code, "no");
            world.parts.there.borrow_mut().failing.insert(method, error);
        };
        // Slow once: that passes.
        fail("ThrottlingException");
        world.run("full", &hour(48)).await;
        assert_eq!(findings(&world), [""; 0], "{method}");
        fail("AccessDeniedException");
        world.run("full", &hour(72)).await;
        assert_eq!(findings(&world), [format!("HIGH {group}")], "{method}");
        world.run("full", &hour(96)).await;
        assert_eq!(findings(&world), [""; 0], "{method} once");
        world.parts.there.borrow_mut().failing.clear();
        world.run("full", &hour(120)).await;
        assert_eq!(findings(&world), [""; 0], "{method}: the rule was told");
    }
}

#[tokio::test(start_paused = true)]
async fn what_gives_no_answer_twice_is_told() {
    let world = deployed();
    world.run("full", DAY_1).await;
    let error = CallError::new("ServiceUnavailable", "no");
    world
        .parts
        .there
        .borrow_mut()
        .failing
        .insert("rules", error);
    world.run("light", &hour(1)).await;
    assert_eq!(findings(&world), [""; 0]);
    world.run("light", &hour(2)).await;
    assert_eq!(findings(&world), ["HIGH rules"]);
}

#[test]
fn the_item_of_the_canary_is_named_by_what_writes_it() {
    let key = watch_core::kinds::LastCanary::key("account#1#r");
    assert_eq!(key, ItemKey::new("guard#1#r", "watch#canary"));
}
