//! Did a key's material change, will it?

mod overdue;
mod rotated;
mod switched;

pub use overdue::KeyRotationOverdue;
pub use rotated::KeyRotated;
pub use switched::{KeyRotationDisabled, KeyRotationEnabled, KeyRotationRequested};

use crate::facts::Reads;

const READS: Reads = Reads {
    rotation: true,
    last_use: false,
};
