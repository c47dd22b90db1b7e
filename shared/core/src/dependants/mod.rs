//! What breaks: who and what depends on a key.
//!
//! | file | what it holds |
//! |---|---|
//! | this | what is known of it, bounded |
//! | `findings` | putting together what was found |
//! | `grants` | what a grant says |
//! | `uses` | what a record of a use says |
//! | `gather` | asking, within a limit of time |
//! | `words` | some lines for people |
//!
//! Everything here is what somebody saw, never all there is: data that nobody has read for 90 days leaves no trace, and S3 asks
//! KMS once for many objects.

mod findings;
mod gather;
mod grants;
mod uses;
mod words;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::context::ResourceKind;
use crate::text::Untrusted;

pub use self::findings::Findings;
pub use self::gather::{Ask, Gathered, gather};

/// Most resources, and most principals, that an alert names.
pub const MOST: usize = 25;

/// How long ago a use may be that still counts: what CloudTrail's event history holds.
pub const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// What is known of those who depend on a key. What no source shows is not in it: data that was not touched for 90 days, keys of
/// buckets that S3 keeps for a while, other Regions.
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
    /// How many resources and principals were found.
    pub count: u64,
    /// When it was looked.
    pub as_of: Option<Timestamp>,
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
        self.resources
            .iter()
            .any(|resource| resource.kind.is_database())
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

    /// Not more than `most` of each, for where room is short.
    #[must_use]
    pub fn at_most(mut self, most: usize) -> Self {
        self.complete &= self.resources.len() <= most && self.principals.len() <= most;
        self.resources.truncate(most);
        self.principals.truncate(most);
        self
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
