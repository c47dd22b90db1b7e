//! The way of a call: look up the operation in the table, find the key, ask the table whether the operation is possible
//! in the key's state, run the operation, tell CloudTrail.

use serde_json::Value;

use super::{
    body::Body,
    call::{Call, Done, KmsRequest},
    crypto,
    error::KmsError,
    operations::{Operation, Selects},
    selector::{Accepts, KeyRef, parse_arn},
    store::Kms,
};
use crate::{
    context::{ApiCall, Context, Failure, Trail},
    ids::Ids,
    spelling::partition,
};

/// A request for an operation that there is.
pub(crate) struct Arrived<'a> {
    operation: &'static Operation,
    request: KmsRequest<'a>,
    request_id: String,
    event_id: String,
}

impl<'a> Arrived<'a> {
    pub(crate) fn new(request: KmsRequest<'a>, ids: &mut Ids) -> Result<Self, KmsError> {
        let Some(operation) = Operation::find(request.operation) else {
            return Err(KmsError::new("UnknownOperationException", ""));
        };
        let (request_id, event_id) = (ids.uuid(), ids.uuid());
        Ok(Self {
            operation,
            request,
            request_id,
            event_id,
        })
    }

    /// Whether it may change something.
    pub(crate) fn changes(&self) -> bool {
        !self.operation.read_only
    }

    /// Whether it is a read that may see the past.
    pub(crate) fn may_see_the_past(&self) -> bool {
        self.request.eventually && self.operation.looks()
    }
}

/// What came of a call; an error comes with the key, if that much was clear.
pub(crate) type Attempted = Result<Done, (KmsError, Option<KeyRef>)>;

impl KmsError {
    fn failure(&self) -> Failure {
        Failure {
            code: self.trail_code(),
            message: self.message.clone(),
            logged: self.is_logged(),
        }
    }
}

impl Kms {
    /// The end of a call: its CloudTrail records, and its answer.
    pub(crate) fn conclude(
        &self,
        context: &mut Context,
        call: Arrived<'_>,
        attempted: Attempted,
    ) -> Result<Value, KmsError> {
        let Arrived {
            operation,
            request,
            request_id,
            event_id,
        } = call;
        let (outcome, trail, also) = match attempted {
            Ok(Done {
                response,
                trail,
                also,
            }) => (Ok(response), trail, also),
            Err((error, key)) => {
                let trail = self.failed_trail(operation, request.body, key.as_ref());
                (Err(error), trail, None)
            }
        };
        let also_id = request_id.clone();
        context.record_api_call(ApiCall {
            name: operation.name,
            read_only: operation.read_only,
            region: request.region,
            caller: request.caller,
            parameters: request.body,
            request_id,
            event_id,
            failure: outcome.as_ref().err().map(KmsError::failure),
            trail,
        });
        if let Some(also) = also {
            let event_id = context.ids.uuid();
            let by_kms = request.caller.clone().through_kms();
            context.record_api_call(ApiCall {
                name: also.name,
                read_only: false,
                region: &also.region,
                caller: if also.by_kms { &by_kms } else { request.caller },
                parameters: request.body,
                request_id: also_id,
                event_id,
                failure: None,
                trail: also.trail,
            });
        }
        outcome
    }

    /// What the record of a failed call holds besides the error.
    fn failed_trail(&self, operation: &Operation, body: &Value, key: Option<&KeyRef>) -> Trail {
        let key = key.and_then(|key| self.keys.get(key));
        let mut trail = if operation.is_cryptographic() {
            crypto::failed_trail(operation.name, body, key)
        } else {
            Trail::default()
        };
        trail.resources = key.map(|key| key.arn.clone()).into_iter().collect();
        trail
    }

    /// A call that is refused before KMS looks at it, as IAM does.
    /// `forbidden`: a policy says no, and not merely none says yes.
    pub(crate) fn denied(
        &self,
        context: &mut Context,
        request: KmsRequest<'_>,
        forbidden: bool,
    ) -> KmsError {
        let partition = partition(request.region);
        let user = request.caller.arn(partition, &context.account);
        let resource = self.resource(
            &context.account,
            request.operation,
            request.region,
            request.body,
        );
        let named = resource.as_deref().unwrap_or("*");
        let error = if forbidden {
            KmsError::forbidden(&user, request.operation, named)
        } else {
            KmsError::access_denied(&user, request.operation, named, "no identity-based policy")
        };
        if let Some(operation) = Operation::find(request.operation) {
            let (request_id, event_id) = (context.ids.uuid(), context.ids.uuid());
            context.record_api_call(ApiCall {
                name: operation.name,
                read_only: operation.read_only,
                region: request.region,
                caller: request.caller,
                parameters: request.body,
                request_id,
                event_id,
                failure: Some(error.failure()),
                trail: Trail {
                    resources: resource.into_iter().collect(),
                    ..Trail::default()
                },
            });
        }
        error
    }

    /// The ARN of the key a request is about, as far as it can be told; for faults and for messages.
    pub(crate) fn resource(
        &self,
        account: &str,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Option<String> {
        let operation = Operation::find(operation)?;
        let name = operation
            .selects
            .member()
            .and_then(|member| body.get(member)?.as_str())?;
        match self.select(name, Accepts::AnyName, region, account) {
            Ok(reference) => self.keys.get(&reference).map(|key| key.arn.clone()),
            Err(_) if name.starts_with("arn:") => Some(name.to_owned()),
            Err(_) => Some(format!(
                "arn:{}:kms:{region}:{account}:{}{name}",
                partition(region),
                if name.starts_with("alias/") {
                    ""
                } else {
                    "key/"
                },
            )),
        }
    }

    /// The call proper.
    pub(crate) fn attempt(&mut self, context: &mut Context, call: &Arrived<'_>) -> Attempted {
        let (operation, request) = (call.operation, call.request);
        let body = Body::new(request.body).map_err(|error| (error, None))?;
        let user = request
            .caller
            .arn(partition(request.region), &context.account);
        let key = self
            .find_key(operation, body, (request.region, &context.account), &user)
            .map_err(|e| (e, None))?;
        if let Some(key) = key.as_ref().and_then(|key| self.keys.get(key)) {
            let refuse = |error| (error, Some(key.reference()));
            operation.states.check(key).map_err(refuse)?;
            if key.aws_managed && !operation.read_only {
                // Their key policies let nobody in the account change them.
                return Err(refuse(KmsError::access_denied(
                    &user,
                    operation.name,
                    &key.arn,
                    "no resource-based policy",
                )));
            }
        }
        let mut call = Call {
            kms: self,
            context,
            region: request.region,
            operation: operation.name,
            states: &operation.states,
            key,
            body,
            request_id: call.request_id.clone(),
            event_id: call.event_id.clone(),
        };
        let result = (operation.run)(&mut call);
        result.map_err(|error| (error, call.key.take()))
    }

    fn find_key(
        &self,
        operation: &Operation,
        body: Body<'_>,
        (region, own): (&str, &str),
        user: &str,
    ) -> Result<Option<KeyRef>, KmsError> {
        let Some(member) = operation.selects.member() else {
            return Ok(None);
        };
        let name = match operation.selects {
            Selects::MaybeKey => match body.text(member)? {
                Some(name) => name,
                None => return Ok(None),
            },
            _ => body.required(member)?,
        };
        if let Some((arn_region, account, _)) = parse_arn(name)
            && arn_region == region
            && account != own
        {
            return Err(KmsError::new(
                "AccessDeniedException",
                format!(
                    "User: {user} is not authorized to perform: kms:{} on resource: {name} because the \
                     resource does not exist in this Region, no resource-based policies allow access, or a \
                     resource-based policy explicitly denies access",
                    operation.name
                ),
            ));
        }
        self.select(name, operation.selects.accepts(), region, own)
            .map(Some)
    }
}
