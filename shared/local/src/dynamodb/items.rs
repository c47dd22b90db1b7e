//! Reads and writes of single items, and of many.

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    error::Error,
    evaluate::{apply, holds},
    expression::{Action, Condition},
    parser::{condition, projection, update},
    path::{Path, project},
    placeholders::Placeholders,
    table::{Key, Table},
    value::{Item, read_item, write_item},
};

/// From before expressions: a request that uses them is refused rather than carried out without its condition.
const LEGACY: [&str; 4] = [
    "AttributeUpdates",
    "AttributesToGet",
    "ConditionalOperator",
    "Expected",
];

const MAX_BATCH_WRITES: usize = 25;
const MAX_BATCH_READS: usize = 100;
const MAX_TRANSACTION: usize = 100;

/// A write, read as far as it can be without the item.
pub(super) struct Write {
    table: String,
    key: Key,
    change: Change,
    condition: Option<Condition>,
    /// `ReturnValuesOnConditionCheckFailure`
    return_old_on_failure: bool,
}

enum Change {
    Put(Item),
    Update(Vec<Action>),
    Delete,
    /// `ConditionCheck` of a transaction.
    None,
}

impl Write {
    pub(super) fn read(kind: &str, request: &Value, call: &Call<'_>) -> Result<Self, Error> {
        call.refuse(&LEGACY)?;
        let name = request["TableName"].as_str().unwrap_or_default();
        let table = call.table(name)?;
        let mut placeholders = Placeholders::read(request)?;
        let (key, change) = match kind {
            "Put" => {
                let item = read_item(&request["Item"])?;
                (table.key_of(&item)?, Change::Put(item))
            }
            kind => {
                let key = table.named(&read_item(&request["Key"])?)?;
                let change = match kind {
                    "Update" => Change::Update(read_update(request, table, &mut placeholders)?),
                    "Delete" => Change::Delete,
                    _ => Change::None,
                };
                (key, change)
            }
        };
        if let Change::Put(item) = &change {
            Table::check_size(item)?;
        }
        let condition = condition(request, "ConditionExpression", &mut placeholders)?;
        placeholders.check_used()?;
        if matches!(change, Change::None) && condition.is_none() {
            return Err(Error::validation(
                "1 validation error detected: Value null at 'conditionExpression' failed to satisfy constraint: \
                 Member must not be null",
            ));
        }
        Ok(Self {
            table: table.name.clone(),
            key,
            change,
            condition,
            return_old_on_failure: request["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD",
        })
    }

    /// The item as it would be afterwards; `None`: deleted.
    fn outcome(&self, table: &Table) -> Result<Option<Item>, Error> {
        let old = table.get(&self.key);
        let nothing = Item::new();
        if let Some(condition) = &self.condition
            && !holds(condition, old.unwrap_or(&nothing))?
        {
            let shown = old.filter(|_| self.return_old_on_failure).map(write_item);
            return Err(Error::condition_failed(shown));
        }
        Ok(match &self.change {
            Change::Put(item) => Some(item.clone()),
            Change::Delete => None,
            Change::None => old.cloned(),
            Change::Update(actions) => {
                let new = table.attributes(&self.key);
                let updated = apply(actions, old.unwrap_or(&new))?;
                Table::check_size(&updated)?;
                Some(updated)
            }
        })
    }

    fn commit(self, table: &mut Table, outcome: Option<Item>) {
        match outcome {
            Some(item) if !matches!(self.change, Change::None) => table.put(self.key, item),
            Some(_) => {}
            None => table.remove(&self.key),
        }
    }
}

fn read_update(
    request: &Value,
    table: &Table,
    placeholders: &mut Placeholders,
) -> Result<Vec<Action>, Error> {
    let actions = update(request, placeholders)?;
    for action in &actions {
        let attribute = action.path().attribute();
        if table.is_key(attribute) {
            return Err(Error::parameters(&format!(
                "Cannot update attribute {attribute}. This attribute is part of the key"
            )));
        }
    }
    Ok(actions)
}

/// `PutItem`, `UpdateItem`, `DeleteItem`.
pub(super) fn write(call: &mut Call<'_>, kind: &str) -> Result<Value, Error> {
    let returns = call.body["ReturnValues"].as_str().unwrap_or("NONE");
    let allowed: &[&str] = match kind {
        "Update" => &["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"],
        _ => &["NONE", "ALL_OLD"],
    };
    if !allowed.contains(&returns) {
        return Err(Error::validation(
            "ReturnValues can only be ALL_OLD or NONE",
        ));
    }
    let write = Write::read(kind, call.body, call)?;
    let table = call.table_mut(&write.table)?;
    let new = write.outcome(table)?;
    let old = table.get(&write.key).cloned();
    let touched: Vec<Path> = match &write.change {
        Change::Update(actions) => actions.iter().map(|action| action.path().clone()).collect(),
        _ => Vec::new(),
    };
    let returned = match returns {
        "ALL_OLD" => old,
        "ALL_NEW" => new.clone(),
        "UPDATED_OLD" => old.map(|item| project(&item, &touched)),
        "UPDATED_NEW" => new.as_ref().map(|item| project(item, &touched)),
        _ => None,
    };
    write.commit(table, new);
    Ok(match returned {
        Some(item) if !item.is_empty() => json!({"Attributes": write_item(&item)}),
        _ => json!({}),
    })
}

/// What of an item a read wants.
struct Shown(Option<Vec<Path>>);

impl Shown {
    fn read(request: &Value) -> Result<Self, Error> {
        let mut placeholders = Placeholders::read(request)?;
        let shown = Self(projection(request, &mut placeholders)?);
        placeholders.check_used()?;
        Ok(shown)
    }

    fn of(&self, item: &Item) -> Value {
        match &self.0 {
            Some(paths) => write_item(&project(item, paths)),
            None => write_item(item),
        }
    }
}

pub(super) fn get(call: &mut Call<'_>) -> Result<Value, Error> {
    call.refuse(&LEGACY)?;
    let shown = Shown::read(call.body)?;
    let table = call.named_table()?;
    let key = table.named(&read_item(&call.body["Key"])?)?;
    Ok(match table.get(&key) {
        Some(item) => json!({"Item": shown.of(item)}),
        None => json!({}),
    })
}

/// The members of an object, and at least one of them.
fn members<'b>(body: &'b Value, member: &str) -> Result<Vec<(&'b str, &'b Value)>, Error> {
    let members: Vec<_> = body[member]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    if members.is_empty() {
        return Err(too_few_or_many(member));
    }
    Ok(members)
}

fn too_few_or_many(member: &str) -> Error {
    Error::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
         Member must have length within its limits"
    ))
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn batch_get(call: &mut Call<'_>) -> Result<Value, Error> {
    let mut responses = Map::new();
    let mut seen = Vec::new();
    for (name, request) in members(call.body, "RequestItems")? {
        let shown = Shown::read(request)?;
        let table = call.table(name)?;
        let mut items = Vec::new();
        for key in array(&request["Keys"]) {
            let key = table.named(&read_item(key)?)?;
            items.extend(table.get(&key).map(|item| shown.of(item)));
            seen.push((name, key));
        }
        responses.insert(name.to_owned(), items.into());
    }
    check_batch(seen, MAX_BATCH_READS, "RequestItems")?;
    let mut answer = json!({"UnprocessedKeys": {}});
    answer["Responses"] = responses.into();
    Ok(answer)
}

pub(super) fn batch_write(call: &mut Call<'_>) -> Result<Value, Error> {
    let mut writes = Vec::new();
    for (name, requests) in members(call.body, "RequestItems")? {
        for request in array(requests) {
            let (kind, request) = match (&request["PutRequest"], &request["DeleteRequest"]) {
                (put @ Value::Object(_), Value::Null) => ("Put", put),
                (Value::Null, delete @ Value::Object(_)) => ("Delete", delete),
                _ => {
                    return Err(Error::validation(
                        "Supplied WriteRequest has to be one PutRequest or DeleteRequest",
                    ));
                }
            };
            let mut request = request.clone();
            request["TableName"] = name.into();
            writes.push(Write::read(kind, &request, call)?);
        }
    }
    let keys = writes
        .iter()
        .map(|write| (write.table.as_str(), write.key.clone()));
    check_batch(keys.collect(), MAX_BATCH_WRITES, "RequestItems")?;
    for write in writes {
        let table = call.table_mut(&write.table)?;
        let outcome = write.outcome(table)?;
        write.commit(table, outcome);
    }
    Ok(json!({"UnprocessedItems": {}}))
}

fn check_batch(mut keys: Vec<(&str, Key)>, limit: usize, member: &str) -> Result<(), Error> {
    if !(1..=limit).contains(&keys.len()) {
        return Err(too_few_or_many(member));
    }
    let count = keys.len();
    keys.sort();
    keys.dedup();
    if keys.len() < count {
        return Err(Error::validation(
            "Provided list of item keys contains duplicates",
        ));
    }
    Ok(())
}

pub(super) fn transact_write(call: &mut Call<'_>) -> Result<Value, Error> {
    let token = call.body["ClientRequestToken"].as_str();
    if let Some(token) = token
        && call.is_repeated(token)?
    {
        return Ok(json!({}));
    }
    let mut writes = Vec::new();
    for entry in array(&call.body["TransactItems"]) {
        let mut kinds = ["ConditionCheck", "Put", "Update", "Delete"]
            .into_iter()
            .filter(|kind| entry[*kind].is_object());
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            return Err(Error::validation(
                "TransactItems can only contain one of Check, Put, Update or Delete",
            ));
        };
        writes.push(Write::read(kind, &entry[kind], call)?);
    }
    if !(1..=MAX_TRANSACTION).contains(&writes.len()) {
        return Err(too_few_or_many("transactItems"));
    }
    let mut keys: Vec<_> = writes
        .iter()
        .map(|write| (&write.table, &write.key))
        .collect();
    keys.sort();
    keys.dedup();
    if keys.len() < writes.len() {
        return Err(Error::validation(
            "Transaction request cannot include multiple operations on one item",
        ));
    }
    let mut outcomes = Vec::new();
    let mut reasons = Vec::new();
    for write in &writes {
        match write.outcome(call.table(&write.table)?) {
            Ok(outcome) => {
                outcomes.push(outcome);
                reasons.push(json!({"Code": "None"}));
            }
            Err(error) => reasons.push(reason(&error)),
        }
    }
    if outcomes.len() < writes.len() {
        return Err(Error::cancelled(reasons));
    }
    for (write, outcome) in writes.into_iter().zip(outcomes) {
        let table = call.table_mut(&write.table)?;
        write.commit(table, outcome);
    }
    if let Some(token) = token {
        call.remember(token);
    }
    Ok(json!({}))
}

/// `CancellationReason`: codes without their ending.
fn reason(error: &Error) -> Value {
    let code = match error.code {
        "ValidationException" => "ValidationError",
        "ConditionalCheckFailedException" => "ConditionalCheckFailed",
        code => code,
    };
    let mut reason = json!({"Code": code, "Message": error.message});
    if let Some(item) = error.body().get("Item") {
        reason["Item"] = item.clone();
    }
    reason
}
