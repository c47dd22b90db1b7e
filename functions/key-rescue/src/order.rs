//! What is to be taken back, as an event or an invocation says. Pure. Nothing of it is believed that KMS can be asked.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use watch_core::actor::Actor;
use watch_core::arn::{KeyArn, TopicArn};
use watch_core::event::{CloudTrailEvent, Event};
use watch_core::hash::short_hash;
use watch_core::kinds::{RescueAction, RescueOrder, RescueTrigger};
use watch_core::text::Untrusted;

/// KMS's default, where a request names no waiting period (KMS API Reference, ScheduleKeyDeletion).
const DEFAULT_WINDOW_DAYS: u32 = 30;

/// What is to be taken back.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which key.
    pub key: KeyArn,
    /// What takes it back.
    pub action: RescueAction,
    /// Who asks for it.
    pub asked: Asked,
}

/// Who asks for a rescue.
#[derive(Clone, Debug)]
pub enum Asked {
    /// An event.
    Event(Box<Cause>),
    /// Whoever invoked the function, with Lambda's id of the invocation.
    Button(String),
}

/// What was done to a key.
#[derive(Clone, Debug)]
pub struct Cause {
    /// CloudTrail's id of the call, the same for each of its records.
    pub call: String,
    /// CloudTrail's id of the record.
    pub event_id: Option<Untrusted>,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: Actor,
    /// EventBridge sent the event again, long after.
    pub is_replay: bool,
    /// The account whose event it is.
    pub is_own: bool,
    /// When KMS deletes the key, as the call set it.
    pub deletion_at: Option<Timestamp>,
}

impl Order {
    /// What an event says of a call that may be taken back. The error says why there is none.
    ///
    /// # Errors
    ///
    /// If there is nothing to take back.
    pub fn of_event(event: &Event, home: &TopicArn) -> Result<Self, Cow<'static, str>> {
        let Event::CloudTrail(record) = event else {
            return Err("no call of KMS that can be taken back".into());
        };
        let name = record.name.as_str();
        let action = RescueAction::of_event(name)
            .ok_or_else(|| Cow::from(format!("{name} is no call that key-rescue can take back")))?;
        if let Some(code) = &record.error_code {
            let reason = format!("{name} failed with {}: nothing to take back", code.as_str());
            return Err(reason.into());
        }
        if record.is_callers_copy() {
            return Err("the key is another account's".into());
        }
        let key = record.key.clone().ok_or("the event names no key")?;
        Ok(Self {
            key,
            action,
            asked: Asked::Event(Box::new(Cause::of(record, home)?)),
        })
    }

    /// What an invocation by hand asks for; `None` if the payload is none.
    ///
    /// # Errors
    ///
    /// If it is one, and not of this form.
    pub fn of_button(
        payload: &Value,
        home: &TopicArn,
        request: &str,
    ) -> Option<Result<Self, &'static str>> {
        let asked = payload.get("rescue")?;
        Some(Self::read_button(payload, asked, home, request))
    }

    fn read_button(
        payload: &Value,
        asked: &Value,
        home: &TopicArn,
        request: &str,
    ) -> Result<Self, &'static str> {
        let action = asked.as_str().and_then(RescueAction::of_command);
        let action = action
            .ok_or("rescue is none of cancel-key-deletion, enable-key-rotation and enable-key")?;
        let region = payload["region"].as_str();
        if region != Some(home.region().as_str()) {
            return Err("region is not the Region of this function");
        }
        // An ARN is no id: in which account the key is, nobody may say but the function.
        let id = payload["keyId"].as_str().filter(|id| KeyArn::is_key_id(id));
        let id = id.ok_or("keyId is no key id")?;
        let (partition, account) = (home.partition().clone(), home.account().clone());
        let key = KeyArn::new(partition, home.region().clone(), account, id);
        Ok(Self {
            key: key.map_err(|_| "keyId is no key id")?,
            action,
            asked: Asked::Button(request.to_owned()),
        })
    }

    /// The name of what was done: the same each time it is told.
    pub fn occurrence(&self) -> String {
        match &self.asked {
            Asked::Event(cause) => format!("call#{}", cause.call),
            Asked::Button(request) => format!("button#{}", short_hash(request)),
        }
    }

    /// What was done, if an event says so.
    pub fn cause(&self) -> Option<&Cause> {
        match &self.asked {
            Asked::Event(cause) => Some(cause),
            Asked::Button(_) => None,
        }
    }

    /// The order as an alert has it.
    pub fn told(&self) -> RescueOrder {
        let cause = self.cause();
        RescueOrder {
            action: self.action,
            trigger: match self.asked {
                Asked::Event(_) => RescueTrigger::Event,
                Asked::Button(_) => RescueTrigger::Button,
            },
            caused_by: cause.map(|cause| cause.actor.name.clone()),
            occurrence: Untrusted::bounded(&self.occurrence(), 128),
        }
    }
}

impl Cause {
    fn of(record: &CloudTrailEvent, home: &TopicArn) -> Result<Self, &'static str> {
        let ids = [
            &record.shared_event_id,
            &record.original_event_id,
            &record.event_id,
            &record.envelope.id,
        ];
        let call = ids.into_iter().find_map(Option::as_ref);
        let at = record.time.ok_or("the event does not say when")?;
        let days = record
            .call
            .days("pendingWindowInDays")
            .or_else(|| record.call.has_request().then_some(DEFAULT_WINDOW_DAYS));
        let window = days.map(|days| SignedDuration::from_hours(24 * i64::from(days)));
        Ok(Self {
            call: call.ok_or("the event has no id")?.as_str().to_owned(),
            event_id: record.event_id.clone().or(record.envelope.id.clone()),
            at,
            actor: record.actor.clone(),
            is_replay: record.envelope.replay.is_some(),
            // An event that does not say whose it is, is nobody's.
            is_own: record.envelope.account.as_ref() == Some(home.account()),
            deletion_at: window.and_then(|window| at.checked_add(window).ok()),
        })
    }
}
