//! Is a key going away? Scheduled, near, cancelled, done.

mod cancelled;
mod deleted;
mod intent;
mod near;
mod planned;
mod scheduled;
mod vanished;

pub use cancelled::KeyDeletionCancelled;
pub use deleted::KeyDeleted;
pub use intent::Sign;
pub use near::KeyDeletionNear;
pub use planned::Planned;
pub use scheduled::KeyDeletionScheduled;
pub use vanished::KeyVanished;

/// Shortest waiting period in days (KMS API Reference, ScheduleKeyDeletion).
const SHORTEST_WINDOW_DAYS: i64 = 7;
