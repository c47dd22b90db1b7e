//! Which key an alias names: the record of its move tells where it went, and not whence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Profile;
use crate::arn::KeyArn;
use crate::items::{Item, ItemKey, KEPT_DAYS, TIME_TO_LIVE, expiry, keyed, to_item};
use crate::text::Untrusted;

/// Most aliases of one key whose items are written at once, next to what else goes into the same batch of 25.
const AT_ONCE: usize = 20;

/// The key that an alias names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AliasTarget {
    /// The key; `None` once the alias is deleted.
    pub key: Option<KeyArn>,
    /// What else the key is known by: another alias, or its description.
    pub name: Option<Untrusted>,
    /// When it came to name the key, or was seen to.
    pub as_of: Timestamp,
}

impl AliasTarget {
    /// What `alias` names from `as_of`, of a key with this profile.
    pub fn new(alias: &str, key: &KeyArn, profile: &Profile, as_of: Timestamp) -> Self {
        Self {
            key: Some(key.clone()),
            name: other_name(alias, profile),
            as_of,
        }
    }

    /// An alias that names nothing any more.
    pub fn deleted(as_of: Timestamp) -> Self {
        Self {
            key: None,
            name: None,
            as_of,
        }
    }

    /// Name of the item of `alias` in an account and Region.
    pub fn key(account_key: &str, alias: &str) -> ItemKey {
        ItemKey::new(account_key, format!("alias#{alias}"))
    }

    /// The item.
    pub fn item(&self, account_key: &str, alias: &str, now: Timestamp) -> Item {
        let mut item = keyed(&Self::key(account_key, alias), to_item(self));
        item.retain(|_, value| !value.is_null());
        if self.key.is_none() {
            item.insert(TIME_TO_LIVE.to_owned(), expiry(now, KEPT_DAYS).into());
        }
        item
    }

    /// Reads an item. One that is none is nothing.
    pub fn read(item: &Item) -> Option<Self> {
        serde_json::from_value(Value::Object(item.clone())).ok()
    }
}

/// What else than `alias` the key is known by.
pub fn other_name(alias: &str, profile: &Profile) -> Option<Untrusted> {
    let aliases = profile.aliases.iter().flat_map(|aliases| &aliases.value);
    let description = || profile.metadata.as_ref()?.value.description.clone();
    aliases
        .clone()
        .find(|name| name.as_str() != alias)
        .cloned()
        .or_else(description)
        .and_then(Untrusted::non_empty)
}

/// The aliases that KMS lists for a key and that were not known for it: an item for each, so that a later move can say
/// whence.
pub fn sighted(
    account_key: &str,
    key: &KeyArn,
    before: &Profile,
    profile: &Profile,
    now: Timestamp,
) -> Vec<Item> {
    let known = before.aliases.as_ref().map(|aliases| &aliases.value);
    let names = profile.aliases.iter().flat_map(|aliases| &aliases.value);
    names
        .filter(|name| !known.is_some_and(|known| known.contains(name)))
        .filter(|name| is_alias(name.as_str()))
        .take(AT_ONCE)
        .map(|name| {
            AliasTarget::new(name.as_str(), key, profile, now).item(account_key, name.as_str(), now)
        })
        .collect()
}

/// An alias as KMS lets people name them: safe in a command (AWS KMS API Reference, CreateAlias).
pub fn is_alias(name: &str) -> bool {
    (7..=256).contains(&name.len())
        && name.strip_prefix("alias/").is_some_and(|rest| {
            rest.bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_kms_lets_people_name_an_alias_goes_into_a_command() {
        assert!(is_alias("alias/a") && is_alias("alias/aws/ebs") && is_alias("alias/A-b_9/x"));
        for name in [
            "alias/",
            "ledger",
            "alias/a b",
            "alias/$(reboot)",
            "alias/'",
            "alias/é",
        ] {
            assert!(!is_alias(name), "{name}");
        }
        assert!(!is_alias(&format!("alias/{}", "a".repeat(251))));
    }

    #[test]
    fn a_deleted_alias_is_forgotten_some_day_and_others_are_not() {
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let key: KeyArn = "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap();
        let there = AliasTarget::new("alias/a", &key, &Profile::default(), now);
        let item = there.item("account", "alias/a", now);
        assert_eq!(AliasTarget::read(&item).as_ref(), Some(&there));
        assert_eq!(item["sk"], "alias#alias/a");
        assert!(item.get("ttl").is_none());
        let item = AliasTarget::deleted(now).item("account", "alias/a", now);
        assert_eq!(AliasTarget::read(&item).unwrap().key, None);
        assert!(item["ttl"].is_i64());
    }
}
