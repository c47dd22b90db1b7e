//! The built `kms-watch` as a person runs it, on the embedded AWS.

use std::path::PathBuf;
use std::process::{Command, Output};

use watch_local::LocalAws;

use crate::binary;

/// What came of a command.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

/// The command with credentials and a Region, and nothing else of whoever runs the test.
pub fn command(aws: &LocalAws, words: &[&str]) -> Command {
    let mut command = Command::new(binary("kms-watch"));
    command
        .args(words)
        .env_clear()
        .env("HOME", nowhere())
        .env("AWS_CONFIG_FILE", nowhere())
        .env("AWS_SHARED_CREDENTIALS_FILE", nowhere())
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL", aws.endpoint_url())
        .env("AWS_REGION", aws.region())
        .env("AWS_ACCESS_KEY_ID", "AKIDPERSON")
        .env("AWS_SECRET_ACCESS_KEY", "secret");
    command
}

/// Runs the command to its end.
///
/// # Panics
///
/// If it cannot be started, or writes what is no text.
pub fn kms_watch(aws: &LocalAws, words: &[&str]) -> Ran {
    command(aws, words).output().expect("it starts").into()
}

fn nowhere() -> PathBuf {
    PathBuf::from("/nonexistent")
}
