//! What of a key its policy asks for: its tags, and its names (KMS Developer Guide, ABAC for KMS).

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use watch_policy::MAX_BYTES;

use super::SEE_POLICY;
use super::change::value_of;
use super::exposure::see_uses;
use super::memory::remembered;
use crate::kinds::case::{Case, look};
use crate::kinds::describe::Found;
use crate::ledger::{ItemKey, Policy};
use crate::step::Step;
use crate::subject::Subject;
use crate::text;
use crate::text::Untrusted;

/// Condition keys that ask for the key's aliases, in lower case.
const ABOUT_ALIASES: [&str; 2] = ["kms:requestalias", "kms:resourcealiases"];

/// The condition key, in lower case, asks for the key's aliases.
pub(in crate::kinds) fn is_about_aliases(key: &str) -> bool {
    ABOUT_ALIASES.contains(&key)
}

/// What to look at where the policy asks for what has changed.
pub(in crate::kinds) fn see_conditions(case: &Case<'_>) -> [Step; 2] {
    [
        look(
            text!["Read whom the policy allows under that condition"],
            case.kms_command("get-key-policy", SEE_POLICY),
        ),
        see_uses(case),
    ]
}

/// The item with the key's policy, to be read along.
pub(in crate::kinds) fn policy_item(subject: &Subject) -> ItemKey {
    Policy::key(&subject.partition_key())
}

/// The condition keys of the key's policy that are `wanted` (asked in lower case): of the policy that KMS has, else of the
/// last one that is known.
pub(in crate::kinds) fn asked_conditions(
    found: &Found<'_>,
    wanted: impl Fn(&str) -> bool,
) -> Vec<Untrusted> {
    let policy = match found.policy {
        Some(policy) => Some(Cow::Borrowed(policy)),
        None => remembered(found).map(|known| Cow::Owned(known.policy)),
    };
    let keys = policy.map_or_else(BTreeSet::new, |policy| condition_keys(&policy));
    let keys = keys.iter().filter(|key| wanted(&key.to_ascii_lowercase()));
    keys.map(|key| value_of(key)).collect()
}

/// The condition keys of all statements, as they are written.
fn condition_keys(policy: &str) -> BTreeSet<String> {
    if policy.len() > MAX_BYTES {
        return BTreeSet::new();
    }
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        statement => std::slice::from_ref(statement),
    };
    let operators = statements
        .iter()
        .filter_map(|statement| statement["Condition"].as_object())
        .flat_map(|condition| condition.values());
    operators
        .filter_map(Value::as_object)
        .flat_map(|keys| keys.keys().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_every_condition_are_found() {
        let policy = r#"{"Statement": [
            {"Effect": "Allow", "Condition": {"StringEquals": {"aws:ResourceTag/Team": "a", "kms:CallerAccount": "1"}}},
            {"Effect": "Deny", "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": ["alias/x*"]}}},
            {"Effect": "Allow"}, {"Condition": 5}, "x"]}"#;
        let keys: Vec<_> = condition_keys(policy).into_iter().collect();
        assert_eq!(
            keys,
            [
                "aws:ResourceTag/Team",
                "kms:CallerAccount",
                "kms:ResourceAliases"
            ]
        );
        let one =
            r#"{"Statement": {"Condition": {"StringEquals": {"kms:RequestAlias": "alias/x"}}}}"#;
        assert!(
            condition_keys(one)
                .iter()
                .any(|key| is_about_aliases(&key.to_ascii_lowercase()))
        );
        for policy in ["", "5", "[]", r#"{"Statement": 5}"#] {
            assert!(condition_keys(policy).is_empty(), "{policy}");
        }
    }
}
