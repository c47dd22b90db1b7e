//! A finding, in no format.

use jiff::{SignedDuration, Timestamp};
use watch_core::arn::{AccountId, KeyArn, Partition, Region};
use watch_core::severity::Severity;
use watch_core::text::Untrusted;

use crate::rule::Rule;

/// Whose findings they are: the account and Region that KMS Watch runs in, or looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// `aws`, `aws-cn`, …
    pub partition: Partition,
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
}

/// How the condition stands that a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lasts.
    Open,
    /// It ended well.
    Closed,
    /// There is nothing to close.
    Event,
}

impl Standing {
    /// All, with the words of the feed.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Event];

    /// The word of the feed.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Closed => "CLOSED",
            Self::Event => "EVENT",
        }
    }

    /// Reads the word of the feed.
    pub fn new(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resource {
    /// A key.
    Key(Box<Key>),
    /// A custom key store, by its id.
    KeyStore {
        /// `cks-…`.
        id: Untrusted,
        /// Its name.
        name: Option<Untrusted>,
    },
    /// The account.
    Account,
}

/// A key, as far as findings tell of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its ARN.
    pub arn: KeyArn,
    /// Its first alias.
    pub alias: Option<Untrusted>,
    /// Who owns it, by its tag.
    pub owner: Option<Untrusted>,
    /// `Enabled`, `PendingDeletion`, …
    pub state: Option<Untrusted>,
    /// `CUSTOMER` or `AWS`.
    pub manager: Option<Untrusted>,
    /// `AWS_KMS`, `EXTERNAL`, …
    pub origin: Option<Untrusted>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// Whether it rotates by itself.
    pub rotates: Option<bool>,
}

impl Key {
    /// A key of which nothing is known but its ARN.
    pub fn unknown(arn: KeyArn) -> Self {
        Self {
            arn,
            alias: None,
            owner: None,
            state: None,
            manager: None,
            origin: None,
            created_at: None,
            rotates: None,
        }
    }
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// As alerts call it: `KeyAdmin/j.okafor`.
    pub name: Option<Untrusted>,
    /// ARN.
    pub arn: Option<Untrusted>,
    /// Account.
    pub account: Option<Untrusted>,
    /// Access key that the call was signed with.
    pub access_key: Option<Untrusted>,
    /// IP address, or the name of a service.
    pub source: Option<Untrusted>,
    /// The service that called in somebody's name.
    pub via: Option<Untrusted>,
}

/// One finding. Two of one story replace each other, the later the earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Names the story; the same for what opens it and what closes it.
    pub story: String,
    /// Names this telling of it.
    pub id: String,
    /// Kind of alert, or what is the matter with a key.
    pub kind: String,
    /// What the kind is in the words of others.
    pub rule: &'static Rule,
    /// How urgent it is.
    pub severity: Severity,
    /// How the condition stands.
    pub standing: Standing,
    /// One line.
    pub title: Untrusted,
    /// Some sentences.
    pub summary: Untrusted,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was found.
    pub observed_at: Timestamp,
    /// The account of what it is about.
    pub account: AccountId,
    /// The Region of what it is about.
    pub region: Region,
    /// The partition of what it is about.
    pub partition: Partition,
    /// What it is about.
    pub resource: Resource,
    /// Who did it.
    pub actor: Option<Actor>,
    /// The call that did it.
    pub operation: Option<Untrusted>,
    /// The record of it.
    pub event_id: Option<Untrusted>,
    /// Until when it can be undone.
    pub undo_until: Option<Timestamp>,
    /// What to do, the most urgent first, in words.
    pub steps: Vec<Untrusted>,
    /// A page of the console.
    pub link: Option<String>,
}

impl Finding {
    /// When the story last changed: an older telling that comes late has an earlier one, and changes nothing.
    ///
    /// What follows an alert has the alert's time, and must replace it.
    pub fn updated_at(&self) -> Timestamp {
        let later = SignedDuration::from_millis(i64::from(self.rule.follows));
        self.occurred_at
            .saturating_add(later)
            .unwrap_or(self.occurred_at)
    }

    /// The ARN of the key that it is about.
    pub fn key_arn(&self) -> Option<String> {
        match &self.resource {
            Resource::Key(key) => Some(key.arn.to_string()),
            Resource::KeyStore { .. } | Resource::Account => None,
        }
    }
}
