//! The metrics and alarms that there are.

use std::{cell::RefCell, collections::BTreeMap};

use jiff::Timestamp;
use serde_json::Value;

use super::{alarm::Alarm, metrics::Metrics};

/// Everything that CloudWatch stores.
#[derive(Debug, Default)]
pub(crate) struct CloudWatch {
    pub(crate) metrics: Metrics,
    /// By Region and name.
    pub(super) alarms: BTreeMap<(String, String), Alarm>,
    /// Rules that mute alarms, by Region and name: as they were put.
    pub(super) mutes: BTreeMap<(String, String), Value>,
    /// When KMS changed last, so that metrics may have come or gone.
    pub(super) touched: Option<Timestamp>,
    /// What is next, until something changes: looking for it means looking at every key.
    pub(super) planned: RefCell<Option<Plan>>,
}

/// The next alarm to be looked at, if there is one.
pub(super) type Plan = Option<(Timestamp, (String, String))>;

impl CloudWatch {
    /// Metrics of KMS may have changed.
    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.touched = Some(now);
        self.replan();
    }

    pub(super) fn replan(&mut self) {
        *self.planned.get_mut() = None;
    }
}
