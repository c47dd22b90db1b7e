//! Failures on request: what a call meets before the service looks at it.

use std::time::Duration;

/// What happens to a call, decided when it arrives.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) delay: Duration,
    pub(crate) verdict: Option<Verdict>,
}

/// How a call ends without having any effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// No policy allows it.
    Denied,
    /// A policy forbids it.
    Forbidden,
    Throttled,
    Internal,
    /// The connection is closed without an answer.
    Dropped,
}

#[derive(Debug, Clone)]
enum Effect {
    Slow(Duration),
    /// `None`: until cleared.
    End(Verdict, Option<u32>),
}

#[derive(Debug, Clone)]
struct Rule {
    operation: String,
    resource: Option<String>,
    /// Matching calls that pass before the rule applies.
    spares: u32,
    effect: Effect,
}

impl Rule {
    fn matches(&self, service: &str, operation: &str, resource: Option<&str>) -> bool {
        let operation_matches = match self.operation.split_once(':') {
            Some((of, name)) => (of == "*" || of == service) && (name == "*" || name == operation),
            None => self.operation == operation || (self.operation == "*" && service == "kms"),
        };
        let resource_matches = self.resource.as_deref().is_none_or(|wanted| {
            resource.is_some_and(|arn| {
                arn == wanted || arn.rsplit_once('/').is_some_and(|(_, id)| id == wanted)
            })
        });
        operation_matches && resource_matches
    }
}

/// The faults in force.
#[derive(Debug, Default)]
pub(crate) struct FaultRules(Vec<Rule>);

impl FaultRules {
    /// Consumes one use of the first rule that ends the call; delays add to it.
    pub(crate) fn plan(&mut self, service: &str, operation: &str, resource: Option<&str>) -> Plan {
        let mut plan = Plan::default();
        for rule in self
            .0
            .iter_mut()
            .filter(|rule| rule.matches(service, operation, resource))
        {
            if rule.spares > 0 {
                rule.spares -= 1;
                continue;
            }
            match &mut rule.effect {
                Effect::Slow(delay) => plan.delay = plan.delay.max(*delay),
                Effect::End(_, Some(0)) => {}
                Effect::End(verdict, left) if plan.verdict.is_none() => {
                    plan.verdict = Some(*verdict);
                    if let Some(left) = left {
                        *left -= 1;
                    }
                }
                Effect::End(..) => {}
            }
        }
        plan
    }
}

/// Sets faults for the calls that arrive over HTTP; from [`LocalAws::faults`](crate::LocalAws::faults).
///
/// Operations are named as the API names them (`DescribeKey`, `Publish`); `*` stands for every KMS operation, `sns:*` for
/// every operation of a service, `*:*` for everything.
/// Calls made through [`LocalAws::call`](crate::LocalAws::call) meet none of them: they are a test's set-up.
///
/// ```no_run
/// # use watch_local::{LocalAws, Options};
/// # let aws = LocalAws::start(Options::default()).unwrap();
/// # let arn = "";
/// aws.faults().deny("ListResourceTags").throttle("DescribeKey", 2);
/// aws.faults().on(arn).fail("Publish", 1);
/// aws.faults().nth(3).reset("*:*", 1); // the third call from here on, whatever it is
/// ```
#[derive(Debug)]
pub struct Faults<'a> {
    aws: &'a crate::LocalAws,
    resource: Option<String>,
    spares: u32,
}

impl<'a> Faults<'a> {
    pub(crate) fn new(aws: &'a crate::LocalAws) -> Self {
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
        self.aws.with(|world| world.faults.0.clear());
        self
    }

    fn add(&self, operation: &str, effect: Effect) -> &Self {
        let rule = Rule {
            operation: operation.to_owned(),
            resource: self.resource.clone(),
            spares: self.spares,
            effect,
        };
        self.aws.with(|world| world.faults.0.push(rule));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(rules: &[(&str, Option<&str>, Effect)]) -> FaultRules {
        FaultRules(
            rules
                .iter()
                .map(|(operation, resource, effect)| Rule {
                    operation: (*operation).to_owned(),
                    resource: resource.map(str::to_owned),
                    spares: 0,
                    effect: effect.clone(),
                })
                .collect(),
        )
    }

    #[test]
    fn a_counted_fault_is_used_up() {
        let mut faults = rules(&[(
            "DescribeKey",
            None,
            Effect::End(Verdict::Throttled, Some(2)),
        )]);
        let mut verdict = || faults.plan("kms", "DescribeKey", None).verdict;
        assert_eq!(verdict(), Some(Verdict::Throttled));
        assert_eq!(verdict(), Some(Verdict::Throttled));
        assert_eq!(verdict(), None);
    }

    #[test]
    fn the_nth_call_is_counted_by_what_the_fault_concerns() {
        let mut faults = rules(&[("*:*", None, Effect::End(Verdict::Dropped, Some(1)))]);
        faults.0[0].spares = 2;
        let mut verdict = |service, operation| faults.plan(service, operation, None).verdict;
        assert_eq!(verdict("kms", "DescribeKey"), None);
        assert_eq!(verdict("sns", "Publish"), None);
        assert_eq!(verdict("kms", "ListKeys"), Some(Verdict::Dropped));
        assert_eq!(verdict("kms", "ListKeys"), None);
        let mut faults = rules(&[("sns:*", None, Effect::End(Verdict::Denied, None))]);
        assert_eq!(faults.plan("kms", "ListKeys", None).verdict, None);
        assert!(faults.plan("sns", "Publish", None).verdict.is_some());
    }

    #[test]
    fn a_star_is_every_kms_operation_and_no_other_service() {
        let mut faults = rules(&[("*", None, Effect::End(Verdict::Denied, None))]);
        assert_eq!(
            faults.plan("kms", "ListKeys", None).verdict,
            Some(Verdict::Denied)
        );
        assert_eq!(faults.plan("sns", "Publish", None).verdict, None);
    }

    #[test]
    fn a_fault_on_one_key_leaves_the_others_alone() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/a";
        let mut faults = rules(&[("*", Some("a"), Effect::End(Verdict::Denied, None))]);
        assert_eq!(
            faults.plan("kms", "DescribeKey", Some(arn)).verdict,
            Some(Verdict::Denied)
        );
        assert_eq!(
            faults.plan("kms", "DescribeKey", Some("key/b")).verdict,
            None
        );
        assert_eq!(faults.plan("kms", "ListKeys", None).verdict, None);
    }

    #[test]
    fn a_delay_and_an_end_add_up() {
        let mut faults = rules(&[
            ("Publish", None, Effect::Slow(Duration::from_millis(5))),
            ("Publish", None, Effect::End(Verdict::Internal, Some(1))),
        ]);
        let plan = faults.plan("sns", "Publish", None);
        assert_eq!(plan.delay, Duration::from_millis(5));
        assert_eq!(plan.verdict, Some(Verdict::Internal));
    }
}
