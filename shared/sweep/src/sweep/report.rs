//! What became of a run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use watch_core::pipeline::{Outcome, Verdict};

use super::error::SweepError;
use super::run::{Run, nothing};
use super::{Ports, Sweep};
use crate::order::Depth;
use crate::pace::{Operation, Use};

/// What became of a run. This is the function's answer.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// In a word, the alerts, and why there are none.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What was looked at; `null` if it was not a sweep that was asked for.
    pub sweep: Option<Summary>,
}

/// What a run did.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// How deep.
    pub depth: Depth,
    /// For when it was asked.
    pub at: Timestamp,
    /// The sweep came to its end; if not, the next run goes on.
    pub finished: bool,
    /// Keys in the account and Region.
    pub listed: usize,
    /// Keys that this run looked at.
    pub looked_at: u64,
    /// Alerts that this run told, or found told.
    pub told: u64,
    /// Keys of whose last use this run asked.
    pub uses_asked: u64,
    /// Seconds that it took.
    pub seconds: f64,
    /// Calls of KMS by operation.
    pub calls: BTreeMap<String, u64>,
    /// Those of them that KMS refused because there were too many.
    pub throttled: u64,
}

impl<W: Ports> Sweep<W> {
    /// The run's answer.
    pub(super) fn report(
        &self,
        run: &Run<'_, W>,
        finished: bool,
        uses_asked: u64,
    ) -> Result<Report, SweepError> {
        let summary = self.summary(run, finished, uses_asked);
        let left_out = run.left_out.get();
        if left_out > 0 {
            let listed = run.listed;
            let what =
                format!("ListKeys lists {listed} keys and leaves out {left_out} that are there");
            tracing::error!(listed, left_out, "a list that is not complete");
            if left_out > listed as u64 {
                return Err(SweepError::Incomplete(what));
            }
            run.note(what);
        }
        let failures = run.failures.take();
        if let Some(first) = failures.first() {
            let what = format!("{} alerts were not told: {first}", failures.len());
            return Err(SweepError::Incomplete(what));
        }
        let mut outcome = run.outcome.replace(nothing());
        let mut reasons = run.notes.take();
        if !finished {
            reasons.push("the next run goes on".to_owned());
        }
        if outcome.verdict == Verdict::Ignored && reasons.is_empty() {
            reasons.push("there is nothing to tell".to_owned());
        }
        outcome.reason = (!reasons.is_empty()).then(|| reasons.join("; "));
        Ok(Report {
            outcome,
            sweep: Some(summary),
        })
    }

    fn summary(&self, run: &Run<'_, W>, finished: bool, uses_asked: u64) -> Summary {
        let used: BTreeMap<Operation, Use> = self.kms.take_use();
        let summary = Summary {
            depth: run.depth,
            at: run.at,
            finished,
            listed: run.listed,
            looked_at: run.looked_at.get(),
            told: run.told.get(),
            uses_asked,
            seconds: run.began.elapsed().as_secs_f64(),
            throttled: used.values().map(|used| used.throttled).sum(),
            calls: used
                .into_iter()
                .map(|(operation, used)| (operation.to_string(), used.calls))
                .collect(),
        };
        tracing::info!(
            depth = run.depth.as_str(),
            finished,
            listed = run.listed,
            looked_at = summary.looked_at,
            told = summary.told,
            uses_asked,
            seconds = summary.seconds,
            throttled = summary.throttled,
            "swept"
        );
        summary
    }
}
