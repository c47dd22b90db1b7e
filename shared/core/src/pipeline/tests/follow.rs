//! What follows an alert, and that nothing of it can harm the alert.

use std::time::Duration;

use super::*;
use crate::decision::Decide;
use crate::fakes::FakeTrail;
use crate::kinds::KeyDeletionCancelled;
use crate::ledger::Profile;
use crate::pipeline::Following;

const NOW: &str = "2026-11-20T10:05:00Z";

type Followed = Following<FakeKms, FakeTopics, FakeLedger, FakeClock, FakeTrail>;

fn scheduled(event: &Event) -> Decision {
    let Event::Kms(event) = event else {
        return Decision::not_mine(event);
    };
    let mut occurrence = Occurrence::of_kms_event(event, KeyDeletionScheduled::default());
    let id = event.envelope.id.as_ref();
    occurrence.call_id = id.map(|id| id.as_str().to_owned());
    occurrence.into()
}

fn cancelled(event: &Event) -> Decision {
    match event {
        Event::Kms(event) => {
            Occurrence::of_kms_event(event, KeyDeletionCancelled::default()).into()
        }
        _ => Decision::not_mine(event),
    }
}

fn following(decide: Decide, trail: FakeTrail) -> Followed {
    let watch = FakeWatch {
        decide,
        ledger: Some(FakeLedger::default()),
        clock: FakeClock::at(NOW),
        ..watch(FakeKms::default(), &[("LEDGER_TABLE", "t")])
    };
    Following {
        watch,
        traces: trail,
    }
}

/// A trail with one use of the key, for an object in a bucket.
fn used() -> FakeTrail {
    let trail = FakeTrail::default();
    trail.records.borrow_mut().push(json!({
        "eventName": "GenerateDataKey", "eventTime": "2026-11-20T01:00:00Z", "eventID": "use",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "sessionContext":
            {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/AppServer"}}},
        "requestParameters": {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::acme-ledger"}},
        "resources": [{"ARN": ARN}],
    }));
    trail
}

fn handle(followed: &Followed, event: &Value, request: &str) -> Outcome {
    run(followed.handle(event, request, Some(Duration::from_secs(30)))).unwrap()
}

#[test]
fn what_breaks_follows_the_alert_once_and_is_remembered() {
    let followed = following(scheduled, used());
    let outcome = handle(&followed, &deletion(), "request");
    let kinds: Vec<_> = outcome.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, ["KeyDeletionScheduled", "DependantsFound"]);
    let [told, found] = &outcome.alerts[..] else {
        panic!();
    };
    assert!(told.dependants.is_none());
    assert_eq!(found.severity, told.severity);
    assert_eq!(json!(found.details)["follows"], told.id);
    assert_eq!(
        (&found.dedup_key, found.status),
        (&told.dedup_key, told.status)
    );
    assert_eq!(
        found.title.plain(),
        "What depends on alias/payments: 1 resource and 1 principal"
    );
    let dependants = found.dependants.as_ref().unwrap();
    assert_eq!(dependants.resources[0].id.as_str(), "acme-ledger");
    assert_eq!(topics_of(&followed.watch).len(), 6);
    let mail = followed.watch.topics.bodies(":people").remove(1);
    assert!(
        mail.contains("S3 bucket acme-ledger (AppServer, 9 hours ago)"),
        "{mail}"
    );
    assert!(mail.contains("cancel-key-deletion"), "{mail}");

    // Told again, the alert is a duplicate, and nothing follows it.
    let again = handle(&followed, &deletion(), "another");
    assert_eq!((again.verdict, again.alerts.len()), (Verdict::Duplicate, 0));

    // The next alert has it at once, and asks nobody.
    let mut later = deletion();
    later["id"] = "8aa".into();
    later["time"] = "2026-11-21T10:00:00Z".into();
    followed.watch.clock.set(at("2026-11-21T10:00:00Z"));
    followed.traces.asked.borrow_mut().clear();
    let outcome = handle(&followed, &later, "later");
    assert_eq!(outcome.alerts.len(), 1);
    let known = outcome.alerts[0].dependants.as_ref().unwrap();
    assert_eq!(known.resources[0].id.as_str(), "acme-ledger");
    assert!(followed.traces.asked.borrow().is_empty());
}

#[test]
fn what_adds_nothing_is_not_told() {
    // Nobody depends on it.
    let followed = following(scheduled, FakeTrail::default());
    assert_eq!(handle(&followed, &deletion(), "request").alerts.len(), 1);
    // It is old, and the same.
    let followed = following(scheduled, used());
    let first = handle(&followed, &deletion(), "request");
    let mut known = first.alerts[1].dependants.clone().unwrap();
    known.as_of = Some(at("2026-11-01T00:00:00Z"));
    let mut profile = Profile::default();
    profile.note_dependants(known);
    let followed = following(scheduled, used());
    let changes = Profile::default().changes(&profile, at(NOW));
    let ledger = followed.watch.ledger.as_ref().unwrap();
    run(crate::ports::Ledger::set(
        ledger,
        &Profile::key(ARN),
        &changes,
    ))
    .unwrap();
    let outcome = handle(&followed, &deletion(), "request");
    assert_eq!(outcome.alerts.len(), 1);
    assert!(outcome.alerts[0].dependants.is_some());
    assert!(!followed.traces.asked.borrow().is_empty());
}

#[test]
fn what_is_saved_is_followed_by_nothing() {
    let followed = following(cancelled, used());
    let outcome = handle(&followed, &deletion(), "request");
    assert_eq!(outcome.alerts.len(), 1);
    assert!(followed.traces.asked.borrow().is_empty());
}

#[test]
fn nothing_that_follows_can_harm_the_alert() {
    // Refused: the alert is out, and the invocation is done.
    let trail = used();
    trail.broken.set(true);
    let followed = following(scheduled, trail);
    assert_eq!(handle(&followed, &deletion(), "request").alerts.len(), 1);

    // Slow: the alert was out before, and the function ends in time.
    let trail = used();
    trail.delay.set(Duration::from_secs(600));
    let followed = following(scheduled, trail);
    run(async {
        let began = tokio::time::Instant::now();
        let left = Some(Duration::from_secs(30));
        let outcome = followed.handle(&deletion(), "request", left).await.unwrap();
        assert_eq!(outcome.alerts.len(), 1);
        assert!(
            began.elapsed() <= Duration::from_secs(13),
            "{:?}",
            began.elapsed()
        );
    });

    // Without time, nobody is asked.
    let followed = following(scheduled, used());
    let left = Some(Duration::from_secs(12));
    let outcome = run(followed.handle(&deletion(), "request", left)).unwrap();
    assert_eq!(outcome.alerts.len(), 1);
    assert!(followed.traces.asked.borrow().is_empty());
}

#[test]
fn what_follows_is_no_more_urgent_than_its_alert_and_never_critical() {
    let kms = FakeKms::used_at("2026-11-20T09:00:00Z");
    let followed = following(scheduled, used());
    let followed = Following {
        watch: FakeWatch {
            kms,
            ..followed.watch
        },
        ..followed
    };
    let outcome = handle(&followed, &deletion(), "request");
    let severities: Vec<_> = outcome.alerts.iter().map(|alert| alert.severity).collect();
    assert_eq!(severities, [Severity::Critical, Severity::High]);
}

/// Lets account 444455556666 in.
fn opened(event: &Event) -> Decision {
    let Event::Kms(event) = event else {
        return Decision::not_mine(event);
    };
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"kms:*","Resource":"*"}]}"#;
    Occurrence::of_kms_event(
        event,
        crate::kinds::KeyPolicyChanged::asked_for(Some(policy), false),
    )
    .into()
}

fn used_by(account: &str, time: &str) -> Value {
    json!({
        "eventName": "Decrypt", "eventTime": time, "eventID": format!("{account} {time}"),
        "userIdentity": {"type": "AWSAccount", "accountId": account, "principalId": "AROAEXAMPLE:s"},
        "resources": [{"ARN": ARN}],
    })
}

#[test]
fn foreign_access_is_followed_by_those_of_other_accounts_who_used_the_key() {
    let trail = used();
    trail
        .records
        .borrow_mut()
        .push(used_by("444455556666", "2026-11-20T10:02:00Z"));
    let followed = following(opened, trail);
    let outcome = handle(&followed, &deletion(), "request");
    let kinds: Vec<_> = outcome.alerts.iter().map(|alert| alert.kind).collect();
    assert_eq!(kinds, ["KeyPolicyChanged", "DependantsFound"]);
    let found = &outcome.alerts[1];
    assert_eq!(
        found.title.plain(),
        "alias/payments used by other accounts: 1 principal"
    );
    let strangers = found.dependants.as_ref().unwrap();
    assert!(strangers.resources.is_empty());
    let account = strangers.principals[0].account.as_ref();
    assert_eq!(account.unwrap().as_str(), "444455556666");
    let summary = found.summary.plain();
    assert!(
        summary.contains("1 of them used the key since the access"),
        "{summary}"
    );
    let mail = followed.watch.topics.bodies(":people").remove(1);
    assert!(mail.contains("USED BY OTHER ACCOUNTS"), "{mail}");
    assert!(mail.contains("put-key-policy"), "{mail}");
    // Everybody is remembered, not only they.
    let ledger = followed.watch.ledger.as_ref().unwrap();
    let items = ledger.items.borrow();
    let profile = Profile::read(&items[&(ARN.to_owned(), "profile".to_owned())]);
    assert!(!profile.dependants.unwrap().resources.is_empty());
}

#[test]
fn foreign_access_that_nobody_used_is_followed_by_nothing() {
    // Those of the account are no strangers.
    let followed = following(opened, used());
    let outcome = handle(&followed, &deletion(), "request");
    assert_eq!(outcome.alerts.len(), 1);
    assert!(outcome.alerts[0].dependants.is_none());
    assert!(!followed.traces.asked.borrow().is_empty());
}

/// The environment ends while the sources are slow: people know, and the next try tells nobody again.
#[test]
fn who_dies_between_the_alert_and_what_follows_has_told_it_once() {
    let trail = used();
    trail.delay.set(Duration::from_secs(30));
    let followed = following(scheduled, trail);
    run(async {
        let left = Some(Duration::from_secs(30));
        let event = deletion();
        let handled = followed.handle(&event, "request", left);
        let died = tokio::time::timeout(Duration::from_secs(1), handled).await;
        assert!(died.is_err());
    });
    assert_eq!(topics_of(&followed.watch).len(), 3);
    followed.traces.delay.set(Duration::ZERO);
    let again = handle(&followed, &deletion(), "request");
    assert_eq!(again.verdict, Verdict::Duplicate);
    assert_eq!(topics_of(&followed.watch).len(), 3);
}
