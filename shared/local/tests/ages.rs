//! Long times, many keys, and what AWS is free to choose.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::{collections::BTreeMap, time::Instant};

use common::shape::assert_like;
use jiff::{SignedDuration, Timestamp};
use kms_local::{ImportedMaterial, KeyState, LocalAws, NewKey, Options};
use serde_json::{Value, json};

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * count)
}

fn by_type(events: &[Value]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in events {
        let name = event["detail-type"].as_str().unwrap().to_owned();
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[test]
fn a_thousand_keys_live_for_three_years() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let start = aws.now();
    for number in 0..1000_i64 {
        // Spread over a year, so that hardly two things happen at once.
        let offset = SignedDuration::from_mins(number * 521);
        let key = match number % 5 {
            0 => NewKey::imported()
                .material(ImportedMaterial::new("one").expiring(start + days(30) + offset)),
            1 => NewKey::symmetric().deleted_at(start + days(7) + offset),
            2 => NewKey::symmetric().disabled().rotating_every(365),
            3 => NewKey::multi_region(&["eu-west-1"]).rotating_every(500),
            _ => NewKey::symmetric()
                .created(start - offset)
                .rotating_every(365),
        };
        aws.add_key(key);
    }
    for number in 0..2 {
        // One alarm for all keys, and one for the earliest of them.
        let groups = ["", " GROUP BY KeyId ORDER BY MIN() ASC"][number];
        let alarm = json!({
            "AlarmName": format!("alarm-{number}"),
            "EvaluationPeriods": 1,
            "Threshold": 7 * 86_400,
            "ComparisonOperator": "LessThanThreshold",
            "Metrics": [{
                "Id": "q1",
                "Expression": format!(
                    "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA(\"AWS/KMS\", KeyId){groups}"
                ),
                "Period": 3600,
                "ReturnData": true,
            }],
        });
        aws.call_cloudwatch("PutMetricAlarm", alarm).unwrap();
    }
    let began = Instant::now();
    aws.advance_to(start + days(3 * 365));
    println!("three years of 1,000 keys took {:?}", began.elapsed());
    let counts = by_type(&aws.take_events());
    assert_eq!(counts["KMS Imported Key Material Expiration"], 200);
    assert_eq!(counts["KMS CMK Deletion"], 200);
    // Two rotations of 200 families of two keys, three of 200 single keys, none of disabled ones.
    assert_eq!(counts["KMS CMK Rotation"], 2 * 200 * 2 + 3 * 200);
    let native = counts.iter().filter(|(name, _)| name.starts_with("KMS "));
    assert_eq!(
        counts["AWS Service Event via CloudTrail"],
        native.map(|(_, count)| count).sum::<usize>(),
        "every event of KMS has its twin"
    );
    // Each of 200 keys came near its end and then vanished.
    assert_eq!(counts["CloudWatch Alarm Contributor State Change"], 2 * 200);
}

#[test]
fn deletion_may_come_a_day_late_and_not_later() {
    let run = |seed| {
        let aws = LocalAws::start(Options {
            seed,
            late_deletions: true,
            ..Options::default()
        })
        .unwrap();
        let date = aws.now() + days(7);
        let keys: Vec<_> = (0..20)
            .map(|_| aws.add_key(NewKey::symmetric().deleted_at(date)))
            .collect();
        aws.advance_to(date - SignedDuration::from_secs(1));
        assert!(aws.take_events().is_empty());
        aws.advance_to(date);
        let waiting = keys
            .iter()
            .filter(|key| aws.key_state(key) == Some(KeyState::PendingDeletion));
        assert!(waiting.count() > 10);
        aws.advance(SignedDuration::from_hours(24));
        assert!(keys.iter().all(|key| aws.key_state(key).is_none()));
        let events = aws.take_events();
        assert_eq!(events.len(), 40);
        let times = events.iter().map(|e| e["time"].to_string());
        times.collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn kms_talks_to_itself_about_multi_region_keys() {
    let aws = LocalAws::start(Options {
        synchronizes_every: Some(SignedDuration::from_hours(6)),
        ..Options::default()
    })
    .unwrap();
    aws.add_key(NewKey::symmetric());
    let primary = aws.add_key(NewKey::multi_region(&["eu-west-1", "eu-north-1"]));
    aws.advance_days(2);
    let events = aws.take_events();
    assert_eq!(events.len(), 8 * 3);
    for event in &events {
        assert_eq!(event["detail"]["resources"][0]["ARN"], primary.as_str());
        assert_eq!(event["region"], event["detail"]["awsRegion"]);
    }
    let home = events.iter().find(|e| e["region"] == "us-east-1").unwrap();
    assert_like(home, "ct-synchronize-multi-region-key");
}

#[test]
fn enabling_again_does_not_restart_the_rotation() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let key = aws.add_key(NewKey::symmetric());
    let (id, period) = (
        json!({"KeyId": key}),
        json!({"KeyId": key, "RotationPeriodInDays": 200}),
    );
    let next = || {
        let status = aws.call("GetKeyRotationStatus", id.clone()).unwrap();
        Timestamp::from_second(status["NextRotationDate"].as_f64().unwrap() as i64).unwrap()
    };
    aws.call("EnableKeyRotation", period.clone()).unwrap();
    let first = next();
    assert_eq!(first, aws.now() + days(200));
    aws.advance_days(50);
    aws.call("DisableKey", id.clone()).unwrap();
    aws.advance_days(50);
    aws.call("EnableKey", id.clone()).unwrap();
    assert_eq!(next(), first, "the key itself was enabled");
    aws.call("EnableKeyRotation", period.clone()).unwrap();
    assert_eq!(next(), first, "the rotation was on already");
    // Off and on again is a new enable date.
    aws.call("DisableKeyRotation", id.clone()).unwrap();
    aws.call("EnableKeyRotation", period).unwrap();
    assert_eq!(next(), aws.now() + days(200));
}
