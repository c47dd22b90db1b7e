//! Subscriptions: who gets what was published, and when mail is too much of it.

use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{
    FilterError, FilterScope, Published,
    filter::Filter,
    form::Form,
    query::{Error, escape},
};
use crate::{LocalAws, world::World};

/// Messages per second to one e-mail endpoint (SNS Developer Guide, "Email notifications"): more suspend the
/// subscription.
const EMAILS_PER_SECOND: usize = 10;

/// Filter policies per topic (SNS Developer Guide, "Filter policy constraints").
const MAX_FILTERS: usize = 200;

/// Subscriptions per page.
const PAGE: usize = 100;

const PROTOCOLS: &[&str] = &[
    "http",
    "https",
    "email",
    "email-json",
    "sms",
    "sqs",
    "application",
    "lambda",
    "firehose",
];

#[derive(Debug)]
pub(super) struct Subscription {
    arn: String,
    topic: String,
    protocol: String,
    endpoint: String,
    /// As text, and ready for use.
    filter: Option<(String, Filter)>,
    scope: FilterScope,
    inbox: Vec<Published>,
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
    fn deliver(&mut self, message: &Published) {
        let body = body_for(&self.protocol, message);
        let wanted = self
            .filter
            .as_ref()
            .is_none_or(|(_, filter)| filter.accepts(message, &body));
        if wanted {
            let mut message = message.clone();
            message.message = body;
            self.inbox.push(message);
        }
    }

    /// The first time that a second held too many mails.
    fn suspended(&self) -> Option<EmailSuspension> {
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

    fn set_filter(&mut self, text: &str, scope: FilterScope) -> Result<(), FilterError> {
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

impl World {
    /// Brings a message to the subscribers of its topic.
    pub(super) fn deliver(&mut self, topic: &str, message: &Published) {
        let subscribers = self.sns.subscriptions.iter_mut();
        for subscription in subscribers.filter(|subscription| subscription.topic == topic) {
            subscription.deliver(message);
        }
    }

    /// Subscribes, or finds the subscription that there is.
    fn subscribe(
        &mut self,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        filter: Option<(&str, FilterScope)>,
    ) -> Result<String, Error> {
        if topic.is_empty() {
            return Err(Error::invalid("TopicArn"));
        }
        if !self.sns.topics.contains_key(topic) {
            return Err(Error::sender(404, "NotFound", "Topic does not exist"));
        }
        if !PROTOCOLS.contains(&protocol) {
            return Err(Error::invalid(format!(
                "Amazon SNS does not support this protocol string: {protocol}"
            )));
        }
        if endpoint.is_empty() {
            return Err(Error::invalid("Endpoint"));
        }
        if topic.ends_with(".fifo") && protocol != "sqs" {
            return Err(Error::invalid(format!(
                "Invalid protocol type: {protocol} (FIFO topics)"
            )));
        }
        let mut subscription = Subscription {
            arn: format!("{topic}:{}", self.ids.uuid()),
            topic: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            filter: None,
            scope: FilterScope::default(),
            inbox: Vec::new(),
        };
        if let Some((text, scope)) = filter {
            subscription
                .set_filter(text, scope)
                .map_err(Error::invalid)?;
        }
        let text = |subscription: &Subscription| {
            let filter = subscription.filter.as_ref();
            (filter.map(|filter| filter.0.clone()), subscription.scope)
        };
        let known = self.sns.subscriptions.iter().find(|known| {
            (&*known.topic, &*known.protocol, &*known.endpoint) == (topic, protocol, endpoint)
        });
        if let Some(known) = known {
            if text(known) == text(&subscription) {
                return Ok(known.arn.clone());
            }
            return Err(Error::invalid(
                "Attributes Reason: Subscription already exists with different attributes",
            ));
        }
        if subscription.filter.is_some() {
            self.check_filters(topic)?;
        }
        let arn = subscription.arn.clone();
        self.sns.subscriptions.push(subscription);
        Ok(arn)
    }

    /// Whether the topic may have one more filter.
    fn check_filters(&self, topic: &str) -> Result<(), Error> {
        let of_topic = self.sns.subscriptions.iter().filter(|s| s.topic == topic);
        if of_topic.filter(|s| s.filter.is_some()).count() >= MAX_FILTERS {
            return Err(Error::sender(
                403,
                "FilterPolicyLimitExceeded",
                "Filter policy limit exceeded",
            ));
        }
        Ok(())
    }

    pub(super) fn subscribe_action(&mut self, form: &Form) -> Result<String, Error> {
        let text = |name: &str| form.get(name).unwrap_or_default();
        let attributes = form.entries("Attributes");
        let scope = read_scope(attributes.get("FilterPolicyScope"))?;
        let filter = attributes
            .get("FilterPolicy")
            .map(|policy| (policy.as_str(), scope));
        let arn = self.subscribe(text("TopicArn"), text("Protocol"), text("Endpoint"), filter)?;
        Ok(format!("<SubscriptionArn>{arn}</SubscriptionArn>"))
    }

    pub(super) fn unsubscribe_action(&mut self, form: &Form) -> Result<String, Error> {
        let arn = form.get("SubscriptionArn").unwrap_or_default();
        self.sns.subscriptions.retain(|known| known.arn != arn);
        Ok(String::new())
    }

    pub(super) fn set_subscription(&mut self, form: &Form) -> Result<String, Error> {
        let text = |name: &str| form.get(name).unwrap_or_default();
        let index = self.find_subscription(form)?;
        let (topic, scope) = {
            let subscription = &self.sns.subscriptions[index];
            (subscription.topic.clone(), subscription.scope)
        };
        let value = text("AttributeValue");
        match text("AttributeName") {
            "FilterPolicy" => {
                if self.sns.subscriptions[index].filter.is_none() {
                    self.check_filters(&topic)?;
                }
                self.sns.subscriptions[index].set_filter(value, scope)
            }
            "FilterPolicyScope" => {
                let scope = read_scope(Some(&value.to_owned()))?;
                let subscription = &mut self.sns.subscriptions[index];
                let policy = subscription.filter.as_ref().map(|filter| filter.0.clone());
                subscription.set_filter(policy.as_deref().unwrap_or("{}"), scope)
            }
            "RawMessageDelivery" => Ok(()),
            _ => return Err(Error::invalid("AttributeName")),
        }
        .map_err(Error::invalid)?;
        Ok(String::new())
    }

    pub(super) fn subscription_attributes(&self, form: &Form) -> Result<String, Error> {
        let subscription = &self.sns.subscriptions[self.find_subscription(form)?];
        let mut attributes = vec![
            ("SubscriptionArn", subscription.arn.as_str()),
            ("TopicArn", &subscription.topic),
            ("Protocol", &subscription.protocol),
            ("Endpoint", &subscription.endpoint),
            ("Owner", &self.account),
            ("PendingConfirmation", "false"),
        ];
        if let Some((policy, _)) = &subscription.filter {
            attributes.push(("FilterPolicy", policy));
            attributes.push(("FilterPolicyScope", subscription.scope.as_str()));
        }
        Ok(super::query::attributes_xml(&attributes))
    }

    fn find_subscription(&self, form: &Form) -> Result<usize, Error> {
        let arn = form.get("SubscriptionArn").unwrap_or_default();
        let index = self.sns.subscriptions.iter().position(|s| s.arn == arn);
        index.ok_or_else(|| Error::sender(404, "NotFound", "Subscription does not exist"))
    }

    pub(super) fn list_subscriptions(&self, form: &Form) -> Result<String, Error> {
        let topic = form.get("TopicArn").unwrap_or_default();
        if !self.sns.topics.contains_key(topic) {
            return Err(Error::sender(404, "NotFound", "Topic does not exist"));
        }
        let from: usize = match form.get("NextToken") {
            Some(token) => token.parse().map_err(|_| Error::invalid("NextToken"))?,
            None => 0,
        };
        let all: Vec<_> = self
            .sns
            .subscriptions
            .iter()
            .filter(|s| s.topic == topic)
            .collect();
        let mut xml = String::from("<Subscriptions>");
        for subscription in all.iter().skip(from).take(PAGE) {
            // Writing to a String cannot fail.
            let _ = write!(
                xml,
                "<member><SubscriptionArn>{}</SubscriptionArn><Owner>{}</Owner><Protocol>{}</Protocol>\
                 <Endpoint>{}</Endpoint><TopicArn>{topic}</TopicArn></member>",
                subscription.arn,
                self.account,
                subscription.protocol,
                escape(&subscription.endpoint),
            );
        }
        xml.push_str("</Subscriptions>");
        if all.len() > from + PAGE {
            let _ = write!(xml, "<NextToken>{}</NextToken>", from + PAGE);
        }
        Ok(xml)
    }
}

fn read_scope(text: Option<&String>) -> Result<FilterScope, Error> {
    match text {
        None => Ok(FilterScope::default()),
        Some(text) => FilterScope::parse(text).ok_or_else(|| Error::invalid("FilterPolicyScope")),
    }
}

impl LocalAws {
    /// Subscribes an endpoint to a topic, confirmed at once, and returns the ARN of the subscription; `None` if SNS would
    /// refuse it.
    pub fn subscribe(&self, topic_arn: &str, protocol: &str, endpoint: &str) -> Option<String> {
        self.with(|world| world.subscribe(topic_arn, protocol, endpoint, None))
            .ok()
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
            let mut all = world.sns.subscriptions.iter_mut();
            match all.find(|subscription| subscription.arn == subscription_arn) {
                Some(subscription) => subscription.set_filter(&policy.to_string(), scope),
                None => Ok(()),
            }
        })
    }

    /// What a subscription got, oldest first, with the body meant for its protocol.
    #[must_use]
    pub fn inbox(&self, subscription_arn: &str) -> Vec<Published> {
        self.with(|world| {
            let mut all = world.sns.subscriptions.iter();
            all.find(|subscription| subscription.arn == subscription_arn)
                .map(|subscription| subscription.inbox.clone())
                .unwrap_or_default()
        })
    }

    /// The e-mail subscriptions that AWS would have suspended: more than ten messages in one second of the virtual clock.
    /// They go on here, so that a test sees everything.
    #[must_use]
    pub fn email_suspensions(&self) -> Vec<EmailSuspension> {
        self.with(|world| {
            let all = world.sns.subscriptions.iter();
            all.filter_map(Subscription::suspended).collect()
        })
    }
}
