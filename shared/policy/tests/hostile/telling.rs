//! What a reader is told: what is dangerous first, who may do what, and nothing where nothing changed.

use super::*;

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
