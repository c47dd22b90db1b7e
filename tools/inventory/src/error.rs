//! Why there is no report, what to do about it, and the exit code that says so.

use std::io;
use std::path::PathBuf;

use watch_core::arn::Region;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text::Untrusted;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("{0}\n`cargo inventory -- --help` shows what there is")]
    Usage(lexopt::Error),
    #[error("cannot write to {file}: {problem}", file = file.display())]
    Unfit {
        file: PathBuf,
        problem: &'static str,
    },
    #[error(
        "no Region is configured\nname one with --region, set AWS_REGION, or write `region = …` into the profile"
    )]
    NoRegion,
    #[error("no credentials: {reason}\n{advice}", reason = reason.as_str())]
    Credentials {
        reason: Untrusted,
        advice: &'static str,
    },
    #[error("failed to list the keys in {region}: {error}\n{advice}", region = region.as_str(), advice = advice(error))]
    List { region: Region, error: CallError },
    #[error("failed to start the embedded AWS")]
    Demo(#[source] io::Error),
    #[error("failed to write {file}", file = file.display())]
    Write {
        file: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("failed to write the report")]
    Output(#[from] io::Error),
}

impl InventoryError {
    /// 2 for what stands on the command line, 3 for everything else: 1 says that a key is what somebody feared.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::Unfit { .. } => 2,
            _ => 3,
        }
    }
}

impl From<lexopt::Error> for InventoryError {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<csv::Error> for InventoryError {
    fn from(error: csv::Error) -> Self {
        Self::Output(error.into())
    }
}

impl From<serde_json::Error> for InventoryError {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

/// What to do when KMS refuses a list, or cannot be asked.
fn advice(error: &CallError) -> &'static str {
    let code = error.code().as_str();
    let code = code.strip_suffix("Exception").unwrap_or(code);
    match code {
        "ExpiredToken" | "RequestExpired" => {
            "the credentials have expired: sign in again (`aws sso login`), or get new ones"
        }
        "UnrecognizedClient"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "MissingAuthenticationToken" => {
            "AWS does not know these credentials there: they may be deleted or of another partition, or the Region is \
             not enabled for the account"
        }
        "InvalidSignature" | "SignatureDoesNotMatch" | "IncompleteSignature" => {
            "the secret key is wrong, or the clock of this machine is"
        }
        _ => match error.kind() {
            CallErrorKind::Denied => {
                "these credentials lack the permission: the README lists what an IAM policy has to allow"
            }
            CallErrorKind::Throttled => {
                "others use up KMS's request quota of the account: try again later"
            }
            CallErrorKind::Timeout => NETWORK,
            _ if error.code().as_str() == "DispatchFailure" => NETWORK,
            _ => "try again; `aws kms list-keys` with the same credentials and Region may say more",
        },
    }
}

const NETWORK: &str =
    "KMS did not answer: check the network, HTTPS_PROXY, and the name of the Region";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_comes_with_advice_of_its_own() {
        let refusals = [
            "ExpiredTokenException",
            "UnrecognizedClientException",
            "InvalidSignatureException",
            "AccessDeniedException",
            "ThrottlingException",
            "DispatchFailure",
            "KMSInternalException",
        ];
        let all: std::collections::BTreeSet<_> = refusals
            .iter()
            .map(|code| advice(&CallError::new(code, "")))
            .collect();
        assert_eq!(all.len(), refusals.len());
        assert_eq!(
            advice(&CallError::timeout(std::time::Duration::ZERO)),
            NETWORK
        );
    }
}
