//! `cargo demo` as its users meet it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use watch_tests::{binary, repository};

fn demo(arguments: &[&str], input: &[u8]) -> Output {
    let mut process = Command::new(binary("demo"))
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

fn kinds(output: &Output) -> Vec<String> {
    let lines = text(&output.stdout);
    let line = |line: &str| {
        serde_json::from_str::<Value>(line).unwrap()["feed"]["kind"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    lines.lines().map(line).collect()
}

#[test]
fn the_story_tells_of_everything_that_the_functions_watch() {
    let output = demo(&["--json"], b"");
    assert!(output.status.success());
    let told = kinds(&output);
    for kind in [
        "KeyDeletionScheduled",
        "KeyDeletionCancelled",
        "KeyDeleted",
        "KeyRotationRequested",
        "KeyRotated",
        "KeyRotationDisabled",
        "KeyMaterialImported",
        "KeyMaterialExpired",
    ] {
        assert!(
            told.iter().any(|told| told == kind),
            "{kind} is not among {told:?}"
        );
    }
    let first: Value = serde_json::from_str(text(&output.stdout).lines().next().unwrap()).unwrap();
    assert_eq!(first["feed"]["severity"], "CRITICAL", "the key was in use");
    assert!(
        first["people"]["subject"]
            .as_str()
            .unwrap()
            .starts_with("CRITICAL: alias/payments")
    );
    assert_eq!(first["chat"]["source"], "custom");
}

#[test]
fn a_chapter_can_be_told_alone_and_again() {
    let expiry = ["--json", "--only", "expiry"];
    let told = demo(&expiry, b"");
    let kinds = kinds(&told);
    assert_eq!(
        kinds,
        [
            "KeyMaterialImported",
            "KeyMaterialExpired",
            "KeyMaterialExpired"
        ]
    );
    assert_eq!(
        demo(&expiry, b"").stdout,
        told.stdout,
        "the same seed tells the same"
    );
    let other = demo(&["--json", "--only", "expiry", "--seed", "2"], b"");
    assert_ne!(other.stdout, told.stdout);
    let list = text(&demo(&["--list"], b"").stdout);
    assert!(
        list.lines().any(|line| line.starts_with("expiry ")),
        "{list}"
    );
}

#[test]
fn the_story_is_plain_text_where_no_terminal_is() {
    let output = demo(&[], b"");
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

#[test]
fn events_of_the_users_own_come_from_files_and_standard_input() {
    let file = "events/key-rotation/kms-rotation-automatic-new.json";
    let event = std::fs::read(repository().join(file)).unwrap();
    assert_eq!(kinds(&demo(&["--json", file], b"")), ["KeyRotated"]);
    assert_eq!(kinds(&demo(&["--json", "-"], &event)), ["KeyRotated"]);
    assert_eq!(
        kinds(&demo(&["--json", file, "-"], b"{}")),
        ["KeyRotated", "UnreadableEvent"]
    );
    let noise = demo(
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
            vec!["no-such-file.json"],
            "",
            "demo: failed to read no-such-file.json",
        ),
        (vec!["events"], "", "demo: failed to read events"),
        (vec!["README.md"], "", "demo: README.md is not JSON"),
        (vec!["-"], "{bad", "demo: standard input is not JSON"),
        (vec!["--loud"], "", "demo: invalid option '--loud'"),
        (
            vec!["--only", "love"],
            "",
            "demo: cannot parse argument \"love\": no such chapter",
        ),
        // Nothing is handled if a later file is wrong.
        (
            vec!["events/key-deletion/kms-deletion.json", "no-such-file.json"],
            "",
            "demo: failed to read",
        ),
    ] {
        let output = demo(&arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            text(&output.stderr).starts_with(error),
            "{}",
            text(&output.stderr)
        );
        assert_eq!(text(&output.stdout), "");
    }
}
