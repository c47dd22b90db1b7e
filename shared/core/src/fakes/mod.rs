//! Fakes of the ports, for the tests of all packages, the benches and the fuzzers. Behind the feature `fakes`.
//!
//! | fake | of | is |
//! |---|---|---|
//! | [`FakeKms`] | `Kms` | one answer for each operation, whatever the key; counts, delays, throttles |
//! | [`FakeAccount`] | `Kms`, `Census` | an account with keys, aliases and key stores |
//! | [`FakeVault`] | `Kms`, `Rescuer`, `Switch` | one key that can be changed; calls that change it may go wrong |
//! | [`FakeTopics`] | `Topics` | keeps what was sent; topics may be broken |
//! | [`FakeLedger`] | `Ledger` | a table in memory; may fail or be slow |
//! | [`FakeTrail`], [`FakeMetrics`] | `Trail`, `Uses`, `Grants`, `Metrics`, `Counts` | records, grants and uses that the test puts in; data that it takes out |
//! | [`FakeParts`] | `Parts` | the watch itself |
//! | [`FakeClock`] | `Clock` | stands until it is set |
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod account;
mod clock;
mod history;
mod kms;
mod ledger;
mod parts;
mod topics;
mod vault;

pub use account::{FakeAccount, FakeKey, Keys};
pub use clock::FakeClock;
pub use history::{FakeMetrics, FakeTrail};
pub use kms::{Calls, DEFAULT_POLICY, FakeKms};
pub use ledger::FakeLedger;
pub use parts::{FakeParts, There};
pub use topics::FakeTopics;
pub use vault::{FakeVault, Mishap, Vault, protected_key};
