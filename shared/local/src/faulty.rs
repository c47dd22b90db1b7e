//! Errors of services that speak JSON and have no shape of their own for them: EventBridge, Systems Manager.

/// An error as such a service answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) status: u16,
}

impl JsonError {
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
    pub(crate) fn denied(user: &str, action: &str, resource: &str, forbidden: bool) -> Self {
        let why = if forbidden {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the {action} action")
        };
        Self::new(
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: {action} on resource: {resource} {why}"
            ),
        )
    }
}
