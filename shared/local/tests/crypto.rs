//! Cryptographic operations: consistent answers, use recorded, failures recorded too.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::shape::assert_like;
use kms_local::{Caller, ImportedMaterial, KeySpec, KeyStore, KeyUsage, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn start() -> LocalAws {
    LocalAws::start(Options {
        read_only_events: true,
        ..Options::default()
    })
    .unwrap()
}

fn last_use(aws: &LocalAws, key: &str) -> Value {
    let usage = aws.call("GetKeyLastUsage", json!({"KeyId": key})).unwrap();
    usage["KeyLastUsage"]["Operation"].clone()
}

#[test]
fn what_was_signed_verifies_and_nothing_else() {
    let aws = start();
    for (spec, algorithm, length) in [
        (KeySpec::Rsa2048, "RSASSA_PSS_SHA_256", 256),
        (KeySpec::EccNistP256, "ECDSA_SHA_256", 72),
    ] {
        let key = aws.add_key(NewKey::with_spec(spec).usage(KeyUsage::SignVerify));
        let body = json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "SigningAlgorithm": algorithm});
        let signed = aws.call("Sign", body.clone()).unwrap();
        let signature = signed["Signature"].as_str().unwrap();
        assert_eq!(signature.trim_end_matches('=').len() * 3 / 4, length);
        assert_eq!(last_use(&aws, &key), "Sign");
        let mut verify = body;
        verify["Signature"] = signature.into();
        let verified = aws.call("Verify", verify.clone()).unwrap();
        assert_eq!(verified["SignatureValid"], true);
        verify["Message"] = "b3RoZXI=".into();
        let refused = aws.call("Verify", verify).unwrap_err();
        assert_eq!(refused.code, "KMSInvalidSignatureException");
    }
}

#[test]
fn a_digest_is_signed_like_its_message() {
    let aws = start();
    let key = aws.add_key(NewKey::with_spec(KeySpec::Rsa2048).usage(KeyUsage::SignVerify));
    aws.take_events();
    let sign = |message: &str, kind: &str| {
        let body = json!({
            "KeyId": key,
            "Message": message,
            "MessageType": kind,
            "SigningAlgorithm": "RSASSA_PSS_SHA_256",
        });
        aws.call("Sign", body)
    };
    // SHA-256 of "message".
    let digest = "q1MKE+RZFJgrefm34/uplM/R8/si9xzqGvvwK0YMbR0=";
    let of_digest = sign(digest, "DIGEST");
    assert_like(&aws.take_events()[0], "ct-sign-asymmetric");
    let of_message = sign("bWVzc2FnZQ==", "RAW").unwrap();
    assert_eq!(of_digest.unwrap()["Signature"], of_message["Signature"]);
    assert_eq!(
        sign("AAAA", "DIGEST").unwrap_err().code,
        "ValidationException"
    );
}

#[test]
fn macs_are_as_long_as_their_hash() {
    let aws = start();
    for (spec, algorithm, length) in [
        (KeySpec::Hmac224, "HMAC_SHA_224", 28),
        (KeySpec::Hmac256, "HMAC_SHA_256", 32),
        (KeySpec::Hmac512, "HMAC_SHA_512", 64),
    ] {
        let key = aws.add_key(NewKey::with_spec(spec));
        let mut body = json!({"KeyId": key, "Message": "AAAA", "MacAlgorithm": algorithm});
        let made = aws.call("GenerateMac", body.clone()).unwrap();
        let mac = made["Mac"].as_str().unwrap();
        assert_eq!(mac.trim_end_matches('=').len() * 3 / 4, length);
        body["Mac"] = mac.into();
        assert_eq!(
            aws.call("VerifyMac", body.clone()).unwrap()["MacValid"],
            true
        );
        assert_eq!(last_use(&aws, &key), "VerifyMac");
        body["Mac"] = "AAAA".into();
        assert_eq!(
            aws.call("VerifyMac", body).unwrap_err().code,
            "KMSInvalidMacException"
        );
    }
}

#[test]
fn data_keys_decrypt_to_their_plaintext() {
    let aws = start();
    let key = aws.add_key(NewKey::symmetric());
    let decrypt = |blob: &Value| {
        aws.call("Decrypt", json!({"CiphertextBlob": blob}))
            .unwrap()["Plaintext"]
            .clone()
    };
    let body = json!({"KeyId": key, "KeySpec": "AES_256"});
    let made = aws.call("GenerateDataKey", body.clone()).unwrap();
    assert_eq!(decrypt(&made["CiphertextBlob"]), made["Plaintext"]);
    let made = aws.call("GenerateDataKeyWithoutPlaintext", body).unwrap();
    assert!(made.get("Plaintext").is_none());
    assert_eq!(decrypt(&made["CiphertextBlob"]).as_str().unwrap().len(), 44);
    let pair = json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P384"});
    let made = aws.call("GenerateDataKeyPair", pair.clone()).unwrap();
    assert_eq!(
        decrypt(&made["PrivateKeyCiphertextBlob"]),
        made["PrivateKeyPlaintext"]
    );
    let made = aws
        .call("GenerateDataKeyPairWithoutPlaintext", pair)
        .unwrap();
    assert!(made.get("PrivateKeyPlaintext").is_none() && made["PublicKey"].is_string());
    assert_eq!(last_use(&aws, &key), "GenerateDataKeyPairWithoutPlaintext");
    let wrong = json!({"KeyId": key, "KeyPairSpec": "HMAC_256"});
    assert_eq!(
        aws.call("GenerateDataKeyPair", wrong).unwrap_err().code,
        "ValidationException"
    );
    let random = aws.call("GenerateRandom", json!({"NumberOfBytes": 3}));
    assert_eq!(random.unwrap()["Plaintext"].as_str().unwrap().len(), 4);
}

#[test]
fn re_encryption_uses_two_keys() {
    let aws = start();
    let old = aws.add_key(NewKey::symmetric());
    let new = aws.add_key(NewKey::imported().material(ImportedMaterial::new("one")));
    let context = json!({"tenant": "blue"});
    let body = json!({"KeyId": old, "Plaintext": "AAAA", "EncryptionContext": context});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    aws.take_events();
    let body = json!({
        "CiphertextBlob": blob,
        "SourceEncryptionContext": context,
        "DestinationKeyId": new.rsplit('/').next().unwrap(),
        "DestinationEncryptionContext": context,
    });
    let done = aws.call("ReEncrypt", body.clone()).unwrap();
    assert_eq!(
        (&done["SourceKeyId"], &done["KeyId"]),
        (&json!(old), &json!(new))
    );
    let events = aws.take_events();
    assert_like(&events[0], "ct-re-encrypt-two-resources");
    assert_eq!(events[0]["detail"]["resources"][1]["ARN"], new.as_str());
    assert_eq!(last_use(&aws, &old), "ReEncrypt");
    assert_eq!(last_use(&aws, &new), "ReEncrypt");
    let read = json!({"CiphertextBlob": done["CiphertextBlob"], "EncryptionContext": context});
    assert_eq!(aws.call("Decrypt", read).unwrap()["Plaintext"], "AAAA");

    aws.call("DisableKey", json!({"KeyId": new})).unwrap();
    let refused = aws.call("ReEncrypt", body).unwrap_err();
    assert_eq!(refused.message, format!("{new} is disabled."));
}

#[test]
fn public_keys_are_fixed_and_can_be_had_while_the_key_is_enabled() {
    let aws = start();
    let key = aws.add_key(NewKey::with_spec(KeySpec::EccNistP256).usage(KeyUsage::KeyAgreement));
    let id = json!({"KeyId": key});
    let first = aws.call("GetPublicKey", id.clone()).unwrap();
    assert_eq!(first["KeyAgreementAlgorithms"], json!(["ECDH"]));
    assert_eq!(aws.call("GetPublicKey", id.clone()).unwrap(), first);
    assert_eq!(last_use(&aws, &key), Value::Null, "no use of the key");
    let derive = json!({
        "KeyId": key,
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": first["PublicKey"],
    });
    let secret = aws.call("DeriveSharedSecret", derive).unwrap();
    assert_eq!(secret["SharedSecret"].as_str().unwrap().len(), 44);
    assert_eq!(last_use(&aws, &key), "DeriveSharedSecret");
    aws.call("DisableKey", id.clone()).unwrap();
    assert_eq!(
        aws.call("GetPublicKey", id).unwrap_err().code,
        "DisabledException"
    );
    let symmetric = json!({"KeyId": aws.add_key(NewKey::symmetric())});
    assert_eq!(
        aws.call("GetPublicKey", symmetric).unwrap_err().code,
        "UnsupportedOperationException"
    );
}

#[test]
fn a_key_of_another_usage_is_refused() {
    let aws = start();
    let key = aws.add_key(NewKey::with_spec(KeySpec::Hmac256));
    for (operation, body) in [
        ("Encrypt", json!({"Plaintext": "AAAA"})),
        ("GenerateDataKey", json!({"KeySpec": "AES_256"})),
        (
            "Sign",
            json!({"Message": "AAAA", "SigningAlgorithm": "ECDSA_SHA_256"}),
        ),
    ] {
        let mut body = body;
        body["KeyId"] = key.as_str().into();
        assert_eq!(
            aws.call(operation, body).unwrap_err().code,
            "InvalidKeyUsageException",
            "{operation}"
        );
    }
}

#[test]
fn failed_decryptions_are_recorded_with_the_key_that_was_meant() {
    let aws = start();
    aws.as_caller(Caller::assumed_role("AppServer", "i-0c93a7e51fd28b640"));
    let context = json!({"tenant": "blue"});
    let key = aws.add_key(NewKey::symmetric());
    let body = json!({"KeyId": key, "Plaintext": "AAAA", "EncryptionContext": context});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    aws.call("ScheduleKeyDeletion", json!({"KeyId": key}))
        .unwrap();
    let decrypt = json!({"KeyId": key, "CiphertextBlob": blob, "EncryptionContext": context});
    aws.take_events();
    aws.call("Decrypt", decrypt).unwrap_err();
    assert_like(
        &aws.take_events()[0],
        "ct-decrypt-pending-deletion-invalid-state",
    );

    let imported = aws.add_key(NewKey::imported().material(ImportedMaterial::new("one")));
    let body = json!({"KeyId": imported, "Plaintext": "AAAA"});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    aws.call("DeleteImportedKeyMaterial", json!({"KeyId": imported}))
        .unwrap();
    aws.take_events();
    aws.call("Decrypt", json!({"CiphertextBlob": blob}))
        .unwrap_err();
    let events = aws.take_events();
    assert_like(&events[0], "ct-decrypt-pending-import-invalid-state");
    assert_eq!(
        events[0]["detail"]["resources"][0]["ARN"],
        imported.as_str()
    );
}

#[test]
fn keys_in_stores_say_where_they_are() {
    let aws = start();
    aws.as_caller(Caller::iam_user("rosa.lind"));
    aws.add_key_store(KeyStore::cloud_hsm("cks-4c8f0a6d12e95b73e", "cluster-1"));
    let key = aws.add_key(NewKey::in_store("cks-4c8f0a6d12e95b73e"));
    let body = json!({"KeyId": key, "Plaintext": "AAAA"});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    let decrypt = json!({"KeyId": key, "CiphertextBlob": blob});
    aws.take_events();
    aws.call("Decrypt", decrypt.clone()).unwrap();
    let mut events = aws.take_events();
    // The id of a backing key is as good as any other.
    events[0]["detail"]["additionalEventData"]["backingKeyId"] = "b91f0c2e77".into();
    assert_like(&events[0], "ct-decrypt-cloudhsm-no-user-agent");
    aws.disconnect_key_store("cks-4c8f0a6d12e95b73e");
    aws.call("Decrypt", decrypt).unwrap_err();
    assert_like(&aws.take_events()[0], "ct-decrypt-unavailable");
}
