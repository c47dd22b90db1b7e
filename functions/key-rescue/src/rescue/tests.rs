//! What is promised of a rescue, whatever happens on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::{Value, json};
use watch_core::config::{RescueConfig, RescueMode};
use watch_core::decision::Decision;
use watch_core::fakes::{
    FakeClock, FakeKms, FakeLedger, FakeTopics, FakeVault, Mishap, protected_key,
};
use watch_core::key::State;

use super::*;

const KEY: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ROLE: &str = "arn:aws:iam::111122223333:role/kms-watch-KeyRescueRole-1A2B";
/// When it happens in these tests, and when KMS deletes the key.
const AT: &str = "2026-11-20T12:00:00Z";
const DELETION: &str = "2026-12-20T12:00:00Z";

type World = Rescue<FakeVault, FakeTopics, FakeLedger, FakeClock, FakeVault, FakeVault>;

fn world_of(vault: &FakeVault, changes: &[(&str, &str)]) -> World {
    let mut settings: BTreeMap<_, _> = BTreeMap::from([
        (
            "ALERT_TOPIC_ARN",
            "arn:aws:sns:us-east-1:111122223333:people",
        ),
        ("FEED_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:feed"),
        ("LEDGER_TABLE", "ledger"),
        ("RESCUE_ROLE_ARN", ROLE),
        ("RESCUE_MODE", "act"),
        (
            "RESCUE_ACTIONS",
            "cancel-deletion,enable-rotation,enable-key",
        ),
        ("RESCUE_EXEMPT", "arn:aws:iam::111122223333:role/Retire*"),
        ("RESCUE_PER_HOUR", "20"),
        ("RESCUE_SWITCH", "/kms-watch/kms-watch/rescue"),
    ]);
    settings.extend(changes.iter().copied());
    let lookup = |name: &str| settings.get(name).map(|value| (*value).to_owned());
    let config = RescueConfig::from_lookup(lookup, &[]).unwrap();
    Rescue {
        watch: Watch {
            function: NAME,
            config: config.alerts,
            decide: Decision::not_mine,
            kms: vault.clone(),
            topics: FakeTopics::default(),
            ledger: Some(FakeLedger::default()),
            clock: FakeClock::at("2026-11-20T12:01:00Z"),
        },
        settings: config.rescue,
        rescuer: vault.clone(),
        switch: vault.clone(),
    }
}

fn pending() -> FakeVault {
    FakeVault::new(protected_key(DELETION))
}

/// A protected key that is Disabled, of which rotation is off.
fn off() -> FakeVault {
    let mut kms = protected_key(DELETION);
    let metadata = kms.metadata.as_mut().unwrap();
    (metadata.state, metadata.deletion_at) = (Some(State::Disabled), None);
    kms.rotation.as_mut().unwrap().enabled = false;
    FakeVault::new(kms)
}

/// A record of a call by somebody, with the number as its id.
fn call(name: &str, number: u32) -> Value {
    json!({
        "version": "0", "id": format!("e-{number}"), "source": "aws.kms", "account": "111122223333",
        "detail-type": "AWS API Call via CloudTrail", "time": AT, "region": "us-east-1", "resources": [],
        "detail": {
            "eventSource": "kms.amazonaws.com", "eventName": name, "eventTime": AT, "awsRegion": "us-east-1",
            "eventID": format!("00000000-0000-4000-8000-{number:012}"), "recipientAccountId": "111122223333",
            "requestParameters": {"keyId": KEY, "pendingWindowInDays": 30},
            "userIdentity": {
                "type": "AssumedRole", "accountId": "111122223333",
                "arn": "arn:aws:sts::111122223333:assumed-role/KeyAdmin/j.okafor",
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/KeyAdmin"}},
            },
            "resources": [{"accountId": "111122223333", "type": "AWS::KMS::Key",
                           "ARN": format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}")}],
        },
    })
}

fn schedule(number: u32) -> Value {
    call("ScheduleKeyDeletion", number)
}

fn press(what: &str) -> Value {
    json!({"rescue": what, "keyId": KEY, "region": "us-east-1"})
}

fn by_role(mut event: Value, role: &str) -> Value {
    event["detail"]["userIdentity"]["sessionContext"]["sessionIssuer"]["arn"] = role.into();
    event
}

/// Kinds of the alerts that people got, in that order.
fn told(world: &World) -> Vec<String> {
    let alerts = world.watch.topics.feed();
    let kinds = alerts
        .iter()
        .map(|alert| alert["kind"].as_str().unwrap().to_owned());
    kinds.collect()
}

fn details(world: &World) -> Value {
    world.watch.topics.feed().pop().unwrap()["details"].clone()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(future)
}

/// Schedules again, as somebody may.
fn again(vault: &FakeVault, deletion_at: &str) {
    vault.change(|vault| {
        vault.kms.metadata = protected_key(deletion_at).metadata;
    });
}

#[test]
fn a_deletion_of_a_protected_key_is_cancelled_once_and_told() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        let outcome = world.handle(&schedule(1), "r1").await.unwrap();
        assert_eq!(outcome.alerts.len(), 1);
        assert_eq!(vault.acts(), ["CancelKeyDeletion"]);
        assert_eq!(told(&world), ["KeyRescued"]);
        let details = details(&world);
        assert_eq!(details["order"]["action"], "CancelKeyDeletion");
        assert_eq!(details["order"]["trigger"], "EVENT");
        assert_eq!(details["order"]["causedBy"], "KeyAdmin/j.okafor");
        assert_eq!(details["requestId"], "79b38166-9149-48ca-a75a-4a1c15dd743d");
        // EventBridge may deliver twice.
        let outcome = world.handle(&schedule(1), "r2").await.unwrap();
        assert_eq!(outcome.verdict, Told::Ignored);
        assert_eq!((vault.acts().len(), told(&world).len()), (1, 1));
    });
}

#[test]
fn rotation_and_the_key_itself_are_enabled_again() {
    run(async {
        let vault = off();
        vault.change(|vault| vault.kms.rotation.as_mut().unwrap().period_days = Some(180));
        let world = world_of(&vault, &[]);
        world
            .handle(&call("DisableKeyRotation", 1), "r1")
            .await
            .unwrap();
        world.handle(&call("DisableKey", 2), "r2").await.unwrap();
        assert_eq!(vault.acts(), ["EnableKeyRotation", "EnableKey"]);
        assert_eq!(told(&world), ["KeyRescued", "KeyRescued"]);
        let kms = vault.change(|vault| vault.kms.clone());
        assert_eq!(kms.rotation.unwrap().period_days, Some(180));
        // Only what the stack is told to do.
        let vault = off();
        let world = world_of(&vault, &[("RESCUE_ACTIONS", "cancel-deletion")]);
        for name in ["DisableKeyRotation", "DisableKey"] {
            let outcome = world.handle(&call(name, 3), "r3").await.unwrap();
            assert_eq!(outcome.verdict, Told::Ignored, "{name}");
        }
        assert_eq!((vault.acts().len(), told(&world).len()), (0, 0));
    });
}

#[test]
fn guards_leave_a_key_alone() {
    let changed = |pointer: &str, value: Value| {
        let mut event = schedule(1);
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let mut replay = schedule(1);
    replay["replay-name"] = "monday".into();
    let mut failed = schedule(1);
    failed["detail"]["errorCode"] = "AccessDenied".into();
    let mut nobody = schedule(1);
    nobody.as_object_mut().unwrap().remove("account");
    let foreign = "arn:aws:kms:us-east-1:444455556666:key/x";
    let elsewhere = "arn:aws:kms:eu-west-1:111122223333:key/x";
    for (why, event) in [
        ("a replay", replay),
        ("a failed call", failed),
        ("an event of nobody", nobody),
        (
            "an event of another account",
            changed("/account", "444455556666".into()),
        ),
        (
            "an old event",
            changed("/detail/eventTime", "2026-11-19T11:00:00Z".into()),
        ),
        (
            "an event of the future",
            changed("/detail/eventTime", "2026-11-20T13:00:00Z".into()),
        ),
        (
            "a key of another account",
            changed("/detail/resources/0/ARN", foreign.into()),
        ),
        (
            "a key of another Region",
            changed("/detail/resources/0/ARN", elsewhere.into()),
        ),
        ("KMS Watch itself", by_role(schedule(1), ROLE)),
        (
            "somebody exempt",
            by_role(schedule(1), "arn:aws:iam::111122223333:role/RetireKeys"),
        ),
        ("another call", call("PutKeyPolicy", 1)),
    ] {
        run(async {
            let vault = pending();
            let world = world_of(&vault, &[]);
            let outcome = world.handle(&event, "r").await.unwrap();
            assert_eq!(outcome.verdict, Told::Ignored, "{why}");
            assert_eq!((vault.acts().len(), told(&world).len()), (0, 0), "{why}");
        });
    }
}

#[test]
fn what_kms_says_of_the_key_decides() {
    type Change = fn(&mut FakeKms);
    let changes: [(&str, Change); 6] = [
        ("without the tag", |kms| kms.tags = FakeKms::default().tags),
        ("the tag says no", |kms| {
            let tags = kms.tags.as_mut().unwrap();
            tags.insert(Untrusted::new("kms-watch:protect"), Untrusted::new("false"));
        }),
        ("the tag in capitals", |kms| {
            let tags = kms.tags.as_mut().unwrap();
            tags.insert(Untrusted::new("kms-watch:protect"), Untrusted::new("TRUE"));
        }),
        ("planned", |kms| {
            let tags = kms.tags.as_mut().unwrap();
            tags.insert(Untrusted::new("kms-watch:planned"), Untrusted::new("CHG-1"));
        }),
        ("cancelled since", |kms| {
            let metadata = kms.metadata.as_mut().unwrap();
            (metadata.state, metadata.deletion_at) = (Some(State::Disabled), None);
        }),
        ("of AWS", |kms| {
            kms.metadata.as_mut().unwrap().manager = Some(watch_core::key::Manager::Aws);
        }),
    ];
    for (why, change) in changes {
        run(async {
            let vault = pending();
            vault.change(|vault| change(&mut vault.kms));
            let world = world_of(&vault, &[]);
            let outcome = world.handle(&schedule(1), "r").await.unwrap();
            assert_eq!(outcome.verdict, Told::Ignored, "{why}");
            assert_eq!((vault.acts().len(), told(&world).len()), (0, 0), "{why}");
        });
    }
}

/// A key without the tag, with these aliases.
fn named(aliases: &[&str]) -> FakeVault {
    let vault = pending();
    vault.change(|vault| {
        vault.kms.tags = FakeKms::default().tags;
        vault.kms.aliases = Ok(aliases.iter().map(|alias| Untrusted::new(alias)).collect());
    });
    vault
}

#[test]
fn an_alias_and_the_list_protect_as_the_tag_does() {
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}");
    let other = "arn:aws:kms:us-east-1:111122223333:key/c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
    let elsewhere = arn.replace("us-east-1", "eu-west-1");
    let pattern = ("PROTECTED_ALIASES", "alias/prod-*,alias/ledger");
    for (aliases, variable, acts) in [
        (&["alias/prod-pay"][..], pattern, true),
        (&["alias/a", "alias/ledger"], pattern, true),
        (
            &["alias/my-prod-pay", "alias/Prod-pay", "alias/ledger2"],
            pattern,
            false,
        ),
        (&[], pattern, false),
        (&[], ("PROTECTED_KEYS", arn.as_str()), true),
        (&["alias/prod-pay"], ("PROTECTED_KEYS", other), false),
        (&[], ("PROTECTED_KEYS", elsewhere.as_str()), false),
        (&["alias/prod-pay"], ("PROTECTED_ALIASES", ""), false),
    ] {
        for order in [schedule(1), press("cancel-key-deletion")] {
            run(async {
                let vault = named(aliases);
                let world = world_of(&vault, &[variable]);
                let outcome = world.handle(&order, "r").await.unwrap();
                assert_eq!(
                    vault.acts().len(),
                    usize::from(acts),
                    "{aliases:?} {variable:?}"
                );
                assert_eq!(told(&world).len(), usize::from(acts));
                if !acts {
                    assert_eq!(outcome.reason.as_deref(), Some("the key is not protected"));
                }
            });
        }
    }
}

/// The other ways are enough. Without them nobody knows whether an alias protects the key.
#[test]
fn aliases_that_cannot_be_read_are_told_where_they_would_decide() {
    let pattern = ("PROTECTED_ALIASES", "alias/prod-*");
    let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}");
    for (tagged, more, acts) in [
        (false, None, false),
        (true, None, true),
        (false, Some(("PROTECTED_KEYS", arn.as_str())), true),
    ] {
        run(async {
            let vault = if tagged { pending() } else { named(&[]) };
            let denied = CallError::new("AccessDeniedException", "no");
            vault.change(|vault| vault.kms.aliases = Err(denied));
            let variables: Vec<_> = [pattern].into_iter().chain(more).collect();
            let world = world_of(&vault, &variables);
            world.handle(&schedule(1), "r").await.unwrap();
            assert_eq!(vault.acts().len(), usize::from(acts));
            let kind = if acts {
                "KeyRescued"
            } else {
                "KeyRescueFailed"
            };
            assert_eq!(told(&world), [kind]);
            if !acts {
                let what = details(&world)["what"].to_string();
                assert!(what.contains("aliases of the key cannot be read"), "{what}");
            }
        });
    }
}

#[test]
fn an_acknowledged_deletion_is_left() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        let ack = Ack {
            deletion_at: DELETION.parse().unwrap(),
            by: Untrusted::new("j.okafor"),
            reason: Untrusted::new("CHG-1"),
            at: AT.parse().unwrap(),
        };
        let partition = format!("arn:aws:kms:us-east-1:111122223333:key/{KEY}");
        let ledger = world.watch.ledger.as_ref().unwrap();
        ledger.put(&[ack.item(&partition)]).await.unwrap();
        world.handle(&schedule(1), "r").await.unwrap();
        assert_eq!((vault.acts().len(), told(&world).len()), (0, 0));
        // Who presses a button knows of that.
        world
            .handle(&press("cancel-key-deletion"), "r2")
            .await
            .unwrap();
        assert_eq!(vault.acts(), ["CancelKeyDeletion"]);
    });
}

#[test]
fn a_dry_run_only_says_so() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[("RESCUE_MODE", "advise")]);
        for request in ["r1", "r2"] {
            world.handle(&schedule(1), request).await.unwrap();
        }
        world
            .handle(&press("cancel-key-deletion"), "r3")
            .await
            .unwrap();
        assert_eq!(vault.acts().len(), 0);
        assert_eq!(told(&world), ["KeyRescueAdvised", "KeyRescueAdvised"]);
        assert_eq!(details(&world)["why"], "DRY_RUN");
        assert_eq!(world.settings.mode, RescueMode::Advise);
    });
}

#[test]
fn the_switch_stops_everything_without_a_deployment() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        vault.change(|vault| vault.switch = Ok(false));
        world.handle(&schedule(1), "r1").await.unwrap();
        world
            .handle(&press("cancel-key-deletion"), "r2")
            .await
            .unwrap();
        assert_eq!(vault.acts().len(), 0);
        assert_eq!(told(&world), ["KeyRescueAdvised", "KeyRescueAdvised"]);
        assert_eq!(details(&world)["why"], "SWITCHED_OFF");
        // What cannot be read is not on. Lambda tries again where that may help.
        for (code, again) in [
            ("ThrottlingException", true),
            ("AccessDeniedException", false),
        ] {
            let world = world_of(&vault, &[]);
            vault.change(|vault| vault.switch = Err(CallError::new(code, "no")));
            let outcome = world.handle(&schedule(1), "r1").await;
            assert_eq!(outcome.is_err(), again, "{code}");
            assert_eq!(told(&world), ["KeyRescueFailed"], "{code}");
        }
        assert_eq!(vault.acts().len(), 0);
    });
}

#[test]
fn who_does_it_again_means_it() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        world.handle(&schedule(1), "r1").await.unwrap();
        again(&vault, "2026-12-21T12:00:00Z");
        world.watch.clock.advance(SignedDuration::from_hours(20));
        world.handle(&schedule(2), "r2").await.unwrap();
        assert_eq!(vault.acts(), ["CancelKeyDeletion"]);
        assert_eq!(told(&world), ["KeyRescued", "KeyRescueAdvised"]);
        assert_eq!(details(&world)["why"], "COOL_DOWN");
        assert_eq!(details(&world)["rescuedAt"], "2026-11-20T12:01:00Z");
        // Another action of the same key is another thing, and so is the same after a while.
        let mut later = schedule(3);
        later["detail"]["eventTime"] = "2026-11-27T13:00:00Z".into();
        world
            .watch
            .clock
            .set("2026-11-27T13:00:30Z".parse().unwrap());
        world.handle(&later, "r3").await.unwrap();
        assert_eq!(vault.acts().len(), 2);
        // A person decides anew.
        again(&vault, "2026-12-27T12:00:00Z");
        world
            .handle(&press("cancel-key-deletion"), "r4")
            .await
            .unwrap();
        assert_eq!(vault.acts().len(), 3);
        assert_eq!(details(&world)["order"]["trigger"], "BUTTON");
    });
}

#[test]
fn an_hour_has_a_limit() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[("RESCUE_PER_HOUR", "2")]);
        for number in 1..=4_u32 {
            again(&vault, DELETION);
            // Keys of their own, on one vault.
            let mut event = schedule(number);
            let key = format!("arn:aws:kms:us-east-1:111122223333:key/k{number}");
            event["detail"]["resources"][0]["ARN"] = key.into();
            event["detail"]["requestParameters"]["keyId"] = format!("k{number}").into();
            world.handle(&event, &format!("r{number}")).await.unwrap();
        }
        assert_eq!(vault.acts().len(), 2);
        let kinds = [
            "KeyRescued",
            "KeyRescued",
            "KeyRescueAdvised",
            "KeyRescueAdvised",
        ];
        assert_eq!(told(&world), kinds);
        assert_eq!(details(&world)["why"], "HOURLY_LIMIT");
        assert_eq!(details(&world)["perHour"], 2);
    });
}

#[test]
fn a_payload_by_hand_is_not_believed() {
    let mut wrong = vec![
        json!({"rescue": "delete-key", "keyId": KEY, "region": "us-east-1"}),
        json!({"rescue": 1, "keyId": KEY, "region": "us-east-1"}),
        json!({"rescue": "enable-key", "region": "us-east-1"}),
        json!({"rescue": "enable-key", "keyId": KEY}),
        json!({"rescue": "enable-key", "keyId": KEY, "region": "eu-west-1"}),
        json!({"rescue": null, "keyId": KEY, "region": "us-east-1"}),
    ];
    for id in [
        "alias/payments",
        "arn:aws:kms:us-east-1:444455556666:key/x",
        "$(id)",
        "../x",
        "",
        "-x",
    ] {
        wrong.push(json!({"rescue": "cancel-key-deletion", "keyId": id, "region": "us-east-1"}));
    }
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        for payload in wrong {
            let outcome = world.handle(&payload, "r").await.unwrap();
            assert_eq!(outcome.verdict, Told::Ignored, "{payload}");
        }
        assert_eq!((vault.acts().len(), told(&world).len()), (0, 0));
        // Without the tag a button does nothing either.
        vault.change(|vault| vault.kms.tags = FakeKms::default().tags);
        let outcome = world
            .handle(&press("cancel-key-deletion"), "r")
            .await
            .unwrap();
        assert_eq!(outcome.reason.as_deref(), Some("the key is not protected"));
        assert_eq!(vault.acts().len(), 0);
    });
}

#[test]
fn what_fails_is_told_and_tried_again_where_that_may_help() {
    let refused = |code| (Mishap::Refused(code), false);
    for (mishap, acts) in [
        refused("AccessDeniedException"),
        refused("ThrottlingException"),
        refused("KMSInternalException"),
        (Mishap::Lost, false),
        (Mishap::AnswerLost, true),
    ] {
        run(async {
            let vault = pending();
            let world = world_of(&vault, &[]);
            vault.change(|vault| vault.mishaps.push(mishap.clone()));
            let first = world.handle(&schedule(1), "r1").await;
            if acts {
                // The key says that it was done.
                first.unwrap();
                assert_eq!(told(&world), ["KeyRescued"], "{mishap:?}");
                assert_eq!(details(&world)["requestId"], Value::Null);
                return;
            }
            assert_eq!(told(&world), ["KeyRescueFailed"], "{mishap:?}");
            assert_eq!(vault.acts().len(), 0, "{mishap:?}");
            let denied = mishap == Mishap::Refused("AccessDeniedException");
            assert_eq!(first.is_ok(), denied, "{mishap:?}");
            assert_eq!(details(&world)["again"], !denied);
            world.watch.clock.advance(SignedDuration::from_secs(60));
            world.handle(&schedule(1), "r1").await.unwrap();
            assert_eq!(vault.acts(), ["CancelKeyDeletion"], "{mishap:?}");
            assert_eq!(
                told(&world),
                ["KeyRescueFailed", "KeyRescued"],
                "{mishap:?}"
            );
        });
    }
}

#[test]
fn what_cannot_be_seen_is_told() {
    type Break = fn(&mut FakeKms, CallError);
    let breaks: [Break; 2] = [
        |kms, error| kms.tags = Err(error),
        |kms, error| kms.metadata = Err(error),
    ];
    for code in [
        "AccessDeniedException",
        "ThrottlingException",
        "NotFoundException",
    ] {
        for broken in breaks {
            run(async {
                let vault = pending();
                vault.change(|vault| broken(&mut vault.kms, CallError::new(code, "no")));
                let world = world_of(&vault, &[]);
                let outcome = world.handle(&schedule(1), "r").await;
                assert_eq!(outcome.is_err(), code == "ThrottlingException", "{code}");
                assert_eq!(told(&world), ["KeyRescueFailed"], "{code}");
                assert_eq!(vault.acts().len(), 0, "{code}");
            });
        }
    }
    // Without a memory nobody knows whether it was done before.
    for call in ["read", "claim", "count"] {
        run(async {
            let vault = pending();
            let world = world_of(&vault, &[]);
            let ledger = world.watch.ledger.as_ref().unwrap();
            ledger.broken.borrow_mut().push(call);
            let _ = world.handle(&schedule(1), "r").await;
            assert_eq!(vault.acts().len(), 0, "{call}");
            assert_eq!(told(&world), ["KeyRescueFailed"], "{call}");
        });
    }
}

#[test]
fn nobody_is_told_of_nothing_and_a_rescue_is_told_at_last() {
    run(async {
        let vault = pending();
        let world = world_of(&vault, &[]);
        world.watch.topics.broken.borrow_mut().push("");
        for _ in 0..3 {
            // In the end Lambda keeps the event in a queue, with an alarm.
            assert!(world.handle(&schedule(1), "r1").await.is_err());
            world.watch.clock.advance(SignedDuration::from_secs(60));
        }
        assert_eq!(vault.acts(), ["CancelKeyDeletion"]);
        world.watch.topics.broken.borrow_mut().clear();
        world.handle(&schedule(1), "r9").await.unwrap();
        assert_eq!(vault.acts(), ["CancelKeyDeletion"]);
        assert_eq!(told(&world), ["KeyRescued"]);
        assert_eq!(
            details(&world)["requestId"],
            "79b38166-9149-48ca-a75a-4a1c15dd743d"
        );
    });
}

/// A future that is dropped when it was asked so often: a process that dies there.
struct Dies<F> {
    left: usize,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for Dies<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        self.future.as_mut().poll(context).map(Some)
    }
}

fn dying<F: Future>(left: usize, future: F) -> Dies<F> {
    Dies {
        left,
        future: Box::pin(future),
    }
}

/// What happens to one delivery.
#[derive(Clone, Debug)]
struct Delivery {
    /// It is Lambda's next try of the same invocation.
    is_retry: bool,
    /// Somebody else gets the event at the same time.
    twin: bool,
    /// After how many polls the process dies.
    dies_after: usize,
    /// The topics refuse.
    mute: bool,
    mishap: Option<Mishap>,
    /// Somebody does it again before the next one.
    done_again: bool,
}

fn delivery() -> impl Strategy<Value = Delivery> {
    let mishap = prop_oneof![
        4 => Just(None),
        1 => Just(Some(Mishap::Lost)),
        1 => Just(Some(Mishap::AnswerLost)),
        1 => Just(Some(Mishap::Refused("ThrottlingException"))),
        1 => Just(Some(Mishap::Refused("KMSInternalException"))),
    ];
    (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![0_usize..60, Just(10_000)],
        prop::bool::weighted(0.2),
        mishap,
        prop::bool::weighted(0.2),
    )
        .prop_map(
            |(is_retry, twin, dies_after, mute, mishap, done_again)| Delivery {
                is_retry,
                twin,
                dies_after,
                mute,
                mishap,
                done_again,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever dies, is lost, comes twice or at once: KMS is called once at most for one thing that was done, and people are told.
    #[test]
    fn never_two_actions_and_never_silent(
        deliveries in prop::collection::vec(delivery(), 0..5),
        name in prop::sample::select(vec!["ScheduleKeyDeletion", "DisableKeyRotation", "DisableKey"]),
    ) {
        run(async {
            let wrong = |vault: &FakeVault, hours: i64| vault.change(|vault| {
                if name == "ScheduleKeyDeletion" {
                    let mut kms = protected_key(DELETION);
                    let date = kms.metadata.as_mut().unwrap();
                    date.deletion_at = date.deletion_at.map(|at| at + SignedDuration::from_hours(hours));
                    vault.kms.metadata = kms.metadata;
                } else {
                    vault.kms.rotation.as_mut().unwrap().enabled = false;
                    let metadata = vault.kms.metadata.as_mut().unwrap();
                    (metadata.state, metadata.deletion_at) = (Some(State::Disabled), None);
                }
            });
            let vault = FakeVault::new(protected_key(DELETION));
            wrong(&vault, 0);
            let world = world_of(&vault, &[]);
            let event = call(name, 1);
            let mut request = 0;
            for (number, delivery) in deliveries.iter().enumerate() {
                request += usize::from(!delivery.is_retry);
                let (first, second) = (format!("r{request}"), format!("twin{number}"));
                vault.change(|vault| vault.mishaps = delivery.mishap.clone().into_iter().collect());
                if delivery.mute {
                    world.watch.topics.broken.borrow_mut().push("");
                }
                let one = dying(delivery.dies_after, world.handle(&event, &first));
                let other = async {
                    if delivery.twin {
                        let _ = world.handle(&event, &second).await;
                    }
                };
                join(one, other).await;
                world.watch.topics.broken.borrow_mut().clear();
                world.watch.clock.advance(SignedDuration::from_secs(61));
                if delivery.done_again && !vault.acts().is_empty() {
                    wrong(&vault, 1 + i64::try_from(number).unwrap());
                }
                prop_assert!(vault.acts().len() <= 1, "{:?}", vault.acts());
            }
            // At last nothing goes wrong any more.
            vault.change(|vault| vault.mishaps.clear());
            let mut last = world.handle(&event, "last1").await;
            if last.is_err() {
                world.watch.clock.advance(SignedDuration::from_secs(61));
                last = world.handle(&event, "last2").await;
            }
            prop_assert!(last.is_ok(), "{last:?}");
            let (acts, told) = (vault.acts(), told(&world));
            prop_assert!(acts.len() <= 1, "{acts:?}");
            prop_assert!(!told.is_empty());
            let known = ["KeyRescued", "KeyRescueFailed"];
            prop_assert!(told.iter().any(|kind| known.contains(&kind.as_str())), "{told:?}");
            // One of each: whoever dies between a publish and its mark cannot know that it was done, and the second has the same id.
            let alerts = world.watch.topics.feed();
            let ids: BTreeSet<_> = alerts.iter().map(|it| [&it["kind"], &it["id"]].map(Value::to_string)).collect();
            let kinds: BTreeSet<_> = ids.iter().map(|[kind, _]| kind).collect();
            prop_assert_eq!(kinds.len(), ids.len(), "{:?}", ids);
            // A deletion has a date, so that nothing keeps it from being cancelled in the end.
            if name == "ScheduleKeyDeletion" && !deliveries.iter().any(|it| it.done_again) {
                prop_assert_eq!(acts.len(), 1);
                prop_assert!(told.iter().any(|kind| kind == "KeyRescued"), "{:?}", told);
            }
            Ok(())
        })?;
    }

    /// Whatever the aliases of a key are, one decides: it begins as the pattern does.
    #[test]
    fn only_an_alias_of_the_pattern_protects(aliases in prop::collection::vec("(alias/)?(prod-|prod|Prod-|x)?.{0,6}", 0..4)) {
        run(async {
            let names: Vec<_> = aliases.iter().map(String::as_str).collect();
            let vault = named(&names);
            let world = world_of(&vault, &[("PROTECTED_ALIASES", "alias/prod-*")]);
            let _ = world.handle(&schedule(1), "r").await;
            let is_one = names.iter().any(|name| Untrusted::new(name).as_str().starts_with("alias/prod-"));
            prop_assert_eq!(vault.acts().len(), usize::from(is_one));
            Ok(())
        })?;
    }

    /// No event, and no payload, makes it panic or act on a key that is not protected.
    #[test]
    fn whatever_it_is_handed_it_changes_no_unprotected_key(
        what in ".{0,20}", id in ".{0,60}", region in ".{0,12}", wild in any::<bool>(),
    ) {
        run(async {
            let vault = pending();
            vault.change(|vault| vault.kms.tags = FakeKms::default().tags);
            let world = world_of(&vault, &[("PROTECTED_ALIASES", "alias/prod-*")]);
            let region = if wild { region } else { "us-east-1".to_owned() };
            let _ = world.handle(&json!({"rescue": what, "keyId": id, "region": region}), "r").await;
            let _ = world.handle(&json!({"rescue": "enable-key", "keyId": id, "region": region}), "r").await;
            let mut event = schedule(1);
            event["detail"]["requestParameters"]["keyId"] = id.into();
            let _ = world.handle(&event, "r").await;
            prop_assert_eq!(vault.acts().len(), 0);
            Ok(())
        })?;
    }
}
