//! AWS Config against answers of the service.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use watch_core::ports::CallErrorKind;

use super::*;

fn adapter(answers: &[(u16, &str)]) -> (RecorderAdapter, StaticReplayClient) {
    let event = |(status, body): &(u16, &str)| {
        let mut answer = http::Response::new(SdkBody::from(*body));
        *answer.status_mut() = http::StatusCode::from_u16(*status).unwrap();
        ReplayEvent::new(http::Request::new(SdkBody::empty()), answer)
    };
    let client = StaticReplayClient::new(answers.iter().map(event).collect());
    let mut sdk = crate::sdk::local("http://localhost:1", "us-east-1")
        .into_builder()
        .http_client(client.clone());
    sdk.set_endpoint_url(None);
    (RecorderAdapter::new(&sdk.build()), client)
}

fn region() -> Region {
    Region::new("eu-west-1").unwrap()
}

#[tokio::test]
async fn resources_are_read_page_by_page_in_the_region_of_the_key() {
    let (adapter, client) = adapter(&[
        (
            200,
            r#"{"Results":["{\"resourceId\":\"vol-0a\",\"resourceType\":\"AWS::EC2::Volume\"}"],"NextToken":"t"}"#,
        ),
        (200, r#"{"Results":[],"NextToken":""}"#),
    ]);
    let region = region();
    let page = adapter.select(&region, "SELECT arn", None).await.unwrap();
    assert_eq!(page.items[0]["resourceId"], "vol-0a");
    let last = adapter.select(&region, "SELECT arn", page.next.as_deref());
    assert_eq!(last.await.unwrap().next, None);
    let requests: Vec<_> = client.actual_requests().collect();
    assert_eq!(requests[0].uri(), "https://config.eu-west-1.amazonaws.com/");
    let header = |name| requests[1].headers().get(name).unwrap();
    assert_eq!(
        header("x-amz-target"),
        "StarlingDoveService.SelectResourceConfig"
    );
    assert!(header("authorization").contains("/eu-west-1/config/aws4_request"));
    let body: Value = serde_json::from_slice(requests[1].body().bytes().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({"Expression": "SELECT arn", "Limit": 100, "NextToken": "t"})
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_and_never_an_empty_page() {
    for answer in [
        "{}",
        r#"{"Results":null}"#,
        r#"{"Results":["no JSON"]}"#,
        r#"{"Results":[{"resourceId":"x"}]}"#,
        "[",
    ] {
        let (adapter, _) = adapter(&[(200, answer)]);
        let page = adapter.select(&region(), "SELECT arn", None).await;
        assert!(page.is_err(), "{answer}");
    }
    let denied = r#"{"__type":"AccessDeniedException","message":"no"}"#;
    let (adapter, _) = adapter(&[(400, denied)]);
    let error = adapter.select(&region(), "SELECT arn", None).await;
    assert_eq!(error.unwrap_err().kind(), CallErrorKind::Denied);
}

#[tokio::test]
async fn a_recorder_records_only_if_it_says_so() {
    for (answer, expected) in [
        (
            r#"{"ConfigurationRecordersStatus":[{"recording":true}]}"#,
            true,
        ),
        (
            r#"{"ConfigurationRecordersStatus":[{"recording":false}]}"#,
            false,
        ),
        (r#"{"ConfigurationRecordersStatus":[]}"#, false),
        ("{}", false),
    ] {
        let (adapter, _) = adapter(&[(200, answer)]);
        let recording = adapter.is_recording(&region()).await.unwrap();
        assert_eq!(recording, expected, "{answer}");
    }
}
