//! What is LOW waits for the digest of its day, so that a mail says that something matters.

use std::collections::BTreeMap;

use super::Watch;
use super::assess::{Assessed, assess};
use super::draft::{Frame, home, whole_seconds};
use super::past::Past;
use super::portrait::Portrait;
use crate::alert::Alert;
use crate::decision::Occurrence;
use crate::hash::short_hash;
use crate::kinds::{Limit, LowAlert, LowDigest};
use crate::ledger::Memory;
use crate::ledger::held::{Held, Open};
use crate::ports::{Clock, Kms, Ledger, Topics};
use crate::severity::Severity;
use crate::source::{Source, Via};
use crate::subject::Subject;
use crate::text::Untrusted;

/// Most alerts that one digest names.
const NAMED_AT_ONCE: usize = 100;

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Watch<K, T, L, C> {
    /// People hear of the alert in the digest of the day. Whoever heard of the beginning by itself hears so of the end, and
    /// what is a digest already waits for no other.
    pub(super) fn waits(&self, assessed: &Assessed) -> bool {
        self.config.low_digest
            && assessed.alert.severity <= Severity::Low
            && assessed.limit != Limit::None
            && !assessed.ends_mailed
    }

    /// Writes down an alert for the digest; whether that is sure.
    pub(super) async fn hold_low(
        &self,
        memory: &Memory<'_, L>,
        alert: &Alert,
        frame: &Frame,
    ) -> bool {
        let home = home(&self.config);
        let open = Open::of_day(&home, frame.now);
        let held = Held {
            alert: alert.id.clone(),
            at: alert.occurred_at,
            about: frame.partition.clone(),
            name: Untrusted::default(),
            owner: alert.owner().cloned(),
            severity: alert.severity.as_str().to_owned(),
            told: false,
            kind: Some(alert.kind.to_owned()),
            title: Some(Untrusted::new(&alert.title.plain())),
        };
        let (item, list) = (open.item_of(&alert.id), Open::list(&home));
        memory.keep(&item, &held.change(frame.now)).await
            && memory.keep(&list, &open.change()).await
    }

    /// The digests of a day: one, or more, for each owner.
    pub(super) fn low_digests(&self, day: &str, held: Vec<Held>) -> Vec<Alert> {
        let mut owners: BTreeMap<String, Vec<Held>> = BTreeMap::new();
        for held in held {
            let owner = held.owner.as_ref().map_or("", Untrusted::as_str).to_owned();
            owners.entry(owner).or_default().push(held);
        }
        let mut digests = Vec::new();
        for (owner, held) in owners {
            for held in held.chunks(NAMED_AT_ONCE) {
                digests.extend(self.low_digest(day, &owner, held));
            }
        }
        digests
    }

    fn low_digest(&self, day: &str, owner: &str, held: &[Held]) -> Option<Alert> {
        let home = &self.config.alert_topic;
        let at = held.iter().map(|held| held.at).max()?;
        let mut ids: Vec<_> = held.iter().map(|held| held.alert.as_str()).collect();
        ids.sort_unstable();
        let kind = LowDigest {
            day: day.to_owned(),
            owner: Untrusted::new(owner).non_empty(),
            alerts: held.iter().map(low_alert).collect(),
            part: short_hash(&ids.join("\n")),
            on_feed: self.config.feed_topic.is_some(),
        };
        let occurrence = Occurrence {
            kind: kind.into(),
            subject: Subject::Account {
                partition: home.partition().clone(),
                account: home.account().clone(),
                region: home.region().clone(),
            },
            occurred_at: Some(at),
            actor: None,
            source: Source {
                via: Via::Sweep,
                event_id: None,
                detail_type: None,
                event_name: None,
                replay: None,
            },
            call_id: None,
            unrecorded: None,
            sender: None,
        };
        let now = whole_seconds(self.clock.now());
        let (portrait, past) = (Portrait::blank(), Past::default());
        Some(assess(&self.config, occurrence, at, now, portrait, &past).0)
    }
}

fn low_alert(held: &Held) -> LowAlert {
    LowAlert {
        kind: Untrusted::bounded(held.kind.as_deref().unwrap_or_default(), 64),
        title: held.title.clone().unwrap_or_else(|| held.name.clone()),
        about: Untrusted::new(&held.about),
        occurred_at: held.at,
        alert_id: Untrusted::bounded(&held.alert, 64),
    }
}
