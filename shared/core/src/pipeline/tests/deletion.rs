//! Deletions in the light of what was done to the key before, and of what is not known.

use super::*;
use crate::actor::Actor;
use crate::alert::Alert;
use crate::kinds::{
    Burst, KeyDeletionCancelled, KeyDeletionNear, KeyDescriptionChanged, KeyDisabled, KeyEnabled,
    KeyPolicyChanged, UnusableKeyUsed,
};
use crate::ledger::Profile;
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

/// The ledger knows that a resource depends on the key.
fn remember(watch: &FakeWatch, named: crate::context::Named) {
    let mut findings = crate::dependants::Findings::default();
    findings.grant(&crate::answers::Grant {
        resource: Some(named),
        ..crate::answers::Grant::default()
    });
    let (before, now) = (Profile::default(), at("2026-11-19T00:00:00Z"));
    let mut after = before.clone();
    after.note_dependants(findings.into_dependants(now));
    let ledger = watch.ledger.as_ref().unwrap();
    let changes = before.changes(&after, now);
    run(crate::ports::Ledger::set(
        ledger,
        &Profile::key(ARN),
        &changes,
    ))
    .unwrap();
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
        "the key policy was changed 2 hours before",
        "The description was changed 3 hours before.",
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
        let many = alert.summary.plain().contains("at least 3 keys");
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
    assert!(
        summary.contains("The last replica was deleted"),
        "{summary}"
    );
    assert!(
        summary.contains("eve scheduled the deletion on 2026-11-10"),
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
        summary.contains("Who scheduled the deletion is not known"),
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

/// A key that KMS reports in this state, last used an hour before half past eleven.
fn in_use(state: State) -> FakeKms {
    FakeKms {
        metadata: Ok(Metadata {
            state: Some(state),
            spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
            usage: Some(Untrusted::new("ENCRYPT_DECRYPT")),
            ..Metadata::default()
        }),
        ..last_used(1)
    }
}

#[test]
fn the_clock_of_databases_runs_since_the_key_was_disabled() {
    // Disabled four days before: of the seven days, three are left.
    let watch = with_ledger(in_use(State::Disabled));
    let disabled = tell(
        &watch,
        ARN,
        KeyDisabled::default(),
        by("eve"),
        "2026-11-16T11:30:00Z",
    );
    let deadline = Some(at("2026-11-23T11:30:00Z"));
    assert_eq!(
        (disabled.undo_until, disabled.databases_until),
        (None, deadline)
    );
    // No database is known: the sentence is a general one.
    assert_eq!(disabled.data_deadline, None);
    assert!(
        (disabled.summary.plain()).contains("RDS and DynamoDB need a restore after 2026-11-23"),
        "{}",
        disabled.summary.plain()
    );
    let context = [("aws:rds:db-id", "db-7QK2ORDERS")].into_iter();
    remember(&watch, crate::context::resource(context).unwrap());
    let watch = FakeWatch {
        kms: in_use(State::PendingDeletion),
        ..watch
    };
    let alert = tell(
        &watch,
        ARN,
        scheduled("eve", 30),
        by("eve"),
        "2026-11-20T11:30:00Z",
    );
    assert_eq!(alert.undo_until, Some(at("2026-12-20T11:30:00Z")));
    assert_eq!(alert.data_deadline, deadline);
    let summary = alert.summary.plain();
    assert!(
        summary.contains("RDS instance db-7QK2ORDERS needs a restore after 2026-11-23 11:30 UTC"),
        "{summary}"
    );
    let lines = alert.dependants.unwrap().lines(alert.occurred_at);
    assert_eq!(lines[0].plain(), "RDS instance db-7QK2ORDERS (by a grant)");
    // A signing key protects no database.
    let mut signing = in_use(State::Disabled);
    if let Ok(metadata) = &mut signing.metadata {
        metadata.spec = Some(Untrusted::new("RSA_2048"));
        metadata.usage = Some(Untrusted::new("SIGN_VERIFY"));
    }
    let alert = tell(
        &with_ledger(signing),
        ARN,
        KeyDisabled::default(),
        by("eve"),
        "2026-11-20T11:30:00Z",
    );
    assert_eq!(alert.data_deadline, None);
    assert!(!alert.summary.plain().contains("RDS"));
}

#[test]
fn what_depended_on_a_key_is_named_when_the_key_is_deleted() {
    let watch = with_ledger(in_use(State::PendingDeletion));
    let context = [("aws:s3:arn", "arn:aws:s3:::acme-ledger/x")].into_iter();
    remember(&watch, crate::context::resource(context).unwrap());
    let deleted = crate::kinds::KeyDeleted::default();
    let alert = tell(&watch, ARN, deleted, by("AWS KMS"), "2026-12-20T11:30:00Z");
    let known = alert.dependants.unwrap();
    assert_eq!(known.resources[0].id.as_str(), "acme-ledger");
    let mail = watch.topics.bodies(":people").remove(0);
    assert!(
        mail.contains("WHAT DEPENDS ON IT\n  S3 bucket acme-ledger"),
        "{mail}"
    );
}

#[test]
fn of_two_dates_the_earlier_one_counts() {
    for (by_kms, expected, both) in [
        ("2026-12-20T11:30:00Z", "2026-12-20T11:30:00Z", false),
        ("2026-12-25T11:30:00Z", "2026-12-20T11:30:00Z", true),
        ("2026-12-15T11:30:00Z", "2026-12-15T11:30:00Z", true),
    ] {
        let mut kms = in_use(State::PendingDeletion);
        if let Ok(metadata) = &mut kms.metadata {
            metadata.deletion_at = Some(at(by_kms));
        }
        let alert = tell(
            &with_ledger(kms),
            ARN,
            scheduled("eve", 30),
            by("eve"),
            "2026-11-20T11:30:00Z",
        );
        assert_eq!(alert.undo_until, Some(at(expected)), "{by_kms}");
        let summary = alert.summary.plain();
        assert_eq!(
            summary.contains("act before the earlier one"),
            both,
            "{summary}"
        );
    }
}

#[test]
fn whoever_locked_the_key_is_asked_and_not_the_one_who_needs_it() {
    let watch = with_ledger(in_use(State::PendingDeletion));
    let time = "2026-11-20T11:30:00Z";
    tell(&watch, ARN, scheduled("eve", 30), by("eve"), time);
    let failed = UnusableKeyUsed {
        operation: Untrusted::new("Decrypt"),
        principal: Untrusted::new("app"),
        reason: Some(State::PendingDeletion),
        ..UnusableKeyUsed::default()
    };
    let alert = tell(&watch, ARN, failed, by("app"), "2026-11-21T11:30:00Z");
    let summary = alert.summary.plain();
    assert!(
        summary.contains("eve scheduled the deletion on 2026-11-20 11:30 UTC"),
        "{summary}"
    );
    let enable = alert.next_steps[1].text.plain();
    assert!(
        enable.contains("eve confirms") && !enable.contains("app"),
        "{enable}"
    );
    assert_eq!(alert.databases_until, Some(at("2026-11-27T11:30:00Z")));
    // The countdown remembers that somebody needed the key.
    let near = KeyDeletionNear::new(
        at("2026-12-20T11:30:00Z"),
        &[30],
        at("2026-11-22T11:30:00Z"),
    );
    let alert = tell(&watch, ARN, near, by("app"), "2026-11-22T11:30:00Z");
    assert_eq!(alert.severity, Severity::Critical);
    let summary = alert.summary.plain();
    assert!(
        summary.contains("app still needs the key: a call failed on 2026-11-21 11:30 UTC"),
        "{summary}"
    );
}

#[test]
fn a_key_that_kms_does_not_find_after_it_was_saved_is_urgent() {
    let gone = || FakeKms {
        metadata: Err(CallError::new("NotFoundException", "no such key")),
        ..FakeKms::default()
    };
    for kind in [
        Kind::from(KeyDeletionCancelled::default()),
        Kind::from(KeyEnabled::default()),
    ] {
        let alert = tell(
            &with_ledger(gone()),
            ARN,
            kind,
            by("bob"),
            "2026-11-20T11:30:00Z",
        );
        assert_eq!(alert.severity, Severity::High, "{}", alert.kind);
        let summary = alert.summary.plain();
        assert!(summary.contains("Check account and Region"), "{summary}");
    }
}
