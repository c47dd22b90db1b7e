//! What can go wrong in the demo, and the exit code that says so.

use std::io;

use aws_sdk_kms::error::ProvideErrorMetadata;
use watch_core::pipeline::HandleError;

use crate::exit_codes;
use crate::output::TargetError;

/// Why the demo stopped.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DemoError {
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
    #[error(transparent)]
    File(#[from] TargetError),
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

impl DemoError {
    /// That of a command that ended with it.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Read { .. } | Self::Json { .. } | Self::File(TargetError::Unfit { .. }) => {
                exit_codes::USAGE
            }
            // Somebody has seen enough: `kms-watch demo | head`.
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_codes::DONE,
            _ => exit_codes::INCOMPLETE,
        }
    }
}
