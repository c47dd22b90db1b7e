//! A KMS that says the same of every key.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use crate::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags, Use};
use crate::arn::{KeyArn, KeyStoreId, Region};
use crate::key::{Manager, Origin, State};
use crate::ports::{CallError, Kms};
use crate::text::Untrusted;

/// The policy that KMS gives a key if nobody says otherwise.
pub const DEFAULT_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
    "Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}]}"#;

/// The calls that a fake has got.
#[derive(Debug, Default)]
pub struct Calls {
    began: Option<Instant>,
    in_second: BTreeMap<(&'static str, u64), u32>,
}

impl Calls {
    /// Counts a call of `operation`: how many there were in this second.
    fn count(&mut self, operation: &'static str) -> u32 {
        let now = Instant::now();
        let second = (now - *self.began.get_or_insert(now)).as_secs();
        let count = self.in_second.entry((operation, second)).or_default();
        *count += 1;
        *count
    }

    /// How many there were, of all operations.
    pub fn total(&self) -> u32 {
        self.in_second.values().sum()
    }

    /// Most calls of one operation in a second.
    pub fn most_in_a_second(&self) -> u32 {
        self.in_second.values().copied().max().unwrap_or(0)
    }
}

/// A KMS that gives the same answers for every key.
#[derive(Clone, Debug)]
pub struct FakeKms {
    /// `DescribeKey`.
    pub metadata: Result<Metadata, CallError>,
    /// `ListAliases`.
    pub aliases: Result<Vec<Untrusted>, CallError>,
    /// `ListResourceTags`.
    pub tags: Result<Tags, CallError>,
    /// `GetKeyRotationStatus`.
    pub rotation: Result<RotationStatus, CallError>,
    /// `ListKeyRotations`.
    pub materials: Result<Vec<Material>, CallError>,
    /// `GetKeyLastUsage`.
    pub last_usage: Result<LastUsage, CallError>,
    /// `DescribeCustomKeyStores`.
    pub key_store: Result<KeyStoreData, CallError>,
    /// The count of a key store's keys.
    pub key_count: Result<u64, CallError>,
    /// `GetKeyPolicy`.
    pub policy: Result<String, CallError>,
    /// How long every call takes.
    pub delay: Duration,
    /// How many calls of one operation a second takes; the others are throttled.
    pub allowed: Option<u32>,
    /// The calls so far. Clones share them.
    pub calls: Rc<RefCell<Calls>>,
}

impl Default for FakeKms {
    fn default() -> Self {
        Self {
            metadata: Ok(Metadata {
                state: Some(State::Enabled),
                manager: Some(Manager::Customer),
                origin: Some(Origin::AwsKms),
                spec: Some(Untrusted::new("SYMMETRIC_DEFAULT")),
                usage: Some(Untrusted::new("ENCRYPT_DECRYPT")),
                description: Some(Untrusted::new("orders database")),
                created_at: Some("2024-01-02T03:04:05Z".parse().unwrap()),
                ..Metadata::default()
            }),
            aliases: Ok(vec![Untrusted::new("alias/payments")]),
            tags: Ok(Tags::from([(
                Untrusted::new("owner"),
                Untrusted::new("team-pay"),
            )])),
            rotation: Ok(RotationStatus {
                enabled: true,
                period_days: Some(365),
                next_at: None,
            }),
            materials: Ok(Vec::new()),
            last_usage: Ok(LastUsage::default()),
            key_store: Ok(KeyStoreData::default()),
            key_count: Ok(0),
            policy: Ok(DEFAULT_POLICY.to_owned()),
            delay: Duration::ZERO,
            allowed: None,
            calls: Rc::default(),
        }
    }
}

impl FakeKms {
    /// A KMS that refuses every call.
    pub fn failing(code: &str, message: &str) -> Self {
        let error = CallError::new(code, message);
        Self {
            metadata: Err(error.clone()),
            aliases: Err(error.clone()),
            tags: Err(error.clone()),
            rotation: Err(error.clone()),
            materials: Err(error.clone()),
            last_usage: Err(error.clone()),
            key_store: Err(error.clone()),
            key_count: Err(error.clone()),
            policy: Err(error),
            delay: Duration::ZERO,
            allowed: None,
            calls: Rc::default(),
        }
    }

    /// A KMS that says that every key was used then.
    pub fn used_at(moment: &str) -> Self {
        let used = Use {
            at: moment.parse().unwrap(),
            operation: Some(Untrusted::new("Decrypt")),
            event_id: None,
        };
        Self {
            last_usage: Ok(LastUsage {
                used: Some(used),
                ..LastUsage::default()
            }),
            ..Self::default()
        }
    }

    async fn answer<T: Clone>(
        &self,
        operation: &'static str,
        value: &Result<T, CallError>,
    ) -> Result<T, CallError> {
        let in_second = self.calls.borrow_mut().count(operation);
        tokio::time::sleep(self.delay).await;
        if self.allowed.is_some_and(|allowed| in_second > allowed) {
            return Err(CallError::new("ThrottlingException", "Rate exceeded"));
        }
        value.clone()
    }
}

impl Kms for FakeKms {
    async fn describe_key(&self, _: &KeyArn) -> Result<Metadata, CallError> {
        self.answer("DescribeKey", &self.metadata).await
    }
    async fn list_aliases(&self, _: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        self.answer("ListAliases", &self.aliases).await
    }
    async fn list_resource_tags(&self, _: &KeyArn) -> Result<Tags, CallError> {
        self.answer("ListResourceTags", &self.tags).await
    }
    async fn get_key_rotation_status(&self, _: &KeyArn) -> Result<RotationStatus, CallError> {
        self.answer("GetKeyRotationStatus", &self.rotation).await
    }
    async fn list_materials(&self, _: &KeyArn) -> Result<Vec<Material>, CallError> {
        self.answer("ListKeyRotations", &self.materials).await
    }
    async fn get_key_policy(&self, _: &KeyArn) -> Result<String, CallError> {
        self.answer("GetKeyPolicy", &self.policy).await
    }
    async fn describe_custom_key_store(
        &self,
        _: &KeyStoreId,
        _: &Region,
    ) -> Result<KeyStoreData, CallError> {
        self.answer("DescribeCustomKeyStores", &self.key_store)
            .await
    }
    async fn count_keys_in_store(&self, _: &KeyStoreId, _: &Region) -> Result<u64, CallError> {
        self.answer("ListKeys", &self.key_count).await
    }
    async fn get_key_last_usage(&self, _: &KeyArn) -> Result<LastUsage, CallError> {
        self.answer("GetKeyLastUsage", &self.last_usage).await
    }
}
