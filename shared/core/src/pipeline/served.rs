//! Eighth stage: every topic that is owed a message has it.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::Watch;
use super::ended::Failure;
use super::letters::{Letters, Post};
use crate::alert::Alert;
use crate::ledger::Memory;
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::text::Untrusted;

/// Letters that reached everybody.
pub(super) struct Served {
    pub(super) letters: Letters,
    /// The slots of the claim that are served.
    pub(super) topics: BTreeSet<String>,
    _made: (),
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Publishes what is owed. If a topic fails, the claim keeps what the others have, and the invocation fails.
    pub(super) async fn serve(
        &self,
        memory: &Memory<'_, L>,
        letters: Letters,
    ) -> Result<Served, Failure> {
        let (topics, failures) = self.publish(&letters.posts, &letters.claim.topics).await;
        if failures.is_empty() {
            self.log_handled(&letters.alert, topics.len());
            return Ok(Served {
                letters,
                topics,
                _made: (),
            });
        }
        tracing::error!(
            function = self.function,
            alert.id = letters.alert.id,
            alert.kind = letters.alert.kind,
            failures = failures.join("; "),
            "not delivered"
        );
        let claim = letters.claim.owing(topics, self.clock.now());
        memory.note(&claim).await;
        Err(Failure::NotPublished(failures))
    }

    /// Sends what is not `served` yet, in parallel: what is served then, and the topics that failed.
    pub(super) async fn publish(
        &self,
        posts: &[Post],
        served: &BTreeSet<String>,
    ) -> (BTreeSet<String>, Vec<String>) {
        let owed = posts.iter().filter(|post| !served.contains(&post.slot));
        let sent = owed.map(|post| async move { (post, post.send(&self.topics).await) });
        let (mut served, mut failures) = (served.clone(), Vec::new());
        for (post, result) in join_all(sent).await {
            match result {
                Ok(()) => _ = served.insert(post.slot.clone()),
                Err(error) => failures.push(format!("{}: {error}", post.target())),
            }
        }
        (served, failures)
    }

    pub(super) fn log_handled(&self, alert: &Alert, topics: usize) {
        tracing::info!(
            function = self.function,
            alert.id,
            alert.kind,
            alert.severity = alert.severity.as_str(),
            key.arn = alert.key.as_ref().map(|key| key.arn.to_string()),
            event.id = alert.source.event_id.as_ref().map(Untrusted::as_str),
            enrichment = ?alert.enrichment.status,
            topics,
            "handled"
        );
    }
}
