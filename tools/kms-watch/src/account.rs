//! The user's own AWS: credentials and Region as the AWS CLI finds them.

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::{Region as SdkRegion, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use watch_aws::sdk;
use watch_core::arn::Region;
use watch_core::text::Untrusted;

/// Which credentials and which Region.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
pub(crate) struct Access {
    /// Credentials and Region of this profile of the AWS CLI
    #[arg(long, value_name = "NAME", value_parser = not_empty, help_heading = "Account")]
    pub(crate) profile: Option<String>,
    /// This Region instead of the configured one
    #[arg(long, value_name = "REGION", value_parser = region, help_heading = "Account")]
    pub(crate) region: Option<Region>,
}

/// Why the user's AWS cannot be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountError {
    #[error(
        "no Region is configured\nname one with --region, set AWS_REGION, or write `region = …` into the profile"
    )]
    NoRegion,
    #[error("no credentials: {reason}\n{advice}", reason = reason.as_str())]
    Credentials {
        reason: Untrusted,
        advice: &'static str,
    },
    #[error("cannot assume {role}: {reason}\n{advice}", reason = reason.as_str())]
    Role {
        role: String,
        reason: Untrusted,
        advice: &'static str,
    },
    #[error(
        "{name} is no address of a service\nset it to one such as http://127.0.0.1:4566, or unset it"
    )]
    Endpoint { name: String },
}

/// The configuration of the environment, or of a profile, with a Region, and with credentials that were there a moment ago.
pub(crate) async fn load(access: &Access) -> Result<SdkConfig, AccountError> {
    let sdk = configuration(access.profile.as_deref()).await?;
    let region = match &access.region {
        Some(region) => region.clone(),
        None => configured_region(&sdk)?,
    };
    Ok(in_region(&sdk, &region))
}

/// The configuration of the environment, or of a profile. `AWS_ENDPOINT_URL` and its forms are heeded.
///
/// Credentials come from the environment, a profile (keys, roles, single sign-on, `credential_process`), a web
/// identity, a container or an instance. A profile that is named on the command line comes before the environment, as
/// with the AWS CLI; the SDK by itself would prefer the environment.
///
/// They are asked for at once: the SDK's words for a call that could not be signed help nobody, and a profile that is not
/// there would first be missed for its Region.
pub(crate) async fn configuration(profile: Option<&str>) -> Result<SdkConfig, AccountError> {
    check_endpoints()?;
    let http_client = sdk::http_client_by_hand();
    let loader = aws_config::defaults(sdk::behavior())
        .http_client(http_client.clone())
        // A malformed AWS_MAX_ATTEMPTS would be a panic.
        .retry_config(RetryConfig::standard());
    let sdk = if let Some(profile) = profile {
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
    } else {
        loader.load().await
    };
    if sdk.endpoint_url().is_some_and(|url| !is_address(url)) {
        return Err(AccountError::Endpoint {
            name: "`endpoint_url` of the profile".to_owned(),
        });
    }
    check_credentials(&sdk, profile).await?;
    Ok(sdk)
}

/// The SDK would panic over what is no address.
fn check_endpoints() -> Result<(), AccountError> {
    let wrong = std::env::vars_os().find_map(|(name, value)| {
        let name = name.into_string().ok()?;
        let is_one = name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_");
        let is_right = value.to_str().is_some_and(is_address);
        (is_one && !is_right).then_some(name)
    });
    wrong.map_or(Ok(()), |name| Err(AccountError::Endpoint { name }))
}

fn is_address(text: &str) -> bool {
    let rest = ["http://", "https://"]
        .into_iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    rest.is_some_and(|rest| {
        !rest.starts_with(['/', ':'])
            && !rest.is_empty()
            && rest.chars().all(|c| c.is_ascii_graphic())
    })
}

async fn check_credentials(sdk: &SdkConfig, profile: Option<&str>) -> Result<(), AccountError> {
    let asked = match sdk.credentials_provider() {
        Some(credentials) => credentials.provide_credentials().await,
        None => Err(CredentialsError::not_loaded("there is no provider")),
    };
    let Err(error) = asked else { return Ok(()) };
    let of_profile = profile.map(|name| format!("profile {name}: "));
    let reason = of_profile.unwrap_or_default() + &chain(&error);
    Err(AccountError::Credentials {
        reason: Untrusted::new(&reason),
        advice: advice(&error, profile.is_some()),
    })
}

/// The Region of the environment or the profile.
pub(crate) fn configured_region(sdk: &SdkConfig) -> Result<Region, AccountError> {
    sdk.region()
        .and_then(|region| Region::new(region.as_ref()))
        .ok_or(AccountError::NoRegion)
}

/// The same configuration for another Region.
pub(crate) fn in_region(sdk: &SdkConfig, region: &Region) -> SdkConfig {
    let region = SdkRegion::new(region.as_str().to_owned());
    sdk.clone().into_builder().region(region).build()
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

/// The name of a Region.
pub(crate) fn region(name: &str) -> Result<Region, &'static str> {
    Region::new(name).ok_or("not the name of a Region, such as eu-west-1")
}

/// A text that says something.
pub(crate) fn not_empty(text: &str) -> Result<String, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty");
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for right in ["http://127.0.0.1:4566", "https://kms.example/x"] {
            assert!(is_address(right), "{right}");
        }
        for wrong in [
            "",
            "localhost:4566",
            "http://",
            "https:///x",
            "http://a b",
            "ftp://a",
        ] {
            assert!(!is_address(wrong), "{wrong}");
        }
    }
}
