//! Smithy RPC v2 with CBOR, which the SDKs speak with CloudWatch: the operation is in the path, errors have a `__type` and
//! their old code in a header.

use std::io::Read as _;

use bytes::Bytes;
use flate2::read::GzDecoder;
use http::{Request, header::CONTENT_ENCODING};
use serde_json::{Value, json};

use super::{cbor, error::CloudWatchError};

/// The largest request (CloudWatch API Reference, `PutMetricData`), taken to be meant before it is compressed.
const MAX_BODY: u64 = 1024 * 1024;

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

/// The body, which SDKs compress from 10 KiB on (Smithy, "`requestCompression` trait").
pub(crate) fn read_body(request: &Request<Bytes>) -> Result<Value, CloudWatchError> {
    let body = match request.headers().get(CONTENT_ENCODING) {
        None => request.body().clone(),
        Some(encoding) if encoding == "gzip" => {
            let mut body = Vec::new();
            // One byte more shows that it is too much.
            let mut unpacked = GzDecoder::new(&**request.body()).take(MAX_BODY + 1);
            if unpacked.read_to_end(&mut body).is_err() {
                return Err(CloudWatchError::unreadable("the body is not gzip"));
            }
            body.into()
        }
        Some(_) => {
            return Err(CloudWatchError::unreadable(
                "the body has an unknown encoding",
            ));
        }
    };
    if u64::try_from(body.len()).unwrap_or(u64::MAX) > MAX_BODY {
        return Err(CloudWatchError {
            status: 413,
            ..CloudWatchError::new("RequestEntityTooLarge", "The request is larger than 1 MB.")
        });
    }
    if body.is_empty() {
        return Ok(json!({}));
    }
    cbor::read(&body).ok_or_else(|| CloudWatchError::unreadable("the body is not CBOR"))
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

    fn unreadable(why: &str) -> Self {
        Self::new("SerializationException", why)
    }

    pub(crate) fn body(&self) -> Value {
        json!({"__type": self.code, "message": self.message})
    }
}

/// The body of an answer.
pub(crate) fn encode(value: &Value) -> Vec<u8> {
    cbor::write(value)
}
