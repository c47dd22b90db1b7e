//! The query protocol: a form in, XML out.

use super::{actions::resource, error::Error, form::Form, topics::Sns, xml::escape};
use crate::{caller::Caller, context::Context, spelling::partition};

/// A request that has been read as far as its action.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) form: &'a Form,
    pub(crate) action: &'a str,
    pub(crate) region: &'a str,
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) error: Option<&'static str>,
    /// XML
    pub(crate) body: String,
    pub(crate) request_id: String,
}

/// Carries out the request.
pub(crate) fn answer(sns: &mut Sns, context: &mut Context, request: &Request<'_>) -> Reply {
    let result = match request.action {
        "Publish" => sns.publish(context, request.form),
        "CreateTopic" => sns.create_topic_action(context, request.form, request.region),
        "GetTopicAttributes" => sns.topic_attributes(&context.account, request.form),
        "Subscribe" => sns.subscribe_action(context, request.form),
        "Unsubscribe" => sns.unsubscribe_action(request.form),
        "SetSubscriptionAttributes" => sns.set_subscription(request.form),
        "GetSubscriptionAttributes" => sns.subscription_attributes(&context.account, request.form),
        "ListSubscriptionsByTopic" => sns.list_subscriptions(&context.account, request.form),
        other => Err(Error::sender(
            400,
            "InvalidAction",
            format!("The action {other} is not valid for this endpoint."),
        )),
    };
    let request_id = context.ids.uuid();
    match result {
        Ok(result) => {
            let action = request.action;
            let body = format!(
                "<{action}Response xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\">\
                 <{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>\
                 </{action}Response>"
            );
            Reply {
                status: 200,
                error: None,
                body,
                request_id,
            }
        }
        Err(error) => error_answer(&error, request_id),
    }
}

/// Refused by IAM.
pub(crate) fn denied(
    context: &mut Context,
    request: &Request<'_>,
    caller: &Caller,
    forbidden: bool,
) -> Reply {
    let action = request.action;
    let why = if forbidden {
        "with an explicit deny in an identity-based policy".to_owned()
    } else {
        format!("because no identity-based policy allows the SNS:{action} action")
    };
    let message = format!(
        "User: {} is not authorized to perform: SNS:{action} on resource: {} {why}",
        caller.arn(partition(request.region), &context.account),
        resource(request.form).unwrap_or_else(|| "*".to_owned()),
    );
    let error = Error::sender(403, "AuthorizationError", message);
    error_answer(&error, context.ids.uuid())
}

pub(crate) fn throttled(context: &mut Context) -> Reply {
    error_answer(
        &Error::sender(400, "Throttling", "Rate exceeded"),
        context.ids.uuid(),
    )
}

pub(crate) fn failed(context: &mut Context) -> Reply {
    let error = Error::sender(500, "InternalError", "An internal error occurred.");
    error_answer(&error, context.ids.uuid())
}

pub(crate) fn unauthenticated(context: &mut Context) -> Reply {
    let message = "Request is missing Authentication Token";
    let error = Error::sender(403, "MissingAuthenticationToken", message);
    error_answer(&error, context.ids.uuid())
}

fn error_answer(error: &Error, request_id: String) -> Reply {
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
    Reply {
        status: error.status,
        error: Some(error.code),
        body,
        request_id,
    }
}
