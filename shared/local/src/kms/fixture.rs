//! Keys that are simply there: the set-up of a test, without calls and without events.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{
    Deletion, Import, Key, KeyRef, KeySpec, KeyUsage, LastUse, Material, MultiRegion, Origin, Role,
    RotationType, deletion::after_days, key_ref, material_id, replicas::replica_of,
};
use crate::world::World;

/// A key to put in place with [`LocalAws::add_key`](crate::LocalAws::add_key).
///
/// ```
/// use watch_local::{KeySpec, NewKey};
///
/// let ledger = NewKey::symmetric().alias("alias/ledger").tag("owner", "payments").rotating_every(365);
/// let signing = NewKey::with_spec(KeySpec::EccNistP256).disabled();
/// # let _ = (ledger, signing);
/// ```
#[derive(Debug, Clone)]
pub struct NewKey {
    spec: KeySpec,
    usage: Option<KeyUsage>,
    origin: Origin,
    service: Option<String>,
    replicas: Option<Vec<String>>,
    store: Option<(String, Option<String>)>,
    id: Option<String>,
    region: Option<String>,
    created: Option<Timestamp>,
    description: String,
    aliases: Vec<String>,
    tags: BTreeMap<String, String>,
    policy: Option<String>,
    enabled: bool,
    deletion: Option<Timestamp>,
    rotation_days: Option<u32>,
    materials: Vec<ImportedMaterial>,
    pending: Option<ImportedMaterial>,
    last_use: Option<(&'static str, Timestamp)>,
    tracked_since: Option<Timestamp>,
}

/// Key material that somebody imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedMaterial {
    bytes: Vec<u8>,
    valid_to: Option<Timestamp>,
    description: Option<String>,
}

impl ImportedMaterial {
    /// Material that does not expire.
    #[must_use]
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            valid_to: None,
            description: None,
        }
    }

    /// Expires then.
    #[must_use]
    pub fn expiring(mut self, at: Timestamp) -> Self {
        self.valid_to = Some(at);
        self
    }

    /// With this description.
    #[must_use]
    pub fn described(mut self, text: &str) -> Self {
        self.description = Some(text.to_owned());
        self
    }

    fn placed(self, key_id: &str, role: Role) -> Material {
        let id = material_id(key_id, &self.bytes);
        let import = Import {
            present: true,
            valid_to: self.valid_to,
            description: self.description,
        };
        Material {
            id,
            role,
            rotated: None,
            import: Some(import),
        }
    }
}

impl NewKey {
    fn new(origin: Origin) -> Self {
        Self {
            spec: KeySpec::SymmetricDefault,
            usage: None,
            origin,
            service: None,
            replicas: None,
            store: None,
            id: None,
            region: None,
            created: None,
            description: String::new(),
            aliases: Vec::new(),
            tags: BTreeMap::new(),
            policy: None,
            enabled: true,
            deletion: None,
            rotation_days: None,
            materials: Vec::new(),
            pending: None,
            last_use: None,
            tracked_since: None,
        }
    }

    /// A symmetric encryption key whose material KMS made.
    #[must_use]
    pub fn symmetric() -> Self {
        Self::new(Origin::AwsKms)
    }

    /// A key of any spec, with the spec's first usage.
    #[must_use]
    pub fn with_spec(spec: KeySpec) -> Self {
        Self {
            spec,
            ..Self::new(Origin::AwsKms)
        }
    }

    /// A symmetric key for imported material: `PendingImport` until [`material`](Self::material) is given.
    #[must_use]
    pub fn imported() -> Self {
        Self::new(Origin::External)
    }

    /// A key in a CloudHSM or external key store that was added before.
    #[must_use]
    pub fn in_store(store: &str) -> Self {
        // The store knows which of the two origins it is; this one is corrected when the key is placed.
        Self {
            store: Some((store.to_owned(), None)),
            ..Self::new(Origin::AwsCloudHsm)
        }
    }

    /// A key in an external key store, by the id that its key manager knows.
    #[must_use]
    pub fn in_external_store(store: &str, xks_key: &str) -> Self {
        Self {
            store: Some((store.to_owned(), Some(xks_key.to_owned()))),
            ..Self::new(Origin::ExternalKeyStore)
        }
    }

    /// The AWS managed key of a service (`ebs`), with its alias `alias/aws/ebs` and yearly rotation.
    #[must_use]
    pub fn aws_managed(service: &str) -> Self {
        let mut key = Self::symmetric()
            .alias(&format!("alias/aws/{service}"))
            .rotating_every(365);
        key.description =
            format!("Default key that protects my {service} data when no other key is defined");
        key.service = Some(service.to_owned());
        key
    }

    /// A multi-Region primary key with replicas in these Regions.
    #[must_use]
    pub fn multi_region(replicas: &[&str]) -> Self {
        let regions = replicas.iter().map(|region| (*region).to_owned()).collect();
        Self {
            replicas: Some(regions),
            ..Self::symmetric()
        }
    }

    /// Not the spec's first usage but this one.
    #[must_use]
    pub fn usage(mut self, usage: KeyUsage) -> Self {
        self.usage = Some(usage);
        self
    }

    /// With this key id.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// In this Region instead of the simulator's own.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Created then; otherwise now.
    #[must_use]
    pub fn created(mut self, at: Timestamp) -> Self {
        self.created = Some(at);
        self
    }

    /// With this description.
    #[must_use]
    pub fn described(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// With this alias (`alias/…`), taken from whichever key has it.
    #[must_use]
    pub fn alias(mut self, name: &str) -> Self {
        self.aliases.push(name.to_owned());
        self
    }

    /// With this tag.
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// With this key policy instead of the default one.
    #[must_use]
    pub fn policy(mut self, text: &str) -> Self {
        self.policy = Some(text.to_owned());
        self
    }

    /// Disabled.
    #[must_use]
    pub fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Scheduled to be deleted then.
    #[must_use]
    pub fn deleted_at(mut self, at: Timestamp) -> Self {
        self.deletion = Some(at);
        self
    }

    /// Automatic rotation is on; the first one from now is the first multiple of the period after creation.
    #[must_use]
    pub fn rotating_every(mut self, days: u32) -> Self {
        self.rotation_days = Some(days);
        self
    }

    /// Imported material; of several, the last one is current and the others came before it.
    #[must_use]
    pub fn material(mut self, material: ImportedMaterial) -> Self {
        self.materials.push(material);
        self
    }

    /// Imported material that waits for an on-demand rotation.
    #[must_use]
    pub fn pending_material(mut self, material: ImportedMaterial) -> Self {
        self.pending = Some(material);
        self
    }

    /// Last used for this operation (`Decrypt`) then.
    #[must_use]
    pub fn last_used(mut self, operation: &'static str, at: Timestamp) -> Self {
        self.last_use = Some((operation, at));
        self
    }

    /// Its uses are recorded since then, instead of since the start of the recording or its creation.
    #[must_use]
    pub fn tracked_since(mut self, at: Timestamp) -> Self {
        self.tracked_since = Some(at);
        self
    }
}

impl World {
    pub(crate) fn new_key_id(&mut self, multi_region: bool) -> String {
        if multi_region {
            format!("mrk-{}", self.ids.hex(32))
        } else {
            self.ids.uuid()
        }
    }

    fn last_use(&mut self, (operation, at): (&'static str, Timestamp)) -> LastUse {
        LastUse {
            operation,
            at,
            event_id: self.ids.uuid(),
            request_id: self.ids.uuid(),
        }
    }

    pub(crate) fn set_last_use(&mut self, arn: &str, last: Option<(&'static str, Timestamp)>) {
        let last = last.map(|last| self.last_use(last));
        if let Some(key) = key_ref(arn).and_then(|key| self.kms.keys.get_mut(&key)) {
            key.last_use = last;
        }
    }

    /// Puts the key in place and returns its ARN.
    pub(crate) fn add_key(&mut self, new: NewKey) -> String {
        let id = new
            .id
            .unwrap_or_else(|| self.new_key_id(new.replicas.is_some()));
        let region = new.region.unwrap_or_else(|| self.region.clone());
        let created = new.created.unwrap_or(self.now);
        let mut key = Key::new(&region, &self.account, &id, created);
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
            && let Some(store) = self.kms.store(store)
        {
            let (origin, link) = store.link(xks_key.as_deref());
            key.origin = origin;
            key.store = Some(link);
        }
        if let Some(days) = new.rotation_days {
            key.rotation.enabled = true;
            key.rotation.days = days;
            key.rotation.next = first_after(created, days, self.now);
        }
        key.last_use = new.last_use.map(|last| self.last_use(last));
        key.tracked_since = new.tracked_since;
        if key.origin == Origin::AwsKms {
            key.materials.push(Material::generated(self.ids.hex(64)));
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
            self.kms.aliases.insert(&region, alias, &id, created);
        }
        let arn = key.arn.clone();
        if let Some(replicas) = new.replicas {
            key.multi_region = Some(MultiRegion::Primary);
            for region in replicas {
                let replica = replica_of(&key, &region);
                self.kms.keys.insert(replica.reference(), replica);
            }
        }
        self.kms.keys.insert(KeyRef { region, id }, key);
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
