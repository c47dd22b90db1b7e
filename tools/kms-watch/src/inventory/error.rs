//! Why there is no report, and what to do about it.

use std::io;

use watch_core::arn::Region;
use watch_core::ports::{CallError, CallErrorKind};

use crate::account::AccountError;
use crate::exit_codes;
use crate::output::TargetError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InventoryError {
    #[error("{0}\n`kms-watch inventory --help` shows what there is")]
    Usage(&'static str),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    File(#[from] TargetError),
    #[error("{operation} failed in {region}: {error}\n{advice}", region = region.as_str(), advice = advice(error))]
    List {
        operation: &'static str,
        region: Region,
        error: CallError,
    },
    #[error("{operation} failed: {error}\n{advice}", advice = organization_advice(error))]
    Organization {
        operation: &'static str,
        error: CallError,
    },
    #[error("failed to start the embedded AWS")]
    Demo(#[source] io::Error),
    #[error("failed to write the report")]
    Output(#[from] io::Error),
}

impl InventoryError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::File(TargetError::Unfit { .. }) => exit_codes::USAGE,
            _ => exit_codes::INCOMPLETE,
        }
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
                "these credentials lack the permission: docs/inventory.md lists what an IAM policy has to allow"
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

/// What to do when the organisation's accounts cannot be listed.
fn organization_advice(error: &CallError) -> &'static str {
    match error.code().as_str() {
        "AWSOrganizationsNotInUseException" => {
            "the account of these credentials is in no organisation: leave out --organization"
        }
        _ if error.kind() == CallErrorKind::Denied => {
            "organizations:ListAccounts may be called from the management account or a delegated administrator's, by an \
             identity that an IAM policy allows it: name such a role with --role-arn"
        }
        _ => advice(error),
    }
}

/// What to do when a role cannot be assumed.
pub(crate) fn role_advice(error: &CallError) -> &'static str {
    match error.kind() {
        CallErrorKind::Denied => {
            "its trust policy has to allow these credentials sts:AssumeRole, and so has their own IAM policy; --external-id names \
             the id that it may want"
        }
        _ => advice(error),
    }
}

const NETWORK: &str =
    "AWS did not answer: check the network, HTTPS_PROXY, and the name of the Region";

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
