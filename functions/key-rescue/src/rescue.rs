//! The steps of a rescue: look, judge, take, act, tell.
//!
//! What keeps KMS from being called twice for one thing is a conditional write before the call ([`record`]). What keeps a rescue, or
//! a failed one, from being silent is that an invocation fails as long as nobody was told.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::{join, join5};
use jiff::Timestamp;
use serde_json::{Map, Value};
use watch_core::config::RescueSettings;
use watch_core::decision::Occurrence;
use watch_core::event::{Event, unwrap};
use watch_core::hash::short_hash;
use watch_core::items::{Claim, Item, ItemKey, Member};
use watch_core::kinds::{
    KeyRescueAdvised, KeyRescueFailed, KeyRescued, Kind, NotRescued, RescueAction,
};
use watch_core::ledger::ack::Ack;
use watch_core::pipeline::{HandleError, Outcome, Verdict as Told, Watch};
use watch_core::ports::{CallError, CallErrorKind, Clock, Kms, Ledger, Rescuer, Switch, Topics};
use watch_core::text::Untrusted;

use crate::NAME;
use crate::guards::{self, Failed, Seen, Verdict};
use crate::order::Order;
use crate::record::{self, Standing};

/// Longest wait for the ledger: no call of KMS is made without its answer.
const LEDGER: Duration = Duration::from_secs(2);
/// How long the ledger keeps the counter of an hour.
const COUNTED: i64 = 2 * 24 * 60 * 60;

/// The function, with the world through its ports.
#[expect(
    missing_debug_implementations,
    reason = "what stands behind a port need not have one"
)]
pub struct Rescue<K, T, L, C, R, S> {
    /// Tells, as any function does.
    pub watch: Watch<K, T, L, C>,
    /// What it may do.
    pub settings: RescueSettings,
    /// Does it.
    pub rescuer: R,
    /// Stops it.
    pub switch: S,
}

/// Why an invocation failed. Lambda invokes the function again, unless somebody did who waits for the answer.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// People were not told.
    #[error(transparent)]
    Tell(#[from] HandleError),
    /// It failed, people know, and another try may help.
    #[error("the rescue failed: {0}")]
    Failed(String),
    /// Another invocation is about it.
    #[error("another invocation is rescuing the key")]
    Busy,
}

impl RescueError {
    /// The error's type as Lambda reports it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Tell(error) => error.kind(),
            Self::Failed(_) => "RescueFailed",
            Self::Busy => "RescueHeld",
        }
    }
}

impl<K, T, L, C, R, S> Rescue<K, T, L, C, R, S>
where
    K: Kms,
    T: Topics,
    L: Ledger,
    C: Clock,
    R: Rescuer,
    S: Switch,
{
    /// Handles one invocation: events, or an order by hand. `request` is Lambda's id of it.
    ///
    /// # Errors
    ///
    /// If people were not told of what was done, or if another try may help.
    pub async fn handle(&self, payload: &Value, request: &str) -> Result<Outcome, RescueError> {
        let home = &self.watch.config.alert_topic;
        if let Some(order) = Order::of_button(payload, home, request) {
            return match order {
                Ok(order) => self.consider(&order, request).await,
                Err(reason) => Ok(ignored(reason)),
            };
        }
        let mut all = ignored("nothing to take back");
        let mut failed = None;
        for event in unwrap(payload) {
            let read = match &event {
                Ok(body) => Event::read(body),
                Err(problem) => Err(problem.clone()),
            };
            let outcome = match read {
                Ok(event) => match Order::of_event(&event, home) {
                    Ok(order) => self.consider(&order, request).await,
                    Err(reason) => Ok(ignored(reason)),
                },
                // Told as by any function, so that silence never hides a change of format.
                Err(_) => {
                    let body = event.as_ref().map_or(payload, |body| body);
                    self.watch.handle(body, request).await.map_err(Into::into)
                }
            };
            match outcome {
                Ok(outcome) => {
                    all.verdict = all.verdict.max(outcome.verdict);
                    all.alerts.extend(outcome.alerts);
                    all.reason = outcome.reason;
                }
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(all), Err)
    }

    /// What comes of one order.
    async fn consider(&self, order: &Order, request: &str) -> Result<Outcome, RescueError> {
        let (config, now) = (&self.watch.config, self.watch.clock.now());
        if let Some(reason) = guards::refused(order, &self.settings, config, now) {
            return Ok(ignored(reason));
        }
        let seen = self.look(order, request).await;
        match guards::judge(order, &self.settings, config, &seen) {
            Verdict::Leave(reason) => Ok(ignored(reason)),
            Verdict::Busy => Err(RescueError::Busy),
            Verdict::Advise(why, at) => self.advise(order, why, at, request).await,
            Verdict::Fail(failed) => self.fail(order, failed, request).await,
            Verdict::Done => match seen.standing {
                Ok(Standing::Acted(claim)) => self.tell(order, claim, request).await,
                Ok(Standing::Tried(claim)) => {
                    self.tell(order, self.acted(claim, None).await, request)
                        .await
                }
                _ => Err(RescueError::Busy),
            },
            Verdict::Act(version) => self.act(order, &seen, version, request).await,
        }
    }

    /// Asks KMS and the ledger, at once.
    async fn look(&self, order: &Order, request: &str) -> Seen {
        let (kms, key) = (&self.watch.kms, &order.key);
        let rotation = async {
            match order.action {
                RescueAction::EnableRotation => Some(kms.get_key_rotation_status(key).await),
                _ => None,
            }
        };
        let aliases = async {
            match self.watch.config.protection.aliases.is_empty() {
                true => None,
                false => Some(kms.list_aliases(key).await),
            }
        };
        let (metadata, tags, aliases, rotation, items) = join5(
            kms.describe_key(key),
            kms.list_resource_tags(key),
            aliases,
            rotation,
            self.recall(order),
        )
        .await;
        let now = self.watch.clock.now();
        let date = metadata.as_ref().ok().and_then(|it| it.deletion_at);
        let partition = key.to_string();
        let ack = items.as_ref().ok().zip(date).and_then(|(items, date)| {
            let item = items.iter().find(|it| Ack::key(&partition).names(it))?;
            Ack::read(item, date, now)
        });
        let standing = items.and_then(|items| {
            let name = record::key(order);
            let item = items.iter().find(|item| name.names(item));
            let unreadable = || CallError::new("UnreadableItem", "the record cannot be read");
            let claim = item.map(|item| Claim::read(item).ok_or_else(unreadable));
            let claim = claim.transpose()?;
            Ok(record::standing(claim.as_ref(), order, request, now))
        });
        Seen {
            metadata,
            tags,
            aliases,
            rotation,
            standing,
            ack,
        }
    }

    async fn recall(&self, order: &Order) -> Result<Vec<Item>, CallError> {
        let ledger = self.ledger()?;
        let keys = [record::key(order), Ack::key(&order.key.to_string())];
        let read = tokio::time::timeout(LEDGER, ledger.read(&keys));
        read.await
            .unwrap_or_else(|_| Err(CallError::timeout(LEDGER)))
    }

    fn ledger(&self) -> Result<&L, CallError> {
        let none = || CallError::new("NoLedger", "LEDGER_TABLE is not set");
        self.watch.ledger.as_ref().ok_or_else(none)
    }

    /// Writes the item if it is still as it was. `false` if it is not.
    async fn write(&self, claim: &Claim, previous: Option<u64>) -> Result<bool, CallError> {
        let write = self.ledger()?.claim(claim, previous);
        match tokio::time::timeout(LEDGER, write).await {
            Ok(answer) => Ok(answer?.is_ok()),
            Err(_) => Err(CallError::timeout(LEDGER)),
        }
    }

    /// The same where nothing is lost if it fails: what was done is seen by the key.
    async fn note(&self, claim: &Claim) {
        let previous = claim.version.saturating_sub(1);
        if let Err(error) = self.write(claim, Some(previous)).await {
            tracing::warn!(function = NAME, %error, "the rescue was not noted");
        }
    }

    async fn acted(&self, claim: Claim, request_id: Option<&str>) -> Claim {
        let claim = record::acted(claim, request_id);
        self.note(&claim).await;
        claim
    }

    /// Takes the order, makes the call, and tells.
    async fn act(
        &self,
        order: &Order,
        seen: &Seen,
        version: Option<u64>,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        match self.switch.is_on().await {
            Ok(true) => {}
            Ok(false) => {
                return self
                    .advise(order, NotRescued::SwitchedOff, None, request)
                    .await;
            }
            Err(error) => {
                let failed = Failed::of("the parameter that stops rescues cannot be read", &error);
                return self.fail(order, failed, request).await;
            }
        }
        match self.is_within_limit(order).await {
            Ok(true) => {}
            Ok(false) => {
                return self
                    .advise(order, NotRescued::HourlyLimit, None, request)
                    .await;
            }
            Err(error) => {
                let failed = Failed::of("the ledger did not count the rescue", &error);
                return self.fail(order, failed, request).await;
            }
        }
        let claim = record::taken(order, request, version, self.watch.clock.now());
        match self.write(&claim, version).await {
            Ok(true) => {}
            Ok(false) => return Err(RescueError::Busy),
            Err(error) => {
                let failed = Failed::of("the ledger did not take note of the rescue", &error);
                return self.fail(order, failed, request).await;
            }
        }
        // In these words, before the call: whatever becomes of it, the log has it.
        let (action, key) = (order.action.operation(), order.key.to_string());
        tracing::info!(function = NAME, action, key, "about to change a key");
        match self.call(order, seen).await {
            Ok(id) => {
                let id = id.as_ref().map(Untrusted::as_str);
                let claim = self.acted(claim, id).await;
                self.tell(order, claim, request).await
            }
            Err(error) => self.failed(order, claim, &error, request).await,
        }
    }

    async fn call(&self, order: &Order, seen: &Seen) -> Result<Option<Untrusted>, CallError> {
        let (rescuer, key) = (&self.rescuer, &order.key);
        match order.action {
            RescueAction::CancelDeletion => rescuer.cancel_key_deletion(key).await,
            RescueAction::EnableKey => rescuer.enable_key(key).await,
            RescueAction::EnableRotation => {
                let known = seen.rotation.as_ref().and_then(|it| it.as_ref().ok());
                let period = known.and_then(|rotation| rotation.period_days);
                rescuer.enable_key_rotation(key, period).await
            }
        }
    }

    /// A call that failed may have done what it was to do: the key says so.
    async fn failed(
        &self,
        order: &Order,
        claim: Claim,
        error: &CallError,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        let seen = self.see_again(order).await;
        if seen == Some(false) {
            let claim = self.acted(claim, None).await;
            return self.tell(order, claim, request).await;
        }
        let code = error.code().as_str();
        let is_unclear = code.contains("Internal") || code.contains("Timeout");
        let is_refused = match error.kind() {
            CallErrorKind::Timeout => false,
            CallErrorKind::Other => code.ends_with("Exception") && !is_unclear,
            _ => true,
        };
        // A deletion that is still pending on its date was not cancelled. Of the rest only a refusal says so.
        if is_refused || (seen == Some(true) && order.action == RescueAction::CancelDeletion) {
            self.note(&record::released(claim)).await;
        }
        let failed = Failed::of("the call to KMS failed", error);
        self.fail(order, failed, request).await
    }

    /// Whether the key is still not as it should be, if KMS says.
    async fn see_again(&self, order: &Order) -> Option<bool> {
        let (kms, key) = (&self.watch.kms, &order.key);
        let rotation = async {
            match order.action {
                RescueAction::EnableRotation => Some(kms.get_key_rotation_status(key).await),
                _ => None,
            }
        };
        let (metadata, rotation) = join(kms.describe_key(key), rotation).await;
        guards::is_wrong(order, &metadata.ok()?, rotation.as_ref()).ok()
    }

    /// Not more keys within an hour than the settings allow. The same occurrence counts once.
    async fn is_within_limit(&self, order: &Order) -> Result<bool, CallError> {
        let now = self.watch.clock.now().as_second();
        let hour = now - now.rem_euclid(3_600);
        let home = &self.watch.config.alert_topic;
        let (account, region) = (home.account().as_str(), home.region().as_str());
        let key = ItemKey::new(
            format!("rescue#account#{account}#{region}"),
            format!("count#{hour}"),
        );
        let (key_arn, action) = (order.key.to_string(), order.action.operation());
        let member = Member {
            hash: short_hash(&format!("{key_arn}\n{action}\n{}", order.occurrence())),
            note: Map::new(),
            capacity: self.settings.per_hour,
            ttl: now + COUNTED,
        };
        let count = self.ledger()?.count(&key, &member);
        let counter = tokio::time::timeout(LEDGER, count).await;
        let counter = counter.unwrap_or_else(|_| Err(CallError::timeout(LEDGER)))?;
        Ok(counter.contains_key(&member.place()))
    }

    /// Tells that it was done, and notes that people know.
    async fn tell(
        &self,
        order: &Order,
        claim: Claim,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        let kind = KeyRescued {
            order: order.told(),
            request_id: record::request_id(&claim).map(Untrusted::new),
            cool_down_days: record::COOL_DOWN_DAYS,
            switch_parameter: Untrusted::new(&self.settings.switch_parameter),
        };
        let outcome = self.report(order, kind.into(), claim.occurred_at, request);
        match outcome.await {
            Ok(outcome) => {
                self.note(&record::told(claim)).await;
                Ok(outcome)
            }
            Err(error) => {
                let now = self.watch.clock.now();
                self.note(&record::owing(claim, now)).await;
                Err(error)
            }
        }
    }

    async fn advise(
        &self,
        order: &Order,
        why: NotRescued,
        rescued_at: Option<Timestamp>,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        let kind = KeyRescueAdvised {
            order: order.told(),
            why,
            rescued_at,
            per_hour: self.settings.per_hour,
        };
        self.report(order, kind.into(), self.at(order), request)
            .await
    }

    /// Tells that it failed, and has Lambda try again where that may help.
    async fn fail(
        &self,
        order: &Order,
        failed: Failed,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        // Whoever invokes the function by hand waits for its answer, and tries again by hand.
        let again = failed.again && order.cause().is_some();
        let error = failed.what.plain();
        let kind = KeyRescueFailed {
            order: order.told(),
            what: failed.what,
            reason: failed.reason,
            again,
        };
        let outcome = self.report(order, kind.into(), self.at(order), request);
        let outcome = outcome.await?;
        if again {
            return Err(RescueError::Failed(error));
        }
        Ok(outcome)
    }

    async fn report(
        &self,
        order: &Order,
        kind: Kind,
        at: Timestamp,
        request: &str,
    ) -> Result<Outcome, RescueError> {
        let event_id = order.cause().and_then(|cause| cause.event_id.clone());
        let occurrence = Occurrence::of_rescue(order.key.clone(), kind, at, event_id);
        Ok(self.watch.report(occurrence, request).await?)
    }

    /// When what was done happened; now, where nobody says.
    fn at(&self, order: &Order) -> Timestamp {
        let now = self.watch.clock.now();
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        order.cause().map_or(now, |cause| cause.at)
    }
}

fn ignored(reason: impl Into<Cow<'static, str>>) -> Outcome {
    let reason = reason.into();
    tracing::info!(function = NAME, reason = %reason, "ignored");
    Outcome {
        verdict: Told::Ignored,
        alerts: Vec::new(),
        reason: Some(reason.into_owned()),
    }
}

#[cfg(test)]
mod tests;
