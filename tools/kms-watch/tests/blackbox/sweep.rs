//! What is asked of KMS, and what becomes of keys that it does not answer about.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use watch_local::{ImportedMaterial, KeyStore, NewKey, QuotaClock};

use crate::setup::{Ran, aws, command, days, run};

#[test]
fn what_is_feared_is_the_exit_code() {
    let aws = aws();
    let old = || NewKey::symmetric().created(days(-400)).rotating_every(365);
    let used = || old().last_used("Decrypt", days(-1));
    aws.add_key(used().alias("alias/going").deleted_at(days(20)));
    let material = ImportedMaterial::new("material").expiring(days(20));
    aws.add_key(
        NewKey::imported()
            .alias("alias/ending")
            .material(material)
            .last_used("Decrypt", days(-1)),
    );
    aws.add_key(NewKey::imported().alias("alias/empty"));
    aws.add_key(used().alias("alias/off").disabled());
    aws.add_key(NewKey::symmetric().alias("alias/still"));
    aws.add_key(old().alias("alias/idle"));
    aws.add_key_store(KeyStore::external("cks-1234567890abcdef0"));
    aws.add_key(
        NewKey::in_external_store("cks-1234567890abcdef0", "key-7")
            .alias("alias/away")
            .last_used("Decrypt", days(-1)),
    );
    aws.disconnect_key_store("cks-1234567890abcdef0");
    let hidden = aws.add_key(used().alias("alias/hidden"));
    aws.faults().on(&hidden).deny("GetKeyRotationStatus");
    for (condition, name) in [
        ("pending-deletion", "alias/going"),
        ("expiring", "alias/ending"),
        ("pending-import", "alias/empty"),
        ("unavailable", "alias/away"),
        ("disabled", "alias/off"),
        ("no-rotation", "alias/still"),
        ("unused", "alias/idle"),
        ("blind-spot", "alias/hidden"),
    ] {
        let ran = run(&aws, &["--fail-on", condition, "--format=csv"]);
        assert_eq!(ran.code, Some(1), "{condition}: {ran:?}");
        let lines: Vec<_> = ran.err.lines().collect();
        let begin =
            format!("kms-watch: {condition}: {name} (arn:aws:kms:us-east-1:111122223333:key/");
        assert!(
            lines.len() == 1 && lines[0].starts_with(&begin),
            "{condition}: {lines:?}"
        );
        assert_eq!(ran.out.lines().count(), 1 + 8, "the report is there, too");
    }
    let calm = [
        "--within=19",
        "--fail-on=pending-deletion,expiring",
        "--no-last-use",
    ];
    assert_eq!(run(&aws, &calm).code, Some(0));
    let both = run(&aws, &["--no-last-use", "--fail-on=disabled,no-rotation"]);
    assert_eq!(
        (both.code, both.err.lines().count()),
        (Some(1), 2),
        "{both:?}"
    );
}

#[test]
fn whom_a_key_policy_lets_in_is_said_and_can_fail() {
    let aws = aws();
    let allow = |who: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::111122223333:root"}},"Action":"kms:*","Resource":"*"}},{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
        )
    };
    let open = aws.add_key(NewKey::symmetric().alias("alias/open").policy(&allow("*")));
    let partner = allow("arn:aws:iam::444455556666:root");
    aws.add_key(NewKey::symmetric().alias("alias/partner").policy(&partner));
    aws.add_key(NewKey::symmetric().alias("alias/own"));
    let words = ["--no-last-use", "--format=json", "--grants"];
    let report = run(&aws, &words).json();
    let of = |name: &str| {
        let row = report.iter().find(|row| row["aliases"][0] == name).unwrap();
        row["access"].to_string()
    };
    assert_eq!(
        of("alias/open"),
        r#"{"public":true,"foreign":[],"grants":0}"#
    );
    assert_eq!(
        of("alias/partner"),
        r#"{"public":false,"foreign":["444455556666"],"grants":0}"#
    );
    assert_eq!(
        of("alias/own"),
        r#"{"public":false,"foreign":[],"grants":0}"#
    );
    let failed = run(
        &aws,
        &["--no-last-use", "--fail-on=public,foreign", "--format=csv"],
    );
    assert_eq!(failed.code, Some(1));
    assert!(
        failed.err.contains(&format!("public: alias/open ({open})")),
        "{}",
        failed.err
    );
    assert!(
        failed.err.contains("foreign: alias/partner"),
        "{}",
        failed.err
    );
    let trusted = run(
        &aws,
        &[
            "--no-last-use",
            "--fail-on=foreign",
            "--trusted-accounts=444455556666",
            "--format=csv",
        ],
    );
    assert_eq!(trusted.code, Some(0), "{trusted:?}");
    // Nobody asked.
    aws.clear_requests();
    run(&aws, &["--no-last-use", "--no-policies"]);
    let counts = aws.request_counts();
    assert!(
        !counts.contains_key("GetKeyPolicy") && !counts.contains_key("ListGrants"),
        "{counts:?}"
    );
}

#[test]
fn filters_leave_out_what_is_not_asked_for() {
    let aws = aws();
    let key = |alias: &str, owner: &str| {
        NewKey::symmetric()
            .alias(alias)
            .tag("Owner", owner)
            .rotating_every(365)
    };
    aws.add_key(key("alias/a", "pay").tag("stage", "prod"));
    aws.add_key(key("alias/b", "pay").disabled());
    aws.add_key(key("alias/c", "shop").tag("stage", "test"));
    aws.add_key(NewKey::symmetric().alias("alias/d"));
    for (filter, expected) in [
        (&["--owner=pay"][..], "alias/a alias/b"),
        (&["--owner="], "alias/d"),
        (&["--tag=stage"], "alias/a alias/c"),
        (&["--tag=stage=prod", "--tag=none"], "alias/a"),
        (&["--state=disabled"], "alias/b"),
        (&["--condition=disabled,no-rotation"], "alias/b alias/d"),
        (&["--owner=pay", "--state=Enabled"], "alias/a"),
    ] {
        let words = [&["--no-last-use", "--format=json"], filter].concat();
        let report = run(&aws, &words).json();
        let mut names: Vec<_> = report
            .iter()
            .map(|row| row["aliases"][0].as_str().unwrap())
            .collect();
        names.sort_unstable();
        assert_eq!(names.join(" "), expected, "{filter:?}");
    }
    let table = run(&aws, &["--no-last-use", "--owner=pay"]).out;
    assert!(
        table.contains("2 more keys do not match the filters"),
        "{table}"
    );
    assert!(table.contains("2 keys of account"), "{table}");
}

#[test]
fn a_planned_deletion_is_announced_by_a_tag() {
    let aws = aws();
    let key = aws.add_key(NewKey::symmetric().alias("alias/orders"));
    let ran = Ran::of(command(&aws, &["ack", "alias/orders", "2026-12-20 CHG-1"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(
        ran.out,
        format!("{key} has the tag kms-watch:planned = 2026-12-20 CHG-1\n")
    );
    let report = run(&aws, &["--no-last-use", "--format=json"]).json();
    assert_eq!(report[0]["tags"]["kms-watch:planned"], "2026-12-20 CHG-1");
    let nobody = Ran::of(command(&aws, &["ack", "alias/nobody", "CHG-1"]));
    assert_eq!(nobody.code, Some(3));
    assert!(
        nobody.err.contains("DescribeKey failed: NotFound"),
        "{}",
        nobody.err
    );
    aws.faults().deny("TagResource");
    let denied = Ran::of(command(&aws, &["ack", "alias/orders", "CHG-1"]));
    assert!(
        denied.code == Some(3) && denied.err.contains("you may need kms:TagResource"),
        "{denied:?}"
    );
}

#[test]
fn nothing_is_changed_and_the_last_use_is_asked_for_slowly() {
    let aws = aws();
    let keys: Vec<_> = (0..5)
        .map(|number| aws.add_key(NewKey::symmetric().last_used("Decrypt", days(-number))))
        .collect();
    aws.add_key(NewKey::aws_managed("ebs"));
    let begin = Instant::now();
    let ran = run(&aws, &["--format=json", "--verbose"]);
    let report = ran.json();
    assert_eq!(report.len(), keys.len());
    assert!(report.iter().all(|row| row["lastUse"]["status"] == "USED"));
    // Two a second, and the first at once.
    assert!(begin.elapsed() >= Duration::from_millis(1_900), "{ran:?}");
    assert!(
        ran.err.contains("the last use of 5 keys takes 3 s"),
        "{ran:?}"
    );
    let counts = aws.request_counts();
    assert_eq!(counts["GetKeyLastUsage"], keys.len());
    let asked: BTreeSet<_> = counts.keys().map(String::as_str).collect();
    let expected = BTreeSet::from([
        "DescribeKey",
        "GetKeyLastUsage",
        "GetKeyPolicy",
        "GetKeyRotationStatus",
        "ListAliases",
        "ListKeys",
        "ListRegions",
        "ListResourceTags",
    ]);
    assert_eq!(asked, expected);
    let calls = counts.values().sum::<usize>() - counts["ListRegions"];
    assert!(
        ran.err.contains(&format!("{calls} calls, 0 throttled")),
        "{ran:?}"
    );
    aws.clear_requests();
    let ran = run(&aws, &["--no-last-use", "--format=json", "--aws-managed"]);
    let report = ran.json();
    assert!(
        report
            .iter()
            .all(|row| row["lastUse"]["status"] == "NOT_ASKED")
    );
    assert!(!aws.request_counts().contains_key("GetKeyLastUsage"));
    let managed = report.last().unwrap();
    assert_eq!(
        (&managed["manager"], &managed["rotation"]["status"]),
        (&"AWS".into(), &"BY_AWS".into())
    );
    assert_eq!(report.len(), keys.len() + 1);
}

#[test]
fn thousands_of_keys_come_over_three_pages_and_at_half_of_the_quotas() {
    const KEYS: usize = 2_500;
    let aws = aws();
    for number in 0..KEYS {
        let alias = format!("alias/key-{number:04}");
        aws.add_key(NewKey::symmetric().alias(&alias).rotating_every(365));
    }
    let ran = run(&aws, &["--format", "csv", "--verbose"]);
    let report = ran.csv();
    let names: BTreeSet<_> = report.iter().map(|row| row["aliases"].as_str()).collect();
    assert_eq!((report.len(), names.len()), (KEYS, KEYS));
    assert!(
        report
            .iter()
            .all(|row| row["rotation"] == "ON" && row["missing"].is_empty())
    );
    assert!(report.is_sorted_by_key(|row| row["aliases"].clone()));
    let counts = aws.request_counts();
    assert_eq!((counts["ListKeys"], counts["ListAliases"]), (3, 25));
    // It would take twenty minutes, and nobody asked for it.
    assert!(!counts.contains_key("GetKeyLastUsage"));
    assert!(report.iter().all(|row| row["lastUse"] == "NOT_ASKED"));
    assert!(
        ran.err
            .contains("not asked: --last-use asks, which takes 21 min"),
        "{}",
        ran.err
    );
    let rates = aws.highest_rates();
    for (operation, quota) in [("DescribeKey", 2_000), ("GetKeyRotationStatus", 1_000)] {
        // What a loaded machine holds up comes in a burst.
        assert!(rates[operation] <= quota * 6 / 10, "{rates:?}");
    }
}

#[test]
fn what_is_throttled_is_asked_again_until_nothing_is_missing() {
    let aws = aws();
    for _ in 0..100 {
        aws.add_key(NewKey::symmetric().tag("Owner", "team").rotating_every(365));
    }
    // Others use up so much of the quotas that a loaded machine meets them, too.
    for (operation, quota) in [
        ("DescribeKey", 10),
        ("ListResourceTags", 8),
        ("GetKeyRotationStatus", 5),
    ] {
        aws.set_quota(operation, quota);
    }
    aws.enforce_quotas(Some(QuotaClock::Real));
    let ran = run(&aws, &["--format=csv", "--no-last-use", "--verbose"]);
    let report = ran.csv();
    assert_eq!(report.len(), 100);
    assert!(
        report.iter().all(|row| row["rotation"] == "ON"
            && row["owner"] == "team"
            && row["missing"].is_empty())
    );
    let refused = aws
        .requests()
        .iter()
        .filter(|request| request.error.is_some())
        .count();
    assert!(refused > 0, "nothing was throttled");
    assert!(
        ran.err.contains(&format!("{refused} throttled")),
        "{}",
        ran.err
    );
}

#[test]
fn a_denied_key_is_a_blind_spot_with_its_remedy() {
    let aws = aws();
    aws.add_key(NewKey::symmetric().alias("alias/orders"));
    let hidden = aws.add_key(NewKey::symmetric().alias("alias/salaries"));
    aws.faults().on(&hidden).deny("*");
    let ran = run(&aws, &["--no-last-use"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(
        ran.out
            .contains("blind spots       1\n  alias/salaries  DescribeKey: AccessDenied"),
        "{}",
        ran.out
    );
    let statement = "{\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:root\"},\"Action\":[\"kms:DescribeKey\",";
    assert!(ran.out.contains(statement), "{}", ran.out);
    let report = run(&aws, &["--no-last-use", "--format=json"]).json();
    let row = report
        .iter()
        .find(|row| row["arn"] == hidden.as_str())
        .unwrap();
    assert_eq!(row["missing"][0]["operation"], "DescribeKey");
    assert_eq!(
        (&row["missing"][0]["denied"], &row["conditions"][0]),
        (&true.into(), &"blind-spot".into())
    );
    assert!(row["state"].is_null());
}

#[test]
fn what_is_denied_for_every_key_is_no_matter_of_key_policies() {
    let aws = aws();
    for alias in ["alias/a", "alias/b"] {
        aws.add_key(NewKey::symmetric().alias(alias));
    }
    aws.faults().deny("ListResourceTags");
    let ran = run(&aws, &["--no-last-use"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out
            .contains("the IAM policy of these credentials seems to lack kms:ListResourceTags"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("\"Principal\""), "{}", ran.out);
}

#[test]
fn keys_without_the_list_of_aliases_are_keys_without_names() {
    let aws = aws();
    let key = aws.add_key(NewKey::symmetric().alias("alias/orders"));
    aws.add_key(NewKey::aws_managed("ebs"));
    aws.faults().deny("ListAliases");
    let ran = run(&aws, &["--no-last-use"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.out.contains("No aliases in us-east-1: AccessDenied"),
        "{}",
        ran.out
    );
    let report = run(&aws, &["--no-last-use", "--format=json"]).json();
    // KMS itself said whose key the other one is.
    assert_eq!(report.len(), 1);
    assert_eq!(
        (&report[0]["arn"], &report[0]["aliases"]),
        (&key.into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_failure_that_passes_costs_nothing_and_one_that_lasts_is_said() {
    let aws = aws();
    let key = aws.add_key(
        NewKey::symmetric()
            .alias("alias/orders")
            .rotating_every(365),
    );
    aws.add_key(NewKey::symmetric().alias("alias/other").rotating_every(365));
    // The SDK gives up after three.
    aws.faults().on(&key).fail("DescribeKey", 4);
    let report = run(&aws, &["--no-last-use", "--format=csv"]).csv();
    assert!(
        report
            .iter()
            .all(|row| row["state"] == "Enabled" && row["missing"].is_empty())
    );

    aws.faults().on(&key).fail("DescribeKey", 1_000);
    let ran = run(&aws, &["--no-last-use"]);
    assert_eq!(ran.code, Some(3), "{ran:?}");
    assert!(ran.err.contains("no answer: alias/orders"), "{}", ran.err);
    assert!(
        ran.out
            .contains("NOT COMPLETE: KMS left questions about 1 of these keys"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("alias/other"), "{}", ran.out);
}
