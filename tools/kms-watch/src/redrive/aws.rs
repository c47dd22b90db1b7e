//! The ports on AWS.

use aws_config::SdkConfig;
use serde_json::{Value, json};
use watch_aws::SnsAdapter;
use watch_core::arn::TopicArn;
use watch_core::ports::{CallError, Message as Mail};

use super::message::Message;
use super::run::{Queues, Recipients};
use crate::services::Services;

/// Longer than a sweep takes.
const OUT_OF_SIGHT: u32 = 1_200;
/// Looking at all of them takes less.
const LOOKED_AT: u32 = 120;

/// Queues, functions, and the topic.
pub(crate) struct Aws {
    services: Services,
    sns: SnsAdapter,
    out_of_sight: u32,
}

impl Aws {
    pub(crate) fn new(sdk: &SdkConfig, only_look: bool) -> Self {
        Self {
            services: Services::new(sdk),
            sns: SnsAdapter::new(sdk),
            out_of_sight: if only_look { LOOKED_AT } else { OUT_OF_SIGHT },
        }
    }
}

impl Queues for Aws {
    /// One at a time: a batch would be in sight again before its last message had its turn.
    async fn receive(&self, queue: &str) -> Result<Option<Message>, CallError> {
        let body = json!({
            "QueueUrl": queue, "MaxNumberOfMessages": 1, "MessageAttributeNames": ["All"],
            "VisibilityTimeout": self.out_of_sight,
            // A short poll asks some of SQS's servers only, and may find nothing where there is something.
            "WaitTimeSeconds": 1,
        });
        let answer = self.services.queue("ReceiveMessage", body).await?;
        Ok(Message::read(&answer["Messages"][0]))
    }

    async fn delete(&self, queue: &str, message: &Message) -> Result<(), CallError> {
        let body = json!({"QueueUrl": queue, "ReceiptHandle": message.receipt});
        self.services.queue("DeleteMessage", body).await.map(drop)
    }

    async fn release(&self, queue: &str, message: &Message) -> Result<(), CallError> {
        let body =
            json!({"QueueUrl": queue, "ReceiptHandle": message.receipt, "VisibilityTimeout": 0});
        let released = self.services.queue("ChangeMessageVisibility", body);
        released.await.map(drop)
    }
}

impl Recipients for Aws {
    async fn invoke(&self, function: &str, event: Value) -> Result<(), CallError> {
        self.services.invoke(function, event).await.map(drop)
    }

    async fn publish(&self, topic: &str, text: &str) -> Result<(), CallError> {
        let topic: TopicArn = topic
            .parse()
            .map_err(|_| CallError::new("ConstructionFailure", "no ARN of a topic"))?;
        let mail = Mail {
            topic,
            subject: None,
            body: text.to_owned(),
            attributes: Default::default(),
        };
        self.sns.publish(&mail).await
    }
}
