//! Fourth stage: the occurrence is ours to tell, and everything that was asked about it is here.

use futures_util::future::{join, join4};

use super::Watch;
use super::burst::Place;
use super::draft::{Draft, Frame, claim_key};
use super::ended::Ended;
use super::gathered::{Asked, when};
use super::named::{Named, find_profile};
use super::past::Past;
use super::proof::Candidate;
use super::raised::note_alarm;
use super::story;
use crate::decision::Occurrence;
use crate::ledger::{Acquired, Claim, Item, Memory, Profile};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::source::Via;

/// An occurrence that nobody told of, and that nobody else is about to tell.
pub(super) struct Claimed {
    pub(super) occurrence: Occurrence,
    pub(super) frame: Frame,
    /// The items of the ledger.
    pub(super) items: Vec<Item>,
    /// What KMS said.
    pub(super) facts: Asked,
    /// The right to tell.
    pub(super) claim: Claim,
    /// Its place among others of its kind.
    pub(super) place: Option<Place>,
    /// What was known before.
    pub(super) profile: Profile,
    /// What was told of its story.
    pub(super) past: Past,
    _made: (),
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Claims the occurrence, and asks what was not asked yet. It ends here for what was told, or is about to be.
    pub(super) async fn claim(
        &self,
        memory: &Memory<'_, L>,
        named: Named,
        request: &str,
    ) -> Result<Claimed, Ended> {
        let Named {
            draft,
            items,
            facts,
            ..
        } = named;
        let Draft {
            occurrence,
            frame,
            mut recalled,
            ..
        } = draft;
        if items.is_some() {
            // Its story may have got its name just now.
            let known = std::mem::take(&mut recalled);
            recalled = story::indexes(&occurrence, &frame.partition);
            recalled.retain(|key| !known.contains(key));
        }
        let (recalled, asked, acquired, place) = join4(
            memory.read(&recalled),
            when(facts.is_none(), self.ask(&occurrence, &frame)),
            self.acquire(memory, &occurrence, &frame, request),
            self.count(memory, &occurrence, &frame),
        )
        .await;
        let mut items = items.unwrap_or_default();
        items.extend(recalled);
        let facts = facts.or(asked).unwrap_or(Asked::Nothing);
        let acquired = match acquired {
            Acquired::Told(told) => {
                let candidate = Candidate {
                    occurrence: &occurrence,
                    frame: &frame,
                };
                self.doubt(memory, candidate, told, &items, request).await
            }
            acquired => acquired,
        };
        let claim = match acquired {
            Acquired::Ours(claim) => *claim,
            Acquired::Told(claim) => {
                return Err(self
                    .was_told(memory, &occurrence, &frame, &items, &claim)
                    .await);
            }
            Acquired::Held => return Err(self.held(&occurrence)),
        };
        let claimed = Claimed {
            profile: find_profile(&items, &frame.partition),
            occurrence,
            frame,
            items,
            facts,
            claim,
            place,
            past: Past::default(),
            _made: (),
        };
        let claimed = self.under_another_name(memory, claimed).await?;
        Ok(self.with_past(memory, claimed).await)
    }

    /// Looks up what was told of its story.
    async fn with_past(&self, memory: &Memory<'_, L>, mut claimed: Claimed) -> Claimed {
        let Claimed {
            occurrence,
            frame,
            items,
            ..
        } = &claimed;
        claimed.past = self.look_back(memory, occurrence, frame, items).await;
        claimed
    }

    /// That it was told holds only if it is known by which alert; otherwise it is ours to tell after all.
    async fn doubt(
        &self,
        memory: &Memory<'_, L>,
        candidate: Candidate<'_>,
        told: Box<Claim>,
        items: &[Item],
        request: &str,
    ) -> Acquired {
        if self.prove(memory, candidate, &told, items).await.is_some() {
            return Acquired::Told(told);
        }
        let Candidate { occurrence, frame } = candidate;
        tracing::warn!(
            function = self.function,
            alert.kind = occurrence.kind.name(),
            "the ledger says that it was told, and not by which alert"
        );
        let wanted = self.wanted(occurrence, frame, request);
        memory.retake(wanted, &told).await
    }

    async fn acquire(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        frame: &Frame,
        request: &str,
    ) -> Acquired {
        let claim = self.wanted(occurrence, frame, request);
        memory
            .acquire(claim, occurrence.kind.recurs(), &self.clock)
            .await
    }

    /// The claim to have.
    fn wanted(&self, occurrence: &Occurrence, frame: &Frame, request: &str) -> Claim {
        let key = claim_key(occurrence);
        let mut claim = Claim::new(key, request, frame.at, self.clock.now());
        if occurrence.kind.repeats().is_some() {
            claim.call.clone_from(&occurrence.call_id);
        }
        claim
    }

    async fn was_told(
        &self,
        memory: &Memory<'_, L>,
        occurrence: &Occurrence,
        frame: &Frame,
        items: &[Item],
        claim: &Claim,
    ) -> Ended {
        // By another alarm, or by the sweep: this alarm's end is worth telling all the same.
        let id = occurrence.alert_id(frame.at);
        let told = note_alarm(&occurrence.kind, &id, frame, items, false);
        if !told.is_empty() {
            memory.put(&told).await;
        }
        if let Some(series) = &frame.series
            && occurrence.kind.step().is_none()
        {
            self.count_again(memory, series, occurrence, frame, claim)
                .await;
        }
        self.duplicate(occurrence)
    }

    /// It was told without the name that it has now, or by the sweep.
    async fn under_another_name(
        &self,
        memory: &Memory<'_, L>,
        claimed: Claimed,
    ) -> Result<Claimed, Ended> {
        let Claimed {
            occurrence,
            frame,
            profile,
            claim,
            ..
        } = &claimed;
        let name = occurrence.kind.name();
        let candidate = Candidate { occurrence, frame };
        let told = |told_as| [claim.clone().delivered_as(told_as).item()];
        if let Some(Some(material)) = occurrence.kind.material()
            && let Some(told_at) = profile.told_unnamed_at(name, frame.at)
            && let Some(told_as) = self.prove_unnamed(memory, candidate, told_at).await
        {
            // Now it has a name: the next one within the hour is another.
            let mut renamed = profile.clone();
            renamed.note_telling(name, Some(&material), frame.at);
            let changes = profile.changes(&renamed, frame.now);
            let (marks, key) = (told(told_as), Profile::key(&frame.partition));
            join(memory.put(&marks), memory.set(&key, &changes)).await;
            return Err(self.duplicate(occurrence));
        }
        if occurrence.source.via == Via::CloudTrail
            && let Some(swept) = profile.was_swept(name, frame.at)
            && let Some(told_as) = self.prove_swept(memory, candidate, swept).await
        {
            // The sweep saw what the call did, and told of it, before this record came.
            memory.put(&told(told_as)).await;
            return Err(self.duplicate(occurrence));
        }
        Ok(claimed)
    }
}
