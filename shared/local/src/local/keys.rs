//! Keys and key stores, and calls to KMS.

use jiff::Timestamp;
use serde_json::Value;

use super::aws::LocalAws;
use crate::{
    kms::{Key, KeyState, KeyStore, KmsError, KmsRequest, NewKey, key_ref},
    ram::{RamError, RamRequest},
};

impl LocalAws {
    /// Calls an operation of AWS RAM (`CreateResourceShare`, `AssociateResourceShare`, `DisassociateResourceShare`,
    /// `DeleteResourceShare`) as the current caller, without HTTP; names as in the API. Keys in a share get the policy
    /// `AWS_RAM`.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_ram(&self, operation: &str, body: &Value) -> Result<Value, RamError> {
        self.with(|world| {
            let caller = world.caller.clone();
            world.ram_call(RamRequest {
                operation,
                region: self.region(),
                caller: &caller,
                body,
            })
        })
    }

    /// Calls a KMS operation as the current caller, in the simulator's Region, without HTTP and without faults.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call(&self, operation: &str, body: Value) -> Result<Value, KmsError> {
        self.call_in(self.region(), operation, body)
    }

    /// Calls a KMS operation in a Region.
    ///
    /// # Errors
    ///
    /// The error that the service would answer.
    pub fn call_in(&self, region: &str, operation: &str, body: Value) -> Result<Value, KmsError> {
        self.with(|world| {
            let caller = world.caller.clone();
            world.kms_call(KmsRequest {
                operation,
                region,
                caller: &caller,
                body: &body,
                eventually: false,
            })
        })
    }

    /// Puts a key in place, without a call and without events, and returns its ARN.
    pub fn add_key(&self, key: NewKey) -> String {
        self.with(|world| world.add_key(key))
    }

    /// The state of a key by its ARN; `None` once it is gone.
    #[must_use]
    pub fn key_state(&self, arn: &str) -> Option<KeyState> {
        let place = key_ref(arn)?;
        self.lock().kms.keys.get(&place).map(Key::state)
    }

    /// Puts a custom key store in place.
    pub fn add_key_store(&self, store: KeyStore) {
        self.with(|world| world.kms.add_store(store));
    }

    /// Disconnects a custom key store: its keys become `Unavailable`.
    pub fn disconnect_key_store(&self, id: &str) {
        self.with(|world| world.kms.connect_store(id, false));
    }

    /// Connects a custom key store again.
    pub fn connect_key_store(&self, id: &str) {
        self.with(|world| world.kms.connect_store(id, true));
    }

    /// What attempts to connect the store end with from here on: a `ConnectionErrorCode` (`USER_LOCKED_OUT`), or `None` for
    /// success.
    pub fn fail_key_store(&self, id: &str, code: Option<&str>) {
        self.with(|world| world.kms.fail_store(id, code));
    }

    /// When and for which operation (`Decrypt`) a key was last used, by its ARN; `None`: never, as far as KMS knows.
    pub fn set_last_use(&self, key: &str, last: Option<(&'static str, Timestamp)>) {
        self.with(|world| world.kms.set_last_use(key, last, &mut world.context.ids));
    }

    /// Lets KMS's metric `SuccessfulRequest` count so many more uses of a key at a time. They are in no record, and no last use.
    pub fn count_uses(&self, key: &str, operation: &str, at: Timestamp, uses: u64) {
        self.with(|world| {
            let of_key = crate::kms::key_ref(key);
            if let Some(region) = of_key.map(|key| key.region) {
                world.kms.uses.count(&region, operation, &[key], at, uses);
            }
        });
    }

    /// Since when KMS records the uses of a key, by its ARN, instead of
    /// [`crate::Options::usage_tracking_start`] or the creation of the key.
    pub fn set_tracking_start(&self, key: &str, at: Timestamp) {
        self.with(|world| {
            let key = key_ref(key).and_then(|key| world.kms.keys.get_mut(&key));
            if let Some(key) = key {
                key.tracked_since = Some(at);
            }
        });
    }
}
