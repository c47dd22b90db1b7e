//! Whom an alert is for.

use crate::alert::Alert;
use crate::config::{Config, Override};
use crate::severity::Severity;

/// People and chat want this alert.
pub(super) fn is_for_people(config: &Config, alert: &Alert) -> bool {
    let off = config.severity_overrides.get(alert.kind) == Some(&Override::FeedOnly);
    alert.severity == Severity::Critical || (!off && alert.severity >= config.minimum_severity)
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
