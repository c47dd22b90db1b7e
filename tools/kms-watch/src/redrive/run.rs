//! Emptying queues, message by message, behind two narrow ports.

use serde_json::Value;
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use super::message::{Errand, Message, Own, Refusal};

/// Where messages wait.
pub(crate) trait Queues {
    /// One message, out of sight from here on for longer than a function can take; `None` if there is none.
    async fn receive(&self, queue: &str) -> Result<Option<Message>, CallError>;
    /// It was handled.
    async fn delete(&self, queue: &str, message: &Message) -> Result<(), CallError>;
    /// It is back in sight.
    async fn release(&self, queue: &str, message: &Message) -> Result<(), CallError>;
}

/// Whom messages are for.
pub(crate) trait Recipients {
    /// The function's answer is not looked at: it handled the event.
    async fn invoke(&self, function: &str, event: Value) -> Result<(), CallError>;
    async fn publish(&self, topic: &str, text: &str) -> Result<(), CallError>;
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its target has it, and the queue no more.
    Handled,
    /// It would be sent.
    Ready,
    /// Its target has it, and the queue still: sent again, it is told once.
    Left(CallError),
    /// Its target did not take it.
    Failed(CallError),
    /// It is not for this stack, or says nothing.
    Refused(Refusal),
}

/// A message, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) message: Untrusted,
    /// The name of the function, or the topic.
    pub(crate) to: Option<String>,
    pub(crate) fate: Fate,
}

/// How it goes on.
pub(crate) struct Plan<'a> {
    pub(crate) own: &'a Own,
    /// Nothing is sent and nothing deleted.
    pub(crate) only_look: bool,
    /// Messages of all queues together.
    pub(crate) most: usize,
}

/// What became of the messages, and whether there may be more.
#[derive(Debug, Default)]
pub(crate) struct Redriven {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) is_more: bool,
}

/// Goes through the queues. What stays there is in sight again at the end; a process that dies in the middle leaves that to SQS.
pub(crate) async fn redrive(
    queues: &impl Queues,
    recipients: &impl Recipients,
    urls: &[String],
    plan: &Plan<'_>,
    mut told: impl FnMut(&Outcome),
) -> Result<Redriven, CallError> {
    let mut redriven = Redriven::default();
    let mut stays = Vec::new();
    let mut broken = None;
    'queues: for url in urls {
        loop {
            if redriven.outcomes.len() >= plan.most {
                redriven.is_more = true;
                break 'queues;
            }
            let message = match queues.receive(url).await {
                Ok(Some(message)) => message,
                Ok(None) => break,
                Err(error) => {
                    broken = Some(error);
                    break 'queues;
                }
            };
            let outcome = one(queues, recipients, url, plan, &message).await;
            told(&outcome);
            if !matches!(outcome.fate, Fate::Handled | Fate::Left(_)) {
                stays.push((url, message));
            }
            redriven.outcomes.push(outcome);
        }
    }
    for (url, message) in stays {
        // If not now, then when its time out of sight is over.
        let _ = queues.release(url, &message).await;
    }
    broken.map_or(Ok(redriven), Err)
}

async fn one(
    queues: &impl Queues,
    recipients: &impl Recipients,
    url: &str,
    plan: &Plan<'_>,
    message: &Message,
) -> Outcome {
    let outcome = |to: Option<String>, fate| Outcome {
        message: message.id.clone(),
        to,
        fate,
    };
    let errand = match message.errand(plan.own) {
        Ok(errand) => errand,
        Err(refusal) => return outcome(None, Fate::Refused(refusal)),
    };
    let to = match &errand {
        Errand::Invoke { function, .. } => function.clone(),
        Errand::Publish { .. } => "the health topic".to_owned(),
    };
    if plan.only_look {
        return outcome(Some(to), Fate::Ready);
    }
    let sent = match errand {
        Errand::Invoke { function, event } => recipients.invoke(&function, event).await,
        Errand::Publish { text } => recipients.publish(&plan.own.health_topic, &text).await,
    };
    let fate = match sent {
        Err(error) => Fate::Failed(error),
        Ok(()) => match queues.delete(url, message).await {
            Ok(()) => Fate::Handled,
            Err(error) => Fate::Left(error),
        },
    };
    outcome(Some(to), fate)
}
