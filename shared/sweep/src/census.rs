//! The lists of an account: all its keys, all their names, all its key stores.

use std::collections::{BTreeMap, HashMap};

use watch_core::answers::KeyStoreData;
use watch_core::arn::{KeyArn, KeyStoreId};
use watch_core::ports::{CallError, Census, Page};
use watch_core::text::Untrusted;

use crate::roster::{SHARDS, shard_of};

/// The keys of an account, in the parts of the roster.
#[derive(Debug)]
pub struct Keys {
    shards: Vec<Vec<KeyArn>>,
}

impl Keys {
    /// `ListKeys`, to the end: an error on the way is an error, since a key that is not on a list that is not complete is
    /// not gone.
    ///
    /// # Errors
    ///
    /// If a page could not be had.
    pub async fn list(kms: &impl Census) -> Result<Self, CallError> {
        let mut shards = vec![Vec::new(); usize::from(SHARDS)];
        let mut marker = None;
        loop {
            let page = kms.list_keys(marker.as_deref()).await?;
            for key in page.items {
                if let Some(shard) = shards.get_mut(usize::from(shard_of(key.id()))) {
                    shard.push(key);
                }
            }
            marker = page.next;
            if marker.is_none() {
                break;
            }
        }
        for shard in &mut shards {
            shard.sort_unstable_by(|a: &KeyArn, b| a.id().cmp(b.id()));
            shard.dedup_by(|a, b| a.id() == b.id());
        }
        Ok(Self { shards })
    }

    /// The keys of one part, by id.
    pub fn shard(&self, number: u8) -> &[KeyArn] {
        self.shards
            .get(usize::from(number))
            .map_or(&[], Vec::as_slice)
    }

    /// All keys, part by part.
    pub fn all(&self) -> impl Iterator<Item = &KeyArn> {
        self.shards.iter().flatten()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.shards.iter().map(Vec::len).sum()
    }
}

/// The names of all keys of an account, by key id.
#[derive(Debug, Default)]
pub struct Aliases(HashMap<String, Vec<Untrusted>>);

/// More aliases than KMS allows one key (AWS KMS Developer Guide, resource quotas) are not kept.
const MOST_OF_A_KEY: usize = 50;

impl Aliases {
    /// `ListAliases`, to the end.
    ///
    /// # Errors
    ///
    /// If a page could not be had.
    pub async fn list(kms: &impl Census) -> Result<Self, CallError> {
        let mut names: HashMap<String, Vec<Untrusted>> = HashMap::new();
        let mut marker = None;
        loop {
            let page = kms.list_all_aliases(marker.as_deref()).await?;
            for alias in page.items {
                if let Some(target) = alias.target {
                    let of_key = names.entry(target).or_default();
                    if of_key.len() < MOST_OF_A_KEY {
                        of_key.push(alias.name);
                    }
                }
            }
            marker = page.next;
            if marker.is_none() {
                break;
            }
        }
        for of_key in names.values_mut() {
            of_key.sort_unstable();
            of_key.shrink_to_fit();
        }
        Ok(Self(names))
    }

    /// The names of a key, sorted.
    pub fn of(&self, key: &KeyArn) -> &[Untrusted] {
        self.0.get(key.id()).map_or(&[], Vec::as_slice)
    }

    /// AWS manages the key: only AWS names a key so (AWS KMS Developer Guide, aliases).
    pub fn tell_managed(&self, key: &KeyArn) -> bool {
        self.of(key)
            .iter()
            .any(|name| name.as_str().starts_with("alias/aws/"))
    }
}

/// All custom key stores.
///
/// # Errors
///
/// If a page could not be had.
pub async fn key_stores(
    kms: &impl Census,
) -> Result<BTreeMap<KeyStoreId, KeyStoreData>, CallError> {
    let mut stores = BTreeMap::new();
    let mut marker: Option<String> = None;
    loop {
        let Page { items, next } = kms.list_key_stores(marker.as_deref()).await?;
        stores.extend(items);
        if next.is_none() {
            return Ok(stores);
        }
        marker = next;
    }
}
