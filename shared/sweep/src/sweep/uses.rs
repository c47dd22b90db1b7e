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
use crate::roster::{self, Entries, SHARDS};

/// How long a run asks for last uses: with one run an hour, of some 3,000 keys a day.
const USE_FOR: Duration = Duration::from_secs(60);
/// Keys whose metrics are asked for at once. Each costs money, also if the run then has no time for its key.
const HANDFUL: usize = 10;
/// If `GetKeyLastUsage` fails so often in a row, others need it more, or it is not allowed.
const USE_REFUSED: u32 = 3;

/// How far a run is with asking for last uses.
struct Asking {
    ends: Instant,
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
}

impl<W: Ports> Sweep<W> {
    /// Asks for last uses, part by part of the roster, so that those that were asked longest ago come first: as many as
    /// there is time for. Parts in which no key is due are not read. How many were asked.
    pub(super) async fn uses(
        &self,
        run: &Run<'_, W>,
        keys: &Keys,
        position: &mut Position,
    ) -> Result<u64, CallError> {
        let ends = Instant::now() + USE_FOR;
        let mut asking = Asking {
            ends: run.ends.map_or(ends, |other| other.min(ends)),
            asked: 0,
            refused: 0,
            counted: Counted::default(),
        };
        let is_due = |shard: u8| {
            let due = position.use_due.get(&shard);
            due.is_none_or(|due| *due <= run.hour())
        };
        // Once around, from where the last run stopped.
        let from = position.use_shard % SHARDS;
        let around = (from..SHARDS).chain(0..from);
        let due: Vec<_> = around.filter(|shard| is_due(*shard)).collect();
        let mut due = due.as_slice();
        let mut is_over = false;
        while let Some(first) = due.first().filter(|_| !is_over) {
            let near = stretch(keys, *first, |shard| !due.contains(&shard));
            let near = due.iter().take_while(|shard| near.contains(shard));
            let (next, later) = due.split_at(near.count());
            for (number, entries) in next.iter().zip(run.rosters(next.iter().copied()).await?) {
                is_over = !self
                    .uses_of_part(run, *number, entries, &mut asking)
                    .await?;
                if is_over {
                    break;
                }
                position.use_shard = (number + 1) % SHARDS;
            }
            due = later;
        }
        position.use_due.append(&mut run.use_due.borrow_mut());
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
        let due = entries
            .iter_mut()
            .filter(|(_, entry)| entry.wants_use(run.hour()));
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
            (entry.use_asked, changed) = (Some(run.hour()), true);
        }
        if changed {
            let item = roster::item(&run.account, number, &entries);
            run.store.put(&[item]).await?;
        }
        run.note_use_due(number, &entries);
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
