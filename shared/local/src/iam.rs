//! The identity-based policies of those who call: what they allow, what they forbid, and what nobody ever needed
//! (IAM User Guide, "Policy evaluation logic" and "IAM JSON policy elements").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use thiserror::Error;

/// The statements of a role. Conditions are kept and reported, and not evaluated: a statement counts as if they held.
///
/// ```
/// use serde_json::json;
/// use kms_local::{Policy, Statement};
///
/// let by_hand = Policy::new([
///     Statement::allow(["kms:Describe*", "kms:ListResourceTags"], ["arn:aws:kms:*:*:key/*"]),
///     Statement::deny(["kms:ScheduleKeyDeletion"], ["*"]),
/// ]);
/// let from_json = Policy::from_json(&json!({
///     "Statement": {"Effect": "Allow", "Action": "sns:Publish", "Resource": "*"},
/// }))?;
/// # let _ = (by_hand, from_json);
/// # Ok::<(), kms_local::PolicyError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy(Vec<Statement>);

/// One statement of a [`Policy`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sid: Option<String>,
    allows: bool,
    /// Whether the statement is about all actions but these (`NotAction`).
    all_but: bool,
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Option<Value>,
}

/// A permission that was granted and never used.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct UnusedPermission {
    /// The `Sid` of the statement, or its number, counted from one.
    pub statement: String,
    /// As the statement words it.
    pub action: String,
}

/// Why a policy cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("statement {statement} has no valid {element}")]
#[non_exhaustive]
pub struct PolicyError {
    /// Counted from one.
    pub statement: usize,
    /// `Effect`, `Action`, `Resource`.
    pub element: &'static str,
}

/// What a policy says to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// No statement allows it.
    Denied,
    /// A statement forbids it.
    Forbidden,
}

impl Policy {
    /// A policy of these statements.
    #[must_use]
    pub fn new(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self(statements.into_iter().collect())
    }

    /// From a policy document, or from the list of its statements.
    ///
    /// # Errors
    ///
    /// If a statement lacks an effect, actions or resources.
    pub fn from_json(document: &Value) -> Result<Self, PolicyError> {
        let statements = document.get("Statement").unwrap_or(document);
        let statements = match statements {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        let read = |(index, statement)| Statement::from_json(index + 1, statement);
        statements.iter().enumerate().map(read).collect()
    }
}

impl FromIterator<Statement> for Policy {
    fn from_iter<T: IntoIterator<Item = Statement>>(statements: T) -> Self {
        Self::new(statements)
    }
}

impl Statement {
    fn new<'a>(
        allows: bool,
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            sid: None,
            allows,
            all_but: false,
            actions: actions.into_iter().map(str::to_owned).collect(),
            resources: resources.into_iter().map(str::to_owned).collect(),
            conditions: None,
        }
    }

    /// Allows these actions (`kms:Describe*`) on these resources; `*` and `?` are wildcards.
    #[must_use]
    pub fn allow<'a>(
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(true, actions, resources)
    }

    /// Forbids them, whatever other statements say.
    #[must_use]
    pub fn deny<'a>(
        actions: impl IntoIterator<Item = &'a str>,
        resources: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::new(false, actions, resources)
    }

    /// About all actions but those named (`NotAction`).
    #[must_use]
    pub fn all_but_these_actions(mut self) -> Self {
        self.all_but = true;
        self
    }

    /// With this `Sid`.
    #[must_use]
    pub fn sid(mut self, sid: &str) -> Self {
        self.sid = Some(sid.to_owned());
        self
    }

    fn from_json(number: usize, statement: &Value) -> Result<Self, PolicyError> {
        let lacks = |element| PolicyError {
            statement: number,
            element,
        };
        let texts = |name: &str| match statement.get(name) {
            Some(Value::String(text)) => Some(vec![text.clone()]),
            Some(Value::Array(list)) => list
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        let allows = match statement.get("Effect").and_then(Value::as_str) {
            Some("Allow") => true,
            Some("Deny") => false,
            _ => return Err(lacks("Effect")),
        };
        let actions = texts("Action");
        let all_but = actions.is_none();
        let actions = actions.or_else(|| texts("NotAction"));
        Ok(Self {
            sid: statement
                .get("Sid")
                .and_then(Value::as_str)
                .map(str::to_owned),
            allows,
            all_but,
            actions: actions.ok_or_else(|| lacks("Action"))?,
            resources: texts("Resource").ok_or_else(|| lacks("Resource"))?,
            conditions: statement.get("Condition").cloned(),
        })
    }

    /// The action of the statement that speaks of this one.
    fn names(&self, action: &str) -> Option<&str> {
        // Actions are not case-sensitive, resources are.
        let lower = action.to_ascii_lowercase();
        let named = self
            .actions
            .iter()
            .find(|pattern| matches(&pattern.to_ascii_lowercase(), &lower));
        if self.all_but {
            return named.is_none().then_some("*");
        }
        named.map(String::as_str)
    }

    fn covers(&self, resource: &str) -> bool {
        self.resources
            .iter()
            .any(|pattern| matches(pattern, resource))
    }
}

/// `*` is any text, `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has taken.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, t) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

/// A policy in use.
#[derive(Debug)]
struct Attached {
    policy: Policy,
    /// Statement and action.
    used: BTreeSet<(usize, String)>,
}

/// The policies, by the access key that they restrict.
#[derive(Debug, Default)]
pub(crate) struct Iam(BTreeMap<String, Attached>);

impl Iam {
    pub(crate) fn restrict(&mut self, access_key: &str, policy: Policy) {
        let used = BTreeSet::new();
        let attached = Attached { policy, used };
        self.0.insert(access_key.to_owned(), attached);
    }

    /// What the policy allows and nobody has used so far.
    pub(crate) fn unused(&self, access_key: &str) -> Vec<UnusedPermission> {
        let attached = self.0.get(access_key);
        attached.map(Attached::unused).unwrap_or_default()
    }

    /// The conditions of the policy, by statement.
    pub(crate) fn conditions(&self, access_key: &str) -> BTreeMap<String, Value> {
        let attached = self.0.get(access_key);
        let statements = attached.into_iter().flat_map(|a| a.policy.0.iter());
        statements
            .enumerate()
            .filter_map(|(index, s)| Some((s.name(index), s.conditions.clone()?)))
            .collect()
    }

    /// Whether the holder of the access key may do all of this. Who has no policy may do everything.
    pub(crate) fn decide(&mut self, access_key: &str, needs: &[(String, String)]) -> Decision {
        let Some(attached) = self.0.get_mut(access_key) else {
            return Decision::Allowed;
        };
        let decisions = needs
            .iter()
            .map(|(action, resource)| attached.decide(action, resource));
        let decisions: Vec<_> = decisions.collect();
        decisions
            .into_iter()
            .find(|decision| *decision != Decision::Allowed)
            .unwrap_or(Decision::Allowed)
    }
}

impl Attached {
    fn decide(&mut self, action: &str, resource: &str) -> Decision {
        let mut decision = Decision::Denied;
        for (index, statement) in self.policy.0.iter().enumerate() {
            let Some(named) = statement.names(action) else {
                continue;
            };
            if !statement.covers(resource) {
                continue;
            }
            self.used.insert((index, named.to_owned()));
            if !statement.allows {
                decision = Decision::Forbidden;
            } else if decision == Decision::Denied {
                decision = Decision::Allowed;
            }
        }
        decision
    }

    fn unused(&self) -> Vec<UnusedPermission> {
        let mut unused = Vec::new();
        for (index, statement) in self.policy.0.iter().enumerate() {
            let all = ["*".to_owned()];
            let actions = if statement.all_but {
                all.as_slice()
            } else {
                statement.actions.as_slice()
            };
            for action in actions {
                if statement.allows && !self.used.contains(&(index, action.clone())) {
                    unused.push(UnusedPermission {
                        statement: statement.name(index),
                        action: action.clone(),
                    });
                }
            }
        }
        unused
    }
}

impl Statement {
    fn name(&self, index: usize) -> String {
        self.sid.clone().unwrap_or_else(|| (index + 1).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_iam_has_them() {
        for (pattern, text) in [
            ("*", "anything"),
            ("kms:List*", "kms:ListKeys"),
            ("arn:aws:kms:*:1?1:key/*", "arn:aws:kms:us-east-1:111:key/a"),
            ("*a*b", "xxaxxabxb"),
            ("a", "a"),
            ("a*", "a"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("kms:List", "kms:ListKeys"),
            ("a?", "a"),
            ("*b", "ba"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
