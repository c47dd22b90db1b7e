//! The stack as the template deploys it, laid down on the embedded AWS: what a sweep looks at of the watch itself.

use serde_json::{Value, json};
use watch_core::kinds::LastCanary;
use watch_core::ledger::ItemKey;
use watch_local::{LocalAws, StackResource};
use watch_sweep::position::Position;
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
    put_queue(aws, "kms-watch-Findings", "0");
    let queues = [
        "kms-watch-UndeliveredEvents",
        "kms-watch-FailedInvocations",
        "kms-watch-UnexportedFindings",
    ]
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

/// The resource policy that the template gives the ledger.
fn ledger_policy(template: &Template) -> Value {
    let ledger = &template.document["Resources"]["Ledger"]["Properties"];
    template.resolve(
        &ledger["ResourcePolicy"]["PolicyDocument"],
        &Stack::default(),
    )
}

/// The whole stack as CloudFormation lists it, and all of its parts: what a person's command looks at. The topics are those of
/// a [`Function`](crate::Function), each with a listener, and nothing is wrong with any of it at `aws.now()`. What comes back are
/// the variables of [`deploy`].
///
/// # Panics
///
/// If the simulator refuses any of it.
pub fn deploy_whole(aws: &LocalAws) -> Vec<(&'static str, String)> {
    let variables = deploy(aws);
    let template = Template::read();
    put_watched_function(aws, "kms-watch-KeyInventoryFunction");
    for function in template.functions() {
        put_watched_function(aws, &format!("kms-watch-{}", function.id));
    }
    for (id, properties) in template.resources("AWS::CloudWatch::Alarm") {
        aws.call_cloudwatch(
            "PutMetricAlarm",
            alarm_of(id, properties["AlarmActions"].is_array()),
        )
        .expect("an alarm");
    }
    for topic in ["people", "chat", "feed"] {
        let topic = aws.create_topic(topic);
        aws.subscribe(&topic, "email", "team@example.com")
            .expect("a subscription");
    }
    let arn = aws.create_table(crate::LEDGER);
    let call = |operation: &str, body: &Value| {
        aws.call_dynamodb(operation, body).expect(operation);
    };
    let table = json!({"TableName": crate::LEDGER});
    let with = |name: &str, value: Value| {
        let mut body = table.clone();
        body[name] = value;
        body
    };
    call(
        "UpdateTable",
        &with("DeletionProtectionEnabled", json!(true)),
    );
    let recovery = json!({"PointInTimeRecoveryEnabled": true});
    let recovery = with("PointInTimeRecoverySpecification", recovery);
    call("UpdateContinuousBackups", &recovery);
    let policy = ledger_policy(&template).to_string();
    call(
        "PutResourcePolicy",
        &json!({"ResourceArn": arn, "Policy": policy}),
    );
    remember(aws, "sweep", &[("runAt", "now"), ("fullAt", "now")]);
    let told_as = format!("alert#{}#c0ffee", aws.now());
    remember(aws, "watch#canary", &[("toldAs", &told_as)]);
    let entry = [
        ("alertId", "c0ffee"),
        ("occurredAt", "now"),
        ("kind", "WatchCanary"),
        ("severity", "INFO"),
        ("title", "t"),
        ("name", "n"),
        ("via", "CLOUDTRAIL"),
        ("toldAt", "now"),
    ];
    remember(aws, &told_as, &entry);
    put_stack(aws, &parts(aws, &template));
    variables
}

/// An alarm of the stack, which tells the health topic, or nobody.
pub fn alarm_of(id: &str, tells: bool) -> Value {
    let mut alarm = alarm(1.0);
    alarm["AlarmName"] = json!(format!("kms-watch-{id}"));
    if !tells {
        alarm["AlarmActions"] = json!([]);
    }
    alarm
}

/// A function that runs, and whose failures are kept.
pub fn put_watched_function(aws: &LocalAws, name: &str) {
    aws.put_function(name, configuration(aws, name), None, Some(kept()));
}

/// What Lambda says of a function that runs.
pub fn configuration(aws: &LocalAws, name: &str) -> Value {
    json!({
        "FunctionName": name, "CodeSha256": "code of the deployment", "Role": "arn:aws:iam::111122223333:role/r",
        "State": "Active", "LastUpdateStatus": "Successful", "Timeout": 30, "LastModified": aws.now().to_string(),
        "Environment": {"Variables": {"LEDGER_TABLE": "ledger"}},
    })
}

/// What Lambda does with events on which a function fails.
pub fn kept() -> Value {
    let queue = "arn:aws:sqs:us-east-1:111122223333:kms-watch-FailedInvocations";
    json!({"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 21_600,
        "DestinationConfig": {"OnFailure": {"Destination": queue}}})
}

/// An item of the account, or of the watch itself, in the ledger; the time `now` is that of the simulator.
///
/// # Panics
///
/// If the simulator refuses it.
pub fn remember(aws: &LocalAws, sort: &str, attributes: &[(&str, &str)]) {
    let text = |value: &str| json!({"S": value});
    let account = "account#111122223333#us-east-1";
    let place = match sort {
        "watch#canary" => LastCanary::key(account),
        "sweep" => Position::key(account),
        _ => ItemKey::new(account, sort),
    };
    let mut item = json!({"pk": text(&place.partition), "sk": text(&place.sort)});
    for (name, value) in attributes {
        let now = aws.now().to_string();
        item[*name] = text(if *value == "now" { &now } else { value });
    }
    if sort.starts_with("alert#") {
        item["folded"] = json!({"BOOL": false});
    }
    let body = json!({"TableName": crate::LEDGER, "Item": item});
    aws.call_dynamodb("PutItem", &body).expect("an item");
}

/// The parts of the stack as CloudFormation lists them.
pub fn parts(aws: &LocalAws, template: &Template) -> Vec<StackResource> {
    let part = |id: &str, kind: &str, physical: String| StackResource {
        logical_id: id.to_owned(),
        kind: kind.to_owned(),
        physical_id: physical,
    };
    let mut parts: Vec<_> = template
        .section("Resources")
        .map(|(id, resource)| {
            let kind = resource["Type"].as_str().expect("a type");
            let kind = kind.replace("Serverless::Function", "Lambda::Function");
            let physical = match (kind.as_str(), id) {
                (_, "AlertTopic") => aws.create_topic("people"),
                (_, "ChatAlertTopic") => aws.create_topic("chat"),
                (_, "FeedAlertTopic") => aws.create_topic("feed"),
                ("AWS::SNS::Topic", _) => aws.create_topic(&format!("kms-watch-{id}")),
                ("AWS::SQS::Queue", _) => {
                    format!("https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-{id}")
                }
                _ => format!("kms-watch-{id}"),
            };
            part(id, &kind, physical)
        })
        .collect();
    let rules = template.rules(&Stack::default());
    // Those that SAM makes are not in the template.
    for rule in rules.iter().filter(|rule| rule.function.is_some()) {
        let physical = format!("kms-watch-{}", rule.id);
        parts.push(part(&rule.id, "AWS::Events::Rule", physical));
    }
    parts
}

/// Lays the stack down with these parts.
pub fn put_stack(aws: &LocalAws, parts: &[StackResource]) {
    let outputs = [("Version", env!("CARGO_PKG_VERSION"))];
    aws.put_stack("kms-watch", "UPDATE_COMPLETE", &outputs, parts);
}
