//! The ledger as its readers know it: a table of DynamoDB, and a query for the life of a key.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use watch_aws::DynamoDbAdapter;
use watch_core::arn::KeyArn;
use watch_core::ledger::history::{Entry, PREFIX};
use watch_core::ledger::{Item, PARTITION_KEY, Profile};
use watch_core::ports::Ledger as _;
use watch_core::text::Untrusted;

use crate::error::DemoError;

/// The ledger's table, for reading.
pub(crate) struct Ledger {
    pub(crate) client: Client,
    pub(crate) table: &'static str,
    /// Reads profiles as the functions do.
    pub(crate) profiles: DynamoDbAdapter,
    /// The tag that names the owner of a key.
    pub(crate) owner_tag_key: String,
}

/// What the ledger keeps of a key, long after KMS has forgotten it.
pub(crate) struct Life {
    pub(crate) key: KeyArn,
    pub(crate) profile: Profile,
    pub(crate) owner: Option<Untrusted>,
    /// What was told of it, in the order in which it happened.
    pub(crate) entries: Vec<Entry>,
}

impl Ledger {
    /// Every key that the ledger knows.
    pub(crate) async fn lives(&self) -> Result<Vec<Life>, DemoError> {
        let mut lives = Vec::new();
        for key in self.keys().await? {
            lives.push(self.life(key).await?);
        }
        Ok(lives)
    }

    /// What else has a partition is an account, which has no life.
    async fn keys(&self) -> Result<Vec<KeyArn>, DemoError> {
        let pages = self.client.scan().table_name(self.table);
        let items = pages
            .projection_expression(PARTITION_KEY)
            .into_paginator()
            .items()
            .send();
        let items = items
            .try_collect()
            .await
            .map_err(|error| DemoError::refused(&error))?;
        let partitions: BTreeSet<String> = items
            .into_iter()
            .filter_map(|mut item| item.remove(PARTITION_KEY)?.as_s().ok().cloned())
            .collect();
        Ok(partitions
            .iter()
            .filter_map(|partition| partition.parse().ok())
            .collect())
    }

    async fn life(&self, key: KeyArn) -> Result<Life, DemoError> {
        let partition = key.to_string();
        let query = self
            .client
            .query()
            .table_name(self.table)
            .key_condition_expression("pk = :key AND begins_with(sk, :alert)")
            .expression_attribute_values(":key", AttributeValue::S(partition.clone()))
            .expression_attribute_values(":alert", AttributeValue::S(PREFIX.to_owned()));
        let items = query.into_paginator().items().send().try_collect().await;
        let items = items.map_err(|error| DemoError::refused(&error))?;
        let profile_key = Profile::key(&partition);
        let profiles = self
            .profiles
            .read(&[profile_key])
            .await
            .map_err(|error| DemoError::Aws(error.to_string()))?;
        let profile = profiles.first().map(Profile::read).unwrap_or_default();
        let tags = profile.tags.iter().flat_map(|tags| &tags.value);
        let owner = tags
            .into_iter()
            .find(|(tag, _)| tag.as_str().eq_ignore_ascii_case(&self.owner_tag_key))
            .map(|(_, owner)| owner.clone());
        Ok(Life {
            key,
            owner,
            profile,
            entries: items.into_iter().filter_map(entry).collect(),
        })
    }
}

impl Life {
    /// People mean this key by `name`: an alias with or without its prefix, a key id, or an ARN.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.key.id() == name
            || self.key.to_string() == name
            || self.aliases().any(|alias| {
                alias.as_str() == name || alias.as_str().strip_prefix("alias/") == Some(name)
            })
    }

    /// The names that it had when it was last seen.
    pub(crate) fn aliases(&self) -> impl Iterator<Item = &Untrusted> {
        self.profile
            .aliases
            .iter()
            .flat_map(|aliases| &aliases.value)
    }
}

/// An entry holds texts and truths, and the number of its end, which nobody is shown.
fn entry(attributes: HashMap<String, AttributeValue>) -> Option<Entry> {
    let item: Item = attributes
        .into_iter()
        .filter_map(|(name, value)| match value {
            AttributeValue::S(text) => Some((name, text.into())),
            AttributeValue::Bool(truth) => Some((name, truth.into())),
            _ => None,
        })
        .collect();
    Entry::read(&item)
}
