//! From an HTTP request to a service and back.
//!
//! KMS speaks awsJson1.1 (`X-Amz-Target`, JSON), SNS the query protocol (a form with `Action`, XML). Both come to the
//! same port; signatures are read for the Region and the access key, and not verified.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    faults::{Plan, Verdict},
    kms::{KmsError, KmsRequest},
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

/// What a service answers.
#[derive(Debug)]
pub(crate) struct Answer {
    status: u16,
    /// The error code, for the record.
    error: Option<String>,
    content_type: &'static str,
    body: String,
    request_id: String,
}

impl Answer {
    pub(crate) fn xml(status: u16, error: Option<&str>, body: String, request_id: String) -> Self {
        let error = error.map(str::to_owned);
        Self {
            status,
            error,
            content_type: "text/xml",
            body,
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
            body,
            request_id,
        }
    }

    fn into_response(self) -> Response<Full<Bytes>> {
        Response::builder()
            .status(self.status)
            .header(header::CONTENT_TYPE, self.content_type)
            .header("x-amzn-requestid", self.request_id)
            .body(Full::from(self.body))
            .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

/// The request, read as far as both services need it.
enum Target {
    Kms { operation: String, body: Value },
    Sns { form: Form, action: String },
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
    let (plan, index, scope) = {
        let mut world = lock(&world);
        match scope {
            Some(scope) => {
                let (plan, index) = target.arrive(&mut world, &scope);
                (plan, index, scope)
            }
            None => return Some(target.unauthenticated(&mut world).into_response()),
        }
    };
    if !plan.delay.is_zero() {
        tokio::time::sleep(plan.delay).await;
    }
    let mut world = lock(&world);
    if plan.verdict == Some(Verdict::Dropped) {
        world.record.failed(index, "ConnectionReset");
        return None;
    }
    let answer = target.carry_out(&mut world, &scope, plan.verdict);
    if let Some(code) = &answer.error {
        world.record.failed(index, code);
    }
    Some(answer.into_response())
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Target {
    fn read(request: &Request<Bytes>) -> Option<Self> {
        if request.method() != http::Method::POST {
            return None;
        }
        if let Some(target) = request.headers().get("x-amz-target") {
            let operation = target
                .to_str()
                .ok()?
                .strip_prefix("TrentService.")?
                .to_owned();
            // What is no JSON at all is answered like JSON that is no object.
            let body = if request.body().is_empty() {
                json!({})
            } else {
                serde_json::from_slice(request.body()).unwrap_or(Value::Null)
            };
            return Some(Self::Kms { operation, body });
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
            Self::Sns { form, action } => {
                let topic = sns::resource(form);
                ("sns", action, topic.clone(), topic)
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
        (
            world.faults.plan(service, operation, resource.as_deref()),
            index,
        )
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
                };
                let result = match verdict {
                    Some(Verdict::Denied) => Err(world.kms_denied(request)),
                    Some(Verdict::Throttled) => Err(KmsError::throttled()),
                    Some(_) => Err(KmsError::internal()),
                    None => world.kms_call(request),
                };
                Answer::kms(result, world.ids.uuid())
            }
            Self::Sns { form, action } => {
                let request = sns::Request {
                    form,
                    action,
                    region: &scope.region,
                };
                match verdict {
                    Some(Verdict::Denied) => sns::denied(world, &request, &caller),
                    Some(Verdict::Throttled) => sns::throttled(world),
                    Some(_) => sns::failed(world),
                    None => sns::answer(world, &request),
                }
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
            Self::Sns { .. } => sns::unauthenticated(world),
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
