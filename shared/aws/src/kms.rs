//! The reads of KMS.

use std::collections::HashSet;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Builder, Config};
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::get_key_last_usage::{GetKeyLastUsageError, GetKeyLastUsageOutput};
use aws_sdk_kms::types::IncludeKeyMaterial;
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_types::retry::ErrorKind;
use futures_util::stream::{self, StreamExt};
use watch_core::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags, Use};
use watch_core::arn::{KeyArn, KeyStoreId, Region};
use watch_core::ports::{CallError, Kms};
use watch_core::text::Untrusted;

use self::read::{count, key_store, material, metadata, moment, text};
use crate::error::call_error;
use crate::sdk;

mod census;
mod read;
#[cfg(test)]
mod tests;

/// An alert can do without a fact, but not wait for it.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(2);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// Nobody waits for a sweep, and what it does not learn it has to leave out.
const PATIENT_OPERATION_TIMEOUT: Duration = Duration::from_secs(10);
const PATIENT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(3);

/// `GetKeyLastUsage` has a quota of 5 calls a second (AWS KMS Developer Guide, request quotas): whoever is throttled
/// there and asks again takes the quota from the next alert.
const LAST_USAGE_TIMEOUT: Duration = Duration::from_millis(800);

/// No list of one key's fills two pages (AWS KMS Developer Guide, resource quotas).
const MAX_PAGES: usize = 10;
const MAX_ALIASES: usize = 50;

/// How many keys are described at once to count those of a key store: with answers in 20 ms that is a quarter of the
/// quota of 2,000 a second (AWS KMS Developer Guide, request quotas).
const DESCRIBED_AT_ONCE: usize = 10;

/// The reads of KMS on the AWS SDK.
#[derive(Clone, Debug)]
pub struct KmsAdapter {
    client: Client,
    limit: Duration,
}

/// Makes a call about something in a Region: a key lives in one. Asked elsewhere, KMS would say that it does not exist,
/// which means something else.
macro_rules! send {
    ($kms:expr, $region:expr, $call:expr) => {
        sdk::send_in!($kms.client, $region.as_str(), Config::builder(), $call)
            .map_err(|error| $kms.failed(&error))
    };
}

impl KmsAdapter {
    /// A client with timeouts and retries of its own: for a function that has an alert to tell.
    pub fn new(sdk: &SdkConfig) -> Self {
        Self::from_builder(Builder::from(sdk))
    }

    /// The same for a sweep, which asks about every key and has time to wait for the answers.
    ///
    /// Broken connections, late answers and failures of KMS are tried again here. A throttled call is not: the caller
    /// is told at once, slows down, and asks again at its own pace. Tried again here, each of its calls under way would
    /// take more of a quota that it shares with every program in the account. `GetKeyLastUsage` is as for events.
    pub fn patient(sdk: &SdkConfig) -> Self {
        Self::patient_from_builder(Builder::from(sdk))
    }

    fn from_builder(config: Builder) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
            .retry_config(sdk::retries(
                Duration::from_millis(50),
                Duration::from_millis(500),
            ));
        Self {
            client: Client::from_conf(config.build()),
            limit: OPERATION_TIMEOUT,
        }
    }

    fn patient_from_builder(config: Builder) -> Self {
        let config = config
            .timeout_config(sdk::timeouts(
                PATIENT_ATTEMPT_TIMEOUT,
                PATIENT_OPERATION_TIMEOUT,
            ))
            .retry_config(sdk::retries(
                Duration::from_millis(100),
                Duration::from_secs(1),
            ))
            .retry_classifier(sdk::Again(|kind| match kind {
                ErrorKind::ThrottlingError => RetryAction::RetryForbidden,
                _ => RetryAction::NoActionIndicated,
            }));
        Self {
            client: Client::from_conf(config.build()),
            limit: PATIENT_OPERATION_TIMEOUT,
        }
    }

    fn failed<E>(&self, error: &SdkError<E>) -> CallError
    where
        E: std::error::Error + aws_sdk_kms::error::ProvideErrorMetadata + 'static,
    {
        call_error(error, self.limit)
    }

    /// What differs from the client's settings for a call about something in `region`.
    fn in_region(&self, region: &Region) -> Builder {
        let region = sdk::other_region(self.client.config().region(), region.as_str());
        region.map_or_else(Config::builder, |region| Config::builder().region(region))
    }

    /// Opens a connection by a call that needs no key.
    pub(crate) async fn touch(&self) -> Result<(), CallError> {
        let call = self.client.list_aliases().limit(1);
        sdk::send_once!(Config::builder(), call)
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    async fn try_last_usage(
        &self,
        key: &KeyArn,
    ) -> Result<GetKeyLastUsageOutput, SdkError<GetKeyLastUsageError>> {
        let timeouts = TimeoutConfig::builder()
            .operation_timeout(LAST_USAGE_TIMEOUT)
            .build();
        let settings = self.in_region(key.region()).timeout_config(timeouts);
        let call = self.client.get_key_last_usage().key_id(key.to_string());
        sdk::send_once!(settings, call)
    }
}

impl Kms for KmsAdapter {
    async fn describe_key(&self, key: &KeyArn) -> Result<Metadata, CallError> {
        let call = self.client.describe_key().key_id(key.to_string());
        let answer = send!(self, key.region(), call)?;
        answer
            .key_metadata()
            .map(metadata)
            .ok_or_else(|| CallError::new("EmptyResponse", "no KeyMetadata"))
    }

    async fn list_aliases(&self, key: &KeyArn) -> Result<Vec<Untrusted>, CallError> {
        let mut names = Vec::new();
        let mut pages = Pages::default();
        while let Some(marker) = pages.next() {
            let call = self
                .client
                .list_aliases()
                .key_id(key.to_string())
                .limit(100)
                .set_marker(marker);
            let page = send!(self, key.region(), call)?;
            names.extend(
                page.aliases()
                    .iter()
                    .filter_map(|alias| text(alias.alias_name())),
            );
            pages.follow(page.truncated(), page.next_marker());
        }
        names.sort();
        names.truncate(MAX_ALIASES);
        Ok(names)
    }

    async fn list_resource_tags(&self, key: &KeyArn) -> Result<Tags, CallError> {
        let mut tags = Tags::new();
        let mut pages = Pages::default();
        while let Some(marker) = pages.next() {
            let call = self
                .client
                .list_resource_tags()
                .key_id(key.to_string())
                .limit(50)
                .set_marker(marker);
            let page = send!(self, key.region(), call)?;
            tags.extend(page.tags().iter().map(|tag| {
                (
                    Untrusted::bounded(tag.tag_key(), 128),
                    Untrusted::bounded(tag.tag_value(), 256),
                )
            }));
            pages.follow(page.truncated(), page.next_marker());
        }
        // Of which nothing is left when it is cleaned: it says nothing, and DynamoDB takes no name without a character.
        tags.retain(|key, _| !key.is_empty());
        Ok(tags)
    }

    async fn get_key_rotation_status(&self, key: &KeyArn) -> Result<RotationStatus, CallError> {
        let call = self
            .client
            .get_key_rotation_status()
            .key_id(key.to_string());
        let answer = send!(self, key.region(), call)?;
        Ok(RotationStatus {
            enabled: answer.key_rotation_enabled(),
            period_days: count(answer.rotation_period_in_days()),
            next_at: moment(answer.next_rotation_date()),
        })
    }

    async fn list_materials(&self, key: &KeyArn) -> Result<Vec<Material>, CallError> {
        let mut materials = Vec::new();
        let mut pages = Pages::default();
        while let Some(marker) = pages.next() {
            let call = self
                .client
                .list_key_rotations()
                .key_id(key.to_string())
                .include_key_material(IncludeKeyMaterial::AllKeyMaterial)
                .limit(1000)
                .set_marker(marker);
            let page = send!(self, key.region(), call)?;
            materials.extend(page.rotations().iter().map(material));
            pages.follow(page.truncated(), page.next_marker());
        }
        Ok(materials)
    }

    async fn get_key_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        let call = self.client.get_key_policy().key_id(key.to_string());
        let answer = send!(self, key.region(), call)?;
        answer
            .policy()
            .map(str::to_owned)
            .ok_or_else(|| CallError::new("EmptyResponse", "no Policy"))
    }

    async fn get_shared_policy(&self, key: &KeyArn) -> Result<String, CallError> {
        let call = self.client.get_key_policy().key_id(key.to_string());
        let answer = send!(self, key.region(), call.policy_name("AWS_RAM"))?;
        answer
            .policy()
            .map(str::to_owned)
            .ok_or_else(|| CallError::new("EmptyResponse", "no Policy"))
    }

    async fn describe_custom_key_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<KeyStoreData, CallError> {
        let call = self
            .client
            .describe_custom_key_stores()
            .custom_key_store_id(store.as_str());
        let answer = send!(self, region, call)?;
        answer
            .custom_key_stores()
            .first()
            .map(key_store)
            .ok_or_else(|| CallError::new("EmptyResponse", "no CustomKeyStores"))
    }

    async fn count_keys_in_store(
        &self,
        store: &KeyStoreId,
        region: &Region,
    ) -> Result<u64, CallError> {
        let mut count = 0;
        let mut pages = Pages::default();
        while let Some(marker) = pages.next() {
            let call = self.client.list_keys().limit(1000).set_marker(marker);
            let page = send!(self, region, call)?;
            let keys = page
                .keys()
                .iter()
                .filter_map(|key| key.key_arn()?.parse().ok());
            let keys: Vec<KeyArn> = keys.collect();
            let mut described = stream::iter(&keys)
                .map(|key| self.describe_key(key))
                .buffer_unordered(DESCRIBED_AT_ONCE);
            while let Some(metadata) = described.next().await {
                // A key that may not be described cannot be counted; so the count is one of those that may.
                let held = metadata.is_ok_and(|metadata| {
                    metadata
                        .custom_key_store_id
                        .is_some_and(|id| id.as_str() == store.as_str())
                });
                count += u64::from(held);
            }
            pages.follow(page.truncated(), page.next_marker());
        }
        Ok(count)
    }

    async fn get_key_last_usage(&self, key: &KeyArn) -> Result<LastUsage, CallError> {
        let mut answer = self.try_last_usage(key).await;
        // After a pause of the function its connections may be dead. That cost no quota.
        if let Err(SdkError::DispatchFailure(broken)) = &answer
            && !broken.is_timeout()
        {
            answer = self.try_last_usage(key).await;
        }
        let answer = answer.map_err(|error| call_error(&error, LAST_USAGE_TIMEOUT))?;
        // The member is there in any case, but empty where no use is recorded (AWS KMS API Reference, GetKeyLastUsage).
        let used = answer
            .key_last_usage()
            .filter(|usage| usage.timestamp().is_some() || usage.operation().is_some());
        let used = match used {
            Some(usage) => Some(Use {
                at: moment(usage.timestamp()).ok_or_else(|| {
                    CallError::new("UnreadableResponse", "a last use without its time")
                })?,
                operation: text(usage.operation().map(|operation| operation.as_str())),
                event_id: text(usage.cloud_trail_event_id()),
            }),
            None => None,
        };
        Ok(LastUsage {
            used,
            tracked_since: moment(answer.tracking_start_date()),
            created_at: moment(answer.key_creation_date()),
        })
    }
}

/// The markers of a list's pages. Ends after a bounded number of pages, and where KMS would send us round in circles.
#[derive(Default)]
struct Pages {
    seen: HashSet<String>,
    asked: usize,
    next: Option<String>,
    end: bool,
}

impl Pages {
    /// The marker to ask with (none for the first page), or `None` at the end.
    fn next(&mut self) -> Option<Option<String>> {
        if self.end || self.asked == MAX_PAGES {
            return None;
        }
        self.asked += 1;
        Some(self.next.take())
    }

    /// Takes note of what a page said about the next one.
    fn follow(&mut self, truncated: bool, marker: Option<&str>) {
        match marker {
            Some(marker) if truncated && self.seen.insert(marker.to_owned()) => {
                self.next = Some(marker.to_owned())
            }
            _ => self.end = true,
        }
    }
}
