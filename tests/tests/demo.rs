//! `kms-watch demo`, `history --demo` and `explain` as their users meet them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use watch_tests::{binary, repository};

fn demo(arguments: &[&str], input: &[u8]) -> Output {
    kms_watch(&[&["demo"], arguments].concat(), input)
}

fn kms_watch(arguments: &[&str], input: &[u8]) -> Output {
    let mut process = Command::new(binary("kms-watch"))
        .args(arguments)
        .current_dir(repository())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The demo may end without reading it.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines = text(&output.stdout);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The alerts on the feed.
fn alerts(lines: &[Value]) -> Vec<&Value> {
    let feeds = lines.iter().map(|line| &line["feed"]);
    feeds.filter(|feed| !feed.is_null()).collect()
}

/// The events that told something again, by their names.
fn duplicates(lines: &[Value]) -> Vec<&str> {
    let again = lines.iter().filter(|line| line["outcome"] == "duplicate");
    again.map(|line| line["event"].as_str().unwrap()).collect()
}

fn subjects(lines: &[Value]) -> Vec<&str> {
    let subjects = lines.iter().map(|line| &line["people"]["subject"]);
    subjects.filter_map(Value::as_str).collect()
}

fn kinds(output: &Output) -> Vec<String> {
    let kind = |alert: &Value| alert["kind"].as_str().unwrap().to_owned();
    alerts(&lines(output)).into_iter().map(kind).collect()
}

fn chapter(name: &str) -> Vec<Value> {
    lines(&demo(&["--json", "--only", name], b""))
}

/// The whole story, which is told once for all tests.
fn story() -> &'static [Value] {
    static STORY: LazyLock<Vec<Value>> = LazyLock::new(|| lines(&demo(&["--json"], b"")));
    &STORY
}

#[test]
fn the_story_tells_of_everything_that_the_functions_watch() {
    for kind in [
        "KeyDeletionScheduled",
        "KeyDeletionCancelled",
        "KeyDeleted",
        "KeyRotationRequested",
        "KeyRotated",
        "KeyRotationDisabled",
        "KeyMaterialImported",
        "KeyMaterialExpired",
        "Burst",
        "KeyCreated",
        "KeyPolicyChanged",
        "GrantCreated",
        "AliasMoved",
        "KeyDisabled",
        "KeyStoreDisconnected",
        "UnusableKeyUsed",
        "KeyChangeDenied",
        "KeyMaterialExpiring",
        "AlarmRecovered",
        "KeyDeletionNear",
        "InventoryDigest",
    ] {
        assert!(story().iter().any(|line| line["kind"] == kind), "{kind}");
    }
    let first = &story()[0];
    assert_eq!(first["feed"]["severity"], "CRITICAL", "the key was in use");
    assert!(subjects(story())[0].starts_with("CRITICAL: Deletion of alias/payments"));
    assert_eq!(first["chat"]["source"], "custom");
}

#[test]
fn whatever_aws_tells_twice_is_told_once() {
    let (mut ids, mut ends) = (BTreeSet::new(), BTreeSet::new());
    for line in story() {
        let alert = &line["feed"];
        if let Some(id) = alert["id"].as_str() {
            assert!(ids.insert(id), "the same alert twice: {alert}");
        }
        // What KMS does itself is told by several events, at times that differ.
        let kind = alert["kind"].as_str().unwrap_or_default();
        if ["KeyDeleted", "KeyRotated", "KeyMaterialExpired"].contains(&kind) {
            let day = &alert["occurredAt"].as_str().unwrap()[..10];
            let end = (kind, alert["key"]["arn"].as_str().unwrap(), day);
            assert!(ends.insert(end), "the same occurrence twice: {end:?}");
        }
        if line["outcome"] == "duplicate" {
            let reason = line["reason"].as_str().unwrap();
            assert!(reason.ends_with("was told before"), "{reason}");
            assert!(line["people"].is_null() && line["chat"].is_null() && alert.is_null());
        }
        let attempts = line["attempts"].as_array().into_iter().flatten();
        let topics = attempts.flat_map(|topics| topics.as_array().unwrap());
        let mut served = BTreeSet::new();
        for topic in topics {
            assert!(served.insert(topic.as_str()), "{topic} twice: {line}");
        }
    }
    assert_eq!(ends.len(), 8);
    // Five of these were told by CloudTrail and by KMS, one of them twice by each; a call was delivered twice, and two were
    // repeats of a failure within its hour. Of what a sweep had found, six events told afterwards.
    let mut again = duplicates(story());
    again.sort_unstable();
    assert_eq!(
        again,
        [
            "CancelKeyDeletion",
            "DeleteExpiredKeyMaterial",
            "DeleteKey",
            "DisableKey",
            "Encrypt",
            "Encrypt",
            "KMS CMK Deletion",
            "KMS CMK Deletion",
            "KMS CMK Deletion",
            "KMS CMK Rotation",
            "KMS CMK Rotation",
            "KMS CMK Rotation",
            "KMS Imported Key Material Expiration",
            "KMS Imported Key Material Expiration",
            "RotateKey",
            "ScheduleKeyDeletion",
        ]
    );
}

#[test]
fn a_chapter_can_be_told_alone_and_again() {
    let expiry = ["--json", "--only", "expiry"];
    let told = demo(&expiry, b"");
    assert_eq!(kinds(&told), ["KeyMaterialImported", "KeyMaterialExpired"]);
    assert_eq!(
        duplicates(&lines(&told)),
        ["KMS Imported Key Material Expiration"]
    );
    assert_eq!(
        demo(&expiry, b"").stdout,
        told.stdout,
        "the same seed tells the same"
    );
    let other = demo(&["--json", "--only", "expiry", "--seed", "2"], b"");
    assert_ne!(other.stdout, told.stdout);
}

#[test]
fn the_list_has_every_chapter_and_the_story_is_made_of_them() {
    let list = text(&demo(&["--list"], b"").stdout);
    let names: Vec<_> = list
        .lines()
        .map(|line| line.split_once(' ').unwrap().0)
        .collect();
    assert_eq!(
        names,
        [
            "deletion", "obituary", "rotation", "expiry", "replicas", "burst", "access", "misuse",
            "alarms", "sweep", "trouble",
        ]
    );
    let told: Vec<_> = names.into_iter().flat_map(chapter).collect();
    let subjects_and_keys = |lines: &[Value]| -> Vec<(Value, Value)> {
        let both = |line: &Value| {
            (
                line["people"]["subject"].clone(),
                line["feed"]["key"]["arn"].clone(),
            )
        };
        lines.iter().map(both).collect()
    };
    assert_eq!(subjects_and_keys(&told), subjects_and_keys(story()));
}

#[test]
fn a_key_has_a_name_after_kms_forgot_it() {
    let told = chapter("obituary");
    let alerts = alerts(&told);
    let [scheduled, deleted] = alerts[..] else {
        panic!("{alerts:?}")
    };
    assert_eq!(deleted["kind"], "KeyDeleted");
    assert_eq!(deleted["enrichment"]["source"], "LEDGER");
    let key = &deleted["key"];
    assert_eq!(key["aliases"][0], "alias/sessions-old");
    assert_eq!(key["owner"], "team-web");
    assert_eq!(key["lastUse"]["operation"], "Encrypt");
    assert_eq!(key["createdAt"], scheduled["key"]["createdAt"]);
    let details = &deleted["details"];
    assert_eq!(details["scheduledBy"], "PowerUser/maria");
    assert_eq!(details["scheduledAt"], scheduled["occurredAt"]);
    let summary = deleted["summary"].as_str().unwrap();
    assert!(summary.contains("107 days before"), "{summary}");
    assert_eq!(
        duplicates(&told),
        ["KMS CMK Deletion", "KMS CMK Deletion", "DeleteKey"]
    );
    let shown = text(&demo(&["--only", "obituary"], b"").stdout);
    let again = "the same told again by KMS (KMS CMK Deletion): recognised, nothing sent\n";
    assert_eq!(shown.matches(again).count(), 2, "{shown}");
}

#[test]
fn a_sweep_tells_what_no_event_told_and_the_late_event_is_a_duplicate() {
    let told = chapter("sweep");
    let alerts = alerts(&told);
    let shown: Vec<_> = alerts
        .iter()
        .map(|alert| {
            let name = alert["key"]["aliases"][0].as_str().unwrap_or("–");
            let words = [&alert["kind"], &alert["actor"]["name"]];
            let [kind, actor] = words.map(|word| word.as_str().unwrap_or("–"));
            format!("{kind} {name} {actor}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "KeyMaterialExpiring alias/tills –",
            "InventoryDigest – –",
            "KeyDisabled alias/newsletter PowerUser/maria",
            "KeyDeletionScheduled alias/leads PowerUser/maria",
            "KeyMaterialExpired alias/tills AWS KMS",
            "KeyRotated alias/stock AWS KMS",
            "KeyDeletionNear alias/leads –",
            "KeyDeletionNear alias/leads –",
            "KeyDeletionNear alias/leads –",
            "InventoryDigest – –",
            "KeyDeleted alias/leads AWS KMS",
        ]
    );
    for alert in &alerts {
        assert_eq!(alert["source"]["via"], "SWEEP", "{alert}");
    }
    // Who made a call, and when, is CloudTrail's: as the event would have had it.
    let disabled = alerts[2];
    assert_eq!(disabled["occurredAt"], "2027-02-22T14:00:00Z");
    assert_eq!(disabled["source"]["eventName"], "DisableKey");
    let steps = alerts.iter().map(|alert| &alert["details"]["step"]);
    let steps: Vec<_> = steps.filter_map(Value::as_u64).collect();
    assert_eq!(steps, [1, 7, 3, 1]);
    let deleted = alerts[alerts.len() - 1];
    assert_eq!(deleted["enrichment"]["source"], "LEDGER");
    assert_eq!(deleted["details"]["scheduledBy"], "PowerUser/maria");
    assert_eq!(
        duplicates(&told),
        [
            "DisableKey",
            "ScheduleKeyDeletion",
            "RotateKey",
            "KMS CMK Rotation",
            "DeleteExpiredKeyMaterial",
            "KMS Imported Key Material Expiration",
        ]
    );
    let shown = text(&demo(&["--only", "sweep"], b"").stdout);
    for part in [
        "full sweep: looked at 4 of 4 keys in 28 calls of KMS; nothing to tell\n",
        "full sweep: looked at 3 of 3 keys",
        "BlindSpots                  0\n",
        "Keys State=Disabled         1\n",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
}

#[test]
fn thirty_deletions_are_nine_mails_and_thirty_alerts() {
    let told = chapter("burst");
    assert_eq!(alerts(&told).len(), 30);
    let subjects = subjects(&told);
    let (bursts, single): (Vec<&str>, Vec<&str>) = subjects
        .iter()
        .partition(|subject| subject.contains(" times "));
    assert_eq!(single.len(), 5, "{subjects:?}");
    let burst = |count, team| {
        format!("HIGH: {count} times KeyDeletionScheduled, keys of team-{team}, by CleanUp/nightly")
    };
    let expected = [
        burst(6, "shop"),
        burst(16, "web"),
        burst(20, "shop"),
        burst(20, "web"),
    ];
    assert_eq!(bursts.len(), expected.len(), "{bursts:?}");
    for (subject, expected) in bursts.iter().zip(&expected) {
        assert!(subject.starts_with(expected), "{subject}");
    }
    let shown = text(&demo(&["--only", "burst"], b"").stdout);
    let tally = "30 alerts; messages sent: people 9, chat 9, feed 30";
    assert!(shown.contains(tally), "{shown}");
}

#[test]
fn no_failure_costs_an_alert_and_no_retry_tells_twice() {
    let told = chapter("trouble");
    let alerts = alerts(&told);
    assert_eq!(alerts.len(), 4);
    let missing = |alert: &Value| -> Vec<String> {
        let missing = alert["enrichment"]["missing"].as_array().unwrap();
        missing
            .iter()
            .map(|missing| missing["fact"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(missing(alerts[0]).contains(&"metadata".to_owned()));
    assert_eq!(missing(alerts[1]), ["ledger"]);
    assert_eq!(alerts[1]["enrichment"]["status"], "PARTIAL");
    let attempts: Vec<_> = told.iter().map(|line| &line["attempts"]).collect();
    assert_eq!(
        attempts,
        [
            &json!([["people", "chat", "feed"]]),
            &json!([["people", "chat", "feed"]]),
            &json!([[], ["people", "chat", "feed"]]),
            &json!([["chat", "feed"], ["people"]]),
            // The same delivered again.
            &Value::Null,
        ]
    );
    assert_eq!(duplicates(&told), ["CancelKeyDeletion"]);
    let shown = text(&demo(&["--only", "trouble"], b"").stdout);
    for part in [
        "served already: chat and feed",
        "attempt 2 published to: people\n",
    ] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
fn the_ledger_tells_the_life_of_a_key_by_any_of_its_names() {
    let history = |name: &str| {
        let output = kms_watch(&["history", "--demo", name], b"");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let life = history("sessions-old");
    let arn = life.lines().next().unwrap();
    for part in [
        "Alias        alias/sessions-old",
        "Owner        team-web",
        "Description  Web sessions until 2026",
        "State        deleted on 2027-03-07 10:00 UTC",
        "Created      2026-11-20 10:00 UTC",
        "Last used    2026-11-20 10:00 UTC (Encrypt)",
        "Scheduled    for deletion on 2027-02-28 10:00 UTC by PowerUser/maria",
    ] {
        assert!(life.contains(part), "{part} is not in {life}");
    }
    let told: Vec<_> = life
        .lines()
        .filter(|line| line.starts_with("2027-"))
        .collect();
    let [scheduled, deleted] = told[..] else {
        panic!("{life}")
    };
    assert!(scheduled.starts_with("2027-02-28 10:00 UTC MEDIUM   Deletion of alias/sessions-old "));
    assert!(scheduled.ends_with("PowerUser/maria by itself"));
    assert!(
        deleted.starts_with("2027-03-07 10:00 UTC HIGH     alias/sessions-old permanently deleted")
    );
    let (_, id) = arn.split_once('/').unwrap();
    for name in ["alias/sessions-old", id, arn] {
        assert_eq!(history(name), life, "{name}");
    }
}

#[test]
fn a_history_says_what_was_folded_and_lacks_what_the_ledger_missed() {
    let history = |name: &str| lines(&kms_watch(&["history", "--demo", "--json", name], b""));
    let burst = history("alias/web-07");
    assert_eq!(burst.len(), 1);
    assert_eq!(
        (&burst[0]["folded"], &burst[0]["owner"]),
        (&json!(true), &json!("team-web"))
    );
    let shown = text(&kms_watch(&["history", "--demo", "web-07"], b"").stdout);
    assert!(shown.trim_end().ends_with(" in a burst"), "{shown}");
    // Four things were told, one of them while the ledger was away.
    let orders = history("orders");
    let kinds: Vec<_> = orders.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "KeyDeletionScheduled",
            "KeyDeletionScheduled",
            "KeyDeletionCancelled"
        ]
    );
}

#[test]
fn a_key_that_the_ledger_never_met_is_an_error_that_names_those_it_knows() {
    for arguments in [
        &["history", "--demo", "alias/nobody\u{1b}[2J"][..],
        &["history", "--demo", "--json", ""],
    ] {
        let output = kms_watch(arguments, b"");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let error = text(&output.stderr);
        assert!(
            error.starts_with("kms-watch: the ledger knows no key \""),
            "{error}"
        );
        for alias in ["alias/payments", "alias/sessions-old", "alias/web-15"] {
            assert!(error.contains(alias), "{error}");
        }
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}

#[test]
fn the_story_is_plain_text_where_no_terminal_is() {
    let output = demo(&["--all"], b"");
    assert!(output.status.success());
    let story = text(&output.stdout);
    assert!(!story.contains('\u{1b}'), "colours belong to terminals");
    for part in [
        "people, by e-mail",
        "chat, through Amazon Q Developer",
        "machines, on the feed",
        "In short",
    ] {
        assert!(story.contains(part), "{part}");
    }
    assert_eq!(text(&output.stderr), "");
}

/// Somebody who tries it has a minute, and a screen: what depends on the key is one mail of it.
#[test]
fn without_options_it_shows_the_point_on_one_screen() {
    let output = demo(&[], b"");
    let shown = text(&output.stdout);
    let lines: Vec<_> = shown.lines().collect();
    assert!(
        (25..=60).contains(&lines.len()),
        "{} lines:\n{shown}",
        lines.len()
    );
    for line in &lines {
        // A command is copied, so it stays on one line.
        let is_command = line.trim_start_matches(['→', ' ']).starts_with("aws ");
        assert!(is_command || line.chars().count() <= 100, "{line}");
    }
    for part in [
        "CRITICAL: Deletion of alias/payments scheduled for ",
        "aws kms cancel-key-deletion --key-id ",
        "HIGH: What depends on alias/payments: 17 resources and 4 principals",
        "RDS instance db-7QK2ORDERS (Billing, 2 days ago)",
        "Deletion of alias/payments cancelled",
        "HIGH: alias/sessions-old permanently deleted on ",
        "the same told again by KMS (KMS CMK Deletion): recognised, nothing sent",
        "--all",
        "--html",
    ] {
        assert!(shown.contains(part), "{part} is not in {shown}");
    }
    let (_, table) = shown.split_once("In short").unwrap();
    let rows: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("20"))
        .collect();
    assert!(
        rows.len() == 5 && rows.is_sorted_by_key(|row| &row[..10]),
        "{rows:?}"
    );
}

#[test]
fn the_closing_table_is_in_order_of_time_and_fits_80_columns() {
    let shown = text(&demo(&["--all"], b"").stdout);
    let (_, table) = shown.split_once("In short").unwrap();
    let rows: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("20"))
        .collect();
    assert!(rows.len() > 40, "{table}");
    assert!(rows.is_sorted_by_key(|row| &row[..10]), "{table}");
    for row in rows {
        assert!(row.chars().count() <= 80, "{row}");
    }
}

#[test]
fn the_story_is_a_page_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("story.html");
    let output = demo(&["--html", file.to_str().unwrap(), "--only=access"], b"");
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let page = std::fs::read_to_string(&file).unwrap();
    for part in [
        "<!doctype html>",
        "<h2>1. A public policy, a foreign grant, an alias that moved, a key that is off</h2>",
        "<span class=\"s1\">",
        "In short",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains('\u{1b}') && !page.contains("<script"));
    assert_eq!(
        page.matches("<span").count(),
        page.matches("</span>").count()
    );
    // Nothing of it is elsewhere.
    assert!(!page.contains("src=") && !page.contains("<link"), "{page}");
}

#[test]
fn events_of_the_users_own_come_from_files_and_standard_input() {
    let explain =
        |arguments: &[&str], input: &[u8]| kms_watch(&[&["explain"], arguments].concat(), input);
    let file = "events/key-rotation/kms-rotation-automatic-new.json";
    let event = std::fs::read(repository().join(file)).unwrap();
    assert_eq!(kinds(&explain(&["--json", file], b"")), ["KeyRotated"]);
    assert_eq!(kinds(&explain(&["--json", "-"], &event)), ["KeyRotated"]);
    assert_eq!(
        kinds(&explain(&["--json", file, "-"], b"{}")),
        ["KeyRotated", "UnreadableEvent"]
    );
    let noise = explain(
        &["events/key-rotation/ct-synchronize-multi-region-key.json"],
        b"",
    );
    assert!(
        noise.status.success()
            && text(&noise.stdout).contains("Ignored: SynchronizeMultiRegionKey")
    );
}

#[test]
fn what_the_user_can_mend_gives_a_clear_error_and_2() {
    for (arguments, input, error) in [
        (
            &["explain", "no-such-file.json"][..],
            "",
            "kms-watch: failed to read no-such-file.json",
        ),
        (
            &["explain", "events"],
            "",
            "kms-watch: failed to read events",
        ),
        (
            &["explain", "Cargo.toml"],
            "",
            "kms-watch: Cargo.toml is not JSON",
        ),
        (
            &["explain", "-"],
            "{bad",
            "kms-watch: standard input is not JSON",
        ),
        (
            &["explain"],
            "",
            "error: the following required arguments were not provided:",
        ),
        (
            &["history"],
            "",
            "error: the following required arguments were not provided:",
        ),
        (
            &["demo", "--loud"],
            "",
            "error: unexpected argument '--loud'",
        ),
        (
            &["demo", "--only", "love"],
            "",
            "error: invalid value 'love' for '--only <CHAPTER>': there is no such chapter",
        ),
        (
            &["demo", "--html", "no/story.html"],
            "",
            "kms-watch: cannot write to no/story.html: its folder does not exist",
        ),
        // Nothing is handled if a later file is wrong.
        (
            &[
                "explain",
                "events/key-deletion/kms-deletion.json",
                "no-such-file.json",
            ],
            "",
            "kms-watch: failed to read",
        ),
    ] {
        let output = kms_watch(arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with(error), "{said}");
        assert_eq!(text(&output.stdout), "");
    }
}

#[test]
fn colours_and_separators_are_as_everywhere() {
    let plain = text(&kms_watch(&["demo", "--", "--only=expiry"], b"").stdout);
    assert!(!plain.contains('\u{1b}'));
    let coloured = text(&kms_watch(&["--color=always", "demo", "--only=expiry"], b"").stdout);
    assert!(coloured.contains("\u{1b}[1m"), "{coloured}");
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let script = text(&kms_watch(&["completions", "bash"], b"").stdout);
    let folder = tempfile::tempdir().unwrap();
    let man = kms_watch(&["man", folder.path().to_str().unwrap()], b"");
    assert!(man.status.success(), "{man:?}");
    for command in ["inventory", "history", "explain", "demo"] {
        assert!(
            script.contains(&format!("kms__watch__{command}"))
                || script.contains(&format!("kms__watch__subcmd__{command}")),
            "{command}"
        );
        let page = folder.path().join(format!("kms-watch-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains("Exit codes"), "{page}");
    }
}
