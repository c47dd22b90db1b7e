//! One answer of KMS, or what came instead of it.

use std::time::Duration;

use jiff::Timestamp;

use crate::enrichment::{Enrichment, EnrichmentSource, EnrichmentStatus, Missing};
use crate::ledger::profile::Dated;
use crate::ports::{CallError, CallErrorKind};

/// Longest wait for a read, its retries included.
pub const READ_LIMIT: Duration = Duration::from_millis(2_000);

/// Longest wait for `GetKeyLastUsage`: with five requests a second for the whole account it is often refused.
pub const LAST_USE_LIMIT: Duration = Duration::from_millis(1_000);

/// An answer, or what came instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact<T> {
    Known(T),
    /// From the ledger, since KMS gave no answer, or was not asked.
    Remembered {
        fact: Dated<T>,
        instead_of: Option<CallError>,
    },
    /// Not asked for, or without meaning for this key.
    None,
    Missing(CallError),
}

impl<T> Fact<T> {
    /// KMS said so just now.
    pub(super) fn live(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Remembered { .. } | Self::None | Self::Missing(_) => None,
        }
    }

    pub(super) fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value)
            | Self::Remembered {
                fact: Dated { value, .. },
                ..
            } => Some(value),
            Self::None | Self::Missing(_) => None,
        }
    }

    /// The fact, and since when it is known if that is not just now.
    pub(super) fn into_known(self) -> Option<(T, Option<Timestamp>)> {
        match self {
            Self::Known(value) => Some((value, None)),
            Self::Remembered { fact, .. } => Some((fact.value, Some(fact.as_of))),
            Self::None | Self::Missing(_) => None,
        }
    }

    /// Why KMS did not answer.
    pub(super) fn failure(&self) -> Option<&CallError> {
        match self {
            Self::Missing(error) => Some(error),
            Self::Remembered { instead_of, .. } => instead_of.as_ref(),
            Self::None | Self::Known(_) => None,
        }
    }

    /// What the alert lacks, or has from the ledger although KMS should have said it. What KMS has forgotten with the
    /// key is not missing if the ledger has it.
    pub(super) fn missing(&self) -> Option<&CallError> {
        match self {
            Self::Remembered {
                instead_of: Some(error),
                ..
            } if error.kind() == CallErrorKind::NotFound => None,
            _ => self.failure(),
        }
    }

    /// When what comes from the ledger was asked.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        match self {
            Self::Remembered { fact, .. } => Some(fact.as_of),
            Self::Known(_) | Self::None | Self::Missing(_) => None,
        }
    }

    /// From the ledger in place of KMS.
    pub(super) fn remembered(&self) -> Option<Timestamp> {
        match self {
            Self::Remembered {
                fact,
                instead_of: Some(_),
            } => Some(fact.as_of),
            _ => None,
        }
    }

    /// Fills the gap from the ledger. What was not asked stays away unless it is `welcome`.
    pub(super) fn recall(&mut self, known: Option<Dated<T>>, welcome: bool) {
        let instead_of = match self {
            Self::Missing(error) => Some(error.clone()),
            Self::None if welcome => None,
            _ => return,
        };
        if let Some(fact) = known {
            *self = Self::Remembered { fact, instead_of };
        }
    }
}

/// How much of what was wanted is there.
pub(super) fn enrichment(
    reasons: &[(&'static str, Option<&CallError>)],
    answered: bool,
    remembered: &[Option<Timestamp>],
) -> Enrichment {
    let missing: Vec<_> = reasons
        .iter()
        .filter_map(|(fact, error)| {
            error.map(|error| Missing {
                fact,
                reason: error.reason(),
                throttled: error.kind() == CallErrorKind::Throttled,
            })
        })
        .collect();
    let as_of = remembered.iter().copied().flatten().min();
    Enrichment {
        status: match (missing.is_empty(), answered || as_of.is_some()) {
            (true, _) => EnrichmentStatus::Complete,
            (false, true) => EnrichmentStatus::Partial,
            (false, false) => EnrichmentStatus::Unavailable,
        },
        source: match (as_of, answered) {
            (Some(_), _) => EnrichmentSource::Ledger,
            (None, true) => EnrichmentSource::Live,
            (None, false) => EnrichmentSource::Event,
        },
        as_of,
        missing,
    }
}

pub(super) async fn read<T>(
    wanted: bool,
    limit: Duration,
    call: impl Future<Output = Result<T, CallError>>,
) -> Fact<T> {
    if !wanted {
        return Fact::None;
    }
    match tokio::time::timeout(limit, call).await {
        Ok(Ok(value)) => Fact::Known(value),
        Ok(Err(error)) => Fact::Missing(error),
        Err(_) => Fact::Missing(CallError::timeout(limit)),
    }
}
