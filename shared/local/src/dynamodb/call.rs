//! The tables, and a call while it runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    error::Error,
    request::{Request, arn, table_name},
    table::Table,
    tokens::Tokens,
    value,
};
use crate::spelling::lower_first;

/// The tables, by Region and name.
#[derive(Debug, Default)]
pub(crate) struct DynamoDb {
    pub(super) tables: BTreeMap<(String, String), Table>,
    tokens: Tokens,
}

/// A call while it runs.
pub(super) struct Call<'a> {
    pub(super) state: &'a mut DynamoDb,
    pub(super) request: Request<'a>,
    pub(super) body: &'a Value,
}

impl DynamoDb {
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
    pub(super) fn text(&self, member: &str) -> Result<&str, Error> {
        self.body[member].as_str().ok_or_else(|| {
            Error::validation(format!(
                "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be \
                 null",
                lower_first(member)
            ))
        })
    }

    /// Fails if the request has a member that would be ignored.
    pub(super) fn refuse(&self, members: &[&str]) -> Result<(), Error> {
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

    pub(super) fn place(&self, name: &str) -> (String, String) {
        (self.request.region.to_owned(), table_name(name).to_owned())
    }

    pub(super) fn table(&self, name: &str) -> Result<&Table, Error> {
        let table = self.state.tables.get(&self.place(name));
        table.ok_or_else(|| Error::no_table(name))
    }

    pub(super) fn table_mut(&mut self, name: &str) -> Result<&mut Table, Error> {
        let place = self.place(name);
        let table = self.state.tables.get_mut(&place);
        table.ok_or_else(|| Error::no_table(name))
    }

    pub(super) fn named_table(&self) -> Result<&Table, Error> {
        self.table(self.text("TableName")?)
    }

    pub(super) fn named_table_mut(&mut self) -> Result<&mut Table, Error> {
        let name = self.text("TableName")?.to_owned();
        self.table_mut(&name)
    }

    pub(super) fn new_table(&self, name: &str) -> Table {
        let arn = arn(self.request.region, self.request.account, name);
        Table::new(name, arn, self.request.id.to_owned(), self.request.now)
    }

    pub(super) fn put_table(&mut self, table: Table) {
        let place = self.place(&table.name);
        self.state.tables.insert(place, table);
    }

    pub(super) fn remove_table(&mut self, name: &str) {
        let place = self.place(name);
        self.state.tables.remove(&place);
    }

    pub(super) fn table_names(&self) -> Vec<String> {
        let tables = self.state.tables.keys();
        let here = tables.filter(|(region, _)| region == self.request.region);
        here.map(|(_, name)| name.clone()).collect()
    }

    pub(super) fn is_repeated(&mut self, token: &str) -> Result<bool, Error> {
        self.state
            .tokens
            .is_repeated(token, self.body, self.request.now)
    }

    pub(super) fn remember(&mut self, token: &str) {
        self.state
            .tokens
            .remember(token, self.body, self.request.now);
    }
}
