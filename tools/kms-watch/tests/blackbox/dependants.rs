//! Who and what depends on a key, by hand.

use serde_json::{Value, json};
use watch_local::{LocalAws, NewKey, Options, Service};

use crate::setup::{Ran, command, days, folder, now};

/// An AWS whose event history has uses too, and a key that services use; the clock shows the real time in the end.
fn used() -> (LocalAws, String) {
    let aws = LocalAws::start(Options {
        start: days(-3),
        usage_tracking_start: days(-3_000),
        read_only_events: true,
        ..Options::default()
    })
    .unwrap();
    let key = aws.add_key(NewKey::symmetric().alias("alias/orders"));
    aws.encrypt_for(Service::Rds, &key, "db-7QK2ORDERS", "Billing")
        .unwrap();
    aws.advance_to(days(-1));
    for number in 1..=3 {
        let volume = format!("vol-0a{number:03}");
        aws.encrypt_for(Service::Ebs, &key, &volume, "AppServer")
            .unwrap();
    }
    aws.encrypt_for(Service::S3, &key, "acme-ledger", "AppServer")
        .unwrap();
    let own = json!({"KeyId": key, "KeySpec": "AES_256", "EncryptionContext": {"patient": "Maria Meier"}});
    aws.call("GenerateDataKey", own).unwrap();
    aws.advance_to(now());
    (aws, key)
}

fn ask(aws: &LocalAws, words: &[&str]) -> Ran {
    Ran::of(command(aws, &[&["dependants"], words].concat()))
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap()
}

#[test]
fn who_and_what_depends_on_a_key_is_listed_by_every_name_of_it() {
    let (aws, key) = used();
    let id = key.rsplit('/').next().unwrap();
    let alias_arn = key.replace(&format!("key/{id}"), "alias/orders");
    for name in ["alias/orders", "orders", id, &key, &alias_arn] {
        let ran = ask(&aws, &[name, "--format", "json"]);
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (Some(0), ""),
            "{name}: {ran:?}"
        );
        let report = json(&ran);
        assert_eq!(report["key"], key);
        let dependants = &report["dependants"];
        assert_eq!(dependants["sources"], json!(["GRANTS", "EVENT_HISTORY"]));
        assert_eq!(
            (&dependants["complete"], &dependants["resourceCount"]),
            (&json!(true), &json!(5))
        );
    }
    // An ARN says where its key is.
    let mut elsewhere = command(&aws, &["dependants", &key]);
    elsewhere.env("AWS_REGION", "eu-west-1");
    let ran = Ran::of(elsewhere);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for part in [
        "5 resources",
        "RDS instance  db-7QK2ORDERS",
        "S3 bucket     acme-ledger",
        "role/AppServer",
        "s3.amazonaws.com",
        "need a restore after 7 days",
        "leaves no trace",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
}

#[test]
fn nothing_that_programs_of_the_account_encrypt_is_shown() {
    let (aws, key) = used();
    for format in ["table", "json", "html"] {
        let ran = ask(&aws, &[&key, "--format", format]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for personal in ["Maria", "Meier", "patient"] {
            assert!(!ran.out.contains(personal), "{format}: {}", ran.out);
        }
    }
}

#[test]
fn a_page_is_complete_in_itself() {
    let (aws, key) = used();
    let file = folder().join("orders.html");
    let ran = ask(&aws, &[&key, "-o", file.to_str().unwrap()]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    let page = std::fs::read_to_string(&file).unwrap();
    for part in [
        "<!doctype html>",
        "<h1>What depends on alias/orders</h1>",
        "db-7QK2ORDERS",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("<link"));
}

#[test]
fn what_is_refused_is_said_and_the_rest_is_there() {
    let (aws, key) = used();
    for (operation, fact, permission, rest) in [
        ("ListGrants", "grants", "kms:ListGrants", "acme-ledger"),
        (
            "LookupEvents",
            "eventHistory",
            "cloudtrail:LookupEvents",
            "vol-0a001",
        ),
    ] {
        aws.faults().deny(operation);
        let ran = ask(&aws, &[&key]);
        aws.faults().clear();
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.out.contains(rest), "{}", ran.out);
        assert!(
            ran.out.contains("Not everything could be read"),
            "{}",
            ran.out
        );
        for words in [fact, "AccessDenied", permission] {
            assert!(ran.err.contains(words), "{words}: {}", ran.err);
        }
    }
    for operation in ["ListGrants", "LookupEvents"] {
        aws.faults().deny(operation);
    }
    let ran = ask(&aws, &[&key, "--format", "json"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(json(&ran)["dependants"].is_null());
}

#[test]
fn a_key_that_is_not_there_or_not_shown_is_an_error_with_advice() {
    let (aws, key) = used();
    let ran = ask(&aws, &["alias/nobody"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    for words in ["alias/nobody", "us-east-1", "--region", "kms-watch history"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    aws.faults().deny("DescribeKey");
    let ran = ask(&aws, &[&key]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("kms:DescribeKey"), "{}", ran.err);
    for wrong in [
        &[][..],
        &["k", "--format", "csv"],
        &["k", "-o", "/dev/null"],
    ] {
        assert_eq!(ask(&aws, wrong).code, Some(2), "{wrong:?}");
    }
}

#[test]
fn nobody_is_an_answer_too() {
    let aws = crate::setup::aws();
    let key = aws.add_key(NewKey::symmetric());
    let ran = ask(&aws, &[&key]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    assert!(ran.out.contains("Nobody was found"), "{}", ran.out);
}

#[test]
fn the_demo_has_a_key_that_many_depend_on() {
    let aws = crate::setup::aws();
    let ran = ask(&aws, &["alias/payments", "--demo"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    for part in ["RDS instance", "S3 bucket", "vol-0a014", "role/Billing"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let ran = ask(&aws, &["alias/payments", "--demo", "--config"]);
    assert!(ran.out.contains("orders-before-2025"), "{}", ran.out);
    assert!(aws.requests().is_empty());
}

#[test]
fn config_is_asked_if_that_is_wanted_and_what_it_does_not_answer_is_said() {
    let (aws, key) = used();
    let alias_arn = key.rsplit_once(":key/").unwrap().0.to_owned() + ":alias/orders";
    for number in 0..120 {
        let arn = format!("arn:aws:secretsmanager:us-east-1:111122223333:secret:old-{number:03}");
        aws.add_configuration(json!({
            "resourceType": "AWS::SecretsManager::Secret", "resourceId": arn, "arn": arn,
            "configuration": {"KMSKeyId": if number == 0 { &alias_arn } else { &key }},
        }));
    }
    // There is no recorder.
    let ran = ask(&aws, &["alias/orders", "--config"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    for words in ["no answer: config", "AWS Config has to record"] {
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
    }
    aws.record_configurations(true);
    aws.clear_requests();
    let ran = ask(&aws, &["alias/orders", "--config", "--format", "json"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let dependants = &json(&ran)["dependants"];
    assert_eq!(dependants["resourceCount"], 125);
    assert_eq!(
        dependants["sources"],
        json!(["GRANTS", "EVENT_HISTORY", "CONFIG"])
    );
    let ran = ask(&aws, &["alias/orders", "--config"]);
    assert!(
        ran.out.contains("that AWS Config does not record"),
        "{}",
        ran.out
    );
    // Not asked, it is not there.
    aws.clear_requests();
    let ran = ask(&aws, &["alias/orders"]);
    assert!(!ran.out.contains("AWS Config"), "{}", ran.out);
    let operations: Vec<_> = aws.requests().into_iter().map(|it| it.service).collect();
    assert!(!operations.contains(&"config"), "{operations:?}");
}
