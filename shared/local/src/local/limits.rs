//! Quotas, permissions, old answers, and what a test does when a certain call comes.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::Value;

use super::aws::LocalAws;
use crate::{
    hooks::Moment,
    iam::{Policy, UnusedPermission},
    quotas::QuotaClock,
    record::Request,
};

impl LocalAws {
    /// Enforces the request quotas from here on, for calls over HTTP: one too many within a second is throttled.
    pub fn enforce_quotas(&self, clock: Option<QuotaClock>) {
        self.with(|world| world.meter.enforced = clock);
    }

    /// Another quota than the documented one, as Service Quotas may grant it.
    pub fn set_quota(&self, operation: &str, per_second: u32) {
        self.with(|world| world.meter.changed.insert(operation.to_owned(), per_second));
    }

    /// The most calls within one real second, by operation and over all Regions, whether or not they succeeded.
    #[must_use]
    pub fn highest_rates(&self) -> BTreeMap<String, u32> {
        self.with(|world| world.meter.highest.clone())
    }
}

impl LocalAws {
    /// For so long after a change, on the virtual clock, reads over HTTP (`Describe…`, `Get…`, `List…`) answer what was
    /// before it, with this probability. A duration of zero ends it.
    ///
    /// Keys that a test puts in place are there at once, and [`call`](Self::call) always sees the present.
    pub fn eventual_consistency(&self, window: SignedDuration, probability: f64) {
        self.with(|world| world.consistency.set(window, probability));
    }
}

impl LocalAws {
    /// Restricts who signs with this access key, over HTTP, to what the policy allows.
    pub fn restrict(&self, access_key: &str, policy: Policy) -> &Self {
        self.with(|world| world.iam.restrict(access_key, policy));
        self
    }

    /// What the policy allows and nobody has used so far, by statement and action.
    #[must_use]
    pub fn unused_permissions(&self, access_key: &str) -> Vec<UnusedPermission> {
        self.with(|world| world.iam.unused(access_key))
    }

    /// The conditions of the policy, which were not evaluated, by statement.
    #[must_use]
    pub fn ignored_conditions(&self, access_key: &str) -> BTreeMap<String, Value> {
        self.with(|world| world.iam.conditions(access_key))
    }
}

impl LocalAws {
    /// Calls `act` when the n-th request over HTTP, to whichever service, counted from one and from here on, has come to
    /// this moment. No other request is answered meanwhile. Then the connection is closed without an answer: whoever
    /// asked is presumed dead, and if not, has to find out what happened.
    ///
    /// ```no_run
    /// # use kms_local::{LocalAws, Moment, Options};
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
        self.with(|world| world.hooks.wait(number, moment, Box::new(act)));
    }
}
