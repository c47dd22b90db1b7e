//! The ledger as a sweep uses it. An alert does not wait for the ledger; a sweep does, since without its memory it would
//! tell everything anew.

use std::time::Duration;

use watch_core::ledger::{Item, ItemKey};
use watch_core::ports::{CallError, Ledger};

/// Pauses between attempts.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_millis(1_600),
    Duration::from_millis(4_000),
    Duration::from_millis(8_000),
];
/// Items that `BatchGetItem` reads at once (DynamoDB API Reference).
const READ_AT_ONCE: usize = 100;
/// Items that `BatchWriteItem` writes at once (DynamoDB API Reference).
const WRITTEN_AT_ONCE: usize = 25;

/// A ledger that is asked again.
#[derive(Debug)]
pub struct Store<'a, L>(pub &'a L);

impl<L: Ledger> Store<'_, L> {
    /// Those of the items that are there.
    pub async fn read(&self, keys: &[ItemKey]) -> Result<Vec<Item>, CallError> {
        let mut items = Vec::new();
        for keys in keys.chunks(READ_AT_ONCE) {
            items.extend(patiently(async || self.0.read(keys).await).await?);
        }
        Ok(items)
    }

    /// The item `key`, if it is there.
    pub async fn get(&self, key: ItemKey) -> Result<Option<Item>, CallError> {
        let items = self.read(std::slice::from_ref(&key)).await?;
        Ok(items.into_iter().find(|item| key.names(item)))
    }

    /// Writes items, whatever stood in their place.
    pub async fn put(&self, items: &[Item]) -> Result<(), CallError> {
        for items in items.chunks(WRITTEN_AT_ONCE) {
            patiently(async || self.0.put(items).await).await?;
        }
        Ok(())
    }

    /// Sets attributes of an item, and removes those that are null.
    pub async fn set(&self, key: &ItemKey, attributes: &Item) -> Result<(), CallError> {
        if attributes.is_empty() {
            return Ok(());
        }
        patiently(async || self.0.set(key, attributes).await).await
    }
}

/// The first answer, or the last error. What is asked of the ledger here can be asked again without harm.
async fn patiently<T>(ask: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
    for pause in PAUSES {
        match ask().await {
            Err(error) => tracing::warn!(%error, "the ledger is asked again"),
            answer => return answer,
        }
        tokio::time::sleep(pause).await;
    }
    ask().await
}
