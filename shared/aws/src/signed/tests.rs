//! Calls against answers of the services.

use aws_config::Region;
use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use serde_json::json;
use watch_core::ports::CallErrorKind;

use super::*;

/// Status, headers, and body.
type Answer<'a> = (u16, &'a [(&'a str, &'a str)], &'a str);

fn sdk(answers: &[Answer<'_>]) -> (SdkConfig, StaticReplayClient) {
    let event = |(status, headers, body): &Answer<'_>| {
        let mut response = http::Response::builder().status(*status);
        for (name, value) in *headers {
            response = response.header(*name, *value);
        }
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
    (sdk, client)
}

const EVENTS: Service = Service {
    name: "events",
    id: "EventBridge",
    protocol: Protocol::Json {
        target: "AWSEvents",
        version: "1.1",
    },
};

fn list() -> Call {
    Call {
        service: EVENTS,
        operation: "ListRules",
        path: "/".to_owned(),
        body: json!({"NamePrefix": "kms-watch"}),
    }
}

#[tokio::test]
async fn a_call_is_signed_json() {
    let (sdk, client) = sdk(&[(200, &[], r#"{"Rules":[]}"#)]);
    let answer = Signed::new(&sdk, Patience::LONG)
        .call(list())
        .await
        .unwrap();
    assert_eq!(answer, json!({"Rules": []}));
    let request = client.actual_requests().next().unwrap();
    let header = |name: &str| request.headers().get(name).unwrap().to_owned();
    assert_eq!(header("x-amz-target"), "AWSEvents.ListRules");
    assert_eq!(header("content-type"), "application/x-amz-json-1.1");
    let signed = header("authorization");
    assert!(
        signed.contains("/eu-west-1/events/aws4_request"),
        "{signed}"
    );
    assert_eq!(
        request.body().bytes().unwrap(),
        br#"{"NamePrefix":"kms-watch"}"#
    );
}

#[tokio::test(start_paused = true)]
async fn every_failure_has_a_kind_and_what_may_pass_is_tried_three_times() {
    let denied = r#"{"__type":"AccessDeniedException","Message":"User: x is not authorized"}"#;
    let queue = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}"#;
    let throttled = r#"{"__type":"ThrottlingException","message":"Rate exceeded"}"#;
    type Answer<'a> = (u16, &'a [(&'a str, &'a str)], &'a str);
    let lambda: Answer<'_> = (
        404,
        &[("x-amzn-errortype", "ResourceNotFoundException:http://x")],
        r#"{"Message":"Function not found"}"#,
    );
    let cases: [(Answer<'_>, CallErrorKind, usize); 6] = [
        ((400, &[], denied), CallErrorKind::Denied, 1),
        ((400, &[], queue), CallErrorKind::NotFound, 1),
        (lambda, CallErrorKind::NotFound, 1),
        ((400, &[], throttled), CallErrorKind::Throttled, 3),
        ((503, &[], "<html>"), CallErrorKind::Other, 3),
        ((200, &[], "no JSON"), CallErrorKind::Other, 1),
    ];
    for (answer, kind, attempts) in cases {
        let (sdk, client) = sdk(&[answer; 3]);
        let error = Signed::new(&sdk, Patience::LONG)
            .call(list())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert_eq!(client.actual_requests().count(), attempts, "{error}");
    }
    let (sdk, _) = sdk(&[(429, &[], throttled), (200, &[], "{}")]);
    assert_eq!(
        Signed::new(&sdk, Patience::LONG)
            .call(list())
            .await
            .unwrap(),
        json!({})
    );
}

#[test]
fn a_service_is_where_its_partition_has_it() {
    let at = |region: &str, fips: bool, dual: bool, name: &'static str| {
        let service = Service { name, ..EVENTS };
        let sdk = SdkConfig::builder()
            .region(Region::new(region.to_owned()))
            .use_fips(fips)
            .use_dual_stack(dual)
            .build();
        Signed::new(&sdk, Patience::LONG).endpoint(service, region)
    };
    for (region, fips, dual, service, host) in [
        (
            "eu-west-1",
            false,
            false,
            "sqs",
            "sqs.eu-west-1.amazonaws.com",
        ),
        (
            "cn-north-1",
            false,
            false,
            "events",
            "events.cn-north-1.amazonaws.com.cn",
        ),
        (
            "us-east-1",
            true,
            false,
            "lambda",
            "lambda-fips.us-east-1.amazonaws.com",
        ),
        (
            "us-gov-west-1",
            true,
            false,
            "sqs",
            "sqs.us-gov-west-1.amazonaws.com",
        ),
        (
            "us-gov-west-1",
            true,
            false,
            "ssm",
            "ssm.us-gov-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            true,
            false,
            "ssm",
            "ssm-fips.eu-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            false,
            true,
            "lambda",
            "lambda.eu-west-1.api.aws",
        ),
        (
            "us-gov-west-1",
            true,
            false,
            "securityhub",
            "securityhub-fips.us-gov-west-1.amazonaws.com",
        ),
        (
            "eu-west-1",
            false,
            true,
            "s3",
            "s3.dualstack.eu-west-1.amazonaws.com",
        ),
        (
            "eusc-de-east-1",
            false,
            false,
            "sqs",
            "sqs.eusc-de-east-1.amazonaws.eu",
        ),
    ] {
        assert_eq!(at(region, fips, dual, service), format!("https://{host}"));
    }
}

fn put() -> Call {
    Call {
        service: Service {
            name: "s3",
            id: "S3",
            protocol: Protocol::Object,
        },
        operation: "PutObject",
        path: "/findings/AWSLogs/2026/11/20/a.json".to_owned(),
        body: json!({"a": 1}),
    }
}

#[tokio::test]
async fn an_object_is_put_with_the_hash_of_its_body_under_the_signature() {
    let (sdk, client) = sdk(&[(200, &[], "")]);
    let answer = Signed::new(&sdk, Patience::LONG).call(put()).await;
    assert_eq!(answer.unwrap(), Value::Null);
    let request = client.actual_requests().next().unwrap();
    assert_eq!(request.method(), "PUT");
    assert!(
        request
            .uri()
            .ends_with("/findings/AWSLogs/2026/11/20/a.json")
    );
    // Of `{"a":1}`.
    let hash = "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
    let header = |name: &str| request.headers().get(name).unwrap();
    assert_eq!(header("x-amz-content-sha256"), hash);
    assert!(header("authorization").contains("x-amz-content-sha256"));
}

#[tokio::test]
async fn an_error_in_xml_has_its_code_and_message() {
    let denied = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
    let (sdk, _) = sdk(&[(403, &[], denied)]);
    let error = Signed::new(&sdk, Patience::LONG)
        .call(put())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Denied);
    assert_eq!(error.reason().as_str(), "AccessDenied: Access Denied");
}

fn invoke() -> Call {
    Call {
        service: Service {
            name: "lambda",
            id: "Lambda",
            protocol: Protocol::RestPost {
                header: ("x-amz-invocation-type", "RequestResponse"),
            },
        },
        operation: "Invoke",
        path: "/2015-03-31/functions/f/invocations".to_owned(),
        body: json!({"sweep": "full"}),
    }
}

#[tokio::test]
async fn an_invocation_is_tried_once_and_a_functions_failure_says_its_type_alone() {
    let failed = r#"{"errorType":"Delivery","errorMessage":"secret of the event"}"#;
    let (sdk, client) = sdk(&[
        (200, &[], r#"{"outcome":"delivered"}"#),
        (200, &[("x-amz-function-error", "Unhandled")], failed),
        (500, &[], r#"{"message":"no"}"#),
        (200, &[], "{}"),
    ]);
    let signed = Signed::new(&sdk, Patience::once(Duration::from_secs(60)));
    let done = signed.call(invoke()).await.unwrap();
    assert_eq!(done, json!({"outcome": "delivered"}));
    let error = signed.call(invoke()).await.unwrap_err();
    assert_eq!(error.code().as_str(), FUNCTION_ERROR);
    assert!(error.to_string().contains("Delivery"), "{error}");
    assert!(!error.to_string().contains("secret"), "{error}");
    signed.call(invoke()).await.unwrap_err();
    let requests: Vec<_> = client.actual_requests().collect();
    assert_eq!(requests.len(), 3, "no call is made again");
    assert_eq!(requests[0].method(), "POST");
    let kind = requests[0].headers().get("x-amz-invocation-type");
    assert_eq!(kind, Some("RequestResponse"));
}
