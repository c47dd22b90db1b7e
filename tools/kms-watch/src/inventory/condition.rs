//! What may be the matter with a key: the words of `--fail-on`.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use serde::{Serialize, Serializer};

/// The most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    PendingDeletion,
    Public,
    Expiring,
    PendingImport,
    Unavailable,
    Disabled,
    Foreign,
    BlindSpot,
    NoRotation,
    Unused,
}

impl Condition {
    pub(crate) const ALL: [Self; 10] = [
        Self::PendingDeletion,
        Self::Public,
        Self::Expiring,
        Self::PendingImport,
        Self::Unavailable,
        Self::Disabled,
        Self::Foreign,
        Self::BlindSpot,
        Self::NoRotation,
        Self::Unused,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PendingDeletion => "pending-deletion",
            Self::Public => "public",
            Self::Expiring => "expiring",
            Self::PendingImport => "pending-import",
            Self::Unavailable => "unavailable",
            Self::Disabled => "disabled",
            Self::Foreign => "foreign",
            Self::BlindSpot => "blind-spot",
            Self::NoRotation => "no-rotation",
            Self::Unused => "unused",
        }
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Data is being lost, or anybody's.
    Urgent,
    /// Something does not work, or is not as it should be.
    Wrong,
    /// Good to know.
    Notable,
}

impl Condition {
    pub(crate) fn weight(self) -> Weight {
        match self {
            Self::PendingDeletion | Self::Public | Self::Expiring => Weight::Urgent,
            Self::PendingImport | Self::Unavailable | Self::Disabled | Self::Foreign => {
                Weight::Wrong
            }
            Self::BlindSpot | Self::NoRotation | Self::Unused => Weight::Notable,
        }
    }

    /// What it means, of a key.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::PendingDeletion => "is deleted within --within days",
            Self::Public => "has a policy that allows everybody in every account",
            Self::Expiring => "has key material that expires within --within days",
            Self::PendingImport => "has no key material",
            Self::Unavailable => "is in a custom key store that does not answer",
            Self::Disabled => "is disabled",
            Self::Foreign => "has a policy that allows somebody who is not trusted",
            Self::BlindSpot => "denies you something",
            Self::NoRotation => "could rotate by itself, and does not",
            Self::Unused => "was not used for 90 days, as far as KMS recorded it",
        }
    }
}

impl ValueEnum for Condition {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.help()))
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Condition {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Condition".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<_> = Self::ALL.iter().map(|it| it.name()).collect();
        // Open: words to come are no breaking change.
        schemars::json_schema!({ "type": "string", "examples": names })
    }
}
