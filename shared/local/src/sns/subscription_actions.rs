//! Subscribing, and the attributes of subscriptions.

use std::fmt::Write as _;

use super::{
    error::Error,
    filter::{FilterError, FilterScope},
    form::Form,
    message::Published,
    subscriptions::{EmailSuspension, Subscription},
    topics::Sns,
    xml::{attributes_xml, escape},
};
use crate::{context::Context, ids::Ids};

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

impl Sns {
    /// Brings a message to the subscribers of its topic.
    pub(super) fn deliver(&mut self, topic: &str, message: &Published) {
        let subscribers = self.subscriptions.iter_mut();
        for subscription in subscribers.filter(|subscription| subscription.topic == topic) {
            subscription.deliver(message);
        }
    }

    /// Subscribes, or finds the subscription that there is.
    pub(crate) fn subscribe(
        &mut self,
        ids: &mut Ids,
        topic: &str,
        protocol: &str,
        endpoint: &str,
        filter: Option<(&str, FilterScope)>,
    ) -> Result<String, Error> {
        if topic.is_empty() {
            return Err(Error::invalid("TopicArn"));
        }
        if !self.topics.contains_key(topic) {
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
            arn: format!("{topic}:{}", ids.uuid()),
            topic: topic.to_owned(),
            protocol: protocol.to_owned(),
            endpoint: endpoint.to_owned(),
            filter: None,
            scope: FilterScope::default(),
            pending: false,
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
        let known = self.subscriptions.iter().find(|known| {
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
        self.subscriptions.push(subscription);
        Ok(arn)
    }

    /// Whether the topic may have one more filter.
    fn check_filters(&self, topic: &str) -> Result<(), Error> {
        let of_topic = self.subscriptions.iter().filter(|s| s.topic == topic);
        if of_topic.filter(|s| s.filter.is_some()).count() >= MAX_FILTERS {
            return Err(Error::sender(
                403,
                "FilterPolicyLimitExceeded",
                "Filter policy limit exceeded",
            ));
        }
        Ok(())
    }

    pub(super) fn subscribe_action(
        &mut self,
        context: &mut Context,
        form: &Form,
    ) -> Result<String, Error> {
        let text = |name: &str| form.get(name).unwrap_or_default();
        let attributes = form.entries("Attributes");
        let scope = read_scope(attributes.get("FilterPolicyScope"))?;
        let filter = attributes
            .get("FilterPolicy")
            .map(|policy| (policy.as_str(), scope));
        let arn = self.subscribe(
            &mut context.ids,
            text("TopicArn"),
            text("Protocol"),
            text("Endpoint"),
            filter,
        )?;
        Ok(format!("<SubscriptionArn>{arn}</SubscriptionArn>"))
    }

    pub(super) fn unsubscribe_action(&mut self, form: &Form) -> Result<String, Error> {
        let arn = form.get("SubscriptionArn").unwrap_or_default();
        self.subscriptions.retain(|known| known.arn != arn);
        Ok(String::new())
    }

    pub(super) fn set_subscription(&mut self, form: &Form) -> Result<String, Error> {
        let text = |name: &str| form.get(name).unwrap_or_default();
        let index = self.find_subscription(form)?;
        let (topic, scope) = {
            let subscription = &self.subscriptions[index];
            (subscription.topic.clone(), subscription.scope)
        };
        let value = text("AttributeValue");
        match text("AttributeName") {
            "FilterPolicy" => {
                if self.subscriptions[index].filter.is_none() {
                    self.check_filters(&topic)?;
                }
                self.subscriptions[index].set_filter(value, scope)
            }
            "FilterPolicyScope" => {
                let scope = read_scope(Some(&value.to_owned()))?;
                let subscription = &mut self.subscriptions[index];
                let policy = subscription.filter.as_ref().map(|filter| filter.0.clone());
                subscription.set_filter(policy.as_deref().unwrap_or("{}"), scope)
            }
            "RawMessageDelivery" => Ok(()),
            _ => return Err(Error::invalid("AttributeName")),
        }
        .map_err(Error::invalid)?;
        Ok(String::new())
    }

    pub(super) fn subscription_attributes(
        &self,
        account: &str,
        form: &Form,
    ) -> Result<String, Error> {
        let subscription = &self.subscriptions[self.find_subscription(form)?];
        let mut attributes = vec![
            ("SubscriptionArn", subscription.arn.as_str()),
            ("TopicArn", &subscription.topic),
            ("Protocol", &subscription.protocol),
            ("Endpoint", &subscription.endpoint),
            ("Owner", account),
            ("PendingConfirmation", "false"),
        ];
        if let Some((policy, _)) = &subscription.filter {
            attributes.push(("FilterPolicy", policy));
            attributes.push(("FilterPolicyScope", subscription.scope.as_str()));
        }
        Ok(attributes_xml(&attributes))
    }

    fn find_subscription(&self, form: &Form) -> Result<usize, Error> {
        let arn = form.get("SubscriptionArn").unwrap_or_default();
        let index = self.subscriptions.iter().position(|s| s.arn == arn);
        index.ok_or_else(|| Error::sender(404, "NotFound", "Subscription does not exist"))
    }

    pub(super) fn list_subscriptions(&self, account: &str, form: &Form) -> Result<String, Error> {
        let topic = form.get("TopicArn").unwrap_or_default();
        if !self.topics.contains_key(topic) {
            return Err(Error::sender(404, "NotFound", "Topic does not exist"));
        }
        let from: usize = match form.get("NextToken") {
            Some(token) => token.parse().map_err(|_| Error::invalid("NextToken"))?,
            None => 0,
        };
        let all: Vec<_> = self
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
                if subscription.pending {
                    "PendingConfirmation"
                } else {
                    &subscription.arn
                },
                account,
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

impl Sns {
    /// Gives a subscription a filter policy; one that is not there gets none.
    pub(crate) fn filter_subscription(
        &mut self,
        arn: &str,
        scope: FilterScope,
        policy: &str,
    ) -> Result<(), FilterError> {
        let mut all = self.subscriptions.iter_mut();
        match all.find(|subscription| subscription.arn == arn) {
            Some(subscription) => subscription.set_filter(policy, scope),
            None => Ok(()),
        }
    }

    /// Whether whoever is subscribed has yet to confirm it.
    pub(crate) fn set_pending(&mut self, arn: &str, pending: bool) {
        let mut all = self.subscriptions.iter_mut();
        if let Some(subscription) = all.find(|subscription| subscription.arn == arn) {
            subscription.pending = pending;
        }
    }

    /// Takes a subscription away.
    pub(crate) fn unsubscribe(&mut self, arn: &str) {
        self.subscriptions
            .retain(|subscription| subscription.arn != arn);
    }

    /// What a subscription got, oldest first.
    pub(crate) fn inbox(&self, arn: &str) -> Vec<Published> {
        let mut all = self.subscriptions.iter();
        all.find(|subscription| subscription.arn == arn)
            .map(|subscription| subscription.inbox.clone())
            .unwrap_or_default()
    }

    /// The e-mail subscriptions that AWS would have suspended.
    pub(crate) fn suspensions(&self) -> Vec<EmailSuspension> {
        let all = self.subscriptions.iter();
        all.filter_map(Subscription::suspended).collect()
    }
}

fn read_scope(text: Option<&String>) -> Result<FilterScope, Error> {
    match text {
        None => Ok(FilterScope::default()),
        Some(text) => FilterScope::parse(text).ok_or_else(|| Error::invalid("FilterPolicyScope")),
    }
}
