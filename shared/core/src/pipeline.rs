//! The path of one event: read, decide, gather, assess, render, publish.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::alert::{
    Alert, Enrichment, EnrichmentSource, EnrichmentStatus, Links, SCHEMA_VERSION, Source, Via,
};
use crate::arn::TopicArn;
use crate::config::{Config, Override};
use crate::decision::{Decide, Decision, Occurrence, Subject, short_hash};
use crate::event::{Event, Unreadable, unwrap};
use crate::facts::Facts;
use crate::kinds::{Case, UnreadableEvent};
use crate::link;
use crate::ports::{CallError, Clock, Kms, Message, Topics};
use crate::render;
use crate::severity::Severity;
use crate::text;
use crate::text::{Text, Untrusted};

/// A function at work: its decisions, its settings, and the world through its ports.
#[derive(Debug)]
pub struct Watch<K, T, C> {
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
    /// People were not told.
    Suppressed,
    /// The alert went to every topic that wants it.
    Delivered,
}

/// An alert that did not reach all its topics. Lambda invokes the function again.
#[derive(Debug, thiserror::Error)]
#[error("failed to publish {} of {alerts} alerts: {}", failures.len(), failures.join("; "))]
pub struct HandleError {
    alerts: usize,
    failures: Vec<String>,
}

impl HandleError {
    /// The error's type as Lambda reports it.
    pub fn kind(&self) -> &'static str {
        "PublishFailed"
    }
}

impl<K: Kms, T: Topics, C: Clock> Watch<K, T, C> {
    /// Handles one invocation, which holds one event, or several in a batch of dead letters.
    ///
    /// # Errors
    ///
    /// If an alert could not be published: nothing else is worth another try.
    pub async fn handle(&self, payload: &Value) -> Result<Outcome, HandleError> {
        let mut outcome = Outcome {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: None,
        };
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
            let alert = self.explain(occurrence).await;
            match self.deliver(&alert).await {
                Ok(verdict) => {
                    outcome.verdict = outcome.verdict.max(verdict);
                    if verdict == Verdict::Suppressed {
                        reasons.push(
                            format!(
                                "{} is below the severity that people are told of",
                                alert.kind
                            )
                            .into(),
                        );
                    }
                }
                Err(failure) => failures.push(failure),
            }
            outcome.alerts.push(alert);
        }
        if !failures.is_empty() {
            return Err(HandleError {
                alerts: outcome.alerts.len(),
                failures,
            });
        }
        outcome.reason = (outcome.verdict != Verdict::Delivered && !reasons.is_empty())
            .then(|| reasons.join("; "));
        Ok(outcome)
    }

    /// Reads one event and decides about it; the error is the reason to ignore it.
    fn read_and_decide(
        &self,
        event: Result<Cow<'_, Value>, Unreadable>,
        payload: &Value,
    ) -> Result<Occurrence, Cow<'static, str>> {
        let (problem, body) = match event {
            Err(problem) => (problem, Cow::Borrowed(payload)),
            Ok(body) => match Event::read(&body).map(|event| (self.decide)(&event)) {
                Ok(Decision::Ignore(reason)) => return Err(reason),
                Ok(Decision::Report(occurrence)) => return Ok(*occurrence),
                Ok(Decision::Unreadable(problem)) | Err(problem) => (problem, body),
            },
        };
        Ok(self.unreadable(&problem, &body))
    }

    fn unreadable(&self, problem: &Unreadable, body: &Value) -> Occurrence {
        let text = Canonical(body).to_string();
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
                excerpt: Untrusted::bounded(&text, 1_024),
                body_hash: short_hash(&text),
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
        }
    }

    /// Asks KMS about the key, and words the alert.
    async fn explain(&self, occurrence: Occurrence) -> Alert {
        let at = occurrence.occurred_at.unwrap_or_else(|| self.clock.now());
        let mut enrichment = Enrichment {
            status: EnrichmentStatus::Complete,
            source: EnrichmentSource::Event,
            as_of: None,
            missing: Vec::new(),
        };
        let mut gone = false;
        let mut key = None;
        if let Some(arn) = occurrence.subject.key() {
            let facts = Facts::gather(&self.kms, arn, occurrence.kind.reads()).await;
            gone = facts.is_gone();
            enrichment = facts.enrichment();
            let mut known = facts.into_key(arn.clone(), &self.config.owner_tag_key);
            occurrence.kind.imply(&mut known, at);
            key = Some(known);
        }
        self.assess(occurrence, at, key, gone, enrichment)
    }

    fn assess(
        &self,
        occurrence: Occurrence,
        at: Timestamp,
        key: Option<crate::alert::Key>,
        gone: bool,
        enrichment: Enrichment,
    ) -> Alert {
        let id = occurrence.alert_id(at);
        let Occurrence {
            kind,
            subject,
            actor,
            source,
            ..
        } = occurrence;
        let case = Case {
            at,
            actor: actor.as_ref(),
            key: key.as_ref(),
            gone,
        };
        let mut summary = Text::new();
        if let Some(replay) = &source.replay {
            // Nobody should be woken by the past.
            summary.sentence(text![
                "This is a replay (",
                replay,
                ") of what happened on ",
                at,
                "."
            ]);
        }
        summary.sentence(kind.summary(&case));
        let (title, next_steps) = (kind.title(&case), kind.next_steps(&case));
        let severity = match (
            kind.severity(&case),
            self.config.severity_overrides.get(kind.name()),
        ) {
            (Severity::Critical, _) => Severity::Critical,
            (_, Some(Override::Level(level))) => *level,
            (assessed, Some(Override::FeedOnly) | None) => assessed,
        };
        let event_id = source
            .event_id
            .as_ref()
            .filter(|_| source.via == Via::CloudTrail);
        let links = Links {
            key: key
                .as_ref()
                .filter(|_| !gone)
                .and_then(|key| link::key(&key.arn, key.manager.as_ref())),
            event: event_id
                .and_then(|id| link::event(subject.partition(), subject.region(), id.as_str())),
        };
        Alert {
            schema_version: SCHEMA_VERSION,
            id,
            kind: kind.name(),
            severity,
            title,
            summary,
            occurred_at: at,
            account: Some(subject.account().clone()),
            region: Some(subject.region().clone()),
            partition: subject.partition().clone(),
            key,
            key_store: None,
            actor,
            details: kind,
            next_steps,
            links,
            enrichment,
            source,
        }
    }

    /// People and chat want this alert.
    fn is_for_people(&self, alert: &Alert) -> bool {
        let off = self.config.severity_overrides.get(alert.kind) == Some(&Override::FeedOnly);
        alert.severity == Severity::Critical
            || (!off && alert.severity >= self.config.minimum_severity)
    }

    /// Sends the alert to every topic that wants it, in parallel; the error names those that it did not reach.
    async fn deliver(&self, alert: &Alert) -> Result<Verdict, String> {
        let messages = self.messages(alert).map_err(|error| error.to_string())?;
        let sent = messages.iter().map(|message| async move {
            let result = self.topics.publish(message).await;
            result.map_err(|error: CallError| format!("{}: {error}", message.topic.as_str()))
        });
        let failures: Vec<_> = join_all(sent)
            .await
            .into_iter()
            .filter_map(Result::err)
            .collect();
        if failures.is_empty() {
            let verdict = if messages.is_empty() {
                Verdict::Suppressed
            } else {
                Verdict::Delivered
            };
            tracing::info!(
                function = self.function,
                alert.id,
                alert.kind,
                alert.severity = alert.severity.as_str(),
                key.arn = alert.key.as_ref().map(|key| key.arn.to_string()),
                event.id = alert.source.event_id.as_ref().map(Untrusted::as_str),
                enrichment = ?alert.enrichment.status,
                topics = messages.len(),
                "handled"
            );
            return Ok(verdict);
        }
        tracing::error!(
            function = self.function,
            alert.id,
            alert.kind,
            failures = failures.join("; "),
            "not delivered"
        );
        Err(failures.join("; "))
    }

    fn messages(&self, alert: &Alert) -> Result<Vec<Message>, serde_json::Error> {
        let Config {
            alert_topic,
            chat_topic,
            feed_topic,
            ..
        } = &self.config;
        let attributes = render::attributes(alert);
        let message = |topic: &TopicArn, subject, body| Message {
            topic: topic.clone(),
            subject,
            body,
            attributes: attributes.clone(),
        };
        let mut messages = Vec::with_capacity(3);
        if self.is_for_people(alert) {
            messages.push(message(
                alert_topic,
                Some(render::subject(alert)),
                render::people(alert),
            ));
            if let Some(topic) = chat_topic {
                messages.push(message(topic, None, render::chat(alert)?));
            }
        }
        if let Some(topic) = feed_topic {
            messages.push(message(topic, None, render::feed(alert)?));
        }
        Ok(messages)
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
