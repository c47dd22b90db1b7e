use aws_sdk_cloudwatch::operation::get_metric_data::{GetMetricDataInput, GetMetricDataOutput};
use aws_sdk_cloudwatch::operation::list_metrics::ListMetricsOutput;
use aws_sdk_cloudwatch::operation::put_metric_data::{PutMetricDataInput, PutMetricDataOutput};
use aws_sdk_cloudwatch::types::MetricDataResult;
use aws_smithy_http_client::test_util::{NeverClient, capture_request};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::body::SdkBody;
use tokio::time::Instant;
use watch_core::ports::CallErrorKind;

use super::*;

fn builder() -> Builder {
    Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
}

fn adapter(rule: &Rule) -> CloudWatchAdapter {
    let mock = MockResponseInterceptor::new()
        .rule_mode(RuleMode::MatchAny)
        .with_rule(rule);
    let config = builder()
        .http_client(create_mock_http_client())
        .interceptor(mock);
    CloudWatchAdapter::from_builder(config)
}

/// `{"__type": code, "message": "why"}` in CBOR.
fn error(status: u16, code: &str) -> HttpResponse {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        [&[0x78, length], text.as_bytes()].concat()
    };
    let members = ["__type", code, "message", "why"].map(text);
    let body = [vec![0xa2], members.concat()].concat();
    let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
    let headers = response.headers_mut();
    headers.insert("content-type", "application/cbor");
    headers.insert("smithy-protocol", "rpc-v2-cbor");
    response
}

fn data(count: usize) -> Vec<Datum> {
    let datum = Datum {
        name: "DaysToExpiry",
        dimensions: vec![
            ("KeyId", "5f0c1b7e".to_owned()),
            ("Region", "us-east-1".to_owned()),
        ],
        unit: MetricUnit::None,
        value: 6.25,
        at: "2026-11-20T12:00:00.5Z".parse().unwrap(),
    };
    vec![datum; count]
}

#[tokio::test]
async fn data_are_put_whole() {
    fn whole(input: &PutMetricDataInput) -> bool {
        let dimension =
            |name: &str, value: &str| Dimension::builder().name(name).value(value).build();
        let at = DateTime::from_millis(1_795_176_000_500);
        let days = MetricDatum::builder()
            .metric_name("DaysToExpiry")
            .dimensions(dimension("KeyId", "5f0c1b7e"))
            .dimensions(dimension("Region", "us-east-1"))
            .unit(StandardUnit::None)
            .value(6.25)
            .timestamp(at)
            .build();
        let keys = MetricDatum::builder()
            .metric_name("Keys")
            .set_dimensions(Some(vec![]))
            .unit(StandardUnit::Count)
            .value(0.0)
            .timestamp(at)
            .build();
        let duration = MetricDatum::builder()
            .metric_name("Duration")
            .set_dimensions(Some(vec![]))
            .unit(StandardUnit::Seconds)
            .value(1.5)
            .timestamp(at)
            .build();
        input.namespace() == Some("KMSWatch")
            && input.metric_data() == [days, keys, duration]
            && input.entity_metric_data().is_empty()
    }
    let rule = mock!(Client::put_metric_data)
        .match_requests(whole)
        .then_output(|| PutMetricDataOutput::builder().build());
    let mut data = data(3);
    for (datum, (name, unit, value)) in data[1..].iter_mut().zip([
        ("Keys", MetricUnit::Count, 0.0),
        ("Duration", MetricUnit::Seconds, 1.5),
    ]) {
        (datum.name, datum.unit, datum.value) = (name, unit, value);
        datum.dimensions.clear();
    }
    let put = adapter(&rule).put_metric_data("KMSWatch", &data).await;
    assert_eq!((put, rule.num_calls()), (Ok(()), 1));
}

#[tokio::test]
async fn data_that_do_not_fit_are_refused_whole() {
    let rule = mock!(Client::put_metric_data)
        .sequence()
        .output(|| PutMetricDataOutput::builder().build())
        .repeatedly()
        .build();
    let metrics = adapter(&rule);
    let error = metrics
        .put_metric_data("KMSWatch", &data(MAX_DATA + 1))
        .await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "TooManyData: 1001 data, and 1000 fit into a call"
    );
    assert_eq!(rule.num_calls(), 0);
    assert_eq!(
        metrics.put_metric_data("KMSWatch", &data(MAX_DATA)).await,
        Ok(())
    );
}

#[tokio::test]
async fn what_is_sent_can_be_read_on_the_way() {
    let (http, request) = capture_request(None);
    let metrics = CloudWatchAdapter::from_builder(builder().http_client(http));
    let _ = metrics.put_metric_data("KMSWatch", &data(MAX_DATA)).await;
    let request = request.expect_request();
    assert_eq!(request.headers().get("content-encoding"), None);
    let body = request.body().bytes().unwrap();
    // Well below the 1 MB that a call may have.
    assert!((100_000..300_000).contains(&body.len()), "{}", body.len());
    let name = b"DaysToExpiry";
    let count = body.windows(name.len()).filter(|part| part == name).count();
    assert_eq!(count, MAX_DATA);
    let authorization = request.headers().get("authorization").unwrap();
    assert!(
        authorization.contains("/us-east-1/monitoring/aws4_request"),
        "{authorization}"
    );
}

#[tokio::test(start_paused = true)]
async fn error_codes_reach_the_port_and_only_some_are_tried_again() {
    for (status, code, kind, calls) in [
        (400, "AccessDeniedException", CallErrorKind::Denied, 1),
        (
            400,
            "InvalidParameterValueException",
            CallErrorKind::Other,
            1,
        ),
        (400, "ThrottlingException", CallErrorKind::Throttled, 3),
        (500, "InternalServiceFault", CallErrorKind::Other, 3),
    ] {
        let rule = mock!(Client::put_metric_data)
            .sequence()
            .http_response(move || error(status, code))
            .repeatedly()
            .build();
        let put = adapter(&rule).put_metric_data("KMSWatch", &data(1)).await;
        let error = put.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string(), rule.num_calls()),
            (kind, format!("{code}: why"), calls)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn data_that_arrive_after_being_throttled_have_arrived() {
    let rule = mock!(Client::put_metric_data)
        .sequence()
        .http_response(|| error(400, "ThrottlingException"))
        .output(|| PutMetricDataOutput::builder().build())
        .build();
    let put = adapter(&rule).put_metric_data("KMSWatch", &data(1)).await;
    assert_eq!((put, rule.num_calls()), (Ok(()), 2));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_answer_ends_in_time() {
    let http = NeverClient::new();
    let metrics = CloudWatchAdapter::from_builder(builder().http_client(http.clone()));
    let start = Instant::now();
    let put = metrics.put_metric_data("KMSWatch", &data(1)).await;
    let error = put.unwrap_err();
    assert_eq!(error.to_string(), "Timeout: no answer within 10000 ms");
    // Three attempts of 3 s with their pauses.
    assert!((9_000..=10_000).contains(&start.elapsed().as_millis()));
    assert_eq!(http.num_calls(), 3);
}

fn use_metric(place: usize) -> UseMetric {
    UseMetric {
        dimensions: vec![
            ("KeyArn".to_owned(), format!("key-{place}")),
            ("Operation".to_owned(), "Decrypt".to_owned()),
        ],
    }
}

async fn uses(rule: &Rule, count: usize) -> Result<Page<DailyUses>, CallError> {
    let metrics: Vec<_> = (0..count).map(use_metric).collect();
    let (since, until) = ("2026-11-18T00:00:00Z", "2026-11-20T03:00:00Z");
    let (since, until) = (since.parse().unwrap(), until.parse().unwrap());
    adapter(rule).uses_a_day(&metrics, since, until, None).await
}

#[tokio::test]
async fn uses_are_sums_of_days_by_the_place_of_their_metric() {
    fn daily(input: &GetMetricDataInput) -> bool {
        input.metric_data_queries().iter().all(|query| {
            let stat = query.metric_stat().unwrap();
            let metric = stat.metric().unwrap();
            (stat.period(), stat.stat()) == (Some(86_400), Some("Sum"))
                && metric.namespace() == Some("AWS/KMS")
                && metric.dimensions().len() == 2
        })
    }
    let result = |id: &str, uses: f64| {
        MetricDataResult::builder()
            .id(id)
            .timestamps(DateTime::from_secs(1_795_132_800))
            .values(uses)
            .status_code(StatusCode::Complete)
            .build()
    };
    let rule = mock!(Client::get_metric_data)
        .match_requests(daily)
        .then_output(move || {
            GetMetricDataOutput::builder()
                .metric_data_results(result("m1", 40.0))
                // Of no metric that was asked for.
                .metric_data_results(result("m7", 1.0))
                .metric_data_results(result("other", 1.0))
                .next_token("more")
                .build()
        });
    let page = uses(&rule, 2).await.unwrap();
    let expected = DailyUses {
        metric: 1,
        day: "2026-11-20T00:00:00Z".parse().unwrap(),
        uses: 40.0,
    };
    assert_eq!(
        (page.items, page.next.as_deref()),
        (vec![expected], Some("more"))
    );
}

#[tokio::test]
async fn half_an_answer_is_none_and_more_than_a_call_takes_is_refused() {
    let rule = mock!(Client::get_metric_data).then_output(|| {
        let result = MetricDataResult::builder().id("m0");
        let result = result.status_code(StatusCode::Forbidden).build();
        GetMetricDataOutput::builder()
            .metric_data_results(result)
            .build()
    });
    let error = uses(&rule, 1).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Denied);
    let error = uses(&rule, MAX_QUERIES + 1).await.unwrap_err();
    assert_eq!(error.code().as_str(), "TooManyMetrics");
    assert_eq!(rule.num_calls(), 1);
}

fn named(name: &str) -> MetricName {
    MetricName {
        name: name.to_owned(),
        dimensions: vec![("KeyId".to_owned(), "1234".to_owned())],
    }
}

#[tokio::test]
async fn a_list_of_metrics_that_goes_on_is_cut_and_says_so() {
    let listed = |token: Option<&str>| {
        let dimension = Dimension::builder().name("KeyId").value("1234").build();
        let metric = Metric::builder()
            .metric_name("SuccessfulRequest")
            .dimensions(dimension);
        ListMetricsOutput::builder()
            .metrics(metric.build())
            .set_next_token(token.map(str::to_owned))
            .build()
    };
    let last = mock!(Client::list_metrics).then_output(move || listed(None));
    assert_eq!(
        adapter(&last).metric_names("AWS/KMS").await,
        Ok((vec![named("SuccessfulRequest")], false))
    );
    let number = std::sync::atomic::AtomicUsize::new(0);
    let endless = mock!(Client::list_metrics).then_output(move || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        listed(Some(&number.to_string()))
    });
    let (names, more) = adapter(&endless).metric_names("AWS/KMS").await.unwrap();
    assert_eq!((names.len(), more), (PAGES, true));
}

#[tokio::test]
async fn series_are_those_of_their_metrics_to_the_end_and_the_oldest_value_comes_first() {
    fn wanted(input: &GetMetricDataInput) -> bool {
        let queries = input.metric_data_queries().iter();
        let stats: Vec<_> = queries
            .map(|query| {
                let stat = query.metric_stat().unwrap();
                let metric = stat.metric().unwrap();
                (
                    metric.metric_name().unwrap(),
                    stat.stat().unwrap(),
                    stat.period(),
                )
            })
            .collect();
        stats
            == [
                ("One", "Minimum", Some(21_600)),
                ("Two", "Sum", Some(21_600)),
            ]
    }
    let answer = |id: &str, values: &[(i64, f64)], token: Option<&str>| {
        let times = values.iter().map(|(at, _)| DateTime::from_secs(*at));
        let result = MetricDataResult::builder()
            .id(id)
            .set_timestamps(Some(times.collect()))
            .set_values(Some(values.iter().map(|(_, value)| *value).collect()));
        GetMetricDataOutput::builder()
            .metric_data_results(result.build())
            .set_next_token(token.map(str::to_owned))
            .build()
    };
    let rule = mock!(Client::get_metric_data)
        .match_requests(wanted)
        .sequence()
        .output(move || answer("m1", &[(7_200, 3.0), (3_600, 2.0)], Some("more")))
        .output(move || answer("m1", &[(0, 1.0)], None))
        .build();
    let metrics = [named("One"), named("Two")];
    let metrics = [(&metrics[0], "Minimum"), (&metrics[1], "Sum")];
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let during = (time("2026-11-16T00:00:00Z"), time("2026-11-30T00:00:00Z"));
    let series = adapter(&rule)
        .series("AWS/KMS", &metrics, during, 21_600)
        .await
        .unwrap();
    let values: Vec<Vec<f64>> = series
        .iter()
        .map(|points| points.iter().map(|point| point.value).collect())
        .collect();
    assert_eq!(values, [vec![], vec![1.0, 2.0, 3.0]]);
    assert_eq!(rule.num_calls(), 2);
}
