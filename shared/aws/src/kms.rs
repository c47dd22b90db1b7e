//! The reads of KMS.

use std::collections::HashSet;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::{Builder, Config};
use aws_sdk_kms::error::SdkError;
use aws_sdk_kms::operation::get_key_last_usage::{GetKeyLastUsageError, GetKeyLastUsageOutput};
use aws_sdk_kms::types::{
    AliasListEntry, CustomKeyStoresListEntry, ImportState, IncludeKeyMaterial, KeyListEntry,
    KeyMetadata, MultiRegionConfiguration, MultiRegionKey, RotationsListEntry,
};
use aws_smithy_runtime_api::client::retries::classifiers::RetryAction;
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::ErrorKind;
use futures_util::stream::{self, StreamExt};
use jiff::Timestamp;
use watch_core::answers::{KeyStoreData, LastUsage, Material, Metadata, RotationStatus, Tags, Use};
use watch_core::arn::{KeyArn, KeyStoreId, Region};
use watch_core::key::{Manager, MaterialState, MultiRegion, MultiRegionType, Origin, State};
use watch_core::ports::{Alias, CallError, Census, Kms, Page};
use watch_core::text::Untrusted;

use crate::error::call_error;
use crate::page::page;
use crate::sdk;

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
        let settings = Config::builder().retry_config(RetryConfig::disabled());
        let call = self
            .client
            .list_aliases()
            .limit(1)
            .customize()
            .config_override(settings);
        call.send()
            .await
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
        let settings = self
            .in_region(key.region())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        self.client
            .get_key_last_usage()
            .key_id(key.to_string())
            .customize()
            .config_override(settings)
            .send()
            .await
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

impl Census for KmsAdapter {
    async fn list_keys(&self, marker: Option<&str>) -> Result<Page<KeyArn>, CallError> {
        let call = self
            .client
            .list_keys()
            .limit(1000)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let name = |key: &KeyListEntry| {
            let arn = key.key_arn().and_then(|arn| arn.parse().ok());
            if arn.is_none() {
                tracing::warn!(
                    key.arn = key.key_arn(),
                    key.id = key.key_id(),
                    "a key without a readable ARN is left out"
                );
            }
            arn
        };
        let keys = answer.keys().iter().filter_map(name).collect();
        page(keys, marker, answer.truncated(), answer.next_marker())
    }

    async fn list_all_aliases(&self, marker: Option<&str>) -> Result<Page<Alias>, CallError> {
        let call = self
            .client
            .list_aliases()
            .limit(100)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let read = |alias: &AliasListEntry| {
            let name = text(alias.alias_name());
            if name.is_none() {
                tracing::warn!(
                    key.id = alias.target_key_id(),
                    "an alias without a name is left out"
                );
            }
            let target = alias.target_key_id().filter(|id| !id.is_empty());
            Some(Alias {
                name: name?,
                target: target.map(str::to_owned),
            })
        };
        let aliases = answer.aliases().iter().filter_map(read).collect();
        page(aliases, marker, answer.truncated(), answer.next_marker())
    }

    async fn list_key_stores(
        &self,
        marker: Option<&str>,
    ) -> Result<Page<(KeyStoreId, KeyStoreData)>, CallError> {
        let call = self
            .client
            .describe_custom_key_stores()
            .limit(1000)
            .set_marker(marker.map(str::to_owned));
        let answer = call.send().await.map_err(|error| self.failed(&error))?;
        let read = |store: &CustomKeyStoresListEntry| {
            let id = store.custom_key_store_id().and_then(KeyStoreId::new);
            if id.is_none() {
                tracing::warn!(
                    store.id = store.custom_key_store_id(),
                    "a custom key store without a readable id is left out"
                );
            }
            Some((id?, key_store(store)))
        };
        let stores = answer.custom_key_stores().iter().filter_map(read).collect();
        page(stores, marker, answer.truncated(), answer.next_marker())
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

fn metadata(key: &KeyMetadata) -> Metadata {
    Metadata {
        state: key.key_state().map(|state| State::new(state.as_str())),
        manager: key
            .key_manager()
            .map(|manager| Manager::new(manager.as_str())),
        origin: key.origin().map(|origin| Origin::new(origin.as_str())),
        spec: text(key.key_spec().map(|spec| spec.as_str())),
        usage: text(key.key_usage().map(|usage| usage.as_str())),
        description: key
            .description()
            .and_then(|text| Untrusted::bounded(text, 1024).non_empty()),
        created_at: moment(key.creation_date()),
        deletion_at: moment(key.deletion_date()),
        pending_window_days: count(key.pending_deletion_window_in_days()),
        expires_at: moment(key.valid_to()),
        custom_key_store_id: text(key.custom_key_store_id()),
        multi_region: key.multi_region_configuration().map(multi_region),
        current_material: material_id(key.current_key_material_id()),
    }
}

fn key_store(store: &CustomKeyStoresListEntry) -> KeyStoreData {
    KeyStoreData {
        name: text(store.custom_key_store_name()),
        kind: text(store.custom_key_store_type().map(|kind| kind.as_str())),
        connection_state: text(store.connection_state().map(|state| state.as_str())),
        error_code: text(store.connection_error_code().map(|code| code.as_str())),
    }
}

fn material(entry: &RotationsListEntry) -> Material {
    Material {
        id: material_id(entry.key_material_id()),
        state: entry
            .key_material_state()
            .map(|state| MaterialState::new(state.as_str())),
        imported: entry
            .import_state()
            .map(|state| *state == ImportState::Imported),
        valid_to: moment(entry.valid_to()),
        rotated_at: moment(entry.rotation_date()),
    }
}

/// 64 hexadecimal digits (AWS KMS API Reference, RotationsListEntry).
fn material_id(id: Option<&str>) -> Option<String> {
    let id = id?;
    ((1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric()))
        .then(|| id.to_owned())
}

fn multi_region(configuration: &MultiRegionConfiguration) -> MultiRegion {
    let arn = |key: &MultiRegionKey| key.arn().and_then(|arn| arn.parse().ok());
    MultiRegion {
        kind: MultiRegionType::new(
            configuration
                .multi_region_key_type()
                .map_or("UNKNOWN", |kind| kind.as_str()),
        ),
        primary: configuration.primary_key().and_then(arn),
        replicas: configuration
            .replica_keys()
            .iter()
            .filter_map(arn)
            .collect(),
    }
}

fn text(value: Option<&str>) -> Option<Untrusted> {
    value.and_then(|value| Untrusted::new(value).non_empty())
}

/// KMS sends milliseconds, which say nothing to a reader and would make one moment look like two.
fn moment(time: Option<&DateTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::from_second(time.secs()).ok())
}

fn count(number: Option<i32>) -> Option<u32> {
    number.and_then(|number| u32::try_from(number).ok())
}
