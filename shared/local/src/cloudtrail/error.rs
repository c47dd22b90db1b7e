//! The errors of CloudTrail.

use thiserror::Error;

/// An error as CloudTrail answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct CloudTrailError {
    /// `InvalidTimeRangeException`, `ThrottlingException`, …
    pub code: &'static str,
    /// The text; the documentation does not word it.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl CloudTrailError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: 400,
        }
    }

    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            ..Self::new("InternalFailure", "An internal error occurred.")
        }
    }

    /// Denied by IAM.
    pub(crate) fn denied(user: &str, operation: &str, forbidden: bool) -> Self {
        let why = if forbidden {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the cloudtrail:{operation} action")
        };
        Self::new(
            "AccessDeniedException",
            format!("User: {user} is not authorized to perform: cloudtrail:{operation} {why}"),
        )
    }
}
