//! DynamoDB: tables without indexes, with the expressions of the API (DynamoDB Developer Guide, "Using expressions").
//!
//! A request that asks for what is not there is refused with a `ValidationException`, never answered without it.

mod error;
mod evaluate;
mod expression;
mod items;
mod number;
mod path;
mod query;
mod reserved;
mod table;
mod tables;
mod value;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use error::Error;

use self::{table::Table, tables::Tokens};
use crate::kms::partition;

/// The tables, by Region and name.
#[derive(Debug, Default)]
pub(crate) struct DynamoDb {
    tables: BTreeMap<(String, String), Table>,
    tokens: Tokens,
}

/// A request, whichever way it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) account: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) body: &'a Value,
    /// Of a table that is made.
    pub(crate) id: &'a str,
}

/// The ARN of the table that a request is about; of several, the first.
pub(crate) fn resource(region: &str, account: &str, body: &Value) -> Option<String> {
    let in_batch = || body["RequestItems"].as_object()?.keys().next().cloned();
    let in_transaction = || {
        let entry = body["TransactItems"].as_array()?.first()?.as_object()?;
        let request = entry.values().next()?;
        request["TableName"].as_str().map(str::to_owned)
    };
    let name = body["TableName"].as_str().map(str::to_owned);
    let name = name.or_else(in_batch).or_else(in_transaction)?;
    Some(arn(region, account, table_name(&name)))
}

/// What the caller needs to be allowed: for a transaction, each of its writes.
pub(crate) fn permissions(
    operation: &str,
    region: &str,
    account: &str,
    body: &Value,
) -> Vec<(String, String)> {
    let entries = body["TransactItems"].as_array().into_iter().flatten();
    let writes: Vec<_> = entries
        .filter_map(|entry| {
            let (kind, request) = entry.as_object()?.iter().next()?;
            let action = match kind.as_str() {
                "ConditionCheck" => "ConditionCheckItem",
                "Put" => "PutItem",
                "Update" => "UpdateItem",
                _ => "DeleteItem",
            };
            let resource = resource(region, account, request)?;
            Some((format!("dynamodb:{action}"), resource))
        })
        .collect();
    if !writes.is_empty() {
        return writes;
    }
    let tables = body["RequestItems"].as_object().into_iter().flatten();
    let mut resources: Vec<_> = tables
        .map(|(name, _)| arn(region, account, table_name(name)))
        .collect();
    if resources.is_empty() {
        let resource = resource(region, account, body);
        resources.push(resource.unwrap_or_else(|| "*".to_owned()));
    }
    resources
        .into_iter()
        .map(|resource| (format!("dynamodb:{operation}"), resource))
        .collect()
}

fn arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:dynamodb:{region}:{account}:table/{name}",
        partition(region)
    )
}

/// A table is named by its name or its ARN.
fn table_name(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}

/// A call while it runs.
struct Call<'a> {
    state: &'a mut DynamoDb,
    request: Request<'a>,
    body: &'a Value,
}

impl DynamoDb {
    /// Carries out a request.
    pub(crate) fn call(&mut self, request: Request<'_>) -> Result<Value, Error> {
        for table in self.tables.values_mut() {
            table.expire(request.now);
        }
        if !request.body.is_object() {
            return Err(Error::serialization("The request is no JSON object"));
        }
        let mut call = Call {
            state: self,
            request,
            body: request.body,
        };
        let call = &mut call;
        match request.operation {
            "CreateTable" => tables::create(call),
            "DescribeTable" => tables::describe(call),
            "DeleteTable" => tables::delete(call),
            "ListTables" => tables::list(call),
            "UpdateTimeToLive" => tables::update_time_to_live(call),
            "DescribeTimeToLive" => tables::describe_time_to_live(call),
            "PutItem" => items::write(call, "Put"),
            "UpdateItem" => items::write(call, "Update"),
            "DeleteItem" => items::write(call, "Delete"),
            "GetItem" => items::get(call),
            "BatchGetItem" => items::batch_get(call),
            "BatchWriteItem" => items::batch_write(call),
            "TransactWriteItems" => items::transact_write(call),
            "Query" => query::query(call),
            "Scan" => query::scan(call),
            _ => Err(Error::new("UnknownOperationException", "")),
        }
    }

    /// Puts a table in place, if it is not there: partition key `pk`, sort key `sk`, both text, and `ttl` as the attribute
    /// that ends items. Returns its ARN.
    pub(crate) fn create_table(
        &mut self,
        name: &str,
        region: &str,
        account: &str,
        id: &str,
        now: Timestamp,
    ) -> String {
        let arn = arn(region, account, name);
        let place = (region.to_owned(), name.to_owned());
        self.tables.entry(place).or_insert_with(|| {
            let mut table = Table::new(name, arn.clone(), id.to_owned(), now);
            table.ttl = Some("ttl".to_owned());
            table
        });
        arn
    }

    /// What a table holds, in the order of its keys.
    pub(crate) fn items(&mut self, region: &str, name: &str, now: Timestamp) -> Vec<Value> {
        let place = (region.to_owned(), table_name(name).to_owned());
        let Some(table) = self.tables.get_mut(&place) else {
            return Vec::new();
        };
        table.expire(now);
        table
            .all()
            .map(|(_, item)| value::write_item(item))
            .collect()
    }
}

impl Call<'_> {
    fn text(&self, member: &str) -> Result<&str, Error> {
        self.body[member].as_str().ok_or_else(|| {
            Error::validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be \
                 null",
                crate::kms::lower_first(member)
            ))
        })
    }

    /// Fails if the request has a member that would be ignored.
    fn refuse(&self, members: &[&str]) -> Result<(), Error> {
        let present = members.iter().find(|member| match &self.body[**member] {
            Value::Null => false,
            Value::Array(entries) => !entries.is_empty(),
            _ => true,
        });
        match present {
            Some(member) => Err(Error::validation(format!("{member} is not simulated"))),
            None => Ok(()),
        }
    }

    fn place(&self, name: &str) -> (String, String) {
        (self.request.region.to_owned(), table_name(name).to_owned())
    }

    fn table(&self, name: &str) -> Result<&Table, Error> {
        let table = self.state.tables.get(&self.place(name));
        table.ok_or_else(|| Error::no_table(name))
    }

    fn table_mut(&mut self, name: &str) -> Result<&mut Table, Error> {
        let place = self.place(name);
        let table = self.state.tables.get_mut(&place);
        table.ok_or_else(|| Error::no_table(name))
    }

    fn named_table(&self) -> Result<&Table, Error> {
        self.table(self.text("TableName")?)
    }

    fn named_table_mut(&mut self) -> Result<&mut Table, Error> {
        let name = self.text("TableName")?.to_owned();
        self.table_mut(&name)
    }

    fn new_table(&self, name: &str) -> Table {
        let arn = arn(self.request.region, self.request.account, name);
        Table::new(name, arn, self.request.id.to_owned(), self.request.now)
    }

    fn put_table(&mut self, table: Table) {
        let place = self.place(&table.name);
        self.state.tables.insert(place, table);
    }

    fn remove_table(&mut self, name: &str) {
        let place = self.place(name);
        self.state.tables.remove(&place);
    }

    fn table_names(&self) -> Vec<String> {
        let tables = self.state.tables.keys();
        let here = tables.filter(|(region, _)| region == self.request.region);
        here.map(|(_, name)| name.clone()).collect()
    }

    fn is_repeated(&mut self, token: &str) -> Result<bool, Error> {
        self.state
            .tokens
            .is_repeated(token, self.body, self.request.now)
    }

    fn remember(&mut self, token: &str) {
        self.state
            .tokens
            .remember(token, self.body, self.request.now);
    }
}

#[cfg(test)]
mod tests;
