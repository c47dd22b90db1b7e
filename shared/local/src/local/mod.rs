//! The handle that a test or the demo holds, by what it is held for.

mod accounts;
mod alarms;
mod aws;
mod buses;
mod config;
mod deployed;
mod events;
mod faults;
mod findings;
mod keys;
mod limits;
mod services;
mod tables;
mod topics;

pub use aws::LocalAws;
pub use faults::Faults;
pub use services::Service;
