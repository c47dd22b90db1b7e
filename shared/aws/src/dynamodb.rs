//! The ledger's table.

use std::collections::HashMap;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Builder, Config};
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, KeysAndAttributes, PutRequest, ReturnValue,
    ReturnValuesOnConditionCheckFailure, WriteRequest,
};
use serde_json::{Number, Value};
use watch_core::ledger::{
    COUNT, Claim, Item, ItemKey, Member, PARTITION_KEY, SORT_KEY, TIME_TO_LIVE,
};
use watch_core::ports::{CallError, Ledger, Past};

use crate::error::call_error;
use crate::sdk;

#[cfg(test)]
mod tests;

/// The ledger saves people an alert that comes twice; it is not worth waiting for.
const OPERATION_TIMEOUT: Duration = Duration::from_millis(800);
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(300);

/// Nobody waits for a sweep, and what it does not read it has to leave out. An answer may have 16 MB.
const PATIENT_OPERATION_TIMEOUT: Duration = Duration::from_secs(8);
const PATIENT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(2);
const PATIENT_ATTEMPTS: u32 = 5;

/// How many answers in a row may get nothing of a batch done before it is given up.
///
/// Answers that get a part of it done are not counted: DynamoDB ends an answer at 16 MB, and names the rest (DynamoDB
/// API Reference, BatchGetItem). Each of them leaves less, so that there is an end.
const BATCH_ATTEMPTS: u32 = 3;

/// The pause after the first answer that got nothing done; the next is twice as long. Asked at once, DynamoDB would
/// be as short of capacity as before.
const PATIENT_BATCH_PAUSE: Duration = Duration::from_millis(200);

type Attributes = HashMap<String, AttributeValue>;

/// A table of DynamoDB on the AWS SDK.
#[derive(Clone, Debug)]
pub struct DynamoDbAdapter {
    client: Client,
    table: String,
    limit: Duration,
    batch_pause: Duration,
}

impl DynamoDbAdapter {
    /// A client with timeouts and retries of its own, for one table: for a function that has an alert to tell.
    pub fn new(sdk: &SdkConfig, table: &str) -> Self {
        Self::from_builder(Builder::from(sdk), table)
    }

    /// The same for a sweep, which has time, and asks for up to 100 items at once: longer timeouts, more retries, and
    /// pauses between the answers to a batch that get nothing done.
    pub fn patient(sdk: &SdkConfig, table: &str) -> Self {
        Self::patient_from_builder(Builder::from(sdk), table)
    }

    fn from_builder(config: Builder, table: &str) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(
                Duration::from_millis(25),
                Duration::from_millis(100),
            ));
        Self {
            client: Client::from_conf(config.build()),
            table: table.to_owned(),
            limit: OPERATION_TIMEOUT,
            batch_pause: Duration::ZERO,
        }
    }

    fn patient_from_builder(config: Builder, table: &str) -> Self {
        let retries = sdk::retries(Duration::from_millis(50), Duration::from_secs(1));
        let config = config
            .timeout_config(sdk::timeouts(
                PATIENT_ATTEMPT_TIMEOUT,
                PATIENT_OPERATION_TIMEOUT,
            ))
            .retry_config(retries.with_max_attempts(PATIENT_ATTEMPTS));
        Self {
            client: Client::from_conf(config.build()),
            table: table.to_owned(),
            limit: PATIENT_OPERATION_TIMEOUT,
            batch_pause: PATIENT_BATCH_PAUSE,
        }
    }

    fn failed<E>(&self, error: &SdkError<E>) -> CallError
    where
        E: std::error::Error + ProvideErrorMetadata + 'static,
    {
        call_error(error, self.limit)
    }

    /// Opens a connection by a read that finds nothing.
    pub(crate) async fn touch(&self) -> Result<(), CallError> {
        let keys = self.keys(&[ItemKey::new("account#warm", "warm")])?;
        let call = self
            .client
            .batch_get_item()
            .request_items(&self.table, keys);
        sdk::send_once!(Config::builder(), call)
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    fn keys(&self, keys: &[ItemKey]) -> Result<KeysAndAttributes, CallError> {
        KeysAndAttributes::builder()
            .consistent_read(true)
            .set_keys(Some(keys.iter().map(key).collect()))
            .build()
            .map_err(|error| CallError::new("ConstructionFailure", &error.to_string()))
    }
}

// The SDK's futures are boxed: several of them side by side in the pipeline's own, each of several kilobytes, overflow the
// stack of a thread in an unoptimised build.
impl Ledger for DynamoDbAdapter {
    async fn read(&self, keys: &[ItemKey]) -> Result<Vec<Item>, CallError> {
        let mut items = Vec::new();
        let mut asked = Some(HashMap::from([(self.table.clone(), self.keys(keys)?)]));
        let mut batch = Batch::new(keys.len(), self.batch_pause);
        loop {
            let call = self.client.batch_get_item().set_request_items(asked);
            let answer = Box::pin(call.send())
                .await
                .map_err(|error| self.failed(&error))?;
            let found = answer
                .responses
                .into_iter()
                .flatten()
                .flat_map(|(_, items)| items);
            items.extend(found.map(read));
            let Some(rest) = answer.unprocessed_keys.filter(|rest| !rest.is_empty()) else {
                return Ok(items);
            };
            let left = rest.values().map(|rest| rest.keys().len()).sum();
            batch.again(left).await?;
            asked = Some(rest);
        }
    }

    async fn claim(
        &self,
        claim: &Claim,
        previous: Option<u64>,
    ) -> Result<Result<(), Claim>, CallError> {
        let call = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(write(&claim.item())))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let call = match previous {
            None => call
                .condition_expression("attribute_not_exists(#key)")
                .expression_attribute_names("#key", PARTITION_KEY),
            Some(version) => call
                .condition_expression("#version = :version")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        };
        let Err(error) = Box::pin(call.send()).await else {
            return Ok(Ok(()));
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(refused)) => refused
                .item()
                .and_then(|item| Claim::read(&read(item.clone())))
                .map(Err)
                .ok_or_else(|| CallError::new("UnreadableItem", "the claim cannot be read")),
            _ => Err(self.failed(&error)),
        }
    }

    async fn put(&self, items: &[Item]) -> Result<(), CallError> {
        let request = |item: &Item| {
            let put = PutRequest::builder().set_item(Some(write(item))).build();
            let put =
                put.map_err(|error| CallError::new("ConstructionFailure", &error.to_string()))?;
            Ok(WriteRequest::builder().put_request(put).build())
        };
        let requests = items.iter().map(request).collect::<Result<Vec<_>, _>>()?;
        let mut asked = Some(HashMap::from([(self.table.clone(), requests)]));
        let mut batch = Batch::new(items.len(), self.batch_pause);
        loop {
            let call = self.client.batch_write_item().set_request_items(asked);
            let answer = Box::pin(call.send())
                .await
                .map_err(|error| self.failed(&error))?;
            let Some(rest) = answer.unprocessed_items.filter(|rest| !rest.is_empty()) else {
                return Ok(());
            };
            batch.again(rest.values().map(Vec::len).sum()).await?;
            asked = Some(rest);
        }
    }

    async fn set(&self, at: &ItemKey, attributes: &Item) -> Result<(), CallError> {
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(at)));
        let (mut set, mut remove) = (Vec::new(), Vec::new());
        for (index, (name, value)) in attributes.iter().enumerate() {
            call = call.expression_attribute_names(format!("#{index}"), name);
            if value.is_null() {
                remove.push(format!("#{index}"));
            } else {
                call = call.expression_attribute_values(format!(":{index}"), attribute(value));
                set.push(format!("#{index} = :{index}"));
            }
        }
        let clause = |word: &str, parts: Vec<String>| {
            (!parts.is_empty()).then(|| format!("{word} {}", parts.join(", ")))
        };
        let clauses: Vec<_> = [clause("SET", set), clause("REMOVE", remove)]
            .into_iter()
            .flatten()
            .collect();
        let call = call.update_expression(clauses.join(" "));
        Box::pin(call.send())
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    async fn count(&self, at: &ItemKey, member: &Member) -> Result<Item, CallError> {
        // The place is worked out by DynamoDB, in one step with the count: no two members get the same one.
        let call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(at)))
            .update_expression(
                "SET #place = if_not_exists(#count, :zero) + :one, #count = if_not_exists(#count, :zero) + :one, \
                 #note = :note, #ttl = :ttl",
            )
            .condition_expression(
                "attribute_not_exists(#place) AND (attribute_not_exists(#count) OR #count < :capacity)",
            )
            .expression_attribute_names("#place", member.place())
            .expression_attribute_names("#note", member.note_name())
            .expression_attribute_names("#count", COUNT)
            .expression_attribute_names("#ttl", TIME_TO_LIVE)
            .expression_attribute_values(":zero", number(0))
            .expression_attribute_values(":one", number(1))
            .expression_attribute_values(":capacity", number(member.capacity))
            .expression_attribute_values(":note", attribute(&Value::Object(member.note.clone())))
            .expression_attribute_values(":ttl", number(member.ttl))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        match Box::pin(call.send()).await {
            Ok(answer) => Ok(read(answer.attributes.unwrap_or_default())),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(read(refused.item().cloned().unwrap_or_default()))
                }
                _ => Err(self.failed(&error)),
            },
        }
    }

    async fn add(
        &self,
        at: &ItemKey,
        numbers: &[String],
        once: &Item,
        latest: &Item,
    ) -> Result<Item, CallError> {
        let mut call = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(key(at)))
            .return_values(ReturnValue::AllNew);
        let mut clauses = Vec::new();
        let mut set = Vec::new();
        for (index, (name, value)) in once.iter().enumerate() {
            call = call
                .expression_attribute_names(format!("#s{index}"), name)
                .expression_attribute_values(format!(":s{index}"), attribute(value));
            set.push(format!("#s{index} = if_not_exists(#s{index}, :s{index})"));
        }
        for (index, (name, value)) in latest.iter().enumerate() {
            call = call
                .expression_attribute_names(format!("#l{index}"), name)
                .expression_attribute_values(format!(":l{index}"), attribute(value));
            set.push(format!("#l{index} = :l{index}"));
        }
        if !set.is_empty() {
            clauses.push(format!("SET {}", set.join(", ")));
        }
        if !numbers.is_empty() {
            call = call.expression_attribute_values(":one", number(1));
            let mut add = Vec::new();
            for (index, name) in numbers.iter().enumerate() {
                call = call.expression_attribute_names(format!("#n{index}"), name);
                add.push(format!("#n{index} :one"));
            }
            clauses.push(format!("ADD {}", add.join(", ")));
        }
        let call = call.update_expression(clauses.join(" "));
        let answer = Box::pin(call.send())
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(read(answer.attributes.unwrap_or_default()))
    }
}

impl Past for DynamoDbAdapter {
    async fn latest(
        &self,
        partition: &str,
        prefix: &str,
        most: u8,
    ) -> Result<Vec<Item>, CallError> {
        let call = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#partition = :partition AND begins_with(#sort, :prefix)")
            .expression_attribute_names("#partition", PARTITION_KEY)
            .expression_attribute_names("#sort", SORT_KEY)
            .expression_attribute_values(":partition", AttributeValue::S(partition.to_owned()))
            .expression_attribute_values(":prefix", AttributeValue::S(prefix.to_owned()))
            .scan_index_forward(false)
            .limit(most.into());
        let answer = Box::pin(call.send())
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(answer.items.into_iter().flatten().map(read).collect())
    }
}

/// What is left of a batch, and how often that was no less than before.
struct Batch {
    left: usize,
    idle: u32,
    pause: Duration,
}

impl Batch {
    fn new(size: usize, pause: Duration) -> Self {
        Self {
            left: size,
            idle: 0,
            pause,
        }
    }

    /// Whether and when to ask for the rest, of which an answer has `left` so many.
    async fn again(&mut self, left: usize) -> Result<(), CallError> {
        if left < self.left {
            self.left = left;
            self.idle = 0;
            return Ok(());
        }
        self.idle += 1;
        if self.idle == BATCH_ATTEMPTS {
            return Err(CallError::new(
                "ThrottlingException",
                "parts of the batch were left undone",
            ));
        }
        if !self.pause.is_zero() {
            Box::pin(tokio::time::sleep(self.pause * (1 << (self.idle - 1)))).await;
        }
        Ok(())
    }
}

fn key(key: &ItemKey) -> Attributes {
    Attributes::from([
        (
            PARTITION_KEY.to_owned(),
            AttributeValue::S(key.partition.clone()),
        ),
        (SORT_KEY.to_owned(), AttributeValue::S(key.sort.clone())),
    ])
}

fn number(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// An item as DynamoDB has it; what is null is not there.
fn write(item: &Item) -> Attributes {
    item.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), attribute(value)))
        .collect()
}

fn attribute(value: &Value) -> AttributeValue {
    match value {
        Value::Null => AttributeValue::Null(true),
        Value::Bool(bool) => AttributeValue::Bool(*bool),
        Value::Number(digits) => number(digits),
        Value::String(text) => AttributeValue::S(text.clone()),
        Value::Array(values) => AttributeValue::L(values.iter().map(attribute).collect()),
        Value::Object(members) => AttributeValue::M(
            members
                .iter()
                .map(|(name, value)| (name.clone(), attribute(value)))
                .collect(),
        ),
    }
}

/// An item as the ledger reads it. Types that it never writes are null.
fn read(attributes: Attributes) -> Item {
    attributes
        .into_iter()
        .map(|(name, value)| (name, json(value)))
        .collect()
}

fn json(value: AttributeValue) -> Value {
    match value {
        AttributeValue::Bool(bool) => bool.into(),
        AttributeValue::N(digits) => digits.parse::<Number>().map_or(Value::Null, Value::Number),
        AttributeValue::S(text) => text.into(),
        AttributeValue::L(values) => values.into_iter().map(json).collect(),
        AttributeValue::M(members) => Value::Object(read(members)),
        AttributeValue::Ss(texts) => texts.into(),
        _ => Value::Null,
    }
}
