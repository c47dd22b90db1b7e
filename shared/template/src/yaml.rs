//! YAML with CloudFormation's short forms.

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Value, json};

/// YAML with CloudFormation's short forms (`!Ref`, `!GetAtt`, …), which become their long forms (`Fn::GetAtt`).
///
/// # Panics
///
/// If it is no YAML, or uses anchors, which CloudFormation does not know.
pub fn read_yaml(text: &str) -> Value {
    let mut events = Parser::new_from_str(text).map(|event| event.expect("YAML").0);
    loop {
        match events.next().expect("a document") {
            Event::StreamStart | Event::DocumentStart(_) => {}
            first => return node(first, &mut events),
        }
    }
}

fn node<'a>(first: Event<'a>, rest: &mut impl Iterator<Item = Event<'a>>) -> Value {
    match first {
        Event::Scalar(text, style, 0, tag) => {
            let value = if style == ScalarStyle::Plain && tag.is_none() {
                plain(&text)
            } else {
                Value::String(text.into_owned())
            };
            tagged(tag.as_deref(), value)
        }
        Event::SequenceStart(0, tag) => {
            let mut items = Vec::new();
            loop {
                match rest.next().expect("the end of a sequence") {
                    Event::SequenceEnd => return tagged(tag.as_deref(), Value::Array(items)),
                    item => items.push(node(item, rest)),
                }
            }
        }
        Event::MappingStart(0, tag) => {
            let mut members = Map::new();
            loop {
                match rest.next().expect("the end of a mapping") {
                    Event::MappingEnd => return tagged(tag.as_deref(), Value::Object(members)),
                    Event::Scalar(key, ..) => {
                        let value = rest.next().expect("a value");
                        let before = members.insert(key.to_string(), node(value, rest));
                        assert!(before.is_none(), "{key} is there twice");
                    }
                    other => panic!("a key is a scalar, not {other:?}"),
                }
            }
        }
        other => panic!("{other:?} in CloudFormation"),
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => true.into(),
        "false" => false.into(),
        _ => text
            .parse::<i64>()
            .map_or_else(|_| text.into(), Value::from),
    }
}

fn tagged(tag: Option<&Tag>, value: Value) -> Value {
    let Some(tag) = tag else {
        return value;
    };
    match (tag.suffix.as_str(), value) {
        (name @ ("Ref" | "Condition"), value) => json!({ name: value }),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').expect("resource.attribute");
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        (name, value) => json!({ format!("Fn::{name}"): value }),
    }
}
