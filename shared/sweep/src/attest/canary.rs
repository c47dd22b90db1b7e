//! Whether the canary came through lately: the one check of the whole way, from a call through CloudTrail, a rule and a function
//! to the topics and the ledger.

use jiff::{SignedDuration, Timestamp};
use watch_core::text;

use super::{Finding, Group};

/// One comes every three days, and one may be lost.
const LATE: SignedDuration = SignedDuration::from_hours(8 * 24);

/// No canary came through since `last_at`; `watching_since` is when a sweep first looked.
pub fn judge(
    last_at: Option<Timestamp>,
    watching_since: Timestamp,
    at: Timestamp,
) -> Option<Finding> {
    let since = last_at.map_or(watching_since, |last| last.max(watching_since));
    if at.duration_since(since) <= LATE {
        return None;
    }
    let mut what = text![
        "no canary arrived for more than eight days. The canary is a call that the stack makes every three days. The call \
         passes CloudTrail, a rule, a function, the feed and the ledger. One of these does not work"
    ];
    if let Some(last) = last_at {
        what.push(text![". The last canary arrived on ", last]);
    }
    let finding = Finding::new(Group::Canary, "canary", "the canary", what);
    Some(finding.silencing().by_itself())
}

/// What the ledger had of the parts is gone.
pub fn forgotten() -> Finding {
    let what = text![
        "the ledger lost its notes on functions, alarms and queues, so KMS Watch cannot see earlier changes"
    ];
    Finding::new(Group::Canary, "memory", "the ledger", what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_late_after_eight_days_and_the_first_has_as_long() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-11-20T10:00:00Z");
        for (last, since, late) in [
            (Some("2026-11-12T10:00:00Z"), "2026-01-01T00:00:00Z", false),
            (Some("2026-11-12T09:59:59Z"), "2026-01-01T00:00:00Z", true),
            (None, "2026-11-12T10:00:00Z", false),
            (None, "2026-11-12T09:59:59Z", true),
            // Deployed again, after the ledger had been kept.
            (Some("2026-01-01T00:00:00Z"), "2026-11-19T00:00:00Z", false),
        ] {
            let found = judge(last.map(at), at(since), now);
            assert_eq!(found.is_some(), late, "{last:?} {since}");
        }
    }
}
