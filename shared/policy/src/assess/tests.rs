use super::*;

const OWN: &str = "111122223333";
const CONTEXT: Context<'_> = Context {
    account: OWN,
    key: Some("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    trusted_accounts: &["222233334444"],
    trusted_organizations: &["o-ourcompany1"],
    now: 1_771_056_000,
};
const AT_LARGE: &str = "whoever IAM policies of 111122223333 allow";
const ROOT_USER: &str = "root user of 111122223333";
const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;

fn assess_all(statements: &str) -> Assessment {
    Policy::parse(&format!(r#"{{"Statement":[{statements}]}}"#))
        .unwrap()
        .assess(&CONTEXT)
}

fn statement(effect: &str, who: &str, actions: &str, condition: &str) -> String {
    let who = match who.starts_with("!") {
        true => format!(r#""NotPrincipal":{}"#, &who[1..]),
        false => format!(r#""Principal":{who}"#),
    };
    format!(
        r#"{{"Effect":"{effect}",{who},"Action":{actions},"Resource":"*","Condition":{condition}}}"#
    )
}

fn allow(who: &str, actions: &str, condition: &str) -> String {
    statement("Allow", who, actions, condition)
}

fn deny(who: &str, actions: &str, condition: &str) -> String {
    statement("Deny", who, actions, condition)
}

fn texts(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

#[test]
fn everybody_without_a_narrowing_condition_is_public() {
    let caller = r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#;
    let negative = r#"{"StringNotEquals":{"kms:CallerAccount":"444455556666"}}"#;
    let all = r#""kms:*""#;
    for (statements, public) in [
        (allow(r#""*""#, all, "{}"), true),
        (allow(r#"{"AWS":"*"}"#, all, "{}"), true),
        (
            allow(
                r#"{"AWS":["111122223333","*"]}"#,
                r#""kms:DescribeKey""#,
                "{}",
            ),
            true,
        ),
        (allow(r#"{"*":"*"}"#, all, "{}"), true),
        (allow(&format!("!{ROOT}"), all, "{}"), true),
        (allow(r#""*""#, all, negative), true),
        (allow(r#""*""#, all, caller), false),
        (allow(&format!("!{ROOT}"), all, caller), false),
        (allow(r#""*""#, r#""s3:*""#, "{}"), false),
        (allow(ROOT, all, "{}"), false),
        (allow(r#"{"Service":"s3.amazonaws.com"}"#, all, "{}"), false),
        (deny(r#""*""#, all, "{}"), false),
        // Denied to all but one account, which is foreign and not everybody.
        (
            [allow(r#""*""#, all, "{}"), deny(r#""*""#, all, negative)].join(","),
            false,
        ),
        // Denied to some.
        (
            [allow(r#""*""#, all, "{}"), deny(r#""*""#, all, caller)].join(","),
            true,
        ),
        (
            [allow(r#""*""#, all, caller), allow(r#""*""#, all, "{}")].join(","),
            true,
        ),
    ] {
        assert_eq!(assess_all(&statements).public, public, "{statements}");
    }
    let not_action =
        r#"{"Effect":"Allow","Principal":"*","NotAction":"kms:Delete*","Resource":"*"}"#;
    assert!(assess_all(not_action).public);
}

#[test]
fn a_key_of_an_aws_service_is_not_public_and_a_service_alone_is_said() {
    let condition = |more: &str| {
        format!(r#"{{"StringEquals":{{"kms:ViaService":"sns.us-east-1.amazonaws.com"{more}}}}}"#)
    };
    let managed = condition(r#","kms:CallerAccount":"111122223333""#);
    let found = assess_all(&allow(r#"{"AWS":"*"}"#, r#"["kms:Decrypt"]"#, &managed));
    assert!(!found.public && found.open_via.is_empty());
    let found = assess_all(&allow(
        r#"{"AWS":"*"}"#,
        r#"["kms:Decrypt"]"#,
        &condition(""),
    ));
    assert!(!found.public);
    assert_eq!(texts(&found.open_via), ["sns.us-east-1.amazonaws.com"]);
    let found = assess_all(&allow(ROOT, r#"["kms:Decrypt"]"#, &condition("")));
    assert!(found.open_via.is_empty());
}

#[test]
fn foreign_accounts_come_from_principals_and_from_conditions() {
    let decrypt = r#""kms:Decrypt""#;
    let asks = |key: &str, account: &str| format!(r#"{{"StringEquals":{{"{key}":"{account}"}}}}"#);
    let service = r#"{"Service":"sns.amazonaws.com"}"#;
    let foreign = "444455556666";
    for (statements, accounts) in [
        (allow(ROOT, decrypt, "{}"), vec![]),
        (allow(r#"{"AWS":"222233334444"}"#, decrypt, "{}"), vec![]),
        (
            allow(r#"{"AWS":"444455556666"}"#, decrypt, "{}"),
            vec![foreign],
        ),
        (
            allow(r#"{"AWS":"arn:aws:iam::444455556666:root"}"#, decrypt, "{}"),
            vec![foreign],
        ),
        (
            allow(
                r#"{"AWS":"arn:aws-cn:iam::444455556666:role/loader"}"#,
                decrypt,
                "{}",
            ),
            vec![foreign],
        ),
        (
            allow(
                r#"{"AWS":["arn:aws:sts::444455556666:assumed-role/a/b","555566667777"]}"#,
                decrypt,
                "{}",
            ),
            vec![foreign, "555566667777"],
        ),
        // Whatever the condition, unless it lets the account in no more.
        (
            allow(
                r#"{"AWS":"444455556666"}"#,
                decrypt,
                r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
            ),
            vec![foreign],
        ),
        (
            allow(
                r#"{"AWS":"444455556666"}"#,
                decrypt,
                &asks("kms:CallerAccount", OWN),
            ),
            vec![],
        ),
        (
            allow(r#""*""#, decrypt, &asks("kms:CallerAccount", foreign)),
            vec![foreign],
        ),
        (
            allow(r#""*""#, decrypt, &asks("aws:PrincipalAccount", foreign)),
            vec![foreign],
        ),
        (
            allow(
                r#""*""#,
                decrypt,
                &asks("aws:PrincipalAccount", "222233334444"),
            ),
            vec![],
        ),
        (
            allow(
                r#""*""#,
                decrypt,
                &asks("aws:PrincipalArn", "arn:aws:iam::444455556666:role/a"),
            ),
            vec![foreign],
        ),
        (
            allow(
                r#""*""#,
                r#""kms:CreateGrant""#,
                &asks("kms:GranteePrincipal", "arn:aws:iam::444455556666:role/a"),
            ),
            vec![foreign],
        ),
        (
            allow(r#""*""#, decrypt, &asks("kms:CallerAccount", OWN)),
            vec![],
        ),
        (
            allow(
                &format!("!{ROOT}"),
                decrypt,
                &asks("kms:CallerAccount", foreign),
            ),
            vec![foreign],
        ),
        (
            allow(service, decrypt, &asks("aws:SourceAccount", foreign)),
            vec![foreign],
        ),
        (
            allow(
                service,
                decrypt,
                &asks("aws:SourceArn", "arn:aws:sns:us-east-1:444455556666:t"),
            ),
            vec![foreign],
        ),
        (
            allow(service, decrypt, &asks("aws:SourceAccount", OWN)),
            vec![],
        ),
        // Nothing that is named, nothing that is allowed.
        (allow(r#""*""#, decrypt, "{}"), vec![]),
        (
            allow(r#"{"AWS":"AROAQ7EXAMPLEKEYA"}"#, decrypt, "{}"),
            vec![],
        ),
        (deny(r#"{"AWS":"444455556666"}"#, decrypt, "{}"), vec![]),
        (
            allow(r#"{"AWS":"444455556666"}"#, r#""s3:*""#, "{}"),
            vec![],
        ),
    ] {
        assert_eq!(
            texts(&assess_all(&statements).foreign_accounts),
            accounts,
            "{statements}"
        );
    }
}

#[test]
fn a_service_without_a_source_is_open() {
    let decrypt = r#""kms:Decrypt""#;
    let source = r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#;
    let via = r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#;
    let services = r#"{"Service":["sns.amazonaws.com","events.amazonaws.com"]}"#;
    let open = |statements: String| {
        assess_all(&statements)
            .open_services
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        open(allow(services, decrypt, "{}")),
        ["events.amazonaws.com", "sns.amazonaws.com"]
    );
    assert_eq!(open(allow(services, decrypt, via)).len(), 2);
    assert!(open(allow(services, decrypt, source)).is_empty());
    assert!(open(allow(ROOT, decrypt, "{}")).is_empty());
    assert!(open(deny(services, decrypt, "{}")).is_empty());
}

#[test]
fn delegation_to_iam_needs_the_account_and_everything_that_matters() {
    let all = r#""kms:*""#;
    let root_allows = |actions: &str| allow(ROOT, actions, "{}");
    let administration = r#"["kms:Create*","kms:Describe*","kms:Get*","kms:Put*","kms:List*"]"#;
    for (statements, delegates) in [
        (root_allows(all), true),
        (root_allows(r#""*""#), true),
        (allow(r#"{"AWS":"111122223333"}"#, all, "{}"), true),
        (
            allow(
                r#"{"AWS":["444455556666","arn:aws-cn:iam::111122223333:root"]}"#,
                all,
                "{}",
            ),
            true,
        ),
        (root_allows(administration), false),
        (
            [root_allows(administration), root_allows(r#""kms:Sign""#)].join(","),
            true,
        ),
        (
            format!(
                r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:ScheduleKeyDeletion","Resource":"*"}}"#
            ),
            true,
        ),
        (
            format!(
                r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":"kms:Put*","Resource":"*"}}"#
            ),
            false,
        ),
        (
            allow(
                ROOT,
                all,
                r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
            ),
            false,
        ),
        (
            allow(
                ROOT,
                all,
                r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#,
            ),
            true,
        ),
        (
            allow(
                r#"{"AWS":"*"}"#,
                all,
                r#"{"StringEquals":{"kms:CallerAccount":"111122223333"}}"#,
            ),
            true,
        ),
        (
            allow(r#"{"AWS":"arn:aws:iam::111122223333:role/a"}"#, all, "{}"),
            false,
        ),
        (allow(r#"{"AWS":"444455556666"}"#, all, "{}"), false),
        (
            [
                root_allows(all),
                deny(r#""*""#, r#""kms:PutKeyPolicy""#, "{}"),
            ]
            .join(","),
            false,
        ),
        (
            [root_allows(all), deny(r#""*""#, r#""kms:Decrypt""#, "{}")].join(","),
            true,
        ),
        (deny(ROOT, all, "{}"), false),
    ] {
        assert_eq!(
            assess_all(&statements).delegates_to_iam,
            delegates,
            "{statements}"
        );
    }
}

#[test]
fn somebody_of_the_account_must_be_able_to_change_the_policy() {
    let (all, put) = (r#""kms:*""#, r#""kms:PutKeyPolicy""#);
    let role = "arn:aws:iam::111122223333:role/path/admin";
    let session = "arn:aws:sts::111122223333:assumed-role/admin/maria";
    let aws = |name: &str| format!(r#"{{"AWS":"{name}"}}"#);
    let owners = vec![ROOT_USER, AT_LARGE];
    let foreign_only = r#"{"StringEquals":{"kms:CallerAccount":"444455556666"}}"#;
    let mfa = r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    let no_mfa = r#"{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}"#;
    let tagged = r#"{"StringEquals":{"aws:PrincipalTag/team":"pay"}}"#;
    for (statements, who) in [
        (allow(ROOT, all, "{}"), owners.clone()),
        (allow(&aws(OWN), put, "{}"), owners.clone()),
        (allow(&aws(role), r#""kms:Put*""#, "{}"), vec![role]),
        (allow(r#""*""#, all, "{}"), owners.clone()),
        (
            allow(
                r#"{"AWS":["*","arn:aws:iam::111122223333:role/a"]}"#,
                all,
                "{}",
            ),
            vec!["arn:aws:iam::111122223333:role/a", ROOT_USER, AT_LARGE],
        ),
        (
            allow(&format!("!{}", aws("444455556666")), all, "{}"),
            owners.clone(),
        ),
        // By choice: signing in with MFA is up to the caller, the account's tags and network are not known.
        (allow(&aws(role), put, mfa), vec![role]),
        (
            [allow(ROOT, all, "{}"), deny(r#""*""#, put, no_mfa)].join(","),
            owners.clone(),
        ),
        (
            [
                allow(ROOT, all, "{}"),
                deny(r#""*""#, put, mfa),
                deny(r#""*""#, put, no_mfa),
            ]
            .join(","),
            vec![],
        ),
        (allow(&aws(role), put, tagged), vec![]),
        (
            [allow(ROOT, all, "{}"), deny(r#""*""#, put, tagged)].join(","),
            vec![],
        ),
        // Nobody.
        (allow(ROOT, r#"["kms:Decrypt","kms:Put"]"#, "{}"), vec![]),
        (allow(&format!("!{ROOT}"), all, "{}"), vec![]),
        (allow(&aws("444455556666"), all, "{}"), vec![]),
        (allow(&aws("AROAQ7EXAMPLEKEYA"), all, "{}"), vec![]),
        (
            allow(r#"{"Service":"s3.amazonaws.com"}"#, all, "{}"),
            vec![],
        ),
        (allow(r#""*""#, all, foreign_only), vec![]),
        (allow(ROOT, all, foreign_only), vec![]),
        (deny(ROOT, all, "{}"), vec![]),
        // Denied.
        (
            [allow(ROOT, all, "{}"), deny(&aws(OWN), put, "{}")].join(","),
            vec![],
        ),
        (
            [allow(r#""*""#, all, "{}"), deny(ROOT, put, "{}")].join(","),
            vec![],
        ),
        (
            [allow(ROOT, all, "{}"), deny(r#""*""#, all, "{}")].join(","),
            vec![],
        ),
        (
            [deny(r#""*""#, put, "{}"), allow(ROOT, all, "{}")].join(","),
            vec![],
        ),
        (
            [allow(&aws(role), all, "{}"), deny(ROOT, put, "{}")].join(","),
            vec![],
        ),
        (
            [allow(&aws(role), all, "{}"), deny(&aws(role), put, "{}")].join(","),
            vec![],
        ),
        (
            [allow(&aws(session), all, "{}"), deny(&aws(role), put, "{}")].join(","),
            vec![],
        ),
        (
            [allow(&aws(role), all, "{}"), deny(&aws(session), put, "{}")].join(","),
            vec![role],
        ),
        (
            [allow(ROOT, all, "{}"), deny(&aws(role), put, "{}")].join(","),
            owners.clone(),
        ),
        (
            [
                allow(ROOT, all, "{}"),
                deny(r#""*""#, r#""kms:Decrypt""#, "{}"),
            ]
            .join(","),
            owners.clone(),
        ),
        (
            [
                allow(ROOT, all, "{}"),
                deny(&aws("444455556666"), all, "{}"),
            ]
            .join(","),
            owners.clone(),
        ),
        // Denied to all but some.
        (
            [
                allow(ROOT, all, "{}"),
                deny(&format!("!{}", aws(role)), put, "{}"),
            ]
            .join(","),
            vec![role],
        ),
        (
            [
                allow(ROOT, all, "{}"),
                deny(&format!("!{}", aws("444455556666")), put, "{}"),
            ]
            .join(","),
            vec![],
        ),
        (
            [
                allow(&aws(role), all, "{}"),
                deny(&format!("!{}", aws(role)), put, "{}"),
            ]
            .join(","),
            vec![role],
        ),
        (
            [
                allow(&aws(session), all, "{}"),
                deny(&format!("!{}", aws(role)), put, "{}"),
            ]
            .join(","),
            vec![session],
        ),
        (
            [
                allow(&aws(role), all, "{}"),
                deny(&format!("!{ROOT}"), put, "{}"),
            ]
            .join(","),
            vec![],
        ),
        (
            [allow(ROOT, all, "{}"), deny(&format!("!{ROOT}"), put, "{}")].join(","),
            vec![ROOT_USER],
        ),
    ] {
        let found = assess_all(&statements);
        assert_eq!(texts(found.who_may(Question::Change)), who, "{statements}");
        assert_eq!(found.lockout, who.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_said() {
    let found = assess_all(&format!(
        r#"{{"Effect":"allow"}},{}"#,
        allow(ROOT, r#""kms:*""#, "{}")
    ));
    assert_eq!(found.unreadable, 1);
    assert!(!found.lockout);
}
