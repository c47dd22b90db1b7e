//! Denies that name nearly everybody, and those that stop the services through which data is read.

use super::*;

const LETTERS: std::ops::RangeInclusive<char> = 'a'..='z';

/// A pattern for each letter, in both cases, but for one name that is left out.
fn names(of: &str) -> String {
    let role = |name: String| format!("\"arn:aws:iam::111122223333:{of}/{name}\"");
    let patterns = LETTERS.flat_map(|letter| {
        let upper = letter.to_ascii_uppercase();
        match letter {
            // `xenon` is spared.
            'x' => vec!["xa*".to_owned(), "xr*".to_owned(), format!("{upper}*")],
            _ => vec![format!("{letter}*"), format!("{upper}*")],
        }
    });
    patterns.map(role).collect::<Vec<_>>().join(",")
}

fn deny_names(operator: &str, key: &str, values: &str, actions: &str) -> Diff {
    let condition = condition(operator, key, &format!("[{values}]"));
    diff(&format!("{BEFORE}{}", deny(EVERYBODY, actions, &condition)))
}

#[test]
fn a_deny_of_the_beginnings_of_all_names_but_one_seizes_the_key() {
    let root = r#""arn:aws:iam::111122223333:root""#;
    let all = format!("{},{},{root}", names("role"), names("user"));
    for operator in ["ArnLike", "StringLike", "ArnEquals"] {
        let found = deny_names(operator, "aws:PrincipalArn", &all, ALL);
        assert!(found.is_seized() && found.is_critical(), "{operator}");
        assert!(!found.after.delegates_to_iam, "{operator}");
        let left = found.after.who_may(Question::Change);
        assert_eq!(left.len(), 1, "{left:?}");
    }
    // In one statement for each name, and by what names have in them.
    let each: Vec<_> = all
        .split(',')
        .map(|value| {
            deny(
                EVERYBODY,
                ALL,
                &condition("ArnLike", "aws:PrincipalArn", value),
            )
        })
        .collect();
    assert!(diff(&format!("{BEFORE}{}", each.concat())).is_seized());
    let within =
        ["a", "e", "i", "o", "u"].map(|part| format!("\"arn:aws:iam::111122223333:*{part}*\""));
    let within = format!("{},{root}", within.join(","));
    let found = deny_names("StringLike", "aws:PrincipalArn", &within, ALL);
    assert!(found.is_seized(), "{:?}", found.after.holders);
}

#[test]
fn a_deny_of_all_names_but_the_root_user_leaves_nobody_but_the_root_user() {
    let both = format!("{},{}", names("role"), names("user"));
    let found = deny_names("ArnLike", "aws:PrincipalArn", &both, ALL);
    // The root user can put the policy back. IAM policies give most roles nothing any more.
    assert!(!found.is_critical());
    assert!(!found.after.delegates_to_iam);
}

#[test]
fn a_deny_of_some_names_is_no_ransom() {
    let some = ["ci-*", "dev-*", "test-*", "tmp-*", "sandbox-*", "intern-*"]
        .map(|name| format!("\"arn:aws:iam::111122223333:role/{name}\""))
        .join(",");
    let found = deny_names("ArnLike", "aws:PrincipalArn", &some, ALL);
    assert!(!found.is_critical() && found.after.delegates_to_iam);
    assert!(!found.after.is_denied_to_the_account(Question::Decrypt));
    // All names, but to encrypt with.
    let found = deny_names(
        "ArnLike",
        "aws:PrincipalArn",
        &names("role"),
        r#""kms:TagResource""#,
    );
    assert!(!found.is_critical() && found.after.delegates_to_iam);
}

fn shut(found: &Diff) -> Vec<String> {
    found.shut_services().into_iter().collect()
}

#[test]
fn a_deny_through_services_shuts_them() {
    let s3 = "s3.us-east-1.amazonaws.com";
    for (condition, first) in [
        (
            condition("StringEquals", "kms:ViaService", &format!("\"{s3}\"")),
            s3,
        ),
        (
            condition(
                "StringLike",
                "kms:ViaService",
                r#""*.us-east-1.amazonaws.com""#,
            ),
            "dynamodb.us-east-1.amazonaws.com",
        ),
        (
            condition(
                "StringEquals",
                "kms:ViaService",
                r#"["rds.us-east-1.amazonaws.com","x.us-east-1.amazonaws.com"]"#,
            ),
            "rds.us-east-1.amazonaws.com",
        ),
        (
            condition("Bool", "aws:ViaAWSService", r#""true""#),
            "dynamodb.us-east-1.amazonaws.com",
        ),
        (
            format!(
                r#","Condition":{{"StringEquals":{{"kms:ViaService":"{s3}"}},"ArnNotLike":{{"aws:PrincipalArn":{ATTACKER}}}}}"#
            ),
            s3,
        ),
    ] {
        let found = diff(&format!(
            "{BEFORE}{}",
            deny(EVERYBODY, r#""kms:Decrypt""#, &condition)
        ));
        assert_eq!(
            shut(&found).first().map(String::as_str),
            Some(first),
            "{condition}"
        );
    }
}

#[test]
fn what_keeps_a_key_to_services_or_stops_no_use_shuts_none() {
    let s3 = r#""s3.us-east-1.amazonaws.com""#;
    for statement in [
        // Through no other service, and not directly.
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition("StringNotEquals", "kms:ViaService", s3),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition("Bool", "aws:ViaAWSService", r#""false""#),
        ),
        deny(
            EVERYBODY,
            r#""kms:CreateGrant""#,
            &condition("StringEquals", "kms:ViaService", s3),
        ),
        deny(
            r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/intern"}"#,
            r#""kms:Decrypt""#,
            &condition("StringEquals", "kms:ViaService", s3),
        ),
        allow(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition("StringEquals", "kms:ViaService", s3),
        ),
    ] {
        let found = diff(&format!("{BEFORE}{statement}"));
        // Where nobody may call directly, that is told by itself.
        assert_eq!(shut(&found), [""; 0], "{statement}");
    }
    // What was shut before is nothing new.
    let both = format!(
        "{BEFORE}{}",
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition("StringEquals", "kms:ViaService", s3)
        )
    );
    let again = Diff::between(Some(&policy(&both)), &policy(&both), &CONTEXT);
    assert_eq!(shut(&again), [""; 0]);
}
