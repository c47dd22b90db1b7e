//! `kms-watch doctor` on the embedded AWS: the whole stack is well; each check finds what is broken once; what may not be seen
//! is never well.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod broken;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_local::{LocalAws, Options, StackResource};
use watch_tests::command::{Ran, command, kms_watch};
use watch_tests::deployed::{configuration, deploy_whole, kept, put_trail, remember};
use watch_tests::template::Template;
use watch_tests::{LEDGER, binary};

use broken::{BROKEN, VERSION, cloudwatch, status};

const FUNCTION: &str = "kms-watch-KeyDeletionFunction";
const HEALTH: &str = "arn:aws:sns:us-east-1:111122223333:kms-watch-HealthTopic";

/// A stack with nothing wrong, on an AWS that has the time of day.
#[expect(
    clippy::disallowed_methods,
    reason = "the binary asks the clock of the machine"
)]
fn healthy() -> LocalAws {
    // Built before the clock of the simulator is read.
    binary("kms-watch");
    let aws = LocalAws::start(Options {
        start: Timestamp::now(),
        ..Options::default()
    })
    .unwrap();
    deploy_whole(&aws);
    aws
}

fn doctor(aws: &LocalAws) -> (Option<i32>, BTreeMap<String, Value>) {
    let ran = kms_watch(aws, &["doctor", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"));
    let checks = report["checks"].as_array().unwrap().iter();
    let named = checks.map(|check| (check["name"].as_str().unwrap().to_owned(), check.clone()));
    (ran.code, named.collect())
}

/// Names of the checks that are not well.
fn wrong(checks: &BTreeMap<String, Value>) -> Vec<&str> {
    let wrong = checks.iter().filter(|(_, check)| check["status"] != "OK");
    wrong.map(|(name, _)| name.as_str()).collect()
}

#[test]
fn a_stack_as_it_was_deployed_is_well() {
    let aws = healthy();
    let ran = kms_watch(&aws, &["doctor", "--color", "never"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(
        ran.out
            .ends_with("23 well, 0 failed, 0 not seen: all is well\n"),
        "{ran:?}"
    );
    let ticks = ran.out.lines().filter(|line| line.starts_with('✓')).count();
    assert_eq!(ticks, 23, "{}", ran.out);
    assert_eq!(ran.err, "");
    let ran = kms_watch(&aws, &["doctor", "--json"]);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        report["counts"],
        json!({"ok": 23, "failed": 0, "unknown": 0})
    );
    assert_eq!(
        (&report["stack"], &report["account"], &report["region"]),
        (
            &json!("kms-watch"),
            &json!("111122223333"),
            &json!("us-east-1")
        )
    );
}

fn ago(aws: &LocalAws, hours: i64) -> String {
    (aws.now() - SignedDuration::from_hours(hours)).to_string()
}

#[test]
fn each_check_finds_what_is_broken_and_no_other_does() {
    let mut missed = Vec::new();
    for (check, words, breaks) in BROKEN {
        let aws = healthy();
        breaks(&aws);
        let (code, checks) = doctor(&aws);
        let found = &checks[check];
        let also = match (check, words) {
            // A trail that logs nothing logs no reads either.
            ("trail", _) => vec!["read-events", "trail"],
            ("functions", "KeyDeletionFunction is not there") => vec!["failed-events", "functions"],
            // And whether it is on nobody knows.
            ("alarms", "alarms are missing: NobodyListens") => vec!["alarms", "health"],
            _ => vec![check],
        };
        let said = found["what"]
            .as_str()
            .is_some_and(|what| what.contains(words));
        let has_fix = found["fix"].as_str().is_some_and(|fix| !fix.is_empty());
        let failed = found["status"] == "FAILED" && code == Some(1);
        if !(said && has_fix && failed && wrong(&checks) == also) {
            missed.push(format!(
                "{check}, {words}: {code:?} {found} {:?}",
                wrong(&checks)
            ));
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

#[test]
fn what_the_ledger_says_of_sweeps_and_canary_is_judged_by_its_age() {
    let aws = healthy();
    let item = |at: &str| [("runAt", "now".to_owned()), ("fullAt", at.to_owned())];
    let put = |at: &str| {
        let item = item(at);
        let item = item.each_ref().map(|(name, value)| (*name, value.as_str()));
        remember(&aws, "sweep", &item);
    };
    put(&ago(&aws, 27));
    let (code, checks) = doctor(&aws);
    assert_eq!((code, wrong(&checks)), (Some(1), vec!["sweeps"]));
    let said = checks["sweeps"]["what"].as_str().unwrap();
    assert!(said.contains("the last full sweep ended"), "{said}");
    let run = ago(&aws, 4);
    remember(&aws, "sweep", &[("runAt", &run), ("fullAt", "now")]);
    let (_, checks) = doctor(&aws);
    let said = checks["sweeps"]["what"].as_str().unwrap();
    assert!(said.contains("and one runs every hour"), "{said}");
    // A forged item names an alert that the history does not have: the stack is new, so that it is early.
    remember(&aws, "sweep", &[("runAt", "now"), ("fullAt", "now")]);
    remember(
        &aws,
        "watch#canary",
        &[("toldAs", "alert#2026-11-20T10:00:00Z#forged")],
    );
    let (code, checks) = doctor(&aws);
    assert_eq!((code, wrong(&checks)), (Some(3), vec!["canary"]));
    assert_eq!(checks["canary"]["status"], "UNKNOWN");
}

/// Every operation that it asks with, and the checks that then say nothing.
const ASKED: [(&str, &[&str]); 14] = [
    (
        "cloudformation:DescribeStacks",
        &["clock", "stack", "version"],
    ),
    ("cloudtrail:DescribeTrails", &["read-events", "trail"]),
    ("cloudtrail:GetEventSelectors", &["read-events", "trail"]),
    ("events:ListRules", &["rules"]),
    ("events:ListTargetsByRule", &["rules"]),
    (
        "lambda:GetFunctionConfiguration",
        &["config", "failed-events", "functions"],
    ),
    ("lambda:GetAccountSettings", &["quota"]),
    (
        "sns:ListSubscriptionsByTopic",
        &["filters", "subscriptions"],
    ),
    ("sqs:GetQueueAttributes", &["queues"]),
    (
        "cloudwatch:DescribeAlarms",
        &["alarms", "health", "throttles"],
    ),
    ("cloudwatch:ListAlarmMuteRules", &["mutes"]),
    ("dynamodb:DescribeTable", &["ledger"]),
    ("dynamodb:GetResourcePolicy", &["ledger-policy"]),
    ("dynamodb:BatchGetItem", &["canary", "sweeps"]),
];

#[test]
fn what_may_not_be_seen_is_never_well() {
    let aws = healthy();
    for (operation, unseen) in ASKED {
        aws.faults().clear().deny(operation);
        let (code, checks) = doctor(&aws);
        assert_eq!(code, Some(3), "{operation}");
        assert_eq!(wrong(&checks), unseen, "{operation}");
        for check in unseen {
            assert_eq!(checks[*check]["status"], "UNKNOWN", "{operation}");
            let fix = checks[*check]["fix"].as_str().unwrap();
            assert!(fix.contains("docs/command.md"), "{operation}: {fix}");
        }
    }
    // Without the list of parts nothing is known.
    for denied in ["cloudformation:ListStackResources", "*:*"] {
        aws.faults().clear().deny(denied);
        let (code, checks) = doctor(&aws);
        assert_eq!((code, checks.len()), (Some(3), 23), "{denied}");
        assert!(
            checks.values().all(|check| check["status"] == "UNKNOWN"),
            "{denied}"
        );
    }
    // Whether AWS Config records matters only if it is asked.
    let status = "config:DescribeConfigurationRecorderStatus";
    aws.faults().clear().deny(status);
    assert_eq!(doctor(&aws).0, Some(0));
    let mut asks = configuration(&aws, FUNCTION);
    let before = asks.clone();
    asks["Environment"]["Variables"]["CONFIG_DEPENDANTS"] = json!("true");
    aws.put_function(FUNCTION, asks, None, Some(kept()));
    let (code, checks) = doctor(&aws);
    assert_eq!((code, wrong(&checks)), (Some(3), vec!["config"]));
    aws.faults().clear();
    aws.record_configurations(true);
    assert_eq!(doctor(&aws).0, Some(0));
    aws.put_function(FUNCTION, before, None, Some(kept()));
    aws.faults().clear().throttle("events:ListRules", 100);
    let (code, checks) = doctor(&aws);
    assert_eq!((code, wrong(&checks)), (Some(3), vec!["rules"]));
    // What failed weighs more than what was not seen.
    put_trail(&aws, false);
    assert_eq!(doctor(&aws).0, Some(1));
    aws.faults()
        .clear()
        .slow("sqs:GetQueueAttributes", Duration::from_secs(30));
    let (_, checks) = doctor(&aws);
    assert_eq!(checks["queues"]["status"], "UNKNOWN");
}

#[test]
fn a_stack_that_is_not_there_or_is_anothers_is_an_error() {
    let aws = healthy();
    let ran = kms_watch(&aws, &["doctor", "--stack", "orders"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("orders does not exist"), "{ran:?}");
    let part = |logical: &str, kind: &str, physical: &str| StackResource {
        logical_id: logical.to_owned(),
        kind: kind.to_owned(),
        physical_id: physical.to_owned(),
    };
    let parts = [
        part("Ledger", "AWS::DynamoDB::Table", LEDGER),
        part("HealthTopic", "AWS::SNS::Topic", HEALTH),
        part("KeyDeletionFunction", "AWS::Lambda::Function", FUNCTION),
    ];
    aws.put_stack("orders", "CREATE_COMPLETE", &[], &parts);
    let ran = kms_watch(&aws, &["doctor", "--stack", "orders"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("lacks the functions"), "{ran:?}");
    for (variable, words) in [
        ("AWS_REGION", "no Region is configured"),
        ("AWS_ACCESS_KEY_ID", "no credentials"),
    ] {
        let mut command = command(&aws, &["doctor"]);
        let ran = Ran::from(command.env_remove(variable).output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
        assert!(ran.err.contains(words), "{ran:?}");
    }
    let ran = kms_watch(&aws, &["doctor", "--profile", "nobody"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("profile nobody"), "{ran:?}");
    // The stack is in another Region.
    let ran = kms_watch(&aws, &["doctor", "--region", "eu-west-1"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("--region"), "{ran:?}");
}

#[test]
fn hostile_names_do_not_reach_the_terminal() {
    let aws = healthy();
    let hostile = "kms-watch-\u{1b}[2J\u{202e}gpj.exe\n\u{9b}31m✓ all is well";
    let mute = json!({"Name": hostile, "MuteTargets": {"AlarmNames": ["kms-watch-NobodyListens"]},
        "Rule": {"Schedule": {"Expression": "cron(0 * * * *)", "Duration": "PT1H"}}});
    cloudwatch(&aws, "PutAlarmMuteRule", mute);
    let mut failed = configuration(&aws, FUNCTION);
    failed["State"] = json!("Failed");
    failed["StateReason"] = json!(hostile);
    aws.put_function(FUNCTION, failed, None, Some(kept()));
    // XML cannot hold the others.
    status(&aws, "\u{202e}gpj.exe", "\u{202e}gpj.exe");
    for words in [&["doctor", "--color", "never"][..], &["doctor", "--json"]] {
        let ran = kms_watch(&aws, words);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let harmful = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!ran.out.contains(harmful), "{ran:?}");
        assert!(ran.out.contains("gpj.exe"), "{ran:?}");
    }
    let ran = kms_watch(&aws, &["doctor", "--color", "never"]);
    let ticks = ran.out.lines().filter(|line| line.starts_with('✓'));
    assert_eq!(ticks.count(), 19, "{}", ran.out);
}

#[test]
fn the_policy_of_the_manual_is_what_it_takes() {
    let aws = healthy();
    kms_watch(&aws, &["doctor"]);
    let asked: std::collections::BTreeSet<_> = aws
        .requests()
        .iter()
        .map(|request| format!("{}:{}", request.service, request.operation))
        .collect();
    let manual =
        std::fs::read_to_string(watch_tests::repository().join("docs/command.md")).unwrap();
    let block = manual
        .split("```json")
        .find(|block| block.contains("cloudformation:DescribeStacks"));
    let policy: Value = serde_json::from_str(block.unwrap().split("```").next().unwrap()).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let allowed: std::collections::BTreeSet<_> = statements
        .flat_map(|statement| statement["Action"].as_array().unwrap())
        .map(|action| action.as_str().unwrap().to_owned())
        .collect();
    let missing: Vec<_> = asked.difference(&allowed).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let surplus: Vec<_> = allowed.difference(&asked).collect();
    assert!(surplus.is_empty(), "{surplus:?}");
}

#[test]
fn the_template_says_its_version() {
    let template = Template::read();
    assert_eq!(template.document["Outputs"]["Version"]["Value"], VERSION);
}
