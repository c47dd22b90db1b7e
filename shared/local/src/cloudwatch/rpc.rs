//! Smithy RPC v2 with CBOR, which the SDKs speak with CloudWatch: the operation is in the path, errors have a `__type` and
//! their old code in a header.

use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use super::{CloudWatchError, cbor};

/// A call that does not get as far as the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Throttled,
    Internal,
    Unauthenticated,
}

/// The operation of a request that speaks this protocol.
pub(crate) fn operation<B>(request: &Request<B>) -> Option<&str> {
    let protocol = request.headers().get("smithy-protocol")?;
    if protocol != "rpc-v2-cbor" {
        return None;
    }
    let path = request.uri().path();
    path.strip_prefix("/service/GraniteServiceVersion20100801/operation/")
}

/// Null if it is no CBOR: compressed bodies, too.
pub(crate) fn read_body(body: &Bytes) -> Value {
    if body.is_empty() {
        return json!({});
    }
    cbor::read(body).unwrap_or(Value::Null)
}

pub(crate) fn refusal(kind: Refusal) -> CloudWatchError {
    match kind {
        Refusal::Throttled => CloudWatchError::new("Throttling", "Rate exceeded"),
        Refusal::Internal => CloudWatchError {
            status: 500,
            ..CloudWatchError::new("InternalFailure", "An internal error occurred.")
        },
        Refusal::Unauthenticated => CloudWatchError {
            status: 403,
            ..CloudWatchError::new(
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            )
        },
    }
}

impl CloudWatchError {
    /// Denied by IAM.
    pub(crate) fn denied(user: &str, operation: &str, resource: &str, forbidden: bool) -> Self {
        let why = if forbidden {
            "with an explicit deny in an identity-based policy".to_owned()
        } else {
            format!("because no identity-based policy allows the cloudwatch:{operation} action")
        };
        let message = format!(
            "User: {user} is not authorized to perform: cloudwatch:{operation} on resource: {resource} {why}"
        );
        Self {
            status: 403,
            ..Self::new("AccessDenied", message)
        }
    }

    pub(crate) fn not_cbor() -> Self {
        Self::new(
            "SerializationException",
            "the body is not CBOR (compressed requests are not understood)",
        )
    }

    pub(crate) fn body(&self) -> Value {
        json!({"__type": self.code, "message": self.message})
    }
}

/// The body of an answer.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    cbor::write(value)
}
