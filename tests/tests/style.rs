//! Words that `docs/style.md` says to avoid, looked for in everything that a person reads.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on has failed"
)]

use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The words of the first column of the table under "Words", in small letters.
fn avoided(style: &str) -> Vec<String> {
    let table = style.split("## Words").nth(1).expect("a table of words");
    let rows = table.lines().filter_map(|line| {
        let cell = line.strip_prefix("| ")?.split(" |").next()?;
        (cell != "avoid" && !cell.starts_with('-')).then_some(cell)
    });
    rows.flat_map(|cell| cell.split(", "))
        .map(|words| words.trim().to_ascii_lowercase())
        .collect()
}

/// `words` stand in `text`, and no letter or digit goes on before or after them.
fn stands_in(text: &str, words: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let open = words.ends_with(|c: char| !c.is_alphanumeric());
        !part(before) && (open || !part(after))
    })
}

/// The files under `folder` whose names end in `ending`.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![repository().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name != "target" {
                folders.push(path);
            } else if name.ends_with(ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// A text, and the line on which it begins.
type Found = (usize, String);

/// The string literals of a Rust source, without comments; broken lines are joined as the compiler does.
fn literals(source: &str) -> Vec<Found> {
    let bytes = source.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some((open, close)) = raw(rest) {
            let end = rest[open..].find(&close).expect("an end") + open;
            found.push((line(at), rest[open..end].to_owned()));
            at += end + close.len();
        } else if rest.starts_with('"') {
            let end = quoted(rest);
            found.push((line(at), joined(&rest[1..end])));
            at += end + 1;
        } else {
            at += character(rest);
        }
    }
    found
}

/// Where the content of a raw string begins, and what ends it.
fn raw(rest: &str) -> Option<(usize, String)> {
    let after = rest.strip_prefix('r')?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    let quote = after[hashes..].starts_with('"');
    quote.then(|| (1 + hashes + 1, format!("\"{}", "#".repeat(hashes))))
}

/// The place of the quotation mark that ends a string.
fn quoted(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}

/// Length of what is no string: a character literal, which may be a quotation mark, or one character.
fn character(rest: &str) -> usize {
    for literal in ["'\"'", "'\\\"'", "'\\''", "b'\"'"] {
        if rest.starts_with(literal) {
            return literal.len();
        }
    }
    rest.chars().next().map_or(1, char::len_utf8)
}

/// A literal whose lines end in a backslash is one line.
fn joined(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.push_str(line.trim_start());
    }
    text
}

/// Lines that belong together are read together: a phrase may be broken at a line's end.
fn lines(text: &str) -> Vec<Found> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let pairs = lines.iter().enumerate().map(|(n, line)| {
        // The beginning of the next line only, so that nothing is found twice.
        let next = lines.get(n + 1).copied().unwrap_or_default();
        let next: Vec<_> = next.split(' ').take(2).collect();
        (n + 1, format!("{line} {}", next.join(" ")))
    });
    pairs.collect()
}

/// Everything that a person reads: the file, and its texts.
fn texts() -> Vec<(PathBuf, Vec<Found>)> {
    let read = |path: PathBuf, split: fn(&str) -> Vec<Found>| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, split(&text))
    };
    let root = [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "template.yaml",
    ];
    let prose = root.map(|name| repository().join(name)).into_iter();
    let prose = prose
        .chain(files("docs", ".md"))
        .chain(files("tests/tests/snapshots", ".snap"))
        .filter(|path| !path.ends_with("docs/style.md"))
        .map(|path| read(path, lines));
    let code = ["shared/core/src/kinds", "functions", "tools"];
    let code = code.into_iter().flat_map(|folder| files(folder, ".rs"));
    prose.chain(code.map(|path| read(path, literals))).collect()
}

#[test]
fn no_text_has_a_word_to_avoid() {
    let style = std::fs::read_to_string(repository().join("docs/style.md")).unwrap();
    let words = avoided(&style);
    assert!(words.len() > 20, "{words:?}");
    let mut faults = Vec::new();
    for (path, found) in texts() {
        let name = path
            .strip_prefix(repository())
            .unwrap()
            .display()
            .to_string();
        for (line, text) in found {
            let hits = words.iter().filter(|words| stands_in(&text, words));
            faults.extend(hits.map(|words| format!("{name}:{line}: \"{words}\"")));
        }
    }
    // A phrase at the beginning of a line is seen from the line before too.
    faults.dedup();
    assert!(faults.is_empty(), "words to avoid:\n{}", faults.join("\n"));
}

#[test]
fn words_are_found_where_they_stand_alone() {
    for (text, words, expected) in [
        ("lost for ever.", "for ever", true),
        ("For ever", "for ever", true),
        ("for everybody", "for ever", false),
        ("recommended", "mend", false),
        ("it may kms:Decrypt", "may kms:", true),
        ("KeyVanished", "vanished", false),
    ] {
        assert_eq!(stands_in(text, words), expected, "{text}");
    }
}

#[test]
fn literals_are_found_without_comments_and_as_they_are_shown() {
    let source = "// \"no\"\nlet a = \"one \\\n    two\"; /// \"no\"\nlet b = '\"'; let c = r#\"th\"ree\"#; // x\n\"a\\\"b\"";
    let expected = [(2, "one two"), (4, "th\"ree"), (5, "a\\\"b")];
    let found = literals(source);
    let found: Vec<_> = found
        .iter()
        .map(|(line, text)| (*line, text.as_str()))
        .collect();
    assert_eq!(found, expected);
}
