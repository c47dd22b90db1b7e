//! Any text as a key policy.
//!
//! Input: `{"before": …, "after": …, "add": <statement>, "trusted": [<account>]}`. A policy that is a string is taken as
//! text, any other as JSON.

use serde_json::{Value, json};
use watch_policy::{Assessment, Context, Diff, MAX_TEXT, Policy, Question};

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
        key: None,
        trusted_accounts: &trusted,
        trusted_organizations: &trusted,
        now: 1_771_056_000,
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
        &found.foreign_organizations,
        &found.foreign_networks,
        &found.unknown_principals,
        &found.open_services,
    ];
    let holders = found.holders.values();
    let holders = holders.flat_map(|it| [&it.sure, &it.possible]);
    let long = texts
        .into_iter()
        .chain(holders)
        .flatten()
        .find(|text| text.chars().count() > MAX_TEXT);
    ensure(long.is_none(), "a value is longer than it may be")?;
    ensure(
        found.lockout == found.who_may(Question::Change).is_empty(),
        "locked out, and somebody may change",
    )
}

/// Nothing is gained or lost between two policies that say the same.
fn same(one: &Policy, other: &Policy, context: &Context<'_>) -> Verdict {
    let diff = Diff::between(Some(one), other, context);
    ensure(
        diff.is_empty(),
        &format!("a policy differs from itself: {diff:?}"),
    )?;
    let gained = diff.gains();
    ensure(
        gained.is_empty(),
        &format!("a policy gives {gained:?} more than itself"),
    )?;
    let lost = Question::ALL.map(|question| diff.lost(question));
    ensure(
        lost.iter().all(|lost| lost.is_empty()),
        &format!("a policy takes {lost:?} from itself"),
    )
}

fn compared(before: &Policy, after: &Policy, context: &Context<'_>) -> Verdict {
    let (there, back) = (
        Diff::between(Some(before), after, context),
        Diff::between(Some(after), before, context),
    );
    ensure(
        there.is_empty() == back.is_empty(),
        "a difference in one direction only",
    )?;
    ensure(
        (there.added.len(), there.removed.len()) == (back.removed.len(), back.added.len()),
        &format!("what is gained there is not what is lost on the way back: {there:?} {back:?}"),
    )?;
    let gained = there.gains();
    ensure(
        !gained.public || after.assess(context).public,
        "public access gained by a policy that is not public",
    )?;
    ensure(
        gained
            .accounts
            .is_subset(&after.assess(context).foreign_accounts),
        "a foreign account gained by a policy that names none",
    )?;
    let all = Diff::between(None, after, context);
    ensure(
        all.gains().accounts == after.assess(context).foreign_accounts,
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

/// One policy lets in nobody that the other does not. Who is told by name may differ: a deny that spares one names that
/// one, who was somebody of everybody before.
fn is_within(narrow: &Assessment, wide: &Assessment) -> Verdict {
    ensure(!narrow.public || wide.public, "public")?;
    ensure(!narrow.is_foreign() || wide.is_foreign(), "foreign")?;
    ensure(
        narrow.open_services.is_subset(&wide.open_services),
        "open services",
    )?;
    ensure(
        !narrow.delegates_to_iam || wide.delegates_to_iam,
        "delegation to IAM",
    )?;
    for question in Question::ALL {
        let [narrow, wide] = [narrow, wide].map(|it| &it.holders[&question]);
        ensure(
            (!narrow.at_large || wide.at_large) && (!narrow.root_user || wide.root_user),
            &format!("who may {}", question.name()),
        )?;
    }
    Ok(())
}
