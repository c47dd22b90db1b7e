//! Who is able to do what.

use std::collections::{BTreeMap, BTreeSet};

use super::at_large;
use crate::bounded;
use crate::caller::{Caller, own_arn};
use crate::condition::{Subject, Test};
use crate::context::Context;
use crate::evaluate::{Mode, Verdict};
use crate::operation::{Ops, Question};
use crate::parse::Policy;
use crate::principal::{Principal, is_account, is_unique_id};

/// Who is able to do one thing.
///
/// Whether a principal still exists, and whether an IAM policy uses what the account is given, is not in a key policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holders {
    /// Who is sure to be, of the owner's account, the trusted ones and services. An allow under a condition that is not
    /// understood does not count, a deny does.
    pub sure: BTreeSet<String>,
    /// Who may be: the same and foreign ones, a condition that is not understood taken the other way.
    pub possible: BTreeSet<String>,
    /// Whoever the account's IAM policies allow is sure to be.
    pub at_large: bool,
    /// The root user of the account is sure to be.
    pub root_user: bool,
    /// Whoever the account's IAM policies allow would be, were there no denies.
    pub but_for_denies: bool,
}

/// What makes somebody worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    AtLarge,
    RootUser,
    /// A statement names one of the owner's account.
    Own,
    /// A condition names one of the owner's account.
    Exempt,
    /// Of a trusted account, or a service.
    Friend,
    Foreign,
}

struct Candidate<'a> {
    kind: Kind,
    shown: String,
    caller: Caller<'a>,
    /// What statements say that name it, and not all of its account.
    by_name: Ops,
    /// Of whoever is at large: what denies leave to most of them.
    left_to_most: Ops,
}

impl<'a> Candidate<'a> {
    fn new(kind: Kind, shown: String, caller: Caller<'a>) -> Self {
        Self {
            kind,
            shown,
            caller,
            by_name: Ops::NONE,
            left_to_most: Ops::ALL,
        }
    }
}

/// Operations whose loss is a loss of what the key is for.
const CRUCIAL: [&str; 4] = [
    "kms:decrypt",
    "kms:derivesharedsecret",
    "kms:generatemac",
    "kms:sign",
];

/// What a key is for.
pub(super) fn crucial() -> Ops {
    Ops::named(&CRUCIAL)
}

/// Other accounts and services cannot make these calls (KMS Developer Guide, permissions reference: cross-account use).
const OWNERS_ALONE: [Question; 3] = [Question::Change, Question::Schedule, Question::Cancel];

/// Who is able to do what, and the operations that denies have shut for everybody.
pub(super) fn of(
    policy: &Policy,
    context: &Context<'_>,
) -> (BTreeMap<Question, Holders>, BTreeSet<&'static str>) {
    let mut holders: BTreeMap<_, Holders> = Question::ALL
        .map(|question| (question, Holders::default()))
        .into();
    let (mut offered, mut allowed) = (Ops::NONE, Ops::NONE);
    let mut exempt = Vec::new();
    for candidate in candidates(policy, context) {
        let Candidate {
            kind,
            shown,
            caller,
            by_name,
            left_to_most,
        } = candidate;
        let sure = match kind {
            Kind::Foreign => Verdict::default(),
            _ => policy.decide(&caller, Mode::Sure, context),
        };
        let possible = policy.decide(&caller, Mode::Possible, context).allowed;
        offered |= sure.offered;
        allowed |= sure.allowed;
        if kind == Kind::Exempt {
            exempt.push((shown, sure.allowed, possible));
            continue;
        }
        for (question, found) in &mut holders {
            if matches!(kind, Kind::Friend | Kind::Foreign) && OWNERS_ALONE.contains(question) {
                continue;
            }
            let ops = question.ops();
            // Whoever the account lets in comes first; whom no statement names adds nothing to them.
            if kind == Kind::Own && found.at_large && !by_name.meets(ops) {
                continue;
            }
            if sure.allowed.meets(ops) && !left_to_most.meets(ops) {
                found.sure.insert(SPARED.to_owned());
            } else if sure.allowed.meets(ops) {
                found.sure.insert(shown.clone());
                found.at_large |= kind == Kind::AtLarge;
                found.root_user |= kind == Kind::RootUser;
            }
            if possible.meets(ops) {
                found.possible.insert(shown.clone());
            }
            found.but_for_denies |= kind == Kind::AtLarge && sure.offered.meets(ops);
        }
    }
    // Whom a condition names adds nothing where whoever is of the account may.
    for (question, found) in &mut holders {
        let ops = question.ops();
        for (shown, sure, possible) in exempt.iter().filter(|_| !found.at_large) {
            if sure.meets(ops) {
                found.sure.insert(shown.clone());
            }
            if possible.meets(ops) {
                found.possible.insert(shown.clone());
            }
        }
    }
    (holders, shut(offered, allowed))
}

/// Whom a deny of many names leaves out.
const SPARED: &str = "a principal that no deny lists";

fn shut(offered: Ops, allowed: Ops) -> BTreeSet<&'static str> {
    let lost = offered.without(allowed);
    let mut shut: BTreeSet<_> = lost.names().filter(|name| CRUCIAL.contains(name)).collect();
    let encrypting = Question::Encrypt.ops();
    if lost.meets(encrypting) && !allowed.meets(encrypting) {
        shut.extend((lost & encrypting).names());
    }
    shut
}

fn candidates<'a>(policy: &'a Policy, context: &'a Context<'_>) -> Vec<Candidate<'a>> {
    let account = context.account;
    let at_large = format!("whoever IAM policies of {account} allow");
    let mut candidates = vec![
        Candidate {
            left_to_most: at_large::left_to_roles(policy, context),
            ..Candidate::new(
                Kind::AtLarge,
                at_large.clone(),
                Caller::role_at_large(context),
            )
        },
        Candidate {
            left_to_most: at_large::left_to_users(policy, context),
            ..Candidate::new(Kind::AtLarge, at_large, Caller::user_at_large(context))
        },
        Candidate::new(
            Kind::RootUser,
            format!("root user of {account}"),
            Caller::root_user(context),
        ),
    ];
    let mut named = BTreeMap::new();
    for statement in policy.allows() {
        for principal in statement.who.named() {
            let entry = named
                .entry(principal.key())
                .or_insert((principal, Ops::NONE));
            entry.1 |= statement.ops;
        }
    }
    candidates.extend(named.into_values().filter_map(|(principal, by_name)| {
        let candidate = of_principal(principal, context)?;
        Some(Candidate {
            by_name,
            ..candidate
        })
    }));
    let mut exempt = BTreeMap::new();
    for statement in &policy.statements {
        let (who, not) = (statement.who.all(), statement.names.not);
        for principal in who.iter().filter(|_| not) {
            if let Some(candidate) = of_principal(principal, context) {
                let kind = match candidate.kind {
                    Kind::Own => Kind::Exempt,
                    kind => kind,
                };
                exempt.insert(candidate.shown.clone(), Candidate { kind, ..candidate });
            }
        }
        for test in statement.condition.tests() {
            for value in &test.values {
                if let Some((shown, caller)) = of_value(test, value, context) {
                    let candidate = Candidate::new(Kind::Exempt, shown.clone(), caller);
                    exempt.insert(shown, candidate);
                }
            }
        }
    }
    candidates.extend(exempt.into_values());
    candidates
}

fn of_principal<'a>(principal: &'a Principal, context: &Context<'_>) -> Option<Candidate<'a>> {
    let (kind, caller) = match (principal, principal.account()) {
        // The account as such is looked at in any case.
        (Principal::Account { id, .. }, _) if id == context.account => return None,
        (_, Some(account)) if account == context.account => {
            (Kind::Own, Caller::own(principal, account))
        }
        (_, Some(account)) if !context.is_foreign(account) => {
            (Kind::Friend, Caller::own(principal, account))
        }
        (Principal::Service(_), _) => (Kind::Friend, Caller::foreign(principal)),
        (Principal::Everybody, _) => (Kind::Foreign, Caller::stranger()),
        _ => (Kind::Foreign, Caller::foreign(principal)),
    };
    Some(Candidate::new(kind, principal.shown(), caller))
}

/// The one of the account of whom a condition speaks.
fn of_value<'a>(test: &Test, value: &str, context: &Context<'_>) -> Option<(String, Caller<'a>)> {
    let account = context.account;
    match test.subject {
        Subject::Arn => {
            let arn = arn_like(test, value, context)?;
            let shown = bounded(&arn);
            Some((shown, Caller::by_arn(arn, account)))
        }
        Subject::UserId => {
            let id = value.split(':').next().unwrap_or_default();
            (is_unique_id(id) && !is_account(value))
                .then(|| (bounded(value), Caller::by_user_id(value, context)))
        }
        Subject::UserName => {
            let arn = own_arn(context, &format!("user/{value}"));
            Some((bounded(&arn), Caller::by_arn(arn, account)))
        }
        _ => None,
    }
}

/// An ARN of a user or a role of the account that the pattern matches, the pattern's own text where it is one.
fn arn_like(test: &Test, pattern: &str, context: &Context<'_>) -> Option<String> {
    let account = context.account;
    let resource = pattern.splitn(6, ':').nth(5).unwrap_or(pattern);
    let plain: String = pattern
        .chars()
        .filter(|c| !matches!(c, '*' | '?'))
        .collect();
    let tries = [
        pattern.to_owned(),
        own_arn(context, resource),
        own_arn(context, &format!("role/{plain}")),
        own_arn(
            context,
            &format!("role/{}", plain.rsplit('/').next().unwrap_or_default()),
        ),
    ];
    tries.into_iter().find(|arn| {
        let mut parts = arn.splitn(6, ':');
        let of_account = parts.nth(2) == Some("iam") && parts.nth(1) == Some(account);
        let is_root = arn.ends_with(":root");
        of_account && !is_root && test.compare.matches(pattern, arn) == Some(true)
    })
}
