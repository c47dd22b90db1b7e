//! Is imported key material there, until when?

mod deleted;
mod expired;
mod expiring;
mod imported;

pub use deleted::KeyMaterialDeleted;
pub use expired::KeyMaterialExpired;
pub(in crate::kinds) use expiring::deadline_by_metric;
pub use expiring::{ExpiryFrom, KeyMaterialExpiring};
pub use imported::KeyMaterialImported;

use crate::about::Key;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::kinds::case::{Case, fix, look};
use crate::step::Step;
use crate::text;
use crate::text::Untrusted;

pub(in crate::kinds) const READS: Reads = Reads {
    rotation: true,
    last_use: true,
};

/// Without any one of its imported materials a key cannot be used (KMS Developer Guide, key states).
fn imply_lost(key: &mut Key) {
    key.state.get_or_insert(State::PendingImport);
    key.origin.get_or_insert(Origin::External);
}

/// How the key works again: the very same material, imported again.
pub(in crate::kinds) fn restore(case: &Case<'_>, material_id: Option<&str>) -> Vec<Step> {
    if case.gone {
        return vec![look(
            text!["See what was done to the key"],
            case.history_command(),
        )];
    }
    let spec = case
        .key
        .and_then(|key| key.spec.as_ref())
        .map(Untrusted::as_str);
    // Only wrapping with AES inside takes material of any length (KMS API Reference, GetParametersForImport).
    let wrapping = match spec {
        Some("SYMMETRIC_DEFAULT") => "RSAES_OAEP_SHA_256",
        _ => "RSA_AES_KEY_WRAP_SHA_256",
    };
    let parameters = format!("--wrapping-algorithm {wrapping} --wrapping-key-spec RSA_4096");
    let which = material_id.map_or_else(String::new, |id| format!("--key-material-id {id} "));
    let import = format!(
        "{which}--import-type EXISTING_KEY_MATERIAL --expiration-model KEY_MATERIAL_DOES_NOT_EXPIRE \
         --encrypted-key-material fileb://EncryptedKeyMaterial.bin --import-token fileb://ImportToken.bin"
    );
    vec![
        fix(
            text![
                "Have the keepers of the original key material ready; then get the public key to wrap it with, and the \
                   import token (both valid for 24 hours)"
            ],
            case.kms_command("get-parameters-for-import", &parameters),
        ),
        fix(
            text!["Wrap the same material as before, and import it; other material is refused"],
            case.kms_command("import-key-material", &import),
        ),
    ]
}

pub(in crate::kinds) const UNUSABLE: &str = "The key is unusable until the same material is imported again: every cryptographic operation with \
                        it fails, also with its other materials. Nothing is lost for ever as long as the original \
                        material is kept outside AWS.";
