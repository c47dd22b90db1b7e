//! The same in other clothes: ways around a judge of ransom, tried one after the other.

use super::*;

/// Ways around a judge, tried one after the other.
#[test]
fn evasions_of_a_ransom_are_seen() {
    let unless = |operator: &str, key: &str, value: &str| condition(operator, key, value);
    let two = |first: &str, second: &str| {
        format!(
            r#","Condition":{{{},{}}}"#,
            &first[14..first.len() - 1],
            &second[14..second.len() - 1]
        )
    };
    let arn = unless("ArnNotLike", "aws:PrincipalArn", ATTACKER);
    let per = |actions: &[&str], condition: &str| -> String {
        let each = actions
            .iter()
            .map(|it| deny(EVERYBODY, &format!("{it:?}"), condition));
        each.collect()
    };
    let kinds = |who: &[&str]| -> String {
        let each = who.iter().map(|kind| {
            let kind = format!("{kind:?}");
            deny(
                EVERYBODY,
                ALL,
                &condition("StringEquals", "aws:PrincipalType", &kind),
            )
        });
        each.collect()
    };
    for text in [
        // Cut into operations, and into people.
        per(&["kms:PutKeyPolicy", "kms:Decrypt"], &arn),
        per(&["kms:?ut*", "kms:*ecrypt*"], &arn),
        kinds(&["Account", "AssumedRole", "User", "FederatedUser"]),
        deny(
            EVERYBODY,
            ALL,
            &condition(
                "ArnLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:*""#,
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &condition(
                "StringLike",
                "aws:PrincipalArn",
                r#"["arn:aws:iam::111122223333:role/*","arn:aws:iam::111122223333:user/*","arn:aws:iam::111122223333:root"]"#,
            ),
        ),
        deny(
            r#""Principal":{"AWS":["111122223333","arn:aws:iam::444455556666:root"]}"#,
            ALL,
            &arn,
        ),
        deny(
            r#""NotPrincipal":{"AWS":["arn:aws:iam::111122223333:role/attacker","arn:aws:iam::111122223333:role/other"],"Service":"s3.amazonaws.com"}"#,
            ALL,
            "",
        ),
        format!(
            r#",{{"Effect":"Deny","Principal":"*","NotAction":["kms:GetKeyPolicy","kms:DescribeKey","s3:*"],"NotResource":"arn:aws:s3:::x"{arn}}}"#
        ),
        // More than one test, one of which always holds.
        deny(
            EVERYBODY,
            ALL,
            &two(&arn, &unless("Bool", "aws:SecureTransport", "true")),
        ),
        deny(
            EVERYBODY,
            ALL,
            &two(&arn, &unless("Null", "aws:PrincipalArn", "false")),
        ),
        deny(
            EVERYBODY,
            ALL,
            &two(
                &arn,
                &unless(
                    "DateGreaterThan",
                    "aws:CurrentTime",
                    "\"1970-01-01T00:00:00Z\"",
                ),
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &two(&arn, &unless("StringNotEquals", "corp:Unheard", "\"of\"")),
        ),
        // What looks like a choice and is none.
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "BoolIfExists",
                "aws:MultiFactorAuthPresent",
                r#"["true","false"]"#,
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless("Null", "aws:MultiFactorAuthPresent", r#"["true","false"]"#),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "DateGreaterThanIfExists",
                "aws:TokenIssueTime",
                "\"1970-01-01T00:00:00Z\"",
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless("StringNotEquals", "aws:UserAgent", "\"only-i-know\""),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless("StringNotLike", "aws:Referer", "\"only-i-know\""),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "StringNotEquals",
                "kms:ViaService",
                "\"s3.us-east-1.amazonaws.com\"",
            ),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless("StringLike", "kms:EncryptionAlgorithm", "\"*\""),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless(
                "StringEquals",
                "kms:EncryptionAlgorithm",
                "\"SYMMETRIC_DEFAULT\"",
            ),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless(
                "StringNotEquals",
                "kms:EncryptionContext:door",
                "\"only-i-know\"",
            ),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless("Null", "kms:EncryptionContext:door", "true"),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless("StringEquals", "kms:KeyUsage", "\"ENCRYPT_DECRYPT\""),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless("StringEquals", "kms:KeyOrigin", "\"AWS_KMS\""),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &unless("StringEquals", "aws:ResourceTag/team", "\"pay\""),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "StringNotEquals",
                "aws:PrincipalArn",
                "\"${aws:PrincipalTag/door}\"",
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless("StringLike", "aws:CurrentTime", "\"20*\""),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "ForAllValues:StringEquals",
                "aws:PrincipalServiceNamesList",
                "\"x\"",
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless("ForAllValues:StringNotEquals", "aws:SourceAccount", "\"x\""),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "NotIpAddress",
                "aws:SourceIp",
                r#"["198.51.100.0/25","0.0.0.0/1"]"#,
            ),
        ),
        deny(
            EVERYBODY,
            ALL,
            &unless(
                "IpAddress",
                "aws:SourceIp",
                r#"["0.0.0.0/1","128.0.0.0/1"]"#,
            ),
        ),
        // Not a deny at all.
        allow(
            r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/x"}"#,
            r#""kms:Decrypt""#,
            "",
        ) + &deny(r#""Principal":{"AWS":"111122223333"}"#, ALL, ""),
    ] {
        let found = diff(&format!("{BEFORE}{text}"));
        assert!(found.is_critical(), "{text}: {:?}", verdict(&found));
    }
}
