//! Errors of the SDK in the words of the ports.

use std::error::Error;
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use watch_core::ports::CallError;

/// Why a call gave no answer. `limit` is the time that the whole call had.
///
/// The code is AWS's own where there is one: throttling and denied access are in none of the SDK's error enums, only
/// in an answer's metadata.
pub(crate) fn call_error<E>(error: &SdkError<E, HttpResponse>, limit: Duration) -> CallError
where
    E: Error + ProvideErrorMetadata + 'static,
{
    let cause = || innermost(error).to_string();
    match error {
        SdkError::ServiceError(answer) => match answer.err().code() {
            Some(code) => CallError::new(code, answer.err().message().unwrap_or_default()),
            None if answer.raw().status().is_success() => {
                CallError::new("UnreadableResponse", &cause())
            }
            // A proxy or a load balancer answered.
            None => CallError::new(
                &format!("HTTP {}", answer.raw().status().as_u16()),
                &cause(),
            ),
        },
        SdkError::TimeoutError(_) => CallError::timeout(limit),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => CallError::timeout(limit),
        SdkError::DispatchFailure(_) => CallError::new("DispatchFailure", &cause()),
        SdkError::ResponseError(_) => CallError::new("ResponseError", &cause()),
        SdkError::ConstructionFailure(_) => CallError::new("ConstructionFailure", &cause()),
        _ => CallError::new("SdkError", &cause()),
    }
}

/// The error at the end of the chain: what the SDK says around it ("service error") helps nobody.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    std::iter::successors(Some(error), |&error| error.source())
        .last()
        .unwrap_or(error)
}

/// An error and all its sources, outermost first.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let texts: Vec<_> = std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect();
    texts.join(": ")
}
