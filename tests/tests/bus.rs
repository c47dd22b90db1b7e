//! Alerts on a bus of EventBridge: the built function, its SDK, and a bus that takes them, or does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use watch_local::{Caller, Invocation, LocalAws, NewKey, Options};
use watch_tests::Function;

const DELETION: &str = "key-deletion";

/// A bus of another account in another Region, as a hub has it.
const HUB: &str = "arn:aws:events:eu-west-1:444455556666:event-bus/hub";

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    aws.create_event_bus_at(HUB);
    Arc::new(aws)
}

/// A key, and the event of its scheduled deletion.
fn scheduled(aws: &LocalAws) -> (String, Value) {
    let key = aws.add_key(NewKey::symmetric().alias("alias/payments"));
    let body = json!({"KeyId": key, "PendingWindowInDays": 30});
    aws.call("ScheduleKeyDeletion", body).unwrap();
    (key, aws.take_events().remove(0))
}

fn puts(aws: &LocalAws) -> usize {
    aws.request_counts().get("PutEvents").copied().unwrap_or(0)
}

#[test]
fn an_alert_reaches_the_bus_as_the_feed_has_it() {
    let aws = aws();
    let own = aws.create_event_bus("alerts");
    for bus in [HUB, &own] {
        let (key, event) = scheduled(&aws);
        let function = Function::start_on(Arc::clone(&aws), DELETION, &[("EVENT_BUS_ARN", bus)]);
        assert_eq!(function.handle(&event)["outcome"], "delivered");
        let events = aws.take_bus_events(bus);
        let feed = function.feed();
        assert_eq!((events.len(), feed.len()), (1, 1), "{bus}");
        assert_eq!(events[0]["source"], "kms-watch");
        assert_eq!(events[0]["detail-type"], "KeyDeletionScheduled");
        assert_eq!(events[0]["resources"], json!([key]));
        assert_eq!(events[0]["detail"], feed[0]);
    }
    let regions: Vec<_> = aws
        .requests()
        .into_iter()
        .filter(|it| it.service == "events")
        .map(|it| it.region)
        .collect();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
}

#[test]
fn a_bus_that_refuses_is_owed_the_alert_and_nobody_hears_it_twice() {
    let aws = aws();
    let (_, event) = scheduled(&aws);
    let function = Function::start_on(Arc::clone(&aws), DELETION, &[("EVENT_BUS_ARN", HUB)]);
    // Not only for a while: the hub lets nobody in.
    aws.refuse_entries(HUB, "AccessDeniedException", 1);
    let request = function.lambda.queue(event.to_string());
    let failed = function.lambda.wait(&request, Duration::from_secs(60));
    let Invocation::Error(error) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.error_type, "PublishFailed");
    assert_eq!(
        (function.received("people").len(), function.feed().len()),
        (1, 1)
    );
    assert_eq!((aws.take_bus_events(HUB).len(), puts(&aws)), (0, 1));
    // Lambda asks again: only what is owed is sent.
    let again = function.retry(&request, event.to_string());
    assert!(matches!(again, Invocation::Response(_)), "{again:?}");
    assert_eq!(
        (function.received("people").len(), function.feed().len()),
        (0, 0)
    );
    assert_eq!(aws.take_bus_events(HUB).len(), 1);
}

#[test]
fn what_passes_is_tried_again_within_the_invocation() {
    let aws = aws();
    let (_, event) = scheduled(&aws);
    let function = Function::start_on(Arc::clone(&aws), DELETION, &[("EVENT_BUS_ARN", HUB)]);
    aws.refuse_entries(HUB, "ThrottlingException", 1);
    aws.faults().fail("events:PutEvents", 1);
    assert_eq!(function.handle(&event)["outcome"], "delivered");
    assert_eq!((aws.take_bus_events(HUB).len(), puts(&aws)), (1, 3));
}

#[test]
fn an_alert_about_a_hostile_event_fits_on_the_bus() {
    let aws = aws();
    let (_, mut event) = scheduled(&aws);
    event["detail"]["userAgent"] = "\u{202e}<b>".repeat(60_000).into();
    event["detail"]["requestParameters"]["more"] = "x".repeat(900_000).into();
    let function = Function::start_on(Arc::clone(&aws), DELETION, &[("EVENT_BUS_ARN", HUB)]);
    assert_eq!(function.handle(&event)["outcome"], "delivered");
    assert_eq!(aws.take_bus_events(HUB).len(), 1);
}
