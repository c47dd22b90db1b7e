//! Is a key going away?
//!
//! * Trigger: EventBridge rules for `KMS CMK Deletion`, and through CloudTrail for `ScheduleKeyDeletion`,
//!   `CancelKeyDeletion` and the service event `DeleteKey`.
//! * Effect: one alert on the topics, and one more that says what depends on a key which is lost.
//! * IAM: `kms:DescribeKey`, `kms:ListAliases`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`,
//!   `kms:ListKeyRotations`, `kms:GetKeyLastUsage`, `kms:ListGrants`, `cloudtrail:LookupEvents`; `sns:Publish` and `sns:GetTopicAttributes` on its topics.

use watch_core::decision::{Decision, Occurrence};
use watch_core::event::{ApiCall, CloudTrailEvent, Event, KmsEventName};
use watch_core::key::State;
use watch_core::kinds::{KeyDeleted, KeyDeletionCancelled, KeyDeletionScheduled};

/// Waiting period in days where the caller names none (KMS API Reference, ScheduleKeyDeletion).
const DEFAULT_WINDOW_DAYS: u32 = 30;

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    match event {
        Event::Kms(kms) if kms.name == KmsEventName::Deletion => {
            Occurrence::of_kms_event(kms, KeyDeleted::default()).into()
        }
        Event::CloudTrail(record) => match record.name.as_str() {
            "ScheduleKeyDeletion" => Decision::change(record, |call| scheduled(record, call)),
            "CancelKeyDeletion" => Decision::change(record, |_| KeyDeletionCancelled::default()),
            "DeleteKey" => Decision::change(record, |_| KeyDeleted::default()),
            _ => Decision::not_mine(event),
        },
        _ => Decision::not_mine(event),
    }
}

fn scheduled(record: &CloudTrailEvent, call: &ApiCall) -> KeyDeletionScheduled {
    let waits = call
        .answered("keyState")
        .is_some_and(|state| state.as_str() == State::PendingReplicaDeletion.as_str());
    KeyDeletionScheduled {
        pending_window_days: call
            .days("pendingWindowInDays")
            .or_else(|| call.has_request().then_some(DEFAULT_WINDOW_DAYS)),
        waits_for_replicas: waits,
        deletion_date_text: call.answered("deletionDate"),
        custom_key_store_id: call.additional("customKeyStoreId"),
        principal: record.actor.principal.clone(),
        ..KeyDeletionScheduled::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use watch_core::kinds::Kind;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

    fn decide_record(detail: &Value) -> Decision {
        let event = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "detail": detail});
        decide(&Event::read(&event).unwrap())
    }

    fn schedule(request: Value, response: Value) -> KeyDeletionScheduled {
        let decision = decide_record(&json!({
            "eventName": "ScheduleKeyDeletion", "requestParameters": request, "responseElements": response,
            "resources": [{"ARN": ARN}], "additionalEventData": {"customKeyStoreId": "cks-1"}
        }));
        match decision {
            Decision::Report(occurrence) => match occurrence.kind {
                Kind::KeyDeletionScheduled(kind) => kind,
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_waiting_period_is_the_answers_then_the_requests_then_kms_default() {
        assert_eq!(
            schedule(
                json!({"pendingWindowInDays": 7}),
                json!({"pendingWindowInDays": 8})
            )
            .pending_window_days,
            Some(8)
        );
        assert_eq!(
            schedule(json!({"pendingWindowInDays": 7}), json!(null)).pending_window_days,
            Some(7)
        );
        assert_eq!(
            schedule(json!({"keyId": "k"}), json!({})).pending_window_days,
            Some(30)
        );
        assert_eq!(schedule(json!(null), json!(null)).pending_window_days, None);
    }

    #[test]
    fn a_primary_with_replicas_and_a_key_store_are_seen() {
        let kind = schedule(json!({}), json!({"keyState": "PendingReplicaDeletion"}));
        assert!(kind.waits_for_replicas);
        assert_eq!(kind.custom_key_store_id.unwrap().as_str(), "cks-1");
        assert!(!schedule(json!({}), json!({"keyState": "PendingDeletion"})).waits_for_replicas);
    }

    #[test]
    fn attempts_copies_and_the_events_of_others_are_ignored() {
        for (detail, reason) in [
            (
                json!({"eventName": "ScheduleKeyDeletion", "errorCode": "AccessDenied"}),
                "ScheduleKeyDeletion failed with AccessDenied: an attempt changes nothing",
            ),
            (
                json!({"eventName": "CancelKeyDeletion", "recipientAccountId": "444455556666", "resources": [{"ARN": ARN}]}),
                "CancelKeyDeletion was made on another account's key: the owner has its own copy of the record",
            ),
            (
                json!({"eventName": "SynchronizeMultiRegionKey", "resources": [{"ARN": ARN}]}),
                "SynchronizeMultiRegionKey of aws.kms is not watched by this function",
            ),
        ] {
            match decide_record(&detail) {
                Decision::Ignore(given) => assert_eq!(given, reason),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_deletion_without_a_key_is_unreadable() {
        assert!(matches!(
            decide_record(&json!({"eventName": "ScheduleKeyDeletion"})),
            Decision::Unreadable(_)
        ));
    }
}
