//! XML.

use std::fmt::Write as _;

/// A map of attributes.
pub(super) fn attributes_xml(attributes: &[(&str, &str)]) -> String {
    let mut xml = String::from("<Attributes>");
    for (key, value) in attributes {
        // Writing to a String cannot fail.
        let _ = write!(
            xml,
            "<entry><key>{key}</key><value>{}</value></entry>",
            escape(value)
        );
    }
    xml.push_str("</Attributes>");
    xml
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
