//! What breaks: who and what depends on a key.
//!
//! | file | what it holds |
//! |---|---|
//! | this | what is known of it, bounded |
//! | `findings` | putting together what was found |
//! | `grants` | what a grant says |
//! | `uses` | what a record of a use says |
//! | `observed` | what a record says of how the key is used |
//! | `recorded` | what AWS Config recorded |
//! | `gather` | asking, within a limit of time |
//! | `words` | some lines for people |
//!
//! Everything here is what somebody saw, never all there is: data that nobody has read for 90 days leaves no trace, and S3 asks
//! KMS once for many objects.

mod findings;
mod gather;
mod grants;
mod observed;
mod recorded;
mod uses;
mod words;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::arn::KeyArn;
use crate::context::ResourceKind;
use crate::text::Untrusted;

pub use self::findings::Findings;
pub use self::gather::{Ask, Gathered, gather};
pub use self::observed::{Act, History, Observed};

/// Most resources, and most principals, that an alert names.
pub const MOST: usize = 25;

/// How long ago a use may be that still counts: what CloudTrail's event history holds.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What is known of those who depend on a key. What no source shows is not in it: data that was not touched for 90 days and that
/// AWS Config does not record, keys of buckets that S3 keeps for a while, other Regions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Dependants {
    /// Every source was read to its end, and everything that it has is listed.
    pub complete: bool,
    /// Where it was looked.
    pub sources: Vec<Evidence>,
    /// Resources whose data the key protects, at most 25, those first that were seen last.
    pub resources: Vec<Resource>,
    /// Who uses the key, or may by a grant, at most 25, those first that were seen last.
    pub principals: Vec<Principal>,
    /// How many resources of each type were found.
    pub types: Vec<OfType>,
    /// How many resources were found.
    pub resource_count: u64,
    /// How many principals were found.
    pub principal_count: u64,
    /// Both together.
    pub count: u64,
    /// When it was looked.
    pub as_of: Option<Timestamp>,
}

/// Resources of one type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OfType {
    /// The type, as CloudFormation names it.
    #[serde(rename = "type")]
    pub kind: ResourceKind,
    /// How many were found.
    pub count: u64,
}

/// A key of a custom key store, and who depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct KeyOfStore {
    /// The key.
    pub key: KeyArn,
    /// Its alias, else its id.
    pub name: Untrusted,
    /// Value of the tag that names its owner.
    pub owner: Option<Untrusted>,
    /// Who and what depends on it, as far as that is known.
    pub dependants: Option<Dependants>,
}

/// What shows that somebody depends on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub enum Evidence {
    /// A grant (`ListGrants`).
    Grants,
    /// A use within the last 90 days (CloudTrail's event history).
    EventHistory,
    /// The configuration of a resource (AWS Config).
    Config,
}

/// A resource whose data a key protects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Resource {
    /// The service, as ARNs have it, such as `s3`.
    pub service: Untrusted,
    /// Its type, as CloudFormation names it, such as `AWS::S3::Bucket`.
    #[serde(rename = "type")]
    pub kind: ResourceKind,
    /// Its id or name. Of an RDS instance, its resource id.
    pub id: Untrusted,
    /// Its ARN, if that was told.
    pub arn: Option<Untrusted>,
    /// When the key was last seen in use for it.
    pub last_seen: Option<Timestamp>,
    /// Who used the key for it then.
    pub used_by: Option<Untrusted>,
    /// What shows it.
    pub via: Evidence,
}

/// Who uses a key, or may by a grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Principal {
    /// ARN of the role or user; `null` of services and of other accounts' principals.
    pub arn: Option<Untrusted>,
    /// Its account, if that was told.
    #[serde(default)]
    pub account: Option<Untrusted>,
    /// Its short name, such as `role/ci-deploy`.
    pub name: Untrusted,
    /// The service through which it used the key, such as `s3.amazonaws.com`.
    pub service: Option<Untrusted>,
    /// When it was last seen.
    pub last_seen: Option<Timestamp>,
    /// What it used the key for, or may.
    pub operations: Vec<Untrusted>,
    /// How many uses were seen.
    pub count: u64,
    /// What shows it.
    pub via: Evidence,
}

impl Dependants {
    /// Nobody was found.
    pub fn is_empty(&self) -> bool {
        self.resources.is_empty() && self.principals.is_empty()
    }

    /// A database is among them: its service gives it up for good seven days after the key became unusable.
    pub fn has_database(&self) -> bool {
        self.databases().next().is_some()
    }

    /// The databases among them.
    pub fn databases(&self) -> impl Iterator<Item = &Resource> {
        let resources = self.resources.iter();
        resources.filter(|resource| resource.kind.is_database())
    }

    /// Names somebody or something that `known` does not.
    pub fn adds_to(&self, known: Option<&Self>) -> bool {
        let knows_resource = |resource: &Resource| {
            known.is_some_and(|known| known.resources.iter().any(|it| it.is_same(resource)))
        };
        let knows_principal = |principal: &Principal| {
            known.is_some_and(|known| known.principals.iter().any(|it| it.is_same(principal)))
        };
        !self.resources.iter().all(knows_resource) || !self.principals.iter().all(knows_principal)
    }

    /// It was looked so short a time before `at` that to look again is not worth it.
    pub fn is_fresh(&self, at: Timestamp, limit: SignedDuration) -> bool {
        let age = self.as_of.map(|as_of| at.duration_since(as_of));
        age.is_some_and(|age| age >= SignedDuration::ZERO && age <= limit)
    }

    /// Those of other accounts that used the key, who are no AWS service: none of the accounts is `known`.
    #[must_use]
    pub fn strangers(mut self, known: impl Fn(&str) -> bool) -> Self {
        self.resources.clear();
        self.types.clear();
        self.principals.retain(|principal| {
            let account = principal.account.as_ref().map(Untrusted::as_str);
            principal.last_seen.is_some() && account.is_some_and(|account| !known(account))
        });
        self.resource_count = 0;
        self.principal_count = u64::try_from(self.principals.len()).unwrap_or(u64::MAX);
        self.count = self.principal_count;
        self
    }

    /// Not more than `most` of each, for where room is short: of the resources all databases, then some of each type.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.complete &= self.resources.len() <= most && self.principals.len() <= most;
        self.principals.truncate(most);
        if self.resources.len() <= most {
            return self;
        }
        let (mut ranks, mut seen) = (Vec::new(), Vec::<(ResourceKind, usize)>::new());
        for (place, resource) in self.resources.iter().enumerate() {
            let known = seen.iter_mut().find(|(kind, _)| *kind == resource.kind);
            let nth = match known {
                Some((_, count)) => {
                    *count += 1;
                    *count
                }
                None => {
                    seen.push((resource.kind, 0));
                    0
                }
            };
            ranks.push((!resource.kind.is_database(), nth, place));
        }
        ranks.sort_unstable();
        let kept: BTreeSet<_> = ranks.iter().take(most).map(|(.., place)| *place).collect();
        let mut place = 0..;
        self.resources
            .retain(|_| place.next().is_some_and(|place| kept.contains(&place)));
        self
    }

    /// How many resources of this type were found.
    pub fn count_of(&self, kind: ResourceKind) -> u64 {
        let mut types = self.types.iter();
        types.find(|it| it.kind == kind).map_or(0, |it| it.count)
    }
}

impl Resource {
    fn is_same(&self, other: &Self) -> bool {
        (self.kind, &self.id) == (other.kind, &other.id)
    }
}

impl Principal {
    fn is_same(&self, other: &Self) -> bool {
        (&self.arn, &self.name) == (&other.arn, &other.name)
    }
}

#[cfg(test)]
mod tests;
