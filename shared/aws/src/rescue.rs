//! What changes a key: the calls of KMS that take something back, and the parameter that stops them.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_kms::operation::RequestId;
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_types::retry::ErrorKind;
use watch_core::arn::KeyArn;
use watch_core::ports::{CallError, Rescuer, Switch};
use watch_core::text::Untrusted;

use crate::error::call_error;
use crate::parameters;
use crate::sdk;

#[cfg(test)]
mod tests;

/// Longest wait for a call, all attempts included.
const LIMIT: Duration = Duration::from_secs(6);
const ATTEMPT: Duration = Duration::from_secs(4);

/// The calls of KMS that take something back.
#[derive(Clone, Debug)]
pub struct RescuerAdapter(Client);

impl RescuerAdapter {
    /// A client of its own. Only a call that KMS throttled is made again by itself: it did nothing. Of one whose answer was lost
    /// nobody knows what it did, before the key was looked at.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(ATTEMPT, LIMIT))
            .retry_config(sdk::retries(
                Duration::from_millis(200),
                Duration::from_secs(1),
            ))
            .retry_classifier(sdk::Again(|kind| match kind {
                ErrorKind::ThrottlingError => RetryAction::NoActionIndicated,
                _ => RetryAction::RetryForbidden,
            }));
        Self(Client::from_conf(config.build()))
    }
}

fn failed<E>(error: &SdkError<E>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    call_error(error, LIMIT)
}

fn id(answer: &impl RequestId) -> Option<Untrusted> {
    Untrusted::bounded(answer.request_id()?, 64).non_empty()
}

impl Rescuer for RescuerAdapter {
    async fn cancel_key_deletion(&self, key: &KeyArn) -> Result<Option<Untrusted>, CallError> {
        let call = self.0.cancel_key_deletion().key_id(key.to_string());
        let answer = Box::pin(call.send()).await;
        answer
            .map(|answer| id(&answer))
            .map_err(|error| failed(&error))
    }

    async fn enable_key_rotation(
        &self,
        key: &KeyArn,
        period_days: Option<u32>,
    ) -> Result<Option<Untrusted>, CallError> {
        let period = period_days.and_then(|days| days.try_into().ok());
        let call = self.0.enable_key_rotation().key_id(key.to_string());
        let call = call.set_rotation_period_in_days(period);
        let answer = Box::pin(call.send()).await;
        answer
            .map(|answer| id(&answer))
            .map_err(|error| failed(&error))
    }

    async fn enable_key(&self, key: &KeyArn) -> Result<Option<Untrusted>, CallError> {
        let call = self.0.enable_key().key_id(key.to_string());
        let answer = Box::pin(call.send()).await;
        answer
            .map(|answer| id(&answer))
            .map_err(|error| failed(&error))
    }
}

/// The parameter that stops all rescues.
#[derive(Clone, Debug)]
pub struct SwitchAdapter {
    sdk: SdkConfig,
    parameter: String,
}

impl SwitchAdapter {
    /// The parameter with this name.
    pub fn new(sdk: &SdkConfig, parameter: &str) -> Self {
        Self {
            sdk: sdk.clone(),
            parameter: parameter.to_owned(),
        }
    }
}

impl Switch for SwitchAdapter {
    async fn is_on(&self) -> Result<bool, CallError> {
        match parameters::one(&self.sdk, &self.parameter).await {
            Ok(value) => Ok(value.is_some_and(|value| value.trim() == "on")),
            Err(error) if error.code().as_str() == "ParameterNotFound" => Ok(false),
            Err(error) => Err(error),
        }
    }
}
