//! Which rule takes which event, and where it goes.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_tests::template::{Router, Rule, Stack, Template, read_yaml};

use super::{GUARD, RESCUER, files, names, read};

/// EventBridge refuses longer patterns, unless asked for more.
const LONGEST_PATTERN: usize = 2_048;

/// CloudFormation cuts the names that it makes.
const LONGEST_RULE_NAME: usize = 64;
const LONGEST_STACK_NAME: usize = 128;

#[test]
fn every_event_is_matched_by_exactly_its_rules_and_lands_at_the_function_of_its_folder() {
    let template = Template::read();
    let rules = template.rules(&Stack::default());
    let mut router = Router::new(&template, &Stack::default());
    let routes = read_yaml(&read("tests/template/routes.yaml"));
    let matched = routes["matched"].as_object().unwrap();
    let unmatched = routes["unmatched"].as_object().unwrap();
    let mut listed = BTreeSet::new();
    let mut used = BTreeSet::new();

    for (path, wanted) in matched {
        let wanted = names(wanted.as_array().unwrap());
        assert_eq!(router.rules(&read(path)), wanted, "{path}");
        let mut parts = path.split('/');
        if parts.next() == Some("events") {
            let folder = parts.next();
            // Others have attempts as samples of what they ignore.
            let event: Value = serde_json::from_str(&read(path)).unwrap();
            let is_attempt = event["detail"]["errorCode"].is_string();
            let of_functions = rules.iter().filter(|rule| rule.function.is_some());
            // A function that may not be there takes a second look at the events of others.
            let of_functions =
                of_functions.filter(|rule| rule.condition.is_none() && folder != Some(RESCUER));
            for rule in of_functions.filter(|rule| wanted.contains(&rule.id)) {
                let function = if is_attempt && folder != Some(GUARD) {
                    Some("key-misuse")
                } else {
                    folder
                };
                assert_eq!(rule.function.as_deref(), function, "{path} by {}", rule.id);
            }
        }
        used.extend(wanted);
        listed.insert(path.clone());
    }
    for (path, reason) in unmatched {
        assert!(
            reason.as_str().is_some_and(|reason| !reason.is_empty()),
            "{path} without a reason"
        );
        assert_eq!(router.rules(&read(path)), BTreeSet::new(), "{path}");
        assert!(listed.insert(path.clone()), "{path} is listed twice");
    }

    let mut there = files("events");
    there.extend(files("tests/template/events"));
    assert_eq!(there, listed, "events, and rows of routes.yaml");
    let ids: BTreeSet<_> = rules.into_iter().map(|rule| rule.id).collect();
    assert_eq!(ids, used, "rules, and those that an event shows");
}

/// What a rule for CloudTrail's records asks for.
fn is_for_cloudtrail(rule: &Rule) -> bool {
    rule.pattern.pointer("/detail/eventName").is_some()
}

#[test]
fn rules_are_explicit_about_what_they_match() {
    let rules = Template::read().rules(&Stack::default());
    assert!(rules.iter().any(is_for_cloudtrail));
    for rule in &rules {
        // Reads come in one state only. key-misuse needs them: cryptographic operations are reads.
        let is_about_failures = rule.function.as_deref() == Some("key-misuse");
        let state = if is_about_failures {
            "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
        } else {
            "ENABLED"
        };
        assert_eq!(rule.state.as_deref(), Some(state), "{}", rule.id);
        assert!(
            rule.pattern["source"].is_array() && rule.pattern["detail-type"].is_array(),
            "{} takes events of any source or type",
            rule.id
        );
        // Whoever may put events of other accounts on this bus does not make alerts of them.
        assert_eq!(
            rule.pattern["account"],
            json!(["111122223333"]),
            "{}",
            rule.id
        );
        if is_for_cloudtrail(rule) {
            let codes = &rule.pattern["detail"]["errorCode"];
            if is_about_failures {
                // In that state, whatever a rule lets through of normal use starts the function.
                let codes = names(codes.as_array().unwrap());
                let known = [
                    "AccessDenied",
                    "AccessDeniedException",
                    "Disabled",
                    "DisabledException",
                    "KMSInvalidState",
                    "KMSInvalidStateException",
                ];
                assert!(
                    codes.iter().all(|code| known.contains(&code.as_str())),
                    "{codes:?}"
                );
            } else if rule.function.as_deref() == Some(GUARD) {
                assert!(codes.is_null(), "{} leaves attempts out", rule.id);
            } else {
                assert_eq!(
                    *codes,
                    json!([{"exists": false}]),
                    "{} takes attempts for changes",
                    rule.id
                );
            }
            assert!(
                rule.pattern["detail"]["eventSource"].is_array(),
                "{}",
                rule.id
            );
        }
    }
}

#[test]
fn patterns_are_short_enough_however_long_the_stacks_name_is() {
    let template = Template::read();
    let longest = "n".repeat(LONGEST_RULE_NAME);
    let stack = template
        .rules(&Stack::default())
        .into_iter()
        .fold(Stack::default(), |stack, rule| {
            stack.with(&rule.id, &longest)
        })
        .with("AWS::StackName", "s".repeat(LONGEST_STACK_NAME));
    for rule in template.rules(&stack) {
        let length = rule.pattern.to_string().len();
        assert!(length < LONGEST_PATTERN, "{}: {length} characters", rule.id);
    }
}

#[test]
fn no_event_is_lost_between_a_rule_and_its_target() {
    let template = Template::read();
    let rules = template.rules(&Stack::default());
    let queue = json!({"Fn::GetAtt": ["UndeliveredEvents", "Arn"]});
    for rule in &rules {
        assert_eq!(
            rule.delivery["DeadLetterConfig"]["Arn"], queue,
            "{}",
            rule.id
        );
        let retry = json!({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86_400});
        assert_eq!(rule.delivery["RetryPolicy"], retry, "{}", rule.id);
        if rule.function.is_none() {
            assert_eq!(
                rule.delivery["Arn"],
                json!({"Ref": "HealthTopic"}),
                "{}",
                rule.id
            );
        }
    }
    // The queue takes from these rules, and from no others.
    let policy = &template.document["Resources"]["UndeliveredEventsPolicy"]["Properties"];
    let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
    let allowed: Vec<_> = statements
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .collect();
    assert_eq!(allowed.len(), 1);
    assert_eq!(
        allowed[0]["Principal"],
        json!({"Service": "events.amazonaws.com"})
    );
    let sources = template.resolve(
        &allowed[0]["Condition"]["ArnEquals"]["aws:SourceArn"],
        &Stack::default(),
    );
    let arns: BTreeSet<_> = rules
        .iter()
        .map(|rule| {
            format!(
                "arn:aws:events:us-east-1:111122223333:rule/kms-watch-{}",
                rule.id
            )
        })
        .collect();
    assert_eq!(names(sources.as_array().unwrap()), arns);
}
