//! `ScheduleKeyDeletion`, `CancelKeyDeletion`.

use jiff::SignedDuration;
use serde_json::json;

use super::{
    call::{Call, Done, Outcome},
    error::KmsError,
    key::{Deletion, MultiRegion},
};
use crate::{cloudtrail::to_trail, times::epoch};

/// The waiting period: days at least, at most, and by default.
const WINDOW: (i64, i64) = (7, 30);
const DEFAULT_WINDOW: i64 = 30;

pub(super) fn schedule(call: &mut Call<'_>) -> Outcome {
    let days = call
        .body
        .integer_in("PendingWindowInDays", WINDOW)?
        .unwrap_or(DEFAULT_WINDOW);
    let now = call.context.now;
    let key = call.key()?;
    // The waiting period of a primary starts when its last replica is deleted.
    let waits = key.multi_region == Some(MultiRegion::Primary)
        && !call.kms.replica_regions(&key.id).is_empty();
    let key = call.key_mut()?;
    let mut response = json!({"KeyId": key.arn, "PendingWindowInDays": days});
    let deletion = if waits {
        Deletion::AfterReplicas { days }
    } else {
        let at = after_days(now, days)?;
        response["DeletionDate"] = epoch(at);
        Deletion::At(at)
    };
    key.deletion = Some(deletion);
    response["KeyState"] = key.state().as_str().into();
    let mut done = Done::on(&key.arn, response.clone()).response_elements(to_trail(&response));
    if let Some(data) = key.backing_key_data() {
        done = done.additional(data);
    }
    Ok(done)
}

pub(crate) fn after_days(now: jiff::Timestamp, days: i64) -> Result<jiff::Timestamp, KmsError> {
    now.checked_add(SignedDuration::from_hours(24 * days))
        .map_err(|_| KmsError::internal())
}

/// Leaves the key disabled: its owner has to decide to enable it.
pub(super) fn cancel(call: &mut Call<'_>) -> Outcome {
    let key = call.key_mut()?;
    key.deletion = None;
    key.enabled = false;
    Ok(Done::on(&key.arn, json!({"KeyId": key.arn})))
}
