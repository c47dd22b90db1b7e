//! Whoever of the account its IAM policies let in, where denies go after many of them by name, or after how they call.
//!
//! One of whom nothing is special escapes a deny that lists the beginnings of names, or the services through which calls
//! come. Those who work with the key do not: they have names, and their data is read by services.

use std::collections::BTreeSet;

use crate::caller::{Caller, VIA_A_SERVICE};
use crate::condition::{Subject, Test};
use crate::context::Context;
use crate::evaluate::Mode;
use crate::operation::Ops;
use crate::parse::{Effect, Policy, Statement};

/// Fewer patterns than these in denies single some out, and no more.
const MANY: usize = 5;

/// Names as roles have them, two for each letter: who denies most of them denies the account.
const NAMES: [&str; 52] = [
    "admin",
    "AppServer",
    "backup",
    "BillingReader",
    "ci-deploy",
    "CloudOps",
    "data-loader",
    "DatabaseAdmin",
    "ecs-task",
    "ETLRunner",
    "frontend",
    "FinanceApp",
    "gateway",
    "GitHubActions",
    "hr-app",
    "HealthCheck",
    "ingest",
    "InfraAdmin",
    "jenkins",
    "JobRunner",
    "kafka",
    "KeyAdmin",
    "lambda-exec",
    "LogWriter",
    "monitoring",
    "MigrationTool",
    "nightly-report",
    "NetworkAdmin",
    "orders",
    "OrganizationAccess",
    "payments",
    "PowerUser",
    "query-engine",
    "QueueWorker",
    "reporting",
    "ReadOnly",
    "search",
    "SecurityAudit",
    "terraform",
    "TeamAccess",
    "uploader",
    "UserService",
    "vault",
    "ViewOnly",
    "worker",
    "WebServer",
    "xray",
    "XmlExport",
    "yarn",
    "YearEnd",
    "zookeeper",
    "ZoneManager",
];

/// Most services that are tried out.
const TRIED: usize = 64;

/// Services that hold data under a key, by the name that `kms:ViaService` has before the Region.
const SERVICES: [&str; 8] = [
    "s3",
    "ec2",
    "rds",
    "dynamodb",
    "secretsmanager",
    "elasticfilesystem",
    "sqs",
    "lambda",
];

/// A caller of whom nothing is special but the name.
type Called = fn(&str, &Context<'_>) -> Caller<'static>;

/// What denies leave to most roles of the account; everything, if they do not go by many names.
pub(super) fn left_to_roles(policy: &Policy, context: &Context<'_>) -> Ops {
    left_to_most(policy, context, Caller::role_called)
}

/// The same of IAM users.
pub(super) fn left_to_users(policy: &Policy, context: &Context<'_>) -> Ops {
    left_to_most(policy, context, Caller::user_called)
}

fn left_to_most(policy: &Policy, context: &Context<'_>, called: Called) -> Ops {
    let patterns = denies(policy)
        .flat_map(|statement| statement.condition.tests())
        .filter(|test| is_by_name(test))
        .flat_map(|test| &test.values)
        .filter(|value| value.contains(['*', '?']));
    if patterns.take(MANY).count() < MANY {
        return Ops::ALL;
    }
    let allowed = NAMES.map(|name| {
        let caller = called(name, context);
        policy.decide(&caller, Mode::Sure, context).allowed
    });
    Ops::of_most(&allowed)
}

fn is_by_name(test: &Test) -> bool {
    !test.negated && matches!(test.subject, Subject::Arn | Subject::UserName)
}

/// Services through which denies keep whoever the account's IAM policies let in from what the key is for, though they may
/// do it otherwise.
pub(super) fn shut_services(
    policy: &Policy,
    context: &Context<'_>,
    crucial: Ops,
) -> BTreeSet<String> {
    let region = context.region().unwrap_or("us-east-1");
    let tests = denies(policy).flat_map(|statement| statement.condition.tests());
    let by_service = tests
        .filter(|test| !test.negated)
        .filter(|test| test.subject == Subject::Via || test.key == VIA_A_SERVICE);
    let mut services = BTreeSet::new();
    for test in by_service {
        services.extend(SERVICES.map(|service| format!("{service}.{region}.amazonaws.com")));
        let named = test.values.iter().filter(|_| test.subject == Subject::Via);
        let plain = named.filter(|value| !value.contains(['*', '?']));
        services.extend(plain.take(TRIED).cloned());
    }
    let role = Caller::role_at_large(context);
    let direct = policy.decide(&role, Mode::Sure, context).allowed;
    services
        .into_iter()
        .take(TRIED)
        .filter(|service| {
            let through = policy.decide(&role.clone().through(service), Mode::Sure, context);
            let lost = through.offered.without(through.allowed) & crucial;
            lost.meets(direct)
        })
        .map(|service| crate::bounded(&service))
        .collect()
}

fn denies(policy: &Policy) -> impl Iterator<Item = &Statement> {
    let statements = policy.statements.iter();
    statements.filter(|statement| statement.effect == Effect::Deny)
}
