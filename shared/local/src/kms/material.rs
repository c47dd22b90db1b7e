//! Key material: what rotations add and imports bring back.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::names::RotationType;
use crate::ids::to_hex;

/// One generation of key material.
#[derive(Debug, Clone)]
pub(crate) struct Material {
    /// 64 hexadecimal digits.
    pub(crate) id: String,
    pub(crate) role: Role,
    /// When and how it became current; `None` for the first material and one that still waits.
    pub(crate) rotated: Option<(Timestamp, RotationType)>,
    /// `Some` for imported material only.
    pub(crate) import: Option<Import>,
}

/// What the material is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Encrypts and decrypts.
    Current,
    /// Decrypts only.
    NonCurrent,
    /// Imported for a rotation that has not happened: not yet permanently associated with the key.
    PendingRotation,
}

impl Role {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Current => "CURRENT",
            Self::NonCurrent => "NON_CURRENT",
            Self::PendingRotation => "PENDING_ROTATION",
        }
    }
}

/// What is known of an imported material.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    /// `false` after expiry or deletion, until it is imported again.
    pub(crate) present: bool,
    /// `None`: does not expire.
    pub(crate) valid_to: Option<Timestamp>,
    pub(crate) description: Option<String>,
}

impl Material {
    pub(crate) fn generated(id: String) -> Self {
        Self {
            id,
            role: Role::Current,
            rotated: None,
            import: None,
        }
    }

    /// Whether KMS holds the material now.
    pub(crate) fn is_present(&self) -> bool {
        self.import.as_ref().is_none_or(|import| import.present)
    }

    /// When KMS will delete it.
    pub(crate) fn expires(&self) -> Option<Timestamp> {
        self.import
            .as_ref()
            .filter(|import| import.present)
            .and_then(|import| import.valid_to)
    }
}

pub(crate) fn expiration_model(valid_to: Option<Timestamp>) -> &'static str {
    if valid_to.is_some() {
        "KEY_MATERIAL_EXPIRES"
    } else {
        "KEY_MATERIAL_DOES_NOT_EXPIRE"
    }
}

/// KMS derives the id from the key id and the material, so the same bytes have the same id again.
pub(crate) fn material_id(key_id: &str, material: &[u8]) -> String {
    to_hex(
        &Sha256::new()
            .chain_update(key_id)
            .chain_update(material)
            .finalize(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_have_the_same_id_on_the_same_key() {
        assert_eq!(material_id("a", b"bytes"), material_id("a", b"bytes"));
        assert_ne!(material_id("a", b"bytes"), material_id("b", b"bytes"));
        assert_eq!(material_id("a", b"bytes").len(), 64);
    }
}
