//! What may be shown of an event that cannot be read: nobody knows what is in it, but where the secrets of others stand is
//! known.

use std::borrow::Cow;

use serde_json::{Map, Value};

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
