use aws_sdk_sns::operation::publish::{PublishInput, PublishOutput};
use aws_smithy_http_client::test_util::{NeverClient, capture_request};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;
use watch_core::ports::CallErrorKind;

use super::*;
use crate::sdk;

const TOPIC: &str = "arn:aws:sns:us-east-1:111122223333:alerts";

fn message() -> Message {
    Message {
        topic: TOPIC.parse().unwrap(),
        subject: Some("HIGH: alias/payments".into()),
        body: "what a person reads".into(),
        attributes: vec![("kind", "KeyDeleted".into()), ("owner", "team-pay".into())],
    }
}

fn builder() -> Builder {
    Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
}

fn adapter(rule: &Rule) -> SnsAdapter {
    let mock = MockResponseInterceptor::new()
        .rule_mode(RuleMode::MatchAny)
        .with_rule(rule);
    SnsAdapter::from_builder(
        builder()
            .http_client(create_mock_http_client())
            .interceptor(mock),
    )
}

fn error(status: u16, code: &str, message: &str) -> HttpResponse {
    let body = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>1</RequestId></ErrorResponse>"
    );
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))
}

#[tokio::test]
async fn a_message_is_published_whole() {
    fn whole(input: &PublishInput) -> bool {
        let attribute = |name: &str| {
            let value = input
                .message_attributes()
                .and_then(|attributes| attributes.get(name));
            value.map(|value| {
                (
                    value.data_type().to_owned(),
                    value.string_value().map(str::to_owned),
                )
            })
        };
        let string = |value: &str| Some(("String".to_owned(), Some(value.to_owned())));
        input.topic_arn() == Some(TOPIC)
            && input.subject() == Some("HIGH: alias/payments")
            && input.message() == Some("what a person reads")
            && input.message_structure().is_none()
            && attribute("kind") == string("KeyDeleted")
            && attribute("owner") == string("team-pay")
            && input
                .message_attributes()
                .map(|attributes| attributes.len())
                == Some(2)
    }
    let rule = mock!(Client::publish)
        .match_requests(whole)
        .then_output(|| PublishOutput::builder().build());
    assert_eq!(adapter(&rule).publish(&message()).await, Ok(()));
    assert_eq!(rule.num_calls(), 1);
}

#[tokio::test]
async fn a_message_without_subject_has_none() {
    let rule = mock!(Client::publish)
        .match_requests(|input| input.subject().is_none() && input.message_attributes().is_none())
        .then_output(|| PublishOutput::builder().build());
    let bare = Message {
        subject: None,
        attributes: vec![],
        ..message()
    };
    assert_eq!(adapter(&rule).publish(&bare).await, Ok(()));
}

#[tokio::test]
async fn what_a_retry_cannot_mend_is_tried_once() {
    for (status, code, kind) in [
        (403, "AuthorizationError", CallErrorKind::Denied),
        (403, "AccessDenied", CallErrorKind::Denied),
        (400, "KMSAccessDenied", CallErrorKind::Denied),
        (400, "KMSDisabled", CallErrorKind::Other),
        (400, "KMSInvalidState", CallErrorKind::Other),
        (404, "NotFound", CallErrorKind::NotFound),
        (400, "InvalidParameter", CallErrorKind::Other),
    ] {
        let rule = mock!(Client::publish)
            .sequence()
            .http_response(move || error(status, code, "why"))
            .repeatedly()
            .build();
        let error = adapter(&rule).publish(&message()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (kind, format!("{code}: why"))
        );
        assert_eq!(rule.num_calls(), 1, "{code}");
    }
}

#[tokio::test]
async fn what_a_retry_may_mend_is_tried_three_times() {
    for (status, code, kind) in [
        (400, "Throttling", CallErrorKind::Throttled),
        (400, "ThrottlingException", CallErrorKind::Throttled),
        (500, "InternalError", CallErrorKind::Other),
    ] {
        let rule = mock!(Client::publish)
            .sequence()
            .http_response(move || error(status, code, "why"))
            .repeatedly()
            .build();
        let error = adapter(&rule).publish(&message()).await.unwrap_err();
        assert_eq!((error.kind(), error.code().as_str()), (kind, code));
        assert_eq!(rule.num_calls(), 3, "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_topic_without_answer_is_left_in_time() {
    let sns = SnsAdapter::from_builder(builder().http_client(NeverClient::new()));
    let start = Instant::now();
    let error = sns.publish(&message()).await.unwrap_err();
    // Three attempts of three seconds, and two pauses of at most 0.1 and 0.2 seconds.
    assert!(
        (9_000..=9_310).contains(&start.elapsed().as_millis()),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(error.kind(), CallErrorKind::Timeout);
}

#[tokio::test]
async fn a_topic_is_published_to_in_its_own_region() {
    for (arn, host) in [
        (TOPIC, "sns.us-east-1.amazonaws.com"),
        (
            "arn:aws:sns:eu-west-1:111122223333:alerts",
            "sns.eu-west-1.amazonaws.com",
        ),
    ] {
        let (http_client, request) = capture_request(None);
        let mut config = builder().http_client(http_client);
        config.set_endpoint_url(None);
        let topic: TopicArn = arn.parse().unwrap();
        let scope = format!("/{}/sns/aws4_request", topic.region().as_str());
        let _ = SnsAdapter::from_builder(config)
            .publish(&Message { topic, ..message() })
            .await;
        let request = request.expect_request();
        assert_eq!(request.uri(), format!("https://{host}/"));
        assert!(
            request
                .headers()
                .get("authorization")
                .unwrap()
                .contains(&scope)
        );
    }
}

#[tokio::test]
async fn subscriptions_are_listed_to_the_end_with_what_those_that_are_confirmed_filter() {
    use aws_sdk_sns::operation::get_subscription_attributes::GetSubscriptionAttributesOutput;
    use aws_sdk_sns::operation::list_subscriptions_by_topic::ListSubscriptionsByTopicOutput;
    use aws_sdk_sns::types::Subscription as Listed;
    let listed = |arn: &str| {
        let listed = Listed::builder().protocol("email").subscription_arn(arn);
        listed.build()
    };
    let arn = format!("{TOPIC}:5f0c1b7e");
    let (listed_arn, asked_arn) = (arn.clone(), arn);
    let first = mock!(Client::list_subscriptions_by_topic)
        .match_requests(|input| input.topic_arn() == Some(TOPIC) && input.next_token().is_none())
        .then_output(move || {
            ListSubscriptionsByTopicOutput::builder()
                .subscriptions(listed("PendingConfirmation"))
                .next_token("2")
                .build()
        });
    let second = mock!(Client::list_subscriptions_by_topic)
        .match_requests(|input| input.next_token() == Some("2"))
        .then_output(move || {
            ListSubscriptionsByTopicOutput::builder()
                .subscriptions(listed(&listed_arn))
                .build()
        });
    let attributes = mock!(Client::get_subscription_attributes)
        .match_requests(move |input| input.subscription_arn() == Some(&asked_arn))
        .then_output(|| {
            GetSubscriptionAttributesOutput::builder()
                .attributes("PendingConfirmation", "false")
                .attributes("FilterPolicy", "{}")
                .attributes("FilterPolicyScope", "MessageBody")
                .build()
        });
    let mock = MockResponseInterceptor::new()
        .rule_mode(RuleMode::MatchAny)
        .with_rule(&first)
        .with_rule(&second)
        .with_rule(&attributes);
    let adapter = SnsAdapter::from_builder(
        builder()
            .http_client(create_mock_http_client())
            .interceptor(mock),
    );
    let topic = TOPIC.parse().unwrap();
    let found = adapter.subscriptions(&topic).await.unwrap();
    let waiting = Subscription {
        protocol: Untrusted::new("email"),
        ..Subscription::default()
    };
    let confirmed = Subscription {
        confirmed: true,
        filter: Some("{}".to_owned()),
        filters_body: true,
        ..waiting.clone()
    };
    assert_eq!(found, [waiting, confirmed]);
}
