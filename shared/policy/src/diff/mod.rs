//! What a new policy gives and takes, in words of access.
//!
//! Statements are taken apart into who may do what under which condition. Their order, their `Sid`, one list or many,
//! the case of an operation's name and doubles are no difference, and an operation beside a pattern that covers it is
//! neither gained nor lost.
//!
//! Each principal and condition is compared with itself alone: that everybody includes a role, or that one condition is
//! stricter than another, is not worked out. A role that loses what everybody keeps is shown as losing it; a grant that
//! gets a condition is shown as one without it removed and one with it added.

mod danger;
mod granted;
mod pair;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;

use self::danger::{Danger, Dangers};
use self::pair::{Compared, Pair};
use crate::assess::{Assessment, Foreign};
use crate::context::Context;
use crate::operation::Question;
use crate::parse::{Effect, Policy, Statement};
use crate::principal::Who;

/// Most changes that are listed on each side.
pub const MAX_CHANGES: usize = 32;

/// Most actions that are listed in a change.
pub const MAX_ACTIONS: usize = 32;

/// What one policy gives and takes against another.
#[derive(Clone, Debug)]
pub struct Diff {
    /// What the old policy says as it stands, if there is one.
    pub before: Option<Assessment>,
    /// What the new policy says as it stands.
    pub after: Assessment,
    /// What the new policy says and the old one did not, the most dangerous first. A deny is a loss of access.
    pub added: Vec<Change>,
    /// What the old policy said and the new one does not, the most dangerous first. A deny is a gain of access.
    pub removed: Vec<Change>,
    /// How many changes are not listed: those above [`MAX_CHANGES`] on each side, and those in policies with so many
    /// actions and statements that not all are compared.
    pub more: usize,
}

/// Who is let in by a policy and was not by the one before, or is let in for more. All of them, if there is none before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gains {
    /// Everybody in every account.
    pub public: bool,
    /// As [`Assessment::foreign_accounts`].
    pub accounts: BTreeSet<String>,
    /// As [`Assessment::foreign_organizations`].
    pub organizations: BTreeSet<String>,
    /// As [`Assessment::foreign_networks`].
    pub networks: BTreeSet<String>,
    /// As [`Assessment::open_via`].
    pub via: BTreeSet<String>,
    /// As [`Assessment::unknown_principals`].
    pub unknown: BTreeSet<String>,
}

impl Gains {
    /// Nobody foreign gains anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
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
    /// The resources that the statement is about, where it is not about the key whatever its ARN.
    pub resource: Option<String>,
    /// For what was removed: what is left to the same principal under the same condition, as far as it fits.
    pub left: Vec<String>,
}

/// Effect, principal, condition and resource: what makes two grants comparable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    effect: Effect,
    named: bool,
    principal: String,
    condition: &'a str,
    resource: String,
}

/// The statements of one policy under a key, and how its principal and condition are shown.
#[derive(Default)]
struct Entry<'a> {
    statements: Vec<usize>,
    shown: String,
    /// One of them, for the condition that they share.
    statement: Option<&'a Statement>,
    /// Of whichever of its statements is the most dangerous.
    opening: Danger,
    shutting: Danger,
}

/// A difference under one key.
struct Row<'a> {
    effect: Effect,
    entries: [Option<&'a Entry<'a>>; 2],
    compared: Rc<Compared>,
}

impl Row<'_> {
    /// How bad it is that this came, or went.
    fn danger(&self, is_added: bool) -> Danger {
        let side = self.entries[usize::from(is_added)];
        side.map_or(Danger::None, |entry| match is_added {
            true => entry.opening,
            false => entry.shutting,
        })
    }

    fn change(&self, actions: &[String], left: &[String]) -> Change {
        let entries = || self.entries.into_iter().flatten();
        let statement = || entries().find_map(|entry| entry.statement);
        Change {
            effect: self.effect,
            // The longer way to write an account says more, and begins with a letter.
            principal: entries()
                .map(|entry| entry.shown.clone())
                .max()
                .unwrap_or_default(),
            actions: first(actions),
            more_actions: actions.len().saturating_sub(MAX_ACTIONS),
            condition: statement().and_then(|it| it.condition.shown()),
            resource: statement().and_then(|it| it.resource.shown()),
            left: first(left),
        }
    }
}

/// What differs on each side, the most dangerous first, and how many differences may have been missed.
struct Rows<'a> {
    added: Vec<Row<'a>>,
    removed: Vec<Row<'a>>,
    unclear: usize,
}

impl<'a> Rows<'a> {
    fn of(
        [old_entries, new_entries]: [&'a BTreeMap<Key<'a>, Entry<'a>>; 2],
        before: Option<&Policy>,
        after: &Policy,
    ) -> Self {
        let keys: BTreeSet<_> = old_entries.keys().chain(new_entries.keys()).collect();
        let mut grants = Pair::new(before, after);
        let (mut added, mut removed, mut unclear) = (Vec::new(), Vec::new(), 0);
        for key in keys {
            let sides = [old_entries.get(key), new_entries.get(key)];
            let [old, new] = sides.map(|side| side.map(|entry| &*entry.statements));
            let compared = grants.compare(old, new);
            unclear += usize::from(compared.unclear);
            for (list, actions) in [
                (&mut added, &compared.added),
                (&mut removed, &compared.removed),
            ] {
                if !actions.is_empty() {
                    list.push(Row {
                        effect: key.effect,
                        entries: sides,
                        compared: Rc::clone(&compared),
                    });
                }
            }
        }
        // The keys are in order, with what is allowed first. Of equally dangerous ones that went, denies come first.
        removed.sort_by_key(|row| std::cmp::Reverse(row.effect));
        removed.sort_by_key(|row| row.danger(false));
        added.sort_by_key(|row| row.danger(true));
        Self {
            added,
            removed,
            unclear,
        }
    }
}

impl Policy {
    /// Both allow and deny the same, however they are written.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        // Of what is the same, nothing is dangerous to anybody.
        let context = Context {
            account: "",
            key: None,
            trusted_accounts: &[],
            trusted_organizations: &[],
            now: 0,
        };
        let entries = [self, other].map(|policy| entries(policy, &context));
        let rows = Rows::of(entries.each_ref(), Some(self), other);
        rows.added.is_empty() && rows.removed.is_empty() && rows.unclear == 0
    }
}

impl Diff {
    /// Compares. Without a policy before, all that is after is new.
    pub fn between(before: Option<&Policy>, after: &Policy, context: &Context<'_>) -> Self {
        let old = before.map(|it| entries(it, context)).unwrap_or_default();
        let new = entries(after, context);
        let rows = Rows::of([&old, &new], before, after);
        let beyond = |rows: &[Row<'_>]| rows.len().saturating_sub(MAX_CHANGES);
        let more = rows.unclear + beyond(&rows.added) + beyond(&rows.removed);
        let added = rows.added.iter().take(MAX_CHANGES);
        let removed = rows.removed.iter().take(MAX_CHANGES);
        Self {
            before: before.map(|before| before.assess(context)),
            after: after.assess(context),
            added: added
                .map(|row| row.change(&row.compared.added, &[]))
                .collect(),
            removed: removed
                .map(|row| row.change(&row.compared.removed, &row.compared.left))
                .collect(),
            more,
        }
    }

    /// Nothing changed but the writing.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.more == 0
    }

    /// Who foreign is let in and was not, or is let in for more.
    pub fn gains(&self) -> Gains {
        let mut gains = Gains::default();
        for (who, ops) in &self.after.reach {
            let known = self
                .before
                .as_ref()
                .and_then(|before| before.reach.get(who));
            if known.is_some_and(|known| ops.without(*known).is_empty()) {
                continue;
            }
            let (set, value) = match who {
                Foreign::Everybody => {
                    gains.public = true;
                    continue;
                }
                Foreign::Via(value) => (&mut gains.via, value),
                Foreign::Account(value) => (&mut gains.accounts, value),
                Foreign::Organization(value) => (&mut gains.organizations, value),
                Foreign::Network(value) => (&mut gains.networks, value),
                Foreign::Unknown(value) => (&mut gains.unknown, value),
            };
            set.insert(value.clone());
        }
        gains
    }

    /// Who may be able to do it and was not. Not those of the account where its IAM policies let them in before.
    pub fn gained(&self, question: Question) -> BTreeSet<String> {
        let Some(after) = self.after.holders.get(&question) else {
            return BTreeSet::new();
        };
        let before = self
            .before
            .as_ref()
            .and_then(|it| it.holders.get(&question));
        let Some(before) = before else {
            return after.possible.clone();
        };
        let own = |who: &&String| !before.at_large || !self.is_of_the_account(who);
        let new = after.possible.difference(&before.possible);
        new.filter(own).cloned().collect()
    }

    /// Who was sure to be able to do it and is no more. Not those of the account where its IAM policies let them in now.
    pub fn lost(&self, question: Question) -> BTreeSet<String> {
        let before = self
            .before
            .as_ref()
            .and_then(|it| it.holders.get(&question));
        let (Some(before), Some(after)) = (before, self.after.holders.get(&question)) else {
            return BTreeSet::new();
        };
        let own = |who: &&String| !after.at_large || !self.is_of_the_account(who);
        let gone = before.sure.difference(&after.sure);
        gone.filter(own).cloned().collect()
    }

    fn is_of_the_account(&self, who: &str) -> bool {
        who.split(':').nth(4) == Some(&*self.after.account)
    }

    /// Somebody was sure to be able to use the key, and nobody is any more; or denies shut everybody out of what it is
    /// for.
    pub fn nobody_left_to_use(&self) -> bool {
        let used = |it: &Assessment| Question::USES.iter().any(|q| !it.who_may(*q).is_empty());
        let was_used = self.before.as_ref().is_some_and(used);
        !self.after.shut.is_empty() || was_used && !used(&self.after)
    }

    /// Services through which the account could decrypt, sign and the like, and cannot any more. All that are shut, if
    /// there is no policy before.
    pub fn shut_services(&self) -> BTreeSet<String> {
        let before = self.before.as_ref().map(|before| &before.shut_services);
        let now = self.after.shut_services.iter();
        let is_new = |service: &&String| before.is_none_or(|before| !before.contains(*service));
        now.filter(is_new).cloned().collect()
    }

    /// As bad as a policy can be: public, with nobody left to change it or to use the key, or seized.
    pub fn is_critical(&self) -> bool {
        self.after.public || self.after.lockout || self.nobody_left_to_use() || self.is_seized()
    }

    /// Fewer are sure to be able to cancel a deletion than were.
    pub fn fewer_can_cancel(&self) -> bool {
        !self.lost(Question::Cancel).is_empty()
    }

    /// Somebody has taken the key for themselves: a deny shuts out everybody of the account, its root user and whoever IAM
    /// policies let in included, from changing the policy, and from using the key too or in favour of somebody who did
    /// not have that right by name before.
    pub fn is_seized(&self) -> bool {
        let after = &self.after;
        if !after.is_denied_to_the_account(Question::Change) {
            return false;
        }
        let before = self.before.as_ref();
        let knew = |who: &String| {
            before.is_some_and(|before| before.who_may(Question::Change).contains(who))
        };
        let denies = |question: &Question| after.is_denied_to_the_account(*question);
        Question::USES.iter().any(denies) || !after.who_may(Question::Change).iter().any(knew)
    }
}

fn first(actions: &[String]) -> Vec<String> {
    actions.iter().take(MAX_ACTIONS).cloned().collect()
}

fn entries<'a>(policy: &'a Policy, context: &Context<'_>) -> BTreeMap<Key<'a>, Entry<'a>> {
    let dangers = Dangers::new(context);
    let mut entries: BTreeMap<Key<'_>, Entry<'_>> = BTreeMap::new();
    for (n, statement) in policy.statements.iter().enumerate() {
        let of_statement = dangers.of(statement);
        for (principal, shown) in statement.who.entries() {
            let everybody = principal == "*" || matches!(statement.who, Who::AllBut(_));
            let [opening, shutting] = of_statement.of(&principal, everybody);
            let key = Key {
                effect: statement.effect,
                named: !everybody,
                principal,
                condition: statement.condition.fingerprint(),
                resource: statement.resource.fingerprint(),
            };
            let entry = entries.entry(key).or_default();
            entry.statements.push(n);
            entry.shown = std::mem::take(&mut entry.shown).max(shown);
            entry.statement = Some(statement);
            entry.opening = entry.opening.min(opening);
            entry.shutting = entry.shutting.min(shutting);
        }
    }
    entries
}
