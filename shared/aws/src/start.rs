//! From the environment to a running function.

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use aws_config::SdkConfig;
use jiff::Timestamp;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use tokio::runtime::LocalOptions;
use watch_core::config::{Config, ConfigError, ExportConfig, RescueConfig, SweepConfig};
use watch_core::decision::Decision;
use watch_core::event::Event;
#[cfg(feature = "history")]
use watch_core::pipeline::Following;
use watch_core::pipeline::{HandleError, Outcome, Watch};
use watch_core::ports::{Clock, Kms, Ledger, Topics};
#[cfg(feature = "history")]
use watch_core::ports::{Grants, Recorder, Uses};

use crate::error::chain;
use crate::{DynamoDbAdapter, KmsAdapter, SystemClock, Ways, log, parameters, sdk, warm};

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
const MEMORY_SIZE: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// What `lambda_runtime` would panic without.
const REQUIRED: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    MEMORY_SIZE,
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Settings that a function is started with.
pub trait Settings: Sized {
    /// Reads them through `lookup`, which gives the value of an environment variable. `required` names variables that
    /// something else needs; they are reported with the rest.
    ///
    /// # Errors
    ///
    /// All missing and malformed variables together.
    fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError>;

    /// Those that every function has.
    fn alerts(&self) -> &Config;

    /// The same, to be completed.
    fn alerts_mut(&mut self) -> &mut Config;
}

impl Settings for Config {
    fn from_lookup(
        lookup: impl Fn(&str) -> Option<String>,
        required: &[&'static str],
    ) -> Result<Self, ConfigError> {
        Self::from_lookup(lookup, required)
    }

    fn alerts(&self) -> &Config {
        self
    }

    fn alerts_mut(&mut self) -> &mut Config {
        self
    }
}

/// Settings of a function that are those of alerts and more.
macro_rules! around_alerts {
    ($($config:ty),+) => {$(
        impl Settings for $config {
            fn from_lookup(
                lookup: impl Fn(&str) -> Option<String>,
                required: &[&'static str],
            ) -> Result<Self, ConfigError> {
                Self::from_lookup(lookup, required)
            }

            fn alerts(&self) -> &Config {
                &self.alerts
            }

            fn alerts_mut(&mut self) -> &mut Config {
                &mut self.alerts
            }
        }
    )+};
}

around_alerts!(SweepConfig, RescueConfig, ExportConfig);

/// What Lambda says of an invocation, besides its payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Lambda's id of it, the same when Lambda tries again.
    pub request_id: String,
    /// ARN by which the function was invoked, with the alias or version that was meant.
    pub function_arn: String,
    /// How long it was until Lambda ends the function when the invocation began, if that is known.
    pub time_left: Option<Duration>,
}

/// What a function does with each invocation.
#[expect(
    async_fn_in_trait,
    reason = "a function handles one event at a time on one thread"
)]
pub trait Handler {
    /// What Lambda is answered.
    type Outcome: Serialize;
    /// Why there is no answer.
    type Failure: Failure;

    /// Handles one invocation. The payload is any JSON, so that an event that nobody understands still gets here.
    ///
    /// # Errors
    ///
    /// Only where another try helps: Lambda invokes the function again.
    async fn handle(
        &self,
        payload: &Value,
        invocation: &Invocation,
    ) -> Result<Self::Outcome, Self::Failure>;
}

/// Why an invocation failed.
pub trait Failure: std::error::Error + 'static {
    /// The error's type as Lambda reports it.
    fn kind(&self) -> &'static str;
}

impl Failure for HandleError {
    fn kind(&self) -> &'static str {
        self.kind()
    }
}

impl<K: Kms, T: Topics, L: Ledger, C: Clock> Handler for Watch<K, T, L, C> {
    type Outcome = Outcome;
    type Failure = HandleError;

    async fn handle(
        &self,
        payload: &Value,
        invocation: &Invocation,
    ) -> Result<Outcome, HandleError> {
        self.handle(payload, &invocation.request_id).await
    }
}

#[cfg(feature = "history")]
impl<K, T, L, C, D> Handler for Following<K, T, L, C, D>
where
    K: Kms,
    T: Topics,
    L: Ledger,
    C: Clock,
    D: Grants + Uses + Recorder,
{
    type Outcome = Outcome;
    type Failure = HandleError;

    async fn handle(
        &self,
        payload: &Value,
        invocation: &Invocation,
    ) -> Result<Outcome, HandleError> {
        self.handle(payload, &invocation.request_id, invocation.time_left)
            .await
    }
}

/// Runs a function that takes one event at a time under the Lambda Runtime API until Lambda ends it.
///
/// If it cannot start, it says why as [`serve`] does.
pub fn run(function: &'static str, decide: fn(&Event) -> Decision) -> ExitCode {
    serve(function, async move |config: Config, sdk| {
        let watch = watch(function, decide, config, &sdk);
        ready(&watch, true).await;
        watch
    })
}

/// Runs a function as [`run`] does that looks, after an alert about a key that is lost, for what depends on the key.
#[cfg(feature = "history")]
pub fn run_with_dependants(function: &'static str, decide: fn(&Event) -> Decision) -> ExitCode {
    serve(function, async move |config: Config, sdk| {
        let watch = watch(function, decide, config, &sdk);
        ready(&watch, true).await;
        Following {
            watch,
            traces: crate::Traces::new(&sdk),
        }
    })
}

/// Opens the connections that an event needs.
async fn ready(watch: &Watch<KmsAdapter, Ways, DynamoDbAdapter, SystemClock>, asks_kms: bool) {
    if watch.ledger.is_none() {
        let function = watch.function;
        tracing::warn!(function, "no ledger: no de-duplication, no memory");
    }
    warm::up(
        Some(&watch.kms).filter(|_| asks_kms),
        &watch.topics.topics,
        watch.ledger.as_ref(),
        &watch.config,
    )
    .await;
}

/// A function's path of one event as [`watch`] makes it, of a function that never asks KMS anything, with open connections.
pub async fn watch_without_keys(
    function: &'static str,
    decide: fn(&Event) -> Decision,
    config: Config,
    sdk: &SdkConfig,
) -> Watch<KmsAdapter, Ways, DynamoDbAdapter, SystemClock> {
    let watch = watch(function, decide, config, sdk);
    ready(&watch, false).await;
    watch
}

/// A function's path of one event as [`watch`] makes it, with open connections.
pub async fn watch_ready(
    function: &'static str,
    decide: fn(&Event) -> Decision,
    config: Config,
    sdk: &SdkConfig,
) -> Watch<KmsAdapter, Ways, DynamoDbAdapter, SystemClock> {
    let watch = watch(function, decide, config, sdk);
    ready(&watch, true).await;
    watch
}

/// Runs any function under the Lambda Runtime API until Lambda ends it: reads its settings, and has `prepare` make of
/// them what handles its invocations.
///
/// If it cannot start, it says why in one line of JSON on stderr, with every missing and malformed variable, and
/// writes nothing else. What is wrong with settings that may be left out keeps it from nothing, and is said in the log.
pub fn serve<S: Settings + 'static, H: Handler>(
    function: &'static str,
    prepare: impl AsyncFnOnce(S, SdkConfig) -> H + 'static,
) -> ExitCode {
    let mut settings: S = match settings(environment) {
        Ok(settings) => settings,
        Err(problems) => return fatal(function, "invalid configuration", problems),
    };
    // One event at a time, and no work for a second thread.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
    {
        Ok(runtime) => runtime,
        Err(error) => return fatal(function, "no runtime", vec![chain(&error)]),
    };
    log::init(environment);
    let served = async move {
        let sdk = sdk::load(environment, &settings.alerts().alert_topic).await;
        complete(settings.alerts_mut(), &sdk).await;
        for setting in &settings.alerts().ignored {
            // In these words: an alarm of the template looks for them in the log.
            tracing::error!(function, setting, "setting ignored");
        }
        poll(&prepare(settings, sdk).await).await
    };
    // As a task: what the runtime itself blocks on costs it one more look at the operating system's events when woken.
    match runtime.block_on(runtime.spawn_local(served)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Err(error) => fatal(function, "the function broke", vec![chain(&error)]),
        Ok(Err(error)) => fatal(
            function,
            "the Lambda Runtime API failed",
            vec![chain(error.as_ref())],
        ),
    }
}

/// Reads those settings that are too long for the environment. A function starts without them, too, and says so.
async fn complete(config: &mut Config, sdk: &SdkConfig) {
    if let Some(name) = config.trusted_parameter.clone() {
        config.trust(parameters::read(sdk, &name).await);
    }
}

/// A function's path of one event, on the services that `sdk` leads to.
pub fn watch(
    function: &'static str,
    decide: fn(&Event) -> Decision,
    config: Config,
    sdk: &SdkConfig,
) -> Watch<KmsAdapter, Ways, DynamoDbAdapter, SystemClock> {
    let ledger = config.ledger_table.as_deref();
    let has_bus = config.event_bus.is_some();
    Watch {
        function,
        ledger: ledger.map(|table| DynamoDbAdapter::new(sdk, table)),
        config,
        decide,
        kms: KmsAdapter::new(sdk),
        topics: Ways::new(sdk, has_bus),
        clock: SystemClock,
    }
}

/// Asks Lambda for one invocation after the other.
async fn poll<H: Handler>(handler: &H) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let invocation = Invocation {
            time_left: time_left(event.context.deadline, SystemClock.now()),
            request_id: event.context.request_id,
            function_arn: event.context.invoked_function_arn,
        };
        handler
            .handle(&event.payload, &invocation)
            .await
            .map_err(|error| diagnostic(&error))
    }))
    .await
}

/// The time until a deadline in milliseconds of Unix time. Zero is what the runtime has where Lambda says nothing.
fn time_left(deadline: u64, now: Timestamp) -> Option<Duration> {
    let now = u64::try_from(now.as_millisecond()).unwrap_or_default();
    (deadline > 0).then(|| Duration::from_millis(deadline.saturating_sub(now)))
}

/// What Lambda keeps of a failed invocation.
fn diagnostic(error: &impl Failure) -> Diagnostic {
    Diagnostic {
        error_type: error.kind().to_owned(),
        error_message: chain(error),
    }
}

/// The settings, or everything that is wrong with them and with what `lambda_runtime` will read.
fn settings<S: Settings>(lookup: impl Fn(&str) -> Option<String>) -> Result<S, Vec<String>> {
    let malformed = |name: &str, wanted: &str, valid: fn(&str) -> bool| {
        let value = lookup(name).filter(|value| !value.trim().is_empty() && !valid(value));
        value.map(|value| format!("{name} is malformed: not {wanted}: {value:?}"))
    };
    let is_authority = |api: &str| {
        api.parse::<http::Uri>()
            .is_ok_and(|uri| uri.authority().is_some())
    };
    let runtime_problems = [
        malformed(RUNTIME_API, "a host and port", is_authority),
        malformed(MEMORY_SIZE, "a number", |size| size.parse::<i32>().is_ok()),
    ];
    let settings = S::from_lookup(&lookup, &REQUIRED);
    let mut runtime_problems = runtime_problems.into_iter().flatten().peekable();
    match settings {
        Ok(settings) if runtime_problems.peek().is_none() => Ok(settings),
        // Where a function cannot start, everything is said that is wrong.
        Ok(settings) => Err(settings
            .alerts()
            .ignored
            .iter()
            .cloned()
            .chain(runtime_problems)
            .collect()),
        Err(error) => Err(error
            .problems()
            .iter()
            .cloned()
            .chain(runtime_problems)
            .collect()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "here the environment is handed to from_lookup"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Why a function ends, in the form of its other log lines.
#[derive(Serialize)]
struct Fatal<'a> {
    timestamp: String,
    level: &'static str,
    message: &'a str,
    function: &'a str,
    problems: Vec<String>,
}

fn fatal(function: &str, message: &str, problems: Vec<String>) -> ExitCode {
    let timestamp = SystemClock.now().to_string();
    let line = Fatal {
        timestamp,
        level: "ERROR",
        message,
        function,
        problems,
    };
    if let Ok(line) = serde_json::to_string(&line) {
        // Where stderr is closed, the exit code has to do.
        let _ = writeln!(std::io::stderr(), "{line}");
    }
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_never_more_than_there_is() {
        let now = "2026-11-20T12:00:00.5Z".parse().unwrap();
        for (deadline, expected) in [
            (1_795_176_001_750, Some(Duration::from_millis(1_250))),
            (1_795_176_000_500, Some(Duration::ZERO)),
            (1_795_176_000_499, Some(Duration::ZERO)),
            (1, Some(Duration::ZERO)),
            (0, None),
        ] {
            assert_eq!(time_left(deadline, now), expected, "{deadline}");
        }
        let before_unix = "1969-12-31T23:59:59Z".parse().unwrap();
        assert_eq!(time_left(1, before_unix), Some(Duration::from_millis(1)));
    }
}
