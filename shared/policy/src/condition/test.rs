//! One operator over one key.

use std::collections::BTreeSet;

use super::narrow::{Of, Shape, are_fixed, key_of};
use crate::json::Json;

#[derive(Clone, Debug)]
pub(super) struct Test {
    pub(super) set: Set,
    /// In lower case, without prefix and `IfExists`.
    pub(super) operator: String,
    pub(super) if_exists: bool,
    /// In lower case: keys are not case-sensitive (IAM User Guide, IAM JSON policy elements: Condition).
    pub(super) key: String,
    pub(super) written_key: String,
    pub(super) values: BTreeSet<String>,
    /// Whom the test keeps out, if anybody: worked out once, since thousands of principals may stand before it.
    pub(super) narrows: Option<(Of, Shape)>,
}

/// How the values of a request that has several are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Set {
    One,
    /// `ForAllValues:`, which also holds where the request has no value.
    All,
    /// `ForAnyValue:`
    Any,
}

impl Test {
    pub(super) fn read(operator: &str, written_key: &str, values: &Json) -> Option<Self> {
        let values = values
            .items()
            .iter()
            .map(|value| value.text().map(str::to_owned))
            .collect::<Option<_>>()?;
        let lower = operator.to_ascii_lowercase();
        let (set, rest) = match lower.split_once(':') {
            Some(("forallvalues", rest)) => (Set::All, rest),
            Some(("foranyvalue", rest)) => (Set::Any, rest),
            _ => (Set::One, &*lower),
        };
        let (operator, if_exists) = match rest.strip_suffix("ifexists") {
            Some(operator) => (operator, true),
            None => (rest, false),
        };
        Some(Self {
            set,
            operator: operator.to_owned(),
            if_exists,
            key: written_key.to_ascii_lowercase(),
            written_key: written_key.to_owned(),
            values,
            narrows: None,
        })
    }

    /// Compares with values that let in.
    pub(super) fn is_positive(&self) -> bool {
        matches!(
            self.operator.as_str(),
            "stringequals"
                | "stringequalsignorecase"
                | "stringlike"
                | "arnequals"
                | "arnlike"
                | "ipaddress"
        ) && !self.values.is_empty()
    }

    /// Does not hold in a request without the key, as `IfExists` and `ForAllValues:` do.
    pub(super) fn needs_key(&self) -> bool {
        !self.if_exists && self.set != Set::All
    }

    /// `"Null": {key: "false"}`, which AWS recommends beside `ForAllValues:` (IAM User Guide, multivalued context keys).
    pub(super) fn asks_for_presence(&self) -> bool {
        self.operator == "null"
            && !self.values.is_empty()
            && self.values.iter().all(|v| v.eq_ignore_ascii_case("false"))
    }

    pub(super) fn narrowing(&self, is_present: bool) -> Option<(Of, Shape)> {
        let (of, shape) = key_of(&self.key)?;
        let required = self.is_positive() && (self.needs_key() || is_present);
        (required && are_fixed(&self.operator, &self.values, shape)).then_some((of, shape))
    }

    /// Debug of a text puts quotation marks around it and escapes those inside: no two tests look alike.
    pub(super) fn fingerprint(&self) -> String {
        let Self {
            set,
            operator,
            if_exists,
            key,
            values,
            ..
        } = self;
        format!("{key:?} {set:?} {operator:?} {if_exists} {values:?}")
    }
}
