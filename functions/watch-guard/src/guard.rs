//! The function: events as any other, and the look at key-inventory.
//!
//! IAM, beside that of any function: `lambda:GetFunctionConfiguration`, `lambda:GetFunctionConcurrency` and
//! `lambda:GetFunctionEventInvokeConfig` on key-inventory, `scheduler:GetSchedule` on its schedules.

use std::time::Duration;

use futures_util::future::{join, join_all};
use jiff::Timestamp;
use serde_json::Value;
use watch_core::decision::Occurrence;
use watch_core::event::unwrap;
use watch_core::kinds::{Deployment, WatchChanged};
use watch_core::ledger::Item;
use watch_core::pipeline::{HandleError, Outcome, Verdict, Watch};
use watch_core::ports::{CallError, Clock, Kms, Ledger, Topics, Workers};
use watch_core::subject::Subject;
use watch_sweep::attest::noted::Noted;
use watch_sweep::attest::weigh;

use crate::NAME;
use crate::check::{Look, Order, judge, unnamed};

/// Longest wait for all answers.
const PATIENCE: Duration = Duration::from_secs(15);

/// The function, with the world through its ports.
#[expect(
    missing_debug_implementations,
    reason = "what stands behind a port need not have one"
)]
pub struct Guard<K, T, L, C, W> {
    /// Tells, as any function does.
    pub watch: Watch<K, T, L, C>,
    /// What it looks at.
    pub workers: W,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock, W: Workers> Guard<K, T, L, C, W> {
    /// Handles one invocation: an event, or the order to look at key-inventory. `request` is Lambda's id of it.
    ///
    /// # Errors
    ///
    /// If an alert could not be published, or another invocation is about to publish it.
    pub async fn handle(&self, payload: &Value, request: &str) -> Result<Outcome, HandleError> {
        let mut events = unwrap(payload).into_iter().flatten();
        // Several, as a queue of failed ones has them, are one look.
        let order = events.find_map(|event| Order::read(&event));
        match order {
            Some(order) => self.check(&order, request).await,
            None => self.watch.handle(payload, request).await,
        }
    }

    /// Looks, holds it against what was noted, and tells what is wrong, once.
    async fn check(&self, order: &Order, request: &str) -> Result<Outcome, HandleError> {
        let at = order.at.unwrap_or_else(|| self.watch.clock.now());
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        let look = self.look(order, at).await;
        let (findings, groups) = (look.findings.clone(), look.groups.clone());
        let (findings, mut noted) = match self.remembered().await {
            Ok(Some((noted, deployed_at))) => compare(order, look, noted, deployed_at, at),
            Ok(None) => (findings, Noted::first(look.seen, at)),
            // What is wrong whatever was noted is told all the same.
            Err(error) => {
                tracing::error!(function = NAME, %error, "what was noted of the sweep could not be read");
                return self
                    .tell(findings.into_iter().map(|it| (it, at)), request)
                    .await;
            }
        };
        let (due, wrong) = weigh(findings, &noted.wrong, &groups, at);
        noted.wrong = wrong;
        // Before it is told: a second try finds the same names.
        self.remember(&noted).await;
        let outcome = self.tell(due.into_iter(), request).await?;
        // In these words: an alarm of the template counts them in the log.
        tracing::info!(function = NAME, "the sweep was checked");
        Ok(outcome)
    }

    async fn look(&self, order: &Order, at: Timestamp) -> Look {
        let schedules = order.schedules.iter();
        let schedules = join_all(schedules.map(|name| self.workers.schedule(name)));
        let asked = join(self.workers.function(&order.function), schedules);
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok((function, schedules)) => judge(order, function, schedules, at),
            Err(_) => {
                let late = || CallError::timeout(PATIENCE);
                let schedules = order.schedules.iter().map(|_| Err(late()));
                judge(order, Err(late()), schedules.collect(), at)
            }
        }
    }

    /// What was noted, and when the last deployment began that people were told of. `None` if nothing was ever noted.
    async fn remembered(&self) -> Result<Option<(Noted, Option<Timestamp>)>, CallError> {
        let none = || CallError::new("NoLedger", "LEDGER_TABLE is not set");
        let ledger = self.watch.ledger.as_ref().ok_or_else(none)?;
        let account = self.account().account_key();
        let names = [Noted::key_of_guard(&account), Deployment::key(&account)];
        let items = ledger.read(&names).await?;
        let find = |number: usize| items.iter().find(|item| names[number].names(item));
        let Some(noted) = find(0) else {
            return Ok(None);
        };
        let deployment = find(1).and_then(Deployment::read);
        let proof = deployment.as_ref().and_then(|it| it.proof(&account));
        let proof: Vec<Item> = match proof {
            Some(proof) => ledger.read(&[proof]).await?,
            None => Vec::new(),
        };
        let told = deployment.and_then(|it| it.told(&proof));
        let unreadable = || CallError::new("UnreadableItem", "the note cannot be read");
        let noted = Noted::read(noted).ok_or_else(unreadable)?;
        Ok(Some((noted, told.map(|told| told.occurred_at))))
    }

    async fn remember(&self, noted: &Noted) {
        let Some(ledger) = &self.watch.ledger else {
            return;
        };
        let item = noted.item(Noted::key_of_guard(&self.account().account_key()));
        if let Err(error) = ledger.put(&[item]).await {
            tracing::error!(function = NAME, %error, "the sweep was not noted");
        }
    }

    async fn tell(
        &self,
        due: impl Iterator<Item = (watch_sweep::attest::Finding, Timestamp)>,
        request: &str,
    ) -> Result<Outcome, HandleError> {
        let mut all = Outcome {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: None,
        };
        let mut failed = None;
        let stack = self.watch.config.stack().map(|stack| stack.name.to_owned());
        let region = self.watch.config.alert_topic.region();
        for (finding, since) in due {
            let mut finding = finding.since(since, stack.as_deref(), region);
            finding.by_guard = true;
            let kind = WatchChanged::of_sweep(finding);
            let occurrence = Occurrence::of_sweep(self.account(), kind, since, None);
            match self.watch.report(occurrence, request).await {
                Ok(told) => {
                    all.verdict = all.verdict.max(told.verdict);
                    all.alerts.extend(told.alerts);
                }
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(all), Err)
    }

    /// What its alerts are about.
    fn account(&self) -> Subject {
        let home = &self.watch.config.alert_topic;
        Subject::Account {
            partition: home.partition().clone(),
            account: home.account().clone(),
            region: home.region().clone(),
        }
    }
}

/// What is wrong, with what is not as it was noted; and what is noted from now on.
fn compare(
    order: &Order,
    look: Look,
    mut noted: Noted,
    deployed_at: Option<Timestamp>,
    at: Timestamp,
) -> (Vec<watch_sweep::attest::Finding>, Noted) {
    let Look {
        mut findings, seen, ..
    } = look;
    if noted.is_open(deployed_at, at) {
        noted.take(seen, at);
    } else {
        findings.extend(unnamed(order, &noted));
        findings.extend(noted.compare(&seen));
        noted.learn(&seen);
    }
    (findings, noted)
}

#[cfg(feature = "lambda")]
mod lambda {
    use aws_config::SdkConfig;
    use serde_json::Value;
    use watch_aws::start::{Handler, Invocation};
    use watch_aws::{DynamoDbAdapter, KmsAdapter, SystemClock, Ways, WorkersAdapter};
    use watch_core::config::Config;
    use watch_core::pipeline::{HandleError, Outcome};
    use watch_core::ports::{Clock, Kms, Ledger, Topics, Workers};

    use super::Guard;
    use crate::{NAME, decide};

    impl<K: Kms, T: Topics, L: Ledger, C: Clock, W: Workers> Handler for Guard<K, T, L, C, W> {
        type Outcome = Outcome;
        type Failure = HandleError;

        async fn handle(
            &self,
            payload: &Value,
            invocation: &Invocation,
        ) -> Result<Outcome, HandleError> {
            self.handle(payload, &invocation.request_id).await
        }
    }

    /// The function, on the services that `sdk` leads to.
    pub async fn guard(
        config: Config,
        sdk: SdkConfig,
    ) -> Guard<KmsAdapter, Ways, DynamoDbAdapter, SystemClock, WorkersAdapter> {
        let watch = watch_aws::watch_without_keys(NAME, decide, config, &sdk).await;
        Guard {
            watch,
            workers: WorkersAdapter::new(&sdk),
        }
    }
}

#[cfg(feature = "lambda")]
pub use lambda::guard;
