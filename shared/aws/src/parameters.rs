//! Reading what of the settings stands in Systems Manager's Parameter Store.
//!
//! Two operations in JSON, put together by hand from what is below every client of the SDK: the client for Systems Manager
//! has some hundred operations more, and would be the largest part of a function (`docs/adr/0023-trusted-parameter.md`).

use std::fmt;
use std::time::{Duration, SystemTime};

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::service_config::ServiceConfigKey;
use serde_json::{Value, json};
use watch_core::ports::{CallError, Clock as _};

use crate::SystemClock;

#[cfg(test)]
mod tests;

/// Longest wait, tries and pages included. Lambda gives a function ten seconds to start, and an event waits for it.
const LIMIT: Duration = Duration::from_secs(2);
/// Before the one further try.
const PAUSE: Duration = Duration::from_millis(200);
/// Pages of ten parameters of 8 KB: some thirty thousand accounts.
const PAGES: usize = 5;

/// The values of the parameter with this name, or, if there is none, of all parameters below it as a path.
pub(crate) async fn read(sdk: &SdkConfig, name: &str) -> Result<Vec<String>, CallError> {
    let read = async {
        let one = json!({"Name": name});
        match ask(sdk, "GetParameter", &one).await {
            Ok(answer) => Ok(value(&answer["Parameter"]).into_iter().collect()),
            Err(error) if error.code().as_str() == "ParameterNotFound" => below(sdk, name).await,
            Err(error) => Err(error),
        }
    };
    let limited = tokio::time::timeout(LIMIT, read).await;
    limited.unwrap_or_else(|_| Err(CallError::timeout(LIMIT)))
}

async fn below(sdk: &SdkConfig, path: &str) -> Result<Vec<String>, CallError> {
    let mut values = Vec::new();
    let mut request = json!({"Path": path, "Recursive": true, "MaxResults": 10});
    for _ in 0..PAGES {
        let answer = ask(sdk, "GetParametersByPath", &request).await?;
        let parameters = answer["Parameters"].as_array();
        values.extend(parameters.into_iter().flatten().filter_map(value));
        match answer["NextToken"].as_str() {
            Some(token) => request["NextToken"] = token.into(),
            None if values.is_empty() => {
                let what = format!("there is neither {path} nor a parameter below it");
                return Err(CallError::new("ParameterNotFound", &what));
            }
            None => return Ok(values),
        }
    }
    Err(CallError::new(
        "TooMany",
        "there are more parameters than are read",
    ))
}

/// The value of a parameter of type `String` or `StringList`.
fn value(parameter: &Value) -> Option<String> {
    parameter["Value"].as_str().map(str::to_owned)
}

/// One call, and another if the first met what passes.
async fn ask(sdk: &SdkConfig, operation: &'static str, body: &Value) -> Result<Value, CallError> {
    match once(sdk, operation, body).await {
        Err(Failure::Passes(_)) => {
            tokio::time::sleep(PAUSE).await;
            once(sdk, operation, body)
                .await
                .map_err(Failure::into_error)
        }
        done => done.map_err(Failure::into_error),
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Failure {
    /// It may be another answer in a moment.
    Passes(CallError),
    /// It will not.
    Stays(CallError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Passes(error) | Self::Stays(error)) = self;
        error.fmt(f)
    }
}

impl std::error::Error for Failure {}

impl Failure {
    fn into_error(self) -> CallError {
        match self {
            Self::Passes(error) | Self::Stays(error) => error,
        }
    }
}

async fn once(sdk: &SdkConfig, operation: &'static str, body: &Value) -> Result<Value, Failure> {
    let stays = |what: &str| Failure::Stays(CallError::new("NotSent", what));
    let http_client = sdk.http_client().ok_or_else(|| stays("no HTTP client"))?;
    let url = endpoint(sdk).ok_or_else(|| stays("no Region"))?;
    let request = Request::signed(sdk, &url, operation, body.to_string()).await?;
    let operation = Operation::builder()
        .service_name("SSM")
        .operation_name(operation)
        .behavior_version(crate::sdk::behavior())
        .http_client(http_client)
        .endpoint_url(&url)
        .no_auth()
        .no_retry()
        .timeout_config(TimeoutConfig::disabled())
        .serializer(|request: Request| request.into_http())
        .deserializer(answer)
        .build();
    match operation.invoke(request).await {
        Ok(answer) => Ok(answer),
        Err(SdkError::ServiceError(error)) => Err(error.into_err()),
        Err(error) => {
            let why = crate::error::chain(&error);
            Err(Failure::Passes(CallError::new("NoAnswer", &why)))
        }
    }
}

/// The service's address: that of the settings, or the Region's.
fn endpoint(sdk: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("SSM")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    let own = sdk.service_config().zip(key.ok());
    let own = own.and_then(|(settings, key)| settings.load_config(key));
    if let Some(url) = own.or_else(|| sdk.endpoint_url().map(str::to_owned)) {
        return Some(url.trim_end_matches('/').to_owned());
    }
    let region = sdk.region()?.as_ref();
    let fips = if sdk.use_fips() == Some(true) {
        "-fips"
    } else {
        ""
    };
    let domain = match region.split('-').next() {
        Some("cn") => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    Some(format!("https://ssm{fips}.{region}.{domain}"))
}

/// A request that only has to be sent.
#[derive(Debug)]
struct Request {
    headers: Vec<(String, String)>,
    body: String,
}

impl Request {
    async fn signed(
        sdk: &SdkConfig,
        url: &str,
        operation: &str,
        body: String,
    ) -> Result<Self, Failure> {
        let stays = |error: &dyn std::error::Error| {
            Failure::Stays(CallError::new("NotSigned", &error.to_string()))
        };
        let provider = sdk.credentials_provider();
        let provider = provider
            .ok_or_else(|| Failure::Stays(CallError::new("NotSigned", "no credentials")))?;
        let credentials = provider
            .provide_credentials()
            .await
            .map_err(|e| stays(&e))?;
        let identity = credentials.into();
        let settings = v4::SigningParams::builder()
            .identity(&identity)
            .region(sdk.region().map_or("", AsRef::as_ref))
            .name("ssm")
            .time(SystemTime::from(SystemClock.now()))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| stays(&error))?;
        let target = format!("AmazonSSM.{operation}");
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", &target),
        ];
        let signable = SignableRequest::new(
            "POST",
            format!("{url}/"),
            headers.into_iter(),
            SignableBody::Bytes(body.as_bytes()),
        )
        .map_err(|error| stays(&error))?;
        let signature = sign(signable, &settings.into()).map_err(|error| stays(&error))?;
        let (instructions, _) = signature.into_parts();
        let headers = headers.into_iter().chain(instructions.headers());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Ok(Self {
            headers: headers.collect(),
            body,
        })
    }

    fn into_http(self) -> Result<HttpRequest, BoxError> {
        let mut request = http::Request::post("/");
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        Ok(HttpRequest::try_from(
            request.body(SdkBody::from(self.body))?,
        )?)
    }
}

/// What the service says.
fn answer(response: &HttpResponse) -> Result<Value, OrchestratorError<Failure>> {
    let body = response.body().bytes().unwrap_or_default();
    let read: Value = serde_json::from_slice(body).unwrap_or_default();
    let status = response.status().as_u16();
    if response.status().is_success() && read.is_object() {
        return Ok(read);
    }
    let kind = read["__type"].as_str().unwrap_or("Unknown");
    let code = kind.rsplit('#').next().unwrap_or(kind);
    let message = read["message"].as_str().or(read["Message"].as_str());
    let message = message.map_or_else(|| format!("status {status}"), str::to_owned);
    let error = CallError::new(code, &message);
    let passes = status >= 500 || code.contains("Throttl");
    let failure = if passes {
        Failure::Passes(error)
    } else {
        Failure::Stays(error)
    };
    Err(OrchestratorError::operation(failure))
}
