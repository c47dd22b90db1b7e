//! The materials of a key: what rotations add and imports bring back.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    key::Key,
    material::{Material, Role, expiration_model},
    names::{Origin, RotationType},
};
use crate::times::epoch;

impl Material {
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
