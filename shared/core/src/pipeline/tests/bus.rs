//! Alerts on a bus.

use super::ledger::with_ledger;
use super::*;

const BUS: (&str, &str) = (
    "EVENT_BUS_ARN",
    "arn:aws:events:eu-west-1:444455556666:event-bus/kms-watch",
);

#[test]
fn a_bus_gets_what_the_feed_gets_as_an_event_of_the_kind_about_the_key() {
    // Whatever its severity, and without a feed.
    let settings = [
        BUS,
        ("MINIMUM_SEVERITY", "CRITICAL"),
        ("FEED_TOPIC_ARN", ""),
    ];
    let watch = watch(FakeKms::default(), &settings);
    let outcome = run(watch.handle(&deletion(), "request")).unwrap();
    assert_eq!(outcome.verdict, Verdict::Delivered);
    let events = watch.topics.events.borrow();
    assert_eq!(events.len(), 1);
    let alert = &outcome.alerts[0];
    assert_eq!(events[0].bus.as_str(), BUS.1);
    assert_eq!(events[0].detail_type, "KeyDeleted");
    assert_eq!(events[0].detail, serde_json::to_string(alert).unwrap());
    assert_eq!(
        events[0].resources,
        [alert.key.as_ref().unwrap().arn.to_string()]
    );
    assert!(events[0].size() <= 262_144);
}

#[test]
fn what_is_about_no_key_names_none() {
    let watch = watch(FakeKms::default(), &[BUS]);
    run(watch.handle(&json!({}), "request")).unwrap();
    let events = watch.topics.events.borrow();
    assert_eq!(events[0].detail_type, "UnreadableEvent");
    assert!(events[0].resources.is_empty());
}

#[test]
fn a_bus_that_fails_is_owed_and_nobody_else_is_told_twice() {
    let watch = with_ledger(FakeKms::default(), &[BUS]);
    *watch.topics.broken.borrow_mut() = vec!["event-bus/kms-watch"];
    let error = run(watch.handle(&deletion(), "request")).unwrap_err();
    assert_eq!(error.kind(), "PublishFailed");
    assert!(error.to_string().contains(BUS.1), "{error}");
    assert_eq!(topics_of(&watch), ["people", "chat", "feed"]);

    watch.topics.broken.borrow_mut().clear();
    let outcome = run(watch.handle(&deletion(), "request")).unwrap();
    assert_eq!(outcome.verdict, Verdict::Delivered);
    assert_eq!(topics_of(&watch).len(), 3, "once each");
    assert_eq!(watch.topics.events.borrow().len(), 1);
}

#[test]
fn without_a_bus_there_are_no_events() {
    let watch = watch(FakeKms::default(), &[]);
    run(watch.handle(&deletion(), "request")).unwrap();
    assert!(watch.topics.events.borrow().is_empty());
}

#[test]
fn the_largest_alert_fits_into_an_entry() {
    let mut alert = alert_about(KeyRotated::default());
    let key = alert.key.as_mut().unwrap();
    let wide = |i: usize| {
        (
            Untrusted::new(&i.to_string()),
            Untrusted::new(&"v".repeat(256)),
        )
    };
    key.tags = Some((0..2_000).map(wide).collect());
    let detail = render::feed(&alert).unwrap();
    let event = crate::ports::BusEvent {
        bus: BUS.1.parse().unwrap(),
        detail_type: alert.kind,
        resources: vec![alert.key.as_ref().unwrap().arn.to_string()],
        detail,
    };
    assert!(event.size() <= 262_144, "{}", event.size());
}
