//! Identifiers whose alphabet is checked: a key's ARN and a topic's.
//!
//! They go into commands that people paste, into links and into the host name of a KMS endpoint. So nothing is let
//! through that AWS would not make.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no ARN of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the ARN of {wanted}: {text:?}")]
pub struct ArnError {
    wanted: &'static str,
    /// The first characters of the text.
    text: String,
}

impl ArnError {
    /// A text that is not what is wanted.
    pub fn new(wanted: &'static str, text: &str) -> Self {
        Self {
            wanted,
            text: text.chars().filter(|c| !c.is_control()).take(80).collect(),
        }
    }
}

/// `aws`, `aws-cn`, `aws-us-gov`, …
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Partition(String);

impl Partition {
    /// Checks a partition's name.
    pub fn new(name: &str) -> Option<Self> {
        let known = name == "aws"
            || name
                .strip_prefix("aws-")
                .is_some_and(|rest| is_label(rest, 24));
        known.then(|| Self(name.to_owned()))
    }

    /// The partition that a Region's name belongs to, for events that carry no ARN at all.
    pub fn of_region(region: &Region) -> Self {
        let name = match region.as_str() {
            r if r.starts_with("cn-") => "aws-cn",
            r if r.starts_with("us-gov-") => "aws-us-gov",
            r if r.starts_with("us-iso-") => "aws-iso",
            r if r.starts_with("us-isob-") => "aws-iso-b",
            r if r.starts_with("eu-isoe-") => "aws-iso-e",
            r if r.starts_with("us-isof-") => "aws-iso-f",
            r if r.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        Self(name.to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A Region's name, such as `eu-west-1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct Region(String);

impl Region {
    /// Checks a Region's name.
    pub fn new(name: &str) -> Option<Self> {
        (is_label(name, 32) && name.contains('-')).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An account's id: twelve digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct AccountId(String);

impl AccountId {
    /// Checks an account's id.
    pub fn new(id: &str) -> Option<Self> {
        (id.len() == 12 && id.bytes().all(|b| b.is_ascii_digit())).then(|| Self(id.to_owned()))
    }

    /// The twelve digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Lower-case letters, digits and inner hyphens, as in a host name.
fn is_label(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// The ARN of a KMS key: `arn:aws:kms:us-east-1:111122223333:key/…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyArn {
    partition: Partition,
    region: Region,
    account: AccountId,
    id: String,
}

impl KeyArn {
    /// Puts an ARN together, as is needed where an event names a key by its bare id.
    pub fn new(
        partition: Partition,
        region: Region,
        account: AccountId,
        id: &str,
    ) -> Result<Self, ArnError> {
        if Self::is_key_id(id) {
            Ok(Self {
                partition,
                region,
                account,
                id: id.to_owned(),
            })
        } else {
            Err(ArnError::new("a KMS key", id))
        }
    }

    /// A key id as KMS makes them: a UUID, or `mrk-` and hexadecimal digits. Only the alphabet is checked.
    pub fn is_key_id(text: &str) -> bool {
        (1..=128).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.starts_with('-')
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The Region that the key lives in.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The account that owns the key.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The bare key id.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for KeyArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (partition, region, account) = (
            self.partition.as_str(),
            self.region.as_str(),
            self.account.as_str(),
        );
        write!(f, "arn:{partition}:kms:{region}:{account}:key/{}", self.id)
    }
}

impl FromStr for KeyArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = || ArnError::new("a KMS key", text);
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().ok_or_else(wrong);
        let (arn, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource) = (next()?, next()?, next()?);
        if (arn, service) != ("arn", "kms") {
            return Err(wrong());
        }
        Self::new(
            Partition::new(partition).ok_or_else(wrong)?,
            Region::new(region).ok_or_else(wrong)?,
            AccountId::new(account).ok_or_else(wrong)?,
            resource.strip_prefix("key/").ok_or_else(wrong)?,
        )
        .map_err(|_| wrong())
    }
}

impl<'de> Deserialize<'de> for KeyArn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

impl Serialize for KeyArn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for KeyArn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "KeyArn".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^arn:aws[a-z0-9-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$"
        })
    }
}

/// The ARN of an SNS topic: `arn:aws:sns:us-east-1:111122223333:alerts`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TopicArn {
    text: String,
    partition: Partition,
    region: Region,
    account: AccountId,
}

impl TopicArn {
    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The partition.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The topic's Region, which is the watch's own.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The topic's account, which is the watch's own.
    pub fn account(&self) -> &AccountId {
        &self.account
    }
}

impl FromStr for TopicArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = || ArnError::new("an SNS topic", text);
        let parts: Vec<&str> = text.split(':').collect();
        let &["arn", partition, "sns", region, account, name] = parts.as_slice() else {
            return Err(wrong());
        };
        // Up to 256 letters, digits, hyphens and underscores (SNS API Reference, CreateTopic).
        let named = (1..=256).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        Ok(Self {
            partition: Partition::new(partition).ok_or_else(wrong)?,
            region: Region::new(region).ok_or_else(wrong)?,
            account: AccountId::new(account).ok_or_else(wrong)?,
            text: if named {
                text.to_owned()
            } else {
                return Err(wrong());
            },
        })
    }
}

/// The ARN of a bus of EventBridge, of this account or another: `arn:aws:events:us-east-1:111122223333:event-bus/alerts`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BusArn {
    text: String,
    region: Region,
}

impl BusArn {
    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bus's Region.
    pub fn region(&self) -> &Region {
        &self.region
    }
}

impl FromStr for BusArn {
    type Err = ArnError;

    fn from_str(text: &str) -> Result<Self, ArnError> {
        let wrong = || ArnError::new("an EventBridge bus", text);
        let parts: Vec<&str> = text.split(':').collect();
        let &["arn", partition, "events", region, account, resource] = parts.as_slice() else {
            return Err(wrong());
        };
        let name = resource.strip_prefix("event-bus/").ok_or_else(wrong)?;
        // Up to 256 characters (EventBridge API Reference, CreateEventBus); a partner's name has slashes, and takes no events.
        let named = (1..=256).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let parts = (Partition::new(partition), AccountId::new(account));
        match (parts, Region::new(region)) {
            ((Some(_), Some(_)), Some(region)) if named => Ok(Self {
                text: text.to_owned(),
                region,
            }),
            _ => Err(wrong()),
        }
    }
}

/// The id of a custom key store: `cks-` and letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(inline))]
pub struct KeyStoreId(String);

impl KeyStoreId {
    /// Checks a custom key store's id (AWS KMS API Reference: 64 characters at most).
    pub fn new(id: &str) -> Option<Self> {
        let rest = id.strip_prefix("cks-")?;
        ((1..=60).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
            .then(|| Self(id.to_owned()))
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_arns_of_every_partition_are_read_and_written_back() {
        for arn in [
            "arn:aws:kms:us-east-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
            "arn:aws-cn:kms:cn-north-1:111122223333:key/5f0c1b7e-2a94-4d3e-9c61-7b8e02d4a913",
            "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-9a41c6e07d2b4f58b3e1d02c86f7a955",
            "arn:aws-iso-b:kms:us-isob-east-1:111122223333:key/k",
        ] {
            assert_eq!(
                arn.parse::<KeyArn>().map(|key| key.to_string()),
                Ok(arn.to_owned())
            );
        }
    }

    #[test]
    fn what_could_harm_a_command_a_link_or_a_host_name_is_no_key_arn() {
        for arn in [
            "",
            "key/5f0c1b7e",
            "arn:aws:kms:us-east-1:111122223333:alias/payments",
            "arn:aws:kms:us-east-1:11112222333:key/5f0c1b7e",
            "arn:aws:kms:us-east-1:111122223333:key/",
            "arn:aws:kms:us-east-1:111122223333:key/../x",
            "arn:aws:kms:us-east-1:111122223333:key/$(reboot)",
            "arn:aws:kms:us-east-1:111122223333:key/a b",
            "arn:aws:kms:us-east-1:111122223333:key/-x",
            "arn:aws:kms:evil.example/:111122223333:key/5f0c1b7e",
            "arn:aws:kms:-us:111122223333:key/5f0c1b7e",
            "arn:AWS:kms:us-east-1:111122223333:key/5f0c1b7e",
            "arn:aws:sns:us-east-1:111122223333:key/5f0c1b7e",
        ] {
            assert!(arn.parse::<KeyArn>().is_err(), "{arn}");
        }
    }

    #[test]
    fn topic_arns_are_checked() {
        let topic: TopicArn = "arn:aws-us-gov:sns:us-gov-west-1:111122223333:alerts"
            .parse()
            .unwrap();
        assert_eq!(topic.region().as_str(), "us-gov-west-1");
        for arn in [
            "alerts",
            "arn:aws:sns:us-east-1:111122223333:",
            "arn:aws:sns:us-east-1:111122223333:a:b",
            "arn:aws:sns:us-east-1:1:alerts",
            "arn:aws:sqs:us-east-1:111122223333:alerts",
            "arn:aws:sns:us-east-1:111122223333:al erts",
        ] {
            assert!(arn.parse::<TopicArn>().is_err(), "{arn}");
        }
    }
}
