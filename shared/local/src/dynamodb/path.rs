//! Document paths: `a.b[2].c`, and what they lead to.

use std::{collections::BTreeMap, fmt};

use super::{
    error::Error,
    value::{Attribute, Item},
};

/// A step into a map or a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// Begins with the name of an attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Path(pub(super) Vec<Step>);

impl Path {
    /// The attribute that the path begins with.
    pub(super) fn attribute(&self) -> &str {
        match self.0.first() {
            Some(Step::Name(name)) => name,
            _ => "",
        }
    }

    /// The attribute, if the path goes no deeper.
    pub(super) fn only(&self) -> Option<&str> {
        (self.0.len() == 1).then(|| self.attribute())
    }

    pub(super) fn get<'i>(&self, item: &'i Item) -> Option<&'i Attribute> {
        let mut value = item.get(self.attribute())?;
        for step in self.0.get(1..).unwrap_or_default() {
            value = match (value, step) {
                (Attribute::M(members), Step::Name(name)) => members.get(name)?,
                (Attribute::L(entries), Step::Index(index)) => entries.get(*index)?,
                _ => return None,
            };
        }
        Some(value)
    }

    /// Puts a value there. What the path goes through has to exist; beyond the end of a list is its end.
    pub(super) fn set(&self, item: &mut Item, value: Attribute) -> Result<(), Error> {
        let Some((last, parents)) = self.0.split_last() else {
            return Ok(());
        };
        match (Holder::find(item, parents)?, last) {
            (Holder::Map(members), Step::Name(name)) => _ = members.insert(name.clone(), value),
            (Holder::List(entries), Step::Index(index)) => match entries.get_mut(*index) {
                Some(entry) => *entry = value,
                None => entries.push(value),
            },
            _ => return Err(no_way()),
        }
        Ok(())
    }

    /// Takes away what is there, if it is.
    pub(super) fn remove(&self, item: &mut Item) -> Result<(), Error> {
        let Some((last, parents)) = self.0.split_last() else {
            return Ok(());
        };
        match (Holder::find(item, parents)?, last) {
            (Holder::Map(members), Step::Name(name)) => _ = members.remove(name),
            (Holder::List(entries), Step::Index(index)) => {
                if *index < entries.len() {
                    entries.remove(*index);
                }
            }
            _ => return Err(no_way()),
        }
        Ok(())
    }

    /// One of the two leads through the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0
            .iter()
            .zip(&other.0)
            .all(|(left, right)| left == right)
    }
}

/// `[a, b, [2]]`, as error texts name paths.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps: Vec<_> = self
            .0
            .iter()
            .map(|step| match step {
                Step::Name(name) => name.clone(),
                Step::Index(index) => format!("[{index}]"),
            })
            .collect();
        write!(f, "[{}]", steps.join(", "))
    }
}

fn no_way() -> Error {
    Error::validation("The document path provided in the update expression is invalid for update")
}

/// What something can be put into.
enum Holder<'i> {
    Map(&'i mut Item),
    List(&'i mut Vec<Attribute>),
}

impl<'i> Holder<'i> {
    fn find(item: &'i mut Item, steps: &[Step]) -> Result<Self, Error> {
        let mut holder = Holder::Map(item);
        for step in steps {
            let value = match (holder, step) {
                (Holder::Map(members), Step::Name(name)) => members.get_mut(name),
                (Holder::List(entries), Step::Index(index)) => entries.get_mut(*index),
                _ => None,
            };
            holder = match value {
                Some(Attribute::M(members)) => Holder::Map(members),
                Some(Attribute::L(entries)) => Holder::List(entries),
                _ => return Err(no_way()),
            };
        }
        Ok(holder)
    }
}

/// The parts of an item that the paths lead to, each where it was; entries of lists move up.
pub(super) fn project(item: &Item, paths: &[Path]) -> Item {
    let steps: Vec<&[Step]> = paths.iter().map(|path| path.0.as_slice()).collect();
    select_members(item, &steps)
}

fn select_members(item: &Item, paths: &[&[Step]]) -> Item {
    let mut selected: BTreeMap<&str, Vec<&[Step]>> = BTreeMap::new();
    for path in paths {
        if let Some((Step::Name(name), rest)) = path.split_first() {
            selected.entry(name).or_default().push(rest);
        }
    }
    selected
        .into_iter()
        .filter_map(|(name, rest)| Some((name.to_owned(), select(item.get(name)?, &rest)?)))
        .collect()
}

fn select(value: &Attribute, paths: &[&[Step]]) -> Option<Attribute> {
    if paths.iter().any(|path| path.is_empty()) {
        return Some(value.clone());
    }
    match value {
        Attribute::M(members) => {
            let members = select_members(members, paths);
            (!members.is_empty()).then_some(Attribute::M(members))
        }
        Attribute::L(entries) => {
            let mut selected: BTreeMap<usize, Vec<&[Step]>> = BTreeMap::new();
            for path in paths {
                if let Some((Step::Index(index), rest)) = path.split_first() {
                    selected.entry(*index).or_default().push(rest);
                }
            }
            let entries: Vec<_> = selected
                .into_iter()
                .filter_map(|(index, rest)| select(entries.get(index)?, &rest))
                .collect();
            (!entries.is_empty()).then_some(Attribute::L(entries))
        }
        _ => None,
    }
}
