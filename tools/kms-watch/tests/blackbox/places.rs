//! All Regions of an account, all accounts of an organisation, and what cannot be read of them.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use watch_local::{LocalAws, NewKey};

use crate::setup::{Ran, account, aws, days, run};

/// Those that every account has, and one that it enabled.
const ENABLED: [&str; 18] = [
    "af-south-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

const JSON: [&str; 2] = ["--no-last-use", "--format=json"];

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

fn asked_in(aws: &LocalAws) -> BTreeSet<String> {
    let requests = aws.requests().into_iter();
    let of_kms = requests.filter(|request| request.operation == "ListKeys");
    of_kms.map(|request| request.region).collect()
}

fn two_regions() -> LocalAws {
    let aws = aws();
    aws.set_regions(&["us-east-1", "eu-west-1"]);
    aws.add_key(NewKey::symmetric().alias("alias/orders"));
    let there = NewKey::symmetric().in_region("eu-west-1");
    aws.add_key(there.alias("alias/payments").deleted_at(days(9)));
    aws
}

#[test]
fn every_region_that_is_enabled_is_read_and_no_other() {
    let aws = aws();
    aws.set_regions(&ENABLED);
    aws.add_key(NewKey::symmetric().alias("alias/orders"));
    aws.add_key(
        NewKey::symmetric()
            .alias("alias/cape")
            .in_region("af-south-1"),
    );
    let ran = run(&aws, &JSON);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.report();
    assert_eq!(report["accounts"][0]["regions"], json!(ENABLED));
    assert_eq!(report["accounts"][0]["regionsAssumed"], Value::Null);
    assert_eq!(
        (
            report["complete"].clone(),
            report["keys"].as_array().unwrap().len()
        ),
        (json!(true), 2)
    );
    assert_eq!(asked_in(&aws), ENABLED.map(str::to_owned).into());
    let table = run(&aws, &["--no-last-use"]).out;
    assert!(
        table.contains(
            "2 keys of account 111122223333 in af-south-1, us-east-1 (18 Regions read), "
        ),
        "{table}"
    );
    assert!(table.lines().next().unwrap().contains("REGION"), "{table}");
}

#[test]
fn who_may_not_list_regions_is_asked_in_all_that_are_known() {
    let aws = aws();
    aws.set_regions(&ENABLED);
    aws.add_key(NewKey::symmetric());
    aws.faults().deny("account:ListRegions");
    let ran = run(&aws, &JSON);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let report = ran.report();
    // Sixteen more have to be enabled first, and say that they are not.
    assert_eq!(asked_in(&aws).len(), 34);
    assert_eq!(report["accounts"][0]["regions"], json!(ENABLED));
    let why = report["accounts"][0]["regionsAssumed"].as_str().unwrap();
    assert!(why.starts_with("AccessDenied"), "{why}");
    assert_eq!(report["notRead"], json!([]));
    let table = run(&aws, &["--no-last-use"]).out;
    assert!(
        table.contains("All Regions that this version knows were asked, since account:ListRegions failed: AccessDenied"),
        "{table}"
    );
    // One that every account has is not one that is not enabled.
    aws.set_regions(&ENABLED[2..]);
    let ran = run(&aws, &JSON);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert_eq!(ran.report()["notRead"][0]["region"], "ap-northeast-1");
}

/// Missing, it would pass for empty.
#[test]
fn a_region_that_cannot_be_read_is_told_in_every_format() {
    for (format, expected) in [
        ("table", "\nNOT READ: "),
        ("md", "\nNOT READ: "),
        ("csv", ",ListKeys: AccessDeniedException: User: "),
        ("html", "<h2 id=\"unread\">Not read</h2>\n<ul><li>"),
        ("sarif", "\"executionSuccessful\": false"),
        ("junit", "failures=\"1\" errors=\"1\">"),
        ("json", "\"complete\": false"),
    ] {
        let aws = two_regions();
        // That of the first passes, whichever it is.
        aws.faults().nth(2).deny("ListKeys");
        let format = format!("--format={format}");
        let words = ["--no-last-use", "--condition=no-rotation,pending-deletion"];
        let ran = run(&aws, &with(&words, &[&format]));
        assert_eq!(ran.code, Some(3), "{format}: {ran:?}");
        assert!(
            ran.out.contains(expected)
                || (format.ends_with("junit") && ran.out.contains("errors=\"1\">")),
            "{format}: {}",
            ran.out
        );
        let place = |region: &str| {
            format!("kms-watch: not read: {region} of account 111122223333: ListKeys: AccessDenied")
        };
        assert!(
            ran.err.contains(&place("us-east-1")) || ran.err.contains(&place("eu-west-1")),
            "{format}: {}",
            ran.err
        );
    }
}

#[test]
fn a_key_that_is_looked_for_counts_more_than_a_region_that_is_missing() {
    let aws = two_regions();
    aws.faults().nth(2).deny("ListKeys");
    let ran = run(
        &aws,
        &with(&JSON, &["--fail-on=pending-deletion,no-rotation"]),
    );
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(ran.report()["notRead"].as_array().unwrap().len(), 1);
}

#[test]
fn regions_do_not_wait_for_each_other() {
    let aws = aws();
    aws.set_regions(&ENABLED[..12]);
    aws.faults().slow("ListKeys", Duration::from_millis(700));
    let begin = Instant::now();
    let ran = run(&aws, &JSON);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(12 * 700), "{took:?}");
}

const ROLE: &str = "--role-arn=arn:aws:iam::222233334444:role/audit/Reader";

#[test]
fn a_role_is_assumed_first() {
    let (aws, other) = (aws(), account("222233334444"));
    other.set_regions(&["us-east-1"]);
    other.add_role("audit/Reader", Some("kms:watch/1"));
    aws.add_account("payments", &other);
    other.add_key(NewKey::symmetric().alias("alias/theirs"));
    aws.add_key(NewKey::symmetric().alias("alias/ours"));
    let ran = run(&aws, &with(&JSON, &[ROLE, "--external-id=kms:watch/1"]));
    let keys = ran.json();
    assert_eq!(
        (keys.len(), &keys[0]["aliases"][0]),
        (1, &json!("alias/theirs"))
    );
    assert_eq!(
        aws.request_counts()["AssumeRole"],
        1,
        "one session for all calls"
    );
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.access_key.starts_with("ASIA"))
    );
    for words in [&[ROLE][..], &[ROLE, "--external-id=other"]] {
        let ran = run(&aws, words);
        assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
        let complaint =
            "cannot assume arn:aws:iam::222233334444:role/audit/Reader: AccessDenied: User: ";
        assert!(ran.err.contains(complaint), "{}", ran.err);
        assert!(ran.err.contains("--external-id"), "{}", ran.err);
    }
}

struct Organization {
    management: LocalAws,
    // Kept, since their keys are gone with them.
    _members: Vec<LocalAws>,
}

/// An account that can be read, one that lets nobody in, and one that is suspended.
fn organization() -> Organization {
    let management = aws();
    management.add_key(NewKey::symmetric().alias("alias/ours"));
    let payments = account("222233334444");
    payments.set_regions(&["us-east-1", "eu-west-1"]);
    payments.add_role("Audit", None);
    payments.add_key(
        NewKey::symmetric()
            .alias("alias/card-data")
            .in_region("eu-west-1"),
    );
    payments.add_key(
        NewKey::symmetric()
            .alias("alias/<b>&\"'\u{202e}")
            .deleted_at(days(5)),
    );
    let closed = account("333344445555");
    management.add_account("payments <script>", &payments);
    management.add_account("closed", &closed);
    management.list_account("444455556666", "old", "SUSPENDED");
    Organization {
        management,
        _members: vec![payments, closed],
    }
}

const ALL: [&str; 3] = ["--organization", "--role-name=Audit", "--no-last-use"];

#[test]
fn every_account_of_the_organisation_is_read_or_told() {
    let organization = organization();
    let aws = &organization.management;
    let ran = run(aws, &with(&ALL, &["--format=json"]));
    assert_eq!(ran.code, Some(3), "{ran:?}");
    let report = ran.report();
    let accounts: Vec<_> = report["accounts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["id"].as_str().unwrap(),
                it["regions"].as_array().unwrap().len(),
            )
        })
        .collect();
    assert_eq!(accounts, [("111122223333", 1), ("222233334444", 2)]);
    let not_read: Vec<_> = report["notRead"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!("{} {} {}", it["account"], it["operation"], it["denied"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        not_read,
        [
            "333344445555 AssumeRole true",
            "444455556666 ListAccounts false"
        ]
    );
    assert_eq!(report["keys"].as_array().unwrap().len(), 3);
    assert_eq!(
        report["keys"][0]["account"], "222233334444",
        "the most urgent of all"
    );
    // The organisation's own role is not in its own account.
    let roles: BTreeSet<_> = aws
        .requests()
        .into_iter()
        .filter(|request| request.operation == "AssumeRole")
        .filter_map(|request| request.resource)
        .collect();
    assert_eq!(roles.len(), 2, "{roles:?}");

    let table = run(aws, &ALL);
    for part in [
        "ACCOUNT",
        "3 keys of accounts 111122223333, 222233334444 in eu-west-1, us-east-1, 2 accounts read, ",
        "NOT READ: account 333344445555: AssumeRole: AccessDenied: User: ",
        "NOT READ: account 444455556666: ListAccounts: SUSPENDED: nobody can read",
    ] {
        assert!(table.out.contains(part), "{part}: {}", table.out);
    }
    assert!(!table.out.contains('\u{202e}'), "{}", table.out);
    let rest = run(
        aws,
        &with(&ALL, &["--except-accounts=333344445555,444455556666"]),
    );
    assert_eq!((rest.code, rest.err.as_str()), (Some(0), ""), "{rest:?}");
}

/// `tests/browser/check` looks at it.
#[test]
fn the_page_of_an_organisation_is_harmless() {
    let organization = organization();
    let page = run(&organization.management, &with(&ALL, &["--format=html"]));
    assert_eq!(page.code, Some(3));
    let rows = page.out.matches("data-filter=").count();
    assert_eq!(rows, 3, "a line for each Region of each account");
    assert!(
        page.out.contains("alias/&lt;b&gt;&amp;&quot;&#39;"),
        "{}",
        page.out
    );
    assert!(!page.out.contains("<b>") && !page.out.contains("<script>a"));
    let file = concat!(env!("CARGO_TARGET_TMPDIR"), "/organization.html");
    std::fs::write(file, &page.out).unwrap();
}

#[test]
fn who_may_not_list_accounts_gets_no_report() {
    let alone = aws();
    let ran = run(&alone, &ALL);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("leave out --organization"), "{}", ran.err);
    let organization = organization();
    organization
        .management
        .faults()
        .deny("organizations:ListAccounts");
    let ran = run(&organization.management, &ALL);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""), "{ran:?}");
    assert!(ran.err.contains("delegated administrator"), "{}", ran.err);
}

#[test]
fn a_last_use_that_nobody_may_know_costs_a_line_and_a_few_calls() {
    let aws = aws();
    for number in 0..12 {
        aws.add_key(NewKey::symmetric().alias(&format!("alias/{number}")));
    }
    aws.faults().deny("GetKeyLastUsage");
    let ran = run(&aws, &["--fail-on=blind-spot"]);
    assert_eq!(ran.code, Some(1));
    let asked = aws.request_counts()["GetKeyLastUsage"];
    assert!((5..=8).contains(&asked), "{asked}");
    let told: Vec<_> = ran
        .out
        .lines()
        .filter(|line| line.contains("GetKeyLastUsage"))
        .collect();
    assert_eq!(
        told,
        [
            "  GetKeyLastUsage is denied for all 12 keys: the IAM policy of these credentials seems to lack kms:GetKeyLastUsage"
        ]
    );
    // One that is allowed shows that it is a matter of the others.
    aws.clear_requests();
    aws.faults().clear();
    let hidden = aws.add_key(NewKey::symmetric().alias("alias/hidden"));
    aws.faults().on(&hidden).deny("GetKeyLastUsage");
    let ran = run(&aws, &[]);
    assert_eq!(aws.request_counts()["GetKeyLastUsage"], 13);
    assert!(
        ran.out
            .contains("  alias/hidden  GetKeyLastUsage: AccessDenied"),
        "{}",
        ran.out
    );
}

#[test]
fn bad_places_are_refused_before_anything_is_asked() {
    let aws = aws();
    for words in [
        &["--region=eu-west-1,Frankfurt"][..],
        &["--role-arn=arn:aws:iam::1:role/x"],
        &["--organization"],
        &["--role-name=Audit"],
        &["--organization", "--role-name=../x y"],
        &["--external-id=secret"],
        &["--role-session-name=a b", ROLE],
        &["--organization", "--role-name=A", "--except-accounts=all"],
    ] {
        let ran: Ran = run(&aws, words);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (Some(2), ""),
            "{words:?}: {ran:?}"
        );
    }
    assert!(aws.requests().is_empty());
}
