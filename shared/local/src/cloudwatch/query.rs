//! Metrics Insights queries, as far as alarms have them (CloudWatch User Guide, "Metrics Insights query components and
//! syntax").

/// `SELECT MIN(metric) FROM SCHEMA("namespace", dimension) WHERE d = 'v' GROUP BY d ORDER BY MIN() ASC LIMIT n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) function: String,
    pub(super) metric: String,
    pub(super) namespace: String,
    /// Dimension, value, and whether it has to be equal.
    pub(super) conditions: Vec<(String, String, bool)>,
    pub(super) group_by: Vec<String>,
    pub(super) ordered: bool,
}

const FUNCTIONS: &[&str] = &["AVG", "COUNT", "MAX", "MIN", "SUM"];

impl Query {
    /// `None` if it is no query, or a wrong one.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut words = Words::new(text)?;
        words.keyword("SELECT")?;
        let function = words.next()?.to_uppercase();
        if !FUNCTIONS.contains(&function.as_str()) {
            return None;
        }
        words.exactly("(")?;
        let metric = words.next()?;
        words.exactly(")")?;
        words.keyword("FROM")?;
        let mut namespace = words.next()?;
        if namespace.eq_ignore_ascii_case("SCHEMA") {
            words.exactly("(")?;
            namespace = words.next()?;
            while words.exactly(",").is_some() {
                words.next()?;
            }
            words.exactly(")")?;
        }
        let mut query = Self {
            function,
            metric,
            namespace,
            conditions: Vec::new(),
            group_by: Vec::new(),
            ordered: false,
        };
        if words.keyword("WHERE").is_some() {
            loop {
                let dimension = words.next()?;
                let equal = words.exactly("=").is_some();
                if !equal {
                    words.exactly("!=")?;
                }
                query.conditions.push((dimension, words.next()?, equal));
                if words.keyword("AND").is_none() {
                    break;
                }
            }
        }
        if words.keyword("GROUP").is_some() {
            words.keyword("BY")?;
            query.group_by.push(words.next()?);
            while words.exactly(",").is_some() {
                query.group_by.push(words.next()?);
            }
        }
        if words.keyword("ORDER").is_some() {
            words.keyword("BY")?;
            words.next()?;
            words.exactly("(")?;
            words.exactly(")")?;
            let _ = words.keyword("ASC").or_else(|| words.keyword("DESC"));
            query.ordered = true;
        }
        if words.keyword("LIMIT").is_some() {
            words.next()?.parse::<u32>().ok()?;
        }
        words.is_empty().then_some(query)
    }
}

/// Names, texts and signs.
struct Words(std::iter::Peekable<std::vec::IntoIter<String>>);

impl Words {
    fn new(text: &str) -> Option<Self> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (word, length) = match first {
                '"' | '\'' => {
                    let end = rest[1..].find(first)?;
                    (rest[1..=end].to_owned(), end + 2)
                }
                '!' if rest.starts_with("!=") => ("!=".to_owned(), 2),
                '(' | ')' | ',' | '=' => (first.to_string(), 1),
                _ => {
                    let end = rest
                        .find(|c: char| c.is_whitespace() || "(),=!\"'".contains(c))
                        .unwrap_or(rest.len());
                    if end == 0 {
                        return None;
                    }
                    (rest[..end].to_owned(), end)
                }
            };
            words.push(word);
            rest = rest[length..].trim_start();
        }
        Some(Self(words.into_iter().peekable()))
    }

    fn next(&mut self) -> Option<String> {
        self.0.next()
    }

    fn keyword(&mut self, wanted: &str) -> Option<String> {
        self.0.next_if(|word| word.eq_ignore_ascii_case(wanted))
    }

    fn exactly(&mut self, wanted: &str) -> Option<String> {
        self.0.next_if(|word| word == wanted)
    }

    fn is_empty(&mut self) -> bool {
        self.0.peek().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_in_their_parts() {
        let text = r#"SELECT MIN(SecondsUntilKeyMaterialExpiration) FROM SCHEMA("AWS/KMS", KeyId)
            WHERE KeyId != 'a' AND KeyId != 'b' GROUP BY KeyId ORDER BY MIN() ASC LIMIT 10"#;
        let query = Query::parse(text).unwrap();
        assert_eq!(
            (query.function.as_str(), query.metric.as_str()),
            ("MIN", "SecondsUntilKeyMaterialExpiration")
        );
        assert_eq!(query.namespace, "AWS/KMS");
        assert_eq!(query.conditions.len(), 2);
        assert_eq!(query.group_by, ["KeyId"]);
        assert!(query.ordered);
        let short = Query::parse(r#"select max(x) from "My/App""#).unwrap();
        assert_eq!(short.namespace, "My/App");
        for bad in [
            "m1 + m2",
            "SELECT MED(x) FROM a",
            "SELECT MIN(x) FROM a GROUP",
            "SELECT MIN(x FROM a",
        ] {
            assert_eq!(Query::parse(bad), None, "{bad}");
        }
    }
}
