//! CloudTrail: its event history, and how its records word the members of a request.

mod error;
mod history;
mod lookup;
mod members;

pub use error::CloudTrailError;
pub(crate) use history::History;
pub(crate) use members::to_trail;
