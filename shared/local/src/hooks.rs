//! What a test wants to do at the moment of a certain call: kill the process under test, above all.

use std::fmt;

use crate::{LocalAws, record::Request};

/// A moment in the life of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The call has arrived and will have no effect.
    BeforeEffect,
    /// The call has had its effect and will not be answered.
    AfterEffect,
}

type Act = Box<dyn FnOnce(&Request) + Send>;

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

impl LocalAws {
    /// Calls `act` when the n-th request over HTTP, to whichever service, counted from one and from here on, has come to
    /// this moment. No other request is answered meanwhile. Then the connection is closed without an answer: whoever
    /// asked is presumed dead, and if not, has to find out what happened.
    ///
    /// ```no_run
    /// # use watch_local::{LocalAws, Moment, Options};
    /// # let aws = LocalAws::start(Options::default()).unwrap();
    /// # let mut child = std::process::Command::new("function").spawn().unwrap();
    /// aws.on_call(3, Moment::AfterEffect, move |_request| {
    ///     let _ = child.kill();
    ///     let _ = child.wait();
    /// });
    /// ```
    pub fn on_call(
        &self,
        number: u64,
        moment: Moment,
        act: impl FnOnce(&Request) + Send + 'static,
    ) {
        let hook = Hook {
            spares: number.saturating_sub(1),
            moment,
            act: Box::new(act),
        };
        self.with(|world| world.hooks.0.push(hook));
    }
}
