use aws_sdk_cloudtrail::operation::lookup_events::LookupEventsInput;
use aws_smithy_http_client::test_util::{NeverClient, capture_request};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use serde_json::json;
use tokio::time::Instant;
use watch_core::ports::CallErrorKind;

use super::*;

fn builder() -> Builder {
    Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
}

fn adapter(rule: &Rule) -> CloudTrailAdapter {
    let mock = MockResponseInterceptor::new()
        .rule_mode(RuleMode::MatchAny)
        .with_rule(rule);
    let config = builder()
        .http_client(create_mock_http_client())
        .interceptor(mock);
    CloudTrailAdapter::from_builder(config)
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

fn error(code: &str) -> HttpResponse {
    answer(400, &json!({ "__type": code, "message": "why" }))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

async fn lookup(trail: &CloudTrailAdapter, token: Option<&str>) -> Result<Page<Value>, CallError> {
    let (since, until) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T13:00:00Z"));
    trail.lookup_events("DisableKey", since, until, token).await
}

#[tokio::test]
async fn the_records_of_one_operation_are_asked_for_and_read() {
    fn asked(input: &LookupEventsInput) -> bool {
        let [attribute] = input.lookup_attributes() else {
            return false;
        };
        (attribute.attribute_key(), attribute.attribute_value())
            == (&LookupAttributeKey::EventName, "DisableKey")
            && input.start_time() == Some(&DateTime::from_secs(1_795_176_000))
            && input.end_time() == Some(&DateTime::from_secs(1_795_179_600))
            && input.max_results() == Some(50)
            && input.next_token() == Some("page 1")
            && input.event_category().is_none()
    }
    let rule = mock!(Client::lookup_events)
        .match_requests(asked)
        .then_http_response(|| {
            let events = json!([
                { "EventId": "1", "EventName": "DisableKey", "CloudTrailEvent": r#"{"eventID":"1","n":[null]}"# },
                { "EventId": "2", "CloudTrailEvent": r#"{"eventID":"#  },
                { "EventId": "3" },
                { "EventId": "4", "CloudTrailEvent": "" },
                { "EventId": "5", "CloudTrailEvent": r#"{"eventID":"5"}"# },
            ]);
            answer(200, &json!({ "Events": events, "NextToken": "page 2" }))
        });
    let expected = Page {
        items: vec![
            json!({ "eventID": "1", "n": [null] }),
            json!({ "eventID": "5" }),
        ],
        next: Some("page 2".to_owned()),
    };
    assert_eq!(lookup(&adapter(&rule), Some("page 1")).await, Ok(expected));
}

#[tokio::test]
async fn the_first_and_the_last_second_are_wanted_whole() {
    let (http, request) = capture_request(None);
    let trail = CloudTrailAdapter::from_builder(builder().http_client(http));
    let (since, until) = (
        at("2026-11-20T12:00:00.9Z"),
        at("2026-11-20T13:00:00.000001Z"),
    );
    let _ = trail.lookup_events("DisableKey", since, until, None).await;
    let request = request.expect_request();
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    let expected = json!({
        "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": "DisableKey" }],
        "StartTime": 1_795_176_000,
        "EndTime": 1_795_179_601,
        "MaxResults": 50,
    });
    assert_eq!(body, expected);
    let authorization = request.headers().get("authorization").unwrap();
    assert!(
        authorization.contains("/us-east-1/cloudtrail/aws4_request"),
        "{authorization}"
    );
}

#[tokio::test]
async fn a_page_without_events_is_the_last_one_or_leads_on() {
    for (body, next) in [
        (json!({}), None),
        (json!({ "Events": [] }), None),
        (
            json!({ "Events": [], "NextToken": "2" }),
            Some("2".to_owned()),
        ),
    ] {
        let rule = mock!(Client::lookup_events).then_http_response(move || answer(200, &body));
        let expected = Page {
            items: vec![],
            next,
        };
        assert_eq!(lookup(&adapter(&rule), Some("1")).await, Ok(expected));
    }
}

#[tokio::test]
async fn a_history_that_cannot_be_read_to_its_end_does_not_pass_for_complete() {
    for (token, reason) in [
        ("1", "UnreadableResponse: a page that leads to itself"),
        ("", "UnreadableResponse: a truncated list without a marker"),
    ] {
        let rule = mock!(Client::lookup_events)
            .then_http_response(move || answer(200, &json!({ "NextToken": token })));
        let error = lookup(&adapter(&rule), Some("1")).await.unwrap_err();
        assert_eq!(error.to_string(), reason);
    }
}

#[tokio::test]
async fn what_a_retry_cannot_mend_is_tried_once() {
    for (code, kind) in [
        ("AccessDeniedException", CallErrorKind::Denied),
        ("InvalidNextTokenException", CallErrorKind::Other),
        ("InvalidTimeRangeException", CallErrorKind::Other),
    ] {
        let rule = mock!(Client::lookup_events)
            .sequence()
            .http_response(move || error(code))
            .repeatedly()
            .build();
        let error = lookup(&adapter(&rule), None).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string(), rule.num_calls()),
            (kind, format!("{code}: why"), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_lookup_waits_for_the_quota() {
    let rule = mock!(Client::lookup_events)
        .sequence()
        .http_response(|| error("ThrottlingException"))
        .repeatedly()
        .build();
    let start = Instant::now();
    let error = lookup(&adapter(&rule), None).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Throttled);
    assert_eq!(rule.num_calls(), 4);
    assert_eq!(start.elapsed().as_millis(), 3 * 1_200);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_succeeds_after_a_failure_is_a_success() {
    let rule = mock!(Client::lookup_events)
        .sequence()
        .http_response(|| answer(500, &json!({ "__type": "InternalServiceError" })))
        .http_response(|| answer(200, &json!({})))
        .build();
    let start = Instant::now();
    let page = lookup(&adapter(&rule), None).await.unwrap();
    assert_eq!((page.next, start.elapsed().as_millis()), (None, 1_200));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_without_answer_ends_in_time() {
    let http = NeverClient::new();
    let trail = CloudTrailAdapter::from_builder(builder().http_client(http.clone()));
    let start = Instant::now();
    let error = lookup(&trail, None).await.unwrap_err();
    assert_eq!(error.to_string(), "Timeout: no answer within 24000 ms");
    assert_eq!(start.elapsed().as_millis(), 4 * 5_000 + 3 * 1_200);
    assert_eq!(http.num_calls(), 4);
}

fn key(region: &str) -> KeyArn {
    let arn = format!("arn:aws:kms:{region}:111122223333:key/k");
    arn.parse().unwrap()
}

#[tokio::test]
async fn the_calls_about_a_key_are_asked_for_by_its_arn() {
    fn asked(input: &LookupEventsInput) -> bool {
        let [attribute] = input.lookup_attributes() else {
            return false;
        };
        (attribute.attribute_key(), attribute.attribute_value())
            == (
                &LookupAttributeKey::ResourceName,
                "arn:aws:kms:us-east-1:111122223333:key/k",
            )
            && input.start_time() == Some(&DateTime::from_secs(1_795_176_000))
            && input.end_time() == Some(&DateTime::from_secs(1_795_179_600))
            && (input.max_results(), input.next_token()) == (Some(50), None)
    }
    let rule = mock!(Client::lookup_events)
        .match_requests(asked)
        .then_http_response(|| {
            let record = json!({ "eventName": "Decrypt" }).to_string();
            let events = json!([{ "EventId": "1", "CloudTrailEvent": record }]);
            answer(200, &json!({ "Events": events, "NextToken": "2" }))
        });
    let (since, until) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T13:00:00Z"));
    let page = adapter(&rule)
        .uses_of_key(&key("us-east-1"), since, until)
        .await
        .unwrap();
    assert_eq!(page.items, [json!({ "eventName": "Decrypt" })]);
    assert_eq!(page.next.as_deref(), Some("2"));
}

#[tokio::test]
async fn the_record_of_one_event_is_asked_for_in_the_keys_region() {
    let (client, request) = capture_request(Some(
        http::Response::builder()
            .status(200)
            .body(SdkBody::from(r#"{"Events":[]}"#))
            .unwrap(),
    ));
    let trail = CloudTrailAdapter::from_builder(
        aws_sdk_cloudtrail::Config::builder()
            .behavior_version(sdk::behavior())
            .region(aws_sdk_cloudtrail::config::Region::new("us-east-1"))
            .credentials_provider(aws_sdk_cloudtrail::config::Credentials::for_tests())
            .http_client(client),
    );
    trail.event(&key("eu-west-1"), "e-1").await.unwrap();
    let request = request.expect_request();
    assert!(
        request.uri().contains("cloudtrail.eu-west-1."),
        "{}",
        request.uri()
    );
    let body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    assert_eq!(
        body["LookupAttributes"],
        json!([{ "AttributeKey": "EventId", "AttributeValue": "e-1" }])
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_or_throttled_look_up_is_a_decided_answer() {
    for (code, kind) in [
        ("AccessDeniedException", CallErrorKind::Denied),
        ("ThrottlingException", CallErrorKind::Throttled),
    ] {
        let rule = mock!(Client::lookup_events).then_http_response(move || error(code));
        let (since, until) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T13:00:00Z"));
        let trail = adapter(&rule);
        let answer = trail.uses_of_key(&key("us-east-1"), since, until).await;
        assert_eq!(answer.unwrap_err().kind(), kind);
        let calls = if kind == CallErrorKind::Denied { 1 } else { 4 };
        assert_eq!(rule.num_calls(), calls, "{code}");
    }
}
