//! What the ledger has for the views. What was read of the list is kept while the ledger says that it is the same: a dashboard that
//! is drawn anew every ten seconds reads two small items.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

use futures_util::future::{join, try_join_all};
use jiff::Timestamp;
use watch_core::arn::{KeyArn, TopicArn};
use watch_core::kinds::{Deployment, LastCanary};
use watch_core::ledger::ack::Ack;
use watch_core::ledger::history::{Entry, PREFIX};
use watch_core::ledger::{Item, ItemKey, Policy, Profile};
use watch_core::ports::{CallError, CallErrorKind, Ledger, Past};
use watch_core::subject::Subject;
use watch_core::text::Untrusted;
use watch_sweep::listing::{Gone, Part, Parts, Row};
use watch_sweep::position::Position;

/// Parts of the list that are read in one call. An answer of DynamoDB holds 16 MB, a part at most 0.4.
const AT_ONCE: usize = 8;
/// Alerts of a key's history that are shown.
pub const HISTORY: u8 = 30;
/// Alerts that are looked through for those of a thread.
pub const LOOKED_THROUGH: u8 = 200;
/// Alerts about the account that are shown.
pub const TOLD: u8 = 8;

/// Why there is nothing to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The function has no ledger.
    NoLedger,
    /// It took too long.
    Slow,
    /// A call failed.
    Call(CallError),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLedger => f.write_str("The function has no ledger: LEDGER_TABLE is not set."),
            Self::Slow => f.write_str("The ledger did not answer in time."),
            Self::Call(error) => {
                let what = match error.kind() {
                    CallErrorKind::Denied => "The widget's function may not read the ledger",
                    CallErrorKind::Throttled => "DynamoDB throttles the ledger",
                    CallErrorKind::NotFound => "There is no ledger",
                    CallErrorKind::Timeout => "The ledger did not answer in time",
                    _ => "The ledger could not be read",
                };
                write!(f, "{what} ({}).", error.code().as_str())
            }
        }
    }
}

/// All keys as the sweeps listed them.
#[derive(Clone, Debug, Default)]
pub struct List {
    parts: Vec<Rc<Part>>,
    /// How far the sweeps are.
    pub position: Position,
    /// It could not be read now: what is here is what was read before.
    pub stale: Option<Trouble>,
}

impl List {
    /// A list of these parts.
    pub fn of(parts: Vec<Part>, position: Position) -> Self {
        Self {
            parts: parts.into_iter().map(Rc::new).collect(),
            position,
            stale: None,
        }
    }

    /// The customer keys, in no order.
    pub fn rows(&self) -> impl Iterator<Item = &Row> {
        self.parts.iter().flat_map(|part| part.rows.values())
    }

    /// Keys that are gone since lately.
    pub fn gone(&self) -> impl Iterator<Item = &Gone> {
        self.parts.iter().flat_map(|part| &part.gone)
    }
}

/// A key, as far as the ledger knows it.
#[derive(Clone, Debug, Default)]
pub struct Life {
    /// What KMS said last.
    pub profile: Profile,
    /// The last key policy.
    pub policy: Option<Policy>,
    /// Somebody wants the deletion that is under way.
    pub ack: Option<Ack>,
    /// What was told of it, the latest first.
    pub history: Vec<Entry>,
    /// There is more of that.
    pub more: bool,
}

/// The alerts of one story.
#[derive(Clone, Debug, Default)]
pub struct Thread {
    /// The latest first.
    pub entries: Vec<Entry>,
    /// Not all alerts were looked through.
    pub more: bool,
}

/// The watch, as far as the ledger knows it.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// How far the sweeps are; `None` if there was none.
    pub position: Option<Position>,
    /// The last canary that came through.
    pub canary: Option<Entry>,
    /// The last deployment that was told.
    pub deployment: Option<Entry>,
    /// What was told about the account, the latest first.
    pub told: Vec<Entry>,
}

#[derive(Debug, Default)]
struct Kept {
    parts: BTreeMap<u8, (String, Rc<Part>)>,
    position: Position,
}

/// The ledger, and what was read of it.
#[derive(Debug)]
pub struct Library<L> {
    ledger: Option<L>,
    kept: RefCell<Kept>,
}

/// The name under which the ledger keeps what is about the account.
pub fn account_of(home: &TopicArn) -> String {
    Subject::Account {
        partition: home.partition().clone(),
        account: home.account().clone(),
        region: home.region().clone(),
    }
    .account_key()
}

/// What follows the subject in a `dedupKey`, of the subject that the ledger calls `partition`.
pub fn whole_story<'a>(partition: &str, dedup_key: &'a str) -> Option<&'a str> {
    dedup_key.strip_prefix(partition)?.strip_prefix('#')
}

fn find<'a>(items: &'a [Item], key: &ItemKey) -> Option<&'a Item> {
    items.iter().find(|item| key.names(item))
}

impl<L: Ledger + Past> Library<L> {
    /// Of which nothing was read yet.
    pub fn new(ledger: Option<L>) -> Self {
        Self {
            ledger,
            kept: RefCell::default(),
        }
    }

    /// The ledger, for tests.
    #[cfg(test)]
    pub(crate) fn of_tests(&self) -> &L {
        self.ledger.as_ref().unwrap()
    }

    fn ledger(&self) -> Result<&L, Trouble> {
        self.ledger.as_ref().ok_or(Trouble::NoLedger)
    }

    /// All keys. If the ledger does not answer, those that were read before.
    ///
    /// # Errors
    ///
    /// If nothing was read before.
    pub async fn list(&self, home: &TopicArn, now: Timestamp) -> Result<List, Trouble> {
        let stale = self.refresh(home, now).await.err();
        let kept = self.kept.borrow();
        if let Some(trouble) = &stale {
            tracing::warn!(%trouble, "the list was not read");
            if kept.parts.is_empty() {
                return Err(trouble.clone());
            }
        }
        Ok(List {
            parts: kept
                .parts
                .values()
                .map(|(_, part)| Rc::clone(part))
                .collect(),
            position: kept.position.clone(),
            stale,
        })
    }

    /// Reads what is not as it was.
    async fn refresh(&self, home: &TopicArn, now: Timestamp) -> Result<(), Trouble> {
        let ledger = self.ledger()?;
        let account = account_of(home);
        let names = [Parts::key(&account), Position::key(&account)];
        let items = ledger.read(&names).await?;
        let parts = find(&items, &names[0]).map_or_else(Parts::default, Parts::read);
        let position = find(&items, &names[1]).map_or_else(Position::default, Position::read);
        let changed: Vec<_> = {
            let kept = self.kept.borrow();
            let is_kept = |number: &u8, hash: &String| {
                kept.parts
                    .get(number)
                    .is_some_and(|(known, _)| known == hash)
            };
            let changed = parts
                .hashes
                .iter()
                .filter(|(number, hash)| !is_kept(number, hash));
            changed
                .map(|(number, hash)| (*number, hash.clone()))
                .collect()
        };
        let reads = changed.chunks(AT_ONCE).map(|some| {
            let account = &account;
            async move {
                let names: Vec<_> = some
                    .iter()
                    .map(|(number, _)| Part::key(account, *number))
                    .collect();
                let items = ledger.read(&names).await?;
                let read = some.iter().zip(&names).map(|((number, hash), name)| {
                    let part = find(&items, name).map_or_else(Part::default, Part::read);
                    (*number, (hash.clone(), Rc::new(part)))
                });
                Ok::<_, Trouble>(read.collect::<Vec<_>>())
            }
        });
        let read = try_join_all(reads).await?;
        let mut kept = self.kept.borrow_mut();
        kept.parts
            .retain(|number, _| parts.hashes.contains_key(number));
        kept.parts.extend(read.into_iter().flatten());
        kept.position = position.believed(now);
        Ok(())
    }

    /// A key.
    ///
    /// # Errors
    ///
    /// If the ledger does not answer.
    pub async fn key(&self, key: &KeyArn, now: Timestamp) -> Result<Life, Trouble> {
        let ledger = self.ledger()?;
        let partition = key.to_string();
        let names = [
            Profile::key(&partition),
            Policy::key(&partition),
            Ack::key(&partition),
        ];
        // One more than is shown says that there is more.
        let (items, history) = join(
            ledger.read(&names),
            ledger.latest(&partition, PREFIX, HISTORY + 1),
        )
        .await;
        let (items, history) = (items?, history?);
        let mut history: Vec<_> = history.iter().filter_map(Entry::read).collect();
        let more = history.len() > usize::from(HISTORY);
        history.truncate(HISTORY.into());
        let profile = find(&items, &names[0]).map_or_else(Profile::default, Profile::read);
        let metadata = profile.metadata.as_ref();
        let deletion_at = metadata.and_then(|known| known.value.deletion_at);
        let ack = find(&items, &names[2]);
        Ok(Life {
            policy: find(&items, &names[1]).and_then(Policy::read),
            ack: ack
                .zip(deletion_at)
                .and_then(|(ack, at)| Ack::read(ack, at, now)),
            profile,
            history,
            more,
        })
    }

    /// The alerts of a story, about a key or about the account.
    ///
    /// # Errors
    ///
    /// If the ledger does not answer.
    pub async fn thread(
        &self,
        home: &TopicArn,
        key: Option<&KeyArn>,
        story: &Untrusted,
    ) -> Result<Thread, Trouble> {
        let partition = key.map_or_else(|| account_of(home), KeyArn::to_string);
        let told = self
            .ledger()?
            .latest(&partition, PREFIX, LOOKED_THROUGH)
            .await?;
        let more = told.len() >= usize::from(LOOKED_THROUGH);
        let is_of_it = |entry: &Entry| {
            let of = entry.dedup_key.as_deref();
            of.and_then(|of| whole_story(&partition, of)) == Some(story.as_str())
        };
        let entries = told.iter().filter_map(Entry::read).filter(is_of_it);
        Ok(Thread {
            entries: entries.collect(),
            more,
        })
    }

    /// The watch itself.
    ///
    /// # Errors
    ///
    /// If the ledger does not answer.
    pub async fn watch(&self, home: &TopicArn, now: Timestamp) -> Result<State, Trouble> {
        let ledger = self.ledger()?;
        let account = account_of(home);
        let names = [
            Position::key(&account),
            LastCanary::key(&account),
            Deployment::key(&account),
        ];
        let (items, told) = join(ledger.read(&names), ledger.latest(&account, PREFIX, TOLD)).await;
        let (items, told) = (items?, told?);
        let canary = find(&items, &names[1]).and_then(LastCanary::read);
        let canary = canary.and_then(|it| it.proof(&account));
        let deployment = find(&items, &names[2]).and_then(Deployment::read);
        let deployed = deployment.as_ref().and_then(|it| it.proof(&account));
        let mut proofs: Vec<_> = canary.iter().chain(&deployed).cloned().collect();
        proofs.dedup();
        let proofs = match proofs.as_slice() {
            [] => Vec::new(),
            proofs => ledger.read(proofs).await?,
        };
        let position = find(&items, &names[0]).map(Position::read);
        Ok(State {
            position: position.map(|it| it.believed(now)),
            // The note is believed as far as the history has its alert.
            canary: canary
                .and_then(|name| Entry::read(find(&proofs, &name)?))
                .filter(|entry| entry.kind == "WatchCanary"),
            deployment: deployment.and_then(|it| it.told(&proofs)),
            told: told.iter().filter_map(Entry::read).collect(),
        })
    }
}
