//! The Regions of an account: as the account says, else all that there are.

use aws_config::SdkConfig;
use watch_aws::AccountsAdapter;
use watch_core::arn::{Partition, Region};
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

/// The Regions of a partition with KMS: those that every account has, and those that it has to enable first (AWS Account
/// Management Reference Guide, enable or disable Regions).
const KNOWN: [(&str, &str, &str); 4] = [
    (
        "aws",
        "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-southeast-1 ap-southeast-2 ca-central-1 eu-central-1 \
         eu-north-1 eu-west-1 eu-west-2 eu-west-3 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
        "af-south-1 ap-east-1 ap-east-2 ap-south-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7 \
         ca-west-1 eu-central-2 eu-south-1 eu-south-2 il-central-1 me-central-1 me-south-1 mx-central-1",
    ),
    ("aws-cn", "cn-north-1 cn-northwest-1", ""),
    ("aws-us-gov", "us-gov-east-1 us-gov-west-1", ""),
    ("aws-eusc", "eusc-de-east-1", ""),
];

/// Where an account is looked into.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    pub(crate) all: Vec<Region>,
    /// The account did not say which it has: these are all that are known, and why.
    pub(crate) assumed: Option<CallError>,
}

impl Regions {
    /// Those that are named, else those that are enabled for the account of the credentials.
    pub(crate) async fn of(named: Vec<Region>, sdk: &SdkConfig, partition: &Partition) -> Self {
        if !named.is_empty() {
            return Self {
                all: named,
                assumed: None,
            };
        }
        match AccountsAdapter::new(sdk, partition).regions().await {
            Ok(all) => Self { all, assumed: None },
            Err(error) => Self {
                all: known(partition),
                assumed: Some(error),
            },
        }
    }

    /// A Region that is only assumed to be enabled says by this refusal that it is not.
    pub(crate) fn is_disabled(&self, region: &Region, error: &CallError) -> bool {
        let code = error.code().as_str();
        let code = code.strip_suffix("Exception").unwrap_or(code);
        let is_unknown_there = ["UnrecognizedClient", "InvalidClientTokenId"].contains(&code);
        self.assumed.is_some() && is_unknown_there && has_to_be_enabled(region)
    }

    pub(crate) fn why_assumed(&self) -> Option<Untrusted> {
        self.assumed.as_ref().map(CallError::reason)
    }
}

fn known(partition: &Partition) -> Vec<Region> {
    let of_partition = KNOWN
        .iter()
        .filter(|(name, ..)| *name == partition.as_str());
    let names = of_partition
        .flat_map(|(_, always, opt_in)| always.split_whitespace().chain(opt_in.split_whitespace()));
    names.filter_map(Region::new).collect()
}

fn has_to_be_enabled(region: &Region) -> bool {
    let mut opt_in = KNOWN
        .iter()
        .flat_map(|(.., names)| names.split_whitespace());
    opt_in.any(|name| name == region.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_is_not_enabled_is_told_from_one_that_refuses() {
        let aws = Partition::new("aws").unwrap();
        let assumed = Regions {
            all: known(&aws),
            assumed: Some(CallError::new("AccessDeniedException", "")),
        };
        assert_eq!(assumed.all.len(), 34);
        let region = |name: &str| Region::new(name).unwrap();
        let unknown = CallError::new("UnrecognizedClientException", "");
        assert!(assumed.is_disabled(&region("af-south-1"), &unknown));
        // Every account has it.
        assert!(!assumed.is_disabled(&region("eu-west-1"), &unknown));
        let denied = CallError::new("AccessDeniedException", "");
        assert!(!assumed.is_disabled(&region("af-south-1"), &denied));
        // The account said that it has it.
        let told = Regions {
            assumed: None,
            ..assumed
        };
        assert!(!told.is_disabled(&region("af-south-1"), &unknown));
    }

    #[test]
    fn a_partition_without_a_list_has_none() {
        assert!(known(&Partition::new("aws-iso").unwrap()).is_empty());
    }
}
