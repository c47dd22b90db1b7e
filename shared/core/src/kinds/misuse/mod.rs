//! Who needs a key that cannot be used, and who may not change one.

mod denied;
mod unusable;

pub use denied::KeyChangeDenied;
pub use unusable::UnusableKeyUsed;

use jiff::Timestamp;

use crate::actor::Actor;
use crate::arn::Region;
use crate::facts::Reads;
use crate::kinds::case::Case;
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

/// How often it happened, and when people hear of it again.
fn attempts(count: Option<u64>, since: Option<Timestamp>) -> Text {
    match (count, since) {
        (None, _) => text!["Without the ledger attempts are not counted, and each may be told."],
        (Some(1), Some(since)) => text![
            "Since the last such alert, of ",
            since,
            ", there was 1 further attempt."
        ],
        (Some(count), Some(since)) if count > 0 => text![
            "Since the last such alert, of ",
            since,
            ", there were ",
            count,
            " further attempts."
        ],
        (Some(_), Some(since)) => text!["The last such alert was of ", since, "."],
        (Some(_), None) => {
            text!["More attempts within this hour are counted, and told with the next alert."]
        }
    }
}

fn is(case: &Case<'_>, kind: &str) -> bool {
    case.actor.is_some_and(|actor| actor.kind.as_str() == kind)
}

/// What the caller did lately, as CloudTrail's event history has it. A user name there is that of a user, or of a session.
fn calls_of(actor: &Actor, region: Option<&Region>) -> Option<String> {
    let name = match actor.kind.as_str() {
        "Root" => "root",
        "IAMUser" => actor.name.as_str(),
        "AssumedRole" => actor.name.as_str().split_once('/')?.1,
        _ => return None,
    };
    lookup("Username", Some(name).filter(|name| is_bare(name))?, region)
}

/// All calls of an operation.
fn calls_named(operation: &Untrusted, region: Option<&Region>) -> Option<String> {
    let name = operation.as_str();
    let is_plain = name.bytes().all(|b| b.is_ascii_alphanumeric());
    lookup("EventName", Some(name).filter(|_| is_plain)?, region)
}

fn lookup(attribute: &str, value: &str, region: Option<&Region>) -> Option<String> {
    Some(format!(
        "aws cloudtrail lookup-events --lookup-attributes AttributeKey={attribute},AttributeValue={value} --max-results \
         50 --region {}",
        region?.as_str()
    ))
}

#[cfg(test)]
mod tests;
