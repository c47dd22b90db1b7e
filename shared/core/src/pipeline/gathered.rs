//! Second stage: what had to be known before the occurrence has a name, asked of KMS and of the ledger.

use futures_util::future::join;
use jiff::Timestamp;

use super::Watch;
use super::draft::{Draft, Frame};
use super::portrait::Portrait;
use crate::config::Config;
use crate::decision::Occurrence;
use crate::facts::{Facts, KeyStoreFacts};
use crate::ledger::{Item, Memory, Profile};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::subject::Subject;

/// A draft, with the answers that its plan asks for first.
pub(super) struct Gathered {
    pub(super) draft: Draft,
    /// The items of the ledger, if they were read.
    pub(super) items: Option<Vec<Item>>,
    /// What KMS said, if it was asked.
    pub(super) facts: Option<Asked>,
    _made: (),
}

/// What was asked of KMS.
pub(super) enum Asked {
    /// About a key.
    Key(Box<Facts>),
    /// About a custom key store.
    KeyStore(Box<KeyStoreFacts>),
    /// There is nothing to ask.
    Nothing,
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// Asks what the plan asks first.
    pub(super) async fn gather(&self, memory: &Memory<'_, L>, draft: Draft) -> Gathered {
        let recall = when(draft.plan.recalls_first(), memory.read(&draft.recalled));
        let ask = when(
            draft.plan.asks_first(),
            self.ask(&draft.occurrence, &draft.frame),
        );
        let (items, facts) = join(recall, ask).await;
        Gathered {
            draft,
            items,
            facts,
            _made: (),
        }
    }

    /// Asks KMS what the kind is worth, everything at once.
    pub(super) async fn ask(&self, occurrence: &Occurrence, frame: &Frame) -> Asked {
        let kind = &occurrence.kind;
        match &frame.subject {
            Subject::Key(key) if kind.is_enriched() => {
                let facts = Facts::gather(&self.kms, key, kind.reads(), kind.reads_policy()).await;
                Asked::Key(Box::new(facts))
            }
            Subject::Key(_) => Asked::Key(Box::new(Facts::unasked())),
            Subject::KeyStore { id, region, .. } => {
                let facts = KeyStoreFacts::gather(&self.kms, id, region, kind.counts_keys()).await;
                Asked::KeyStore(Box::new(facts))
            }
            Subject::Account { .. } => Asked::Nothing,
        }
    }
}

/// Waits for what is wanted only.
pub(super) async fn when<T>(wanted: bool, future: impl Future<Output = T>) -> Option<T> {
    if wanted { Some(future.await) } else { None }
}

impl Asked {
    /// What KMS said of the key.
    pub(super) fn key(&self) -> Option<&Facts> {
        match self {
            Self::Key(facts) => Some(facts),
            Self::KeyStore(_) | Self::Nothing => None,
        }
    }

    /// The key's policy, as KMS has it now.
    pub(super) fn policy(&self) -> Option<&str> {
        self.key().and_then(Facts::policy)
    }

    /// What KMS said of the key store.
    pub(super) fn key_store(&self) -> Option<&KeyStoreFacts> {
        match self {
            Self::KeyStore(facts) => Some(facts),
            Self::Key(_) | Self::Nothing => None,
        }
    }

    /// What is known, from KMS and from the profile, which learns what is new.
    pub(super) fn portrait(
        self,
        profile: &mut Profile,
        subject: &Subject,
        config: &Config,
        now: Timestamp,
    ) -> Portrait {
        match self {
            Self::Key(mut facts) => {
                profile.forget_another(facts.created_at());
                facts.recall(profile);
                facts.teach(profile, now);
                Portrait {
                    gone: facts.is_gone(),
                    enrichment: facts.enrichment(),
                    key: subject
                        .key()
                        .map(|arn| facts.into_key(arn.clone(), &config.owner_tag_key)),
                    ..Portrait::blank()
                }
            }
            Self::KeyStore(mut facts) => {
                facts.recall(profile);
                facts.teach(profile, now);
                Portrait {
                    gone: facts.is_gone(),
                    enrichment: facts.enrichment(),
                    key_store: subject.key_store().map(|id| facts.into_key_store(id)),
                    ..Portrait::blank()
                }
            }
            Self::Nothing => Portrait::blank(),
        }
    }
}
