//! What can go wrong in the demo, and the exit code that says so.

use std::io;

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
    #[error("an alert was not delivered")]
    Handle(#[from] HandleError),
    #[error("failed to write")]
    Output(#[from] io::Error),
    #[error("the configuration is wrong")]
    Config(#[from] watch_core::config::ConfigError),
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
            Self::Aws(_) | Self::Handle(_) | Self::Output(_) | Self::Config(_) => 1,
        }
    }
}
