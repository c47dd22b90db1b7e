//! Connections that are opened in advance are those that an event uses.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use watch_aws::{KmsAdapter, SnsAdapter, sdk, warm};
use watch_core::arn::KeyArn;
use watch_core::config::Config;
use watch_core::ports::{CallErrorKind, Kms, Message};

use crate::server::{Answer, Request, Server};

const ALERTS: &str = "arn:aws:sns:us-east-1:111122223333:alerts";

fn config(topics: &[(&str, &str)]) -> Config {
    let value = |name: &str| {
        topics
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| (*value).to_owned())
    };
    Config::from_lookup(value, &[]).unwrap()
}

fn all_topics() -> Config {
    config(&[
        ("ALERT_TOPIC_ARN", ALERTS),
        ("CHAT_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:chat"),
        ("FEED_TOPIC_ARN", "arn:aws:sns:us-east-1:111122223333:feed"),
    ])
}

fn key() -> KeyArn {
    "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap()
}

/// The reads that an event needs, all at once; `true` for each that was answered.
async fn reads(kms: &KmsAdapter) -> [bool; 6] {
    let key = &key();
    let answers = tokio::join!(
        kms.describe_key(key),
        kms.list_aliases(key),
        kms.list_resource_tags(key),
        kms.get_key_rotation_status(key),
        kms.list_materials(key),
        kms.get_key_last_usage(key),
    );
    let (a, b, c, d, e, f) = &answers;
    [
        a.is_ok(),
        b.is_ok(),
        c.is_ok(),
        d.is_ok(),
        e.is_ok(),
        f.is_ok(),
    ]
}

/// As far away as a service in the same Region, so that parallel calls are under way together.
fn slowly(request: &Request) -> Answer {
    std::thread::sleep(Duration::from_millis(40));
    match request.operation() {
        "DescribeKey" => Answer::ok(r#"{"KeyMetadata":{"KeyId":"k"}}"#),
        "Publish" => Answer::ok("<PublishResponse><PublishResult/></PublishResponse>"),
        "GetTopicAttributes" => Answer::ok("<GetTopicAttributesResponse/>"),
        _ => Answer::ok("{}"),
    }
}

#[tokio::test]
async fn an_event_finds_its_connections_open() {
    let (kms_server, sns_server) = (Server::start(slowly), Server::start(slowly));
    let kms = KmsAdapter::new(&sdk::local(&kms_server.url(), "us-east-1"));
    let sns = SnsAdapter::new(&sdk::local(&sns_server.url(), "us-east-1"));
    let config = all_topics();

    warm::up(&kms, &sns, None, &config).await;
    assert_eq!((kms_server.connections(), sns_server.connections()), (6, 3));

    assert_eq!(reads(&kms).await, [true; 6]);
    let topics = [
        Some(config.alert_topic),
        config.chat_topic,
        config.feed_topic,
    ];
    let messages: Vec<_> = topics
        .into_iter()
        .flatten()
        .map(|topic| Message {
            topic,
            subject: None,
            body: "x".into(),
            attributes: vec![],
        })
        .collect();
    assert!(
        join_all(messages.iter().map(|message| sns.publish(message)))
            .await
            .iter()
            .all(Result::is_ok)
    );

    assert_eq!(
        (kms_server.requests().len(), sns_server.requests().len()),
        (12, 6)
    );
    assert_eq!((kms_server.connections(), sns_server.connections()), (6, 3));
}

#[tokio::test]
async fn connections_that_died_while_the_function_slept_cost_nothing() {
    fn mortal(request: &Request) -> Answer {
        let in_advance =
            request.body == r#"{"Limit":1}"# || request.operation() == "GetTopicAttributes";
        let opened_in_advance = request.connection
            <= if request.operation() == "Publish" {
                1
            } else {
                6
            };
        if opened_in_advance && !in_advance {
            Answer::Hangup
        } else {
            slowly(request)
        }
    }
    let (kms_server, sns_server) = (Server::start(mortal), Server::start(mortal));
    let kms = KmsAdapter::new(&sdk::local(&kms_server.url(), "us-east-1"));
    let sns = SnsAdapter::new(&sdk::local(&sns_server.url(), "us-east-1"));
    let config = config(&[("ALERT_TOPIC_ARN", ALERTS)]);
    warm::up(&kms, &sns, None, &config).await;
    assert_eq!(reads(&kms).await, [true; 6]);
    let message = Message {
        topic: config.alert_topic,
        subject: None,
        body: "x".into(),
        attributes: vec![],
    };
    assert_eq!(sns.publish(&message).await, Ok(()));
    assert!(kms_server.connections() > 6, "all six were dead");
    assert_eq!(sns_server.connections(), 2);
}

#[tokio::test]
async fn the_calls_in_advance_are_small_and_name_only_what_the_role_may_read() {
    let server = Server::start(slowly);
    let sdk = sdk::local(&server.url(), "us-east-1");
    warm::up(
        &KmsAdapter::new(&sdk),
        &SnsAdapter::new(&sdk),
        None,
        &config(&[("ALERT_TOPIC_ARN", ALERTS)]),
    )
    .await;
    let requests = server.requests();
    let (kms, sns): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|request| request.operation() == "ListAliases");
    assert_eq!(
        kms.iter()
            .map(|request| request.body.as_str())
            .collect::<Vec<_>>(),
        [r#"{"Limit":1}"#; 6]
    );
    assert_eq!(sns.len(), 1);
    assert_eq!(sns[0].operation(), "GetTopicAttributes");
    assert!(
        sns[0]
            .body
            .contains("TopicArn=arn%3Aaws%3Asns%3Aus-east-1%3A111122223333%3Aalerts"),
        "{}",
        sns[0].body
    );
}

#[tokio::test]
async fn errors_in_advance_are_not_tried_again_and_stop_nothing() {
    let server = Server::start(|_| Answer::Http(500, vec![], String::new()));
    let sdk = sdk::local(&server.url(), "us-east-1");
    warm::up(
        &KmsAdapter::new(&sdk),
        &SnsAdapter::new(&sdk),
        None,
        &all_topics(),
    )
    .await;
    assert_eq!(server.requests().len(), 9);
}

#[tokio::test]
async fn the_start_waits_half_a_second_at_most() {
    let server = Server::start(|_| Answer::Silence);
    let sdk = sdk::local(&server.url(), "us-east-1");
    let start = Instant::now();
    warm::up(
        &KmsAdapter::new(&sdk),
        &SnsAdapter::new(&sdk),
        None,
        &all_topics(),
    )
    .await;
    assert!(
        (490..1500).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_sweep_that_is_throttled_asks_once_and_an_event_three_times() {
    let server =
        Server::start(|_| Answer::Http(400, vec![], r#"{"__type":"ThrottlingException"}"#.into()));
    let sdk = sdk::local(&server.url(), "us-east-1");
    for (kms, calls) in [
        (KmsAdapter::patient(&sdk), 1),
        (KmsAdapter::new(&sdk), 1 + 3),
    ] {
        let error = kms.describe_key(&key()).await.unwrap_err();
        assert_eq!(error.kind(), CallErrorKind::Throttled);
        assert_eq!(server.requests().len(), calls);
    }
}
