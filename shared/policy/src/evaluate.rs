//! Allow and Deny together: what a caller may do.
//!
//! Not everything that a condition asks for can be known from the policy. What is not known counts on the unsafe side of
//! the question that is asked. Whether somebody is still let in ([`Mode::Sure`]): an Allow's unknown condition is not
//! met, and a Deny's is. Whether somebody might get in ([`Mode::Possible`]): the other way round.
//!
//! What a caller may choose, such as to sign in with MFA, is chosen as it serves the caller, but only once for all
//! statements: a deny with MFA beside a deny without it leaves nobody.

use std::collections::{BTreeMap, BTreeSet};

use crate::caller::{Caller, Fact};
use crate::condition::{Compare, Set, Subject, Test, seconds};
use crate::context::Context;
use crate::operation::{CLASSES, Class, Ops};
use crate::parse::{Effect, Policy, Statement};
use crate::principal::is_account;

/// How what is not known counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// As if it went against the caller.
    Sure,
    /// The same, and no condition is met by choice: what holds for whoever calls, however they call.
    Unconditional,
    /// As if it went for the caller.
    Possible,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Verdict {
    /// Allowed, and not denied.
    pub(crate) allowed: Ops,
    /// Allowed, were there no denies.
    pub(crate) offered: Ops,
    /// Denied, allowed or not.
    pub(crate) denied: Ops,
}

/// Whether a test or a condition is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Met {
    Yes,
    No,
    /// As the caller likes.
    ByChoice,
    Unknown,
}

/// Most ways to call that are tried out for one caller and class of operations.
const MAX_WAYS: usize = 512;

/// What a caller sends, of what may be chosen: absent, or a value.
type Way<'a> = BTreeMap<&'a str, Option<String>>;

impl Policy {
    /// What the caller may do.
    pub(crate) fn decide(&self, caller: &Caller<'_>, mode: Mode, context: &Context<'_>) -> Verdict {
        let statements: Vec<&Statement> = self
            .statements
            .iter()
            .filter(|statement| statement.applies_to(caller, mode))
            .collect();
        let mut verdict = Verdict::default();
        for class in CLASSES {
            let found = of_class(&statements, caller, class, mode, context);
            verdict.allowed |= found.allowed;
            verdict.offered |= found.offered;
            verdict.denied |= found.denied;
        }
        verdict
    }
}

fn of_class(
    statements: &[&Statement],
    caller: &Caller<'_>,
    class: Class,
    mode: Mode,
    context: &Context<'_>,
) -> Verdict {
    let within = Ops::of_class(class);
    let (mut allowed, mut denied) = (Ops::NONE, Ops::NONE);
    let mut by_choice = Vec::new();
    for &statement in statements {
        let ops = statement.ops & within;
        if ops.is_empty() {
            continue;
        }
        let met = statement.met(caller, class, context, None);
        match (statement.effect, mode, met) {
            (_, _, Met::No) => {}
            (Effect::Allow, _, Met::Yes) => allowed |= ops,
            (Effect::Allow, Mode::Possible, _) => {
                allowed |= ops.without(mirrored(statement, statements, context));
            }
            (Effect::Deny, _, Met::Yes) => denied |= ops,
            (Effect::Deny, Mode::Possible, _) => {}
            (Effect::Deny, _, Met::Unknown) => denied |= ops,
            (Effect::Allow, _, Met::Unknown) => {}
            (Effect::Allow | Effect::Deny, Mode::Sure, Met::ByChoice) => by_choice.push(statement),
            (Effect::Allow | Effect::Deny, Mode::Unconditional, Met::ByChoice) => {}
        }
    }
    let fixed = Verdict {
        allowed: allowed.without(denied),
        offered: allowed,
        denied,
    };
    match by_choice.is_empty() {
        true => fixed,
        false => chosen(&by_choice, caller, class, context, fixed),
    }
}

/// What is denied wherever `allow` is met, because a deny asks for the same condition.
fn mirrored(allow: &Statement, statements: &[&Statement], context: &Context<'_>) -> Ops {
    let mut ops = Ops::NONE;
    for deny in statements.iter().filter(|it| it.effect == Effect::Deny) {
        let is_about = deny.resource.matches(context) == Some(true);
        if is_about && deny.condition.fingerprint() == allow.condition.fingerprint() {
            ops |= deny.ops;
        }
    }
    ops
}

/// What the caller may do by the best ways to call.
fn chosen(
    statements: &[&Statement],
    caller: &Caller<'_>,
    class: Class,
    context: &Context<'_>,
    fixed: Verdict,
) -> Verdict {
    let within = Ops::of_class(class);
    let mut verdict = Verdict::default();
    let Some(ways) = ways(statements, caller, class, context) else {
        // Too many to try: what may be denied by choice counts as denied, what may be allowed as not allowed.
        for statement in statements.iter().filter(|it| it.effect == Effect::Deny) {
            verdict.denied |= statement.ops & within;
        }
        return Verdict {
            allowed: fixed.allowed.without(verdict.denied),
            offered: fixed.offered,
            denied: fixed.denied | verdict.denied,
        };
    };
    let mut denied_always = None;
    for way in &ways {
        let (mut allowed, mut denied) = (fixed.offered, fixed.denied);
        for statement in statements {
            let met = statement.met(caller, class, context, Some(way));
            let ops = statement.ops & within;
            match statement.effect {
                // A key that is tested once is no matter of the way: it is met, or not, as it suits.
                Effect::Allow if matches!(met, Met::Yes | Met::ByChoice) => allowed |= ops,
                Effect::Deny if matches!(met, Met::Yes | Met::Unknown) => denied |= ops,
                _ => {}
            }
        }
        verdict.allowed |= allowed.without(denied);
        verdict.offered |= allowed;
        denied_always = Some(denied_always.map_or(denied, |before: Ops| before & denied));
    }
    verdict.denied = denied_always.unwrap_or(fixed.denied);
    verdict
}

/// The ways to call that make a difference; `None` if they are too many.
fn ways<'a>(
    statements: &[&'a Statement],
    caller: &Caller<'_>,
    class: Class,
    context: &Context<'_>,
) -> Option<Vec<Way<'a>>> {
    let mut tests: BTreeMap<&str, Vec<&Test>> = BTreeMap::new();
    for statement in statements {
        for test in statement.condition.tests() {
            if caller.fact(test, class, context) == Fact::Any {
                tests.entry(&test.key).or_default().push(test);
            }
        }
    }
    let mut ways = vec![Way::new()];
    for (key, tests) in tests {
        if tests.len() < 2 {
            continue;
        }
        let values = values(&tests, context);
        if ways.len().checked_mul(values.len())? > MAX_WAYS {
            return None;
        }
        ways = ways
            .iter()
            .flat_map(|way| {
                values.iter().map(|value| {
                    let mut way = way.clone();
                    way.insert(key, value.clone());
                    way
                })
            })
            .collect();
    }
    Some(ways)
}

/// One value for each way in which these tests, all of one key, may come out.
fn values(tests: &[&Test], context: &Context<'_>) -> BTreeSet<Option<String>> {
    let mut values = BTreeSet::from([None]);
    for test in tests {
        if test.key == TOKEN {
            // A session is as young as one likes, and no older than it is.
            values.insert(Some(context.now.to_string()));
            continue;
        }
        match test.compare {
            Compare::Bool => values.extend(["true", "false"].map(|text| Some(text.to_owned()))),
            Compare::Number(_) => {
                let numbers = test.values.iter();
                let numbers = numbers.filter_map(|value| value.trim().parse::<f64>().ok());
                values.extend(
                    numbers.flat_map(|n| [n - 1.0, n, n + 1.0].map(|n| Some(n.to_string()))),
                );
            }
            Compare::Date(_) => {
                let dates = test.values.iter().filter_map(|value| seconds(value));
                let around = |at: i64| [at.saturating_sub(1), at, at.saturating_add(1)];
                values.extend(dates.flat_map(|at| around(at).map(|at| Some(at.to_string()))));
            }
            _ => {
                // To the exact operators `*` is a letter; to the others it stands for some.
                let written = test.values.iter().map(|value| Some(value.clone()));
                values.extend(written);
                let matched = test.values.iter();
                values.extend(matched.map(|value| Some(value.replace(['*', '?'], "x"))));
                values.insert(Some("\u{2}another".to_owned()));
            }
        }
    }
    values
}

/// When a session began; long-term credentials have none.
const TOKEN: &str = "aws:tokenissuetime";

/// A test of what the caller may choose: whatever they choose, or as they like.
fn whatever(test: &Test, context: &Context<'_>) -> Met {
    let mut found = None;
    for value in values(&[test], context) {
        let fact = value.as_deref().map_or(Fact::Absent, Fact::Is);
        let met = of_fact(test, fact, context);
        match found {
            None => found = Some(met),
            Some(before) if before == met => {}
            Some(_) => return Met::ByChoice,
        }
    }
    found.unwrap_or(Met::ByChoice)
}

impl Statement {
    /// The statement names this caller, or everybody.
    ///
    /// An account that is named stands for everybody of it. Not so where it is spared from a deny: whoever of it is not
    /// named too is denied (IAM User Guide, AWS JSON policy elements: NotPrincipal), but for its root user.
    pub(crate) fn applies_to(&self, caller: &Caller<'_>, mode: Mode) -> bool {
        let these = &self.names;
        let named = these.everybody || caller.names.iter().any(|name| these.names.contains(name));
        let of_account = || {
            let account = caller.account.as_ref();
            account.is_some_and(|account| these.names.contains(account))
        };
        match (these.not, self.effect) {
            (false, _) => named || of_account(),
            (true, Effect::Allow) => !named && !of_account(),
            (true, Effect::Deny) => {
                let spared = mode == Mode::Possible || caller.is_root_user();
                !(named || spared && of_account())
            }
        }
    }

    /// Whether its condition is met, and it is about this key.
    pub(crate) fn met(
        &self,
        caller: &Caller<'_>,
        class: Class,
        context: &Context<'_>,
        way: Option<&Way<'_>>,
    ) -> Met {
        let tests = self.condition.tests().iter();
        let tests = tests.map(|test| {
            let met = test_met(test, caller, class, context, way);
            match (self.effect, met) {
                // To decrypt takes the context that it was encrypted with, which is no choice.
                (Effect::Deny, Met::ByChoice) if test.is_about_context() => Met::Unknown,
                // Through a service that works for anybody, anybody may come.
                (Effect::Allow, Met::No)
                    if test.subject == Subject::IsService && caller.is_stranger() =>
                {
                    Met::ByChoice
                }
                (_, met) => met,
            }
        });
        let about = match self.resource.matches(context) {
            Some(true) => Met::Yes,
            Some(false) => Met::No,
            None => Met::Unknown,
        };
        let (mut by_choice, mut unknown) = (false, false);
        for met in std::iter::once(about).chain(tests) {
            match met {
                Met::Yes => {}
                Met::No => return Met::No,
                Met::ByChoice => by_choice = true,
                Met::Unknown => unknown = true,
            }
        }
        match (self.effect, unknown, by_choice) {
            (_, false, false) => Met::Yes,
            // One test that is not met is enough to escape a deny, not enough to be allowed.
            (Effect::Deny, _, true) | (Effect::Allow, false, true) => Met::ByChoice,
            (_, true, _) => Met::Unknown,
        }
    }
}

fn test_met(
    test: &Test,
    caller: &Caller<'_>,
    class: Class,
    context: &Context<'_>,
    way: Option<&Way<'_>>,
) -> Met {
    let fact = caller.fact(test, class, context);
    if fact != Fact::Any {
        return of_fact(test, fact, context);
    }
    match way.and_then(|way| way.get(&*test.key)) {
        Some(Some(value)) => of_fact(test, Fact::Is(value), context),
        Some(None) => of_fact(test, Fact::Absent, context),
        None => whatever(test, context),
    }
}

fn of_fact(test: &Test, fact: Fact<'_>, context: &Context<'_>) -> Met {
    let absent = match (test.compare, test.set) {
        (Compare::Absence, _) => return absence(test, fact),
        (Compare::Unknown, _) => return Met::Unknown,
        // `IfExists`, `ForAllValues:` and a negation hold where there is nothing to compare, `ForAnyValue:` does not
        // (IAM User Guide, IAM JSON policy elements: Condition operators).
        _ if test.if_exists => Met::Yes,
        (_, Set::All) => Met::Yes,
        (_, Set::Any) => Met::No,
        (_, Set::One) if test.negated => Met::Yes,
        (_, Set::One) => Met::No,
    };
    let present = || {
        let found = compared(test, fact, context);
        match (test.negated, found) {
            (true, Met::Yes) => Met::No,
            (true, Met::No) => Met::Yes,
            (_, found) => found,
        }
    };
    match fact {
        Fact::Absent => absent,
        Fact::Unnamed | Fact::Foreign | Fact::OwnNetwork if !test.is_present => {
            let present = present();
            match present == absent {
                true => present,
                false if fact == Fact::OwnNetwork => Met::Unknown,
                false => Met::ByChoice,
            }
        }
        _ => present(),
    }
}

/// `Null`: the key is absent, or is not.
fn absence(test: &Test, fact: Fact<'_>) -> Met {
    let mut found = Met::No;
    for value in &test.values {
        let asks_for_absence = value.eq_ignore_ascii_case("true");
        let met = match fact {
            Fact::Absent if asks_for_absence => Met::Yes,
            Fact::Absent => Met::No,
            Fact::Any => Met::ByChoice,
            Fact::Unnamed | Fact::Foreign if !test.is_always_there() => Met::ByChoice,
            Fact::Unknown | Fact::OwnNetwork | Fact::OwnOrganization => Met::Unknown,
            _ if asks_for_absence => Met::No,
            _ => Met::Yes,
        };
        found = match (found, met) {
            (Met::No, met) => met,
            (found, Met::No) => found,
            _ => Met::Yes,
        };
    }
    found
}

/// One of the test's values is the request's, whether or not the operator is a negation.
fn compared(test: &Test, fact: Fact<'_>, context: &Context<'_>) -> Met {
    if test.values.is_empty() {
        return Met::No;
    }
    let any = |met: &mut dyn FnMut(&str) -> Option<bool>| {
        let mut unknown = false;
        for value in &test.values {
            match met(value) {
                Some(true) => return Met::Yes,
                Some(false) => {}
                None => unknown = true,
            }
        }
        match unknown {
            true => Met::Unknown,
            false => Met::No,
        }
    };
    match fact {
        Fact::Absent => Met::No,
        // Thousands of accounts may stand before a condition that asks for thousands.
        Fact::Is(request) if test.compare == Compare::Equals && !test.has_variable => {
            match test.values.contains(request) {
                true => Met::Yes,
                false => Met::No,
            }
        }
        Fact::Is(request) => any(&mut |value| test.compare.matches(value, request)),
        Fact::Asked(asked) => any(&mut |value| Some(value == asked)),
        Fact::FromNowOn => any(&mut |value| test.compare.holds_from(value, context.now)),
        Fact::Any => Met::ByChoice,
        Fact::Unknown => Met::Unknown,
        Fact::OwnOrganization => any(&mut |value| own_organization(value, context)),
        Fact::OfOrganization(organization) => {
            any(&mut |value| of_organization(value, organization))
        }
        Fact::OfAccount(account) => {
            let may = |value: &String| test.is_open(value) || account_of(value) == Some(account);
            match test.values.iter().any(may) {
                true => Met::ByChoice,
                false => Met::No,
            }
        }
        Fact::Unnamed | Fact::Foreign | Fact::OwnNetwork if test.is_met_by_all() => Met::Yes,
        Fact::Unnamed if test.values.iter().any(|value| test.is_open(value)) => Met::ByChoice,
        Fact::Unnamed => Met::No,
        Fact::OwnNetwork if test.values.iter().any(|value| test.is_open(value)) => Met::Unknown,
        Fact::OwnNetwork => Met::No,
        Fact::Foreign => {
            let may = |value: &String| test.is_open(value) || !is_ours(value, context);
            match test.values.iter().any(may) {
                true => Met::ByChoice,
                false => Met::No,
            }
        }
    }
}

/// The account of an ARN.
fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|part| is_account(part))
}

/// An account, an ARN or an organisation of the owner, or a trusted one.
pub(crate) fn is_ours(value: &str, context: &Context<'_>) -> bool {
    let account = match is_account(value) {
        true => Some(value),
        false => account_of(value),
    };
    match account {
        Some(account) => !context.is_foreign(account),
        None => {
            let organization = value.split('/').next().unwrap_or_default();
            context.trusted_organizations.contains(&organization)
        }
    }
}

/// The owner is of an organisation that is asked for; trusted ones are taken for the owner's.
fn own_organization(value: &str, context: &Context<'_>) -> Option<bool> {
    if value.bytes().all(|b| b == b'*') && !value.is_empty() {
        return Some(true);
    }
    let (organization, path) = match value.split_once('/') {
        Some((organization, path)) => (organization, Some(path)),
        None => (value, None),
    };
    let ours = context.trusted_organizations.contains(&organization);
    (ours && matches!(path, None | Some("*" | ""))).then_some(true)
}

fn of_organization(value: &str, organization: &str) -> Option<bool> {
    let (asked, path) = match value.split_once('/') {
        Some((asked, path)) => (asked, Some(path)),
        None => (value, None),
    };
    match (crate::action::covers(asked, organization), path) {
        (false, _) => Some(false),
        (true, None | Some("*" | "")) => Some(true),
        (true, Some(_)) => None,
    }
}
