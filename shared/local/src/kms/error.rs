//! The errors of the KMS API: code, text, status.

use thiserror::Error;

use super::names::KeyState;

/// An error as the API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct KmsError {
    /// `NotFoundException`, `KMSInvalidStateException`, …
    pub code: &'static str,
    /// The text of the service.
    pub message: String,
    /// HTTP status.
    pub status: u16,
}

impl KmsError {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: 400,
        }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new("NotFoundException", message)
    }

    pub(crate) fn no_such_key(arn: &str) -> Self {
        Self::not_found(format!("Key '{arn}' does not exist"))
    }

    /// "<ARN> is pending deletion." (KMS Developer Guide, "Key states", footnotes of the table).
    pub(crate) fn invalid_state(arn: &str, state: KeyState) -> Self {
        Self::new(
            "KMSInvalidStateException",
            format!("{arn} is {}.", state.words()),
        )
    }

    pub(crate) fn disabled(arn: &str) -> Self {
        Self::new("DisabledException", format!("{arn} is disabled."))
    }

    /// The message of IAM: who, what, on which key, and why not.
    pub(crate) fn access_denied(user: &str, operation: &str, resource: &str, why: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: kms:{operation} on resource: {resource} \
                 because {why} allows the kms:{operation} action"
            ),
        )
    }

    /// The same, where a statement says no.
    pub(crate) fn forbidden(user: &str, operation: &str, resource: &str) -> Self {
        Self::new(
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: kms:{operation} on resource: {resource} \
                 with an explicit deny in an identity-based policy"
            ),
        )
    }

    pub(crate) fn throttled() -> Self {
        Self::new("ThrottlingException", "Rate exceeded")
    }

    pub(crate) fn internal() -> Self {
        Self {
            code: "KMSInternalException",
            message: "An internal error occurred.".to_owned(),
            status: 500,
        }
    }

    /// Whether CloudTrail gets to see the call. KMS logs "some" failed calls; those that never reach the
    /// authorization step (throttled, malformed) or die inside the service are left out here.
    pub(crate) fn is_logged(&self) -> bool {
        !matches!(
            self.code,
            "ThrottlingException"
                | "KMSInternalException"
                | "ValidationException"
                | "SerializationException"
                | "UnknownOperationException"
        )
    }

    /// CloudTrail drops the suffix of this one code.
    pub(crate) fn trail_code(&self) -> &'static str {
        match self.code {
            "AccessDeniedException" => "AccessDenied",
            code => code,
        }
    }
}
