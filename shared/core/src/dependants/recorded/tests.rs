use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const KEY: &str = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn key() -> KeyArn {
    KEY.parse().unwrap()
}

/// What stands between quotation marks, each time.
fn quoted(expression: &str) -> Vec<&str> {
    expression.split('\'').skip(1).step_by(2).collect()
}

#[test]
fn every_type_and_property_is_asked_for_by_every_name_of_the_key() {
    let alias = Untrusted::new("alias/orders");
    let (expressions, is_cut) = expressions(&key(), &[alias]);
    assert!(!is_cut);
    assert!(expressions.len() <= 4, "{}", expressions.len());
    let all = expressions.join("\n");
    let asked: BTreeSet<_> = quoted(&all).into_iter().collect();
    for name in [
        key().id(),
        KEY,
        "alias/orders",
        "arn:aws:kms:eu-west-1:111122223333:alias/orders",
    ] {
        assert!(asked.contains(name), "{name}");
    }
    for kind in &TYPES {
        assert!(asked.contains(kind.name), "{}", kind.name);
        for property in kind.properties {
            assert!(
                all.contains(&format!(" {property} IN (")),
                "{} {property}",
                kind.name
            );
        }
    }
    insta::assert_snapshot!(expressions[0].split(" OR ").next().unwrap(), @"SELECT resourceId, resourceType, arn WHERE (resourceType IN ('AWS::AmazonMQ::Broker') AND configuration.EncryptionOptions.KmsKeyId IN ('1234abcd-12ab-34cd-56ef-1234567890ab', 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab', 'alias/orders', 'arn:aws:kms:eu-west-1:111122223333:alias/orders'))");
}

#[test]
fn every_type_is_one_of_the_table_of_types() {
    for kind in &TYPES {
        assert!(ResourceKind::find(kind.kind).is_some(), "{}", kind.kind);
    }
}

#[test]
fn a_name_that_is_no_alias_is_left_out_and_that_is_said() {
    for hostile in [
        "alias/x' OR resourceType = 'AWS::S3::Bucket",
        "alias/",
        "alias/a b",
        "alias/a%",
        "orders",
    ] {
        let (expressions, is_cut) = expressions(&key(), &[Untrusted::new(hostile)]);
        assert!(is_cut, "{hostile}");
        let (plain, _) = super::expressions(&key(), &[]);
        assert_eq!(expressions, plain, "{hostile}");
    }
    let many: Vec<_> = (0..11)
        .map(|it| Untrusted::new(&format!("alias/{it}")))
        .collect();
    assert!(!expressions(&key(), &many[..10]).1);
    assert!(expressions(&key(), &many).1);
}

#[test]
fn a_resource_is_known_by_the_id_that_encryption_contexts_have() {
    for (kind, id, arn, expected) in [
        (
            "AWS::RDS::DBInstance",
            "db-AB12",
            "arn:aws:rds:eu-west-1:111122223333:db:orders",
            Some("db-AB12"),
        ),
        (
            "AWS::RDS::DBInstance",
            "orders",
            "arn:aws:rds:eu-west-1:111122223333:db:orders",
            None,
        ),
        (
            "AWS::RDS::DBSnapshot",
            "rds:orders-2026-11-20",
            "arn:aws:rds:eu-west-1:111122223333:snapshot:rds:orders-2026-11-20",
            Some("orders-2026-11-20"),
        ),
        (
            "AWS::Redshift::ClusterSnapshot",
            "x",
            "arn:aws:redshift:eu-west-1:111122223333:snapshot:orders/nightly",
            Some("orders/nightly"),
        ),
        ("AWS::S3::Bucket", "acme", "arn:aws:s3:::acme", Some("acme")),
        (
            "AWS::SQS::Queue",
            "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
            "arn:aws:sqs:eu-west-1:111122223333:jobs",
            Some("jobs"),
        ),
        (
            "AWS::OpenSearch::Domain",
            "111122223333/logs",
            "arn:aws:es:eu-west-1:111122223333:domain/logs",
            Some("logs"),
        ),
        (
            "AWS::EC2::Volume",
            "vol-0a",
            "arn:aws:ec2:eu-west-1:111122223333:volume/<b>",
            None,
        ),
        ("AWS::EC2::Instance", "i-0a", "", None),
    ] {
        let item = json!({"resourceType": kind, "resourceId": id, "arn": arn});
        let named = named(&item);
        let id = named.as_ref().map(|named| named.id.as_str());
        assert_eq!(id, expected, "{kind} {arn}");
    }
    let mut findings = Findings::default();
    findings.recorded(&json!({"resourceType": "AWS::S3::Bucket"}));
    findings.source(Evidence::Config);
    let found = findings.into_dependants("2026-11-20T12:00:00Z".parse().unwrap());
    assert!(found.is_empty() && !found.complete);
}

proptest! {
    #[test]
    fn no_alias_breaks_out_of_its_quotation_and_no_expression_is_too_long(
        aliases in prop::collection::vec("(alias/)?\\PC{0,270}|alias/[a-z/_-]{1,250}", 0..14)
    ) {
        let aliases: Vec<_> = aliases.iter().map(|it| Untrusted::new(it)).collect();
        let (expressions, _) = expressions(&key(), &aliases);
        let types: Vec<_> = TYPES.iter().map(|kind| kind.name).collect();
        for expression in &expressions {
            prop_assert!(expression.chars().count() <= EXPRESSION_LIMIT);
            let of_name = |b: u8| b.is_ascii_alphanumeric() || b"-_/:".contains(&b);
            for value in quoted(expression) {
                prop_assert!(value.bytes().all(of_name), "{value}");
                let is_key = value.contains(key().id()) || value.contains("alias/");
                prop_assert!(is_key || types.contains(&value), "{value}");
            }
        }
    }
}
