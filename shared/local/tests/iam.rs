//! The policy of a role: what it denies, and what in it nobody needs.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot be set up has failed"
)]

mod common;

use common::Client;
use kms_local::{Caller, LocalAws, NewKey, Options, Policy, Statement};
use serde_json::{Value, json};

/// The access key of the tests' client.
const KEY: &str = "AKIATEST";

fn start(policy: Policy) -> (LocalAws, Client) {
    let aws = LocalAws::start(Options::default()).unwrap();
    aws.caller_for(KEY, Caller::assumed_role("Watch", "fn"));
    aws.restrict(KEY, policy);
    let client = Client::connect(&aws.endpoint_url());
    (aws, client)
}

fn code(client: &mut Client, operation: &str, body: &Value) -> String {
    let reply = client.kms(operation, body);
    if reply.status == 200 {
        "ok".to_owned()
    } else {
        reply.json()["__type"].as_str().unwrap().to_owned()
    }
}

fn unused(aws: &LocalAws) -> Vec<(String, String)> {
    let all = aws.unused_permissions(KEY).into_iter();
    all.map(|unused| (unused.statement, unused.action))
        .collect()
}

#[test]
fn what_is_not_granted_is_denied_with_the_words_of_iam() {
    let (aws, mut client) = start(Policy::new([Statement::allow(
        ["kms:DescribeKey"],
        ["arn:aws:kms:*:111122223333:key/*"],
    )]));
    let key = aws.add_key(NewKey::symmetric().alias("alias/a"));
    assert_eq!(
        code(&mut client, "DescribeKey", &json!({"KeyId": key})),
        "ok"
    );
    // An alias is only a name of the key.
    let by_alias = json!({"KeyId": "alias/a"});
    assert_eq!(code(&mut client, "DescribeKey", &by_alias), "ok");
    let denied = client.kms("DisableKey", &json!({"KeyId": key})).json();
    assert_eq!(
        denied["message"],
        format!(
            "User: arn:aws:sts::111122223333:assumed-role/Watch/fn is not authorized to perform: \
             kms:DisableKey on resource: {key} because no identity-based policy allows the kms:DisableKey action"
        )
    );
    assert_eq!(
        code(&mut client, "ListKeys", &json!({})),
        "AccessDeniedException",
        "needs all resources"
    );
    // Somebody else is not restricted.
    aws.call("DisableKey", json!({"KeyId": key})).unwrap();
}

#[test]
fn a_denial_beats_a_grant() {
    let (aws, mut client) = start(Policy::new([
        Statement::allow(["kms:*"], ["*"]),
        Statement::deny(["kms:Schedule*"], ["*"]),
    ]));
    let key = aws.add_key(NewKey::symmetric());
    assert_eq!(
        code(&mut client, "DisableKey", &json!({"KeyId": key})),
        "ok"
    );
    let denied = client.kms("ScheduleKeyDeletion", &json!({"KeyId": key}));
    let message = denied.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with("with an explicit deny in an identity-based policy"),
        "{message}"
    );
}

#[test]
fn not_action_means_all_but() {
    let statement = Statement::allow(["kms:DisableKey", "sns:*"], ["*"]).all_but_these_actions();
    let (aws, mut client) = start(Policy::new([statement]));
    let topic = aws.create_topic("alerts");
    let key = aws.add_key(NewKey::symmetric());
    assert_eq!(unused(&aws), [("1".to_owned(), "*".to_owned())]);
    assert_eq!(code(&mut client, "EnableKey", &json!({"KeyId": key})), "ok");
    assert_eq!(
        code(&mut client, "DisableKey", &json!({"KeyId": key})),
        "AccessDeniedException"
    );
    let publish = [
        ("Action", "Publish"),
        ("TopicArn", &*topic),
        ("Message", "m"),
    ];
    let denied = client.sns(&publish);
    assert_eq!(denied.status, 403);
    assert!(
        denied
            .text()
            .contains("SNS:Publish on resource: arn:aws:sns:")
    );
    assert!(unused(&aws).is_empty());
}

#[test]
fn aliases_and_re_encryption_need_two_permissions() {
    let aws = LocalAws::start(Options::default()).unwrap();
    let (a, b) = (
        aws.add_key(NewKey::symmetric()),
        aws.add_key(NewKey::symmetric()),
    );
    let mut client = Client::connect(&aws.endpoint_url());
    let alias = json!({"AliasName": "alias/x", "TargetKeyId": a});
    let on = |resources: &[&str]| {
        let actions = ["kms:CreateAlias", "kms:ReEncryptFrom"];
        let from = Statement::allow(actions, resources.iter().copied());
        aws.restrict(
            KEY,
            Policy::new([from, Statement::allow(["kms:ReEncryptTo"], [b.as_str()])]),
        );
    };
    on(&[&a]);
    assert_eq!(
        code(&mut client, "CreateAlias", &alias),
        "AccessDeniedException"
    );
    on(&[&a, "arn:aws:kms:us-east-1:111122223333:alias/*"]);
    assert_eq!(code(&mut client, "CreateAlias", &alias), "ok");

    let body = json!({"KeyId": a, "Plaintext": "AAAA"});
    let blob = aws.call("Encrypt", body).unwrap()["CiphertextBlob"].clone();
    let body = json!({"CiphertextBlob": blob, "DestinationKeyId": b});
    assert_eq!(code(&mut client, "ReEncrypt", &body), "ok");
    on(&[&b]);
    assert_eq!(
        code(&mut client, "ReEncrypt", &body),
        "AccessDeniedException"
    );
}

#[test]
fn what_was_never_used_is_named_with_its_statement() {
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Read",
                "Effect": "Allow",
                "Action": ["kms:DescribeKey", "kms:List*", "kms:GetKeyPolicy"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}},
            },
            {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"},
            {"Effect": "Deny", "Action": "kms:DisableKey", "Resource": "*"},
        ],
    });
    let (aws, mut client) = start(Policy::from_json(&document).unwrap());
    let key = aws.add_key(NewKey::symmetric());
    assert_eq!(
        code(&mut client, "DescribeKey", &json!({"KeyId": key})),
        "ok"
    );
    assert_eq!(code(&mut client, "ListAliases", &json!({})), "ok");
    let pair = |statement: &str, action: &str| (statement.to_owned(), action.to_owned());
    assert_eq!(
        unused(&aws),
        [pair("Read", "kms:GetKeyPolicy"), pair("2", "sns:Publish")]
    );
    let conditions = aws.ignored_conditions(KEY);
    assert_eq!(conditions.len(), 1);
    assert!(conditions["Read"].get("StringEquals").is_some());

    let broken = json!([{"Effect": "Allow", "Action": "kms:*"}]);
    let error = Policy::from_json(&broken).unwrap_err();
    assert_eq!(error.to_string(), "statement 1 has no valid Resource");
}
