//! Publishing, and topics.

use super::{
    error::Error, form::Form, limits, message::Published, topics::Sns, xml::attributes_xml,
};
use crate::context::Context;

/// The topic that a request names.
pub(crate) fn resource(form: &Form) -> Option<String> {
    form.get("TopicArn")
        .or_else(|| form.get("TargetArn"))
        .or_else(|| form.get("SubscriptionArn"))
        .map(str::to_owned)
}

impl Sns {
    pub(super) fn publish(&mut self, context: &mut Context, form: &Form) -> Result<String, Error> {
        let arn = resource(form).ok_or_else(|| {
            Error::invalid("TopicArn or TargetArn Reason: no value for required parameter")
        })?;
        let message = form.get("Message").unwrap_or_default();
        let (subject, structure) = (form.get("Subject"), form.get("MessageStructure"));
        let attributes = form.attributes();
        if !arn.starts_with("arn:") {
            return Err(Error::invalid("TopicArn"));
        }
        let topic = self
            .topics
            .get_mut(&arn)
            .ok_or_else(|| Error::sender(404, "NotFound", "Topic does not exist"))?;
        limits::check(subject, message, structure, &attributes).map_err(Error::invalid)?;
        if arn.ends_with(".fifo") && form.get("MessageGroupId").is_none() {
            return Err(Error::invalid(
                "The MessageGroupId parameter is required for FIFO topics",
            ));
        }
        let message_id = context.ids.uuid();
        let published = Published {
            message_id: message_id.clone(),
            subject: subject.map(str::to_owned),
            message: message.to_owned(),
            structure: structure.map(str::to_owned),
            attributes,
            at: context.now,
        };
        topic.published.push(published.clone());
        self.deliver(&arn, &published);
        Ok(format!("<MessageId>{message_id}</MessageId>"))
    }

    pub(super) fn create_topic_action(
        &mut self,
        context: &Context,
        form: &Form,
        region: &str,
    ) -> Result<String, Error> {
        let name = form.get("Name").unwrap_or_default();
        let stem = name.strip_suffix(".fifo").unwrap_or(name);
        let valid = (1..=256).contains(&name.len())
            && stem
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        if !valid {
            return Err(Error::invalid("Topic Name"));
        }
        Ok(format!(
            "<TopicArn>{}</TopicArn>",
            self.create_topic(region, &context.account, name)
        ))
    }

    pub(super) fn topic_attributes(&self, account: &str, form: &Form) -> Result<String, Error> {
        let arn = form.get("TopicArn").unwrap_or_default();
        if !arn.starts_with("arn:") {
            return Err(Error::invalid("TopicArn"));
        }
        if !self.topics.contains_key(arn) {
            return Err(Error::sender(404, "NotFound", "Topic does not exist"));
        }
        let name = arn.rsplit(':').next().unwrap_or_default();
        let confirmed = self.subscribers(arn).to_string();
        let attributes = [
            ("TopicArn", arn),
            ("Owner", account),
            ("DisplayName", ""),
            ("SubscriptionsConfirmed", &confirmed),
            ("SubscriptionsPending", "0"),
            ("SubscriptionsDeleted", "0"),
            (
                "FifoTopic",
                if name.ends_with(".fifo") {
                    "true"
                } else {
                    "false"
                },
            ),
        ];
        Ok(attributes_xml(&attributes))
    }
}
