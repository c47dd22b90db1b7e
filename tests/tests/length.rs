//! How long what people and chat receive may be, and what stands where, in every snapshot of `events.rs`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use serde_json::Value;

/// Lines above the rule, which carry all: what happened, until when, who, whose, what to do, where to look.
const HEAD: usize = 15;
/// Lines of a usual mail.
const MAIL: usize = 30;
/// Lines of a usual message in chat: title, description, next steps.
const CHAT: usize = 10;

/// Kinds that carry lists of their own, and what they may take in mail and in chat.
const LISTS: [(&str, usize, usize); 7] = [
    ("Burst", 240, 14),
    ("InventoryDigest", 45, 16),
    // What changed, one line for each statement, of a policy of any size.
    ("KeyPolicyChanged", 60, 14),
    ("KeyAccessDrifted", 60, 14),
    // What its alarm is described as, and the steps of an import.
    ("KeyMaterialExpiring", 36, 10),
    // The names of the encryption context, and who still needs the key.
    ("UnusableKeyUsed", 32, 10),
    // The beginning of the event, of up to 1,024 characters.
    ("UnreadableEvent", 45, 10),
];

struct Snapshot {
    name: String,
    subject: String,
    mail: Vec<String>,
    chat: Value,
    alert: Value,
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0)
}

/// The snapshots with an alert, read as a person would.
fn snapshots() -> Vec<Snapshot> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let mut snapshots = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let Some(mail) = between(&text, "\n=== people ===\n", "\n=== chat ===\n") else {
            continue;
        };
        let chat = between(&text, "\n=== chat ===\n", "\n=== feed ===\n").unwrap();
        let feed = between(&text, "\n=== feed ===\n", "\n=== attributes ===\n").unwrap();
        let (subject, body) = mail.split_once("\n\n").unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        snapshots.push(Snapshot {
            name: name.rsplit('@').next().unwrap().to_owned(),
            subject: subject.strip_prefix("Subject: ").unwrap().to_owned(),
            mail: body.trim_end().lines().map(str::to_owned).collect(),
            chat: serde_json::from_str(chat).unwrap(),
            alert: serde_json::from_str(feed).unwrap(),
        });
    }
    assert!(snapshots.len() > 100, "{}", snapshots.len());
    snapshots
}

impl Snapshot {
    fn bounds(&self) -> (usize, usize) {
        let kind = self.alert["kind"].as_str().unwrap();
        let lists = LISTS.iter().find(|(name, ..)| *name == kind);
        let (mail, chat) = lists.map_or((MAIL, CHAT), |(_, mail, chat)| (*mail, *chat));
        // Names as long as AWS takes them, wherever one may stand.
        let hostile = if self.name.contains("hostile") { 3 } else { 0 };
        // Who depends on the key: a heading and six lines; in chat one.
        let (list, line) = match self.alert["dependants"].is_object() {
            true => (7, 1),
            false => (0, 0),
        };
        (mail + hostile + list, chat + line)
    }
}

#[test]
fn a_usual_mail_and_a_usual_message_in_chat_are_short() {
    let mut too_long = Vec::new();
    for snapshot in snapshots() {
        let (mail, chat) = snapshot.bounds();
        let content = &snapshot.chat["content"];
        let description = content["description"].as_str().unwrap().lines().count();
        let in_chat = 1 + description + content["nextSteps"].as_array().unwrap().len();
        if snapshot.mail.len() > mail || in_chat > chat {
            too_long.push((snapshot.name, snapshot.mail.len(), in_chat));
        }
    }
    assert!(too_long.is_empty(), "{too_long:#?}");
}

#[test]
fn the_first_lines_carry_all() {
    for Snapshot {
        name, mail, alert, ..
    } in snapshots()
    {
        let rule = mail.iter().position(|line| line.starts_with("----"));
        let head = &mail[..rule.unwrap()];
        assert!(head.len() <= HEAD, "{name}: {}", head.len());
        let has = |start: &str| head.iter().any(|line| line.trim_start().starts_with(start));
        assert!(has("By ") || has("At "), "{name} says not when it happened");
        let steps = alert["nextSteps"].as_array().unwrap();
        let command = steps.first().and_then(|step| step["command"].as_str());
        assert!(command.is_none_or(has), "{name} lacks its command");
        let link = alert["links"]["key"].as_str();
        assert!(link.is_none() || has("Console "), "{name} lacks its link");
        let owner = &alert["key"]["owner"];
        assert!(owner.is_null() || has("Owner "), "{name} lacks the owner");
        let until = &alert["undoUntil"];
        assert!(
            until.is_null() || has("Until "),
            "{name} lacks the deadline"
        );
    }
}

#[test]
fn a_subject_has_account_and_region_and_no_long_id() {
    for Snapshot {
        name,
        subject,
        alert,
        ..
    } in snapshots()
    {
        assert!(subject.chars().count() <= 100, "{name}");
        assert!(
            subject.starts_with(alert["severity"].as_str().unwrap()),
            "{name}"
        );
        if let (Some(account), Some(region)) = (alert["account"].as_str(), alert["region"].as_str())
        {
            let place = format!(" [{account} {region}]");
            assert!(subject.ends_with(&place), "{name}: {subject}");
        }
        let id = alert["key"]["id"].as_str().filter(|id| id.len() > 30);
        assert!(
            !id.is_some_and(|id| subject.contains(id)),
            "{name}: {subject}"
        );
    }
}

/// What begins a line is ours: a heading, the title, the rule, the signature. All else is indented.
#[test]
fn no_value_begins_a_line() {
    for Snapshot { name, mail, .. } in snapshots() {
        let body = mail.iter().enumerate().skip(1);
        // The title may take two lines.
        let title = mail.iter().position(String::is_empty).unwrap();
        for (_, line) in body.filter(|(at, _)| *at > title) {
            let is_ours = line.is_empty()
                || line.starts_with("  ")
                || line.starts_with("--")
                || line.starts_with("KMS Watch, ")
                || line
                    .chars()
                    .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
            assert!(is_ours, "{name}: {line}");
        }
    }
}
