//! What expressions come to, on an item.

use super::{
    error::Error,
    expression::{Action, Comparator, Condition, Operand},
    number::Number,
    value::{Attribute, Item},
};

/// Whether the condition holds for the item; one that does not exist has no attributes.
pub(super) fn holds(condition: &Condition, item: &Item) -> Result<bool, Error> {
    Ok(match condition {
        Condition::Or(left, right) => holds(left, item)? || holds(right, item)?,
        Condition::And(left, right) => holds(left, item)? && holds(right, item)?,
        Condition::Not(condition) => !holds(condition, item)?,
        Condition::Exists(path) => path.get(item).is_some(),
        Condition::NotExists(path) => path.get(item).is_none(),
        Condition::HasType(path, kind) => {
            let Attribute::S(kind) = kind else {
                return Err(incorrect("attribute_type", kind));
            };
            path.get(item).is_some_and(|value| value.kind() == kind)
        }
        Condition::Compare(left, comparator, right) => {
            let (left, right) = (value(left, item)?, value(right, item)?);
            compare(left.as_ref(), *comparator, right.as_ref())
        }
        Condition::Between(middle, low, high) => {
            let [middle, low, high] = [value(middle, item)?, value(low, item)?, value(high, item)?];
            compare(low.as_ref(), Comparator::LessOrEqual, middle.as_ref())
                && compare(middle.as_ref(), Comparator::LessOrEqual, high.as_ref())
        }
        Condition::In(operand, entries) => {
            let operand = value(operand, item)?;
            let mut found = false;
            for entry in entries {
                found |= operand.is_some() && operand == value(entry, item)?;
            }
            found
        }
        Condition::BeginsWith(left, right) => match (value(left, item)?, value(right, item)?) {
            (Some(Attribute::S(text)), Some(Attribute::S(start))) => text.starts_with(&start),
            (Some(Attribute::B(bytes)), Some(Attribute::B(start))) => bytes.starts_with(&start),
            (_, Some(start)) if !matches!(start, Attribute::S(_) | Attribute::B(_)) => {
                return Err(incorrect("begins_with", &start));
            }
            _ => false,
        },
        Condition::Contains(left, right) => match (value(left, item)?, value(right, item)?) {
            (Some(whole), Some(part)) => contains(&whole, &part),
            _ => false,
        },
    })
}

fn incorrect(operator: &str, operand: &Attribute) -> Error {
    Error::validation(format!(
        "Incorrect operand type for operator or function; operator or function: {operator}, operand type: {}",
        operand.kind()
    ))
}

/// Of what does not exist, nothing holds but that it differs.
fn compare(left: Option<&Attribute>, comparator: Comparator, right: Option<&Attribute>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return comparator == Comparator::NotEqual && left != right;
    };
    let ordered = left.kind() == right.kind()
        && matches!(left, Attribute::S(_) | Attribute::N(_) | Attribute::B(_));
    match comparator {
        Comparator::Equal => left == right,
        Comparator::NotEqual => left != right,
        Comparator::Less => ordered && left < right,
        Comparator::LessOrEqual => ordered && left <= right,
        Comparator::Greater => ordered && left > right,
        Comparator::GreaterOrEqual => ordered && left >= right,
    }
}

fn contains(whole: &Attribute, part: &Attribute) -> bool {
    match (whole, part) {
        (Attribute::S(text), Attribute::S(part)) => text.contains(part.as_str()),
        (Attribute::B(bytes), Attribute::B(part)) => {
            part.is_empty() || bytes.windows(part.len()).any(|window| window == part)
        }
        (Attribute::Ss(set), Attribute::S(entry)) => set.contains(entry),
        (Attribute::Ns(set), Attribute::N(entry)) => set.contains(entry),
        (Attribute::Bs(set), Attribute::B(entry)) => set.contains(entry),
        (Attribute::L(entries), entry) => entries.contains(entry),
        _ => false,
    }
}

/// `None` if it leads to nothing.
fn value(operand: &Operand, item: &Item) -> Result<Option<Attribute>, Error> {
    Ok(match operand {
        Operand::Value(value) => Some(value.clone()),
        Operand::Path(path) => path.get(item).cloned(),
        Operand::Size(path) => match path.get(item).and_then(Attribute::length) {
            Some(length) => {
                let number: Result<Number, _> = length.to_string().parse();
                number.ok().map(Attribute::N)
            }
            None => None,
        },
        Operand::IfNotExists(path, otherwise) => match path.get(item) {
            Some(value) => Some(value.clone()),
            None => Some(existing(otherwise, item)?),
        },
        Operand::ListAppend(left, right) => match (existing(left, item)?, existing(right, item)?) {
            (Attribute::L(mut left), Attribute::L(right)) => {
                left.extend(right);
                Some(Attribute::L(left))
            }
            (Attribute::L(_), other) | (other, _) => {
                return Err(incorrect("list_append", &other));
            }
        },
        Operand::Plus(left, right) => Some(arithmetic("+", left, right, item, Number::plus)?),
        Operand::Minus(left, right) => Some(arithmetic("-", left, right, item, Number::minus)?),
    })
}

fn existing(operand: &Operand, item: &Item) -> Result<Attribute, Error> {
    value(operand, item)?.ok_or_else(|| {
        Error::validation(
            "The provided expression refers to an attribute that does not exist in the item",
        )
    })
}

fn arithmetic(
    sign: &str,
    left: &Operand,
    right: &Operand,
    item: &Item,
    calculate: fn(&Number, &Number) -> Result<Number, super::number::NumberError>,
) -> Result<Attribute, Error> {
    let (left, right) = (existing(left, item)?, existing(right, item)?);
    match (&left, &right) {
        (Attribute::N(left), Attribute::N(right)) => calculate(left, right)
            .map(Attribute::N)
            .map_err(|error| Error::validation(error.message())),
        (Attribute::N(_), other) | (other, _) => Err(incorrect(sign, other)),
    }
}

/// Carries out an update. What is read is the item as it was before, in whatever order the actions come.
pub(super) fn apply(actions: &[Action], item: &Item) -> Result<Item, Error> {
    let mut updated = item.clone();
    for action in actions {
        match action {
            Action::Set(path, operand) => path.set(&mut updated, existing(operand, item)?)?,
            Action::Add(path, addend) => path.set(&mut updated, sum(path.get(item), addend)?)?,
            Action::Delete(path, subtrahend) => match difference(path.get(item), subtrahend)? {
                Some(rest) => path.set(&mut updated, rest)?,
                None => path.remove(&mut updated)?,
            },
            Action::Remove(_) => {}
        }
    }
    // From the end of a list, so that the indices before it stay what they are.
    let mut removed: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Remove(path) => Some(path),
            _ => None,
        })
        .collect();
    removed.sort();
    for path in removed.into_iter().rev() {
        path.remove(&mut updated)?;
    }
    Ok(updated)
}

fn wrong_type() -> Error {
    Error::validation("An operand in the update expression has an incorrect data type")
}

/// A number or a set, and more of it.
fn sum(value: Option<&Attribute>, addend: &Attribute) -> Result<Attribute, Error> {
    Ok(match (value, addend) {
        (None, Attribute::N(_) | Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_)) => {
            addend.clone()
        }
        (Some(Attribute::N(value)), Attribute::N(addend)) => {
            value
                .plus(addend)
                .map(Attribute::N)
                .map_err(|error| Error::validation(error.message()))?
        }
        (Some(Attribute::Ss(set)), Attribute::Ss(more)) => Attribute::Ss(set | more),
        (Some(Attribute::Ns(set)), Attribute::Ns(more)) => Attribute::Ns(set | more),
        (Some(Attribute::Bs(set)), Attribute::Bs(more)) => Attribute::Bs(set | more),
        (None, _) => return Err(incorrect("ADD", addend)),
        _ => return Err(wrong_type()),
    })
}

/// What is left of a set; an empty set is no attribute.
fn difference(
    value: Option<&Attribute>,
    subtrahend: &Attribute,
) -> Result<Option<Attribute>, Error> {
    let rest = match (value, subtrahend) {
        (None, Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_)) => return Ok(None),
        (Some(Attribute::Ss(set)), Attribute::Ss(less)) => Attribute::Ss(set - less),
        (Some(Attribute::Ns(set)), Attribute::Ns(less)) => Attribute::Ns(set - less),
        (Some(Attribute::Bs(set)), Attribute::Bs(less)) => Attribute::Bs(set - less),
        (None, _) => return Err(incorrect("DELETE", subtrahend)),
        _ => return Err(wrong_type()),
    };
    Ok((rest.length() != Some(0)).then_some(rest))
}
