//! What do the alarms on KMS say: is a key store in trouble, a quota nearly used up, a key used as never before?
//!
//! * Trigger: EventBridge rules for `CloudWatch Alarm State Change` and `CloudWatch Alarm Contributor State Change` of the
//!   stack's alarms on KMS. Which alarms is the rule's decision: whatever comes is known by its metrics, and what is not
//!   known is told all the same. Expiring key material is the function `material-expiration`'s.
//! * Effect: one alert on the topics, nothing else. The end of an alarm is told if somebody was told of its beginning.
//! * IAM: `kms:DescribeCustomKeyStores` and `kms:ListKeys`, with `kms:DescribeKey` to count a key store's keys;
//!   `kms:ListAliases` and `kms:ListResourceTags` for alarms about a key; `sns:Publish` and `sns:GetTopicAttributes` on its
//!   topics. Nothing of CloudWatch: the event says it all.

use watch_core::decision::Decision;
use watch_core::event::{AlarmEvent, Event};
use watch_core::kinds::{
    KeyStoreUnhealthy, Kind, KmsQuotaNear, KmsUsageAnomaly, Signal, Watches, key_store_of,
};

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    let Event::Alarm(alarm) = event else {
        return Decision::not_mine(event);
    };
    if alarm.is_of_another_service() {
        return Decision::Ignore("the alarm watches no metric of KMS".into());
    }
    if Signal::of(alarm).watches() == Watches::Material {
        return Decision::Ignore(
            "alarms on expiring key material are the function material-expiration's".into(),
        );
    }
    Decision::alarm(alarm, raised)
}

/// What an alarm means that went off. One of which nothing is known but its name, a composite one or one on a log, is about
/// a key store if one is named, and else something unusual.
fn raised(alarm: &AlarmEvent) -> Kind {
    let signal = Signal::of(alarm);
    match signal.watches() {
        Watches::KeyStore(_) => KeyStoreUnhealthy::of_alarm(signal).into(),
        Watches::Quota => KmsQuotaNear(signal).into(),
        Watches::Other if key_store_of(alarm).is_some() => {
            KeyStoreUnhealthy::of_alarm(signal).into()
        }
        Watches::Usage | Watches::Material | Watches::Other => KmsUsageAnomaly(signal).into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use watch_core::decision::Occurrence;
    use watch_core::subject::Subject;

    use super::*;

    const STORE: &str = "cks-7be1d290f5a3c846a";

    fn event(state: Value, configuration: Value) -> Value {
        json!({
            "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "id": "e",
            "account": "111122223333", "region": "us-east-1", "time": "2026-02-14T06:00:21Z",
            "resources": ["arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"],
            "detail": {"alarmName": "a", "state": state, "configuration": configuration}
        })
    }

    fn watching(namespace: &str, name: &str, dimensions: Value) -> Value {
        json!({"metrics": [{"id": "m", "returnData": true, "metricStat": {"period": 60, "stat": "Sum",
            "metric": {"namespace": namespace, "name": name, "dimensions": dimensions}}}]})
    }

    fn decide_event(event: &Value) -> Decision {
        decide(&Event::read(event).unwrap())
    }

    fn reported(event: &Value) -> Occurrence {
        match decide_event(event) {
            Decision::Report(occurrence) => *occurrence,
            other => panic!("{other:?}"),
        }
    }

    fn ignored(event: &Value) -> String {
        match decide_event(event) {
            Decision::Ignore(reason) => reason.into_owned(),
            other => panic!("{other:?}"),
        }
    }

    fn alarm(configuration: Value) -> Value {
        event(
            json!({"value": "ALARM", "timestamp": "2026-02-14T06:00:21.204+0000"}),
            configuration,
        )
    }

    #[test]
    fn an_alarm_is_known_by_its_metrics_and_told_whatever_it_watches() {
        let store = json!({"CustomKeyStoreId": STORE});
        let kms = json!({"Service": "KMS", "Resource": "CryptographicOperationsSymmetric"});
        let band = json!({"metrics": [
            {"id": "m", "returnData": true, "metricStat": {"period": 300, "stat": "Sum",
                "metric": {"namespace": "AWS/Usage", "name": "CallCount", "dimensions": kms}}},
            {"id": "b", "expression": "ANOMALY_DETECTION_BAND(m, 4)", "returnData": true}
        ]});
        let child = format!("ALARM(\"xks-errors/{STORE}\") OR ALARM(\"xks-latency/{STORE}\")");
        let two = format!("{child} OR ALARM(\"cks-00000000000000000\")");
        let stores = [
            "XksProxyCertificateDaysToExpire",
            "XksProxyCredentialAge",
            "XksProxyErrors",
            "XksProxyLatency",
            "XksExternalKeyManagerStates",
            "XksProxyHsmStates",
            "ExternalKeyStoreThrottle",
            "ExtenalKeyStoreThrottle",
            "CloudHSMKeyStoreThrottle",
        ];
        let stores = stores.map(|name| {
            (
                watching("AWS/KMS", name, store.clone()),
                "KeyStoreUnhealthy",
                true,
            )
        });
        let key =
            json!({"KeyArn": "arn:aws:kms:us-east-1:111122223333:key/k", "Operation": "Decrypt"});
        let others = [
            (
                watching("AWS/KMS", "XksFutureMetric", store.clone()),
                "KeyStoreUnhealthy",
                true,
            ),
            (
                watching("AWS/Usage", "CallCount", kms.clone()),
                "KmsQuotaNear",
                false,
            ),
            (band, "KmsUsageAnomaly", false),
            (
                watching("AWS/KMS", "SuccessfulRequest", key),
                "KmsUsageAnomaly",
                false,
            ),
            (
                watching("AWS/KMS", "SomethingNew", json!({})),
                "KmsUsageAnomaly",
                false,
            ),
            (
                watching("KMSWatch/kms-watch", "PendingDeletionUse", json!({})),
                "KmsUsageAnomaly",
                false,
            ),
            (json!({"alarmRule": child}), "KeyStoreUnhealthy", true),
            // Of which of the two?
            (json!({"alarmRule": two}), "KmsUsageAnomaly", false),
            (
                json!({"queryString": "fields @message"}),
                "KmsUsageAnomaly",
                false,
            ),
            (json!({}), "KmsUsageAnomaly", false),
        ];
        for (configuration, kind, store) in stores.into_iter().chain(others) {
            let told = reported(&alarm(configuration.clone()));
            assert_eq!(told.kind.name(), kind, "{configuration}");
            assert_eq!(
                matches!(told.subject, Subject::KeyStore { .. }),
                store,
                "{configuration}"
            );
        }
    }

    #[test]
    fn what_others_tell_and_what_is_not_of_kms_is_ignored_with_a_reason() {
        let fleet = "SELECT MAX(XksProxyCredentialAge) FROM \"AWS/KMS\" GROUP BY CustomKeyStoreId ORDER BY MAX() DESC";
        for (configuration, reason) in [
            (
                watching(
                    "AWS/KMS",
                    "SecondsUntilKeyMaterialExpiration",
                    json!({"KeyId": "k"}),
                ),
                "alarms on expiring key material are the function material-expiration's",
            ),
            // The watch's own alarms, which must not lead back to it.
            (
                watching("AWS/Lambda", "Errors", json!({"FunctionName": "f"})),
                "the alarm watches no metric of KMS",
            ),
            (
                watching("AWS/Usage", "CallCount", json!({"Service": "EC2"})),
                "the alarm watches no metric of KMS",
            ),
            (
                json!({"metrics": [{"id": "q", "expression": fleet, "returnData": true}]}),
                "the alarm watches several time series, each of which tells by itself",
            ),
        ] {
            assert_eq!(ignored(&alarm(configuration)), reason);
        }
        let other = json!({"source": "aws.kms", "detail-type": "KMS CMK Rotation", "detail": {},
                           "resources": ["arn:aws:kms:us-east-1:111122223333:key/k"]});
        assert_eq!(
            ignored(&other),
            "KMS CMK Rotation of aws.kms is not watched by this function"
        );
    }

    #[test]
    fn a_change_is_told_apart_by_alarm_contributor_and_stamp() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut event = alarm(watching(
                "AWS/KMS",
                "XksProxyErrors",
                json!({"CustomKeyStoreId": STORE}),
            ));
            change(&mut event);
            reported(&event).identity()
        };
        let one = with(&|_| {});
        assert!(one.starts_with("KeyStoreUnhealthy#alarm#"), "{one}");
        // EventBridge sends the same again under another id.
        assert_eq!(one, with(&|event| event["id"] = json!("another")));
        let others: Vec<String> = vec![
            // Two changes within one second.
            with(&|event| {
                event["detail"]["state"]["timestamp"] = json!("2026-02-14T06:00:21.205+0000")
            }),
            with(&|event| {
                event["resources"][0] = json!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:b")
            }),
            with(&|event| {
                event["detail"]["alarmContributor"] =
                    json!({"id": "c", "attributes": {"CustomKeyStoreId": STORE}});
            }),
            with(&|event| {
                event["detail"]["alarmContributor"] = json!({"id": "d", "attributes": {"CustomKeyStoreId": STORE, "ErrorType": "Retryable"}});
            }),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(*other, one, "{index}");
            assert!(!others[..index].contains(other), "{index}");
        }
    }

    #[test]
    fn the_end_of_an_alarm_is_one_and_a_state_that_is_not_known_is_unreadable() {
        for state in ["OK", "INSUFFICIENT_DATA"] {
            let told = reported(&event(
                json!({"value": state}),
                json!({"alarmRule": "ALARM(x)"}),
            ));
            assert_eq!(told.kind.name(), "AlarmRecovered", "{state}");
        }
        let odd = event(json!({"value": "PAUSED"}), json!({"alarmRule": "ALARM(x)"}));
        assert!(matches!(decide_event(&odd), Decision::Unreadable(_)));
        let mut nowhere = alarm(json!({}));
        nowhere["resources"] = json!([]);
        nowhere["region"] = json!("");
        assert!(matches!(decide_event(&nowhere), Decision::Unreadable(_)));
    }
}
