//! When sweeps begin, and the canary comes.

use serde_json::{Value, json};
use watch_tests::template::{Stack, Template};

use super::{read, sweeper};

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

/// The sweep looks at all functions but itself. That nobody looks at the sweep is told without any function.
#[test]
fn the_sweep_is_looked_at_every_hour_and_a_look_that_stays_away_is_told() {
    let template = Template::read();
    let functions = template.functions();
    let guard = functions.iter().find(|it| it.folder == super::GUARD);
    let schedule = &guard.unwrap().properties["Events"]["Check"]["Properties"];
    let (_, hour) = daily(schedule["ScheduleExpression"].as_str().unwrap());
    assert_eq!((hour, &schedule["State"]), (None, &json!("ENABLED")));
    let input = template.resolve(&schedule["Input"], &Stack::default());
    let input: Value = serde_json::from_str(input.as_str().unwrap()).expect("the input is JSON");
    let sweep = sweeper(&template);
    let schedules: Vec<_> = sweep.properties["Events"]
        .as_object()
        .unwrap()
        .keys()
        .collect();
    let named = schedules
        .iter()
        .map(|event| format!("kms-watch-{}{event}", sweep.id));
    assert_eq!(input["schedules"], json!(named.collect::<Vec<_>>()));
    assert_eq!(input["check"], format!("kms-watch-{}", sweep.id));

    let resources = &template.document["Resources"];
    let role = &resources["WatchGuardScheduleRole"]["Properties"];
    assert_eq!(
        role["AssumeRolePolicyDocument"],
        resources["KeyInventoryScheduleRole"]["Properties"]["AssumeRolePolicyDocument"]
    );
    let statements = &role["Policies"][0]["PolicyDocument"]["Statement"];
    assert_eq!(statements[0]["Action"], "lambda:InvokeFunction");
    assert_eq!(
        statements[0]["Resource"],
        json!({"Fn::GetAtt": ["WatchGuardFunction", "Arn"]})
    );
    let alarm = &resources["CheckMissed"]["Properties"];
    assert_eq!(
        (&alarm["Period"], &alarm["TreatMissingData"]),
        (&json!(3_600), &json!("breaching"))
    );
    let counted = &resources["SweepChecked"]["Properties"];
    assert_eq!(counted["LogGroupName"], json!({"Ref": "WatchGuardLogs"}));
    // The words of the function's log.
    let code = read("functions/watch-guard/src/guard.rs");
    let words = counted["FilterPattern"].as_str().unwrap().trim_matches('"');
    assert!(code.contains(&format!("\"{words}\"")), "{words}");
    let metric = &counted["MetricTransformations"][0];
    assert_eq!(
        (&metric["MetricName"], &metric["MetricNamespace"]),
        (&alarm["MetricName"], &alarm["Namespace"])
    );
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
