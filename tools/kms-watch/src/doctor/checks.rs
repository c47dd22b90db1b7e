//! The checks: a table. What each asks is in the column of IAM actions, and what it says is a pure function of the answers.
//!
//! | file | what it judges |
//! |---|---|
//! | `stack` | the deployment itself: whole, of this version, on time |
//! | `sees` | whether events reach the functions: trails, rules, functions |
//! | `tells` | whether people are reached: topics, alarms, queues |
//! | `remembers` | the ledger, what it says of sweeps and canary, and what AWS Config adds |

mod remembers;
mod sees;
mod stack;
mod tells;

use super::answers::Answers;
use super::verdict::Verdict;

/// A check.
pub(crate) struct Check {
    /// In one word, which stays the same.
    pub(crate) name: &'static str,
    /// IAM actions.
    pub(crate) asks: &'static str,
    pub(crate) judge: fn(&Answers) -> Verdict,
}

const fn check(name: &'static str, asks: &'static str, judge: fn(&Answers) -> Verdict) -> Check {
    Check { name, asks, judge }
}

const TRAILS: &str =
    "cloudtrail:DescribeTrails, cloudtrail:GetTrailStatus, cloudtrail:GetEventSelectors";
const SUBSCRIPTIONS: &str = "sns:ListSubscriptionsByTopic, sns:GetSubscriptionAttributes";

/// All checks, in the order in which an event passes what they look at.
pub(crate) const CHECKS: [Check; 23] = [
    check("stack", "cloudformation:DescribeStacks", stack::stack),
    check("version", "cloudformation:DescribeStacks", stack::version),
    check("region", "cloudformation:ListStackResources", stack::region),
    check("clock", "cloudformation:DescribeStacks", stack::clock),
    check("trail", TRAILS, sees::trail),
    check("read-events", TRAILS, sees::read_events),
    check(
        "rules",
        "events:ListRules, events:ListTargetsByRule",
        sees::rules,
    ),
    check(
        "functions",
        "lambda:GetFunctionConfiguration, lambda:GetFunctionConcurrency",
        sees::functions,
    ),
    check(
        "failed-events",
        "lambda:GetFunctionEventInvokeConfig",
        sees::failed_events,
    ),
    check("throttles", "cloudwatch:DescribeAlarms", sees::throttles),
    check("quota", "lambda:GetAccountSettings", sees::quota),
    check("subscriptions", SUBSCRIPTIONS, tells::subscriptions),
    check("filters", SUBSCRIPTIONS, tells::filters),
    check("queues", "sqs:GetQueueAttributes", tells::queues),
    check("alarms", "cloudwatch:DescribeAlarms", tells::alarms),
    check(
        "mutes",
        "cloudwatch:ListAlarmMuteRules, cloudwatch:GetAlarmMuteRule",
        tells::mutes,
    ),
    check("health", "cloudwatch:DescribeAlarms", tells::health),
    check("ledger", "dynamodb:DescribeTable", remembers::ledger),
    check(
        "recovery",
        "dynamodb:DescribeContinuousBackups",
        remembers::recovery,
    ),
    check(
        "ledger-policy",
        "dynamodb:GetResourcePolicy",
        remembers::policy,
    ),
    check("sweeps", "dynamodb:BatchGetItem", remembers::sweeps),
    check("canary", "dynamodb:BatchGetItem", remembers::canary),
    check(
        "config",
        "config:DescribeConfigurationRecorderStatus",
        remembers::config,
    ),
];

#[cfg(test)]
mod tests;
