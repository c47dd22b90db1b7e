//! Grants: made, listed, taken back, and what CloudTrail shows of it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::{Client, shape::assert_like};
use kms_local::{Caller, LocalAws, NewKey, Options};
use serde_json::{Value, json};

const LOADER: &str = "arn:aws:iam::444455556666:role/loader";
const ADMIN: &str = "arn:aws:iam::111122223333:role/KeyAdmin";

fn start() -> (LocalAws, String) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let key = aws.add_key(NewKey::symmetric());
    (aws, key)
}

fn request(key: &str) -> Value {
    json!({
        "KeyId": key,
        "GranteePrincipal": LOADER,
        "RetiringPrincipal": ADMIN,
        "Operations": ["Decrypt", "GenerateDataKey", "DescribeKey"],
        "Constraints": {"EncryptionContextSubset": {"tenant": "blue"}},
        "Name": "loader-2026",
    })
}

#[test]
fn a_grant_lives_until_it_is_revoked() {
    let (aws, key) = start();
    let made = aws.call("CreateGrant", request(&key)).unwrap();
    let events = aws.take_events();
    assert_like(&events[0], "ct-create-grant");
    let shown = &events[0]["detail"]["requestParameters"]["constraints"];
    assert_eq!(shown["encryptionContextSubset"], json!({"tenant": "blue"}));
    let again = aws.call("CreateGrant", request(&key)).unwrap();
    assert_eq!(
        made["GrantId"], again["GrantId"],
        "the name makes it the same"
    );
    assert_ne!(made["GrantToken"], again["GrantToken"]);

    let listed = aws.call("ListGrants", json!({"KeyId": key})).unwrap();
    let grants = listed["Grants"].as_array().unwrap();
    assert_eq!(grants.len(), 1);
    assert_eq!(grants[0]["GrantId"], made["GrantId"]);
    assert_eq!(grants[0]["KeyId"], key.as_str());
    assert_eq!(
        grants[0]["IssuingAccount"],
        "arn:aws:iam::111122223333:root"
    );
    let retirable = json!({"RetiringPrincipal": ADMIN});
    let retirable = aws.call("ListRetirableGrants", retirable).unwrap();
    assert_eq!(retirable["Grants"], listed["Grants"]);

    aws.take_events();
    let revoke = json!({"KeyId": key, "GrantId": made["GrantId"]});
    aws.call("RevokeGrant", revoke.clone()).unwrap();
    assert_like(&aws.take_events()[0], "ct-revoke-grant");
    assert_eq!(
        aws.call("RevokeGrant", revoke).unwrap_err().code,
        "NotFoundException"
    );
}

#[test]
fn a_retired_grant_is_named_beside_the_request() {
    let (aws, key) = start();
    let by_token = aws.call("CreateGrant", request(&key)).unwrap();
    aws.take_events();
    let token = json!({"GrantToken": by_token["GrantToken"]});
    aws.call("RetireGrant", token.clone()).unwrap();
    let events = aws.take_events();
    assert_like(&events[0], "ct-retire-grant");
    assert_eq!(
        events[0]["detail"]["additionalEventData"]["grantId"],
        by_token["GrantId"]
    );
    assert_eq!(
        aws.call("RetireGrant", token).unwrap_err().code,
        "InvalidGrantTokenException"
    );
    let by_id = aws.call("CreateGrant", request(&key)).unwrap();
    let bare = key.rsplit('/').next().unwrap();
    let body = |key: &str| json!({"KeyId": key, "GrantId": by_id["GrantId"]});
    assert_eq!(
        aws.call("RetireGrant", body(bare)).unwrap_err().code,
        "InvalidArnException"
    );
    aws.call("RetireGrant", body(&key)).unwrap();
    let left = aws.call("ListGrants", json!({"KeyId": key})).unwrap();
    assert_eq!(left["Grants"], json!([]));
}

#[test]
fn a_service_grants_itself_what_it_needs() {
    let (aws, key) = start();
    aws.as_caller(Caller::aws_service("dynamodb.amazonaws.com"));
    let body = json!({
        "KeyId": key,
        "GranteePrincipal": "dynamodb.us-east-1.amazonaws.com",
        "RetiringPrincipal": "dynamodb.us-east-1.amazonaws.com",
        "Operations": ["Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo", "GenerateDataKey", "DescribeKey"],
        "Constraints": {"EncryptionContextSubset": {"aws:dynamodb:tableName": "ledger"}},
    });
    aws.call("CreateGrant", body).unwrap();
    assert_like(&aws.take_events()[0], "ct-create-grant-aws-service");
}

#[test]
fn grants_come_in_pages_and_by_principal() {
    let (aws, key) = start();
    let mut client = Client::connect(&aws.endpoint_url());
    for number in 0..60 {
        let body = json!({
            "KeyId": key,
            "GranteePrincipal": format!("arn:aws:iam::111122223333:role/r{number}"),
            "Operations": ["Decrypt"],
        });
        assert_eq!(client.kms("CreateGrant", &body).status, 200);
    }
    let first = client.kms("ListGrants", &json!({"KeyId": key})).json();
    assert_eq!(first["Grants"].as_array().unwrap().len(), 50);
    assert_eq!(first["Truncated"], true);
    let next = json!({"KeyId": key, "Marker": first["NextMarker"]});
    let second = client.kms("ListGrants", &next).json();
    assert_eq!(second["Grants"].as_array().unwrap().len(), 10);
    let one = json!({"KeyId": key, "GranteePrincipal": "arn:aws:iam::111122223333:role/r7"});
    let one = client.kms("ListGrants", &one).json();
    assert_eq!(one["Grants"].as_array().unwrap().len(), 1);
}

#[test]
fn bad_grants_are_refused() {
    let (aws, key) = start();
    let code = |change: Value| {
        let mut body = request(&key);
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        aws.call("CreateGrant", body).unwrap_err().code
    };
    assert_eq!(
        code(json!({"Operations": ["Delete"]})),
        "ValidationException"
    );
    assert_eq!(code(json!({"Operations": null})), "ValidationException");
    assert_eq!(
        code(json!({"GranteePrincipal": "me"})),
        "InvalidArnException"
    );
    assert_eq!(
        code(json!({"GranteePrincipal": null})),
        "ValidationException"
    );
    let both = json!({"GranteeServicePrincipal": "s3.amazonaws.com"});
    assert_eq!(code(both), "ValidationException");
}
