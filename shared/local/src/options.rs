//! How a simulator starts.

use jiff::{SignedDuration, Timestamp};

use crate::{
    events::{Delivery, EventShape},
    quotas::QuotaClock,
};

/// How a simulator starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Region of calls and topics that name none.
    pub region: String,
    /// Owner of everything.
    pub account: String,
    /// What the virtual clock shows first.
    pub start: Timestamp,
    /// The same seed gives the same ids.
    pub seed: u64,
    /// When KMS began to record the last use of keys; older uses are unknown.
    pub usage_tracking_start: Timestamp,
    /// Which generation of event shapes is sent.
    pub event_shape: EventShape,
    /// Whether calls that change things and fail are recorded by CloudTrail, as AWS does.
    pub failed_call_events: bool,
    /// Whether reads and cryptographic operations send events too, as a rule in the state
    /// `ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS` would see them.
    pub read_only_events: bool,
    /// How long after the fact CloudTrail's event history shows a record: AWS says "typically within an average of about 5
    /// minutes" and guarantees nothing.
    pub event_history_lag: SignedDuration,
    /// What happens to events on their way.
    pub delivery: Delivery,
    /// Whether keys are deleted up to 24 hours after their date, drawn from the seed, as AWS may do.
    pub late_deletions: bool,
    /// How often KMS records that it keeps related multi-Region keys in step; `None`: never.
    pub synchronizes_every: Option<SignedDuration>,
    /// Whether request quotas are enforced, and on which clock.
    pub quotas: Option<QuotaClock>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            account: "111122223333".to_owned(),
            // 2026-11-20T10:00:00Z
            start: Timestamp::constant(1_795_168_800, 0),
            seed: 1,
            // 2026-03-01T00:00:00Z
            usage_tracking_start: Timestamp::constant(1_772_323_200, 0),
            event_shape: EventShape::Current,
            failed_call_events: true,
            read_only_events: false,
            event_history_lag: SignedDuration::from_mins(5),
            delivery: Delivery::default(),
            late_deletions: false,
            synchronizes_every: None,
            quotas: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_documented_times() {
        let options = Options::default();
        assert_eq!(options.start.to_string(), "2026-11-20T10:00:00Z");
        assert_eq!(
            options.usage_tracking_start.to_string(),
            "2026-03-01T00:00:00Z"
        );
    }
}
