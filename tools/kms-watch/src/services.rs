//! Calls of services for which the command has no client of the SDK: signed by hand, as the sweep does it.

use std::error::Error;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use serde_json::Value;
use watch_aws::signed::{Call, Patience, Protocol, Service, Signed};
use watch_core::ports::CallError;

const QUEUES: Service = Service {
    name: "sqs",
    id: "SQS",
    protocol: Protocol::Json {
        target: "AmazonSQS",
        version: "1.0",
    },
};

/// Lambda, to be read.
const FUNCTIONS: Service = Service {
    name: "lambda",
    id: "Lambda",
    protocol: Protocol::Rest,
};

/// Longest wait for the list of a stack's parts.
pub(crate) const LISTING: Duration = Duration::from_secs(60);

/// A function takes 30 seconds at most, and a sweep 15 minutes.
const INVOCATION: Duration = Duration::from_secs(960);

/// Queues and functions.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    /// For what is quick, and may be asked again.
    quick: Signed,
    /// For what a function does while somebody waits.
    patient: Signed,
}

impl Services {
    pub(crate) fn new(sdk: &SdkConfig) -> Self {
        Self {
            quick: Signed::new(sdk, Patience::LONG),
            patient: Signed::new(sdk, Patience::once(INVOCATION)),
        }
    }

    /// An operation of SQS.
    pub(crate) async fn queue(
        &self,
        operation: &'static str,
        body: Value,
    ) -> Result<Value, CallError> {
        let call = Call {
            service: QUEUES,
            operation,
            path: "/".to_owned(),
            body,
        };
        self.quick.call(call).await
    }

    /// Invokes a function, and waits for what it answers.
    pub(crate) async fn invoke(&self, function: &str, event: Value) -> Result<Value, CallError> {
        let call = invocation(function, event, "RequestResponse")?;
        self.patient.call(call).await
    }

    /// Hands an event over as EventBridge does: Lambda keeps it, and tries three times.
    pub(crate) async fn hand_over(&self, function: &str, event: Value) -> Result<(), CallError> {
        let call = invocation(function, event, "Event")?;
        self.quick.call(call).await.map(drop)
    }

    /// How many invocations Lambda runs at a time beside those that are reserved.
    pub(crate) async fn concurrency(&self) -> Result<Option<i64>, CallError> {
        let call = Call {
            service: FUNCTIONS,
            operation: "GetAccountSettings",
            path: "/2016-08-19/account-settings/".to_owned(),
            body: Value::Null,
        };
        let answer = self.quick.call(call).await?;
        Ok(answer["AccountLimit"]["UnreservedConcurrentExecutions"].as_i64())
    }
}

fn invocation(function: &str, event: Value, kind: &'static str) -> Result<Call, CallError> {
    Ok(Call {
        service: Service {
            protocol: Protocol::RestPost {
                header: ("x-amz-invocation-type", kind),
            },
            ..FUNCTIONS
        },
        operation: "Invoke",
        path: format!("/2015-03-31/functions/{}/invocations", checked(function)?),
        body: event,
    })
}

/// The name stands in a path.
fn checked(function: &str) -> Result<&str, CallError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if function.is_empty() || !function.chars().all(plain) {
        let what = "no name of a function";
        return Err(CallError::new("ConstructionFailure", what));
    }
    Ok(function)
}

/// Why a client of the SDK has no answer.
pub(crate) fn call_error(error: &(impl ProvideErrorMetadata + Error + 'static)) -> CallError {
    match error.code() {
        Some(code) => CallError::new(code, error.message().unwrap_or_default()),
        None => CallError::new("NoAnswer", &innermost(error).to_string()),
    }
}

/// What the SDK says around it ("service error") helps nobody.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut sources = std::iter::successors(Some(error), |&error| error.source());
    sources.by_ref().last().unwrap_or(error)
}
