//! What EventBridge would deliver, and what may happen to it on the way.

mod delivery;
mod outbox;
mod shape;

pub use delivery::Delivery;
pub(crate) use outbox::{Outbox, Wanted};
pub use shape::EventShape;
