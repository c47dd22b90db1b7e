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

use jiff::{Timestamp, ToSpan};

use crate::about::Key;
use crate::facts::Reads;
use crate::key::{Origin, State};
use crate::kinds::case::{Case, fix, look};
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

pub(in crate::kinds) const READS: Reads = Reads {
    rotation: true,
    last_use: true,
};

/// Without any one of its imported materials a key cannot be used (KMS Developer Guide, key states).
fn imply_lost(key: &mut Key) {
    key.state.get_or_insert(State::PendingImport);
    key.origin.get_or_insert(Origin::External);
}

/// How the key works again: the same material, imported again, which `first` says. Material that `expires` gets a
/// date of its own again.
pub(in crate::kinds) fn restore(
    case: &Case<'_>,
    material_id: Option<&str>,
    expires: bool,
    first: Text,
) -> Vec<Step> {
    if case.gone {
        return vec![look(
            text!["Find out what was done to the key"],
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
    let expiry = match expires {
        true => format!("KEY_MATERIAL_EXPIRES --valid-to {}", in_a_year(case.at)),
        false => "KEY_MATERIAL_DOES_NOT_EXPIRE".to_owned(),
    };
    let import = format!(
        "{which}--import-type EXISTING_KEY_MATERIAL --expiration-model {expiry} \
         --encrypted-key-material fileb://EncryptedKeyMaterial.bin --import-token fileb://ImportToken.bin"
    );
    let date = if expires {
        ", with your own date in --valid-to"
    } else {
        ""
    };
    vec![
        fix(
            text![
                first,
                ". For that, get a wrapping key and an import token (valid for 24 hours)"
            ],
            case.kms_command("get-parameters-for-import", &parameters),
        ),
        fix(
            text![
                "Then wrap the key material that its keepers hold, and import it",
                date,
                ". KMS refuses other material"
            ],
            case.kms_command("import-key-material", &import),
        ),
    ]
}

/// A date of expiry for whoever has none of their own.
fn in_a_year(at: Timestamp) -> Timestamp {
    at.checked_add((365 * 24).hours()).unwrap_or(at)
}

/// What restores the key, within a sentence.
const AGAIN: &str = "import the same key material again";

pub(in crate::kinds) const UNUSABLE: &str = "Every cryptographic operation with the key fails until the same key material is imported again. The data is \
                        safe as long as a copy of that material exists outside AWS.";
