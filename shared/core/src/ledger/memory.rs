//! The ledger as the pipeline uses it: bounded in time, and never in the way of an alert.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::items::Standing;
use crate::items::{Claim, Item, ItemKey, Member, PARTITION_KEY, SORT_KEY};
use crate::ports::{CallError, Clock, Ledger};
use crate::text::Untrusted;

/// Longest wait for a call before the alert goes out, its retries included.
const BEFORE: Duration = Duration::from_millis(400);
/// Longest wait for a call after the alert went out: a lost mark makes a duplicate.
const AFTER: Duration = Duration::from_millis(800);
/// Pauses between looks at a claim that another holds.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
    Duration::from_millis(1_000),
];
/// How often a claim that changes under our hands is tried for.
const ATTEMPTS: usize = 10;

/// The ledger, if there is one, and the first thing that went wrong with it.
#[derive(Debug)]
pub struct Memory<'a, L> {
    ledger: Option<&'a L>,
    problem: RefCell<Option<Untrusted>>,
}

/// What came of trying for a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours; also if the ledger cannot say, since two alerts are better than none.
    Ours(Box<Claim>),
    /// The occurrence was told, under this claim.
    Told(Box<Claim>),
    /// Another is about to tell, and takes long.
    Held,
}

impl<'a, L: Ledger> Memory<'a, L> {
    /// The memory of one event.
    pub fn new(ledger: Option<&'a L>) -> Self {
        Self {
            ledger,
            problem: RefCell::new(None),
        }
    }

    /// There is a ledger.
    pub fn is_there(&self) -> bool {
        self.ledger.is_some()
    }

    /// The first thing that went wrong.
    pub fn problem(&self) -> Option<Untrusted> {
        self.problem.borrow().clone()
    }

    /// Those of the items that are there, and can be read.
    pub async fn read(&self, keys: &[ItemKey]) -> Vec<Item> {
        let Some(ledger) = self.ledger.filter(|_| !keys.is_empty()) else {
            return Vec::new();
        };
        self.bounded(BEFORE, "read", ledger.read(keys))
            .await
            .unwrap_or_default()
    }

    /// Tries for a claim, waits a moment if another has it.
    pub async fn acquire(&self, wanted: Claim, recurs: bool, clock: &impl Clock) -> Acquired {
        let Some(ledger) = self.ledger else {
            return Acquired::Ours(Box::new(wanted));
        };
        let mut pauses = PAUSES.into_iter();
        let (mut claim, mut previous) = (wanted.clone(), None);
        for _ in 0..ATTEMPTS {
            let attempt = ledger.claim(&claim, previous);
            let standing = match self.bounded(BEFORE, "claim", attempt).await {
                None | Some(Ok(())) => return Acquired::Ours(Box::new(claim)),
                Some(Err(standing)) => standing,
            };
            match standing.standing(&wanted, recurs, clock.now()) {
                Standing::Told => return Acquired::Told(Box::new(standing)),
                Standing::Open(open) => {
                    previous = Some(standing.version);
                    claim = *open;
                }
                Standing::Held => {
                    let Some(pause) = pauses.next() else {
                        return Acquired::Held;
                    };
                    tokio::time::sleep(pause).await;
                    // Asks for what cannot be had, and so learns how the claim stands.
                    (claim, previous) = (wanted.clone(), None);
                }
            }
        }
        Acquired::Held
    }

    /// Takes a claim that says what is not so.
    pub async fn retake(&self, wanted: Claim, standing: &Claim) -> Acquired {
        let mut claim = wanted;
        claim.version = standing.version.saturating_add(1);
        let Some(ledger) = self.ledger else {
            return Acquired::Ours(Box::new(claim));
        };
        let attempt = ledger.claim(&claim, Some(standing.version));
        match self.bounded(BEFORE, "claim", attempt).await {
            None | Some(Ok(())) => Acquired::Ours(Box::new(claim)),
            // Another takes it, too.
            Some(Err(_)) => Acquired::Held,
        }
    }

    /// Notes in a claim what was served, if it is still ours.
    pub async fn note(&self, claim: &Claim) {
        if let Some(ledger) = self.ledger {
            let previous = Some(claim.version.saturating_sub(1));
            self.bounded(AFTER, "note", ledger.claim(claim, previous))
                .await;
        }
    }

    /// Writes items; of several with one key the last. DynamoDB refuses a batch with an item twice as a whole, and KMS may
    /// list an alias twice, on two pages.
    pub async fn put(&self, items: &[Item]) {
        let Some(ledger) = self.ledger else {
            return;
        };
        let last: BTreeMap<_, _> = items.iter().map(|item| (key(item), item)).collect();
        if last.len() == items.len() {
            self.bounded(AFTER, "put", ledger.put(items)).await;
        } else {
            let items: Vec<_> = last.into_values().cloned().collect();
            self.bounded(AFTER, "put", ledger.put(&items)).await;
        }
    }

    /// Sets attributes of an item.
    pub async fn set(&self, key: &ItemKey, attributes: &Item) {
        if let Some(ledger) = self.ledger.filter(|_| !attributes.is_empty()) {
            self.bounded(AFTER, "set", ledger.set(key, attributes))
                .await;
        }
    }

    /// Sets attributes of an item before the alert goes out; whether that is sure.
    pub async fn keep(&self, key: &ItemKey, attributes: &Item) -> bool {
        let Some(ledger) = self.ledger else {
            return false;
        };
        self.bounded(BEFORE, "keep", ledger.set(key, attributes))
            .await
            .is_some()
    }

    /// Takes a member into a counter; the counter after that.
    pub async fn count(&self, key: &ItemKey, member: &Member) -> Option<Item> {
        let ledger = self.ledger?;
        self.bounded(BEFORE, "count", ledger.count(key, member))
            .await
    }

    /// Adds to numbers of an item; the item after that.
    pub async fn add(
        &self,
        key: &ItemKey,
        numbers: &[String],
        once: &Item,
        latest: &Item,
    ) -> Option<Item> {
        let ledger = self.ledger?;
        self.bounded(BEFORE, "add", ledger.add(key, numbers, once, latest))
            .await
    }

    async fn bounded<T>(
        &self,
        limit: Duration,
        what: &'static str,
        call: impl Future<Output = Result<T, CallError>>,
    ) -> Option<T> {
        let error = match tokio::time::timeout(limit, call).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error,
            Err(_) => CallError::timeout(limit),
        };
        tracing::warn!(what, %error, "the ledger failed");
        self.problem
            .borrow_mut()
            .get_or_insert_with(|| error.reason());
        None
    }
}

fn key(item: &Item) -> [Option<&str>; 2] {
    [PARTITION_KEY, SORT_KEY].map(|attribute| item.get(attribute).and_then(Value::as_str))
}
