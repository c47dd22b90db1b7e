//! How the members of an alarm's event are read: numbers may come as text, and lists are bounded.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::envelope::text;
use crate::text::Untrusted;

/// Dimensions of a metric, attributes of a contributor, or conditions of a query.
pub type Labels = BTreeMap<Untrusted, Untrusted>;

/// Most dimensions or labels of one metric, contributor or query. A metric has 30 at most.
pub(super) const MOST_LABELS: usize = 30;
/// Most datapoints and triggering alarms that are kept. A composite alarm has 100 children at most.
pub(super) const MOST_POINTS: usize = 100;
/// Longest expression, rule or query of a log alarm, in characters. A rule has 10,240 at most (PutCompositeAlarm).
pub(super) const LONGEST_EXPRESSION: usize = 10_240;
/// Longest reason and description, in characters (PutMetricAlarm, SetAlarmState).
pub(super) const LONGEST_WORDS: usize = 1_024;
/// Longest data of an evaluation that is parsed, in bytes: what a whole event may have.
pub(super) const LONGEST_DATA: usize = 256 * 1024;

/// The entries of a list, if it is one.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A member that should be an object of texts. Others in it are left out.
pub(super) fn labels(value: &Value) -> Labels {
    let members = value.as_object().into_iter().flatten();
    members
        .filter_map(|(name, value)| Some((Untrusted::new(name).non_empty()?, text(value)?)))
        .take(MOST_LABELS)
        .collect()
}

/// As [`text`], with a bound of its own.
pub(super) fn long_text(value: &Value, bound: usize) -> Option<Untrusted> {
    Untrusted::bounded(value.as_str()?, bound).non_empty()
}

/// A number that is written as one or as text.
pub(super) fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str()?.trim().parse().ok())
        .filter(|number: &f64| number.is_finite())
}

/// The last numbers of a list.
pub(super) fn numbers(value: &Value) -> Vec<f64> {
    let all = value.as_array().map_or(&[][..], Vec::as_slice);
    let last = all.get(all.len().saturating_sub(MOST_POINTS)..);
    last.into_iter().flatten().filter_map(number).collect()
}

/// A length of time in whole seconds.
pub(super) fn seconds(value: &Value) -> Option<u32> {
    let number = value
        .as_u64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    number.try_into().ok()
}
