//! When keys were last used, and who depends on them: asked for slowly, a part of them in each run.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use watch_core::answers::LastUsage;
use watch_core::arn::KeyArn;
use watch_core::config::Baseline;
use watch_core::ledger::profile::Dated;
use watch_core::ledger::{Item, Profile};
use watch_core::ports::{CallError, CallErrorKind};

use super::part::stretch;
use super::run::Run;
use super::usual::Counted;
use super::{Ports, Sweep};
use crate::census::Keys;
use crate::position::Position;
use crate::roster::{self, Entries, Entry, SHARDS};

/// How long a run asks for last uses: with one run an hour, of some 3,000 keys a day.
const USE_FOR: Duration = Duration::from_secs(60);
/// How old the knowledge of a key's last use becomes.
const USE_ASKED_EVERY_HOURS: i64 = 20;
/// Keys whose metrics are asked for at once. Each costs money, also if the run then has no time for its key.
const HANDFUL: usize = 10;
/// If `GetKeyLastUsage` fails so often in a row, others need it more, or it is not allowed.
const USE_REFUSED: u32 = 3;

/// How far a run is with asking for last uses.
struct Asking {
    ends: Instant,
    /// Now, in hours since 1970.
    hour: i64,
    asked: u64,
    /// Failures in a row.
    refused: u32,
    /// What the metric counts.
    counted: Counted,
}

impl Asking {
    fn is_over(&self) -> bool {
        Instant::now() >= self.ends || self.refused >= USE_REFUSED
    }

    fn wants(&self, entry: &Entry) -> bool {
        let is_old = |asked| self.hour - asked >= USE_ASKED_EVERY_HOURS;
        !entry.managed && entry.gone_since.is_none() && entry.use_asked.is_none_or(is_old)
    }
}

impl<W: Ports> Sweep<W> {
    /// Asks for last uses, part by part of the roster, so that those that were asked longest ago come first: as many as
    /// there is time for. How many were asked.
    pub(super) async fn uses(
        &self,
        run: &Run<'_, W>,
        keys: &Keys,
        position: &mut Position,
    ) -> Result<u64, CallError> {
        let ends = Instant::now() + USE_FOR;
        let mut asking = Asking {
            ends: run.ends.map_or(ends, |other| other.min(ends)),
            hour: run.at.as_second() / 3_600,
            asked: 0,
            refused: 0,
            counted: Counted::default(),
        };
        let mut rosters: VecDeque<(u8, Entries)> = VecDeque::new();
        for _ in 0..SHARDS {
            if rosters.is_empty() {
                let next = stretch(keys, position.use_shard % SHARDS, |_| false);
                let known = run.rosters(next.clone()).await?;
                rosters.extend(next.zip(known));
            }
            let Some((number, entries)) = rosters.pop_front() else {
                break;
            };
            if !self.uses_of_part(run, number, entries, &mut asking).await? {
                break;
            }
            position.use_shard = (number + 1) % SHARDS;
        }
        Ok(asking.asked)
    }

    /// The keys of one part, those first that were asked longest ago. Whether there was time for all.
    async fn uses_of_part(
        &self,
        run: &Run<'_, W>,
        number: u8,
        mut entries: Entries,
        asking: &mut Asking,
    ) -> Result<bool, CallError> {
        let due = entries.iter_mut().filter(|(_, entry)| asking.wants(entry));
        let mut due: Vec<_> = due.collect();
        due.sort_by_key(|(_, entry)| entry.use_asked);
        let (mut is_done, mut changed) = (true, false);
        let mut next: VecDeque<_> = due.into();
        while let Some((id, entry)) = next.pop_front() {
            if asking.is_over() {
                is_done = false;
                break;
            }
            let Some(key) = self.key(id) else {
                continue;
            };
            if self.config.baseline == Baseline::Metrics && !asking.counted.asked(&key) {
                let others = next.iter().take(HANDFUL - 1);
                let others = others.filter_map(|(id, _)| self.key(id));
                let keys: Vec<_> = std::iter::once(key.clone()).chain(others).collect();
                self.count_uses(run, &keys, &mut asking.counted).await;
            }
            let answer = self.kms.get_key_last_usage(&key).await;
            asking.asked += 1;
            match answer {
                Ok(usage) => {
                    asking.refused = 0;
                    let found = self.dependants(run, &key, &usage).await?;
                    if self.config.baseline != Baseline::Off {
                        let measured = asking.counted.of(&key);
                        let history = found.history.as_ref();
                        self.compare_use(run, &key, &usage, history, measured)
                            .await?;
                    }
                    remember_use(run, &key, usage, found.change).await?;
                }
                Err(error) => {
                    asking.refused += 1;
                    if error.kind() == CallErrorKind::Throttled {
                        continue;
                    }
                    // Not allowed, or not there: the next round asks again.
                }
            }
            (entry.use_asked, changed) = (Some(asking.hour), true);
        }
        if changed {
            let item = roster::item(&run.account, number, &entries);
            run.store.put(&[item]).await?;
        }
        Ok(is_done)
    }
}

async fn remember_use<W: Ports>(
    run: &Run<'_, W>,
    key: &KeyArn,
    usage: LastUsage,
    mut change: Item,
) -> Result<(), CallError> {
    let usage = Dated {
        value: usage,
        as_of: run.at,
    };
    let usage = serde_json::to_value(usage).unwrap_or_default();
    change.insert("lastUse".to_owned(), usage);
    run.store
        .set(&Profile::key(&key.to_string()), &change)
        .await
}
