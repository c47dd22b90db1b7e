//! Calls to services, and what of the world follows from them.

use serde_json::Value;

use super::state::World;
use crate::{
    cloudtrail::CloudTrailError,
    cloudwatch::CloudWatchError,
    kms::{Arrived, KmsError, KmsRequest, NewKey},
    ram::{RamError, RamRequest},
};

impl World {
    /// One call from start to finish, with its CloudTrail records.
    pub(crate) fn kms_call(&mut self, request: KmsRequest<'_>) -> Result<Value, KmsError> {
        let call = Arrived::new(request, &mut self.context.ids)?;
        let changes = call.changes();
        let before = changes.then(|| self.consistency.before_change(&self.kms));
        let (kms, context) = (&mut self.kms, &mut self.context);
        let attempted = if call.may_see_the_past() {
            let now = context.now;
            self.consistency
                .eventually(kms, now, |kms| kms.attempt(context, &call))
        } else {
            kms.attempt(context, &call)
        };
        let outcome = self.kms.conclude(&mut self.context, call, attempted);
        if outcome.is_ok() {
            if changes {
                self.consistency.changed(before.flatten(), self.context.now);
                self.cloudwatch.touch(self.context.now);
            }
            // What the call made due: a key that was enabled again catches up on its rotation.
            self.settle();
        }
        outcome
    }

    pub(crate) fn cloudtrail_call(
        &self,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Result<Value, CloudTrailError> {
        let context = &self.context;
        context.history.call(operation, region, body, context.now)
    }

    pub(crate) fn cloudwatch_call(
        &mut self,
        operation: &str,
        region: &str,
        body: &Value,
    ) -> Result<Value, CloudWatchError> {
        self.cloudwatch
            .call(&mut self.context, &self.kms, operation, region, body)
    }

    pub(crate) fn ram_call(&mut self, request: RamRequest<'_>) -> Result<Value, RamError> {
        self.ram.call(&mut self.context, &mut self.kms, request)
    }

    /// Puts a key in place and returns its ARN.
    pub(crate) fn add_key(&mut self, key: NewKey) -> String {
        self.cloudwatch.touch(self.context.now);
        self.kms.add_key(key, &mut self.context)
    }
}
