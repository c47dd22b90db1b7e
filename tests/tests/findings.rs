//! The built `finding-export` on the embedded Security Hub, bus, queue and bucket: every sample alert, twice and in any order, with
//! faults, deaths and hostile texts, under the role that the template gives it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};
use watch_local::{Invocation, LocalAws, Moment, Options, Policy};
use watch_tests::template::{Stack, Template};
use watch_tests::{Function, repository};

const EXPORT: &str = "finding-export";
const BUS: &str = "arn:aws:events:eu-west-1:444455556666:event-bus/findings";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:ocsf";
const LETTERS: &str =
    "https://sqs.us-east-1.amazonaws.com/111122223333/kms-watch-UnexportedFindings";
const BUCKET: &str = "findings";

const ONLY_HUB: [(&str, &str); 2] = [
    ("SECURITY_HUB_FINDINGS", "true"),
    ("FINDING_DEAD_LETTERS_URL", LETTERS),
];
const ALL: [(&str, &str); 6] = [
    ONLY_HUB[0],
    ONLY_HUB[1],
    ("OCSF_BUS_ARN", BUS),
    ("OCSF_QUEUE_ARN", QUEUE),
    ("OCSF_BUCKET", BUCKET),
    ("FINDING_MINIMUM_SEVERITY", "INFO"),
];

/// With everything that findings go to, and the role of the template.
fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.create_event_bus_at(BUS);
    aws.put_queue("ocsf", &[]);
    aws.put_queue("kms-watch-UnexportedFindings", &[]);
    aws.create_bucket(BUCKET);
    let stack = Stack::default()
        .with("OcsfBusArn", BUS)
        .with("OcsfQueueArn", QUEUE)
        .with("OcsfBucket", BUCKET);
    let statements = Template::read().role_statements(EXPORT, &stack);
    aws.restrict(
        "AKIDFUNCTION",
        Policy::from_json(&json!({"Statement": statements})).unwrap(),
    );
    Arc::new(aws)
}

/// The alerts of all sample events, as the feed has them.
fn samples() -> Vec<Value> {
    let folder = repository().join("tests/tests/snapshots");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let mut alerts = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for part in text.split("\n=== feed ===\n").skip(1) {
            let json = part.split("\n=== ").next().unwrap();
            alerts.push(
                serde_json::from_str(json).unwrap_or_else(|error| panic!("{file:?}: {error}")),
            );
        }
    }
    assert!(alerts.len() > 100, "{} alerts", alerts.len());
    alerts
}

/// Three alerts of this stack, of three stories.
fn three() -> Vec<Value> {
    let mut stories = BTreeSet::new();
    let mut alerts = samples();
    alerts.retain(|it| it["partition"] == "aws" && stories.insert(it["dedupKey"].to_string()));
    alerts.truncate(3);
    alerts
}

fn batch(alerts: &[Value]) -> Value {
    let record = |(number, alert): (usize, &Value)| {
        let body = alert
            .as_str()
            .map_or_else(|| alert.to_string(), str::to_owned);
        json!({"messageId": format!("m{number}"), "body": body, "receiptHandle": "r",
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:kms-watch-Findings"})
    };
    json!({"Records": alerts.iter().enumerate().map(record).collect::<Vec<_>>()})
}

/// Hands alerts over as the queue does; the numbers of those that stay.
fn deliver(function: &Function, alerts: &[Value]) -> Vec<usize> {
    let answer = function.handle(&batch(alerts));
    let left = answer["batchItemFailures"].as_array().unwrap().iter();
    left.map(|left| {
        left["itemIdentifier"].as_str().unwrap()[1..]
            .parse()
            .unwrap()
    })
    .collect()
}

fn alert(kind: &str, status: &str, at: &str) -> Value {
    let mut alert = samples()
        .into_iter()
        .find(|alert| alert["kind"] == kind)
        .unwrap();
    alert["dedupKey"] = "arn:aws:kms:us-east-1:111122223333:key/k#disabled".into();
    alert["id"] = format!("{kind}{status}{at}").into();
    alert["status"] = status.into();
    alert["occurredAt"] = at.into();
    alert
}

fn text<'a>(json: &'a Value, at: &str) -> &'a str {
    json.pointer(at)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{at}: {json:#}"))
}

fn letters(aws: &LocalAws) -> Vec<String> {
    aws.messages("kms-watch-UnexportedFindings")
}

#[test]
fn every_alert_of_this_stack_becomes_a_finding_and_every_other_is_kept() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ALL);
    let alerts = samples();
    for some in alerts.chunks(10) {
        assert_eq!(deliver(&function, some), [0; 0]);
    }
    let (own, others): (Vec<&Value>, Vec<&Value>) =
        alerts.iter().partition(|it| it["partition"] == "aws");
    assert!(!others.is_empty());
    assert_eq!(letters(&aws).len(), others.len());
    // A story is one finding, as its latest alert has it.
    let mut latest: BTreeMap<&str, &Value> = BTreeMap::new();
    for alert in &own {
        let held = latest.entry(text(alert, "/dedupKey")).or_insert(alert);
        if text(alert, "/occurredAt") > text(held, "/occurredAt") {
            *held = alert;
        }
    }
    let findings = aws.findings();
    assert_eq!(findings.len(), latest.len());
    for finding in &findings {
        let alert = latest[text(finding, "/ProductFields/kms-watch~1dedupKey")];
        assert_eq!(finding["CreatedAt"], alert["occurredAt"]);
        let archived = finding["RecordState"] == "ARCHIVED";
        assert_eq!(
            archived,
            finding["ProductFields"]["kms-watch/status"] == "CLOSED"
        );
    }
    // In OCSF each alert is one, on all three ways the same.
    let on_bus: Vec<Value> = aws
        .take_bus_events(BUS)
        .into_iter()
        .map(|mut event| event["detail"].take())
        .collect();
    let in_queue = aws.messages("ocsf");
    assert_eq!((on_bus.len(), in_queue.len()), (own.len(), own.len()));
    let in_queue: BTreeSet<String> = in_queue.into_iter().collect();
    assert_eq!(
        on_bus.iter().map(Value::to_string).collect::<BTreeSet<_>>(),
        in_queue
    );
    let objects = aws.objects(BUCKET);
    let ids: BTreeSet<_> = own.iter().map(|alert| text(alert, "/id")).collect();
    assert_eq!(objects.len(), ids.len());
    for (key, object) in &objects {
        let finding: Value = serde_json::from_slice(object).unwrap();
        let day = text(&finding, "/time_dt")[..10].replace('-', "/");
        let id = text(&finding, "/metadata/uid");
        assert_eq!(
            *key,
            format!("AWSLogs/111122223333/KMSWatch/us-east-1/{day}/{id}.json")
        );
    }
}

#[test]
fn an_older_alert_opens_nothing_again_and_a_later_one_does() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ONLY_HUB);
    let opened = alert("KeyDisabled", "OPEN", "2026-11-20T10:00:00Z");
    let closed = alert("KeyEnabled", "CLOSED", "2026-11-20T11:00:00Z");
    let state = |aws: &LocalAws| {
        let findings = aws.findings();
        assert_eq!(findings.len(), 1);
        findings[0]["RecordState"].as_str().unwrap().to_owned()
    };
    deliver(&function, std::slice::from_ref(&opened));
    assert_eq!(state(&aws), "ACTIVE");
    deliver(&function, std::slice::from_ref(&closed));
    assert_eq!(state(&aws), "ARCHIVED");
    // Late, twice, and in a batch in which the older one is last.
    deliver(&function, std::slice::from_ref(&opened));
    deliver(&function, &[closed.clone(), opened.clone()]);
    assert_eq!(state(&aws), "ARCHIVED");
    deliver(
        &function,
        &[alert("KeyDisabled", "OPEN", "2026-11-20T12:00:00Z"), closed],
    );
    assert_eq!(state(&aws), "ACTIVE");
}

#[test]
fn what_follows_an_alert_replaces_it() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ONLY_HUB);
    let first = alert("KeyDisabled", "OPEN", "2026-11-20T10:00:00Z");
    let mut more = first.clone();
    more["kind"] = "DependantsFound".into();
    deliver(&function, std::slice::from_ref(&first));
    deliver(&function, &[more]);
    deliver(&function, &[first]);
    assert_eq!(
        aws.findings()[0]["GeneratorId"],
        "kms-watch/DependantsFound"
    );
}

#[test]
fn what_fails_stays_and_is_told_and_passes_when_the_cause_is_gone() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ALL);
    let alerts = three();
    let faults = aws.faults();
    for operation in [
        "securityhub:*",
        "events:PutEvents",
        "sqs:SendMessage",
        "s3:PutObject",
    ] {
        faults.deny(operation);
        assert_eq!(deliver(&function, &alerts), [0, 1, 2], "{operation} denied");
        faults.clear();
        faults.throttle(operation, 1_000);
        assert_eq!(
            deliver(&function, &alerts),
            [0, 1, 2],
            "{operation} throttled"
        );
        faults.clear();
        // Twice is tried again within the invocation.
        faults.fail(operation, 1);
        assert_eq!(
            deliver(&function, &alerts),
            [0; 0],
            "{operation} failed once"
        );
        faults.clear();
    }
    aws.enable_security_hub(false);
    assert_eq!(deliver(&function, &alerts), [0, 1, 2]);
    aws.enable_security_hub(true);
    assert_eq!(deliver(&function, &alerts), [0; 0]);
    assert_eq!(aws.findings().len(), 3);
    assert_eq!(letters(&aws), [""; 0]);
    let told = aws.requests();
    assert!(
        told.iter()
            .any(|it| it.error.as_deref() == Some("InvalidAccessException"))
    );
    // In words that the template counts.
    let (_, log, _) = {
        drop(faults);
        stopped(function)
    };
    let filter =
        &Template::read().document["Resources"]["FindingRefused"]["Properties"]["FilterPattern"];
    let words = filter.as_str().unwrap().trim_matches('"').to_owned();
    assert!(log.contains(&words), "{log}");
    assert!(log.contains("InvalidAccessException"), "{log}");
}

/// Ends a function, for its log.
fn stopped(function: Function) -> (std::process::ExitStatus, String, String) {
    function.kill_at(1, Moment::BeforeEffect);
    let alert = alert("KeyDisabled", "OPEN", "2026-11-20T10:00:00Z");
    function.lambda.queue(batch(&[alert]).to_string());
    function.end()
}

#[test]
fn of_a_batch_only_what_was_refused_stays_and_what_never_passes_is_kept_with_the_reason() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ONLY_HUB);
    let mut alerts: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|name| {
            let mut alert = alert("KeyDisabled", "OPEN", "2026-11-20T10:00:00Z");
            alert["dedupKey"] = format!("{name}#disabled").into();
            alert
        })
        .collect();
    aws.refuse_findings("InternalException", 1);
    assert_eq!(deliver(&function, &alerts), [0]);
    assert_eq!(aws.findings().len(), 2);
    aws.refuse_findings("InvalidInput", 1);
    alerts.push("no alert".into());
    assert_eq!(deliver(&function, &alerts), [0; 0]);
    let kept = letters(&aws);
    assert_eq!(kept, [alerts[0].to_string(), "no alert".to_owned()]);
}

#[test]
fn whatever_dies_at_whichever_call_is_sent_again_and_is_there_once() {
    let alerts = three();
    for call in 1..=10 {
        for moment in [Moment::BeforeEffect, Moment::AfterEffect] {
            let aws = aws();
            let dies = Function::start_on(Arc::clone(&aws), EXPORT, &ALL);
            dies.kill_at(call, moment);
            dies.lambda.queue(batch(&alerts).to_string());
            dies.ended();
            let function = Function::start_on(Arc::clone(&aws), EXPORT, &ALL);
            assert_eq!(deliver(&function, &alerts), [0; 0]);
            assert_eq!(
                (aws.findings().len(), aws.objects(BUCKET).len()),
                (3, 3),
                "{call} {moment:?}"
            );
            let uid = |message: &String| {
                let finding: Value = serde_json::from_str(message).unwrap();
                text(&finding, "/metadata/uid").to_owned()
            };
            let ids: BTreeSet<_> = aws.messages("ocsf").iter().map(uid).collect();
            assert_eq!(ids.len(), 3, "{call} {moment:?}");
        }
    }
}

#[test]
fn hostile_texts_are_findings_like_any_other() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), EXPORT, &ALL);
    let mut alert = alert("KeyDisabled", "OPEN", "2026-11-20T10:00:00Z");
    let text = "\u{0}\u{202e}<script>\u{fffe}\u{200b}'\"\\{{x}}\n".repeat(900);
    for at in ["title", "summary", "severityReason"] {
        alert[at] = text.as_str().into();
    }
    for at in ["name", "arn", "sourceIp", "userAgent", "via", "accessKeyId"] {
        alert["actor"][at] = text.as_str().into();
    }
    alert["id"] = "../../other/object".into();
    alert["key"]["aliases"] = json!([text, text]);
    alert["links"]["key"] = "javascript:alert(1)".into();
    assert_eq!(deliver(&function, &[alert]), [0; 0]);
    assert_eq!(letters(&aws), [""; 0]);
    let (findings, objects) = (aws.findings(), aws.objects(BUCKET));
    assert_eq!((findings.len(), objects.len()), (1, 1));
    let path = objects.keys().next().unwrap();
    assert!(
        path.starts_with("AWSLogs/111122223333/KMSWatch/us-east-1/2026/11/20/"),
        "{path}"
    );
    assert!(!path.contains(".."), "{path}");
    assert!(!findings[0].to_string().contains("javascript"));
}

#[test]
fn an_event_that_is_no_batch_fails_and_nothing_is_taken_for_done() {
    let function = Function::start_on(aws(), EXPORT, &ONLY_HUB);
    for event in [json!({}), json!([1]), json!({"Records": [{"Sns": {}}]})] {
        let Invocation::Error(error) = function.invoke(event.to_string()) else {
            panic!("{event} was handled");
        };
        assert_eq!(error.error_type, "NoBatch");
    }
}

#[test]
fn it_does_not_start_without_a_way_out() {
    let variables = [("OCSF_BUCKET", "../x")];
    let function = Function::start_on(aws(), EXPORT, &variables);
    let (status, _, stderr) = function.end();
    assert_eq!(status.code(), Some(1));
    let line: Value = serde_json::from_str(stderr.trim()).unwrap();
    let problems = line["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        problems[0]
            .as_str()
            .unwrap()
            .starts_with("OCSF_BUCKET is malformed")
    );
    assert_eq!(problems[1], "FINDING_DEAD_LETTERS_URL is missing");
}
