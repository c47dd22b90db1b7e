//! `Sign`, `Verify`, `GenerateMac`, `VerifyMac`. A signature is a digest of key and message: nobody outside can check it,
//! but what this simulator signed it verifies, and nothing else.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{
    body::missing,
    call::{Call, Outcome},
    crypto::{check_usage, invalid_usage, used},
    error::KmsError,
    key::Key,
    names::KeyUsage,
    public_keys::stretch,
};

/// The longest message (KMS API Reference, `Sign`, `GenerateMac`).
const MAX_MESSAGE: usize = 4096;

pub(super) fn sign(call: &mut Call<'_>) -> Outcome {
    let (signature, algorithm) = signature(call)?;
    let response = json!({
        "KeyId": call.key()?.arn,
        "Signature": STANDARD.encode(signature),
        "SigningAlgorithm": algorithm,
    });
    with_message_type(call, response, algorithm)
}

pub(super) fn verify(call: &mut Call<'_>) -> Outcome {
    let given = call
        .body
        .blob("Signature")?
        .ok_or_else(|| missing("Signature"))?;
    let (signature, algorithm) = signature(call)?;
    if given != signature {
        return Err(KmsError::new("KMSInvalidSignatureException", ""));
    }
    let response = json!({
        "KeyId": call.key()?.arn,
        "SignatureValid": true,
        "SigningAlgorithm": algorithm,
    });
    with_message_type(call, response, algorithm)
}

pub(super) fn generate_mac(call: &mut Call<'_>) -> Outcome {
    let (mac, algorithm) = mac(call)?;
    let response = json!({
        "KeyId": call.key()?.arn,
        "Mac": STANDARD.encode(mac),
        "MacAlgorithm": algorithm,
    });
    used(call, response, &["KeyId", "MacAlgorithm"], &[])
}

pub(super) fn verify_mac(call: &mut Call<'_>) -> Outcome {
    let given = call.body.blob("Mac")?.ok_or_else(|| missing("Mac"))?;
    let (mac, algorithm) = mac(call)?;
    if given != mac {
        return Err(KmsError::new("KMSInvalidMacException", ""));
    }
    let response = json!({"KeyId": call.key()?.arn, "MacValid": true, "MacAlgorithm": algorithm});
    used(call, response, &["KeyId", "MacAlgorithm"], &[])
}

/// The record always shows the type of the message.
fn with_message_type(
    call: &mut Call<'_>,
    response: serde_json::Value,
    algorithm: String,
) -> Outcome {
    let kind = call.body.text("MessageType")?.unwrap_or("RAW").to_owned();
    let filled_in = [("messageType", kind), ("signingAlgorithm", algorithm)];
    used(call, response, &["KeyId"], &filled_in)
}

/// What the key answers for the message of the request.
fn signature(call: &Call<'_>) -> Result<(Vec<u8>, String), KmsError> {
    let message = message(call)?;
    let key = call.key()?;
    let algorithm = requested(call, key, "SigningAlgorithm", KeyUsage::SignVerify)?;
    let is_digest = call
        .body
        .word("MessageType", |word| match word {
            "RAW" => Some(false),
            "DIGEST" => Some(true),
            _ => None,
        })?
        .unwrap_or(false);
    let length = digest(&algorithm, &[]).len();
    if is_digest && message.len() != length {
        return Err(KmsError::validation(format!(
            "Digest is invalid length for algorithm {algorithm}."
        )));
    }
    // A message and its digest have the same signature.
    let digest = if is_digest {
        message
    } else {
        digest(&algorithm, &message)
    };
    let length = key.spec.signature_bytes();
    Ok((opaque(key, &algorithm, &digest, length), algorithm))
}

fn mac(call: &Call<'_>) -> Result<(Vec<u8>, String), KmsError> {
    let message = message(call)?;
    let key = call.key()?;
    let algorithm = requested(call, key, "MacAlgorithm", KeyUsage::GenerateVerifyMac)?;
    let length = digest(&algorithm, &[]).len();
    Ok((opaque(key, &algorithm, &message, length), algorithm))
}

fn message(call: &Call<'_>) -> Result<Vec<u8>, KmsError> {
    let message = call.body.blob("Message")?;
    message
        .filter(|message| (1..=MAX_MESSAGE).contains(&message.len()))
        .ok_or_else(|| {
            KmsError::validation(
                "1 validation error detected: Value at 'message' failed to satisfy constraint: \
                 Member must have length between 1 and 4096, inclusive",
            )
        })
}

/// The algorithm of the request, which has to be one of the key's.
fn requested(
    call: &Call<'_>,
    key: &Key,
    member: &str,
    usage: KeyUsage,
) -> Result<String, KmsError> {
    check_usage(key, usage)?;
    let algorithm = call.body.required(member)?;
    let offered = key.spec.algorithms(usage).unwrap_or_default();
    if offered.contains(&algorithm) {
        Ok(algorithm.to_owned())
    } else {
        Err(invalid_usage(key))
    }
}

/// The hash at the end of an algorithm's name.
fn digest(algorithm: &str, message: &[u8]) -> Vec<u8> {
    if algorithm.ends_with("_384") {
        Sha384::digest(message).to_vec()
    } else if algorithm.ends_with("_512") {
        Sha512::digest(message).to_vec()
    } else if algorithm.ends_with("_224") {
        sha2::Sha224::digest(message).to_vec()
    } else {
        Sha256::digest(message).to_vec()
    }
}

/// Bytes that depend on key, algorithm and message, and on nothing else. Related multi-Region keys share their id, so
/// that each verifies what another signed.
fn opaque(key: &Key, algorithm: &str, message: &[u8], length: usize) -> Vec<u8> {
    let material = key.current_material().map(|material| material.id.as_str());
    let seed = Sha256::new()
        .chain_update(&key.id)
        .chain_update(material.unwrap_or_default())
        .chain_update(algorithm)
        .chain_update(message)
        .finalize();
    stretch(&seed, length)
}
