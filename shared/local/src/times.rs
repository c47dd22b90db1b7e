//! Times as the services and their events write them.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;

/// `2026-11-20T10:00:00Z`: whole seconds.
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Nov 20, 2026, 10:00:00 AM`: display text for people in the United States, in UTC, as CloudTrail shows the dates of
/// requests and responses of KMS (KMS Developer Guide, "`ScheduleKeyDeletion`").
pub(crate) fn display(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%b %-d, %Y, %-I:%M:%S %p")
        .to_string()
}

/// Seconds since 1970 with milliseconds: how awsJson1.1 writes times.
pub(crate) fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this era fit into 53 bits"
    )]
    let milliseconds = at.as_millisecond() as f64;
    (milliseconds / 1000.0).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn dates_look_like_those_of_the_samples() {
        let text = |at: &str| display(at.parse().unwrap());
        assert_eq!(text("2026-02-28T09:01:07Z"), "Feb 28, 2026, 9:01:07 AM");
        assert_eq!(text("2026-05-15T18:00:00.5Z"), "May 15, 2026, 6:00:00 PM");
        assert_eq!(text("2026-01-01T00:30:00Z"), "Jan 1, 2026, 12:30:00 AM");
        assert_eq!(
            iso("2026-01-01T00:30:00.25Z".parse().unwrap()),
            "2026-01-01T00:30:00Z"
        );
    }

    #[test]
    fn times_are_seconds_with_a_fraction() {
        let at: Timestamp = "2026-11-20T10:00:00.25Z".parse().unwrap();
        assert_eq!(epoch(at), json!(1_795_168_800.25));
    }
}
