//! Alarms from end to end: CloudWatch sees key material expire, its events go through the built functions, and what people
//! read is what KMS says, not what a metric that ends seems to say.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use watch_local::{ImportedMaterial, KeyStore, LocalAws, NewKey, Options};
use watch_tests::{Function, NO_LEDGER, event};

const DAY: i64 = 86_400;
const STORE: &str = "cks-7be1d290f5a3c846a";
const FLEET: &str = "SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM \"AWS/KMS\" GROUP BY KeyId ORDER BY MIN() ASC";

fn days(count: i64) -> SignedDuration {
    SignedDuration::from_secs(count * DAY)
}

/// An AWS with a key whose material expires in `days`, and the key's ARN.
fn expiring_in(count: i64) -> (Arc<LocalAws>, String) {
    let aws = LocalAws::start(Options::default()).unwrap();
    let key = NewKey::imported()
        .alias("alias/ledger")
        .tag("Owner", "team-pay")
        .material(ImportedMaterial::new("the material").expiring(aws.now() + days(count)));
    let key = aws.add_key(key);
    (Arc::new(aws), key)
}

/// An alarm at a week before the expiry: of this key, or of all keys with a state for each.
fn put_alarm(aws: &LocalAws, key: Option<&str>, missing: &str) {
    let mut alarm = json!({
        "AlarmName": "expiring", "EvaluationPeriods": 1, "Threshold": 7 * DAY,
        "ComparisonOperator": "LessThanThreshold", "TreatMissingData": missing,
    });
    let more = match key {
        Some(key) => json!({
            "Namespace": "AWS/KMS", "MetricName": "SecondsUntilKeyMaterialExpiration", "Statistic": "Minimum",
            "Period": 3600, "Dimensions": [{"Name": "KeyId", "Value": key.rsplit('/').next()}],
        }),
        None => {
            json!({"Metrics": [{"Id": "q", "Expression": FLEET, "Period": 3600, "ReturnData": true}]})
        }
    };
    alarm
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    aws.call_cloudwatch("PutMetricAlarm", alarm).unwrap();
}

/// The events of alarms until then.
fn alarms(aws: &LocalAws, by: SignedDuration) -> Vec<Value> {
    aws.advance(by);
    let mut events = aws.take_events();
    events.retain(|event| event["source"] == "aws.cloudwatch");
    events
}

/// Hands events over: the alerts, and the reasons for none.
fn handle(function: &Function, events: &[Value]) -> (Vec<Value>, Vec<String>) {
    let (mut alerts, mut reasons) = (Vec::new(), Vec::new());
    for event in events {
        let mut outcome = function.handle(event);
        match outcome["outcome"].as_str().unwrap() {
            "ignored" => reasons.push(outcome["reason"].as_str().unwrap().to_owned()),
            _ => alerts.append(outcome["alerts"].as_array_mut().unwrap()),
        }
    }
    (alerts, reasons)
}

/// Imports the same material again.
fn import_again(aws: &LocalAws, key: &str, until: Option<Timestamp>) {
    let parameters = aws
        .call(
            "GetParametersForImport",
            json!({"KeyId": key, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}),
        )
        .unwrap();
    let mut import = json!({
        "KeyId": key, "ImportToken": parameters["ImportToken"], "EncryptedKeyMaterial": "dGhlIG1hdGVyaWFs",
        "ImportType": "EXISTING_KEY_MATERIAL", "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    });
    if let Some(until) = until {
        import["ExpirationModel"] = "KEY_MATERIAL_EXPIRES".into();
        import["ValidTo"] = until.as_second().into();
    }
    aws.call("ImportKeyMaterial", import).unwrap();
}

#[test]
fn a_key_is_warned_of_by_its_own_alarm_and_by_that_of_all_keys_once() {
    let (aws, key) = expiring_in(30);
    let expiry = aws.now() + days(30);
    put_alarm(&aws, Some(&key), "missing");
    let function = Function::start_on(Arc::clone(&aws), "material-expiration", &[]);
    let (alerts, reasons) = handle(&function, &alarms(&aws, days(1)));
    assert_eq!(alerts, [] as [Value; 0]);
    assert!(
        reasons.contains(&"nobody was told that this alarm went off".to_owned()),
        "a new alarm is OK: {reasons:?}"
    );

    let raised = alarms(&aws, days(23));
    let (alerts, _) = handle(&function, &raised);
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    let alert = &alerts[0];
    assert_eq!(
        [
            &alert["kind"],
            &alert["severity"],
            &alert["key"]["arn"],
            &alert["source"]["via"]
        ],
        ["KeyMaterialExpiring", "HIGH", key.as_str(), "ALARM"]
    );
    let details = &alert["details"];
    assert_eq!(details["expiresAt"], expiry.to_string());
    assert_eq!(details["expiresAtFrom"], "KMS");
    assert_eq!(
        (&details["daysLeft"], &details["step"]),
        (&json!(6), &json!(7))
    );
    assert_eq!(details["threshold"], 604_800.0);
    assert_eq!(details["keyMaterialId"].as_str().unwrap().len(), 64);
    assert_eq!(alert["actor"], Value::Null);
    assert_eq!(function.received("people").len(), 1);

    // The other alarm finds the same, and says nothing new.
    put_alarm(&aws, None, "missing");
    let again = alarms(&aws, SignedDuration::from_hours(2));
    let kinds: Vec<_> = again.iter().map(|event| &event["detail-type"]).collect();
    assert!(
        kinds.contains(&&json!("CloudWatch Alarm Contributor State Change")),
        "{kinds:?}"
    );
    let (alerts, _) = handle(&function, &again);
    assert_eq!(alerts, [] as [Value; 0]);
    for event in &raised {
        let outcome = function.handle(event)["outcome"].take();
        assert!(outcome == "duplicate" || outcome == "ignored", "{outcome}");
    }
    assert_eq!(function.received("people").len(), 0);
}

#[test]
fn material_that_is_imported_again_is_resolved() {
    for (alarm_of_all, until) in [
        (false, None),
        (false, Some(300)),
        (true, None),
        (true, Some(300)),
    ] {
        let (aws, key) = expiring_in(10);
        let function = Function::start_on(Arc::clone(&aws), "material-expiration", &[]);
        put_alarm(&aws, (!alarm_of_all).then_some(key.as_str()), "missing");
        let (alerts, _) = handle(&function, &alarms(&aws, days(4)));
        assert_eq!(alerts.len(), 1);
        let until = until.map(|count| aws.now() + days(count));
        import_again(&aws, &key, until);
        let (alerts, _) = handle(&function, &alarms(&aws, days(1)));
        assert_eq!(alerts.len(), 1, "{alarm_of_all} {until:?}: {alerts:#?}");
        let (alert, details) = (&alerts[0], &alerts[0]["details"]);
        assert_eq!(
            [&alert["kind"], &alert["severity"]],
            ["AlarmRecovered", "INFO"]
        );
        assert_eq!(details["resolution"], "REIMPORTED", "{details:#}");
        assert_eq!(details["resolved"], true);
        assert_eq!(
            details["expiresAt"],
            json!(until.map(|until| until.to_string()))
        );
        assert!(details["raisedAlertId"].is_string());
    }
}

#[test]
fn material_that_expires_is_never_called_resolved() {
    for (alarm_of_all, missing) in [
        (false, "missing"),
        (false, "notBreaching"),
        (true, "missing"),
    ] {
        for ledger in [true, false] {
            let (aws, key) = expiring_in(10);
            let variables = if ledger { &[][..] } else { &NO_LEDGER[..] };
            let function = Function::start_on(Arc::clone(&aws), "material-expiration", variables);
            put_alarm(&aws, (!alarm_of_all).then_some(key.as_str()), missing);
            assert_eq!(handle(&function, &alarms(&aws, days(4))).0.len(), 1);
            let (alerts, _) = handle(&function, &alarms(&aws, days(8)));
            assert_eq!(
                alerts.len(),
                1,
                "{alarm_of_all} {missing} {ledger}: {alerts:#?}"
            );
            let (alert, details) = (&alerts[0], &alerts[0]["details"]);
            assert_eq!(alert["kind"], "AlarmRecovered");
            // A contributor's event does not say what the date was; only the ledger does then.
            let (resolution, end) = if alarm_of_all && !ledger {
                ("MATERIAL_GONE", "is missing")
            } else {
                ("EXPIRED", "has expired")
            };
            assert_eq!(details["resolution"], resolution, "{details:#}");
            assert_eq!(details["resolved"], false);
            let title = format!("Not resolved: the key material of alias/ledger {end}");
            assert_eq!(alert["title"], title);
            if ledger {
                // Imported after all: now it is.
                import_again(&aws, &key, None);
                import_again(&aws, &key, Some(aws.now() + days(200)));
                let (alerts, _) = handle(&function, &alarms(&aws, days(1)));
                let resolutions: Vec<_> = alerts
                    .iter()
                    .map(|alert| alert["details"]["resolution"].as_str().unwrap())
                    .collect();
                assert!(
                    resolutions
                        .iter()
                        .all(|resolution| *resolution == "REIMPORTED"),
                    "{resolutions:?}"
                );
            }
        }
    }
}

#[test]
fn the_end_of_an_alarm_of_which_kms_says_nothing_is_not_called_resolved() {
    let (aws, key) = expiring_in(10);
    put_alarm(&aws, Some(&key), "missing");
    let function = Function::start_on(Arc::clone(&aws), "material-expiration", &[]);
    handle(&function, &alarms(&aws, days(4)));
    aws.call("DeleteImportedKeyMaterial", json!({"KeyId": key}))
        .unwrap();
    let ended = alarms(&aws, days(1));
    function.aws.faults().deny("DescribeKey");
    let (alerts, _) = handle(&function, &ended);
    let details = &alerts[0]["details"];
    assert_eq!(
        [&details["resolution"], &details["resolved"]],
        [&json!("UNKNOWN"), &json!(false)]
    );
    assert_eq!(function.handle(&ended[0])["outcome"], "duplicate");
}

#[test]
fn material_that_is_deleted_or_a_key_that_goes_says_so() {
    let (aws, key) = expiring_in(10);
    put_alarm(&aws, Some(&key), "missing");
    let function = Function::start_on(Arc::clone(&aws), "material-expiration", &[]);
    handle(&function, &alarms(&aws, days(4)));
    aws.call("DeleteImportedKeyMaterial", json!({"KeyId": key}))
        .unwrap();
    let ended = alarms(&aws, days(1));
    let (alerts, _) = handle(&function, &ended);
    assert_eq!(alerts[0]["details"]["resolution"], "DELETED");

    let (aws, key) = expiring_in(10);
    put_alarm(&aws, Some(&key), "missing");
    let function = Function::start_on(Arc::clone(&aws), "material-expiration", &[]);
    handle(&function, &alarms(&aws, days(4)));
    aws.call("DeleteImportedKeyMaterial", json!({"KeyId": key}))
        .unwrap();
    let ended = alarms(&aws, days(1));
    aws.call(
        "ScheduleKeyDeletion",
        json!({"KeyId": key, "PendingWindowInDays": 7}),
    )
    .unwrap();
    let without = Function::start_on(Arc::clone(&aws), "material-expiration", &NO_LEDGER);
    let (alerts, _) = handle(&without, &ended);
    assert_eq!(alerts[0]["details"]["resolution"], "PENDING_DELETION");
    aws.advance_days(9);
    let (alerts, _) = handle(&function, &ended);
    assert_eq!(alerts[0]["details"]["resolution"], "GONE", "{alerts:#?}");
}

#[test]
fn an_alarm_about_a_key_store_says_what_hangs_on_it_and_when_it_is_over() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key_store(KeyStore::external(STORE).named("external-hq"));
    for number in 0..3 {
        aws.add_key(NewKey::in_external_store(STORE, &format!("xks-{number}")));
    }
    let function = Function::start_on(aws, "alarm-relay", &[]);
    // The end of what nobody was told of.
    let over = event("alarm-relay/alarm-xks-errors-contributor-ok.json");
    assert_eq!(function.handle(&over)["outcome"], "ignored");
    let raised = event("alarm-relay/alarm-xks-errors-contributor.json");
    let outcome = function.handle(&raised);
    let alert = &outcome["alerts"][0];
    assert_eq!(
        [&alert["kind"], &alert["severity"]],
        ["KeyStoreUnhealthy", "HIGH"]
    );
    assert_eq!(alert["keyStore"]["keyCount"], 3);
    assert_eq!(alert["key"], Value::Null);
    assert!(
        alert["summary"]
            .as_str()
            .unwrap()
            .contains("is CONNECTED. The key store holds 3 keys."),
        "{alert:#}"
    );
    assert_eq!(function.handle(&raised)["outcome"], "duplicate");
    assert_eq!(function.received("people").len(), 1);
    let outcome = function.handle(&over);
    let details = &outcome["alerts"][0]["details"];
    assert_eq!(
        [&details["resolution"], &details["resolved"]],
        [&json!("RESOLVED"), &json!(true)]
    );
    assert_eq!(function.handle(&over)["outcome"], "duplicate");
    // Who was told that it went off is told that it is over, though that is INFO.
    assert_eq!(
        (function.received("people").len(), function.feed().len()),
        (1, 2)
    );
}

#[test]
fn a_store_that_sends_nothing_is_not_called_well() {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.add_key_store(KeyStore::external(STORE));
    let function = Function::start_on(aws, "alarm-relay", &[]);
    function.handle(&event("alarm-relay/alarm-xks-errors-contributor.json"));
    function.aws.disconnect_key_store(STORE);
    let over = event("alarm-relay/alarm-xks-errors-contributor-ok.json");
    let outcome = function.handle(&over);
    assert_eq!(
        outcome["alerts"][0]["details"]["resolution"], "NO_DATA",
        "{outcome:#}"
    );
    assert_eq!(outcome["alerts"][0]["details"]["resolved"], false);
}

#[test]
fn a_muted_alarm_is_for_the_feed_and_so_is_its_end() {
    let variables = [("SEVERITY_OVERRIDES", "AlarmRecovered=HIGH")];
    let function = Function::start("alarm-relay", &variables);
    let outcome = function.handle(&event("alarm-relay/alarm-quota-muted.json"));
    assert_eq!(outcome["outcome"], "suppressed");
    assert!(
        outcome["reason"]
            .as_str()
            .unwrap()
            .starts_with("a mute rule of CloudWatch"),
        "{outcome:#}"
    );
    let outcome = function.handle(&event("alarm-relay/alarm-quota-recovered.json"));
    assert_eq!(outcome["outcome"], "suppressed", "{outcome:#}");
    assert_eq!(
        outcome["reason"],
        "people were not told that the alarm went off"
    );
    let people = function.received("people").len() + function.received("chat").len();
    assert_eq!((people, function.feed().len()), (0, 2));
}
