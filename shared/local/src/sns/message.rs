//! What was published.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// A message as a topic received it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// As answered to the publisher.
    pub message_id: String,
    /// The subject line of e-mails.
    pub subject: Option<String>,
    /// The body; with the structure `json`, the JSON object of bodies by protocol.
    pub message: String,
    /// `json` or nothing.
    pub structure: Option<String>,
    /// By name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Simulator time.
    pub at: Timestamp,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// `String`, `String.Array`, `Number`, `Binary`, each with an optional custom suffix.
    pub data_type: String,
    /// As sent; Base64 for `Binary`.
    pub value: String,
}

impl Published {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .get(name)
            .map(|attribute| attribute.value.as_str())
    }
}
