//! What the sweep holds rules against comes along in its program.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use watch_tests::repository;
use watch_tests::template::{Stack, Template};

/// What the sweep holds rules against comes along in its program.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how insta is told to make a snapshot anew"
)]
fn the_rules_that_the_sweep_knows_are_those_of_the_template() {
    let path = repository().join("shared/sweep/src/attest/rules.json");
    let made = rules_for_the_sweep(&Template::read());
    if std::env::var("INSTA_UPDATE").is_ok_and(|mode| mode == "always") {
        std::fs::write(&path, &made).unwrap();
    }
    let known: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let wanted: Value = serde_json::from_str(&made).unwrap();
    let why = "run this test with INSTA_UPDATE=always, and build key-inventory again";
    assert!(
        known == wanted,
        "{} is not the template: {why}",
        path.display()
    );
    // Each is told apart by what it matches.
    let patterns = wanted.as_array().unwrap().iter();
    let patterns: BTreeSet<_> = patterns.map(|rule| rule["pattern"].to_string()).collect();
    assert_eq!(patterns.len(), wanted.as_array().unwrap().len());
}

/// The rules with words in braces in the place of what is known once they are deployed, a line each.
fn rules_for_the_sweep(template: &Template) -> String {
    let own = |id: &str| format!("{{id:{id}}}");
    let stack = Stack::default()
        .with("AWS::AccountId", "{account}")
        .with("AWS::Partition", "{partition}")
        .with("AWS::Region", "{region}")
        .with("AWS::StackName", "{stack}")
        .with("AWS::StackId", "{stackId}")
        .with("CanaryRole", own("CanaryRole"))
        .with("MaterialExpiring", own("MaterialExpiring"))
        .with(
            "MaterialExpirationFunctionCloudTrail",
            "{cut}-MaterialExpirationFunctionCloudTrail",
        );
    // ARNs are made of what the samples have.
    let spelled = |value: &Value| -> Value {
        let text = value.to_string();
        let text = text
            .replace(
                "arn:aws:iam::111122223333:",
                "arn:{partition}:iam::{account}:",
            )
            .replace(
                "arn:aws:cloudwatch:us-east-1:111122223333:",
                "arn:{partition}:cloudwatch:{region}:{account}:",
            );
        serde_json::from_str(&text).unwrap()
    };
    let functions = template.functions();
    let mut rules: Vec<Value> = template
        .rules(&stack)
        .iter()
        .map(|rule| {
            let of_function = rule.function.as_ref().map(|folder| {
                let mut functions = functions.iter();
                let function = functions.find(|function| function.folder == *folder);
                function.unwrap().id.clone()
            });
            let input = &rule.delivery["InputTransformer"];
            let input = match input {
                Value::Null => Value::Null,
                input => json!({"InputTransformer": template.resolve(input, &stack)}),
            };
            json!({
                "id": rule.id, "state": rule.state, "pattern": spelled(&rule.pattern),
                "optional": rule.condition.is_some(),
                "to": of_function.as_deref().unwrap_or("HealthTopic"), "input": input,
            })
        })
        .collect();
    rules.sort_by_key(|rule| rule["id"].as_str().unwrap().to_owned());
    let lines: Vec<_> = rules.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
