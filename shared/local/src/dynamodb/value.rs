//! Attribute values: read from and written to the JSON of the API.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use super::{
    error::Error,
    number::{Number, NumberError},
};

/// How deep lists and maps may be nested (Developer Guide, "Quotas").
const MAX_DEPTH: usize = 32;

/// Name and value of every attribute.
pub(super) type Item = BTreeMap<String, Attribute>;

/// A value of one of the ten types. The order within a type is that of sort keys and comparisons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Attribute {
    S(String),
    N(Number),
    B(Vec<u8>),
    Bool(bool),
    Null,
    M(Item),
    L(Vec<Attribute>),
    Ss(BTreeSet<String>),
    Ns(BTreeSet<Number>),
    Bs(BTreeSet<Vec<u8>>),
}

impl Attribute {
    /// `{"S": "text"}`
    pub(super) fn read(value: &Value) -> Result<Self, Error> {
        Self::read_at(value, 0)
    }

    fn read_at(value: &Value, depth: usize) -> Result<Self, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::validation(
                "Nesting Levels have exceeded supported limits",
            ));
        }
        let members = value
            .as_object()
            .ok_or_else(|| Error::serialization("An attribute value is an object"))?;
        let mut members = members.iter().filter(|(_, value)| !value.is_null());
        let (Some((kind, value)), None) = (members.next(), members.next()) else {
            return Err(Error::validation(
                "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the \
                 supported datatypes",
            ));
        };
        let wrong = || Error::serialization(&format!("Not a value of the type {kind}"));
        let texts = || -> Result<Vec<&str>, Error> {
            let entries = value.as_array().ok_or_else(wrong)?;
            entries
                .iter()
                .map(|entry| entry.as_str().ok_or_else(wrong))
                .collect()
        };
        Ok(match kind.as_str() {
            "S" => Self::S(value.as_str().ok_or_else(wrong)?.to_owned()),
            "N" => Self::N(number(value.as_str().ok_or_else(wrong)?)?),
            "B" => Self::B(binary(value.as_str().ok_or_else(wrong)?)?),
            "BOOL" => Self::Bool(value.as_bool().ok_or_else(wrong)?),
            "NULL" => match value.as_bool() {
                Some(true) => Self::Null,
                _ => {
                    return Err(Error::validation(
                        "One or more parameter values were invalid: Null attribute value types must have the \
                         value of true",
                    ));
                }
            },
            "M" => Self::M(read_members(value, depth + 1)?),
            "L" => {
                let entries = value.as_array().ok_or_else(wrong)?;
                let entries = entries.iter().map(|entry| Self::read_at(entry, depth + 1));
                Self::L(entries.collect::<Result<_, _>>()?)
            }
            "SS" => Self::Ss(set(texts()?.into_iter().map(|text| Ok(text.to_owned())))?),
            "NS" => Self::Ns(set(texts()?.into_iter().map(number))?),
            "BS" => Self::Bs(set(texts()?.into_iter().map(binary))?),
            _ => {
                return Err(Error::validation(
                    "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
                ));
            }
        })
    }

    pub(super) fn write(&self) -> Value {
        let value = match self {
            Self::S(text) => text.as_str().into(),
            Self::N(number) => number.to_string().into(),
            Self::B(bytes) => STANDARD.encode(bytes).into(),
            Self::Bool(is) => (*is).into(),
            Self::Null => true.into(),
            Self::M(members) => write_item(members),
            Self::L(entries) => entries.iter().map(Self::write).collect(),
            Self::Ss(set) => set.iter().map(String::as_str).collect(),
            Self::Ns(set) => set.iter().map(Number::to_string).collect(),
            Self::Bs(set) => set.iter().map(|bytes| STANDARD.encode(bytes)).collect(),
        };
        // `json!` would copy the value, and that of a map once for each level.
        Value::Object(Map::from_iter([(self.kind().to_owned(), value)]))
    }

    /// As the API names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::S(_) => "S",
            Self::N(_) => "N",
            Self::B(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null => "NULL",
            Self::M(_) => "M",
            Self::L(_) => "L",
            Self::Ss(_) => "SS",
            Self::Ns(_) => "NS",
            Self::Bs(_) => "BS",
        }
    }

    /// What `size()` counts; of numbers, booleans and nulls there is none.
    pub(super) fn length(&self) -> Option<usize> {
        match self {
            Self::S(text) => Some(text.len()),
            Self::B(bytes) => Some(bytes.len()),
            Self::M(members) => Some(members.len()),
            Self::L(entries) => Some(entries.len()),
            Self::Ss(set) => Some(set.len()),
            Self::Ns(set) => Some(set.len()),
            Self::Bs(set) => Some(set.len()),
            Self::N(_) | Self::Bool(_) | Self::Null => None,
        }
    }

    /// Storage in bytes (Developer Guide, "Item sizes and formats").
    pub(super) fn size(&self) -> usize {
        match self {
            Self::S(text) => text.len(),
            Self::N(number) => number.size(),
            Self::B(bytes) => bytes.len(),
            Self::Bool(_) | Self::Null => 1,
            Self::M(members) => 3 + members.len() + item_size(members),
            Self::L(entries) => 3 + entries.iter().map(|entry| entry.size() + 1).sum::<usize>(),
            Self::Ss(set) => set.iter().map(String::len).sum(),
            Self::Ns(set) => set.iter().map(Number::size).sum(),
            Self::Bs(set) => set.iter().map(Vec::len).sum(),
        }
    }

    pub(super) fn as_number(&self) -> Option<&Number> {
        match self {
            Self::N(number) => Some(number),
            _ => None,
        }
    }
}

fn number(text: &str) -> Result<Number, Error> {
    text.parse()
        .map_err(|error: NumberError| Error::validation(error.message()))
}

fn binary(text: &str) -> Result<Vec<u8>, Error> {
    STANDARD
        .decode(text)
        .map_err(|_| Error::serialization("Base64 encoded length is not valid"))
}

/// Sets hold something, and nothing twice.
fn set<T: Ord>(entries: impl Iterator<Item = Result<T, Error>>) -> Result<BTreeSet<T>, Error> {
    let mut set = BTreeSet::new();
    for entry in entries {
        if !set.insert(entry?) {
            return Err(Error::parameters("Input collection contains duplicates."));
        }
    }
    if set.is_empty() {
        return Err(Error::parameters("An set may not be empty"));
    }
    Ok(set)
}

pub(super) fn read_item(value: &Value) -> Result<Item, Error> {
    read_members(value, 0)
}

fn read_members(value: &Value, depth: usize) -> Result<Item, Error> {
    let members = value
        .as_object()
        .ok_or_else(|| Error::serialization("A map of attribute values is an object"))?;
    members
        .iter()
        .map(|(name, value)| Ok((name.clone(), Attribute::read_at(value, depth)?)))
        .collect()
}

pub(super) fn write_item(item: &Item) -> Value {
    let members: Map<String, Value> = item
        .iter()
        .map(|(name, value)| (name.clone(), value.write()))
        .collect();
    members.into()
}

pub(super) fn item_size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value.size())
        .sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_type_is_read_and_written() {
        let item = json!({
            "s": {"S": "text"},
            "n": {"N": "-1.5"},
            "b": {"B": "AAEC"},
            "bool": {"BOOL": false},
            "null": {"NULL": true},
            "m": {"M": {"inner": {"L": [{"S": "a"}, {"N": "2"}]}}},
            "ss": {"SS": ["a", "b"]},
            "ns": {"NS": ["1", "2"]},
            "bs": {"BS": ["AA=="]},
        });
        assert_eq!(write_item(&read_item(&item).unwrap()), item);
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for value in [
            json!({}),
            json!({"S": "a", "N": "1"}),
            json!({"S": 1}),
            json!({"N": "one"}),
            json!({"B": "?"}),
            json!({"SS": []}),
            json!({"SS": ["a", "a"]}),
            json!({"NS": ["1", "1.0"]}),
            json!({"NULL": false}),
            json!({"X": "a"}),
            json!("a"),
        ] {
            assert!(Attribute::read(&value).is_err(), "{value}");
        }
        let mut deep = json!({"S": "bottom"});
        for _ in 0..33 {
            deep = json!({"L": [deep]});
        }
        assert!(Attribute::read(&deep).is_err());
    }
}
