//! Who needs a key that cannot be used, and whom KMS denies a change.

mod denial;
mod denied;
mod stopped;
mod unusable;

pub use denied::KeyChangeDenied;
pub use stopped::AttemptsStopped;
pub use unusable::UnusableKeyUsed;

use jiff::Timestamp;

use crate::actor::Actor;
use crate::arn::Region;
use crate::facts::Reads;
use crate::kinds::case::{Case, lookup_events};
use crate::step::is_bare;
use crate::text;
use crate::text::{Text, Untrusted};

/// How many names of an encryption context are kept.
pub const CONTEXT_KEYS: usize = 20;

/// `GetKeyLastUsage` says whether the key ever worked for anybody; rotation is no matter of either.
const READS: Reads = Reads {
    rotation: false,
    last_use: true,
};

/// What is counted together: who does what. The key is the partition.
fn series(principal: &Untrusted, operation: &Untrusted) -> String {
    format!("{}\n{}", principal.as_str(), operation.as_str())
}

/// The key's name for people, or how the call named it.
fn name(case: &Case<'_>, requested: Option<&Untrusted>) -> Text {
    match (case.key, requested) {
        (None, Some(requested)) => text![requested],
        (None, None) => text!["a key that CloudTrail does not name"],
        _ => case.name(),
    }
}

/// How often it happened since the last alert, and in all. Without a ledger nobody counts.
fn attempts(
    (count, since): (Option<u64>, Option<Timestamp>),
    (total, first): (Option<u64>, Option<Timestamp>),
) -> Text {
    let mut text = since_last(count, since);
    // The last alert was not the first.
    if let (Some(total), Some(first)) = (total, first)
        && total > 1
        && since != Some(first)
    {
        text.sentence(text!["It is attempt ", total, " since ", first, "."]);
    }
    text
}

fn since_last(count: Option<u64>, since: Option<Timestamp>) -> Text {
    match (count, since) {
        (Some(0) | None, _) | (_, None) => Text::new(),
        (Some(1), Some(since)) => text!["1 more attempt since the last alert, of ", since, "."],
        (Some(count), Some(since)) => {
            text![
                count,
                " more attempts since the last alert, of ",
                since,
                "."
            ]
        }
    }
}

fn is(case: &Case<'_>, kind: &str) -> bool {
    case.actor.is_some_and(|actor| actor.kind.as_str() == kind)
}

/// What the caller did lately, as CloudTrail's event history has it: by the access key of the session, else by name. A
/// user name there is that of a user, or of a session.
fn calls_of(actor: &Actor, region: Option<&Region>) -> Option<String> {
    let bare = |text: &Untrusted| is_bare(text.as_str());
    if let Some(id) = actor.access_key_id.as_ref().filter(|id| bare(id)) {
        return Some(lookup_events("AccessKeyId", id.as_str(), region?));
    }
    let name = match actor.kind.as_str() {
        "Root" => "root",
        "IAMUser" => actor.name.as_str(),
        "AssumedRole" => actor.name.as_str().split_once('/')?.1,
        _ => return None,
    };
    let name = Some(name).filter(|name| is_bare(name))?;
    Some(lookup_events("Username", name, region?))
}

/// All calls of an operation.
fn calls_named(operation: &Untrusted, region: Option<&Region>) -> Option<String> {
    let name = operation.as_str();
    let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
    Some(lookup_events(
        "EventName",
        Some(name).filter(|_| plain)?,
        region?,
    ))
}

#[cfg(test)]
mod tests;
