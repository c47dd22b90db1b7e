//! Text for people and machines, made of our own words and of values nobody may trust.
//!
//! Everything that comes from an event, an alias, a tag, a description, an error message or a user agent is an
//! [`Untrusted`]: cleaned and bounded when it is made, and without `Display`, so that it reaches a reader only
//! through a renderer, which escapes it for its audience.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::arn::{AccountId, KeyArn, Region};
use crate::value::delimited;

/// Longest value shown unless the place needs another bound, in characters.
///
/// An alias name may have 256 characters (AWS KMS API Reference, CreateAlias).
pub const DEFAULT_BOUND: usize = 256;

/// A value from outside: without control, bidirectional and invisible characters, on one line, of bounded length.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Untrusted(String);

impl Untrusted {
    /// Cleans `raw` and keeps at most [`DEFAULT_BOUND`] characters of it.
    pub fn new(raw: &str) -> Self {
        Self::bounded(raw, DEFAULT_BOUND)
    }

    /// Cleans `raw` and keeps at most `bound` characters, the last one `…` if something was cut.
    pub fn bounded(raw: &str, bound: usize) -> Self {
        let mut clean = String::with_capacity(raw.len().min(bound * 4));
        let mut length = 0;
        let mut gap = false;
        for c in raw.chars() {
            if c.is_whitespace() || is_line_break(c) {
                gap = length > 0;
                continue;
            }
            if is_deceptive(c) {
                continue;
            }
            let needed = 1 + usize::from(gap);
            if length + needed > bound {
                while length >= bound.max(1) {
                    clean.pop();
                    length -= 1;
                }
                if bound > 0 {
                    clean.push('…');
                }
                return Self(clean);
            }
            if std::mem::take(&mut gap) {
                clean.push(' ');
            }
            clean.push(c);
            length += needed;
        }
        Self(clean)
    }

    /// The cleaned value. Whoever shows it escapes it for the audience.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing is left of the value.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same value, or `None` where nothing is left of it.
    pub fn non_empty(self) -> Option<Self> {
        (!self.is_empty()).then_some(self)
    }

    /// The value cut to `bound` characters.
    pub fn shortened(&self, bound: usize) -> Self {
        Self::bounded(&self.0, bound)
    }
}

impl fmt::Debug for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Untrusted({:?})", self.0)
    }
}

impl Serialize for Untrusted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Longest value that is read back from the ledger, in characters: a key's description has 8,192 at most.
const STORED_BOUND: usize = 8_192;

impl<'de> Deserialize<'de> for Untrusted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Cleaned again: whoever may write the table is no more to be trusted than whoever may name a key.
        let raw = String::deserialize(deserializer)?;
        Ok(Self::bounded(&raw, STORED_BOUND))
    }
}

/// An id of key material or of an alert: letters and digits. It may stand among our own words, and in commands.
pub fn is_identifier(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// Reads an identifier back from the ledger; what is none was not written by us, and is left out.
pub(crate) fn identifier<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    let raw = Option::<String>::deserialize(deserializer)?;
    Ok(raw.filter(|text| is_identifier(text)))
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Untrusted {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Untrusted".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters that show nothing, or show other characters than are there (Unicode Technical Report 36).
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFF}'
            | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}'
            // Private use, tags, variation selectors of the supplement.
            | '\u{E000}'..='\u{F8FF}'
            | '\u{E0000}'..='\u{10FFFF}')
}

/// A piece of a [`Text`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Words of this program, or values whose alphabet was checked (an ARN, a date, a number).
    Own(Cow<'static, str>),
    /// A value from outside.
    Untrusted(Untrusted),
}

impl Span {
    fn is_empty(&self) -> bool {
        match self {
            Self::Own(words) => words.is_empty(),
            Self::Untrusted(value) => value.is_empty(),
        }
    }
}

/// A sentence or two for a reader, not yet escaped for anybody. Built with [`text!`](crate::text!).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(Vec<Span>);

impl Text {
    /// A text without words.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, part: impl Part) {
        part.add_to(self);
    }

    /// Adds a sentence, with a space before it where needed. An empty one adds nothing.
    pub fn sentence(&mut self, part: impl Part) {
        let before = self.0.len();
        self.push(part);
        if before > 0 && self.0.len() > before {
            self.0.insert(before, Span::Own(Cow::Borrowed(" ")));
        }
    }

    /// The text with a capital where our own words begin it.
    pub fn capitalized(mut self) -> Self {
        if let Some(Span::Own(words)) = self.0.first_mut() {
            let mut chars = words.chars();
            let first: String = chars
                .next()
                .into_iter()
                .flat_map(char::to_uppercase)
                .collect();
            *words = (first + chars.as_str()).into();
        }
        self
    }

    /// The pieces in order.
    pub fn spans(&self) -> &[Span] {
        &self.0
    }

    /// The text with every untrusted value passed through `value`, and our own words through `own`. `value` is told whether
    /// our words put the value between quotes.
    pub fn render(
        &self,
        own: impl Fn(&str) -> String,
        value: impl Fn(&Untrusted, bool) -> String,
    ) -> String {
        let mut text = String::new();
        let mut spans = self.0.iter().filter(|span| !span.is_empty()).peekable();
        let mut opened = false;
        while let Some(span) = spans.next() {
            match span {
                Span::Own(words) => {
                    text.push_str(&own(words));
                    opened = words.ends_with('"');
                }
                Span::Untrusted(untrusted) => {
                    let closes = |span: &&Span| matches!(span, Span::Own(w) if w.starts_with('"'));
                    let in_quotes = opened && spans.peek().is_some_and(closes);
                    text.push_str(&value(untrusted, in_quotes));
                    opened = false;
                }
            }
        }
        text
    }

    /// The text for JSON members and log fields, which are escaped as a whole: each value stands between delimiters.
    pub fn plain(&self) -> String {
        self.render(str::to_owned, |value, in_quotes| {
            delimited(value.as_str(), in_quotes)
        })
    }

    /// The text in parts that end where a sentence of ours does.
    pub(crate) fn sentences(&self) -> Vec<Self> {
        let mut sentences = vec![Self::new()];
        let mut ended = false;
        for span in &self.0 {
            let gap = matches!(span, Span::Own(words) if words == " ");
            match sentences.last_mut() {
                Some(_) if ended && gap => sentences.push(Self::new()),
                Some(last) => last.0.push(span.clone()),
                None => {}
            }
            ended = matches!(span, Span::Own(words) if words.ends_with('.'));
        }
        sentences.retain(|sentence| !sentence.0.is_empty());
        sentences
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.plain())
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Text {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string" })
    }
}

/// What may become part of a [`Text`]. There is none for `String`: its origin would be unknown.
pub trait Part {
    /// Adds itself at the end of `text`.
    fn add_to(self, text: &mut Text);
}

impl Part for Span {
    fn add_to(self, text: &mut Text) {
        text.0.push(self);
    }
}

impl Part for &'static str {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Own(Cow::Borrowed(self)));
    }
}

impl Part for Untrusted {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Untrusted(self));
    }
}

impl Part for &Untrusted {
    fn add_to(self, text: &mut Text) {
        self.clone().add_to(text);
    }
}

impl Part for Text {
    fn add_to(self, text: &mut Text) {
        text.0.extend(self.0);
    }
}

impl Part for &Text {
    fn add_to(self, text: &mut Text) {
        text.0.extend_from_slice(&self.0);
    }
}

impl Part for &KeyArn {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Own(self.to_string().into()));
    }
}

impl Part for &AccountId {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Own(self.as_str().to_owned().into()));
    }
}

impl Part for &Region {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Own(self.as_str().to_owned().into()));
    }
}

/// A moment is shown to the minute, in UTC, because readers sit in many time zones.
impl Part for Timestamp {
    fn add_to(self, text: &mut Text) {
        text.0.push(Span::Own(minute(self).into()));
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Part for $number {
            fn add_to(self, text: &mut Text) {
                text.0.push(Span::Own(self.to_string().into()));
            }
        }
    )*};
}
numbers! { u32 u64 i64 usize }

/// `2026-11-20 10:00 UTC`.
pub fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `2026-11-20`, in UTC.
pub fn day(at: Timestamp) -> Span {
    Span::Own(at.strftime("%Y-%m-%d").to_string().into())
}

/// `1 day`, `30 days`.
pub fn days(count: u32) -> Span {
    Span::Own(format!("{count} day{}", if count == 1 { "" } else { "s" }).into())
}

/// Builds a [`Text`] from literals, numbers, dates, checked identifiers and [`Untrusted`] values.
#[macro_export]
macro_rules! text {
    ($($part:expr),* $(,)?) => {{
        #[allow(unused_mut, reason = "an empty text needs no push")]
        let mut text = $crate::text::Text::new();
        $($crate::text::Part::add_to($part, &mut text);)*
        text
    }};
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_bidi_and_invisible_characters_are_gone() {
        let raw = "a\u{202E}b\u{0}c\r\nd\u{200B}e\u{2066}f\u{7}\u{1b}[31mg\u{E0041}h\u{FEFF}";
        assert_eq!(Untrusted::new(raw).as_str(), "abc def[31mgh");
    }

    #[test]
    fn white_space_of_all_kinds_folds_to_one_space() {
        assert_eq!(
            Untrusted::new(" \t a\u{A0}\u{3000}\n\n b\u{2028}c \u{85}").as_str(),
            "a b c"
        );
    }

    #[test]
    fn a_long_value_says_that_it_was_cut() {
        assert_eq!(Untrusted::bounded("abcdef", 6).as_str(), "abcdef");
        assert_eq!(Untrusted::bounded("abcdefg", 6).as_str(), "abcde…");
        assert_eq!(Untrusted::bounded("abcde fg", 6).as_str(), "abcde…");
        assert_eq!(Untrusted::bounded("ab", 1).as_str(), "…");
        assert_eq!(Untrusted::bounded("ab", 0).as_str(), "");
        assert_eq!(Untrusted::bounded("   ", 0).as_str(), "");
    }

    #[test]
    fn a_sentence_keeps_its_values_apart_from_its_words() {
        let text = text!["key ", Untrusted::new("<b>"), " of ", 3_u32];
        assert_eq!(
            text.render(str::to_owned, |v, _| format!("[{}]", v.as_str())),
            "key [<b>] of 3"
        );
        assert_eq!(text.plain(), "key \"<b>\" of 3");
    }

    #[test]
    fn what_is_no_identifier_is_left_out_when_it_is_read_back() {
        #[derive(Deserialize)]
        struct Item(#[serde(deserialize_with = "identifier")] Option<String>);
        let read = |text: &str| serde_json::from_value::<Item>(text.into()).unwrap().0;
        assert_eq!(read("9e3b1C5d"), Some("9e3b1C5d".to_owned()));
        for text in ["", "a b", "a;b", "a\r\nb", "é", &"a".repeat(129)] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_is_bounded_clean_and_stable(raw in any::<String>(), bound in 0_usize..40) {
            let value = Untrusted::bounded(&raw, bound);
            prop_assert!(value.as_str().chars().count() <= bound);
            prop_assert!(!value.as_str().chars().any(|c| is_deceptive(c) || is_line_break(c)));
            prop_assert_eq!(value.shortened(bound), value.clone());
        }
    }
}
