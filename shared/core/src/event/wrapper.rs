//! What Lambda, SQS, SNS and EventBridge wrap around an event that could not be delivered or handled the first time.

use std::borrow::Cow;

use aws_lambda_events::sns::SnsEvent;
use aws_lambda_events::sqs::SqsEvent;
use serde::Deserialize;
use serde_json::Value;

use super::envelope::Unreadable;

/// How many wrappers may be nested: an on-failure record in a queue's message in an on-failure record, and spare.
const DEEPEST: usize = 6;

/// The events inside `payload`, which may be an event itself, a failed invocation's record, or a batch of messages.
///
/// An event that is not wrapped is lent and not copied. Each wrapper that holds no event gives an error of its own, so
/// that one damaged message hides no other.
pub fn unwrap(payload: &Value) -> Vec<Result<Cow<'_, Value>, Unreadable>> {
    let mut events = Vec::new();
    collect(Cow::Borrowed(payload), DEEPEST, &mut events);
    events
}

fn collect<'a>(
    value: Cow<'a, Value>,
    deeper: usize,
    events: &mut Vec<Result<Cow<'a, Value>, Unreadable>>,
) {
    let Some(wrapper) = Wrapper::of(&value) else {
        events.push(Ok(value));
        return;
    };
    let broken = |problem| {
        Err(Unreadable::Wrapper {
            wrapper: wrapper.name(),
            problem,
        })
    };
    let Some(deeper) = deeper.checked_sub(1) else {
        events.push(broken("wrapped too many times"));
        return;
    };
    match wrapper {
        Wrapper::FailedInvocation(pointer) => match value.pointer(pointer) {
            Some(payload) => collect(Cow::Owned(payload.clone()), deeper, events),
            None => events.push(broken("no request payload")),
        },
        Wrapper::Messages(ref bodies) => {
            if bodies.is_empty() {
                events.push(broken("no messages"));
            }
            for body in bodies {
                match body.as_deref().map(serde_json::from_str::<Value>) {
                    Some(Ok(payload)) => collect(Cow::Owned(payload), deeper, events),
                    Some(Err(_)) => events.push(broken("the message's body is not JSON")),
                    None => events.push(broken("the message has no body")),
                }
            }
        }
    }
}

enum Wrapper {
    /// A record of a Lambda destination (Lambda Developer Guide, retaining records of asynchronous invocations): where
    /// in it the event is.
    FailedInvocation(&'static str),
    /// Bodies of queue messages or notifications.
    Messages(Vec<Option<String>>),
}

impl Wrapper {
    fn name(&self) -> &'static str {
        match self {
            Self::FailedInvocation(_) => "on-failure record",
            Self::Messages(_) => "message batch",
        }
    }

    fn of(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let has = |name: &str| object.contains_key(name);
        if has("requestContext") && has("requestPayload") {
            return Some(Self::FailedInvocation("/requestPayload"));
        }
        if value["source"] == "lambda" && value["detail"]["requestContext"].is_object() {
            return Some(Self::FailedInvocation("/detail/requestPayload"));
        }
        if has("detail-type") {
            return None;
        }
        if let Some(records) = object.get("Records").and_then(Value::as_array) {
            return Some(Self::Messages(bodies_of_records(value, records)));
        }
        // As `aws sqs receive-message` prints them, and one message alone.
        if let Some(messages) = object.get("Messages").and_then(Value::as_array) {
            return Some(Self::Messages(messages.iter().map(body).collect()));
        }
        (has("MessageId") || has("messageId")).then(|| Self::Messages(vec![body(value)]))
    }
}

fn bodies_of_records(value: &Value, records: &[Value]) -> Vec<Option<String>> {
    if records
        .first()
        .is_some_and(|record| record["EventSource"] == "aws:sns")
    {
        if let Ok(event) = SnsEvent::deserialize(value) {
            return event
                .records
                .into_iter()
                .map(|record| Some(record.sns.message))
                .collect();
        }
    } else if let Ok(event) = SqsEvent::deserialize(value) {
        return event
            .records
            .into_iter()
            .map(|message| message.body)
            .collect();
    }
    // Records that are not quite what the service sends: the body is all that matters.
    records.iter().map(body).collect()
}

fn body(message: &Value) -> Option<String> {
    ["body", "Body", "Message"]
        .into_iter()
        .map(|name| &message[name])
        .chain([&message["Sns"]["Message"]])
        .find_map(|body| body.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event() -> Value {
        json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": {"key-id": "k"}})
    }

    fn only(payload: &Value) -> Value {
        let mut events = unwrap(payload);
        assert_eq!(events.len(), 1, "{payload}");
        events.remove(0).unwrap().into_owned()
    }

    fn record(payload: Value) -> Value {
        json!({"version": "1.0", "requestContext": {"condition": "RetriesExhausted"}, "requestPayload": payload})
    }

    fn queue(bodies: &[String]) -> Value {
        let records: Vec<_> = bodies
            .iter()
            .map(|body| json!({"messageId": "m", "body": body, "eventSource": "aws:sqs", "attributes": {}}))
            .collect();
        json!({"Records": records})
    }

    #[test]
    fn an_event_that_is_not_wrapped_is_lent() {
        let event = event();
        assert!(matches!(unwrap(&event).as_slice(), [Ok(Cow::Borrowed(_))]));
    }

    #[test]
    fn every_wrapper_is_removed_also_when_nested() {
        let text = event().to_string();
        for payload in [
            record(event()),
            record(queue(&[record(event()).to_string()])),
            queue(std::slice::from_ref(&text)),
            json!({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": text}}]}),
            json!({"Messages": [{"MessageId": "m", "ReceiptHandle": "r", "Body": text}]}),
            json!({"MessageId": "m", "Body": text}),
            json!({"messageId": "m", "body": text}),
            json!({
                "source": "lambda",
                "detail-type": "Lambda Function Invocation Result - Failure",
                "detail": {"requestContext": {}, "requestPayload": event()},
            }),
        ] {
            assert_eq!(only(&payload), event(), "{payload}");
        }
    }

    #[test]
    fn a_batch_gives_each_of_its_events() {
        let good = event().to_string();
        let events = unwrap(&queue(&[good.clone(), "{".to_owned(), good]))
            .into_iter()
            .map(|event| {
                event
                    .map(Cow::into_owned)
                    .map_err(|error| error.to_string())
            })
            .collect::<Vec<_>>();
        let broken = "the message batch holds no event: the message's body is not JSON".to_owned();
        assert_eq!(events, [Ok(event()), Err(broken), Ok(event())]);
    }

    #[test]
    fn empty_and_endless_wrappers_are_errors() {
        for (payload, problem) in [
            (json!({"Records": []}), "no messages"),
            (
                json!({"Records": [{"eventSource": "aws:sqs"}]}),
                "the message has no body",
            ),
            (
                json!({"source": "lambda", "detail-type": "x", "detail": {"requestContext": {}}}),
                "no request payload",
            ),
            (
                (0..20).fold(event(), |inner, _| record(inner)),
                "wrapped too many times",
            ),
        ] {
            let events = unwrap(&payload);
            assert!(
                matches!(events.as_slice(), [Err(Unreadable::Wrapper { problem: p, .. })] if *p == problem),
                "{payload}: {events:?}"
            );
        }
    }
}
