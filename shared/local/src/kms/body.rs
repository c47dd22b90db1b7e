//! Reading the members of a request body.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::KmsError;
use crate::spelling::lower_first;

/// The JSON object of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Body<'a>(&'a Map<String, Value>);

impl<'a> Body<'a> {
    pub(super) fn new(body: &'a Value) -> Result<Self, KmsError> {
        body.as_object()
            .map(Self)
            .ok_or_else(|| serialization("the body is not a JSON object"))
    }

    /// The member, if it is there and not null.
    fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, KmsError> {
        self.get(name)
            .map(|value| {
                read(value).ok_or_else(|| serialization(&format!("{name} has the wrong type")))
            })
            .transpose()
    }

    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, KmsError> {
        self.typed(name, Value::as_str)
    }

    pub(super) fn required(self, name: &str) -> Result<&'a str, KmsError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    pub(super) fn integer(self, name: &str) -> Result<Option<i64>, KmsError> {
        self.typed(name, Value::as_i64)
    }

    /// An integer within the bounds of the API model.
    pub(super) fn integer_in(
        self,
        name: &str,
        (min, max): (i64, i64),
    ) -> Result<Option<i64>, KmsError> {
        let number = self.integer(name)?;
        match number {
            Some(n) if n < min => Err(constraint(name, n, "greater than", min)),
            Some(n) if n > max => Err(constraint(name, n, "less than", max)),
            _ => Ok(number),
        }
    }

    pub(super) fn flag(self, name: &str) -> Result<bool, KmsError> {
        Ok(self.typed(name, Value::as_bool)?.unwrap_or(false))
    }

    pub(super) fn list(self, name: &str) -> Result<Option<&'a [Value]>, KmsError> {
        self.typed(name, |value| value.as_array().map(Vec::as_slice))
    }

    pub(super) fn object(self, name: &str) -> Result<Option<&'a Map<String, Value>>, KmsError> {
        self.typed(name, Value::as_object)
    }

    /// These members and no others, as they came.
    pub(super) fn only(self, names: &[&str]) -> Value {
        let members = names
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), self.get(name)?.clone())));
        Value::Object(members.collect())
    }

    /// Binary data travels as Base64.
    pub(super) fn blob(self, name: &str) -> Result<Option<Vec<u8>>, KmsError> {
        self.typed(name, |value| STANDARD.decode(value.as_str()?).ok())
    }

    /// Seconds since 1970, with a fraction.
    pub(super) fn time(self, name: &str) -> Result<Option<Timestamp>, KmsError> {
        self.typed(name, |value| {
            let seconds = value.as_f64()?;
            // Milliseconds are all that the service keeps; the cast saturates on nonsense.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "saturates, then the range is checked"
            )]
            Timestamp::from_millisecond((seconds * 1000.0).round() as i64).ok()
        })
    }

    /// One of the words of an enum of the API.
    pub(super) fn word<T>(
        self,
        name: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, KmsError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        parse(text).map(Some).ok_or_else(|| {
            KmsError::validation(format!(
                "1 validation error detected: Value '{text}' at '{}' failed to satisfy constraint: \
                 Member must satisfy enum value set",
                lower_first(name)
            ))
        })
    }
}

fn serialization(message: &str) -> KmsError {
    KmsError::new("SerializationException", message)
}

pub(super) fn missing(name: &str) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: \
         Member must not be null",
        lower_first(name)
    ))
}

fn constraint(name: &str, value: i64, relation: &str, bound: i64) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: \
         Member must have value {relation} or equal to {bound}",
        lower_first(name)
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_wrong_type_is_a_serialization_error() {
        let body = json!({"KeyId": 5, "Limit": "x", "Empty": null});
        let body = Body::new(&body).unwrap();
        assert_eq!(
            body.text("KeyId").unwrap_err().code,
            "SerializationException"
        );
        assert_eq!(
            body.integer("Limit").unwrap_err().code,
            "SerializationException"
        );
        assert_eq!(body.text("Empty").unwrap(), None);
        assert!(
            body.required("Empty")
                .unwrap_err()
                .message
                .contains("'empty'")
        );
        assert!(Body::new(&json!([])).is_err());
    }

    #[test]
    fn times_keep_their_milliseconds() {
        let body = json!({"ValidTo": 1_763_632_800.25});
        let at = Body::new(&body).unwrap().time("ValidTo").unwrap().unwrap();
        assert_eq!(at.as_millisecond(), 1_763_632_800_250);
        let body = json!({"ValidTo": 1e300});
        assert!(Body::new(&body).unwrap().time("ValidTo").is_err());
    }
}
