//! What every service stands on: whose account it is, the clock, ids, and where records and events go.

mod events;
mod records;
mod shares;
mod state;

pub(crate) use events::EventKey;
pub(crate) use records::{ApiCall, Failure, Trail};
pub(crate) use state::Context;
