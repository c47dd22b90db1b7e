//! Why there is no report, or less of one, and what to do about it.

use std::io;

use watch_core::enrichment::Missing;
use watch_core::text::Untrusted;

use crate::account::AccountError;
use crate::demo::error::DemoError;
use crate::exit_codes;
use crate::output::TargetError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DependantsError {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Demo(#[from] DemoError),
    #[error(transparent)]
    File(#[from] TargetError),
    #[error(
        "KMS knows no key \"{wanted}\" in {region}\nname another Region with --region, or give the key's ARN; of a deleted key the \
         ledger may know: kms-watch history",
        wanted = wanted.as_str()
    )]
    UnknownKey { wanted: Untrusted, region: String },
    #[error(
        "DescribeKey failed: {reason}\nthe key has to be in this account and Region, and you may need kms:DescribeKey",
        reason = reason.as_str()
    )]
    Refused { reason: Untrusted },
    #[error("failed to write")]
    Output(#[from] io::Error),
}

impl DependantsError {
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::UnknownKey { .. } => exit_codes::FOUND,
            Self::File(TargetError::Unfit { .. }) => exit_codes::USAGE,
            Self::Demo(error) => error.exit_code(),
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_codes::DONE,
            _ => exit_codes::INCOMPLETE,
        }
    }
}

/// What to do about an answer that did not come.
pub(crate) fn advice_for(missing: &Missing) -> String {
    if missing.throttled {
        return "others use up the quota of the account and Region: try again later".to_owned();
    }
    let permission = match missing.fact {
        "grants" => "kms:ListGrants on the key",
        "aliases" => "kms:ListAliases on *",
        "lastUse" => "kms:GetKeyLastUsage on the key",
        "config" => {
            return "AWS Config has to record in this Region, and you may need config:SelectResourceConfig and \
                    config:DescribeConfigurationRecorderStatus on *"
                .to_owned();
        }
        _ => "cloudtrail:LookupEvents on *",
    };
    format!("you may need {permission}; the report has what the other sources say")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_gap_comes_with_the_permission_that_it_may_lack() {
        for (fact, permission) in [
            ("grants", "kms:ListGrants"),
            ("aliases", "kms:ListAliases"),
            ("lastUse", "kms:GetKeyLastUsage"),
            ("eventHistory", "cloudtrail:LookupEvents"),
            ("lastUseEvent", "cloudtrail:LookupEvents"),
            ("config", "config:SelectResourceConfig"),
        ] {
            let mut missing = Missing {
                fact,
                reason: Untrusted::new("no"),
                throttled: false,
            };
            assert!(advice_for(&missing).contains(permission), "{fact}");
            missing.throttled = true;
            assert!(advice_for(&missing).contains("try again later"));
        }
    }
}
