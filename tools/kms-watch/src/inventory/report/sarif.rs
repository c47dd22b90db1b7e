//! SARIF 2.1.0, for code scanning: a result for each key and each thing that is the matter with it.

use serde_json::{Value, json};

use crate::inventory::condition::{Condition, Weight};
use crate::inventory::error::InventoryError;
use crate::inventory::row::Row;
use crate::inventory::survey::Survey;

pub(crate) fn render(survey: &Survey, wanted: &[Condition]) -> Result<Vec<u8>, InventoryError> {
    let results: Vec<_> = survey
        .rows
        .iter()
        .flat_map(|row| {
            let matters = row.conditions.iter().filter(|it| wanted.contains(it));
            matters.map(move |condition| result(*condition, row))
        })
        .collect();
    let rules: Vec<_> = wanted.iter().map(|condition| rule(*condition)).collect();
    let report = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kms-watch",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [invocation(survey)],
            "results": results,
        }],
    });
    let mut text = serde_json::to_vec_pretty(&report)?;
    text.push(b'\n');
    Ok(text)
}

/// Whether everything was read, and what was not.
fn invocation(survey: &Survey) -> Value {
    let notifications: Vec<_> = survey
        .not_read
        .iter()
        .map(|place| {
            let text = format!(
                "not read: {}: {}: {}",
                place.place(),
                place.operation,
                place.reason.as_str()
            );
            json!({ "level": "error", "message": { "text": text } })
        })
        .collect();
    json!({
        "executionSuccessful": survey.is_complete(),
        "toolExecutionNotifications": notifications,
    })
}

fn rule(condition: Condition) -> Value {
    json!({
        "id": condition.name(),
        "shortDescription": { "text": format!("A key that {}", condition.help()) },
        "defaultConfiguration": { "level": level(condition) },
    })
}

fn level(condition: Condition) -> &'static str {
    match condition.weight() {
        Weight::Urgent => "error",
        Weight::Wrong => "warning",
        Weight::Notable => "note",
    }
}

fn result(condition: Condition, row: &Row) -> Value {
    let arn = row.arn.to_string();
    json!({
        "ruleId": condition.name(),
        "level": level(condition),
        "message": { "text": format!("{} {}", row.name(), condition.help()) },
        "locations": [{
            // Readers of source code want a file.
            "physicalLocation": { "artifactLocation": {
                "uri": format!("kms/{}/{}/{}", row.account.as_str(), row.region.as_str(), row.key_id),
            }},
            "logicalLocations": [{ "fullyQualifiedName": arn, "kind": "resource" }],
        }],
        "partialFingerprints": { "keyAndCondition/v1": format!("{arn}#{}", condition.name()) },
    })
}
