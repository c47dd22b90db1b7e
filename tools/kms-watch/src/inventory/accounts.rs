//! Whose keys are looked at: the account of the credentials, or every account of the organisation.

use aws_config::SdkConfig;
use watch_aws::AccountsAdapter;
use watch_core::arn::{AccountId, Partition, Region};
use watch_core::ports::CallError;
use watch_core::text::Untrusted;

use crate::account::{self, AccountError};
use crate::inventory::error::{self, InventoryError};
use crate::inventory::not_read::NotRead;
use crate::inventory::reach::Reach;
use crate::role::{self, RoleArn};

/// An account that can be asked.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// `None`: that of the credentials.
    pub(crate) id: Option<AccountId>,
    pub(crate) name: Option<Untrusted>,
    pub(crate) sdk: SdkConfig,
    pub(crate) partition: Partition,
}

/// An account that is there, and how to get into it.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    id: Option<AccountId>,
    name: Option<Untrusted>,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    /// By the credentials that there are.
    Own,
    Role(RoleArn),
    /// None: it is closed, or suspended.
    Shut(Untrusted),
}

/// Where the credentials come from, and what they are for.
pub(crate) struct Entrance<'a> {
    sdk: SdkConfig,
    partition: Partition,
    reach: &'a Reach,
    /// Whose role was assumed first.
    account: Option<AccountId>,
}

impl<'a> Entrance<'a> {
    /// The credentials, or those of the role that is assumed first.
    pub(crate) async fn new(sdk: &SdkConfig, reach: &'a Reach) -> Result<Self, InventoryError> {
        let region = match account::configured_region(sdk) {
            Ok(region) => region,
            Err(error) => {
                let first = reach.regions().into_iter().next();
                first.or_else(default_region).ok_or(error)?
            }
        };
        let mut entrance = Self {
            sdk: account::in_region(sdk, &region),
            partition: Partition::of_region(&region),
            reach,
            account: None,
        };
        if let Some(role) = &reach.role_arn {
            let assumed = role::assume(&entrance.sdk, role, &reach.session).await;
            entrance.sdk = assumed.map_err(|error| AccountError::Role {
                role: role.as_str().to_owned(),
                reason: error.reason(),
                advice: error::role_advice(&error),
            })?;
            entrance.account = Some(role.account().clone());
        }
        Ok(entrance)
    }

    /// The accounts to look at.
    pub(crate) async fn candidates(&self) -> Result<Vec<Candidate>, InventoryError> {
        let Some(role) = &self.reach.role_name else {
            return Ok(vec![Candidate {
                id: self.account.clone(),
                name: None,
                way: Way::Own,
            }]);
        };
        let failed =
            |operation| move |error: CallError| InventoryError::Organization { operation, error };
        let own = role::own_account(&self.sdk).await;
        let own = own.map_err(failed("GetCallerIdentity"))?;
        let adapter = AccountsAdapter::new(&self.sdk, &self.partition);
        let listed = adapter.accounts().await;
        let listed = listed.map_err(failed("ListAccounts"))?;
        let wanted = listed
            .into_iter()
            .filter(|account| !self.reach.except_accounts.contains(&account.id));
        let candidates = wanted.map(|account| Candidate {
            way: if !account.is_active() {
                Way::Shut(account.state)
            } else if account.id == own {
                // The role that an organisation makes in its accounts is not in its own.
                Way::Own
            } else {
                Way::Role(RoleArn::new(&self.partition, &account.id, role))
            },
            id: Some(account.id),
            name: account.name,
        });
        Ok(candidates.collect())
    }

    /// Gets into an account.
    pub(crate) async fn enter(&self, candidate: Candidate) -> Result<Account, NotRead> {
        let sdk = match candidate.way {
            Way::Own => self.sdk.clone(),
            Way::Role(role) => {
                let assumed = role::assume(&self.sdk, &role, &self.reach.session).await;
                assumed
                    .map_err(|error| NotRead::new("AssumeRole", &error).of(candidate.id.as_ref()))?
            }
            Way::Shut(state) => {
                let what = CallError::new(
                    state.as_str(),
                    "nobody can read a closed or suspended account",
                );
                return Err(NotRead::new("ListAccounts", &what).of(candidate.id.as_ref()));
            }
        };
        Ok(Account {
            id: candidate.id,
            name: candidate.name,
            sdk,
            partition: self.partition.clone(),
        })
    }
}

/// Where there are credentials and no Region.
fn default_region() -> Option<Region> {
    Region::new("us-east-1")
}
