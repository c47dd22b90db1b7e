//! The alert for each audience: people, chat, machines. One file an audience; each escapes for its own, and keeps the
//! limits of SNS (SNS API Reference, Publish).

//!
//! | module | holds |
//! |---|---|
//! | `people`, `chat`, `feed` | an audience each |
//! | `lines` | what is said in one line, to people and in chat |
//! | `rows` | what is known, row by row |
//! | `body` | plain text that is laid out in lines and columns |
//! | `unlinked` | a value of others as no mail reader makes a link of it |

mod body;
mod chat;
mod feed;
mod lines;
mod people;
mod rows;
mod unlinked;

use crate::alert::Alert;
use crate::ports::Attribute;
use crate::text::Untrusted;

pub use chat::chat;
pub use feed::feed;
pub use people::{people, subject};

/// Largest message with its attributes, in bytes.
pub const MESSAGE_LIMIT: usize = 262_144;
/// Longest subject in characters.
pub const SUBJECT_LIMIT: usize = 99;
/// What a body may take of [`MESSAGE_LIMIT`]: the rest is for attributes and SNS's own envelope.
const BODY_LIMIT: usize = MESSAGE_LIMIT - 16 * 1024;
/// Longest attribute value: a tag value has at most 256 characters.
const ATTRIBUTE_LIMIT: usize = 256;

/// The message attributes that subscriptions filter by, none empty: strings, but for the owner of a key that had another
/// until lately, and so has several ("String.Array", SNS Developer Guide, message attributes).
pub fn attributes(alert: &Alert) -> Vec<(&'static str, Attribute)> {
    let key = alert.key.as_ref();
    let or = |value: Option<&str>, none: &str| -> Attribute {
        value.filter(|text| !text.is_empty()).unwrap_or(none).into()
    };
    let account = alert.account.as_ref().map(|account| account.as_str());
    let region = alert.region.as_ref().map(|region| region.as_str());
    vec![
        ("kind", alert.kind.into()),
        ("severity", alert.severity.as_str().into()),
        ("account", or(account, "UNKNOWN")),
        ("region", or(region, "UNKNOWN")),
        ("keyId", or(key.map(|key| key.id.as_str()), "NONE")),
        ("owner", owners(alert)),
    ]
}

/// Who hears of it as an owner: whoever the tags name, and whoever they named until lately.
fn owners(alert: &Alert) -> Attribute {
    let now = alert.owner().map(attribute_value);
    let now = now.filter(|owner| !owner.is_empty());
    let mut owners = vec![now.unwrap_or_else(|| "UNKNOWN".to_owned())];
    for owner in alert.key.iter().flat_map(|key| &key.other_owners) {
        let owner = attribute_value(owner);
        if !owner.is_empty() && !owners.contains(&owner) {
            owners.push(owner);
        }
    }
    match owners.pop() {
        Some(only) if owners.is_empty() => Attribute::One(only),
        last => {
            owners.extend(last);
            Attribute::Many(owners)
        }
    }
}

/// SNS refuses characters outside the basic multilingual plane in an attribute.
fn attribute_value(value: &Untrusted) -> String {
    value
        .as_str()
        .chars()
        .filter(|c| u32::from(*c) < 0x1_0000)
        .take(ATTRIBUTE_LIMIT)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod forged;
#[cfg(test)]
mod limits;
