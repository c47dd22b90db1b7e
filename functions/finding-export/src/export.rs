//! What becomes of a batch.

use futures_util::future::join_all;
use serde_json::Value;
use watch_core::severity::Severity;
use watch_core::text::Untrusted;
use watch_findings::{Finding, Home, Standing, read};

use crate::NAME;
use crate::batch::{Batch, Failed, Left, Message, NoBatch};
use crate::way::{DeadLetters, Trouble, Way};

/// The function, with the world through its ports.
#[derive(Debug)]
pub struct Exporter<W, D> {
    /// Whose findings they are.
    pub home: Home,
    /// Findings of this level and above are sent, and every end of a story.
    pub minimum: Severity,
    /// All ways. Each gets everything.
    pub ways: Vec<W>,
    /// For what no way takes.
    pub dead_letters: D,
}

/// What is to be done with a message.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It leaves the queue.
    Done,
    /// It stays, and comes again.
    Stays,
    /// It is kept elsewhere, for this reason.
    Dead(String),
}

impl<W: Way, D: DeadLetters> Exporter<W, D> {
    /// Sends what a batch has, and says which messages stay in the queue.
    ///
    /// # Errors
    ///
    /// If the payload is no batch.
    pub async fn handle(&self, payload: &Value) -> Result<Left, NoBatch> {
        let batch = Batch::read(payload)?;
        let read: Vec<_> = batch.messages.iter().map(|it| self.read(it)).collect();
        let findings: Vec<&Finding> = read.iter().flatten().flatten().collect();
        let mut sent = self.send(&findings).await.into_iter();
        let mut left = Left::default();
        for (message, read) in batch.messages.iter().zip(&read) {
            let fate = match read {
                Err(reason) => Fate::Dead(reason.clone()),
                Ok(None) => Fate::Done,
                // One each.
                Ok(Some(_)) => sent.next().unwrap_or(Fate::Stays),
            };
            let stays = match fate {
                Fate::Done => false,
                Fate::Stays => true,
                Fate::Dead(reason) => !self.bury(message, &reason).await,
            };
            if stays {
                let item_identifier = message.id.clone();
                left.batch_item_failures.push(Failed { item_identifier });
            }
        }
        let (messages, left_over) = (batch.messages.len(), left.batch_item_failures.len());
        tracing::info!(function = NAME, messages, left_over, "batch handled");
        Ok(left)
    }

    /// The finding that a message is; none if nobody wants it.
    ///
    /// An end is wanted whatever its severity: what it ends may have been sent.
    fn read(&self, message: &Message) -> Result<Option<Finding>, String> {
        let finding = read::alert(&message.body, &self.home);
        // It may quote the message.
        let finding = finding.map_err(|error| plain(&error.to_string()))?;
        let is_end = finding.standing == Standing::Closed;
        Ok((is_end || finding.severity >= self.minimum).then_some(finding))
    }

    /// Sends all findings all ways, and says what is to be done with each.
    async fn send(&self, findings: &[&Finding]) -> Vec<Fate> {
        if findings.is_empty() {
            return Vec::new();
        }
        let of_ways = join_all(self.ways.iter().map(|way| way.send(findings))).await;
        let of_finding = |number: usize| {
            let answers = self.ways.iter().zip(&of_ways);
            answers.filter_map(move |(way, answers)| match answers.get(number) {
                Some(Ok(())) => None,
                Some(Err(trouble)) => Some((way.name(), trouble.clone())),
                None => Some((way.name(), unanswered())),
            })
        };
        let fate = |(number, finding): (usize, &&Finding)| {
            let (id, kind) = (finding.id.as_str(), finding.kind.as_str());
            let mut fate = Fate::Done;
            for (way, Trouble { lasts, reason }) in of_finding(number) {
                let reason = reason.as_str();
                // In these words: an alarm of the template counts them in the log.
                tracing::error!(
                    function = NAME,
                    way,
                    id,
                    kind,
                    reason,
                    "finding not exported"
                );
                // What another way may still take comes again, for all.
                fate = match fate {
                    Fate::Stays => Fate::Stays,
                    _ if !lasts => Fate::Stays,
                    _ => Fate::Dead(format!("{way}: {reason}")),
                };
            }
            fate
        };
        findings.iter().enumerate().map(fate).collect()
    }

    /// Keeps a message elsewhere; false if that failed, and it has to stay where it is.
    async fn bury(&self, message: &Message, reason: &str) -> bool {
        let id = message.id.as_str();
        match self.dead_letters.keep(&message.body, reason).await {
            Ok(()) => {
                tracing::error!(function = NAME, id, reason, "finding not exported");
                true
            }
            Err(error) => {
                tracing::error!(function = NAME, id, reason, %error, "finding not exported, nor kept");
                false
            }
        }
    }
}

/// A reason that is safe in a log and in an attribute.
fn plain(reason: &str) -> String {
    Untrusted::new(reason).as_str().to_owned()
}

/// A way said nothing of a finding: it is taken for not sent.
fn unanswered() -> Trouble {
    Trouble {
        lasts: false,
        reason: Untrusted::new("no answer"),
    }
}

#[cfg(test)]
mod tests;
