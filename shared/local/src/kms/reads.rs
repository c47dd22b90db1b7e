//! `DescribeKey`, `ListKeys`, `GetKeyLastUsage`.

use serde_json::{Value, json};

use super::{
    call::{Call, Done, Outcome},
    paging::{Limits, page_after},
};
use crate::times::epoch;

pub(super) fn describe_key(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    Ok(Done::quiet(
        &key.arn,
        json!({"KeyMetadata": call.kms.metadata(key)}),
    ))
}

pub(super) fn list_keys(call: &mut Call<'_>) -> Outcome {
    let keys = &call.kms.keys;
    let items = |after: Option<String>| {
        let keys = keys.in_region(call.region, after);
        keys.map(|key| (key.id.clone(), json!({"KeyId": key.id, "KeyArn": key.arn})))
    };
    let response = page_after(
        call.body,
        Limits {
            default: 100,
            max: 1000,
        },
        "Keys",
        items,
    )?;
    Ok(Done {
        response,
        ..Done::default()
    })
}

/// An empty `KeyLastUsage` means "never" only if the key is not older than the tracking
/// (KMS API Reference, `GetKeyLastUsage`).
pub(super) fn get_key_last_usage(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    let usage = key.last_use.as_ref().map_or_else(
        || json!({}),
        |last| {
            json!({
                "Operation": last.operation,
                "Timestamp": epoch(last.at),
                "CloudTrailEventId": last.event_id,
                "KmsRequestId": last.request_id,
            })
        },
    );
    let usual = key.created.max(call.context.usage_tracking_start);
    let tracked = key.tracked_since.unwrap_or(usual);
    let response: Value = json!({
        "KeyId": key.id,
        "KeyLastUsage": usage,
        "TrackingStartDate": epoch(tracked),
        "KeyCreationDate": epoch(key.created),
    });
    Ok(Done::quiet(&key.arn, response))
}
