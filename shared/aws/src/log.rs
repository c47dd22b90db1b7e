//! The function's log, on stdout.

use lambda_runtime::tracing::subscriber::filter::Targets;
use lambda_runtime::tracing::subscriber::layer::SubscriberExt;
use lambda_runtime::tracing::subscriber::util::SubscriberInitExt;
use lambda_runtime::tracing::subscriber::{Layer, fmt, registry};

/// Crates that log whole requests and events at their finer levels. A log must not hold what an event holds.
const QUIET: &str = "lambda_runtime=info,lambda_runtime_api_client=info,aws_smithy_runtime=info,aws_sdk_kms=info,\
                     aws_sdk_sns=info,aws_sdk_dynamodb=info,aws_sdk_cloudtrail=info,aws_sdk_cloudwatch=info,\
                     aws_config=info,hyper=info,hyper_util=info";

/// Writes the log as Lambda's settings say.
///
/// As JSON each line has `timestamp` and `level`: Lambda filters the lines of a custom runtime only if both are there
/// (Lambda Developer Guide, log-level filtering). As text it has no time, since CloudWatch adds it.
pub(crate) fn init(lookup: impl Fn(&str) -> Option<String>) {
    let json =
        lookup("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json"));
    let log = fmt::layer().with_target(false);
    let log = if json {
        log.json().boxed()
    } else {
        log.without_time().with_ansi(false).boxed()
    };
    registry().with(filter(&lookup)).with(log).init();
}

/// By target and level alone: nobody needs to choose by the fields of a span, and the regular expressions for it are a
/// part of what each start has to load.
///
/// What cannot be read is taken for nothing said, since a log must not keep a function from starting.
fn filter(lookup: impl Fn(&str) -> Option<String>) -> Targets {
    let default = || directives(|_| None).parse();
    directives(lookup)
        .parse()
        .or_else(|_| default())
        .unwrap_or_default()
}

fn directives(lookup: impl Fn(&str) -> Option<String>) -> String {
    // A developer's own directives are taken as they are.
    if let Some(directives) =
        lookup("RUST_LOG").filter(|_| lookup("AWS_LAMBDA_LOG_LEVEL").is_none())
    {
        return directives;
    }
    let level = match lookup("AWS_LAMBDA_LOG_LEVEL")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "trace" => "trace",
        "debug" => "debug",
        "warn" => "warn",
        // Lambda has a level above `error` that Rust has not.
        "error" | "fatal" => return "error".to_owned(),
        _ => "info",
    };
    match level {
        "warn" => level.to_owned(),
        _ => format!("{level},{QUIET}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> String {
        directives(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn lambdas_level_counts_before_rusts() {
        assert_eq!(with(&[]), format!("info,{QUIET}"));
        assert_eq!(with(&[("AWS_LAMBDA_LOG_LEVEL", "WARN")]), "warn");
        assert_eq!(with(&[("AWS_LAMBDA_LOG_LEVEL", "FATAL")]), "error");
        assert_eq!(
            with(&[("AWS_LAMBDA_LOG_LEVEL", "loud")]),
            format!("info,{QUIET}")
        );
        assert_eq!(with(&[("RUST_LOG", "hyper=trace")]), "hyper=trace");
        assert_eq!(
            with(&[("RUST_LOG", "trace"), ("AWS_LAMBDA_LOG_LEVEL", "ERROR")]),
            "error"
        );
    }

    #[test]
    fn the_finest_level_does_not_let_events_into_the_log() {
        let filter =
            filter(|name| (name == "AWS_LAMBDA_LOG_LEVEL").then(|| "TRACE".to_owned())).to_string();
        assert!(
            filter.contains("trace") && filter.contains("lambda_runtime=info"),
            "{filter}"
        );
    }

    #[test]
    fn directives_that_cannot_be_read_leave_the_default() {
        let filter =
            filter(|name| (name == "RUST_LOG").then(|| "hyper=loud,[span]=trace".to_owned()));
        assert_eq!(filter.to_string(), super::filter(|_| None).to_string());
        assert!(filter.to_string().contains("hyper=info"), "{filter}");
    }
}
