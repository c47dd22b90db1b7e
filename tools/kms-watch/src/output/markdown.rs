//! Text in the cells of Markdown's tables.

/// A code span, in which nothing is a link. In both a backtick would end something, and a bar the cell.
pub(crate) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("`{}`", text.replace('`', "'").replace('|', "\\|"))
}

/// Our own words.
pub(crate) fn plain(text: &str) -> String {
    text.replace('|', "\\|").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_its_cell() {
        assert_eq!(code("a|b`c https://x"), "`a\\|b'c https://x`");
        assert_eq!(code(""), "");
        assert_eq!(
            plain("cron(53 * * * ? *) a|b"),
            "cron(53 \\* \\* \\* ? \\*) a\\|b"
        );
    }
}
