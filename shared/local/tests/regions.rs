//! Multi-Region keys: the primary moves, and the records that tell of it.

mod common;

use common::shape::assert_like;
use jiff::SignedDuration;
use kms_local::{KeyState, LocalAws, NewKey, Options};
use serde_json::json;

#[test]
fn the_primary_moves_and_both_regions_tell() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let old = aws.add_key(NewKey::multi_region(&["eu-west-1", "eu-north-1"]).rotating_every(365));
    let new = old.replace("us-east-1", "eu-west-1");
    let body = json!({"KeyId": old, "PrimaryRegion": "eu-west-1"});
    aws.call("UpdatePrimaryRegion", body).unwrap();
    let events = aws.take_events();
    assert_eq!(events.len(), 2);
    assert_like(&events[0], "ct-update-primary-region-old-primary");
    let there = &events[1]["detail"];
    assert_eq!(there["awsRegion"], "eu-west-1");
    assert_eq!(there["userIdentity"]["invokedBy"], "kms.amazonaws.com");
    assert_eq!(there["requestParameters"]["keyId"], old.as_str());
    assert_eq!(there["requestID"], events[0]["detail"]["requestID"]);
    assert!(there.get("resources").is_none());

    for key in [&old, &new] {
        assert_eq!(aws.key_state(key), Some(KeyState::Updating));
    }
    let third = old.replace("us-east-1", "eu-north-1");
    assert_eq!(aws.key_state(&third), Some(KeyState::Enabled));
    let encrypt = json!({"KeyId": old, "Plaintext": "AAAA"});
    aws.call("Encrypt", encrypt).unwrap();
    let refused = aws.call("DisableKey", json!({"KeyId": old})).unwrap_err();
    assert_eq!(refused.message, format!("{old} is updating."));
    aws.advance(SignedDuration::from_secs(30));
    assert_eq!(aws.key_state(&old), Some(KeyState::Enabled));

    let data = aws
        .call_in("eu-north-1", "DescribeKey", json!({"KeyId": third}))
        .unwrap();
    let related = &data["KeyMetadata"]["MultiRegionConfiguration"];
    assert_eq!(related["PrimaryKey"]["Region"], "eu-west-1");
    assert_eq!(related["ReplicaKeys"].as_array().unwrap().len(), 2);

    // Rotations are now carried out by the new primary, on the old schedule.
    aws.take_events();
    aws.advance_days(365);
    let rotated = aws.take_events();
    let native = rotated
        .iter()
        .filter(|event| event["detail-type"] == "KMS CMK Rotation");
    assert_eq!(native.count(), 3);
}

#[test]
fn the_new_primary_has_to_be_a_replica() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let code = |key: &str, region: &str| {
        let body = json!({"KeyId": key, "PrimaryRegion": region});
        aws.call("UpdatePrimaryRegion", body).unwrap_err().code
    };
    let key = aws.add_key(NewKey::multi_region(&["eu-west-1"]));
    assert_eq!(code(&key, "eu-north-1"), "NotFoundException");
    assert_eq!(code(&key, "us-east-1"), "NotFoundException");
    let single = aws.add_key(NewKey::symmetric());
    assert_eq!(code(&single, "eu-west-1"), "UnsupportedOperationException");
    let replica = key.replace("us-east-1", "eu-west-1");
    aws.call_in("eu-west-1", "DisableKey", json!({"KeyId": replica}))
        .unwrap();
    assert_eq!(code(&key, "eu-west-1"), "KMSInvalidStateException");
}
