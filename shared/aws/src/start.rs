//! From the environment to a running function.

use std::io::Write;
use std::process::ExitCode;

use aws_config::SdkConfig;
use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;
use watch_core::config::Config;
use watch_core::decision::Decision;
use watch_core::event::Event;
use watch_core::pipeline::{HandleError, Watch};
use watch_core::ports::Clock;

use crate::error::chain;
use crate::{DynamoDbAdapter, KmsAdapter, SnsAdapter, SystemClock, log, sdk, warm};

const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";
const MEMORY_SIZE: &str = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE";

/// What `lambda_runtime` would panic without.
const REQUIRED: [&str; 4] = [
    RUNTIME_API,
    "AWS_LAMBDA_FUNCTION_NAME",
    MEMORY_SIZE,
    "AWS_LAMBDA_FUNCTION_VERSION",
];

/// Runs a function under the Lambda Runtime API until Lambda ends it.
///
/// If it cannot start, it says why in one line of JSON on stderr, with every missing and malformed variable, and
/// writes nothing else.
pub fn run(function: &'static str, decide: fn(&Event) -> Decision) -> ExitCode {
    let config = match configuration(environment) {
        Ok(config) => config,
        Err(problems) => return fatal(function, "invalid configuration", problems),
    };
    // One event at a time, and no work for a second thread.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return fatal(function, "no runtime", vec![chain(&error)]),
    };
    log::init(environment);
    match runtime.block_on(serve(function, decide, config)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fatal(
            function,
            "the Lambda Runtime API failed",
            vec![chain(error.as_ref())],
        ),
    }
}

/// A function's path of one event, on the services that `sdk` leads to.
pub fn watch(
    function: &'static str,
    decide: fn(&Event) -> Decision,
    config: Config,
    sdk: &SdkConfig,
) -> Watch<KmsAdapter, SnsAdapter, DynamoDbAdapter, SystemClock> {
    let ledger = config.ledger_table.as_deref();
    Watch {
        function,
        ledger: ledger.map(|table| DynamoDbAdapter::new(sdk, table)),
        config,
        decide,
        kms: KmsAdapter::new(sdk),
        topics: SnsAdapter::new(sdk),
        clock: SystemClock,
    }
}

async fn serve(
    function: &'static str,
    decide: fn(&Event) -> Decision,
    config: Config,
) -> Result<(), lambda_runtime::Error> {
    if config.ledger_table.is_none() {
        tracing::warn!(function, "no ledger: no de-duplication, no memory");
    }
    let sdk = sdk::load(environment, &config.alert_topic).await;
    let watch = &watch(function, decide, config, &sdk);
    warm::up(
        &watch.kms,
        &watch.topics,
        watch.ledger.as_ref(),
        &watch.config,
    )
    .await;
    // The payload is taken as any JSON, so that an event that nobody understands still reaches our own code.
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        watch
            .handle(&event.payload, &event.context.request_id)
            .await
            .map_err(|error| diagnostic(&error))
    }))
    .await
}

/// What Lambda keeps of a failed invocation.
fn diagnostic(error: &HandleError) -> Diagnostic {
    Diagnostic {
        error_type: error.kind().to_owned(),
        error_message: chain(error),
    }
}

/// The settings, or everything that is wrong with them and with what `lambda_runtime` will read.
fn configuration(lookup: impl Fn(&str) -> Option<String>) -> Result<Config, Vec<String>> {
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
    let config = Config::from_lookup(&lookup, &REQUIRED);
    let mut problems = config
        .as_ref()
        .err()
        .map(|error| error.problems().to_vec())
        .unwrap_or_default();
    problems.extend(runtime_problems.into_iter().flatten());
    match config {
        Ok(config) if problems.is_empty() => Ok(config),
        _ => Err(problems),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "here the environment is handed to Config::from_lookup"
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
