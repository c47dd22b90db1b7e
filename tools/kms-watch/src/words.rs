//! Facts in words, for those commands that tell them of one key.

use watch_core::about::{LastUse, LastUseStatus};
use watch_core::text::{Untrusted, minute};

/// When a key was last used, and for what.
pub(crate) fn last_use(usage: &LastUse) -> String {
    match (usage.status, usage.at) {
        (LastUseStatus::Used, Some(at)) => {
            let operation = usage.operation.as_ref().map(Untrusted::as_str);
            let operation = operation.map_or_else(String::new, |name| format!(" ({name})"));
            format!("{}{operation}", minute(at))
        }
        (LastUseStatus::NeverUsed, _) => "never".to_owned(),
        _ => "unknown".to_owned(),
    }
}
