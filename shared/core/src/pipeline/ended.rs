//! How the telling of an occurrence ends, and how it ends before anybody is told.

use std::borrow::Cow;
use std::fmt;

use super::{Verdict, Watch};
use crate::alert::Alert;
use crate::decision::Occurrence;
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::text::Untrusted;

/// What became of an occurrence.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) verdict: Verdict,
    pub(super) alerts: Vec<Alert>,
    pub(super) reason: Option<Cow<'static, str>>,
}

/// Why an occurrence has to be told again.
#[derive(Debug)]
pub(super) enum Failure {
    /// Topics that did not take the alert.
    NotPublished(Vec<String>),
    /// Another invocation is about to tell, and was not done in time.
    Held(String),
}

/// The end of the path, before its last stage.
#[derive(Debug)]
pub(super) enum Ended {
    /// Nobody needs to be told.
    Early(Told),
    /// It has to be told again.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::NotPublished(vec![error.to_string()])
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPublished(topics) => f.write_str(&topics.join("; ")),
            Self::Held(kind) => write!(f, "another invocation is about to tell of this {kind}"),
        }
    }
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// It was told before.
    pub(super) fn duplicate(&self, occurrence: &Occurrence) -> Ended {
        let kind = occurrence.kind.name();
        tracing::info!(
            function = self.function,
            alert.kind = kind,
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            "told before"
        );
        Ended::Early(Told {
            verdict: Verdict::Duplicate,
            alerts: Vec::new(),
            reason: Some(format!("{kind} was told before").into()),
        })
    }

    /// It is not worth telling.
    pub(super) fn ignored(&self, occurrence: &Occurrence, reason: Cow<'static, str>) -> Ended {
        tracing::info!(
            function = self.function,
            alert.kind = occurrence.kind.name(),
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            reason = %reason,
            "ignored"
        );
        Ended::Early(Told {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: Some(reason),
        })
    }

    /// Another invocation is about to tell.
    pub(super) fn held(&self, occurrence: &Occurrence) -> Ended {
        if occurrence.kind.step().is_some() {
            // Whoever tells of that attempt of the series, this one was counted.
            return self.duplicate(occurrence);
        }
        let kind = occurrence.kind.name();
        tracing::warn!(
            function = self.function,
            alert.kind = kind,
            event.id = occurrence.source.event_id.as_ref().map(Untrusted::as_str),
            "another invocation is about to tell"
        );
        Ended::Failed(Failure::Held(kind.to_owned()))
    }
}
