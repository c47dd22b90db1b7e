//! Tags of keys.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    body::missing,
    call::{Call, Done, Outcome},
    error::KmsError,
    paging::{Limits, page},
};

/// Tags per key (KMS Developer Guide, "Resource quotas").
const MAX_TAGS: usize = 50;

pub(super) fn tag_resource(call: &mut Call<'_>) -> Outcome {
    let tags = read_tags(call.body.list("Tags")?.ok_or_else(|| missing("Tags"))?)?;
    let key = call.key_mut()?;
    let mut all = key.tags.clone();
    all.extend(tags);
    check_number(&all)?;
    key.tags = all;
    Ok(Done::on(&key.arn, json!({})))
}

pub(super) fn untag_resource(call: &mut Call<'_>) -> Outcome {
    let names = call
        .body
        .list("TagKeys")?
        .ok_or_else(|| missing("TagKeys"))?;
    let key = call.key_mut()?;
    for name in names.iter().filter_map(Value::as_str) {
        key.tags.remove(name);
    }
    Ok(Done::on(&key.arn, json!({})))
}

pub(super) fn list_resource_tags(call: &mut Call<'_>) -> Outcome {
    let key = call.key()?;
    let items = key
        .tags
        .iter()
        .map(|(name, value)| (name.clone(), json!({"TagKey": name, "TagValue": value})));
    let response = page(
        call.body,
        Limits {
            default: 50,
            max: 50,
        },
        "Tags",
        items,
    )?;
    Ok(Done::quiet(&key.arn, response))
}

/// Tags as a request carries them.
pub(super) fn read_tags(list: &[Value]) -> Result<BTreeMap<String, String>, KmsError> {
    let mut tags = BTreeMap::new();
    for tag in list {
        let member = |name: &str| tag.get(name).and_then(Value::as_str);
        let (Some(name), Some(value)) = (member("TagKey"), member("TagValue")) else {
            return Err(missing("tags.1.member.tagKey"));
        };
        let fits = (1..=128).contains(&name.chars().count()) && value.chars().count() <= 256;
        if !fits {
            return Err(KmsError::validation(format!(
                "1 validation error detected: tag '{name}' failed to satisfy constraint: \
                 Member must have length less than or equal to 128 (key) and 256 (value)"
            )));
        }
        if name.starts_with("aws:") {
            return Err(KmsError::new(
                "TagException",
                "Tags that begin with aws: are reserved",
            ));
        }
        if tags.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(KmsError::new("TagException", "Duplicate tag keys"));
        }
    }
    check_number(&tags)?;
    Ok(tags)
}

fn check_number(tags: &BTreeMap<String, String>) -> Result<(), KmsError> {
    if tags.len() <= MAX_TAGS {
        return Ok(());
    }
    Err(KmsError::new(
        "LimitExceededException",
        "Number of tags exceeds the limit of 50",
    ))
}
