//! The ledger as its readers know it: a table of DynamoDB, and a query for the life of a key.

use std::collections::{BTreeSet, HashMap};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_dynamodb::types::AttributeValue;
use watch_aws::DynamoDbAdapter;
use watch_core::arn::KeyArn;
use watch_core::ledger::history::{Entry, PREFIX};
use watch_core::ledger::{Item, PARTITION_KEY, Profile};
use watch_core::ports::Ledger as _;
use watch_core::text::Untrusted;

/// The ledger did not answer, in words.
#[derive(Debug, thiserror::Error)]
#[error(
    "failed to read the ledger: {0}\nthe table and its key may ask for dynamodb:Query, dynamodb:GetItem and dynamodb:Scan"
)]
pub(crate) struct LedgerError(String);

/// The ledger's table, for reading.
pub(crate) struct Ledger {
    client: Client,
    table: String,
    /// Reads profiles as the functions do.
    profiles: DynamoDbAdapter,
    /// The tag that names the owner of a key.
    owner_tag_key: String,
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
    pub(crate) fn new(sdk: &SdkConfig, table: &str, owner_tag_key: &str) -> Self {
        Self {
            client: Client::new(sdk),
            table: table.to_owned(),
            profiles: DynamoDbAdapter::new(sdk, table),
            owner_tag_key: owner_tag_key.to_owned(),
        }
    }

    /// Every key that the ledger knows.
    pub(crate) async fn lives(&self) -> Result<Vec<Life>, LedgerError> {
        let mut lives = Vec::new();
        for key in self.keys().await? {
            lives.push(self.life(key).await?);
        }
        Ok(lives)
    }

    /// The keys that people mean by `name`. KMS is asked first; what it does not know, or may not say, is looked for among
    /// all that the ledger knows.
    pub(crate) async fn called(
        &self,
        sdk: &SdkConfig,
        name: &str,
    ) -> Result<Vec<Life>, LedgerError> {
        if let Ok(key) = name.parse() {
            let life = self.life(key).await?;
            return Ok(Vec::from_iter(life.is_known().then_some(life)));
        }
        let kms = aws_sdk_kms::Client::new(sdk);
        let is_id = name.starts_with("alias/") || name.starts_with("mrk-") || name.len() == 36;
        let id = if is_id {
            name.to_owned()
        } else {
            format!("alias/{name}")
        };
        let described = kms.describe_key().key_id(id).send().await.ok();
        let arn = described.and_then(|answer| answer.key_metadata?.arn?.parse().ok());
        if let Some(key) = arn {
            let life = self.life(key).await?;
            if life.is_known() {
                return Ok(vec![life]);
            }
        }
        let mut lives = self.lives().await?;
        lives.retain(|life| life.is_called(name));
        Ok(lives)
    }

    /// What else has a partition is an account, which has no life.
    async fn keys(&self) -> Result<Vec<KeyArn>, LedgerError> {
        let pages = self.client.scan().table_name(&self.table);
        let items = pages
            .projection_expression(PARTITION_KEY)
            .into_paginator()
            .items()
            .send();
        let items = items.try_collect().await.map_err(|error| refused(&error))?;
        let partitions: BTreeSet<String> = items
            .into_iter()
            .filter_map(|mut item| item.remove(PARTITION_KEY)?.as_s().ok().cloned())
            .collect();
        Ok(partitions
            .iter()
            .filter_map(|partition| partition.parse().ok())
            .collect())
    }

    async fn life(&self, key: KeyArn) -> Result<Life, LedgerError> {
        let partition = key.to_string();
        let query = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("pk = :key AND begins_with(sk, :alert)")
            .expression_attribute_values(":key", AttributeValue::S(partition.clone()))
            .expression_attribute_values(":alert", AttributeValue::S(PREFIX.to_owned()));
        let items = query.into_paginator().items().send().try_collect().await;
        let items = items.map_err(|error| refused(&error))?;
        let profile_key = Profile::key(&partition);
        let profiles = self
            .profiles
            .read(&[profile_key])
            .await
            .map_err(|error| LedgerError(error.to_string()))?;
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
    /// The ledger has something of it.
    fn is_known(&self) -> bool {
        !self.entries.is_empty() || self.profile != Profile::default()
    }

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

/// A call that DynamoDB refused, or did not answer.
fn refused(error: &(impl ProvideErrorMetadata + std::error::Error)) -> LedgerError {
    let words = match (error.code(), error.message()) {
        (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
        (None, _) => DisplayErrorContext(error).to_string(),
    };
    LedgerError(Untrusted::new(&words).as_str().to_owned())
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
