//! The built `key-inventory` looks at the watch itself, on a stack as the template deploys it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{LocalAws, Options};
use watch_tests::deployed::{self, FUNCTION, RULE, deploy};
use watch_tests::template::{Stack, Template};
use watch_tests::{Function, event};

struct Watched {
    aws: Arc<LocalAws>,
    sweep: Function,
}

fn watched() -> Watched {
    let aws = Arc::new(LocalAws::start(Options::default()).unwrap());
    let variables = deploy(&aws);
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let sweep = Function::start_on(Arc::clone(&aws), "key-inventory", &variables);
    Watched { aws, sweep }
}

impl Watched {
    /// Severity, resource and finding of what a sweep tells people, an hour later.
    fn sweep(&self, depth: &str) -> Vec<String> {
        self.aws.advance(SignedDuration::from_hours(1));
        self.sweep.feed();
        let at = self.aws.now().to_string();
        self.sweep.handle(&json!({"sweep": depth, "at": at}));
        let alerts = self.sweep.feed();
        let told = |alert: &Value| {
            let details = &alert["details"];
            format!(
                "{} {}: {}",
                alert["severity"].as_str().unwrap(),
                details["resources"][0].as_str().unwrap(),
                details["effect"].as_str().unwrap()
            )
        };
        alerts.iter().map(told).collect()
    }

    /// What is told of a change, by the sweep that finds it or by the next, and by no other.
    fn told_after(&self, change: impl Fn(&LocalAws)) -> (usize, String) {
        assert_eq!(self.sweep("full"), [""; 0], "as it was deployed");
        change(&self.aws);
        let told: Vec<_> = ["full", "light", "light", "full"]
            .map(|depth| self.sweep(depth))
            .into_iter()
            .enumerate()
            .flat_map(|(number, told)| told.into_iter().map(move |told| (number, told)))
            .collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        told.into_iter().next().unwrap()
    }
}

fn pattern_of(id: &str) -> Value {
    let rules = Template::read().rules(&Stack::default());
    let rule = rules.into_iter().find(|rule| rule.id == id);
    rule.unwrap().pattern
}

const LEADS_TO: &str =
    "arn:aws:lambda:us-east-1:111122223333:function:kms-watch-KeyDeletionFunction";

#[test]
fn a_rule_that_somebody_changed_unseen_is_told() {
    let pattern = pattern_of("KeyDeletionFunctionCloudTrail");
    let target = json!({"Id": "target", "Arn": LEADS_TO});
    let watched = watched();
    let disable =
        |aws: &LocalAws| aws.put_rule(RULE, "DISABLED", &pattern, std::slice::from_ref(&target));
    let (when, told) = watched.told_after(disable);
    assert_eq!(when, 0);
    let expected = format!("CRITICAL {RULE}: the rule is disabled");
    assert!(told.starts_with(&expected), "{told}");
    // Mended, and changed in another way.
    watched
        .aws
        .put_rule(RULE, "ENABLED", &pattern, std::slice::from_ref(&target));
    let (when, told) = watched.told_after(|aws| {
        let mut narrowed = pattern.clone();
        narrowed["detail"]["eventName"] = json!(["CancelKeyDeletion"]);
        aws.put_rule(RULE, "ENABLED", &narrowed, std::slice::from_ref(&target));
    });
    assert_eq!(when, 1, "it might have been a deployment");
    assert!(told.contains("not the one of the template"), "{told}");
    watched.aws.put_rule(RULE, "ENABLED", &pattern, &[target]);
    let (when, told) = watched.told_after(|aws| aws.put_rule(RULE, "ENABLED", &pattern, &[]));
    assert_eq!(when, 0);
    assert!(told.contains("has no target"), "{told}");
}

#[test]
fn other_code_a_silent_trail_a_long_mute_and_a_full_queue_are_told() {
    let watched = watched();
    let (when, told) = watched.told_after(|aws| deployed::put_function(aws, FUNCTION, "other"));
    assert_eq!(when, 1);
    assert!(
        told.starts_with(&format!("CRITICAL {FUNCTION}: its code changed")),
        "{told}"
    );
    deployed::put_function(&watched.aws, FUNCTION, "code of the deployment");
    let (_, told) = watched.told_after(|aws| deployed::put_trail(aws, false));
    assert!(
        told.starts_with("CRITICAL trails: no trail is logging"),
        "{told}"
    );
    deployed::put_trail(&watched.aws, true);
    let (when, told) = watched.told_after(|aws| {
        let mut alarm = deployed::alarm(1.0);
        alarm["ActionsEnabled"] = json!(false);
        aws.call_cloudwatch("PutMetricAlarm", alarm).unwrap();
    });
    assert_eq!(when, 0);
    assert!(
        told.contains("kms-watch-NobodyListens are disabled"),
        "{told}"
    );
    let alarm = deployed::alarm(1.0);
    watched
        .aws
        .call_cloudwatch("PutMetricAlarm", alarm)
        .unwrap();
    let (_, told) = watched.told_after(|aws| {
        deployed::put_queue(aws, "kms-watch-FailedInvocations", "7");
    });
    assert!(
        told.starts_with("HIGH kms-watch-FailedInvocations: messages wait"),
        "{told}"
    );
    deployed::put_queue(&watched.aws, "kms-watch-FailedInvocations", "0");
    let (when, told) = watched.told_after(|aws| {
        let mute = json!({"Name": "quiet", "MuteTargets": {"AlarmNames": ["kms-watch-NobodyListens"]},
            "Rule": {"Schedule": {"Expression": "cron(0 * * * *)", "Duration": "PT1H"}}});
        aws.call_cloudwatch("PutAlarmMuteRule", mute).unwrap();
    });
    assert_eq!(when, 0);
    assert!(told.starts_with("CRITICAL quiet: "), "{told}");
}

#[test]
fn what_may_not_be_seen_is_told_once_and_what_passes_is_not_told() {
    for operation in [
        "events:ListRules",
        "events:ListTargetsByRule",
        "lambda:GetFunctionConfiguration",
        "cloudwatch:DescribeAlarms",
        "cloudtrail:GetEventSelectors",
        "sqs:GetQueueAttributes",
    ] {
        let watched = watched();
        assert_eq!(watched.sweep("full"), [""; 0]);
        // Fewer than the attempts that a call has.
        watched.aws.faults().throttle(operation, 2);
        assert_eq!(watched.sweep("full"), [""; 0], "{operation}");
        watched.aws.faults().clear();
        watched.aws.faults().deny(operation);
        let told = watched.sweep("full");
        assert!(
            told.len() == 1 && told[0].starts_with("HIGH ") && told[0].contains("cannot be seen"),
            "{operation}: {told:#?}"
        );
        assert_eq!(watched.sweep("full"), [""; 0], "{operation} once");
    }
}

/// What CloudFormation does in a deployment is for the feed. What it leaves behind is told, if it is not the template.
#[test]
fn a_deployment_that_takes_a_target_away_is_told_by_the_sweep() {
    let watched = watched();
    assert_eq!(watched.sweep("full"), [""; 0]);
    let guard = Function::start_on(
        Arc::clone(&watched.aws),
        "watch-guard",
        &[("STACK_NAME", "kms-watch")],
    );
    let call = |service: &str, name: &str, request: Value| {
        let mut record = event("watch-guard/ct-disable-rule.json");
        let detail = &mut record["detail"];
        detail["eventSource"] = json!(format!("{service}.amazonaws.com"));
        detail["eventName"] = json!(name);
        detail["eventID"] = json!(format!("00000000-0000-4000-8000-{service:0>12}"));
        detail["eventTime"] = json!(watched.aws.now().to_string());
        detail["requestParameters"] = request;
        if service == "events" {
            detail["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        }
        guard.handle(&record)["alerts"][0]["severity"].clone()
    };
    let update = json!({"stackName": "kms-watch"});
    assert_eq!(call("cloudformation", "UpdateStack", update), "LOW");
    let remove = json!({"rule": RULE, "ids": ["target"]});
    assert_eq!(call("events", "RemoveTargets", remove), "INFO");
    let pattern = pattern_of("KeyDeletionFunctionCloudTrail");
    watched.aws.put_rule(RULE, "ENABLED", &pattern, &[]);
    let told = watched.sweep("full");
    let expected = format!("CRITICAL {RULE}: the rule has no target");
    assert!(
        told.len() == 1 && told[0].starts_with(&expected),
        "{told:#?}"
    );
}

/// From the schedule's call to the sweep.
#[test]
fn the_canary_that_the_guard_told_is_seen_by_the_sweep() {
    let watched = watched();
    assert_eq!(watched.sweep("full"), [""; 0]);
    watched.aws.advance_days(5);
    let guard = Function::start_on(
        Arc::clone(&watched.aws),
        "watch-guard",
        &[("STACK_NAME", "kms-watch")],
    );
    let now = watched.aws.now().to_string();
    let mut canary = event("watch-guard/ct-tag-resource-canary.json");
    canary["time"] = json!(now);
    canary["detail"]["eventTime"] = json!(now);
    canary["detail"]["requestParameters"]["tags"][0]["value"] = json!(now);
    assert_eq!(guard.handle(&canary)["outcome"], "delivered");
    watched.aws.advance_days(7);
    assert_eq!(watched.sweep("full"), [""; 0], "seven days ago");
    watched.aws.advance_days(1);
    let told = watched.sweep("full");
    assert!(
        told.len() == 1 && told[0].starts_with("CRITICAL the canary: no canary arrived"),
        "{told:#?}"
    );
}
