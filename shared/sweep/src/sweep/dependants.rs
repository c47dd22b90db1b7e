//! Who and what depends on a key: kept in short with its profile, so that an alert has it at once.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use watch_core::answers::LastUsage;
use watch_core::arn::KeyArn;
use watch_core::dependants::{Ask, History, REMEMBERED, gather};
use watch_core::ledger::{Item, Profile};
use watch_core::ports::{CallError, Page, Uses};
use watch_core::text::Untrusted;

use super::run::Run;
use super::{Ports, Sweep};
use crate::pace::Paced;

/// Pages of the event history that a key is worth in one run. What they do not reach, another day's will.
const PAGES: usize = 2;
/// Pages of AWS Config.
const CONFIG_PAGES: usize = 8;
/// For a key with several calls, each of which waits for its turn.
const LIMIT: Duration = Duration::from_secs(30);

/// The event history, asked at half of its quota.
struct PacedUses<'a, K, R> {
    pace: &'a Paced<K>,
    trail: &'a R,
}

impl<K, R: Uses> Uses for PacedUses<'_, K, R> {
    async fn uses_of_key(
        &self,
        key: &KeyArn,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Page<Value>, CallError> {
        let look = async || self.trail.uses_of_key(key, since, until).await;
        self.pace.look_up(look).await
    }

    async fn event(&self, key: &KeyArn, id: &str) -> Result<Page<Value>, CallError> {
        let look = async || self.trail.event(key, id).await;
        self.pace.look_up(look).await
    }
}

/// What was found of those who depend on a key.
#[derive(Default)]
pub(super) struct Found {
    /// What is to be remembered of it.
    pub(super) change: Item,
    /// What the event history showed, if it was asked and answered.
    pub(super) history: Option<History>,
}

impl<W: Ports> Sweep<W> {
    /// What is to be remembered of those who depend on a key, whose last use is known: nothing if nothing was answered, or if
    /// nobody does and nobody did. Of a key that nobody uses the event history has nothing.
    pub(super) async fn dependants(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        usage: &LastUsage,
    ) -> Result<Found, CallError> {
        let used = usage.used.as_ref();
        let used = used.filter(|used| run.at.duration_since(used.at) <= REMEMBERED);
        let asks_config = self.config.alerts.config_dependants;
        if used.is_none() && !self.config.grants && !asks_config {
            return Ok(Found::default());
        }
        let uses = PacedUses {
            pace: &self.kms,
            trail: &self.trail,
        };
        let aliases = run.aliases.as_ref().map_or(&[][..], |it| it.of(key));
        let ask = Ask {
            key,
            aliases,
            last_use: used.and_then(|used| used.event_id.as_ref().map(Untrusted::as_str)),
            now: run.at,
            limit: LIMIT,
            // Who leaves grants out means these, too.
            grant_pages: usize::from(self.config.grants),
            pages: if used.is_some() { PAGES } else { 0 },
            config_pages: if asks_config { CONFIG_PAGES } else { 0 },
            pause: Duration::ZERO,
        };
        let mut gathered = gather(&self.kms, &uses, &self.recorder, &ask).await;
        let history = gathered.history.take();
        let nothing = |history| Found {
            history,
            ..Found::default()
        };
        let item = run.store.get(Profile::key(&key.to_string())).await?;
        let before = item.as_ref().map_or_else(Profile::default, Profile::read);
        let Some(found) = gathered.with(before.dependants.as_ref(), run.at) else {
            return Ok(nothing(history));
        };
        if found.is_empty() && before.dependants.is_none() {
            return Ok(nothing(history));
        }
        let mut after = before.clone();
        after.note_dependants(found);
        Ok(Found {
            change: before.changes(&after, run.at),
            history,
        })
    }
}
