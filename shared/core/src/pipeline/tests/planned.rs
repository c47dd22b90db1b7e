//! A deletion that was announced: the first alert says so, and the countdown is quiet as long as nothing changes.

use super::ledger::{at_time, ledger, with_ledger};
use super::*;
use crate::answers::Use;
use crate::kinds::{KeyDeletionCancelled, KeyDeletionNear, KeyTagsChanged, UnusableKeyUsed};
use crate::ledger::ack::Ack;

const SCHEDULED: &str = "2026-11-20T10:00:00Z";
const DATE: &str = "2026-12-20T10:00:00Z";
const TAG: &str = "kms-watch:planned";

/// A key that is pending deletion, last used so many days before that was scheduled.
fn pending(tags: &[(&str, &str)], used_days_before: i64) -> FakeKms {
    let mut kms = FakeKms::default();
    let metadata = kms.metadata.as_mut().unwrap();
    metadata.state = Some(State::PendingDeletion);
    metadata.deletion_at = Some(at(DATE));
    let tags = tags
        .iter()
        .map(|(key, value)| (Untrusted::new(key), Untrusted::new(value)));
    kms.tags = Ok(tags.collect());
    kms.last_usage = Ok(LastUsage {
        used: Some(Use {
            at: at(SCHEDULED) - jiff::SignedDuration::from_hours(24 * used_days_before),
            operation: None,
            event_id: None,
        }),
        ..LastUsage::default()
    });
    kms
}

fn tell(watch: &FakeWatch, kind: impl Into<Kind>, when: &str) -> (Verdict, Alert) {
    let mut told = run(watch.tell(at_time(kind, Some(when), when), when)).unwrap();
    (told.verdict, told.alerts.remove(0))
}

fn schedule(watch: &FakeWatch) -> Alert {
    let kind = KeyDeletionScheduled {
        pending_window_days: Some(30),
        ..KeyDeletionScheduled::default()
    };
    tell(watch, kind, SCHEDULED).1
}

fn near(watch: &FakeWatch, when: &str) -> (Verdict, Alert) {
    watch.clock.set(at(when));
    tell(
        watch,
        KeyDeletionNear::new(at(DATE), &[7, 3, 1], at(when)),
        when,
    )
}

const WEEK: &str = "2026-12-14T10:00:00Z";
const LAST_DAY: &str = "2026-12-19T11:00:00Z";

#[test]
fn a_plan_is_told_once_and_the_countdown_is_on_the_feed_alone() {
    let watch = with_ledger(pending(&[(TAG, "2026-12-20 CHG-123")], 60), &[]);
    let first = schedule(&watch);
    let words = "The deletion is planned: the tag kms-watch:planned says \"2026-12-20 CHG-123\". Who set the tag is not known.";
    assert!(
        first.summary.plain().contains(words),
        "{}",
        first.summary.plain()
    );
    assert!(first.summary.plain().contains("not warned again"));
    let (verdict, alert) = near(&watch, WEEK);
    assert_eq!(verdict, Verdict::Suppressed);
    assert_eq!(
        json!(alert.details)["planned"]["says"],
        "2026-12-20 CHG-123"
    );
    assert_eq!(topics_of(&watch), ["people", "chat", "feed", "feed"]);
    // Its last day is critical for a key that was in use a while ago, and nothing keeps that back.
    let (verdict, alert) = near(&watch, LAST_DAY);
    assert_eq!(
        (verdict, alert.severity),
        (Verdict::Delivered, Severity::Critical)
    );
}

#[test]
fn whatever_changes_makes_the_countdown_speak() {
    let tags = [(TAG, "CHG-123")];
    let planned = || {
        let watch = with_ledger(pending(&tags, 100), &[]);
        schedule(&watch);
        watch
    };
    assert_eq!(near(&planned(), WEEK).0, Verdict::Suppressed);
    assert_eq!(near(&planned(), LAST_DAY).0, Verdict::Suppressed, "idle");
    // Another value of the tag, none, another key of it.
    for tags in [
        &[(TAG, "CHG-999")][..],
        &[],
        &[("planned", "CHG-123")],
        &[(TAG, "")],
    ] {
        let watch = FakeWatch {
            kms: pending(tags, 100),
            ..planned()
        };
        assert_eq!(near(&watch, WEEK).0, Verdict::Delivered, "{tags:?}");
    }
    // Use within the month before, and none that is known.
    let watch = FakeWatch {
        kms: pending(&tags, 20),
        ..planned()
    };
    assert_eq!(near(&watch, WEEK).0, Verdict::Delivered);
    let mut unknown = pending(&tags, 100);
    unknown.last_usage = Err(CallError::new("ThrottlingException", ""));
    let watch = with_ledger(unknown, &[]);
    schedule(&watch);
    assert_eq!(near(&watch, WEEK).0, Verdict::Delivered);
    // A use that failed.
    let watch = planned();
    tell(&watch, UnusableKeyUsed::default(), "2026-11-25T10:00:00Z");
    assert_eq!(near(&watch, WEEK).0, Verdict::Delivered);
    // It was cancelled: what is scheduled later is another, and its first alert has to say so.
    let watch = planned();
    tell(
        &watch,
        KeyDeletionCancelled::default(),
        "2026-11-25T10:00:00Z",
    );
    assert_eq!(near(&watch, WEEK).0, Verdict::Delivered);
    // Another date.
    let watch = planned();
    watch.clock.set(at(WEEK));
    let other = KeyDeletionNear::new(at("2026-12-18T10:00:00Z"), &[7], at(WEEK));
    assert_eq!(tell(&watch, other, WEEK).0, Verdict::Delivered);
}

#[test]
fn a_tag_that_nobody_was_told_of_is_no_plan() {
    // As if the first alert had never come.
    let watch = with_ledger(pending(&[(TAG, "CHG-123")], 100), &[]);
    assert_eq!(near(&watch, WEEK).0, Verdict::Delivered);
    let other = with_ledger(
        pending(&[("plan", "CHG-1")], 100),
        &[("PLANNED_TAG_KEY", "plan")],
    );
    schedule(&other);
    assert_eq!(near(&other, WEEK).0, Verdict::Suppressed);
    // A key in use is warned of, whatever its tags say.
    let used = with_ledger(pending(&[(TAG, "CHG-123")], 3), &[]);
    let first = schedule(&used);
    assert_eq!(first.severity, Severity::Critical);
    assert!(first.summary.plain().contains("The key is in use, so that"));
    assert_eq!(near(&used, WEEK).0, Verdict::Delivered);
}

#[test]
fn an_acknowledgement_in_the_ledger_counts_for_its_deletion() {
    let ack = |date: &str| Ack {
        deletion_at: at(date),
        by: Untrusted::new("j.okafor"),
        reason: Untrusted::new("CHG-7"),
        at: at("2026-11-21T10:00:00Z"),
    };
    for (date, verdict) in [
        (DATE, Verdict::Suppressed),
        ("2026-12-21T10:00:00Z", Verdict::Delivered),
    ] {
        let watch = with_ledger(pending(&[], 100), &[]);
        schedule(&watch);
        let key = Ack::key(ARN);
        let item = ack(date).item(ARN);
        ledger(&watch)
            .items
            .borrow_mut()
            .insert((key.partition, key.sort), item);
        let (told, alert) = near(&watch, WEEK);
        assert_eq!(told, verdict, "{date}");
        let by = &json!(alert.details)["planned"]["by"];
        assert_eq!(by == "j.okafor", verdict == Verdict::Suppressed, "{by}");
    }
}

/// Tags of the key are set or removed by `who`.
fn tag(watch: &FakeWatch, kind: KeyTagsChanged, who: &str, when: &str) {
    let actor = crate::actor::Actor {
        name: Untrusted::new(who),
        ..crate::actor::Actor::unknown()
    };
    let call = Occurrence {
        actor: Some(actor),
        ..at_time(kind, Some(when), when)
    };
    run(watch.tell(call, when)).unwrap();
}

fn set(value: &str) -> KeyTagsChanged {
    KeyTagsChanged::set([(Untrusted::new(TAG), Untrusted::new(value))].into())
}

#[test]
fn the_first_alert_says_who_set_the_tag() {
    let planned = |tag_calls: &[(KeyTagsChanged, &str, &str)]| {
        let watch = with_ledger(pending(&[(TAG, "CHG-123")], 60), &[]);
        for (kind, who, when) in tag_calls {
            tag(&watch, kind.clone(), who, when);
        }
        let first = schedule(&watch);
        (
            first.summary.plain(),
            json!(first.details)["planned"].clone(),
        )
    };
    let early = "2026-11-18T10:00:00Z";
    let late = "2026-11-19T10:00:00Z";
    let (words, details) = planned(&[(set("CHG-123"), "KeyAdmin/maria", early)]);
    let expected = "the tag kms-watch:planned says \"CHG-123\". KeyAdmin/maria set the tag on 2026-11-18 10:00 UTC.";
    assert!(words.contains(expected), "{words}");
    assert_eq!(
        (&details["by"], &details["at"]),
        (&json!("KeyAdmin/maria"), &json!(early))
    );
    // Records in the other order: the later call counts.
    let (words, _) = planned(&[(set("CHG-123"), "b", late), (set("CHG-123"), "a", early)]);
    assert!(words.contains("b set the tag on"), "{words}");
    // Whoever set another value did not set this one.
    let unset = KeyTagsChanged::unset(vec![Untrusted::new(TAG)]);
    let other = KeyTagsChanged::set([(Untrusted::new("Owner"), Untrusted::new("CHG-123"))].into());
    for calls in [
        vec![(set("CHG-999"), "a", early)],
        vec![(set("CHG-123"), "a", early), (unset, "b", late)],
        vec![(other, "a", early)],
    ] {
        let (words, details) = planned(&calls);
        assert!(words.contains("Who set the tag is not known."), "{words}");
        assert_eq!(details["by"], json!(null));
    }
    // The countdown says so, too.
    let watch = with_ledger(pending(&[(TAG, "CHG-123")], 10), &[]);
    tag(&watch, set("CHG-123"), "KeyAdmin/maria", early);
    schedule(&watch);
    let (_, near) = near(&watch, WEEK);
    assert!(near.summary.plain().contains("KeyAdmin/maria set the tag"));
}

#[test]
fn a_name_of_any_length_is_cut_in_the_profile_and_in_the_alert() {
    let watch = with_ledger(pending(&[(TAG, "CHG-123")], 60), &[]);
    tag(
        &watch,
        set("CHG-123"),
        &"x\"\n".repeat(2_000),
        "2026-11-18T10:00:00Z",
    );
    let first = schedule(&watch);
    let by = json!(first.details)["planned"]["by"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(by.chars().count() <= 81, "{by}");
    let items = ledger(&watch).items.borrow();
    let profile = &items[&(ARN.to_owned(), "profile".to_owned())];
    assert!(profile["plannedTag"].to_string().len() < 400);
}
