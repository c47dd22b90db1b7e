//! A ledger in memory, with what a real one may do wrong. The package `tests` holds it to the contract of the real one.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::items::{COUNT, Claim, Item, ItemKey, Member, TIME_TO_LIVE};
use crate::ports::{CallError, Ledger, Past};

/// Items by partition and sort key. Every call yields once before it takes effect, so that others come between.
#[derive(Debug, Default)]
pub struct FakeLedger {
    /// The items.
    pub items: RefCell<BTreeMap<(String, String), Item>>,
    /// Number of calls by name.
    pub calls: RefCell<BTreeMap<&'static str, usize>>,
    /// Sort keys of the items that were asked for.
    pub asked: RefCell<Vec<String>>,
    /// What every call answers instead.
    pub error: RefCell<Option<CallError>>,
    /// Calls that are refused, by name.
    pub broken: RefCell<Vec<&'static str>>,
    /// How long every call takes.
    pub delay: Cell<Duration>,
}

impl FakeLedger {
    async fn enter(&self, call: &'static str) -> Result<(), CallError> {
        *self.calls.borrow_mut().entry(call).or_default() += 1;
        tokio::time::sleep(self.delay.get()).await;
        tokio::task::yield_now().await;
        if self.broken.borrow().contains(&call) {
            return Err(CallError::new("AccessDeniedException", "no"));
        }
        self.error.borrow().clone().map_or(Ok(()), Err)
    }

    /// The item, if it is there.
    pub fn get(&self, partition: &str, sort: &str) -> Option<Item> {
        let key = (partition.to_owned(), sort.to_owned());
        self.items.borrow().get(&key).cloned()
    }

    /// Sort keys of `partition` that begin with `prefix`.
    pub fn sorts(&self, prefix: &str) -> Vec<String> {
        let items = self.items.borrow();
        let sorts = items.keys().map(|(_, sort)| sort.clone());
        sorts.filter(|sort| sort.starts_with(prefix)).collect()
    }

    fn store(&self, item: &Item) {
        let name = |attribute: &str| item[attribute].as_str().unwrap().to_owned();
        let mut item = item.clone();
        item.retain(|_, value| !value.is_null());
        self.items
            .borrow_mut()
            .insert((name("pk"), name("sk")), item);
    }

    fn update(&self, key: &ItemKey, change: impl FnOnce(&mut Item)) -> Item {
        let mut item = self
            .get(&key.partition, &key.sort)
            .unwrap_or_else(|| Item::from_iter([]));
        item.insert("pk".to_owned(), key.partition.clone().into());
        item.insert("sk".to_owned(), key.sort.clone().into());
        change(&mut item);
        self.store(&item);
        item
    }
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or(0)
}

impl Ledger for FakeLedger {
    async fn read(&self, keys: &[ItemKey]) -> Result<Vec<Item>, CallError> {
        self.enter("read").await?;
        let sorts = keys.iter().map(|key| key.sort.clone());
        self.asked.borrow_mut().extend(sorts);
        let found = keys
            .iter()
            .filter_map(|key| self.get(&key.partition, &key.sort));
        Ok(found.collect())
    }

    async fn claim(
        &self,
        claim: &Claim,
        previous: Option<u64>,
    ) -> Result<Result<(), Claim>, CallError> {
        self.enter("claim").await?;
        let standing = self.get(&claim.key.partition, &claim.key.sort);
        let version = |item: &Item| item.get("version").and_then(Value::as_u64);
        if let Some(standing) =
            standing.filter(|item| previous.is_none() || version(item) != previous)
        {
            let unreadable = || CallError::new("UnreadableItem", "the claim cannot be read");
            return Claim::read(&standing).map(Err).ok_or_else(unreadable);
        }
        self.store(&claim.item());
        Ok(Ok(()))
    }

    async fn put(&self, items: &[Item]) -> Result<(), CallError> {
        self.enter("put").await?;
        // DynamoDB refuses a batch with an item twice, or with more than 25.
        let names: std::collections::BTreeSet<_> = items
            .iter()
            .map(|item| [item["pk"].to_string(), item["sk"].to_string()])
            .collect();
        assert!(names.len() == items.len() && items.len() <= 25);
        items.iter().for_each(|item| self.store(item));
        Ok(())
    }

    async fn set(&self, key: &ItemKey, attributes: &Item) -> Result<(), CallError> {
        self.enter("set").await?;
        self.update(key, |item| item.extend(attributes.clone()));
        Ok(())
    }

    async fn count(&self, key: &ItemKey, member: &Member) -> Result<Item, CallError> {
        self.enter("count").await?;
        Ok(self.update(key, |item| {
            let count = number(item, COUNT);
            if !item.contains_key(&member.place()) && count < member.capacity {
                item.insert(member.place(), (count + 1).into());
                item.insert(member.note_name(), member.note.clone().into());
                item.insert(COUNT.to_owned(), (count + 1).into());
                item.insert(TIME_TO_LIVE.to_owned(), member.ttl.into());
            }
        }))
    }

    async fn add(
        &self,
        key: &ItemKey,
        numbers: &[String],
        once: &Item,
        latest: &Item,
    ) -> Result<Item, CallError> {
        self.enter("add").await?;
        Ok(self.update(key, |item| {
            for name in numbers {
                let next = number(item, name) + 1;
                item.insert(name.clone(), next.into());
            }
            for (name, value) in once {
                item.entry(name.clone()).or_insert_with(|| value.clone());
            }
            item.extend(latest.clone());
        }))
    }
}

impl Past for FakeLedger {
    async fn latest(
        &self,
        partition: &str,
        prefix: &str,
        most: u8,
    ) -> Result<Vec<Item>, CallError> {
        self.enter("latest").await?;
        let items = self.items.borrow();
        let found = items
            .iter()
            .filter(|((of, sort), _)| of == partition && sort.starts_with(prefix));
        Ok(found
            .rev()
            .take(most.into())
            .map(|(_, item)| item.clone())
            .collect())
    }
}
