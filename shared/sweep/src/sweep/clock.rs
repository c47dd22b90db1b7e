//! The time for which a sweep was asked.

use std::cell::Cell;

use jiff::Timestamp;
use tokio::time::Instant;
use watch_core::ports::Clock;

/// A clock that is set to the time for which a sweep was asked, and goes on from there.
#[derive(Debug)]
pub struct SweepClock<C> {
    clock: C,
    set: Cell<Option<(Timestamp, Instant)>>,
}

impl<C: Clock> SweepClock<C> {
    /// `clock`, until it is set.
    pub fn new(clock: C) -> Self {
        Self {
            clock,
            set: Cell::new(None),
        }
    }

    pub(super) fn set(&self, at: Option<Timestamp>) {
        self.set.set(at.map(|at| (at, Instant::now())));
    }
}

impl<C: Clock> Clock for SweepClock<C> {
    fn now(&self) -> Timestamp {
        match self.set.get() {
            Some((at, since)) => at.saturating_add(since.elapsed()).unwrap_or(Timestamp::MAX),
            None => self.clock.now(),
        }
    }
}
