//! How urgent an alert is.

use std::str::FromStr;

use serde::Serialize;

/// Urgency of an alert, in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Severity {
    /// Good to know; people are not told unless they ask.
    Info,
    /// Worth a look within the week.
    Low,
    /// Worth a look today.
    Medium,
    /// Needs somebody now, while it can still be undone.
    High,
    /// Data or service is at stake now.
    Critical,
}

impl Severity {
    /// All levels, in rising order.
    pub const ALL: [Self; 5] = [
        Self::Info,
        Self::Low,
        Self::Medium,
        Self::High,
        Self::Critical,
    ];

    /// The level's word: `INFO`, `LOW`, …
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// A word that is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of INFO, LOW, MEDIUM, HIGH, CRITICAL")]
pub struct NoSeverity;

impl FromStr for Severity {
    type Err = NoSeverity;

    fn from_str(word: &str) -> Result<Self, NoSeverity> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str().eq_ignore_ascii_case(word))
            .ok_or(NoSeverity)
    }
}
