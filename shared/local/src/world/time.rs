//! Time passes: what AWS does on its own, in the order in which it becomes due.
//!
//! No call schedules anything ahead. What is due next follows from the keys as they are, so that a call which changes a
//! key (a cancelled deletion, a new expiry) has no stale appointment to look for: `Keys` asks every key that was changed
//! again, and only those.

use jiff::Timestamp;

use super::state::World;
use crate::kms::{Due, KeyRef, Origin};

/// What happens next, to whatever it happens.
#[derive(Debug)]
enum Next {
    Key(KeyRef, Due),
    /// A custom key store has been connected, or not.
    Connected(String),
    /// KMS looks after multi-Region keys.
    Synchronize,
    /// An alarm is evaluated.
    Alarm((String, String)),
}

impl World {
    /// When the next thing happens, not before now.
    pub(crate) fn next_due(&mut self) -> Option<Timestamp> {
        self.first_due().map(|(at, ..)| at.max(self.context.now))
    }

    fn first_due(&mut self) -> Option<(Timestamp, Next)> {
        let key = self.kms.next_due(&self.aging);
        let key = key.map(|(at, key, due)| (at, Next::Key(key, due)));
        let store = self
            .kms
            .next_connection()
            .map(|(at, id)| (at, Next::Connected(id.to_owned())));
        let synchronize = self
            .aging
            .next_synchronization()
            .map(|at| (at, Next::Synchronize));
        let alarm = self
            .cloudwatch
            .next_due(&self.kms)
            .map(|(at, place)| (at, Next::Alarm(place)));
        key.into_iter()
            .chain(store)
            .chain(synchronize)
            .chain(alarm)
            .min_by_key(|(at, _)| *at)
    }

    /// Sets the clock, which never goes back, and does what became due on the way.
    pub(crate) fn advance_to(&mut self, to: Timestamp) {
        while let Some((at, next)) = self.first_due()
            && at <= to.max(self.context.now)
        {
            self.context.now = self.context.now.max(at);
            match next {
                Next::Key(key, due) => self.carry_out(&key, due),
                Next::Alarm(place) => {
                    self.cloudwatch
                        .evaluate(&mut self.context, &self.kms, &place);
                }
                Next::Connected(store) => self.kms.finish_connecting(&store),
                Next::Synchronize => {
                    self.aging.synchronized(at);
                    self.kms.synchronize(&mut self.context);
                }
            }
        }
        self.context.now = self.context.now.max(to);
    }

    /// Does what is due already.
    pub(crate) fn settle(&mut self) {
        self.advance_to(self.context.now);
    }

    fn carry_out(&mut self, key: &KeyRef, due: Due) {
        self.consistency.changes(&self.kms, self.context.now);
        // Only imported material is measured.
        let of = self.kms.keys.get(key);
        if of.is_some_and(|key| key.origin == Origin::External) {
            self.cloudwatch.touch(self.context.now);
        }
        self.kms.carry_out(&mut self.context, key, due);
    }
}
