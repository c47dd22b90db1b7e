//! KMS's own events (KMS Developer Guide, monitoring with Amazon EventBridge).

use serde_json::Value;

use super::envelope::{Envelope, Unreadable, material_id, text};
use crate::arn::{KeyArn, Partition};
use crate::key::Origin;
use crate::text::Untrusted;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KmsEventName {
    /// `KMS CMK Rotation`.
    Rotation,
    /// `KMS Imported Key Material Expiration`.
    MaterialExpiration,
    /// `KMS CMK Deletion`.
    Deletion,
}

impl KmsEventName {
    /// Reads a detail-type.
    pub fn new(detail_type: &str) -> Option<Self> {
        match detail_type {
            "KMS CMK Rotation" => Some(Self::Rotation),
            "KMS Imported Key Material Expiration" => Some(Self::MaterialExpiration),
            "KMS CMK Deletion" => Some(Self::Deletion),
            _ => None,
        }
    }
}

/// One of KMS's own events. Until 2025 they held the key's id and nothing else.
#[derive(Clone, Debug)]
pub struct KmsEvent {
    /// The members that all events share.
    pub envelope: Envelope,
    /// Which of the three.
    pub name: KmsEventName,
    /// The key.
    pub key: KeyArn,
    /// Origin of the material that a rotation brought.
    pub origin: Option<Origin>,
    /// `AUTOMATIC` or `ON_DEMAND`.
    pub rotation_type: Option<Untrusted>,
    /// The material before a rotation.
    pub previous_material: Option<String>,
    /// The material since a rotation.
    pub current_material: Option<String>,
    /// The material that expired.
    pub expired_material: Option<String>,
}

impl KmsEvent {
    pub(super) fn read(
        name: KmsEventName,
        envelope: Envelope,
        resources: &Value,
        detail: &Value,
    ) -> Result<Self, Unreadable> {
        let listed = resources
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .find_map(|arn| arn.parse().ok());
        let key = listed
            .or_else(|| key_from_id(&envelope, &detail["key-id"]))
            .ok_or(Unreadable::NoKey)?;
        Ok(Self {
            name,
            key,
            origin: detail["key-origin"].as_str().map(Origin::new),
            rotation_type: text(&detail["rotation-type"]),
            previous_material: material_id(&detail["previous-key-material-id"]),
            current_material: material_id(&detail["current-key-material-id"]),
            expired_material: material_id(&detail["key-material-id"]),
            envelope,
        })
    }
}

/// The key of an event without `resources`. `key-id` is a bare id, an ARN if AWS ever changes its mind.
fn key_from_id(envelope: &Envelope, id: &Value) -> Option<KeyArn> {
    let id = id.as_str()?;
    if let Ok(arn) = id.parse() {
        return Some(arn);
    }
    let (account, region) = (envelope.account.clone()?, envelope.region.clone()?);
    KeyArn::new(Partition::of_region(&region), region, account, id).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Event;
    use super::*;

    fn read(event: &Value) -> Result<KmsEvent, Unreadable> {
        match Event::read(event)? {
            Event::Kms(event) => Ok(*event),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_key_is_found_without_resources() {
        let event = json!({
            "source": "aws.kms", "detail-type": "KMS CMK Deletion", "account": "111122223333",
            "region": "us-gov-west-1", "detail": {"key-id": "mrk-1"}
        });
        let key = read(&event).unwrap().key.to_string();
        assert_eq!(
            key,
            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1"
        );
    }

    #[test]
    fn the_key_is_found_without_account_and_region() {
        let arn = "arn:aws-cn:kms:cn-north-1:111122223333:key/k";
        let event = json!({
            "source": "aws.kms", "detail-type": "KMS CMK Rotation", "resources": [7, "x", arn], "detail": {}
        });
        assert_eq!(read(&event).unwrap().key.to_string(), arn);
    }

    #[test]
    fn without_any_key_the_event_is_unreadable() {
        for detail in [
            json!({}),
            json!({"key-id": "k"}),
            json!({"key-id": 5}),
            json!({"key-id": "../x"}),
        ] {
            let event =
                json!({"source": "aws.kms", "detail-type": "KMS CMK Deletion", "detail": detail});
            assert_eq!(read(&event).unwrap_err(), Unreadable::NoKey);
        }
    }

    #[test]
    fn wrong_types_and_odd_material_ids_are_left_out() {
        let event = json!({
            "source": "aws.kms", "detail-type": "KMS CMK Rotation",
            "resources": ["arn:aws:kms:us-east-1:111122223333:key/k"],
            "detail": {"rotation-type": 5, "current-key-material-id": "a b", "previous-key-material-id": []}
        });
        let event = read(&event).unwrap();
        assert_eq!(
            (
                event.rotation_type,
                event.current_material,
                event.previous_material
            ),
            (None, None, None)
        );
    }
}
