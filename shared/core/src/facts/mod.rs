//! The KMS reads that explain an event. They run in parallel, each bounded in time; none can stop the alert.

mod fact;
mod key;
mod key_store;

pub use fact::{LAST_USE_LIMIT, READ_LIMIT};
pub use key::{Facts, PolicyOf, Reads};
pub use key_store::KeyStoreFacts;
