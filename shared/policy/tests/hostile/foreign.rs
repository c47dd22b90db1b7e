//! Allows that let in strangers: by principal, or by what a condition asks for.

use super::*;

#[test]
fn everybody_is_who_a_condition_lets_in() {
    let open = |operator: &str, key: &str, value: &str| {
        allow(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition(operator, key, value),
        )
    };
    rows(&[
        (
            open("StringEquals", "aws:PrincipalOrgID", r#""o-attacker123""#),
            &["o-attacker123"],
        ),
        (
            open(
                "stringequals",
                "AWS:principalorgid",
                r#"["o-ourcompany1","o-attacker123"]"#,
            ),
            &["o-attacker123"],
        ),
        (
            open("StringEquals", "aws:PrincipalOrgID", r#""o-ourcompany1""#),
            &[],
        ),
        (
            open(
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-attacker123/r-ab12/*""#,
            ),
            &["o-attacker123"],
        ),
        (
            open(
                "ForAnyValue:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-ourcompany1/r-ab12/*""#,
            ),
            &[],
        ),
        (
            open(
                "ForAllValues:StringLike",
                "aws:PrincipalOrgPaths",
                r#""o-ourcompany1/*""#,
            ),
            &["public"],
        ),
        (
            open(
                "StringEqualsIfExists",
                "aws:PrincipalOrgID",
                r#""o-ourcompany1""#,
            ),
            &["public"],
        ),
        (
            open(
                "StringNotEquals",
                "aws:PrincipalOrgID",
                r#""o-ourcompany1""#,
            ),
            &["public"],
        ),
        (
            open("StringLike", "aws:PrincipalOrgID", r#""o-*""#),
            &["public"],
        ),
        (open("Null", "aws:PrincipalOrgID", "false"), &["public"]),
        (
            open("StringEquals", "aws:SourceVpce", r#""vpce-0attacker""#),
            &["vpce-0attacker"],
        ),
        (
            open("StringEquals", "aws:SourceVpc", r#""vpc-0attacker""#),
            &["vpc-0attacker"],
        ),
        (
            open("IpAddress", "aws:SourceIp", r#""198.51.100.7""#),
            &["198.51.100.7"],
        ),
        (
            open("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#),
            &["public"],
        ),
        (
            open(
                "IpAddress",
                "aws:SourceIp",
                r#"["0.0.0.0/1","128.0.0.0/1"]"#,
            ),
            &["public"],
        ),
        (
            open("NotIpAddress", "aws:SourceIp", r#""198.51.100.7""#),
            &["public"],
        ),
        (
            open("StringLike", "aws:userid", r#""AROAATTACKERROLE00001:*""#),
            &["AROAATTACKERROLE00001:*"],
        ),
        (
            open("StringEquals", "aws:userid", r#""AIDAATTACKERUSER00001""#),
            &["AIDAATTACKERUSER00001"],
        ),
        (
            open("StringLike", "aws:userid", r#""*:attacker""#),
            &["public"],
        ),
        (
            open("StringEquals", "aws:username", r#""attacker""#),
            &["public"],
        ),
        (
            open("StringEquals", "kms:CallerAccount", r#""444455556666""#),
            &["444455556666"],
        ),
        (
            open("StringEquals", "kms:callerAccount", "444455556666"),
            &["444455556666"],
        ),
        (
            open(
                "StringEquals",
                "aws:PrincipalAccount",
                r#"["111122223333","444455556666","222233334444"]"#,
            ),
            &["444455556666"],
        ),
        (
            open("StringEquals", "kms:CallerAccount", r#""111122223333""#),
            &[],
        ),
        (
            open("StringLike", "kms:CallerAccount", r#""4444*""#),
            &["public"],
        ),
        (
            open("StringLike", "kms:CallerAccount", r#""????????????""#),
            &["public"],
        ),
        (
            open(
                "StringEquals",
                "kms:CallerAccount",
                r#""${aws:PrincipalAccount}""#,
            ),
            &["public"],
        ),
        (
            open("StringNotEquals", "kms:CallerAccount", r#""111122223333""#),
            &["public"],
        ),
        (
            open(
                "ArnLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::444455556666:role/*""#,
            ),
            &["444455556666"],
        ),
        (
            open(
                "ArnLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::*:role/attacker""#,
            ),
            &["public"],
        ),
        (
            open(
                "ArnNotLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:*""#,
            ),
            &["public"],
        ),
        (
            open(
                "StringEquals",
                "kms:ViaService",
                r#""s3.us-east-1.amazonaws.com""#,
            ),
            &["via s3.us-east-1.amazonaws.com"],
        ),
        (
            open("StringLike", "kms:ViaService", r#""*.amazonaws.com""#),
            &["public"],
        ),
        (open("Bool", "aws:SecureTransport", "true"), &["public"]),
        (open("Bool", "aws:SecureTransport", "false"), &[]),
        (
            open("Bool", "aws:MultiFactorAuthPresent", "true"),
            &["public"],
        ),
        (
            open("StringEquals", "aws:PrincipalTag/team", r#""pay""#),
            &["public"],
        ),
        (
            open("StringEquals", "kms:EncryptionContext:app", r#""pay""#),
            &["public"],
        ),
        (
            open(
                "DateLessThan",
                "aws:CurrentTime",
                r#""2026-12-31T00:00:00Z""#,
            ),
            &["public"],
        ),
        (
            open(
                "DateGreaterThan",
                "aws:CurrentTime",
                r#""2026-12-31T00:00:00Z""#,
            ),
            &["public"],
        ),
        (
            open(
                "DateLessThan",
                "aws:CurrentTime",
                r#""2020-12-31T00:00:00Z""#,
            ),
            &[],
        ),
        (
            open("StringEquals", "aws:SourceAccount", r#""444455556666""#),
            &["444455556666"],
        ),
        (
            open("StringEquals", "aws:SourceAccount", r#""111122223333""#),
            &[],
        ),
        (
            open("StringEquals", "aws:SourceOrgID", r#""o-attacker123""#),
            &["o-attacker123"],
        ),
        (open("StringEquals", "corp:Unheard", r#""of""#), &["public"]),
        (
            open("StringMaybe", "kms:CallerAccount", r#""111122223333""#),
            &["public"],
        ),
        (open("StringEquals", "kms:CallerAccount", "[]"), &[]),
        (
            open("StringEquals", "aws:VpceAccount", r#""444455556666""#),
            &["444455556666"],
        ),
        (
            open("StringEquals", "aws:VpceOrgID", r#""o-ourcompany1""#),
            &[],
        ),
        (
            allow(r#""NotPrincipal":{"AWS":"111122223333"}"#, ALL, ""),
            &["public"],
        ),
        (
            allow(r#""Principal":{"AWS":["*"]}"#, r#""kms:describekey""#, ""),
            &["public"],
        ),
        (
            allow(
                r#""Principal":{"AWS":"arn:aws:iam::*:role/x"}"#,
                r#""kms:Decrypt""#,
                "",
            ),
            &["public"],
        ),
        (
            allow(EVERYBODY, r#""kms:BrandNewOperation""#, ""),
            &["public"],
        ),
        (allow(EVERYBODY, r#""s3:*""#, ""), &["same"]),
    ]);
    // Two tests, of which one keeps strangers out.
    let two = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-ourcompany1"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/reader"}}"#;
    rows(&[(allow(EVERYBODY, r#""kms:Decrypt""#, two), &[])]);
    let two = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-attacker123","aws:SourceVpce":"vpce-0attacker"}}"#;
    rows(&[(
        allow(EVERYBODY, r#""kms:Decrypt""#, two),
        &["o-attacker123", "vpce-0attacker"],
    )]);
    let two = r#","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333","aws:SourceVpce":"vpce-0attacker"}}"#;
    rows(&[(allow(EVERYBODY, r#""kms:Decrypt""#, two), &[])]);
    let two = r#","Condition":{"StringEquals":{"kms:CallerAccount":"111122223333","kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#;
    rows(&[(allow(EVERYBODY, r#""kms:Decrypt""#, two), &[])]);
}

#[test]
fn an_open_allow_is_as_open_as_its_deny_leaves_it() {
    let open = allow(EVERYBODY, r#""kms:Decrypt""#, "");
    let but = |operator: &str, key: &str, value: &str| {
        format!(
            "{open}{}",
            deny(EVERYBODY, ALL, &condition(operator, key, value))
        )
    };
    rows(&[
        (
            but(
                "StringNotEquals",
                "aws:PrincipalAccount",
                r#""111122223333""#,
            ),
            &[],
        ),
        (
            but(
                "StringNotEquals",
                "aws:PrincipalOrgID",
                r#""o-ourcompany1""#,
            ),
            &[],
        ),
        (
            but(
                "StringNotEquals",
                "aws:PrincipalAccount",
                r#"["111122223333","444455556666"]"#,
            ),
            &["444455556666"],
        ),
        (
            but("StringEquals", "aws:PrincipalAccount", r#""444455556666""#),
            &["public"],
        ),
        (
            but("Bool", "aws:SecureTransport", r#""false""#),
            &["public"],
        ),
        (
            but(
                "StringNotLike",
                "aws:userid",
                r#"["AROAATTACKERROLE00001:*","111122223333"]"#,
            ),
            &["AROAATTACKERROLE00001:*", "undelegated", "fewer cancel"],
        ),
        (
            but("Null", "aws:PrincipalOrgID", "true"),
            &[
                "public",
                "lockout",
                "unusable",
                "seized",
                "undelegated",
                "fewer cancel",
            ],
        ),
    ]);
}

#[test]
fn principals_of_every_kind_that_are_added_are_told() {
    let to = |who: &str| {
        allow(
            &format!(r#""Principal":{who}"#),
            r#"["kms:Decrypt","kms:CreateGrant"]"#,
            "",
        )
    };
    let sourced = |who: &str, key: &str, value: &str| {
        allow(
            &format!(r#""Principal":{who}"#),
            r#""kms:Decrypt""#,
            &condition("StringEquals", key, value),
        )
    };
    let sns = r#"{"Service":"sns.amazonaws.com"}"#;
    rows(&[
        (
            to(r#"{"AWS":"AROAATTACKERROLE00001"}"#),
            &["AROAATTACKERROLE00001"],
        ),
        (
            to(r#"{"AWS":"AIDAATTACKERUSER00001"}"#),
            &["AIDAATTACKERUSER00001"],
        ),
        (
            to(r#"{"AWS":"AIPAATTACKERPROF00001"}"#),
            &["AIPAATTACKERPROF00001"],
        ),
        (
            to(
                r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#,
            ),
            &["CanonicalUser 79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"],
        ),
        (
            to(r#"{"Federated":"cognito-identity.amazonaws.com"}"#),
            &["Federated cognito-identity.amazonaws.com"],
        ),
        (
            to(r#"{"Federated":"accounts.google.com"}"#),
            &["Federated accounts.google.com"],
        ),
        (
            to(r#"{"Federated":"arn:aws:iam::444455556666:saml-provider/x"}"#),
            &["444455556666"],
        ),
        (
            to(r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/x"}"#),
            &[],
        ),
        (to(r#"{"AWS":"444455556666"}"#), &["444455556666"]),
        (to(r#"{"AWS":444455556666}"#), &["444455556666"]),
        (
            to(r#"{"AWS":"arn:aws-cn:iam::444455556666:root"}"#),
            &["444455556666"],
        ),
        (
            to(r#"{"AWS":"arn:aws-us-gov:sts::444455556666:assumed-role/a/b"}"#),
            &["444455556666"],
        ),
        (
            to(r#"{"AWS":["222233334444","arn:aws:iam::222233334444:role/x"]}"#),
            &[],
        ),
        (to(sns), &["open sns.amazonaws.com"]),
        (sourced(sns, "aws:SourceAccount", r#""111122223333""#), &[]),
        (
            sourced(sns, "aws:SourceAccount", r#""444455556666""#),
            &["444455556666"],
        ),
        (
            sourced(sns, "aws:SourceOrgID", r#""o-attacker123""#),
            &["o-attacker123"],
        ),
        (
            sourced(
                r#"{"AWS":"444455556666"}"#,
                "kms:CallerAccount",
                r#""111122223333""#,
            ),
            &[],
        ),
        (
            sourced(
                r#"{"AWS":"444455556666"}"#,
                "aws:PrincipalOrgID",
                r#""o-ourcompany1""#,
            ),
            &[],
        ),
        (
            sourced(r#"{"AWS":"444455556666"}"#, "corp:Unheard", r#""of""#),
            &["444455556666"],
        ),
    ]);
    // What the deny beside it takes is not gained.
    let foreign = r#""Principal":{"AWS":"444455556666"}"#;
    rows(&[
        (allow(foreign, ALL, "") + &deny(foreign, ALL, ""), &[]),
        (
            allow(foreign, ALL, "") + &deny(foreign, r#""kms:Decrypt""#, ""),
            &["444455556666"],
        ),
        (
            allow(foreign, r#""kms:Decrypt""#, "")
                + &deny(
                    EVERYBODY,
                    ALL,
                    &condition(
                        "StringNotEquals",
                        "aws:PrincipalOrgID",
                        r#""o-ourcompany1""#,
                    ),
                ),
            &[],
        ),
        (
            allow(foreign, r#""kms:Decrypt""#, "")
                + &deny(
                    EVERYBODY,
                    ALL,
                    &condition("StringEquals", "corp:Unheard", r#""of""#),
                ),
            &[
                "444455556666",
                "lockout",
                "unusable",
                "seized",
                "undelegated",
                "fewer cancel",
            ],
        ),
    ]);
}
