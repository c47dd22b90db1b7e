//! Whom an alert is for.

use crate::alert::Alert;
use crate::config::{Config, Override};
use crate::severity::Severity;

/// People and chat want this alert: it is urgent enough, or `ends_heard`, which is what they heard of. A kind that is for
/// the feed only stays there.
pub(super) fn is_for_people(config: &Config, alert: &Alert, ends_heard: bool) -> bool {
    let off = config.severity_overrides.get(alert.kind) == Some(&Override::FeedOnly);
    let wanted =
        alert.severity >= config.minimum_severity || ends_heard || alert.details.goes_to_people();
    alert.severity == Severity::Critical || (!off && wanted)
}

/// An alert of this kind, of at most this severity, may be for people.
pub(super) fn may_be_for_people(config: &Config, kind: &str, ceiling: Severity) -> bool {
    let level = match config.severity_overrides.get(kind) {
        _ if ceiling == Severity::Critical => return true,
        Some(Override::FeedOnly) => return false,
        Some(Override::Level(level)) => *level,
        None => ceiling,
    };
    level >= config.minimum_severity
}
