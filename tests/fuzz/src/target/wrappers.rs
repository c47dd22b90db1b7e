//! Any event in any wrappers.
//!
//! Input: `{"event": …, "layers": ["destination", "queue", …], "kms": …}`, the outermost layer last; what is no layer is
//! none. Or any other JSON, which is unwrapped as it is.

use serde_json::{Value, json};
use watch_core::event::unwrap;

use super::FUNCTIONS;
use crate::world::{block_on, function};
use crate::{Verdict, messages};

/// What may be wrapped around an event, so deep is unwrapped.
const DEEPEST: usize = 6;

/// The wrappers by name.
pub const LAYERS: [&str; 8] = [
    "destination",
    "bridge",
    "queue",
    "batch",
    "received",
    "notification",
    "sns",
    "message",
];

/// Runs an input.
///
/// # Errors
///
/// What does not hold: an event in wrappers is that event, once for each message; every message of a batch is an event
/// or a problem; what is told of it is what is told of the event itself.
pub fn run(input: &Value) -> Verdict {
    for part in unwrap(input) {
        drop(part);
    }
    let (Some(layers), Some(event)) = (input["layers"].as_array(), input.get("event")) else {
        return Ok(());
    };
    let layers = layers.iter().filter_map(Value::as_str);
    let layers: Vec<_> = layers
        .filter(|layer| LAYERS.contains(layer))
        .take(DEEPEST)
        .collect();
    let wrapped_already = unwrap(event).len() != 1 || unwrap(event)[0].as_deref() != Ok(event);
    // As text it must be what it is as a value: not a fraction that is rounded, nor nested as deep as serde_json reads.
    let text = event.to_string();
    let is_stable = serde_json::from_str::<Value>(&text).is_ok_and(|read| read == *event);
    if wrapped_already || !is_stable || depth(event) > 100 {
        return Ok(());
    }
    let mut wrapped = event.clone();
    let mut copies = 1;
    for layer in layers {
        let (next, times) = wrap(layer, wrapped);
        wrapped = next;
        copies *= times;
        if copies > 64 {
            return Ok(());
        }
    }
    let inside = unwrap(&wrapped);
    if inside.len() != copies || inside.iter().any(|one| one.as_deref() != Ok(event)) {
        return Err(format!(
            "{copies} times the event are {inside:?} in {wrapped}"
        ));
    }
    FUNCTIONS.iter().try_for_each(|(name, decide)| {
        let told = |event: &Value| {
            let watch = function(name, *decide, input);
            // Two of one batch are one occurrence, and are told together.
            let outcome = block_on(watch.handle(event, "one"));
            let outcome = outcome.map_err(|error| error.to_string())?;
            let sent = watch.topics.sent.borrow();
            messages::check(&sent)?;
            let bodies: Vec<_> = sent.iter().map(|message| message.body.clone()).collect();
            Ok::<_, String>((outcome.verdict, bodies))
        };
        let (bare, within) = (told(event)?, told(&wrapped)?);
        if copies == 1 && bare != within {
            return Err(format!(
                "{name}: {within:?} instead of {bare:?} for {wrapped}"
            ));
        }
        Ok(())
    })
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// The wrapper around an event, and how often the event is in it.
fn wrap(layer: &str, event: Value) -> (Value, usize) {
    let text = event.to_string();
    let message = json!({"messageId": "m", "receiptHandle": "r", "body": text, "attributes": {"ApproximateReceiveCount": "1"},
        "messageAttributes": {}, "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:q",
        "awsRegion": "us-east-1"});
    match layer {
        "destination" => {
            let record = json!({"version": "1.0", "timestamp": "2026-02-14T12:00:00Z",
                "requestContext": {"requestId": "r", "functionArn": "f", "condition": "RetriesExhausted", "approximateInvokeCount": 3},
                "requestPayload": event, "responseContext": {"statusCode": 200}, "responsePayload": {}});
            (record, 1)
        }
        "bridge" => {
            let record = json!({"source": "lambda", "detail-type": "Lambda Function Invocation Result - Failure",
                "detail": {"requestContext": {}, "requestPayload": event}});
            (record, 1)
        }
        "queue" => (json!({"Records": [message]}), 1),
        "batch" => (json!({"Records": [message, message]}), 2),
        "received" => (
            json!({"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": text}]}),
            1,
        ),
        "notification" => {
            let record = json!({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:us-east-1:111122223333:t",
                "Message": text, "Timestamp": "2026-02-14T12:00:00.000Z"});
            (record, 1)
        }
        "sns" => {
            let record = json!({"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0", "EventSubscriptionArn": "s",
                "Sns": {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": text, "MessageAttributes": {},
                    "Timestamp": "2026-02-14T12:00:00.000Z", "SignatureVersion": "1", "Signature": "s", "SigningCertUrl": "u",
                    "UnsubscribeUrl": "u", "Subject": null}}]});
            (record, 1)
        }
        _ => (message, 1),
    }
}
