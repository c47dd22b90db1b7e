//! The stack as the template deploys it, laid down on the embedded AWS: what a sweep looks at of the watch itself.

use serde_json::{Value, json};
use watch_local::LocalAws;
use watch_template::{Stack, Template};

/// A function that the sweep looks at.
pub const FUNCTION: &str = "kms-watch-KeyDeletionFunction";
/// The function that sweeps.
pub const SWEEP: &str = "kms-watch-KeyInventoryFunction";
/// The schedules that start it.
pub const SCHEDULES: [&str; 2] = [
    "kms-watch-KeyInventoryFunctionFull",
    "kms-watch-KeyInventoryFunctionLight",
];
/// A rule that the sweep looks at.
pub const RULE: &str = "kms-watch-KeyDeletionFunctionCloudTrail";
/// A trail that records what the watch needs.
pub const TRAIL: &str = "main";

/// Lays down rules, functions, an alarm, queues, a trail and a health topic with a listener. What comes back are the variables that
/// a deployment hands to `key-inventory`.
///
/// # Panics
///
/// If the simulator refuses any of it.
pub fn deploy(aws: &LocalAws) -> Vec<(&'static str, String)> {
    let template = Template::read();
    let health = aws.create_topic("kms-watch-HealthTopic");
    for topic in [&health, &aws.create_topic("people")] {
        aws.subscribe(topic, "email", "team@example.com")
            .expect("a subscription");
    }
    put_rules(aws, &template, &health);
    let functions: Vec<String> = template
        .functions()
        .iter()
        .map(|function| format!("kms-watch-{}", function.id))
        .collect();
    for name in &functions {
        put_function(aws, name, "code of the deployment");
    }
    for name in SCHEDULES {
        put_schedule(aws, name, "ENABLED", "cron(53 * * * ? *)");
    }
    // The sweep looks at all but itself.
    let functions: Vec<String> = functions.into_iter().filter(|name| name != SWEEP).collect();
    aws.call_cloudwatch("PutMetricAlarm", alarm(1.0))
        .expect("an alarm");
    let elsewhere = json!({"Name": "elsewhere", "MuteTargets": {"AlarmNames": ["orders-Late-1A2B3C4D5E6F"]},
        "Rule": {"Schedule": {"Expression": "cron(0 * * * *)", "Duration": "PT1H"}}});
    aws.call_cloudwatch("PutAlarmMuteRule", elsewhere)
        .expect("a mute rule");
    put_trail(aws, true);
    let queues = ["kms-watch-UndeliveredEvents", "kms-watch-FailedInvocations"]
        .map(|name| put_queue(aws, name, "0"));
    vec![
        ("HEALTH_TOPIC_ARN", health),
        ("STACK_NAME", "kms-watch".to_owned()),
        ("WATCHED_FUNCTIONS", functions.join(",")),
        ("WATCHED_QUEUES", queues.join(",")),
        ("DIGEST", "OFF".to_owned()),
    ]
}

/// The rules of the template, with their targets.
pub fn put_rules(aws: &LocalAws, template: &Template, health: &str) {
    let stack = Stack::default();
    for rule in template.rules(&stack) {
        let functions = template.functions();
        let function = functions
            .iter()
            .find(|function| rule.function.as_ref() == Some(&function.folder));
        let arn = function.map_or_else(
            || health.to_owned(),
            |function| {
                let id = &function.id;
                format!("arn:aws:lambda:us-east-1:111122223333:function:kms-watch-{id}")
            },
        );
        let mut target = json!({"Id": "target", "Arn": arn});
        let input = &rule.delivery["InputTransformer"];
        if !input.is_null() {
            target["InputTransformer"] = template.resolve(input, &stack);
        }
        let state = rule.state.as_deref().unwrap_or("ENABLED");
        let name = format!("kms-watch-{}", rule.id);
        aws.put_rule(&name, state, &rule.pattern, &[target]);
    }
}

/// A function with code.
pub fn put_function(aws: &LocalAws, name: &str, code: &str) {
    let configuration = json!({
        "FunctionName": name, "CodeSha256": code, "Role": "arn:aws:iam::111122223333:role/r", "State": "Active",
        "Environment": {"Variables": {"LEDGER_TABLE": "ledger"}}, "Timeout": 30, "LastModified": aws.now().to_string(),
    });
    let invocation = json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600});
    aws.put_function(name, configuration, None, Some(invocation));
}

/// A schedule that starts the sweep.
pub fn put_schedule(aws: &LocalAws, name: &str, state: &str, when: &str) {
    let schedule = json!({
        "Name": name, "GroupName": "default", "State": state, "ScheduleExpression": when,
        "ScheduleExpressionTimezone": "UTC", "FlexibleTimeWindow": {"Mode": "OFF"}, "CreationDate": 1_771_000_000.5,
        "Target": {
            "Arn": format!("arn:aws:lambda:us-east-1:111122223333:function:{SWEEP}"),
            "RoleArn": "arn:aws:iam::111122223333:role/r", "Input": "{}",
        },
    });
    aws.put_schedule(name, schedule);
}

/// An alarm of the stack, as `PutMetricAlarm` has it.
pub fn alarm(threshold: f64) -> Value {
    json!({
        "AlarmName": "kms-watch-NobodyListens", "Namespace": "KMSWatch", "MetricName": "Listeners", "Statistic": "Minimum",
        "Period": 3600, "EvaluationPeriods": 1, "Threshold": threshold, "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "ignore", "ActionsEnabled": true,
        "AlarmActions": ["arn:aws:sns:us-east-1:111122223333:kms-watch-HealthTopic"],
    })
}

/// A trail that logs, or not.
pub fn put_trail(aws: &LocalAws, logging: bool) {
    let selectors = json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true,
        "ExcludeManagementEventSources": [], "DataResources": []}]});
    aws.put_trail(TRAIL, logging, selectors);
}

/// A queue in which so many messages wait; its URL.
pub fn put_queue(aws: &LocalAws, name: &str, waiting: &str) -> String {
    let attributes = [
        ("ApproximateNumberOfMessages", waiting),
        ("MessageRetentionPeriod", "1209600"),
    ];
    aws.put_queue(name, &attributes)
}
