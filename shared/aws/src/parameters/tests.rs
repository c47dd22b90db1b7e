use aws_smithy_http_client::test_util::{NeverClient, ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;
use watch_core::ports::CallErrorKind;

use super::*;

const NAME: &str = "/security/trusted";

fn sdk() -> SdkConfig {
    crate::sdk::local("http://127.0.0.1:1/", "us-east-1")
}

/// What is read with these answers, and the requests.
async fn read_with(
    answers: &[(u16, Value)],
) -> (Result<Vec<String>, CallError>, Vec<(String, Value)>) {
    let exchange = |(status, body): &(u16, Value)| {
        let request = http::Request::builder().body(SdkBody::empty()).unwrap();
        let answer = http::Response::builder()
            .status(*status)
            .body(SdkBody::from(body.to_string()));
        ReplayEvent::new(request, answer.unwrap())
    };
    let client = StaticReplayClient::new(answers.iter().map(exchange).collect());
    let sdk = sdk().into_builder().http_client(client.clone()).build();
    let result = read(&sdk, NAME).await;
    let asked = client.actual_requests().map(|request| {
        let header = |name| request.headers().get(name).unwrap_or_default();
        assert_eq!(request.method(), "POST");
        assert!(header("authorization").contains("/us-east-1/ssm/aws4_request"));
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        (header("x-amz-target").to_owned(), body)
    });
    let asked = asked.collect();
    (result, asked)
}

fn one(value: &str) -> (u16, Value) {
    let parameter = json!({"Name": NAME, "Type": "StringList", "Value": value});
    (200, json!({"Parameter": parameter}))
}

fn error(status: u16, code: &str) -> (u16, Value) {
    (status, json!({"__type": code, "message": "why"}))
}

fn page(values: &[&str], next: Option<&str>) -> (u16, Value) {
    let parameters: Vec<_> = values.iter().map(|value| json!({"Value": value})).collect();
    (200, json!({"Parameters": parameters, "NextToken": next}))
}

#[tokio::test]
async fn a_parameter_is_read_in_one_signed_call() {
    let (result, asked) = read_with(&[one("111122223333,o-a1b2c3d4e5")]).await;
    assert_eq!(result, Ok(vec!["111122223333,o-a1b2c3d4e5".to_owned()]));
    let expected = ("AmazonSSM.GetParameter".to_owned(), json!({"Name": NAME}));
    assert_eq!(asked, [expected]);
}

#[tokio::test]
async fn what_is_no_parameter_is_a_path_with_pages() {
    let answers = [
        error(400, "ParameterNotFound"),
        page(&["a", "b"], Some("next")),
        page(&["c"], None),
    ];
    let (result, asked) = read_with(&answers).await;
    assert_eq!(result.unwrap(), ["a", "b", "c"]);
    assert_eq!(asked[1].0, "AmazonSSM.GetParametersByPath");
    assert_eq!(
        asked[1].1,
        json!({"Path": NAME, "Recursive": true, "MaxResults": 10})
    );
    assert_eq!(asked[2].1["NextToken"], "next");

    let nothing = [error(400, "ParameterNotFound"), page(&[], None)];
    let error = read_with(&nothing).await.0.unwrap_err();
    assert_eq!(error.code().as_str(), "ParameterNotFound");
    let mut endless = vec![super::tests::error(400, "ParameterNotFound")];
    endless.extend((0..PAGES).map(|_| page(&["a"], Some("next"))));
    assert!(
        read_with(&endless).await.0.is_err(),
        "part of a list is none"
    );
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_tried_once_more_and_what_stays_is_not() {
    for passing in [
        error(500, "InternalServerError"),
        error(400, "ThrottlingException"),
    ] {
        let (result, asked) = read_with(&[passing.clone(), one("a")]).await;
        assert_eq!((result.is_ok(), asked.len()), (true, 2));
        let (result, asked) = read_with(&[passing.clone(), passing]).await;
        assert_eq!((result.is_err(), asked.len()), (true, 2));
    }
    let denied = error(400, "com.amazon.coral.service#AccessDeniedException");
    let (result, asked) = read_with(&[denied]).await;
    assert_eq!(
        (result.unwrap_err().kind(), asked.len()),
        (CallErrorKind::Denied, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_answer_is_not_waited_for() {
    let sdk = sdk().into_builder().http_client(NeverClient::new()).build();
    let error = read(&sdk, NAME).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout);
}
