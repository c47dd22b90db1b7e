//! STS: who the caller is, and sessions of roles, also in other accounts.

use std::sync::{Arc, PoisonError};

use super::{answer::Answer, call::Call};
use crate::{
    accounts::Assumed, caller::Caller, faults::Verdict, sns::Form, spelling::partition,
    world::World,
};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// A status, a code, and what is the matter.
type Refused = (u16, &'static str, String);

pub(super) fn answer(world: &mut World, call: &Call<'_>, form: &Form) -> Answer {
    let action = call.operation;
    let outcome = match call.verdict {
        Some(Verdict::Denied | Verdict::Forbidden) => Err(denied(world, call, form)),
        Some(Verdict::Throttled) => Err((400, "Throttling", "Rate exceeded".to_owned())),
        Some(_) => Err((
            500,
            "InternalFailure",
            "An internal error occurred.".to_owned(),
        )),
        None if action == "GetCallerIdentity" => Ok(identity(world, call)),
        None => assume(world, call, form),
    };
    let request_id = world.context.ids.uuid();
    match outcome {
        Ok(result) => {
            let body = format!(
                "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
                 <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>"
            );
            Answer::xml(200, None, body, request_id)
        }
        Err(refused) => error(&refused, request_id),
    }
}

pub(super) fn unauthenticated(world: &mut World) -> Answer {
    let what = "Request is missing Authentication Token".to_owned();
    let refused = (403, "MissingAuthenticationToken", what);
    error(&refused, world.context.ids.uuid())
}

fn error((status, code, message): &Refused, request_id: String) -> Answer {
    let message = message
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let body = format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    );
    Answer::xml(*status, Some(code), body, request_id)
}

fn identity(world: &World, call: &Call<'_>) -> String {
    let account = &world.context.account;
    let arn = call.caller.arn(partition(call.region), account);
    format!("<Arn>{arn}</Arn><UserId>AIDALOCAL</UserId><Account>{account}</Account>")
}

fn assume(world: &mut World, call: &Call<'_>, form: &Form) -> Result<String, Refused> {
    let Some(assumed) = Assumed::read(form) else {
        let what = "RoleArn or RoleSessionName is missing or invalid".to_owned();
        return Err((400, "ValidationError", what));
    };
    // As AWS has it, a role that does not exist is one that may not be assumed.
    let refused = denied(world, call, form);
    let access_key = format!("ASIA{}", world.context.ids.hex(16).to_uppercase());
    let caller = Caller::assumed_role(&assumed.role, &assumed.session);
    if assumed.account == world.context.account {
        if !world.accounts.allows(&assumed) {
            return Err(refused);
        }
        world.callers.insert(access_key.clone(), caller);
    } else {
        let member = world.members.get(&assumed.account).map(Arc::clone);
        let member = member.ok_or_else(|| refused.clone())?;
        let mut member = member.lock().unwrap_or_else(PoisonError::into_inner);
        if !member.accounts.allows(&assumed) {
            return Err(refused);
        }
        member.callers.insert(access_key.clone(), caller);
        let account = assumed.account.clone();
        world.sessions.insert(access_key.clone(), account);
    }
    Ok(assumed.result(&access_key, call.region, world.context.now))
}

fn denied(world: &World, call: &Call<'_>, form: &Form) -> Refused {
    let role = Assumed::read(form).map_or_else(|| "*".to_owned(), |assumed| assumed.arn);
    let what = format!(
        "User: {} is not authorized to perform: sts:{} on resource: {role}",
        call.user(world),
        call.operation
    );
    (403, "AccessDenied", what)
}
