//! The language of CloudWatch Metrics Insights (CloudWatch User Guide, Metrics Insights query components and syntax), as
//! far as it tells what an alarm watches.

use super::json::{Labels, MOST_LABELS};
use crate::text::Untrusted;

/// Longest query that is looked at, in tokens. An alarm's expression has 2,048 characters at most.
const MOST_TOKENS: usize = 2_048;

/// What a Metrics Insights query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// The metric between the function's brackets.
    pub metric: Option<Untrusted>,
    /// The namespace in `FROM`, also inside `SCHEMA(…)`.
    pub namespace: Option<Untrusted>,
    /// Labels that must have a certain value. Empty where `WHERE` says more than `=`, `!=` and `AND`.
    pub filters: Labels,
    /// The labels of `GROUP BY`; `None` without one.
    pub group_by: Option<Vec<Untrusted>>,
}

impl Select {
    /// Reads an expression of an alarm; `None` if it is metric math.
    pub(super) fn read(expression: &str) -> Option<Self> {
        let tokens = tokens(expression);
        let clauses = Clauses(&tokens);
        if !tokens.first()?.is_word("SELECT") {
            return None;
        }
        let from = clauses.find("FROM")?;
        let metric = match clauses.find("SELECT")? {
            [Token::Word(_), Token::Symbol('('), metric @ ..] => label(metric),
            _ => None,
        };
        let namespace = match from {
            [schema, Token::Symbol('('), namespace @ ..] if schema.is_word("SCHEMA") => {
                label(namespace)
            }
            namespace => label(namespace),
        };
        let group_by = clauses.find("GROUP").and_then(|tokens| match tokens {
            [by, labels @ ..] if by.is_word("BY") => Some(labels),
            _ => None,
        });
        Some(Self {
            metric: metric.and_then(|(name, _)| name.non_empty()),
            namespace: namespace.and_then(|(name, _)| name.non_empty()),
            filters: clauses
                .find("WHERE")
                .and_then(equalities)
                .unwrap_or_default(),
            group_by: group_by.map(labels),
        })
    }
}

/// The expression calls the function, which is not so if the name stands between quotation marks.
pub(super) fn calls(expression: &str, function: &str) -> bool {
    tokens(expression)
        .windows(2)
        .any(|pair| matches!(pair, [name, Token::Symbol('(')] if name.is_word(function)))
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// A keyword, a function, or an identifier that needs no quotation marks.
    Word(String),
    /// An identifier between double quotation marks.
    Name(String),
    /// A value between single quotation marks.
    Literal(String),
    Symbol(char),
}

impl Token {
    /// Keywords are not case-sensitive.
    fn is_word(&self, wanted: &str) -> bool {
        matches!(self, Self::Word(word) if word.eq_ignore_ascii_case(wanted))
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if tokens.len() == MOST_TOKENS {
            break;
        }
        match c {
            c if c.is_whitespace() || c == ';' => {}
            '"' => tokens.push(Token::Name(quoted(&mut rest, '"'))),
            '\'' => tokens.push(Token::Literal(quoted(&mut rest, '\''))),
            c if is_word_character(c) => {
                let mut word = String::from(c);
                while let Some(c) = rest.next_if(|c| is_word_character(*c)) {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            c => tokens.push(Token::Symbol(c)),
        }
    }
    tokens
}

/// With the dot of `AWS.AccountId` and `tag."…"`.
fn is_word_character(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.')
}

/// Up to the closing mark; a backslash takes the meaning from the mark that follows it.
fn quoted(rest: &mut impl Iterator<Item = char>, mark: char) -> String {
    let mut value = String::new();
    while let Some(c) = rest.next() {
        match c {
            c if c == mark => break,
            '\\' => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    value
}

/// A query as clauses, each of which begins with a keyword outside of all brackets.
struct Clauses<'a>(&'a [Token]);

impl<'a> Clauses<'a> {
    /// What follows the keyword, up to the next clause.
    fn find(&self, keyword: &str) -> Option<&'a [Token]> {
        const KEYWORDS: [&str; 6] = ["SELECT", "FROM", "WHERE", "GROUP", "ORDER", "LIMIT"];
        let mut depth = 0_usize;
        let mut start = None;
        for (i, token) in self.0.iter().enumerate() {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth = depth.saturating_sub(1),
                token if depth == 0 && KEYWORDS.iter().any(|word| token.is_word(word)) => {
                    if let Some(start) = start {
                        return self.0.get(start..i);
                    }
                    if token.is_word(keyword) {
                        start = Some(i + 1);
                    }
                }
                _ => {}
            }
        }
        self.0.get(start?..)
    }
}

/// An identifier, and what follows it.
fn label(tokens: &[Token]) -> Option<(Untrusted, &[Token])> {
    match tokens {
        [Token::Word(prefix), Token::Name(name), rest @ ..] if prefix.ends_with('.') => {
            Some((Untrusted::new(&format!("{prefix}{name}")), rest))
        }
        [Token::Word(name) | Token::Name(name), rest @ ..] => Some((Untrusted::new(name), rest)),
        _ => None,
    }
}

/// The labels of a list, as far as it can be read.
fn labels(mut tokens: &[Token]) -> Vec<Untrusted> {
    let mut labels = Vec::new();
    while let Some((name, rest)) = label(tokens).filter(|_| labels.len() < MOST_LABELS) {
        labels.push(name);
        match rest {
            [Token::Symbol(','), rest @ ..] => tokens = rest,
            _ => break,
        }
    }
    labels
}

/// The conditions with `=`. `None` if there is anything but comparisons that all must hold: then no single value is
/// sure to be the one that is watched.
fn equalities(mut tokens: &[Token]) -> Option<Labels> {
    let mut found = Labels::new();
    loop {
        let (name, comparison) = label(tokens)?;
        let rest = match comparison {
            [Token::Symbol('='), Token::Literal(value), rest @ ..] => {
                if found.len() < MOST_LABELS {
                    found.insert(name, Untrusted::new(value));
                }
                rest
            }
            [
                Token::Symbol('!'),
                Token::Symbol('='),
                Token::Literal(_),
                rest @ ..,
            ] => rest,
            _ => return None,
        };
        match rest {
            [] => return Some(found),
            [and, rest @ ..] if and.is_word("AND") => tokens = rest,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(expression: &str) -> Select {
        Select::read(expression).unwrap_or_else(|| panic!("{expression}"))
    }

    /// A query in one line: what is read of it.
    fn shown(query: &Select) -> String {
        let text = |value: &Option<Untrusted>| {
            value
                .as_ref()
                .map_or("-", |value| value.as_str())
                .to_owned()
        };
        let filters: Vec<_> = query
            .filters
            .iter()
            .map(|(name, value)| format!("{}={}", name.as_str(), value.as_str()))
            .collect();
        let group_by = query.group_by.as_ref().map_or("-".to_owned(), |labels| {
            let labels: Vec<_> = labels.iter().map(Untrusted::as_str).collect();
            format!("[{}]", labels.join(" "))
        });
        format!(
            "{} of {} where [{}] by {group_by}",
            text(&query.metric),
            text(&query.namespace),
            filters.join(" ")
        )
    }

    #[test]
    fn queries_are_read() {
        for (expression, expected) in [
            (
                r#"SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA("AWS/KMS", KeyId) GROUP BY KeyId ORDER BY MIN() ASC"#,
                "SecondsUntilKeyMaterialExpiration of AWS/KMS where [] by [KeyId]",
            ),
            (
                r#"SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA("AWS/KMS", KeyId)"#,
                "SecondsUntilKeyMaterialExpiration of AWS/KMS where [] by -",
            ),
            (
                r#"SELECT SUM("X") FROM "AWS/KMS" WHERE "CustomKeyStoreId" = 'cks-1' AND ErrorType!='N/A' LIMIT 5;"#,
                "X of AWS/KMS where [CustomKeyStoreId=cks-1] by -",
            ),
            (
                "  select\n\tmax ( X )\r\nfrom\nNs\nwhere a='1'and b = '2'\ngroup\n  by a , \"b c\",c order by max() desc limit 10",
                "X of Ns where [a=1 b=2] by [a b c c]",
            ),
            (
                r#"SELECT AVG(X) FROM Ns WHERE AWS.AccountId = '111122223333' AND tag."Owner Team" = 'a' GROUP BY tag."Owner Team", AWS.AccountId"#,
                "X of Ns where [AWS.AccountId=111122223333 tag.Owner Team=a] by [tag.Owner Team AWS.AccountId]",
            ),
            (
                r#"SELECT COUNT(*) FROM "AWS/KMS""#,
                "- of AWS/KMS where [] by -",
            ),
        ] {
            assert_eq!(shown(&read(expression)), expected, "{expression}");
        }
    }

    #[test]
    fn keywords_between_quotation_marks_and_brackets_are_values() {
        for (expression, expected) in [
            (
                r#"SELECT MIN(X) FROM SCHEMA("ns GROUP BY a", k) WHERE "GROUP" = 'GROUP BY b' AND d = 'it\'s GROUP BY c'"#,
                "X of ns GROUP BY a where [GROUP=GROUP BY b d=it's GROUP BY c] by -",
            ),
            (
                r#"SELECT MIN("X\" GROUP BY a") FROM "FROM""#,
                r#"X" GROUP BY a of FROM where [] by -"#,
            ),
            (
                r#"SELECT MIN(X) FROM SCHEMA("ns", GROUP, BY) ORDER BY MIN()"#,
                "X of ns where [] by -",
            ),
            (
                r#"SELECT MIN(X) FROM ns GROUP BY "ORDER", "LIMIT""#,
                "X of ns where [] by [ORDER LIMIT]",
            ),
        ] {
            assert_eq!(shown(&read(expression)), expected, "{expression}");
        }
    }

    #[test]
    fn a_value_that_need_not_hold_is_none() {
        for condition in [
            "KeyId = 'a' OR KeyId = 'b'",
            "(KeyId = 'a')",
            "NOT KeyId = 'a'",
            "KeyId IN ('a')",
            "KeyId > 'a'",
            "KeyId = a",
            "KeyId =",
            "KeyId = 'a' AND",
            "= 'a'",
            "",
        ] {
            let expression = format!("SELECT MIN(X) FROM ns WHERE {condition} GROUP BY KeyId");
            assert_eq!(
                shown(&read(&expression)),
                "X of ns where [] by [KeyId]",
                "{expression}"
            );
        }
    }

    #[test]
    fn metric_math_is_no_query() {
        for expression in [
            "",
            "usage/SERVICE_QUOTA(usage)*100",
            "ANOMALY_DETECTION_BAND(m1, 2)",
            "select*2",
            "SELECT",
            "SELECT MIN(X)",
            "SELECT MIN(X FROM ns",
            "'SELECT MIN(X) FROM ns'",
            r#""SELECT" MIN(X) FROM ns"#,
            "SELECTED MIN(X) FROM ns",
        ] {
            assert_eq!(Select::read(expression), None, "{expression}");
        }
    }

    #[test]
    fn what_is_damaged_is_left_out() {
        for (expression, expected) in [
            ("SELECT MIN(X) FROM", "X of - where [] by -"),
            ("SELECT X FROM ns", "- of ns where [] by -"),
            ("SELECT MIN() FROM SCHEMA()", "- of - where [] by -"),
            ("SELECT MIN(\"\") FROM \"ns", "- of ns where [] by -"),
            ("SELECT MIN(X) FROM ns GROUP KeyId", "X of ns where [] by -"),
            ("SELECT MIN(X) FROM ns GROUP BY", "X of ns where [] by []"),
            (
                "SELECT MIN(X) FROM ns GROUP BY a,",
                "X of ns where [] by [a]",
            ),
            ("SELECT MIN(X) ) FROM ns", "X of ns where [] by -"),
        ] {
            assert_eq!(shown(&read(expression)), expected, "{expression}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let labels: Vec<_> = (0..500).map(|i| format!("l{i}")).collect();
        let conditions: Vec<_> = labels.iter().map(|l| format!("{l} = 'v'")).collect();
        let query = read(&format!(
            "SELECT MIN(X) FROM ns GROUP BY {}",
            labels.join(",")
        ));
        assert_eq!(query.group_by.map(|labels| labels.len()), Some(MOST_LABELS));
        let query = read(&format!(
            "SELECT MIN(X) FROM ns WHERE {}",
            conditions[..400].join(" AND ")
        ));
        assert_eq!(query.filters.len(), MOST_LABELS);
        assert_eq!(tokens(&"a ".repeat(100_000)).len(), MOST_TOKENS);
    }

    #[test]
    fn a_function_is_called_only_outside_of_quotation_marks() {
        for (expression, called) in [
            ("ANOMALY_DETECTION_BAND(m1, 2)", true),
            ("FILL(anomaly_detection_band (m1), 0)", true),
            ("ANOMALY_DETECTION_BAND + 1", false),
            ("'ANOMALY_DETECTION_BAND('", false),
            ("MY_ANOMALY_DETECTION_BAND(m1)", false),
            ("ANOMALY_DETECTION_BAND", false),
        ] {
            assert_eq!(
                calls(expression, "ANOMALY_DETECTION_BAND"),
                called,
                "{expression}"
            );
        }
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            words in prop::collection::vec(
                prop_oneof![
                    Just("SELECT".to_owned()), Just("FROM".to_owned()), Just("WHERE".to_owned()),
                    Just("GROUP BY".to_owned()), Just("SCHEMA".to_owned()), Just("AND".to_owned()),
                    Just("tag.".to_owned()), "[(),='\"\\\\!.;]", any::<String>(),
                ],
                0..24,
            )
        ) {
            let _ = Select::read(&words.join(" "));
            let _ = Select::read(&format!("SELECT MIN(X) FROM ns {}", words.concat()));
            let _ = calls(&words.concat(), "SELECT");
        }
    }
}
