//! The one SDK configuration that all clients share: with it they share connections and credentials.

use std::time::Duration;

use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::InterceptorContext;
use aws_smithy_runtime_api::client::retries::classifiers::{
    ClassifyRetry, RetryAction, RetryClassifierPriority, RetryReason,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::retry::ErrorKind;
use watch_core::arn::TopicArn;

use crate::dns::SharedLookups;

/// Part of the key by which the HTTP client keeps its connections: all clients use the same.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// The configuration of a function in Lambda.
///
/// The Region is that of the environment as read through `lookup`, else the topic's. The credentials come from the
/// environment, which is where Lambda puts them. `AWS_ENDPOINT_URL` and its forms for one service are heeded, as are
/// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT`. Profile files are not read: there are none in Lambda,
/// and elsewhere they would make a function do different things on each machine.
pub async fn load(lookup: impl Fn(&str) -> Option<String>, topic: &TopicArn) -> SdkConfig {
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"]
        .into_iter()
        .find_map(|name| lookup(name).filter(|value| !value.is_empty()))
        .unwrap_or_else(|| topic.region().as_str().to_owned());
    aws_config::defaults(behavior())
        .region(Region::new(region))
        .credentials_provider(EnvironmentVariableCredentialsProvider::new())
        // Each client has settings of its own; a malformed AWS_MAX_ATTEMPTS would be a panic.
        .retry_config(RetryConfig::standard())
        .profile_files(no_profile_files())
        .stalled_stream_protection(no_stream_protection())
        .http_client(http_client(TrustStore::default()))
        .load()
        .await
}

/// The access key that [`local`] signs with.
pub const LOCAL_ACCESS_KEY: &str = "AKIDLOCAL";

/// A configuration for an AWS on this machine, at a plain HTTP `endpoint`. It reads nothing from the environment.
pub fn local(endpoint: &str, region: &str) -> SdkConfig {
    let credentials = Credentials::new(LOCAL_ACCESS_KEY, "local", None, None, "local");
    SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(region.to_owned()))
        .stalled_stream_protection(no_stream_protection())
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        // No TLS there, so no time is spent on reading the system's trust store.
        .http_client(http_client(TrustStore::empty()))
        .build()
}

/// How long a call of a client may take: each attempt, and all of them.
pub(crate) fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

/// Longest wait for an alert to leave, attempts and pauses included. Publishing is what a function is for: it may take
/// longer than a fact.
pub(crate) const PUBLISHING: Duration = Duration::from_secs(10);

/// How long an alert may take to leave, and how often it is tried: on a topic as on a bus.
pub(crate) fn publishing() -> (TimeoutConfig, RetryConfig) {
    (
        timeouts(Duration::from_secs(3), PUBLISHING),
        retries(Duration::from_millis(100), Duration::from_secs(2)),
    )
}

/// Off: it watches the throughput of each body, and ours have some kilobytes and an attempt's timeout.
fn no_stream_protection() -> StalledStreamProtectionConfig {
    StalledStreamProtectionConfig::disabled()
}

/// Three attempts, with pauses between these bounds.
pub(crate) fn retries(first_pause: Duration, longest_pause: Duration) -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(3)
        .with_initial_backoff(first_pause)
        .with_max_backoff(longest_pause)
}

/// A second opinion about an answer that the SDK would ask again after. It runs after the SDK's own classifiers, and
/// gets what they made of the answer.
#[derive(Debug)]
pub(crate) struct Again(pub(crate) fn(ErrorKind) -> RetryAction);

impl ClassifyRetry for Again {
    fn classify_retry(&self, _: &InterceptorContext) -> RetryAction {
        RetryAction::NoActionIndicated
    }

    fn classify_retry_v2(&self, _: &InterceptorContext, previous: &RetryAction) -> RetryAction {
        match previous {
            RetryAction::RetryIndicated(RetryReason::RetryableError { kind, .. }) => {
                (self.0)(*kind)
            }
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "again"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// The Region to set for a call, if `wanted` is not the client's own.
///
/// A Region is only ever set: to set none would take away the client's.
pub(crate) fn other_region(own: Option<&Region>, wanted: &str) -> Option<Region> {
    (own.map(Region::as_ref) != Some(wanted)).then(|| Region::new(wanted.to_owned()))
}

/// Sends a call of a client about something in a Region; `$settings` is the empty builder of that client's settings.
///
/// Settings of its own make a call assemble its parts anew, so that it has some only if it needs them.
macro_rules! send_in {
    ($client:expr, $region:expr, $settings:expr, $call:expr) => {
        match $crate::sdk::other_region($client.config().region(), $region) {
            None => Box::pin($call.send()).await,
            Some(region) => {
                let call = $call.customize();
                Box::pin(call.config_override($settings.region(region)).send()).await
            }
        }
    };
}
pub(crate) use send_in;

/// Sends a call with `$settings` of its own, and not again if it fails.
macro_rules! send_once {
    ($settings:expr, $call:expr) => {{
        let settings = $settings.retry_config(aws_config::retry::RetryConfig::disabled());
        let call = $call.customize().config_override(settings);
        Box::pin(call.send()).await
    }};
}
pub(crate) use send_once;

/// Pinned: what the SDK does by default changes with its version, not with ours.
pub fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

/// The default client is off: its cryptography (aws-lc) gathers entropy from the CPU's jitter, which costs a function
/// 30 ms of its first event.
fn http_client(trust_store: TrustStore) -> SharedHttpClient {
    let mut builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    // Else the default context: the system's trust store.
    if let Ok(context) = TlsContext::builder().with_trust_store(trust_store).build() {
        builder = builder.tls_context(context);
    }
    SharedHttpClient::new(Lazy(builder.build_with_resolver(SharedLookups::default())))
}

/// The HTTP client without its check of each SDK client that is made with it. To check, it builds a connector, with a
/// trust store that is read anew, and throws it away; the one that they all use is built at the first call.
#[derive(Debug)]
struct Lazy(SharedHttpClient);

impl HttpClient for Lazy {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.http_connector(settings, components)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

/// The HTTP client of what people run by hand: the functions', by way of the proxy that the environment names
/// (`HTTPS_PROXY`, `NO_PROXY`), since a company's network may have no other way out.
pub fn http_client_by_hand() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
        connector
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build()
    })
}

#[expect(
    deprecated,
    reason = "the loader takes this type, whose new home is an internal crate of the SDK"
)]
fn no_profile_files() -> aws_config::profile::profile_file::ProfileFiles {
    use aws_config::profile::profile_file::{ProfileFileKind, ProfileFiles};
    // A set without any file is refused.
    ProfileFiles::builder()
        .with_contents(ProfileFileKind::Config, "")
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::box_error::BoxError;
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
    use aws_smithy_runtime_api::shared::IntoShared;
    use aws_smithy_types::config_bag::ConfigBag;

    use super::*;

    /// Counts how often an SDK client has it checked.
    #[derive(Clone, Debug, Default)]
    struct Checked(Arc<AtomicUsize>);

    impl HttpClient for Checked {
        fn http_connector(
            &self,
            _: &HttpConnectorSettings,
            _: &RuntimeComponents,
        ) -> SharedHttpConnector {
            unreachable!("nothing is called")
        }

        fn validate_base_client_config(
            &self,
            _: &RuntimeComponentsBuilder,
            _: &ConfigBag,
        ) -> Result<(), BoxError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    }

    #[test]
    fn a_client_is_made_without_a_connector_to_throw_away() {
        let checked = Checked::default();
        let make = |http: SharedHttpClient| {
            let sdk = local("http://localhost:1", "eu-central-1").into_builder();
            aws_sdk_kms::Client::new(&sdk.http_client(http).build());
            checked.0.load(Ordering::Relaxed)
        };
        assert_eq!(make(Lazy(checked.clone().into_shared()).into_shared()), 0);
        assert_eq!(make(checked.clone().into_shared()), 1);
    }
}
