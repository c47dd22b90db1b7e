//! From an occurrence and what is known of its key to the alert. Pure.

use jiff::Timestamp;

use crate::about::{Key, KeyStore};
use crate::alert::{Alert, Links, SCHEMA_VERSION};
use crate::config::{Config, Override};
use crate::decision::Occurrence;
use crate::enrichment::{Enrichment, EnrichmentSource, EnrichmentStatus, Missing};
use crate::kinds::{Alarm, Case};
use crate::link;
use crate::severity::Severity;
use crate::source::Via;
use crate::text;
use crate::text::{Text, Untrusted};

/// What is known of what an alert is about.
#[derive(Debug)]
pub(super) struct Known {
    /// The key, if it is about one.
    pub(super) key: Option<Key>,
    /// The custom key store, if it is about one.
    pub(super) key_store: Option<KeyStore>,
    /// KMS says that there is no such key, or key store.
    pub(super) gone: bool,
    /// How much of it was asked of KMS.
    pub(super) enrichment: Enrichment,
}

impl Known {
    /// Nothing is to be known.
    pub(super) fn nothing() -> Self {
        Self {
            key: None,
            key_store: None,
            gone: false,
            enrichment: Enrichment {
                status: EnrichmentStatus::Complete,
                source: EnrichmentSource::Event,
                as_of: None,
                missing: Vec::new(),
            },
        }
    }
}

impl Known {
    /// Says that the ledger failed, so that the alert may come twice, and lacks what only the ledger knows.
    pub(super) fn lacks_ledger(&mut self, reason: Untrusted) {
        let fact = "ledger";
        self.enrichment.missing.push(Missing { fact, reason });
        if self.enrichment.status == EnrichmentStatus::Complete {
            self.enrichment.status = EnrichmentStatus::Partial;
        }
    }
}

/// Words the alert.
pub(super) fn assess(
    config: &Config,
    occurrence: Occurrence,
    at: Timestamp,
    known: Known,
) -> Alert {
    let id = occurrence.alert_id(at);
    let Occurrence {
        mut kind,
        subject,
        actor,
        source,
        ..
    } = occurrence;
    let Known {
        mut key,
        mut key_store,
        gone,
        enrichment,
    } = known;
    // What is not missing was said just now, or is not known at all.
    let mut missing = enrichment.missing.iter();
    let unanswered = missing.any(|missing| matches!(missing.fact, "metadata" | "keyStore"));
    if let Some(key) = &mut key {
        kind.observe(key);
        kind.imply(key, at);
    }
    if let Some(store) = &mut key_store {
        kind.imply_key_store(store);
    }
    let case = Case {
        at,
        actor: actor.as_ref(),
        key: key.as_ref(),
        key_store: key_store.as_ref(),
        gone,
        live: !unanswered,
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
    if source.via == Via::Sweep && kind.is_by_event() {
        summary.sentence("No event told of this; the sweep over all keys found it.");
        if actor.is_none() {
            summary.sentence("Who did it could not be found in CloudTrail's event history.");
        }
    }
    let (title, next_steps) = (kind.title(&case), kind.next_steps(&case));
    let severity = match (
        kind.severity(&case),
        config.severity_overrides.get(kind.name()),
    ) {
        (Severity::Critical, _) => Severity::Critical,
        (_, Some(Override::Level(level))) => *level,
        (assessed, Some(Override::FeedOnly) | None) => assessed,
    };
    let event_id = source
        .event_id
        .as_ref()
        // A sweep has the id of a call from CloudTrail's event history.
        .filter(|_| matches!(source.via, Via::CloudTrail | Via::Sweep));
    let links = Links {
        key: key
            .as_ref()
            .filter(|_| !gone)
            .and_then(|key| link::key(&key.arn, key.manager.as_ref())),
        event: event_id
            .and_then(|id| link::event(subject.partition(), subject.region(), id.as_str())),
        alarm: kind.alarm().and_then(Alarm::link),
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
        key_store,
        actor,
        details: kind,
        next_steps,
        links,
        enrichment,
        source,
    }
}

/// People and chat want this alert.
pub(super) fn is_for_people(config: &Config, alert: &Alert) -> bool {
    let off = config.severity_overrides.get(alert.kind) == Some(&Override::FeedOnly);
    alert.severity == Severity::Critical || (!off && alert.severity >= config.minimum_severity)
}

/// An alert of this kind, of at most this severity, may be for people.
pub(super) fn may_be_for_people(config: &Config, kind: &str, ceiling: Severity) -> bool {
    let level = match config.severity_overrides.get(kind) {
        _ if ceiling == Severity::Critical => return true,
        Some(Override::FeedOnly) => return false,
        Some(Override::Level(level)) => *level,
        None => ceiling,
    };
    level >= config.minimum_severity
}
