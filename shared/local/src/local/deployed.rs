//! Parts of a deployed stack.

use std::sync::Arc;

use serde_json::Value;

use super::aws::LocalAws;
use crate::{
    cloudformation::{Place, StackResource},
    spelling::partition,
    sqs::Around,
};

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

    /// Lays down a queue of SQS, in the place of the one with this name, and returns its URL. What is in it stays. How many
    /// messages wait, an attribute says where there are none.
    pub fn put_queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        self.with(|world| {
            world.sqs.put(self.region(), name, attributes);
            let (region, account) = (self.region(), &world.context.account);
            format!("https://sqs.{region}.amazonaws.com/{account}/{name}")
        })
    }

    /// Takes a queue away, with what is in it.
    pub fn delete_queue(&self, name: &str) {
        self.with(|world| world.sqs.delete(self.region(), name));
    }

    /// Puts a message into a queue, with attributes that are texts.
    pub fn send_message(&self, queue: &str, body: &str, attributes: &[(&str, &str)]) {
        self.with(|world| {
            let around = Around {
                now: world.context.now,
                ids: &mut world.context.ids,
            };
            world
                .sqs
                .send(around, self.region(), queue, body, attributes);
        });
    }

    /// The bodies of the messages in a queue, whether or not somebody has received them.
    #[must_use]
    pub fn messages(&self, queue: &str) -> Vec<String> {
        self.with(|world| world.sqs.bodies(self.region(), queue))
    }

    /// What a function does when somebody invokes it: it answers, or fails with a type and a message of an error. It is called
    /// without the lock, on a thread of its own, so that it may call the simulator.
    pub fn on_invoke(
        &self,
        function: &str,
        act: impl Fn(Value) -> Result<Value, (String, String)> + Send + Sync + 'static,
    ) {
        self.with(|world| world.lambda.put(self.region(), function, Arc::new(act)));
    }

    /// How many invocations Lambda runs at a time, of all functions of the account.
    pub fn set_concurrency(&self, most: u32) {
        self.with(|world| world.deployed.set_concurrency(most));
    }

    /// Lays down a stack of CloudFormation, in the place of the one with this name, and returns its id. Its resources are what
    /// a test lays down beside it.
    pub fn put_stack(
        &self,
        name: &str,
        status: &str,
        outputs: &[(&str, &str)],
        resources: &[StackResource],
    ) -> String {
        self.with(|world| {
            let uuid = world.context.ids.uuid();
            let place = Place {
                region: self.region(),
                account: &world.context.account,
                now: world.context.now,
                uuid: &uuid,
            };
            world
                .cloudformation
                .put_stack(&place, name, status, outputs, resources)
        })
    }

    /// Takes a trail away.
    pub fn delete_trail(&self, name: &str) {
        self.with(|world| {
            let (region, account) = (self.region(), &world.context.account);
            let aws = partition(region);
            let arn = format!("arn:{aws}:cloudtrail:{region}:{account}:trail/{name}");
            world.deployed.delete_trail(&arn);
        });
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
