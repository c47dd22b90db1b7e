//! The built function watch-guard: every call that can silence the watch, and every way to name its parts.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use watch_core::kinds::watch_changed::calls::CALLS;
use watch_local::{LocalAws, Options};
use watch_tests::{Function, event};

const TOPICS: [&str; 3] = ["people", "chat", "feed"];
const STACK: [(&str, &str); 1] = [("STACK_NAME", "kms-watch")];
const PART: &str = "kms-watch-Part-1A2B3C4D5E6F";
const SWITCH: &str = "/kms-watch/kms-watch/rescue";

fn guard() -> Function {
    Function::start("watch-guard", &STACK)
}

fn received(function: &Function) -> [usize; 3] {
    TOPICS.map(|topic| function.received(topic).len())
}

/// A record of CloudTrail, each its own.
fn record(service: &str, name: &str, request: Value) -> Value {
    let mut event = event("watch-guard/ct-disable-rule.json");
    static NUMBER: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let detail = &mut event["detail"];
    detail["eventSource"] = json!(format!("{service}.amazonaws.com"));
    detail["eventName"] = json!(name);
    detail["requestParameters"] = request;
    detail["eventID"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
    // One actor each: nothing here is a burst.
    let user = format!("arn:aws:iam::111122223333:user/u{number}");
    detail["userIdentity"] = json!({"type": "IAMUser", "arn": user, "accountId": "111122223333"});
    event
}

fn nested(place: &str, value: &str) -> Value {
    place
        .rsplit('/')
        .fold(json!(value), |inner, member| match member {
            "*" => json!([inner]),
            member => json!({ member: inner }),
        })
}

/// What names a part of the stack, as the row's parameter does.
fn name(service: &str, call: &str) -> &'static str {
    match (service, call) {
        ("cloudformation", _) => "kms-watch",
        (_, "UpdateEventBus") => "default",
        ("ssm", _) => SWITCH,
        _ => PART,
    }
}

fn by_cloud_formation(mut record: Value, principal: &str) -> Value {
    record["detail"]["userIdentity"] = json!({
        "type": "AssumedRole", "principalId": "AROA:AWSCloudFormation", "accountId": "111122223333",
        "arn": format!("arn:aws:sts::111122223333:assumed-role/{principal}/AWSCloudFormation"),
        "sessionContext": {"sessionIssuer": {"arn": format!("arn:aws:iam::111122223333:role/{principal}")}},
        "invokedBy": "cloudformation.amazonaws.com",
    });
    record
}

#[test]
fn every_call_of_the_table_is_told_on_a_part_of_the_stack_and_on_no_other() {
    let function = guard();
    for row in CALLS {
        let label = format!("{} {}", row.service, row.name);
        for place in row.at {
            let ours = nested(place, name(row.service, row.name));
            let outcome = function.handle(&record(row.service, row.name, ours));
            if matches!(row.name, "CreateChangeSet") {
                assert_eq!(outcome["outcome"], "ignored", "{label}");
                continue;
            }
            assert_eq!(outcome["outcome"], "delivered", "{label} {outcome}");
            let alert = &outcome["alerts"][0];
            assert_eq!(alert["kind"], "WatchChanged", "{label}");
            let urgent = match row.name {
                "ExecuteChangeSet"
                | "UpdateStack"
                | "RollbackStack"
                | "ContinueUpdateRollback"
                | "CancelUpdateStack" => &["LOW"][..],
                _ => &["HIGH", "CRITICAL"],
            };
            assert!(
                urgent.contains(&alert["severity"].as_str().unwrap()),
                "{label} {alert}"
            );
            assert_eq!(alert["details"]["operation"], row.name, "{label}");
            assert_eq!(received(&function), [1; 3], "{label}");

            if row.service == "cloudtrail" {
                continue;
            }
            for other in [
                "orders-Part-1A2B3C4D5E6F",
                "kms-watch-2-Part-1A2B3C4D5E6F",
                "/kms-watch/kms-watch-2/rescue",
            ] {
                let request = nested(place, other);
                let outcome = function.handle(&record(row.service, row.name, request));
                assert_eq!(
                    outcome["outcome"], "ignored",
                    "{label} on {other}: {outcome}"
                );
            }
            assert_eq!(received(&function), [0; 3], "{label}");
        }
    }
}

#[test]
fn no_spelling_is_a_way_out() {
    let function = guard();
    let arn =
        |service: &str, rest: &str| format!("arn:aws:{service}:us-east-1:111122223333:{rest}");
    let silencing = [
        (
            "events",
            "DisableRule",
            json!({"name": PART.to_uppercase()}),
        ),
        ("events", "disablerule", json!({"name": PART})),
        ("events", "DisableRule", json!({"Name": PART})),
        (
            "events",
            "RemoveTargets",
            json!({"Rule": PART, "ids": ["1"]}),
        ),
        (
            "lambda",
            "DeleteFunction20150331",
            json!({"functionName": PART}),
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": arn("lambda", &format!("function:{PART}"))}),
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": arn("lambda", &format!("function:{PART}:$LATEST"))}),
        ),
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": format!("111122223333:function:{PART}")}),
        ),
        // The dashboard's function has a name of its own.
        (
            "lambda",
            "UpdateFunctionCode20150331v2",
            json!({"functionName": "customWidget-kms-watch-8f0ec3a0"}),
        ),
        (
            "lambda",
            "RemovePermission20150331v2",
            json!({"functionName": format!("{PART}:live"), "statementId": "s"}),
        ),
        (
            "lambda",
            "PutFunctionConcurrency20171031",
            json!({"functionName": PART, "reservedConcurrentExecutions": "0"}),
        ),
        (
            "sqs",
            "PurgeQueue",
            json!({"queueUrl": format!("https://us-east-1.queue.amazonaws.com/111122223333/{PART}")}),
        ),
        ("sns", "DeleteTopic", json!({"topicArn": arn("sns", PART)})),
        (
            "dynamodb",
            "DeleteTable",
            json!({"tableName": arn("dynamodb", &format!("table/{PART}"))}),
        ),
        (
            "cloudformation",
            "DeleteStack",
            json!({"stackName": arn("cloudformation", "stack/kms-watch/8f0ec3a0")}),
        ),
        (
            "cloudformation",
            "DeleteStack",
            json!({"stackName": "KMS-WATCH"}),
        ),
        (
            "monitoring",
            "DeleteAlarms",
            json!({"alarmNames": ["a", "b", PART]}),
        ),
        (
            "monitoring",
            "DisableAlarmActions",
            json!({"AlarmNames": {"member": [PART]}}),
        ),
        (
            "iam",
            "PutRolePolicy",
            json!({"roleName": PART.to_lowercase()}),
        ),
    ];
    for (service, name, request) in silencing {
        let outcome = function.handle(&record(service, name, request.clone()));
        assert_eq!(
            outcome["outcome"], "delivered",
            "{name} {request}: {outcome}"
        );
        let alert = &outcome["alerts"][0];
        assert_eq!(alert["severity"], "CRITICAL", "{name} {request}");
        assert_eq!(received(&function), [1; 3]);
    }
}

/// CloudTrail hides the value, so that whoever switches rescues on is told of as one who may have switched them off.
#[test]
fn the_switch_of_the_rescues_silences_and_another_parameter_changes() {
    let function = guard();
    let told = |name: &str, value: &str| {
        let request = json!({"name": name, "value": value, "overwrite": true});
        let outcome = function.handle(&record("ssm", "PutParameter", request));
        outcome["alerts"][0].clone()
    };
    let hidden = "HIDDEN_DUE_TO_SECURITY_REASONS";
    let alert = told(SWITCH, hidden);
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(alert["details"]["silences"], true);
    assert_eq!(alert["details"]["resources"], json!([SWITCH]));
    let text = alert.to_string();
    assert!(text.contains("CloudTrail hides its value"), "{text}");
    assert!(
        text.contains(&format!(
            "aws ssm get-parameter --name {SWITCH} --region us-east-1"
        )),
        "{text}"
    );
    assert_eq!(told(SWITCH, "off")["severity"], "CRITICAL");
    assert_eq!(told(SWITCH, "on")["severity"], "HIGH");
    assert_eq!(
        told("/kms-watch/kms-watch/trusted", hidden)["severity"],
        "HIGH"
    );
    // Among others that are nobody's business here.
    let names = json!({"names": ["/orders/db", SWITCH]});
    let outcome = function.handle(&record("ssm", "DeleteParameters", names));
    let alert = &outcome["alerts"][0];
    assert_eq!(alert["severity"], "CRITICAL");
    assert_eq!(alert["details"]["resources"], json!([SWITCH]));
    // The stack makes it, and takes it away.
    let request = json!({"name": SWITCH, "value": hidden, "type": "String"});
    let deployed = by_cloud_formation(record("ssm", "PutParameter", request), "Deployer");
    let outcome = guard().handle(&deployed);
    assert_eq!(outcome["alerts"][0]["severity"], "LOW", "{outcome}");
}

#[test]
fn what_a_record_does_not_name_is_told_all_the_same() {
    let function = guard();
    for row in CALLS.iter().filter(|row| row.name != "CreateChangeSet") {
        for request in [Value::Null, json!({})] {
            let outcome = function.handle(&record(row.service, row.name, request.clone()));
            assert_eq!(
                outcome["outcome"], "delivered",
                "{} {request}: {outcome}",
                row.name
            );
            let alert = &outcome["alerts"][0];
            assert_eq!(alert["details"]["resources"], json!([]), "{}", row.name);
            assert!(
                alert["summary"]
                    .as_str()
                    .unwrap()
                    .contains("leaves the name out"),
                "{alert}"
            );
        }
    }
}

#[test]
fn an_ordinary_update_is_one_message_and_low() {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let function = Function::start_on(aws, "watch-guard", &STACK);
    let update = function.handle(&record(
        "cloudformation",
        "ExecuteChangeSet",
        json!({"stackName": "kms-watch"}),
    ));
    assert_eq!(update["alerts"][0]["severity"], "LOW");
    assert_eq!(received(&function), [1; 3]);
    let mut verdicts = BTreeSet::new();
    for (number, (service, call)) in [
        ("lambda", "UpdateFunctionCode20150331v2"),
        ("lambda", "UpdateFunctionConfiguration20150331v2"),
        ("events", "PutRule"),
        ("events", "PutTargets"),
        ("events", "RemoveTargets"),
        ("events", "DeleteRule"),
        ("iam", "PutRolePolicy"),
        ("monitoring", "PutMetricAlarm"),
        ("scheduler", "UpdateSchedule"),
        ("sns", "SetTopicAttributes"),
    ]
    .into_iter()
    .cycle()
    .take(30)
    .enumerate()
    {
        let row = CALLS
            .iter()
            .find(|row| call.starts_with(row.name) && row.service == service);
        let part = format!("kms-watch-Part{number}-1A2B3C4D5E6F");
        let request = nested(row.unwrap().at[0], &part);
        let outcome = function.handle(&by_cloud_formation(
            record(service, call, request),
            "Deployer",
        ));
        verdicts.insert(outcome["outcome"].as_str().unwrap().to_owned());
    }
    let [people, chat, feed] = received(&function);
    assert_eq!((people, chat), (0, 0), "{verdicts:?}");
    assert_eq!(feed, 1, "{verdicts:?}");
}

#[test]
fn a_first_deployment_is_one_low_message() {
    let function = guard();
    for _ in 0..30 {
        let request = json!({"name": PART, "eventPattern": "{}"});
        function.handle(&by_cloud_formation(
            record("events", "PutRule", request),
            "Deployer",
        ));
    }
    let told = function.received("people");
    assert_eq!(told.len(), 1);
    assert!(told[0].subject.as_deref().unwrap().starts_with("LOW"));
}

/// CloudFormation calls for whoever asks it: another stack may attach a policy, and Cloud Control changes anything.
#[test]
fn what_cloud_formation_does_without_a_deployment_of_this_stack_is_no_deployment() {
    let function = guard();
    function.handle(&record(
        "cloudformation",
        "UpdateStack",
        json!({"stackName": "kms-watch"}),
    ));
    let policy = |time: &str| {
        let request = json!({"topicArn": format!("arn:aws:sns:us-east-1:111122223333:{PART}"), "attributeName": "Policy"});
        let mut late = by_cloud_formation(record("sns", "SetTopicAttributes", request), "Attacker");
        late["detail"]["eventTime"] = json!(time);
        function.handle(&late)["alerts"][0]["severity"].clone()
    };
    // Hours before, and hours after.
    assert_eq!(policy("2026-02-14T04:11:31Z"), "CRITICAL");
    assert_eq!(policy("2026-02-14T13:11:31Z"), "CRITICAL");
}

#[test]
fn only_aws_can_say_that_cloud_formation_did_it() {
    let function = guard();
    let forged = |change: &dyn Fn(&mut Value)| {
        let mut record = record("events", "DisableRule", json!({"name": PART}));
        change(&mut record["detail"]);
        function.handle(&record)["alerts"][0]["severity"].clone()
    };
    let mark = "cloudformation.amazonaws.com";
    assert_eq!(
        forged(&|detail| detail["userAgent"] = json!(mark)),
        "CRITICAL"
    );
    assert_eq!(
        forged(&|detail| detail["userIdentity"]["userName"] = json!(mark)),
        "CRITICAL"
    );
    let session = "arn:aws:sts::111122223333:assumed-role/x/AWSCloudFormation";
    assert_eq!(
        forged(&|detail| detail["userIdentity"]["arn"] = json!(session)),
        "CRITICAL"
    );
    let near = "cloudformation.amazonaws.com.evil.example";
    assert_eq!(
        forged(&|detail| detail["userIdentity"]["invokedBy"] = json!(near)),
        "CRITICAL"
    );
}

/// Our template never switches anything off: whoever deploys one that does is told of like anybody else.
#[test]
fn a_deployment_that_switches_off_is_no_excuse() {
    let function = guard();
    function.handle(&record(
        "cloudformation",
        "UpdateStack",
        json!({"stackName": "kms-watch"}),
    ));
    received(&function);
    for (service, call, request) in [
        (
            "events",
            "PutRule",
            json!({"name": PART, "state": "DISABLED"}),
        ),
        (
            "scheduler",
            "UpdateSchedule",
            json!({"name": PART, "state": "DISABLED"}),
        ),
        (
            "lambda",
            "PutFunctionConcurrency20171031",
            json!({"functionName": PART, "reservedConcurrentExecutions": 0}),
        ),
        (
            "monitoring",
            "PutMetricAlarm",
            json!({"alarmName": PART, "actionsEnabled": false}),
        ),
    ] {
        let outcome = function.handle(&by_cloud_formation(
            record(service, call, request),
            "Deployer",
        ));
        assert_eq!(outcome["alerts"][0]["severity"], "CRITICAL", "{call}");
        assert_eq!(received(&function), [1; 3], "{call}");
    }
    // And one that makes people hear less.
    for (name, value, severity) in [
        ("MinimumSeverity", "CRITICAL", "HIGH"),
        ("SeverityOverrides", "KeyDisabled=OFF", "HIGH"),
        ("NotificationEmail", "", "HIGH"),
        ("MinimumSeverity", "LOW", "LOW"),
        ("OwnerTagKey", "Team", "LOW"),
    ] {
        let parameters = json!([{"parameterKey": name, "parameterValue": value}]);
        let request = json!({"stackName": "kms-watch", "parameters": parameters});
        let outcome = function.handle(&record("cloudformation", "UpdateStack", request));
        assert_eq!(outcome["alerts"][0]["severity"], severity, "{name}={value}");
    }
}

#[test]
fn attempts_are_told_seldom_and_never_as_changes() {
    let function = guard();
    let attempt = |call: &str, code: &str, message: &str| {
        let mut record = record("events", call, Value::Null);
        record["detail"]["userIdentity"] =
            json!({"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/eve"});
        record["detail"]["errorCode"] = json!(code);
        record["detail"]["errorMessage"] = json!(message);
        function.handle(&record)
    };
    let denied = format!(
        "User: eve is not authorized to perform: events:DisableRule on resource: arn:aws:events:us-east-1:111122223333:rule/{PART} because no policy allows it"
    );
    let first = attempt("DisableRule", "AccessDenied", &denied);
    assert_eq!(first["alerts"][0]["severity"], "HIGH");
    assert_eq!(first["alerts"][0]["details"]["errorCode"], "AccessDenied");
    assert!(
        first["alerts"][0]["summary"]
            .as_str()
            .unwrap()
            .contains("nothing changed")
    );
    // The 10th says that it is no accident.
    for number in 2..=21 {
        let outcome = attempt("DisableRule", "AccessDenied", &denied);
        let told = if number == 10 {
            "delivered"
        } else {
            "duplicate"
        };
        assert_eq!(outcome["outcome"], told, "{number}");
    }
    assert_eq!(received(&function), [2; 3]);
    let mistake = format!("Rule {PART} does not exist on EventBus default.");
    assert_eq!(
        attempt("DeleteRule", "ResourceNotFoundException", &mistake)["alerts"][0]["severity"],
        "MEDIUM"
    );
    let other = denied.replace("kms-watch-Part", "orders-Part");
    assert_eq!(
        attempt("DisableRule", "AccessDenied", &other)["outcome"],
        "ignored"
    );
}

#[test]
fn an_alarm_may_be_muted_for_a_maintenance_and_no_longer() {
    let mute = |schedule: Value| {
        let request = json!({"name": "m", "rule": {"schedule": schedule}, "muteTargets": {"alarmNames": [PART]}});
        record("monitoring", "PutAlarmMuteRule", request)
    };
    let once =
        |length: &str| mute(json!({"expression": "at(2026-02-14T22:00)", "duration": length}));
    for (hours, event, severity) in [
        ("24", once("PT8H"), "INFO"),
        ("24", once("P1D"), "INFO"),
        ("24", once("P1DT1M"), "CRITICAL"),
        ("4", once("PT8H"), "CRITICAL"),
        ("0", once("PT1M"), "CRITICAL"),
        (
            "24",
            mute(json!({"expression": "cron(0 * * * *)", "duration": "PT1H"})),
            "CRITICAL",
        ),
        (
            "24",
            mute(json!({"expression": "at(2026-02-14T22:00)"})),
            "CRITICAL",
        ),
        ("24", mute(Value::Null), "CRITICAL"),
    ] {
        let variables = [STACK[0], ("LONGEST_MUTE_HOURS", hours)];
        let function = Function::start("watch-guard", &variables);
        let outcome = function.handle(&event);
        assert_eq!(
            outcome["alerts"][0]["severity"], severity,
            "{hours} {event:#}"
        );
    }
}

/// Of the stack that the ledger belongs to, if nobody says.
#[test]
fn without_a_name_the_stack_is_that_of_the_ledger() {
    let function = Function::start("watch-guard", &[]);
    let ours = function.handle(&record("events", "DisableRule", json!({"name": PART})));
    assert_eq!(ours["outcome"], "delivered");
    let other = function.handle(&record(
        "events",
        "DisableRule",
        json!({"name": "orders-Part-1A2B3C4D5E6F"}),
    ));
    assert_eq!(other["outcome"], "ignored");
}

#[test]
fn a_hostile_name_gives_no_command() {
    let function = guard();
    for name in [
        "kms-watch-Part-1A2B\"; rm -rf /",
        "kms-watch-$(id)-1A2B",
        "kms-watch-Part-1A2B\u{202e}x",
    ] {
        let outcome = function.handle(&record("events", "DisableRule", json!({"name": name})));
        for step in outcome["alerts"][0]["nextSteps"]
            .as_array()
            .into_iter()
            .flatten()
        {
            let command = step["command"].as_str().unwrap_or_default();
            assert!(
                !command.contains("rm -rf") && !command.contains('$'),
                "{command}"
            );
        }
    }
}

#[test]
fn the_canary_is_for_the_feed_and_the_ledger_and_nobody_else_sends_one() {
    let function = guard();
    let canary = event("watch-guard/ct-tag-resource-canary.json");
    let outcome = function.handle(&canary);
    assert_eq!(outcome["outcome"], "delivered", "{outcome}");
    let alert = &outcome["alerts"][0];
    assert_eq!(
        (
            &alert["kind"],
            &alert["severity"],
            &alert["enrichment"]["status"]
        ),
        (&json!("WatchCanary"), &json!("INFO"), &json!("COMPLETE"))
    );
    assert_eq!(received(&function), [0, 0, 1]);

    let forged = |pointer: &str, value: Value| {
        let mut forged = canary.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        forged["detail"]["eventID"] = json!("another");
        function.handle(&forged)["outcome"].clone()
    };
    let issuer = "/detail/userIdentity/sessionContext/sessionIssuer/arn";
    for role in [
        "arn:aws:iam::111122223333:role/PowerUser",
        "arn:aws:iam::444455556666:role/kms-watch-CanaryRole",
        "arn:aws:iam::111122223333:role/kms-watch-KeyDeletionRole-1A2B3C4D5E6F",
        "arn:aws:iam::111122223333:role/orders-CanaryRole-1A2B3C4D5E6F",
    ] {
        assert_eq!(forged(issuer, json!(role)), "ignored", "{role}");
    }
    for value in ["2026-02-01T09:40:00Z", "2036-02-14T09:40:00Z", "soon", ""] {
        assert_eq!(
            forged("/detail/requestParameters/tags/0/value", json!(value)),
            "ignored",
            "{value}"
        );
    }
    let mut failed = canary.clone();
    failed["detail"]["errorCode"] = json!("AccessDenied");
    assert_eq!(function.handle(&failed)["outcome"], "ignored");
    let mut replay = canary.clone();
    replay["replay-name"] = json!("r");
    assert_eq!(function.handle(&replay)["outcome"], "ignored");
    assert_eq!(received(&function), [0, 0, 0]);
}
