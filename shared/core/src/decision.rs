//! Deciding: what a function makes of an event. Pure.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::actor::Actor;
use crate::arn::{AccountId, KeyArn};
use crate::event::{
    AlarmEvent, AlarmState, ApiCall, CloudTrailEvent, Event, KmsEvent, ShareEvent, Unreadable,
};
use crate::hash::short_hash;
use crate::kinds::{AlarmRecovered, Kind, WatchTest, key_store_of};
use crate::ledger::profile::Swept;
use crate::source::{Source, Via};
use crate::subject::Subject;
use crate::text::Untrusted;

/// What makes a function: what it makes of an event.
pub type Decide = fn(&Event) -> Decision;

/// What a function makes of an event.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Nothing, and why.
    Ignore(Cow<'static, str>),
    /// An alert.
    Report(Box<Occurrence>),
    /// It is this function's business, but cannot be understood.
    Unreadable(Unreadable),
}

impl Decision {
    /// Nothing, because other functions look after such events.
    pub fn not_mine(event: &Event) -> Self {
        let envelope = event.envelope();
        let what = match event {
            Event::CloudTrail(event) | Event::OtherCall(event) => &event.name,
            Event::Share(event) => &event.what,
            Event::Kms(_) | Event::Alarm(_) | Event::Other(_) => &envelope.detail_type,
        };
        Self::Ignore(
            format!(
                "{} of {} is not watched by this function",
                what.as_str(),
                envelope.source.as_str()
            )
            .into(),
        )
    }
}

impl Decision {
    /// A change that CloudTrail recorded, worded by `kind`; nothing if the call changed nothing here.
    pub fn change<K: Into<Kind>>(
        event: &CloudTrailEvent,
        kind: impl FnOnce(&ApiCall) -> K,
    ) -> Self {
        if let Some(ignored) = Self::attempt(event) {
            return ignored;
        }
        if event.is_callers_copy() {
            let name = event.name.as_str();
            let reason = format!(
                "{name} was made on another account's key: the owner has its own copy of the record"
            );
            return Self::Ignore(reason.into());
        }
        Occurrence::of_cloudtrail(event, kind(&event.call)).into()
    }

    /// A change of a custom key store that CloudTrail recorded, worded by `kind`; nothing if the call failed.
    pub fn store_change<K: Into<Kind>>(
        event: &CloudTrailEvent,
        kind: impl FnOnce(&ApiCall) -> K,
    ) -> Self {
        Self::attempt(event).unwrap_or_else(|| {
            event
                .require_key_store()
                .map(|store| Occurrence::of_cloudtrail_on(store, event, kind(&event.call)))
                .into()
        })
    }

    /// What happened to a resource share, worded by `kind`; nothing if the call failed, or if the key is another account's.
    pub fn share(event: &ShareEvent, kind: impl Into<Kind>) -> Self {
        if let Some(ignored) = event.record.as_ref().and_then(Self::attempt) {
            return ignored;
        }
        let own = |key: &&KeyArn| {
            event
                .account()
                .is_none_or(|account| key.account() == account)
        };
        let key = event.keys.iter().find(own);
        if key.is_none() && !event.keys.is_empty() {
            return Self::Ignore("the share is of another account's key".into());
        }
        let subject = key.cloned().map(Subject::Key).or_else(|| event.home());
        let Some(subject) = subject else {
            return Self::Unreadable(Unreadable::NoEvent("no account or Region"));
        };
        match &event.record {
            Some(record) => Occurrence::of_cloudtrail_on(subject, record, kind),
            None => Occurrence::of_share(subject, event, kind),
        }
        .into()
    }

    fn attempt(event: &CloudTrailEvent) -> Option<Self> {
        let (name, code) = (event.name.as_str(), event.error_code.as_ref()?.as_str());
        let reason = format!("{name} failed with {code}: an attempt changes nothing");
        Some(Self::Ignore(reason.into()))
    }
}

impl Decision {
    /// An alarm that went off, worded by `kind`, or one that is over.
    pub fn alarm<K: Into<Kind>>(event: &AlarmEvent, kind: impl FnOnce(&AlarmEvent) -> K) -> Self {
        if event.is_grouped() && event.contributor.is_none() {
            let reason = "the alarm watches several time series, each of which tells by itself";
            return Self::Ignore(reason.into());
        }
        let kind = match event.current.state {
            AlarmState::Alarm => kind(event).into(),
            AlarmState::Ok | AlarmState::InsufficientData => AlarmRecovered::of(event).into(),
            AlarmState::Other(_) => {
                return Self::Unreadable(Unreadable::NoEvent("a state.value that is not known"));
            }
        };
        Occurrence::of_alarm(event, kind).into()
    }
}

impl From<Occurrence> for Decision {
    fn from(occurrence: Occurrence) -> Self {
        Self::Report(Box::new(occurrence))
    }
}

impl From<Result<Occurrence, Unreadable>> for Decision {
    fn from(result: Result<Occurrence, Unreadable>) -> Self {
        result.map_or_else(Self::Unreadable, Self::from)
    }
}

/// Something that happened and is worth an alert.
#[derive(Clone, Debug)]
pub struct Occurrence {
    /// What happened.
    pub kind: Kind,
    /// To what.
    pub subject: Subject,
    /// When; `None` if the event does not say.
    pub occurred_at: Option<Timestamp>,
    /// Who did it.
    pub actor: Option<Actor>,
    /// How we heard of it.
    pub source: Source,
    /// CloudTrail's id of the call, shared by its copies in several accounts, and by what CloudTrail adds later.
    pub call_id: Option<String>,
    /// The sweep saw that it happened, within this time, and found no record of the call.
    pub unrecorded: Option<Swept>,
    /// The account that sent the event, if it is not the one that is watched: everything in the event is its word.
    pub sender: Option<AccountId>,
}

/// The id of the alert about what happened to `subject`.
pub(crate) fn alert_id(subject: &Subject, identity: &str, occurred_at: Timestamp) -> String {
    let partition = subject.partition_key();
    short_hash(&format!("{partition}\n{identity}\n{occurred_at}"))
}

impl Occurrence {
    /// An occurrence that KMS itself told of.
    pub fn of_kms_event(event: &KmsEvent, kind: impl Into<Kind>) -> Self {
        Self {
            kind: kind.into(),
            subject: Subject::Key(event.key.clone()),
            occurred_at: event.envelope.time,
            actor: Some(Actor::kms()),
            source: Source {
                via: Via::Kms,
                event_id: event.envelope.id.clone(),
                detail_type: Some(event.envelope.detail_type.clone()),
                event_name: None,
                replay: event.envelope.replay.clone(),
            },
            call_id: None,
            unrecorded: None,
            sender: None,
        }
    }

    /// An occurrence that CloudTrail told of.
    ///
    /// # Errors
    ///
    /// If the record names no key.
    pub fn of_cloudtrail(
        event: &CloudTrailEvent,
        kind: impl Into<Kind>,
    ) -> Result<Self, Unreadable> {
        Ok(Self::of_cloudtrail_on(
            Subject::Key(event.require_key()?),
            event,
            kind,
        ))
    }

    /// An occurrence that CloudTrail told of, to `subject`.
    pub fn of_cloudtrail_on(
        subject: Subject,
        event: &CloudTrailEvent,
        kind: impl Into<Kind>,
    ) -> Self {
        Self {
            kind: kind.into(),
            subject,
            occurred_at: event.time,
            actor: Some(event.actor.clone()),
            source: Source {
                via: Via::CloudTrail,
                event_id: event.event_id.clone().or_else(|| event.envelope.id.clone()),
                detail_type: Some(event.envelope.detail_type.clone()),
                event_name: Some(event.name.clone()),
                replay: event.envelope.replay.clone(),
            },
            // A record that adds to an earlier one has an id of its own, and tells of the same call.
            call_id: event
                .shared_event_id
                .as_ref()
                .or(event.original_event_id.as_ref())
                .or(event.event_id.as_ref())
                .or(event.envelope.id.as_ref())
                .map(|id| id.as_str().to_owned()),
            unrecorded: None,
            sender: None,
        }
    }

    /// A test that a person handed over: CloudTrail has no record of it to look at, and who it was it does not say.
    pub fn of_test(subject: Subject, event: &CloudTrailEvent, kind: WatchTest) -> Self {
        let mut occurrence = Self::of_cloudtrail_on(subject, event, kind);
        occurrence.actor = None;
        occurrence.source.event_id = None;
        occurrence
    }

    /// An occurrence that AWS RAM itself told of: who did it, it does not say.
    fn of_share(subject: Subject, event: &ShareEvent, kind: impl Into<Kind>) -> Self {
        let envelope = &event.envelope;
        Self {
            kind: kind.into(),
            subject,
            occurred_at: envelope.time,
            actor: None,
            source: Source {
                via: Via::Ram,
                event_id: envelope.id.clone(),
                detail_type: Some(envelope.detail_type.clone()),
                event_name: None,
                replay: envelope.replay.clone(),
            },
            call_id: envelope.id.as_ref().map(|id| id.as_str().to_owned()),
            unrecorded: None,
            sender: None,
        }
    }

    /// An occurrence that a CloudWatch alarm told of.
    ///
    /// # Errors
    ///
    /// If nothing says in which account and Region.
    pub fn of_alarm(event: &AlarmEvent, kind: impl Into<Kind>) -> Result<Self, Unreadable> {
        let subject = match event.key() {
            Some(key) => Subject::Key(key),
            None => {
                let place = event.partition.clone().zip(event.about_account());
                let ((partition, account), region) = place
                    .zip(event.region.clone())
                    .ok_or(Unreadable::NoEvent("no account or Region"))?;
                // Of a key store in another account KMS cannot be asked here.
                let is_own = event.account.as_ref() == Some(&account);
                match key_store_of(event).filter(|_| is_own) {
                    Some(id) => Subject::KeyStore {
                        partition,
                        account,
                        region,
                        id,
                    },
                    None => Subject::Account {
                        partition,
                        account,
                        region,
                    },
                }
            }
        };
        Ok(Self {
            kind: kind.into(),
            subject,
            occurred_at: event.occurred_at(),
            actor: None,
            source: Source {
                via: Via::Alarm,
                event_id: event.envelope.id.clone(),
                detail_type: Some(event.envelope.detail_type.clone()),
                event_name: None,
                replay: event.envelope.replay.clone(),
            },
            call_id: None,
            unrecorded: None,
            sender: None,
        })
    }

    /// An occurrence of which no event told: the sweep over all keys found it.
    pub fn of_sweep(
        subject: Subject,
        kind: impl Into<Kind>,
        occurred_at: Timestamp,
        actor: Option<Actor>,
    ) -> Self {
        Self {
            kind: kind.into(),
            subject,
            occurred_at: Some(occurred_at),
            actor,
            source: Source {
                via: Via::Sweep,
                event_id: None,
                detail_type: None,
                event_name: None,
                replay: None,
            },
            call_id: None,
            unrecorded: None,
            sender: None,
        }
    }

    /// What KMS Watch did to a key, or left, because of the event with the id `event_id`, if it was one.
    pub fn of_rescue(
        key: KeyArn,
        kind: impl Into<Kind>,
        occurred_at: Timestamp,
        event_id: Option<Untrusted>,
    ) -> Self {
        let mut occurrence = Self::of_sweep(Subject::Key(key), kind, occurred_at, None);
        occurrence.source.via = Via::Rescue;
        occurrence.source.event_id = event_id;
        occurrence
    }

    /// What happened, independent of who told: the same for every telling of one occurrence.
    pub fn identity(&self) -> String {
        self.kind
            .identity(self.call_id.as_deref(), self.occurred_at)
    }

    /// The alert's id.
    pub fn alert_id(&self, occurred_at: Timestamp) -> String {
        alert_id(&self.subject, &self.identity(), occurred_at)
    }
}
