//! CloudWatch: metrics and alarms that are kept, and KMS's metric of expiring key material, which follows from the clock.
//!
//! Alarms are evaluated when something can have changed and not every minute, so that years pass quickly.

mod alarm;
mod alarms;
mod calls;
mod cbor;
mod data;
mod error;
mod evaluation;
mod get_data;
mod metrics;
mod mutes;
mod page;
mod query;
mod rpc;
mod state;
mod state_change;

pub(crate) use calls::resource;
pub use data::MetricPoint;
pub use error::CloudWatchError;
pub(crate) use rpc::{Refusal, encode, operation, read_body, refusal};
pub(crate) use state::CloudWatch;
