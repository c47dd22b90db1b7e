//! What happens when time passes.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::{SignedDuration, Timestamp};
use kms_local::{ImportedMaterial, KeySpec, KeyState, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Time and name of each event, with the error of calls that failed.
fn story(aws: &LocalAws) -> Vec<String> {
    aws.take_events()
        .iter()
        .map(|event| {
            let name = event["detail"]["eventName"].as_str();
            let name = name.or_else(|| event["detail-type"].as_str()).unwrap();
            let error = event["detail"]["errorCode"].as_str().unwrap_or_default();
            format!("{} {name} {error}", &event["time"].as_str().unwrap()[..16])
                .trim_end()
                .to_owned()
        })
        .collect()
}

fn rotation(aws: &LocalAws, key: &str) -> Value {
    aws.call("GetKeyRotationStatus", json!({"KeyId": key}))
        .unwrap()
}

fn rotations(aws: &LocalAws, key: &str) -> Vec<Value> {
    let listed = aws.call("ListKeyRotations", json!({"KeyId": key})).unwrap();
    listed["Rotations"].as_array().unwrap().clone()
}

#[test]
fn a_key_is_gone_at_the_end_of_its_window_and_not_before() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().alias("alias/x"));
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    let end = at("2026-11-27T10:00:00Z");
    assert_eq!(aws.next_due(), Some(end));
    aws.advance_to(end - SignedDuration::from_secs(1));
    assert_eq!(aws.key_state(&key), Some(KeyState::PendingDeletion));
    aws.advance(SignedDuration::from_secs(1));
    assert_eq!(aws.now(), end);
    let error = aws.call("DescribeKey", json!({"KeyId": key})).unwrap_err();
    assert_eq!(
        (error.code, error.message),
        ("NotFoundException", format!("Key '{key}' does not exist"),)
    );
    assert_eq!(
        aws.call("ListAliases", json!({})).unwrap()["Aliases"],
        json!([])
    );
    assert_eq!(
        story(&aws),
        [
            "2026-11-20T10:00 ScheduleKeyDeletion",
            "2026-11-27T10:00 DeleteKey",
            "2026-11-27T10:00 KMS CMK Deletion",
        ]
    );
    assert_eq!(aws.next_due(), None);
}

#[test]
fn a_cancelled_deletion_does_not_happen() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    aws.advance_days(29);
    aws.call("CancelKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    aws.advance_days(400);
    assert_eq!(aws.key_state(&key), Some(KeyState::Disabled));
}

#[test]
fn a_primary_waits_for_its_replicas() {
    let aws = start();
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1", "ap-south-1"]));
    let schedule = |region: &str, days: i64| {
        let key = primary.replace("us-east-1", region);
        let body = json!({"KeyId": key, "PendingWindowInDays": days});
        aws.call_in(region, "ScheduleKeyDeletion", body).unwrap()
    };
    let answer = schedule("us-east-1", 10);
    assert_eq!(answer["KeyState"], "PendingReplicaDeletion");
    assert!(answer.get("DeletionDate").is_none());
    let data = aws.call("DescribeKey", json!({"KeyId": primary})).unwrap()["KeyMetadata"].clone();
    assert_eq!(data["PendingDeletionWindowInDays"], 10);
    assert_eq!(
        data["MultiRegionConfiguration"]["ReplicaKeys"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    aws.advance_days(100);
    assert_eq!(
        aws.key_state(&primary),
        Some(KeyState::PendingReplicaDeletion)
    );
    schedule("eu-west-1", 7);
    schedule("ap-south-1", 8);
    aws.advance_days(7);
    assert_eq!(
        aws.key_state(&primary),
        Some(KeyState::PendingReplicaDeletion)
    );
    aws.advance_days(1);
    assert_eq!(aws.key_state(&primary), Some(KeyState::PendingDeletion));
    aws.advance_days(9);
    assert_eq!(aws.key_state(&primary), Some(KeyState::PendingDeletion));
    aws.advance_days(1);
    assert_eq!(aws.key_state(&primary), None);
    let regions: Vec<_> = aws
        .take_events()
        .into_iter()
        .filter(|event| event["detail-type"] == "KMS CMK Deletion")
        .map(|event| event["region"].clone())
        .collect();
    assert_eq!(regions, ["eu-west-1", "ap-south-1", "us-east-1"]);
}

#[test]
fn a_new_replica_is_created_first_and_then_usable() {
    let aws = start();
    let primary = aws.add_key(NewKey::multi_region(&[]));
    let made = aws
        .call(
            "ReplicateKey",
            json!({"KeyId": primary, "ReplicaRegion": "eu-west-1"}),
        )
        .unwrap();
    let replica = made["ReplicaKeyMetadata"]["Arn"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(aws.key_state(&replica), Some(KeyState::Creating));
    let encrypt = || {
        aws.call_in(
            "eu-west-1",
            "Encrypt",
            json!({"KeyId": replica, "Plaintext": "AAAA"}),
        )
    };
    assert_eq!(
        encrypt().unwrap_err().message,
        format!("{replica} is creating.")
    );
    aws.advance(SignedDuration::from_mins(1));
    let blob = encrypt().unwrap()["CiphertextBlob"].clone();
    // Related keys share their material.
    assert!(aws.call("Decrypt", json!({"CiphertextBlob": blob})).is_ok());
    let single = aws.add_key(NewKey::symmetric());
    let refused = aws.call(
        "ReplicateKey",
        json!({"KeyId": single, "ReplicaRegion": "eu-west-1"}),
    );
    assert_eq!(refused.unwrap_err().code, "UnsupportedOperationException");
}

#[test]
fn imported_material_expires_in_order_and_takes_the_key_along() {
    let aws = start();
    let (first, second) = (at("2027-02-01T00:00:00Z"), at("2027-01-01T00:00:00Z"));
    let key = aws.add_key(
        NewKey::imported()
            .material(ImportedMaterial::new("one").expiring(first))
            .material(ImportedMaterial::new("two").expiring(second)),
    );
    let data = aws.call("DescribeKey", json!({"KeyId": key})).unwrap()["KeyMetadata"].clone();
    assert_eq!(
        data["ValidTo"].as_f64().unwrap() as i64,
        second.as_second(),
        "the earliest"
    );
    aws.advance_to(second);
    assert_eq!(aws.key_state(&key), Some(KeyState::PendingImport));
    aws.advance_to(first);
    assert_eq!(
        story(&aws),
        [
            "2027-01-01T00:00 DeleteExpiredKeyMaterial",
            "2027-01-01T00:00 KMS Imported Key Material Expiration",
            "2027-02-01T00:00 DeleteExpiredKeyMaterial",
            "2027-02-01T00:00 KMS Imported Key Material Expiration",
        ]
    );
    let data = aws.call("DescribeKey", json!({"KeyId": key})).unwrap()["KeyMetadata"].clone();
    assert!(data.get("ExpirationModel").is_none() && data.get("ValidTo").is_none());
}

#[test]
fn waiting_material_expires_without_harm() {
    let aws = start();
    let key = aws.add_key(
        NewKey::imported()
            .material(ImportedMaterial::new("one"))
            .pending_material(ImportedMaterial::new("two").expiring(at("2027-01-01T00:00:00Z"))),
    );
    aws.advance_days(90);
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));
    assert_eq!(story(&aws).len(), 2);
    // Nothing is left to rotate to.
    let refused = aws
        .call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap_err();
    assert_eq!(refused.code, "KMSInvalidStateException");
}

#[test]
fn rotation_follows_its_period() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    aws.call(
        "EnableKeyRotation",
        json!({"KeyId": key, "RotationPeriodInDays": 100}),
    )
    .unwrap();
    aws.advance_days(350);
    assert_eq!(rotations(&aws, &key).len(), 3);
    assert_eq!(
        story(&aws),
        [
            "2026-11-20T10:00 EnableKeyRotation",
            "2027-02-28T10:00 RotateKey",
            "2027-02-28T10:00 KMS CMK Rotation",
            "2027-06-08T10:00 RotateKey",
            "2027-06-08T10:00 KMS CMK Rotation",
            "2027-09-16T10:00 RotateKey",
            "2027-09-16T10:00 KMS CMK Rotation",
        ]
    );
    aws.call("DisableKeyRotation", json!({"KeyId": key}))
        .unwrap();
    aws.advance_days(350);
    assert_eq!(rotations(&aws, &key).len(), 3);
    for days in [89, 2561] {
        let body = json!({"KeyId": key, "RotationPeriodInDays": days});
        assert_eq!(
            aws.call("EnableKeyRotation", body).unwrap_err().code,
            "ValidationException"
        );
    }
}

#[test]
fn each_rotation_takes_up_where_the_last_one_left() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().rotating_every(90));
    aws.advance_days(180);
    let details: Vec<Value> = aws
        .take_events()
        .into_iter()
        .filter(|event| event["detail-type"] == "KMS CMK Rotation")
        .map(|event| event["detail"].clone())
        .collect();
    assert_eq!(details.len(), 2);
    assert_eq!(
        details[0]["current-key-material-id"],
        details[1]["previous-key-material-id"]
    );
    let data = aws.call("DescribeKey", json!({"KeyId": key})).unwrap()["KeyMetadata"].clone();
    assert_eq!(
        data["CurrentKeyMaterialId"],
        details[1]["current-key-material-id"]
    );
}

#[test]
fn a_disabled_key_catches_up_once() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().rotating_every(90));
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    aws.advance_days(400);
    assert!(rotations(&aws, &key).is_empty());
    assert_eq!(rotation(&aws, &key)["KeyRotationEnabled"], true);
    aws.call("EnableKey", json!({"KeyId": key})).unwrap();
    assert_eq!(rotations(&aws, &key).len(), 1);
    let names = story(&aws);
    assert_eq!(
        names[1..],
        [
            "2027-12-25T10:00 EnableKey",
            "2027-12-25T10:00 RotateKey",
            "2027-12-25T10:00 KMS CMK Rotation",
        ]
    );
    aws.advance_days(89);
    assert_eq!(rotations(&aws, &key).len(), 1);
    aws.advance_days(1);
    assert_eq!(rotations(&aws, &key).len(), 2);
}

#[test]
fn a_key_pending_deletion_does_not_rotate() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().rotating_every(90));
    aws.advance_days(80);
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(
        rotation(&aws, &key),
        json!({
            "KeyId": key.rsplit('/').next().unwrap(),
            "KeyRotationEnabled": false,
        })
    );
    aws.advance_days(20);
    assert!(rotations(&aws, &key).is_empty());
    aws.call("CancelKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(rotation(&aws, &key)["KeyRotationEnabled"], true);
}

#[test]
fn a_rotation_on_demand_takes_a_moment_and_leaves_the_schedule_alone() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric().rotating_every(365));
    let before = rotation(&aws, &key)["NextRotationDate"].clone();
    aws.call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap();
    assert!(
        rotation(&aws, &key)
            .get("OnDemandRotationStartDate")
            .is_some()
    );
    let again = aws
        .call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap_err();
    assert_eq!(again.code, "ConflictException");
    aws.advance(SignedDuration::from_mins(2));
    assert!(
        rotation(&aws, &key)
            .get("OnDemandRotationStartDate")
            .is_none()
    );
    assert_eq!(rotation(&aws, &key)["NextRotationDate"], before);
    assert_eq!(rotations(&aws, &key)[0]["RotationType"], "ON_DEMAND");
    assert_eq!(
        story(&aws),
        [
            "2026-11-20T10:00 RotateKeyOnDemand",
            "2026-11-20T10:00 RotateKeyOnDemand ConflictException",
            "2026-11-20T10:01 RotateKey",
            "2026-11-20T10:01 KMS CMK Rotation",
        ]
    );
    // Twenty minutes before the automatic rotation is too close.
    aws.advance_to(at("2027-11-20T09:45:00Z"));
    let close = aws
        .call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap_err();
    assert_eq!(close.code, "ConflictException");
}

#[test]
fn on_demand_rotations_are_limited_to_25() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    for _ in 0..25 {
        aws.call("RotateKeyOnDemand", json!({"KeyId": key}))
            .unwrap();
        aws.advance(SignedDuration::from_mins(2));
    }
    let refused = aws
        .call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap_err();
    assert_eq!(refused.code, "LimitExceededException");
    let asymmetric = aws.add_key(NewKey::with_spec(KeySpec::Rsa2048));
    let refused = aws
        .call("RotateKeyOnDemand", json!({"KeyId": asymmetric}))
        .unwrap_err();
    assert_eq!(refused.code, "UnsupportedOperationException");
}

#[test]
fn imported_material_rotates_to_what_waits() {
    let aws = start();
    let key = aws.add_key(
        NewKey::imported()
            .material(ImportedMaterial::new("one"))
            .pending_material(ImportedMaterial::new("two")),
    );
    aws.call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap();
    aws.advance(SignedDuration::from_mins(2));
    let events = aws.take_events();
    let detail = &events[2]["detail"];
    assert_eq!(detail["key-origin"], "EXTERNAL");
    let body = json!({"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    let listed = aws.call("ListKeyRotations", body).unwrap()["Rotations"].clone();
    assert_eq!(listed[0]["KeyMaterialState"], "NON_CURRENT");
    assert_eq!(listed[1]["KeyMaterialState"], "CURRENT");
    assert_eq!(
        listed[1]["KeyMaterialId"],
        detail["current-key-material-id"]
    );
    assert_eq!(
        listed[0]["KeyMaterialId"],
        detail["previous-key-material-id"]
    );
}

#[test]
fn replicas_rotate_with_their_primary() {
    let aws = start();
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1"]).rotating_every(90));
    let replica = primary.replace("us-east-1", "eu-west-1");
    let status = aws
        .call_in(
            "eu-west-1",
            "GetKeyRotationStatus",
            json!({"KeyId": replica}),
        )
        .unwrap();
    assert_eq!(status["KeyRotationEnabled"], true);
    let refused = aws.call_in("eu-west-1", "DisableKeyRotation", json!({"KeyId": replica}));
    assert_eq!(refused.unwrap_err().code, "UnsupportedOperationException");
    aws.take_events();
    aws.advance_days(90);
    let mut regions: Vec<_> = aws
        .take_events()
        .into_iter()
        .filter(|event| event["detail-type"] == "KMS CMK Rotation")
        .map(|event| event["region"].as_str().unwrap().to_owned())
        .collect();
    regions.sort();
    assert_eq!(regions, ["eu-west-1", "us-east-1"]);
}

#[test]
fn time_does_not_go_back() {
    let aws = start();
    aws.advance_days(1);
    aws.advance_to(at("2026-01-01T00:00:00Z"));
    assert_eq!(aws.now(), at("2026-11-21T10:00:00Z"));
}

#[test]
fn years_of_many_keys_pass_quickly() {
    let aws = start();
    for _ in 0..300 {
        aws.add_key(NewKey::symmetric().rotating_every(365));
    }
    aws.advance_days(3 * 365);
    assert_eq!(aws.take_events().len(), 300 * 3 * 2);
}

#[test]
fn the_same_seed_tells_the_same_story() {
    let run = |seed| {
        let aws = LocalAws::start(Options {
            seed,
            ..Options::default()
        })
        .unwrap();
        let key = aws.add_key(NewKey::symmetric());
        aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
            .unwrap();
        aws.advance_days(30);
        aws.take_events()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
