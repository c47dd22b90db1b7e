//! Parts of the roster in which nothing moves.

use jiff::SignedDuration;
use watch_core::ledger::Item;
use watch_core::ports::CallError;

use super::*;
use crate::roster::shard_of;
use crate::still::StillParts;

fn ledger(world: &World) -> &FakeLedger {
    world.sweep.watch.ledger.as_ref().unwrap()
}

/// The parts of the roster that were read since it was asked last.
fn read(world: &World) -> Vec<String> {
    let mut asked = ledger(world).asked.take();
    asked.retain(|sort| sort.starts_with("roster#") && sort != "roster#still");
    asked
}

impl World {
    fn refuse(&self, operation: &'static str, error: &CallError) {
        let mut kms = self.kms.0.borrow_mut();
        kms.broken.insert(operation, error.clone());
    }

    fn allow(&self, operation: &str) {
        self.kms.0.borrow_mut().broken.remove(operation);
    }
}

fn account() -> World {
    let world = world(&[]);
    for number in 0..90 {
        world.add(&format!("key-{number}"), |key| {
            key.aliases = vec![format!("alias/app-{number}")];
        });
    }
    world.add("aws", |key| {
        key.metadata.manager = Some(Manager::Aws);
        key.aliases = vec!["alias/aws/ebs".to_owned()];
    });
    // Who may not ask for last uses has no reason to read the roster for it.
    let refused = CallError::new("AccessDeniedException", "no");
    world.refuse("GetKeyLastUsage", &refused);
    world
}

#[tokio::test(start_paused = true)]
async fn an_account_that_stands_still_costs_the_lists_and_a_read() {
    let world = account();
    world.run("full", DAY_1).await;
    ledger(&world).calls.take();
    let report = world.run("light", "2026-11-20T04:00:00Z").await;
    assert_eq!(report.sweep.unwrap().looked_at, 0);
    // How far the sweeps are and what stands still; the windows of bursts; one stretch of keys whose last use is asked for.
    let calls: usize = ledger(&world).calls.borrow().values().sum();
    assert!(calls <= 10, "{:?}", ledger(&world).calls);

    // What moves is in its part, and the others are left.
    world.add("another", |_| {});
    world.change("key-7", |key| key.aliases = vec!["alias/b".to_owned()]);
    read(&world);
    world.run("light", "2026-11-20T05:00:00Z").await;
    let moved: BTreeSet<_> = ["another", "key-7"]
        .map(|id| format!("roster#{:02}", shard_of(id)))
        .into();
    let parts = read(&world);
    assert_eq!(parts[..2].iter().cloned().collect::<BTreeSet<_>>(), moved);
    let looked = |id: &str| world.calls(&format!("DescribeKey {id}"));
    assert_eq!(["another", "key-7", "key-8"].map(looked), [1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_part_is_not_read_for_last_uses_that_are_known() {
    let world = account();
    world.allow("GetKeyLastUsage");
    let asked = async |world: &World, when: &str| {
        let report = world.run("light", when).await.sweep.unwrap();
        (report.uses_asked, read(world))
    };
    let first = asked(&world, DAY_1).await;
    assert_eq!(first.0, 90);
    assert_eq!(asked(&world, "2026-11-20T04:00:00Z").await, (0, vec![]));
    // A new key is asked, and its part is read for it: by the sweep, and for the last uses.
    world.add("another", |_| {});
    let part = format!("roster#{:02}", shard_of("another"));
    let parts = vec![part.clone(), part];
    assert_eq!(asked(&world, "2026-11-20T05:00:00Z").await, (1, parts));
    assert_eq!(asked(&world, "2026-11-20T06:00:00Z").await, (0, vec![]));
    // DAY_1 is at three o'clock.
    assert_eq!(asked(&world, "2026-11-20T22:00:00Z").await, (0, vec![]));
    let again = asked(&world, "2026-11-20T23:00:00Z").await;
    assert_eq!(again.0, 90);
    let parts: BTreeSet<_> = again.1.into_iter().collect();
    assert!(parts.len() > 40, "{parts:?}");
    assert_eq!(asked(&world, "2026-11-21T01:00:00Z").await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn without_the_aliases_every_part_is_read() {
    let world = account();
    world.run("full", DAY_1).await;
    let refused = CallError::new("ThrottlingException", "no");
    world.refuse("ListAllAliases", &refused);
    read(&world);
    world.run("light", "2026-11-20T04:00:00Z").await;
    let parts: BTreeSet<_> = read(&world).into_iter().collect();
    assert_eq!(parts.len(), usize::from(SHARDS));
}

/// What becomes of an account from one sweep to the next.
fn move_on(world: &World, random: &mut fastrand::Rng, step: u32) {
    let ids: Vec<_> = world.kms.0.borrow().keys.keys().cloned().collect();
    let some = |random: &mut fastrand::Rng| ids[random.usize(..ids.len())].clone();
    let refused = CallError::new("ThrottlingException", "no");
    for _ in 0..random.u32(..3) {
        let id = some(random);
        match random.u32(..10) {
            0 => world.add(&format!("new-{step}"), |_| {}),
            1 => {
                world.kms.0.borrow_mut().keys.remove(&id);
                return;
            }
            2 => world.change(&id, |key| key.aliases = vec![format!("alias/{step}")]),
            3 => world.change(&id, disabled),
            4 => world.change(&id, |key| key.metadata.state = Some(State::Enabled)),
            5 => world.change(&id, |key| {
                key.metadata.state = Some(State::PendingDeletion);
                key.metadata.deletion_at = Some(at("2026-12-02T03:00:00Z"));
            }),
            6 => world.change(&id, |key| key.unlisted = !key.unlisted),
            7 => world.change(&id, |key| key.denied = !key.denied),
            8 => world.add(&format!("aws-{step}"), |key| {
                key.metadata.manager = Some(Manager::Aws);
                key.aliases = vec![format!("alias/aws/{step}")];
            }),
            _ => {
                let mut kms = world.kms.0.borrow_mut();
                if kms.broken.remove("ListAllAliases").is_none() {
                    kms.broken.insert("ListAllAliases", refused.clone());
                }
            }
        }
    }
}

/// What is remembered of the keys. How bursts are counted depends on which key comes first.
fn kept(world: &World) -> BTreeMap<(String, String), Item> {
    let mut items = ledger(world).items.borrow().clone();
    let is_of_a_key = |sort: &str| {
        let kinds = ["profile", "policy", "grants", "alias#", "roster#"];
        sort != "roster#still" && kinds.iter().any(|kind| sort.starts_with(kind))
    };
    items.retain(|(_, sort), _| is_of_a_key(sort));
    items
}

/// Makes the next sweep read every part.
fn forget_what_to_leave_unread(world: &World, partition: &str) {
    let (still, position) = (StillParts::key(partition), Position::key(partition));
    let mut items = ledger(world).items.borrow_mut();
    items.remove(&(still.partition, still.sort));
    if let Some(position) = items.get_mut(&(position.partition, position.sort)) {
        position.remove("useDue");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_leaves_parts_unread_sees_what_one_that_reads_all_sees() {
    let mut left_unread = 0;
    for seed in 0..4 {
        let (one, all) = (account(), account());
        for world in [&one, &all] {
            // In half of the cases last uses are asked for.
            if seed % 2 == 1 {
                world.allow("GetKeyLastUsage");
            }
        }
        for step in 0..50 {
            for world in [&one, &all] {
                move_on(
                    world,
                    &mut fastrand::Rng::with_seed(seed * 1_000 + u64::from(step)),
                    step,
                );
            }
            let partition = all.sweep.account().account_key();
            forget_what_to_leave_unread(&all, &partition);
            let when = at(DAY_1) + SignedDuration::from_hours(i64::from(step));
            let depth = if step % 24 == 0 { "full" } else { "light" };
            // Some have no time for all.
            let left = (step % 7 == 3).then(|| Duration::from_millis(40));
            let mut answers = Vec::new();
            for world in [&one, &all] {
                let report = world.try_run(depth, &when.to_string(), left).await;
                answers.push((
                    report
                        .map_err(|error| error.to_string())
                        .map(|report| report.sweep),
                    world.told(),
                ));
            }
            let context = format!("seed {seed}, step {step}");
            let mut answers = answers.into_iter();
            let (mut one_said, mut all_said) = (answers.next().unwrap(), answers.next().unwrap());
            for said in [&mut one_said, &mut all_said] {
                if let (Ok(Some(summary)), _) = said {
                    summary.seconds = 0.0;
                }
            }
            assert_eq!(
                format!("{one_said:?}"),
                format!("{all_said:?}"),
                "{context}"
            );
            left_unread += read(&all).len() - read(&one).len();
            assert_eq!(kept(&one), kept(&all), "{context}");
        }
    }
    assert!(left_unread > 500, "{left_unread}");
}
