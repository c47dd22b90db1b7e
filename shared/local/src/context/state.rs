//! Account, clock, ids, and the way of events.

use jiff::Timestamp;

use crate::{cloudtrail::History, events::Outbox, ids::Ids};

/// What every service is given with a call, and all that it knows of what is around it.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) account: String,
    /// Of calls that name none.
    pub(crate) region: String,
    /// The virtual clock.
    pub(crate) now: Timestamp,
    pub(crate) usage_tracking_start: Timestamp,
    pub(crate) ids: Ids,
    pub(crate) outbox: Outbox,
    pub(crate) history: History,
}
