//! What happens again and again: told once an hour, and as the tenth and the hundredth, counted in between.

use futures_util::future::join_all;

use super::*;
use crate::kinds::{KeyChangeDenied, UnusableKeyUsed};
use crate::ledger::Item;

const ROLE: &str = "arn:aws:iam::111122223333:role/AppServer";
const HOUR: &str = "2026-11-20T10:";

fn with_ledger() -> FakeWatch {
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(FakeKms::default(), &[])
    }
}

fn ledger(watch: &FakeWatch) -> &FakeLedger {
    watch.ledger.as_ref().unwrap()
}

fn used_by(principal: &str, operation: &str) -> UnusableKeyUsed {
    UnusableKeyUsed {
        operation: Untrusted::new(operation),
        principal: Untrusted::new(principal),
        reason: Some(State::Disabled),
        ..UnusableKeyUsed::default()
    }
}

fn call(kind: impl Into<Kind>, id: &str, when: &str) -> Occurrence {
    Occurrence {
        occurred_at: Some(at(when)),
        ..occurrence(kind, Some(id))
    }
}

/// A failed Decrypt by the role.
pub(super) fn decrypt(id: &str, when: &str) -> Occurrence {
    call(used_by(ROLE, "Decrypt"), id, when)
}

fn tell(watch: &FakeWatch, occurrence: Occurrence) -> Told {
    run(watch.tell(occurrence, "request")).unwrap()
}

/// How many further attempts the alert tells of, and since when; on chat and feed at least.
fn counted(told: &Told) -> (Value, Value) {
    assert!(!told.alerts.is_empty(), "{:?}", told.reason);
    let details = json!(told.alerts[0].details);
    (details["attempts"].clone(), details["since"].clone())
}

/// Sum of the calls of the ledger, by name.
fn calls(watch: &FakeWatch) -> BTreeMap<&'static str, usize> {
    std::mem::take(&mut *ledger(watch).calls.borrow_mut())
}

#[test]
fn a_hundred_attempts_in_an_hour_are_three_alerts_and_the_next_hour_says_so() {
    let watch = with_ledger();
    for number in 0..100 {
        let when = format!("{HOUR}{:02}:{:02}Z", number / 2, number % 2);
        let told = tell(&watch, decrypt(&format!("call {number}"), &when));
        match number {
            0 => assert_eq!(counted(&told), (json!(0), json!(null))),
            9 => assert_eq!(counted(&told), (json!(8), json!("2026-11-20T10:00:00Z"))),
            99 => {
                assert_eq!(counted(&told), (json!(89), json!("2026-11-20T10:04:01Z")));
                let summary = told.alerts[0].summary.plain();
                let words = "89 more attempts since the last alert, of 2026-11-20 10:04 UTC. It is attempt 100 since \
                             2026-11-20 10:00 UTC.";
                assert!(summary.contains(words), "{summary}");
            }
            _ => {
                assert_eq!(told.verdict, Verdict::Duplicate, "{number}");
                let reason = "UnusableKeyUsed was told before";
                assert_eq!(told.reason.as_deref(), Some(reason));
            }
        }
    }
    let all = ["people", "chat", "feed"];
    assert_eq!(topics_of(&watch), all.repeat(3));
    tell(&watch, decrypt("one more", "2026-11-20T10:59:00Z"));
    let next = tell(&watch, decrypt("next", "2026-11-20T11:00:00Z"));
    // Mail told of the hundredth, and tells again in a day.
    assert_eq!(next.verdict, Verdict::Suppressed);
    let details = json!(next.alerts[0].details);
    assert_eq!(
        (&details["attempts"], &details["total"]),
        (&json!(1), &json!(102))
    );
    assert_eq!(topics_of(&watch)[9..], ["chat", "feed"]);
    // What was told once is not told again.
    for number in 0..3 {
        tell(
            &watch,
            decrypt(&format!("again {number}"), "2026-11-20T11:30:00Z"),
        );
    }
    let later = tell(&watch, decrypt("later", "2026-11-20T15:10:00Z"));
    assert_eq!(counted(&later), (json!(3), json!("2026-11-20T11:00:00Z")));
    let last = tell(&watch, decrypt("last", "2026-11-21T15:10:00Z"));
    assert_eq!(counted(&last), (json!(0), json!("2026-11-20T15:10:00Z")));
}

#[test]
fn the_hour_is_that_of_the_event_and_late_ones_count_for_the_next_alert() {
    let watch = with_ledger();
    // The clock of these tests stands still at noon.
    let tellings = [
        ("1", "2026-11-20T09:59:59Z", Verdict::Delivered),
        ("2", "2026-11-20T10:00:00Z", Verdict::Suppressed),
        ("3", "2026-11-20T10:59:59Z", Verdict::Duplicate),
        ("4", "2026-11-20T09:00:00Z", Verdict::Duplicate),
        ("5", "2026-11-20T08:59:59Z", Verdict::Suppressed),
    ];
    for (id, when, expected) in tellings {
        assert_eq!(tell(&watch, decrypt(id, when)).verdict, expected, "{when}");
    }
    // Number five told of both; it came late itself, and does not set the time back.
    let next = tell(&watch, decrypt("6", "2026-11-20T11:00:00Z"));
    assert_eq!(counted(&next), (json!(0), json!("2026-11-20T10:00:00Z")));
}

#[test]
fn each_role_operation_key_and_kind_is_counted_by_itself() {
    let watch = with_ledger();
    let again = |kind: Kind, first: &str| {
        let mut other = call(kind.clone(), first, "2026-11-20T10:10:00Z");
        let told = run(watch.tell(other.clone(), "request")).unwrap();
        assert_eq!(counted(&told), (json!(0), json!(null)), "{first}");
        other.call_id = Some(format!("{first} again"));
        assert_eq!(tell(&watch, other).verdict, Verdict::Duplicate);
        kind
    };
    let kinds = [
        again(used_by(ROLE, "Decrypt").into(), "a"),
        again(used_by(ROLE, "Encrypt").into(), "b"),
        again(used_by("another", "Decrypt").into(), "c"),
        again(
            KeyChangeDenied {
                operation: Untrusted::new("Decrypt"),
                principal: Untrusted::new(ROLE),
                ..KeyChangeDenied::default()
            }
            .into(),
            "d",
        ),
    ];
    let other_key = Occurrence {
        subject: Subject::Key(
            "arn:aws:kms:us-east-1:111122223333:key/other"
                .parse()
                .unwrap(),
        ),
        ..decrypt("e", "2026-11-20T10:10:00Z")
    };
    assert_eq!(counted(&tell(&watch, other_key)), (json!(0), json!(null)));
    for (number, kind) in kinds.into_iter().enumerate() {
        let told = tell(
            &watch,
            call(kind, &format!("next {number}"), "2026-11-20T11:10:00Z"),
        );
        assert_eq!(counted(&told), (json!(1), json!("2026-11-20T10:10:00Z")));
    }
}

#[test]
fn the_call_that_was_told_is_no_repeat_of_itself() {
    let watch = with_ledger();
    for _ in 0..5 {
        tell(&watch, decrypt("the same", "2026-11-20T10:10:00Z"));
    }
    let next = tell(&watch, decrypt("next", "2026-11-20T11:10:00Z"));
    assert_eq!(counted(&next), (json!(0), json!("2026-11-20T10:10:00Z")));
}

#[test]
fn an_alert_costs_five_writes_and_one_read_and_a_repeat_one_write_and_two_reads() {
    let watch = with_ledger();
    let expect = |expected: &[(&'static str, usize)]| {
        assert_eq!(calls(&watch), expected.iter().copied().collect());
    };
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    expect(&[
        ("claim", 1),
        ("count", 1),
        ("put", 1),
        ("read", 1),
        ("set", 2),
    ]);
    tell(&watch, decrypt("2", "2026-11-20T10:10:00Z"));
    expect(&[("add", 1), ("read", 2)]);
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    expect(&[("read", 2)]);
}

#[test]
fn a_repeat_asks_kms_nothing() {
    let mut watch = with_ledger();
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    // Were KMS asked, it would take a minute.
    watch.kms.delay = Duration::from_secs(60);
    run(async {
        let before = tokio::time::Instant::now();
        let told = watch.tell(decrypt("2", "2026-11-20T10:10:00Z"), "request");
        assert_eq!(told.await.unwrap().verdict, Verdict::Duplicate);
        assert!(before.elapsed() < Duration::from_millis(100));
    });
}

#[test]
fn attempts_at_the_same_time_are_one_alert_and_all_are_counted() {
    let watch = with_ledger();
    let told = run(join_all((0..20).map(|number| {
        let occurrence = decrypt(&format!("call {number}"), "2026-11-20T10:10:00Z");
        let watch = &watch;
        async move {
            watch
                .tell(occurrence, &format!("request {number}"))
                .await
                .unwrap()
        }
    })));
    let delivered = told
        .iter()
        .filter(|told| told.verdict == Verdict::Delivered);
    assert_eq!(delivered.count(), 1);
    let next = tell(&watch, decrypt("next", "2026-11-20T11:10:00Z"));
    assert_eq!(counted(&next).0, json!(19));
}

#[test]
fn attempts_that_are_counted_while_an_alert_goes_out_are_the_next_ones() {
    let watch = with_ledger();
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    tell(&watch, decrypt("2", "2026-11-20T10:10:00Z"));
    // The alert of the next hour and a late repeat of this one.
    let (next, late) = run(futures_util::future::join(
        watch.tell(decrypt("3", "2026-11-20T11:10:00Z"), "a"),
        watch.tell(decrypt("4", "2026-11-20T10:50:00Z"), "b"),
    ));
    assert_eq!(late.unwrap().verdict, Verdict::Duplicate);
    let first = counted(&next.unwrap()).0.as_u64().unwrap();
    let second = counted(&tell(&watch, decrypt("5", "2026-11-20T12:10:00Z"))).0;
    assert_eq!(first + second.as_u64().unwrap(), 2);
}

#[test]
fn without_a_ledger_every_attempt_is_told_and_none_is_counted() {
    let watch = watch(FakeKms::default(), &[]);
    for id in ["1", "2", "3"] {
        let told = tell(&watch, decrypt(id, "2026-11-20T10:10:00Z"));
        assert_eq!(counted(&told), (json!(null), json!(null)));
    }
}

#[test]
fn a_ledger_that_fails_stops_no_alert_and_forgets_no_count() {
    let watch = with_ledger();
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    tell(&watch, decrypt("2", "2026-11-20T10:10:00Z"));
    *ledger(&watch).error.borrow_mut() = Some(CallError::new("ThrottlingException", ""));
    let told = tell(&watch, decrypt("3", "2026-11-20T11:10:00Z"));
    assert_eq!(counted(&told), (json!(null), json!(null)));
    *ledger(&watch).error.borrow_mut() = None;
    let next = tell(&watch, decrypt("4", "2026-11-20T12:10:00Z"));
    assert_eq!(counted(&next), (json!(1), json!("2026-11-20T10:10:00Z")));
}

#[test]
fn a_topic_that_fails_is_owed_and_nothing_is_counted_as_told() {
    let watch = with_ledger();
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    tell(&watch, decrypt("2", "2026-11-20T10:10:00Z"));
    *watch.topics.broken.borrow_mut() = vec!["chat"];
    let failed = run(watch.tell(decrypt("3", "2026-11-20T11:10:00Z"), "request"));
    assert!(failed.is_err());
    *watch.topics.broken.borrow_mut() = vec![];
    let retried = tell(&watch, decrypt("3", "2026-11-20T11:10:00Z"));
    assert_eq!(counted(&retried), (json!(1), json!("2026-11-20T10:10:00Z")));
}

#[test]
fn one_actor_who_fails_on_many_keys_is_a_burst() {
    let watch = with_ledger();
    let mut verdicts = Vec::new();
    for number in 0..8 {
        let key = format!("arn:aws:kms:us-east-1:111122223333:key/{number:08}");
        let occurrence = Occurrence {
            subject: Subject::Key(key.parse().unwrap()),
            ..decrypt(&format!("call {number}"), "2026-11-20T10:10:00Z")
        };
        verdicts.push(tell(&watch, occurrence.clone()).verdict);
        // A repeat takes no place in the burst.
        let again = Occurrence {
            call_id: Some(format!("again {number}")),
            ..occurrence
        };
        assert_eq!(tell(&watch, again).verdict, Verdict::Duplicate);
    }
    assert_eq!(verdicts[..5], [Verdict::Delivered; 5]);
    assert_eq!(verdicts[5..], [Verdict::Suppressed; 3]);
}

#[test]
fn what_is_about_no_key_is_counted_in_the_account() {
    let watch = with_ledger();
    let denied = |id: &str, when: &str| Occurrence {
        subject: Subject::Account {
            partition: crate::arn::Partition::new("aws").unwrap(),
            account: crate::arn::AccountId::new("111122223333").unwrap(),
            region: crate::arn::Region::new("us-east-1").unwrap(),
        },
        ..call(
            KeyChangeDenied {
                operation: Untrusted::new("CreateKey"),
                principal: Untrusted::new(ROLE),
                ..KeyChangeDenied::default()
            },
            id,
            when,
        )
    };
    tell(&watch, denied("1", "2026-11-20T10:10:00Z"));
    tell(&watch, denied("2", "2026-11-20T10:10:00Z"));
    let told = tell(&watch, denied("3", "2026-11-20T11:10:00Z"));
    assert_eq!(counted(&told).0, json!(1));
    assert!(told.alerts[0].key.is_none());
}

#[test]
fn what_is_kept_of_repeats_has_a_name_of_its_own_and_an_end() {
    let watch = with_ledger();
    tell(&watch, decrypt("1", "2026-11-20T10:10:00Z"));
    tell(&watch, decrypt("2", "2026-11-20T10:10:00Z"));
    let items = ledger(&watch).items.borrow();
    let kept: Vec<(&String, &Item)> = items
        .iter()
        .filter(|((partition, sort), _)| partition == ARN && sort.starts_with("count#"))
        .map(|((_, sort), item)| (sort, item))
        .collect();
    assert_eq!(kept.len(), 2);
    assert!(kept[0].0.starts_with("count#UnusableKeyUsed#") && kept[1].0.ends_with("#told"));
    assert_eq!((&kept[0].1["n"], &kept[1].1["n"]), (&json!(1), &json!(0)));
    for (sort, item) in kept {
        assert_eq!(
            item["ttl"],
            at("2027-12-25T12:00:00Z").as_second(),
            "{sort}"
        );
    }
}
