//! What may be shown of an event that cannot be read: nobody knows what is in it, but where the secrets of others stand is
//! known.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::arn::KeyArn;
use crate::text::Untrusted;

/// A value that is not shown.
const HIDDEN: &str = "…";
/// Part of the name of every member with an encryption context, in small letters: `encryptionContext`,
/// `sourceEncryptionContext`, `encryptionContextSubset`, … Its values are the callers' own data (KMS Developer Guide,
/// encryption context).
const CONTEXT: &str = "encryptioncontext";
/// How often JSON may stand in a text within JSON.
const DEEPEST: u8 = 6;

/// The event without the values of encryption contexts.
pub(super) fn without_contexts(body: &Value) -> Value {
    shown(body, DEEPEST)
}

fn shown(value: &Value, depth: u8) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let value = if is_context(name) {
                    hidden(value)
                } else {
                    shown(value, depth)
                };
                (name.clone(), value)
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|item| shown(item, depth)).collect(),
        Value::String(text) => Value::String(shown_text(text, depth).into_owned()),
        scalar => scalar.clone(),
    }
}

/// A text may be an event itself, as in a message of a queue.
fn shown_text(text: &str, depth: u8) -> Cow<'_, str> {
    let nested = || serde_json::from_str::<Value>(text).ok();
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    match (is_json, depth.checked_sub(1)) {
        (true, Some(depth)) => {
            if let Some(nested) = nested() {
                return shown(&nested, depth).to_string().into();
            }
        }
        (true, None) => return HIDDEN.into(),
        (false, _) => {}
    }
    // No JSON, or half of it: nobody can say where the values end. Small letters of ASCII, so that places stay.
    match text.to_ascii_lowercase().find(CONTEXT) {
        Some(place) => format!("{}{HIDDEN}", &text[..place + CONTEXT.len()]).into(),
        None => text.into(),
    }
}

/// Most keys that are found in an event.
const KEYS: usize = 20;

/// The keys that an event names anywhere, by ARN or by id: each once.
pub(super) fn keys_in(body: &Value) -> Vec<Untrusted> {
    let mut found = Keys::default();
    found.collect("", body, DEEPEST);
    let Keys { arns, mut ids } = found;
    ids.retain(|id| arns.iter().all(|arn| !arn.ends_with(id.as_str())));
    let all = arns.iter().chain(&ids).take(KEYS);
    all.map(|key| Untrusted::new(key)).collect()
}

#[derive(Default)]
struct Keys {
    arns: Vec<String>,
    ids: Vec<String>,
}

impl Keys {
    /// Looks at the value of the member `name`.
    fn collect(&mut self, name: &str, value: &Value, depth: u8) {
        match value {
            Value::Object(members) => members
                .iter()
                .for_each(|(name, value)| self.collect(name, value, depth)),
            Value::Array(items) => items
                .iter()
                .for_each(|value| self.collect(name, value, depth)),
            Value::String(text) => {
                let is_json = text.trim_start().starts_with(['{', '[']);
                let nested = depth.checked_sub(1).filter(|_| is_json);
                let nested = nested.and_then(|depth| {
                    let value: Value = serde_json::from_str(text).ok()?;
                    Some((value, depth))
                });
                match nested {
                    Some((value, depth)) => self.collect(name, &value, depth),
                    None => self.words(name, text),
                }
            }
            _ => {}
        }
    }

    fn words(&mut self, name: &str, text: &str) {
        let is_of_key = name.to_ascii_lowercase().contains("key");
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '-');
        for word in text.split(|c| !is_part(c)) {
            let (list, key) = match (word.parse::<KeyArn>(), word.strip_prefix("key/")) {
                (Ok(_), _) => (&mut self.arns, word),
                (_, Some(id)) if is_uuid(id) => (&mut self.ids, id),
                // Events and requests have ids of the same form.
                _ if is_of_key && is_uuid(word) || is_multi_region(word) => (&mut self.ids, word),
                _ => continue,
            };
            if list.len() < KEYS && list.iter().all(|known| known != key) {
                list.push(key.to_owned());
            }
        }
    }
}

/// Ids as KMS makes them (KMS Developer Guide, key identifiers).
fn is_uuid(word: &str) -> bool {
    let parts: Vec<_> = word.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == lengths.len()
        && parts
            .iter()
            .zip(lengths)
            .all(|(part, len)| is_hex(part, len))
}

fn is_multi_region(word: &str) -> bool {
    word.strip_prefix("mrk-").is_some_and(|id| is_hex(id, 32))
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_context(name: &str) -> bool {
    name.to_ascii_lowercase().contains(CONTEXT)
}

/// Names stay: they say what it is about.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .keys()
            .map(|name| (name.clone(), HIDDEN.into()))
            .collect::<Map<_, _>>()
            .into(),
        _ => HIDDEN.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_an_encryption_context_are_not_shown_wherever_it_stands() {
        let context = json!({"patient": "SECRET", "SECRET-NAME": {"deep": "SECRET"}});
        let record = json!({"requestParameters": {"encryptionContext": context, "keyId": "k"}});
        let half = record.to_string();
        let half = &half[..half.len() - 4];
        for body in [
            record.clone(),
            json!({"Records": [{"body": record.to_string()}]}),
            json!({"Records": [{"body": json!({"body": record.to_string()}).to_string()}]}),
            json!({"sourceEncryptionContext": "SECRET", "EncryptionContextSubset": ["SECRET"]}),
            json!([{"constraints": {"encryptionContextEquals": {"a": "SECRET"}}}]),
            json!({"body": half}),
            json!(half),
            json!({"message": "called with encryptionContext={a=SECRET}"}),
        ] {
            let shown = without_contexts(&body).to_string();
            assert!(
                !shown.replace("SECRET-NAME", "").contains("SECRET"),
                "{shown}"
            );
        }
        let shown = without_contexts(&record);
        assert_eq!(shown["requestParameters"]["keyId"], "k");
        assert!(shown.to_string().contains("patient"));
    }

    #[test]
    fn keys_are_found_wherever_they_stand_and_ids_of_events_are_none() {
        let uuid = |n: u32| format!("5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a{n:03}");
        let arn = format!("arn:aws:kms:us-east-1:111122223333:key/{}", uuid(1));
        let mrk = format!("mrk-{}", "0a".repeat(16));
        let body = json!({
            "id": uuid(900), "eventID": uuid(901), "resources": [arn],
            "detail": {"requestParameters": {"keyId": uuid(2), "targetKeyId": uuid(1)},
                       "errorMessage": format!("{arn} is pending; see key/{}, and {mrk}.", uuid(3)),
                       "body": json!({"detail": {"key-id": uuid(4), "eventID": uuid(902)}}).to_string()},
            "encryptionContext": {"keyId": uuid(5)},
        });
        let found = keys_in(&without_contexts(&body));
        let mut found: Vec<_> = found.iter().map(Untrusted::as_str).collect();
        found.sort_unstable();
        let mut expected = vec![arn, mrk, uuid(2), uuid(3), uuid(4)];
        expected.sort_unstable();
        assert_eq!(found, expected);
        let many = json!({"keyId": (0..99).map(uuid).collect::<Vec<_>>()});
        assert_eq!(keys_in(&many).len(), KEYS);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_what_has_no_context_stays(text in ".{0,80}") {
            let body = json!({"a": text, "b": [text]});
            let shown = without_contexts(&body);
            if serde_json::from_str::<Value>(&text).is_err() && !is_context(&text) {
                prop_assert_eq!(shown, body);
            }
        }
    }
}
