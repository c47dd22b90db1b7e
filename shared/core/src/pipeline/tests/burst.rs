//! Bursts: nothing that people have not been told by name is dropped.

use proptest::prelude::*;

use super::ledger::{deletion_of, subjects, with_ledger};
use super::*;
use crate::actor::Actor;
use crate::kinds::{GrantRevoked, KeyDisabled, KeyEnabled};

/// Everything that people were told, in one text.
fn mails(watch: &FakeWatch) -> String {
    watch.topics.bodies(":people").join("\n")
}

fn light_sweep(watch: &FakeWatch) -> usize {
    let before = watch.topics.sent.borrow().len();
    run(watch.close_windows("sweep")).unwrap();
    watch.topics.sent.borrow().len() - before
}

fn tell(watch: &FakeWatch, occurrence: Occurrence) -> Told {
    run(watch.tell(occurrence, "request")).unwrap()
}

/// A key that KMS describes so, used within the day or not at all.
fn kms(alias: &str, owner: &str, used: bool) -> FakeKms {
    let created: Timestamp = at("2026-10-01T00:00:00Z");
    let never = LastUsage {
        used: None,
        tracked_since: Some(created),
        created_at: Some(created),
    };
    let kms = if used {
        FakeKms::used_at("2026-11-20T11:00:00Z")
    } else {
        FakeKms {
            last_usage: Ok(never),
            ..FakeKms::default()
        }
    };
    FakeKms {
        aliases: Ok(vec![Untrusted::new(alias)]),
        tags: Ok(Tags::from([(
            Untrusted::new("Owner"),
            Untrusted::new(owner),
        )])),
        ..kms
    }
}

#[test]
fn what_is_worse_than_the_decoys_goes_out_by_itself() {
    let mut watch = with_ledger(kms("alias/decoy", "team-pay", false), &[]);
    for number in 0..8 {
        tell(&watch, deletion_of(number, 0));
    }
    // Of the same owner as the decoys.
    watch.kms = FakeKms {
        aliases: Ok(vec![Untrusted::new("alias/payments")]),
        ..FakeKms::default()
    };
    let told = tell(&watch, deletion_of(100, 1));
    assert_eq!(told.verdict, Verdict::Delivered);
    assert!(
        subjects(&watch)
            .last()
            .unwrap()
            .contains(" of alias/payments ")
    );
    // From now on others of that urgency are held back, and those that are worse are not.
    let told = tell(&watch, deletion_of(101, 1));
    assert_eq!(told.verdict, Verdict::Suppressed);
    watch.kms = kms("alias/ledger", "team-pay", true);
    assert_eq!(
        tell(&watch, deletion_of(102, 2)).verdict,
        Verdict::Delivered
    );
}

#[test]
fn the_rest_of_a_burst_is_told_by_the_next_event_after_it() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..18 {
        tell(&watch, deletion_of(number, 0));
    }
    assert!(!mails(&watch).contains("/00000017"), "it is held");
    watch.clock.advance(jiff::SignedDuration::from_mins(4));
    tell(&watch, deletion_of(900, 240));
    assert!(!mails(&watch).contains("/00000017"), "the window is open");
    watch.clock.advance(jiff::SignedDuration::from_mins(2));
    let other = Occurrence {
        actor: Some(Actor::kms()),
        ..deletion_of(901, 360)
    };
    tell(&watch, other);
    let mails = mails(&watch);
    for number in 0..18 {
        assert!(mails.contains(&format!("/{number:08}")), "{number}");
    }
    assert!(
        mails.contains(
            "cancel-key-deletion --key-id arn:aws:kms:us-east-1:111122223333:key/00000017"
        )
    );
    assert_eq!(light_sweep(&watch), 0, "nothing is left");
}

#[test]
fn a_sweep_tells_the_rest_even_if_nothing_happens_any_more() {
    let watch = with_ledger(FakeKms::default(), &[("FEED_TOPIC_ARN", "")]);
    for number in 0..40 {
        tell(&watch, deletion_of(number, 0));
    }
    assert_eq!(light_sweep(&watch), 2, "people and chat");
    let text = mails(&watch);
    for number in 0..40 {
        assert!(text.contains(&format!("/{number:08}")), "{number}");
    }
    let last = watch.topics.bodies(":people").pop().unwrap();
    assert!(
        last.contains("20 more alerts KeyDeletionScheduled"),
        "{last}"
    );
    assert!(last.contains("no feed topic"), "{last}");
    assert_eq!(light_sweep(&watch), 0);
}

#[test]
fn what_cannot_be_written_down_is_told_at_once() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..8 {
        tell(&watch, deletion_of(number, 0));
    }
    let ledger = watch.ledger.as_ref().unwrap();
    *ledger.broken.borrow_mut() = vec!["set"];
    let told = tell(&watch, deletion_of(8, 0));
    assert_eq!(told.verdict, Verdict::Delivered);
    ledger.broken.borrow_mut().clear();
}

#[test]
fn a_sweep_that_cannot_publish_leaves_the_burst_to_the_next() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..10 {
        tell(&watch, deletion_of(number, 0));
    }
    watch.topics.broken.borrow_mut().push("people");
    assert!(run(watch.close_windows("sweep")).is_err());
    watch.topics.broken.borrow_mut().clear();
    // Chat has it.
    assert_eq!(light_sweep(&watch), 1);
    assert!(mails(&watch).contains("/00000009"));
}

#[test]
fn eighteen_critical_in_a_second_are_all_told_at_once() {
    let watch = with_ledger(kms("alias/ledger", "team-pay", true), &[]);
    for number in 0..18 {
        tell(&watch, deletion_of(number, 0));
    }
    let mails = mails(&watch);
    for number in 0..18 {
        assert!(mails.contains(&format!("/{number:08}")), "{number}");
    }
}

#[test]
fn many_critical_at_the_same_time_become_one_message() {
    let watch = with_ledger(kms("alias/ledger", "team-pay", true), &[]);
    let all = (0..40).map(|number| watch.tell(deletion_of(number, 0), "request"));
    let told = run(futures_util::future::join_all(all));
    assert!(told.iter().all(Result::is_ok));
    let bodies = watch.topics.bodies(":people");
    let bursts = bodies
        .iter()
        .filter(|body| body.contains("times KeyDeletionScheduled"));
    assert!(
        bodies.len() <= 20 && bursts.count() >= 1,
        "{}",
        bodies.len()
    );
    let text = bodies.join("\n");
    for number in 0..40 {
        assert!(text.contains(&format!("/{number:08}")), "{number}");
    }
}

#[test]
fn without_an_actor_nothing_is_counted_together_but_within_a_run() {
    let nobody = |number: usize| Occurrence {
        actor: None,
        ..deletion_of(number, 0)
    };
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..10 {
        let told = run(watch.tell(nobody(number), &format!("request {number}"))).unwrap();
        assert_eq!(told.verdict, Verdict::Delivered, "{number}");
    }
    for number in 10..50 {
        run(watch.tell(nobody(number), "one sweep")).unwrap();
    }
    light_sweep(&watch);
    let mails = mails(&watch);
    for number in 0..50 {
        assert!(mails.contains(&format!("/{number:08}")), "{number}");
    }
}

#[test]
fn an_alert_that_is_tried_again_is_named_once_it_is_told() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..19 {
        tell(&watch, deletion_of(number, 0));
    }
    watch.topics.broken.borrow_mut().push("feed");
    assert!(run(watch.tell(deletion_of(19, 0), "try")).is_err());
    // Another comes between the two tries.
    watch.topics.broken.borrow_mut().clear();
    tell(&watch, deletion_of(20, 0));
    run(watch.tell(deletion_of(19, 0), "try")).unwrap();
    light_sweep(&watch);
    let mails = mails(&watch);
    for number in 0..=20 {
        assert!(mails.contains(&format!("/{number:08}")), "{number}");
    }
}

/// Most mails about a series of `count` alerts within five minutes of the clock, of keys of three owners: five and those
/// that are critical by themselves, one for each higher level, and for each owner one at a step, one when the burst first
/// reaches its keys, and one when it is over.
fn bound(count: usize, critical: usize) -> usize {
    let steps = [6, 20, 50].iter().filter(|step| **step <= count).count();
    // The window before counts along: a step may be reached with fewer alerts.
    let of_owners = 3 * (steps + 3);
    // At a step everybody concerned hears of it, also those whose keys were told of one by one (ADR 13).
    count.min(5 + critical + 3) + of_owners
}

/// One act of an attack.
#[derive(Clone, Debug)]
struct Act {
    key: usize,
    kind: u8,
    actor: u8,
    owner: u8,
    used: bool,
    /// Seconds after the act before it.
    pause: i64,
    /// A topic fails at the first try.
    fails: bool,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = (
        0..12_usize,
        0..4_u8,
        0..3_u8,
        0..3_u8,
        any::<bool>(),
        0..90_i64,
        prop::bool::weighted(0.1),
    );
    let act = act.prop_map(|(key, kind, actor, owner, used, pause, fails)| Act {
        key,
        kind,
        actor,
        owner,
        used,
        pause: if pause < 60 { pause % 3 } else { pause },
        fails,
    });
    prop::collection::vec(act, 1..60)
}

fn occurrence_of(number: usize, act: &Act, seconds: i64) -> Occurrence {
    let kind: Kind = match act.kind {
        0 => KeyDisabled::default().into(),
        1 => KeyEnabled::default().into(),
        2 => GrantRevoked::default().into(),
        _ => KeyDeletionScheduled::default().into(),
    };
    let actor = |name: &str| Actor {
        arn: Some(Untrusted::new(name)),
        name: Untrusted::new(name),
        ..Actor::unknown()
    };
    Occurrence {
        kind,
        call_id: Some(format!("call {number}")),
        actor: match act.actor {
            0 => None,
            1 => Some(actor("maria")),
            _ => Some(actor("tom")),
        },
        ..deletion_of(act.key, seconds)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every (key, kind) that people want to hear of is named to them once a sweep has run; nothing that is more urgent
    /// than all that they were told is held back; and the number of mails is bounded.
    #[test]
    fn nothing_is_dropped_nothing_worse_is_held_and_mails_are_few(acts in acts(), minimum in 0..4_usize) {
        let minimum = Severity::ALL[minimum];
        let mut watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", minimum.as_str())]);
        let (mut seconds, mut wanted, mut worst) = (0, Vec::new(), BTreeMap::new());
        let mut bursts: BTreeMap<_, (usize, usize)> = BTreeMap::new();
        for (number, act) in acts.iter().enumerate() {
            seconds += act.pause;
            watch.clock.advance(jiff::SignedDuration::from_secs(act.pause));
            watch.kms = kms(&format!("alias/{}", act.key), &format!("team-{}", act.owner), act.used);
            let occurrence = occurrence_of(number, act, seconds);
            let request = format!("request {number}");
            if act.fails {
                watch.topics.broken.borrow_mut().push("people");
            }
            let first = run(watch.tell(occurrence.clone(), &request));
            watch.topics.broken.borrow_mut().clear();
            let told = first.or_else(|_| run(watch.tell(occurrence, &request))).unwrap();
            let alert = &told.alerts[0];
            if alert.severity >= minimum {
                wanted.push((act.key, alert.kind));
                let series = (alert.kind, act.actor);
                let most = worst.entry(series).or_insert(Severity::Info);
                if told.verdict == Verdict::Suppressed && alert.severity < Severity::Critical {
                    prop_assert!(alert.severity <= *most, "{:?}", act);
                }
                *most = alert.severity.max(*most);
                // Without an actor each run is a series of its own.
                let run = if act.actor == 0 { number } else { 0 };
                let burst = bursts.entry((series, run, seconds / 300)).or_default();
                burst.0 += 1;
                burst.1 += usize::from(alert.severity == Severity::Critical);
            }
        }
        light_sweep(&watch);
        let bodies = watch.topics.bodies(":people");
        for (key, kind) in &wanted {
            let arn = format!("key/{key:08}");
            let name = match *kind {
                "KeyDisabled" => "disabled",
                "KeyEnabled" => "enabled",
                "GrantRevoked" => "revoked",
                _ => "deletion",
            };
            let named = bodies.iter().any(|body| {
                body.contains(&arn) && (body.contains(kind) || body.to_lowercase().contains(name))
            });
            prop_assert!(named, "{} {}\n{}", key, kind, bodies.join("\n\n"));
        }
        let most: usize = bursts.values().map(|(count, critical)| bound(*count, *critical)).sum();
        prop_assert!(bodies.len() <= most, "{} mails, at most {most}", bodies.len());
        prop_assert_eq!(light_sweep(&watch), 0);
    }
}

#[test]
fn what_a_sweep_finds_at_once_is_five_mails_and_one_for_each_owner() {
    use crate::kinds::KeyDeletionNear;
    let watch = with_ledger(FakeKms::default(), &[]);
    let now = at("2026-11-20T12:00:00Z");
    for number in 0..40 {
        let key = format!("arn:aws:kms:us-east-1:111122223333:key/{number:08}");
        let near = KeyDeletionNear::new(at("2026-11-22T12:00:00Z"), &[7, 3, 1], now);
        let subject = Subject::Key(key.parse().unwrap());
        let found = Occurrence::of_sweep(subject, near, now, None);
        run(watch.report(found, "run")).unwrap();
    }
    assert_eq!(subjects(&watch).len(), 5);
    run(watch.close_windows("run")).unwrap();
    assert_eq!(subjects(&watch).len(), 6, "{:?}", subjects(&watch));
    let rest = watch.topics.sent.borrow();
    let rest = rest.iter().rfind(|sent| sent.subject.is_some()).unwrap();
    assert!((5..40).all(|number| rest.body.contains(&format!("key/{number:08}"))));
}
