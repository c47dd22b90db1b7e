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

use lexopt::ValueExt as _;
use watch_tests::year::{Options, Report, simulate};

const USAGE: &str = "cargo year [--occurrences 100000] [--seeds 1] [--first-seed 1] [--keys 500] [--without-ledger] \
                     [--calm] [--json]";

struct Arguments {
    options: Options,
    seeds: u64,
    json: bool,
}

fn main() -> ExitCode {
    let arguments = match read() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
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
                    let year = simulate_one(arguments.options, number, begun);
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

/// Nothing if help is asked for.
fn read() -> Result<Option<Arguments>, lexopt::Error> {
    use lexopt::prelude::Long;
    let mut arguments = Arguments {
        options: Options {
            seed: 1,
            occurrences: 100_000,
            keys: 500,
            ledger: true,
            calm: false,
        },
        seeds: 1,
        json: false,
    };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        let Arguments { options, .. } = &mut arguments;
        match argument {
            Long("occurrences") => options.occurrences = parser.value()?.parse()?,
            Long("seeds") => arguments.seeds = parser.value()?.parse()?,
            Long("first-seed") => options.seed = parser.value()?.parse()?,
            Long("keys") => options.keys = parser.value()?.parse()?,
            Long("without-ledger") => options.ledger = false,
            Long("calm") => options.calm = true,
            Long("json") => arguments.json = true,
            Long("help") => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some(arguments))
}
