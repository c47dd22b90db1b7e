//! The query protocol: a form in, XML out.

use std::fmt::Write as _;

use super::{Published, form::Form, limits};
use crate::{caller::Caller, kms::partition, wire::Answer, world::World};

/// A request that has been read as far as its action.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) form: &'a Form,
    pub(crate) action: &'a str,
    pub(crate) region: &'a str,
}

pub(super) struct Error {
    status: u16,
    code: &'static str,
    message: String,
}

impl Error {
    pub(super) fn sender(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn invalid(what: impl std::fmt::Display) -> Self {
        Self::sender(
            400,
            "InvalidParameter",
            format!("Invalid parameter: {what}"),
        )
    }
}

impl Form {
    /// Reads a body; the second is its `Action`.
    pub(crate) fn read(body: &[u8]) -> (Self, String) {
        let form = Self::parse(body);
        let action = form.get("Action").unwrap_or_default().to_owned();
        (form, action)
    }
}

/// The topic that a request names.
pub(crate) fn resource(form: &Form) -> Option<String> {
    form.get("TopicArn")
        .or_else(|| form.get("TargetArn"))
        .or_else(|| form.get("SubscriptionArn"))
        .map(str::to_owned)
}

/// Carries out the request.
pub(crate) fn answer(world: &mut World, request: &Request<'_>) -> Answer {
    let result = match request.action {
        "Publish" => world.publish(request.form),
        "CreateTopic" => world.create_topic_action(request.form, request.region),
        "GetTopicAttributes" => world.topic_attributes(request.form),
        "Subscribe" => world.subscribe_action(request.form),
        "Unsubscribe" => world.unsubscribe_action(request.form),
        "SetSubscriptionAttributes" => world.set_subscription(request.form),
        "GetSubscriptionAttributes" => world.subscription_attributes(request.form),
        "ListSubscriptionsByTopic" => world.list_subscriptions(request.form),
        other => Err(Error::sender(
            400,
            "InvalidAction",
            format!("The action {other} is not valid for this endpoint."),
        )),
    };
    let request_id = world.ids.uuid();
    match result {
        Ok(result) => {
            let action = request.action;
            let body = format!(
                "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                 <{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{action}Response>"
            );
            Answer::xml(200, None, body, request_id)
        }
        Err(error) => error_answer(&error, request_id),
    }
}

/// Refused by IAM.
pub(crate) fn denied(
    world: &mut World,
    request: &Request<'_>,
    caller: &Caller,
    forbidden: bool,
) -> Answer {
    let action = request.action;
    let why = if forbidden {
        "with an explicit deny in an identity-based policy".to_owned()
    } else {
        format!("because no identity-based policy allows the SNS:{action} action")
    };
    let message = format!(
        "User: {} is not authorized to perform: SNS:{action} on resource: {} {why}",
        caller.arn(partition(request.region), &world.account),
        resource(request.form).unwrap_or_else(|| "*".to_owned()),
    );
    let error = Error::sender(403, "AuthorizationError", message);
    error_answer(&error, world.ids.uuid())
}

pub(crate) fn throttled(world: &mut World) -> Answer {
    error_answer(
        &Error::sender(400, "Throttling", "Rate exceeded"),
        world.ids.uuid(),
    )
}

pub(crate) fn failed(world: &mut World) -> Answer {
    let error = Error::sender(500, "InternalError", "An internal error occurred.");
    error_answer(&error, world.ids.uuid())
}

pub(crate) fn unauthenticated(world: &mut World) -> Answer {
    let message = "Request is missing Authentication Token";
    let error = Error::sender(403, "MissingAuthenticationToken", message);
    error_answer(&error, world.ids.uuid())
}

fn error_answer(error: &Error, request_id: String) -> Answer {
    let kind = if error.status >= 500 {
        "Receiver"
    } else {
        "Sender"
    };
    let body = format!(
        "<ErrorResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><Error><Type>{kind}</Type>\
         <Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
        error.code,
        escape(&error.message),
    );
    Answer::xml(error.status, Some(error.code), body, request_id)
}

impl World {
    fn publish(&mut self, form: &Form) -> Result<String, Error> {
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
            .sns
            .topics
            .get_mut(&arn)
            .ok_or_else(|| Error::sender(404, "NotFound", "Topic does not exist"))?;
        limits::check(subject, message, structure, &attributes).map_err(Error::invalid)?;
        if arn.ends_with(".fifo") && form.get("MessageGroupId").is_none() {
            return Err(Error::invalid(
                "The MessageGroupId parameter is required for FIFO topics",
            ));
        }
        let message_id = self.ids.uuid();
        let published = Published {
            message_id: message_id.clone(),
            subject: subject.map(str::to_owned),
            message: message.to_owned(),
            structure: structure.map(str::to_owned),
            attributes,
            at: self.now,
        };
        topic.published.push(published.clone());
        self.deliver(&arn, &published);
        Ok(format!("<MessageId>{message_id}</MessageId>"))
    }

    fn create_topic_action(&mut self, form: &Form, region: &str) -> Result<String, Error> {
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
            self.create_topic(region, name)
        ))
    }

    fn topic_attributes(&self, form: &Form) -> Result<String, Error> {
        let arn = form.get("TopicArn").unwrap_or_default();
        if !arn.starts_with("arn:") {
            return Err(Error::invalid("TopicArn"));
        }
        if !self.sns.topics.contains_key(arn) {
            return Err(Error::sender(404, "NotFound", "Topic does not exist"));
        }
        let name = arn.rsplit(':').next().unwrap_or_default();
        let confirmed = self.sns.subscribers(arn).to_string();
        let attributes = [
            ("TopicArn", arn),
            ("Owner", &self.account),
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

/// A map of attributes.
pub(super) fn attributes_xml(attributes: &[(&str, &str)]) -> String {
    let mut xml = String::from("<Attributes>");
    for (key, value) in attributes {
        // Writing to a String cannot fail.
        let _ = write!(
            xml,
            "<entry><key>{key}</key><value>{}</value></entry>",
            escape(value)
        );
    }
    xml.push_str("</Attributes>");
    xml
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
