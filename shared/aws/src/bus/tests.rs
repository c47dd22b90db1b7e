use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use watch_core::ports::CallErrorKind;

use super::*;
use crate::sdk;

fn event(bus: &str) -> BusEvent {
    BusEvent {
        bus: bus.parse().unwrap(),
        detail_type: "KeyDeleted",
        detail: r#"{"kind":"KeyDeleted"}"#.into(),
        resources: vec!["arn:aws:kms:us-east-1:111122223333:key/k".into()],
    }
}

/// What is put with these answers, and the requests.
async fn put(bus: &str, answers: &[(u16, Value)]) -> (Result<(), CallError>, StaticReplayClient) {
    let exchange = |(status, body): &(u16, Value)| {
        let request = http::Request::builder().body(SdkBody::empty()).unwrap();
        let answer = http::Response::builder()
            .status(*status)
            .body(SdkBody::from(body.to_string()));
        ReplayEvent::new(request, answer.unwrap())
    };
    let client = StaticReplayClient::new(answers.iter().map(exchange).collect());
    let builder = Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"));
    let adapter = BusAdapter::from_builder(builder.http_client(client.clone()));
    (adapter.put(&event(bus)).await, client)
}

fn taken() -> (u16, Value) {
    (
        200,
        json!({"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}),
    )
}

/// As EventBridge answers: with success.
fn refused(code: &str) -> (u16, Value) {
    let entry = json!({"ErrorCode": code, "ErrorMessage": "no"});
    (200, json!({"FailedEntryCount": 1, "Entries": [entry]}))
}

const OWN: &str = "arn:aws:events:us-east-1:111122223333:event-bus/alerts";

#[tokio::test]
async fn an_event_is_put_whole() {
    let (result, client) = put(OWN, &[taken()]).await;
    assert_eq!(result, Ok(()));
    let request = client.actual_requests().next().unwrap();
    assert_eq!(
        request.headers().get("x-amz-target"),
        Some("AWSEvents.PutEvents")
    );
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    let entry = json!({
        "EventBusName": OWN, "Source": "kms-watch", "DetailType": "KeyDeleted", "Detail": r#"{"kind":"KeyDeleted"}"#,
        "Resources": ["arn:aws:kms:us-east-1:111122223333:key/k"],
    });
    assert_eq!(body, json!({"Entries": [entry]}));
}

#[tokio::test]
async fn a_bus_in_another_region_is_asked_there() {
    let (result, client) = put(
        "arn:aws:events:eu-west-1:444455556666:event-bus/hub",
        &[taken()],
    )
    .await;
    assert_eq!(result, Ok(()));
    let request = client.actual_requests().next().unwrap();
    let signed = request.headers().get("authorization").unwrap();
    assert!(signed.contains("/eu-west-1/events/"), "{signed}");
}

#[tokio::test]
async fn a_refused_entry_is_an_error_though_the_call_succeeds() {
    let (result, client) = put(OWN, &[refused("NotAuthorizedForSourceException")]).await;
    assert_eq!(
        result.unwrap_err().code().as_str(),
        "NotAuthorizedForSourceException"
    );
    assert_eq!(client.actual_requests().count(), 1);
    let nameless = (200, json!({"FailedEntryCount": 1, "Entries": [{}]}));
    assert!(put(OWN, &[nameless]).await.0.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_again_and_not_for_ever() {
    let busy = || refused("ThrottlingException");
    let (result, client) = put(OWN, &[busy(), refused("InternalFailure"), taken()]).await;
    assert_eq!((result, client.actual_requests().count()), (Ok(()), 3));
    let (result, client) = put(OWN, &[busy(), busy(), busy(), taken()]).await;
    assert_eq!(result.unwrap_err().kind(), CallErrorKind::Throttled);
    assert_eq!(client.actual_requests().count(), 3);
}

#[tokio::test]
async fn a_denied_call_is_one() {
    let denied = json!({"__type": "AccessDeniedException", "message": "not authorized"});
    let (result, _) = put(OWN, &[(400, denied)]).await;
    assert_eq!(result.unwrap_err().kind(), CallErrorKind::Denied);
}
