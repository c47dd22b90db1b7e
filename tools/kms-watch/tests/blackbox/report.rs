//! What a reader gets.

use std::process::Stdio;

use serde_json::json;
use watch_local::{ImportedMaterial, NewKey};

use crate::setup::{Ran, aws, bare, days, demo, folder, run};

#[test]
fn the_demos_table() {
    let ran = demo(&["--aws-managed"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    insta::assert_snapshot!(ran.out);
}

#[test]
fn the_demos_table_in_a_terminal_of_120_columns_and_two_regions() {
    let words = ["--width=120", "--region=us-east-1", "--region=eu-west-1"];
    let ran = demo(&words);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    let (table, _) = ran.out.split_once("\n\n").unwrap();
    for line in table.lines() {
        assert!(line.chars().count() <= 120, "{line}");
    }
    insta::assert_snapshot!(table);
}

#[test]
fn the_demos_csv() {
    let ran = demo(&["--format", "csv"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(ran.out.lines().count(), ran.out.matches("\r\n").count());
    insta::assert_snapshot!(ran.out.replace("\r\n", "\n"));
}

/// The two of them have one id.
#[test]
fn related_keys_are_told_from_each_other_where_there_is_room() {
    let table = demo(&["--width=100"]).out;
    let related = table.lines().filter(|line| line.starts_with("mrk-"));
    let regions: Vec<_> = related
        .map(|line| ["us-east-1", "eu-west-1"].map(|region| line.contains(region)))
        .collect();
    assert_eq!(regions, [[true, false], [false, true]], "{table}");
}

/// An id or a name that is cut cannot be copied.
#[test]
fn ids_and_aliases_are_whole_and_the_urgent_ones_come_last() {
    let report = demo(&["--format=json"]).json();
    for width in ["60", "80", "120"] {
        let table = demo(&[&format!("--width={width}")]).out;
        for row in &report {
            assert!(table.contains(row["keyId"].as_str().unwrap()), "{table}");
            let alias = row["aliases"].as_array().and_then(|it| it.first());
            let alias = alias.and_then(|it| it.as_str()).unwrap_or_default();
            assert!(table.contains(alias), "{alias}: {table}");
        }
        let (_, last) = table.split_once("\nMost urgent\n").unwrap();
        let last: Vec<_> = last.lines().collect();
        assert_eq!(last.len(), 3, "{last:?}");
        assert!(
            last[0].starts_with(
                "  pending-deletion 2026-11-26 10:00 UTC  alias/payments  arn:aws:kms:"
            ),
            "{last:?}"
        );
    }
}

#[test]
fn the_page_is_whole_and_takes_no_orders() {
    let aws = aws();
    let hostile = "<script>alert(1)</script>\"'&";
    aws.add_key(
        NewKey::symmetric()
            .alias("alias/orders")
            .tag("Owner", hostile)
            .deleted_at(days(9)),
    );
    let page = run(&aws, &["--no-last-use", "--format=html"]).out;
    assert!(!page.contains("alert(1)</script>"), "{page}");
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"),
        "{page}"
    );
    assert!(
        !page.contains("src=") && !page.contains("<link") && !page.contains("href="),
        "{page}"
    );
    let (_, policy) = page.split_once("script-src 'sha256-").unwrap();
    assert!(policy.find('\'').is_some_and(|end| end == 44), "{policy}");
    for part in [
        "<figcaption>States</figcaption>",
        "Ends within 30 days",
        "deleted in 8 d",
        "Ages",
        "Rotation",
        "pending-deletion",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn findings_for_code_scanning_and_pipelines() {
    let words = ["--fail-on=expiring,disabled", "--format"];
    let sarif = demo(&[&words[..], &["sarif"]].concat());
    assert_eq!(sarif.code, Some(1));
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(
        (
            &sarif["version"],
            run["tool"]["driver"]["rules"].as_array().unwrap().len()
        ),
        (&json!("2.1.0"), 2)
    );
    let results: Vec<_> = run["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["ruleId"], &it["level"]))
        .collect();
    assert_eq!(
        results,
        [
            (&json!("expiring"), &json!("error")),
            (&json!("disabled"), &json!("warning"))
        ]
    );
    let junit = demo(&[&words[..], &["junit"]].concat()).out;
    assert!(
        junit.contains("<testsuites name=\"kms-watch\" tests=\"30\" failures=\"2\" errors=\"0\">"),
        "{junit}"
    );
    assert!(
        junit.contains("name=\"alias/archive-2024\"><failure message=\"is disabled\">arn:"),
        "{junit}"
    );
    let md = demo(&["--format=md"]).out;
    assert!(md.contains("| `alias/payments` | `PendingDeletion` | `team-pay` | 2026-11-26 10:00 UTC | pending-deletion |  |  |"), "{md}");
    assert!(
        md.contains("| `alias/global` | `Enabled` | `team-shop` |  |  |  | eu-west-1 |"),
        "{md}"
    );
}

#[test]
fn the_documentation_shows_the_demo_and_names_every_member() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/inventory.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = demo(&["--width=120"]).out;
    let (table, _) = table.split_once("\n\n").unwrap();
    assert!(page.contains(table), "{table}");
    let report = demo(&["--format=json"]).report();
    let of = |value: &serde_json::Value| -> Vec<String> {
        value.as_object().unwrap().keys().cloned().collect()
    };
    for member in [
        of(&report),
        of(&report["accounts"][0]),
        of(&report["keys"][0]),
    ]
    .concat()
    {
        assert!(page.contains(&format!("`{member}`")), "{member}");
    }
}

#[test]
fn every_key_has_every_member() {
    let aws = aws();
    let key = aws.add_key(
        NewKey::imported()
            .alias("alias/feed")
            .described("From the partner")
            .tag("owner", "team-data")
            .created(days(-10))
            .material(ImportedMaterial::new("material").expiring(days(9)))
            .last_used("Encrypt", days(-2)),
    );
    let ran = run(&aws, &["--format", "json"]);
    let mut report = ran.json();
    assert_eq!(report.len(), 1);
    let second = |at: jiff::Timestamp| {
        jiff::Timestamp::from_second(at.as_second())
            .unwrap()
            .to_string()
    };
    // The dates were taken a moment ago, and lie within this minute.
    let row = &mut report[0];
    for (pointer, expected) in [
        ("/createdAt", days(-10)),
        ("/expiresAt", days(9)),
        ("/lastUse/at", days(-2)),
    ] {
        let date = row.pointer_mut(pointer).unwrap();
        let at: jiff::Timestamp = date.as_str().unwrap().parse().unwrap();
        assert_eq!(*date, json!(second(at)), "{pointer} has a fraction");
        assert!(
            expected.duration_since(at).as_secs().abs() < 60,
            "{pointer}"
        );
        *date = json!("date");
    }
    assert!(row["lastUse"]["trackedSince"].take().is_string());
    let id = key.rsplit('/').next().unwrap();
    assert_eq!(
        *row,
        json!({
            "arn": key,
            "keyId": id,
            "account": "111122223333",
            "region": "us-east-1",
            "aliases": ["alias/feed"],
            "description": "From the partner",
            "owner": "team-data",
            "tags": { "owner": "team-data" },
            "manager": "CUSTOMER",
            "state": "Enabled",
            "origin": "EXTERNAL",
            "spec": "SYMMETRIC_DEFAULT",
            "usage": "ENCRYPT_DECRYPT",
            "multiRegion": null,
            "customKeyStoreId": null,
            "createdAt": "date",
            "expiresAt": "date",
            "deletionAt": null,
            "rotation": { "status": "NOT_APPLICABLE", "periodDays": null, "nextAt": null },
            "lastUse": { "status": "USED", "at": "date", "operation": "Encrypt", "trackedSince": null },
            "access": { "public": false, "foreign": [], "grants": null },
            "conditions": ["expiring"],
            "missing": [],
        })
    );
}

#[test]
fn text_from_outside_is_harmless_in_every_format() {
    let aws = aws();
    let formula = "=HYPERLINK(\"http://example.com\",\"a\"), b\u{1b}[31m\u{202e}c\r\nd";
    let clean = "=HYPERLINK(\"http://example.com\",\"a\"), b[31mc d";
    aws.add_key(
        NewKey::symmetric()
            .described(formula)
            .tag("Owner", "@team\u{1b}[2J"),
    );
    let words = ["--no-last-use", "--format"];
    let csv = run(&aws, &[&words[..], &["csv"]].concat());
    let row = &csv.csv()[0];
    assert_eq!(row["description"], format!("'{clean}"));
    assert_eq!(row["owner"], "'@team[2J");
    assert!(
        csv.out
            .contains("\"'=HYPERLINK(\"\"http://example.com\"\",\"\"a\"\"), b")
    );
    let json = run(&aws, &[&words[..], &["json"]].concat());
    assert_eq!(json.json()[0]["description"], clean);
    let table = run(&aws, &["--no-last-use"]);
    assert!(table.out.contains("@team[2J"), "{}", table.out);
    for ran in [csv, json, table] {
        assert!(!ran.out.contains(['\u{1b}', '\u{202e}']), "{}", ran.out);
    }
}

#[test]
fn an_account_without_keys_is_none_that_failed() {
    let aws = aws();
    let table = run(&aws, &[]);
    assert_eq!((table.code, table.err.as_str()), (Some(0), ""));
    assert!(
        table.out.starts_with("No keys in us-east-1, "),
        "{}",
        table.out
    );
    let json = run(&aws, &["--format", "json"]);
    assert_eq!(json.json(), Vec::<serde_json::Value>::new());
    assert!(json.err.contains("No keys in us-east-1"), "{}", json.err);
    let csv = run(&aws, &["--format", "csv"]);
    assert!(csv.out.starts_with("account,region,keyId,"));
    assert!(csv.csv().is_empty());
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    let aws = aws();
    aws.add_key(NewKey::symmetric().alias("alias/orders"));
    let folder = folder();
    let file = folder.join("keys.csv");
    std::fs::write(&file, "old").unwrap();
    let words = ["--format=csv", "-o", file.to_str().unwrap()];
    let ran = run(&aws, &words);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{ran:?}");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.contains("alias/orders") && !written.contains("old"),
        "{written}"
    );

    // What fails leaves the file as it was, and nothing beside it.
    aws.faults().deny("ListKeys");
    assert_eq!(run(&aws, &words).code, Some(3));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
#[cfg(unix)]
fn a_link_stays_a_link_and_a_table_in_a_file_has_no_colours() {
    let folder = folder();
    let (file, link) = (folder.join("keys.txt"), folder.join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let mut command = bare(&["--demo", "-o", link.to_str().unwrap()]);
    command.env("CLICOLOR_FORCE", "1");
    assert_eq!(Ran::of(command).code, Some(0));
    assert!(link.is_symlink());
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.starts_with("KEY ID") && !written.contains('\u{1b}'),
        "{written}"
    );
}

#[test]
fn colours_are_for_those_who_see_them() {
    assert!(!demo(&[]).out.contains('\u{1b}'));
    let mut command = bare(&["--demo"]);
    command.env("CLICOLOR_FORCE", "1");
    let red = "\u{1b}[1m\u{1b}[31mPendingDeletion\u{1b}[0m";
    let out = Ran::of(command).out;
    assert!(out.contains(red), "{out}");
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    for (more, code) in [(&[][..], 0), (&["--fail-on", "disabled"], 1)] {
        let mut command = bare(&[&["--demo", "--format=json"], more].concat());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let ran = Ran::from(child.wait_with_output().unwrap());
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(
            !ran.err.contains("panic") && !ran.err.contains("failed"),
            "{ran:?}"
        );
    }
}
