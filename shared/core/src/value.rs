//! How a value of others stands among our own words: between delimiters that it cannot contain, and with its letters told
//! apart from those that look the same.

/// The value as it stands in a text: bare if it is one plain word, which blanks of ours delimit, else between double
/// quotes, of which it has none left. `in_quotes`: our own words put it between quotes already.
pub(crate) fn delimited(value: &str, in_quotes: bool) -> String {
    let shown: String = revealed(value).chars().map(unquoted).collect();
    if in_quotes || shown.is_empty() || is_word(&shown) || is_name(&shown) {
        shown
    } else {
        format!("\"{shown}\"")
    }
}

/// A word that no sentence can begin or end in.
fn is_word(value: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-/.:+=@,".contains(c);
    value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && value.chars().all(plain)
}

/// What we call who and what has no name of its own: two or three words of ours, and an id.
fn is_name(value: &str) -> bool {
    const WHOLE: [&str; 2] = ["AWS KMS", "an AWS service"];
    const BEFORE_AN_ID: [&str; 4] = [
        "ROOT of account ",
        "account ",
        "Identity Center user ",
        "key ",
    ];
    let is_id =
        |id: &str| id.contains(|c: char| c.is_ascii_digit()) && is_word(id) && !id.contains('.');
    let mut prefixes = BEFORE_AN_ID.iter();
    WHOLE.contains(&value) || prefixes.any(|words| value.strip_prefix(words).is_some_and(is_id))
}

/// What closes a quotation, or looks as if it did, is an apostrophe.
fn unquoted(c: char) -> char {
    match c {
        '"'
        | '\u{AB}'
        | '\u{BB}'
        | '\u{2BA}'
        | '\u{2DD}'
        | '\u{2EE}'
        | '\u{2033}'
        | '\u{2036}'
        | '\u{2039}'
        | '\u{203A}'
        | '\u{201C}'..='\u{201F}'
        | '\u{275D}'
        | '\u{275E}'
        | '\u{301D}'..='\u{301F}' => '\'',
        _ => c,
    }
}

/// Letters that look like others are written as their code where nobody could tell: `te\u{430}m-pay`. A word that is of one
/// script, and could not be read as a word of Latin letters, stays as it is.
pub(crate) fn revealed(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for (at, word) in value.split(' ').enumerate() {
        if at > 0 {
            shown.push(' ');
        }
        let mut others = word
            .chars()
            .filter(|c| is_of_lookalike_script(*c))
            .peekable();
        let is_mixed = word.chars().any(is_latin);
        let is_disguised = others.peek().is_some() && (is_mixed || others.all(looks_latin));
        for c in word.chars() {
            if is_styled(c) || (is_disguised && is_of_lookalike_script(c)) {
                shown.extend(c.escape_unicode());
            } else {
                shown.push(c);
            }
        }
    }
    shown
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic()
        || (matches!(c, '\u{C0}'..='\u{24F}' | '\u{1E00}'..='\u{1EFF}') && c.is_alphabetic())
}

/// Scripts with letters that look like Latin ones (Unicode Technical Standard 39, confusables).
fn is_of_lookalike_script(c: char) -> bool {
    matches!(c,
        // Phonetic letters, Greek, Cyrillic, Armenian.
        '\u{250}'..='\u{2AF}' | '\u{370}'..='\u{58F}'
        // Cherokee, Canadian syllables, phonetic and Cyrillic additions.
        | '\u{13A0}'..='\u{167F}' | '\u{1C80}'..='\u{1C8F}' | '\u{1D00}'..='\u{1DBF}'
        // Greek with accents, Coptic, more Cyrillic, Lisu, Cherokee in small.
        | '\u{1F00}'..='\u{1FFF}' | '\u{2C80}'..='\u{2CFF}' | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A4D0}'..='\u{A4FF}' | '\u{A640}'..='\u{A69F}' | '\u{AB30}'..='\u{ABBF}'
        // Deseret and other scripts of the kind.
        | '\u{10280}'..='\u{104FF}' | '\u{118A0}'..='\u{118FF}')
}

/// Cyrillic and Greek letters that nobody can tell from Latin ones.
fn looks_latin(c: char) -> bool {
    "авекмнорстухѕіјԁԛԝһӏАВЕЗКМНОРСТУХЅІЈҮԌԚԜӀαικνορτυχϲϳΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϺ".contains(c)
}

/// Latin letters, digits and signs in another dress: letterlike, enclosed, mathematical, full width; and small or half
/// signs of the same kind.
fn is_styled(c: char) -> bool {
    matches!(c, '\u{2024}' | '\u{2044}' | '\u{2215}' | '\u{29F8}' | '\u{A789}' | '\u{FF61}'
        | '\u{2460}'..='\u{24FF}' | '\u{FE50}'..='\u{FE6B}' | '\u{FF01}'..='\u{FF5E}'
        | '\u{1D400}'..='\u{1D7FF}' | '\u{1F110}'..='\u{1F189}')
        || (matches!(c, '\u{2100}'..='\u{214F}') && c.is_alphabetic() && c != '\u{2126}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_stands_between_delimiters_that_it_cannot_contain() {
        for (value, shown) in [
            // One plain word needs no more than our blanks.
            ("alias/payments", "alias/payments"),
            ("KeyAdmin/j.okafor", "KeyAdmin/j.okafor"),
            ("maria@example.com", "maria@example.com"),
            ("2001:db8::1", "2001:db8::1"),
            (
                "arn:aws:iam::111122223333:role/x",
                "arn:aws:iam::111122223333:role/x",
            ),
            ("", ""),
            (
                "ROOT of account 111122223333",
                "ROOT of account 111122223333",
            ),
            ("AWS KMS", "AWS KMS"),
            ("account closed", "\"account closed\""),
            // What could end a sentence, or begin one, is quoted.
            ("x.", "\"x.\""),
            ("x:", "\"x:\""),
            ("-x", "\"-x\""),
            ("kms:*", "\"kms:*\""),
            ("two words", "\"two words\""),
            ("<b>", "\"<b>\""),
            ("größe", "\"größe\""),
            ("cut…", "\"cut…\""),
            // No quotation ends early.
            (
                "x\". The deletion was cancelled by the owner; nothing to do. \"",
                "\"x'. The deletion was cancelled by the owner; nothing to do. '\"",
            ),
            ("x” (LOW)", "\"x' (LOW)\""),
            ("„x“ «y» ‹z›", "\"'x' 'y' 'z'\""),
            ("x＂ y", "\"x\\u{ff02} y\""),
            ("x″y 〞", "\"x'y '\""),
        ] {
            assert_eq!(delimited(value, false), shown, "{value}");
        }
        assert_eq!(delimited("two \"words\"", true), "two 'words'");
    }

    #[test]
    fn letters_that_look_like_others_are_shown_by_their_code() {
        for (value, shown) in [
            ("te\u{430}m-pay", "te\\u{430}m-pay"),
            ("\u{440}\u{430}\u{443}", "\\u{440}\\u{430}\\u{443}"),
            (
                "team-\u{440}\u{430}\u{443}",
                "team-\\u{440}\\u{430}\\u{443}",
            ),
            ("p\u{3bf}licy", "p\\u{3bf}licy"),
            ("\u{391}dmin", "\\u{391}dmin"),
            ("\u{13a0}dmin", "\\u{13a0}dmin"),
            ("p\u{251}y", "p\\u{251}y"),
            ("\u{ff50}ay", "\\u{ff50}ay"),
            ("\u{1d429}ay", "\\u{1d429}ay"),
            ("evil\u{ff0e}com", "evil\\u{ff0e}com"),
            ("evil.com\u{2044}x", "evil.com\\u{2044}x"),
            ("\u{212a}ey", "\\u{212a}ey"),
            // Words of one script that say so themselves.
            ("Ключ платежей для team-pay", "Ключ платежей для team-pay"),
            ("κλειδί", "κλειδί"),
            ("支払い key", "支払い key"),
            ("مفتاح x", "مفتاح x"),
            ("5 Ω", "5 Ω"),
        ] {
            let quoted = format!("\"{shown}\"");
            assert_eq!(delimited(value, false), quoted, "{value}");
        }
    }
}
