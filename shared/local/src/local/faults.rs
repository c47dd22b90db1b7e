//! What goes wrong on request.

use std::time::Duration;

use super::aws::LocalAws;
use crate::faults::{Effect, Rule, Verdict};

/// Sets faults for the calls that arrive over HTTP; from [`LocalAws::faults`](crate::LocalAws::faults).
///
/// Operations are named as the API names them (`DescribeKey`, `Publish`); `*` stands for every KMS operation, `sns:*` for
/// every operation of a service, `*:*` for everything.
/// Calls made through [`LocalAws::call`](crate::LocalAws::call) meet none of them: they are a test's set-up.
///
/// ```no_run
/// # use kms_local::{LocalAws, Options};
/// # let aws = LocalAws::start(Options::default()).unwrap();
/// # let arn = "";
/// aws.faults().deny("ListResourceTags").throttle("DescribeKey", 2);
/// aws.faults().on(arn).fail("Publish", 1);
/// aws.faults().nth(3).reset("*:*", 1); // the third call from here on, whatever it is
/// ```
#[derive(Debug)]
pub struct Faults<'a> {
    aws: &'a LocalAws,
    resource: Option<String>,
    spares: u32,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(aws: &'a LocalAws) -> Self {
        Self {
            aws,
            resource: None,
            spares: 0,
        }
    }

    /// Limits what follows to one key (id or ARN) or one topic (ARN).
    #[must_use]
    pub fn on(mut self, resource: &str) -> Self {
        self.resource = Some(resource.to_owned());
        self
    }

    /// Lets what follows begin with the n-th call that it concerns, counted from one and from here on.
    #[must_use]
    pub fn nth(mut self, number: u32) -> Self {
        self.spares = number.saturating_sub(1);
        self
    }

    /// Not authorized, until cleared.
    pub fn deny(&self, operation: &str) -> &Self {
        self.add(operation, Effect::End(Verdict::Denied, None))
    }

    /// "Rate exceeded", for the next `times` calls.
    pub fn throttle(&self, operation: &str, times: u32) -> &Self {
        self.add(operation, Effect::End(Verdict::Throttled, Some(times)))
    }

    /// An internal error with status 500, for the next `times` calls.
    pub fn fail(&self, operation: &str, times: u32) -> &Self {
        self.add(operation, Effect::End(Verdict::Internal, Some(times)))
    }

    /// The connection is closed without an answer, for the next `times` calls.
    pub fn reset(&self, operation: &str, times: u32) -> &Self {
        self.add(operation, Effect::End(Verdict::Dropped, Some(times)))
    }

    /// Looks at the call only after this long, in real time, until cleared.
    pub fn slow(&self, operation: &str, delay: Duration) -> &Self {
        self.add(operation, Effect::Slow(delay))
    }

    /// Removes every fault, also those of other keys and topics.
    pub fn clear(&self) -> &Self {
        self.aws.with(|world| world.faults.clear());
        self
    }

    fn add(&self, operation: &str, effect: Effect) -> &Self {
        let rule = Rule {
            operation: operation.to_owned(),
            resource: self.resource.clone(),
            spares: self.spares,
            effect,
        };
        self.aws.with(|world| world.faults.add(rule));
        self
    }
}

impl LocalAws {
    /// Faults for calls over HTTP.
    #[must_use]
    pub fn faults(&self) -> Faults<'_> {
        Faults::new(self)
    }
}
