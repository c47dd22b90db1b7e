//! Any text as a key policy.
//!
//! Input: `{"before": …, "after": …, "add": <statement>, "trusted": [<account>]}`. A policy that is a string is taken as
//! text, any other as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_policy::{Assessment, Context, Diff, MAX_TEXT, Policy};

use crate::Verdict;

/// The account that owns the key.
const OWN: &str = "111122223333";

/// Runs an input.
///
/// # Errors
///
/// What does not hold: a policy does not differ from itself, in whatever order its statements stand; what one gains and
/// loses is the other's loss and gain; an Allow more never makes a policy look safer, a Deny more never makes it wider.
pub fn run(input: &Value) -> Verdict {
    let trusted: Vec<&str> = input["trusted"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let context = Context {
        account: OWN,
        trusted_accounts: &trusted,
    };
    let parse = |name: &str| Policy::parse(&text(&input[name])).ok();
    let (before, after) = (parse("before"), parse("after"));
    for policy in [&before, &after].into_iter().flatten() {
        bounded(&policy.assess(&context))?;
        same(policy, policy, &context)?;
    }
    if let (Some(before), Some(after)) = (&before, &after) {
        compared(before, after, &context)?;
    }
    if let Some(after) = &after {
        one_more(after, &input["after"], &input["add"], &context)?;
    }
    Ok(())
}

fn text(policy: &Value) -> String {
    policy
        .as_str()
        .map_or_else(|| policy.to_string(), str::to_owned)
}

fn ensure(holds: bool, problem: &str) -> Verdict {
    holds.then_some(()).ok_or_else(|| problem.to_owned())
}

fn bounded(found: &Assessment) -> Verdict {
    let texts = [
        &found.open_via,
        &found.foreign_accounts,
        &found.open_services,
        &found.who_may_change,
    ];
    let long = texts
        .into_iter()
        .flatten()
        .find(|text| text.chars().count() > MAX_TEXT);
    ensure(long.is_none(), "a value is longer than it may be")?;
    ensure(
        found.lockout == found.who_may_change.is_empty(),
        "locked out, and somebody may change",
    )
}

/// Nothing is gained or lost between two policies that say the same.
fn same(one: &Policy, other: &Policy, context: &Context<'_>) -> Verdict {
    let diff = Diff::between(Some(one), other);
    ensure(
        diff.is_empty(),
        &format!("a policy differs from itself: {diff:?}"),
    )?;
    ensure(
        !diff.gained_public(context),
        "a policy is more public than itself",
    )?;
    let gained = diff.gained_foreign(context);
    ensure(
        gained.is_empty(),
        &format!("a policy gives {gained:?} more than itself"),
    )
}

fn compared(before: &Policy, after: &Policy, context: &Context<'_>) -> Verdict {
    let (there, back) = (
        Diff::between(Some(before), after),
        Diff::between(Some(after), before),
    );
    ensure(
        there.is_empty() == back.is_empty(),
        "a difference in one direction only",
    )?;
    ensure(
        (there.added.len(), there.removed.len()) == (back.removed.len(), back.added.len()),
        &format!("what is gained there is not what is lost on the way back: {there:?} {back:?}"),
    )?;
    let gained = there.gained_public(context);
    ensure(
        !gained || after.assess(context).public,
        "public access gained by a policy that is not public",
    )?;
    let foreign = there.gained_foreign(context);
    ensure(
        foreign.is_subset(&after.assess(context).foreign_accounts),
        "a foreign account gained by a policy that names none",
    )?;
    let all = Diff::between(None, after);
    ensure(
        all.gained_foreign(context) == after.assess(context).foreign_accounts,
        "without a policy before, not every foreign account is new",
    )
}

/// The policy with its statements in another order, and with one more of them.
fn one_more(policy: &Policy, json: &Value, add: &Value, context: &Context<'_>) -> Verdict {
    let document = json.as_str().map_or_else(
        || Some(json.clone()),
        |text| serde_json::from_str(text).ok(),
    );
    let Some(Value::Object(mut document)) = document else {
        return Ok(());
    };
    // Names of elements may stand there in any case.
    let Some(name) = document
        .keys()
        .find(|name| name.eq_ignore_ascii_case("statement"))
        .cloned()
    else {
        return Ok(());
    };
    let mut statements = match document.get(&name) {
        Some(Value::Array(statements)) => statements.clone(),
        Some(statement) => vec![statement.clone()],
        None => return Ok(()),
    };
    let mut with = |statements: &[Value]| {
        document.insert(name.clone(), statements.into());
        Policy::parse(&Value::Object(document.clone()).to_string()).ok()
    };
    statements.reverse();
    if let Some(turned) = with(&statements) {
        same(policy, &turned, context)?;
        let (one, other) = (policy.assess(context), turned.assess(context));
        ensure(
            one == other,
            &format!("the order of statements counts: {one:?} {other:?}"),
        )?;
    }
    let Some(add) = add.as_object() else {
        return Ok(());
    };
    let before = policy.assess(context);
    for effect in ["Allow", "Deny"] {
        let mut add = add.clone();
        add.retain(|name, _| !name.eq_ignore_ascii_case("effect"));
        add.insert("Effect".to_owned(), json!(effect));
        let all: Vec<_> = statements
            .iter()
            .cloned()
            .chain([Value::Object(add)])
            .collect();
        let Some(more) = with(&all) else {
            continue;
        };
        let after = more.assess(context);
        let (narrow, wide) = if effect == "Allow" {
            (&before, &after)
        } else {
            (&after, &before)
        };
        is_within(narrow, wide).map_err(|problem| {
            format!("{effect}: {problem}: before {before:?}, after {after:?}")
        })?;
    }
    Ok(())
}

/// One policy lets in nobody that the other does not.
fn is_within(narrow: &Assessment, wide: &Assessment) -> Verdict {
    let within = |name: &str, narrow: &BTreeSet<String>, wide: &BTreeSet<String>| {
        ensure(narrow.is_subset(wide), &format!("{name} is not within"))
    };
    ensure(!narrow.public || wide.public, "public")?;
    within("open via", &narrow.open_via, &wide.open_via)?;
    within("foreign", &narrow.foreign_accounts, &wide.foreign_accounts)?;
    within("open services", &narrow.open_services, &wide.open_services)?;
    ensure(
        !narrow.delegates_to_iam || wide.delegates_to_iam,
        "delegation to IAM",
    )?;
    // "Everybody" stands for all whom the statement names besides.
    if wide.who_may_change.contains("everybody") {
        return Ok(());
    }
    within(
        "who may change",
        &narrow.who_may_change,
        &wide.who_may_change,
    )
}
