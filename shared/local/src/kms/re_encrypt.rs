//! `ReEncrypt`: two keys, two uses, two resources in the record (KMS Developer Guide, "`ReEncrypt`" under
//! "CloudTrail").

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    body::missing,
    call::{Call, Done, Outcome},
    crypto::{algorithm, check_usage, context_digest, find_encrypting_key, note_use, open, seal},
    error::KmsError,
    names::KeyUsage,
    selector::Accepts,
};
use crate::cloudtrail::to_trail;

pub(super) fn re_encrypt(call: &mut Call<'_>) -> Outcome {
    let body = call.body;
    let blob = body
        .blob("CiphertextBlob")?
        .ok_or_else(|| missing("CiphertextBlob"))?;
    let invalid = || KmsError::new("InvalidCiphertextException", "");
    let frame = open(&blob).ok_or_else(invalid)?;
    let destination = call.select(body.required("DestinationKeyId")?, Accepts::AnyName)?;
    find_encrypting_key(call, &frame, "SourceKeyId")?;
    let source_key = call.key()?;
    let source_algorithm = algorithm(body, "SourceEncryptionAlgorithm", source_key)?;
    let (source_arn, source_rotates) = (source_key.arn.clone(), source_key.has_rotations());
    if context_digest(body, "SourceEncryptionContext")?.as_slice() != frame.context {
        return Err(invalid());
    }
    let source = call.key.replace(destination);
    let key = call.key()?;
    call.states.check(key)?;
    check_usage(key, KeyUsage::EncryptDecrypt)?;
    let destination_algorithm = algorithm(body, "DestinationEncryptionAlgorithm", key)?;
    let context = context_digest(body, "DestinationEncryptionContext")?;
    let blob = seal(key, &context, frame.plaintext);
    let mut response = json!({
        "CiphertextBlob": STANDARD.encode(blob),
        "SourceKeyId": source_arn,
        "KeyId": key.arn,
        "SourceEncryptionAlgorithm": source_algorithm,
        "DestinationEncryptionAlgorithm": destination_algorithm,
    });
    let mut additional = json!({});
    if source_rotates && !frame.material.is_empty() {
        response["SourceKeyMaterialId"] = frame.material.into();
        additional["sourceKeyMaterialId"] = frame.material.into();
    }
    if let Some(material) = key.current_material().filter(|_| key.has_rotations()) {
        response["DestinationKeyMaterialId"] = material.id.as_str().into();
        additional["destinationKeyMaterialId"] = material.id.as_str().into();
    }
    let arn = key.arn.clone();
    let mut parameters = to_trail(&body.only(&[
        "SourceKeyId",
        "SourceEncryptionContext",
        "DestinationKeyId",
        "DestinationEncryptionContext",
    ]));
    parameters["sourceEncryptionAlgorithm"] = source_algorithm.into();
    parameters["destinationEncryptionAlgorithm"] = destination_algorithm.into();
    note_use(call)?;
    call.key = source;
    note_use(call)?;
    let (keys, now) = ([source_arn.as_str(), arn.as_str()], call.context.now);
    let uses = &mut call.kms.uses;
    uses.count(call.region, call.operation, &keys, now, 1);
    let mut done = Done::quiet(&arn, response)
        .parameters(parameters)
        .resources(&[&source_arn, &arn]);
    if additional != json!({}) {
        done = done.additional(additional);
    }
    Ok(done)
}
