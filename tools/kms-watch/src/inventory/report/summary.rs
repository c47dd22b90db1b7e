//! The counts under the table.

use std::fmt::Write;

use jiff::Timestamp;
use watch_core::kinds::blind_spot_statement;
use watch_core::text::minute;
use watch_sweep::pace::Operation;

use crate::inventory::args::Args;
use crate::inventory::condition::{Condition, Weight};
use crate::inventory::progress::span;
use crate::inventory::survey::Survey;

/// Blind spots that are named; the others are counted.
const NAMED: usize = 10;
/// Longest reason, in characters.
const REASON_BOUND: usize = 160;

/// What the keys are, all together. The counts are those of the function's metrics.
pub(crate) fn summary(survey: &Survey, args: &Args) -> String {
    let mut text = heading(survey);
    let tally = &survey.tally;
    let mut line = |title: &str, words: String| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{title:<18}{words}");
    };
    if tally.keys > 0 {
        let mut states: Vec<_> = tally.by_state.iter().collect();
        states.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
        let states: Vec<_> = states
            .iter()
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        line("state", states.join(", "));
        let pending = tally.pending_deletion();
        line(
            "pending deletion",
            dated(pending.to_string(), tally.next_deletion),
        );
        let expiring = survey.rows.iter().filter(|row| row.is(Condition::Expiring));
        let within = format!("{} within {} days", expiring.count(), args.within_days);
        line("expiring", dated(within, tally.next_expiry));
        line("without rotation", tally.without_rotation.count.to_string());
        line("unused", unused(survey));
        line("blind spots", tally.blind_spots.to_string());
    }
    if survey.filtered > 0 {
        let _ = writeln!(
            text,
            "{} more keys do not match the filters",
            survey.filtered
        );
    }
    blind_spots(&mut text, survey);
    remedy(&mut text, survey);
    for (region, reason) in &survey.nameless {
        let _ = writeln!(
            text,
            "No aliases in {}: {}",
            region.as_str(),
            reason.as_str()
        );
    }
    let incomplete = survey.incomplete().count();
    if incomplete > 0 {
        let _ = writeln!(
            text,
            "NOT COMPLETE: KMS left questions about {incomplete} of these keys without an answer. Try again."
        );
    }
    urgent(&mut text, survey);
    text
}

/// What must not scroll away comes last: the most urgent keys, by their ARNs.
fn urgent(text: &mut String, survey: &Survey) {
    let is_urgent = |condition: &&Condition| condition.weight() == Weight::Urgent;
    let rows = survey.rows.iter();
    let urgent: Vec<_> = rows
        .filter_map(|row| Some((row, row.conditions.iter().find(is_urgent)?)))
        .collect();
    if urgent.is_empty() {
        return;
    }
    text.push_str("\nMost urgent\n");
    for (row, condition) in urgent.iter().take(NAMED) {
        let on = match condition {
            Condition::PendingDeletion => row.deletion_at,
            Condition::Expiring => row.expires_at,
            _ => None,
        };
        let on = on.map(|at| format!(" {}", minute(at))).unwrap_or_default();
        let _ = writeln!(
            text,
            "  {}{on}  {}  {}",
            condition.name(),
            row.name(),
            row.arn
        );
    }
    if urgent.len() > NAMED {
        let _ = writeln!(text, "  and {} more", urgent.len() - NAMED);
    }
}

/// The first keys that KMS hides, and why.
fn blind_spots(text: &mut String, survey: &Survey) {
    for row in survey
        .rows
        .iter()
        .filter(|row| row.is(Condition::BlindSpot))
        .take(NAMED)
    {
        if let Some(gap) = row.missing.iter().find(|gap| gap.denied) {
            let _ = writeln!(
                text,
                "  {}  {}: {}",
                row.name(),
                gap.operation,
                gap.reason.shortened(REASON_BOUND).as_str()
            );
        }
    }
    let more = survey.tally.blind_spots.saturating_sub(NAMED as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
}

fn heading(survey: &Survey) -> String {
    let regions: Vec<_> = survey
        .regions
        .iter()
        .map(|region| region.as_str())
        .collect();
    let (regions, at) = (regions.join(", "), minute(survey.at));
    let mut accounts: Vec<_> = survey.rows.iter().map(|row| row.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let managed = match survey.managed_unlisted {
        0 => String::new(),
        count => format!("; {count} more that AWS manages (--aws-managed lists them)"),
    };
    match accounts.join(", ") {
        account if account.is_empty() => format!("No keys in {regions}, {at}{managed}\n"),
        account => {
            let keys = match survey.rows.len() {
                1 => "1 key".to_owned(),
                count => format!("{count} keys"),
            };
            format!("{keys} of account {account} in {regions}, {at}{managed}\n")
        }
    }
}

fn unused(survey: &Survey) -> String {
    let tally = &survey.tally;
    if survey.last_use_asked {
        let (unused, known) = (tally.unused.count, tally.use_known);
        return format!("{unused} of {known} asked about, for 90 days or more");
    }
    let takes = span(tally.keys as f64 / Operation::GetKeyLastUsage.share());
    format!("not asked: --last-use asks, which takes {takes}")
}

/// What opens the blind spots.
fn remedy(text: &mut String, survey: &Survey) {
    if let Some(operation) = survey.denied_everywhere() {
        let _ = writeln!(
            text,
            "  {operation} is denied for every key: your own IAM policy seems to lack kms:{operation}"
        );
        return;
    }
    let mut statements: Vec<_> = survey
        .rows
        .iter()
        .filter(|row| row.is(Condition::BlindSpot))
        .map(|row| blind_spot_statement(row.arn.partition(), row.arn.account()))
        .collect();
    statements.sort_unstable();
    statements.dedup();
    for statement in statements {
        let _ = writeln!(
            text,
            "  This statement in the key's policy lets IAM policies of the account allow it:\n  {statement}"
        );
    }
}

fn dated(count: String, next: Option<Timestamp>) -> String {
    match next {
        Some(next) => format!("{count}, the next on {}", minute(next)),
        None => count,
    }
}
