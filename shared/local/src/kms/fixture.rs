//! Keys that are simply there: putting them in place.

use jiff::{SignedDuration, Timestamp};

use super::{
    deletion::after_days,
    key::{Deletion, Key, LastUse, MultiRegion, new_key_id},
    material::{Material, Role},
    names::{Origin, RotationType},
    new_key::NewKey,
    replicas::replica_of,
    selector::{KeyRef, key_ref},
    store::Kms,
};
use crate::{context::Context, ids::Ids};

fn last_use((operation, at): (&'static str, Timestamp), ids: &mut Ids) -> LastUse {
    LastUse {
        operation,
        at,
        event_id: ids.uuid(),
        request_id: ids.uuid(),
    }
}

impl Kms {
    pub(crate) fn set_last_use(
        &mut self,
        arn: &str,
        last: Option<(&'static str, Timestamp)>,
        ids: &mut Ids,
    ) {
        let last = last.map(|last| last_use(last, ids));
        if let Some(key) = key_ref(arn).and_then(|key| self.keys.get_mut(&key)) {
            key.last_use = last;
        }
    }

    /// Puts the key in place and returns its ARN.
    pub(crate) fn add_key(&mut self, new: NewKey, context: &mut Context) -> String {
        let id = new
            .id
            .unwrap_or_else(|| new_key_id(&mut context.ids, new.replicas.is_some()));
        let region = new.region.unwrap_or_else(|| context.region.clone());
        let created = new.created.unwrap_or(context.now);
        let mut key = Key::new(&region, &context.account, &id, created);
        key.spec = new.spec;
        key.usage = new.usage.unwrap_or_else(|| new.spec.default_usage());
        key.origin = new.origin;
        key.aws_managed = new.service.is_some();
        key.description = new.description;
        key.tags = new.tags;
        key.enabled = new.enabled;
        key.deletion = new.deletion.map(Deletion::At);
        if let Some(policy) = new.policy {
            key.policy = policy;
        }
        if let Some((store, xks_key)) = &new.store
            && let Some(store) = self.store(store)
        {
            let (origin, link) = store.link(xks_key.as_deref());
            key.origin = origin;
            key.store = Some(link);
        }
        if let Some(days) = new.rotation_days {
            key.rotation.enabled = true;
            key.rotation.days = days;
            key.rotation.next = first_after(created, days, context.now);
        }
        key.last_use = new.last_use.map(|last| last_use(last, &mut context.ids));
        key.tracked_since = new.tracked_since;
        if key.origin == Origin::AwsKms {
            key.materials.push(Material::generated(context.ids.hex(64)));
        }
        for (index, material) in new.materials.into_iter().enumerate() {
            let material = material.placed(&id, Role::Current);
            if index == 0 {
                key.materials.push(material);
            } else {
                key.rotate_to(material, created, RotationType::OnDemand);
            }
        }
        key.materials
            .extend(new.pending.map(|m| m.placed(&id, Role::PendingRotation)));
        for alias in &new.aliases {
            self.aliases.insert(&region, alias, &id, created);
        }
        let arn = key.arn.clone();
        if let Some(replicas) = new.replicas {
            key.multi_region = Some(MultiRegion::Primary);
            for region in replicas {
                let replica = replica_of(&key, &region);
                self.keys.insert(replica.reference(), replica);
            }
        }
        self.keys.insert(KeyRef { region, id }, key);
        arn
    }
}

fn first_after(created: Timestamp, days: u32, now: Timestamp) -> Timestamp {
    let period = SignedDuration::from_hours(24 * i64::from(days.max(1)));
    let periods = now.duration_since(created).as_secs() / period.as_secs();
    after_days(created, i64::from(days) * (periods + 1)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_rotates_at_a_multiple_of_its_period() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-20T10:00:00Z");
        assert_eq!(
            first_after(at("2026-01-01T00:00:00Z"), 100, now),
            at("2027-02-05T00:00:00Z")
        );
        assert_eq!(first_after(now, 365, now), at("2027-11-20T10:00:00Z"));
    }
}
