//! Aliases: names of keys, unique in an account and Region.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Call, Done, KmsError, Outcome,
    paging::{Limits, page_after},
    selector::{Accepts, KeyRef, alias_arn},
};
use crate::wire::epoch;

/// Aliases per key (KMS Developer Guide, "Resource quotas").
const MAX_ALIASES: usize = 50;

/// The aliases, by their names and by their keys.
#[derive(Debug, Default, Clone)]
pub(super) struct Aliases {
    /// By Region and name.
    by_name: BTreeMap<(String, String), Alias>,
    of_key: BTreeMap<KeyRef, BTreeSet<String>>,
}

#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// The id of its key.
    pub(super) key: String,
    created: Timestamp,
    updated: Timestamp,
}

impl Aliases {
    pub(super) fn get(&self, region: &str, name: &str) -> Option<&Alias> {
        self.by_name.get(&(region.to_owned(), name.to_owned()))
    }

    /// Puts an alias in place, whatever was there before.
    pub(super) fn insert(&mut self, region: &str, name: &str, key: &str, at: Timestamp) {
        let alias = Alias {
            key: key.to_owned(),
            created: at,
            updated: at,
        };
        self.put(region, name, alias);
    }

    /// Lets an alias point to another key.
    fn move_to(&mut self, region: &str, name: &str, key: &str, at: Timestamp) {
        let Some(alias) = self.remove(region, name) else {
            return;
        };
        let alias = Alias {
            key: key.to_owned(),
            updated: at,
            ..alias
        };
        self.put(region, name, alias);
    }

    fn put(&mut self, region: &str, name: &str, alias: Alias) {
        self.remove(region, name);
        let names = self.of_key.entry(place(region, &alias.key)).or_default();
        names.insert(name.to_owned());
        self.by_name
            .insert((region.to_owned(), name.to_owned()), alias);
    }

    fn remove(&mut self, region: &str, name: &str) -> Option<Alias> {
        let alias = self.by_name.remove(&(region.to_owned(), name.to_owned()))?;
        let key = place(region, &alias.key);
        if let Some(names) = self.of_key.get_mut(&key) {
            names.remove(name);
            if names.is_empty() {
                self.of_key.remove(&key);
            }
        }
        Some(alias)
    }

    pub(super) fn remove_all_of(&mut self, key: &KeyRef) {
        for name in self.of_key.remove(key).unwrap_or_default() {
            self.by_name.remove(&(key.region.clone(), name));
        }
    }

    fn number_of(&self, key: &KeyRef) -> usize {
        self.of_key.get(key).map_or(0, BTreeSet::len)
    }

    /// The aliases of a Region in the order of their names, those after a name only.
    fn in_region<'a>(
        &'a self,
        region: &'a str,
        after: Option<String>,
    ) -> impl Iterator<Item = (&'a str, &'a Alias)> {
        let from = (region.to_owned(), after.unwrap_or_default());
        let range = (Bound::Excluded(from), Bound::Unbounded);
        self.by_name
            .range(range)
            .take_while(move |((of, _), _)| of == region)
            .map(|((_, name), alias)| (name.as_str(), alias))
    }

    /// Those of a key.
    fn of<'a>(
        &'a self,
        key: &'a KeyRef,
        after: Option<String>,
    ) -> impl Iterator<Item = (&'a str, &'a Alias)> {
        let range = (Bound::Excluded(after.unwrap_or_default()), Bound::Unbounded);
        let names = self.of_key.get(key).into_iter();
        names
            .flat_map(move |names| names.range(range.clone()))
            .filter_map(|name| Some((name.as_str(), self.get(&key.region, name)?)))
    }
}

fn place(region: &str, key: &str) -> KeyRef {
    KeyRef {
        region: region.to_owned(),
        id: key.to_owned(),
    }
}

pub(super) fn create_alias(call: &mut Call<'_>) -> Outcome {
    let name = new_name(call)?;
    let arn = alias_arn(call.region, &call.world.account, &name);
    if call.world.kms.aliases.get(call.region, &name).is_some() {
        return Err(KmsError::new(
            "AlreadyExistsException",
            format!("An alias with the name {arn} already exists"),
        ));
    }
    let key = call.reference()?;
    check_number(call, &key)?;
    let now = call.world.now;
    let aliases = &mut call.world.kms.aliases;
    aliases.insert(call.region, &name, &key.id, now);
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
    let aliases = &mut call.world.kms.aliases;
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
    let arn = alias_arn(call.region, &call.world.account, name);
    call.world.kms.aliases.remove(call.region, name);
    Ok(Done::on(&key_arn, json!({})).resources(&[&arn, &key_arn]))
}

pub(super) fn list_aliases(call: &mut Call<'_>) -> Outcome {
    let aliases = &call.world.kms.aliases;
    let entry = |(name, alias): (&str, &Alias)| {
        let entry = json!({
            "AliasName": name,
            "AliasArn": alias_arn(call.region, &call.world.account, name),
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
    if call.world.kms.aliases.number_of(key) < MAX_ALIASES {
        return Ok(());
    }
    Err(KmsError::new(
        "LimitExceededException",
        "Number of aliases per key exceeds the limit of 50",
    ))
}
