use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_sdk_kms::operation::list_aliases::ListAliasesInput;
use aws_sdk_kms::operation::list_resource_tags::ListResourceTagsInput;
use aws_sdk_kms::types::IncludeKeyMaterial;
use aws_smithy_http_client::test_util::{NeverClient, capture_request};
use aws_smithy_mocks::{MockResponseInterceptor, Rule, RuleMode, create_mock_http_client, mock};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;
use watch_core::answers::Grant;
use watch_core::key::{Manager, MaterialState, MultiRegion, MultiRegionType, Origin, State};
use watch_core::ports::{Alias, CallErrorKind, Census, Grants, Page};

use super::*;
use crate::sdk;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn key() -> KeyArn {
    KEY.parse().unwrap()
}

fn builder() -> Builder {
    Builder::from(&sdk::local("http://127.0.0.1:1", "us-east-1"))
}

fn mocked(rules: &[&Rule]) -> Builder {
    let mock = MockResponseInterceptor::new().rule_mode(RuleMode::MatchAny);
    let mock = rules.iter().fold(mock, |mock, rule| mock.with_rule(rule));
    builder()
        .http_client(create_mock_http_client())
        .interceptor(mock)
}

fn adapter(rules: &[&Rule]) -> KmsAdapter {
    KmsAdapter::from_builder(mocked(rules))
}

/// As a sweep has it.
fn patient(rules: &[&Rule]) -> KmsAdapter {
    KmsAdapter::patient_from_builder(mocked(rules))
}

fn answer(status: u16, body: &Value) -> HttpResponse {
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}

fn error(code: &str, message: &str) -> HttpResponse {
    answer(400, &json!({ "__type": code, "message": message }))
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn all_that_describe_key_tells_is_mapped() {
    let rule = mock!(Client::describe_key).match_requests(|input| input.key_id() == Some(KEY)).then_http_response(|| {
        answer(
            200,
            &json!({ "KeyMetadata": {
                "AWSAccountId": "111122223333",
                "CurrentKeyMaterialId": "ab12",
                "KeyId": "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
                "Arn": KEY,
                "CreationDate": 1_767_225_600.987,
                "Enabled": false,
                "Description": "Payments\u{202E}\u{0} of   all\nshops",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "KeyState": "PendingReplicaDeletion",
                "DeletionDate": 1_798_761_600.5,
                "ValidTo": 1_775_001_600,
                "Origin": "EXTERNAL",
                "KeyManager": "CUSTOMER",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "CustomKeyStoreId": "cks-1234567890abcdef0",
                "PendingDeletionWindowInDays": 7,
                "MultiRegion": true,
                "MultiRegionConfiguration": {
                    "MultiRegionKeyType": "PRIMARY",
                    "PrimaryKey": { "Arn": KEY, "Region": "us-east-1" },
                    "ReplicaKeys": [
                        { "Arn": "arn:aws:kms:eu-west-1:111122223333:key/mrk-1", "Region": "eu-west-1" },
                        { "Arn": "$(reboot)", "Region": "us-west-2" },
                        { "Region": "us-west-1" }
                    ]
                },
                "SomethingNew": {}
            }}),
        )
    });
    let expected = Metadata {
        state: Some(State::PendingReplicaDeletion),
        manager: Some(Manager::Customer),
        origin: Some(Origin::External),
        spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
        usage: Some(Untrusted::new("ENCRYPT_DECRYPT")),
        description: Some(Untrusted::new("Payments of all shops")),
        created_at: at("2026-01-01T00:00:00Z"),
        deletion_at: at("2027-01-01T00:00:00Z"),
        pending_window_days: Some(7),
        expires_at: at("2026-04-01T00:00:00Z"),
        custom_key_store_id: Some(Untrusted::new("cks-1234567890abcdef0")),
        multi_region: Some(MultiRegion {
            kind: MultiRegionType::Primary,
            primary: Some(key()),
            replicas: vec![
                "arn:aws:kms:eu-west-1:111122223333:key/mrk-1"
                    .parse()
                    .unwrap(),
            ],
        }),
        current_material: Some("ab12".to_owned()),
    };
    assert_eq!(adapter(&[&rule]).describe_key(&key()).await, Ok(expected));
}

#[tokio::test]
async fn words_that_are_newer_than_this_program_are_kept_and_long_ones_cut() {
    let rule = mock!(Client::describe_key).then_http_response(|| {
        answer(
            200,
            &json!({ "KeyMetadata": {
                "KeyId": "5f0c1b7e",
                "Description": "d".repeat(9000),
                "KeyState": "Frozen",
                "Origin": "MOON",
                "KeyManager": "NOBODY",
                "KeySpec": "ML_KEM_9",
                "KeyUsage": "TELEPATHY",
                "MultiRegionConfiguration": {}
            }}),
        )
    });
    let metadata = adapter(&[&rule]).describe_key(&key()).await.unwrap();
    assert_eq!(metadata.state.unwrap().as_str(), "Frozen");
    assert_eq!(metadata.origin.unwrap().as_str(), "MOON");
    assert_eq!(metadata.manager.unwrap().as_str(), "NOBODY");
    assert_eq!(metadata.spec.unwrap().as_str(), "ML_KEM_9");
    assert_eq!(metadata.usage.unwrap().as_str(), "TELEPATHY");
    assert_eq!(metadata.description.unwrap().as_str().chars().count(), 1024);
    assert_eq!(metadata.multi_region.unwrap().kind.as_str(), "UNKNOWN");
}

#[tokio::test]
async fn a_key_without_description_has_none() {
    let rule = mock!(Client::describe_key).then_http_response(|| {
        answer(
            200,
            &json!({ "KeyMetadata": { "KeyId": "5f0c1b7e", "Description": "" } }),
        )
    });
    assert_eq!(
        adapter(&[&rule]).describe_key(&key()).await,
        Ok(Metadata::default())
    );
}

#[tokio::test]
async fn an_empty_answer_about_a_key_is_none() {
    let rule = mock!(Client::describe_key).then_http_response(|| answer(200, &json!({})));
    let error = adapter(&[&rule]).describe_key(&key()).await.unwrap_err();
    assert_eq!(error.to_string(), "EmptyResponse: no KeyMetadata");
}

#[tokio::test]
async fn error_codes_reach_the_port_also_those_that_the_sdk_does_not_model() {
    for (code, kind) in [
        ("AccessDeniedException", CallErrorKind::Denied),
        ("NotFoundException", CallErrorKind::NotFound),
        ("InvalidArnException", CallErrorKind::Other),
        (
            "UnsupportedOperationException",
            CallErrorKind::NotApplicable,
        ),
    ] {
        let rule = mock!(Client::describe_key)
            .sequence()
            .http_response(move || error(code, "it says <b>why</b>"))
            .repeatedly()
            .build();
        let error = adapter(&[&rule]).describe_key(&key()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (kind, format!("{code}: it says <b>why</b>"))
        );
        assert_eq!(rule.num_calls(), 1, "{code} is not asked again");
    }
}

#[tokio::test]
async fn every_operation_reports_that_it_was_denied() {
    let denied = || error("AccessDeniedException", "not you");
    let aliases = mock!(Client::list_aliases).then_http_response(denied);
    let tags = mock!(Client::list_resource_tags).then_http_response(denied);
    let status = mock!(Client::get_key_rotation_status).then_http_response(denied);
    let rotations = mock!(Client::list_key_rotations).then_http_response(denied);
    let usage = mock!(Client::get_key_last_usage).then_http_response(denied);
    let kms = adapter(&[&aliases, &tags, &status, &rotations, &usage]);
    let errors = [
        kms.list_aliases(&key()).await.unwrap_err(),
        kms.list_resource_tags(&key()).await.unwrap_err(),
        kms.get_key_rotation_status(&key()).await.unwrap_err(),
        kms.list_materials(&key()).await.unwrap_err(),
        kms.get_key_last_usage(&key()).await.unwrap_err(),
        kms.touch().await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(
            (error.kind(), error.to_string()),
            (
                CallErrorKind::Denied,
                "AccessDeniedException: not you".into()
            )
        );
    }
}

#[tokio::test]
async fn a_throttled_call_is_tried_three_times() {
    let rule = mock!(Client::list_aliases)
        .sequence()
        .http_response(|| error("ThrottlingException", "Rate exceeded"))
        .repeatedly()
        .build();
    let error = adapter(&[&rule]).list_aliases(&key()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (
            CallErrorKind::Throttled,
            "ThrottlingException: Rate exceeded".into()
        )
    );
    assert_eq!(rule.num_calls(), 3);
}

#[tokio::test]
async fn a_call_that_succeeds_after_being_throttled_is_a_success() {
    let rule = mock!(Client::get_key_rotation_status)
        .sequence()
        .http_response(|| error("ThrottlingException", "Rate exceeded"))
        .http_response(|| answer(500, &json!({ "__type": "KMSInternalException" })))
        .http_response(|| {
            answer(
                200,
                &json!({ "KeyRotationEnabled": true, "RotationPeriodInDays": 365, "NextRotationDate": 1_798_761_600.25 }),
            )
        })
        .build();
    let status = adapter(&[&rule]).get_key_rotation_status(&key()).await;
    let expected = RotationStatus {
        enabled: true,
        period_days: Some(365),
        next_at: at("2027-01-01T00:00:00Z"),
    };
    assert_eq!(status, Ok(expected));
}

#[tokio::test]
async fn rotation_that_does_not_apply_is_told_apart_from_a_failure() {
    let rule = mock!(Client::get_key_rotation_status)
        .then_http_response(|| error("UnsupportedOperationException", "origin is AWS_CLOUDHSM"));
    let error = adapter(&[&rule])
        .get_key_rotation_status(&key())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::NotApplicable);
}

#[tokio::test]
async fn aliases_are_read_page_by_page_and_sorted() {
    fn first(input: &ListAliasesInput) -> bool {
        input.key_id() == Some(KEY) && input.limit() == Some(100) && input.marker().is_none()
    }
    fn second(input: &ListAliasesInput) -> bool {
        input.key_id() == Some(KEY)
            && input.limit() == Some(100)
            && input.marker() == Some("page 2")
    }
    let pages = [
        mock!(Client::list_aliases).match_requests(first).then_http_response(|| {
            let aliases = json!([{ "AliasName": "alias/zoo" }, { "AliasArn": "no name" }, { "AliasName": "" }]);
            answer(200, &json!({ "Aliases": aliases, "Truncated": true, "NextMarker": "page 2" }))
        }),
        mock!(Client::list_aliases).match_requests(second).then_http_response(|| {
            answer(200, &json!({ "Aliases": [{ "AliasName": "alias/\u{202E}ant" }], "Truncated": false }))
        }),
    ];
    let names = adapter(&[&pages[0], &pages[1]]).list_aliases(&key()).await;
    assert_eq!(
        names,
        Ok(vec![
            Untrusted::new("alias/ant"),
            Untrusted::new("alias/zoo")
        ])
    );
}

#[tokio::test]
async fn at_most_fifty_aliases_are_kept() {
    let rule = mock!(Client::list_aliases).then_http_response(|| {
        let aliases: Vec<_> = (0..90)
            .rev()
            .map(|n| json!({ "AliasName": format!("alias/{n:02}") }))
            .collect();
        answer(200, &json!({ "Aliases": aliases, "Truncated": false }))
    });
    let names = adapter(&[&rule]).list_aliases(&key()).await.unwrap();
    assert_eq!(names.len(), 50);
    assert_eq!(
        (names[0].as_str(), names[49].as_str()),
        ("alias/00", "alias/49")
    );
}

#[tokio::test]
async fn lists_without_entries_are_empty() {
    let aliases = mock!(Client::list_aliases).then_http_response(|| answer(200, &json!({})));
    let tags = mock!(Client::list_resource_tags)
        .then_http_response(|| answer(200, &json!({ "Tags": [] })));
    let rotations = mock!(Client::list_key_rotations)
        .then_http_response(|| answer(200, &json!({ "Rotations": [] })));
    let kms = adapter(&[&aliases, &tags, &rotations]);
    assert_eq!(kms.list_aliases(&key()).await, Ok(vec![]));
    assert_eq!(kms.list_resource_tags(&key()).await, Ok(Tags::new()));
    assert_eq!(kms.list_materials(&key()).await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_marker_that_comes_again_ends_the_list() {
    let rule = mock!(Client::list_resource_tags)
        .match_requests(|input| input.limit() == Some(50))
        .sequence()
        .http_response(|| {
            answer(
                200,
                &json!({ "Tags": [], "Truncated": true, "NextMarker": "a" }),
            )
        })
        .http_response(|| {
            answer(
                200,
                &json!({ "Tags": [], "Truncated": true, "NextMarker": "b" }),
            )
        })
        .http_response(|| {
            answer(
                200,
                &json!({ "Tags": [], "Truncated": true, "NextMarker": "a" }),
            )
        })
        .repeatedly()
        .build();
    assert_eq!(
        adapter(&[&rule]).list_resource_tags(&key()).await,
        Ok(Tags::new())
    );
    assert_eq!(rule.num_calls(), 3);
}

#[tokio::test]
async fn a_list_without_end_is_left_after_ten_pages() {
    static PAGE: AtomicUsize = AtomicUsize::new(0);
    let rule = mock!(Client::list_key_rotations)
        .match_requests(|input| input.limit() == Some(1000))
        .sequence()
        .http_response(|| {
            let page = PAGE.fetch_add(1, Ordering::Relaxed);
            answer(
                200,
                &json!({ "Rotations": [], "Truncated": true, "NextMarker": page.to_string() }),
            )
        })
        .times(20)
        .build();
    assert_eq!(
        adapter(&[&rule]).list_materials(&key()).await,
        Ok(Vec::new())
    );
    assert_eq!(rule.num_calls(), 10);
}

#[tokio::test]
async fn a_page_that_fails_fails_the_list() {
    fn first(input: &ListResourceTagsInput) -> bool {
        input.marker().is_none()
    }
    let pages = [
        mock!(Client::list_resource_tags).match_requests(first).then_http_response(|| {
            answer(200, &json!({ "Tags": [{ "TagKey": "a", "TagValue": "b" }], "Truncated": true, "NextMarker": "2" }))
        }),
        mock!(Client::list_resource_tags).then_http_response(|| error("InvalidMarkerException", "2")),
    ];
    let error = adapter(&[&pages[0], &pages[1]])
        .list_resource_tags(&key())
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "InvalidMarkerException: 2");
}

#[tokio::test]
async fn tags_of_all_pages_are_kept_and_bounded() {
    fn first(input: &ListResourceTagsInput) -> bool {
        input.key_id() == Some(KEY) && input.marker().is_none()
    }
    fn second(input: &ListResourceTagsInput) -> bool {
        input.marker() == Some("2")
    }
    let pages = [
        mock!(Client::list_resource_tags).match_requests(first).then_http_response(|| {
            let tags = json!([{ "TagKey": "Owner", "TagValue": "team-pay" }]);
            answer(200, &json!({ "Tags": tags, "Truncated": true, "NextMarker": "2" }))
        }),
        mock!(Client::list_resource_tags).match_requests(second).then_http_response(|| {
            answer(200, &json!({ "Tags": [{ "TagKey": "k".repeat(500), "TagValue": "v".repeat(500) }] }))
        }),
    ];
    let tags = adapter(&[&pages[0], &pages[1]])
        .list_resource_tags(&key())
        .await
        .unwrap();
    assert_eq!(tags.len(), 2);
    assert_eq!(tags[&Untrusted::new("Owner")].as_str(), "team-pay");
    let (long_key, long_value) = tags.last_key_value().unwrap();
    assert_eq!(
        (
            long_key.as_str().chars().count(),
            long_value.as_str().chars().count()
        ),
        (128, 256)
    );
}

#[tokio::test]
async fn the_materials_of_all_pages_are_mapped() {
    let rule = mock!(Client::list_key_rotations)
        .match_requests(|input| {
            input.key_id() == Some(KEY)
                && input.include_key_material() == Some(&IncludeKeyMaterial::AllKeyMaterial)
        })
        .sequence()
        .http_response(|| {
            let rotations = json!([
                { "KeyMaterialId": "a1", "KeyMaterialState": "NON_CURRENT", "ImportState": "PENDING_IMPORT",
                  "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": 1_767_225_600.9 },
                { "KeyMaterialId": "b2 $(reboot)" }
            ]);
            answer(
                200,
                &json!({ "Rotations": rotations, "Truncated": true, "NextMarker": "2" }),
            )
        })
        .http_response(|| {
            let last = json!({ "KeyMaterialId": "c3", "KeyMaterialState": "CURRENT", "ImportState": "IMPORTED",
                "RotationDate": 1_735_689_600, "RotationType": "ON_DEMAND" });
            answer(200, &json!({ "Rotations": [last], "Truncated": false }))
        })
        .build();
    let expected = [
        Material {
            id: Some("a1".to_owned()),
            state: Some(MaterialState::NonCurrent),
            imported: Some(false),
            valid_to: at("2026-01-01T00:00:00Z"),
            rotated_at: None,
        },
        Material::default(),
        Material {
            id: Some("c3".to_owned()),
            state: Some(MaterialState::Current),
            imported: Some(true),
            valid_to: None,
            rotated_at: at("2025-01-01T00:00:00Z"),
        },
    ];
    let materials = adapter(&[&rule]).list_materials(&key()).await.unwrap();
    assert_eq!(materials, expected);
}

#[tokio::test]
async fn the_last_use_is_mapped() {
    let rule = mock!(Client::get_key_last_usage)
        .match_requests(|input| input.key_id() == Some(KEY))
        .then_http_response(|| {
            answer(
                200,
                &json!({
                    "KeyId": KEY,
                    "KeyLastUsage": {
                        "Operation": "Decrypt",
                        "Timestamp": 1_775_001_600.7,
                        "CloudTrailEventId": "0f8a5d2e-9a37-4f2c-8f0d-1f0d7e6b5a43",
                        "KmsRequestId": "9d2c"
                    },
                    "TrackingStartDate": 1_767_225_600,
                    "KeyCreationDate": 1_735_689_600
                }),
            )
        });
    let expected = LastUsage {
        used: Some(Use {
            at: "2026-04-01T00:00:00Z".parse().unwrap(),
            operation: Some(Untrusted::new("Decrypt")),
            event_id: Some(Untrusted::new("0f8a5d2e-9a37-4f2c-8f0d-1f0d7e6b5a43")),
        }),
        tracked_since: at("2026-01-01T00:00:00Z"),
        created_at: at("2025-01-01T00:00:00Z"),
    };
    assert_eq!(
        adapter(&[&rule]).get_key_last_usage(&key()).await,
        Ok(expected)
    );
}

#[tokio::test]
async fn an_empty_last_use_is_no_recorded_use() {
    for body in [
        json!({ "KeyLastUsage": {}, "TrackingStartDate": 1_767_225_600 }),
        json!({ "KeyLastUsage": null, "TrackingStartDate": 1_767_225_600 }),
        json!({ "TrackingStartDate": 1_767_225_600 }),
    ] {
        let rule = mock!(Client::get_key_last_usage).then_http_response(move || answer(200, &body));
        let expected = LastUsage {
            used: None,
            tracked_since: at("2026-01-01T00:00:00Z"),
            created_at: None,
        };
        assert_eq!(
            adapter(&[&rule]).get_key_last_usage(&key()).await,
            Ok(expected)
        );
    }
}

#[tokio::test]
async fn a_use_without_its_time_is_not_taken_for_no_use() {
    let rule = mock!(Client::get_key_last_usage)
        .then_http_response(|| answer(200, &json!({ "KeyLastUsage": { "Operation": "Decrypt" } })));
    let error = adapter(&[&rule])
        .get_key_last_usage(&key())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "UnreadableResponse: a last use without its time"
    );
}

#[tokio::test]
async fn the_last_use_is_asked_for_once_because_of_its_quota() {
    let rule = mock!(Client::get_key_last_usage)
        .sequence()
        .http_response(|| error("ThrottlingException", "Rate exceeded"))
        .repeatedly()
        .build();
    let error = adapter(&[&rule])
        .get_key_last_usage(&key())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), rule.num_calls()),
        (CallErrorKind::Throttled, 1)
    );
}

/// Connections of which the first ones break.
#[derive(Clone, Debug)]
struct Fragile {
    calls: Arc<AtomicUsize>,
    broken: usize,
    error: fn() -> ConnectorError,
}

impl HttpConnector for Fragile {
    fn call(&self, _: HttpRequest) -> HttpConnectorFuture {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        HttpConnectorFuture::ready(if call < self.broken {
            Err((self.error)())
        } else {
            Ok(answer(200, &json!({ "KeyLastUsage": {} })))
        })
    }
}

fn fragile(broken: usize, error: fn() -> ConnectorError) -> (KmsAdapter, Arc<AtomicUsize>) {
    fragile_with(KmsAdapter::from_builder, broken, error)
}

fn fragile_with(
    adapter: fn(Builder) -> KmsAdapter,
    broken: usize,
    error: fn() -> ConnectorError,
) -> (KmsAdapter, Arc<AtomicUsize>) {
    let calls = Arc::new(AtomicUsize::new(0));
    let connector = Fragile {
        calls: Arc::clone(&calls),
        broken,
        error,
    };
    let client = http_client_fn(move |_, _| SharedHttpConnector::new(connector.clone()));
    (adapter(builder().http_client(client)), calls)
}

#[tokio::test]
async fn a_broken_connection_does_not_cost_the_last_use() {
    let (kms, calls) = fragile(1, || ConnectorError::io("connection reset".into()));
    assert_eq!(
        kms.get_key_last_usage(&key()).await,
        Ok(LastUsage::default())
    );
    assert_eq!(calls.load(Ordering::Relaxed), 2);

    let (kms, calls) = fragile(9, || ConnectorError::io("connection reset".into()));
    let error = kms.get_key_last_usage(&key()).await.unwrap_err();
    assert_eq!(error.to_string(), "DispatchFailure: connection reset");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_is_not_accepted_in_time_is_a_timeout() {
    let (kms, calls) = fragile(9, || ConnectorError::timeout("connect timeout".into()));
    let error = kms.get_key_last_usage(&key()).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout);
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let error = kms.describe_key(&key()).await.unwrap_err();
    assert_eq!(error.kind(), CallErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_call_without_answer_ends_in_time() {
    let kms = KmsAdapter::from_builder(builder().http_client(NeverClient::new()));
    let start = Instant::now();
    let error = kms.get_key_last_usage(&key()).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 800);
    assert_eq!(error.kind(), CallErrorKind::Timeout);
    assert_eq!(error.to_string(), "Timeout: no answer within 800 ms");

    let start = Instant::now();
    let error = kms.describe_key(&key()).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 2_000);
    assert_eq!(error.kind(), CallErrorKind::Timeout);
    assert_eq!(error.to_string(), "Timeout: no answer within 2000 ms");
}

#[tokio::test]
async fn an_answer_that_is_not_kms_s_says_so() {
    let html = || HttpResponse::new(503.try_into().unwrap(), SdkBody::from("<html>busy</html>"));
    let rule = mock!(Client::describe_key)
        .sequence()
        .http_response(html)
        .repeatedly()
        .build();
    let error = adapter(&[&rule]).describe_key(&key()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "HTTP 503");
    assert_eq!(rule.num_calls(), 3);

    let html = || {
        HttpResponse::new(
            200.try_into().unwrap(),
            SdkBody::from("<html>log in</html>"),
        )
    };
    let rule = mock!(Client::describe_key).then_http_response(html);
    let error = adapter(&[&rule]).describe_key(&key()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "UnreadableResponse");
    assert!(!error.to_string().contains("service error"), "{error}");
}

#[tokio::test]
async fn a_connection_that_is_refused_says_so() {
    // Nobody listens on the first port, and the system gives it to nobody.
    let kms = KmsAdapter::new(&sdk::local("http://127.0.0.1:1", "us-east-1"));
    let error = kms.describe_key(&key()).await.unwrap_err();
    assert_eq!(error.code().as_str(), "DispatchFailure");
    assert!(
        error
            .to_string()
            .starts_with("DispatchFailure: Connection refused"),
        "{error}"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_made_says_why() {
    let mut config = builder();
    config.set_endpoint_url(Some("not a url".into()));
    let error = KmsAdapter::from_builder(config)
        .describe_key(&key())
        .await
        .unwrap_err();
    assert!(
        ["ConstructionFailure", "DispatchFailure"].contains(&error.code().as_str()),
        "{error}"
    );
    assert!(
        !error.to_string().contains("failed to construct request"),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_is_asked_for_in_its_own_region() {
    for (arn, host) in [
        (KEY, "kms.us-east-1.amazonaws.com"),
        (
            "arn:aws:kms:eu-west-1:111122223333:key/k",
            "kms.eu-west-1.amazonaws.com",
        ),
        (
            "arn:aws-cn:kms:cn-north-1:111122223333:key/k",
            "kms.cn-north-1.amazonaws.com.cn",
        ),
        (
            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/k",
            "kms.us-gov-west-1.amazonaws.com",
        ),
    ] {
        let (http_client, request) = capture_request(None);
        let mut config = builder().http_client(http_client);
        config.set_endpoint_url(None);
        let key: KeyArn = arn.parse().unwrap();
        let _ = KmsAdapter::from_builder(config)
            .get_key_last_usage(&key)
            .await;
        let request = request.expect_request();
        assert_eq!(request.uri(), format!("https://{host}/"));
        let authorization = request.headers().get("authorization").unwrap();
        assert!(
            authorization.contains(&format!("/{}/kms/aws4_request", key.region().as_str())),
            "{authorization}"
        );
    }
}

#[tokio::test]
async fn an_endpoint_of_ones_own_stays_in_force_for_keys_of_other_regions() {
    let (http_client, request) = capture_request(None);
    let key: KeyArn = "arn:aws:kms:eu-west-1:111122223333:key/k".parse().unwrap();
    let _ = KmsAdapter::from_builder(builder().http_client(http_client))
        .describe_key(&key)
        .await;
    let request = request.expect_request();
    assert_eq!(request.uri(), "http://127.0.0.1:1/");
    assert!(
        request
            .headers()
            .get("authorization")
            .unwrap()
            .contains("/eu-west-1/kms/aws4_request")
    );
}

#[tokio::test]
async fn a_policy_comes_as_kms_has_it_or_not_at_all() {
    let text = r#"{"Statement": "<\u202e>"}"#;
    let with = mock!(Client::get_key_policy)
        .match_requests(|input| input.key_id() == Some(&key().to_string()))
        .then_http_response(move || answer(200, &json!({"Policy": text, "PolicyName": "default"})));
    assert_eq!(
        adapter(&[&with]).get_key_policy(&key()).await.as_deref(),
        Ok(text)
    );
    let without = mock!(Client::get_key_policy).then_http_response(|| answer(200, &json!({})));
    let error = adapter(&[&without])
        .get_key_policy(&key())
        .await
        .unwrap_err();
    assert_eq!(error.code().as_str(), "EmptyResponse");
    let denied = mock!(Client::get_key_policy)
        .then_http_response(|| self::error("AccessDeniedException", "no"));
    let error = adapter(&[&denied])
        .get_key_policy(&key())
        .await
        .unwrap_err();
    assert_eq!(error.kind(), watch_core::ports::CallErrorKind::Denied);
}

#[tokio::test]
async fn keys_are_listed_page_by_page_without_those_that_cannot_be_named() {
    let first = mock!(Client::list_keys)
        .match_requests(|input| input.limit() == Some(1000) && input.marker().is_none())
        .then_http_response(|| {
            let keys = json!([
                { "KeyId": "5f0c1b7e", "KeyArn": KEY },
                { "KeyId": "no ARN" },
                { "KeyId": "k", "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/$(reboot)" },
                { "KeyId": "k", "KeyArn": "arn:aws:kms:us-east-1:111122223333:alias/k" },
            ]);
            answer(
                200,
                &json!({ "Keys": keys, "Truncated": true, "NextMarker": "page 2" }),
            )
        });
    let second = mock!(Client::list_keys)
        .match_requests(|input| input.limit() == Some(1000) && input.marker() == Some("page 2"))
        .then_http_response(|| {
            let key = json!({ "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/mrk-1" });
            // A marker counts for nothing without the flag.
            answer(
                200,
                &json!({ "Keys": [key], "Truncated": false, "NextMarker": "page 3" }),
            )
        });
    let kms = patient(&[&first, &second]);
    let expected = Page {
        items: vec![key()],
        next: Some("page 2".to_owned()),
    };
    assert_eq!(kms.list_keys(None).await, Ok(expected));
    let expected = Page {
        items: vec![
            "arn:aws:kms:us-east-1:111122223333:key/mrk-1"
                .parse()
                .unwrap(),
        ],
        next: None,
    };
    assert_eq!(kms.list_keys(Some("page 2")).await, Ok(expected));
}

#[tokio::test]
async fn all_aliases_are_listed_with_the_keys_that_they_name() {
    let rule = mock!(Client::list_aliases)
        .match_requests(|input| {
            input.key_id().is_none() && input.limit() == Some(100) && input.marker() == Some("1")
        })
        .then_http_response(|| {
            let aliases = json!([
                { "AliasName": "alias/\u{202E}payments", "TargetKeyId": "5f0c1b7e" },
                { "AliasName": "alias/aws/s3" },
                { "AliasName": "alias/aws/ebs", "TargetKeyId": "" },
                { "AliasName": "", "TargetKeyId": "5f0c1b7e" },
                { "TargetKeyId": "5f0c1b7e" },
            ]);
            answer(
                200,
                &json!({ "Aliases": aliases, "Truncated": true, "NextMarker": "2" }),
            )
        });
    let alias = |name: &str, target: Option<&str>| Alias {
        name: Untrusted::new(name),
        target: target.map(str::to_owned),
    };
    let expected = Page {
        items: vec![
            alias("alias/payments", Some("5f0c1b7e")),
            alias("alias/aws/s3", None),
            alias("alias/aws/ebs", None),
        ],
        next: Some("2".to_owned()),
    };
    let page = patient(&[&rule]).list_all_aliases(Some("1")).await;
    assert_eq!(page, Ok(expected));
}

#[tokio::test]
async fn grants_are_listed_without_the_values_of_an_encryption_context() {
    let rule = mock!(Client::list_grants)
        .match_requests(|input| {
            input.key_id() == Some(KEY) && input.limit() == Some(100) && input.marker() == Some("1")
        })
        .then_http_response(|| {
            let grants = json!([
                { "GrantId": "g1", "Name": "app", "CreationDate": 1_767_225_600.5,
                  "GranteePrincipal": "arn:aws:iam::111122223333:role/app",
                  "RetiringPrincipal": "arn:aws:iam::111122223333:role/end",
                  "IssuingAccount": "arn:aws:iam::111122223333:root",
                  "Operations": ["Decrypt", "Novel"],
                  "Constraints": { "EncryptionContextSubset": { "b": "secret", "a": "secret" } } },
                { "GrantId": "g2", "GranteeServicePrincipal": "backup.amazonaws.com",
                  "Constraints": { "EncryptionContextEquals": { "c": "secret" }, "SourceArn": "arn:aws:s3:::b" } },
                { "GrantId": "g3", "GranteePrincipal": "ec2.amazonaws.com",
                  "Constraints": { "EncryptionContextSubset": { "aws:ebs:id": "vol-0abc", "z": "secret" } } },
                { "Name": "no id" },
            ]);
            answer(200, &json!({ "Grants": grants, "Truncated": true, "NextMarker": "2" }))
        });
    let text = Untrusted::new;
    let expected = Page {
        items: vec![
            Grant {
                id: "g1".to_owned(),
                grantee: Some(text("arn:aws:iam::111122223333:role/app")),
                operations: vec![text("Decrypt"), text("Novel")],
                encryption_context_subset: vec![text("a"), text("b")],
                retiring_principal: Some(text("arn:aws:iam::111122223333:role/end")),
                name: Some(text("app")),
                created_at: at("2026-01-01T00:00:00Z"),
                ..Grant::default()
            },
            Grant {
                id: "g2".to_owned(),
                grantee: Some(text("backup.amazonaws.com")),
                encryption_context_equals: vec![text("c")],
                source_arn: Some(text("arn:aws:s3:::b")),
                ..Grant::default()
            },
            Grant {
                id: "g3".to_owned(),
                grantee: Some(text("ec2.amazonaws.com")),
                encryption_context_subset: vec![text("aws:ebs:id"), text("z")],
                resource: of_volume("vol-0abc"),
                ..Grant::default()
            },
        ],
        next: Some("2".to_owned()),
    };
    let page = patient(&[&rule]).list_grants(&key(), Some("1")).await;
    assert_eq!(page, Ok(expected));
}

#[tokio::test]
async fn all_key_stores_are_listed() {
    let rule = mock!(Client::describe_custom_key_stores)
        .match_requests(|input| {
            input.custom_key_store_id().is_none()
                && input.custom_key_store_name().is_none()
                && input.limit() == Some(1000)
                && input.marker() == Some("1")
        })
        .then_http_response(|| {
            let stores = json!([
                { "CustomKeyStoreId": "cks-1234567890abcdef0", "CustomKeyStoreName": "hsm",
                  "CustomKeyStoreType": "AWS_CLOUDHSM", "ConnectionState": "FAILED",
                  "ConnectionErrorCode": "USER_LOCKED_OUT" },
                { "CustomKeyStoreId": "$(reboot)", "ConnectionState": "CONNECTED" },
                { "CustomKeyStoreName": "no id" },
                { "CustomKeyStoreId": "cks-2" },
            ]);
            answer(
                200,
                &json!({ "CustomKeyStores": stores, "Truncated": true, "NextMarker": "2" }),
            )
        });
    let data = KeyStoreData {
        name: Some(Untrusted::new("hsm")),
        kind: Some(Untrusted::new("AWS_CLOUDHSM")),
        connection_state: Some(Untrusted::new("FAILED")),
        error_code: Some(Untrusted::new("USER_LOCKED_OUT")),
    };
    let id = |id: &str| KeyStoreId::new(id).unwrap();
    let expected = Page {
        items: vec![
            (id("cks-1234567890abcdef0"), data),
            (id("cks-2"), KeyStoreData::default()),
        ],
        next: Some("2".to_owned()),
    };
    let page = patient(&[&rule]).list_key_stores(Some("1")).await;
    assert_eq!(page, Ok(expected));
}

/// What the three lists answer to a KMS that answers them all the same: items and next marker.
async fn lists(
    marker: Option<&str>,
    response: impl Fn() -> HttpResponse + Clone + Send + Sync + 'static,
) -> [Result<(usize, Option<String>), CallError>; 3] {
    fn seen<T>(page: Page<T>) -> (usize, Option<String>) {
        (page.items.len(), page.next)
    }
    let keys = mock!(Client::list_keys).then_http_response(response.clone());
    let aliases = mock!(Client::list_aliases).then_http_response(response.clone());
    let stores = mock!(Client::describe_custom_key_stores).then_http_response(response);
    let kms = patient(&[&keys, &aliases, &stores]);
    [
        kms.list_keys(marker).await.map(seen),
        kms.list_all_aliases(marker).await.map(seen),
        kms.list_key_stores(marker).await.map(seen),
    ]
}

#[tokio::test]
async fn an_empty_page_is_the_last_one_or_leads_on() {
    for body in [json!({}), json!({ "Truncated": false, "NextMarker": "" })] {
        for page in lists(None, move || answer(200, &body)).await {
            assert_eq!(page, Ok((0, None)));
        }
    }
    let body = json!({ "Truncated": true, "NextMarker": "2" });
    for page in lists(Some("1"), move || answer(200, &body)).await {
        assert_eq!(page, Ok((0, Some("2".to_owned()))));
    }
}

#[tokio::test]
async fn a_list_that_cannot_be_read_to_its_end_does_not_pass_for_complete() {
    let without = "UnreadableResponse: a truncated list without a marker";
    let circle = "UnreadableResponse: a page that leads to itself";
    for (body, reason) in [
        (json!({ "Truncated": true }), without),
        (json!({ "Truncated": true, "NextMarker": "" }), without),
        (json!({ "Truncated": true, "NextMarker": "1" }), circle),
    ] {
        for page in lists(Some("1"), move || answer(200, &body)).await {
            assert_eq!(page.unwrap_err().to_string(), reason);
        }
    }
}

#[tokio::test]
async fn every_list_reports_that_it_was_denied() {
    for page in lists(None, || error("AccessDeniedException", "not you")).await {
        let error = page.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (
                CallErrorKind::Denied,
                "AccessDeniedException: not you".into()
            )
        );
    }
}

#[tokio::test]
async fn a_sweep_that_is_throttled_is_told_at_once() {
    // Throttling has several names, and some come with a status that is otherwise tried again.
    for (status, code) in [
        (400, "ThrottlingException"),
        (429, "TooManyRequestsException"),
        (503, "ThrottlingException"),
    ] {
        let response = move || answer(status, &json!({ "__type": code }));
        let list = mock!(Client::list_keys)
            .sequence()
            .http_response(response)
            .repeatedly()
            .build();
        let describe = mock!(Client::describe_key)
            .sequence()
            .http_response(response)
            .repeatedly()
            .build();
        let kms = patient(&[&list, &describe]);
        let errors = [
            kms.list_keys(None).await.unwrap_err(),
            kms.describe_key(&key()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), CallErrorKind::Throttled, "{error}");
        }
        assert_eq!((list.num_calls(), describe.num_calls()), (1, 1), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_retry_may_mend_is_tried_again_in_a_sweep() {
    let rule = mock!(Client::list_keys)
        .sequence()
        .http_response(|| answer(500, &json!({ "__type": "KMSInternalException" })))
        .http_response(|| answer(503, &json!({})))
        .http_response(|| answer(200, &json!({ "Keys": [{ "KeyArn": KEY }] })))
        .build();
    let page = patient(&[&rule]).list_keys(None).await.unwrap();
    assert_eq!((page.items, rule.num_calls()), (vec![key()], 3));

    let (kms, calls) = fragile_with(KmsAdapter::patient_from_builder, 1, || {
        ConnectorError::io("connection reset".into())
    });
    assert_eq!(
        kms.describe_key(&key()).await.unwrap_err().code().as_str(),
        "EmptyResponse"
    );
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_waits_longer_for_an_answer_but_not_for_the_last_use() {
    let http = NeverClient::new();
    let kms = KmsAdapter::patient_from_builder(builder().http_client(http.clone()));
    let start = Instant::now();
    let error = kms.list_keys(None).await.unwrap_err();
    // Three attempts of 3 s, and pauses that may leave the last one less.
    assert!((9_000..=10_000).contains(&start.elapsed().as_millis()));
    assert_eq!(error.to_string(), "Timeout: no answer within 10000 ms");
    assert_eq!(http.num_calls(), 3);

    let start = Instant::now();
    let error = kms.get_key_last_usage(&key()).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 800);
    assert_eq!(error.to_string(), "Timeout: no answer within 800 ms");
    assert_eq!(http.num_calls(), 4);
}

fn of_volume(id: &str) -> Option<watch_core::context::Named> {
    let named = watch_core::context::resource([("aws:ebs:id", id)].into_iter());
    assert!(named.is_some());
    named
}
