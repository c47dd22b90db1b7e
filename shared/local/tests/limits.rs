//! Request quotas, and reads that lag behind.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::Client;
use jiff::SignedDuration;
use kms_local::{KeySpec, KeyUsage, LocalAws, NewKey, Options, QuotaClock};
use serde_json::json;

fn start(quotas: Option<QuotaClock>) -> (LocalAws, Client) {
    let aws = LocalAws::start(Options {
        quotas,
        ..Options::default()
    })
    .unwrap();
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

#[test]
fn the_sixth_call_of_a_second_is_throttled() {
    let (aws, mut client) = start(Some(QuotaClock::Virtual));
    let key = aws.add_key(NewKey::symmetric());
    let body = json!({"KeyId": key});
    let mut statuses = |count: usize| -> Vec<u16> {
        (0..count)
            .map(|_| client.kms("GetKeyLastUsage", &body).status)
            .collect()
    };
    assert_eq!(statuses(7), [200, 200, 200, 200, 200, 400, 400]);
    aws.advance(SignedDuration::from_millis(999));
    assert_eq!(statuses(1), [400]);
    aws.advance(SignedDuration::from_millis(1));
    assert_eq!(statuses(6), [200, 200, 200, 200, 200, 400]);
    let refused = client.kms("GetKeyLastUsage", &body).json();
    assert_eq!(refused["__type"], "ThrottlingException");
    // Another operation, another quota; another Region, another count.
    assert_eq!(client.kms("DescribeKey", &body).status, 200);
    let stores = client.kms_in("eu-west-1", "DescribeCustomKeyStores", &json!({}));
    assert_eq!(stores.unwrap().status, 200);
    aws.enforce_quotas(None);
    assert_eq!(client.kms("GetKeyLastUsage", &body).status, 200);
}

/// KMS Developer Guide, "Request quotas"; CloudTrail API Reference, `LookupEvents`.
#[test]
fn reads_have_the_documented_quotas() {
    for (operation, quota) in [
        ("DescribeKey", 2000),
        ("ListResourceTags", 2000),
        ("GetKeyPolicy", 1000),
        ("GetKeyRotationStatus", 1000),
        ("ListAliases", 500),
        ("ListKeys", 500),
        ("ListGrants", 100),
        ("ListKeyRotations", 100),
        ("DescribeCustomKeyStores", 5),
        ("GetKeyLastUsage", 5),
        ("LookupEvents", 2),
    ] {
        let (aws, mut client) = start(Some(QuotaClock::Virtual));
        let body = match operation {
            "ListKeys" | "DescribeCustomKeyStores" | "LookupEvents" => json!({}),
            _ => json!({"KeyId": aws.add_key(NewKey::symmetric())}),
        };
        let mut status = || match operation {
            "LookupEvents" => client.cloudtrail("us-east-1", operation, &body).status,
            _ => client.kms(operation, &body).status,
        };
        let admitted = (0..=quota).take_while(|_| status() == 200).count();
        assert_eq!(admitted, quota, "{operation}");
    }
}

#[test]
fn a_client_that_waits_in_real_time_keeps_its_pace() {
    let (aws, mut client) = start(Some(QuotaClock::Real));
    aws.set_quota("ListKeys", 20);
    let mut status = || client.kms("ListKeys", &json!({})).status;
    for call in 0..30 {
        assert_eq!(status(), 200, "call {call}");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    // Without waiting, the calls of a second are gone at once.
    let throttled = (0..200).filter(|_| status() == 400).count();
    assert!(throttled > 100, "{throttled}");
}

#[test]
fn cryptographic_operations_share_a_quota_by_kind_of_key() {
    let (aws, mut client) = start(Some(QuotaClock::Virtual));
    aws.set_quota("cryptographic operations (RSA)", 3);
    let rsa = aws.add_key(NewKey::with_spec(KeySpec::Rsa2048).usage(KeyUsage::SignVerify));
    let symmetric = aws.add_key(NewKey::symmetric());
    let sign = json!({"KeyId": rsa, "Message": "AAAA", "SigningAlgorithm": "RSASSA_PSS_SHA_256"});
    let signature = client.kms("Sign", &sign).json()["Signature"].clone();
    let mut verify = sign.clone();
    verify["Signature"] = signature;
    assert_eq!(client.kms("Verify", &verify).status, 200);
    assert_eq!(client.kms("Sign", &sign).status, 200);
    assert_eq!(
        client.kms("Verify", &verify).json()["__type"],
        "ThrottlingException"
    );
    let encrypt = json!({"KeyId": symmetric, "Plaintext": "AAAA"});
    assert_eq!(client.kms("Encrypt", &encrypt).status, 200);
}

#[test]
fn the_real_clock_limits_the_real_pace() {
    let (aws, mut client) = start(None);
    aws.set_quota("ListKeys", 1);
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    aws.enforce_quotas(Some(QuotaClock::Real));
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    // Within the same second, unless this machine stands still for one.
    let began = std::time::Instant::now();
    let second = client.kms("ListKeys", &json!({})).status;
    assert!(second == 400 || began.elapsed().as_millis() > 500);
    std::thread::sleep(std::time::Duration::from_millis(1010));
    assert_eq!(client.kms("ListKeys", &json!({})).status, 200);
    let highest = aws.highest_rates()["ListKeys"];
    assert!((2..=4).contains(&highest), "{highest}");
}

#[test]
fn a_change_may_be_seen_later() {
    let (aws, mut client) = start(None);
    let key = aws.add_key(NewKey::symmetric());
    let body = json!({"KeyId": key});
    let state = |client: &mut Client| {
        client.kms("DescribeKey", &body).json()["KeyMetadata"]["KeyState"].clone()
    };
    aws.eventual_consistency(SignedDuration::from_secs(5), 1.0);
    assert_eq!(client.kms("DisableKey", &body).status, 200);
    let alias = json!({"AliasName": "alias/late", "TargetKeyId": key});
    aws.advance(SignedDuration::from_secs(3));
    assert_eq!(client.kms("CreateAlias", &alias).status, 200);
    assert_eq!(state(&mut client), "Enabled");
    assert_eq!(
        client.kms("ListAliases", &json!({})).json()["Aliases"],
        json!([])
    );
    // The test itself sees what is, and use of the key fails at once.
    let now = aws.call("DescribeKey", body.clone()).unwrap();
    assert_eq!(now["KeyMetadata"]["KeyState"], "Disabled");
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    assert_eq!(
        client.kms("Encrypt", &encrypt).json()["__type"],
        "DisabledException"
    );

    aws.advance(SignedDuration::from_secs(2));
    assert_eq!(state(&mut client), "Disabled");
    let aliases = client.kms("ListAliases", &json!({})).json();
    assert_eq!(
        aliases["Aliases"],
        json!([]),
        "its five seconds are not over"
    );
    aws.advance(SignedDuration::from_secs(3));
    let aliases = client.kms("ListAliases", &json!({})).json();
    assert_eq!(aliases["Aliases"].as_array().unwrap().len(), 1);
}

#[test]
fn a_deleted_key_may_still_be_described() {
    let (aws, mut client) = start(None);
    let key = aws.add_key(NewKey::symmetric());
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    aws.eventual_consistency(SignedDuration::from_secs(10), 0.5);
    aws.advance_days(7);
    let mut answers = std::collections::BTreeSet::new();
    for _ in 0..40 {
        let reply = client.kms("DescribeKey", &json!({"KeyId": key})).json();
        let answer = reply["__type"].as_str();
        answers.insert(answer.unwrap_or("PendingDeletion").to_owned());
    }
    let both = ["NotFoundException", "PendingDeletion"].map(str::to_owned);
    assert_eq!(answers.into_iter().collect::<Vec<_>>(), both);
    aws.advance(SignedDuration::from_secs(10));
    let gone = client.kms("DescribeKey", &json!({"KeyId": key})).json();
    assert_eq!(gone["__type"], "NotFoundException");
}
