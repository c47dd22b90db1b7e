//! What a message in a queue of failures is for. Pure: whoever can write to a queue writes what he likes.

use std::collections::BTreeSet;

use serde_json::Value;
use watch_core::text::Untrusted;

/// Who may get what is in the queues: the functions of the stack, and the one topic to which its rules lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    /// Of the stack.
    pub(crate) account: String,
    pub(crate) region: String,
    /// By their physical names.
    pub(crate) functions: BTreeSet<String>,
    /// By its ARN.
    pub(crate) health_topic: String,
}

/// A message as SQS has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: Untrusted,
    pub(crate) receipt: String,
    body: String,
    /// `TARGET_ARN`, of what EventBridge and Scheduler could not hand over.
    target: Option<String>,
    /// `SCHEDULED_TIME`, of what Scheduler could not hand over.
    scheduled_at: Option<String>,
}

/// What is done with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    /// A function gets the event.
    Invoke { function: String, event: Value },
    /// The health topic gets the text.
    Publish { text: String },
}

/// Why a message stays where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("it does not say where it was going")]
    NoTarget,
    #[error(
        "{:?} is no function of this stack, and not its health topic",
        target.as_str()
    )]
    NotOurs { target: Untrusted },
    #[error("it is no JSON, which a function cannot be given")]
    NoJson,
    #[error("its scheduled time is none")]
    NoTime,
}

/// What Scheduler may leave in the place of the time.
const TIME: &str = "<aws.scheduler.scheduled-time>";
/// Characters of a hostile target that are shown.
const SHOWN: usize = 100;

impl Message {
    /// Reads an entry of `Messages` in an answer of `ReceiveMessage`.
    pub(crate) fn read(received: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let attribute = |name: &str| text(&received["MessageAttributes"][name]["StringValue"]);
        Some(Self {
            id: Untrusted::bounded(received["MessageId"].as_str().unwrap_or("?"), 60),
            receipt: text(&received["ReceiptHandle"])?,
            body: text(&received["Body"]).unwrap_or_default(),
            target: attribute("TARGET_ARN"),
            scheduled_at: attribute("SCHEDULED_TIME"),
        })
    }

    /// EventBridge says beside the event where it was going, Lambda in its record; the functions read that record as it is.
    pub(crate) fn errand(&self, own: &Own) -> Result<Errand, Refusal> {
        let event: Option<Value> = serde_json::from_str(&self.body).ok();
        let target = match &self.target {
            Some(target) => target.as_str(),
            None => event
                .as_ref()
                .and_then(|event| event["requestContext"]["functionArn"].as_str())
                .ok_or(Refusal::NoTarget)?,
        };
        if target == own.health_topic {
            return Ok(Errand::Publish {
                text: self.body.clone(),
            });
        }
        let function = own.function(target).ok_or_else(|| Refusal::NotOurs {
            target: Untrusted::bounded(target, SHOWN),
        })?;
        let event = match &self.scheduled_at {
            Some(at) if self.body.contains(TIME) => {
                // It goes into the text of the event.
                let at: jiff::Timestamp = at.parse().map_err(|_| Refusal::NoTime)?;
                serde_json::from_str(&self.body.replace(TIME, &at.to_string())).ok()
            }
            _ => event.clone(),
        };
        Ok(Errand::Invoke {
            function: function.to_owned(),
            event: event.ok_or(Refusal::NoJson)?,
        })
    }
}

impl Own {
    /// The name of the function that an ARN names, with or without a version, if it is one of the stack.
    fn function<'t>(&self, arn: &'t str) -> Option<&'t str> {
        let parts: Vec<_> = arn.split(':').collect();
        let ["arn", _, "lambda", region, account, "function", name, ..] = parts.as_slice() else {
            return None;
        };
        let here = *region == self.region && *account == self.account;
        (here && parts.len() <= 8 && self.functions.contains(*name)).then_some(*name)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FUNCTION: &str = "arn:aws:lambda:us-east-1:111122223333:function:watch";
    const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:health";

    fn own() -> Own {
        Own {
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            functions: BTreeSet::from(["watch".to_owned(), "other".to_owned()]),
            health_topic: TOPIC.to_owned(),
        }
    }

    fn message(target: Option<&str>, body: &str) -> Message {
        let mut received = json!({"MessageId": "m", "ReceiptHandle": "r", "Body": body});
        if let Some(target) = target {
            received["MessageAttributes"]["TARGET_ARN"] =
                json!({"StringValue": target, "DataType": "String"});
        }
        Message::read(&received).unwrap()
    }

    #[test]
    fn what_was_going_to_this_stack_goes_there() {
        let event = json!({"text": "it's \"quoted\"\n$(echo) ü"});
        let invoke = |event: &Value| Errand::Invoke {
            function: "watch".to_owned(),
            event: event.clone(),
        };
        for target in [FUNCTION.to_owned(), format!("{FUNCTION}:$LATEST")] {
            let errand = message(Some(&target), &event.to_string()).errand(&own());
            assert_eq!(errand, Ok(invoke(&event)), "{target}");
        }
        let record = json!({"version": "1.0", "requestContext": {"functionArn": format!("{FUNCTION}:$LATEST")},
            "requestPayload": event});
        let errand = message(None, &record.to_string()).errand(&own());
        assert_eq!(errand, Ok(invoke(&record)));
        let text = "no JSON need be in a mail".to_owned();
        let errand = message(Some(TOPIC), &text).errand(&own());
        assert_eq!(errand, Ok(Errand::Publish { text }));
    }

    #[test]
    fn scheduler_may_leave_the_time_beside_the_event() {
        let sweep = |at: &str| {
            let mut message = message(
                Some(FUNCTION),
                &json!({"sweep": "full", "at": TIME}).to_string(),
            );
            message.scheduled_at = Some(at.to_owned());
            message.errand(&own())
        };
        let event = json!({"sweep": "full", "at": "2026-11-20T03:23:00Z"});
        let function = "watch".to_owned();
        assert_eq!(
            sweep("2026-11-20T03:23:00Z"),
            Ok(Errand::Invoke { function, event })
        );
        assert_eq!(sweep("\",\"sweep\":\"none"), Err(Refusal::NoTime));
    }

    #[test]
    fn whoever_writes_to_a_queue_names_nobody_else() {
        for target in [
            FUNCTION.replace("111122223333", "444455556666"),
            FUNCTION.replace("us-east-1", "eu-west-1"),
            FUNCTION.replace(":watch", ":payments"),
            format!("{FUNCTION}:$LATEST:more"),
            format!("{FUNCTION}/../payments"),
            FUNCTION.replace("lambda", "sns"),
            "watch".to_owned(),
            "https://attacker.example/function:watch".to_owned(),
            format!("{TOPIC}-2"),
            TOPIC.replace("111122223333", "444455556666"),
            TOPIC.replace(":health", ":alerts"),
            String::new(),
            "--function-name".to_owned(),
            "\u{1b}[2J\u{202e}gnihton".to_owned(),
        ] {
            let refused = message(Some(&target), "{}").errand(&own()).unwrap_err();
            assert!(matches!(refused, Refusal::NotOurs { .. }), "{target}");
            let harmful = |c: char| c.is_control() || c == '\u{202e}';
            assert!(!refused.to_string().contains(harmful), "{refused}");
            let record = json!({"requestContext": {"functionArn": target}});
            let refused = message(None, &record.to_string()).errand(&own());
            assert!(refused.is_err(), "{target}");
        }
        for body in [
            "",
            "hello",
            "[]",
            "{}",
            r#"{"requestContext":{"functionArn":["arn"]}}"#,
        ] {
            let refused = message(None, body).errand(&own());
            assert_eq!(refused, Err(Refusal::NoTarget), "{body}");
        }
        let refused = message(Some(FUNCTION), "hello").errand(&own());
        assert_eq!(refused, Err(Refusal::NoJson));
    }
}
