//! Alarms of CloudWatch: what they watch, a quota nearly used up, unusual use, and the end of what any of them told.

mod alarm;
mod quota;
mod recovered;
mod signal;
mod store_metrics;
mod unit;
mod usage;

pub use alarm::Alarm;
pub use quota::KmsQuotaNear;
pub use recovered::{AlarmRecovered, Resolution};
pub use signal::{Signal, Watches, key_store_of};
pub use store_metrics::{STORE_METRICS, StoreMetric};
pub use unit::Unit;
pub use usage::KmsUsageAnomaly;

use super::key_store::store_name;
use crate::kinds::case::{Case, step};
use crate::step::Step;
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

/// Where to look at the alarm itself; there is a link too, but not in every partition.
pub(in crate::kinds) fn look_at_alarm() -> Step {
    step(
        text!["Look at the alarm's graph in CloudWatch: since when, and how fast"],
        None,
    )
}

/// How it stands: numbers, and which of several time series.
pub(in crate::kinds) fn measured(text: &mut Text, signal: &Signal) {
    text.sentence(signal.numbers());
    text.sentence(signal.particulars());
}

pub(in crate::kinds) const ITS_OWNERS_WORDS: &str = "KMS Watch knows nothing of what this alarm watches: name and description are its owner's words.";

/// Which alarm it is, and what mutes it.
pub(in crate::kinds) fn alarm_sentences(text: &mut Text, signal: &Signal) {
    let children = &signal.alarm.children;
    if !children.is_empty() {
        text.sentence("It is made of other alarms; those that made it change: ");
        for (index, child) in children.iter().take(5).enumerate() {
            if index > 0 {
                text.push(", ");
            }
            text.push(child.shortened(160));
        }
        text.push(".");
    }
    text.sentence(text!["This is ", signal.alarm.named(), "."]);
    text.sentence(signal.watched());
    text.sentence(signal.alarm.came_to_it());
    text.sentence(signal.alarm.held_back());
}
