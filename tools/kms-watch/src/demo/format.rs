//! How alerts are shown.

/// How alerts are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a reader in a hurry: of each mail its subject, what happened and the first step.
    Short,
    /// For a reader: the first alert in full, of the rest what people get.
    Text,
    /// For a reader, everything.
    Full,
    /// For machines.
    Json,
}
