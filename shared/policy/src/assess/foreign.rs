//! Whom a policy lets in who is not of the owner, and to what.

use std::collections::{BTreeMap, BTreeSet};

use crate::bounded;
use crate::caller::{Caller, Label, LabelOf};
use crate::condition::{Subject, Test, account_in, organization_in};
use crate::context::Context;
use crate::evaluate::{Met, Mode, Verdict, is_ours};
use crate::operation::{CLASSES, Ops, Question};
use crate::parse::{Effect, Policy, Statement};
use crate::principal::{Principal, is_account};

/// Somebody who is neither of the owner's account nor of a trusted one, or of whom that is not known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Foreign {
    Everybody,
    /// Everybody, through a service.
    Via(String),
    Account(String),
    Organization(String),
    /// Everybody from a VPC, an endpoint or an address.
    Network(String),
    Unknown(String),
}

/// Whom a policy lets in, and what they may do.
pub(crate) fn reach(policy: &Policy, context: &Context<'_>) -> BTreeMap<Foreign, Ops> {
    let mut reach = Reach(BTreeMap::new());
    let stranger = Caller::stranger();
    let of_stranger = policy.decide(&stranger, Mode::Possible, context);
    reach.add(Foreign::Everybody, of_stranger.allowed);
    reach.by_principal(policy, context);
    reach.by_condition(policy, &stranger, of_stranger, context);
    reach.through_services(policy, context);
    reach.by_grant(policy, context);
    reach.0
}

struct Reach(BTreeMap<Foreign, Ops>);

impl Reach {
    fn add(&mut self, who: Foreign, ops: Ops) {
        if !ops.is_empty() {
            *self.0.entry(who).or_default() |= ops;
        }
    }

    /// Those whom a statement names.
    fn by_principal(&mut self, policy: &Policy, context: &Context<'_>) {
        let mut named: BTreeMap<_, (&Principal, Vec<&Statement>)> = BTreeMap::new();
        for statement in policy.allows() {
            for principal in statement.who.named() {
                let entry = named
                    .entry(principal.key())
                    .or_insert((principal, Vec::new()));
                entry.1.push(statement);
            }
        }
        for (principal, statements) in named.into_values() {
            let who = match (principal, principal.account()) {
                (Principal::Everybody | Principal::Service(_), _) => continue,
                (_, Some(account)) if !context.is_foreign(account) => continue,
                (_, Some(account)) => Foreign::Account(account.to_owned()),
                (_, None) => Foreign::Unknown(principal.shown()),
            };
            let caller = Caller::foreign(principal);
            let by_name = met(&statements, &caller, context);
            let allowed = policy.decide(&caller, Mode::Possible, context).allowed;
            self.add(who, allowed & by_name);
        }
    }

    /// Those of everybody whom a condition asks for: where it narrows an allow, or exempts from a deny.
    fn by_condition(
        &mut self,
        policy: &Policy,
        stranger: &Caller<'_>,
        of_stranger: Verdict,
        context: &Context<'_>,
    ) {
        let open: Vec<_> = policy.allows().filter(|it| it.names.are_open()).collect();
        if open.is_empty() {
            return;
        }
        let beyond: Vec<_> = open
            .into_iter()
            .map(|statement| (statement, met(&[statement], stranger, context)))
            .collect();
        for label in labels(policy, context) {
            let caller = Caller::labelled(label);
            // What a stranger has not got anyway: by a statement that keeps strangers out, or past a deny that does not.
            let mut special = of_stranger.denied;
            for (statement, of_stranger) in &beyond {
                special |= met(&[*statement], &caller, context).without(*of_stranger);
            }
            let allowed = policy.decide(&caller, Mode::Possible, context).allowed;
            self.add(of_label(label), allowed & special);
        }
    }

    /// Those to whom somebody may pass access on.
    fn by_grant(&mut self, policy: &Policy, context: &Context<'_>) {
        let grants = Question::Grant.ops();
        for statement in policy.allows() {
            let accounts = statement.condition.grantee_accounts();
            let is_about = statement.resource.matches(context) != Some(false);
            for account in accounts.filter(|it| is_about && context.is_foreign(it)) {
                self.add(Foreign::Account(account.to_owned()), statement.ops & grants);
            }
        }
    }

    /// Those for whom services are let in.
    fn through_services(&mut self, policy: &Policy, context: &Context<'_>) {
        let any = Principal::Service(String::new());
        for statement in policy.allows() {
            let services = statement.who.named().iter();
            let mut services: Vec<_> = services
                .filter(|one| matches!(one, Principal::Service(_)))
                .collect();
            if services.is_empty() && statement.names.are_open() {
                services.push(&any);
            }
            let accounts = statement.condition.accounts();
            let organizations = statement.condition.source_organizations();
            for service in services {
                let caller = Caller::foreign(service);
                let allowed = policy.decide(&caller, Mode::Possible, context).allowed;
                let ops = allowed & met(&[statement], &caller, context);
                for account in accounts.iter().filter(|it| context.is_foreign(it)) {
                    self.add(Foreign::Account((*account).to_owned()), ops);
                }
                for organization in organizations.iter().filter(|it| !is_ours(it, context)) {
                    self.add(Foreign::Organization((*organization).to_owned()), ops);
                }
            }
        }
    }
}

/// What these statements say of a caller whose conditions may be met.
fn met(statements: &[&Statement], caller: &Caller<'_>, context: &Context<'_>) -> Ops {
    let mut ops = Ops::NONE;
    for statement in statements
        .iter()
        .filter(|it| it.applies_to(caller, Mode::Possible))
    {
        for class in CLASSES {
            let of_class = statement.ops & Ops::of_class(class);
            if !of_class.is_empty() && statement.met(caller, class, context, None) != Met::No {
                ops |= of_class;
            }
        }
    }
    ops
}

/// The values by which conditions tell one stranger from another.
fn labels<'a>(policy: &'a Policy, context: &'a Context<'_>) -> BTreeSet<Label<'a>> {
    let tests = policy.statements.iter().flat_map(|it| it.condition.tests());
    tests.flat_map(|test| labels_of(test, context)).collect()
}

fn labels_of<'a>(test: &'a Test, context: &'a Context<'_>) -> impl Iterator<Item = Label<'a>> {
    let subject = match test.subject {
        Subject::Account => Some(LabelOf::Account),
        Subject::Arn => Some(LabelOf::Arn),
        Subject::Organization => Some(LabelOf::Organization),
        Subject::UserId => Some(LabelOf::UserId),
        Subject::Grantee => Some(LabelOf::Grantee),
        Subject::Network => Some(LabelOf::Network),
        Subject::Via => Some(LabelOf::Via),
        _ => None,
    };
    test.values
        .iter()
        .filter(|value| !test.is_open(value) && !is_ours(value, context))
        .filter_map(move |value| {
            let (subject, value) = match subject? {
                LabelOf::Organization => (LabelOf::Organization, organization_in(value)?),
                LabelOf::UserId if is_account(value) => (LabelOf::Account, &**value),
                subject => (subject, &**value),
            };
            Some(Label {
                subject,
                key: &test.key,
                value,
            })
        })
}

fn of_label(label: Label<'_>) -> Foreign {
    let value = label.value;
    match (label.subject, account_in(value), organization_in(value)) {
        (LabelOf::Via, ..) => Foreign::Via(bounded(value)),
        (_, Some(account), _) => Foreign::Account(account.to_owned()),
        (_, _, Some(organization)) => Foreign::Organization(organization.to_owned()),
        (LabelOf::Network, ..) => Foreign::Network(bounded(value)),
        _ => Foreign::Unknown(bounded(value)),
    }
}

impl Statement {
    /// Services that it lets in whatever they work for.
    pub(crate) fn open_services(&self) -> impl Iterator<Item = String> {
        let services = self.who.named().iter();
        services
            .filter(|_| self.effect == Effect::Allow && !self.condition.names_source())
            .filter(|principal| matches!(principal, Principal::Service(_)))
            .map(Principal::shown)
    }
}
