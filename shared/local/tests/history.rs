//! CloudTrail's event history: what it has whatever EventBridge delivered, when, in which order, and for whom.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::Client;
use jiff::SignedDuration;
use kms_local::{
    Caller, Delivery, ImportedMaterial, LocalAws, NewKey, Options, Policy, QuotaClock, Statement,
};
use serde_json::{Value, json};

/// Without the usual lag, so that a test can look at once.
fn start() -> (LocalAws, Client) {
    start_with(Options {
        event_history_lag: SignedDuration::ZERO,
        ..Options::default()
    })
}

fn start_with(options: Options) -> (LocalAws, Client) {
    let aws = LocalAws::start(options).unwrap();
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

fn lookup(client: &mut Client, body: &Value) -> Value {
    let reply = client.cloudtrail("us-east-1", "LookupEvents", body);
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json()
}

/// The error code.
fn refused(client: &mut Client, body: &Value) -> String {
    let reply = client.cloudtrail("us-east-1", "LookupEvents", body);
    assert_eq!(reply.status, 400, "{}", reply.text());
    assert!(reply.json()["Message"].is_string());
    reply.json()["__type"].as_str().unwrap().to_owned()
}

fn names(answer: &Value) -> Vec<&str> {
    let events = answer["Events"].as_array().unwrap().iter();
    events
        .map(|event| event["EventName"].as_str().unwrap())
        .collect()
}

fn by(key: &str, value: &str) -> Value {
    json!({"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]})
}

#[test]
fn an_event_has_the_members_of_the_api_and_the_record_as_text() {
    let (aws, mut client) = start();
    aws.as_caller(Caller::iam_user("alice"));
    let key = aws.add_key(NewKey::symmetric());
    aws.advance(SignedDuration::from_millis(700));
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    let answer = lookup(&mut client, &json!({}));
    let record = aws.take_events()[0]["detail"].clone();
    let event = &answer["Events"][0];
    let shown: Value = serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(shown, record, "what EventBridge delivers, word for word");
    assert_eq!(
        *event,
        json!({
            "EventId": record["eventID"],
            "EventName": "DisableKey",
            "ReadOnly": "false",
            "EventTime": aws.now().as_second(),
            "EventSource": "kms.amazonaws.com",
            "Username": "alice",
            "AccessKeyId": record["userIdentity"]["accessKeyId"],
            "Resources": [{"ResourceType": "AWS::KMS::Key", "ResourceName": key}],
            "CloudTrailEvent": event["CloudTrailEvent"],
        })
    );
    assert_eq!(answer.get("NextToken"), None);
}

#[test]
fn what_eventbridge_loses_is_in_the_history_after_the_lag() {
    let (aws, mut client) = start_with(Options {
        delivery: Delivery::nothing(),
        ..Options::default()
    });
    let key = aws.add_key(NewKey::symmetric());
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    aws.advance(SignedDuration::from_secs(5 * 60 - 1));
    assert_eq!(names(&lookup(&mut client, &json!({}))), [""; 0]);
    assert_eq!(aws.event_history().len(), 1);
    aws.advance(SignedDuration::from_secs(1));
    assert_eq!(names(&lookup(&mut client, &json!({}))), ["DisableKey"]);
    assert!(aws.take_events().is_empty());
    assert_eq!(aws.lost_events().len(), 1);
    aws.set_event_history_lag(SignedDuration::from_mins(15));
    assert_eq!(names(&lookup(&mut client, &json!({}))), [""; 0]);
}

#[test]
fn service_events_failures_and_nothing_but_records_are_in_it() {
    let (aws, mut client) = start();
    let expires = aws.now() + SignedDuration::from_hours(24);
    let material = ImportedMaterial::new([7; 32]).expiring(expires);
    aws.add_key(NewKey::imported().material(material));
    aws.add_key(
        NewKey::symmetric()
            .created(aws.now())
            .rotating_every(90)
            .id("00000000-0000-4000-8000-000000000001"),
    );
    let doomed = aws.add_key(NewKey::symmetric());
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": doomed, "PendingWindowInDays": 7}),
    )
    .unwrap();
    let again = json!({"KeyId": doomed});
    assert!(aws.call("DisableKey", again.clone()).is_err());
    // A read leaves no record, unless the simulator was told to make one.
    aws.call("DescribeKey", again).unwrap();
    aws.advance_days(90);
    let answer = lookup(&mut client, &json!({}));
    assert_eq!(
        names(&answer),
        [
            "RotateKey",
            "DeleteKey",
            "DeleteExpiredKeyMaterial",
            "DisableKey",
            "ScheduleKeyDeletion",
        ]
    );
    assert!(answer["Events"][0].get("Username").is_none());
    let failed: Value =
        serde_json::from_str(answer["Events"][3]["CloudTrailEvent"].as_str().unwrap()).unwrap();
    assert_eq!(failed["errorCode"], "KMSInvalidStateException");
    // Ninety days: the first two have just gone.
    aws.advance(SignedDuration::from_secs(1));
    assert_eq!(
        names(&lookup(&mut client, &json!({}))),
        ["RotateKey", "DeleteKey", "DeleteExpiredKeyMaterial"]
    );
}

#[test]
fn reads_are_in_it_if_the_simulator_records_them() {
    let (aws, mut client) = start_with(Options {
        read_only_events: true,
        event_history_lag: SignedDuration::ZERO,
        ..Options::default()
    });
    let key = aws.add_key(NewKey::symmetric());
    client.kms("DescribeKey", &json!({"KeyId": key}));
    client.kms("DisableKey", &json!({"KeyId": key}));
    let reads = lookup(&mut client, &by("ReadOnly", "true"));
    assert_eq!(names(&reads), ["DescribeKey"]);
    assert_eq!(reads["Events"][0]["ReadOnly"], "true");
    let writes = lookup(&mut client, &by("ReadOnly", "false"));
    assert_eq!(names(&writes), ["DisableKey"]);
}

#[test]
fn every_attribute_finds_its_own() {
    let (aws, mut client) = start();
    let (first, second) = (
        aws.add_key(NewKey::symmetric()),
        aws.add_key(NewKey::symmetric()),
    );
    aws.as_caller(Caller::assumed_role("Admin", "j.okafor"));
    aws.call("DisableKey", json!({"KeyId": first})).unwrap();
    aws.as_caller(Caller::root());
    aws.call("EnableKey", json!({"KeyId": second})).unwrap();
    let all = lookup(&mut client, &json!({}));
    assert_eq!(names(&all), ["EnableKey", "DisableKey"]);
    let of_first = &all["Events"][1];
    for (key, value) in [
        ("EventId", of_first["EventId"].as_str().unwrap()),
        ("EventName", "DisableKey"),
        ("Username", "j.okafor"),
        ("ResourceName", first.as_str()),
        ("AccessKeyId", of_first["AccessKeyId"].as_str().unwrap()),
    ] {
        let found = lookup(&mut client, &by(key, value));
        assert_eq!(names(&found), ["DisableKey"], "{key}");
    }
    for (key, value) in [
        ("EventSource", "kms.amazonaws.com"),
        ("ResourceType", "AWS::KMS::Key"),
        ("ReadOnly", "false"),
    ] {
        assert_eq!(names(&lookup(&mut client, &by(key, value))).len(), 2);
        assert_eq!(
            names(&lookup(&mut client, &by(key, "other"))).len(),
            0,
            "{key}"
        );
    }
    let root = lookup(&mut client, &by("Username", "root"));
    assert_eq!(names(&root), ["EnableKey"]);
    let insights = lookup(&mut client, &json!({"EventCategory": "insight"}));
    assert_eq!(names(&insights).len(), 0);
}

#[test]
fn both_ends_of_the_time_range_are_part_of_it() {
    let (aws, mut client) = start();
    let key = aws.add_key(NewKey::symmetric());
    let began = aws.now().as_second();
    for operation in ["DisableKey", "EnableKey", "DisableKey", "EnableKey"] {
        aws.call(operation, json!({"KeyId": key})).unwrap();
        aws.advance(SignedDuration::from_secs(10));
    }
    let mut times = |start: i64, end: i64| -> Vec<i64> {
        let range = json!({"StartTime": began + start, "EndTime": began + end});
        let found = lookup(&mut client, &range);
        let events = found["Events"].as_array().unwrap().iter();
        events
            .map(|event| event["EventTime"].as_i64().unwrap() - began)
            .collect()
    };
    assert_eq!(times(10, 20), [20, 10]);
    assert_eq!(times(11, 19), [0_i64; 0]);
    assert_eq!(times(0, 0), [0]);
    assert_eq!(times(-100, 1000), [30, 20, 10, 0]);
    assert_eq!(
        refused(
            &mut client,
            &json!({"StartTime": began + 1, "EndTime": began})
        ),
        "InvalidTimeRangeException"
    );
}

#[test]
fn pages_follow_each_other_while_events_come() {
    let (aws, mut client) = start();
    let key = aws.add_key(NewKey::symmetric());
    let tag = |number: u32| {
        let tags = json!([{"TagKey": "n", "TagValue": number.to_string()}]);
        aws.call("TagResource", json!({"KeyId": key, "Tags": tags}))
            .unwrap();
    };
    (0..120).for_each(tag);
    let mut body = by("EventName", "TagResource");
    let mut seen: Vec<String> = Vec::new();
    let mut sizes = Vec::new();
    loop {
        let page = lookup(&mut client, &body);
        let events = page["Events"].as_array().unwrap();
        sizes.push(events.len());
        seen.extend(events.iter().map(|event| {
            let record: Value =
                serde_json::from_str(event["CloudTrailEvent"].as_str().unwrap()).unwrap();
            let value = &record["requestParameters"]["tags"][0]["tagValue"];
            value.as_str().unwrap().to_owned()
        }));
        // What comes between two pages is on neither.
        tag(1000);
        match page.get("NextToken") {
            Some(token) => body["NextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(sizes, [50, 50, 20], "fifty at most, and no empty page");
    let newest_first: Vec<String> = (0..120).rev().map(|n: u32| n.to_string()).collect();
    assert_eq!(seen, newest_first);
    let small = lookup(&mut client, &json!({"MaxResults": 1}));
    assert_eq!(names(&small).len(), 1);
    // A token belongs to its parameters and its Region.
    let token = &small["NextToken"];
    let mut other = by("EventName", "TagResource");
    other["NextToken"] = token.clone();
    assert_eq!(refused(&mut client, &other), "InvalidNextTokenException");
    let elsewhere = json!({"NextToken": token});
    let reply = client.cloudtrail("eu-west-1", "LookupEvents", &elsewhere);
    assert_eq!(reply.json()["__type"], "InvalidNextTokenException");
    assert_eq!(
        refused(&mut client, &json!({"NextToken": "?"})),
        "InvalidNextTokenException"
    );
}

#[test]
fn wrong_requests_have_the_errors_of_the_api() {
    let (_aws, mut client) = start();
    let two = json!({"LookupAttributes": [
        {"AttributeKey": "EventName", "AttributeValue": "a"},
        {"AttributeKey": "ReadOnly", "AttributeValue": "true"},
    ]});
    for (body, code) in [
        (two, "InvalidLookupAttributesException"),
        (by("Colour", "red"), "InvalidLookupAttributesException"),
        (by("EventName", ""), "InvalidLookupAttributesException"),
        (json!({"MaxResults": 0}), "InvalidMaxResultsException"),
        (json!({"MaxResults": 51}), "InvalidMaxResultsException"),
        (
            json!({"EventCategory": "data"}),
            "InvalidEventCategoryException",
        ),
        (json!([]), "SerializationException"),
    ] {
        assert_eq!(refused(&mut client, &body), code, "{body}");
    }
    let other = client.cloudtrail("us-east-1", "CreateTrail", &json!({}));
    assert_eq!(other.json()["__type"], "UnknownOperationException");
}

#[test]
fn the_history_is_that_of_the_region_of_the_call() {
    let (aws, mut client) = start();
    let here = aws.add_key(NewKey::multi_region(&[]));
    aws.call(
        "ReplicateKey",
        json!({"KeyId": here, "ReplicaRegion": "eu-west-1"}),
    )
    .unwrap();
    assert_eq!(names(&lookup(&mut client, &json!({}))), ["ReplicateKey"]);
    let there = client.cloudtrail("eu-west-1", "LookupEvents", &json!({}));
    assert_eq!(names(&there.json()), ["CreateKey"]);
    let nowhere = client.cloudtrail("sa-east-1", "LookupEvents", &json!({}));
    assert_eq!(names(&nowhere.json()), [""; 0]);
}

#[test]
fn lookups_are_limited_to_two_a_second() {
    let (aws, mut client) = start_with(Options {
        quotas: Some(QuotaClock::Virtual),
        ..Options::default()
    });
    lookup(&mut client, &json!({}));
    lookup(&mut client, &json!({}));
    assert_eq!(refused(&mut client, &json!({})), "ThrottlingException");
    let elsewhere = client.cloudtrail("eu-west-1", "LookupEvents", &json!({}));
    assert_eq!(elsewhere.status, 200, "another Region, another quota");
    aws.advance(SignedDuration::from_secs(1));
    lookup(&mut client, &json!({}));
    assert_eq!(aws.requests()[0].service, "cloudtrail");
}

#[test]
fn lookups_need_their_permission() {
    let (aws, mut client) = start();
    aws.restrict(
        "AKIATEST",
        Policy::new([Statement::allow(["kms:*"], ["*"])]),
    );
    assert_eq!(refused(&mut client, &json!({})), "AccessDeniedException");
    let grant = Statement::allow(["cloudtrail:LookupEvents"], ["*"]);
    aws.restrict("AKIATEST", Policy::new([grant]));
    lookup(&mut client, &json!({}));
    assert_eq!(aws.unused_permissions("AKIATEST"), []);
    // There is no resource that the permission could be limited to.
    let one = Statement::allow(["cloudtrail:LookupEvents"], ["arn:aws:cloudtrail:*:*:*"]);
    aws.restrict("AKIATEST", Policy::new([one]));
    assert_eq!(refused(&mut client, &json!({})), "AccessDeniedException");
    aws.restrict("AKIATEST", Policy::new([]));
    aws.faults().fail("LookupEvents", 1);
    let failed = client.cloudtrail("us-east-1", "LookupEvents", &json!({}));
    assert_eq!(failed.status, 500);
    let headers = [("x-amz-target", "CloudTrail_20131101.LookupEvents")];
    let unsigned = client.send("POST", "/", &headers, b"{}").unwrap();
    assert_eq!(
        unsigned.json()["__type"],
        "MissingAuthenticationTokenException"
    );
}

#[test]
fn older_clients_send_the_whole_namespace() {
    let (_aws, mut client) = start();
    let headers = [
        (
            "x-amz-target",
            "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents",
        ),
        (
            "authorization",
            "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/us-east-1/cloudtrail/aws4_request",
        ),
    ];
    let reply = client.send("POST", "/", &headers, b"{}").unwrap();
    assert_eq!(reply.json(), json!({"Events": []}));
}
