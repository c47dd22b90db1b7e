//! What is LOW: one mail a day, and never none.

use super::ledger::{at_time, ledger, subjects, with_ledger};
use super::*;
use crate::kinds::{KeyDisabled, KeyEnabled, KeyRotationEnabled};

const DAILY: (&str, &str) = ("LOW_DIGEST", "daily");
const NOON: &str = "2026-11-20T11:59:00Z";

fn quiet() -> FakeWatch {
    with_ledger(FakeKms::default(), &[DAILY])
}

/// Switches on the rotation of key number `number`.
fn low(watch: &FakeWatch, number: usize) -> Told {
    let key = format!("arn:aws:kms:us-east-1:111122223333:key/{number:08}");
    let call = format!("call {number}");
    let occurrence = Occurrence {
        subject: Subject::Key(key.parse().unwrap()),
        actor: Some(crate::actor::Actor {
            name: Untrusted::new(&call),
            ..crate::actor::Actor::unknown()
        }),
        ..at_time(KeyRotationEnabled::default(), Some(&call), NOON)
    };
    run(watch.tell(occurrence, &call)).unwrap()
}

/// Subjects of the mails of the sweep at that time.
fn sweep(watch: &FakeWatch, time: &str) -> Vec<String> {
    watch.topics.sent.borrow_mut().clear();
    watch.clock.set(at(time));
    run(watch.close_windows("sweep")).unwrap();
    subjects(watch)
}

#[test]
fn what_is_low_is_one_mail_of_the_day_and_chat_and_feed_have_it_at_once() {
    let watch = quiet();
    for number in 0..3 {
        let told = low(&watch, number);
        assert_eq!(told.verdict, Verdict::Suppressed);
        assert!(told.reason.unwrap().contains("digest of the day"));
    }
    assert_eq!(
        topics_of(&watch)
            .iter()
            .filter(|topic| *topic == "people")
            .count(),
        0
    );
    for audience in ["chat", "feed"] {
        assert_eq!(
            topics_of(&watch)
                .iter()
                .filter(|topic| *topic == audience)
                .count(),
            3
        );
    }
    assert_eq!(sweep(&watch, "2026-11-20T23:59:59Z"), [] as [&str; 0]);
    let mails = sweep(&watch, "2026-11-21T00:17:00Z");
    assert_eq!(
        mails,
        ["LOW: 3 alerts of 2026-11-20, no urgent one, keys of team-pay [111122223333 us-east-1]"]
    );
    assert_eq!(topics_of(&watch), ["people"], "chat had them");
    let body = watch.topics.sent.borrow()[0].body.clone();
    for number in 0..3 {
        assert!(body.contains(&format!("key/{number:08}")), "{body}");
    }
    // Told once, by whatever sweep.
    assert_eq!(sweep(&watch, "2026-11-21T01:17:00Z"), [] as [&str; 0]);
    assert_eq!(sweep(&watch, "2026-11-22T01:17:00Z"), [] as [&str; 0]);
}

#[test]
fn without_a_sure_place_to_wait_the_mail_goes_out() {
    let without = watch(FakeKms::default(), &[DAILY]);
    assert_eq!(low(&without, 1).verdict, Verdict::Delivered);
    assert_eq!(topics_of(&without), ["people", "chat", "feed"]);
    let broken = quiet();
    ledger(&broken).broken.borrow_mut().push("set");
    assert_eq!(low(&broken, 1).verdict, Verdict::Delivered);
    let off = with_ledger(FakeKms::default(), &[]);
    assert_eq!(low(&off, 1).verdict, Verdict::Delivered);
}

#[test]
fn a_digest_that_nobody_took_stays_for_the_next_sweep() {
    let watch = quiet();
    low(&watch, 1);
    watch.clock.set(at("2026-11-21T00:17:00Z"));
    watch.topics.broken.borrow_mut().push("people");
    run(watch.close_windows("sweep")).unwrap_err();
    watch.topics.broken.borrow_mut().clear();
    assert_eq!(sweep(&watch, "2026-11-21T01:17:00Z").len(), 1);
}

#[test]
fn the_end_of_what_was_mailed_is_mailed() {
    let watch = quiet();
    let tell = |kind: Kind, when: &str| {
        run(watch.tell(at_time(kind, Some(when), when), when))
            .unwrap()
            .verdict
    };
    tell(KeyDisabled::default().into(), "2026-11-20T10:00:00Z");
    let end = tell(KeyEnabled::default().into(), "2026-11-20T11:00:00Z");
    assert_eq!(end, Verdict::Delivered);
    // Nothing was disabled.
    let end = tell(KeyEnabled::default().into(), "2026-11-20T11:30:00Z");
    assert_eq!(end, Verdict::Suppressed);
    assert_eq!(subjects(&watch).len(), 2);
}
