//! A call while it runs, and what it leaves behind.

use serde_json::{Value, json};

use super::{
    body::Body,
    error::KmsError,
    key::Key,
    selector::{Accepts, KeyRef},
    states::States,
    store::Kms,
};
use crate::{
    caller::Caller,
    context::{Context, Trail},
};

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
    pub(super) kms: &'w mut Kms,
    pub(super) context: &'w mut Context,
    pub(super) region: &'w str,
    pub(super) operation: &'static str,
    /// What each state of a key makes of the operation.
    pub(super) states: &'static States,
    /// The key that the request names; set for every operation that needs one.
    pub(super) key: Option<KeyRef>,
    pub(super) body: Body<'w>,
    pub(super) request_id: String,
    pub(super) event_id: String,
}

/// What a successful call leaves behind.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(super) response: Value,
    pub(super) trail: Trail,
    pub(super) also: Option<Also>,
}

/// A second record of the same call, in another Region.
#[derive(Debug)]
pub(crate) struct Also {
    pub(super) name: &'static str,
    pub(super) region: String,
    /// Whether KMS carried the call there on behalf of the caller.
    pub(super) by_kms: bool,
    pub(super) trail: Trail,
}

pub(super) type Outcome = Result<Done, KmsError>;

impl Done {
    /// An answer; CloudTrail notes the key ARN as `responseElements.keyId`, as it does since December 2022
    /// "even if the operation does not return it" (KMS Developer Guide, "Logging with CloudTrail").
    pub(super) fn on(arn: &str, response: Value) -> Self {
        let mut done = Self::quiet(arn, response);
        done.trail.response = Some(json!({"keyId": arn}));
        done
    }

    /// An answer; `responseElements` stays null.
    pub(super) fn quiet(arn: &str, response: Value) -> Self {
        Self {
            response,
            trail: Trail {
                resources: vec![arn.to_owned()],
                ..Trail::default()
            },
            also: None,
        }
    }

    pub(super) fn response_elements(mut self, elements: Value) -> Self {
        self.trail.response = Some(elements);
        self
    }

    pub(super) fn parameters(mut self, parameters: Value) -> Self {
        self.trail.parameters = Some(parameters);
        self
    }

    pub(super) fn additional(mut self, data: Value) -> Self {
        self.trail.additional = Some(data);
        self
    }

    pub(super) fn resources(mut self, arns: &[&str]) -> Self {
        self.trail.resources = arns.iter().map(|arn| (*arn).to_owned()).collect();
        self
    }
}

impl Call<'_> {
    pub(super) fn reference(&self) -> Result<KeyRef, KmsError> {
        self.key.clone().ok_or_else(KmsError::internal)
    }

    /// The key that the call names.
    pub(super) fn key(&self) -> Result<&Key, KmsError> {
        self.key
            .as_ref()
            .and_then(|key| self.kms.keys.get(key))
            .ok_or_else(KmsError::internal)
    }

    pub(super) fn key_mut(&mut self) -> Result<&mut Key, KmsError> {
        self.key
            .as_ref()
            .and_then(|key| self.kms.keys.get_mut(key))
            .ok_or_else(KmsError::internal)
    }

    pub(super) fn select(&self, name: &str, accepts: Accepts) -> Result<KeyRef, KmsError> {
        self.kms
            .select(name, accepts, self.region, &self.context.account)
    }
}
