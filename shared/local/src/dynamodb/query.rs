//! `Query` and `Scan`: pages of items in order.

use serde_json::{Value, json};

use super::{
    call::Call,
    error::Error,
    evaluate::holds,
    expression::{Comparator, Condition, Operand},
    parser::{condition, projection},
    path::project,
    placeholders::Placeholders,
    table::{Key, Table},
    value::{Attribute, Item, item_size, read_item, write_item},
};

/// What a page holds at most, before it is filtered.
const MAX_PAGE: usize = 1024 * 1024;

/// From before expressions, and indexes.
const NOT_THERE: [&str; 8] = [
    "AttributesToGet",
    "ConditionalOperator",
    "IndexName",
    "KeyConditions",
    "QueryFilter",
    "ScanFilter",
    "Segment",
    "TotalSegments",
];

pub(super) fn query(call: &mut Call<'_>) -> Result<Value, Error> {
    call.refuse(&NOT_THERE)?;
    let table = call.named_table()?;
    let mut placeholders = Placeholders::read(call.body)?;
    let keys = condition(call.body, "KeyConditionExpression", &mut placeholders)?;
    let keys = keys.ok_or_else(|| {
        Error::validation(
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        )
    })?;
    let partition = partition(&keys, table)?;
    let items = table.partition(&partition);
    let backwards = call.body["ScanIndexForward"] == false;
    let mut found = Vec::new();
    for (key, item) in items {
        if holds(&keys, item)? {
            found.push((key, item));
        }
    }
    if backwards {
        found.reverse();
    }
    page(call.body, table, found, placeholders, backwards)
}

pub(super) fn scan(call: &mut Call<'_>) -> Result<Value, Error> {
    call.refuse(&NOT_THERE)?;
    let table = call.named_table()?;
    let placeholders = Placeholders::read(call.body)?;
    page(call.body, table, table.all().collect(), placeholders, false)
}

fn page(
    body: &Value,
    table: &Table,
    items: Vec<(&Key, &Item)>,
    mut placeholders: Placeholders,
    backwards: bool,
) -> Result<Value, Error> {
    let filter = condition(body, "FilterExpression", &mut placeholders)?;
    let shown = projection(body, &mut placeholders)?;
    placeholders.check_used()?;
    let limit = match &body["Limit"] {
        Value::Null => usize::MAX,
        limit => limit
            .as_u64()
            .filter(|limit| *limit > 0)
            .and_then(|limit| usize::try_from(limit).ok())
            .ok_or_else(|| {
                Error::validation(
                    "1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must have \
                     value greater than or equal to 1",
                )
            })?,
    };
    let start = match &body["ExclusiveStartKey"] {
        Value::Null => None,
        key => Some(table.named(&read_item(key)?)?),
    };
    let after_start = |key: &Key| match &start {
        Some(start) if backwards => key < start,
        Some(start) => key > start,
        None => true,
    };
    let (mut size, mut scanned, mut last) = (0, 0, None);
    let mut found = Vec::new();
    let mut more = false;
    for (key, item) in items.into_iter().filter(|(key, _)| after_start(key)) {
        if scanned == limit || size > MAX_PAGE {
            more = true;
            break;
        }
        scanned += 1;
        size += item_size(item);
        last = Some(key);
        if filter
            .as_ref()
            .map_or(Ok(true), |filter| holds(filter, item))?
        {
            found.push(item);
        }
    }
    let mut answer = json!({"Count": found.len(), "ScannedCount": scanned});
    if body["Select"] != "COUNT" {
        let items: Vec<Value> = found
            .into_iter()
            .map(|item| match &shown {
                Some(paths) => write_item(&project(item, paths)),
                None => write_item(item),
            })
            .collect();
        answer["Items"] = items.into();
    }
    // A page that is full by its limit says so, even if nothing follows.
    if let Some(last) = last.filter(|_| more || scanned == limit) {
        answer["LastEvaluatedKey"] = write_item(&table.attributes(last));
    }
    Ok(answer)
}

/// The partition that a key condition names: `pk = :v`, alone or with one condition on the sort key.
fn partition(keys: &Condition, table: &Table) -> Result<Attribute, Error> {
    let parts: Vec<&Condition> = match keys {
        Condition::And(left, right) => vec![left, right],
        condition => vec![condition],
    };
    let (mut partition, mut sort) = (None, false);
    for part in parts {
        match part {
            Condition::Compare(Operand::Path(path), Comparator::Equal, Operand::Value(value))
                if path.only() == Some(table.partition.name.as_str()) && partition.is_none() =>
            {
                check_kind(value, &table.partition.kind)?;
                partition = Some(value.clone());
            }
            part if !sort => {
                check_sort(part, table)?;
                sort = true;
            }
            _ => return Err(unsupported()),
        }
    }
    partition.ok_or_else(|| {
        Error::validation(format!(
            "Query condition missed key schema element: {}",
            table.partition.name
        ))
    })
}

fn unsupported() -> Error {
    Error::validation("Query key condition not supported")
}

fn check_sort(condition: &Condition, table: &Table) -> Result<(), Error> {
    let (path, values) = match condition {
        Condition::Compare(Operand::Path(path), comparator, value)
            if *comparator != Comparator::NotEqual =>
        {
            (path, vec![value])
        }
        Condition::Between(Operand::Path(path), low, high) => (path, vec![low, high]),
        Condition::BeginsWith(Operand::Path(path), start) => (path, vec![start]),
        _ => return Err(unsupported()),
    };
    let part = table
        .sort
        .as_ref()
        .filter(|part| path.only() == Some(part.name.as_str()))
        .ok_or_else(unsupported)?;
    for value in values {
        match value {
            Operand::Value(value) => check_kind(value, &part.kind)?,
            _ => return Err(unsupported()),
        }
    }
    Ok(())
}

fn check_kind(value: &Attribute, kind: &str) -> Result<(), Error> {
    if value.kind() == kind {
        return Ok(());
    }
    Err(Error::parameters(
        "Condition parameter type does not match schema type",
    ))
}
