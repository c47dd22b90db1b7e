//! Whether something is taken back. Pure: a row of the table is a guard, and the first that speaks decides.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use watch_core::answers::{Metadata, RotationStatus, Tags};
use watch_core::arn::TopicArn;
use watch_core::config::{Config, RescueMode, RescueSettings};
use watch_core::key::{Manager, State};
use watch_core::kinds::{NotRescued, RescueAction};
use watch_core::ledger::ack::Ack;
use watch_core::ports::{CallError, CallErrorKind};
use watch_core::text;
use watch_core::text::{Text, Untrusted};

use crate::order::Order;
use crate::record::Standing;

/// An event older than this is not acted on: what people did since, nobody knows. EventBridge tries for as long.
const OLDEST: SignedDuration = SignedDuration::from_hours(24);
/// AWS's clock and this one are not one.
const SLACK: SignedDuration = SignedDuration::from_mins(5);
/// A deletion on another date is another deletion.
const SAME_DATE_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// What is known of the key.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `DescribeKey`.
    pub metadata: Result<Metadata, CallError>,
    /// `ListResourceTags`.
    pub tags: Result<Tags, CallError>,
    /// `ListAliases`, where an alias may protect the key.
    pub aliases: Option<Result<Vec<Untrusted>, CallError>>,
    /// `GetKeyRotationStatus`, where the order is about rotation.
    pub rotation: Option<Result<RotationStatus, CallError>>,
    /// What the ledger has of rescues.
    pub standing: Result<Standing, CallError>,
    /// Somebody said that the deletion is wanted.
    pub ack: Option<Ack>,
}

/// What comes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing, and why.
    Leave(Cow<'static, str>),
    /// Another invocation is about it.
    Busy,
    /// People are told that it was not done.
    Advise(NotRescued, Option<Timestamp>),
    /// It cannot be done, and another try may help.
    Fail(Failed),
    /// It is as it was to be: an earlier try did it, and people may not know.
    Done,
    /// It is to be done. The version of the ledger's item, if there is one.
    Act(Option<u64>),
}

/// Why it cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What failed, as half a sentence.
    pub what: Text,
    /// In AWS's words.
    pub reason: Option<Untrusted>,
    /// Another try may help.
    pub again: bool,
}

impl Failed {
    /// A call that failed.
    pub fn of(what: &'static str, error: &CallError) -> Self {
        Self {
            what: text![what],
            reason: Some(error.reason()),
            // A denied call stays denied until somebody changes the role.
            again: !matches!(
                error.kind(),
                CallErrorKind::Denied | CallErrorKind::NotFound | CallErrorKind::NotApplicable
            ),
        }
    }
}

/// Why an order is left alone before anything is asked.
pub fn refused(
    order: &Order,
    settings: &RescueSettings,
    config: &Config,
    now: Timestamp,
) -> Option<&'static str> {
    let home: &TopicArn = &config.alert_topic;
    let key = &order.key;
    if (key.account(), key.region(), key.partition())
        != (home.account(), home.region(), home.partition())
    {
        return Some("the key is in another account or Region");
    }
    if !settings.actions.contains(&order.action) {
        return Some("the stack is not told to do this");
    }
    let cause = order.cause()?;
    let age = now.duration_since(cause.at);
    let guards = [
        (cause.is_replay, "the event is a replay"),
        (!cause.is_own, "the event is not of this account"),
        (age > OLDEST, "the event is older than a day"),
        (age < -SLACK, "the event is of the future"),
        (
            config.is_rescuer(&cause.actor),
            "KMS Watch itself made the call",
        ),
        (settings.is_exempt(&cause.actor), "the caller is exempt"),
    ];
    let refused = guards.into_iter().find(|(applies, _)| *applies);
    refused.map(|(_, why)| why)
}

/// What comes of an order, given what is known of the key.
pub fn judge(order: &Order, settings: &RescueSettings, config: &Config, seen: &Seen) -> Verdict {
    let tags = match &seen.tags {
        Ok(tags) => tags,
        Err(error) => return unseen(order, "the tags of the key cannot be read", error),
    };
    let aliases = seen.aliases.as_ref();
    let known = aliases.and_then(|aliases| aliases.as_deref().ok());
    if !config
        .protection
        .is_protected(&order.key, Some(tags), known)
    {
        return match aliases {
            // One that cannot be seen may protect the key.
            Some(Err(error)) => unseen(order, "the aliases of the key cannot be read", error),
            _ => Verdict::Leave("the key is not protected".into()),
        };
    }
    let metadata = match &seen.metadata {
        Ok(metadata) => metadata,
        Err(error) => return unseen(order, "the state of the key cannot be read", error),
    };
    if metadata.manager == Some(Manager::Aws) {
        return Verdict::Leave("AWS manages the key".into());
    }
    let standing = match &seen.standing {
        Ok(standing) => standing,
        // Without it nobody knows whether it was done before.
        Err(error) => return Verdict::Fail(Failed::of("the ledger gives no answer", error)),
    };
    let earlier = match standing {
        Standing::Done => return Verdict::Leave("it was taken back, and people know".into()),
        Standing::Busy => return Verdict::Busy,
        Standing::Acted(_) => return Verdict::Done,
        Standing::Tried(claim) => Some(claim.version),
        Standing::Free(_) | Standing::Cooling(_) => None,
    };
    match is_wrong(order, metadata, seen.rotation.as_ref()) {
        Ok(true) => {}
        Ok(false) if earlier.is_some() => return Verdict::Done,
        Ok(false) => return Verdict::Leave("the key is as it should be".into()),
        Err(error) => return unseen(order, "the rotation of the key cannot be read", &error),
    }
    if let Some(version) = earlier {
        return retried(order, metadata, version);
    }
    // A person who presses a button knows of the plan.
    let planned = planned(order, tags, config, seen);
    if let Some(why) = planned.filter(|_| order.cause().is_some()) {
        return Verdict::Leave(why.into());
    }
    if settings.mode == RescueMode::Advise {
        return Verdict::Advise(NotRescued::DryRun, None);
    }
    match standing {
        Standing::Cooling(at) => Verdict::Advise(NotRescued::CoolDown, Some(*at)),
        Standing::Free(version) => Verdict::Act(*version),
        _ => Verdict::Busy,
    }
}

/// KMS gave no answer. A key that does not exist needs no rescue.
fn unseen(order: &Order, what: &'static str, error: &CallError) -> Verdict {
    if error.kind() == CallErrorKind::NotFound && order.cause().is_none() {
        return Verdict::Leave("KMS does not find the key".into());
    }
    Verdict::Fail(Failed::of(what, error))
}

/// The key is not as it was before, and the order would help.
pub fn is_wrong(
    order: &Order,
    metadata: &Metadata,
    rotation: Option<&Result<RotationStatus, CallError>>,
) -> Result<bool, CallError> {
    let state = metadata.state.as_ref();
    Ok(match order.action {
        RescueAction::CancelDeletion => state.is_some_and(State::is_pending_deletion),
        RescueAction::EnableKey => state == Some(&State::Disabled),
        RescueAction::EnableRotation => match rotation {
            // KMS says no while a deletion is pending, and takes no such call.
            _ if state.is_some_and(State::is_pending_deletion) => false,
            Some(Ok(rotation)) => !rotation.enabled,
            Some(Err(error)) => return Err(error.clone()),
            None => false,
        },
    })
}

/// An earlier try ended before it told of anything, and the key is still not as it should be. KMS may have been called, and somebody
/// may have done it again since. A deletion has a date, by which it is known; the rest is left to people.
fn retried(order: &Order, metadata: &Metadata, version: u64) -> Verdict {
    let wanted = order.cause().map(|cause| cause.deletion_at);
    let is_same = match (order.action, wanted, metadata.deletion_at) {
        (RescueAction::CancelDeletion, Some(Some(wanted)), Some(date)) => {
            date.duration_since(wanted).abs() <= SAME_DATE_WITHIN
        }
        _ => false,
    };
    if is_same {
        return Verdict::Act(Some(version));
    }
    Verdict::Fail(Failed {
        what: text![
            "an earlier try of KMS Watch ended without an answer, and the key may have been changed again since"
        ],
        reason: None,
        again: false,
    })
}

/// Why nobody minds: the owner announced the deletion.
fn planned(order: &Order, tags: &Tags, config: &Config, seen: &Seen) -> Option<&'static str> {
    if order.action != RescueAction::CancelDeletion {
        return None;
    }
    let tag = Untrusted::new(&config.planned_tag_key);
    let says = tags.get(&tag).filter(|says| !says.is_empty());
    if says.is_some() {
        return Some("the deletion is planned: a tag says so");
    }
    seen.ack
        .is_some()
        .then_some("the deletion is planned: somebody acknowledged it")
}
