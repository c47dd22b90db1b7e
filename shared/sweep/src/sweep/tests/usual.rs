//! What use is usual, learnt and told by sweeps.

use watch_core::answers::Use;
use watch_core::ledger::Item;
use watch_core::usual::{beginning, number};

use super::*;

const EVENTS: &[(&str, &str)] = &[("BASELINE", "events")];
const METRICS: &[(&str, &str)] = &[("BASELINE", "metrics")];

fn record(id: &str, role: &str, when: &str) -> Value {
    json!({
        "eventName": "Decrypt", "eventTime": when, "eventID": format!("{id} {role} {when}"),
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "sessionContext":
            {"sessionIssuer": {"arn": format!("arn:aws:iam::111122223333:role/{role}")}}},
        "resources": [{"ARN": arn(id).to_string()}],
    })
}

fn used(world: &World, id: &str, role: &str, when: &str) {
    world.change(id, |key| {
        key.usage.used = Some(Use {
            at: at(when),
            operation: None,
            event_id: None,
        });
    });
    world
        .trail
        .records
        .borrow_mut()
        .push(record(id, role, when));
}

/// A key that a role uses, as a sweep knows it.
async fn known(world: &World, id: &str) {
    world.add(id, |_| {});
    used(world, id, "App", "2026-11-19T21:00:00Z");
    world.run("full", DAY_1).await;
    world.told();
}

fn item(world: &World, id: &str) -> Option<Item> {
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let place = (
        "sweep#111122223333#us-east-1".to_owned(),
        format!("usual#{id}"),
    );
    ledger.items.borrow().get(&place).cloned()
}

#[tokio::test(start_paused = true)]
async fn off_nothing_is_kept_and_cloudwatch_is_not_asked() {
    let world = world(&[]);
    known(&world, "k").await;
    assert!(item(&world, "k").is_none());
    assert!(world.metrics.asked.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_is_told_once_and_again_by_the_next_look_if_nobody_could_be_told() {
    let world = world(EVENTS);
    known(&world, "k").await;
    used(&world, "k", "Intruder", "2026-11-20T21:00:00Z");
    *world.topics.broken.borrow_mut() = vec!["people", "feed"];
    assert!(world.try_run("full", DAY_2, None).await.is_err());
    assert!(
        item(&world, "k").unwrap().contains_key("due"),
        "written before it is told"
    );
    world.topics.broken.borrow_mut().clear();
    world.told();
    world.run("full", "2026-11-22T03:00:00Z").await;
    assert_eq!(world.told(), ["KeyUseUnusual k"]);
    assert!(!item(&world, "k").unwrap().contains_key("due"));
    world.run("full", "2026-11-23T03:00:00Z").await;
    assert_eq!(world.told(), [] as [&str; 0]);
}

#[tokio::test(start_paused = true)]
async fn metrics_are_listed_to_the_end_and_asked_for_a_handful_of_keys_at_once() {
    let world = world(METRICS);
    let today = number(at(DAY_1));
    for n in 0..25 {
        let id = format!("key-{n:02}");
        world.add(&id, |_| {});
        let uses = (1..60).map(|ago| (arn(&id).to_string(), beginning(today - ago), 40.0));
        world.metrics.uses.borrow_mut().extend(uses);
    }
    world.run("full", DAY_1).await;
    let asked = world.metrics.asked.borrow().clone();
    assert_eq!(asked.iter().sum::<usize>(), 25, "{asked:?}");
    assert!(
        asked.iter().all(|asked| (1..=10).contains(asked)),
        "{asked:?}"
    );
    let surge = (arn("key-07").to_string(), beginning(today), 900.0);
    world.metrics.uses.borrow_mut().push(surge);
    world.run("full", DAY_2).await;
    assert_eq!(world.told(), ["KeyUseUnusual key-07"]);
}

#[tokio::test(start_paused = true)]
async fn metrics_that_are_refused_are_asked_for_once_a_run_and_said_to_be_missing() {
    for code in ["AccessDenied", "Throttling"] {
        let world = world(METRICS);
        world.metrics.failing.set(Some(code));
        for id in ["a", "b"] {
            world.add(id, |_| {});
            used(&world, id, "App", "2026-11-19T21:00:00Z");
        }
        let report = world.run("full", DAY_1).await;
        let reason = report.outcome.reason.unwrap();
        assert_eq!(
            reason.matches("uses are not measured").count(),
            1,
            "{reason}"
        );
        used(&world, "a", "Intruder", "2026-11-20T21:00:00Z");
        world.run("full", DAY_2).await;
        assert_eq!(world.told(), ["KeyUseUnusual a"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_hundred_keys_in_strange_hands_are_folded() {
    let world = world(EVENTS);
    for n in 0..40 {
        let id = format!("key-{n:02}");
        world.add(&id, |_| {});
        used(&world, &id, "App", "2026-11-19T21:00:00Z");
    }
    for hour in 3..10 {
        world
            .run("light", &format!("2026-11-20T{hour:02}:30:00Z"))
            .await;
    }
    world.told();
    for n in 0..40 {
        used(
            &world,
            &format!("key-{n:02}"),
            "Intruder",
            "2026-11-20T21:00:00Z",
        );
    }
    world.run("full", "2026-11-21T12:00:00Z").await;
    world.run("light", "2026-11-21T12:30:00Z").await;
    let sent = world.topics.sent.take();
    let people = sent
        .iter()
        .filter(|it| it.topic.as_str().ends_with(":people"));
    let (mails, feed) = (people.count(), sent.len());
    assert!(feed > 40 && mails < 12, "{mails} of {feed}");
}
