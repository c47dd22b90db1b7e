//! Times as the events write them.

use jiff::{Timestamp, tz::TimeZone};

/// `2026-11-20T10:00:00Z`: whole seconds.
pub(crate) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `Nov 20, 2026, 10:00:00 AM`: display text for people in the United States, in UTC, as CloudTrail shows the dates of
/// requests and responses of KMS (KMS Developer Guide, "`ScheduleKeyDeletion`").
pub(super) fn display(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%b %-d, %Y, %-I:%M:%S %p")
        .to_string()
}

#[cfg(test)]
mod tests {
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
}
