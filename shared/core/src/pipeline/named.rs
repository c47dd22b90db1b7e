//! Third stage: what happened has a name, the same for every telling of it.

use std::borrow::Cow;

use super::Watch;
use super::draft::{Draft, Frame, claim_key};
use super::ended::Ended;
use super::gathered::{Asked, Gathered};
use super::plan::lacks_material;
use super::proof::{Candidate, PAUSE};
use crate::decision::Occurrence;
use crate::kinds::{Background, Clues};
use crate::ledger::{Claim, ClaimState, Item, Memory, Profile, Raised};
use crate::ports::{Clock, Kms, Ledger, Topics};

/// An occurrence whose identity is final.
pub(super) struct Named {
    pub(super) draft: Draft,
    /// The items of the ledger, if they were read.
    pub(super) items: Option<Vec<Item>>,
    /// What KMS said, if it was asked.
    pub(super) facts: Option<Asked>,
    _made: (),
}

/// Whether what the ledger did not have is not there.
#[derive(Clone, Copy)]
struct Remembers {
    /// There is no ledger.
    unledgered: bool,
    /// It gave every answer.
    all: bool,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Finds the name. It ends here for what is nobody's business, and for a repeat of what was told.
    pub(super) async fn name(
        &self,
        memory: &Memory<'_, L>,
        gathered: Gathered,
    ) -> Result<Named, Ended> {
        let Gathered {
            mut draft,
            mut items,
            facts,
            ..
        } = gathered;
        if let (Some(items), Some(facts)) = (&mut items, &facts) {
            let proofs = self.read_proofs(memory, &draft, items).await;
            items.extend(proofs);
            let remembers = Remembers {
                unledgered: !memory.is_there(),
                all: memory.is_there() && memory.problem().is_none(),
            };
            if let Err(reason) = self.settle(&mut draft, items, facts, remembers) {
                return Err(self.ignored(&draft.occurrence, reason));
            }
        } else if let (Some(items), Some(series)) = (&mut items, &draft.frame.series)
            && let Some(claim) = find_delivered(items, &draft.occurrence)
            && self.is_proven(memory, &draft, &claim, items).await
        {
            let Draft {
                occurrence, frame, ..
            } = &draft;
            let step = self
                .repeat(memory, series, occurrence, frame, &claim, items)
                .await?;
            draft.occurrence.kind.reached(step);
        }
        Ok(Named {
            draft,
            items,
            facts,
            _made: (),
        })
    }

    /// What proves the items that were read along.
    async fn read_proofs(&self, memory: &Memory<'_, L>, draft: &Draft, read: &[Item]) -> Vec<Item> {
        let keys = draft.occurrence.kind.proofs(&draft.frame.subject, read);
        let found = memory.read(&keys).await;
        if keys.is_empty() || !found.is_empty() {
            return found;
        }
        // A batch is not written as one.
        tokio::time::sleep(PAUSE).await;
        memory.read(&keys).await
    }

    async fn is_proven(
        &self,
        memory: &Memory<'_, L>,
        draft: &Draft,
        claim: &Claim,
        items: &[Item],
    ) -> bool {
        let candidate = Candidate {
            occurrence: &draft.occurrence,
            frame: &draft.frame,
        };
        self.prove(memory, candidate, claim, items).await.is_some()
    }

    fn settle(
        &self,
        draft: &mut Draft,
        items: &[Item],
        facts: &Asked,
        remembers: Remembers,
    ) -> Result<(), Cow<'static, str>> {
        let Draft {
            occurrence, frame, ..
        } = draft;
        let profile = find_profile(items, &frame.partition);
        if lacks_material(&occurrence.kind) {
            resolve(occurrence, frame, facts, &profile);
        }
        let background = Background {
            facts: facts.key(),
            key_store: facts.key_store(),
            profile: &profile,
            steps: &self.config.expiry_warning_days,
            at: frame.at,
            items,
            unledgered: remembers.unledgered,
            raised: remembers.all.then(|| find_raised(items, frame)),
        };
        occurrence.kind.settle(&background)
    }
}

/// The claim to the occurrence, if it was told under it.
fn find_delivered(items: &[Item], occurrence: &Occurrence) -> Option<Claim> {
    let key = claim_key(occurrence);
    let claim = Claim::read(items.iter().find(|item| key.names(item))?)?;
    (claim.state == ClaimState::Delivered).then_some(claim)
}

/// What is known of the key.
pub(super) fn find_profile(items: &[Item], partition: &str) -> Profile {
    let key = Profile::key(partition);
    let item = items.iter().find(|item| key.names(item));
    item.map_or_else(Profile::default, Profile::read)
}

/// What is known of the alarm: that somebody was told that it went off.
pub(super) fn find_raised(items: &[Item], frame: &Frame) -> Option<Raised> {
    let key = frame.alarm.as_ref()?;
    let item = items.iter().find(|item| key.names(item));
    item.and_then(Raised::read)
}

/// Finds the key material of an occurrence whose telling lacks it: from KMS, from another telling, from what KMS said
/// before.
fn resolve(occurrence: &mut Occurrence, frame: &Frame, facts: &Asked, profile: &Profile) {
    let kind = &mut occurrence.kind;
    let remembered = profile.materials.as_ref();
    let clues = Clues {
        live: facts.key().map_or(&[], |facts| facts.materials()),
        told: profile.told_material(kind.name(), frame.at),
        remembered: remembered.map_or(&[], |materials| materials.value.as_slice()),
    };
    kind.resolve(&clues, frame.at);
}
