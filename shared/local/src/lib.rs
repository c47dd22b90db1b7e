#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | concern |
//! |---|---|
//! | [`local`](LocalAws) | the handle that tests and the demo hold |
//! | `options` | how a simulator starts |
//! | `world` | everything that exists, and what becomes due when the clock is advanced; it knows the services, they do not know it |
//! | `context` | what every service is given: account, clock, ids, the way of records and events |
//! | `kms` | keys, the table of operations × states, one file per group of operations, what happens to keys in time |
//! | `events` | events on their way, as EventBridge delivers them |
//! | `caller` | who makes the calls, as CloudTrail words it |
//! | `sns` | topics, the limits of Publish, the query protocol |
//! | `ram` | resource shares: the second policy of a key that is shared |
//! | `dynamodb` | tables, and the language of their expressions |
//! | `cloudwatch` | metrics and alarms, and the metric of expiring key material |
//! | `config` | AWS Config: what is recorded, and its query language |
//! | `deployed` | rules, functions and trails of a stack, as a test lays them down |
//! | `cloudformation` | stacks, to be read |
//! | `sqs` | queues, and the messages in them |
//! | `lambda` | what functions do when they are invoked |
//! | `cloudtrail` | the event history, whatever EventBridge delivered; how records word a request |
//! | `eventbridge` | buses, and what is put on them |
//! | `ssm` | parameters |
//! | `securityhub` | findings that an account imports |
//! | `s3` | objects that are put into buckets |
//! | `accounts` | Regions, roles and the accounts of an organisation |
//! | `faulty` | errors that services of one protocol have in common |
//! | `faults` | denials, throttling, errors, delays, dropped connections |
//! | `hooks` | what a test does when a certain call comes |
//! | `iam` | the policies of callers, and what in them is never used |
//! | `quotas` | request quotas, and the highest rates seen |
//! | `consistency` | reads that do not see the latest change |
//! | `record` | every request that came in |
//! | `wire` | from an HTTP request to a service and back |
//! | `server` | the HTTP server on its own thread |
//! | `runtime` | [`LambdaRuntime`], the Lambda Runtime API |
//! | `ids`, `times`, `spelling` | identifiers from a seed, times, names: what all services have in common |

mod accounts;
mod caller;
mod cloudformation;
mod cloudtrail;
mod cloudwatch;
mod config;
mod consistency;
mod context;
mod deployed;
mod dynamodb;
mod eventbridge;
mod events;
mod faults;
mod faulty;
mod hooks;
mod iam;
mod ids;
mod kms;
mod lambda;
mod local;
mod options;
mod quotas;
mod ram;
mod record;
mod runtime;
mod s3;
mod securityhub;
mod server;
mod sns;
mod spelling;
mod sqs;
mod ssm;
mod times;
mod wire;
mod world;

pub use caller::Caller;
pub use cloudformation::StackResource;
pub use cloudtrail::CloudTrailError;
pub use cloudwatch::{CloudWatchError, MetricPoint};
pub use events::{Delivery, EventShape};
pub use hooks::Moment;
pub use iam::{Policy, PolicyError, Statement, UnusedPermission};
pub use kms::{
    ImportedMaterial, KeySpec, KeyState, KeyStore, KeyUsage, KmsError, NewKey, Origin, parse_arn,
};
pub use local::{Faults, LocalAws, Service};
pub use options::Options;
pub use quotas::QuotaClock;
pub use ram::RamError;
pub use record::Request;
pub use runtime::{FunctionError, Invocation, LambdaRuntime, RuntimeOptions};
pub use sns::{Attribute, EmailSuspension, FilterError, FilterScope, Published};
