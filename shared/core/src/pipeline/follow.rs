//! What follows an alert: who and what depends on the key, asked once people know of the rest.
//!
//! It is beside the path of the alert, and after it: no call that is made here can delay, change or stop an alert. What it finds
//! is told as an occurrence of its own, [`DependantsFound`], once.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::{HandleError, Outcome, Verdict, Watch};
use crate::alert::Alert;
use crate::arn::AccountId;
use crate::config::Config;
use crate::decision::Occurrence;
use crate::dependants::{Ask, Dependants, gather};
use crate::kinds::DependantsFound;
use crate::kinds::story::{Part, Status, Story};
use crate::ports::{Clock, Grants, Kms, Ledger, Recorder, Topics, Uses};
use crate::step::StepType;
use crate::subject::Subject;
use crate::text::Untrusted;

/// Longest time that is spent on asking.
const LIMIT: Duration = Duration::from_secs(12);
/// What telling takes at worst, with its retries.
const TELLING: Duration = Duration::from_secs(12);
/// With less than this there is no use in asking.
const LEAST: Duration = Duration::from_secs(1);
/// What was found out in this time counts: the sweep keeps it so.
const FRESH: SignedDuration = SignedDuration::from_hours(26);
/// Pages of a hundred grants that one alert is worth.
const GRANT_PAGES: usize = 3;
/// Pages of the event history that one alert is worth.
const PAGES: usize = 6;
/// Pages of a hundred resources that one alert is worth.
const CONFIG_PAGES: usize = 8;
/// Two look-ups a second are the quota of an account and Region (AWS CloudTrail API Reference, `LookupEvents`).
const PAUSE: Duration = Duration::from_millis(600);

/// A function whose alerts are followed by what they break.
#[derive(Debug)]
pub struct Following<K, T, L, C, D> {
    /// The function.
    pub watch: Watch<K, T, L, C>,
    /// Who knows of grants, uses, and what is configured with a key.
    pub traces: D,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock, D: Grants + Uses + Recorder> Following<K, T, L, C, D> {
    /// Handles one invocation as [`Watch::handle`] does, and then looks for what depends on the keys that people were told of.
    /// `left` is the time until Lambda ends the function.
    ///
    /// # Errors
    ///
    /// As [`Watch::handle`]. What follows an alert never fails: Lambda's next try would find the alert told, and stop there.
    pub async fn handle(
        &self,
        payload: &Value,
        request: &str,
        left: Option<Duration>,
    ) -> Result<Outcome, HandleError> {
        let began = tokio::time::Instant::now();
        let mut outcome = self.watch.handle(payload, request).await?;
        // People who are told of many at once look for the burst first.
        if outcome.verdict != Verdict::Delivered {
            return Ok(outcome);
        }
        for number in 0..outcome.alerts.len() {
            let spent = began.elapsed() + TELLING;
            let limit = left.map_or(LIMIT, |left| left.saturating_sub(spent).min(LIMIT));
            let Some(alert) = outcome.alerts.get(number).filter(|_| limit >= LEAST) else {
                break;
            };
            let Some(occurrence) = self.find(alert, limit).await else {
                continue;
            };
            match self.watch.report(occurrence, request).await {
                Ok(told) => outcome.alerts.extend(told.alerts),
                Err(error) => tracing::warn!(%error, "the dependants of a key were not told"),
            }
        }
        Ok(outcome)
    }

    /// What is to be added to an alert.
    async fn find(&self, alert: &Alert, limit: Duration) -> Option<Occurrence> {
        let key = alert.key.as_ref()?;
        let (now, known) = (self.watch.clock.now(), alert.dependants.as_ref());
        let of_strangers = alert.details.names_strangers();
        // Since the alert somebody may have used the key, whatever was known before.
        let is_known = !of_strangers && known.is_some_and(|known| known.is_fresh(now, FRESH));
        if !(alert.details.names_dependants() || of_strangers) || is_known {
            return None;
        }
        let last_use = key.last_use.as_ref().and_then(|it| it.event_id.as_ref());
        let ask = Ask {
            key: &key.arn,
            aliases: key.aliases.as_deref().unwrap_or_default(),
            last_use: last_use.map(Untrusted::as_str),
            now,
            limit,
            grant_pages: GRANT_PAGES,
            pages: PAGES,
            // What is configured with a key does not say who used it.
            config_pages: match self.watch.config.config_dependants && !of_strangers {
                true => CONFIG_PAGES,
                false => 0,
            },
            pause: PAUSE,
        };
        let traces = &self.traces;
        let gathered = gather(traces, traces, traces, &ask).await;
        for missing in &gathered.missing {
            tracing::warn!(
                fact = missing.fact,
                reason = missing.reason.as_str(),
                "not all dependants of a key could be found"
            );
        }
        let everybody = gathered.with(known, now)?;
        let found = if of_strangers {
            let config = &self.watch.config;
            let strangers = everybody
                .clone()
                .strangers(|account| is_ours(config, key.arn.account(), account));
            Some(strangers).filter(|strangers| !strangers.is_empty())?
        } else {
            everybody.clone()
        };
        if !found.adds_to(known) {
            return None;
        }
        after(alert, found, everybody)
    }
}

/// The account is the key's own, or a trusted one.
pub(super) fn is_ours(config: &Config, own: &AccountId, account: &str) -> bool {
    let mut trusted = config.trusted_accounts.iter();
    own.as_str() == account || trusted.any(|trusted| trusted.as_str() == account)
}

/// What adds to an alert about a key: the same occurrence, in the same story.
fn after(alert: &Alert, found: Dependants, everybody: Dependants) -> Option<Occurrence> {
    let subject = Subject::Key(alert.key.as_ref()?.arn.clone());
    let of_strangers = alert.details.names_strangers();
    let steps = alert.next_steps.iter();
    let undo = steps.filter(|step| {
        let takes_back =
            step.kind == StepType::Undo || (of_strangers && step.kind == StepType::Contain);
        takes_back && step.command.is_some()
    });
    let kind = DependantsFound {
        follows: alert.id.clone(),
        follows_kind: alert.kind,
        of_strangers,
        story: Story {
            part: match alert.status {
                Status::Open => Part::GoesOn,
                Status::Closed | Status::Event => Part::Event,
            },
            unnamed: None,
            looks_back: false,
            ..alert.details.story()
        },
        found,
        everybody,
        severity: alert.severity,
        undo: undo.cloned().collect(),
        undo_until: alert.undo_until,
        databases_until: alert.databases_until,
    };
    Some(Occurrence {
        kind: kind.into(),
        subject,
        occurred_at: Some(alert.occurred_at),
        actor: alert.actor.clone(),
        source: alert.source.clone(),
        call_id: None,
        unrecorded: None,
        sender: None,
    })
}
