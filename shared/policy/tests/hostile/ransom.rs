//! Denies that leave the key to a few, or to nobody, and those that do not.

use super::*;

/// Ransom: everybody is denied everything, but for one.
#[test]
fn a_deny_of_all_but_one_is_critical_however_the_one_is_named() {
    let rows: [(&str, &str, &str); 50] = [
        ("StringNotEquals", "aws:PrincipalArn", ATTACKER),
        ("StringNotLike", "aws:PrincipalArn", ATTACKER),
        ("ArnNotEquals", "aws:PrincipalArn", ATTACKER),
        ("ArnNotLike", "aws:PrincipalArn", ATTACKER),
        ("ArnNotLikeIfExists", "AWS:principalARN", ATTACKER),
        ("StringNotEqualsIgnoreCase", "aws:PrincipalArn", ATTACKER),
        ("ForAllValues:StringNotEquals", "aws:PrincipalArn", ATTACKER),
        ("ForAnyValue:StringNotLike", "aws:PrincipalArn", ATTACKER),
        ("ArnNotLike", "aws:PrincipalArn", ABROAD),
        (
            "ArnNotLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::*:role/attacker""#,
        ),
        ("StringNotLike", "aws:PrincipalArn", r#""*:role/attacker""#),
        ("StringNotLike", "aws:PrincipalArn", r#""*attacker*""#),
        (
            "StringNotLike",
            "aws:PrincipalArn",
            r#"["arn:aws:iam::111122223333:role/a","arn:aws:iam::111122223333:role/b"]"#,
        ),
        (
            "StringNotEquals",
            "aws:PrincipalAccount",
            r#""444455556666""#,
        ),
        (
            "StringNotEquals",
            "kms:CallerAccount",
            r#"["444455556666"]"#,
        ),
        ("NumericNotEquals", "aws:PrincipalAccount", "444455556666"),
        (
            "StringNotLike",
            "aws:userid",
            r#""AROAATTACKERROLE00001:*""#,
        ),
        ("StringNotLike", "aws:userid", r#""AROAATTACKER*""#),
        ("StringNotLike", "aws:userid", r#""*:attacker""#),
        (
            "StringNotEquals",
            "aws:userid",
            r#""AIDAATTACKERUSER00001""#,
        ),
        ("StringNotEquals", "aws:username", r#""attacker""#),
        ("StringNotLike", "aws:username", r#""attack*""#),
        (
            "StringNotEquals",
            "aws:PrincipalOrgID",
            r#""o-attacker123""#,
        ),
        (
            "ForAnyValue:StringNotLike",
            "aws:PrincipalOrgPaths",
            r#""o-attacker123/*""#,
        ),
        ("StringNotEquals", "aws:SourceVpce", r#""vpce-0attacker""#),
        (
            "StringNotEqualsIfExists",
            "aws:SourceVpc",
            r#""vpc-0attacker""#,
        ),
        ("NotIpAddress", "aws:SourceIp", r#""198.51.100.7/32""#),
        (
            "NotIpAddressIfExists",
            "aws:SourceIp",
            r#"["198.51.100.0/24","2001:db8::/32"]"#,
        ),
        ("StringNotEquals", "aws:PrincipalTag/door", r#""open""#),
        ("StringNotEquals", "aws:SourceIdentity", r#""attacker""#),
        ("StringNotEquals", "aws:SourceAccount", r#""111122223333""#),
        ("ArnNotLikeIfExists", "aws:SourceArn", r#""arn:aws:s3:::*""#),
        ("Null", "aws:PrincipalArn", r#""false""#),
        ("Null", "aws:SourceAccount", r#""true""#),
        ("Null", "aws:PrincipalTag/door", "true"),
        ("Bool", "aws:SecureTransport", r#""true""#),
        ("BoolIfExists", "aws:SecureTransport", "true"),
        ("Bool", "aws:PrincipalIsAWSService", r#""false""#),
        (
            "DateGreaterThan",
            "aws:CurrentTime",
            r#""1970-01-01T00:00:00Z""#,
        ),
        (
            "DateGreaterThanEquals",
            "aws:CurrentTime",
            r#""2026-02-14T08:00:00Z""#,
        ),
        (
            "DateLessThan",
            "aws:CurrentTime",
            r#""2999-01-01T00:00:00Z""#,
        ),
        (
            "DateNotEquals",
            "aws:CurrentTime",
            r#""1999-01-01T00:00:00Z""#,
        ),
        ("NumericGreaterThan", "aws:EpochTime", r#""0""#),
        // Not yet, but some day.
        (
            "DateGreaterThan",
            "aws:CurrentTime",
            r#""2026-02-14T09:00:00Z""#,
        ),
        ("StringEquals", "aws:RequestedRegion", r#""us-east-1""#),
        ("StringNotEquals", "aws:RequestedRegion", r#""mars-1""#),
        ("StringEquals", "aws:ResourceAccount", r#""111122223333""#),
        ("StringLike", "kms:CallerAccount", r#""*""#),
        (
            "StringEqualsIfExists",
            "kms:KeySpec",
            r#""SYMMETRIC_DEFAULT""#,
        ),
        ("StringNotEqualsOrSo", "corp:Unheard", r#""of""#),
    ];
    for (operator, key, value) in rows {
        for actions in [
            ALL,
            r#""*""#,
            r#"["kms:P*","kms:Dec*","kms:E*","kms:G*","kms:S*","kms:V*","kms:R*","kms:C*"]"#,
        ] {
            let text = deny(EVERYBODY, actions, &condition(operator, key, value));
            let found = diff(&format!("{BEFORE}{text}"));
            assert!(found.is_critical(), "{text}: {:?}", verdict(&found));
            assert!(found.fewer_can_cancel(), "{text}");
            assert!(!found.lost(Question::Change).is_empty(), "{text}");
            assert_eq!(found.added[0].effect, watch_policy::Effect::Deny);
        }
        // As a deny of everything that is not read-only, and of one person after the other.
        let rest = format!(
            r#",{{"Effect":"Deny","Principal":{{"AWS":"*"}},"NotAction":["kms:Describe*","kms:List*"],"Resource":"*"{}}}"#,
            condition(operator, key, value)
        );
        assert!(diff(&format!("{BEFORE}{rest}")).is_critical(), "{rest}");
        let account = deny(
            r#""Principal":{"AWS":"111122223333"}"#,
            ALL,
            &condition(operator, key, value),
        );
        assert!(
            diff(&format!("{BEFORE}{account}")).is_critical(),
            "{account}"
        );
    }
}

/// What owners do to protect a key, and must not wake anybody.
#[test]
fn a_deny_that_leaves_the_account_in_control_is_not_critical() {
    for (operator, key, value) in [
        ("Bool", "aws:SecureTransport", r#""false""#),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", r#""false""#),
        ("Bool", "aws:MultiFactorAuthPresent", r#""false""#),
        (
            "StringNotEquals",
            "aws:PrincipalOrgID",
            r#""o-ourcompany1""#,
        ),
        (
            "ForAnyValue:StringNotLike",
            "aws:PrincipalOrgPaths",
            r#""o-ourcompany1/*""#,
        ),
        (
            "StringNotEquals",
            "kms:CallerAccount",
            r#"["111122223333","222233334444"]"#,
        ),
        (
            "StringNotEquals",
            "aws:PrincipalAccount",
            r#""111122223333""#,
        ),
        (
            "ArnNotLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:*""#,
        ),
        (
            "ArnLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/leaver""#,
        ),
        ("StringEquals", "aws:username", r#""leaver""#),
        ("StringLike", "aws:userid", r#""AROALEAVERSROLE000001:*""#),
        ("IpAddress", "aws:SourceIp", r#""203.0.113.0/24""#),
        ("StringEquals", "aws:SourceVpc", r#""vpc-0quarantine""#),
        (
            "DateLessThan",
            "aws:CurrentTime",
            r#""2020-01-01T00:00:00Z""#,
        ),
        (
            "DateLessThan",
            "aws:TokenIssueTime",
            r#""2026-02-01T00:00:00Z""#,
        ),
        ("NumericGreaterThan", "aws:MultiFactorAuthAge", r#""3600""#),
        (
            "StringNotEquals",
            "aws:RequestedRegion",
            r#"["us-east-1","eu-west-1"]"#,
        ),
        ("Bool", "aws:ViaAWSService", r#""true""#),
        ("StringEquals", "aws:ResourceAccount", r#""444455556666""#),
    ] {
        let text = deny(EVERYBODY, ALL, &condition(operator, key, value));
        let found = diff(&format!("{BEFORE}{text}"));
        assert!(!found.is_critical(), "{text}: {:?}", verdict(&found));
    }
    for guard in [
        deny(
            EVERYBODY,
            r#"["kms:ScheduleKeyDeletion","kms:DisableKey"]"#,
            "",
        ),
        deny(
            EVERYBODY,
            r#""kms:ScheduleKeyDeletion""#,
            &condition("ArnNotLike", "aws:PrincipalArn", ATTACKER),
        ),
        deny(
            EVERYBODY,
            r#""kms:Decrypt""#,
            &condition(
                "ArnNotLike",
                "aws:PrincipalArn",
                r#""arn:aws:iam::111122223333:role/app""#,
            ),
        ),
        deny(
            EVERYBODY,
            r#""kms:CreateGrant""#,
            &condition("Bool", "kms:GrantIsForAWSResource", "false"),
        ),
        deny(
            EVERYBODY,
            r#""kms:PutKeyPolicy""#,
            &condition("Bool", "kms:BypassPolicyLockoutSafetyCheck", "true"),
        ),
        deny(
            EVERYBODY,
            r#""kms:ScheduleKeyDeletion""#,
            &condition(
                "NumericLessThan",
                "kms:ScheduleKeyDeletionPendingWindowInDays",
                "30",
            ),
        ),
        deny(
            EVERYBODY,
            r#""kms:PutKeyPolicy""#,
            &condition(
                "ArnNotLike",
                "aws:PrincipalArn",
                r#"["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/admin"]"#,
            ),
        ),
        deny(r#""Principal":{"AWS":"444455556666"}"#, ALL, ""),
        deny(
            r#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:root"}"#,
            r#""kms:ScheduleKeyDeletion""#,
            "",
        ),
    ] {
        let found = diff(&format!("{BEFORE}{guard}"));
        assert!(!found.is_critical(), "{guard}: {:?}", verdict(&found));
    }
}

#[test]
fn a_deny_without_a_condition_says_what_is_lost() {
    rows(&[
        (deny(EVERYBODY, r#""kms:Decrypt""#, ""), &["unusable"]),
        (deny(EVERYBODY, r#""kms:d*t""#, ""), &["unusable"]),
        (
            deny(
                EVERYBODY,
                r#"["kms:Encrypt","kms:GenerateDataKey*","kms:ReEncrypt*"]"#,
                "",
            ),
            &["unusable"],
        ),
        (
            deny(EVERYBODY, r#""kms:PutKeyPolicy""#, ""),
            &["lockout", "seized", "undelegated"],
        ),
        (
            deny(EVERYBODY, r#""kms:CancelKeyDeletion""#, ""),
            &["fewer cancel"],
        ),
        (
            deny(EVERYBODY, ALL, ""),
            &[
                "lockout",
                "unusable",
                "seized",
                "undelegated",
                "fewer cancel",
            ],
        ),
        (
            deny(
                r#""NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/attacker"}"#,
                ALL,
                "",
            ),
            &["seized", "undelegated", "fewer cancel"],
        ),
        (
            deny(
                r#""NotPrincipal":{"AWS":["444455556666","arn:aws:iam::444455556666:role/a"]}"#,
                ALL,
                "",
            ),
            &[
                "lockout",
                "unusable",
                "seized",
                "undelegated",
                "fewer cancel",
            ],
        ),
        (
            deny(
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#,
                r#""kms:Put*""#,
                "",
            ),
            &["lockout", "seized", "undelegated"],
        ),
        (
            deny(
                r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
                ALL,
                "",
            ),
            &[],
        ),
    ]);
    // By choices that shut each other out.
    let via = |operator: &str| {
        condition(
            operator,
            "kms:ViaService",
            r#""s3.us-east-1.amazonaws.com""#,
        )
    };
    let both = [
        deny(EVERYBODY, r#""kms:Decrypt""#, &via("StringEquals")),
        deny(EVERYBODY, r#""kms:Decrypt""#, &via("StringNotEquals")),
    ];
    rows(&[(both.concat(), &["unusable"])]);
    let mfa =
        |operator: &str, value: &str| condition(operator, "aws:MultiFactorAuthPresent", value);
    let both = [
        deny(EVERYBODY, r#""kms:PutKeyPolicy""#, &mfa("Bool", "true")),
        deny(
            EVERYBODY,
            r#""kms:PutKeyPolicy""#,
            &mfa("BoolIfExists", "false"),
        ),
    ];
    rows(&[(both.concat(), &["lockout", "seized", "undelegated"])]);
    // No service changes a policy for its caller.
    rows(&[(
        deny(EVERYBODY, ALL, &via("StringNotEquals")),
        &["lockout", "seized", "undelegated", "fewer cancel"],
    )]);
}

#[test]
fn a_policy_without_the_account_is_told_from_one_that_shuts_it_out() {
    let role = |name: &str, actions: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:role/{name}"}},"Action":{actions},"Resource":"*"}}"#
        )
    };
    // Nobody is shut out by a deny: the account can still be named by whoever is left.
    let found = diff(&role("attacker", ALL));
    assert!(!found.is_critical() && !found.after.delegates_to_iam);
    assert_eq!(found.lost(Question::Change).len(), 2);
    // An administrator beside those who use the key.
    let stricter = [
        role("admin", r#"["kms:Put*","kms:Describe*"]"#),
        role("app", r#""kms:Decrypt""#),
    ]
    .join(",");
    let found = diff(&stricter);
    assert!(!found.is_critical() && !found.after.delegates_to_iam);
    let root_user = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalType":"Account"}}}"#;
    let found = diff(&[root_user.to_owned(), role("pipeline", ALL)].join(","));
    assert!(!found.is_critical() && !found.after.delegates_to_iam);
    assert!(
        found
            .after
            .who_may(Question::Change)
            .contains("root user of 111122223333")
    );
    // Nobody of the account, but somebody else.
    let abroad = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":{ABROAD}}},"Action":"kms:*","Resource":"*"}}"#
    );
    let found = diff(&abroad);
    assert!(found.after.lockout && found.nobody_left_to_use());
    assert!(found.gains().accounts.contains("444455556666"));
}
