//! CloudWatch: metrics and alarms that are kept, and KMS's metric of expiring key material, which follows from the clock.
//!
//! Alarms are evaluated when something can have changed and not every minute, so that years pass quickly.

mod alarm;
mod calls;
mod cbor;
mod evaluation;
mod metrics;
mod query;
mod rpc;
mod state_change;

use std::{cell::RefCell, collections::BTreeMap};

use jiff::Timestamp;

use self::alarm::Alarm;
pub(crate) use calls::resource;
pub use calls::{CloudWatchError, MetricPoint};
pub(crate) use metrics::Metrics;
pub(crate) use rpc::{Refusal, encode, operation, read_body, refusal};

/// Everything that CloudWatch stores.
#[derive(Debug, Default)]
pub(crate) struct CloudWatch {
    pub(crate) metrics: Metrics,
    /// By Region and name.
    alarms: BTreeMap<(String, String), Alarm>,
    /// When KMS changed last, so that metrics may have come or gone.
    touched: Option<Timestamp>,
    /// What is next, until something changes: looking for it means looking at every key.
    planned: RefCell<Option<Plan>>,
}

/// The next alarm to be looked at, if there is one.
type Plan = Option<(Timestamp, (String, String))>;

impl CloudWatch {
    /// Metrics of KMS may have changed.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.touched = Some(now);
        self.replan();
    }

    fn replan(&mut self) {
        *self.planned.get_mut() = None;
    }
}
