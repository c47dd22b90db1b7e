//! Alarms of CloudWatch: a quota nearly used up, unusual use, and the end of what any alarm told.

mod quota;
mod recovered;
mod usage;

pub use quota::KmsQuotaNear;
pub use recovered::{AlarmRecovered, Resolution};
pub use usage::KmsUsageAnomaly;

use super::key_store::store_name;
use crate::kinds::case::Case;
use crate::kinds::signal::Signal;
use crate::text;
use crate::text::Text;

/// Whom the alarm is about.
fn whom(case: &Case<'_>, signal: &Signal) -> Text {
    match (case.key, case.key_store) {
        (Some(key), _) => key.name(),
        (None, Some(_)) => store_name(case),
        (None, None) => match signal.another_account() {
            Some(account) => text!["KMS in ", account],
            None => text!["KMS in this account and Region"],
        },
    }
}
