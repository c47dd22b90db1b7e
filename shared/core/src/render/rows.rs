//! What is known of the key, the custom key store and the caller, row by row.

use std::borrow::Cow;

use crate::about::{Key, LastUse, LastUseStatus};
use crate::alert::Alert;
use crate::key::{Origin, State};
use crate::kinds::Section;
use crate::text;
use crate::text::{Text, Untrusted, day, days};

/// A named fact.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) value: Text,
    /// Where room is short, rows of more worth stay.
    pub(super) worth: Worth,
}

/// What a row is worth to whoever has to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Worth {
    /// Nice to know.
    Extra,
    /// Helps to understand.
    Good,
    /// Without it something cannot be found or judged.
    Must,
}

/// The lists that are no sentences: those of the kind, and who depends on the key.
pub(super) fn sections(alert: &Alert) -> Vec<Section> {
    let mut sections = alert.details.sections();
    let dependants = alert.dependants.iter();
    let lines: Vec<_> = dependants
        .flat_map(|dependants| dependants.lines(alert.occurred_at))
        .map(|line| (Cow::Borrowed(""), line))
        .collect();
    if !lines.is_empty() {
        sections.push(Section {
            heading: alert.details.dependants_heading(),
            rows: lines,
        });
    }
    let keys = alert.key_store.iter().flat_map(|store| &store.keys);
    let keys: Vec<_> = keys
        .flatten()
        .map(|key| (Cow::Borrowed(""), key.line()))
        .collect();
    if !keys.is_empty() {
        sections.push(Section {
            heading: "Keys in the key store",
            rows: keys,
        });
    }
    sections
}

fn row(name: &'static str, worth: Worth, value: Option<Text>) -> Option<Row> {
    value.map(|value| Row { name, value, worth })
}

/// What is known of the key, in the order in which people ask.
pub(super) fn key_rows(alert: &Alert) -> Vec<Row> {
    let Some(key) = &alert.key else {
        return Vec::new();
    };
    let description = key.description.as_ref();
    let several = key.aliases.as_deref().filter(|all| all.len() != 1);
    let store = key.custom_key_store_id.as_ref();
    [
        row("State", Worth::Good, key.state.as_ref().map(|it| text![it])),
        row(
            "Last used",
            Worth::Good,
            key.last_use.as_ref().map(last_use_row),
        ),
        row("Deletion", Worth::Must, key.deletion_at.map(|at| text![at])),
        row("Expires", Worth::Must, key.expires_at.map(|at| text![at])),
        row("Aliases", Worth::Good, several.map(alias_row)),
        row(
            "Described",
            Worth::Good,
            description.map(|it| text![it.shortened(300)]),
        ),
        row("Key store", Worth::Good, store.map(|id| text![id])),
        row("Type", Worth::Good, type_row(key)),
        row("Rotation", Worth::Extra, rotation_row(key)),
        row(
            "Created",
            Worth::Extra,
            key.created_at.map(|at| text![day(at)]),
        ),
        row("ARN", Worth::Must, Some(text![&key.arn])),
    ]
    .into_iter()
    .flatten()
    .collect()
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
pub(super) fn owner_row(key: &Key) -> Option<Text> {
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
pub(super) fn last_use_row(last_use: &LastUse) -> Text {
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
pub(super) fn key_store_rows(alert: &Alert) -> Vec<Row> {
    let Some(store) = &alert.key_store else {
        return Vec::new();
    };
    let connection = store.connection_state.as_ref();
    let connection = connection.map(|state| match &store.error_code {
        Some(code) => text![state, " (", code, ")"],
        None => text![state],
    });
    let count = store.key_count.map(|count| text![count]);
    [
        row("Name", Worth::Good, store.name.as_ref().map(|it| text![it])),
        row("Id", Worth::Must, Some(text![&store.id])),
        row("Type", Worth::Good, store.kind.as_ref().map(|it| text![it])),
        row("State", Worth::Must, connection),
        row("Keys", Worth::Must, count),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Who did it, and how: what the line about the caller has no room for.
pub(super) fn actor_rows(alert: &Alert) -> Vec<Row> {
    let Some(actor) = alert.actor.as_ref().filter(|it| it.kind.as_str() != "AWS") else {
        return Vec::new();
    };
    let value = |value: &Option<Untrusted>| value.as_ref().map(|it| text![it]);
    let agent = actor.user_agent.as_ref();
    let mfa = actor.mfa.map(|it| text![if it { "yes" } else { "no" }]);
    [
        row("Caller", Worth::Good, Some(text![&actor.kind])),
        row("MFA", Worth::Good, mfa),
        row("Access key", Worth::Good, value(&actor.access_key_id)),
        row("Source id", Worth::Good, value(&actor.source_identity)),
        row("Sign-in", Worth::Good, value(&actor.federated_by)),
        row("ARN", Worth::Good, value(&actor.arn)),
        row(
            "Agent",
            Worth::Extra,
            agent.map(|it| text!["claims ", it.shortened(100)]),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Where it happened, and which record tells of it.
pub(super) fn place_rows(alert: &Alert) -> Vec<Row> {
    let source = &alert.source;
    let event = source.event_name.as_ref().or(source.detail_type.as_ref());
    let replay = source.replay.as_ref();
    let replay = replay.map(|it| text!["sent again by the EventBridge replay ", it]);
    [
        row(
            "Account",
            Worth::Good,
            alert.account.as_ref().map(|it| text![it]),
        ),
        row(
            "Region",
            Worth::Good,
            alert.region.as_ref().map(|it| text![it]),
        ),
        row("Occurred", Worth::Must, Some(text![alert.occurred_at])),
        row("Event", Worth::Good, event.map(|it| text![it])),
        row("Replay", Worth::Must, replay),
    ]
    .into_iter()
    .flatten()
    .collect()
}
