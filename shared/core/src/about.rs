//! A key and a custom key store, as an alert shows them: everything that is known, `null` where nothing is.

use jiff::Timestamp;
use serde::Serialize;

use crate::answers::Tags;
use crate::arn::KeyArn;
use crate::dependants::KeyOfStore;
use crate::key::{Manager, MultiRegion, Origin, State};
use crate::text::{Span, Text, Untrusted};

/// What is known of the key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// Key id.
    pub id: String,
    /// Key ARN.
    pub arn: KeyArn,
    /// Names of the key, each with its `alias/` prefix.
    pub aliases: Option<Vec<Untrusted>>,
    /// Free text of the owner.
    pub description: Option<Untrusted>,
    /// Value of the tag that names the owner.
    pub owner: Option<Untrusted>,
    /// Who else is told as an owner: those whom other spellings of the tag name, and those who owned the key in the last
    /// days. They stand in the message attribute `owner`.
    #[serde(skip)]
    pub other_owners: Vec<Untrusted>,
    /// State of the key, as KMS says now.
    pub state: Option<State>,
    /// Who manages the key.
    pub manager: Option<Manager>,
    /// Where its material comes from.
    pub origin: Option<Origin>,
    /// Key spec, such as `SYMMETRIC_DEFAULT`.
    pub spec: Option<Untrusted>,
    /// Key usage, such as `ENCRYPT_DECRYPT`.
    pub usage: Option<Untrusted>,
    /// Creation.
    pub created_at: Option<Timestamp>,
    /// Earliest deletion, of a key that is pending deletion.
    pub deletion_at: Option<Timestamp>,
    /// Earliest expiry of imported material.
    pub expires_at: Option<Timestamp>,
    /// Custom key store that holds the key.
    pub custom_key_store_id: Option<Untrusted>,
    /// Related multi-Region keys.
    pub multi_region: Option<MultiRegion>,
    /// Tags of the key.
    pub tags: Option<Tags>,
    /// Automatic rotation, of keys that can have it.
    pub rotation: Option<Rotation>,
    /// Last cryptographic use, asked only where it matters.
    pub last_use: Option<LastUse>,
}

/// How much of its description names a key, in characters.
const DESCRIPTION_IN_NAME: usize = 40;

/// The beginning of a key's id, which is enough to tell a few keys apart.
fn short_id(id: &str) -> &str {
    let random = id.strip_prefix("mrk-").unwrap_or(id);
    let is_random =
        random.len() >= 32 && random.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let length = id.len() - random.len() + 8;
    id.get(..length).filter(|_| is_random).unwrap_or(id)
}

impl Key {
    /// A key of which nothing is known but its name.
    pub fn unknown(arn: KeyArn) -> Self {
        Self {
            id: arn.id().to_owned(),
            arn,
            aliases: None,
            description: None,
            owner: None,
            other_owners: Vec::new(),
            state: None,
            manager: None,
            origin: None,
            spec: None,
            usage: None,
            created_at: None,
            deletion_at: None,
            expires_at: None,
            custom_key_store_id: None,
            multi_region: None,
            tags: None,
            rotation: None,
            last_use: None,
        }
    }

    /// The name that people know the key by: its first alias, else what it is described as, else the beginning of its id.
    pub fn name(&self) -> Text {
        if let Some([alias, ..]) = self.aliases.as_deref() {
            return crate::text![alias];
        }
        let mut id = crate::text!["key "];
        // The id's alphabet was checked with the ARN.
        id.push(Span::Own(short_id(&self.id).to_owned().into()));
        match self.naming_description() {
            Some(description) => crate::text!["\"", description, "\" (", id, ")"],
            None => id,
        }
    }

    /// The description, if it is what the key goes by.
    pub(crate) fn naming_description(&self) -> Option<Untrusted> {
        let has_alias = self.aliases.as_ref().is_some_and(|it| !it.is_empty());
        let description = self.description.as_ref().filter(|_| !has_alias)?;
        description.shortened(DESCRIPTION_IN_NAME).non_empty()
    }
}

/// Automatic rotation of a key.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Rotation {
    /// Automatic rotation is on. KMS says `false` while a deletion is pending.
    pub enabled: Option<bool>,
    /// Days between rotations.
    pub period_days: Option<u32>,
    /// Next automatic rotation.
    pub next_at: Option<Timestamp>,
    /// Last rotation of any type.
    pub last_at: Option<Timestamp>,
}

/// Whether and when a key was last used (KMS API Reference, GetKeyLastUsage).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LastUse {
    /// What is known.
    pub status: LastUseStatus,
    /// Time of the last use, up to an hour late.
    pub at: Option<Timestamp>,
    /// Operation of the last use.
    pub operation: Option<Untrusted>,
    /// CloudTrail event of the last use.
    pub event_id: Option<Untrusted>,
    /// Since when KMS has recorded the use of this key.
    pub tracked_since: Option<Timestamp>,
    /// When this was asked, if it was not just now.
    pub as_of: Option<Timestamp>,
}

/// What KMS's record of a key's use says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum LastUseStatus {
    /// The last use is known.
    Used,
    /// The key is younger than the record, which is empty.
    NeverUsed,
    /// The record is empty but younger than the key.
    Unknown,
}

/// What is known of a custom key store.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyStore {
    /// Custom key store id.
    pub id: Untrusted,
    /// Name.
    pub name: Option<Untrusted>,
    /// `AWS_CLOUDHSM` or `EXTERNAL_KEY_STORE`.
    #[serde(rename = "type")]
    pub kind: Option<Untrusted>,
    /// `CONNECTED`, `DISCONNECTED`, `FAILED`, …
    pub connection_state: Option<Untrusted>,
    /// Why the connection failed.
    pub error_code: Option<Untrusted>,
    /// How many keys it holds.
    pub key_count: Option<u64>,
    /// Some of them as the last full sweep saw them, those first on which most depends; `null` where that is not known, or the
    /// alert is about no loss.
    pub keys: Option<Vec<KeyOfStore>>,
}

impl KeyStore {
    /// The name that people know it by, and its id.
    pub fn name_of(&self) -> Text {
        match &self.name {
            Some(name) => crate::text!["key store ", name, " (", &self.id, ")"],
            None => crate::text!["key store ", &self.id],
        }
    }
}
