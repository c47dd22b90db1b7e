//! Reading: from the JSON that invokes a function to an [`Event`] of our own types. Pure, and tolerant of everything
//! but the absence of what makes an event an event.

mod alarm;
mod cloudtrail;
mod envelope;
mod kms;
mod share;
mod wrapper;

use serde_json::Value;

pub use alarm::{
    AlarmArn, AlarmEvent, AlarmState, Contributor, Evaluation, Labels, Metric, MetricQuery, Mute,
    ReasonData, Select, Trigger,
};
pub use cloudtrail::{ApiCall, CloudTrailEvent};
pub use envelope::{Envelope, Unreadable};
pub use kms::{KmsEvent, KmsEventName};
pub use share::ShareEvent;
pub use wrapper::unwrap;

/// Something that happened, as AWS told it.
#[derive(Clone, Debug)]
pub enum Event {
    /// One of KMS's own three events.
    Kms(Box<KmsEvent>),
    /// A KMS API call or service event that CloudTrail recorded.
    CloudTrail(Box<CloudTrailEvent>),
    /// An API call of another service that CloudTrail recorded.
    OtherCall(Box<CloudTrailEvent>),
    /// A CloudWatch alarm, or one contributor of it, changed its state.
    Alarm(Box<AlarmEvent>),
    /// Something happened to a resource share of AWS RAM.
    Share(Box<ShareEvent>),
    /// An event that KMS Watch has no use for.
    Other(Envelope),
}

impl Event {
    /// Reads one event. [`unwrap`] comes before.
    ///
    /// # Errors
    ///
    /// If `value` has not the shape of an event, is a KMS event without a key, or an alarm's without name or state.
    pub fn read(value: &Value) -> Result<Self, Unreadable> {
        let envelope = Envelope::read(value)?;
        let detail = &value["detail"];
        match envelope.source.as_str() {
            "aws.kms" => {}
            ShareEvent::SOURCE if ShareEvent::is_one(envelope.detail_type.as_str()) => {
                return ShareEvent::read(envelope, &value["resources"], detail)
                    .map(|event| Self::Share(Box::new(event)));
            }
            "aws.cloudwatch" if AlarmEvent::is_one(envelope.detail_type.as_str()) => {
                return AlarmEvent::read(envelope, &value["resources"], detail)
                    .map(|event| Self::Alarm(Box::new(event)));
            }
            // Only AWS sends with such a source.
            source if source.starts_with("aws.") && is_call(envelope.detail_type.as_str()) => {
                return Ok(match CloudTrailEvent::read(envelope.clone(), detail) {
                    Ok(event) => Self::OtherCall(Box::new(event)),
                    // Whether it was worth reading, only a function knows that wants such calls.
                    Err(_) => Self::Other(envelope),
                });
            }
            _ => return Ok(Self::Other(envelope)),
        }
        if let Some(name) = KmsEventName::new(envelope.detail_type.as_str()) {
            return KmsEvent::read(name, envelope, &value["resources"], detail)
                .map(|event| Self::Kms(Box::new(event)));
        }
        if is_call(envelope.detail_type.as_str()) {
            return CloudTrailEvent::read(envelope, detail)
                .map(|event| Self::CloudTrail(Box::new(event)));
        }
        Ok(Self::Other(envelope))
    }

    /// The members that all events share.
    pub fn envelope(&self) -> &Envelope {
        match self {
            Self::Kms(event) => &event.envelope,
            Self::CloudTrail(event) | Self::OtherCall(event) => &event.envelope,
            Self::Alarm(event) => &event.envelope,
            Self::Share(event) => &event.envelope,
            Self::Other(envelope) => envelope,
        }
    }
}

/// CloudTrail recorded it. China's documentation says "Amazon API Call".
pub fn is_call(detail_type: &str) -> bool {
    matches!(
        detail_type,
        "AWS API Call via CloudTrail"
            | "Amazon API Call via CloudTrail"
            | "AWS Service Event via CloudTrail"
            | "Amazon Service Event via CloudTrail"
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::text::Untrusted;

    #[test]
    fn json_that_is_no_event_is_unreadable() {
        for (value, problem) in [
            (json!(null), "not an object"),
            (json!([]), "not an object"),
            (json!("KMS CMK Deletion"), "not an object"),
            (json!(42), "not an object"),
            (json!({}), "no source"),
            (json!({"source": ["aws.kms"]}), "no source"),
            (json!({"source": "aws.kms"}), "no detail-type"),
            (
                json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion"}),
                "no detail",
            ),
            (
                json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": "{}"}),
                "no detail",
            ),
        ] {
            assert_eq!(
                Event::read(&value).unwrap_err(),
                Unreadable::NoEvent(problem),
                "{value}"
            );
        }
    }

    #[test]
    fn events_of_others_are_no_errors() {
        let value = json!({"source": "my.app", "detail-type": "KMS CMK Deletion", "detail": {}});
        assert!(matches!(Event::read(&value), Ok(Event::Other(_))));
    }

    /// Any JSON value, with members that the reader looks for.
    fn any_json() -> impl Strategy<Value = Value> {
        let member = prop_oneof![
            Just("source".to_owned()),
            Just("detail-type".to_owned()),
            Just("detail".to_owned()),
            Just("resources".to_owned()),
            Just("key-id".to_owned()),
            Just("Records".to_owned()),
            Just("body".to_owned()),
            Just("requestPayload".to_owned()),
            Just("requestContext".to_owned()),
            Just("eventName".to_owned()),
            Just("userIdentity".to_owned()),
            Just("keyId".to_owned()),
            Just("requestParameters".to_owned()),
            Just("responseElements".to_owned()),
            Just("time".to_owned()),
            Just("alarmName".to_owned()),
            Just("alarmContributor".to_owned()),
            Just("attributes".to_owned()),
            Just("KeyId".to_owned()),
            Just("state".to_owned()),
            Just("previousState".to_owned()),
            Just("value".to_owned()),
            Just("timestamp".to_owned()),
            Just("reasonData".to_owned()),
            Just("recentDatapoints".to_owned()),
            Just("threshold".to_owned()),
            Just("triggeringAlarms".to_owned()),
            Just("configuration".to_owned()),
            Just("metrics".to_owned()),
            Just("metricStat".to_owned()),
            Just("metric".to_owned()),
            Just("dimensions".to_owned()),
            Just("expression".to_owned()),
            Just("muteDetail".to_owned()),
            "[a-zA-Z]{1,8}",
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            Just(json!("aws.kms")),
            Just(json!("KMS CMK Rotation")),
            Just(json!("AWS API Call via CloudTrail")),
            Just(json!("arn:aws:kms:us-east-1:111122223333:key/k")),
            Just(json!("ScheduleKeyDeletion")),
            Just(json!("{\"Records\":[]}")),
            Just(json!("aws.cloudwatch")),
            Just(json!("CloudWatch Alarm State Change")),
            Just(json!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:a")),
            Just(json!("ALARM")),
            Just(json!("2026-02-14T06:00:21.204+0000")),
            Just(json!(
                "{\"recentDatapoints\":[1,null,\"2\"],\"threshold\":\"3\",\"triggeringAlarms\":[{}]}"
            )),
            Just(json!(
                "SELECT MIN(X) FROM SCHEMA(\"AWS/KMS\", KeyId) WHERE KeyId = 'k' GROUP BY KeyId"
            )),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 64, 8, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(member.clone(), inner, 0..8)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reading_never_panics(value in any_json()) {
            for event in unwrap(&value) {
                let _ = event.map(|event| Event::read(&event));
            }
        }

        #[test]
        fn an_alarm_of_any_shape_is_read(
            mut detail in any_json(),
            [state, contributor, metric, dimensions] in [any_json(), any_json(), any_json(), any_json()],
        ) {
            if !detail.is_object() {
                detail = json!({});
            }
            detail["alarmName"] = "a".into();
            detail["state"] = json!({"value": "ALARM", "reasonData": state});
            detail["alarmContributor"] = json!({"attributes": contributor});
            detail["configuration"] = json!({"metrics": [
                metric, {"metricStat": {"metric": {"namespace": "AWS/KMS", "name": "X", "dimensions": dimensions}}}
            ]});
            let event = json!({
                "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "detail": detail
            });
            let Ok(Event::Alarm(event)) = Event::read(&event) else {
                return Err(TestCaseError::fail("no alarm"));
            };
            prop_assert_eq!(event.metrics.len(), 2);
            prop_assert!(event.metric_names().contains(&Untrusted::new("X")));
            let _ = (event.key(), event.custom_key_store_id(), event.dimension("KeyId"), event.is_grouped());
            let _ = (event.datapoint(), event.band(), event.is_anomaly(), event.occurred_at());
        }
    }
}
