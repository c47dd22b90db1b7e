//! Fifth stage: all that is known of the occurrence and its key is put together, and the kind has studied it. Pure.

use super::burst::Place;
use super::claimed::Claimed;
use super::draft::Frame;
use super::past::Past;
use super::portrait::Portrait;
use crate::config::Config;
use crate::decision::Occurrence;
use crate::kinds::Found;
use crate::ledger::history::Entry;
use crate::ledger::profile::Swept;
use crate::ledger::repeats::Repeats;
use crate::ledger::{Claim, Item, Profile};
use crate::text::Untrusted;

/// An occurrence of which nothing more can be known.
pub(super) struct Known {
    pub(super) occurrence: Occurrence,
    pub(super) frame: Frame,
    pub(super) portrait: Portrait,
    pub(super) learnt: Learnt,
    pub(super) claim: Claim,
    pub(super) place: Option<Place>,
    /// What was told of its story.
    pub(super) past: Past,
    _made: (),
}

/// What is written down once the alert went out.
pub(super) struct Learnt {
    /// What was known of the key before.
    pub(super) before: Profile,
    /// What is known of it now.
    pub(super) profile: Profile,
    /// What the kind wants to be remembered.
    pub(super) items: Vec<Item>,
    /// How often it happened again since it was told.
    pub(super) repeats: Option<Repeats>,
    /// The items that were read.
    pub(super) read: Vec<Item>,
}

impl Known {
    /// Puts together what is known; `problem` is why the ledger does not know all of it.
    pub(super) fn new(config: &Config, claimed: Claimed, problem: Option<Untrusted>) -> Self {
        let Claimed {
            mut occurrence,
            frame,
            items,
            facts,
            claim,
            place,
            profile: before,
            past,
            ..
        } = claimed;
        let mut profile = before.clone();
        let policy = facts.policy().map(str::to_owned);
        let mut portrait = facts.portrait(&mut profile, &frame.subject, config, frame.now);
        profile.note_owners(&before, &config.owner_tag_key, frame.now);
        portrait.told_too(profile.former_owners(frame.now));
        let id = occurrence.alert_id(frame.at);
        let told_as = Entry::key(&frame.partition, frame.at, &id).sort;
        let kind = &mut occurrence.kind;
        kind.recall(&profile);
        // If the ledger failed, nobody knows how it stands: what was not told now is told the next time.
        let series = frame.series.as_ref().filter(|_| problem.is_none());
        let is_counted = kind.step().is_some();
        let repeats = series.map(|series| series.find(&items).with(frame.at, is_counted));
        if let Some(repeats) = &repeats {
            kind.repeated(repeats);
        }
        let remembered = kind.study(&Found {
            subject: &frame.subject,
            at: frame.at,
            now: frame.now,
            told_as: &told_as,
            settings: config.of_kinds(),
            before: &before,
            profile: &profile,
            items: &items,
            policy: policy.as_deref(),
        });
        teach(&occurrence, &frame, &mut profile);
        portrait.depend_on(&occurrence.kind, &profile);
        if let Some(reason) = problem {
            portrait.lacks_ledger(reason);
        }
        Self {
            occurrence,
            frame,
            portrait,
            learnt: Learnt {
                before,
                profile,
                items: remembered,
                repeats,
                read: items,
            },
            claim,
            place,
            past,
            _made: (),
        }
    }
}

/// What this event teaches of the key.
fn teach(occurrence: &Occurrence, frame: &Frame, profile: &mut Profile) {
    let kind = &occurrence.kind;
    kind.teach(profile, frame.at, occurrence.actor.as_ref());
    if let Some(material) = kind.material() {
        profile.note_telling(kind.name(), material.as_deref(), frame.at);
    } else if kind.changes_state() {
        profile.note_telling(kind.name(), None, frame.at);
    }
    if let Some(within) = &occurrence.unrecorded {
        let id = occurrence.alert_id(frame.at);
        let told_as = Some(Entry::key(&frame.partition, frame.at, &id).sort);
        let swept = Swept {
            told_as,
            ..within.clone()
        };
        profile.swept.insert(kind.name().to_owned(), swept);
    }
}
