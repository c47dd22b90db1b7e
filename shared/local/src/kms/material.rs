//! Key material: what rotations add and imports bring back.

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Key, Origin, RotationType};
use crate::ids::to_hex;
use crate::wire::epoch;

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
    fn as_str(self) -> &'static str {
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

    /// One entry of `ListKeyRotations`.
    pub(crate) fn listed(&self, key: &Key) -> Value {
        let mut entry = json!({
            "KeyId": key.id,
            "KeyMaterialId": self.id,
            "KeyMaterialState": self.role.as_str(),
        });
        if let Some((at, kind)) = self.rotated {
            entry["RotationDate"] = epoch(at);
            entry["RotationType"] = kind.as_str().into();
        }
        if let Some(import) = &self.import {
            entry["ImportState"] = if import.present {
                "IMPORTED"
            } else {
                "PENDING_IMPORT"
            }
            .into();
            if let Some(description) = &import.description {
                entry["KeyMaterialDescription"] = description.as_str().into();
            }
            if import.present {
                entry["ExpirationModel"] = expiration_model(import.valid_to).into();
                if let Some(valid_to) = import.valid_to {
                    entry["ValidTo"] = epoch(valid_to);
                }
            }
        }
        entry
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

impl Key {
    pub(crate) fn current_material(&self) -> Option<&Material> {
        self.materials
            .iter()
            .find(|material| material.role == Role::Current)
    }

    pub(crate) fn pending_material(&self) -> Option<&Material> {
        self.materials
            .iter()
            .find(|material| material.role == Role::PendingRotation)
    }

    /// Materials that belong to the key for good: one missing makes the key `PendingImport`.
    pub(crate) fn permanent_materials(&self) -> impl Iterator<Item = &Material> {
        self.materials
            .iter()
            .filter(|material| material.role != Role::PendingRotation)
    }

    pub(crate) fn lacks_material(&self) -> bool {
        self.origin == Origin::External
            && (self.materials.is_empty() || self.permanent_materials().any(|m| !m.is_present()))
    }

    /// `KeyMetadata.ValidTo`: the earliest expiry of the permanently associated materials.
    pub(crate) fn earliest_expiry(&self) -> Option<Timestamp> {
        self.permanent_materials()
            .filter_map(Material::expires)
            .min()
    }

    /// Makes `next` current; returns the ids before and after.
    pub(crate) fn rotate_to(
        &mut self,
        next: Material,
        at: Timestamp,
        kind: RotationType,
    ) -> (String, String) {
        let previous = self
            .current_material()
            .map(|m| m.id.clone())
            .unwrap_or_default();
        self.materials.retain(|material| material.id != next.id);
        for material in &mut self.materials {
            material.role = Role::NonCurrent;
        }
        let current = next.id.clone();
        self.materials.push(Material {
            role: Role::Current,
            rotated: Some((at, kind)),
            ..next
        });
        (previous, current)
    }

    /// KMS lets go of an imported material: after expiry or on request.
    pub(crate) fn drop_material(&mut self, id: &str) {
        self.materials
            .retain(|m| !(m.id == id && m.role == Role::PendingRotation));
        for material in self
            .materials
            .iter_mut()
            .filter(|material| material.id == id)
        {
            if let Some(import) = &mut material.import {
                import.present = false;
                import.valid_to = None;
            }
        }
    }
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
