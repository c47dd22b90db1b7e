//! Series of attempts: what mail tells of them, what it never keeps back, and how they end.

use proptest::prelude::*;

use super::ledger::{ledger, with_ledger};
use super::repeats::decrypt;
use super::*;

const FIRST: &str = "2026-11-20T10:00:00Z";

fn hours(hours: i64) -> jiff::SignedDuration {
    jiff::SignedDuration::from_hours(hours)
}

/// An attempt `when`, told at once.
fn attempt(watch: &FakeWatch, id: usize, when: Timestamp) -> Told {
    watch.clock.set(when);
    let call = decrypt(&format!("call {id}"), &when.to_string());
    run(watch.tell(call, &format!("request {id}"))).unwrap()
}

/// What a light sweep tells of series that stopped.
fn sweep(watch: &FakeWatch, when: Timestamp) -> Vec<Alert> {
    watch.clock.set(when);
    run(watch.close_windows(&format!("sweep {when}"))).unwrap()
}

fn mails(watch: &FakeWatch) -> usize {
    watch.topics.bodies(":people").len()
}

/// One of its items.
fn change(watch: &FakeWatch, is_it: impl Fn(&str) -> bool, name: &str, value: Value) {
    let mut items = ledger(watch).items.borrow_mut();
    let found = items.iter_mut().find(|((_, sort), _)| is_it(sort)).unwrap();
    found.1.insert(name.to_owned(), value);
}

fn is_told(sort: &str) -> bool {
    sort.starts_with("count#UnusableKeyUsed#") && sort.ends_with("#told")
}

#[test]
fn mail_tells_of_the_first_the_tenth_the_hundredth_and_then_once_a_day() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let mut mailed = Vec::new();
    // One every twenty minutes, for five days.
    for number in 1..=360 {
        let when = at(FIRST) + jiff::SignedDuration::from_mins(20 * (number - 1));
        let before = mails(&watch);
        attempt(&watch, number as usize, when);
        if mails(&watch) > before {
            mailed.push(number);
        }
    }
    // The hundredth came after 33 hours, a day after the tenth.
    assert_eq!(mailed, [1, 10, 82, 100, 172, 244, 316]);
    // Chat and feed have every hour, and the two that are told by themselves where they are not the first of an hour.
    assert_eq!(watch.topics.bodies(":chat").len(), 120);
    assert_eq!(watch.topics.feed().len(), 120);
}

#[test]
fn the_last_of_a_series_is_told_even_if_none_comes_after_it() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let minute = |n: i64| at(FIRST) + jiff::SignedDuration::from_mins(n);
    for number in 0..5 {
        attempt(&watch, number as usize, minute(number));
    }
    assert_eq!(mails(&watch), 1);
    assert!(sweep(&watch, minute(30)).is_empty(), "it may go on");
    let told = sweep(&watch, minute(65));
    let [rest] = &told[..] else {
        panic!("{told:#?}")
    };
    assert_eq!(
        (rest.kind, rest.severity),
        ("AttemptsStopped", Severity::Low)
    );
    let summary = rest.summary.plain();
    let words = "It stopped: 5 attempts from 2026-11-20 10:00 UTC to 2026-11-20 10:04 UTC.";
    assert!(summary.contains(words), "{summary}");
    assert_eq!((mails(&watch), watch.topics.feed().len()), (2, 2));
    assert_eq!(watch.topics.bodies(":chat").len(), 2);
    // Once, whatever comes after that; and nothing is left of it in the end.
    for hour in [2, 3, 26, 50] {
        assert!(sweep(&watch, at(FIRST) + hours(hour)).is_empty());
    }
    let items = ledger(&watch).items.borrow();
    let listed = items
        .iter()
        .filter(|((_, sort), _)| sort.starts_with("series#"));
    let mut listed = listed.flat_map(|(_, item)| item.keys());
    assert!(!listed.any(|name| name.starts_with('s') && name != "sk"));
}

#[test]
fn one_attempt_alone_is_told_once_and_its_series_is_forgotten() {
    let watch = with_ledger(FakeKms::default(), &[]);
    attempt(&watch, 0, at(FIRST));
    for hour in 1..30 {
        assert!(sweep(&watch, at(FIRST) + hours(hour)).is_empty());
    }
    // Another one, days later, is the first of another series.
    let told = attempt(&watch, 1, at(FIRST) + hours(72));
    assert_eq!(told.verdict, Verdict::Delivered);
    assert_eq!(json!(told.alerts[0].details)["total"], 1);
    assert_eq!(mails(&watch), 2);
}

#[test]
fn people_who_want_only_what_is_urgent_hear_that_it_stopped() {
    let watch = with_ledger(FakeKms::default(), &[("MINIMUM_SEVERITY", "HIGH")]);
    attempt(&watch, 0, at(FIRST));
    attempt(&watch, 1, at(FIRST));
    assert_eq!(sweep(&watch, at(FIRST) + hours(2)).len(), 1);
    assert_eq!(mails(&watch), 2);
    // Who was never told of the attempts is not told of their end.
    let watch = with_ledger(
        FakeKms::default(),
        &[("SEVERITY_OVERRIDES", "UnusableKeyUsed=OFF")],
    );
    attempt(&watch, 0, at(FIRST));
    attempt(&watch, 1, at(FIRST));
    assert!(sweep(&watch, at(FIRST) + hours(2)).is_empty());
}

#[test]
fn what_is_worse_goes_out_at_once() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    assert_eq!(
        attempt(&watch, 0, at(FIRST)).alerts[0].severity,
        Severity::High
    );
    let second = attempt(&watch, 1, at(FIRST) + hours(1));
    assert_eq!(second.verdict, Verdict::Suppressed);
    watch.kms.metadata.as_mut().unwrap().state = Some(State::PendingDeletion);
    let worse = attempt(&watch, 2, at(FIRST) + hours(2));
    assert_eq!(
        (worse.verdict, worse.alerts[0].severity),
        (Verdict::Delivered, Severity::Critical)
    );
    let again = attempt(&watch, 3, at(FIRST) + hours(3));
    assert_eq!(again.verdict, Verdict::Suppressed);
}

#[test]
fn nothing_is_kept_back_on_the_word_of_one_item() {
    // Each of these alone says that mail told of it.
    type Forge = fn(&FakeWatch);
    let forgeries: [(&str, Forge); 6] = [
        ("no such alert", |watch| {
            change(
                watch,
                is_told,
                "mailedAs",
                json!("alert#2026-11-20T10:00:00Z#none"),
            );
        }),
        ("no alert at all", |watch| {
            change(watch, is_told, "mailedAs", json!("profile"));
        }),
        ("in the time to come", |watch| {
            change(watch, is_told, "mailedAt", json!("2030-01-01T00:00:00Z"));
        }),
        ("an alert of another series", |watch| {
            change(
                watch,
                |sort| sort.starts_with("alert#"),
                "dedupKey",
                json!("another"),
            );
        }),
        ("an alert that was less urgent", |watch| {
            change(
                watch,
                |sort| sort.starts_with("alert#"),
                "severity",
                json!("LOW"),
            );
        }),
        ("an alert that nobody got", |watch| {
            change(
                watch,
                |sort| sort.starts_with("alert#"),
                "heard",
                json!("NOBODY"),
            );
        }),
    ];
    for (what, forge) in forgeries {
        let watch = with_ledger(FakeKms::default(), &[]);
        attempt(&watch, 0, at(FIRST));
        forge(&watch);
        let told = attempt(&watch, 1, at(FIRST) + hours(1));
        assert_eq!(told.verdict, Verdict::Delivered, "{what}");
    }
    // As it is, it is kept back.
    let watch = with_ledger(FakeKms::default(), &[]);
    attempt(&watch, 0, at(FIRST));
    assert_eq!(
        attempt(&watch, 1, at(FIRST) + hours(1)).verdict,
        Verdict::Suppressed
    );
    // A time that lies ahead does not put off the end of the series.
    change(
        &watch,
        |sort| sort.starts_with("count#UnusableKeyUsed#"),
        "last",
        json!("2030-01-01T00:00:00Z"),
    );
    attempt(&watch, 2, at(FIRST) + hours(1));
    change(
        &watch,
        |sort| sort.starts_with("count#UnusableKeyUsed#") && !is_told(sort),
        "last",
        json!("2030-01-01T00:00:00Z"),
    );
    assert_eq!(sweep(&watch, at(FIRST) + hours(3)).len(), 1);
}

#[test]
fn a_ledger_that_does_not_list_the_series_keeps_nothing_back() {
    let watch = with_ledger(FakeKms::default(), &[]);
    attempt(&watch, 0, at(FIRST));
    *ledger(&watch).error.borrow_mut() = Some(CallError::new("ThrottlingException", ""));
    let told = attempt(&watch, 1, at(FIRST) + hours(1));
    assert_eq!(told.verdict, Verdict::Delivered);
    watch.clock.set(at(FIRST) + hours(3));
    assert!(run(watch.close_windows("sweep")).is_err());
}

#[test]
fn the_tenth_whose_topic_fails_is_told_by_the_next_try_and_counted_once() {
    let watch = with_ledger(FakeKms::default(), &[]);
    for number in 0..9 {
        attempt(&watch, number, at(FIRST));
    }
    let tenth = decrypt("the tenth", FIRST);
    *watch.topics.broken.borrow_mut() = vec!["people"];
    run(watch.tell(tenth.clone(), "request")).unwrap_err();
    watch.topics.broken.borrow_mut().clear();
    let told = run(watch.tell(tenth.clone(), "request")).unwrap();
    assert_eq!(told.verdict, Verdict::Delivered);
    assert_eq!(json!(told.alerts[0].details)["total"], 10);
    assert_eq!(
        run(watch.tell(tenth, "later")).unwrap().verdict,
        Verdict::Duplicate
    );
    assert_eq!(mails(&watch), 2);
    assert_eq!(watch.topics.feed().len(), 2);
    let next = attempt(&watch, 99, at(FIRST) + hours(1));
    assert_eq!(json!(next.alerts[0].details)["total"], 11);
}

#[test]
fn of_many_at_once_one_is_the_tenth() {
    let watch = with_ledger(FakeKms::default(), &[]);
    attempt(&watch, 0, at(FIRST));
    let tellings = (0..30).map(|number| {
        let call = decrypt(&format!("at once {number}"), FIRST);
        let watch = &watch;
        async move { watch.tell(call, &format!("request at once {number}")).await }
    });
    let told = run(futures_util::future::join_all(tellings));
    let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
    let delivered = told
        .iter()
        .filter(|told| told.verdict == Verdict::Delivered);
    assert_eq!(delivered.count(), 1);
    let rest = sweep(&watch, at(FIRST) + hours(2));
    assert_eq!(json!(rest[0].details)["attempts"], 31);
}

/// Attempts of one series: pauses before them in seconds, and whether the topic of people takes the first try.
fn attempts() -> impl Strategy<Value = Vec<(i64, bool)>> {
    let pause = prop_oneof![
        6 => 0..30_i64,
        2 => 0..3_600_i64,
        1 => 3_600..40_000_i64,
        1 => 80_000..200_000_i64,
    ];
    prop::collection::vec((pause, prop::bool::weighted(0.1)), 1..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Of every series people get the first; once it stopped, they were told of each attempt, in few mails; and chat and feed
    /// have each hour.
    #[test]
    fn every_attempt_is_told_in_few_mails(attempts in attempts()) {
        let watch = with_ledger(FakeKms::default(), &[]);
        let mut now = at(FIRST);
        let (mut next_sweep, mut last) = (now + hours(1), now);
        let (mut of_series, mut first, mut series, mut days) = (0_u64, now, 0_usize, 0_i64);
        let mut hours_with_some = std::collections::BTreeSet::new();
        let mut mailed = 0;
        for (number, (pause, fails)) in attempts.iter().enumerate() {
            now += jiff::SignedDuration::from_secs(*pause);
            while next_sweep < now {
                sweep(&watch, next_sweep);
                next_sweep += hours(1);
            }
            if number == 0 || now.duration_since(last) >= hours(24) {
                days += 1 + last.duration_since(first).as_hours() / 24;
                (of_series, first) = (0, now);
                series += 1;
            }
            of_series += 1;
            last = now;
            hours_with_some.insert(now.as_second() / 3_600);
            watch.clock.set(now);
            let before = mails(&watch);
            let call = || decrypt(&format!("call {number}"), &now.to_string());
            if *fails {
                watch.topics.broken.borrow_mut().push("people");
            }
            let request = format!("request {number}");
            let told = run(watch.tell(call(), &request));
            watch.topics.broken.borrow_mut().clear();
            let told = told.or_else(|_| run(watch.tell(call(), &request))).unwrap();
            if let Some(alert) = told.alerts.first() {
                prop_assert_eq!(json!(alert.details)["total"].clone(), json!(of_series));
            }
            if of_series == 1 || of_series == 10 || of_series == 100 {
                prop_assert_eq!(mails(&watch), before + 1, "{}", of_series);
                mailed = of_series;
            }
        }
        days += 1 + last.duration_since(first).as_hours() / 24;
        let mut ends = Vec::new();
        for _ in 0..50 {
            ends.extend(sweep(&watch, next_sweep));
            next_sweep += hours(1);
        }
        let bodies = watch.topics.bodies(":people");
        if of_series > mailed {
            // The last mail says how many there were.
            let all = [
                format!("It stopped: {of_series} attempts"),
                format!("attempt {of_series} since"),
            ];
            let last = bodies.last().unwrap().replace("\n    ", " ");
            prop_assert!(all.iter().any(|words| last.contains(words)), "{}", last);
        }
        // Three steps, and no more than two a day.
        let most = 4 * series + 2 * usize::try_from(days).unwrap();
        prop_assert!(bodies.len() <= most, "{} mails, at most {most}", bodies.len());
        let feed = watch.topics.feed();
        let told = feed.iter().filter(|alert| alert["kind"] == "UnusableKeyUsed");
        let told: std::collections::BTreeSet<_> = told
            .map(|alert| at(alert["occurredAt"].as_str().unwrap()).as_second() / 3_600)
            .collect();
        prop_assert_eq!(told, hours_with_some);
    }
}
