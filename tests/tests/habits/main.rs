//! How often the baseline of use is wrong: a simulated year of keys with seasons, growth, holidays, batch jobs and deployments, and
//! what of injected misuse is found.
//!
//! `cargo test --package watch-tests --test habits -- --ignored --nocapture` prints the table of `docs/baseline.md`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod keys;
mod life;

use keys::Sort;
use life::{Misuse, Mode, live};

/// Keys of each sort in the account that is measured.
const ACCOUNT: [(Sort, usize); 9] = [
    (Sort::App, 16),
    (Sort::Busy, 8),
    (Sort::Nightly, 6),
    (Sort::Weekly, 4),
    (Sort::Monthly, 4),
    (Sort::Closing, 6),
    (Sort::People, 6),
    (Sort::Pipeline, 4),
    (Sort::Archive, 6),
];

/// A small one, for every run of the tests.
const SMALL: [(Sort, usize); 7] = [
    (Sort::App, 2),
    (Sort::Nightly, 1),
    (Sort::Monthly, 1),
    (Sort::Closing, 1),
    (Sort::People, 1),
    (Sort::Pipeline, 1),
    (Sort::Archive, 1),
];

/// What a year gave.
#[derive(Debug, Default)]
struct Measured {
    keys: f64,
    months: f64,
    alerts: u32,
    idle: u32,
    newcomers: u32,
    surges: u32,
    /// Injected, found.
    tenfold: (u32, u32),
    role: (u32, u32),
    account: (u32, u32),
    woken: (u32, u32),
}

impl Measured {
    fn a_month(&self, alarms: u32) -> f64 {
        f64::from(alarms) * 100.0 / self.keys / self.months
    }

    fn false_alarms(&self) -> f64 {
        self.a_month(self.alerts)
    }
}

fn share((injected, found): (u32, u32)) -> f64 {
    f64::from(found) / f64::from(injected.max(1))
}

fn measure(mode: Mode, seed: u64, account: &[(Sort, usize)]) -> Measured {
    let mut measured = Measured {
        months: f64::from(life::JUDGED) / 30.4,
        ..Measured::default()
    };
    for (place, (sort, count)) in account.iter().enumerate() {
        for number in 0..*count {
            let seed = seed * 1_000_003 + (place * 1_000 + number) as u64;
            measured.keys += 1.0;
            let calm = live(*sort, mode, seed, None);
            for told in &calm {
                measured.alerts += 1;
                measured.idle += u32::from(told.idle.is_some());
                measured.newcomers += u32::from(told.newcomer_count > 0);
                measured.surges += u32::from(told.surge.is_some());
            }
            let try_misuse = |misuse, (injected, found): &mut (u32, u32)| {
                if !sort.has(misuse) {
                    return;
                }
                let told = live(*sort, mode, seed, Some(misuse));
                *injected += 1;
                *found += u32::from(told.iter().any(|told| misuse.is_found(told)));
            };
            try_misuse(Misuse::Tenfold, &mut measured.tenfold);
            try_misuse(Misuse::Role, &mut measured.role);
            try_misuse(Misuse::Account, &mut measured.account);
            try_misuse(Misuse::Idle, &mut measured.woken);
        }
    }
    measured
}

const MODES: [(Mode, &str); 2] = [(Mode::Events, "events"), (Mode::Metrics, "metrics")];

/// The bounds that `docs/baseline.md` names. A key of a pipeline and one of an archive are an eighth of this account each, and have
/// almost all of its false alarms.
#[test]
fn false_alarms_and_what_is_found_stay_within_bounds() {
    for (mode, name) in MODES {
        let it = measure(mode, 11, &SMALL);
        assert!(it.false_alarms() <= 9.0, "{name}: {it:?}");
        assert!(it.a_month(it.surges) <= 1.1, "{name}: {it:?}");
        assert!(share(it.account) >= 0.85, "{name}: {it:?}");
        assert!(share(it.role) >= 0.6, "{name}: {it:?}");
        assert_eq!(share(it.woken), 1.0, "{name}: {it:?}");
        // A day with ten times the uses, to the number: what the threshold halves.
        if mode == Mode::Metrics {
            assert!(share(it.tenfold) >= 0.5, "{name}: {it:?}");
        }
    }
}

#[test]
#[ignore = "prints a table, and takes a minute"]
fn the_table() {
    for (mode, name) in MODES {
        println!(
            "\n| {name}: sort of key | false alarms | use after 90 days | newcomer | tenfold | found: tenfold | role | account | idle key |"
        );
        println!("|---|---|---|---|---|---|---|---|---|");
        let rows = ACCOUNT
            .iter()
            .map(|row| (format!("{:?}", row.0), vec![*row]));
        let all = ("all".to_owned(), ACCOUNT.to_vec());
        for (sort, account) in rows.chain([all]) {
            let it = measure(mode, 7, &account);
            let percent = |of: (u32, u32)| match of.0 {
                0 => "–".to_owned(),
                _ => format!("{:.0} %", share(of) * 100.0),
            };
            println!(
                "| {sort} | {:.1} | {:.1} | {:.1} | {:.1} | {} | {} | {} | {} |",
                it.false_alarms(),
                it.a_month(it.idle),
                it.a_month(it.newcomers),
                it.a_month(it.surges),
                percent(it.tenfold),
                percent(it.role),
                percent(it.account),
                percent(it.woken),
            );
        }
    }
}
