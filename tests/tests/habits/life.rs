//! A key's year, and the sweeps that look at it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use watch_core::answers::{LastUsage, Use};
use watch_core::dependants::{Act, History, Observed};
use watch_core::text::Untrusted;
use watch_core::usual::{DAYS, Look, Unusual, Usual, beginning, number};

use super::keys::{Key, OWN, Sort, Work};

/// The days before the first look, in which the key is used already.
const BEFORE: i32 = 100;
/// Days that are watched.
pub(super) const JUDGED: i32 = 365;
/// 2025-09-23.
const FIRST: i32 = 20_354;
/// Records that a look reads: two pages.
const RECORDS: usize = 100;
/// Hours from one look to the next: the first hour after the twentieth.
const EVERY: i32 = 21;

/// How uses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Events,
    Metrics,
}

/// What is done to a key that should not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Misuse {
    /// Ten times as many uses as a day of use has, and a few, by a role that uses it anyway.
    Tenfold,
    /// Five uses by another role of the account.
    Role,
    /// Five uses by a role of another account.
    Account,
    /// Three uses of a key that nobody used for half a year.
    Idle,
}

impl Misuse {
    pub(super) fn is_found(self, told: &Unusual) -> bool {
        let day = number(told.at);
        let when = FIRST + BEFORE + self.day();
        let is_then = (when..=when + 2).contains(&day);
        is_then
            && match self {
                Self::Tenfold => told.surge.is_some(),
                Self::Idle => told.idle.is_some(),
                Self::Role | Self::Account => {
                    let mut names = told.newcomers.iter();
                    names.any(|it| it.name.as_str() == "role/Intruder")
                }
            }
    }

    /// A Tuesday in the middle of a month, or late enough for an archive.
    fn day(self) -> i32 {
        140
    }
}

/// Records of one work on a day that are made.
const KEPT: usize = 400;

/// Uses between two seconds.
type Done = (i64, i64, u32);

/// Whom CloudTrail names, at a second of the year.
type Record = (i64, usize);

/// What sweeps say of a year of a key.
pub(super) fn live(sort: Sort, mode: Mode, seed: u64, misuse: Option<Misuse>) -> Vec<Unusual> {
    let mut key = Key::new(sort, seed);
    let mut names: Vec<(Untrusted, Untrusted)> = Vec::new();
    let mut records: Vec<Record> = Vec::new();
    let mut works_done: Vec<Done> = Vec::new();
    for day in 0..BEFORE + JUDGED {
        let number = FIRST + day;
        let (weekday, of_month) = place(number);
        let mut works = key.day(day - BEFORE, weekday, of_month);
        if let Some(misuse) = misuse.filter(|misuse| misuse.day() == day - BEFORE) {
            add(misuse, &key, day - BEFORE, &mut works);
        }
        let mut today: Vec<Record> = Vec::new();
        for work in works.into_iter().filter(|work| work.uses > 0) {
            let who = (Untrusted::new(&work.role), Untrusted::new(work.account));
            let who = match names.iter().position(|name| *name == who) {
                Some(place) => place,
                None => {
                    names.push(who);
                    names.len() - 1
                }
            };
            let start = i64::from(number) * 86_400;
            let (from, to) = (work.hours.0 * 3_600, work.hours.1 * 3_600);
            works_done.push((start + i64::from(from), start + i64::from(to), work.uses));
            // The latest ones, from the last: more of them no look reads.
            let (from, mut second) = (f64::from(from), f64::from(to));
            for left in (1..=work.uses).rev().take(KEPT) {
                second = from + (second - from) * key.rng().f64().powf(1.0 / f64::from(left));
                today.push((start + second as i64, who));
            }
        }
        today.sort_unstable();
        records.extend(today);
    }
    look(mode, &names, &records, &works_done)
}

fn add(misuse: Misuse, key: &Key, day: i32, works: &mut Vec<Work>) {
    let (role, account, uses) = match misuse {
        Misuse::Tenfold => {
            let role = works.first().map(|work| work.role.clone());
            let uses = key.a_day_of_use(day) * 10 + 10;
            (role.unwrap_or_else(|| "role/Batch".to_owned()), OWN, uses)
        }
        Misuse::Role => ("role/Intruder".to_owned(), OWN, 5),
        Misuse::Account => ("role/Intruder".to_owned(), "999988887777", 5),
        Misuse::Idle => ("role/Batch".to_owned(), OWN, 3),
    };
    works.push(Work {
        role,
        account,
        uses,
        hours: (9, 17),
    });
}

fn look(
    mode: Mode,
    names: &[(Untrusted, Untrusted)],
    records: &[Record],
    works: &[Done],
) -> Vec<Unusual> {
    let created = beginning(FIRST - 400);
    let mut usual = Usual::default();
    let mut told = Vec::new();
    let mut at = beginning(FIRST + BEFORE) + SignedDuration::from_hours(3);
    let end = beginning(FIRST + BEFORE + JUDGED);
    while at < end {
        let so_far = records.partition_point(|record| record.0 <= at.as_second());
        let history_of = at - SignedDuration::from_hours(90 * 24);
        let from = records.partition_point(|record| record.0 < history_of.as_second());
        let last = so_far
            .checked_sub(1)
            .map(|place| at_second(records[place].0));
        let read = &records[from.max(so_far.saturating_sub(RECORDS))..so_far];
        let is_whole = so_far - from <= RECORDS;
        let seen = read.iter().map(|(second, who)| Observed {
            at: at_second(*second),
            act: Act::Use,
            name: names[*who].0.clone(),
            account: Some(names[*who].1.clone()),
        });
        let history = History {
            seen: seen.collect(),
            back_to: match is_whole {
                true => Some(history_of),
                false => read.first().map(|record| at_second(record.0)),
            },
        };
        let usage = LastUsage {
            used: last.map(|at| Use {
                at,
                operation: None,
                event_id: None,
            }),
            tracked_since: Some(created),
            created_at: Some(created),
        };
        let is_used = last.is_some_and(|last| last >= history_of);
        let today = number(at);
        let measured = match mode {
            Mode::Events => BTreeMap::new(),
            Mode::Metrics => measured(works, at),
        };
        // CloudWatch lists what had data within two weeks.
        let is_listed = measured.range(today - 14..).next().is_some();
        let seen = Look {
            at,
            usage: &usage,
            history: Some(&history).filter(|_| is_used),
            measured: Some(&measured).filter(|_| is_listed),
        };
        // As the table keeps it.
        told.extend(usual.take_in(&seen));
        at += SignedDuration::from_hours(i64::from(EVERY));
    }
    told
}

fn measured(works: &[Done], at: Timestamp) -> BTreeMap<i32, u64> {
    let since = beginning(number(at) - DAYS + 1).as_second();
    let mut measured: BTreeMap<i32, u64> = BTreeMap::new();
    for (from, to, uses) in works.iter().filter(|work| work.0 >= since) {
        let done = (at.as_second() - from).clamp(0, to - from);
        let uses = i64::from(*uses) * done / (to - from);
        if uses > 0 {
            *measured.entry(number(at_second(*from))).or_default() += uses as u64;
        }
    }
    measured
}

fn at_second(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// The day of the week from Monday, and the place in the month.
fn place(day: i32) -> (i32, (i32, i32)) {
    let date = beginning(day).to_zoned(jiff::tz::TimeZone::UTC).date();
    let weekday = i32::from(date.weekday().to_monday_zero_offset());
    let of_month = i32::from(date.day());
    (
        weekday,
        (of_month, i32::from(date.days_in_month()) - of_month),
    )
}
