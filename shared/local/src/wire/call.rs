//! A call that arrived, and what became of it on its way.

use crate::{caller::Caller, faults::Verdict, spelling::partition, world::World};

/// A call that arrived.
pub(super) struct Call<'a> {
    pub(super) operation: &'a str,
    pub(super) region: &'a str,
    pub(super) caller: &'a Caller,
    /// What became of it on its way; `None`: it goes on.
    pub(super) verdict: Option<Verdict>,
}

impl Call<'_> {
    pub(super) fn user(&self, world: &World) -> String {
        let account = &world.context.account;
        self.caller.arn(partition(self.region), account)
    }
}
