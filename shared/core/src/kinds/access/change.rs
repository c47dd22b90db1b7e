//! One change of a policy, in words.

use serde::Serialize;
use watch_policy::{Change, Effect};

use crate::kinds::words::list;
use crate::text;
use crate::text::{Text, Untrusted};

/// Longest value of a policy in the details, in characters.
const VALUE: usize = 256;

/// What the changes on each side may take of a message, in bytes.
const CHANGES: usize = 24 * 1024;

/// Most actions of a change that are told in words.
const TOLD_ACTIONS: usize = 6;

/// What a principal was given, or what was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessChange {
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// `everybody`, an ARN, an account's id, a service.
    pub principal: Untrusted,
    /// `kms:Decrypt`, `kms:Get*`, `everything but kms:ScheduleKeyDeletion`.
    pub actions: Vec<Untrusted>,
    /// How many actions are not listed.
    pub more_actions: u64,
    /// `if kms:ViaService is s3.us-east-1.amazonaws.com`.
    pub condition: Option<Untrusted>,
    /// What the statement is about, where its `Resource` is not `*`. About another resource than the key it has no effect.
    pub resource: Option<Untrusted>,
    /// For what was removed: what is left to the principal under the same condition.
    pub left: Vec<Untrusted>,
}

impl From<&Change> for AccessChange {
    fn from(change: &Change) -> Self {
        let values = |values: &[String]| -> Vec<Untrusted> {
            values.iter().map(|value| value_of(value)).collect()
        };
        Self {
            effect: match change.effect {
                Effect::Allow => "Allow",
                Effect::Deny => "Deny",
            },
            principal: value_of(&change.principal),
            actions: values(&change.actions),
            more_actions: change.more_actions as u64,
            condition: change.condition.as_deref().map(value_of),
            resource: change.resource.as_deref().map(value_of),
            left: values(&change.left),
        }
    }
}

impl AccessChange {
    /// `<principal> is now allowed kms:Decrypt, if …`.
    pub(super) fn words(&self, verb: &'static str) -> Text {
        let mut text = match self.principal.as_str() {
            "everybody" => text!["Everybody"],
            _ => text![&self.principal],
        };
        text.push(text![verb, list(&self.actions, TOLD_ACTIONS)]);
        if self.more_actions > 0 {
            text.push(" and more");
        }
        if let Some(condition) = &self.condition {
            text.push(text![", ", condition]);
        }
        if let Some(resource) = &self.resource {
            text.push(text![" (for Resource ", resource, ")"]);
        }
        if !self.left.is_empty() {
            text.push(text![
                if self.is_allow() {
                    " (still allowed: "
                } else {
                    " (still denied: "
                },
                list(&self.left, TOLD_ACTIONS),
                ")"
            ]);
        }
        text.push(".");
        text
    }

    pub(super) fn is_allow(&self) -> bool {
        self.effect == "Allow"
    }
}

pub(super) fn value_of(raw: &str) -> Untrusted {
    Untrusted::bounded(raw, VALUE)
}

/// As many changes as a message bears, and whether that is all of them.
pub(super) fn changes(changes: &[Change]) -> (Vec<AccessChange>, bool) {
    let mut left = CHANGES;
    let mut kept = Vec::new();
    for change in changes.iter().map(AccessChange::from) {
        let size = serde_json::to_string(&change).map_or(usize::MAX, |json| json.len());
        // One that is too long does not hide those behind it.
        if let Some(rest) = left.checked_sub(size) {
            left = rest;
            kept.push(change);
        }
    }
    let all = kept.len() == changes.len();
    (kept, all)
}
