//! From the text of an expression to its words.

use super::error::Error;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// A bare word: an attribute, a function or a keyword.
    Word(String),
    /// `#name`
    Name(String),
    /// `:value`
    Value(String),
    Index(usize),
    Sign(&'static str),
}

/// The longer of two that begin alike comes first.
const SIGNS: [&str; 14] = [
    "<>", "<=", ">=", "<", ">", "=", "(", ")", "[", "]", ",", ".", "+", "-",
];

pub(super) fn tokens(member: &str, text: &str) -> Result<Vec<Token>, Error> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    while let Some(first) = rest.chars().next() {
        let prefix = usize::from(matches!(first, '#' | ':'));
        let end = rest
            .char_indices()
            .skip(prefix)
            .find(|(_, c)| !is_word(*c))
            .map_or(rest.len(), |(at, _)| at);
        let (token, length) = if end > prefix {
            let word = rest.get(..end).unwrap_or_default().to_owned();
            let token = match first {
                '#' => Token::Name(word),
                ':' => Token::Value(word),
                _ => word.parse().map_or(Token::Word(word), Token::Index),
            };
            (token, end)
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(syntax_error(member, &first.to_string(), rest));
        };
        tokens.push(token);
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(tokens)
}

pub(super) fn syntax_error(member: &str, token: &str, near: &str) -> Error {
    let near: String = near.chars().take(20).collect();
    Error::expression(
        member,
        format!("Syntax error; token: \"{token}\", near: \"{near}\""),
    )
}
