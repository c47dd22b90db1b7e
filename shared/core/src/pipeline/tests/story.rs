//! The life of a story: what opens it, what closes it, and who hears of the end.

use super::ledger::{at_time, deletion_of, ledger, subjects, with_ledger};
use super::*;
use crate::kinds::story::Status;
use crate::kinds::{
    GrantCreated, GrantRevoked, KeyDeletionCancelled, KeyDeletionNear, KeyDisabled, KeyEnabled,
    KeyMaterialExpired, KeyMaterialExpiring, KeyMaterialImported, KeyPolicyChanged,
};
use crate::ledger::Openings;

const FIRST: &str = "2026-11-20T08:00:00Z";
const SECOND: &str = "2026-11-20T09:00:00Z";
const THIRD: &str = "2026-11-20T10:00:00Z";

/// Tells of something that happened to the key, as a call of its own.
fn tell(watch: &FakeWatch, kind: impl Into<Kind>, when: &str) -> (Verdict, Alert) {
    let kind = kind.into();
    let call = format!("{} {when}", kind.name());
    let occurrence = Occurrence {
        // A countdown and an expiry have names of their own.
        ..at_time(kind, Some(&call), when)
    };
    let mut told = run(watch.tell(occurrence, &call)).unwrap();
    (told.verdict, told.alerts.remove(0))
}

fn near() -> KeyDeletionNear {
    KeyDeletionNear::new(at("2026-11-22T10:00:00Z"), &[7, 3, 1], at(SECOND))
}

fn people(watch: &FakeWatch) -> usize {
    subjects(watch).len()
}

#[test]
fn the_end_names_what_it_ends_and_has_the_same_name() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let (_, scheduled) = tell(&watch, KeyDeletionScheduled::default(), FIRST);
    let (_, near) = tell(&watch, near(), SECOND);
    let (_, cancelled) = tell(&watch, KeyDeletionCancelled::default(), THIRD);
    assert_eq!(scheduled.dedup_key, format!("{ARN}#deletion"));
    for (alert, status) in [
        (&scheduled, Status::Open),
        (&near, Status::Open),
        (&cancelled, Status::Closed),
    ] {
        assert_eq!(alert.dedup_key, scheduled.dedup_key);
        assert_eq!(alert.thread(), ARN);
        assert_eq!(alert.status, status, "{}", alert.kind);
    }
    assert_eq!(cancelled.resolves, [scheduled.id, near.id]);
    let words = "Closes the alert of 2026-11-20 08:00 UTC: \"Deletion of alias/payments scheduled\" (and 1 later one).";
    let summary = cancelled.summary.plain();
    assert!(summary.contains(words), "{summary}");
    // What is closed is closed once.
    let (_, again) = tell(
        &watch,
        KeyDeletionCancelled::default(),
        "2026-11-20T11:00:00Z",
    );
    assert_eq!((again.status, again.resolves.len()), (Status::Closed, 0));
    assert!(!again.summary.plain().contains("Closes the alert"));
}

#[test]
fn each_story_ends_with_its_own_end() {
    let material = |id: &str| Some(id.to_owned());
    let pairs: Vec<(Kind, Kind, bool)> = vec![
        (
            KeyDisabled::default().into(),
            KeyEnabled::default().into(),
            true,
        ),
        (
            KeyDisabled::default().into(),
            KeyDeletionCancelled::default().into(),
            false,
        ),
        (
            KeyDeletionScheduled::default().into(),
            KeyDeleted::default().into(),
            true,
        ),
        (
            KeyMaterialExpired {
                key_material_id: material("m1"),
            }
            .into(),
            KeyMaterialImported {
                key_material_id: material("m1"),
                ..Default::default()
            }
            .into(),
            true,
        ),
        (
            KeyMaterialExpired {
                key_material_id: material("m1"),
            }
            .into(),
            KeyMaterialImported {
                key_material_id: material("m2"),
                ..Default::default()
            }
            .into(),
            false,
        ),
        // What warned of the expiry did not know of which material.
        (
            KeyMaterialExpiring::of_date(at(THIRD), None, &[7], at(FIRST)).into(),
            KeyMaterialImported {
                key_material_id: material("m1"),
                ..Default::default()
            }
            .into(),
            true,
        ),
        (grant("a").into(), revoked("a").into(), true),
        (grant("a").into(), revoked("b").into(), false),
    ];
    for (opening, ending, ends) in pairs {
        let watch = with_ledger(FakeKms::default(), &[]);
        let names = format!("{} {}", opening.name(), ending.name());
        let (_, opened) = tell(&watch, opening, FIRST);
        let (_, ended) = tell(&watch, ending, SECOND);
        let expected = if ends { vec![opened.id] } else { Vec::new() };
        assert_eq!(ended.resolves, expected, "{names}");
        assert_eq!(ended.dedup_key == opened.dedup_key, ends, "{names}");
    }
}

fn grant(id: &str) -> GrantCreated {
    GrantCreated {
        grant_id: Some(Untrusted::new(id)),
        ..GrantCreated::default()
    }
}

fn revoked(id: &str) -> GrantRevoked {
    GrantRevoked {
        grant_id: Some(Untrusted::new(id)),
        ..GrantRevoked::default()
    }
}

#[test]
fn who_heard_of_the_beginning_hears_of_the_end_whatever_its_severity() {
    let high = || with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", "HIGH")]);
    let watch = high();
    tell(&watch, KeyDisabled::default(), FIRST);
    let (verdict, alert) = tell(&watch, KeyEnabled::default(), SECOND);
    assert_eq!(
        (verdict, alert.severity),
        (Verdict::Delivered, Severity::Low)
    );
    assert_eq!(people(&watch), 2);
    // Nobody heard of the beginning.
    let watch = high();
    tell(&watch, KeyEnabled::default(), SECOND);
    assert_eq!(people(&watch), 0);
    let watch = with_ledger(
        FakeKms::default(),
        &[
            ("MINIMUM_SEVERITY", "HIGH"),
            ("SEVERITY_OVERRIDES", "KeyDisabled=OFF"),
        ],
    );
    tell(&watch, KeyDisabled::default(), FIRST);
    let (_, alert) = tell(&watch, KeyEnabled::default(), SECOND);
    assert_eq!((people(&watch), alert.resolves.len()), (0, 1));
    // Whoever wants a kind on the feed only gets it there only.
    let watch = with_ledger(
        FakeKms::default(),
        &[("SEVERITY_OVERRIDES", "KeyEnabled=OFF")],
    );
    tell(&watch, KeyDisabled::default(), FIRST);
    tell(&watch, KeyEnabled::default(), SECOND);
    assert_eq!(people(&watch), 1);
}

#[test]
fn a_policy_that_is_put_right_closes_what_was_wrong_and_another_closes_nothing() {
    let statement = |principal: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:*","Resource":"*"}}"#
        )
    };
    let policy = |statements: &[String]| format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
    let own = statement("arn:aws:iam::111122223333:root");
    let stranger = statement("arn:aws:iam::444455556666:root");
    let watch = with_ledger(FakeKms::default(), &[]);
    let put = |text: &str, when: &str| {
        let kind = KeyPolicyChanged::asked_for(Some(text), false);
        tell(&watch, kind, when).1
    };
    let usual = put(&policy(std::slice::from_ref(&own)), "2026-11-20T07:00:00Z");
    assert_eq!((usual.status, usual.resolves.len()), (Status::Event, 0));
    let open = put(&policy(&[own.clone(), stranger.clone()]), FIRST);
    assert_eq!((open.severity, open.status), (Severity::High, Status::Open));
    let other = statement("arn:aws:iam::111122223333:role/x");
    let still = put(&policy(&[own.clone(), stranger, other.clone()]), SECOND);
    assert_eq!((still.status, still.resolves.len()), (Status::Event, 0));
    let closed = put(&policy(&[own, other]), THIRD);
    assert_eq!(
        (closed.status, closed.resolves),
        (Status::Closed, vec![open.id])
    );
}

#[test]
fn what_was_opened_again_meanwhile_stays_open() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let (_, first) = tell(&watch, KeyDeletionScheduled::default(), FIRST);
    let (_, second) = tell(&watch, KeyDeletionScheduled::default(), THIRD);
    let (_, late) = tell(&watch, KeyDeletionCancelled::default(), SECOND);
    assert_eq!((late.status, late.resolves), (Status::Open, vec![first.id]));
    let (_, end) = tell(
        &watch,
        KeyDeletionCancelled::default(),
        "2026-11-20T11:00:00Z",
    );
    assert_eq!(
        (end.status, end.resolves),
        (Status::Closed, vec![second.id])
    );
}

#[test]
fn without_a_ledger_nothing_is_resolved_and_nothing_fails() {
    let mut watch = watch(FakeKms::default(), &[]);
    for broken in [false, true] {
        if broken {
            watch.ledger = Some(FakeLedger::default());
            ledger(&watch)
                .error
                .replace(Some(CallError::new("ThrottlingException", "")));
        }
        let (_, opened) = tell(&watch, KeyDisabled::default(), FIRST);
        let (verdict, ended) = tell(&watch, KeyEnabled::default(), SECOND);
        assert_eq!(
            (verdict, ended.status),
            (Verdict::Delivered, Status::Closed)
        );
        assert_eq!(
            (ended.dedup_key, ended.resolves.len()),
            (opened.dedup_key, 0)
        );
    }
}

#[test]
fn a_forged_index_names_nothing_that_the_history_does_not_have() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let (_, other) = tell(&watch, KeyDeletionScheduled::default(), FIRST);
    let sort = format!("alert#{FIRST}#{}", other.id);
    let key = Openings::key(ARN, "disabled");
    let forged = [
        json!([sort]),
        json!([
            "alert#2026-11-20T08:00:00Z#00ff",
            "claim#x",
            "alert#2026-11-20T08:00:00Z#<b>"
        ]),
        json!("all"),
        json!({"a": 1}),
    ];
    for open in forged {
        let item = json!({"pk": ARN, "sk": key.sort, "open": open});
        let name = (key.partition.clone(), key.sort.clone());
        let Value::Object(item) = item else {
            unreachable!()
        };
        ledger(&watch).items.borrow_mut().insert(name, item);
        let when = format!(
            "2026-11-20T09:{:02}:00Z",
            ledger(&watch).sorts("alert#").len()
        );
        let (verdict, ended) = tell(&watch, KeyEnabled::default(), &when);
        assert_eq!((verdict, ended.resolves.len()), (Verdict::Delivered, 0));
        assert_eq!(ended.dedup_key, format!("{ARN}#disabled"));
    }
}

#[test]
fn the_ends_of_many_are_a_burst_as_their_beginnings_were() {
    let watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", "HIGH")]);
    for number in 0..12 {
        run(watch.tell(deletion_of(number, 0), "a")).unwrap();
    }
    let told = people(&watch);
    assert!(told < 12, "{told}");
    for number in 0..12 {
        let end = Occurrence {
            kind: KeyDeletionCancelled::default().into(),
            call_id: Some(format!("end {number}")),
            ..deletion_of(number, 60)
        };
        let ended = run(watch.tell(end, "b")).unwrap();
        assert_eq!(ended.alerts[0].resolves.len(), 1);
    }
    assert!(people(&watch) - told < 12, "{:?}", subjects(&watch));
}

#[test]
fn a_deletion_ends_its_countdown_and_closes_it_where_nothing_is_lost() {
    use crate::answers::Use;
    let created: Timestamp = at("2026-09-01T00:00:00Z");
    let tracked = |used: Option<Use>| LastUsage {
        used,
        tracked_since: Some(created),
        created_at: Some(created),
    };
    let used = Use {
        at: at("2026-11-10T00:00:00Z"),
        operation: None,
        event_id: None,
    };
    for (usage, status, words) in [
        (tracked(None), Status::Closed, "Closes the alert of"),
        (tracked(Some(used)), Status::Event, "Ends the alert of"),
    ] {
        let kms = FakeKms {
            last_usage: Ok(usage),
            ..FakeKms::default()
        };
        let watch = with_ledger(kms, &[]);
        let (_, scheduled) = tell(&watch, KeyDeletionScheduled::default(), FIRST);
        let (_, near) = tell(&watch, near(), SECOND);
        let (_, deleted) = tell(&watch, KeyDeleted::default(), THIRD);
        assert_eq!(deleted.status, status);
        assert_eq!(deleted.dedup_key, scheduled.dedup_key);
        assert_eq!(deleted.resolves, [scheduled.id, near.id]);
        let summary = deleted.summary.plain();
        assert!(summary.contains(words), "{summary}");
    }
}
