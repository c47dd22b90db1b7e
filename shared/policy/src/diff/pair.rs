//! Two policies, compared statement by statement.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::granted::Granted;
use crate::action::Actions;
use crate::parse::{Policy, Statement};

/// Most combinations of statements that are compared pattern by pattern. Each that differs takes at least a statement of
/// its own, so only a policy made to be slow has more.
pub(super) const MAX_COMPARED: usize = 64;

/// What changed under one key.
#[derive(Default)]
pub(super) struct Compared {
    pub(super) added: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) left: Vec<String>,
    /// There may be more differences, in what there was too much of to compare.
    pub(super) unclear: bool,
}

impl Compared {
    pub(super) fn of(old: &Granted, new: &Granted) -> Self {
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
pub(super) struct Pair<'a> {
    pub(super) policies: [Option<&'a Policy>; 2],
    pub(super) prints: HashMap<(usize, Statements), u64>,
    pub(super) compared: HashMap<[Option<Statements>; 2], Rc<Compared>>,
    pub(super) looked_at: usize,
}

impl<'a> Pair<'a> {
    pub(super) fn new(before: Option<&'a Policy>, after: &'a Policy) -> Self {
        Self {
            policies: [before, Some(after)],
            prints: HashMap::new(),
            compared: HashMap::new(),
            looked_at: 0,
        }
    }

    pub(super) fn compare(
        &mut self,
        before: Option<&[usize]>,
        after: Option<&[usize]>,
    ) -> Rc<Compared> {
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

    pub(super) fn statements(
        &self,
        side: usize,
        statements: Option<&[usize]>,
    ) -> impl Iterator<Item = &'a Statement> {
        let policy = self.policies[side];
        let statements = statements.unwrap_or_default().iter();
        statements.filter_map(move |&n| policy?.statements.get(n))
    }

    /// Equal for statements that together write the same actions.
    pub(super) fn print(&mut self, side: usize, statements: Option<&[usize]>) -> u64 {
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
