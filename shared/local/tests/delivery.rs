//! The way of events: lost, late, twice, out of order, and always the same for the same seed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::collections::BTreeMap;

use common::shape::assert_like;
use jiff::SignedDuration;
use kms_local::{Caller, Delivery, LocalAws, NewKey, Options};
use serde_json::{Value, json};

const ROTATION: &str = "KMS CMK Rotation";
const DELETION: &str = "KMS CMK Deletion";

fn start(seed: u64, delivery: Delivery) -> LocalAws {
    LocalAws::start(Options {
        seed,
        delivery,
        ..Options::default()
    })
    .unwrap()
}

/// 200 rotations and 200 deletions, and all that arrives of them.
fn year(seed: u64, delivery: Delivery) -> (LocalAws, Vec<Value>) {
    let aws = start(seed, delivery);
    for _ in 0..200 {
        aws.add_key(NewKey::symmetric().rotating_every(365));
        let doomed = aws.add_key(NewKey::symmetric());
        aws.call("ScheduleKeyDeletion", json!({"KeyId": doomed}))
            .unwrap();
    }
    aws.advance_days(366);
    let events = aws.take_events();
    (aws, events)
}

fn count(events: &[Value], detail_type: &str) -> usize {
    let of_type = events.iter().filter(|e| e["detail-type"] == detail_type);
    of_type.count()
}

fn rough() -> Delivery {
    Delivery {
        loss: 0.2,
        duplicates: 0.2,
        delay: SignedDuration::ZERO..=SignedDuration::from_mins(10),
        reorder: 0.3,
        cross_account_copies: 0.5,
        old_shapes: 0.5,
    }
}

#[test]
fn the_same_seed_has_the_same_stream() {
    assert_eq!(year(3, rough()).1, year(3, rough()).1);
    assert_ne!(year(3, rough()).1, year(4, rough()).1);
}

#[test]
fn nothing_is_lost_or_late_by_default() {
    let (aws, events) = year(1, Delivery::default());
    assert_eq!(count(&events, ROTATION), 200);
    assert_eq!(count(&events, DELETION), 200);
    assert!(aws.lost_events().is_empty());
    assert_eq!(aws.next_arrival(), None);
    let times: Vec<_> = events.iter().map(|e| e["time"].as_str().unwrap()).collect();
    assert!(times.is_sorted());
}

#[test]
fn everything_arrives_sooner_or_later_without_loss() {
    let delivery = Delivery {
        loss: 0.0,
        ..rough()
    };
    let (aws, events) = year(1, delivery);
    let mut native: BTreeMap<String, usize> = BTreeMap::new();
    for event in events.iter().filter(|e| e["source"] == "aws.kms") {
        if let Some(key) = event["detail"]["key-id"].as_str() {
            *native.entry(key.to_owned()).or_default() += 1;
        }
    }
    assert_eq!(native.len(), 400, "every key was heard of");
    assert!(aws.lost_events().is_empty());
}

#[test]
fn rates_are_what_was_asked_for() {
    let delivery = Delivery {
        loss: 0.25,
        ..Delivery::default()
    };
    let (aws, events) = year(1, delivery);
    // 200 schedulings, and two events for each of 400 transitions.
    let (arrived, lost) = (events.len(), aws.lost_events().len());
    assert_eq!(arrived + lost, 1000);
    assert!((150..350).contains(&lost), "{lost}");

    let delivery = Delivery {
        old_shapes: 0.5,
        ..Delivery::default()
    };
    let (_aws, events) = year(1, delivery);
    let old = events
        .iter()
        .filter(|e| e["detail-type"] == ROTATION && e["detail"].get("rotation-type").is_none());
    assert!((60..140).contains(&old.count()));
}

#[test]
fn deletions_are_sent_again_within_seconds_under_another_id() {
    let delivery = Delivery {
        duplicates: 1.0,
        ..Delivery::default()
    };
    let (_aws, events) = year(1, delivery);
    let mut by_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for event in events.iter().filter(|e| e["detail-type"] == DELETION) {
        let key = event["detail"]["key-id"].as_str().unwrap();
        by_key.entry(key).or_default().push(event);
    }
    assert_eq!(by_key.len(), 200);
    for pair in by_key.values() {
        assert_eq!(pair.len(), 2);
        assert_ne!(pair[0]["id"], pair[1]["id"]);
        assert_eq!(pair[0]["resources"], pair[1]["resources"]);
        let time =
            |event: &Value| -> jiff::Timestamp { event["time"].as_str().unwrap().parse().unwrap() };
        let gap = time(pair[1]).duration_since(time(pair[0])).as_secs();
        assert!((1..=5).contains(&gap), "{gap}");
        assert_like(pair[1], "kms-deletion-duplicate");
    }
    // Anything else is the same event once more.
    let mut rotations: Vec<_> = events
        .iter()
        .filter(|e| e["detail-type"] == ROTATION)
        .map(|e| e["id"].as_str().unwrap())
        .collect();
    assert_eq!(rotations.len(), 400);
    rotations.sort_unstable();
    rotations.dedup();
    assert_eq!(rotations.len(), 200);
}

#[test]
fn a_late_event_can_be_taken_when_it_has_arrived() {
    let five = SignedDuration::from_mins(5);
    let delivery = Delivery {
        delay: five..=five,
        ..Delivery::default()
    };
    let aws = start(1, delivery);
    let key = aws.add_key(NewKey::symmetric());
    let called = aws.now();
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    assert!(aws.take_events().is_empty());
    assert_eq!(aws.next_arrival(), Some(called + five));
    aws.advance(five - SignedDuration::from_millis(1));
    assert!(aws.take_events().is_empty());
    aws.advance(SignedDuration::from_millis(1));
    let events = aws.take_events();
    assert_eq!(events.len(), 1);
    // The event tells when it happened, not when it arrived.
    assert_eq!(events[0]["time"], called.to_string());
}

#[test]
fn events_overtake_each_other() {
    let delivery = Delivery {
        reorder: 0.5,
        ..Delivery::default()
    };
    let aws = start(1, delivery);
    let key = aws.add_key(NewKey::symmetric());
    for number in 0..40 {
        let operation = if number % 2 == 0 {
            "DisableKey"
        } else {
            "EnableKey"
        };
        aws.call(operation, json!({"KeyId": key})).unwrap();
        aws.advance(SignedDuration::from_secs(10));
    }
    aws.advance_days(1);
    let events = aws.take_events();
    let times: Vec<_> = events.iter().map(|e| e["time"].as_str().unwrap()).collect();
    assert_eq!(times.len(), 40);
    assert!(!times.is_sorted());
}

#[test]
fn a_call_from_another_account_is_told_to_both() {
    let delivery = Delivery {
        cross_account_copies: 1.0,
        ..Delivery::default()
    };
    let aws = LocalAws::start(Options {
        delivery,
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::symmetric());
    let context = json!({"tenant": "blue"});
    let body = json!({"KeyId": key, "Plaintext": "AAAA", "EncryptionContext": context});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    assert_eq!(aws.take_events().len(), 1, "the owner's own calls have one");
    aws.as_caller(Caller::other_account("444455556666"));
    let body = json!({"CiphertextBlob": blob, "EncryptionContext": context});
    aws.call("Decrypt", body).unwrap();
    let events = aws.take_events();
    assert_eq!(events.len(), 2);
    let mut own = events[0].clone();
    own["detail"]["userIdentity"]["principalId"] = "AROAZ9EXAMPLEXACCTPRN:batch-loader".into();
    assert_like(&own, "ct-decrypt-cross-account-owner-copy");
    let (ours, theirs) = (&events[0]["detail"], &events[1]["detail"]);
    assert_eq!(events[1]["account"], "444455556666");
    assert_eq!(theirs["recipientAccountId"], "444455556666");
    assert_eq!(theirs["userIdentity"]["type"], "AssumedRole");
    assert_eq!(ours["sharedEventID"], theirs["sharedEventID"]);
    assert_ne!(ours["eventID"], theirs["eventID"]);
    assert_eq!(theirs["resources"][0]["accountId"], "111122223333");
}

#[test]
fn events_stop_coming_for_a_while() {
    let aws = start(1, Delivery::default());
    let key = aws.add_key(NewKey::symmetric());
    let disable = || aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    disable();
    aws.set_delivery(Delivery::nothing());
    for _ in 0..50 {
        disable();
    }
    aws.set_delivery(Delivery::default());
    disable();
    assert_eq!(aws.take_events().len(), 2, "before and after");
    let lost = aws.lost_events();
    assert_eq!(lost.len(), 50);
    assert_eq!(lost[0]["detail"]["eventName"], "DisableKey");
    // What the bus lost, the history has.
    assert_eq!(aws.event_history().len(), 52);
}
