//! DynamoDB: tables without indexes, with the expressions of the API (DynamoDB Developer Guide, "Using expressions").
//!
//! A request that asks for what is not there is refused with a `ValidationException`, never answered without it.

mod call;
mod error;
mod evaluate;
mod expression;
mod items;
mod number;
mod operations;
mod parser;
mod path;
mod placeholders;
mod query;
mod request;
mod reserved;
mod table;
mod tables;
mod tokens;
mod value;
mod words;

pub(crate) use call::DynamoDb;
pub(crate) use error::Error;
pub(crate) use request::{Request, permissions, resource};

#[cfg(test)]
mod tests;
