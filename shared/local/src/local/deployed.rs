//! Parts of a deployed stack.

use serde_json::Value;

use super::aws::LocalAws;
use crate::spelling::partition;

impl LocalAws {
    /// Lays down a rule of EventBridge, in the place of the one with this name. It routes nothing. Targets are as the API has
    /// them: `{"Id": …, "Arn": …}`.
    pub fn put_rule(&self, name: &str, state: &str, pattern: &Value, targets: &[Value]) {
        self.with(|world| {
            world
                .deployed
                .put_rule(self.region(), name, state, pattern, targets);
        });
    }

    /// Takes a rule away.
    pub fn delete_rule(&self, name: &str) {
        self.with(|world| world.deployed.delete_rule(self.region(), name));
    }

    /// Lays down a function of Lambda, in the place of the one with this name: its configuration as the API answers it,
    /// its reserved concurrency, and what is done with events that it fails on.
    pub fn put_function(
        &self,
        name: &str,
        configuration: Value,
        concurrency: Option<u32>,
        invocation: Option<Value>,
    ) {
        self.with(|world| {
            world.deployed.put_function(
                self.region(),
                name,
                configuration,
                concurrency,
                invocation,
            );
        });
    }

    /// Takes a function away.
    pub fn delete_function(&self, name: &str) {
        self.with(|world| world.deployed.delete_function(self.region(), name));
    }

    /// Lays down a schedule of EventBridge Scheduler, in the place of the one with this name, as the API answers it. It starts
    /// nothing.
    pub fn put_schedule(&self, name: &str, schedule: Value) {
        self.with(|world| {
            world.deployed.put_schedule(self.region(), name, schedule);
        });
    }

    /// Takes a schedule away.
    pub fn delete_schedule(&self, name: &str) {
        self.put_schedule(name, Value::Null);
    }

    /// Lays down a queue of SQS, in the place of the one with this name, and returns its URL. It takes no messages; how many
    /// wait, an attribute says.
    pub fn put_queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        self.with(|world| {
            world.deployed.put_queue(self.region(), name, attributes);
            let (region, account) = (self.region(), &world.context.account);
            format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
        })
    }

    /// Lays down a trail, in the place of the one with this name. Selectors are as `GetEventSelectors` answers them.
    pub fn put_trail(&self, name: &str, logging: bool, selectors: Value) {
        self.with(|world| {
            let (region, account) = (self.region(), &world.context.account);
            let arn = format!(
                "arn:{}:cloudtrail:{region}:{account}:trail/{name}",
                partition(region)
            );
            world.deployed.put_trail(&arn, logging, selectors);
        });
    }
}
