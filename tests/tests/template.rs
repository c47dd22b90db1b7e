//! `template.yaml`, as far as it can be known without an AWS account.
//!
//! Where every sample event goes stands in `tests/template/routes.yaml`; `tests/template/check` routes the same events by
//! another matcher, and lints.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed"
)]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use watch_core::config::{Config, SweepConfig};
use watch_core::kinds::watch_changed::calls::{CALLS, Call};
use watch_tests::repository;
use watch_tests::template::{Function, Router, Rule, Stack, Template, read_yaml};

/// EventBridge refuses longer patterns, unless asked for more.
const LONGEST_PATTERN: usize = 2_048;

/// CloudFormation cuts the names that it makes.
const LONGEST_RULE_NAME: usize = 64;
const LONGEST_STACK_NAME: usize = 128;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect(path)
}

/// Every file below a folder, by its path from the workspace.
fn files(folder: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(repository().join(folder)).expect(folder) {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path);
        }
    }
    found
}

fn names<'a>(values: impl IntoIterator<Item = &'a Value>) -> BTreeSet<String> {
    values
        .into_iter()
        .map(|value| value.as_str().expect("a name").to_owned())
        .collect()
}

fn folders(of: &str) -> BTreeSet<String> {
    let path = repository().join(of);
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

// --- Where events go ---------------------------------------------------------------------------------------------------

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

/// The function that watches the watch. It is told of attempts too, and of everybody's calls.
const GUARD: &str = "watch-guard";

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

/// Calls of the table as CloudTrail would record them, on a part of the stack, with the row's first parameter.
fn calls() -> impl Iterator<Item = (&'static Call, Value)> {
    CALLS.iter().map(|row| {
        let name = match (row.service, row.name) {
            ("cloudformation", _) => "kms-watch",
            (_, "UpdateEventBus") => "default",
            _ => "kms-watch-Part-1A2B3C4D5E6F",
        };
        let place = row.at[0];
        let arn = |service, rest| format!("arn:aws:{service}:us-east-1:111122223333:{rest}{name}");
        let value = match place {
            "topicArn" => arn("sns", ""),
            "subscriptionArn" => format!("{}:8f0ec3a0", arn("sns", "")),
            "eventSourceArn" | "sourceArn" => arn("sqs", ""),
            "resourceArn" if row.service == "dynamodb" => arn("dynamodb", "table/"),
            "resourceArn" => arn("sns", ""),
            "queueUrl" => format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}"),
            _ => name.to_owned(),
        };
        let request = place
            .rsplit('/')
            .fold(json!(value), |inner, member| match member {
                "*" => json!([inner]),
                member => json!({ member: inner }),
            });
        // As Lambda calls it.
        let version = if row.service == "lambda" {
            "20150331v2"
        } else {
            ""
        };
        let event = json!({
            "source": format!("aws.{}", row.service), "detail-type": "AWS API Call via CloudTrail",
            "account": "111122223333", "region": "us-east-1",
            "detail": {
                "eventSource": format!("{}.amazonaws.com", row.service),
                "eventName": format!("{}{version}", row.name),
                "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/u"},
                "requestParameters": request,
            }
        });
        (row, event)
    })
}

/// What only watch-guard tells of, and why.
const NOT_TOLD_DIRECTLY: [(&str, &str); 4] = [
    ("CreateChangeSet", "changes nothing before it is executed"),
    (
        "CreateStackRefactor",
        "changes nothing before it is executed",
    ),
    (
        "UpdateEventSourceMapping",
        "names the function in its answer",
    ),
    (
        "DeleteEventSourceMapping",
        "names the function in its answer",
    ),
];

/// Whichever rule of the two ways somebody takes first, the other way tells.
#[test]
fn every_call_that_silences_is_told_twice_over_two_ways() {
    let template = Template::read();
    let mut router = Router::new(&template, &Stack::default());
    let rules = template.rules(&Stack::default());
    let way = |id: &String| {
        let rule = rules.iter().find(|rule| rule.id == *id).unwrap();
        rule.function.clone()
    };
    for (row, event) in calls() {
        let name = format!("{} {}", row.service, row.name);
        let ways = |event: &Value, router: &mut Router| -> Vec<_> {
            let matched = router.rules(&event.to_string());
            matched.iter().map(way).collect()
        };
        let function = Some(GUARD.to_owned());
        let directly = !NOT_TOLD_DIRECTLY.iter().any(|(call, _)| *call == row.name);
        let both = if directly {
            vec![None, function.clone()]
        } else {
            vec![function.clone()]
        };
        let mut told = ways(&event, &mut router);
        told.sort();
        assert_eq!(told, both, "{name}");

        // Without its parameters, which CloudTrail leaves out of long requests.
        let mut bare = event.clone();
        bare["detail"]["requestParameters"] = Value::Null;
        let mut told = ways(&bare, &mut router);
        told.sort();
        assert_eq!(told, both, "{name} without parameters");

        // An attempt, and a deployment, are for the function alone.
        let trail = row.service == "cloudtrail";
        for (pointer, value) in [
            ("errorCode", json!("AccessDenied")),
            (
                "userIdentity",
                json!({"type": "AssumedRole", "invokedBy": "cloudformation.amazonaws.com"}),
            ),
        ] {
            let mut other = event.clone();
            other["detail"][pointer] = value;
            if trail && pointer == "userIdentity" {
                // Any stack's: no deployment of this one changes a trail.
                continue;
            }
            assert_eq!(
                ways(&other, &mut router),
                std::slice::from_ref(&function),
                "{name} with {pointer}"
            );
        }

        // Of another account that sends its events here.
        let mut foreign = event.clone();
        foreign["account"] = json!("444455556666");
        assert_eq!(ways(&foreign, &mut router), [], "{name} of another account");

        // Of another stack.
        if !trail && row.name != "UpdateEventBus" {
            let text = event.to_string().replace("kms-watch", "orders");
            let matched = router.rules(&text);
            assert!(
                matched.iter().all(|id| way(id).is_some()),
                "{name} of another stack"
            );
        }
    }
}

/// A StackSet's instances have names of which CloudFormation leaves the beginning.
#[test]
fn parts_of_a_stack_with_a_long_name_are_told_directly_too() {
    let long = "StackSet-kms-watch-5f0c1b7e-8a3d-4c52-9d0e-2b6f1a7c3e45";
    let cut = |id: &str| format!("StackSet-kms-watch-5f0c1-{id}-1A2B3C4D5E6F");
    let stack = Stack::default().with("AWS::StackName", long).with(
        "MaterialExpirationFunctionCloudTrail",
        cut("MaterialExpirationFuncti"),
    );
    let mut router = Router::new(&Template::read(), &stack);
    for (row, event) in calls() {
        if NOT_TOLD_DIRECTLY.iter().any(|(call, _)| *call == row.name)
            || row.service == "cloudtrail"
        {
            continue;
        }
        let short = matches!(
            row.service,
            "events" | "scheduler" | "lambda" | "iam" | "sqs"
        );
        let name = if short {
            cut("Part")
        } else {
            format!("{long}-Part-1A2B3C4D5E6F")
        };
        let text = event
            .to_string()
            .replace("kms-watch-Part-1A2B3C4D5E6F", &name);
        let text = text.replace("\"kms-watch\"", &format!("\"{long}\""));
        let matched = router.rules(&text);
        assert!(
            matched.iter().any(|id| id.ends_with("Changed")),
            "{} {}: {text}",
            row.service,
            row.name
        );
    }
}

// --- When sweeps begin -------------------------------------------------------------------------------------------------

/// The function that is started by the clock.
const SWEEPER: &str = "key-inventory";

fn sweeper(template: &Template) -> Function {
    let mut functions = template.functions().into_iter();
    functions
        .find(|function| function.folder == SWEEPER)
        .expect(SWEEPER)
}

/// Minute, and hour unless it is every one, of a time of every day.
fn daily(expression: &str) -> (i64, Option<i64>) {
    let fields = expression.strip_prefix("cron(").expect("a cron expression");
    let fields: Vec<_> = fields.trim_end_matches(')').split(' ').collect();
    assert_eq!(fields[2..], ["*", "*", "?", "*"], "{expression}");
    let hour = (fields[1] != "*").then(|| fields[1].parse().unwrap());
    (fields[0].parse().unwrap(), hour)
}

#[test]
fn there_is_a_full_sweep_a_day_and_a_light_one_an_hour_and_no_two_at_once() {
    let template = Template::read();
    let function = sweeper(&template);
    let events = function.properties["Events"].as_object().unwrap();
    assert_eq!(events.len(), 2);
    let minute_of = |depth: &str, every_hour: bool| {
        let mut schedules = events.values().map(|event| &event["Properties"]);
        let schedule = schedules
            .find(|schedule| {
                // With the time filled in, as Scheduler writes it, it is what the function reads.
                let input = schedule["Input"].as_str().unwrap();
                let input = input.replace("<aws.scheduler.scheduled-time>", "2026-11-20T03:23:00Z");
                let input: Value = serde_json::from_str(&input).expect("the input is JSON");
                input == json!({"sweep": depth, "at": "2026-11-20T03:23:00Z"})
            })
            .expect(depth);
        let (minute, hour) = daily(schedule["ScheduleExpression"].as_str().unwrap());
        assert_eq!(hour.is_none(), every_hour, "{depth}");
        minute
    };
    let (full, light) = (minute_of("full", false), minute_of("light", true));
    let run = function.properties["Timeout"].as_i64().unwrap() / 60;
    let apart = (full - light).rem_euclid(60);
    assert!(apart > run && 60 - apart > run, "{full} and {light} past");
    // A difference that a full sweep found is ripe for the light one that follows.
    let hold = template.document["Parameters"]["SweepHoldMinutes"]["Default"].as_str();
    assert!((light - full).rem_euclid(60) >= hold.unwrap().parse().unwrap());
}

#[test]
fn a_sweep_that_cannot_start_is_kept_and_none_starts_after_the_next() {
    let template = Template::read();
    let function = sweeper(&template);
    let role = "KeyInventoryScheduleRole";
    for (id, event) in function.properties["Events"].as_object().unwrap() {
        assert_eq!(event["Type"], "ScheduleV2", "{id}");
        let schedule = &event["Properties"];
        let queue = json!({"Fn::GetAtt": ["UndeliveredEvents", "Arn"]});
        assert_eq!(schedule["DeadLetterConfig"]["Arn"], queue, "{id}");
        let retry = json!({"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 1_800});
        assert_eq!(schedule["RetryPolicy"], retry, "{id}");
        assert_eq!(schedule["RoleArn"], json!({"Fn::GetAtt": [role, "Arn"]}));
        // On the minute, the year round, and whatever else SAM or a zone would choose.
        assert_eq!(schedule["FlexibleTimeWindow"], json!({"Mode": "OFF"}));
        assert_eq!(schedule["ScheduleExpressionTimezone"], "UTC", "{id}");
        assert_eq!(schedule["State"], "ENABLED", "{id}");
        assert_eq!(schedule["OmitName"], true, "{id}");
    }
    assert_eq!(
        function.properties["EventInvokeConfig"]["MaximumRetryAttempts"],
        2
    );
    assert_eq!(
        function.properties["EventInvokeConfig"]["MaximumEventAgeInSeconds"],
        3_600
    );

    let role = &template.document["Resources"][role]["Properties"];
    let trust = &role["AssumeRolePolicyDocument"]["Statement"];
    assert_eq!(
        *trust,
        json!([{
            "Effect": "Allow", "Principal": {"Service": "scheduler.amazonaws.com"}, "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
        }])
    );
    let policies = role["Policies"].as_array().unwrap();
    assert_eq!(policies.len(), 1);
    let given: Vec<_> = policies[0]["PolicyDocument"]["Statement"]
        .as_array()
        .unwrap()
        .iter()
        .map(|statement| {
            (
                statement["Action"].as_str().unwrap(),
                statement["Resource"]["Fn::GetAtt"][0].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        given,
        [
            ("lambda:InvokeFunction", function.id.as_str()),
            ("sqs:SendMessage", "UndeliveredEvents"),
        ]
    );
}

/// No sweep, no value: silence is what this alarm is for.
#[test]
fn a_missed_sweep_is_told_whatever_became_of_it() {
    let template = Template::read();
    let function = sweeper(&template);
    let namespace = &function.properties["Environment"]["Variables"]["METRIC_NAMESPACE"];
    let alarm = &template.document["Resources"]["SweepMissed"]["Properties"];
    assert_eq!(alarm["Namespace"], *namespace);
    assert_eq!(alarm["MetricName"], "FullSweepAge");
    // As the sweep publishes it; its name is the function's setting.
    let stack = json!({"Ref": "AWS::StackName"});
    assert_eq!(
        alarm["Dimensions"],
        json!([{"Name": "Stack", "Value": stack}])
    );
    assert_eq!(
        function.properties["Environment"]["Variables"]["STACK_NAME"],
        stack
    );
    assert_eq!(alarm["TreatMissingData"], "breaching");
    // As often as there is a sweep.
    assert_eq!(alarm["Period"], 60 * 60);
    assert!(alarm["Threshold"].as_i64().unwrap() > 24 * 60 * 60);
}

/// Its role may do this and nothing else, only Scheduler may have it, and only its call is a canary.
#[test]
fn the_canary_is_sent_by_a_role_of_its_own_and_missed_when_it_stays_away() {
    let template = Template::read();
    let resources = &template.document["Resources"];
    let role = &resources["CanaryRole"]["Properties"];
    assert_eq!(
        role["AssumeRolePolicyDocument"]["Statement"],
        resources["KeyInventoryScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    );
    let ledger = json!({"Fn::GetAtt": ["Ledger", "Arn"]});
    assert_eq!(
        role["Policies"][0]["PolicyDocument"]["Statement"],
        json!([{"Sid": "Tag", "Effect": "Allow", "Action": "dynamodb:TagResource", "Resource": ledger}])
    );
    let target = &resources["Canary"]["Properties"]["Target"];
    assert_eq!(
        target["RoleArn"],
        json!({"Fn::GetAtt": ["CanaryRole", "Arn"]})
    );
    let input = template.resolve(&target["Input"], &Stack::default());
    let input = input.as_str().unwrap();
    let input = input.replace("<aws.scheduler.scheduled-time>", "2026-02-14T09:40:00Z");
    let asked: Value = serde_json::from_str(&input).expect("the input is JSON");
    // What the function reads is what CloudTrail records of it, in small letters.
    let sample = read("events/watch-guard/ct-tag-resource-canary.json");
    let sample: Value = serde_json::from_str(&sample).unwrap();
    let tag = &sample["detail"]["requestParameters"]["tags"][0];
    assert_eq!(
        (&asked["Tags"][0]["Key"], &asked["Tags"][0]["Value"]),
        (&tag["key"], &tag["value"])
    );

    // The alarm waits longer than the schedule, and not so long that CloudWatch cannot look back.
    let alarm = &resources["CanaryMissed"]["Properties"];
    let days = alarm["EvaluationPeriods"].as_i64().unwrap();
    assert_eq!(
        (&alarm["Period"], &alarm["DatapointsToAlarm"]),
        (&json!(86_400), &json!(days))
    );
    assert_eq!(
        resources["Canary"]["Properties"]["ScheduleExpression"],
        "rate(3 days)"
    );
    assert!((4..=7).contains(&days));
    assert_eq!(alarm["TreatMissingData"], "breaching");
    let counted = &resources["CanarySeen"]["Properties"];
    assert_eq!(counted["LogGroupName"], json!({"Ref": "WatchGuardLogs"}));
    let metric = &counted["MetricTransformations"][0];
    assert_eq!(
        (&metric["MetricName"], &metric["MetricNamespace"]),
        (&alarm["MetricName"], &alarm["Namespace"])
    );
}

// --- The functions -----------------------------------------------------------------------------------------------------

#[test]
fn there_is_a_function_for_each_folder() {
    let deployed: BTreeSet<_> = Template::read()
        .functions()
        .into_iter()
        .map(|function| function.folder)
        .collect();
    assert_eq!(deployed, folders("functions"));
}

#[test]
fn functions_are_given_what_their_configuration_reads() {
    let asked_by = |function: &str| {
        let asked = RefCell::new(BTreeSet::new());
        let lookup = |name: &str| {
            asked.borrow_mut().insert(name.to_owned());
            None
        };
        // Nothing is set, so this fails; what it asked for on the way is what counts.
        let is_refused = if function == SWEEPER {
            SweepConfig::from_lookup(lookup, &[]).is_err()
        } else {
            Config::from_lookup(lookup, &[]).is_err()
        };
        assert!(is_refused);
        let asked = asked.into_inner();
        assert!(asked.contains("ALERT_TOPIC_ARN"));
        asked
    };

    let template = Template::read();
    for function in template.functions() {
        let mut asked = asked_by(&function.folder);
        if !JUDGES_ACCESS.contains(&function.folder.as_str()) {
            // Whose access is foreign is no question to it, and it may not read the parameter.
            asked.remove("TRUSTED_ACCOUNTS_PARAMETER");
        }
        let variables = function.properties["Environment"]["Variables"]
            .as_object()
            .unwrap();
        let given: BTreeSet<_> = variables.keys().cloned().collect();
        assert_eq!(given, asked, "{}", function.id);
    }
}

/// A value of the template that the functions refuse would only be found when they start.
#[test]
fn the_functions_can_start_with_the_defaults_and_with_everything() {
    let template = Template::read();
    let bare = Stack::default().without("HasChat").without("HasFeed");
    let overrides = "KeyRotated=OFF,KeyMaterialImported=HIGH";
    let everything = Stack::default()
        .with("SeverityOverrides", overrides)
        .with("MinimumSeverity", "CRITICAL");
    for function in template.functions() {
        for (stack, topics) in [(&bare, 1), (&everything, 3)] {
            let variables = &function.properties["Environment"]["Variables"];
            let variables = template.resolve(variables, stack);
            let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
            let config = if function.folder == SWEEPER {
                let config = SweepConfig::from_lookup(lookup, &[]);
                config.unwrap_or_else(|error| panic!("{error}")).alerts
            } else {
                Config::from_lookup(lookup, &[]).unwrap_or_else(|error| panic!("{error}"))
            };
            let optional = [&config.chat_topic, &config.feed_topic];
            assert_eq!(1 + optional.into_iter().flatten().count(), topics);
            assert!(config.ledger_table.is_some());
        }
    }
}

#[test]
fn a_sweep_can_start_with_whatever_may_be_chosen_for_it() {
    let template = Template::read();
    let function = sweeper(&template);
    let start = |parameter: &str, value: &str| {
        let variables = &function.properties["Environment"]["Variables"];
        let stack = Stack::default().with(parameter, value);
        let variables = template.resolve(variables, &stack);
        let lookup = |name: &str| variables[name].as_str().map(ToOwned::to_owned);
        SweepConfig::from_lookup(lookup, &[])
            .unwrap_or_else(|error| panic!("{parameter} {value}: {error}"))
    };
    let config = start("DeletionWarningDays", "1,30,9");
    assert_eq!(config.deletion_warning_days, [30, 9, 1]);
    for minutes in ["0", "1440"] {
        let hold = start("SweepHoldMinutes", minutes).hold.as_mins();
        assert_eq!(hold, minutes.parse::<i64>().unwrap());
    }
    let choices = &template.document["Parameters"]["WeeklyDigest"]["AllowedValues"];
    let digests: Vec<_> = names(choices.as_array().unwrap())
        .iter()
        .map(|choice| start("WeeklyDigest", choice).digest)
        .collect();
    assert_eq!(digests, [false, true]);
    let grants = ["true", "false"].map(|choice| start("SweepGrants", choice).grants);
    assert_eq!(grants, [true, false]);
}

/// The levels that a user may choose are those that the functions know.
#[test]
fn severities_to_choose_from_are_those_of_the_alerts() {
    let template = Template::read();
    let allowed = &template.document["Parameters"]["MinimumSeverity"]["AllowedValues"];
    let schema: Value = serde_json::from_str(&read("docs/schema/alert-1.1.json")).unwrap();
    let levels = schema["$defs"]["Severity"]["oneOf"].as_array().map_or_else(
        || names(schema["$defs"]["Severity"]["enum"].as_array().unwrap()),
        |levels| names(levels.iter().map(|level| &level["const"])),
    );
    assert_eq!(names(allowed.as_array().unwrap()), levels);
}

#[test]
fn each_function_has_a_log_and_a_place_for_what_it_fails_on() {
    let template = Template::read();
    let mut logs = BTreeSet::new();
    for function in template.functions() {
        let log = &function.properties["LoggingConfig"]["LogGroup"]["Ref"];
        let group = &template.document["Resources"][log.as_str().unwrap()];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{}", function.id);
        assert_eq!(
            group["Properties"]["RetentionInDays"],
            json!({"Ref": "LogRetentionDays"})
        );
        assert!(
            logs.insert(log.to_string()),
            "{} shares its log",
            function.id
        );
        let format = &function.properties["LoggingConfig"]["LogFormat"];
        assert_eq!(*format, json!({"Ref": "LogFormat"}));
        assert_eq!(
            function.properties["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]["Destination"],
            json!({"Fn::GetAtt": ["FailedInvocations", "Arn"]}),
        );
        // Lambda tries again after a minute, and must not find the function still at it. A sweep takes as long as Lambda
        // lets it, and hands over to the next.
        let timeout = function.properties["Timeout"].as_i64().unwrap();
        assert!(timeout < 60 || (timeout == 900 && function.folder == SWEEPER));
    }
}

// --- What the functions may do -----------------------------------------------------------------------------------------

/// Of another account, as a hub's is.
const BUS: &str = "arn:aws:events:us-east-1:444455556666:event-bus/kms-watch";
/// Those that say whose access to a key is foreign.
const JUDGES_ACCESS: [&str; 2] = ["key-activity", SWEEPER];

/// A name for `TrustedAccountsParameter`.
const TRUSTED: &str = "/security/trusted";

/// Reads of KMS on a key that every function makes.
const KEY_READS: [&str; 2] = ["kms:DescribeKey", "kms:ListResourceTags"];
/// Those about its material.
const MATERIAL_READS: [&str; 2] = ["kms:GetKeyRotationStatus", "kms:ListKeyRotations"];

/// What each function's code calls on a key. None is a write, and none is cryptographic.
fn key_reads(function: &str) -> BTreeSet<&'static str> {
    let mut reads: BTreeSet<_> = KEY_READS.into_iter().collect();
    match function {
        // It has to do with the watch, not with keys.
        GUARD => reads.clear(),
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
        // Who depends on a key is looked up after an alert that it is lost.
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
        GUARD => &[],
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
        let regions = if function.folder == SWEEPER {
            "us-east-1"
        } else {
            "*"
        };
        for action in key_reads(&function.folder) {
            grant(action, format!("arn:aws:kms:{regions}:111122223333:key/*"));
        }
        for action in list_reads(&function.folder) {
            grant(action, "*".to_owned());
        }
        for topic in ["AlertTopic", "ChatAlertTopic", "FeedAlertTopic"] {
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
            for other in template.functions() {
                if other.folder == SWEEPER {
                    continue;
                }
                for action in [
                    "lambda:GetFunctionConfiguration",
                    "lambda:GetFunctionConcurrency",
                    "lambda:GetFunctionEventInvokeConfig",
                ] {
                    let function = format!("arn:aws:lambda:~:function:kms-watch-{}", other.id);
                    grant(action, arn(&function));
                }
            }
            for queue in ["UndeliveredEvents", "FailedInvocations"] {
                let queue = arn(&format!("arn:aws:sqs:~:kms-watch-{queue}"));
                grant("sqs:GetQueueAttributes", queue);
            }
        }
        for action in [
            "dynamodb:BatchGetItem",
            "dynamodb:BatchWriteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ] {
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

        grant("events:PutEvents", BUS.to_owned());
        if JUDGES_ACCESS.contains(&function.folder.as_str()) {
            for action in ["ssm:GetParameter", "ssm:GetParametersByPath"] {
                for rest in ["", "/*"] {
                    let parameter = format!("arn:aws:ssm:~:parameter{TRUSTED}{rest}");
                    grant(action, arn(&parameter));
                }
            }
        }

        let stack = Stack::default()
            .with("EventBusArn", BUS)
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
                "to": of_function.as_deref().unwrap_or("HealthTopic"), "input": input,
            })
        })
        .collect();
    rules.sort_by_key(|rule| rule["id"].as_str().unwrap().to_owned());
    let lines: Vec<_> = rules.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[test]
fn topics_that_are_not_there_are_not_granted() {
    let bare = Stack::default()
        .without("HasChat")
        .without("HasFeed")
        .without("HasBus");
    let statements = Template::read().role_statements("key-deletion", &bare);
    let put = |statement: &&Value| statement["Action"][0] == "events:PutEvents";
    assert_eq!(statements.iter().filter(put).count(), 0);
    let tell = statements
        .iter()
        .find(|statement| statement["Action"][0] == "sns:Publish");
    let alerts = json!(["arn:aws:sns:us-east-1:111122223333:kms-watch-AlertTopic"]);
    assert_eq!(tell.unwrap()["Resource"], alerts);
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
    // One more is for the schedules of sweeps, and one for the canary's.
    assert_eq!(
        template.resources("AWS::IAM::Role").count(),
        roles.len() + 2
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

// --- Topics, queues, table ---------------------------------------------------------------------------------------------

fn deny_of<'a>(template: &'a Template, kind: &str, list: &str, id: &str) -> Option<&'a Value> {
    let mut policies = template.resources(kind);
    let (_, policy) = policies.find(|(_, policy)| policy[list] == json!([{"Ref": id}]))?;
    let statements = policy["PolicyDocument"]["Statement"].as_array()?;
    statements.iter().find(|statement| {
        statement["Effect"] == "Deny"
            && statement["Condition"] == json!({"Bool": {"aws:SecureTransport": "false"}})
    })
}

#[test]
fn topics_and_queues_take_nothing_without_tls() {
    let template = Template::read();
    let topics = template
        .resources("AWS::SNS::Topic")
        .map(|(id, _)| (id, "AWS::SNS::TopicPolicy", "Topics"));
    let queues = template
        .resources("AWS::SQS::Queue")
        .map(|(id, _)| (id, "AWS::SQS::QueuePolicy", "Queues"));
    let all: Vec<_> = topics.chain(queues).collect();
    assert_eq!(all.len(), 6);
    for (id, kind, list) in all {
        let deny = deny_of(&template, kind, list, id);
        assert!(deny.is_some_and(|deny| deny["Principal"] == "*"), "{id}");
    }
}

#[test]
fn no_key_of_the_customers_can_mute_a_topic() {
    let template = Template::read();
    for (id, topic) in template.resources("AWS::SNS::Topic") {
        // Unless somebody asks for it: the rules of some organisations do.
        let unless_asked = Stack::default().without("HasHealthTopicKey");
        let topic = template.resolve(topic, &unless_asked);
        let key = &topic["KmsMasterKeyId"];
        if id == "HealthTopic" {
            assert!(
                key.is_null(),
                "CloudWatch and EventBridge may not use {key}"
            );
        } else {
            assert_eq!(key, "alias/aws/sns", "{id}");
        }
    }
    for (id, queue) in template.resources("AWS::SQS::Queue") {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 60 * 60, "{id}");
    }
}

#[test]
fn the_ledger_outlives_the_stack() {
    let template = Template::read();
    let table = &template.document["Resources"]["Ledger"];
    for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
        assert_eq!(table[policy], "Retain", "{policy}");
    }
    let properties = &table["Properties"];
    // Whoever deletes the stack, or the table by hand, deletes what alone names a deleted key.
    assert_eq!(properties["DeletionProtectionEnabled"], true);
    assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST");
    assert_eq!(
        properties["TimeToLiveSpecification"],
        json!({"AttributeName": "ttl", "Enabled": true})
    );
    assert_eq!(
        properties["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"],
        true
    );
    assert_eq!(properties["SSESpecification"], json!({"SSEEnabled": true}));
    assert_eq!(
        properties["KeySchema"],
        json!([{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}])
    );
}

fn allowed<'a>(template: &'a Template, policy: &str) -> Vec<&'a Value> {
    let policy = &template.document["Resources"][policy]["Properties"]["PolicyDocument"];
    let statements = policy["Statement"].as_array().expect("statements");
    // One that depends on a condition is there.
    let there = statements.iter().map(|one| match one["Fn::If"].as_array() {
        Some(branches) => &branches[1],
        None => one,
    });
    there
        .filter(|statement| statement["Effect"] == "Allow")
        .collect()
}

#[test]
fn services_publish_to_the_health_topic_for_this_stack_only() {
    let template = Template::read();
    let rules = template.rules(&Stack::default());
    for statement in allowed(&template, "HealthTopicPolicy") {
        let condition = template.resolve(&statement["Condition"], &Stack::default());
        assert_eq!(
            condition["StringEquals"]["aws:SourceAccount"],
            "111122223333"
        );
        if statement["Principal"]["Service"] == "events.amazonaws.com" {
            let direct = rules.iter().filter(|rule| rule.function.is_none());
            let arns: BTreeSet<_> = direct
                .map(|rule| {
                    format!(
                        "arn:aws:events:us-east-1:111122223333:rule/kms-watch-{}",
                        rule.id
                    )
                })
                .collect();
            assert_eq!(
                names(condition["ArnEquals"]["aws:SourceArn"].as_array().unwrap()),
                arns
            );
        }
    }
    assert_eq!(allowed(&template, "HealthTopicPolicy").len(), 2);
}

#[test]
fn the_feed_goes_to_a_queue_of_the_account_that_was_named_and_nowhere_else() {
    let template = Template::read();
    let statements = allowed(&template, "FeedAlertTopicPolicy");
    assert_eq!(statements.len(), 1);
    let stack = Stack::default().with("FeedSubscriberAccount", "444455556666");
    let statement = template.resolve(statements[0], &stack);
    assert_eq!(
        statement["Principal"]["AWS"],
        "arn:aws:iam::444455556666:root"
    );
    assert_eq!(
        statement["Condition"],
        json!({"StringEquals": {"sns:Protocol": "sqs"},
               "ArnLike": {"sns:Endpoint": "arn:aws:sqs:*:444455556666:*"}})
    );
}

/// Every role of a function, none else, and nothing that keeps the policy from being changed: nobody is locked out.
#[test]
fn only_the_functions_write_the_ledger_and_nobody_is_locked_out() {
    let template = Template::read();
    let ledger = &template.document["Resources"]["Ledger"]["Properties"];
    let statements = &ledger["ResourcePolicy"]["PolicyDocument"]["Statement"];
    let statements = statements.as_array().unwrap();
    assert_eq!(statements.len(), 1);
    let deny = &statements[0];
    assert_eq!(
        (&deny["Effect"], &deny["Principal"]),
        (&json!("Deny"), &json!("*"))
    );
    let writes = names(deny["Action"].as_array().unwrap());
    let known = [
        "dynamodb:BatchWriteItem",
        "dynamodb:DeleteItem",
        "dynamodb:PartiQLDelete",
        "dynamodb:PartiQLInsert",
        "dynamodb:PartiQLUpdate",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
    ];
    assert_eq!(writes, known.map(str::to_owned).into());
    let but = deny["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
        .as_array()
        .unwrap();
    let but: BTreeSet<_> = but.iter().map(ToString::to_string).collect();
    let roles = template.functions();
    let roles = roles
        .iter()
        .map(|function| function.properties["Role"].to_string());
    assert_eq!(but, roles.collect());
}

/// What an item is about is its partition key, and of that IAM knows a condition.
#[test]
fn a_function_writes_of_what_its_alerts_are_about() {
    let template = Template::read();
    let mut seen = BTreeSet::new();
    let of_ledger = |(id, _): &(&str, &Value)| id.starts_with("Ledger");
    let policies = template.resources("AWS::IAM::Policy");
    for (id, policy) in policies.filter(of_ledger) {
        let statements = policy["PolicyDocument"]["Statement"].as_array().unwrap();
        assert_eq!(statements.len(), 1, "{id}");
        let keys = template.resolve(
            &statements[0]["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"],
            &Stack::default(),
        );
        let keys = names(keys.as_array().unwrap());
        for role in policy["Roles"].as_array().unwrap() {
            let role = role["Ref"].as_str().unwrap();
            assert!(seen.insert(role.to_owned()), "{role} has two");
            let mut wanted = BTreeSet::from(["account#*".to_owned()]);
            if role != "WatchGuardRole" {
                wanted.insert("arn:aws:kms:*".to_owned());
            }
            if ["KeyActivityRole", "AlarmRelayRole", "KeyInventoryRole"].contains(&role) {
                wanted.insert("cks-*".to_owned());
            }
            assert_eq!(keys, wanted, "{role}");
        }
    }
    let roles = template.functions();
    let roles = roles
        .iter()
        .map(|function| &function.properties["Role"]["Fn::GetAtt"][0]);
    assert_eq!(seen, names(roles));
}

/// The policy of the organisation that docs/threat-model.md offers, against the table: what silences is denied, to all but
/// those who deploy.
#[test]
fn the_policy_that_protects_the_stack_denies_what_silences_it() {
    let policy: Value = serde_json::from_str(&read("docs/protect.scp.json")).unwrap();
    let mut denied = BTreeSet::new();
    for statement in policy["Statement"].as_array().unwrap() {
        assert_eq!(statement["Effect"], "Deny");
        match &statement["Action"] {
            Value::String(action) => _ = denied.insert(action.clone()),
            actions => denied.extend(names(actions.as_array().unwrap())),
        }
        let condition = statement["Condition"].as_object().unwrap();
        assert_eq!(condition.keys().collect::<Vec<_>>(), ["ArnNotLike"]);
        let but = condition["ArnNotLike"].as_object().unwrap();
        assert_eq!(but.keys().collect::<Vec<_>>(), ["aws:PrincipalArn"]);
        assert!(
            but["aws:PrincipalArn"]
                .to_string()
                .contains("role/KmsWatchDeployer")
        );
    }
    for row in CALLS {
        // What CloudTrail calls `monitoring`, IAM calls `cloudwatch`.
        let service = if row.service == "monitoring" {
            "cloudwatch"
        } else {
            row.service
        };
        let action = format!("{service}:{}", row.name);
        let is_left_out = [
            // Names no resource of the stack, so that a policy could only deny it for all.
            "events:UpdateEventBus",
            "lambda:CreateEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
            "lambda:DeleteEventSourceMapping",
            "lambda:PutFunctionCodeSigningConfig",
            "logs:PutMetricFilter",
            "logs:DeleteMetricFilter",
            "sqs:StartMessageMoveTask",
        ]
        .contains(&action.as_str());
        assert_eq!(denied.contains(&action), !is_left_out, "{action}");
    }
}

/// Whoever fails without end can be kept from using up the account's concurrency.
#[test]
fn only_what_callers_drive_can_be_capped() {
    let template = Template::read();
    for function in template.functions() {
        let cap = &function.properties["ReservedConcurrentExecutions"];
        let capped = template.resolve(cap, &Stack::default().with("MisuseConcurrency", "20"));
        let free = template.resolve(cap, &Stack::default().without("HasMisuseConcurrency"));
        assert!(free.is_null(), "{}", function.id);
        assert_eq!(
            !capped.is_null(),
            function.folder == "key-misuse",
            "{}",
            function.id
        );
    }
}

/// Two stacks in one account and Region must not fight over a name.
#[test]
fn nothing_has_a_fixed_name() {
    const NAMES: [&str; 9] = [
        "AlarmName",
        "DashboardName",
        "FunctionName",
        "Name",
        "QueueName",
        "RoleName",
        "RuleName",
        "TableName",
        "TopicName",
    ];
    let template = Template::read();
    for (id, resource) in template.section("Resources") {
        for name in NAMES {
            assert!(resource["Properties"][name].is_null(), "{id} has a {name}");
        }
        if resource["Type"] == "AWS::Logs::LogGroup" {
            assert!(resource["Properties"]["LogGroupName"].is_null(), "{id}");
        }
    }
}

// --- Alarms and dashboard ----------------------------------------------------------------------------------------------

#[test]
fn every_alarm_says_what_to_do_and_what_silence_means() {
    let template = Template::read();
    for (id, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        assert!(alarm["TreatMissingData"].is_string(), "{id}");
        let description = alarm["AlarmDescription"].as_str().unwrap_or_default();
        assert!(
            (40..=1_024).contains(&description.len()),
            "{id}: {description}"
        );
        // "OK" would be told when the metric ends, which is when the material expires.
        assert!(alarm["OKActions"].is_null(), "{id}");
        // A list of states by key or store, and the worst of them, need both.
        for metric in alarm["Metrics"].as_array().into_iter().flatten() {
            let Some(query) = metric["Expression"].as_str() else {
                continue;
            };
            if query.starts_with("SELECT") {
                assert!(
                    query.contains(" GROUP BY ") && query.contains(" ORDER BY "),
                    "{id}: {query}"
                );
                // As far back as such an alarm can look.
                let seconds = metric["Period"].as_i64().unwrap()
                    * alarm["EvaluationPeriods"].as_i64().unwrap();
                assert!(seconds <= 3 * 60 * 60, "{id} looks back {seconds} s");
            }
        }
    }
}

/// What an alarm on KMS says is told by a function, with name, owner and advice; what an alarm on the watch itself says
/// must need none. No alarm does both, and none is without either.
#[test]
fn every_alarm_tells_a_function_or_the_health_topic() {
    let template = Template::read();
    let mut router = Router::new(&template, &Stack::default());
    for (id, alarm) in template.resources("AWS::CloudWatch::Alarm") {
        let name = format!("kms-watch-{id}");
        let event = |name: &str, detail_type: &str| {
            let arn = format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}");
            json!({"source": "aws.cloudwatch", "account": "111122223333",
                   "detail-type": detail_type, "resources": [arn],
                   "detail": {"alarmName": name}})
            .to_string()
        };
        let functions = router.functions(&event(&name, "CloudWatch Alarm State Change"));
        let of_contributor = event(&name, "CloudWatch Alarm Contributor State Change");
        assert_eq!(router.functions(&of_contributor), functions, "{id}");
        let actions = &alarm["AlarmActions"];
        if functions.is_empty() {
            assert_eq!(*actions, json!([{"Ref": "HealthTopic"}]), "{id}");
        } else {
            assert_eq!(functions.len(), 1, "{id}");
            assert!(actions.is_null(), "{id} is told twice");
        }
        let namespace = template.resolve(&alarm["Namespace"], &Stack::default());
        let namespace = namespace.as_str().unwrap_or_default();
        let of_watch = ["AWS/Lambda", "AWS/SQS", "KMSWatch"].contains(&namespace)
            || namespace.ends_with("/Health");
        assert_eq!(of_watch, functions.is_empty(), "{id}");
        // Not those of another stack.
        let other = event(&format!("another-{name}"), "CloudWatch Alarm State Change");
        assert!(router.functions(&other).is_empty(), "{id}");
    }
}

#[test]
fn an_expired_material_is_not_told_as_well_again() {
    let template = Template::read();
    let alarm = &template.document["Resources"]["MaterialExpiring"]["Properties"];
    assert_eq!(alarm["TreatMissingData"], "missing");
    assert_eq!(alarm["ComparisonOperator"], "LessThanThreshold");
    // The mapping holds every choice, in seconds.
    let choices = template.document["Parameters"]["MaterialExpiryDays"]["AllowedValues"]
        .as_array()
        .unwrap();
    let days = template.document["Mappings"]["Days"].as_object().unwrap();
    assert_eq!(names(choices), days.keys().cloned().collect());
    for (day, entry) in days {
        let day: i64 = day.parse().unwrap();
        assert_eq!(entry["Seconds"], day * 24 * 60 * 60);
    }
}

#[test]
fn successes_are_not_counted_as_errors_of_a_key_store() {
    let template = Template::read();
    let alarm = &template.document["Resources"]["KeyStoreErrors"]["Properties"];
    let query = alarm["Metrics"][0]["Expression"].as_str().unwrap();
    assert!(query.contains("WHERE ExceptionName != 'None'"), "{query}");
}

#[test]
fn each_function_and_each_queue_is_watched_without_any_function() {
    let template = Template::read();
    let watched: BTreeSet<_> = template
        .resources("AWS::CloudWatch::Alarm")
        .filter(|(_, alarm)| alarm["Threshold"] == 0 && alarm["TreatMissingData"] == "notBreaching")
        .map(|(_, alarm)| {
            (
                alarm["MetricName"].to_string(),
                alarm["Dimensions"][0]["Value"].to_string(),
            )
        })
        .collect();
    let mut wanted = BTreeSet::new();
    for function in template.functions() {
        for metric in ["Errors", "Throttles"] {
            wanted.insert((
                json!(metric).to_string(),
                json!({"Ref": function.id}).to_string(),
            ));
        }
    }
    for (id, _) in template.resources("AWS::SQS::Queue") {
        let queue = json!({"Fn::GetAtt": [id, "QueueName"]}).to_string();
        wanted.insert((
            json!("ApproximateNumberOfMessagesVisible").to_string(),
            queue,
        ));
    }
    assert!(
        watched.is_superset(&wanted),
        "not watched: {:?}",
        wanted.difference(&watched)
    );
}

#[test]
fn the_dashboard_shows_every_alarm_and_every_function() {
    let template = Template::read();
    let body = &template.document["Resources"]["Dashboard"]["Properties"]["DashboardBody"];
    let body: Value =
        serde_json::from_str(template.resolve(body, &Stack::default()).as_str().unwrap())
            .expect("the dashboard is JSON");
    let widgets = body["widgets"].as_array().unwrap();

    let mut shown = BTreeSet::new();
    for widget in widgets.iter().filter(|widget| widget["type"] == "alarm") {
        shown.extend(names(widget["properties"]["alarms"].as_array().unwrap()));
    }
    // A widget cannot name what may not be there.
    let always = template.section("Resources").filter(|(_, resource)| {
        resource["Type"] == "AWS::CloudWatch::Alarm" && resource["Condition"].is_null()
    });
    let alarms: BTreeSet<_> = always
        .map(|(id, _)| format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:kms-watch-{id}"))
        .collect();
    assert_eq!(shown, alarms);

    for metric in ["Invocations", "Duration"] {
        let lines = widgets.iter().flat_map(|widget| {
            widget["properties"]["metrics"]
                .as_array()
                .into_iter()
                .flatten()
        });
        let functions: BTreeSet<_> = lines
            .filter(|line| line[1] == metric)
            .map(|line| line[3].as_str().unwrap().to_owned())
            .collect();
        let wanted: BTreeSet<_> = template
            .functions()
            .iter()
            .map(|function| format!("kms-watch-{}", function.id))
            .collect();
        assert_eq!(functions, wanted, "{metric}");
    }

    let mut taken = BTreeSet::new();
    for widget in widgets {
        let at = |name: &str| widget[name].as_u64().unwrap();
        assert!(at("x") + at("width") <= 24);
        for x in at("x")..at("x") + at("width") {
            for y in at("y")..at("y") + at("height") {
                assert!(
                    taken.insert((x, y)),
                    "{} lies on another",
                    widget["properties"]["title"]
                );
            }
        }
    }
}

// --- What the user is asked --------------------------------------------------------------------------------------------

#[test]
fn every_parameter_is_grouped_labelled_described_and_in_the_manual() {
    let template = Template::read();
    let interface = &template.document["Metadata"]["AWS::CloudFormation::Interface"];
    let groups = interface["ParameterGroups"].as_array().unwrap();
    let grouped: Vec<_> = groups
        .iter()
        .flat_map(|group| group["Parameters"].as_array().unwrap())
        .map(|name| name.as_str().unwrap())
        .collect();
    let labelled: Vec<_> = interface["ParameterLabels"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let parameters: Vec<_> = template
        .section("Parameters")
        .map(|(name, _)| name)
        .collect();
    assert_eq!(grouped, parameters, "in the order of the groups");
    assert_eq!(labelled, parameters, "in the order of the groups");
    let manual = read("docs/deploy.md");
    for (name, parameter) in template.section("Parameters") {
        assert!(parameter["Description"].is_string(), "{name}");
        // With a default each, `sam deploy` asks for nothing that one must know.
        let default = &parameter["Default"];
        assert!(!default.is_null(), "{name}");
        let shown = default
            .as_str()
            .map_or_else(|| default.to_string(), ToOwned::to_owned);
        let cell = if shown.is_empty() {
            "none".to_owned()
        } else {
            format!("`{shown}`")
        };
        let row = format!("| `{name}` | {cell} |");
        assert!(manual.contains(&row), "docs/deploy.md has no row {row}");
    }
}

#[test]
fn everything_that_people_need_is_an_output() {
    let template = Template::read();
    let outputs: BTreeSet<_> = template
        .section("Outputs")
        .map(|(_, output)| output["Value"]["Ref"].as_str().unwrap().to_owned())
        .collect();
    let wanted = template.section("Resources").filter(|(_, resource)| {
        let kind = resource["Type"].as_str().unwrap();
        [
            "AWS::SNS::Topic",
            "AWS::SQS::Queue",
            "AWS::DynamoDB::Table",
            "AWS::CloudWatch::Dashboard",
        ]
        .contains(&kind)
    });
    assert_eq!(outputs, wanted.map(|(id, _)| id.to_owned()).collect());
}

/// Built from the workspace's root, a function would take on features that only tests use.
#[test]
fn functions_are_built_in_their_own_folders() {
    for (id, function) in Template::read().section("Resources") {
        if function["Type"] == "AWS::Serverless::Function" {
            assert_eq!(
                function["Metadata"]["BuildMethod"], "rust-cargolambda",
                "{id}"
            );
            let folder = function["Properties"]["CodeUri"].as_str().unwrap();
            assert!(folder.starts_with("functions/"), "{id}: {folder}");
            let manifest = repository().join(folder).join("Cargo.toml");
            assert!(manifest.is_file(), "{id}: {folder}");
        }
    }
}
