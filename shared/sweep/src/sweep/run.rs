//! What one run knows and counts.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures_util::lock::{Mutex, MutexGuard};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use watch_core::ledger::ItemKey;
use watch_core::ledger::burst::{CRITICAL_A_SECOND, SINGLY};
use watch_core::pipeline::{HandleError, Outcome, Verdict};
use watch_core::ports::CallError;

use super::error::SweepError;
use super::{Ports, Sweep};
use crate::census::{Aliases, Keys};
use crate::listing;
use crate::missed::History;
use crate::order::Depth;
use crate::position::{Gone, Position};
use crate::roster::{self, Entries, SHARDS};
use crate::still::{Still, StillParts};
use crate::store::Store;

/// Alerts of one kind that a run tells one after the other: those that go out alone, critical ones included, and the first
/// that are held back.
const IN_TURN: u64 = SINGLY + CRITICAL_A_SECOND + 5;

/// What one run knows and counts.
pub(super) struct Run<'a, W: Ports> {
    /// For when it was asked.
    pub(super) at: Timestamp,
    /// What changed since is in the next digest.
    pub(super) since: Timestamp,
    /// Lambda's id of the invocation.
    pub(super) request: &'a str,
    /// Partition key of what is about no key.
    pub(super) account: String,
    pub(super) depth: Depth,
    /// For when the last full sweep that came to its end was asked.
    pub(super) full_at: Option<Timestamp>,
    /// No full sweep ever came to its end: changes are learnt, and not told.
    pub(super) first: bool,
    pub(super) began: Instant,
    pub(super) ends: Option<Instant>,
    /// `None` if they could not be listed.
    pub(super) aliases: Option<Aliases>,
    pub(super) store: Store<'a, W::Ledger>,
    pub(super) history: History<'a, W::Trail>,
    pub(super) outcome: RefCell<Outcome>,
    /// What another run, now, could make good.
    pub(super) failures: RefCell<Vec<String>>,
    /// What it could not.
    pub(super) notes: RefCell<Vec<String>>,
    pub(super) gone: RefCell<Gone>,
    /// The parts of the roster that need not be read.
    pub(super) still: RefCell<StillParts>,
    /// From when on parts of the roster have a key to be asked for its last use.
    pub(super) use_due: RefCell<BTreeMap<u8, i64>>,
    /// What readers of the list are told of its parts.
    pub(super) list: RefCell<listing::Parts>,
    /// Keys on KMS's list.
    pub(super) listed: usize,
    /// Keys that are there, and not on the list.
    pub(super) left_out: Cell<u64>,
    pub(super) looked_at: Cell<u64>,
    pub(super) told: Cell<u64>,
    /// How many alerts of a kind were about to be told, by whoever holds it.
    turns: Mutex<BTreeMap<&'static str, u64>>,
}

impl<'a, W: Ports> Run<'a, W> {
    /// A run that is asked for `at`, of a sweep of this depth.
    pub(super) fn new(
        sweep: &'a Sweep<W>,
        request: &'a str,
        at: Timestamp,
        depth: Depth,
        position: &Position,
    ) -> Result<Self, SweepError> {
        let week_ago = at
            .checked_sub(SignedDuration::from_hours(7 * 24))
            .unwrap_or(at);
        let digest = position.digest.as_ref();
        Ok(Self {
            at,
            since: digest.map_or(week_ago, |digest| digest.at),
            request,
            account: sweep.account().account_key(),
            depth,
            full_at: position.full_at,
            first: position.full_at.is_none(),
            began: Instant::now(),
            ends: None,
            aliases: None,
            store: sweep.store()?,
            history: History::new(&sweep.trail, at),
            outcome: RefCell::new(nothing()),
            failures: RefCell::default(),
            notes: RefCell::default(),
            gone: RefCell::default(),
            still: RefCell::default(),
            use_due: RefCell::default(),
            list: RefCell::default(),
            listed: 0,
            left_out: Cell::new(0),
            looked_at: Cell::new(0),
            told: Cell::new(0),
            turns: Mutex::default(),
        })
    }

    /// It began then, and has until then.
    pub(super) fn within(self, began: Instant, ends: Option<Instant>) -> Self {
        Self {
            began,
            ends,
            ..self
        }
    }

    /// These parts of the roster stood still when a sweep left them.
    pub(super) fn with_still(self, still: StillParts) -> Self {
        Self {
            still: RefCell::new(still),
            ..self
        }
    }

    /// These parts of the list were written.
    pub(super) fn with_list(self, list: listing::Parts) -> Self {
        Self {
            list: RefCell::new(list),
            ..self
        }
    }

    /// KMS listed so many keys.
    pub(super) fn with_listed(self, listed: usize) -> Self {
        Self { listed, ..self }
    }

    /// The names of all keys, or why they are not known.
    pub(super) fn with_aliases(mut self, aliases: Result<Aliases, CallError>) -> Self {
        match aliases {
            Ok(aliases) => self.aliases = Some(aliases),
            Err(error) => self.note(format!("the aliases were not listed: {error}")),
        }
        self
    }

    /// Waits until it is the turn of an alert of `kind`. The first ones are told one after the other, each when the one before
    /// is written down: which of them go out alone, and from which on they are folded, is then the same however fast the sweep
    /// is.
    pub(super) async fn turn(
        &self,
        kind: &'static str,
    ) -> Option<MutexGuard<'_, BTreeMap<&'static str, u64>>> {
        let mut turns = self.turns.lock().await;
        let count = turns.entry(kind).or_default();
        *count += 1;
        (*count <= IN_TURN).then_some(turns)
    }

    /// Its time, in hours since 1970.
    pub(super) fn hour(&self) -> i64 {
        self.at.as_second() / 3_600
    }

    /// Notes from when on a part of the roster has a key to be asked for its last use.
    pub(super) fn note_use_due(&self, shard: u8, entries: &Entries) {
        let due = roster::use_due(entries, self.hour());
        self.use_due.borrow_mut().insert(shard, due);
    }

    /// There is no time for more.
    pub(super) fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }

    /// Takes note of what another run, now, could make good.
    pub(super) fn fail(&self, error: Option<HandleError>) {
        let error = error.map(|error| error.to_string());
        self.failures.borrow_mut().extend(error);
    }

    /// Takes note of what could not be done.
    pub(super) fn note(&self, what: String) {
        self.notes.borrow_mut().push(what);
    }

    /// The parts of the roster in which a light sweep has nothing to look at.
    pub(super) fn standing_still(&self, keys: &Keys) -> BTreeMap<u8, Still> {
        let still = self.still.borrow();
        let find = |shard| {
            let found = still.find(shard, keys.shard(shard), self.aliases.as_ref())?;
            Some((shard, found.clone()))
        };
        let shards = (0..SHARDS).filter(|_| self.depth == Depth::Light);
        shards.filter_map(find).collect()
    }

    /// Forgets that these parts stood still, before anything in them is looked at: what is noted is never older than the
    /// roster.
    pub(super) async fn disturb(&self, shards: &[u8]) -> Result<(), CallError> {
        for shard in shards {
            self.still.borrow_mut().note(*shard, None);
        }
        let news = self.still.borrow_mut().take_news(&self.account);
        self.store.put(news.as_slice()).await
    }

    /// What is known of the keys in these parts of the roster.
    pub(super) async fn rosters(
        &self,
        shards: impl IntoIterator<Item = u8>,
    ) -> Result<Vec<Entries>, CallError> {
        let names: Vec<_> = shards
            .into_iter()
            .map(|shard| roster::key(&self.account, shard))
            .collect();
        let items = self.store.read(&names).await?;
        let of = |name: &ItemKey| items.iter().find(|item| name.names(item));
        Ok(names
            .iter()
            .map(|name| of(name).map_or_else(Entries::new, roster::read))
            .collect())
    }

    /// The same, with the parts of the list.
    pub(super) async fn known(
        &self,
        shards: impl IntoIterator<Item = u8>,
    ) -> Result<Vec<(Entries, listing::Part)>, CallError> {
        let names: Vec<_> = shards
            .into_iter()
            .flat_map(|shard| {
                let account = &self.account;
                [
                    roster::key(account, shard),
                    listing::Part::key(account, shard),
                ]
            })
            .collect();
        let items = self.store.read(&names).await?;
        let of = |name: &ItemKey| items.iter().find(|item| name.names(item));
        Ok(names
            .chunks_exact(2)
            .map(|names| {
                let entries = of(&names[0]).map_or_else(Entries::new, roster::read);
                let list = of(&names[1]).map_or_else(listing::Part::default, listing::Part::read);
                (entries, list)
            })
            .collect())
    }
}

/// The outcome of a run that told nothing.
pub(super) fn nothing() -> Outcome {
    Outcome {
        verdict: Verdict::Ignored,
        alerts: Vec::new(),
        reason: None,
    }
}
