//! Imported key material (KMS Developer Guide, "Importing key material").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::{
    body::{Body, missing},
    call::{Call, Done, Outcome},
    der::rsa_public_key,
    error::KmsError,
    key::Key,
    material::{Import, Material, Role, material_id},
    names::{KeyState, Origin},
    store::ImportToken,
};
use crate::times::epoch;

/// How long a public key and its token are good.
const TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// The latest `ValidTo` (KMS API Reference, `ImportKeyMaterial`).
const LONGEST_VALIDITY: SignedDuration = SignedDuration::from_hours(24 * 365);

pub(super) fn get_parameters(call: &mut Call<'_>) -> Outcome {
    call.body.required("WrappingAlgorithm")?;
    let bytes = call
        .body
        .word("WrappingKeySpec", |spec| match spec {
            "RSA_2048" => Some(256),
            "RSA_3072" => Some(384),
            "RSA_4096" => Some(512),
            _ => None,
        })?
        .ok_or_else(|| missing("WrappingKeySpec"))?;
    let key = call.key()?;
    check_imports(key)?;
    let arn = key.arn.clone();
    let expires = call
        .context
        .now
        .checked_add(TOKEN_LIFETIME)
        .map_err(|_| KmsError::internal())?;
    let token = STANDARD.encode(call.context.ids.bytes(96));
    let public_key = rsa_public_key(&call.context.ids.bytes(bytes));
    let entry = ImportToken {
        key: call.reference()?,
        expires,
    };
    call.kms.import_tokens.insert(token.clone(), entry);
    Ok(Done::quiet(
        &arn,
        json!({
            "KeyId": arn,
            "ImportToken": token,
            "PublicKey": STANDARD.encode(public_key),
            "ParametersValidTo": epoch(expires),
        }),
    ))
}

/// The bytes are taken as they are: what the caller would have encrypted is the material itself.
pub(super) fn import_material(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    check_imports(call.key()?)?;
    check_token(call)?;
    let bytes = body
        .blob("EncryptedKeyMaterial")?
        .filter(|bytes| !bytes.is_empty());
    let bytes = bytes.ok_or_else(|| missing("EncryptedKeyMaterial"))?;
    let valid_to = expiration(body, call.context.now)?;
    let wanted_id = body.text("KeyMaterialId")?;
    let import_type = body.word("ImportType", |word| match word {
        "NEW_KEY_MATERIAL" => Some(true),
        "EXISTING_KEY_MATERIAL" => Some(false),
        _ => None,
    })?;
    let description = body.text("KeyMaterialDescription")?.map(str::to_owned);

    let key = call.key_mut()?;
    let id = material_id(&key.id, &bytes);
    let import = Import {
        present: true,
        valid_to,
        description,
    };
    let was_pending = key.state() == KeyState::PendingImport;
    if import_type.unwrap_or(key.materials.is_empty()) {
        if wanted_id.is_some() {
            return Err(KmsError::validation(
                "KeyMaterialId cannot be specified with ImportType NEW_KEY_MATERIAL",
            ));
        }
        add(key, id.clone(), import)?;
    } else {
        if wanted_id.is_some_and(|wanted| wanted != id) {
            return Err(incorrect(key));
        }
        bring_back(key, &id, import)?;
    }
    if was_pending && !key.lacks_material() {
        key.enabled = true;
    }
    let response = json!({"KeyId": key.arn, "KeyMaterialId": id});
    let elements = json!({"keyId": key.arn, "keyMaterialId": id});
    Ok(Done::on(&key.arn, response).response_elements(elements))
}

/// The first material becomes current, any later one waits for an on-demand rotation.
fn add(key: &mut Key, id: String, import: Import) -> Result<(), KmsError> {
    let role = if key.materials.is_empty() {
        Role::Current
    } else {
        Role::PendingRotation
    };
    if role == Role::PendingRotation {
        if !key.has_rotations() {
            return Err(KmsError::unsupported_spec(key));
        }
        if key.is_replica() {
            return Err(KmsError::new(
                "UnsupportedOperationException",
                format!(
                    "{} is a replica key; new key material goes into the primary key.",
                    key.arn
                ),
            ));
        }
        if key.pending_material().is_some() {
            return Err(KmsError::new(
                "KMSInvalidStateException",
                format!("{} already has key material pending rotation.", key.arn),
            ));
        }
        if key.materials.iter().any(|material| material.id == id) {
            return Err(incorrect(key));
        }
    }
    key.materials.push(Material {
        id,
        role,
        rotated: None,
        import: Some(import),
    });
    Ok(())
}

/// Only material that the key has had before can come back; the new expiry replaces the old one.
fn bring_back(key: &mut Key, id: &str, import: Import) -> Result<(), KmsError> {
    let Some(material) = key.materials.iter_mut().find(|material| material.id == id) else {
        return Err(incorrect(key));
    };
    let kept = material.import.take().and_then(|old| old.description);
    let description = import.description.or(kept);
    material.import = Some(Import {
        description,
        ..import
    });
    Ok(())
}

pub(super) fn delete_material(call: &mut Call<'_>) -> Outcome {
    let wanted = call.body.text("KeyMaterialId")?;
    let key = call.key_mut()?;
    check_imports(key)?;
    let id = match wanted {
        Some(wanted) => key.materials.iter().find(|material| material.id == wanted),
        None => key.current_material(),
    }
    .map(|material| material.id.clone());
    let Some(id) = id else {
        // Nothing imported yet: documented as a success without effect.
        return match wanted {
            None => Ok(Done::on(&key.arn, json!({"KeyId": key.arn}))),
            Some(wanted) => Err(KmsError::not_found(format!(
                "Key material {wanted} is not associated with {}",
                key.arn
            ))),
        };
    };
    key.drop_material(&id);
    let response = json!({"KeyId": key.arn, "KeyMaterialId": id});
    let elements = json!({"keyId": key.arn, "keyMaterialId": id});
    Ok(Done::on(&key.arn, response).response_elements(elements))
}

fn check_imports(key: &Key) -> Result<(), KmsError> {
    if key.origin == Origin::External {
        Ok(())
    } else {
        Err(KmsError::unsupported_origin(key))
    }
}

fn check_token(call: &Call<'_>) -> Result<(), KmsError> {
    let token = call.body.required("ImportToken")?;
    let issued = call.kms.import_tokens.get(token);
    match issued {
        Some(issued) if Some(&issued.key) != call.key.as_ref() => Err(invalid_token()),
        Some(issued) if issued.expires <= call.context.now => Err(KmsError::new(
            "ExpiredImportTokenException",
            "Import token has expired",
        )),
        Some(_) => Ok(()),
        None => Err(invalid_token()),
    }
}

fn invalid_token() -> KmsError {
    KmsError::new(
        "InvalidImportTokenException",
        "Import token is invalid for this KMS key",
    )
}

fn incorrect(key: &Key) -> KmsError {
    KmsError::new(
        "IncorrectKeyMaterialException",
        format!(
            "The key material is not one that may be imported into {} this way",
            key.arn
        ),
    )
}

/// `ExpirationModel` and `ValidTo` go together; expiring is the default.
fn expiration(body: Body<'_>, now: Timestamp) -> Result<Option<Timestamp>, KmsError> {
    let expires = body
        .word("ExpirationModel", |word| match word {
            "KEY_MATERIAL_EXPIRES" => Some(true),
            "KEY_MATERIAL_DOES_NOT_EXPIRE" => Some(false),
            _ => None,
        })?
        .unwrap_or(true);
    match (expires, body.time("ValidTo")?) {
        (false, None) => Ok(None),
        (false, Some(_)) => Err(KmsError::validation(
            "ValidTo cannot be set with KEY_MATERIAL_DOES_NOT_EXPIRE",
        )),
        (true, None) => Err(KmsError::validation(
            "ValidTo is required with KEY_MATERIAL_EXPIRES",
        )),
        (true, Some(at)) if at <= now => Err(KmsError::validation("ValidTo must be in the future")),
        (true, Some(at)) if at.duration_since(now) > LONGEST_VALIDITY => {
            Err(KmsError::validation("ValidTo must be within 365 days"))
        }
        (true, Some(at)) => Ok(Some(at)),
    }
}
