//! What expressions say: operands, conditions, updates.

use super::{path::Path, value::Attribute};

/// A value that is compared, set or appended.
#[derive(Debug, Clone)]
pub(super) enum Operand {
    Path(Path),
    Value(Attribute),
    Size(Path),
    IfNotExists(Path, Box<Operand>),
    ListAppend(Box<Operand>, Box<Operand>),
    Plus(Box<Operand>, Box<Operand>),
    Minus(Box<Operand>, Box<Operand>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone)]
pub(super) enum Condition {
    Or(Box<Condition>, Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Not(Box<Condition>),
    Compare(Operand, Comparator, Operand),
    Between(Operand, Operand, Operand),
    In(Operand, Vec<Operand>),
    Exists(Path),
    NotExists(Path),
    HasType(Path, Attribute),
    BeginsWith(Operand, Operand),
    Contains(Operand, Operand),
}

/// What an update does to a path.
#[derive(Debug, Clone)]
pub(super) enum Action {
    Set(Path, Operand),
    Remove(Path),
    Add(Path, Attribute),
    Delete(Path, Attribute),
}

impl Action {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }
}
