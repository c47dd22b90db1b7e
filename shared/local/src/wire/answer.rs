//! What a service answers, in its protocol.

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cloudformation,
    cloudtrail::CloudTrailError,
    cloudwatch::{self, CloudWatchError},
    dynamodb::Error as DynamoDbError,
    faulty::JsonError,
    kms::KmsError,
    lambda::Invoked,
    server::plain,
    sns,
};

const CBOR: &str = "application/cbor";
/// What the record has of an invocation that the function failed on.
const FUNCTION_ERROR: &str = "FunctionError";

/// What a service answers.
#[derive(Debug)]
pub(super) struct Answer {
    status: u16,
    /// The error code, for the record.
    pub(super) error: Option<String>,
    content_type: &'static str,
    body: Bytes,
    request_id: String,
    /// What the clock shows; of most services it is that of the machine.
    date: Option<String>,
}

impl Answer {
    pub(super) fn sns(reply: sns::Reply) -> Self {
        Self {
            status: reply.status,
            error: reply.error.map(str::to_owned),
            content_type: "text/xml",
            body: reply.body.into(),
            request_id: reply.request_id,
            date: None,
        }
    }

    /// XML of the query protocol.
    pub(super) fn xml(status: u16, error: Option<&str>, body: String, request_id: String) -> Self {
        Self {
            status,
            error: error.map(str::to_owned),
            content_type: "text/xml",
            body: body.into(),
            request_id,
            date: None,
        }
    }

    pub(super) fn kms(result: Result<Value, KmsError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => {
                let body = json!({"__type": error.code, "message": error.message});
                (error.status, Some(error.code.to_owned()), body)
            }
        };
        // Operations that return nothing send an empty body.
        let body = if body == json!({}) {
            String::new()
        } else {
            body.to_string()
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.1",
            body: body.into(),
            request_id,
            date: None,
        }
    }

    pub(super) fn dynamodb(result: Result<Value, DynamoDbError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => (error.status, Some(error.code.to_owned()), error.body()),
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.0",
            body: body.to_string().into(),
            request_id,
            date: None,
        }
    }

    /// With the time that the clock of the simulator shows.
    pub(super) fn cloudformation(
        result: Result<String, cloudformation::Refusal>,
        request_id: String,
        now: Timestamp,
    ) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(refusal) => {
                let body = refusal.body(&request_id);
                (refusal.status, Some(refusal.code.to_owned()), body)
            }
        };
        Self {
            status,
            error,
            content_type: "text/xml",
            body: body.into(),
            request_id,
            date: Some(now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
        }
    }

    /// What became of an invocation.
    pub(super) fn invoked(invoked: Invoked, request_id: String) -> Self {
        let (status, error, body) = match invoked {
            Invoked::Accepted => (202, None, String::new()),
            Invoked::Answered(answer) => (200, None, answer.to_string()),
            Invoked::Failed(error) => (200, Some(FUNCTION_ERROR.to_owned()), error.to_string()),
        };
        Self {
            status,
            error,
            content_type: "application/json",
            body: body.into(),
            request_id,
            date: None,
        }
    }

    pub(super) fn cloudtrail(result: Result<Value, CloudTrailError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => {
                let body = json!({"__type": error.code, "Message": error.message});
                (error.status, Some(error.code.to_owned()), body)
            }
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.1",
            body: body.to_string().into(),
            request_id,
            date: None,
        }
    }

    /// Of a service that has no shape of its own for errors.
    pub(super) fn json(result: Result<Value, JsonError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => {
                let body = json!({"__type": error.code, "message": error.message});
                (error.status, Some(error.code.to_owned()), body)
            }
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.1",
            body: body.to_string().into(),
            request_id,
            date: None,
        }
    }

    pub(super) fn cloudwatch(result: Result<Value, CloudWatchError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => (error.status, Some(error.code.to_owned()), error.body()),
        };
        Self {
            status,
            error,
            content_type: CBOR,
            body: cloudwatch::encode(&body).into(),
            request_id,
            date: None,
        }
    }

    pub(super) fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder();
        if self.content_type == CBOR {
            response = response.header("smithy-protocol", "rpc-v2-cbor");
            if let Some(code) = &self.error {
                let kind = if self.status >= 500 {
                    "Receiver"
                } else {
                    "Sender"
                };
                response = response.header("x-amzn-query-error", format!("{code};{kind}"));
            }
        }
        if let Some(date) = self.date {
            response = response.header(header::DATE, date);
        }
        if self.error.as_deref() == Some(FUNCTION_ERROR) {
            response = response.header("x-amz-function-error", "Unhandled");
        }
        response
            .status(self.status)
            .header(header::CONTENT_TYPE, self.content_type)
            .header("x-amzn-requestid", self.request_id)
            .body(Full::from(self.body))
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}
