//! Where the rules of the template lead an event, by a real matcher of EventBridge's patterns.

use std::collections::BTreeSet;

use quamina::Quamina;

use crate::{
    stack::Stack,
    template::{Rule, Template},
};

/// The rules of the template, ready to match.
pub struct Router {
    matcher: Quamina<String>,
    rules: Vec<Rule>,
}

impl Router {
    /// The rules as they are in `stack`.
    ///
    /// # Panics
    ///
    /// If a pattern is none.
    pub fn new(template: &Template, stack: &Stack) -> Self {
        let rules = template.rules(stack);
        let mut matcher = Quamina::new();
        for rule in &rules {
            matcher
                .add_pattern(rule.id.clone(), &rule.pattern.to_string())
                .expect("a pattern");
        }
        Self { matcher, rules }
    }

    /// The ids of the rules that match an event.
    ///
    /// # Panics
    ///
    /// If the event is not JSON.
    pub fn rules(&mut self, event: &str) -> BTreeSet<String> {
        self.matcher
            .matches_for_event(event.as_bytes())
            .expect("JSON")
            .into_iter()
            .collect()
    }

    /// The folders of the functions that an event leads to.
    ///
    /// # Panics
    ///
    /// If the event is not JSON.
    pub fn functions(&mut self, event: &str) -> BTreeSet<String> {
        let matched = self.rules(event);
        let functions = self.rules.iter().filter(|rule| matched.contains(&rule.id));
        functions.filter_map(|rule| rule.function.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_go_where_the_template_says() {
        let mut router = Router::new(&Template::read(), &Stack::default());
        let deletion = r#"{"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": {"key-id": "k"}}"#;
        assert_eq!(Vec::from_iter(router.functions(deletion)), ["key-deletion"]);
        let call = |rest: &str| {
            format!(
                r#"{{"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail",
                     "detail": {{"eventSource": "kms.amazonaws.com", "eventName": "DisableKeyRotation"{rest}}}}}"#
            )
        };
        assert_eq!(
            Vec::from_iter(router.functions(&call(""))),
            ["key-rotation"]
        );
        assert!(
            router
                .functions(&call(r#", "errorCode": "AccessDenied""#))
                .is_empty(),
            "an attempt is no change"
        );
    }
}
