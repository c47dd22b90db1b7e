//! What use is usual for a key, and what differs from it: learnt along with the last use.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use watch_core::answers::LastUsage;
use watch_core::arn::KeyArn;
use watch_core::decision::Occurrence;
use watch_core::dependants::History;
use watch_core::kinds::KeyUseUnusual;
use watch_core::ports::{CallError, Counts, MAX_QUERIES, UseMetric};
use watch_core::subject::Subject;
use watch_core::usual::{DAYS, Look, Unusual, Usual, beginning, number};

use super::run::Run;
use super::{Ports, Sweep};

/// Pages of metrics that a run lists: of 100,000 metrics.
const PAGES: usize = 200;
/// Pages of an answer that are read.
const ANSWER_PAGES: usize = 20;

/// Uses by key and day, as far as a run asked.
#[derive(Default)]
pub(super) struct Counted {
    /// The metrics of each key; `None` before they were listed.
    metrics: Option<BTreeMap<String, Vec<UseMetric>>>,
    /// The metrics cannot be had: asked no more in this run.
    refused: bool,
    asked: BTreeSet<String>,
    uses: BTreeMap<String, BTreeMap<i32, u64>>,
}

impl Counted {
    /// It was asked about the key, or cannot be.
    pub(super) fn asked(&self, key: &KeyArn) -> bool {
        self.refused || self.asked.contains(&key.to_string())
    }

    /// Uses of the key by day.
    pub(super) fn of(&self, key: &KeyArn) -> Option<&BTreeMap<i32, u64>> {
        self.uses.get(&key.to_string())
    }

    fn take_in(&mut self, metric: &UseMetric, wanted: &BTreeSet<String>, day: i32, uses: u64) {
        let keys: BTreeSet<_> = metric.keys().filter(|key| wanted.contains(*key)).collect();
        for key in keys {
            let days = self.uses.entry(key.to_owned()).or_default();
            let sum = days.entry(day).or_default();
            *sum = sum.saturating_add(uses);
        }
    }
}

impl<W: Ports> Sweep<W> {
    /// Asks CloudWatch how often these keys were used on each day that is remembered. Whatever it does not answer is counted
    /// from the event history alone.
    pub(super) async fn count_uses(
        &self,
        run: &Run<'_, W>,
        keys: &[KeyArn],
        counted: &mut Counted,
    ) {
        if let Err(error) = self.try_count(run, keys, counted).await {
            tracing::error!(%error, "uses are not measured");
            run.note(format!("uses are not measured: {error}"));
            counted.refused = true;
            // Half a sum would look like a quiet day.
            for key in keys {
                counted.uses.remove(&key.to_string());
            }
        }
    }

    async fn try_count(
        &self,
        run: &Run<'_, W>,
        keys: &[KeyArn],
        counted: &mut Counted,
    ) -> Result<(), CallError> {
        let wanted: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
        let known = match counted.metrics.take() {
            Some(known) => known,
            None => self.list_use_metrics().await?,
        };
        let mut metrics: Vec<UseMetric> = Vec::new();
        for metric in wanted.iter().filter_map(|key| known.get(key)).flatten() {
            // That of a re-encryption stands with both of its keys.
            if !metrics.contains(metric) {
                metrics.push(metric.clone());
            }
        }
        counted.metrics = Some(known);
        let today = number(run.at);
        let since = beginning(today - DAYS + 1);
        for metrics in metrics.chunks(MAX_QUERIES) {
            let mut token: Option<String> = None;
            for page in 1.. {
                let call = self
                    .metrics
                    .uses_a_day(metrics, since, run.at, token.as_deref());
                let answer = call.await?;
                for it in answer.items {
                    if let Some(metric) = metrics.get(it.metric) {
                        counted.take_in(metric, &wanted, number(it.day), whole(it.uses));
                    }
                }
                token = answer.next;
                if token.is_none() {
                    break;
                }
                if page == ANSWER_PAGES {
                    return Err(CallError::new("TooManyPages", "the answer does not end"));
                }
            }
        }
        counted.asked.extend(wanted);
        Ok(())
    }

    async fn list_use_metrics(&self) -> Result<BTreeMap<String, Vec<UseMetric>>, CallError> {
        let mut known: BTreeMap<String, Vec<UseMetric>> = BTreeMap::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let page = self.metrics.use_metrics(token.as_deref()).await?;
            for metric in page.items {
                let keys: BTreeSet<String> = metric.keys().map(str::to_owned).collect();
                for key in keys {
                    known.entry(key).or_default().push(metric.clone());
                }
            }
            token = page.next;
            if token.is_none() {
                return Ok(known);
            }
        }
        Err(CallError::new("TooManyMetrics", "the list does not end"))
    }

    /// Holds what was seen of the use of a key against what is usual, and tells what differs.
    pub(super) async fn compare_use(
        &self,
        run: &Run<'_, W>,
        key: &KeyArn,
        usage: &LastUsage,
        history: Option<&History>,
        measured: Option<&BTreeMap<i32, u64>>,
    ) -> Result<(), CallError> {
        let name = Usual::key(&run.account, key.id());
        let item = run.store.get(name.clone()).await?;
        let mut usual = item.map_or_else(Usual::default, |item| Usual::read(&item, run.at));
        // A run that died had written what it was about to tell.
        let owed = usual.due.take();
        if let Some(owed) = &owed
            && !self.tell_unusual(run, key, owed).await
        {
            return Ok(());
        }
        usual.due = usual.take_in(&Look {
            at: run.at,
            usage,
            history,
            measured,
        });
        run.store.put(&[usual.item(&name, run.at)]).await?;
        let Some(due) = usual.due.take() else {
            return Ok(());
        };
        if self.tell_unusual(run, key, &due).await {
            run.store.put(&[usual.item(&name, run.at)]).await?;
        }
        Ok(())
    }

    async fn tell_unusual(&self, run: &Run<'_, W>, key: &KeyArn, what: &Unusual) -> bool {
        let at: Timestamp = what.at;
        let kind = KeyUseUnusual::from(what.clone());
        let occurrence = Occurrence::of_sweep(Subject::Key(key.clone()), kind, at, None);
        self.tell(run, occurrence).await
    }
}

/// A sum, as far as it counts something.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; what is no number counts nothing"
)]
fn whole(sum: f64) -> u64 {
    sum.round().max(0.0) as u64
}
