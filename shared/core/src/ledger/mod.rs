//! The memory of the watch: what was told, what is known of each key, and how often things happen.
//!
//! One table. Partition key `pk`: the ARN of a key, or `account#<account>#<Region>` for what has none. Sort key `sk`:
//!
//! | sk | item | kept |
//! |---|---|---|
//! | `profile` | what is known of a key: [`Profile`] | permanently |
//! | `policy` | the last key policy: [`Policy`] | permanently |
//! | `policy#<as of>` | a key policy that another replaced, to put it back | 400 days |
//! | `alias#<name>` | which key an alias names, under the account: [`AliasTarget`] | permanently; 400 days after it was deleted |
//! | `claim#<identity>` | who tells, or told, of an occurrence: [`Claim`] | 400 days |
//! | `alert#<occurred at>#<alert id>` | an alert that was told: [`history`] | 400 days |
//! | `alarm#<hash of alarm and contributor>` | that an alarm went off, as far as it was told: [`Raised`] | 400 days |
//! | `ack#deletion` | that somebody wants the deletion that it names: [`ack`] | until the deletion |
//! | `story#<condition>` | which alerts of a story are open: [`Openings`] | 400 days |
//! | `count#…` | how often something happened in a window of time: [`burst`] | 2 days |
//! | `watch#…`, under `guard#…` and `sweep#…` | what those know of the watch who watch it | permanently |
//! | `usual#<key id>`, under `sweep#…` | what use of a key is usual: [`crate::usual`] | 400 days after the last look |
//! | `held#burst#…#<n>`, `bursts` | what people are still to be told of bursts, and where it is: [`held`] | 30 days; permanently |
//! | `count#…`, `count#…#told` | how often the same happened again, and how often that was told: [`repeats`] | 400 days |
//! | `series#<0…f>` | the series of which mail told, for a sweep that tells the rest, under the account: [`Listed`] | permanently |
//!
//! Everything here is pure but [`Memory`], which asks the ledger and never lets an alert wait or fail for it.

pub mod ack;
pub mod alarm;
pub mod alias;
pub mod burst;
pub mod held;
pub mod history;
mod listed;
mod memory;
mod openings;
mod policy;
pub mod profile;
pub mod repeats;

pub use alarm::Raised;
pub use alias::AliasTarget;
pub use listed::Listed;
pub use memory::{Acquired, Memory};
pub use openings::Openings;
pub use policy::Policy;
pub use profile::Profile;

pub use crate::items::{
    COUNT, Claim, ClaimState, Item, ItemKey, Member, PARTITION_KEY, SORT_KEY, TIME_TO_LIVE,
};
use crate::ports::{CallError, Ledger};

/// Partition key of what only watch-guard writes about an account and Region: its role alone may (`template.yaml`).
pub fn guards(account_key: &str) -> String {
    account_key.replacen("account#", "guard#", 1)
}

/// Partition key of what only the sweep writes.
pub fn sweeps(account_key: &str) -> String {
    account_key.replacen("account#", "sweep#", 1)
}

/// The ledger of those who have none.
#[derive(Clone, Copy, Debug)]
pub enum NoLedger {}

impl Ledger for NoLedger {
    async fn read(&self, _: &[ItemKey]) -> Result<Vec<Item>, CallError> {
        match *self {}
    }
    async fn claim(&self, _: &Claim, _: Option<u64>) -> Result<Result<(), Claim>, CallError> {
        match *self {}
    }
    async fn put(&self, _: &[Item]) -> Result<(), CallError> {
        match *self {}
    }
    async fn set(&self, _: &ItemKey, _: &Item) -> Result<(), CallError> {
        match *self {}
    }
    async fn count(&self, _: &ItemKey, _: &Member) -> Result<Item, CallError> {
        match *self {}
    }
    async fn add(&self, _: &ItemKey, _: &[String], _: &Item, _: &Item) -> Result<Item, CallError> {
        match *self {}
    }
}
