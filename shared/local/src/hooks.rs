//! What a test wants to do at the moment of a certain call: kill the process under test, above all.

use std::fmt;

use crate::record::Request;

/// A moment in the life of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has arrived and will have no effect.
    BeforeEffect,
    /// The call has had its effect and will not be answered.
    AfterEffect,
}

pub(crate) type Act = Box<dyn FnOnce(&Request) + Send>;

/// What is to be done, and after how many more calls.
pub(crate) struct Hook {
    spares: u64,
    pub(crate) moment: Moment,
    pub(crate) act: Act,
}

/// The hooks that wait for their call.
#[derive(Debug, Default)]
pub(crate) struct Hooks(Vec<Hook>);

impl Hooks {
    /// Waits for the n-th call from here on, counted from one.
    pub(crate) fn wait(&mut self, number: u64, moment: Moment, act: Act) {
        self.0.push(Hook {
            spares: number.saturating_sub(1),
            moment,
            act,
        });
    }

    /// Counts a call; returns the hook that waited for it.
    pub(crate) fn arrive(&mut self) -> Option<Hook> {
        let due = self.0.iter().position(|hook| hook.spares == 0);
        for hook in &mut self.0 {
            hook.spares = hook.spares.saturating_sub(1);
        }
        due.map(|index| self.0.remove(index))
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook")
            .field("spares", &self.spares)
            .field("moment", &self.moment)
            .finish_non_exhaustive()
    }
}
