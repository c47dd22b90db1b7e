//! Sweeps over an account of fakes, run after run.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use watch_core::answers::KeyStoreData;
use watch_core::decision::Decision;
use watch_core::event::Event;
use watch_core::fakes::{
    FakeAccount, FakeClock, FakeKey, FakeLedger, FakeMetrics, FakeParts, FakeTopics, FakeTrail,
};
use watch_core::key::{Manager, Origin, State};
use watch_core::kinds::{GrantRetired, KeyDisabled, KeyPolicyChanged, KeyShared};
use watch_core::pipeline::Verdict;
use watch_core::text::Untrusted;

use super::*;

mod access;
mod attest;
mod dependants;
mod lists;
mod poison;
mod still;
mod usual;
mod watch;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn arn(id: &str) -> KeyArn {
    FakeAccount::arn(id)
}

fn decide(event: &Event) -> Decision {
    match event {
        Event::CloudTrail(record) if record.name.as_str() == "DisableKey" => {
            Decision::change(record, |_| KeyDisabled::default())
        }
        Event::CloudTrail(record) if record.name.as_str() == "PutKeyPolicy" => {
            Decision::change(record, |call| {
                KeyPolicyChanged::asked_for(call.requested_raw("policy"), false)
            })
        }
        Event::Share(share) => Decision::share(share, KeyShared::told(share)),
        Event::CloudTrail(record) if record.name.as_str() == "RetireGrant" => {
            Decision::change(record, |call| {
                GrantRetired::by(&record.actor, call.requested("grantId"))
            })
        }
        _ => Decision::not_mine(event),
    }
}

struct Fakes;

impl Ports for Fakes {
    type Kms = FakeAccount;
    type Facts = FakeAccount;
    type Topics = FakeTopics;
    type Ledger = FakeLedger;
    type Clock = FakeClock;
    type Trail = FakeTrail;
    type Recorder = FakeTrail;
    type Metrics = FakeMetrics;
    type Parts = FakeParts;
}

/// A sweep with the fakes at hand.
struct World {
    sweep: Sweep<Fakes>,
    kms: FakeAccount,
    topics: FakeTopics,
    trail: FakeTrail,
    metrics: FakeMetrics,
    parts: FakeParts,
    runs: Cell<u32>,
}

fn world(variables: &[(&str, &str)]) -> World {
    let mut map = BTreeMap::from([
        (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:people",
        ),
        ("FEED_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:feed"),
        ("LEDGER_TABLE", "ledger"),
        ("DIGEST", "OFF"),
    ]);
    map.extend(variables.iter().copied());
    let config =
        SweepConfig::from_lookup(|name| map.get(name).map(|value| (*value).to_owned()), &[])
            .unwrap();
    let (kms, topics) = (FakeAccount::default(), FakeTopics::default());
    let (trail, metrics) = (FakeTrail::default(), FakeMetrics::default());
    let parts = FakeParts::default();
    World {
        sweep: Sweep {
            watch: Watch {
                function: "key-inventory",
                config: config.alerts.clone(),
                decide: Decision::not_mine,
                kms: kms.clone(),
                topics: topics.clone(),
                ledger: Some(FakeLedger::default()),
                clock: SweepClock::new(FakeClock::at("2030-01-01T00:00:00Z")),
            },
            kms: Paced::new(kms.clone()),
            trail: trail.clone(),
            recorder: trail.clone(),
            metrics: metrics.clone(),
            parts: parts.clone(),
            config,
            decides: vec![decide],
        },
        kms,
        topics,
        trail,
        metrics,
        parts,
        runs: Cell::new(0),
    }
}

impl World {
    fn add(&self, id: &str, change: impl FnOnce(&mut FakeKey)) {
        let mut key = FakeKey::default();
        change(&mut key);
        self.kms.0.borrow_mut().keys.insert(id.to_owned(), key);
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut FakeKey)) {
        change(self.kms.0.borrow_mut().keys.get_mut(id).unwrap());
    }

    async fn try_run(
        &self,
        depth: &str,
        when: &str,
        left: Option<Duration>,
    ) -> Result<Report, SweepError> {
        self.runs.update(|runs| runs + 1);
        self.kms.0.borrow_mut().calls.clear();
        let request = format!("request-{}", self.runs.get());
        self.sweep
            .handle(&json!({"sweep": depth, "at": when}), &request, left)
            .await
    }

    async fn run(&self, depth: &str, when: &str) -> Report {
        self.try_run(depth, when, None).await.unwrap()
    }

    /// What the feed got since it was asked last: kind, name and how it was heard of.
    fn told(&self) -> Vec<String> {
        let alerts = self.topics.feed();
        self.topics.sent.take();
        let mut told: Vec<_> = alerts
            .iter()
            .map(|alert| {
                let id = alert["key"]["id"]
                    .as_str()
                    .or(alert["keyStore"]["id"].as_str())
                    .unwrap_or("account");
                assert_eq!(alert["source"]["via"], "SWEEP", "{alert}");
                format!("{} {id}", alert["kind"].as_str().unwrap())
            })
            .collect();
        told.sort();
        told
    }

    fn calls(&self, of: &str) -> u64 {
        self.kms
            .0
            .borrow()
            .calls
            .get(of)
            .copied()
            .unwrap_or_default()
    }
}

const DAY_1: &str = "2026-11-20T03:00:00Z";
const DAY_2: &str = "2026-11-21T03:00:00Z";

fn disabled(key: &mut FakeKey) {
    key.metadata.state = Some(State::Disabled);
}

fn disable_record(id: &str, event: &str, when: &str) -> Value {
    json!({
        "eventVersion": "1.11", "eventSource": "kms.amazonaws.com", "eventName": "DisableKey", "eventTime": when,
        "eventID": event, "eventType": "AwsApiCall", "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
        "readOnly": false, "resources": [{"ARN": arn(id).to_string(), "accountId": "111122223333", "type": "AWS::KMS::Key"}],
        "userIdentity": {"type": "IAMUser", "userName": "maria", "arn": "arn:aws:iam::111122223333:user/maria", "accountId": "111122223333"}
    })
}

#[tokio::test(start_paused = true)]
async fn the_first_sweep_learns_silently_but_says_what_is_due() {
    let world = world(&[]);
    world.add("plain", |_| {});
    world.add("off", disabled);
    world.add("going", |key| {
        key.metadata.state = Some(State::PendingDeletion);
        key.metadata.deletion_at = Some(at("2026-11-22T03:00:00Z"));
    });
    world.add("ending", |key| {
        key.metadata.origin = Some(Origin::External);
        key.metadata.expires_at = Some(at("2026-12-01T00:00:00Z"));
        key.rotation = None;
    });
    world.add("aws", |key| {
        key.metadata.manager = Some(Manager::Aws);
        key.aliases = vec!["alias/aws/ebs".to_owned()];
    });
    // Light as it was asked for: who knows nothing has to look at everything.
    let report = world.run("light", DAY_1).await;
    assert_eq!(
        world.told(),
        ["KeyDeletionNear going", "KeyMaterialExpiring ending"]
    );
    let summary = report.sweep.unwrap();
    assert_eq!(
        (
            summary.depth,
            summary.finished,
            summary.listed,
            summary.looked_at
        ),
        (Depth::Full, true, 5, 4)
    );
    // AWS's key is known by its name alone.
    assert_eq!(world.calls("DescribeKey aws"), 0);
    assert_eq!(world.calls("GetKeyPolicy"), 4);
    // An imported key does not rotate by itself, so only its materials are listed; the alert about it asks for both.
    assert_eq!(
        (
            world.calls("GetKeyRotationStatus ending"),
            world.calls("ListKeyRotations ending")
        ),
        (1, 2)
    );

    // Each step once.
    world.run("full", DAY_2).await;
    assert_eq!(world.told(), ["KeyDeletionNear going"]);
    world.run("light", "2026-11-21T04:00:00Z").await;
    assert!(world.told().is_empty());
    assert_eq!(world.calls("GetKeyPolicy"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_light_sweep_looks_only_at_what_moves() {
    let world = world(&[]);
    for id in ["a", "b", "c"] {
        world.add(id, |_| {});
    }
    world.add("going", |key| {
        key.metadata.state = Some(State::PendingDeletion);
        key.metadata.deletion_at = Some(at("2026-12-22T03:00:00Z"));
    });
    world.run("full", DAY_1).await;
    world.change("a", |key| key.aliases = vec!["alias/a".to_owned()]);
    world.change("b", disabled);
    world.add("new", |_| {});
    world.run("light", "2026-11-20T04:00:00Z").await;
    let looked = |id: &str| world.calls(&format!("DescribeKey {id}"));
    assert_eq!(["a", "b", "c", "going", "new"].map(looked), [1, 0, 0, 1, 1]);
    // What is new is looked at as closely as by a full one.
    assert_eq!(
        (
            world.calls("ListResourceTags new"),
            world.calls("ListResourceTags a")
        ),
        (1, 0)
    );
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_difference_is_held_then_told_by_its_record_or_by_what_kms_says() {
    let world = world(&[]);
    for id in ["recorded", "unrecorded", "told"] {
        world.add(id, |_| {});
    }
    world.run("full", DAY_1).await;
    for id in ["recorded", "unrecorded", "told"] {
        world.change(id, disabled);
    }
    world
        .trail
        .records
        .borrow_mut()
        .push(disable_record("recorded", "e1", "2026-11-20T20:00:00Z"));
    world.run("full", DAY_2).await;
    assert!(world.told().is_empty(), "held");
    // An event comes late, and is told by its function.
    let late = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "account": "111122223333",
        "time": "2026-11-20T21:00:00Z", "region": "us-east-1", "detail": disable_record("told", "e2", "2026-11-20T21:00:00Z")});
    let event = Event::read(&late).unwrap();
    let Decision::Report(occurrence) = decide(&event) else {
        panic!()
    };
    world
        .sweep
        .watch
        .report(*occurrence, "another")
        .await
        .unwrap();
    world.topics.sent.take();
    world.run("light", "2026-11-21T03:29:00Z").await;
    assert!(world.told().is_empty(), "held");

    world.run("light", "2026-11-21T03:30:00Z").await;
    let alerts = world.topics.feed();
    assert_eq!(
        world.told(),
        ["KeyDisabled recorded", "KeyDisabled unrecorded"]
    );
    let by_record = alerts
        .iter()
        .find(|alert| alert["key"]["id"] == "recorded")
        .unwrap();
    assert_eq!(
        (&by_record["occurredAt"], &by_record["actor"]["name"]),
        (&json!("2026-11-20T20:00:00Z"), &json!("maria"))
    );
    assert_eq!(by_record["source"]["eventId"], "e1");
    let by_state = alerts
        .iter()
        .find(|alert| alert["key"]["id"] == "unrecorded")
        .unwrap();
    assert_eq!(
        (&by_state["occurredAt"], &by_state["actor"]),
        (&json!(DAY_2), &Value::Null)
    );
    assert_eq!(*world.trail.asked.borrow(), ["DisableKey"]);

    // Never again, neither by a sweep nor by an event that comes after all.
    for when in ["2026-11-21T04:30:00Z", "2026-11-22T03:00:00Z"] {
        world.run("full", when).await;
        assert!(world.told().is_empty(), "{when}");
    }
    for (id, event) in [("recorded", "e1"), ("unrecorded", "e9")] {
        let record = disable_record(id, event, "2026-11-20T20:00:00Z");
        let late = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "detail": record});
        let Decision::Report(occurrence) = decide(&Event::read(&late).unwrap()) else {
            panic!()
        };
        let outcome = world.sweep.watch.report(*occurrence, event).await.unwrap();
        assert_eq!(outcome.verdict, Verdict::Duplicate, "{id}");
    }
    // But when it happens again.
    world.change("unrecorded", |key| {
        key.metadata.state = Some(State::Enabled)
    });
    world.run("full", "2026-11-23T03:00:00Z").await;
    world.run("light", "2026-11-23T04:00:00Z").await;
    assert_eq!(world.told(), ["KeyEnabled unrecorded"]);
    world.change("unrecorded", disabled);
    world.run("full", "2026-11-24T03:00:00Z").await;
    world.run("light", "2026-11-24T04:00:00Z").await;
    assert_eq!(world.told(), ["KeyDisabled unrecorded"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_hold_a_difference_is_told_at_once() {
    let world = world(&[("SWEEP_HOLD_MINUTES", "0")]);
    world.add("k", |_| {});
    world.run("full", DAY_1).await;
    world.change("k", |key| {
        key.metadata.state = Some(State::PendingDeletion);
        key.metadata.deletion_at = Some(at("2026-11-28T02:00:00Z"));
    });
    world.trail.broken.set(true);
    world.run("full", DAY_2).await;
    // Not yet that it is near, although seven days are left.
    assert_eq!(world.told(), ["KeyDeletionScheduled k"]);
    world.run("light", "2026-11-21T23:00:00Z").await;
    assert!(world.told().is_empty());
    world.run("light", "2026-11-22T04:00:00Z").await;
    assert_eq!(world.told(), ["KeyDeletionNear k"]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_told_is_told_by_the_next_run() {
    let world = world(&[("SWEEP_HOLD_MINUTES", "0")]);
    world.add("k", |_| {});
    world.run("full", DAY_1).await;
    world.change("k", disabled);
    world.topics.broken.borrow_mut().push("");
    let error = world.try_run("full", DAY_2, None).await.unwrap_err();
    assert_eq!(error.kind(), "SweepIncomplete");
    assert!(world.told().is_empty());
    world.topics.broken.take();
    // Lambda tries again, with the same id: nothing is looked at again that stands still.
    world.runs.update(|runs| runs - 1);
    let report = world.run("full", DAY_2).await;
    assert_eq!(report.sweep.unwrap().depth, Depth::Light);
    assert_eq!(world.told(), ["KeyDisabled k"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_is_gone_only_when_kms_says_so_twice() {
    let world = world(&[]);
    for id in ["stays", "due", "early", "hidden"] {
        world.add(id, |_| {});
    }
    for (id, date) in [
        ("due", "2026-11-20T20:00:00Z"),
        ("early", "2026-12-20T20:00:00Z"),
    ] {
        world.change(id, |key| {
            key.metadata.state = Some(State::PendingDeletion);
            key.metadata.deletion_at = Some(at(date));
            key.aliases = vec![format!("alias/{id}")];
        });
    }
    world.run("full", DAY_1).await;
    world.told();
    let gone = |id: &str| world.kms.0.borrow_mut().keys.remove(id).unwrap();
    gone("due");
    gone("early");
    world.change("hidden", |key| key.unlisted = true);
    world.run("light", DAY_2).await;
    assert!(world.told().is_empty(), "held");
    // A list that ends too early is none.
    let stays = gone("stays");
    world
        .kms
        .0
        .borrow_mut()
        .broken
        .insert("ListKeys", CallError::new("KMSInternalException", ""));
    assert_eq!(
        world
            .try_run("light", "2026-11-21T03:30:00Z", None)
            .await
            .unwrap_err()
            .kind(),
        "KeysNotListed"
    );
    world.kms.0.borrow_mut().broken.clear();
    world
        .kms
        .0
        .borrow_mut()
        .keys
        .insert("stays".to_owned(), stays);

    world.run("light", "2026-11-21T04:00:00Z").await;
    let alerts = world.topics.feed();
    assert_eq!(world.told(), ["KeyDeleted due", "KeyVanished early"]);
    let deleted = alerts
        .iter()
        .find(|alert| alert["kind"] == "KeyDeleted")
        .unwrap();
    assert_eq!(deleted["key"]["aliases"], json!(["alias/due"]));
    assert_eq!(deleted["occurredAt"], "2026-11-20T20:00:00Z");
    world.run("full", "2026-11-22T03:00:00Z").await;
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nears_its_end_hands_over_and_nothing_is_done_twice() {
    let world = world(&[]);
    let ids: BTreeSet<String> = (0..400).map(|number| format!("key-{number}")).collect();
    for id in &ids {
        world.add(id, |_| {});
    }
    world.kms.0.borrow_mut().page = 1_000;
    // Three keys a second: the run ends long before they do.
    let slow = Paced::new(world.kms.clone()).with_factor(0.003);
    let world = World {
        sweep: Sweep {
            kms: slow,
            ..world.sweep
        },
        ..world
    };
    let mut looked = BTreeMap::<String, u64>::new();
    let mut runs = 0;
    loop {
        runs += 1;
        let report = world
            .try_run("full", DAY_1, Some(Duration::from_secs(40)))
            .await
            .unwrap();
        for (call, count) in &world.kms.0.borrow().calls {
            if let Some(id) = call.strip_prefix("DescribeKey ") {
                *looked.entry(id.to_owned()).or_default() += count;
            }
        }
        assert!(runs < 30, "does not come to an end");
        if report.sweep.unwrap().finished {
            break;
        }
    }
    assert!(runs > 2, "{runs}");
    assert_eq!(looked.keys().cloned().collect::<BTreeSet<_>>(), ids);
    // A part of the roster that was not done in time is begun again, and no more than that.
    let again: u64 = looked.values().map(|count| count - 1).sum();
    assert!(again <= runs * 12, "{again} in {runs} runs");
    let keys = world
        .metrics
        .put
        .borrow()
        .iter()
        .find(|datum| datum.name == "Keys")
        .unwrap()
        .value;
    assert_eq!(keys, 400.0);
}

#[tokio::test(start_paused = true)]
async fn what_the_watch_may_not_see_is_counted_and_asked_again() {
    let world = world(&[("DIGEST", "WEEKLY")]);
    world.add("open", |_| {});
    world.add("closed", |key| key.denied = true);
    world.run("full", DAY_1).await;
    let digest = world.topics.feed().last().unwrap().clone();
    assert_eq!(world.told(), ["InventoryDigest account"]);
    let details = &digest["details"];
    assert_eq!(
        (&details["totals"]["keys"], &details["totals"]["blindSpots"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(details["blindSpots"][0]["key"], arn("closed").to_string());
    assert!(
        details["statement"]
            .as_str()
            .unwrap()
            .contains("kms:DescribeKey")
    );
    let value = |name: &str| {
        world
            .metrics
            .put
            .borrow()
            .iter()
            .rev()
            .find(|datum| datum.name == name)
            .unwrap()
            .value
    };
    assert_eq!(value("BlindSpots"), 1.0);
    // Once a week.
    world.run("full", DAY_2).await;
    assert!(world.told().is_empty());
    world.run("full", "2026-11-23T03:00:00Z").await;
    assert_eq!(world.told(), ["InventoryDigest account"]);
}

#[tokio::test(start_paused = true)]
async fn a_key_store_that_fails_is_told_once_and_again_when_it_fails_again() {
    let world = world(&[]);
    let store = |state: &str, code: Option<&str>| {
        let data = KeyStoreData {
            connection_state: Some(Untrusted::new(state)),
            error_code: code.map(Untrusted::new),
            ..KeyStoreData::default()
        };
        world
            .kms
            .0
            .borrow_mut()
            .stores
            .insert("cks-1".to_owned(), data);
    };
    world.add("held", |key| {
        key.metadata.custom_key_store_id = Some(Untrusted::new("cks-1"))
    });
    store("CONNECTED", None);
    world.run("full", DAY_1).await;
    assert!(world.told().is_empty());
    store("FAILED", Some("NETWORK_ERRORS"));
    world.run("light", "2026-11-20T04:00:00Z").await;
    assert_eq!(world.told(), ["KeyStoreUnhealthy cks-1"]);
    world.run("light", "2026-11-20T05:00:00Z").await;
    assert!(world.told().is_empty());
    store("CONNECTED", None);
    world.run("light", "2026-11-20T06:00:00Z").await;
    store("DISCONNECTED", None);
    world.run("light", "2026-11-20T07:00:00Z").await;
    assert!(world.told().is_empty(), "whoever did it has an event");
    world.run("light", "2026-11-20T08:00:00Z").await;
    assert_eq!(world.told(), ["KeyStoreUnhealthy cks-1"]);
}

#[tokio::test(start_paused = true)]
async fn last_uses_are_asked_slowly_those_that_waited_longest_first() {
    let world = world(&[]);
    for number in 0..300 {
        world.add(&format!("key-{number}"), |_| {});
    }
    // Two a second for a minute.
    for hour in 3..5 {
        let report = world
            .run("full", &format!("2026-11-20T0{hour}:00:00Z"))
            .await;
        let asked = report.sweep.unwrap().uses_asked;
        assert!((118..=122).contains(&asked), "{asked}");
    }
    world.run("light", "2026-11-20T05:00:00Z").await;
    let known = |ledger: &FakeLedger| {
        let items = ledger.items.borrow();
        items
            .iter()
            .filter(|((_, sort), item)| sort == "profile" && item.contains_key("lastUse"))
            .count()
    };
    assert_eq!(known(world.sweep.watch.ledger.as_ref().unwrap()), 300);
    let again = world
        .run("light", "2026-11-20T06:00:00Z")
        .await
        .sweep
        .unwrap()
        .uses_asked;
    assert_eq!(again, 0, "not within the day");
}

#[tokio::test(start_paused = true)]
async fn without_its_ledger_a_sweep_fails_and_says_so() {
    let world = world(&[]);
    world.add("k", |_| {});
    *world
        .sweep
        .watch
        .ledger
        .as_ref()
        .unwrap()
        .error
        .borrow_mut() = Some(CallError::new("ResourceNotFoundException", "no table"));
    let error = world.try_run("full", DAY_1, None).await.unwrap_err();
    assert_eq!(error.kind(), "LedgerFailed");
    assert!(world.told().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_no_order_is_handled_as_any_function_does() {
    let world = world(&[]);
    for (payload, expected) in [
        (json!({"sweep": "deep"}), Verdict::Delivered),
        (
            json!({"source": "aws.kms", "detail-type": "KMS CMK Rotation", "detail": {"key-id": "k"},
            "resources": [arn("k").to_string()]}),
            Verdict::Ignored,
        ),
    ] {
        let report = world.sweep.handle(&payload, "r", None).await.unwrap();
        assert_eq!(report.outcome.verdict, expected, "{payload}");
        assert!(report.sweep.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_waited_does_not_set_the_clock_back() {
    let world = world(&[("STACK_NAME", "kms-watch")]);
    world.add("k", |_| {});
    world.run("full", DAY_2).await;
    // Out of a queue of failed ones, in 2030 by the clock on the wall.
    let report = world.run("full", DAY_1).await;
    assert_eq!(report.sweep.unwrap().at, at("2030-01-01T00:00:00Z"));
    let age = world
        .metrics
        .put
        .borrow()
        .iter()
        .rev()
        .find(|datum| datum.name == "FullSweepAge")
        .cloned()
        .unwrap();
    assert_eq!(age.value, 0.0);
    assert_eq!(age.dimensions, [("Stack", "kms-watch".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_forged_position_silences_no_sweep() {
    let forgeries = [
        json!({"runAt": "2036-01-01T00:00:00Z", "fullAt": "2036-01-01T00:00:00Z"}),
        json!({"pass": {"depth": "full", "startedAt": DAY_1, "shard": 200, "seconds": 0.0, "tally": {}}}),
        json!({"pass": "x"}),
        json!({}),
    ];
    for forgery in forgeries {
        let world = world(&[("SWEEP_HOLD_MINUTES", "0")]);
        world.add("k", |_| {});
        world.run("full", DAY_1).await;
        world.change("k", |key| key.metadata.state = Some(State::Disabled));
        {
            let ledger = world.sweep.watch.ledger.as_ref().unwrap();
            let mut items = ledger.items.borrow_mut();
            let position = items
                .values_mut()
                .find(|item| item.get("sk").is_some_and(|sk| sk == "sweep"))
                .unwrap();
            position.retain(|name, _| name == "pk" || name == "sk");
            position.extend(forgery.as_object().unwrap().clone());
        }
        world.run("full", DAY_2).await;
        let told = world
            .topics
            .sent
            .borrow()
            .iter()
            .any(|sent| sent.body.contains("KeyDisabled"));
        assert!(told, "{forgery}");
        let report = world.run("light", DAY_2).await;
        assert_eq!(report.sweep.unwrap().at, at(DAY_2), "{forgery}");
    }
}
