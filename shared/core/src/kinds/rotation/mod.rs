//! Did a key's material change, will it?

mod overdue;
mod rotated;
mod switched;

pub use overdue::KeyRotationOverdue;
pub use rotated::KeyRotated;
pub use switched::{KeyRotationDisabled, KeyRotationEnabled, KeyRotationRequested};

use crate::facts::Reads;
use crate::key::State;
use crate::kinds::case::Case;

const READS: Reads = Reads {
    rotation: true,
    last_use: false,
};

/// A deletion is scheduled: KMS does not rotate the key, and reports its rotation as disabled.
fn is_pending(case: &Case<'_>) -> bool {
    case.state().is_some_and(State::is_pending_deletion)
}
