//! JSON Schema of the alert, made from its types.
//!
//! One type for each kind, in a `oneOf`, and one for kinds to come: so that generators of types make one of each.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::alert::Alert;
use crate::kinds::{KIND_NAMES, detail_schemas};

/// The type of an alert of a kind that this version does not know.
const OTHER: &str = "OtherAlert";

/// The name of the type of an alert of `kind`.
fn type_of(kind: &str) -> String {
    format!("{kind}Alert")
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// The schema that is published: open, since new members and kinds are no breaking change.
pub fn alert_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    let details = detail_schemas(&mut generator);
    let mut alert = generator.into_root_schema_for::<Alert>().to_value();
    let mut take = |name: &str| alert.as_object_mut().and_then(|it| it.remove(name));
    let (dialect, definitions) = (take("$schema"), take("$defs"));
    take("title");
    let mut definitions = match definitions {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    alert["properties"]["kind"]["examples"] = json!(KIND_NAMES.as_slice());
    // Each kind has its own, of which none could be a narrower one of a type for all.
    let any_details = without_details(&mut alert);
    definitions.insert("Alert".to_owned(), alert);
    for (kind, details) in details {
        let properties = json!({ "kind": { "const": kind }, "details": details.to_value() });
        let own =
            json!({ "type": "object", "properties": properties, "required": ["kind", "details"] });
        let both = json!({ "allOf": [reference("Alert"), own] });
        definitions.insert(type_of(kind), both);
    }
    let unknown = json!({ "type": "string", "not": { "enum": KIND_NAMES.as_slice() } });
    let properties = json!({ "kind": unknown, "details": any_details });
    let other =
        json!({ "type": "object", "properties": properties, "required": ["kind", "details"] });
    let other = json!({ "allOf": [reference("Alert"), other] });
    definitions.insert(OTHER.to_owned(), other);
    let kinds = KIND_NAMES.iter().map(|kind| reference(&type_of(kind)));
    let all: Vec<Value> = kinds.chain([reference(OTHER)]).collect();
    json!({
        "$schema": dialect,
        "$id": "https://kms-watch.invalid/schema/alert-1.1.json",
        "title": "KMS Watch alert",
        "oneOf": all,
        "$defs": definitions,
    })
}

/// Takes `details` out of the type of all alerts, and returns it.
fn without_details(alert: &mut Value) -> Option<Value> {
    if let Some(required) = alert["required"].as_array_mut() {
        required.retain(|name| name != "details");
    }
    alert["properties"].as_object_mut()?.remove("details")
}

/// The schema for tests: closed, so that a member that is not described is found.
pub fn closed_alert_schema() -> Value {
    let mut schema = alert_schema();
    let known: Vec<Value> = KIND_NAMES
        .iter()
        .map(|kind| reference(&type_of(kind)))
        .collect();
    schema["oneOf"] = known.into();
    // `details` is closed by the kind's own schema.
    schema["$defs"]["Alert"]["properties"]["details"] = json!({ "type": "object" });
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.remove(OTHER);
        let is_of_a_kind = |name: &str| KIND_NAMES.iter().any(|kind| name == type_of(kind));
        // `kind` and `details` are what those types add; the rest is closed with `Alert`.
        let closed = definitions.iter_mut();
        closed
            .filter(|(name, _)| !is_of_a_kind(name))
            .for_each(|(_, definition)| close(definition));
    }
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
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
