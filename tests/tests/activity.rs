//! The built `key-activity` on the embedded AWS: what it makes of what people really do to keys.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};
use watch_local::{Caller, KeyStore, LocalAws, NewKey, Options};
use watch_tests::{Function, LEDGER, NO_LEDGER, event};

const PAYMENTS: &str = "5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const ARN: &str = "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913";
const OTHER: &str = "c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
const STORE: &str = "cks-4c8f0a6d12e95b73e";
const ADMIN: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}"#;
const PARTNER: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:role/loader"},"Action":"kms:Decrypt","Resource":"*"}"#;
const EVERYBODY: &str = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;

fn aws() -> Arc<LocalAws> {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.as_caller(Caller::assumed_role("KeyAdmin", "j.okafor"));
    aws.add_key(
        NewKey::symmetric()
            .id(PAYMENTS)
            .alias("alias/payments")
            .described("Card data of the orders database")
            .tag("Owner", "team-pay"),
    );
    aws.add_key(NewKey::symmetric().id(OTHER).alias("alias/spare"));
    Arc::new(aws)
}

fn policy(statements: &[&str]) -> String {
    let statements = statements.join(",");
    format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)
}

/// The function dates what KMS says by the machine's clock, and what happens by the simulator's, which is ahead from now
/// on: what it reads is older than what happens next.
fn after_the_machine(aws: &LocalAws) {
    aws.advance_days(36_500);
}

/// Does it, lets a minute pass, and hands over what CloudTrail sends of it: the one alert.
fn done(function: &Function, operation: &str, body: Value) -> Value {
    let aws = &function.aws;
    aws.call(operation, body).unwrap();
    let mut events = aws.take_events();
    events.retain(|event| event["detail"]["eventName"] == operation);
    assert_eq!(events.len(), 1, "{events:#?}");
    let mut outcome = function.handle(&events.remove(0));
    assert_eq!(outcome["outcome"], "delivered", "{outcome:#}");
    aws.advance(SignedDuration::from_mins(1));
    outcome["alerts"][0].take()
}

fn put(function: &Function, policy: &str) -> Value {
    done(
        function,
        "PutKeyPolicy",
        json!({"KeyId": PAYMENTS, "Policy": policy}),
    )
}

#[test]
fn a_policy_is_read_compared_and_remembered() {
    let function = Function::start_on(aws(), "key-activity", &[]);
    let first = put(&function, &policy(&[ADMIN]));
    assert_eq!(first["severity"], "MEDIUM");
    assert_eq!(first["details"]["comparedWith"], Value::Null);

    let second = put(&function, &policy(&[ADMIN, PARTNER]));
    let details = &second["details"];
    assert_eq!(second["severity"], "HIGH", "{second:#}");
    assert_eq!(details["foreignAccounts"], json!(["444455556666"]));
    assert_eq!(details["added"][0]["actions"], json!(["kms:Decrypt"]));
    assert_eq!(details["removed"], json!([]));
    assert_eq!(details["comparedWith"], first["occurredAt"]);
    assert_eq!(second["enrichment"]["status"], "COMPLETE");
    let summary = second["summary"].as_str().unwrap();
    assert!(!summary.contains("But KMS"), "{summary}");

    // The command that the alert gives finds the policy before, word for word.
    let steps = second["nextSteps"].as_array().unwrap();
    let mut commands = steps.iter().filter_map(|step| step["command"].as_str());
    let fetch = commands.find(|it| it.contains("dynamodb")).unwrap();
    let key = fetch.split('\'').nth(1).unwrap();
    let key: Value = serde_json::from_str(key).unwrap();
    let items = function.aws.table_items(LEDGER);
    let kept = items
        .iter()
        .find(|item| item["pk"] == key["pk"] && item["sk"] == key["sk"]);
    assert_eq!(kept.unwrap()["policy"]["S"], policy(&[ADMIN]));
    assert!(fetch.contains(LEDGER), "{fetch}");

    let third = put(&function, &policy(&[EVERYBODY]));
    assert_eq!(third["severity"], "CRITICAL");
    assert_eq!(third["details"]["public"], true);
    let title = third["title"].as_str().unwrap();
    assert!(title.starts_with("alias/payments is public"), "{title}");
    assert_eq!(third["nextSteps"][0]["type"], "CONTAIN", "{third:#}");
    let people = function.received("people");
    assert_eq!(people.len(), 3);
}

#[test]
fn a_partner_is_no_stranger() {
    let trusted = [("TRUSTED_ACCOUNTS", "444455556666")];
    let function = Function::start_on(aws(), "key-activity", &trusted);
    let alert = put(&function, &policy(&[ADMIN, PARTNER]));
    assert_eq!(alert["severity"], "MEDIUM");
    assert_eq!(alert["details"]["foreignAccounts"], json!([]));
}

/// What the function says of access for an account that its environment does not name, and its log.
fn told_of_partner(aws: Arc<LocalAws>) -> (Value, String) {
    let settings = [
        ("TRUSTED_ACCOUNTS", "222233334444"),
        ("TRUSTED_ACCOUNTS_PARAMETER", "/security/trusted"),
    ];
    let function = Function::start_on(aws, "key-activity", &settings);
    let alert = put(&function, &policy(&[ADMIN, PARTNER]));
    function.lambda.shutdown();
    let (_, stdout, stderr) = function.end();
    (alert, stdout + &stderr)
}

#[test]
fn a_partner_may_stand_in_a_parameter_that_is_longer_than_an_environment() {
    let many: Vec<_> = (0..600)
        .map(|number| format!("{:012}", 900_000_000_000_u64 + number))
        .collect();
    let many = many.join(",");
    // By name, and on the second of two pages below it as a path.
    for by_path in [false, true] {
        let aws = aws();
        if by_path {
            for number in 0..11 {
                aws.put_parameter(
                    &format!("/security/trusted/{number:02}"),
                    "StringList",
                    &many,
                );
            }
            aws.put_parameter("/security/trusted/99", "String", "444455556666");
        } else {
            aws.put_parameter(
                "/security/trusted",
                "StringList",
                &format!("{many},444455556666"),
            );
        }
        let (alert, log) = told_of_partner(aws);
        assert_eq!(alert["severity"], "MEDIUM", "{by_path}");
        assert!(!log.contains("setting ignored"), "{log}");
    }
}

#[test]
fn whom_a_parameter_cannot_vouch_for_is_a_stranger_and_that_is_said() {
    type Prepare = fn(&LocalAws);
    let troubles: [(&str, Prepare); 4] = [
        ("ParameterNotFound", |_| {}),
        ("AccessDeniedException", |aws| {
            _ = aws.faults().deny("ssm:GetParameter")
        }),
        ("Timeout", |aws| {
            _ = aws
                .faults()
                .slow("ssm:GetParameter", Duration::from_secs(60))
        }),
        ("neither an account's nor", |aws| {
            aws.put_parameter("/security/trusted", "String", "4444-5555-6666")
        }),
    ];
    for (trouble, prepare) in troubles {
        let aws = aws();
        prepare(&aws);
        let (alert, log) = told_of_partner(aws);
        assert_eq!(alert["severity"], "HIGH", "{trouble}");
        assert_eq!(
            alert["details"]["foreignAccounts"],
            json!(["444455556666"]),
            "{trouble}"
        );
        let lines: Vec<_> = log
            .lines()
            .filter(|line| line.contains("setting ignored"))
            .collect();
        assert!(
            lines.len() == 1 && lines[0].contains(trouble),
            "{trouble}: {log}"
        );
    }
}

/// Calls AWS RAM, and hands over CloudTrail's record of it: the one alert. RAM's own event names no key, and is ignored.
fn shared(function: &Function, operation: &str, body: Value) -> Value {
    let aws = &function.aws;
    aws.call_ram(operation, &body).unwrap();
    let events = aws.take_events();
    assert_eq!(events.len(), 2, "{events:#?}");
    let mut outcome = function.handle(&events[0]);
    assert_eq!(outcome["outcome"], "delivered", "{outcome:#}");
    let own = function.handle(&events[1]);
    assert_eq!(own["outcome"], "ignored", "{own:#}");
    aws.advance(SignedDuration::from_mins(1));
    outcome["alerts"][0].take()
}

#[test]
fn a_key_is_shared_with_friends_strangers_and_everybody() {
    let settings = [
        ("TRUSTED_ACCOUNTS", "222233334444"),
        ("TRUSTED_ORGANIZATIONS", "o-a1b2c3d4e5"),
    ];
    let function = Function::start_on(aws(), "key-activity", &settings);
    let told = |alert: &Value| {
        let member = |name: &str| alert[name].as_str().unwrap().to_owned();
        [member("kind"), member("severity")]
    };
    let organisation = "arn:aws:organizations::111122223333:organization/o-a1b2c3d4e5";
    let friends = json!({"name": "reports", "resourceArns": [ARN], "principals": ["222233334444", organisation]});
    let alert = shared(&function, "CreateResourceShare", friends);
    assert_eq!(told(&alert), ["KeyShared", "INFO"], "{alert:#}");
    let share = alert["details"]["share"].clone();
    assert!(share.is_string(), "{alert:#}");

    // A principal that comes later is told without a key, and is found in the policy of the next key.
    let stranger = json!({"resourceShareArn": share, "principals": ["444455556666"]});
    let alert = shared(&function, "AssociateResourceShare", stranger);
    assert_eq!(told(&alert), ["KeyShared", "MEDIUM"], "{alert:#}");
    assert_eq!(alert["key"], Value::Null);
    let other = ARN.replace(PAYMENTS, OTHER);
    let more = json!({"resourceShareArn": share, "resourceArns": [other]});
    let alert = shared(&function, "AssociateResourceShare", more);
    assert_eq!(told(&alert), ["KeyShared", "HIGH"], "{alert:#}");
    assert_eq!(alert["details"]["foreign"], json!(["444455556666"]));
    let undo = alert["nextSteps"][0]["command"].as_str().unwrap();
    let expected = format!(
        "aws ram disassociate-resource-share --resource-share-arn {} --resource-arns {other} --region us-east-1",
        share.as_str().unwrap()
    );
    assert_eq!(undo, expected);

    let out = json!({"resourceShareArn": share, "resourceArns": [other]});
    let alert = shared(&function, "DisassociateResourceShare", out);
    assert_eq!(told(&alert), ["KeyShareEnded", "LOW"], "{alert:#}");

    let all = json!({"name": "all", "resourceArns": [ARN], "principals": ["*"]});
    let alert = shared(&function, "CreateResourceShare", all);
    assert_eq!(told(&alert), ["KeyShared", "CRITICAL"], "{alert:#}");
    assert_eq!(alert["details"]["public"], true);

    // A policy that KMS does not show is not taken for harmless.
    function.aws.faults().deny("GetKeyPolicy");
    let hidden = json!({"resourceShareArn": share, "resourceArns": [other]});
    let alert = shared(&function, "AssociateResourceShare", hidden);
    assert_eq!(told(&alert), ["KeyShared", "HIGH"], "{alert:#}");
    assert_eq!(alert["enrichment"]["status"], "PARTIAL");
}

#[test]
fn a_key_that_is_made_public_is_found_out_though_its_record_does_not_say_so() {
    let aws = aws();
    after_the_machine(&aws);
    let function = Function::start_on(aws, "key-activity", &[]);
    let alert = done(
        &function,
        "CreateKey",
        json!({"Policy": policy(&[EVERYBODY])}),
    );
    assert_eq!(
        (&alert["severity"], &alert["kind"]),
        (&json!("CRITICAL"), &json!("KeyCreated"))
    );
    let alert = done(&function, "CreateKey", json!({}));
    assert_eq!(alert["severity"], "INFO");
    // What it was created with is what its first policy is compared with.
    let id = alert["key"]["id"].clone();
    let body = json!({"KeyId": id, "Policy": policy(&[ADMIN, PARTNER])});
    let alert = done(&function, "PutKeyPolicy", body);
    assert_eq!(
        alert["details"]["added"].as_array().unwrap().len(),
        1,
        "{alert:#}"
    );
}

#[test]
fn a_policy_that_may_not_be_read_costs_the_alert_that_fact() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-activity", &[]);
    function.ready();
    aws.faults().deny("kms:GetKeyPolicy");
    let alert = put(&function, &policy(&[ADMIN, EVERYBODY]));
    let missing = &alert["enrichment"]["missing"];
    assert_eq!(missing.as_array().unwrap().len(), 1, "{missing}");
    assert_eq!(missing[0]["fact"], "policy");
    // The record had it.
    assert_eq!(alert["severity"], "CRITICAL");
    let alert = done(&function, "CreateKey", json!({}));
    assert_eq!(alert["details"]["public"], Value::Null);
    assert_eq!(alert["enrichment"]["missing"][0]["fact"], "policy");
}

#[test]
fn a_moved_alias_is_told_with_both_keys() {
    let function = Function::start_on(aws(), "key-activity", &[]);
    done(
        &function,
        "CreateAlias",
        json!({"AliasName": "alias/ledger", "TargetKeyId": PAYMENTS}),
    );
    let moved = json!({"AliasName": "alias/ledger", "TargetKeyId": OTHER});
    let alert = done(&function, "UpdateAlias", moved);
    assert_eq!(alert["kind"], "AliasMoved");
    assert_eq!(alert["details"]["alias"], "alias/ledger");
    let from = json!({"arn": ARN, "name": "alias/payments"});
    assert_eq!(alert["details"]["from"], from);
    assert_eq!(alert["details"]["to"]["name"], "alias/spare");
    assert_eq!(
        alert["title"],
        "alias/ledger now points to the key of alias/spare"
    );
    let undo = format!(
        "aws kms update-alias --alias-name alias/ledger --target-key-id {ARN} --region us-east-1"
    );
    assert_eq!(alert["nextSteps"][0]["command"], undo);
}

#[test]
fn a_disabled_key_in_use_is_critical() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-activity", &NO_LEDGER);
    let alert = done(&function, "DisableKey", json!({"KeyId": OTHER}));
    assert_eq!(alert["severity"], "HIGH");
    let body = json!({"KeyId": PAYMENTS, "Plaintext": "NDExMQ=="});
    aws.call("Encrypt", body).unwrap();
    // KMS records the use of a key up to an hour late.
    aws.advance(SignedDuration::from_hours(2));
    aws.take_events();
    let alert = done(&function, "DisableKey", json!({"KeyId": PAYMENTS}));
    assert_eq!(alert["severity"], "CRITICAL", "{alert:#}");
    let alert = done(&function, "EnableKey", json!({"KeyId": PAYMENTS}));
    assert_eq!(alert["severity"], "LOW");
}

#[test]
fn a_disconnected_key_store_is_told_with_the_keys_in_it() {
    let aws = aws();
    aws.add_key_store(KeyStore::cloud_hsm(STORE, "cluster-4w7rkxq2mzp").named("vault-hsm"));
    aws.add_key(NewKey::in_store(STORE).alias("alias/hsm"));
    let function = Function::start_on(aws, "key-activity", &[]);
    let body = json!({"CustomKeyStoreId": STORE});
    let alert = done(&function, "DisconnectCustomKeyStore", body);
    assert_eq!(alert["severity"], "CRITICAL", "{alert:#}");
    assert_eq!(alert["key"], Value::Null);
    let store = json!({
        "id": STORE, "name": "vault-hsm", "type": "AWS_CLOUDHSM", "connectionState": "DISCONNECTED",
        "errorCode": null, "keyCount": 1, "keys": null
    });
    assert_eq!(alert["keyStore"], store);
    assert_eq!(
        alert["title"],
        "Key store vault-hsm disconnected: 1 key unusable"
    );
}

#[test]
fn a_grant_of_a_service_for_itself_asks_kms_nothing() {
    let aws = aws();
    let function = Function::start_on(Arc::clone(&aws), "key-activity", &[]);
    function.ready();
    aws.clear_requests();
    let outcome = function.handle(&event("key-activity/ct-create-grant-aws-service.json"));
    assert_eq!(outcome["alerts"][0]["severity"], "INFO");
    let topics = ["people", "chat", "feed"].map(|topic| function.received(topic).len());
    assert_eq!(topics, [0, 0, 1]);
    let asked: Vec<_> = aws.request_counts().into_iter().collect();
    let asked: Vec<_> = asked
        .iter()
        .map(|(operation, count)| (operation.as_str(), *count))
        .collect();
    assert_eq!(
        asked,
        [
            ("BatchGetItem", 1),
            ("BatchWriteItem", 1),
            ("Publish", 1),
            ("PutItem", 1)
        ]
    );
}

#[test]
fn an_owner_who_loses_a_key_is_named() {
    let aws = aws();
    after_the_machine(&aws);
    let function = Function::start_on(aws, "key-activity", &[]);
    // The watch has seen the key before.
    done(&function, "EnableKey", json!({"KeyId": PAYMENTS}));
    let tags = json!([{"TagKey": "Owner", "TagValue": "team-new"}]);
    let body = json!({"KeyId": PAYMENTS, "Tags": tags});
    let alert = done(&function, "TagResource", body);
    assert_eq!(alert["severity"], "MEDIUM", "{alert:#}");
    assert_eq!(alert["key"]["owner"], "team-new");
    let owners = [&alert["details"]["ownerFrom"], &alert["details"]["ownerTo"]];
    assert_eq!(owners, ["team-pay", "team-new"]);
}

#[test]
fn the_same_record_twice_is_one_alert() {
    let function = Function::start_on(aws(), "key-activity", &[]);
    let record = event("key-activity/ct-put-key-policy.json");
    assert_eq!(function.handle(&record)["outcome"], "delivered");
    assert_eq!(function.handle(&record)["outcome"], "duplicate");
    assert_eq!(function.feed().len(), 1);
}
