//! The language of expressions: from words to operands, conditions, updates and projections.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    error::Error,
    expression::{Action, Comparator, Condition, Operand},
    path::{Path, Step},
    placeholders::Placeholders,
    reserved::is_reserved,
    value::Attribute,
    words::{Token, syntax_error, tokens},
};

/// The longest expression (Developer Guide, "Quotas").
const MAX_LENGTH: usize = 4096;

/// Reads the condition of a request member, if there is one.
pub(super) fn condition(
    request: &Value,
    member: &'static str,
    placeholders: &mut Placeholders,
) -> Result<Option<Condition>, Error> {
    parse(request, member, placeholders, Parser::or)
}

pub(super) fn update(
    request: &Value,
    placeholders: &mut Placeholders,
) -> Result<Vec<Action>, Error> {
    let actions = parse(request, "UpdateExpression", placeholders, Parser::update)?;
    Ok(actions.unwrap_or_default())
}

pub(super) fn projection(
    request: &Value,
    placeholders: &mut Placeholders,
) -> Result<Option<Vec<Path>>, Error> {
    let member = "ProjectionExpression";
    let paths = parse(request, member, placeholders, |parser| {
        parser.list(Parser::path)
    })?;
    if let Some(paths) = &paths {
        check_overlaps(member, paths.iter())?;
    }
    Ok(paths)
}

pub(super) fn check_overlaps<'p>(
    member: &str,
    paths: impl Iterator<Item = &'p Path>,
) -> Result<(), Error> {
    let mut seen: Vec<&Path> = Vec::new();
    for path in paths {
        if let Some(other) = seen.iter().find(|other| other.overlaps(path)) {
            return Err(Error::expression(
                member,
                format!(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths; \
                     path one: {other}, path two: {path}"
                ),
            ));
        }
        seen.push(path);
    }
    Ok(())
}

fn parse<'p, T>(
    request: &Value,
    member: &'static str,
    placeholders: &'p mut Placeholders,
    rule: impl FnOnce(&mut Parser<'p>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let text = match &request[member] {
        Value::Null => return Ok(None),
        Value::String(text) => text,
        _ => return Err(Error::serialization("An expression is a string")),
    };
    if text.trim().is_empty() {
        return Err(Error::expression(
            member,
            "The expression can not be empty;",
        ));
    }
    if text.len() > MAX_LENGTH {
        return Err(Error::expression(
            member,
            "Expression size has exceeded the maximum allowed size;",
        ));
    }
    let mut parser = Parser {
        member,
        tokens: tokens(member, text)?,
        next: 0,
        placeholders,
    };
    let parsed = rule(&mut parser)?;
    match parser.peek() {
        None => Ok(Some(parsed)),
        Some(_) => Err(parser.syntax()),
    }
}

/// An entry of a clause of an update.
type Clause<P> = fn(&mut P) -> Result<Action, Error>;

struct Parser<'p> {
    member: &'static str,
    tokens: Vec<Token>,
    next: usize,
    placeholders: &'p mut Placeholders,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn syntax(&self) -> Error {
        let text = |token: Option<&Token>| match token {
            Some(Token::Word(text) | Token::Name(text) | Token::Value(text)) => text.clone(),
            Some(Token::Index(index)) => index.to_string(),
            Some(Token::Sign(sign)) => (*sign).to_owned(),
            None => "<EOF>".to_owned(),
        };
        let near = self.tokens.get(self.next.saturating_sub(1)..);
        let near: Vec<_> = near
            .unwrap_or_default()
            .iter()
            .take(3)
            .map(|token| text(Some(token)))
            .collect();
        syntax_error(self.member, &text(self.peek()), &near.join(" "))
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Error> {
        if self.sign(sign) {
            Ok(())
        } else {
            Err(self.syntax())
        }
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    /// The name of a function: a word before a parenthesis. Functions have lower-case names.
    fn function(&mut self) -> Option<String> {
        match (self.peek(), self.tokens.get(self.next + 1)) {
            (Some(Token::Word(word)), Some(Token::Sign("("))) => {
                let word = word.clone();
                self.next += 2;
                Some(word)
            }
            _ => None,
        }
    }

    fn list<T>(&mut self, rule: fn(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let mut entries = vec![rule(self)?];
        while self.sign(",") {
            entries.push(rule(self)?);
        }
        Ok(entries)
    }

    fn path(&mut self) -> Result<Path, Error> {
        let mut steps = vec![Step::Name(self.attribute()?)];
        loop {
            if self.sign(".") {
                steps.push(Step::Name(self.attribute()?));
            } else if self.sign("[") {
                let Some(Token::Index(index)) = self.peek() else {
                    return Err(self.syntax());
                };
                steps.push(Step::Index(*index));
                self.next += 1;
                self.expect("]")?;
            } else {
                return Ok(Path(steps));
            }
        }
    }

    fn attribute(&mut self) -> Result<String, Error> {
        let name = match self.peek() {
            Some(Token::Word(word)) if is_reserved(word) => {
                return Err(Error::expression(
                    self.member,
                    format!("Attribute name is a reserved keyword; reserved keyword: {word}"),
                ));
            }
            Some(Token::Word(word)) => word.clone(),
            Some(Token::Name(name)) => {
                let Some(attribute) = self.placeholders.names.get(name) else {
                    return Err(Error::expression(
                        self.member,
                        format!(
                            "An expression attribute name used in the document path is not defined; \
                             attribute name: {name}"
                        ),
                    ));
                };
                self.placeholders.used.insert(name.clone());
                attribute.clone()
            }
            _ => return Err(self.syntax()),
        };
        self.next += 1;
        Ok(name)
    }

    fn value(&mut self) -> Result<Attribute, Error> {
        let Some(Token::Value(name)) = self.peek() else {
            return Err(self.syntax());
        };
        let Some(value) = self.placeholders.values.get(name) else {
            return Err(Error::expression(
                self.member,
                format!(
                    "An expression attribute value used in expression is not defined; attribute value: {name}"
                ),
            ));
        };
        self.placeholders.used.insert(name.clone());
        let value = value.clone();
        self.next += 1;
        Ok(value)
    }

    /// Of conditions: a path, a value or a size.
    fn operand(&mut self) -> Result<Operand, Error> {
        if matches!(self.peek(), Some(Token::Value(_))) {
            return Ok(Operand::Value(self.value()?));
        }
        match self.function() {
            None => Ok(Operand::Path(self.path()?)),
            Some(function) if function == "size" => {
                let path = self.path()?;
                self.expect(")")?;
                Ok(Operand::Size(path))
            }
            Some(function) => Err(self.no_function(&function)),
        }
    }

    fn no_function(&self, function: &str) -> Error {
        Error::expression(
            self.member,
            format!("Invalid function name; function: {function}"),
        )
    }

    fn or(&mut self) -> Result<Condition, Error> {
        let mut condition = self.and()?;
        while self.keyword("OR") {
            condition = Condition::Or(Box::new(condition), Box::new(self.and()?));
        }
        Ok(condition)
    }

    fn and(&mut self) -> Result<Condition, Error> {
        let mut condition = self.not()?;
        while self.keyword("AND") {
            condition = Condition::And(Box::new(condition), Box::new(self.not()?));
        }
        Ok(condition)
    }

    fn not(&mut self) -> Result<Condition, Error> {
        if self.keyword("NOT") {
            return Ok(Condition::Not(Box::new(self.not()?)));
        }
        if self.sign("(") {
            let condition = self.or()?;
            self.expect(")")?;
            return Ok(condition);
        }
        let start = self.next;
        match self.function() {
            Some(function) if function == "size" => self.next = start,
            Some(function) => {
                let condition = self.predicate(&function)?;
                self.expect(")")?;
                return Ok(condition);
            }
            None => {}
        }
        self.comparison()
    }

    fn predicate(&mut self, function: &str) -> Result<Condition, Error> {
        Ok(match function {
            "attribute_exists" => Condition::Exists(self.path()?),
            "attribute_not_exists" => Condition::NotExists(self.path()?),
            "attribute_type" => {
                let path = self.path()?;
                self.expect(",")?;
                Condition::HasType(path, self.value()?)
            }
            "begins_with" | "contains" => {
                let left = self.operand()?;
                self.expect(",")?;
                let right = self.operand()?;
                if function == "contains" {
                    Condition::Contains(left, right)
                } else {
                    Condition::BeginsWith(left, right)
                }
            }
            _ => return Err(self.no_function(function)),
        })
    }

    fn comparison(&mut self) -> Result<Condition, Error> {
        let left = self.operand()?;
        if self.keyword("BETWEEN") {
            let low = self.operand()?;
            if !self.keyword("AND") {
                return Err(self.syntax());
            }
            return Ok(Condition::Between(left, low, self.operand()?));
        }
        if self.keyword("IN") {
            self.expect("(")?;
            let entries = self.list(Self::operand)?;
            self.expect(")")?;
            return Ok(Condition::In(left, entries));
        }
        let comparators = [
            ("=", Comparator::Equal),
            ("<>", Comparator::NotEqual),
            ("<", Comparator::Less),
            ("<=", Comparator::LessOrEqual),
            (">", Comparator::Greater),
            (">=", Comparator::GreaterOrEqual),
        ];
        for (sign, comparator) in comparators {
            if self.sign(sign) {
                return Ok(Condition::Compare(left, comparator, self.operand()?));
            }
        }
        Err(self.syntax())
    }

    fn update(&mut self) -> Result<Vec<Action>, Error> {
        let mut actions = Vec::new();
        let mut seen = BTreeSet::new();
        while self.peek().is_some() {
            let clauses: [(&str, Clause<Self>); 4] = [
                ("SET", Self::set),
                ("REMOVE", |parser| Ok(Action::Remove(parser.path()?))),
                ("ADD", |parser| {
                    Ok(Action::Add(parser.path()?, parser.value()?))
                }),
                ("DELETE", |parser| {
                    Ok(Action::Delete(parser.path()?, parser.value()?))
                }),
            ];
            let mut found = false;
            for (keyword, rule) in clauses {
                if !found && self.keyword(keyword) {
                    found = true;
                    if !seen.insert(keyword) {
                        return Err(Error::expression(
                            self.member,
                            format!(
                                "The \"{keyword}\" section can only be used once in an update expression;"
                            ),
                        ));
                    }
                    actions.extend(self.list(rule)?);
                }
            }
            if !found {
                return Err(self.syntax());
            }
        }
        check_overlaps(self.member, actions.iter().map(Action::path))?;
        Ok(actions)
    }

    fn set(&mut self) -> Result<Action, Error> {
        let path = self.path()?;
        self.expect("=")?;
        let left = self.set_operand()?;
        let value = if self.sign("+") {
            Operand::Plus(Box::new(left), Box::new(self.set_operand()?))
        } else if self.sign("-") {
            Operand::Minus(Box::new(left), Box::new(self.set_operand()?))
        } else {
            left
        };
        Ok(Action::Set(path, value))
    }

    fn set_operand(&mut self) -> Result<Operand, Error> {
        if self.sign("(") {
            let operand = self.set_operand()?;
            self.expect(")")?;
            return Ok(operand);
        }
        if matches!(self.peek(), Some(Token::Value(_))) {
            return Ok(Operand::Value(self.value()?));
        }
        let Some(function) = self.function() else {
            return Ok(Operand::Path(self.path()?));
        };
        let operand = match function.as_str() {
            "if_not_exists" => {
                let path = self.path()?;
                self.expect(",")?;
                Operand::IfNotExists(path, Box::new(self.set_operand()?))
            }
            "list_append" => {
                let left = self.set_operand()?;
                self.expect(",")?;
                Operand::ListAppend(Box::new(left), Box::new(self.set_operand()?))
            }
            _ => return Err(self.no_function(&function)),
        };
        self.expect(")")?;
        Ok(operand)
    }
}
