//! `EnableKey`, `DisableKey`, `UpdateKeyDescription`.

use serde_json::json;

use super::{
    call::{Call, Done, Outcome},
    error::KmsError,
};

/// A key in a disconnected store takes the switch and stays `Unavailable` until its store is back.
pub(super) fn enable_key(call: &mut Call<'_>) -> Outcome {
    switch(call, true)
}

pub(super) fn disable_key(call: &mut Call<'_>) -> Outcome {
    switch(call, false)
}

fn switch(call: &mut Call<'_>, enabled: bool) -> Outcome {
    let key = call.key_mut()?;
    key.enabled = enabled;
    Ok(Done::on(&key.arn, json!({})))
}

pub(super) fn update_description(call: &mut Call<'_>) -> Outcome {
    let description = call.body.required("Description")?;
    check_description(description)?;
    let key = call.key_mut()?;
    description.clone_into(&mut key.description);
    Ok(Done::quiet(&key.arn, json!({})))
}

pub(super) fn check_description(text: &str) -> Result<(), KmsError> {
    if text.chars().count() <= 8192 {
        return Ok(());
    }
    Err(KmsError::validation(
        "1 validation error detected: Value at 'description' failed to satisfy constraint: \
         Member must have length less than or equal to 8192",
    ))
}
