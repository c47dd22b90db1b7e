//! What a new policy gives and takes, in words of access.
//!
//! Statements are taken apart into who may do what under which condition. Their order, their `Sid`, one list or many,
//! the case of an operation's name and doubles are no difference, and an operation beside a pattern that covers it is
//! neither gained nor lost.
//!
//! Each principal and condition is compared with itself alone: that everybody includes a role, or that one condition is
//! stricter than another, is not worked out. A role that loses what everybody keeps is shown as losing it; a grant that
//! gets a condition is shown as one without it removed and one with it added.

mod granted;
mod pair;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use self::pair::Pair;
use crate::assess::Context;
use crate::parse::{Effect, Policy, Statement};
use crate::principal::Who;

/// Most changes that are listed on each side.
pub const MAX_CHANGES: usize = 32;

/// Most actions that are listed in a change.
pub const MAX_ACTIONS: usize = 32;

/// What one policy gives and takes against another.
///
/// Changes are ordered by weight: first what opens the key (an allow that was added, a deny that was removed), and
/// everybody before those that are named.
#[derive(Clone, Debug)]
pub struct Diff<'a> {
    before: Option<&'a Policy>,
    after: &'a Policy,
    /// What the new policy says and the old one did not. A deny is a loss of access.
    pub added: Vec<Change>,
    /// What the old policy said and the new one does not. A deny is a gain of access.
    pub removed: Vec<Change>,
    /// How many changes are not listed: those above [`MAX_CHANGES`] on each side, and those in policies with so many
    /// actions and statements that not all are compared.
    pub more: usize,
}

/// Actions that a principal is allowed or denied under a condition, and was not, or is no more.
///
/// All strings are raw values of the policy, at most [`MAX_TEXT`](crate::MAX_TEXT) characters long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Allowed or denied.
    pub effect: Effect,
    /// `everybody`, an ARN, an account's id where the policy writes no ARN, a service, …
    pub principal: String,
    /// Sorted: `kms:Decrypt`, `kms:Get*`, `everything but kms:ScheduleKeyDeletion`.
    pub actions: Vec<String>,
    /// How many actions are not listed.
    pub more_actions: usize,
    /// `if kms:ViaService is s3.us-east-1.amazonaws.com`.
    pub condition: Option<String>,
    /// For what was removed: what is left to the same principal under the same condition, as far as it fits.
    pub left: Vec<String>,
}

/// Effect, principal and condition: what makes two grants comparable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    effect: Effect,
    named: bool,
    principal: String,
    condition: &'a str,
}

/// The statements of one policy under a key, and how its principal and condition are shown.
#[derive(Default)]
struct Entry<'a> {
    statements: Vec<usize>,
    shown: String,
    /// One of them, for the condition that they share.
    statement: Option<&'a Statement>,
}

impl Change {
    fn of(
        effect: Effect,
        entries: [Option<&Entry<'_>>; 2],
        actions: &[String],
        left: &[String],
    ) -> Self {
        let entries = || entries.into_iter().flatten();
        Self {
            effect,
            // The longer way to write an account says more, and begins with a letter.
            principal: entries()
                .map(|entry| entry.shown.clone())
                .max()
                .unwrap_or_default(),
            actions: first(actions),
            more_actions: actions.len().saturating_sub(MAX_ACTIONS),
            condition: entries().find_map(|entry| entry.statement?.condition.shown()),
            left: first(left),
        }
    }
}

impl<'a> Diff<'a> {
    /// Compares. Without a policy before, all that is after is new.
    pub fn between(before: Option<&'a Policy>, after: &'a Policy) -> Self {
        let old_entries = before.map(entries).unwrap_or_default();
        let new_entries = entries(after);
        let keys: BTreeSet<_> = old_entries.keys().chain(new_entries.keys()).collect();
        let mut grants = Pair::new(before, after);
        let (mut added, mut removed, mut more) = (Vec::new(), Vec::new(), 0);
        for key in keys {
            let (old, new) = (old_entries.get(key), new_entries.get(key));
            let compared = grants.compare(
                old.map(|entry| &*entry.statements),
                new.map(|entry| &*entry.statements),
            );
            more += usize::from(compared.unclear);
            for (list, actions) in [
                (&mut added, &compared.added),
                (&mut removed, &compared.removed),
            ] {
                if !actions.is_empty() {
                    list.push((key.effect, [old, new], Rc::clone(&compared)));
                }
            }
        }
        // The keys are in order, with what is allowed first.
        removed.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        more += added.len().saturating_sub(MAX_CHANGES);
        more += removed.len().saturating_sub(MAX_CHANGES);
        let added = added
            .iter()
            .take(MAX_CHANGES)
            .map(|(effect, entries, it)| Change::of(*effect, *entries, &it.added, &[]))
            .collect();
        let removed = removed
            .iter()
            .take(MAX_CHANGES)
            .map(|(effect, entries, it)| Change::of(*effect, *entries, &it.removed, &it.left))
            .collect();
        Self {
            before,
            after,
            added,
            removed,
            more,
        }
    }

    /// Nothing changed but the writing.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.more == 0
    }

    /// The key is public and was not, or was not known.
    pub fn gained_public(&self, context: &Context<'_>) -> bool {
        self.after.assess(context).public
            && !self
                .before
                .is_some_and(|before| before.assess(context).public)
    }

    /// Foreign accounts that have access and had none, or were not known to.
    pub fn gained_foreign(&self, context: &Context<'_>) -> BTreeSet<String> {
        let before = self.before.map(|before| before.assess(context));
        let known = before
            .map(|before| before.foreign_accounts)
            .unwrap_or_default();
        let after = self.after.assess(context).foreign_accounts;
        after.difference(&known).cloned().collect()
    }

    /// Foreign accounts that had access and are allowed more actions, whatever the principal and the condition.
    pub fn widened_foreign(&self, context: &Context<'_>) -> BTreeSet<String> {
        let Some(before) = self.before else {
            return BTreeSet::new();
        };
        let (old, new) = (foreign(before, context), foreign(self.after, context));
        let mut grants = Pair::new(Some(before), self.after);
        new.into_iter()
            .filter(|(account, new)| {
                old.get(account).is_some_and(|old| {
                    let compared = grants.compare(Some(old), Some(new));
                    compared.unclear || !compared.added.is_empty()
                })
            })
            .map(|(account, _)| account.to_owned())
            .collect()
    }
}

fn first(actions: &[String]) -> Vec<String> {
    actions.iter().take(MAX_ACTIONS).cloned().collect()
}

fn entries(policy: &Policy) -> BTreeMap<Key<'_>, Entry<'_>> {
    let mut entries: BTreeMap<Key<'_>, Entry<'_>> = BTreeMap::new();
    for (n, statement) in policy.statements.iter().enumerate() {
        for (principal, shown) in statement.who.entries() {
            let everybody = principal == "*" || matches!(statement.who, Who::AllBut(_));
            let key = Key {
                effect: statement.effect,
                named: !everybody,
                principal,
                condition: statement.condition.fingerprint(),
            };
            let entry = entries.entry(key).or_default();
            entry.statements.push(n);
            entry.shown = std::mem::take(&mut entry.shown).max(shown);
            entry.statement = Some(statement);
        }
    }
    entries
}

/// The statements that let in each foreign account.
fn foreign<'a>(policy: &'a Policy, context: &'a Context<'_>) -> BTreeMap<&'a str, Vec<usize>> {
    let mut accounts: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (n, statement) in policy.statements.iter().enumerate() {
        if statement.effect == Effect::Allow {
            for account in statement.foreign_accounts(context).collect::<BTreeSet<_>>() {
                accounts.entry(account).or_default().push(n);
            }
        }
    }
    accounts
}
