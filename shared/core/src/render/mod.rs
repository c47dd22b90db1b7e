//! The alert for each audience: people, chat, machines. One file an audience; each escapes for its own, and keeps the
//! limits of SNS (SNS API Reference, Publish).

mod chat;
mod feed;
mod people;

use crate::about::{Key, LastUse, LastUseStatus};
use crate::alert::Alert;
use crate::key::{Origin, State};
use crate::ports::Attribute;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

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

/// A named fact about the key or the actor.
type Row = (&'static str, Text);

/// What is known of the key, in the order in which people ask.
fn key_rows(alert: &Alert) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(key) = &alert.key else {
        return rows;
    };
    let mut row = |name, value: Option<Text>| rows.extend(value.map(|value| (name, value)));
    row("Alias", key.aliases.as_deref().map(alias_row));
    row("Owner", owner_row(key));
    row(
        "Description",
        key.description
            .as_ref()
            .map(|description| text![description.shortened(300)]),
    );
    row("State", key.state.as_ref().map(|state| text![state]));
    row("Last used", key.last_use.as_ref().map(last_use_row));
    row("Deletion", key.deletion_at.map(|at| text![at]));
    row("Expires", key.expires_at.map(|at| text![at]));
    row("Rotation", rotation_row(key));
    row("Type", type_row(key));
    row(
        "Key store",
        key.custom_key_store_id.as_ref().map(|id| text![id]),
    );
    row("Created", key.created_at.map(|at| text![at]));
    row("ARN", Some(text![&key.arn]));
    rows
}

/// The first few of its names.
fn alias_row(aliases: &[Untrusted]) -> Text {
    if aliases.is_empty() {
        return text!["none"];
    }
    let mut names = Text::new();
    for alias in aliases.iter().take(5) {
        if !names.spans().is_empty() {
            names.push(", ");
        }
        names.push(alias);
    }
    if let Some(more @ 1..) = aliases.len().checked_sub(5) {
        names.push(text![" and ", more, " more"]);
    }
    names
}

/// Who owns it now, and who else is told.
fn owner_row(key: &Key) -> Option<Text> {
    let mut text = match &key.owner {
        Some(owner) => text![owner],
        None if key.other_owners.is_empty() => return None,
        None => text!["none"],
    };
    for (place, owner) in key.other_owners.iter().enumerate() {
        text.push(if place == 0 { "; told too: " } else { ", " });
        text.push(owner);
    }
    Some(text)
}

/// When it was used last, as far as that is known.
fn last_use_row(last_use: &LastUse) -> Text {
    let mut text = match (last_use.status, last_use.at) {
        (LastUseStatus::Used, Some(at)) => match &last_use.operation {
            Some(operation) => text![at, " (", operation, ")"],
            None => text![at],
        },
        (LastUseStatus::NeverUsed, _) => text!["never"],
        _ => match last_use.tracked_since {
            Some(since) => text!["not since ", day(since), "; unknown before"],
            None => text!["unknown"],
        },
    };
    if let Some(as_of) = last_use.as_of {
        text.push(text![", as known on ", day(as_of)]);
    }
    text
}

/// Whether and when it gets new key material.
fn rotation_row(key: &Key) -> Option<Text> {
    let rotation = key.rotation.as_ref()?;
    let mut text = match (rotation.enabled, rotation.period_days) {
        (Some(true), Some(period)) => text!["every ", days(period)],
        (Some(true), None) => text!["on"],
        // KMS API Reference, GetKeyRotationStatus: whatever it was, it comes back when the deletion is cancelled.
        (Some(false), _) if key.state.as_ref().is_some_and(State::is_pending_deletion) => {
            text!["reads as off while the deletion is pending"]
        }
        // KMS Developer Guide, rotate keys: never automatic.
        (Some(false), _) if key.origin == Some(Origin::External) => {
            text!["only on demand: the key material is imported"]
        }
        (Some(false), _) => text!["off"],
        (None, _) => text!["unknown"],
    };
    if let Some(last) = rotation.last_at {
        text.push(text![", last on ", day(last)]);
    }
    if let Some(next) = rotation.next_at {
        text.push(text![", next on ", day(next)]);
    }
    Some(text)
}

/// What it is, what it is for, where its key material comes from.
fn type_row(key: &Key) -> Option<Text> {
    let spec = key.spec.as_ref()?;
    Some(match (&key.usage, &key.origin) {
        (Some(usage), Some(origin)) => text![spec, ", ", usage, ", ", origin],
        (Some(usage), None) => text![spec, ", ", usage],
        _ => text![spec],
    })
}

/// What is known of the custom key store.
fn key_store_rows(alert: &Alert) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(store) = &alert.key_store else {
        return rows;
    };
    let mut row = |name, value: Option<Text>| rows.extend(value.map(|value| (name, value)));
    row("Name", store.name.as_ref().map(|name| text![name]));
    row("Id", Some(text![&store.id]));
    row("Type", store.kind.as_ref().map(|kind| text![kind]));
    row(
        "Connection",
        store
            .connection_state
            .as_ref()
            .map(|state| match &store.error_code {
                Some(code) => text![state, " (", code, ")"],
                None => text![state],
            }),
    );
    row("Keys", store.key_count.map(|count| text![count]));
    rows
}

/// Who did it, and how.
fn actor_rows(alert: &Alert) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some(actor) = &alert.actor else {
        return rows;
    };
    let mut row = |name, value: Option<Text>| rows.extend(value.map(|value| (name, value)));
    row("Name", Some(text![&actor.name, " (", &actor.kind, ")"]));
    row("ARN", actor.arn.as_ref().map(|arn| text![arn]));
    let federated_by = actor.federated_by.as_ref();
    row("Signed in by", federated_by.map(|provider| text![provider]));
    let access_key = actor.access_key_id.as_ref();
    row("Access key", access_key.map(|id| text![id]));
    row("From", actor.source_ip.as_ref().map(|ip| text![ip]));
    row(
        "With",
        actor
            .user_agent
            .as_ref()
            .map(|agent| text![agent.shortened(120)]),
    );
    row("Via", actor.via.as_ref().map(|via| text![via]));
    row(
        "MFA",
        actor
            .mfa
            .map(|mfa| if mfa { text!["yes"] } else { text!["no"] }),
    );
    row(
        "Through",
        actor
            .console
            .filter(|console| *console)
            .map(|_| text!["the AWS console"]),
    );
    rows
}

#[cfg(test)]
mod limits;
