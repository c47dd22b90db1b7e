//! The form that the query protocol sends.

use std::collections::BTreeMap;

use super::message::Attribute;

/// The members of a request.
#[derive(Debug)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `Attributes.entry.1.key`, `Attributes.entry.1.value`, and so on.
    pub(super) fn entries(&self, name: &str) -> BTreeMap<String, String> {
        (1..)
            .map_while(|number| {
                let part = |part: &str| self.get(&format!("{name}.entry.{number}.{part}"));
                Some((part("key")?.to_owned(), part("value")?.to_owned()))
            })
            .collect()
    }

    /// `MessageAttributes.entry.1.Name`, `….Value.DataType`, `….Value.StringValue`, and so on.
    pub(super) fn attributes(&self) -> BTreeMap<String, Attribute> {
        (1..)
            .map_while(|number| {
                let member = |name: &str| {
                    self.get(&format!("MessageAttributes.entry.{number}.{name}"))
                        .map(str::to_owned)
                };
                let name = member("Name")?;
                let value = member("Value.StringValue").or_else(|| member("Value.BinaryValue"));
                let data_type = member("Value.DataType").unwrap_or_default();
                Some((
                    name,
                    Attribute {
                        data_type,
                        value: value.unwrap_or_default(),
                    },
                ))
            })
            .collect()
    }
}

impl Form {
    /// Reads a body; the second is its `Action`.
    pub(crate) fn read(body: &[u8]) -> (Self, String) {
        let form = Self::parse(body);
        let action = form.get("Action").unwrap_or_default().to_owned();
        (form, action)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_gathered_from_their_parts() {
        let form = Form::parse(
            b"Action=Publish&Message=a+b%26c&MessageAttributes.entry.1.Name=kind\
              &MessageAttributes.entry.1.Value.DataType=String\
              &MessageAttributes.entry.1.Value.StringValue=gone\
              &MessageAttributes.entry.2.Name=raw&MessageAttributes.entry.2.Value.DataType=Binary\
              &MessageAttributes.entry.2.Value.BinaryValue=AAE%3D",
        );
        assert_eq!(form.get("Message"), Some("a b&c"));
        let attributes = form.attributes();
        assert_eq!(attributes["kind"].value, "gone");
        assert_eq!(attributes["raw"].value, "AAE=");
        assert_eq!(attributes["raw"].data_type, "Binary");
    }
}
