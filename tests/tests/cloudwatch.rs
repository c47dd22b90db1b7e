//! The simulator's CloudWatch as the real SDK sees it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::ProvideErrorMetadata;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    ComparisonOperator, Dimension, MetricDatum, StandardUnit, StateValue, Statistic,
};
use jiff::SignedDuration;
use watch_aws::sdk;
use watch_local::{ImportedMaterial, LocalAws, NewKey, Options};

fn aws_and_client() -> (LocalAws, Client) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let client = Client::new(&sdk::local(&aws.endpoint_url(), aws.region()));
    (aws, client)
}

#[tokio::test]
async fn metrics_are_kept_and_listed() {
    let (aws, client) = aws_and_client();
    let datum = MetricDatum::builder()
        .metric_name("KeysPendingDeletion")
        .dimensions(
            Dimension::builder()
                .name("Region")
                .value("us-east-1")
                .build(),
        )
        .timestamp(DateTime::from_secs(aws.now().as_second()))
        .unit(StandardUnit::Count)
        .value(3.0)
        .build();
    client
        .put_metric_data()
        .namespace("KMSWatch")
        .metric_data(datum)
        .send()
        .await
        .unwrap();
    let kept = aws.metric_data("KMSWatch", "KeysPendingDeletion");
    assert_eq!(kept, [(aws.now(), 3.0)]);
    let listed = client
        .list_metrics()
        .namespace("KMSWatch")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.metrics().len(), 1);
    assert_eq!(
        listed.metrics()[0].dimensions()[0].value(),
        Some("us-east-1")
    );
}

#[tokio::test]
async fn an_alarm_on_expiring_material_goes_off_when_its_time_comes() {
    let (aws, client) = aws_and_client();
    let end = aws
        .now()
        .checked_add(SignedDuration::from_hours(24 * 30))
        .unwrap();
    let key = aws.add_key(NewKey::imported().material(ImportedMaterial::new("m").expiring(end)));
    let id = key.rsplit('/').next().unwrap();
    let week = 7.0 * 86_400.0;
    client
        .put_metric_alarm()
        .alarm_name("expiring")
        .namespace("AWS/KMS")
        .metric_name("SecondsUntilKeyMaterialExpiration")
        .dimensions(Dimension::builder().name("KeyId").value(id).build())
        .statistic(Statistic::Minimum)
        .period(60)
        .evaluation_periods(1)
        .threshold(week)
        .comparison_operator(ComparisonOperator::LessThanThreshold)
        .send()
        .await
        .unwrap();
    let state = async || {
        let alarms = client
            .describe_alarms()
            .alarm_names("expiring")
            .send()
            .await
            .unwrap();
        alarms.metric_alarms()[0].state_value().cloned()
    };
    aws.advance_days(1);
    assert_eq!(state().await, Some(StateValue::Ok));
    aws.take_events();
    aws.advance_days(23);
    assert_eq!(state().await, Some(StateValue::Alarm));
    let told = aws.take_events();
    let changed: Vec<_> = told
        .iter()
        .filter(|event| event["detail-type"] == "CloudWatch Alarm State Change")
        .collect();
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["detail"]["state"]["value"], "ALARM");
}

#[tokio::test]
async fn errors_carry_their_codes() {
    let (aws, client) = aws_and_client();
    aws.faults().throttle("PutMetricData", 9);
    let datum = MetricDatum::builder().metric_name("M").value(1.0).build();
    let error = client
        .put_metric_data()
        .namespace("N")
        .metric_data(datum)
        .send()
        .await
        .unwrap_err();
    assert!(
        error
            .code()
            .is_some_and(|code| code.starts_with("Throttling")),
        "{error:?}"
    );
}
