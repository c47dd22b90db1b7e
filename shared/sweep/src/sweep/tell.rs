//! Telling what was held long enough, and what is due.

use futures_util::stream::{self, StreamExt};
use watch_core::decision::Occurrence;
use watch_core::kinds::Kind;
use watch_core::ledger::profile::Held;
use watch_core::ledger::{Item, Profile};
use watch_core::ports::CallError;
use watch_core::subject::Subject;

use super::key::Seen;
use super::run::Run;
use super::{Ports, Sweep};
use crate::access::Drifted;
use crate::missed::{operation, recorded, unrecorded};

/// Alerts that are told at once: each asks KMS up to seven times.
const TELLINGS_AT_ONCE: usize = 4;
/// Alerts that the answer of a run holds; all are on the feed.
const ALERTS_IN_ANSWER: usize = 100;

impl<W: Ports> Sweep<W> {
    /// Tells what is ripe and what is due.
    pub(super) async fn tell_all(
        &self,
        run: &Run<'_, W>,
        seen: Vec<Seen<'_>>,
    ) -> Result<(), CallError> {
        for held in seen.iter().flat_map(|seen| &seen.ripe) {
            if let Some(operation) = operation(&held.kind).filter(|_| held.happened_at.is_none()) {
                // Asked for one after the other; what comes next finds them there.
                run.history.records(operation, held.known_at).await;
            }
            for operation in Drifted::read(held).iter().flat_map(Drifted::operations) {
                run.history.records(operation, held.known_at).await;
            }
        }
        let told = seen.iter().map(|seen| self.tell_of(run, seen));
        let mut told = stream::iter(told).buffer_unordered(TELLINGS_AT_ONCE);
        while let Some(told) = told.next().await {
            told?;
        }
        Ok(())
    }

    async fn tell_of(&self, run: &Run<'_, W>, seen: &Seen<'_>) -> Result<(), CallError> {
        let mut held = seen.profile.held.clone();
        for ripe in &seen.ripe {
            let told_by_event = operation(&ripe.kind).is_some()
                && seen
                    .profile
                    .tellings
                    .get(&ripe.kind)
                    .is_some_and(|telling| telling.at > ripe.known_at);
            let is_told = told_by_event
                || match self.occurrence(run, seen, ripe).await? {
                    Some(occurrence) => self.tell(run, occurrence).await,
                    // Told by its event, none any more, or of a kind that this version does not know.
                    None => true,
                };
            if is_told {
                held.retain(|held| held != ripe);
            }
        }
        if held != seen.profile.held {
            let held = serde_json::to_value(&held).unwrap_or_default();
            let change = Item::from_iter([("held".to_owned(), held)]);
            run.store
                .set(&Profile::key(&seen.key.to_string()), &change)
                .await?;
        }
        let of_key = |kind: &Kind| {
            Occurrence::of_sweep(Subject::Key(seen.key.clone()), kind.clone(), run.at, None)
        };
        for due in &seen.due {
            // A note in the profile spares KMS the question, and proves nothing by itself.
            if let Some(noted) = &due.noted
                && self.watch.has_told(&of_key(noted)).await
            {
                continue;
            }
            self.tell(run, of_key(&due.kind)).await;
        }
        Ok(())
    }

    /// What a difference tells of.
    async fn occurrence(
        &self,
        run: &Run<'_, W>,
        seen: &Seen<'_>,
        held: &Held,
    ) -> Result<Option<Occurrence>, CallError> {
        if let Some(drifted) = Drifted::read(held) {
            return self.drifted(run, seen.key, held, &drifted).await;
        }
        if let Some(operation) = operation(&held.kind).filter(|_| held.happened_at.is_none()) {
            let records = run.history.records(operation, held.known_at).await;
            let is_it = |kind: &Kind| kind.name() == held.kind;
            let found = recorded(&records, &self.decides, seen.key, held, is_it);
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(unrecorded(seen.key, held, &seen.profile))
    }

    /// Tells people, unless that was done; whether it is.
    pub(super) async fn tell(&self, run: &Run<'_, W>, occurrence: Occurrence) -> bool {
        let _turn = run.turn(occurrence.kind.name()).await;
        match self.watch.report(occurrence, run.request).await {
            Ok(told) => {
                let mut outcome = run.outcome.borrow_mut();
                outcome.verdict = outcome.verdict.max(told.verdict);
                let room = ALERTS_IN_ANSWER.saturating_sub(outcome.alerts.len());
                outcome.alerts.extend(told.alerts.into_iter().take(room));
                run.told.update(|count| count + 1);
                true
            }
            Err(error) => {
                run.failures.borrow_mut().push(error.to_string());
                false
            }
        }
    }
}
