//! What the sweep over all keys tells: deletions that come near, keys that are not there any more, rotations that did not
//! happen, key stores without a connection, and what an event should have told.

use super::*;
use crate::actor::Actor;
use crate::enrichment::EnrichmentSource;
use crate::key::{MultiRegion, MultiRegionType};
use crate::kinds::{
    KeyDeletionCancelled, KeyDeletionNear, KeyDisabled, KeyMaterialExpiring, KeyRotationOverdue,
    KeyStoreUnhealthy, KeyVanished,
};
use crate::ledger::Profile;
use crate::ledger::profile::{Dated, Scheduled};

const STORE: &str = "cks-7be1d290f5a3c846a";
/// When the sweep was.
const SWEPT: &str = "2026-11-20T10:00:00Z";
/// Three days later.
const DEADLINE: &str = "2026-11-23T10:00:00Z";

fn with_ledger(kms: FakeKms) -> FakeWatch {
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(kms, &[])
    }
}

/// Something that the sweep found, of which nobody knows who did it.
fn swept(kind: impl Into<Kind>) -> Occurrence {
    let mut found = Occurrence {
        actor: None,
        ..occurrence(kind, None)
    };
    found.source.via = Via::Sweep;
    found
}

fn in_store(kind: impl Into<Kind>) -> Occurrence {
    let (partition, account, region) = {
        let key: KeyArn = ARN.parse().unwrap();
        (
            key.partition().clone(),
            key.account().clone(),
            key.region().clone(),
        )
    };
    Occurrence {
        subject: Subject::KeyStore {
            partition,
            account,
            region,
            id: KeyStoreId::new(STORE).unwrap(),
        },
        ..swept(kind)
    }
}

fn report(watch: &FakeWatch, occurrence: Occurrence) -> Alert {
    let outcome = run(watch.report(occurrence, "request")).unwrap();
    assert_eq!(outcome.verdict, Verdict::Delivered);
    outcome.alerts.into_iter().next().unwrap()
}

/// The alert about what the sweep found, where KMS gives these answers and the ledger has this profile.
fn alert(kms: FakeKms, profile: &Profile, occurrence: Occurrence) -> Alert {
    let watch = with_ledger(kms);
    remember(&watch, &occurrence.subject, profile);
    report(&watch, occurrence)
}

fn remember(watch: &FakeWatch, subject: &Subject, profile: &Profile) {
    let changes = Profile::default().changes(profile, at("2026-11-19T10:00:00Z"));
    let key = Profile::key(&subject.partition_key());
    run(watch.ledger.as_ref().unwrap().set(&key, &changes)).unwrap();
}

fn remembered(watch: &FakeWatch, partition: &str) -> Profile {
    let ledger = watch.ledger.as_ref().unwrap();
    Profile::read(&ledger.get(partition, "profile").unwrap())
}

fn dated<T>(value: T) -> Option<Dated<T>> {
    Some(Dated {
        value,
        as_of: at("2026-11-19T10:00:00Z"),
    })
}

fn denied() -> FakeKms {
    FakeKms::failing("AccessDeniedException", "no")
}

fn gone() -> FakeKms {
    FakeKms::failing("NotFoundException", "Key does not exist")
}

fn in_state(state: State, kms: FakeKms) -> FakeKms {
    let metadata = Metadata {
        deletion_at: (state == State::PendingDeletion).then(|| at(DEADLINE)),
        state: Some(state),
        ..kms.metadata.clone().unwrap()
    };
    FakeKms {
        metadata: Ok(metadata),
        ..kms
    }
}

fn pending(kms: FakeKms) -> FakeKms {
    in_state(State::PendingDeletion, kms)
}

/// What the ledger has of the key: its names, and a deletion that Maria scheduled.
fn known() -> Profile {
    let kms = pending(FakeKms::default());
    Profile {
        metadata: dated(kms.metadata.unwrap()),
        aliases: dated(kms.aliases.unwrap()),
        tags: dated(kms.tags.unwrap()),
        scheduled: Some(Scheduled {
            by: Some(Untrusted::new("Power/maria")),
            at: at("2026-11-16T10:00:00Z"),
        }),
        ..Profile::default()
    }
}

fn never_used() -> FakeKms {
    FakeKms {
        last_usage: Ok(LastUsage {
            created_at: Some(at("2026-05-01T00:00:00Z")),
            tracked_since: Some(at("2026-05-01T00:00:00Z")),
            used: None,
        }),
        ..FakeKms::default()
    }
}

/// Last used nobody knows when, but not since then.
fn unused_since(tracked: &str) -> FakeKms {
    FakeKms {
        last_usage: Ok(LastUsage {
            created_at: Some(at("2020-05-01T00:00:00Z")),
            tracked_since: Some(at(tracked)),
            used: None,
        }),
        ..FakeKms::default()
    }
}

fn near(deadline: &str) -> Occurrence {
    swept(KeyDeletionNear::new(at(deadline), &[7, 3, 1], at(SWEPT)))
}

/// Title, summary and next steps, as people get them.
fn words(alert: &Alert) -> String {
    let body = render::people(alert);
    let end = ["\nKEY", "\nWHEN AND", "\n-- "]
        .iter()
        .filter_map(|heading| body.find(heading))
        .min();
    body[..end.unwrap()].trim_end().to_owned()
}

fn shown(alert: &Alert) -> String {
    // In one order, whatever order the whole workspace has for JSON.
    let details: BTreeMap<String, Value> = serde_json::from_value(json!(alert.details)).unwrap();
    format!("{}\n\n{}", words(alert), json!(details))
}

/// A name that would be a link, markup, a second line and the other way round.
const HOSTILE: &str = "alias/<!channel> `x` https://evil.example\r\nBcc: \u{202E}a";

fn hostile(kms: FakeKms) -> FakeKms {
    let metadata = kms.metadata.map(|metadata| Metadata {
        description: Some(Untrusted::new(HOSTILE)),
        ..metadata
    });
    FakeKms {
        metadata,
        aliases: Ok(vec![Untrusted::new(HOSTILE)]),
        ..kms
    }
}

/// No audience gets markup or a link of somebody else's making.
fn assert_harmless(alert: &Alert) {
    let (subject, body) = (render::subject(alert), render::people(alert));
    assert!(!subject.contains(['\n', '\r', '\u{202E}']), "{subject}");
    assert!(body.contains("https[:]//evil[.]example"), "{body}");
    assert!(!body.contains("evil.example") && !body.contains('\u{202E}'));
    let chat: Value = serde_json::from_str(&render::chat(alert).unwrap()).unwrap();
    for text in ["title", "description"].map(|name| chat["content"][name].as_str().unwrap()) {
        assert!(!text.contains(['<', '>', '\u{202E}']), "{text}");
        assert_eq!(text.matches('`').count() % 2, 0, "{text}");
    }
    for step in chat["content"]["nextSteps"].as_array().unwrap() {
        assert!(step.as_str().unwrap().chars().count() <= 350, "{step}");
    }
    let feed: Value = serde_json::from_str(&render::feed(alert).unwrap()).unwrap();
    assert_eq!(feed, json!(alert));
}

#[test]
fn a_near_deletion_is_the_more_urgent_the_less_is_left_and_if_the_key_was_used() {
    let used = |moment| FakeKms::used_at(moment);
    let unknown = || FakeKms {
        last_usage: Err(CallError::new("ThrottlingException", "")),
        ..FakeKms::default()
    };
    let (far, last_day, over) = (DEADLINE, "2026-11-21T10:00:00Z", "2026-11-20T09:00:00Z");
    for (kms, deadline, severity, used_since) in [
        (unknown(), far, Severity::High, None),
        (unknown(), "2026-11-21T10:00:01Z", Severity::High, None),
        (unknown(), last_day, Severity::Critical, None),
        (unknown(), over, Severity::Critical, None),
        // Scheduled on the 16th.
        (
            used("2026-11-16T10:00:00Z"),
            far,
            Severity::High,
            Some(false),
        ),
        (
            used("2026-11-16T10:00:01Z"),
            far,
            Severity::Critical,
            Some(true),
        ),
        (
            used("2026-11-16T10:00:00Z"),
            last_day,
            Severity::Critical,
            Some(false),
        ),
        (
            unused_since("2026-11-16T10:00:00Z"),
            far,
            Severity::High,
            Some(false),
        ),
        (
            unused_since("2026-11-16T10:00:01Z"),
            far,
            Severity::High,
            None,
        ),
        (never_used(), far, Severity::Medium, Some(false)),
        (never_used(), last_day, Severity::Medium, Some(false)),
        (never_used(), over, Severity::Medium, Some(false)),
    ] {
        let alert = alert(pending(kms), &known(), near(deadline));
        let details = json!(alert.details);
        assert_eq!(alert.severity, severity, "{deadline} {details}");
        assert_eq!(details["usedSinceScheduled"], json!(used_since));
    }
}

#[test]
fn without_the_time_of_scheduling_the_waiting_period_says_what_it_can() {
    for (used, used_since) in [
        // The shortest waiting period is 7 days, the longest 30.
        ("2026-11-16T10:00:01Z", Some(true)),
        ("2026-11-16T10:00:00Z", None),
        ("2026-10-24T10:00:01Z", None),
        ("2026-10-24T10:00:00Z", Some(false)),
    ] {
        let kms = pending(FakeKms::used_at(used));
        let alert = alert(kms, &Profile::default(), near(DEADLINE));
        let details = json!(alert.details);
        assert_eq!(details["usedSinceScheduled"], json!(used_since), "{used}");
        assert_eq!(details["scheduledAt"], Value::Null);
    }
}

#[test]
fn a_use_that_is_remembered_does_not_say_that_there_was_none_since() {
    let usage = |kms: FakeKms| Profile {
        last_use: dated(kms.last_usage.unwrap()),
        ..known()
    };
    let old = |kms: FakeKms, as_of| {
        let mut profile = usage(kms);
        profile.last_use.as_mut().unwrap().as_of = at(as_of);
        profile
    };
    let (before, after) = ("2026-11-15T10:00:00Z", "2026-11-19T10:00:00Z");
    for (profile, severity, used_since) in [
        (
            old(FakeKms::used_at("2026-11-17T10:00:00Z"), after),
            Severity::Critical,
            json!(true),
        ),
        (
            old(FakeKms::used_at("2026-11-01T10:00:00Z"), after),
            Severity::High,
            json!(null),
        ),
        (old(never_used(), after), Severity::Medium, json!(null)),
        (old(never_used(), before), Severity::High, json!(null)),
    ] {
        let alert = alert(denied(), &profile, near(DEADLINE));
        assert_eq!(alert.severity, severity, "{profile:?}");
        assert_eq!(json!(alert.details)["usedSinceScheduled"], used_since);
    }
}

#[test]
fn a_near_deletion_says_who_wanted_it_what_is_lost_and_how_to_undo_it() {
    let kms = pending(FakeKms::used_at("2026-11-18T10:00:00Z"));
    insta::assert_snapshot!(shown(&alert(kms, &known(), near(DEADLINE))), @r#"
    CRITICAL: Deletion of alias/payments due 2026-11-23 10:00 UTC, in 3 days

      Unless somebody cancels by 2026-11-23 10:00 UTC, everything encrypted under
      the key becomes permanently unrecoverable. Running volumes and databases may
      fail only at their next restart. Power/maria scheduled the deletion on
      2026-11-16 10:00 UTC. KMS recorded a use after the deletion was scheduled:
      something needs the key. The key was last used 2 days earlier (Decrypt).
      CRITICAL because somebody still needs the key.

      Until      2026-11-23 10:00 UTC
      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. Cancel the deletion, which leaves the key Disabled
         aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. When team-pay or Power/maria confirms that this is no incident response,
         enable the key
         aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1

    {"daysLeft":3,"deletionAt":"2026-11-23T10:00:00Z","planned":null,"scheduledAt":"2026-11-16T10:00:00Z","scheduledBy":"Power/maria","step":3,"usedSinceScheduled":true}
    "#);
    let kms = pending(FakeKms::used_at("2026-10-01T10:00:00Z"));
    insta::assert_snapshot!(words(&alert(kms, &known(), near("2026-11-21T09:00:00Z"))), @r#"
    CRITICAL: Deletion of alias/payments due 2026-11-21 09:00 UTC, within a day

      Unless somebody cancels by 2026-11-21 09:00 UTC, everything encrypted under
      the key becomes permanently unrecoverable. Running volumes and databases may
      fail only at their next restart. Power/maria scheduled the deletion on
      2026-11-16 10:00 UTC. KMS Watch saw no failed use since then; it sees one
      only if a trail logs read events. The key was last used 50 days earlier
      (Decrypt). CRITICAL because less than a day is left.

      Until      2026-11-21 09:00 UTC
      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. Unless the owner planned it, cancel the deletion; the key stays Disabled
         aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. When team-pay or Power/maria confirms that this is no incident response,
         enable the key
         aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    "#);
    let late = alert(
        pending(never_used()),
        &Profile::default(),
        near("2026-11-20T08:00:00Z"),
    );
    insta::assert_snapshot!(words(&late), @r#"
    MEDIUM: Deletion of alias/payments due since 2026-11-20 08:00 UTC: cancel now

      KMS deletes a key within 24 hours of its date, and this one still exists.
      Unless somebody cancels now, everything encrypted under the key becomes
      permanently unrecoverable. Who scheduled the deletion, and when, is not
      known. KMS Watch saw no failed use since then; it sees one only if a trail
      logs read events. The key was never used. MEDIUM because the key was never
      used.

      Until      2026-11-20 08:00 UTC
      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. Unless the owner planned it, cancel the deletion; the key stays Disabled
         aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. When team-pay confirms that this is no incident response, enable the key
         aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    "#);
}

#[test]
fn a_near_deletion_says_if_kms_says_otherwise_now_or_nothing() {
    let cancelled = in_state(State::Disabled, FakeKms::default());
    insta::assert_snapshot!(words(&alert(cancelled, &known(), near(DEADLINE))), @r#"
    HIGH: Deletion of alias/payments for 2026-11-23 10:00 UTC was cancelled

      KMS now reports the key as Disabled: somebody cancelled the deletion that
      was due 2026-11-23 10:00 UTC. Power/maria scheduled the deletion on
      2026-11-16 10:00 UTC. When the key was last used is not known. HIGH because
      the last use of the key is not known.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See the state of the key
         aws kms describe-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    "#);
    let gone = alert(gone(), &known(), near(DEADLINE));
    assert_eq!(gone.enrichment.source, EnrichmentSource::Ledger);
    insta::assert_snapshot!(words(&gone), @r#"
    HIGH: alias/payments not found by KMS; its deletion was due 2026-11-23 10:00
    UTC

      KMS does not find the key any more. If KMS deleted the key, everything
      encrypted under the key becomes permanently unrecoverable. Power/maria
      scheduled the deletion on 2026-11-16 10:00 UTC. HIGH because the last use of
      the key is not known.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    ------------------------------------------------------------
      KMS found nothing (GetKeyLastUsage). Shown as known on 2026-11-19.
    "#);
    insta::assert_snapshot!(words(&alert(denied(), &known(), near(DEADLINE))), @r#"
    HIGH: Deletion of alias/payments due 2026-11-23 10:00 UTC, in 3 days

      Unless somebody cancels by 2026-11-23 10:00 UTC, everything encrypted under
      the key becomes permanently unrecoverable. Running volumes and databases may
      fail only at their next restart. Power/maria scheduled the deletion on
      2026-11-16 10:00 UTC. KMS Watch saw no failed use since then; it sees one
      only if a trail logs read events. HIGH because the last use of the key is
      not known.

      Until      2026-11-23 10:00 UTC
      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. Unless the owner planned it, cancel the deletion; the key stays Disabled
         aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
      KMS refused DescribeKey, ListAliases, ListResourceTags, GetKeyLastUsage: the
      key policy does not let KMS Watch read this (deployment guide, blind spots).
      Shown as known on 2026-11-19.
    AND THEN
      2. When team-pay or Power/maria confirms that this is no incident response,
         enable the key
         aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    "#);
    insta::assert_snapshot!(words(&alert(denied(), &Profile::default(), near(DEADLINE))), @r#"
    HIGH: Deletion of key 5f0c1b7e due 2026-11-23 10:00 UTC, in 3 days

      Unless somebody cancels by 2026-11-23 10:00 UTC, everything that only this
      key can decrypt becomes permanently unrecoverable. Who scheduled the
      deletion, and when, is not known. KMS Watch saw no failed use since then; it
      sees one only if a trail logs read events. HIGH because the last use of the
      key is not known.

      Until      2026-11-23 10:00 UTC
      At         2026-11-20 10:00 UTC
      1. Unless the owner planned it, cancel the deletion; the key stays Disabled
         aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
      KMS refused DescribeKey, ListAliases, ListResourceTags, GetKeyLastUsage: the
      key policy does not let KMS Watch read this (deployment guide, blind spots).
      What is shown is what the event says.
    AND THEN
      2. When the owner of the key confirms that this is no incident response,
         enable the key
         aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    "#);
}

#[test]
fn a_countdown_that_was_told_is_remembered() {
    let watch = with_ledger(pending(FakeKms::default()));
    let mut found = near(DEADLINE);
    report(&watch, found.clone());
    let was_counted = |kind: &str, step| {
        let profile = remembered(&watch, ARN);
        profile.counted(kind, at(DEADLINE), step).is_some()
    };
    assert!(was_counted("KeyDeletionNear", 3) && !was_counted("KeyDeletionNear", 1));
    assert!(!was_counted("KeyMaterialExpiring", 3));
    let again = run(watch.report(found.clone(), "another")).unwrap();
    assert_eq!(
        (again.verdict, again.reason.as_deref()),
        (Verdict::Duplicate, Some("KeyDeletionNear was told before"))
    );
    // A day later the next step is another occurrence.
    let kind = KeyDeletionNear::new(at(DEADLINE), &[7, 3, 1], at("2026-11-22T10:00:00Z"));
    found.kind = kind.into();
    report(&watch, found);
    assert!(was_counted("KeyDeletionNear", 1));

    let expiring = KeyMaterialExpiring::of_date(at(DEADLINE), None, &[30, 7], at(SWEPT));
    report(&watch, swept(expiring));
    assert!(was_counted("KeyMaterialExpiring", 7) && !was_counted("KeyMaterialExpiring", 3));
}

#[test]
fn a_vanished_key_is_named_from_what_is_remembered() {
    let mut profile = Profile {
        scheduled: None,
        ..known()
    };
    let metadata = &mut profile.metadata.as_mut().unwrap().value;
    (metadata.state, metadata.deletion_at) = (Some(State::Enabled), None);
    let seen = Some(at("2026-11-19T22:00:00Z"));
    let alert_of =
        |kms, profile: &Profile, seen| alert(kms, profile, swept(KeyVanished::new(seen)));
    let alert = alert_of(gone(), &profile, seen);
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(render::attributes(&alert)[5], ("owner", "team-pay".into()));
    insta::assert_snapshot!(shown(&alert), @r#"
    HIGH: alias/payments is missing; last seen on 2026-11-19 22:00 UTC

      KMS does not find the key, and no event says why. If KMS deleted the key,
      everything encrypted under the key becomes permanently unrecoverable. Its
      last known state is Enabled. Either KMS deleted the key and its events did
      not arrive, or KMS lags and finds the key again soon. HIGH because no event
      explains it.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    ------------------------------------------------------------
      KMS found nothing (GetKeyLastUsage). Shown as known on 2026-11-19.
    AND THEN
      2. See which deletions were scheduled
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=ScheduleKeyDeletion --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
      3. See which keys KMS deleted
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteKey --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
      4. Restore what now fails with NotFoundException from copies under another
         key

    {"deletionAt":null,"lastSeenAt":"2026-11-19T22:00:00Z","lastState":"Enabled"}
    "#);
    // It was pending deletion; when it was seen last says the profile.
    let alert = alert_of(gone(), &known(), None);
    assert_eq!(
        json!(alert.details),
        json!({"lastSeenAt": "2026-11-19T10:00:00Z", "lastState": "PendingDeletion", "deletionAt": DEADLINE})
    );
    let summary = alert.summary.plain();
    assert!(
        summary.contains("Its deletion was due 2026-11-23 10:00 UTC."),
        "{summary}"
    );
    insta::assert_snapshot!(words(&alert_of(gone(), &Profile::default(), None)), @r#"
    HIGH: key 5f0c1b7e is missing

      KMS does not find the key, and no event says why. If KMS deleted the key,
      everything that only this key can decrypt becomes permanently unrecoverable.
      Either KMS deleted the key and its events did not arrive, or KMS lags and
      finds the key again soon. KMS Watch has no record of the key: its alias,
      description and owner are not known. HIGH because no event explains it.

      At         2026-11-20 10:00 UTC
      1. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    ------------------------------------------------------------
      KMS does not know the key (DescribeKey). What is shown is what the event
      says.
      KMS found nothing (ListAliases, ListResourceTags, GetKeyLastUsage).
    AND THEN
      2. See which deletions were scheduled
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=ScheduleKeyDeletion --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
      3. See which keys KMS deleted
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=EventName,AttributeValue=DeleteKey --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
      4. Restore what now fails with NotFoundException from copies under another
         key
    "#);
    // It is there again; and nobody says how it stands.
    insta::assert_snapshot!(words(&alert_of(FakeKms::default(), &profile, seen)), @r#"
    HIGH: alias/payments was missing, and is found again

      The sweep over all keys did not find the key. KMS now reports a key with
      this id as Enabled: it was created again, or KMS lagged. HIGH because no
      event explains it.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See who used or changed the key in the last 90 days
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    "#);
    let denied = alert_of(denied(), &profile, seen).summary.plain();
    assert!(!denied.contains("now reports"), "{denied}");
}

#[test]
fn a_vanished_key_is_noted_as_told_and_not_as_deleted() {
    let watch = with_ledger(gone());
    remember(&watch, &swept(KeyVanished::new(None)).subject, &known());
    report(&watch, swept(KeyVanished::new(None)));
    let profile = remembered(&watch, ARN);
    assert_eq!(profile.tellings["KeyVanished"].at, at(SWEPT));
    assert_eq!(profile.deleted_at, None);
    let again = run(watch.report(swept(KeyVanished::new(None)), "another")).unwrap();
    assert_eq!(again.verdict, Verdict::Duplicate);
    // That it was deleted is news.
    report(&watch, occurrence(KeyDeleted::default(), None));
}

fn overdue() -> Occurrence {
    swept(KeyRotationOverdue::new(
        at("2026-11-01T00:00:00Z"),
        at(SWEPT),
    ))
}

fn rotation(enabled: bool, next: &str) -> FakeKms {
    FakeKms {
        rotation: Ok(RotationStatus {
            enabled,
            period_days: Some(365),
            next_at: Some(at(next)),
        }),
        ..FakeKms::default()
    }
}

#[test]
fn an_overdue_rotation_says_since_when_why_and_what_to_do() {
    let due = "2026-11-01T00:00:00Z";
    let alert_of = |kms| alert(kms, &Profile::default(), overdue());
    let alert = alert_of(rotation(true, due));
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(
        overdue().identity(),
        "KeyRotationOverdue#2026-11-01T00:00:00Z"
    );
    insta::assert_snapshot!(shown(&alert), @r#"
    MEDIUM: Rotation of alias/payments overdue since 2026-11-01

      This breaks nothing, but standards that require regular rotation are no
      longer met. The rotation is 19 days late (period: 365 days). KMS gives no
      reason. It delays the rotation of keys that are disabled or pending
      deletion; this key is neither. MEDIUM because nothing stops working.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See when KMS rotated the key
         aws kms list-key-rotations --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. If the key must be rotated now, rotate the key on demand (25 times in its
         life)
         aws kms rotate-key-on-demand --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. If the date stays in the past, ask AWS Support why KMS does not rotate
         the key

    {"daysOverdue":19,"dueAt":"2026-11-01T00:00:00Z","periodDays":365}
    "#);
    let disabled = in_state(State::Disabled, rotation(true, due));
    insta::assert_snapshot!(words(&alert_of(disabled)), @r#"
    MEDIUM: Rotation of alias/payments overdue since 2026-11-01

      This breaks nothing, but standards that require regular rotation are no
      longer met. The rotation is 19 days late (period: 365 days). The key is
      Disabled: KMS rotates it when somebody enables it. MEDIUM because nothing
      stops working.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See when KMS rotated the key
         aws kms list-key-rotations --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    "#);
    let mut replica = rotation(true, due);
    replica.metadata.as_mut().unwrap().multi_region = Some(MultiRegion {
        kind: MultiRegionType::Replica,
        primary: Some(
            "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"
                .parse()
                .unwrap(),
        ),
        replicas: Vec::new(),
    });
    insta::assert_snapshot!(words(&alert_of(replica)), @r#"
    MEDIUM: Rotation of alias/payments overdue since 2026-11-01

      This breaks nothing, but standards that require regular rotation are no
      longer met. The rotation is 19 days late (period: 365 days). The key is a
      replica: KMS rotates its primary key in eu-west-1 and copies the new key
      material. MEDIUM because nothing stops working.

      At         2026-11-20 10:00 UTC
      Owner      team-pay
      1. See when KMS rotated the key
         aws kms list-key-rotations --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
    AND THEN
      2. If the key must be rotated now, rotate its primary key on demand (25
         times in its life)
         aws kms rotate-key-on-demand --key-id arn:aws:kms:eu-west-1:111122223333:key/mrk-1 --region eu-west-1
      3. If the date stays in the past, ask AWS Support why KMS does not rotate
         the key
    "#);
    insta::assert_snapshot!(words(&alert_of(denied())), @r#"
    MEDIUM: Rotation of key 5f0c1b7e overdue since 2026-11-01

      This breaks nothing, but standards that require regular rotation are no
      longer met. The rotation is 19 days late. KMS gives no reason. MEDIUM
      because nothing stops working.

      At         2026-11-20 10:00 UTC
      1. See when KMS rotated the key
         aws kms list-key-rotations --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      Console    https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913
    ------------------------------------------------------------
      KMS refused DescribeKey, ListAliases, ListResourceTags,
      GetKeyRotationStatus, ListKeyRotations: the key policy does not let KMS
      Watch read this (deployment guide, blind spots). What is shown is what the
      event says.
    AND THEN
      2. If the key must be rotated now, rotate the key on demand (25 times in its
         life)
         aws kms rotate-key-on-demand --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1
      3. If the date stays in the past, ask AWS Support why KMS does not rotate
         the key
    "#);
    insta::assert_snapshot!(words(&alert_of(gone())), @r#"
    MEDIUM: Rotation of key 5f0c1b7e overdue since 2026-11-01, but KMS does not
    find the key

      KMS does not find the key. Check account and Region; this answer may also be
      older than the event. MEDIUM because nothing stops working.

      At         2026-11-20 10:00 UTC
      1. Find out what was done to the key
         aws cloudtrail lookup-events --lookup-attributes AttributeKey=ResourceName,AttributeValue=arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --max-items 200 --query "Events[?! starts_with(EventName,'Describe') && ! starts_with(EventName,'List') && ! starts_with(EventName,'Get')].[EventTime,EventName,Username]" --output table --region us-east-1
    ------------------------------------------------------------
      KMS does not know the key (DescribeKey). What is shown is what the event
      says.
      KMS found nothing (ListAliases, ListResourceTags, GetKeyRotationStatus,
      ListKeyRotations).
    "#);
}

#[test]
fn an_overdue_rotation_says_if_kms_says_otherwise_now() {
    let due = "2026-11-01T00:00:00Z";
    let mut rotated = rotation(true, due);
    rotated.materials = Ok(vec![Material {
        rotated_at: Some(at("2026-11-20T09:59:00Z")),
        ..Material::default()
    }]);
    let mut long_ago = rotation(true, due);
    long_ago.materials = Ok(vec![Material {
        rotated_at: Some(at("2025-11-01T00:00:00Z")),
        ..Material::default()
    }]);
    for (kms, otherwise) in [
        (
            rotated,
            "But KMS now reports a rotation on 2026-11-20 09:59 UTC.",
        ),
        (
            rotation(true, "2027-11-01T00:00:00Z"),
            "But KMS now gives 2027-11-01 00:00 UTC as the next date: the rotation has happened since, or its period was changed.",
        ),
        (
            rotation(false, due),
            "But KMS now reports rotation as disabled.",
        ),
        (long_ago, ""),
    ] {
        let alert = alert(kms, &Profile::default(), overdue());
        let (title, summary) = (alert.title.plain(), alert.summary.plain());
        assert_eq!(
            title.contains("otherwise"),
            !otherwise.is_empty(),
            "{title}"
        );
        match otherwise {
            "" => assert!(
                summary.contains("The last rotation was on 2025-11-01."),
                "{summary}"
            ),
            _ => assert!(summary.ends_with(otherwise), "{summary}"),
        }
    }
}

fn store(state: &str, code: Option<&str>, count: u64) -> FakeKms {
    FakeKms {
        key_store: Ok(KeyStoreData {
            name: Some(Untrusted::new("external-hq")),
            kind: Some(Untrusted::new("EXTERNAL_KEY_STORE")),
            connection_state: Some(Untrusted::new(state)),
            error_code: code.map(Untrusted::new),
        }),
        key_count: Ok(count),
        ..FakeKms::default()
    }
}

fn unhealthy(state: &str, code: Option<&str>) -> Occurrence {
    let code = code.map(Untrusted::new);
    in_store(KeyStoreUnhealthy::of_sweep(
        at("2026-11-20T09:00:00Z"),
        &Untrusted::new(state),
        code.as_ref(),
    ))
}

#[test]
fn a_key_store_without_connection_says_why_what_breaks_and_what_to_do() {
    let nothing = Profile::default();
    let code = Some("XKS_PROXY_TIMED_OUT");
    let found = || unhealthy("FAILED", code);
    let failed = alert(store("FAILED", code, 3), &nothing, found());
    assert_eq!(failed.severity, Severity::High);
    insta::assert_snapshot!(shown(&failed), @r#"
    HIGH: Key store external-hq could not be connected: 3 keys unusable

      Every cryptographic operation with a key in the key store fails until the
      key store is connected. A sweep found key store external-hq
      (cks-7be1d290f5a3c846a) FAILED (XKS_PROXY_TIMED_OUT) on 2026-11-20 09:00
      UTC. The external key store proxy does not respond in time. The key store
      holds 3 keys. The keys work again once the key store is connected, if its
      cluster or external key manager still has them. HIGH because the key store
      holds 3 keys.

      At         2026-11-20 10:00 UTC
      1. Disconnect the key store: KMS neither connects nor changes one that is
         FAILED
         aws kms disconnect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ------------------------------------------------------------
    AND THEN
      2. Check the load of the proxy, the network, and the external key manager
         behind the proxy
      3. Then connect the key store (takes about 5 minutes)
         aws kms connect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
      4. Read the state of the key store
         aws kms describe-custom-key-stores --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1

    {"accounts":[],"alarm":null,"connectionState":"FAILED","dimensions":{},"errorCode":"XKS_PROXY_TIMED_OUT","foundAt":"2026-11-20T09:00:00Z","metric":null,"namespace":null,"periodSeconds":null,"threshold":null,"unit":null,"usualFrom":null,"usualTo":null,"value":null}
    "#);
    let off = unhealthy("DISCONNECTED", None);
    insta::assert_snapshot!(words(&alert(store("DISCONNECTED", None, 1), &nothing, off)), @r"
    HIGH: Key store external-hq is disconnected: 1 key unusable

      Every cryptographic operation with a key in the key store fails until the
      key store is connected. A sweep found key store external-hq
      (cks-7be1d290f5a3c846a) DISCONNECTED on 2026-11-20 09:00 UTC. Somebody
      disconnected it, or nobody ever connected it. The key store holds 1 key. The
      keys work again once the key store is connected, if its cluster or external
      key manager still has them. HIGH because the key store holds a key.

      At         2026-11-20 10:00 UTC
      1. Ask whoever runs the key store why it is disconnected: this may be
         incident response
      2. If it is not, connect the key store (takes about 5 minutes)
         aws kms connect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ------------------------------------------------------------
    AND THEN
      3. Read the state of the key store
         aws kms describe-custom-key-stores --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ");
    insta::assert_snapshot!(words(&alert(store("CONNECTED", None, 0), &nothing, found())), @r"
    MEDIUM: Key store external-hq was FAILED, and is CONNECTED now

      A sweep found key store external-hq (cks-7be1d290f5a3c846a) FAILED
      (XKS_PROXY_TIMED_OUT) on 2026-11-20 09:00 UTC. The external key store proxy
      does not respond in time. But KMS now reports the key store as CONNECTED.
      KMS Watch found no key in the key store among those that it can describe.
      MEDIUM because KMS Watch found no key in the key store.

      At         2026-11-20 10:00 UTC
      1. Read the state of the key store
         aws kms describe-custom-key-stores --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ------------------------------------------------------------
    ");
    insta::assert_snapshot!(words(&alert(denied(), &nothing, unhealthy("FAILED", Some("NEW_CODE")))), @r"
    HIGH: Key store cks-7be1d290f5a3c846a could not be connected

      Every cryptographic operation with a key in the key store fails until the
      key store is connected. A sweep found key store cks-7be1d290f5a3c846a FAILED
      (NEW_CODE) on 2026-11-20 09:00 UTC. KMS tried to connect the key store, and
      failed. How many keys the key store holds is not known. The keys work again
      once the key store is connected, if its cluster or external key manager
      still has them. HIGH because it is not known how many keys the key store
      holds.

      At         2026-11-20 10:00 UTC
      1. Disconnect the key store: KMS neither connects nor changes one that is
         FAILED
         aws kms disconnect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ------------------------------------------------------------
      KMS refused DescribeCustomKeyStores, ListKeys: look for a service control
      policy that denies this to the roles of KMS Watch. What is shown is what the
      event says.
    AND THEN
      2. Then connect the key store (takes 5 to 20 minutes)
         aws kms connect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
      3. Read the state of the key store
         aws kms describe-custom-key-stores --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ");
    let gone = FakeKms {
        key_store: Err(CallError::new("CustomKeyStoreNotFoundException", "")),
        ..FakeKms::default()
    };
    insta::assert_snapshot!(words(&alert(gone, &nothing, found())), @r"
    MEDIUM: Key store cks-7be1d290f5a3c846a could not be connected

      A sweep found key store cks-7be1d290f5a3c846a FAILED (XKS_PROXY_TIMED_OUT)
      on 2026-11-20 09:00 UTC. KMS now answers that the key store does not exist.
      MEDIUM because KMS Watch found no key in the key store.

      At         2026-11-20 10:00 UTC
      1. Read the state of the key store
         aws kms describe-custom-key-stores --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1
    ------------------------------------------------------------
      DescribeCustomKeyStores failed: CustomKeyStoreNotFoundException.
    ");
}

#[test]
fn every_code_of_a_failed_connection_has_its_words() {
    for code in [
        "INVALID_CREDENTIALS",
        "CLUSTER_NOT_FOUND",
        "NETWORK_ERRORS",
        "INTERNAL_ERROR",
        "INSUFFICIENT_CLOUDHSM_HSMS",
        "USER_LOCKED_OUT",
        "USER_NOT_FOUND",
        "USER_LOGGED_IN",
        "SUBNET_NOT_FOUND",
        "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        "XKS_PROXY_ACCESS_DENIED",
        "XKS_PROXY_NOT_REACHABLE",
        "XKS_VPC_ENDPOINT_SERVICE_NOT_FOUND",
        "XKS_PROXY_INVALID_RESPONSE",
        "XKS_PROXY_INVALID_CONFIGURATION",
        "XKS_VPC_ENDPOINT_SERVICE_INVALID_CONFIGURATION",
        "XKS_PROXY_TIMED_OUT",
        "XKS_PROXY_INVALID_TLS_CONFIGURATION",
    ] {
        let kms = store("FAILED", Some(code), 3);
        let alert = alert(kms, &Profile::default(), unhealthy("FAILED", Some(code)));
        assert_eq!(alert.next_steps.len(), 4, "{code}");
        let summary = alert.summary.plain();
        assert!(!summary.contains("and failed."), "{summary}");
        let advice = render::chat(&alert).unwrap();
        assert!(!advice.contains('…'), "{code} is cut: {advice}");
    }
}

#[test]
fn an_episode_of_a_key_store_is_told_once_and_noted() {
    let watch = with_ledger(store("FAILED", None, 3));
    let later = |found| Occurrence {
        occurred_at: Some(at("2026-11-20T11:00:00Z")),
        ..found
    };
    report(&watch, unhealthy("FAILED", None));
    let told = remembered(&watch, STORE).tellings["KeyStoreUnhealthy"].clone();
    assert_eq!((told.at, told.material), (at("2026-11-20T09:00:00Z"), None));
    for (found, verdict) in [
        (unhealthy("FAILED", None), Verdict::Duplicate),
        (
            unhealthy("FAILED", Some("INTERNAL_ERROR")),
            Verdict::Delivered,
        ),
        (unhealthy("DISCONNECTED", None), Verdict::Delivered),
        (
            in_store(KeyStoreUnhealthy::of_sweep(
                at("2026-11-20T10:30:00Z"),
                &Untrusted::new("FAILED"),
                None,
            )),
            Verdict::Delivered,
        ),
    ] {
        let outcome = run(watch.report(later(found), "later")).unwrap();
        assert_eq!(outcome.verdict, verdict, "{:?}", outcome.reason);
    }
}

/// Title, description and next steps as chat gets them.
fn chat(alert: &Alert) -> String {
    let chat: Value = serde_json::from_str(&render::chat(alert).unwrap()).unwrap();
    let content = &chat["content"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut lines = vec![text(&content["title"]), text(&content["description"])];
    lines.extend(content["nextSteps"].as_array().unwrap().iter().map(text));
    lines.join("\n\n")
}

#[test]
fn chat_gets_what_people_get() {
    let key = alert(pending(FakeKms::default()), &known(), near(DEADLINE));
    insta::assert_snapshot!(chat(&key), @r#"
    HIGH: Deletion of alias/payments due 2026-11-23 10:00 UTC, in 3 days

    Unless somebody cancels by 2026-11-23 10:00 UTC, everything encrypted under the key becomes permanently unrecoverable. Running volumes and databases may fail only at their next restart. Power/maria scheduled the deletion on 2026-11-16 10:00 UTC. KMS Watch saw no failed use since then; it sees one only if a trail logs read events. When the key was last used is not known. HIGH because the last use of the key is not known.
    Until 2026-11-23 10:00 UTC
    At 2026-11-20 10:00 UTC
    Owner: team-pay. Key: state PendingDeletion, last used unknown.
    ARN: `arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913`
    Console: https://us-east-1.console.aws.amazon.com/kms/home?region=us-east-1#/kms/keys/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913

    Unless the owner planned it, cancel the deletion; the key stays Disabled: `aws kms cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1`

    When team-pay or Power/maria confirms that this is no incident response, enable the key: `aws kms enable-key --key-id arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913 --region us-east-1`

    See who used or changed the key in the last 90 days
    "#);
    let vanished = alert(gone(), &known(), swept(KeyVanished::new(None)));
    insta::assert_snapshot!(chat(&vanished), @r#"
    HIGH: alias/payments is missing; last seen on 2026-11-19 10:00 UTC

    KMS does not find the key, and no event says why. If KMS deleted the key, everything encrypted under the key becomes permanently unrecoverable. Its last known state is PendingDeletion. Its deletion was due 2026-11-23 10:00 UTC. Either KMS deleted the key and its events did not arrive, or KMS lags and finds the key again soon. HIGH because no event explains it.
    At 2026-11-20 10:00 UTC
    Owner: team-pay. KMS found nothing (GetKeyLastUsage). Shown as known on 2026-11-19.
    ARN: `arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913`

    See who used or changed the key in the last 90 days

    See which deletions were scheduled

    See which keys KMS deleted
    "#);
    let code = Some("USER_LOCKED_OUT");
    let found = unhealthy("FAILED", code);
    let store = alert(store("FAILED", code, 3), &Profile::default(), found);
    insta::assert_snapshot!(chat(&store), @r"
    HIGH: Key store external-hq could not be connected: 3 keys unusable

    Every cryptographic operation with a key in the key store fails until the key store is connected. A sweep found key store external-hq (cks-7be1d290f5a3c846a) FAILED (USER_LOCKED_OUT) on 2026-11-20 09:00 UTC. The user kmsuser is locked out of the CloudHSM cluster after too many wrong passwords. The key store holds 3 keys. The keys work again once the key store is connected, if its cluster or external key manager still has them. HIGH because the key store holds 3 keys.
    At 2026-11-20 10:00 UTC
    Where: key store external-hq (cks-7be1d290f5a3c846a), 111122223333 us-east-1

    Disconnect the key store: KMS neither connects nor changes one that is FAILED: `aws kms disconnect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1`

    Set a new password for kmsuser in the cluster, and give it to KMS with update-custom-key-store

    Then connect the key store (takes about 5 minutes): `aws kms connect-custom-key-store --custom-key-store-id cks-7be1d290f5a3c846a --region us-east-1`
    ");
}

#[test]
fn no_name_harms_anybody() {
    let found = near(DEADLINE);
    assert_harmless(&alert(
        hostile(pending(FakeKms::default())),
        &known(),
        found,
    ));
    let named = hostile(FakeKms::default());
    let profile = Profile {
        metadata: dated(named.metadata.clone().unwrap()),
        aliases: dated(named.aliases.clone().unwrap()),
        ..Profile::default()
    };
    assert_harmless(&alert(gone(), &profile, swept(KeyVanished::new(None))));
    assert_harmless(&alert(named, &Profile::default(), overdue()));
    let mut kms = store("FAILED", Some(HOSTILE), 3);
    kms.key_store.as_mut().unwrap().name = Some(Untrusted::new(HOSTILE));
    let found = unhealthy("FAILED", Some(HOSTILE));
    assert_harmless(&alert(kms, &Profile::default(), found));
}

#[test]
fn what_an_event_should_have_told_says_so() {
    const MISSED: &str = "No event told of this; the sweep over all keys found it.";
    const NOBODY: &str = "Who did it could not be found in CloudTrail's event history.";
    let summary = |found| {
        alert(FakeKms::default(), &Profile::default(), found)
            .summary
            .plain()
    };
    let by = |actor, kind: Kind| Occurrence {
        actor: Some(actor),
        ..swept(kind)
    };
    let disabled = || Kind::from(KeyDisabled::default());
    let unknown = summary(swept(disabled()));
    assert!(
        unknown.ends_with(&format!(" {MISSED} {NOBODY}")),
        "{unknown}"
    );
    for found in [
        by(Actor::unknown(), disabled()),
        by(Actor::kms(), KeyRotated::default().into()),
    ] {
        let known = summary(found);
        assert!(known.ends_with(&format!(" {MISSED}")), "{known}");
    }
    // What an event told of, and what no event ever tells of.
    for found in [
        occurrence(KeyDisabled::default(), None),
        near(DEADLINE),
        swept(KeyVanished::new(None)),
        overdue(),
        swept(KeyMaterialExpiring::of_date(
            at(DEADLINE),
            None,
            &[7],
            at(SWEPT),
        )),
        unhealthy("FAILED", None),
    ] {
        let other = summary(found);
        assert!(!other.contains("No event"), "{other}");
        assert!(!other.contains("Who did it could"), "{other}");
    }
}

#[test]
fn what_is_found_without_an_event_fails_like_any_other() {
    let mut watch = with_ledger(pending(FakeKms::default()));
    *watch.topics.broken.borrow_mut() = vec!["people"];
    let error = run(watch.report(near(DEADLINE), "request")).unwrap_err();
    assert_eq!(error.kind(), "PublishFailed");
    assert!(
        error
            .to_string()
            .starts_with("failed to tell 1 of 1 occurrences"),
        "{error}"
    );
    watch.topics.broken.borrow_mut().clear();
    report(&watch, near(DEADLINE));
    assert_eq!(topics_of(&watch), ["chat", "feed", "people"]);
    watch.config = config(&[("MINIMUM_SEVERITY", "CRITICAL")]);
    let outcome = run(watch.report(overdue(), "request")).unwrap();
    // The feed has it, and that is all that is wanted.
    assert_eq!(
        (outcome.verdict, outcome.reason),
        (Verdict::Delivered, None)
    );
}

#[test]
fn what_is_only_remembered_contradicts_no_event() {
    // KMS is silent now. Before, the key was pending deletion.
    let cancelled = alert(
        denied(),
        &known(),
        occurrence(KeyDeletionCancelled::default(), None),
    );
    assert_eq!(
        cancelled.title.plain(),
        "Deletion of alias/payments cancelled; the key is left Disabled"
    );
    let mut enabled = known();
    enabled.metadata.as_mut().unwrap().value.state = Some(State::Enabled);
    for kind in [
        Kind::from(KeyDeletionScheduled::default()),
        KeyDeleted::default().into(),
    ] {
        let summary = alert(denied(), &enabled, occurrence(kind, None));
        let summary = summary.summary.plain();
        assert!(!summary.contains("But KMS now"), "{summary}");
    }
}

#[cfg(feature = "schema")]
#[test]
fn every_kind_of_the_sweep_fits_the_schema() {
    let closed = jsonschema::validator_for(&crate::schema::closed_alert_schema()).unwrap();
    let nothing = Profile::default();
    for (kms, found) in [
        (pending(FakeKms::default()), near(DEADLINE)),
        (gone(), swept(KeyVanished::new(None))),
        (FakeKms::default(), overdue()),
        (store("FAILED", None, 3), unhealthy("FAILED", None)),
    ] {
        let alert = json!(alert(kms, &nothing, found));
        let errors: Vec<_> = closed
            .iter_errors(&alert)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert_eq!(errors, [] as [String; 0], "{alert:#}");
    }
}
