//! The way of an event to those who wait for it: what may happen to it there, all from one seed
//! (EventBridge User Guide, "Retry policy and using dead-letter queues"; KMS Developer Guide, "Monitor KMS keys with
//! Amazon EventBridge": rotation and expiration events are sent with best effort, deletion events possibly several times).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::shape::EventShape;
use crate::{ids::Ids, times::iso};

/// What happens to events on their way. The default is a perfect world.
///
/// Probabilities run from 0 (never) to 1 (always) and are drawn for every event from the seed of the simulator, so that
/// the same calls at the same times meet the same fate.
///
/// ```
/// use jiff::SignedDuration;
/// use kms_local::{Delivery, Options};
///
/// let options = Options {
///     delivery: Delivery {
///         loss: 0.05,
///         duplicates: 0.1,
///         delay: SignedDuration::ZERO..=SignedDuration::from_mins(5),
///         ..Delivery::default()
///     },
///     ..Options::default()
/// };
/// # let _ = options;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The event never arrives. Alarm state changes are exempt: their delivery is guaranteed.
    pub loss: f64,
    /// The event arrives twice: with the same id, but for `KMS CMK Deletion`, which KMS sends again within seconds under
    /// another id.
    pub duplicates: f64,
    /// How long after the fact the event arrives, on the virtual clock.
    pub delay: std::ops::RangeInclusive<SignedDuration>,
    /// The event is held back for up to two more minutes, and others overtake it.
    pub reorder: f64,
    /// A call from another account is delivered a second time, as the copy that the caller's account got.
    pub cross_account_copies: f64,
    /// The event has the shape from before 2025.
    pub old_shapes: f64,
}

impl Delivery {
    /// No event arrives (but alarm state changes, whose delivery is guaranteed).
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            loss: 1.0,
            ..Self::default()
        }
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            loss: 0.0,
            duplicates: 0.0,
            delay: SignedDuration::ZERO..=SignedDuration::ZERO,
            reorder: 0.0,
            cross_account_copies: 0.0,
            old_shapes: 0.0,
        }
    }
}

/// The longest that an event is held back to let others overtake it.
const HELD_BACK_MS: u64 = 120_000;

/// "Several events within a few seconds."
const SENT_AGAIN_S: u64 = 5;

/// Between the two arrivals of one event.
const TWICE_WITHIN_MS: u64 = 30_000;

/// Events on their way, and those that were lost.
#[derive(Debug)]
pub(super) struct Courier {
    pub(super) rules: Delivery,
    /// Of its own, so that ids do not depend on what is lost.
    dice: Ids,
    on_the_way: Vec<Parcel>,
    lost: Vec<Value>,
    sent: u64,
}

#[derive(Debug)]
struct Parcel {
    arrives: Timestamp,
    number: u64,
    event: Value,
}

impl Courier {
    pub(super) fn new(rules: Delivery, seed: u64) -> Self {
        Self {
            rules,
            dice: Ids::new(seed ^ 0x0dd5_ba11),
            on_the_way: Vec::new(),
            lost: Vec::new(),
            sent: 0,
        }
    }

    /// The generation of shapes for the next event.
    pub(super) fn shape(&mut self, usual: EventShape) -> EventShape {
        if self.dice.chance(self.rules.old_shapes) {
            EventShape::Old
        } else {
            usual
        }
    }

    /// Whether the caller's account sends its copy, too.
    pub(super) fn copies(&mut self) -> bool {
        self.dice.chance(self.rules.cross_account_copies)
    }

    pub(super) fn send(&mut self, event: Value, now: Timestamp) {
        let guaranteed = event["source"] == "aws.cloudwatch";
        if !guaranteed && self.dice.chance(self.rules.loss) {
            self.lost.push(event);
            return;
        }
        let (first, last) = (*self.rules.delay.start(), *self.rules.delay.end());
        let span = last.saturating_sub(first).as_millis();
        let mut late = first.saturating_add(self.up_to(u64::try_from(span).unwrap_or(0)));
        if self.dice.chance(self.rules.reorder) {
            late = late.saturating_add(self.up_to(HELD_BACK_MS));
        }
        let arrives = now.saturating_add(late).unwrap_or(Timestamp::MAX);
        let again = self
            .dice
            .chance(self.rules.duplicates)
            .then(|| self.again(&event, now, arrives));
        self.post(event, arrives);
        if let Some((event, arrives)) = again {
            self.post(event, arrives);
        }
    }

    /// The second arrival of the event.
    fn again(&mut self, event: &Value, now: Timestamp, arrives: Timestamp) -> (Value, Timestamp) {
        let mut event = event.clone();
        let gap = if event["detail-type"] == "KMS CMK Deletion" {
            let seconds = 1 + self.dice.below(SENT_AGAIN_S);
            let gap = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1));
            event["id"] = self.dice.uuid().into();
            event["time"] = iso(now.saturating_add(gap).unwrap_or(now)).into();
            gap
        } else {
            self.up_to(TWICE_WITHIN_MS)
        };
        (event, arrives.saturating_add(gap).unwrap_or(arrives))
    }

    fn up_to(&mut self, milliseconds: u64) -> SignedDuration {
        let drawn = self.dice.below(milliseconds.saturating_add(1));
        SignedDuration::from_millis(i64::try_from(drawn).unwrap_or(0))
    }

    fn post(&mut self, event: Value, arrives: Timestamp) {
        self.sent += 1;
        self.on_the_way.push(Parcel {
            arrives,
            number: self.sent,
            event,
        });
    }

    /// What has arrived by now, in the order of arrival.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<Value> {
        self.on_the_way
            .sort_by_key(|parcel| (parcel.arrives, parcel.number));
        let arrived = self
            .on_the_way
            .partition_point(|parcel| parcel.arrives <= now);
        self.on_the_way
            .drain(..arrived)
            .map(|parcel| parcel.event)
            .collect()
    }

    pub(super) fn next_arrival(&self) -> Option<Timestamp> {
        self.on_the_way.iter().map(|parcel| parcel.arrives).min()
    }

    pub(super) fn lost(&self) -> &[Value] {
        &self.lost
    }
}
