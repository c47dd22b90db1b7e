//! The errors of CloudWatch.

use serde_json::Value;
use thiserror::Error;

/// An error as CloudWatch answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct CloudWatchError {
    /// `ValidationError`, `LimitExceeded`, …
    pub code: &'static str,
    /// The text of the service.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl CloudWatchError {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: 400,
        }
    }

    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterValue", message)
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(
            "MissingParameter",
            format!("The parameter {name} is required."),
        )
    }
}

/// What a call answers.
pub(super) type Outcome = Result<Value, CloudWatchError>;
