//! The shape of an event: its members, their types, and the words that AWS chose.

use std::collections::BTreeMap;

use serde_json::Value;

pub fn sample(name: &str) -> Value {
    let path = format!("{}/tests/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Path and type of every member; the value too where it is a word of AWS and not of the occasion.
pub fn shape(value: &Value) -> BTreeMap<String, String> {
    const FREE: &[&str] = &[
        "account",
        "accountId",
        "aWSAccountId",
        "recipientAccountId",
        "userAgent",
        "policy",
        "replicaPolicy",
        "description",
        "keyMaterialDescription",
        "aliasName",
        "tagKey",
        "tagValue",
        "userName",
        "customKeyStoreId",
        "cloudHsmClusterId",
        "clusterId",
        "rotationPeriodInDays",
        "pendingWindowInDays",
        "backingKey",
        "sourceIPAddress",
        "encryptionContext",
        "keySpec",
        "keyUsage",
    ];
    fn walk(path: &str, value: &Value, all: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(members) if !path.ends_with("encryptionContext") => {
                all.insert(path.to_owned(), "object".to_owned());
                for (name, value) in members {
                    // The documentation spells this member in two ways.
                    let name = if name == "AWSAccountId" {
                        "aWSAccountId"
                    } else {
                        name
                    };
                    walk(&format!("{path}.{name}"), value, all);
                }
            }
            Value::Array(items) => {
                all.insert(path.to_owned(), "array".to_owned());
                for item in items.iter().take(1) {
                    walk(&format!("{path}[]"), item, all);
                }
            }
            other => {
                let name = path
                    .rsplit('.')
                    .next()
                    .unwrap_or_default()
                    .trim_end_matches("[]");
                let text = if FREE.contains(&name) {
                    type_of(other)
                } else {
                    masked(other)
                };
                all.insert(path.to_owned(), text);
            }
        }
    }
    let mut all = BTreeMap::new();
    walk("", value, &mut all);
    all
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
    .to_owned()
}

/// Ids, ARNs and times become the names of their forms.
fn masked(value: &Value) -> String {
    let Some(text) = value.as_str() else {
        return value.to_string();
    };
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
    let digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    if text.len() == 64 && hex(text) {
        "material id".to_owned()
    } else if text.len() == 36 && hex(&text.replace('-', "")) {
        "uuid".to_owned()
    } else if text.starts_with("mrk-") {
        "mrk id".to_owned()
    } else if let Some((head, _)) = text.split_once(":key/") {
        format!("{} key ARN", head.split(':').nth(1).unwrap())
    } else if text.contains(":alias/") {
        "alias ARN".to_owned()
    } else if text.contains(":assumed-role/") || text.contains(":role/") {
        "principal ARN".to_owned()
    } else if ["AROA", "ASIA", "AKIA", "AIDA"]
        .iter()
        .any(|prefix| text.starts_with(prefix))
    {
        text[..4].to_owned()
    } else if digits == "0000-00-00T00:00:00Z" {
        "time".to_owned()
    } else if text.ends_with(" AM") || text.ends_with(" PM") {
        // "Feb 28, 2026, 9:01:07 AM"
        let parts: Vec<&str> = digits
            .split([' ', ','])
            .filter(|part| !part.is_empty())
            .collect();
        assert_eq!(parts.len(), 5, "{text}");
        "display date".to_owned()
    } else if let Some(tail) = text.split_once("key/").map(|(_, tail)| tail) {
        tail.split_once(' ').map_or("", |(_, tail)| tail).to_owned()
    } else {
        text.to_owned()
    }
}

pub fn assert_like(event: &Value, name: &str) {
    let (mut ours, mut theirs) = (shape(event), shape(&sample(name)));
    // A request may name a key by id or by ARN.
    for shape in [&mut ours, &mut theirs] {
        for member in ["keyId", "targetKeyId"] {
            if let Some(form) = shape.get_mut(&format!(".detail.requestParameters.{member}")) {
                "key name".clone_into(form);
            }
        }
    }
    let differences: Vec<String> = ours
        .keys()
        .chain(theirs.keys())
        .filter(|path| ours.get(*path) != theirs.get(*path))
        .map(|path| {
            format!(
                "{path}: ours {:?}, theirs {:?}",
                ours.get(path),
                theirs.get(path)
            )
        })
        .collect();
    assert!(differences.is_empty(), "{name}\n{}", differences.join("\n"));
}
