//! Resource shares, as CloudTrail records the calls to AWS RAM and as RAM tells of them itself (AWS RAM API Reference; AWS RAM
//! User Guide, "Monitoring AWS RAM using EventBridge").
//!
//! What a share of a key looks like there is not documented, so it is read tolerantly: keys, principals and the share are
//! looked for wherever they may stand.

use serde_json::Value;

use super::cloudtrail::CloudTrailEvent;
use super::envelope::{Envelope, Unreadable, text};
use crate::arn::{AccountId, KeyArn, Partition};
use crate::subject::Subject;
use crate::text::Untrusted;

/// Most keys, and most principals, that are read of one event.
const LISTED: usize = 64;

/// Something happened to a resource share.
#[derive(Clone, Debug)]
pub struct ShareEvent {
    /// The members that all events share.
    pub envelope: Envelope,
    /// The call that CloudTrail recorded; `None` if RAM told it itself.
    pub record: Option<CloudTrailEvent>,
    /// What happened: the operation, or the status of an association that RAM tells.
    pub what: Untrusted,
    /// The keys that are named.
    pub keys: Vec<KeyArn>,
    /// Resources are named, of whatever service.
    pub names_resources: bool,
    /// With whom: accounts, organisations and their units, roles, users, services.
    pub principals: Vec<Untrusted>,
    /// The share's ARN, if it is one that may stand in a command.
    pub share: Option<String>,
    /// The share's name.
    pub name: Option<Untrusted>,
    /// The permission's ARN, where one is given or replaced.
    pub permission: Option<Untrusted>,
}

impl ShareEvent {
    /// The source of these events.
    pub(super) const SOURCE: &'static str = "aws.ram";

    /// RAM's own event, or CloudTrail's record of a call.
    pub(super) fn is_one(detail_type: &str) -> bool {
        detail_type == "Resource Sharing State Change" || super::is_call(detail_type)
    }

    pub(super) fn read(
        envelope: Envelope,
        resources: &Value,
        detail: &Value,
    ) -> Result<Self, Unreadable> {
        let is_record = detail["eventName"].is_string();
        let record = is_record
            .then(|| CloudTrailEvent::read(envelope.clone(), detail))
            .transpose()?;
        let what = match &record {
            Some(record) => record.name.clone(),
            None => text(&detail["status"]).ok_or(Unreadable::NoEvent("no status"))?,
        };
        let request = &detail["requestParameters"];
        let answer = &detail["responseElements"];
        let mut associated = Vec::new();
        for list in ["resourceShareAssociations", "ResourceShareAssociations"] {
            let entries = answer[list].as_array().into_iter().flatten();
            associated.extend(entries.map(|entry| &entry["associatedEntity"]));
        }
        let mut named = texts(&request["resourceArns"]);
        named.extend(associated.iter().filter_map(|entity| entity.as_str()));
        let listed = detail["resources"].as_array().into_iter().flatten();
        named.extend(listed.filter_map(|resource| resource["ARN"].as_str()));
        named.extend(texts(resources));
        let mut keys: Vec<KeyArn> = Vec::new();
        for key in named.iter().filter_map(|arn| arn.parse().ok()) {
            if keys.len() < LISTED && !keys.contains(&key) {
                keys.push(key);
            }
        }
        let shares = [
            &request["resourceShareArn"],
            &answer["resourceShare"]["resourceShareArn"],
        ];
        let shares = shares.into_iter().filter_map(Value::as_str);
        let share = shares
            .chain(named.iter().copied())
            .find(|arn| is_share(arn));
        let principals = texts(&request["principals"]).into_iter();
        Ok(Self {
            what,
            keys,
            names_resources: !texts(&request["resourceArns"]).is_empty(),
            principals: principals
                .take(LISTED)
                .filter_map(|principal| Untrusted::new(principal).non_empty())
                .collect(),
            share: share.map(str::to_owned),
            name: text(&request["name"]).or(text(&answer["resourceShare"]["name"])),
            permission: text(&request["permissionArn"]).or(text(&request["toPermissionArn"])),
            record,
            envelope,
        })
    }

    /// The account that the event is of: that of the share.
    pub fn account(&self) -> Option<&AccountId> {
        let recipient = self
            .record
            .as_ref()
            .and_then(|record| record.recipient.as_ref());
        recipient.or(self.envelope.account.as_ref())
    }

    /// The account and Region of the share, for events that name no key.
    pub fn home(&self) -> Option<Subject> {
        let region = self.envelope.region.clone()?;
        Some(Subject::Account {
            partition: Partition::of_region(&region),
            account: self.account()?.clone(),
            region,
        })
    }
}

/// A list of texts.
fn texts(value: &Value) -> Vec<&str> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

/// `arn:aws:ram:us-east-1:111122223333:resource-share/7c0e6a1b-…`, of nothing but what such an ARN is made of.
fn is_share(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let [prefix, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let id = resource.strip_prefix("resource-share/");
    (prefix, service) == ("arn", "ram")
        && [partition, region].into_iter().all(plain)
        && AccountId::new(account).is_some()
        && id.is_some_and(|id| id.len() <= 64 && plain(id))
}
