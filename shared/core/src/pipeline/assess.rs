//! Sixth stage: from an occurrence and what is known of its key to the alert. Pure.

use std::borrow::Cow;

use jiff::Timestamp;

use super::burst::Place;
use super::draft::Frame;
use super::follow::is_ours;
use super::known::{Known, Learnt};
use super::past::Past;
use super::portrait::Portrait;
use crate::about::Key;
use crate::actor::Actor;
use crate::alert::{Alert, Links, SCHEMA_VERSION};
use crate::arn::AccountId;
use crate::config::{Config, Override};
use crate::decision::Occurrence;
use crate::kinds::story::Part;
use crate::kinds::{Alarm, Case, Kind, Limit};
use crate::ledger::Claim;
use crate::ledger::history::Entry;
use crate::link;
use crate::severity::Severity;
use crate::source::{Source, Via};
use crate::subject::Subject;
use crate::text;
use crate::text::{Text, Untrusted};

/// An alert that is worded, and told to nobody yet.
pub(super) struct Assessed {
    pub(super) alert: Alert,
    /// What keeps people from being told of its like too often.
    pub(super) limit: Limit,
    /// Why people are not told, whatever its severity.
    pub(super) quiet: Option<Cow<'static, str>>,
    /// It ends what people heard of.
    pub(super) ends_heard: bool,
    /// It ends what people got a mail about at once.
    pub(super) ends_mailed: bool,
    pub(super) frame: Frame,
    pub(super) learnt: Learnt,
    pub(super) claim: Claim,
    pub(super) place: Option<Place>,
    _made: (),
}

impl Assessed {
    /// Words the alert.
    pub(super) fn new(config: &Config, known: Known) -> Self {
        let Known {
            occurrence,
            frame,
            portrait,
            mut learnt,
            claim,
            place,
            past,
            ..
        } = known;
        let limit = occurrence.kind.limit();
        let (alert, part) = assess(config, occurrence, frame.at, frame.now, portrait, &past);
        // A plan keeps nothing from people that is critical: it is written by whoever may tag.
        let planned = matches!(alert.details, Kind::KeyDeletionNear(_));
        let quiet = alert.details.quiet();
        let quiet = quiet.filter(|_| !planned || alert.severity < Severity::Critical);
        let sort = Entry::key(&frame.partition, frame.at, &alert.id).sort;
        let marks = past.marks(part, &sort, frame.at, frame.now);
        learnt.items.extend(marks);
        Self {
            alert,
            limit,
            quiet,
            ends_heard: past.is_heard(part),
            ends_mailed: past.is_mailed(part),
            frame,
            learnt,
            claim,
            place,
            _made: (),
        }
    }
}

/// Words the alert about what happened `at`, and is heard of `now`, and says what it does in its story.
pub(super) fn assess(
    config: &Config,
    occurrence: Occurrence,
    at: Timestamp,
    now: Timestamp,
    mut portrait: Portrait,
    past: &Past,
) -> (Alert, Part) {
    let id = occurrence.alert_id(at);
    let Occurrence {
        mut kind,
        subject,
        actor,
        source,
        sender,
        ..
    } = occurrence;
    imply(&mut kind, &mut portrait, at);
    let case = case(&portrait, actor.as_ref(), at);
    let severity = severity(config, &kind, &case);
    let part = kind.part(&case, severity);
    let role = past.role(&subject, &kind.story(), part, &id);
    let mut summary = summary(config, &kind, &case, &source, sender.as_ref());
    summary.sentence(past.words(part));
    let rescue = config.button(&kind, &case);
    let mut next_steps = kind.next_steps(&case);
    for step in &mut next_steps {
        step.run_in(subject.account(), subject.region());
    }
    let alert = Alert {
        schema_version: SCHEMA_VERSION,
        id,
        kind: kind.name(),
        dedup_key: role.dedup_key,
        status: role.status,
        resolves: role.resolves,
        severity,
        severity_reason: severity_reason(&kind, &case, severity),
        title: kind.title(&case),
        summary,
        occurred_at: at,
        observed_at: now,
        undo_until: kind.undo_until(&case),
        data_deadline: kind.data_deadline(&case),
        databases_until: kind.databases_until(&case),
        account: Some(subject.account().clone()),
        region: Some(subject.region().clone()),
        partition: subject.partition().clone(),
        links: links(&kind, &subject, &source, case.key.filter(|_| !case.gone)),
        key: portrait.key,
        key_store: portrait.key_store,
        actor,
        dependants: kind.shown_dependants(portrait.dependants, |account| {
            is_ours(config, subject.account(), account)
        }),
        details: kind,
        next_steps,
        enrichment: portrait.enrichment,
        source,
        rescue,
    };
    (alert, part)
}

/// What the event itself says of the key or key store, and what they say of it.
fn imply(kind: &mut Kind, portrait: &mut Portrait, at: Timestamp) {
    if let Some(key) = &mut portrait.key {
        kind.observe(key);
        kind.imply(key, at);
    }
    if let Some(store) = &mut portrait.key_store {
        kind.imply_key_store(store);
    }
}

fn case<'a>(portrait: &'a Portrait, actor: Option<&'a Actor>, at: Timestamp) -> Case<'a> {
    // What is not missing was said just now, or is not known at all.
    let missing = &portrait.enrichment.missing;
    let unanswered = |fact| matches!(fact, "metadata" | "keyStore");
    Case {
        at,
        actor,
        key: portrait.key.as_ref(),
        key_store: portrait.key_store.as_ref(),
        dependants: portrait.dependants.as_ref(),
        gone: portrait.gone,
        live: !missing.iter().any(|missing| unanswered(missing.fact)),
        use_refused: missing
            .iter()
            .any(|missing| missing.fact == "lastUse" && missing.throttled),
    }
}

/// What would be critical cannot be turned down.
fn severity(config: &Config, kind: &Kind, case: &Case<'_>) -> Severity {
    let set = config.severity_overrides.get(kind.name());
    match (kind.severity(case), set) {
        (Severity::Critical, _) => Severity::Critical,
        (_, Some(Override::Level(level))) => *level,
        (assessed, Some(Override::FeedOnly) | None) => assessed,
    }
}

/// "CRITICAL because the key was used 11 hours earlier."
fn severity_reason(kind: &Kind, case: &Case<'_>, severity: Severity) -> Option<Text> {
    let assessed = kind.severity(case);
    let reason = if severity == assessed {
        kind.severity_reason(case)?
    } else {
        text![
            "SEVERITY_OVERRIDES says so; by itself it is ",
            assessed.as_str()
        ]
    };
    Some(text![severity.as_str(), " because ", reason, "."])
}

fn summary(
    config: &Config,
    kind: &Kind,
    case: &Case<'_>,
    source: &Source,
    sender: Option<&AccountId>,
) -> Text {
    let mut summary = Text::new();
    if let Some(sender) = sender {
        summary.sentence(text![
            "Another account sent this event: ",
            Untrusted::new(sender.as_str()),
            ". The account that is watched is ",
            Untrusted::new(config.alert_topic.account().as_str()),
            ". Whatever it says is the word of that account: look for yourself before you act."
        ]);
    }
    if let Some(replay) = &source.replay {
        // Nobody should be woken by the past.
        summary.sentence(text![
            "This is a replay (",
            replay,
            ") of what happened on ",
            case.at,
            "."
        ]);
    }
    summary.sentence(kind.summary(case));
    if case.actor.is_some_and(|actor| config.is_rescuer(actor)) {
        summary.sentence(
            "KMS Watch itself made this call, by its function key-rescue: the alert KeyRescued says why.",
        );
    }
    if source.via == Via::Sweep && kind.is_by_event() {
        summary.sentence("No event told of this; the sweep over all keys found it.");
        if case.actor.is_none() {
            summary.sentence("Who did it could not be found in CloudTrail's event history.");
        }
    }
    summary
}

fn links(kind: &Kind, subject: &Subject, source: &Source, key: Option<&Key>) -> Links {
    // A sweep has the id of a call from CloudTrail's event history, a rescue that of the call which it takes back.
    let recorded = matches!(source.via, Via::CloudTrail | Via::Sweep | Via::Rescue);
    let event_id = source.event_id.as_ref().filter(|_| recorded);
    Links {
        key: key.and_then(|key| link::key(&key.arn, key.manager.as_ref())),
        event: event_id
            .and_then(|id| link::event(subject.partition(), subject.region(), id.as_str())),
        alarm: kind.alarm().and_then(Alarm::link),
    }
}
