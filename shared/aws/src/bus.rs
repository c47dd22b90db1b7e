//! Putting alerts on a bus.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::config::{Builder, Config};
use aws_sdk_eventbridge::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use watch_core::ports::{Bus, BusEvent, CallError, Message, Topics};

use crate::error::call_error;
use crate::{SnsAdapter, sdk};

#[cfg(test)]
mod tests;

/// Pauses before an entry is sent again that was refused for a while only. The SDK does not see such a refusal: the call
/// has succeeded.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(400)];

/// What refuses an entry for a while only (EventBridge API Reference, `PutEvents`).
const PASSING: [&str; 3] = [
    "InternalException",
    "InternalFailure",
    "ThrottlingException",
];

/// A bus of EventBridge on the AWS SDK.
#[derive(Clone, Debug)]
pub struct BusAdapter {
    client: Client,
}

impl BusAdapter {
    /// A client with timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let (timeouts, retries) = sdk::publishing();
        let config = config.timeout_config(timeouts).retry_config(retries);
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    async fn put_once(&self, event: &BusEvent) -> Result<(), CallError> {
        let entry = PutEventsRequestEntry::builder()
            .event_bus_name(event.bus.as_str())
            .source(BusEvent::SOURCE)
            .detail_type(event.detail_type)
            .detail(&event.detail)
            .set_resources(Some(event.resources.clone()));
        let call = self.client.put_events().entries(entry.build());
        // Another account's bus may be in another Region, too.
        let region = event.bus.region();
        let answer =
            sdk::send_in!(self.client, region.as_str(), Config::builder(), call).map_err(failed)?;
        let refused = answer.entries().iter().find_map(|entry| {
            let message = entry.error_message().unwrap_or_default();
            entry.error_code().map(|code| CallError::new(code, message))
        });
        match refused {
            Some(error) => Err(error),
            None if answer.failed_entry_count() > 0 => {
                Err(CallError::new("FailedEntry", "the bus does not say why"))
            }
            None => Ok(()),
        }
    }
}

impl Bus for BusAdapter {
    async fn put(&self, event: &BusEvent) -> Result<(), CallError> {
        for pause in PAUSES {
            match self.put_once(event).await {
                Err(error) if PASSING.contains(&error.code().as_str()) => {
                    tokio::time::sleep(pause).await
                }
                done => return done,
            }
        }
        self.put_once(event).await
    }
}

/// All ways out of a function: topics, and a bus if there is one.
#[derive(Clone, Debug)]
pub struct Ways {
    /// Topics.
    pub topics: SnsAdapter,
    bus: Option<BusAdapter>,
}

impl Ways {
    /// Clients for topics, and for the bus only if a function has one: each costs its start.
    pub fn new(sdk: &SdkConfig, has_bus: bool) -> Self {
        Self {
            topics: SnsAdapter::new(sdk),
            bus: has_bus.then(|| BusAdapter::new(sdk)),
        }
    }
}

impl Topics for Ways {
    async fn publish(&self, message: &Message) -> Result<(), CallError> {
        self.topics.publish(message).await
    }
}

impl Bus for Ways {
    async fn put(&self, event: &BusEvent) -> Result<(), CallError> {
        match &self.bus {
            Some(bus) => bus.put(event).await,
            None => Err(CallError::new(
                "NoBus",
                "the function was started without a bus",
            )),
        }
    }
}

fn failed<E>(error: SdkError<E>) -> CallError
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    call_error(&error, sdk::PUBLISHING)
}
