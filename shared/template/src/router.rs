//! Where the rules of the template lead an event, by a real matcher of EventBridge's patterns.

use std::collections::BTreeSet;

use quamina::Quamina;
use serde_json::{Map, Value};

use crate::template::merge;
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
            // The matcher knows no `$or`.
            for pattern in alternatives(&rule.pattern) {
                matcher
                    .add_pattern(rule.id.clone(), &pattern.to_string())
                    .expect("a pattern");
            }
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

    /// The folders of the functions that an event leads to, of those that are there whatever the user chooses.
    ///
    /// # Panics
    ///
    /// If the event is not JSON.
    pub fn functions(&mut self, event: &str) -> BTreeSet<String> {
        let matched = self.rules(event);
        let rules = self.rules.iter().filter(|rule| rule.condition.is_none());
        let functions = rules.filter(|rule| matched.contains(&rule.id));
        functions.filter_map(|rule| rule.function.clone()).collect()
    }
}

/// The patterns without `$or` that together match what `pattern` matches.
fn alternatives(pattern: &Value) -> Vec<Value> {
    let Value::Object(members) = pattern else {
        return vec![pattern.clone()];
    };
    let mut all = vec![Value::Object(Map::new())];
    for (name, member) in members {
        let ways: Vec<Value> = if name == "$or" {
            let branches = member.as_array().into_iter().flatten();
            branches.flat_map(alternatives).collect()
        } else {
            let wrap = |way| Value::Object(Map::from_iter([(name.clone(), way)]));
            alternatives(member).into_iter().map(wrap).collect()
        };
        all = all
            .iter()
            .flat_map(|so_far| {
                ways.iter().map(|way| {
                    let mut both = so_far.clone();
                    merge(&mut both, way);
                    both
                })
            })
            .collect();
    }
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn alternatives_are_all_combinations() {
        let pattern = json!({"a": ["1"], "$or": [{"b": {"c": ["2"]}}, {"b": {"d": ["3"]}}],
                             "e": {"$or": [{"f": ["4"]}, {"g": ["5"]}]}});
        let wanted = [
            json!({"a": ["1"], "b": {"c": ["2"]}, "e": {"f": ["4"]}}),
            json!({"a": ["1"], "b": {"c": ["2"]}, "e": {"g": ["5"]}}),
            json!({"a": ["1"], "b": {"d": ["3"]}, "e": {"f": ["4"]}}),
            json!({"a": ["1"], "b": {"d": ["3"]}, "e": {"g": ["5"]}}),
        ];
        let found = alternatives(&pattern);
        assert_eq!(found.len(), wanted.len());
        assert!(wanted.iter().all(|way| found.contains(way)), "{found:?}");
    }

    #[test]
    fn events_go_where_the_template_says() {
        let mut router = Router::new(&Template::read(), &Stack::default());
        let deletion = r#"{"source": "aws.kms", "account": "111122223333",
            "detail-type": "KMS CMK Deletion", "detail": {"key-id": "k"}}"#;
        assert_eq!(Vec::from_iter(router.functions(deletion)), ["key-deletion"]);
        let call = |rest: &str| {
            format!(
                r#"{{"source": "aws.kms", "account": "111122223333", "detail-type": "AWS API Call via CloudTrail",
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
