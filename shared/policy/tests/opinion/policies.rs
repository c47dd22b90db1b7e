//! The policies that all are asked about: those of the samples, and a few thousand made ones.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::repository;

/// How many are made.
const MADE: usize = 4_000;

/// Makes the same ones each time.
const SEED: u64 = 17;

pub(crate) fn all() -> Vec<Value> {
    let mut policies = Vec::new();
    samples(&repository().join("events"), &mut policies);
    assert!(policies.len() > 20, "{}", policies.len());
    let mut random = fastrand::Rng::with_seed(SEED);
    policies.extend((0..MADE).map(|_| made(&mut random)));
    policies
}

/// Every key policy that stands in a sample event.
fn samples(folder: &Path, policies: &mut Vec<Value>) {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            samples(&path, policies);
        } else if let Ok(event) = serde_json::from_str::<Value>(&fs::read_to_string(&path).unwrap())
        {
            within(&event, policies);
        }
    }
}

fn within(value: &Value, policies: &mut Vec<Value>) {
    match value {
        Value::Object(members) => members.values().for_each(|it| within(it, policies)),
        Value::Array(items) => items.iter().for_each(|it| within(it, policies)),
        Value::String(text) if text.contains("\"Statement\"") => {
            let policy = serde_json::from_str::<Value>(text).ok();
            // One statement alone is one in a list; the evaluators do not all take it bare.
            let readable = policy.filter(|it| it["Statement"].is_array());
            policies
                .extend(readable.filter(|it| watch_policy::Policy::parse(&it.to_string()).is_ok()));
        }
        _ => {}
    }
}

const PRINCIPALS: [&str; 16] = [
    r#""*""#,
    r#""*""#,
    r#""*""#,
    r#"{"AWS":"*"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:root"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":["arn:aws:iam::222233334444:root","arn:aws:iam::111122223333:role/app"]}"#,
    r#"{"AWS":"arn:aws:iam::444455556666:role/loader"}"#,
    r#"{"AWS":["444455556666"]}"#,
    r#"{"AWS":"arn:aws:iam::*:role/x"}"#,
    r#"{"AWS":"AROAATTACKERROLE00001"}"#,
    r#"{"Service":"sns.amazonaws.com"}"#,
    r#"{"Service":["sns.amazonaws.com"],"AWS":"arn:aws:iam::111122223333:root"}"#,
    r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/idp"}"#,
    r#"{"Federated":"cognito-identity.amazonaws.com"}"#,
];

const ACTIONS: [&str; 10] = [
    r#""kms:*""#,
    r#""*""#,
    r#""kms:Decrypt""#,
    r#"["kms:Decrypt","kms:Encrypt"]"#,
    r#""kms:D*""#,
    r#""kms:?ncrypt""#,
    r#""KMS:decrypt""#,
    r#""kms:Put*""#,
    r#""kms:*Key*""#,
    r#""s3:*""#,
];

const OPERATORS: [&str; 14] = [
    "StringEquals",
    "StringEquals",
    "StringEquals",
    "StringLike",
    "StringLike",
    "stringequals",
    "StringEqualsIgnoreCase",
    "StringEqualsIfExists",
    "ForAnyValue:StringLike",
    "ForAllValues:StringLike",
    "StringNotEquals",
    "StringNotLike",
    "ArnLike",
    "ArnNotEquals",
];

const VALUES: [(&str, &[&str]); 14] = [
    (
        "kms:CallerAccount",
        &[
            "111122223333",
            "444455556666",
            "222233334444",
            "4444*",
            "????????????",
            "${aws:PrincipalAccount}",
        ],
    ),
    (
        "aws:PrincipalAccount",
        &["111122223333", "444455556666", "*"],
    ),
    (
        "aws:PrincipalArn",
        &[
            "arn:aws:iam::111122223333:role/app",
            "arn:aws:iam::444455556666:role/*",
            "arn:aws:iam::*:role/x",
            "*",
        ],
    ),
    (
        "aws:PrincipalOrgID",
        &["o-ourcompany1", "o-attacker123", "o-*"],
    ),
    (
        "AWS:PrincipalOrgPaths",
        &["o-ourcompany1/*", "o-attacker123/r-ab12/*", "o-*/r-ab12/*"],
    ),
    (
        "aws:userid",
        &["AROAATTACKERROLE00001:*", "AIDAATTACKERUSER00001", "*:x"],
    ),
    ("aws:SourceAccount", &["111122223333", "444455556666"]),
    (
        "aws:SourceArn",
        &[
            "arn:aws:sns:us-east-1:111122223333:t",
            "arn:aws:sns:*:444455556666:*",
            "arn:aws:s3:::bucket",
        ],
    ),
    ("aws:SourceVpce", &["vpce-0attacker", "vpce-*"]),
    ("aws:SourceVpc", &["vpc-0attacker"]),
    (
        "kms:ViaService",
        &["s3.us-east-1.amazonaws.com", "*.amazonaws.com"],
    ),
    ("kms:EncryptionContext:app", &["pay"]),
    ("aws:PrincipalTag/team", &["pay"]),
    ("aws:username", &["maria"]),
];

const OTHERS: [(&str, &str, &str); 8] = [
    ("IpAddress", "aws:SourceIp", r#""198.51.100.0/24""#),
    ("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#),
    ("NotIpAddress", "aws:SourceIp", r#""198.51.100.0/24""#),
    ("Bool", "aws:SecureTransport", r#""true""#),
    ("Bool", "aws:SecureTransport", r#""false""#),
    ("Null", "aws:PrincipalOrgID", r#""false""#),
    (
        "DateLessThan",
        "aws:CurrentTime",
        r#""2020-01-01T00:00:00Z""#,
    ),
    (
        "DateGreaterThan",
        "aws:CurrentTime",
        r#""2020-01-01T00:00:00Z""#,
    ),
];

fn made(random: &mut fastrand::Rng) -> Value {
    let count = random.usize(1..4);
    let statements: Vec<Value> = (0..count).map(|n| statement(random, n > 0)).collect();
    json!({ "Version": "2012-10-17", "Statement": statements })
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn statement(random: &mut fastrand::Rng, may_deny: bool) -> Value {
    let mut members = Map::new();
    let denies = may_deny && random.u8(0..3) == 0;
    members.insert(
        "Effect".to_owned(),
        json!(if denies { "Deny" } else { "Allow" }),
    );
    let who = match random.u8(0..20) {
        0 => "NotPrincipal",
        _ => "Principal",
    };
    let principals = match who {
        "Principal" => &PRINCIPALS[..],
        _ => &PRINCIPALS[4..10],
    };
    members.insert(who.to_owned(), parsed(random.choice(principals).unwrap()));
    members.insert("Action".to_owned(), parsed(random.choice(ACTIONS).unwrap()));
    let resource = match random.u8(0..25) {
        0 => "arn:aws:dynamodb:us-east-1:111122223333:table/t",
        _ => "*",
    };
    members.insert("Resource".to_owned(), json!(resource));
    let mut tests = Map::new();
    for _ in 0..random.choice([0, 0, 1, 1, 1, 2]).unwrap() {
        let (operator, key, value) = test(random);
        tests.insert(operator, json!({ key: value }));
    }
    if !tests.is_empty() {
        members.insert("Condition".to_owned(), Value::Object(tests));
    }
    Value::Object(members)
}

fn test(random: &mut fastrand::Rng) -> (String, String, Value) {
    if random.u8(0..5) == 0 {
        let (operator, key, value) = random.choice(OTHERS).unwrap();
        return (operator.to_owned(), key.to_owned(), parsed(value));
    }
    let (key, values) = random.choice(VALUES).unwrap();
    let operator = random.choice(OPERATORS).unwrap();
    let value = match random.u8(0..4) {
        0 => json!([
            random.choice(values).unwrap(),
            random.choice(values).unwrap()
        ]),
        _ => json!(random.choice(values).unwrap()),
    };
    (operator.to_owned(), key.to_owned(), value)
}
