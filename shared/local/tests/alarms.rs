//! Alarms on expiring key material, and the shapes of their events.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use std::collections::BTreeSet;

use common::shape::{sample, shape};
use jiff::{SignedDuration, Timestamp};
use kms_local::{ImportedMaterial, LocalAws, NewKey, Options};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn start() -> LocalAws {
    LocalAws::start(Options {
        start: at("2026-02-14T04:58:02Z"),
        ..Options::default()
    })
    .unwrap()
}

/// An imported key whose material expires then, and its bare id.
fn expiring(aws: &LocalAws, expiry: Timestamp) -> (String, String) {
    let material = ImportedMaterial::new("one").expiring(expiry);
    let key = aws.add_key(NewKey::imported().material(material));
    let id = key.rsplit('/').next().unwrap().to_owned();
    (key, id)
}

fn single(id: &str, missing: &str) -> Value {
    json!({
        "AlarmName": format!("kms-watch/material-expiry/{id}"),
        "AlarmDescription": "Imported key material expires within 30 days",
        "Namespace": "AWS/KMS",
        "MetricName": "SecondsUntilKeyMaterialExpiration",
        "Dimensions": [{"Name": "KeyId", "Value": id}],
        "Statistic": "Minimum",
        "Period": 3600,
        "EvaluationPeriods": 1,
        "Threshold": 30 * DAY,
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": missing,
        "AlarmActions": ["arn:aws:sns:us-east-1:111122223333:kms-watch"],
    })
}

fn fleet() -> Value {
    json!({
        "AlarmName": "kms-watch/material-expiry-fleet",
        "AlarmDescription": "Any imported key material expires within 30 days",
        "EvaluationPeriods": 1,
        "Threshold": 30 * DAY,
        "ComparisonOperator": "LessThanThreshold",
        "Metrics": [{
            "Id": "q1",
            "Expression": "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA(\"AWS/KMS\", KeyId) \
                           GROUP BY KeyId ORDER BY MIN() ASC",
            "Period": 3600,
            "ReturnData": true,
        }],
    })
}

fn put(aws: &LocalAws, alarm: Value) {
    aws.call_cloudwatch("PutMetricAlarm", alarm).unwrap();
    aws.take_events();
}

/// State changes only.
fn changes(aws: &LocalAws) -> Vec<Value> {
    let events = aws.take_events().into_iter();
    events
        .filter(|event| {
            let name = event["detail-type"].as_str().unwrap();
            name.starts_with("CloudWatch") && name.ends_with("State Change")
        })
        .collect()
}

/// Members and types; the texts of alarms have numbers and times in them.
fn assert_like(event: &Value, name: &str) {
    const FREE: &[&str] = &[
        "reason",
        "timestamp",
        "alarmName",
        "KeyId",
        "id",
        "resources[]",
    ];
    let of = |value: &Value| {
        let mut shape = shape(value);
        for (path, form) in &mut shape {
            let member = path.rsplit('.').next().unwrap();
            if FREE.contains(&member) {
                "text".clone_into(form);
            }
        }
        for state in ["state", "previousState"] {
            let path = format!(".detail.{state}.reasonData");
            if let Some(form) = shape.get_mut(&path) {
                let text = value["detail"][state]["reasonData"].as_str().unwrap();
                let data: Value = serde_json::from_str(text).unwrap();
                *form = format!(
                    "{:?}",
                    data.as_object().unwrap().keys().collect::<BTreeSet<_>>()
                );
            }
        }
        shape
    };
    let (ours, theirs) = (of(event), of(&sample(name)));
    let differences: Vec<_> = ours
        .keys()
        .chain(theirs.keys())
        .filter(|path| ours.get(*path) != theirs.get(*path))
        .map(|path| format!("{path}: {:?} {:?}", ours.get(path), theirs.get(path)))
        .collect();
    assert!(differences.is_empty(), "{name}\n{}", differences.join("\n"));
}

#[test]
fn an_alarm_follows_the_clock_over_its_threshold() {
    let aws = start();
    // 30 days before, it is 05:00:01 on February 14.
    let (_key, id) = expiring(&aws, at("2026-03-16T05:00:01Z"));
    let alarm = single(&id, "missing");
    let name = alarm["AlarmName"].as_str().unwrap().to_owned();
    put(&aws, alarm);
    assert_eq!(aws.alarm_state(&name), Some("INSUFFICIENT_DATA"));
    aws.advance_to(at("2026-02-14T04:59:00Z"));
    let events = changes(&aws);
    assert_eq!(events.len(), 1);
    assert_like(&events[0], "alarm-material-expiry-initial-to-ok");
    assert_eq!(
        events[0]["detail"]["previousState"]["value"],
        "INSUFFICIENT_DATA"
    );

    aws.advance_to(at("2026-02-14T05:59:59Z"));
    assert!(changes(&aws).is_empty(), "the hour is not over");
    aws.advance_days(10);
    let events = changes(&aws);
    assert_eq!(events.len(), 1, "states tell of changes only");
    assert_like(&events[0], "alarm-material-expiry-ok-to-alarm");
    let detail = &events[0]["detail"];
    assert_eq!(events[0]["time"], "2026-02-14T06:00:00Z");
    assert_eq!(detail["state"]["timestamp"], "2026-02-14T06:00:00.000+0000");
    assert_eq!(
        detail["state"]["reason"],
        "Threshold Crossed: 1 out of the last 1 datapoints [2588461.0 (14/02/26 05:00:00)] was less than \
         the threshold (2592000.0) (minimum 1 datapoint for OK -> ALARM transition)."
    );
    assert_eq!(aws.alarm_state(&name), Some("ALARM"));
    assert_eq!(
        aws.next_due(),
        Some(at("2026-03-16T05:00:01Z")),
        "nothing happens until the material expires"
    );
}

#[test]
fn new_material_ends_the_alarm() {
    let aws = start();
    let (key, id) = expiring(&aws, aws.now() + SignedDuration::from_secs(10 * DAY));
    let alarm = single(&id, "missing");
    let name = alarm["AlarmName"].as_str().unwrap().to_owned();
    put(&aws, alarm);
    aws.advance_days(1);
    assert_eq!(aws.alarm_state(&name), Some("ALARM"));
    changes(&aws);
    let wrapping = json!({
        "KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
    });
    let token = aws.call("GetParametersForImport", wrapping).unwrap();
    let later = aws.now() + SignedDuration::from_secs(180 * DAY);
    let import = json!({
        "KeyId": key, "ImportToken": token["ImportToken"], "EncryptedKeyMaterial": "b25l",
        "ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": later.as_second(),
    });
    aws.call("ImportKeyMaterial", import).unwrap();
    aws.advance(SignedDuration::from_hours(2));
    let events = changes(&aws);
    assert_eq!(events.len(), 1);
    assert_like(&events[0], "alarm-material-expiry-alarm-to-ok");
}

#[test]
fn when_the_metric_vanishes_the_treatment_of_missing_data_decides() {
    for (missing, expected) in [
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "ALARM"),
        ("breaching", "ALARM"),
        // The trap: resolved at the worst moment.
        ("notBreaching", "OK"),
    ] {
        let aws = start();
        let (_key, id) = expiring(&aws, aws.now() + SignedDuration::from_secs(10 * DAY));
        let alarm = single(&id, missing);
        let name = alarm["AlarmName"].as_str().unwrap().to_owned();
        put(&aws, alarm);
        aws.advance_days(9);
        assert_eq!(aws.alarm_state(&name), Some("ALARM"), "{missing}");
        changes(&aws);
        aws.advance_days(2);
        assert_eq!(aws.alarm_state(&name), Some(expected), "{missing}");
        let events = changes(&aws);
        assert_eq!(events.len(), usize::from(expected != "ALARM"), "{missing}");
        if expected == "INSUFFICIENT_DATA" {
            assert_like(&events[0], "alarm-material-expiry-insufficient-data");
            let reason = &events[0]["detail"]["state"]["reason"];
            assert_eq!(reason, "Insufficient Data: 1 datapoint was unknown.");
        }
    }
}

#[test]
fn one_query_watches_every_key_with_contributors() {
    let aws = start();
    let days = |days: i64| aws.now() + SignedDuration::from_secs(days * DAY);
    let (_first, first) = expiring(&aws, days(40));
    let (_second, second) = expiring(&aws, days(50));
    expiring(&aws, days(300));
    put(&aws, fleet());
    aws.advance_days(9);
    assert_eq!(
        aws.alarm_state("kms-watch/material-expiry-fleet"),
        Some("OK")
    );
    changes(&aws);
    aws.advance_days(5);
    let events = changes(&aws);
    assert_eq!(events.len(), 2, "the contributor, then the alarm");
    assert_like(&events[0], "alarm-contributor-state-change");
    let contributor =
        |event: &Value| event["detail"]["alarmContributor"]["attributes"]["KeyId"].clone();
    assert_eq!(contributor(&events[0]), first.as_str());
    assert_eq!(
        events[1]["detail"]["state"]["reason"],
        "1 out of 3 time series evaluated to ALARM"
    );
    let name = json!({"AlarmName": "kms-watch/material-expiry-fleet"});
    let alarming = || {
        let answer = aws
            .call_cloudwatch("DescribeAlarmContributors", name.clone())
            .unwrap();
        answer["AlarmContributors"].as_array().unwrap().len()
    };
    assert_eq!(alarming(), 1);
    aws.advance_days(10);
    let events = changes(&aws);
    assert_eq!(events.len(), 1, "the alarm is in ALARM already");
    assert_eq!(contributor(&events[0]), second.as_str());
    assert_eq!(alarming(), 2);

    // Their material expires, and so does the metric: both look resolved.
    aws.advance_days(40);
    let events = changes(&aws);
    let resolved: Vec<_> = events
        .iter()
        .filter(|event| event["detail"]["alarmContributor"].is_object())
        .map(|event| event["detail"]["state"].clone())
        .collect();
    assert_eq!(resolved.len(), 2);
    for state in resolved {
        assert_eq!(state["value"], "OK");
        assert_eq!(state["reason"], "No data was returned for this contributor");
    }
    assert_eq!(
        aws.alarm_state("kms-watch/material-expiry-fleet"),
        Some("OK")
    );
}

#[test]
fn a_query_without_groups_is_one_series() {
    let aws = start();
    let days = |days: i64| aws.now() + SignedDuration::from_secs(days * DAY);
    expiring(&aws, days(300));
    expiring(&aws, days(40));
    let mut alarm = fleet();
    alarm["Metrics"][0]["Expression"] =
        "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM \"AWS/KMS\"".into();
    put(&aws, alarm);
    aws.advance_days(9);
    changes(&aws);
    aws.advance_days(2);
    let events = changes(&aws);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["detail"]["state"]["value"], "ALARM");
}

#[test]
fn several_periods_take_their_time() {
    let aws = start();
    let crossing = aws.now() + SignedDuration::from_hours(10);
    let (_key, id) = expiring(&aws, crossing + SignedDuration::from_secs(30 * DAY));
    let mut alarm = single(&id, "missing");
    alarm["EvaluationPeriods"] = json!(4);
    alarm["DatapointsToAlarm"] = json!(3);
    put(&aws, alarm);
    aws.advance_to(crossing);
    changes(&aws);
    aws.advance(SignedDuration::from_hours(24));
    let events = changes(&aws);
    assert_eq!(events.len(), 1);
    // The hour of the crossing and two more have to be over.
    let late = at(events[0]["time"].as_str().unwrap()).duration_since(crossing);
    let hours = late.as_hours();
    assert!((2..=3).contains(&hours), "{late}");
}

#[test]
fn alarms_are_listed_changed_and_deleted_with_an_event() {
    let aws = start();
    let (_key, id) = expiring(&aws, at("2026-12-01T00:00:00Z"));
    aws.call_cloudwatch("PutMetricAlarm", single(&id, "missing"))
        .unwrap();
    aws.call_cloudwatch("PutMetricAlarm", single(&id, "ignore"))
        .unwrap();
    let operations: Vec<_> = aws
        .take_events()
        .iter()
        .map(|event| event["detail"]["operation"].clone())
        .collect();
    assert_eq!(operations, ["create", "update"]);
    let prefix = json!({"AlarmNamePrefix": "kms-watch/"});
    let list = aws.call_cloudwatch("DescribeAlarms", prefix).unwrap();
    let shown = &list["MetricAlarms"][0];
    assert_eq!(shown["TreatMissingData"], "ignore");
    assert_eq!(shown["StateValue"], "INSUFFICIENT_DATA");
    assert_eq!(shown["Threshold"], json!(2_592_000.0));
    let names = json!({"AlarmNames": [shown["AlarmName"], "none"]});
    let error = aws.call_cloudwatch("DeleteAlarms", names).unwrap_err();
    assert_eq!(error.code, "ResourceNotFound");
    let mut events = aws.take_events();
    // The alarm of the sample had been raised.
    events[0]["detail"]["state"]["value"] = "ALARM".into();
    assert_like(&events[0], "alarm-configuration-change-delete");
    let list = aws.call_cloudwatch("DescribeAlarms", json!({})).unwrap();
    assert_eq!(
        list["MetricAlarms"],
        json!([]),
        "the right name was deleted"
    );
}

#[test]
fn alarms_are_checked() {
    let aws = start();
    let code = |change: Value| {
        let mut alarm = single("x", "missing");
        alarm
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        aws.call_cloudwatch("PutMetricAlarm", alarm)
            .map_err(|e| e.code)
    };
    let invalid = Err("InvalidParameterValue");
    assert_eq!(code(json!({"Period": 61})), invalid);
    assert_eq!(code(json!({"EvaluationPeriods": 24 * 8})), invalid);
    assert_eq!(code(json!({"TreatMissingData": "maybe"})), invalid);
    assert_eq!(code(json!({"DatapointsToAlarm": 2})), invalid);
    assert_eq!(code(json!({"AlarmName": "a".repeat(256)})), invalid);
    assert_eq!(
        code(json!({"ComparisonOperator": null})),
        Err("MissingParameter")
    );
    let mut query = fleet();
    query["Metrics"][0]["Expression"] = "SELECT MIN(x) FROM y GROUP BY z".into();
    assert_eq!(code(query.clone()), invalid, "groups need an order");
    assert_eq!(code(json!({"EvaluationPeriods": 24 * 7})), Ok(json!({})));
}

#[test]
fn data_that_were_put_can_be_read_and_raise_alarms() {
    let aws = start();
    let data = |value: f64| {
        json!({
            "Namespace": "KmsWatch",
            "MetricData": [{"MetricName": "Failures", "Value": value, "Unit": "Count"}],
        })
    };
    let alarm = json!({
        "AlarmName": "failures", "Namespace": "KmsWatch", "MetricName": "Failures",
        "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": "notBreaching",
    });
    put(&aws, alarm);
    aws.advance(SignedDuration::from_mins(5));
    assert_eq!(aws.alarm_state("failures"), Some("OK"));
    aws.call_cloudwatch("PutMetricData", data(2.0)).unwrap();
    aws.call_cloudwatch("PutMetricData", data(1.0)).unwrap();
    aws.advance(SignedDuration::from_mins(1));
    assert_eq!(aws.alarm_state("failures"), Some("ALARM"));
    aws.advance(SignedDuration::from_mins(2));
    assert_eq!(aws.alarm_state("failures"), Some("OK"));
    let sums: Vec<_> = aws.metric_data("KmsWatch", "Failures");
    assert_eq!(sums.iter().map(|datum| datum.1).sum::<f64>(), 3.0);
    let (_key, id) = expiring(&aws, at("2026-12-01T00:00:00Z"));
    let list = aws.call_cloudwatch("ListMetrics", json!({})).unwrap();
    assert_eq!(list["Metrics"].as_array().unwrap().len(), 2);
    let only = json!({"Dimensions": [{"Name": "KeyId", "Value": id}]});
    let list = aws.call_cloudwatch("ListMetrics", only).unwrap();
    assert_eq!(list["Metrics"][0]["Namespace"], "AWS/KMS");
    let own = json!({"Namespace": "AWS/KMS", "MetricData": []});
    assert!(aws.call_cloudwatch("PutMetricData", own).is_err());
    let mut old = data(1.0);
    old["MetricData"][0]["Timestamp"] = json!({"$time": 0});
    assert!(aws.call_cloudwatch("PutMetricData", old).is_err());
}

#[test]
fn data_are_read_back_with_dimensions_and_units() {
    let aws = start();
    let dimensions = |count: usize| -> Vec<Value> {
        let all = (0..count).map(|n| json!({"Name": format!("D{n}"), "Value": format!("v{n}")}));
        all.collect()
    };
    let put = |data: Value| {
        let body = json!({"Namespace": "KmsWatch", "MetricData": data});
        let code = aws.call_cloudwatch("PutMetricData", body);
        code.map_err(|error| error.code)
    };
    let later = aws.now() + SignedDuration::from_mins(1);
    put(json!([
        {"MetricName": "Keys", "Value": 3.0, "Unit": "Count", "Dimensions": dimensions(2),
         "Timestamp": {"$time": later.as_second()}},
        {"MetricName": "Keys", "Values": [2.0, 5.0], "Counts": [1.0, 2.0], "Unit": "Seconds"},
    ]))
    .unwrap();
    let points = aws.metric_points("KmsWatch");
    let shown: Vec<_> = points
        .iter()
        .map(|point| (point.name.as_str(), point.unit, point.value, point.at))
        .collect();
    assert_eq!(
        shown,
        [
            ("Keys", "Seconds", 12.0, aws.now()),
            ("Keys", "Count", 3.0, later),
        ]
    );
    assert!(points[0].dimensions.is_empty());
    let pairs: Vec<_> = points[1].dimensions.iter().collect();
    let text = |text: &str| text.to_owned();
    assert_eq!(
        pairs,
        [(&text("D0"), &text("v0")), (&text("D1"), &text("v1"))]
    );
    assert_eq!(aws.metric_points("Other"), []);

    // The limits of a request; the default unit.
    let datum =
        |count| json!({"MetricName": "Wide", "Value": 1.0, "Dimensions": dimensions(count)});
    put(json!([datum(30)])).unwrap();
    assert_eq!(put(json!([datum(31)])), Err("InvalidParameterValue"));
    put(vec![datum(1); 1000].into()).unwrap();
    assert_eq!(
        put(vec![datum(1); 1001].into()),
        Err("InvalidParameterValue")
    );
    let odd = json!([{"MetricName": "Odd", "Value": 1.0, "Unit": "Furlongs"}]);
    assert_eq!(put(odd), Err("InvalidParameterValue"));
    let points = aws.metric_points("KmsWatch");
    assert_eq!(points.len(), 2 + 1 + 1000);
    let wide = points.iter().find(|point| point.name == "Wide").unwrap();
    assert_eq!(wide.unit, "None");
}
