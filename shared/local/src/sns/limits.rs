//! What `Publish` refuses (SNS API Reference, `Publish`; SNS Developer Guide, "Message attributes").
//!
//! Where the documentation has changed its mind, the stricter version is enforced, so that a publisher who passes
//! here passes there.

use std::{collections::BTreeMap, fmt};

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::message::Attribute;

/// Body and attributes together, in bytes.
const MAX_MESSAGE_BYTES: usize = 262_144;

/// "Must be fewer than 100 characters long."
const MAX_SUBJECT_CHARACTERS: usize = 99;

/// More break raw delivery to SQS, where SNS discards the message. Real SNS accepts them; this one does not.
const MAX_ATTRIBUTES: usize = 10;

const MAX_ATTRIBUTE_NAME: usize = 256;

/// Why a message is refused: the text after "Invalid parameter: ".
pub(super) type Refusal = String;

pub(super) fn check(
    subject: Option<&str>,
    message: &str,
    structure: Option<&str>,
    attributes: &BTreeMap<String, Attribute>,
) -> Result<(), Refusal> {
    if message.is_empty() {
        return Err("Empty message".to_owned());
    }
    let size: usize = attributes
        .iter()
        .map(|(name, attribute)| name.len() + attribute.data_type.len() + attribute.value.len())
        .sum();
    if message.len() + size > MAX_MESSAGE_BYTES {
        return Err("Message too long".to_owned());
    }
    if let Some(subject) = subject {
        check_subject(subject)?;
    }
    match structure {
        None => {}
        Some("json") => check_structure(message)?,
        Some(_) => return Err("MessageStructure Reason: Unsupported value".to_owned()),
    }
    if attributes.len() > MAX_ATTRIBUTES {
        return Err(format!(
            "MessageAttributes Reason: more than {MAX_ATTRIBUTES} attributes"
        ));
    }
    attributes.iter().try_for_each(|(name, attribute)| {
        check_attribute(name, attribute).map_err(|why| {
            format!("MessageAttributes Reason: The message attribute '{name}' {why}")
        })
    })
}

/// UTF-8 without line breaks and control characters; by older documentation it also has to begin with an ASCII
/// letter, number or punctuation mark.
fn check_subject(subject: &str) -> Result<(), Refusal> {
    let begins_well =
        subject.starts_with(|c: char| c.is_ascii_alphanumeric() || c.is_ascii_punctuation());
    let fits = subject.chars().count() <= MAX_SUBJECT_CHARACTERS;
    let clean = !subject
        .chars()
        .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}'));
    if begins_well && fits && clean {
        Ok(())
    } else {
        Err("Subject".to_owned())
    }
}

fn check_attribute(name: &str, attribute: &Attribute) -> Result<(), Refusal> {
    let lower = name.to_ascii_lowercase();
    let name_is_valid = (1..=MAX_ATTRIBUTE_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if !name_is_valid {
        return Err("has an invalid name.".to_owned());
    }
    if attribute.value.is_empty() {
        return Err("must contain a non-empty message attribute value.".to_owned());
    }
    let base = attribute.data_type.split('.').next().unwrap_or_default();
    match (attribute.data_type.as_str(), base) {
        ("String.Array", _) => {
            let is_array =
                serde_json::from_str::<Value>(&attribute.value).is_ok_and(|v| v.is_array());
            if !is_array {
                return Err("must be a JSON array.".to_owned());
            }
        }
        (_, "Number") => {
            if attribute
                .value
                .parse::<f64>()
                .map_or(true, |number| !number.is_finite())
            {
                return Err("must be a number.".to_owned());
            }
        }
        (_, "String" | "Binary") => {}
        _ => return Err("has an invalid message attribute type.".to_owned()),
    }
    // Characters beyond the Basic Multilingual Plane take a surrogate pair in UTF-16.
    if attribute.value.chars().any(|c| u32::from(c) > 0xffff) {
        return Err("contains an invalid character.".to_owned());
    }
    Ok(())
}

/// A JSON object with a text for `default`; the texts of other protocols are optional, and what is no text is ignored.
fn check_structure(message: &str) -> Result<(), Refusal> {
    let bodies: Bodies = serde_json::from_str(message)
        .map_err(|_| "Message Structure - JSON message body failed to parse".to_owned())?;
    if bodies.duplicate {
        return Err("Message Structure - Duplicate entries in JSON message body".to_owned());
    }
    if !bodies.has_default {
        return Err("Message Structure - No default entry in JSON message body".to_owned());
    }
    Ok(())
}

/// `serde_json::Value` keeps the last of two equal keys; this looks at all of them.
struct Bodies {
    has_default: bool,
    duplicate: bool,
}

impl<'de> Deserialize<'de> for Bodies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Bodies;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bodies, A::Error> {
                let mut seen = Vec::new();
                let mut bodies = Bodies {
                    has_default: false,
                    duplicate: false,
                };
                while let Some(name) = map.next_key::<String>()? {
                    if name == "default" {
                        bodies.has_default |= map.next_value::<Value>()?.is_string();
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                    bodies.duplicate |= seen.contains(&name);
                    seen.push(name);
                }
                Ok(bodies)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(list: &[(&str, &str, &str)]) -> BTreeMap<String, Attribute> {
        list.iter()
            .map(|(name, data_type, value)| {
                let attribute = Attribute {
                    data_type: (*data_type).to_owned(),
                    value: (*value).to_owned(),
                };
                ((*name).to_owned(), attribute)
            })
            .collect()
    }

    fn plain(subject: Option<&str>, message: &str) -> Result<(), Refusal> {
        check(subject, message, None, &BTreeMap::new())
    }

    #[test]
    fn the_size_counts_bytes_of_body_and_attributes() {
        let body = "x".repeat(MAX_MESSAGE_BYTES);
        assert_eq!(plain(None, &body), Ok(()));
        assert_eq!(
            plain(None, &format!("{body}x")),
            Err("Message too long".to_owned())
        );
        // 262,143 bytes in two-byte characters would be half as many characters.
        assert!(plain(None, &"é".repeat(MAX_MESSAGE_BYTES / 2 + 1)).is_err());
        let with = attributes(&[("a", "String", "v")]);
        let fits = &body[..MAX_MESSAGE_BYTES - 8];
        assert_eq!(check(None, fits, None, &with), Ok(()));
        assert!(check(None, &body[..MAX_MESSAGE_BYTES - 7], None, &with).is_err());
    }

    #[test]
    fn subjects_have_99_characters_and_no_line_breaks() {
        assert_eq!(plain(Some(&"s".repeat(99)), "m"), Ok(()));
        assert_eq!(plain(Some(&format!("s{}", "é".repeat(98))), "m"), Ok(()));
        for bad in [
            "",
            &"s".repeat(100),
            "two\nlines",
            "tab\there",
            " leading",
            "🔑 key",
            "a\u{2028}b",
        ] {
            assert_eq!(plain(Some(bad), "m"), Err("Subject".to_owned()), "{bad:?}");
        }
    }

    #[test]
    fn attributes_have_names_types_and_values() {
        let good = attributes(&[
            ("kind", "String", "scheduled — ok"),
            ("accounts", "String.Array", r#"["1","2"]"#),
            ("severity", "Number", "40"),
            ("blob", "Binary", "AAEC"),
            ("custom", "String.color", "red"),
        ]);
        assert_eq!(check(None, "m", None, &good), Ok(()));
        for bad in [
            ("AWS.x", "String", "v"),
            ("amazon.x", "String", "v"),
            (".x", "String", "v"),
            ("with space", "String", "v"),
            ("x", "String", ""),
            ("x", "String", "🔑"),
            ("x", "String.Array", "a,b"),
            ("x", "Number", "many"),
            ("x", "Text", "v"),
        ] {
            assert!(
                check(None, "m", None, &attributes(&[bad])).is_err(),
                "{bad:?}"
            );
        }
    }

    #[test]
    fn ten_attributes_are_enough() {
        let many = |count: usize| -> BTreeMap<_, _> {
            let names: Vec<String> = (0..count).map(|n| format!("a{n}")).collect();
            attributes(
                &names
                    .iter()
                    .map(|n| (n.as_str(), "String", "v"))
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(check(None, "m", None, &many(10)), Ok(()));
        assert!(check(None, "m", None, &many(11)).is_err());
    }

    #[test]
    fn the_json_structure_needs_one_default() {
        let json = |message: &str| check(None, message, Some("json"), &BTreeMap::new());
        assert_eq!(
            json(r#"{"default":"d","email":"e","sqs":{"ignored":1}}"#),
            Ok(())
        );
        for bad in [
            r#"{"email":"e"}"#,
            r#"{"default":{"a":1}}"#,
            r#"{"default":"d","default":"e"}"#,
            r#"["default"]"#,
            "not json",
        ] {
            assert!(json(bad).is_err(), "{bad}");
        }
        assert!(check(None, "{}", Some("xml"), &BTreeMap::new()).is_err());
        assert!(plain(None, "").is_err());
    }
}
