//! The operations.

use serde_json::Value;

use super::{
    call::{Call, DynamoDb},
    error::Error,
    items, query,
    request::Request,
    tables,
};

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
            "UpdateTable" => tables::update(call),
            "DescribeContinuousBackups" => tables::describe_backups(call),
            "UpdateContinuousBackups" => tables::update_backups(call),
            "GetResourcePolicy" => tables::policy(call),
            "PutResourcePolicy" => tables::put_policy(call),
            "DeleteResourcePolicy" => tables::delete_policy(call),
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
}
