//! What a key shall be that is simply there: the set-up of a test, without calls and without events.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    material::{Import, Material, Role, material_id},
    names::{KeySpec, KeyUsage, Origin},
};

/// A key to put in place with [`LocalAws::add_key`](crate::LocalAws::add_key).
///
/// ```
/// use kms_local::{KeySpec, NewKey};
///
/// let ledger = NewKey::symmetric().alias("alias/ledger").tag("owner", "payments").rotating_every(365);
/// let signing = NewKey::with_spec(KeySpec::EccNistP256).disabled();
/// # let _ = (ledger, signing);
/// ```
#[derive(Debug, Clone)]
pub struct NewKey {
    pub(super) spec: KeySpec,
    pub(super) usage: Option<KeyUsage>,
    pub(super) origin: Origin,
    pub(super) service: Option<String>,
    pub(super) replicas: Option<Vec<String>>,
    pub(super) store: Option<(String, Option<String>)>,
    pub(super) id: Option<String>,
    pub(super) region: Option<String>,
    pub(super) created: Option<Timestamp>,
    pub(super) description: String,
    pub(super) aliases: Vec<String>,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) policy: Option<String>,
    pub(super) enabled: bool,
    pub(super) deletion: Option<Timestamp>,
    pub(super) rotation_days: Option<u32>,
    pub(super) materials: Vec<ImportedMaterial>,
    pub(super) pending: Option<ImportedMaterial>,
    pub(super) last_use: Option<(&'static str, Timestamp)>,
    pub(super) tracked_since: Option<Timestamp>,
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

    pub(super) fn placed(self, key_id: &str, role: Role) -> Material {
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
