//! Events against samples in the exact shape of AWS: the same members with the same types, and the same values where
//! they do not depend on key, person and time.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::shape::{assert_like, sample, shape};
use jiff::{SignedDuration, Timestamp};
use kms_local::{Caller, EventShape, ImportedMaterial, KeyStore, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options {
        start: at("2026-02-14T09:01:07Z"),
        ..Options::default()
    })
    .unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The events of one call.
fn events_of(aws: &LocalAws, operation: &str, body: Value) -> Vec<Value> {
    aws.take_events();
    let _ = aws.call(operation, body);
    aws.take_events()
}

fn assert_call(aws: &LocalAws, operation: &str, body: Value, name: &str) {
    let events = events_of(aws, operation, body);
    assert_eq!(events.len(), 1, "{operation}");
    assert_like(&events[0], name);
}

#[test]
fn deletion() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let id = json!({"KeyId": key});
    let schedule = json!({"KeyId": key, "PendingWindowInDays": 14});
    let events = events_of(&aws, "ScheduleKeyDeletion", schedule.clone());
    assert_like(&events[0], "ct-schedule-key-deletion");
    let response = &events[0]["detail"]["responseElements"];
    assert_eq!(response["deletionDate"], "Feb 28, 2026, 9:01:07 AM");
    assert_eq!(response["keyId"], key.as_str());
    assert_call(
        &aws,
        "ScheduleKeyDeletion",
        schedule,
        "ct-schedule-key-deletion-already-pending",
    );
    assert_call(
        &aws,
        "CancelKeyDeletion",
        id.clone(),
        "ct-cancel-key-deletion",
    );
    assert_call(
        &aws,
        "CancelKeyDeletion",
        id.clone(),
        "ct-cancel-key-deletion-not-pending",
    );
    aws.as_caller(Caller::root().mfa().console());
    let week = json!({"KeyId": key, "PendingWindowInDays": 7});
    assert_call(
        &aws,
        "ScheduleKeyDeletion",
        week,
        "ct-schedule-key-deletion-root",
    );

    aws.advance_days(7);
    let events = aws.take_events();
    assert_eq!(events.len(), 2);
    assert_like(&events[0], "ct-delete-key-service-event");
    assert_like(&events[1], "kms-deletion");
    assert_eq!(events[1]["resources"], json!([key]));
    assert_eq!(
        events[1]["detail"]["key-id"],
        key.rsplit('/').next().unwrap()
    );

    aws.as_caller(Caller::default());
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1"]));
    let month = json!({"KeyId": primary, "PendingWindowInDays": 30});
    assert_call(
        &aws,
        "ScheduleKeyDeletion",
        month,
        "ct-schedule-key-deletion-mrk-primary",
    );
}

#[test]
fn rotation() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let id = json!({"KeyId": key});
    let enable = json!({"KeyId": key, "RotationPeriodInDays": 180});
    assert_call(&aws, "EnableKeyRotation", enable, "ct-enable-key-rotation");
    aws.advance_days(180);
    let events = aws.take_events();
    assert_like(&events[0], "ct-rotate-key-automatic-service-event");
    assert_like(&events[1], "kms-rotation-automatic-new");
    assert_eq!(
        events[0]["detail"]["serviceEventDetails"]["keyId"],
        events[1]["detail"]["key-id"]
    );
    assert_call(
        &aws,
        "DisableKeyRotation",
        id.clone(),
        "ct-disable-key-rotation",
    );
    assert_call(&aws, "RotateKeyOnDemand", id, "ct-rotate-key-on-demand");
    aws.advance(SignedDuration::from_mins(5));
    let events = aws.take_events();
    assert_eq!(
        events[0]["detail"]["serviceEventDetails"]["rotationType"],
        "ON_DEMAND"
    );
    assert_like(&events[1], "kms-rotation-on-demand-new");

    let imported = aws.add_key(
        NewKey::imported()
            .material(ImportedMaterial::new("one"))
            .pending_material(ImportedMaterial::new("two")),
    );
    aws.call("RotateKeyOnDemand", json!({"KeyId": imported}))
        .unwrap();
    aws.advance(SignedDuration::from_mins(5));
    assert_like(
        &aws.take_events()[1],
        "ct-rotate-key-on-demand-service-event",
    );
}

#[test]
fn imported_material() {
    let aws = LocalAws::start(Options {
        start: at("2026-02-14T09:01:07Z"),
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::imported());
    let parameters = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_4096"});
    let response = aws.call("GetParametersForImport", parameters).unwrap();
    assert_like(
        &aws.take_events()[0],
        "ct-get-parameters-for-import-readonly",
    );
    let body = |more: Value| {
        let mut body = json!({
            "KeyId": key,
            "ImportToken": response["ImportToken"],
            "EncryptedKeyMaterial": "AAAA",
        });
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    let new = body(json!({
        "ValidTo": at("2026-05-15T18:00:00Z").as_second(),
        "ExpirationModel": "KEY_MATERIAL_EXPIRES",
        "ImportType": "NEW_KEY_MATERIAL",
        "KeyMaterialDescription": "q2 hsm export",
    }));
    let events = events_of(&aws, "ImportKeyMaterial", new.clone());
    assert_like(&events[0], "ct-import-key-material-new");
    let shown = &events[0]["detail"]["requestParameters"]["validTo"];
    assert_eq!(shown, "May 15, 2026, 6:00:00 PM");
    let material = events[0]["detail"]["responseElements"]["keyMaterialId"].clone();
    let again = body(json!({
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        "ImportType": "EXISTING_KEY_MATERIAL",
    }));
    assert_call(
        &aws,
        "ImportKeyMaterial",
        again,
        "ct-import-key-material-existing-no-expiry",
    );
    let delete = json!({"KeyId": key, "KeyMaterialId": material});
    assert_call(
        &aws,
        "DeleteImportedKeyMaterial",
        delete,
        "ct-delete-imported-key-material",
    );

    let mut again = new;
    again["ImportType"] = json!("EXISTING_KEY_MATERIAL");
    aws.call("ImportKeyMaterial", again).unwrap();
    aws.take_events();
    aws.advance_days(120);
    let events = aws.take_events();
    assert_like(&events[0], "ct-delete-expired-key-material-service-event");
    assert_like(&events[1], "kms-imported-material-expiration-new");
    assert_eq!(events[1]["detail"]["key-material-id"], material);
    assert_eq!(events[1]["time"], "2026-05-15T18:00:00Z");
}

#[test]
fn creation_and_replication() {
    let aws = start();
    aws.add_key_store(KeyStore::cloud_hsm(
        "cks-4c8f0a6d12e95b73e",
        "cluster-4w7rkxq2mzp",
    ));
    assert_call(&aws, "CreateKey", json!({}), "ct-create-key");
    assert_call(
        &aws,
        "CreateKey",
        json!({"Origin": "EXTERNAL"}),
        "ct-create-key-external",
    );
    let hsm = json!({"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-4c8f0a6d12e95b73e"});
    let mut events = events_of(&aws, "CreateKey", hsm);
    // The documented record was made without tags, as they came later than key stores.
    events[0]["detail"]["requestParameters"]
        .as_object_mut()
        .unwrap()
        .remove("tags");
    assert_like(&events[0], "ct-create-key-cloudhsm");
    let primary = aws.add_key(NewKey::multi_region(&[]));
    let replicate = json!({"KeyId": primary, "ReplicaRegion": "eu-west-1"});
    let events = events_of(&aws, "ReplicateKey", replicate);
    assert_like(&events[0], "ct-replicate-key");
    // The Region of the replica sees a key being created.
    let created = &events[1]["detail"];
    assert_eq!(
        (&created["eventName"], &created["awsRegion"]),
        (&json!("CreateKey"), &json!("eu-west-1"))
    );
    let replica = primary.replace("us-east-1", "eu-west-1");
    assert_eq!(created["resources"][0]["ARN"], replica.as_str());
    assert_eq!(
        created["responseElements"]["keyMetadata"]["arn"],
        replica.as_str()
    );
    assert_eq!(created["requestID"], events[0]["detail"]["requestID"]);
    assert_ne!(created["eventID"], events[0]["detail"]["eventID"]);
}

#[test]
fn other_changes() {
    let aws = start();
    let (key, other) = (
        aws.add_key(NewKey::symmetric()),
        aws.add_key(NewKey::symmetric()),
    );
    let alias = |key: &str| json!({"AliasName": "alias/ledger", "TargetKeyId": key});
    assert_call(&aws, "CreateAlias", alias(&key), "ct-create-alias");
    assert_call(&aws, "UpdateAlias", alias(&other), "ct-update-alias");
    assert_call(
        &aws,
        "DeleteAlias",
        json!({"AliasName": "alias/ledger"}),
        "ct-delete-alias",
    );
    let tags = json!([
        {"TagKey": "owner", "TagValue": "payments"},
        {"TagKey": "tier", "TagValue": "1"},
    ]);
    assert_call(
        &aws,
        "TagResource",
        json!({"KeyId": key, "Tags": tags}),
        "ct-tag-resource",
    );
    let untag = json!({"KeyId": key, "TagKeys": ["tier"]});
    assert_call(&aws, "UntagResource", untag, "ct-untag-resource");
    assert_call(&aws, "DisableKey", json!({"KeyId": key}), "ct-disable-key");
    assert_call(&aws, "EnableKey", json!({"KeyId": key}), "ct-enable-key");
    let describe = json!({"KeyId": key, "Description": "ledger data key"});
    assert_call(
        &aws,
        "UpdateKeyDescription",
        describe,
        "ct-update-key-description",
    );
    let policy = json!({"KeyId": key, "Policy": r#"{"Statement": []}"#});
    assert_call(&aws, "PutKeyPolicy", policy, "ct-put-key-policy");
}

#[test]
fn reads_send_nothing_unless_asked() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    for (operation, body) in [
        ("DescribeKey", json!({"KeyId": key})),
        ("ListKeys", json!({})),
        ("Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})),
        ("DescribeKey", json!({"KeyId": "alias/none"})),
    ] {
        assert!(events_of(&aws, operation, body).is_empty(), "{operation}");
    }

    let aws = LocalAws::start(Options {
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::symmetric());
    assert_call(
        &aws,
        "DescribeKey",
        json!({"KeyId": key}),
        "ct-describe-key-readonly",
    );
    let context = json!({"aws:s3:arn": "arn:aws:s3:::acme-ledger"});
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA", "EncryptionContext": context});
    let blob = aws.call("Encrypt", encrypt).unwrap()["CiphertextBlob"].clone();
    let decrypt = json!({"KeyId": key, "CiphertextBlob": blob, "EncryptionContext": context});
    let mut events = events_of(&aws, "Decrypt", decrypt);
    // The sample came through a VPC endpoint.
    events[0]["detail"]["vpcEndpointId"] = "vpce-0f61b9d3c2a85e740".into();
    events[0]["detail"]["vpcEndpointAccountId"] = "111122223333".into();
    let mut expected = shape(&sample("ct-decrypt-success"));
    let mut ours = shape(&events[0]);
    for shape in [&mut expected, &mut ours] {
        shape.remove(".detail.vpcEndpointAccountId");
    }
    assert_eq!(ours, expected);

    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    aws.as_caller(Caller::aws_service("s3.amazonaws.com"));
    let generate = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context});
    assert_call(
        &aws,
        "GenerateDataKey",
        generate,
        "ct-generate-data-key-disabled",
    );
    aws.as_caller(Caller::default());
    aws.call("EnableKey", json!({"KeyId": key})).unwrap();
    let missing = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
    let events = events_of(&aws, "DescribeKey", json!({"KeyId": missing}));
    assert_like(&events[0], "ct-describe-key-not-found");
}

#[test]
fn malformed_calls_are_not_recorded_and_failed_ones_only_if_wanted() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let body = json!({"KeyId": key, "PendingWindowInDays": 3});
    assert!(events_of(&aws, "ScheduleKeyDeletion", body).is_empty());
    assert_eq!(
        events_of(&aws, "CancelKeyDeletion", json!({"KeyId": key})).len(),
        1
    );
    let aws = LocalAws::start(Options {
        failed_call_events: false,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::symmetric());
    assert!(events_of(&aws, "CancelKeyDeletion", json!({"KeyId": key})).is_empty());
}

#[test]
fn old_shapes_have_no_material_ids() {
    let aws = start();
    aws.set_event_shape(EventShape::Old);
    let soon = at("2026-03-01T00:00:00Z");
    aws.add_key(NewKey::imported().material(ImportedMaterial::new("one").expiring(soon)));
    aws.advance_to(soon);
    let events = aws.take_events();
    assert_eq!(
        events[0]["detail"]["serviceEventDetails"]
            .as_object()
            .unwrap()
            .len(),
        1
    );
    assert_like(&events[1], "kms-imported-material-expiration-old");
    aws.add_key(NewKey::symmetric().rotating_every(90));
    aws.advance_days(90);
    let events = aws.take_events();
    assert_like(&events[1], "kms-rotation-old");
    let text = serde_json::to_string(&events).unwrap();
    assert!(!text.to_ascii_lowercase().contains("material"));
}

#[test]
fn callers_look_as_cloudtrail_shows_them() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let detail_as = |caller: Caller| {
        aws.as_caller(caller);
        events_of(&aws, "DisableKey", json!({"KeyId": key}))[0]["detail"].clone()
    };
    let user = detail_as(
        Caller::iam_user("rosa.lind")
            .from_ip("203.0.113.9")
            .user_agent("x/1"),
    );
    assert_eq!(user["userIdentity"]["userName"], "rosa.lind");
    assert_eq!(
        (&user["sourceIPAddress"], &user["userAgent"]),
        (&json!("203.0.113.9"), &json!("x/1"))
    );
    assert!(user.get("sharedEventID").is_none());
    let service = detail_as(Caller::aws_service("dynamodb.amazonaws.com"));
    assert_eq!(service["sourceIPAddress"], "dynamodb.amazonaws.com");
    assert!(service.get("tlsDetails").is_none());
    let foreign = detail_as(Caller::other_account("444455556666"));
    assert_eq!(foreign["userIdentity"]["accountId"], "444455556666");
    assert_eq!(foreign["recipientAccountId"], "111122223333");
    assert!(foreign["sharedEventID"].is_string());
    let federated = detail_as(Caller::federated_user("eve", "issuer"));
    assert_eq!(federated["userIdentity"]["type"], "FederatedUser");
}

#[test]
fn a_cloudhsm_key_names_what_lay_behind_it() {
    let aws = start();
    aws.add_key_store(KeyStore::cloud_hsm("cks-1", "cluster-1"));
    let key = aws.add_key(NewKey::in_store("cks-1"));
    let week = json!({"KeyId": key, "PendingWindowInDays": 7});
    let scheduled = events_of(&aws, "ScheduleKeyDeletion", week);
    let data = &scheduled[0]["detail"]["additionalEventData"];
    assert_eq!(
        (&data["customKeyStoreId"], &data["clusterId"]),
        (&json!("cks-1"), &json!("cluster-1"))
    );
    assert!(data["backingKeys"].is_string());
    aws.advance_days(7);
    let deleted = aws.take_events();
    let data = &deleted[0]["detail"]["additionalEventData"];
    assert!(
        data["backingKeysDeletionStatus"]
            .as_str()
            .unwrap()
            .contains("SUCCESS")
    );
    assert_eq!(
        deleted[0]["detail"]["responseElements"]["keyId"],
        key.as_str()
    );
}

#[test]
fn other_partitions_have_their_own_arns_and_hosts() {
    let options = Options {
        region: "cn-north-1".to_owned(),
        ..Options::default()
    };
    let aws = LocalAws::start(options).unwrap();
    let key = aws.add_key(NewKey::symmetric());
    assert!(key.starts_with("arn:aws-cn:kms:cn-north-1:"));
    let events = events_of(&aws, "DisableKey", json!({"KeyId": key}));
    let detail = &events[0]["detail"];
    assert_eq!(
        detail["tlsDetails"]["clientProvidedHostHeader"],
        "kms.cn-north-1.amazonaws.com.cn"
    );
    assert!(
        detail["userIdentity"]["arn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws-cn:sts:")
    );
}

#[test]
fn a_denied_call_is_recorded_as_an_attempt() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    aws.as_caller(Caller::assumed_role("CiRunner", "nightly-cleanup"));
    aws.faults().deny("ScheduleKeyDeletion");
    let body = json!({"KeyId": key, "PendingWindowInDays": 7});
    let denied = common::Client::connect(&aws.endpoint_url()).kms("ScheduleKeyDeletion", &body);
    assert_eq!(denied.json()["__type"], "AccessDeniedException");
    let events = aws.take_events();
    let detail = &events[0]["detail"];
    assert_eq!(detail["errorCode"], "AccessDenied");
    assert_eq!(detail["errorMessage"], denied.json()["message"]);
    assert_like(&events[0], "ct-schedule-key-deletion-access-denied");
}
