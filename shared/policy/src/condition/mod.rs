//! Under which condition a statement applies, and whether that keeps anybody out.
//!
//! All tests of a condition must hold, and one value of each is enough (IAM User Guide, conditions with multiple keys or
//! values). So a condition narrows if one of its tests does, and a test narrows only if all of its values do.
//!
//! What narrows a grant to everybody follows what S3 calls non-public (Amazon S3 User Guide, the meaning of "public"):
//! a fixed value for a fact that a caller cannot choose. Whatever is unsure does not narrow: a grant that is wrongly
//! called public is looked at, one that is wrongly called narrow is not.

mod narrow;
mod operator;
mod subject;
mod test;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use self::narrow::{ALWAYS_PRESENT, Of, Shape, is_fixed_context, key_of};

pub(crate) use self::narrow::{account_in, organization_in};

pub(crate) use self::operator::{Compare, seconds};
pub(crate) use self::subject::Subject;
pub(crate) use self::test::{Set, Test};
use crate::json::Json;
use crate::{bounded, joined};

/// The `Condition` of a statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Condition {
    tests: Vec<Test>,
    /// Equal for conditions that test the same, in whatever order and case they are written.
    fingerprint: String,
}

impl Condition {
    /// Reads the element's value; `None` if it is not one.
    pub(crate) fn read(value: &Json) -> Option<Self> {
        let operators = match value {
            Json::Null => return Some(Self::default()),
            Json::Object(operators) => operators,
            _ => return None,
        };
        let mut tests = Vec::new();
        for (operator, keys) in operators {
            let Json::Object(keys) = keys else {
                return None;
            };
            for (key, values) in keys {
                tests.push(Test::read(operator, key, values)?);
            }
        }
        let mut tests: Vec<_> = tests.into_iter().map(|t| (t.fingerprint(), t)).collect();
        tests.sort_by(|(a, _), (b, _)| a.cmp(b));
        tests.dedup_by(|(a, _), (b, _)| a == b);
        let (prints, mut tests): (Vec<_>, Vec<Test>) = tests.into_iter().unzip();
        let present: BTreeSet<_> = tests
            .iter()
            .filter(|test| test.asks_for_presence())
            .map(|test| test.key.clone())
            .chain([ALWAYS_PRESENT.to_owned()])
            .collect();
        for test in &mut tests {
            test.is_present = present.contains(&test.key);
            test.narrows = test.narrowing();
        }
        Some(Self {
            tests,
            fingerprint: prints.join("&"),
        })
    }

    pub(crate) fn tests(&self) -> &[Test] {
        &self.tests
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }

    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The condition for a reader: `if kms:ViaService is s3.us-east-1.amazonaws.com`.
    pub(crate) fn shown(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        let words: Vec<_> = self.tests.iter().take(64).map(words::of).collect();
        let words = joined(words.iter().map(String::as_str), " and ");
        Some(bounded(&format!("if {words}")))
    }

    fn narrowing(&self) -> impl Iterator<Item = (&Test, Of, Shape)> {
        self.tests
            .iter()
            .filter_map(|test| test.narrows.map(|(of, shape)| (test, of, shape)))
    }

    /// Keeps somebody out whom the statement's principal would let in.
    #[cfg(test)]
    pub(crate) fn narrows(&self) -> bool {
        self.narrowing().next().is_some()
    }

    /// Says for which resource or account a service may call.
    ///
    /// `kms:EncryptionContext:…` names the resource where a service writes it there, as CloudWatch Logs does
    /// (`kms:EncryptionContext:aws:logs:arn`: CloudWatch Logs User Guide, encrypt log data).
    pub(crate) fn names_source(&self) -> bool {
        self.narrowing()
            .any(|(_, of, _)| matches!(of, Of::Caller | Of::Source | Of::Grantee))
            || self.tests.iter().any(|test| {
                (test.key == "aws:sourcearn" || test.key.starts_with("kms:encryptioncontext:"))
                    && test.is_positive()
                    && test.needs_key()
                    && test.values.iter().all(|value| is_fixed_context(value))
            })
    }

    /// The accounts for which the condition lets services work, also where it lets them work for others as well.
    pub(crate) fn accounts(&self) -> BTreeSet<&str> {
        let mut accounts = BTreeSet::new();
        for wanted in [Of::Caller, Of::Source, Of::Grantee] {
            let required = self.required_accounts(wanted);
            accounts.extend(
                self.values_of(wanted)
                    .filter_map(account_in)
                    .filter(|account| {
                        required
                            .as_ref()
                            .is_none_or(|required| required.contains(account))
                    }),
            );
        }
        accounts
    }

    /// The organisations for which the condition lets services work.
    pub(crate) fn source_organizations(&self) -> BTreeSet<&str> {
        let values = self.values_of(Of::Source);
        values.filter_map(organization_in).collect()
    }

    /// The accounts for which the condition lets grants be made.
    pub(crate) fn grantee_accounts(&self) -> impl Iterator<Item = &str> {
        self.values_of(Of::Grantee).filter_map(account_in)
    }

    fn values_of(&self, wanted: Of) -> impl Iterator<Item = &str> {
        self.tests
            .iter()
            .filter(|test| test.is_positive())
            .filter(move |test| key_of(&test.key).is_some_and(|(of, _)| of == wanted))
            .flat_map(|test| test.values.iter().map(String::as_str))
    }

    /// The accounts outside of which nobody can meet the condition, if it says so.
    fn required_accounts(&self, wanted: Of) -> Option<BTreeSet<&str>> {
        self.narrowing()
            .filter(|(_, of, _)| *of == wanted)
            .filter_map(|(test, ..)| test.values.iter().map(|value| account_in(value)).collect())
            .reduce(|a: BTreeSet<_>, b| a.intersection(&b).copied().collect())
    }
}
