//! JSON Schema of the alert, made from its types.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::alert::Alert;
use crate::kinds::{KIND_NAMES, detail_schemas};

/// The schema that is published: open, since new members and kinds are no breaking change.
pub fn alert_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let details: Vec<Value> = detail_schemas(&mut generator)
        .into_iter()
        .map(|(kind, schema)| {
            json!({
                "if": { "properties": { "kind": { "const": kind } } },
                "then": { "properties": { "details": schema.to_value() } }
            })
        })
        .collect();
    let mut schema = generator.into_root_schema_for::<Alert>().to_value();
    schema["$id"] = "https://kms-watch.invalid/schema/alert-1.1.json".into();
    schema["title"] = "KMS Watch alert".into();
    schema["properties"]["kind"]["examples"] = json!(KIND_NAMES.as_slice());
    schema["allOf"] = details.into();
    schema
}

/// The schema for tests: closed, so that a member that is not described is found.
pub fn closed_alert_schema() -> Value {
    let mut schema = alert_schema();
    close(&mut schema);
    // `details` is closed by the kind's own schema.
    schema["properties"]["details"] = json!({ "type": "object" });
    schema["properties"]["kind"]["enum"] = json!(KIND_NAMES.as_slice());
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if name != "if" && name != "then" {
                    close(member);
                }
            }
            let described = members.contains_key("properties")
                && members.get("type").is_some_and(|kind| {
                    kind == "object"
                        || kind
                            .as_array()
                            .is_some_and(|kinds| kinds.contains(&json!("object")))
                });
            if described {
                members.insert("additionalProperties".to_owned(), false.into());
                let all: Vec<Value> = members["properties"]
                    .as_object()
                    .map(|properties| properties.keys().cloned().map(Value::from).collect())
                    .unwrap_or_default();
                members.insert("required".to_owned(), all.into());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
