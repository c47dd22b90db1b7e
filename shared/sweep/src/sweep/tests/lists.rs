//! Lists that leave keys out.

use super::*;

async fn account_of_five() -> World {
    let world = world(&[("DIGEST", "WEEKLY")]);
    for id in ["a", "b", "c", "d", "e"] {
        world.add(id, |_| {});
    }
    world.run("full", DAY_1).await;
    world.told();
    world
}

const NEXT_WEEK: &str = "2026-11-27T03:00:00Z";

#[tokio::test(start_paused = true)]
async fn a_list_that_comes_back_empty_is_a_failure_and_never_an_account_without_keys() {
    let world = account_of_five().await;
    for id in ["a", "b", "c", "d", "e"] {
        world.change(id, |key| key.unlisted = true);
    }
    let error = world.try_run("full", NEXT_WEEK, None).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the sweep is done, but ListKeys lists 0 keys and leaves out 5 that are there"
    );
    let digest = world.topics.feed().pop().unwrap();
    assert_eq!(digest["kind"], "InventoryDigest");
    assert_eq!(digest["details"]["totals"]["keys"], 5, "{digest}");
    assert_eq!(digest["details"]["totals"]["blindSpots"], 5);
    let reason = &digest["details"]["blindSpots"][0]["reason"];
    assert_eq!(
        reason,
        "ListKeys: the list leaves out this key, which KMS knows"
    );
    let keys = world.metrics.put.borrow();
    let keys = keys
        .iter()
        .rfind(|datum| datum.name == "Keys" && datum.dimensions.is_empty());
    assert_eq!(keys.unwrap().value, 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_list_leaves_out_is_looked_at_and_told_of_like_the_others() {
    let world = account_of_five().await;
    world.change("e", |key| {
        key.unlisted = true;
        disabled(key);
    });
    let report = world.run("full", NEXT_WEEK).await;
    let reason = report.outcome.reason.unwrap();
    assert_eq!(
        reason,
        "ListKeys lists 4 keys and leaves out 1 that are there"
    );
    world.told();
    world.run("light", "2026-11-27T03:30:00Z").await;
    assert_eq!(world.told(), ["KeyDisabled e"]);
    // On the list again, it is no blind spot any more.
    world.change("e", |key| key.unlisted = false);
    let report = world.run("full", "2026-11-28T03:00:00Z").await;
    assert_eq!(report.outcome.reason.unwrap(), "there is nothing to tell");
}

#[tokio::test(start_paused = true)]
async fn keys_that_are_gone_are_no_lie_of_the_list() {
    let world = account_of_five().await;
    world.kms.0.borrow_mut().keys.clear();
    world.run("full", NEXT_WEEK).await;
    world.told();
    let report = world.run("light", "2026-11-27T03:30:00Z").await;
    assert_eq!(report.sweep.unwrap().told, 5);
    assert_eq!(world.told()[0], "KeyVanished a");
}
