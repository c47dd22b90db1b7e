//! SNS: topics that keep what was published, behind the limits of the real one.

mod filter;
mod form;
mod limits;
mod query;
mod subscriptions;

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::subscriptions::Subscription;
pub use filter::{FilterError, FilterScope};
pub(crate) use form::Form;
pub(crate) use query::{Request, answer, denied, failed, resource, throttled, unauthenticated};
pub use subscriptions::EmailSuspension;

use crate::{kms::partition, world::World};

/// The topics, by ARN, and their subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Sns {
    topics: BTreeMap<String, Topic>,
    subscriptions: Vec<Subscription>,
}

#[derive(Debug, Default)]
struct Topic {
    published: Vec<Published>,
}

/// A message as a topic received it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Published {
    /// As answered to the publisher.
    pub message_id: String,
    /// The subject line of e-mails.
    pub subject: Option<String>,
    /// The body; with the structure `json`, the JSON object of bodies by protocol.
    pub message: String,
    /// `json` or nothing.
    pub structure: Option<String>,
    /// By name.
    pub attributes: BTreeMap<String, Attribute>,
    /// Simulator time.
    pub at: Timestamp,
}

/// A message attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribute {
    /// `String`, `String.Array`, `Number`, `Binary`, each with an optional custom suffix.
    pub data_type: String,
    /// As sent; Base64 for `Binary`.
    pub value: String,
}

impl Published {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .get(name)
            .map(|attribute| attribute.value.as_str())
    }
}

impl Sns {
    pub(crate) fn published(&self, arn: &str) -> &[Published] {
        self.topics.get(arn).map_or(&[], |topic| &topic.published)
    }

    /// How many subscriptions the topic has.
    fn subscribers(&self, arn: &str) -> usize {
        let all = self.subscriptions.iter();
        all.filter(|subscription| subscription.is_of(arn)).count()
    }

    pub(crate) fn take_published(&mut self, arn: &str) -> Vec<Published> {
        self.topics
            .get_mut(arn)
            .map(|topic| std::mem::take(&mut topic.published))
            .unwrap_or_default()
    }
}

impl World {
    pub(crate) fn create_topic(&mut self, region: &str, name: &str) -> String {
        let arn = format!(
            "arn:{}:sns:{region}:{}:{name}",
            partition(region),
            self.account
        );
        self.sns.topics.entry(arn.clone()).or_default();
        arn
    }
}
