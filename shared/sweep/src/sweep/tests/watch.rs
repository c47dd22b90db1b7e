//! Whether anybody listens.

use watch_core::answers::Subscription;

use super::*;

const HEALTH: (&str, &str) = (
    "HEALTH_TOPIC_ARN",
    "arn:aws:sns:us-east-1:111122223333:health",
);

fn heard() -> Vec<Subscription> {
    vec![Subscription {
        confirmed: true,
        ..Subscription::default()
    }]
}

fn listeners(world: &World) -> Vec<(String, f64)> {
    let data = world.metrics.put.take().into_iter();
    data.filter(|datum| datum.name == "Listeners")
        .map(|datum| (datum.dimensions[0].1.clone(), datum.value))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn that_nobody_listens_any_more_is_told_once_and_again_after_it_was_mended() {
    let world = world(&[HEALTH]);
    let subscribe = |topic, to: Vec<Subscription>| {
        world.parts.subscriptions.borrow_mut().insert(topic, to);
    };
    subscribe(":people", heard());
    subscribe(":health", heard());
    world.run("full", DAY_1).await;
    assert!(world.told().is_empty());
    let all = |alerts| [("Alerts".to_owned(), alerts), ("Health".to_owned(), 1.0)];
    assert_eq!(listeners(&world), all(1.0));

    // Somebody clicked the link at the end of a mail.
    subscribe(":people", Vec::new());
    world.run("light", "2026-11-20T04:30:00Z").await;
    let alert = world.topics.feed().pop().unwrap();
    assert_eq!(alert["severity"], "CRITICAL", "{alert}");
    assert_eq!(world.told(), ["WatchChanged account"]);
    assert_eq!(listeners(&world), all(0.0));
    world.run("light", "2026-11-20T05:30:00Z").await;
    assert!(world.told().is_empty(), "once");
    subscribe(":people", heard());
    world.run("light", "2026-11-20T06:30:00Z").await;
    subscribe(":people", Vec::new());
    world.run("light", "2026-11-20T07:30:00Z").await;
    assert_eq!(world.told(), ["WatchChanged account"]);
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_looked_at_is_told_once_and_is_no_listener() {
    let world = world(&[HEALTH]);
    let denied = CallError::new("AuthorizationError", "no");
    world.parts.broken.replace(Some(denied));
    world.run("full", DAY_1).await;
    let alerts = world.topics.feed();
    assert!(
        alerts.iter().all(|alert| alert["severity"] == "HIGH"),
        "{alerts:?}"
    );
    assert_eq!(world.told(), ["WatchChanged account"; 2]);
    assert!(listeners(&world).is_empty());
    world.run("light", "2026-11-20T04:30:00Z").await;
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_a_health_topic_nothing_is_known_of_who_should_listen() {
    let world = world(&[]);
    world.run("full", DAY_1).await;
    assert!(world.told().is_empty());
    assert!(listeners(&world).is_empty());
}
