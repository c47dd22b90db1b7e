//! `Encrypt`, `Decrypt`, and what all cryptographic operations have in common: real enough to honour states and to count as use of the key. There is no
//! cryptography in it: the "ciphertext" is a frame that names the key and the material and holds the plaintext.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    body::{Body, missing},
    call::{Call, Done, Outcome},
    error::KmsError,
    key::{Key, LastUse},
    names::KeyUsage,
    selector::{Accepts, KeyRef},
};
use crate::{cloudtrail::to_trail, context::Trail};

const MAGIC: &[u8] = b"WLC1";

pub(super) fn encrypt(call: &mut Call<'_>) -> Outcome {
    let plaintext = call
        .body
        .blob("Plaintext")?
        .filter(|text| (1..=4096).contains(&text.len()));
    let plaintext = plaintext.ok_or_else(|| {
        KmsError::validation(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint: \
             Member must have length between 1 and 4096, inclusive",
        )
    })?;
    let context = context_digest(call.body, "EncryptionContext")?;
    let key = call.key()?;
    check_usage(key, KeyUsage::EncryptDecrypt)?;
    let algorithm = algorithm(call.body, "EncryptionAlgorithm", key)?;
    let response = json!({
        "CiphertextBlob": STANDARD.encode(seal(key, &context, &plaintext)),
        "KeyId": key.arn,
        "EncryptionAlgorithm": algorithm,
    });
    used(call, response, SHOWN, &[("encryptionAlgorithm", algorithm)])
}

pub(super) fn decrypt(call: &mut Call<'_>) -> Outcome {
    let blob = call
        .body
        .blob("CiphertextBlob")?
        .ok_or_else(|| missing("CiphertextBlob"))?;
    let invalid = || KmsError::new("InvalidCiphertextException", "");
    let frame = open(&blob).ok_or_else(invalid)?;
    find_encrypting_key(call, &frame, "KeyId")?;
    let key = call.key()?;
    let algorithm = algorithm(call.body, "EncryptionAlgorithm", key)?;
    if context_digest(call.body, "EncryptionContext")?.as_slice() != frame.context {
        return Err(invalid());
    }
    let mut response = json!({
        "KeyId": key.arn,
        "Plaintext": STANDARD.encode(frame.plaintext),
        "EncryptionAlgorithm": algorithm,
    });
    add_material_id(
        &mut response,
        (!frame.material.is_empty()).then_some(frame.material),
    );
    used(call, response, SHOWN, &[("encryptionAlgorithm", algorithm)])
}

/// The key that made the ciphertext becomes the key of the call, if it is the one that the request names and can be
/// used.
pub(super) fn find_encrypting_key(
    call: &mut Call<'_>,
    frame: &Frame<'_>,
    member: &str,
) -> Result<(), KmsError> {
    let reference = KeyRef {
        region: call.region.to_owned(),
        id: frame.key_id.to_owned(),
    };
    if let Some(name) = call.body.text(member)?
        && call.select(name, Accepts::AnyName)? != reference
    {
        return Err(KmsError::new(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    call.key = Some(reference.clone());
    let key = call.kms.keys.get(&reference).ok_or_else(|| {
        // A deleted key and one that never was look the same from outside.
        KmsError::new(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this \
             region, or you are not allowed to access.",
        )
    })?;
    call.states.check(key)?;
    check_usage(key, KeyUsage::EncryptDecrypt)
}

/// Members of the request that the record of an encryption or decryption shows.
const SHOWN: &[&str] = &["KeyId", "EncryptionContext"];

/// Notes the use (only successful operations count: KMS API Reference, `GetKeyLastUsage`). The record shows these
/// members of the request, and what KMS filled in.
pub(super) fn used(
    call: &mut Call<'_>,
    response: Value,
    shown: &[&str],
    filled_in: &[(&str, String)],
) -> Outcome {
    let mut parameters = to_trail(&call.body.only(shown));
    for (name, value) in filled_in {
        parameters[name] = value.as_str().into();
    }
    note_use(call)?;
    let (arn, now) = (call.key()?.arn.clone(), call.context.now);
    let uses = &mut call.kms.uses;
    uses.count(call.region, call.operation, &[&arn], now, 1);
    let material = response.get("KeyMaterialId").cloned();
    let key = call.key()?;
    let material = material.or_else(|| {
        key.current_material()
            .map(|material| material.id.as_str().into())
    });
    let mut done = Done::quiet(&key.arn, response).parameters(parameters);
    done.trail.no_agent = key.store.is_some();
    if let Some(data) = key.store_data() {
        done = done.additional(data);
    } else if let Some(id) = material.filter(|_| key.has_rotations()) {
        done = done.additional(json!({"keyMaterialId": id}));
    }
    Ok(done)
}

/// Makes this call the last use of its key.
pub(super) fn note_use(call: &mut Call<'_>) -> Result<(), KmsError> {
    let last_use = LastUse {
        operation: call.operation,
        at: call.context.now,
        event_id: call.event_id.clone(),
        request_id: call.request_id.clone(),
    };
    call.key_mut()?.last_use = Some(last_use);
    Ok(())
}

/// What the record of a failed call shows: the request with the default algorithm, and the store of the key.
pub(super) fn failed_trail(operation: &str, body: &Value, key: Option<&Key>) -> Trail {
    let mut parameters = to_trail(body);
    let algorithms: &[&str] = match operation {
        "Encrypt" | "Decrypt" => &["encryptionAlgorithm"],
        "ReEncrypt" => &[
            "sourceEncryptionAlgorithm",
            "destinationEncryptionAlgorithm",
        ],
        _ => &[],
    };
    if let Some(members) = parameters.as_object_mut() {
        for member in algorithms {
            members
                .entry(*member)
                .or_insert_with(|| "SYMMETRIC_DEFAULT".into());
        }
    }
    let store = key.and_then(|key| key.store.as_ref());
    Trail {
        parameters: Some(parameters),
        additional: store.map(|store| json!({"customKeyStoreId": store.id})),
        ..Trail::default()
    }
}

pub(super) fn check_usage(key: &Key, usage: KeyUsage) -> Result<(), KmsError> {
    if key.usage == usage {
        Ok(())
    } else {
        Err(invalid_usage(key))
    }
}

pub(super) fn invalid_usage(key: &Key) -> KmsError {
    KmsError::new(
        "InvalidKeyUsageException",
        format!(
            "{} key usage is {} which is not valid for this operation.",
            key.arn,
            key.usage.as_str()
        ),
    )
}

pub(super) fn algorithm(body: Body<'_>, member: &str, key: &Key) -> Result<String, KmsError> {
    let algorithm = body.text(member)?.unwrap_or("SYMMETRIC_DEFAULT");
    let offered = key.spec.algorithms(key.usage).unwrap_or_default();
    if offered.contains(&algorithm) {
        Ok(algorithm.to_owned())
    } else {
        Err(invalid_usage(key))
    }
}

pub(super) fn add_material_id(response: &mut Value, id: Option<&str>) {
    if let Some(id) = id {
        response["KeyMaterialId"] = id.into();
    }
}

/// The encryption context is authenticated, in whatever order its members come.
pub(super) fn context_digest(body: Body<'_>, member: &str) -> Result<Vec<u8>, KmsError> {
    let context: BTreeMap<_, _> = body.object(member)?.into_iter().flatten().collect();
    let mut digest = Sha256::new();
    for (name, value) in context {
        digest.update(name);
        digest.update([0]);
        digest.update(value.as_str().unwrap_or_default());
        digest.update([0]);
    }
    Ok(digest.finalize().to_vec())
}

pub(super) struct Frame<'a> {
    pub(super) key_id: &'a str,
    /// Empty for keys without material ids.
    pub(super) material: &'a str,
    pub(super) context: &'a [u8],
    pub(super) plaintext: &'a [u8],
}

pub(super) fn seal(key: &Key, context: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let material = key.current_material().filter(|_| key.has_rotations());
    let material = material
        .map(|material| material.id.as_bytes())
        .unwrap_or_default();
    let mut blob = MAGIC.to_vec();
    for part in [key.id.as_bytes(), material, context] {
        blob.push(u8::try_from(part.len()).unwrap_or(u8::MAX));
        blob.extend_from_slice(part);
    }
    blob.extend_from_slice(plaintext);
    blob
}

pub(super) fn open(blob: &[u8]) -> Option<Frame<'_>> {
    fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, tail) = rest.split_first()?;
        let (part, tail) = tail.split_at_checked(usize::from(*length))?;
        *rest = tail;
        Some(part)
    }
    let mut rest = blob.strip_prefix(MAGIC)?;
    let key_id = std::str::from_utf8(part(&mut rest)?).ok()?;
    let material = std::str::from_utf8(part(&mut rest)?).ok()?;
    let context = part(&mut rest)?;
    Some(Frame {
        key_id,
        material,
        context,
        plaintext: rest,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_frames_open() {
        let at = "2026-11-20T10:00:00Z".parse().unwrap();
        let key = Key::new("us-east-1", "111122223333", "some-id", at);
        let blob = seal(&key, b"context", b"secret");
        let frame = open(&blob).unwrap();
        assert_eq!(
            (frame.key_id, frame.context),
            ("some-id", b"context".as_slice())
        );
        assert_eq!(frame.plaintext, b"secret");
        assert!(open(&blob[..9]).is_none());
        assert!(open(b"something else").is_none());
    }
}
