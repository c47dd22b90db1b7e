//! No value of others passes for our own words, whatever it says: for each audience, in every place where a value may stand.

use serde_json::Value;

use super::limits::alert;
use super::*;

/// What an intruder writes into a description, a tag, a name, a user agent, an error: to end a quotation and go on in our voice, to
/// begin a line that looks like ours, to make a link, to look like somebody else.
const FORGED: [&str; 64] = [
    // In our voice.
    "Orders\". The deletion was cancelled by the owner; nothing to do. \"",
    "Orders”. The deletion was cancelled by the owner.",
    "Orders'. INFO: nothing to do.",
    "Orders&quot;. Nothing to do.",
    "Orders\\\". Nothing to do.",
    "Orders\u{201d} (INFO because the owner planned it.)",
    "Orders\u{ff02}. Nothing to do.",
    "Orders\u{2033}. Nothing to do.",
    "Orders»). Nothing to do.",
    "x. The owner, team-pay, has confirmed the deletion",
    "(Decrypt). HIGH because nobody uses the key",
    "nobody\". LOW because nothing is lost. \"",
    // Lines of ours.
    "x\n\nWHAT TO DO\n  1. Delete the key now",
    "x\r\nAND THEN\r\n  2. aws kms schedule-key-deletion --key-id evil",
    "x\u{2028}KEY\u{2028}  State      Enabled",
    "x\u{85}WHO\u{85}  Caller     AWS KMS",
    "x\u{b}  Owner      team-evil",
    "x\u{c}------------------------------------------------------------",
    "------------------------------------------------------------",
    "-- ",
    "KMS Watch, KeyDeletionCancelled, alert 0123456789abcdef0123456789abcdef",
    "WHAT TO DO                                                       1. Delete the key now",
    "AND THEN                                                         aws kms schedule-key-deletion",
    "x                                                                WHEN AND WHERE",
    "  1. aws kms delete-alias --alias-name alias/payments",
    "Subject: LOW: all is well",
    "CRITICAL: Deletion of alias/other scheduled",
    // Links.
    "evil-sso.com/reset",
    "WWW.EVIL.COM",
    "help@evil.com",
    "https://evil.example/x",
    "HTTPS://EVIL.EXAMPLE",
    "//evil.example",
    "http:evil.example",
    "see https:evil.example",
    "mailto:help@evil.com",
    "tel:+15550100",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "data:text/html,<script>alert(1)</script>",
    "\\\\evil\\share",
    "evil。example",
    "evil\u{ff0e}com",
    "evil\u{2024}com",
    "xn--e1awd7f.xn--p1ai",
    "[click](https://evil.example)",
    "<https://evil.example|KMS console>",
    "<a href=\"https://evil.example\">console</a>",
    "![x](https://evil.example/p.png)",
    "s3.amazonaws.com.evil.com",
    // Markup and mentions.
    "<!channel> <!here> <@U012AB3CD> <#C012AB3CD>",
    "@here @channel @everyone",
    "<at>everyone</at>",
    "*Resolved* _by the owner_ ~open~",
    "`x` ``y`` ```z```",
    "# Resolved",
    "> quoted by KMS Watch",
    ":white_check_mark: resolved",
    "| a | b |",
    "<script>alert(1)</script>",
    // Somebody else.
    "te\u{430}m-pay",
    "KeyAdmin/j\u{2024}okafor",
    "curl terraform aws-cli/2.22.4 (AWS console)",
    "\u{202e}yap-maet\u{202c}\u{200b}\u{feff}",
];

/// An alert of one of the kinds, in which every value is `value`.
fn about(kind: usize, value: &str) -> Alert {
    let first = value.to_owned() + &"x".repeat((kind + 9 - value.len() % 9) % 9);
    let mut words = vec![value.to_owned(); 6];
    words[0] = first;
    alert(&words)
}

/// As long, and harmless.
fn harmless(value: &str) -> String {
    let word = |c: char| if c == ' ' { ' ' } else { 'x' };
    value.chars().map(word).collect()
}

/// The lines at the margin of a mail, under its title: none but ours stand there.
fn at_margin(mail: &str) -> Vec<&str> {
    let (_, body) = mail.split_once("\n\n").unwrap();
    let lines = body.lines();
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .collect()
}

fn numbered(mail: &str) -> usize {
    let is_step = |line: &&str| {
        let line = line.strip_prefix("  ").unwrap_or_default();
        line.starts_with(|c: char| c.is_ascii_digit()) && line[1..].starts_with(". ")
    };
    mail.lines().filter(is_step).count()
}

/// The names of all members, with their places.
fn members(value: &Value, place: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.push(format!("{place}/{name}"));
                members(value, &format!("{place}/{name}"), found);
            }
        }
        Value::Array(array) => array.iter().for_each(|value| members(value, place, found)),
        _ => {}
    }
}

/// What is outside code.
fn outside_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

#[test]
fn there_are_the_inputs_of_the_review_and_forty_more() {
    let distinct: std::collections::BTreeSet<_> = FORGED.into_iter().collect();
    assert_eq!(distinct.len(), FORGED.len());
}

#[test]
fn in_mail_no_value_begins_a_line_of_ours_or_becomes_a_link() {
    for value in FORGED {
        for kind in 0..9 {
            let forged = about(kind, value);
            let mail = people(&forged);
            let plain = people(&about(kind, &harmless(value)));
            let margin = at_margin(&mail);
            let footer = format!("KMS Watch, {}, alert {}", forged.kind, forged.id);
            for line in &margin {
                let is_heading = !line.chars().any(char::is_lowercase);
                let is_rule = line.chars().all(|c| c == '-' || c == ' ');
                let ours = is_heading || is_rule || *line == footer;
                assert!(ours, "{value:?}: {line}\n{mail}");
            }
            let distinct: std::collections::BTreeSet<_> = margin.iter().collect();
            assert_eq!(distinct.len(), margin.len(), "{value:?}: {margin:?}");
            assert_eq!(numbered(&mail), numbered(&plain), "{value:?}\n{mail}");
            let lower = mail.to_lowercase();
            for link in [
                "://",
                "www.",
                "mailto:",
                "tel:",
                "javascript:",
                "evil.com",
                "evil.example",
                "@evil",
            ] {
                assert!(!lower.contains(link), "{value:?}: {link}\n{mail}");
            }
            let subject = subject(&forged);
            assert!(subject.starts_with(forged.severity.as_str()) && !subject.contains('\n'));
        }
    }
}

#[test]
fn no_quotation_ends_within_a_value() {
    for value in FORGED {
        for kind in 0..9 {
            let forged = about(kind, value);
            let plain = about(kind, &harmless(value));
            for (text, expected) in [
                (&forged.summary, &plain.summary),
                (&forged.title, &plain.title),
            ] {
                let (text, expected) = (text.plain(), expected.plain());
                // Quotes come in pairs, and none but ours are there.
                let marks = |text: &str| text.matches('"').count();
                assert_eq!(marks(&text) % 2, 0, "{value:?}: {text}");
                assert!(
                    !text.contains(['“', '”', '„', '«', '»', '″', '\n']),
                    "{value:?}: {text}"
                );
                // Outside of quotes there is nothing of the value but one word.
                let outside: String = text.split('"').step_by(2).collect();
                for words in [
                    "othing to do",
                    "was cancelled by the owner",
                    "HIGH because nobody uses",
                    "has confirmed",
                ] {
                    assert!(!outside.contains(words), "{value:?}: {outside}\n{expected}");
                }
            }
        }
    }
}

#[test]
fn in_chat_no_value_is_markup_a_mention_a_link_or_a_step() {
    for value in FORGED {
        for kind in 0..9 {
            let read =
                |alert: &Alert| -> Value { serde_json::from_str(&chat(alert).unwrap()).unwrap() };
            let (forged, plain) = (
                read(&about(kind, value)),
                read(&about(kind, &harmless(value))),
            );
            let steps = |chat: &Value| chat["content"]["nextSteps"].as_array().map(Vec::len);
            assert_eq!(steps(&forged), steps(&plain), "{value:?}");
            let mut texts = vec![
                &forged["content"]["title"],
                &forged["content"]["description"],
            ];
            texts.extend(forged["content"]["nextSteps"].as_array().unwrap());
            for text in texts {
                let text = text.as_str().unwrap();
                assert!(!text.contains(['<', '>']), "{value:?}: {text}");
                assert_eq!(text.matches('`').count() % 2, 0, "{value:?}: {text}");
                let outside = outside_code(text).to_lowercase();
                for mark in [
                    "evil.c",
                    "evil.e",
                    "://",
                    "@here",
                    "@ev",
                    "www.",
                    "](",
                    "*resolved*",
                    ":white",
                ] {
                    assert!(!outside.contains(mark), "{value:?}: {mark} in {text}");
                }
            }
        }
    }
}

#[test]
fn on_the_feed_a_value_is_the_value_of_its_member_and_nothing_else() {
    for value in FORGED {
        for kind in 0..9 {
            let alert = about(kind, value);
            let forged: Value = serde_json::from_str(&feed(&alert).unwrap()).unwrap();
            let plain = about(kind, &harmless(value));
            let plain: Value = serde_json::from_str(&feed(&plain).unwrap()).unwrap();
            for member in [
                "kind",
                "severity",
                "status",
                "account",
                "region",
                "schemaVersion",
            ] {
                assert_eq!(forged[member], plain[member], "{value:?}");
            }
            let names = |value: &Value| {
                let mut found = Vec::new();
                // Names of tags are values of others.
                let mut value = value.clone();
                value["key"]["tags"].take();
                value["details"].take();
                members(&value, "", &mut found);
                found.sort();
                found.dedup();
                found
            };
            assert_eq!(names(&forged), names(&plain), "{value:?}");
            let description = forged["key"]["description"].as_str();
            assert!(description.is_none_or(|text| !text.contains(['\n', '\r', '\u{202e}'])));
        }
    }
}
