//! How much of what an alert says was asked of KMS, and what is missing.

use jiff::Timestamp;
use serde::Serialize;

use crate::text::Untrusted;

/// How much of the alert was asked of KMS.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Enrichment {
    /// How much is there.
    pub status: EnrichmentStatus,
    /// Where it comes from.
    pub source: EnrichmentSource,
    /// Age of the snapshot, if it comes from the ledger.
    pub as_of: Option<Timestamp>,
    /// What is not there, and why.
    pub missing: Vec<Missing>,
}

/// How much of what was asked for is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum EnrichmentStatus {
    /// Everything that applies.
    Complete,
    /// Something is missing.
    Partial,
    /// Nothing was answered.
    Unavailable,
}

/// Where what is known of the key comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum EnrichmentSource {
    /// KMS, asked now.
    Live,
    /// The last snapshot in the ledger, for all that `missing` names and KMS has forgotten.
    Ledger,
    /// The event alone.
    Event,
}

/// A fact that is not there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Missing {
    /// `metadata`, `aliases`, `tags`, `rotation`, `lastRotation`, `lastUse`, `policy`, `keyStore`, `keyCount`; `ledger` if that failed, so that this alert
    /// may come twice.
    pub fact: &'static str,
    /// Why: an error code of AWS and its message.
    pub reason: Untrusted,
    /// KMS refused the question because it gets too many.
    #[serde(skip)]
    pub throttled: bool,
}
