//! Events that arrive, and those that do not.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::aws::LocalAws;
use crate::{
    cloudtrail::CloudTrailError,
    events::{Delivery, EventShape},
};

impl LocalAws {
    /// Changes the generation of event shapes that is sent from here on.
    pub fn set_event_shape(&self, shape: EventShape) {
        self.with(|world| world.context.outbox.shape = shape);
    }

    /// The events that have arrived since the last time, in the order of their arrival.
    pub fn take_events(&self) -> Vec<Value> {
        self.with(|world| world.context.outbox.take(world.context.now))
    }

    /// Changes what happens to events on their way, from here on; those that are on their way already arrive. With
    /// [`Delivery::nothing`] the events of what happens from here on never come, until this is called again:
    /// [`lost_events`](Self::lost_events) and CloudTrail's event history have them.
    pub fn set_delivery(&self, delivery: Delivery) {
        self.with(|world| world.context.outbox.set_delivery(delivery));
    }

    /// When the next event that is on its way arrives; in the past if it waits to be taken.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Timestamp> {
        self.lock().context.outbox.next_arrival()
    }

    /// The events that were lost on their way.
    #[must_use]
    pub fn lost_events(&self) -> Vec<Value> {
        self.lock().context.outbox.lost().to_vec()
    }

    /// Calls a CloudTrail operation (`LookupEvents`) in the simulator's Region, without HTTP and without faults; names as in
    /// the API, times in seconds since 1970.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_cloudtrail(&self, operation: &str, body: Value) -> Result<Value, CloudTrailError> {
        let region = self.region();
        self.with(|world| world.cloudtrail_call(operation, region, &body))
    }

    /// Every record in CloudTrail's event history of the simulator's Region, oldest first: also those that EventBridge lost, and
    /// those that `LookupEvents` does not find yet.
    #[must_use]
    pub fn event_history(&self) -> Vec<Value> {
        let region = self.region();
        self.with(|world| world.context.history.records(region))
    }

    /// Changes how long after the fact `LookupEvents` finds a record, also for records that are made already.
    pub fn set_event_history_lag(&self, lag: SignedDuration) {
        self.with(|world| world.context.history.lag = lag);
    }
}
