//! What a statement allows or denies: patterns over the names of KMS operations, and which of them cover others.

use std::collections::BTreeMap;

use crate::json::Json;

/// The pattern that every other comes down to where it means all of KMS.
pub(crate) const ALL: &str = "kms:*";

/// A name of an AWS operation has fewer characters, so a pattern with more of them apart from `*` matches nothing. The
/// longest of KMS is `GenerateDataKeyPairWithoutPlaintext`, with 35.
const LONGEST_NAME: usize = 64;

/// Patterns in lower case (operations are not case-sensitive: IAM User Guide, IAM JSON policy elements: Action), with
/// the way they were written.
pub(crate) type Patterns = BTreeMap<String, String>;

/// The `Action` or `NotAction` of a statement.
#[derive(Clone, Debug)]
pub(crate) enum Actions {
    /// What matches one of these.
    Only(Patterns),
    /// What matches none of these.
    AllBut(Patterns),
}

impl Actions {
    /// Reads the element's value; `None` if it is not one.
    pub(crate) fn read(value: &Json, not: bool) -> Option<Self> {
        let mut patterns = Patterns::new();
        for item in value.items() {
            if let Some((key, written)) = pattern(item.text()?) {
                // One of several ways to write it, whatever their order.
                let kept = patterns.entry(key).or_insert_with(|| written.clone());
                if written < *kept {
                    *kept = written;
                }
            }
        }
        if patterns.contains_key(ALL) {
            patterns.retain(|key, _| key == ALL);
        }
        Some(match (not, patterns.is_empty()) {
            (false, _) => Self::Only(patterns),
            (true, true) => Self::Only(Patterns::from([(ALL.to_owned(), ALL.to_owned())])),
            (true, false) => Self::AllBut(patterns),
        })
    }

    /// Matches no operation of KMS.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Only(patterns) => patterns.is_empty(),
            Self::AllBut(patterns) => patterns.contains_key(ALL),
        }
    }

    /// Matches an operation, given in lower case.
    #[cfg(test)]
    pub(crate) fn matches(&self, operation: &str) -> bool {
        let any = |patterns: &Patterns| patterns.keys().any(|pattern| covers(pattern, operation));
        match self {
            Self::Only(patterns) => any(patterns),
            Self::AllBut(patterns) => !any(patterns),
        }
    }
}

/// A pattern in lower case and as written, both with `*` only once in a row; `None` if no operation of KMS matches it.
fn pattern(text: &str) -> Option<(String, String)> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'*' | b'?' | b'-' | b'_');
    if !text.bytes().all(legal) {
        return None;
    }
    let mut written = String::with_capacity(text.len());
    let mut fixed = 0;
    // Within a run of wildcards `?` goes first, so that equal patterns are equal texts.
    let mut star = false;
    for c in text.chars() {
        match c {
            '*' => star = true,
            '?' => {
                written.push(c);
                fixed += 1;
            }
            c => {
                if std::mem::take(&mut star) {
                    written.push('*');
                }
                written.push(c);
                fixed += 1;
            }
        }
        if fixed > LONGEST_NAME {
            return None;
        }
    }
    if star {
        written.push('*');
    }
    let key = written.to_ascii_lowercase();
    if covers(&key, ALL) {
        return Some((ALL.to_owned(), ALL.to_owned()));
    }
    if !reaches(key.as_bytes(), b"kms:") {
        return None;
    }
    if let Some(name) = key.strip_prefix("kms:") {
        written = format!("kms:{}", &written[written.len() - name.len()..]);
    }
    Some((key, written))
}

/// Some text that begins with `start` matches the pattern.
fn reaches(pattern: &[u8], start: &[u8]) -> bool {
    let (Some(first), Some(next)) = (pattern.first(), start.first()) else {
        return start.is_empty();
    };
    match first {
        b'*' => reaches(&pattern[1..], start) || reaches(pattern, &start[1..]),
        b'?' => reaches(&pattern[1..], &start[1..]),
        letter => letter == next && reaches(&pattern[1..], &start[1..]),
    }
}

/// Everything that matches `narrow` matches `wide`.
///
/// `narrow` is read as a text in which a `*` can be matched by a `*` alone. So it never says yes wrongly; it says no
/// where only several patterns together cover another.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    let (wide, narrow) = (wide.as_bytes(), narrow.as_bytes());
    let (mut w, mut n) = (0, 0);
    // After the last star seen, and how far it has taken the text in.
    let mut retry = None;
    while n < narrow.len() {
        match wide.get(w) {
            Some(b'*') => {
                w += 1;
                retry = Some((w, n));
            }
            Some(&letter) if letter == narrow[n] || (letter == b'?' && narrow[n] != b'*') => {
                w += 1;
                n += 1;
            }
            _ => {
                let Some((after, taken)) = retry else {
                    return false;
                };
                (w, n) = (after, taken + 1);
                retry = Some((after, n));
            }
        }
    }
    wide[w..].iter().all(|&b| b == b'*')
}

/// The pattern has a wildcard.
pub(crate) fn is_wild(pattern: &str) -> bool {
    pattern.contains(['*', '?'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str, not: bool) -> Option<Actions> {
        Actions::read(&serde_json::from_str(text).unwrap(), not)
    }

    fn written(text: &str) -> Vec<String> {
        match read(text, false).unwrap() {
            Actions::Only(patterns) => patterns.into_values().collect(),
            Actions::AllBut(_) => panic!(),
        }
    }

    #[test]
    fn patterns_are_normalised_and_what_is_not_of_kms_is_left_out() {
        for (text, patterns) in [
            (r#""kms:Decrypt""#, vec!["kms:Decrypt"]),
            (r#"["kms:Decrypt"]"#, vec!["kms:Decrypt"]),
            (
                r#"["kms:Decrypt","KMS:Decrypt","kms:decrypt"]"#,
                vec!["kms:Decrypt"],
            ),
            (r#"["kms:decrypt","kms:Decrypt"]"#, vec!["kms:Decrypt"]),
            (
                r#"["kms:Encrypt","kms:Decrypt"]"#,
                vec!["kms:Decrypt", "kms:Encrypt"],
            ),
            (r#""*""#, vec![ALL]),
            (r#""**""#, vec![ALL]),
            (r#""*:*""#, vec![ALL]),
            (r#""KMS:*""#, vec![ALL]),
            (r#""k*""#, vec![ALL]),
            (r#"["kms:Decrypt","kms:*"]"#, vec![ALL]),
            (r#""kms:*?*""#, vec!["kms:?*"]),
            (r#""kms:?*?""#, vec!["kms:??*"]),
            (r#""?ms:Put*""#, vec!["?ms:Put*"]),
            (r#""*PutKeyPolicy""#, vec!["*PutKeyPolicy"]),
            (r#"["s3:GetObject","kms:Sign"]"#, vec!["kms:Sign"]),
            (r#""s3:*""#, vec![]),
            (r#""kms""#, vec![]),
            (r#""kms Decrypt""#, vec![]),
            (r#""kms:Décrypt""#, vec![]),
            (r#""""#, vec![]),
            ("[]", vec![]),
        ] {
            assert_eq!(written(text), patterns, "{text}");
        }
        for wrong in ["null", "{}", r#"["kms:*",null]"#, r#"[["kms:*"]]"#] {
            assert!(read(wrong, false).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_pattern_longer_than_any_name_matches_nothing() {
        let long = |n: usize| format!(r#""kms:{}""#, "a".repeat(n));
        assert_eq!(written(&long(LONGEST_NAME - 4)).len(), 1);
        assert_eq!(written(&long(LONGEST_NAME - 3)).len(), 0);
        assert_eq!(written(&format!(r#""kms:{}""#, "*".repeat(500))), [ALL]);
    }

    #[test]
    fn operations_match_patterns_and_their_complement() {
        let put = "kms:putkeypolicy";
        for (text, only, all_but) in [
            (r#""kms:*""#, true, false),
            (r#""kms:Put*""#, true, false),
            (r#""kms:PutKeyPolic?""#, true, false),
            (r#""*:putkeypolicy""#, true, false),
            (r#"["kms:Decrypt","kms:PutKeyPolicy"]"#, true, false),
            (r#""kms:Put""#, false, true),
            (r#""kms:Decrypt""#, false, true),
            (r#""s3:*""#, false, true),
            ("[]", false, true),
        ] {
            assert_eq!(read(text, false).unwrap().matches(put), only, "{text}");
            assert_eq!(read(text, true).unwrap().matches(put), all_but, "{text}");
        }
        assert!(read(r#""*""#, true).unwrap().is_empty());
        assert!(!read(r#""s3:*""#, true).unwrap().is_empty());
        assert!(read(r#""s3:*""#, false).unwrap().is_empty());
    }

    #[test]
    fn one_pattern_covers_another() {
        for (wide, narrow, yes) in [
            ("kms:*", "kms:decrypt", true),
            ("kms:*", "kms:d*", true),
            ("kms:d*", "kms:*", false),
            ("kms:d*", "kms:d*", true),
            ("kms:?ecrypt", "kms:decrypt", true),
            ("kms:?ecrypt", "kms:*ecrypt", false),
            ("kms:*ecrypt", "kms:?ecrypt", true),
            ("kms:*key*", "kms:generatedatakeypair", true),
            ("kms:*key", "kms:generatedatakeypair", false),
            ("kms:generatedatakey*", "kms:generatedatakey", true),
            ("kms:decrypt", "kms:decryp", false),
        ] {
            assert_eq!(covers(wide, narrow), yes, "{wide} {narrow}");
        }
    }

    proptest! {
        #[test]
        fn covering_is_never_claimed_wrongly(wide in "[ab*?]{0,6}", narrow in "[ab*?]{0,6}", text in "[ab]{0,6}") {
            if covers(&wide, &narrow) && covers(&narrow, &text) {
                prop_assert!(covers(&wide, &text));
            }
        }

        #[test]
        fn a_pattern_is_left_out_only_if_it_matches_no_operation(
            text in "[kms:*?PutKey]{0,12}", operation in "kms:[PutKeys]{1,8}",
        ) {
            let operation = operation.to_ascii_lowercase();
            let naive = covers(&text.to_ascii_lowercase(), &operation);
            let read = Actions::read(&Json::Text(text), false).unwrap();
            prop_assert_eq!(read.matches(&operation), naive);
        }
    }
}
