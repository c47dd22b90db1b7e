//! Where keys are looked for: the options for accounts and Regions.

use watch_core::arn::{AccountId, Region};

use crate::account;
use crate::role::{RoleArn, RoleName, Session};

/// Where keys are looked for.
#[derive(Clone, Debug, PartialEq, Eq, clap::Args)]
pub(crate) struct Reach {
    /// This Region instead of all that are enabled for the account; several separated by commas
    #[arg(
        long = "region",
        value_name = "REGION,…",
        value_delimiter = ',',
        value_parser = account::region,
        help_heading = "Where"
    )]
    regions: Vec<Region>,
    /// Credentials and Region of this profile of the AWS CLI
    #[arg(long, value_name = "NAME", value_parser = account::not_empty, conflicts_with = "demo", help_heading = "Where")]
    pub(crate) profile: Option<String>,
    /// Assume this role first
    #[arg(
        long,
        value_name = "ARN",
        conflicts_with = "demo",
        help_heading = "Where"
    )]
    pub(crate) role_arn: Option<RoleArn>,
    /// Every account of the organisation, by a role in each
    #[arg(
        long,
        requires = "role_name",
        conflicts_with = "demo",
        help_heading = "Where"
    )]
    pub(crate) organization: bool,
    /// That role: its name, with its path if it has one
    #[arg(
        long,
        value_name = "NAME",
        requires = "organization",
        help_heading = "Where"
    )]
    pub(crate) role_name: Option<RoleName>,
    /// Leave out this account of the organisation; several separated by commas
    #[arg(
        long,
        value_name = "ID,…",
        value_delimiter = ',',
        value_parser = account_id,
        requires = "organization",
        help_heading = "Where"
    )]
    pub(crate) except_accounts: Vec<AccountId>,
    #[command(flatten)]
    pub(crate) session: Session,
    /// An embedded AWS instead: no account, no network
    #[arg(long, help_heading = "Where")]
    pub(crate) demo: bool,
}

impl Reach {
    /// These Regions, or all, of the account of the credentials.
    pub(crate) fn of_account(regions: &[Region], profile: Option<&str>, demo: bool) -> Self {
        Self {
            regions: regions.to_vec(),
            profile: profile.map(str::to_owned),
            role_arn: None,
            organization: false,
            role_name: None,
            except_accounts: Vec::new(),
            session: Session::default(),
            demo,
        }
    }

    /// The Regions that are named, each once.
    pub(crate) fn regions(&self) -> Vec<Region> {
        let mut regions = Vec::new();
        for region in &self.regions {
            if !regions.contains(region) {
                regions.push(region.clone());
            }
        }
        regions
    }

    /// What contradicts itself in a way that the parser cannot know.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        if self.session.has_external_id() && self.role_arn.is_none() && !self.organization {
            return Err("--external-id is for --role-arn or --organization");
        }
        Ok(())
    }
}

pub(crate) fn account_id(id: &str) -> Result<AccountId, &'static str> {
    AccountId::new(id).ok_or("not the id of an account, which has twelve digits")
}
