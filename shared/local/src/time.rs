//! Time passes: what AWS does on its own, in the order in which it becomes due.
//!
//! Nothing is scheduled ahead. What is due next follows from the keys as they are, so that a call which changes a
//! key (a cancelled deletion, a new expiry) has no stale appointment to look for.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    events::EventKey,
    kms::{
        Deletion, Key, KeyRef, Material, MultiRegion, ON_DEMAND_ROTATION_TAKES, Origin,
        RotationType,
    },
    world::World,
};

/// What KMS does to a key without being called.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Due {
    /// A new replica is ready.
    Ready,
    /// Imported material expires.
    Expire(String),
    Rotate(RotationType),
    /// The waiting period ends.
    Delete,
}

impl Key {
    /// The next thing to happen to the key, and when; in the past if the key could not have it at the time.
    fn next_due(&self) -> Option<(Timestamp, Due)> {
        let ready = self.ready.map(|at| (at, Due::Ready));
        let expiries = self
            .materials
            .iter()
            .filter_map(|material| Some((material.expires()?, Due::Expire(material.id.clone()))));
        // Disabled keys and keys pending deletion are not rotated; they catch up when enabled again
        // (KMS Developer Guide, "Rotate AWS KMS keys").
        let rotates = self.may_rotate() && !self.is_replica();
        let automatic = (rotates && self.rotation.enabled)
            .then_some((self.rotation.next, Due::Rotate(RotationType::Automatic)));
        let on_demand = self
            .rotation
            .on_demand
            .filter(|_| rotates)
            .and_then(|started| started.checked_add(ON_DEMAND_ROTATION_TAKES).ok())
            .map(|at| (at, Due::Rotate(RotationType::OnDemand)));
        let deletion = match self.deletion {
            Some(Deletion::At(at)) => Some((at, Due::Delete)),
            _ => None,
        };
        let all = expiries
            .chain(ready)
            .chain(automatic)
            .chain(on_demand)
            .chain(deletion);
        all.min_by_key(|(at, _)| *at)
    }

    fn event_key(&self) -> EventKey {
        EventKey {
            region: self.region.clone(),
            id: self.id.clone(),
            arn: self.arn.clone(),
        }
    }
}

impl World {
    /// When the next thing happens, not before now.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.first_due().map(|(at, ..)| at.max(self.now))
    }

    fn first_due(&self) -> Option<(Timestamp, KeyRef, Due)> {
        self.kms
            .keys
            .values()
            .filter_map(|key| key.next_due().map(|(at, due)| (at, key, due)))
            .min_by_key(|(at, ..)| *at)
            .map(|(at, key, due)| (at, key.reference(), due))
    }

    /// Sets the clock, which never goes back, and does what became due on the way.
    pub(crate) fn advance_to(&mut self, to: Timestamp) {
        while let Some((at, key, due)) = self.first_due()
            && at <= to.max(self.now)
        {
            self.now = self.now.max(at);
            self.carry_out(&key, due);
        }
        self.now = self.now.max(to);
    }

    /// Does what is due already.
    pub(crate) fn settle(&mut self) {
        self.advance_to(self.now);
    }

    fn carry_out(&mut self, key: &KeyRef, due: Due) {
        match due {
            Due::Ready => {
                if let Some(key) = self.kms.keys.get_mut(key) {
                    key.ready = None;
                }
            }
            Due::Expire(material) => self.expire(key, &material),
            Due::Rotate(kind) => self.rotate(key, kind),
            Due::Delete => self.delete(key),
        }
    }

    fn expire(&mut self, key: &KeyRef, material: &str) {
        let Some(key) = self.kms.keys.get_mut(key) else {
            return;
        };
        key.drop_material(material);
        let key = key.event_key();
        let details = json!({"keyId": key.id, "keyMaterialId": material});
        self.service_event(&key, "DeleteExpiredKeyMaterial", Some(details), None);
        let detail = json!({"key-id": key.id, "key-material-id": material});
        self.native_event(&key, "KMS Imported Key Material Expiration", detail);
    }

    /// Rotates the key and, if it is a multi-Region primary, its replicas: they share their material.
    fn rotate(&mut self, reference: &KeyRef, kind: RotationType) {
        let now = self.now;
        let fresh = self.ids.hex(64);
        let Some(key) = self.kms.keys.get_mut(reference) else {
            return;
        };
        let next = match key.origin {
            Origin::External => key.pending_material().cloned(),
            _ => Some(Material::generated(fresh)),
        };
        match kind {
            RotationType::OnDemand => key.rotation.on_demand = None,
            RotationType::Automatic => {
                let period = SignedDuration::from_hours(24 * i64::from(key.rotation.days.max(1)));
                key.rotation.next = now.saturating_add(period).unwrap_or(Timestamp::MAX);
            }
        }
        // The waiting material may have been deleted or have expired since the rotation was asked for.
        let Some(next) = next else { return };
        let (id, origin) = (key.id.clone(), key.origin);
        let family = self.kms.keys.values_mut().filter(|member| {
            member.id == id && (member.region == reference.region || member.is_replica())
        });
        let mut rotated = Vec::new();
        for member in family {
            let mut material = next.clone();
            if member.is_replica() && origin == Origin::External {
                // A replica has only what was imported into it.
                let own = member.materials.iter().find(|own| own.id == material.id);
                let present = own.is_some_and(Material::is_present);
                if let Some(import) = &mut material.import {
                    import.present = present;
                }
            }
            let ids = member.rotate_to(material, now, kind);
            rotated.push((member.event_key(), ids));
        }
        for (key, (previous, current)) in rotated {
            let details = json!({
                "rotationType": kind.as_str(),
                "keyOrigin": origin.as_str(),
                "previousKeyMaterialId": previous,
                "currentKeyMaterialId": current,
                "keyId": key.id,
            });
            self.service_event(&key, "RotateKey", Some(details), None);
            let detail = json!({
                "key-id": key.id,
                "key-origin": origin.as_str(),
                "rotation-type": kind.as_str(),
                "previous-key-material-id": previous,
                "current-key-material-id": current,
            });
            self.native_event(&key, "KMS CMK Rotation", detail);
        }
    }

    /// The key is gone. If it was the last replica, the waiting period of its primary starts now.
    fn delete(&mut self, reference: &KeyRef) {
        let Some(key) = self.kms.remove(reference) else {
            return;
        };
        if let Some(MultiRegion::Replica { primary_region }) = &key.multi_region
            && self.kms.replica_regions(&key.id).is_empty()
        {
            let primary = KeyRef {
                region: primary_region.clone(),
                id: key.id.clone(),
            };
            if let Some(primary) = self.kms.keys.get_mut(&primary)
                && let Some(Deletion::AfterReplicas { days }) = primary.deletion
            {
                let window = SignedDuration::from_hours(24 * days);
                let at = self.now.saturating_add(window).unwrap_or(Timestamp::MAX);
                primary.deletion = Some(Deletion::At(at));
            }
        }
        let data = key.backing_key_deleted_data();
        let key = key.event_key();
        self.service_event(&key, "DeleteKey", None, data);
        self.native_event(&key, "KMS CMK Deletion", json!({"key-id": key.id}));
    }
}
