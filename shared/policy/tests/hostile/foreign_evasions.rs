//! The same in other clothes: ways around a judge of foreign access.

use super::*;

#[test]
fn evasions_of_foreign_access_are_seen() {
    let grants = r#""kms:CreateGrant""#;
    rows(&[
        (
            allow(
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
                grants,
                &condition("ArnEquals", "kms:GranteePrincipal", ABROAD),
            ),
            &["444455556666"],
        ),
        (
            allow(
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
                grants,
                &condition("ArnEquals", "kms:GranteePrincipal", ATTACKER),
            ),
            &[],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition("Bool", "aws:PrincipalIsAWSService", "true"),
            ),
            &["public"],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition("StringEquals", "aws:UserAgent", "\"x\""),
            ),
            &["public"],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition("StringEquals", "aws:PrincipalOrgID ", "\"o-ourcompany1\""),
            ),
            &["public"],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition("StringEquals", "aws:PrincipalOrgІD", "\"o-ourcompany1\""),
            ),
            &["public"],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition("StringEquals", "aws:PrincipalOrgID", "\"o-OURCOMPANY1\""),
            ),
            &["public"],
        ),
        (
            allow(
                r#""Principal":{"AWS":"arn:aws:sts::444455556666:federated-user/x"}"#,
                r#""kms:Decrypt""#,
                "",
            ),
            &["444455556666"],
        ),
        (
            allow(r#""Principal":{"*":"*"}"#, r#""KMS:d*""#, ""),
            &["public"],
        ),
        (
            allow(
                r#""Principal":{"AWS":["arn:aws:iam::111122223333:role/app","arn:aws:iam::44445555666?:role/x"]}"#,
                r#""kms:Decrypt""#,
                "",
            ),
            &["public"],
        ),
        (
            allow(
                r#""NotPrincipal":{"AWS":["111122223333","444455556666"]}"#,
                r#""kms:Decrypt""#,
                &condition("StringEquals", "aws:PrincipalOrgID", "\"o-ourcompany1\""),
            ),
            &[],
        ),
        (
            allow(
                EVERYBODY,
                r#""kms:Decrypt""#,
                &condition(
                    "ForAnyValue:StringEquals",
                    "aws:PrincipalOrgPaths",
                    r#"["o-ourcompany1/r-ab12/","o-attacker123/r-ab12/"]"#,
                ),
            ),
            &["o-attacker123"],
        ),
    ]);
}

#[test]
fn a_value_that_a_caller_may_choose_is_taken_as_the_operator_takes_it() {
    let foreign = r#""Principal":{"AWS":"444455556666"}"#;
    let context = |operator: &str| condition(operator, "kms:EncryptionContext:app", r#""a*b""#);
    rows(&[
        (
            allow(foreign, r#""kms:Decrypt""#, &context("StringEquals")),
            &["444455556666"],
        ),
        (
            allow(foreign, r#""kms:Decrypt""#, &context("StringLike")),
            &["444455556666"],
        ),
    ]);
}
