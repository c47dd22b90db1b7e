use super::granted::MAX_PATTERNS;
use super::pair::MAX_COMPARED;
use super::*;

const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
const CONTEXT: Context<'_> = Context {
    account: "111122223333",
    key: None,
    trusted_accounts: &["222233334444"],
    trusted_organizations: &[],
    now: 1_771_056_000,
};

fn policy(statements: &[String]) -> Policy {
    Policy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap()
}

fn statement(effect: &str, who: &str, actions: &str, condition: &str) -> String {
    format!(
        r#"{{"Effect":"{effect}","Principal":{who},"Action":{actions},"Resource":"*","Condition":{condition}}}"#
    )
}

fn allow(who: &str, actions: &str) -> String {
    statement("Allow", who, actions, "{}")
}

/// One line for each change.
fn told(before: &[String], after: &[String]) -> Vec<String> {
    let (before, after) = (policy(before), policy(after));
    let diff = Diff::between(Some(&before), &after, &CONTEXT);
    assert_eq!(diff.more, 0);
    let line = |sign: char, change: &Change| {
        let left = match change.left.is_empty() {
            true => String::new(),
            false => format!(" leaves {}", change.left.join(" ")),
        };
        let condition = change
            .condition
            .iter()
            .map(|c| format!(" {c}"))
            .collect::<String>();
        let actions = change.actions.join(" ");
        format!(
            "{sign} {:?} {} {actions}{condition}{left}",
            change.effect, change.principal
        )
    };
    let lines: Vec<_> = diff
        .added
        .iter()
        .map(|c| line('+', c))
        .chain(diff.removed.iter().map(|c| line('-', c)))
        .collect();
    assert_eq!(diff.is_empty(), lines.is_empty());
    lines
}

#[test]
fn how_it_is_written_is_no_difference() {
    let whole = r#"{"Version":"2012-10-17","Id":"a","Statement":[
        {"Sid":"one","Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*"},
        {"Sid":"two","Effect":"Deny","Principal":"*","Action":"kms:ScheduleKeyDeletion","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":false}}}]}"#;
    let same = r#"{"Version":"2008-10-17","Statement":[
        {"Effect":"Deny","Principal":{"AWS":["*","*"]},"Action":["KMS:scheduleKeyDeletion"],"Resource":["*"],"Condition":{"bool":{"AWS:MultiFactorAuthPresent":["false"]}}},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":["kms:Encrypt","kms:Decrypt","kms:Decrypt"],"Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:encrypt","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:decrypt","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}]}"#;
    let (whole, same) = (Policy::parse(whole).unwrap(), Policy::parse(same).unwrap());
    for (before, after) in [(&whole, &same), (&same, &whole), (&whole, &whole)] {
        let diff = Diff::between(Some(before), after, &CONTEXT);
        assert!(diff.is_empty(), "{diff:?}");
    }
}

#[test]
fn access_is_told_as_it_changes() {
    let role = r#"{"AWS":"arn:aws:iam::444455556666:role/loader"}"#;
    let root = allow(ROOT, r#""kms:*""#);
    let via = r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#;
    let not = |actions: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#)
    };
    let cases: [(Vec<String>, Vec<String>, Vec<&str>); 17] = [
        (
            vec![root.clone()],
            vec![
                root.clone(),
                allow(role, r#"["kms:DescribeKey","kms:Decrypt"]"#),
            ],
            vec!["+ Allow arn:aws:iam::444455556666:role/loader kms:Decrypt kms:DescribeKey"],
        ),
        (
            vec![allow(role, r#"["kms:Encrypt","kms:Decrypt"]"#)],
            vec![allow(role, r#"["kms:Decrypt","kms:Sign"]"#)],
            vec![
                "+ Allow arn:aws:iam::444455556666:role/loader kms:Sign",
                "- Allow arn:aws:iam::444455556666:role/loader kms:Encrypt leaves kms:Decrypt kms:Sign",
            ],
        ),
        // Widened, and narrowed again.
        (
            vec![allow(ROOT, r#""kms:Decrypt""#)],
            vec![root.clone()],
            vec!["+ Allow arn:aws:iam::111122223333:root kms:*"],
        ),
        (
            vec![root.clone()],
            vec![allow(ROOT, r#""kms:Decrypt""#)],
            vec!["- Allow arn:aws:iam::111122223333:root kms:* leaves kms:Decrypt"],
        ),
        // What a pattern covers comes and goes unseen, as far as the pattern stays.
        (
            vec![root.clone(), allow(ROOT, r#""kms:Decrypt""#)],
            vec![root.clone()],
            vec![],
        ),
        (
            vec![root.clone()],
            vec![allow(ROOT, r#"["kms:Decrypt","kms:*"]"#)],
            vec![],
        ),
        (
            vec![allow(
                ROOT,
                r#"["kms:Get*","kms:GetKeyPolicy","kms:GetP*"]"#,
            )],
            vec![allow(ROOT, r#""kms:Get*""#)],
            vec![],
        ),
        // Another principal, another condition, another effect are compared apart.
        (
            vec![root.clone()],
            vec![statement("Allow", ROOT, r#""kms:*""#, via)],
            vec![
                "+ Allow arn:aws:iam::111122223333:root kms:* if kms:ViaService is s3.us-east-1.amazonaws.com",
                "- Allow arn:aws:iam::111122223333:root kms:*",
            ],
        ),
        (
            vec![
                root.clone(),
                statement("Deny", r#""*""#, r#""kms:Decrypt""#, "{}"),
            ],
            vec![root.clone()],
            vec!["- Deny everybody kms:Decrypt"],
        ),
        // What another part covers is not told beside it.
        (
            vec![allow(ROOT, r#""s3:*""#)],
            vec![
                allow(ROOT, r#"["kms:Sign","kms:DeleteAlias"]"#),
                not(r#""kms:Delete*""#),
            ],
            vec![
                "+ Allow arn:aws:iam::111122223333:root everything but kms:Delete* kms:DeleteAlias",
            ],
        ),
        (
            vec![allow(ROOT, r#""s3:*""#)],
            vec![
                not(r#""kms:Delete*""#),
                not(r#"["kms:Delete*","kms:Put*"]"#),
                not(r#"["KMS:delete*"]"#),
            ],
            vec!["+ Allow arn:aws:iam::111122223333:root everything but kms:Delete*"],
        ),
        // A complement.
        (
            vec![root.clone()],
            vec![not(r#"["kms:ScheduleKeyDeletion","kms:Delete*"]"#)],
            vec![
                "- Allow arn:aws:iam::111122223333:root kms:* leaves everything but kms:Delete*, kms:ScheduleKeyDeletion",
            ],
        ),
        (
            vec![not(r#""kms:Delete*""#)],
            vec![root.clone()],
            vec!["+ Allow arn:aws:iam::111122223333:root kms:*"],
        ),
        (
            vec![not(r#""kms:D*""#)],
            vec![not(r#""kms:D*""#), allow(ROOT, r#""kms:Sign""#)],
            vec![],
        ),
        (
            vec![not(r#""kms:D*""#)],
            vec![not(r#""kms:Delete*""#)],
            vec!["+ Allow arn:aws:iam::111122223333:root everything but kms:Delete*"],
        ),
        (
            vec![not(r#""kms:D*""#)],
            vec![allow(ROOT, r#""kms:Sign""#)],
            vec!["- Allow arn:aws:iam::111122223333:root everything but kms:D* leaves kms:Sign"],
        ),
        (
            vec![root.clone()],
            vec![format!(
                r#"{{"Effect":"Allow","NotPrincipal":{{"AWS":["444455556666","555566667777"]}},"Action":"kms:*","Resource":"*"}}"#
            )],
            vec![
                "+ Allow everybody but 444455556666, 555566667777 kms:*",
                "- Allow arn:aws:iam::111122223333:root kms:*",
            ],
        ),
    ];
    for (before, after, lines) in cases {
        assert_eq!(told(&before, &after), lines);
    }
}

#[test]
fn without_a_policy_before_everything_is_new() {
    let after = policy(&[
        allow(
            r#"{"AWS":["444455556666","222233334444"]}"#,
            r#""kms:Decrypt""#,
        ),
        allow(r#""*""#, r#""kms:Encrypt""#),
    ]);
    let diff = Diff::between(None, &after, &CONTEXT);
    assert_eq!(diff.added.len(), 3);
    assert_eq!(diff.added[0].principal, "everybody");
    assert!(diff.removed.is_empty() && !diff.is_empty());
    assert!(diff.gains().public);
    assert_eq!(
        diff.gains().accounts,
        BTreeSet::from(["444455556666".to_owned()])
    );
}

#[test]
fn gains_are_what_was_not_there_before() {
    let foreign = |actions: &str| allow(r#"{"AWS":"arn:aws:iam::444455556666:role/a"}"#, actions);
    let (decrypt, all) = (r#""kms:Decrypt""#, r#""kms:*""#);
    let other_role = allow(r#"{"AWS":"arn:aws:iam::444455556666:role/b"}"#, decrypt);
    let public = allow(r#""*""#, decrypt);
    let mfa = statement(
        "Allow",
        r#"{"AWS":"444455556666"}"#,
        decrypt,
        r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
    );
    for (before, after, is_public, gained, widened) in [
        (allow(ROOT, all), foreign(decrypt), false, true, false),
        (foreign(decrypt), foreign(decrypt), false, false, false),
        (foreign(decrypt), foreign(all), false, false, true),
        (foreign(all), foreign(decrypt), false, false, false),
        (foreign(decrypt), other_role, false, false, false),
        (foreign(decrypt), mfa, false, false, false),
        (allow(ROOT, all), public.clone(), true, false, false),
        (public.clone(), public.clone(), false, false, false),
        (public, allow(ROOT, all), false, false, false),
    ] {
        let (before, after) = (policy(&[before]), policy(&[after]));
        let diff = Diff::between(Some(&before), &after, &CONTEXT);
        assert_eq!(diff.gains().public, is_public);
        assert_eq!(!diff.gains().accounts.is_empty(), gained || widened);
    }
}

#[test]
fn what_opens_comes_first_and_what_is_left_out_is_counted() {
    let roles: Vec<_> = (0..100)
        .map(|n| format!(r#""arn:aws:iam::111122223333:role/r{n:03}""#))
        .collect();
    let roles = format!(r#"{{"AWS":[{}]}}"#, roles.join(","));
    let actions: Vec<_> = (0..100).map(|n| format!(r#""kms:A{n:03}""#)).collect();
    let actions = format!("[{}]", actions.join(","));
    let full = policy(&[
        statement("Deny", &roles, &actions, "{}"),
        statement("Deny", r#""*""#, r#""kms:Decrypt""#, "{}"),
        allow(&roles, &actions),
        allow(r#""*""#, r#""kms:Decrypt""#),
    ]);
    let others = policy(&[
        allow(r#"{"AWS":"111122223333"}"#, r#""kms:Decrypt""#),
        r#"{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*"}"#.to_owned(),
    ]);
    let diff = Diff::between(None, &others, &CONTEXT);
    assert_eq!(diff.added[0].principal, "everybody but 444455556666");
    let nothing = policy(&[allow(ROOT, r#""s3:*""#)]);
    let diff = Diff::between(Some(&nothing), &full, &CONTEXT);
    assert_eq!(
        (diff.added.len(), diff.more),
        (MAX_CHANGES, 202 - MAX_CHANGES)
    );
    assert_eq!(diff.added[0].principal, "everybody");
    assert_eq!(diff.added[0].effect, Effect::Allow);
    // That nobody may decrypt comes before what a hundred roles may.
    assert_eq!(diff.added[1].principal, "everybody");
    assert_eq!(diff.added[1].effect, Effect::Deny);
    let role = &diff.added[2];
    assert_eq!(role.principal, "arn:aws:iam::111122223333:role/r000");
    assert_eq!(
        (role.actions.len(), role.more_actions),
        (MAX_ACTIONS, 100 - MAX_ACTIONS)
    );
    let diff = Diff::between(Some(&full), &nothing, &CONTEXT);
    assert_eq!(
        (diff.removed.len(), diff.more),
        (MAX_CHANGES, 202 - MAX_CHANGES)
    );
    assert_eq!(diff.removed[0].principal, "everybody");
    assert_eq!(diff.removed[0].effect, Effect::Deny);
}

#[test]
fn a_change_among_too_much_to_compare_is_no_silence() {
    let statement = |last: &str| {
        let actions: Vec<_> = (0..MAX_PATTERNS)
            .map(|n| format!(r#""kms:A{n:03}""#))
            .collect();
        policy(&[allow(ROOT, &format!(r#"[{},"{last}"]"#, actions.join(",")))])
    };
    let (before, after) = (statement("kms:LongerName"), statement("kms:LongestName"));
    let diff = Diff::between(Some(&before), &after, &CONTEXT);
    assert!(diff.added.is_empty() && diff.removed.is_empty());
    assert_eq!(diff.more, 1);
    assert!(!diff.is_empty());
    assert!(Diff::between(Some(&after), &after, &CONTEXT).is_empty());
    // A pattern is looked at before single operations: it cannot hide behind them.
    let wide = statement("kms:P*");
    let diff = Diff::between(Some(&before), &wide, &CONTEXT);
    assert_eq!(diff.added[0].actions, ["kms:P*"]);
    assert_eq!(diff.more, 1);
}

#[test]
fn more_combinations_than_are_compared_are_counted() {
    let many = |last: &str| {
        let all: Vec<_> = (0..2 * MAX_COMPARED)
            .map(|n| {
                allow(
                    &format!(r#"{{"AWS":"{n:012}"}}"#),
                    &format!(r#""kms:{last}{n}""#),
                )
            })
            .collect();
        policy(&all)
    };
    let (before, after) = (many("A"), many("B"));
    let diff = Diff::between(Some(&before), &after, &CONTEXT);
    assert_eq!(
        (diff.added.len(), diff.removed.len()),
        (MAX_CHANGES, MAX_CHANGES)
    );
    assert_eq!(diff.more, MAX_COMPARED + 2 * (MAX_COMPARED - MAX_CHANGES));
    assert!(Diff::between(Some(&after), &after, &CONTEXT).is_empty());
}

#[test]
fn a_change_serialises_for_the_alert() {
    let (before, after) = (
        policy(&[allow(ROOT, r#""s3:*""#)]),
        policy(&[allow(ROOT, r#""kms:*""#)]),
    );
    let diff = Diff::between(Some(&before), &after, &CONTEXT);
    assert_eq!(
        serde_json::to_string(&diff.added).unwrap(),
        r#"[{"effect":"Allow","principal":"arn:aws:iam::111122223333:root","actions":["kms:*"],"moreActions":0,"condition":null,"resource":null,"left":[]}]"#
    );
}
