//! A part of AWS Config's query language: `SELECT a, b WHERE p = 'x' AND (q IN ('y', 'z') OR NOT r = 'w')`.

use std::iter::Peekable;
use std::vec::IntoIter;

use serde_json::Value;

/// What is selected, and of which resources.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) fields: Vec<String>,
    condition: Option<Condition>,
}

#[derive(Debug)]
enum Condition {
    /// A property is one of these.
    In(String, Vec<String>),
    Not(Box<Self>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

#[derive(Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(char),
}

type Tokens = Peekable<IntoIter<Token>>;

impl Query {
    pub(super) fn parse(expression: &str) -> Result<Self, String> {
        let mut tokens = tokens(expression)?.into_iter().peekable();
        expect(&mut tokens, "SELECT")?;
        let mut fields = vec![word(&mut tokens)?];
        while takes(&mut tokens, &Token::Sign(',')) {
            fields.push(word(&mut tokens)?);
        }
        let condition = match tokens.peek() {
            None => None,
            Some(_) => {
                expect(&mut tokens, "WHERE")?;
                Some(any(&mut tokens)?)
            }
        };
        match tokens.next() {
            None => Ok(Self { fields, condition }),
            Some(token) => Err(format!("unexpected {token:?}")),
        }
    }

    pub(super) fn selects(&self, item: &Value) -> bool {
        let condition = self.condition.as_ref();
        condition.is_none_or(|condition| condition.holds(item))
    }
}

impl Condition {
    fn holds(&self, item: &Value) -> bool {
        match self {
            Self::In(path, wanted) => has(item, path, wanted),
            Self::Not(condition) => !condition.holds(item),
            Self::All(conditions) => conditions.iter().all(|it| it.holds(item)),
            Self::Any(conditions) => conditions.iter().any(|it| it.holds(item)),
        }
    }
}

/// Whether a property has one of these values; of a list, whether any of its elements has.
fn has(value: &Value, path: &str, wanted: &[String]) -> bool {
    if let Value::Array(elements) = value {
        return elements.iter().any(|it| has(it, path, wanted));
    }
    if path.is_empty() {
        return value
            .as_str()
            .is_some_and(|it| wanted.iter().any(|wanted| wanted == it));
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    has(&value[name], rest, wanted)
}

fn any(tokens: &mut Tokens) -> Result<Condition, String> {
    let mut conditions = vec![all(tokens)?];
    while takes(tokens, &Token::Word("OR".to_owned())) {
        conditions.push(all(tokens)?);
    }
    Ok(Condition::Any(conditions))
}

fn all(tokens: &mut Tokens) -> Result<Condition, String> {
    let mut conditions = vec![one(tokens)?];
    while takes(tokens, &Token::Word("AND".to_owned())) {
        conditions.push(one(tokens)?);
    }
    Ok(Condition::All(conditions))
}

fn one(tokens: &mut Tokens) -> Result<Condition, String> {
    if takes(tokens, &Token::Word("NOT".to_owned())) {
        return Ok(Condition::Not(Box::new(one(tokens)?)));
    }
    if takes(tokens, &Token::Sign('(')) {
        let condition = any(tokens)?;
        sign(tokens, ')')?;
        return Ok(condition);
    }
    let path = word(tokens)?;
    if takes(tokens, &Token::Sign('=')) {
        return Ok(Condition::In(path, vec![text(tokens)?]));
    }
    expect(tokens, "IN")?;
    sign(tokens, '(')?;
    let mut values = vec![text(tokens)?];
    while takes(tokens, &Token::Sign(',')) {
        values.push(text(tokens)?);
    }
    sign(tokens, ')')?;
    Ok(Condition::In(path, values))
}

fn takes(tokens: &mut Tokens, wanted: &Token) -> bool {
    tokens.next_if(|token| token == wanted).is_some()
}

fn expect(tokens: &mut Tokens, wanted: &str) -> Result<(), String> {
    match tokens.next() {
        Some(Token::Word(word)) if word == wanted => Ok(()),
        other => Err(format!("expected {wanted}, not {other:?}")),
    }
}

fn sign(tokens: &mut Tokens, wanted: char) -> Result<(), String> {
    match tokens.next() {
        Some(Token::Sign(sign)) if sign == wanted => Ok(()),
        other => Err(format!("expected {wanted}, not {other:?}")),
    }
}

fn word(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Word(word)) => Ok(word),
        other => Err(format!("expected a property, not {other:?}")),
    }
}

fn text(tokens: &mut Tokens) -> Result<String, String> {
    match tokens.next() {
        Some(Token::Text(text)) => Ok(text),
        other => Err(format!("expected a value, not {other:?}")),
    }
}

fn tokens(expression: &str) -> Result<Vec<Token>, String> {
    let of_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-');
    let mut tokens = Vec::new();
    let mut rest = expression.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let end = rest[1..].find('\'').ok_or("a value has no end")?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
        } else if of_word(first) {
            let end = rest.find(|c| !of_word(c)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if "(),=".contains(first) {
            tokens.push(Token::Sign(first));
            rest = &rest[1..];
        } else {
            return Err(format!("unexpected {first:?}"));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selects(condition: &str) -> bool {
        let query = Query::parse(&format!("SELECT resourceId, arn WHERE {condition}")).unwrap();
        query.selects(&json!({
            "resourceType": "AWS::EC2::Volume",
            "configuration": {"kmsKeyId": "k", "replicas": [{"key": "a"}, {"key": "b"}]},
        }))
    }

    #[test]
    fn conditions_are_put_together_as_in_sql() {
        for (condition, holds) in [
            ("configuration.kmsKeyId = 'k'", true),
            ("configuration.kmsKeyId = 'j'", false),
            ("configuration.kmsKeyId IN ('j', 'k')", true),
            ("configuration.replicas.key = 'b'", true),
            ("configuration.other.key = 'b'", false),
            ("resourceType = 'x' OR configuration.kmsKeyId = 'k'", true),
            ("resourceType = 'x' AND configuration.kmsKeyId = 'k'", false),
            (
                "configuration.kmsKeyId = 'k' OR resourceType = 'x' AND resourceType = 'y'",
                true,
            ),
            (
                "(configuration.kmsKeyId = 'k' OR resourceType = 'x') AND resourceType = 'y'",
                false,
            ),
            ("NOT resourceType = 'x'", true),
        ] {
            assert_eq!(selects(condition), holds, "{condition}");
        }
        assert!(
            Query::parse("SELECT resourceId")
                .unwrap()
                .selects(&json!({}))
        );
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for wrong in [
            "",
            "SELECT",
            "SELECT a WHERE",
            "SELECT a WHERE b = 'c",
            "SELECT a WHERE b = c",
            "SELECT a WHERE b IN ()",
            "SELECT a WHERE (b = 'c'",
            "SELECT a WHERE b = 'c' d",
            "SELECT a; DROP",
        ] {
            assert!(Query::parse(wrong).is_err(), "{wrong}");
        }
    }
}
