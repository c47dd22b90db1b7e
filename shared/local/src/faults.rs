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
pub(crate) enum Effect {
    Slow(Duration),
    /// `None`: until cleared.
    End(Verdict, Option<u32>),
}

#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) operation: String,
    pub(crate) resource: Option<String>,
    /// Matching calls that pass before the rule applies.
    pub(crate) spares: u32,
    pub(crate) effect: Effect,
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
    pub(crate) fn add(&mut self, rule: Rule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

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
