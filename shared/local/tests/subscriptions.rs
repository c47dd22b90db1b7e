//! Subscriptions: filtered, by protocol, and suspended when mail is too much.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::Client;
use jiff::SignedDuration;
use kms_local::{FilterScope, LocalAws, Options};
use serde_json::json;

fn start() -> (LocalAws, Client, String) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let client = Client::connect(&aws.endpoint_url());
    let topic = aws.create_topic("alerts");
    (aws, client, topic)
}

fn publish(client: &mut Client, topic: &str, kind: &str, message: &str, structure: Option<&str>) {
    let mut form = vec![
        ("Action", "Publish"),
        ("TopicArn", topic),
        ("Message", message),
        ("MessageAttributes.entry.1.Name", "kind"),
        ("MessageAttributes.entry.1.Value.DataType", "String"),
        ("MessageAttributes.entry.1.Value.StringValue", kind),
    ];
    form.extend(structure.map(|structure| ("MessageStructure", structure)));
    assert_eq!(client.sns(&form).status, 200);
}

fn between<'a>(text: &'a str, tag: &str) -> &'a str {
    let tail = text.split_once(&format!("<{tag}>")).unwrap().1;
    tail.split_once(&format!("</{tag}>")).unwrap().0
}

#[test]
fn each_subscription_gets_what_its_filter_lets_through() {
    let (aws, mut client, topic) = start();
    let all = aws.subscribe(&topic, "sqs", "arn:all").unwrap();
    let some = aws.subscribe(&topic, "sqs", "arn:some").unwrap();
    let by_body = aws.subscribe(&topic, "lambda", "arn:body").unwrap();
    let policy = json!({"kind": [{"prefix": "key-"}]});
    aws.filter_subscription(&some, FilterScope::MessageAttributes, &policy)
        .unwrap();
    let policy = json!({"severity": [{"numeric": [">=", 40]}]});
    aws.filter_subscription(&by_body, FilterScope::MessageBody, &policy)
        .unwrap();
    publish(
        &mut client,
        &topic,
        "key-deleted",
        r#"{"severity":20}"#,
        None,
    );
    publish(&mut client, &topic, "digest", r#"{"severity":60}"#, None);
    publish(&mut client, &topic, "digest", "no JSON", None);
    assert_eq!(aws.inbox(&all).len(), 3);
    assert_eq!(aws.inbox(&some).len(), 1);
    assert_eq!(aws.inbox(&some)[0].attribute("kind"), Some("key-deleted"));
    assert_eq!(aws.inbox(&by_body)[0].message, r#"{"severity":60}"#);
    assert_eq!(aws.inbox(&by_body).len(), 1);
    assert_eq!(aws.published(&topic).len(), 3, "the topic has it all");
}

#[test]
fn each_protocol_gets_its_own_body() {
    let (aws, mut client, topic) = start();
    let mail = aws.subscribe(&topic, "email", "a@example.com").unwrap();
    let queue = aws.subscribe(&topic, "sqs", "arn:queue").unwrap();
    let bodies = json!({"default": "for all", "email": "for people"}).to_string();
    publish(&mut client, &topic, "k", &bodies, Some("json"));
    assert_eq!(aws.inbox(&mail)[0].message, "for people");
    assert_eq!(aws.inbox(&queue)[0].message, "for all");
}

#[test]
fn subscriptions_are_made_changed_and_ended_over_the_wire() {
    let (aws, mut client, topic) = start();
    let subscribe = [
        ("Action", "Subscribe"),
        ("TopicArn", &*topic),
        ("Protocol", "sqs"),
        ("Endpoint", "arn:queue"),
        ("Attributes.entry.1.key", "FilterPolicy"),
        ("Attributes.entry.1.value", r#"{"kind":["a"]}"#),
    ];
    let text = client.sns(&subscribe).text();
    let arn = between(&text, "SubscriptionArn").to_owned();
    assert!(arn.starts_with(&format!("{topic}:")));
    let again = client.sns(&subscribe).text();
    assert_eq!(between(&again, "SubscriptionArn"), arn);
    let other = client.sns(&subscribe[..4]);
    assert_eq!(other.status, 400, "the same endpoint with other attributes");

    let set = |name: &str, value: &str| {
        let mut client = Client::connect(&aws.endpoint_url());
        client.sns(&[
            ("Action", "SetSubscriptionAttributes"),
            ("SubscriptionArn", &arn),
            ("AttributeName", name),
            ("AttributeValue", value),
        ])
    };
    assert_eq!(set("FilterPolicy", r#"{"kind":["b"]}"#).status, 200);
    let refused = set("FilterPolicy", r#"{"kind":"b"}"#);
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("Invalid parameter: FilterPolicy:"));
    publish(&mut client, &topic, "a", "m", None);
    publish(&mut client, &topic, "b", "m", None);
    assert_eq!(aws.inbox(&arn).len(), 1);
    assert_eq!(set("FilterPolicyScope", "MessageBody").status, 200);
    let read = [
        ("Action", "GetSubscriptionAttributes"),
        ("SubscriptionArn", &*arn),
    ];
    let read = client.sns(&read).text();
    assert!(read.contains("<key>FilterPolicyScope</key><value>MessageBody</value>"));

    let list = [
        ("Action", "ListSubscriptionsByTopic"),
        ("TopicArn", &*topic),
    ];
    assert_eq!(client.sns(&list).text().matches("<member>").count(), 1);
    let end = [("Action", "Unsubscribe"), ("SubscriptionArn", &*arn)];
    assert_eq!(client.sns(&end).status, 200);
    assert_eq!(client.sns(&list).text().matches("<member>").count(), 0);
}

#[test]
fn subscriptions_come_in_pages_and_filters_have_a_limit() {
    let (aws, mut client, topic) = start();
    let policy = r#"{"kind":["a"]}"#;
    let mut subscribe = |number: usize| {
        client
            .sns(&[
                ("Action", "Subscribe"),
                ("TopicArn", &topic),
                ("Protocol", "sqs"),
                ("Endpoint", &format!("arn:queue-{number}")),
                ("Attributes.entry.1.key", "FilterPolicy"),
                ("Attributes.entry.1.value", policy),
            ])
            .status
    };
    assert!((0..200).all(|number| subscribe(number) == 200));
    assert_eq!(subscribe(200), 403);
    let list = |token: &[(&str, &str)]| {
        let mut form = vec![
            ("Action", "ListSubscriptionsByTopic"),
            ("TopicArn", &*topic),
        ];
        form.extend(token);
        Client::connect(&aws.endpoint_url()).sns(&form).text()
    };
    let first = list(&[]);
    assert_eq!(first.matches("<member>").count(), 100);
    let second = list(&[("NextToken", between(&first, "NextToken"))]);
    assert_eq!(second.matches("<member>").count(), 100);
    assert!(!second.contains("NextToken"));
}

#[test]
fn more_than_ten_mails_a_second_suspend_the_subscription() {
    let (aws, mut client, topic) = start();
    let mail = aws.subscribe(&topic, "email", "a@example.com").unwrap();
    aws.subscribe(&topic, "sqs", "arn:queue").unwrap();
    let second = SignedDuration::from_secs(1);
    for number in 0..20 {
        if number == 10 {
            aws.advance(second);
        }
        publish(&mut client, &topic, "k", "m", None);
    }
    assert!(aws.email_suspensions().is_empty(), "ten in each second");
    publish(&mut client, &topic, "k", "m", None);
    let suspended = aws.email_suspensions();
    assert_eq!(suspended.len(), 1);
    assert_eq!(suspended[0].subscription_arn, mail);
    assert_eq!(suspended[0].at, aws.now());
}

#[test]
fn not_everything_can_be_subscribed() {
    let (aws, _client, topic) = start();
    assert_eq!(aws.subscribe(&topic, "pigeon", "roof"), None);
    assert_eq!(
        aws.subscribe("arn:aws:sns:us-east-1:111122223333:no", "sqs", "q"),
        None
    );
    let fifo = aws.create_topic("alerts.fifo");
    assert_eq!(aws.subscribe(&fifo, "email", "a@example.com"), None);
    assert!(aws.subscribe(&fifo, "sqs", "arn:queue.fifo").is_some());
}
