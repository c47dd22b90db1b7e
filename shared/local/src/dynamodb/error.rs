//! Errors as DynamoDB answers them.

use serde_json::{Value, json};

use super::request::{Request, resource};

/// Code, text, status, and what else is in the answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Error {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) status: u16,
    extra: Option<Box<(&'static str, Value)>>,
}

impl Error {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: 400,
            extra: None,
        }
    }

    pub(super) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(super) fn parameters(message: &str) -> Self {
        Self::validation(format!(
            "One or more parameter values were invalid: {message}"
        ))
    }

    pub(super) fn expression(kind: &str, message: impl std::fmt::Display) -> Self {
        Self::validation(format!("Invalid {kind}: {message}"))
    }

    pub(super) fn serialization(message: &str) -> Self {
        Self::new("SerializationException", message)
    }

    pub(super) fn no_table(name: &str) -> Self {
        Self::new(
            "ResourceNotFoundException",
            format!("Requested resource not found: Table: {name} not found"),
        )
    }

    pub(super) fn condition_failed(item: Option<Value>) -> Self {
        let mut error = Self::new(
            "ConditionalCheckFailedException",
            "The conditional request failed",
        );
        error.extra = item.map(|item| Box::new(("Item", item)));
        error
    }

    pub(super) fn cancelled(reasons: Vec<Value>) -> Self {
        let codes: Vec<_> = reasons
            .iter()
            .filter_map(|reason| reason["Code"].as_str())
            .collect();
        let mut error = Self::new(
            "TransactionCanceledException",
            format!(
                "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                codes.join(", ")
            ),
        );
        error.extra = Some(Box::new(("CancellationReasons", reasons.into())));
        error
    }

    /// Refused by IAM: because no policy allows it, or one forbids it.
    pub(crate) fn denied(request: &Request<'_>, user: &str, forbidden: bool) -> Self {
        let operation = request.operation;
        let resource = resource(request.region, request.account, request.body);
        let why = if forbidden {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the dynamodb:{operation} action")
        };
        Self::new(
            "AccessDeniedException",
            format!(
                "User: {user} is not authorized to perform: dynamodb:{operation} on resource: {} {why}",
                resource.as_deref().unwrap_or("*"),
            ),
        )
    }

    /// The table has more requests than it can take.
    pub(crate) fn throttled() -> Self {
        Self::new(
            "ProvisionedThroughputExceededException",
            "The level of configured provisioned throughput for the table was exceeded. Consider increasing your \
             provisioning level with the UpdateTable API.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self {
            status: 500,
            ..Self::new("InternalServerError", "Internal server error")
        }
    }

    /// With the namespaces that the service writes, which SDKs cut off.
    pub(crate) fn body(&self) -> Value {
        let namespace = match self.code {
            "ValidationException" => "com.amazon.coral.validate",
            "AccessDeniedException"
            | "MissingAuthenticationTokenException"
            | "SerializationException"
            | "UnknownOperationException" => "com.amazon.coral.service",
            _ => "com.amazonaws.dynamodb.v20120810",
        };
        let mut body = json!({
            "__type": format!("{namespace}#{}", self.code),
            "message": self.message,
        });
        if let Some(extra) = &self.extra {
            let (member, value) = &**extra;
            body[*member] = value.clone();
        }
        body
    }
}
