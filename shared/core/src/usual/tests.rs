use std::collections::BTreeMap;

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::answers::{LastUsage, Use};
use crate::dependants::{Act, History, Observed};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

const OWN: &str = "111122223333";

fn used(name: &str, account: &str, at: Timestamp) -> Observed {
    Observed {
        at,
        act: Act::Use,
        name: Untrusted::new(name),
        account: Some(Untrusted::new(account)),
    }
}

fn usage(last: Option<Timestamp>) -> LastUsage {
    LastUsage {
        used: last.map(|at| Use {
            at,
            operation: None,
            event_id: None,
        }),
        tracked_since: Some(at("2024-01-01T00:00:00Z")),
        created_at: Some(at("2024-01-01T00:00:00Z")),
    }
}

/// A look that sees these records, and everything since 90 days.
fn look(usual: &mut Usual, now: Timestamp, seen: Vec<Observed>) -> Option<Unusual> {
    let usage = usage(seen.iter().map(|it| it.at).max().or(usual.last_use));
    let history = History {
        seen,
        back_to: Some(now - hours(90 * 24)),
    };
    usual.take_in(&Look {
        at: now,
        usage: &usage,
        history: Some(&history),
        measured: None,
    })
}

const NOW: &str = "2026-11-20T03:00:00Z";

/// Used by `role/App` every day.
fn known() -> Usual {
    let mut usual = Usual::default();
    let now = at(NOW);
    let seen = (1..90).map(|day| used("role/App", OWN, now - hours(day * 24)));
    assert_eq!(look(&mut usual, now, seen.collect()), None);
    usual
}

#[test]
fn who_comes_for_the_first_time_is_told_once_a_stranger_first() {
    let mut usual = known();
    let now = at(NOW) + hours(24);
    let told = look(
        &mut usual,
        now,
        vec![
            used("role/App", OWN, now - hours(2)),
            used("role/New", OWN, now - hours(5)),
            used("role/Far", "999988887777", now - hours(1)),
        ],
    );
    let told = told.unwrap();
    let names: Vec<_> = told.newcomers.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["role/Far", "role/New"]);
    assert!(told.newcomers[0].new_account);
    assert_eq!(told.at, now - hours(5));
    assert_eq!(told.usual.uses_a_day, 1);
    assert_eq!(told.usual.principals, 1);
    let again = used("role/Far", "999988887777", now + hours(3));
    assert_eq!(look(&mut usual, now + hours(24), vec![again]), None);
}

#[test]
fn a_crowd_is_one_alert_and_pushes_out_few_of_those_who_are_known() {
    let mut usual = known();
    let now = at(NOW) + hours(24);
    let crowd = (0..100).map(|n| used(&format!("role/{n:03}"), OWN, now - hours(2)));
    let told = look(&mut usual, now, crowd.collect()).unwrap();
    assert_eq!(
        (told.newcomers.len(), told.newcomer_count),
        (NEWCOMERS, 100)
    );
    assert!(usual.known.iter().any(|it| it.name.as_str() == "role/App"));
    assert_eq!(usual.known.len(), NEWCOMERS + 1);
}

#[test]
fn newcomers_that_come_often_are_usual_but_not_strangers() {
    let mut usual = known();
    let (mut now, mut told) = (at(NOW), Vec::new());
    for number in 0..6 {
        now += hours(48);
        let name = format!("role/ci-{number}");
        told.push(look(&mut usual, now, vec![used(&name, OWN, now - hours(2))]).is_some());
    }
    assert_eq!(told, [true, true, true, false, false, false]);
    now += hours(24);
    let far = used("role/ci-6", "999988887777", now - hours(2));
    assert!(look(&mut usual, now, vec![far]).is_some());
}

#[test]
fn of_a_key_that_is_read_in_part_only_strangers_are_new() {
    let mut usual = known();
    let mut now = at(NOW);
    for day in 0..10 {
        now += hours(24);
        let usage = usage(Some(now - hours(1)));
        let name = if day == 9 { "role/Rare" } else { "role/App" };
        let history = History {
            seen: vec![used(name, OWN, now - hours(1))],
            back_to: Some(now - hours(2)),
        };
        let look = Look {
            at: now,
            usage: &usage,
            history: Some(&history),
            measured: None,
        };
        assert_eq!(usual.take_in(&look), None, "{day}");
    }
    assert!(usual.days.iter().any(|day| day.at_least));
}

#[test]
fn a_use_after_ninety_days_is_told_and_one_after_eighty_is_not() {
    for (idle, told) in [(95, true), (80, false)] {
        let mut usual = Usual::default();
        let (now, last) = (at(NOW), at(NOW) - hours(24 * idle));
        let before = usage(Some(last));
        let unseen = |usual: &mut Usual, now, usage: &LastUsage| {
            usual.take_in(&Look {
                at: now,
                usage,
                history: None,
                measured: None,
            })
        };
        assert_eq!(unseen(&mut usual, now, &before), None);
        if usual.since.is_none() {
            usual.since = Some(now - hours(24 * 80));
        }
        let now = now + hours(24);
        let after = usage(Some(now - hours(2)));
        let found = unseen(&mut usual, now, &after);
        assert_eq!(found.is_some(), told, "{idle}");
        if let Some(found) = found {
            let idle = found.idle.unwrap();
            assert_eq!((idle.days, idle.used_before), (95, Some(last)));
        }
        assert_eq!(unseen(&mut usual, now + hours(24), &after), None);
    }
}

/// `uses` by day before today, by the metric.
fn measured(usual: &mut Usual, now: Timestamp, uses: &BTreeMap<i32, u64>) -> Option<Unusual> {
    let usage = usage(Some(now - hours(3)));
    usual.take_in(&Look {
        at: now,
        usage: &usage,
        history: Some(&History {
            seen: Vec::new(),
            back_to: Some(now - hours(90 * 24)),
        }),
        measured: Some(uses),
    })
}

#[test]
fn ten_times_the_usual_is_told_once_an_episode_and_seasons_are_usual() {
    let now = at("2026-11-20T03:00:00Z");
    let today = number(now);
    // 40 a day, 700 on the last days of each month.
    let month_end = |day: i32| beginning(day + 1).to_string()[8..10] == *"01";
    let count = |day: i32| if month_end(day) { 700 } else { 40 };
    let mut uses: BTreeMap<i32, u64> = (today - 91..today).map(|day| (day, count(day))).collect();
    let mut usual = Usual::default();
    assert_eq!(measured(&mut usual, now, &uses), None);
    let mut told = Vec::new();
    for day in 0..40 {
        let at_day = today + day;
        uses.insert(
            at_day,
            match day {
                // Less than the most there was, more than there was, the same again.
                3 => 650,
                5 => 900,
                6 => 950,
                25 => 1_100,
                _ => count(at_day),
            },
        );
        if let Some(found) = measured(&mut usual, now + hours(24 * (i64::from(day) + 1)), &uses) {
            told.push((day, found.surge.unwrap()));
        }
    }
    let days: Vec<_> = told.iter().map(|(day, _)| *day).collect();
    assert_eq!(days, [5, 25]);
    assert_eq!(
        (told[0].1.uses, told[0].1.usual, told[0].1.most),
        (900, 40, 700)
    );
}

#[test]
fn nothing_is_told_of_what_is_learnt_for_less_than_two_weeks() {
    let created = at("2026-11-01T00:00:00Z");
    let mut usual = Usual::default();
    for day in 1..14 {
        let now = created + hours(24 * day);
        let usage = LastUsage {
            created_at: Some(created),
            ..usage(Some(now - hours(2)))
        };
        let history = History {
            seen: vec![used(&format!("role/{day}"), OWN, now - hours(2))],
            back_to: Some(now - hours(90 * 24)),
        };
        let look = Look {
            at: now,
            usage: &usage,
            history: Some(&history),
            measured: None,
        };
        assert_eq!(usual.take_in(&look), None, "{day}");
    }
}

#[test]
fn an_item_survives_the_table_and_stays_small() {
    let mut usual = known();
    for n in 0..500 {
        let day = number(at(NOW)) - n % 90;
        usual.known.push(Known {
            name: Untrusted::new(&"x".repeat(128)),
            account: Some(Untrusted::new(OWN)),
            day,
        });
    }
    let name = Usual::key("account#111122223333#us-east-1", "k");
    assert_eq!(name.partition, "sweep#111122223333#us-east-1");
    usual.forget_surplus();
    let item = usual.item(&name, at(NOW));
    assert!(serde_json::to_string(&item).unwrap().len() < 16_000);
    assert_eq!(Usual::read(&item, at(NOW)), usual);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,40}".prop_map(Value::from),
        Just(json!("2999-01-01T00:00:00Z")),
        Just(json!("2026-11-01T00:00:00Z")),
        (any::<i32>(), any::<u32>()).prop_map(|(day, n)| json!([day, n, n, n, n, n])),
        (20_000_i32..21_000, any::<u32>()).prop_map(|(day, n)| json!([day, n, n, n, n, 3])),
        (any::<i32>(), ".{0,300}").prop_map(|(day, name)| json!({"n": name, "d": day})),
    ];
    leaf.prop_recursive(2, 64, 8, |inner| {
        prop::collection::vec(inner, 0..60).prop_map(Value::from)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Whatever stands in the item: it is read, bounded, goes on learning, and makes at most one thing to tell of a look.
    #[test]
    fn no_item_breaks_a_look(
        values in prop::collection::vec(json_value(), 13),
        uses in prop::collection::btree_map(20_000_i32..21_500, any::<u64>(), 0..100),
    ) {
        let names = [
            "createdAt", "since", "countedUntil", "lookedAt", "lastUse", "days", "measuredSince", "judged", "known",
            "newcomerDays", "whole", "looks", "due",
        ];
        let item: Item = names.iter().map(|name| (*name).to_owned()).zip(values).collect();
        let now = at(NOW);
        let mut usual = Usual::read(&item, now);
        prop_assert!(usual.known.len() <= KNOWN && usual.days.len() <= 92);
        for day in 1..4 {
            measured(&mut usual, now + hours(24 * day), &uses);
            prop_assert!(usual.known.len() <= KNOWN && usual.days.len() <= 92);
        }
        let told = look(&mut usual, now + hours(24 * 5), vec![used("role/New", OWN, now + hours(24 * 5 - 2))]);
        prop_assert!(told.is_none_or(|told| told.newcomers.len() <= NEWCOMERS));
    }
}
