//! Publishing.

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::config::{Builder, Config};
use aws_sdk_sns::error::SdkError;
use aws_sdk_sns::types::MessageAttributeValue;
use watch_core::answers::Subscription;
use watch_core::arn::TopicArn;
use watch_core::ports::{Attribute, CallError, Message, Page};
use watch_core::text::Untrusted;

use crate::error::call_error;
use crate::page::page;
use crate::sdk;

#[cfg(test)]
mod tests;

/// More subscriptions of a topic are not looked at: whoever has so many has listeners.
const MOST_SUBSCRIPTIONS: usize = 300;

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
        let (timeouts, retries) = sdk::publishing();
        let config = config.timeout_config(timeouts).retry_config(retries);
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
            let (data_type, value) = match value {
                Attribute::One(value) => ("String", value.clone()),
                Attribute::Many(values) => ("String.Array", serde_json::json!(values).to_string()),
            };
            let value = MessageAttributeValue::builder()
                .data_type(data_type)
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

    /// `ListSubscriptionsByTopic`, to the end, and `GetSubscriptionAttributes` of those that are confirmed.
    ///
    /// # Errors
    ///
    /// What SNS or the way to it said.
    pub async fn subscriptions(&self, topic: &TopicArn) -> Result<Vec<Subscription>, CallError> {
        let region = topic.region().as_str();
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let call = self
                .client
                .list_subscriptions_by_topic()
                .topic_arn(topic.as_str())
                .set_next_token(token.clone());
            let answer = sdk::send_in!(self.client, region, Config::builder(), call);
            let answer = answer.map_err(failed)?;
            for subscription in answer.subscriptions() {
                found.push(self.subscription(topic, subscription).await?);
            }
            let next = answer.next_token();
            let Page { next, .. } = page(Vec::<()>::new(), token.as_deref(), next.is_some(), next)?;
            if next.is_none() || found.len() >= MOST_SUBSCRIPTIONS {
                return Ok(found);
            }
            token = next;
        }
    }

    async fn subscription(
        &self,
        topic: &TopicArn,
        listed: &aws_sdk_sns::types::Subscription,
    ) -> Result<Subscription, CallError> {
        let protocol = Untrusted::new(listed.protocol().unwrap_or_default());
        // What is not confirmed, or is being deleted, has a word in place of its ARN (SNS API Reference).
        let Some(arn) = listed
            .subscription_arn()
            .filter(|arn| arn.starts_with("arn:"))
        else {
            return Ok(Subscription {
                protocol,
                ..Subscription::default()
            });
        };
        let call = self
            .client
            .get_subscription_attributes()
            .subscription_arn(arn);
        let region = topic.region().as_str();
        let answer = sdk::send_in!(self.client, region, Config::builder(), call);
        let answer = answer.map_err(failed)?;
        let attribute = |name: &str| answer.attributes().and_then(|all| all.get(name));
        Ok(Subscription {
            protocol,
            confirmed: attribute("PendingConfirmation").is_none_or(|pending| pending != "true"),
            filter: attribute("FilterPolicy").cloned(),
            filters_body: attribute("FilterPolicyScope").is_some_and(|it| it == "MessageBody"),
        })
    }
}

fn failed<E>(error: SdkError<E>) -> CallError
where
    E: std::error::Error + aws_sdk_sns::error::ProvideErrorMetadata + 'static,
{
    call_error(&error, sdk::PUBLISHING)
}
