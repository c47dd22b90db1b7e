//! A sweep over all keys of an account, part by part of its roster: look, remember, tell.
//!
//! What a difference needs to be told is written into the profile together with what is new, and taken out when people
//! know: whatever dies in between, nothing is told never, and nothing that was done is done again.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::time::Duration;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;
use watch_core::actor::Actor;
use watch_core::arn::{KeyArn, KeyStoreId};
use watch_core::config::SweepConfig;
use watch_core::decision::{Decide, Occurrence};
use watch_core::event::unwrap;
use watch_core::key::State;
use watch_core::kinds::{
    InventoryDigest, KeyDeleted, KeyStoreUnhealthy, KeyVanished, Kind, iso_week,
};
use watch_core::ledger::profile::{Dated, Held};
use watch_core::ledger::{Item, ItemKey, Policy, Profile, alias};
use watch_core::pipeline::{HandleError, Outcome, Verdict, Watch};
use watch_core::ports::{
    CallError, CallErrorKind, Census, Clock, Datum, Kms, Ledger, MAX_DATA, MetricUnit, Metrics,
    Topics, Trail,
};
use watch_core::subject::Subject;
use watch_core::text::Untrusted;

use crate::census::{Aliases, Keys, key_stores};
use crate::difference::differences;
use crate::due::due;
use crate::look::{Look, Wants};
use crate::missed::{History, operation, recorded, unrecorded};
use crate::order::{Depth, Order};
use crate::pace::{Operation, Paced, Use};
use crate::position::{Digest, Episode, Gone, Pass, Position};
use crate::roster::{self, Entries, Entry, SHARDS, hash_of_aliases};
use crate::store::Store;
use crate::tally::{Hidden, Tally, datum};

/// Keys that are looked at at once. With answers in 20 ms that is enough for every quota.
const LOOKS_AT_ONCE: usize = 48;
/// So many keys are looked at before the position is noted.
const STRETCH: usize = 64;
/// Profiles that are read at once.
const PROFILES_AT_ONCE: usize = 50;
/// Alerts that are told at once: each asks KMS up to seven times.
const TELLINGS_AT_ONCE: usize = 4;
/// Alerts that the answer of a run holds; all are on the feed.
const ALERTS_IN_ANSWER: usize = 100;

/// A run that has no more than this left, or a quarter of what it had, hands over to the next.
const MARGIN: Duration = Duration::from_secs(45);
/// How long a run asks for last uses: with one run an hour, of some 3,000 keys a day.
const USE_FOR: Duration = Duration::from_secs(60);
/// How old the knowledge of a key's last use becomes.
const USE_ASKED_EVERY_HOURS: i64 = 20;
/// If `GetKeyLastUsage` fails so often in a row, others need it more, or it is not allowed.
const USE_REFUSED: u32 = 3;
/// Between two askings whether a key is gone.
const GONE_PAUSE: Duration = Duration::from_millis(500);
/// A key that expires so much later than the first step of the countdown is not looked at every hour.
const EXPIRY_AHEAD: SignedDuration = SignedDuration::from_hours(48);

/// The sweep, with the world through its ports.
#[derive(Debug)]
pub struct Sweep<K, B, T, L, C, R, M> {
    /// Tells what is found, as any function does.
    pub watch: Watch<B, T, L, C>,
    /// KMS as a sweep asks it.
    pub kms: Paced<K>,
    /// CloudTrail's event history.
    pub trail: R,
    /// Where measurements go.
    pub metrics: M,
    /// The settings.
    pub config: SweepConfig,
    /// What the functions make of an event: a call that no event told of is worded by them.
    pub decides: Vec<Decide>,
}

/// A clock that is set to the time for which a sweep was asked, and goes on from there.
#[derive(Debug)]
pub struct SweepClock<C> {
    clock: C,
    set: Cell<Option<(Timestamp, Instant)>>,
}

impl<C: Clock> SweepClock<C> {
    /// `clock`, until it is set.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            set: Cell::new(None),
        }
    }

    fn set(&self, at: Option<Timestamp>) {
        self.set.set(at.map(|at| (at, Instant::now())));
    }
}

impl<C: Clock> Clock for SweepClock<C> {
    fn now(&self) -> Timestamp {
        match self.set.get() {
            Some((at, since)) => at.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX),
            None => self.clock.now(),
        }
    }
}

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

/// A run that did not do all it should. Lambda invokes the function again.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// An event that is no sweep could not be told.
    #[error(transparent)]
    Event(#[from] HandleError),
    /// The keys could not be listed.
    #[error("failed to list the keys: {0}")]
    NoKeys(CallError),
    /// The ledger gives no answer, and without it every sweep would be the first.
    #[error("failed to ask the ledger: {0}")]
    Ledger(CallError),
    /// Alerts that are to be told again, and measurements that were not taken.
    #[error("the sweep is done, but {0}")]
    Incomplete(String),
}

impl SweepError {
    /// The error's type as Lambda reports it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Event(error) => error.kind(),
            Self::NoKeys(_) => "KeysNotListed",
            Self::Ledger(_) => "LedgerFailed",
            Self::Incomplete(_) => "SweepIncomplete",
        }
    }
}

/// What one run knows and counts.
struct Run<'a, R> {
    at: Timestamp,
    /// What changed since is in the next digest.
    since: Timestamp,
    request: &'a str,
    account: String,
    depth: Depth,
    /// No full sweep ever came to its end: changes are learnt, and not told.
    first: bool,
    began: Instant,
    ends: Option<Instant>,
    aliases: Option<Aliases>,
    history: History<'a, R>,
    outcome: RefCell<Outcome>,
    /// What another run, now, could make good.
    failures: RefCell<Vec<String>>,
    /// What it could not.
    notes: RefCell<Vec<String>>,
    gone: RefCell<Gone>,
    looked_at: Cell<u64>,
    told: Cell<u64>,
}

impl<R> Run<'_, R> {
    /// There is no time for more.
    fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

/// What a look at a key left behind.
struct Seen<'a> {
    key: &'a KeyArn,
    entry: Entry,
    profile: Profile,
    hidden: Option<(&'static str, Untrusted)>,
    ripe: Vec<Held>,
    due: Vec<Kind>,
}

impl<K, B, T, L, C, R, M> Sweep<K, B, T, L, SweepClock<C>, R, M>
where
    K: Kms + Census,
    B: Kms,
    T: Topics,
    L: Ledger,
    C: Clock,
    R: Trail,
    M: Metrics,
{
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
        let item = store
            .get(Position::key(&account))
            .await
            .map_err(SweepError::Ledger)?;
        let mut position = item.as_ref().map_or_else(Position::default, Position::read);
        let at = self.set_clock(order.at, position.run_at);
        position.run_at = Some(at);
        let first = position.full_at.is_none();
        let mut pass = begin(&mut position, order.depth, request, at);
        self.kms.take_use();

        let (keys, aliases) = tokio::join!(Keys::list(&self.kms), Aliases::list(&self.kms));
        let keys = keys.map_err(SweepError::NoKeys)?;
        let week_ago = at
            .checked_sub(SignedDuration::from_hours(7 * 24))
            .unwrap_or(at);
        let run = Run {
            at,
            since: position
                .digest
                .as_ref()
                .map_or(week_ago, |digest| digest.at),
            request,
            account,
            depth: pass.depth,
            first,
            began,
            ends,
            notes: RefCell::new(
                aliases
                    .as_ref()
                    .err()
                    .map(|error| format!("the aliases were not listed: {error}"))
                    .into_iter()
                    .collect(),
            ),
            aliases: aliases.ok(),
            history: History::new(&self.trail, at),
            outcome: RefCell::new(Outcome {
                verdict: Verdict::Ignored,
                alerts: Vec::new(),
                reason: None,
            }),
            failures: RefCell::default(),
            gone: RefCell::default(),
            looked_at: Cell::new(0),
            told: Cell::new(0),
        };
        tracing::info!(
            depth = pass.depth.as_str(),
            keys = keys.count(),
            shard = pass.shard,
            first,
            "sweep"
        );

        while pass.shard < SHARDS && !run.is_over() {
            let next = stretch(&keys, pass.shard);
            let rosters = self.rosters(&run, &store, next.clone()).await;
            let rosters = rosters.map_err(SweepError::Ledger)?;
            let parts = next
                .zip(&rosters)
                .map(|(shard, roster)| self.shard(&run, &store, keys.shard(shard), shard, roster));
            let parts = try_join_all(parts).await.map_err(SweepError::Ledger)?;
            // Those that there was time for, up to the first that there was none for.
            for counted in parts.into_iter().map_while(|part| part) {
                pass.tally.absorb(counted);
                pass.shard += 1;
            }
            position.gone.absorb(run.gone.take());
            position.pass = Some(pass.clone());
            self.save(&run, &position).await?;
        }
        let finished = pass.shard == SHARDS;
        pass.seconds += began.elapsed().as_secs_f64();
        if finished {
            position.pass = None;
            self.finish(&run, &pass, &mut position).await;
        } else {
            position.pass = Some(pass.clone());
            self.measure(
                &run,
                age_of_full(run.at, position.full_at).into_iter().collect(),
            )
            .await;
        }
        self.save(&run, &position).await?;
        let uses_asked = self
            .uses(&run, &store, &keys, &mut position)
            .await
            .map_err(SweepError::Ledger)?;
        if uses_asked > 0 {
            self.save(&run, &position).await?;
        }
        self.report(&run, finished, keys.count(), uses_asked)
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

    fn store(&self) -> Result<Store<'_, L>, SweepError> {
        let none = || SweepError::Ledger(CallError::new("NoLedger", "LEDGER_TABLE is not set"));
        self.watch.ledger.as_ref().map(Store).ok_or_else(none)
    }

    async fn save(&self, run: &Run<'_, R>, position: &Position) -> Result<(), SweepError> {
        let item = position.item(&run.account);
        self.store()?.put(&[item]).await.map_err(SweepError::Ledger)
    }

    /// What is known of the keys in these parts of the roster.
    async fn rosters(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        shards: Range<u8>,
    ) -> Result<Vec<Entries>, CallError> {
        let names: Vec<_> = shards
            .map(|shard| roster::key(&run.account, shard))
            .collect();
        let items = store.read(&names).await?;
        let of = |name: &ItemKey| items.iter().find(|item| name.names(item));
        Ok(names
            .iter()
            .map(|name| of(name).map_or_else(Entries::new, roster::read))
            .collect())
    }

    /// Looks at the keys of one part of the roster, and counts them. `None` if there was no time for all.
    async fn shard(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        listed: &[KeyArn],
        number: u8,
        before: &Entries,
    ) -> Result<Option<Tally>, CallError> {
        let mut after = Entries::new();
        let mut counted = Tally::default();
        let mut worth = Vec::new();
        for key in listed {
            let known = before.get(key.id());
            let names = run.aliases.as_ref();
            let is_managed = names.is_some_and(|names| names.tell_managed(key));
            match known {
                known if is_managed || known.is_some_and(|entry| entry.managed) => {
                    counted.aws_managed += 1;
                    let managed = Entry {
                        managed: true,
                        ..Entry::default()
                    };
                    after.insert(key.id().to_owned(), managed);
                }
                Some(entry) if run.depth == Depth::Light && !is_worth_a_look(names, key, entry) => {
                    after.insert(key.id().to_owned(), entry.clone());
                }
                known => worth.push((key, known)),
            }
        }

        let mut seen = Vec::new();
        for some in worth.chunks(PROFILES_AT_ONCE) {
            let names = some
                .iter()
                .flat_map(|(key, known)| items_of(key, *known))
                .collect::<Vec<_>>();
            let items = &store.read(&names).await?;
            let looks = some
                .iter()
                .map(|(key, known)| Box::pin(self.look(run, store, items, key, *known)));
            let mut looks = stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
            while let Some(look) = looks.next().await {
                let Some(look) = look? else {
                    return Ok(None);
                };
                after.insert(look.key.id().to_owned(), look.entry.clone());
                if look.entry.managed {
                    counted.aws_managed += 1;
                    continue;
                }
                let hidden = look.hidden.as_ref();
                let hidden = hidden.map(|(operation, reason)| Hidden { operation, reason });
                let owner = &self.config.alerts.owner_tag_key;
                counted.add(
                    look.key,
                    &look.profile,
                    hidden.as_ref(),
                    owner,
                    run.since,
                    run.at,
                );
                if !look.ripe.is_empty() || !look.due.is_empty() {
                    seen.push(look);
                }
            }
        }
        self.tell_all(run, store, seen).await?;
        for (id, entry) in before {
            if !after.contains_key(id)
                && let Some(key) = self.key(id)
                && let Some(entry) = self.missing(run, store, &key, entry).await?
            {
                after.insert(id.clone(), entry);
            }
        }
        if after != *before {
            store
                .put(&[roster::item(&run.account, number, &after)])
                .await?;
        }
        Ok(Some(counted))
    }

    /// Looks at one key, and remembers what is new together with what is to be told of it. `None` if there is no time.
    async fn look<'a>(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        items: &[Item],
        key: &'a KeyArn,
        known: Option<&Entry>,
    ) -> Result<Option<Seen<'a>>, CallError> {
        if run.is_over() {
            return Ok(None);
        }
        let (at, partition) = (run.at, key.to_string());
        let find = |name: &ItemKey| items.iter().find(|item| name.names(item));
        let profile_key = Profile::key(&partition);
        let before = find(&profile_key).map_or_else(Profile::default, Profile::read);
        let entry = known.cloned().unwrap_or_default();
        let policy_known = entry.policy_known || find(&Policy::key(&partition)).is_some();
        let aliases = run.aliases.as_ref().map(|aliases| aliases.of(key).to_vec());
        let depth = if known.is_some() {
            run.depth
        } else {
            Depth::Full
        };
        let wants = Wants {
            depth,
            policy: !policy_known && depth == Depth::Full,
            before: &before,
        };
        let look = Look::at(&self.kms, key, aliases, wants).await;
        run.looked_at.update(|count| count + 1);

        let mut profile = before.clone();
        if !look.is_managed() {
            look.teach(&mut profile, at);
            if !run.first {
                let is_new = |found: &Held| {
                    let mut held = before.held.iter();
                    held.all(|held| (&held.kind, &held.what) != (&found.kind, &found.what))
                };
                profile.held.extend(
                    differences(&before, &profile, at)
                        .into_iter()
                        .filter(is_new),
                );
            }
            store
                .set(&profile_key, &before.changes(&profile, at))
                .await?;
            let mut news = alias::sighted(&run.account, key, &before, &profile, at);
            if let Some(Ok(policy)) = &look.policy {
                let policy = Policy {
                    policy: policy.clone(),
                    as_of: at,
                };
                news.push(policy.item(&partition));
            }
            store.put(&news).await?;
        }
        let is_ripe = |held: &&Held| at.duration_since(held.found_at) >= self.config.hold;
        Ok(Some(Seen {
            key,
            entry: Entry {
                watched: is_watched(&profile, &look, &self.config, at),
                managed: look.is_managed(),
                policy_known: policy_known || matches!(look.policy, Some(Ok(_))),
                aliases: look
                    .aliases
                    .as_deref()
                    .map_or(entry.aliases, hash_of_aliases),
                use_asked: entry.use_asked,
                gone_since: None,
            },
            hidden: look
                .blind_spot()
                .map(|(operation, error)| (operation, error.reason())),
            ripe: profile.held.iter().filter(is_ripe).cloned().collect(),
            due: due(&profile, &self.config, at),
            profile,
        }))
    }

    /// A key of the roster that KMS does not list: what is kept of it, `None` once people know that it is gone.
    async fn missing(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        key: &KeyArn,
        entry: &Entry,
    ) -> Result<Option<Entry>, CallError> {
        if entry.managed {
            return Ok(None);
        }
        let item = store.get(Profile::key(&key.to_string())).await?;
        let profile = item.as_ref().map_or_else(Profile::default, Profile::read);
        if profile.deleted_at.is_some() {
            // An event told of it.
            run.gone.borrow_mut().deleted += 1;
            return Ok(None);
        }
        let since = entry.gone_since.unwrap_or(run.at);
        let kept = Some(Entry {
            gone_since: Some(since),
            ..entry.clone()
        });
        let is_gone = async || {
            let answer = self.kms.describe_key(key).await;
            matches!(answer, Err(error) if error.kind() == CallErrorKind::NotFound)
        };
        run.looked_at.update(|count| count + 1);
        if !is_gone().await {
            // Not listed, and there; or KMS does not say.
            return Ok(Some(Entry {
                watched: true,
                gone_since: None,
                ..entry.clone()
            }));
        }
        if run.at.duration_since(since) < self.config.hold {
            return Ok(kept);
        }
        if entry.gone_since.is_none() {
            // One answer may be wrong; if the second is not to wait for the next sweep, it comes a moment later.
            tokio::time::sleep(GONE_PAUSE).await;
            if !is_gone().await {
                return Ok(Some(Entry {
                    watched: true,
                    ..entry.clone()
                }));
            }
        }
        let occurrence = self.end_of(run, key, &profile, since).await;
        let deleted = matches!(occurrence.kind, Kind::KeyDeleted(_));
        if !self.tell(run, occurrence).await {
            return Ok(kept);
        }
        if deleted {
            run.gone.borrow_mut().deleted += 1;
        } else {
            run.gone.borrow_mut().vanished += 1;
        }
        Ok(None)
    }

    /// How a key ended that KMS does not know any more.
    async fn end_of(
        &self,
        run: &Run<'_, R>,
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
        recorded(&records, &self.decides, key, &held)
            .unwrap_or_else(|| occurrence(KeyVanished::new(last_seen).into(), since, None))
    }

    /// Tells what is ripe and what is due.
    async fn tell_all(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        seen: Vec<Seen<'_>>,
    ) -> Result<(), CallError> {
        for held in seen.iter().flat_map(|seen| &seen.ripe) {
            if let Some(operation) = operation(&held.kind).filter(|_| held.happened_at.is_none()) {
                // Asked for one after the other; what comes next finds them there.
                run.history.records(operation, held.known_at).await;
            }
        }
        let told = seen.iter().map(|seen| self.tell_of(run, store, seen));
        let mut told = stream::iter(told).buffer_unordered(TELLINGS_AT_ONCE);
        while let Some(told) = told.next().await {
            told?;
        }
        Ok(())
    }

    async fn tell_of(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        seen: &Seen<'_>,
    ) -> Result<(), CallError> {
        let mut held = seen.profile.held.clone();
        for ripe in &seen.ripe {
            let told_by_event = operation(&ripe.kind).is_some()
                && seen
                    .profile
                    .tellings
                    .get(&ripe.kind)
                    .is_some_and(|telling| telling.at > ripe.known_at);
            let is_told = told_by_event
                || match self.occurrence(run, seen, ripe).await {
                    Some(occurrence) => self.tell(run, occurrence).await,
                    // Of a kind that this version does not know.
                    None => true,
                };
            if is_told {
                held.retain(|held| held != ripe);
            }
        }
        if held != seen.profile.held {
            let held = serde_json::to_value(&held).unwrap_or_default();
            let change = Item::from_iter([("held".to_owned(), held)]);
            store
                .set(&Profile::key(&seen.key.to_string()), &change)
                .await?;
        }
        for kind in &seen.due {
            let subject = Subject::Key(seen.key.clone());
            let occurrence = Occurrence::of_sweep(subject, kind.clone(), run.at, None);
            self.tell(run, occurrence).await;
        }
        Ok(())
    }

    /// What a difference tells of.
    async fn occurrence(
        &self,
        run: &Run<'_, R>,
        seen: &Seen<'_>,
        held: &Held,
    ) -> Option<Occurrence> {
        if let Some(operation) = operation(&held.kind).filter(|_| held.happened_at.is_none()) {
            let records = run.history.records(operation, held.known_at).await;
            if let Some(occurrence) = recorded(&records, &self.decides, seen.key, held) {
                return Some(occurrence);
            }
        }
        unrecorded(seen.key, held, &seen.profile)
    }

    /// Tells people, unless that was done; whether it is.
    async fn tell(&self, run: &Run<'_, R>, occurrence: Occurrence) -> bool {
        match self.watch.report(occurrence, run.request).await {
            Ok(told) => {
                let mut outcome = run.outcome.borrow_mut();
                outcome.verdict = outcome.verdict.max(told.verdict);
                let room = ALERTS_IN_ANSWER.saturating_sub(outcome.alerts.len());
                outcome.alerts.extend(told.alerts.into_iter().take(room));
                run.told.update(|count| count + 1);
                true
            }
            Err(error) => {
                run.failures.borrow_mut().push(error.to_string());
                false
            }
        }
    }

    /// What there is to do once every key was looked at.
    async fn finish(&self, run: &Run<'_, R>, pass: &Pass, position: &mut Position) {
        let mut tally = pass.tally.clone();
        if pass.depth == Depth::Full {
            position.full_at = Some(pass.started_at);
            position.full_by = Some(run.request.to_owned());
            position.keys_by_store.clone_from(&tally.by_store);
            position.next_expiry = tally.next_expiry;
        } else {
            // A light sweep looks at the expiries that are near.
            let far = position.next_expiry.filter(|date| *date > run.at);
            tally.next_expiry = tally.next_expiry.or(far);
        }
        self.stores(run, position).await;
        let mut data = tally.countdown_data(run.at);
        if pass.depth == Depth::Full {
            data.extend(tally.data(run.at));
        }
        data.push(Datum {
            dimensions: vec![("Sweep", pass.depth.as_str().to_owned())],
            ..datum("SweepSeconds", MetricUnit::Seconds, pass.seconds, run.at)
        });
        data.extend(age_of_full(run.at, position.full_at));
        self.measure(run, data).await;
        if pass.depth == Depth::Full && self.config.digest {
            self.digest(run, &tally, position).await;
        }
    }

    /// Custom key stores that do not work: told once, until they work again.
    async fn stores(&self, run: &Run<'_, R>, position: &mut Position) {
        let stores = match key_stores(&self.kms).await {
            Ok(stores) => stores,
            Err(error) => {
                run.notes
                    .borrow_mut()
                    .push(format!("the key stores were not listed: {error}"));
                return;
            }
        };
        let known = std::mem::take(&mut position.stores);
        for (id, data) in stores {
            let word =
                |word: &Option<Untrusted>| word.as_ref().map(|word| word.as_str().to_owned());
            let state = word(&data.connection_state).unwrap_or_default();
            let error_code = word(&data.error_code);
            let before = known.get(id.as_str());
            let holds_keys = position
                .keys_by_store
                .get(id.as_str())
                .is_some_and(|keys| *keys > 0);
            let is_down = state == "FAILED" || (state == "DISCONNECTED" && holds_keys);
            let episode = match before {
                Some(before) if before.state == state && before.error_code == error_code => {
                    before.clone()
                }
                before => Episode {
                    worked_at: before.and_then(|before| before.worked_at),
                    state,
                    error_code,
                    since: run.at,
                    told: false,
                },
            };
            let episode = self.store_episode(run, &id, is_down, episode).await;
            position.stores.insert(id.as_str().to_owned(), episode);
        }
    }

    async fn store_episode(
        &self,
        run: &Run<'_, R>,
        id: &KeyStoreId,
        is_down: bool,
        mut episode: Episode,
    ) -> Episode {
        if !is_down {
            episode.worked_at = Some(run.at);
            return episode;
        }
        // What somebody did has an event of its own, which may be late.
        let may_be_told = episode.state == "DISCONNECTED" && !run.first;
        if episode.told || (may_be_told && run.at.duration_since(episode.since) < self.config.hold)
        {
            return episode;
        }
        let home = self.account();
        let subject = Subject::KeyStore {
            partition: home.partition().clone(),
            account: home.account().clone(),
            region: home.region().clone(),
            id: id.clone(),
        };
        if may_be_told && self.was_disconnected(&subject, &episode).await {
            episode.told = true;
            return episode;
        }
        let error_code = episode.error_code.as_deref().map(Untrusted::new);
        let state = Untrusted::new(&episode.state);
        let kind = KeyStoreUnhealthy::of_sweep(episode.since, &state, error_code.as_ref());
        let occurrence = Occurrence::of_sweep(subject, kind, episode.since, None);
        episode.told = self.tell(run, occurrence).await;
        episode
    }

    /// People know that somebody disconnected the key store, since it last worked.
    async fn was_disconnected(&self, subject: &Subject, episode: &Episode) -> bool {
        let Some(ledger) = &self.watch.ledger else {
            return false;
        };
        let item = Store(ledger)
            .get(Profile::key(&subject.partition_key()))
            .await;
        let profile = item
            .ok()
            .flatten()
            .map_or_else(Profile::default, |item| Profile::read(&item));
        let told = profile.tellings.get("KeyStoreDisconnected");
        told.is_some_and(|told| episode.worked_at.is_none_or(|worked| told.at >= worked))
    }

    async fn measure(&self, run: &Run<'_, R>, data: Vec<Datum>) {
        for data in data.chunks(MAX_DATA) {
            let put = self
                .metrics
                .put_metric_data(&self.config.metric_namespace, data);
            if let Err(error) = put.await {
                tracing::error!(%error, "no metrics");
                run.notes.borrow_mut().push(format!("no metrics: {error}"));
            }
        }
    }

    /// Once a week, by the first full sweep in it.
    async fn digest(&self, run: &Run<'_, R>, tally: &Tally, position: &mut Position) {
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

    /// Asks for last uses, part by part of the roster, so that those that were asked longest ago come first: as many as
    /// there is time for. How many were asked.
    async fn uses(
        &self,
        run: &Run<'_, R>,
        store: &Store<'_, L>,
        keys: &Keys,
        position: &mut Position,
    ) -> Result<u64, CallError> {
        let ends = Instant::now() + USE_FOR;
        let ends = run.ends.map_or(ends, |other| other.min(ends));
        let hour = run.at.as_second() / 3_600;
        let (mut asked, mut refused) = (0, 0);
        let mut rosters: VecDeque<(u8, Entries)> = VecDeque::new();
        for _ in 0..SHARDS {
            if rosters.is_empty() {
                let next = stretch(keys, position.use_shard % SHARDS);
                let known = self.rosters(run, store, next.clone()).await?;
                rosters.extend(next.zip(known));
            }
            let Some((number, mut entries)) = rosters.pop_front() else {
                break;
            };
            let is_old = |entry: &Entry| {
                entry
                    .use_asked
                    .is_none_or(|asked| hour - asked >= USE_ASKED_EVERY_HOURS)
            };
            let due = entries
                .iter_mut()
                .filter(|(_, entry)| !entry.managed && entry.gone_since.is_none() && is_old(entry));
            let mut due: Vec<_> = due.collect();
            due.sort_by_key(|(_, entry)| entry.use_asked);
            let (mut is_done, mut changed) = (true, false);
            for (id, entry) in due {
                if Instant::now() >= ends || refused >= USE_REFUSED {
                    is_done = false;
                    break;
                }
                let Some(key) = self.key(id) else {
                    continue;
                };
                let answer = self.kms.get_key_last_usage(&key).await;
                asked += 1;
                match answer {
                    Ok(usage) => {
                        refused = 0;
                        let usage = Dated {
                            value: usage,
                            as_of: run.at,
                        };
                        let usage = serde_json::to_value(usage).unwrap_or_default();
                        let change = Item::from_iter([("lastUse".to_owned(), usage)]);
                        store.set(&Profile::key(&key.to_string()), &change).await?;
                    }
                    Err(error) => {
                        refused += 1;
                        if error.kind() == CallErrorKind::Throttled {
                            continue;
                        }
                        // Not allowed, or not there: the next round asks again.
                    }
                }
                (entry.use_asked, changed) = (Some(hour), true);
            }
            if changed {
                store
                    .put(&[roster::item(&run.account, number, &entries)])
                    .await?;
            }
            if !is_done {
                break;
            }
            position.use_shard = (number + 1) % SHARDS;
        }
        Ok(asked)
    }

    fn report(
        &self,
        run: &Run<'_, R>,
        finished: bool,
        listed: usize,
        uses_asked: u64,
    ) -> Result<Report, SweepError> {
        let used: BTreeMap<Operation, Use> = self.kms.take_use();
        let summary = Summary {
            depth: run.depth,
            at: run.at,
            finished,
            listed,
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
            listed,
            looked_at = summary.looked_at,
            told = summary.told,
            uses_asked,
            seconds = summary.seconds,
            throttled = summary.throttled,
            "swept"
        );
        let failures = run.failures.take();
        if let Some(first) = failures.first() {
            let what = format!("{} alerts were not told: {first}", failures.len());
            return Err(SweepError::Incomplete(what));
        }
        let mut outcome = run.outcome.replace(Outcome {
            verdict: Verdict::Ignored,
            alerts: Vec::new(),
            reason: None,
        });
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
}

/// The parts of the roster from `shard` on that are looked at together: those of a small account are small.
fn stretch(keys: &Keys, shard: u8) -> Range<u8> {
    let (mut end, mut count) = (shard, 0);
    while end < SHARDS && count < STRETCH {
        count += keys.shard(end).len();
        end += 1;
    }
    shard..end
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

/// How old the last full sweep is: the alarm on a missed sweep.
fn age_of_full(at: Timestamp, full_at: Option<Timestamp>) -> Option<Datum> {
    let age = at.duration_since(full_at?).as_secs_f64().max(0.0);
    Some(datum("FullSweepAge", MetricUnit::Seconds, age, at))
}

/// The items of a key that a look needs.
fn items_of(key: &KeyArn, known: Option<&Entry>) -> Vec<ItemKey> {
    let partition = key.to_string();
    let mut names = vec![Profile::key(&partition)];
    if known.is_none_or(|entry| !entry.policy_known) {
        names.push(Policy::key(&partition));
    }
    names
}

/// A light sweep looks at a key that was in motion, or has another name.
fn is_worth_a_look(aliases: Option<&Aliases>, key: &KeyArn, entry: &Entry) -> bool {
    let is_renamed =
        aliases.is_some_and(|aliases| hash_of_aliases(aliases.of(key)) != entry.aliases);
    entry.watched || entry.gone_since.is_some() || is_renamed
}

/// Every sweep has to look at the key: its state will change by itself, or it is not known how it stands.
fn is_watched(profile: &Profile, look: &Look, config: &SweepConfig, at: Timestamp) -> bool {
    let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
        return look.is_owed();
    };
    let is_settled = matches!(metadata.state, Some(State::Enabled | State::Disabled));
    let first_step = config
        .alerts
        .expiry_warning_days
        .first()
        .copied()
        .unwrap_or_default();
    let ahead = SignedDuration::from_hours(i64::from(first_step) * 24) + EXPIRY_AHEAD;
    let expires = metadata
        .expires_at
        .is_some_and(|end| end.duration_since(at) <= ahead);
    !is_settled || expires || !profile.held.is_empty() || look.is_owed()
}

#[cfg(test)]
mod tests;
