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
use crate::text::Text;

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

/// Which key store it is, how it stands, and how much hangs on it.
pub(in crate::kinds) fn store_facts(case: &Case<'_>) -> Text {
    let Some(store) = case.key_store else {
        return text!["Which key store it is, the alarm does not say."];
    };
    if case.gone {
        return text!["KMS does not know the key store ", &store.id, " any more."];
    }
    let mut text = text!["The key store ", &store.id];
    if let Some(kind) = &store.kind {
        text.push(text![" (", kind, ")"]);
    }
    match &store.connection_state {
        Some(state) => text.push(text![" is ", state]),
        None => text.push(": its state could not be found out"),
    }
    if let Some(code) = &store.error_code {
        text.push(text![" (", code, ")"]);
    }
    match store.key_count {
        Some(0) => text.push(", and no key is in it"),
        Some(1) => text.push(", and one key is in it"),
        Some(count) => text.push(text![", and ", count, " keys are in it"]),
        None => text.push("; how many keys are in it could not be found out"),
    }
    text.push(".");
    text
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
        text!["See how KMS stands with the key store"],
        store_command(case, region, "describe-custom-key-stores"),
    )
}
