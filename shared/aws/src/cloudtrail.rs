//! CloudTrail's event history.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::{Builder, Config};
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::Value;
use watch_core::arn::{KeyArn, Region};
use watch_core::ports::{CallError, Page, Trail, Uses};

use crate::error::call_error;
use crate::page::page;
use crate::sdk;

#[cfg(test)]
mod tests;

/// Four attempts with their pauses fit.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(24);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPTS: u32 = 4;

/// Two lookups a second is the quota of an account and Region (CloudTrail API Reference, LookupEvents), which people
/// in the console share.
const PAUSE: Duration = Duration::from_millis(1_200);

/// The event history on the AWS SDK.
#[derive(Clone, Debug)]
pub struct CloudTrailAdapter {
    client: Client,
}

impl CloudTrailAdapter {
    /// A client with timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(PAUSE, PAUSE).with_max_attempts(ATTEMPTS))
            // The SDK's own pauses are random, and may be next to nothing.
            .retry_classifier(sdk::Again(|kind| {
                RetryAction::retryable_error_with_explicit_delay(kind, PAUSE)
            }));
        Self {
            client: Client::from_conf(config.build()),
        }
    }
}

impl Trail for CloudTrailAdapter {
    async fn lookup_events(
        &self,
        event_name: &str,
        since: Timestamp,
        until: Timestamp,
        token: Option<&str>,
    ) -> Result<Page<Value>, CallError> {
        let attribute = LookupAttribute::builder()
            .attribute_key(LookupAttributeKey::EventName)
            .attribute_value(event_name)
            .build()
            .map_err(|error| CallError::new("ConstructionFailure", &error.to_string()))?;
        // The times of events are whole seconds: what happened within the first one or the last is wanted.
        let until_second = until.as_second() + i64::from(until.subsec_nanosecond() > 0);
        let call = self
            .client
            .lookup_events()
            .lookup_attributes(attribute)
            .start_time(DateTime::from_secs(since.as_second()))
            .end_time(DateTime::from_secs(until_second))
            .max_results(50)
            .set_next_token(token.map(str::to_owned));
        let answer = call
            .send()
            .await
            .map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
        let records = answer.events().iter().filter_map(record).collect();
        let next = answer.next_token();
        page(records, token, next.is_some(), next)
    }
}

impl CloudTrailAdapter {
    /// Events of the key's Region with this attribute, the newest first.
    async fn look_up(
        &self,
        region: &Region,
        (name, value): (LookupAttributeKey, &str),
        within: Option<(Timestamp, Timestamp)>,
    ) -> Result<Page<Value>, CallError> {
        let attribute = LookupAttribute::builder()
            .attribute_key(name)
            .attribute_value(value)
            .build()
            .map_err(|error| CallError::new("ConstructionFailure", &error.to_string()))?;
        let mut call = self
            .client
            .lookup_events()
            .lookup_attributes(attribute)
            .max_results(50);
        if let Some((since, until)) = within {
            call = call
                .start_time(DateTime::from_secs(since.as_second()))
                .end_time(DateTime::from_secs(until.as_second()));
        }
        let answer = sdk::send_in!(self.client, region.as_str(), Config::builder(), call)
            .map_err(|error| call_error(&error, OPERATION_TIMEOUT))?;
        Ok(Page {
            items: answer.events().iter().filter_map(record).collect(),
            next: answer.next_token().map(str::to_owned),
        })
    }
}

impl Uses for CloudTrailAdapter {
    async fn uses_of_key(
        &self,
        key: &KeyArn,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Page<Value>, CallError> {
        let name = key.to_string();
        let attribute = (LookupAttributeKey::ResourceName, name.as_str());
        self.look_up(key.region(), attribute, Some((since, until)))
            .await
    }

    async fn event(&self, key: &KeyArn, id: &str) -> Result<Page<Value>, CallError> {
        let attribute = (LookupAttributeKey::EventId, id);
        self.look_up(key.region(), attribute, None).await
    }
}

/// The record of an event, which comes as text.
fn record(event: &Event) -> Option<Value> {
    let text = event.cloud_trail_event().unwrap_or_default();
    serde_json::from_str(text)
        .inspect_err(|error| {
            let event_id = event.event_id();
            tracing::warn!(event.id = event_id, %error, "an unreadable record is left out");
        })
        .ok()
}
