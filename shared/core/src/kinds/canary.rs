//! The canary: a call that the stack itself makes, so that its way through CloudTrail, a rule, the function, the feed and the
//! ledger shows that the watch is at work.
//!
//! EventBridge Scheduler tags the ledger, in the name of a role that nothing else may take. CloudTrail says whose call it was,
//! which is the signature: nobody forges it who cannot become that role.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::case::Case;
use super::describe::{Found, Identify, Learn, Limit, Tell};
use crate::event::CloudTrailEvent;
use crate::ledger::history::PREFIX;
use crate::ledger::{Item, ItemKey, PARTITION_KEY, SORT_KEY, guards};
use crate::severity::Severity;
use crate::stack::Stack;
use crate::text;
use crate::text::Text;

/// The tag, whose value is the time for which the schedule made the call.
const TAG: &str = "kms-watch-canary";
/// The attribute that names the alert.
const TOLD_AS: &str = "toldAs";
/// Logical id of the role, in small letters.
const ROLE: &str = "-canaryrole";
/// A call comes so late at most, and an old one that is sent again does not count.
const FRESH: SignedDuration = SignedDuration::from_hours(24);

/// The canary came through.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WatchCanary {
    /// The time for which it was sent.
    pub sent_for: Timestamp,
    /// The role that CloudTrail says made the call.
    #[serde(skip)]
    role: String,
}

impl WatchCanary {
    /// The canary, if the call looks like one; the error says why it does not count. Whether the stack sent it, [`Self::keep`]
    /// tells.
    pub fn of_call(record: &CloudTrailEvent) -> Option<Result<Self, &'static str>> {
        let is_tagging = record.service.as_str().starts_with("dynamodb.")
            && record.name.as_str() == "TagResource";
        let tags = record.call.requested_value("tags").as_array();
        let mut tags = tags.filter(|_| is_tagging)?.iter();
        let value = tags.find_map(|tag| (tag["key"] == TAG).then(|| &tag["value"]))?;
        let sent_for = value.as_str().and_then(|at| at.parse::<Timestamp>().ok());
        Some(match (sent_for, record.time) {
            _ if record.error_code.is_some() => Err("the canary's call failed"),
            _ if record.envelope.replay.is_some() => Err("a replay of a canary does not count"),
            (Some(sent_for), Some(at)) if at.duration_since(sent_for).abs() <= FRESH => Ok(Self {
                sent_for,
                role: record.actor.principal.as_str().to_owned(),
            }),
            _ => Err("the canary is not of this day"),
        })
    }

    /// Counts only if the stack's own role made the call.
    ///
    /// # Errors
    ///
    /// If another did.
    pub(crate) fn keep(&self, stack: Option<&Stack<'_>>) -> Result<(), Cow<'static, str>> {
        let role = stack.and_then(|stack| stack.resource(&self.role));
        if role.is_some_and(|role| role.to_ascii_lowercase().contains(ROLE)) {
            return Ok(());
        }
        Err("somebody else tagged a table like a canary: it does not count".into())
    }
}

impl Identify for WatchCanary {
    fn limit(&self) -> Limit {
        Limit::None
    }
}

/// What the ledger has of the last canary: the alert that told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastCanary {
    /// Sort key of the alert.
    pub told_as: String,
}

impl LastCanary {
    /// Name of the item. It stands where only watch-guard may write.
    pub fn key(account_key: &str) -> ItemKey {
        ItemKey::new(guards(account_key), "watch#canary")
    }

    /// Reads the item.
    pub fn read(item: &Item) -> Option<Self> {
        let told_as = item.get(TOLD_AS)?.as_str()?.to_owned();
        Some(Self { told_as })
    }

    /// Name of the item that proves it.
    pub fn proof(&self, account_key: &str) -> Option<ItemKey> {
        let is_alert = self.told_as.starts_with(PREFIX);
        is_alert.then(|| ItemKey::new(account_key, &self.told_as))
    }
}

impl Learn for WatchCanary {
    fn study(&mut self, found: &Found<'_>) -> Vec<Item> {
        let key = LastCanary::key(&found.subject.account_key());
        vec![Item::from_iter([
            (PARTITION_KEY.to_owned(), key.partition.into()),
            (SORT_KEY.to_owned(), key.sort.into()),
            (TOLD_AS.to_owned(), found.told_as.into()),
        ])]
    }
}

impl Tell for WatchCanary {
    /// For the feed: nobody needs to be woken because all is well.
    fn severity(&self, _: &Case<'_>) -> Severity {
        Severity::Info
    }

    fn title(&self, _: &Case<'_>) -> Text {
        text!["KMS Watch works: the canary of ", self.sent_for, " arrived"]
    }

    fn summary(&self, _: &Case<'_>) -> Text {
        text![
            "The canary of ",
            self.sent_for,
            " passed CloudTrail, its rule, the function and the ledger. After five days without a canary, an alarm notifies \
             the health topic."
        ]
    }
}
