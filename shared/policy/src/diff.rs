//! What a new policy gives and takes, in words of access.
//!
//! Statements are taken apart into who may do what under which condition. Their order, their `Sid`, one list or many,
//! the case of an operation's name and doubles are no difference, and an operation beside a pattern that covers it is
//! neither gained nor lost.
//!
//! Each principal and condition is compared with itself alone: that everybody includes a role, or that one condition is
//! stricter than another, is not worked out. A role that loses what everybody keeps is shown as losing it; a grant that
//! gets a condition is shown as one without it removed and one with it added.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use serde::Serialize;

use crate::action::{ALL, Actions, Patterns, covers, is_wild};
use crate::assess::Context;
use crate::parse::{Effect, Policy, Statement};
use crate::principal::Who;
use crate::{bounded, joined};

/// Most changes that are listed on each side.
pub const MAX_CHANGES: usize = 32;

/// Most actions that are listed in a change.
pub const MAX_ACTIONS: usize = 32;

/// Most patterns of one statement that are compared, the widest first. KMS has some sixty operations.
const MAX_PATTERNS: usize = 256;

/// Most patterns with a wildcard, and most complements, that are asked whether they cover others.
const MAX_WIDE: usize = 16;

/// Most combinations of statements that are compared pattern by pattern. Each that differs takes at least a statement of
/// its own, so only a policy made to be slow has more.
const MAX_COMPARED: usize = 64;

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
        let change = |effect, entries: [Option<&Entry<'_>>; 2], actions: &[String], left| {
            let entries = || entries.into_iter().flatten();
            Change {
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
        };
        let added = added
            .iter()
            .take(MAX_CHANGES)
            .map(|(effect, entries, it)| change(*effect, *entries, &it.added, &[]))
            .collect();
        let removed = removed
            .iter()
            .take(MAX_CHANGES)
            .map(|(effect, entries, it)| change(*effect, *entries, &it.removed, &it.left))
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

/// What some statements grant together.
#[derive(Default)]
struct Granted {
    patterns: Patterns,
    complements: Vec<Patterns>,
    /// Something was left out, since there is too much to compare.
    cut: bool,
}

impl Granted {
    fn of<'a>(statements: impl Iterator<Item = &'a Statement>) -> Self {
        let mut granted = Self::default();
        let mut complements: BTreeMap<Vec<&str>, Patterns> = BTreeMap::new();
        for statement in statements {
            match &statement.actions {
                Actions::Only(patterns) => {
                    granted.cut |= patterns.len() > MAX_PATTERNS;
                    for (key, written) in widest(patterns, MAX_PATTERNS) {
                        let kept = granted
                            .patterns
                            .entry(key.clone())
                            .or_insert_with(|| written.clone());
                        if written < kept {
                            kept.clone_from(written);
                        }
                    }
                }
                Actions::AllBut(patterns) => {
                    granted.cut |= patterns.len() > MAX_PATTERNS;
                    complements
                        .entry(patterns.keys().map(String::as_str).collect())
                        .or_insert_with(|| {
                            widest(patterns, MAX_PATTERNS)
                                .into_iter()
                                .map(|(key, written)| (key.clone(), written.clone()))
                                .collect()
                        });
                }
            }
        }
        granted.cut |= complements.len() > MAX_WIDE;
        granted.complements = complements.into_values().take(MAX_WIDE).collect();
        granted
    }

    /// Leaves out what another part covers.
    fn reduced(mut self) -> Self {
        if self.patterns.contains_key(ALL) {
            self.patterns.retain(|key, _| key == ALL);
            self.complements.clear();
            return self;
        }
        let complements = std::mem::take(&mut self.complements);
        for (n, one) in complements.iter().enumerate() {
            // Of two that cover each other, the first stays.
            let covered = complements.iter().enumerate().any(|(m, other)| {
                m != n && includes(one, other) && (m < n || !includes(other, one))
            });
            if !covered {
                self.complements.push(one.clone());
            }
        }
        let wide = wide(&self.patterns);
        let needless: Vec<String> = self
            .patterns
            .keys()
            .filter(|key| {
                let by_pattern = wide.iter().any(|other| {
                    other != *key && covers(other, key) && (other < *key || !covers(key, other))
                });
                by_pattern || self.complements.iter().any(|but| lets_through(but, key))
            })
            .cloned()
            .collect();
        for key in needless {
            self.patterns.remove(&key);
        }
        self
    }

    /// What is not covered by the other, in words.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let wide = wide(&other.patterns);
        let mut words: Vec<String> = self
            .patterns
            .iter()
            .filter(|(key, _)| {
                !other.patterns.contains_key(*key)
                    && !wide.iter().any(|pattern| covers(pattern, key))
                    && !other.complements.iter().any(|but| lets_through(but, key))
            })
            .map(|(_, written)| bounded(written))
            .collect();
        let all = other.patterns.contains_key(ALL);
        words.extend(
            self.complements
                .iter()
                .filter(|but| !all && !other.complements.iter().any(|o| includes(but, o)))
                .map(complement_words),
        );
        words.sort();
        words
    }

    fn words(&self) -> Vec<String> {
        self.beyond(&Self::default())
    }
}

fn complement_words(but: &Patterns) -> String {
    let but = joined(but.values().map(String::as_str), ", ");
    bounded(&format!("everything but {but}"))
}

/// The patterns that can cover most: those with a wildcard, the shortest first.
fn widest(patterns: &Patterns, most: usize) -> Vec<(&String, &String)> {
    let mut sorted: Vec<_> = patterns.iter().collect();
    sorted.sort_by_key(|(key, _)| (!is_wild(key), key.len(), *key));
    sorted.truncate(most);
    sorted
}

fn wide(patterns: &Patterns) -> Vec<String> {
    let wild = patterns.iter().filter(|(key, _)| is_wild(key));
    let wild: Patterns = wild.map(|(k, w)| (k.clone(), w.clone())).collect();
    let wild = widest(&wild, MAX_WIDE);
    wild.into_iter().map(|(key, _)| key.clone()).collect()
}

/// Everything but some patterns still has all that matches `key`. Only known for a single operation.
fn lets_through(but: &Patterns, key: &str) -> bool {
    !is_wild(key) && !but.keys().any(|pattern| covers(pattern, key))
}

/// Everything but the patterns of `narrow` lies within everything but those of `wide`.
fn includes(narrow: &Patterns, wide: &Patterns) -> bool {
    wide.keys()
        .all(|w| narrow.contains_key(w) || narrow.keys().any(|n| is_wild(n) && covers(n, w)))
}

/// What changed under one key.
#[derive(Default)]
struct Compared {
    added: Vec<String>,
    removed: Vec<String>,
    left: Vec<String>,
    /// There may be more differences, in what there was too much of to compare.
    unclear: bool,
}

impl Compared {
    fn of(old: &Granted, new: &Granted) -> Self {
        let (added, removed) = (new.beyond(old), old.beyond(new));
        Self {
            left: match removed.is_empty() {
                true => Vec::new(),
                false => new.words(),
            },
            unclear: old.cut || new.cut,
            added,
            removed,
        }
    }
}

/// The statements of a policy under one key.
type Statements = Vec<usize>;

/// Two policies, each combination of whose statements is looked at once: thousands of principals share a few.
struct Pair<'a> {
    policies: [Option<&'a Policy>; 2],
    prints: HashMap<(usize, Statements), u64>,
    compared: HashMap<[Option<Statements>; 2], Rc<Compared>>,
    looked_at: usize,
}

impl<'a> Pair<'a> {
    fn new(before: Option<&'a Policy>, after: &'a Policy) -> Self {
        Self {
            policies: [before, Some(after)],
            prints: HashMap::new(),
            compared: HashMap::new(),
            looked_at: 0,
        }
    }

    fn compare(&mut self, before: Option<&[usize]>, after: Option<&[usize]>) -> Rc<Compared> {
        let sides = [before, after].map(|side| side.map(<[usize]>::to_vec));
        if let Some(known) = self.compared.get(&sides) {
            return Rc::clone(known);
        }
        let same = self.print(0, before) == self.print(1, after);
        let made = Rc::new(if same {
            Compared::default()
        } else if self.looked_at < MAX_COMPARED {
            self.looked_at += 1;
            let of = |n, side| Granted::of(self.statements(n, side)).reduced();
            Compared::of(&of(0, before), &of(1, after))
        } else {
            Compared {
                unclear: true,
                ..Compared::default()
            }
        });
        self.compared.insert(sides, Rc::clone(&made));
        made
    }

    fn statements(
        &self,
        side: usize,
        statements: Option<&[usize]>,
    ) -> impl Iterator<Item = &'a Statement> {
        let policy = self.policies[side];
        let statements = statements.unwrap_or_default().iter();
        statements.filter_map(move |&n| policy?.statements.get(n))
    }

    /// Equal for statements that together write the same actions.
    fn print(&mut self, side: usize, statements: Option<&[usize]>) -> u64 {
        let key = (side, statements.unwrap_or_default().to_vec());
        if let Some(&print) = self.prints.get(&key) {
            return print;
        }
        let mut only: BTreeSet<&String> = BTreeSet::new();
        let mut all_but: BTreeSet<Vec<&String>> = BTreeSet::new();
        for statement in self.statements(side, statements) {
            match &statement.actions {
                Actions::Only(patterns) => only.extend(patterns.keys()),
                Actions::AllBut(patterns) => {
                    all_but.insert(patterns.keys().collect());
                }
            }
        }
        let mut hasher = DefaultHasher::new();
        (only, all_but).hash(&mut hasher);
        let print = hasher.finish();
        self.prints.insert(key, print);
        print
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = r#"{"AWS":"arn:aws:iam::111122223333:root"}"#;
    const CONTEXT: Context<'_> = Context {
        account: "111122223333",
        trusted_accounts: &["222233334444"],
    };

    fn policy(statements: &[String]) -> Policy {
        Policy::parse(&format!(r#"{{"Statement":[{}]}}"#, statements.join(","))).unwrap()
    }

    fn statement(effect: &str, who: &str, actions: &str, condition: &str) -> String {
        format!(
            r#"{{"Effect":"{effect}","Principal":{who},"Action":{actions},"Resource":"*","Condition":{condition}}}"#
        )
    }

    fn allow(who: &str, actions: &str) -> String {
        statement("Allow", who, actions, "{}")
    }

    /// One line for each change.
    fn told(before: &[String], after: &[String]) -> Vec<String> {
        let (before, after) = (policy(before), policy(after));
        let diff = Diff::between(Some(&before), &after);
        assert_eq!(diff.more, 0);
        let line = |sign: char, change: &Change| {
            let left = match change.left.is_empty() {
                true => String::new(),
                false => format!(" leaves {}", change.left.join(" ")),
            };
            let condition = change
                .condition
                .iter()
                .map(|c| format!(" {c}"))
                .collect::<String>();
            let actions = change.actions.join(" ");
            format!(
                "{sign} {:?} {} {actions}{condition}{left}",
                change.effect, change.principal
            )
        };
        let lines: Vec<_> = diff
            .added
            .iter()
            .map(|c| line('+', c))
            .chain(diff.removed.iter().map(|c| line('-', c)))
            .collect();
        assert_eq!(diff.is_empty(), lines.is_empty());
        lines
    }

    #[test]
    fn how_it_is_written_is_no_difference() {
        let whole = r#"{"Version":"2012-10-17","Id":"a","Statement":[
            {"Sid":"one","Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},"Action":["kms:Decrypt","kms:Encrypt"],"Resource":"*"},
            {"Sid":"two","Effect":"Deny","Principal":"*","Action":"kms:ScheduleKeyDeletion","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":false}}}]}"#;
        let same = r#"{"Version":"2008-10-17","Statement":[
            {"Effect":"Deny","Principal":{"AWS":["*","*"]},"Action":["KMS:scheduleKeyDeletion"],"Resource":["*"],"Condition":{"bool":{"AWS:MultiFactorAuthPresent":["false"]}}},
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":["kms:Encrypt","kms:Decrypt","kms:Decrypt"],"Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:encrypt","Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:decrypt","Resource":"*"},
            {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}]}"#;
        let (whole, same) = (Policy::parse(whole).unwrap(), Policy::parse(same).unwrap());
        for (before, after) in [(&whole, &same), (&same, &whole), (&whole, &whole)] {
            let diff = Diff::between(Some(before), after);
            assert!(diff.is_empty(), "{diff:?}");
        }
    }

    #[test]
    fn access_is_told_as_it_changes() {
        let role = r#"{"AWS":"arn:aws:iam::444455556666:role/loader"}"#;
        let root = allow(ROOT, r#""kms:*""#);
        let via = r#"{"StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com"}}"#;
        let not = |actions: &str| {
            format!(
                r#"{{"Effect":"Allow","Principal":{ROOT},"NotAction":{actions},"Resource":"*"}}"#
            )
        };
        let cases: [(Vec<String>, Vec<String>, Vec<&str>); 17] = [
            (
                vec![root.clone()],
                vec![
                    root.clone(),
                    allow(role, r#"["kms:DescribeKey","kms:Decrypt"]"#),
                ],
                vec!["+ Allow arn:aws:iam::444455556666:role/loader kms:Decrypt kms:DescribeKey"],
            ),
            (
                vec![allow(role, r#"["kms:Encrypt","kms:Decrypt"]"#)],
                vec![allow(role, r#"["kms:Decrypt","kms:Sign"]"#)],
                vec![
                    "+ Allow arn:aws:iam::444455556666:role/loader kms:Sign",
                    "- Allow arn:aws:iam::444455556666:role/loader kms:Encrypt leaves kms:Decrypt kms:Sign",
                ],
            ),
            // Widened, and narrowed again.
            (
                vec![allow(ROOT, r#""kms:Decrypt""#)],
                vec![root.clone()],
                vec!["+ Allow arn:aws:iam::111122223333:root kms:*"],
            ),
            (
                vec![root.clone()],
                vec![allow(ROOT, r#""kms:Decrypt""#)],
                vec!["- Allow arn:aws:iam::111122223333:root kms:* leaves kms:Decrypt"],
            ),
            // What a pattern covers comes and goes unseen, as far as the pattern stays.
            (
                vec![root.clone(), allow(ROOT, r#""kms:Decrypt""#)],
                vec![root.clone()],
                vec![],
            ),
            (
                vec![root.clone()],
                vec![allow(ROOT, r#"["kms:Decrypt","kms:*"]"#)],
                vec![],
            ),
            (
                vec![allow(
                    ROOT,
                    r#"["kms:Get*","kms:GetKeyPolicy","kms:GetP*"]"#,
                )],
                vec![allow(ROOT, r#""kms:Get*""#)],
                vec![],
            ),
            // Another principal, another condition, another effect are compared apart.
            (
                vec![root.clone()],
                vec![statement("Allow", ROOT, r#""kms:*""#, via)],
                vec![
                    "+ Allow arn:aws:iam::111122223333:root kms:* if kms:ViaService is s3.us-east-1.amazonaws.com",
                    "- Allow arn:aws:iam::111122223333:root kms:*",
                ],
            ),
            (
                vec![
                    root.clone(),
                    statement("Deny", r#""*""#, r#""kms:Decrypt""#, "{}"),
                ],
                vec![root.clone()],
                vec!["- Deny everybody kms:Decrypt"],
            ),
            // What another part covers is not told beside it.
            (
                vec![allow(ROOT, r#""s3:*""#)],
                vec![
                    allow(ROOT, r#"["kms:Sign","kms:DeleteAlias"]"#),
                    not(r#""kms:Delete*""#),
                ],
                vec![
                    "+ Allow arn:aws:iam::111122223333:root everything but kms:Delete* kms:DeleteAlias",
                ],
            ),
            (
                vec![allow(ROOT, r#""s3:*""#)],
                vec![
                    not(r#""kms:Delete*""#),
                    not(r#"["kms:Delete*","kms:Put*"]"#),
                    not(r#"["KMS:delete*"]"#),
                ],
                vec!["+ Allow arn:aws:iam::111122223333:root everything but kms:Delete*"],
            ),
            // A complement.
            (
                vec![root.clone()],
                vec![not(r#"["kms:ScheduleKeyDeletion","kms:Delete*"]"#)],
                vec![
                    "- Allow arn:aws:iam::111122223333:root kms:* leaves everything but kms:Delete*, kms:ScheduleKeyDeletion",
                ],
            ),
            (
                vec![not(r#""kms:Delete*""#)],
                vec![root.clone()],
                vec!["+ Allow arn:aws:iam::111122223333:root kms:*"],
            ),
            (
                vec![not(r#""kms:D*""#)],
                vec![not(r#""kms:D*""#), allow(ROOT, r#""kms:Sign""#)],
                vec![],
            ),
            (
                vec![not(r#""kms:D*""#)],
                vec![not(r#""kms:Delete*""#)],
                vec!["+ Allow arn:aws:iam::111122223333:root everything but kms:Delete*"],
            ),
            (
                vec![not(r#""kms:D*""#)],
                vec![allow(ROOT, r#""kms:Sign""#)],
                vec![
                    "- Allow arn:aws:iam::111122223333:root everything but kms:D* leaves kms:Sign",
                ],
            ),
            (
                vec![root.clone()],
                vec![format!(
                    r#"{{"Effect":"Allow","NotPrincipal":{{"AWS":["444455556666","555566667777"]}},"Action":"kms:*","Resource":"*"}}"#
                )],
                vec![
                    "+ Allow everybody but 444455556666, 555566667777 kms:*",
                    "- Allow arn:aws:iam::111122223333:root kms:*",
                ],
            ),
        ];
        for (before, after, lines) in cases {
            assert_eq!(told(&before, &after), lines);
        }
    }

    #[test]
    fn without_a_policy_before_everything_is_new() {
        let after = policy(&[
            allow(
                r#"{"AWS":["444455556666","222233334444"]}"#,
                r#""kms:Decrypt""#,
            ),
            allow(r#""*""#, r#""kms:Encrypt""#),
        ]);
        let diff = Diff::between(None, &after);
        assert_eq!(diff.added.len(), 3);
        assert_eq!(diff.added[0].principal, "everybody");
        assert!(diff.removed.is_empty() && !diff.is_empty());
        assert!(diff.gained_public(&CONTEXT));
        assert_eq!(
            diff.gained_foreign(&CONTEXT),
            BTreeSet::from(["444455556666".to_owned()])
        );
        assert!(diff.widened_foreign(&CONTEXT).is_empty());
    }

    #[test]
    fn gains_are_what_was_not_there_before() {
        let foreign =
            |actions: &str| allow(r#"{"AWS":"arn:aws:iam::444455556666:role/a"}"#, actions);
        let (decrypt, all) = (r#""kms:Decrypt""#, r#""kms:*""#);
        let other_role = allow(r#"{"AWS":"arn:aws:iam::444455556666:role/b"}"#, decrypt);
        let public = allow(r#""*""#, decrypt);
        let mfa = statement(
            "Allow",
            r#"{"AWS":"444455556666"}"#,
            decrypt,
            r#"{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
        );
        for (before, after, is_public, gained, widened) in [
            (allow(ROOT, all), foreign(decrypt), false, true, false),
            (foreign(decrypt), foreign(decrypt), false, false, false),
            (foreign(decrypt), foreign(all), false, false, true),
            (foreign(all), foreign(decrypt), false, false, false),
            (foreign(decrypt), other_role, false, false, false),
            (foreign(decrypt), mfa, false, false, false),
            (allow(ROOT, all), public.clone(), true, false, false),
            (public.clone(), public.clone(), false, false, false),
            (public, allow(ROOT, all), false, false, false),
        ] {
            let (before, after) = (policy(&[before]), policy(&[after]));
            let diff = Diff::between(Some(&before), &after);
            assert_eq!(diff.gained_public(&CONTEXT), is_public);
            assert_eq!(!diff.gained_foreign(&CONTEXT).is_empty(), gained);
            assert_eq!(!diff.widened_foreign(&CONTEXT).is_empty(), widened);
        }
    }

    #[test]
    fn what_opens_comes_first_and_what_is_left_out_is_counted() {
        let roles: Vec<_> = (0..100)
            .map(|n| format!(r#""arn:aws:iam::111122223333:role/r{n:03}""#))
            .collect();
        let roles = format!(r#"{{"AWS":[{}]}}"#, roles.join(","));
        let actions: Vec<_> = (0..100).map(|n| format!(r#""kms:A{n:03}""#)).collect();
        let actions = format!("[{}]", actions.join(","));
        let full = policy(&[
            statement("Deny", &roles, &actions, "{}"),
            statement("Deny", r#""*""#, r#""kms:Decrypt""#, "{}"),
            allow(&roles, &actions),
            allow(r#""*""#, r#""kms:Decrypt""#),
        ]);
        let others = policy(&[
            allow(r#"{"AWS":"111122223333"}"#, r#""kms:Decrypt""#),
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},"Action":"kms:Decrypt","Resource":"*"}"#.to_owned(),
        ]);
        let diff = Diff::between(None, &others);
        assert_eq!(diff.added[0].principal, "everybody but 444455556666");
        let nothing = policy(&[allow(ROOT, r#""s3:*""#)]);
        let diff = Diff::between(Some(&nothing), &full);
        assert_eq!(
            (diff.added.len(), diff.more),
            (MAX_CHANGES, 202 - MAX_CHANGES)
        );
        assert_eq!(diff.added[0].principal, "everybody");
        assert_eq!(diff.added[0].effect, Effect::Allow);
        let role = &diff.added[1];
        assert_eq!(role.principal, "arn:aws:iam::111122223333:role/r000");
        assert_eq!(
            (role.actions.len(), role.more_actions),
            (MAX_ACTIONS, 100 - MAX_ACTIONS)
        );
        let diff = Diff::between(Some(&full), &nothing);
        assert_eq!(
            (diff.removed.len(), diff.more),
            (MAX_CHANGES, 202 - MAX_CHANGES)
        );
        assert_eq!(diff.removed[0].principal, "everybody");
        assert_eq!(diff.removed[0].effect, Effect::Deny);
    }

    #[test]
    fn a_change_among_too_much_to_compare_is_no_silence() {
        let statement = |last: &str| {
            let actions: Vec<_> = (0..MAX_PATTERNS)
                .map(|n| format!(r#""kms:A{n:03}""#))
                .collect();
            policy(&[allow(ROOT, &format!(r#"[{},"{last}"]"#, actions.join(",")))])
        };
        let (before, after) = (statement("kms:LongerName"), statement("kms:LongestName"));
        let diff = Diff::between(Some(&before), &after);
        assert!(diff.added.is_empty() && diff.removed.is_empty());
        assert_eq!(diff.more, 1);
        assert!(!diff.is_empty());
        assert!(Diff::between(Some(&after), &after).is_empty());
        // A pattern is looked at before single operations: it cannot hide behind them.
        let wide = statement("kms:P*");
        let diff = Diff::between(Some(&before), &wide);
        assert_eq!(diff.added[0].actions, ["kms:P*"]);
        assert_eq!(diff.more, 1);
    }

    #[test]
    fn more_combinations_than_are_compared_are_counted() {
        let many = |last: &str| {
            let all: Vec<_> = (0..2 * MAX_COMPARED)
                .map(|n| {
                    allow(
                        &format!(r#"{{"AWS":"{n:012}"}}"#),
                        &format!(r#""kms:{last}{n}""#),
                    )
                })
                .collect();
            policy(&all)
        };
        let (before, after) = (many("A"), many("B"));
        let diff = Diff::between(Some(&before), &after);
        assert_eq!(
            (diff.added.len(), diff.removed.len()),
            (MAX_CHANGES, MAX_CHANGES)
        );
        assert_eq!(diff.more, MAX_COMPARED + 2 * (MAX_COMPARED - MAX_CHANGES));
        assert_eq!(diff.widened_foreign(&CONTEXT).len(), 2 * MAX_COMPARED);
        assert!(Diff::between(Some(&after), &after).is_empty());
    }

    #[test]
    fn a_change_serialises_for_the_alert() {
        let (before, after) = (
            policy(&[allow(ROOT, r#""s3:*""#)]),
            policy(&[allow(ROOT, r#""kms:*""#)]),
        );
        let diff = Diff::between(Some(&before), &after);
        assert_eq!(
            serde_json::to_string(&diff.added).unwrap(),
            r#"[{"effect":"Allow","principal":"arn:aws:iam::111122223333:root","actions":["kms:*"],"moreActions":0,"condition":null,"left":[]}]"#
        );
    }
}
