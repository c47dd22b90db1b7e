//! What is said in one line, to people and in chat.

use super::rows::{last_use_row, owner_row};
use crate::actor::Actor;
use crate::alert::Alert;
use crate::enrichment::{EnrichmentSource, EnrichmentStatus, Missing};
use crate::step::Step;
use crate::text;
use crate::text::{Span, Text, Untrusted, day};

/// Until when what is lost can be saved: the earlier date first.
pub(super) fn deadline(alert: &Alert) -> Option<Text> {
    let undo = alert.undo_until.map(|at| text![at]);
    let data = alert.data_deadline.map(|at| text![at]);
    Some(match (undo, data) {
        (Some(undo), None) => undo,
        (None, Some(data)) => text![data, " for databases that depend on the key"],
        (Some(undo), Some(data)) if alert.data_deadline < alert.undo_until => {
            text![
                data,
                " for databases that depend on the key; ",
                undo,
                " for the key itself"
            ]
        }
        (Some(undo), Some(_)) => undo,
        (None, None) => return None,
    })
}

/// Who did it, when, from where, and with what as far as the caller says so; when it happened where nobody did it.
pub(super) fn who(alert: &Alert) -> Text {
    let Some(actor) = &alert.actor else {
        return text![alert.occurred_at];
    };
    let mut text = text![&actor.name];
    let account = actor.account.as_ref();
    let home = alert.account.as_ref().map(|it| it.as_str());
    if let Some(account) = account.filter(|it| Some(it.as_str()) != home && !names(actor, it)) {
        text.push(text![" of account ", account]);
    }
    let service = actor.passed_on_by().filter(|it| **it != actor.name);
    if let Some(service) = service {
        text.push(text![" through ", service]);
    }
    text.push(text![", ", alert.occurred_at]);
    // Of a service's call CloudTrail gives the service as the source.
    let source = actor.source_ip.as_ref();
    if let Some(ip) = source.filter(|it| Some(*it) != service && **it != actor.name) {
        text.push(text![", from ", ip]);
    }
    if actor.console == Some(true) {
        text.push(", in the AWS console");
    } else if let Some(agent) = agent(actor).filter(|_| service.is_none()) {
        text.push(text![", user agent claims ", agent]);
    }
    text
}

fn names(actor: &Actor, account: &Untrusted) -> bool {
    actor.name.as_str().contains(account.as_str())
}

/// The part of the user agent that says most: the tool that it names, else its first word.
fn agent(actor: &Actor) -> Option<Untrusted> {
    let agent = actor.user_agent.as_ref()?.as_str();
    let mark = actor.claimed_tool().map(str::to_ascii_lowercase);
    let mark = mark.map(|tool| tool.replace(' ', "-"));
    let named = mark.and_then(|mark| {
        let mut words = agent.split(' ');
        words.find(|word| word.to_ascii_lowercase().contains(&mark))
    });
    // A service calls itself by its name, which the name of the caller says.
    let word = named.or_else(|| agent.split(' ').next())?;
    let word = Untrusted::bounded(word, 40).non_empty();
    word.filter(|word| *word != actor.name)
}

/// Whose key it is.
pub(super) fn owner(alert: &Alert) -> Option<Text> {
    if let Some(owner) = alert.key.as_ref().and_then(owner_row) {
        return Some(owner);
    }
    match (alert.owner(), &alert.key) {
        (Some(owner), _) => Some(text![owner]),
        (None, Some(key)) if key.tags.is_some() => Some(text!["none: no tag of the key names one"]),
        (None, _) => None,
    }
}

/// The state and the last use of the key.
pub(super) fn condition(alert: &Alert) -> Option<Text> {
    let key = alert.key.as_ref()?;
    let mut text = Text::new();
    if let Some(state) = &key.state {
        text.push(text!["state ", state]);
    }
    if let Some(last_use) = &key.last_use {
        let comma = if text.spans().is_empty() { "" } else { ", " };
        text.push(text![comma, "last used ", last_use_row(last_use)]);
    }
    (!text.spans().is_empty()).then_some(text)
}

/// What to do, and where, if that is not where the alert is from.
pub(super) fn step(alert: &Alert, step: &Step) -> Text {
    let elsewhere = step.command.is_some() && step.account != alert.account;
    match step.account.as_ref().filter(|_| elsewhere) {
        Some(account) => text![&step.text, " (in account ", account, ")"],
        None => step.text.clone(),
    }
}

/// Facts by the calls that get them (AWS KMS API Reference).
const CALLS: [(&str, &str); 9] = [
    ("metadata", "DescribeKey"),
    ("aliases", "ListAliases"),
    ("tags", "ListResourceTags"),
    ("rotation", "GetKeyRotationStatus"),
    ("lastRotation", "ListKeyRotations"),
    ("lastUse", "GetKeyLastUsage"),
    ("policy", "GetKeyPolicy"),
    ("keyStore", "DescribeCustomKeyStores"),
    ("keyCount", "ListKeys"),
];

/// What could not be found out and why, a line for each reason, and since when what is shown is known.
pub(super) fn missing(alert: &Alert) -> Vec<Text> {
    let enrichment = &alert.enrichment;
    if enrichment.status == EnrichmentStatus::Complete {
        return Vec::new();
    }
    let mut reasons: Vec<(Reason, Vec<&'static str>)> = Vec::new();
    for missing in &enrichment.missing {
        let (reason, call) = (Reason::of(missing), call(missing.fact));
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, calls)) => calls.push(call),
            None => reasons.push((reason, vec![call])),
        }
    }
    let mut lines: Vec<_> = reasons.iter().map(|(it, calls)| it.line(calls)).collect();
    let known = match (enrichment.source, enrichment.as_of) {
        (EnrichmentSource::Ledger, Some(at)) => text!["Shown as known on ", day(at), "."],
        (EnrichmentSource::Event, _) => text!["What is shown is what the event says."],
        _ => return lines,
    };
    match lines.first_mut() {
        Some(line) => line.sentence(known),
        None => lines.push(known),
    }
    lines
}

fn call(fact: &'static str) -> &'static str {
    let mut calls = CALLS.iter();
    calls
        .find(|(name, _)| *name == fact)
        .map_or(fact, |(_, call)| call)
}

/// Why something is missing.
#[derive(PartialEq, Eq)]
enum Reason<'a> {
    /// What the key's policy decides.
    Denied,
    /// What IAM alone decides, since it is about no key.
    DeniedByIam,
    Gone,
    Nothing,
    Throttled,
    Ledger(&'a Untrusted),
    Other(&'a Untrusted),
}

impl<'a> Reason<'a> {
    fn of(missing: &'a Missing) -> Self {
        let reason = missing.reason.as_str();
        match missing.fact {
            "ledger" => Self::Ledger(&missing.reason),
            "keyStore" | "keyCount" if reason.starts_with("AccessDenied") => Self::DeniedByIam,
            _ if reason.starts_with("AccessDenied") => Self::Denied,
            "metadata" if reason.starts_with("NotFoundException") => Self::Gone,
            _ if reason.starts_with("NotFoundException") => Self::Nothing,
            _ if missing.throttled => Self::Throttled,
            _ => Self::Other(&missing.reason),
        }
    }

    fn line(&self, calls: &[&'static str]) -> Text {
        let calls = Span::Own(calls.join(", ").into());
        match self {
            Self::Denied => text![
                "KMS refused ",
                calls,
                ": the key policy does not let KMS Watch read this (deployment guide, blind spots)."
            ],
            Self::DeniedByIam => text![
                "KMS refused ",
                calls,
                ": look for a service control policy that denies this to the roles of KMS Watch."
            ],
            Self::Gone => text!["KMS does not know the key (", calls, ")."],
            Self::Nothing => text!["KMS found nothing (", calls, ")."],
            Self::Throttled => text!["KMS throttled ", calls, "."],
            Self::Ledger(reason) => text![
                "The ledger failed (",
                reason.shortened(120),
                "): this alert may come twice."
            ],
            Self::Other(reason) => text![calls, " failed: ", reason.shortened(160), "."],
        }
    }
}
