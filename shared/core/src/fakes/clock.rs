//! A clock that stands.

use std::cell::Cell;

use jiff::{SignedDuration, Timestamp};

use crate::ports::Clock;

/// A clock that stands until it is set. It begins at noon of 20 November 2026.
#[derive(Clone, Debug)]
pub struct FakeClock(Cell<Timestamp>);

impl Default for FakeClock {
    fn default() -> Self {
        Self::at("2026-11-20T12:00:00Z")
    }
}

impl FakeClock {
    /// A clock that shows `moment` (RFC 3339).
    pub fn at(moment: &str) -> Self {
        Self(Cell::new(moment.parse().unwrap()))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.set(now);
    }

    /// Lets time pass.
    pub fn advance(&self, by: SignedDuration) {
        self.0.set(self.0.get() + by);
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.0.get()
    }
}
