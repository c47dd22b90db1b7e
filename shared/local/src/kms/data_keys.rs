//! Data keys and random bytes (KMS Developer Guide, "Data keys"): with and without their plaintext, single and in pairs.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    body::missing,
    call::{Call, Done, Outcome},
    crypto::{add_material_id, check_usage, context_digest, invalid_usage, seal, used},
    error::KmsError,
    names::{KeySpec, KeyUsage},
    public_keys::{private_key, public_key},
};

pub(super) fn with_plaintext(call: &mut Call<'_>) -> Outcome {
    single(call, true)
}

pub(super) fn without_plaintext(call: &mut Call<'_>) -> Outcome {
    single(call, false)
}

pub(super) fn pair(call: &mut Call<'_>) -> Outcome {
    key_pair(call, true)
}

pub(super) fn pair_without_plaintext(call: &mut Call<'_>) -> Outcome {
    key_pair(call, false)
}

pub(super) fn random(call: &mut Call<'_>) -> Outcome {
    let length = call
        .body
        .integer_in("NumberOfBytes", (1, 1024))?
        .ok_or_else(|| missing("NumberOfBytes"))?;
    let bytes = call.context.ids.bytes(usize::try_from(length).unwrap_or(1));
    Ok(Done {
        response: json!({"Plaintext": STANDARD.encode(bytes)}),
        ..Done::default()
    })
}

fn single(call: &mut Call<'_>, shows_plaintext: bool) -> Outcome {
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
    let context = context(call)?;
    let plaintext = call.context.ids.bytes(length);
    let key = call.key()?;
    let mut response = json!({
        "CiphertextBlob": STANDARD.encode(seal(key, &context, &plaintext)),
        "KeyId": key.arn,
    });
    if shows_plaintext {
        response["Plaintext"] = STANDARD.encode(&plaintext).into();
    }
    name_material(call, &mut response)?;
    let shown = &["KeyId", "KeySpec", "NumberOfBytes", "EncryptionContext"];
    used(call, response, shown, &[])
}

fn key_pair(call: &mut Call<'_>, shows_plaintext: bool) -> Outcome {
    let spec = call.body.word("KeyPairSpec", |word| {
        KeySpec::parse(word).filter(|spec| spec.has_public_key())
    })?;
    let spec = spec.ok_or_else(|| missing("KeyPairSpec"))?;
    let context = context(call)?;
    if call.key()?.store.is_some() {
        return Err(KmsError::unsupported_origin(call.key()?));
    }
    let seed = call.context.ids.hex(64);
    let private = private_key(spec, &seed);
    let key = call.key()?;
    let mut response = json!({
        "PrivateKeyCiphertextBlob": STANDARD.encode(seal(key, &context, &private)),
        "PublicKey": STANDARD.encode(public_key(spec, &seed)),
        "KeyId": key.arn,
        "KeyPairSpec": spec.as_str(),
    });
    if shows_plaintext {
        response["PrivateKeyPlaintext"] = STANDARD.encode(&private).into();
    }
    name_material(call, &mut response)?;
    used(
        call,
        response,
        &["KeyId", "KeyPairSpec", "EncryptionContext"],
        &[],
    )
}

/// Data keys are encrypted under symmetric keys only.
fn context(call: &Call<'_>) -> Result<Vec<u8>, KmsError> {
    let key = call.key()?;
    check_usage(key, KeyUsage::EncryptDecrypt)?;
    if key.spec != KeySpec::SymmetricDefault {
        return Err(invalid_usage(key));
    }
    context_digest(call.body, "EncryptionContext")
}

fn name_material(call: &Call<'_>, response: &mut Value) -> Result<(), KmsError> {
    let key = call.key()?;
    let material = key.current_material().filter(|_| key.has_rotations());
    add_material_id(response, material.map(|material| material.id.as_str()));
    Ok(())
}
