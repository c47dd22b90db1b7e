//! A year of an account's life, simulated: is every occurrence told, and none twice?
//!
//! What is under test is the real thing: the decisions of every function and the sweeps, routed by the rules of `template.yaml`, the
//! pipeline, and the adapters with the SDK's clients, their retries and their timeouts, against the embedded KMS, SNS
//! and DynamoDB. Only sockets and waiting are left out: requests go from the SDK to the embedded AWS within the process,
//! and tokio's clock is paused, so that it leaps from one timer to the next. One seed gives one year.
//!
//! # The model
//!
//! * **The keys**: symmetric, asymmetric, with imported material that expires, and multi-Region with replicas that are
//!   deleted and made again. Eleven actors schedule and cancel deletions, switch rotation on and off, rotate, import and
//!   delete material; KMS rotates, expires and deletes. Now and then one actor does the same to up to 44 keys within
//!   minutes, which has to be folded into a burst. Some calls fail, and nobody is to hear of them.
//! * **The attackers**: one in so many deeds begins an attack: a foreign grant, a hostile policy, a disabled or a condemned key,
//!   hidden among six to nine decoys on other keys, on the same key, on keys of the same owner; behind another owner tag;
//!   behind forged items of the ledger (claims that say `DELIVERED`, notes of a sweep, the policy, counters, the position of the
//!   sweeps, windows of bursts); calls against the watch itself; and acts of which no event tells. Hours later those on call put
//!   it right.
//! * **The sweeps**: a light one every hour, a full one every day, at the times of the template. In a short year those that
//!   have nothing to find are left out.
//! * **The tellings**: the embedded AWS words every event; KMS's own doings are told twice, by KMS and by CloudTrail, one
//!   in five in the shape from before 2025, which does not name the key material. Eight percent are lost, eleven arrive
//!   several times, and they arrive at once, within minutes, or up to a day late, in any order. KMS repeats a deletion
//!   under another id and time.
//! * **Lambda**: any number of invocations at the same time, each a future of its own, with a few virtual milliseconds at
//!   every call, so that tellings of one occurrence run into each other. Three attempts with one request id, a minute
//!   and two apart; then the on-failure queue, whose record is redriven a day later, for as long as it takes. A process
//!   that dies is a future that is dropped in the middle of a call, before or after the call has had its effect.
//! * **The weather**: calls to KMS, SNS and DynamoDB are throttled, denied, answered with status 500, slow beyond every
//!   timeout, cut off, or done without an answer; a few percent on a good day, four in five during spells of twenty
//!   minutes.
//!
//! # The verdicts
//!
//! The generator keeps its own book of what happened and which event told of it; that and what the topics took is all
//! that is judged.
//!
//! * **Lost**: a telling arrived, and the alert did not reach people, chat and feed. Folded is not lost if five more like
//!   it by the same actor were there to be folded, or an attacker forged that, the feed has the alert, and people have a
//!   message about the burst that names the key (chat names the first ones).
//! * **Not heard of**: people did not know of it, by itself or by name, when the first sweep was over that began five minutes
//!   after the event was dealt with. Or nobody heard of an act of which no event told.
//! * **Kept from the owner**: a key was given another owner tag, and the alert about what was done next went past the owner
//!   before.
//! * **Twice**: a topic has an alert about the same occurrence again. Each must have a cause on record: the process
//!   died between publishing and marking; SNS took the message and its answer was lost; the ledger failed, and the log
//!   said so; or the telling does not name its key material and KMS did not say (the known slip of the design: the
//!   identity is then the kind alone); or the key's items were forged before. One without a cause fails the proof. In `calm` runs nothing dies, the ledger is
//!   well and no answer of SNS is lost: there only that slip is a cause.
//! * **Misnamed**: an alert names another key material than the one that it is about.
//! * **Merged**: lost by contract: two occurrences of one kind on one key within a day, told without naming their material.
//! * **Wrong**: an alert about nothing that happened, or about another key, kind or event.
//! * **The ledger's bill**: requests of an invocation that met nothing unusual: at most four writes and two reads.
//!
//! Without the ledger everything may come twice, and nothing may be lost.

mod actors;
mod lambda;
mod report;
mod truth;
mod verdict;
mod wire;

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Duration, Instant, sleep, sleep_until};
use watch_local::LocalAws;

use self::actors::Actors;
use self::lambda::{Ears, Lambda, Parcel};
pub use self::report::Report;
use self::truth::{Book, Occurrence, Telling, Told};
use self::wire::{VirtualClock, Weather, Wire, mix};
use watch_core::ports::Clock as _;

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Everything follows from it.
    pub seed: u64,
    /// How many occurrences there are in the year, a few more or less.
    pub occurrences: usize,
    /// How many keys there are at any time.
    pub keys: usize,
    /// The functions have a ledger.
    pub ledger: bool,
    /// Nothing dies, the ledger is well, and no answer of SNS is lost.
    pub calm: bool,
    /// One in so many deeds begins an attack; 0 for none.
    pub attack_every: u32,
    /// Every hour has its sweep. If not, hours do in which there is something to find, which is enough for a short year.
    pub every_sweep: bool,
}

/// How the act is called that happens while the watch hears of nothing.
const BLIND: &str = "while the watch is blind";

/// Minutes of the hour, and the hour, at which the schedules of `template.yaml` have their sweeps.
const LIGHT_MINUTE: i64 = 53;
const FULL_AT: (i64, i64) = (3, 23);

const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

/// One in so many invocations dies.
const KILL_RATE: f64 = 0.03;

/// The futures of the SDK are large where nothing is optimised.
const STACK: usize = 64 * 1024 * 1024;

/// Simulates a year; `progress` hears the number of occurrences now and then.
///
/// # Panics
///
/// If the embedded AWS cannot be started, or the simulation goes wrong.
pub fn simulate(options: Options, progress: impl FnMut(usize) + Send) -> Report {
    std::thread::scope(|scope| {
        let year = std::thread::Builder::new().stack_size(STACK);
        let year = year.spawn_scoped(scope, move || pass(options, progress));
        year.expect("a thread").join().expect("a report")
    })
}

fn pass(options: Options, mut progress: impl FnMut(usize)) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    // Retries of the SDK wait for times that it draws here.
    fastrand::seed(options.seed);
    let book = Book::default();
    let _heard = tracing::subscriber::set_default(Ears(book.clone()));
    LocalSet::new().block_on(&runtime, Year::begin(options, &book).pass(&mut progress));
    verdict::judge(options, &book.open())
}

/// The year while it passes.
struct Year {
    options: Options,
    aws: Arc<LocalAws>,
    actors: Actors,
    book: Book,
    dice: Rng,
    tellings: u64,
    start: Timestamp,
    /// Until then light sweeps are worth their while.
    restless_until: Timestamp,
    /// Something happened that only a full sweep can find.
    unseen: bool,
}

impl Year {
    fn begin(options: Options, book: &Book) -> Self {
        let aws = LocalAws::start(watch_local::Options {
            seed: options.seed,
            late_deletions: true,
            synchronizes_every: Some(SignedDuration::from_hours(24 * 30)),
            ..watch_local::Options::default()
        });
        let aws = Arc::new(aws.expect("the embedded AWS starts"));
        Self {
            actors: Actors::new(
                Arc::clone(&aws),
                mix(&[options.seed, 1]),
                options.keys,
                options.attack_every,
            ),
            dice: Rng::with_seed(mix(&[options.seed, 2])),
            book: book.clone(),
            tellings: 0,
            start: aws.now(),
            restless_until: aws.now(),
            unseen: false,
            aws,
            options,
        }
    }

    async fn pass(mut self, progress: &mut impl FnMut(usize)) {
        let clock = VirtualClock {
            start: self.start,
            zero: Instant::now(),
        };
        let wire = self.wire(clock);
        let kill_rate = if self.options.calm { 0.0 } else { KILL_RATE };
        let lambda = Rc::new(Lambda::new(&wire, self.options.ledger, kill_rate));
        let end = self.start.saturating_add(YEAR).unwrap_or(Timestamp::MAX);
        // What there is to be known before the year begins.
        self.sweep_at_last(&lambda, clock, "full").await;
        let mut sweeps = Sweeps::after(self.start);
        let mut on_the_way = JoinSet::new();
        let mut next_deed = self.start;
        while self.happened() < self.options.occurrences && self.aws.now() < end {
            let planned = self.actors.next_planned();
            let by_kms = self.aws.next_due();
            let at = [planned, by_kms]
                .into_iter()
                .flatten()
                .fold(next_deed, Ord::min);
            while let Some((depth, due)) = sweeps.next_before(at) {
                if self.options.every_sweep || self.is_worth_its_while(depth, due) {
                    sleep_until(clock.instant(due)).await;
                    self.aws.advance_to(due);
                    let seed = mix(&[self.options.seed, due.as_second().unsigned_abs(), 13]);
                    on_the_way.spawn_local(Rc::clone(&lambda).swept(depth, due, seed));
                }
            }
            sleep_until(clock.instant(at)).await;
            self.aws.advance_to(at);
            let mut actor = "AWS KMS".to_owned();
            (self.actors.ruse, self.actors.robbed) = (None, None);
            if by_kms.is_none_or(|due| due > at) {
                actor = match self.actors.carry_out() {
                    Some(actor) => actor,
                    None => {
                        next_deed = self.next_deed(at, end);
                        self.actors.act()
                    }
                };
            }
            for (parcel, late) in self.tell(&actor) {
                let lambda = Rc::clone(&lambda);
                on_the_way.spawn_local(async move {
                    sleep(late).await;
                    lambda.deliver(parcel).await;
                });
            }
            let forgeries = std::mem::take(&mut self.actors.forgeries);
            for forgery in forgeries.into_iter().filter(|_| self.options.ledger) {
                wire.forge(&forgery, lambda::LEDGER).await;
            }
            self.aws.clear_requests();
            while on_the_way.try_join_next().is_some() {}
            progress(self.happened());
        }
        {
            let mut pages = self.book.open();
            pages.mass_actions = self.actors.mass_actions;
            pages.attacks = self.actors.attacks;
        }
        // Nothing more happens. Everything that is on its way arrives, is tried again, and is redriven.
        while on_the_way.join_next().await.is_some() {}
        // What is held back then is told by the next sweep.
        sleep(Duration::from_secs(3_600)).await;
        self.sweep_at_last(&lambda, clock, "light").await;
        self.book.open().sort();
    }

    fn wire(&self, clock: VirtualClock) -> Wire {
        Wire {
            aws: Arc::clone(&self.aws),
            book: self.book.clone(),
            clock,
            weather: Weather {
                seed: self.options.seed,
                calm: self.options.calm,
            },
            topics: ["people", "chat", "feed"].map(|name| self.aws.create_topic(name)),
        }
    }

    /// A sweep that comes to its end, however often it has to begin.
    async fn sweep_at_last(&self, lambda: &Rc<Lambda>, clock: VirtualClock, depth: &'static str) {
        for round in 0..200 {
            let seed = mix(&[self.options.seed, round, 14]);
            let sweep = Rc::clone(lambda).sweep(depth, clock.now(), seed);
            if sweep.await {
                return;
            }
            sleep(Duration::from_secs(3_600)).await;
        }
    }

    /// The sweep has something to find or to tell.
    fn is_worth_its_while(&mut self, depth: &str, due: Timestamp) -> bool {
        if depth == "full" && std::mem::take(&mut self.unseen) {
            // What it finds is told by the next one.
            self.restless_until = due + SignedDuration::from_hours(2);
            return true;
        }
        depth == "light" && due <= self.restless_until
    }

    fn happened(&self) -> usize {
        self.book.open().occurrences.len()
    }

    /// Spreads what is still to happen over the rest of the year.
    fn next_deed(&mut self, now: Timestamp, end: Timestamp) -> Timestamp {
        let left = self.options.occurrences.saturating_sub(self.happened());
        // A little faster, since not every deed succeeds.
        let mean = 0.8 * end.duration_since(now).as_secs_f64() / (left as f64 + 1.0);
        let gap = -mean * (1.0 - self.dice.f64()).ln();
        let gap = SignedDuration::from_millis((gap * 1_000.0) as i64 + 1);
        now.saturating_add(gap).unwrap_or(end)
    }

    /// Takes the events of what has just happened, notes them, and sends them on their way, or loses them.
    fn tell(&mut self, actor: &str) -> Vec<(Parcel, Duration)> {
        let mut parcels = Vec::new();
        let mut now: BTreeMap<(&'static str, String, Option<String>), usize> = BTreeMap::new();
        let mut events = self.aws.take_events();
        events.append(&mut self.actors.records);
        if self.options.ledger {
            self.actors.forge_claims(&events);
        }
        let ruse = self.actors.ruse;
        if ruse.is_some() {
            let until = self.aws.now().saturating_add(SignedDuration::from_hours(2));
            self.restless_until = until.unwrap_or(self.restless_until);
        }
        self.unseen |= ruse == Some(BLIND);
        for mut event in events {
            self.tellings += 1;
            let seed = mix(&[self.options.seed, self.tellings, 3]);
            let told = truth::read(&event);
            let old = self.dice.f64() < 0.2;
            if old {
                truth::age(&mut event);
            }
            // An attack is told, or nothing could be said of it; or it is not, and the sweep has to find it.
            let lost = match ruse {
                Some(ruse) => told.is_some() && ruse == BLIND,
                None => self.dice.f64() < 0.08,
            };
            let copies = match self.dice.u32(0..100) {
                _ if lost => 0,
                0..10 => 2,
                10 => 3,
                _ => 1,
            };
            let mut arrivals = vec![(event, Duration::ZERO)];
            arrivals.truncate(copies);
            for copy in 1..copies {
                arrivals.push(self.again(&arrivals[0].0, copy as u64));
            }
            let unnamed = old && told.as_ref().is_some_and(|told| told.material.is_some());
            let occurrence = told.map(|told| {
                let ids = arrivals.iter().filter_map(|(event, _)| id(event));
                let ids = ids.chain([told.id.clone()]).collect();
                let telling = Telling {
                    ids,
                    copies,
                    unnamed,
                };
                self.note(told, telling, actor, &mut now)
            });
            if occurrence.is_none() {
                self.book.open().noise += 1;
            }
            let late = self.late();
            for (copy, (event, after)) in (0..).zip(arrivals) {
                let parcel = Parcel {
                    event: Rc::new(event),
                    occurrence,
                    unnamed,
                    seed: mix(&[seed, copy]),
                };
                parcels.push((parcel, late + after));
            }
        }
        parcels
    }

    /// The number of what the event tells of.
    fn note(
        &self,
        told: Told,
        telling: Telling,
        actor: &str,
        now: &mut BTreeMap<(&'static str, String, Option<String>), usize>,
    ) -> usize {
        let mut pages = self.book.open();
        pages.duplicates += telling.copies.saturating_sub(1) as u64;
        let happened = pages.occurrences.len();
        let number = now
            .entry((told.kind, told.key.clone(), told.call))
            .or_insert(happened);
        let number = *number;
        if number == happened {
            pages.occurrences.push(Occurrence {
                kind: told.kind,
                key: told.key,
                material: told.material,
                at: self.aws.now(),
                actor: actor.to_owned(),
                ruse: self.actors.ruse,
                owner: self.actors.robbed.map(str::to_owned),
                tellings: Vec::new(),
                messages: Vec::new(),
                runs: Vec::new(),
            });
        }
        pages.occurrences[number].tellings.push(telling);
        number
    }

    /// Another arrival of an event, and how much later it is.
    fn again(&mut self, event: &Value, copy: u64) -> (Value, Duration) {
        let mut event = event.clone();
        let after = if event["detail-type"] == "KMS CMK Deletion" {
            // KMS sends it again within seconds, as an event of its own.
            let seconds = self.dice.u64(1..6);
            let id = mix(&[self.options.seed, self.tellings, copy, 4]);
            event["id"] = format!("{id:016x}-again").into();
            let time = event["time"].as_str().and_then(|time| time.parse().ok());
            let time = time.unwrap_or(self.start) + SignedDuration::from_secs(seconds as i64);
            event["time"] = time.to_string().into();
            seconds * 1_000
        } else if self.dice.bool() {
            self.dice.u64(0..300)
        } else {
            self.dice.u64(0..30 * 60_000)
        };
        (event, Duration::from_millis(after))
    }

    /// How late an event is.
    fn late(&mut self) -> Duration {
        let longest = match self.dice.u32(0..100) {
            0..45 => 300,
            45..75 => 90_000,
            75..95 => 5 * 60_000,
            95..99 => 2 * 3_600_000,
            _ => 23 * 3_600_000,
        };
        Duration::from_millis(self.dice.u64(0..longest))
    }
}

/// The times of the sweeps.
struct Sweeps {
    hour: Timestamp,
    light: bool,
}

impl Sweeps {
    fn after(start: Timestamp) -> Self {
        let hour = start.as_second() - start.as_second().rem_euclid(3_600) + 3_600;
        Self {
            hour: Timestamp::from_second(hour).unwrap_or(start),
            light: false,
        }
    }

    /// The next one, if it is due before `at`.
    fn next_before(&mut self, at: Timestamp) -> Option<(&'static str, Timestamp)> {
        loop {
            let of_day = self.hour.as_second().rem_euclid(86_400) / 3_600;
            let (depth, minute) = match self.light {
                true => ("light", LIGHT_MINUTE),
                false => ("full", FULL_AT.1),
            };
            let due = self.hour + SignedDuration::from_mins(minute);
            if due > at {
                return None;
            }
            let is_one = self.light || of_day == FULL_AT.0;
            if self.light {
                self.hour += SignedDuration::from_hours(1);
            }
            self.light = !self.light;
            if is_one {
                return Some((depth, due));
            }
        }
    }
}

/// The id by which an alert names its source.
fn id(event: &Value) -> Option<String> {
    let id = event["detail"]["eventID"].as_str();
    id.or(event["id"].as_str()).map(str::to_owned)
}
