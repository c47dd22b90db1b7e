//! The words of KMS for a key's state, origin and manager, and for what is done with it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::arn::{KeyArn, Region};
use crate::text::{Part, Text, Untrusted};

/// Cryptographic operations with a key (KMS Developer Guide, cryptographic operations). `GenerateRandom` needs none.
pub const CRYPTOGRAPHIC: [&str; 14] = [
    "Decapsulate",
    "Decrypt",
    "DeriveSharedSecret",
    "Encapsulate",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateMac",
    "ReEncrypt",
    "Sign",
    "Verify",
    "VerifyMac",
];

/// An enumeration of AWS's that may grow: what is not known yet is kept as it came.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A value that came after this program was written.
            Other(Untrusted),
        }

        impl $name {
            /// Reads AWS's word.
            pub fn new(word: &str) -> Self {
                match word {
                    $($text => Self::$variant,)+
                    _ => Self::Other(Untrusted::bounded(word, 64)),
                }
            }

            /// AWS's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::Other(word) => word.as_str(),
                }
            }
        }

        impl Part for &$name {
            fn add_to(self, text: &mut Text) {
                match self {
                    $($name::$variant => $text.add_to(text),)+
                    $name::Other(word) => word.add_to(text),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::new(&String::deserialize(deserializer)?))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$($text),+] })
            }
        }
    };
}

open_enum! {
    /// State of a key (KMS Developer Guide, key states).
    State {
        /// A replica that is being made.
        Creating = "Creating",
        /// Usable.
        Enabled = "Enabled",
        /// Switched off.
        Disabled = "Disabled",
        /// In its waiting period.
        PendingDeletion = "PendingDeletion",
        /// An imported material is missing.
        PendingImport = "PendingImport",
        /// A primary whose deletion waits for that of its replicas.
        PendingReplicaDeletion = "PendingReplicaDeletion",
        /// Its custom key store is disconnected.
        Unavailable = "Unavailable",
        /// Its primary Region is being changed.
        Updating = "Updating",
    }
}

impl State {
    /// A deletion is scheduled.
    pub fn is_pending_deletion(&self) -> bool {
        matches!(self, Self::PendingDeletion | Self::PendingReplicaDeletion)
    }
}

open_enum! {
    /// Where a key's material comes from.
    Origin {
        /// Made by KMS.
        AwsKms = "AWS_KMS",
        /// Imported.
        External = "EXTERNAL",
        /// Kept in a CloudHSM cluster.
        CloudHsm = "AWS_CLOUDHSM",
        /// Kept outside AWS.
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

open_enum! {
    /// Who manages a key.
    Manager {
        /// An AWS service, for the account.
        Aws = "AWS",
        /// The account's owner.
        Customer = "CUSTOMER",
    }
}

open_enum! {
    /// Part that a material has in its key (KMS API Reference, RotationsListEntry).
    MaterialState {
        /// Encrypts and decrypts.
        Current = "CURRENT",
        /// Decrypts what was encrypted with it.
        NonCurrent = "NON_CURRENT",
        /// Imported, and becomes current by the next rotation.
        PendingRotation = "PENDING_ROTATION",
        /// Waits for its import into the replicas.
        PendingMultiRegionImportAndRotation = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

open_enum! {
    /// Part of a multi-Region key.
    MultiRegionType {
        /// The key that the others are replicas of.
        Primary = "PRIMARY",
        /// A replica.
        Replica = "REPLICA",
    }
}

/// A multi-Region key and its relatives, which hold the same material.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MultiRegion {
    /// What this key is.
    #[serde(rename = "type")]
    pub kind: MultiRegionType,
    /// The primary key.
    pub primary: Option<KeyArn>,
    /// The replica keys.
    pub replicas: Vec<KeyArn>,
}

impl MultiRegion {
    /// Regions of all related keys but the one in `own`.
    pub fn other_regions<'a>(&'a self, own: &'a Region) -> impl Iterator<Item = &'a Region> {
        self.primary
            .iter()
            .chain(&self.replicas)
            .map(KeyArn::region)
            .filter(move |region| *region != own)
    }
}
