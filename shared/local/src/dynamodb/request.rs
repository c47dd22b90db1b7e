//! A request, and what it is about.

use jiff::Timestamp;
use serde_json::Value;

use crate::spelling::partition;

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
    let named = ["TableName", "ResourceArn"];
    let name = named.iter().find_map(|member| body[*member].as_str());
    let name = name
        .map(str::to_owned)
        .or_else(in_batch)
        .or_else(in_transaction)?;
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

pub(super) fn arn(region: &str, account: &str, name: &str) -> String {
    format!(
        "arn:{}:dynamodb:{region}:{account}:table/{name}",
        partition(region)
    )
}

/// A table is named by its name or its ARN.
pub(super) fn table_name(name: &str) -> &str {
    name.rsplit_once(":table/").map_or(name, |(_, name)| name)
}
