//! What stands in an expression for names and values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{error::Error, value::Attribute};

/// What stands in an expression for names and values, and what of it has been used: all of it has to be.
#[derive(Debug, Default)]
pub(super) struct Placeholders {
    pub(super) names: BTreeMap<String, String>,
    pub(super) values: BTreeMap<String, Attribute>,
    pub(super) used: BTreeSet<String>,
}

impl Placeholders {
    pub(super) fn read(request: &Value) -> Result<Self, Error> {
        let mut placeholders = Self::default();
        if let Some(names) = request["ExpressionAttributeNames"].as_object() {
            for (name, stands_for) in names {
                let attribute = stands_for
                    .as_str()
                    .ok_or_else(|| Error::serialization("A name is a string"))?;
                check_placeholder("ExpressionAttributeNames", name, '#')?;
                let attribute = attribute.to_owned();
                placeholders.names.insert(name.clone(), attribute);
            }
        }
        if let Some(values) = request["ExpressionAttributeValues"].as_object() {
            for (name, value) in values {
                check_placeholder("ExpressionAttributeValues", name, ':')?;
                let value = Attribute::read(value)?;
                placeholders.values.insert(name.clone(), value);
            }
        }
        Ok(placeholders)
    }

    /// "Value provided in ExpressionAttributeValues unused in expressions"
    pub(super) fn check_used(&self) -> Result<(), Error> {
        let unused = |keys: Vec<&String>| -> String {
            let unused = keys.into_iter().filter(|key| !self.used.contains(*key));
            unused.cloned().collect::<Vec<_>>().join(", ")
        };
        for (what, keys) in [
            ("ExpressionAttributeNames", self.names.keys().collect()),
            ("ExpressionAttributeValues", self.values.keys().collect()),
        ] {
            let unused = unused(keys);
            if !unused.is_empty() {
                return Err(Error::validation(format!(
                    "Value provided in {what} unused in expressions: keys: {{{unused}}}"
                )));
            }
        }
        Ok(())
    }
}

fn check_placeholder(member: &str, name: &str, sign: char) -> Result<(), Error> {
    let rest = name.strip_prefix(sign).unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !rest.is_empty() && rest.chars().all(word) {
        return Ok(());
    }
    Err(Error::validation(format!(
        "{member} contains invalid key: Syntax error; key: \"{name}\""
    )))
}
