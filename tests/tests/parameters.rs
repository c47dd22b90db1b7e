//! Whatever the template's parameters accept, the functions start with it; and if a value is bad all the same, it is told.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use proptest::strategy::{BoxedStrategy, ValueTree};
use proptest::string::string_regex;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use watch_core::config::{Config, ConfigError, ExportConfig, RescueConfig, SweepConfig};
use watch_tests::template::{Function, Stack, Template};

/// Values tried of each parameter that takes more than a few.
const TRIES: usize = 200;

/// CloudFormation's patterns are Java's, in which classes are ASCII.
fn ascii(pattern: &str) -> String {
    pattern
        .replace("\\w", "[A-Za-z0-9_]")
        .replace("\\d", "[0-9]")
        .replace("(,|$)", ",")
        .replace(['^', '$'], "")
}

/// What a parameter accepts.
fn accepted(parameter: &Value) -> BoxedStrategy<String> {
    let number = |name: &str| parameter[name].as_u64();
    if let Some(allowed) = parameter["AllowedValues"].as_array() {
        let text = |value: &Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let values: Vec<_> = allowed.iter().map(text).collect();
        return proptest::sample::select(values).boxed();
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        // Of `[^@]` there is enough in the tests of texts.
        return string_regex(&ascii(pattern)).unwrap().boxed();
    }
    let (least, most) = (number("MinLength").unwrap(), number("MaxLength").unwrap());
    string_regex(&format!("[ -~]{{{least},{most}}}"))
        .unwrap()
        .boxed()
}

/// What a function ignores of its settings with one value for a parameter.
fn ignored(
    template: &Template,
    function: &Function,
    parameter: &str,
    value: &str,
) -> Result<Vec<String>, ConfigError> {
    let variables = &function.properties["Environment"]["Variables"];
    // Without a way out nothing of the export is there.
    let stack = Stack::default()
        .with("OcsfBucket", "findings")
        .with("SecurityHubFindings", "true");
    let variables = template.resolve(variables, &stack.with(parameter, value));
    let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
    match function.folder.as_str() {
        "key-inventory" => Ok(SweepConfig::from_lookup(lookup, &[])?.alerts.ignored),
        "finding-export" => Ok(ExportConfig::from_lookup(lookup, &[])?.alerts.ignored),
        "key-rescue" => Ok(RescueConfig::from_lookup(lookup, &[])?.alerts.ignored),
        _ => Ok(Config::from_lookup(lookup, &[])?.ignored),
    }
}

/// The parameters that reach a function as a variable.
fn parameters(function: &Function) -> Vec<String> {
    let variables = function.properties["Environment"]["Variables"]
        .as_object()
        .unwrap();
    let names = variables.values().filter_map(|value| value["Ref"].as_str());
    names.map(ToOwned::to_owned).collect()
}

#[test]
fn every_value_that_a_parameter_accepts_is_one_that_the_functions_read() {
    let template = Template::read();
    let mut runner = TestRunner::deterministic();
    let mut tried = 0;
    for function in template.functions() {
        for name in parameters(&function) {
            let parameter = &template.document["Parameters"][&name];
            if parameter.is_null() {
                continue; // a resource
            }
            let values = accepted(parameter);
            for _ in 0..TRIES {
                let value = values.new_tree(&mut runner).unwrap().current();
                let problems = ignored(&template, &function, &name, &value)
                    .unwrap_or_else(|error| panic!("{name} {value:?}: {error}"));
                // Which kinds there are changes from version to version; the pattern knows their form.
                let unknown = |problem: &String| {
                    name == "SeverityOverrides"
                        && (problem.contains("no such kind") || problem.contains("there twice"))
                };
                assert!(
                    problems.iter().all(unknown),
                    "{name} {value:?}: {problems:?}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 20 * TRIES, "{tried} values");
}

#[test]
fn the_levels_that_the_pattern_knows_are_those_of_overrides() {
    let template = Template::read();
    let function = &template.functions()[0];
    for level in ["OFF", "INFO", "LOW", "MEDIUM", "HIGH", "CRITICAL"] {
        let value = format!("KeyRotated={level},KeyMaterialImported={level}");
        let problems = ignored(&template, function, "SeverityOverrides", &value).unwrap();
        assert_eq!(problems, <Vec<String>>::new(), "{value}");
        let pattern = &template.document["Parameters"]["SeverityOverrides"]["AllowedPattern"];
        assert!(pattern.as_str().unwrap().contains(level), "{level}");
    }
}

/// The words are those of the function's log (`watch_aws::start`): a black-box test of it holds them.
#[test]
fn a_setting_that_a_function_ignores_is_told_to_the_health_topic() {
    let template = Template::read();
    let (_, alarm) = template
        .resources("AWS::CloudWatch::Alarm")
        .find(|(id, _)| *id == "SettingIgnored")
        .unwrap();
    assert_eq!(alarm["AlarmActions"][0]["Ref"], "HealthTopic");
    for function in template.functions() {
        let log = &function.properties["LoggingConfig"]["LogGroup"];
        let filters: Vec<_> = template
            .resources("AWS::Logs::MetricFilter")
            .map(|(_, filter)| filter)
            .filter(|filter| filter["LogGroupName"] == *log)
            .filter(|filter| filter["FilterPattern"] == "\"setting ignored\"")
            .collect();
        assert_eq!(filters.len(), 1, "{}", function.id);
        let sent = &filters[0]["MetricTransformations"][0];
        let names = (&sent["MetricNamespace"], &sent["MetricName"]);
        assert_eq!(
            names,
            (&alarm["Namespace"], &alarm["MetricName"]),
            "{}",
            function.id
        );
    }
}
