//! Asking everything once, behind two narrow ports: the parts of the watch, as the sweep asks for them, and the rest.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::join;
use jiff::Timestamp;
use watch_core::arn::{Region, TopicArn};
use watch_core::kinds::LastCanary;
use watch_core::ledger::ItemKey;
use watch_core::ledger::history::Entry;
use watch_core::ports::{CallError, Ledger, Parts};
use watch_sweep::position::Position;
use watch_template::Template;

use super::answers::{Answers, Asked, Deployed, Memory, Place, StackState, TableState};
use crate::stack::Stack;

/// Longest wait for all answers about one thing.
const PATIENCE: Duration = Duration::from_secs(45);
/// As much of a long stack's name is left in any name of a rule.
const PREFIX: usize = 18;

/// What is asked beside the parts of the watch.
pub(crate) trait Account {
    /// `DescribeStacks` of one.
    async fn stack(&self, name: &str) -> Asked<StackState>;
    /// `GetAccountSettings`: how many invocations can run at once, beside those that are reserved.
    async fn concurrency(&self) -> Asked<Option<i64>>;
    /// `DescribeTable`.
    async fn table(&self, name: &str) -> Asked<TableState>;
    /// `DescribeContinuousBackups`: whether point-in-time recovery is enabled.
    async fn recovery(&self, name: &str) -> Asked<bool>;
    /// `GetResourcePolicy` of a table.
    async fn table_policy(&self, arn: &str) -> Asked<Option<String>>;
    /// `DescribeConfigurationRecorderStatus`.
    async fn recording(&self, region: &Region) -> Asked<bool>;
}

/// Asks about everything at once.
pub(crate) async fn ask<P: Parts, A: Account, L: Ledger>(
    place: Place,
    at: Timestamp,
    stack: &Stack,
    (parts, account, ledger): (&P, &A, &L),
) -> Answers {
    let own = |logical: &str| stack.part(logical).map(str::to_owned);
    let table = own("Ledger").unwrap_or_default();
    let partition = place.health_topic.partition().as_str();
    let table_arn = format!(
        "arn:{partition}:dynamodb:{}:{}:table/{table}",
        place.region.as_str(),
        place.account.as_str()
    );
    let (state, trails, rules, functions, concurrency, topics, queues) = join!(
        patiently(account.stack(&place.stack)),
        patiently(parts.trails()),
        patiently(rules(parts, stack)),
        functions(parts, stack),
        patiently(account.concurrency()),
        topics(parts, stack),
        queues(parts, stack),
    );
    let prefix = format!("{}-", place.stack);
    let (alarms, mutes, described, recovery, policy, memory, recording) = join!(
        patiently(parts.alarms(&prefix)),
        patiently(parts.mute_rules()),
        patiently(account.table(&table)),
        patiently(account.recovery(&table)),
        patiently(account.table_policy(&table_arn)),
        patiently(memory(ledger, &place)),
        patiently(account.recording(&place.region)),
    );
    Answers {
        at,
        parts: stack.physical(),
        stack: state,
        trails,
        rules,
        functions,
        concurrency,
        topics,
        queues,
        alarms,
        mutes,
        table: described,
        recovery,
        table_policy: policy,
        memory,
        recording,
        place,
    }
}

/// An answer, or that it takes too long.
async fn patiently<T>(asked: impl Future<Output = Asked<T>>) -> Asked<T> {
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    answer.unwrap_or_else(|_| Err(CallError::timeout(PATIENCE)))
}

/// The rules of the stack, and of no other one whose name begins in the same way.
async fn rules(parts: &impl Parts, stack: &Stack) -> Asked<Vec<Deployed>> {
    let prefix: String = stack.name.chars().take(PREFIX).collect();
    let own: Vec<&str> = stack
        .of_type("AWS::Events::Rule")
        .map(|(_, name)| name)
        .collect();
    let mut deployed = Vec::new();
    for rule in parts.rules(&prefix).await? {
        if own.contains(&rule.name.as_str()) {
            let targets = parts.targets(&rule.name).await?;
            deployed.push((rule, Some(targets)));
        }
    }
    Ok(deployed)
}

async fn functions(
    parts: &impl Parts,
    stack: &Stack,
) -> BTreeMap<String, Asked<watch_core::answers::FunctionData>> {
    let template = Template::read().functions();
    let there = template
        .iter()
        .filter_map(|it| Some((&it.id, stack.part(&it.id)?)));
    let asked = there.map(async |(id, name)| (id.clone(), patiently(parts.function(name)).await));
    join_all(asked).await.into_iter().collect()
}

async fn topics(
    parts: &impl Parts,
    stack: &Stack,
) -> BTreeMap<String, Asked<Vec<watch_core::answers::Subscription>>> {
    let there = stack.of_type("AWS::SNS::Topic");
    let there = there.filter_map(|(id, arn)| Some((id.to_owned(), arn.parse::<TopicArn>().ok()?)));
    let asked = there.map(async |(id, arn)| (id, patiently(parts.subscriptions(&arn)).await));
    join_all(asked).await.into_iter().collect()
}

async fn queues(
    parts: &impl Parts,
    stack: &Stack,
) -> BTreeMap<String, Asked<BTreeMap<String, String>>> {
    // What becomes findings waits by right, and an alarm tells if it waits for long.
    let there = stack.of_type("AWS::SQS::Queue");
    let there = there.filter(|(id, _)| *id != "Findings");
    let asked = there.map(async |(id, url)| (id.to_owned(), patiently(parts.queue(url)).await));
    join_all(asked).await.into_iter().collect()
}

/// What the ledger says of sweeps and canary. A canary counts if the history has its alert.
async fn memory(ledger: &impl Ledger, place: &Place) -> Asked<Memory> {
    let account = place.account_key();
    let names = [Position::key(&account), LastCanary::key(&account)];
    let items = ledger.read(&names).await?;
    let item = |name: &ItemKey| items.iter().find(|item| name.names(item));
    let [position, canary] = names.each_ref().map(item);
    let position = position.map(Position::read).unwrap_or_default();
    let proof = canary.and_then(LastCanary::read);
    let proof = proof.and_then(|it| it.proof(&account));
    let mut canary_at = None;
    if let Some(proof) = proof {
        let alerts = ledger.read(&[proof]).await?;
        let entry = alerts.first().and_then(Entry::read);
        canary_at = entry
            .filter(|entry| entry.kind == "WatchCanary")
            .map(|entry| entry.occurred_at);
    }
    Ok(Memory {
        run_at: position.run_at,
        full_at: position.full_at,
        canary_at,
    })
}
