//! The wire: what an SDK sends and gets.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::time::{Duration, Instant};

use common::Client;
use kms_local::{Caller, LocalAws, NewKey, Options};
use serde_json::json;

fn start() -> (LocalAws, Client) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

#[test]
fn a_key_is_made_and_read_over_one_connection() {
    let (aws, mut client) = start();
    let made = client.kms("CreateKey", &json!({"Description": "ledger"}));
    assert_eq!(made.status, 200);
    assert_eq!(made.headers["content-type"], "application/x-amz-json-1.1");
    assert!(made.headers.contains_key("x-amzn-requestid"));
    let arn = made.json()["KeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        made.json()["KeyMetadata"]["CreationDate"],
        json!(1_795_168_800.0)
    );

    let alias = json!({"AliasName": "alias/ledger", "TargetKeyId": arn});
    assert!(client.kms("CreateAlias", &alias).body.is_empty());
    let id = arn.rsplit('/').next().unwrap();
    let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/ledger";
    for name in [id, &arn, "alias/ledger", alias_arn] {
        let read = client.kms("DescribeKey", &json!({"KeyId": name})).json();
        assert_eq!(read["KeyMetadata"]["Arn"], arn.as_str(), "{name}");
        assert_eq!(read["KeyMetadata"]["Description"], "ledger");
    }
    assert_eq!(aws.request_counts()["DescribeKey"], 4);
}

#[test]
fn errors_have_a_code_a_text_and_a_status() {
    let (_aws, mut client) = start();
    let missing = "00000000-0000-4000-8000-000000000000";
    let error = client.kms("DescribeKey", &json!({"KeyId": missing}));
    assert_eq!(error.status, 400);
    assert_eq!(
        error.json(),
        json!({
            "__type": "NotFoundException",
            "message": format!("Key 'arn:aws:kms:us-east-1:111122223333:key/{missing}' does not exist"),
        })
    );
    let error = client
        .kms("DescribeKey", &json!({"KeyId": "alias/none"}))
        .json();
    assert_eq!(
        error["message"],
        "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found."
    );
    let foreign = json!({"KeyId": format!("arn:aws:kms:us-east-1:444455556666:key/{missing}")});
    assert_eq!(
        client.kms("DescribeKey", &foreign).json()["__type"],
        "AccessDeniedException"
    );
    let unknown = client.kms("MakeCoffee", &json!({}));
    assert_eq!(
        (unknown.status, &unknown.json()["__type"]),
        (400, &json!("UnknownOperationException"))
    );
    let broken = client.kms("DescribeKey", &json!([1]));
    assert_eq!(broken.json()["__type"], "SerializationException");
}

#[test]
fn the_region_comes_from_the_signature() {
    let (aws, mut client) = start();
    let arn = aws.add_key(NewKey::symmetric().in_region("eu-west-1"));
    let body = json!({"KeyId": arn});
    assert_eq!(
        client
            .kms_in("eu-west-1", "DescribeKey", &body)
            .unwrap()
            .status,
        200
    );
    let elsewhere = client
        .kms_in("us-east-1", "DescribeKey", &body)
        .unwrap()
        .json();
    assert_eq!(elsewhere["__type"], "NotFoundException");
    let requests = aws.requests();
    assert_eq!(
        (requests[0].region.as_str(), requests[0].error.as_deref()),
        ("eu-west-1", None)
    );
    assert_eq!(requests[1].error.as_deref(), Some("NotFoundException"));
    assert_eq!(requests[1].access_key, "AKIATEST");
    assert_eq!(requests[1].resource.as_deref(), Some(arn.as_str()));
}

#[test]
fn unsigned_and_oversized_requests_are_refused() {
    let (aws, mut client) = start();
    let unsigned = client
        .send(
            "POST",
            "/",
            &[("x-amz-target", "TrentService.ListKeys")],
            b"{}",
        )
        .unwrap();
    assert_eq!(unsigned.status, 400);
    assert_eq!(
        unsigned.json()["__type"],
        "MissingAuthenticationTokenException"
    );
    let unsigned = client.send("POST", "/", &[], b"Action=Publish").unwrap();
    assert_eq!(unsigned.status, 403);
    assert!(
        unsigned
            .text()
            .contains("<Code>MissingAuthenticationToken</Code>")
    );
    assert_eq!(client.send("GET", "/", &[], b"").unwrap().status, 404);
    assert!(aws.requests().is_empty());

    // The server may answer and close before all of it is sent.
    let big = vec![b' '; 2 * 1024 * 1024 + 1];
    let refused = Client::connect(&aws.endpoint_url()).send("POST", "/", &[], &big);
    assert!(refused.is_none_or(|reply| reply.status == 413));
}

#[test]
fn callers_are_told_apart_by_access_key() {
    let (aws, mut client) = start();
    aws.caller_for("AKIATEST", Caller::assumed_role("KmsWatch", "function"));
    client.kms("CreateKey", &json!({}));
    aws.call("CreateKey", json!({})).unwrap();
    let arns: Vec<_> = aws
        .take_events()
        .iter()
        .map(|event| {
            event["detail"]["userIdentity"]["arn"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        arns,
        [
            "arn:aws:sts::111122223333:assumed-role/KmsWatch/function",
            "arn:aws:sts::111122223333:assumed-role/KeyAdmin/j.okafor",
        ]
    );
}

#[test]
fn denied_throttled_and_failed_calls_have_no_effect() {
    let (aws, mut client) = start();
    let key = aws.add_key(NewKey::symmetric());
    let body = json!({"KeyId": key});
    aws.faults().throttle("DisableKey", 1).fail("DisableKey", 1);
    let codes: Vec<_> = (0..3)
        .map(|_| {
            let reply = client.kms("DisableKey", &body);
            let code = if reply.status == 200 {
                json!(null)
            } else {
                reply.json()["__type"].clone()
            };
            (reply.status, code)
        })
        .collect();
    assert_eq!(
        codes,
        [
            (400, json!("ThrottlingException")),
            (500, json!("KMSInternalException")),
            (200, json!(null))
        ]
    );

    aws.faults().on(&key).deny("*");
    let denied = client.kms("EnableKey", &body);
    assert_eq!(
        denied.json()["message"],
        format!(
            "User: arn:aws:sts::111122223333:assumed-role/KeyAdmin/j.okafor is not authorized to perform: \
             kms:EnableKey on resource: {key} because no identity-based policy allows the kms:EnableKey action"
        )
    );
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    aws.faults().clear();
    assert_eq!(client.kms("EnableKey", &body).status, 200);
    // Throttled and failed calls leave no record; the denied one does.
    let names: Vec<_> = aws
        .take_events()
        .iter()
        .map(|e| {
            (
                e["detail"]["eventName"].clone(),
                e["detail"]["errorCode"].clone(),
            )
        })
        .collect();
    assert_eq!(
        names,
        [
            (json!("DisableKey"), json!(null)),
            (json!("EnableKey"), json!("AccessDenied")),
            (json!("EnableKey"), json!(null)),
        ]
    );
}

#[test]
fn a_reset_closes_the_connection_and_nothing_else() {
    let (aws, mut client) = start();
    aws.faults().reset("ListKeys", 1);
    assert!(client.kms_in("us-east-1", "ListKeys", &json!({})).is_none());
    let mut again = Client::connect(&aws.endpoint_url());
    assert_eq!(again.kms("ListKeys", &json!({})).status, 200);
    assert_eq!(aws.requests()[0].error.as_deref(), Some("ConnectionReset"));
}

#[test]
fn a_slow_call_does_not_hold_up_others() {
    let (aws, mut slow) = start();
    aws.faults().slow("ListKeys", Duration::from_millis(600));
    let mut quick = Client::connect(&aws.endpoint_url());
    let started = Instant::now();
    let waiting = std::thread::spawn(move || slow.kms("ListKeys", &json!({})).status);
    while aws.requests().is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(quick.kms("ListAliases", &json!({})).status, 200);
    assert!(started.elapsed() < Duration::from_millis(600));
    assert_eq!(waiting.join().unwrap(), 200);
    assert!(started.elapsed() >= Duration::from_millis(600));
}

#[test]
fn the_port_is_free_after_the_drop() {
    let (aws, mut client) = start();
    let address = aws
        .endpoint_url()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    drop(aws);
    assert!(client.kms_in("us-east-1", "ListKeys", &json!({})).is_none());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_publication_is_kept_word_for_word() {
    let (aws, mut client) = start();
    let topic = aws.create_topic("alerts");
    let answer = client.sns(&[
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", &topic),
        ("Subject", "Key deleted"),
        ("Message", "a & b\n<c> é"),
        ("MessageAttributes.entry.1.Name", "kind"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", "key-deleted"),
    ]);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "text/xml");
    let published = aws.published(&topic);
    assert_eq!(published.len(), 1);
    assert_eq!(published[0].subject.as_deref(), Some("Key deleted"));
    assert_eq!(published[0].message, "a & b\n<c> é");
    assert_eq!(published[0].attribute("kind"), Some("key-deleted"));
    assert_eq!(published[0].at, aws.now());
    assert!(answer.text().contains(&format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{}</MessageId>",
        published[0].message_id
    )));
    assert_eq!(aws.take_published(&topic).len(), 1);
    assert!(aws.published(&topic).is_empty());
}

#[test]
fn sns_refuses_in_xml() {
    let (aws, mut client) = start();
    let topic = aws.create_topic("alerts");
    let publish = |client: &mut Client, topic: &str, subject: &str| {
        let reply = client.sns(&[
            ("Action", "Publish"),
            ("TopicArn", topic),
            ("Message", "m"),
            ("Subject", subject),
        ]);
        (reply.status, reply.text())
    };
    let (status, body) = publish(&mut client, "arn:aws:sns:us-east-1:111122223333:none", "s");
    assert_eq!(status, 404);
    assert!(
        body.contains("<ErrorResponse")
            && body.contains("<Type>Sender</Type><Code>NotFound</Code>")
    );
    let (status, body) = publish(&mut client, &topic, "two\nlines");
    assert_eq!(status, 400);
    assert!(
        body.contains("<Code>InvalidParameter</Code><Message>Invalid parameter: Subject</Message>")
    );

    aws.faults().on(&topic).fail("Publish", 1);
    aws.faults().throttle("Publish", 1);
    let other = aws.create_topic("others");
    assert_eq!(publish(&mut client, &other, "s").0, 400, "throttled");
    let (status, body) = publish(&mut client, &topic, "s");
    assert_eq!(status, 500);
    assert!(body.contains("<Type>Receiver</Type><Code>InternalError</Code>"));
    aws.faults().deny("Publish");
    let (status, body) = publish(&mut client, &topic, "s");
    assert_eq!(status, 403);
    assert!(body.contains("<Code>AuthorizationError</Code>") && body.contains("SNS:Publish"));
    assert!(aws.published(&topic).is_empty());
}

#[test]
fn topics_can_be_made_and_looked_at_over_the_wire() {
    let (aws, mut client) = start();
    let made = client
        .sns(&[("Action", "CreateTopic"), ("Name", "alerts")])
        .text();
    let arn = "arn:aws:sns:us-east-1:111122223333:alerts";
    assert!(made.contains(&format!("<TopicArn>{arn}</TopicArn>")));
    let read = client
        .sns(&[("Action", "GetTopicAttributes"), ("TopicArn", arn)])
        .text();
    assert!(read.contains("<key>Owner</key><value>111122223333</value>"));
    assert_eq!(
        client
            .sns(&[("Action", "CreateTopic"), ("Name", "a b")])
            .status,
        400
    );
    assert_eq!(client.sns(&[("Action", "Subscribe")]).status, 400);
    assert_eq!(aws.requests()[1].service, "sns");
}
