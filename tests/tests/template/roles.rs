//! What the functions may do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use watch_tests::template::{Stack, Template};

use super::{
    EXPORTER, FINDS_DEPENDANTS, GUARD, JUDGES_ACCESS, RESCUER, SWEEPER, WIDGET, read, sweeper,
};

/// Of another account, as a hub's is.
const BUS: &str = "arn:aws:events:us-east-1:444455556666:event-bus/kms-watch";

/// A name for `TrustedAccountsParameter`.
const TRUSTED: &str = "/security/trusted";

/// What tells how a function is deployed.
const LOOKS_AT_FUNCTION: [&str; 3] = [
    "lambda:GetFunctionConfiguration",
    "lambda:GetFunctionConcurrency",
    "lambda:GetFunctionEventInvokeConfig",
];

/// Where findings go.
const FINDING_BUS: &str = "arn:aws:events:us-east-1:444455556666:event-bus/findings";
const FINDING_QUEUE: &str = "arn:aws:sqs:us-east-1:444455556666:findings";

/// What the function does that sends findings, and what it is about, with `~` for Region and account.
const EXPORTS: [(&str, &str); 8] = [
    ("sqs:ReceiveMessage", "arn:aws:sqs:~:kms-watch-Findings"),
    ("sqs:DeleteMessage", "arn:aws:sqs:~:kms-watch-Findings"),
    ("sqs:GetQueueAttributes", "arn:aws:sqs:~:kms-watch-Findings"),
    (
        "securityhub:BatchImportFindings",
        "arn:aws:securityhub:~:product/111122223333/default",
    ),
    ("events:PutEvents", FINDING_BUS),
    ("sqs:SendMessage", FINDING_QUEUE),
    (
        "s3:PutObject",
        "arn:aws:s3:::findings/AWSLogs/111122223333/KMSWatch/us-east-1/*",
    ),
    (
        "sqs:SendMessage",
        "arn:aws:sqs:~:kms-watch-UnexportedFindings",
    ),
];

/// Reads of KMS on a key that every function makes.
const KEY_READS: [&str; 2] = ["kms:DescribeKey", "kms:ListResourceTags"];
/// Those about its material.
const MATERIAL_READS: [&str; 2] = ["kms:GetKeyRotationStatus", "kms:ListKeyRotations"];

/// What each function's code reads of a key. None is cryptographic. Writes are the business of one function (`rescue`).
fn key_reads(function: &str) -> BTreeSet<&'static str> {
    let mut reads: BTreeSet<_> = KEY_READS.into_iter().collect();
    match function {
        // It has to do with the watch, not with keys.
        GUARD | EXPORTER => reads.clear(),
        // It knows what the ledger knows: a dashboard that is drawn every ten seconds spends none of KMS's quotas.
        WIDGET => reads.clear(),
        "key-deletion" | "material-expiration" => {
            reads.extend(MATERIAL_READS);
            reads.extend(["kms:GetKeyLastUsage", "kms:ListGrants"]);
        }
        // A rotated key is no less usable: nobody needs to know when it was used.
        "key-rotation" => reads.extend(MATERIAL_READS),
        // A key that cannot be used, or was not changed, rotates or not as it did before.
        "key-misuse" => _ = reads.insert("kms:GetKeyLastUsage"),
        // It reads policies, and has no use for rotation.
        "key-activity" => {
            reads.extend(["kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:ListGrants"]);
        }
        // Its alarms are about key stores and requests; a key it only names.
        "alarm-relay" => {}
        // It looks at keys before and after it changes them.
        RESCUER => {
            reads.extend(MATERIAL_READS);
            reads.insert("kms:GetKeyLastUsage");
        }
        // It looks at everything.
        SWEEPER => {
            reads.extend(MATERIAL_READS);
            reads.extend(["kms:GetKeyLastUsage", "kms:GetKeyPolicy", "kms:ListGrants"]);
        }
        other => panic!("what does {other} call?"),
    }
    reads
}

/// What each function's code calls on no key in particular.
fn list_reads(function: &str) -> &'static [&'static str] {
    match function {
        "alarm-relay" => &[
            "kms:ListAliases",
            "kms:ListKeys",
            "kms:DescribeCustomKeyStores",
        ],
        // Who depends on a key is looked up after an alert that it is lost, or open to others.
        "key-deletion" | "material-expiration" => &["kms:ListAliases", "cloudtrail:LookupEvents"],
        "key-activity" => &[
            "cloudtrail:LookupEvents",
            "kms:ListAliases",
            "kms:ListKeys",
            "kms:DescribeCustomKeyStores",
        ],
        SWEEPER => &[
            "kms:ListAliases",
            "kms:ListKeys",
            "kms:DescribeCustomKeyStores",
            "cloudtrail:LookupEvents",
            "sns:GetSubscriptionAttributes",
            "cloudwatch:PutMetricData",
            // How often keys are used, if that is wanted.
            "cloudwatch:GetMetricData",
            "cloudwatch:ListMetrics",
            // What it looks at of the watch itself.
            "events:ListRules",
            "events:ListTargetsByRule",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:GetAlarmMuteRule",
            "cloudwatch:ListAlarmMuteRules",
            "cloudtrail:DescribeTrails",
            "cloudtrail:GetEventSelectors",
            "cloudtrail:GetTrailStatus",
        ],
        GUARD | EXPORTER | WIDGET => &[],
        _ => &["kms:ListAliases"],
    }
}

#[test]
fn a_function_may_do_what_its_code_does_and_nothing_else() {
    let template = Template::read();
    let arn = |rest: &str| rest.replace('~', "us-east-1:111122223333");
    for function in template.functions() {
        let mut wanted: BTreeMap<(&str, String), usize> = BTreeMap::new();
        let mut grant =
            |action, resource: String| *wanted.entry((action, resource)).or_default() += 1;
        // An event may name a related key in another Region. A sweep looks at its own.
        let regions = if [SWEEPER, RESCUER].contains(&function.folder.as_str()) {
            "us-east-1"
        } else {
            "*"
        };
        for action in key_reads(&function.folder) {
            grant(action, format!("arn:aws:kms:{regions}:111122223333:key/*"));
        }
        if function.folder == RESCUER {
            for action in super::rescue::WRITES {
                // By the tag, and by an alias.
                grant(action, arn("arn:aws:kms:~:key/*"));
                grant(action, arn("arn:aws:kms:~:key/*"));
                grant(action, super::rescue::LISTED.to_owned());
            }
            let switch = "arn:aws:ssm:~:parameter/kms-watch/kms-watch/rescue";
            grant("ssm:GetParameter", arn(switch));
        }
        for action in list_reads(&function.folder) {
            grant(action, "*".to_owned());
        }
        let alerts = ![EXPORTER, WIDGET].contains(&function.folder.as_str());
        let told = ["AlertTopic", "ChatAlertTopic", "FeedAlertTopic"];
        for topic in told.iter().filter(|_| alerts) {
            // Connections are opened in advance for an event, of which somebody waits.
            let topic_actions = ["sns:Publish", "sns:GetTopicAttributes"];
            let needed = topic_actions.len() - usize::from(function.folder == SWEEPER);
            for action in topic_actions.into_iter().take(needed) {
                grant(action, arn(&format!("arn:aws:sns:~:kms-watch-{topic}")));
            }
        }
        if function.folder == SWEEPER {
            for topic in ["AlertTopic", "HealthTopic"] {
                let topic = arn(&format!("arn:aws:sns:~:kms-watch-{topic}"));
                grant("sns:ListSubscriptionsByTopic", topic);
            }
            for queue in [
                "UndeliveredEvents",
                "FailedInvocations",
                "UnexportedFindings",
            ] {
                let queue = arn(&format!("arn:aws:sqs:~:kms-watch-{queue}"));
                grant("sqs:GetQueueAttributes", queue);
            }
        }
        // The sweep looks at all functions but itself, and watch-guard at the sweep.
        for other in template.functions() {
            let is_sweep = other.folder == SWEEPER;
            let looks = match function.folder.as_str() {
                SWEEPER => !is_sweep,
                GUARD => is_sweep,
                _ => false,
            };
            for action in LOOKS_AT_FUNCTION.into_iter().filter(|_| looks) {
                let function = format!("arn:aws:lambda:~:function:kms-watch-{}", other.id);
                grant(action, arn(&function));
            }
        }
        if function.folder == GUARD {
            for event in ["Full", "Light"] {
                let schedule = format!("kms-watch-KeyInventoryFunction{event}");
                let schedule = format!("arn:aws:scheduler:~:schedule/default/{schedule}");
                grant("scheduler:GetSchedule", arn(&schedule));
            }
        }
        let of_ledger: &[_] = match function.folder.as_str() {
            EXPORTER => &[],
            WIDGET => &["dynamodb:BatchGetItem", "dynamodb:Query"],
            _ => &[
                "dynamodb:BatchGetItem",
                "dynamodb:BatchWriteItem",
                "dynamodb:PutItem",
                "dynamodb:UpdateItem",
            ],
        };
        for action in of_ledger.iter().copied() {
            grant(action, arn("arn:aws:dynamodb:~:table/kms-watch-Ledger"));
        }
        // What Lambda does in the function's name.
        grant(
            "sqs:SendMessage",
            arn("arn:aws:sqs:~:kms-watch-FailedInvocations"),
        );
        let log = function.properties["LoggingConfig"]["LogGroup"]["Ref"]
            .as_str()
            .unwrap();
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            grant(
                action,
                arn(&format!("arn:aws:logs:~:log-group:kms-watch-{log}:*")),
            );
        }
        for action in ["xray:PutTraceSegments", "xray:PutTelemetryRecords"] {
            grant(action, "*".to_owned());
        }

        if alerts {
            grant("events:PutEvents", BUS.to_owned());
        }
        for (action, resource) in EXPORTS.into_iter().filter(|_| function.folder == EXPORTER) {
            grant(action, arn(resource));
        }
        if JUDGES_ACCESS.contains(&function.folder.as_str()) {
            for action in ["ssm:GetParameter", "ssm:GetParametersByPath"] {
                for rest in ["", "/*"] {
                    let parameter = format!("arn:aws:ssm:~:parameter{TRUSTED}{rest}");
                    grant(action, arn(&parameter));
                }
            }
        }

        if FINDS_DEPENDANTS.contains(&function.folder.as_str()) {
            grant("config:SelectResourceConfig", "*".to_owned());
            let status = "config:DescribeConfigurationRecorderStatus";
            grant(status, "*".to_owned());
        }

        let stack = Stack::default()
            .with("EventBusArn", BUS)
            .with("OcsfBusArn", FINDING_BUS)
            .with("OcsfQueueArn", FINDING_QUEUE)
            .with("OcsfBucket", "findings")
            .with("ProtectedAliases", "alias/prod-*")
            .with("ProtectedKeys", super::rescue::LISTED)
            .with("TrustedAccountsParameter", TRUSTED);
        let statements = template.role_statements(&function.folder, &stack);
        let mut given: BTreeMap<(&str, String), usize> = BTreeMap::new();
        for statement in &statements {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().unwrap() {
                for resource in statement["Resource"].as_array().unwrap() {
                    let resource = resource.as_str().unwrap().to_owned();
                    *given
                        .entry((action.as_str().unwrap(), resource))
                        .or_default() += 1;
                }
            }
        }
        assert_eq!(given, wanted, "{}", function.id);
    }
}

/// The statements of a sweep's role that hold for everything are narrowed where AWS knows how.
#[test]
fn a_sweep_measures_in_its_own_namespace_only() {
    let template = Template::read();
    let policies = &template.document["Resources"]["KeyInventoryRole"]["Properties"]["Policies"];
    let statements = policies[0]["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap();
    let measure = statements
        .iter()
        .find(|statement| statement["Action"] == "cloudwatch:PutMetricData")
        .unwrap();
    let variables = sweeper(&template).properties["Environment"]["Variables"].clone();
    let namespace = &variables["METRIC_NAMESPACE"];
    assert_eq!(
        measure["Condition"],
        json!({"StringEquals": {"cloudwatch:namespace": namespace}})
    );
}

#[test]
fn what_is_not_there_or_not_wanted_is_not_granted() {
    let bare = Stack::default()
        .without("HasChat")
        .without("HasFeed")
        .without("HasBus");
    let statements = Template::read().role_statements("key-deletion", &bare);
    let put = |statement: &&Value| statement["Action"][0] == "events:PutEvents";
    assert_eq!(statements.iter().filter(put).count(), 0);
    let without = Stack::default().without("HasConfigDependants");
    for function in FINDS_DEPENDANTS {
        let statements = Template::read().role_statements(function, &without);
        let text = json!(statements).to_string();
        assert!(!text.contains("config:"), "{function}");
    }
    let tell = statements
        .iter()
        .find(|statement| statement["Action"][0] == "sns:Publish");
    let alerts = json!(["arn:aws:sns:us-east-1:111122223333:kms-watch-AlertTopic"]);
    assert_eq!(tell.unwrap()["Resource"], alerts);
}

/// CloudWatch's data cost money, and nobody reads them unless that is wanted.
#[test]
fn only_the_sweep_reads_metrics_and_only_if_it_is_to_learn_from_them() {
    let template = Template::read();
    let reads = |function: &str, stack: &Stack| {
        let statements = template.role_statements(function, stack);
        let reads = |it: &Value| it["Action"][0] == "cloudwatch:GetMetricData";
        statements.iter().any(reads)
    };
    let wanted = Stack::default();
    let unwanted = Stack::default().without("HasUseMetrics");
    for function in template.functions() {
        let folder = function.folder.as_str();
        assert_eq!(reads(folder, &wanted), folder == SWEEPER, "{folder}");
        assert!(!reads(folder, &unwanted), "{folder}");
    }
}

#[test]
fn each_function_has_a_role_of_its_own_that_the_user_can_bound() {
    let template = Template::read();
    let roles: BTreeSet<_> = template
        .functions()
        .iter()
        .map(|function| function.properties["Role"]["Fn::GetAtt"][0].to_string())
        .collect();
    assert_eq!(roles.len(), template.functions().len());
    // One more each is for the schedules of sweeps, of the look at them, and of the canary.
    assert_eq!(
        template.resources("AWS::IAM::Role").count(),
        roles.len() + 3
    );
    for (id, role) in template.resources("AWS::IAM::Role") {
        let bounded = template.resolve(
            &role["PermissionsBoundary"],
            &Stack::default().with("PermissionsBoundaryArn", "boundary"),
        );
        assert_eq!(bounded, "boundary", "{id}");
        assert!(role["ManagedPolicyArns"].is_null(), "{id}");
    }
}

#[test]
fn a_wildcard_is_explained_above_it() {
    let text = read("template.yaml");
    let lines: Vec<_> = text.lines().collect();
    let mut wildcards = 0;
    for (number, line) in lines.iter().enumerate() {
        let code = line.trim();
        if code.starts_with("Resource: ") && code.contains('*') {
            wildcards += 1;
            assert!(
                lines[number - 1].trim().starts_with('#'),
                "line {}: {code} without a reason",
                number + 1
            );
        }
    }
    assert!(wildcards > 0);
}
