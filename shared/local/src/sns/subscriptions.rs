//! Subscriptions: who gets what was published, and when mail is too much of it.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    filter::{Filter, FilterError, FilterScope},
    message::Published,
};

/// Messages per second to one e-mail endpoint (SNS Developer Guide, "Email notifications"): more suspend the
/// subscription.
const EMAILS_PER_SECOND: usize = 10;

#[derive(Debug)]
pub(super) struct Subscription {
    pub(super) arn: String,
    pub(super) topic: String,
    pub(super) protocol: String,
    pub(super) endpoint: String,
    /// As text, and ready for use.
    pub(super) filter: Option<(String, Filter)>,
    pub(super) scope: FilterScope,
    /// Whoever is subscribed has not confirmed it.
    pub(super) pending: bool,
    pub(super) inbox: Vec<Published>,
}

/// An e-mail endpoint that got more than SNS allows, so that AWS would have suspended its subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EmailSuspension {
    /// The subscription.
    pub subscription_arn: String,
    /// The address.
    pub endpoint: String,
    /// When it was too much, on the virtual clock.
    pub at: Timestamp,
}

impl Subscription {
    pub(super) fn is_of(&self, topic: &str) -> bool {
        self.topic == topic
    }

    /// Keeps the message, if the filter lets it through, with the body that is meant for the protocol.
    pub(super) fn deliver(&mut self, message: &Published) {
        let body = body_for(&self.protocol, message);
        let filter = self.filter.as_ref();
        let wanted =
            !self.pending && filter.is_none_or(|(_, filter)| filter.accepts(message, &body));
        if wanted {
            let mut message = message.clone();
            message.message = body;
            self.inbox.push(message);
        }
    }

    /// The first time that a second held too many mails.
    pub(super) fn suspended(&self) -> Option<EmailSuspension> {
        if !self.protocol.starts_with("email") {
            return None;
        }
        let burst = self.inbox.windows(EMAILS_PER_SECOND + 1).find(|burst| {
            let (first, last) = (&burst[0], &burst[EMAILS_PER_SECOND]);
            last.at.duration_since(first.at) < SignedDuration::from_secs(1)
        })?;
        Some(EmailSuspension {
            subscription_arn: self.arn.clone(),
            endpoint: self.endpoint.clone(),
            at: burst[EMAILS_PER_SECOND].at,
        })
    }

    pub(super) fn set_filter(&mut self, text: &str, scope: FilterScope) -> Result<(), FilterError> {
        let policy: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        self.filter = match policy.as_object() {
            // An empty policy lets everything through.
            Some(members) if members.is_empty() => None,
            _ => Some((text.to_owned(), Filter::new(&policy, scope)?)),
        };
        self.scope = scope;
        Ok(())
    }
}

fn body_for(protocol: &str, message: &Published) -> String {
    let bodies = message
        .structure
        .as_deref()
        .filter(|structure| *structure == "json")
        .and_then(|_| serde_json::from_str::<Value>(&message.message).ok());
    let chosen = bodies.as_ref().and_then(|bodies| {
        let own = bodies.get(protocol).and_then(Value::as_str);
        own.or_else(|| bodies.get("default")?.as_str())
    });
    chosen.unwrap_or(&message.message).to_owned()
}
