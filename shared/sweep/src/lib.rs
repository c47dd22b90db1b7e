//! Looking at every key of an account: what is there, what is due, and what no event told of.
//!
//! | module | what it holds |
//! |---|---|
//! | [`order`] | what a schedule asks for |
//! | [`census`] | the lists of all keys, names and key stores |
//! | [`look`] | one look at one key |
//! | [`pace`] | KMS at a part of its request quotas |
//! | [`roster`], [`still`], [`position`], [`store`] | what is kept between sweeps, in the ledger |
//! | [`listing`] | the keys as a list that people look through |
//! | [`difference`] | what changed between two looks |
//! | [`access`] | what of a policy and of grants is not as it was known |
//! | [`attest`] | whether the watch can still tell |
//! | [`missed`] | a difference as the occurrence that an event would have told |
//! | [`due`] | what is due, and at which step people are told |
//! | [`tally`] | what is counted: metrics and digest |
//! | [`sweep`] | the sweep: all of these, part by part |
//!
//! IAM actions: `kms:ListKeys`, `kms:ListAliases`, `kms:DescribeCustomKeyStores`, `cloudtrail:LookupEvents` and
//! `cloudwatch:PutMetricData` on `*`; `sns:ListSubscriptionsByTopic` and `sns:GetSubscriptionAttributes` on its topics; `kms:DescribeKey`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`,
//! `kms:ListKeyRotations`, `kms:GetKeyPolicy`, `kms:ListGrants` and `kms:GetKeyLastUsage` on the account's keys.

pub mod access;
pub mod attest;
pub mod census;
pub mod difference;
pub mod due;
pub mod listing;
pub mod look;
pub mod missed;
pub mod order;
pub mod pace;
pub mod position;
pub mod roster;
pub mod still;
pub mod store;
pub mod sweep;
pub mod tally;
