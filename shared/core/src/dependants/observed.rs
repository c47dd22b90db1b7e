//! What a record of CloudTrail's says of a day of a key.

use jiff::Timestamp;
use serde_json::Value;

use super::uses::{NEEDED, caller};
use crate::key::CRYPTOGRAPHIC;
use crate::ports::{CallError, CallErrorKind};
use crate::text::Untrusted;

/// What somebody did to or with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Used it.
    Use,
    /// Would have used it, but it could not be used.
    Failed,
    /// Was denied.
    Denied,
    /// Changed it.
    Change,
}

/// What CloudTrail's event history showed of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// The records that say something, in any order.
    pub seen: Vec<Observed>,
    /// It was read without a gap back to then.
    pub back_to: Option<Timestamp>,
}

/// What a record says of the use of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observed {
    /// When.
    pub at: Timestamp,
    /// What.
    pub act: Act,
    /// Who, in short.
    pub name: Untrusted,
    /// Whose account that is, if it is told.
    pub account: Option<Untrusted>,
}

impl Observed {
    /// Reads a record; `None` if it counts for nothing, as who only looks at a key.
    pub fn read(record: &Value) -> Option<Self> {
        let text = |name: &str| record[name].as_str().unwrap_or_default();
        let (operation, code) = (text("eventName"), text("errorCode"));
        let bare = code.strip_suffix("Exception").unwrap_or(code);
        let is_use = CRYPTOGRAPHIC.contains(&operation);
        let reads = || {
            let told = record["readOnly"].as_bool();
            let by_name = ["Describe", "Get", "List"];
            told.unwrap_or_else(|| by_name.iter().any(|name| operation.starts_with(name)))
        };
        let is_denied = CallError::new(code, "").kind() == CallErrorKind::Denied;
        let act = match (is_use, code) {
            _ if is_denied => Act::Denied,
            (true, "") => Act::Use,
            (true, _) if NEEDED.contains(&bare) => Act::Failed,
            (false, "") if !reads() => Act::Change,
            _ => return None,
        };
        let caller = caller(record);
        Some(Self {
            at: text("eventTime").parse().ok()?,
            act,
            name: caller.name,
            account: caller.account,
        })
    }
}
