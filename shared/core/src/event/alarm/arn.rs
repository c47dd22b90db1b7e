//! The ARN of an alarm.

use crate::arn::{AccountId, Partition, Region};
use crate::text::Untrusted;

/// The ARN of an alarm: `arn:aws:cloudwatch:us-east-1:111122223333:alarm:…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmArn {
    /// The partition.
    pub partition: Partition,
    /// The Region.
    pub region: Region,
    /// The account.
    pub account: AccountId,
    /// The alarm's name, in which nearly every character may stand.
    pub name: Untrusted,
}

impl AlarmArn {
    /// Reads the ARN of an alarm.
    pub fn new(text: &str) -> Option<Self> {
        // The name is the rest, whatever colons are in it.
        let mut parts = text.splitn(7, ':');
        let mut next = || parts.next();
        let (arn, partition, service) = (next()?, next()?, next()?);
        let (region, account, resource, name) = (next()?, next()?, next()?, next()?);
        if (arn, service, resource) != ("arn", "cloudwatch", "alarm") {
            return None;
        }
        Some(Self {
            partition: Partition::new(partition)?,
            region: Region::new(region)?,
            account: AccountId::new(account)?,
            name: Untrusted::new(name).non_empty()?,
        })
    }
}
