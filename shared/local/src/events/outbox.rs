//! Events on their way, and those that nobody has taken yet.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    delivery::{Courier, Delivery},
    shape::EventShape,
};

/// Of which calls there are events, besides those that change something and succeed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted {
    /// Of those that fail.
    pub(crate) failed: bool,
    /// Of reads and cryptographic operations.
    pub(crate) read_only: bool,
}

/// Events that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Outbox {
    pub(crate) shape: EventShape,
    wanted: Wanted,
    courier: Courier,
}

impl Outbox {
    pub(crate) fn new(shape: EventShape, wanted: Wanted, delivery: Delivery, seed: u64) -> Self {
        Self {
            shape,
            wanted,
            courier: Courier::new(delivery, seed),
        }
    }

    /// Whether a record is sent of such a call.
    pub(crate) fn wants(&self, read_only: bool, failed: bool) -> bool {
        (self.wanted.read_only || !read_only) && (self.wanted.failed || !failed)
    }

    /// The generation of shapes for the next event.
    pub(crate) fn next_shape(&mut self) -> EventShape {
        self.courier.shape(self.shape)
    }

    /// Whether the caller's account sends its copy of the next record, too.
    pub(crate) fn copies(&mut self) -> bool {
        self.courier.copies()
    }

    /// Sends an event on its way.
    pub(crate) fn send(&mut self, event: Value, now: Timestamp) {
        self.courier.send(event, now);
    }

    pub(crate) fn set_delivery(&mut self, rules: Delivery) {
        self.courier.rules = rules;
    }

    /// What has arrived by now.
    pub(crate) fn take(&mut self, now: Timestamp) -> Vec<Value> {
        self.courier.take(now)
    }

    pub(crate) fn next_arrival(&self) -> Option<Timestamp> {
        self.courier.next_arrival()
    }

    pub(crate) fn lost(&self) -> &[Value] {
        self.courier.lost()
    }
}
