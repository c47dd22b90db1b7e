//! What the queue hands over, and is answered (Lambda Developer Guide, using Lambda with Amazon SQS).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Messages of a queue.
#[derive(Debug, Deserialize)]
pub struct Batch {
    /// Each by itself.
    #[serde(rename = "Records")]
    pub messages: Vec<Message>,
}

/// A message.
#[derive(Debug, Deserialize)]
pub struct Message {
    /// By which the queue knows it.
    #[serde(rename = "messageId")]
    pub id: String,
    /// The alert's JSON.
    pub body: String,
}

/// The payload is no batch of a queue.
#[derive(Debug, thiserror::Error)]
#[error("the event is no batch of a queue")]
pub struct NoBatch(#[from] serde_json::Error);

impl Batch {
    /// Reads an invocation's payload.
    ///
    /// # Errors
    ///
    /// If it is none. Nothing is taken from the queue then.
    pub fn read(payload: &Value) -> Result<Self, NoBatch> {
        Ok(Self::deserialize(payload)?)
    }
}

/// Which messages stay in the queue.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Left {
    /// Each by the queue's name for it.
    pub batch_item_failures: Vec<Failed>,
}

/// A message that stays.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The queue's name for it.
    pub item_identifier: String,
}
