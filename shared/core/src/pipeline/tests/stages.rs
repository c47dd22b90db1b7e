//! Each stage by itself: what it makes of the one before, and where the path ends early.

use super::ledger::{at_time, deletion_of, ledger, rotated, with_ledger};
use super::repeats::decrypt;
use super::*;
use crate::ledger::{ClaimState, Memory, Profile};
use crate::pipeline::assess::Assessed;
use crate::pipeline::draft::Draft;
use crate::pipeline::ended::Ended;
use crate::pipeline::gathered::Gathered;
use crate::pipeline::known::Known;
use crate::pipeline::letters::Letters;
use crate::pipeline::named::Named;
use crate::pipeline::plan::Plan;

const WHEN: &str = "2026-11-20T10:00:00Z";

fn memory(watch: &FakeWatch) -> Memory<'_, FakeLedger> {
    Memory::new(watch.ledger.as_ref())
}

fn draft(watch: &FakeWatch, occurrence: Occurrence) -> Draft {
    let now = at("2026-11-20T10:00:05.5Z");
    Draft::new(
        &watch.config,
        watch.function,
        occurrence,
        now,
        Some("request"),
    )
}

async fn gathered(watch: &FakeWatch, occurrence: Occurrence) -> Gathered {
    watch.gather(&memory(watch), draft(watch, occurrence)).await
}

async fn named(watch: &FakeWatch, occurrence: Occurrence) -> Result<Named, Ended> {
    let gathered = gathered(watch, occurrence).await;
    watch.name(&memory(watch), gathered).await
}

async fn assessed(watch: &FakeWatch, occurrence: Occurrence) -> Assessed {
    let named = named(watch, occurrence)
        .await
        .unwrap_or_else(|_| panic!("it ended"));
    let claimed = watch.claim(&memory(watch), named, "request").await;
    let claimed = claimed.unwrap_or_else(|_| panic!("it ended"));
    Assessed::new(&watch.config, Known::new(&watch.config, claimed, None))
}

async fn letters(watch: &FakeWatch, occurrence: Occurrence) -> Letters {
    let assessed = assessed(watch, occurrence).await;
    watch.write(&memory(watch), assessed).await.unwrap()
}

#[test]
fn a_draft_knows_from_the_kind_what_to_ask_and_in_which_order() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for (occurrence, plan) in [
        (deletion_of(1, 0), Plan::AtOnce),
        (at_time(rotated(Some("m")), None, WHEN), Plan::AtOnce),
        (at_time(rotated(None), None, WHEN), Plan::FactsFirst),
        (decrypt("1", WHEN), Plan::LedgerFirst),
    ] {
        let name = occurrence.kind.name();
        let draft = draft(&watch, occurrence);
        assert_eq!(draft.plan, plan, "{name}");
        assert_eq!(
            draft.frame.now,
            at("2026-11-20T10:00:05Z"),
            "in whole seconds"
        );
        let profile = Profile::key(&draft.frame.partition);
        assert!(draft.recalled.contains(&profile), "{name}");
    }
}

#[test]
fn only_what_the_plan_asks_first_is_gathered() {
    for (occurrence, ledger_first, kms_first) in [
        (deletion_of(1, 0), false, false),
        (at_time(rotated(None), None, WHEN), true, true),
        (decrypt("1", WHEN), true, false),
    ] {
        let watch = with_ledger(FakeKms::default(), &[]);
        let gathered = run(gathered(&watch, occurrence));
        assert_eq!(gathered.items.is_some(), ledger_first);
        assert_eq!(gathered.facts.is_some(), kms_first);
        assert_eq!(watch.kms.calls.borrow().total() > 0, kms_first);
    }
}

#[test]
fn a_name_is_final_and_a_repeat_ends_before_its_claim() {
    let material = crate::answers::Material {
        id: Some("m".to_owned()),
        rotated_at: Some(at(WHEN)),
        ..crate::answers::Material::default()
    };
    let kms = FakeKms {
        materials: Ok(vec![material]),
        ..FakeKms::default()
    };
    let watch = with_ledger(kms, &[]);
    let named = run(named(&watch, at_time(rotated(None), None, WHEN)));
    let named = named.unwrap_or_else(|_| panic!("it ended"));
    let material = named.draft.occurrence.kind.material();
    assert_eq!(material, Some(Some("m".to_owned())), "KMS lists it");
    assert_eq!(ledger(&watch).calls.borrow().get("claim"), None);

    run(watch.tell(decrypt("1", WHEN), "first")).unwrap();
    ledger(&watch).calls.borrow_mut().clear();
    let again = run(super::stages::named(
        &watch,
        decrypt("2", "2026-11-20T10:00:01Z"),
    ));
    assert!(matches!(again, Err(Ended::Early(told)) if told.verdict == Verdict::Duplicate));
    assert_eq!(ledger(&watch).calls.borrow().get("claim"), None);
}

#[test]
fn a_claim_is_ours_once() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let claim = |request: &'static str| {
        let watch = &watch;
        async move {
            let named = named(watch, deletion_of(1, 0)).await;
            let named = named.unwrap_or_else(|_| panic!("it ended"));
            watch.claim(&memory(watch), named, request).await
        }
    };
    let ours = run(claim("one")).unwrap_or_else(|_| panic!("it ended"));
    assert_eq!(ours.claim.state, ClaimState::Claimed);
    assert_eq!(ours.claim.owner, "one");
    assert!(matches!(
        run(claim("another")),
        Err(Ended::Failed(Failure::Held(_)))
    ));
    run(claim("one")).unwrap_or_else(|_| panic!("the same invocation goes on"));
}

#[test]
fn what_is_known_is_learnt_but_not_written_before_people_are_told() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let assessed = run(assessed(&watch, deletion_of(1, 0)));
    assert!(assessed.learnt.before.is_empty() && !assessed.learnt.profile.is_empty());
    assert_eq!(assessed.alert.kind, "KeyDeletionScheduled");
    assert!(assessed.alert.key.is_some_and(|key| key.aliases.is_some()));
    let calls = ledger(&watch).calls.borrow().clone();
    assert_eq!((calls.get("put"), calls.get("set")), (None, None));
    assert!(topics_of(&watch).is_empty());
}

#[test]
fn letters_go_to_whoever_wants_the_alert_and_always_to_the_feed() {
    let watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", "MEDIUM")]);
    let urgent = run(letters(&watch, deletion_of(1, 0)));
    assert_eq!((urgent.posts.len(), urgent.for_people), (3, true));
    let quiet = run(letters(&watch, at_time(rotated(Some("m")), None, WHEN)));
    assert_eq!((quiet.posts.len(), quiet.for_people), (1, false));
    assert!(quiet.posts[0].slot.ends_with(":feed") && quiet.reason.is_some());
    assert!(topics_of(&watch).is_empty());
}

#[test]
fn what_is_served_is_marked_and_what_is_owed_stays_claimed() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let sort = format!("claim#{}", deletion_of(1, 0).identity());
    let partition = deletion_of(1, 0).subject.partition_key();
    let state = |watch: &FakeWatch| ledger(watch).get(&partition, &sort).unwrap()["state"].clone();

    *watch.topics.broken.borrow_mut() = vec!["chat"];
    let written = run(letters(&watch, deletion_of(1, 0)));
    let failed = run(watch.serve(&memory(&watch), written));
    assert!(matches!(failed, Err(Failure::NotPublished(topics)) if topics.len() == 1));
    assert_eq!(state(&watch), "CLAIMED");

    *watch.topics.broken.borrow_mut() = vec![];
    let written = run(letters(&watch, deletion_of(1, 0)));
    let served = run(watch.serve(&memory(&watch), written)).unwrap();
    assert_eq!(served.topics.len(), 3);
    assert_eq!(state(&watch), "CLAIMED");
    let told = run(watch.mark(&memory(&watch), served, "request"));
    assert_eq!(told.verdict, Verdict::Delivered);
    assert_eq!(state(&watch), "DELIVERED");
    assert_eq!(topics_of(&watch), ["people", "feed", "chat"]);
}
