//! `GetPublicKey` and `DeriveSharedSecret`: keys of the right form and length, with nothing behind them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{
    body::missing,
    call::{Call, Done, Outcome},
    crypto::{check_usage, invalid_usage, used},
    der,
    error::KmsError,
    names::{KeySpec, KeyUsage},
};

pub(super) fn get_public_key(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    if !key.spec.has_public_key() {
        return Err(KmsError::unsupported_spec(key));
    }
    let mut response = json!({
        "KeyId": key.arn,
        "PublicKey": STANDARD.encode(public_key(key.spec, &key.id)),
        "CustomerMasterKeySpec": key.spec.as_str(),
        "KeySpec": key.spec.as_str(),
        "KeyUsage": key.usage.as_str(),
    });
    if let Some(algorithms) = key.spec.algorithms(key.usage) {
        response[key.usage.algorithms_member()] = algorithms.into();
    }
    Ok(Done::quiet(&key.arn, response))
}

/// The secret depends on both keys, as it should; the two sides of a real agreement would have the same, these do not.
pub(super) fn derive_shared_secret(call: &mut Call<'_>) -> Outcome {
    let other = call
        .body
        .blob("PublicKey")?
        .filter(|key| !key.is_empty())
        .ok_or_else(|| missing("PublicKey"))?;
    let algorithm = call.body.required("KeyAgreementAlgorithm")?;
    let key = call.key()?;
    check_usage(key, KeyUsage::KeyAgreement)?;
    let offered = key.spec.algorithms(key.usage).unwrap_or_default();
    if !offered.contains(&algorithm) {
        return Err(invalid_usage(key));
    }
    let seed = Sha256::new()
        .chain_update(&key.id)
        .chain_update(&other)
        .finalize();
    let response = json!({
        "KeyId": key.arn,
        "SharedSecret": STANDARD.encode(stretch(&seed, key.spec.field_bytes())),
        "KeyAgreementAlgorithm": algorithm,
        "KeyOrigin": key.origin.as_str(),
    });
    used(call, response, &["KeyId", "KeyAgreementAlgorithm"], &[])
}

/// A `SubjectPublicKeyInfo` that depends on the seed.
pub(super) fn public_key(spec: KeySpec, seed: &str) -> Vec<u8> {
    let digest = Sha256::digest(seed);
    match spec.curve() {
        Some(curve) => der::ec_public_key(curve, &stretch(&digest, 2 * spec.field_bytes())),
        None => der::rsa_public_key(&stretch(&digest, spec.field_bytes())),
    }
}

/// As many bytes as a private key would have, and no private key.
pub(super) fn private_key(spec: KeySpec, seed: &str) -> Vec<u8> {
    let digest = Sha256::new()
        .chain_update("private")
        .chain_update(seed)
        .finalize();
    // An RSA key carries its primes and their coefficients along.
    let parts = if spec.curve().is_some() { 2 } else { 5 };
    stretch(&digest, parts * spec.field_bytes())
}

/// As many bytes as wanted from a seed.
pub(super) fn stretch(seed: &[u8], length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|block| {
            Sha256::new()
                .chain_update(seed)
                .chain_update(block.to_be_bytes())
                .finalize()
        })
        .take(length)
        .collect()
}
