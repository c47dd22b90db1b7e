//! Policies that somebody wrote to do harm, or that look as if: what the judge must say of each.

use std::collections::BTreeSet;

use watch_policy::{Context, Diff, Policy, Question};

const CONTEXT: Context<'_> = Context {
    account: "111122223333",
    key: Some("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    trusted_accounts: &["222233334444"],
    trusted_organizations: &["o-ourcompany1"],
    now: 1_771_056_000,
};

/// The account, and a role that decrypts.
const BEFORE: &str = r#"
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"},
    {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}"#;

fn policy(statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Against [`BEFORE`].
fn diff(statements: &str) -> Diff {
    Diff::between(Some(&policy(BEFORE)), &policy(statements), &CONTEXT)
}

/// What a reader is told, in words that a table can hold.
fn verdict(diff: &Diff) -> BTreeSet<String> {
    let gains = diff.gains();
    let mut words = BTreeSet::new();
    let mut flag = |name: &str, is: bool| {
        if is {
            words.insert(name.to_owned());
        }
    };
    flag("public", gains.public);
    flag("lockout", diff.after.lockout);
    flag("unusable", diff.nobody_left_to_use());
    flag("seized", diff.is_seized());
    flag("same", diff.is_empty());
    flag("fewer cancel", diff.fewer_can_cancel());
    flag("undelegated", !diff.after.delegates_to_iam);
    for set in [
        &gains.accounts,
        &gains.organizations,
        &gains.networks,
        &gains.unknown,
    ] {
        words.extend(set.iter().cloned());
    }
    words.extend(gains.via.iter().map(|service| format!("via {service}")));
    words.extend(
        diff.after
            .open_services
            .iter()
            .map(|service| format!("open {service}")),
    );
    words
}

fn condition(operator: &str, key: &str, value: &str) -> String {
    format!(r#","Condition":{{"{operator}":{{"{key}":{value}}}}}"#)
}

fn deny(who: &str, actions: &str, condition: &str) -> String {
    format!(r#",{{"Effect":"Deny",{who},"Action":{actions},"Resource":"*"{condition}}}"#)
}

fn allow(who: &str, actions: &str, condition: &str) -> String {
    format!(r#",{{"Effect":"Allow",{who},"Action":{actions},"Resource":"*"{condition}}}"#)
}

const EVERYBODY: &str = r#""Principal":"*""#;
const ALL: &str = r#""kms:*""#;
const ATTACKER: &str = r#""arn:aws:iam::111122223333:role/attacker""#;
const ABROAD: &str = r#""arn:aws:iam::444455556666:role/attacker""#;

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

fn rows(rows: &[(String, &[&str])]) {
    for (text, expected) in rows {
        let found = diff(&format!("{BEFORE}{text}"));
        let expected: BTreeSet<String> = expected.iter().map(|&it| it.to_owned()).collect();
        assert_eq!(verdict(&found), expected, "{text}");
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

#[test]
fn a_statement_about_another_resource_gives_and_takes_nothing() {
    let about = |effect: &str, who: &str, resource: &str| {
        format!(r#",{{"Effect":"{effect}",{who},"Action":"kms:*",{resource}}}"#)
    };
    let root = r#""Principal":{"AWS":"arn:aws:iam::111122223333:root"}"#;
    let own = r#""Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab""#;
    let table = r#""Resource":"arn:aws:dynamodb:*""#;
    rows(&[
        (about("Allow", EVERYBODY, own), &["public"]),
        (
            about(
                "Allow",
                EVERYBODY,
                r#""Resource":"arn:aws:kms:*:111122223333:key/*""#,
            ),
            &["public"],
        ),
        (
            about("Allow", EVERYBODY, r#""NotResource":"arn:aws:s3:::x""#),
            &["public"],
        ),
        (about("Allow", EVERYBODY, table), &[]),
        (about("Allow", EVERYBODY, r#""NotResource":"*""#), &[]),
        (about("Deny", EVERYBODY, table), &[]),
        (
            about("Deny", EVERYBODY, own),
            &[
                "lockout",
                "unusable",
                "seized",
                "undelegated",
                "fewer cancel",
            ],
        ),
    ]);
    let moved = about("Allow", root, table).replacen(',', "", 1);
    let found = diff(&moved);
    assert!(found.after.lockout && found.nobody_left_to_use() && found.is_critical());
    assert_eq!(
        found.added[0].resource.as_deref(),
        Some("arn:aws:dynamodb:*")
    );
    let meant = about("Allow", root, own).replacen(',', "", 1);
    assert!(!diff(&meant).is_critical());
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

#[test]
fn what_is_dangerous_comes_before_sixty_harmless_statements() {
    let padding: String = (0..60)
        .map(|n| {
            allow(
                &format!(r#""Principal":{{"AWS":"arn:aws:iam::111122223333:role/a{n:02}"}}"#),
                r#""kms:DescribeKey""#,
                "",
            )
        })
        .collect();
    let ransom = deny(
        EVERYBODY,
        ALL,
        &condition("ArnNotLike", "aws:PrincipalArn", ATTACKER),
    );
    for text in [
        format!("{BEFORE}{padding}{ransom}"),
        format!("{BEFORE}{ransom}{padding}"),
    ] {
        let found = diff(&text);
        assert!(found.is_critical() && found.more > 0);
        assert_eq!(
            found.added[0].effect,
            watch_policy::Effect::Deny,
            "{:?}",
            found.added[0]
        );
    }
    let foreign = allow(
        &format!(r#""Principal":{{"AWS":{ABROAD}}}"#),
        r#""kms:Decrypt""#,
        "",
    );
    let found = diff(&format!("{BEFORE}{padding}{foreign}"));
    assert_eq!(
        found.added[0].principal,
        "arn:aws:iam::444455556666:role/attacker"
    );
    // Whoever is shut out by what went.
    let found = Diff::between(
        Some(&policy(&format!("{BEFORE}{padding}"))),
        &policy(&padding.replacen(',', "", 1).replace("a00", "b00")),
        &CONTEXT,
    );
    assert_eq!(found.removed[0].principal, "arn:aws:iam::111122223333:root");
}

#[test]
fn an_unchanged_policy_is_recognised() {
    for same in [
        BEFORE.to_owned(),
        r#"{"Sid":"b","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:role/app"]},"Action":["kms:GenerateDataKey","kms:Decrypt"],"Resource":["*"]},
           {"Sid":"a","Effect":"Allow","Principal":{"AWS":["111122223333"]},"Action":["kms:*"],"Resource":["*"]}"#.to_owned(),
        format!("{BEFORE},{BEFORE}"),
    ] {
        let found = diff(&same);
        assert!(found.is_empty() && found.gains().is_empty() && found.lost(Question::Change).is_empty());
    }
    let equals = BEFORE.to_owned()
        + &allow(
            EVERYBODY,
            ALL,
            &condition("ArnEquals", "aws:PrincipalArn", ATTACKER),
        );
    let like = BEFORE.to_owned()
        + &allow(
            EVERYBODY,
            r#""*""#,
            &condition("arnlike", "AWS:PrincipalArn", ATTACKER),
        );
    assert!(Diff::between(Some(&policy(&equals)), &policy(&like), &CONTEXT).is_empty());
}

#[test]
fn who_may_do_what_is_answered_before_and_after() {
    let admin = r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/admin"}"#;
    let only_admin_cancels = deny(
        EVERYBODY,
        r#"["kms:CancelKeyDeletion","kms:ScheduleKeyDeletion"]"#,
        &condition(
            "ArnNotEquals",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/admin""#,
        ),
    );
    let found = diff(&format!("{BEFORE}{only_admin_cancels}"));
    let set = |texts: &[&str]| {
        texts
            .iter()
            .map(|&it| it.to_owned())
            .collect::<BTreeSet<String>>()
    };
    let owners = set(&[
        "root user of 111122223333",
        "whoever IAM policies of 111122223333 allow",
    ]);
    assert_eq!(
        found.after.who_may(Question::Cancel),
        &set(&["arn:aws:iam::111122223333:role/admin"])
    );
    assert_eq!(found.lost(Question::Cancel), owners);
    assert_eq!(found.lost(Question::Schedule), owners);
    assert!(found.lost(Question::Change).is_empty() && found.lost(Question::Decrypt).is_empty());
    assert!(found.fewer_can_cancel() && !found.is_critical());
    assert!(found.gained(Question::Cancel).is_empty());
    let grants = allow(
        r#""Principal":{"AWS":"444455556666"}"#,
        r#""kms:CreateGrant""#,
        "",
    );
    let found = diff(&format!("{BEFORE}{grants}"));
    assert_eq!(found.gained(Question::Grant), set(&["444455556666"]));
    assert!(found.gained(Question::Decrypt).is_empty());
    // Where IAM policies do not count, a role that is named gains.
    let before = policy(&allow(admin, ALL, "").replacen(',', "", 1));
    let more = allow(admin, ALL, "")
        + &allow(
            r#""Principal":{"AWS":"arn:aws:iam::111122223333:role/app"}"#,
            r#""kms:Decrypt""#,
            "",
        );
    let found = Diff::between(Some(&before), &policy(&more.replacen(',', "", 1)), &CONTEXT);
    assert_eq!(
        found.gained(Question::Decrypt),
        set(&["arn:aws:iam::111122223333:role/app"])
    );
    assert!(found.lost(Question::Decrypt).is_empty());
}

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
