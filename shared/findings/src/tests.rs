//! What findings keep of an alert, and what no alert makes them be.

use proptest::prelude::*;
use serde_json::{Value, json};
use watch_core::arn::{AccountId, Partition, Region};
use watch_core::kinds::KIND_NAMES;
use watch_core::severity::Severity;

use crate::asff::{asff, label};
use crate::finding::{Finding, Home, Standing};
use crate::ocsf::ocsf;
use crate::read;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";

fn home() -> Home {
    Home {
        partition: Partition::new("aws").unwrap(),
        account: AccountId::new("111122223333").unwrap(),
        region: Region::new("us-east-1").unwrap(),
    }
}

/// Text as an attacker would write it.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[<>&`*|~@#!\"'\\\\$;\r\n\t\u{0}\u{1b}\u{202e}\u{200b}🔑é ]{0,400}",
        any::<char>().prop_map(|c| c.to_string().repeat(5_000)),
    ]
}

/// What survives the way to others and back.
#[derive(Clone, Debug, PartialEq)]
struct Kept {
    story: String,
    id: String,
    kind: String,
    severity: String,
    status: String,
    key: Option<String>,
    account: String,
    region: String,
    occurred_at: String,
}

fn kept(alert: &Value) -> Kept {
    let text = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
    Kept {
        story: text("dedupKey"),
        id: text("id"),
        kind: text("kind"),
        severity: text("severity"),
        status: text("status"),
        key: alert["key"]["arn"].as_str().map(str::to_owned),
        account: text("account"),
        region: text("region"),
        occurred_at: text("occurredAt"),
    }
}

fn of_asff(json: &Value) -> Kept {
    let field = |name: &str| json["ProductFields"][format!("kms-watch/{name}")].as_str();
    let text = |name: &str| field(name).unwrap_or_default().to_owned();
    let provided = &json["FindingProviderFields"]["Severity"];
    let severity: Severity = provided["Original"].as_str().unwrap().parse().unwrap();
    assert_eq!(provided["Label"], label(severity));
    Kept {
        story: text("dedupKey"),
        id: text("alertId"),
        kind: text("kind"),
        severity: severity.as_str().to_owned(),
        status: text("status"),
        key: field("keyArn").map(str::to_owned),
        account: text("account"),
        region: text("region"),
        occurred_at: json["CreatedAt"].as_str().unwrap().to_owned(),
    }
}

fn of_ocsf(json: &Value) -> Kept {
    let text = |at: &str| {
        json.pointer(at)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let of = |severity: &Severity| json["severity_id"] == crate::ocsf::severity(*severity).0;
    let severity = Severity::ALL.into_iter().find(of).unwrap();
    let is_key = json["resources"][0]["type"] == "AWS::KMS::Key";
    Kept {
        story: text("/finding_info/uid"),
        id: text("/metadata/uid"),
        kind: text("/metadata/event_code"),
        severity: severity.as_str().to_owned(),
        status: text("/status_detail"),
        key: is_key.then(|| text("/resources/0/uid")),
        account: text("/cloud/account/uid"),
        region: text("/cloud/region"),
        occurred_at: text("/time_dt"),
    }
}

prop_compose! {
    /// An alert with whatever others can put into it.
    fn alerts()(
        words in prop::collection::vec(hostile(), 12),
        kind in 0..=KIND_NAMES.len(),
        severity in 0..5_usize,
        standing in 0..3_usize,
        about in 0..3,
        second in 0_i64..4_000_000_000,
        nanosecond in 0_i32..1_000_000_000,
    ) -> Value {
        let kind = KIND_NAMES.get(kind).copied().unwrap_or("KindToCome");
        let at = jiff::Timestamp::new(second, nanosecond).unwrap();
        let mut alert = json!({
            "schemaVersion": "1.9", "id": "f44c2b19266389ac", "kind": kind,
            "dedupKey": format!("{KEY}#{}", "c".repeat(words[0].len() % 700)),
            "status": Standing::ALL[standing].as_str(), "severity": Severity::ALL[severity].as_str(),
            "severityReason": words[1], "title": format!("t{}", words[2]), "summary": words[3],
            "occurredAt": at.to_string(), "observedAt": at.to_string(), "undoUntil": at.to_string(),
            "account": "111122223333", "region": "eu-west-1", "partition": "aws", "key": null, "keyStore": null,
            "actor": {"name": words[4], "arn": words[5], "account": words[6], "sourceIp": words[7], "via": words[8],
                "accessKeyId": words[9]},
            "nextSteps": words.iter().map(|text| json!({"text": text})).collect::<Vec<_>>(),
            "links": {"key": words[10], "event": null, "alarm": null},
            "source": {"eventId": words[11], "eventName": words[0]}, "member": "to come",
        });
        if about == 1 {
            alert["key"] = json!({"arn": KEY, "aliases": [words[1]], "owner": words[2], "state": words[3],
                "manager": words[4], "origin": words[5], "createdAt": null, "rotation": {"enabled": null}});
        }
        if about == 2 {
            alert["keyStore"] = json!({"id": words[6], "name": words[7]});
        }
        alert
    }
}

fn finding(alert: &Value) -> Finding {
    read::alert(&alert.to_string(), &home()).unwrap()
}

/// No text of any length, and nothing in it that a reader does not see.
fn plain(json: &Value) {
    match json {
        Value::String(text) => {
            assert!(!text.is_empty(), "an empty text");
            let hidden = |c: char| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c);
            assert!(!text.contains(hidden), "{text:?}");
        }
        Value::Array(all) => all.iter().for_each(plain),
        Value::Object(all) => all.values().for_each(plain),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_identifies_an_alert_survives_the_way_there_and_back(alert in alerts()) {
        let finding = finding(&alert);
        prop_assert_eq!(of_asff(&asff(&finding, &home())), kept(&alert));
        prop_assert_eq!(of_ocsf(&ocsf(&finding)), kept(&alert));
    }

    #[test]
    fn no_text_makes_a_finding_larger_than_it_may_be(alert in alerts()) {
        let finding = finding(&alert);
        let json = asff(&finding, &home());
        for (at, most) in [("/Id", 512), ("/GeneratorId", 512), ("/Title", 256), ("/Description", 1_024),
            ("/Remediation/Recommendation/Text", 512), ("/SourceUrl", 2_048)] {
            let length = json.pointer(at).map(|text| text.as_str().unwrap().len());
            prop_assert!(length.is_none_or(|length| (1..=most).contains(&length)), "{at}");
        }
        let fields = json["ProductFields"].as_object().unwrap();
        prop_assert!(fields.len() <= 50);
        prop_assert!(fields.values().all(|value| (1..=2_048).contains(&value.as_str().unwrap().len())));
        prop_assert!(json.to_string().len() <= 240 * 1024);
        // What EventBridge and SQS take, with room for their own.
        prop_assert!(ocsf(&finding).to_string().len() <= 128 * 1024);
        plain(&json);
        plain(&ocsf(&finding));
    }

    #[test]
    fn an_activity_is_a_part_of_the_type(alert in alerts()) {
        let json = ocsf(&finding(&alert));
        let number = |name: &str| json[name].as_u64().unwrap();
        prop_assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
        let closed = alert["status"] == "CLOSED";
        prop_assert_eq!(number("activity_id") == 3, closed);
        prop_assert_eq!(number("status_id") == 4, closed);
        prop_assert_eq!(asff(&finding(&alert), &home())["RecordState"] == "ARCHIVED", closed);
        prop_assert_eq!(&json["metadata"]["profiles"], &json!(["cloud", "datetime"]));
        prop_assert_eq!(&json["metadata"]["version"], "1.5.0");
    }
}

/// The first alert of the generator, with its members as they mostly are.
fn usual() -> Value {
    json!({
        "schemaVersion": "1.1", "id": "a", "kind": "KeyDeletionScheduled", "dedupKey": format!("{KEY}#deletion"),
        "status": "OPEN", "severity": "HIGH", "title": "t", "summary": "s", "occurredAt": "2026-11-20T10:00:00Z",
        "observedAt": "2026-11-20T10:00:20Z", "account": "111122223333", "region": "us-east-1", "partition": "aws",
        "key": {"arn": KEY}, "actor": {"name": "KeyAdmin", "sourceIp": "198.51.100.24"},
        "nextSteps": [], "links": {}, "source": {"eventName": "ScheduleKeyDeletion"},
    })
}

#[test]
fn an_address_is_one_only_if_it_is() {
    for (source, place) in [
        ("198.51.100.24", "ip"),
        ("2001:db8::1", "ip"),
        ("rds.amazonaws.com", "domain"),
        ("AWS Internal", "svc_name"),
        ("198.51.100.24 or so", "svc_name"),
    ] {
        let mut alert = usual();
        alert["actor"]["sourceIp"] = source.into();
        let json = ocsf(&finding(&alert));
        assert_eq!(
            json["evidences"][0]["src_endpoint"],
            json!({ place: source })
        );
        let observed = json["observables"].as_array().unwrap();
        assert_eq!(
            observed.iter().any(|it| it["type_id"] == 2),
            place == "ip",
            "{source}"
        );
    }
}

#[test]
fn what_follows_an_alert_is_later_and_nothing_else_is() {
    let alert = usual();
    let mut follower = alert.clone();
    follower["kind"] = "DependantsFound".into();
    let (first, second) = (
        finding(&alert).updated_at(),
        finding(&follower).updated_at(),
    );
    assert_eq!(first.to_string(), "2026-11-20T10:00:00Z");
    assert_eq!(second.to_string(), "2026-11-20T10:00:00.001Z");
}

#[test]
fn a_partition_that_security_hub_does_not_know_is_left_out() {
    let europe = Home {
        partition: Partition::new("aws-eusc").unwrap(),
        ..home()
    };
    let finding = finding(&usual());
    assert_eq!(
        asff(&finding, &europe)["Resources"][0]["Partition"],
        Value::Null
    );
    assert_eq!(asff(&finding, &home())["Resources"][0]["Partition"], "aws");
}

#[test]
fn what_is_no_alert_is_refused_with_the_reason() {
    for (member, value, reason) in [
        (
            "schemaVersion",
            json!("2.0"),
            "`schemaVersion` is not as an alert has it",
        ),
        ("id", json!(""), "`id` is not as an alert has it"),
        (
            "kind",
            json!("Key/../Deleted"),
            "`kind` is not as an alert has it",
        ),
        (
            "dedupKey",
            json!("a\u{202e}b"),
            "`dedupKey` is not as an alert has it",
        ),
        (
            "status",
            json!("open"),
            "`status` is not as an alert has it",
        ),
        (
            "severity",
            json!("LOUD"),
            "`severity` is not as an alert has it",
        ),
        (
            "account",
            json!("1111"),
            "`account` is not as an alert has it",
        ),
        (
            "key",
            json!({"arn": "arn:aws:s3:::x"}),
            "`key.arn` is not as an alert has it",
        ),
        (
            "partition",
            json!("aws-cn"),
            "an alert of the partition aws-cn",
        ),
    ] {
        let mut alert = usual();
        alert[member] = value;
        let refused = read::alert(&alert.to_string(), &home()).unwrap_err();
        assert_eq!(refused.to_string(), reason);
    }
    for text in ["", "[]", "{}", "null", "{\"schemaVersion\":1}"] {
        assert!(read::alert(text, &home()).is_err(), "{text}");
    }
}
