//! Key material and its use: imports, encryption, the last use.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

use jiff::{SignedDuration, Timestamp};
use kms_local::{KeySpec, KeyState, KmsError, LocalAws, NewKey, Options};
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

/// The three steps of an import.
fn import(aws: &LocalAws, key: &str, bytes: &str, more: Value) -> Result<Value, KmsError> {
    let parameters = json!({
        "KeyId": key,
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_4096",
    });
    let token = aws.call("GetParametersForImport", parameters)?["ImportToken"].clone();
    let mut body = json!({"KeyId": key, "ImportToken": token, "EncryptedKeyMaterial": bytes});
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    aws.call("ImportKeyMaterial", body)
}

#[test]
fn material_is_imported_once_again_and_anew() {
    let aws = start();
    let key = aws.add_key(NewKey::imported());
    let forever = json!({"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"});
    let with = |more: Value| {
        let mut all = forever.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    let first = import(&aws, &key, "AAAA", forever.clone()).unwrap()["KeyMaterialId"].clone();
    assert_eq!(first.as_str().unwrap().len(), 64);
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));

    // Without an import type, a second import has to bring the same material.
    assert_eq!(
        code(import(&aws, &key, "BBBB", forever.clone())),
        "IncorrectKeyMaterialException"
    );
    let new = with(json!({"ImportType": "NEW_KEY_MATERIAL"}));
    let second = import(&aws, &key, "BBBB", new.clone()).unwrap()["KeyMaterialId"].clone();
    assert_eq!(
        code(import(&aws, &key, "CCCC", new)),
        "KMSInvalidStateException"
    );
    let rotations = json!({"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"});
    let listed = aws.call("ListKeyRotations", rotations.clone()).unwrap()["Rotations"].clone();
    assert_eq!(listed[0]["KeyMaterialState"], "CURRENT");
    assert_eq!(listed[1]["KeyMaterialState"], "PENDING_ROTATION");
    assert_eq!(listed[1]["KeyMaterialId"], second);
    assert!(listed[1].get("RotationDate").is_none());

    // Waiting material may go without harm; the current one may not.
    let delete = |id: &Value| {
        aws.call(
            "DeleteImportedKeyMaterial",
            json!({"KeyId": key, "KeyMaterialId": id}),
        )
        .unwrap()
    };
    delete(&second);
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));
    assert_eq!(delete(&json!(null))["KeyMaterialId"], first);
    assert_eq!(aws.key_state(&key), Some(KeyState::PendingImport));
    let listed = aws.call("ListKeyRotations", rotations).unwrap()["Rotations"].clone();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["ImportState"], "PENDING_IMPORT");
    import(&aws, &key, "AAAA", with(json!({"KeyMaterialId": first}))).unwrap();
    assert_eq!(aws.key_state(&key), Some(KeyState::Enabled));
}

#[test]
fn imports_check_token_and_expiry() {
    let aws = start();
    let key = aws.add_key(NewKey::imported());
    let seconds = |days: i64| json!({"ValidTo": aws.now().as_second() + 86_400 * days});
    assert_eq!(
        code(import(&aws, &key, "AAAA", json!({}))),
        "ValidationException"
    );
    assert_eq!(
        code(import(&aws, &key, "AAAA", seconds(0))),
        "ValidationException"
    );
    assert_eq!(
        code(import(&aws, &key, "AAAA", seconds(366))),
        "ValidationException"
    );
    let stolen = json!({"ImportToken": "AAAA", "ValidTo": seconds(1)["ValidTo"]});
    assert_eq!(
        code(import(&aws, &key, "AAAA", stolen)),
        "InvalidImportTokenException"
    );

    let parameters = json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let token = aws.call("GetParametersForImport", parameters).unwrap()["ImportToken"].clone();
    aws.advance_days(1);
    let late = json!({"ImportToken": token, "ValidTo": seconds(1)["ValidTo"]});
    assert_eq!(
        code(import(&aws, &key, "AAAA", late)),
        "ExpiredImportTokenException"
    );
    let generated = aws.add_key(NewKey::symmetric());
    assert_eq!(
        code(import(&aws, &generated, "AAAA", json!({}))),
        "UnsupportedOperationException"
    );
    assert_eq!(aws.key_state(&key), Some(KeyState::PendingImport));
}

#[test]
fn the_last_use_is_known_or_honestly_unknown() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let old = aws.add_key(NewKey::symmetric().created(at("2020-01-01T00:00:00Z")));
    let usage = |key: &str| aws.call("GetKeyLastUsage", json!({"KeyId": key})).unwrap();
    assert_eq!(usage(&key)["KeyLastUsage"], json!({}));
    assert_eq!(
        usage(&key)["TrackingStartDate"],
        usage(&key)["KeyCreationDate"]
    );
    assert_eq!(usage(&old)["TrackingStartDate"], json!(1_772_323_200.0));
    assert_eq!(
        code(aws.call("GetKeyLastUsage", json!({"KeyId": "alias/x"}))),
        "NotFoundException"
    );

    let context = json!({"tenant": "blue", "app": "ledger"});
    let sealed = aws
        .call(
            "Encrypt",
            json!({"KeyId": key, "Plaintext": "c2VjcmV0", "EncryptionContext": context}),
        )
        .unwrap();
    assert_eq!(usage(&key)["KeyLastUsage"]["Operation"], "Encrypt");
    aws.advance_days(1);
    let blob = &sealed["CiphertextBlob"];
    let open = |context: &Value| {
        aws.call(
            "Decrypt",
            json!({"CiphertextBlob": blob, "EncryptionContext": context}),
        )
    };
    assert_eq!(open(&context).unwrap()["Plaintext"], "c2VjcmV0");
    assert_eq!(
        code(open(&json!({"tenant": "red"}))),
        "InvalidCiphertextException"
    );
    let other = json!({"CiphertextBlob": blob, "EncryptionContext": context, "KeyId": old});
    assert_eq!(code(aws.call("Decrypt", other)), "IncorrectKeyException");
    let last = usage(&key)["KeyLastUsage"].clone();
    assert_eq!(last["Operation"], "Decrypt");
    assert_eq!(
        last["Timestamp"].as_f64().unwrap() as i64,
        aws.now().as_second()
    );

    // Failed attempts do not count.
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    aws.advance_days(1);
    assert_eq!(
        open(&context).unwrap_err().message,
        format!("{key} is disabled.")
    );
    assert_eq!(usage(&key)["KeyLastUsage"], last);
}

#[test]
fn old_ciphertexts_open_after_a_rotation() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let made = aws
        .call(
            "GenerateDataKey",
            json!({"KeyId": key, "KeySpec": "AES_128"}),
        )
        .unwrap();
    aws.call("RotateKeyOnDemand", json!({"KeyId": key}))
        .unwrap();
    aws.advance(SignedDuration::from_mins(5));
    let opened = aws
        .call("Decrypt", json!({"CiphertextBlob": made["CiphertextBlob"]}))
        .unwrap();
    assert_eq!(opened["Plaintext"], made["Plaintext"]);
    assert_eq!(opened["KeyMaterialId"], made["KeyMaterialId"]);
    let data = aws.call("DescribeKey", json!({"KeyId": key})).unwrap();
    assert_ne!(
        data["KeyMetadata"]["CurrentKeyMaterialId"],
        made["KeyMaterialId"]
    );
    let hmac = aws.add_key(NewKey::with_spec(KeySpec::Hmac256));
    let refused = aws.call("Encrypt", json!({"KeyId": hmac, "Plaintext": "AAAA"}));
    assert_eq!(code(refused), "InvalidKeyUsageException");
}

#[test]
fn a_last_use_and_the_start_of_its_recording_can_be_set() {
    let aws = start();
    let usage = |key: &str| aws.call("GetKeyLastUsage", json!({"KeyId": key})).unwrap();
    let (used, tracked) = (at("2026-09-01T08:00:00Z"), at("2026-06-15T00:00:00Z"));
    let key = aws.add_key(NewKey::symmetric().created(at("2020-01-01T00:00:00Z")));
    assert_eq!(usage(&key)["KeyLastUsage"], json!({}));
    aws.set_last_use(&key, Some(("Decrypt", used)));
    aws.set_tracking_start(&key, tracked);
    let shown = usage(&key);
    assert_eq!(shown["KeyLastUsage"]["Operation"], "Decrypt");
    let seconds = |member: &serde_json::Value| member.as_f64().unwrap() as i64;
    assert_eq!(
        seconds(&shown["KeyLastUsage"]["Timestamp"]),
        used.as_second()
    );
    assert_eq!(seconds(&shown["TrackingStartDate"]), tracked.as_second());
    aws.set_last_use(&key, None);
    assert_eq!(usage(&key)["KeyLastUsage"], json!({}));
    let other = aws.add_key(NewKey::symmetric().tracked_since(tracked));
    assert_eq!(
        seconds(&usage(&other)["TrackingStartDate"]),
        tracked.as_second()
    );
}
