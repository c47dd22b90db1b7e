//! SQS: queues that a test lays down, and what is in them. A message that was received is out of sight for a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{faulty::JsonError, ids::Ids};

/// A message is out of sight for so long, unless the call says otherwise.
const VISIBILITY: i64 = 30;
/// Bytes of a message (SQS Developer Guide, message quotas).
const LONGEST: usize = 1_048_576;
/// Messages that a call takes at most.
const MOST: usize = 10;

/// The queues, by Region and name.
#[derive(Debug, Default)]
pub(crate) struct Sqs {
    queues: BTreeMap<(String, String), Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    attributes: BTreeMap<String, String>,
    messages: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    id: String,
    body: String,
    attributes: BTreeMap<String, String>,
    visible_at: Timestamp,
    /// Of the last time that it was received.
    receipt: Option<String>,
}

/// What a call is given of the world.
pub(crate) struct Around<'a> {
    pub(crate) ids: &'a mut Ids,
    pub(crate) now: Timestamp,
}

impl Sqs {
    /// Lays down a queue, in the place of the one with this name. What is in it stays.
    pub(crate) fn put(&mut self, region: &str, name: &str, attributes: &[(&str, &str)]) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let queue = self
            .queues
            .entry((region.to_owned(), name.to_owned()))
            .or_default();
        queue.attributes = attributes.iter().map(own).collect();
    }

    pub(crate) fn delete(&mut self, region: &str, name: &str) {
        self.queues.remove(&(region.to_owned(), name.to_owned()));
    }

    /// Puts a message into a queue, which is made if it is not there.
    pub(crate) fn send(
        &mut self,
        around: Around<'_>,
        region: &str,
        name: &str,
        body: &str,
        attributes: &[(&str, &str)],
    ) {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let queue = self
            .queues
            .entry((region.to_owned(), name.to_owned()))
            .or_default();
        queue.messages.push(Message {
            id: around.ids.uuid(),
            body: body.to_owned(),
            attributes: attributes.iter().map(own).collect(),
            visible_at: around.now,
            receipt: None,
        });
    }

    /// The bodies of what is in a queue, in or out of sight.
    pub(crate) fn bodies(&self, region: &str, name: &str) -> Vec<String> {
        let queue = self.queues.get(&(region.to_owned(), name.to_owned()));
        let messages = queue.into_iter().flat_map(|queue| &queue.messages);
        messages.map(|message| message.body.clone()).collect()
    }

    /// Carries out an operation.
    pub(crate) fn call(
        &mut self,
        around: Around<'_>,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Result<Value, JsonError> {
        let url = body["QueueUrl"].as_str().unwrap_or_default();
        let name = url.rsplit('/').next().unwrap_or_default();
        let queue = self.queues.get_mut(&(region.to_owned(), name.to_owned()));
        let queue = queue.ok_or_else(|| {
            JsonError::new(
                "com.amazonaws.sqs#QueueDoesNotExist",
                "The specified queue does not exist.",
            )
        })?;
        match operation {
            "GetQueueAttributes" => Ok(json!({"Attributes": queue.attributes(around.now)})),
            "ReceiveMessage" => Ok(queue.receive(around, body)),
            "SendMessage" => queue.take_in(around, body),
            "DeleteMessage" => {
                let receipt = body["ReceiptHandle"].as_str();
                queue
                    .messages
                    .retain(|message| message.receipt.as_deref() != receipt);
                Ok(json!({}))
            }
            "ChangeMessageVisibility" => queue.change(around.now, body),
            other => Err(JsonError::new(
                "UnknownOperationException",
                format!("{other} is not imitated"),
            )),
        }
    }
}

impl Queue {
    /// Those that were laid down, and how many messages there are, if there are any.
    fn attributes(&self, now: Timestamp) -> BTreeMap<String, String> {
        let mut attributes = self.attributes.clone();
        let visible = self.messages.iter().filter(|it| it.visible_at <= now);
        let (visible, all) = (visible.count(), self.messages.len());
        if all > 0 {
            let mut count = |name: &str, value: usize| {
                attributes.insert(name.to_owned(), value.to_string());
            };
            count("ApproximateNumberOfMessages", visible);
            count("ApproximateNumberOfMessagesNotVisible", all - visible);
        }
        attributes
    }

    fn receive(&mut self, around: Around<'_>, body: &Value) -> Value {
        let most = body["MaxNumberOfMessages"].as_u64().unwrap_or(1);
        let most = usize::try_from(most).unwrap_or(MOST).min(MOST);
        let seconds = body["VisibilityTimeout"].as_i64().unwrap_or(VISIBILITY);
        let Around { ids, now } = around;
        let again = later(now, seconds);
        let visible = self.messages.iter_mut().filter(|it| it.visible_at <= now);
        let received = visible.take(most).map(|message| {
            message.visible_at = again;
            let receipt = ids.uuid();
            message.receipt = Some(receipt.clone());
            let mut answer = json!({
                "MessageId": message.id, "ReceiptHandle": receipt, "Body": message.body,
            });
            if !message.attributes.is_empty() {
                let text = |value| json!({"DataType": "String", "StringValue": value});
                let attributes = message.attributes.iter();
                answer["MessageAttributes"] = attributes
                    .map(|(name, value)| (name.clone(), text(value)))
                    .collect();
            }
            answer
        });
        let received: Vec<Value> = received.collect();
        if received.is_empty() {
            return json!({});
        }
        json!({"Messages": received})
    }

    /// A message of somebody else's, with the attributes of it that are texts.
    fn take_in(&mut self, around: Around<'_>, body: &Value) -> Result<Value, JsonError> {
        let text = body["MessageBody"].as_str().unwrap_or_default();
        if text.is_empty() || text.len() > LONGEST {
            let what =
                "One or more parameters are invalid. Reason: Message must be from 1 byte to 1 MiB.";
            return Err(JsonError::new("InvalidParameterValue", what));
        }
        // What XML 1.0 has not (SQS API Reference, SendMessage).
        if text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
            let what = "Invalid characters found.";
            return Err(JsonError::new("InvalidMessageContents", what));
        }
        let attributes = body["MessageAttributes"].as_object().into_iter().flatten();
        let text_of = |(name, value): (&String, &Value)| {
            Some((name.clone(), value["StringValue"].as_str()?.to_owned()))
        };
        let message = Message {
            id: around.ids.uuid(),
            body: text.to_owned(),
            attributes: attributes.filter_map(text_of).collect(),
            visible_at: around.now,
            receipt: None,
        };
        let id = message.id.clone();
        self.messages.push(message);
        Ok(json!({"MessageId": id}))
    }

    fn change(&mut self, now: Timestamp, body: &Value) -> Result<Value, JsonError> {
        let receipt = body["ReceiptHandle"].as_str();
        let mut messages = self.messages.iter_mut();
        let message = messages.find(|it| it.receipt.as_deref() == receipt);
        let none = || {
            let what = "The input receipt handle is invalid.";
            JsonError::new("ReceiptHandleIsInvalid", what)
        };
        let seconds = body["VisibilityTimeout"].as_i64().unwrap_or_default();
        message.ok_or_else(none)?.visible_at = later(now, seconds);
        Ok(json!({}))
    }
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::MAX)
}
