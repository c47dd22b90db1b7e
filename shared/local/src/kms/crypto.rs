//! `Encrypt`, `Decrypt`, `GenerateDataKey`: real enough to honour states and to count as use of the key. There is no
//! cryptography in it: the "ciphertext" is a frame that names the key and the material and holds the plaintext.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    Call, Done, Key, KeySpec, KeyUsage, KmsError, LastUse, Outcome,
    body::{Body, lower_first, missing},
    operations::Operation,
    selector::{Accepts, KeyRef},
};

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
    let context = context_digest(call.body)?;
    let key = call.key()?;
    check_usage(key)?;
    let algorithm = algorithm(call.body, key)?;
    let response = json!({
        "CiphertextBlob": STANDARD.encode(seal(key, &context, &plaintext)),
        "KeyId": key.arn,
        "EncryptionAlgorithm": algorithm,
    });
    used(call, response, &algorithm)
}

pub(super) fn generate_data_key(call: &mut Call<'_>) -> Outcome {
    let spec = call.body.word("KeySpec", |word| match word {
        "AES_128" => Some(16),
        "AES_256" => Some(32),
        _ => None,
    })?;
    let length = match (spec, call.body.integer_in("NumberOfBytes", (1, 1024))?) {
        (Some(length), None) => length,
        (None, Some(length)) => usize::try_from(length).unwrap_or(1),
        _ => {
            return Err(KmsError::validation(
                "Please specify either number of bytes or key spec.",
            ));
        }
    };
    let context = context_digest(call.body)?;
    check_usage(call.key()?)?;
    if call.key()?.spec != KeySpec::SymmetricDefault {
        return Err(invalid_usage(call.key()?));
    }
    let plaintext = call.world.ids.bytes(length);
    let key = call.key()?;
    let mut response = json!({
        "CiphertextBlob": STANDARD.encode(seal(key, &context, &plaintext)),
        "Plaintext": STANDARD.encode(&plaintext),
        "KeyId": key.arn,
    });
    add_material_id(
        &mut response,
        key.current_material().map(|material| material.id.as_str()),
    );
    used(call, response, "")
}

pub(super) fn decrypt(call: &mut Call<'_>) -> Outcome {
    let blob = call
        .body
        .blob("CiphertextBlob")?
        .ok_or_else(|| missing("CiphertextBlob"))?;
    let invalid = || KmsError::new("InvalidCiphertextException", "");
    let frame = open(&blob).ok_or_else(invalid)?;
    let reference = KeyRef {
        region: call.region.to_owned(),
        id: frame.key_id.to_owned(),
    };
    if let Some(name) = call.body.text("KeyId")?
        && call.select(name, Accepts::AnyName)? != reference
    {
        return Err(KmsError::new(
            "IncorrectKeyException",
            "The key ID in the request does not identify a CMK that can perform this operation.",
        ));
    }
    let key = call.world.kms.keys.get(&reference).ok_or_else(|| {
        // A deleted key and one that never was look the same from outside.
        KmsError::new(
            "AccessDeniedException",
            "The ciphertext refers to a customer master key that does not exist, does not exist in this \
             region, or you are not allowed to access.",
        )
    })?;
    if let Some(operation) = Operation::find(call.operation) {
        operation.check_state(key)?;
    }
    check_usage(key)?;
    let algorithm = algorithm(call.body, key)?;
    if context_digest(call.body)?.as_slice() != frame.context {
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
    call.key = Some(reference);
    used(call, response, &algorithm)
}

/// Notes the use (only successful operations count: KMS API Reference, `GetKeyLastUsage`).
fn used(call: &mut Call<'_>, response: Value, algorithm: &str) -> Outcome {
    let mut parameters = serde_json::Map::new();
    for member in ["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext"] {
        let value = match member {
            "EncryptionContext" => call.body.object(member)?.cloned().map(Value::Object),
            "NumberOfBytes" => call.body.integer(member)?.map(Value::from),
            _ => call.body.text(member)?.map(Value::from),
        };
        if let Some(value) = value {
            parameters.insert(lower_first(member), value);
        }
    }
    if !algorithm.is_empty() {
        parameters.insert("encryptionAlgorithm".to_owned(), algorithm.into());
    }
    let last_use = LastUse {
        operation: call.operation,
        at: call.world.now,
        event_id: call.event_id.clone(),
        request_id: call.request_id.clone(),
    };
    let material = response.get("KeyMaterialId").cloned();
    let key = call.key_mut()?;
    key.last_use = Some(last_use);
    let material = material.or_else(|| {
        key.current_material()
            .map(|material| material.id.as_str().into())
    });
    let mut done = Done::quiet(&key.arn, response).parameters(parameters.into());
    if let Some(id) = material.filter(|_| key.has_rotations()) {
        done = done.additional(json!({"keyMaterialId": id}));
    }
    Ok(done)
}

fn check_usage(key: &Key) -> Result<(), KmsError> {
    if key.usage == KeyUsage::EncryptDecrypt {
        Ok(())
    } else {
        Err(invalid_usage(key))
    }
}

fn invalid_usage(key: &Key) -> KmsError {
    KmsError::new(
        "InvalidKeyUsageException",
        format!(
            "{} key usage is {} which is not valid for this operation.",
            key.arn,
            key.usage.as_str()
        ),
    )
}

fn algorithm(body: Body<'_>, key: &Key) -> Result<String, KmsError> {
    let algorithm = body
        .text("EncryptionAlgorithm")?
        .unwrap_or("SYMMETRIC_DEFAULT");
    let offered = key.spec.algorithms(key.usage).unwrap_or_default();
    if offered.contains(&algorithm) {
        Ok(algorithm.to_owned())
    } else {
        Err(invalid_usage(key))
    }
}

fn add_material_id(response: &mut Value, id: Option<&str>) {
    if let Some(id) = id {
        response["KeyMaterialId"] = id.into();
    }
}

/// The encryption context is authenticated, in whatever order its members come.
fn context_digest(body: Body<'_>) -> Result<Vec<u8>, KmsError> {
    let context: BTreeMap<_, _> = body
        .object("EncryptionContext")?
        .into_iter()
        .flatten()
        .collect();
    let mut digest = Sha256::new();
    for (name, value) in context {
        digest.update(name);
        digest.update([0]);
        digest.update(value.as_str().unwrap_or_default());
        digest.update([0]);
    }
    Ok(digest.finalize().to_vec())
}

struct Frame<'a> {
    key_id: &'a str,
    /// Empty for keys without material ids.
    material: &'a str,
    context: &'a [u8],
    plaintext: &'a [u8],
}

fn seal(key: &Key, context: &[u8], plaintext: &[u8]) -> Vec<u8> {
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

fn open(blob: &[u8]) -> Option<Frame<'_>> {
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
