//! Where the simulator once taught wrong: each with the source of what is right.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use kms_local::{KeySpec, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options::default()).unwrap()
}

fn code(result: Result<Value, kms_local::KmsError>) -> &'static str {
    result.unwrap_err().code
}

/// KMS API Reference, `GetKeyRotationStatus`: "The key rotation status of these KMS keys is always false."
#[test]
fn rotation_of_asymmetric_and_hmac_keys_is_off_and_no_error() {
    let aws = start();
    for spec in [KeySpec::Rsa2048, KeySpec::EccNistP256, KeySpec::Hmac256] {
        let key = json!({"KeyId": aws.add_key(NewKey::with_spec(spec))});
        let status = aws.call("GetKeyRotationStatus", key.clone()).unwrap();
        assert_eq!(status["KeyRotationEnabled"], false, "{spec:?}");
        assert_eq!(status.get("NextRotationDate"), None, "{spec:?}");
        let refused = code(aws.call("EnableKeyRotation", key));
        assert_eq!(refused, "UnsupportedOperationException");
    }
}

/// Public records of `CreateKey`: `requestParameters.policy` holds the text that the caller gave.
#[test]
fn the_record_of_a_new_key_has_the_policy_that_was_given() {
    let aws = start();
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}]}"#;
    aws.call("CreateKey", json!({"Policy": policy})).unwrap();
    aws.call("CreateKey", json!({})).unwrap();
    let events = aws.take_events();
    assert_eq!(events[0]["detail"]["requestParameters"]["policy"], policy);
    assert_eq!(
        events[1]["detail"]["requestParameters"].get("policy"),
        None,
        "the default policy is not told"
    );
}

/// KMS API Reference, `GetKeyLastUsage`: the last *successful* cryptographic operation.
#[test]
fn failed_uses_of_a_pending_key_are_no_uses() {
    let aws = start();
    let key = json!({"KeyId": aws.add_key(NewKey::symmetric())});
    let plaintext = json!({"KeyId": key["KeyId"], "Plaintext": "AAAA"});
    let blob = aws.call("Encrypt", plaintext.clone()).unwrap();
    let used = aws.call("GetKeyLastUsage", key.clone()).unwrap();
    assert_eq!(used["KeyLastUsage"]["Operation"], "Encrypt");
    aws.call("ScheduleKeyDeletion", key.clone()).unwrap();
    aws.advance_days(1);
    let decrypt = json!({"CiphertextBlob": blob["CiphertextBlob"]});
    assert_eq!(
        code(aws.call("Decrypt", decrypt)),
        "KMSInvalidStateException"
    );
    assert_eq!(
        code(aws.call("Encrypt", plaintext)),
        "KMSInvalidStateException"
    );
    assert_eq!(aws.call("GetKeyLastUsage", key).unwrap(), used);
}

/// KMS API Reference, `GetKeyPolicy`, `PutKeyPolicy`, `ListKeyPolicies`, on the policy `AWS_RAM`.
#[test]
fn a_shared_key_has_a_second_policy_that_only_ram_writes() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let ram = json!({"KeyId": key, "PolicyName": "AWS_RAM"});
    let read = || aws.call("GetKeyPolicy", ram.clone());
    assert_eq!(code(read()), "NotFoundException");
    let share = json!({"name": "keys", "resourceArns": [key], "principals": ["444455556666"]});
    let share = aws.call_ram("CreateResourceShare", &share).unwrap();
    let share = &share["resourceShare"]["resourceShareArn"];
    let policy = read().unwrap();
    assert_eq!(policy["PolicyName"], "AWS_RAM");
    assert!(policy["Policy"].as_str().unwrap().contains("444455556666"));
    let names = aws.call("ListKeyPolicies", json!({"KeyId": key})).unwrap();
    assert_eq!(names["PolicyNames"], json!(["AWS_RAM", "default"]));
    let put = json!({"KeyId": key, "PolicyName": "AWS_RAM", "Policy": r#"{"Statement":[]}"#});
    assert_eq!(code(aws.call("PutKeyPolicy", put)), "ValidationException");

    // A principal that comes later is not told together with the key.
    let more = json!({"resourceShareArn": share, "principals": ["777788889999"]});
    aws.call_ram("AssociateResourceShare", &more).unwrap();
    let policy = read().unwrap();
    assert!(policy["Policy"].as_str().unwrap().contains("777788889999"));

    let names: Vec<_> = aws
        .take_events()
        .iter()
        .map(|event| {
            let name = [&event["detail"]["eventName"], &event["detail"]["event"]];
            (
                event["source"].clone(),
                name.into_iter().find_map(Value::as_str).unwrap().to_owned(),
            )
        })
        .collect();
    let told = |name: &str| (json!("aws.ram"), name.to_owned());
    assert_eq!(
        names,
        [
            told("CreateResourceShare"),
            told("Resource Share Association"),
            told("AssociateResourceShare"),
            told("Resource Share Association"),
        ]
    );

    let end = json!({"resourceShareArn": share});
    aws.call_ram("DeleteResourceShare", &end).unwrap();
    assert_eq!(code(read()), "NotFoundException");
    let gone = aws.call_ram("DeleteResourceShare", &end).unwrap_err();
    assert_eq!(gone.code, "UnknownResourceException");
}
