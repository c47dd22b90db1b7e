//! The services, called.

use serde_json::Value;

use super::{answer::Answer, call::Call, scope::Scope, sts, target::Target};
use crate::{
    cloudformation,
    cloudtrail::CloudTrailError,
    cloudwatch::{self, CloudWatchError, Refusal},
    deployed,
    dynamodb::{self, Error as DynamoDbError},
    eventbridge,
    faults::Verdict,
    faulty::JsonError,
    kms::{KmsError, KmsRequest},
    s3::{Put, S3Error},
    securityhub,
    sns::{self, Form},
    sqs::Around,
    ssm,
    world::World,
};

impl Target {
    pub(super) fn carry_out(
        &self,
        world: &mut World,
        scope: &Scope,
        verdict: Option<Verdict>,
    ) -> Answer {
        let caller = world.caller_of(&scope.access_key);
        let call = |operation| Call {
            operation,
            region: &scope.region,
            caller: &caller,
            verdict,
        };
        match self {
            Self::Kms { operation, body } => kms(world, &call(operation), body),
            Self::DynamoDb { operation, body } => dynamodb(world, &call(operation), body),
            Self::Sns { form, action } => sns(world, &call(action), form),
            Self::CloudTrail { operation, body } => cloudtrail(world, &call(operation), body),
            Self::EventBridge { operation, body } => {
                let resource = eventbridge::resource(&scope.region, &world.context.account, body);
                let call = call(operation);
                json(world, &call, "events", resource.as_deref(), |world| {
                    let (bridge, context) = (&mut world.eventbridge, &mut world.context);
                    bridge.call(context, operation, &scope.region, body)
                })
            }
            Self::Ssm { operation, body } => {
                let resource = ssm::resource(&scope.region, &world.context.account, body);
                let call = call(operation);
                json(world, &call, "ssm", Some(&resource), |world| {
                    let begin = ssm::begin(&scope.region, &world.context.account);
                    world.ssm.call(operation, &begin, body)
                })
            }
            Self::Config { operation, body } => {
                json(world, &call(operation), "config", None, |world| {
                    world.config.call(operation, &scope.region, body)
                })
            }
            Self::SecurityHub { body } => security_hub(world, &call("BatchImportFindings"), body),
            Self::S3(put) => s3(world, verdict, put),
            Self::Accounts {
                service,
                operation,
                body,
            } => json(world, &call(operation), service, None, |world| {
                world.accounts.call(operation, body)
            }),
            Self::Sts { form, action } => sts::answer(world, &call(action), form),
            Self::CloudWatch { operation, body } => cloudwatch(world, &call(operation), body),
            Self::CloudFormation(request) => cloudformation(world, &call(&request.action), request),
            Self::Deployed {
                service,
                operation,
                body,
            } => {
                let (region, call) = (&scope.region, call(operation));
                let part = deployed::resource(service, region, &world.context.account, body);
                json(world, &call, service, part.as_deref(), |world| {
                    if *service == "sqs" {
                        return sqs(world, operation, region, body);
                    }
                    world.deployed.call(operation, region, body)
                })
            }
        }
    }

    pub(super) fn unauthenticated(&self, world: &mut World) -> Answer {
        match self {
            Self::Kms { .. } => {
                let error = KmsError::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                );
                Answer::kms(Err(error), world.context.ids.uuid())
            }
            Self::DynamoDb { .. } => Answer::dynamodb(
                Err(DynamoDbError::new(
                    "MissingAuthenticationTokenException",
                    "Request must contain either a valid (registered) AWS access key ID or X.509 certificate.",
                )),
                world.context.ids.uuid(),
            ),
            Self::Sns { .. } => Answer::sns(sns::unauthenticated(&mut world.context)),
            Self::CloudTrail { .. } => {
                let error = CloudTrailError::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                );
                Answer::cloudtrail(Err(error), world.context.ids.uuid())
            }
            Self::Sts { .. } => sts::unauthenticated(world),
            Self::CloudFormation(_) => Answer::cloudformation(
                Err(cloudformation::Refusal::unauthenticated()),
                world.context.ids.uuid(),
                world.context.now,
            ),
            Self::S3(_) => object(Err(S3Error::denied()), world.context.ids.uuid()),
            Self::EventBridge { .. }
            | Self::Ssm { .. }
            | Self::Config { .. }
            | Self::SecurityHub { .. }
            | Self::Accounts { .. }
            | Self::Deployed { .. } => {
                let error = JsonError::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                );
                Answer::json(Err(error), world.context.ids.uuid())
            }
            Self::CloudWatch { .. } => {
                let error = cloudwatch::refusal(Refusal::Unauthenticated);
                Answer::cloudwatch(Err(error), world.context.ids.uuid())
            }
        }
    }
}

fn kms(world: &mut World, call: &Call<'_>, body: &Value) -> Answer {
    let request = KmsRequest {
        operation: call.operation,
        region: call.region,
        caller: call.caller,
        body,
        eventually: true,
    };
    let result = match call.verdict {
        Some(verdict @ (Verdict::Denied | Verdict::Forbidden)) => {
            let forbidden = verdict == Verdict::Forbidden;
            Err(world.kms.denied(&mut world.context, request, forbidden))
        }
        Some(Verdict::Throttled) => Err(KmsError::throttled()),
        Some(_) => Err(KmsError::internal()),
        None if !world.accounts.is_enabled(call.region) => Err(KmsError::new(
            "UnrecognizedClientException",
            "The security token included in the request is invalid.",
        )),
        None => world.kms_call(request),
    };
    Answer::kms(result, world.context.ids.uuid())
}

fn dynamodb(world: &mut World, call: &Call<'_>, body: &Value) -> Answer {
    let request_id = world.context.ids.uuid();
    let user = call.user(world);
    let request = dynamodb::Request {
        operation: call.operation,
        region: call.region,
        account: &world.context.account,
        now: world.context.now,
        body,
        id: &request_id,
    };
    let result = match call.verdict {
        Some(Verdict::Denied) => Err(DynamoDbError::denied(&request, &user, false)),
        Some(Verdict::Forbidden) => Err(DynamoDbError::denied(&request, &user, true)),
        Some(Verdict::Throttled) => Err(DynamoDbError::throttled()),
        Some(_) => Err(DynamoDbError::internal()),
        None => world.dynamodb.call(request),
    };
    Answer::dynamodb(result, request_id)
}

fn sns(world: &mut World, call: &Call<'_>, form: &Form) -> Answer {
    let request = sns::Request {
        form,
        action: call.operation,
        region: call.region,
    };
    let context = &mut world.context;
    let reply = match call.verdict {
        Some(Verdict::Denied) => sns::denied(context, &request, call.caller, false),
        Some(Verdict::Forbidden) => sns::denied(context, &request, call.caller, true),
        Some(Verdict::Throttled) => sns::throttled(context),
        Some(_) => sns::failed(context),
        None => sns::answer(&mut world.sns, context, &request),
    };
    Answer::sns(reply)
}

fn sqs(world: &mut World, operation: &str, region: &str, body: &Value) -> Result<Value, JsonError> {
    let context = &mut world.context;
    let around = Around {
        now: context.now,
        ids: &mut context.ids,
    };
    world.sqs.call(around, operation, region, body)
}

fn security_hub(world: &mut World, call: &Call<'_>, body: &Value) -> Answer {
    let product = securityhub::resource(body);
    json(world, call, "securityhub", product.as_deref(), |world| {
        let account = world.context.account.clone();
        world.security_hub.import(call.region, &account, body)
    })
}

fn s3(world: &mut World, verdict: Option<Verdict>, put: &Put) -> Answer {
    let result = match verdict {
        Some(Verdict::Denied | Verdict::Forbidden) => Err(S3Error::denied()),
        Some(Verdict::Throttled) => {
            let what = "Please reduce your request rate.";
            Err(S3Error::new("SlowDown", 503, what))
        }
        Some(_) => {
            let what = "We encountered an internal error. Please try again.";
            Err(S3Error::new("InternalError", 500, what))
        }
        None => world.s3.put(put),
    };
    object(result, world.context.ids.uuid())
}

/// An answer of S3.
fn object(result: Result<(), S3Error>, request_id: String) -> Answer {
    match result {
        Ok(()) => Answer::xml(200, None, String::new(), request_id),
        Err(error) => {
            let body = error.body(&request_id);
            Answer::xml(error.status, Some(error.code), body, request_id)
        }
    }
}

fn cloudformation(world: &mut World, call: &Call<'_>, request: &cloudformation::Request) -> Answer {
    use cloudformation::Refusal;
    let request_id = world.context.ids.uuid();
    let resource = request.resource(call.region, &world.context.account);
    let resource = resource.as_deref().unwrap_or("*");
    let denied =
        |forbidden| Refusal::denied(&call.user(world), call.operation, resource, forbidden);
    let result = match call.verdict {
        Some(Verdict::Denied) => Err(denied(false)),
        Some(Verdict::Forbidden) => Err(denied(true)),
        Some(Verdict::Throttled) => Err(Refusal::throttled()),
        Some(_) => Err(Refusal::internal()),
        None => world.cloudformation.call(call.region, request, &request_id),
    };
    Answer::cloudformation(result, request_id, world.context.now)
}

fn cloudtrail(world: &mut World, call: &Call<'_>, body: &Value) -> Answer {
    let denied = |forbidden| CloudTrailError::denied(&call.user(world), call.operation, forbidden);
    let result = match call.verdict {
        Some(Verdict::Denied) => Err(denied(false)),
        Some(Verdict::Forbidden) => Err(denied(true)),
        Some(Verdict::Throttled) => Err(CloudTrailError::throttled()),
        Some(_) => Err(CloudTrailError::internal()),
        None => world.cloudtrail_call(call.operation, call.region, body),
    };
    Answer::cloudtrail(result, world.context.ids.uuid())
}

fn json(
    world: &mut World,
    call: &Call<'_>,
    service: &str,
    resource: Option<&str>,
    effect: impl FnOnce(&mut World) -> Result<Value, JsonError>,
) -> Answer {
    let action = format!("{service}:{}", call.operation);
    let denied = |forbidden| {
        let resource = resource.unwrap_or("*");
        JsonError::denied(&call.user(world), &action, resource, forbidden)
    };
    let result = match call.verdict {
        Some(Verdict::Denied) => Err(denied(false)),
        Some(Verdict::Forbidden) => Err(denied(true)),
        Some(Verdict::Throttled) => Err(JsonError::throttled()),
        Some(_) => Err(JsonError::internal()),
        None => effect(world),
    };
    Answer::json(result, world.context.ids.uuid())
}

fn cloudwatch(world: &mut World, call: &Call<'_>, body: &Result<Value, CloudWatchError>) -> Answer {
    let result = match call.verdict {
        Some(verdict @ (Verdict::Denied | Verdict::Forbidden)) => {
            let account = &world.context.account;
            let alarm = body.as_ref().ok();
            let alarm = alarm
                .and_then(|body| cloudwatch::resource(call.operation, body, call.region, account));
            Err(CloudWatchError::denied(
                &call.user(world),
                call.operation,
                alarm.as_deref().unwrap_or("*"),
                verdict == Verdict::Forbidden,
            ))
        }
        Some(Verdict::Throttled) => Err(cloudwatch::refusal(Refusal::Throttled)),
        Some(_) => Err(cloudwatch::refusal(Refusal::Internal)),
        None => body
            .clone()
            .and_then(|body| world.cloudwatch_call(call.operation, call.region, &body)),
    };
    Answer::cloudwatch(result, world.context.ids.uuid())
}
