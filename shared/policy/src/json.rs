//! JSON in which a member that stands twice is seen.
//!
//! `serde_json::Value` keeps the last of two members of one name. AWS forbids them ("individual elements must not
//! contain multiple instances of the same key": IAM User Guide, grammar of the IAM JSON policy language), but which one
//! counts where they come through is not documented. Reading either could miss a grant, so both are kept here.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`.
    Null,
    /// A string, or what a policy may write without quotation marks: a number or a truth value, as its text.
    Text(String),
    /// An array.
    Array(Vec<Json>),
    /// An object with all its members, in their order.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The name of a member that stands twice in one object, at any depth.
    pub(crate) fn duplicate(&self) -> Option<&str> {
        match self {
            Self::Null | Self::Text(_) => None,
            Self::Array(items) => items.iter().find_map(Self::duplicate),
            Self::Object(members) => {
                let mut seen = HashSet::new();
                members
                    .iter()
                    .find(|(name, _)| !seen.insert(name.as_str()))
                    .map(|(name, _)| name.as_str())
                    .or_else(|| members.iter().find_map(|(_, value)| value.duplicate()))
            }
        }
    }

    /// The value itself, or the items of an array.
    pub(crate) fn items(&self) -> &[Json] {
        match self {
            Self::Array(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    /// The text of a string, a number or a truth value.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_found_at_any_depth() {
        let duplicate = |text: &str| {
            let json: Json = serde_json::from_str(text).unwrap();
            json.duplicate().map(str::to_owned)
        };
        assert_eq!(duplicate(r#"{"a":1,"b":[{"a":1}]}"#), None);
        assert_eq!(duplicate(r#"{"a":1,"a":1}"#).as_deref(), Some("a"));
        assert_eq!(
            duplicate(r#"[1,{"x":[{"b":1,"c":{},"b":2}]}]"#).as_deref(),
            Some("b")
        );
        // The name counts as it is meant, not as it is written.
        assert_eq!(duplicate(r#"{"a":1,"\u0061":1}"#).as_deref(), Some("a"));
    }

    #[test]
    fn scalars_are_their_text() {
        for (text, value) in [
            (r#""x""#, "x"),
            ("true", "true"),
            ("-7", "-7"),
            ("111122223333", "111122223333"),
            ("1.5", "1.5"),
        ] {
            let json: Json = serde_json::from_str(text).unwrap();
            assert_eq!(json.text(), Some(value));
            assert_eq!(json.items().len(), 1);
        }
        assert_eq!(serde_json::from_str::<Json>("null").unwrap(), Json::Null);
    }
}
