//! Custom key stores: CloudHSM clusters and external key managers on which keys depend.

mod failures;
mod operations;
mod unhealthy;

pub use operations::{
    KeyStoreConnected, KeyStoreCreated, KeyStoreDeleted, KeyStoreDisconnected, KeyStoreUpdated,
};
pub use unhealthy::KeyStoreUnhealthy;

use crate::arn::Region;
use crate::kinds::case::{Case, look};
use crate::step::Step;
use crate::text;
use crate::text::{Text, Untrusted};

/// `external-hq`, else the key store's id.
pub(in crate::kinds) fn store_name(case: &Case<'_>) -> Text {
    match case.key_store {
        Some(store) => match &store.name {
            Some(name) => text![name],
            None => text!["key store ", &store.id],
        },
        None => text!["a custom key store"],
    }
}

/// `key store external-hq`, without its id: for a title.
fn short_name(case: &Case<'_>) -> Text {
    match case.key_store {
        Some(store) => match &store.name {
            Some(name) => text!["Key store ", name],
            None => text!["Key store ", &store.id],
        },
        None => text!["A custom key store"],
    }
}

/// Which key store it is, how it stands, and how much hangs on it.
pub(in crate::kinds) fn store_facts(case: &Case<'_>) -> Text {
    let Some(store) = case.key_store else {
        return text!["The alarm does not show which key store it is about."];
    };
    if case.gone {
        return text!["KMS answers that key store ", &store.id, " does not exist."];
    }
    let mut text = text!["Key store ", &store.id];
    if let Some(kind) = &store.kind {
        text.push(text![" (", kind, ")"]);
    }
    match &store.connection_state {
        Some(state) => text.push(text![" is ", state]),
        None => text.push(": KMS did not report its state"),
    }
    if let Some(code) = &store.error_code {
        text.push(text![" (", code, ")"]);
    }
    text.push(".");
    text.sentence(count_words(store.key_count));
    text
}

/// How many keys are in the key store, as a sentence.
fn count_words(keys: Option<u64>) -> Text {
    match keys {
        Some(0) => {
            text!["KMS Watch found no key in the key store among those that it can describe."]
        }
        Some(1) => text!["The key store holds 1 key."],
        Some(count) => text!["The key store holds ", count, " keys."],
        None => text!["How many keys the key store holds is not known."],
    }
}

/// `: 2 keys unusable`, for a title.
fn unusable_keys(keys: Option<u64>) -> Text {
    match keys {
        Some(1) => text![": 1 key unusable"],
        Some(count @ 2..) => text![": ", count, " keys unusable"],
        _ => Text::new(),
    }
}

/// How long connecting takes (KMS Developer Guide, connecting a CloudHSM key store, and an external one).
fn connect_time(case: &Case<'_>, has_cluster: bool) -> &'static str {
    let kind = case.key_store.and_then(|store| store.kind.as_ref());
    match kind.map(Untrusted::as_str) {
        Some("EXTERNAL_KEY_STORE") => "about 5 minutes",
        Some("AWS_CLOUDHSM") => "up to 20 minutes",
        _ if has_cluster => "up to 20 minutes",
        _ => "5 to 20 minutes",
    }
}

pub(in crate::kinds) fn store_command(
    case: &Case<'_>,
    region: Option<&Region>,
    operation: &str,
) -> Option<String> {
    let store = case.key_store?;
    // An id that was checked: it is the subject's.
    let region = region?;
    Some(format!(
        "aws kms {operation} --custom-key-store-id {} --region {}",
        store.id.as_str(),
        region.as_str()
    ))
}

pub(in crate::kinds) fn see_store(case: &Case<'_>, region: Option<&Region>) -> Step {
    look(
        text!["Read the state of the key store"],
        store_command(case, region, "describe-custom-key-stores"),
    )
}
