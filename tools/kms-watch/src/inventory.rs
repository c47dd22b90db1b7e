//! `kms-watch inventory`: a report over every key, by hand, with the user's own credentials.
//!
//! It is the sweep that the function `key-inventory` makes, without ledger, alerts and metrics, and it changes nothing.
//!
//! IAM actions: `kms:ListKeys` and `kms:ListAliases` on `*`; `kms:DescribeKey`, `kms:ListResourceTags`,
//! `kms:GetKeyRotationStatus`, `kms:ListKeyRotations`, `kms:GetKeyPolicy` and `kms:GetKeyLastUsage`, with `--grants` `kms:ListGrants`, on the
//! account's keys; without `--region` `account:ListRegions`; with `--role-arn` or `--organization` `sts:AssumeRole`, and with the latter
//! `organizations:ListAccounts`.

mod accounts;
pub(crate) mod args;
pub(crate) mod condition;
pub(crate) mod error;
mod exposure;
pub(crate) mod filter;
pub(crate) mod not_read;
mod progress;
mod question;
pub(crate) mod reach;
mod region;
mod regions;
mod report;
pub(crate) mod row;
pub(crate) mod sample;
pub(crate) mod survey;

use std::io::{self, IsTerminal};

use aws_config::SdkConfig;
use jiff::Timestamp;
use watch_aws::SystemClock;
use watch_core::ports::Clock;

use crate::inventory::args::{Args, Format};
use crate::inventory::condition::Condition;
use crate::inventory::error::InventoryError;
use crate::inventory::progress::Progress;
use crate::inventory::row::Row;
use crate::inventory::survey::Survey;
use crate::output::{Target, note};
use crate::{account, exit_codes, output};

/// Makes the report.
pub(crate) async fn run(args: &Args, quiet: bool) -> Result<u8, InventoryError> {
    args.check().map_err(InventoryError::Usage)?;
    let target = args.output.as_deref().map(Target::new).transpose()?;
    let survey = if args.reach.demo {
        let aws = sample::start().map_err(InventoryError::Demo)?;
        ask(&sample::config(&aws), args, sample::HASTE, aws.now(), quiet).await
    } else {
        let sdk = account::configuration(args.reach.profile.as_deref()).await?;
        ask(&sdk, args, 1.0, SystemClock.now(), quiet).await
    }?;
    tell(&survey, args, target.as_ref(), quiet)
}

pub(crate) async fn ask(
    sdk: &SdkConfig,
    args: &Args,
    haste: f64,
    now: Timestamp,
    quiet: bool,
) -> Result<Survey, InventoryError> {
    let progress = Progress::new(args.verbose, quiet, haste);
    let survey = survey::survey(sdk, args, haste, now, &progress).await;
    progress.end();
    survey
}

/// Writes the report, and says what the exit code has to say.
fn tell(
    survey: &Survey,
    args: &Args,
    target: Option<&Target>,
    quiet: bool,
) -> Result<u8, InventoryError> {
    match target {
        Some(target) => {
            let report = report::render(survey, args, args.width)?;
            target.write(&anstream::adapter::strip_bytes(&report).into_vec())?;
        }
        None => output::print(&report::render(survey, args, args.width.or_else(terminal))?)?,
    }
    if args.format() != Format::Table && !quiet && (args.verbose || survey.rows.is_empty()) {
        for line in report::summary(survey, args).lines() {
            note(format_args!("{line}"));
        }
    }
    let hits = survey.rows.iter().flat_map(|row| {
        let named = args.fail_on.iter().filter(|condition| row.is(**condition));
        named.map(move |condition| (*condition, row))
    });
    let mut code = exit_codes::DONE;
    for (condition, row) in hits {
        note(format_args!(
            "{}: {}",
            condition.name(),
            hit(condition, row)
        ));
        code = exit_codes::FOUND;
    }
    for line in not_read::lines(&survey.not_read) {
        note(format_args!("not read: {line}"));
    }
    for row in survey.incomplete() {
        let gap = row.missing.iter().find(|gap| !gap.denied);
        let reason = gap.map(|gap| format!("{}: {}", gap.operation, gap.reason.as_str()));
        note(format_args!(
            "no answer: {}, {}",
            named(row),
            reason.unwrap_or_default()
        ));
    }
    if code == exit_codes::DONE && !survey.is_complete() {
        code = exit_codes::INCOMPLETE;
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
