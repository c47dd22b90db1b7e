//! Whether a function can run, and what of it is noted.

use serde_json::{Value, json};
use watch_core::answers::FunctionData;
use watch_core::hash::short_hash;
use watch_core::step::is_bare;
use watch_core::text;
use watch_core::text::Untrusted;

use super::noted::Facets;
use super::{Finding, Group};

/// Members of a configuration that a deployment sets, beside those that are noted alone. What AWS adds is none of them.
const SETTINGS: [&str; 12] = [
    "Architectures",
    "DeadLetterConfig",
    "FileSystemConfigs",
    "Handler",
    "KMSKeyArn",
    "Layers",
    "LoggingConfig",
    "MemorySize",
    "PackageType",
    "Runtime",
    "Timeout",
    "VpcConfig",
];
/// Members of what is done with an event that a function fails on.
const INVOCATION: [&str; 3] = [
    "DestinationConfig",
    "MaximumEventAgeInSeconds",
    "MaximumRetryAttempts",
];

/// What keeps the function `name` from running, whatever was noted of it.
pub fn judge(name: &str, function: &FunctionData) -> Option<Finding> {
    let finding = |check, what| Finding::new(Group::Functions, check, name, what).silencing();
    if function.concurrency == Some(0) {
        let what = text!["the function cannot run, because its reserved concurrency is 0"];
        let restore = is_bare(name)
            .then(|| format!("aws lambda delete-function-concurrency --function-name {name}"));
        return Some(finding("concurrency", what).restore(restore));
    }
    let state = function.configuration["State"].as_str()?;
    let reason = function.configuration["StateReason"].as_str();
    (state == "Failed").then(|| {
        let reason = Untrusted::bounded(reason.unwrap_or("Lambda gives no reason"), 200);
        let what = text!["the function cannot run: ", reason];
        finding("state", what).by_itself().held()
    })
}

/// The function is not there.
pub fn missing(name: &str) -> Finding {
    let what = text!["the function is missing, so its alerts no longer go out"];
    Finding::new(Group::Functions, "missing", name, what)
        .silencing()
        .held()
}

/// What is noted of a function. That it may not run at all is a finding of its own.
pub fn facets(function: &FunctionData) -> Facets {
    let configuration = &function.configuration;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let only = |from: &Value, names: &[&str]| {
        let members = names.iter().map(|name| &from[*name]);
        short_hash(&json!(members.collect::<Vec<_>>()).to_string())
    };
    let mut facets = Facets::from([
        ("code".to_owned(), text(&configuration["CodeSha256"])),
        ("role".to_owned(), text(&configuration["Role"])),
        (
            "environment".to_owned(),
            short_hash(&configuration["Environment"]["Variables"].to_string()),
        ),
        ("settings".to_owned(), only(configuration, &SETTINGS)),
        (
            "handling of failed events".to_owned(),
            only(&function.invocation, &INVOCATION),
        ),
    ]);
    if function.concurrency != Some(0) {
        let reserved = json!(function.concurrency).to_string();
        facets.insert("reserved concurrency".to_owned(), reserved);
    }
    facets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function() -> FunctionData {
        FunctionData {
            configuration: json!({
                "CodeSha256": "aaa", "Role": "arn:aws:iam::1:role/r", "State": "Active", "Timeout": 30,
                "Environment": {"Variables": {"A": "1"}}, "LastModified": "now", "RevisionId": "1"
            }),
            concurrency: None,
            invocation: json!({"MaximumRetryAttempts": 2}),
        }
    }

    #[test]
    fn a_function_that_may_not_or_cannot_run_silences() {
        assert!(judge("f", &function()).is_none());
        let mut stopped = function();
        stopped.concurrency = Some(0);
        let found = judge("f", &stopped).unwrap();
        assert!(found.silences && !found.held);
        let mut failed = function();
        failed.configuration["State"] = json!("Failed");
        assert!(judge("f", &failed).unwrap().silences);
    }

    #[test]
    fn what_a_deployment_sets_is_noted_and_what_aws_counts_is_not() {
        let noted = facets(&function());
        let differs = |change: &dyn Fn(&mut FunctionData)| {
            let mut other = function();
            change(&mut other);
            let other = facets(&other);
            let differs = noted.iter().filter(|(name, value)| other[*name] != **value);
            differs.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        type Change = fn(&mut FunctionData);
        let changes: [(Change, &[&str]); 8] = [
            (|it| it.configuration["CodeSha256"] = json!("b"), &["code"]),
            (|it| it.configuration["Role"] = json!("other"), &["role"]),
            (
                |it| it.configuration["Environment"]["Variables"]["A"] = json!("2"),
                &["environment"],
            ),
            (|it| it.configuration["Timeout"] = json!(1), &["settings"]),
            (|it| it.concurrency = Some(1), &["reserved concurrency"]),
            (
                |it| it.invocation["MaximumRetryAttempts"] = json!(0),
                &["handling of failed events"],
            ),
            (|it| it.configuration["RevisionId"] = json!("2"), &[]),
            (|it| it.configuration["New"] = json!("of AWS"), &[]),
        ];
        for (change, expected) in changes {
            assert_eq!(differs(&change), expected);
        }
    }
}
