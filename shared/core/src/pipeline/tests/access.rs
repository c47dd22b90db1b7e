//! Policies, aliases, tags, grants and key stores in the pipeline: what is compared with what the ledger remembers.

use proptest::prelude::*;

use super::*;
use crate::kinds::{
    AliasCreated, AliasDeleted, AliasMoved, FreshPolicy, GrantCreated, KeyCreated,
    KeyDescriptionChanged, KeyDisabled, KeyEnabled, KeyPolicyChanged, KeyReplicated,
    KeyStoreConnected, KeyStoreCreated, KeyStoreDeleted, KeyStoreDisconnected, KeyStoreUpdated,
    KeyTagsChanged,
};
use crate::ledger::Policy;
use crate::ledger::Profile;
use crate::step::{Step, StepType};

const ACCOUNT: &str = "account#111122223333#us-east-1";
const OTHER: &str = "arn:aws:kms:us-east-1:111122223333:key/c7d92e40-81b3-4f6a-a5e8-13d06f9b2c74";
const ADMIN: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}"#;
const EVERYBODY: &str =
    r#"{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}"#;

const RANSOM: &str = r#"{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/attacker"}}}"#;
const UNIQUE: &str = r#"{"Effect":"Allow","Principal":{"AWS":"AROAQ7EXAMPLEROLE00077"},"Action":"kms:Decrypt","Resource":"*"}"#;

fn deny(action: &str) -> String {
    format!(r#"{{"Effect":"Deny","Principal":"*","Action":"{action}","Resource":"*"}}"#)
}

/// Everybody whose name begins with another letter than `x`.
fn deny_of_names() -> String {
    let letters = ('a'..='z').filter(|letter| *letter != 'x');
    let names = letters.flat_map(|letter| [letter, letter.to_ascii_uppercase()]);
    let arns = names.map(|letter| format!(r#""arn:aws:iam::111122223333:*/{letter}*""#));
    let arns = arns.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{{"ArnLike":{{"aws:PrincipalArn":["arn:aws:iam::111122223333:root",{arns}]}}}}}}"#
    )
}

fn deny_through(operator: &str) -> String {
    format!(
        r#"{{"Effect":"Deny","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{{"{operator}":{{"kms:ViaService":["s3.us-east-1.amazonaws.com","ec2.us-east-1.amazonaws.com"]}}}}}}"#
    )
}

fn organization(id: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"{id}"}}}}}}"#
    )
}

pub(super) fn with_ledger(kms: FakeKms, variables: &[(&str, &str)]) -> FakeWatch {
    let mut variables = variables.to_vec();
    variables.push(("LEDGER_TABLE", "kms-watch-Ledger"));
    FakeWatch {
        ledger: Some(FakeLedger::default()),
        ..watch(kms, &variables)
    }
}

fn item(watch: &FakeWatch, partition: &str, sort: &str) -> Option<crate::ledger::Item> {
    watch.ledger.as_ref().unwrap().get(partition, sort)
}

fn calls(watch: &FakeWatch, name: &str) -> usize {
    let calls = watch.ledger.as_ref().unwrap().calls.borrow();
    calls.get(name).copied().unwrap_or(0)
}

fn policy(statements: &[&str]) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    )
}

fn role(account: &str, actions: &str) -> String {
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:role/loader"}},"Action":{actions},"Resource":"*"}}"#
    )
}

/// A minute of the hour before now.
pub(super) fn minute(minute: u8) -> Timestamp {
    at(&format!("2026-11-20T11:{minute:02}:00Z"))
}

/// Tells what happened to `key` in that minute.
pub(super) fn tell_of(watch: &FakeWatch, key: &str, kind: impl Into<Kind>, when: u8) -> Alert {
    let call = format!("{when} {key}");
    let occurrence = Occurrence {
        subject: Subject::Key(key.parse().unwrap()),
        occurred_at: Some(minute(when)),
        ..occurrence(kind, Some(&call))
    };
    let mut told = run(watch.tell(occurrence, &call)).unwrap();
    assert_eq!(told.alerts.len(), 1, "{told:?}");
    told.alerts.remove(0)
}

fn put(watch: &FakeWatch, text: &str, when: u8) -> Alert {
    tell_of(
        watch,
        ARN,
        KeyPolicyChanged::asked_for(Some(text), false),
        when,
    )
}

/// KMS has this policy now.
fn having(policy: &str) -> FakeKms {
    FakeKms {
        policy: Ok(policy.to_owned()),
        ..FakeKms::default()
    }
}

pub(super) fn details(alert: &Alert) -> Value {
    json!(alert.details)
}

pub(super) fn summary(alert: &Alert) -> String {
    alert.summary.plain()
}

fn commands(alert: &Alert) -> Vec<&str> {
    let steps = alert.next_steps.iter();
    steps.filter_map(|step| step.command.as_deref()).collect()
}

#[test]
fn a_policy_is_compared_with_the_one_before() {
    let (one, two) = (
        policy(&[ADMIN]),
        policy(&[
            ADMIN,
            &role("444455556666", r#"["kms:Decrypt","kms:DescribeKey"]"#),
        ]),
    );
    let mut watch = with_ledger(having(&one), &[]);
    let first = put(&watch, &one, 0);
    assert_eq!(first.severity, Severity::Medium);
    assert_eq!(details(&first)["comparedWith"], Value::Null);
    assert!(
        summary(&first).contains("knows no earlier policy"),
        "{}",
        summary(&first)
    );

    watch.kms = having(&two);
    let second = put(&watch, &two, 10);
    assert_eq!(second.severity, Severity::High);
    let told = details(&second);
    assert_eq!(told["comparedWith"], "2026-11-20T11:00:00Z");
    assert_eq!(told["foreignAccounts"], json!(["444455556666"]));
    assert_eq!(told["gainedAccounts"], json!(["444455556666"]));
    assert_eq!(told["added"].as_array().unwrap().len(), 1);
    assert_eq!(
        told["added"][0]["actions"],
        json!(["kms:Decrypt", "kms:DescribeKey"])
    );
    assert_eq!(told["removed"], json!([]));
    assert_eq!(
        [&told["public"], &told["lockout"], &told["delegatesToIam"]],
        [false, false, true]
    );
    for fact in [
        "arn:aws:iam::444455556666:role/loader",
        "kms:Decrypt and kms:DescribeKey",
    ] {
        assert!(summary(&second).contains(fact), "{}", summary(&second));
    }
    // The policy before is kept to be put back, and found by the command.
    let kept = item(&watch, ARN, "policy#2026-11-20T11:00:00Z").unwrap();
    assert_eq!(kept["policy"], one);
    assert!(kept["ttl"].is_i64());
    let fetch = commands(&second)[1];
    assert!(
        fetch.contains("policy#2026-11-20T11:00:00Z") && fetch.contains("kms-watch-Ledger"),
        "{fetch}"
    );
    // The actor may be the attacker: what stops the stranger comes first and depends on no answer.
    let kinds: Vec<_> = second.next_steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds.first(), Some(&StepType::Contain), "{kinds:?}");
    assert_eq!(kinds.last(), Some(&StepType::Ask), "{kinds:?}");
    assert!(commands(&second)[0].starts_with("aws kms disable-key --key-id arn:"));
    assert!(commands(&second)[2].starts_with("aws kms put-key-policy --key-id arn:"));

    // And back.
    watch.kms = having(&one);
    let third = put(&watch, &one, 20);
    assert_eq!(third.severity, Severity::Medium);
    assert_eq!(details(&third)["removed"].as_array().unwrap().len(), 1);
    let last = Policy::read(&item(&watch, ARN, "policy").unwrap()).unwrap();
    assert_eq!((last.policy, last.as_of), (one, minute(20)));
}

#[test]
fn an_older_event_neither_overwrites_a_later_policy_nor_is_compared_with_it() {
    let (early, late) = (
        policy(&[ADMIN, &role("444455556666", r#""kms:Decrypt""#)]),
        policy(&[ADMIN]),
    );
    let watch = with_ledger(having(&late), &[]);
    put(&watch, &late, 20);
    let alert = put(&watch, &early, 10);
    let last = Policy::read(&item(&watch, ARN, "policy").unwrap()).unwrap();
    assert_eq!((last.policy, last.as_of), (late, minute(20)));
    assert_eq!(details(&alert)["comparedWith"], Value::Null);
    // What is not known counts as new.
    assert_eq!(alert.severity, Severity::High);
    assert!(summary(&alert).contains("came late"), "{}", summary(&alert));
    assert!(
        summary(&alert).contains("yet another policy"),
        "{}",
        summary(&alert)
    );
}

#[test]
fn a_lockout_that_is_over_is_not_told_as_one_that_lasts() {
    let lockout = policy(&[&role("444455556666", r#""kms:*""#)]);
    for (live, lasts) in [(&lockout, true), (&policy(&[ADMIN]), false)] {
        let watch = with_ledger(having(live), &[]);
        let alert = put(&watch, &lockout, 0);
        assert_eq!(alert.severity, Severity::Critical);
        // Only AWS Support can help where it lasts; else somebody can set another policy.
        let puts = |command: &&str| command.contains("put-key-policy");
        assert_eq!(commands(&alert).iter().any(puts), !lasts, "{alert:?}");
        let support = |step: &Step| step.text.plain().contains("AWS Support");
        assert_eq!(alert.next_steps.iter().any(support), lasts, "{alert:?}");
    }
}

#[test]
fn a_policy_that_is_the_same_is_said_to_be() {
    let one = policy(&[ADMIN]);
    let watch = with_ledger(having(&one), &[]);
    put(&watch, &one, 0);
    let alert = put(&watch, &format!(" {one} "), 1);
    assert!(
        summary(&alert).contains("allows and denies the same"),
        "{}",
        summary(&alert)
    );
    // Nothing to do, and no advice to do it.
    assert_eq!(alert.severity, Severity::Info);
    assert!(alert.next_steps.is_empty());
    assert_eq!(details(&alert)["unchanged"], json!(true));
}

#[test]
fn how_bad_a_policy_is() {
    let trusted = [
        ("TRUSTED_ACCOUNTS", "222233334444"),
        ("TRUSTED_ORGANIZATIONS", "o-ourcompany1"),
    ];
    let only_admin = role("111122223333", r#""kms:*""#);
    let odd = r#"{"Effect":"allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;
    let owner = policy(&[ADMIN]);
    for (before, after, bypassed, severity) in [
        (Some(&owner), owner.clone(), false, Severity::Info),
        (
            Some(&owner),
            policy(&[ADMIN, EVERYBODY]),
            false,
            Severity::Critical,
        ),
        (None, policy(&[ADMIN, EVERYBODY]), false, Severity::Critical),
        (
            Some(&owner),
            policy(&[&role("444455556666", r#""kms:*""#)]),
            false,
            Severity::Critical,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &role("444455556666", r#""kms:Decrypt""#)]),
            false,
            Severity::High,
        ),
        (
            None,
            policy(&[ADMIN, &role("444455556666", r#""kms:Decrypt""#)]),
            false,
            Severity::High,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &role("222233334444", r#""kms:Decrypt""#)]),
            false,
            Severity::Medium,
        ),
        // Ransom, and what shuts everybody out of using the key.
        (
            Some(&owner),
            policy(&[ADMIN, RANSOM]),
            false,
            Severity::Critical,
        ),
        (None, policy(&[ADMIN, RANSOM]), false, Severity::Critical),
        (
            Some(&owner),
            policy(&[ADMIN, &RANSOM.replace("kms:*", "kms:Decrypt")]),
            false,
            Severity::High,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &deny("kms:Decrypt")]),
            false,
            Severity::Critical,
        ),
        // All names but one, and the services through which data is read.
        (
            Some(&owner),
            policy(&[ADMIN, &deny_of_names()]),
            false,
            Severity::Critical,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &deny_through("StringEquals")]),
            false,
            Severity::High,
        ),
        // Somebody whose account is not known.
        (
            Some(&owner),
            policy(&[ADMIN, UNIQUE]),
            false,
            Severity::High,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &organization("o-attacker123")]),
            false,
            Severity::High,
        ),
        (
            Some(&owner),
            policy(&[ADMIN, &organization("o-ourcompany1")]),
            false,
            Severity::Medium,
        ),
        // Delegation to IAM that was there before is gone; without a policy before, that is only said.
        (Some(&owner), policy(&[&only_admin]), false, Severity::High),
        (None, policy(&[&only_admin]), false, Severity::Medium),
        (Some(&owner), policy(&[ADMIN, odd]), false, Severity::High),
        (Some(&owner), "no policy".to_owned(), false, Severity::High),
    ] {
        let watch = with_ledger(having(&after), &trusted);
        if let Some(before) = before {
            put(&watch, before, 0);
        }
        let kind = KeyPolicyChanged::asked_for(Some(&after), bypassed);
        let alert = tell_of(&watch, ARN, kind, 10);
        assert_eq!(alert.severity, severity, "{after}: {}", summary(&alert));
    }
}

#[test]
fn access_that_stays_as_it_was_is_no_gain() {
    let one = policy(&[ADMIN, &role("444455556666", r#""kms:Decrypt""#)]);
    let two = policy(&[
        ADMIN,
        &role("444455556666", r#"["kms:Decrypt"]"#),
        &role("111122223333", r#""kms:Sign""#),
    ]);
    let watch = with_ledger(having(&two), &[]);
    put(&watch, &one, 0);
    let alert = put(&watch, &two, 1);
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(details(&alert)["foreignAccounts"], json!(["444455556666"]));
    assert_eq!(details(&alert)["gainedAccounts"], json!([]));
    // More actions are.
    let three = policy(&[ADMIN, &role("444455556666", r#""kms:*""#)]);
    assert_eq!(put(&watch, &three, 2).severity, Severity::High);
}

#[test]
fn without_the_policy_in_the_record_kms_is_asked_and_without_an_answer_it_is_bad() {
    let watch = with_ledger(having(&policy(&[ADMIN, EVERYBODY])), &[]);
    let alert = tell_of(&watch, ARN, KeyPolicyChanged::asked_for(None, false), 0);
    assert_eq!(alert.severity, Severity::Critical);
    // It was read now, and not when it was put.
    let last = Policy::read(&item(&watch, ARN, "policy").unwrap()).unwrap();
    assert_eq!(last.as_of, FakeClock::default().now());

    let denied = FakeKms {
        policy: Err(CallError::new("AccessDeniedException", "no")),
        ..FakeKms::default()
    };
    let watch = with_ledger(denied, &[]);
    let alert = tell_of(&watch, ARN, KeyPolicyChanged::asked_for(None, false), 0);
    assert_eq!(alert.severity, Severity::High);
    assert_eq!(alert.enrichment.missing[0].fact, "policy");
    assert_eq!(details(&alert)["public"], Value::Null);
    assert!(
        summary(&alert).contains("neither CloudTrail nor KMS returned it"),
        "{}",
        summary(&alert)
    );
    assert_eq!(item(&watch, ARN, "policy"), None);
}

#[test]
fn a_key_is_created_with_a_policy_that_only_kms_knows() {
    for (text, severity, public) in [
        (policy(&[ADMIN]), Severity::Info, json!(false)),
        (policy(&[EVERYBODY]), Severity::Critical, json!(true)),
        ("{}".to_owned(), Severity::High, Value::Null),
    ] {
        let watch = with_ledger(having(&text), &[]);
        let alert = tell_of(&watch, ARN, KeyCreated::default(), 0);
        assert_eq!(alert.severity, severity, "{text}");
        assert_eq!(details(&alert)["public"], public);
        // Somebody who puts another one meanwhile is not hidden by what is read now.
        let next = put(
            &watch,
            &policy(&[ADMIN, &role("444455556666", r#""kms:*""#)]),
            1,
        );
        assert_eq!(next.severity, Severity::High);
    }
    let watch = with_ledger(FakeKms::failing("AccessDeniedException", "no"), &[]);
    let alert = tell_of(&watch, ARN, KeyCreated::default(), 0);
    assert_eq!(alert.severity, Severity::Info);
    assert!(
        summary(&alert).contains("could not read the policy"),
        "{}",
        summary(&alert)
    );

    let replica =
        |text: &str| KeyReplicated::to(Some(Untrusted::new("eu-west-1")), None, Some(text));
    let watch = with_ledger(FakeKms::default(), &[]);
    assert_eq!(
        tell_of(&watch, ARN, replica(&policy(&[ADMIN])), 0).severity,
        Severity::Info
    );
    assert_eq!(
        tell_of(&watch, ARN, replica(&policy(&[EVERYBODY])), 1).severity,
        Severity::Critical
    );
}

#[test]
fn a_policy_costs_no_more_requests_than_any_alert() {
    let watch = with_ledger(having(&policy(&[ADMIN])), &[]);
    put(&watch, &policy(&[ADMIN]), 0);
    put(&watch, &policy(&[ADMIN, EVERYBODY]), 1);
    assert_eq!(
        (
            calls(&watch, "read"),
            calls(&watch, "claim"),
            calls(&watch, "put")
        ),
        (2, 2, 2)
    );
    assert!(calls(&watch, "set") <= 2 && calls(&watch, "count") <= 2);
}

#[test]
fn a_moved_alias_is_told_with_the_key_that_it_named() {
    let named = |aliases: &[&str], description: &str| FakeKms {
        aliases: Ok(aliases.iter().map(|alias| Untrusted::new(alias)).collect()),
        metadata: Ok(Metadata {
            description: Some(Untrusted::new(description)),
            ..Metadata::default()
        }),
        ..FakeKms::default()
    };
    let alias = || Untrusted::new("alias/ledger");
    let mut watch = with_ledger(named(&["alias/ledger"], "Old ledger"), &[]);
    tell_of(&watch, ARN, AliasCreated::new(alias()), 0);
    watch.kms = named(&["alias/ledger", "alias/new"], "New ledger");
    let moved = tell_of(&watch, OTHER, AliasMoved::new(alias()), 10);
    let told = details(&moved);
    assert_eq!(told["alias"], "alias/ledger");
    assert_eq!(told["from"], json!({"arn": ARN, "name": "Old ledger"}));
    assert_eq!(told["to"], json!({"arn": OTHER, "name": "alias/new"}));
    assert_eq!(moved.severity, Severity::Medium);
    assert_eq!(
        commands(&moved),
        [format!(
            "aws kms update-alias --alias-name alias/ledger --target-key-id {ARN} --region us-east-1"
        )]
    );
    // And once more.
    let back = tell_of(&watch, ARN, AliasMoved::new(alias()), 20);
    assert_eq!(details(&back)["from"]["arn"], OTHER);
    // A record that comes late knows nothing of what was before, and leaves what is known.
    let late = tell_of(&watch, OTHER, AliasMoved::new(alias()), 5);
    assert_eq!(details(&late)["from"], Value::Null);
    assert_eq!(
        item(&watch, ACCOUNT, "alias#alias/ledger").unwrap()["key"],
        ARN
    );
    // Deleted, and made for another key: there is nothing that it was moved from.
    tell_of(&watch, ARN, AliasDeleted::new(alias()), 30);
    assert!(
        item(&watch, ACCOUNT, "alias#alias/ledger")
            .unwrap()
            .get("key")
            .is_none()
    );
}

#[test]
fn an_alias_that_was_only_ever_listed_is_known_when_it_moves() {
    let mut watch = with_ledger(FakeKms::default(), &[]);
    tell_of(&watch, ARN, KeyEnabled::default(), 0);
    // KMS listed it just now, and the record of the move is later than that.
    let listed = item(&watch, ACCOUNT, "alias#alias/payments").unwrap();
    assert_eq!(listed["key"], ARN);
    let occurrence = Occurrence {
        subject: Subject::Key(OTHER.parse().unwrap()),
        occurred_at: Some(at("2026-11-20T12:00:01Z")),
        ..occurrence(
            AliasMoved::new(Untrusted::new("alias/payments")),
            Some("move"),
        )
    };
    watch.kms.aliases = Ok(Vec::new());
    let alert = run(watch.tell(occurrence, "r")).unwrap().alerts.remove(0);
    assert_eq!(details(&alert)["from"]["arn"], ARN);

    let stranger = with_ledger(FakeKms::default(), &[]);
    let alert = tell_of(
        &stranger,
        ARN,
        AliasMoved::new(Untrusted::new("alias/x")),
        0,
    );
    assert_eq!(details(&alert)["from"], Value::Null);
    assert!(
        summary(&alert).contains("from a key that is not known"),
        "{}",
        summary(&alert)
    );
}

#[test]
fn a_deleted_alias_is_worse_where_the_key_is_in_use() {
    let deleted = |kms| alert_on(kms, AliasDeleted::new(Untrusted::new("alias/a")), &[]);
    assert_eq!(deleted(FakeKms::default()).severity, Severity::Low);
    assert_eq!(
        deleted(FakeKms::used_at("2026-11-01T00:00:00Z")).severity,
        Severity::High
    );
    assert_eq!(
        deleted(FakeKms::used_at("2026-10-01T00:00:00Z")).severity,
        Severity::Low
    );
    let disabled = |kms| alert_on(kms, KeyDisabled::default(), &[]).severity;
    assert_eq!(
        disabled(FakeKms::used_at("2026-11-19T10:00:00Z")),
        Severity::Critical
    );
    assert_eq!(
        disabled(FakeKms::used_at("2026-11-19T09:59:59Z")),
        Severity::High
    );
    assert_eq!(disabled(FakeKms::default()), Severity::High);
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    let pairs = pairs.iter();
    pairs
        .map(|(key, value)| (Untrusted::new(key), Untrusted::new(value)))
        .collect()
}

#[test]
fn a_new_owner_is_told_with_the_one_before() {
    let tagged = |pairs| FakeKms {
        tags: Ok(tags(pairs)),
        ..FakeKms::default()
    };
    let earlier = |watch: &FakeWatch| {
        tell_of(watch, ARN, KeyEnabled::default(), 0);
        // As KMS said it some time ago.
        let mut items = watch.ledger.as_ref().unwrap().items.borrow_mut();
        let profile = items
            .get_mut(&(ARN.to_owned(), "profile".to_owned()))
            .unwrap();
        profile["tags"]["asOf"] = "2026-11-01T00:00:00Z".into();
    };
    let before = [("owner", "team-pay"), ("tier", "1"), ("same", "s")];
    let mut watch = with_ledger(tagged(&before), &[]);
    earlier(&watch);
    watch.kms = tagged(&[
        ("owner", "team-new"),
        ("tier", "1"),
        ("same", "s"),
        ("env", "prod"),
    ]);
    let kind = KeyTagsChanged::set(tags(&[
        ("owner", "team-new"),
        ("same", "s"),
        ("env", "prod"),
    ]));
    let alert = tell_of(&watch, ARN, kind, 10);
    let told = details(&alert);
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(
        [&told["ownerFrom"], &told["ownerTo"]],
        ["team-pay", "team-new"]
    );
    assert_eq!(
        told["changed"],
        json!([{"key": "owner", "from": "team-pay", "to": "team-new"}])
    );
    assert_eq!(
        told["added"],
        json!([{"key": "env", "from": null, "to": "prod"}])
    );
    assert_eq!(
        alert.title.plain(),
        "Owner of alias/payments changed to team-new from team-pay"
    );
    assert_eq!(
        commands(&alert),
        [
            format!(
                "aws kms tag-resource --key-id {ARN} --tags TagKey=owner,TagValue=team-pay --region us-east-1"
            ),
            format!("aws kms untag-resource --key-id {ARN} --tag-keys env --region us-east-1"),
        ]
    );

    let watch = with_ledger(tagged(&before), &[]);
    earlier(&watch);
    let alert = tell_of(
        &watch,
        ARN,
        KeyTagsChanged::unset(vec![Untrusted::new("owner")]),
        10,
    );
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(
        alert.title.plain(),
        "Owner tag of alias/payments removed (was team-pay)"
    );

    for (kind, severity) in [
        (KeyTagsChanged::set(tags(&[("tier", "2")])), Severity::Info),
        (
            KeyTagsChanged::set(tags(&[("owner", "team-pay")])),
            Severity::Info,
        ),
        (
            KeyTagsChanged::unset(vec![Untrusted::new("tier")]),
            Severity::Info,
        ),
        // Not this one, but it is looked for without regard to case.
        (
            KeyTagsChanged::set(tags(&[("Owner", "other")])),
            Severity::Medium,
        ),
    ] {
        let watch = with_ledger(tagged(&before), &[]);
        earlier(&watch);
        let alert = tell_of(&watch, ARN, kind, 10);
        assert_eq!(alert.severity, severity, "{}", summary(&alert));
    }
    // Nothing is known of the tags before.
    let watch = with_ledger(tagged(&before), &[]);
    let alert = tell_of(
        &watch,
        ARN,
        KeyTagsChanged::set(tags(&[("owner", "team-pay")])),
        10,
    );
    assert_eq!(alert.severity, Severity::Medium);
    assert!(
        summary(&alert).contains("owner before is not known"),
        "{}",
        summary(&alert)
    );
    // A value that a shell could take for its own is in no command.
    let evil = [("owner", "a,TagKey=$(reboot)")];
    let watch = with_ledger(tagged(&evil), &[]);
    earlier(&watch);
    let alert = tell_of(
        &watch,
        ARN,
        KeyTagsChanged::set(tags(&[("owner", "b")])),
        10,
    );
    assert_eq!(commands(&alert), [""; 0]);
}

#[test]
fn a_grant_that_a_service_makes_for_itself_goes_to_the_feed_alone_and_asks_kms_nothing() {
    let grant = |grantee: &str| GrantCreated {
        grantee: Some(Untrusted::new(grantee)),
        ..GrantCreated::default()
    };
    let quiet = GrantCreated {
        by_service_for_itself: true,
        ..grant("dynamodb.us-east-1.amazonaws.com")
    };
    // A KMS that never answers: nobody waits for it.
    let kms = FakeKms {
        delay: Duration::from_secs(3_600),
        ..FakeKms::default()
    };
    let watch = with_ledger(kms, &[]);
    let alert = tell_of(&watch, ARN, quiet, 0);
    assert_eq!(alert.severity, Severity::Info);
    assert_eq!(topics_of(&watch), ["feed"]);
    assert_eq!(alert.enrichment.status, EnrichmentStatus::Complete);
    assert_eq!(calls(&watch, "count"), 0);

    let trusted = [("TRUSTED_ACCOUNTS", "222233334444")];
    for (grantee, severity) in [
        ("arn:aws:iam::444455556666:role/loader", Severity::High),
        ("arn:aws:iam::444455556666:root", Severity::High),
        ("444455556666", Severity::High),
        ("arn:aws:iam::222233334444:role/loader", Severity::Low),
        ("arn:aws:iam::111122223333:role/app", Severity::Low),
        // Nothing says of which account it is.
        ("AROAQ7EXAMPLEKEYA", Severity::Medium),
    ] {
        let watch = with_ledger(FakeKms::default(), &trusted);
        let alert = tell_of(&watch, ARN, grant(grantee), 0);
        assert_eq!(alert.severity, severity, "{grantee}");
    }
}

fn tell_of_store(watch: &FakeWatch, kind: impl Into<Kind>) -> Alert {
    let key: crate::arn::KeyArn = ARN.parse().unwrap();
    let occurrence = Occurrence {
        subject: Subject::KeyStore {
            partition: key.partition().clone(),
            account: key.account().clone(),
            region: key.region().clone(),
            id: KeyStoreId::new("cks-1").unwrap(),
        },
        ..occurrence(kind, Some("call"))
    };
    run(watch.tell(occurrence, "r")).unwrap().alerts.remove(0)
}

fn store(name: &str, state: &str, keys: Result<u64, CallError>) -> FakeKms {
    FakeKms {
        key_store: Ok(KeyStoreData {
            name: Some(Untrusted::new(name)),
            connection_state: Some(Untrusted::new(state)),
            ..KeyStoreData::default()
        }),
        key_count: keys,
        ..FakeKms::default()
    }
}

#[test]
fn a_key_store_in_trouble_names_its_keys_their_owners_and_what_depends_on_them() {
    let mut findings = crate::dependants::Findings::default();
    findings.grant(&crate::answers::Grant {
        resource: crate::context::resource([("aws:rds:db-id", "db-AB12")].into_iter()),
        ..crate::answers::Grant::default()
    });
    let now = at("2026-11-19T00:00:00Z");
    let keys = vec![crate::dependants::KeyOfStore {
        key: ARN.parse().unwrap(),
        name: Untrusted::new("alias/orders"),
        owner: Some(Untrusted::new("team-pay")),
        dependants: Some(findings.into_dependants(now)),
    }];
    let before = Profile::default();
    let after = Profile {
        store_keys: Some(crate::ledger::profile::Dated {
            value: keys,
            as_of: now,
        }),
        ..Profile::default()
    };
    let watch = with_ledger(store("hsm", "DISCONNECTED", Ok(1)), &[]);
    run(crate::ports::Ledger::set(
        watch.ledger.as_ref().unwrap(),
        &Profile::key("cks-1"),
        &before.changes(&after, now),
    ))
    .unwrap();
    let region = || Some(Untrusted::new("us-east-1"));
    let alert = tell_of_store(&watch, KeyStoreDisconnected::on(None).told(None, region()));
    let shown = alert.key_store.as_ref().unwrap().keys.as_ref().unwrap();
    assert_eq!(shown[0].owner.as_ref().unwrap().as_str(), "team-pay");
    let mail = watch.topics.bodies(":people").remove(0);
    let line = "alias/orders (team-pay): RDS instance db-AB12; in all 1 resource";
    assert!(
        mail.contains("KEYS IN THE KEY STORE") && mail.contains(line),
        "{mail}"
    );
}

#[test]
fn a_key_store_is_the_subject_and_its_keys_make_it_critical() {
    let region = || Some(Untrusted::new("us-east-1"));
    let kind = || KeyStoreDisconnected::on(None).told(None, region());
    let timeout = || Err(CallError::timeout(Duration::from_secs(2)));
    for (keys, severity) in [
        (Ok(2), Severity::Critical),
        (Ok(0), Severity::High),
        (timeout(), Severity::High),
    ] {
        let watch = with_ledger(store("hsm", "DISCONNECTED", keys), &[]);
        let alert = tell_of_store(&watch, kind());
        assert_eq!(alert.severity, severity);
        assert!(alert.key.is_none());
        assert_eq!(json!(alert.key_store)["id"], "cks-1");
        assert_eq!(
            commands(&alert)[0],
            "aws kms connect-custom-key-store --custom-key-store-id cks-1 --region us-east-1"
        );
        let history = watch.ledger.as_ref().unwrap().items.borrow();
        let entry = history
            .values()
            .find(|item| item["sk"].as_str().unwrap().starts_with("alert#"));
        assert_eq!(entry.unwrap()["name"], "key store hsm (cks-1)");
    }
    // How many keys it holds is remembered.
    let mut watch = with_ledger(store("hsm", "CONNECTED", Ok(3)), &[]);
    tell_of_store(&watch, KeyStoreUpdated::with(None, Vec::new()));
    watch.kms = FakeKms::failing("AccessDeniedException", "no");
    let alert = tell_of_store(&watch, kind());
    assert_eq!(alert.severity, Severity::Critical);
    assert_eq!(json!(alert.key_store)["name"], "hsm");

    let chat: Value = serde_json::from_str(&render::chat(&alert).unwrap()).unwrap();
    let thread = "cks-1/111122223333/us-east-1";
    assert_eq!(chat["metadata"]["threadId"], thread);
    let body = render::people(&alert);
    assert!(
        body.replace("\n  ", " ")
            .contains("Shown as known on 2026-11-20."),
        "{body}"
    );
    let attributes: BTreeMap<_, _> = render::attributes(&alert).into_iter().collect();
    assert_eq!(attributes["keyId"], "NONE");
}

#[test]
fn the_other_doings_on_a_key_store_have_their_levels_and_name_it() {
    let name = || Some(Untrusted::new("hsm"));
    let gone = FakeKms::failing("CustomKeyStoreNotFoundException", "");
    for (kind, severity) in [
        (
            Kind::from(KeyStoreCreated::on(None).told(name(), None)),
            Severity::Info,
        ),
        (
            KeyStoreConnected::on(None).told(name(), None).into(),
            Severity::Info,
        ),
        (
            KeyStoreUpdated::with(None, Vec::new())
                .told(name(), None)
                .into(),
            Severity::Medium,
        ),
        (
            KeyStoreDeleted::on(None).told(name(), None).into(),
            Severity::Medium,
        ),
    ] {
        let watch = with_ledger(gone.clone(), &[]);
        let alert = tell_of_store(&watch, kind);
        assert_eq!(alert.severity, severity, "{}", alert.kind);
        assert!(
            summary(&alert).contains("key store hsm (cks-1)"),
            "{}",
            summary(&alert)
        );
    }
}

#[test]
fn tags_that_kms_gave_after_the_event_are_not_those_before_it() {
    let watch = with_ledger(FakeKms::default(), &[]);
    // Asked at noon, an hour after the owner was set, which is told only now.
    tell_of(&watch, ARN, KeyEnabled::default(), 0);
    let set = KeyTagsChanged::set(tags(&[("owner", "team-pay")]));
    let alert = tell_of(&watch, ARN, set, 10);
    assert_eq!(alert.severity, Severity::Medium);
    assert_eq!(details(&alert)["comparedWith"], Value::Null);
}

#[test]
fn what_a_new_key_was_given_before_it_was_looked_at_is_not_taken_for_old() {
    let opened = policy(&[ADMIN, &role("444455556666", r#""kms:*""#)]);
    let watch = with_ledger(having(&opened), &[]);
    let created = tell_of(&watch, ARN, KeyCreated::default(), 0);
    assert_eq!(
        details(&created)["foreignAccounts"],
        json!(["444455556666"])
    );
    assert_eq!(put(&watch, &opened, 1).severity, Severity::High);
}

#[test]
fn a_policy_as_long_as_it_can_be_leaves_the_feed_within_its_limit() {
    let long = |n: usize| {
        format!(
            r#""arn:aws:iam::444455556666:role/{n:04}{}""#,
            "x".repeat(200)
        )
    };
    let who = (0..40).map(long).collect::<Vec<_>>().join(",");
    let operations = [
        "CancelKeyDeletion",
        "CreateAlias",
        "CreateGrant",
        "Decrypt",
        "DeleteAlias",
        "DescribeKey",
        "DisableKey",
        "EnableKey",
        "Encrypt",
        "GenerateDataKey",
        "GenerateMac",
        "GetKeyPolicy",
        "GetPublicKey",
        "ListAliases",
        "ListGrants",
        "PutKeyPolicy",
        "ReplicateKey",
        "RetireGrant",
        "RevokeGrant",
        "ScheduleKeyDeletion",
        "Sign",
        "TagResource",
        "UntagResource",
        "UpdateAlias",
        "UpdateKeyDescription",
        "Verify",
        "VerifyMac",
    ];
    let actions = operations.map(|name| format!(r#""kms:{name}""#)).join(",");
    let statement = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":[{who}]}},"Action":[{actions}],"Resource":"*",
            "Condition":{{"StringEquals":{{"kms:EncryptionContext:a":"{}"}}}}}}"#,
        "v".repeat(400)
    );
    let watch = with_ledger(FakeKms::default(), &[]);
    let alert = put(&watch, &policy(&[&statement]), 0);
    let told = details(&alert);
    assert_eq!(told["bounded"], true);
    let size = told["added"].to_string().len();
    assert!((16 * 1024..25 * 1024).contains(&size), "{size}");
    assert!(
        summary(&alert).contains("read the whole policy"),
        "{}",
        summary(&alert)
    );
}

/// A policy as an attacker would write it: of the right form, with anything for values.
fn hostile_policy() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("*".to_owned()),
        Just("arn:aws:iam::444455556666:role/x".to_owned()),
        Just("arn:aws:iam::111122223333:root".to_owned()),
        Just("kms:*".to_owned()),
        any::<String>(),
        "[<>&`*_\\[\\]()|~@#!\"'\\\\$;\r\n\t\u{0}\u{7}\u{1b}\u{202e}\u{2066}🔑é:/ ]{0,60}",
        (1_usize..2_000, any::<char>()).prop_map(|(n, c)| c.to_string().repeat(n)),
    ];
    let words = prop::collection::vec(word, 1..24);
    let statement = (any::<bool>(), words.clone(), words.clone(), words, any::<bool>()).prop_map(
        |(allow, who, actions, condition, not)| {
            let condition: serde_json::Map<_, _> = condition
                .into_iter()
                .map(|value| (format!("kms:EncryptionContext:{value}"), value.into()))
                .collect();
            let mut statement = json!({
                "Effect": if allow { "Allow" } else { "Deny" }, "Principal": {"AWS": who}, "Resource": "*",
                "Condition": {"StringEquals": condition}
            });
            statement[if not { "NotAction" } else { "Action" }] = json!(actions);
            statement
        },
    );
    let policy = prop::collection::vec(statement, 0..8).prop_map(|statements| {
        json!({"Version": "2012-10-17", "Statement": statements}).to_string()
    });
    prop_oneof![4 => policy, 1 => any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_policy_stops_an_alert_or_breaks_a_limit(before in hostile_policy(), after in hostile_policy(), now in hostile_policy()) {
        let watch = with_ledger(having(&now), &[]);
        put(&watch, &before, 0);
        watch.topics.sent.borrow_mut().clear();
        let alert = put(&watch, &after, 1);
        prop_assert!(alert.severity >= Severity::Medium);
        let subject = render::subject(&alert);
        prop_assert!(subject.chars().count() <= render::SUBJECT_LIMIT && !subject.contains('\n'));
        for message in watch.topics.sent.borrow().iter() {
            prop_assert!(message.body.len() <= render::MESSAGE_LIMIT - 16 * 1024, "{}", message.body.len());
            let hidden = message.body.contains(['\u{202e}', '\u{1b}', '\u{0}']);
            prop_assert!(!hidden, "a character that nobody sees");
        }
        let chat: Value = serde_json::from_str(&render::chat(&alert).unwrap()).unwrap();
        let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
        prop_assert!(length(&chat["content"]["title"]) <= 250);
        prop_assert!(length(&chat["content"]["description"]) <= 8_000);
        for step in chat["content"]["nextSteps"].as_array().unwrap() {
            prop_assert!(length(step) <= 350);
        }
        let description = chat["content"]["description"].as_str().unwrap();
        let is_markup = description.contains(['<', '>']) || description.matches('`').count() % 2 == 1;
        prop_assert!(!is_markup, "markup");
    }
}

/// A policy that lets in whoever `condition` admits.
fn on_condition(condition: &str) -> String {
    policy(&[
        ADMIN,
        &format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},"Action":"kms:Decrypt",
                "Resource":"*","Condition":{condition}}}"#
        ),
    ])
}

#[test]
fn tags_and_aliases_that_the_key_policy_asks_for_change_who_may_use_the_key() {
    let by_tag = on_condition(r#"{"StringEquals":{"aws:ResourceTag/Team":"blue"}}"#);
    let by_name =
        on_condition(r#"{"ForAnyValue:StringLike":{"kms:ResourceAliases":"alias/app-*"}}"#);
    let tag = |name: &str| {
        let tags = [(Untrusted::new(name), Untrusted::new("blue"))];
        Kind::from(KeyTagsChanged::set(tags.into_iter().collect()))
    };
    let untag = || Kind::from(KeyTagsChanged::unset(vec![Untrusted::new("TEAM")]));
    let alias = || Untrusted::new("alias/app-1");
    let condition = |alert: &Alert| details(alert)["policyConditions"].clone();
    for (policy, kind, severity, asked) in [
        (
            &by_tag,
            tag("team"),
            Severity::Medium,
            json!(["aws:ResourceTag/Team"]),
        ),
        (
            &by_tag,
            untag(),
            Severity::Medium,
            json!(["aws:ResourceTag/Team"]),
        ),
        (&by_tag, tag("stage"), Severity::Info, json!([])),
        (
            &by_tag,
            AliasCreated::new(alias()).into(),
            Severity::Info,
            json!([]),
        ),
        (&by_name, tag("team"), Severity::Info, json!([])),
        (
            &by_name,
            AliasCreated::new(alias()).into(),
            Severity::Medium,
            json!(["kms:ResourceAliases"]),
        ),
        (
            &by_name,
            AliasMoved::new(alias()).into(),
            Severity::Medium,
            json!(["kms:ResourceAliases"]),
        ),
        (
            &by_name,
            AliasDeleted::new(alias()).into(),
            Severity::Medium,
            json!(["kms:ResourceAliases"]),
        ),
    ] {
        let alert = tell_of(&with_ledger(having(policy), &[]), ARN, kind.clone(), 0);
        assert_eq!(
            (alert.severity, condition(&alert)),
            (severity, asked),
            "{alert:?}"
        );
        // KMS does not say, but the ledger knows it.
        let watch = with_ledger(having(policy), &[]);
        put(&watch, policy, 0);
        let denied = FakeKms {
            policy: Err(CallError::new("AccessDeniedException", "no")),
            ..FakeKms::default()
        };
        let watch = FakeWatch {
            kms: denied,
            ..watch
        };
        let alert = tell_of(&watch, ARN, kind, 10);
        assert_eq!(alert.severity, severity, "{alert:?}");
    }
}

#[test]
fn a_new_key_is_judged_by_its_record_and_by_kms() {
    let denied = || FakeKms {
        policy: Err(CallError::new("AccessDeniedException", "no")),
        ..FakeKms::default()
    };
    let public = policy(&[ADMIN, EVERYBODY]);
    let foreign = policy(&[&role("444455556666", r#""kms:*""#)]);
    let created = |asked_for: Option<&str>, bypassed_lockout_check| KeyCreated {
        asked_for: asked_for.map(str::to_owned),
        policy: FreshPolicy {
            bypassed_lockout_check,
            ..FreshPolicy::default()
        },
        ..KeyCreated::default()
    };
    let own = policy(&[ADMIN]);
    for (kms, kind, severity) in [
        (denied(), created(Some(&public), false), Severity::Critical),
        // Narrowed since, or opened since.
        (
            having(&own),
            created(Some(&public), false),
            Severity::Critical,
        ),
        (
            having(&public),
            created(Some(&own), false),
            Severity::Critical,
        ),
        (having(&public), created(None, false), Severity::Critical),
        (denied(), created(Some(&foreign), false), Severity::High),
        (having(&own), created(Some(&own), true), Severity::High),
        (denied(), created(Some("{"), false), Severity::High),
        (having(&own), created(Some(&own), false), Severity::Info),
        (denied(), created(Some(&own), false), Severity::Info),
    ] {
        let alert = tell_of(&with_ledger(kms, &[]), ARN, kind, 0);
        assert_eq!(alert.severity, severity, "{alert:?}");
    }
    // Organisations are foreign as accounts are, and listed.
    for (id, listed, severity) in [
        ("o-attacker123", json!(["o-attacker123"]), Severity::High),
        ("o-ourcompany1", json!([]), Severity::Info),
    ] {
        let text = policy(&[ADMIN, &organization(id)]);
        let trusted = [("TRUSTED_ORGANIZATIONS", "o-ourcompany1")];
        let watch = with_ledger(denied(), &trusted);
        let alert = tell_of(&watch, ARN, created(Some(&text), false), 0);
        assert_eq!(alert.severity, severity, "{alert:?}");
        assert_eq!(details(&alert)["foreignOthers"], listed);
    }
    // The record's policy is the one before of the next.
    let watch = with_ledger(denied(), &[]);
    tell_of(&watch, ARN, created(Some(&own), false), 0);
    assert_eq!(details(&put(&watch, &own, 10))["unchanged"], true);
}

#[test]
fn a_replica_is_judged_by_its_policy() {
    for (policy, bypassed, severity) in [
        (policy(&[ADMIN]), false, Severity::Info),
        (policy(&[ADMIN]), true, Severity::High),
        (
            policy(&[&role("444455556666", r#""kms:*""#)]),
            false,
            Severity::High,
        ),
        (policy(&[ADMIN, EVERYBODY]), false, Severity::Critical),
    ] {
        let kind = KeyReplicated::to(None, None, Some(&policy)).bypassing(bypassed);
        let alert = tell_of(&with_ledger(FakeKms::default(), &[]), ARN, kind, 0);
        assert_eq!(alert.severity, severity, "{policy}");
    }
}

#[test]
fn a_description_is_told_with_the_one_before() {
    let watch = with_ledger(FakeKms::default(), &[]);
    let first = tell_of(
        &watch,
        ARN,
        KeyDescriptionChanged::to(Some(Untrusted::new("a"))),
        0,
    );
    assert_eq!(first.severity, Severity::Info);
    assert!(
        summary(&first).contains("old description is not known"),
        "{}",
        summary(&first)
    );
    let second = tell_of(
        &watch,
        ARN,
        KeyDescriptionChanged::to(Some(Untrusted::new("to be deleted"))),
        10,
    );
    assert_eq!(details(&second)["to"], "to be deleted");
}
