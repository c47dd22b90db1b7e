//! Publishing.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Config};
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::types::MessageAttributeValue;
use watch_core::arn::TopicArn;
use watch_core::ports::{CallError, Message};

use crate::error::call_error;
use crate::sdk;

#[cfg(test)]
mod tests;

/// Publishing is what the function is for: it may take longer than a fact.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// Topics of SNS on the AWS SDK.
#[derive(Clone, Debug)]
pub struct SnsAdapter {
    client: Client,
}

impl SnsAdapter {
    /// A client with timeouts and retries of its own.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(
                Duration::from_millis(100),
                Duration::from_secs(2),
            ));
        Self {
            client: Client::from_conf(config.build()),
        }
    }

    /// What differs from the client's settings for a call about `topic`: its Region, if it is another.
    fn settings(&self, topic: &TopicArn) -> Builder {
        let region = sdk::other_region(self.client.config().region(), topic.region().as_str());
        region.map_or_else(Config::builder, |region| Config::builder().region(region))
    }

    /// Opens a connection by a call that changes nothing.
    pub(crate) async fn touch(&self, topic: &TopicArn) -> Result<(), CallError> {
        let call = self.client.get_topic_attributes().topic_arn(topic.as_str());
        sdk::send_once!(self.settings(topic), call)
            .map(drop)
            .map_err(failed)
    }

    /// `Publish` of one message.
    ///
    /// # Errors
    ///
    /// What SNS or the way to it said.
    pub async fn publish(&self, message: &Message) -> Result<(), CallError> {
        let mut call = self
            .client
            .publish()
            .topic_arn(message.topic.as_str())
            .set_subject(message.subject.clone())
            .message(&message.body);
        for (name, value) in &message.attributes {
            let value = MessageAttributeValue::builder()
                .data_type("String")
                .string_value(value)
                .build();
            let value =
                value.map_err(|error| CallError::new("ConstructionFailure", &error.to_string()))?;
            call = call.message_attributes(*name, value);
        }
        let region = message.topic.region();
        sdk::send_in!(self.client, region.as_str(), Config::builder(), call)
            .map(drop)
            .map_err(failed)
    }
}

fn failed<E>(error: SdkError<E>) -> CallError
where
    E: std::error::Error + aws_sdk_sns::error::ProvideErrorMetadata + 'static,
{
    call_error(&error, OPERATION_TIMEOUT)
}
