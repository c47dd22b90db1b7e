//! What is special about a policy: what a difference of opinion is put down to.

use std::collections::BTreeSet;

use serde_json::Value;

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        other => vec![other],
    }
}

fn texts(value: &Value) -> Vec<String> {
    let text = |item: &&Value| {
        item.as_str()
            .map_or_else(|| item.to_string(), str::to_owned)
    };
    items(value).iter().map(text).collect()
}

/// Marks of all its statements.
pub(crate) fn marks(policy: &Value) -> BTreeSet<String> {
    let mut marks = BTreeSet::new();
    let statements = items(&policy["Statement"]);
    for statement in statements {
        let is_allow = statement["Effect"] == "Allow";
        if !is_allow {
            marks.insert("deny".to_owned());
            continue;
        }
        for absent in ["Action", "Resource"] {
            if statement.get(absent).is_none() && statement.get(format!("Not{absent}")).is_none() {
                marks.insert("no effect".to_owned());
            }
        }
        for element in ["NotAction", "NotPrincipal", "NotResource"] {
            if statement.get(element).is_some() {
                marks.insert(element.to_owned());
            }
        }
        if statement["Resource"] != "*" {
            marks.insert("resource".to_owned());
        }
        let actions = texts(&statement["Action"]);
        if !actions
            .iter()
            .any(|action| action == "*" || action.to_ascii_lowercase().starts_with("kms:"))
        {
            marks.insert("other service".to_owned());
        }
        if actions
            .iter()
            .any(|action| action.contains('?') || *action != action.replace("KMS:", "kms:"))
        {
            marks.insert("action".to_owned());
        }
        principal(&statement["Principal"], &mut marks);
        condition(&statement["Condition"], &mut marks);
    }
    marks
}

fn principal(principal: &Value, marks: &mut BTreeSet<String>) {
    let kinds = match principal {
        Value::Object(kinds) => kinds.clone(),
        Value::Null => return,
        other => serde_json::Map::from_iter([("AWS".to_owned(), other.clone())]),
    };
    for (kind, values) in &kinds {
        if kind != "AWS" {
            marks.insert(format!("principal {kind}"));
        }
        for value in texts(values) {
            if value.starts_with("AROA") || value.starts_with("AIDA") || value.starts_with("AIPA") {
                marks.insert("unique id".to_owned());
            }
            if value.contains("iam::*") {
                marks.insert("wild principal".to_owned());
            }
            if !value.starts_with("arn:aws:") && value.starts_with("arn:") {
                marks.insert("partition".to_owned());
            }
            if values.is_number() {
                marks.insert("number".to_owned());
            }
        }
    }
}

fn condition(condition: &Value, marks: &mut BTreeSet<String>) {
    let Value::Object(operators) = condition else {
        return;
    };
    for (operator, keys) in operators {
        let lower = operator.to_ascii_lowercase();
        let base = lower.rsplit(':').next().unwrap_or_default();
        marks.insert(format!("op {}", base.trim_end_matches("ifexists")));
        if lower.ends_with("ifexists") {
            marks.insert("IfExists".to_owned());
        }
        if lower.starts_with("forallvalues") {
            marks.insert("ForAllValues".to_owned());
        }
        if *operator == lower && lower.contains("string") {
            marks.insert("operator's case".to_owned());
        }
        let Value::Object(keys) = keys else {
            continue;
        };
        for (key, values) in keys {
            marks.insert(format!("key {}", key.to_ascii_lowercase()));
            let values = texts(values);
            for value in &values {
                if value.contains("${") {
                    marks.insert("variable".to_owned());
                }
                if value.contains(['*', '?']) {
                    marks.insert(format!("wild {}", key.to_ascii_lowercase()));
                }
                if ["222233334444", "o-ourcompany1"]
                    .iter()
                    .any(|it| value.contains(it))
                {
                    marks.insert("trusted".to_owned());
                }
            }
            if values.is_empty() {
                marks.insert("no value".to_owned());
            }
            if values.len() > 1 {
                marks.insert("values".to_owned());
            }
        }
    }
    let tests: usize = operators
        .values()
        .filter_map(Value::as_object)
        .map(serde_json::Map::len)
        .sum();
    if tests > 1 {
        marks.insert("several tests".to_owned());
    }
}
