//! The widget's documentation: what the console shows behind "Get documentation". The first block of YAML becomes the parameters of
//! a new widget.

/// In Markdown.
pub fn text() -> String {
    include_str!("guide.md").to_owned()
}
