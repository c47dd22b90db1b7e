//! Aliases: names of keys, unique in an account and Region.

use serde_json::{Value, json};

use super::{
    Alias, Call, Done, KmsError, Outcome,
    paging::{Limits, page},
    selector::{Accepts, KeyRef, alias_arn},
};
use crate::wire::epoch;

/// Aliases per key (KMS Developer Guide, "Resource quotas").
const MAX_ALIASES: usize = 50;

pub(super) fn create_alias(call: &mut Call<'_>) -> Outcome {
    let name = new_name(call)?;
    let arn = alias_arn(call.region, &call.world.account, &name);
    let place = (call.region.to_owned(), name);
    if call.world.kms.aliases.contains_key(&place) {
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let key = call.reference()?;
    check_number(call, &key)?;
    let now = call.world.now;
    let alias = Alias {
        key: key.id,
        created: now,
        updated: now,
    };
    call.world.kms.aliases.insert(place, alias);
    let key_arn = call.key()?.arn.clone();
    Ok(Done::on(&key_arn, json!({})).resources(&[&key_arn, &arn]))
}

/// Moves an alias; only the key it moves to has to be in a state that allows it.
pub(super) fn update_alias(call: &mut Call<'_>) -> Outcome {
    let name = new_name(call)?;
    let arn = alias_arn(call.region, &call.world.account, &name);
    let old = call.select(&name, Accepts::AnyName)?;
    let key = call.reference()?;
    let kms = &call.world.kms;
    if let (Some(from), Some(to)) = (kms.keys.get(&old), kms.keys.get(&key))
        && (from.spec, from.usage) != (to.spec, to.usage)
    {
        return Err(KmsError::validation(
            "The current and new KMS key must be the same type and have the same key usage",
        ));
    }
    check_number(call, &key)?;
    let now = call.world.now;
    if let Some(alias) = call
        .world
        .kms
        .aliases
        .get_mut(&(call.region.to_owned(), name))
    {
        alias.key = key.id;
        alias.updated = now;
    }
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
    let arn = alias_arn(call.region, &call.world.account, name);
    call.world
        .kms
        .aliases
        .remove(&(call.region.to_owned(), name.to_owned()));
    Ok(Done::on(&key_arn, json!({})).resources(&[&arn, &key_arn]))
}

pub(super) fn list_aliases(call: &mut Call<'_>) -> Outcome {
    let only = call.key.as_ref().map(|key| key.id.as_str());
    let aliases = call
        .world
        .kms
        .aliases
        .iter()
        .filter(|((region, _), alias)| {
            region == call.region && only.is_none_or(|id| alias.key == id)
        })
        .map(|((region, name), alias)| {
            let entry: Value = json!({
                "AliasName": name,
                "AliasArn": alias_arn(region, &call.world.account, name),
                "TargetKeyId": alias.key,
                "CreationDate": epoch(alias.created),
                "LastUpdatedDate": epoch(alias.updated),
            });
            (name.clone(), entry)
        });
    let response = page(
        call.body,
        Limits {
            default: 50,
            max: 100,
        },
        "Aliases",
        aliases,
    )?;
    Ok(Done {
        response,
        ..Done::default()
    })
}

/// Puts an alias in place, whatever was there before.
pub(super) fn place(
    kms: &mut super::Kms,
    region: &str,
    name: &str,
    key: &str,
    at: jiff::Timestamp,
) {
    let alias = Alias {
        key: key.to_owned(),
        created: at,
        updated: at,
    };
    kms.aliases
        .insert((region.to_owned(), name.to_owned()), alias);
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
    let aliases = &call.world.kms.aliases;
    let number = aliases
        .iter()
        .filter(|((region, _), alias)| *region == key.region && alias.key == key.id);
    if number.count() < MAX_ALIASES {
        return Ok(());
    }
    Err(KmsError::new(
        "LimitExceededException",
        "Number of aliases per key exceeds the limit of 50",
    ))
}
