//! Who depends on a key, as the profile keeps it.

use watch_core::answers::{Grant, Use};
use watch_core::dependants::Dependants;
use watch_core::ledger::Profile;

use super::*;

/// Used by `AppServer` for a bucket, six hours before the sweep.
fn used(world: &World, id: &str) {
    world.change(id, |key| {
        key.usage.used = Some(Use {
            at: at("2026-11-19T21:00:00Z"),
            operation: Some(Untrusted::new("GenerateDataKey")),
            event_id: Some(Untrusted::new("use")),
        });
        key.grants = vec![Grant {
            id: "grant".to_owned(),
            grantee: Some(Untrusted::new("arn:aws:iam::111122223333:role/backup")),
            operations: vec![Untrusted::new("Decrypt")],
            ..Grant::default()
        }];
    });
    world.trail.records.borrow_mut().push(json!({
        "eventName": "GenerateDataKey", "eventTime": "2026-11-19T21:00:00Z", "eventID": "use",
        "userIdentity": {"type": "AssumedRole", "accountId": "111122223333", "sessionContext":
            {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/AppServer"}}},
        "requestParameters": {"encryptionContext": {"aws:s3:arn": "arn:aws:s3:::acme-ledger"}},
        "resources": [{"ARN": arn(id).to_string()}],
    }));
}

fn known(world: &World, id: &str) -> Option<Dependants> {
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let items = ledger.items.borrow();
    let item = items.get(&(arn(id).to_string(), "profile".to_owned()))?;
    Profile::read(item).dependants
}

fn names(known: &Dependants) -> Vec<&str> {
    let resources = known.resources.iter().map(|it| it.id.as_str());
    let principals = known.principals.iter().map(|it| it.name.as_str());
    resources.chain(principals).collect()
}

#[tokio::test(start_paused = true)]
async fn the_profile_keeps_who_depends_on_a_key_and_nothing_of_an_unused_one() {
    let world = world(&[]);
    world.add("used", |_| {});
    world.add("unused", |_| {});
    used(&world, "used");
    world.run("full", DAY_1).await;
    let kept = known(&world, "used").unwrap();
    assert_eq!(
        names(&kept),
        ["acme-ledger", "role/AppServer", "role/backup"]
    );
    assert_eq!((kept.complete, kept.as_of), (true, Some(at(DAY_1))));
    assert!(known(&world, "unused").is_none());
    let asked = world.trail.asked.borrow();
    assert!(asked.iter().all(|asked| !asked.starts_with("unused")));
}

#[tokio::test(start_paused = true)]
async fn grants_that_are_left_out_are_left_out_here_too() {
    let world = world(&[("SWEEP_GRANTS", "false")]);
    world.add("k", |_| {});
    used(&world, "k");
    world.run("full", DAY_1).await;
    assert_eq!(
        names(&known(&world, "k").unwrap()),
        ["acme-ledger", "role/AppServer"]
    );
    assert_eq!(world.calls("ListGrants"), 0);
}

#[tokio::test(start_paused = true)]
async fn an_event_history_that_is_refused_costs_neither_the_grants_nor_the_last_use() {
    let world = world(&[]);
    world.add("k", |_| {});
    used(&world, "k");
    world.trail.broken.set(true);
    let report = world.run("full", DAY_1).await;
    assert_eq!(report.sweep.unwrap().uses_asked, 1);
    let kept = known(&world, "k").unwrap();
    assert_eq!(names(&kept), ["role/backup"]);
    assert!(!kept.complete);
}

/// What an alert about the key store has at once.
#[tokio::test(start_paused = true)]
async fn the_profile_of_a_key_store_names_its_keys_those_first_on_which_most_depends() {
    let world = world(&[]);
    for id in ["idle", "used"] {
        world.add(id, |key| {
            key.metadata.custom_key_store_id = Some(Untrusted::new("cks-1"));
            key.aliases = vec![format!("alias/{id}")];
        });
    }
    world.add("elsewhere", |_| {});
    used(&world, "used");
    // The first sweep learns who depends on the keys, the next one tells the key store.
    world.run("full", DAY_1).await;
    world.run("full", "2026-11-21T03:00:00Z").await;
    let ledger = world.sweep.watch.ledger.as_ref().unwrap();
    let items = ledger.items.borrow();
    let store = items
        .iter()
        .find(|((partition, sort), _)| partition == "cks-1" && sort == "profile");
    let keys = Profile::read(store.unwrap().1).store_keys.unwrap().value;
    let named: Vec<_> = keys.iter().map(|key| key.name.as_str()).collect();
    assert_eq!(named, ["alias/used", "alias/idle"]);
    assert_eq!(
        keys[0].line().plain(),
        "alias/used (team-pay): S3 bucket acme-ledger, role/AppServer, role/backup; in all 1 resource and 2 principals"
    );
    assert_eq!(keys[1].line().plain(), "alias/idle (team-pay)");
}
