//! Deletions in the light of what was done to the key before, and of what is not known.

use super::*;
use crate::actor::Actor;
use crate::alert::Alert;
use crate::kinds::{
    Burst, KeyDeletionCancelled, KeyDescriptionChanged, KeyDisabled, KeyPolicyChanged,
};
use crate::subject::Subject;

const OWN: &str = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;

fn with_ledger(kms: FakeKms) -> FakeWatch {
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(kms, &[("LEDGER_TABLE", "t")])
    }
}

fn by(principal: &str) -> Actor {
    Actor {
        principal: Untrusted::new(principal),
        name: Untrusted::new(principal),
        ..Actor::unknown()
    }
}

fn tell(watch: &FakeWatch, key: &str, kind: impl Into<Kind>, actor: Actor, time: &str) -> Alert {
    let call = format!("{time} {key}");
    let occurrence = Occurrence {
        subject: Subject::Key(key.parse().unwrap()),
        occurred_at: Some(at(time)),
        actor: Some(actor),
        ..occurrence(kind, Some(&call))
    };
    run(watch.tell(occurrence, &call)).unwrap().alerts.remove(0)
}

fn scheduled(principal: &str, window: u32) -> KeyDeletionScheduled {
    KeyDeletionScheduled {
        pending_window_days: Some(window),
        principal: Untrusted::new(principal),
        ..KeyDeletionScheduled::default()
    }
}

/// A key that was last used so many days before the twentieth of November.
fn last_used(days: i64) -> FakeKms {
    let at = at("2026-11-20T11:00:00Z") - jiff::SignedDuration::from_hours(24 * days);
    FakeKms {
        last_usage: Ok(LastUsage {
            used: Some(crate::answers::Use {
                at,
                operation: None,
                event_id: None,
            }),
            ..LastUsage::default()
        }),
        ..FakeKms::default()
    }
}

fn signs(alert: &Alert) -> Value {
    json!(alert.details)["signs"].clone()
}

#[test]
fn what_the_same_principal_did_before_speaks_for_intent() {
    let idle = || with_ledger(last_used(100));
    // Nothing before, and a person with time.
    let watch = idle();
    let alert = tell(
        &watch,
        ARN,
        scheduled("eve", 30),
        by("eve"),
        "2026-11-20T11:30:00Z",
    );
    assert_eq!(
        (alert.severity, signs(&alert)),
        (Severity::Medium, json!([]))
    );
    // The shortest waiting period alone is said, and does not count.
    let alert = tell(
        &idle(),
        ARN,
        scheduled("eve", 7),
        by("eve"),
        "2026-11-20T11:30:00Z",
    );
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(signs(&alert), json!(["SHORTEST_WAITING_PERIOD"]));

    for (principal, time, expected, severity) in [
        (
            "eve",
            "2026-11-20T11:20:00Z",
            json!(["SHORTEST_WAITING_PERIOD", "DISABLED_BEFORE"]),
            Severity::High,
        ),
        (
            "bob",
            "2026-11-20T11:20:00Z",
            json!(["SHORTEST_WAITING_PERIOD"]),
            Severity::Medium,
        ),
        (
            "eve",
            "2026-11-20T10:20:00Z",
            json!(["SHORTEST_WAITING_PERIOD"]),
            Severity::Medium,
        ),
    ] {
        let watch = idle();
        tell(&watch, ARN, KeyDisabled::default(), by(principal), time);
        let alert = tell(
            &watch,
            ARN,
            scheduled("eve", 7),
            by("eve"),
            "2026-11-20T11:30:00Z",
        );
        assert_eq!(
            (alert.severity, signs(&alert)),
            (severity, expected),
            "{principal} {time}"
        );
    }

    let watch = idle();
    let policy = KeyPolicyChanged::asked_for(Some(OWN), false);
    tell(&watch, ARN, policy, by("bob"), "2026-11-20T09:30:00Z");
    let description = KeyDescriptionChanged::to(Some(Untrusted::new("unused")));
    tell(&watch, ARN, description, by("eve"), "2026-11-20T08:30:00Z");
    let alert = tell(
        &watch,
        ARN,
        scheduled("eve", 30),
        by("eve"),
        "2026-11-20T11:30:00Z",
    );
    assert_eq!(
        (alert.severity, signs(&alert)),
        (Severity::High, json!(["POLICY_CHANGED_BEFORE"]))
    );
    let summary = alert.summary.plain();
    for sentence in [
        "Its key policy was changed 2 hours before.",
        "Its description was changed 3 hours before.",
    ] {
        assert!(summary.contains(sentence), "{summary}");
    }
}

#[test]
fn many_keys_within_an_hour_speak_for_intent() {
    let watch = with_ledger(last_used(100));
    for (n, principal, severity) in [
        (1, "eve", Severity::Medium),
        (2, "eve", Severity::Medium),
        (3, "bob", Severity::Medium),
        (4, "eve", Severity::High),
    ] {
        let key = format!("arn:aws:kms:us-east-1:111122223333:key/key-{n}");
        let time = format!("2026-11-20T11:{n}0:00Z");
        let alert = tell(&watch, &key, scheduled(principal, 30), by(principal), &time);
        assert_eq!(alert.severity, severity, "{n}");
        let many = alert.summary.plain().contains("one of at least 3 keys");
        assert_eq!(many, severity == Severity::High);
    }
}

#[test]
fn a_waiting_period_that_kms_begins_names_who_asked_for_it() {
    let watch = with_ledger(FakeKms::default());
    let waits = KeyDeletionScheduled {
        waits_for_replicas: true,
        ..scheduled("eve", 7)
    };
    tell(&watch, ARN, waits, by("eve"), "2026-11-10T11:30:00Z");
    let begun = KeyDeletionScheduled {
        principal: Untrusted::default(),
        ..scheduled("", 7)
    };
    let alert = tell(
        &watch,
        ARN,
        begun.clone(),
        Actor::kms(),
        "2026-11-20T11:30:00Z",
    );
    let summary = alert.summary.plain();
    assert!(summary.starts_with("The last replica of "), "{summary}");
    assert!(
        summary.contains("eve asked for that deletion on 2026-11-10"),
        "{summary}"
    );
    let details = json!(alert.details);
    assert_eq!(
        [&details["askedBy"], &details["askedAt"]],
        ["eve", "2026-11-10T11:30:00Z"]
    );

    let watch = with_ledger(FakeKms::default());
    let alert = tell(&watch, ARN, begun, Actor::kms(), "2026-11-20T11:30:00Z");
    let summary = alert.summary.plain();
    assert!(
        summary.contains("Who asked for the deletion is not known"),
        "{summary}"
    );
}

#[test]
fn who_makes_kms_refuse_to_say_makes_nothing_less_urgent() {
    let refused = |code: &str| FakeKms {
        last_usage: Err(CallError::new(code, "Rate exceeded")),
        ..FakeKms::default()
    };
    let time = "2026-11-20T11:30:00Z";
    for (code, scheduling, disabling) in [
        (
            "ThrottlingException",
            Severity::Critical,
            Severity::Critical,
        ),
        ("AccessDeniedException", Severity::High, Severity::High),
    ] {
        let alert = tell(
            &with_ledger(refused(code)),
            ARN,
            scheduled("eve", 30),
            by("eve"),
            time,
        );
        assert_eq!(alert.severity, scheduling, "{code}");
        let alert = tell(
            &with_ledger(refused(code)),
            ARN,
            KeyDisabled::default(),
            by("eve"),
            time,
        );
        assert_eq!(alert.severity, disabling, "{code}");
    }
    // What was asked a day ago is known.
    let watch = with_ledger(last_used(100));
    tell(&watch, ARN, KeyDisabled::default(), by("eve"), time);
    let watch = FakeWatch {
        kms: refused("ThrottlingException"),
        ..watch
    };
    let alert = tell(
        &watch,
        ARN,
        scheduled("bob", 30),
        by("bob"),
        "2026-11-20T11:50:00Z",
    );
    assert_eq!(alert.severity, Severity::Medium);
}

#[test]
fn a_key_that_is_saved_but_left_off_is_urgent_if_it_was_in_use() {
    let in_state = |state: State, kms: FakeKms| FakeKms {
        metadata: Ok(Metadata {
            state: Some(state),
            ..Metadata::default()
        }),
        ..kms
    };
    for (kms, severity) in [
        (in_state(State::Disabled, last_used(5)), Severity::High),
        (in_state(State::Enabled, last_used(5)), Severity::Low),
        (in_state(State::Disabled, last_used(100)), Severity::Low),
    ] {
        let watch = with_ledger(kms);
        let cancelled = KeyDeletionCancelled::default();
        let alert = tell(&watch, ARN, cancelled, by("bob"), "2026-11-20T11:30:00Z");
        assert_eq!(alert.severity, severity);
    }
    // It was in use until its deletion was scheduled, which is long ago.
    let watch = with_ledger(in_state(State::Disabled, last_used(40)));
    tell(
        &watch,
        ARN,
        scheduled("eve", 30),
        by("eve"),
        "2026-10-21T11:00:00Z",
    );
    let cancelled = KeyDeletionCancelled::default();
    let alert = tell(&watch, ARN, cancelled, by("bob"), "2026-11-20T10:30:00Z");
    assert_eq!(alert.severity, Severity::High);
}

#[test]
fn a_burst_of_what_takes_keys_away_is_high_at_least() {
    let burst = |of| Burst {
        of,
        count: 6,
        owner: None,
        members: Vec::new(),
        more: 0,
        since: at("2026-11-20T11:30:00Z"),
        event_name: None,
        series: String::new(),
        part: String::new(),
        rest: false,
        on_feed: true,
        severity: Severity::Medium,
    };
    for (of, severity) in [
        ("KeyDeletionScheduled", Severity::High),
        ("KeyDisabled", Severity::High),
        ("KeyMaterialDeleted", Severity::High),
        ("GrantRevoked", Severity::Medium),
    ] {
        assert_eq!(alert_about(burst(of)).severity, severity, "{of}");
    }
}
