//! What can go wrong in the demo, and the exit code that says so.

use std::io;

use aws_sdk_kms::error::ProvideErrorMetadata;
use watch_core::pipeline::HandleError;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
    #[error("{0}\n      `cargo demo -- --help` shows what there is")]
    Usage(lexopt::Error),
    #[error("failed to read {name}")]
    Read {
        name: String,
        #[source]
        source: io::Error,
    },
    #[error("{name} is not JSON")]
    Json {
        name: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("a call to the embedded AWS failed: {0}")]
    Aws(String),
    #[error("the ledger knows no key \"{wanted}\"; it knows\n{known}")]
    UnknownKey { wanted: String, known: String },
    #[error("an alert was not delivered")]
    Handle(#[from] HandleError),
    #[error("a sweep is not complete")]
    Sweep(#[from] key_inventory::Failed),
    #[error("failed to write")]
    Output(#[from] io::Error),
    #[error("the configuration is wrong")]
    Config(#[from] watch_core::config::ConfigError),
}

impl DemoError {
    /// A call that the embedded AWS refused.
    pub(crate) fn refused(error: &impl ProvideErrorMetadata) -> Self {
        let (code, message) = (
            error.code().unwrap_or("no code"),
            error.message().unwrap_or("no message"),
        );
        Self::Aws(format!("{code}: {message}"))
    }
}

impl From<lexopt::Error> for DemoError {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error)
    }
}

impl DemoError {
    /// 2 for what the user can mend, as usual on a command line.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Read { .. } | Self::Json { .. } => 2,
            Self::Aws(_)
            | Self::UnknownKey { .. }
            | Self::Handle(_)
            | Self::Sweep(_)
            | Self::Output(_)
            | Self::Config(_) => 1,
        }
    }
}
