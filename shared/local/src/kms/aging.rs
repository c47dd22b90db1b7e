//! Time passes: what KMS does to keys on its own.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    key::{Deletion, Key, MultiRegion},
    material::Material,
    names::{Origin, RotationType},
    rotation::ON_DEMAND_ROTATION_TAKES,
    selector::KeyRef,
    store::Kms,
};
use crate::{
    context::{Context, EventKey},
    ids::Ids,
};

/// What KMS does to a key without being called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Due {
    /// A new replica is ready.
    Ready,
    /// The change of the primary Region is through.
    Updated,
    /// Imported material expires.
    Expire(String),
    Rotate(RotationType),
    /// The waiting period ends.
    Delete,
}

/// What AWS is free to choose.
#[derive(Debug)]
pub(crate) struct Aging {
    seed: u64,
    late_deletions: bool,
    synchronizes_every: Option<SignedDuration>,
    /// The next time.
    synchronizes: Option<Timestamp>,
}

impl Aging {
    pub(crate) fn new(
        seed: u64,
        late_deletions: bool,
        synchronizes_every: Option<SignedDuration>,
        start: Timestamp,
    ) -> Self {
        let every = synchronizes_every.filter(|every| every.is_positive());
        Self {
            seed,
            late_deletions,
            synchronizes_every: every,
            synchronizes: every.and_then(|every| start.checked_add(every).ok()),
        }
    }

    /// When KMS next looks after multi-Region keys.
    pub(crate) fn next_synchronization(&self) -> Option<Timestamp> {
        self.synchronizes
    }

    /// KMS has looked after them.
    pub(crate) fn synchronized(&mut self, at: Timestamp) {
        let every = self.synchronizes_every;
        self.synchronizes = every.and_then(|every| at.checked_add(every).ok());
    }

    /// When a key is really deleted: up to 24 hours after its date (KMS Developer Guide, "Deleting AWS KMS keys"), and
    /// always at the same time for the same seed, key and date.
    fn deleted(&self, key: &str, date: Timestamp) -> Timestamp {
        if !self.late_deletions {
            return date;
        }
        let mut seed = self.seed ^ date.as_second().unsigned_abs();
        for byte in key.bytes() {
            seed = seed.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte);
        }
        let late = Ids::new(seed).below(24 * 60 * 60 + 1);
        let late = SignedDuration::from_secs(i64::try_from(late).unwrap_or(0));
        date.saturating_add(late).unwrap_or(date)
    }
}

impl Key {
    /// The next thing to happen to the key, and when; in the past if the key could not have it at the time.
    fn next_due(&self, aging: &Aging) -> Option<(Timestamp, Due)> {
        // Most keys just are, and this is asked of all of them at every step.
        let waits = self.ready.is_some() || self.updating.is_some() || self.deletion.is_some();
        let rotation = &self.rotation;
        let changes = rotation.on_demand.is_some() || (rotation.enabled && self.enabled);
        if !waits && !changes && self.origin != Origin::External {
            return None;
        }
        let ready = self.ready.map(|at| (at, Due::Ready));
        let updated = self.updating.map(|at| (at, Due::Updated));
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
            Some(Deletion::At(at)) => Some((aging.deleted(&self.id, at), Due::Delete)),
            _ => None,
        };
        let all = expiries
            .chain(ready)
            .chain(updated)
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

impl Kms {
    /// What is due happens to the key.
    pub(crate) fn carry_out(&mut self, context: &mut Context, key: &KeyRef, due: Due) {
        match due {
            Due::Ready => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.ready = None;
                }
            }
            Due::Updated => {
                if let Some(key) = self.keys.get_mut(key) {
                    key.updating = None;
                }
            }
            Due::Expire(material) => self.expire(context, key, &material),
            Due::Rotate(kind) => self.rotate(context, key, kind),
            Due::Delete => self.delete(context, key),
        }
    }

    /// One record in each Region of each family of multi-Region keys.
    pub(crate) fn synchronize(&self, context: &mut Context) {
        let families: Vec<(String, String)> = self
            .keys
            .values()
            .filter_map(|key| {
                let primary = match key.multi_region.as_ref()? {
                    MultiRegion::Primary => key.arn.clone(),
                    MultiRegion::Replica { primary_region } => key.arn_in(primary_region),
                };
                Some((key.region.clone(), primary))
            })
            .collect();
        for (region, primary) in families {
            context.synchronize_event(&region, &primary);
        }
    }

    fn expire(&mut self, context: &mut Context, key: &KeyRef, material: &str) {
        let Some(key) = self.keys.get_mut(key) else {
            return;
        };
        key.drop_material(material);
        let key = key.event_key();
        let details = json!({"keyId": key.id, "keyMaterialId": material});
        context.service_event(&key, "DeleteExpiredKeyMaterial", Some(details), None);
        let detail = json!({"key-id": key.id, "key-material-id": material});
        context.native_event(&key, "KMS Imported Key Material Expiration", detail);
    }

    /// Rotates the key and, if it is a multi-Region primary, its replicas: they share their material.
    fn rotate(&mut self, context: &mut Context, reference: &KeyRef, kind: RotationType) {
        let now = context.now;
        let fresh = context.ids.hex(64);
        let Some(key) = self.keys.get_mut(reference) else {
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
        let mut rotated = Vec::new();
        for place in self.keys.family(&id) {
            let member = self.keys.get_mut(&place);
            let Some(member) =
                member.filter(|key| key.region == reference.region || key.is_replica())
            else {
                continue;
            };
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
            context.service_event(&key, "RotateKey", Some(details), None);
            let detail = json!({
                "key-id": key.id,
                "key-origin": origin.as_str(),
                "rotation-type": kind.as_str(),
                "previous-key-material-id": previous,
                "current-key-material-id": current,
            });
            context.native_event(&key, "KMS CMK Rotation", detail);
        }
    }

    /// The key is gone. If it was the last replica, the waiting period of its primary starts now.
    fn delete(&mut self, context: &mut Context, reference: &KeyRef) {
        let Some(key) = self.remove(reference) else {
            return;
        };
        if let Some(MultiRegion::Replica { primary_region }) = &key.multi_region
            && self.replica_regions(&key.id).is_empty()
        {
            let primary = KeyRef {
                region: primary_region.clone(),
                id: key.id.clone(),
            };
            if let Some(primary) = self.keys.get_mut(&primary)
                && let Some(Deletion::AfterReplicas { days }) = primary.deletion
            {
                let window = SignedDuration::from_hours(24 * days);
                let at = context.now.saturating_add(window).unwrap_or(Timestamp::MAX);
                primary.deletion = Some(Deletion::At(at));
            }
        }
        let data = key.backing_key_deleted_data();
        let key = key.event_key();
        context.service_event(&key, "DeleteKey", None, data);
        context.native_event(&key, "KMS CMK Deletion", json!({"key-id": key.id}));
    }

    /// The next thing to happen to a key.
    pub(crate) fn next_due(&mut self, aging: &Aging) -> Option<(Timestamp, KeyRef, Due)> {
        let first = self
            .keys
            .first_due(|key| key.next_due(aging).map(|(at, _)| at));
        let (at, key) = first?;
        let (_, due) = self.keys.get(&key)?.next_due(aging)?;
        Some((at, key, due))
    }
}
