//! A sweep over all keys of an account, part by part of its roster: look, remember, tell.
//!
//! | file | what it holds |
//! |---|---|
//! | this | from the order to the report |
//! | `part` | one part of the roster: which of its keys are worth a look |
//! | `key` | one key: what is new is remembered together with what is to be told |
//! | `drift` | a policy or grants that are not as they were known |
//! | `gone` | a key that KMS does not list any more |
//! | `tell` | what was held long enough, and what is due |
//! | `end` | what there is to do once every key was looked at: metrics, digest |
//! | `stores` | custom key stores that do not work |
//! | `watch` | the watch itself: whether anybody listens |
//! | `uses` | when keys were last used, and by whom and for what |
//! | `dependants` | who and what depends on a key |
//! | `usual` | what use is usual for a key, and what differs from it |
//! | `run` | what one run knows and counts |
//! | `clock`, `report`, `error` | its "now", its answer, and why there is none |
//!
//! What a difference needs to be told is written into the profile together with what is new, and taken out when people
//! know: whatever dies in between, nothing is told never, and nothing that was done is done again.

mod clock;
mod dependants;
mod drift;
mod end;
mod error;
mod gone;
mod key;
mod part;
mod report;
mod run;
mod stores;
mod tell;
mod uses;
mod usual;
mod watch;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use watch_core::arn::KeyArn;
use watch_core::config::SweepConfig;
use watch_core::decision::Decide;
use watch_core::event::unwrap;
use watch_core::ledger::ItemKey;
use watch_core::pipeline::Watch;
use watch_core::ports::{
    CallError, Census, Clock, Counts, Grants, Kms, Ledger, Metrics, Parts, Recorder, Topics, Trail,
    Uses,
};
use watch_core::subject::Subject;

use crate::census::{Aliases, Keys};
use crate::listing;
use crate::order::{Depth, Order};
use crate::pace::Paced;
use crate::position::{Pass, Position};
use crate::roster::SHARDS;
use crate::still::{Still, StillParts};
use crate::store::Store;
use crate::tally::Tally;

pub use self::clock::SweepClock;
pub use self::error::SweepError;
pub use self::report::{Report, Summary};

use self::end::age_of_full;
use self::part::stretch;
use self::run::Run;

/// A run that has no more than this left, or a quarter of what it had, hands over to the next.
const MARGIN: Duration = Duration::from_secs(45);

/// The world of a sweep: what stands behind each of its ports.
pub trait Ports {
    /// KMS as a sweep asks it, patiently.
    type Kms: Kms + Census + Grants;
    /// KMS as an alert asks it, which does not wait.
    type Facts: Kms;
    /// Where alerts go.
    type Topics: Topics;
    /// The memory.
    type Ledger: Ledger;
    /// The time of day.
    type Clock: Clock;
    /// CloudTrail's event history.
    type Trail: Trail + Uses;
    /// AWS Config.
    type Recorder: Recorder;
    /// Where measurements go, and what KMS counts.
    type Metrics: Metrics + Counts;
    /// The parts of the watch itself.
    type Parts: Parts;
}

/// The sweep, with the world through its ports.
#[expect(
    missing_debug_implementations,
    reason = "what stands behind a port need not have one"
)]
pub struct Sweep<W: Ports> {
    /// Tells what is found, as any function does.
    pub watch: Watch<W::Facts, W::Topics, W::Ledger, SweepClock<W::Clock>>,
    /// KMS as a sweep asks it.
    pub kms: Paced<W::Kms>,
    /// CloudTrail's event history.
    pub trail: W::Trail,
    /// AWS Config.
    pub recorder: W::Recorder,
    /// Where measurements go.
    pub metrics: W::Metrics,
    /// The parts of the watch itself.
    pub parts: W::Parts,
    /// The settings.
    pub config: SweepConfig,
    /// What the functions make of an event: a call that no event told of is worded by them.
    pub decides: Vec<Decide>,
}

impl<W: Ports> Sweep<W> {
    /// Handles one invocation: the sweep that is asked for, or an event that has no business here. `request` is Lambda's
    /// id of it; the run ends before `left` is over, and hands over what is not done.
    ///
    /// # Errors
    ///
    /// If something is left that another run, now, could do.
    pub async fn handle(
        &self,
        payload: &Value,
        request: &str,
        left: Option<Duration>,
    ) -> Result<Report, SweepError> {
        let events = unwrap(payload);
        let orders: Vec<_> = events
            .iter()
            .filter_map(|event| Order::read(event.as_ref().ok()?))
            .collect();
        let Some(order) = Order::of_all(&orders) else {
            self.watch.clock.set(None);
            let outcome = self.watch.handle(payload, request).await?;
            return Ok(Report {
                outcome,
                sweep: None,
            });
        };
        // Who is over has no time to say so: a deadline in the past is none.
        let left = left.filter(|left| !left.is_zero());
        let ends = left.map(|left| Instant::now() + left.saturating_sub(MARGIN.min(left / 4)));
        // On the heap: it holds every call of a sweep.
        Box::pin(self.run(order, request, ends)).await
    }

    /// Makes a sweep, or goes on with one.
    async fn run(
        &self,
        order: Order,
        request: &str,
        ends: Option<Instant>,
    ) -> Result<Report, SweepError> {
        let began = Instant::now();
        let account = self.account().account_key();
        let store = self.store()?;
        let names = remembered(&account);
        let items = store.read(&names).await.map_err(SweepError::Ledger)?;
        let [item, still, list] = names.map(|name| items.iter().find(|item| name.names(item)));
        self.watch.clock.set(None);
        let now = self.watch.clock.now();
        let mut position = item
            .map_or_else(Position::default, Position::read)
            .believed(order.at.map_or(now, |at| now.max(at)));
        let at = self.set_clock(order.at, position.run_at);
        position.run_at = Some(at);
        let mut pass = begin(&mut position, order.depth, request, at);
        self.kms.take_use();

        // First: it needs nothing of KMS, and people wait for it.
        let rest = self.watch.close_windows(request).await;
        let (keys, aliases) = tokio::join!(Keys::list(&self.kms), Aliases::list(&self.kms));
        let keys = keys.map_err(SweepError::NoKeys)?;
        let run = Run::new(self, request, at, pass.depth, &position)?
            .within(began, ends)
            .with_still(still.map_or_else(StillParts::default, StillParts::read))
            .with_list(list.map_or_else(listing::Parts::default, listing::Parts::read))
            .with_listed(keys.count())
            .with_aliases(aliases);
        run.fail(rest.err());
        tracing::info!(
            depth = pass.depth.as_str(),
            keys = keys.count(),
            shard = pass.shard,
            first = run.first,
            "sweep"
        );

        self.parts(&run, &keys, &mut pass, &mut position).await?;
        let finished = pass.shard == SHARDS;
        pass.seconds += began.elapsed().as_secs_f64();
        if finished {
            position.pass = None;
            self.finish(&run, &pass, &mut position).await;
        } else {
            position.pass = Some(pass);
            let age = age_of_full(run.at, position.full_at, self.stack_name());
            self.measure(&run, age.into_iter().collect()).await;
        }
        self.save(&run, &position).await?;
        let saved = position.clone();
        let uses_asked = self
            .uses(&run, &keys, &mut position)
            .await
            .map_err(SweepError::Ledger)?;
        if position != saved {
            self.save(&run, &position).await?;
        }
        // What this run held back.
        run.fail(self.watch.close_windows(request).await.err());
        self.report(&run, finished, uses_asked)
    }

    /// Goes through the roster, part by part, as far as there is time, and notes how far it is.
    async fn parts(
        &self,
        run: &Run<'_, W>,
        keys: &Keys,
        pass: &mut Pass,
        position: &mut Position,
    ) -> Result<(), SweepError> {
        let still = run.standing_still(keys);
        while pass.shard < SHARDS && !run.is_over() {
            let next = stretch(keys, pass.shard, |shard| still.contains_key(&shard));
            let parts = self.stretch(run, keys, next, &still).await;
            // Those that there was time for, up to the first that there was none for.
            for counted in parts.map_err(SweepError::Ledger)? {
                pass.tally.absorb(counted);
                pass.shard += 1;
            }
            position.gone.absorb(run.gone.take());
            position.use_due.append(&mut run.use_due.borrow_mut());
            position.pass = Some(pass.clone());
            self.save(run, position).await?;
        }
        Ok(())
    }

    /// What some parts of the roster count, up to the first that there was no time for. Those that stand still are not read.
    async fn stretch(
        &self,
        run: &Run<'_, W>,
        keys: &Keys,
        shards: Range<u8>,
        still: &BTreeMap<u8, Still>,
    ) -> Result<Vec<Tally>, CallError> {
        let moving = shards.clone().filter(|shard| !still.contains_key(shard));
        let moving: Vec<_> = moving.collect();
        run.disturb(&moving).await?;
        let known = run.known(moving.iter().copied()).await?;
        let looks = moving
            .iter()
            .zip(&known)
            .map(|(shard, known)| self.part(run, keys.shard(*shard), *shard, known));
        let mut looked_at = try_join_all(looks).await?.into_iter();
        let counted = shards.map_while(|shard| match still.get(&shard) {
            Some(still) => Some(Tally {
                aws_managed: still.managed,
                ..Tally::default()
            }),
            None => looked_at.next().flatten(),
        });
        Ok(counted.collect())
    }

    /// Sets the clock to the time for which the sweep was asked. An order that waited until others had run, as in a queue
    /// of failed ones, is one for now: the clock of the watch never goes back.
    fn set_clock(&self, ordered: Option<Timestamp>, last: Option<Timestamp>) -> Timestamp {
        self.watch.clock.set(None);
        let now = self.watch.clock.now();
        let at = match (ordered, last) {
            (Some(at), Some(last)) if at < last => now.max(last),
            (Some(at), _) => at,
            (None, last) => last.map_or(now, |last| now.max(last)),
        };
        // In whole seconds, as events have it.
        let at = Timestamp::from_second(at.as_second()).unwrap_or(at);
        self.watch.clock.set(Some(at));
        at
    }

    /// What alerts about no key are about.
    fn account(&self) -> Subject {
        let home = &self.config.alerts.alert_topic;
        Subject::Account {
            partition: home.partition().clone(),
            account: home.account().clone(),
            region: home.region().clone(),
        }
    }

    /// The ARN of a key of the roster.
    fn key(&self, id: &str) -> Option<KeyArn> {
        let home = &self.config.alerts.alert_topic;
        let (partition, region) = (home.partition().clone(), home.region().clone());
        KeyArn::new(partition, region, home.account().clone(), id).ok()
    }

    fn store(&self) -> Result<Store<'_, W::Ledger>, SweepError> {
        let none = || SweepError::Ledger(CallError::new("NoLedger", "LEDGER_TABLE is not set"));
        self.watch.ledger.as_ref().map(Store).ok_or_else(none)
    }

    async fn save(&self, run: &Run<'_, W>, position: &Position) -> Result<(), SweepError> {
        let mut items = vec![position.item(&run.account)];
        items.extend(run.still.borrow_mut().take_news(&run.account));
        items.extend(run.list.borrow_mut().take_news(&run.account));
        run.store.put(&items).await.map_err(SweepError::Ledger)
    }
}

/// Names of what sweeps remember: how far they are, which parts stand still, which parts of the list there are.
fn remembered(account: &str) -> [ItemKey; 3] {
    [
        Position::key(account),
        StillParts::key(account),
        listing::Parts::key(account),
    ]
}

/// The sweep to make, or to go on with.
fn begin(position: &mut Position, ordered: Depth, request: &str, at: Timestamp) -> Pass {
    let is_done = position.full_by.as_deref() == Some(request);
    let depth = match ordered {
        // Who knows nothing yet has to look at everything.
        _ if position.full_at.is_none() => Depth::Full,
        // Lambda's second try has to tell what could not be told, not to look at everything again.
        Depth::Full if is_done => Depth::Light,
        ordered => ordered,
    };
    match position.pass.take() {
        Some(pass) if pass.depth >= depth => pass,
        _ => Pass::new(depth, at),
    }
}

#[cfg(test)]
mod tests;
