#![doc = include_str!("../README.md")]
//!
//! # Map
//!
//! | module | concern |
//! |---|---|
//! | [`local`](LocalAws) | the handle that tests and the demo hold |
//! | `world` | everything that exists: clock, keys, topics, outbox, faults |
//! | `time` | what becomes due when the clock is advanced |
//! | `kms` | keys, the table of operations × states, one file per group of operations |
//! | `events` | what EventBridge would deliver: native events and CloudTrail records |
//! | `caller` | who makes the calls, as CloudTrail words it |
//! | `sns` | topics, the limits of Publish, the query protocol |
//! | `faults` | denials, throttling, errors, delays, dropped connections |
//! | `record` | every request that came in |
//! | `wire` | from an HTTP request to a service and back |
//! | `server` | the HTTP server on its own thread |
//! | `runtime` | [`LambdaRuntime`], the Lambda Runtime API |
//! | `ids` | identifiers from a seed |

mod caller;
mod events;
mod faults;
mod ids;
mod kms;
mod local;
mod record;
mod runtime;
mod server;
mod sns;
mod time;
mod wire;
mod world;

pub use caller::Caller;
pub use events::EventShape;
pub use faults::Faults;
pub use kms::{
    ImportedMaterial, KeySpec, KeyState, KeyStore, KeyUsage, KmsError, NewKey, Origin, parse_arn,
};
pub use local::{LocalAws, Options};
pub use record::Request;
pub use runtime::{FunctionError, Invocation, LambdaRuntime, RuntimeOptions};
pub use sns::{Attribute, Published};
