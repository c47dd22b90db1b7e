//! KMS API calls and service events that CloudTrail recorded (CloudTrail User Guide, record contents).
//!
//! Own types, because a record of KMS lacks members that others have: service events have no `type` of identity and no
//! `requestID`, and the documentation spells some members in two ways.

use jiff::Timestamp;
use serde_json::Value;

use super::envelope::{Envelope, Unreadable, material_id, text, time};
use crate::actor::Actor;
use crate::answers::Tags;
use crate::arn::{AccountId, KeyArn, KeyStoreId, Partition, Region};
use crate::subject::Subject;
use crate::text::Untrusted;

/// A record of CloudTrail.
#[derive(Clone, Debug)]
pub struct CloudTrailEvent {
    /// The members that all events share.
    pub envelope: Envelope,
    /// The service that was called: `kms.amazonaws.com`.
    pub service: Untrusted,
    /// The operation.
    pub name: Untrusted,
    /// When the call was made, to the second.
    pub time: Option<Timestamp>,
    /// CloudTrail's id of this record.
    pub event_id: Option<Untrusted>,
    /// The id that the copies of one call in several accounts share.
    pub shared_event_id: Option<Untrusted>,
    /// The record of the same call that this one adds to (CloudTrail User Guide, record contents: `addendum`).
    pub original_event_id: Option<Untrusted>,
    /// The account that got this copy.
    pub recipient: Option<AccountId>,
    /// The key that the call was about.
    pub key: Option<KeyArn>,
    /// The custom key store that the call was about.
    pub key_store: Option<KeyStoreId>,
    /// The Region of the call.
    pub region: Option<Region>,
    /// Who called.
    pub actor: Actor,
    /// Why the call failed, if it did: the error code.
    pub error_code: Option<Untrusted>,
    /// Why the call failed, in words: at most 1 KB (CloudTrail User Guide, record contents).
    pub error_message: Option<Untrusted>,
    /// The call only read.
    pub read_only: bool,
    /// The rest of the record, by member.
    pub call: ApiCall,
}

/// Most entries that are read of a list. A key has at most 50 tags, and KMS fewer operations.
const LISTED: usize = 64;

/// Members of a record whose content depends on the operation.
#[derive(Clone, Debug, Default)]
pub struct ApiCall {
    request: Value,
    response: Value,
    additional: Value,
    service: Value,
}

impl ApiCall {
    /// The record tells what was asked for; CloudTrail leaves out requests of more than 100 KB.
    pub fn has_request(&self) -> bool {
        self.request.is_object()
    }

    /// A text that was asked for.
    pub fn requested(&self, name: &str) -> Option<Untrusted> {
        text(&self.request[name])
    }

    /// A principal that was asked for. An account may stand there as a number, without the zeros at its beginning.
    pub fn requested_principal(&self, name: &str) -> Option<Untrusted> {
        let account = self.request[name].as_u64();
        account
            .map(|account| Untrusted::new(&format!("{account:012}")))
            .or_else(|| self.requested(name))
    }

    /// A text that was asked for, as it came: for a parser, never for a reader.
    pub fn requested_raw(&self, name: &str) -> Option<&str> {
        self.request[name].as_str()
    }

    /// A text that was asked for, deeper in the request (RFC 6901).
    pub fn requested_at(&self, pointer: &str) -> Option<Untrusted> {
        self.request.pointer(pointer).and_then(text)
    }

    /// The texts at a place of the request, member by member, where `*` is every entry of a list, at most `bound`: as they
    /// came, for comparing, never for a reader.
    pub fn requested_all(&self, path: &str, bound: usize) -> Vec<&str> {
        all_at(&self.request, path, bound)
    }

    /// The texts at a place of the answer, as [`Self::requested_all`] has those of the request.
    pub fn answered_all(&self, path: &str, bound: usize) -> Vec<&str> {
        all_at(&self.response, path, bound)
    }

    /// Every text of the request, wherever it stands, at most `bound`: as they came, for comparing, never for a reader.
    pub fn requested_anywhere(&self, bound: usize) -> Vec<&str> {
        let mut found = Vec::new();
        let mut left = vec![&self.request];
        while let Some(value) = left.pop().filter(|_| found.len() < bound) {
            match value {
                Value::String(text) => found.push(text.as_str()),
                Value::Array(items) => left.extend(items),
                Value::Object(members) => left.extend(members.values()),
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        found
    }

    /// A value of the request, whatever its type.
    pub fn requested_value(&self, name: &str) -> &Value {
        &self.request[name]
    }

    /// The texts of a list that was asked for, the first 64.
    pub fn requested_list(&self, name: &str) -> Vec<Untrusted> {
        let items = self.request[name].as_array().into_iter().flatten();
        items.filter_map(text).take(LISTED).collect()
    }

    /// Names of the members of an object that was asked for, such as the encryption context (RFC 6901; `""` is the whole
    /// request): without their values, sorted, at most 64.
    pub fn requested_names(&self, pointer: &str) -> Vec<Untrusted> {
        let object = self.request.pointer(pointer).and_then(Value::as_object);
        let mut names: Vec<_> = object
            .into_iter()
            .flatten()
            .filter_map(|(name, _)| Untrusted::bounded(name, 128).non_empty())
            .collect();
        names.sort();
        names.truncate(LISTED);
        names
    }

    /// A switch that was asked for is on.
    pub fn requested_flag(&self, name: &str) -> bool {
        self.request[name] == true || self.request[name] == "true"
    }

    /// Tags that were asked for, the first 64.
    pub fn requested_tags(&self) -> Tags {
        let tags = self.request["tags"].as_array().into_iter().flatten();
        let tags = tags.filter_map(|tag| {
            let value = Untrusted::new(tag["tagValue"].as_str().unwrap_or_default());
            Some((Untrusted::bounded(tag["tagKey"].as_str()?, 128), value))
        });
        tags.take(LISTED).collect()
    }

    /// A text deeper in the answer (RFC 6901).
    pub fn answered_at(&self, pointer: &str) -> Option<Untrusted> {
        self.response.pointer(pointer).and_then(text)
    }

    /// A text in the answer, as it came: for a parser, never for a reader.
    pub fn answered_raw(&self, name: &str) -> Option<&str> {
        self.response[name].as_str()
    }

    /// A text in the answer.
    pub fn answered(&self, name: &str) -> Option<Untrusted> {
        text(&self.response[name])
    }

    /// A number of days, from the answer if it is there, else as asked for.
    pub fn days(&self, name: &str) -> Option<u32> {
        [&self.response[name], &self.request[name]]
            .into_iter()
            .find_map(whole_number)
    }

    /// A text in the additional data, such as the custom key store's id.
    pub fn additional(&self, name: &str) -> Option<Untrusted> {
        text(&self.additional[name])
    }

    /// A text in the details of a service event.
    pub fn service(&self, name: &str) -> Option<Untrusted> {
        text(&self.service[name])
    }

    /// An id of key material, wherever the operation records it.
    pub fn material(&self, name: &str) -> Option<String> {
        [
            &self.service[name],
            &self.response[name],
            &self.request[name],
        ]
        .into_iter()
        .find_map(material_id)
    }
}

fn all_at<'a>(root: &'a Value, path: &str, bound: usize) -> Vec<&'a str> {
    let mut found = vec![root];
    for member in path.split('/') {
        found = found
            .into_iter()
            .flat_map(|value| match (member, value) {
                ("*", Value::Array(items)) => items.iter().collect(),
                (name, value) => vec![&value[name]],
            })
            .take(bound)
            .collect();
    }
    found.into_iter().filter_map(Value::as_str).collect()
}

/// CloudTrail writes numbers as numbers; old records and forwarders write some as text.
fn whole_number(value: &Value) -> Option<u32> {
    let number = value
        .as_u64()
        .or_else(|| value.as_str().and_then(|digits| digits.trim().parse().ok()))?;
    number.try_into().ok()
}

impl CloudTrailEvent {
    pub(super) fn read(envelope: Envelope, detail: &Value) -> Result<Self, Unreadable> {
        let name = text(&detail["eventName"]).ok_or(Unreadable::NoEvent("no eventName"))?;
        Ok(Self {
            service: text(&detail["eventSource"]).unwrap_or_default(),
            name,
            time: time(&detail["eventTime"]).or(envelope.time),
            event_id: text(&detail["eventID"]),
            shared_event_id: text(&detail["sharedEventID"]),
            original_event_id: text(&detail["addendum"]["originalEventID"]),
            recipient: detail["recipientAccountId"]
                .as_str()
                .and_then(AccountId::new)
                .or(envelope.account.clone()),
            key: find_key(&envelope, detail),
            // Only the answer to its creation does not name it in the request.
            key_store: ["requestParameters", "responseElements"]
                .into_iter()
                .find_map(|part| KeyStoreId::new(detail[part]["customKeyStoreId"].as_str()?)),
            region: region(&envelope, detail),
            actor: Actor::read(detail),
            error_code: text(&detail["errorCode"]),
            error_message: detail["errorMessage"]
                .as_str()
                .map(|message| Untrusted::bounded(message, 1_024))
                .and_then(Untrusted::non_empty),
            // Old records write it as text.
            read_only: detail["readOnly"] == true || detail["readOnly"] == "true",
            call: ApiCall {
                request: detail["requestParameters"].clone(),
                response: detail["responseElements"].clone(),
                additional: detail["additionalEventData"].clone(),
                service: detail["serviceEventDetails"].clone(),
            },
            envelope,
        })
    }

    /// The key.
    ///
    /// # Errors
    ///
    /// If the record names none.
    pub fn require_key(&self) -> Result<KeyArn, Unreadable> {
        self.key.clone().ok_or(Unreadable::NoKey)
    }

    /// The key that the error's message names. Of a call with two keys, this is the one that failed.
    pub fn key_in_error(&self) -> Option<KeyArn> {
        key_in_words(self.error_message.as_ref()?.as_str())
    }

    /// The account and Region that recorded the call, for calls that name no key.
    pub fn home(&self) -> Option<Subject> {
        let region = self.envelope.region.clone()?;
        Some(Subject::Account {
            partition: Partition::of_region(&region),
            account: self.recipient.clone()?,
            region,
        })
    }

    /// The custom key store.
    ///
    /// # Errors
    ///
    /// If the record names none, or not where it is.
    pub fn require_key_store(&self) -> Result<Subject, Unreadable> {
        let found = || {
            let region = self.region.clone()?;
            Some(Subject::KeyStore {
                partition: self
                    .actor
                    .arn
                    .as_ref()
                    .and_then(|arn| Partition::new(arn.as_str().split(':').nth(1)?))
                    .unwrap_or_else(|| Partition::of_region(&region)),
                account: self.recipient.clone()?,
                region,
                id: self.key_store.clone()?,
            })
        };
        found().ok_or(Unreadable::NoKeyStore)
    }

    /// This copy went to the account that called, and the key belongs to another: the owner has its own copy.
    pub fn is_callers_copy(&self) -> bool {
        match (&self.key, &self.recipient) {
            (Some(key), Some(recipient)) => key.account() != recipient,
            _ => false,
        }
    }
}

/// Looks in every place that KMS is known to record a key, from the surest to the least sure.
fn find_key(envelope: &Envelope, detail: &Value) -> Option<KeyArn> {
    // The type is that of a key even for an alias, and absent in old records: only the ARN tells.
    let listed = detail["resources"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|resource| ["ARN", "arn", "resourceARN"].map(|name| &resource[name]));
    let response = &detail["responseElements"];
    let answered = [
        &response["keyId"],
        &response["keyMetadata"]["arn"],
        &response["replicaKeyMetadata"]["arn"],
    ];
    let request = &detail["requestParameters"];
    let service = &detail["serviceEventDetails"];
    let asked = [
        &request["keyId"],
        &request["targetKeyId"],
        &request["sourceKeyId"],
        &request["destinationKeyId"],
        &service["keyId"],
        &response["keyId"],
    ];

    let arns = listed.chain(answered).chain(asked);
    if let Some(arn) = arns
        .filter_map(Value::as_str)
        .find_map(|arn| arn.parse().ok())
    {
        return Some(arn);
    }
    let ids = asked.into_iter().filter_map(Value::as_str);
    ids.filter_map(|id| key_from_id(envelope, detail, id))
        .next()
        .or_else(|| key_in_message(detail))
}

fn region(envelope: &Envelope, detail: &Value) -> Option<Region> {
    detail["awsRegion"]
        .as_str()
        .and_then(Region::new)
        .or_else(|| envelope.region.clone())
}

/// A bare id means a key of the caller's own account in the record's Region.
fn key_from_id(envelope: &Envelope, detail: &Value, id: &str) -> Option<KeyArn> {
    let region = region(envelope, detail)?;
    let account = detail["recipientAccountId"]
        .as_str()
        .and_then(AccountId::new)
        .or_else(|| envelope.account.clone())?;
    let partition = [
        "/userIdentity/arn",
        "/userIdentity/sessionContext/sessionIssuer/arn",
    ]
    .into_iter()
    .filter_map(|pointer| detail.pointer(pointer)?.as_str()?.split(':').nth(1))
    .find_map(Partition::new)
    .unwrap_or_else(|| Partition::of_region(&region));
    KeyArn::new(partition, region, account, id).ok()
}

/// A refusal may name the key in its message only.
fn key_in_message(detail: &Value) -> Option<KeyArn> {
    key_in_words(detail["errorMessage"].as_str()?)
}

fn key_in_words(message: &str) -> Option<KeyArn> {
    let words =
        message.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '(' | ')'));
    words
        .filter_map(|word| word.trim_end_matches('.').parse().ok())
        .next()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Event;
    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e";

    fn read(detail: &Value) -> CloudTrailEvent {
        let event = json!({"source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "detail": detail});
        match Event::read(&event) {
            Ok(Event::CloudTrail(event)) => *event,
            other => panic!("{other:?}"),
        }
    }

    fn key_of(mut detail: Value) -> Option<String> {
        detail["eventName"] = "X".into();
        read(&detail).key.map(|key| key.to_string())
    }

    #[test]
    fn the_key_is_found_in_every_place() {
        let context = json!({"awsRegion": "us-east-1", "recipientAccountId": "111122223333"});
        for place in [
            json!({"resources": [{"ARN": "arn:aws:kms:us-east-1:111122223333:alias/a"}, {"ARN": ARN}]}),
            json!({"resources": [{"ARN": null}], "responseElements": {"keyId": ARN}}),
            json!({"responseElements": {"keyMetadata": {"arn": ARN}}}),
            json!({"requestParameters": {"keyId": ARN}, "responseElements": null}),
            json!({"requestParameters": {"keyId": "5f0c1b7e"}}),
            json!({"serviceEventDetails": {"keyId": "5f0c1b7e"}}),
            json!({"responseElements": {"keyId": "5f0c1b7e"}}),
            json!({"errorMessage": format!("User: x is not authorized on resource: {ARN} because")}),
            json!({"errorMessage": format!("{ARN} is pending deletion.")}),
        ] {
            let mut detail = context.clone();
            detail
                .as_object_mut()
                .unwrap()
                .extend(place.as_object().unwrap().clone());
            assert_eq!(key_of(detail).as_deref(), Some(ARN), "{place}");
        }
    }

    #[test]
    fn an_arn_beats_a_bare_id_and_its_region_is_the_truth() {
        let other = "arn:aws:kms:eu-west-1:111122223333:key/other";
        let detail = json!({
            "awsRegion": "us-east-1", "recipientAccountId": "111122223333",
            "requestParameters": {"keyId": "5f0c1b7e"}, "resources": [{"ARN": other}]
        });
        assert_eq!(key_of(detail).as_deref(), Some(other));
    }

    #[test]
    fn the_partition_of_a_bare_id_is_that_of_the_callers_arn() {
        let detail = json!({
            "awsRegion": "xx-west-1", "recipientAccountId": "111122223333",
            "userIdentity": {"arn": "arn:aws-iso-f:iam::111122223333:user/u"},
            "requestParameters": {"keyId": "k"}
        });
        assert_eq!(
            key_of(detail).as_deref(),
            Some("arn:aws-iso-f:kms:xx-west-1:111122223333:key/k")
        );
    }

    #[test]
    fn an_alias_or_nothing_is_no_key() {
        let context = json!({"awsRegion": "us-east-1", "recipientAccountId": "111122223333"});
        for id in [
            json!("alias/aws/ebs"),
            json!("arn:aws:kms:us-east-1:111122223333:alias/a"),
            json!(5),
            json!(null),
        ] {
            let mut detail = context.clone();
            detail["requestParameters"] = json!({"keyId": id});
            assert_eq!(key_of(detail), None, "{id}");
        }
    }

    #[test]
    fn the_callers_copy_is_known_by_the_keys_owner() {
        let detail = |recipient| {
            json!({
                "eventName": "X", "recipientAccountId": recipient, "resources": [{"ARN": ARN, "accountId": "111122223333"}]
            })
        };
        assert!(read(&detail("444455556666")).is_callers_copy());
        assert!(!read(&detail("111122223333")).is_callers_copy());
    }

    #[test]
    fn the_key_in_an_error_is_the_one_that_failed() {
        let other = "arn:aws:kms:us-east-1:111122223333:key/other";
        let event = read(&json!({
            "eventName": "ReEncrypt", "resources": [{"ARN": ARN}, {"ARN": other}],
            "errorMessage": format!("{other} is disabled.")
        }));
        assert_eq!(
            event.key.as_ref().map(ToString::to_string).as_deref(),
            Some(ARN)
        );
        assert_eq!(
            event.key_in_error().map(|key| key.to_string()).as_deref(),
            Some(other)
        );
        assert_eq!(
            read(&json!({"eventName": "X", "errorMessage": "no"})).key_in_error(),
            None
        );
    }

    #[test]
    fn names_of_a_context_come_without_its_values() {
        let event = read(&json!({"eventName": "X", "requestParameters": {
            "encryptionContext": {"b": "secret", "a\u{202E}": "secret", "": "secret"}, "other": "text"}}));
        let names = |member: &str| -> Vec<String> {
            event
                .call
                .requested_names(member)
                .iter()
                .map(|name| name.as_str().to_owned())
                .collect()
        };
        assert_eq!(names("/encryptionContext"), ["a", "b"]);
        assert!(names("/other").is_empty() && names("/absent").is_empty());
    }

    #[test]
    fn numbers_written_as_text_are_read() {
        let event =
            read(&json!({"eventName": "X", "requestParameters": {"pendingWindowInDays": "14"}}));
        assert_eq!(event.call.days("pendingWindowInDays"), Some(14));
        let event =
            read(&json!({"eventName": "X", "requestParameters": {"pendingWindowInDays": -1}}));
        assert_eq!(event.call.days("pendingWindowInDays"), None);
    }
}
