//! Did a key's material change, will it?
//!
//! * Trigger: EventBridge rules for `KMS CMK Rotation`, and through CloudTrail for `RotateKeyOnDemand`,
//!   `EnableKeyRotation`, `DisableKeyRotation` and the service event `RotateKey`.
//! * Effect: one alert on the topics, nothing else.
//! * IAM: `kms:DescribeKey`, `kms:ListAliases`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`,
//!   `kms:ListKeyRotations`; `sns:Publish` and `sns:GetTopicAttributes` on its topics.

use watch_core::decision::{Decision, Occurrence};
use watch_core::event::{ApiCall, Event, KmsEvent, KmsEventName};
use watch_core::key::Origin;
use watch_core::kinds::{
    KeyRotated, KeyRotationDisabled, KeyRotationEnabled, KeyRotationRequested,
};

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    match event {
        Event::Kms(kms) if kms.name == KmsEventName::Rotation => {
            Occurrence::of_kms_event(kms, told_by_kms(kms)).into()
        }
        Event::CloudTrail(record) => match record.name.as_str() {
            "RotateKey" => Decision::change(record, told_by_cloudtrail),
            "RotateKeyOnDemand" => Decision::change(record, |_| KeyRotationRequested::default()),
            "EnableKeyRotation" => Decision::change(record, |call| KeyRotationEnabled {
                rotation_period_days: call.days("rotationPeriodInDays"),
            }),
            "DisableKeyRotation" => Decision::change(record, |_| KeyRotationDisabled::default()),
            _ => Decision::not_mine(event),
        },
        _ => Decision::not_mine(event),
    }
}

fn told_by_kms(event: &KmsEvent) -> KeyRotated {
    KeyRotated {
        rotation_type: event.rotation_type.clone(),
        previous_key_material_id: event.previous_material.clone(),
        current_key_material_id: event.current_material.clone(),
        origin: event.origin.clone(),
    }
}

fn told_by_cloudtrail(call: &ApiCall) -> KeyRotated {
    KeyRotated {
        rotation_type: call.service("rotationType"),
        previous_key_material_id: call.material("previousKeyMaterialId"),
        current_key_material_id: call.material("currentKeyMaterialId"),
        origin: call
            .service("keyOrigin")
            .map(|origin| Origin::new(origin.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

    fn decide_event(event: &Value) -> Decision {
        decide(&Event::read(event).unwrap())
    }

    fn identity(event: &Value) -> String {
        match decide_event(event) {
            Decision::Report(occurrence) => occurrence.identity(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn kms_and_cloudtrail_tell_of_the_same_rotation() {
        let kms = |detail| {
            json!({
                "source": "aws.kms", "detail-type": "KMS CMK Rotation", "resources": [ARN], "detail": detail
            })
        };
        let cloudtrail = |details| {
            json!({
                "source": "aws.kms", "detail-type": "AWS Service Event via CloudTrail",
                "detail": {"eventName": "RotateKey", "eventID": "e", "resources": [{"ARN": ARN}], "serviceEventDetails": details}
            })
        };
        let new = identity(&kms(
            json!({"current-key-material-id": "m1", "rotation-type": "AUTOMATIC"}),
        ));
        assert_eq!(
            new,
            identity(&cloudtrail(json!({"currentKeyMaterialId": "m1"})))
        );
        let old = identity(&kms(json!({"key-id": "k"})));
        assert_eq!(old, identity(&cloudtrail(json!({"keyId": "k"}))));
        assert_ne!(new, old);
    }

    #[test]
    fn attempts_and_the_events_of_others_are_ignored() {
        let failed = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventName": "RotateKeyOnDemand", "errorCode": "ConflictException"}});
        let other = json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "resources": [ARN], "detail": {}});
        for event in [failed, other] {
            assert!(
                matches!(decide_event(&event), Decision::Ignore(_)),
                "{event}"
            );
        }
    }
}
