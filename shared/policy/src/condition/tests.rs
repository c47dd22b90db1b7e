use super::*;

fn read(text: &str) -> Condition {
    Condition::read(&serde_json::from_str(text).unwrap()).unwrap()
}

fn test(operator: &str, key: &str, value: &str) -> Condition {
    read(&format!(r#"{{{operator:?}:{{{key:?}:{value}}}}}"#))
}

#[test]
fn fixed_values_of_what_a_caller_cannot_choose_narrow() {
    for (operator, key, value) in [
        ("StringEquals", "kms:CallerAccount", r#""111122223333""#),
        ("stringequals", "KMS:calleraccount", r#""111122223333""#),
        ("StringEquals", "kms:CallerAccount", "111122223333"),
        (
            "StringEquals",
            "kms:CallerAccount",
            r#"["111122223333","444455556666"]"#,
        ),
        ("StringLike", "kms:CallerAccount", r#""111122223333""#),
        (
            "StringEqualsIgnoreCase",
            "aws:PrincipalAccount",
            r#""111122223333""#,
        ),
        (
            "StringEqualsIfExists",
            "aws:PrincipalAccount",
            r#""111122223333""#,
        ),
        (
            "ForAnyValue:StringEquals",
            "aws:PrincipalAccount",
            r#""111122223333""#,
        ),
        ("StringEquals", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5""#),
        ("StringLike", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5""#),
        (
            "ForAnyValue:StringLike",
            "aws:PrincipalOrgPaths",
            r#""o-a1b2c3d4e5/*""#,
        ),
        (
            "ForAnyValue:StringLike",
            "aws:PrincipalOrgPaths",
            r#"["o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/*"]"#,
        ),
        (
            "ArnLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/*""#,
        ),
        (
            "ArnEquals",
            "aws:PrincipalArn",
            r#""arn:*:iam::111122223333:*""#,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/*""#,
        ),
        (
            "StringEquals",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/a""#,
        ),
        ("StringLike", "aws:userid", r#""AROAQ7EXAMPLEKEYA:*""#),
        ("StringEquals", "aws:userid", r#""AIDAQ7EXAMPLEUSER0001""#),
        ("StringEquals", "aws:userid", r#""111122223333""#),
        ("StringEquals", "aws:SourceAccount", r#""111122223333""#),
        ("StringEquals", "aws:SourceOwner", r#""111122223333""#),
        (
            "ArnLike",
            "aws:SourceArn",
            r#""arn:aws:cloudtrail:*:111122223333:trail/*""#,
        ),
        ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:::a-bucket""#),
        ("StringEquals", "aws:SourceOrgID", r#""o-a1b2c3d4e5""#),
        (
            "ForAnyValue:StringLike",
            "aws:SourceOrgPaths",
            r#""o-a1b2c3d4e5/r-ab12/*""#,
        ),
        ("StringEquals", "aws:SourceVpce", r#""vpce-0a1b2c3d""#),
        ("StringEquals", "aws:SourceVpc", r#"["vpc-1","vpc-2"]"#),
        ("StringEquals", "aws:VpceAccount", r#""111122223333""#),
        ("StringEquals", "aws:VpceOrgID", r#""o-a1b2c3d4e5""#),
        (
            "StringEquals",
            "kms:ViaService",
            r#""s3.us-east-1.amazonaws.com""#,
        ),
        ("StringLike", "kms:ViaService", r#""s3.*.amazonaws.com""#),
        ("IpAddress", "aws:SourceIp", r#""192.0.2.0/24""#),
        ("IpAddress", "aws:SourceIp", r#""192.0.2.7""#),
        ("IpAddress", "aws:SourceIp", r#""10.0.0.0/8""#),
        (
            "IpAddress",
            "aws:SourceIp",
            r#"["192.0.2.0/24","2001:db8::/32"]"#,
        ),
        (
            "ArnEquals",
            "kms:GranteePrincipal",
            r#""arn:aws:iam::111122223333:role/a""#,
        ),
        (
            "StringEquals",
            "kms:GranteePrincipal",
            r#""arn:aws:iam::111122223333:role/a""#,
        ),
    ] {
        assert!(
            test(operator, key, value).narrows(),
            "{operator} {key} {value}"
        );
    }
}

#[test]
fn what_leaves_a_way_in_does_not_narrow() {
    let account = r#""111122223333""#;
    for (operator, key, value) in [
        // Negative, absent or of another kind.
        ("StringNotEquals", "kms:CallerAccount", account),
        ("StringNotLike", "kms:CallerAccount", account),
        ("StringNotEqualsIgnoreCase", "kms:CallerAccount", account),
        (
            "ArnNotLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/a""#,
        ),
        (
            "ArnNotEquals",
            "aws:PrincipalArn",
            r#""arn:aws:iam::111122223333:role/a""#,
        ),
        ("NotIpAddress", "aws:SourceIp", r#""192.0.2.0/24""#),
        ("Null", "kms:CallerAccount", "false"),
        ("Null", "kms:CallerAccount", "true"),
        ("Bool", "kms:CallerAccount", account),
        ("NumericEquals", "kms:CallerAccount", account),
        ("StringAlmostEquals", "kms:CallerAccount", account),
        ("", "kms:CallerAccount", account),
        ("ArnLike", "aws:SourceIp", r#""192.0.2.0/24""#),
        ("StringEquals", "aws:SourceIp", r#""192.0.2.0/24""#),
        ("IpAddress", "kms:CallerAccount", account),
        // The key may be absent.
        ("StringEqualsIfExists", "kms:CallerAccount", account),
        (
            "StringEqualsIfExists",
            "aws:PrincipalOrgID",
            r#""o-a1b2c3d4e5""#,
        ),
        ("StringLikeIfExists", "aws:SourceVpce", r#""vpce-1""#),
        ("IpAddressIfExists", "aws:SourceIp", r#""192.0.2.0/24""#),
        ("ForAllValues:StringEquals", "kms:CallerAccount", account),
        (
            "ForAllValues:StringLike",
            "aws:PrincipalOrgPaths",
            r#""o-a1b2c3d4e5/*""#,
        ),
        (
            "ForAllValues:StringEqualsIfExists",
            "aws:SourceAccount",
            account,
        ),
        // A value that is none, or any.
        ("StringLike", "kms:CallerAccount", r#""*""#),
        ("StringLike", "kms:CallerAccount", r#""1*""#),
        ("StringLike", "kms:CallerAccount", r#""????????????""#),
        (
            "StringEquals",
            "kms:CallerAccount",
            r#"["111122223333","*"]"#,
        ),
        ("StringLike", "kms:CallerAccount", r#"["111122223333","*"]"#),
        ("StringEquals", "kms:CallerAccount", "[]"),
        ("StringEquals", "kms:CallerAccount", r#""""#),
        (
            "StringEquals",
            "kms:CallerAccount",
            r#""${aws:PrincipalAccount}""#,
        ),
        ("StringLike", "aws:PrincipalOrgID", r#""o-*""#),
        ("StringLike", "aws:PrincipalOrgID", r#""o-a1b2c3d4e5*""#),
        (
            "StringEquals",
            "aws:PrincipalOrgID",
            r#""${aws:PrincipalOrgID}""#,
        ),
        ("ForAnyValue:StringLike", "aws:PrincipalOrgPaths", r#""*""#),
        (
            "ForAnyValue:StringLike",
            "aws:PrincipalOrgPaths",
            r#""o-*/r-ab12/*""#,
        ),
        ("ArnLike", "aws:PrincipalArn", r#""*""#),
        (
            "ArnLike",
            "aws:PrincipalArn",
            r#""arn:aws:iam::*:role/admin""#,
        ),
        ("StringLike", "aws:PrincipalArn", r#""arn:aws:iam::*""#),
        (
            "StringLike",
            "aws:PrincipalArn",
            r#""arn:*:111122223333:role/a""#,
        ),
        (
            "StringLike",
            "aws:PrincipalArn",
            r#""arn:*:iam::111122223333:role/a""#,
        ),
        ("ArnLike", "aws:PrincipalArn", r#""*:*:*:*:*:*""#),
        ("StringLike", "aws:userid", r#""*:maria""#),
        ("StringLike", "aws:userid", r#""AROA*""#),
        ("StringLike", "aws:userid", r#""AROAQ7EXAMPLEKEY?""#),
        ("StringEquals", "aws:userid", r#""maria""#),
        ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:::a-*""#),
        ("ArnLike", "aws:SourceArn", r#""arn:aws:*:::bucket""#),
        ("ArnLike", "aws:SourceArn", r#""arn:aws:s3:*:*:*""#),
        ("StringLike", "aws:SourceVpce", r#""vpce-*""#),
        ("StringEquals", "aws:SourceVpce", r#""*""#),
        ("StringEquals", "aws:SourceVpce", r#""""#),
        ("StringLike", "kms:ViaService", r#""*""#),
        (
            "StringLike",
            "kms:ViaService",
            r#""*.us-east-1.amazonaws.com""#,
        ),
        ("StringLike", "kms:ViaService", r#""s*""#),
        ("IpAddress", "aws:SourceIp", r#""0.0.0.0/0""#),
        ("IpAddress", "aws:SourceIp", r#""::/0""#),
        ("IpAddress", "aws:SourceIp", r#""8.0.0.0/7""#),
        ("IpAddress", "aws:SourceIp", r#""2001:db8::/31""#),
        ("StringEquals", "aws:SourceVpce", r#""${aws:SourceVpce}""#),
        ("IpAddress", "aws:SourceIp", r#""0.0.0.0/1""#),
        ("IpAddress", "aws:SourceIp", r#""2001::/16""#),
        (
            "IpAddress",
            "aws:SourceIp",
            r#"["192.0.2.0/24","0.0.0.0/0"]"#,
        ),
        ("IpAddress", "aws:SourceIp", r#""192.0.2.0/33""#),
        ("IpAddress", "aws:SourceIp", r#""192.0.2.0/x""#),
        ("IpAddress", "aws:SourceIp", r#""everywhere""#),
        // A key that everybody can meet.
        ("IpAddress", "aws:VpcSourceIp", r#""10.0.0.0/8""#),
        ("StringEquals", "kms:EncryptionContext:app", r#""payments""#),
        ("StringEquals", "aws:PrincipalTag/team", r#""payments""#),
        ("StringEquals", "aws:username", r#""maria""#),
        ("StringEquals", "aws:UserAgent", r#""x""#),
        ("StringEquals", "kms:RequestAlias", r#""alias/a""#),
        ("Bool", "kms:GrantIsForAWSResource", "true"),
        ("Bool", "aws:SecureTransport", "true"),
        ("Bool", "aws:MultiFactorAuthPresent", r#""true""#),
        ("Bool", "aws:PrincipalIsAWSService", "true"),
        (
            "DateGreaterThan",
            "aws:CurrentTime",
            r#""2026-01-01T00:00:00Z""#,
        ),
    ] {
        assert!(
            !test(operator, key, value).narrows(),
            "{operator} {key} {value}"
        );
    }
    assert!(!read("{}").narrows());
    assert!(!read("null").narrows());
    let eighths: Vec<_> = (0..128).map(|n| format!("\"{n}.0.0.0/8\"")).collect();
    let list = format!("[{}]", eighths.join(","));
    assert!(!test("IpAddress", "aws:SourceIp", &list).narrows());
}

#[test]
fn one_narrowing_test_is_enough_and_null_gives_back_what_if_exists_takes() {
    assert!(
        read(r#"{"StringNotEquals":{"kms:CallerAccount":"1"},"StringEquals":{"kms:CallerAccount":"111122223333"}}"#)
            .narrows()
    );
    let paths = r#""ForAllValues:StringLike":{"aws:PrincipalOrgPaths":"o-a1b2c3d4e5/*"}"#;
    let null = |value: &str| {
        read(&format!(
            r#"{{{paths},"Null":{{"AWS:PrincipalOrgPaths":{value}}}}}"#
        ))
    };
    assert!(null("false").narrows());
    assert!(null(r#"["False"]"#).narrows());
    assert!(!null("true").narrows());
    assert!(!null(r#"["false","true"]"#).narrows());
    assert!(!null("[]").narrows());
}

#[test]
fn accounts_are_those_that_meet_all_tests_of_the_same() {
    let condition = read(
        r#"{"StringEquals":{"kms:CallerAccount":["111122223333","444455556666"]},
            "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::444455556666:role/*"}}"#,
    );
    assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
    let condition =
        read(r#"{"ArnLike":{"aws:SourceArn":["arn:aws:s3:::b","arn:aws:sns:*:444455556666:*"]}}"#);
    assert!(condition.narrows());
    assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
    let condition = read(
        r#"{"StringLikeIfExists":{"aws:SourceArn":["arn:aws:sns:*:444455556666:*","*"]},
            "ArnNotLike":{"aws:SourceArn":"arn:aws:sns:*:555566667777:*"}}"#,
    );
    assert!(!condition.narrows());
    assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
    let condition = read(r#"{"StringEquals":{"aws:SourceAccount":"444455556666"}}"#);
    assert_eq!(condition.accounts(), BTreeSet::from(["444455556666"]));
}

#[test]
fn a_services_source_is_named_by_account_arn_organisation_or_encryption_context() {
    for (operator, key, value, named) in [
        (
            "StringEquals",
            "aws:SourceAccount",
            r#""111122223333""#,
            true,
        ),
        (
            "ArnLike",
            "aws:SourceArn",
            r#""arn:aws:sns:*:111122223333:*""#,
            true,
        ),
        ("StringEquals", "aws:SourceOrgID", r#""o-a1b2c3d4e5""#, true),
        (
            "StringEquals",
            "kms:CallerAccount",
            r#""111122223333""#,
            true,
        ),
        (
            "ArnEquals",
            "kms:EncryptionContext:aws:logs:arn",
            r#""arn:aws:logs:us-east-1:111122223333:*""#,
            true,
        ),
        (
            "StringLike",
            "kms:EncryptionContext:aws:logs:arn",
            r#""arn:aws:logs:*:111122223333:log-group:a""#,
            true,
        ),
        (
            "StringEquals",
            "kms:EncryptionContext:app",
            r#""payments""#,
            true,
        ),
        (
            "StringLike",
            "aws:SourceArn",
            r#""arn:aws:sns:*:111122223333:*""#,
            true,
        ),
        (
            "StringLike",
            "aws:SourceArn",
            r#""arn:aws:*:111122223333:*""#,
            false,
        ),
        ("StringLike", "aws:SourceArn", r#""arn:aws:sns:*""#, false),
        (
            "StringLikeIfExists",
            "aws:SourceArn",
            r#""arn:aws:sns:*:111122223333:*""#,
            false,
        ),
        ("StringLike", "kms:EncryptionContext:app", r#""*""#, false),
        (
            "StringLike",
            "kms:EncryptionContext:app",
            r#""arn*""#,
            false,
        ),
        (
            "StringEquals",
            "kms:EncryptionContext:app",
            r#""${aws:userid}""#,
            false,
        ),
        (
            "StringLike",
            "kms:EncryptionContext:aws:logs:arn",
            r#""arn:aws:logs:us-east-1:*:*""#,
            false,
        ),
        (
            "StringNotEquals",
            "kms:EncryptionContext:app",
            r#""payments""#,
            false,
        ),
        (
            "StringEqualsIfExists",
            "kms:EncryptionContext:app",
            r#""payments""#,
            false,
        ),
        (
            "StringEquals",
            "kms:EncryptionContextKeys",
            r#""app""#,
            false,
        ),
        (
            "StringEquals",
            "kms:ViaService",
            r#""s3.us-east-1.amazonaws.com""#,
            false,
        ),
        (
            "StringEqualsIfExists",
            "aws:SourceAccount",
            r#""111122223333""#,
            false,
        ),
        ("StringLike", "aws:SourceAccount", r#""*""#, false),
        ("StringEquals", "aws:SourceVpc", r#""vpc-1""#, false),
    ] {
        assert_eq!(
            test(operator, key, value).names_source(),
            named,
            "{operator} {key} {value}"
        );
    }
}

#[test]
fn order_case_and_lists_of_one_make_no_difference() {
    let a = read(
        r#"{"StringEquals":{"kms:ViaService":["b.x.com","a.x.com"],"kms:CallerAccount":111122223333},"Bool":{"aws:SecureTransport":true}}"#,
    );
    let b = read(
        r#"{"bool":{"AWS:SecureTransport":["true"]},"stringEquals":{"kms:callerAccount":["111122223333"],"KMS:ViaService":["a.x.com","b.x.com","a.x.com"]}}"#,
    );
    assert_eq!(a.fingerprint(), b.fingerprint());
    for other in [
        r#"{"StringEquals":{"kms:ViaService":"a.x.com"}}"#,
        r#"{"StringLike":{"kms:ViaService":"a.x.com"}}"#,
        r#"{"StringEqualsIfExists":{"kms:ViaService":"a.x.com"}}"#,
        r#"{"ForAnyValue:StringEquals":{"kms:ViaService":"a.x.com"}}"#,
        r#"{"StringEquals":{"kms:ViaService":"A.x.com"}}"#,
        r#"{"StringEquals":{"kms:ViaService":["a","b"]}}"#,
        r#"{"StringEquals":{"kms:ViaService":"a\", \"b"}}"#,
    ] {
        assert_ne!(a.fingerprint(), read(other).fingerprint(), "{other}");
    }
    assert_ne!(
        read(r#"{"StringEquals":{"k":["a","b"]}}"#).fingerprint(),
        read(r#"{"StringEquals":{"k":"a\", \"b"}}"#).fingerprint()
    );
}

#[test]
fn a_condition_is_told_in_words() {
    for (text, words) in [
        (
            r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#,
            "if kms:ViaService is s3.us-east-1.amazonaws.com",
        ),
        (
            r#"{"StringNotLike":{"aws:PrincipalArn":["b","a"]},"Null":{"aws:SourceVpc":"false"}}"#,
            "if aws:PrincipalArn is not like a or b and aws:SourceVpc is present",
        ),
        (
            r#"{"ForAllValues:StringEqualsIfExists":{"aws:TagKeys":"a"}}"#,
            "if every aws:TagKeys (or absent) is a",
        ),
        (
            r#"{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
            "if aws:SourceIp is in 192.0.2.0/24",
        ),
        (r#"{"Null":{"a":true}}"#, "if a is absent"),
        (r#"{"Perhaps":{"a":"b"}}"#, "if a perhaps b"),
        (r#"{"StringEquals":{"a":[]}}"#, "if a is nothing"),
    ] {
        assert_eq!(read(text).shown().as_deref(), Some(words));
    }
    assert_eq!(read("{}").shown(), None);
    let long = format!(
        r#"{{"StringEquals":{{"{0}":["{0}","b"]}}}}"#,
        "x".repeat(20_000)
    );
    assert_eq!(
        read(&long).shown().unwrap().chars().count(),
        crate::MAX_TEXT
    );
}

#[test]
fn what_is_no_condition_is_not_read() {
    for wrong in [
        "[]",
        "1",
        r#""x""#,
        r#"{"StringEquals":"x"}"#,
        r#"{"StringEquals":{"a":{}}}"#,
        r#"{"StringEquals":{"a":null}}"#,
        r#"{"StringEquals":{"a":["b",{}]}}"#,
    ] {
        let json = serde_json::from_str(wrong).unwrap();
        assert!(Condition::read(&json).is_none(), "{wrong}");
    }
}
