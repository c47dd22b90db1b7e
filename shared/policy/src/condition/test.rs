//! One operator over one key.

use std::collections::BTreeSet;

use super::narrow::{ALWAYS_SIGNED, Of, Shape, are_fixed, is_fixed, is_met_by_all, key_of};
use super::operator::{Compare, operator};
use super::subject::Subject;
use crate::json::Json;

/// One operator over one key.
#[derive(Clone, Debug)]
pub(crate) struct Test {
    pub(crate) set: Set,
    /// In lower case, without prefix and `IfExists`.
    pub(super) operator: String,
    pub(crate) compare: Compare,
    /// The operator is the negation.
    pub(crate) negated: bool,
    pub(crate) if_exists: bool,
    /// In lower case: keys are not case-sensitive (IAM User Guide, IAM JSON policy elements: Condition).
    pub(crate) key: String,
    pub(super) written_key: String,
    pub(crate) subject: Subject,
    pub(crate) values: BTreeSet<String>,
    /// A value has a variable, which stands for another fact of the request.
    pub(crate) has_variable: bool,
    /// Another test of the condition sees to it that the request has the key, or every request has.
    pub(crate) is_present: bool,
    shape: Option<Shape>,
    is_met_by_all: bool,
    /// Addresses are open, or narrow, together.
    open_addresses: bool,
    /// Whom the test keeps out, if anybody: worked out once, since thousands of principals may stand before it.
    pub(super) narrows: Option<(Of, Shape)>,
}

/// How the values of a request that has several are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Set {
    One,
    /// `ForAllValues:`, which also holds where the request has no value.
    All,
    /// `ForAnyValue:`
    Any,
}

impl Test {
    pub(super) fn read(name: &str, written_key: &str, values: &Json) -> Option<Self> {
        let values: BTreeSet<String> = values
            .items()
            .iter()
            .map(|value| value.text().map(str::to_owned))
            .collect::<Option<_>>()?;
        let lower = name.to_ascii_lowercase();
        let (set, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Set::All, rest),
            Some(("foranyvalue", rest)) => (Set::Any, rest),
            _ => (Set::One, &*lower),
        };
        let (name, if_exists) = match rest.strip_suffix("ifexists") {
            Some(name) => (name, true),
            None => (rest, false),
        };
        let (compare, negated) = operator(name);
        let key = written_key.to_ascii_lowercase();
        let shape = key_of(&key).map(|(_, shape)| shape);
        let of_addresses = compare == Compare::Address;
        Some(Self {
            set,
            operator: name.to_owned(),
            compare,
            negated,
            if_exists,
            subject: Subject::of(&key),
            is_present: false,
            has_variable: values.iter().any(|value| value.contains("${")),
            is_met_by_all: shape.is_some_and(|shape| is_met_by_all(compare, &values, shape)),
            open_addresses: of_addresses
                && shape.is_none_or(|shape| !are_fixed(compare, &values, shape)),
            shape,
            narrows: None,
            key,
            written_key: written_key.to_owned(),
            values,
        })
    }

    /// Compares with values that let in.
    pub(super) fn is_positive(&self) -> bool {
        let compares = matches!(
            self.compare,
            Compare::Equals
                | Compare::EqualsIgnoreCase
                | Compare::Like
                | Compare::Arn
                | Compare::Address
        );
        compares && !self.negated && !self.values.is_empty()
    }

    /// Does not hold in a request without the key, as `IfExists` and `ForAllValues:` do.
    pub(super) fn needs_key(&self) -> bool {
        !self.if_exists && self.set != Set::All
    }

    /// `"Null": {key: "false"}`, which AWS recommends beside `ForAllValues:` (IAM User Guide, multivalued context keys).
    pub(super) fn asks_for_presence(&self) -> bool {
        self.compare == Compare::Absence
            && !self.values.is_empty()
            && self.values.iter().all(|v| v.eq_ignore_ascii_case("false"))
    }

    /// Every request that KMS takes has the key.
    pub(crate) fn is_always_there(&self) -> bool {
        ALWAYS_SIGNED.contains(&&*self.key)
    }

    /// It is about the encryption context.
    pub(crate) fn is_about_context(&self) -> bool {
        self.key.starts_with("kms:encryptioncontext")
    }

    /// The value names nobody in particular.
    pub(crate) fn is_open(&self, value: &str) -> bool {
        match self.shape {
            None => true,
            Some(Shape::Address) => self.compare != Compare::Address || self.open_addresses,
            Some(shape) => !is_fixed(self.compare, value, shape),
        }
    }

    /// Whatever the request has under the key, the test asks for it.
    pub(crate) fn is_met_by_all(&self) -> bool {
        self.is_met_by_all
    }

    pub(super) fn narrowing(&self) -> Option<(Of, Shape)> {
        let (of, shape) = key_of(&self.key)?;
        let required = self.is_positive() && (self.needs_key() || self.is_present);
        (required && are_fixed(self.compare, &self.values, shape)).then_some((of, shape))
    }

    /// Debug of a text puts quotation marks around it and escapes those inside: no two tests look alike.
    pub(super) fn fingerprint(&self) -> String {
        let Self {
            set,
            if_exists,
            key,
            values,
            ..
        } = self;
        // The two do the same (IAM User Guide, Amazon Resource Name condition operators).
        let operator = match self.operator.as_str() {
            "arnequals" => "arnlike",
            "arnnotequals" => "arnnotlike",
            other => other,
        };
        format!("{key:?} {set:?} {operator:?} {if_exists} {values:?}")
    }
}
