//! Filter policies of subscriptions (SNS Developer Guide, "Amazon SNS subscription filter policies" and "Filter policy
//! constraints").

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use thiserror::Error;

use super::message::{Attribute, Published};

/// Keys of a policy: at the top for attributes, with values for bodies.
const MAX_KEYS: usize = 5;

/// The product of the numbers of values; for bodies, each times the depth of its key.
const MAX_COMBINATIONS: usize = 150;

const MAX_POLICY_BYTES: usize = 256 * 1024;

/// What a filter policy looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FilterScope {
    /// The attributes of the message.
    #[default]
    MessageAttributes,
    /// The body, which then has to be JSON.
    MessageBody,
}

/// Why a filter policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("FilterPolicy: {0}")]
pub struct FilterError(String);

fn refused<T>(why: impl Into<String>) -> Result<T, FilterError> {
    Err(FilterError(why.into()))
}

/// A policy that has been checked.
#[derive(Debug, Clone)]
pub(super) struct Filter {
    scope: FilterScope,
    keys: Vec<Key>,
}

/// One key with its alternatives.
#[derive(Debug, Clone)]
struct Key {
    path: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
enum Condition {
    Equals(Value),
    Prefix(String),
    Suffix(String),
    EqualsIgnoreCase(String),
    Numeric(Vec<(Comparison, f64)>),
    /// None of these.
    AnythingBut(Vec<Condition>),
    Exists(bool),
}

#[derive(Debug, Clone, Copy)]
enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl FilterScope {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "MessageAttributes" => Some(Self::MessageAttributes),
            "MessageBody" => Some(Self::MessageBody),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::MessageAttributes => "MessageAttributes",
            Self::MessageBody => "MessageBody",
        }
    }
}

impl Filter {
    pub(super) fn new(policy: &Value, scope: FilterScope) -> Result<Self, FilterError> {
        if policy.to_string().len() > MAX_POLICY_BYTES {
            return refused("policy is too large");
        }
        let Some(members) = policy.as_object() else {
            return refused("failed to parse JSON");
        };
        let mut keys = Vec::new();
        read_keys(members, &mut Vec::new(), scope, &mut keys)?;
        if keys.len() > MAX_KEYS {
            return refused("Filter policy can not have more than 5 keys");
        }
        let combinations: usize = keys
            .iter()
            .map(|key| key.conditions.len() * key.path.len())
            .product();
        if combinations > MAX_COMBINATIONS {
            return refused("Filter policy is too complex");
        }
        Ok(Self { scope, keys })
    }

    /// Whether the subscriber wants the message.
    pub(super) fn accepts(&self, message: &Published, body: &str) -> bool {
        let holder;
        let document = match self.scope {
            FilterScope::MessageAttributes => {
                holder = of_attributes(&message.attributes);
                &holder
            }
            FilterScope::MessageBody => match serde_json::from_str::<Value>(body) {
                Ok(value) => {
                    holder = value;
                    &holder
                }
                Err(_) => return false,
            },
        };
        self.keys.iter().all(|key| {
            let mut found = Vec::new();
            collect(document, &key.path, &mut found);
            key.conditions.iter().any(|condition| match condition {
                Condition::Exists(wanted) => found.is_empty() != *wanted,
                other => found.iter().any(|value| other.holds(value)),
            })
        })
    }
}

/// The attributes as the document that policies are matched with. Binary ones are invisible.
fn of_attributes(attributes: &BTreeMap<String, Attribute>) -> Value {
    let members = attributes.iter().filter_map(|(name, attribute)| {
        let base = attribute.data_type.split('.').next().unwrap_or_default();
        let value = match (attribute.data_type.as_str(), base) {
            ("String.Array", _) => serde_json::from_str(&attribute.value).ok()?,
            (_, "Number") => attribute.value.parse::<f64>().ok()?.into(),
            (_, "String") => attribute.value.as_str().into(),
            _ => return None,
        };
        Some((name.clone(), value))
    });
    Value::Object(members.collect())
}

/// Every value at the path; lists count as each of their items.
fn collect<'a>(value: &'a Value, path: &[String], found: &mut Vec<&'a Value>) {
    match (value, path) {
        (Value::Array(items), _) => items.iter().for_each(|item| collect(item, path, found)),
        (Value::Object(_), []) => {}
        (value, []) => found.push(value),
        (Value::Object(members), [first, rest @ ..]) => {
            if let Some(value) = members.get(first) {
                collect(value, rest, found);
            }
        }
        _ => {}
    }
}

fn read_keys(
    members: &Map<String, Value>,
    path: &mut Vec<String>,
    scope: FilterScope,
    keys: &mut Vec<Key>,
) -> Result<(), FilterError> {
    for (name, value) in members {
        path.push(name.clone());
        match value {
            Value::Array(alternatives) if !alternatives.is_empty() => keys.push(Key {
                path: path.clone(),
                conditions: alternatives
                    .iter()
                    .map(Condition::read)
                    .collect::<Result<_, _>>()?,
            }),
            Value::Object(nested) if scope == FilterScope::MessageBody && !nested.is_empty() => {
                read_keys(nested, path, scope, keys)?;
            }
            _ => return refused(format!("\"{name}\" must be an object or an array")),
        }
        path.pop();
    }
    Ok(())
}

impl Condition {
    fn read(value: &Value) -> Result<Self, FilterError> {
        let Value::Object(members) = value else {
            return if value.is_array() {
                refused("Match value must be String, number, true, false, or null")
            } else {
                Ok(Self::Equals(value.clone()))
            };
        };
        let mut members = members.iter();
        let (Some((operator, operand)), None) = (members.next(), members.next()) else {
            return refused("Only one key allowed in match expression");
        };
        let text = || match operand.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => refused(format!("{operator} match pattern must be a string")),
        };
        match operator.as_str() {
            "prefix" => Ok(Self::Prefix(text()?)),
            "suffix" => Ok(Self::Suffix(text()?)),
            "equals-ignore-case" => Ok(Self::EqualsIgnoreCase(text()?.to_lowercase())),
            "exists" => match operand.as_bool() {
                Some(wanted) => Ok(Self::Exists(wanted)),
                None => refused("exists match pattern must be either true or false."),
            },
            "numeric" => read_numeric(operand),
            "anything-but" => match operand {
                Value::Array(items) => items
                    .iter()
                    .map(Self::read)
                    .collect::<Result<_, _>>()
                    .map(Self::AnythingBut),
                one => Ok(Self::AnythingBut(vec![Self::read(one)?])),
            },
            other => refused(format!("Unrecognized match type {other}")),
        }
    }

    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::Equals(wanted) => match (wanted.as_f64(), value.as_f64()) {
                (Some(wanted), Some(value)) => wanted == value,
                _ => wanted == value,
            },
            Self::Prefix(prefix) => value.as_str().is_some_and(|text| text.starts_with(prefix)),
            Self::Suffix(suffix) => value.as_str().is_some_and(|text| text.ends_with(suffix)),
            Self::EqualsIgnoreCase(wanted) => value
                .as_str()
                .is_some_and(|text| text.to_lowercase() == *wanted),
            Self::Numeric(bounds) => value.as_f64().is_some_and(|number| {
                bounds
                    .iter()
                    .all(|(comparison, bound)| comparison.holds(number, *bound))
            }),
            Self::AnythingBut(excluded) => !excluded.iter().any(|condition| condition.holds(value)),
            // Asked for before values are looked at.
            Self::Exists(_) => false,
        }
    }
}

/// `["=", 5]` or `[">", 0, "<=", 150]`.
fn read_numeric(operand: &Value) -> Result<Condition, FilterError> {
    let Some(parts) = operand
        .as_array()
        .filter(|parts| parts.len() == 2 || parts.len() == 4)
    else {
        return refused("Invalid member in numeric match");
    };
    let mut bounds = Vec::new();
    for pair in parts.chunks(2) {
        let comparison = match pair[0].as_str() {
            Some("=") => Comparison::Equal,
            Some("<") => Comparison::Less,
            Some("<=") => Comparison::LessOrEqual,
            Some(">") => Comparison::Greater,
            Some(">=") => Comparison::GreaterOrEqual,
            _ => return refused("Unrecognized numeric range operator"),
        };
        let bound = pair[1].as_f64().filter(|bound| bound.abs() <= 1e9);
        let Some(bound) = bound else {
            return refused("Value of numeric match must be a number between -1.0E9 and 1.0E9");
        };
        bounds.push((comparison, bound));
    }
    Ok(Condition::Numeric(bounds))
}

impl Comparison {
    fn holds(self, number: f64, bound: f64) -> bool {
        match self {
            Self::Equal => number == bound,
            Self::Less => number < bound,
            Self::LessOrEqual => number <= bound,
            Self::Greater => number > bound,
            Self::GreaterOrEqual => number >= bound,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(attributes: &[(&str, &str, &str)]) -> Published {
        Published {
            message_id: String::new(),
            subject: None,
            message: String::new(),
            structure: None,
            attributes: attributes
                .iter()
                .map(|(name, data_type, value)| {
                    let attribute = Attribute {
                        data_type: (*data_type).to_owned(),
                        value: (*value).to_owned(),
                    };
                    ((*name).to_owned(), attribute)
                })
                .collect(),
            at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn attributes_are_matched_by_every_operator() {
        let given = message(&[
            ("kind", "String", "key-deleted"),
            ("accounts", "String.Array", r#"["111","222"]"#),
            ("severity", "Number", "40"),
            ("blob", "Binary", "AAAA"),
        ]);
        let table = [
            (json!({"kind": ["key-deleted"]}), true),
            (json!({"kind": ["other", {"prefix": "key-"}]}), true),
            (json!({"kind": [{"suffix": "-rotated"}]}), false),
            (
                json!({"kind": [{"equals-ignore-case": "KEY-Deleted"}]}),
                true,
            ),
            (json!({"kind": [{"anything-but": ["a", "b"]}]}), true),
            (
                json!({"kind": [{"anything-but": {"prefix": "key"}}]}),
                false,
            ),
            (json!({"none": [{"anything-but": "a"}]}), false),
            (json!({"none": [{"exists": false}]}), true),
            (json!({"kind": [{"exists": false}]}), false),
            (json!({"blob": [{"exists": true}]}), false),
            (
                json!({"severity": [{"numeric": [">", 30, "<=", 40]}]}),
                true,
            ),
            (json!({"severity": [{"numeric": ["<", 40]}]}), false),
            (json!({"severity": [40.0]}), true),
            (json!({"severity": ["40"]}), false),
            (json!({"accounts": ["222"]}), true),
            (json!({"kind": ["key-deleted"], "accounts": ["333"]}), false),
        ];
        for (policy, expected) in table {
            let filter = Filter::new(&policy, FilterScope::MessageAttributes).unwrap();
            assert_eq!(filter.accepts(&given, ""), expected, "{policy}");
        }
    }

    #[test]
    fn bodies_are_matched_deeply() {
        let body = r#"{"key":{"region":"eu-west-1","tags":[{"name":"a"},{"name":"b"}]},"n":7}"#;
        let given = message(&[]);
        let table = [
            (json!({"key": {"region": [{"prefix": "eu-"}]}}), true),
            (json!({"key": {"tags": {"name": ["b"]}}}), true),
            (json!({"key": {"tags": {"name": ["c"]}}, "n": [7]}), false),
            (json!({"n": [{"numeric": ["=", 7]}]}), true),
            (json!({"key": [{"exists": true}]}), false),
        ];
        for (policy, expected) in table {
            let filter = Filter::new(&policy, FilterScope::MessageBody).unwrap();
            assert_eq!(filter.accepts(&given, body), expected, "{policy}");
        }
        let any = Filter::new(&json!({"n": [{"exists": false}]}), FilterScope::MessageBody);
        assert!(!any.unwrap().accepts(&given, "no JSON"));
    }

    #[test]
    fn policies_have_limits() {
        let six: Map<_, _> = (0..6).map(|n| (format!("k{n}"), json!(["v"]))).collect();
        let many: Vec<_> = (0..151).collect();
        let nested =
            json!({"a": {"b": {"c": [1, 2, 3, 4]}}, "d": {"e": [1, 2, 3]}, "f": [1, 2, 3]});
        let body = FilterScope::MessageBody;
        assert!(Filter::new(&nested, body).is_err(), "4×3 × 3×2 × 3×1 = 216");
        for bad in [
            Value::Object(six),
            json!({"a": many}),
            json!({"a": "text"}),
            json!({"a": []}),
            json!({"a": [{"prefix": 5}]}),
            json!({"a": [{"numeric": ["~", 5]}]}),
            json!({"a": [{"numeric": ["=", 1e10]}]}),
            json!({"a": [{"glob": "x"}]}),
            json!({"a": {"b": ["x"]}}),
            json!([]),
        ] {
            assert!(
                Filter::new(&bad, FilterScope::MessageAttributes).is_err(),
                "{bad}"
            );
        }
    }
}
