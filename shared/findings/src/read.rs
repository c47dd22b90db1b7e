//! An alert's JSON, as the feed has it.

use jiff::Timestamp;
use serde::Deserialize;
use watch_core::arn::{AccountId, KeyArn, Partition, Region};
use watch_core::text::Untrusted;

use crate::finding::{self, Finding, Home, Resource, Standing};
use crate::rule::Rule;

/// Longest name of a story or of an alert. What is longer is none of ours.
const NAME: usize = 1_024;
/// Longest value of others, in characters: an ARN has 2,048 at most, and those of AWS are shorter.
const VALUE: usize = 512;
/// Steps that are told.
const STEPS: usize = 10;

/// Why a message is no alert of this stack.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no JSON, or not the JSON of an alert.
    #[error("not the JSON of an alert: {0}")]
    Shape(#[from] serde_json::Error),
    /// A member has a value that no alert has.
    #[error("`{0}` is not as an alert has it")]
    Value(&'static str),
    /// It is an alert of another partition.
    #[error("an alert of the partition {0}")]
    Elsewhere(String),
}

/// Members that findings are made of. Others may come: a new member is a minor change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Alert {
    schema_version: String,
    id: String,
    kind: String,
    dedup_key: String,
    status: String,
    severity: String,
    severity_reason: Option<Untrusted>,
    title: Untrusted,
    summary: Untrusted,
    occurred_at: Timestamp,
    observed_at: Timestamp,
    undo_until: Option<Timestamp>,
    account: Option<String>,
    region: Option<String>,
    partition: String,
    key: Option<Key>,
    key_store: Option<KeyStore>,
    actor: Option<Actor>,
    next_steps: Vec<Step>,
    links: Links,
    source: Source,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    arn: String,
    aliases: Option<Vec<Untrusted>>,
    owner: Option<Untrusted>,
    state: Option<Untrusted>,
    manager: Option<Untrusted>,
    origin: Option<Untrusted>,
    created_at: Option<Timestamp>,
    rotation: Option<Rotation>,
}

#[derive(Deserialize)]
struct Rotation {
    enabled: Option<bool>,
}

#[derive(Deserialize)]
struct KeyStore {
    id: Untrusted,
    name: Option<Untrusted>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Actor {
    name: Option<Untrusted>,
    arn: Option<Untrusted>,
    account: Option<Untrusted>,
    access_key_id: Option<Untrusted>,
    source_ip: Option<Untrusted>,
    via: Option<Untrusted>,
}

#[derive(Deserialize)]
struct Step {
    text: Untrusted,
}

#[derive(Deserialize)]
struct Links {
    key: Option<String>,
    event: Option<String>,
    alarm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    event_id: Option<Untrusted>,
    event_name: Option<Untrusted>,
}

/// The alert that a message of the feed is, as a finding of `home`.
///
/// What an alert is about may be another account's: an alarm of an account that this one monitors. It is told as any other.
///
/// # Errors
///
/// Why it is none.
pub fn alert(message: &str, home: &Home) -> Result<Finding, Refused> {
    let alert: Alert = serde_json::from_str(message)?;
    let of = |wanted: &'static str| Refused::Value(wanted);
    if !alert.schema_version.starts_with("1.") {
        return Err(of("schemaVersion"));
    }
    let partition = Partition::new(&alert.partition).ok_or(of("partition"))?;
    if partition != home.partition {
        return Err(Refused::Elsewhere(partition.as_str().to_owned()));
    }
    let account = match &alert.account {
        Some(account) => AccountId::new(account).ok_or(of("account"))?,
        None => home.account.clone(),
    };
    let region = match &alert.region {
        Some(region) => Region::new(region).ok_or(of("region"))?,
        None => home.region.clone(),
    };
    let link = [&alert.links.key, &alert.links.event, &alert.links.alarm];
    let link = link.into_iter().flatten().find(|link| is_page(link));
    let reason = alert.severity_reason.iter().map(Untrusted::as_str);
    let summary = [alert.summary.as_str()].into_iter().chain(reason);
    Ok(Finding {
        story: name(alert.dedup_key).ok_or(of("dedupKey"))?,
        id: name(alert.id).ok_or(of("id"))?,
        rule: Rule::of(&alert.kind),
        kind: kind(alert.kind).ok_or(of("kind"))?,
        severity: alert.severity.parse().map_err(|_| of("severity"))?,
        standing: Standing::new(&alert.status).ok_or(of("status"))?,
        title: alert.title.clone().non_empty().ok_or(of("title"))?,
        summary: Untrusted::bounded(&summary.collect::<Vec<_>>().join(" "), 4_096),
        occurred_at: alert.occurred_at,
        observed_at: alert.observed_at,
        account,
        region,
        partition,
        resource: resource(alert.key, alert.key_store)?,
        actor: alert.actor.map(finding::Actor::from),
        operation: short(alert.source.event_name),
        event_id: short(alert.source.event_id),
        undo_until: alert.undo_until,
        steps: alert
            .next_steps
            .into_iter()
            .take(STEPS)
            .map(|step| step.text)
            .collect(),
        link: link.cloned(),
    })
}

fn resource(key: Option<Key>, store: Option<KeyStore>) -> Result<Resource, Refused> {
    let Some(key) = key else {
        return Ok(match store {
            Some(store) if !store.id.is_empty() => Resource::KeyStore {
                id: store.id.shortened(VALUE),
                name: short(store.name),
            },
            _ => Resource::Account,
        });
    };
    let arn: KeyArn = key.arn.parse().map_err(|_| Refused::Value("key.arn"))?;
    Ok(Resource::Key(Box::new(finding::Key {
        arn,
        alias: short(key.aliases.and_then(|all| all.into_iter().next())),
        owner: short(key.owner),
        state: short(key.state),
        manager: short(key.manager),
        origin: short(key.origin),
        created_at: key.created_at,
        rotates: key.rotation.and_then(|rotation| rotation.enabled),
    })))
}

impl From<Actor> for finding::Actor {
    fn from(actor: Actor) -> Self {
        Self {
            name: short(actor.name),
            arn: short(actor.arn),
            account: short(actor.account),
            access_key: short(actor.access_key_id),
            source: short(actor.source_ip),
            via: short(actor.via),
        }
    }
}

/// A value of others, if anything is left of it.
fn short(value: Option<Untrusted>) -> Option<Untrusted> {
    value.and_then(|value| value.shortened(VALUE).non_empty())
}

/// A name of ours: short, and nothing in it that a reader does not see.
fn name(text: String) -> Option<String> {
    let plain = Untrusted::bounded(&text, NAME);
    (!text.is_empty() && plain.as_str() == text).then_some(text)
}

/// Letters and digits, as all kinds have them.
fn kind(text: String) -> Option<String> {
    let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    fits.then_some(text)
}

/// A page of a console: nothing else becomes a link.
fn is_page(link: &str) -> bool {
    let plain = |b: u8| b.is_ascii_graphic() && !b"<>\"'`\\".contains(&b);
    link.len() <= 2_048 && link.starts_with("https://") && link.bytes().all(plain)
}
