//! Topics and who subscribes to them.

use serde_json::Value;

use super::aws::LocalAws;
use crate::sns::{EmailSuspension, FilterError, FilterScope, Published};

impl LocalAws {
    /// Creates an SNS topic (or finds the one with this name) and returns its ARN.
    pub fn create_topic(&self, name: &str) -> String {
        self.with(|world| {
            let account = &world.context.account;
            world.sns.create_topic(self.region(), account, name)
        })
    }

    /// What was published to the topic, oldest first.
    #[must_use]
    pub fn published(&self, topic_arn: &str) -> Vec<Published> {
        self.lock().sns.published(topic_arn).to_vec()
    }

    /// The same, and forgets it.
    pub fn take_published(&self, topic_arn: &str) -> Vec<Published> {
        self.with(|world| world.sns.take_published(topic_arn))
    }

    /// Subscribes an endpoint to a topic, confirmed at once, and returns the ARN of the subscription; `None` if SNS would
    /// refuse it.
    pub fn subscribe(&self, topic_arn: &str, protocol: &str, endpoint: &str) -> Option<String> {
        self.with(|world| {
            let ids = &mut world.context.ids;
            world
                .sns
                .subscribe(ids, topic_arn, protocol, endpoint, None)
        })
        .ok()
    }

    /// Whoever is subscribed has yet to confirm it, or has: until then SNS sends nothing, and lists no ARN.
    pub fn set_pending(&self, subscription_arn: &str, pending: bool) {
        self.with(|world| world.sns.set_pending(subscription_arn, pending));
    }

    /// Takes a subscription away.
    pub fn unsubscribe(&self, subscription_arn: &str) {
        self.with(|world| world.sns.unsubscribe(subscription_arn));
    }

    /// Gives a subscription a filter policy; an empty one lets everything through.
    ///
    /// # Errors
    ///
    /// If the policy breaks the documented limits or has operators that are not known here (`cidr`, `wildcard`, `$or`).
    pub fn filter_subscription(
        &self,
        subscription_arn: &str,
        scope: FilterScope,
        policy: &Value,
    ) -> Result<(), FilterError> {
        self.with(|world| {
            let policy = policy.to_string();
            world
                .sns
                .filter_subscription(subscription_arn, scope, &policy)
        })
    }

    /// What a subscription got, oldest first, with the body meant for its protocol.
    #[must_use]
    pub fn inbox(&self, subscription_arn: &str) -> Vec<Published> {
        self.with(|world| world.sns.inbox(subscription_arn))
    }

    /// The e-mail subscriptions that AWS would have suspended: more than ten messages in one second of the virtual clock.
    /// They go on here, so that a test sees everything.
    #[must_use]
    pub fn email_suspensions(&self) -> Vec<EmailSuspension> {
        self.with(|world| world.sns.suspensions())
    }
}
