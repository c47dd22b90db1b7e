use aws_smithy_mocks::{MockResponseInterceptor, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use watch_core::ports::CallErrorKind;

use super::*;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn answer(status: u16, body: &'static str) -> HttpResponse {
    let mut answer = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    answer.headers_mut().insert("x-amzn-requestid", "79b38166");
    answer
}

/// What comes of cancelling a deletion where KMS answers so, and how often KMS was asked.
async fn cancel(status: u16, body: &'static str) -> (Result<Option<Untrusted>, CallError>, usize) {
    let rule = mock!(Client::cancel_key_deletion)
        .match_requests(|input| input.key_id() == Some(KEY))
        .sequence()
        .http_response(move || answer(status, body))
        .repeatedly()
        .build();
    let mock = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
    let config = Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
        .http_client(create_mock_http_client())
        .interceptor(mock.with_rule(&rule));
    let adapter = RescuerAdapter::from_builder(config);
    let result = adapter.cancel_key_deletion(&KEY.parse().unwrap()).await;
    (result, rule.num_calls())
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_the_id_of_the_call() {
    let (result, asked) = cancel(200, "{}").await;
    assert_eq!(result, Ok(Some(Untrusted::new("79b38166"))));
    assert_eq!(asked, 1);
}

/// Only what KMS throttled surely did nothing.
#[tokio::test(start_paused = true)]
async fn only_a_throttled_call_is_made_again() {
    for (status, body, kind, calls) in [
        (
            400,
            r#"{"__type":"ThrottlingException"}"#,
            CallErrorKind::Throttled,
            3,
        ),
        (
            400,
            r#"{"__type":"KMSInvalidStateException"}"#,
            CallErrorKind::Other,
            1,
        ),
        (
            400,
            r#"{"__type":"AccessDeniedException"}"#,
            CallErrorKind::Denied,
            1,
        ),
        (
            500,
            r#"{"__type":"KMSInternalException"}"#,
            CallErrorKind::Other,
            1,
        ),
        (503, "", CallErrorKind::Other, 1),
    ] {
        let (result, asked) = cancel(status, body).await;
        assert_eq!(result.unwrap_err().kind(), kind, "{body}");
        assert_eq!(asked, calls, "{body}");
    }
}
