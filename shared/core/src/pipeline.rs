//! The path of one event: read, decide, and tell, which goes through stages, a file each ([`tell`]).

mod again;
mod assess;
mod audience;
mod burst;
mod claimed;
mod draft;
mod ended;
mod excerpt;
mod follow;
mod gathered;
mod holding;
mod known;
mod letters;
mod low;
mod marked;
mod named;
mod past;
mod plan;
mod portrait;
mod proof;
mod raised;
mod rest;
mod served;
mod story;
mod tell;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::alert::Alert;
use crate::config::Config;
use crate::decision::{Decide, Decision, Occurrence};
use crate::event::{Event, Unreadable, unwrap};
use crate::hash::short_hash;
use crate::kinds::UnreadableEvent;
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::source::{Source, Via};
use crate::subject::Subject;
use crate::text::Untrusted;

pub use self::follow::Following;

use self::ended::{Failure, Told};

/// A function at work: its decisions, its settings, and the world through its ports.
#[derive(Debug)]
pub struct Watch<K, T, L, C> {
    /// The function's name.
    pub function: &'static str,
    /// Its settings.
    pub config: Config,
    /// What it makes of an event.
    pub decide: Decide,
    /// KMS.
    pub kms: K,
    /// Where alerts go.
    pub topics: T,
    /// Its memory; without one every telling is told.
    pub ledger: Option<L>,
    /// The time.
    pub clock: C,
}

/// What became of an invocation. This is the function's answer.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// In a word.
    #[serde(rename = "outcome")]
    pub verdict: Verdict,
    /// The alerts, as the feed has them.
    pub alerts: Vec<Alert>,
    /// Why there is no alert.
    pub reason: Option<String>,
}

/// What became of an event, from the least to the most that people see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing was published: the event is not worth it.
    Ignored,
    /// Nothing was published: the same occurrence was told before.
    Duplicate,
    /// People were not told, or were told of it together with others.
    Suppressed,
    /// The alert went to every topic that wants it.
    Delivered,
}

/// An invocation that did not do all it should. Lambda invokes the function again.
#[derive(Debug, thiserror::Error)]
#[error("failed to tell {} of {alerts} occurrences: {}", failures.len(), failures.iter().map(Failure::to_string).collect::<Vec<_>>().join("; "))]
pub struct HandleError {
    alerts: usize,
    failures: Vec<Failure>,
}

impl HandleError {
    /// The error's type as Lambda reports it.
    pub fn kind(&self) -> &'static str {
        if self
            .failures
            .iter()
            .any(|failure| matches!(failure, Failure::NotPublished(_)))
        {
            "PublishFailed"
        } else {
            "OccurrenceHeld"
        }
    }
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Handles one invocation, which holds one event, or several in a batch of dead letters. `request` is Lambda's id
    /// of it, the same when Lambda tries again.
    ///
    /// # Errors
    ///
    /// If an alert could not be published, or another invocation is about to publish it: nothing else is worth another
    /// try.
    pub async fn handle(&self, payload: &Value, request: &str) -> Result<Outcome, HandleError> {
        let mut outcome = Outcome {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: None,
        };
        let mut occurrences = 0;
        let mut failures = Vec::new();
        let mut reasons: Vec<Cow<'static, str>> = Vec::new();
        for event in unwrap(payload) {
            let occurrence = match self.read_and_decide(event, payload) {
                Ok(occurrence) => occurrence,
                Err(reason) => {
                    tracing::info!(function = self.function, reason = %reason, "ignored");
                    reasons.push(reason);
                    continue;
                }
            };
            occurrences += 1;
            // On the heap: it holds every call of an event at once.
            match Box::pin(self.tell(occurrence, request)).await {
                Ok(Told {
                    verdict,
                    alerts,
                    reason,
                }) => {
                    outcome.verdict = outcome.verdict.max(verdict);
                    outcome.alerts.extend(alerts);
                    reasons.extend(reason);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if !failures.is_empty() {
            return Err(HandleError {
                alerts: occurrences,
                failures,
            });
        }
        outcome.reason = (outcome.verdict != Verdict::Delivered && !reasons.is_empty())
            .then(|| reasons.join("; "));
        Ok(outcome)
    }

    /// Tells of one occurrence that was found by other means than an event. `request` is as for [`Watch::handle`].
    ///
    /// # Errors
    ///
    /// If the alert could not be published, or another invocation is about to publish it.
    pub async fn report(
        &self,
        occurrence: Occurrence,
        request: &str,
    ) -> Result<Outcome, HandleError> {
        // On the heap: it holds every call of an alert at once.
        match Box::pin(self.tell(occurrence, request)).await {
            Ok(Told {
                verdict,
                alerts,
                reason,
            }) => Ok(Outcome {
                verdict,
                alerts,
                reason: reason
                    .filter(|_| verdict != Verdict::Delivered)
                    .map(Cow::into_owned),
            }),
            Err(failure) => Err(HandleError {
                alerts: 1,
                failures: vec![failure],
            }),
        }
    }

    /// Reads one event and decides about it; the error is the reason to ignore it.
    fn read_and_decide(
        &self,
        event: Result<Cow<'_, Value>, Unreadable>,
        payload: &Value,
    ) -> Result<Occurrence, Cow<'static, str>> {
        let (problem, body) = match event {
            Err(problem) => (problem, Cow::Borrowed(payload)),
            Ok(body) => match Event::read(&body).map(|event| self.decided(&event)) {
                Ok(Decision::Ignore(reason)) => return Err(reason),
                Ok(Decision::Report(mut occurrence)) => {
                    let (stack, mute) = (self.config.stack(), self.config.longest_mute_hours);
                    occurrence.kind.keep(stack.as_ref(), mute)?;
                    return Ok(*occurrence);
                }
                Ok(Decision::Unreadable(problem)) | Err(problem) => (problem, body),
            },
        };
        Ok(self.unreadable(&problem, &body))
    }

    /// What the function makes of an event, marked if another account sent it.
    fn decided(&self, event: &Event) -> Decision {
        let mut decision = (self.decide)(event);
        if let Decision::Report(occurrence) = &mut decision {
            let sender = event.envelope().account.as_ref();
            let home = self.config.alert_topic.account();
            occurrence.sender = sender.filter(|sender| *sender != home).cloned();
        }
        decision
    }

    fn unreadable(&self, problem: &Unreadable, body: &Value) -> Occurrence {
        let text = Canonical(body).to_string();
        let shown = excerpt::without_contexts(body);
        let called = |place: &str| {
            let name = body
                .pointer(place)
                .and_then(Value::as_str)
                .map(Untrusted::new);
            name.and_then(Untrusted::non_empty)
        };
        // Only for those who read the alert; the text itself may be anything.
        let member = |name: &str| {
            body[name]
                .as_str()
                .map(Untrusted::new)
                .and_then(Untrusted::non_empty)
        };
        let home = &self.config.alert_topic;
        Occurrence {
            kind: UnreadableEvent {
                function: self.function,
                reason: Untrusted::new(&problem.to_string()),
                event_name: called("/detail/eventName")
                    .or_else(|| called("/eventName"))
                    .or_else(|| called("/detail-type")),
                keys: excerpt::keys_in(&shown),
                excerpt: Untrusted::bounded(&Canonical(&shown).to_string(), 1_024),
                body_hash: short_hash(&text),
                called: [
                    "/source",
                    "/detail-type",
                    "/detail/eventSource",
                    "/detail/eventName",
                ]
                .map(|place| body.pointer(place).and_then(Value::as_str).unwrap_or("-"))
                .join("\n"),
            }
            .into(),
            subject: Subject::Account {
                partition: home.partition().clone(),
                account: home.account().clone(),
                region: home.region().clone(),
            },
            occurred_at: body["time"].as_str().and_then(|time| time.parse().ok()),
            actor: None,
            source: Source {
                via: if body["detail"]["eventName"].is_string() {
                    Via::CloudTrail
                } else {
                    Via::Kms
                },
                event_id: member("id"),
                detail_type: member("detail-type"),
                event_name: body["detail"]["eventName"].as_str().map(Untrusted::new),
                replay: member("replay-name"),
            },
            call_id: None,
            unrecorded: None,
            sender: None,
        }
    }
}

/// A JSON value as text with its members sorted, whatever the order in which they came: one content, one hash.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(members) => {
                let sorted: BTreeMap<_, _> = members
                    .iter()
                    .map(|(name, value)| (name, Canonical(value)))
                    .collect();
                serializer.collect_map(sorted)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Canonical)),
            scalar => scalar.serialize(serializer),
        }
    }
}

impl fmt::Display for Canonical<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
