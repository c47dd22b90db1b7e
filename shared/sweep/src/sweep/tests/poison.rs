//! Items of the ledger that say what is not so.

use watch_core::ledger::Profile;
use watch_core::ports::Ledger;

use super::*;

const LATER: &str = "2026-11-20T04:00:00Z";

fn going(key: &mut FakeKey) {
    key.metadata.state = Some(State::PendingDeletion);
    key.metadata.deletion_at = Some(at("2026-11-22T03:00:00Z"));
}

fn ending(key: &mut FakeKey) {
    key.metadata.origin = Some(Origin::External);
    key.metadata.expires_at = Some(at("2026-11-30T00:00:00Z"));
    key.rotation = None;
}

fn late(key: &mut FakeKey) {
    key.rotation.as_mut().unwrap().next_at = Some(at("2026-11-01T00:00:00Z"));
}

/// Sets an attribute of a key's profile, as whoever may write the table could.
async fn poison(world: &World, id: &str, attribute: &str, value: Value) {
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let change = watch_core::ledger::Item::from_iter([(attribute.to_owned(), value)]);
    let name = Profile::key(&arn(id).to_string());
    ledger.set(&name, &change).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_countdown_that_is_only_said_to_have_been_told_is_told() {
    let world = world(&[]);
    world.add("going", going);
    world.add("ending", ending);
    world.add("late", late);
    let noted = json!({
        "KeyDeletionNear#2026-11-22T03:00:00Z": 1,
        "KeyMaterialExpiring#2026-11-30T00:00:00Z": 1,
        "KeyRotationOverdue#2026-11-01T00:00:00Z": 0,
    });
    for id in ["going", "ending", "late"] {
        poison(&world, id, "countdowns", noted.clone()).await;
    }
    world.run("full", DAY_1).await;
    assert_eq!(
        world.told(),
        [
            "KeyDeletionNear going",
            "KeyMaterialExpiring ending",
            "KeyRotationOverdue late"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_told_is_known_by_its_alert_without_a_question_to_kms() {
    let world = world(&[]);
    world.add("going", going);
    world.run("full", DAY_1).await;
    assert_eq!(world.told(), ["KeyDeletionNear going"]);
    world.run("light", LATER).await;
    assert!(world.told().is_empty());
    assert_eq!(world.calls("DescribeKey going"), 1, "the look alone");
    // Without its alert a note says nothing.
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    ledger
        .items
        .borrow_mut()
        .retain(|(_, sort), _| !sort.starts_with("alert#"));
    world.run("light", "2026-11-20T05:00:00Z").await;
    assert_eq!(world.told(), ["KeyDeletionNear going"]);
    world.run("light", "2026-11-20T06:00:00Z").await;
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn neither_a_scheduling_nor_a_difference_in_the_future_keeps_a_countdown_waiting() {
    let world = world(&[]);
    world.add("going", going);
    poison(
        &world,
        "going",
        "scheduled",
        json!({"by": null, "at": "2036-11-20T00:00:00Z"}),
    )
    .await;
    let held = json!([{"kind": "KeyDeletionScheduled", "what": "x", "knownAt": DAY_1,
        "foundAt": "2036-11-20T00:00:00Z", "happenedAt": null}]);
    poison(&world, "going", "held", held).await;
    world.run("full", DAY_1).await;
    world.told();
    world.run("light", LATER).await;
    assert_eq!(world.told(), ["KeyDeletionNear going"]);
}
