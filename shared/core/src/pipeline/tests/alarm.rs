//! Alarms in the pipeline: what waits for KMS and the ledger before it has a name, and what only the feed is told.

use super::*;
use crate::answers::Material;
use crate::event::AlarmEvent;
use crate::kinds::story::Status;
use crate::kinds::{
    KeyMaterialExpiring, KeyMaterialImported, KeyRotationRequested, KeyStoreUnhealthy,
    KmsQuotaNear, Signal,
};

const STORE: &str = "cks-7be1d290f5a3c846a";
const NOON: &str = "2026-11-20T12:00:00Z";

fn with_ledger(kms: FakeKms) -> FakeWatch {
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(kms, &[])
    }
}

/// An event of an alarm at that time of the day, about one metric.
fn change(state: &str, previous: Option<&str>, time: &str, metric: &str, labels: Value) -> Value {
    json!({
        "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change", "id": "e",
        "resources": ["arn:aws:cloudwatch:us-east-1:111122223333:alarm:a"],
        "detail": {
            "alarmName": "a",
            "state": {"value": state, "timestamp": format!("2026-11-20T{time}.204+0000")},
            "previousState": previous.map(|state| json!({"value": state})),
            "configuration": {"metrics": [{"id": "m", "metricStat": {"period": 3600, "metric":
                {"namespace": "AWS/KMS", "name": metric, "dimensions": labels}}}]}
        }
    })
}

fn expiry(state: &str, previous: Option<&str>, time: &str) -> Value {
    let id = ARN.rsplit('/').next().unwrap();
    let metric = "SecondsUntilKeyMaterialExpiration";
    change(state, previous, time, metric, json!({"KeyId": id}))
}

/// The same with a value in seconds.
fn expiry_in(seconds: u32, time: &str) -> Value {
    let mut event = expiry("ALARM", Some("OK"), time);
    event["detail"]["state"]["reasonData"] =
        json!({"recentDatapoints": [seconds], "threshold": 604_800, "period": 3600});
    event
}

fn store(state: &str, previous: Option<&str>, time: &str) -> Value {
    change(
        state,
        previous,
        time,
        "XksProxyErrors",
        json!({"CustomKeyStoreId": STORE}),
    )
}

/// The same of a contributor, which says neither value nor what it was.
fn of_contributor(mut event: Value) -> Value {
    let labels =
        event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"]
            .clone();
    event["detail-type"] = "CloudWatch Alarm Contributor State Change".into();
    event["detail"]["alarmContributor"] = json!({"id": "c", "attributes": labels});
    event["detail"]["previousState"] = Value::Null;
    event
}

fn muted(mut event: Value, until: &str) -> Value {
    event["detail"]["muteDetail"] = json!({"mutedByArn": "arn:mute", "muteWindowStart": "2026-11-20T00:00:00.000+0000",
                                           "muteWindowEnd": until});
    event
}

fn decide_alarm(event: &Event) -> Decision {
    let Event::Alarm(alarm) = event else {
        return Decision::not_mine(event);
    };
    Decision::alarm(alarm, |alarm: &AlarmEvent| -> Kind {
        match alarm.custom_key_store_id() {
            Some(_) => KeyStoreUnhealthy::of_alarm(Signal::of(alarm)).into(),
            None => KeyMaterialExpiring::of_alarm(alarm).into(),
        }
    })
}

fn handle(watch: &mut FakeWatch, event: &Value) -> Outcome {
    watch.decide = decide_alarm;
    run(watch.handle(event, "request")).unwrap()
}

/// Verdict, and details of the alert.
fn told(watch: &mut FakeWatch, event: &Value) -> (Verdict, Value) {
    let outcome = handle(watch, event);
    let details = outcome.alerts.first().map(|alert| json!(alert.details));
    (
        outcome.verdict,
        details.unwrap_or_else(|| json!(outcome.reason)),
    )
}

fn expiring(expires_at: Option<&str>, state: State) -> FakeKms {
    let mut kms = FakeKms::default();
    let metadata = kms.metadata.as_mut().unwrap();
    metadata.expires_at = expires_at.map(at);
    metadata.state = Some(state);
    metadata.origin = Some(Origin::External);
    kms
}

fn connection(state: Option<&str>) -> FakeKms {
    FakeKms {
        key_store: Ok(KeyStoreData {
            connection_state: state.map(Untrusted::new),
            ..KeyStoreData::default()
        }),
        ..FakeKms::default()
    }
}

fn denied() -> FakeKms {
    FakeKms::failing("AccessDeniedException", "no")
}

#[test]
fn the_end_of_an_alarm_is_told_once_and_only_of_one_that_was_told() {
    let mut watch = with_ledger(connection(Some("CONNECTED")));
    let over = |time| store("OK", Some("ALARM"), time);
    let raised = |time| store("ALARM", Some("OK"), time);
    for (event, verdict) in [
        (over("08:00:00"), Verdict::Ignored),
        (raised("09:00:00"), Verdict::Delivered),
        (raised("09:00:00"), Verdict::Duplicate),
        // Older than what it would end.
        (over("08:30:00"), Verdict::Ignored),
        (over("10:00:00"), Verdict::Delivered),
        (over("10:00:00"), Verdict::Duplicate),
        // One that comes late neither opens again what is over, nor hides what came after it.
        (raised("08:40:00"), Verdict::Delivered),
        (over("10:30:00"), Verdict::Ignored),
        (raised("11:00:00"), Verdict::Delivered),
        (raised("08:50:00"), Verdict::Delivered),
        (over("10:50:00"), Verdict::Ignored),
        (over("12:00:00"), Verdict::Delivered),
    ] {
        assert_eq!(handle(&mut watch, &event).verdict, verdict, "{event}");
    }
    let items = watch.ledger.as_ref().unwrap();
    assert_eq!(items.sorts("alarm#").len(), 1);
    let calls = items.calls.borrow();
    // One read each, one for the alert that proves a duplicate which had no name when the others were read, and one for what
    // each of the two ends.
    assert_eq!(calls.get("read"), Some(&15), "{calls:?}");
}

#[test]
fn without_memory_the_event_itself_has_to_say_that_the_alarm_had_gone_off() {
    let broken = with_ledger(connection(Some("CONNECTED")));
    let error = CallError::new("ProvisionedThroughputExceededException", "");
    *broken.ledger.as_ref().unwrap().error.borrow_mut() = Some(error);
    for mut watch in [watch(connection(Some("CONNECTED")), &[]), broken] {
        for (event, verdict) in [
            (store("OK", Some("ALARM"), "10:00:00"), Verdict::Delivered),
            (
                store("OK", Some("INSUFFICIENT_DATA"), "10:00:00"),
                Verdict::Ignored,
            ),
            (
                store("INSUFFICIENT_DATA", Some("OK"), "10:00:00"),
                Verdict::Ignored,
            ),
            (
                of_contributor(store("OK", None, "10:00:00")),
                Verdict::Delivered,
            ),
        ] {
            assert_eq!(handle(&mut watch, &event).verdict, verdict, "{event}");
        }
    }
}

#[test]
fn silence_of_a_key_store_is_health_only_while_it_is_connected() {
    let ok = store("OK", Some("ALARM"), "10:00:00");
    let mut with_value = ok.clone();
    with_value["detail"]["state"]["reasonData"] =
        json!({"recentDatapoints": [0.0], "threshold": 5.0});
    let gone = FakeKms {
        key_store: Err(CallError::new("CustomKeyStoreNotFoundException", "")),
        ..FakeKms::default()
    };
    let no_data = store("INSUFFICIENT_DATA", Some("ALARM"), "10:00:00");
    for (kms, event, resolution) in [
        (connection(Some("CONNECTED")), &ok, "RESOLVED"),
        (connection(Some("DISCONNECTED")), &ok, "NO_DATA"),
        (connection(Some("FAILED")), &ok, "NO_DATA"),
        (connection(None), &ok, "UNKNOWN"),
        (denied(), &ok, "UNKNOWN"),
        (denied(), &with_value, "RESOLVED"),
        (gone, &ok, "GONE"),
        (connection(Some("CONNECTED")), &no_data, "NO_DATA"),
    ] {
        let (_, details) = told(&mut watch(kms, &[]), event);
        assert_eq!(details["resolution"], resolution, "{event}");
        assert_eq!(details["resolved"], resolution == "RESOLVED");
    }
}

#[test]
fn the_date_is_that_of_kms_else_of_the_ledger_else_of_the_metric() {
    let with_value = expiry_in(5 * 86_400, "11:00:00");
    let without = of_contributor(expiry("ALARM", None, "11:00:00"));
    let kms = || expiring(Some("2026-11-25T11:20:00Z"), State::Enabled);
    let date = |details: &Value| {
        [
            details["expiresAt"].clone(),
            details["expiresAtFrom"].clone(),
        ]
    };
    for event in [&with_value, &without] {
        let (_, details) = told(&mut with_ledger(kms()), event);
        assert_eq!(
            date(&details),
            [json!("2026-11-25T11:20:00Z"), json!("KMS")]
        );
        assert_eq!(
            [&details["daysLeft"], &details["step"]],
            [&json!(5), &json!(7)]
        );

        // KMS is silent, and said it before.
        let mut watch = with_ledger(kms());
        let mut earlier = event.clone();
        earlier["detail"]["state"]["timestamp"] = "2026-11-01T11:00:00.000+0000".into();
        earlier["detail"]["state"]["reasonData"] = Value::Null;
        told(&mut watch, &earlier);
        watch.kms = denied();
        let (verdict, details) = told(&mut watch, event);
        assert_eq!(verdict, Verdict::Delivered);
        assert_eq!(
            date(&details),
            [json!("2026-11-25T11:20:00Z"), json!("LEDGER")]
        );
    }

    let (_, details) = told(&mut with_ledger(denied()), &with_value);
    assert_eq!(
        date(&details),
        [json!("2026-11-25T11:00:00Z"), json!("METRIC")]
    );
    let outcome = handle(&mut with_ledger(denied()), &without);
    let alert = &outcome.alerts[0];
    assert_eq!(json!(alert.details)["expiresAt"], Value::Null);
    assert_eq!(
        alert.severity,
        Severity::High,
        "nobody knows how much is left"
    );

    // What was remembered is of an earlier import.
    let mut watch = with_ledger(expiring(Some("2026-11-22T00:00:00Z"), State::Enabled));
    told(
        &mut watch,
        &of_contributor(expiry("ALARM", None, "08:00:00")),
    );
    watch.kms = denied();
    let (_, details) = told(&mut watch, &with_value);
    assert_eq!(
        date(&details),
        [json!("2026-11-25T11:00:00Z"), json!("METRIC")]
    );
}

#[test]
fn of_several_materials_the_first_to_expire_is_named() {
    let mut kms = expiring(Some("2026-11-25T11:00:00Z"), State::Enabled);
    let material = |id: &str, date: Option<&str>, imported| Material {
        id: Some(id.to_owned()),
        valid_to: date.map(at),
        imported: Some(imported),
        ..Material::default()
    };
    kms.materials = Ok(vec![
        material("later", Some("2027-01-01T00:00:00Z"), true),
        material("first", Some("2026-11-25T11:00:00Z"), true),
        material("gone", Some("2026-11-01T00:00:00Z"), false),
        material("never", None, true),
    ]);
    let (_, details) = told(&mut watch(kms, &[]), &expiry_in(5 * 86_400, "11:00:00"));
    assert_eq!(details["keyMaterialId"], "first");
}

#[test]
fn the_less_time_is_left_the_more_urgent_it_is() {
    for (expires_at, severity) in [
        ("2026-12-20T11:00:00Z", Severity::Medium),
        ("2026-11-27T11:00:01Z", Severity::Medium),
        ("2026-11-27T11:00:00Z", Severity::High),
        ("2026-11-21T11:00:01Z", Severity::High),
        ("2026-11-21T11:00:00Z", Severity::Critical),
        ("2026-11-20T10:00:00Z", Severity::Critical),
    ] {
        let kms = expiring(Some(expires_at), State::Enabled);
        let event = of_contributor(expiry("ALARM", None, "11:00:00"));
        let alert = handle(&mut watch(kms, &[]), &event).alerts.remove(0);
        assert_eq!(alert.severity, severity, "{expires_at}");
    }
    // It is not there any more: whatever the date says.
    let kms = expiring(Some("2026-12-20T11:00:00Z"), State::PendingImport);
    let event = of_contributor(expiry("ALARM", None, "11:00:00"));
    let alert = handle(&mut watch(kms, &[]), &event).alerts.remove(0);
    assert_eq!(alert.severity, Severity::Critical);
    let title = alert.title.plain();
    assert!(title.ends_with(" is missing"), "{title}");
}

#[test]
fn an_alarm_that_is_not_true_any_more_is_not_told() {
    for kms in [
        expiring(None, State::Enabled),
        expiring(Some("2027-06-01T00:00:00Z"), State::Enabled),
    ] {
        let (verdict, reason) = told(&mut with_ledger(kms), &expiry_in(86_400, "11:00:00"));
        assert_eq!(verdict, Verdict::Ignored);
        let reason = reason.as_str().unwrap();
        assert!(
            reason.ends_with("imported again since the alarm"),
            "{reason}"
        );
    }
    // A key that KMS does not know is another matter: the id may be of another account.
    let gone = FakeKms::failing("NotFoundException", "Key does not exist");
    let (verdict, _) = told(&mut with_ledger(gone), &expiry_in(86_400, "11:00:00"));
    assert_eq!(verdict, Verdict::Delivered);
}

/// What the sweep over all keys will tell.
fn by_sweep(step: u32) -> Occurrence {
    let mut kind =
        KeyMaterialExpiring::of_date(at("2026-11-25T11:20:00Z"), None, &[30, 7], at(NOON));
    assert_eq!((kind.step, kind.days_left), (Some(7), Some(4)));
    kind.step = Some(step);
    Occurrence {
        occurred_at: Some(at(NOON)),
        ..occurrence(kind, None)
    }
}

#[test]
fn one_step_is_told_once_by_alarm_and_by_sweep() {
    let kms = || expiring(Some("2026-11-25T11:20:00Z"), State::Enabled);
    let event = expiry_in(5 * 86_400, "11:00:00");
    let mut watch = with_ledger(kms());
    assert_eq!(told(&mut watch, &event).0, Verdict::Delivered);
    assert_eq!(
        run(watch.tell(by_sweep(7), "b")).unwrap().verdict,
        Verdict::Duplicate
    );
    assert_eq!(
        run(watch.tell(by_sweep(3), "c")).unwrap().verdict,
        Verdict::Delivered
    );

    let mut watch = with_ledger(kms());
    assert_eq!(
        run(watch.tell(by_sweep(7), "a")).unwrap().verdict,
        Verdict::Delivered
    );
    assert_eq!(told(&mut watch, &event).0, Verdict::Duplicate);
    // People know of the expiry, so they hear that it is over.
    watch.kms = expiring(None, State::Enabled);
    let (verdict, details) = told(&mut watch, &expiry("OK", Some("ALARM"), "11:30:00"));
    assert_eq!(
        (verdict, &details["resolution"]),
        (Verdict::Delivered, &json!("REIMPORTED"))
    );
}

#[test]
fn a_step_follows_the_users_own_days() {
    let kms = expiring(Some("2026-11-25T11:20:00Z"), State::Enabled);
    for (days, step) in [("60,20", json!(20)), ("3", json!(null))] {
        let mut watch = watch(kms.clone(), &[("EXPIRY_WARNING_DAYS", days)]);
        let (_, details) = told(&mut watch, &expiry_in(5 * 86_400, "11:00:00"));
        assert_eq!(details["step"], step, "{days}");
    }
}

#[test]
fn what_a_vanished_metric_means_is_what_kms_says() {
    let raised = expiry_in(5 * 86_400, "08:00:00");
    let date = Some("2026-11-25T08:00:00Z");
    let gone = FakeKms::failing("NotFoundException", "Key does not exist");
    for (kms, resolution, resolved) in [
        (expiring(None, State::Enabled), "REIMPORTED", true),
        (
            expiring(Some("2027-06-01T00:00:00Z"), State::Disabled),
            "REIMPORTED",
            true,
        ),
        (expiring(date, State::Enabled), "STILL_EXPIRING", false),
        (expiring(date, State::PendingImport), "DELETED", false),
        (expiring(None, State::PendingImport), "DELETED", false),
        (
            expiring(date, State::PendingDeletion),
            "PENDING_DELETION",
            false,
        ),
        (denied(), "UNKNOWN", false),
        (gone, "GONE", false),
    ] {
        for end in [
            expiry("OK", Some("ALARM"), "11:00:00"),
            expiry("INSUFFICIENT_DATA", Some("ALARM"), "11:00:00"),
        ] {
            let mut watch = with_ledger(expiring(date, State::Enabled));
            told(&mut watch, &raised);
            watch.kms = kms.clone();
            let outcome = handle(&mut watch, &end);
            let alert = &outcome.alerts[0];
            let details = json!(alert.details);
            assert_eq!(details["resolution"], resolution);
            assert_eq!(details["resolved"], resolved);
            assert_eq!(details["raisedAt"], "2026-11-20T08:00:00Z");
            assert_eq!(alert.severity, Severity::Info);
            let words = alert.title.plain() + &alert.summary.plain();
            assert_eq!(
                alert.title.plain().starts_with("Not ")
                    || alert.title.plain().starts_with("Unclear: "),
                !resolved,
                "{words}"
            );
        }
    }
    // The date has come.
    let mut watch = with_ledger(expiring(date, State::Enabled));
    told(&mut watch, &raised);
    watch.kms = expiring(None, State::PendingImport);
    let mut late = expiry("INSUFFICIENT_DATA", Some("ALARM"), "11:00:00");
    late["detail"]["state"]["timestamp"] = "2026-11-25T09:00:00.204+0000".into();
    assert_eq!(told(&mut watch, &late).1["resolution"], "EXPIRED");
    // That was no end: what comes after is still told.
    watch.kms = expiring(None, State::Enabled);
    late["detail"]["state"] = json!({"value": "OK", "timestamp": "2026-11-26T09:00:00.204+0000"});
    late["detail"]["previousState"]["value"] = "INSUFFICIENT_DATA".into();
    assert_eq!(told(&mut watch, &late).1["resolution"], "REIMPORTED");
}

#[test]
fn a_muted_alarm_is_for_the_feed_only_and_does_not_mute_the_countdown() {
    let mut watch = with_ledger(expiring(Some("2026-11-20T20:00:00Z"), State::Enabled));
    let event = expiry_in(9 * 3_600, "11:00:00");
    let outcome = handle(
        &mut watch,
        &muted(event.clone(), "2026-11-20T18:00:00.000+0000"),
    );
    assert_eq!(outcome.verdict, Verdict::Suppressed);
    assert_eq!(
        outcome.reason.as_deref(),
        Some("a mute rule of CloudWatch is in force on the alarm until 2026-11-20 18:00 UTC")
    );
    assert_eq!(outcome.alerts[0].severity, Severity::Critical);
    assert!(
        outcome.alerts[0]
            .summary
            .plain()
            .contains("so only the feed topic gets this alert")
    );
    assert_eq!(topics_of(&watch), ["feed"]);
    let was_counted = |watch: &FakeWatch| {
        let item = watch.ledger.as_ref().unwrap().get(ARN, "profile").unwrap();
        let deadline = at("2026-11-20T20:00:00Z");
        let profile = crate::ledger::Profile::read(&item);
        profile
            .counted("KeyMaterialExpiring", deadline, 1)
            .is_some()
    };
    assert!(!was_counted(&watch), "people were not told");
    // The sweep finds the same step, and people are told.
    let mut swept = by_sweep(1);
    if let Kind::KeyMaterialExpiring(kind) = &mut swept.kind {
        kind.expires_at = Some(at("2026-11-20T20:00:00Z"));
    }
    assert_eq!(
        run(watch.tell(swept, "b")).unwrap().verdict,
        Verdict::Delivered
    );
    assert_eq!(topics_of(&watch), ["feed", "people", "chat", "feed"]);
    assert!(was_counted(&watch));
    // A window that is over mutes nothing.
    let mut watch = with_ledger(expiring(Some("2026-11-20T20:00:00Z"), State::Enabled));
    let outcome = handle(&mut watch, &muted(event, "2026-11-20T11:00:00.000+0000"));
    assert_eq!(outcome.verdict, Verdict::Delivered);
}

#[test]
fn who_was_not_told_of_an_alarm_is_not_told_of_its_end() {
    let mut watch = FakeWatch {
        config: config(&[("SEVERITY_OVERRIDES", "AlarmRecovered=HIGH")]),
        ..with_ledger(connection(Some("CONNECTED")))
    };
    let raised = muted(
        store("ALARM", Some("OK"), "09:00:00"),
        "2026-11-20T10:00:00.000+0000",
    );
    handle(&mut watch, &raised);
    let outcome = handle(&mut watch, &store("OK", Some("ALARM"), "11:00:00"));
    assert_eq!(outcome.verdict, Verdict::Suppressed);
    assert_eq!(topics_of(&watch), ["feed", "feed"]);
}

#[test]
fn a_storm_of_alarms_is_folded_and_blames_nobody() {
    let watch = FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(FakeKms::default(), &[("FEED_TOPIC_ARN", "")])
    };
    for second in 0..7 {
        let event = store("ALARM", Some("OK"), &format!("09:00:0{second}"));
        let Ok(Event::Alarm(event)) = Event::read(&event) else {
            panic!("no alarm");
        };
        let occurrence = Occurrence::of_alarm(&event, KmsQuotaNear(Signal::of(&event))).unwrap();
        run(watch.tell(occurrence, "request")).unwrap();
    }
    let sent = watch.topics.sent.borrow();
    let subjects: Vec<_> = sent
        .iter()
        .filter_map(|message| message.subject.clone())
        .collect();
    assert_eq!(subjects.len(), 6, "{subjects:#?}");
    assert!(
        subjects[5].starts_with("HIGH: 6 times KmsQuotaNear, keys without owner"),
        "{}",
        subjects[5]
    );
}

/// What the ledger knows of the key's material, after which KMS answers nothing.
fn remembering(materials: &[(&str, Option<&str>)]) -> FakeWatch {
    let mut kms = expiring(None, State::Enabled);
    let material = |(id, valid_to): &(&str, Option<&str>)| Material {
        id: Some((*id).to_owned()),
        imported: Some(true),
        valid_to: valid_to.map(at),
        ..Material::default()
    };
    kms.materials = Ok(materials.iter().map(material).collect());
    let mut watch = with_ledger(kms);
    let request = Occurrence {
        occurred_at: Some(at("2026-11-20T06:00:00Z")),
        ..occurrence(KeyRotationRequested::default(), Some("c"))
    };
    run(watch.tell(request, "a")).unwrap();
    watch.kms = denied();
    watch
}

#[test]
fn an_alarm_names_the_material_that_the_ledger_remembers() {
    let date = Some("2026-11-25T11:20:00Z");
    let by_metric = || expiry_in(5 * 86_400, "11:00:00");
    let without_value = || of_contributor(expiry("ALARM", None, "11:00:00"));
    for (known, event, named) in [
        // The metric says the date to about an hour.
        (
            &[("m1", date), ("m2", Some("2027-01-01T00:00:00Z"))][..],
            by_metric(),
            json!("m1"),
        ),
        (
            &[("m1", Some("2027-01-01T00:00:00Z"))],
            by_metric(),
            json!(null),
        ),
        (&[("m1", date)], without_value(), json!("m1")),
        // Which of two it is, nobody knows.
        (&[("m1", date), ("m2", date)], without_value(), json!(null)),
        (&[], by_metric(), json!(null)),
    ] {
        let mut watch = remembering(known);
        let (verdict, details) = told(&mut watch, &event);
        assert_eq!(verdict, Verdict::Delivered);
        assert_eq!(details["keyMaterialId"], named, "{known:?}");
    }
}

/// Whatever keeps incidents or findings knows them by their `dedupKey`: each that was opened is closed under it.
#[test]
fn an_expiry_without_a_name_is_closed_by_the_alarm_where_the_named_end_closes_another() {
    let mut watch = with_ledger(denied());
    let raised = handle(
        &mut watch,
        &of_contributor(expiry("ALARM", None, "08:00:00")),
    );
    let unnamed = &raised.alerts[0];
    assert_eq!(
        (&unnamed.dedup_key, unnamed.status),
        (&format!("{ARN}#expiry"), Status::Open)
    );
    let date = at("2026-11-25T11:20:00Z");
    let named = KeyMaterialExpiring::of_date(date, Some("m1".to_owned()), &[7], at(NOON));
    let tell = |watch: &FakeWatch, kind: Kind, time: &str| {
        let found = Occurrence {
            occurred_at: Some(at(&format!("2026-11-20T{time}Z"))),
            ..occurrence(kind, Some(time))
        };
        run(watch.tell(found, time)).unwrap().alerts.remove(0)
    };
    let counted = tell(&watch, named.into(), "09:00:00");
    assert_eq!(counted.dedup_key, format!("{ARN}#expiry#m1"));
    let imported = || KeyMaterialImported {
        key_material_id: Some("m1".to_owned()),
        ..KeyMaterialImported::default()
    };
    let closed = tell(&watch, imported().into(), "10:00:00");
    assert_eq!(
        (&closed.dedup_key, closed.status),
        (&counted.dedup_key, Status::Closed)
    );
    assert_eq!(closed.resolves.len(), 2);
    watch.kms = expiring(None, State::Enabled);
    let over = handle(&mut watch, &of_contributor(expiry("OK", None, "11:00:00")));
    let over = &over.alerts[0];
    assert_eq!(
        (&over.dedup_key, over.status),
        (&unnamed.dedup_key, Status::Closed)
    );
    assert_eq!(over.resolves, std::slice::from_ref(&unnamed.id));
    // Nothing is open any more.
    let again = tell(&watch, imported().into(), "11:30:00");
    assert_eq!(again.resolves, <Vec<String>>::new());
}
