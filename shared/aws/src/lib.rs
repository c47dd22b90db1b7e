//! The ports of `watch-core` on the AWS SDK, and the start of a Lambda function.
//!
//! Nothing is decided here: an adapter turns one call of a port into one API operation, and its answer into the
//! port's words.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kms`] | the reads of KMS, and its lists of everything |
//! | [`sns`] | publishing |
//! | [`bus`] | putting alerts on a bus |
//! | [`dynamodb`] | the ledger's table |
//! | `accounts` | Regions of an account, accounts of an organisation; with the feature `inventory` |
//! | `cloudtrail` | the event history; with the feature `history` |
//! | `recorder` | AWS Config; with the feature `history` |
//! | `traces` | who depends on a key; with the feature `history` |
//! | `cloudwatch` | metrics and alarms; with the feature `inventory` |
//! | `parameters` | what of the settings Parameter Store holds |
//! | `parts` | the parts of the watch; with the feature `inventory` |
//! | `signed` | calls without an SDK crate of their own |
//! | `workers` | functions and schedules of the watch |
//! | [`rescue`] | the calls of KMS that take something back, and what stops them |
//! | [`clock`] | the time of day |
//! | [`sdk`] | the one SDK configuration that all clients share |
//! | [`warm`] | opening connections before the first event |
//! | [`start`] | from the environment to a running function |
//!
//! A function's `main` is one line: `watch_aws::run("key-deletion", key_deletion::decide)`. One that does something else
//! than to decide about events brings what handles its invocations: [`serve`].
//!
//! IAM actions, for the calls of each module:
//!
//! * `kms:DescribeKey`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`, `kms:ListKeyRotations`, `kms:GetKeyPolicy`,
//!   `kms:ListGrants`, `kms:GetKeyLastUsage` on keys, and on `*` `kms:ListAliases` (also while starting), `kms:ListKeys` and
//!   `kms:DescribeCustomKeyStores`;
//! * `sns:Publish`, and `sns:GetTopicAttributes` while starting;
//! * `events:PutEvents` on the bus, if there is one;
//! * `dynamodb:BatchGetItem`, `dynamodb:PutItem`, `dynamodb:UpdateItem` and `dynamodb:BatchWriteItem` on the ledger;
//! * for whoever looks back, `dynamodb:Query` on the ledger;
//! * for key-rescue alone, `kms:CancelKeyDeletion`, `kms:EnableKeyRotation`, `kms:EnableKey`, and `ssm:GetParameter` on its switch;
//! * `ssm:GetParameter` and `ssm:GetParametersByPath` while starting, if a setting is there;
//! * for whoever looks at other functions of the watch, `lambda:GetFunctionConfiguration`, `lambda:GetFunctionConcurrency`,
//!   `lambda:GetFunctionEventInvokeConfig`, `scheduler:GetSchedule`;
//! * with the feature `history`, `cloudtrail:LookupEvents` on `*`, and if AWS Config is asked, `config:SelectResourceConfig` and
//!   `config:DescribeConfigurationRecorderStatus` on `*`;
//! * with the feature `inventory`, `cloudwatch:PutMetricData` on `*` under the
//!   condition `cloudwatch:namespace`, and what `parts` reads: `events:ListRules`, `events:ListTargetsByRule`,
//!   `cloudwatch:DescribeAlarms`, `cloudwatch:ListAlarmMuteRules`, `cloudwatch:GetAlarmMuteRule`,
//!   `cloudtrail:DescribeTrails`, `cloudtrail:GetTrailStatus`, `cloudtrail:GetEventSelectors`, `sqs:GetQueueAttributes`;
//! * for the command only, `account:ListRegions` and `organizations:ListAccounts`.

#[cfg(feature = "inventory")]
pub mod accounts;
pub mod bus;
pub mod clock;
#[cfg(feature = "history")]
pub mod cloudtrail;
#[cfg(feature = "inventory")]
pub mod cloudwatch;
mod dns;
pub mod dynamodb;
mod error;
pub mod kms;
mod log;
mod page;
mod parameters;
#[cfg(feature = "inventory")]
pub mod parts;
#[cfg(feature = "history")]
pub mod recorder;
pub mod rescue;
pub mod sdk;
pub mod signed;
pub mod sns;
pub mod start;
#[cfg(feature = "history")]
pub mod traces;
pub mod warm;
pub mod workers;

#[cfg(feature = "inventory")]
pub use accounts::AccountsAdapter;
pub use bus::{BusAdapter, Ways};
pub use clock::SystemClock;
#[cfg(feature = "history")]
pub use cloudtrail::CloudTrailAdapter;
#[cfg(feature = "inventory")]
pub use cloudwatch::CloudWatchAdapter;
pub use dynamodb::DynamoDbAdapter;
pub use kms::KmsAdapter;
#[cfg(feature = "inventory")]
pub use parts::PartsAdapter;
#[cfg(feature = "history")]
pub use recorder::RecorderAdapter;
pub use rescue::{RescuerAdapter, SwitchAdapter};
pub use sns::SnsAdapter;
#[cfg(feature = "history")]
pub use start::run_with_dependants;
pub use start::{
    Failure, Handler, Invocation, Settings, run, serve, watch, watch_ready, watch_without_keys,
};
#[cfg(feature = "history")]
pub use traces::Traces;
pub use workers::WorkersAdapter;
