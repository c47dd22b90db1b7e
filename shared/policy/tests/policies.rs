//! Whole policies: those of the sample events, of the documentation and of an adversary.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use watch_policy::{Assessment, Change, Context, Diff, MAX_BYTES, MAX_TEXT, Policy, Question};

const CONTEXT: Context<'_> = Context {
    account: "111122223333",
    key: Some("arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    trusted_accounts: &[],
    trusted_organizations: &[],
    now: 1_771_056_000,
};

fn assess(text: &str) -> Assessment {
    Policy::parse(text).unwrap().assess(&CONTEXT)
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

/// The policy of the sample event of a partner who is let in.
const PARTNER: &str = r#"{"Version": "2012-10-17", "Id": "ledger-key", "Statement": [{"Sid": "Admin", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"}, {"Sid": "Partner", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:role/loader"}, "Action": ["kms:Decrypt", "kms:DescribeKey"], "Resource": "*"}]}"#;

/// The policy of the sample event of a key that is made public.
const PUBLIC: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}]}"#;

/// The default policy of a key that is created by the API (KMS Developer Guide, default key policy).
const DEFAULT: &str = r#"{"Version":"2012-10-17","Id":"key-default-1","Statement":[{"Sid":"Enable IAM User Permissions","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;

/// The form of the policies of AWS managed keys.
const MANAGED: &str = r#"{"Version":"2012-10-17","Id":"auto-sns-1","Statement":[
  {"Sid":"Allow access through SNS for all principals in the account that are authorized to use SNS","Effect":"Allow","Principal":{"AWS":"*"},
   "Action":["kms:Decrypt","kms:GenerateDataKey*","kms:CreateGrant","kms:ListGrants","kms:DescribeKey"],"Resource":"*",
   "Condition":{"StringEquals":{"kms:ViaService":"sns.us-east-1.amazonaws.com","kms:CallerAccount":"111122223333"}}},
  {"Sid":"Allow direct access to key metadata to the account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},
   "Action":["kms:Describe*","kms:Get*","kms:List*","kms:RevokeGrant"],"Resource":"*"}]}"#;

/// Who is sure to be able to change the policy, where its account is given all.
const OWNERS: [&str; 2] = [
    "root user of 111122223333",
    "whoever IAM policies of 111122223333 allow",
];

#[test]
fn the_sample_events() {
    let root = "arn:aws:iam::111122223333:root";
    let found = assess(PARTNER);
    assert_eq!(found.foreign_accounts, set(&["444455556666"]));
    assert!(found.delegates_to_iam && !found.public && !found.lockout);
    assert_eq!(found.who_may(Question::Change), &set(&OWNERS));
    let found = assess(PUBLIC);
    assert!(found.delegates_to_iam && found.public && found.foreign_accounts.is_empty());
    assert_eq!(found.who_may(Question::Change), &set(&OWNERS));
    let (partner, public) = (
        Policy::parse(PARTNER).unwrap(),
        Policy::parse(PUBLIC).unwrap(),
    );
    let diff = Diff::between(Some(&partner), &public, &CONTEXT);
    assert!(diff.gains().public);
    assert!(diff.gains().accounts.is_empty());
    let principals = |changes: &[Change]| {
        changes
            .iter()
            .map(|c| c.principal.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(principals(&diff.added), ["everybody"]);
    assert_eq!(
        principals(&diff.removed),
        [root, "arn:aws:iam::444455556666:role/loader"]
    );
    let default = Policy::parse(DEFAULT).unwrap();
    let diff = Diff::between(Some(&default), &partner, &CONTEXT);
    assert_eq!(diff.gains().accounts, set(&["444455556666"]));
    assert_eq!(diff.added.len(), 1);
    assert_eq!(diff.added[0].actions, ["kms:Decrypt", "kms:DescribeKey"]);
}

#[test]
fn the_policies_that_aws_makes() {
    let found = assess(DEFAULT);
    assert!(found.delegates_to_iam && !found.is_foreign() && !found.lockout);
    for question in Question::ALL {
        assert_eq!(found.who_may(question), &set(&OWNERS), "{question:?}");
    }
    // Nobody can change the policy of an AWS managed key; the account uses it through its service.
    let found = assess(MANAGED);
    assert!(found.lockout && !found.is_foreign() && !found.delegates_to_iam);
    assert_eq!(found.who_may(Question::Decrypt), &set(&OWNERS));
    assert!(found.shut.is_empty());
}

/// Policies of the longest text, each of the most of something.
fn adversarial() -> Vec<(&'static str, String)> {
    let list = |count: usize, item: &dyn Fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<_>>().join(",")
    };
    let allow = |who: &str, actions: &str, condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{who},"Action":{actions},"Resource":"*","Condition":{{{condition}}}}}"#
        )
    };
    let whole = |statements: &str| format!(r#"{{"Statement":[{statements}]}}"#);
    let roles = |count| {
        list(count, &|n| {
            format!(r#""arn:aws:iam::111122223333:role/{n:04}""#)
        })
    };
    let accounts = |count| list(count, &|n| format!(r#""{n:012}""#));
    let patterns = |count| list(count, &|n| format!(r#""kms:*{n:04}*""#));
    let root = r#"{"AWS":"111122223333"}"#;
    vec![
        (
            "actions",
            whole(&allow(root, &format!("[{}]", patterns(4_500)), "")),
        ),
        (
            "actions of many statements",
            whole(&list(14, &|n| {
                allow(
                    root,
                    &format!("[{}]", list(256, &|m| format!(r#""kms:*{n:02}{m:03}*""#))),
                    "",
                )
            })),
        ),
        (
            "accounts",
            whole(&allow(
                &format!(r#"{{"AWS":[{}]}}"#, accounts(4_000)),
                r#""kms:*""#,
                "",
            )),
        ),
        (
            "principals by actions",
            whole(&allow(
                &format!(r#"{{"AWS":[{}]}}"#, accounts(2_000)),
                &format!("[{}]", patterns(2_000)),
                "",
            )),
        ),
        (
            "principals by actions, each with a statement of its own",
            whole(&format!(
                "{},{}",
                allow(
                    &format!(r#"{{"AWS":[{}]}}"#, accounts(350)),
                    &format!("[{}]", patterns(1_200)),
                    ""
                ),
                list(350, &|n| allow(
                    &format!(r#"{{"AWS":"{n:012}"}}"#),
                    r#""kms:A""#,
                    ""
                ))
            )),
        ),
        (
            "principals by conditions",
            whole(&allow(
                &format!(r#"{{"AWS":[{}]}}"#, accounts(1_800)),
                r#""kms:*""#,
                &list(450, &|n| {
                    format!(
                        r#""StringEqualsIfExists{n}":{{"aws:SourceIp":"{n}"}},"Null{n}":{{"x":"y"}}"#
                    )
                }),
            )),
        ),
        (
            "principals by values",
            whole(&allow(
                &format!(r#"{{"AWS":[{}]}}"#, accounts(1_800)),
                r#""kms:*""#,
                &format!(
                    r#""StringEquals":{{"kms:CallerAccount":[{}]}}"#,
                    accounts(2_000)
                ),
            )),
        ),
        (
            "roles against denies of all but one",
            whole(&format!(
                "{},{}",
                allow(&format!(r#"{{"AWS":[{}]}}"#, roles(700)), r#""kms:*""#, ""),
                list(300, &|n| format!(
                    r#"{{"Effect":"Deny","NotPrincipal":{{"AWS":"{n:012}"}},"Action":"*","Resource":"*"}}"#
                ))
            )),
        ),
        (
            "complements",
            whole(&list(450, &|n| {
                format!(
                    r#"{{"Effect":"Allow","Principal":{root},"NotAction":["kms:{n}","kms:*a*"],"Resource":"*"}}"#
                )
            })),
        ),
        (
            "stars",
            whole(&allow(
                root,
                &format!(
                    "[{}]",
                    list(480, &|n| format!(r#""kms:{n}{}b""#, "*a".repeat(55)))
                ),
                "",
            )),
        ),
        (
            "statements",
            whole(&list(750, &|_| allow(root, r#""*""#, "")).replace(r#","Condition":{}"#, "")),
        ),
        ("nothing", whole(&list(20_000, &|_| "{}".to_owned()))),
        (
            "one long name",
            whole(&allow(
                &format!(r#"{{"AWS":"{}"}}"#, "x".repeat(60_000)),
                r#""kms:*""#,
                "",
            )),
        ),
    ]
}

#[test]
fn the_most_of_anything_is_read_judged_and_compared() {
    let default = Policy::parse(DEFAULT).unwrap();
    for (name, text) in adversarial() {
        assert!(text.len() <= MAX_BYTES, "{name}: {}", text.len());
        assert!(text.len() > MAX_BYTES / 2, "{name}: {}", text.len());
        let policy = Policy::parse(&text).unwrap();
        assert!(
            Diff::between(Some(&policy), &policy, &CONTEXT).is_empty(),
            "{name}"
        );
        check(&policy, &default).unwrap();
    }
}

/// What holds for any two policies.
fn check(before: &Policy, after: &Policy) -> Result<(), TestCaseError> {
    let diff = Diff::between(Some(before), after, &CONTEXT);
    let assessment = after.assess(&CONTEXT);
    prop_assert_eq!(&diff.after, &assessment);
    prop_assert_eq!(
        assessment.lockout,
        assessment.who_may(Question::Change).is_empty()
    );
    prop_assert!(!assessment.foreign_accounts.contains(CONTEXT.account));
    let gains = diff.gains();
    prop_assert!(!gains.public || assessment.public);
    prop_assert!(gains.accounts.is_subset(&assessment.foreign_accounts));
    prop_assert!(gains.unknown.is_subset(&assessment.unknown_principals));
    for holders in assessment.holders.values() {
        prop_assert!(!holders.at_large || holders.but_for_denies);
    }
    let mut texts: Vec<&String> = assessment
        .holders
        .values()
        .flat_map(|holders| holders.sure.iter().chain(&holders.possible))
        .chain(&assessment.open_services)
        .chain(&assessment.open_via)
        .collect();
    for change in diff.added.iter().chain(&diff.removed) {
        prop_assert!(!change.actions.is_empty() && change.actions.is_sorted());
        texts.extend(&change.actions);
        texts.extend(&change.left);
        texts.extend(&change.condition);
        texts.push(&change.principal);
    }
    prop_assert!(texts.iter().all(|text| text.chars().count() <= MAX_TEXT));
    // What one side gains is what the other loses.
    let back = Diff::between(Some(after), before, &CONTEXT);
    prop_assert_eq!(diff.more, back.more);
    let bare = |changes: &[Change]| -> Vec<_> {
        let mut bare: Vec<_> = changes
            .iter()
            .map(|c| {
                (
                    c.principal.clone(),
                    c.effect,
                    c.condition.clone(),
                    c.actions.clone(),
                )
            })
            .collect();
        bare.sort();
        bare
    };
    if diff.more == 0 {
        prop_assert_eq!(bare(&diff.added), bare(&back.removed));
        prop_assert_eq!(bare(&diff.removed), bare(&back.added));
    }
    Ok(())
}

/// A value as it is, or as a list of one or twice itself.
fn one_or_many(items: Vec<String>, form: usize) -> String {
    match (&items[..], form % 3) {
        ([one], 0) => one.clone(),
        (items, 1) => format!("[{0},{0}]", items.join(",")),
        (items, _) => format!("[{}]", items.join(",")),
    }
}

/// The parts of a statement, to be written in more than one way.
#[derive(Clone, Debug)]
struct Parts {
    effect: &'static str,
    not: [bool; 2],
    principals: Vec<&'static str>,
    actions: Vec<&'static str>,
    condition: &'static str,
}

impl Parts {
    fn write(&self, form: usize) -> String {
        let Self {
            effect,
            not: [not_principal, not_action],
            ..
        } = self;
        let not = |not: &bool| if *not { "Not" } else { "" };
        let mut principals: Vec<_> = self.principals.iter().map(|p| format!("{p:?}")).collect();
        let mut actions: Vec<_> = self.actions.iter().map(|a| format!("{a:?}")).collect();
        if form % 2 == 1 {
            principals.reverse();
            actions.reverse();
            actions = actions.iter().map(|a| a.to_ascii_lowercase()).collect();
        }
        let (principals, actions) = (
            one_or_many(principals, form),
            one_or_many(actions, form + 1),
        );
        let (who, what) = (not(not_principal), not(not_action));
        format!(
            r#"{{"Sid":"s{form}","Effect":"{effect}","{who}Principal":{{"AWS":{principals}}},"{what}Action":{actions},"Resource":"*","Condition":{{{}}}}}"#,
            self.condition
        )
    }
}

fn parts() -> impl Strategy<Value = Parts> {
    let principal = proptest::sample::select(vec![
        "*",
        "111122223333",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/admin",
        "arn:aws:sts::111122223333:assumed-role/admin/maria",
        "arn:aws:iam::444455556666:role/loader",
        "444455556666",
        "AROAQ7EXAMPLEKEYA",
        "somebody",
    ]);
    let action = proptest::sample::select(vec![
        "*",
        "kms:*",
        "kms:Decrypt",
        "kms:D*",
        "kms:*Key*",
        "kms:Put*",
        "kms:PutKeyPolicy",
        "kms:?ncrypt",
        "kms:Encrypt",
        "s3:*",
    ]);
    let condition = proptest::sample::select(vec![
        "",
        r#""StringEquals":{"kms:CallerAccount":"111122223333"}"#,
        r#""StringEquals":{"kms:CallerAccount":["111122223333","444455556666"]}"#,
        r#""StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}"#,
        r#""StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","aws:SourceVpce":"vpce-1"}"#,
        r#""ArnNotLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:role/admin","arn:aws:iam::*:role/x"]}"#,
        r#""StringLike":{"kms:ViaService":"s3.*.amazonaws.com"},"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}"#,
        r#""Bool":{"aws:MultiFactorAuthPresent":"true"}"#,
        r#""StringLike":{"aws:userid":["AROAQ7EXAMPLEROLE00001:*","111122223333"]}"#,
        r#""Null":{"aws:PrincipalTag/a":"true"}"#,
        r#""Bool":{"aws:SecureTransport":true},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}"#,
    ]);
    (
        proptest::sample::select(vec!["Allow", "Allow", "Deny"]),
        proptest::array::uniform2(proptest::bool::weighted(0.2)),
        proptest::collection::vec(principal, 1..4),
        proptest::collection::vec(action, 1..5),
        condition,
    )
        .prop_map(|(effect, not, principals, actions, condition)| Parts {
            effect,
            not,
            principals,
            actions,
            condition,
        })
}

fn written(statements: &[String]) -> Policy {
    Policy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap()
}

/// A deny that asks for the condition of the allow takes all of it, whatever a further deny asks for.
#[test]
fn what_the_same_condition_denies_lets_in_nobody() {
    const STRANGERS: &str = r#""NotPrincipal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*","Condition":{"StringLike":{"aws:userid":"AROAQ7EXAMPLEROLE00001:*"}}"#;
    const OUTSIDE: &str = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}"#;
    let allow = format!(r#"{{"Effect":"Allow",{STRANGERS}}}"#);
    let deny = format!(r#"{{"Effect":"Deny",{STRANGERS}}}"#);
    let of =
        |statements: &[&str]| assess(&format!(r#"{{"Statement":[{}]}}"#, statements.join(",")));
    assert!(of(&[&allow, OUTSIDE]).is_foreign());
    assert!(!of(&[&allow, &deny]).is_foreign());
    assert!(!of(&[&allow, &deny, OUTSIDE]).is_foreign());
}

/// JSON with the words of a policy in it, in places right and wrong.
fn json() -> impl Strategy<Value = String> {
    let words = proptest::sample::select(vec![
        "Statement",
        "Effect",
        "Allow",
        "Deny",
        "Principal",
        "NotPrincipal",
        "AWS",
        "Service",
        "*",
        "Action",
        "NotAction",
        "Resource",
        "Condition",
        "StringEquals",
        "kms:CallerAccount",
        "111122223333",
        "kms:*",
        "arn:aws:iam::111122223333:root",
        "Null",
        "ForAllValues:StringLike",
    ]);
    let word = prop_oneof![words.prop_map(str::to_owned), any::<String>()];
    let text = word.prop_map(|word| serde_json::Value::from(word).to_string());
    let leaf = prop_oneof![
        4 => text.clone(),
        1 => Just("null".to_owned()),
        1 => any::<bool>().prop_map(|b| b.to_string()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => Just("1e400".to_owned()),
    ];
    leaf.prop_recursive(8, 96, 6, move |inner| {
        let member =
            (text.clone(), inner.clone()).prop_map(|(name, value)| format!("{name}:{value}"));
        prop_oneof![
            proptest::collection::vec(inner, 0..6)
                .prop_map(|items| format!("[{}]", items.join(","))),
            proptest::collection::vec(member, 0..6)
                .prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    })
}

/// The role of a session: `arn:aws:iam::ACCOUNT:role/NAME` of `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`.
fn role_of(session: &str) -> Option<String> {
    let (account, name) = session.split_once(":assumed-role/")?;
    let (role, _) = name.split_once('/')?;
    Some(format!("{}:role/{role}", account.replace(":sts:", ":iam:")))
}

proptest! {
    // A regression becomes a test of its own.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_makes_it_panic(
        statement in json(),
        [who, action, condition] in [json(), json(), json()],
        other in proptest::collection::vec(parts(), 1..3),
    ) {
        let _ = Policy::parse(&statement);
        let effect = r#""Effect":"Allow","Resource":"*""#;
        let other: Vec<_> = other.iter().map(|parts| parts.write(0)).collect();
        for text in [
            format!(r#"{{"Statement":{statement}}}"#),
            format!(r#"{{"Statement":[{statement},{{{effect},"Principal":{who},"Action":"*"}}]}}"#),
            format!(r#"{{"Statement":{{{effect},"Principal":{who},"Action":{action},"Condition":{condition}}}}}"#),
            format!(r#"{{"Statement":{{{effect},"Principal":"*","Action":"*","Condition":{{"StringEquals":{condition}}}}}}}"#),
            format!(r#"{{"Statement":{{{effect},"NotPrincipal":{{"AWS":{who}}},"NotAction":{action}}}}}"#),
        ] {
            if let Ok(policy) = Policy::parse(&text) {
                check(&policy, &written(&other))?;
                prop_assert!(Diff::between(Some(&policy), &policy, &CONTEXT).is_empty());
            }
        }
    }

    #[test]
    fn two_policies_are_compared_both_ways(
        before in proptest::collection::vec(parts(), 1..5),
        after in proptest::collection::vec(parts(), 1..5),
    ) {
        let write = |all: &[Parts]| written(&all.iter().map(|parts| parts.write(0)).collect::<Vec<_>>());
        let (before, after) = (write(&before), write(&after));
        check(&before, &after)?;
        prop_assert!(Diff::between(Some(&after), &after, &CONTEXT).is_empty());
    }

    #[test]
    fn order_and_writing_change_nothing(
        (statements, shuffled) in proptest::collection::vec((parts(), 0..6_usize), 1..6)
            .prop_flat_map(|all| (Just(all.clone()), Just(all).prop_shuffle())),
    ) {
        let plain: Vec<_> = statements.iter().map(|(parts, _)| parts.write(0)).collect();
        let other: Vec<_> = shuffled.iter().map(|(parts, form)| parts.write(*form)).collect();
        let (plain, other) = (written(&plain), written(&other));
        prop_assert!(Diff::between(Some(&plain), &other, &CONTEXT).is_empty());
        prop_assert_eq!(plain.assess(&CONTEXT), other.assess(&CONTEXT));
    }

    #[test]
    fn an_allow_more_never_makes_a_policy_look_safer(
        statements in proptest::collection::vec(parts(), 1..5),
        mut more in parts(),
    ) {
        more.effect = "Allow";
        let mut texts: Vec<_> = statements.iter().map(|parts| parts.write(0)).collect();
        let before = written(&texts).assess(&CONTEXT);
        texts.push(more.write(0));
        let after = written(&texts).assess(&CONTEXT);
        prop_assert!(!before.public || after.public);
        prop_assert!(!before.is_foreign() || after.is_foreign());
        for (before, after) in [
            (&before.foreign_accounts, &after.foreign_accounts),
            (&before.foreign_organizations, &after.foreign_organizations),
            (&before.foreign_networks, &after.foreign_networks),
            (&before.unknown_principals, &after.unknown_principals),
            (&before.open_via, &after.open_via),
            (&before.open_services, &after.open_services),
        ] {
            prop_assert!(before.is_subset(after));
        }
        for (question, before) in &before.holders {
            let after = &after.holders[question];
            prop_assert!(!before.at_large || after.at_large);
            prop_assert!(!before.root_user || after.root_user);
        }
    }

    #[test]
    fn a_deny_more_never_widens_who_may_do_anything(
        statements in proptest::collection::vec(parts(), 1..5),
        mut more in parts(),
    ) {
        more.effect = "Deny";
        let mut texts: Vec<_> = statements.iter().map(|parts| parts.write(0)).collect();
        let before = written(&texts).assess(&CONTEXT);
        texts.push(more.write(0));
        let after = written(&texts).assess(&CONTEXT);
        prop_assert!(!after.public || before.public);
        prop_assert!(!after.is_foreign() || before.is_foreign());
        for (question, after) in &after.holders {
            let before = &before.holders[question];
            prop_assert!(!after.at_large || before.at_large);
            prop_assert!(!after.root_user || before.root_user);
            // Whom the deny names is told by name, who was one of many before.
            let named = |who: &String| before.sure.contains(who) || before.at_large || before.root_user;
            let friends = before.possible.contains("everybody");
            // Nor is a session of a role that was named somebody new.
            let session = |who: &String| role_of(who).is_some_and(|role| named(&role));
            let known = |who: &String| named(who) || session(who);
            prop_assert!(friends || after.sure.iter().all(known), "{:?} {:?}", before, after);
        }
    }
}
