//! What an alert is about.

use crate::arn::{AccountId, KeyArn, KeyStoreId, Partition, Region};

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A key.
    Key(KeyArn),
    /// A custom key store.
    KeyStore {
        /// AWS partition.
        partition: Partition,
        /// The account.
        account: AccountId,
        /// The Region.
        region: Region,
        /// The custom key store's id.
        id: KeyStoreId,
    },
    /// An account in a Region.
    Account {
        /// AWS partition.
        partition: Partition,
        /// The account.
        account: AccountId,
        /// The Region.
        region: Region,
    },
}

impl Subject {
    /// The key, if it is one.
    pub fn key(&self) -> Option<&KeyArn> {
        match self {
            Self::Key(key) => Some(key),
            Self::KeyStore { .. } | Self::Account { .. } => None,
        }
    }

    /// The custom key store, if it is one.
    pub fn key_store(&self) -> Option<&KeyStoreId> {
        match self {
            Self::KeyStore { id, .. } => Some(id),
            Self::Key(_) | Self::Account { .. } => None,
        }
    }

    /// AWS partition.
    pub fn partition(&self) -> &Partition {
        match self {
            Self::Key(key) => key.partition(),
            Self::KeyStore { partition, .. } | Self::Account { partition, .. } => partition,
        }
    }

    /// The account.
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Key(key) => key.account(),
            Self::KeyStore { account, .. } | Self::Account { account, .. } => account,
        }
    }

    /// The Region.
    pub fn region(&self) -> &Region {
        match self {
            Self::Key(key) => key.region(),
            Self::KeyStore { region, .. } | Self::Account { region, .. } => region,
        }
    }

    /// The name under which everything about the account in the Region is kept together.
    pub fn account_key(&self) -> String {
        format!(
            "account#{}#{}",
            self.account().as_str(),
            self.region().as_str()
        )
    }

    /// The name under which everything about the subject is kept together: a key's ARN, a custom key store's id.
    pub fn partition_key(&self) -> String {
        match self {
            Self::Key(key) => key.to_string(),
            Self::KeyStore { id, .. } => id.as_str().to_owned(),
            Self::Account { .. } => self.account_key(),
        }
    }
}
