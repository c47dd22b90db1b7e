//! What the services answer about the parts of the watch, in the words of the port.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;

use super::*;
use crate::sdk;

fn parts(answers: &[(u16, &str)]) -> (PartsAdapter, StaticReplayClient) {
    let event = |(status, body): &(u16, &str)| {
        let response = http::Response::builder().status(*status);
        ReplayEvent::new(
            http::Request::new(SdkBody::empty()),
            response.body(SdkBody::from(*body)).unwrap(),
        )
    };
    let client = StaticReplayClient::new(answers.iter().map(event).collect());
    let sdk = sdk::local("http://localhost:1", "eu-west-1")
        .into_builder()
        .http_client(client.clone())
        .build();
    (PartsAdapter::new(&sdk), client)
}

#[tokio::test]
async fn a_list_of_rules_is_read_to_its_end_and_none_that_leads_to_itself() {
    let first = r#"{"Rules":[{"Name":"a","State":"ENABLED","EventPattern":"{\"source\":[\"x\"]}"}],"NextToken":"t"}"#;
    let last = r#"{"Rules":[{"Name":"b","State":"DISABLED"}]}"#;
    let (adapter, client) = parts(&[(200, first), (200, last)]);
    let rules = adapter.rules("k").await.unwrap();
    assert_eq!(rules[0].pattern, json!({"source": ["x"]}));
    assert_eq!(
        (
            rules[1].name.as_str(),
            rules[1].state.as_str(),
            &rules[1].pattern
        ),
        ("b", "DISABLED", &Value::Null)
    );
    let second = client.actual_requests().nth(1).unwrap();
    let asked = std::str::from_utf8(second.body().bytes().unwrap()).unwrap();
    assert!(asked.contains(r#""NextToken":"t""#), "{asked}");
    let (adapter, _) = parts(&[(200, first), (200, first)]);
    assert_eq!(
        adapter.rules("k").await.unwrap_err().code().as_str(),
        "UnreadableResponse"
    );
}

#[tokio::test]
async fn what_a_target_gets_instead_of_the_event_is_kept() {
    let answer = r#"{"Targets":[{"Id":"1","Arn":"a"},{"Id":"2","Arn":"b","InputTransformer":{"InputTemplate":"t"}}]}"#;
    let (adapter, _) = parts(&[(200, answer)]);
    let targets = adapter.targets("r").await.unwrap();
    assert_eq!(targets[0].input, Value::Null);
    assert_eq!(
        targets[1].input,
        json!({"InputTransformer": {"InputTemplate": "t"}})
    );
}

#[tokio::test]
async fn a_function_is_three_answers_and_its_name_no_path() {
    let none = r#"{"__type":"ResourceNotFoundException","message":"no EventInvokeConfig"}"#;
    let (adapter, client) = parts(&[
        (200, r#"{"CodeSha256":"c"}"#),
        (200, r#"{"ReservedConcurrentExecutions":0}"#),
        (404, none),
    ]);
    let function = adapter.function("kms-watch-F-1").await.unwrap();
    assert_eq!(function.configuration["CodeSha256"], "c");
    assert_eq!(
        (function.concurrency, function.invocation),
        (Some(0), Value::Null)
    );
    let paths: Vec<_> = client
        .actual_requests()
        .map(|request| request.uri().split("/20").nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(
        paths,
        [
            "15-03-31/functions/kms-watch-F-1/configuration",
            "19-09-30/functions/kms-watch-F-1/concurrency",
            "19-09-25/functions/kms-watch-F-1/event-invoke-config"
        ]
    );
    for name in ["", "../x", "a/b", "a?b"] {
        let (adapter, client) = parts(&[]);
        adapter.function(name).await.unwrap_err();
        assert_eq!(client.actual_requests().count(), 0, "{name}");
    }
}

#[tokio::test]
async fn a_trail_that_went_is_none_and_one_that_may_not_be_seen_is_an_error() {
    let listed = r#"{"trailList":[{"TrailARN":"arn:t"}]}"#;
    let gone = r#"{"__type":"TrailNotFoundException","message":"gone"}"#;
    let (adapter, _) = parts(&[(200, listed), (400, gone)]);
    assert_eq!(adapter.trails().await.unwrap(), []);
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    let (adapter, _) = parts(&[(200, listed), (400, denied)]);
    assert_eq!(
        adapter.trails().await.unwrap_err().kind(),
        CallErrorKind::Denied
    );
    let answers = [
        (200, listed),
        (200, r#"{"IsLogging":true}"#),
        (200, r#"{"EventSelectors":[]}"#),
    ];
    let (adapter, _) = parts(&answers);
    let trails = adapter.trails().await.unwrap();
    assert!(trails[0].logging && trails[0].arn == "arn:t");
}
