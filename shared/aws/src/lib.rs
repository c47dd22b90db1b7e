//! The ports of `watch-core` on the AWS SDK, and the start of a Lambda function.
//!
//! Nothing is decided here: an adapter turns one call of a port into one API operation, and its answer into the
//! port's words.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kms`] | the reads of KMS |
//! | [`sns`] | publishing |
//! | [`dynamodb`] | the ledger's table |
//! | [`clock`] | the time of day |
//! | [`sdk`] | the one SDK configuration that all clients share |
//! | [`warm`] | opening connections before the first event |
//! | [`start`] | from the environment to a running function |
//!
//! A function's `main` is one line: `watch_aws::run("key-deletion", key_deletion::decide)`.
//!
//! IAM actions: `kms:DescribeKey`, `kms:ListAliases` (also while starting, on `*`), `kms:ListResourceTags`,
//! `kms:GetKeyRotationStatus`, `kms:ListKeyRotations`, `kms:GetKeyLastUsage`, `sns:Publish`, and
//! `sns:GetTopicAttributes` while starting; `dynamodb:BatchGetItem`, `dynamodb:PutItem`, `dynamodb:UpdateItem` and
//! `dynamodb:BatchWriteItem` on the ledger.

pub mod clock;
pub mod dynamodb;
mod error;
pub mod kms;
mod log;
pub mod sdk;
pub mod sns;
pub mod start;
pub mod warm;

pub use clock::SystemClock;
pub use dynamodb::DynamoDbAdapter;
pub use kms::KmsAdapter;
pub use sns::SnsAdapter;
pub use start::{run, watch};
