//! Lists against answers of the services.

use aws_smithy_http_client::test_util::{ReplayEvent, StaticReplayClient};
use aws_smithy_types::body::SdkBody;

use super::*;

fn adapter(partition: &str, answers: &[&str]) -> (AccountsAdapter, StaticReplayClient) {
    let event = |body: &&str| {
        ReplayEvent::new(
            http::Request::new(SdkBody::empty()),
            http::Response::new(SdkBody::from(*body)),
        )
    };
    let client = StaticReplayClient::new(answers.iter().map(event).collect());
    // No endpoint of its own: the address is the service's.
    let sdk = crate::sdk::local("http://localhost:1", "eu-west-1")
        .into_builder()
        .http_client(client.clone());
    let mut sdk = sdk;
    sdk.set_endpoint_url(None);
    let partition = Partition::new(partition).unwrap();
    (AccountsAdapter::new(&sdk.build(), &partition), client)
}

#[tokio::test]
async fn regions_are_asked_for_where_the_partition_answers() {
    let (adapter, client) = adapter(
        "aws-cn",
        &[
            r#"{"Regions":[{"RegionName":"eu-west-1","RegionOptStatus":"ENABLED_BY_DEFAULT"}],"NextToken":"t"}"#,
            r#"{"Regions":[{"RegionName":"af-south-1","RegionOptStatus":"ENABLED"}]}"#,
        ],
    );
    let regions = adapter.regions().await.unwrap();
    let names: Vec<_> = regions.iter().map(Region::as_str).collect();
    assert_eq!(names, ["af-south-1", "eu-west-1"]);
    let requests: Vec<_> = client.actual_requests().collect();
    assert_eq!(
        (requests[0].method(), requests[0].uri()),
        (
            "POST",
            "https://account.cn-northwest-1.amazonaws.com.cn/listRegions"
        )
    );
    let signed = requests[0].headers().get("authorization").unwrap();
    assert!(
        signed.contains("/cn-northwest-1/account/aws4_request"),
        "{signed}"
    );
    let body: Value = serde_json::from_slice(requests[1].body().bytes().unwrap()).unwrap();
    assert_eq!(body["NextToken"], "t");
}

#[tokio::test]
async fn accounts_are_read_to_the_end_whatever_their_state_is_called() {
    let (adapter, client) = adapter(
        "aws",
        &[
            r#"{"Accounts":[],"NextToken":"t"}"#,
            r#"{"Accounts":[{"Id":"222222222222","Name":"pay","State":"CLOSED","Status":"SUSPENDED"},
                {"Id":"111111111111","Status":"ACTIVE"}]}"#,
        ],
    );
    let accounts = adapter.accounts().await.unwrap();
    let told: Vec<_> = accounts
        .iter()
        .map(|it| (it.id.as_str(), it.state.as_str(), it.is_active()))
        .collect();
    assert_eq!(
        told,
        [
            ("111111111111", "ACTIVE", true),
            ("222222222222", "CLOSED", false)
        ]
    );
    let request = client.actual_requests().next().unwrap();
    assert_eq!(
        request.uri(),
        "https://organizations.us-east-1.amazonaws.com/"
    );
    assert_eq!(
        request.headers().get("x-amz-target"),
        Some("AWSOrganizationsV20161128.ListAccounts")
    );
}

#[tokio::test]
async fn a_list_that_cannot_be_read_whole_is_none() {
    for answer in [
        r"{}",
        r#"{"Accounts":[{"Id":"12"}]}"#,
        r#"{"Accounts":[{"Name":"nobody"}]}"#,
    ] {
        let (adapter, _) = adapter("aws", &[answer]);
        let error = adapter.accounts().await.unwrap_err();
        assert_eq!(error.code().as_str(), "UnreadableResponse", "{answer}");
    }
    let (adapter, _) = adapter("aws", &[r#"{"Regions":[]}"#]);
    let error = adapter.regions().await.unwrap_err();
    assert_eq!(error.code().as_str(), "NoRegions");
}
