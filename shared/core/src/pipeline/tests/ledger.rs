//! The pipeline with its ledger.

use futures_util::future::join_all;

use super::*;
use crate::actor::Actor;
use crate::enrichment::EnrichmentSource;
use crate::kinds::{AliasCreated, KeyDeletionCancelled, KeyMaterialExpired, KeyRotationRequested};
use crate::ledger::{Claim, Item, ItemKey, Profile};

const ACCOUNT: &str = "account#111122223333#us-east-1";

pub(super) fn with_ledger(kms: FakeKms, variables: &[(&str, &str)]) -> FakeWatch {
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(kms, variables)
    }
}

pub(super) fn ledger(watch: &FakeWatch) -> &FakeLedger {
    watch.ledger.as_ref().unwrap()
}

pub(super) fn at_time(kind: impl Into<Kind>, call: Option<&str>, when: &str) -> Occurrence {
    Occurrence {
        occurred_at: Some(at(when)),
        ..occurrence(kind, call)
    }
}

fn scheduled() -> KeyDeletionScheduled {
    KeyDeletionScheduled {
        pending_window_days: Some(30),
        ..KeyDeletionScheduled::default()
    }
}

pub(super) fn rotated(material: Option<&str>) -> KeyRotated {
    KeyRotated {
        current_key_material_id: material.map(str::to_owned),
        ..KeyRotated::default()
    }
}

fn expired(material: Option<&str>) -> KeyMaterialExpired {
    KeyMaterialExpired {
        key_material_id: material.map(str::to_owned),
    }
}

/// A scheduled deletion of key number `number` by Maria, `seconds` after noon.
pub(super) fn deletion_of(number: usize, seconds: i64) -> Occurrence {
    let key = format!("arn:aws:kms:us-east-1:111122223333:key/{number:08}");
    let maria = Actor {
        arn: Some(Untrusted::new(
            "arn:aws:sts::111122223333:assumed-role/Power/maria",
        )),
        name: Untrusted::new("Power/maria"),
        ..Actor::unknown()
    };
    Occurrence {
        subject: Subject::Key(key.parse().unwrap()),
        occurred_at: Some(at("2026-11-20T12:00:00Z") + jiff::SignedDuration::from_secs(seconds)),
        actor: Some(maria),
        ..occurrence(scheduled(), Some(&format!("call {number}")))
    }
}

/// How many messages each topic has got: people, chat, feed.
fn counts(watch: &FakeWatch) -> [usize; 3] {
    let topics = topics_of(watch);
    ["people", "chat", "feed"].map(|name| topics.iter().filter(|topic| *topic == name).count())
}

/// Subjects of the mails that people have got.
pub(super) fn subjects(watch: &FakeWatch) -> Vec<String> {
    let sent = watch.topics.sent.borrow();
    sent.iter()
        .filter_map(|message| message.subject.clone())
        .collect()
}

fn verdict(told: Result<Told, Failure>) -> Verdict {
    told.unwrap().verdict
}

fn denied() -> FakeKms {
    FakeKms::failing("AccessDeniedException", "no")
}

fn key_is_gone() -> FakeKms {
    FakeKms::failing("NotFoundException", "Key does not exist")
}

#[test]
fn tellings_of_one_occurrence_give_one_alert() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let tellings = [
        (
            rotated(Some("m1")),
            None,
            "2026-11-20T10:00:00Z",
            Verdict::Delivered,
        ),
        (
            rotated(Some("m1")),
            Some("event"),
            "2026-11-20T10:00:03Z",
            Verdict::Duplicate,
        ),
        (
            rotated(Some("m1")),
            None,
            "2026-11-20T10:00:00Z",
            Verdict::Duplicate,
        ),
        (
            rotated(Some("m2")),
            None,
            "2026-11-20T10:05:00Z",
            Verdict::Delivered,
        ),
    ];
    for (kind, call, when, expected) in tellings {
        let told = run(watch.tell(at_time(kind, call, when), "request")).unwrap();
        assert_eq!(told.verdict, expected, "{when}");
        assert_eq!(told.alerts.is_empty(), expected == Verdict::Duplicate);
        assert_eq!(told.reason.is_some(), expected == Verdict::Duplicate);
    }
    assert_eq!(counts(&watch), [2, 2, 2]);
}

#[test]
fn the_same_again_on_another_day_is_another_occurrence() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for (when, expected) in [
        ("2026-01-10T10:00:00Z", Verdict::Delivered),
        ("2026-01-11T10:00:00Z", Verdict::Duplicate),
        // Imported again, and expired again.
        ("2026-03-10T10:00:00Z", Verdict::Delivered),
        ("2026-03-10T10:00:05Z", Verdict::Duplicate),
        // A copy of the first one that was late.
        ("2026-01-10T10:00:00Z", Verdict::Duplicate),
    ] {
        let told = run(watch.tell(at_time(expired(Some("m1")), None, when), "request"));
        assert_eq!(verdict(told), expected, "{when}");
    }
}

/// KMS lists one material, rotated at this time.
fn lists(
    id: &str,
    rotated_at: Option<&str>,
    valid_to: Option<&str>,
    imported: Option<bool>,
) -> FakeKms {
    let material = Material {
        id: Some(id.to_owned()),
        state: None,
        imported,
        valid_to: valid_to.map(at),
        rotated_at: rotated_at.map(at),
    };
    FakeKms {
        materials: Ok(vec![material]),
        ..FakeKms::default()
    }
}

#[test]
fn a_telling_in_the_old_form_meets_one_in_the_new_form_through_kms() {
    let then = "2026-11-20T10:00:00Z";
    let cases = [
        (
            lists("m1", Some("2026-11-20T09:59:58Z"), None, None),
            Kind::from(rotated(None)),
            Kind::from(rotated(Some("m1"))),
        ),
        (
            lists("m1", None, Some(then), Some(false)),
            expired(None).into(),
            expired(Some("m1")).into(),
        ),
        (
            lists("m1", None, None, Some(false)),
            expired(None).into(),
            expired(Some("m1")).into(),
        ),
    ];
    for (kms, old, new) in cases {
        for (first, second) in [(old.clone(), new.clone()), (new, old)] {
            let watch = with_ledger(kms.clone(), &[]);
            let told = run(watch.tell(at_time(first, None, then), "a")).unwrap();
            assert_eq!(told.verdict, Verdict::Delivered);
            assert!(json!(told.alerts[0].details).to_string().contains("\"m1\""));
            assert_eq!(
                verdict(run(watch.tell(at_time(second, None, then), "b"))),
                Verdict::Duplicate
            );
        }
    }
}

#[test]
fn what_kms_lists_of_another_time_is_not_taken_for_this_one() {
    for (kms, kind) in [
        (
            lists("m1", Some("2026-11-20T08:59:59Z"), None, None),
            Kind::from(rotated(None)),
        ),
        (
            lists("m1", None, Some("2026-11-20T10:00:00Z"), Some(true)),
            expired(None).into(),
        ),
    ] {
        let watch = with_ledger(kms, &[]);
        let alert = run(watch.tell(at_time(kind, None, "2026-11-20T10:00:00Z"), "a"))
            .unwrap()
            .alerts
            .remove(0);
        assert!(
            !json!(alert.details).to_string().contains("m1"),
            "{:?}",
            alert.details
        );
    }
}

#[test]
fn a_telling_in_the_old_form_meets_one_in_the_new_form_without_kms_too() {
    for kind in [
        (|material| Kind::from(rotated(material))) as fn(Option<&str>) -> Kind,
        |material| expired(material).into(),
    ] {
        for (first, second, third) in [(None, Some("m1"), Some("m1")), (Some("m1"), None, None)] {
            let watch = with_ledger(denied(), &[]);
            for (material, when, expected) in [
                (first, "2026-11-20T10:00:00Z", Verdict::Delivered),
                (second, "2026-11-20T09:59:40Z", Verdict::Duplicate),
                (third, "2026-11-20T10:00:40Z", Verdict::Duplicate),
                // Another one, ten minutes later, and one two hours later.
                (Some("m3"), "2026-11-20T10:10:00Z", Verdict::Delivered),
                (Some("m2"), "2026-11-20T12:00:00Z", Verdict::Delivered),
            ] {
                let told = run(watch.tell(at_time(kind(material), None, when), "request"));
                assert_eq!(verdict(told), expected, "{material:?} {when}");
            }
        }
    }
}

#[test]
fn an_expiry_without_its_material_is_named_by_the_profile() {
    let mut watch = with_ledger(
        lists("m1", None, Some("2026-11-20T10:00:00Z"), Some(true)),
        &[],
    );
    run(watch.tell(
        at_time(
            KeyRotationRequested::default(),
            Some("c"),
            "2026-11-01T10:00:00Z",
        ),
        "a",
    ))
    .unwrap();
    watch.kms = denied();
    let told = run(watch.tell(at_time(expired(None), None, "2026-11-20T10:00:30Z"), "b")).unwrap();
    assert_eq!(
        json!(told.alerts[0].details),
        json!({"keyMaterialId": "m1"})
    );
}

#[test]
fn a_material_that_was_away_before_is_not_the_one_that_expired() {
    let material = |id: &str, imported: bool, valid_to: Option<&str>| Material {
        id: Some(id.to_owned()),
        imported: Some(imported),
        valid_to: valid_to.map(at),
        ..Material::default()
    };
    let then = "2026-11-20T10:00:00Z";
    let mut watch = with_ledger(FakeKms::default(), &[]);
    let deleted = material("deleted", false, None);
    watch.kms.materials = Ok(vec![deleted.clone(), material("waiting", true, Some(then))]);
    let rotation = at_time(
        KeyRotationRequested::default(),
        Some("c"),
        "2026-11-01T10:00:00Z",
    );
    run(watch.tell(rotation, "a")).unwrap();
    // What expires before it was ever current is no longer listed.
    watch.kms.materials = Ok(vec![deleted]);
    let told = run(watch.tell(at_time(expired(None), None, then), "b")).unwrap();
    assert_eq!(
        json!(told.alerts[0].details),
        json!({"keyMaterialId": "waiting"})
    );
    let twin = run(watch.tell(at_time(expired(Some("waiting")), None, then), "c"));
    assert_eq!(verdict(twin), Verdict::Duplicate);
}

#[test]
fn an_obituary_names_the_key_after_kms_forgot_it() {
    let mut watch = with_ledger(FakeKms::used_at("2026-11-19T10:00:00Z"), &[]);
    let maria = deletion_of(1, 0).actor;
    let schedule = Occurrence {
        actor: maria,
        ..at_time(scheduled(), Some("call"), "2026-11-20T10:00:00Z")
    };
    run(watch.tell(schedule, "a")).unwrap();
    watch.kms = key_is_gone();
    let deleted = || at_time(KeyDeleted::default(), None, "2026-12-20T10:00:00Z");
    let alert = run(watch.tell(deleted(), "b")).unwrap().alerts.remove(0);
    let key = json!(alert.key);
    assert_eq!(
        [
            &key["aliases"][0],
            &key["owner"],
            &key["description"],
            &key["createdAt"],
            &key["state"]
        ],
        [
            &json!("alias/payments"),
            &json!("team-pay"),
            &json!("orders database"),
            &json!("2024-01-02T03:04:05Z"),
            &json!(null)
        ]
    );
    assert_eq!(key["lastUse"]["at"], "2026-11-19T10:00:00Z");
    assert_eq!(key["lastUse"]["asOf"], "2026-11-20T12:00:00Z");
    assert_eq!(alert.severity, Severity::Critical);
    assert_eq!(
        json!(alert.details),
        json!({"scheduledBy": "Power/maria", "scheduledAt": "2026-11-20T10:00:00Z"})
    );
    assert_eq!(
        (
            alert.enrichment.status,
            alert.enrichment.source,
            alert.enrichment.as_of
        ),
        (
            EnrichmentStatus::Complete,
            EnrichmentSource::Ledger,
            Some(at("2026-11-20T12:00:00Z"))
        )
    );
    let summary = alert.summary.plain();
    assert!(
        summary.contains("Power/maria scheduled the deletion on 2026-11-20 10:00 UTC"),
        "{summary}"
    );
    assert!(
        summary.contains("created on 2024-01-02, 1083 days before"),
        "{summary}"
    );

    // Somebody else has no such memory, and says so.
    let stranger = with_ledger(key_is_gone(), &[]);
    let alert = run(stranger.tell(deleted(), "b")).unwrap().alerts.remove(0);
    assert!(
        alert.summary.plain().contains("has no record of the key"),
        "{}",
        alert.summary.plain()
    );
    assert_eq!(alert.enrichment.status, EnrichmentStatus::Unavailable);
}

#[test]
fn a_cancelled_deletion_is_no_part_of_a_later_obituary() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let tell = |kind: Kind, call: &str, when: &str| {
        verdict(run(watch.tell(at_time(kind, Some(call), when), "request")))
    };
    tell(scheduled().into(), "1", "2026-11-01T10:00:00Z");
    // Told in the wrong order.
    tell(
        KeyDeletionCancelled::default().into(),
        "3",
        "2026-11-03T10:00:00Z",
    );
    tell(scheduled().into(), "2", "2026-11-02T10:00:00Z");
    let profile = || Profile::read(&ledger(&watch).get(ARN, "profile").unwrap());
    assert_eq!(profile().scheduled, None);
    tell(scheduled().into(), "4", "2026-11-04T10:00:00Z");
    assert_eq!(profile().scheduled.unwrap().at, at("2026-11-04T10:00:00Z"));
}

#[test]
fn a_denied_call_erases_nothing_that_was_known() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    run(watch.tell(occurrence(scheduled(), Some("1")), "a")).unwrap();
    watch.kms = FakeKms {
        metadata: denied().metadata,
        tags: denied().tags,
        aliases: Ok(vec![Untrusted::new("alias/moved")]),
        ..FakeKms::default()
    };
    for call in ["2", "3"] {
        let alert = run(watch.tell(occurrence(scheduled(), Some(call)), "b"))
            .unwrap()
            .alerts
            .remove(0);
        let key = json!(alert.key);
        assert_eq!(
            [&key["owner"], &key["aliases"][0], &key["state"]],
            ["team-pay", "alias/moved", "Enabled"]
        );
        let missing: Vec<_> = alert
            .enrichment
            .missing
            .iter()
            .map(|missing| missing.fact)
            .collect();
        assert_eq!(missing, ["metadata", "tags"]);
        assert_eq!(
            (alert.enrichment.status, alert.enrichment.source),
            (EnrichmentStatus::Partial, EnrichmentSource::Ledger)
        );
    }
}

#[test]
fn a_profile_is_written_only_when_something_changed() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let writes = || {
        ledger(&watch)
            .calls
            .borrow()
            .get("set")
            .copied()
            .unwrap_or(0)
    };
    for (call, expected) in [("1", 1), ("2", 1), ("3", 1)] {
        run(watch.tell(occurrence(KeyRotationRequested::default(), Some(call)), "a")).unwrap();
        assert_eq!(writes(), expected, "call {call}");
    }
}

#[test]
fn an_alert_costs_at_most_four_writes_and_two_reads() {
    let watch = with_ledger(FakeKms::default(), &[]);
    run(watch.tell(deletion_of(1, 0), "a")).unwrap();
    run(watch.tell(at_time(rotated(None), None, "2026-11-20T10:00:00Z"), "a")).unwrap();
    let calls = ledger(&watch).calls.borrow().clone();
    let expected = [
        ("claim", 2),
        ("count", 2),
        ("put", 2),
        ("read", 2),
        ("set", 2),
    ];
    assert_eq!(calls, expected.into_iter().collect());
}

#[test]
fn a_retry_serves_only_the_topics_that_are_owed() {
    let watch = with_ledger(FakeKms::default(), &[]);
    *watch.topics.broken.borrow_mut() = vec!["chat"];
    let failure = run(watch.tell(occurrence(scheduled(), Some("1")), "request")).unwrap_err();
    assert!(matches!(failure, Failure::NotPublished(_)));
    assert_eq!(counts(&watch), [1, 0, 1]);
    *watch.topics.broken.borrow_mut() = vec![];
    let told = run(watch.tell(occurrence(scheduled(), Some("1")), "request"));
    assert_eq!(
        (verdict(told), counts(&watch)),
        (Verdict::Delivered, [1, 1, 1])
    );
    // Any other invocation may go on as well.
    let told = run(watch.tell(occurrence(scheduled(), Some("1")), "another"));
    assert_eq!(
        (verdict(told), counts(&watch)),
        (Verdict::Duplicate, [1, 1, 1])
    );
}

/// Puts a claim into the ledger that an invocation `owner` left when it died, `seconds` ago.
fn abandoned(watch: &FakeWatch, owner: &str, seconds: i64) {
    let occurrence = occurrence(scheduled(), Some("1"));
    let key = ItemKey::new(ARN, format!("claim#{}", occurrence.identity()));
    let then = FakeClock::default().now() - jiff::SignedDuration::from_secs(seconds);
    let claim = Claim::new(key, owner, at("2026-11-20T10:00:00Z"), then);
    run(crate::ports::Ledger::put(ledger(watch), &[claim.item()])).unwrap();
}

#[test]
fn an_abandoned_claim_swallows_nothing() {
    for (owner, seconds, delivered) in [
        // Lambda tries again, under the same id.
        ("request", 0, true),
        // Another invocation, while the first may be at work; and when its lease has run out.
        ("another", 49, false),
        ("another", 50, true),
    ] {
        let watch = with_ledger(FakeKms::default(), &[]);
        abandoned(&watch, owner, seconds);
        let told = run(watch.tell(occurrence(scheduled(), Some("1")), "request"));
        match told {
            Ok(told) => assert_eq!(told.verdict, Verdict::Delivered),
            Err(failure) => assert!(matches!(failure, Failure::Held(_)), "{failure}"),
        }
        assert_eq!(
            counts(&watch)[0],
            usize::from(delivered),
            "{owner} {seconds}"
        );
    }
}

#[test]
fn a_held_occurrence_fails_the_invocation() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let event = deletion();
    let key = ItemKey::new(ARN, "claim#KeyDeleted");
    let claim = Claim::new(
        key,
        "another",
        at("2026-11-20T10:00:00Z"),
        FakeClock::default().now(),
    );
    run(crate::ports::Ledger::put(ledger(&watch), &[claim.item()])).unwrap();
    let error = run(watch.handle(&event, "request")).unwrap_err();
    assert_eq!(error.kind(), "OccurrenceHeld");
    assert_eq!(
        error.to_string(),
        "failed to tell 1 of 1 occurrences: another invocation is about to tell of this KeyDeleted"
    );
}

#[test]
fn fifty_at_once_give_one_alert() {
    let watch = with_ledger(
        FakeKms {
            delay: Duration::from_millis(30),
            ..FakeKms::default()
        },
        &[],
    );
    let tellings = (0..50).map(|number| {
        let (watch, call) = (&watch, format!("{number}"));
        async move {
            let kind = rotated(Some("m1"));
            watch
                .tell(at_time(kind, Some(&call), "2026-11-20T10:00:00Z"), &call)
                .await
        }
    });
    let verdicts: Vec<_> = run(join_all(tellings)).into_iter().map(verdict).collect();
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Delivered)
            .count(),
        1
    );
    assert_eq!(
        verdicts
            .iter()
            .filter(|verdict| **verdict == Verdict::Duplicate)
            .count(),
        49
    );
    assert_eq!(counts(&watch), [1, 1, 1]);
}

#[test]
fn every_failure_of_the_ledger_leaves_the_alert_alone_but_for_a_mark() {
    for code in [
        "ResourceNotFoundException",
        "AccessDeniedException",
        "ThrottlingException",
        "InternalServerError",
    ] {
        let watch = with_ledger(FakeKms::default(), &[]);
        *ledger(&watch).error.borrow_mut() = Some(CallError::new(code, ""));
        for telling in 1..=2 {
            let told = run(watch.tell(deletion_of(1, 0), "request")).unwrap();
            let missing = &told.alerts[0].enrichment.missing;
            assert_eq!(
                (told.verdict, missing.len(), missing[0].fact),
                (Verdict::Delivered, 1, "ledger")
            );
            assert_eq!(missing[0].reason.as_str(), code);
            assert_eq!(told.alerts[0].enrichment.status, EnrichmentStatus::Partial);
            assert_eq!(counts(&watch), [telling; 3]);
        }
    }
}

#[test]
fn a_slow_ledger_costs_less_than_half_a_second_before_the_alert() {
    let watch = with_ledger(FakeKms::default(), &[]);
    ledger(&watch).delay.set(Duration::from_secs(60));
    let (published, ended) = run(async {
        let start = tokio::time::Instant::now();
        let told = watch.tell(deletion_of(1, 0), "request");
        tokio::pin!(told);
        while watch.topics.sent.borrow().is_empty() {
            let _ = tokio::time::timeout(Duration::from_millis(10), &mut told).await;
        }
        let published = start.elapsed();
        told.await.unwrap();
        (published, start.elapsed())
    });
    assert!(published < Duration::from_millis(500), "{published:?}");
    assert!(ended < Duration::from_millis(1_500), "{ended:?}");
}

#[test]
fn three_hundred_deletions_by_one_actor_are_five_mails_and_some_about_the_burst() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..300 {
        // All within the five minutes from noon on.
        let told = run(watch.tell(deletion_of(number, number as i64 / 2), "request")).unwrap();
        let expected = if number < 5 {
            Verdict::Delivered
        } else {
            Verdict::Suppressed
        };
        assert_eq!(told.verdict, expected, "{number}");
        assert_eq!(told.alerts[0].kind, "KeyDeletionScheduled");
    }
    let subjects = subjects(&watch);
    let steps: Vec<_> = subjects
        .iter()
        .filter(|subject| subject.contains("times"))
        .collect();
    assert_eq!(counts(&watch), [10, 10, 300]);
    for (subject, count) in steps.iter().zip(["6", "20", "50", "100", "200"]) {
        assert!(
            subject.starts_with(&format!(
                "HIGH: {count} times KeyDeletionScheduled, keys of team-pay, by Power/maria"
            )),
            "{subject}"
        );
    }
    let told = run(watch.tell(deletion_of(7, 3), "again")).unwrap();
    assert_eq!(told.verdict, Verdict::Duplicate);
}

#[test]
fn a_burst_names_its_keys_by_owner() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    let owned_by = |number: usize, owner: &str| FakeKms {
        aliases: Ok(vec![Untrusted::new(&format!("alias/{number}"))]),
        tags: Ok(Tags::from([(
            Untrusted::new("Owner"),
            Untrusted::new(owner),
        )])),
        ..FakeKms::default()
    };
    let mut bursts = Vec::new();
    for number in 1..=9 {
        watch.kms = owned_by(
            number,
            if number % 3 == 0 {
                ""
            } else if number % 3 == 1 {
                "team-a"
            } else {
                "team-b"
            },
        );
        let told = run(watch.tell(deletion_of(number, 0), "request")).unwrap();
        bursts.extend(told.alerts.into_iter().skip(1).map(|alert| (number, alert)));
    }
    let seen: Vec<_> = bursts
        .iter()
        .map(|(number, alert)| {
            let names: Vec<_> = json!(alert.details)["members"]
                .as_array()
                .unwrap()
                .iter()
                .map(|member| member["name"].as_str().unwrap().to_owned())
                .collect();
            (
                *number,
                alert.owner().map_or("", Untrusted::as_str).to_owned(),
                names.join(" "),
            )
        })
        .collect();
    let expected = [
        // At the sixth, everybody concerned.
        (6, "", "alias/3 alias/6"),
        (6, "team-a", "alias/1 alias/4"),
        (6, "team-b", "alias/2 alias/5"),
    ];
    assert_eq!(
        seen,
        expected.map(|(number, owner, names)| (number, owner.to_owned(), names.to_owned()))
    );
    let burst = &bursts[1].1;
    assert_eq!(
        render::attributes(burst)
            .into_iter()
            .collect::<BTreeMap<_, _>>()["owner"],
        "team-a"
    );
    let mail = render::people(burst);
    assert!(mail.contains("alias/1, alias/4"), "{mail}");
}

#[test]
fn an_owner_whose_keys_come_late_hears_of_a_burst_at_once() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    let mut told = Vec::new();
    for number in 1..=14 {
        if number == 10 {
            watch.kms.tags = Ok(Tags::from([(
                Untrusted::new("Owner"),
                Untrusted::new("team-late"),
            )]));
        }
        let alerts = run(watch.tell(deletion_of(number, 0), "request"))
            .unwrap()
            .alerts;
        let bursts = alerts.iter().skip(1);
        told.extend(bursts.map(|burst| (number, burst.owner().unwrap().as_str().to_owned())));
    }
    let expected = [(6, "team-pay"), (10, "team-late")];
    assert_eq!(
        told,
        expected.map(|(number, owner)| (number, owner.to_owned()))
    );
}

#[test]
fn the_feed_gets_every_alert_of_a_burst_and_no_burst() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..20 {
        run(watch.tell(deletion_of(number, 0), "request")).unwrap();
    }
    let sent = watch.topics.sent.borrow();
    let feed = sent
        .iter()
        .filter(|message| message.topic.as_str().ends_with("feed"));
    let kinds: Vec<_> = feed
        .map(|message| serde_json::from_str::<Value>(&message.body).unwrap()["kind"].clone())
        .collect();
    assert_eq!(kinds, vec![json!("KeyDeletionScheduled"); 20]);
}

#[test]
fn what_is_critical_is_folded_only_above_ten_a_second() {
    let watch = with_ledger(FakeKms::used_at("2026-11-20T11:00:00Z"), &[]);
    for number in 0..40 {
        run(watch.tell(deletion_of(number, 0), "request")).unwrap();
    }
    let singly = subjects(&watch)
        .iter()
        .filter(|subject| !subject.contains("times"))
        .count();
    // Five before anybody counted, ten in the second of the burst.
    assert_eq!(singly, 15);

    let watch = with_ledger(FakeKms::used_at("2026-11-20T11:00:00Z"), &[]);
    for number in 0..40 {
        let told = run(watch.tell(deletion_of(number, number as i64 / 10), "request"));
        assert_eq!(verdict(told), Verdict::Delivered, "{number}");
    }
}

#[test]
fn what_people_do_not_want_does_not_count() {
    let never = FakeKms {
        last_usage: Ok(LastUsage {
            created_at: Some(at("2026-05-01T00:00:00Z")),
            tracked_since: Some(at("2026-05-01T00:00:00Z")),
            used: None,
        }),
        ..FakeKms::default()
    };
    // Medium, where people want to hear of what is high.
    let mut watch = with_ledger(never, &[("MINIMUM_SEVERITY", "HIGH")]);
    for number in 0..50 {
        run(watch.tell(deletion_of(number, 0), "request")).unwrap();
    }
    assert_eq!(counts(&watch), [0, 0, 50]);
    watch.kms = FakeKms::default();
    for number in 50..55 {
        assert_eq!(
            verdict(run(watch.tell(deletion_of(number, 0), "request"))),
            Verdict::Delivered
        );
    }
    assert_eq!(
        verdict(run(watch.tell(deletion_of(55, 0), "request"))),
        Verdict::Suppressed
    );
}

#[test]
fn what_can_be_nothing_to_people_is_not_even_counted() {
    let watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", "MEDIUM")]);
    for number in 0..20 {
        let when = format!("2026-11-20T10:00:{number:02}Z");
        run(watch.tell(
            at_time(rotated(Some(&number.to_string())), None, &when),
            "request",
        ))
        .unwrap();
    }
    assert_eq!(counts(&watch), [0, 0, 20]);
    assert!(!ledger(&watch).calls.borrow().contains_key("count"));
}

#[test]
fn two_hundred_aliases_by_one_tool_are_a_burst_only_for_those_who_want_to_hear_of_aliases() {
    for (minimum, mails) in [("LOW", 0), ("INFO", 5 + 5)] {
        let watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", minimum)]);
        for number in 0..200 {
            let alias = Untrusted::new(&format!("alias/{number}"));
            let occurrence = Occurrence {
                kind: AliasCreated::new(alias).into(),
                ..deletion_of(number, number as i64 / 10)
            };
            run(watch.tell(occurrence, "request")).unwrap();
        }
        assert_eq!(counts(&watch), [mails, mails, 200], "{minimum}");
    }
}

#[test]
fn a_drip_goes_out_one_by_one_for_a_whole_day() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for minute in 0..300_usize {
        let told = run(watch.tell(deletion_of(minute, minute as i64 * 61), "request"));
        assert_eq!(verdict(told), Verdict::Delivered, "{minute}");
    }
}

#[test]
fn a_repeated_telling_does_not_count_twice() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for _ in 0..5 {
        for number in 0..5 {
            run(watch.tell(deletion_of(number, 0), "request")).unwrap();
        }
    }
    assert_eq!(counts(&watch), [5, 5, 5]);
    assert_eq!(
        verdict(run(watch.tell(deletion_of(5, 0), "request"))),
        Verdict::Suppressed
    );
}

#[test]
fn people_hear_of_unreadable_events_once_an_hour_and_the_feed_of_each() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let event = |number: usize, hour: usize| {
        json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": {"number": number},
               "time": format!("2026-11-20T{hour:02}:10:00Z")})
    };
    for (number, hour, expected) in [
        (1, 10, Verdict::Delivered),
        (1, 10, Verdict::Duplicate),
        (2, 10, Verdict::Suppressed),
        (3, 10, Verdict::Suppressed),
        (4, 11, Verdict::Delivered),
    ] {
        let outcome = run(watch.handle(&event(number, hour), "request")).unwrap();
        assert_eq!(outcome.verdict, expected, "{number} {hour}");
    }
    assert_eq!(counts(&watch), [2, 2, 4]);
}

/// Whoever sends one garbage event an hour must not hide that AWS changed the form of another; nor may garbage of ever new
/// forms fill a mailbox.
#[test]
fn garbage_of_one_shape_hides_none_of_another_and_fills_no_mailbox() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let event = |kind: &str, number: usize| {
        json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "time": "2026-11-20T10:10:00Z",
               "detail": {"eventName": kind, "number": number}})
    };
    let mut told = Vec::new();
    for (number, kind) in [
        "DeleteKey",
        "ScheduleKeyDeletion",
        "DeleteKey",
        "ScheduleKeyDeletion",
    ]
    .into_iter()
    .chain(["CancelKeyDeletion"])
    .enumerate()
    {
        let outcome = run(watch.handle(&event(kind, number), "request")).unwrap();
        told.push(outcome.verdict);
    }
    use Verdict::{Delivered, Suppressed};
    assert_eq!(
        told,
        [Delivered, Delivered, Suppressed, Suppressed, Delivered]
    );
    assert_eq!(counts(&watch), [3, 3, 5]);
    for number in 0..100 {
        run(watch.handle(&event(&format!("garbage {number}"), 0), "request")).unwrap();
    }
    assert_eq!(counts(&watch), [8, 8, 105]);
}

#[test]
fn history_keeps_what_was_told_in_the_order_in_which_it_happened() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for (call, when) in [("2", "2026-11-20T11:00:00Z"), ("1", "2026-11-20T10:00:00Z")] {
        run(watch.tell(at_time(scheduled(), Some(call), when), "request")).unwrap();
    }
    let entries = ledger(&watch).sorts("alert#");
    assert!(
        entries[0].starts_with("alert#2026-11-20T10:00:00Z#")
            && entries[1].starts_with("alert#2026-11-20T11:00:00Z#")
    );
    let entry = ledger(&watch).get(ARN, &entries[0]).unwrap();
    let alert = json!({
        "pk": ARN, "sk": entries[0], "alertId": entry["alertId"], "kind": "KeyDeletionScheduled", "severity": "HIGH",
        "title": "Deletion of alias/payments scheduled for 2026-12-20 10:00 UTC", "name": "alias/payments", "owner": "team-pay",
        "actor": "AWS KMS", "via": "KMS", "folded": false, "heard": "ALONE", "dedupKey": format!("{ARN}#deletion"), "occurredAt": "2026-11-20T10:00:00Z",
        "toldAt": "2026-11-20T12:00:00Z", "ttl": at("2027-12-25T12:00:00Z").as_second()
    });
    assert_eq!(Value::Object(entry), alert);
}

#[test]
fn no_item_comes_near_the_limit_of_its_size() {
    let long = |letter: &str| Untrusted::bounded(&letter.repeat(10_000), 8_192);
    let kms = FakeKms {
        metadata: Ok(Metadata {
            description: Some(long("\u{1F511}")),
            ..Metadata::default()
        }),
        aliases: Ok((0..50)
            .map(|number| Untrusted::new(&format!("alias/{number}{}", "\u{1F511}".repeat(250))))
            .collect()),
        tags: Ok((0..50)
            .map(|number| {
                (
                    Untrusted::new(&format!("{number}{}", "\u{1F511}".repeat(120))),
                    long("\u{1F512}").shortened(256),
                )
            })
            .collect()),
        materials: Ok(vec![
            Material {
                id: Some("a".repeat(64)),
                rotated_at: Some(FakeClock::default().now()),
                ..Material::default()
            };
            1_000
        ]),
        ..FakeKms::default()
    };
    let watch = with_ledger(kms, &[]);
    for number in 0..60 {
        run(watch.tell(deletion_of(number, 0), "request")).unwrap();
    }
    let largest = ledger(&watch)
        .items
        .borrow()
        .values()
        .map(|item: &Item| json!(item).to_string().len())
        .max();
    // DynamoDB takes 400 KB; a counter is written as a whole for each of its members.
    assert!(largest < Some(200_000), "{largest:?}");
    let counters = ledger(&watch).items.borrow();
    let counter = counters
        .iter()
        .filter(|((partition, sort), _)| partition == ACCOUNT && sort.starts_with("count#burst"));
    assert!(counter.map(|(_, item)| json!(item).to_string().len()).max() < Some(20_000));
}

#[test]
fn an_alias_that_kms_lists_twice_costs_no_mark() {
    let twice = vec![Untrusted::new("alias/payments"); 2];
    let kms = FakeKms {
        aliases: Ok(twice),
        ..FakeKms::default()
    };
    let watch = with_ledger(kms, &[]);
    let verdict = |told: Told| told.verdict;
    let telling = || run(watch.tell(deletion_of(1, 0), "request")).map(verdict);
    assert_eq!(telling().unwrap(), Verdict::Delivered);
    assert_eq!(telling().unwrap(), Verdict::Duplicate);
    assert_eq!(ledger(&watch).sorts("alias#"), ["alias#alias/payments"]);
}
