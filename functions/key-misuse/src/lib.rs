//! Does somebody still need a key that cannot be used, or try to change one that is not theirs?
//!
//! * Trigger: EventBridge rules for API calls that failed, through CloudTrail, reads included: cryptographic operations on
//!   keys in a state that forbids them, and denied changes.
//! * Effect: one alert on the topics for each key, role, operation and hour, nothing else.
//! * IAM: `kms:DescribeKey`, `kms:ListAliases`, `kms:ListResourceTags`, `kms:GetKeyLastUsage`; `sns:Publish` and
//!   `sns:GetTopicAttributes` on its topics; its ledger.
//!
//! Calls that somebody here made with a key of another account are ignored, also those that were denied: what they mean is
//! for the key's owner to say. The owner has a copy of the record, but for calls that its policy denied, of which AWS tells
//! the caller's account only.

use watch_core::decision::{Decision, Occurrence};
use watch_core::event::{ApiCall, CloudTrailEvent, Event, Unreadable};
use watch_core::key::{CRYPTOGRAPHIC, State};
use watch_core::kinds::{CONTEXT_KEYS, KeyChangeDenied, UnusableKeyUsed};
use watch_core::subject::Subject;
use watch_core::text::Untrusted;

/// Words of an error's message, in small letters, for the state that made the call fail (KMS Developer Guide, key states).
/// "is not pending deletion" is the answer to somebody who cancels what was never scheduled.
const STATES: [(&str, State); 5] = [
    ("is pending deletion", State::PendingDeletion),
    ("is pending replica deletion", State::PendingReplicaDeletion),
    ("is disabled", State::Disabled),
    ("is pending import", State::PendingImport),
    ("is unavailable", State::Unavailable),
];

/// States that pass by themselves, in seconds.
const TRANSIENT: [&str; 2] = ["is creating", "is updating"];

/// Words of an error's message, in small letters, for data that do not belong to the key: an external key store answers
/// so, where KMS itself would answer InvalidCiphertextException (KMS Developer Guide, failed requests to external key
/// stores). The key is well.
const REJECTED: [&str; 2] = ["ciphertext", "additional authenticated data"];

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    let Event::CloudTrail(record) = event else {
        return Decision::not_mine(event);
    };
    let name = record.name.as_str();
    let Some(code) = &record.error_code else {
        return Decision::Ignore(format!("{name} did not fail").into());
    };
    let code = code.as_str();
    // CloudTrail writes some codes with the suffix and some without.
    match code.strip_suffix("Exception").unwrap_or(code) {
        "KMSInvalidState" | "Disabled" if CRYPTOGRAPHIC.contains(&name) => use_of_unusable(record),
        "AccessDenied" if KeyChangeDenied::is_change(name) => denied(record),
        _ => Decision::Ignore(
            format!(
                "{name} failed with {code}: neither the use of an unusable key, nor a denied change"
            )
            .into(),
        ),
    }
}

fn use_of_unusable(record: &CloudTrailEvent) -> Decision {
    let message = record
        .error_message
        .as_ref()
        .map(|message| message.as_str().to_lowercase())
        .unwrap_or_default();
    let reason = STATES
        .into_iter()
        .find(|(words, _)| message.contains(words))
        .map(|(_, state)| state);
    if reason.is_none() && TRANSIENT.iter().any(|words| message.contains(words)) {
        let name = record.name.as_str();
        return Decision::Ignore(format!("{name} failed in a state that passes by itself").into());
    }
    if reason.is_none() && REJECTED.iter().any(|words| message.contains(words)) {
        let name = record.name.as_str();
        return Decision::Ignore(
            format!("{name} failed because the ciphertext or its authenticated data was rejected, not the key: {message}").into(),
        );
    }
    let error_code = record.error_code.clone().unwrap_or_default();
    let is_disabled = error_code.as_str().starts_with("Disabled");
    let named = record.key_in_error();
    let call = &record.call;
    let kind = UnusableKeyUsed {
        operation: record.name.clone(),
        error_code,
        error_message: record.error_message.clone(),
        reason: reason.or(is_disabled.then_some(State::Disabled)),
        encryption_context_keys: context_keys(call),
        custom_key_store_id: call.additional("customKeyStoreId"),
        one_of_two: record.name.as_str() == "ReEncrypt" && named.is_none(),
        requested_key: requested_key(record),
        principal: record.actor.principal.clone(),
        region: record.envelope.region.clone(),
        ..UnusableKeyUsed::default()
    };
    let Some(key) = named.or_else(|| record.key.clone()) else {
        return match (record.home(), &kind.requested_key) {
            (_, Some(name)) if is_foreign(name, record) => callers_copy(record),
            (Some(home), Some(_)) => Occurrence::of_cloudtrail_on(home, record, kind).into(),
            _ => Decision::Unreadable(Unreadable::NoKey),
        };
    };
    if record
        .recipient
        .as_ref()
        .is_some_and(|account| account != key.account())
    {
        return callers_copy(record);
    }
    Occurrence::of_cloudtrail_on(Subject::Key(key), record, kind).into()
}

/// Names in the encryption contexts of a call, without their values.
fn context_keys(call: &ApiCall) -> Vec<Untrusted> {
    let contexts = [
        "/encryptionContext",
        "/sourceEncryptionContext",
        "/destinationEncryptionContext",
    ];
    let mut keys: Vec<_> = contexts
        .into_iter()
        .flat_map(|context| call.requested_names(context))
        .collect();
    keys.sort();
    keys.dedup();
    keys.truncate(CONTEXT_KEYS);
    keys
}

fn denied(record: &CloudTrailEvent) -> Decision {
    if record.is_callers_copy() {
        return callers_copy(record);
    }
    let kind = KeyChangeDenied {
        operation: record.name.clone(),
        error_code: record.error_code.clone().unwrap_or_default(),
        reason: record.error_message.as_ref().and_then(why),
        custom_key_store_id: record
            .call
            .requested("customKeyStoreId")
            .or_else(|| record.call.additional("customKeyStoreId")),
        requested_key: requested_key(record),
        principal: record.actor.principal.clone(),
        region: record.envelope.region.clone(),
        ..KeyChangeDenied::default()
    };
    if let Some(name) = &kind.requested_key
        && is_foreign(name, record)
    {
        return callers_copy(record);
    }
    // Whether AWS names the key in such a record is not documented, and some changes have none: the attempt counts.
    match record
        .key
        .clone()
        .map(Subject::Key)
        .or_else(|| record.home())
    {
        Some(subject) => Occurrence::of_cloudtrail_on(subject, record, kind).into(),
        None => Decision::Unreadable(Unreadable::NoKey),
    }
}

fn callers_copy(record: &CloudTrailEvent) -> Decision {
    let name = record.name.as_str();
    Decision::Ignore(
        format!(
            "{name} was called with another account's key: the owner has its own copy of the record"
        )
        .into(),
    )
}

/// The ARN of an alias in another account.
fn is_foreign(name: &Untrusted, record: &CloudTrailEvent) -> bool {
    let account = name
        .as_str()
        .strip_prefix("arn:")
        .and_then(|arn| arn.split(':').nth(3));
    match (account, &record.recipient) {
        (Some(account), Some(recipient)) => account != recipient.as_str(),
        _ => false,
    }
}

/// The key as the call named it, where the record has no better name.
fn requested_key(record: &CloudTrailEvent) -> Option<Untrusted> {
    if record.key.is_some() {
        return None;
    }
    [
        "keyId",
        "targetKeyId",
        "sourceKeyId",
        "destinationKeyId",
        "aliasName",
    ]
    .into_iter()
    .find_map(|name| record.call.requested(name))
}

/// `because no identity-based policy allows the kms:X action`, `with an explicit deny in a service control policy`.
fn why(message: &Untrusted) -> Option<Untrusted> {
    let message = message.as_str();
    let reason = [" because ", " with an explicit deny "]
        .into_iter()
        .find_map(|words| message.find(words))?;
    let reason = message[reason..].trim_start();
    Untrusted::bounded(reason.strip_prefix("because ").unwrap_or(reason), 200).non_empty()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use watch_core::kinds::Kind;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";
    const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/other";

    fn decide_record(detail: Value) -> Decision {
        let mut record = json!({"recipientAccountId": "111122223333"});
        record
            .as_object_mut()
            .unwrap()
            .extend(detail.as_object().unwrap().clone());
        let event = json!({
            "source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "region": "us-east-1",
            "account": "111122223333", "detail": record
        });
        decide(&Event::read(&event).unwrap())
    }

    fn failed(name: &str, code: &str, message: Option<&str>) -> Value {
        json!({
            "eventName": name, "errorCode": code, "errorMessage": message, "resources": [{"ARN": ARN}],
            "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/u"}
        })
    }

    fn used(detail: Value) -> (Subject, UnusableKeyUsed) {
        match decide_record(detail) {
            Decision::Report(occurrence) => match occurrence.kind {
                Kind::UnusableKeyUsed(kind) => (occurrence.subject, kind),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn denied_of(detail: Value) -> (Subject, KeyChangeDenied) {
        match decide_record(detail) {
            Decision::Report(occurrence) => match occurrence.kind {
                Kind::KeyChangeDenied(kind) => (occurrence.subject, kind),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn key(arn: &str) -> Subject {
        Subject::Key(arn.parse().unwrap())
    }

    #[test]
    fn each_state_is_read_from_its_words_whatever_the_code() {
        for (words, state) in [
            ("is pending deletion.", Some(State::PendingDeletion)),
            ("IS PENDING DELETION", Some(State::PendingDeletion)),
            (
                "is pending replica deletion.",
                Some(State::PendingReplicaDeletion),
            ),
            ("is disabled.", Some(State::Disabled)),
            ("Is Disabled", Some(State::Disabled)),
            ("is pending import.", Some(State::PendingImport)),
            ("is unavailable.", Some(State::Unavailable)),
        ] {
            for code in [
                "DisabledException",
                "Disabled",
                "KMSInvalidStateException",
                "KMSInvalidState",
            ] {
                for name in CRYPTOGRAPHIC {
                    let message = format!("{ARN} {words}");
                    let (subject, kind) = used(failed(name, code, Some(&message)));
                    assert_eq!(kind.reason, state, "{name} {code} {words}");
                    assert_eq!((subject, kind.operation.as_str()), (key(ARN), name));
                    assert_eq!(kind.error_code.as_str(), code);
                }
            }
        }
    }

    #[test]
    fn another_reason_than_a_state_is_quoted_and_rejected_data_are_no_fault_of_the_key() {
        let words =
            "The external key store proxy did not respond to the request in the time allotted.";
        for name in CRYPTOGRAPHIC {
            let (_, kind) = used(failed(name, "KMSInvalidStateException", Some(words)));
            let message = kind.error_message.as_ref().map(Untrusted::as_str);
            assert_eq!((kind.reason, message), (None, Some(words)), "{name}");
        }
        for words in [
            "The external key store proxy rejected the request because the specified ciphertext or additional authenticated \
             data is corrupted, missing, or otherwise invalid.",
            "Additional Authenticated Data does not match",
        ] {
            for code in ["KMSInvalidStateException", "KMSInvalidState"] {
                match decide_record(failed("Decrypt", code, Some(words))) {
                    Decision::Ignore(reason) => {
                        assert!(reason.contains("rejected, not the key"), "{reason}")
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        // A state is a state, whatever else is said.
        let both = format!("{ARN} is disabled. The ciphertext was not looked at.");
        assert_eq!(
            used(failed("Decrypt", "DisabledException", Some(&both)))
                .1
                .reason,
            Some(State::Disabled)
        );
    }

    #[test]
    fn without_words_the_code_tells_or_else_kms() {
        for (code, message, state) in [
            ("DisabledException", None, Some(State::Disabled)),
            ("Disabled", Some(""), Some(State::Disabled)),
            ("KMSInvalidStateException", None, None),
            ("KMSInvalidState", Some("no"), None),
            // Words that only look like it.
            (
                "KMSInvalidStateException",
                Some("key is not pending deletion."),
                None,
            ),
        ] {
            assert_eq!(
                used(failed("Decrypt", code, message)).1.reason,
                state,
                "{code} {message:?}"
            );
        }
    }

    #[test]
    fn other_failures_successes_and_transient_states_are_ignored() {
        for (name, code, message) in [
            ("Decrypt", "AccessDenied", None),
            ("Decrypt", "AccessDeniedException", None),
            ("Decrypt", "IncorrectKeyException", None),
            ("Decrypt", "DryRunOperationException", None),
            (
                "Decrypt",
                "KMSInvalidStateException",
                Some("k is creating."),
            ),
            (
                "Decrypt",
                "KMSInvalidStateException",
                Some("k is updating."),
            ),
            ("CreateGrant", "DisabledException", Some("k is disabled.")),
            (
                "ScheduleKeyDeletion",
                "KMSInvalidStateException",
                Some("k is pending deletion."),
            ),
            (
                "CancelKeyDeletion",
                "KMSInvalidStateException",
                Some("k is not pending deletion."),
            ),
            ("DescribeKey", "AccessDenied", None),
            ("DescribeKey", "NotFoundException", None),
            ("GenerateRandom", "KMSInvalidStateException", None),
            ("GetPublicKey", "DisabledException", Some("k is disabled.")),
            ("SynchronizeMultiRegionKey", "AccessDenied", None),
            ("EnableKeyRotation", "UnsupportedOperationException", None),
        ] {
            let decision = decide_record(failed(name, code, message));
            assert!(
                matches!(decision, Decision::Ignore(_)),
                "{name} {code}: {decision:?}"
            );
        }
        for name in ["Decrypt", "ScheduleKeyDeletion"] {
            let decision = decide_record(json!({"eventName": name, "resources": [{"ARN": ARN}]}));
            assert!(matches!(decision, Decision::Ignore(_)), "{decision:?}");
        }
    }

    #[test]
    fn the_key_is_found_wherever_it_is_named() {
        let named = |places: Value| {
            let mut detail = json!({
                "eventName": "Decrypt", "errorCode": "DisabledException", "awsRegion": "us-east-1",
                "requestParameters": {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
            });
            detail
                .as_object_mut()
                .unwrap()
                .extend(places.as_object().unwrap().clone());
            detail
        };
        for places in [
            json!({"resources": [{"ARN": ARN}]}),
            json!({"errorMessage": format!("{ARN} is disabled.")}),
            json!({"requestParameters": {"keyId": "k"}}),
            json!({"requestParameters": {"keyId": ARN}}),
            json!({"eventName": "ReEncrypt", "requestParameters": {"destinationKeyId": "k"}}),
        ] {
            let (subject, kind) = used(named(places.clone()));
            assert_eq!((subject, kind.requested_key), (key(ARN), None), "{places}");
        }
        let (subject, kind) = used(named(
            json!({"requestParameters": {"keyId": "alias/orders"}}),
        ));
        assert!(matches!(subject, Subject::Account { .. }));
        assert_eq!(kind.requested_key.unwrap().as_str(), "alias/orders");
        let decision = decide_record(named(json!({"requestParameters": null})));
        assert!(matches!(decision, Decision::Unreadable(Unreadable::NoKey)));
    }

    #[test]
    fn of_two_keys_the_one_in_the_message_failed() {
        let mut detail = failed(
            "ReEncrypt",
            "DisabledException",
            Some(&format!("{OTHER} is disabled.")),
        );
        detail["resources"] = json!([{"ARN": ARN}, {"ARN": OTHER}]);
        let (subject, kind) = used(detail.clone());
        assert_eq!((subject, kind.one_of_two), (key(OTHER), false));
        detail["errorMessage"] = json!(null);
        let (subject, kind) = used(detail);
        assert_eq!((subject, kind.one_of_two), (key(ARN), true));
    }

    #[test]
    fn the_encryption_context_is_told_by_its_names() {
        let mut detail = failed("ReEncrypt", "DisabledException", None);
        detail["requestParameters"] = json!({
            "sourceEncryptionContext": {"tenant": "SECRET", "a": "SECRET"},
            "destinationEncryptionContext": {"tenant": "SECRET"}, "encryptionContext": "SECRET"
        });
        let (_, kind) = used(detail.clone());
        let names: Vec<_> = kind
            .encryption_context_keys
            .iter()
            .map(Untrusted::as_str)
            .collect();
        assert_eq!(names, ["a", "tenant"]);
        for number in 0..100 {
            detail["requestParameters"]["sourceEncryptionContext"][format!("name {number}")] =
                json!("SECRET");
        }
        let (_, kind) = used(detail);
        assert_eq!(kind.encryption_context_keys.len(), CONTEXT_KEYS);
        assert!(!format!("{kind:?}").contains("SECRET"));
    }

    #[test]
    fn denied_changes_are_told_with_and_without_a_key() {
        for code in ["AccessDenied", "AccessDeniedException"] {
            let (subject, kind) = denied_of(failed("DisableKey", code, None));
            assert_eq!((subject, kind.error_code.as_str()), (key(ARN), code));
        }
        let message = format!(
            "User: u is not authorized to perform: kms:DisableKey on resource: {ARN} with an explicit deny in a service control policy"
        );
        let detail = json!({"eventName": "DisableKey", "errorCode": "AccessDenied", "errorMessage": message});
        let (subject, kind) = denied_of(detail);
        assert_eq!(subject, key(ARN));
        assert_eq!(
            kind.reason.unwrap().as_str(),
            "with an explicit deny in a service control policy"
        );
        for detail in [
            json!({"eventName": "DisableKey", "errorCode": "AccessDenied"}),
            json!({"eventName": "CreateKey", "errorCode": "AccessDenied"}),
            json!({"eventName": "DeleteCustomKeyStore", "errorCode": "AccessDenied",
                   "requestParameters": {"customKeyStoreId": "cks-1"}}),
        ] {
            let (subject, _) = denied_of(detail);
            assert!(
                matches!(&subject, Subject::Account { account, region, .. }
                    if account.as_str() == "111122223333" && region.as_str() == "us-east-1"),
                "{subject:?}"
            );
        }
    }

    #[test]
    fn the_callers_copy_is_the_owners_business() {
        for (name, code) in [
            ("Decrypt", "DisabledException"),
            ("DisableKey", "AccessDenied"),
        ] {
            let mut detail = failed(name, code, None);
            detail["recipientAccountId"] = json!("444455556666");
            let mut by_alias = failed(name, code, None);
            by_alias["resources"] = json!(null);
            let alias = |account: &str| json!({"keyId": format!("arn:aws:kms:us-east-1:{account}:alias/a")});
            by_alias["requestParameters"] = alias("444455556666");
            for detail in [detail, by_alias.clone()] {
                match decide_record(detail) {
                    Decision::Ignore(reason) => assert!(reason.contains("another account's key")),
                    other => panic!("{other:?}"),
                }
            }
            by_alias["requestParameters"] = alias("111122223333");
            assert!(matches!(decide_record(by_alias), Decision::Report(_)));
        }
    }

    #[test]
    fn it_is_the_role_that_is_told_apart_and_not_its_session() {
        let principal = |session: &str| {
            let mut detail = failed("Decrypt", "DisabledException", None);
            detail["userIdentity"] = json!({
                "type": "AssumedRole", "arn": format!("arn:aws:sts::111122223333:assumed-role/App/{session}"),
                "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::111122223333:role/App"}}
            });
            used(detail).1.principal
        };
        assert_eq!(principal("i-1"), principal("i-2"));
        assert_eq!(
            principal("i-1").as_str(),
            "arn:aws:iam::111122223333:role/App"
        );
    }

    #[test]
    fn events_of_others_are_ignored() {
        let event = json!({
            "source": "aws.kms", "detail-type": "KMS CMK Deletion", "resources": [ARN], "detail": {"key-id": "k"}
        });
        assert!(matches!(
            decide(&Event::read(&event).unwrap()),
            Decision::Ignore(_)
        ));
    }
}
