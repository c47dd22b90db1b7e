//! What the ledger is trusted with: items that nobody of the watch wrote.

use super::ledger::{at_time, deletion_of, ledger, rotated, with_ledger};
use super::*;
use crate::kinds::{KeyDisabled, KeyPolicyChanged};
use crate::ledger::profile::{Swept, Telling};
use crate::ledger::{Claim, Item, ItemKey, Policy, Profile};

const THEN: &str = "2026-11-20T10:00:00Z";

fn deleted() -> Occurrence {
    at_time(KeyDeleted::default(), None, THEN)
}

/// Puts an item into the ledger, as one does who may write it.
fn poison(watch: &FakeWatch, key: &ItemKey, attributes: Item) {
    let mut item = attributes;
    item.insert("pk".to_owned(), key.partition.clone().into());
    item.insert("sk".to_owned(), key.sort.clone().into());
    let name = (key.partition.clone(), key.sort.clone());
    ledger(watch).items.borrow_mut().insert(name, item);
}

fn told(watch: &FakeWatch, occurrence: Occurrence, request: &str) -> Verdict {
    run(watch.tell(occurrence, request)).unwrap().verdict
}

fn claim(occurrence: &Occurrence) -> Claim {
    let sort = format!("claim#{}", occurrence.identity());
    let key = ItemKey::new(occurrence.subject.partition_key(), sort);
    Claim::new(key, "another", at(THEN), FakeClock::default().now())
}

#[test]
fn a_claim_that_says_told_is_not_believed_without_the_alert() {
    let topics = || {
        ["people", "chat", "feed"].map(|name| format!("arn:aws:sns:us-east-1:111122223333:{name}"))
    };
    let far = at("2099-01-01T00:00:00Z");
    let delivered = claim(&deleted()).delivered(topics().into());
    let poisoned = [
        delivered.clone(),
        Claim {
            occurred_at: far,
            ..delivered.clone()
        },
        Claim {
            before: vec![at(THEN)],
            occurred_at: far,
            ..delivered.clone()
        },
        Claim {
            version: u64::MAX,
            ..delivered.clone()
        },
        Claim {
            told_as: Some("profile".to_owned()),
            ..delivered.clone()
        },
        // Held for ever.
        Claim {
            lease: far,
            ..claim(&deleted())
        },
    ];
    for poisoned in poisoned {
        let watch = with_ledger(FakeKms::default(), &[]);
        poison(&watch, &poisoned.key, poisoned.item());
        assert_eq!(
            told(&watch, deleted(), "a"),
            Verdict::Delivered,
            "{poisoned:?}"
        );
        assert_eq!(topics_of(&watch), ["people", "chat", "feed"]);
        if poisoned.version < u64::MAX {
            assert_eq!(
                told(&watch, deleted(), "b"),
                Verdict::Duplicate,
                "{poisoned:?}"
            );
        }
    }
}

#[test]
fn what_is_critical_is_owed_to_everybody_whatever_another_is_said_to_have_served() {
    let owed = |served: &[&str]| {
        let names = served
            .iter()
            .map(|name| format!("arn:aws:sns:us-east-1:111122223333:{name}"));
        claim(&deletion_of(1, 0)).owing(names.collect(), at(THEN))
    };
    let watch = with_ledger(FakeKms::used_at("2026-11-20T11:00:00Z"), &[]);
    let half = owed(&["people", "chat", "feed"]);
    poison(&watch, &half.key, half.item());
    assert_eq!(told(&watch, deletion_of(1, 0), "a"), Verdict::Delivered);
    assert_eq!(topics_of(&watch), ["people", "chat", "feed"]);
    // What the same invocation has served is served.
    let watch = with_ledger(FakeKms::used_at("2026-11-20T11:00:00Z"), &[]);
    let half = owed(&["people"]);
    poison(&watch, &half.key, half.item());
    told(&watch, deletion_of(1, 0), "another");
    assert_eq!(topics_of(&watch), ["chat", "feed"]);
}

#[test]
fn what_a_sweep_is_said_to_have_told_is_told() {
    let call = || Occurrence {
        source: Source {
            via: Via::CloudTrail,
            ..deletion_of(1, 0).source
        },
        ..deletion_of(1, 0)
    };
    let swept = |since: &str, until: &str, told_as: Option<&str>| Swept {
        since: at(since),
        until: at(until),
        told_as: told_as.map(str::to_owned),
    };
    for swept in [
        swept("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", None),
        swept("2026-11-20T11:00:00Z", "2026-11-20T12:00:00Z", None),
        swept(
            "2026-11-20T11:00:00Z",
            "2026-11-20T12:00:00Z",
            Some("alert#nothing"),
        ),
        swept(
            "2026-11-20T11:00:00Z",
            "2026-11-20T12:00:00Z",
            Some("profile"),
        ),
    ] {
        let watch = with_ledger(FakeKms::default(), &[]);
        let mut profile = Profile::default();
        profile
            .swept
            .insert("KeyDeletionScheduled".to_owned(), swept.clone());
        let attributes = Profile::default().changes(&profile, at(THEN));
        poison(
            &watch,
            &Profile::key(&call().subject.partition_key()),
            attributes,
        );
        assert_eq!(told(&watch, call(), "a"), Verdict::Delivered, "{swept:?}");
    }
}

#[test]
fn a_telling_without_its_material_is_not_believed_without_the_alert() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let mut profile = Profile::default();
    let telling = Telling {
        material: None,
        at: at(THEN),
    };
    profile.tellings.insert("KeyRotated".to_owned(), telling);
    poison(
        &watch,
        &Profile::key(ARN),
        Profile::default().changes(&profile, at(THEN)),
    );
    let rotation = at_time(rotated(Some("m1")), None, THEN);
    assert_eq!(told(&watch, rotation, "a"), Verdict::Delivered);
}

#[test]
fn a_hostile_policy_that_was_put_into_the_ledger_first_is_no_routine() {
    let hostile = r#"{"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:root"},"Action":"kms:*","Resource":"*"}]}"#;
    let watch = with_ledger(FakeKms::default(), &[]);
    let known = Policy {
        policy: hostile.to_owned(),
        as_of: at("2026-11-19T10:00:00Z"),
    };
    poison(&watch, &Policy::key(ARN), known.attributes());
    let change = KeyPolicyChanged::asked_for(Some(hostile), false);
    let told = run(watch.tell(at_time(change, Some("c"), THEN), "a")).unwrap();
    assert_eq!(told.alerts[0].severity, Severity::High);
}

#[test]
fn an_event_of_another_account_says_so() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let mut event = deletion();
    let own = run(watch.handle(&event, "a")).unwrap().alerts.remove(0);
    assert!(!own.summary.plain().contains("Another account"));
    event["account"] = "999988887777".into();
    event["time"] = "2026-11-24T10:00:00Z".into();
    let foreign = run(watch.handle(&event, "b")).unwrap().alerts.remove(0);
    let summary = foreign.summary.plain();
    assert!(
        summary.contains("Another account sent this event: 999988887777"),
        "{summary}"
    );
}

#[test]
fn whoever_owned_a_key_lately_hears_of_it_too() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    let mut owners = |owner: &str, call: &str| {
        let tag = (Untrusted::new("Owner"), Untrusted::new(owner));
        watch.kms.tags = Ok([tag].into_iter().collect());
        let disabled = occurrence(KeyDisabled::default(), Some(call));
        let told = run(watch.tell(disabled, call)).unwrap();
        let attributes: BTreeMap<_, _> = render::attributes(&told.alerts[0]).into_iter().collect();
        let body = render::people(&told.alerts[0]);
        (attributes["owner"].values().to_vec(), body)
    };
    assert_eq!(owners("team-pay", "1").0, ["team-pay"]);
    let (told, body) = owners("nobody", "2");
    assert_eq!(told, ["nobody", "team-pay"]);
    assert!(body.contains("told too: team-pay"), "{body}");
    assert_eq!(owners("somebody", "3").0.len(), 3);
    assert_eq!(owners("team-pay", "4").0[0], "team-pay");
}
