//! How long sentences may be: 20 words in an alert, 30 in README and documentation (`docs/style.md`).
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Words of a sentence in an alert.
const IN_ALERTS: usize = 20;
/// Words of a sentence in README and documentation.
const IN_PROSE: usize = 30;

/// Pages with longer sentences: how many at most, and why. It may only shrink.
const LONGER: [(&str, usize, &str); 9] = [
    ("CONTRIBUTING.md", 3, "lists of checks and of parts"),
    ("docs/ARCHITECTURE.md", 6, "rules with all their conditions"),
    (
        "docs/adr",
        95,
        "one argument after the other, for whoever questions it",
    ),
    ("docs/benchmark.md", 1, "a list of targets"),
    ("docs/command.md", 1, "what the demo does, step by step"),
    (
        "docs/deploy.md",
        20,
        "lists of permissions, metrics and costs",
    ),
    ("docs/hub", 1, "members of an event"),
    (
        "docs/releasing.md",
        2,
        "what a release changes, file by file",
    ),
    ("docs/inventory.md", 10, "members of a row"),
];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The text with one word in place of whatever stands between `open` and `close`.
fn without(text: &str, open: char, close: char, word: &str) -> String {
    let mut left = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        left.push_str(before);
        left.push_str(word);
        let (inside, after) = after.split_once(close).unwrap_or((after, ""));
        // What is quoted may end the sentence that quotes it.
        if inside.ends_with('.') && after.starts_with(' ') {
            left.push('.');
        }
        rest = after;
    }
    left.push_str(rest);
    left
}

/// The words of each sentence, without those of values.
fn sentences(text: &str) -> Vec<Vec<String>> {
    let text = without(text, '"', '"', "VALUE");
    let mut found = vec![Vec::new()];
    for word in text.split_whitespace() {
        let current = found.last_mut().expect("a sentence");
        // A date is one word, which stands as three.
        let is_date = word.trim_end_matches(['.', ',', ';', ':', ')']) == "UTC";
        if !(is_date && current.len() >= 2) {
            current.push(word.to_owned());
        } else {
            current.pop();
        }
        let word = word.trim_end_matches([')', '*']);
        if word.ends_with(['.', '!', '?']) {
            found.push(Vec::new());
        }
    }
    found.retain(|sentence| !sentence.is_empty());
    found
}

fn too_long(text: &str, most: usize) -> Vec<String> {
    let sentences = sentences(text).into_iter();
    let long = sentences.filter(|sentence| sentence.len() > most);
    long.map(|sentence| format!("{} words: {}", sentence.len(), sentence.join(" ")))
        .collect()
}

#[test]
fn no_sentence_of_an_alert_has_more_than_twenty_words() {
    let folder = repository().join("tests/tests/snapshots");
    let (mut long, mut read) = (Vec::new(), 0);
    for entry in std::fs::read_dir(folder).unwrap() {
        let snapshot = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let Some(feed) = snapshot.split("\n=== feed ===\n").nth(1) else {
            continue;
        };
        let feed = feed.split("\n=== ").next().unwrap();
        let alert: Value = serde_json::from_str(feed).unwrap();
        let steps = alert["nextSteps"].as_array().unwrap();
        let texts = [&alert["summary"], &alert["severityReason"]].into_iter();
        for text in texts.chain(steps.iter().map(|step| &step["text"])) {
            read += 1;
            let text = text.as_str().unwrap_or_default();
            long.extend(
                too_long(text, IN_ALERTS)
                    .into_iter()
                    .map(|it| format!("{}: {it}", alert["kind"])),
            );
        }
    }
    long.sort();
    long.dedup();
    assert!(read > 400, "{read} texts");
    assert!(long.is_empty(), "too long:\n{}", long.join("\n"));
}

/// The paragraphs and points of a page: no tables, headings, links or code.
fn paragraphs(page: &str) -> Vec<String> {
    let (mut found, mut current, mut in_code) = (Vec::new(), String::new(), false);
    for line in page.lines().map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let point = line.strip_prefix("* ").or(line.strip_prefix("- "));
        let is_apart = line.is_empty() || line.starts_with(['|', '#', '<', '`', '!']);
        if in_code || point.is_some() || (is_apart && !line.starts_with("`")) {
            found.push(std::mem::take(&mut current));
        }
        if in_code || line.starts_with("```") || (is_apart && !line.starts_with('`')) {
            continue;
        }
        current.push(' ');
        current.push_str(point.unwrap_or(line));
    }
    found.push(current);
    found.retain(|paragraph| !paragraph.trim().is_empty());
    found
}

fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, found);
        } else if path.extension().is_some_and(|it| it == "md") {
            found.push(path);
        }
    }
}

#[test]
fn sentences_of_readme_and_documentation_are_short_but_those_that_are_listed() {
    let mut found = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        .map(|name| repository().join(name))
        .to_vec();
    pages(&repository().join("docs"), &mut found);
    let mut by_page = std::collections::BTreeMap::<String, Vec<String>>::new();
    for path in found {
        let name = path.strip_prefix(repository()).unwrap();
        let name = name.to_str().unwrap().to_owned();
        let listed = LONGER.iter().find(|(page, ..)| name.starts_with(page));
        let page = listed.map_or(name, |(page, ..)| (*page).to_owned());
        let text = std::fs::read_to_string(&path).unwrap();
        for paragraph in paragraphs(&text) {
            let plain = without(&paragraph, '`', '`', "NAME");
            let long = too_long(&plain, IN_PROSE);
            by_page.entry(page.clone()).or_default().extend(long);
        }
    }
    assert!(by_page.len() > 15, "{:?}", by_page.keys());
    let mut faults = Vec::new();
    for (page, long) in by_page {
        let most = LONGER.iter().find(|(name, ..)| *name == page);
        let most = most.map_or(0, |(_, most, _)| *most);
        // The last ones, which may be the new ones.
        if long.len() > most {
            let some: Vec<_> = long.iter().rev().take(3).map(String::as_str).collect();
            let some = some.join("\n  ");
            faults.push(format!("{page}: {} of {most}\n  {some}", long.len()));
        }
    }
    assert!(faults.is_empty(), "too long:\n{}", faults.join("\n"));
}

#[test]
fn whoever_may_be_longer_says_why() {
    for (page, most, why) in LONGER {
        assert!(most > 0 && !why.is_empty(), "{page}");
        assert!(repository().join(page).exists(), "{page}");
    }
}

#[test]
fn words_are_counted_without_those_of_values() {
    let count = |text: &str| -> Vec<usize> { sentences(text).iter().map(Vec::len).collect() };
    assert_eq!(count("One two. Three \"four. five\" six."), [2, 3]);
    assert_eq!(count("Until 2026-02-28 09:01 UTC, all is well."), [5]);
    assert_eq!(count("It is 84.6 % (see CloudTrail). Next"), [6, 1]);
    assert_eq!(too_long("a b c. d e", 2), ["3 words: a b c."]);
    let page = "# Title\n\nOne two\nthree.\n\n| a | b |\n\n* four\n* five\n\n```\nsix\n```\n`seven` eight\n";
    let found = paragraphs(page);
    let found: Vec<_> = found.iter().map(|it| it.trim()).collect();
    assert_eq!(found, ["One two three.", "four", "five", "`seven` eight"]);
}
