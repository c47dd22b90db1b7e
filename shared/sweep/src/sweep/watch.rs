//! The watch itself: whether it can still tell.

use std::collections::BTreeMap;

use watch_core::decision::Occurrence;
use watch_core::kinds::WatchChanged;
use watch_core::ports::{Datum, MetricUnit, Parts};

use super::run::Run;
use super::{Ports, Sweep};
use crate::attest::{Audience, listeners, of_topic};
use crate::position::Position;
use crate::tally::datum;

impl<W: Ports> Sweep<W> {
    /// Looks at the topics, and tells what is wrong with them, once. The measurements go to an alarm that needs no topic
    /// of alerts.
    pub(super) async fn attest(&self, run: &Run<'_, W>, position: &mut Position) -> Vec<Datum> {
        let Some(health) = &self.config.health_topic else {
            return Vec::new();
        };
        let mut data = Vec::new();
        let known = std::mem::take(&mut position.wrong);
        let mut wrong = BTreeMap::new();
        let topics = [
            (&self.config.alerts.alert_topic, Audience::Alerts),
            (health, Audience::Health),
        ];
        for (topic, audience) in topics {
            let subscriptions = self.parts.subscriptions(topic).await;
            if let Ok(subscriptions) = &subscriptions {
                let count = listeners(subscriptions, audience) as f64;
                let stack = self.stack_name().map(|name| ("Stack", name.to_owned()));
                let topic = ("Topic", audience.as_str().to_owned());
                data.push(Datum {
                    // By the stack, like the age of a sweep: no other one speaks for this.
                    dimensions: stack.into_iter().chain([topic]).collect(),
                    ..datum("Listeners", MetricUnit::Count, count, run.at)
                });
            }
            let Some(finding) = of_topic(topic, audience, &subscriptions) else {
                continue;
            };
            let since = known.get(&finding.name()).copied().unwrap_or(run.at);
            wrong.insert(finding.name(), since);
            // Told again by each sweep, and by its name a duplicate, unless telling failed.
            let kind = WatchChanged::of_sweep(finding.since(since));
            let occurrence = Occurrence::of_sweep(self.account(), kind, since, None);
            self.tell(run, occurrence).await;
        }
        position.wrong = wrong;
        data
    }
}
