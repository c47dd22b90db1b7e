//! What may be the matter with a key: the words of `--fail-on`.

use serde::{Serialize, Serializer};

/// The most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    PendingDeletion,
    Expiring,
    PendingImport,
    Unavailable,
    Disabled,
    BlindSpot,
    NoRotation,
    Unused,
}

impl Condition {
    pub(crate) const ALL: [Self; 8] = [
        Self::PendingDeletion,
        Self::Expiring,
        Self::PendingImport,
        Self::Unavailable,
        Self::Disabled,
        Self::BlindSpot,
        Self::NoRotation,
        Self::Unused,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PendingDeletion => "pending-deletion",
            Self::Expiring => "expiring",
            Self::PendingImport => "pending-import",
            Self::Unavailable => "unavailable",
            Self::Disabled => "disabled",
            Self::BlindSpot => "blind-spot",
            Self::NoRotation => "no-rotation",
            Self::Unused => "unused",
        }
    }

    pub(crate) fn find(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|condition| condition.name() == name)
    }
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
