//! `CreateTable`, `DescribeTable`, `UpdateTable`, `DeleteTable`, `ListTables`, time to live, point-in-time recovery, and
//! resource policies.

use serde_json::{Value, json};

use super::{call::Call, error::Error, table::KeyPart};

/// What a table could have and here has not.
const NOT_THERE: [&str; 4] = [
    "GlobalSecondaryIndexes",
    "LocalSecondaryIndexes",
    "StreamSpecification",
    "WarmThroughput",
];

pub(super) fn create(call: &mut Call<'_>) -> Result<Value, Error> {
    let name = call.text("TableName")?.to_owned();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !(3..=255).contains(&name.len()) || !name.chars().all(allowed) {
        return Err(Error::validation(format!(
            "1 validation error detected: Value '{name}' at 'tableName' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+"
        )));
    }
    call.refuse(&NOT_THERE)?;
    if call.body["BillingMode"] != "PAY_PER_REQUEST" {
        return Err(Error::validation(
            "Only the billing mode PAY_PER_REQUEST is simulated",
        ));
    }
    if call.table(&name).is_ok() {
        return Err(Error::new(
            "ResourceInUseException",
            format!("Table already exists: {name}"),
        ));
    }
    let (partition, sort) = schema(call.body)?;
    let mut table = call.new_table(&name);
    table.partition = partition;
    table.sort = sort;
    table.deletion_protection = call.body["DeletionProtectionEnabled"] == true;
    let description = table.describe();
    call.put_table(table);
    Ok(json!({"TableDescription": description}))
}

fn schema(body: &Value) -> Result<(KeyPart, Option<KeyPart>), Error> {
    let entries = |member: &str| body[member].as_array().cloned().unwrap_or_default();
    let definitions = entries("AttributeDefinitions");
    let part = |entry: &Value, key_type: &str| -> Result<KeyPart, Error> {
        let name = entry["AttributeName"].as_str().unwrap_or_default();
        let definition = definitions
            .iter()
            .find(|definition| definition["AttributeName"] == name);
        let kind = definition
            .and_then(|definition| definition["AttributeType"].as_str())
            .filter(|kind| ["S", "N", "B"].contains(kind));
        match kind {
            Some(kind) if entry["KeyType"] == key_type => Ok(KeyPart {
                name: name.to_owned(),
                kind: kind.to_owned(),
            }),
            _ => Err(Error::parameters(&format!(
                "Some index key attributes are not defined in AttributeDefinitions, or are no {key_type} key. \
                 Keys: [{name}]"
            ))),
        }
    };
    let schema = entries("KeySchema");
    let parts = match schema.as_slice() {
        [partition] => (part(partition, "HASH")?, None),
        [partition, sort] => (part(partition, "HASH")?, Some(part(sort, "RANGE")?)),
        _ => return Err(Error::parameters("Invalid KeySchema")),
    };
    if definitions.len() != schema.len() {
        return Err(Error::parameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in \
             AttributeDefinitions",
        ));
    }
    Ok(parts)
}

pub(super) fn describe(call: &mut Call<'_>) -> Result<Value, Error> {
    Ok(json!({"Table": call.named_table()?.describe()}))
}

pub(super) fn delete(call: &mut Call<'_>) -> Result<Value, Error> {
    let table = call.named_table()?;
    if table.deletion_protection {
        return Err(Error::validation(format!(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion \
             protection first. Table: {}",
            table.name
        )));
    }
    let (name, mut description) = (table.name.clone(), table.describe());
    description["TableStatus"] = "DELETING".into();
    call.remove_table(&name);
    Ok(json!({"TableDescription": description}))
}

pub(super) fn list(call: &mut Call<'_>) -> Result<Value, Error> {
    Ok(json!({"TableNames": call.table_names()}))
}

pub(super) fn update_time_to_live(call: &mut Call<'_>) -> Result<Value, Error> {
    let specification = call.body["TimeToLiveSpecification"].clone();
    let (Some(attribute), Some(enabled)) = (
        specification["AttributeName"].as_str(),
        specification["Enabled"].as_bool(),
    ) else {
        return Err(Error::validation(
            "1 validation error detected: Value null at 'timeToLiveSpecification' failed to satisfy constraint: \
             Member must not be null",
        ));
    };
    let table = call.named_table_mut()?;
    match (&table.ttl, enabled) {
        (Some(_), true) => return Err(Error::validation("TimeToLive is already enabled")),
        (None, false) => return Err(Error::validation("TimeToLive is already disabled")),
        (Some(current), false) if current != attribute => {
            return Err(Error::validation(format!(
                "TimeToLive is active on a different AttributeName: current AttributeName is {current}"
            )));
        }
        _ => table.ttl = enabled.then(|| attribute.to_owned()),
    }
    Ok(json!({"TimeToLiveSpecification": specification}))
}

pub(super) fn describe_time_to_live(call: &mut Call<'_>) -> Result<Value, Error> {
    let table = call.named_table()?;
    let description = match &table.ttl {
        Some(attribute) => json!({"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}),
        None => json!({"TimeToLiveStatus": "DISABLED"}),
    };
    Ok(json!({"TimeToLiveDescription": description}))
}

/// Of all that can be updated, the protection against deletion.
pub(super) fn update(call: &mut Call<'_>) -> Result<Value, Error> {
    call.refuse(&NOT_THERE)?;
    let protection = call.body["DeletionProtectionEnabled"].as_bool();
    let table = call.named_table_mut()?;
    table.deletion_protection = protection.unwrap_or(table.deletion_protection);
    Ok(json!({"TableDescription": table.describe()}))
}

pub(super) fn describe_backups(call: &mut Call<'_>) -> Result<Value, Error> {
    let table = call.named_table()?;
    let status = if table.recovery {
        "ENABLED"
    } else {
        "DISABLED"
    };
    Ok(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status},
    }}))
}

pub(super) fn update_backups(call: &mut Call<'_>) -> Result<Value, Error> {
    let wanted = &call.body["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"];
    let wanted = wanted.as_bool().unwrap_or_default();
    call.named_table_mut()?.recovery = wanted;
    describe_backups(call)
}

pub(super) fn policy(call: &mut Call<'_>) -> Result<Value, Error> {
    let arn = call.text("ResourceArn")?.to_owned();
    let policy = &call.table(&arn)?.policy;
    match policy {
        Some(policy) => Ok(json!({"Policy": policy, "RevisionId": "1"})),
        None => Err(Error::new(
            "PolicyNotFoundException",
            format!("Resource-based policy not found for the provided ResourceArn: {arn}"),
        )),
    }
}

pub(super) fn put_policy(call: &mut Call<'_>) -> Result<Value, Error> {
    let (arn, policy) = (
        call.text("ResourceArn")?.to_owned(),
        call.text("Policy")?.to_owned(),
    );
    call.table_mut(&arn)?.policy = Some(policy);
    Ok(json!({"RevisionId": "1"}))
}

pub(super) fn delete_policy(call: &mut Call<'_>) -> Result<Value, Error> {
    let arn = call.text("ResourceArn")?.to_owned();
    call.table_mut(&arn)?.policy = None;
    Ok(json!({}))
}
