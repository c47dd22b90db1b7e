//! Where the news came from.

use serde::Serialize;

use crate::text::Untrusted;

/// Where the news came from.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Source {
    /// The teller.
    pub via: Via,
    /// CloudTrail's id of the record, else EventBridge's of the event.
    pub event_id: Option<Untrusted>,
    /// The event's `detail-type`.
    pub detail_type: Option<Untrusted>,
    /// The operation that CloudTrail recorded.
    pub event_name: Option<Untrusted>,
    /// Name of the EventBridge replay that sent the event again.
    pub replay: Option<Untrusted>,
}

/// Who told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Via {
    /// KMS's own event, or an event that could not be read.
    Kms,
    /// CloudTrail.
    CloudTrail,
    /// A CloudWatch alarm.
    Alarm,
    /// AWS RAM.
    Ram,
    /// The sweep over all keys.
    Sweep,
    /// KMS Watch itself, of what it did to a key.
    Rescue,
}

impl Via {
    /// Reads the word.
    pub fn new(word: &str) -> Option<Self> {
        [
            Self::Kms,
            Self::CloudTrail,
            Self::Alarm,
            Self::Sweep,
            Self::Rescue,
        ]
        .into_iter()
        .find(|via| via.as_str() == word)
    }

    /// Its word on the feed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kms => "KMS",
            Self::CloudTrail => "CLOUDTRAIL",
            Self::Alarm => "ALARM",
            Self::Ram => "RAM",
            Self::Sweep => "SWEEP",
            Self::Rescue => "RESCUE",
        }
    }
}
