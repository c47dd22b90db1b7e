//! What of a key's policy and grants is not as it was known. Pure.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use watch_core::answers::Grant;
use watch_core::arn::{AccountId, KeyArn};
use watch_core::hash::short_hash;
use watch_core::kinds::GrantCreated;
use watch_core::ledger::profile::Held;
use watch_core::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY};
use watch_policy::{Context, Policy};

/// The kind by which a difference is held.
pub const KIND: &str = "KeyAccessDrifted";
/// Changed grants of one key that are held at once; the next full sweep takes the next.
const MOST_AT_ONCE: usize = 20;

/// What is not as it was known, as `Held::what` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drifted {
    /// The policy.
    Policy,
    /// The policy, of a key that was never looked at.
    PolicyAtFirstSight,
    /// A grant is there.
    GrantCreated(String),
    /// A grant is not there any more.
    GrantEnded(String),
    /// AWS RAM shares the key, or shares it otherwise.
    Shared,
    /// AWS RAM shares the key, which was never looked at.
    SharedAtFirstSight,
    /// AWS RAM shares the key no longer.
    ShareEnded,
}

impl Drifted {
    /// Reads what was held.
    pub fn read(held: &Held) -> Option<Self> {
        if held.kind != KIND {
            return None;
        }
        match held.what.split_once('#') {
            None if held.what == "policy" => Some(Self::Policy),
            None if held.what == "first" => Some(Self::PolicyAtFirstSight),
            None if held.what == "shared" => Some(Self::Shared),
            None if held.what == "shared at first" => Some(Self::SharedAtFirstSight),
            None if held.what == "unshared" => Some(Self::ShareEnded),
            Some(("granted", id)) => Some(Self::GrantCreated(id.to_owned())),
            Some(("ended", id)) => Some(Self::GrantEnded(id.to_owned())),
            _ => None,
        }
    }

    /// To be held from `found_at`.
    pub fn held(&self, known_at: Timestamp, found_at: Timestamp) -> Held {
        let what = match self {
            Self::Policy => "policy".to_owned(),
            Self::PolicyAtFirstSight => "first".to_owned(),
            Self::GrantCreated(id) => format!("granted#{id}"),
            Self::GrantEnded(id) => format!("ended#{id}"),
            Self::Shared => "shared".to_owned(),
            Self::SharedAtFirstSight => "shared at first".to_owned(),
            Self::ShareEnded => "unshared".to_owned(),
        };
        Held {
            kind: KIND.to_owned(),
            what,
            known_at,
            found_at,
            happened_at: None,
        }
    }

    /// The operations that may have done it.
    pub fn operations(&self) -> &'static [&'static str] {
        match self {
            Self::Policy => &["PutKeyPolicy"],
            Self::PolicyAtFirstSight | Self::SharedAtFirstSight => &[],
            Self::GrantCreated(_) => &["CreateGrant"],
            Self::GrantEnded(_) => &["RevokeGrant", "RetireGrant"],
            // Calls to AWS RAM: KMS has none.
            Self::Shared => &["CreateResourceShare", "AssociateResourceShare"],
            Self::ShareEnded => &["DisassociateResourceShare", "DeleteResourceShare"],
        }
    }
}

/// What the roster keeps of a policy. Long enough that nobody finds another policy with the same.
pub fn policy_hash(text: &str) -> String {
    short_hash(text)
}

/// Both say the same, whatever their layout.
pub fn is_same_policy(one: &str, other: &str) -> bool {
    one == other
        || match (Policy::parse(one), Policy::parse(other)) {
            (Ok(one), Ok(other)) => one.says_the_same_as(&other),
            _ => false,
        }
}

/// The policy lets in strangers: worth a word also where nobody knows what was before.
pub fn lets_in_strangers(text: &str, key: &KeyArn, trusted: &BTreeSet<AccountId>) -> bool {
    let trusted: Vec<&str> = trusted.iter().map(|account| account.as_str()).collect();
    let arn = key.to_string();
    let Some(mut context) = Context::of_key(&arn) else {
        return false;
    };
    context.trusted_accounts = &trusted;
    Policy::parse(text).is_ok_and(|policy| {
        let found = policy.assess(&context);
        found.public || !found.foreign_accounts.is_empty()
    })
}

/// The grants of a key that were seen last: ids, since a grant never changes. Not those of AWS services, which make and
/// retire them as they work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownGrants {
    /// Their ids.
    pub ids: BTreeSet<String>,
}

impl KnownGrants {
    /// Of what KMS lists of a key of `own`.
    pub fn of(grants: &[Grant], own: &AccountId) -> Self {
        let counts =
            |grant: &&Grant| !GrantCreated::from((*grant).clone()).is_of_service_at_home(own);
        let ids = grants.iter().filter(counts).map(|grant| grant.id.clone());
        Self { ids: ids.collect() }
    }

    /// What the roster keeps of them.
    pub fn hash(&self) -> String {
        short_hash(
            &self
                .ids
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
        )
    }

    /// Name of the item with those of the key `partition`.
    pub fn key(partition: &str) -> ItemKey {
        ItemKey::new(partition, "grants")
    }

    /// Reads the item.
    pub fn read(item: &Item) -> Option<Self> {
        Self::deserialize(Value::Object(item.clone())).ok()
    }

    /// The item.
    pub fn item(&self, partition: &str) -> Item {
        let name = Self::key(partition);
        let mut item = match serde_json::to_value(self) {
            Ok(Value::Object(item)) => item,
            _ => Item::new(),
        };
        item.insert(PARTITION_KEY.to_owned(), name.partition.into());
        item.insert(SORT_KEY.to_owned(), name.sort.into());
        item
    }

    /// Takes in what KMS lists: what changed, as much of it as is held at once, those of strangers first.
    pub fn follow(&mut self, listed: &[Grant], own: &AccountId) -> Vec<Drifted> {
        let now = Self::of(listed, own);
        let mut created: Vec<&Grant> = listed
            .iter()
            .filter(|grant| now.ids.contains(&grant.id) && !self.ids.contains(&grant.id))
            .collect();
        created.sort_by_key(|grant| !GrantCreated::from((*grant).clone()).is_for_strangers(own));
        let created = created
            .into_iter()
            .map(|grant| Drifted::GrantCreated(grant.id.clone()));
        let ended = self
            .ids
            .difference(&now.ids)
            .cloned()
            .map(Drifted::GrantEnded);
        let changes: Vec<_> = created.chain(ended).take(MOST_AT_ONCE).collect();
        for change in &changes {
            match change {
                Drifted::GrantCreated(id) => self.ids.insert(id.clone()),
                Drifted::GrantEnded(id) => self.ids.remove(id),
                _ => false,
            };
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use watch_core::text::Untrusted;

    use super::*;

    fn grant(id: &str, grantee: &str) -> Grant {
        Grant {
            id: id.to_owned(),
            grantee: Some(Untrusted::new(grantee)),
            ..Grant::default()
        }
    }

    fn own() -> AccountId {
        AccountId::new("111122223333").unwrap()
    }

    const ROLE: &str = "arn:aws:iam::111122223333:role/app";
    const STRANGER: &str = "arn:aws:iam::999988887777:root";

    #[test]
    fn what_came_and_went_is_found_strangers_first_and_services_not_at_all() {
        let mut known = KnownGrants::of(&[grant("a", ROLE), grant("b", ROLE)], &own());
        let listed = [
            grant("b", ROLE),
            grant("c", ROLE),
            grant("d", STRANGER),
            grant("e", "dynamodb.eu-west-1.amazonaws.com"),
        ];
        assert_eq!(
            known.follow(&listed, &own()),
            [
                Drifted::GrantCreated("d".to_owned()),
                Drifted::GrantCreated("c".to_owned()),
                Drifted::GrantEnded("a".to_owned())
            ]
        );
        assert_eq!(known, KnownGrants::of(&listed, &own()));
        assert!(known.follow(&listed, &own()).is_empty());
    }

    #[test]
    fn many_are_taken_in_little_by_little_and_none_is_lost() {
        let listed: Vec<_> = (0..50).map(|n| grant(&format!("{n:02}"), ROLE)).collect();
        let mut known = KnownGrants::default();
        let mut found = BTreeSet::new();
        for expected in [20, 20, 10, 0] {
            let changes = known.follow(&listed, &own());
            assert_eq!(changes.len(), expected);
            found.extend(changes.into_iter().map(|change| format!("{change:?}")));
        }
        assert_eq!(found.len(), 50);
        assert_eq!(known.hash(), KnownGrants::of(&listed, &own()).hash());
    }

    #[test]
    fn what_is_held_reads_as_it_was_written() {
        let at = "2026-11-20T10:00:00Z".parse().unwrap();
        for drifted in [
            Drifted::Policy,
            Drifted::PolicyAtFirstSight,
            Drifted::GrantCreated("a".to_owned()),
            Drifted::GrantEnded("b".to_owned()),
            Drifted::Shared,
            Drifted::SharedAtFirstSight,
            Drifted::ShareEnded,
        ] {
            assert_eq!(Drifted::read(&drifted.held(at, at)), Some(drifted));
        }
        let mut other = Drifted::Policy.held(at, at);
        other.kind = "KeyDisabled".to_owned();
        assert_eq!(Drifted::read(&other), None);
    }

    #[test]
    fn layout_is_no_difference_and_an_action_is() {
        let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}]}"#;
        let spaced = policy.replace(',', ",\n  ");
        assert!(is_same_policy(policy, &spaced));
        assert!(!is_same_policy(
            policy,
            &policy.replace("kms:*", "kms:Decrypt")
        ));
        assert!(!is_same_policy(policy, "no policy"));
    }

    #[test]
    fn strangers_are_seen_at_first_sight_unless_they_are_trusted() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/k".parse().unwrap();
        let policy = |principal: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"kms:Decrypt","Resource":"*"}}]}}"#
            )
        };
        let none = BTreeSet::new();
        assert!(lets_in_strangers(&policy("*"), &key, &none));
        assert!(lets_in_strangers(&policy(STRANGER), &key, &none));
        assert!(!lets_in_strangers(&policy(ROLE), &key, &none));
        let trusted = BTreeSet::from([AccountId::new("999988887777").unwrap()]);
        assert!(!lets_in_strangers(&policy(STRANGER), &key, &trusted));
    }
}
