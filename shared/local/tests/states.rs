//! What the states of keys do to calls.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::{SignedDuration, Timestamp};
use kms_local::{KeyState, KeyStore, KmsError, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn code(result: Result<Value, KmsError>) -> &'static str {
    result.map_or_else(|error| error.code, |_| "ok")
}

/// Every state, on a key of its own.
fn keys_in_every_state(aws: &LocalAws) -> Vec<(KeyState, String)> {
    aws.add_key_store(KeyStore::cloud_hsm("cks-1", "cluster-1"));
    let later = at("2026-12-01T00:00:00Z");
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1"]));
    let keys = vec![
        (KeyState::Enabled, aws.add_key(NewKey::symmetric())),
        (
            KeyState::Disabled,
            aws.add_key(NewKey::symmetric().disabled()),
        ),
        (
            KeyState::PendingDeletion,
            aws.add_key(NewKey::symmetric().deleted_at(later)),
        ),
        (KeyState::PendingReplicaDeletion, primary.clone()),
        (KeyState::PendingImport, aws.add_key(NewKey::imported())),
        (
            KeyState::Unavailable,
            aws.add_key(NewKey::in_store("cks-1")),
        ),
    ];
    aws.call("ScheduleKeyDeletion", json!({"KeyId": primary}))
        .unwrap();
    aws.disconnect_key_store("cks-1");
    for (state, key) in &keys {
        assert_eq!(aws.key_state(key), Some(*state));
    }
    keys
}

#[test]
fn the_table_answers_for_operation_and_state() {
    // Enabled, Disabled, PendingDeletion, PendingReplicaDeletion, PendingImport, Unavailable
    const OK: &str = "ok";
    const DISABLED: &str = "DisabledException";
    const STATE: &str = "KMSInvalidStateException";
    const ORIGIN: &str = "UnsupportedOperationException";
    let table: &[(&str, Value, [&str; 6])] = &[
        ("DescribeKey", json!({}), [OK; 6]),
        ("GetKeyPolicy", json!({}), [OK; 6]),
        ("ListAliases", json!({}), [OK; 6]),
        ("ListResourceTags", json!({}), [OK; 6]),
        ("GetKeyLastUsage", json!({}), [OK; 6]),
        (
            "Encrypt",
            json!({"Plaintext": "AAAA"}),
            [OK, DISABLED, STATE, STATE, STATE, STATE],
        ),
        (
            "GenerateDataKey",
            json!({"KeySpec": "AES_256"}),
            [OK, DISABLED, STATE, STATE, STATE, STATE],
        ),
        (
            "GenerateDataKeyWithoutPlaintext",
            json!({"KeySpec": "AES_256"}),
            [OK, DISABLED, STATE, STATE, STATE, STATE],
        ),
        (
            "CreateGrant",
            json!({"GranteePrincipal": "arn:aws:iam::111122223333:role/a", "Operations": ["Decrypt"]}),
            [OK, DISABLED, STATE, STATE, STATE, OK],
        ),
        ("ListGrants", json!({}), [OK; 6]),
        ("ListKeyPolicies", json!({}), [OK; 6]),
        (
            "EnableKeyRotation",
            json!({}),
            [OK, DISABLED, STATE, STATE, ORIGIN, ORIGIN],
        ),
        (
            "GetKeyRotationStatus",
            json!({}),
            [OK, OK, OK, OK, ORIGIN, ORIGIN],
        ),
        ("ListKeyRotations", json!({}), [OK, OK, OK, OK, OK, ORIGIN]),
        (
            "TagResource",
            json!({"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
            [OK, OK, STATE, STATE, OK, OK],
        ),
        (
            "UpdateKeyDescription",
            json!({"Description": "d"}),
            [OK, OK, STATE, STATE, OK, OK],
        ),
        ("DisableKey", json!({}), [OK, OK, STATE, STATE, STATE, OK]),
        (
            "ScheduleKeyDeletion",
            json!({}),
            [OK, OK, STATE, STATE, OK, OK],
        ),
    ];
    for (operation, body, answers) in table {
        let aws = start();
        for ((state, key), expected) in keys_in_every_state(&aws).iter().zip(answers) {
            let mut body = body.clone();
            body["KeyId"] = key.as_str().into();
            assert_eq!(
                code(aws.call(operation, body)),
                *expected,
                "{operation} on {state:?}"
            );
        }
    }
}

#[test]
fn cancelling_needs_a_pending_deletion_and_leaves_the_key_disabled() {
    let aws = start();
    for (state, key) in keys_in_every_state(&aws) {
        let result = aws.call("CancelKeyDeletion", json!({"KeyId": key}));
        if matches!(
            state,
            KeyState::PendingDeletion | KeyState::PendingReplicaDeletion
        ) {
            result.unwrap();
            assert_eq!(aws.key_state(&key), Some(KeyState::Disabled));
        } else {
            let error = result.unwrap_err();
            assert_eq!(error.code, "KMSInvalidStateException");
            assert_eq!(error.message, format!("{key} is not pending deletion."));
        }
    }
}

#[test]
fn errors_of_states_have_the_documented_texts() {
    let aws = start();
    for (state, key) in keys_in_every_state(&aws) {
        let result = aws.call("Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"}));
        let tail = match state {
            KeyState::Disabled => "is disabled.",
            KeyState::PendingDeletion => "is pending deletion.",
            KeyState::PendingReplicaDeletion => "is pending replica deletion.",
            KeyState::PendingImport => "is pending import.",
            KeyState::Unavailable => "is unavailable.",
            _ => continue,
        };
        assert_eq!(result.unwrap_err().message, format!("{key} {tail}"));
    }
    let imported = aws.add_key(NewKey::imported());
    let error = aws
        .call("EnableKeyRotation", json!({"KeyId": imported}))
        .unwrap_err();
    assert_eq!(
        error.message,
        format!("{imported} origin is EXTERNAL which is not valid for this operation.")
    );
}

#[test]
fn a_disconnected_store_hides_the_switch_until_it_is_back() {
    let aws = start();
    aws.add_key_store(KeyStore::external("cks-1"));
    let key = aws.add_key(NewKey::in_external_store("cks-1", "xks-1"));
    aws.disconnect_key_store("cks-1");
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    assert_eq!(aws.key_state(&key), Some(KeyState::Unavailable));
    aws.connect_key_store("cks-1");
    assert_eq!(aws.key_state(&key), Some(KeyState::Disabled));
    aws.disconnect_key_store("cks-1");
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(aws.key_state(&key), Some(KeyState::PendingDeletion));
}

#[test]
fn aws_managed_keys_are_only_to_be_looked_at() {
    let aws = start();
    let key = aws.add_key(NewKey::aws_managed("ebs"));
    let data = aws
        .call("DescribeKey", json!({"KeyId": "alias/aws/ebs"}))
        .unwrap();
    assert_eq!(data["KeyMetadata"]["KeyManager"], "AWS");
    let status = aws
        .call("GetKeyRotationStatus", json!({"KeyId": key}))
        .unwrap();
    assert_eq!(status["KeyRotationEnabled"], true);
    for operation in [
        "DisableKey",
        "ScheduleKeyDeletion",
        "DisableKeyRotation",
        "RotateKeyOnDemand",
    ] {
        let result = aws.call(operation, json!({"KeyId": key}));
        assert_eq!(code(result), "AccessDeniedException", "{operation}");
    }
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));
}

#[test]
fn deletion_windows_have_7_to_30_days_and_30_by_default() {
    let aws = start();
    let schedule = |days: Value| {
        let key = aws.add_key(NewKey::symmetric());
        aws.call(
            "ScheduleKeyDeletion",
            json!({"KeyId": key, "PendingWindowInDays": days}),
        )
    };
    assert_eq!(code(schedule(json!(6))), "ValidationException");
    assert_eq!(code(schedule(json!(31))), "ValidationException");
    let response = schedule(json!(null)).unwrap();
    assert_eq!(response["PendingWindowInDays"], 30);
    assert_eq!(response["KeyState"], "PendingDeletion");
    #[expect(clippy::cast_precision_loss, reason = "a date of this century")]
    let expected = (aws.now() + SignedDuration::from_hours(24 * 30)).as_second() as f64;
    assert_eq!(response["DeletionDate"], json!(expected));
}
