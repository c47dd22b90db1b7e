//! Who can use a key, and is it on?
//!
//! * Trigger: EventBridge rules for CloudTrail's records of `DisableKey`, `EnableKey`, `CreateKey`, `PutKeyPolicy`,
//!   `ReplicateKey`, `UpdatePrimaryRegion`, of grants, aliases, tags and descriptions, and of the operations on custom
//!   key stores; and for the calls to AWS RAM that share something, and RAM's own event.
//! * Effect: one alert on the topics, and one more that says what depends on a key which is lost.
//! * IAM: `kms:DescribeKey`, `kms:ListAliases`, `kms:ListResourceTags`, `kms:GetKeyPolicy`, `kms:GetKeyLastUsage`, `kms:ListGrants`, `cloudtrail:LookupEvents`,
//!   `kms:DescribeCustomKeyStores`, `kms:ListKeys`; `sns:Publish` and `sns:GetTopicAttributes` on its topics.
//!
//! `UpdatePrimaryRegion` leaves a record in each of two Regions: that of the primary until now, with the caller and the
//! key, and that of the new primary, which KMS writes by itself. The first is told and the second ignored, so that a
//! stack to which both are forwarded tells it once.

mod sharing;

use watch_core::answers::Metadata;
use watch_core::arn::{KeyArn, Region};
use watch_core::decision::Decision;
use watch_core::event::{ApiCall, CloudTrailEvent, Event};
use watch_core::key::{Manager, Origin, State};
use watch_core::kinds::{
    AliasCreated, AliasDeleted, AliasMoved, FreshPolicy, GrantConstraints, GrantCreated,
    GrantRetired, GrantRevoked, KeyCreated, KeyDescriptionChanged, KeyDisabled, KeyEnabled,
    KeyPolicyChanged, KeyReplicated, KeyStoreConnected, KeyStoreCreated, KeyStoreDeleted,
    KeyStoreDisconnected, KeyStoreUpdated, KeyTagsChanged, Kind, PrimaryRegionChanged,
};
use watch_core::text::Untrusted;

/// What this function makes of an event.
pub fn decide(event: &Event) -> Decision {
    let record = match event {
        Event::CloudTrail(record) => record,
        Event::Share(share) => return sharing::decide(event, share),
        _ => return Decision::not_mine(event),
    };
    match record.name.as_str() {
        "DisableKey" => Decision::change(record, |_| KeyDisabled::default()),
        "EnableKey" => Decision::change(record, |_| KeyEnabled::default()),
        "CreateKey" => Decision::change(record, created),
        "PutKeyPolicy" => Decision::change(record, policy_put),
        "ReplicateKey" => Decision::change(record, |call| replicated(record, call)),
        "UpdatePrimaryRegion" if is_of_kms(record) => Decision::Ignore(
            "UpdatePrimaryRegion as KMS records it in the new primary Region: the record of the Region before is told"
                .into(),
        ),
        "UpdatePrimaryRegion" => Decision::change(record, |call| PrimaryRegionChanged {
            from: record
                .key
                .as_ref()
                .map(|key| Untrusted::new(key.region().as_str())),
            to: call.requested("primaryRegion"),
        }),
        "CreateGrant" => Decision::change(record, |call| {
            let owner = record.key.as_ref().map(KeyArn::account);
            granted(call).made_by(&record.actor, owner)
        }),
        "RevokeGrant" => Decision::change(record, |call| {
            GrantRevoked::by(&record.actor, call.requested("grantId"))
        }),
        // It has no request, since whoever retires may do so with a token instead of an id.
        "RetireGrant" => Decision::change(record, |call| {
            let id = call.additional("grantId").or(call.requested("grantId"));
            GrantRetired::by(&record.actor, id)
        }),
        "CreateAlias" => Decision::change(record, |call| AliasCreated::new(alias(call))),
        "UpdateAlias" => Decision::change(record, |call| AliasMoved::new(alias(call))),
        "DeleteAlias" => Decision::change(record, |call| AliasDeleted::new(alias(call))),
        "TagResource" => {
            Decision::change(record, |call| KeyTagsChanged::set(call.requested_tags()))
        }
        "UntagResource" => Decision::change(record, |call| {
            KeyTagsChanged::unset(call.requested_list("tagKeys"))
        }),
        "UpdateKeyDescription" => Decision::change(record, |call| {
            KeyDescriptionChanged::to(call.requested("description"))
        }),
        "SynchronizeMultiRegionKey" => {
            Decision::Ignore("SynchronizeMultiRegionKey is KMS's own housekeeping".into())
        }
        "CreateCustomKeyStore"
        | "ConnectCustomKeyStore"
        | "DisconnectCustomKeyStore"
        | "UpdateCustomKeyStore"
        | "DeleteCustomKeyStore" => Decision::store_change(record, |call| store(record, call)),
        _ => Decision::not_mine(event),
    }
}

/// Of two records, the one that KMS writes in the new primary Region.
fn is_of_kms(record: &CloudTrailEvent) -> bool {
    record
        .actor
        .via
        .as_ref()
        .is_some_and(|via| via.as_str() == "kms.amazonaws.com")
}

/// CloudTrail writes the name as it was asked for.
fn alias(call: &ApiCall) -> Untrusted {
    call.requested("aliasName")
        .unwrap_or_else(|| Untrusted::new("an alias"))
}

fn created(call: &ApiCall) -> KeyCreated {
    let told = |name: &str| {
        call.answered_at(&format!("/keyMetadata/{name}"))
            .or_else(|| call.requested(name))
    };
    KeyCreated {
        policy: FreshPolicy {
            bypassed_lockout_check: call.requested_flag("bypassPolicyLockoutSafetyCheck"),
            ..FreshPolicy::default()
        },
        asked_for: call.requested_raw("policy").map(str::to_owned),
        told: Metadata {
            state: told("keyState").map(|state| State::new(state.as_str())),
            manager: told("keyManager").map(|manager| Manager::new(manager.as_str())),
            origin: told("origin").map(|origin| Origin::new(origin.as_str())),
            spec: told("keySpec"),
            usage: told("keyUsage"),
            description: told("description"),
            custom_key_store_id: told("customKeyStoreId"),
            ..Metadata::default()
        },
    }
}

fn policy_put(call: &ApiCall) -> KeyPolicyChanged {
    KeyPolicyChanged::asked_for(
        call.requested_raw("policy"),
        call.requested_flag("bypassPolicyLockoutSafetyCheck"),
    )
}

fn replicated(record: &CloudTrailEvent, call: &ApiCall) -> KeyReplicated {
    let region = call.requested("replicaRegion");
    let answered = call.answered_at("/replicaKeyMetadata/arn");
    let answered = answered.and_then(|arn| arn.as_str().parse().ok());
    // Related keys differ in their Region alone.
    let related = || {
        let (key, region) = (record.key.as_ref()?, region.as_ref()?);
        let region = Region::new(region.as_str())?;
        let (partition, account) = (key.partition().clone(), key.account().clone());
        KeyArn::new(partition, region, account, key.id()).ok()
    };
    let replica: Option<KeyArn> = answered.or_else(related);
    let policy = call
        .answered_raw("replicaPolicy")
        .or_else(|| call.requested_raw("policy"));
    KeyReplicated::to(region, replica, policy)
        .bypassing(call.requested_flag("bypassPolicyLockoutSafetyCheck"))
}

fn granted(call: &ApiCall) -> GrantCreated {
    let either = |one, other| {
        call.requested_principal(one)
            .or_else(|| call.requested_principal(other))
    };
    GrantCreated {
        grantee: either("granteePrincipal", "granteeServicePrincipal"),
        operations: call.requested_list("operations"),
        // Of the encryption context the names only: its values may say more than an alert should.
        constraints: GrantConstraints {
            encryption_context_subset: call.requested_names("/constraints/encryptionContextSubset"),
            encryption_context_equals: call.requested_names("/constraints/encryptionContextEquals"),
            source_arn: call.requested_at("/constraints/sourceArn"),
        },
        retiring_principal: either("retiringPrincipal", "retiringServicePrincipal"),
        name: call.requested("name"),
        grant_id: call.answered("grantId"),
        ..GrantCreated::default()
    }
}

fn store(record: &CloudTrailEvent, call: &ApiCall) -> Kind {
    let either = |name| call.additional(name).or_else(|| call.requested(name));
    let (name, cluster) = (either("customKeyStoreName"), either("clusterId"));
    let region = record
        .region
        .as_ref()
        .map(|region| Untrusted::new(region.as_str()));
    match record.name.as_str() {
        "CreateCustomKeyStore" => KeyStoreCreated::on(cluster).told(name, region).into(),
        "ConnectCustomKeyStore" => KeyStoreConnected::on(cluster).told(name, region).into(),
        "DisconnectCustomKeyStore" => KeyStoreDisconnected::on(cluster).told(name, region).into(),
        "DeleteCustomKeyStore" => KeyStoreDeleted::on(cluster).told(name, region).into(),
        _ => {
            // Names only: a password or a credential may be among the values.
            let mut settings = call.requested_names("");
            settings.retain(|setting| setting.as_str() != "customKeyStoreId");
            KeyStoreUpdated::with(cluster, settings)
                .told(name, region)
                .into()
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use watch_core::decision::Occurrence;
    use watch_core::subject::Subject;

    use super::*;

    const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/k";

    fn decide_record(detail: &Value) -> Decision {
        let event = json!({
            "source": "aws.kms", "detail-type": "AWS API Call via CloudTrail", "account": "111122223333",
            "region": "us-east-1", "detail": detail
        });
        decide(&Event::read(&event).unwrap())
    }

    fn reported(detail: &Value) -> Occurrence {
        match decide_record(detail) {
            Decision::Report(occurrence) => *occurrence,
            other => panic!("{detail}: {other:?}"),
        }
    }

    #[test]
    fn what_cloudtrail_adds_to_a_record_later_tells_of_the_same_call() {
        let record = |id: &str, addendum: Value| {
            json!({"eventName": "DisableKey", "eventID": id, "eventTime": "2026-02-14T09:51:57Z", "addendum": addendum,
                "resources": [{"ARN": ARN}]})
        };
        let identity = |record: &Value| reported(record).identity();
        let told = identity(&record("one", Value::Null));
        let added = |reason: &str, original: Value| {
            let addendum = json!({"reason": reason, "updatedFields": "tlsDetails", "originalEventID": original});
            identity(&record("two", addendum))
        };
        assert_eq!(added("UPDATED_DATA", json!("one")), told);
        // Late, and not twice.
        for original in [Value::Null, json!("")] {
            assert_eq!(
                added("DELIVERY_DELAY", original),
                identity(&record("two", Value::Null))
            );
        }
        assert_ne!(added("UPDATED_DATA", json!("three")), told);
        // The copies of one call in several accounts keep what they share.
        let mut shared = record("two", json!({"originalEventID": "one"}));
        shared["sharedEventID"] = json!("call");
        let mut first = record("one", Value::Null);
        first["sharedEventID"] = json!("call");
        assert_eq!(identity(&shared), identity(&first));
    }

    fn details(detail: Value) -> Value {
        let mut record = json!({"resources": [{"ARN": ARN}]});
        let members = detail.as_object().unwrap().clone();
        record.as_object_mut().unwrap().extend(members);
        serde_json::to_value(reported(&record).kind).unwrap()
    }

    #[test]
    fn every_operation_has_its_kind_also_without_anything_but_the_key() {
        for (operation, kind) in [
            ("DisableKey", "KeyDisabled"),
            ("EnableKey", "KeyEnabled"),
            ("CreateKey", "KeyCreated"),
            ("PutKeyPolicy", "KeyPolicyChanged"),
            ("ReplicateKey", "KeyReplicated"),
            ("UpdatePrimaryRegion", "PrimaryRegionChanged"),
            ("CreateGrant", "GrantCreated"),
            ("RevokeGrant", "GrantRevoked"),
            ("RetireGrant", "GrantRetired"),
            ("CreateAlias", "AliasCreated"),
            ("UpdateAlias", "AliasMoved"),
            ("DeleteAlias", "AliasDeleted"),
            ("TagResource", "KeyTagsChanged"),
            ("UntagResource", "KeyTagsChanged"),
            ("UpdateKeyDescription", "KeyDescriptionChanged"),
        ] {
            let mut record = json!({"eventName": operation, "resources": [{"ARN": ARN}]});
            for request in [
                json!(null),
                json!({}),
                json!([]),
                json!("text"),
                json!({"tags": 5}),
            ] {
                record["requestParameters"] = request.clone();
                record["responseElements"] = request;
                assert_eq!(reported(&record).kind.name(), kind, "{record}");
            }
            record["errorCode"] = "AccessDenied".into();
            assert!(
                matches!(decide_record(&record), Decision::Ignore(_)),
                "{operation}"
            );
            let record = json!({"eventName": operation});
            assert!(
                matches!(decide_record(&record), Decision::Unreadable(_)),
                "{operation}"
            );
        }
    }

    #[test]
    fn operations_on_a_key_store_are_about_the_store() {
        for (operation, kind) in [
            ("CreateCustomKeyStore", "KeyStoreCreated"),
            ("ConnectCustomKeyStore", "KeyStoreConnected"),
            ("DisconnectCustomKeyStore", "KeyStoreDisconnected"),
            ("UpdateCustomKeyStore", "KeyStoreUpdated"),
            ("DeleteCustomKeyStore", "KeyStoreDeleted"),
        ] {
            let mut record = json!({
                "eventName": operation, "recipientAccountId": "111122223333", "awsRegion": "us-gov-west-1",
                "userIdentity": {"arn": "arn:aws-us-gov:iam::111122223333:user/u"}
            });
            assert!(
                matches!(decide_record(&record), Decision::Unreadable(_)),
                "{operation}"
            );
            for member in ["requestParameters", "responseElements"] {
                let mut record = record.clone();
                record[member] = json!({"customKeyStoreId": "cks-1"});
                let occurrence = reported(&record);
                assert_eq!(occurrence.kind.name(), kind);
                let Subject::KeyStore {
                    partition,
                    account,
                    region,
                    id,
                } = occurrence.subject
                else {
                    panic!("{:?}", occurrence.subject);
                };
                let found = [
                    partition.as_str(),
                    account.as_str(),
                    region.as_str(),
                    id.as_str(),
                ];
                assert_eq!(
                    found,
                    ["aws-us-gov", "111122223333", "us-gov-west-1", "cks-1"]
                );
            }
            record["errorCode"] = "CustomKeyStoreInvalidStateException".into();
            assert!(
                matches!(decide_record(&record), Decision::Ignore(_)),
                "{operation}"
            );
        }
    }

    #[test]
    fn what_is_no_business_of_this_function_is_ignored_with_a_reason() {
        let copy = json!({"eventName": "CreateGrant", "recipientAccountId": "444455556666", "resources": [{"ARN": ARN}]});
        let second = json!({
            "eventName": "UpdatePrimaryRegion", "requestParameters": {"keyId": ARN, "primaryRegion": "us-east-1"},
            "userIdentity": {"type": "AssumedRole", "invokedBy": "kms.amazonaws.com"}
        });
        for (record, reason) in [
            (copy, "another account's key"),
            (second, "the record of the Region before is told"),
            (
                json!({"eventName": "SynchronizeMultiRegionKey"}),
                "housekeeping",
            ),
            (
                json!({"eventName": "GetKeyPolicy", "readOnly": true}),
                "not watched",
            ),
            (json!({"eventName": "ScheduleKeyDeletion"}), "not watched"),
        ] {
            match decide_record(&record) {
                Decision::Ignore(given) => assert!(given.contains(reason), "{given}"),
                other => panic!("{other:?}"),
            }
        }
    }

    fn grant(identity: Value, request: Value) -> Value {
        details(json!({
            "eventName": "CreateGrant", "userIdentity": identity, "requestParameters": request,
            "responseElements": {"grantId": "9b6f"}
        }))
    }

    #[test]
    fn a_grant_is_a_services_own_only_if_it_is_made_by_one_and_to_one() {
        let service = json!({"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"});
        let forwarded = json!({"type": "AssumedRole", "invokedBy": "ec2.amazonaws.com"});
        let person =
            json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/A/b"});
        let terraform = json!({"type": "IAMUser", "userName": "maria"});
        let internal = json!({"type": "IAMUser", "userName": "maria", "invokedBy": "AWS Internal"});
        let messenger = |name: &str| json!({"type": "AssumedRole", "invokedBy": format!("{name}.amazonaws.com")});
        const FOREIGN: &str =
            "arn:aws:iam::444455556666:role/aws-service-role/autoscaling.amazonaws.com/R";
        const SERVICE_LINKED: &str =
            "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/R";
        let to = |name: &str, grantee: &str| json!({name: grantee});
        let own = "granteePrincipal";
        for (identity, request, quiet) in [
            (&service, to(own, "dynamodb.us-east-1.amazonaws.com"), true),
            (
                &service,
                to("granteeServicePrincipal", "dynamodb.amazonaws.com"),
                true,
            ),
            (
                &forwarded,
                to(
                    own,
                    "arn:aws:sts::111122223333:assumed-role/aws:ec2-infrastructure/i-0a",
                ),
                true,
            ),
            (
                &forwarded,
                to(
                    own,
                    "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/R",
                ),
                true,
            ),
            (
                &service,
                to(own, "arn:aws:iam::444455556666:role/loader"),
                false,
            ),
            // Another account's, whoever passes the call on.
            (&service, to(own, FOREIGN), false),
            (&forwarded, to(own, FOREIGN), false),
            (&internal, to(own, FOREIGN), false),
            (&messenger("cloudformation"), to(own, FOREIGN), false),
            (&messenger("states"), to(own, FOREIGN), false),
            (
                &service,
                to(own, "444455556666:aws:ec2-infrastructure:i-0a"),
                false,
            ),
            (
                &service,
                json!({"granteeServicePrincipal": "rds.amazonaws.com",
                       "constraints": {"sourceArn": "arn:aws:rds:us-east-1:444455556666:db:x"}}),
                false,
            ),
            (
                &internal,
                to(own, "cassandra.us-east-1.amazonaws.com"),
                true,
            ),
            (
                &internal,
                to(own, "111122223333:aws:ec2-infrastructure:i-0a"),
                true,
            ),
            // Told to by a template, a state machine, a schedule: not its own work.
            (
                &messenger("scheduler"),
                to(own, "dynamodb.us-east-1.amazonaws.com"),
                false,
            ),
            (&messenger("ssm"), to(own, SERVICE_LINKED), false),
            (
                &forwarded,
                to(own, "arn:aws:iam::111122223333:role/app"),
                false,
            ),
            // A name that only looks like a service's.
            (
                &service,
                to(own, "arn:aws:iam::444455556666:role/x.amazonaws.com"),
                false,
            ),
            (&person, to(own, "dynamodb.us-east-1.amazonaws.com"), false),
            (
                &terraform,
                to("granteeServicePrincipal", "dynamodb.amazonaws.com"),
                false,
            ),
            (&service, json!({}), false),
        ] {
            let kind = grant(identity.clone(), request.clone());
            assert_eq!(kind["byServiceForItself"], quiet, "{identity} {request}");
        }
    }

    #[test]
    fn an_account_is_one_also_as_a_number() {
        let person = json!({"type": "IAMUser", "userName": "maria"});
        for (written, read) in [
            (json!(444_455_556_666_u64), "444455556666"),
            (json!(12_345_678_901_u64), "012345678901"),
            (json!("444455556666"), "444455556666"),
        ] {
            let kind = grant(person.clone(), json!({"granteePrincipal": written}));
            assert_eq!(kind["grantee"], read);
        }
    }

    #[test]
    fn a_service_gives_up_its_own_grant_and_a_person_somebodys() {
        for (identity, own) in [
            (
                json!({"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"}),
                true,
            ),
            (
                json!({"type": "AssumedRole", "invokedBy": "dynamodb.amazonaws.com"}),
                true,
            ),
            (
                json!({"accountId": "111122223333", "invokedBy": "AWS Internal"}),
                true,
            ),
            (
                json!({"type": "AssumedRole", "invokedBy": "states.amazonaws.com"}),
                false,
            ),
            (json!({"type": "IAMUser", "userName": "maria"}), false),
        ] {
            let kind = details(json!({"eventName": "RetireGrant", "userIdentity": identity}));
            assert_eq!(kind["byServiceForItself"], own, "{identity}");
        }
    }

    #[test]
    fn of_the_encryption_context_only_the_names_are_told() {
        let person = json!({"type": "IAMUser", "userName": "maria"});
        let kind = grant(
            person,
            json!({
                "granteePrincipal": "arn:aws:iam::111122223333:role/app", "operations": ["Decrypt", "CreateGrant"],
                "constraints": {"encryptionContextSubset": {"tenant": "SECRET"}}, "name": "n",
                "retiringPrincipal": "arn:aws:iam::111122223333:role/boss"
            }),
        );
        assert_eq!(
            kind["constraints"]["encryptionContextSubset"],
            json!(["tenant"])
        );
        assert_eq!(kind["operations"], json!(["Decrypt", "CreateGrant"]));
        assert_eq!(kind["grantId"], "9b6f");
        assert!(!kind.to_string().contains("SECRET"));
    }

    #[test]
    fn a_retired_grant_is_named_in_the_additional_data() {
        let record = json!({"eventName": "RetireGrant", "requestParameters": null, "additionalEventData": {"grantId": "9b6f"}});
        assert_eq!(details(record)["grantId"], "9b6f");
    }

    #[test]
    fn no_secret_of_a_key_store_is_told() {
        let record = json!({
            "eventName": "UpdateCustomKeyStore", "recipientAccountId": "111122223333",
            "requestParameters": {"customKeyStoreId": "cks-1", "keyStorePassword": "SECRET", "newCustomKeyStoreName": "x"}
        });
        let kind = serde_json::to_value(reported(&record).kind).unwrap();
        assert_eq!(
            kind["settings"],
            json!(["keyStorePassword", "newCustomKeyStoreName"])
        );
        assert!(!kind.to_string().contains("SECRET"));
    }
}
