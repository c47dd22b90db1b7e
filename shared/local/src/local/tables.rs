//! DynamoDB tables.

use serde_json::Value;

use super::aws::LocalAws;
use crate::dynamodb::Request;

impl LocalAws {
    /// Creates a DynamoDB table (or finds the one with this name) and returns its ARN: on demand, with the texts `pk` and `sk`
    /// as partition and sort key, and `ttl` for the seconds since 1970 at which an item expires. As AWS does, it
    /// deletes an item only some time later (here: two days), so readers have to look at `ttl` themselves.
    pub fn create_table(&self, name: &str) -> String {
        self.with(|world| {
            let id = world.context.ids.uuid();
            world.dynamodb.create_table(
                name,
                self.region(),
                &world.context.account,
                &id,
                world.context.now,
            )
        })
    }

    /// Calls a DynamoDB operation (`UpdateTable`) in the simulator's Region, without HTTP and without faults.
    ///
    /// # Errors
    ///
    /// The code of the error that the service would answer.
    pub fn call_dynamodb(&self, operation: &str, body: &Value) -> Result<Value, String> {
        self.with(|world| {
            let id = world.context.ids.uuid();
            let request = Request {
                operation,
                region: self.region(),
                account: &world.context.account,
                now: world.context.now,
                body,
                id: &id,
            };
            let answer = world.dynamodb.call(request);
            answer.map_err(|error| error.code.to_owned())
        })
    }

    /// What a DynamoDB table holds, in the order of its keys, as the API writes items: `{"pk": {"S": "…"}, …}`.
    #[must_use]
    pub fn table_items(&self, name: &str) -> Vec<Value> {
        self.with(|world| world.dynamodb.items(self.region(), name, world.context.now))
    }
}
