//! What an alarm of CloudWatch says: the alarm itself, what it watches, how that stands, and what its metric means. Kinds of
//! several subjects are made of it.

mod alarm;
mod store_metrics;
mod unit;
mod watched;
mod words;

pub use alarm::Alarm;
pub use store_metrics::{STORE_METRICS, StoreMetric};
pub use unit::Unit;
pub use watched::{Signal, Watches, key_store_of};
pub(in crate::kinds) use words::{ITS_OWNERS_WORDS, alarm_sentences, look_at_alarm, measured};
