//! Telling of one occurrence: once, to everybody who wants it, whatever fails.
//!
//! The stages, each a type that only the stage before can make:
//!
//! | stage | is |
//! |---|---|
//! | [`Draft`] | what is asked of KMS and of the ledger, known from the kind |
//! | [`Gathered`](super::gathered::Gathered) | what had to be known before it has a name ([`Plan`](super::plan::Plan)) |
//! | [`Named`](super::named::Named) | its identity is final |
//! | [`Claimed`](super::claimed::Claimed) | it is ours to tell; what was told, or is held by another, has ended |
//! | [`Known`] | the profile has learnt, the kind has studied |
//! | [`Assessed`] | the alert is worded |
//! | [`Letters`](super::letters::Letters) | what goes to whom, alone or with others |
//! | [`Served`](super::served::Served) | every topic has what it is owed |
//!
//! and marked in the ledger it is told.

use super::Watch;
use super::assess::Assessed;
use super::draft::Draft;
use super::ended::{Ended, Failure, Told};
use super::known::Known;
use crate::decision::Occurrence;
use crate::ledger::Memory;
use crate::ports::{Clock, Kms, Ledger, Topics};

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Tells of an occurrence, unless that was done.
    pub(super) async fn tell(
        &self,
        occurrence: Occurrence,
        request: &str,
    ) -> Result<Told, Failure> {
        match self.walk(occurrence, request).await {
            Ok(told) | Err(Ended::Early(told)) => Ok(told),
            Err(Ended::Failed(failure)) => Err(failure),
        }
    }

    async fn walk(&self, occurrence: Occurrence, request: &str) -> Result<Told, Ended> {
        let memory = Memory::new(self.ledger.as_ref());
        let (now, run) = (self.clock.now(), memory.is_there().then_some(request));
        let draft = Draft::new(&self.config, self.function, occurrence, now, run);
        let gathered = self.gather(&memory, draft).await;
        let named = self.name(&memory, gathered).await?;
        let claimed = self.claim(&memory, named, request).await?;
        let known = Known::new(&self.config, claimed, memory.problem());
        let assessed = Assessed::new(&self.config, known);
        let letters = self.write(&memory, assessed).await?;
        let served = self.serve(&memory, letters).await?;
        Ok(self.mark(&memory, served, request).await)
    }
}
