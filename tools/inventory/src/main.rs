//! `cargo inventory`: a report over every key of an account and Region, by hand, with the user's own credentials.
//!
//! It is the sweep that the function `key-inventory` makes, without ledger, alerts and metrics, and it changes nothing. It
//! is a crate of its own because its ways to credentials (profiles, single sign-on, other programs) must not come along
//! into a function.
//!
//! IAM actions: `kms:ListKeys` and `kms:ListAliases` on `*`; `kms:DescribeKey`, `kms:ListResourceTags`,
//! `kms:GetKeyRotationStatus`, `kms:ListKeyRotations` and `kms:GetKeyLastUsage` on the account's keys.

mod account;
mod args;
mod condition;
mod demo;
mod error;
mod output;
mod progress;
mod report;
mod row;
mod survey;

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use aws_config::SdkConfig;
use jiff::Timestamp;
use watch_aws::SystemClock;
use watch_core::ports::Clock;

use crate::args::{Args, Command, Format, Place};
use crate::condition::Condition;
use crate::error::InventoryError;
use crate::output::Target;
use crate::progress::{Progress, note};
use crate::row::Row;
use crate::survey::Survey;

/// A key is what `--fail-on` names.
const HIT: u8 = 1;
/// The report is made, and KMS did not answer about every key.
const INCOMPLETE: u8 = 3;

fn main() -> ExitCode {
    match run() {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            note(format_args!("{error}"));
            if let Some(cause) = std::error::Error::source(&error) {
                note(format_args!("{cause}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

fn run() -> Result<u8, InventoryError> {
    let args = match Args::parse(args::parser(std::env::args_os().skip(1)))? {
        Command::Help => {
            output::print(args::HELP.as_bytes())?;
            return Ok(0);
        }
        Command::Version => {
            output::print(concat!("inventory ", env!("CARGO_PKG_VERSION"), "\n").as_bytes())?;
            return Ok(0);
        }
        Command::Run(args) => args,
    };
    let target = args.output.as_deref().map(Target::new).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let survey = runtime.block_on(async {
        match &args.place {
            Place::Demo => {
                let aws = demo::start().map_err(InventoryError::Demo)?;
                ask(&demo::config(&aws), &args, demo::HASTE, aws.now()).await
            }
            Place::Account { profile } => {
                let sdk = account::load(profile.as_deref()).await;
                ask(&sdk, &args, 1.0, SystemClock.now()).await
            }
        }
    })?;
    tell(&survey, &args, target.as_ref())
}

async fn ask(
    sdk: &SdkConfig,
    args: &Args,
    haste: f64,
    now: Timestamp,
) -> Result<Survey, InventoryError> {
    let regions = account::regions(sdk, &args.regions)?;
    let progress = Progress::new(args.verbose, haste);
    let survey = survey::survey(sdk, &regions, args, haste, now, &progress).await;
    progress.end();
    survey
}

/// Writes the report, and says what the exit code has to say.
fn tell(survey: &Survey, args: &Args, target: Option<&Target>) -> Result<u8, InventoryError> {
    match target {
        Some(target) => {
            let report = report::render(survey, args, args.width)?;
            target.write(&anstream::adapter::strip_bytes(&report).into_vec())?;
        }
        None => output::print(&report::render(survey, args, args.width.or_else(terminal))?)?,
    }
    if args.format != Format::Table && (args.verbose || survey.rows.is_empty()) {
        for line in report::summary(survey, args).lines() {
            note(format_args!("{line}"));
        }
    }
    let hits = survey.rows.iter().flat_map(|row| {
        let named = args.fail_on.iter().filter(|condition| row.is(**condition));
        named.map(move |condition| (*condition, row))
    });
    let mut code = 0;
    for (condition, row) in hits {
        note(format_args!(
            "{}: {}",
            condition.name(),
            hit(condition, row)
        ));
        code = HIT;
    }
    let incomplete: Vec<_> = survey.incomplete().collect();
    for row in &incomplete {
        let gap = row.missing.iter().find(|gap| !gap.denied);
        let reason = gap.map(|gap| format!("{}: {}", gap.operation, gap.reason.as_str()));
        note(format_args!(
            "no answer: {}, {}",
            named(row),
            reason.unwrap_or_default()
        ));
    }
    if code == 0 && !incomplete.is_empty() {
        code = INCOMPLETE;
    }
    Ok(code)
}

fn terminal() -> Option<usize> {
    let stdout = io::stdout();
    let size = stdout
        .is_terminal()
        .then(|| terminal_size::terminal_size_of(stdout))
        .flatten();
    size.map(|(width, _)| usize::from(width.0))
}

fn hit(condition: Condition, row: &Row) -> String {
    let name = named(row);
    let on = match condition {
        Condition::PendingDeletion => row.deletion_at,
        Condition::Expiring => row.expires_at,
        _ => None,
    };
    match on {
        Some(at) => format!("{name}, {at}"),
        None => name,
    }
}

fn named(row: &Row) -> String {
    if row.name() == row.key_id {
        return row.arn.to_string();
    }
    format!("{} ({})", row.name(), row.arn)
}
