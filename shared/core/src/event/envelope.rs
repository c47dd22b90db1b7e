//! What all events share, and how their members are read: tolerant of everything but the absence of what makes an event
//! an event.

use jiff::Timestamp;
use serde_json::Value;

use crate::arn::{AccountId, Region};
use crate::text::{Untrusted, is_identifier};

/// The members that all events share.
#[derive(Clone, Debug, Default)]
pub struct Envelope {
    /// EventBridge's id of this delivery of the event.
    pub id: Option<Untrusted>,
    /// `aws.kms`, …
    pub source: Untrusted,
    /// `KMS CMK Deletion`, `AWS API Call via CloudTrail`, …
    pub detail_type: Untrusted,
    /// The account that the event came from.
    pub account: Option<AccountId>,
    /// The Region that the event came from.
    pub region: Option<Region>,
    /// When it happened, to the second.
    pub time: Option<Timestamp>,
    /// The EventBridge replay that sent it again.
    pub replay: Option<Untrusted>,
}

impl Envelope {
    pub(super) fn read(value: &Value) -> Result<Self, Unreadable> {
        if !value.is_object() {
            return Err(Unreadable::NoEvent("not an object"));
        }
        let required = |name: &str, missing| text(&value[name]).ok_or(Unreadable::NoEvent(missing));
        let source = required("source", "no source")?;
        let detail_type = required("detail-type", "no detail-type")?;
        if !value["detail"].is_object() {
            return Err(Unreadable::NoEvent("no detail"));
        }
        Ok(Self {
            id: text(&value["id"]),
            source,
            detail_type,
            account: value["account"].as_str().and_then(AccountId::new),
            region: value["region"].as_str().and_then(Region::new),
            time: time(&value["time"]),
            replay: text(&value["replay-name"]),
        })
    }
}

/// Why a JSON value is no event that can be acted on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Not even the members that every event of EventBridge has.
    #[error("the JSON is no event: {0}")]
    NoEvent(&'static str),
    /// A wrapper around an event that is itself damaged.
    #[error("the {wrapper} holds no event: {problem}")]
    Wrapper {
        /// What kind of wrapper.
        wrapper: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
    /// An event that tells of a key, without the key.
    #[error("the event names no key")]
    NoKey,
    /// An event that tells of a custom key store, without the store.
    #[error("the event names no custom key store")]
    NoKeyStore,
}

/// A member that should be text; empty counts as absent.
pub(super) fn text(value: &Value) -> Option<Untrusted> {
    value
        .as_str()
        .map(Untrusted::new)
        .and_then(Untrusted::non_empty)
}

/// A member that should be a moment (RFC 3339), cut to whole seconds.
pub(super) fn time(value: &Value) -> Option<Timestamp> {
    let at: Timestamp = value.as_str()?.trim().parse().ok()?;
    Timestamp::from_second(at.as_second()).ok()
}

/// A 64-digit id of key material.
pub(super) fn material_id(value: &Value) -> Option<String> {
    let id = value.as_str().filter(|id| is_identifier(id))?;
    Some(id.to_owned())
}
