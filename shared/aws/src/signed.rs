//! Calls of services of which a function, or a person's command, needs one or two operations, and no more: signed JSON, on the
//! runtime of the SDK.
//!
//! What an SDK crate would do about credentials, signatures, attempts and time limits, is done by the same code here. What it
//! would add is types for hundreds of operations.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{
    HttpStatusCodeClassifier, TransientErrorClassifier,
};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;
use watch_core::ports::CallError;

use crate::error::call_error;
use crate::sdk;

/// How long a call may take, and how often it is tried.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// All attempts with their pauses.
    pub operation: Duration,
    /// Each of them.
    pub attempt: Duration,
    /// How many there are at most.
    pub attempts: u32,
}

impl Patience {
    /// For what nobody waits for: three attempts with their pauses fit.
    pub const LONG: Self = Self {
        operation: Duration::from_secs(10),
        attempt: Duration::from_secs(3),
        attempts: 3,
    };

    /// One attempt of this length: for what must not be done twice without being seen.
    pub const fn once(limit: Duration) -> Self {
        Self {
            operation: limit,
            attempt: limit,
            attempts: 1,
        }
    }
}

/// A service, and how it is spoken with.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    /// In host names and signatures: `events`.
    pub name: &'static str,
    /// In settings, where it may have an endpoint of its own: `EventBridge` (SDK reference guide, service-specific endpoints).
    pub id: &'static str,
    /// How it is spoken with.
    pub protocol: Protocol,
}

/// How a service is spoken with.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    /// AWS JSON: the operation is in a header, after this.
    Json {
        /// `AWSEvents`.
        target: &'static str,
        /// `1.0` or `1.1`.
        version: &'static str,
    },
    /// REST with JSON: the operation is in the path. Without a body the method is GET.
    Rest,
    /// The same with a body, and a header.
    RestPost {
        /// Name and value: `("x-amz-invocation-type", "Event")`.
        header: (&'static str, &'static str),
    },
    /// An object of S3: the method is PUT, the body is the object, and errors are XML. Of its signature a header with the hash of
    /// the body is a part, and the path as it is (Amazon S3 API Reference, authenticating requests).
    Object,
}

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whom it is for.
    pub service: Service,
    /// As the API names it.
    pub operation: &'static str,
    /// Of the URL; `/` but for REST.
    pub path: String,
    /// What is asked.
    pub body: Value,
}

/// What a function reports of an invocation that it failed on, as the code of an error.
pub const FUNCTION_ERROR: &str = "FunctionError";

/// Services that are called by signed JSON.
#[derive(Clone, Debug)]
pub struct Signed {
    sdk: SdkConfig,
    patience: Patience,
}

impl Signed {
    /// With the credentials, the Region and the HTTP client of `sdk`.
    pub fn new(sdk: &SdkConfig, patience: Patience) -> Self {
        Self {
            sdk: sdk.clone(),
            patience,
        }
    }

    /// The answer to a call.
    ///
    /// # Errors
    ///
    /// What the service or the way to it said. An invocation that a function failed on is [`FUNCTION_ERROR`].
    pub async fn call(&self, call: Call) -> Result<Value, CallError> {
        let missing = |what| CallError::new("ConstructionFailure", what);
        let region = self.sdk.region().ok_or_else(|| missing("no Region"))?;
        let credentials = self.sdk.credentials_provider();
        let credentials = credentials.ok_or_else(|| missing("no credentials"))?;
        let http = self.sdk.http_client();
        let http = http.ok_or_else(|| missing("no HTTP client"))?;
        let Service { name, .. } = call.service;
        let endpoint = self.endpoint(call.service, region.as_ref());
        let Patience {
            operation: limit,
            attempt,
            attempts,
        } = self.patience;
        let retries = sdk::retries(Duration::from_millis(200), Duration::from_secs(1));
        let operation = Operation::builder()
            .service_name(name)
            .operation_name(call.operation)
            .behavior_version(sdk::behavior())
            .http_client(http)
            .endpoint_url(&endpoint)
            .timeout_config(sdk::timeouts(attempt, limit))
            .standard_retry(&retries.with_max_attempts(attempts))
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .runtime_plugin(signing(call.service, region.clone().into(), credentials))
            .serializer(request)
            .deserializer::<Value, ErrorMetadata>(answer)
            .build();
        Box::pin(operation.invoke(call))
            .await
            .map_err(|error| call_error(&error, limit))
    }

    /// Where a service is: as the settings say of it or of all, else by its name (AWS General Reference, service endpoints).
    fn endpoint(&self, service: Service, region: &str) -> String {
        let own = ServiceConfigKey::builder()
            .service_id(service.id)
            .env("AWS_ENDPOINT_URL")
            .profile("endpoint_url")
            .build();
        let own = self.sdk.service_config().zip(own.ok());
        let own = own.and_then(|(settings, key)| settings.load_config(key));
        if let Some(url) = own.or_else(|| self.sdk.endpoint_url().map(str::to_owned)) {
            return url.trim_end_matches('/').to_owned();
        }
        // In GovCloud the endpoints of most of these services are FIPS ones.
        let named = ["lambda", "s3", "scheduler", "securityhub"].contains(&service.name);
        let has_fips = !region.starts_with("us-gov-") || named;
        let fips = self.sdk.use_fips().unwrap_or_default() && has_fips;
        let fips = if fips { "-fips" } else { "" };
        let dual = self.sdk.use_dual_stack().unwrap_or_default();
        let (plain, both) = suffixes(region);
        match (dual, service.name) {
            // S3 says it in the host (Amazon S3 User Guide, dual-stack endpoints).
            (true, name @ "s3") => format!("https://{name}{fips}.dualstack.{region}.{plain}"),
            (true, name) => format!("https://{name}{fips}.{region}.{both}"),
            (false, name) => format!("https://{name}{fips}.{region}.{plain}"),
        }
    }
}

/// What the hosts of a Region end with: those of IPv4, and those of both (AWS General Reference, service endpoints).
fn suffixes(region: &str) -> (&'static str, &'static str) {
    match region {
        china if china.starts_with("cn-") => ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
        europe if europe.starts_with("eusc-") => ("amazonaws.eu", "api.amazonwebservices.eu"),
        _ => ("amazonaws.com", "api.aws"),
    }
}

/// Signature version 4, in the name of whoever `credentials` are.
fn signing(
    service: Service,
    region: SigningRegion,
    credentials: SharedCredentialsProvider,
) -> StaticRuntimePlugin {
    let mut config = Layer::new("signing");
    config.store_put(AuthSchemeOptionResolverParams::new(()));
    config.store_put(SigningName::from_static(service.name));
    config.store_put(region);
    let mut how = SigV4OperationSigningConfig::default();
    if matches!(service.protocol, Protocol::Object) {
        how.signing_options.content_sha256_header = true;
        how.signing_options.double_uri_encode = false;
        how.signing_options.normalize_uri_path = false;
    }
    config.store_put(how);
    let components = RuntimeComponentsBuilder::new("signing")
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![
            SCHEME_ID,
        ])))
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_identity_resolver(SCHEME_ID, credentials);
    StaticRuntimePlugin::new()
        .with_config(config.freeze())
        .with_runtime_components(components)
}

fn request(call: Call) -> Result<HttpRequest, BoxError> {
    let builder = http::Request::builder().uri(call.path);
    let request = match call.service.protocol {
        Protocol::Json { target, version } => builder
            .method("POST")
            .header("content-type", format!("application/x-amz-json-{version}"))
            .header("x-amz-target", format!("{target}.{}", call.operation))
            .body(SdkBody::from(call.body.to_string()))?,
        Protocol::Rest if call.body.is_null() => builder.method("GET").body(SdkBody::empty())?,
        Protocol::Rest => builder
            .method("POST")
            .header("content-type", "application/json")
            .body(SdkBody::from(call.body.to_string()))?,
        Protocol::RestPost {
            header: (name, value),
        } => builder
            .method("POST")
            .header("content-type", "application/json")
            .header(name, value)
            .body(SdkBody::from(call.body.to_string()))?,
        Protocol::Object => builder
            .method("PUT")
            .header("content-type", "application/json")
            .body(SdkBody::from(call.body.to_string()))?,
    };
    Ok(request.try_into()?)
}

/// The answer, or the error that it is: by the header of REST, or by a member of the body, in JSON or in XML.
fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<ErrorMetadata>> {
    let bytes = response.body().bytes().unwrap_or_default();
    let read = serde_json::from_slice::<Value>(bytes);
    // Lambda handed the event over, and the function failed: the message is the type of its error alone, since what else it
    // says may quote the event.
    if response.headers().get("x-amz-function-error").is_some() {
        let body = read.unwrap_or_default();
        let kind = body["errorType"].as_str().unwrap_or("no type of error");
        let error = ErrorMetadata::builder().code(FUNCTION_ERROR).message(kind);
        return Err(OrchestratorError::operation(error.build()));
    }
    if response.status().is_success() {
        // An empty answer says that nothing is set.
        return match read {
            Ok(body) => Ok(body),
            Err(_) if bytes.is_empty() => Ok(Value::Null),
            Err(error) => Err(OrchestratorError::other(error)),
        };
    }
    let body = read.unwrap_or_default();
    let text = |names: [&str; 3]| names.into_iter().find_map(|name| body[name].as_str());
    let xml = |name: &str| {
        let text = std::str::from_utf8(bytes).ok()?;
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once('<').map(|(value, _)| value)
    };
    let code = response
        .headers()
        .get("x-amzn-errortype")
        .or_else(|| text(["__type", "code", "Code"]))
        .or_else(|| xml("Code"));
    // `com.amazonaws.sqs#QueueDoesNotExist`, or `ResourceNotFoundException:http://…`.
    let bare = |code: &str| {
        let code = code.rsplit('#').next().unwrap_or(code);
        code.split(':').next().unwrap_or(code).to_owned()
    };
    let mut error = ErrorMetadata::builder();
    if let Some(code) = code {
        error = error.code(bare(code));
    }
    if let Some(message) = text(["message", "Message", "errorMessage"]).or_else(|| xml("Message")) {
        error = error.message(message);
    }
    Err(OrchestratorError::operation(error.build()))
}

#[cfg(test)]
mod tests;
