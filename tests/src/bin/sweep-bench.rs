//! `cargo sweep-bench`: full sweeps of the built key-inventory over accounts of many keys, on the embedded AWS with KMS's
//! request quotas. Progress goes to stderr, the table to stdout.
//!
//! What is measured here is how the sweep scales, and that it keeps below the quotas; how fast it is on AWS also depends on
//! how far away KMS is, and on the memory, and with it the processor, that the function gets.
//!
//! With `--widget`: how long each view of the dashboard takes, with the list of as many keys in the ledger.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command tells on the terminal"
)]

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use serde_json::{Value, json};
use watch_core::ports::Clock as _;
use watch_local::{Invocation, LocalAws, NewKey, Options, QuotaClock, RuntimeOptions};
use watch_tests::{Function, LEDGER, listed, repository};

/// Full sweeps over accounts of many keys.
#[derive(Parser)]
#[command(name = "cargo sweep-bench --")]
struct Arguments {
    /// Sizes of the accounts
    #[arg(
        long,
        value_name = "NUMBER,…",
        value_delimiter = ',',
        default_value = "1000,10000,100000"
    )]
    keys: Vec<usize>,
    /// The function, if it is built
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
    /// The views of the dashboard instead of sweeps
    #[arg(long)]
    widget: bool,
}

/// What Lambda gives a function at most, and `template.yaml` this one.
const TIMEOUT: Duration = Duration::from_secs(900);

const SWEEPER: &str = "key-inventory";
const WIDGET: &str = "key-widget";
/// Refreshes of each view.
const AGAIN: usize = 20;

fn main() -> ExitCode {
    // The alias ends with `--`, and whoever writes another one means the same.
    let words = std::env::args_os().enumerate();
    let words = words.filter(|(position, word)| *position != 1 || word != "--");
    let Arguments {
        keys,
        binary,
        widget,
    } = Arguments::parse_from(words.map(|(_, word)| word));
    let function = if widget { WIDGET } else { SWEEPER };
    let Some(binary) = binary.or_else(|| build(function)) else {
        eprintln!("{function} does not build");
        return ExitCode::FAILURE;
    };
    if widget {
        println!("keys     view     first ms  again ms  most ms  KB of HTML  reads  peak MiB");
        println!(
            "(first: by a new environment, which reads the whole list; again: the median of {AGAIN} refreshes, and the slowest)"
        );
        for line in keys.into_iter().flat_map(|size| look(size, &binary)) {
            println!("{line}");
        }
        return ExitCode::SUCCESS;
    }
    println!("keys     sweep  runs  seconds  bound  calls    calls/s  throttled  ledger  peak MiB");
    println!(
        "(bound: the seconds that the quotas allow at best, at the half of them that a sweep takes; ledger: requests to it)"
    );
    for size in keys {
        for line in measure(size, &binary) {
            println!("{line}");
        }
    }
    ExitCode::SUCCESS
}

/// The function as it is deployed, but for this machine.
fn build(function: &str) -> Option<PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args([
            "build",
            "--release",
            "--package",
            function,
            "--message-format=json",
            "--quiet",
        ])
        .current_dir(repository())
        .stderr(Stdio::inherit())
        .output()
        .ok()?;
    let messages = String::from_utf8(output.stdout).ok()?;
    messages.lines().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(message["executable"].as_str()?.into())
    })
}

/// The first full sweep, which learns; a full one that finds everything as it was; and a light one.
fn measure(size: usize, binary: &std::path::Path) -> Vec<String> {
    let options = Options {
        quotas: Some(QuotaClock::Real),
        ..Options::default()
    };
    let Ok(aws) = LocalAws::start(options) else {
        return vec!["the embedded AWS does not start".to_owned()];
    };
    eprintln!("{size} keys are made");
    for number in 0..size {
        let key = NewKey::symmetric()
            .alias(&format!("alias/app-{number}"))
            .tag("Owner", "team-a");
        aws.add_key(if number % 10 == 0 {
            key.rotating_every(365)
        } else {
            key
        });
    }
    let runtime = RuntimeOptions {
        timeout: TIMEOUT,
        ..RuntimeOptions::default()
    };
    let variables = [("DIGEST", "OFF")];
    let function = Function::start_binary(aws, binary, SWEEPER, &variables, runtime);
    // Asking for last uses takes its minute whatever the size.
    function.aws.faults().deny("GetKeyLastUsage");
    [("first", "full"), ("full", "full"), ("light", "light")]
        .into_iter()
        .map(|(name, depth)| {
            let line = run(&function, name, depth, size);
            function.aws.advance_days(1);
            line
        })
        .collect()
}

/// Each view in a new environment of the function, and then again and again.
fn look(size: usize, binary: &std::path::Path) -> Vec<String> {
    let Ok(aws) = LocalAws::start(Options::default()) else {
        return vec!["the embedded AWS does not start".to_owned()];
    };
    let Ok(count) = u32::try_from(size) else {
        return vec![format!("{size} keys are more than an account has")];
    };
    eprintln!("a list of {size} keys is written");
    aws.create_table(LEDGER);
    let now = watch_aws::SystemClock.now();
    let rows = (0..count).map(|number| listed::row(number, now)).collect();
    listed::write(&listed::items(rows, Vec::new(), now), &aws);
    let aws = std::sync::Arc::new(aws);
    key_widget::ask::VIEWS
        .iter()
        .map(|view| {
            let aws = std::sync::Arc::clone(&aws);
            let runtime = RuntimeOptions::default();
            let function = Function::start_binary(aws, binary, WIDGET, &[], runtime);
            function.ready();
            eprintln!("{size} keys, {view}");
            let ask = json!({"view": view, "key": listed::id(0), "story": "deletion", "days": 3_650, "rows": 100});
            views(&function, view, &ask, size)
        })
        .collect()
}

fn views(function: &Function, view: &str, ask: &Value, size: usize) -> String {
    let mut bytes = 0;
    let mut draw = || {
        let began = Instant::now();
        let answer = function.handle(ask);
        let took = began.elapsed().as_secs_f64() * 1_000.0;
        let html = answer.as_str().unwrap_or_default();
        bytes = html.len();
        (took, html.contains("did not answer in time"))
    };
    let (first, gave_up) = draw();
    if gave_up {
        return format!("{size:<8} {view:<8} gave up: the machine is too slow for it");
    }
    function.aws.clear_requests();
    let mut again: Vec<f64> = (0..AGAIN).map(|_| draw().0).collect();
    again.sort_by(f64::total_cmp);
    let reads: usize = function.aws.request_counts().into_values().sum();
    let memory = function
        .peak_memory()
        .map_or_else(|| "-".to_owned(), |kib| (kib / 1024).to_string());
    format!(
        "{size:<8} {view:<8} {first:<9.0} {:<9.1} {:<8.1} {:<11} {:<6} {memory}",
        again[AGAIN / 2],
        again[AGAIN - 1],
        bytes.div_ceil(1_000),
        reads / AGAIN,
    )
}

fn run(function: &Function, name: &str, depth: &str, size: usize) -> String {
    let (mut runs, mut calls, mut throttled, mut ledger) = (0, 0, 0, 0);
    let mut most = 0.0_f64;
    let began = Instant::now();
    loop {
        runs += 1;
        eprintln!("{size} keys, {name} sweep, run {runs}");
        let order = json!({"sweep": depth, "at": function.aws.now().to_string()});
        let answer = function
            .lambda
            .invoke(order.to_string().into_bytes(), TIMEOUT);
        let Invocation::Response(answer) = answer else {
            return format!("{size:<8} {name:<6} {answer:?}");
        };
        let sweep = &answer["sweep"];
        let counts = sweep["calls"].as_object();
        calls += counts
            .into_iter()
            .flatten()
            .filter_map(|(_, count)| count.as_u64())
            .sum::<u64>();
        throttled += sweep["throttled"].as_u64().unwrap_or_default();
        for (operation, count) in counts.into_iter().flatten() {
            // The seconds that the operation takes at the sweep's share of its quota.
            let share = share(operation);
            most = most.max(count.as_f64().unwrap_or_default() / share);
        }
        let requests = function.aws.request_counts();
        let of_items = requests.iter().filter(|(name, _)| name.ends_with("Item"));
        ledger += of_items.map(|(_, count)| count).sum::<usize>();
        function.aws.clear_requests();
        if sweep["finished"] == true {
            break;
        }
    }
    let seconds = began.elapsed().as_secs_f64();
    let memory = function
        .peak_memory()
        .map_or_else(|| "-".to_owned(), |kib| (kib / 1024).to_string());
    format!(
        "{size:<8} {name:<6} {runs:<5} {seconds:<8.1} {most:<6.1} {calls:<8} {:<8.0} {throttled:<10} {ledger:<7} {memory}",
        calls as f64 / seconds
    )
}

/// Calls a second that a sweep makes at most.
fn share(operation: &str) -> f64 {
    let known = watch_sweep::pace::Operation::ALL;
    let found = known
        .into_iter()
        .find(|known| known.to_string() == operation);
    found.map_or(f64::INFINITY, watch_sweep::pace::Operation::share)
}
