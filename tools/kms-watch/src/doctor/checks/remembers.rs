//! The ledger, what it says of the watch, and what AWS Config adds to it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watch_core::ports::CallErrorKind;
use watch_core::text::minute;
use watch_sweep::attest::canary as attest;

use super::super::answers::{Answers, Memory};
use super::super::verdict::{DEPLOY, Verdict, name};

/// A light sweep runs every hour.
const RUN_LATE: SignedDuration = SignedDuration::from_hours(3);
/// A full sweep runs every day.
const FULL_LATE: SignedDuration = SignedDuration::from_hours(26);
/// The first sweep starts within the hour, and the first canary within minutes.
const SETTLED: SignedDuration = SignedDuration::from_hours(2);
/// The first full sweep is the one of the night.
const FIRST_FULL: SignedDuration = SignedDuration::from_hours(26);

/// Whether the table can be used, and not be deleted.
pub(super) fn ledger(answers: &Answers) -> Verdict {
    let table = match &answers.table {
        Ok(table) => table,
        Err(error) => return Verdict::unseen(error),
    };
    if !["ACTIVE", "UPDATING"].contains(&table.status.as_str()) {
        return Verdict::failed(
            format!(
                "the table is {}: alerts go out, and may come twice",
                name(&table.status)
            ),
            "look at the table in DynamoDB",
        );
    }
    if !table.is_protected {
        return Verdict::failed("the table is not protected against deletion", DEPLOY);
    }
    Verdict::well("the table is there, and protected against deletion")
}

/// Whether it can be restored.
pub(super) fn recovery(answers: &Answers) -> Verdict {
    match &answers.recovery {
        Err(error) => Verdict::unseen(error),
        Ok(true) => Verdict::well("point-in-time recovery is enabled"),
        Ok(false) => Verdict::failed("point-in-time recovery is disabled", DEPLOY),
    }
}

/// Whether its policy keeps others from writing.
pub(super) fn policy(answers: &Answers) -> Verdict {
    let policy = match &answers.table_policy {
        Ok(Some(policy)) => policy,
        Ok(None) => {
            return Verdict::failed(
                "the table has no resource policy: whoever may write to it can keep alerts back",
                DEPLOY,
            );
        }
        Err(error) => return Verdict::unseen(error),
    };
    if denies_writes(policy) {
        return Verdict::well("only the functions can write to the table");
    }
    Verdict::failed(
        "the resource policy of the table does not deny writes to others",
        DEPLOY,
    )
}

fn denies_writes(policy: &str) -> bool {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let list = |value: &Value| match value {
        Value::Array(items) => items.clone(),
        one => vec![one.clone()],
    };
    list(&policy["Statement"]).iter().any(|statement| {
        let actions = list(&statement["Action"]);
        let denied = |action: &str| actions.iter().any(|it| it == action);
        let everybody = statement["Principal"] == "*" || statement["Principal"]["AWS"] == "*";
        statement["Effect"] == "Deny"
            && everybody
            && [
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
                "dynamodb:BatchWriteItem",
            ]
            .into_iter()
            .all(denied)
    })
}

/// What the ledger says, and since when there is a stack.
fn memory(answers: &Answers) -> Result<(&Memory, Option<SignedDuration>), Verdict> {
    let memory = answers.memory.as_ref().map_err(Verdict::unseen)?;
    let created = answers.stack.as_ref().ok().and_then(|it| it.created_at);
    Ok((
        memory,
        created.map(|created| answers.at.duration_since(created)),
    ))
}

/// Whether sweeps run.
pub(super) fn sweeps(answers: &Answers) -> Verdict {
    let (memory, age) = match memory(answers) {
        Ok(known) => known,
        Err(verdict) => return verdict,
    };
    let is_young = |span: SignedDuration| age.is_some_and(|age| age < span);
    let late = |at: Option<Timestamp>, span: SignedDuration| {
        at.is_none_or(|at| answers.at.duration_since(at) > span)
    };
    let said = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), minute);
    let log = "look at the schedules of key-inventory and at its log";
    if late(memory.run_at, RUN_LATE) {
        if memory.run_at.is_none() && is_young(SETTLED) {
            return Verdict::early("the first sweep has yet to run: it starts within the hour");
        }
        let what = format!(
            "the last sweep ran {}, and one runs every hour",
            said(memory.run_at)
        );
        return Verdict::failed(what, log);
    }
    if late(memory.full_at, FULL_LATE) {
        if memory.full_at.is_none() && is_young(FIRST_FULL) {
            return Verdict::early("the first full sweep has yet to run: it starts at 03:23 UTC");
        }
        let what = format!(
            "the last full sweep ended {}, and one runs every day",
            said(memory.full_at)
        );
        return Verdict::failed(what, log);
    }
    Verdict::well(format!("the last sweep ran {}", said(memory.run_at)))
}

/// Whether the canary came through.
pub(super) fn canary(answers: &Answers) -> Verdict {
    let (memory, age) = match memory(answers) {
        Ok(known) => known,
        Err(verdict) => return verdict,
    };
    let Some(last) = memory.canary_at else {
        if age.is_some_and(|age| age < SETTLED) {
            return Verdict::early("the first canary has yet to come: it takes some minutes");
        }
        return Verdict::failed(
            "no canary came through, from CloudTrail over a rule and a function into the ledger",
            CANARY,
        );
    };
    match attest::judge(Some(last), Timestamp::MIN, answers.at) {
        None => Verdict::well(format!("the last canary came {}", minute(last))),
        Some(_) => Verdict::failed(
            format!(
                "the last canary came {}, and one comes every three days",
                minute(last)
            ),
            CANARY,
        ),
    }
}

/// Whether AWS Config records, if it is asked what depends on a key. Any function that looks for that tells whether it is.
pub(super) fn config(answers: &Answers) -> Verdict {
    let function = match answers.functions.get("KeyDeletionFunction") {
        Some(Ok(function)) => function,
        Some(Err(error)) if error.kind() != CallErrorKind::NotFound => {
            return Verdict::unseen(error);
        }
        // Another check says so.
        _ => return Verdict::well("AWS Config is not asked"),
    };
    if function.configuration["Environment"]["Variables"]["CONFIG_DEPENDANTS"] != "true" {
        return Verdict::well("AWS Config is not asked what depends on a key");
    }
    match &answers.recording {
        Err(error) => Verdict::unseen(error),
        Ok(true) => Verdict::well("AWS Config records, and is asked what depends on a key"),
        Ok(false) => Verdict::failed(
            "AWS Config is asked what depends on a key, and no recorder is on in this Region",
            "start the recorder, or deploy with ConfigDependants=false",
        ),
    }
}

const CANARY: &str = "look at the trail, at the schedule Canary, and at the log of watch-guard";
