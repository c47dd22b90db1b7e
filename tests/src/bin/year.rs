//! `cargo year`: simulated years of an account, from several seeds. Progress goes to stderr, the report to stdout; the
//! exit code is 1 if an alert was lost, or came twice without a cause.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command tells on the terminal"
)]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use watch_tests::year::{Options, Report, simulate};

/// Simulated years of an account.
#[derive(Parser)]
#[command(name = "cargo year")]
struct Arguments {
    #[command(flatten)]
    options: YearOptions,
    /// Years, each with a seed of its own
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The report as JSON
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Clone, Copy)]
struct YearOptions {
    /// Seed of the first year
    #[arg(long = "first-seed", default_value_t = 1)]
    seed: u64,
    /// Occurrences in a year
    #[arg(long = "count", alias = "occurrences", default_value_t = 100_000)]
    occurrences: usize,
    /// Keys in the account
    #[arg(long, default_value_t = 500)]
    keys: usize,
    /// One in so many deeds begins an attack; 0 for none
    #[arg(long, default_value_t = 40)]
    attack_every: u32,
    /// Without the ledger
    #[arg(long)]
    without_ledger: bool,
    /// Nothing dies, and the ledger is well
    #[arg(long)]
    calm: bool,
}

impl From<YearOptions> for Options {
    fn from(options: YearOptions) -> Self {
        Self {
            seed: options.seed,
            occurrences: options.occurrences,
            keys: options.keys,
            ledger: !options.without_ledger,
            calm: options.calm,
            attack_every: options.attack_every,
            every_sweep: true,
        }
    }
}

fn main() -> ExitCode {
    // The alias may end with `--`, and whoever writes another one means the same.
    let words = std::env::args_os().enumerate();
    let words = words.filter(|(position, word)| *position != 1 || word != "--");
    let arguments = Arguments::parse_from(words.map(|(_, word)| word));
    let begun = Instant::now();
    let report = simulate_all(&arguments, begun);
    if arguments.json {
        match serde_json::to_string_pretty(&report) {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("{error}"),
        }
    } else {
        println!("{report}");
        println!("{} s", begun.elapsed().as_secs());
    }
    if report.failures().is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// A year for every seed, on as many threads as there are processors.
fn simulate_all(arguments: &Arguments, begun: Instant) -> Report {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(0);
    let report = Mutex::new(Report::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= arguments.seeds {
                        return;
                    }
                    let year = simulate_one(arguments.options.into(), number, begun);
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    report.merge(year);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn simulate_one(options: Options, number: u64, begun: Instant) -> Report {
    let seed = options.seed + number;
    let all = options.occurrences;
    let mut told = 0;
    simulate(Options { seed, ..options }, move |happened| {
        let part = happened * 20 / all.max(1);
        if part > told {
            told = part;
            let seconds = begun.elapsed().as_secs();
            eprintln!("seed {seed}: {happened} of {all} occurrences, {seconds} s");
        }
    })
}
