//! The pictures of the README are the real output. `INSTA_UPDATE=always cargo test -p kms-watch --test pictures` makes them anew.

#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::cmp::Ordering;
use std::path::Path;
use std::process::Command;

use anstyle_svg::Term;

/// What the command prints on a terminal with colours, and the exit code.
fn ran(words: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(env!("CARGO_BIN_EXE_kms-watch"))
        .arg("--color=always")
        .args(words)
        .env_clear()
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text, output.status.code())
}

fn shown(words: &[&str]) -> String {
    let (text, code) = ran(words);
    assert_eq!(code, Some(0), "{text}");
    text
}

/// Columns of a picture.
const WIDTH: usize = 110;

/// No wider than the picture. Styles take no room, and each that begins ends.
fn narrow(line: &str) -> String {
    let (mut cut, mut seen, mut in_style) = (String::new(), 0, false);
    for c in line.chars() {
        in_style |= c == '\u{1b}';
        if in_style {
            cut.push(c);
            in_style = c != 'm';
            continue;
        }
        seen += 1;
        match seen.cmp(&WIDTH) {
            Ordering::Less => cut.push(c),
            Ordering::Equal => cut.push('…'),
            Ordering::Greater => {}
        }
    }
    cut
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs the test says there that the picture is to be made anew"
)]
fn compare(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs")
        .join(name);
    let picture = Term::new().render_svg(text);
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&file, &picture).unwrap();
    }
    let drawn = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        drawn == picture,
        "{} is not what is printed; see the head of this test",
        file.display()
    );
}

#[test]
fn the_picture_of_an_alert() {
    let story = shown(&["demo", "--only=deletion"]);
    let lines: Vec<_> = story
        .lines()
        .skip_while(|line| !line.contains("Subject: "))
        .take_while(|line| !line.contains("── chat"))
        .map(narrow)
        .collect();
    assert!((15..=60).contains(&lines.len()), "{lines:?}");
    compare("alert.svg", &lines.join("\n"));
}

#[test]
fn the_picture_of_the_report() {
    let report = shown(&["inventory", "--demo", "--width=109"]);
    let lines: Vec<_> = report.lines().take(28).map(narrow).collect();
    compare("report.svg", &lines.join("\n"));
}

#[test]
fn the_picture_of_the_plan() {
    // One of the demo's keys denies everything: the plan says so, and is not complete.
    let (plan, code) = ran(&["plan", "--demo"]);
    assert_eq!(code, Some(3), "{plan}");
    let lines: Vec<_> = plan
        .lines()
        .skip_while(|line| !line.contains("What did they show"))
        .take_while(|line| !line.contains("Parameters to set"))
        .map(narrow)
        .collect();
    assert!((10..=80).contains(&lines.len()), "{lines:?}");
    compare("plan.svg", &lines.join("\n"));
}
