//! A key that KMS does not list any more.

use std::time::Duration;

use jiff::Timestamp;
use watch_core::actor::Actor;
use watch_core::arn::KeyArn;
use watch_core::decision::Occurrence;
use watch_core::key::State;
use watch_core::kinds::{KeyDeleted, KeyVanished, Kind};
use watch_core::ledger::Profile;
use watch_core::ledger::profile::Held;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::subject::Subject;

use super::run::Run;
use super::{Ports, Sweep};
use crate::missed::recorded;
use crate::roster::Entry;

/// Between two askings whether a key is gone.
const GONE_PAUSE: Duration = Duration::from_millis(500);

/// What becomes of a key that is not listed. Where it stays in the roster, so does its entry.
pub(super) enum Fate {
    /// People know that it is gone, or need not.
    Gone,
    /// It is gone, and people are to be told.
    Kept(Entry),
    /// KMS knows it, or does not say.
    There(Entry),
}

impl<W: Ports> Sweep<W> {
    /// A key of the roster that KMS does not list.
    pub(super) async fn missing(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        entry: &Entry,
    ) -> Result<Fate, CallError> {
        if entry.managed {
            return Ok(Fate::Gone);
        }
        let item = run.store.get(Profile::key(&key.to_string())).await?;
        let profile = item.as_ref().map_or_else(Profile::default, Profile::read);
        if profile.deleted_at.is_some() {
            // An event told of it.
            run.gone.borrow_mut().deleted += 1;
            return Ok(Fate::Gone);
        }
        let since = entry.gone_since.unwrap_or(run.at);
        let kept = Entry {
            gone_since: Some(since),
            ..entry.clone()
        };
        // Not listed, and there; or KMS does not say.
        let there = Entry {
            watched: true,
            gone_since: None,
            ..entry.clone()
        };
        run.looked_at.update(|count| count + 1);
        if !self.is_gone(key).await {
            return Ok(Fate::There(there));
        }
        if run.at.duration_since(since) < self.config.hold {
            return Ok(Fate::Kept(kept));
        }
        if entry.gone_since.is_none() {
            // One answer may be wrong; if the second is not to wait for the next sweep, it comes a moment later.
            tokio::time::sleep(GONE_PAUSE).await;
            if !self.is_gone(key).await {
                return Ok(Fate::There(there));
            }
        }
        let occurrence = self.end_of(run, key, &profile, since).await;
        let deleted = matches!(occurrence.kind, Kind::KeyDeleted(_));
        if !self.tell(run, occurrence).await {
            return Ok(Fate::Kept(kept));
        }
        if deleted {
            run.gone.borrow_mut().deleted += 1;
        } else {
            run.gone.borrow_mut().vanished += 1;
        }
        Ok(Fate::Gone)
    }

    /// KMS knows no such key.
    async fn is_gone(&self, key: &KeyArn) -> bool {
        let answer = self.kms.describe_key(key).await;
        matches!(answer, Err(error) if error.kind() == CallErrorKind::NotFound)
    }

    /// How a key ended that KMS does not know any more.
    async fn end_of(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        profile: &Profile,
        since: Timestamp,
    ) -> Occurrence {
        let metadata = profile.metadata.as_ref();
        let subject = Subject::Key(key.clone());
        let occurrence =
            |kind: Kind, at, actor| Occurrence::of_sweep(subject.clone(), kind, at, actor);
        let due = metadata
            .map(|known| &known.value)
            .filter(|known| known.state == Some(State::PendingDeletion));
        // KMS takes up to a day for it (AWS KMS Developer Guide, deleting keys), and an event that comes after all says
        // when; within a day it is the same occurrence.
        if let Some(date) = due
            .and_then(|due| due.deletion_at)
            .filter(|date| *date <= run.at)
        {
            return occurrence(KeyDeleted::default().into(), date, Some(Actor::kms()));
        }
        let last_seen = metadata.map(|known| known.as_of);
        let held = Held {
            kind: "KeyDeleted".to_owned(),
            what: String::new(),
            known_at: last_seen.unwrap_or(since),
            found_at: run.at,
            happened_at: None,
        };
        let records = run.history.records("DeleteKey", held.known_at).await;
        let is_it = |kind: &Kind| kind.name() == held.kind;
        recorded(&records, &self.decides, key, &held, is_it)
            .unwrap_or_else(|| occurrence(KeyVanished::new(last_seen).into(), since, None))
    }
}
