//! From text to a [`Policy`].

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::action::Actions;
use crate::condition::Condition;
use crate::json::Json;
use crate::operation::Ops;
use crate::principal::{Names, Who};
use crate::resource::Resource;
use crate::{MAX_BYTES, bounded};

/// A key policy that was read.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) statements: Vec<Statement>,
    unreadable: usize,
    without_effect: usize,
}

/// One statement that has an effect.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) who: Who,
    pub(crate) actions: Actions,
    pub(crate) condition: Condition,
    pub(crate) resource: Resource,
    /// What the actions come down to.
    pub(crate) ops: Ops,
    /// Whom the principals come down to.
    pub(crate) names: Names,
}

/// What a statement does. Its values are case-sensitive (IAM User Guide, IAM JSON policy elements: Effect).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Effect {
    /// Gives access.
    Allow,
    /// Takes access away from whoever another statement or an IAM policy gives it to.
    Deny,
}

/// Why a text is no policy that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// The text is longer than [`MAX_BYTES`].
    TooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The text is not JSON, or nested more than 127 deep.
    NotJson {
        /// Where reading stopped.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// The JSON is not an object.
    NotAnObject,
    /// A member stands twice in one object. AWS does not allow it, and which one would count is not known.
    DuplicateMember {
        /// Its name, a raw value of the policy.
        name: String,
    },
    /// There is no statement.
    NoStatements,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { bytes } => {
                write!(f, "policy of {bytes} bytes is longer than {MAX_BYTES}")
            }
            Self::NotJson { line, column } => {
                write!(f, "policy is not json at line {line} column {column}")
            }
            Self::NotAnObject => f.write_str("policy is not a json object"),
            Self::DuplicateMember { name } => write!(f, "policy has member {name:?} twice"),
            Self::NoStatements => f.write_str("policy has no statements"),
        }
    }
}

impl std::error::Error for PolicyError {}

impl Policy {
    /// Reads a policy.
    ///
    /// A statement that is not of the documented form is counted as unreadable and otherwise passed over, so that one
    /// does not hide the others. The names of elements are taken in any case: reading more than AWS may is safer than
    /// reading less.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_BYTES {
            return Err(PolicyError::TooLarge { bytes: text.len() });
        }
        // Bounded in depth by serde_json's recursion limit of 128.
        let json: Json = serde_json::from_str(text).map_err(|error| PolicyError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let duplicate = |name: &str| PolicyError::DuplicateMember {
            name: bounded(name),
        };
        if let Some(name) = json.duplicate() {
            return Err(duplicate(name));
        }
        let elements = Elements::of(&json)
            .ok_or(PolicyError::NotAnObject)?
            .map_err(duplicate)?;
        let statements = match elements.get("statement") {
            Some(Json::Array(statements)) if !statements.is_empty() => &statements[..],
            Some(statement @ Json::Object(_)) => std::slice::from_ref(statement),
            _ => return Err(PolicyError::NoStatements),
        };
        let mut policy = Self {
            statements: Vec::new(),
            unreadable: 0,
            without_effect: 0,
        };
        for statement in statements {
            let read = match Elements::of(statement) {
                Some(elements) => Statement::read(&elements.map_err(duplicate)?),
                None => Read::Unreadable,
            };
            match read {
                Read::Statement(statement) => policy.statements.push(*statement),
                Read::WithoutEffect => policy.without_effect += 1,
                Read::Unreadable => policy.unreadable += 1,
            }
        }
        Ok(policy)
    }

    /// How many statements could not be read. If there is one, no verdict on the policy is sure.
    pub fn unreadable(&self) -> usize {
        self.unreadable
    }

    /// How many statements were read that have no effect: without `Action` or `Resource`, or on no operation of KMS.
    pub fn without_effect(&self) -> usize {
        self.without_effect
    }
}

/// The members of an object by their names in lower case.
struct Elements<'a>(BTreeMap<String, &'a Json>);

impl<'a> Elements<'a> {
    /// `None` if the value is no object, the name if two differ by case only.
    fn of(json: &'a Json) -> Option<Result<Self, &'a str>> {
        let Json::Object(members) = json else {
            return None;
        };
        let mut elements = BTreeMap::new();
        for (name, value) in members {
            if elements.insert(name.to_ascii_lowercase(), value).is_some() {
                return Some(Err(name));
            }
        }
        Some(Ok(Self(elements)))
    }

    fn get(&self, name: &str) -> Option<&'a Json> {
        self.0.get(name).copied()
    }

    /// An element or its negation, and whether it was the negation. Both together are not allowed.
    fn either(&self, name: &str, negation: &str) -> Result<Option<(&'a Json, bool)>, Malformed> {
        match (self.get(name), self.get(negation)) {
            (Some(_), Some(_)) => Err(Malformed),
            (Some(value), None) => Ok(Some((value, false))),
            (None, Some(value)) => Ok(Some((value, true))),
            (None, None) => Ok(None),
        }
    }
}

/// An element is not of the documented form.
struct Malformed;

enum Read {
    Statement(Box<Statement>),
    WithoutEffect,
    Unreadable,
}

impl Statement {
    fn read(elements: &Elements<'_>) -> Read {
        match Self::try_read(elements) {
            Ok(Some(statement)) => Read::Statement(Box::new(statement)),
            Ok(None) => Read::WithoutEffect,
            Err(Malformed) => Read::Unreadable,
        }
    }

    fn try_read(elements: &Elements<'_>) -> Result<Option<Self>, Malformed> {
        let effect = match elements.get("effect").and_then(Json::text) {
            Some("Allow") => Effect::Allow,
            Some("Deny") => Effect::Deny,
            _ => return Err(Malformed),
        };
        let (who, not) = elements
            .either("principal", "notprincipal")?
            .ok_or(Malformed)?;
        let who = Who::read(who, not).ok_or(Malformed)?;
        let actions = elements
            .either("action", "notaction")?
            .map(|(actions, not)| Actions::read(actions, not).ok_or(Malformed))
            .transpose()?;
        let condition = elements
            .get("condition")
            .map_or(Ok(Condition::default()), |condition| {
                Condition::read(condition).ok_or(Malformed)
            })?;
        let resource = elements
            .either("resource", "notresource")?
            .map(|(resource, not)| Resource::read(resource, not).ok_or(Malformed))
            .transpose()?;
        // A statement without one of the two is accepted and has no effect (AWS KMS API Reference, PutKeyPolicy).
        let (Some(actions), Some(resource)) = (actions, resource) else {
            return Ok(None);
        };
        let (ops, names) = (Ops::of(&actions, effect == Effect::Deny), Names::of(&who));
        Ok((!actions.is_empty() && !who.is_nobody()).then_some(Self {
            effect,
            who,
            actions,
            condition,
            resource,
            ops,
            names,
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALLOW: &str = r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}"#;

    #[test]
    fn a_statement_is_one_or_several() {
        for (text, count) in [
            (format!(r#"{{"Statement":{ALLOW}}}"#), 1),
            (format!(r#"{{"Statement":[{ALLOW}]}}"#), 1),
            (
                format!(r#"{{"Version":"2012-10-17","Id":"x","Statement":[{ALLOW},{ALLOW}]}}"#),
                2,
            ),
            (
                format!(
                    r#"{{"statement":[{}]}}"#,
                    ALLOW
                        .to_ascii_lowercase()
                        .replace(r#""allow""#, r#""Allow""#)
                ),
                1,
            ),
        ] {
            let policy = Policy::parse(&text).unwrap();
            assert_eq!(policy.statements.len(), count, "{text}");
            assert_eq!((policy.unreadable(), policy.without_effect()), (0, 0));
        }
    }

    #[test]
    fn what_is_no_policy_says_why() {
        let error = |text: &str| Policy::parse(text).unwrap_err().to_string();
        assert_eq!(error(""), "policy is not json at line 1 column 0");
        assert_eq!(error("{\n  'a'"), "policy is not json at line 2 column 3");
        assert_eq!(error("[]"), "policy is not a json object");
        for text in [
            "{}",
            r#"{"Statement":[]}"#,
            r#"{"Statement":null}"#,
            r#"{"Statement":"x"}"#,
        ] {
            assert_eq!(error(text), "policy has no statements");
        }
        assert_eq!(
            error(r#"{"Statement":{"Effect":"Allow","Effect":"Deny"}}"#),
            r#"policy has member "Effect" twice"#
        );
        for text in [
            r#"{"Statement":{},"statement":{}}"#,
            r#"{"Statement":[{"effect":"Allow","Effect":"Deny"}]}"#,
            r#"{"Statement":[{"Condition":{"Bool":{"a":1,"a":2}}}]}"#,
            r#"{"Statement":[{"Principal":{"AWS":"*","AWS":"111122223333"}}]}"#,
        ] {
            assert!(error(text).ends_with("twice"), "{text}");
        }
    }

    #[test]
    fn size_and_depth_are_bounded() {
        let padded = |length: usize| {
            let text = format!(r#"{{"Statement":{ALLOW}}}"#);
            let padding = " ".repeat(length - text.len());
            Policy::parse(&(text + &padding)).map(|_| ())
        };
        assert_eq!(padded(MAX_BYTES), Ok(()));
        assert_eq!(
            padded(MAX_BYTES + 1),
            Err(PolicyError::TooLarge { bytes: 65_537 })
        );
        for deep in ["[".repeat(60_000), r#"{"a":"#.repeat(10_000)] {
            assert!(matches!(
                Policy::parse(&deep),
                Err(PolicyError::NotJson { .. })
            ));
        }
        let nested = format!(r#"{{"a":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert!(matches!(
            Policy::parse(&nested),
            Err(PolicyError::NotJson { .. })
        ));
    }

    #[test]
    fn a_statement_that_is_not_of_the_form_is_counted_and_hides_no_other() {
        for wrong in [
            "null",
            "1",
            "[]",
            "{}",
            r#"{"Effect":"allow","Principal":"*","Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"ALLOW","Principal":"*","Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":["Allow"],"Principal":"*","Action":"kms:*","Resource":"*"}"#,
            r#"{"Principal":"*","Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":{},"Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","NotPrincipal":"*","Action":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","NotAction":"kms:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","NotResource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":{},"Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*","Condition":[]}"#,
        ] {
            let policy = Policy::parse(&format!(r#"{{"Statement":[{wrong},{ALLOW}]}}"#)).unwrap();
            assert_eq!(policy.statements.len(), 1, "{wrong}");
            assert_eq!(
                (policy.unreadable(), policy.without_effect()),
                (1, 0),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_statement_without_effect_is_counted_apart() {
        for idle in [
            r#"{"Effect":"Allow","Principal":"*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"kms:*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#,
            r#"{"Effect":"Allow","Principal":"*","NotAction":"*","Resource":"*"}"#,
            r#"{"Effect":"Allow","NotPrincipal":"*","Action":"kms:*","Resource":"*"}"#,
        ] {
            let policy = Policy::parse(&format!(r#"{{"Statement":{idle}}}"#)).unwrap();
            assert_eq!(policy.statements.len(), 0, "{idle}");
            assert_eq!(
                (policy.unreadable(), policy.without_effect()),
                (0, 1),
                "{idle}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = Policy::parse(&text);
        }
    }
}
