//! The topics and their subscriptions.

use std::collections::BTreeMap;

use super::{message::Published, subscriptions::Subscription};
use crate::spelling::partition;

/// The topics, by ARN, and their subscriptions.
#[derive(Debug, Default)]
pub(crate) struct Sns {
    pub(super) topics: BTreeMap<String, Topic>,
    pub(super) subscriptions: Vec<Subscription>,
}

#[derive(Debug, Default)]
pub(super) struct Topic {
    pub(super) published: Vec<Published>,
}

impl Sns {
    pub(crate) fn published(&self, arn: &str) -> &[Published] {
        self.topics.get(arn).map_or(&[], |topic| &topic.published)
    }

    /// How many subscriptions the topic has.
    pub(super) fn subscribers(&self, arn: &str) -> usize {
        let all = self.subscriptions.iter();
        all.filter(|subscription| subscription.is_of(arn)).count()
    }

    pub(crate) fn take_published(&mut self, arn: &str) -> Vec<Published> {
        self.topics
            .get_mut(arn)
            .map(|topic| std::mem::take(&mut topic.published))
            .unwrap_or_default()
    }

    /// The ARN of the topic, which is made if it is not there.
    pub(crate) fn create_topic(&mut self, region: &str, account: &str, name: &str) -> String {
        let arn = format!("arn:{}:sns:{region}:{account}:{name}", partition(region));
        self.topics.entry(arn.clone()).or_default();
        arn
    }
}
