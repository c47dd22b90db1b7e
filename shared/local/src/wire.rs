//! From an HTTP request to a service and back.
//!
//! KMS and CloudTrail speak awsJson1.1 and DynamoDB awsJson1.0 (`X-Amz-Target`, JSON), SNS the query protocol (a form with `Action`,
//! XML), CloudWatch RPC v2 with CBOR. All come to the same port; signatures are read for the Region and the access key, and not verified.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    cloudtrail::CloudTrailError,
    cloudwatch::{self, CloudWatchError, Refusal},
    dynamodb::{self, Error as DynamoDbError},
    faults::{Plan, Verdict},
    hooks::{Hook, Moment},
    iam::Decision,
    kms::{KmsError, KmsRequest, partition},
    quotas::Metered,
    record,
    server::{Reply, plain},
    sns::{self, Form},
    world::World,
};

/// Seconds since 1970 with milliseconds: how awsJson1.1 writes times.
pub(crate) fn epoch(at: Timestamp) -> Value {
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds of this era fit into 53 bits"
    )]
    let milliseconds = at.as_millisecond() as f64;
    (milliseconds / 1000.0).into()
}

const CBOR: &str = "application/cbor";

/// What a service answers.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    /// The error code, for the record.
    error: Option<String>,
    content_type: &'static str,
    body: Bytes,
    request_id: String,
}

impl Answer {
    pub(crate) fn xml(status: u16, error: Option<&str>, body: String, request_id: String) -> Self {
        let error = error.map(str::to_owned);
        Self {
            status,
            error,
            content_type: "text/xml",
            body: body.into(),
            request_id,
        }
    }

    fn kms(result: Result<Value, KmsError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => {
                let body = json!({"__type": error.code, "message": error.message});
                (error.status, Some(error.code.to_owned()), body)
            }
        };
        // Operations that return nothing send an empty body.
        let body = if body == json!({}) {
            String::new()
        } else {
            body.to_string()
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.1",
            body: body.into(),
            request_id,
        }
    }

    fn dynamodb(result: Result<Value, DynamoDbError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => (error.status, Some(error.code.to_owned()), error.body()),
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.0",
            body: body.to_string().into(),
            request_id,
        }
    }

    fn cloudtrail(result: Result<Value, CloudTrailError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => {
                let body = json!({"__type": error.code, "Message": error.message});
                (error.status, Some(error.code.to_owned()), body)
            }
        };
        Self {
            status,
            error,
            content_type: "application/x-amz-json-1.1",
            body: body.to_string().into(),
            request_id,
        }
    }

    fn cloudwatch(result: Result<Value, CloudWatchError>, request_id: String) -> Self {
        let (status, error, body) = match result {
            Ok(body) => (200, None, body),
            Err(error) => (error.status, Some(error.code.to_owned()), error.body()),
        };
        Self {
            status,
            error,
            content_type: CBOR,
            body: cloudwatch::encode(&body).into(),
            request_id,
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        let mut response = Response::builder();
        if self.content_type == CBOR {
            response = response.header("smithy-protocol", "rpc-v2-cbor");
            if let Some(code) = &self.error {
                let kind = if self.status >= 500 {
                    "Receiver"
                } else {
                    "Sender"
                };
                response = response.header("x-amzn-query-error", format!("{code};{kind}"));
            }
        }
        response
            .status(self.status)
            .header(header::CONTENT_TYPE, self.content_type)
            .header("x-amzn-requestid", self.request_id)
            .body(Full::from(self.body))
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// The request, read as far as all services need it.
enum Target {
    Kms {
        operation: String,
        body: Value,
    },
    DynamoDb {
        operation: String,
        body: Value,
    },
    Sns {
        form: Form,
        action: String,
    },
    CloudTrail {
        operation: String,
        body: Value,
    },
    CloudWatch {
        operation: String,
        body: Result<Value, CloudWatchError>,
    },
}

/// Who signed, and for which Region.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    access_key: String,
    region: String,
}

/// Answers one request; the lock is not held while a delay lasts.
pub(crate) async fn answer(world: Arc<Mutex<World>>, request: Request<Bytes>) -> Reply {
    let Some(target) = Target::read(&request) else {
        return Some(plain(StatusCode::NOT_FOUND));
    };
    let scope = Scope::read(request.headers());
    let (plan, index, scope, hook) = {
        let mut world = lock(&world);
        match scope {
            Some(scope) => {
                let (plan, index) = target.arrive(&mut world, &scope);
                let hook = world.hooks.arrive();
                (plan, index, scope, hook)
            }
            None => return Some(target.unauthenticated(&mut world).into_response()),
        }
    };
    let (before, after) = match hook {
        Some(hook) if hook.moment == Moment::BeforeEffect => (Some(hook), None),
        hook => (None, hook),
    };
    if let Some(hook) = before {
        return hooked(&world, index, hook);
    }
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    let shared = world;
    let mut world = lock(&shared);
    if plan.verdict == Some(Verdict::Dropped) {
        world.record.failed(index, "ConnectionReset");
        return None;
    }
    let answer = target.carry_out(&mut world, &scope, plan.verdict);
    if let Some(code) = &answer.error {
        world.record.failed(index, code);
    }
    if let Some(hook) = after {
        drop(world);
        return hooked(&shared, index, hook);
    }
    Some(answer.into_response())
}

/// Does what a test wants at this moment, without the lock; nobody is there to be answered.
fn hooked(world: &Mutex<World>, index: usize, hook: Hook) -> Reply {
    let request = lock(world).record.all().get(index).cloned();
    if let Some(request) = request {
        (hook.act)(&request);
    }
    lock(world).record.failed(index, "ConnectionReset");
    None
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Target {
    fn read(request: &Request<Bytes>) -> Option<Self> {
        if request.method() != http::Method::POST {
            return None;
        }
        if let Some(operation) = cloudwatch::operation(request) {
            return Some(Self::CloudWatch {
                operation: operation.to_owned(),
                body: cloudwatch::read_body(request),
            });
        }
        if let Some(target) = request.headers().get("x-amz-target") {
            let (service, operation) = target.to_str().ok()?.rsplit_once('.')?;
            let operation = operation.to_owned();
            // What is no JSON at all is answered like JSON that is no object.
            let body = if request.body().is_empty() {
                json!({})
            } else {
                serde_json::from_slice(request.body()).unwrap_or(Value::Null)
            };
            return match service {
                "TrentService" => Some(Self::Kms { operation, body }),
                "DynamoDB_20120810" => Some(Self::DynamoDb { operation, body }),
                // Newer SDKs send the name of the service alone, others with its namespace.
                "CloudTrail_20131101"
                | "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101" => {
                    Some(Self::CloudTrail { operation, body })
                }
                _ => None,
            };
        }
        let (form, action) = Form::read(request.body());
        (!action.is_empty()).then_some(Self::Sns { form, action })
    }

    /// Records the request and decides its fate.
    fn arrive(&self, world: &mut World, scope: &Scope) -> (Plan, usize) {
        let (service, operation, named, resource) = match self {
            Self::Kms { operation, body } => {
                let named = ["KeyId", "TargetKeyId", "AliasName"]
                    .iter()
                    .find_map(|member| body.get(member)?.as_str().map(str::to_owned));
                let resource = world.kms_resource(operation, &scope.region, body);
                ("kms", operation, named, resource)
            }
            Self::DynamoDb { operation, body } => {
                let table = dynamodb::resource(&scope.region, &world.account, body);
                ("dynamodb", operation, table.clone(), table)
            }
            Self::Sns { form, action } => {
                let topic = sns::resource(form);
                ("sns", action, topic.clone(), topic)
            }
            Self::CloudTrail { operation, .. } => ("cloudtrail", operation, None, None),
            Self::CloudWatch { operation, body } => {
                let (region, account) = (&scope.region, &world.account);
                let body = body.as_ref().ok();
                let alarm =
                    body.and_then(|body| cloudwatch::resource(operation, body, region, account));
                ("cloudwatch", operation, alarm.clone(), alarm)
            }
        };
        let index = world.record.add(record::Request {
            service,
            operation: operation.clone(),
            resource: named,
            at: world.now,
            region: scope.region.clone(),
            access_key: scope.access_key.clone(),
            error: None,
        });
        let mut plan = world.faults.plan(service, operation, resource.as_deref());
        if plan.verdict.is_none() {
            let needs = self.permissions(world, scope, service, operation, resource.as_deref());
            plan.verdict = match world.iam.decide(&scope.access_key, &needs) {
                Decision::Allowed => None,
                Decision::Denied => Some(Verdict::Denied),
                Decision::Forbidden => Some(Verdict::Forbidden),
            };
        }
        let call = Metered {
            service,
            operation,
            region: &scope.region,
            resource: resource.as_deref(),
        };
        if !world.meter.admit(call, &world.kms, world.now) && plan.verdict.is_none() {
            plan.verdict = Some(Verdict::Throttled);
        }
        (plan, index)
    }

    /// What the caller needs to be allowed.
    fn permissions(
        &self,
        world: &World,
        scope: &Scope,
        service: &str,
        operation: &str,
        resource: Option<&str>,
    ) -> Vec<(String, String)> {
        if let Self::Kms { body, .. } = self {
            return world.kms_permissions(operation, &scope.region, body);
        }
        if let Self::DynamoDb { body, .. } = self {
            return dynamodb::permissions(operation, &scope.region, &world.account, body);
        }
        let resource = resource.unwrap_or("*").to_owned();
        vec![(format!("{service}:{operation}"), resource)]
    }

    fn carry_out(&self, world: &mut World, scope: &Scope, verdict: Option<Verdict>) -> Answer {
        let caller = world.caller_of(&scope.access_key);
        match self {
            Self::Kms { operation, body } => {
                let request = KmsRequest {
                    operation,
                    region: &scope.region,
                    caller: &caller,
                    body,
                    eventually: true,
                };
                let result = match verdict {
                    Some(Verdict::Denied) => Err(world.kms_denied(request, false)),
                    Some(Verdict::Forbidden) => Err(world.kms_denied(request, true)),
                    Some(Verdict::Throttled) => Err(KmsError::throttled()),
                    Some(_) => Err(KmsError::internal()),
                    None => world.kms_call(request),
                };
                Answer::kms(result, world.ids.uuid())
            }
            Self::DynamoDb { operation, body } => {
                let request_id = world.ids.uuid();
                let request = dynamodb::Request {
                    operation,
                    region: &scope.region,
                    account: &world.account,
                    now: world.now,
                    body,
                    id: &request_id,
                };
                let user = || caller.arn(partition(&scope.region), &world.account);
                let result = match verdict {
                    Some(Verdict::Denied) => Err(DynamoDbError::denied(&request, &user(), false)),
                    Some(Verdict::Forbidden) => Err(DynamoDbError::denied(&request, &user(), true)),
                    Some(Verdict::Throttled) => Err(DynamoDbError::throttled()),
                    Some(_) => Err(DynamoDbError::internal()),
                    None => world.dynamodb.call(request),
                };
                Answer::dynamodb(result, request_id)
            }
            Self::Sns { form, action } => {
                let request = sns::Request {
                    form,
                    action,
                    region: &scope.region,
                };
                match verdict {
                    Some(Verdict::Denied) => sns::denied(world, &request, &caller, false),
                    Some(Verdict::Forbidden) => sns::denied(world, &request, &caller, true),
                    Some(Verdict::Throttled) => sns::throttled(world),
                    Some(_) => sns::failed(world),
                    None => sns::answer(world, &request),
                }
            }
            Self::CloudTrail { operation, body } => {
                let user = || caller.arn(partition(&scope.region), &world.account);
                let result = match verdict {
                    Some(Verdict::Denied) => {
                        Err(CloudTrailError::denied(&user(), operation, false))
                    }
                    Some(Verdict::Forbidden) => {
                        Err(CloudTrailError::denied(&user(), operation, true))
                    }
                    Some(Verdict::Throttled) => Err(CloudTrailError::throttled()),
                    Some(_) => Err(CloudTrailError::internal()),
                    None => world.cloudtrail_call(operation, &scope.region, body),
                };
                Answer::cloudtrail(result, world.ids.uuid())
            }
            Self::CloudWatch { operation, body } => {
                let result = match verdict {
                    Some(verdict @ (Verdict::Denied | Verdict::Forbidden)) => {
                        let (region, account) = (&scope.region, &world.account);
                        let alarm = body.as_ref().ok().and_then(|body| {
                            cloudwatch::resource(operation, body, region, account)
                        });
                        Err(CloudWatchError::denied(
                            &caller.arn(partition(region), account),
                            operation,
                            alarm.as_deref().unwrap_or("*"),
                            verdict == Verdict::Forbidden,
                        ))
                    }
                    Some(Verdict::Throttled) => Err(cloudwatch::refusal(Refusal::Throttled)),
                    Some(_) => Err(cloudwatch::refusal(Refusal::Internal)),
                    None => body
                        .clone()
                        .and_then(|body| world.cloudwatch_call(operation, &scope.region, &body)),
                };
                Answer::cloudwatch(result, world.ids.uuid())
            }
        }
    }

    fn unauthenticated(&self, world: &mut World) -> Answer {
        match self {
            Self::Kms { .. } => {
                let error = KmsError::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                );
                Answer::kms(Err(error), world.ids.uuid())
            }
            Self::DynamoDb { .. } => Answer::dynamodb(
                Err(DynamoDbError::new(
                    "MissingAuthenticationTokenException",
                    "Request must contain either a valid (registered) AWS access key ID or X.509 certificate.",
                )),
                world.ids.uuid(),
            ),
            Self::Sns { .. } => sns::unauthenticated(world),
            Self::CloudTrail { .. } => {
                let error = CloudTrailError::new(
                    "MissingAuthenticationTokenException",
                    "Missing Authentication Token",
                );
                Answer::cloudtrail(Err(error), world.ids.uuid())
            }
            Self::CloudWatch { .. } => {
                let error = cloudwatch::refusal(Refusal::Unauthenticated);
                Answer::cloudwatch(Err(error), world.ids.uuid())
            }
        }
    }
}

impl Scope {
    /// `AWS4-HMAC-SHA256 Credential=AKIA…/20261120/us-east-1/kms/aws4_request, SignedHeaders=…`
    fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (_, credential) = text.split_once("Credential=")?;
        let mut parts = credential.split([',', ' ']).next()?.split('/');
        let (access_key, _date, region) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self {
            access_key: access_key.to_owned(),
            region: region.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_credential_scope_names_key_and_region() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::AUTHORIZATION,
            "AWS4-HMAC-SHA256 Credential=AKIATEST/20261120/eu-west-1/kms/aws4_request, \
             SignedHeaders=host, Signature=0"
                .parse()
                .unwrap(),
        );
        let scope = Scope::read(&headers).unwrap();
        assert_eq!(
            (scope.access_key.as_str(), scope.region.as_str()),
            ("AKIATEST", "eu-west-1")
        );
        assert_eq!(Scope::read(&HeaderMap::new()), None);
    }

    #[test]
    fn times_are_seconds_with_a_fraction() {
        let at: Timestamp = "2026-11-20T10:00:00.25Z".parse().unwrap();
        assert_eq!(epoch(at), json!(1_795_168_800.25));
    }
}
