//! What there is to do once every key was looked at.

use jiff::Timestamp;
use watch_core::decision::Occurrence;
use watch_core::kinds::{InventoryDigest, iso_week};
use watch_core::ports::{Datum, MAX_DATA, MetricUnit, Metrics};

use super::run::Run;
use super::{Ports, Sweep};
use crate::order::Depth;
use crate::position::{Digest, Gone, Pass, Position};
use crate::tally::{Tally, datum};

impl<W: Ports> Sweep<W> {
    /// What there is to do once every key was looked at.
    pub(super) async fn finish(&self, run: &Run<'_, W>, pass: &Pass, position: &mut Position) {
        let mut tally = pass.tally.clone();
        if pass.depth == Depth::Full {
            position.full_at = Some(pass.started_at);
            position.full_by = Some(run.request.to_owned());
            position.keys_by_store.clone_from(&tally.by_store);
            position.next_expiry = tally.next_expiry;
            self.note_keys_of_stores(run, &mut tally).await;
        } else {
            // A light sweep looks at the expiries that are near.
            let far = position.next_expiry.filter(|date| *date > run.at);
            tally.next_expiry = tally.next_expiry.or(far);
        }
        self.stores(run, position).await;
        let mut data = tally.countdown_data(run.at);
        data.extend(self.attest(run, position).await);
        if pass.depth == Depth::Full {
            data.extend(tally.data(run.at));
        }
        data.push(Datum {
            dimensions: vec![("Sweep", pass.depth.as_str().to_owned())],
            ..datum("SweepSeconds", MetricUnit::Seconds, pass.seconds, run.at)
        });
        data.extend(age_of_full(run.at, position.full_at, self.stack_name()));
        self.measure(run, data).await;
        if pass.depth == Depth::Full && self.config.digest {
            self.digest(run, &tally, position).await;
        }
    }

    pub(super) fn stack_name(&self) -> Option<&str> {
        self.config.alerts.stack_name.as_deref()
    }

    /// Hands measurements over. What is lost of them is noted.
    pub(super) async fn measure(&self, run: &Run<'_, W>, data: Vec<Datum>) {
        for data in data.chunks(MAX_DATA) {
            let put = self
                .metrics
                .put_metric_data(&self.config.metric_namespace, data);
            if let Err(error) = put.await {
                tracing::error!(%error, "no metrics");
                run.note(format!("no metrics: {error}"));
            }
        }
    }

    /// Once a week, by the first full sweep in it.
    async fn digest(&self, run: &Run<'_, W>, tally: &Tally, position: &mut Position) {
        let week = iso_week(run.at);
        if position
            .digest
            .as_ref()
            .is_some_and(|digest| digest.week == week)
        {
            return;
        }
        let subject = self.account();
        let mut changes = tally.changes.clone();
        changes.deleted = position.gone.deleted;
        changes.vanished = position.gone.vanished;
        let kind = InventoryDigest {
            week: week.clone(),
            since: position.digest.as_ref().map(|digest| digest.at),
            totals: tally.totals(),
            changes,
            due: tally.due.clone(),
            due_more: tally.due_more,
            without_rotation: tally.without_rotation.first.clone(),
            unused: tally.unused.first.clone(),
            blind_spots: tally.blind.clone(),
            // Its kind knows.
            statement: None,
        };
        let occurrence = Occurrence::of_sweep(subject, kind, run.at, None);
        if self.tell(run, occurrence).await {
            position.digest = Some(Digest { week, at: run.at });
            position.gone = Gone::default();
        }
    }
}

/// How old the last full sweep is: the alarm on a missed sweep. By the stack, so that no other one in the account and Region
/// speaks for this.
pub(super) fn age_of_full(
    at: Timestamp,
    full_at: Option<Timestamp>,
    stack: Option<&str>,
) -> Option<Datum> {
    let age = at.duration_since(full_at?).as_secs_f64().max(0.0);
    let stack = stack.map(|name| ("Stack", name.to_owned()));
    Some(Datum {
        dimensions: stack.into_iter().collect(),
        ..datum("FullSweepAge", MetricUnit::Seconds, age, at)
    })
}
