//! What holds of every message, whatever the event and KMS say.

use serde_json::Value;
use watch_core::ports::Message;
use watch_core::render::{MESSAGE_LIMIT, SUBJECT_LIMIT};

use crate::Verdict;
use crate::world::name;

/// Longest value of an attribute that a tag can fill, in characters.
const ATTRIBUTE_LIMIT: usize = 256;

/// Checks all that was published, and that all alerts are as the schema says.
///
/// # Errors
///
/// What does not hold.
pub fn check(messages: &[Message]) -> Verdict {
    messages.iter().try_for_each(|message| {
        let checked = common(message).and_then(|()| match name(message) {
            "people" => mail(message),
            "chat" => chat(&message.body),
            _ => feed(&message.body),
        });
        checked.map_err(|problem| {
            format!(
                "{}: {problem}\nsubject: {:?}\n{}",
                name(message),
                message.subject,
                message.body
            )
        })
    })
}

fn ensure(holds: bool, problem: &str) -> Verdict {
    holds.then_some(()).ok_or_else(|| problem.to_owned())
}

/// Limits of SNS (API Reference, Publish), and of the filter policies that read attributes.
fn common(message: &Message) -> Verdict {
    let attributes: usize = message
        .attributes
        .iter()
        .map(|(name, value)| {
            let values = value.values().iter().map(|value| value.len() + 3);
            name.len() + values.sum::<usize>() + "String.Array".len()
        })
        .sum();
    ensure(!message.body.is_empty(), "the body is empty")?;
    ensure(
        message.body.len() + attributes <= MESSAGE_LIMIT,
        "larger than SNS allows",
    )?;
    ensure(
        message.attributes.len() <= 10,
        "more attributes than raw delivery to SQS allows",
    )?;
    let values = message
        .attributes
        .iter()
        .flat_map(|(name, value)| value.values().iter().map(move |value| (name, value)));
    for (name, value) in values {
        let fits = !value.is_empty()
            && value.chars().count() <= ATTRIBUTE_LIMIT
            && value
                .chars()
                .all(|c| c.len_utf16() == 1 && !is_deceptive(c));
        ensure(fits, &format!("the attribute {name} is {value:?}"))?;
    }
    let Some(subject) = &message.subject else {
        return Ok(());
    };
    ensure(
        !subject.is_empty() && subject.chars().count() <= SUBJECT_LIMIT,
        "length of the subject",
    )?;
    ensure(
        !subject.chars().any(is_deceptive),
        "a control character in the subject",
    )?;
    ensure(
        !leads_away(subject) && !names_a_host(subject),
        "a link in the subject",
    )
}

/// Control characters, and those that change the direction of what is read.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Names of files in commands of ours, which no mail reader takes for a link.
const FILES: [&str; 4] = [
    "file://credential.json",
    "fileb://EncryptedKeyMaterial.bin",
    "fileb://ImportToken.bin",
    "file://key-policy.json",
];

/// The URL of a queue, which `aws sqs` wants in place of a name: a host of AWS's, and nothing odd after it.
fn is_queue(word: &str) -> bool {
    let value = word.rsplit_once('=').map_or(word, |(_, value)| value);
    let rest = value.strip_prefix("https://sqs.");
    rest.and_then(|rest| rest.split_once('/'))
        .is_some_and(|(host, path)| {
            let plain =
                |more: &'static [u8]| move |b: u8| b.is_ascii_alphanumeric() || more.contains(&b);
            [".amazonaws.com", ".amazonaws.com.cn"]
                .iter()
                .any(|end| host.ends_with(end))
                && host.bytes().all(plain(b"-."))
                && path.bytes().all(plain(b"-_/."))
        })
}

fn leads_away(text: &str) -> bool {
    let words = text.split(' ');
    let words = words.filter(|word| !FILES.contains(word) && !is_queue(word));
    let mut words = words.map(str::to_ascii_lowercase);
    let is_host = |rest: &str| rest.starts_with(|c: char| c.is_alphanumeric());
    words.any(|word| word.contains("://") || word.split("www.").skip(1).any(is_host))
}

/// Names of files that our own sentences give.
const OWN_NAMES: [&str; 2] = ["key-policy.json", "template.yaml"];

/// Something that a reader could take for a host or a mailbox, with no scheme before it.
fn names_a_host(text: &str) -> bool {
    text.split(' ').any(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        let is_service = word
            .strip_suffix(".cn")
            .unwrap_or(word)
            .strip_suffix(".amazonaws.com")
            .is_some_and(|name| !name.contains('.'));
        if word.starts_with("arn:aws") || OWN_NAMES.contains(&word) || is_service {
            return false;
        }
        let letters: Vec<char> = word.chars().collect();
        let is_dotted = |three: &[char]| {
            three[0].is_alphanumeric() && three[1] == '.' && three[2].is_alphabetic()
        };
        word.contains('@') || letters.windows(3).any(is_dotted)
    })
}

/// A line with a command of ours, which is as it must be pasted.
fn is_command(line: &str) -> bool {
    line.trim_start().starts_with("aws ")
}

fn mail(message: &Message) -> Verdict {
    ensure(message.subject.is_some(), "no subject")?;
    message.body.lines().try_for_each(|line| {
        ensure(
            !line.chars().any(is_deceptive),
            &format!("a control character in {line:?}"),
        )?;
        ensure(
            !leads_away(line) || is_own_link(line),
            &format!("a link in {line:?}"),
        )?;
        ensure(
            !names_a_host(line) || is_own_link(line) || is_command(line),
            &format!("a host in {line:?}"),
        )
    })?;
    // What begins a line is ours: the title, a heading, the rule, the signature.
    let title = message.body.lines().position(str::is_empty);
    let mut below = message.body.lines().skip(title.unwrap_or_default());
    let is_ours = |line: &str| {
        let is_heading = line
            .chars()
            .all(|c| c.is_ascii_uppercase() || " 0123456789".contains(c));
        let starts = ["  ", "--", "KMS Watch, ", "(shortened"];
        is_heading || starts.iter().any(|start| line.starts_with(start))
    };
    below.try_for_each(|line| ensure(is_ours(line), &format!("no line of ours: {line:?}")))
}

/// A link that we make ourselves, to a console of AWS, and nothing after it.
fn is_own_link(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    let (Some("Console" | "CloudTrail" | "Alarm"), Some(link), None) =
        (words.next(), words.next(), words.next())
    else {
        return false;
    };
    let host = link
        .strip_prefix("https://")
        .and_then(|rest| rest.split_once('/'));
    let consoles = [
        "console.aws.amazon.com",
        "console.amazonaws.cn",
        "console.amazonaws-us-gov.com",
    ];
    host.is_some_and(|(host, path)| {
        consoles
            .iter()
            .any(|console| host == *console || host.ends_with(&format!(".{console}")))
            && !path.contains("://")
    })
}

/// A custom notification (Amazon Q Developer in chat applications Administrator Guide), and no markup but ours.
fn chat(body: &str) -> Verdict {
    let json = serde_json::from_str::<Value>(body).map_err(|error| error.to_string())?;
    strings(&json, &mut |text| {
        ensure(
            !text.chars().any(|c| c != '\n' && is_deceptive(c)),
            &format!("a control character in {text:?}"),
        )
    })?;
    ensure(
        json["version"] == "1.0" && json["source"] == "custom",
        "no custom notification",
    )?;
    let content = &json["content"];
    ensure(content["textType"] == "client-markdown", "textType")?;
    let length = |value: &Value| {
        value
            .as_str()
            .map_or(usize::MAX, |text| text.chars().count())
    };
    ensure(
        (1..=250).contains(&length(&content["title"])),
        "length of the title",
    )?;
    ensure(
        (1..=8_000).contains(&length(&content["description"])),
        "length of the description",
    )?;
    for (list, limit) in [("nextSteps", 350), ("keywords", 75)] {
        let all = content[list]
            .as_array()
            .ok_or_else(|| format!("no {list}"))?;
        ensure(
            all.iter().all(|one| (1..=limit).contains(&length(one))),
            &format!("length of one of {list}"),
        )?;
    }
    ensure(
        json["metadata"]["threadId"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "no thread",
    )?;
    strings(content, &mut |text| {
        ensure(!text.contains(['<', '>']), &format!("markup in {text:?}"))?;
        ensure(
            text.matches('`').count() % 2 == 0,
            &format!("a code span stays open in {text:?}"),
        )?;
        // Outside code.
        let mut words = text
            .split('`')
            .step_by(2)
            .flat_map(str::split_ascii_whitespace);
        ensure(
            !words.any(|word| !word.starts_with("https://") && names_a_host(word)),
            &format!("a host outside code in {text:?}"),
        )
    })
}

fn feed(body: &str) -> Verdict {
    let json = serde_json::from_str::<Value>(body).map_err(|error| error.to_string())?;
    strings(&json, &mut |text| {
        ensure(
            !text.chars().any(is_deceptive),
            &format!("a control character in {text:?}"),
        )
    })?;
    schema(&json)
}

#[cfg(feature = "targets")]
fn schema(alert: &Value) -> Verdict {
    use std::sync::OnceLock;
    static SCHEMA: OnceLock<Result<jsonschema::Validator, String>> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let schema = watch_core::schema::closed_alert_schema();
        jsonschema::validator_for(&schema).map_err(|error| error.to_string())
    });
    let schema = schema.as_ref().map_err(String::clone)?;
    schema
        .validate(alert)
        .map_err(|error| format!("not as the schema says: {error}"))
}

#[cfg(not(feature = "targets"))]
fn schema(_: &Value) -> Verdict {
    Ok(())
}

/// Every string of a JSON value, the names of members included.
fn strings(value: &Value, check: &mut impl FnMut(&str) -> Verdict) -> Verdict {
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(|item| strings(item, check)),
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check(name)?;
            strings(value, check)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}
