//! Which Regions an account has enabled, and which accounts an organisation has: by signed JSON, in the Region of a partition that
//! answers for all.

use aws_config::{Region as SdkRegion, SdkConfig};
use serde_json::{Value, json};
use watch_core::arn::{AccountId, Partition, Region};
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use crate::signed::{Call, Patience, Protocol, Service, Signed};

#[cfg(test)]
mod tests;

/// Pages of accounts of which nobody has more: an organisation of 20,000.
const PAGES: usize = 1_000;

/// Where a partition answers for all of its Regions (AWS General Reference, endpoints of Organizations and of Account Management).
const HOMES: [(&str, &str); 8] = [
    ("aws", "us-east-1"),
    ("aws-cn", "cn-northwest-1"),
    ("aws-us-gov", "us-gov-west-1"),
    ("aws-eusc", "eusc-de-east-1"),
    ("aws-iso", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-south-1"),
];

const REGIONS: Service = Service {
    name: "account",
    id: "Account",
    protocol: Protocol::Rest,
};
const ORGANIZATIONS: Service = Service {
    name: "organizations",
    id: "Organizations",
    protocol: Protocol::Json {
        target: "AWSOrganizationsV20161128",
        version: "1.1",
    },
};

/// An account of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberAccount {
    /// Its twelve digits.
    pub id: AccountId,
    /// What people call it.
    pub name: Option<Untrusted>,
    /// `ACTIVE`, `SUSPENDED`, …; as AWS says it.
    pub state: Untrusted,
}

impl MemberAccount {
    /// It works. Of another nobody can read anything.
    pub fn is_active(&self) -> bool {
        self.state.as_str() == "ACTIVE"
    }

    fn read(account: &Value) -> Option<Self> {
        let text = |name: &str| account[name].as_str().map(Untrusted::new);
        Some(Self {
            id: AccountId::new(account["Id"].as_str()?)?,
            name: text("Name"),
            // `Status` is the older name of it, with fewer values (Organizations API Reference, `Account`).
            state: text("State")
                .or_else(|| text("Status"))
                .unwrap_or_else(|| Untrusted::new("ACTIVE")),
        })
    }
}

/// Accounts and their Regions.
#[derive(Clone, Debug)]
pub struct AccountsAdapter {
    signed: Signed,
}

impl AccountsAdapter {
    /// Calls with the credentials of `sdk`, to wherever `partition` answers them.
    pub fn new(sdk: &SdkConfig, partition: &Partition) -> Self {
        let home = HOMES
            .into_iter()
            .find(|(name, _)| *name == partition.as_str());
        let home = home.map_or("us-east-1", |(_, region)| region);
        let sdk = sdk.clone().into_builder().region(SdkRegion::new(home));
        Self {
            signed: Signed::new(&sdk.build(), Patience::LONG),
        }
    }

    /// The Regions that are enabled for the account of the credentials: `account:ListRegions`.
    ///
    /// # Errors
    ///
    /// If a page could not be had.
    pub async fn regions(&self) -> Result<Vec<Region>, CallError> {
        let body = json!({
            "MaxResults": 50,
            // One that is about to be disabled still answers.
            "RegionOptStatusContains": ["ENABLED", "ENABLED_BY_DEFAULT", "DISABLING"],
        });
        let name = |region: &Value| Region::new(region["RegionName"].as_str()?);
        let call = Call {
            service: REGIONS,
            operation: "ListRegions",
            path: "/listRegions".to_owned(),
            body,
        };
        let mut regions = self.pages(call, "Regions", name).await?;
        regions.sort_unstable();
        regions.dedup();
        if regions.is_empty() {
            // Every account has some.
            return Err(CallError::new("NoRegions", "the list is empty"));
        }
        Ok(regions)
    }

    /// The accounts of the organisation: `organizations:ListAccounts`.
    ///
    /// # Errors
    ///
    /// If a page could not be had: who is not on a list that is not complete may still be there.
    pub async fn accounts(&self) -> Result<Vec<MemberAccount>, CallError> {
        let call = Call {
            service: ORGANIZATIONS,
            operation: "ListAccounts",
            path: "/".to_owned(),
            body: json!({"MaxResults": 20}),
        };
        let mut accounts = self.pages(call, "Accounts", MemberAccount::read).await?;
        accounts.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        accounts.dedup_by(|one, other| one.id == other.id);
        Ok(accounts)
    }

    async fn pages<T>(
        &self,
        mut call: Call,
        member: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Vec<T>, CallError> {
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let page = self.signed.call(call.clone()).await?;
            // A page may be empty, and not be the last.
            let Some(items) = page[member].as_array() else {
                let what = format!("the answer has no {member}");
                return Err(CallError::new("UnreadableResponse", &what));
            };
            for item in items {
                // One that is left out would be a gap that nobody sees.
                let unreadable = || {
                    CallError::new(
                        "UnreadableResponse",
                        &format!("an item of {member} has no name"),
                    )
                };
                found.push(read(item).ok_or_else(unreadable)?);
            }
            match page["NextToken"].as_str() {
                Some(token) => call.body["NextToken"] = token.into(),
                None => return Ok(found),
            }
        }
        Err(CallError::new(
            "TooMany",
            "there are more pages than are read",
        ))
    }
}
