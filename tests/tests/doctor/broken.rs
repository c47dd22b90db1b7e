//! What is broken, one thing at a time: a table.

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{FilterScope, LocalAws};
use watch_tests::LEDGER;
use watch_tests::deployed::{self, alarm_of, configuration, kept, parts, put_queue, put_trail};
use watch_tests::template::{Stack, Template};

use super::FUNCTION;

/// The check that finds it, words of what it says, and what is done to the stack.
pub(crate) type Broken = (&'static str, &'static str, fn(&LocalAws));

fn trail_with(aws: &LocalAws, kind: &str, excluded: &[&str]) {
    let selectors = json!({"EventSelectors": [{"ReadWriteType": kind, "IncludeManagementEvents": true,
        "ExcludeManagementEventSources": excluded, "DataResources": []}]});
    aws.put_trail(deployed::TRAIL, true, selectors);
}

fn rule(aws: &LocalAws, state: &str, targets: &[Value], change: impl Fn(&mut Value)) {
    let rules = Template::read().rules(&Stack::default());
    let rule = rules
        .into_iter()
        .find(|rule| rule.id == "KeyDeletionFunctionCloudTrail");
    let mut pattern = rule.unwrap().pattern;
    change(&mut pattern);
    aws.put_rule(deployed::RULE, state, &pattern, targets);
}

fn leads() -> Value {
    json!({"Id": "target", "Arn": format!("arn:aws:lambda:us-east-1:111122223333:function:{FUNCTION}")})
}

fn table(aws: &LocalAws, operation: &str, name: &str, value: Value) {
    let mut body = json!({"TableName": LEDGER});
    body[name] = value;
    aws.call_dynamodb(operation, &body).unwrap();
}

pub(crate) fn cloudwatch(aws: &LocalAws, operation: &str, body: Value) {
    aws.call_cloudwatch(operation, body).unwrap();
}

pub(crate) fn status(aws: &LocalAws, status: &str, version: &str) {
    let parts = parts(aws, &Template::read());
    aws.put_stack("kms-watch", status, &[("Version", version)], &parts);
}

pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

pub(crate) const BROKEN: [Broken; 38] = [
    ("stack", "rolled back", |aws| {
        status(aws, "UPDATE_ROLLBACK_COMPLETE", VERSION)
    }),
    ("stack", "DELETE_FAILED", |aws| {
        status(aws, "DELETE_FAILED", VERSION)
    }),
    ("version", "version 0.0.9 is deployed", |aws| {
        status(aws, "CREATE_COMPLETE", "0.0.9")
    }),
    ("version", "version 9.0.0 is deployed", |aws| {
        status(aws, "CREATE_COMPLETE", "9.0.0")
    }),
    ("version", "none that it tells", |aws| {
        aws.put_stack(
            "kms-watch",
            "CREATE_COMPLETE",
            &[],
            &parts(aws, &Template::read()),
        );
    }),
    ("clock", "s behind that of AWS", |aws| {
        aws.advance(SignedDuration::from_mins(10))
    }),
    ("trail", "there is no trail", |aws| {
        aws.delete_trail(deployed::TRAIL)
    }),
    ("trail", "no trail is logging", |aws| put_trail(aws, false)),
    (
        "trail",
        "no trail logs the management events of KMS",
        |aws| {
            trail_with(aws, "All", &["kms.amazonaws.com"]);
        },
    ),
    ("read-events", "no trail logs read events", |aws| {
        trail_with(aws, "WriteOnly", &[])
    }),
    ("rules", "the rule is disabled", |aws| {
        rule(aws, "DISABLED", &[leads()], |_| {})
    }),
    ("rules", "has no target", |aws| {
        rule(aws, "ENABLED", &[], |_| {})
    }),
    ("rules", "lacks the target of the template", |aws| {
        let other = json!({"Id": "target", "Arn": "arn:aws:lambda:us-east-1:111122223333:function:payments"});
        rule(aws, "ENABLED", &[other], |_| {});
    }),
    ("rules", "not the one of the template", |aws| {
        rule(aws, "ENABLED", &[leads()], |pattern| {
            pattern["detail"]["eventName"] = json!(["DeleteKey"])
        });
    }),
    ("rules", "the rule is missing", |aws| {
        aws.delete_rule(deployed::RULE)
    }),
    ("functions", "its reserved concurrency is 0", |aws| {
        aws.put_function(
            FUNCTION,
            configuration(aws, FUNCTION),
            Some(0),
            Some(kept()),
        );
    }),
    ("functions", "cannot run", |aws| {
        let mut failed = configuration(aws, FUNCTION);
        failed["State"] = json!("Failed");
        aws.put_function(FUNCTION, failed, None, Some(kept()));
    }),
    ("functions", "it is Deactivated", |aws| {
        let mut failed = configuration(aws, FUNCTION);
        failed["State"] = json!("Deactivated");
        aws.put_function(FUNCTION, failed, None, Some(kept()));
    }),
    ("functions", "KeyDeletionFunction is not there", |aws| {
        aws.delete_function(FUNCTION)
    }),
    ("failed-events", "is lost", |aws| {
        aws.put_function(FUNCTION, configuration(aws, FUNCTION), None, None);
    }),
    ("throttles", "KeyDeletionThrottles in ALARM", |aws| {
        let alarm = json!({"AlarmName": "kms-watch-KeyDeletionThrottles", "StateValue": "ALARM", "StateReason": "r"});
        cloudwatch(aws, "SetAlarmState", alarm);
    }),
    ("quota", "only 10 functions", |aws| aws.set_concurrency(10)),
    (
        "subscriptions",
        "nobody is subscribed to AlertTopic",
        |aws| {
            aws.unsubscribe(&subscription(aws, "people"));
        },
    ),
    (
        "subscriptions",
        "1 subscriptions of HealthTopic are not confirmed",
        |aws| {
            aws.set_pending(&subscription(aws, "kms-watch-HealthTopic"), true);
        },
    ),
    (
        "filters",
        "no confirmed subscription of AlertTopic",
        |aws| {
            let filter = json!({"severity": ["LOW"]});
            let people = subscription(aws, "people");
            aws.filter_subscription(&people, FilterScope::default(), &filter)
                .unwrap();
        },
    ),
    ("queues", "7 messages in FailedInvocations", |aws| {
        put_queue(aws, "kms-watch-FailedInvocations", "7");
    }),
    ("queues", "1 messages in UndeliveredEvents", |aws| {
        aws.send_message("kms-watch-UndeliveredEvents", "{}", &[]);
    }),
    ("queues", "UndeliveredEvents is not there", |aws| {
        aws.delete_queue("kms-watch-UndeliveredEvents")
    }),
    ("alarms", "alarms are missing: NobodyListens", |aws| {
        cloudwatch(
            aws,
            "DeleteAlarms",
            json!({"AlarmNames": ["kms-watch-NobodyListens"]}),
        );
    }),
    (
        "alarms",
        "actions are disabled: kms-watch-NobodyListens",
        |aws| {
            let mut alarm = alarm_of("NobodyListens", true);
            alarm["ActionsEnabled"] = json!(false);
            cloudwatch(aws, "PutMetricAlarm", alarm);
        },
    ),
    (
        "alarms",
        "do not tell the health topic: kms-watch-NobodyListens",
        |aws| {
            cloudwatch(aws, "PutMetricAlarm", alarm_of("NobodyListens", false));
        },
    ),
    (
        "mutes",
        "rules mute alarms of the stack, now or later: quiet",
        |aws| {
            let mute = json!({"Name": "quiet", "MuteTargets": {"AlarmNames": ["kms-watch-NobodyListens"]},
            "Rule": {"Schedule": {"Expression": "cron(0 * * * *)", "Duration": "PT1H"}}});
            cloudwatch(aws, "PutAlarmMuteRule", mute);
        },
    ),
    ("health", "on: kms-watch-SweepMissed", |aws| {
        let alarm = json!({"AlarmName": "kms-watch-SweepMissed", "StateValue": "ALARM", "StateReason": "r"});
        cloudwatch(aws, "SetAlarmState", alarm);
    }),
    ("ledger", "not protected against deletion", |aws| {
        table(
            aws,
            "UpdateTable",
            "DeletionProtectionEnabled",
            json!(false),
        );
    }),
    ("recovery", "recovery is disabled", |aws| {
        let off = json!({"PointInTimeRecoveryEnabled": false});
        table(
            aws,
            "UpdateContinuousBackups",
            "PointInTimeRecoverySpecification",
            off,
        );
    }),
    ("config", "no recorder is on", |aws| {
        let mut asks = configuration(aws, FUNCTION);
        asks["Environment"]["Variables"]["CONFIG_DEPENDANTS"] = json!("true");
        aws.record_configurations(false);
        aws.put_function(FUNCTION, asks, None, Some(kept()));
    }),
    ("ledger-policy", "has no resource policy", |aws| {
        table(aws, "DeleteResourcePolicy", "ResourceArn", json!(LEDGER));
    }),
    ("ledger-policy", "does not deny writes", |aws| {
        let policy = json!({"ResourceArn": LEDGER, "Policy": "{\"Statement\":[]}"});
        aws.call_dynamodb("PutResourcePolicy", &policy).unwrap();
    }),
];

/// The one subscription of a topic.
fn subscription(aws: &LocalAws, topic: &str) -> String {
    let topic = aws.create_topic(topic);
    aws.subscribe(&topic, "email", "team@example.com").unwrap()
}
