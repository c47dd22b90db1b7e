//! KMS: the store of keys, and the way of a call through it.
//!
//! Every call goes the same way: look up the operation in the table, find the key, ask the table whether the
//! operation is possible in the key's state, run the operation, tell CloudTrail.

mod aliases;
mod body;
mod creation;
mod crypto;
mod data_keys;
mod deletion;
mod der;
mod error;
mod fixture;
mod grants;
mod import;
mod key;
mod keys;
mod material;
mod names;
mod operations;
mod paging;
mod permissions;
mod policy;
mod primary;
mod public_keys;
mod re_encrypt;
mod reads;
mod replicas;
mod rotation;
mod selector;
mod signing;
mod store_calls;
mod stores;
mod switches;
mod tags;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

pub(crate) use body::lower_first;
pub use error::KmsError;
pub use fixture::{ImportedMaterial, NewKey};
pub(crate) use key::{Deletion, Key, LastUse, MultiRegion, StoreLink};
pub(crate) use material::{Import, Material, Role, expiration_model, material_id};
pub use names::{KeySpec, KeyState, KeyUsage, Origin};
pub(crate) use names::{RotationType, partition};
pub(crate) use rotation::ON_DEMAND_ROTATION_TAKES;
pub use selector::parse_arn;
pub(crate) use selector::{KeyRef, key_ref};
pub use stores::KeyStore;

use self::{
    aliases::Aliases,
    body::Body,
    keys::Keys,
    operations::{Operation, Selects},
    selector::Accepts,
};
use crate::{
    caller::Caller,
    events::{ApiCall, Trail},
    world::World,
};

/// Everything that KMS stores.
#[derive(Debug, Default, Clone)]
pub(crate) struct Kms {
    pub(crate) keys: Keys,
    aliases: Aliases,
    stores: BTreeMap<String, KeyStore>,
    import_tokens: BTreeMap<String, ImportToken>,
}

/// What `GetParametersForImport` hands out for 24 hours.
#[derive(Debug, Clone)]
struct ImportToken {
    key: KeyRef,
    expires: Timestamp,
}

impl Kms {
    /// Regions of the replicas of a multi-Region key, in alphabetical order.
    pub(crate) fn replica_regions(&self, id: &str) -> Vec<String> {
        let family = self.keys.family(id).into_iter();
        let replicas = family.filter(|place| self.keys.get(place).is_some_and(Key::is_replica));
        replicas.map(|place| place.region).collect()
    }

    pub(crate) fn metadata(&self, key: &Key) -> Value {
        let replicas = if key.multi_region.is_some() {
            self.replica_regions(&key.id)
        } else {
            Vec::new()
        };
        key.metadata(&replicas)
    }

    /// The key and all that belongs to it is gone.
    pub(crate) fn remove(&mut self, reference: &KeyRef) -> Option<Key> {
        self.aliases.remove_all_of(reference);
        self.keys.remove(reference)
    }
}

/// A request to KMS, whichever way it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KmsRequest<'a> {
    pub(crate) operation: &'a str,
    pub(crate) region: &'a str,
    pub(crate) caller: &'a Caller,
    pub(crate) body: &'a Value,
    /// Whether a read may see the past.
    pub(crate) eventually: bool,
}

/// A call while it runs.
pub(crate) struct Call<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) region: &'w str,
    pub(crate) operation: &'static str,
    /// The key that the request names; set for every operation that needs one.
    key: Option<KeyRef>,
    body: Body<'w>,
    request_id: String,
    event_id: String,
}

/// What a successful call leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Done {
    response: Value,
    trail: Trail,
    also: Option<Also>,
}

/// A second record of the same call, in another Region.
#[derive(Debug)]
pub(crate) struct Also {
    name: &'static str,
    region: String,
    /// Whether KMS carried the call there on behalf of the caller.
    by_kms: bool,
    trail: Trail,
}

type Outcome = Result<Done, KmsError>;

impl Done {
    /// An answer; CloudTrail notes the key ARN as `responseElements.keyId`, as it does since December 2022
    /// "even if the operation does not return it" (KMS Developer Guide, "Logging with CloudTrail").
    fn on(arn: &str, response: Value) -> Self {
        let mut done = Self::quiet(arn, response);
        done.trail.response = Some(json!({"keyId": arn}));
        done
    }

    /// An answer; `responseElements` stays null.
    fn quiet(arn: &str, response: Value) -> Self {
        Self {
            response,
            trail: Trail {
                resources: vec![arn.to_owned()],
                ..Trail::default()
            },
            also: None,
        }
    }

    fn response_elements(mut self, elements: Value) -> Self {
        self.trail.response = Some(elements);
        self
    }

    fn parameters(mut self, parameters: Value) -> Self {
        self.trail.parameters = Some(parameters);
        self
    }

    fn additional(mut self, data: Value) -> Self {
        self.trail.additional = Some(data);
        self
    }

    fn resources(mut self, arns: &[&str]) -> Self {
        self.trail.resources = arns.iter().map(|arn| (*arn).to_owned()).collect();
        self
    }
}

impl Call<'_> {
    fn reference(&self) -> Result<KeyRef, KmsError> {
        self.key.clone().ok_or_else(KmsError::internal)
    }

    /// The key that the call names.
    fn key(&self) -> Result<&Key, KmsError> {
        self.key
            .as_ref()
            .and_then(|key| self.world.kms.keys.get(key))
            .ok_or_else(KmsError::internal)
    }

    fn key_mut(&mut self) -> Result<&mut Key, KmsError> {
        self.key
            .as_ref()
            .and_then(|key| self.world.kms.keys.get_mut(key))
            .ok_or_else(KmsError::internal)
    }

    fn select(&self, name: &str, accepts: Accepts) -> Result<KeyRef, KmsError> {
        self.world
            .kms
            .select(name, accepts, self.region, &self.world.account)
    }
}

impl World {
    /// One call from start to finish, with its CloudTrail record.
    pub(crate) fn kms_call(&mut self, request: KmsRequest<'_>) -> Result<Value, KmsError> {
        let Some(operation) = Operation::find(request.operation) else {
            return Err(KmsError::new("UnknownOperationException", ""));
        };
        let (request_id, event_id) = (self.ids.uuid(), self.ids.uuid());
        let before = (!operation.read_only)
            .then(|| self.before_change())
            .flatten();
        let ids = (request_id.as_str(), event_id.as_str());
        let result = if request.eventually && operation.looks() {
            self.eventually(|world| world.attempt(operation, request, ids))
        } else {
            self.attempt(operation, request, ids)
        };
        let (outcome, trail, also) = match result {
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
        self.record_api_call(ApiCall {
            name: operation.name,
            read_only: operation.read_only,
            region: request.region,
            caller: request.caller,
            parameters: request.body,
            request_id,
            event_id,
            error: outcome.as_ref().err(),
            trail,
        });
        if let Some(also) = also {
            let event_id = self.ids.uuid();
            let by_kms = request.caller.clone().through_kms();
            self.record_api_call(ApiCall {
                name: also.name,
                read_only: false,
                region: &also.region,
                caller: if also.by_kms { &by_kms } else { request.caller },
                parameters: request.body,
                request_id: also_id,
                event_id,
                error: None,
                trail: also.trail,
            });
        }
        if outcome.is_ok() {
            if !operation.read_only {
                self.changed(before);
                self.cloudwatch.touch(self.now);
            }
            // What the call made due: a key that was enabled again catches up on its rotation.
            self.settle();
        }
        outcome
    }

    /// What the record of a failed call holds besides the error.
    fn failed_trail(&self, operation: &Operation, body: &Value, key: Option<&KeyRef>) -> Trail {
        let key = key.and_then(|key| self.kms.keys.get(key));
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
    pub(crate) fn kms_denied(&mut self, request: KmsRequest<'_>, forbidden: bool) -> KmsError {
        let partition = partition(request.region);
        let user = request.caller.arn(partition, &self.account);
        let resource = self.kms_resource(request.operation, request.region, request.body);
        let named = resource.as_deref().unwrap_or("*");
        let error = if forbidden {
            KmsError::forbidden(&user, request.operation, named)
        } else {
            KmsError::access_denied(&user, request.operation, named, "no identity-based policy")
        };
        if let Some(operation) = Operation::find(request.operation) {
            let (request_id, event_id) = (self.ids.uuid(), self.ids.uuid());
            self.record_api_call(ApiCall {
                name: operation.name,
                read_only: operation.read_only,
                region: request.region,
                caller: request.caller,
                parameters: request.body,
                request_id,
                event_id,
                error: Some(&error),
                trail: Trail {
                    resources: resource.into_iter().collect(),
                    ..Trail::default()
                },
            });
        }
        error
    }

    /// The ARN of the key a request is about, as far as it can be told; for faults and for messages.
    pub(crate) fn kms_resource(
        &self,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Option<String> {
        let operation = Operation::find(operation)?;
        let name = operation
            .selects
            .member()
            .and_then(|member| body.get(member)?.as_str())?;
        match self
            .kms
            .select(name, Accepts::AnyName, region, &self.account)
        {
            Ok(reference) => self.kms.keys.get(&reference).map(|key| key.arn.clone()),
            Err(_) if name.starts_with("arn:") => Some(name.to_owned()),
            Err(_) => Some(format!(
                "arn:{}:kms:{region}:{}:{}{name}",
                partition(region),
                self.account,
                if name.starts_with("alias/") {
                    ""
                } else {
                    "key/"
                },
            )),
        }
    }

    /// The call proper; an error comes with the key, if that much was clear.
    fn attempt(
        &mut self,
        operation: &'static Operation,
        request: KmsRequest<'_>,
        (request_id, event_id): (&str, &str),
    ) -> Result<Done, (KmsError, Option<KeyRef>)> {
        let body = Body::new(request.body).map_err(|error| (error, None))?;
        let user = request.caller.arn(partition(request.region), &self.account);
        let key = self
            .find_key(operation, body, request.region, &user)
            .map_err(|e| (e, None))?;
        if let Some(key) = key.as_ref().and_then(|key| self.kms.keys.get(key)) {
            let refuse = |error| (error, Some(key.reference()));
            operation.check_state(key).map_err(refuse)?;
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
            world: self,
            region: request.region,
            operation: operation.name,
            key,
            body,
            request_id: request_id.to_owned(),
            event_id: event_id.to_owned(),
        };
        let result = (operation.run)(&mut call);
        result.map_err(|error| (error, call.key.take()))
    }

    fn find_key(
        &self,
        operation: &Operation,
        body: Body<'_>,
        region: &str,
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
            && account != self.account
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
        self.kms
            .select(name, operation.selects.accepts(), region, &self.account)
            .map(Some)
    }
}
