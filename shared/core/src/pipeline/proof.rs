//! What the ledger is trusted with: that something was told counts only if the history has the alert.
//!
//! A claim, a note of a sweep, a telling without its material: each of them says that an occurrence was told, and each is one
//! item or attribute that a mistake or an intruder can write. The history is written in the same batch as the claim. What
//! it does not have was not told, and is told.

use std::time::Duration;

use jiff::SignedDuration;

use super::Watch;
use super::draft::{Frame, claim_key};
use crate::decision::{Occurrence, alert_id};
use crate::ledger::history::{Entry, PREFIX};
use crate::ledger::profile::Swept;
use crate::ledger::{Claim, Item, ItemKey, Memory};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::source::Via;

/// A batch is not written as one: the alert may be there a moment after the claim.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// What a sweep saw counts from this long before it told of it.
const SWEPT_BACK: SignedDuration = SignedDuration::from_hours(26);
/// The clocks of KMS and of the watch are not one.
const SLACK: SignedDuration = SignedDuration::from_mins(1);

/// An occurrence that may have been told.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'a> {
    pub(super) occurrence: &'a Occurrence,
    pub(super) frame: &'a Frame,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// The claim says that `occurrence` was told, and the history has the alert. KMS is not asked. `false` if the ledger
    /// gives no answer: then it is for [`Watch::report`] to find out.
    pub async fn has_told(&self, occurrence: &Occurrence) -> bool {
        let memory = Memory::new(self.ledger.as_ref());
        let (subject, identity) = (&occurrence.subject, occurrence.identity());
        let partition = subject.partition_key();
        let claims = memory.read(&[claim_key(occurrence)]).await;
        let Some(claim) = claims.iter().find_map(Claim::read) else {
            return false;
        };
        let keys: Vec<_> = claim
            .told_at()
            .map(|at| Entry::key(&partition, at, &alert_id(subject, &identity, at)))
            .collect();
        let entries = memory.read(&keys).await;
        entries
            .iter()
            .filter_map(Entry::read)
            .any(|entry| occurrence.kind.is_told_by(entry.kind.as_str()))
    }

    /// The alert that tells of what the claim says was told.
    pub(super) async fn prove(
        &self,
        memory: &Memory<'_, L>,
        candidate: Candidate<'_>,
        claim: &Claim,
        read: &[Item],
    ) -> Option<Entry> {
        let Candidate { occurrence, frame } = candidate;
        let identity = occurrence.identity();
        let id = |at| alert_id(&frame.subject, &identity, at);
        let mut keys: Vec<_> = claim
            .told_at()
            .map(|at| Entry::key(&frame.partition, at, &id(at)))
            .collect();
        let told_as = claim.told_as.iter().filter(|it| it.starts_with(PREFIX));
        keys.extend(told_as.map(|sort| ItemKey::new(&frame.partition, sort)));
        keys.dedup();
        let known = read
            .iter()
            .filter(|item| keys.iter().any(|key| key.names(item)));
        if let Some(entry) = entry_of(candidate, known) {
            return Some(entry);
        }
        match self.find(memory, candidate, &keys).await {
            Some(entry) => Some(entry),
            None => {
                tokio::time::sleep(PAUSE).await;
                self.find(memory, candidate, &keys).await
            }
        }
    }

    /// The alert of the sweep that told of what the record of a call tells now.
    pub(super) async fn prove_swept(
        &self,
        memory: &Memory<'_, L>,
        candidate: Candidate<'_>,
        swept: &Swept,
    ) -> Option<String> {
        let sort = swept.told_as.as_ref().filter(|it| it.starts_with(PREFIX))?;
        let key = ItemKey::new(&candidate.frame.partition, sort);
        let entry = self.find(memory, candidate, &[key]).await?;
        let at = candidate.frame.at;
        let fits = entry.via == Via::Sweep.as_str()
            && at.duration_since(entry.told_at) <= SLACK
            && entry.told_at.duration_since(at) <= SWEPT_BACK;
        fits.then(|| sort.clone())
    }

    /// The alert that told of it before its material was known.
    pub(super) async fn prove_unnamed(
        &self,
        memory: &Memory<'_, L>,
        candidate: Candidate<'_>,
        told_at: jiff::Timestamp,
    ) -> Option<String> {
        let Candidate { occurrence, frame } = candidate;
        // What has no material is told apart by its kind.
        let id = alert_id(&frame.subject, occurrence.kind.name(), told_at);
        let key = Entry::key(&frame.partition, told_at, &id);
        self.find(memory, candidate, std::slice::from_ref(&key))
            .await?;
        Some(key.sort)
    }

    /// An alert of this kind under one of these names.
    async fn find(
        &self,
        memory: &Memory<'_, L>,
        candidate: Candidate<'_>,
        keys: &[ItemKey],
    ) -> Option<Entry> {
        entry_of(candidate, memory.read(keys).await.iter())
    }
}

fn entry_of<'a>(candidate: Candidate<'_>, items: impl Iterator<Item = &'a Item>) -> Option<Entry> {
    let kind = &candidate.occurrence.kind;
    items
        .filter_map(Entry::read)
        .find(|entry| kind.is_told_by(entry.kind.as_str()))
}
