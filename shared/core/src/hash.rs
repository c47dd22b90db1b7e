//! Hashes as names: of an identity, of a name that may hold anything.

use sha2::{Digest, Sha256};

/// The first half of a SHA-256, in hexadecimal digits: 128 bits are plenty against accidents.
pub fn short_hash(text: &str) -> String {
    Sha256::digest(text.as_bytes())
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
