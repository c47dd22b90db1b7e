use serde_json::json;

use super::super::Event;
use super::json::{LONGEST_DATA, MOST_POINTS};
use super::*;

const KEY: &str = "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
const FLEET: &str = r#"SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA("AWS/KMS", KeyId) GROUP BY KeyId ORDER BY MIN() ASC"#;

/// An alarm's event, as CloudWatch sends it, about the alarm `name`.
fn event(detail_type: &str, name: &str, detail: Value) -> Value {
    let mut event = json!({
        "version": "0",
        "id": "a6c5cf46-0358-436f-ad50-81315f52aedd",
        "detail-type": detail_type,
        "source": "aws.cloudwatch",
        "account": "111122223333",
        "time": "2026-02-14T06:00:21Z",
        "region": "us-east-1",
        "resources": [format!("arn:aws:cloudwatch:us-east-1:111122223333:alarm:{name}")],
        "detail": detail,
    });
    event["detail"]["alarmName"] = name.into();
    event
}

fn try_read(event: &Value) -> Result<AlarmEvent, Unreadable> {
    match Event::read(event)? {
        Event::Alarm(event) => Ok(*event),
        other => panic!("{other:?}"),
    }
}

fn read(event: &Value) -> AlarmEvent {
    try_read(event).unwrap()
}

/// An alarm that watches `metrics`.
fn watching(metrics: Value) -> AlarmEvent {
    let detail = json!({"state": {"value": "ALARM"}, "configuration": {"metrics": metrics}});
    read(&event("CloudWatch Alarm State Change", "a", detail))
}

/// An alarm in a state with `data` as reason.
fn evaluated(data: Value) -> AlarmEvent {
    let detail = json!({"state": {"value": "ALARM", "reasonData": data}});
    read(&event("CloudWatch Alarm State Change", "a", detail))
}

/// A contributor with `attributes` of an alarm that watches `expression`.
fn contributing(attributes: Value, expression: &str) -> AlarmEvent {
    let detail = json!({
        "alarmContributor": {"id": "8c1f3a07d25be946", "attributes": attributes},
        "state": {"value": "ALARM", "timestamp": "2026-02-14T14:00:40.118+0000"},
        "configuration": {"metrics": [{"id": "q1", "expression": expression, "period": 3600, "returnData": true}]}
    });
    read(&event(CONTRIBUTOR_CHANGE, "fleet", detail))
}

fn metric(namespace: &str, name: &str, dimensions: Value) -> Value {
    json!({
        "id": "m1",
        "metricStat": {
            "metric": {"namespace": namespace, "name": name, "dimensions": dimensions},
            "period": 3600, "stat": "Minimum"
        },
        "returnData": true
    })
}

fn query(expression: &str) -> Value {
    json!({"id": "q1", "expression": expression, "returnData": true})
}

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

fn texts(values: &[Untrusted]) -> Vec<&str> {
    values.iter().map(Untrusted::as_str).collect()
}

fn key_of(event: &AlarmEvent) -> Option<String> {
    event.key().map(|key| key.to_string())
}

fn arn_of(id: &str) -> String {
    format!("arn:aws:kms:us-east-1:111122223333:key/{id}")
}

fn expiry(state: Value, previous: Value) -> Value {
    let detail = json!({
        "state": state,
        "previousState": previous,
        "configuration": {
            "description": "Imported key material expires within 30 days",
            "metrics": [metric("AWS/KMS", "SecondsUntilKeyMaterialExpiration", json!({"KeyId": KEY}))]
        }
    });
    event(
        "CloudWatch Alarm State Change",
        &format!("kms-watch/material-expiry/{KEY}"),
        detail,
    )
}

/// A state of the alarm on expiring material, with its last values.
fn expiry_state(value: &str, stamp: &str, points: &[f64]) -> Value {
    let data = json!({
        "version": "1.0", "queryDate": stamp, "startDate": "2026-02-14T05:00:00.000+0000", "statistic": "Minimum",
        "period": 3600, "recentDatapoints": points, "threshold": 2592000.0
    });
    json!({
        "value": value, "reason": "Threshold Crossed: 1 out of the last 1 datapoints", "timestamp": stamp,
        "reasonData": data.to_string()
    })
}

#[test]
fn an_alarm_on_a_metric_is_read() {
    let (before, now) = (
        "2026-02-14T05:00:21.204+0000",
        "2026-02-14T06:00:21.204+0000",
    );
    let event = read(&expiry(
        expiry_state("ALARM", now, &[2_595_600.0, 2_588_400.0]),
        expiry_state("OK", before, &[2_595_600.0]),
    ));
    assert_eq!(
        event.name.as_str(),
        format!("kms-watch/material-expiry/{KEY}")
    );
    assert_eq!(event.arn.as_ref().unwrap().name, event.name);
    assert_eq!(event.current.state, AlarmState::Alarm);
    assert_eq!(event.current.stamp.as_ref().unwrap().as_str(), now);
    assert_eq!(event.occurred_at(), Some(at("2026-02-14T06:00:21Z")));
    assert!(
        event
            .current
            .reason
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("Threshold Crossed")
    );
    let data = &event.current.data;
    assert_eq!(
        (
            event.datapoint(),
            event.threshold(),
            event.band(),
            data.period
        ),
        (
            Some(2_588_400.0),
            Some(2_592_000.0),
            (None, None),
            Some(3600)
        )
    );
    assert_eq!(data.statistic, Some(Untrusted::new("Minimum")));
    assert_eq!(
        (data.evaluated_at, data.starts_at),
        (
            Some(at("2026-02-14T06:00:21Z")),
            Some(at("2026-02-14T05:00:00Z"))
        )
    );
    let previous = event.previous.as_ref().unwrap();
    assert_eq!(
        (&previous.state, previous.time),
        (&AlarmState::Ok, Some(at("2026-02-14T05:00:21Z")))
    );
    assert_eq!(previous.data.datapoints, [2_595_600.0]);
    assert_eq!(
        event.description.as_ref().unwrap().as_str(),
        "Imported key material expires within 30 days"
    );
    assert_eq!(
        event.metrics,
        [MetricQuery {
            id: Some(Untrusted::new("m1")),
            metric: Some(Metric {
                namespace: Some(Untrusted::new("AWS/KMS")),
                name: Some(Untrusted::new("SecondsUntilKeyMaterialExpiration")),
                dimensions: Labels::from([(Untrusted::new("KeyId"), Untrusted::new(KEY))]),
                stat: Some(Untrusted::new("Minimum")),
                period: Some(3600),
            }),
            return_data: true,
            ..MetricQuery::default()
        }]
    );
    assert_eq!(
        texts(&event.metric_names()),
        ["SecondsUntilKeyMaterialExpiration"]
    );
    assert_eq!(key_of(&event), Some(arn_of(KEY)));
    assert_eq!(
        (
            event.contributor.is_none(),
            event.is_grouped(),
            event.is_composite(),
            event.is_anomaly()
        ),
        (true, false, false, false)
    );
    assert_eq!(
        (event.custom_key_store_id(), event.mute.as_ref()),
        (None, None)
    );
}

#[test]
fn every_state_is_read() {
    let now = "2026-03-16T08:00:21.204+0000";
    for (value, points, state, datapoint) in [
        (
            "OK",
            &[15_552_000.0][..],
            AlarmState::Ok,
            Some(15_552_000.0),
        ),
        ("ALARM", &[1.0], AlarmState::Alarm, Some(1.0)),
        ("INSUFFICIENT_DATA", &[], AlarmState::InsufficientData, None),
        (
            "UNSURE",
            &[],
            AlarmState::Other(Untrusted::new("UNSURE")),
            None,
        ),
    ] {
        let initial = json!({
            "value": "INSUFFICIENT_DATA", "reason": "Unchecked: Initial alarm creation",
            "timestamp": "2026-02-14T04:58:02.771+0000"
        });
        let event = read(&expiry(expiry_state(value, now, points), initial));
        assert_eq!(event.current.state, state);
        assert_eq!(event.current.state.as_str(), value);
        assert_eq!(crate::text![&event.current.state].plain(), value);
        assert_eq!(event.datapoint(), datapoint);
        let previous = event.previous.unwrap();
        assert_eq!(
            (previous.state, previous.data),
            (AlarmState::InsufficientData, ReasonData::default())
        );
    }
}

#[test]
fn every_form_of_moment_is_read() {
    for (stamp, expected) in [
        (
            json!("2026-02-14T06:00:21.204+0000"),
            "2026-02-14T06:00:21Z",
        ),
        (
            json!("2026-02-14T07:30:21.999+0130"),
            "2026-02-14T06:00:21Z",
        ),
        (
            json!("2026-02-13T22:00:21.999-0800"),
            "2026-02-14T06:00:21Z",
        ),
        (
            json!("2026-02-14T06:00:21.204+00:00"),
            "2026-02-14T06:00:21Z",
        ),
        (json!("2026-02-14T06:00:21.204Z"), "2026-02-14T06:00:21Z"),
        (json!("2026-02-14T06:00:21Z"), "2026-02-14T06:00:21Z"),
        // Then the envelope's holds.
        (json!("Saturday 14 February, 2026"), "2026-02-14T13:00:00Z"),
        (json!("2026-02-14T06:00:21"), "2026-02-14T13:00:00Z"),
        (json!(1_771_048_821), "2026-02-14T13:00:00Z"),
        (json!(null), "2026-02-14T13:00:00Z"),
    ] {
        let detail = json!({"state": {"value": "OK", "timestamp": stamp}});
        let mut event = event("CloudWatch Alarm State Change", "a", detail);
        event["time"] = "2026-02-14T13:00:00Z".into();
        let event = read(&event);
        assert_eq!(event.occurred_at(), Some(at(expected)), "{stamp}");
        assert_eq!(
            event.current.stamp.as_ref().map(Untrusted::as_str),
            stamp.as_str()
        );
    }
}

#[test]
fn a_contributor_is_read() {
    let mut event = contributing(json!({"KeyId": KEY}), FLEET);
    let contributor = event.contributor.clone().unwrap();
    assert_eq!(
        contributor.id.as_ref().map(Untrusted::as_str),
        Some("8c1f3a07d25be946")
    );
    assert_eq!(value_of(&contributor.attributes, "KeyId"), Some(KEY));
    assert_eq!(key_of(&event), Some(arn_of(KEY)));
    assert_eq!(
        texts(&event.metric_names()),
        ["SecondsUntilKeyMaterialExpiration"]
    );
    assert!(event.is_grouped());
    assert_eq!(
        (event.datapoint(), event.threshold(), &event.previous),
        (None, None, &None)
    );
    assert_eq!(event.metrics.remove(0).period, Some(3600));
}

#[test]
fn a_contributor_that_cannot_be_read_does_not_pass_for_the_alarm() {
    for contributor in [json!(null), json!("KeyId"), json!({"attributes": [KEY]})] {
        let detail = json!({
            "alarmContributor": contributor, "state": {"value": "ALARM"},
            "configuration": {"metrics": [query(FLEET)]}
        });
        let event = read(&event(CONTRIBUTOR_CHANGE, "fleet", detail));
        assert_eq!(event.contributor, Some(Contributor::default()));
        assert_eq!(event.key(), None);
    }
}

#[test]
fn an_alarm_of_contributors_is_known_by_its_query() {
    let single = r#"SELECT MIN(X) FROM SCHEMA("AWS/KMS", KeyId)"#;
    let tricky = r#"SELECT MIN(X) FROM SCHEMA("AWS/KMS", KeyId) WHERE KeyId = 'a GROUP BY b'"#;
    let unreturned = |expression| {
        let mut query = query(expression);
        query["returnData"] = false.into();
        query
    };
    for (metrics, grouped) in [
        (json!([query(FLEET)]), true),
        (
            json!([query("select min(x) from \"AWS/KMS\"\n\tgroup\r\nby KeyId")]),
            true,
        ),
        (json!([{"expression": FLEET}]), true),
        (
            json!([query(FLEET), unreturned("SELECT MIN(Y) FROM ns")]),
            true,
        ),
        (json!([query(single)]), false),
        (json!([query(tricky)]), false),
        (json!([query(FLEET), query(FLEET)]), false),
        (json!([unreturned(FLEET), query("MIN(q1)")]), false),
        (json!([unreturned(FLEET)]), false),
        (
            json!([metric("AWS/KMS", "X", json!({"KeyId": KEY}))]),
            false,
        ),
        (json!([]), false),
        (json!(null), false),
    ] {
        assert_eq!(watching(metrics.clone()).is_grouped(), grouped, "{metrics}");
    }
}

#[test]
fn metric_math_is_seen_through() {
    let usage = |service| {
        let mut usage = metric(
            "AWS/Usage",
            "CallCount",
            json!({"Service": service, "Type": "API", "Class": "None", "Resource": "CryptographicOperationsSymmetric"}),
        );
        usage["returnData"] = false.into();
        usage
    };
    let percent = json!({
        "id": "pct", "expression": "usage/SERVICE_QUOTA(usage)*100", "label": "quota percent", "returnData": true
    });
    let event = watching(json!([percent, usage("KMS")]));
    assert_eq!(texts(&event.metric_names()), ["CallCount"]);
    assert_eq!(
        event.dimension("Resource"),
        Some(Untrusted::new("CryptographicOperationsSymmetric"))
    );
    assert_eq!((event.key(), event.custom_key_store_id()), (None, None));
    let [percent, usage_query] = event.metrics.as_slice() else {
        panic!("{:?}", event.metrics)
    };
    assert_eq!(
        (percent.label.as_ref(), percent.return_data),
        (Some(&Untrusted::new("quota percent")), true)
    );
    assert_eq!(
        (percent.select.as_ref(), percent.metric.as_ref()),
        (None, None)
    );
    assert!(!usage_query.return_data);
    assert!(watching(json!([usage("EC2")])).metric_names().is_empty());
}

#[test]
fn the_watched_metrics_are_named_once_and_spelled_right() {
    let by_contributor = contributing(
        json!({"Service": "KMS"}),
        r#"SELECT SUM(CallCount) FROM "AWS/Usage" GROUP BY Service"#,
    );
    assert_eq!(texts(&by_contributor.metric_names()), ["CallCount"]);
    for (metrics, expected) in [
        (
            json!([
                metric("AWS/KMS", "SecondsUntilKeyMaterialExpires", json!({})),
                query(FLEET)
            ]),
            &["SecondsUntilKeyMaterialExpiration"][..],
        ),
        (
            json!([
                metric("AWS/KMS", "XksProxyHsmStates", json!({})),
                metric("AWS/KMS", "ExtenalKeyStoreThrottle", json!({})),
                metric("AWS/KMS", "SuccesfulRequest", json!({})),
                metric("KMSWatch", "KeysPendingDeletion", json!({}))
            ]),
            &[
                "XksExternalKeyManagerStates",
                "ExternalKeyStoreThrottle",
                "SuccessfulRequest",
                "KeysPendingDeletion",
            ],
        ),
        (
            json!([query(
                r#"SELECT SUM("XksProxyErrors") FROM "AWS/KMS" WHERE CustomKeyStoreId = 'cks-1'"#
            )]),
            &["XksProxyErrors"],
        ),
        (
            json!([query(
                "SELECT SUM(CallCount) FROM \"AWS/Usage\" WHERE Service='KMS' AND Resource='DescribeKey'"
            )]),
            &["CallCount"],
        ),
        (
            json!([query(
                "SELECT SUM(CallCount) FROM \"AWS/Usage\" WHERE Service!='KMS'"
            )]),
            &[],
        ),
        (
            json!([
                metric("AWS/EC2", "CPUUtilization", json!({})),
                metric("aws/kms", "X", json!({})),
                {"metricStat": {"metric": {"name": "X"}}},
                {"metricStat": {"metric": {"namespace": "AWS/KMS", "name": 5}}},
                query("SELECT MAX(SuccessfulRequest) FROM \"My/KMS\""),
                query("'SELECT MAX(SuccessfulRequest) FROM \"AWS/KMS\"'"),
            ]),
            &[],
        ),
    ] {
        assert_eq!(
            texts(&watching(metrics.clone()).metric_names()),
            expected,
            "{metrics}"
        );
    }
}

#[test]
fn the_key_is_found_in_every_place() {
    let other = "arn:aws-cn:kms:cn-north-1:444455556666:key/mrk-9a41";
    let by_where = |condition: &str| {
        json!([query(&format!(
            "SELECT SUM(SuccessfulRequest) FROM \"AWS/KMS\" WHERE {condition}"
        ))])
    };
    let by_dimensions = |dimensions| json!([metric("AWS/KMS", "X", dimensions)]);
    let in_account = |mut metric: Value, account: &str| {
        metric["accountId"] = account.into();
        metric
    };
    for (metrics, expected) in [
        (by_dimensions(json!({"KeyId": "k-1"})), Some(arn_of("k-1"))),
        (
            by_dimensions(json!({"KeyId": "mrk-1"})),
            Some(arn_of("mrk-1")),
        ),
        (
            by_dimensions(json!({"KeyId": other})),
            Some(other.to_owned()),
        ),
        (
            by_dimensions(json!({"KeyArn": other, "Operation": "Decrypt"})),
            Some(other.to_owned()),
        ),
        (
            by_dimensions(json!({"SourceKeyArn": other, "DestinationKeyArn": other})),
            Some(other.to_owned()),
        ),
        (
            by_dimensions(json!({"SourceKeyArn": other, "DestinationKeyArn": arn_of("k-1")})),
            None,
        ),
        (by_where("KeyId = 'k-1'"), Some(arn_of("k-1"))),
        (
            by_where(
                "Operation = 'Sign' AND \"KeyArn\"='arn:aws-cn:kms:cn-north-1:444455556666:key/mrk-9a41'",
            ),
            Some(other.to_owned()),
        ),
        (
            by_where("KeyId = 'k-1' AND AWS.AccountId = '444455556666'"),
            Some("arn:aws:kms:us-east-1:444455556666:key/k-1".to_owned()),
        ),
        (
            json!([in_account(
                metric("AWS/KMS", "X", json!({"KeyId": "k-1"})),
                "444455556666"
            )]),
            Some("arn:aws:kms:us-east-1:444455556666:key/k-1".to_owned()),
        ),
        (by_where("KeyId != 'k-1'"), None),
        (by_where("KeyId = 'k-1' OR KeyId = 'k-2'"), None),
        (
            json!([
                metric("AWS/KMS", "X", json!({"KeyId": "k-1"})),
                metric("AWS/KMS", "Y", json!({"KeyId": "k-1"}))
            ]),
            Some(arn_of("k-1")),
        ),
        (
            json!([
                metric("AWS/KMS", "X", json!({"KeyId": "k-1"})),
                metric("AWS/KMS", "X", json!({"KeyId": "k-2"}))
            ]),
            None,
        ),
        (by_dimensions(json!({"KeyId": "../k", "keyid": "k"})), None),
        (by_dimensions(json!({"KeyId": "alias/a"})), None),
        (
            by_dimensions(json!({"KeyArn": "arn:aws:kms:us-east-1:111122223333:alias/a"})),
            None,
        ),
        (by_dimensions(json!({"KeyId": 5})), None),
        (
            by_dimensions(json!([{"name": "KeyId", "value": "k"}])),
            None,
        ),
    ] {
        assert_eq!(key_of(&watching(metrics.clone())), expected, "{metrics}");
    }
}

#[test]
fn a_contributors_own_key_comes_first() {
    let fixed = r#"SELECT SUM(X) FROM "AWS/KMS" WHERE KeyArn = 'arn:aws:kms:us-east-1:111122223333:key/k-1' GROUP BY L"#;
    for (attributes, expected) in [
        (json!({"KeyId": "mrk-1"}), Some(arn_of("mrk-1"))),
        (
            json!({"KeyArn": "arn:aws:kms:eu-west-1:111122223333:key/k"}),
            Some("arn:aws:kms:eu-west-1:111122223333:key/k".to_owned()),
        ),
        (
            json!({"KeyId": "k-2", "AWS.AccountId": "444455556666"}),
            Some("arn:aws:kms:us-east-1:444455556666:key/k-2".to_owned()),
        ),
        (json!({"Operation": "Decrypt"}), Some(arn_of("k-1"))),
    ] {
        assert_eq!(
            key_of(&contributing(attributes.clone(), fixed)),
            expected,
            "{attributes}"
        );
    }
    let store = contributing(json!({"CustomKeyStoreId": "cks-2"}), fixed);
    assert_eq!(store.custom_key_store_id(), KeyStoreId::new("cks-2"));
}

#[test]
fn the_key_store_is_found_in_every_place() {
    let id = "cks-7be1d290f5a3c846a";
    let certificate = metric(
        "AWS/KMS",
        "XksProxyCertificateDaysToExpire",
        json!({"CustomKeyStoreId": id, "CertificateName": "xks.acme.example"}),
    );
    let errors = query(&format!(
        r#"SELECT SUM(XksProxyErrors) FROM "AWS/KMS" WHERE CustomKeyStoreId = '{id}' AND ErrorType = 'Retryable errors'"#
    ));
    for (metrics, expected) in [
        (json!([certificate]), Some(id)),
        (json!([errors]), Some(id)),
        (json!([certificate, errors]), Some(id)),
        (
            json!([
                certificate,
                metric("AWS/KMS", "X", json!({"CustomKeyStoreId": "cks-other"}))
            ]),
            None,
        ),
        (
            json!([metric("AWS/KMS", "X", json!({"CustomKeyStoreId": "cks-"}))]),
            None,
        ),
        (
            json!([metric(
                "AWS/KMS",
                "X",
                json!({"CustomKeyStoreId": "cks-1; rm"})
            )]),
            None,
        ),
        (
            json!([metric(
                "AWS/KMS",
                "X",
                json!({"CustomKeyStoreId": format!("cks-{}", "1".repeat(61))})
            )]),
            None,
        ),
        (
            json!([metric("AWS/KMS", "X", json!({"CustomKeyStoreId": "7be1"}))]),
            None,
        ),
    ] {
        let event = watching(metrics.clone());
        assert_eq!(
            event.custom_key_store_id().as_ref().map(KeyStoreId::as_str),
            expected,
            "{metrics}"
        );
        assert_eq!(event.key(), None);
    }
    let event = watching(json!([certificate]));
    assert_eq!(
        event.dimension("CertificateName"),
        Some(Untrusted::new("xks.acme.example"))
    );
    let event = watching(json!([metric(
        "AWS/KMS",
        "XksProxyHsmStates",
        json!({"XksProxyHsmState": "Degraded"})
    )]));
    assert_eq!(
        event.dimension("XksExternalKeyManagerState"),
        Some(Untrusted::new("Degraded"))
    );
}

#[test]
fn a_composite_alarm_is_read() {
    let child = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:kms-watch/xks:latency";
    let data = json!({"triggeringAlarms": [
        {"arn": child, "state": {"value": "ALARM", "timestamp": "2026-02-14T12:31:09.310+0000"}},
        {"arn": "arn:aws:sns:us-east-1:111122223333:t", "state": "ALARM"},
        7
    ]});
    let detail = json!({
        "state": {
            "value": "ALARM", "reason": "a child changed", "reasonData": data.to_string(),
            "timestamp": "2026-02-14T12:33:00.020+0000",
            "actionsSuppressedBy": "WaitPeriod", "actionsSuppressedReason": "Actions suppressed by WaitPeriod"
        },
        "previousState": {"value": "OK", "reasonData": "{\"triggeringAlarms\": []}"},
        "configuration": {
            "alarmRule": "ALARM(\"kms-watch/xks:latency\") AND ALARM(\"kms-watch/xks-errors\")",
            "actionsSuppressor": "kms-watch/maintenance", "actionsSuppressorWaitPeriod": 120
        }
    });
    let event = read(&event("CloudWatch Alarm State Change", "outage", detail));
    assert!(event.is_composite() && event.metrics.is_empty() && event.metric_names().is_empty());
    let [first, other, damaged] = event.current.data.triggers.as_slice() else {
        panic!("{:?}", event.current.data.triggers)
    };
    assert_eq!(
        first.arn.as_ref().unwrap().name.as_str(),
        "kms-watch/xks:latency"
    );
    assert_eq!(
        (&first.state, first.time),
        (&Some(AlarmState::Alarm), Some(at("2026-02-14T12:31:09Z")))
    );
    for nothing in [other, damaged] {
        assert_eq!(
            *nothing,
            Trigger {
                arn: None,
                state: None,
                time: None
            }
        );
    }
    assert_eq!(
        event.current.suppressed_by,
        Some(Untrusted::new("WaitPeriod"))
    );
    assert_eq!(
        event.current.suppressed_reason,
        Some(Untrusted::new("Actions suppressed by WaitPeriod"))
    );
    assert_eq!(event.previous.unwrap().state, AlarmState::Ok);
}

#[test]
fn an_anomaly_alarm_has_bands_and_no_threshold() {
    let requests = metric(
        "AWS/KMS",
        "SuccessfulRequest",
        json!({"KeyArn": arn_of("k")}),
    );
    let band =
        json!({"id": "ad1", "expression": "ANOMALY_DETECTION_BAND(m1, 2)", "returnData": true});
    let data = json!({
        "version": "1.0", "period": 300, "recentDatapoints": [10.0, 900], "recentLowerThresholds": [1.5, "2.5"],
        "recentUpperThresholds": [20, 30]
    });
    let mut detail = json!({
        "state": {"value": "ALARM", "reasonData": data.to_string()}, "configuration": {"metrics": [requests, band]}
    });
    let alarm = |detail: &Value| read(&event("CloudWatch Alarm State Change", "a", detail.clone()));
    let event = alarm(&detail);
    assert_eq!(event.threshold(), None);
    assert_eq!(event.datapoint(), Some(900.0));
    assert_eq!(event.band(), (Some(2.5), Some(30.0)));
    assert_eq!(texts(&event.metric_names()), ["SuccessfulRequest"]);
    assert_eq!(key_of(&event), Some(arn_of("k")));
    assert!(event.is_anomaly() && !event.is_grouped());

    detail["state"]["reasonData"] = Value::Null;
    assert!(alarm(&detail).is_anomaly());
    detail["configuration"]["metrics"] = json!([]);
    assert!(!alarm(&detail).is_anomaly());
}

#[test]
fn a_log_alarm_is_read() {
    for configuration in [
        json!({"queryString": "fields @message | limit 5", "logGroupIdentifiers": ["trail"]}),
        json!({"scheduledQueryConfiguration": {"queryString": "fields @message\n| limit 5"}}),
    ] {
        let detail = json!({"state": {"value": "ALARM"}, "configuration": configuration});
        let event = read(&event("CloudWatch Alarm State Change", "logs", detail));
        assert_eq!(
            event.log_query,
            Some(Untrusted::new("fields @message | limit 5"))
        );
        assert!(event.metrics.is_empty() && !event.is_grouped() && !event.is_composite());
    }
}

#[test]
fn a_muted_alarm_says_so() {
    let rule = "arn:aws:cloudwatch:us-east-1:111122223333:alarm-mute-rule:nightly";
    let detail = json!({
        "state": {"value": "ALARM"},
        "muteDetail": {
            "mutedByArn": rule, "muteWindowStart": "2026-02-14T00:00:00.000+0000", "muteWindowEnd": "2026-02-14T08:00:00Z"
        }
    });
    let event = read(&event("CloudWatch Alarm State Change", "a", detail));
    assert_eq!(
        event.mute,
        Some(Mute {
            by: Some(Untrusted::new(rule)),
            start: Some(at("2026-02-14T00:00:00Z")),
            end: Some(at("2026-02-14T08:00:00Z")),
        })
    );
}

#[test]
fn numbers_are_read_in_every_form() {
    for (data, threshold, datapoint) in [
        (
            json!({"threshold": 2592000, "recentDatapoints": [3, 2, 1]}),
            Some(2_592_000.0),
            Some(1.0),
        ),
        (
            json!({"threshold": " 80.5 ", "recentDatapoints": ["84.6"]}),
            Some(80.5),
            Some(84.6),
        ),
        (
            json!({"threshold": "1e3", "recentDatapoints": [5.0, null, "?"]}),
            Some(1000.0),
            Some(5.0),
        ),
        (
            json!({"threshold": "NaN", "recentDatapoints": ["inf", "-inf", "NaN", "1e999"]}),
            None,
            None,
        ),
        (
            json!({"threshold": [80], "recentDatapoints": 84.6}),
            None,
            None,
        ),
        (
            json!({"threshold": true, "recentDatapoints": {}}),
            None,
            None,
        ),
        (json!([80]), None, None),
        (json!("80"), None, None),
        (json!(null), None, None),
    ] {
        for value in [data.to_string().into(), data.clone()] {
            let event = evaluated(value);
            assert_eq!(
                (event.threshold(), event.datapoint()),
                (threshold, datapoint),
                "{data}"
            );
        }
    }
    let event = evaluated(json!({"period": "300", "unit": "Seconds"}));
    let data = event.current.data;
    assert_eq!(
        (data.period, data.unit),
        (Some(300), Some(Untrusted::new("Seconds")))
    );
    for period in [json!(-1), json!(1.5), json!(1_u64 << 40), json!("x")] {
        assert_eq!(
            evaluated(json!({"period": period})).current.data.period,
            None
        );
    }
}

#[test]
fn data_that_is_no_json_is_none() {
    let endless = format!(r#"{{"threshold": 1, "x": "{}"}}"#, "x".repeat(LONGEST_DATA));
    let deep = "[".repeat(100_000);
    for data in [
        "",
        "{",
        "null",
        "Threshold Crossed",
        r#"{"threshold": 1e999}"#,
        &endless,
        &deep,
    ] {
        let event = evaluated(data.into());
        assert_eq!(event.current.data, ReasonData::default());
    }
}

#[test]
fn the_arn_tells_where_the_alarm_is_else_the_envelope() {
    let name = "a:b/c d";
    let detail = json!({"state": {"value": "OK"}});
    let arn = "arn:aws-us-gov:cloudwatch:us-gov-west-1:444455556666:alarm:a:b/c d";
    for (resources, expected) in [
        (
            json!([7, "x", arn]),
            "aws-us-gov us-gov-west-1 444455556666",
        ),
        (json!([]), "aws-cn cn-north-1 111122223333"),
        (json!(null), "aws-cn cn-north-1 111122223333"),
        (
            json!([arn.replace("cloudwatch", "sns")]),
            "aws-cn cn-north-1 111122223333",
        ),
        (
            json!([arn.replace(":alarm:", ":dashboard:")]),
            "aws-cn cn-north-1 111122223333",
        ),
        (
            json!([arn.replace("4444", "x")]),
            "aws-cn cn-north-1 111122223333",
        ),
        (
            json!([arn.replace(":a:b/c d", ":")]),
            "aws-cn cn-north-1 111122223333",
        ),
        (
            json!([arn.replace(":alarm:a:b/c d", "")]),
            "aws-cn cn-north-1 111122223333",
        ),
    ] {
        let mut event = event("CloudWatch Alarm State Change", name, detail.clone());
        event["region"] = "cn-north-1".into();
        event["resources"] = resources.clone();
        let event = read(&event);
        let place = [
            event.partition.as_ref().map(Partition::as_str),
            event.region.as_ref().map(Region::as_str),
            event.account.as_ref().map(AccountId::as_str),
        ];
        assert_eq!(place.map(Option::unwrap).join(" "), expected, "{resources}");
        assert_eq!(event.arn.is_some(), expected.starts_with("aws-us-gov"));
        assert_eq!(event.name.as_str(), name);
    }
}

#[test]
fn an_alarm_without_name_or_state_is_unreadable() {
    let full = json!({"alarmName": "a", "state": {"value": "OK"}});
    for (member, damaged, problem) in [
        ("alarmName", json!(null), "no alarmName"),
        ("alarmName", json!(""), "no alarmName"),
        ("alarmName", json!(["a"]), "no alarmName"),
        ("state", json!(null), "no state.value"),
        ("state", json!("OK"), "no state.value"),
        ("state", json!({}), "no state.value"),
        ("state", json!({"value": 1}), "no state.value"),
        ("state", json!({"value": ""}), "no state.value"),
    ] {
        for detail_type in ["CloudWatch Alarm State Change", CONTRIBUTOR_CHANGE] {
            let mut detail = full.clone();
            detail[member] = damaged.clone();
            let event =
                json!({"source": "aws.cloudwatch", "detail-type": detail_type, "detail": detail});
            assert_eq!(
                try_read(&event).unwrap_err(),
                Unreadable::NoEvent(problem),
                "{member}: {damaged}"
            );
        }
    }
}

#[test]
fn name_and_state_are_enough() {
    let event = json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
        "detail": {"alarmName": "a", "state": {"value": "OK"}}
    });
    let event = read(&event);
    assert_eq!(
        (&event.arn, &event.partition, &event.region, &event.account),
        (&None, &None, &None, &None)
    );
    assert_eq!((event.occurred_at(), event.previous.as_ref()), (None, None));
    assert_eq!((event.key(), event.custom_key_store_id()), (None, None));
    assert_eq!((event.datapoint(), event.threshold()), (None, None));
    assert_eq!(
        (&event.description, &event.rule, &event.log_query),
        (&None, &None, &None)
    );
    assert!(event.metric_names().is_empty() && event.contributor.is_none());
    assert!(!event.is_grouped() && !event.is_composite() && !event.is_anomaly());
}

#[test]
fn without_a_place_a_bare_id_is_no_key_but_an_arn_is() {
    for (id, expected) in [("k".to_owned(), None), (arn_of("k"), Some(arn_of("k")))] {
        let event = json!({
            "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change",
            "detail": {
                "alarmName": "a", "state": {"value": "OK"},
                "configuration": {"metrics": [metric("AWS/KMS", "X", json!({"KeyId": id}))]}
            }
        });
        assert_eq!(key_of(&read(&event)), expected);
    }
}

#[test]
fn other_events_of_cloudwatch_are_of_no_use() {
    let detail = json!({
        "operation": "delete", "state": {"value": "ALARM"}, "configuration": {"threshold": 2592000}
    });
    let changed = event("CloudWatch Alarm Configuration Change", "a", detail.clone());
    assert!(matches!(Event::read(&changed), Ok(Event::Other(_))));
    let mut foreign = event("CloudWatch Alarm State Change", "a", detail);
    foreign["source"] = "my.cloudwatch".into();
    assert!(matches!(Event::read(&foreign), Ok(Event::Other(_))));
    let mut kms = foreign;
    kms["source"] = "aws.kms".into();
    assert!(matches!(Event::read(&kms), Ok(Event::Other(_))));
}

#[test]
fn hostile_lists_and_texts_are_bounded() {
    let long = "x".repeat(20_000);
    let many: serde_json::Map<_, _> = (0..100).map(|i| (format!("d{i}"), json!(long))).collect();
    let mut metrics = vec![metric("AWS/KMS", &long, json!({})); 200];
    metrics[0] = metric("AWS/KMS", &long, json!(many));
    let data = json!({
        "recentDatapoints": (0..5_000).collect::<Vec<_>>(),
        "triggeringAlarms": vec![json!({}); 5_000]
    });
    let detail = json!({
        "alarmContributor": {"id": long, "attributes": many},
        "state": {"value": long, "reason": long, "reasonData": data.to_string(), "timestamp": long},
        "configuration": {
            "description": long, "alarmRule": long,
            "metrics": metrics
        }
    });
    let event = read(&event("CloudWatch Alarm State Change", &long, detail));
    let data = &event.current.data;
    assert_eq!(
        (
            data.datapoints.len(),
            event.datapoint(),
            data.triggers.len()
        ),
        (MOST_POINTS, Some(4_999.0), MOST_POINTS)
    );
    assert_eq!(event.metrics.len(), MOST_QUERIES);
    let dimensions = &event.metrics[0].metric.as_ref().unwrap().dimensions;
    assert_eq!(
        (
            dimensions.len(),
            event.contributor.as_ref().unwrap().attributes.len()
        ),
        (MOST_LABELS, MOST_LABELS)
    );
    let size = format!("{event:?}").len();
    assert!(size < 100_000, "{size}");
    let length = |text: &Option<Untrusted>| text.as_ref().unwrap().as_str().chars().count();
    assert_eq!(
        [
            &event.current.reason,
            &event.description,
            &event.rule,
            &event.current.stamp
        ]
        .map(length),
        [LONGEST_WORDS, LONGEST_WORDS, LONGEST_EXPRESSION, 256]
    );
}

#[test]
fn texts_are_cleaned() {
    let detail = json!({
        "alarmContributor": {"attributes": {"Key\u{202E}Id": "k\u{0}-\n1", "": "x", "Empty": "\u{200B}"}},
        "state": {"value": "ALARM\u{7}", "reason": "a\r\nb"}
    });
    let event = read(&event(
        "CloudWatch Alarm State Change",
        "a\u{1b}[31m",
        detail,
    ));
    assert_eq!(event.name.as_str(), "a[31m");
    assert_eq!(event.current.state, AlarmState::Alarm);
    assert_eq!(event.current.reason, Some(Untrusted::new("a b")));
    let attributes = event.contributor.unwrap().attributes;
    assert_eq!(
        attributes,
        Labels::from([(Untrusted::new("KeyId"), Untrusted::new("k- 1"))])
    );
}
