//! Whether a statement is about this key.

use std::collections::BTreeSet;

use crate::action::covers;
use crate::context::Context;
use crate::json::Json;
use crate::{bounded, joined};

/// The `Resource` or `NotResource` of a statement.
///
/// In a key policy `*` means this key (KMS Developer Guide, creating a key policy). Another value is compared with the
/// key's ARN as anywhere else: a statement about another resource gives nobody anything.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    not: bool,
    patterns: BTreeSet<String>,
}

impl Resource {
    /// Reads the element's value; `None` if it is not one.
    pub(crate) fn read(value: &Json, not: bool) -> Option<Self> {
        let texts = value
            .items()
            .iter()
            .map(|item| item.text().map(str::to_owned));
        let mut patterns: BTreeSet<String> = texts.collect::<Option<_>>()?;
        if patterns.iter().any(|pattern| is_all(pattern)) {
            patterns = BTreeSet::from(["*".to_owned()]);
        }
        Some(Self { not, patterns })
    }

    /// It is about this key; `None` if that cannot be told.
    pub(crate) fn matches(&self, context: &Context<'_>) -> Option<bool> {
        let mut found = Some(false);
        for pattern in &self.patterns {
            match is_about(pattern, context) {
                Some(true) => {
                    found = Some(true);
                    break;
                }
                Some(false) => {}
                None => found = None,
            }
        }
        found.map(|found| found != self.not)
    }

    /// Whatever the resource is.
    pub(crate) fn is_all(&self) -> bool {
        !self.not && self.patterns.iter().any(|pattern| is_all(pattern))
    }

    /// Equal for elements that mean the same.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{} {:?}", self.not, self.patterns)
    }

    /// For a reader; `None` for `*`.
    pub(crate) fn shown(&self) -> Option<String> {
        if self.is_all() {
            return None;
        }
        let listed = joined(self.patterns.iter().map(String::as_str), " or ");
        Some(bounded(&match self.not {
            true => format!("anything but {listed}"),
            false => listed,
        }))
    }
}

fn is_all(pattern: &str) -> bool {
    !pattern.is_empty() && pattern.bytes().all(|b| b == b'*')
}

/// The pattern matches the key's ARN. The parts are compared each on its own, and, unlike in the rest of a policy, a
/// wildcard in front may stand for several of them.
fn is_about(pattern: &str, context: &Context<'_>) -> Option<bool> {
    if is_all(pattern) {
        return Some(true);
    }
    if pattern.contains("${") {
        return None;
    }
    match context.key {
        Some(arn) => Some(covers(pattern, arn)),
        None => {
            let mut parts = pattern.splitn(6, ':');
            let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
            let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
            let other = !covers(scheme, "arn")
                || !covers(service, "kms")
                || !covers(account, context.account)
                || !(resource.starts_with("key/") || resource.starts_with(['*', '?', 'k']));
            match other {
                true => Some(false),
                false => None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_about_the_key_or_about_something_else() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let with_key = Context::of_key(arn).unwrap();
        let without = Context {
            key: None,
            ..with_key
        };
        for (text, not, with, bare) in [
            (r#""*""#, false, Some(true), Some(true)),
            (r#"["**"]"#, false, Some(true), Some(true)),
            (r#""*""#, true, Some(false), Some(false)),
            (r#""arn:aws:dynamodb:*""#, false, Some(false), None),
            (
                r#""arn:aws:dynamodb:*:*:*""#,
                false,
                Some(false),
                Some(false),
            ),
            (r#""arn:aws:dynamodb:*:*:*""#, true, Some(true), Some(true)),
            (
                r#""arn:aws:kms:*:111122223333:key/*""#,
                false,
                Some(true),
                None,
            ),
            (
                r#""arn:aws:kms:*:444455556666:key/*""#,
                false,
                Some(false),
                Some(false),
            ),
            (
                r#""arn:aws:kms:us-east-1:111122223333:alias/a""#,
                false,
                Some(false),
                Some(false),
            ),
            (r#""arn:aws:kms:*""#, false, Some(true), None),
            (
                r#""1234abcd-12ab-34cd-56ef-1234567890ab""#,
                false,
                Some(false),
                None,
            ),
            (r#"["arn:aws:s3:::a","*"]"#, false, Some(true), Some(true)),
            ("[]", false, Some(false), Some(false)),
            (
                r#""arn:aws:kms:${aws:PrincipalAccount}""#,
                false,
                None,
                None,
            ),
        ] {
            let read = Resource::read(&serde_json::from_str(text).unwrap(), not).unwrap();
            assert_eq!(read.matches(&with_key), with, "{text} {not}");
            assert_eq!(read.matches(&without), bare, "{text} {not}");
        }
        let own = format!("{arn:?}");
        let read = Resource::read(&serde_json::from_str(&own).unwrap(), false).unwrap();
        assert_eq!(read.matches(&with_key), Some(true));
        assert_eq!(read.shown().as_deref(), Some(arn));
    }

    #[test]
    fn what_is_no_resource_is_not_read() {
        for wrong in ["null", "{}", r#"["*",null]"#] {
            assert!(Resource::read(&serde_json::from_str(wrong).unwrap(), false).is_none());
        }
    }
}
