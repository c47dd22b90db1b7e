//! The user's own AWS: credentials and Region as the AWS CLI finds them.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{Region as SdkRegion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use watch_aws::sdk;
use watch_core::arn::Region;
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use crate::args::Place;
use crate::error::InventoryError;

/// The configuration of the environment, or of a profile. `AWS_ENDPOINT_URL` and its forms are heeded.
///
/// Credentials come from the environment, a profile (keys, roles, single sign-on, `credential_process`), a web
/// identity, a container or an instance. A profile that is named on the command line comes before the environment, as
/// with the AWS CLI; the SDK by itself would prefer the environment.
pub(crate) async fn load(profile: Option<&str>) -> SdkConfig {
    let http_client = sdk::http_client_by_hand();
    let loader = aws_config::defaults(sdk::behavior())
        .http_client(http_client.clone())
        // A malformed AWS_MAX_ATTEMPTS would be a panic.
        .retry_config(RetryConfig::standard());
    let Some(profile) = profile else {
        return loader.load().await;
    };
    let sdk = loader.profile_name(profile).load().await;
    let settings = ProviderConfig::default()
        .with_http_client(http_client)
        .with_region(sdk.region().cloned());
    let credentials = ProfileFileCredentialsProvider::builder()
        .configure(&settings)
        .profile_name(profile)
        .build();
    sdk.into_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

/// The Regions to ask about.
pub(crate) fn regions(sdk: &SdkConfig, wanted: &[Region]) -> Result<Vec<Region>, InventoryError> {
    if !wanted.is_empty() {
        return Ok(wanted.to_vec());
    }
    let configured = sdk
        .region()
        .and_then(|region| Region::new(region.as_ref()))
        .ok_or(InventoryError::NoRegion)?;
    Ok(vec![configured])
}

/// The same configuration for another Region.
pub(crate) fn in_region(sdk: &SdkConfig, region: &Region) -> SdkConfig {
    let region = SdkRegion::new(region.as_str().to_owned());
    sdk.clone().into_builder().region(region).build()
}

/// Why a list could not be had. Where no answer came, the credentials are asked for again: the SDK's words for a call
/// that could not be signed help nobody.
pub(crate) async fn diagnose(
    sdk: &SdkConfig,
    region: &Region,
    place: &Place,
    error: CallError,
) -> InventoryError {
    let asked = match sdk.credentials_provider() {
        Some(credentials) => credentials.provide_credentials().await,
        None => Err(CredentialsError::not_loaded("there is no provider")),
    };
    match asked {
        Ok(_) => InventoryError::List {
            region: region.clone(),
            error,
        },
        Err(error) => {
            let profile = match place {
                Place::Account { profile } => profile.as_deref(),
                Place::Demo => None,
            };
            let of_profile = profile.map(|name| format!("profile {name}: "));
            let reason = of_profile.unwrap_or_default() + &chain(&error);
            InventoryError::Credentials {
                reason: Untrusted::new(&reason),
                advice: advice(&error, profile.is_some()),
            }
        }
    }
}

/// What to do about credentials that are not there, with or without a profile on the command line.
fn advice(error: &CredentialsError, named: bool) -> &'static str {
    match error {
        CredentialsError::CredentialsNotLoaded(_) if !named => {
            "set AWS_PROFILE or --profile to a profile that has some, sign in (`aws sso login`), or set AWS_ACCESS_KEY_ID \
             and AWS_SECRET_ACCESS_KEY; what `aws login` made is used by way of a profile with `credential_process = aws \
             configure export-credentials --profile …`"
        }
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
            "the profile has none, is wrong, or does not exist: look into ~/.aws/config and ~/.aws/credentials"
        }
        CredentialsError::ProviderTimedOut(_) => {
            "whoever gives them did not answer in time: check the network, and try again"
        }
        _ => "they may have expired: sign in again (`aws sso login`), or get new ones",
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let texts: Vec<_> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    texts.join(": ")
}
