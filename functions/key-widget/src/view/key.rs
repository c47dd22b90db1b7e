//! One key: what is known of it, who depends on it, what its policy says, what was told of it.

use std::collections::BTreeSet;

use watch_core::about::{LastUse, LastUseStatus};
use watch_core::answers::Metadata;
use watch_core::arn::KeyArn;
use watch_core::key::{Origin, State};
use watch_core::ledger::Profile;
use watch_core::link;
use watch_core::owner::owner;
use watch_core::page::left;
use watch_core::text::{Untrusted, minute};
use watch_policy::{Assessment, Context, Question};

use super::told::{Whose, entries};
use super::{Scene, tone_of};
use crate::html::{Cell, Page, span, titles};
use crate::library::Life;

/// Names of principals, accounts and the like in a line of the policy.
const NAMED: usize = 6;
/// Tags that are shown.
const TAGS: usize = 20;

/// No key is chosen.
pub fn choose(page: &mut Page) {
    page.title("One key");
    page.line("Choose a key: by the variable of the dashboard, by the parameter key, or in the view keys.");
}

/// Draws it.
pub fn draw(page: &mut Page, scene: &Scene<'_>, key: &KeyArn, life: &Life) {
    let aliases = life.profile.aliases.iter().flat_map(|known| &known.value);
    let aliases: Vec<_> = aliases.map(Untrusted::as_str).collect();
    page.title(aliases.first().copied().unwrap_or(key.id()));
    if life.profile.is_empty() && life.history.is_empty() {
        page.notice("The ledger knows no such key. A sweep learns of a new key within an hour.");
        page.line(&key.to_string());
        return;
    }
    state(page, scene, life);
    let places = places(page, key);
    if !places.is_empty() {
        page.raw(&format!("<p>{}</p>\n", places.join(" · ")));
    }
    facts(page, scene, key, life, &aliases);
    dependants(page, scene, &life.profile);
    policy(page, scene, key, life);
    history(page, scene, key, life);
}

/// The one thing to know.
fn state(page: &mut Page, scene: &Scene<'_>, life: &Life) {
    let profile = &life.profile;
    if let Some(at) = profile.deleted_at {
        page.notice(&format!("KMS deleted the key on {}.", minute(at)));
        return;
    }
    let Some(metadata) = profile.metadata.as_ref().map(|known| &known.value) else {
        return;
    };
    let by = profile.scheduled.as_ref().and_then(|it| it.by.as_ref());
    let by = by.map_or_else(String::new, |by| format!(" {} scheduled it.", by.as_str()));
    match (&metadata.state, metadata.deletion_at) {
        (Some(State::PendingDeletion), Some(at)) => {
            let left = left(scene.now, at);
            page.notice(&format!(
                "KMS deletes the key on {}, {left}.{by}",
                minute(at)
            ));
        }
        (Some(state), _) if *state != State::Enabled => {
            page.notice(&format!("The key is {}.{by}", state.as_str()));
        }
        _ => {}
    }
    if let Some(ack) = &life.ack {
        page.line(&format!(
            "{} acknowledged the deletion on {}: {}",
            ack.by.as_str(),
            minute(ack.at),
            ack.reason.as_str()
        ));
    }
}

fn facts(page: &mut Page, scene: &Scene<'_>, key: &KeyArn, life: &Life, aliases: &[&str]) {
    let profile = &life.profile;
    let none = Metadata::default();
    let metadata = profile
        .metadata
        .as_ref()
        .map_or(&none, |known| &known.value);
    let tags = profile.tags.as_ref().map(|known| &known.value);
    let owner = tags.and_then(|tags| owner(tags, &scene.config.owner_tag_key));
    let text = |text: Option<&Untrusted>| text.map_or("", Untrusted::as_str).to_owned();
    let time = |at| Option::map_or_else(at, String::new, minute);
    let state = metadata.state.as_ref();
    let long = |text: &str| Cell::new(text).class("long");
    let state_tone = state.map_or("wrong", |it| tone_of(it).class());
    let origin = metadata.origin.as_ref().map_or("", Origin::as_str);
    let (spec, usage) = (text(metadata.spec.as_ref()), text(metadata.usage.as_ref()));
    let store = text(metadata.custom_key_store_id.as_ref());
    let mut rows = vec![
        ("Key ARN", long(&key.to_string())),
        ("Aliases", long(&aliases.join(", "))),
        (
            "Status",
            Cell::new(state.map_or("unknown", State::as_str)).class(state_tone),
        ),
        ("Owner", Cell::new(&text(owner.as_ref()))),
        ("Description", long(&text(metadata.description.as_ref()))),
        ("Creation date", Cell::new(&time(metadata.created_at))),
        ("Expiration date", Cell::new(&time(metadata.expires_at))),
        ("Origin", Cell::new(origin)),
        ("Custom key store ID", Cell::new(&store)),
        (
            "Spec and usage",
            Cell::new(format!("{spec} {usage}").trim()),
        ),
        ("Rotation", Cell::new(&rotation(profile))),
        ("Last use", Cell::new(&last_use(profile))),
    ];
    let others = tags.into_iter().flatten().take(TAGS);
    let others: Vec<_> = others
        .map(|(key, value)| format!("{}={}", key.as_str(), value.as_str()))
        .collect();
    rows.push(("Tags", long(&others.join(", "))));
    rows.push((
        "As of",
        Cell::new(&time(profile.metadata.as_ref().map(|known| known.as_of))),
    ));
    let rows = rows
        .into_iter()
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(name, cell)| vec![Cell::new(name), cell]);
    page.table("Facts", &titles(&["Fact", "Value"]), rows);
}

fn rotation(profile: &Profile) -> String {
    let Some(rotation) = profile.rotation.as_ref().map(|known| &known.value) else {
        return String::new();
    };
    match (rotation.enabled, rotation.period_days, rotation.next_at) {
        (false, ..) => "off".to_owned(),
        (true, Some(days), Some(next)) => format!("every {days} days, next on {}", minute(next)),
        (true, ..) => "on".to_owned(),
    }
}

fn last_use(profile: &Profile) -> String {
    let Some(known) = &profile.last_use else {
        return "not asked".to_owned();
    };
    let usage = LastUse::from(known.value.clone());
    match (usage.status, usage.at) {
        (LastUseStatus::Used, Some(at)) => {
            let operation = usage.operation.as_ref().map_or("", Untrusted::as_str);
            format!("{} {operation}", minute(at))
        }
        (LastUseStatus::NeverUsed, _) => "never".to_owned(),
        _ => "unknown".to_owned(),
    }
}

fn dependants(page: &mut Page, scene: &Scene<'_>, profile: &Profile) {
    page.heading("Who depends on it");
    let lines = profile
        .dependants
        .iter()
        .flat_map(|known| known.lines(scene.now));
    let lines: Vec<_> = lines.map(|line| line.plain()).collect();
    if lines.is_empty() {
        page.line("Nobody is known. That does not say that nobody does.");
    } else {
        page.list(lines);
    }
}

fn policy(page: &mut Page, scene: &Scene<'_>, key: &KeyArn, life: &Life) {
    page.heading("What the key policy says");
    let Some(policy) = &life.policy else {
        page.line("The ledger has no policy of the key.");
        return;
    };
    let arn = key.to_string();
    let read = watch_policy::Policy::parse(&policy.policy);
    let (Ok(read), Some(mut context)) = (read, Context::of_key(&arn)) else {
        page.notice("The policy cannot be read. Nothing is known to be safe.");
        return;
    };
    context.now = scene.now.as_second();
    let usage = life.profile.metadata.as_ref();
    let usage = usage.and_then(|known| known.value.usage.as_ref());
    let signs = usage.is_some_and(|usage| usage.as_str() == "SIGN_VERIFY");
    page.list(says(&read.assess(&context), signs));
    page.aside(&format!(
        "The policy of {}, without grants and the account's IAM policies.",
        minute(policy.as_of)
    ));
}

/// The policy in words, what is worst first. Values of it are raw: they are cleaned here.
fn says(found: &Assessment, signs: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if found.public {
        lines.push("Everybody in every AWS account can use the key.".to_owned());
    }
    if found.lockout {
        lines.push("Nobody of the account is sure to be able to change the policy.".to_owned());
    }
    if found.unreadable > 0 {
        let count = found.unreadable;
        lines.push(format!(
            "Statements that cannot be read: {count}. Nothing is known to be safe."
        ));
    }
    let (use_of_key, used) = if signs {
        (Question::Sign, "Can sign")
    } else {
        (Question::Decrypt, "Can decrypt")
    };
    let table = [
        ("Other accounts can use the key", &found.foreign_accounts),
        (
            "Organisations can use the key",
            &found.foreign_organizations,
        ),
        (
            "Everybody from these networks can use the key",
            &found.foreign_networks,
        ),
        (
            "Principals of unknown accounts can use the key",
            &found.unknown_principals,
        ),
        ("Everybody can use the key through", &found.open_via),
        (
            "Services can use the key for everybody",
            &found.open_services,
        ),
        (used, found.who_may(use_of_key)),
        ("Can change the policy", found.who_may(Question::Change)),
        (
            "Can schedule the deletion",
            found.who_may(Question::Schedule),
        ),
    ];
    let there = table.iter().filter(|(_, values)| !values.is_empty());
    lines.extend(there.map(|(begin, values)| format!("{begin}: {}.", names(values))));
    if found.delegates_to_iam {
        lines.push(
            "IAM policies of the account decide who else manages and uses the key.".to_owned(),
        );
    }
    lines
}

/// The first values of a policy, cleaned, and how many more there are.
fn names(values: &BTreeSet<String>) -> String {
    let shown = values.iter().take(NAMED);
    let shown: Vec<_> = shown.map(|value| Untrusted::bounded(value, 120)).collect();
    let shown: Vec<_> = shown.iter().map(Untrusted::as_str).collect();
    let more = match values.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}

fn history(page: &mut Page, scene: &Scene<'_>, key: &KeyArn, life: &Life) {
    page.heading("What was told of it");
    entries(page, scene, Whose::Key(key), &life.history, true);
    if life.more {
        page.aside("Older alerts: kms-watch history.");
    }
}

/// Pages of the console about a key. Their addresses are in no documentation of AWS, so they are an extra.
pub fn places(page: &Page, key: &KeyArn) -> Vec<String> {
    let places = [
        ("Key in the KMS console", link::key(key, None)),
        ("Its event history in CloudTrail", link::events_of(key)),
    ];
    places
        .into_iter()
        .filter_map(|(name, address)| Some(page.link(name, &address?)))
        .collect()
}

/// `3 hours ago`.
pub fn ago(scene: &Scene<'_>, at: jiff::Timestamp) -> String {
    format!("{} ago", span(scene.now.duration_since(at)))
}
