//! Aliases: names of keys, unique in an account and Region.

use serde_json::{Value, json};

use super::{
    alias::Alias,
    call::{Call, Done, Outcome},
    error::KmsError,
    paging::{Limits, page_after},
    selector::{Accepts, KeyRef, alias_arn},
};
use crate::times::epoch;

/// Aliases per key (KMS Developer Guide, "Resource quotas").
const MAX_ALIASES: usize = 50;

pub(super) fn create_alias(call: &mut Call<'_>) -> Outcome {
    let name = new_name(call)?;
    let arn = alias_arn(call.region, &call.context.account, &name);
    if call.kms.aliases.get(call.region, &name).is_some() {
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let key = call.reference()?;
    check_number(call, &key)?;
    let now = call.context.now;
    let aliases = &mut call.kms.aliases;
    aliases.insert(call.region, &name, &key.id, now);
    let key_arn = call.key()?.arn.clone();
    Ok(Done::on(&key_arn, json!({})).resources(&[&key_arn, &arn]))
}

/// Moves an alias; only the key it moves to has to be in a state that allows it.
pub(super) fn update_alias(call: &mut Call<'_>) -> Outcome {
    let name = new_name(call)?;
    let arn = alias_arn(call.region, &call.context.account, &name);
    let old = call.select(&name, Accepts::AnyName)?;
    let key = call.reference()?;
    let kms = &call.kms;
    if let (Some(from), Some(to)) = (kms.keys.get(&old), kms.keys.get(&key))
        && (from.spec, from.usage) != (to.spec, to.usage)
    {
        return Err(KmsError::validation(
            "The current and new KMS key must be the same type and have the same key usage",
        ));
    }
    check_number(call, &key)?;
    let now = call.context.now;
    let aliases = &mut call.kms.aliases;
    aliases.move_to(call.region, &name, &key.id, now);
    let key_arn = call.key()?.arn.clone();
    Ok(Done::on(&key_arn, json!({})).resources(&[&arn, &key_arn]))
}

pub(super) fn delete_alias(call: &mut Call<'_>) -> Outcome {
    let name = call.body.required("AliasName")?;
    if !name.starts_with("alias/") {
        return Err(KmsError::validation(
            "Alias must start with the prefix \"alias/\"",
        ));
    }
    check_reserved(name)?;
    let key_arn = call.key()?.arn.clone();
    let arn = alias_arn(call.region, &call.context.account, name);
    call.kms.aliases.remove(call.region, name);
    Ok(Done::on(&key_arn, json!({})).resources(&[&arn, &key_arn]))
}

pub(super) fn list_aliases(call: &mut Call<'_>) -> Outcome {
    let aliases = &call.kms.aliases;
    let entry = |(name, alias): (&str, &Alias)| {
        let entry = json!({
            "AliasName": name,
            "AliasArn": alias_arn(call.region, &call.context.account, name),
            "TargetKeyId": alias.key,
            "CreationDate": epoch(alias.created),
            "LastUpdatedDate": epoch(alias.updated),
        });
        (name.to_owned(), entry)
    };
    let limits = Limits {
        default: 50,
        max: 100,
    };
    let (body, member) = (call.body, "Aliases");
    let response: Value = match &call.key {
        Some(key) => page_after(body, limits, member, |after| {
            aliases.of(key, after).map(entry)
        })?,
        None => page_after(body, limits, member, |after| {
            aliases.in_region(call.region, after).map(entry)
        })?,
    };
    Ok(Done {
        response,
        ..Done::default()
    })
}

fn new_name(call: &Call<'_>) -> Result<String, KmsError> {
    let name = call.body.required("AliasName")?;
    let Some(rest) = name.strip_prefix("alias/") else {
        return Err(KmsError::validation(
            "Alias must start with the prefix \"alias/\"",
        ));
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-');
    if name.len() > 256 || !rest.chars().all(allowed) {
        return Err(KmsError::validation(format!(
            "{name} contains invalid characters for an alias"
        )));
    }
    if rest.is_empty() {
        return Err(KmsError::new(
            "InvalidAliasNameException",
            format!("Alias name {name} must match ^alias/[a-zA-Z0-9/_-]+$"),
        ));
    }
    check_reserved(name)?;
    Ok(name.to_owned())
}

/// `alias/aws/…` belongs to AWS managed keys.
fn check_reserved(name: &str) -> Result<(), KmsError> {
    if name.starts_with("alias/aws/") {
        return Err(KmsError::new(
            "NotAuthorizedException",
            "alias/aws/ is reserved",
        ));
    }
    Ok(())
}

fn check_number(call: &Call<'_>, key: &KeyRef) -> Result<(), KmsError> {
    if call.kms.aliases.number_of(key) < MAX_ALIASES {
        return Ok(());
    }
    Err(KmsError::new(
        "LimitExceededException",
        "Number of aliases per key exceeds the limit of 50",
    ))
}
