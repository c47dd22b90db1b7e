//! Services of AWS that use a key: what CloudTrail and the list of grants show of them.

use jiff::SignedDuration;
use kms_local::{LocalAws, NewKey, Options, Service};
use serde_json::{Value, json};

#[test]
fn every_service_leaves_its_context_in_the_history_and_some_a_grant() {
    for service in Service::ALL {
        let aws = LocalAws::start(Options {
            read_only_events: true,
            ..Options::default()
        })
        .unwrap();
        let key = aws.add_key(NewKey::symmetric());
        aws.encrypt_for(service, &key, "thing", "AppServer")
            .unwrap();
        aws.advance(SignedDuration::from_hours(1));
        let attribute = json!([{"AttributeKey": "ResourceName", "AttributeValue": key}]);
        let found = aws.call_cloudtrail("LookupEvents", json!({"LookupAttributes": attribute}));
        let found = found.unwrap();
        let record = found["Events"][0]["CloudTrailEvent"].as_str().unwrap();
        let record: Value = serde_json::from_str(record).unwrap();
        assert_eq!(record["eventName"], "GenerateDataKey");
        let identity = &record["userIdentity"];
        let host = identity["invokedBy"].as_str().unwrap();
        assert!(host.ends_with(".amazonaws.com"), "{host}");
        assert_eq!(record["sourceIPAddress"], host);
        let issuer = identity["sessionContext"]["sessionIssuer"]["arn"].as_str();
        assert!(issuer.unwrap().ends_with(":role/AppServer"), "{issuer:?}");
        let context = &record["requestParameters"]["encryptionContext"];
        assert!(
            context.to_string().contains("thing"),
            "{service:?}: {context}"
        );

        let grants = aws.call("ListGrants", json!({"KeyId": key})).unwrap();
        let grants = grants["Grants"].as_array().unwrap();
        let works_by_grants = [Service::Ebs, Service::Rds, Service::DynamoDb];
        assert_eq!(!grants.is_empty(), works_by_grants.contains(&service));
        for grant in grants {
            assert_eq!(&grant["Constraints"]["EncryptionContextSubset"], context);
        }
    }
}

#[test]
fn a_service_cannot_use_a_key_that_is_off() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let key = aws.add_key(NewKey::symmetric());
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
    let refused = aws.encrypt_for(Service::S3, &key, "acme", "AppServer");
    assert_eq!(refused.unwrap_err().code, "DisabledException");
}
