//! The counts under the table.

use std::fmt::Write;

use jiff::Timestamp;
use watch_core::arn::Region;
use watch_core::kinds::blind_spot_statement;
use watch_core::text::minute;
use watch_sweep::pace::Operation;

use crate::inventory::args::Args;
use crate::inventory::condition::{Condition, Weight};
use crate::inventory::not_read;
use crate::inventory::progress::span;
use crate::inventory::row::{Gap, Row};
use crate::inventory::survey::Survey;

/// Blind spots that are named; the others are counted.
const NAMED: usize = 10;
/// Accounts or Regions that a heading names.
const FEW: usize = 3;
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
    for (region, reason) in &survey.nameless {
        let _ = writeln!(
            text,
            "No aliases in {}: {}",
            region.as_str(),
            reason.as_str()
        );
    }
    assumed(&mut text, survey);
    let incomplete = survey.incomplete().count();
    if incomplete > 0 {
        let _ = writeln!(
            text,
            "NOT COMPLETE: KMS left questions about {incomplete} of these keys without an answer. Try again."
        );
    }
    for line in not_read::lines(&survey.not_read) {
        let _ = writeln!(text, "NOT READ: {line}");
    }
    urgent(&mut text, survey);
    text
}

/// Accounts that did not say which Regions they have.
fn assumed(text: &mut String, survey: &Survey) {
    let mut reasons: Vec<_> = survey
        .accounts
        .iter()
        .filter_map(|account| account.regions_assumed.as_ref())
        .collect();
    reasons.sort_unstable();
    reasons.dedup();
    for reason in reasons {
        let _ = writeln!(
            text,
            "All Regions that this version knows were asked, since account:ListRegions failed: {}",
            reason.shortened(REASON_BOUND).as_str()
        );
    }
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

/// What KMS hides: what is denied for all keys of an account in one line, and the first of the others with their reasons.
fn blind_spots(text: &mut String, survey: &Survey) {
    let denied = survey.denied_everywhere();
    for (operation, accounts, keys) in &denied {
        let of = match &accounts[..] {
            [_] if survey.accounts.len() == 1 => String::new(),
            [one] => format!(" of account {one}"),
            [..] => format!(" of {} accounts", accounts.len()),
        };
        let _ = writeln!(
            text,
            "  {operation} is denied for all {keys} keys{of}: the IAM policy of these credentials seems to lack kms:{operation}"
        );
    }
    let is_told = |row: &Row, gap: &Gap| {
        let account = row.account.as_str();
        denied.iter().any(|(operation, accounts, _)| {
            *operation == gap.operation && accounts.contains(&account)
        })
    };
    fn hidden<'r>(row: &'r Row, is_told: &impl Fn(&Row, &Gap) -> bool) -> Option<&'r Gap> {
        let mut gaps = row.missing.iter();
        gaps.find(|gap| gap.denied && !is_told(row, gap))
    }
    let rows: Vec<_> = survey
        .rows
        .iter()
        .filter(|row| row.is(Condition::BlindSpot))
        .filter_map(|row| Some((row, hidden(row, &is_told)?)))
        .collect();
    for (row, gap) in rows.iter().take(NAMED) {
        let _ = writeln!(
            text,
            "  {}  {}: {}",
            row.name(),
            gap.operation,
            gap.reason.shortened(REASON_BOUND).as_str()
        );
    }
    if rows.len() > NAMED {
        let _ = writeln!(text, "  and {} more", rows.len() - NAMED);
    }
    let mut statements: Vec<_> = rows
        .iter()
        .map(|(row, _)| blind_spot_statement(row.arn.partition(), row.arn.account()))
        .collect();
    statements.sort_unstable();
    statements.dedup();
    for statement in statements.iter().take(NAMED) {
        let _ = writeln!(
            text,
            "  This statement in the key's policy lets IAM policies of the account allow it:\n  {statement}"
        );
    }
}

fn heading(survey: &Survey) -> String {
    let at = minute(survey.at);
    let managed = match survey.managed_unlisted {
        0 => String::new(),
        count => format!("; {count} more that AWS manages (--aws-managed lists them)"),
    };
    let mut accounts: Vec<_> = survey.rows.iter().map(|row| row.account.as_str()).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let keys = match survey.rows.len() {
        0 => "No keys".to_owned(),
        1 => "1 key".to_owned(),
        count => format!("{count} keys"),
    };
    let of = match &accounts[..] {
        [] => String::new(),
        [one] if survey.accounts.len() <= 1 => format!(" of account {one}"),
        some if some.len() <= FEW => format!(" of accounts {}", some.join(", ")),
        some => format!(" of {} accounts", some.len()),
    };
    let asked = match survey.accounts.len() {
        0 | 1 => String::new(),
        count => format!(", {count} accounts read"),
    };
    format!("{keys}{of} {}{asked}, {at}{managed}\n", regions(survey))
}

/// `in us-east-1`, `in us-east-1 and eu-west-1 (17 Regions read)`, `in 9 of 17 Regions`.
fn regions(survey: &Survey) -> String {
    let read = survey.regions();
    let names = |regions: &[&Region]| {
        let names: Vec<_> = regions.iter().map(|region| region.as_str()).collect();
        names.join(", ")
    };
    let mut with_keys: Vec<_> = survey.rows.iter().map(|row| &row.region).collect();
    with_keys.sort_unstable();
    with_keys.dedup();
    match (read.len(), with_keys.len()) {
        (0..=FEW, _) => format!("in {}", names(&read)),
        (all, 0) => format!("in {all} Regions"),
        (all, 1..=FEW) => format!("in {} ({all} Regions read)", names(&with_keys)),
        (all, some) => format!("in {some} of {all} Regions"),
    }
}

fn unused(survey: &Survey) -> String {
    let tally = &survey.tally;
    let not_asked = survey.uses_not_asked();
    let takes = || span(not_asked as f64 / Operation::GetKeyLastUsage.share());
    if tally.use_known == 0 && not_asked > 0 {
        return format!("not asked: --last-use asks, which takes {}", takes());
    }
    let (unused, known) = (tally.unused.count, tally.use_known);
    let mut text = format!("{unused} of {known} asked about, for 90 days or more");
    if not_asked > 0 {
        let _ = write!(
            text,
            "; {not_asked} not asked (--last-use asks, which takes {} or less)",
            takes()
        );
    }
    text
}

fn dated(count: String, next: Option<Timestamp>) -> String {
    match next {
        Some(next) => format!("{count}, the next on {}", minute(next)),
        None => count,
    }
}
