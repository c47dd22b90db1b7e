//! Is imported key material going away?
//!
//! * Trigger: EventBridge rules for `KMS Imported Key Material Expiration`, and through CloudTrail for
//!   `ImportKeyMaterial`, `DeleteImportedKeyMaterial` and the service event `DeleteExpiredKeyMaterial`; and for state changes
//!   of CloudWatch alarms on `SecondsUntilKeyMaterialExpiration`.
//! * Effect: one alert on the topics, and one more that says what depends on a key which is lost. When such an alarm ends, KMS
//!   is asked what became of the material, since the metric ends with it.
//! * IAM: `kms:DescribeKey`, `kms:ListAliases`, `kms:ListResourceTags`, `kms:GetKeyRotationStatus`,
//!   `kms:ListKeyRotations`, `kms:GetKeyLastUsage`, `kms:ListGrants`, `cloudtrail:LookupEvents`; `sns:Publish` and `sns:GetTopicAttributes` on its topics.

use watch_core::decision::{Decision, Occurrence};
use watch_core::event::{ApiCall, Event, KmsEventName};
use watch_core::kinds::{
    KeyMaterialDeleted, KeyMaterialExpired, KeyMaterialExpiring, KeyMaterialImported, Signal,
    Watches,
};

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    match event {
        Event::Kms(kms) if kms.name == KmsEventName::MaterialExpiration => {
            Occurrence::of_kms_event(
                kms,
                KeyMaterialExpired {
                    key_material_id: kms.expired_material.clone(),
                },
            )
            .into()
        }
        Event::CloudTrail(record) => match record.name.as_str() {
            "DeleteExpiredKeyMaterial" => Decision::change(record, |call| KeyMaterialExpired {
                key_material_id: call.material("keyMaterialId"),
            }),
            "DeleteImportedKeyMaterial" => Decision::change(record, |call| KeyMaterialDeleted {
                key_material_id: call.material("keyMaterialId"),
            }),
            "ImportKeyMaterial" => Decision::change(record, imported),
            _ => Decision::not_mine(event),
        },
        Event::Alarm(alarm) if Signal::of(alarm).watches() == Watches::Material => {
            Decision::alarm(alarm, KeyMaterialExpiring::of_alarm)
        }
        _ => Decision::not_mine(event),
    }
}

fn imported(call: &ApiCall) -> KeyMaterialImported {
    KeyMaterialImported {
        key_material_id: call.material("keyMaterialId"),
        expiration_model: call.requested("expirationModel"),
        import_type: call.requested("importType"),
        valid_to_text: call.requested("validTo"),
        key_material_description: call.requested("keyMaterialDescription"),
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
    fn kms_and_cloudtrail_tell_of_the_same_expiry_of_the_same_material() {
        let kms = |material| {
            json!({
                "source": "aws.kms", "detail-type": "KMS Imported Key Material Expiration", "resources": [ARN],
                "detail": {"key-material-id": material}
            })
        };
        let cloudtrail = json!({
            "source": "aws.kms", "detail-type": "AWS Service Event via CloudTrail",
            "detail": {"eventName": "DeleteExpiredKeyMaterial", "eventID": "e", "resources": [{"ARN": ARN}],
                       "serviceEventDetails": {"keyId": "k", "keyMaterialId": "m1"}}
        });
        assert_eq!(identity(&kms("m1")), identity(&cloudtrail));
        assert_ne!(identity(&kms("m2")), identity(&cloudtrail));
    }

    fn alarm(state: &str, metrics: Value) -> Value {
        json!({
            "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "time": "2026-02-14T06:00:21Z",
            "resources": ["arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"],
            "detail": {"alarmName": "a", "state": {"value": state}, "configuration": {"metrics": metrics}}
        })
    }

    fn watching(name: &str) -> Value {
        json!([{"id": "m", "metricStat": {"metric":
            {"namespace": "AWS/KMS", "name": name, "dimensions": {"KeyId": "k"}}}}])
    }

    #[test]
    fn alarms_on_expiring_material_are_read_and_no_others() {
        for (state, kind) in [
            ("ALARM", "KeyMaterialExpiring"),
            ("OK", "AlarmRecovered"),
            ("INSUFFICIENT_DATA", "AlarmRecovered"),
        ] {
            // One page of the documentation has another name for it.
            for name in [
                "SecondsUntilKeyMaterialExpiration",
                "SecondsUntilKeyMaterialExpires",
            ] {
                match decide_event(&alarm(state, watching(name))) {
                    Decision::Report(told) => {
                        assert_eq!(told.kind.name(), kind);
                        assert_eq!(told.subject.key().unwrap().to_string(), ARN);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        let fleet = "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM \"AWS/KMS\" GROUP BY KeyId ORDER BY MIN() ASC";
        for metrics in [
            watching("XksProxyErrors"),
            json!([]),
            // The alarm as a whole, which follows its contributors.
            json!([{"id": "q", "expression": fleet}]),
        ] {
            assert!(matches!(
                decide_event(&alarm("ALARM", metrics)),
                Decision::Ignore(_)
            ));
        }
    }

    #[test]
    fn attempts_and_the_events_of_others_are_ignored() {
        let failed = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail",
            "detail": {"eventName": "ImportKeyMaterial", "errorCode": "ExpiredImportTokenException"}});
        let other = json!({"source": "aws.kms", "detail-type": "KMS CMK Rotation", "resources": [ARN], "detail": {}});
        for event in [failed, other] {
            assert!(
                matches!(decide_event(&event), Decision::Ignore(_)),
                "{event}"
            );
        }
    }
}
