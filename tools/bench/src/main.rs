//! `cargo bench-lambda`: starts the built functions as Lambda does, and measures what they cost, beside a bare function and
//! the same job in Python. See the README of this package.

mod args;
mod cgroup;
mod clock;
mod http;
mod measure;
mod plot;
mod process;
mod report;
mod runtime;
mod stats;
mod stub;
mod subjects;
mod tls;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use args::Args;
use cgroup::Share;
use measure::{Amount, MeasureError, Results, measure, rehearse};
use report::{Report, Row};
use subjects::{Build, Places, Subject, SubjectError, natives, python_versions, pythons};
use tls::{Certificates, TlsError};

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum BenchError {
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Subject(#[from] SubjectError),
    #[error("failed to measure {name}")]
    Measure { name: String, source: MeasureError },
    #[error("there is nothing of that name")]
    Nothing,
    #[error("{0} made no call")]
    NoCalls(String),
    #[error("failed to write {path}")]
    Write { path: PathBuf, source: io::Error },
    #[error("failed to write the report")]
    Json(#[from] serde_json::Error),
    #[error("failed to write")]
    Output(#[from] io::Error),
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments
        .next_if(|first| first == process::LAUNCH)
        .is_some()
    {
        return process::launch(arguments);
    }
    let args = match Args::parse_words(arguments) {
        Ok(args) => args,
        // Help and complaints, each on its stream.
        Err(error) => error.exit(),
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            // Where stderr is closed, the exit code has to do.
            let _ = writeln!(
                io::stderr(),
                "bench-lambda: {error}{}",
                cause.unwrap_or_default()
            );
            ExitCode::from(match error {
                BenchError::Nothing => 2,
                _ => 1,
            })
        }
    }
}

fn run(args: Args) -> Result<(), BenchError> {
    let amount = Amount {
        rounds: args.rounds,
        events: args.events,
        delay_ms: args.delay_ms,
    };
    let mut skipped = Vec::new();
    let places = Places::new()?;
    let certificates = Certificates::new()?;
    if tls::system_bundle().is_none() {
        skipped.push("the reading of a system's trust store: there is none here".to_owned());
    }
    say("building")?;
    let subjects = subjects(&args, &places, &certificates, &mut skipped)?;
    let shares = shares(&args, &mut skipped);
    let rows = measure_all(&subjects, &shares, &certificates, amount)?;
    let peers = args.python().then(|| python_versions(&places)).flatten();
    if args.smoke {
        return smoke(&rows, &skipped);
    }
    let report = Report::new(&args.profile, amount, rows, skipped, peers);
    io::stdout().write_all(report.text().as_bytes())?;
    if let Some(path) = args.json {
        let text = serde_json::to_string_pretty(&report)? + "\n";
        fs::write(&path, text).map_err(|source| BenchError::Write { path, source })?;
    }
    if let Some(path) = args.svg {
        fs::write(&path, plot::svg(&report))
            .map_err(|source| BenchError::Write { path, source })?;
    }
    Ok(())
}

/// What is to be measured.
fn subjects(
    args: &Args,
    places: &Places,
    certificates: &Certificates,
    skipped: &mut Vec<String>,
) -> Result<Vec<Subject>, BenchError> {
    let how = if args.smoke {
        Build::Together
    } else {
        Build::Alone(&args.profile)
    };
    let mut subjects = natives(places, certificates, how, &args.compared, |name| {
        args.wants(name)
    })?;
    if args.python() {
        // A smoke test downloads nothing.
        match pythons(places, certificates, !args.smoke, |name| args.wants(name))? {
            Ok(peers) => subjects.extend(peers),
            Err(problem) => skipped.push(problem),
        }
    }
    if subjects.is_empty() {
        return Err(BenchError::Nothing);
    }
    Ok(subjects)
}

/// Those shares of a processor that can be had here.
fn shares(args: &Args, skipped: &mut Vec<String>) -> Vec<(u32, Share)> {
    let mut shares = Vec::new();
    for size in args.shares() {
        match Share::new(*size) {
            Ok(share) => shares.push((*size, share)),
            Err(error) => skipped.push(format!(
                "the share of a processor of {size} MB: no control group ({error})"
            )),
        }
    }
    shares
}

/// Round by round, so that whatever else this machine does happens to all of them.
fn measure_all(
    subjects: &[Subject],
    shares: &[(u32, Share)],
    certificates: &Certificates,
    amount: Amount,
) -> Result<Vec<Row>, BenchError> {
    let failed = |subject: &Subject| {
        let name = subject.name.clone();
        move |source| BenchError::Measure { name, source }
    };
    for subject in subjects {
        rehearse(subject, certificates, amount).map_err(failed(subject))?;
    }
    let whole = std::iter::once(None);
    let shares = || whole.clone().chain(shares.iter().map(Some));
    let mut cells: Vec<_> = shares()
        .flat_map(|share| subjects.iter().map(move |subject| (subject, share)))
        .map(|(subject, share)| (subject, share, Results::default()))
        .collect();
    for round in 1..=amount.rounds {
        say(&format!("round {round} of {}", amount.rounds))?;
        // There and back again: nobody is always the first.
        cells.reverse();
        for (subject, share, results) in &mut cells {
            let share = share.map(|(_, share)| share);
            measure(subject, certificates, amount, share, results).map_err(failed(subject))?;
        }
    }
    if amount.rounds % 2 == 1 {
        cells.reverse();
    }
    let row = |(subject, share, results): &(&Subject, Option<&(u32, Share)>, Results)| {
        Row::new(subject, share.map(|(size, _)| *size), results)
    };
    Ok(cells.iter().map(row).collect())
}

/// Whether everybody answered is known; whether they called anybody is not.
fn smoke(rows: &[Row], skipped: &[String]) -> Result<(), BenchError> {
    for row in rows {
        let calls = row.calls();
        if calls == 0 && row.name != subjects::FLOOR {
            return Err(BenchError::NoCalls(row.name.clone()));
        }
        writeln!(io::stdout(), "{}: answered, {calls} calls", row.name)?;
    }
    for skipped in skipped {
        writeln!(io::stdout(), "skipped: {skipped}")?;
    }
    Ok(())
}

/// Progress, on stderr.
fn say(what: &str) -> io::Result<()> {
    writeln!(io::stderr(), "bench-lambda: {what}")
}
